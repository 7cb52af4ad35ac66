//! Faults that other packing software was reported to have, each as a test of its kind.
//!
//! The numbers are those of the public bug reports that were collected for this project; each test names its reports
//! and where its right value comes from: counted by hand, a reference implementation, or a rule of this crate.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pack_support;

use pack_support::{Element, assert_same, batch_sizes, order, packed, rectangle, sequences, shapes, sorted, unsorted};
use packed_rnn::{
    Argument, Code, Count, Error, Fill, Layout, Padded, pack_padded_sequence, pack_sequence, pad_packed_sequence,
    pad_sequence, unpack_sequence, unpad_sequence,
};

fn pack<T: Copy + Default>(layout: &Layout<'_>, shape: Padded, input: &[T]) -> Vec<T> {
    let mut output = vec![T::default(); layout.packed_len(shape.features).unwrap()];
    pack_padded_sequence(layout, shape, input, &mut output).unwrap();
    output
}

fn pad<T: Copy>(layout: &Layout<'_>, shape: Padded, packed: &[T], fill: Fill<T>) -> Vec<T> {
    // An element that nobody writes shows as a token of another place.
    let (Fill::Value(value) | Fill::Last(value)) = fill;
    let mut output = vec![packed.first().copied().unwrap_or(value); shape.len(layout.batch()).unwrap()];
    pad_packed_sequence(layout, shape, packed, fill, &mut output).unwrap();
    output
}

fn unsorted_indices(layout: &Layout<'_>) -> Vec<usize> {
    let mut indices = vec![usize::MAX; layout.batch()];
    layout.write_unsorted_indices(&mut indices).unwrap();
    indices
}

fn lengths(layout: &Layout<'_>) -> Vec<i64> {
    let mut lengths = vec![-1; layout.batch()];
    layout.write_lengths(&mut lengths).unwrap();
    lengths
}

fn what(error: Error) -> (Code, Argument, Option<usize>, i64, i64) {
    (error.code, error.argument, error.index, error.found, error.expected)
}

fn new<L: Count>(lengths: &[L]) -> Result<Layout<'static>, Error> {
    Layout::new(lengths, vec![0; lengths.len()].leak(), vec![0; lengths.len()].leak())
}

/// The example of every tutorial. By hand.
#[test]
fn case_0_the_classic_example() {
    for layout in [sorted(&[3, 2]), unsorted(&[3, 2])] {
        let shape = Padded::batch_first(3, 1);
        assert_eq!(pack(&layout, shape, &[1, 2, 3, 3, 4, 0]), [1, 3, 2, 4, 3]);
        assert!(layout.batch_sizes().eq([2, 2, 1]));
        assert_eq!(pad(&layout, shape, &[1, 3, 2, 4, 3], Fill::Value(0)), [1, 2, 3, 3, 4, 0]);
    }
    let layout = unsorted(&[4, 6, 8, 5, 4, 3, 7, 8]);
    assert_eq!((layout.tokens(), layout.steps() * layout.batch()), (45, 64));
}

/// Reversing a padded row puts its padding first: lmnt-com/haste#12, pytorch/pytorch#1811. A rule: a walk backward
/// meets each sequence first at its own last token.
#[test]
fn case_28_backward_starts_at_each_sequences_end() {
    let layout = unsorted(&[4, 6, 7]);
    let mut first = [None; 3];
    for step in layout.walk().rev() {
        for (place, sequence) in layout.sorted_indices().take(step.rows).enumerate() {
            first[sequence].get_or_insert((step.t, step.offset + place));
        }
    }
    // The packed rows of tokens 3, 5 and 6: three rows a step up to 4, then two, then one.
    assert_eq!(first, [Some((3, 11)), Some((5, 15)), Some((6, 16))]);
}

