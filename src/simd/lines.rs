//! The tile by lines: more rows than there are registers for all gates of a unit.
//!
//! Where a vector is half a block, a cache line of a panel's row is two vectors of sums, whatever gates they belong
//! to. A block is walked once for each of its `G` lines, with `2 * R` sums in registers; finished sums wait in memory
//! until the last line is done. Each line of weights so serves more rows than a tile of all gates could hold, which
//! halves what is read of the panel. The chain of a sum is the same.

use super::epilogue::Epilogue;
use super::finish::{Finish, SUMS, Waiting, Whole};
use super::pass::{Ahead, Pass, TileRows};
use super::tile::{Apart, Stride, Units, accumulate};
use super::{Kernel, Simd};
use crate::weights::panel::{Aligned, BLOCK};
use core::mem::MaybeUninit;

/// Rows of weights in one turn of the hot loop, which is short for its many instructions besides the multiply-adds.
const TURN: usize = 4;

/// One block for `R` rows.
///
/// # Safety
/// The rows are those of the panel's shape, the units are a full block of it, and a vector is half a block.
#[inline(always)]
pub(super) unsafe fn lines<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    pass: &Pass<'_>,
    part: &Units<2>,
    rows: &TileRows<R>,
) {
    let shape = pass.panel.shape();
    let stride = Stride { row: G * BLOCK, unit: Apart::NONE, gate: S::LANES };
    let zero = s.splat(0.0);
    // A row's two vectors of units, one after another.
    let mut waiting = MaybeUninit::<Aligned<[[[f32; SUMS * BLOCK / 2]; 2]; R]>>::uninit();
    let waiting = waiting.as_mut_ptr().cast::<f32>();
    for line in 0..G {
        let at = line * BLOCK;
        let mut sum = [[[zero; 2]; 1]; R];
        // SAFETY: a line is part of the block's rows, which lie within the panel as in `tile::units`; rows of the views
        // hold `inputs` and `units` elements; rows of sums hold `G * units`.
        unsafe {
            let inputs = pass.panel.as_ptr().add(part.inputs + at);
            if let Ahead::Read(_) = pass.ahead {
                for ([sum], from) in sum.iter_mut().zip(rows.sums) {
                    for (v, sum) in sum.iter_mut().enumerate() {
                        *sum = s.load(from.add(part.sums + at + v * S::LANES));
                    }
                }
            } else {
                let bias = [[s.load(inputs), s.load(inputs.add(S::LANES))]];
                sum =
                    accumulate::<S, 2, 1, R, TURN>(s, [bias; R], inputs.add(G * BLOCK), stride, &rows.x, shape.inputs);
            }
            if let Ahead::Write(_) = pass.ahead {
                for ([sum], to) in sum.into_iter().zip(rows.sums) {
                    for (v, sum) in sum.into_iter().enumerate() {
                        s.store(to.add(part.sums + at + v * S::LANES), sum);
                    }
                }
                continue;
            }
            if E::APART {
                for v in 0..2 {
                    let vector = 2 * line + v;
                    if vector % G == G - 1 {
                        let octet = vector / G;
                        let bias = s.load(pass.panel.as_ptr().add(part.state_bias + octet * S::LANES));
                        for (r, [sum]) in sum.iter_mut().enumerate() {
                            if let Some(sum) = sum.get_mut(v) {
                                s.store(waiting.add(Whole.half::<S>(2 * r + octet, G)), *sum);
                                *sum = bias;
                            }
                        }
                    }
                }
            }
            let states = pass.panel.as_ptr().add(part.states + at);
            sum = accumulate::<S, 2, 1, R, TURN>(s, sum, states, stride, &rows.h, shape.units);
        }
        for (r, [sum]) in sum.into_iter().enumerate() {
            for (v, sum) in sum.into_iter().enumerate() {
                let vector = 2 * line + v;
                // SAFETY: there is room for `SUMS` vectors for each vector of units.
                unsafe { s.store(waiting.add(Whole.sums::<S>(2 * r + vector / G, vector % G)), sum) }
            }
        }
    }
    if let Ahead::Write(_) = pass.ahead {
        return;
    }
    let places = rows.places::<2>(E::CARRY, part.unit, S::LANES);
    // SAFETY: all sums have been stored, and the rows hold the block's units.
    unsafe { Finish::<E, _, G>::of(waiting, Whole, places.as_flattened()) }.run(s);
}
