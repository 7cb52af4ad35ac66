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

use super::Simd;
use super::pass::{Ahead, Carry, Epilogue, Pass, TileRows};
use crate::weights::panel::BLOCK;

/// Where the weights of a tile's vectors stand.
#[derive(Clone, Copy)]
pub(super) struct Stride {
    /// From one `k` to the next.
    pub(super) row: usize,
    /// From one vector of units to the next.
    pub(super) unit: usize,
    /// From one gate to the next.
    pub(super) gate: usize,
}

/// `sum[r][u][g] += row[r][k] * weights[k][u][g]` for each `k` in order: the one hot loop.
///
/// # Safety
/// `count` elements of each row may be read, and the vectors that `stride` tells of `count` rows of weights.
#[inline(always)]
pub(super) unsafe fn accumulate<S: Simd, const G: usize, const U: usize, const R: usize>(
    s: S,
    mut sum: [[[S::F; G]; U]; R],
    mut weights: *const f32,
    stride: Stride,
    rows: &[*const f32; R],
    count: usize,
) -> [[[S::F; G]; U]; R] {
    for k in 0..count {
        // SAFETY: element `k < count` of a row.
        let element = |row: &*const f32| s.splat(unsafe { row.add(k).read() });
        // SAFETY: the vector of gate `g` and units `u` in weight row `k`.
        let weight = |u: usize, g: usize| unsafe { s.load(weights.add(u * stride.unit + g * stride.gate)) };
        // Whichever are fewer stay in registers while the others come one by one.
        if R < G * U {
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
        } else {
            let mut w = [[s.splat(0.0); G]; U];
            for (u, w) in w.iter_mut().enumerate() {
                for (g, w) in w.iter_mut().enumerate() {
                    *w = weight(u, g);
                }
            }
            for (sum, row) in sum.iter_mut().zip(rows) {
                let x = element(row);
                for (sum, w) in sum.iter_mut().zip(&w) {
                    for (sum, w) in sum.iter_mut().zip(w) {
                        *sum = s.mul_add(x, *w, *sum);
                    }
                }
            }
        }
        weights = weights.wrapping_add(stride.row);
    }
    sum
}

/// `U` vectors of units: where they stand in the panel and in a row.
pub(super) struct Units<const U: usize> {
    inputs: usize,
    states: usize,
    /// From one vector to the next: in the input part, in the state part, in a row.
    steps: (usize, usize, usize),
    unit: usize,
    /// In a row of sums: the blocks' gates side by side, as in a row of the panel.
    sums: usize,
    sums_step: usize,
}

impl<const U: usize> Units<U> {
    /// The vectors from `vector` on. Vectors of less than a block are taken together only within one block.
    #[inline(always)]
    pub(super) fn of<S: Simd>(pass: &Pass<'_>, vector: usize) -> Self {
        let gates = pass.shape.gates;
        let unit = vector * S::LANES;
        let (block, within) = (unit / BLOCK, unit % BLOCK);
        let (inputs, states) = pass.shape.parts(block);
        let steps = if S::LANES == BLOCK {
            (pass.shape.input_part(BLOCK), pass.shape.state_part(BLOCK), BLOCK)
        } else {
            (S::LANES, S::LANES, S::LANES)
        };
        let sums_step = if S::LANES == BLOCK { gates * BLOCK } else { S::LANES };
        Self {
            inputs: inputs + within,
            states: states + within,
            steps,
            unit,
            sums: block * gates * BLOCK + within,
            sums_step,
        }
    }
}

/// One tile.
///
/// # Safety
/// The panel and the rows are those of `pass.shape`, and the units lie in its full blocks.
#[inline(always)]
pub(super) unsafe fn units<S: Simd, E: Epilogue<G>, const G: usize, const R: usize, const U: usize>(
    s: S,
    pass: &Pass<'_>,
    part: &Units<U>,
    rows: &TileRows<R>,
) {
    let shape = pass.shape;
    let (input_step, state_step, unit_step) = part.steps;
    let stride = Stride { row: G * BLOCK, unit: input_step, gate: BLOCK };
    // SAFETY: each block's input rows (bias first) and state rows lie within the panel, and a vector of units within
    // the 16 of its gate; rows hold `inputs` and `units` elements, and the tile's units are among the latter.
    unsafe {
        let inputs = pass.panel.as_ptr().add(part.inputs);
        let states = pass.panel.as_ptr().add(part.states);
        let mut sum = [[[s.splat(0.0); G]; U]; R];
        if let Ahead::Read(_) = pass.ahead {
            for (sum, from) in sum.iter_mut().zip(rows.sums) {
                for (u, sum) in sum.iter_mut().enumerate() {
                    for (g, sum) in sum.iter_mut().enumerate() {
                        *sum = s.load(from.add(part.sums + u * part.sums_step + g * BLOCK));
                    }
                }
            }
        } else {
            let mut bias = [[s.splat(0.0); G]; U];
            for (u, bias) in bias.iter_mut().enumerate() {
                for (g, bias) in bias.iter_mut().enumerate() {
                    *bias = s.load(inputs.add(u * stride.unit + g * stride.gate));
                }
            }
            sum = accumulate(s, [bias; R], inputs.add(G * BLOCK), stride, &rows.x, shape.inputs);
        }
        if let Ahead::Write(_) = pass.ahead {
            for (sum, to) in sum.into_iter().zip(rows.sums) {
                for (u, sum) in sum.into_iter().enumerate() {
                    for (g, sum) in sum.into_iter().enumerate() {
                        s.store(to.add(part.sums + u * part.sums_step + g * BLOCK), sum);
                    }
                }
            }
            return;
        }
        let input_half = sum;
        if E::APART {
            for sum in &mut sum {
                for (u, sum) in sum.iter_mut().enumerate() {
                    if let Some(last) = sum.last_mut() {
                        *last = s.load(states.add(u * state_step));
                    }
                }
            }
        }
        let states = states.add(if E::APART { BLOCK } else { 0 });
        let sum = accumulate(s, sum, states, Stride { unit: state_step, ..stride }, &rows.h, shape.units);

        for (r, (sum, half)) in sum.into_iter().zip(input_half).enumerate() {
            for (u, (sum, half)) in sum.into_iter().zip(half).enumerate() {
                let half = half.last().copied().unwrap_or(s.splat(0.0));
                finish::<S, E, G, R>(s, sum, half, rows, r, part.unit + u * unit_step, None);
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
pub(super) unsafe fn finish<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
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
