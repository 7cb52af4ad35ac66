//! Packing and unpacking by bytes: a row is the bytes of one token, whatever they mean.

use super::error::{prnn_error, prnn_status};
use super::layout::{Arrays, prnn_layout};
use super::memory::{In, Memory, Out, Span, call};
use super::model::unknown;
use crate::error::{Argument, Code, Error};
use crate::layout::invert_permutation;
use crate::pack::{pack_padded_sequence, pack_sequence};
use crate::padded::Padded;
use crate::unpack::{Padding, Sequences, pad_packed_with, pad_with, unpack_into, unpad_into};
use core::ffi::c_void;

/// The shape of a padded rectangle: [steps, B] rows, or [B, steps] where batch_first is not 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_padded {
    /// The time axis, padding included: PyTorch's total_length when a batch is padded.
    pub steps: usize,
    /// Bytes of one token: its features times their size, 4 for a float.
    pub row_bytes: usize,
    /// Not 0: [B, steps] instead of [steps, B].
    pub batch_first: i32,
    /// Not 0: the padding stands before the tokens instead of behind them, PyTorch's padding_side="left".
    pub left: i32,
}

/// One sequence to read: its tokens, one after another.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_sequence {
    /// The first byte.
    pub data: *const c_void,
    /// Its length in bytes.
    pub bytes: usize,
}

/// One sequence to write.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_sequence_mut {
    /// The first byte.
    pub data: *mut c_void,
    /// Its length in bytes.
    pub bytes: usize,
}

/// What a padded step holds: PRNN_FILL_VALUE or PRNN_FILL_LAST.
pub type prnn_fill = i32;
/// The padding value in every element: PyTorch's padding_value.
pub const PRNN_FILL_VALUE: prnn_fill = 0;
/// The row before it, as Keras leaves a masked step; the padding value where there is none.
pub const PRNN_FILL_LAST: prnn_fill = 1;

impl prnn_padded {
    fn shape(&self) -> Padded {
        let shape = match self.batch_first {
            0 => Padded::time_major(self.steps, self.row_bytes),
            _ => Padded::batch_first(self.steps, self.row_bytes),
        };
        if self.left == 0 { shape } else { shape.left() }
    }

    /// What is written beside the tokens.
    fn padding<'a>(&self, fill: prnn_fill, value: Option<&'a [u8]>) -> Result<Padding<'a, u8>, Error> {
        let last = match fill {
            PRNN_FILL_VALUE => false,
            PRNN_FILL_LAST => true,
            other => return Err(unknown(Argument::Fill, other, PRNN_FILL_LAST + 1)),
        };
        let value = value.unwrap_or(&[0]);
        match self.row_bytes.checked_rem(value.len()) {
            Some(0) => Ok(Padding { value, last }),
            _ => Err(Error::new(Code::WrongLen, Argument::PaddingValue, value.len(), self.row_bytes)),
        }
    }
}

/// A sequence to read, which has been checked.
#[repr(transparent)]
struct Checked(prnn_sequence);

impl AsRef<[u8]> for Checked {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: whoever makes one has checked what it refers to.
        unsafe { In::checked(self.0.data.cast(), self.0.bytes).slice() }
    }
}

/// Sequences to write, which have been checked.
struct CheckedMut<'a>(&'a [prnn_sequence_mut]);

impl Sequences<u8> for CheckedMut<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn sequence(&mut self, index: usize) -> &mut [u8] {
        let Some(&prnn_sequence_mut { data, bytes }) = self.0.get(index) else { return &mut [] };
        // SAFETY: whoever makes one has checked what it refers to; it lives as long as `self` is borrowed.
        unsafe { Out::checked(data.cast(), bytes).slice() }
    }
}

impl Memory<'_> {
    /// A list of sequences to read.
    ///
    /// # Safety
    /// It is there, unless its pointer is null or misaligned; nothing is added afterwards.
    unsafe fn sequences(&mut self, list: *const prnn_sequence, len: usize) -> Result<In<prnn_sequence>, Error> {
        let list = self.read(list, len, Argument::Sequences)?;
        // SAFETY: checked, and the caller's promise; nothing is written while arguments are gathered.
        for (index, sequence) in unsafe { list.slice() }.iter().enumerate() {
            let entry = self.entry::<u8>(sequence.data.cast(), sequence.bytes, Argument::Sequences, false);
            entry.map_err(|error| error.at(index))?;
        }
        Ok(list)
    }

    /// A list of sequences to write, apart from each other too: O(B) where each is above or below all before it, as those
    /// of one buffer are; where they stand in memory without order, each is compared with all others.
    ///
    /// # Safety
    /// As [`Memory::sequences`].
    unsafe fn sequences_mut(
        &mut self,
        list: *const prnn_sequence_mut,
        len: usize,
    ) -> Result<In<prnn_sequence_mut>, Error> {
        let list = self.read(list, len, Argument::Sequences)?;
        // SAFETY: as in `sequences`.
        let sequences = unsafe { list.slice() };
        let mut hull: Option<Span> = None;
        for (index, sequence) in sequences.iter().enumerate() {
            let entry = self.entry::<u8>(sequence.data.cast(), sequence.bytes, Argument::Sequences, true);
            let Some(span) = entry.map_err(|error| error.at(index))? else { continue };
            if hull.is_some_and(|hull| hull.overlaps(&span)) {
                for before in sequences.iter().take(index) {
                    let before = Span::new::<u8>(before.data.cast(), before.bytes, Argument::Sequences)?;
                    if before.is_some_and(|before| before.overlaps(&span)) {
                        let (code, argument) = (Code::Overlap, Argument::Sequences);
                        let (index, found) = (Some(index), argument as i64);
                        return Err(Error { code, argument, index, found, expected: 0 });
                    }
                }
            }
            hull = Some(hull.map_or(span, |hull| hull.hull(span)));
        }
        Ok(list)
    }
}

