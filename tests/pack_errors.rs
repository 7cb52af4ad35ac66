//! Every refusal that layout, pack and unpack document: what it says, and that the outputs are as they were.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pack_support;

use pack_support::{sorted, unsorted};
use packed_rnn::{
    Argument, Code, Count, Error, Fill, Layout, MAX_LENGTH, Padded, invert_permutation, pack_padded_sequence,
    pack_sequence, pad_packed_sequence, pad_sequence, unpack_sequence, unpad_sequence,
};
use proptest::{collection::vec, prelude::*, sample::select};
use std::fmt::Debug;

const HUGE: usize = usize::MAX;
const TOO_LONG: usize = MAX_LENGTH + 1;
const MAX: i64 = MAX_LENGTH as i64;

/// How an error tells a size: one that no `i64` holds is told as the largest.
fn told(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// The error in all its fields; its text names the argument, the place and the numbers.
#[track_caller]
fn refused<T: Debug>(
    result: Result<T, Error>,
    code: Code,
    argument: Argument,
    index: Option<usize>,
    found: i64,
    expected: i64,
) {
    let error = result.expect_err("must be refused");
    assert_eq!((error.code, error.argument, error.index), (code, argument, index), "{error}");
    assert_eq!((error.found, error.expected), (found, expected), "{error}");
    let text = error.to_string();
    let place = index.map_or(String::new(), |index| format!("[{index}]"));
    let rest = text.strip_prefix(&format!("{argument}{place}: "));
    let rest = rest.unwrap_or_else(|| panic!("{text:?} does not begin with the argument and its place"));
    let numbers: Vec<i64> =
        rest.split(|c: char| c != '-' && !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let told: &[i64] = match code {
        // A sum or a product that cannot be counted has no value, and a negative number no other bound than 0.
        Code::Overflow => &[expected],
        Code::Negative => &[found],
        _ => &[found, expected],
    };
    assert!(told.iter().all(|number| numbers.contains(number)), "{text:?} lacks one of {told:?}");
}

/// As [`refused`], for a size that cannot even be counted.
#[track_caller]
fn overflows<T: Debug>(result: Result<T, Error>, argument: Argument) {
    refused(result, Code::Overflow, argument, None, i64::MAX, i64::try_from(isize::MAX).unwrap());
}

const PATTERN: u8 = 0xA5;

/// A call that gets an output of `len` elements and must leave it alone.
#[track_caller]
fn untouched<R>(len: usize, call: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut output = vec![PATTERN; len];
    let result = call(&mut output);
    assert!(output.iter().all(|&element| element == PATTERN), "the output was written: {output:?}");
    result
}

/// A call that gets ragged outputs and must leave them alone.
#[track_caller]
fn untouched_parts<R>(lens: &[usize], call: impl FnOnce(&mut [Vec<u8>]) -> R) -> R {
    let mut parts: Vec<Vec<u8>> = lens.iter().map(|&len| vec![PATTERN; len]).collect();
    let result = call(&mut parts);
    assert!(parts.iter().flatten().all(|&element| element == PATTERN), "a part was written: {parts:?}");
    result
}

fn new<L: Count>(lengths: &[L]) -> Result<Layout<'static>, Error> {
    Layout::new(lengths, vec![0; lengths.len()].leak(), vec![0; lengths.len()].leak())
}

fn from_sorted<L: Count>(lengths: &[L]) -> Result<Layout<'static>, Error> {
    Layout::from_sorted(lengths, vec![0; lengths.len()].leak())
}

fn from_batch_sizes<L: Count>(batch_sizes: &[L], batch: usize) -> Result<Layout<'static>, Error> {
    Layout::from_batch_sizes(batch_sizes, vec![0; batch].leak())
}

