//! One layer in one direction along time, row after row: without vectors, all that a row gains from another beside it is
//! the part of the panel that is near.
//!
//! A sequence's state so far stands where its final one is to be: each step's outputs are copied there.

use super::given::Run;
use super::part::Part;
use crate::cell::Cell;
use crate::device::{SMALL, one_turn};
use crate::layout::{Step, sequence_at};
use crate::model::Model;
use crate::rows::{Floats, FloatsMut};
use crate::simd::octet::Row;
use crate::weights::panel::{OCTET, Panel};
use core::ops::Range;

impl Part {
    /// Makes at most so many steps of this layer in this direction, and tells how many.
    #[inline(always)]
    pub(super) fn advance_alone<C: Cell>(&mut self, run: &Run<'_, '_, C>, panel: Panel<'_>, most: usize) -> usize {
        self.begin(run);
        let mut left = most;
        // What a step or a row asks is found each time anew: what outlives a row's computation is on the stack meanwhile.
        while left > 0
            && let Some(step) = self.next(run)
        {
            let places = [self.first, step.rows.min(self.end)];
            run.step_alone(&panel, [self.layer, self.direction()], places, step);
            left -= 1;
        }
        most - left
    }
}

/// Takes a panel an octet of units at a time, and each octet for all rows while it is near; `visit` is told whether it is
/// the last. A microcontroller, which most often has no cache, takes each row at once.
#[inline(always)]
fn each_part(panel: &Panel<'_>, rows: Range<usize>, mut visit: impl FnMut(usize, Range<usize>, bool)) {
    let all = panel.shape().units;
    let mut first = 0;
    loop {
        let end = if SMALL { all } else { all.min(first + OCTET) };
        for row in rows.clone() {
            one_turn();
            visit(row, first..end, end == all);
        }
        first = end;
        if SMALL || first == all {
            return;
        }
    }
}

impl<C: Cell> Run<'_, '_, C> {
    #[inline(always)]
    fn step_alone(&self, panel: &Panel<'_>, [layer, direction]: [usize; 2], [first, end]: [usize; 2], step: Step) {
        each_part(panel, first..end, |place, units, last| {
            let directions = self.model.shape.direction;
            let (outputs, inputs) = self.outputs(layer);
            let sequence = sequence_at(self.layout.order(), place);
            let token = step.offset + place;
            let state = self.states(layer, direction) + sequence;
            let out = match self.last(layer) {
                Some(last) => (last, direction * self.layout.batch() + sequence),
                None => (outputs, token * directions.count() + direction),
            };
            let (h, c, next) =
                ((self.given.hn.read(), state), (self.given.cn, state), last.then_some((self.given.hn, state)));
            C::row(panel, &Row { x: (inputs, token), h, c, out, next, units });
        });
    }
}

impl<C: Cell> Model<'_, C> {
    /// One step of `batch` streams, all of whose slices have been checked.
    #[inline(never)]
    pub(super) fn step_alone(&self, batch: usize, input: &[f32], h_in: &[f32], h_out: &mut [f32], c: &mut [f32]) {
        let (h, c, out) = (Floats::new(h_in), FloatsMut::new(c), FloatsMut::new(h_out));
        let mut inputs = Floats::new(input);
        for layer in 0..self.shape.num_layers {
            let Some(panel) = self.panel(layer, 0) else { return };
            let (first, before) = (layer * batch, layer.saturating_sub(1) * batch);
            each_part(&panel, 0..batch, |row, units, _| {
                let (x, state) = ((inputs, before + row), first + row);
                C::row(&panel, &Row { x, h: (h, state), c: (c, state), out: (out, state), next: None, units });
            });
            inputs = out.read();
        }
    }
}
