//! One layer in one direction along time, several rows together.

use super::given::Run;
use super::part::Part;
use super::window::{WINDOW, Window};
use crate::cell::Cell;
use crate::layout::{End, Step, sequence_at};
use crate::rows::RowsMut;
use crate::simd::pass::{Ahead, Pass};
use crate::weights::panel::Panel;

/// A panel of at most so many floats is held by a core's first cache, and by its second.
const NEAR: usize = 10 << 10;
const FULL: usize = 1 << 18;

/// Fewer inputs than this cost less than to store and load their sums.
const MANY_INPUTS: usize = 16;

/// What a walk reads and writes.
struct Walk<'w, C: Cell> {
    run: &'w Run<'w, 'w, C>,
    reverse: bool,
    /// Of the rows that hold the initial states and receive the final ones, and those where the other states go, the ones
    /// that are not `pass.out`. The others are packed, each with a row of its own, where the next step reads it: then this
    /// is always the final states' place. Or both are in the caller's order, and written in turns.
    other: RowsMut<'w>,
    /// Of two that are written in turns, the last step wrote to the final states' place, which is otherwise `other`.
    turned: bool,
    /// The last step's, and before the next one changed where that differs: a copy would wait for what was just written.
    /// At the beginning it holds the places that walk, from `first` to before `end`; no rows of others are touched.
    pass: Pass<'w>,
}

impl Part {
    /// Makes at most so many steps of this layer in this direction, several rows together, and tells how many.
    #[inline(always)]
    pub(super) fn advance_together<C: Cell>(&mut self, run: &Run<'_, '_, C>, panel: Panel<'_>, most: usize) -> usize {
        let at = [self.layer, self.direction()];
        let places = [self.first, self.end];
        let begins = self.begin(run);
        let left = self.left(run);
        let Some(window) = self.window.first_mut() else { return 0 };
        let mut walk = run.walk(panel, at, places, !(run.layout.steps_of(self.first) - left).is_multiple_of(2));
        if begins {
            walk.begin();
            *window = Window::of(run.layout, self.first, self.end, walk.room(), walk.few());
        }
        let made = left.min(most);
        walk.advance(&mut self.at, window, made, made == left);
        made
    }
}

impl<C: Cell> Run<'_, '_, C> {
    /// A layer in a direction, for some places, after an odd number of steps or an even one.
    fn walk<'w>(
        &'w self,
        panel: Panel<'w>,
        [layer, direction]: [usize; 2],
        [first, end]: [usize; 2],
        odd: bool,
    ) -> Walk<'w, C> {
        let (shape, hidden) = (self.model.shape, self.model.shape.hidden_size);
        let (batch, tokens, directions) = (self.layout.batch(), self.layout.tokens(), shape.direction.count());
        let (to, from) = self.outputs(layer);
        let last = self.last(layer);
        let (all, states) = (self.all_states(), self.states(layer, direction));
        let mut other = self.given.hn.counted(all, hidden).skip(states);
        let mut out = match last {
            Some(last) => last.counted(directions * batch, hidden).skip(direction * batch),
            None => to.counted(tokens, directions * hidden).columns(direction * hidden, hidden),
        };
        let turned = last.is_some() && odd;
        if turned {
            core::mem::swap(&mut other, &mut out);
        }
        Walk {
            run: self,
            reverse: self.is_reverse(direction),
            other,
            turned,
            pass: Pass {
                panel,
                order: self.layout.order(),
                x: from.counted(tokens, panel.shape().inputs),
                h: other.read(),
                out,
                packed: last.is_none(),
                continued: 0,
                offset: 0,
                before: 0,
                c: self.given.cn.counted(all, hidden).skip(states),
                ahead: Ahead::No,
                first,
                end,
            },
        }
    }
}

impl<'w, C: Cell> Walk<'w, C> {
    /// Of two places of the states that are written in turns, either may be the one that a sequence begins from.
    fn begin(&self) {
        let Pass { order, packed, ref out, first, end, .. } = self.pass;
        if !packed {
            for place in first..end {
                let row = sequence_at(order, place);
                out.copy_row(row, self.other.read(), row);
            }
        }
    }

    /// Goes on for so many steps, which must be there; behind the last one the final states are in their place.
    fn advance(&mut self, at: &mut End, window: &mut Window, steps: usize, last: bool) {
        let lengths = self.run.layout.sorted_lengths();
        let Pass { first, end, packed, .. } = self.pass;
        let mine = |step: Step| Step { rows: step.rows.min(end), ..step };
        let mut before = mine(at.given(self.reverse));
        for _ in 0..steps {
            let step = mine(if self.reverse { at.next_back(lengths) } else { at.next(lengths) });
            // Those that went on no further have their final states there.
            self.finish(step.rows.max(first)..before.rows, before);
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
            C::pass(self.run.model.backend, pass, step.t % 2 == 1);
            before = step;
            self.turned = !(packed || self.turned);
        }
        if last {
            self.finish(first..before.rows, before);
        }
    }

    /// Copies the states of some places, which the last step wrote, to where the final ones are to be.
    #[inline(always)]
    fn finish(&self, places: core::ops::Range<usize>, before: Step) {
        let Pass { order, packed, ref out, .. } = self.pass;
        if !self.turned {
            for place in places {
                let row = sequence_at(order, place);
                self.other.copy_row(row, out.read(), if packed { before.offset + place } else { row });
            }
        }
    }

    /// For the sums of how many rows there is room, if they are worth to be computed ahead.
    fn room(&self) -> usize {
        let shape = self.pass.panel.shape();
        if shape.inputs < MANY_INPUTS {
            return 0;
        }
        let (floats, row) = (self.run.given.ahead.len(), C::GATES * shape.units);
        // A division takes its time, and most often there is room for all that is worth it, or for none.
        match floats {
            0 => 0,
            _ if floats >= WINDOW * row => WINDOW,
            _ => floats.checked_div(row).unwrap_or(0),
        }
    }

    /// Fewer sequences than this are few: their input halves are worth to be computed ahead, because reading the panel
    /// costs more than the arithmetic.
    fn few(&self) -> usize {
        match self.pass.panel.shape().floats() {
            floats if floats <= NEAR => 2,
            floats if floats <= FULL => 4,
            _ => 5,
        }
    }

    /// The sums of a step's input halves, if they are worth to be computed ahead: from the window, which moves on along
    /// the walk where the step is not in it.
    fn ahead(&self, window: &mut Window, step: Step) -> Ahead<'w> {
        if !window.is_of(step) {
            return Ahead::No;
        }
        let sums = self.run.given.ahead.counted(window.room, C::GATES * self.pass.panel.shape().units);
        if window.move_to(step, self.reverse, self.run.layout.tokens()) {
            let ahead = Ahead::Write(sums);
            let pass = Pass { offset: window.first, ahead, first: 0, end: window.count, ..self.pass };
            C::pass(self.run.model.backend, &pass, false);
        }
        Ahead::Read(sums.read().skip(step.offset - window.first))
    }
}