/// Sequences of length 0 are refused elsewhere, and clamped to 1 by their users: pytorch/pytorch#149227, #4582,
/// #11514. A reference without padding.
#[test]
fn case_29_zero_length_among_others() {
    let layout = new(&[0_i64, 3, 2]).unwrap();
    let shape = Padded::batch_first(4, 1);
    let data = pack(&layout, shape, &[-9, -9, -9, -9, 1, 2, 3, -9, 4, 5, -9, -9]);
    assert_eq!(data, [1, 4, 2, 5, 3]);
    assert!(layout.batch_sizes().eq([2, 2, 1]));
    assert!(layout.sorted_indices().eq([1, 2, 0]));
    assert_eq!(unsorted_indices(&layout), [2, 0, 1]);
    assert_eq!(lengths(&layout), [0, 3, 2]);
    let padded = pad(&layout, Padded::batch_first(3, 1), &data, Fill::Value(-1));
    assert_eq!(padded, [-1, -1, -1, 1, 2, 3, 4, 5, -1]);
}

/// A batch that holds an empty sequence, with NaN as padding: pytorch/pytorch#80605. A reference without padding.
#[test]
fn case_30_round_trip_with_an_empty_sequence() {
    let of = [3, 2, 1, 0, 1, 2];
    let sequences = sequences::<f32>(&of, 1);
    let shape = Padded::batch_first(3, 1);
    let mut padded = vec![0.0; 18];
    pad_sequence(shape, &sequences, Fill::Value(f32::NAN), &mut padded).unwrap();
    assert!(padded[9..12].iter().all(|element| element.is_nan()));
    assert_eq!(padded.iter().filter(|element| element.is_nan()).count(), 9);

    let layout = unsorted(&of);
    assert!(layout.batch_sizes().eq([5, 3, 1]));
    let data = pack(&layout, shape, &padded);
    let mut again: Vec<Vec<f32>> = of.iter().map(|&length| vec![-1.0; length]).collect();
    unpack_sequence(&layout, 1, &data, &mut again).unwrap();
    assert_eq!(again, sequences);
}

/// The tail stayed uninitialised where the longest is shorter than the time axis: microsoft/onnxruntime#749, #1193.
/// As seen in the fixed runtime: 0 in every step beyond a length.
#[test]
fn case_31_the_whole_tail_is_filled() {
    let (of, steps) = ([2, 0, 1], 5);
    let layout = unsorted(&of);
    let sequences = sequences::<f32>(&of, 2);
    for shape in shapes(steps, 2) {
        let expected = rectangle(&of, shape, &sequences, Fill::Value(0.0));
        let mut output = vec![f32::NAN; expected.len()];
        let data = packed(&of, 2, &sequences);
        pad_packed_sequence(&layout, shape, &data, Fill::Value(0.0), &mut output).unwrap();
        assert_same(&output, &expected, &shape);
    }
}

/// Keras repeats the last output in padded steps, ONNX writes 0: microsoft/onnxruntime#12492. The outputs are a
/// reference's, the fill that of either runtime.
#[test]
fn case_32_both_fills_of_outputs() {
    let (layout, outputs) = (sorted(&[2]), [0.761_594_2_f32, 0.942_680_7]);
    let [first, last] = outputs;
    for shape in [Padded::batch_first(3, 1), Padded::time_major(3, 1)] {
        assert_eq!(pad(&layout, shape, &outputs, Fill::Value(0.0)), [first, last, 0.0]);
        assert_eq!(pad(&layout, shape, &outputs, Fill::Last(0.0)), [first, last, last]);
    }
}

/// Padding before the tokens drives the state elsewhere: keras-team/keras#1300. A rule: it is not even packed.
#[test]
fn case_33_left_padding_is_not_packed() {
    let data = pack(&sorted(&[1]), Padded::batch_first(3, 1).left(), &[f32::NAN, f32::NAN, 1.0]);
    assert_eq!(data, [1.0]);
}