#[test]
fn negative_lengths() {
    let (code, argument) = (Code::Negative, Argument::Lengths);
    refused(new(&[3_i32, -1, 2]), code, argument, Some(1), -1, 0);
    refused(new(&[3_i64, 2, i64::MIN]), code, argument, Some(2), i64::MIN, 0);
    // The first of two, in the caller's order.
    refused(new(&[-7_i32, 2, i32::MIN]), code, argument, Some(0), -7, 0);
    refused(from_sorted(&[3_i32, 2, i32::MIN]), code, argument, Some(2), i64::from(i32::MIN), 0);
    refused(from_sorted(&[3_i64, -9]), code, argument, Some(1), -9, 0);
}

#[test]
fn lengths_beyond_i32() {
    let (code, argument) = (Code::Overflow, Argument::Lengths);
    refused(new(&[1, TOO_LONG]), code, argument, Some(1), MAX + 1, MAX);
    refused(new(&[u32::MAX, 1]), code, argument, Some(0), i64::from(u32::MAX), MAX);
    refused(new(&[1, 1, MAX + 1]), code, argument, Some(2), MAX + 1, MAX);
    refused(new(&[i64::MAX]), code, argument, Some(0), i64::MAX, MAX);
    refused(new(&[HUGE]), code, argument, Some(0), told(HUGE), MAX);
    refused(from_sorted(&[HUGE - 1, 0]), code, argument, Some(0), told(HUGE - 1), MAX);
    refused(from_sorted(&[1_u32 << 31]), code, argument, Some(0), MAX + 1, MAX);
    assert!(new(&[MAX_LENGTH]).is_ok());
}

#[test]
fn index_slices_of_another_size() {
    let lengths = [3_u32, 2, 5];
    let (code, lens, order) = (Code::WrongCount, Argument::SortedLengths, Argument::SortedIndices);
    refused(Layout::new(&lengths, &mut [0; 2], &mut [0; 3]), code, lens, None, 2, 3);
    refused(Layout::new(&lengths, &mut [0; 4], &mut [0; 3]), code, lens, None, 4, 3);
    refused(Layout::new(&lengths, &mut [0; 3], &mut [0; 2]), code, order, None, 2, 3);
    refused(Layout::new(&lengths, &mut [0; 3], &mut []), code, order, None, 0, 3);
    refused(Layout::new::<i64>(&[], &mut [], &mut [0]), code, order, None, 1, 0);
    refused(Layout::from_sorted(&[3, 2_i32], &mut [0; 3]), code, lens, None, 3, 2);
    refused(Layout::from_sorted(&[3, 2_i32], &mut []), code, lens, None, 0, 2);
}

#[test]
fn not_sorted() {
    let (code, argument) = (Code::NotSorted, Argument::Lengths);
    refused(from_sorted(&[22_i64, 25]), code, argument, Some(1), 25, 22);
    refused(from_sorted(&[5_usize, 5, 3, 4, 9]), code, argument, Some(3), 4, 3);
    refused(from_sorted(&[0_u32, 1]), code, argument, Some(1), 1, 0);
}

#[test]
fn batch_sizes_that_are_none() {
    let argument = Argument::BatchSizes;
    refused(from_batch_sizes(&[3_u32, 0], 3), Code::Zero, argument, Some(1), 0, 1);
    refused(from_batch_sizes(&[0_i64], 3), Code::Zero, argument, Some(0), 0, 1);
    refused(from_batch_sizes(&[0_usize], 0), Code::Zero, argument, Some(0), 0, 1);
    refused(from_batch_sizes(&[3_u32, 2, 3], 3), Code::Increasing, argument, Some(2), 3, 2);
    // Room for more sequences does not let them join later.
    refused(from_batch_sizes(&[2_usize, 3], 9), Code::Increasing, argument, Some(1), 3, 2);
    refused(from_batch_sizes(&[3_i32, -2], 3), Code::Negative, argument, Some(1), -2, 0);
    refused(from_batch_sizes(&[i64::MIN], 3), Code::Negative, argument, Some(0), i64::MIN, 0);
    refused(from_batch_sizes(&[TOO_LONG], 3), Code::Overflow, argument, Some(0), MAX + 1, MAX);
    refused(from_batch_sizes(&[2, HUGE], 3), Code::Overflow, argument, Some(1), told(HUGE), MAX);
    let lengths = Argument::SortedLengths;
    refused(from_batch_sizes(&[3_u32, 2], 2), Code::WrongCount, lengths, None, 2, 3);
    refused(from_batch_sizes(&[MAX], 0), Code::WrongCount, lengths, None, 0, MAX);
}

