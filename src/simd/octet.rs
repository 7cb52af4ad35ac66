//! The tile of CPUs without vectors: eight units of one row, whose sums fill the registers two gates at a time.
//!
//! ```text
//! sum[g][u] = bias[g][u] + x[0] W[g][u][0] + x[1] W[g][u][1] + ... + h[0] U[g][u][0] + h[1] U[g][u][1] + ...
//! ```
//!
//! The same chains as in `tile`, hence the same bits. In a panel's row the gates of eight units of a block stand side by
//! side, and so do those of a tail of up to eight: they are taken 16 sums at a time. Of a longer tail each gate is taken
//! by itself, its first eight units and then its last eight, of which some have been computed before.

use super::epilogue::{Carry, Epilogue};
use super::runs::{Run, anew, run_of_8, run_of_16};
use super::scalar::Scalar;
use super::{Simd, Values};
use crate::device::Reread;
use crate::rows::{Floats, FloatsMut, copy_floats};
use crate::weights::panel::{BLOCK, OCTET, Panel, PanelShape};
use core::mem::MaybeUninit;
use core::ops::Range;

/// The most gates of a cell.
const GATES: usize = 4;

/// Eight units or, of a short tail, fewer: where their weights stand.
struct Octet {
    /// Floats from one row of weights to the next.
    row: usize,
    /// The first row of inputs (the bias), and of states, at the octet's first float.
    inputs: usize,
    states: usize,
    state_bias: usize,
    /// Floats from one gate to the next in a row of weights.
    gate: usize,
}

impl Octet {
    #[inline(always)]
    fn of(shape: PanelShape, unit: usize) -> Self {
        let (block, in_block) = (unit / BLOCK, unit % BLOCK);
        let (inputs, states) = shape.parts(block);
        let full = block < shape.blocks();
        let units = if full { BLOCK } else { shape.tail() };
        let first = if units > OCTET { in_block.min(units - OCTET) } else { 0 };
        let (gate, within) = if full { (OCTET, in_block * shape.gates) } else { (units, first) };
        Self {
            row: shape.gates * units,
            inputs: inputs + within,
            states: states + if shape.apart { units } else { 0 } + within,
            state_bias: states + first,
            gate,
        }
    }

    /// The units, as many as are the floats from one gate to the next in the sums.
    #[inline(always)]
    fn width(&self) -> usize {
        anew(self.gate).min(OCTET)
    }

    /// So many units, the first, the octet before has computed: it is the second one of a tail.
    #[inline(always)]
    fn known(&self, unit: usize) -> usize {
        let gate = anew(self.gate);
        if gate > OCTET && unit % BLOCK == OCTET { 2 * OCTET - gate } else { 0 }
    }

    /// Calls `run` for the sums in eights and sixteens: with how many eights are before, and whether they are sixteen.
    #[inline(always)]
    fn runs<const G: usize>(&self, mut run: impl FnMut(usize, bool)) {
        // Sixteen where more than 8 are left and the gates stand side by side (`gate` of at most 8); of gates apart (9 to 15)
        // never, as no more than 32 are left. By arithmetic: of a condition the compiler would make two loops, each with
        // the runs in it.
        let mut eights = 0;
        loop {
            let gate = anew(self.gate);
            let eight = OCTET + ((gate - 1) & OCTET) * (GATES - 1);
            let total = G * gate.min(OCTET);
            if OCTET * eights >= total {
                break;
            }
            let sixteen = total - OCTET * eights > eight;
            run(eights, sixteen);
            eights += 1 + usize::from(sixteen);
        }
    }
}

