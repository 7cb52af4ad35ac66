//! The tile of CPUs without vectors: eight units of one row, whose sums fill the registers two gates at a time.
//!
//! ```text
//! sum[g][u] = bias[g][u] + x[0] W[g][u][0] + x[1] W[g][u][1] + ... + h[0] U[g][u][0] + h[1] U[g][u][1] + ...
//! ```
//!
//! The same chains as in `tile`, hence the same bits. In a panel's row the gates of eight units of a block stand side by
//! side, and so do those of a tail of up to eight: they are taken 16 sums at a time. Of a longer tail, each gate is taken
//! by itself.

use super::Simd;
use super::pass::{Ahead, Carry, Epilogue, Pass, Row};
use super::runs::{Run, run_of_8, run_of_16};
use crate::rows::copy_floats;
use crate::weights::panel::{BLOCK, OCTET, Panel};
use core::mem::MaybeUninit;

/// The most gates of a cell.
const GATES: usize = 4;

/// Eight units or, at the end, fewer: where their weights stand.
struct Octet {
    /// How many units.
    width: usize,
    /// Floats from one row of weights to the next.
    row: usize,
    /// The first row of inputs (the bias), and of states, at the octet's first float.
    inputs: usize,
    states: usize,
    state_bias: usize,
    /// Floats from one gate to the next in a row of weights, and in the sums.
    gate: usize,
    sums: usize,
    /// No eight floats of a row begin after this one: they would end beyond the panel.
    last: usize,
}

impl Octet {
    #[inline(always)]
    fn of(panel: &Panel<'_>, unit: usize) -> Self {
        let shape = panel.shape();
        let (block, in_block) = (unit / BLOCK, unit % BLOCK);
        let (inputs, states) = shape.parts(block);
        let full = block < shape.blocks();
        let units = if full { BLOCK } else { shape.tail() };
        let width = OCTET.min(units - in_block);
        let (gate, within) = if full { (OCTET, in_block * shape.gates) } else { (units, in_block) };
        let row = shape.gates * units;
        Self {
            width,
            row,
            inputs: inputs + within,
            states: states + if shape.apart { units } else { 0 } + within,
            state_bias: states + in_block,
            gate,
            sums: if gate <= OCTET { gate } else { OCTET },
            last: row.next_multiple_of(BLOCK) - OCTET - within,
        }
    }

    /// The gates stand side by side.
    #[inline(always)]
    fn flat(&self) -> bool {
        self.gate <= OCTET
    }

    /// How many floats of others are before those of a gate in the eight that are taken for it.
    #[inline(always)]
    fn before(&self, gate: usize) -> usize {
        if self.flat() { 0 } else { (gate * self.gate).saturating_sub(self.last) }
    }

    /// Calls `run` for the sums in eights and sixteens: with the first of the sums, the first float in a row, and whether
    /// they are sixteen.
    #[inline(always)]
    fn runs<const G: usize>(&self, mut run: impl FnMut(usize, usize, bool)) {
        // Told apart before the loop, of which the compiler would else make two, each with the runs in it.
        let (total, gate, last, eight) = match self.flat() {
            true => (G * self.width, OCTET, usize::MAX, OCTET),
            false => (G * OCTET, self.gate, self.last, usize::MAX),
        };
        let mut sum = 0;
        while sum < total {
            let sixteen = total - sum > eight;
            // Of a gate by itself, up to where no eight floats begin any more: `before` tells how many that is.
            let at = (sum / OCTET * gate).min(last);
            run(sum, at, sixteen);
            sum += if sixteen { 2 * OCTET } else { OCTET };
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
            let Some((x, row)) = rows(pass, place, E::CARRY) else { return };
            // SAFETY: the caller's promise.
            unsafe { octet::<S, E, G>(s, &pass.panel, unit, x, &row) }
        }
    }
}

/// A place's inputs and states. A function of its own, as it would keep all parts of the pass at hand.
#[inline(never)]
fn rows(pass: &Pass<'_>, place: usize, carry: Carry) -> Option<(*const f32, Row)> {
    Some((pass.inputs(place)?, pass.row(place, carry)?))
}

/// # Safety
/// The rows are those of the panel's shape, the octet at `unit` is one of it, and a vector is one value.
#[inline(never)]
unsafe fn octet<S: Simd, E: Epilogue<G>, const G: usize>(
    s: S,
    panel: &Panel<'_>,
    unit: usize,
    x: *const f32,
    row: &Row,
) {
    let shape = panel.shape();
    let octet = Octet::of(panel, unit);
    let mut sums = MaybeUninit::<[f32; GATES * OCTET]>::uninit();
    // A gate that is kept apart leaves its input half in the place of a fourth.
    let (last, apart) = ((G - 1) * octet.sums, (GATES - 1) * OCTET);
    // SAFETY: the octet's rows lie within the panel, and so do the floats that `runs` takes of each; rows of the views
    // hold `inputs` and `units` elements, the octet's units among the latter; no run of sums ends beyond `sums`, and
    // those of all units of the octet's gates are written before they are read.
    unsafe {
        let sums = sums.as_mut_ptr().cast::<f32>();
        let (bias, states) = (panel.as_ptr().add(octet.inputs), panel.as_ptr().add(octet.states));
        let (mut begin, mut weights) = (bias, bias.add(octet.row));
        let (mut elements, mut count) = (x, shape.inputs);
        if !octet.flat() {
            // The bias is in the order of the weights, and the sums are not.
            octet.runs::<G>(|sum, at, _| copy_floats(sums.add(sum), bias.add(at), 1, OCTET));
            begin = sums.cast_const();
        }
        // Inputs, then states: a loop that the compiler cannot take apart, so that the runs stand in the code once.
        loop {
            octet.runs::<G>(|sum, at, sixteen| {
                let run = Run { begin: begin.add(sum), weights: weights.add(at), row: octet.row, elements, count };
                let sums = sums.add(sum);
                if sixteen { run_of_16(sums, run) } else { run_of_8(sums, run) }
            });
            if weights == states {
                break;
            }
            (begin, weights) = (sums.cast_const(), states);
            (elements, count) = (row.h, shape.units);
            if E::APART {
                copy_floats(sums.add(apart), sums.add(last), 1, OCTET);
                copy_floats(sums.add(last + octet.before(G - 1)), panel.as_ptr().add(octet.state_bias), 1, octet.width);
            }
        }
        let before = octet.before(G - 1);
        if before > 0 {
            for gate in 0..G {
                let to = sums.add(gate * OCTET);
                copy_floats(to, to.add(octet.before(gate)), 1, octet.width);
            }
            if E::APART {
                copy_floats(sums.add(apart), sums.add(apart + before), 1, octet.width);
            }
        }
        for i in 0..octet.width {
            let gate = |gate: usize| if gate < G { s.load(sums.add(gate * octet.sums + i)) } else { s.splat(0.0) };
            let gates = [gate(0), gate(1), gate(2), gate(3)];
            let Some(&sum) = gates.first_chunk::<G>() else { return };
            let half = if E::APART { s.load(sums.add(apart + i)) } else { s.splat(0.0) };
            let i = unit + i;
            let carried = match E::CARRY {
                Carry::None => s.splat(0.0),
                Carry::Second => s.load(row.c.add(i)),
                Carry::Same => s.load(row.h.add(i)),
            };
            let (new, carried) = E::finish(s, sum, half, carried);
            s.store(row.out.add(i), new);
            if E::CARRY == Carry::Second {
                s.store(row.c.add(i), carried);
            }
        }
    }
}
