//! The padded rectangle: its shape, and where a token stands in it.

use crate::copy::Place;
use crate::device::SMALL;
use crate::error::{Argument, Code, Error, product};
use crate::layout::{Layout, sequence_at};

/// The shape of a padded batch: PyTorch's `batch_first` and `padding_side`, and the length of its time axis.
///
/// Time-major `[steps, B, features]` or batch-first `[B, steps, features]`, row after row.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Padded {
    /// The time axis, padding included: PyTorch's `total_length` when a batch is padded.
    pub steps: usize,
    /// Elements of one token.
    pub features: usize,
    /// `[B, steps, features]` instead of `[steps, B, features]`.
    pub batch_first: bool,
    /// The padding stands before the tokens instead of behind them: PyTorch's `padding_side="left"`.
    pub left: bool,
}

impl Padded {
    /// `[steps, B, features]`, padding behind the tokens: PyTorch's default.
    pub const fn time_major(steps: usize, features: usize) -> Self {
        Self { steps, features, batch_first: false, left: false }
    }

    /// `[B, steps, features]`, padding behind the tokens.
    pub const fn batch_first(steps: usize, features: usize) -> Self {
        Self { batch_first: true, ..Self::time_major(steps, features) }
    }

    /// The same shape with the padding before the tokens.
    pub const fn left(self) -> Self {
        Self { left: true, ..self }
    }

    /// The number of elements of a rectangle of `batch` sequences: `steps * batch * features`.
    ///
    /// # Errors
    /// [`Code::Overflow`] of `padded`, also where the rows alone cannot be counted and have no features.
    pub const fn len(&self, batch: usize) -> Result<usize, Error> {
        match product(self.steps, batch, self.features) {
            Some(len) => Ok(len),
            None => Err(Error {
                code: Code::Overflow,
                argument: Argument::Padded,
                index: None,
                found: i64::MAX,
                expected: isize::MAX as i64,
            }),
        }
    }

    /// Strides of one step and one sequence, in rows.
    fn strides(&self, batch: usize) -> (usize, usize) {
        if self.batch_first { (1, self.steps) } else { (batch, 1) }
    }

    /// Where the padding of a sequence begins in time, and where it ends.
    pub(crate) fn padding(&self, length: usize) -> core::ops::Range<usize> {
        if self.left { 0..self.steps - length } else { length..self.steps }
    }

    /// Where the tokens of a sequence of `length <= steps` stand from token `t` on. Once `len(batch)` is known to fit, the
    /// place of a row of the rectangle fits; where there is none, no matter how large a row would be, any place will do.
    pub(crate) fn tokens(&self, batch: usize, sequence: usize, length: usize, t: usize) -> Place {
        let (step, of_sequence) = self.strides(batch);
        let skipped = if self.left { self.steps - length } else { 0 };
        let first = sequence * of_sequence + (skipped + t) * step;
        Place { first: first.wrapping_mul(self.features), stride: step.wrapping_mul(self.features) }
    }

    /// Elements from one sequence to the next and from one step to the next, where the tokens of all begin with the first
    /// step. A microcontroller has no code for that.
    pub(crate) fn plain_strides(&self, batch: usize) -> Option<(usize, usize)> {
        let (step, of_sequence) = self.strides(batch);
        let elements = |rows: usize| rows.wrapping_mul(self.features);
        (!self.left && !SMALL).then_some((elements(of_sequence), elements(step)))
    }

    /// The first element of the row of a sequence at time `t` of the rectangle.
    pub(crate) fn row(&self, batch: usize, sequence: usize, t: usize) -> usize {
        let (step, of_sequence) = self.strides(batch);
        (sequence * of_sequence + t * step) * self.features
    }

    /// Every length must fit the time axis; names the first in the caller's order that does not.
    pub(crate) fn check_lengths(&self, layout: &Layout<'_>) -> Result<(), Error> {
        let mut beyond = None;
        for (place, &length) in layout.sorted_lengths().iter().enumerate() {
            if length as usize <= self.steps {
                break;
            }
            let sequence = sequence_at(layout.order(), place);
            if beyond.is_none_or(|(first, _)| sequence < first) {
                beyond = Some((sequence, length as usize));
            }
        }
        match beyond {
            None => Ok(()),
            Some((sequence, length)) => {
                Err(Error::new(Code::BeyondTime, Argument::Lengths, length, self.steps).at(sequence))
            }
        }
    }
}
