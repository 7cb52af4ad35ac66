//! Tokens out of packed order, and padding: the mirror of `pack`.

use crate::copy::{Place, SHORT, copy_all, copy_rows, part, part_mut, repeat_row};
use crate::error::{Argument, Code, Error, check_len};
use crate::layout::{Count, Layout, sequence_at};
use crate::pack::{check_sequences, each_row, near, packed};
use crate::padded::Padded;

/// What a padded step holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill<T> {
    /// This value in every element: PyTorch's `padding_value`. ONNX fills with 0.
    Value(T),
    /// The row before it, as Keras leaves a masked step; this value where there is none (a sequence of length 0, or
    /// padding before the tokens).
    Last(T),
}

/// Pads a packed batch: PyTorch's `pad_packed_sequence`.
///
/// `input` is the packed data, [`Layout::packed_len`] elements; `output` receives the rectangle that `padded`
/// describes, in the caller's order. `padded.steps` is PyTorch's `total_length`; its default is [`Layout::steps`]. The
/// lengths that PyTorch returns are told by [`Layout::write_lengths`].
///
/// ```
/// use packed_rnn::{Fill, Layout, Padded, pad_packed_sequence};
///
/// let mut sorted_lengths = [0; 2];
/// let layout = Layout::from_sorted(&[3, 2], &mut sorted_lengths)?;
/// let mut output = [0; 6];
/// pad_packed_sequence(&layout, Padded::batch_first(3, 1), &[1, 3, 2, 4, 3], Fill::Value(-1), &mut output)?;
/// assert_eq!(output, [1, 2, 3, 3, 4, -1]);
/// # Ok::<(), packed_rnn::Error>(())
/// ```
///
/// # Errors
/// `padded`: [`Code::TotalLength`], [`Code::Overflow`]; `input`, `output`: [`Code::WrongLen`].
/// `output` is then untouched.
pub fn pad_packed_sequence<T: Copy>(
    layout: &Layout<'_>,
    padded: Padded,
    input: &[T],
    padding_value: Fill<T>,
    output: &mut [T],
) -> Result<(), Error> {
    let (batch, features, order) = (layout.batch(), padded.features, layout.order());
    if padded.steps < layout.steps() {
        return Err(Error::new(Code::TotalLength, Argument::Padded, padded.steps, layout.steps()));
    }
    check_len(output, Argument::Output, Some(padded.len(batch)?))?;
    check_len(input, Argument::Input, Some(layout.packed_len(features)?))?;
    if features == 0 {
        return Ok(());
    }
    if order.is_none() && !padded.batch_first && !padded.left {
        // The rows of a step stand together on both sides.
        for step in layout.walk() {
            let rows = part(input, step.offset * features, step.rows * features);
            copy_all(part_mut(output, padded.row(batch, 0, step.t), step.rows * features), rows);
        }
    } else if let Some(near) = near::<T>(features) {
        for block in layout.blocks(near) {
            for (place, &length) in layout.sorted_lengths().iter().enumerate().take(block.rows) {
                let to = padded.tokens(batch, sequence_at(order, place), length as usize, block.t);
                copy_rows(output, to, input, packed(block, place, features), block.steps, features);
            }
        }
    } else {
        each_row(layout, input.chunks_exact(features), |row, sequence, length, t| {
            copy_all(part_mut(output, padded.tokens(batch, sequence, length, t).first, features), row);
        });
    }
    match padding_value {
        // Short rows are repeated faster than they are filled one by one, even far apart.
        Fill::Value(value) if !padded.batch_first && (features > SHORT || order.is_none()) => {
            fill_steps(layout, padded, value, output);
        }
        _ => {
            layout.places().for_each(|(sequence, length)| fill(padded, batch, sequence, length, padding_value, output))
        }
    }
    Ok(())
}

/// Gives each sequence of a packed batch back into a slice of its own: PyTorch's `unpack_sequence`, without a padded
/// copy between. `input` is the packed data.
///
/// # Errors
/// `sequences`: [`Code::WrongCount`], [`Code::WrongLen`] (the index is the caller's sequence); `features`:
/// [`Code::Overflow`]; `input`: [`Code::WrongLen`]. The sequences are then untouched.
pub fn unpack_sequence<T: Copy, S: AsMut<[T]>>(
    layout: &Layout<'_>,
    features: usize,
    input: &[T],
    sequences: &mut [S],
) -> Result<(), Error> {
    check_len(input, Argument::Input, Some(layout.packed_len(features)?))?;
    check_sequences(layout, features, sequences.len(), |index| {
        sequences.get_mut(index).map_or(0, |sequence| sequence.as_mut().len())
    })?;
    if features == 0 {
        return Ok(());
    }
    let Some(near) = near::<T>(features) else {
        each_row(layout, input.chunks_exact(features), |row, sequence, _, t| {
            let sequence = sequences.get_mut(sequence).map(AsMut::as_mut);
            if let Some(to) = sequence.and_then(|sequence| sequence.get_mut(t * features..(t + 1) * features)) {
                copy_all(to, row);
            }
        });
        return Ok(());
    };
    let order = layout.order();
    for block in layout.blocks(near) {
        for place in 0..block.rows {
            if let Some(sequence) = sequences.get_mut(sequence_at(order, place)) {
                let to = Place { first: block.t * features, stride: features };
                copy_rows(sequence.as_mut(), to, input, packed(block, place, features), block.steps, features);
            }
        }
    }
    Ok(())
}

