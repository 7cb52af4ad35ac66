//! Trained models against the values that their frameworks gave: `tests/data/README.md`, `examples/data/README.md`.
//!
//! The largest differences are told by `cargo test --release --test golden -- --nocapture`. Without optimisation a part
//! of the sequences is run, and no accuracy is told.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use packed_rnn::{Cell, Fill, Gru, Lstm, Model, Padded, Shape, pad_sequence};
use support::{File, Outcome, Ragged, assert_bits, difference, on_each_backend, panels, run, run_last};

const JAPANESE_VOWELS: &[u8] = include_bytes!("../examples/data/japanese_vowels_test.safetensors");
const BIGRU: &[u8] = include_bytes!("../examples/data/bigru.safetensors");
const BILSTM: &[u8] = include_bytes!("data/bilstm.safetensors");
const SILERO: &[u8] = include_bytes!("data/silero_lstm.safetensors");
const G2P: &[u8] = include_bytes!("data/g2p_encoder.safetensors");

/// All sequences are run. Kernels that are not optimised take minutes for them.
const WHOLE: bool = !cfg!(debug_assertions);

/// Tells the largest difference and holds it to its tolerance.
#[track_caller]
fn check(model: &str, what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    let largest = difference(found, expected);
    println!("{model}: {what} differs by {largest:.1e} at most, tolerance {tolerance:.0e}");
    assert!(largest < tolerance, "{model}: {what} differs by {largest:e}, tolerance {tolerance:e}");
}

/// A row of a fully connected layer. In f64, so that what is measured is the crate. A product of two f32 is exact there,
/// fused or not; QEMU 7.2 has s390x's instruction for it wrong, which the compiler takes for one that is not.
fn linear(weight: &[f32], bias: f32, input: impl Iterator<Item = f32>) -> f64 {
    weight.iter().zip(input).fold(f64::from(bias), |sum, (&weight, x)| f64::from(weight).mul_add(f64::from(x), sum))
}

/// Speakers of the Japanese Vowels test set.
const SPEAKERS: usize = 9;
/// Features of an utterance's token, and states of each direction.
const VOWELS: Shape = Shape::new(12, 32).bidirectional();

/// The states of the first `count` sequences, of `[L * D, B, H]`.
fn states_of_first(count: usize, states: &[f32], batch: usize) -> Vec<f32> {
    let hidden = VOWELS.hidden_size;
    states.chunks_exact(batch * hidden).flat_map(|direction| &direction[..count * hidden]).copied().collect()
}

/// The last layer's final states of both directions, through a fully connected layer: `[B, 9]`.
fn logits(file: &File, hn: &[f32], batch: usize) -> Vec<f32> {
    let (weight, bias) = (file.floats("w.fc.weight"), file.floats("w.fc.bias"));
    let hidden = VOWELS.hidden_size;
    let (before, reverse) = hn.split_at(hn.len() - batch * hidden);
    let forward = &before[before.len() - batch * hidden..];
    let states = forward.chunks_exact(hidden).zip(reverse.chunks_exact(hidden));
    states
        .flat_map(|(forward, reverse)| {
            let rows = weight.chunks_exact(2 * hidden).zip(&bias);
            rows.map(move |(row, &bias)| linear(row, bias, forward.iter().chain(reverse).copied()) as f32)
        })
        .collect()
}

/// How many utterances are given to their speaker.
fn right(logits: &[f32], speakers: &[usize]) -> usize {
    let guesses = logits.chunks_exact(SPEAKERS).map(|logits| {
        let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        logits.iter().position(|&logit| logit == best)
    });
    guesses.zip(speakers).filter(|&(guess, &speaker)| guess == Some(speaker)).count()
}

/// With as many digits as the model's documentation gives.
fn percent(right: usize, all: usize, digits: usize) -> String {
    format!("{:.digits$} %", 100.0 * right as f64 / all as f64)
}

