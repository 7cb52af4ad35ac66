//! The tile by lines: more rows than there are registers for all gates of a unit.
//!
//! Where a vector is half a block, a cache line of a panel's row is two vectors of sums, whatever gates they belong
//! to. A block is walked once for each of its `G` lines, with `2 * R` sums in registers; finished sums wait in memory
//! until the last line is done. Each line of weights so serves more rows than a tile of all gates could hold, which
//! halves what is read of the panel. The chain of a sum is the same.

use super::Simd;
use super::finish::{Done, Finished, finish_all};
use super::pass::{Ahead, Epilogue, Pass, TileRows};
use super::tile::{Stride, Units, accumulate};
use crate::weights::panel::BLOCK;

/// Rows of weights in one turn of the hot loop, which is short for its many instructions besides the multiply-adds.
const TURN: usize = 4;

/// One block for `R` rows.
///
/// # Safety
/// The rows are those of the panel's shape, the units are a full block of it, and a vector is half a block.
#[inline(always)]
pub(super) unsafe fn lines<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    pass: &Pass<'_>,
    part: &Units<2>,
    rows: &TileRows<R>,
) {
    let shape = pass.panel.shape();
    let stride = Stride { row: G * BLOCK, unit: 0, gate: S::LANES };
    let zero = s.splat(0.0);
    let mut block = Block { lines: [[[zero; 2]; R]; G], half: [[zero; 2]; R], unit: part.unit };
    for (line, finished) in block.lines.iter_mut().enumerate() {
        let at = line * BLOCK;
        let mut sum = [[[zero; 2]; 1]; R];
        // SAFETY: a line is part of the block's rows, which lie within the panel as in `tile::units`; rows of the views
        // hold `inputs` and `units` elements; rows of sums hold `G * units`.
        unsafe {
            let inputs = pass.panel.as_ptr().add(part.inputs + at);
            if let Ahead::Read(_) = pass.ahead {
                for ([sum], from) in sum.iter_mut().zip(rows.sums) {
                    for (v, sum) in sum.iter_mut().enumerate() {
                        *sum = s.load(from.add(part.sums + at + v * S::LANES));
                    }
                }
            } else {
                let bias = [[s.load(inputs), s.load(inputs.add(S::LANES))]];
                sum =
                    accumulate::<S, 2, 1, R, TURN>(s, [bias; R], inputs.add(G * BLOCK), stride, &rows.x, shape.inputs);
            }
            if let Ahead::Write(_) = pass.ahead {
                for ([sum], to) in sum.into_iter().zip(rows.sums) {
                    for (v, sum) in sum.into_iter().enumerate() {
                        s.store(to.add(part.sums + at + v * S::LANES), sum);
                    }
                }
                continue;
            }
            if E::APART {
                for v in 0..2 {
                    let vector = 2 * line + v;
                    if vector % G == G - 1 {
                        let octet = vector / G;
                        let bias = s.load(pass.panel.as_ptr().add(part.state_bias + octet * S::LANES));
                        for ([sum], half) in sum.iter_mut().zip(&mut block.half) {
                            if let (Some(sum), Some(half)) = (sum.get_mut(v), half.get_mut(octet)) {
                                *half = *sum;
                                *sum = bias;
                            }
                        }
                    }
                }
            }
            let states = pass.panel.as_ptr().add(part.states + at);
            sum = accumulate::<S, 2, 1, R, TURN>(s, sum, states, stride, &rows.h, shape.units);
        }
        for (finished, [sum]) in finished.iter_mut().zip(sum) {
            *finished = sum;
        }
    }
    if let Ahead::Write(_) = pass.ahead {
        return;
    }
    // SAFETY: the rows hold the block's units.
    unsafe { finish_all::<S, E, G, R>(s, rows, 2 * R, &block) }
}

/// The sums of a block.
struct Block<F, const G: usize, const R: usize> {
    lines: [[[F; 2]; R]; G],
    half: [[F; 2]; R],
    unit: usize,
}

impl<S: Simd, const G: usize, const R: usize> Finished<S, G> for Block<S::F, G, R> {
    #[inline(always)]
    fn done(&self, s: S, i: usize) -> Done<S::F, G> {
        let zero = s.splat(0.0);
        let (r, octet) = (i / 2, i % 2);
        let mut sum = [zero; G];
        for (gate, sum) in sum.iter_mut().enumerate() {
            let vector = octet * G + gate;
            let finished = self.lines.get(vector / 2).and_then(|rows| rows.get(r)).and_then(|row| row.get(vector % 2));
            *sum = finished.copied().unwrap_or(zero);
        }
        let half = self.half.get(r).and_then(|half| half.get(octet)).copied().unwrap_or(zero);
        Done { sum, half, r, unit: self.unit + octet * S::LANES, count: None }
    }
}
