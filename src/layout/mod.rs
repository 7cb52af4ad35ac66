//! Lengths become a [`Layout`]: the order, the batch sizes and the offsets of a packed batch.
//!
//! A packed batch holds its tokens in time order, the longest sequence first: the row of step `t` and place `b` is
//! `offset(t) + b`, where `B_t` sequences are longer than `t` and `offset(t)` counts the tokens before step `t`. Nothing
//! but the sorted lengths is kept: `B_t` falls out of a cursor that moves along them, so that a stream of a million
//! steps costs four bytes.

mod blocks;
mod sort;
mod steps;

pub(crate) use blocks::Block;
pub(crate) use steps::End;
pub use steps::{Step, Steps};

use blocks::Blocks;

use crate::device::{SMALL, one_turn};
use crate::error::{Argument, Code, Error};

/// The longest length, and the largest number of sequences: `2^31 - 1`, so that every index type can hold it.
pub const MAX_LENGTH: usize = i32::MAX as usize;

mod sealed {
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for u32 {}
    impl Sealed for i32 {}
    impl Sealed for i64 {}
}

/// An integer in which lengths, batch sizes and indices may be given: `usize`, `u32`, `i32` or `i64`.
pub trait Count: Copy + sealed::Sealed {
    /// The value, or why it is refused: negative, or beyond [`MAX_LENGTH`].
    #[doc(hidden)]
    fn get(self, argument: Argument, index: usize) -> Result<u32, Error>;
    /// The value in the caller's type. Every value up to [`MAX_LENGTH`] fits.
    #[doc(hidden)]
    fn put(value: u32) -> Self;
}

macro_rules! count {
    ($($type:ty),*) => { $(
        impl Count for $type {
            #[inline]
            fn get(self, argument: Argument, index: usize) -> Result<u32, Error> {
                match i32::try_from(self) {
                    Ok(value) if value >= 0 => Ok(value as u32),
                    _ => {
                        // Only an i32 or i64 can be below 0; a large unsigned value saturates.
                        let found = i64::try_from(self).unwrap_or(i64::MAX);
                        let (code, expected) =
                            if found < 0 { (Code::Negative, 0) } else { (Code::Overflow, MAX_LENGTH as i64) };
                        Err(Error { code, argument, index: Some(index), found, expected })
                    }
                }
            }
            #[inline]
            fn put(value: u32) -> Self {
                value as $type
            }
        }
    )* };
}
count!(usize, u32, i32, i64);

/// A validated packed batch: which sequence stands where, and how many run at each step.
///
/// It borrows the caller's index slices and is small enough to be copied. Zero-length sequences and an empty batch are
/// valid: they have no tokens.
///
/// ```
/// use packed_rnn::Layout;
///
/// let (mut sorted_lengths, mut sorted_indices) = ([0; 3], [0; 3]);
/// let layout = Layout::new(&[3, 2, 5], &mut sorted_lengths, &mut sorted_indices)?;
/// assert!(layout.sorted_indices().eq([2, 0, 1]));
/// assert!(layout.batch_sizes().eq([3, 3, 2, 1, 1]));
/// assert_eq!(layout.tokens(), 10);
/// # Ok::<(), packed_rnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// Never grows; every entry is at most [`MAX_LENGTH`].
    lengths: &'a [u32],
    /// A permutation of as many entries; `None` is the identity.
    order: Option<&'a [u32]>,
    tokens: usize,
}

