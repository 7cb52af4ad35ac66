//! The last full blocks and the tail beside them, in one tile.
//!
//! A tail that is one or two vectors is as many chains for each row: for few rows too few of them for a CPU that begins two
//! multiply-adds in each of four cycles, and its loop loads each element of a row for itself. Beside the vectors of a block
//! there are chains enough, and an element is loaded once for both: of one row up to four blocks go with the tail, of many
//! one. The chain of a sum is the same.
//!
//! Where a vector is half a block, one row's tail does so alone: more rows have chains enough, and no registers.
//!
//! The tail's sums then wait for their epilogue as they do in a tail by itself.

use super::epilogue::Epilogue;
use super::flat::Gathered;
use super::heights::{OfHeight, of_height, split};
use super::next::Next;
use super::pass::{Pass, TileRows};
use super::queue::{Queue, waits};
use super::tile::{Units, side_by_side, sums};
use super::{Kernel, Simd};
use crate::weights::panel::{BLOCK, OCTET};

/// The most vectors of a tail that goes beside blocks. Vectors of half a block do so for one row alone: of more rows there
/// are chains enough, and too few registers.
pub(super) const fn most_vectors<S: Simd>() -> usize {
    match S::LANES {
        BLOCK => 2,
        OCTET => 4,
        _ => 0,
    }
}

/// The vectors of a tail of so many sums that goes beside blocks; 0 if it goes by itself.
#[inline(always)]
pub(super) fn vectors<S: Simd>(sums: usize, rows: usize) -> usize {
    match sums.div_ceil(S::LANES) {
        vectors if vectors <= const { most_vectors::<S>() } && (rows == 1 || S::LANES == BLOCK) => vectors,
        _ => 0,
    }
}

/// The last of the full blocks and a tail of `T` vectors, for all rows of a pass.
pub(super) struct Beside<'q, 'a, E, const G: usize, const T: usize> {
    pub(super) pass: &'a Pass<'a>,
    /// How many of the blocks.
    pub(super) blocks: usize,
    pub(super) queue: &'q mut Queue<'a, E, G>,
}

impl<E: Epilogue<G>, const G: usize, const T: usize> Kernel for Beside<'_, '_, E, G, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { pass, blocks, queue } = self;
        let rows = pass.end - pass.first;
        let mut gathered = Gathered::new();
        let mut first = pass.first;
        for (height, count) in split(tallest::<S>(G, T), rows, 0) {
            if count > 0 {
                let tiles =
                    Tiles::<E, G, T> { pass, blocks, first, count, gathered: &mut gathered, queue: &mut *queue };
                of_height(s, tiles, height);
            }
            first += height * count;
        }
        // SAFETY: the rows that were gathered have their sums, and units in the rows of states.
        unsafe { gathered.flush(s, queue) }
    }
}

/// The most rows of a tile of one block and so many vectors.
const fn tallest<S: Simd>(gates: usize, vectors: usize) -> usize {
    if S::LANES < BLOCK {
        return 1;
    }
    let registers = match S::SUMS / (gates + vectors) {
        // Epilogues go four vectors side by side.
        rows if rows > 4 => rows / 4 * 4,
        rows => rows,
    };
    if registers < S::ROWS.of(1) { registers } else { S::ROWS.of(1) }
}

/// How many blocks go with `T` vectors at most, for so many rows: no more than [`Tiles`] has tiles of.
#[inline(always)]
fn most<S: Simd, const G: usize, const T: usize>(rows: usize) -> usize {
    match rows {
        1 => const { side_by_side::<S>(G, 1, T) * S::LANES / BLOCK },
        2 => const { side_by_side::<S>(G, 2, T) * S::LANES / BLOCK },
        3 => const { side_by_side::<S>(G, 3, T) * S::LANES / BLOCK },
        4 => const { side_by_side::<S>(G, 4, T) * S::LANES / BLOCK },
        _ => 1,
    }
}

