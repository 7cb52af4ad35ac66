//! A cell over a layout: the walk along time, two directions, a stack of layers.
//!
//! The initial states are copied to where the final ones will be, in the caller's order; a sequence that begins reads
//! its state there, one that goes on reads its last output. So nothing is kept beside the outputs. The reverse
//! direction walks from the last step to the first: rows only join, and nothing is reversed.

mod step;
mod walk;

use crate::cell::Cell;
use crate::copy::copy_all;
use crate::error::{Argument, Code, Error, check_len, product};
use crate::layout::Layout;
use crate::model::{Direction, Model};
use crate::rows::{Rows, RowsMut};
use walk::{Outputs, Walk};

/// The states of a run, `[L * D, B, H]` each: layer after layer, within a layer forward before reverse, and within a
/// direction in the caller's order of sequences, whatever `batch_first` says of the tokens.
#[derive(Debug)]
pub struct States<'a> {
    /// The states to begin with; `None` gives the bits of zeros.
    pub h0: Option<&'a [f32]>,
    /// The cell states to begin with (LSTM only); `None` gives the bits of zeros.
    pub c0: Option<&'a [f32]>,
    /// Receives the states after each sequence's last token (reverse: its first). A sequence of length 0 keeps its
    /// initial state.
    pub hn: &'a mut [f32],
    /// Receives the cell states (LSTM only; else empty).
    pub cn: &'a mut [f32],
}

impl<'a> States<'a> {
    /// For a GRU or RNN, beginning with zeros.
    pub fn new(hn: &'a mut [f32]) -> Self {
        Self { h0: None, c0: None, hn, cn: &mut [] }
    }

    /// For an LSTM, beginning with zeros.
    pub fn lstm(hn: &'a mut [f32], cn: &'a mut [f32]) -> Self {
        Self { h0: None, c0: None, hn, cn }
    }
}