impl<'a> Layout<'a> {
    /// Lengths in any order (PyTorch's `enforce_sorted=False`), one per sequence, into slices of as many entries.
    ///
    /// The order is stable: sequences of one length stay in the caller's order. Time: one pass if the lengths are
    /// sorted already, else O(B^1.5) at most; no scratch.
    ///
    /// # Errors
    /// `lengths`: [`Code::Negative`], [`Code::Overflow`] (a length, or the sum); `sorted_lengths`, `sorted_indices`:
    /// [`Code::WrongCount`]. The index slices may then hold anything.
    pub fn new<L: Count>(
        lengths: &[L],
        sorted_lengths: &'a mut [u32],
        sorted_indices: &'a mut [u32],
    ) -> Result<Self, Error> {
        check_count(sorted_indices.len(), Argument::SortedIndices, lengths.len())?;
        let tokens = copy_lengths(lengths, sorted_lengths)?;
        identity(sorted_indices);
        sort::by_length(sorted_lengths, sorted_indices);
        Ok(Self { lengths: sorted_lengths, order: moved(sorted_indices), tokens })
    }

    /// Lengths that are in decreasing order already (PyTorch's `enforce_sorted=True`, its default).
    ///
    /// # Errors
    /// As [`Layout::new`], and [`Code::NotSorted`] at the first length that is longer than the one before it.
    /// `sorted_lengths` may then hold anything.
    pub fn from_sorted<L: Count>(lengths: &[L], sorted_lengths: &'a mut [u32]) -> Result<Self, Error> {
        let tokens = copy_lengths(lengths, sorted_lengths)?;
        for (index, pair) in sorted_lengths.windows(2).enumerate() {
            if let &[before, after] = pair
                && after > before
            {
                let error = Error::new(Code::NotSorted, Argument::Lengths, after as usize, before as usize);
                return Err(error.at(index + 1));
            }
        }
        Ok(Self { lengths: sorted_lengths, order: None, tokens })
    }

    /// A packed batch that came with its `batch_sizes`, in sorted order.
    ///
    /// `sorted_lengths` tells by its size how many sequences there are: at least `batch_sizes[0]`; those beyond have
    /// length 0.
    ///
    /// # Errors
    /// `batch_sizes`: [`Code::Zero`], [`Code::Increasing`], [`Code::Negative`], [`Code::Overflow`];
    /// `sorted_lengths`: [`Code::WrongCount`] if there are fewer than `batch_sizes[0]`. It may then hold anything.
    pub fn from_batch_sizes<L: Count>(batch_sizes: &[L], sorted_lengths: &'a mut [u32]) -> Result<Self, Error> {
        if sorted_lengths.len() > MAX_LENGTH || batch_sizes.len() > MAX_LENGTH {
            return Err(Error::overflow(Argument::BatchSizes));
        }
        sorted_lengths.fill(0);
        let count = sorted_lengths.len();
        let (mut tokens, mut running) = (0usize, count);
        for (step, &size) in batch_sizes.iter().enumerate() {
            let size = size.get(Argument::BatchSizes, step)? as usize;
            if size == 0 {
                return Err(Error::new(Code::Zero, Argument::BatchSizes, 0, 1).at(step));
            }
            if size > running {
                return Err(match step {
                    0 => Error::new(Code::WrongCount, Argument::SortedLengths, count, size),
                    _ => Error::new(Code::Increasing, Argument::BatchSizes, size, running).at(step),
                });
            }
            // Those that do not run any more have ended before this step.
            fill(sorted_lengths, size, running, step);
            running = size;
            tokens = tokens.checked_add(size).ok_or(Error::overflow(Argument::BatchSizes).at(step))?;
        }
        if !batch_sizes.is_empty() {
            fill(sorted_lengths, 0, running, batch_sizes.len());
        }
        Ok(Self { lengths: sorted_lengths, order: None, tokens })
    }