#[test]
fn orders_that_are_no_permutation() {
    let with = |order: &[i64]| sorted(&[3, 2, 2]).with_sorted_indices(order, vec![0; 3].leak());
    let argument = Argument::SortedIndices;
    refused(with(&[2, 0, 2]), Code::NotPermutation, argument, Some(2), 2, 3);
    refused(with(&[2, 3, 1]), Code::NotPermutation, argument, Some(1), 3, 3);
    refused(with(&[MAX, 0, 1]), Code::NotPermutation, argument, Some(0), MAX, 3);
    refused(with(&[2, -1, 0]), Code::Negative, argument, Some(1), -1, 0);
    refused(with(&[2, 0, i64::MAX]), Code::Overflow, argument, Some(2), i64::MAX, MAX);
    refused(with(&[1, 0]), Code::WrongCount, argument, None, 2, 3);
    refused(with(&[1, 0, 2, 3]), Code::WrongCount, argument, None, 4, 3);
    let short = sorted(&[3, 2, 2]).with_sorted_indices(&[0_u32, 1, 2], vec![0; 2].leak());
    refused(short, Code::WrongCount, argument, None, 2, 3);
}

#[test]
fn permutations_that_are_none() {
    let invert = |list: &[i32]| invert_permutation(list, &mut vec![0; list.len()]);
    let argument = Argument::Permutation;
    refused(invert(&[1, 1, 0]), Code::NotPermutation, argument, Some(1), 1, 3);
    refused(invert(&[0, 1, 3]), Code::NotPermutation, argument, Some(2), 3, 3);
    refused(invert(&[i32::MAX]), Code::NotPermutation, argument, Some(0), MAX, 1);
    refused(invert(&[0, -3]), Code::Negative, argument, Some(1), -3, 0);
    refused(invert_permutation(&[0, HUGE], &mut [0; 2]), Code::Overflow, argument, Some(1), told(HUGE), MAX);
    // The mark of a free place must not pass for an index.
    let free = i64::from(u32::MAX);
    refused(invert_permutation(&[u32::MAX], &mut [0; 1]), Code::Overflow, argument, Some(0), free, MAX);
    refused(invert_permutation(&[0_u32, 1], &mut [0; 3]), Code::WrongCount, Argument::Output, None, 3, 2);
}

#[test]
fn lists_written_into_another_size() {
    let layout = unsorted(&[1, 3]);
    let pattern = [-77_i64; 5];
    for len in [0, 1, 4, 5] {
        let mut out = pattern;
        let (code, found) = (Code::WrongCount, i64::try_from(len).unwrap());
        refused(layout.write_batch_sizes(&mut out[..len]), code, Argument::BatchSizes, None, found, 3);
        refused(layout.write_sorted_indices(&mut out[..len]), code, Argument::SortedIndices, None, found, 2);
        refused(layout.write_unsorted_indices(&mut out[..len]), code, Argument::UnsortedIndices, None, found, 2);
        refused(layout.write_lengths(&mut out[..len]), code, Argument::Lengths, None, found, 2);
        assert_eq!(out, pattern);
    }
}

#[test]
fn sizes_that_cannot_be_counted() {
    overflows(unsorted(&[1, 1]).packed_len(HUGE), Argument::Features);
    overflows(unsorted(&[MAX_LENGTH, MAX_LENGTH]).packed_len(HUGE / MAX_LENGTH), Argument::Features);
    assert_eq!(unsorted(&[1]).packed_len(HUGE), Ok(HUGE));
    assert_eq!(unsorted(&[0]).packed_len(HUGE), Ok(0));
    overflows(Padded::time_major(HUGE, 1).len(2), Argument::Padded);
    overflows(Padded::batch_first(2, HUGE).len(1), Argument::Padded);
    overflows(Padded::time_major(1 << (usize::BITS / 2), 1 << (usize::BITS / 2)).len(1), Argument::Padded);
    assert_eq!(Padded::time_major(HUGE, 1).len(1), Ok(HUGE));
    assert_eq!(Padded::batch_first(HUGE, HUGE).len(0), Ok(0));
}

