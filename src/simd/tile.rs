//! The register tile: a block of units for a few rows, accumulated and handed to an epilogue in registers.
//!
//! For each row `b` and unit `u`, with the gates `g` of the unit side by side:
//!
//! ```text
//! sum[g] = bias[g] + x[b][0] W[g][0] + x[b][1] W[g][1] + ... + h[b][0] U[g][0] + h[b][1] U[g][1] + ...
//! ```
//!
//! One chain for each sum, in this order, whatever the tile's shape: hence the same bits in any batch. A tile is
//! `G` vectors for each of `R` rows; a vector of weights is loaded once for all rows, an element of a row once for all
//! gates. The units that fill no block (the tail) lie flat, gate after gate, and are taken apart through a little
//! stack once the sums are done.

use super::{Kernel, Simd};
use crate::rows::{Rows, RowsMut};
use crate::weights::panel::{BLOCK, PanelShape};
use core::marker::PhantomData;

/// What an epilogue needs of the state besides the sums.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carry {
    /// Nothing.
    None,
    /// The unit's value in the second state, which it also gives back.
    Second,
    /// The unit's value in the state that was multiplied.
    Same,
}

/// What becomes of the sums of `G` gates.
pub(crate) trait Epilogue<const G: usize>: Copy {
    /// The state half of the last gate is a chain of its own: its sum begins with its state bias, and the input half
    /// is given beside it.
    const APART: bool;
    const CARRY: Carry;

    /// The unit's new state and what is carried on, from the sums, the input half of the last gate (where apart), and
    /// the value carried here.
    fn finish<S: Simd>(s: S, sum: [S::F; G], input: S::F, carried: S::F) -> (S::F, S::F);
}

/// One pass over a panel: all its units for some rows. Place `b` of each view belongs to one sequence.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) shape: PanelShape,
    /// `shape.len()` floats.
    pub(crate) panel: &'a [f32],
    /// Rows of `shape.inputs`.
    pub(crate) x: Rows<'a>,
    /// The state so far, rows of `shape.units`, for the places below `continued`.
    pub(crate) h: Rows<'a>,
    /// The state so far for the other places.
    pub(crate) begin: Rows<'a>,
    pub(crate) continued: usize,
    /// The second state, in place; no rows where the epilogue carries none.
    pub(crate) c: RowsMut<'a>,
    /// The new state: other rows than `h` and `begin`.
    pub(crate) out: RowsMut<'a>,
    /// The places to work on: from `first` to before `end`.
    pub(crate) first: usize,
    pub(crate) end: usize,
}

/// A pass with its epilogue.
pub(crate) struct Run<'a, E, const G: usize>(pub(crate) &'a Pass<'a>, pub(crate) PhantomData<E>);

impl<E: Epilogue<G>, const G: usize> Kernel for Run<'_, E, G> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Pass { shape, panel, x, h, begin, out, c, first, end, .. } = *self.0;
        let carries = E::CARRY == Carry::Second;
        let widths = [h.width(), begin.width(), out.read().width()];
        let fits = shape.gates == G
            && shape.apart == E::APART
            && shape.len().is_some_and(|len| len <= panel.len())
            && x.width() == shape.inputs
            && widths == [shape.units; 3]
            && (!carries || c.read().width() == shape.units);
        // The callers check their arguments; what follows relies on it, so it is checked here where it is used.
        if !fits {
            return;
        }
        let blocks = shape.blocks() + usize::from(shape.tail() > 0);
        for block in 0..blocks {
            let mut place = first;
            while place < end {
                let rows = end - place;
                let work = Block { pass: self.0, block, place, epilogue: PhantomData };
                place += match rows {
                    6.. if S::ROWS >= 6 => s.vectorize(Tiles::<E, G, 6>(work)),
                    5.. if S::ROWS >= 5 => s.vectorize(Tiles::<E, G, 5>(work)),
                    4.. if S::ROWS >= 4 => s.vectorize(Tiles::<E, G, 4>(work)),
                    3.. if S::ROWS >= 3 => s.vectorize(Tiles::<E, G, 3>(work)),
                    2.. if S::ROWS >= 2 => s.vectorize(Tiles::<E, G, 2>(work)),
                    _ => s.vectorize(Tiles::<E, G, 1>(work)),
                };
            }
        }
    }
}

/// One block of units, from a place on.
#[derive(Clone, Copy)]
struct Block<'a, E> {
    pass: &'a Pass<'a>,
    block: usize,
    place: usize,
    epilogue: PhantomData<E>,
}

