//! The units that fill no block: their weights lie flat, gate after gate, `G * w` floats for each `k`.
//!
//! The sums are computed in whole vectors across gates, in the same chains as a full block's, and taken apart through
//! a little stack once they are done.

use super::Simd;
use super::pass::{Epilogue, Pass, TileRows};
use super::tile::{Stride, accumulate, finish};
use crate::weights::panel::BLOCK;

/// Floats of the tail's sums for one row: at most 4 gates of 15 units, in whole vectors.
const FLAT: usize = 4 * BLOCK;

/// The units that fill no block. Their sums are computed in whole vectors of the flat rows, across gates, and taken
/// apart in memory.
///
/// # Safety
/// The panel and the rows are those of `pass.shape`, which has a tail.
#[inline(always)]
pub(super) unsafe fn tail<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    pass: &Pass<'_>,
    rows: &TileRows<R>,
) {
    let shape = pass.shape;
    let (width, flat) = (shape.tail(), G * shape.tail());
    let (inputs, states) = shape.parts(shape.blocks());
    let panel = pass.panel.as_ptr();
    let mut sums = [[0.0; FLAT]; R];
    let mut half = [[0.0; BLOCK]; R];
    // SAFETY: the tail's rows lie within the panel, and a last vector's excess within the zeros that end it or within
    // what follows; `flat` rounded up to whole vectors is at most FLAT; rows hold `inputs` and `units` elements.
    unsafe {
        let bias = panel.add(inputs);
        for sum in &mut sums {
            core::ptr::copy_nonoverlapping(bias, sum.as_mut_ptr(), flat);
        }
        flat_sums::<S, G, R>(s, &mut sums, bias.add(flat), flat, &rows.x, shape.inputs);
        if E::APART {
            // The last gate's input half is set aside, and its sum begins again with the state bias.
            for (sum, half) in sums.iter_mut().zip(&mut half) {
                let last = sum.as_mut_ptr().add(flat - width);
                core::ptr::copy_nonoverlapping(last, half.as_mut_ptr(), width);
                core::ptr::copy_nonoverlapping(panel.add(states), last, width);
            }
        }
        let states = panel.add(states + if E::APART { width } else { 0 });
        flat_sums::<S, G, R>(s, &mut sums, states, flat, &rows.h, shape.units);
    }
    for first in (0..width).step_by(S::LANES) {
        let count = width - first;
        for (r, (sums, half)) in sums.iter().zip(&half).enumerate() {
            let mut sum = [s.splat(0.0); G];
            // SAFETY: a gate's vector begins below `flat - width + 16 - LANES` and ends within FLAT; `half` has 16; the
            // rows hold the tail's units.
            unsafe {
                for (gate, sum) in sum.iter_mut().enumerate() {
                    *sum = s.load(sums.as_ptr().add(gate * width + first));
                }
                let half = s.load(half.as_ptr().add(first));
                let part = (count < S::LANES).then_some(count);
                finish::<S, E, G, R>(s, sum, half, rows, r, shape.blocks() * BLOCK + first, part);
            }
        }
    }
}

/// Adds `count` weight rows of `flat` floats to the sums, as many vectors at a time as the cell has gates.
///
/// # Safety
/// As `accumulate`, for whole vectors; `flat` rounded up to whole vectors is at most FLAT.
#[inline(always)]
unsafe fn flat_sums<S: Simd, const G: usize, const R: usize>(
    s: S,
    sums: &mut [[f32; FLAT]; R],
    weights: *const f32,
    flat: usize,
    rows: &[*const f32; R],
    count: usize,
) {
    let mut first = 0;
    while first < flat {
        let vectors = (flat - first).div_ceil(S::LANES);
        // SAFETY: `vectors` whole vectors from `first` on are left, in the weights and in the sums.
        first += S::LANES
            * unsafe {
                match vectors.min(G) {
                    2 if G >= 2 => flat_vectors::<S, 2, R>(s, sums, first, weights, flat, rows, count),
                    3 if G >= 3 => flat_vectors::<S, 3, R>(s, sums, first, weights, flat, rows, count),
                    4 if G >= 4 => flat_vectors::<S, 4, R>(s, sums, first, weights, flat, rows, count),
                    _ => flat_vectors::<S, 1, R>(s, sums, first, weights, flat, rows, count),
                }
            };
    }
}

/// # Safety
/// As `flat_sums`, with `V` vectors from `first` on.
#[inline(always)]
unsafe fn flat_vectors<S: Simd, const V: usize, const R: usize>(
    s: S,
    sums: &mut [[f32; FLAT]; R],
    first: usize,
    weights: *const f32,
    flat: usize,
    rows: &[*const f32; R],
    count: usize,
) -> usize {
    let stride = Stride { row: flat, unit: 0, gate: S::LANES };
    let mut sum = [[[s.splat(0.0); V]; 1]; R];
    // SAFETY: the caller's promise: V vectors from `first` on are within the sums and the weights' rows.
    unsafe {
        for ([sum], memory) in sum.iter_mut().zip(sums.iter()) {
            for (v, sum) in sum.iter_mut().enumerate() {
                *sum = s.load(memory.as_ptr().add(first + v * S::LANES));
            }
        }
        let sum = accumulate(s, sum, weights.add(first), stride, rows, count);
        for ([sum], memory) in sum.into_iter().zip(sums) {
            for (v, sum) in sum.into_iter().enumerate() {
                s.store(memory.as_mut_ptr().add(first + v * S::LANES), sum);
            }
        }
    }
    V
}
