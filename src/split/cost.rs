//! What rows cost that run together, and where to cut them.
//!
//! At each step of time a task runs a contiguous part of the sorted batch: its first row, and as many beside it as are
//! long enough. So its `i`-th row adds the same to each step of its own length, and the cost of places `a..b` is
//!
//! ```text
//! sum over i in 0..b - a of lengths[a + i] * added[i]
//! ```
//!
//! where `added[0]` is what a lone row costs. Fewer rows never cost more, so that filling one task after another up to a
//! bound needs the fewest tasks for it.

use crate::cell::Cell;
use crate::model::Shape;
use crate::simd::backend::Backend;

/// A row among many at one step.
const ONE: u64 = 64;

/// What the first rows of a task add to a step; each of the others adds [`ONE`]. On vectors a lone row takes as long as
/// two, for it waits on the panel's loads: `cargo bench --bench split -- rows` prints what steps of 1 to 16 rows cost. It
/// was 1.9, 2.1, 3.0, 3.9, ... rows on AVX-512 and AVX2 for an LSTM with H from 64 to 512 on a Zen 4 core, and 1.1, 2.0,
/// 3.4, 4.0 on the portable backend; NEON is taken to be as AVX2, and other cells as the LSTM. On a Zen 5 core a lone row
/// is 2.0 to 4.1 on AVX-512 and 1.2 to 2.0 on AVX2, but costs in their middle cut less evenly than these (`balance`).
#[derive(Clone, Copy)]
pub(super) struct RowCosts([u64; 3]);

impl RowCosts {
    pub(super) fn on(backend: Backend) -> Self {
        Self(if backend == Backend::portable() { [ONE; 3] } else { [122, 12, 61] })
    }

    fn adds(self, row: usize) -> u64 {
        self.0.get(row).copied().unwrap_or(ONE)
    }

    fn more(self, cost: u64, row: usize, length: u32) -> u64 {
        cost.saturating_add(u64::from(length) * self.adds(row))
    }

    /// The cost of rows of these lengths, the longest first, that run together.
    fn cost(self, lengths: &[u32]) -> u64 {
        lengths.iter().enumerate().fold(0_u64, |sum, (row, &length)| self.more(sum, row, length))
    }

    /// Where a task ends that begins at `first` and is to cost no more than `most`; it has one row at least.
    pub(super) fn end(self, lengths: &[u32], first: usize, most: u64) -> usize {
        let mut cost = 0_u64;
        let mut end = first;
        for (row, &length) in lengths.iter().skip(first).enumerate() {
            cost = self.more(cost, row, length);
            if row > 0 && cost > most {
                break;
            }
            end += 1;
        }
        end
    }

    /// How many tasks are needed so that none costs more than `most`, unless its first row alone does.
    fn needed(self, lengths: &[u32], most: u64) -> usize {
        let (mut needed, mut first) = (0, 0);
        while first < lengths.len() {
            first = self.end(lengths, first, most);
            needed += 1;
        }
        needed
    }

    /// The least bound, to a part in 256, that at most `tasks` tasks keep (at least one), and how many they then are.
    /// About ten bounds are tried, each in O(B).
    pub(super) fn cut(self, lengths: &[u32], tasks: usize) -> (usize, u64) {
        let Some((longest, _)) = lengths.split_first() else { return (0, 0) };
        let tasks = tasks.max(1);
        // The dearest task is at least an even part of all rows in one task, and at least the longest row alone. Where
        // that is the dearest, the others stay a part in 16 below it: costs are estimates.
        let longest = u64::from(*longest) * self.adds(0);
        let even = self.cost(lengths).checked_div(tasks as u64).unwrap_or_default();
        let mut below = (longest - (longest >> 4)).max(even);
        let mut most = below;
        while self.needed(lengths, most) > tasks {
            (below, most) = (most, most.saturating_mul(2).max(1));
        }
        while most - below > (below >> 8).max(1) {
            let between = below + (most - below) / 2;
            if self.needed(lengths, between) <= tasks {
                most = between;
            } else {
                below = between;
            }
        }
        (self.needed(lengths, most), most)
    }

    /// The cost of rows of these lengths that run together, in the multiply-adds of their tokens.
    pub(super) fn multiply_adds(self, lengths: &[u32], of_token: u64) -> u64 {
        self.cost(lengths).saturating_mul(of_token) / ONE
    }
}

/// The multiply-adds of a token, with what its activations take in their stead: about 25 for each gate of a unit.
pub(super) fn of_token<C: Cell>(shape: Shape) -> u64 {
    const ACTIVATION: u64 = 25;
    let (hidden, layers) = (shape.hidden_size as u64, shape.num_layers as u64);
    let inputs = (shape.input_size as u64)
        .saturating_add((layers - 1).saturating_mul(shape.output_size() as u64))
        .saturating_add(layers.saturating_mul(hidden.saturating_add(ACTIVATION)));
    (C::GATES as u64 * shape.direction.count() as u64).saturating_mul(hidden).saturating_mul(inputs)
}