/// Packed, as it was trained; `packed` and `padded` are the expected accuracies.
fn japanese_vowels<C: Cell>(name: &str, model: &'static [u8], layers: usize, packed: &str, padded: &str) {
    let (set, file) = (File::new(JAPANESE_VOWELS), File::new(model));
    let batch = Ragged::new(set.integers("test.len"), VOWELS.input_size, set.floats("test.x"));
    let (all, steps) = (batch.lengths.len(), *batch.lengths.iter().max().unwrap());
    assert_eq!((all, steps), (370, 29));
    let count = if WHOLE { all } else { 8 };
    let (batch, speakers) = (batch.first(count), set.integers("test.y"));
    let shape = VOWELS.layers(layers);
    let panels = panels::<C>(&file, "w.rnn.", shape);

    // The same without lengths: zeros behind the shorter ones are run like any other token.
    let rectangle = Padded::batch_first(steps, VOWELS.input_size);
    let mut zeros_behind = vec![f32::NAN; rectangle.len(count).unwrap()];
    pad_sequence(rectangle, &batch.sequences(), Fill::Value(0.0), &mut zeros_behind).unwrap();
    let without_lengths = Ragged::new(vec![steps; count], VOWELS.input_size, zeros_behind);

    on_each_backend(shape, &panels, |model: Model<'_, C>| {
        let name = format!("{name} on {}", model.backend().name());
        let outcome = run(model, &batch);
        let found = logits(&file, &outcome.hn, count);
        check(&name, "logits", &found, &file.floats("expected.test_logits")[..count * SPEAKERS], 1e-5);
        check(&name, "h_n", &outcome.hn, &states_of_first(count, &file.floats("expected.test_h_n"), all), 1e-5);
        let tokens: usize = batch.lengths.iter().take(64).sum();
        let (y, expected) = (&outcome.y[..tokens * shape.output_size()], file.floats("expected.test_y_first64"));
        assert!(!WHOLE || y.len() == expected.len());
        check(&name, "y of the first 64", y, &expected[..y.len()], 1e-5);

        let (hn, cn) = run_last(model, &batch);
        assert_bits(&hn, &outcome.hn, "h_n of run_last");
        assert_bits(&cn, &outcome.cn, "c_n of run_last");

        if !WHOLE {
            return;
        }
        assert_eq!(percent(right(&found, &speakers), count, 2), packed, "{name}");
        let (hn, _) = run_last(model, &without_lengths);
        let found = right(&logits(&file, &hn, count), &speakers);
        assert_eq!(percent(found, count, 1), padded, "{name}, padded");
        println!("{name}: accuracy {packed}, on padded sequences without lengths {padded}");
    });
}

#[test]
fn japanese_vowels_bilstm() {
    japanese_vowels::<Lstm>("japanese vowels BiLSTM", BILSTM, 1, "95.14 %", "55.1 %");
}

#[test]
fn japanese_vowels_bigru() {
    japanese_vowels::<Gru>("japanese vowels BiGRU", BIGRU, 2, "98.11 %", "27.8 %");
}

const SILERO_LSTM: Shape = Shape::new(128, 128);

#[test]
fn silero_vad() {
    let file = File::new(SILERO);
    let clips = Ragged::new(file.integers("lengths"), SILERO_LSTM.input_size, file.floats("x"));
    assert!(
        file.floats("expected.c_n").iter().any(|c| c.abs() > 38.0),
        "the clip with the largest cell state is there"
    );
    let clips = if WHOLE { clips } else { clips.first(2) };
    let panels = panels::<Lstm>(&file, "lstm.", SILERO_LSTM);
    on_each_backend(SILERO_LSTM, &panels, |model: Model<'_, Lstm>| {
        let name = format!("silero-vad on {}", model.backend().name());
        let outcome = run(model, &clips);
        check(&name, "y", &outcome.y, &file.floats("expected.y")[..outcome.y.len()], 1e-5);
        check(&name, "h_n", &outcome.hn, &file.floats("expected.h_n")[..outcome.hn.len()], 1e-5);
        check(&name, "c_n", &outcome.cn, &file.floats("expected.c_n")[..outcome.cn.len()], 1e-4);

        let (weight, bias) = (file.floats("output.weight"), file.floats("output.bias"));
        let tokens = outcome.y.chunks_exact(SILERO_LSTM.hidden_size);
        let speech = tokens.map(|y| {
            let logit = linear(&weight, bias[0], y.iter().map(|y| y.max(0.0)));
            (1.0 / (1.0 + libm::exp(-logit))) as f32
        });
        let speech: Vec<_> = speech.collect();
        check(&name, "prob", &speech, &file.floats("expected.prob")[..speech.len()], 1e-5);

        let (hn, cn) = run_last(model, &clips);
        assert_bits(&hn, &outcome.hn, "h_n of run_last");
        assert_bits(&cn, &outcome.cn, "c_n of run_last");
        streamed_alone(model, &clips, &outcome);
        streamed_together(model, &clips, &outcome);
    });
}

