//! One layer in one direction along time, for some of the rows.

use crate::cell::Cell;
use crate::layout::{Layout, Step, Steps};
use crate::rows::{Rows, RowsMut};
use crate::simd::backend::Backend;
use crate::simd::pass::{Ahead, Pass};
use crate::weights::panel::Panel;

/// Tokens whose input halves are computed ahead of their states: enough rows for tall tiles, few enough to stay near.
pub(super) const WINDOW: usize = 24;

/// Where fewer sequences than this run, the input halves are worth to be computed ahead: reading the panel costs more
/// than the arithmetic.
const FEW: usize = 4;

/// Fewer inputs than this cost less than to store and load their sums.
const MANY_INPUTS: usize = 16;

/// Where the states go that are no final ones.
#[derive(Clone, Copy)]
pub(super) enum Outputs<'a> {
    /// Each to its packed row, where the next step reads it.
    All(RowsMut<'a>),
    /// In turns here and to the final states' place, one row for each sequence in sorted order.
    Last(RowsMut<'a>),
}

/// What a walk reads and writes. The states are views in sorted order on the caller's.
pub(super) struct Walk<'w> {
    pub(super) layout: Layout<'w>,
    pub(super) backend: Backend,
    pub(super) panel: Panel<'w>,
    pub(super) reverse: bool,
    pub(super) x: Rows<'w>,
    /// The initial states; `None` gives zeros.
    pub(super) h0: Option<Rows<'w>>,
    pub(super) c0: Option<Rows<'w>>,
    /// Holds the initial states and receives the final ones.
    pub(super) h: RowsMut<'w>,
    pub(super) c: RowsMut<'w>,
    pub(super) outputs: Outputs<'w>,
    /// The places of the sequences that walk: from `first` to before `end`. No rows of others are touched.
    pub(super) first: usize,
    pub(super) end: usize,
    /// Room for sums computed ahead.
    pub(super) ahead: RowsMut<'w>,
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
    /// From this packed row on, few sequences run, and none but those that walk.
    few_from: usize,
}

impl Progress<'_> {
    pub(super) fn steps_left(&self) -> usize {
        self.steps.len()
    }
}

impl<'w> Walk<'w> {
    /// At the beginning: the states are where the first step reads them.
    pub(super) fn begin(&self) -> Progress<'w> {
        for place in self.first..self.end {
            self.h.begin_row(place, self.h0);
            self.c.begin_row(place, self.c0);
            if let Outputs::Last(other) = self.outputs {
                // Either place of the states may be the one that a sequence begins from.
                other.copy_row(place, self.h.read());
            }
        }
        // Rows beside the first ones stand apart in the packed input, so that no window holds them.
        let few_from = if self.first > 0 {
            self.layout.tokens()
        } else {
            let lengths = self.layout.sorted_lengths();
            lengths.get(self.end.min(FEW - 1)).map_or(0, |&length| self.layout.offset(length as usize))
        };
        Progress {
            steps: self.layout.walk_of(self.first),
            before: Step { t: 0, rows: 0, offset: 0 },
            turn: false,
            window: Window { first: 0, count: 0, few_from },
        }
    }

    /// Goes on for at most so many steps, and tells how many it made: fewer only at the end, where the final states are
    /// then in their place.
    pub(super) fn advance<C: Cell>(&self, progress: &mut Progress<'w>, most: usize) -> usize {
        let mut steps = progress.steps.clone();
        let made = steps.len().min(most);
        let Progress { mut before, mut turn, mut window, .. } = *progress;
        // Changed in place from step to step: a copy of it would wait for what was just written.
        let mut pass = self.pass(self.first, 0);
        for _ in 0..made {
            let Some(step) = (if self.reverse { steps.next_back() } else { steps.next() }) else { break };
            let step = Step { rows: step.rows.min(self.end), ..step };
            // Those that went on no further have their final states there.
            self.finish(step.rows.max(self.first)..before.rows, before, turn);
            let (from, out, continued) = match self.outputs {
                Outputs::All(rows) => (rows.skip(before.offset), rows.skip(step.offset), before.rows),
                Outputs::Last(other) if turn => (self.h, other, step.rows),
                Outputs::Last(other) => (other, self.h, step.rows),
            };
            pass.ahead = self.ahead::<C>(&mut window, step);
            pass.x = self.x.skip(step.offset);
            pass.h = from.read();
            (pass.continued, pass.out, pass.end) = (continued, out, step.rows);
            C::pass(self.backend, &pass);
            (before, turn) = (step, !turn);
        }
        if steps.len() == 0 {
            self.finish(self.first..before.rows, before, turn);
        }
        *progress = Progress { steps, before, turn, window };
        made
    }

    /// Copies the states of some places, which the last step wrote, to where the final ones are to be.
    #[inline(always)]
    fn finish(&self, places: core::ops::Range<usize>, before: Step, turn: bool) {
        let written = match self.outputs {
            Outputs::All(rows) => rows.skip(before.offset),
            Outputs::Last(_) if turn => return,
            Outputs::Last(other) => other,
        };
        places.for_each(|place| self.h.copy_row(place, written.read()));
    }

    /// A pass over the places from `first` to before `end`, all of them at their beginning.
    fn pass(&self, first: usize, end: usize) -> Pass<'w> {
        Pass {
            panel: self.panel,
            x: self.x,
            h: self.h.read(),
            begin: self.h.read(),
            continued: 0,
            c: self.c,
            out: self.h,
            ahead: Ahead::No,
            first,
            end,
        }
    }

    /// The sums of a step's input halves, if they are worth to be computed ahead: from the window, which moves on along
    /// the walk where the step is not in it.
    fn ahead<C: Cell>(&self, window: &mut Window, step: Step) -> Ahead<'w> {
        if !self.backend.goes_ahead() {
            return Ahead::No;
        }
        let room = self.ahead.count().min(WINDOW);
        if step.offset < window.few_from || room < 2 * FEW || self.panel.shape().inputs < MANY_INPUTS {
            return Ahead::No;
        }
        let end = step.offset + step.rows;
        if step.offset < window.first || end > window.first + window.count {
            let (first, last) = if self.reverse {
                (end.saturating_sub(room).max(window.few_from), end)
            } else {
                (step.offset, self.layout.tokens().min(step.offset + room))
            };
            (window.first, window.count) = (first, last - first);
            let ahead = Ahead::Write(self.ahead);
            C::pass(self.backend, &Pass { x: self.x.skip(first), ahead, ..self.pass(0, window.count) });
        }
        Ahead::Read(self.ahead.read().skip(step.offset - window.first))
    }
}