/// A wholly masked row works or fails depending on the other rows: tensorflow/tensorflow#36139, #33148. A rule: it
/// has no tokens, and its row is all padding, whatever stands beside it.
#[test]
fn case_34_fully_masked_row_among_any_others() {
    for others in [[3, 3], [3, 2], [1, 1], [0, 0]] {
        for place in 0..3 {
            let mut of = others.to_vec();
            of.insert(place, 0);
            let sequences = sequences::<f32>(&of, 1);
            let layout = unsorted(&of);
            for fill in [Fill::Value(-1.0), Fill::Last(-1.0)] {
                let shape = Padded::batch_first(3, 1);
                let output = pad(&layout, shape, &packed(&of, 1, &sequences), fill);
                assert_eq!(output, rectangle(&of, shape, &sequences, fill));
                assert_eq!(output[place * 3..place * 3 + 3], [-1.0; 3]);
            }
        }
    }
}

/// Ties come out in arbitrary order: pytorch/pytorch#22393, jiesutd/LatticeLSTM#123. A reference with a stable sort.
#[test]
fn case_35_ties_are_stable() {
    let layout = unsorted(&[2, 3, 2, 3]);
    assert!(layout.sorted_indices().eq([1, 3, 0, 2]));
    assert_eq!(unsorted_indices(&layout), [2, 0, 3, 1]);
    // Sorts that are stable for a few elements only are well known: many ties, many sequences.
    let many: Vec<usize> = (0..1000).map(|i| i * i % 3).collect();
    assert!(unsorted(&many).sorted_indices().eq(order(&many)));
}

/// Batch sizes are taken for lengths: bentrevett/pytorch-seq2seq#91, pytorch/pytorch#1203. By hand.
#[test]
fn case_36_batch_sizes_are_not_the_lengths() {
    let layout = sorted(&[10, 7, 5]);
    assert!(layout.batch_sizes().eq([3, 3, 3, 3, 3, 2, 2, 1, 1, 1]));
    assert_eq!(layout.tokens(), 22);
    let layout = sorted(&[10, 10, 10, 10, 10, 10, 10, 3, 2, 1]);
    assert!(layout.batch_sizes().eq([10, 9, 8, 7, 7, 7, 7, 7, 7, 7]));
    assert_eq!(layout.tokens(), 76);
    let mut rebuilt = [0; 10];
    let rebuilt = Layout::from_batch_sizes(&[10, 9, 8, 7, 7, 7, 7, 7, 7, 7_i64], &mut rebuilt).unwrap();
    assert_eq!(rebuilt, layout);
}

/// In which order does packed data stand: the question 51030782 on Stack Overflow. By hand.
#[test]
fn case_37_packed_in_time_order() {
    let layout = sorted(&[5, 2]);
    let mut data = [0; 7];
    pack_sequence(&layout, 1, &[&[1, 2, 3, 4, 5][..], &[10, 20]], &mut data).unwrap();
    assert_eq!(data, [1, 10, 2, 20, 3, 4, 5]);
    assert!(layout.batch_sizes().eq([2, 2, 1, 1, 1]));
}

/// Results go to the wrong sample when sorting is not undone: khordoo/Pytorch.seq2seq, fartashf/vsepp#36. A reference
/// that sorts for itself.
#[test]
fn case_38_unsorted_input_keeps_its_owner() {
    let mut sequences = [vec![1, 2, 3], vec![4, 5], vec![6, 7, 8, 9, 10]];
    let layout = unsorted(&[3, 2, 5]);
    let mut data = [0; 10];
    pack_sequence(&layout, 1, &sequences, &mut data).unwrap();
    assert_eq!(data, [6, 1, 4, 7, 2, 5, 8, 3, 9, 10]);
    assert!(layout.batch_sizes().eq([3, 3, 2, 1, 1]));
    assert!(layout.sorted_indices().eq([2, 0, 1]));
    assert_eq!(unsorted_indices(&layout), [1, 2, 0]);
    // A result per token goes back to the token it was made from.
    let results = data.map(|token| -token);
    unpack_sequence(&layout, 1, &results, &mut sequences).unwrap();
    assert_eq!(sequences, [vec![-1, -2, -3], vec![-4, -5], vec![-6, -7, -8, -9, -10]]);
    let padded = pad(&layout, Padded::batch_first(5, 1), &results, Fill::Value(0));
    assert_eq!(padded, [-1, -2, -3, 0, 0, -4, -5, 0, 0, 0, -6, -7, -8, -9, -10]);
}