/// Each sequence alone, a token at a time, states apart: the very bits of a run.
fn streamed_alone(model: Model<'_, Lstm>, batch: &Ragged, outcome: &Outcome) {
    let hidden = model.shape().hidden_size;
    let mut y = Vec::new();
    let states = outcome.hn.chunks_exact(hidden).zip(outcome.cn.chunks_exact(hidden));
    for (sequence, (hn, cn)) in batch.sequences().into_iter().zip(states) {
        let (mut h, mut h_out, mut c) = (vec![0.0; hidden], vec![f32::NAN; hidden], vec![0.0; hidden]);
        for x in sequence.chunks_exact(batch.features) {
            model.step(1, x, &h, &mut h_out, &mut c).unwrap();
            y.extend_from_slice(&h_out);
            std::mem::swap(&mut h, &mut h_out);
        }
        assert_bits(&h, hn, "h_n, streamed alone");
        assert_bits(&c, cn, "c_n, streamed alone");
    }
    assert_bits(&y, &outcome.y, "y, streamed alone");
}

/// All sequences at once, a token of each that still goes on at a time, states in place: the very bits of a run.
fn streamed_together(model: Model<'_, Lstm>, batch: &Ragged, outcome: &Outcome) {
    let hidden = model.shape().hidden_size;
    batch.with_layout(|layout| {
        let (mut h, mut c) = (vec![0.0; layout.batch() * hidden], vec![0.0; layout.batch() * hidden]);
        let mut scratch = vec![f32::NAN; h.len()];
        let (input, mut y) = (batch.packed(layout), Vec::new());
        for step in layout.walk() {
            let x = &input[step.offset * batch.features..][..step.rows * batch.features];
            let (h, c) = (&mut h[..step.rows * hidden], &mut c[..step.rows * hidden]);
            model.step_in_place(step.rows, x, h, c, &mut scratch).unwrap();
            y.extend_from_slice(h);
        }
        for (place, sequence) in layout.sorted_indices().enumerate() {
            let (there, here) = (place * hidden, sequence * hidden);
            assert_bits(&h[there..][..hidden], &outcome.hn[here..][..hidden], "h_n, streamed together");
            assert_bits(&c[there..][..hidden], &outcome.cn[here..][..hidden], "c_n, streamed together");
        }
        assert_bits(&batch.unpacked(layout, hidden, &y), &outcome.y, "y, streamed together");
    });
}

#[test]
fn g2p_encoder() {
    const SHAPE: Shape = Shape::new(256, 256);
    let file = File::new(G2P);
    let embedding = file.floats("enc.embedding");
    let letters = file.integers("char_ids").into_iter();
    let embedded = letters.flat_map(|id| embedding[id * SHAPE.input_size..][..SHAPE.input_size].iter().copied());
    let words = Ragged::new(file.integers("lengths"), SHAPE.input_size, embedded.collect());
    let words = if WHOLE { words } else { words.first(8) };
    let panels = panels::<Gru>(&file, "enc.", SHAPE);
    on_each_backend(SHAPE, &panels, |model: Model<'_, Gru>| {
        let name = format!("g2p-en encoder on {}", model.backend().name());
        let outcome = run(model, &words);
        check(&name, "h_n", &outcome.hn, &file.floats("expected.h_n")[..outcome.hn.len()], 2e-5);
        let first = file.floats("expected.y_first8");
        let tokens: usize = words.lengths.iter().take(8).sum();
        assert_eq!(first.len(), tokens * SHAPE.hidden_size);
        check(&name, "y of the first 8", &outcome.y[..first.len()], &first, 2e-5);
        let (hn, _) = run_last(model, &words);
        assert_bits(&hn, &outcome.hn, "h_n of run_last");
    });
}
