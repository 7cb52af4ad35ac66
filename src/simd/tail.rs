//! The units that fill no block: their weights lie flat, gate after gate, `G * w` floats for each `k`.
//!
//! The sums are computed in whole vectors across gates, in the same chains as a full block's, and taken apart through
//! a little stack once they are done.

use super::pass::{Ahead, Epilogue, Pass, TileRows, by_lines};
use super::tile::{Done, Stride, accumulate, finish_all};
use super::{Kernel, Simd};
use crate::weights::panel::BLOCK;

/// Floats of the tail's sums for one row: at most 4 gates of 15 units, in whole vectors.
const FLAT: usize = 4 * BLOCK;

/// The units that fill no block. Their sums are computed in whole vectors of the flat rows, across gates, and taken
/// apart in memory.
///
/// # Safety
/// The rows are those of the panel's shape, which has a tail.
#[inline(always)]
pub(super) unsafe fn tail<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    pass: &Pass<'_>,
    rows: &TileRows<R>,
) {
    let shape = pass.panel.shape();
    let (width, flat) = (shape.tail(), G * shape.tail());
    let (inputs, states) = shape.parts(shape.blocks());
    let panel = pass.panel.as_ptr();
    let mut sums = [[0.0; FLAT]; R];
    let mut half = [[0.0; BLOCK]; R];
    // SAFETY: the tail's rows lie within the panel, and a last vector's excess (a bias's too) within the zeros that end
    // it or within what follows; `flat` rounded up to whole vectors is at most FLAT; rows hold `inputs` and `units` elements.
    unsafe {
        let ahead = G * BLOCK * shape.blocks();
        if let Ahead::Read(_) = pass.ahead {
            for (sum, from) in sums.iter_mut().zip(rows.sums) {
                core::ptr::copy_nonoverlapping(from.add(ahead), sum.as_mut_ptr(), flat);
            }
        } else {
            let bias = panel.add(inputs);
            flat_sums::<S, G, R>(s, &mut sums, Some(bias), bias.add(flat), flat, &rows.x, shape.inputs);
        }
        if let Ahead::Write(_) = pass.ahead {
            for (sum, to) in sums.iter().zip(rows.sums) {
                core::ptr::copy_nonoverlapping(sum.as_ptr(), to.add(ahead), flat);
            }
            return;
        }
        if E::APART {
            // The last gate's input half is set aside, and its sum begins again with the state bias.
            for (sum, half) in sums.iter_mut().zip(&mut half) {
                let last = sum.as_mut_ptr().add(flat - width);
                for first in (0..width).step_by(S::LANES) {
                    s.store(half.as_mut_ptr().add(first), s.load(last.add(first)));
                    s.store(last.add(first), s.load(panel.add(states + first)));
                }
            }
        }
        let states = panel.add(states + if E::APART { width } else { 0 });
        flat_sums::<S, G, R>(s, &mut sums, None, states, flat, &rows.h, shape.units);
    }
    let (sums, half) = (sums.as_ptr().cast::<f32>(), half.as_ptr().cast::<f32>());
    let done = |r: usize, first: usize| {
        let left = width - first;
        let mut sum = [s.splat(0.0); G];
        for (gate, sum) in sum.iter_mut().enumerate() {
            // SAFETY: `r < R`; a gate's vector begins below `flat - width + 16 - LANES` and ends within FLAT.
            *sum = unsafe { s.load(sums.add(r * FLAT + gate * width + first)) };
        }
        // SAFETY: `r < R`; `first + LANES` is at most 16.
        let half = unsafe { s.load(half.add(r * BLOCK + first)) };
        let count = (left < S::LANES).then_some(left);
        Done { sum, half, r, unit: shape.blocks() * BLOCK + first, count }
    };
    // SAFETY: the rows hold the tail's units.
    unsafe {
        if R == 1 {
            finish_all::<S, E, G, R>(s, rows, width.div_ceil(S::LANES), |i| done(0, i * S::LANES));
        } else {
            for first in (0..width).step_by(S::LANES) {
                finish_all::<S, E, G, R>(s, rows, R, |r| done(r, first));
            }
        }
    }
}

/// Adds `count` weight rows of `flat` floats to the sums, or to the bias they begin with, a few vectors at a time.
///
/// # Safety
/// Whole vectors of the bias may be read; `count` elements of each row may be read, and `count` rows of weights in whole vectors; `flat` rounded up to whole
/// vectors is at most FLAT.
#[inline(always)]
unsafe fn flat_sums<S: Simd, const G: usize, const R: usize>(
    s: S,
    sums: &mut [[f32; FLAT]; R],
    bias: Option<*const f32>,
    weights: *const f32,
    flat: usize,
    rows: &[*const f32; R],
    count: usize,
) {
    let mut first = 0;
    // No more vectors than a full block's tile has: so many fit the registers.
    while first < flat {
        let vectors = (flat - first).div_ceil(S::LANES);
        let part = Flat { sums: &mut *sums, bias, first, weights, flat, rows, count };
        let most = const { if by_lines::<S>(G, R) { 2 } else { G } };
        first += S::LANES
            * match vectors.min(most) {
                4 if most >= 4 => s.vectorize(Vectors::<4, R>(part)),
                3 if most >= 3 => s.vectorize(Vectors::<3, R>(part)),
                2 if most >= 2 => s.vectorize(Vectors::<2, R>(part)),
                _ => s.vectorize(Vectors::<1, R>(part)),
            };
    }
}

/// The arguments of `flat_sums`, whose promises hold for the vectors from `first` on.
struct Flat<'a, const R: usize> {
    sums: &'a mut [[f32; FLAT]; R],
    bias: Option<*const f32>,
    first: usize,
    weights: *const f32,
    flat: usize,
    rows: &'a [*const f32; R],
    count: usize,
}

/// `V` vectors of the flat sums: a function of its own for all cells.
struct Vectors<'a, const V: usize, const R: usize>(Flat<'a, R>);

impl<const V: usize, const R: usize> Kernel for Vectors<'_, V, R> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let Flat { sums, bias, first, weights, flat, rows, count } = self.0;
        let stride = Stride { row: flat, unit: 0, gate: S::LANES };
        let mut sum = [[[s.splat(0.0); V]; 1]; R];
        // SAFETY: `flat_sums` makes this only with V whole vectors from `first` on, within the sums and the weights.
        unsafe {
            for ([sum], memory) in sum.iter_mut().zip(sums.iter()) {
                let from = bias.unwrap_or(memory.as_ptr());
                for (v, sum) in sum.iter_mut().enumerate() {
                    *sum = s.load(from.add(first + v * S::LANES));
                }
            }
            let sum = accumulate::<S, V, 1, R, 1>(s, sum, weights.add(first), stride, rows, count);
            for ([sum], memory) in sum.into_iter().zip(sums) {
                for (v, sum) in sum.into_iter().enumerate() {
                    s.store(memory.as_mut_ptr().add(first + v * S::LANES), sum);
                }
            }
        }
        V
    }
}
