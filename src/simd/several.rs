//! Tiles one after another, whose sums wait for one epilogue.
//!
//! An epilogue is a long chain of operations. After each tile its end would be waited for: the multiply-adds of the next
//! are too far behind for the CPU to begin with them. So the sums of some tiles wait in memory, and their epilogues follow
//! each other. The chain of a sum is the same.

use super::Simd;
use super::next::Next;
use super::pass::{Ahead, Epilogue, Pass, TileRows};
use super::tile::{Done, Units, finish_all, sums};
use crate::weights::panel::{Aligned, BLOCK};
use core::mem::MaybeUninit;

/// The most rows that wait: few enough to stay near, beside the weights.
const WAITING: usize = 16;
/// The gates of a cell whose sums wait: of fewer an epilogue is too short to gain by it.
const GATES: usize = 4;

/// Whether a cell's sums wait, with an epilogue on two vectors at a time. A gate that is kept apart would wait as well.
pub(super) const fn waits<S: Simd, E: Epilogue<G>, const G: usize>() -> bool {
    S::PAIRS && G == GATES && !E::APART
}

/// `count` tiles of `R` rows from the place `first` on.
///
/// # Safety
/// The cell's sums wait, the rows of the pass are those of the panel's shape, and the units lie in its full blocks.
#[inline(always)]
pub(super) unsafe fn several<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    pass: &Pass<'_>,
    part: &Units<1>,
    first: usize,
    count: usize,
) {
    // A vector's place is a line of the cache, or a part of one.
    let mut waiting = MaybeUninit::<Aligned<[f32; WAITING * GATES * BLOCK]>>::uninit();
    let waiting = waiting.as_mut_ptr().cast::<f32>();
    let place = |row: usize, gate: usize| waiting.wrapping_add((row * GATES + gate) * S::LANES);
    let end = first + count * R;
    let next = Next::of(pass, part.unit);
    let mut first = first;
    while first < end {
        let rows = (end - first).min(WAITING / R * R);
        for tile in (0..rows).step_by(R) {
            let Some(tile_rows) = TileRows::<R>::of(pass, first + tile, E::CARRY) else { return };
            next.ask(s, &tile_rows);
            // SAFETY: the caller's promise; below `WAITING` rows and `GATES` gates there is room for each.
            unsafe {
                let Some(sums) = sums::<S, E, G, R, 1>(s, pass, part, &tile_rows) else { continue };
                for r in 0..R {
                    for (gate, sum) in sums.done(s, r, 0, part.unit).sum.into_iter().enumerate() {
                        s.store(place(tile + r, gate), sum);
                    }
                }
            }
        }
        if !matches!(pass.ahead, Ahead::Write(_)) {
            let done = |row: usize, r: usize| {
                let zero = s.splat(0.0);
                let mut sum = [zero; G];
                for (gate, sum) in sum.iter_mut().enumerate() {
                    // SAFETY: the vectors of a row below `rows` have just been written.
                    *sum = unsafe { s.load(place(row, gate)) };
                }
                Done { sum, half: zero, r, unit: part.unit, count: None }
            };
            let mut row = 0;
            while row + 1 < rows {
                let Some(two) = TileRows::<2>::of(pass, first + row, E::CARRY) else { return };
                // SAFETY: the caller's promise.
                unsafe { finish_all::<S, E, G, 2>(s, &two, 2, |r| done(row + r, r)) }
                row += 2;
            }
            if row < rows {
                let Some(one) = TileRows::<1>::of(pass, first + row, E::CARRY) else { return };
                // SAFETY: the caller's promise.
                unsafe { finish_all::<S, E, G, 1>(s, &one, 1, |r| done(row + r, r)) }
            }
        }
        first += rows;
    }
}