    /// The same batch with the order in which it was sorted: PyTorch's `sorted_indices`, copied into `order`.
    ///
    /// # Errors
    /// `sorted_indices`: [`Code::NotPermutation`], [`Code::Negative`], [`Code::Overflow`]; [`Code::WrongCount`] if it or
    /// `order` has another number of entries than there are sequences. `order` may then hold anything.
    pub fn with_sorted_indices<L: Count>(self, sorted_indices: &[L], order: &'a mut [u32]) -> Result<Self, Error> {
        let count = self.lengths.len();
        check_count(sorted_indices.len(), Argument::SortedIndices, count)?;
        check_count(order.len(), Argument::SortedIndices, count)?;
        invert_permutation_as(sorted_indices, order, Argument::SortedIndices)?;
        for (place, &index) in order.iter_mut().zip(sorted_indices) {
            *place = index.get(Argument::SortedIndices, 0)?;
        }
        Ok(Self { order: moved(order), ..self })
    }

    /// A layout that was made before, from where its parts were kept: the order comes with its inverse, so that this
    /// takes O(B) and no scratch. Everything is checked again.
    #[cfg(feature = "capi")]
    pub(crate) fn from_parts(
        lengths: &'a [u32],
        order: Option<(&'a [u32], &[u32])>,
        tokens: usize,
    ) -> Result<Self, Error> {
        let count = lengths.len();
        if count > MAX_LENGTH {
            return Err(Error::overflow(Argument::SortedLengths));
        }
        let (mut sum, mut before) = (0_usize, MAX_LENGTH);
        for (place, &length) in lengths.iter().enumerate() {
            let length = length as usize;
            if length > before {
                let code = if place == 0 { Code::Overflow } else { Code::NotSorted };
                return Err(Error::new(code, Argument::SortedLengths, length, before).at(place));
            }
            before = length;
            sum = sum.checked_add(length).ok_or(Error::overflow(Argument::SortedLengths).at(place))?;
        }
        if sum != tokens {
            return Err(Error::new(Code::WrongCount, Argument::Tokens, tokens, sum));
        }
        let Some((order, inverse)) = order else { return Ok(Self { lengths, order: None, tokens }) };
        check_count(order.len(), Argument::SortedIndices, count)?;
        check_count(inverse.len(), Argument::UnsortedIndices, count)?;
        for (place, &sequence) in order.iter().enumerate() {
            // No two places have one sequence, as that has one place.
            if inverse.get(sequence as usize).is_none_or(|&back| back as usize != place) {
                return Err(
                    Error::new(Code::NotPermutation, Argument::SortedIndices, sequence as usize, count).at(place)
                );
            }
        }
        Ok(Self { lengths, order: moved(order), tokens })
    }

    /// The number of sequences, `B`, those of length 0 included.
    #[inline]
    pub const fn batch(&self) -> usize {
        self.lengths.len()
    }

    /// The number of steps, `T`: the longest length.
    #[inline]
    pub fn steps(&self) -> usize {
        self.steps_of(0)
    }

    /// The number of tokens: the sum of the lengths, the rows of the packed batch.
    #[inline]
    pub const fn tokens(&self) -> usize {
        self.tokens
    }

    /// The number of elements of a packed batch with rows of `features`: `tokens * features`.
    ///
    /// # Errors
    /// [`Code::Overflow`] of `features`.
    pub fn packed_len(&self, features: usize) -> Result<usize, Error> {
        self.tokens.checked_mul(features).ok_or(Error::overflow(Argument::Features))
    }

    /// PyTorch's `batch_sizes`: how many sequences are longer than `t`, for each step `t`.
    pub fn batch_sizes(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + Clone + 'a {
        self.walk().map(|step| step.rows)
    }

    /// The steps with their rows and offsets, forward; `.rev()` walks from the last step to the first.
    #[inline]
    pub fn walk(&self) -> Steps<'a> {
        Steps::new(self.lengths, self.tokens)
    }

    /// The steps of the sequence at a place, which all before it make too.
    #[inline]
    pub(crate) fn steps_of(&self, place: usize) -> usize {
        self.lengths.get(place).map_or(0, |&length| length as usize)
    }

