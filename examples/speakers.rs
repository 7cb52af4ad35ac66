//! Who speaks? The Japanese Vowels test set through a trained two-layer bidirectional GRU, as one packed batch.
//!
//! ```sh
//! cargo run --release --example speakers
//! ```
//!
//! An optional argument names another folder than `examples/data` for the two files that are read; `--dump FILE` writes
//! the final states and the logits to a file, with whose bytes those of `examples/c/speakers.c` are compared.

use packed_rnn::{Direction, Fill, Gru, Layout, Model, Padded, Shape, States, Weights};
use packed_rnn::{pack_padded_sequence, pad_sequence};
use safetensors::{Dtype, SafeTensors};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[path = "../benches/naive/mod.rs"]
mod naive;
use naive::Naive;

const CHANNELS: usize = 12;
const HIDDEN: usize = 32;
const SPEAKERS: usize = 9;
const SHAPE: Shape = Shape::new(CHANNELS, HIDDEN).layers(2).bidirectional();

fn main() -> ExitCode {
    match options().and_then(|(folder, dump)| classic().and_then(|()| speakers(&folder, dump.as_deref()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder, and the file to be written.
fn options() -> Result<(PathBuf, Option<PathBuf>), Box<dyn Error>> {
    let (mut folder, mut dump) = (PathBuf::from("examples/data"), None);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--dump" {
            dump = Some(arguments.next().ok_or("--dump: a file is missing")?.into());
        } else {
            folder = argument.into();
        }
    }
    Ok((folder, dump))
}

/// The two classic examples, as pictures.
fn classic() -> Result<(), Box<dyn Error>> {
    println!("Packing in pictures: a letter for each sequence, a column for each step, . for padding\n");
    picture(&[3, 2])?;
    picture(&[4, 6, 8, 5, 4, 3, 7, 8])
}

fn picture(lengths: &[usize]) -> Result<(), Box<dyn Error>> {
    let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
    let layout = Layout::new(lengths, &mut sorted_lengths, &mut sorted_indices)?;
    let steps = layout.steps();
    let sequences: Vec<String> =
        lengths.iter().zip('a'..).map(|(&length, name)| name.to_string().repeat(length)).collect();
    let padded = Padded::batch_first(steps, 1);
    let mut rectangle = vec![0; padded.len(lengths.len())?];
    pad_sequence(padded, &sequences, Fill::Value(b'.'), &mut rectangle)?;
    let mut packed = vec![0; layout.packed_len(1)?];
    pack_padded_sequence(&layout, padded, &rectangle, &mut packed)?;

    println!("lengths {lengths:?}, padded:");
    for row in rectangle.chunks(steps) {
        println!("    {}", spaced(row));
    }
    println!("packed, step after step, the longest first:");
    let tokens: Vec<String> = layout.walk().map(|step| text(&packed[step.offset..][..step.rows])).collect();
    println!("    {}", tokens.join(" "));
    let batch_sizes: Vec<usize> = layout.batch_sizes().collect();
    println!("batch sizes {batch_sizes:?}");
    println!("{} of {} steps are computed\n", layout.tokens(), rectangle.len());
    Ok(())
}

fn text(row: &[u8]) -> String {
    row.iter().map(|&byte| char::from(byte)).collect()
}

fn spaced(row: &[u8]) -> String {
    row.iter().map(|&byte| format!("{} ", char::from(byte))).collect()
}

/// The real thing.
fn speakers(folder: &Path, dump: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let data = read(&folder.join("japanese_vowels_test.safetensors"))?;
    let data = tensors(&data)?;
    let model_file = read(&folder.join("bigru.safetensors"))?;
    let model_file = tensors(&model_file)?;

    let lengths: Vec<usize> = ints(&data, "test.len")?.iter().map(|&n| usize::try_from(n)).collect::<Result<_, _>>()?;
    let labels = ints(&data, "test.y")?;
    let tokens = floats(&data, "test.x", lengths.iter().sum::<usize>() * CHANNELS)?;
    if labels.len() != lengths.len() {
        return Err(format!("test.y: {} labels for {} utterances", labels.len(), lengths.len()).into());
    }
    let mut rest = &tokens[..];
    let utterances: Vec<&[f32]> = lengths
        .iter()
        .map(|&length| {
            let (utterance, behind) = rest.split_at(length * CHANNELS);
            rest = behind;
            utterance
        })
        .collect();

    let parameters = Parameters::read(&model_file)?;
    let weights = parameters.weights();
    let mut panels = vec![0.0; Model::<Gru>::panels_len(SHAPE)];
    let model = Model::<Gru>::pack(SHAPE, &weights, &mut panels)?;
    let fc_weight = floats(&model_file, "w.fc.weight", SPEAKERS * 2 * HIDDEN)?;
    let fc_bias = floats(&model_file, "w.fc.bias", SPEAKERS)?;
    let expected = floats(&model_file, "expected.test_logits", lengths.len() * SPEAKERS)?;

    // Packed: just the tokens.
    let batch = utterances.len();
    let (mut sorted_lengths, mut sorted_indices) = (vec![0; batch], vec![0; batch]);
    let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices)?;
    let mut input = vec![0.0; layout.packed_len(CHANNELS)?];
    packed_rnn::pack_sequence(&layout, CHANNELS, &utterances, &mut input)?;
    let mut output = vec![0.0; model.output_len(&layout)?];
    let mut scratch = vec![0.0; model.scratch_len(&layout)?];
    let mut hn = vec![0.0; model.states_len(batch)?];
    model.run(&layout, &input, States::new(&mut hn), &mut output, &mut scratch)?;
    let logits = classify(&hn, batch, &fc_weight, &fc_bias);
    if let Some(file) = dump {
        let bytes: Vec<u8> = hn.iter().chain(&logits).flat_map(|value| value.to_ne_bytes()).collect();
        std::fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()))?;
    }

    // Padded with zeros and run as if every utterance had all the steps.
    let steps = layout.steps();
    let rectangle = Padded::batch_first(steps, CHANNELS);
    let mut padded = vec![0.0; rectangle.len(batch)?];
    pad_sequence(rectangle, &utterances, Fill::Value(0.0), &mut padded)?;
    let mut equal_lengths = vec![0; batch];
    let equal = Layout::from_sorted(&vec![steps; batch], &mut equal_lengths)?;
    let mut equal_input = vec![0.0; equal.packed_len(CHANNELS)?];
    pack_padded_sequence(&equal, rectangle, &padded, &mut equal_input)?;
    let mut equal_scratch = vec![0.0; model.last_scratch_len(&equal)?];
    let mut equal_hn = vec![0.0; model.states_len(batch)?];
    model.run_last(&equal, &equal_input, States::new(&mut equal_hn), &mut equal_scratch)?;
    let padded_logits = classify(&equal_hn, batch, &fc_weight, &fc_bias);

    println!("Japanese Vowels: {batch} utterances of {CHANNELS} channels, {SPEAKERS} speakers");
    let shortest = lengths.iter().min().unwrap_or(&0);
    println!("  lengths {shortest} to {steps}");
    let (valid, all) = (layout.tokens(), batch * steps);
    let saved = 100.0 * (all - valid) as f64 / all as f64;
    println!("  {valid} tokens instead of {all} padded steps: {saved:.1} % saved");
    println!("2-layer bidirectional GRU, hidden size {HIDDEN}, backend {}", model.backend().name());
    println!("  accuracy packed                         {:.1} %", accuracy(&logits, &labels));
    println!("  accuracy zero-padded, without lengths   {:.1} %", accuracy(&padded_logits, &labels));
    let difference = logits.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("  largest difference from PyTorch's logits {difference:.1e}");
    if difference.is_nan() || difference >= 1e-5 {
        return Err("the logits differ from PyTorch's by more than 1e-5".into());
    }

    let packed_time = best(|| {
        packed_rnn::pack_sequence(&layout, CHANNELS, &utterances, &mut input)?;
        model.run(&layout, &input, States::new(&mut hn), &mut output, &mut scratch)
    })?;
    let layers: Vec<Naive> = weights
        .iter()
        .enumerate()
        .map(|(i, weights)| Naive::new(3, if i < 2 { CHANNELS } else { 2 * HIDDEN }, HIDDEN, weights))
        .collect();
    let mut between = vec![0.0; all * 2 * HIDDEN];
    let mut outputs = vec![0.0; all * 2 * HIDDEN];
    let naive_time = best(|| {
        for (direction, layer) in layers[..2].iter().enumerate() {
            layer.run(&padded, steps, None, direction == 1, &mut between, (2 * HIDDEN, direction * HIDDEN));
        }
        for (direction, layer) in layers[2..].iter().enumerate() {
            layer.run(&between, steps, None, direction == 1, &mut outputs, (2 * HIDDEN, direction * HIDDEN));
        }
        Ok(())
    })?;
    println!("  packed, packing included   {:8.2} ms", packed_time.as_secs_f64() * 1e3);
    println!("  naive padded loop          {:8.2} ms", naive_time.as_secs_f64() * 1e3);
    println!("  {:.1} times as fast", naive_time.as_secs_f64() / packed_time.as_secs_f64());
    Ok(())
}

