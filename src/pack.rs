//! Tokens into packed order: from a padded rectangle or from ragged slices. Copies only; padding is never read.

use crate::copy::{Place, copy_all, copy_rows, part, part_mut};
use crate::device::SMALL;
use crate::error::{Argument, Code, Error, check_len};
use crate::layout::{Block, Layout, sequence_at};
use crate::padded::Padded;

/// Packs a padded rectangle: PyTorch's `pack_padded_sequence`.
///
/// `input` is `[steps, B, features]` or `[B, steps, features]` as `padded` says; `output` receives
/// [`Layout::packed_len`] elements, the tokens of each step one after another, longest sequence first. Padding is not
/// read. Unlike PyTorch, a length of 0 is valid, and a length beyond the time axis is an error.
///
/// ```
/// use packed_rnn::{Layout, Padded, pack_padded_sequence};
///
/// let mut sorted_lengths = [0; 2];
/// let layout = Layout::from_sorted(&[3, 2], &mut sorted_lengths)?;
/// let mut packed = [0; 5];
/// pack_padded_sequence(&layout, Padded::batch_first(3, 1), &[1, 2, 3, 3, 4, 0], &mut packed)?;
/// assert_eq!(packed, [1, 3, 2, 4, 3]);
/// # Ok::<(), packed_rnn::Error>(())
/// ```
///
/// # Errors
/// `lengths`: [`Code::BeyondTime`] (the index is the caller's sequence); `padded`: [`Code::Overflow`]; `input`,
/// `output`: [`Code::WrongLen`]. `output` is then untouched.
pub fn pack_padded_sequence<T: Copy>(
    layout: &Layout<'_>,
    padded: Padded,
    input: &[T],
    output: &mut [T],
) -> Result<(), Error> {
    padded.check_lengths(layout)?;
    let batch = layout.batch();
    check_len(input, Argument::Input, Some(padded.len(batch)?))?;
    check_len(output, Argument::Output, Some(layout.packed_len(padded.features)?))?;
    let (features, order, lengths) = (padded.features, layout.order(), layout.sorted_lengths());
    if features == 0 {
        return Ok(());
    }
    if order.is_none() && !padded.batch_first && !padded.left {
        // The rows of a step stand together on both sides.
        for step in layout.walk() {
            let rows = part(input, padded.row(batch, 0, step.t), step.rows * features);
            copy_all(part_mut(output, step.offset * features, step.rows * features), rows);
        }
        return Ok(());
    }
    let Some(near) = near::<T>(features) else {
        each_place(layout, padded, output.chunks_exact_mut(features), |row, first| {
            copy_all(row, part(input, first, features));
        });
        return Ok(());
    };
    for block in layout.blocks(near) {
        for (place, &length) in lengths.iter().enumerate().take(block.rows) {
            let from = padded.tokens(batch, sequence_at(order, place), length as usize, block.t);
            copy_rows(output, packed(block, place, features), input, from, block.steps, features);
        }
    }
    Ok(())
}

/// Packs ragged sequences, each in a slice of its own: PyTorch's `pack_sequence`, without a padded copy between.
///
/// `sequences` are in the caller's order and hold `length * features` elements each.
///
/// ```
/// use packed_rnn::{Layout, pack_sequence};
///
/// let sequences = [&[1, 2, 3, 4, 5][..], &[10, 20]];
/// let mut sorted_lengths = [0; 2];
/// let layout = Layout::from_sorted(&sequences.map(<[_]>::len), &mut sorted_lengths)?;
/// let mut packed = [0; 7];
/// pack_sequence(&layout, 1, &sequences, &mut packed)?;
/// assert_eq!(packed, [1, 10, 2, 20, 3, 4, 5]);
/// # Ok::<(), packed_rnn::Error>(())
/// ```
///
/// # Errors
/// `sequences`: [`Code::WrongCount`], [`Code::WrongLen`] (the index is the caller's sequence); `features`:
/// [`Code::Overflow`]; `output`: [`Code::WrongLen`]. `output` is then untouched.
pub fn pack_sequence<T: Copy, S: AsRef<[T]>>(
    layout: &Layout<'_>,
    features: usize,
    sequences: &[S],
    output: &mut [T],
) -> Result<(), Error> {
    check_len(output, Argument::Output, Some(layout.packed_len(features)?))?;
    check_sequences(layout, features, sequences.len(), |index| {
        sequences.get(index).map_or(0, |sequence| sequence.as_ref().len())
    })?;
    if features == 0 {
        return Ok(());
    }
    let order = layout.order();
    let Some(near) = near::<T>(features) else {
        each_row(layout, output.chunks_exact_mut(features), |row, sequence, _, t| {
            let sequence = sequences.get(sequence).map(AsRef::as_ref);
            if let Some(from) = sequence.and_then(|sequence| sequence.get(t * features..(t + 1) * features)) {
                copy_all(row, from);
            }
        });
        return Ok(());
    };
    for block in layout.blocks(near) {
        for place in 0..block.rows {
            if let Some(sequence) = sequences.get(sequence_at(order, place)) {
                let from = Place { first: block.t * features, stride: features };
                copy_rows(output, packed(block, place, features), sequence.as_ref(), from, block.steps, features);
            }
        }
    }
    Ok(())
}

