//! The units that fill no block: their weights lie flat, gate after gate, `G * w` floats for each `k`.
//!
//! The sums are computed in whole vectors across gates, in the same chains as a full block's, and taken apart through
//! a little stack once they are done.

use super::finish::{Finish, Waiting};
use super::pass::{Ahead, Epilogue, Pass, TileRows, by_lines};
use super::tile::{Stride, accumulate};
use super::{Kernel, Simd, outlined};
use crate::weights::panel::{Aligned, BLOCK};
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// Floats of the tail's sums for one row: at most 4 gates of 15 units, in whole vectors.
const FLAT: usize = 4 * BLOCK;
/// Where among them the input half of a gate waits that is kept apart: behind the sums of 3 gates of 15 units, in whole
/// vectors.
const HALF: usize = 3 * BLOCK;

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
    let mut sums = MaybeUninit::<Aligned<[[f32; FLAT]; R]>>::uninit();
    let sums = sums.as_mut_ptr().cast::<f32>();
    // SAFETY: the tail's rows lie within the panel, and a last vector's excess (a bias's too) within the zeros that end
    // it or within what follows; `flat` rounded up to whole vectors is at most FLAT; rows hold `inputs` and `units` elements.
    unsafe {
        // What the last gate's vectors take beyond the sums is known as well.
        let end = flat / S::LANES * S::LANES;
        for r in 0..R {
            s.store(sums.add(r * FLAT + end), s.splat(0.0));
            if end + 2 * S::LANES <= FLAT {
                s.store(sums.add(r * FLAT + end + S::LANES), s.splat(0.0));
            }
        }
        let ahead = G * BLOCK * shape.blocks();
        if let Ahead::Read(_) = pass.ahead {
            for (r, from) in rows.sums.into_iter().enumerate() {
                sums.add(r * FLAT).copy_from_nonoverlapping(from.add(ahead), flat);
            }
        } else {
            let bias = panel.add(inputs);
            flat_sums::<S, G, R>(s, sums, Some(bias), bias.add(flat), flat, &rows.x, shape.inputs);
        }
        if let Ahead::Write(_) = pass.ahead {
            for (r, to) in rows.sums.into_iter().enumerate() {
                to.add(ahead).copy_from_nonoverlapping(sums.add(r * FLAT), flat);
            }
            return;
        }
        if E::APART {
            // The last gate's input half is set aside, and its sum begins again with the state bias.
            for r in 0..R {
                let (last, half) = (sums.add(r * FLAT + flat - width), sums.add(r * FLAT + HALF));
                for first in (0..width).step_by(S::LANES) {
                    s.store(half.add(first), s.load(last.add(first)));
                    s.store(last.add(first), s.load(panel.add(states + first)));
                }
            }
        }
        let states = panel.add(states + if E::APART { width } else { 0 });
        flat_sums::<S, G, R>(s, sums, None, states, flat, &rows.h, shape.units);
    }
    let unit = shape.blocks() * BLOCK;
    // Of one row all vectors of units together; of more rows one vector of each.
    let (together, step, fewer) = if R == 1 { (BLOCK, S::LANES, S::LANES) } else { (S::LANES, FLAT, 0) };
    for first in (0..width).step_by(together) {
        let of_one = rows.places::<{ BLOCK / 4 }>(E::CARRY, unit, S::LANES);
        let of_each = rows.places::<1>(E::CARRY, unit + first, 0);
        let places = match R {
            1 => of_one.as_flattened().get(..width.div_ceil(S::LANES)).unwrap_or_default(),
            _ => of_each.as_flattened(),
        };
        let (sums, waiting) = (sums.wrapping_add(first), Flats { step, width, units: width - first, fewer });
        // A gate's vector begins below `flat - width + 16 - LANES` and ends within FLAT, and so does that of an input
        // half; the rows hold the tail's units.
        Finish::<E, _, G> { sums, waiting, places, epilogue: PhantomData }.run(s);
    }
}

/// How a tail's sums wait: gate after gate of `width` units.
struct Flats {
    /// From one vector's sums to those of the next.
    step: usize,
    width: usize,
    /// The units of the first vector, and how many fewer each has than the one before.
    units: usize,
    fewer: usize,
}

impl Waiting for Flats {
    #[inline(always)]
    fn sums<S: Simd>(&self, i: usize, gate: usize) -> usize {
        i * self.step + gate * self.width
    }

    #[inline(always)]
    fn half<S: Simd>(&self, i: usize, _: usize) -> usize {
        i * self.step + HALF
    }

    #[inline(always)]
    fn part<S: Simd>(&self, i: usize) -> Option<usize> {
        let units = self.units.wrapping_sub(i * self.fewer);
        (units < S::LANES).then_some(units)
    }
}

/// Adds `count` weight rows of `flat` floats to the sums, or to the bias they begin with, a few vectors at a time.
///
/// # Safety
/// Whole vectors of the bias may be read; `count` elements of each row may be read, and `count` rows of weights in whole
/// vectors; `flat` rounded up to whole vectors is at most FLAT, and there are `R` rows of so many sums, which are known
/// where there is no bias.
#[inline(always)]
unsafe fn flat_sums<S: Simd, const G: usize, const R: usize>(
    s: S,
    sums: *mut f32,
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
        let part = Flat { sums, bias, first, weights, flat, rows, count };
        let most = const {
            match R {
                _ if !by_lines::<S>(G, R) => G,
                _ if R <= S::ROWS.of(G) => 2,
                _ => 1,
            }
        };
        first += S::LANES
            * match vectors.min(most) {
                4 if most >= 4 => outlined(s, Vectors::<4, R>(part)),
                3 if most >= 3 => outlined(s, Vectors::<3, R>(part)),
                2 if most >= 2 => outlined(s, Vectors::<2, R>(part)),
                _ => outlined(s, Vectors::<1, R>(part)),
            };
    }
}

/// The arguments of `flat_sums`, whose promises hold for the vectors from `first` on.
struct Flat<'a, const R: usize> {
    sums: *mut f32,
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
            for (r, [sum]) in sum.iter_mut().enumerate() {
                let from = bias.unwrap_or(sums.add(r * FLAT).cast_const());
                for (v, sum) in sum.iter_mut().enumerate() {
                    *sum = s.load(from.add(first + v * S::LANES));
                }
            }
            let sum = accumulate::<S, V, 1, R, 1>(s, sum, weights.add(first), stride, rows, count);
            for (r, [sum]) in sum.into_iter().enumerate() {
                for (v, sum) in sum.into_iter().enumerate() {
                    s.store(sums.add(r * FLAT + first + v * S::LANES), sum);
                }
            }
        }
        V
    }
}