/// The trained parameters by their PyTorch names.
struct Parameters(Vec<[Vec<f32>; 4]>);

impl Parameters {
    fn read(file: &SafeTensors<'_>) -> Result<Self, Box<dyn Error>> {
        let mut all = Vec::new();
        for layer in 0..SHAPE.num_layers {
            let inputs = if layer == 0 { CHANNELS } else { SHAPE.output_size() };
            for suffix in ["", "_reverse"] {
                let read = |name: &str, len| floats(file, &format!("w.rnn.{name}_l{layer}{suffix}"), len);
                all.push([
                    read("weight_ih", 3 * HIDDEN * inputs)?,
                    read("weight_hh", 3 * HIDDEN * HIDDEN)?,
                    read("bias_ih", 3 * HIDDEN)?,
                    read("bias_hh", 3 * HIDDEN)?,
                ]);
            }
        }
        Ok(Self(all))
    }

    fn weights(&self) -> Vec<Weights<'_>> {
        let all = self.0.iter();
        all.map(|[weight_ih, weight_hh, bias_ih, bias_hh]| Weights {
            weight_ih,
            weight_hh,
            bias_ih: Some(bias_ih),
            bias_hh: Some(bias_hh),
        })
        .collect()
    }
}

/// The last layer's final states of both directions through the fully connected layer.
fn classify(hn: &[f32], batch: usize, weight: &[f32], bias: &[f32]) -> Vec<f32> {
    assert_eq!(SHAPE.direction, Direction::Bidirectional);
    let last = &hn[2 * batch * HIDDEN..];
    let (forward, reverse) = last.split_at(batch * HIDDEN);
    let mut logits = Vec::new();
    for (forward, reverse) in forward.chunks(HIDDEN).zip(reverse.chunks(HIDDEN)) {
        for (row, bias) in weight.chunks(2 * HIDDEN).zip(bias) {
            let states = forward.iter().chain(reverse);
            logits.push(bias + row.iter().zip(states).map(|(w, h)| w * h).sum::<f32>());
        }
    }
    logits
}

