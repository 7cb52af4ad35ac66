//! Packing and padding against a naive model that indexes every element by its coordinates.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pack_support;

use pack_support::{Element, assert_same, packed, rectangle, sequences, shapes, sorted, unsorted};
use packed_rnn::{
    Fill, Layout, Padded, pack_padded_sequence, pack_sequence, pad_packed_sequence, pad_sequence, unpack_sequence,
    unpad_sequence,
};
use proptest::{collection::vec, prelude::*};

#[derive(Clone, Debug)]
struct Case {
    lengths: Vec<usize>,
    features: usize,
    /// Steps of the rectangle beyond the longest sequence: PyTorch's `total_length`.
    extra: usize,
}

/// Sizes around every way in which a row is copied, up to the platform's own copy.
fn features() -> impl Strategy<Value = usize> {
    prop_oneof![0..=4_usize, 5..=17_usize, 18..=63_usize, 64..=80_usize]
}

fn cases() -> impl Strategy<Value = Case> {
    let lengths = prop_oneof![vec(0..4_usize, 0..9), vec(0..12_usize, 0..7)];
    let case = |(lengths, features, extra)| Case { lengths, features, extra };
    let some = (lengths, features(), 0..3_usize).prop_map(case);
    // Half of them sorted, as sorted time-major batches are copied by whole steps.
    (some, any::<bool>()).prop_map(|(mut case, sort)| {
        if sort {
            case.lengths.sort_by(|a, b| b.cmp(a));
        }
        case
    })
}

/// The layouts that describe these lengths: with an order, and without where they are sorted.
fn layouts(lengths: &[usize]) -> Vec<Layout<'static>> {
    let mut layouts = vec![unsorted(lengths)];
    if lengths.is_sorted_by(|a, b| a >= b) {
        layouts.push(sorted(lengths));
    }
    layouts
}

fn steps(case: &Case) -> usize {
    case.lengths.iter().copied().max().unwrap_or(0) + case.extra
}

fn fills<T: Element>() -> [Fill<T>; 4] {
    let (value, poison) = (T::value(1_000), T::poison());
    [Fill::Value(value), Fill::Value(poison), Fill::Last(value), Fill::Last(poison)]
}

/// What padding holds makes no difference, whatever the type's values are: it is not read.
fn padding_is_not_read<T: Element>(case: &Case) {
    let Case { lengths, features, .. } = case;
    let sequences = sequences::<T>(lengths, *features);
    let expected = packed(lengths, *features, &sequences);
    for (layout, shape) in
        layouts(lengths).iter().flat_map(|layout| shapes(steps(case), *features).map(|s| (*layout, s)))
    {
        for poison in [T::poison(), T::other_poison()] {
            let input = rectangle(lengths, shape, &sequences, Fill::Value(poison));
            let mut output = vec![poison; expected.len()];
            pack_padded_sequence(&layout, shape, &input, &mut output).unwrap();
            assert_same(&output, &expected, &(case, shape));
            let mut ragged: Vec<Vec<T>> = sequences.iter().map(|sequence| vec![poison; sequence.len()]).collect();
            unpad_sequence(shape, lengths, &input, &mut ragged).unwrap();
            assert_same(&ragged.concat(), &sequences.concat(), &(case, shape));
        }
    }
}

fn pad_is_the_model<T: Element>(case: &Case) {
    let Case { lengths, features, .. } = case;
    let sequences = sequences::<T>(lengths, *features);
    let packed = packed(lengths, *features, &sequences);
    for shape in shapes(steps(case), *features) {
        for fill in fills::<T>() {
            let expected = rectangle(lengths, shape, &sequences, fill);
            let mut output = vec![T::other_poison(); expected.len()];
            pad_sequence(shape, &sequences, fill, &mut output).unwrap();
            assert_same(&output, &expected, &("pad_sequence", case, shape, fill));
            for layout in layouts(lengths) {
                output.fill(T::other_poison());
                pad_packed_sequence(&layout, shape, &packed, fill, &mut output).unwrap();
                assert_same(&output, &expected, &("pad_packed_sequence", case, shape, fill));
            }
        }
    }
}

fn ragged_round_trip<T: Element>(case: &Case) {
    let Case { lengths, features, .. } = case;
    let sequences = sequences::<T>(lengths, *features);
    let expected = packed(lengths, *features, &sequences);
    for layout in layouts(lengths) {
        let mut output = vec![T::poison(); layout.packed_len(*features).unwrap()];
        pack_sequence(&layout, *features, &sequences, &mut output).unwrap();
        assert_same(&output, &expected, case);
        let mut ragged: Vec<Vec<T>> = sequences.iter().map(|sequence| vec![T::poison(); sequence.len()]).collect();
        unpack_sequence(&layout, *features, &output, &mut ragged).unwrap();
        for (found, expected) in ragged.iter().zip(&sequences) {
            assert_same(found, expected, case);
        }
    }
}

