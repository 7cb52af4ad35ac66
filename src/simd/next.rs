//! What the next step reads and writes, asked for while this one computes.
//!
//! A batch's inputs are read once, and its outputs written once: where they are more than the caches hold, the first
//! block's tiles would wait for them at each step. So each block asks for its share of the next step's rows.

use super::Simd;
use super::pass::{Ahead, Pass, TileRows};
use crate::weights::panel::BLOCK;

/// Floats of a cache line.
const LINE: usize = 16;

/// A batch of no more floats of inputs stays near, with as many outputs, and the panel beside it.
const NEAR: usize = 1 << 15;

/// The share of one block.
#[derive(Clone, Copy)]
pub(super) struct Next {
    /// From a row of inputs to that of the next step.
    x: usize,
    /// The share's first float of it, from one to the next line of the share, and before which they end.
    first: usize,
    step: usize,
    end: usize,
    /// From a row of outputs to the block's units in that of the next step.
    out: Option<usize>,
}

impl Next {
    /// Of the block in which the units from `unit` on are.
    #[inline(always)]
    pub(super) fn of(pass: &Pass<'_>, unit: usize) -> Self {
        let shape = pass.panel.shape();
        let (block, blocks) = (unit / BLOCK, shape.blocks());
        // The next step is as far as the last one was, but for sequences that end or join: a guess is good enough.
        let rows = pass.offset.wrapping_sub(pass.before);
        // Vectors of half a block share its lines.
        let asks = rows != 0 && pass.x.len() > NEAR && unit.is_multiple_of(BLOCK) && matches!(pass.ahead, Ahead::No);
        Self {
            x: rows.wrapping_mul(pass.x.stride()),
            first: block * LINE,
            step: blocks * LINE,
            end: if asks { shape.inputs } else { 0 },
            out: (asks && pass.packed).then(|| rows.wrapping_mul(pass.out.read().stride()).wrapping_add(unit)),
        }
    }

    /// Asks for what the rows of a tile read and write next.
    #[inline(always)]
    pub(super) fn ask<S: Simd, const R: usize>(&self, s: S, rows: &TileRows<R>) {
        if self.end == 0 {
            return;
        }
        let mut float = self.first;
        while float < self.end {
            for x in rows.x {
                s.prefetch(x.wrapping_add(self.x).wrapping_add(float));
            }
            float += self.step;
        }
        if let Some(out) = self.out {
            for to in rows.out {
                s.prefetch(to.wrapping_add(out));
            }
        }
    }
}