/// The time axis comes back shorter than it went in: pytorch/pytorch#65890, #144207, #1591. A reference: only the
/// caller knows the true one, and gives it.
#[test]
fn case_39_the_time_axis_is_the_callers() {
    let layout = sorted(&[3, 2, 1]);
    let input = [1, 2, 3, 0, 5, 6, 0, 0, 7, 0, 0, 0];
    let data = pack(&layout, Padded::batch_first(4, 1), &input);
    assert_eq!(pad(&layout, Padded::batch_first(4, 1), &data, Fill::Value(0)), input);
    let shortest = Padded::batch_first(layout.steps(), 1);
    assert_eq!(shortest.len(3), Ok(9));
    assert_eq!(pad(&layout, shortest, &data, Fill::Value(0)), [1, 2, 3, 5, 6, 0, 7, 0, 0]);
}

/// Workers that pad to their own longest cannot be joined: pytorch/pytorch#6299, #6327, #2312, #10537. A reference.
#[test]
fn case_40_parts_of_a_batch_join() {
    let joined: Vec<i32> = [(sorted(&[3]), vec![1, 2, 3]), (sorted(&[2]), vec![4, 5])]
        .iter()
        .flat_map(|(layout, data)| pad(layout, Padded::batch_first(3, 1), data, Fill::Value(-1)))
        .collect();
    assert_eq!(joined, [1, 2, 3, 4, 5, -1]);
    // A negative total length cannot be said; one that is too short is refused.
    for short in [0, 2] {
        let mut output = vec![9; short];
        let shape = Padded::batch_first(short, 1);
        let error = pad_packed_sequence(&sorted(&[3]), shape, &[1, 2, 3], Fill::Value(-1), &mut output).unwrap_err();
        assert_eq!(what(error), (Code::TotalLength, Argument::Padded, None, short as i64, 3));
        assert_eq!(output, vec![9; short]);
    }
}

/// Lengths that rise wrote behind a buffer: pytorch/pytorch#13324, #13933. As in the repaired source: an error.
#[test]
fn case_41_rising_lengths_where_sorted_are_demanded() {
    let error = Layout::from_sorted(&[22_i64, 25], &mut [0; 2]).unwrap_err();
    assert_eq!(what(error), (Code::NotSorted, Argument::Lengths, Some(1), 25, 22));
    assert!(error.to_string().contains("not in decreasing order"));
}

/// Empty batches read the last element of nothing: pytorch/pytorch#20529, #78131. A rule: B = 0, T = 0 and no
/// features are batches without elements.
#[test]
fn case_42_empty_batches() {
    let mut none: [[f32; 0]; 0] = [];
    for layout in [sorted(&[]), unsorted(&[]), Layout::from_batch_sizes::<i64>(&[], &mut []).unwrap()] {
        assert_eq!((layout.batch(), layout.steps(), layout.tokens()), (0, 0, 0));
        for shape in shapes(4, 3) {
            pack_padded_sequence::<f32>(&layout, shape, &[], &mut []).unwrap();
            pad_packed_sequence::<f32>(&layout, shape, &[], Fill::Value(0.0), &mut []).unwrap();
            pad_sequence(shape, &none, Fill::Value(0.0), &mut []).unwrap();
            unpad_sequence::<f32, i64, _>(shape, &[], &[], &mut none).unwrap();
        }
        pack_sequence(&layout, 3, &none, &mut []).unwrap();
        unpack_sequence(&layout, 3, &[], &mut none).unwrap();
    }
    // Sequences, but no time axis; and tokens without features.
    for (layout, shape) in
        [(unsorted(&[0, 0]), Padded::batch_first(0, 3)), (unsorted(&[1, 2]), Padded::time_major(2, 0))]
    {
        assert!(pack::<f32>(&layout, shape, &[]).is_empty());
        assert!(pad(&layout, shape, &[], Fill::Last(0.0)).is_empty());
        unpack_sequence::<f32, _>(&layout, shape.features, &[], &mut [[], []]).unwrap();
    }
}

