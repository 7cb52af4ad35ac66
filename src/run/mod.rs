//! A cell over a layout: the walk along time, two directions, a stack of layers.
//!
//! The initial states are copied to where the final ones will be, in the caller's order; a sequence that begins reads
//! its state there. One that goes on reads its last output (`together`), or what was copied of that to the same place
//! (`alone`). So nothing is kept beside the outputs. The reverse direction walks from the last step to the first: rows only
//! join, and nothing is reversed.

mod alone;
mod given;
mod part;
mod step;
mod together;
mod window;

pub(crate) use given::{Given, Run};
pub(crate) use part::Part;

use crate::cell::Cell;
use crate::error::{Argument, Code, Error, product};
use crate::layout::Layout;
use crate::model::Model;

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

impl<'m, C: Cell> Model<'m, C> {
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

    /// The floats of scratch of [`Model::run_last`]: the states of a layer, `B * D * H`, and the outputs of one or two
    /// layers between.
    ///
    /// # Errors
    /// [`Code::Overflow`] of `scratch`.
    pub fn last_scratch_len(&self, layout: &Layout<'_>) -> Result<usize, Error> {
        let kept = self.shape.num_layers.saturating_sub(1).min(2);
        // Without a layer between this is 0, however long an output would be.
        let between = product(kept, layout.tokens(), self.shape.output_size());
        let states = layout.batch().checked_mul(self.shape.output_size());
        between.zip(states).and_then(|(a, b)| a.checked_add(b)).ok_or(Error::overflow(Argument::Scratch))
    }

    /// The floats of scratch beyond the needed that make steps of few sequences faster: room for the input halves of a
    /// window of tokens, which are then computed together. The bits are the same with and without. A CPU without vectors
    /// makes no use of it.
    pub const fn ahead_len(&self) -> usize {
        C::GATES.saturating_mul(self.shape.hidden_size).saturating_mul(window::WINDOW)
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
        let mut given = Given::of(input, states, output, scratch);
        given.check(self, layout)?;
        Part::finish(&Run::of(self, layout, &given));
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
        let mut given = Given::of(input, states, &mut [], scratch);
        given.check_last(self, layout)?;
        Part::finish(&Run::of(self, layout, &given));
        Ok(())
    }
}

fn check_scratch(found: usize, needed: usize) -> Result<(), Error> {
    if found < needed {
        return Err(Error::new(Code::TooShort, Argument::Scratch, found, needed));
    }
    Ok(())
}
