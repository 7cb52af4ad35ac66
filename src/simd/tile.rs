//! The register tile: some vectors of units for a few rows, accumulated and handed to an epilogue in registers.
//!
//! For each row `b` and unit `u`, with the gates `g` of the unit side by side:
//!
//! ```text
//! sum[g] = bias[g] + x[b][0] W[g][0] + x[b][1] W[g][1] + ... + h[b][0] U[g][0] + h[b][1] U[g][1] + ...
//! ```
//!
//! One chain for each sum, in this order, whatever the tile's shape: hence the same bits in any batch. A tile is `G`
//! gates of `U` vectors of units for each of `R` rows; a vector of weights is loaded once for all rows, an element of
//! a row once for all gates.

use super::epilogue::Epilogue;
use super::finish::{FLAT, Finish, MOST, ROW, SUMS, Waiting, Whole};
use super::flat::Flat;
use super::pass::{Ahead, Pass, TileRows};
use super::{Kernel, Simd};
use crate::weights::panel::{Aligned, BLOCK, OCTET};
use core::mem::MaybeUninit;

/// How far apart vectors of units are: the two of a pair, and one pair from the next. A pair is two vectors of an octet, two
/// octets of a block or two blocks, and pairs are octets or blocks.
#[derive(Clone, Copy)]
pub(super) struct Apart {
    in_pair: usize,
    pairs: usize,
}

impl Apart {
    /// A single vector.
    pub(super) const NONE: Self = Self { in_pair: 0, pairs: 0 };

    /// From the first vector to the `u`-th.
    #[inline(always)]
    fn to(self, u: usize) -> usize {
        u / 2 * self.pairs + u % 2 * self.in_pair
    }
}

/// Where the weights of a tile's vectors stand.
#[derive(Clone, Copy)]
pub(super) struct Stride {
    /// From one `k` to the next.
    pub(super) row: usize,
    /// From one vector of units to the next.
    pub(super) unit: Apart,
    /// From one gate to the next.
    pub(super) gate: usize,
}

/// Weights: a tile's first row of them, and `T` vectors that go with it from the first of another's, in rows of
/// `beside_row` floats.
#[derive(Clone, Copy)]
struct Weights<const T: usize> {
    row: *const f32,
    stride: Stride,
    beside: *const f32,
    beside_row: usize,
}

impl<const T: usize> Weights<T> {
    /// Those `k` rows on.
    #[inline(always)]
    fn after(self, k: usize) -> Self {
        let beside = if T > 0 { self.beside.wrapping_add(k * self.beside_row) } else { self.beside };
        Self { row: self.row.wrapping_add(k * self.stride.row), beside, ..self }
    }
}

/// `sum[r][u][g] += row[r][k] * weights[k][u][g]` for each `k` in order, `N` rows of weights in a turn.
///
/// # Safety
/// `count` elements of each row may be read, and the vectors that `stride` tells of `count` rows of weights.
#[inline(always)]
pub(super) unsafe fn accumulate<S: Simd, const G: usize, const U: usize, const R: usize, const N: usize>(
    s: S,
    sum: [[[S::F; G]; U]; R],
    weights: *const f32,
    stride: Stride,
    rows: &[*const f32; R],
    count: usize,
) -> [[[S::F; G]; U]; R] {
    let weights = Weights::<0> { row: weights, stride, beside: weights, beside_row: 0 };
    // SAFETY: the caller's promise.
    unsafe { accumulate_both::<S, G, U, R, N, 0>(s, (sum, [[]; R]), weights, rows, count).0 }
}

/// A tile's sums, and `T` vectors beside them.
type Both<F, const G: usize, const U: usize, const R: usize, const T: usize> = ([[[F; G]; U]; R], [[F; T]; R]);