    /// The back of a walk along these steps. Time: O(B) at any place but the first. Inlined, as that is most often the
    /// place, and known.
    #[inline(always)]
    pub(crate) fn back_of(&self, place: usize) -> End {
        let t = self.steps_of(place);
        let (rows, offset) = if place == 0 { (0, self.tokens) } else { (self.batch_size(t), self.offset(t)) };
        End { t, rows, offset }
    }

    /// The steps in blocks in which the same sequences run, of at most `rows` tokens where one step has no more.
    pub(crate) fn blocks(&self, rows: usize) -> Blocks<'a> {
        Blocks::new(self.lengths, rows)
    }

    /// PyTorch's `batch_sizes[t]`, 0 from the last step on. Time: O(log B).
    pub fn batch_size(&self, t: usize) -> usize {
        self.lengths.partition_point(|&length| {
            one_turn();
            length as usize > t
        })
    }

    /// The packed row at which step `t` begins: the number of tokens before it. Time: O(B).
    pub fn offset(&self, t: usize) -> usize {
        // No sum of these can be larger than `tokens`, which is their sum for the last step.
        self.lengths.iter().fold(0, |sum, &length| {
            one_turn();
            sum + t.min(length as usize)
        })
    }

    /// PyTorch's `sorted_indices`: the caller's sequence at each place of the packed batch.
    /// Sequences of one length stay in the caller's order, which PyTorch leaves open beyond 16 of them.
    pub fn sorted_indices(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + Clone + 'a {
        let order = self.order;
        (0..self.lengths.len()).map(move |place| sequence_at(order, place))
    }

    /// The lengths in sorted order.
    pub fn sorted_lengths(&self) -> &'a [u32] {
        self.lengths
    }

    /// The order as it is stored; `None` means that every sequence is at its own place.
    #[inline]
    pub(crate) fn order(&self) -> Option<&'a [u32]> {
        self.order
    }

    /// Places with their sequence and length, longest first.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> + 'a {
        self.sorted_indices().zip(self.lengths).map(|(sequence, &length)| (sequence, length as usize))
    }

    /// Writes `batch_sizes` into a slice of [`Layout::steps`] entries.
    ///
    /// # Errors
    /// [`Code::WrongCount`] of `batch_sizes`.
    pub fn write_batch_sizes<L: Count>(&self, batch_sizes: &mut [L]) -> Result<(), Error> {
        check_count(batch_sizes.len(), Argument::BatchSizes, self.steps())?;
        for (out, size) in batch_sizes.iter_mut().zip(self.batch_sizes()) {
            *out = L::put(size as u32);
        }
        Ok(())
    }

    /// Writes `sorted_indices` into a slice of [`Layout::batch`] entries.
    ///
    /// # Errors
    /// [`Code::WrongCount`] of `sorted_indices`.
    pub fn write_sorted_indices<L: Count>(&self, sorted_indices: &mut [L]) -> Result<(), Error> {
        check_count(sorted_indices.len(), Argument::SortedIndices, self.batch())?;
        for (out, index) in sorted_indices.iter_mut().zip(self.sorted_indices()) {
            *out = L::put(index as u32);
        }
        Ok(())
    }

    /// Writes the inverse of the order, PyTorch's `unsorted_indices`: the place of each of the caller's sequences.
    ///
    /// # Errors
    /// [`Code::WrongCount`] of `unsorted_indices`.
    pub fn write_unsorted_indices<L: Count>(&self, unsorted_indices: &mut [L]) -> Result<(), Error> {
        check_count(unsorted_indices.len(), Argument::UnsortedIndices, self.batch())?;
        for (place, sequence) in self.sorted_indices().enumerate() {
            if let Some(out) = unsorted_indices.get_mut(sequence) {
                *out = L::put(place as u32);
            }
        }
        Ok(())
    }

    /// Writes the lengths in the caller's order.
    ///
    /// # Errors
    /// [`Code::WrongCount`] of `lengths`.
    pub fn write_lengths<L: Count>(&self, lengths: &mut [L]) -> Result<(), Error> {
        check_count(lengths.len(), Argument::Lengths, self.batch())?;
        for (sequence, length) in self.places() {
            if let Some(out) = lengths.get_mut(sequence) {
                *out = L::put(length as u32);
            }
        }
        Ok(())
    }
}

