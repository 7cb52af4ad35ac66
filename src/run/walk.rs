//! One layer in one direction along time.

use crate::cell::Cell;
use crate::layout::{Layout, Step};
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
pub(super) struct Walk<'w, 'l> {
    pub(super) layout: &'w Layout<'l>,
    pub(super) backend: Backend,
    pub(super) panel: Panel<'w>,
    pub(super) reverse: bool,
    pub(super) x: Rows<'w>,
    /// Holds the initial states and receives the final ones.
    pub(super) h: RowsMut<'w>,
    pub(super) c: RowsMut<'w>,
    pub(super) outputs: Outputs<'w>,
}

impl<'w> Walk<'w, '_> {
    /// Walks along all steps. The rows of `ahead` are room for sums computed ahead.
    pub(super) fn run<C: Cell>(&self, ahead: RowsMut<'w>) {
        if let Outputs::Last(other) = self.outputs {
            // Either place of the states may be the one that a sequence begins from.
            (0..self.layout.batch()).for_each(|place| other.copy_row(place, self.h.read()));
        }
        let few_from = self.layout.sorted_lengths().get(FEW - 1).map_or(0, |&length| length as usize);
        let few_from = self.layout.offset(few_from);
        let mut window = Window { sums: ahead, first: 0, count: 0, few_from };
        let mut before = Step { t: 0, rows: 0, offset: 0 };
        // Where the last step wrote its states, a row for each place.
        let mut written = self.h;
        let mut turn = false;
        // Changed in place from step to step: a copy of it would wait for what was just written.
        let mut pass = self.pass(0);
        let mut visit = |step: Step| {
            // Those that went on no further have their final states there.
            (step.rows..before.rows).for_each(|place| self.h.copy_row(place, written.read()));
            let (from, out, continued) = match self.outputs {
                Outputs::All(rows) => (rows.skip(before.offset), rows.skip(step.offset), before.rows),
                Outputs::Last(other) if turn => (other, self.h, step.rows),
                Outputs::Last(other) => (self.h, other, step.rows),
            };
            pass.ahead = self.ahead::<C>(&mut window, step);
            pass.x = self.x.skip(step.offset);
            pass.h = from.read();
            (pass.continued, pass.out, pass.end) = (continued, out, step.rows);
            C::pass(self.backend, &pass);
            (before, written, turn) = (step, out, !turn);
        };
        if self.reverse {
            self.layout.walk().rev().for_each(&mut visit);
        } else {
            self.layout.walk().for_each(&mut visit);
        }
        (0..before.rows).for_each(|place| self.h.copy_row(place, written.read()));
    }

    /// A pass over the first rows, all of them at their beginning.
    fn pass(&self, rows: usize) -> Pass<'w> {
        Pass {
            panel: self.panel,
            x: self.x,
            h: self.h.read(),
            begin: self.h.read(),
            continued: 0,
            c: self.c,
            out: self.h,
            ahead: Ahead::No,
            first: 0,
            end: rows,
        }
    }

    /// The sums of a step's input halves, if they are worth to be computed ahead: from the window, which moves on along
    /// the walk where the step is not in it.
    fn ahead<C: Cell>(&self, window: &mut Window<'w>, step: Step) -> Ahead<'w> {
        let room = window.sums.count().min(WINDOW);
        if step.rows >= FEW || room < 2 * FEW || self.panel.shape().inputs < MANY_INPUTS {
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
            let ahead = Ahead::Write(window.sums);
            C::pass(self.backend, &Pass { x: self.x.skip(first), ahead, ..self.pass(window.count) });
        }
        Ahead::Read(window.sums.read().skip(step.offset - window.first))
    }
}

/// Packed rows whose sums are at hand: row `first` is the first of the sums.
struct Window<'a> {
    sums: RowsMut<'a>,
    first: usize,
    count: usize,
    /// From this packed row on, few sequences run.
    few_from: usize,
}