#[test]
fn pack_padded_beyond_time() {
    // The caller's first, not the longest and not the first in sorted order.
    let layout = unsorted(&[1, 4, 2, 5]);
    for shape in [Padded::batch_first(3, 2), Padded::time_major(3, 2).left()] {
        let result = untouched(24, |output| pack_padded_sequence(&layout, shape, &[0; 24], output));
        refused(result, Code::BeyondTime, Argument::Lengths, Some(1), 4, 3);
    }
    let result = untouched(3, |output| pack_padded_sequence(&sorted(&[2, 1]), Padded::time_major(0, 1), &[], output));
    refused(result, Code::BeyondTime, Argument::Lengths, Some(0), 2, 0);
}

#[test]
fn pack_padded_wrong_len() {
    for (layout, shape) in [(unsorted(&[1, 3]), Padded::batch_first(4, 2)), (sorted(&[3, 1]), Padded::time_major(4, 2))]
    {
        for len in [0, 15, 17] {
            let result = untouched(8, |output| pack_padded_sequence(&layout, shape, &vec![0; len], output));
            refused(result, Code::WrongLen, Argument::Input, None, i64::try_from(len).unwrap(), 16);
        }
        for len in [0, 7, 9] {
            let result = untouched(len, |output| pack_padded_sequence(&layout, shape, &[0; 16], output));
            refused(result, Code::WrongLen, Argument::Output, None, i64::try_from(len).unwrap(), 8);
        }
    }
}

#[test]
fn pack_padded_overflow() {
    let layout = unsorted(&[1, 3]);
    for shape in [Padded::time_major(HUGE, 1), Padded::batch_first(3, HUGE), Padded::batch_first(HUGE, HUGE).left()] {
        overflows(untouched(4, |output| pack_padded_sequence(&layout, shape, &[0; 6], output)), Argument::Padded);
    }
    // Countable, but no slice is that large: a plain difference of lengths.
    let shape = Padded::time_major(1, HUGE);
    let result = untouched(4, |output| pack_padded_sequence(&sorted(&[1]), shape, &[0; 6], output));
    refused(result, Code::WrongLen, Argument::Input, None, 6, told(HUGE));
}

#[test]
fn pack_sequence_refusals() {
    let layout = unsorted(&[1, 3, 2]);
    let parts = |lens: &[usize]| -> Vec<Vec<u8>> { lens.iter().map(|&len| vec![0; len]).collect() };
    let pack = |lens: &[usize], len: usize| untouched(len, |output| pack_sequence(&layout, 2, &parts(lens), output));
    refused(pack(&[2, 6], 12), Code::WrongCount, Argument::Sequences, None, 2, 3);
    refused(pack(&[2, 6, 4, 0], 12), Code::WrongCount, Argument::Sequences, None, 4, 3);
    refused(pack(&[], 12), Code::WrongCount, Argument::Sequences, None, 0, 3);
    refused(pack(&[2, 6, 5], 12), Code::WrongLen, Argument::Sequences, Some(2), 5, 4);
    refused(pack(&[0, 6, 4], 12), Code::WrongLen, Argument::Sequences, Some(0), 0, 2);
    // The caller's first of two, although it comes later in sorted order; their sum is right.
    refused(pack(&[3, 5, 4], 12), Code::WrongLen, Argument::Sequences, Some(0), 3, 2);
    refused(pack(&[2, 6, 4], 11), Code::WrongLen, Argument::Output, None, 11, 12);
    refused(pack(&[2, 6, 4], 13), Code::WrongLen, Argument::Output, None, 13, 12);
    let result = untouched(12, |output| pack_sequence(&layout, HUGE, &parts(&[2, 6, 4]), output));
    overflows(result, Argument::Features);
    let result = untouched(0, |output| pack_sequence(&layout, 0, &parts(&[0, 0, 1]), output));
    refused(result, Code::WrongLen, Argument::Sequences, Some(2), 1, 0);
}

