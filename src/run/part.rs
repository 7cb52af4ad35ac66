//! Some rows of a run through all its layers, at once or a piece at a time.
//!
//! No row of a run needs another one: what a layer reads of a sequence, the layer before wrote for the same sequence.

use super::given::Run;
use super::window::Window;
use crate::cell::Cell;
use crate::device::Reread;
use crate::layout::{Steps, sequence_at};
use crate::rows::{Floats, FloatsMut};
use core::ops::Range;

/// The rows of some places in some directions, and how far they are.
pub(crate) struct Part<'a> {
    pub(super) first: usize,
    pub(super) end: usize,
    directions: Range<usize>,
    pub(super) layer: usize,
    pub(super) direction: usize,
    /// Those of this layer and direction that are left; `None` before its beginning.
    pub(super) steps: Option<Steps<'a>>,
    pub(super) window: Window,
    _reread: Reread,
}

impl<'a> Part<'a> {
    /// The rows of these places in these directions. Nothing here keeps two parts of a run apart: whoever makes several
    /// gives each row to one.
    pub(crate) fn of(places: Range<usize>, directions: Range<usize>) -> Self {
        let (first, end, direction) = (places.start, places.end, directions.start);
        let (window, _reread) = (Window::default(), Reread::default());
        Part { first, end, directions, layer: 0, direction, steps: None, window, _reread }
    }

    /// All rows in all directions.
    pub(super) fn whole<C: Cell>(run: &Run<'a, C>) -> Self {
        Self::of(0..run.layout.batch(), 0..run.model.shape.direction.count())
    }

    /// Makes at most so many steps of a layer in a direction, and tells whether none is left.
    pub(crate) fn advance<C: Cell>(&mut self, run: &Run<'a, C>, mut steps: usize) -> bool {
        while self.layer < run.model.shape.num_layers {
            if let Some(panel) = run.model.panel(self.layer, self.direction) {
                steps -= if run.model.backend.has_vectors() {
                    self.advance_together(run, panel, steps)
                } else {
                    self.advance_alone(run, panel, steps)
                };
                if self.steps.as_ref().is_some_and(|steps| steps.len() > 0) {
                    return false;
                }
            }
            self.steps = None;
            self.direction += 1;
            if self.direction >= self.directions.end {
                (self.layer, self.direction) = (self.layer + 1, self.directions.start);
            }
        }
        true
    }

    /// The beginning of this layer in this direction: the initial states, where a sequence that begins reads them.
    #[inline(always)]
    pub(super) fn begin<C: Cell>(&mut self, run: &Run<'a, C>) {
        let (states, hidden) = (run.states(self.layer, self.direction), run.model.shape.hidden_size);
        let places = Places { order: run.layout.order(), states, first: self.first, end: self.end, hidden };
        begin(run.hn, run.h0, &places);
        if C::HAS_C {
            begin(run.cn, run.c0, &places);
        }
        self.steps = Some(run.layout.walk_of(self.first));
    }

    /// How many steps are left.
    pub(crate) fn steps_left<C: Cell>(&self, run: &Run<'a, C>) -> usize {
        let steps = run.layout.sorted_lengths().get(self.first).map_or(0, |&length| length as usize);
        let walks = (run.model.shape.num_layers - self.layer) * self.directions.len();
        let left = walks - (self.direction - self.directions.start).min(walks);
        match &self.steps {
            Some(these) => left.saturating_sub(1).saturating_mul(steps).saturating_add(these.len()),
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
