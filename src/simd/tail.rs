//! The units that fill no block: their weights lie flat, gate after gate, `G * w` floats for each `k`.
//!
//! The sums are computed in whole vectors across gates, in the same chains as a full block's, and wait in memory to be
//! taken apart.

use super::epilogue::Epilogue;
use super::finish::{FLAT, Finish, Flats, ROW, half};
use super::flat::{Flat, Gathered, know};
use super::heights::{OfHeight, by_lines, heights, of_height};
use super::pass::{Ahead, Pass, TileRows};
use super::queue::Queue;
use super::tile::{Apart, Stride, accumulate};
use super::{Kernel, Simd, outlined};
use crate::weights::panel::BLOCK;

/// The tail's units for all rows of a pass.
pub(super) struct Tail<'q, 'a, E, const G: usize>(pub(super) &'a Pass<'a>, pub(super) &'q mut Queue<'a, E, G>);

impl<E: Epilogue<G>, const G: usize> Kernel for Tail<'_, '_, E, G> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self(pass, queue) = self;
        let (width, rows) = (pass.panel.shape().tail(), pass.end - pass.first);
        // A row that is one vector is like a cell of one gate.
        let heights = heights::<S>(if G * width <= S::LANES { 1 } else { G }, rows);
        let mut gathered = Gathered::new();
        let mut first = pass.first;
        for (height, count) in heights {
            for _ in 0..count {
                of_height(s, Tile::<E, G> { pass, first, gathered: &mut gathered, queue: &mut *queue }, height);
                first += height;
            }
        }
    }
}

/// The rows of a pass from `first` on.
struct Tile<'t, 'a, E, const G: usize> {
    pass: &'a Pass<'a>,
    first: usize,
    gathered: &'t mut Gathered,
    queue: &'t mut Queue<'a, E, G>,
}

impl<S: Simd, E: Epilogue<G>, const G: usize> OfHeight<S> for Tile<'_, '_, E, G> {
    const TALLEST: usize = S::ROWS.of(1);
    type Output = ();

    #[inline(always)]
    fn run<const R: usize>(self, s: S) {
        s.vectorize(Sums::<E, G, R>(self));
    }
}

/// `R` rows: their sums, and the epilogue of vectors that each fills by itself; what is left of each waits with others.
struct Sums<'t, 'a, E, const G: usize, const R: usize>(Tile<'t, 'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize> Kernel for Sums<'_, '_, E, G, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tile { pass, first, gathered, queue } = self.0;
        let shape = pass.panel.shape();
        let (width, weights) = (shape.tail(), Flat::of::<E, G>(pass));
        let Some(rows) = TileRows::<R>::of(pass, first, E::CARRY) else { return };
        // SAFETY: `Run` has checked the views' widths against the panel's shape, and `TileRows` holds rows of those views.
        // Rows that were gathered before have their sums, and units in the rows of states.
        unsafe {
            let sums = gathered.room(s, queue, R);
            if let Ahead::Read(_) = pass.ahead {
                for (r, from) in rows.sums.into_iter().enumerate() {
                    // Of their last vector all is known.
                    s.store(sums.add(r * ROW + weights.flat / S::LANES * S::LANES), s.splat(0.0));
                    sums.add(r * ROW).copy_from_nonoverlapping(from.add(weights.ahead), weights.flat);
                }
            }
            let counts = [shape.inputs, shape.units];
            Halves { sums, weights, counts, rows: &rows, ahead: pass.ahead }.run::<S, G>(s);
            if let Ahead::Write(_) = pass.ahead {
                for (r, to) in rows.sums.into_iter().enumerate() {
                    to.add(weights.ahead).copy_from_nonoverlapping(sums.add(r * ROW), weights.flat);
                }
                return;
            }
            if R == 1 {
                know::<S, E, G>(s, sums, weights.flat, FLAT, 1);
                // All vectors at once.
                let places = rows.places::<{ BLOCK / 4 }>(E::CARRY, shape.blocks() * BLOCK, S::LANES);
                let places = places.as_flattened().get(..width.div_ceil(S::LANES)).unwrap_or_default();
                let waiting = Flats { step: S::LANES, width, half: half(G, width), units: width, fewer: S::LANES };
                Finish::<E, _, G>::of(sums, waiting, places).run(s);
            } else {
                gathered.settle::<S, E, G, R>(s, pass, &rows);
                gathered.flush(s, queue);
            }
        }
    }
}

