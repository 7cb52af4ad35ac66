//! Tiles one after another, whose sums wait for one epilogue.
//!
//! An epilogue is a long chain of operations. After each tile its end would be waited for: the multiply-adds of the next
//! are too far behind for the CPU to begin with them. So the sums of some tiles wait in memory, and their epilogues follow
//! each other. The chain of a sum is the same.

use super::finish::{Finish, MOST, Place, SUMS, Waiting, Whole};
use super::next::Next;
use super::pass::{Ahead, Epilogue, Pass, TileRows};
use super::tile::{Units, sums};
use super::{Simd, outlined};
use crate::weights::panel::{Aligned, BLOCK};
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// The most rows that wait: few enough to stay near, beside the weights.
const WAITING: usize = MOST;

/// Whether a cell's sums wait: of fewer gates an epilogue is too short to gain by it.
pub(super) const fn waits(gates: usize) -> bool {
    gates == 4
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
    let mut waiting = MaybeUninit::<Aligned<[[f32; SUMS * BLOCK]; WAITING]>>::uninit();
    let waiting = waiting.as_mut_ptr().cast::<f32>();
    let mut places = [Place::NONE; WAITING];
    let end = first + count * R;
    let next = Next::of(pass, part.unit);
    let mut first = first;
    while first < end {
        let rows = (end - first).min(WAITING / R * R);
        for tile in (0..rows).step_by(R) {
            let Some(tile_rows) = TileRows::<R>::of(pass, first + tile, E::CARRY) else { return };
            next.ask(s, &tile_rows);
            // SAFETY: the caller's promise; below `WAITING` rows there is room for each.
            unsafe {
                let Some(sums) = sums::<S, E, G, R, 1>(s, pass, part, &tile_rows) else { continue };
                sums.wait::<S, E>(s, waiting.add(Whole.sums::<S>(tile, 0)));
            }
            for (to, [place]) in places.iter_mut().skip(tile).zip(tile_rows.places::<1>(E::CARRY, part.unit, 0)) {
                *to = place;
            }
        }
        if let (false, Some(places)) = (matches!(pass.ahead, Ahead::Write(_)), places.get(..rows)) {
            // The sums of each place have just been stored, and its units lie in the rows.
            outlined(s, Finish::<E, _, G> { sums: waiting, waiting: Whole, places, epilogue: PhantomData });
        }
        first += rows;
    }
}
