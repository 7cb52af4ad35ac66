//! What one would write by hand: a plain loop over the padded rectangle, for the examples and benches to compare with.
//!
//! It is an honest opponent: the weights are transposed once, so that the inner loop runs over units and the compiler
//! vectorises it, and nothing is allocated in the loop. Layout `[B, T, I]`, forward or reverse.
#![allow(dead_code)]

use packed_rnn::Weights;

/// LSTM (4) or GRU (3), by the number of gates.
pub struct Naive {
    gates: usize,
    inputs: usize,
    units: usize,
    weight_ih: Vec<f32>,
    weight_hh: Vec<f32>,
    bias_ih: Vec<f32>,
    bias_hh: Vec<f32>,
}

fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    (0..matrix.len()).map(|at| matrix[at % rows * columns + at / rows]).collect()
}

/// `sums += values * matrix`, a row of the matrix for each value.
fn add_product(sums: &mut [f32], values: &[f32], matrix: &[f32]) {
    for (value, row) in values.iter().zip(matrix.chunks_exact(sums.len())) {
        for (sum, weight) in sums.iter_mut().zip(row) {
            *sum += value * weight;
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

impl Naive {
    pub fn new(gates: usize, inputs: usize, units: usize, weights: &Weights<'_>) -> Self {
        let zeros = vec![0.0; gates * units];
        Self {
            gates,
            inputs,
            units,
            weight_ih: transposed(weights.weight_ih, inputs),
            weight_hh: transposed(weights.weight_hh, units),
            bias_ih: weights.bias_ih.unwrap_or(&zeros).to_vec(),
            bias_hh: weights.bias_hh.unwrap_or(&zeros).to_vec(),
        }
    }

    /// Runs the rectangle `[B, steps, I]` into `[B, steps, stride]` from `offset` on. Each sequence runs for its own
    /// length, or for all steps, padding included, where `lengths` is `None`. Gives the last states, `[B, H]`.
    pub fn run(
        &self,
        input: &[f32],
        steps: usize,
        lengths: Option<&[usize]>,
        reverse: bool,
        output: &mut [f32],
        (stride, offset): (usize, usize),
    ) -> Vec<f32> {
        let units = self.units;
        let batch = input.len() / (steps * self.inputs);
        let mut last = vec![0.0; batch * units];
        let (mut sums, mut states) = (vec![0.0; self.gates * units], vec![0.0; self.gates * units]);
        let mut cells = vec![0.0; units];
        for (b, h) in last.chunks_exact_mut(units).enumerate() {
            cells.fill(0.0);
            let length = lengths.map_or(steps, |lengths| lengths[b]);
            for i in 0..length {
                let t = if reverse { length - 1 - i } else { i };
                let token = b * steps + t;
                sums.copy_from_slice(&self.bias_ih);
                states.copy_from_slice(&self.bias_hh);
                add_product(&mut sums, &input[token * self.inputs..][..self.inputs], &self.weight_ih);
                add_product(&mut states, h, &self.weight_hh);
                if self.gates == 4 {
                    for u in 0..units {
                        let gate = |g: usize| sums[g * units + u] + states[g * units + u];
                        cells[u] = sigmoid(gate(1)) * cells[u] + sigmoid(gate(0)) * gate(2).tanh();
                        h[u] = sigmoid(gate(3)) * cells[u].tanh();
                    }
                } else {
                    for u in 0..units {
                        let r = sigmoid(sums[u] + states[u]);
                        let z = sigmoid(sums[units + u] + states[units + u]);
                        let n = (sums[2 * units + u] + r * states[2 * units + u]).tanh();
                        h[u] = (1.0 - z) * n + z * h[u];
                    }
                }
                output[token * stride + offset..][..units].copy_from_slice(h);
            }
        }
        last
    }
}
