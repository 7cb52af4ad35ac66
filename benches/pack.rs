//! Packing and unpacking against a plain copy of as many bytes, all in turn in one run, on one core:
//!
//! ```sh
//! taskset -c 1 cargo bench --bench pack
//! ```
//!
//! Rows of 48 bytes (12 f32, as in Japanese Vowels), 256 and 1024. A ratio of 0.8 is a rate of 0.8 times the plain copy's,
//! counted in bytes written. "rows from a list" is what the places of the rows cost by themselves: each row copied in
//! packed order from where a list says it is, with nothing checked and nothing to be found.

#[allow(dead_code)]
#[path = "ratios/clock.rs"]
mod clock;
mod support;

use packed_rnn::{Fill, Layout, Padded};
use packed_rnn::{pack_padded_sequence, pack_sequence, pad_packed_sequence, unpack_sequence};
use std::hint::black_box;
use support::noise;

/// What the calls write.
struct Data {
    packed: Vec<f32>,
    ragged: Vec<Vec<f32>>,
    batch_first: Vec<f32>,
    time_major: Vec<f32>,
}

type Call<'a> = Box<dyn FnMut(&mut Data) + 'a>;

fn main() {
    // About 300 KB whatever the rows are, which is what stays near while it is worked on; and the ragged batch of the
    // ratios, 1.3 MB.
    let near = |features: usize| (0..32).map(|i| (29 + (i * 19) % 32 * 10) * 12 / features).collect();
    let batches: [(&str, usize, Vec<usize>); 4] =
        [("", 12, near(12)), ("", 64, near(64)), ("", 256, near(256)), ("V, ", 64, support::V.to_vec())];
    println!("rate of a plain copy's: fastest (median)");
    for (name, features, lengths) in batches {
        batch(&format!("{name}{}-byte rows", 4 * features), features, &lengths);
    }
}

fn batch(name: &str, features: usize, lengths: &[usize]) {
    let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
    let layout = Layout::new(lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
    let len = layout.packed_len(features).unwrap();
    let ragged: Vec<Vec<f32>> = lengths.iter().map(|&length| noise(length * features, 1.0, length as u64)).collect();
    let mut packed = vec![0.0; len];
    pack_sequence(&layout, features, &ragged, &mut packed).unwrap();
    let rows: Vec<&[f32]> = layout
        .walk()
        .flat_map(|step| layout.sorted_indices().take(step.rows).map(move |sequence| (sequence, step.t)))
        .map(|(sequence, t)| &ragged[sequence][t * features..][..features])
        .collect();
    let shapes = [Padded::batch_first(layout.steps(), features), Padded::time_major(layout.steps(), features)];
    let [batch_first, time_major] = shapes.map(|shape| {
        let mut padded = vec![0.0; shape.len(lengths.len()).unwrap()];
        pad_packed_sequence(&layout, shape, &packed, Fill::Value(0.0), &mut padded).unwrap();
        padded
    });
    let (rectangle, [first, major]) = (batch_first.len(), shapes);
    let mut data = Data {
        packed: vec![0.0; len],
        ragged: ragged.clone(),
        batch_first: batch_first.clone(),
        time_major: time_major.clone(),
    };
    let calls: [(&str, usize, Call<'_>); 8] = [
        ("plain copy", len, Box::new(|data| black_box(&mut data.packed[..]).copy_from_slice(black_box(&packed)))),
        (
            "rows from a list",
            len,
            Box::new(|data| {
                for (to, from) in data.packed.chunks_exact_mut(black_box(features)).zip(&rows) {
                    to.copy_from_slice(from);
                }
            }),
        ),
        (
            "ragged to packed",
            len,
            Box::new(|data| pack_sequence(&layout, features, &ragged, black_box(&mut data.packed)).unwrap()),
        ),
        (
            "packed to ragged",
            len,
            Box::new(|data| unpack_sequence(&layout, features, &packed, black_box(&mut data.ragged)).unwrap()),
        ),
        (
            "batch-first to packed",
            len,
            Box::new(|data| pack_padded_sequence(&layout, first, &batch_first, black_box(&mut data.packed)).unwrap()),
        ),
        (
            "packed to batch-first, padding included",
            rectangle,
            Box::new(|data| {
                let output = black_box(&mut data.batch_first);
                pad_packed_sequence(&layout, first, &packed, Fill::Value(0.0), output).unwrap()
            }),
        ),
        (
            "time-major to packed",
            len,
            Box::new(|data| pack_padded_sequence(&layout, major, &time_major, black_box(&mut data.packed)).unwrap()),
        ),
        (
            "packed to time-major, padding included",
            rectangle,
            Box::new(|data| {
                let output = black_box(&mut data.time_major);
                pad_packed_sequence(&layout, major, &packed, Fill::Value(0.0), output).unwrap()
            }),
        ),
    ];
    let (names, mut calls): (Vec<_>, Vec<_>) =
        calls.into_iter().map(|(name, elements, call)| ((name, elements as f64), call)).unzip();
    let times = clock::in_turn(600, &mut data, &mut calls);
    drop(calls);
    assert_eq!(data.packed, packed);
    assert_eq!(data.ragged, ragged);
    assert_eq!(data.batch_first, batch_first);
    assert_eq!(data.time_major, time_major);

    println!("{name}, {} KB: {:.1} GB/s", 4 * len / 1000, 4.0 * len as f64 / times[0].min);
    for ((name, elements), time) in names.into_iter().zip(&times).skip(1) {
        let ratio = |plain: f64, time: f64| plain / len as f64 / (time / elements);
        println!("  {name:40} {:5.2} ({:.2})", ratio(times[0].min, time.min), ratio(times[0].median, time.median));
    }
}