impl PartialEq for Layout<'_> {
    fn eq(&self, other: &Self) -> bool {
        // A stored order may be the identity, which is not stored elsewhere.
        self.lengths == other.lengths && self.sorted_indices().eq(other.sorted_indices())
    }
}

impl Eq for Layout<'_> {}

/// The inverse of a permutation, PyTorch's `invert_permutation`: `inverse[permutation[i]] = i`.
///
/// ```
/// let mut inverse = [0; 3];
/// packed_rnn::invert_permutation(&[2_i64, 0, 1], &mut inverse)?;
/// assert_eq!(inverse, [1, 2, 0]);
/// # Ok::<(), packed_rnn::Error>(())
/// ```
///
/// # Errors
/// `permutation`: [`Code::NotPermutation`], [`Code::Negative`], [`Code::Overflow`]; `output`: [`Code::WrongCount`].
/// `output` may then hold anything.
pub fn invert_permutation<L: Count>(permutation: &[L], output: &mut [u32]) -> Result<(), Error> {
    check_count(output.len(), Argument::Output, permutation.len())?;
    invert_permutation_as(permutation, output, Argument::Permutation)
}

/// Writes the inverse into a slice of as many entries; every entry hit exactly once is what makes it a permutation.
fn invert_permutation_as<L: Count>(permutation: &[L], inverse: &mut [u32], argument: Argument) -> Result<(), Error> {
    const FREE: u32 = u32::MAX;
    inverse.fill(FREE);
    for (place, &index) in permutation.iter().enumerate() {
        let index = index.get(argument, place)? as usize;
        match inverse.get_mut(index) {
            Some(free) if *free == FREE => *free = place as u32,
            _ => return Err(Error::new(Code::NotPermutation, argument, index, permutation.len()).at(place)),
        }
    }
    Ok(())
}

fn check_count(found: usize, argument: Argument, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::new(Code::WrongCount, argument, found, expected)) }
}

/// Checks and copies the lengths; their sum is the number of tokens.
fn copy_lengths<L: Count>(lengths: &[L], copies: &mut [u32]) -> Result<usize, Error> {
    check_count(copies.len(), Argument::SortedLengths, lengths.len())?;
    if lengths.len() > MAX_LENGTH {
        return Err(Error::overflow(Argument::Lengths));
    }
    let mut tokens = 0usize;
    for (index, (&length, copy)) in lengths.iter().zip(copies).enumerate() {
        *copy = length.get(Argument::Lengths, index)?;
        tokens = tokens.checked_add(*copy as usize).ok_or(Error::overflow(Argument::Lengths).at(index))?;
    }
    Ok(tokens)
}

/// A permutation, if it is not the identity: rows that stay where they are may be copied many at once. A microcontroller
/// has no code for that.
fn moved(order: &[u32]) -> Option<&[u32]> {
    let stays = !SMALL && order.iter().enumerate().all(|(place, &sequence)| place == sequence as usize);
    (!stays).then_some(order)
}

fn identity(indices: &mut [u32]) {
    for (place, index) in indices.iter_mut().enumerate() {
        one_turn();
        *index = place as u32;
    }
}

fn fill(lengths: &mut [u32], from: usize, to: usize, length: usize) {
    if let Some(ended) = lengths.get_mut(from..to) {
        ended.fill(length as u32);
    }
}

/// The caller's sequence at a place of the packed batch.
#[inline]
pub(crate) fn sequence_at(order: Option<&[u32]>, place: usize) -> usize {
    match order {
        Some(order) => order.get(place).map_or(place, |&sequence| sequence as usize),
        None => place,
    }
}
