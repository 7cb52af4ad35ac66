//! Layouts over the caller's index arrays.

use super::error::{prnn_error, prnn_status};
use super::memory::{In, Memory, Out, call};
use crate::error::{Argument, Error};
use crate::layout::{Count, Layout};

/// A packed batch: which sequence stands where, and how many run at each step. Made by prnn_layout_from_...; small
/// enough to be copied. The arrays are the caller's and must stay as they are; every function that is given a layout
/// checks them anew.
///
/// Errors, wherever one is given: sorted_lengths: PRNN_CODE_NOT_SORTED, PRNN_CODE_OVERFLOW (a length or a batch beyond
/// INT32_MAX, or the sum); tokens: PRNN_CODE_WRONG_COUNT if it is not the sum of the lengths; sorted_indices:
/// PRNN_CODE_NOT_PERMUTATION, also where unsorted_indices is not the inverse; either of them: PRNN_CODE_NULL where the other
/// is not null. The index is the place.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_layout {
    /// The lengths in sorted order, the longest first: batch entries. The first is the number of steps.
    pub sorted_lengths: *const u32,
    /// The caller's sequence at each place of the packed batch; null where each is at its own place.
    pub sorted_indices: *const u32,
    /// The place of each of the caller's sequences; null where sorted_indices is.
    pub unsorted_indices: *const u32,
    /// The number of sequences, those of length 0 included.
    pub batch: usize,
    /// The number of tokens: the sum of the lengths, the rows of the packed batch.
    pub tokens: usize,
}

/// What a layout refers to.
pub(super) struct Arrays {
    lengths: In<u32>,
    order: Option<(In<u32>, In<u32>)>,
    tokens: usize,
}

impl Arrays {
    /// What [`Memory::layout`] has checked in this call, as [`Network::checked`](super::model::Network::checked).
    ///
    /// # Safety
    /// It has.
    pub(super) unsafe fn checked(layout: *const prnn_layout) -> Self {
        // SAFETY: it is there, and nothing has been written since.
        let prnn_layout { sorted_lengths, sorted_indices, unsorted_indices, batch, tokens } = unsafe { layout.read() };
        let order = (!sorted_indices.is_null() || !unsorted_indices.is_null())
            .then(|| (In::checked(sorted_indices, batch), In::checked(unsorted_indices, batch)));
        Self { lengths: In::checked(sorted_lengths, batch), order, tokens }
    }

    /// # Safety
    /// `call` has checked the arrays, which are there for `'a`.
    pub(super) unsafe fn layout<'a>(&self) -> Result<Layout<'a>, Error> {
        // SAFETY: the caller's promise.
        let lengths = unsafe { self.lengths.slice() };
        // SAFETY: the same.
        let order = self.order.as_ref().map(|(order, inverse)| unsafe { (order.slice(), inverse.slice()) });
        Layout::from_parts(lengths, order, self.tokens)
    }
}

impl Memory<'_> {
    /// # Safety
    /// As [`Memory::copy`], and what the struct refers to is there as well.
    pub(super) unsafe fn layout(&mut self, layout: *const prnn_layout) -> Result<Arrays, Error> {
        // SAFETY: the caller's promise.
        let copy = unsafe { self.copy(layout, Argument::Layout)? };
        let prnn_layout { sorted_lengths, sorted_indices, unsorted_indices, batch, .. } = copy;
        self.read(sorted_lengths, batch, Argument::SortedLengths)?;
        if !sorted_indices.is_null() || !unsorted_indices.is_null() {
            self.read(sorted_indices, batch, Argument::SortedIndices)?;
            self.read(unsorted_indices, batch, Argument::UnsortedIndices)?;
        }
        // SAFETY: just now.
        Ok(unsafe { Arrays::checked(layout) })
    }
}

/// The struct for a layout that was made over arrays of the caller.
fn struct_of(layout: &Layout<'_>, [sorted_lengths, sorted_indices, unsorted_indices]: [*mut u32; 3]) -> prnn_layout {
    let (batch, tokens) = (layout.batch(), layout.tokens());
    prnn_layout { sorted_lengths, sorted_indices, unsorted_indices, batch, tokens }
}

