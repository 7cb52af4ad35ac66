//! Some rows of a run through all its layers, at once or a piece at a time.
//!
//! No row of a run needs another one: what a layer reads of a sequence, the layer before wrote for the same sequence.

use super::given::Run;
use super::window::Window;
use crate::cell::Cell;
use crate::device::Reread;
use crate::layout::{End, Step, sequence_at};
use crate::rows::{Floats, FloatsMut};
use crate::simd::backend::BUILD_HAS_VECTORS;
use core::ops::Range;

/// The rows of some places in some directions, and how far they are.
pub(crate) struct Part {
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) layer: usize,
    /// In this layer and direction, if it has begun: the end of the steps that are left, from which they are taken.
    pub(super) at: End,
    begun: bool,
    direction: u8,
    directions: Range<u8>,
    /// None where no build makes use of one.
    pub(super) window: [Window; BUILD_HAS_VECTORS as usize],
    _reread: Reread,
}

impl Part {
    /// The rows of these places in these directions. Nothing here keeps two parts of a run apart: whoever makes several
    /// gives each row to one.
    pub(crate) fn of(places: Range<usize>, directions: Range<usize>) -> Self {
        let (window, _reread) = (Default::default(), Reread::default());
        // There are two at most.
        let directions = directions.start as u8..directions.end as u8;
        Part {
            first: places.start,
            end: places.end,
            layer: 0,
            at: End::front(0),
            begun: false,
            direction: directions.start,
            directions,
            window,
            _reread,
        }
    }

    /// All rows in all directions, to the end.
    #[inline(always)]
    pub(super) fn finish<C: Cell>(run: &Run<'_, '_, C>) {
        Self::of(0..run.layout.batch(), 0..run.model.shape.direction.count()).advance(run, usize::MAX);
    }

    /// Makes at most so many steps of a layer in a direction, and tells whether none is left.
    pub(crate) fn advance<C: Cell>(&mut self, run: &Run<'_, '_, C>, mut steps: usize) -> bool {
        while self.layer < run.model.shape.num_layers {
            if let Some(panel) = run.model.panel(self.layer, self.direction()) {
                steps -= if run.model.backend.has_vectors() {
                    self.advance_together(run, panel, steps)
                } else {
                    self.advance_alone(run, panel, steps)
                };
                if self.left(run) > 0 {
                    return false;
                }
            }
            self.begun = false;
            self.direction += 1;
            if self.direction >= self.directions.end {
                (self.layer, self.direction) = (self.layer + 1, self.directions.start);
            }
        }
        true
    }

    /// Where it has not begun, the beginning of this layer in this direction: the initial states, where a sequence that
    /// begins reads them. Tells whether it begins.
    #[inline(always)]
    pub(super) fn begin<C: Cell>(&mut self, run: &Run<'_, '_, C>) -> bool {
        if self.begun {
            return false;
        }
        let (states, hidden) = (run.states(self.layer, self.direction()), run.model.shape.hidden_size);
        let places = Places { order: run.layout.order(), states, first: self.first, end: self.end, hidden };
        begin(run.given.hn, run.given.h0, &places);
        if C::HAS_C {
            begin(run.given.cn, run.given.c0, &places);
        }
        let reverse = run.is_reverse(self.direction());
        self.at = if reverse { run.layout.back_of(self.first) } else { End::front(run.layout.batch()) };
        self.begun = true;
        true
    }

    /// This layer's direction.
    #[inline(always)]
    pub(super) fn direction(&self) -> usize {
        self.direction.into()
    }

    /// How many steps of this layer in this direction are left, if it has begun.
    #[inline(always)]
    pub(super) fn left<C: Cell>(&self, run: &Run<'_, '_, C>) -> usize {
        let before = self.at.steps();
        if run.is_reverse(self.direction()) { before } else { run.layout.steps_of(self.first) - before }
    }

    /// The next of them.
    #[inline(always)]
    pub(super) fn next<C: Cell>(&mut self, run: &Run<'_, '_, C>) -> Option<Step> {
        let lengths = run.layout.sorted_lengths();
        let reverse = run.is_reverse(self.direction());
        (self.left(run) > 0).then(|| if reverse { self.at.next_back(lengths) } else { self.at.next(lengths) })
    }

    /// How many steps are left.
    pub(crate) fn steps_left<C: Cell>(&self, run: &Run<'_, '_, C>) -> usize {
        let steps = run.layout.steps_of(self.first);
        let walks = (run.model.shape.num_layers - self.layer) * self.directions.len();
        let left = walks - usize::from(self.direction - self.directions.start).min(walks);
        if self.begun {
            left.saturating_sub(1).saturating_mul(steps).saturating_add(self.left(run))
        } else {
            left.saturating_mul(steps)
        }
    }

    /// The places.
    pub(crate) fn places(&self) -> Range<usize> {
        self.first..self.end
    }

    /// The directions.
    pub(crate) fn directions(&self) -> Range<usize> {
        self.directions.start.into()..self.directions.end.into()
    }
}

/// Places with states, of `hidden` floats each: row `states` is the first of the layer's in the direction.
struct Places<'a> {
    order: Option<&'a [u32]>,
    states: usize,
    first: usize,
    end: usize,
    hidden: usize,
}

/// The initial states of some places; `None` gives zeros. A function of its own, so that what it needs leaves the stack
/// before the first step.
#[inline(never)]
fn begin(states: FloatsMut<'_>, from: Option<Floats<'_>>, places: &Places<'_>) {
    for place in places.first..places.end {
        states.begin_row(places.states + sequence_at(places.order, place), places.hidden, from);
    }
}