/// The functions among themselves, without the model: pad and pack are inverse, and the ragged way is the padded way.
fn agreement<T: Element>(case: &Case) {
    let Case { lengths, features, .. } = case;
    let sequences = sequences::<T>(lengths, *features);
    for layout in layouts(lengths) {
        let mut direct = vec![T::poison(); layout.packed_len(*features).unwrap()];
        pack_sequence(&layout, *features, &sequences, &mut direct).unwrap();
        for shape in shapes(steps(case), *features) {
            let mut padded = vec![T::other_poison(); shape.len(lengths.len()).unwrap()];
            pad_sequence(shape, &sequences, Fill::Value(T::poison()), &mut padded).unwrap();
            let mut by_padding = vec![T::other_poison(); direct.len()];
            pack_padded_sequence(&layout, shape, &padded, &mut by_padding).unwrap();
            assert_same(&by_padding, &direct, &(case, shape));
            let mut again = vec![T::other_poison(); padded.len()];
            pad_packed_sequence(&layout, shape, &by_padding, Fill::Value(T::poison()), &mut again).unwrap();
            assert_same(&again, &padded, &(case, shape));
        }
    }
}

fn check<T: Element>(case: &Case) {
    padding_is_not_read::<T>(case);
    pad_is_the_model::<T>(case);
    ragged_round_trip::<T>(case);
    agreement::<T>(case);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes(case in cases()) {
        check::<u8>(&case);
    }

    #[test]
    fn floats(case in cases()) {
        check::<f32>(&case);
    }

    #[test]
    fn doubles(case in cases()) {
        check::<f64>(&case);
    }

    #[test]
    fn elements_of_an_odd_size(case in cases()) {
        check::<[u8; 3]>(&case);
    }

    #[test]
    fn elements_with_holes(case in cases()) {
        check::<(u16, u64)>(&case);
    }
}

/// Every row size, so that no way of copying a row is left to luck.
#[test]
fn every_number_of_features() {
    for features in 0..=70 {
        for lengths in [vec![2, 0, 3, 3, 1], vec![3, 3, 2, 1, 0]] {
            let case = Case { lengths, features, extra: 1 };
            check::<u8>(&case);
            check::<f32>(&case);
        }
    }
}

#[test]
fn batches_of_nothing() {
    for features in [0, 1, 5, 40] {
        for (lengths, extra) in [(vec![], 0), (vec![], 3), (vec![0, 0], 0), (vec![0, 0], 2), (vec![0], 1)] {
            check::<f32>(&Case { lengths, features, extra });
        }
    }
}

/// Keras repeats the last row; there is none before the tokens or without any.
#[test]
fn fill_last() {
    let packed = [1, 2, 9, 8, 3, 4];
    let layout = unsorted(&[0, 1, 2]);
    let mut output = [7; 18];
    pad_packed_sequence(&layout, Padded::batch_first(3, 2), &packed, Fill::Last(-1), &mut output).unwrap();
    assert_eq!(output, [-1, -1, -1, -1, -1, -1, 9, 8, 9, 8, 9, 8, 1, 2, 3, 4, 3, 4]);
    pad_packed_sequence(&layout, Padded::batch_first(3, 2).left(), &packed, Fill::Last(-1), &mut output).unwrap();
    assert_eq!(output, [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 9, 8, -1, -1, 1, 2, 3, 4]);
    pad_packed_sequence(&layout, Padded::time_major(3, 2), &packed, Fill::Last(-1), &mut output).unwrap();
    assert_eq!(output, [-1, -1, 9, 8, 1, 2, -1, -1, 9, 8, 3, 4, -1, -1, 9, 8, 3, 4]);
}

/// ONNX fills with 0, PyTorch with any value; the whole rectangle is written, so that no old element stays.
#[test]
fn fill_value() {
    let mut output = [f32::NAN; 8];
    pad_packed_sequence(
        &sorted(&[3, 1]),
        Padded::batch_first(4, 1),
        &[1.0, 5.0, 2.0, 3.0],
        Fill::Value(0.0),
        &mut output,
    )
    .unwrap();
    assert_eq!(output, [1.0, 2.0, 3.0, 0.0, 5.0, 0.0, 0.0, 0.0]);
}

#[test]
fn the_four_rectangles() {
    let sequences = [&[1, 2][..], &[7]];
    let rectangle = |shape: Padded| {
        let mut output = [9; 6];
        pad_sequence(shape, &sequences, Fill::Value(0), &mut output).unwrap();
        output
    };
    assert_eq!(rectangle(Padded::time_major(3, 1)), [1, 7, 2, 0, 0, 0]);
    assert_eq!(rectangle(Padded::batch_first(3, 1)), [1, 2, 0, 7, 0, 0]);
    assert_eq!(rectangle(Padded::time_major(3, 1).left()), [0, 0, 1, 0, 2, 7]);
    assert_eq!(rectangle(Padded::batch_first(3, 1).left()), [0, 1, 2, 0, 0, 7]);
}

/// Sequences may come in any container, and lengths in any of the integer types.
#[test]
fn containers_and_integers() {
    let layout = sorted(&[2, 1]);
    let mut packed = [0; 3];
    pack_sequence(&layout, 1, &[vec![1, 2], vec![3]], &mut packed).unwrap();
    assert_eq!(packed, [1, 3, 2]);
    let (mut a, mut b) = ([0; 2], [0; 1]);
    unpack_sequence(&layout, 1, &packed, &mut [&mut a[..], &mut b]).unwrap();
    assert_eq!((a, b), ([1, 2], [3]));
    let mut arrays = [[0; 2]; 2];
    unpad_sequence(Padded::time_major(2, 1), &[2_i64, 2], &packed.map(|x| x * 2).repeat(2)[..4], &mut arrays).unwrap();
    assert_eq!(arrays, [[2, 4], [6, 2]]);
    unpad_sequence(Padded::batch_first(2, 1), &[2_u32, 1], &[4, 5, 6, 7], &mut [vec![0; 2], vec![0]]).unwrap();
}