/// One row of inputs and states, as in [`Pass`](super::pass::Pass), each with its place among others of its width.
pub(crate) struct Row<'a> {
    pub(crate) x: (Floats<'a>, usize),
    pub(crate) h: (Floats<'a>, usize),
    pub(crate) c: (FloatsMut<'a>, usize),
    pub(crate) out: (FloatsMut<'a>, usize),
    /// Where the new state is to be besides: that may be the place of `h`.
    pub(crate) next: Option<(FloatsMut<'a>, usize)>,
    /// Whole octets, or to the end.
    pub(crate) units: Range<usize>,
}

/// Where a panel and a row's elements are; null in a view that is not looked at.
struct Pointers {
    panel: *const f32,
    inputs: usize,
    units: usize,
    x: *const f32,
    h: *const f32,
    c: *mut f32,
    out: *mut f32,
    _reread: Reread,
}

/// Some units of the panel for one row; nothing where a row or a unit is not there.
#[inline(always)]
pub(crate) fn row<E: Epilogue<G>, const G: usize>(panel: &Panel<'_>, row: &Row<'_>) {
    let PanelShape { gates, apart, inputs, units } = panel.shape();
    let (read, write) =
        (|at: (Floats<'_>, usize), width| at.0.row(at.1, width), |at: (FloatsMut<'_>, usize)| at.0.row(at.1, units));
    let Some(x) = read(row.x, inputs) else { return };
    let Some(h) = read(row.h, units) else { return };
    let Some(out) = write(row.out) else { return };
    let c = if E::CARRY == Carry::Second { write(row.c) } else { Some(core::ptr::null_mut()) };
    let Some(c) = c else { return };
    if (gates, apart) != (G, E::APART) || row.units.end > units || !row.units.start.is_multiple_of(OCTET) {
        return;
    }
    let pointers = Pointers { panel: panel.as_ptr(), inputs, units, x, h, c, out, _reread: Reread::default() };
    for unit in row.units.clone().step_by(OCTET) {
        // SAFETY: the panel has the epilogue's gates, and the rows have just been made for its shape.
        unsafe { octet::<E, G>(unit, &pointers) }
    }
    if let Some(next) = row.next.and_then(write) {
        // SAFETY: rows of `units` elements, as above.
        unsafe { copy_floats(next, out, 1, units) }
    }
}

/// # Safety
/// The panel is one of the epilogue's gates for so many inputs and units, the rows are of as many, and an octet begins at
/// `unit`.
#[inline(never)]
unsafe fn octet<E: Epilogue<G>, const G: usize>(unit: usize, row: &Pointers) {
    let s = Scalar;
    let shape = PanelShape { gates: G, apart: E::APART, inputs: row.inputs, units: row.units };
    let octet = Octet::of(shape, unit);
    let mut sums = MaybeUninit::<[f32; GATES * OCTET]>::uninit();
    // A gate that is kept apart leaves its input half in the place of a fourth.
    let apart = (GATES - 1) * OCTET;
    // SAFETY: the octet's rows and state biases lie within the panel, and so do the floats that `runs` takes of each row;
    // rows of the views hold `inputs` and `units` elements, the octet's units among the latter; no run of sums ends beyond
    // `sums`, and those of all units of the octet's gates are written before they are read.
    unsafe {
        let sums = sums.as_mut_ptr().cast::<f32>();
        // In a row of weights, and of biases, eights stand apart by a gate.
        let mut begin_by = octet.gate.max(OCTET);
        let (mut begin, states) = (row.panel.add(octet.inputs), row.panel.add(octet.states));
        let mut weights = begin.add(octet.row);
        let (mut elements, mut count) = (row.x, shape.inputs);
        // Inputs, of which there is one at least, then states: a loop that the compiler cannot take apart, so that the runs
        // stand in the code once.
        loop {
            octet.runs::<G>(|eights, sixteen| {
                let apart_by = anew(octet.gate).max(OCTET);
                let (begin, weights) = (begin.add(begin_by * eights), weights.add(apart_by * eights));
                let run = Run { begin, weights, row: anew(octet.row), elements, count };
                let sums = sums.add(OCTET * eights);
                if sixteen { run_of_16(sums, run) } else { run_of_8(sums, run) }
            });
            if weights == states {
                break;
            }
            (begin, begin_by, weights) = (sums.cast_const(), OCTET, states);
            (elements, count) = (row.h, shape.units);
            if E::APART {
                let width = octet.width();
                let last = sums.add((G - 1) * width);
                copy_floats(sums.add(apart), last, 1, width);
                copy_floats(last, row.panel.add(octet.state_bias), 1, width);
            }
        }
        let (width, known) = (octet.width(), octet.known(unit));
        let sums = sums.add(known);
        for i in 0..width - known {
            let gate = |gate: usize| if gate < G { s.load(sums.add(gate * width + i)) } else { s.splat(0.0) };
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
