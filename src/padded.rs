//! The padded rectangle: where a token stands in it, and how rows are copied.

use crate::error::{Argument, Code, Error, product};
use crate::layout::Layout;

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

    /// The first row and the row stride of a sequence of `length <= steps` tokens. No step of this arithmetic can
    /// overflow once `len(batch)` is known to fit, as every index is one of a row of the rectangle.
    fn tokens_of(&self, batch: usize, sequence: usize, length: usize) -> (usize, usize) {
        let (step, of_sequence) = self.strides(batch);
        let skipped = if self.left { self.steps - length } else { 0 };
        (sequence * of_sequence + skipped * step, step)
    }

    /// Where the padding of a sequence begins in time, and where it ends.
    pub(crate) fn padding(&self, length: usize) -> core::ops::Range<usize> {
        if self.left { 0..self.steps - length } else { length..self.steps }
    }

    /// The first element of token `t` of a sequence that has `length` tokens.
    pub(crate) fn token(&self, batch: usize, sequence: usize, length: usize, t: usize) -> usize {
        let (first, step) = self.tokens_of(batch, sequence, length);
        (first + t * step) * self.features
    }

    /// The first element of the row of a sequence at time `t` of the rectangle.
    pub(crate) fn row(&self, batch: usize, sequence: usize, t: usize) -> usize {
        let (step, of_sequence) = self.strides(batch);
        (sequence * of_sequence + t * step) * self.features
    }

    /// Every length must fit the time axis; names the first in the caller's order that does not.
    pub(crate) fn check_lengths(&self, layout: &Layout<'_>) -> Result<(), Error> {
        let beyond = layout.places().take_while(|&(_, length)| length > self.steps).min();
        match beyond {
            None => Ok(()),
            Some((sequence, length)) => {
                Err(Error::new(Code::BeyondTime, Argument::Lengths, length, self.steps).at(sequence))
            }
        }
    }
}

/// Copies one row of a few or many elements. The slices have one size.
///
/// A row of up to 32 elements is copied as two chunks that may overlap, which costs no call; longer ones are worth
/// the platform's `memcpy`.
#[inline(always)]
pub(crate) fn copy_row<T: Copy>(to: &mut [T], from: &[T]) {
    match from.len() {
        0 => {}
        1 => ends::<T, 1>(to, from),
        2..4 => ends::<T, 2>(to, from),
        4..8 => ends::<T, 4>(to, from),
        8..16 => ends::<T, 8>(to, from),
        16..=32 => ends::<T, 16>(to, from),
        _ => copy_all(to, from),
    }
}

#[inline(always)]
fn ends<T: Copy, const N: usize>(to: &mut [T], from: &[T]) {
    // `last_chunk` would keep a panic inside, which the compiler does not always see to be unreachable.
    let Some(last) = from.len().checked_sub(N) else { return };
    for at in [0, last] {
        let from = from.get(at..).and_then(|rest| rest.first_chunk::<N>());
        let to = to.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<N>());
        if let (Some(from), Some(to)) = (from, to) {
            *to = *from;
        }
    }
}

/// `copy_from_slice` without its panic.
#[inline(always)]
pub(crate) fn copy_all<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// `count` elements from `first` on.
#[inline(always)]
pub(crate) fn part<T>(slice: &[T], first: usize, count: usize) -> &[T] {
    slice.get(first..).and_then(|rest| rest.get(..count)).unwrap_or_default()
}

/// `count` elements from `first` on, to be written.
#[inline(always)]
pub(crate) fn part_mut<T>(slice: &mut [T], first: usize, count: usize) -> &mut [T] {
    slice.get_mut(first..).and_then(|rest| rest.get_mut(..count)).unwrap_or_default()
}
