//! What a run is given, checked, and where in it a layer finds what it reads and writes.

use super::{States, check_scratch};
use crate::cell::Cell;
use crate::device::Reread;
use crate::error::{Argument, Code, Error, product};
use crate::layout::Layout;
use crate::model::{Direction, Model};
use crate::rows::{Floats, FloatsMut};

/// The memory that a run reads and writes. Nothing is done with it before [`Given::check`] or [`Given::check_last`] has been
/// called, once, and has returned `Ok`.
pub(crate) struct Given<'a> {
    pub(super) input: Floats<'a>,
    /// The states, `L * D * B` rows each in the caller's order.
    pub(super) h0: Option<Floats<'a>>,
    pub(super) c0: Option<Floats<'a>>,
    pub(super) hn: FloatsMut<'a>,
    pub(super) cn: FloatsMut<'a>,
    /// The packed outputs of the layers: the last one's in the first, those of the one before it in the second, and so
    /// on in turns.
    pub(super) outputs: [FloatsMut<'a>; 2],
    /// The last layer keeps no outputs, but states here: `D * B` rows in the caller's order.
    pub(super) last: Option<FloatsMut<'a>>,
    /// Room for sums computed ahead.
    pub(crate) ahead: FloatsMut<'a>,
    _reread: Reread,
}

/// A run, whichever of its rows are worked on. All of it is where the caller has it: on the stack there is one of each.
pub(crate) struct Run<'s, 'a, C: Cell> {
    pub(crate) model: &'s Model<'a, C>,
    pub(crate) layout: &'s Layout<'a>,
    pub(super) given: &'s Given<'a>,
    _reread: Reread,
}

impl<'a> Given<'a> {
    /// What is still to be checked, made where it stays. For the last states alone `output` is empty.
    #[inline(always)]
    pub(crate) fn of(input: &'a [f32], states: States<'a>, output: &'a mut [f32], scratch: &'a mut [f32]) -> Self {
        Self {
            input: Floats::new(input),
            h0: states.h0.map(Floats::new),
            c0: states.c0.map(Floats::new),
            hn: FloatsMut::new(states.hn),
            cn: FloatsMut::new(states.cn),
            outputs: [FloatsMut::new(output), FloatsMut::new(&mut [])],
            last: None,
            ahead: FloatsMut::new(scratch),
            _reread: Reread::default(),
        }
    }

    /// Checks as [`Model::run`] tells, and divides the scratch.
    pub(crate) fn check<C: Cell>(&mut self, model: &Model<'_, C>, layout: &Layout<'_>) -> Result<(), Error> {
        let needed = model.scratch_len(layout)?;
        self.check_states(model, layout)?;
        let [output, between] = &mut self.outputs;
        output.read().check(Argument::Output, Some(model.output_len(layout)?))?;
        check_scratch(self.ahead.len(), needed)?;
        (*between, self.ahead) = self.ahead.split_at(needed);
        Ok(())
    }

    /// Checks as [`Model::run_last`] tells, and divides the scratch, which has room for the states too.
    pub(crate) fn check_last<C: Cell>(&mut self, model: &Model<'_, C>, layout: &Layout<'_>) -> Result<(), Error> {
        let needed = model.last_scratch_len(layout)?;
        self.check_states(model, layout)?;
        check_scratch(self.ahead.len(), needed)?;
        let (shape, batch, tokens) = (model.shape, layout.batch(), layout.tokens());
        let mut take = |len| {
            let taken;
            (taken, self.ahead) = self.ahead.split_at(len);
            taken
        };
        // Products that have been counted: without a layer between, one of all tokens has not.
        self.last = Some(take(batch * shape.output_size()));
        // The layer before the last has the first part: of two layers there is no other.
        let [odd, even] =
            [1, 2].map(|after| take(if shape.num_layers > after { tokens * shape.output_size() } else { 0 }));
        self.outputs = [even, odd];
        Ok(())
    }

    fn check_states<C: Cell>(&self, model: &Model<'_, C>, layout: &Layout<'_>) -> Result<(), Error> {
        let inputs = product(layout.tokens(), model.shape.input_size, 1);
        let len = model.states_len(layout.batch())?;
        let c_len = if C::HAS_C { len } else { 0 };
        self.input.check(Argument::Input, inputs)?;
        self.hn.read().check(Argument::Hn, Some(len))?;
        self.cn.read().check(Argument::Cn, Some(c_len))?;
        self.h0.map_or(Ok(()), |h0| h0.check(Argument::H0, Some(len)))?;
        match self.c0 {
            Some(c0) if !C::HAS_C => Err(Error::new(Code::Unsupported, Argument::C0, c0.len(), 0)),
            Some(c0) => c0.check(Argument::C0, Some(len)),
            None => Ok(()),
        }
    }

    /// The same with other room for sums computed ahead.
    #[inline(always)]
    pub(crate) fn with_ahead(&self, ahead: FloatsMut<'a>) -> Self {
        Self { ahead, _reread: Reread::default(), ..*self }
    }
}

impl<'s, 'a, C: Cell> Run<'s, 'a, C> {
    /// A run of what has been checked for this network and layout.
    #[inline(always)]
    pub(crate) fn of(model: &'s Model<'a, C>, layout: &'s Layout<'a>, given: &'s Given<'a>) -> Self {
        Self { model, layout, given, _reread: Reread::default() }
    }

    /// The rows of the states.
    pub(super) fn all_states(&self) -> usize {
        self.model.shape.count() * self.layout.batch()
    }

    /// The first row of a layer's states in a direction.
    pub(super) fn states(&self, layer: usize, direction: usize) -> usize {
        (layer * self.model.shape.direction.count() + direction) * self.layout.batch()
    }

    /// The packed outputs that a layer writes, and what it reads: the input, or the layer's before, which are others.
    #[inline(always)]
    pub(super) fn outputs(&self, layer: usize) -> (FloatsMut<'a>, Floats<'a>) {
        let [even, odd] = self.given.outputs;
        let after = self.model.shape.num_layers - 1 - layer;
        let (to, from) = if after.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        (to, if layer == 0 { self.given.input } else { from.read() })
    }

    /// A layer's states where they are kept alone, without outputs.
    #[inline(always)]
    pub(super) fn last(&self, layer: usize) -> Option<FloatsMut<'a>> {
        if layer + 1 == self.model.shape.num_layers { self.given.last } else { None }
    }

    /// A direction goes from the last step to the first.
    #[inline(always)]
    pub(super) fn is_reverse(&self, direction: usize) -> bool {
        match self.model.shape.direction {
            Direction::Forward => false,
            Direction::Reverse => true,
            Direction::Bidirectional => direction == 1,
        }
    }
}