/// The same, and `beside[r][t] += row[r][k] * beside_weights[k][t]`: the one hot loop.
///
/// # Safety
/// As of [`accumulate`], and so is it of the other weights.
#[inline(always)]
unsafe fn accumulate_both<S: Simd, const G: usize, const U: usize, const R: usize, const N: usize, const T: usize>(
    s: S,
    mut sums: Both<S::F, G, U, R, T>,
    mut weights: Weights<T>,
    rows: &[*const f32; R],
    count: usize,
) -> Both<S::F, G, U, R, T> {
    let mut k = 0;
    // SAFETY: `k < count` (of four by lane: the last of them), and `weights` is its row.
    unsafe {
        let by_lane = const { T == 0 && S::LANES == 4 && R * (G * U + 1) <= S::BY_LANE };
        // Counted apart, which takes a register less than to compare.
        for _ in 0..if by_lane { count / 4 } else { 0 } {
            let elements = rows.each_ref().map(|row| s.load(row.add(k)));
            let Weights { row, stride, .. } = weights;
            step_by_lane::<S, G, U, R, 0>(s, &mut sums.0, row, stride, &elements);
            step_by_lane::<S, G, U, R, 1>(s, &mut sums.0, row.wrapping_add(stride.row), stride, &elements);
            step_by_lane::<S, G, U, R, 2>(s, &mut sums.0, row.wrapping_add(2 * stride.row), stride, &elements);
            step_by_lane::<S, G, U, R, 3>(s, &mut sums.0, row.wrapping_add(3 * stride.row), stride, &elements);
            weights = weights.after(4);
            k += 4;
        }
        while N > 1 && k + N <= count {
            for i in 0..N {
                step(s, &mut sums, weights, rows, k + i);
                weights = weights.after(1);
            }
            k += N;
        }
        while k < count {
            step(s, &mut sums, weights, rows, k);
            weights = weights.after(1);
            k += 1;
        }
    }
    sums
}

/// Element `k` of each row times its row of weights.
///
/// # Safety
/// Element `k` of each row may be read, and the vectors of the row of weights and beside it.
#[inline(always)]
unsafe fn step<S: Simd, const G: usize, const U: usize, const R: usize, const T: usize>(
    s: S,
    (sum, beside): &mut Both<S::F, G, U, R, T>,
    weights: Weights<T>,
    rows: &[*const f32; R],
    k: usize,
) {
    let Weights { row: weights, stride, beside: others, .. } = weights;
    // SAFETY: element `k` of a row.
    let element = |row: &*const f32| s.splat(unsafe { row.add(k).read() });
    // SAFETY: the vector of gate `g` and units `u`.
    let weight = |u: usize, g: usize| unsafe { s.load(weights.add(stride.unit.to(u) + g * stride.gate)) };
    // SAFETY: a vector beside.
    let other = |t: usize| unsafe { s.load(others.add(t * S::LANES)) };
    // Whichever are fewer stay in registers while the others come one by one.
    if R < G * U + T {
        let elements = rows.each_ref().map(element);
        for u in 0..U {
            for g in 0..G {
                let w = weight(u, g);
                for (sum, x) in sum.iter_mut().zip(elements) {
                    if let Some(sum) = sum.get_mut(u).and_then(|sum| sum.get_mut(g)) {
                        *sum = s.mul_add(x, w, *sum);
                    }
                }
            }
        }
        for t in 0..T {
            let w = other(t);
            for (sum, x) in beside.iter_mut().zip(elements) {
                if let Some(sum) = sum.get_mut(t) {
                    *sum = s.mul_add(x, w, *sum);
                }
            }
        }
    } else {
        let mut w = [[s.splat(0.0); G]; U];
        for (u, w) in w.iter_mut().enumerate() {
            for (g, w) in w.iter_mut().enumerate() {
                *w = weight(u, g);
            }
        }
        let mut others = [s.splat(0.0); T];
        for (t, w) in others.iter_mut().enumerate() {
            *w = other(t);
        }
        for ((sum, beside), row) in sum.iter_mut().zip(beside).zip(rows) {
            let x = element(row);
            for (sum, w) in sum.iter_mut().zip(&w) {
                for (sum, w) in sum.iter_mut().zip(w) {
                    *sum = s.mul_add(x, *w, *sum);
                }
            }
            for (sum, w) in beside.iter_mut().zip(others) {
                *sum = s.mul_add(x, w, *sum);
            }
        }
    }
}

