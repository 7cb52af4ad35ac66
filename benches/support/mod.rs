//! What the benches share: random parameters, real lengths, and brief measuring.
#![allow(dead_code)]

mod buffer;

pub use buffer::Buffer;

use criterion::Criterion;
use packed_rnn::Weights;
use std::time::Duration;

/// The lengths of a ragged batch: 5,200 tokens, of a rectangle's 11,552.
pub const V: [usize; 32] = [
    361, 340, 322, 301, 280, 266, 250, 240, 228, 215, 201, 190, 180, 171, 160, 150, 141, 133, 125, 118, 110, 102, 95,
    88, 80, 72, 65, 58, 50, 43, 36, 29,
];

/// Many short repeats: this is for machines that others use too.
pub fn brief() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(700))
        .sample_size(10)
        .without_plots()
}

/// Uniform in +-`bound`, the same for a seed everywhere.
pub fn noise(len: usize, bound: f32, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f32 / (1u32 << 23) as f32 - 1.0) * bound
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Parameters of one layer as PyTorch initialises them: uniform in +-1/sqrt(H).
pub struct Parameters([Vec<f32>; 4]);

impl Parameters {
    pub fn new(gates: usize, inputs: usize, units: usize) -> Self {
        let bound = 1.0 / (units as f32).sqrt();
        let rows = gates * units;
        Self(
            [(rows * inputs, 11), (rows * units, 12), (rows, 13), (rows, 14)]
                .map(|(len, seed)| noise(len, bound, seed)),
        )
    }

    pub fn weights(&self) -> Weights<'_> {
        let [weight_ih, weight_hh, bias_ih, bias_hh] = &self.0;
        Weights { weight_ih, weight_hh, bias_ih: Some(bias_ih), bias_hh: Some(bias_hh) }
    }
}

/// The lengths of the first 32 utterances of the Japanese Vowels test set.
pub fn japanese_vowels() -> Vec<usize> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/japanese_vowels_test.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let lengths = file.tensor("test.len").unwrap();
    let words = lengths.data().chunks_exact(4).take(32);
    words.map(|word| i32::from_le_bytes(word.try_into().unwrap()) as usize).collect()
}
