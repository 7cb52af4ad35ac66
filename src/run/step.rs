//! Streaming: one token for each of `B` streams, from the same panels and with the same bits as a run.

use super::check_scratch;
use crate::cell::Cell;
use crate::copy::copy_all;
use crate::error::{Argument, Code, Error, check_len, product};
use crate::model::{Direction, Model, Shape};
use crate::rows::{Floats, FloatsMut};
use crate::simd::pass::{Ahead, Pass};

impl<C: Cell> Model<'_, C> {
    /// One step of `batch` streams with the states apart.
    ///
    /// `input` is `[B, I]`; `h_in` and `h_out` are `[L, B, H]`, and so is an LSTM's `c`, which is updated in place (for
    /// other cells it is empty). The output is the last layer of `h_out`.
    ///
    /// Let the two slices of `h` change places from one step to the next: where the panels are more than a cache holds, the
    /// weights that one step read last are then the first of the next one, which takes up to a fifth less.
    ///
    /// # Errors
    /// `direction`: [`Code::Unsupported`] unless forward; `input`, `h_in`, `h_out`, `c`: [`Code::WrongLen`]; `batch`,
    /// `input`: [`Code::Overflow`]. The states are then untouched.
    pub fn step(
        &self,
        batch: usize,
        input: &[f32],
        h_in: &[f32],
        h_out: &mut [f32],
        c: &mut [f32],
    ) -> Result<(), Error> {
        let len = self.check_step(batch, input, c)?;
        check_len(h_in, Argument::HIn, Some(len))?;
        check_len(h_out, Argument::HOut, Some(len))?;
        self.checked_step(batch, input, h_in, h_out, c);
        Ok(())
    }

    /// One step of `batch` streams with the states in place; `scratch` has at least [`Model::states_len`] floats.
    ///
    /// # Errors
    /// As [`Model::step`], for `h`; `scratch`: [`Code::TooShort`].
    pub fn step_in_place(
        &self,
        batch: usize,
        input: &[f32],
        h: &mut [f32],
        c: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), Error> {
        let len = self.check_step(batch, input, c)?;
        check_len(h, Argument::H, Some(len))?;
        check_scratch(scratch.len(), len)?;
        let (scratch, _) = scratch.split_at_mut_checked(len).unwrap_or_default();
        copy_all(scratch, h);
        self.checked_step(batch, input, scratch, h, c);
        Ok(())
    }

    fn check_step(&self, batch: usize, input: &[f32], c: &[f32]) -> Result<usize, Error> {
        let found = match self.shape.direction {
            Direction::Forward => None,
            Direction::Reverse => Some(1),
            Direction::Bidirectional => Some(2),
        };
        if let Some(found) = found {
            // A direction that begins at the end of a sequence cannot run on a stream.
            return Err(Error::new(Code::Unsupported, Argument::Direction, found, 0));
        }
        let len = self.states_len(batch)?;
        check_len(input, Argument::Input, product(batch, self.shape.input_size, 1))?;
        check_len(c, Argument::C, Some(if C::HAS_C { len } else { 0 }))?;
        Ok(len)
    }

    fn checked_step(&self, batch: usize, input: &[f32], h_in: &[f32], h_out: &mut [f32], c: &mut [f32]) {
        if self.backend.has_vectors() {
            self.step_together(batch, input, h_in, h_out, c);
        } else {
            self.step_alone(batch, input, h_in, h_out, c);
        }
    }

    fn step_together(&self, batch: usize, input: &[f32], h_in: &[f32], h_out: &mut [f32], c: &mut [f32]) {
        let Shape { input_size, hidden_size, num_layers, .. } = self.shape;
        let rows = num_layers * batch;
        // A stream's states most often change places at each step.
        let backward = h_in.as_ptr() > h_out.as_ptr();
        let (all_h, all_out) =
            (Floats::new(h_in).counted(rows, hidden_size), FloatsMut::new(h_out).counted(rows, hidden_size));
        let all_c = FloatsMut::new(c).counted(rows, hidden_size);
        let mut x = Floats::new(input).counted(batch, input_size);
        for layer in 0..num_layers {
            let rows = layer * batch;
            let (h, out) = (all_h.skip(rows), all_out.skip(rows));
            let Some(panel) = self.panel(layer, 0) else { continue };
            C::pass(
                self.backend,
                &Pass {
                    panel,
                    order: None,
                    x,
                    h,
                    out,
                    packed: false,
                    continued: 0,
                    offset: 0,
                    before: 0,
                    c: all_c.skip(rows),
                    ahead: Ahead::No,
                    first: 0,
                    end: batch,
                },
                backward,
            );
            x = out.read();
        }
    }
}
