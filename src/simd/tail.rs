//! The units that fill no block: their weights lie flat, gate after gate, `G * w` floats for each `k`.
//!
//! The sums are computed in whole vectors across gates, in the same chains as a full block's, and wait in memory to be
//! taken apart.

use super::epilogue::Epilogue;
use super::finish::{FLAT, Finish, Flats, Place, ROW, half};
use super::heights::{OfHeight, by_lines, heights, of_height};
use super::pass::{Ahead, Pass, TileRows};
use super::queue::{Queue, waits};
use super::tile::{Apart, Stride, accumulate};
use super::{Kernel, Simd, outlined};
use crate::weights::panel::{Aligned, BLOCK};
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// Lanes without a sign, then as many with one.
static SIGNS: [[f32; FLAT]; 2] = [[0.0; FLAT], [-0.0; FLAT]];
/// The most rows whose sums are computed together.
const TALL: usize = 8;

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
        let mut sums = MaybeUninit::<Aligned<[[f32; ROW]; TALL]>>::uninit();
        let sums = sums.as_mut_ptr().cast::<f32>();
        let mut places = [Place::NONE; TALL];
        // What vectors take beyond the sums is known as well.
        let end = G * width / S::LANES * S::LANES;
        for row in 0..rows.min(TALL) {
            for part in 0..1 + usize::from(E::APART) {
                let to = sums.wrapping_add(row * ROW + part * FLAT + end);
                // SAFETY: there are `TALL` rows, and a part of one has `FLAT` floats.
                unsafe {
                    s.store(to, s.splat(0.0));
                    if end + 2 * S::LANES <= FLAT {
                        s.store(to.add(S::LANES), s.splat(0.0));
                    }
                }
            }
        }
        let mut first = pass.first;
        for (height, count) in heights {
            for _ in 0..count {
                let flat = Flat::<E, G> { pass, first, sums, places: &mut places, epilogue: PhantomData };
                let left = of_height(s, flat, height);
                if let (true, Some(places)) = (left, places.get(..height)) {
                    // SAFETY: the sums of these places have just been computed, in rows of `ROW` floats.
                    unsafe { queue.add_parts(s, sums, places) }
                }
                first += height;
            }
        }
        if const { !waits::<S>(G) } {
            queue.finish(s);
        }
    }
}

/// The rows of a pass from `first` on.
struct Flat<'a, E, const G: usize> {
    pass: &'a Pass<'a>,
    first: usize,
    /// `ROW` floats for each.
    sums: *mut f32,
    /// Where each one's units are that are left.
    places: &'a mut [Place; TALL],
    epilogue: PhantomData<E>,
}

impl<S: Simd, E: Epilogue<G>, const G: usize> OfHeight<S> for Flat<'_, E, G> {
    const TALLEST: usize = S::ROWS.of(1);
    /// Whether units of each row are left, of which a vector holds those of several rows.
    type Output = bool;

    #[inline(always)]
    fn run<const R: usize>(self, s: S) -> bool {
        s.vectorize(Sums::<E, G, R>(self))
    }
}

/// `R` rows: their sums, and the epilogue of vectors that each fills by itself.
struct Sums<'a, E, const G: usize, const R: usize>(Flat<'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize> Kernel for Sums<'_, E, G, R> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        let Flat { pass, first, sums, places, .. } = self.0;
        let shape = pass.panel.shape();
        let (width, flat) = (shape.tail(), G * shape.tail());
        let (inputs, states) = shape.parts(shape.blocks());
        let panel = pass.panel.as_ptr();
        let Some(rows) = TileRows::<R>::of(pass, first, E::CARRY) else { return false };
        // SAFETY: `Run` has checked the views' widths against the panel's shape, and `TileRows` holds rows of those views.
        // The tail's rows lie within the panel, and a last vector's excess within the zeros that end it or within what
        // follows; so does what is before the state bias.
        unsafe {
            let ahead = G * BLOCK * shape.blocks();
            if let Ahead::Read(_) = pass.ahead {
                for (r, from) in rows.sums.into_iter().enumerate() {
                    sums.add(r * ROW).copy_from_nonoverlapping(from.add(ahead), flat);
                }
            }
            let part = Halves {
                sums,
                flat,
                inputs: panel.add(inputs),
                states: panel.add(states + if E::APART { width } else { 0 }),
                counts: [shape.inputs, shape.units],
                apart: if E::APART { Some((panel.add(states), flat - width)) } else { None },
                rows: &rows,
                ahead: pass.ahead,
            };
            part.run::<S, G>(s);
            if let Ahead::Write(_) = pass.ahead {
                for (r, to) in rows.sums.into_iter().enumerate() {
                    to.add(ahead).copy_from_nonoverlapping(sums.add(r * ROW), flat);
                }
                return false;
            }
        }
        let unit = shape.blocks() * BLOCK;
        if R == 1 {
            // All vectors at once.
            let places = rows.places::<{ BLOCK / 4 }>(E::CARRY, unit, S::LANES);
            let places = places.as_flattened().get(..width.div_ceil(S::LANES)).unwrap_or_default();
            let waiting = Flats { step: S::LANES, width, half: half(G, width), units: width, fewer: S::LANES };
            Finish::<E, _, G> { sums, waiting, places, epilogue: PhantomData }.run(s);
            return false;
        }
        for first in (0..width).step_by(S::LANES) {
            let units = width - first;
            let own = rows.places::<1>(E::CARRY, unit + first, 0);
            if 3 * units <= S::LANES {
                for (to, [place]) in places.iter_mut().zip(own) {
                    *to = place;
                }
                return true;
            }
            let (sums, waiting) =
                (sums.wrapping_add(first), Flats { step: ROW, width, half: half(G, width), units, fewer: 0 });
            // A gate's vector ends within the row's floats, and the rows of states hold the tail's units.
            Finish::<E, _, G> { sums, waiting, places: own.as_flattened(), epilogue: PhantomData }.run(s);
        }
        false
    }
}

