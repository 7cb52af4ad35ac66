//! The views through which kernels read and write rows of f32: a pointer, a stride, a count and a width, or a pointer and
//! a length, as rows of any width.
//!
//! They serve packed rows, one half of a bidirectional row, states in the caller's order and the rows of a thread's
//! task. Rows of different owners interleave in memory, so no `&mut [f32]` is ever formed over them: a view hands out
//! pointers to single rows, each checked against the count or the length. Making a view is safe; only what follows the
//! pointers is not.

#![allow(unsafe_code)]

use crate::device::{SMALL, one_turn};
use crate::error::{Argument, Error, check_found};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// Rows to read.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    first: *const f32,
    count: usize,
    stride: usize,
    width: usize,
    data: PhantomData<&'a [f32]>,
}

/// Rows to write. It may be copied, and the copies reach the same rows: each holder keeps to rows of its own.
#[derive(Clone, Copy)]
pub(crate) struct RowsMut<'a> {
    rows: Rows<'a>,
    data: PhantomData<&'a mut [f32]>,
}

/// Floats to read, as rows of any width.
#[derive(Clone, Copy)]
pub(crate) struct Floats<'a> {
    first: NonNull<f32>,
    len: usize,
    data: PhantomData<&'a [f32]>,
}

/// Floats that several holders may write, each to rows of its own.
#[derive(Clone, Copy)]
pub(crate) struct FloatsMut<'a> {
    floats: Floats<'a>,
    data: PhantomData<&'a mut [f32]>,
}

impl<'a> Floats<'a> {
    pub(crate) fn new(floats: &'a [f32]) -> Self {
        Self { len: floats.len(), first: NonNull::from(floats).cast(), data: PhantomData }
    }

    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// As [`check_len`](crate::error::check_len) of a slice.
    pub(crate) fn check(self, argument: Argument, expected: Option<usize>) -> Result<(), Error> {
        check_found(self.len, argument, expected)
    }

    /// The first element of row `row` of those of `width`; as many may be read from it.
    #[inline(always)]
    pub(crate) fn row(self, row: usize, width: usize) -> Option<*const f32> {
        let first = row.checked_mul(width)?;
        let as_many = first.checked_add(width)? <= self.len;
        as_many.then(|| self.first.as_ptr().cast_const().wrapping_add(first))
    }

    /// As `count` rows of `width` elements, one after another; no rows if there are not so many. A step waits less for the
    /// multiplication than for the division that would count them.
    #[inline(always)]
    pub(crate) fn counted(self, count: usize, width: usize) -> Rows<'a> {
        let fits = count.checked_mul(width).is_some_and(|needed| needed <= self.len);
        let first = self.first.as_ptr();
        Rows { first, count: if fits { count } else { 0 }, stride: width, width, data: PhantomData }
    }
}

impl<'a> FloatsMut<'a> {
    pub(crate) fn new(floats: &'a mut [f32]) -> Self {
        let (len, first) = (floats.len(), NonNull::from(floats).cast());
        Self { floats: Floats { first, len, data: PhantomData }, data: PhantomData }
    }

    /// The same, to read what was written.
    #[inline(always)]
    pub(crate) fn read(self) -> Floats<'a> {
        self.floats
    }

    pub(crate) fn len(self) -> usize {
        self.floats.len
    }

    /// The first element of row `row` of those of `width`; as many may be read and written from it.
    #[inline(always)]
    pub(crate) fn row(self, row: usize, width: usize) -> Option<*mut f32> {
        self.floats.row(row, width).map(<*const f32>::cast_mut)
    }

    /// The first `len` of them, or all if there are not so many, and the others.
    pub(crate) fn split_at(self, len: usize) -> (Self, Self) {
        let (all, len) = (self.floats, len.min(self.floats.len));
        // SAFETY: no more than there are.
        let first = unsafe { all.first.add(len) };
        let (these, others) = (Floats { len, ..all }, Floats { first, len: all.len - len, ..all });
        (Self { floats: these, ..self }, Self { floats: others, ..self })
    }

    /// Copies the same row of others of `width` into row `row`, or makes it zeros.
    #[inline(always)]
    pub(crate) fn begin_row(self, row: usize, width: usize, from: Option<Floats<'_>>) {
        let Some(to) = self.row(row, width) else { return };
        // On the stack: a device would have a constant more.
        let zero = 0.0;
        match from {
            Some(from) => {
                let Some(from) = from.row(row, width) else { return };
                // SAFETY: `row` gives rows of `width` elements.
                unsafe { copy_floats(to, from, 1, width) }
            }
            // SAFETY: as above; one float is read.
            None => unsafe { copy_floats(to, &raw const zero, 0, width) },
        }
    }

    /// As [`Floats::counted`].
    #[inline(always)]
    pub(crate) fn counted(self, count: usize, width: usize) -> RowsMut<'a> {
        RowsMut { rows: self.floats.counted(count, width), data: PhantomData }
    }
}

