//! Packing and unpacking against a plain copy of as many bytes: `cargo bench --bench pack`.
//!
//! Rows of 48 bytes (12 f32, as in Japanese Vowels), 256 and 1024. Each rate is of the bytes written.

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use packed_rnn::{Fill, Layout, Padded};
use packed_rnn::{pack_padded_sequence, pack_sequence, pad_packed_sequence, unpack_sequence};
use std::hint::black_box;
use support::noise;

fn copies(c: &mut Criterion) {
    // About 300 KB whatever the rows are, which is what stays near while it is worked on; and the ragged batch of the
    // ratios, 1.3 MB.
    let near = |features: usize| (0..32).map(|i| (29 + (i * 19) % 32 * 10) * 12 / features).collect();
    let batches: [(&str, usize, Vec<usize>); 4] =
        [("", 12, near(12)), ("", 64, near(64)), ("", 256, near(256)), ("V, ", 64, support::V.to_vec())];
    for (name, features, lengths) in batches {
        let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
        let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
        let mut group = c.benchmark_group(format!("{name}{}-byte rows", 4 * features));
        let len = layout.packed_len(features).unwrap();
        group.throughput(Throughput::Bytes(4 * len as u64));
        let ragged: Vec<Vec<f32>> =
            lengths.iter().map(|&length| noise(length * features, 1.0, length as u64)).collect();
        let mut back = ragged.clone();
        let (mut packed, mut copy) = (vec![0.0; len], vec![0.0; len]);

        pack_sequence(&layout, features, &ragged, &mut packed).unwrap();
        group.bench_function("plain copy", |b| b.iter(|| black_box(&mut copy[..]).copy_from_slice(black_box(&packed))));
        assert_eq!(copy, packed);
        group.bench_function("ragged to packed", |b| {
            b.iter(|| pack_sequence(&layout, features, &ragged, black_box(&mut packed)).unwrap())
        });
        assert_eq!(copy, packed);
        group.bench_function("packed to ragged", |b| {
            b.iter(|| unpack_sequence(&layout, features, &packed, black_box(&mut back)).unwrap())
        });
        assert_eq!(back, ragged);

        for (name, shape) in [
            ("batch-first", Padded::batch_first(layout.steps(), features)),
            ("time-major", Padded::time_major(layout.steps(), features)),
        ] {
            let mut padded = vec![0.0; shape.len(lengths.len()).unwrap()];
            pad_packed_sequence(&layout, shape, &packed, Fill::Value(0.0), &mut padded).unwrap();
            group.throughput(Throughput::Bytes(4 * len as u64));
            group.bench_function(format!("{name} to packed"), |b| {
                b.iter(|| pack_padded_sequence(&layout, shape, &padded, black_box(&mut packed)).unwrap())
            });
            assert_eq!(copy, packed);
            // Its padding is written as well.
            group.throughput(Throughput::Bytes(4 * padded.len() as u64));
            group.bench_function(format!("packed to {name}, padding included"), |b| {
                b.iter(|| {
                    pad_packed_sequence(&layout, shape, &packed, Fill::Value(0.0), black_box(&mut padded)).unwrap()
                })
            });
        }
        group.finish();
    }
}

criterion_group!(name = benches; config = support::brief(); targets = copies);
criterion_main!(benches);