#[test]
fn pad_packed_refusals() {
    let fill = Fill::Value(1);
    for (layout, shape) in [(unsorted(&[1, 3]), Padded::batch_first(4, 2)), (sorted(&[3, 1]), Padded::time_major(4, 2))]
    {
        for len in [0, 7, 9] {
            let result = untouched(16, |output| pad_packed_sequence(&layout, shape, &vec![0; len], fill, output));
            refused(result, Code::WrongLen, Argument::Input, None, i64::try_from(len).unwrap(), 8);
        }
        for len in [0, 15, 17] {
            let result = untouched(len, |output| pad_packed_sequence(&layout, shape, &[0; 8], fill, output));
            refused(result, Code::WrongLen, Argument::Output, None, i64::try_from(len).unwrap(), 16);
        }
    }
    let layout = unsorted(&[1, 3]);
    for steps in [0, 1, 2] {
        let shape = Padded::batch_first(steps, 2);
        let result = untouched(4 * steps, |output| pad_packed_sequence(&layout, shape, &[0; 8], fill, output));
        refused(result, Code::TotalLength, Argument::Padded, None, i64::try_from(steps).unwrap(), 3);
    }
    for shape in [Padded::time_major(HUGE, 2), Padded::batch_first(3, HUGE).left()] {
        for fill in [fill, Fill::Last(1)] {
            let result = untouched(8, |output| pad_packed_sequence(&layout, shape, &[0; 8], fill, output));
            overflows(result, Argument::Padded);
        }
    }
}

#[test]
fn unpack_sequence_refusals() {
    let layout = unsorted(&[1, 3, 2]);
    let unpack =
        |len: usize, lens: &[usize]| untouched_parts(lens, |parts| unpack_sequence(&layout, 2, &vec![0; len], parts));
    refused(unpack(12, &[2, 6]), Code::WrongCount, Argument::Sequences, None, 2, 3);
    refused(unpack(12, &[2, 6, 4, 0]), Code::WrongCount, Argument::Sequences, None, 4, 3);
    refused(unpack(12, &[2, 5, 4]), Code::WrongLen, Argument::Sequences, Some(1), 5, 6);
    refused(unpack(12, &[3, 5, 4]), Code::WrongLen, Argument::Sequences, Some(0), 3, 2);
    refused(unpack(11, &[2, 6, 4]), Code::WrongLen, Argument::Input, None, 11, 12);
    refused(unpack(13, &[2, 6, 4]), Code::WrongLen, Argument::Input, None, 13, 12);
    let result = untouched_parts(&[2, 6, 4], |parts| unpack_sequence(&layout, HUGE, &[0; 12], parts));
    overflows(result, Argument::Features);
}

#[test]
fn pad_sequence_refusals() {
    let pad = |shape: Padded, lens: &[usize], len: usize| {
        let parts: Vec<Vec<u8>> = lens.iter().map(|&len| vec![0; len]).collect();
        untouched(len, |output| pad_sequence(shape, &parts, Fill::Value(1), output))
    };
    for shape in [Padded::batch_first(2, 3), Padded::time_major(2, 3).left()] {
        refused(pad(shape, &[6, 4], 12), Code::NotRows, Argument::Sequences, Some(1), 4, 3);
        refused(pad(shape, &[1, 4], 12), Code::NotRows, Argument::Sequences, Some(0), 1, 3);
        refused(pad(shape, &[6, 9], 12), Code::BeyondTime, Argument::Sequences, Some(1), 3, 2);
        refused(pad(shape, &[6, 3], 11), Code::WrongLen, Argument::Output, None, 11, 12);
        refused(pad(shape, &[6, 3], 13), Code::WrongLen, Argument::Output, None, 13, 12);
    }
    refused(pad(Padded::batch_first(0, 3), &[3], 0), Code::BeyondTime, Argument::Sequences, Some(0), 1, 0);
    // Without features no element is part of a row.
    refused(pad(Padded::batch_first(2, 0), &[0, 1], 0), Code::NotRows, Argument::Sequences, Some(1), 1, 0);
    overflows(pad(Padded::time_major(HUGE, 1), &[1, 1], 2), Argument::Padded);
    overflows(pad(Padded::batch_first(2, HUGE).left(), &[1, 1], 2), Argument::Padded);
}