/// # Safety
/// As the functions of C below.
unsafe fn from_lengths<L: Count>(
    lengths: *const L,
    batch: usize,
    arrays: [*mut u32; 3],
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    let [sorted_lengths, sorted_indices, unsorted_indices] = arrays;
    let gather = |memory: &mut Memory<'_>| {
        Ok((
            memory.read(lengths, batch, Argument::Lengths)?,
            memory.write(sorted_lengths, batch, Argument::SortedLengths)?,
            memory.write(sorted_indices, batch, Argument::SortedIndices)?,
            memory.write(unsorted_indices, batch, Argument::UnsortedIndices)?,
            memory.write(layout, 1, Argument::Layout)?,
        ))
    };
    let act = |(lengths, sorted_lengths, order, inverse, out): &(In<L>, Out<u32>, Out<u32>, Out<u32>, Out<_>)| {
        // SAFETY: checked by `call`, promised by the caller.
        let layout = unsafe { Layout::new(lengths.slice(), sorted_lengths.slice(), order.slice()) }?;
        // SAFETY: the same.
        layout.write_unsorted_indices(unsafe { inverse.slice() })?;
        // SAFETY: the same.
        unsafe { out.set(struct_of(&layout, arrays)) }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// # Safety
/// As the functions of C below.
unsafe fn from_sorted<L: Count>(
    lengths: *const L,
    batch: usize,
    array: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    let gather = |memory: &mut Memory<'_>| {
        Ok((
            memory.read(lengths, batch, Argument::Lengths)?,
            memory.write(array, batch, Argument::SortedLengths)?,
            memory.write(layout, 1, Argument::Layout)?,
        ))
    };
    let act = |(lengths, sorted_lengths, out): &(In<L>, Out<u32>, Out<_>)| {
        // SAFETY: checked by `call`, promised by the caller.
        let layout = unsafe { Layout::from_sorted(lengths.slice(), sorted_lengths.slice()) }?;
        // SAFETY: the same.
        unsafe { out.set(struct_of(&layout, [array, core::ptr::null_mut(), core::ptr::null_mut()])) }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// # Safety
/// As the functions of C below.
unsafe fn from_batch_sizes<L: Count>(
    (batch_sizes, batch_sizes_len): (*const L, usize),
    sorted_indices: *const L,
    batch: usize,
    arrays: [*mut u32; 3],
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    let [first, order, unsorted_indices] = arrays;
    let gather = |memory: &mut Memory<'_>| {
        let sizes = memory.read(batch_sizes, batch_sizes_len, Argument::BatchSizes)?;
        let sorted_lengths = memory.write(first, batch, Argument::SortedLengths)?;
        let indices = match sorted_indices.is_null() {
            true => None,
            false => Some((
                memory.read(sorted_indices, batch, Argument::SortedIndices)?,
                memory.write(order, batch, Argument::Order)?,
                memory.write(unsorted_indices, batch, Argument::UnsortedIndices)?,
            )),
        };
        Ok((sizes, sorted_lengths, indices, memory.write(layout, 1, Argument::Layout)?))
    };
    type Indices<L> = Option<(In<L>, Out<u32>, Out<u32>)>;
    let act = |(sizes, sorted_lengths, indices, out): &(In<L>, Out<u32>, Indices<L>, Out<_>)| {
        // SAFETY: checked by `call`, promised by the caller.
        let mut layout = unsafe { Layout::from_batch_sizes(sizes.slice(), sorted_lengths.slice()) }?;
        let mut used = [first, core::ptr::null_mut(), core::ptr::null_mut()];
        if let Some((sorted_indices, order, inverse)) = indices {
            // SAFETY: the same.
            layout = unsafe { layout.with_sorted_indices(sorted_indices.slice(), order.slice()) }?;
            // SAFETY: the same.
            layout.write_unsorted_indices(unsafe { inverse.slice() })?;
            used = arrays;
        }
        // SAFETY: the same.
        unsafe { out.set(struct_of(&layout, used)) }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// A layout of lengths in any order (PyTorch's enforce_sorted=False), one for each of batch sequences.
///
/// sorted_lengths, sorted_indices and unsorted_indices have batch entries each; they are filled, and the layout goes on
/// using them. Sequences of one length stay in the caller's order. Time: one pass if the lengths are sorted already, else
/// O(B^1.5) at most.
///
/// Errors: lengths: PRNN_CODE_NEGATIVE, PRNN_CODE_OVERFLOW (a length beyond INT32_MAX, or the sum).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_lengths_size(
    lengths: *const usize,
    batch: usize,
    sorted_lengths: *mut u32,
    sorted_indices: *mut u32,
    unsorted_indices: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { from_lengths(lengths, batch, [sorted_lengths, sorted_indices, unsorted_indices], layout, error) }
}

/// As prnn_layout_from_lengths_size, of int32_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_lengths_i32(
    lengths: *const i32,
    batch: usize,
    sorted_lengths: *mut u32,
    sorted_indices: *mut u32,
    unsorted_indices: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { from_lengths(lengths, batch, [sorted_lengths, sorted_indices, unsorted_indices], layout, error) }
}

/// As prnn_layout_from_lengths_size, of int64_t, PyTorch's own type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_lengths_i64(
    lengths: *const i64,
    batch: usize,
    sorted_lengths: *mut u32,
    sorted_indices: *mut u32,
    unsorted_indices: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { from_lengths(lengths, batch, [sorted_lengths, sorted_indices, unsorted_indices], layout, error) }
}

