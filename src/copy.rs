//! How rows are copied: many of one size, at one distance from each other on either side.

use crate::device::SMALL;

/// Where rows begin, and how far apart they are, in elements.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: usize,
    pub(crate) stride: usize,
}

/// The longest row that is copied without a call.
pub(crate) const SHORT: usize = 32;

/// Copies `rows` rows of `features` elements, up to the first that is not within its slice.
///
/// A row of up to [`SHORT`] elements is copied as two chunks of a fixed size that may overlap, which costs no call and no
/// loop; longer ones are worth the platform's `memcpy`.
pub(crate) fn copy_rows<T: Copy>(
    to: &mut [T],
    to_place: Place,
    from: &[T],
    from_place: Place,
    rows: usize,
    features: usize,
) {
    let (Some(to), Some(from)) = (to.get_mut(to_place.first..), from.get(from_place.first..)) else { return };
    let rows = Rows { to, to_stride: to_place.stride, from, from_stride: from_place.stride, rows, features };
    match features {
        0 => {}
        _ if SMALL => rows.each(copy_all),
        1 => rows.each(copy_ends::<T, 1, 1>),
        2 => rows.each(copy_ends::<T, 2, 1>),
        3..=4 => rows.each(copy_ends::<T, 2, 2>),
        5..=6 => rows.each(copy_ends::<T, 4, 2>),
        7..=8 => rows.each(copy_ends::<T, 4, 4>),
        9..=12 => rows.each(copy_ends::<T, 8, 4>),
        13..=16 => rows.each(copy_ends::<T, 8, 8>),
        17..=24 => rows.each(copy_ends::<T, 16, 8>),
        25..=SHORT => rows.each(copy_ends::<T, 16, 16>),
        _ => rows.each(copy_all),
    }
}

/// Copies one row to `rows` places.
pub(crate) fn repeat_row<T: Copy>(to: &mut [T], to_place: Place, row: &[T], rows: usize) {
    copy_rows(to, to_place, row, Place { first: 0, stride: 0 }, rows, row.len());
}

struct Rows<'t, 'f, T> {
    to: &'t mut [T],
    to_stride: usize,
    from: &'f [T],
    from_stride: usize,
    rows: usize,
    features: usize,
}

impl<T: Copy> Rows<'_, '_, T> {
    #[inline(always)]
    fn each(self, copy: impl Fn(&mut [T], &[T])) {
        let Self { mut to, to_stride, mut from, from_stride, rows, features } = self;
        for left in (0..rows).rev() {
            let (Some(to_row), Some(from_row)) = (to.get_mut(..features), from.get(..features)) else { return };
            copy(to_row, from_row);
            if left == 0 {
                return;
            }
            let (Some(to_rest), Some(from_rest)) = (to.get_mut(to_stride..), from.get(from_stride..)) else { return };
            (to, from) = (to_rest, from_rest);
        }
    }
}

/// The first `A` and the last `B` elements, which together are all of them.
#[inline(always)]
fn copy_ends<T: Copy, const A: usize, const B: usize>(to: &mut [T], from: &[T]) {
    // `last_chunk` would keep a panic inside, which the compiler does not always see to be unreachable.
    let last = from.len().saturating_sub(B);
    let tail = from.get(last..).and_then(|rest| rest.first_chunk::<B>()).copied();
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<A>(), from.first_chunk::<A>()) {
        *to = *from;
    }
    if let (Some(to), Some(tail)) = (to.get_mut(last..).and_then(|rest| rest.first_chunk_mut::<B>()), tail) {
        *to = tail;
    }
}

/// `copy_from_slice` without its panic: as many as both have.
#[inline(always)]
pub(crate) fn copy_all<T: Copy>(to: &mut [T], from: &[T]) {
    if SMALL {
        // A `memcpy` would be linked for this alone.
        return to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    // A loop stays one, with vectors of 16 bytes, where the compiler does not see that the two are apart.
    let count = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
        to.copy_from_slice(from);
    }
}

/// `count` elements from `first` on; none if they are not there.
#[inline(always)]
pub(crate) fn part<T>(slice: &[T], first: usize, count: usize) -> &[T] {
    slice.get(first..).and_then(|rest| rest.get(..count)).unwrap_or_default()
}

/// `count` elements from `first` on, to be written; none if they are not there.
#[inline(always)]
pub(crate) fn part_mut<T>(slice: &mut [T], first: usize, count: usize) -> &mut [T] {
    slice.get_mut(first..).and_then(|rest| rest.get_mut(..count)).unwrap_or_default()
}
