//! The networks of `speakers` and `stream`, and what stands behind them. The host, which makes the expected bits, builds
//! this file too.

use packed_rnn::{Backend, Shape, activation};

/// A two-layer bidirectional GRU that tells by whom two vowels are spoken.
pub const SPEAKERS: Shape = Shape::new(12, 32).layers(2).bidirectional();
/// Those whom it knows.
pub const NAMES: usize = 9;

/// The LSTM of a detector of speech, a token every 32 ms.
pub const SPEECH: Shape = Shape::new(128, 128);

/// A logit for each speaker, from the last layer's final states in both directions.
pub fn logits(states: &[f32], weight: &[f32], bias: &[f32], logits: &mut [f32; NAMES]) {
    let last = states.len().saturating_sub(SPEAKERS.output_size());
    let last = states.get(last..).unwrap_or_default();
    for ((logit, row), bias) in logits.iter_mut().zip(weight.chunks_exact(SPEAKERS.output_size())).zip(bias) {
        *logit = linear(row, *bias, last.iter().copied());
    }
}

/// The speaker with the largest logit.
pub fn speaker(logits: &[f32; NAMES]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (name, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (name, logit);
        }
    }
    best.0
}

/// How likely it is that a token is speech.
pub fn speech(output: &[f32], weight: &[f32], bias: f32) -> f32 {
    let mut logit = [linear(weight, bias, output.iter().map(|&y| if y > 0.0 { y } else { 0.0 }))];
    activation::sigmoid(Backend::portable(), &mut logit);
    logit[0]
}

/// One chain, as everywhere: the bias, then the products in order.
fn linear(weight: &[f32], bias: f32, input: impl Iterator<Item = f32>) -> f32 {
    weight.iter().zip(input).fold(bias, |sum, (weight, x)| sum + weight * x)
}