/// Sizes near 6e18 crashed before any check: pytorch/pytorch#94122, #94808. A rule: a checked product.
#[cfg(target_pointer_width = "64")]
#[test]
fn case_43_sizes_near_six_quintillion() {
    let size = 6_000_000_000_000_000_000_usize;
    let layout = unsorted(&[1, 2]);
    let mut output = [7.0_f32; 3];
    for shape in [shapes(size, 2), shapes(2, size), shapes(size, size)].concat() {
        let errors = [
            pack_padded_sequence(&layout, shape, &[0.0; 4], &mut output).unwrap_err(),
            pad_packed_sequence(&unsorted(&[0, 0]), shape, &[], Fill::Value(1.0), &mut output).unwrap_err(),
            pad_sequence(shape, &[[0.0], [0.0]], Fill::Value(1.0), &mut output).unwrap_err(),
            unpad_sequence(shape, &[1_u32, 1], &[0.0; 4], &mut [[7.0], [7.0]]).unwrap_err(),
        ];
        assert!(errors.iter().all(|e| (e.code, e.argument) == (Code::Overflow, Argument::Padded)), "{errors:?}");
    }
    let error = new(&[1, size]).unwrap_err();
    assert_eq!(what(error), (Code::Overflow, Argument::Lengths, Some(1), size as i64, i64::from(i32::MAX)));
    let error = pack_sequence(&sorted(&[2, 2]), size, &[[0.0], [0.0]], &mut output).unwrap_err();
    assert_eq!((error.code, error.argument), (Code::Overflow, Argument::Features));
    assert_eq!(output, [7.0; 3]);
}

/// Parts with different trailing sizes were read past their end: pytorch/pytorch#88334, #78153. A rule: every part
/// is a whole number of rows, and of as many as the layout tells.
#[test]
fn case_44_parts_of_different_widths() {
    let parts = [&[1, 2, 3, 4][..], &[5, 6, 7]];
    let mut output = [9; 8];
    let error = pad_sequence(Padded::batch_first(2, 2), &parts, Fill::Value(0), &mut output).unwrap_err();
    assert_eq!(what(error), (Code::NotRows, Argument::Sequences, Some(1), 3, 2));
    let error = pack_sequence(&sorted(&[2, 2]), 2, &parts, &mut output).unwrap_err();
    assert_eq!(what(error), (Code::WrongLen, Argument::Sequences, Some(1), 3, 4));
    assert_eq!(output, [9; 8]);
}

/// A length of 0 or below packed silently wrong: pytorch/pytorch#1013. A rule: 0 is a length, below 0 is none.
#[test]
fn case_45_zero_and_negative_lengths() {
    assert!(new(&[2_i32, 0]).unwrap().batch_sizes().eq([1, 1]));
    assert!(new(&[0_i64]).unwrap().batch_sizes().eq([]));
    for index in 0..3 {
        let mut of = [5_i64, 4, 3];
        of[index] = -1;
        for result in [new(&of), Layout::from_sorted(&of, vec![0; 3].leak())] {
            assert_eq!(what(result.unwrap_err()), (Code::Negative, Argument::Lengths, Some(index), -1, 0));
        }
    }
}

