//! The tile of CPUs without vectors: eight units of one row, whose sums fill the registers two gates at a time.
//!
//! ```text
//! sum[g][u] = bias[g][u] + x[0] W[g][u][0] + x[1] W[g][u][1] + ... + h[0] U[g][u][0] + h[1] U[g][u][1] + ...
//! ```
//!
//! The same chains as in `tile`, hence the same bits. The gates of eight units of a block stand side by side in a
//! panel's row, so two of them are 16 weights in a line; of the tail, each gate is a run of its own.

use super::Simd;
use super::pass::{Ahead, Carry, Epilogue, Pass};
use super::runs::{Run, run_of_8, run_of_16};
use crate::weights::panel::{BLOCK, OCTET, Panel};

/// The most gates of a cell.
const GATES: usize = 4;

/// Eight units or, at the end of the tail, fewer: where their weights stand.
struct Octet {
    /// The first of the units, and how many.
    unit: usize,
    width: usize,
    /// Floats from one row of weights to the next, and from one gate to the next.
    row: usize,
    gate: usize,
    /// The gates of the first row of inputs (the bias), and of states, that is, of the state bias where there is one.
    inputs: usize,
    states: usize,
    state_bias: usize,
    /// No eight floats of a row begin after this one: they would end beyond the panel.
    last: usize,
}

impl Octet {
    fn of(panel: &Panel<'_>, unit: usize) -> Self {
        let shape = panel.shape();
        let (block, in_block) = (unit / BLOCK, unit % BLOCK);
        let (inputs, states) = shape.parts(block);
        let (width, gate, within) = if block < shape.blocks() {
            (BLOCK, OCTET, in_block * shape.gates)
        } else {
            (shape.tail(), shape.tail(), in_block)
        };
        let row = shape.gates * width;
        Self {
            unit,
            width: OCTET.min(width - in_block),
            row,
            gate,
            inputs: inputs + within,
            states: states + if shape.apart { width } else { 0 } + within,
            state_bias: states + in_block,
            last: row.next_multiple_of(BLOCK) - OCTET - within,
        }
    }

    /// Where the eight floats of a row begin among which those of a gate are.
    #[inline(always)]
    fn start(&self, gate: usize) -> usize {
        (gate * self.gate).min(self.last)
    }

    /// How many others are before them.
    #[inline(always)]
    fn before(&self, gate: usize) -> usize {
        gate * self.gate - self.start(gate)
    }

    /// Adds the products of `count` elements with as many rows of weights.
    ///
    /// # Safety
    /// The elements may be read, and the octet's eight floats of each gate in the rows; `sums` has eight for each gate.
    #[inline(always)]
    unsafe fn add_rows<const G: usize>(&self, sums: *mut f32, weights: *const f32, elements: *const f32, count: usize) {
        let mut gate = 0;
        while gate < G {
            let weights = weights.wrapping_add(self.start(gate));
            let run = Run { weights, row: self.row, elements, count };
            // SAFETY: the caller's promise; two gates at a distance of eight stand in one line, and so do their sums.
            unsafe {
                let sums = sums.add(gate * OCTET);
                if self.gate == OCTET && gate + 1 < G {
                    run_of_16(sums, run);
                    gate += 2;
                } else {
                    run_of_8(sums, run);
                    gate += 1;
                }
            }
        }
    }
}

/// All units of the panel for all rows of the pass: each part of the panel serves all rows while it is near.
///
/// # Safety
/// The views hold what the panel's shape tells, and a vector is one value.
#[inline(always)]
pub(super) unsafe fn octets<S: Simd, E: Epilogue<G>, const G: usize>(s: S, pass: &Pass<'_>) {
    // The inputs are at hand where sums are to be computed ahead, so that there is nothing to be gained.
    if matches!(pass.ahead, Ahead::Write(_)) {
        return;
    }
    for unit in (0..pass.panel.shape().units).step_by(OCTET) {
        for place in pass.first..pass.end {
            let Some(row) = Row::of(pass, place, E::CARRY == Carry::Second) else { return };
            // SAFETY: the caller's promise.
            unsafe { octet::<S, E, G>(s, &pass.panel, unit, &row) }
        }
    }
}