/// As many tiles of `R` rows as there are places for; gives the number of places done.
struct Tiles<'a, E, const G: usize, const R: usize>(Block<'a, E>);

impl<E: Epilogue<G>, const G: usize, const R: usize> Kernel for Tiles<'_, E, G, R> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let Block { pass, block, place, .. } = self.0;
        let full = block < pass.shape.blocks();
        let tiles = (pass.end - place) / R;
        for tile in 0..tiles {
            let Some(rows) = TileRows::<R>::of(pass, place + tile * R, E::CARRY) else { break };
            // SAFETY: `Run` has checked the panel's size and the views' widths against the shape, `TileRows` holds rows
            // of those views, and `block` is one of the shape's.
            unsafe {
                if full {
                    full_block::<S, E, G, R>(s, pass, block, &rows);
                } else {
                    tail::<S, E, G, R>(s, pass, &rows);
                }
            }
        }
        tiles * R
    }
}

/// The rows of a tile in each view.
struct TileRows<const R: usize> {
    x: [*const f32; R],
    h: [*const f32; R],
    c: [*mut f32; R],
    out: [*mut f32; R],
}

impl<const R: usize> TileRows<R> {
    /// `None` if a view is too short.
    #[inline(always)]
    fn of(pass: &Pass<'_>, first: usize, carry: Carry) -> Option<Self> {
        let none = core::ptr::null_mut();
        let mut rows = Self { x: [none; R], h: [none; R], c: [none; R], out: [none; R] };
        for (i, x) in rows.x.iter_mut().enumerate() {
            *x = pass.x.get(first + i)?;
        }
        for (i, h) in rows.h.iter_mut().enumerate() {
            let place = first + i;
            *h = if place < pass.continued { pass.h.get(place)? } else { pass.begin.get(place)? };
        }
        for (i, out) in rows.out.iter_mut().enumerate() {
            *out = pass.out.get(first + i)?;
        }
        if carry == Carry::Second {
            for (i, c) in rows.c.iter_mut().enumerate() {
                *c = pass.c.get(first + i)?;
            }
        }
        Some(rows)
    }
}

/// `sum[r][v] += row[r][k] * weights[k][v]` for each `k` in order: the one hot loop.
///
/// # Safety
/// `count` elements of each row, and of the weights `count` rows `step` apart with `V` vectors `apart` apart, may be
/// read.
#[inline(always)]
unsafe fn accumulate<S: Simd, const V: usize, const R: usize>(
    s: S,
    mut sum: [[S::F; V]; R],
    mut weights: *const f32,
    (step, apart): (usize, usize),
    rows: &[*const f32; R],
    count: usize,
) -> [[S::F; V]; R] {
    for k in 0..count {
        let mut w = [s.splat(0.0); V];
        for (v, w) in w.iter_mut().enumerate() {
            // SAFETY: vector `v` of weight row `k`.
            *w = unsafe { s.load(weights.add(v * apart)) };
        }
        for (sum, row) in sum.iter_mut().zip(rows) {
            // SAFETY: element `k < count` of a row.
            let x = s.splat(unsafe { row.add(k).read() });
            for (sum, w) in sum.iter_mut().zip(w) {
                *sum = s.mul_add(x, w, *sum);
            }
        }
        weights = weights.wrapping_add(step);
    }
    sum
}

/// A block of 16 units: as many vectors of units as the backend needs, all gates of a vector at once.
///
/// # Safety
/// The panel and the rows are those of `pass.shape`, and `block` is one of its full blocks.
#[inline(always)]
unsafe fn full_block<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    pass: &Pass<'_>,
    block: usize,
    rows: &TileRows<R>,
) {
    let shape = pass.shape;
    let (inputs, states) = shape.parts(block);
    let panel = pass.panel.as_ptr();
    let layout = (G * BLOCK, BLOCK);
    for first in (0..BLOCK).step_by(S::LANES) {
        // SAFETY: the block's input rows (bias first) and state rows lie within the panel; a vector of `LANES` units
        // from `first` on lies within the 16 of its gate; rows hold `inputs` and `units` elements, and the block's
        // units are among the latter.
        unsafe {
            let (inputs, states) = (panel.add(inputs + first), panel.add(states + first));
            let mut bias = [s.splat(0.0); G];
            for (gate, bias) in bias.iter_mut().enumerate() {
                *bias = s.load(inputs.add(gate * BLOCK));
            }
            let mut sum = accumulate(s, [bias; R], inputs.add(G * BLOCK), layout, &rows.x, shape.inputs);
            let input_half = sum;
            if E::APART {
                let bias = s.load(states);
                for sum in &mut sum {
                    if let Some(last) = sum.last_mut() {
                        *last = bias;
                    }
                }
            }
            let states = states.add(if E::APART { BLOCK } else { 0 });
            let sum = accumulate(s, sum, states, layout, &rows.h, shape.units);

            let unit = block * BLOCK + first;
            for (r, (sum, half)) in sum.into_iter().zip(input_half).enumerate() {
                let half = half.last().copied().unwrap_or(s.splat(0.0));
                finish::<S, E, G, R>(s, sum, half, rows, r, unit, None);
            }
        }
    }
}