/// Packed rows were taken for time steps: asappresearch/sru#128. A rule: rows are the sum of the batch sizes, steps
/// their number.
#[test]
fn case_46_rows_are_not_steps() {
    for of in [vec![3, 2], vec![1, 5, 5, 0], vec![7], vec![2; 9]] {
        let layout = unsorted(&of);
        assert_eq!(layout.tokens(), batch_sizes(&of).iter().sum::<usize>());
        assert_eq!(layout.packed_len(4), Ok(layout.tokens() * 4));
        assert_eq!(layout.steps(), batch_sizes(&of).len());
        assert_eq!(layout.walk().map(|step| step.rows).sum::<usize>(), layout.tokens());
    }
}

/// Lengths at the bounds of the time axis: microsoft/onnxruntime#10768, #1360. As the runtime does today: 0 to T
/// pass; the error names index and value.
#[test]
fn case_49_lengths_up_to_the_time_axis() {
    let shape = Padded::time_major(3, 1);
    for length in 0..=3 {
        assert_eq!(pack(&unsorted(&[1, length]), shape, &[1; 6]).len(), 1 + length);
        assert_eq!(unpad_sequence(shape, &[1, length], &[1; 6], &mut [vec![0; 1], vec![0; length]]), Ok(()));
    }
    let mut output = [9; 5];
    let error = pack_padded_sequence(&unsorted(&[1, 4]), shape, &[1; 6], &mut output).unwrap_err();
    assert_eq!(what(error), (Code::BeyondTime, Argument::Lengths, Some(1), 4, 3));
    assert!(error.to_string().contains("[1]: length 4 is beyond the 3 steps"), "{error}");
    assert_eq!(output, [9; 5]);
    let error = unpad_sequence(shape, &[1_i32, 4], &[1; 6], &mut [vec![0; 1], vec![0; 4]]).unwrap_err();
    assert_eq!(what(error), (Code::BeyondTime, Argument::Lengths, Some(1), 4, 3));
    let error = new(&[1_i32, -1]).unwrap_err();
    assert_eq!(what(error), (Code::Negative, Argument::Lengths, Some(1), -1, 0));
}