/// A layout of lengths that are in decreasing order already (PyTorch's enforce_sorted=True), one for each of batch
/// sequences. sorted_lengths has batch entries; they are filled, and the layout goes on using them.
///
/// Errors: as prnn_layout_from_lengths_size, and lengths: PRNN_CODE_NOT_SORTED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_sorted_size(
    lengths: *const usize,
    batch: usize,
    sorted_lengths: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { from_sorted(lengths, batch, sorted_lengths, layout, error) }
}

/// As prnn_layout_from_sorted_size, of int32_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_sorted_i32(
    lengths: *const i32,
    batch: usize,
    sorted_lengths: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { from_sorted(lengths, batch, sorted_lengths, layout, error) }
}

/// As prnn_layout_from_sorted_size, of int64_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_sorted_i64(
    lengths: *const i64,
    batch: usize,
    sorted_lengths: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { from_sorted(lengths, batch, sorted_lengths, layout, error) }
}

/// A layout of a packed batch that came with its batch_sizes, and perhaps with PyTorch's sorted_indices (else null).
///
/// There are batch sequences: at least `batch_sizes[0]`; those beyond have length 0. sorted_lengths has batch entries. If
/// sorted_indices is given, so are order, to which it is copied, and unsorted_indices, each of batch entries. The layout
/// goes on using these three; batch_sizes and sorted_indices may go.
///
/// Errors: batch_sizes: PRNN_CODE_ZERO, PRNN_CODE_INCREASING, PRNN_CODE_NEGATIVE, PRNN_CODE_OVERFLOW; sorted_lengths:
/// PRNN_CODE_WRONG_COUNT if batch is below `batch_sizes[0]`; sorted_indices: PRNN_CODE_NOT_PERMUTATION, PRNN_CODE_NEGATIVE,
/// PRNN_CODE_OVERFLOW.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_batch_sizes_size(
    batch_sizes: *const usize,
    batch_sizes_len: usize,
    sorted_indices: *const usize,
    batch: usize,
    sorted_lengths: *mut u32,
    order: *mut u32,
    unsorted_indices: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    let (sizes, arrays) = ((batch_sizes, batch_sizes_len), [sorted_lengths, order, unsorted_indices]);
    // SAFETY: the caller's promise.
    unsafe { from_batch_sizes(sizes, sorted_indices, batch, arrays, layout, error) }
}

/// As prnn_layout_from_batch_sizes_size, of int32_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_batch_sizes_i32(
    batch_sizes: *const i32,
    batch_sizes_len: usize,
    sorted_indices: *const i32,
    batch: usize,
    sorted_lengths: *mut u32,
    order: *mut u32,
    unsorted_indices: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    let (sizes, arrays) = ((batch_sizes, batch_sizes_len), [sorted_lengths, order, unsorted_indices]);
    // SAFETY: the caller's promise.
    unsafe { from_batch_sizes(sizes, sorted_indices, batch, arrays, layout, error) }
}

