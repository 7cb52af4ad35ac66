//! Packing and unpacking against a plain copy of as many bytes, all in turn in one run, on one core:
//!
//! ```sh
//! taskset -c 1 cargo bench --bench pack
//! ```
//!
//! Rows of 48 bytes (12 f32, as in Japanese Vowels), 256 and 1024. A ratio of 0.8 is a rate of 0.8 times the plain copy's,
//! counted in bytes written. "rows from a list" is what the places of the rows cost by themselves: each row copied in
//! packed order from where a list says it is, with nothing checked and nothing to be found.
//!
//! Buffers begin at a line of the cache (64 bytes), as arrays of most libraries do; and, in the second column, 16 bytes
//! behind one, as what `malloc` gives: there a row of 256 bytes is on five lines instead of four, of which it shares one
//! with the row before it and one with the row after.

#[allow(dead_code)]
#[path = "ratios/clock.rs"]
mod clock;
mod support;

use packed_rnn::{Fill, Layout, Padded};
use packed_rnn::{pack_padded_sequence, pack_sequence, pad_packed_sequence, unpack_sequence};
use std::hint::black_box;
use support::{Buffer, noise};

/// What the calls write.
struct Data {
    packed: Buffer,
    ragged: Vec<Buffer>,
    batch_first: Buffer,
    time_major: Buffer,
}

type Call<'a> = Box<dyn FnMut(&mut Data) + 'a>;

fn main() {
    // About 300 KB whatever the rows are, which is what stays near while it is worked on; and the ragged batch of the
    // ratios, 1.3 MB.
    let near = |features: usize| (0..32).map(|i| (29 + (i * 19) % 32 * 10) * 12 / features).collect();
    let batches: [(&str, usize, Vec<usize>); 4] =
        [("", 12, near(12)), ("", 64, near(64)), ("", 256, near(256)), ("V, ", 64, support::V.to_vec())];
    println!("rate of a plain copy's, from a line on and 16 bytes behind one: fastest (median)");
    for (name, features, lengths) in batches {
        let name = format!("{name}{}-byte rows", 4 * features);
        let [Column { rate, kilobytes, lines }, behind] = [0, 4].map(|behind| batch(features, &lengths, behind));
        println!("{name}, {kilobytes:.0} KB: {rate:.1} GB/s");
        for ((name, [fastest, median]), (_, [fastest_behind, median_behind])) in lines.into_iter().zip(behind.lines) {
            println!("  {name:40} {fastest:5.2} ({median:.2}) {fastest_behind:6.2} ({median_behind:.2})");
        }
    }
}

/// The calls on one batch.
struct Column {
    /// Of the plain copy, in GB/s.
    rate: f64,
    kilobytes: f64,
    /// Each call's rate as a part of the plain copy's: fastest, median.
    lines: Vec<(&'static str, [f64; 2])>,
}

fn batch(features: usize, lengths: &[usize], behind: usize) -> Column {
    let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
    let layout = Layout::new(lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
    let zeros = |len: usize| Buffer::behind(behind, len);
    let buffer = |values: &[f32]| zeros(values.len()).with(values);
    let len = layout.packed_len(features).unwrap();
    let ragged: Vec<_> = lengths.iter().map(|&length| buffer(&noise(length * features, 1.0, length as u64))).collect();
    let mut packed = zeros(len);
    pack_sequence(&layout, features, &ragged, &mut packed).unwrap();
    let packed = &packed[..];
    let rows: Vec<&[f32]> = layout
        .walk()
        .flat_map(|step| layout.sorted_indices().take(step.rows).map(move |sequence| (sequence, step.t)))
        .map(|(sequence, t)| &ragged[sequence][t * features..][..features])
        .collect();
    let shapes = [Padded::batch_first(layout.steps(), features), Padded::time_major(layout.steps(), features)];
    let rectangles = shapes.map(|shape| {
        let mut padded = zeros(shape.len(lengths.len()).unwrap());
        pad_packed_sequence(&layout, shape, packed, Fill::Value(0.0), &mut padded).unwrap();
        padded
    });
    let [batch_first, time_major] = rectangles.each_ref().map(|padded| &padded[..]);
    let (rectangle, [first, major]) = (batch_first.len(), shapes);
    let mut data = Data {
        packed: zeros(len),
        ragged: ragged.iter().map(|sequence| buffer(sequence)).collect(),
        batch_first: buffer(batch_first),
        time_major: buffer(time_major),
    };
    let calls: [(&str, usize, Call<'_>); 8] = [
        ("plain copy", len, Box::new(|data| black_box(&mut data.packed[..]).copy_from_slice(black_box(packed)))),
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
            Box::new(|data| unpack_sequence(&layout, features, packed, black_box(&mut data.ragged)).unwrap()),
        ),
        (
            "batch-first to packed",
            len,
            Box::new(|data| pack_padded_sequence(&layout, first, batch_first, black_box(&mut data.packed)).unwrap()),
        ),
        (
            "packed to batch-first, padding included",
            rectangle,
            Box::new(|data| {
                let output = black_box(&mut data.batch_first);
                pad_packed_sequence(&layout, first, packed, Fill::Value(0.0), output).unwrap()
            }),
        ),
        (
            "time-major to packed",
            len,
            Box::new(|data| pack_padded_sequence(&layout, major, time_major, black_box(&mut data.packed)).unwrap()),
        ),
        (
            "packed to time-major, padding included",
            rectangle,
            Box::new(|data| {
                let output = black_box(&mut data.time_major);
                pad_packed_sequence(&layout, major, packed, Fill::Value(0.0), output).unwrap()
            }),
        ),
    ];
    let (names, mut calls): (Vec<_>, Vec<_>) =
        calls.into_iter().map(|(name, elements, call)| ((name, elements as f64), call)).unzip();
    let times = clock::in_turn(600, &mut data, &mut calls);
    drop(calls);
    assert_eq!(&data.packed[..], packed);
    assert!(data.ragged.iter().zip(&ragged).all(|(found, sequence)| found[..] == sequence[..]));
    assert_eq!(&data.batch_first[..], batch_first);
    assert_eq!(&data.time_major[..], time_major);

    let ratio = |plain: f64, time: f64, elements: f64| plain / len as f64 / (time / elements);
    let lines = names.into_iter().zip(&times).skip(1).map(|((name, elements), time)| {
        (name, [ratio(times[0].min, time.min, elements), ratio(times[0].median, time.median, elements)])
    });
    Column { rate: 4.0 * len as f64 / times[0].min, kilobytes: 0.004 * len as f64, lines: lines.collect() }
}
