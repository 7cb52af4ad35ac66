//! The layout against a naive model: a stable sort and counting.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pack_support;

use pack_support::{batch_sizes, order, sorted, unsorted};
use packed_rnn::{Count, Layout, MAX_LENGTH, Step, invert_permutation};
use proptest::{collection::vec, prelude::*};
use std::fmt::Debug;

/// Zeros and ties are frequent where the values are few.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![vec(0..4_usize, 0..12), vec(0..60_usize, 0..12), vec(Just(3_usize), 0..5)]
}

fn naive_steps(lengths: &[usize]) -> Vec<Step> {
    let mut offset = 0;
    let step = |(t, rows)| {
        offset += rows;
        Step { t, rows, offset: offset - rows }
    };
    batch_sizes(lengths).into_iter().enumerate().map(step).collect()
}

fn inverse(permutation: &[usize]) -> Vec<usize> {
    (0..permutation.len()).map(|i| permutation.iter().position(|&p| p == i).unwrap()).collect()
}

/// Every query of a layout against the model.
fn check(layout: Layout<'_>, lengths: &[usize]) {
    let (order, sizes, steps) = (order(lengths), batch_sizes(lengths), naive_steps(lengths));
    let by_place: Vec<usize> = order.iter().map(|&sequence| lengths[sequence]).collect();
    assert_eq!(layout.batch(), lengths.len());
    assert_eq!(layout.steps(), sizes.len());
    assert_eq!(layout.tokens(), lengths.iter().sum::<usize>());
    assert!(layout.sorted_indices().eq(order.iter().copied()), "{lengths:?}");
    assert!(layout.sorted_indices().rev().eq(order.iter().rev().copied()), "{lengths:?}");
    assert_eq!(layout.sorted_indices().len(), lengths.len());
    assert!(layout.sorted_lengths().iter().map(|&length| length as usize).eq(by_place), "{lengths:?}");
    assert!(layout.batch_sizes().eq(sizes.iter().copied()), "{lengths:?}");
    assert!(layout.batch_sizes().rev().eq(sizes.iter().rev().copied()), "{lengths:?}");
    assert_eq!(layout.batch_sizes().len(), sizes.len());
    assert_eq!(layout.walk().collect::<Vec<_>>(), steps);
    assert!(layout.walk().rev().eq(steps.iter().rev().copied()), "{lengths:?}");
    for t in 0..sizes.len() + 3 {
        assert_eq!(layout.batch_size(t), sizes.get(t).copied().unwrap_or(0));
        assert_eq!(layout.offset(t), sizes.iter().take(t).sum::<usize>());
    }
    assert_eq!((layout.batch_size(usize::MAX), layout.offset(usize::MAX)), (0, layout.tokens()));
    assert_eq!(layout.packed_len(3), Ok(3 * layout.tokens()));
    assert_eq!(layout.packed_len(0), Ok(0));
}

/// What is written and read again in one integer type: all lists of the layout, and the layout from them.
fn round_trip<L: Count + TryFrom<usize> + PartialEq + Debug>(lengths: &[usize]) {
    let convert = |list: &[usize]| -> Vec<L> { list.iter().map(|&x| L::try_from(x).ok().unwrap()).collect() };
    let poison = |len: usize| convert(&vec![77; len]);
    let (order, sizes) = (order(lengths), batch_sizes(lengths));

    let (mut sorted_lengths, mut sorted_indices) = (vec![9; lengths.len()], vec![9; lengths.len()]);
    let layout = Layout::new(&convert(lengths), &mut sorted_lengths, &mut sorted_indices).unwrap();
    let mut written_sizes = poison(sizes.len());
    layout.write_batch_sizes(&mut written_sizes).unwrap();
    assert_eq!(written_sizes, convert(&sizes));
    let mut written_order = poison(lengths.len());
    layout.write_sorted_indices(&mut written_order).unwrap();
    assert_eq!(written_order, convert(&order));
    let mut written_inverse = poison(lengths.len());
    layout.write_unsorted_indices(&mut written_inverse).unwrap();
    assert_eq!(written_inverse, convert(&inverse(&order)));
    let mut written_lengths = poison(lengths.len());
    layout.write_lengths(&mut written_lengths).unwrap();
    assert_eq!(written_lengths, convert(lengths));

    // Sequences of length 0 appear in no batch size: only the slice's size tells of them.
    let (mut again, mut again_order) = (vec![5; lengths.len()], vec![5; lengths.len()]);
    let in_order = Layout::from_batch_sizes(&written_sizes, &mut again).unwrap();
    let by_place: Vec<usize> = order.iter().map(|&sequence| lengths[sequence]).collect();
    check(in_order, &by_place);
    let rebuilt = in_order.with_sorted_indices(&written_order, &mut again_order).unwrap();
    assert_eq!(rebuilt, layout);
    check(rebuilt, lengths);

    let mut inverted = vec![5; lengths.len()];
    invert_permutation(&written_order, &mut inverted).unwrap();
    assert!(inverted.iter().map(|&place| place as usize).eq(inverse(&order)));
}