fn accuracy(logits: &[f32], labels: &[i32]) -> f64 {
    let right = logits.chunks(SPEAKERS).zip(labels).filter(|(row, label)| {
        let best = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        best.is_some_and(|best| best as i32 == **label)
    });
    100.0 * right.count() as f64 / labels.len() as f64
}

/// The shortest of a few runs.
fn best(mut run: impl FnMut() -> Result<(), packed_rnn::Error>) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn read(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn tensors(bytes: &[u8]) -> Result<SafeTensors<'_>, Box<dyn Error>> {
    SafeTensors::deserialize(bytes).map_err(|error| format!("no safetensors file: {error}").into())
}

fn floats(file: &SafeTensors<'_>, name: &str, len: usize) -> Result<Vec<f32>, Box<dyn Error>> {
    words(file, name, Dtype::F32, Some(len), f32::from_le_bytes)
}

fn ints(file: &SafeTensors<'_>, name: &str) -> Result<Vec<i32>, Box<dyn Error>> {
    words(file, name, Dtype::I32, None, i32::from_le_bytes)
}

fn words<T>(
    file: &SafeTensors<'_>,
    name: &str,
    dtype: Dtype,
    len: Option<usize>,
    word: fn([u8; 4]) -> T,
) -> Result<Vec<T>, Box<dyn Error>> {
    let tensor = file.tensor(name).map_err(|error| format!("{name}: {error}"))?;
    if tensor.dtype() != dtype {
        return Err(format!("{name}: {:?} where {dtype:?} is expected", tensor.dtype()).into());
    }
    let values: Vec<T> = tensor.data().chunks_exact(4).filter_map(|bytes| bytes.try_into().ok()).map(word).collect();
    match len {
        Some(len) if len != values.len() => {
            Err(format!("{name}: {} values where {len} are expected", values.len()).into())
        }
        _ => Ok(values),
    }
}
