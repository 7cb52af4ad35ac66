//! Tokens into packed order: from a padded rectangle or from ragged slices. Copies only; padding is never read.

use crate::error::{Argument, Code, Error, check_len};
use crate::layout::{Layout, sequence_at};
use crate::padded::{Padded, copy_all, copy_row, part, part_mut};

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
    let mut rest = output;
    for step in layout.walk() {
        for (place, &length) in lengths.iter().enumerate().take(step.rows) {
            let token = padded.token(batch, sequence_at(order, place), length as usize, step.t);
            next_row(&mut rest, features, part(input, token, features));
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
    let mut rest = output;
    for step in layout.walk() {
        for place in 0..step.rows {
            if let Some(sequence) = sequences.get(sequence_at(order, place)) {
                next_row(&mut rest, features, part(sequence.as_ref(), step.t * features, features));
            }
        }
    }
    Ok(())
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

/// Copies a row to the front of what is left of the output.
#[inline(always)]
fn next_row<T: Copy>(rest: &mut &mut [T], features: usize, row: &[T]) {
    if let Some((to, behind)) = core::mem::take(rest).split_at_mut_checked(features) {
        copy_row(to, row);
        *rest = behind;
    }
}
