//! Tokens out of packed order, and padding: the mirror of `pack`.

use crate::copy::{Place, SHORT, copy_all, copy_rows, part, part_mut, repeat_row};
use crate::error::{Argument, Code, Error, check_len};
use crate::layout::{Count, Layout, sequence_at};
use crate::pack::{check_sequences, each_place, each_row, near, packed};
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

/// The same as the kernels of padding take it: in a language without types of elements, a value may be several of them.
#[derive(Clone, Copy)]
pub(crate) struct Padding<'a, T> {
    /// Rows are whole numbers of it.
    pub(crate) value: &'a [T],
    pub(crate) last: bool,
}

impl<'a, T: Copy> Padding<'a, T> {
    fn of(fill: &'a Fill<T>) -> Self {
        let (Fill::Value(value) | Fill::Last(value)) = fill;
        Self { value: core::slice::from_ref(value), last: matches!(fill, Fill::Last(_)) }
    }

    /// Writes the value again and again.
    fn put(&self, to: &mut [T]) {
        match self.value {
            &[value] => to.fill(value),
            value => to.chunks_mut(value.len().max(1)).for_each(|to| copy_all(to, value)),
        }
    }
}

/// Where sequences are written to, each into elements of its own.
pub(crate) trait Sequences<T> {
    fn count(&self) -> usize;
    /// The elements of one; none where there is no such sequence.
    fn sequence(&mut self, index: usize) -> &mut [T];
}

impl<T, S: AsMut<[T]>> Sequences<T> for [S] {
    fn count(&self) -> usize {
        self.len()
    }

    fn sequence(&mut self, index: usize) -> &mut [T] {
        self.get_mut(index).map_or(&mut [], AsMut::as_mut)
    }
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
    pad_packed_with(layout, padded, input, Padding::of(&padding_value), output)
}

pub(crate) fn pad_packed_with<T: Copy>(
    layout: &Layout<'_>,
    padded: Padded,
    input: &[T],
    padding: Padding<'_, T>,
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
        each_place(layout, padded, input.chunks_exact(features), |row, first| {
            copy_all(part_mut(output, first, features), row);
        });
    }
    // Short rows are repeated faster than they are filled one by one, even far apart.
    if !padding.last && !padded.batch_first && (features > SHORT || order.is_none()) {
        fill_steps(layout, padded, padding, output);
    } else {
        layout.places().for_each(|(sequence, length)| fill(padded, batch, sequence, length, padding, output));
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
    unpack_into(layout, features, input, sequences)
}

pub(crate) fn unpack_into<T: Copy>(
    layout: &Layout<'_>,
    features: usize,
    input: &[T],
    sequences: &mut (impl Sequences<T> + ?Sized),
) -> Result<(), Error> {
    check_len(input, Argument::Input, Some(layout.packed_len(features)?))?;
    check_sequences(layout, features, sequences.count(), |index| sequences.sequence(index).len())?;
    if features == 0 {
        return Ok(());
    }
    let Some(near) = near::<T>(features) else {
        each_row(layout, input.chunks_exact(features), |row, sequence, _, t| {
            copy_all(part_mut(sequences.sequence(sequence), t * features, features), row);
        });
        return Ok(());
    };
    let order = layout.order();
    for block in layout.blocks(near) {
        for place in 0..block.rows {
            let sequence = sequences.sequence(sequence_at(order, place));
            let to = Place { first: block.t * features, stride: features };
            copy_rows(sequence, to, input, packed(block, place, features), block.steps, features);
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
    pad_with(padded, sequences, Padding::of(&padding_value), output)
}

pub(crate) fn pad_with<T: Copy, S: AsRef<[T]>>(
    padded: Padded,
    sequences: &[S],
    padding: Padding<'_, T>,
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
        fill(padded, batch, index, length, padding, output);
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
    unpad_into(padded, lengths, input, sequences)
}

pub(crate) fn unpad_into<T: Copy, L: Count>(
    padded: Padded,
    lengths: &[L],
    input: &[T],
    sequences: &mut (impl Sequences<T> + ?Sized),
) -> Result<(), Error> {
    let (batch, features) = (sequences.count(), padded.features);
    if lengths.len() != batch {
        return Err(Error::new(Code::WrongCount, Argument::Lengths, lengths.len(), batch));
    }
    check_len(input, Argument::Input, Some(padded.len(batch)?))?;
    for (index, &length) in lengths.iter().enumerate() {
        let length = length.get(Argument::Lengths, index)? as usize;
        if length > padded.steps {
            return Err(Error::new(Code::BeyondTime, Argument::Lengths, length, padded.steps).at(index));
        }
        let expected = length.checked_mul(features);
        check_len(sequences.sequence(index), Argument::Sequences, expected).map_err(|error| error.at(index))?;
    }
    if features == 0 {
        return Ok(());
    }
    for (index, &length) in lengths.iter().enumerate() {
        let length = length.get(Argument::Lengths, index)? as usize;
        let from = padded.tokens(batch, index, length, 0);
        copy_rows(sequences.sequence(index), Place { first: 0, stride: features }, input, from, length, features);
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
fn fill_steps<T: Copy>(layout: &Layout<'_>, padded: Padded, padding: Padding<'_, T>, output: &mut [T]) {
    let (batch, features) = (layout.batch(), padded.features);
    // Rows that stand apart are copied from the first of them: `memcpy` has longer vectors than the compiler may take.
    let mut row: Option<&[T]> = None;
    // Without a step they may not be countable.
    for (t, step) in output.chunks_exact_mut(batch.wrapping_mul(features).max(1)).enumerate() {
        // The shortest are padded first, on either side.
        let padded_from = layout.batch_size(if padded.left { padded.steps - 1 - t } else { t });
        let Some(order) = layout.order() else {
            padding.put(part_mut(step, padded_from * features, (batch - padded_from) * features));
            continue;
        };
        for &sequence in order.iter().skip(padded_from) {
            let to = part_mut(step, sequence as usize * features, features);
            match row {
                Some(row) => copy_all(to, row),
                None => padding.put(to),
            }
        }
        if row.is_none()
            && let Some(&sequence) = order.get(padded_from)
        {
            row = Some(part(step, sequence as usize * features, features));
        }
    }
}

/// Writes the padding of one sequence, whose tokens are in place.
fn fill<T: Copy>(padded: Padded, batch: usize, sequence: usize, length: usize, with: Padding<'_, T>, output: &mut [T]) {
    let Padded { features, .. } = padded;
    let padding = padded.padding(length);
    if padding.is_empty() {
        return;
    }
    let first = padded.row(batch, sequence, padding.start);
    if padded.batch_first && !(with.last && padding.start > 0) {
        // The padding of a sequence stands together.
        with.put(part_mut(output, first, padding.len() * features));
        return;
    }
    let before = match padding.start.checked_sub(1) {
        Some(t) if with.last => padded.row(batch, sequence, t),
        _ => {
            with.put(part_mut(output, first, features));
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
