//! Some rows of a run through all its layers, at once or a piece at a time.
//!
//! No row of a run needs another one: what a layer reads of a sequence, the layer before wrote for the same sequence.

use super::walk::{Progress, Walk};
use crate::cell::Cell;
use crate::layout::Layout;
use crate::model::{Direction, Model};
use crate::rows::{Floats, Rows};
use crate::simd::pass::{Ahead, Pass};
use crate::weights::panel::Panel;
use core::ops::Range;

/// What a run reads and writes, whichever of its rows are worked on. All arguments have been checked.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a, C: Cell> {
    pub(crate) model: Model<'a, C>,
    pub(crate) layout: Layout<'a>,
    pub(super) input: &'a [f32],
    /// The states, `L * D * B` rows each in the caller's order.
    pub(super) h0: Option<&'a [f32]>,
    pub(super) c0: Option<&'a [f32]>,
    pub(super) hn: Floats<'a>,
    pub(super) cn: Floats<'a>,
    /// The packed outputs of the layers: the last one's in the first, those of the one before it in the second, and so
    /// on in turns.
    pub(super) outputs: [Floats<'a>; 2],
    /// The last layer keeps no outputs, but states here: `D * B` rows in the caller's order.
    pub(super) last: Option<Floats<'a>>,
    /// Room for sums computed ahead.
    pub(crate) ahead: Floats<'a>,
}

/// The rows of some places in some directions, and how far they are.
pub(crate) struct Part<'a> {
    first: usize,
    end: usize,
    directions: Range<usize>,
    layer: usize,
    direction: usize,
    /// Of this layer and direction; `None` before its beginning.
    progress: Option<Progress<'a>>,
}

impl<'a, C: Cell> Run<'a, C> {
    /// The same run with other room for sums computed ahead.
    #[inline(always)]
    pub(crate) fn with_ahead(&self, ahead: Floats<'a>) -> Self {
        Self { ahead, ..*self }
    }

    /// The first row of a layer's states in a direction.
    fn states(&self, layer: usize, direction: usize) -> usize {
        (layer * self.model.shape.direction.count() + direction) * self.layout.batch()
    }

    /// A layer in a direction, for some places, after a step that `turned`. Inlined, as a program most often has networks
    /// of one depth and direction.
    #[inline(always)]
    fn walk<'w>(
        &'w self,
        panel: Panel<'w>,
        [layer, direction]: [usize; 2],
        [first, end]: [usize; 2],
        turned: bool,
    ) -> Walk<'w, C> {
        let (shape, hidden) = (self.model.shape, self.model.shape.hidden_size);
        let output = shape.direction.count() * hidden;
        let after = shape.num_layers - 1 - layer;
        // In turns, so that a layer reads what it does not write.
        let [even, odd] = self.outputs;
        let (to, from) = if after.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        let states = self.states(layer, direction);
        let mut other = self.hn.rows(hidden, states);
        let mut out = match self.last {
            Some(last) if after == 0 => last.rows(hidden, direction * self.layout.batch()),
            _ => to.rows(output, 0).columns(direction * hidden, hidden),
        };
        if turned {
            core::mem::swap(&mut other, &mut out);
        }
        Walk {
            run: self,
            reverse: match shape.direction {
                Direction::Forward => false,
                Direction::Reverse => true,
                Direction::Bidirectional => direction == 1,
            },
            other,
            pass: Pass {
                panel,
                order: self.layout.order(),
                x: if layer == 0 { Rows::new(self.input, shape.input_size, 0) } else { from.rows(output, 0).read() },
                h: other.read(),
                out,
                packed: after > 0 || self.last.is_none(),
                continued: 0,
                offset: 0,
                before: 0,
                c: self.cn.rows(hidden, states),
                ahead: Ahead::No,
                first,
                end,
            },
        }
    }

    /// The beginning of a walk. A function of its own, so that what it needs leaves the stack before the first step.
    #[inline(never)]
    fn begin(&self, walk: &Walk<'_, C>, [layer, direction]: [usize; 2], progress: &mut Option<Progress<'a>>) {
        let states = self.states(layer, direction);
        let rows = |floats: &'a [f32]| Rows::new(floats, self.model.shape.hidden_size, states);
        walk.begin(self.h0.map(rows), self.c0.map(rows));
        let Pass { first, end, .. } = walk.pass;
        *progress = Some(Progress::of(&self.layout, first, end, walk.room(), walk.few()));
    }
}

impl<'a> Part<'a> {
    /// The rows of these places in these directions. Nothing here keeps two parts of a run apart: whoever makes several
    /// gives each row to one.
    pub(crate) fn of(places: Range<usize>, directions: Range<usize>) -> Self {
        Part { first: places.start, end: places.end, direction: directions.start, directions, layer: 0, progress: None }
    }

    /// All rows in all directions.
    pub(super) fn whole<C: Cell>(run: &Run<'a, C>) -> Self {
        Self::of(0..run.layout.batch(), 0..run.model.shape.direction.count())
    }

    /// Makes at most so many steps of a layer in a direction, and tells whether none is left.
    pub(crate) fn advance<C: Cell>(&mut self, run: &Run<'a, C>, mut steps: usize) -> bool {
        while self.layer < run.model.shape.num_layers {
            let at = [self.layer, self.direction];
            if let Some(panel) = run.model.panel(self.layer, self.direction) {
                let turned = self.progress.as_ref().is_some_and(Progress::turned);
                let mut walk = run.walk(panel, at, [self.first, self.end], turned);
                if self.progress.is_none() {
                    run.begin(&walk, at, &mut self.progress);
                }
                if let Some(progress) = &mut self.progress {
                    steps -= walk.advance(progress, steps);
                    if progress.steps_left() > 0 {
                        return false;
                    }
                }
            }
            self.progress = None;
            self.direction += 1;
            if self.direction >= self.directions.end {
                (self.layer, self.direction) = (self.layer + 1, self.directions.start);
            }
        }
        true
    }

    /// How many steps are left.
    pub(crate) fn steps_left<C: Cell>(&self, run: &Run<'a, C>) -> usize {
        let steps = run.layout.sorted_lengths().get(self.first).map_or(0, |&length| length as usize);
        let walks = (run.model.shape.num_layers - self.layer) * self.directions.len();
        let left = walks - (self.direction - self.directions.start).min(walks);
        match &self.progress {
            Some(progress) => left.saturating_sub(1).saturating_mul(steps).saturating_add(progress.steps_left()),
            None => left.saturating_mul(steps),
        }
    }

    /// The places.
    pub(crate) fn places(&self) -> Range<usize> {
        self.first..self.end
    }

    /// The directions.
    pub(crate) fn directions(&self) -> Range<usize> {
        self.directions.clone()
    }
}