#[test]
fn unpad_sequence_refusals() {
    let shape = Padded::batch_first(3, 2);
    fn unpad<L: Count>(shape: Padded, lengths: &[L], len: usize, lens: &[usize]) -> Result<(), Error> {
        untouched_parts(lens, |parts| unpad_sequence(shape, lengths, &vec![0; len], parts))
    }
    let lengths = Argument::Lengths;
    refused(unpad(shape, &[2_i32, -1], 12, &[4, 0]), Code::Negative, lengths, Some(1), -1, 0);
    refused(unpad(shape, &[2, HUGE], 12, &[4, 0]), Code::Overflow, lengths, Some(1), told(HUGE), MAX);
    refused(unpad(shape, &[2_u32, 4], 12, &[4, 8]), Code::BeyondTime, lengths, Some(1), 4, 3);
    refused(unpad(shape, &[2_i64], 12, &[4, 0]), Code::WrongCount, lengths, None, 1, 2);
    refused(unpad(shape, &[2_i64, 0, 0], 12, &[4, 0]), Code::WrongCount, lengths, None, 3, 2);
    refused(unpad(shape, &[2_u32, 3], 11, &[4, 6]), Code::WrongLen, Argument::Input, None, 11, 12);
    refused(unpad(shape, &[2_u32, 3], 13, &[4, 6]), Code::WrongLen, Argument::Input, None, 13, 12);
    refused(unpad(shape, &[2_u32, 3], 12, &[4, 5]), Code::WrongLen, Argument::Sequences, Some(1), 5, 6);
    refused(unpad(shape, &[0_u32, 3], 12, &[1, 5]), Code::WrongLen, Argument::Sequences, Some(0), 1, 0);
    overflows(unpad(Padded::time_major(HUGE, 1), &[1_u32, 1], 2, &[1, 1]), Argument::Padded);
    overflows(unpad(Padded::batch_first(3, HUGE).left(), &[1_u32, 1], 2, &[1, 1]), Argument::Padded);
}

/// The sum of the lengths overflows only where a `usize` has 32 bits.
#[cfg(target_pointer_width = "32")]
#[test]
fn too_many_tokens() {
    let error = new(&[MAX_LENGTH; 3]).unwrap_err();
    assert_eq!((error.code, error.argument, error.index), (Code::Overflow, Argument::Lengths, Some(2)));
}

/// A rectangle without rows has no elements, however many a row would have.
#[test]
fn huge_rows_that_are_not_there() {
    let none: [usize; 0] = [];
    for features in [HUGE / 2 + 1, HUGE] {
        for shape in [Padded::batch_first(2, features), Padded::time_major(2, features)] {
            for shape in [shape, shape.left()] {
                let mut memory = [[0; 0]; 2];
                let [lengths, order] = &mut memory;
                let layout = Layout::new(&none, lengths, order).unwrap();
                pack_padded_sequence::<f32>(&layout, shape, &[], &mut []).unwrap();
                pad_packed_sequence::<f32>(&layout, shape, &[], Fill::Value(0.0), &mut []).unwrap();
                pad_sequence::<f32, &[f32]>(shape, &[], Fill::Last(0.0), &mut []).unwrap();
                unpad_sequence::<f32, usize, &mut [f32]>(shape, &[], &[], &mut []).unwrap();
            }
        }
        for shape in [Padded::batch_first(0, features), Padded::time_major(0, features)] {
            for shape in [shape, shape.left()] {
                let (mut lengths, mut order) = ([0; 3], [0; 3]);
                let layout = Layout::new(&[0; 3], &mut lengths, &mut order).unwrap();
                pack_padded_sequence::<f32>(&layout, shape, &[], &mut []).unwrap();
                for fill in [Fill::Value(0.0), Fill::Last(0.0)] {
                    pad_packed_sequence::<f32>(&layout, shape, &[], fill, &mut []).unwrap();
                }
                pad_sequence::<f32, &[f32]>(shape, &[&[][..]; 3], Fill::Value(0.0), &mut []).unwrap();
                unpad_sequence::<f32, usize, _>(shape, &[0; 3], &[], &mut [[0.0; 0]; 3]).unwrap();
            }
        }
    }
}