impl In<prnn_sequence> {
    /// # Safety
    /// `Memory::sequences` and `call` have checked it.
    unsafe fn open<'a>(&self) -> &'a [Checked] {
        // SAFETY: the caller's promise; `Checked` is the struct itself.
        unsafe { self.cast().slice() }
    }
}

/// Packs a padded rectangle: PyTorch's pack_padded_sequence.
///
/// input is the rectangle that padded describes, output the packed batch: tokens * row_bytes, the tokens of each step one
/// after another, the longest sequence first. Padding is not read.
///
/// Errors, sizes in bytes: lengths (the layout's): PRNN_CODE_BEYOND_TIME (the index is the caller's sequence); padded:
/// PRNN_CODE_OVERFLOW; input, output: PRNN_CODE_WRONG_LEN; and those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_pack_padded_sequence(
    layout: *const prnn_layout,
    padded: *const prnn_padded,
    input: *const c_void,
    input_bytes: usize,
    output: *mut c_void,
    output_bytes: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        Ok((
            memory.layout(layout)?,
            memory.copy(padded, Argument::Padded)?,
            memory.read(input.cast(), input_bytes, Argument::Input)?,
            memory.write(output.cast(), output_bytes, Argument::Output)?,
        ))
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(layout, padded, input, output): &(Arrays, prnn_padded, In<u8>, Out<u8>)| unsafe {
        pack_padded_sequence(&layout.layout()?, padded.shape(), input.slice(), output.slice())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Pads a packed batch: PyTorch's pad_packed_sequence.
///
/// input is the packed batch, output receives the rectangle that padded describes, in the caller's order. fill and
/// padding_value say what the padding holds: a value of padding_value_bytes, of which rows are whole numbers, such as one
/// float; null with 0 bytes is zeros.
///
/// Errors, sizes in bytes: padded: PRNN_CODE_TOTAL_LENGTH, PRNN_CODE_OVERFLOW; input, output: PRNN_CODE_WRONG_LEN; fill:
/// PRNN_CODE_UNKNOWN; padding_value: PRNN_CODE_WRONG_LEN; and those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_pad_packed_sequence(
    layout: *const prnn_layout,
    padded: *const prnn_padded,
    input: *const c_void,
    input_bytes: usize,
    fill: prnn_fill,
    padding_value: *const c_void,
    padding_value_bytes: usize,
    output: *mut c_void,
    output_bytes: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        Ok((
            memory.layout(layout)?,
            memory.copy(padded, Argument::Padded)?,
            memory.read(input.cast(), input_bytes, Argument::Input)?,
            memory.read_option(padding_value.cast(), padding_value_bytes, Argument::PaddingValue)?,
            memory.write(output.cast(), output_bytes, Argument::Output)?,
        ))
    };
    type Arguments = (Arrays, prnn_padded, In<u8>, Option<In<u8>>, Out<u8>);
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(layout, padded, input, value, output): &Arguments| unsafe {
        let padding = padded.padding(fill, value.as_ref().map(|value| value.slice()))?;
        pad_packed_with(&layout.layout()?, padded.shape(), input.slice(), padding, output.slice())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Packs ragged sequences, each in memory of its own: PyTorch's pack_sequence, without a padded copy between. They are in
/// the caller's order and hold length * row_bytes bytes each.
///
/// Errors, sizes in bytes: sequences: PRNN_CODE_WRONG_COUNT, PRNN_CODE_WRONG_LEN (the index is the caller's sequence);
/// features (which is row_bytes): PRNN_CODE_OVERFLOW; output: PRNN_CODE_WRONG_LEN; and those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_pack_sequence(
    layout: *const prnn_layout,
    row_bytes: usize,
    sequences: *const prnn_sequence,
    sequences_len: usize,
    output: *mut c_void,
    output_bytes: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        let layout = memory.layout(layout)?;
        let output = memory.write(output.cast(), output_bytes, Argument::Output)?;
        Ok((layout, memory.sequences(sequences, sequences_len)?, output))
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(layout, sequences, output): &(Arrays, In<prnn_sequence>, Out<u8>)| unsafe {
        pack_sequence(&layout.layout()?, row_bytes, sequences.open(), output.slice())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Gives each sequence of a packed batch back into memory of its own: PyTorch's unpack_sequence, without a padded copy
/// between.
///
/// Errors, sizes in bytes: sequences: PRNN_CODE_WRONG_COUNT, PRNN_CODE_WRONG_LEN (the index is the caller's sequence);
/// features (which is row_bytes): PRNN_CODE_OVERFLOW; input: PRNN_CODE_WRONG_LEN; and those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_unpack_sequence(
    layout: *const prnn_layout,
    row_bytes: usize,
    input: *const c_void,
    input_bytes: usize,
    sequences: *const prnn_sequence_mut,
    sequences_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        let layout = memory.layout(layout)?;
        let input = memory.read(input.cast(), input_bytes, Argument::Input)?;
        Ok((layout, input, memory.sequences_mut(sequences, sequences_len)?))
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(layout, input, sequences): &(Arrays, In<u8>, In<prnn_sequence_mut>)| unsafe {
        unpack_into(&layout.layout()?, row_bytes, input.slice(), &mut CheckedMut(sequences.slice()))
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Pads ragged sequences: PyTorch's pad_sequence, with both padding sides. Each holds a whole number of rows; padded.steps
/// is at least the longest. fill and padding_value are those of prnn_pad_packed_sequence.
///
/// Errors, sizes in bytes: sequences: PRNN_CODE_NOT_ROWS, PRNN_CODE_BEYOND_TIME; padded: PRNN_CODE_OVERFLOW; output:
/// PRNN_CODE_WRONG_LEN; fill: PRNN_CODE_UNKNOWN; padding_value: PRNN_CODE_WRONG_LEN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_pad_sequence(
    padded: *const prnn_padded,
    sequences: *const prnn_sequence,
    sequences_len: usize,
    fill: prnn_fill,
    padding_value: *const c_void,
    padding_value_bytes: usize,
    output: *mut c_void,
    output_bytes: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        let padded = memory.copy(padded, Argument::Padded)?;
        let value = memory.read_option(padding_value.cast(), padding_value_bytes, Argument::PaddingValue)?;
        let output = memory.write(output.cast(), output_bytes, Argument::Output)?;
        Ok((padded, memory.sequences(sequences, sequences_len)?, value, output))
    };
    type Arguments = (prnn_padded, In<prnn_sequence>, Option<In<u8>>, Out<u8>);
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(padded, sequences, value, output): &Arguments| unsafe {
        let padding = padded.padding(fill, value.as_ref().map(|value| value.slice()))?;
        pad_with(padded.shape(), sequences.open(), padding, output.slice())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Gives the tokens of each sequence of a padded rectangle into memory of its own: PyTorch's unpad_sequence, with both
/// padding sides. There is a length for each of the sequences.
///
/// Errors, sizes in bytes: lengths: PRNN_CODE_OVERFLOW, PRNN_CODE_WRONG_COUNT, PRNN_CODE_BEYOND_TIME; padded:
/// PRNN_CODE_OVERFLOW; input: PRNN_CODE_WRONG_LEN; sequences: PRNN_CODE_WRONG_LEN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_unpad_sequence(
    padded: *const prnn_padded,
    lengths: *const usize,
    lengths_len: usize,
    input: *const c_void,
    input_bytes: usize,
    sequences: *const prnn_sequence_mut,
    sequences_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        let padded = memory.copy(padded, Argument::Padded)?;
        let lengths = memory.read(lengths, lengths_len, Argument::Lengths)?;
        let input = memory.read(input.cast(), input_bytes, Argument::Input)?;
        Ok((padded, lengths, input, memory.sequences_mut(sequences, sequences_len)?))
    };
    type Arguments = (prnn_padded, In<usize>, In<u8>, In<prnn_sequence_mut>);
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(padded, lengths, input, sequences): &Arguments| unsafe {
        unpad_into(padded.shape(), lengths.slice(), input.slice(), &mut CheckedMut(sequences.slice()))
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Writes the inverse of a permutation, PyTorch's invert_permutation: `inverse[permutation[i]] = i`.
///
/// Errors: permutation: PRNN_CODE_NOT_PERMUTATION, PRNN_CODE_OVERFLOW; output: PRNN_CODE_WRONG_COUNT. output may then
/// hold anything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_invert_permutation(
    permutation: *const u32,
    permutation_len: usize,
    output: *mut u32,
    output_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    let gather = |memory: &mut Memory<'_>| {
        let permutation = memory.read(permutation, permutation_len, Argument::Permutation)?;
        Ok((permutation, memory.write(output, output_len, Argument::Output)?))
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(permutation, output): &(In<u32>, Out<u32>)| unsafe {
        invert_permutation(permutation.slice(), output.slice())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}