/// As prnn_layout_from_batch_sizes_size, of int64_t, PyTorch's own type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_from_batch_sizes_i64(
    batch_sizes: *const i64,
    batch_sizes_len: usize,
    sorted_indices: *const i64,
    batch: usize,
    sorted_lengths: *mut u32,
    order: *mut u32,
    unsorted_indices: *mut u32,
    layout: *mut prnn_layout,
    error: *mut prnn_error,
) -> prnn_status {
    let (sizes, arrays) = ((batch_sizes, batch_sizes_len), [sorted_lengths, order, unsorted_indices]);
    // SAFETY: the caller's promise.
    unsafe { from_batch_sizes(sizes, sorted_indices, batch, arrays, layout, error) }
}

/// What a layout tells: one value.
///
/// # Safety
/// As the functions of C below.
unsafe fn tell<T>(
    layout: *const prnn_layout,
    result: *mut T,
    error: *mut prnn_error,
    value: impl FnOnce(&Layout<'_>) -> Result<T, Error>,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather =
        |memory: &mut Memory<'_>| unsafe { Ok((memory.layout(layout)?, memory.write(result, 1, Argument::Result)?)) };
    let act = |(layout, result): &(Arrays, Out<T>)| {
        // SAFETY: checked by `call`, promised by the caller.
        let value = value(&unsafe { layout.layout() }?)?;
        // SAFETY: the same.
        unsafe { result.set(value) }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// What a layout tells: an array.
///
/// # Safety
/// As the functions of C below.
unsafe fn list(
    layout: *const prnn_layout,
    (list, len, argument): (*mut u32, usize, Argument),
    error: *mut prnn_error,
    write: impl FnOnce(&Layout<'_>, &mut [u32]) -> Result<(), Error>,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe { Ok((memory.layout(layout)?, memory.write(list, len, argument)?)) };
    let act = |(layout, list): &(Arrays, Out<u32>)| {
        // SAFETY: checked by `call`, promised by the caller.
        let (layout, list) = unsafe { (layout.layout()?, list.slice()) };
        write(&layout, list)
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Tells the number of steps: the longest length.
///
/// Errors: those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_steps(
    layout: *const prnn_layout,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { tell(layout, result, error, |layout| Ok(layout.steps())) }
}

/// Tells PyTorch's `batch_sizes[t]`: how many sequences are longer than t; 0 from the last step on.
///
/// Errors: those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_batch_size(
    layout: *const prnn_layout,
    t: usize,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { tell(layout, result, error, |layout| Ok(layout.batch_size(t))) }
}

/// Tells the packed row at which step t begins: the number of tokens before it. The token of the sequence at place b is
/// row offset + b.
///
/// Errors: those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_offset(
    layout: *const prnn_layout,
    t: usize,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { tell(layout, result, error, |layout| Ok(layout.offset(t))) }
}

/// Tells the elements of a packed batch with rows of features: tokens * features.
///
/// Errors: features: PRNN_CODE_OVERFLOW; and those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_packed_len(
    layout: *const prnn_layout,
    features: usize,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { tell(layout, result, error, |layout| layout.packed_len(features)) }
}

/// Writes PyTorch's batch_sizes, as many entries as there are steps.
///
/// Errors: batch_sizes: PRNN_CODE_WRONG_COUNT; and those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_batch_sizes(
    layout: *const prnn_layout,
    batch_sizes: *mut u32,
    batch_sizes_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    let out = (batch_sizes, batch_sizes_len, Argument::BatchSizes);
    // SAFETY: the caller's promise.
    unsafe { list(layout, out, error, |layout, out| layout.write_batch_sizes(out)) }
}

/// Writes the lengths in the caller's order, an entry for each sequence.
///
/// Errors: lengths: PRNN_CODE_WRONG_COUNT; and those of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_layout_lengths(
    layout: *const prnn_layout,
    lengths: *mut u32,
    lengths_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    let out = (lengths, lengths_len, Argument::Lengths);
    // SAFETY: the caller's promise.
    unsafe { list(layout, out, error, |layout, out| layout.write_lengths(out)) }
}