/// One lane of each row's elements times its row of weights.
///
/// # Safety
/// The vectors of the row of weights may be read.
#[inline(always)]
unsafe fn step_by_lane<S: Simd, const G: usize, const U: usize, const R: usize, const LANE: i32>(
    s: S,
    sum: &mut [[[S::F; G]; U]; R],
    weights: *const f32,
    stride: Stride,
    elements: &[S::F; R],
) {
    for u in 0..U {
        for g in 0..G {
            // SAFETY: the vector of gate `g` and units `u`.
            let w = unsafe { s.load(weights.add(stride.unit.to(u) + g * stride.gate)) };
            for (sum, elements) in sum.iter_mut().zip(elements) {
                if let Some(sum) = sum.get_mut(u).and_then(|sum| sum.get_mut(g)) {
                    *sum = s.mul_add_lane::<LANE>(*elements, w, *sum);
                }
            }
        }
    }
}

/// `U` vectors of units: where they stand in the panel, in a row of states and in a row of sums.
pub(super) struct Units<const U: usize> {
    pub(super) unit: usize,
    /// The first input row (the bias), and the first state row.
    pub(super) inputs: usize,
    pub(super) states: usize,
    /// The state bias of a gate that is kept apart.
    pub(super) state_bias: usize,
    /// A row of sums has the blocks side by side, each in the order of a panel's row.
    pub(super) sums: usize,
    /// From one vector of units to the next: in the input part, the state part, the state bias, a row of sums.
    steps: [Apart; 4],
}

impl<const U: usize> Units<U> {
    /// The `U` vectors from `vector` on. Where they are less than a block and more than one, the first is the first of a
    /// pair; those of less than an octet are taken together only within one block.
    #[inline(always)]
    pub(super) fn of<S: Simd>(pass: &Pass<'_>, vector: usize) -> Self {
        let shape = pass.panel.shape();
        let unit = vector * S::LANES;
        let (block, in_block) = (unit / BLOCK, unit % BLOCK);
        let (inputs, states) = shape.parts(block);
        let octet = shape.gates * OCTET;
        let within = in_block / OCTET * octet + in_block % OCTET;
        let apart = |block, octet| match S::LANES {
            BLOCK => Apart { in_pair: block, pairs: 2 * block },
            OCTET => Apart { in_pair: octet, pairs: block },
            lanes => Apart { in_pair: lanes, pairs: octet },
        };
        let (input_part, state_part) = (shape.input_part(BLOCK), shape.state_part(BLOCK));
        Self {
            unit,
            inputs: inputs + within,
            states: states + if shape.apart { BLOCK } else { 0 } + within,
            state_bias: states + in_block,
            sums: 2 * block * octet + within,
            steps: [
                apart(input_part, octet),
                apart(state_part, octet),
                apart(state_part, OCTET),
                apart(2 * octet, octet),
            ],
        }
    }
}

/// The sums of a tile, and the input halves of the gates that are kept apart; the same of `T` vectors of a tail.
pub(super) struct Sums<F, const G: usize, const U: usize, const R: usize, const T: usize> {
    sum: [[[F; G]; U]; R],
    half: [[F; U]; R],
    beside: [[F; T]; R],
    beside_half: [[F; T]; R],
}

impl<F: Copy, const G: usize, const U: usize, const R: usize, const T: usize> Sums<F, G, U, R, T> {
    /// Their epilogue at once, but for a tail's.
    ///
    /// # Safety
    /// The rows hold the units.
    #[inline(always)]
    pub(super) unsafe fn finish<S: Simd<F = F>, E: Epilogue<G>>(&self, s: S, part: &Units<U>, rows: &TileRows<R>) {
        let mut waiting = MaybeUninit::<Aligned<[[[f32; SUMS * BLOCK]; U]; R]>>::uninit();
        let waiting = waiting.as_mut_ptr().cast::<f32>();
        let places = rows.places::<U>(E::CARRY, part.unit, S::LANES);
        // SAFETY: there is room for vectors of up to a block. Then all sums are there, and the rows hold the tile's units.
        unsafe {
            self.wait::<S, E>(s, waiting);
            Finish::<E, _, G>::of(waiting, Whole, places.as_flattened()).run(s);
        }
    }