/// Sizes that fit, nearly fit, and fit nowhere.
fn size() -> impl Strategy<Value = usize> {
    let odd = vec![1 << 16, TOO_LONG - 1, TOO_LONG, HUGE / 2, HUGE / 2 + 1, HUGE - 1, HUGE, 1 << (usize::BITS / 2)];
    prop_oneof![6 => 0..5_usize, 1 => 0..80_usize, 1 => select(odd)]
}

fn signed() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0..5_i64, 1 => select(vec![-1, i64::MIN, MAX, MAX + 1, i64::from(u32::MAX), i64::MAX])]
}

fn shape() -> impl Strategy<Value = Padded> {
    (size(), size(), any::<bool>(), any::<bool>()).prop_map(|(steps, features, batch_first, left)| {
        let shape =
            if batch_first { Padded::batch_first(steps, features) } else { Padded::time_major(steps, features) };
        if left { shape.left() } else { shape }
    })
}

/// A slice that fits where it can be had, so that the work begins, else one that does not.
fn len_near(fitting: Result<usize, Error>, other: usize) -> usize {
    match fitting {
        Ok(len) if len < 1 << 16 && !other.is_multiple_of(4) => len,
        _ => other % 100,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any result will do, but no panic: tests count every overflow as one.
    #[test]
    fn no_layout_panics(
        lengths in vec(signed(), 0..6), counts in (0..7_usize, 0..7_usize), order in vec(signed(), 0..6), t in size(),
    ) {
        let (mut a, mut b) = (vec![u32::MAX; counts.0], vec![u32::MAX; counts.1]);
        let (mut c, mut d) = (vec![3; lengths.len()], vec![3; lengths.len()]);
        let mut list = vec![1_i32; counts.0];
        let _ = invert_permutation(&order, &mut a);
        let _ = Layout::new(&lengths, &mut a, &mut b);
        let _ = Layout::from_sorted(&lengths, &mut a);
        let layouts = [
            Layout::from_batch_sizes(&lengths, &mut a),
            Layout::from_batch_sizes(&order, &mut c).and_then(|layout| layout.with_sorted_indices(&order, &mut b)),
            Layout::new(&lengths, &mut d, vec![0; lengths.len()].leak()),
        ];
        for layout in layouts.into_iter().flatten() {
            let _ = layout.packed_len(t);
            prop_assert!(layout.offset(t) <= layout.tokens());
            prop_assert!(layout.batch_size(t) <= layout.batch());
            let mut walk = layout.walk();
            let _ = (walk.next_back(), walk.next(), walk.next_back(), walk.next(), walk.len());
            let _ = layout.write_batch_sizes(&mut list);
            let _ = layout.write_sorted_indices(&mut list);
            let _ = layout.write_unsorted_indices(&mut list);
            let _ = layout.write_lengths(&mut list);
        }
    }

    /// The first entry that is out of range or was there before is named, whichever it is.
    #[test]
    fn any_list_is_a_permutation_or_not(list in vec(0..6_i64, 0..6)) {
        let wrong = (0..list.len()).find(|&i| list[i] >= list.len() as i64 || list[..i].contains(&list[i]));
        let inverted = invert_permutation(&list, &mut vec![0; list.len()]);
        let ordered = sorted(&vec![1; list.len()]).with_sorted_indices(&list, vec![0; list.len()].leak());
        match wrong {
            None => prop_assert!(inverted.is_ok() && ordered.is_ok()),
            Some(i) => {
                let count = list.len() as i64;
                refused(inverted, Code::NotPermutation, Argument::Permutation, Some(i), list[i], count);
                refused(ordered, Code::NotPermutation, Argument::SortedIndices, Some(i), list[i], count);
            }
        }
    }

    #[test]
    fn no_copy_panics(
        lengths in vec(size(), 0..5), shape in shape(), other in size(), wanted in 0..100_usize, last in any::<bool>(),
        parts in vec(0..20_usize, 0..5),
    ) {
        let fill = if last { Fill::Last(1_u8) } else { Fill::Value(1) };
        let rectangle = vec![2_u8; len_near(shape.len(lengths.len()), other)];
        let mut padded = vec![3_u8; len_near(shape.len(lengths.len()), wanted)];
        let fitting = |length| len_near(Padded::time_major(length, shape.features).len(1), wanted);
        let mut ragged: Vec<Vec<u8>> = lengths.iter().map(|&length| vec![4; fitting(length)]).collect();
        let parts: Vec<Vec<u8>> = parts.into_iter().map(|len| vec![5; len]).collect();
        let _ = pad_sequence(shape, &ragged, fill, &mut padded);
        let _ = pad_sequence(shape, &parts, fill, &mut padded);
        let _ = unpad_sequence(shape, &lengths, &rectangle, &mut ragged);
        let Ok(layout) = new(&lengths) else { return Ok(()) };
        let mut packed = vec![6_u8; len_near(layout.packed_len(shape.features), wanted)];
        let _ = pack_padded_sequence(&layout, shape, &rectangle, &mut packed);
        let _ = pack_sequence(&layout, shape.features, &ragged, &mut packed);
        let _ = pack_sequence(&layout, shape.features, &parts, &mut packed);
        let _ = pad_packed_sequence(&layout, shape, &packed, fill, &mut padded);
        let _ = unpack_sequence(&layout, shape.features, &packed, &mut ragged);
    }
}

/// A container whose slice is another one at every call: against its trait's spirit, but safe code.
struct Moody {
    calls: std::cell::Cell<usize>,
    slices: [Vec<u8>; 2],
}

impl Moody {
    fn new(first: usize, then: usize) -> Self {
        Self { calls: 0.into(), slices: [vec![1; first], vec![2; then]] }
    }
}

impl AsRef<[u8]> for Moody {
    fn as_ref(&self) -> &[u8] {
        &self.slices[usize::from(self.calls.replace(self.calls.get() + 1) > 0)]
    }
}

impl AsMut<[u8]> for Moody {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.slices[usize::from(self.calls.replace(self.calls.get() + 1) > 0)]
    }
}