/// How many of the last blocks go with a tail of so many sums: as many as leave the others in whole pairs or fours; none if
/// the tail goes by itself.
#[inline(always)]
pub(super) fn blocks<S: Simd, const G: usize>(sums: usize, rows: usize, blocks: usize) -> usize {
    let most = match vectors::<S>(sums, rows) {
        0 => 0,
        1 => most::<S, G, 1>(rows),
        2 => most::<S, G, 2>(rows),
        3 => most::<S, G, 3>(rows),
        _ => most::<S, G, 4>(rows),
    };
    match blocks {
        0 => 0,
        _ if blocks.is_multiple_of(4) && most >= 4 => 4,
        _ if blocks.is_multiple_of(2) && most >= 2 => 2,
        _ => most.min(1),
    }
}

/// So many tiles of a height from the row `first` on.
struct Tiles<'t, 'a, E, const G: usize, const T: usize> {
    pass: &'a Pass<'a>,
    blocks: usize,
    first: usize,
    count: usize,
    gathered: &'t mut Gathered,
    queue: &'t mut Queue<'a, E, G>,
}

impl<S: Simd, E: Epilogue<G>, const G: usize, const T: usize> OfHeight<S> for Tiles<'_, '_, E, G, T> {
    const TALLEST: usize = tallest::<S>(G, T);
    type Output = ();

    #[inline(always)]
    fn run<const R: usize>(self, s: S) {
        match self.blocks * (BLOCK / S::LANES) {
            8 if const { side_by_side::<S>(G, R, T) >= 8 } => s.vectorize(Rows::<E, G, R, 8, T>(self)),
            4 if const { side_by_side::<S>(G, R, T) >= 4 } => s.vectorize(Rows::<E, G, R, 4, T>(self)),
            2 if const { side_by_side::<S>(G, R, T) >= 2 } => s.vectorize(Rows::<E, G, R, 2, T>(self)),
            _ if const { S::LANES == BLOCK } => s.vectorize(Rows::<E, G, R, 1, T>(self)),
            _ => {}
        }
    }
}

/// Tiles of `R` rows, and `U` vectors of the blocks' units.
struct Rows<'t, 'a, E, const G: usize, const R: usize, const U: usize, const T: usize>(Tiles<'t, 'a, E, G, T>);

impl<E: Epilogue<G>, const G: usize, const R: usize, const U: usize, const T: usize> Kernel
    for Rows<'_, '_, E, G, R, U, T>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tiles { pass, first, count, gathered, queue, .. } = self.0;
        let shape = pass.panel.shape();
        let part = Units::<U>::of::<S>(pass, shape.blocks() * (BLOCK / S::LANES) - U);
        let next = Next::of(pass, part.unit);
        // One row is all rows: no loop then, whose registers are wanted for streams of weights.
        for tile in 0..if R == 1 { 1 } else { count } {
            let first = first + tile * R;
            let Some(rows) = TileRows::<R>::of(pass, first, E::CARRY) else { break };
            next.ask(s, &rows);
            // The last tile's epilogue goes with those of the tail, but where each is a single vector, and so do vectors that
            // are no whole fours.
            let waits = R > 1 && (const { waits::<S>(G) || !(R * U).is_multiple_of(4) } || first + R == pass.end);
            // SAFETY: `Run` has checked the views' widths against the panel's shape, and `TileRows` holds rows of those
            // views; there are so many full blocks, and the vectors hold the tail's sums. There is room for the sums, the
            // places' units are in the rows, and no pass touches them again before the queue is finished.
            unsafe {
                let beside = gathered.room(s, queue, R);
                let to = if waits { queue.room(s, R * U) } else { core::ptr::null_mut() };
                let Some(sums) = sums::<S, E, G, R, U, T>(s, pass, &part, &rows) else { continue };
                sums.wait_beside::<S, E>(s, beside);
                if const { R > 1 && T * S::LANES / G * 3 <= S::LANES } {
                    gathered.add::<S, E, G, R>(s, shape.tail(), &rows, shape.blocks() * BLOCK);
                } else {
                    gathered.settle::<S, E, G, R>(s, pass, &rows);
                }
                if waits {
                    sums.wait::<S, E>(s, to);
                    queue.add(rows.places::<U>(E::CARRY, part.unit, S::LANES).as_flattened());
                } else {
                    sums.finish::<S, E>(s, &part, &rows);
                }
            }
        }
    }
}