/// Hands the sums of one vector of units of row `r` to the epilogue and writes the new states: all lanes, or the first
/// `count`.
///
/// # Safety
/// `r < R`, and the rows hold the units from `unit` on, `count` of them or a whole vector.
#[inline(always)]
unsafe fn finish<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    sum: [S::F; G],
    input_half: S::F,
    rows: &TileRows<R>,
    r: usize,
    unit: usize,
    count: Option<usize>,
) {
    let (Some(&h), Some(&c), Some(&out)) = (rows.h.get(r), rows.c.get(r), rows.out.get(r)) else { return };
    // SAFETY: the vector, or its first `count` lanes, lies within the rows; `c` is one where the epilogue carries it.
    unsafe {
        let load = |row: *const f32| match count {
            Some(count) => s.load_part(row.add(unit), count),
            None => s.load(row.add(unit)),
        };
        let store = |row: *mut f32, value| match count {
            Some(count) => s.store_part(row.add(unit), value, count),
            None => s.store(row.add(unit), value),
        };
        let carried = match E::CARRY {
            Carry::None => s.splat(0.0),
            Carry::Second => load(c),
            Carry::Same => load(h),
        };
        let (new, carried) = E::finish(s, sum, input_half, carried);
        store(out, new);
        if E::CARRY == Carry::Second {
            store(c, carried);
        }
    }
}

/// Floats of the tail's sums for one row: at most 4 gates of 15 units, in whole vectors.
const FLAT: usize = 4 * BLOCK;

/// The units that fill no block. Their sums are computed in whole vectors of the flat rows, across gates, and taken
/// apart in memory.
///
/// # Safety
/// The panel and the rows are those of `pass.shape`, which has a tail.
#[inline(always)]
unsafe fn tail<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(s: S, pass: &Pass<'_>, rows: &TileRows<R>) {
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
        flat_sums(s, &mut sums, bias.add(flat), flat, &rows.x, shape.inputs);
        if E::APART {
            // The last gate's input half is set aside, and its sum begins again with the state bias.
            for (sum, half) in sums.iter_mut().zip(&mut half) {
                let last = sum.as_mut_ptr().add(flat - width);
                core::ptr::copy_nonoverlapping(last, half.as_mut_ptr(), width);
                core::ptr::copy_nonoverlapping(panel.add(states), last, width);
            }
        }
        let states = panel.add(states + if E::APART { width } else { 0 });
        flat_sums(s, &mut sums, states, flat, &rows.h, shape.units);
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

/// Adds `count` weight rows of `flat` floats to the sums, four vectors at a time.
///
/// # Safety
/// As `accumulate`, for whole vectors; `flat` rounded up to whole vectors is at most FLAT.
#[inline(always)]
unsafe fn flat_sums<S: Simd, const R: usize>(
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
                match vectors {
                    1 => flat_vectors::<S, 1, R>(s, sums, first, weights, flat, rows, count),
                    2 => flat_vectors::<S, 2, R>(s, sums, first, weights, flat, rows, count),
                    3 => flat_vectors::<S, 3, R>(s, sums, first, weights, flat, rows, count),
                    _ => flat_vectors::<S, 4, R>(s, sums, first, weights, flat, rows, count),
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
    let mut sum = [[s.splat(0.0); V]; R];
    // SAFETY: the caller's promise: V vectors from `first` on are within the sums and the weights' rows.
    unsafe {
        for (sum, memory) in sum.iter_mut().zip(sums.iter()) {
            for (v, sum) in sum.iter_mut().enumerate() {
                *sum = s.load(memory.as_ptr().add(first + v * S::LANES));
            }
        }
        let sum = accumulate(s, sum, weights.add(first), (flat, S::LANES), rows, count);
        for (sum, memory) in sum.into_iter().zip(sums) {
            for (v, sum) in sum.into_iter().enumerate() {
                s.store(memory.as_mut_ptr().add(first + v * S::LANES), sum);
            }
        }
    }
    V
}