/// Where the tokens of the sequence at a place stand in the packed rows of a block.
pub(crate) fn packed(block: Block, place: usize, features: usize) -> Place {
    Place { first: (block.offset + place) * features, stride: block.rows * features }
}

/// How many rows of `features` are worth to be copied one sequence after another; none of long ones. Short rows of
/// several sequences share lines, which then stay near, and the reads of a sequence are long enough to be foreseen; long
/// rows gain nothing, and neither does a microcontroller, which has no lines.
pub(crate) const fn near<T>(features: usize) -> Option<usize> {
    const BYTES: usize = 32768;
    const LONG: usize = 256;
    match size_of::<T>().saturating_mul(features) {
        _ if SMALL => None,
        0 => Some(BYTES),
        row if row < LONG => Some(BYTES / row),
        _ => None,
    }
}

/// Visits the packed `rows` in their order, each with its sequence, that sequence's length, and the time.
#[inline(always)]
pub(crate) fn each_row<R>(
    layout: &Layout<'_>,
    mut rows: impl Iterator<Item = R>,
    mut visit: impl FnMut(R, usize, usize, usize),
) {
    let lengths = layout.sorted_lengths();
    for step in layout.walk() {
        let rows = lengths.iter().take(step.rows).zip(&mut rows);
        match layout.order() {
            Some(order) => {
                for (&sequence, (&length, row)) in order.iter().zip(rows) {
                    visit(row, sequence as usize, length as usize, step.t);
                }
            }
            None => {
                for (sequence, (&length, row)) in rows.enumerate() {
                    visit(row, sequence, length as usize, step.t);
                }
            }
        }
    }
}

/// Visits the packed `rows` in their order, each with the first element of its token in the rectangle.
#[inline(always)]
pub(crate) fn each_place<R>(
    layout: &Layout<'_>,
    padded: Padded,
    rows: impl Iterator<Item = R>,
    mut visit: impl FnMut(R, usize),
) {
    let batch = layout.batch();
    // With long rows the arithmetic takes as long as a part of the copy.
    if let Some((of_sequence, of_step)) = padded.plain_strides(batch) {
        each_row(layout, rows, |row, sequence, _, t| visit(row, sequence * of_sequence + t * of_step));
    } else {
        each_row(layout, rows, |row, sequence, length, t| {
            visit(row, padded.tokens(batch, sequence, length, t).first);
        });
    }
}

/// Each of `count` sequences must hold just the tokens that the layout tells; names the first in the caller's order
/// that does not.
pub(crate) fn check_sequences(
    layout: &Layout<'_>,
    features: usize,
    count: usize,
    mut len: impl FnMut(usize) -> usize,
) -> Result<(), Error> {
    if count != layout.batch() {
        return Err(Error::new(Code::WrongCount, Argument::Sequences, count, layout.batch()));
    }
    // Each product fits, as that of the whole packed batch does.
    let wrong = layout.places().filter(|&(sequence, length)| len(sequence) != length * features).min();
    match wrong {
        None => Ok(()),
        Some((sequence, length)) => {
            let error = Error::new(Code::WrongLen, Argument::Sequences, len(sequence), length * features);
            Err(error.at(sequence))
        }
    }
}