    /// Stores them for the epilogue, row after row.
    ///
    /// # Safety
    /// There is room for `SUMS` vectors for each vector of units.
    #[inline(always)]
    pub(super) unsafe fn wait<S: Simd<F = F>, E: Epilogue<G>>(&self, s: S, to: *mut f32) {
        for (r, (sum, half)) in self.sum.iter().zip(&self.half).enumerate() {
            for (u, (sum, half)) in sum.iter().zip(half).enumerate() {
                let i = r * U + u;
                // SAFETY: the caller's promise; a cell of four gates keeps none apart.
                unsafe {
                    for (gate, sum) in s.split_gates(*sum).into_iter().enumerate() {
                        s.store(to.add(Whole.sums::<S>(i, gate)), sum);
                    }
                    if E::APART {
                        s.store(to.add(Whole.half::<S>(i, G)), *half);
                    }
                }
            }
        }
    }

    /// Stores those of a tail, `ROW` floats for each row.
    ///
    /// # Safety
    /// There is room for so many.
    #[inline(always)]
    pub(super) unsafe fn wait_beside<S: Simd<F = F>, E: Epilogue<G>>(&self, s: S, to: *mut f32) {
        for (r, (sum, half)) in self.beside.iter().zip(&self.beside_half).enumerate() {
            for (t, (sum, half)) in sum.iter().zip(half).enumerate() {
                // SAFETY: the caller's promise; the halves are behind the sums.
                unsafe {
                    s.store(to.add(r * ROW + t * S::LANES), *sum);
                    if E::APART {
                        s.store(to.add(r * ROW + FLAT + t * S::LANES), *half);
                    }
                }
            }
        }
    }
}

/// How many vectors of units a tile of `rows` takes at once, with so many vectors of a tail: 1, 2, 4 or 8, as registers
/// allow and epilogues.
pub(super) const fn side_by_side<S: Simd>(gates: usize, rows: usize, beside: usize) -> usize {
    let (registers, epilogues) = ((S::SUMS / rows).saturating_sub(beside) / gates, MOST / rows);
    match if registers < epilogues { registers } else { epilogues } {
        0 | 1 => 1,
        2 | 3 => 2,
        // Of one gate, four chains are too few. Eight smaller vectors stand at more distances than two, and eight larger ones
        // are more streams than a CPU follows.
        8.. if gates == 1 && S::LANES == OCTET => 8,
        _ => 4,
    }
}

/// One tile.
///
/// # Safety
/// The rows are those of the panel's shape, and the units lie in its full blocks.
#[inline(always)]
pub(super) unsafe fn units<S: Simd, E: Epilogue<G>, const G: usize, const R: usize, const U: usize>(
    s: S,
    pass: &Pass<'_>,
    part: &Units<U>,
    rows: &TileRows<R>,
) {
    // SAFETY: the caller's promise.
    let Some(sums) = (unsafe { sums::<S, E, G, R, U, 0>(s, pass, part, rows) }) else { return };
    // SAFETY: the caller's promise.
    unsafe { sums.finish::<S, E>(s, part, rows) }
}

