//! One layer in one direction along time, for some of the rows.

use super::part::Run;
use crate::cell::Cell;
use crate::copy::SMALL;
use crate::layout::{Layout, Step, Steps, sequence_at};
use crate::rows::{Rows, RowsMut};
use crate::simd::pass::{Ahead, Pass};

/// Tokens whose input halves are computed ahead of their states: enough rows for tall tiles, few enough to stay near.
pub(super) const WINDOW: usize = 24;

/// A panel of at most so many floats is held by a core's first cache, and by its second.
const NEAR: usize = 10 << 10;
const FULL: usize = 1 << 18;

/// Fewer inputs than this cost less than to store and load their sums.
const MANY_INPUTS: usize = 16;

/// What a walk reads and writes.
pub(super) struct Walk<'w, C: Cell> {
    pub(super) run: &'w Run<'w, C>,
    pub(super) reverse: bool,
    /// Of the rows that hold the initial states and receive the final ones, and those where the other states go, the ones
    /// that are not `pass.out`. The others are packed, each with a row of its own, where the next step reads it: then this
    /// is always the final states' place. Or both are in the caller's order, and written in turns.
    pub(super) other: RowsMut<'w>,
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
    /// It wrote to the final states' place, of two that are written in turns.
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
    /// At the beginning of a walk of these places, with room for the sums of so many rows, and fewer sequences than `few`
    /// being worth it.
    pub(super) fn of(layout: &Layout<'w>, first: usize, end: usize, room: usize, few: usize) -> Self {
        let room = room.min(WINDOW);
        // Rows beside the first ones stand apart in the packed input, so that no window holds them.
        let few_from = if first > 0 || room < 2 * few {
            layout.tokens()
        } else {
            let lengths = layout.sorted_lengths();
            lengths.get(end.min(few - 1)).map_or(0, |&length| layout.offset(length as usize))
        };
        Self {
            steps: layout.walk_of(first),
            before: Step { t: 0, rows: 0, offset: 0 },
            turn: false,
            window: Window { first: few_from, count: 0, room, few_from },
        }
    }

    /// The step made last wrote to the final states' place, which is otherwise [`Walk::other`].
    pub(super) fn turned(&self) -> bool {
        self.turn
    }

    pub(super) fn steps_left(&self) -> usize {
        self.steps.len()
    }
}

impl<'w, C: Cell> Walk<'w, C> {
    /// Puts the states where the first step reads them; `None` gives zeros.
    pub(super) fn begin(&self, h0: Option<Rows<'_>>, c0: Option<Rows<'_>>) {
        for place in self.pass.first..self.pass.end {
            self.begin_place(place, h0, c0);
        }
    }

    /// A function of its own, of which the compiler makes no variants for what is the same at all places.
    #[inline(never)]
    fn begin_place(&self, place: usize, h0: Option<Rows<'_>>, c0: Option<Rows<'_>>) {
        let Pass { order, packed, ref c, ref out, .. } = self.pass;
        let row = sequence_at(order, place);
        self.other.begin_row(row, h0);
        c.begin_row(row, c0);
        if !packed {
            // Either place of the states may be the one that a sequence begins from.
            out.copy_row(row, self.other.read(), row);
        }
    }

    /// Goes on for at most so many steps, and tells how many it made: fewer only at the end, where the final states are
    /// then in their place.
    pub(super) fn advance(&mut self, progress: &mut Progress<'_>, most: usize) -> usize {
        let Progress { steps, before, turn, window } = progress;
        let made = steps.len().min(most);
        let Pass { first, end, packed, .. } = self.pass;
        for _ in 0..made {
            let Some(step) = (if self.reverse { steps.next_back() } else { steps.next() }) else { break };
            let step = Step { rows: step.rows.min(end), ..step };
            // Those that went on no further have their final states there.
            self.finish(step.rows.max(first)..before.rows, *before, *turn);
            let ahead = self.ahead(window, step);
            let pass = &mut self.pass;
            pass.before = before.offset;
            if packed {
                pass.continued = before.rows;
            } else {
                core::mem::swap(&mut pass.out, &mut self.other);
                pass.h = self.other.read();
            }
            (pass.offset, pass.end, pass.ahead) = (step.offset, step.rows, ahead);
            // A microcontroller has no cache.
            C::pass(self.run.model.backend, pass, !SMALL && step.t % 2 == 1);
            (*before, *turn) = (step, !(packed || *turn));
        }
        if steps.len() == 0 {
            self.finish(first..before.rows, *before, *turn);
        }
        made
    }

    /// Copies the states of some places, which the last step wrote, to where the final ones are to be.
    #[inline(always)]
    fn finish(&self, places: core::ops::Range<usize>, before: Step, turn: bool) {
        let Pass { order, packed, ref out, .. } = self.pass;
        if !turn {
            for place in places {
                let row = sequence_at(order, place);
                self.other.copy_row(row, out.read(), if packed { before.offset + place } else { row });
            }
        }
    }

    /// For the sums of how many rows there is room, if they are worth to be computed ahead.
    pub(super) fn room(&self) -> usize {
        let shape = self.pass.panel.shape();
        if !self.run.model.backend.goes_ahead() || shape.inputs < MANY_INPUTS {
            return 0;
        }
        self.run.ahead.rows(C::GATES * shape.units, 0).count()
    }

    /// Fewer sequences than this are few: their input halves are worth to be computed ahead, because reading the panel
    /// costs more than the arithmetic.
    pub(super) fn few(&self) -> usize {
        match self.pass.panel.shape().floats() {
            floats if floats <= NEAR => 2,
            floats if floats <= FULL => 4,
            _ => 5,
        }
    }

    /// The sums of a step's input halves, if they are worth to be computed ahead: from the window, which moves on along
    /// the walk where the step is not in it.
    fn ahead(&self, window: &mut Window, step: Step) -> Ahead<'w> {
        if !self.run.model.backend.goes_ahead() || step.offset < window.few_from {
            return Ahead::No;
        }
        let room = window.room;
        let sums = self.run.ahead.counted(room, C::GATES * self.pass.panel.shape().units);
        let end = step.offset + step.rows;
        if step.offset < window.first || end > window.first + window.count {
            let (first, last) = if self.reverse {
                (end.saturating_sub(room).max(window.few_from), end)
            } else {
                (step.offset, self.run.layout.tokens().min(step.offset + room))
            };
            (window.first, window.count) = (first, last - first);
            let ahead = Ahead::Write(sums);
            let pass = Pass { offset: first, ahead, first: 0, end: window.count, ..self.pass };
            C::pass(self.run.model.backend, &pass, false);
        }
        Ahead::Read(sums.read().skip(step.offset - window.first))
    }
}