proptest! {
    #[test]
    fn any_lengths(lengths in lengths()) {
        check(unsorted(&lengths), &lengths);
    }

    #[test]
    fn sorted_lengths(mut lengths in lengths()) {
        lengths.sort_by(|a, b| b.cmp(a));
        check(sorted(&lengths), &lengths);
        // The same batch, whether the order was demanded or found.
        prop_assert!(sorted(&lengths).walk().eq(unsorted(&lengths).walk()));
    }

    #[test]
    fn lists_in_every_type(lengths in lengths()) {
        round_trip::<usize>(&lengths);
        round_trip::<u32>(&lengths);
        round_trip::<i32>(&lengths);
        round_trip::<i64>(&lengths);
    }

    /// Ties in the caller's own order, which no sort of ours would give, are kept.
    #[test]
    fn any_order_of_given_batch_sizes(lengths in lengths(), seed in any::<u64>()) {
        let by_place: Vec<usize> = order(&lengths).iter().map(|&sequence| lengths[sequence]).collect();
        let mut permutation: Vec<usize> = (0..lengths.len()).collect();
        permutation.sort_by_key(|&i| (seed ^ i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 7);
        let (mut index, mut place_of) = (vec![0; lengths.len()], vec![0; lengths.len()]);
        let layout = Layout::from_batch_sizes(&batch_sizes(&lengths), &mut index).unwrap();
        let layout = layout.with_sorted_indices(&permutation, &mut place_of).unwrap();
        prop_assert!(layout.sorted_indices().eq(permutation.iter().copied()));
        let mut written = vec![0_usize; lengths.len()];
        layout.write_lengths(&mut written).unwrap();
        for (place, &sequence) in permutation.iter().enumerate() {
            prop_assert_eq!(written[sequence], by_place[place]);
        }
    }

    /// Both ends see one walk, in whatever turns they are asked.
    #[test]
    fn walk_from_both_ends(lengths in lengths(), turns in vec(any::<bool>(), 0..80)) {
        let expected = naive_steps(&lengths);
        let (mut walk, layout) = (unsorted(&lengths).walk(), unsorted(&lengths));
        let (mut from, mut to) = (0, expected.len());
        for front in turns {
            prop_assert_eq!(walk.len(), to - from);
            prop_assert_eq!(walk.size_hint(), (to - from, Some(to - from)));
            let step = if front { walk.next() } else { walk.next_back() };
            if from == to {
                prop_assert_eq!(step, None);
                continue;
            }
            let at = if front { from } else { to - 1 };
            prop_assert_eq!(step, Some(expected[at]));
            if front { from += 1 } else { to -= 1 }
            // A clone goes on from the same place, at both ends.
            prop_assert!(walk.clone().eq(expected[from..to].iter().copied()));
            prop_assert!(walk.clone().rev().eq(expected[from..to].iter().rev().copied()));
        }
        prop_assert!(layout.batch_sizes().skip(2).rev().eq(expected.iter().skip(2).rev().map(|step| step.rows)));
    }

    #[test]
    fn invert_any_permutation(permutation in Just((0..40_i64).collect::<Vec<_>>()).prop_shuffle(), take in 0..40_i64) {
        let permutation: Vec<i64> = permutation.into_iter().filter(|&i| i < take).collect();
        let mut inverse = vec![99; permutation.len()];
        invert_permutation(&permutation, &mut inverse).unwrap();
        for (i, &p) in permutation.iter().enumerate() {
            prop_assert_eq!(inverse[p as usize], i as u32);
        }
        let mut twice = vec![99; permutation.len()];
        invert_permutation(&inverse, &mut twice).unwrap();
        prop_assert!(twice.iter().map(|&i| i64::from(i)).eq(permutation));
    }
}

/// Every small batch there is: a heap's corners are at its edges.
#[test]
fn all_small_batches() {
    for batch in 0..=6_u32 {
        for code in 0..4_usize.pow(batch) {
            let lengths: Vec<usize> = (0..batch).map(|digit| code / 4_usize.pow(digit) % 4).collect();
            assert!(unsorted(&lengths).sorted_indices().eq(order(&lengths)), "{lengths:?}");
        }
    }
}

#[test]
fn big_batches_with_many_ties() {
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as usize
    };
    let batch = 5000;
    let kinds: [(&str, Vec<usize>); 6] = [
        ("few lengths", (0..batch).map(|_| random(20)).collect()),
        ("two lengths", (0..batch).map(|_| random(2)).collect()),
        // Their sum is counted in a `usize` of 32 bits too.
        ("many lengths", (0..batch).map(|_| random(800_000)).collect()),
        ("rising", (0..batch).collect()),
        ("saw", (0..batch).map(|i| i % 7).collect()),
        ("last is longest", (0..batch).map(|i| usize::from(i == batch - 1)).collect()),
    ];
    for (kind, lengths) in kinds {
        let layout = unsorted(&lengths);
        assert!(layout.sorted_indices().eq(order(&lengths)), "{kind}");
        assert!(layout.sorted_lengths().is_sorted_by(|a, b| a >= b), "{kind}");
        let mut written = vec![0_usize; batch];
        layout.write_lengths(&mut written).unwrap();
        assert_eq!(written, lengths, "{kind}");
    }
}

