//! Some rows of a run through all its layers, at once or a piece at a time.
//!
//! No row of a run needs another one: what a layer reads of a sequence, the layer before wrote for the same sequence.

use super::walk::{Outputs, Progress, Walk};
use crate::cell::Cell;
use crate::layout::Layout;
use crate::model::{Direction, Model};
use crate::rows::{Rows, RowsMut};
use core::ops::Range;

/// What a run reads and writes, whichever of its rows are worked on. All arguments have been checked.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a, C: Cell> {
    pub(super) model: Model<'a, C>,
    pub(super) layout: Layout<'a>,
    pub(super) x: Rows<'a>,
    /// The states, `L * D * B` rows each in the caller's order.
    pub(super) h0: Option<Rows<'a>>,
    pub(super) c0: Option<Rows<'a>>,
    pub(super) hn: RowsMut<'a>,
    pub(super) cn: RowsMut<'a>,
    /// The packed outputs of the layers: the last one's in the first, those of the one before it in the second, and so
    /// on in turns.
    pub(super) outputs: [RowsMut<'a>; 2],
    /// The last layer keeps no outputs, but states here: a row for each direction and place.
    pub(super) last: Option<RowsMut<'a>>,
}

/// The rows of some places in some directions, and how far they are.
pub(crate) struct Part<'a, C: Cell> {
    run: Run<'a, C>,
    first: usize,
    end: usize,
    directions: Range<usize>,
    ahead: RowsMut<'a>,
    layer: usize,
    direction: usize,
    /// Of this layer and direction; `None` before its beginning.
    progress: Option<Progress<'a>>,
}

impl<'a, C: Cell> Run<'a, C> {
    pub(crate) fn layout(&self) -> &Layout<'a> {
        &self.layout
    }

    pub(crate) fn model(&self) -> &Model<'a, C> {
        &self.model
    }

    /// The rows of these places in these directions, which have `ahead` for themselves. Nothing here keeps two parts
    /// apart: whoever makes several of one run gives each row to one.
    pub(crate) fn part(self, places: Range<usize>, directions: Range<usize>, ahead: &'a mut [f32]) -> Part<'a, C> {
        Part {
            run: self,
            first: places.start,
            end: places.end,
            direction: directions.start,
            directions,
            ahead: RowsMut::new(ahead, C::GATES * self.model.shape.hidden_size),
            layer: 0,
            progress: None,
        }
    }

    /// All rows in all directions, to the end.
    pub(super) fn whole(self, ahead: &'a mut [f32]) {
        self.part(0..self.layout.batch(), 0..self.model.shape.direction.count(), ahead).advance(usize::MAX);
    }
}

impl<C: Cell> Part<'_, C> {
    /// Makes at most so many steps of a layer in a direction, and tells whether none is left.
    pub(crate) fn advance(&mut self, mut steps: usize) -> bool {
        while self.layer < self.run.model.shape.num_layers {
            if let Some(walk) = self.walk() {
                let mut progress = self.progress.take().unwrap_or_else(|| walk.begin());
                steps -= walk.advance::<C>(&mut progress, steps);
                if progress.steps_left() > 0 {
                    self.progress = Some(progress);
                    return false;
                }
            }
            self.direction += 1;
            if self.direction >= self.directions.end {
                (self.layer, self.direction) = (self.layer + 1, self.directions.start);
            }
        }
        true
    }

    /// How many steps are left.
    pub(crate) fn steps_left(&self) -> usize {
        let steps = self.run.layout.sorted_lengths().get(self.first).map_or(0, |&length| length as usize);
        let walks = (self.run.model.shape.num_layers - self.layer) * self.directions.len();
        let left = walks - (self.direction - self.directions.start).min(walks);
        match &self.progress {
            Some(progress) => left.saturating_sub(1).saturating_mul(steps).saturating_add(progress.steps_left()),
            None => left.saturating_mul(steps),
        }
    }

    pub(crate) fn layout(&self) -> &Layout<'_> {
        &self.run.layout
    }

    pub(crate) fn model(&self) -> &Model<'_, C> {
        &self.run.model
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

impl<'a, C: Cell> Part<'a, C> {
    /// This layer in this direction.
    fn walk(&self) -> Option<Walk<'a>> {
        let Run { model, layout, x, h0, c0, hn, cn, outputs: [even, odd], last } = self.run;
        let (shape, order) = (model.shape, layout.order());
        let hidden = shape.hidden_size;
        let after = shape.num_layers - 1 - self.layer;
        // In turns, so that a layer reads what it does not write.
        let (to, from) = if after.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        let rows = (self.layer * shape.direction.count() + self.direction) * layout.batch();
        Some(Walk {
            layout,
            backend: model.backend,
            panel: model.panel(self.layer, self.direction)?,
            reverse: match shape.direction {
                Direction::Forward => false,
                Direction::Reverse => true,
                Direction::Bidirectional => self.direction == 1,
            },
            x: if self.layer == 0 { x } else { from.read() },
            h0: h0.map(|h0| h0.skip(rows).ordered(order)),
            c0: c0.map(|c0| c0.skip(rows).ordered(order)),
            h: hn.skip(rows).ordered(order),
            c: cn.skip(rows).ordered(order),
            outputs: match last {
                Some(last) if after == 0 => Outputs::Last(last.skip(self.direction * layout.batch())),
                _ => Outputs::All(to.columns(self.direction * hidden, hidden)),
            },
            first: self.first,
            end: self.end,
            ahead: self.ahead,
        })
    }
}