/// Lengths were accepted and not used: apache/mxnet#19323. A rule: each option of a rectangle makes a difference.
#[test]
fn case_50_no_option_is_ignored() {
    let (layout, data) = (sorted(&[2, 1]), [1, 5, 2]);
    let mut seen = Vec::new();
    for steps in [2, 3] {
        for shape in shapes(steps, 1) {
            for fill in [Fill::Value(0), Fill::Value(9), Fill::Last(8)] {
                seen.push(pad(&layout, shape, &data, fill));
            }
        }
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

/// One sample twice in a batch of two, and only the first is right: tensorflow/tensorflow#51561, sonos/tract#286. A
/// rule: both get the same.
#[test]
fn case_62_the_same_sample_twice() {
    let sample = [1, 2, 3, 4, 5, 6];
    for layout in [sorted(&[3, 3]), unsorted(&[3, 3])] {
        let mut data = [0; 12];
        pack_sequence(&layout, 2, &[sample, sample], &mut data).unwrap();
        let mut back = [[0; 6]; 2];
        unpack_sequence(&layout, 2, &data, &mut back).unwrap();
        assert_eq!(back, [sample, sample]);
        let padded = pad(&layout, Padded::batch_first(3, 2), &data, Fill::Value(0));
        assert_eq!(padded, [sample, sample].concat());
    }
}

/// All states in one tensor came out as [B, T * H]: huggingface/candle#1723, #2542. A rule: the time axis stays, and
/// element [b, t, h] is at (b * T + t) * H + h.
#[test]
fn case_71_the_time_axis_is_kept() {
    let (batch, steps, hidden) = (2, 3, 4);
    // A state tells where it belongs.
    let states: Vec<usize> =
        (0..steps).flat_map(|t| (0..batch).flat_map(move |b| (0..hidden).map(move |h| 100 * b + 10 * t + h))).collect();
    let output = pad(&sorted(&[3, 3]), Padded::batch_first(steps, hidden), &states, Fill::Value(0));
    for b in 0..batch {
        for t in 0..steps {
            for h in 0..hidden {
                assert_eq!(output[(b * steps + t) * hidden + h], 100 * b + 10 * t + h);
            }
        }
    }
}

/// Batch-major data passed as time-major: uxlfoundation/oneDNN#838, #784. A rule: with T = 3 and B = 2 the two
/// readings of one value per place differ, and each is right for its layout.
#[test]
fn case_72_time_major_is_not_batch_first() {
    let time_major = [0, 1, 10, 11, 20, 21];
    let batch_first = [0, 10, 20, 1, 11, 21];
    for layout in [sorted(&[3, 3]), unsorted(&[3, 3])] {
        assert_eq!(pack(&layout, Padded::time_major(3, 1), &time_major), time_major);
        assert_eq!(pack(&layout, Padded::batch_first(3, 1), &batch_first), time_major);
        assert_ne!(pack(&layout, Padded::time_major(3, 1), &batch_first), time_major);
        assert_eq!(pad(&layout, Padded::time_major(3, 1), &time_major, Fill::Value(-1)), time_major);
        assert_eq!(pad(&layout, Padded::batch_first(3, 1), &time_major, Fill::Value(-1)), batch_first);
    }
    let layout = unsorted(&[2, 3]);
    assert_eq!(pack(&layout, Padded::time_major(3, 1), &time_major), [1, 0, 11, 10, 21]);
    assert_eq!(pack(&layout, Padded::batch_first(3, 1), &batch_first), [1, 0, 11, 10, 21]);
}

fn at_every_offset<T: Element>(offsets: usize) {
    let (of, features) = ([3, 1, 2], 19);
    let (layout, sequences) = (unsorted(&of), sequences::<T>(&of, features));
    let expected = packed(&of, features, &sequences);
    for shape in shapes(4, features) {
        let input = rectangle(&of, shape, &sequences, Fill::Value(T::poison()));
        for from in 0..offsets {
            for to in 0..offsets {
                let input = [vec![T::other_poison(); from], input.clone()].concat();
                let mut output = vec![T::poison(); to + expected.len()];
                pack_padded_sequence(&layout, shape, &input[from..], &mut output[to..]).unwrap();
                assert_same(&output[to..], &expected, &(from, to));
                assert_same(&output[..to], &vec![T::poison(); to], &(from, to));
                let mut back = vec![T::other_poison(); input.len()];
                pad_packed_sequence(&layout, shape, &output[to..], Fill::Value(T::poison()), &mut back[from..])
                    .unwrap();
                assert_same(&back, &input, &(from, to));
            }
        }
    }
}

/// Vector loads fault at odd offsets: gnuradio/volk#114, tensorflow/tflite-micro#418, google/XNNPACK#6201,
/// pq-code-package/mlkem-native#1544. A rule: any offset gives the same bits, and nothing beside the slice changes.
#[test]
fn case_75_any_alignment() {
    at_every_offset::<u8>(17);
    at_every_offset::<f32>(4);
    at_every_offset::<f64>(4);
    at_every_offset::<[u8; 3]>(4);
}

/// Handles used from another thread: jneem/nnnoiseless#18, Rikorose/DeepFilterNet#412. A rule: a layout may be
/// shared, and there is no global that two of them meet in.
#[test]
fn case_79_layouts_on_threads() {
    fn shared<T: Send + Sync>(value: T) -> T {
        value
    }
    let layout = shared(unsorted(&[1, 3, 2]));
    let work = move || pack(&layout, Padded::batch_first(3, 1), &[1, 0, 0, 2, 3, 4, 5, 6, 0]);
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(work)).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), [2, 5, 1, 3, 6, 4]);
    }
}