impl<C: Cell> Model<'_, C> {
    /// The floats of `hn`, and of an LSTM's `cn`: `L * D * B * H`.
    ///
    /// # Errors
    /// [`Code::Overflow`] of `batch`.
    pub fn states_len(&self, batch: usize) -> Result<usize, Error> {
        product(self.shape.count(), self.shape.hidden_size, batch).ok_or(Error::overflow(Argument::Batch))
    }

    /// The floats of a run's output: `tokens * D * H`.
    ///
    /// # Errors
    /// [`Code::Overflow`] of `output`.
    pub fn output_len(&self, layout: &Layout<'_>) -> Result<usize, Error> {
        layout.tokens().checked_mul(self.shape.output_size()).ok_or(Error::overflow(Argument::Output))
    }

    /// The floats of scratch of [`Model::run`]: the outputs of a layer between two, none for a single layer.
    ///
    /// # Errors
    /// [`Code::Overflow`] of `output`.
    pub fn scratch_len(&self, layout: &Layout<'_>) -> Result<usize, Error> {
        let between = self.output_len(layout)?;
        Ok(if self.shape.num_layers > 1 { between } else { 0 })
    }

    /// The floats of scratch of [`Model::run_last`]: the states of one direction, `B * H`, and the outputs of one or
    /// two layers between.
    ///
    /// # Errors
    /// [`Code::Overflow`] of `scratch`.
    pub fn last_scratch_len(&self, layout: &Layout<'_>) -> Result<usize, Error> {
        let kept = self.shape.num_layers.saturating_sub(1).min(2);
        // Without a layer between this is 0, however long an output would be.
        let between = product(kept, layout.tokens(), self.shape.output_size());
        let states = layout.batch().checked_mul(self.shape.hidden_size);
        between.zip(states).and_then(|(a, b)| a.checked_add(b)).ok_or(Error::overflow(Argument::Scratch))
    }

    /// The floats of scratch beyond the needed that make steps of few sequences faster: room for the input halves of a
    /// window of tokens, which are then computed together. The bits are the same with and without.
    pub const fn ahead_len(&self) -> usize {
        C::GATES.saturating_mul(self.shape.hidden_size).saturating_mul(walk::WINDOW)
    }

    /// Runs the network over a packed batch and keeps every output.
    ///
    /// `input` is packed, `[tokens, I]`; `output` receives `[tokens, D * H]`, packed; `scratch` has at least
    /// [`Model::scratch_len`] floats, which may hold anything, and [`Model::ahead_len`] more to be faster where few
    /// sequences run; what is in them afterwards has no meaning.
    ///
    /// # Errors
    /// `input`, `output`, `h0`, `c0`, `hn`, `cn`: [`Code::WrongLen`]; `c0`: [`Code::Unsupported`] for a cell that has no
    /// second state; `scratch`: [`Code::TooShort`]; a size that cannot be counted: [`Code::Overflow`]. Outputs and
    /// states are then untouched.
    pub fn run(
        &self,
        layout: &Layout<'_>,
        input: &[f32],
        states: States<'_>,
        output: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), Error> {
        let between = self.scratch_len(layout)?;
        self.check(layout, input, &states)?;
        check_len(output, Argument::Output, Some(self.output_len(layout)?))?;
        let (scratch, ahead) = take_scratch(scratch, between)?;
        // The last layer writes to the output, the one before it to the scratch, and so on in turns.
        let turns = if self.shape.num_layers % 2 == 1 { (output, scratch) } else { (scratch, output) };
        self.layers(layout, input, states, turns, None, ahead);
        Ok(())
    }

    /// Runs the network over a packed batch and keeps only the last states, in `hn` and `cn`.
    ///
    /// As [`Model::run`], with at least [`Model::last_scratch_len`] floats of scratch, and [`Model::ahead_len`] more to be
    /// faster where few sequences run.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub fn run_last(
        &self,
        layout: &Layout<'_>,
        input: &[f32],
        states: States<'_>,
        scratch: &mut [f32],
    ) -> Result<(), Error> {
        let needed = self.last_scratch_len(layout)?;
        self.check(layout, input, &states)?;
        let (scratch, ahead) = take_scratch(scratch, needed)?;
        let (last, scratch) = scratch.split_at_mut_checked(layout.batch() * self.shape.hidden_size).unwrap_or_default();
        let between = if self.shape.num_layers > 1 { self.output_len(layout)? } else { 0 };
        let turns = scratch.split_at_mut_checked(between).unwrap_or_default();
        self.layers(layout, input, states, turns, Some(last), ahead);
        Ok(())
    }

    fn check(&self, layout: &Layout<'_>, input: &[f32], states: &States<'_>) -> Result<(), Error> {
        let len = self.states_len(layout.batch())?;
        let c_len = if C::HAS_C { len } else { 0 };
        check_len(input, Argument::Input, product(layout.tokens(), self.shape.input_size, 1))?;
        check_len(states.hn, Argument::Hn, Some(len))?;
        check_len(states.cn, Argument::Cn, Some(c_len))?;
        states.h0.map_or(Ok(()), |h0| check_len(h0, Argument::H0, Some(len)))?;
        match states.c0 {
            Some(c0) if !C::HAS_C => Err(Error::new(Code::Unsupported, Argument::C0, c0.len(), 0)),
            Some(c0) => check_len(c0, Argument::C0, Some(len)),
            None => Ok(()),
        }
    }

    /// Layer after layer; each reads what the one before it wrote. With `last`, the last layer keeps no output.
    fn layers(
        &self,
        layout: &Layout<'_>,
        input: &[f32],
        states: States<'_>,
        (mut to, mut other): (&mut [f32], &mut [f32]),
        mut last: Option<&mut [f32]>,
        ahead: &mut [f32],
    ) {
        let States { h0, c0, hn, cn } = states;
        begin(hn, h0);
        begin(cn, c0);
        let shape = self.shape;
        let (directions, per_layer) = (shape.direction.count(), layout.batch() * shape.output_size());
        let (mut hn, mut cn) = (hn, cn);
        for layer in 0..shape.num_layers {
            let (h, h_rest) = core::mem::take(&mut hn).split_at_mut_checked(per_layer).unwrap_or_default();
            let (c, c_rest) =
                core::mem::take(&mut cn).split_at_mut_checked(if C::HAS_C { per_layer } else { 0 }).unwrap_or_default();
            let from = if layer == 0 { input } else { &*other };
            let x = Rows::new(from, shape.input_of(layer));
            let (h, c) = (RowsMut::new(h, shape.hidden_size), RowsMut::new(c, shape.hidden_size));
            for direction in 0..directions {
                let kept = match &mut last {
                    Some(last) if layer + 1 == shape.num_layers => Outputs::Last(RowsMut::new(last, shape.hidden_size)),
                    _ => Outputs::All(RowsMut::strided(
                        to,
                        shape.hidden_size,
                        shape.output_size(),
                        direction * shape.hidden_size,
                    )),
                };
                let rows = direction * layout.batch();
                let Some(panel) = self.panel(layer, direction) else { continue };
                let walk = Walk {
                    layout,
                    backend: self.backend,
                    panel,
                    reverse: match shape.direction {
                        Direction::Forward => false,
                        Direction::Reverse => true,
                        Direction::Bidirectional => direction == 1,
                    },
                    x,
                    h: h.skip(rows).ordered(layout.order()),
                    c: c.skip(rows).ordered(layout.order()),
                    outputs: kept,
                };
                walk.run::<C>(RowsMut::new(ahead, C::GATES * shape.hidden_size));
            }
            core::mem::swap(&mut to, &mut other);
            (hn, cn) = (h_rest, c_rest);
        }
    }
}

/// The initial states, where the final ones will be.
fn begin(states: &mut [f32], initial: Option<&[f32]>) {
    match initial {
        Some(initial) => copy_all(states, initial),
        None => states.fill(0.0),
    }
}

/// The scratch that is needed, and what is left.
fn take_scratch(scratch: &mut [f32], needed: usize) -> Result<(&mut [f32], &mut [f32]), Error> {
    let found = scratch.len();
    scratch.split_at_mut_checked(needed).ok_or(Error::new(Code::TooShort, Argument::Scratch, found, needed))
}