impl<'a> Rows<'a> {
    /// The rows from `rows` on.
    #[inline(always)]
    pub(crate) fn skip(self, rows: usize) -> Self {
        let rows = rows.min(self.count);
        Self { first: self.first.wrapping_add(rows * self.stride), count: self.count - rows, ..self }
    }

    /// The first element of a row; as many as the view's width may be read from it.
    #[inline(always)]
    pub(crate) fn get(&self, row: usize) -> Option<*const f32> {
        (row < self.count).then(|| self.first.wrapping_add(row * self.stride))
    }

    /// As `get`, of `R` rows from `row` on, which takes less than to look each up.
    #[inline(always)]
    pub(crate) fn several<const R: usize>(&self, row: usize) -> Option<[*const f32; R]> {
        let first = self.first.wrapping_add(row * self.stride);
        (self.count.checked_sub(R)? >= row).then(|| core::array::from_fn(|i| first.wrapping_add(i * self.stride)))
    }

    /// Elements from one row to the next.
    #[inline(always)]
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Elements of all rows.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.count * self.width
    }

    /// Elements of a row.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

impl<'a> RowsMut<'a> {
    /// `width` columns of the same rows, from `offset` on; no rows if they have not so many.
    pub(crate) fn columns(self, offset: usize, width: usize) -> Self {
        let Rows { first, count, width: whole, .. } = self.rows;
        let count = if whole.checked_sub(offset) >= Some(width) { count } else { 0 };
        Self { rows: Rows { first: first.wrapping_add(offset), count, width, ..self.rows }, ..self }
    }

    /// The rows from `rows` on.
    #[inline(always)]
    pub(crate) fn skip(self, rows: usize) -> Self {
        Self { rows: self.rows.skip(rows), ..self }
    }

    /// The same rows, to read what was written.
    #[inline(always)]
    pub(crate) fn read(&self) -> Rows<'a> {
        self.rows
    }

    /// The first element of a row; as many as the view's width may be read and written from it.
    #[inline(always)]
    pub(crate) fn get(&self, row: usize) -> Option<*mut f32> {
        self.rows.get(row).map(<*const f32>::cast_mut)
    }

    /// As `get`, of `R` rows from `row` on.
    #[inline(always)]
    pub(crate) fn several<const R: usize>(&self, row: usize) -> Option<[*mut f32; R]> {
        self.rows.several(row).map(|rows| rows.map(<*const f32>::cast_mut))
    }

    /// Copies a row out of another view of the same width into row `to`; they may be the same row.
    pub(crate) fn copy_row(&self, to: usize, from: Rows<'_>, row: usize) {
        if let (Some(to), Some(from), true) = (self.get(to), from.get(row), self.rows.width == from.width) {
            // SAFETY: `get` gives rows of `width` elements within their slices, and the widths were just compared.
            unsafe { copy_floats(to, from, 1, self.rows.width) }
        }
    }
}

/// Copies floats: with a `step` of 1 as many as are written, with 0 the same one again and again. They may overlap if they
/// move towards the first. A function of its own, as a device would be the larger by each of its loops.
///
/// # Safety
/// `count` floats may be written, and as many, or one, be read.
#[inline(never)]
pub(crate) unsafe fn copy_floats(to: *mut f32, from: *const f32, step: usize, count: usize) {
    if !SMALL && step == 1 {
        // SAFETY: the caller's promise.
        return (0..count).for_each(|i| unsafe { to.add(i).write(from.add(i).read()) });
    }
    if !SMALL && count > 0 {
        // SAFETY: the caller's promise. Read once, so that many may be written at a time.
        let value = unsafe { from.read() };
        // SAFETY: the caller's promise.
        return (0..count).for_each(|i| unsafe { to.add(i).write(value) });
    }
    // One by one: a device would be the larger by a `memmove` and a `memset` for this alone.
    for i in 0..count {
        one_turn();
        // SAFETY: the caller's promise.
        unsafe { to.add(i).write(from.add(i * step).read()) }
    }
}