/// Both halves of the flat sums of `R` rows.
#[derive(Clone, Copy)]
struct Halves<'a, const R: usize> {
    sums: *mut f32,
    weights: Flat,
    /// How many rows of weights: for the inputs, and for the states.
    counts: [usize; 2],
    rows: &'a TileRows<R>,
    ahead: Ahead<'a>,
}

impl<const R: usize> Halves<'_, R> {
    /// All of them, a few vectors at a time.
    ///
    /// # Safety
    /// The weights are a tail's, the rows hold as many elements as are counted, and there are `ROW` floats of sums for
    /// each.
    #[inline(always)]
    unsafe fn run<S: Simd, const G: usize>(self, s: S) {
        if const { S::Half::LANES < S::LANES } && self.weights.flat <= S::Half::LANES {
            // Half a vector holds them all.
            // SAFETY: the caller's promise.
            outlined(s.half(), unsafe { Vectors::<1, R>::of(self, 0) });
            return;
        }
        // No more vectors than a full block's tile has: so many fit the registers.
        let most = const {
            match R {
                _ if R > S::ROWS.of(G) => 1,
                _ if by_lines::<S>(G, R) => 2,
                _ => G,
            }
        };
        let mut first = 0;
        while first < self.weights.flat {
            // SAFETY: the caller's promise; so many whole vectors begin within the sums and the weights.
            let vectors = unsafe {
                match (self.weights.flat - first).div_ceil(S::LANES).min(most) {
                    4 if most >= 4 => outlined(s, Vectors::<4, R>::of(self, first)),
                    3 if most >= 3 => outlined(s, Vectors::<3, R>::of(self, first)),
                    2 if most >= 2 => outlined(s, Vectors::<2, R>::of(self, first)),
                    _ => outlined(s, Vectors::<1, R>::of(self, first)),
                }
            };
            first += vectors * S::LANES;
        }
    }
}

/// `V` vectors of the flat sums, from one of them on: a function of its own for all cells.
struct Vectors<'a, const V: usize, const R: usize>(Halves<'a, R>, usize);

impl<'a, const V: usize, const R: usize> Vectors<'a, V, R> {
    /// # Safety
    /// As of [`Halves::run`], and `V` whole vectors from `first` on begin within a row's sums and a row of weights.
    #[inline(always)]
    unsafe fn of(halves: Halves<'a, R>, first: usize) -> Self {
        Self(halves, first)
    }
}

impl<const V: usize, const R: usize> Kernel for Vectors<'_, V, R> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let (Halves { sums, weights, counts, rows, ahead }, first) = (self.0, self.1);
        let Flat { flat, inputs, states, .. } = weights;
        let stride = Stride { row: flat, unit: Apart::NONE, gate: S::LANES };
        let mut sum = [[[s.splat(0.0); V]; 1]; R];
        // SAFETY: the promise of `of`; sums computed ahead are there. `flat` rounded up to whole vectors is at most FLAT.
        unsafe {
            for (r, [sum]) in sum.iter_mut().enumerate() {
                let from = if let Ahead::Read(_) = ahead { sums.add(r * ROW).cast_const() } else { inputs };
                for (v, sum) in sum.iter_mut().enumerate() {
                    *sum = s.load(from.add(first + v * S::LANES));
                }
            }
            if !matches!(ahead, Ahead::Read(_)) {
                let inputs = inputs.add(flat + first);
                sum = accumulate::<S, V, 1, R, 1>(s, sum, inputs, stride, &rows.x, counts[0]);
            }
            // Computed ahead, the input half is all that is wanted.
            if weights.apart() && !matches!(ahead, Ahead::Write(_)) {
                for (r, [sum]) in sum.iter_mut().enumerate() {
                    for (v, sum) in sum.iter_mut().enumerate() {
                        let at = first + v * S::LANES;
                        // The input half is set aside, and the last gate's sums begin again with the state bias.
                        s.store(sums.add(r * ROW + FLAT + at), *sum);
                        *sum = weights.begin_last(s, at, *sum);
                    }
                }
            }
            if !matches!(ahead, Ahead::Write(_)) {
                sum = accumulate::<S, V, 1, R, 1>(s, sum, states.add(first), stride, &rows.h, counts[1]);
            }
            for (r, [sum]) in sum.into_iter().enumerate() {
                for (v, sum) in sum.into_iter().enumerate() {
                    s.store(sums.add(r * ROW + first + v * S::LANES), sum);
                }
            }
        }
        V
    }
}