/// One row in each view.
struct Row {
    x: *const f32,
    h: *const f32,
    c: *mut f32,
    out: *mut f32,
}

impl Row {
    /// `None` if a view is too short. A function of its own, as it would keep all parts of the pass at hand.
    #[inline(never)]
    fn of(pass: &Pass<'_>, place: usize, has_c: bool) -> Option<Self> {
        Some(Self {
            x: pass.x.get(place)?,
            h: (if place < pass.continued { &pass.h } else { &pass.begin }).get(place)?,
            c: if has_c { pass.c.get(place)? } else { core::ptr::null_mut() },
            out: pass.out.get(place)?,
        })
    }
}

/// # Safety
/// The rows are those of the panel's shape, the octet at `unit` is one of it, and a vector is one value.
#[inline(never)]
unsafe fn octet<S: Simd, E: Epilogue<G>, const G: usize>(s: S, panel: &Panel<'_>, unit: usize, row: &Row) {
    let shape = panel.shape();
    let octet = Octet::of(panel, unit);
    let mut sums = [0.0_f32; GATES * OCTET];
    // A gate that is kept apart leaves its input half in the place of a fourth.
    let (last, apart) = ((G - 1) * OCTET, (GATES - 1) * OCTET);
    // SAFETY: the octet's rows lie within the panel, and so do eight floats from the start of any gate; rows of the views
    // hold `inputs` and `units` elements, the octet's units among the latter; no gate's sums end beyond `sums`.
    unsafe {
        let sums = sums.as_mut_ptr();
        let bias = panel.as_ptr().add(octet.inputs);
        for gate in 0..G {
            copy(sums.add(gate * OCTET), bias.add(octet.start(gate)), OCTET);
        }
        octet.add_rows::<G>(sums, bias.add(octet.row), row.x, shape.inputs);
        if E::APART {
            copy(sums.add(apart), sums.add(last), OCTET);
            copy(sums.add(last + octet.before(G - 1)), panel.as_ptr().add(octet.state_bias), octet.width);
        }
        octet.add_rows::<G>(sums, panel.as_ptr().add(octet.states), row.h, shape.units);

        let before = octet.before(G - 1);
        if before > 0 {
            for gate in 0..G {
                let to = sums.add(gate * OCTET);
                copy(to, to.add(octet.before(gate)), octet.width);
            }
            if E::APART {
                copy(sums.add(apart), sums.add(apart + before), octet.width);
            }
        }
        for i in 0..octet.width {
            let unit = octet.unit + i;
            let gate = |gate: usize| s.load(sums.add(gate * OCTET + i));
            // Gates that the cell does not have are sums of nothing.
            let gates = [gate(0), gate(1), gate(2), gate(3)];
            let Some(&sum) = gates.first_chunk::<G>() else { return };
            let carried = match E::CARRY {
                Carry::None => s.splat(0.0),
                Carry::Second => s.load(row.c.add(unit)),
                Carry::Same => s.load(row.h.add(unit)),
            };
            let (new, carried) = E::finish(s, sum, gate(GATES - 1), carried);
            s.store(row.out.add(unit), new);
            if E::CARRY == Carry::Second {
                s.store(row.c.add(unit), carried);
            }
        }
    }
}

/// Copies floats one by one, from the first: they may overlap if they move towards the first.
///
/// # Safety
/// `count` floats may be read and written.
#[inline(always)]
unsafe fn copy(to: *mut f32, from: *const f32, count: usize) {
    for i in 0..count {
        // SAFETY: the caller's promise.
        unsafe { to.add(i).write(from.add(i).read()) }
    }
}