/// A stream costs one entry, whatever its length: nothing is kept per step.
#[test]
fn a_stream_of_a_million_steps() {
    let (mut lengths, mut indices) = ([0; 1], [0; 1]);
    let layout = Layout::new(&[1_000_000_i64], &mut lengths, &mut indices).unwrap();
    assert_eq!((layout.steps(), layout.tokens()), (1_000_000, 1_000_000));
    assert!(layout.walk().enumerate().all(|(t, step)| step == Step { t, rows: 1, offset: t }));
    assert_eq!(layout.walk().rev().map(|step| step.rows).sum::<usize>(), 1_000_000);
    assert_eq!(layout.offset(999_999), 999_999);
}

#[test]
fn the_longest_length_there_is() {
    let mut lengths = [0; 3];
    let layout = Layout::from_sorted(&[MAX_LENGTH, MAX_LENGTH, 1], &mut lengths).unwrap();
    assert_eq!(layout.steps(), MAX_LENGTH);
    assert_eq!(layout.tokens(), 2 * MAX_LENGTH + 1);
    let (mut walk, last) = (layout.walk(), MAX_LENGTH - 1);
    assert_eq!(walk.next_back(), Some(Step { t: last, rows: 2, offset: 2 * last + 1 }));
    assert_eq!(walk.next(), Some(Step { t: 0, rows: 3, offset: 0 }));
    assert_eq!(walk.next(), Some(Step { t: 1, rows: 2, offset: 3 }));
    assert_eq!(walk.len(), MAX_LENGTH - 3);
    let mut written = [0_i32; 3];
    layout.write_lengths(&mut written).unwrap();
    assert_eq!(written, [i32::MAX, i32::MAX, 1]);
}

#[test]
fn more_sequences_than_the_first_batch_size() {
    let mut lengths = [8; 5];
    let layout = Layout::from_batch_sizes(&[3_u32, 1, 1], &mut lengths).unwrap();
    assert_eq!(layout.sorted_lengths(), [3, 1, 1, 0, 0]);
    assert_eq!((layout.batch(), layout.steps(), layout.tokens()), (5, 3, 5));
    check(layout, &[3, 1, 1, 0, 0]);
}

#[test]
fn no_sequences_and_no_steps() {
    check(Layout::new::<u32>(&[], &mut [], &mut []).unwrap(), &[]);
    check(Layout::from_sorted::<u32>(&[], &mut []).unwrap(), &[]);
    check(Layout::from_batch_sizes::<u32>(&[], &mut []).unwrap(), &[]);
    check(Layout::from_batch_sizes::<u32>(&[], &mut [4; 2]).unwrap(), &[0, 0]);
    check(unsorted(&[0, 0, 0]), &[0, 0, 0]);
    let layout = sorted(&[]).with_sorted_indices::<i64>(&[], &mut []).unwrap();
    layout.write_batch_sizes::<i64>(&mut []).unwrap();
    assert_eq!(layout.walk().next_back(), None);
    invert_permutation::<usize>(&[], &mut []).unwrap();
}