#[test]
fn containers_that_change_between_calls() {
    let layout = sorted(&[2, 2]);
    for then in [0, 1, 3, 4, 100] {
        let moody = || [Moody::new(4, then), Moody::new(4, then)];
        let _ = pack_sequence(&layout, 2, &moody(), &mut [0; 8]);
        let _ = unpack_sequence(&layout, 2, &[0; 8], &mut moody());
        let _ = unpad_sequence(Padded::batch_first(2, 2), &[2_u32, 2], &[0; 8], &mut moody());
        let _ = pad_sequence(Padded::batch_first(2, 2), &moody(), Fill::Last(1), &mut [0; 8]);
    }
}

#[test]
fn containers_that_grow_on_the_left() {
    let moody = [Moody::new(4, 100), Moody::new(4, 100)];
    let _ = pad_sequence(Padded::batch_first(2, 2).left(), &moody, Fill::Last(1), &mut [0; 8]);
}

/// Rows without features cost nothing, whatever the number of steps: there is nothing to write.
#[test]
fn no_features_and_all_the_time() {
    let shape = Padded::batch_first(HUGE, 0);
    for fill in [Fill::Value(1_u8), Fill::Last(1)] {
        assert_eq!(pad_sequence(shape, &[[]], fill, &mut []), Ok(()));
        assert_eq!(pad_packed_sequence(&sorted(&[1]), shape, &[], fill, &mut []), Ok(()));
    }
}