/// The sums of one tile, and of `T` vectors that hold a tail's beside it; none if they are computed ahead, and written.
///
/// # Safety
/// As of [`units`]; the vectors hold all of the tail's sums, or there are none.
#[inline(always)]
pub(super) unsafe fn sums<S: Simd, E: Epilogue<G>, const G: usize, const R: usize, const U: usize, const T: usize>(
    s: S,
    pass: &Pass<'_>,
    part: &Units<U>,
    rows: &TileRows<R>,
) -> Option<Sums<S::F, G, U, R, T>> {
    let shape = pass.panel.shape();
    let tail = Flat::of::<E, G>(pass);
    let [input_step, state_step, bias_step, sums_step] = part.steps;
    // A vector of 16 holds 8 units of two gates, until it is put in order; smaller ones hold one gate.
    let gate = if S::LANES > OCTET { S::LANES } else { OCTET };
    let stride = Stride { row: G * BLOCK, unit: input_step, gate };
    // SAFETY: each block's input rows (bias first) and state rows lie within the panel, and the tile's vectors within
    // the block's rows; rows of the views hold `inputs` and `units` elements, and the tile's units are among the
    // latter; rows of sums hold `G * units`. It is so of the tail's rows, of which a last vector's excess lies within the
    // zeros that end the panel or within what follows.
    unsafe {
        let panel = pass.panel.as_ptr();
        let mut sum = [[[s.splat(0.0); G]; U]; R];
        let mut beside = [[s.splat(0.0); T]; R];
        if let Ahead::Read(_) = pass.ahead {
            for ((sum, beside), from) in sum.iter_mut().zip(&mut beside).zip(rows.sums) {
                for (u, sum) in sum.iter_mut().enumerate() {
                    for (g, sum) in sum.iter_mut().enumerate() {
                        *sum = s.load(from.add(part.sums + sums_step.to(u) + g * gate));
                    }
                }
                for (t, sum) in beside.iter_mut().enumerate() {
                    *sum = tail.load(s, from, t * S::LANES);
                }
            }
        } else {
            let inputs = panel.add(part.inputs);
            let mut bias = [[s.splat(0.0); G]; U];
            for (u, bias) in bias.iter_mut().enumerate() {
                for (g, bias) in bias.iter_mut().enumerate() {
                    *bias = s.load(inputs.add(stride.unit.to(u) + g * gate));
                }
            }
            let mut beside_bias = [s.splat(0.0); T];
            for (t, bias) in beside_bias.iter_mut().enumerate() {
                *bias = s.load(tail.inputs.add(t * S::LANES));
            }
            let weights = Weights { row: inputs, stride, beside: tail.inputs, beside_row: tail.flat }.after(1);
            (sum, beside) =
                accumulate_both::<S, G, U, R, 1, T>(s, ([bias; R], [beside_bias; R]), weights, &rows.x, shape.inputs);
        }
        if let Ahead::Write(_) = pass.ahead {
            for ((sum, beside), to) in sum.into_iter().zip(beside).zip(rows.sums) {
                for (u, sum) in sum.into_iter().enumerate() {
                    for (g, sum) in sum.into_iter().enumerate() {
                        s.store(to.add(part.sums + sums_step.to(u) + g * gate), sum);
                    }
                }
                for (t, sum) in beside.into_iter().enumerate() {
                    tail.store(s, to, t * S::LANES, sum);
                }
            }
            return None;
        }
        let mut half = [[s.splat(0.0); U]; R];
        let beside_half = beside;
        if E::APART {
            for (sum, half) in sum.iter_mut().zip(&mut half) {
                for (u, (sum, half)) in sum.iter_mut().zip(half).enumerate() {
                    let mut gates = s.split_gates(*sum);
                    if let Some(last) = gates.last_mut() {
                        *half = *last;
                        *last = s.load(panel.add(part.state_bias + bias_step.to(u)));
                    }
                    *sum = s.join_gates(gates);
                }
            }
            for beside in &mut beside {
                for (t, sum) in beside.iter_mut().enumerate() {
                    *sum = tail.begin_last(s, t * S::LANES, *sum);
                }
            }
        }
        let stride = Stride { unit: state_step, ..stride };
        let weights = Weights { row: panel.add(part.states), stride, beside: tail.states, beside_row: tail.flat };
        let (sum, beside) = accumulate_both::<S, G, U, R, 1, T>(s, (sum, beside), weights, &rows.h, shape.units);
        Some(Sums { sum, half, beside, beside_half })
    }
}
