//! The window of tokens whose input halves are computed ahead of their states.

use crate::layout::{Layout, Step};

/// Tokens whose input halves are computed ahead of their states: enough rows for tall tiles, few enough to stay near.
pub(super) const WINDOW: usize = 24;

/// Packed rows whose sums are at hand: row `first` is the first of the sums.
#[derive(Clone, Copy, Default)]
pub(super) struct Window {
    pub(super) first: usize,
    pub(super) count: usize,
    /// How many there is room for.
    pub(super) room: usize,
    /// From this packed row on, sums are computed ahead: few sequences run, and none but those that walk.
    few_from: usize,
}

impl Window {
    /// At the beginning of a walk of these places, with room for the sums of so many rows, and fewer sequences than `few`
    /// being worth it.
    pub(super) fn of(layout: &Layout<'_>, first: usize, end: usize, room: usize, few: usize) -> Self {
        let room = room.min(WINDOW);
        // Rows beside the first ones stand apart in the packed input, so that no window holds them.
        let few_from = if first > 0 || room < 2 * few {
            layout.tokens()
        } else {
            let lengths = layout.sorted_lengths();
            lengths.get(end.min(few - 1)).map_or(0, |&length| layout.offset(length as usize))
        };
        Self { first: few_from, count: 0, room, few_from }
    }

    /// A step's sums are computed ahead.
    #[inline(always)]
    pub(super) fn is_of(&self, step: Step) -> bool {
        step.offset >= self.few_from
    }

    /// Moves on along the walk to a step that it does not hold, and tells whether it has moved.
    #[inline(always)]
    pub(super) fn move_to(&mut self, step: Step, reverse: bool, tokens: usize) -> bool {
        let end = step.offset + step.rows;
        let moves = step.offset < self.first || end > self.first + self.count;
        if moves {
            let (first, last) = if reverse {
                (end.saturating_sub(self.room).max(self.few_from), end)
            } else {
                (step.offset, tokens.min(step.offset + self.room))
            };
            (self.first, self.count) = (first, last - first);
        }
        moves
    }
}