/// Pads ragged sequences: PyTorch's `pad_sequence`, with both padding sides.
///
/// Each of the `sequences` holds a whole number of rows of `padded.features`; `padded.steps` is at least the longest
/// (PyTorch's result has just that many).
///
/// # Errors
/// `sequences`: [`Code::NotRows`], [`Code::BeyondTime`]; `padded`: [`Code::Overflow`]; `output`: [`Code::WrongLen`].
/// `output` is then untouched.
pub fn pad_sequence<T: Copy, S: AsRef<[T]>>(
    padded: Padded,
    sequences: &[S],
    padding_value: Fill<T>,
    output: &mut [T],
) -> Result<(), Error> {
    let (batch, features) = (sequences.len(), padded.features);
    check_len(output, Argument::Output, Some(padded.len(batch)?))?;
    for (index, sequence) in sequences.iter().enumerate() {
        let length = rows_of(sequence.as_ref().len(), features, index)?;
        if length > padded.steps {
            return Err(Error::new(Code::BeyondTime, Argument::Sequences, length, padded.steps).at(index));
        }
    }
    if features == 0 {
        return Ok(());
    }
    for (index, sequence) in sequences.iter().enumerate() {
        let sequence = sequence.as_ref();
        // As just checked, unless the container gives another slice each time it is asked.
        let length = (sequence.len() / features).min(padded.steps);
        let to = padded.tokens(batch, index, length, 0);
        copy_rows(output, to, sequence, Place { first: 0, stride: features }, length, features);
        fill(padded, batch, index, length, padding_value, output);
    }
    Ok(())
}

/// Gives the tokens of each sequence of a padded rectangle into a slice of its own: PyTorch's `unpad_sequence`, with
/// both padding sides.
///
/// # Errors
/// `lengths`: [`Code::Negative`], [`Code::Overflow`], [`Code::WrongCount`], [`Code::BeyondTime`]; `padded`:
/// [`Code::Overflow`]; `input`: [`Code::WrongLen`]; `sequences`: [`Code::WrongLen`]. The sequences are then untouched.
pub fn unpad_sequence<T: Copy, L: Count, S: AsMut<[T]>>(
    padded: Padded,
    lengths: &[L],
    input: &[T],
    sequences: &mut [S],
) -> Result<(), Error> {
    let (batch, features) = (sequences.len(), padded.features);
    if lengths.len() != batch {
        return Err(Error::new(Code::WrongCount, Argument::Lengths, lengths.len(), batch));
    }
    check_len(input, Argument::Input, Some(padded.len(batch)?))?;
    for (index, (&length, sequence)) in lengths.iter().zip(sequences.iter_mut()).enumerate() {
        let length = length.get(Argument::Lengths, index)? as usize;
        if length > padded.steps {
            return Err(Error::new(Code::BeyondTime, Argument::Lengths, length, padded.steps).at(index));
        }
        let expected = length.checked_mul(features);
        check_len(sequence.as_mut(), Argument::Sequences, expected).map_err(|error| error.at(index))?;
    }
    if features == 0 {
        return Ok(());
    }
    for (index, (&length, sequence)) in lengths.iter().zip(sequences).enumerate() {
        let length = length.get(Argument::Lengths, index)? as usize;
        let from = padded.tokens(batch, index, length, 0);
        copy_rows(sequence.as_mut(), Place { first: 0, stride: features }, input, from, length, features);
    }
    Ok(())
}

/// How many rows a slice of `len` elements is. Rows without features have no number, and only an empty slice is any.
fn rows_of(len: usize, features: usize, index: usize) -> Result<usize, Error> {
    let not_rows = Error::new(Code::NotRows, Argument::Sequences, len, features).at(index);
    match (len.checked_div(features), len.checked_rem(features)) {
        (Some(rows), Some(0)) => Ok(rows),
        (None, _) if len == 0 => Ok(0),
        _ => Err(not_rows),
    }
}

/// Writes the padding of a time-major rectangle step by step, as its rows stand in memory.
fn fill_steps<T: Copy>(layout: &Layout<'_>, padded: Padded, value: T, output: &mut [T]) {
    let (batch, features) = (layout.batch(), padded.features);
    for (t, step) in output.chunks_exact_mut((batch * features).max(1)).enumerate() {
        // The shortest are padded first, on either side.
        let padded_from = layout.batch_size(if padded.left { padded.steps - 1 - t } else { t });
        match layout.order() {
            None => part_mut(step, padded_from * features, (batch - padded_from) * features).fill(value),
            Some(order) => order.iter().skip(padded_from).for_each(|&sequence| {
                part_mut(step, sequence as usize * features, features).fill(value);
            }),
        }
    }
}

/// Writes the padding of one sequence, whose tokens are in place.
fn fill<T: Copy>(padded: Padded, batch: usize, sequence: usize, length: usize, with: Fill<T>, output: &mut [T]) {
    let Padded { features, .. } = padded;
    let padding = padded.padding(length);
    if padding.is_empty() {
        return;
    }
    let (value, last) = match with {
        Fill::Value(value) => (value, false),
        Fill::Last(value) => (value, true),
    };
    let first = padded.row(batch, sequence, padding.start);
    if padded.batch_first && !(last && padding.start > 0) {
        // The padding of a sequence stands together.
        part_mut(output, first, padding.len() * features).fill(value);
        return;
    }
    let before = match padding.start.checked_sub(1) {
        Some(t) if last => padded.row(batch, sequence, t),
        _ => {
            part_mut(output, first, features).fill(value);
            first
        }
    };
    // The row before stands ahead of all the others in either layout.
    let stride = padded.tokens(batch, sequence, length, 0).stride;
    if let Some((head, tail)) = output.split_at_mut_checked(before + features) {
        let row = part(head, before, features);
        let rows = if before == first { padding.len() - 1 } else { padding.len() };
        let to = Place { first: stride - features, stride };
        repeat_row(tail, to, row, rows);
    }
}
