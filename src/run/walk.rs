//! One layer in one direction along time, for some of the rows.

use crate::cell::Cell;
use crate::layout::{Layout, Step, Steps, sequence_at};
use crate::rows::{Floats, Rows, RowsMut};
use crate::simd::backend::Backend;
use crate::simd::pass::{Ahead, Pass};

/// Tokens whose input halves are computed ahead of their states: enough rows for tall tiles, few enough to stay near.
pub(super) const WINDOW: usize = 24;

/// Where fewer sequences than this run, the input halves are worth to be computed ahead: reading the panel costs more
/// than the arithmetic.
const FEW: usize = 4;

/// Fewer inputs than this cost less than to store and load their sums.
const MANY_INPUTS: usize = 16;

/// What a walk reads and writes.
pub(super) struct Walk<'w> {
    pub(super) layout: &'w Layout<'w>,
    pub(super) backend: Backend,
    pub(super) reverse: bool,
    /// Holds the initial states and receives the final ones, in the caller's order.
    pub(super) h: RowsMut<'w>,
    /// Where the states go that are no final ones: packed, each to a row of its own, where the next step reads it; else
    /// here and to the final states' place in turns, in the caller's order.
    pub(super) others: RowsMut<'w>,
    /// Room for sums computed ahead.
    pub(super) ahead: Floats<'w>,
    /// The last step's, and before the next one changed where that differs: a copy would wait for what was just written.
    /// At the beginning it holds the places that walk, from `first` to before `end`; no rows of others are touched.
    pub(super) pass: Pass<'w>,
}

/// How far a walk has come.
pub(super) struct Progress<'w> {
    /// The steps that are left.
    steps: Steps<'w>,
    /// The step made last.
    before: Step,
    /// It wrote to the final states' place, of the two that are written in turns.
    turn: bool,
    window: Window,
}

/// Packed rows whose sums are at hand: row `first` is the first of the sums.
#[derive(Clone, Copy)]
struct Window {
    first: usize,
    count: usize,
    /// How many there is room for.
    room: usize,
    /// From this packed row on, sums are computed ahead: few sequences run, and none but those that walk.
    few_from: usize,
}

impl<'w> Progress<'w> {
    /// At the beginning of a walk of these places, with room for the sums of so many rows.
    pub(super) fn of(layout: &Layout<'w>, first: usize, end: usize, room: usize) -> Self {
        let room = room.min(WINDOW);
        // Rows beside the first ones stand apart in the packed input, so that no window holds them.
        let few_from = if first > 0 || room < 2 * FEW {
            layout.tokens()
        } else {
            let lengths = layout.sorted_lengths();
            lengths.get(end.min(FEW - 1)).map_or(0, |&length| layout.offset(length as usize))
        };
        Self {
            steps: layout.walk_of(first),
            before: Step { t: 0, rows: 0, offset: 0 },
            turn: false,
            window: Window { first: 0, count: 0, room, few_from },
        }
    }

    pub(super) fn steps_left(&self) -> usize {
        self.steps.len()
    }
}

impl<'w> Walk<'w> {
    /// Puts the states where the first step reads them; `None` gives zeros.
    pub(super) fn begin(&self, h0: Option<Rows<'_>>, c0: Option<Rows<'_>>) {
        let Pass { first, end, order, packed, .. } = self.pass;
        for place in first..end {
            let row = sequence_at(order, place);
            self.h.begin_row(row, h0);
            self.pass.c.begin_row(row, c0);
            if !packed {
                // Either place of the states may be the one that a sequence begins from.
                self.others.copy_row(row, self.h.read(), row);
            }
        }
    }

    /// Goes on for at most so many steps, and tells how many it made: fewer only at the end, where the final states are
    /// then in their place.
    pub(super) fn advance<C: Cell>(&mut self, progress: &mut Progress<'_>, most: usize) -> usize {
        let Progress { steps, before, turn, window } = progress;
        let made = steps.len().min(most);
        let Pass { first, end, packed, .. } = self.pass;
        for _ in 0..made {
            let Some(step) = (if self.reverse { steps.next_back() } else { steps.next() }) else { break };
            let step = Step { rows: step.rows.min(end), ..step };
            // Those that went on no further have their final states there.
            self.finish(step.rows.max(first)..before.rows, *before, *turn);
            let ahead = self.ahead::<C>(window, step);
            let pass = &mut self.pass;
            if packed {
                (pass.before, pass.continued) = (before.offset, before.rows);
            } else {
                let (from, out) = if *turn { (self.h, self.others) } else { (self.others, self.h) };
                (pass.h, pass.out, pass.continued) = (from.read(), out, step.rows);
            }
            (pass.offset, pass.end, pass.ahead) = (step.offset, step.rows, ahead);
            C::pass(self.backend, pass);
            (*before, *turn) = (step, !*turn);
        }
        if steps.len() == 0 {
            self.finish(first..before.rows, *before, *turn);
        }
        made
    }

    /// Copies the states of some places, which the last step wrote, to where the final ones are to be.
    #[inline(always)]
    fn finish(&self, places: core::ops::Range<usize>, before: Step, turn: bool) {
        let Pass { order, packed, .. } = self.pass;
        if packed || !turn {
            for place in places {
                let row = sequence_at(order, place);
                self.h.copy_row(row, self.others.read(), if packed { before.offset + place } else { row });
            }
        }
    }

    /// For the sums of how many rows there is room, if they are worth to be computed ahead.
    pub(super) fn room<C: Cell>(&self) -> usize {
        let shape = self.pass.panel.shape();
        if !self.backend.goes_ahead() || shape.inputs < MANY_INPUTS {
            return 0;
        }
        self.ahead.rows(C::GATES * shape.units).count()
    }

    /// The sums of a step's input halves, if they are worth to be computed ahead: from the window, which moves on along
    /// the walk where the step is not in it.
    fn ahead<C: Cell>(&self, window: &mut Window, step: Step) -> Ahead<'w> {
        if !self.backend.goes_ahead() || step.offset < window.few_from {
            return Ahead::No;
        }
        let room = window.room;
        let sums = self.ahead.counted(room, C::GATES * self.pass.panel.shape().units);
        let end = step.offset + step.rows;
        if step.offset < window.first || end > window.first + window.count {
            let (first, last) = if self.reverse {
                (end.saturating_sub(room).max(window.few_from), end)
            } else {
                (step.offset, self.layout.tokens().min(step.offset + room))
            };
            (window.first, window.count) = (first, last - first);
            let ahead = Ahead::Write(sums);
            let pass = Pass { offset: first, ahead, first: 0, end: window.count, ..self.pass };
            C::pass(self.backend, &pass);
        }
        Ahead::Read(sums.read().skip(step.offset - window.first))
    }
}