/// Both halves of the flat sums of `R` rows.
#[derive(Clone, Copy)]
struct Halves<'a, const R: usize> {
    sums: *mut f32,
    /// The floats of a row of weights.
    flat: usize,
    /// The biases, and then the rows of weights for the inputs; those for the states; and how many.
    inputs: *const f32,
    states: *const f32,
    counts: [usize; 2],
    /// The state bias of the last gate, and where its sums begin, if it is kept apart.
    apart: Option<(*const f32, usize)>,
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
        if const { S::Half::LANES < S::LANES } && self.flat <= S::Half::LANES {
            // Half a vector holds them all.
            outlined(s.half(), Vectors::<1, R>(self, 0));
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
        while first < self.flat {
            first += S::LANES
                * match (self.flat - first).div_ceil(S::LANES).min(most) {
                    4 if most >= 4 => outlined(s, Vectors::<4, R>(self, first)),
                    3 if most >= 3 => outlined(s, Vectors::<3, R>(self, first)),
                    2 if most >= 2 => outlined(s, Vectors::<2, R>(self, first)),
                    _ => outlined(s, Vectors::<1, R>(self, first)),
                };
        }
    }
}

/// `V` vectors of the flat sums, from one of them on: a function of its own for all cells.
struct Vectors<'a, const V: usize, const R: usize>(Halves<'a, R>, usize);

impl<const V: usize, const R: usize> Kernel for Vectors<'_, V, R> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let (Halves { sums, flat, inputs, states, counts, apart, rows, ahead }, first) = (self.0, self.1);
        let stride = Stride { row: flat, unit: Apart::NONE, gate: S::LANES };
        let mut sum = [[[s.splat(0.0); V]; 1]; R];
        // SAFETY: `Halves::run` makes this with V whole vectors from `first` on, within the sums and the weights; sums
        // computed ahead are there. `flat` rounded up to whole vectors is at most FLAT.
        unsafe {
            for (r, [sum]) in sum.iter_mut().enumerate() {
                let from = if let Ahead::Read(_) = ahead { sums.add(r * ROW).cast_const() } else { inputs };
                for (v, sum) in sum.iter_mut().enumerate() {
                    *sum = s.load(from.add(first + v * S::LANES));
                }
            }
            if !matches!(ahead, Ahead::Read(_)) {
                let weights = inputs.add(flat + first);
                sum = accumulate::<S, V, 1, R, 1>(s, sum, weights, stride, &rows.x, counts[0]);
            }
            // Computed ahead, the input half is all that is wanted.
            if let (Some((bias, from)), false) = (apart, matches!(ahead, Ahead::Write(_))) {
                for (r, [sum]) in sum.iter_mut().enumerate() {
                    for (v, sum) in sum.iter_mut().enumerate() {
                        let at = first + v * S::LANES;
                        // The input half is set aside, and the last gate's sums begin again with the state bias.
                        s.store(sums.add(r * ROW + FLAT + at), *sum);
                        let last = s.load(SIGNS.as_flattened().as_ptr().add(FLAT - from + at));
                        *sum = s.by_sign(last, s.load(bias.sub(from).add(at)), *sum);
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
