//! Packed runs against naive padded loops, for each distribution of lengths, size and cell.
//!
//! `cargo bench --bench packed`. Criterion's rate (`Kelem/s`) counts valid tokens: its inverse is the time of one.

mod naive;
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use naive::Naive;
use packed_rnn::pad_packed_sequence;
use packed_rnn::{Cell, Fill, Gru, Layout, Lstm, Model, Padded, Shape, States, pack_padded_sequence};
use support::{Buffer, Parameters, japanese_vowels, noise};

/// 32 sequences of about 128 steps on average, and the first 32 real ones.
fn distributions() -> [(&'static str, Vec<usize>); 4] {
    let long_tailed = [
        361, 340, 322, 301, 280, 266, 250, 240, 228, 215, 201, 190, 180, 171, 160, 150, 141, 133, 125, 118, 110, 102,
        95, 88, 80, 72, 65, 58, 50, 43, 36, 29,
    ];
    [
        ("equal", vec![128; 32]),
        ("uniform", (0..32).map(|i| 4 + (i * 19) % 32 * 8).collect()),
        ("long-tailed", long_tailed.to_vec()),
        ("japanese-vowels", japanese_vowels()),
    ]
}

fn one<C: Cell>(c: &mut Criterion, cell: &str) {
    for (name, lengths) in distributions() {
        let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
        let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
        let mut group = c.benchmark_group(format!("{cell}/{name}"));
        group.throughput(Throughput::Elements(layout.tokens() as u64));
        for size in [32, 64, 128, 256] {
            let shape = Shape::new(size, size);
            let parameters = Parameters::new(C::GATES, size, size);
            let mut panels = Buffer::zeros(Model::<C>::panels_len(shape));
            let model = Model::<C>::pack(shape, &[parameters.weights()], &mut panels).unwrap();
            let steps = layout.steps();
            let rectangle = Padded::batch_first(steps, size);
            let padded = Buffer::of(&noise(rectangle.len(lengths.len()).unwrap(), 1.0, 3));
            let mut input = Buffer::zeros(layout.packed_len(size).unwrap());
            pack_padded_sequence(&layout, rectangle, &padded, &mut input).unwrap();
            let mut output = Buffer::zeros(model.output_len(&layout).unwrap());
            let mut hn = Buffer::zeros(model.states_len(lengths.len()).unwrap());
            let mut cn = Buffer::zeros(if C::HAS_C { hn.len() } else { 0 });
            let naive = Naive::new(C::GATES, size, size, &parameters.weights());
            let mut outputs = Buffer::zeros(padded.len());

            let mut run = || {
                let states = States { h0: None, c0: None, hn: &mut hn, cn: &mut cn };
                model.run(&layout, &input, states, &mut output, &mut []).unwrap();
            };
            run();
            group.bench_function(format!("{size}/packed"), |b| b.iter(&mut run));

            // The results must be the same before times are worth comparing.
            let mut unpacked = Buffer::zeros(padded.len());
            pad_packed_sequence(&layout, rectangle, &output, Fill::Value(0.0), &mut unpacked).unwrap();
            naive.run(&padded, steps, Some(&lengths), false, &mut outputs, (size, 0));
            let difference = unpacked.iter().zip(&outputs[..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-5, "{cell} {name} {size}: packed and naive differ by {difference:e}");

            for (how, lengths) in [("naive-padded", None), ("naive-early-exit", Some(&lengths[..]))] {
                group.bench_function(format!("{size}/{how}"), |b| {
                    b.iter(|| naive.run(&padded, steps, lengths, false, &mut outputs, (size, 0)))
                });
            }
        }
        group.finish();
    }
}

fn packed(c: &mut Criterion) {
    one::<Lstm>(c, "lstm");
    one::<Gru>(c, "gru");
}

criterion_group!(name = benches; config = support::brief(); targets = packed);
criterion_main!(benches);
