//! Which rows are taken together: many are tiles of nearly one height, or by lines of the greatest.

use super::Simd;

/// How many tiles of which height rows are taken in, of a cell of so many gates.
#[inline(always)]
pub(super) fn heights<S: Simd>(gates: usize, rows: usize) -> [(usize, usize); 3] {
    let tallest = S::ROWS.of(gates);
    // By lines only the tallest tiles have chains enough: all are of that height but the last one, or the last two where
    // that one would have a single row.
    let full = if by_lines::<S>(gates, tallest) { rows / tallest } else { 0 };
    split(tallest, rows, full.saturating_sub(usize::from(rows % tallest == 1)))
}

/// How many tiles of which height, `full` of them of the greatest and the others of nearly one.
#[inline(always)]
pub(super) fn split(tallest: usize, rows: usize, full: usize) -> [(usize, usize); 3] {
    if rows <= tallest {
        return [(rows, 1), (0, 0), (0, 0)];
    }
    let rest = rows - full * tallest;
    let tiles = rest.div_ceil(tallest.max(1));
    let low = rest / tiles.max(1);
    // So many tiles are one row taller than the others.
    let taller = rest - tiles * low;
    [(tallest, full), (low + 1, taller), (low, tiles - taller)]
}

/// Work on rows of which the number is known when it is compiled.
pub(super) trait OfHeight<S: Simd>: Sized {
    /// The most rows: no others are compiled.
    const TALLEST: usize;
    type Output;
    fn run<const R: usize>(self, s: S) -> Self::Output;
}

/// Work on `height` rows.
#[inline(always)]
pub(super) fn of_height<S: Simd, W: OfHeight<S>>(s: S, work: W, height: usize) -> W::Output {
    match height {
        8.. if const { W::TALLEST >= 8 } => work.run::<8>(s),
        7 if const { W::TALLEST >= 7 } => work.run::<7>(s),
        6 if const { W::TALLEST >= 6 } => work.run::<6>(s),
        5 if const { W::TALLEST >= 5 } => work.run::<5>(s),
        4 if const { W::TALLEST >= 4 } => work.run::<4>(s),
        3 if const { W::TALLEST >= 3 } => work.run::<3>(s),
        2 if const { W::TALLEST >= 2 } => work.run::<2>(s),
        _ => work.run::<1>(s),
    }
}

/// Whether tiles of so many rows go by lines.
pub(super) const fn by_lines<S: Simd>(gates: usize, rows: usize) -> bool {
    gates > 1 && rows >= S::LINES
}
