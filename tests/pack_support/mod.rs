//! What the tests of packing share: element types, the naive model, and layouts that need no buffers at hand.
#![allow(dead_code)]

use packed_rnn::{Fill, Layout, Padded};
use std::fmt::Debug;

/// The naive order: a stable sort of the standard library.
pub fn order(lengths: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&sequence| std::cmp::Reverse(lengths[sequence]));
    order
}

/// The naive batch sizes: a count over all sequences for each step.
pub fn batch_sizes(lengths: &[usize]) -> Vec<usize> {
    let steps = lengths.iter().copied().max().unwrap_or(0);
    (0..steps).map(|t| lengths.iter().filter(|&&length| length > t).count()).collect()
}

/// A layout whose few index entries are leaked, so that a test is not about buffers.
pub fn unsorted(lengths: &[usize]) -> Layout<'static> {
    Layout::new(lengths, vec![7; lengths.len()].leak(), vec![7; lengths.len()].leak()).unwrap()
}

/// As [`unsorted`], for lengths that are in decreasing order.
pub fn sorted(lengths: &[usize]) -> Layout<'static> {
    Layout::from_sorted(lengths, vec![7; lengths.len()].leak()).unwrap()
}

/// The four shapes of one rectangle.
pub fn shapes(steps: usize, features: usize) -> [Padded; 4] {
    let (time_major, batch_first) = (Padded::time_major(steps, features), Padded::batch_first(steps, features));
    [time_major, batch_first, time_major.left(), batch_first.left()]
}

/// An element type with values to tell apart, two poisons for padding, and an equality that knows NaN.
pub trait Element: Copy + Debug {
    fn value(i: usize) -> Self;
    fn poison() -> Self;
    fn other_poison() -> Self;
    fn same(self, other: Self) -> bool;
}

impl Element for u8 {
    fn value(i: usize) -> Self {
        (i % 251) as u8
    }
    fn poison() -> Self {
        251
    }
    fn other_poison() -> Self {
        252
    }
    fn same(self, other: Self) -> bool {
        self == other
    }
}

impl Element for f32 {
    fn value(i: usize) -> Self {
        i as f32
    }
    fn poison() -> Self {
        f32::NAN
    }
    fn other_poison() -> Self {
        -1.0
    }
    /// Copies keep every bit, also those of a NaN.
    fn same(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Element for f64 {
    fn value(i: usize) -> Self {
        i as f64
    }
    fn poison() -> Self {
        f64::NAN
    }
    fn other_poison() -> Self {
        f64::INFINITY
    }
    fn same(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Element for [u8; 3] {
    fn value(i: usize) -> Self {
        [(i >> 16) as u8, (i >> 8) as u8, i as u8]
    }
    fn poison() -> Self {
        [255; 3]
    }
    fn other_poison() -> Self {
        [254; 3]
    }
    fn same(self, other: Self) -> bool {
        self == other
    }
}

impl Element for (u16, u64) {
    fn value(i: usize) -> Self {
        (i as u16, !(i as u64))
    }
    fn poison() -> Self {
        (u16::MAX, 0)
    }
    fn other_poison() -> Self {
        (u16::MAX, 1)
    }
    fn same(self, other: Self) -> bool {
        self == other
    }
}

#[track_caller]
pub fn assert_same<T: Element>(found: &[T], expected: &[T], what: &dyn Debug) {
    let same = found.len() == expected.len() && found.iter().zip(expected).all(|(&a, &b)| a.same(b));
    assert!(same, "{what:?}: found {found:?}, expected {expected:?}");
}

/// Sequences in the caller's order, element `i` of them all being `T::value(i)`.
pub fn sequences<T: Element>(lengths: &[usize], features: usize) -> Vec<Vec<T>> {
    let mut i = 0..;
    lengths.iter().map(|&length| i.by_ref().take(length * features).map(T::value).collect()).collect()
}

/// The naive packed batch.
pub fn packed<T: Element>(lengths: &[usize], features: usize, sequences: &[Vec<T>]) -> Vec<T> {
    let mut packed = Vec::new();
    for t in 0..lengths.iter().copied().max().unwrap_or(0) {
        for &sequence in order(lengths).iter().filter(|&&sequence| lengths[sequence] > t) {
            packed.extend(&sequences[sequence][t * features..(t + 1) * features]);
        }
    }
    packed
}

/// The naive rectangle, one element after another by its coordinates.
pub fn rectangle<T: Element>(lengths: &[usize], shape: Padded, sequences: &[Vec<T>], fill: Fill<T>) -> Vec<T> {
    let (batch, steps, features) = (lengths.len(), shape.steps, shape.features);
    let element = |sequence: usize, time: usize, feature: usize| {
        let length = lengths[sequence];
        let first = if shape.left { steps - length } else { 0 };
        if time >= first && time < first + length {
            return sequences[sequence][(time - first) * features + feature];
        }
        match fill {
            Fill::Last(_) if time >= first && length > 0 => sequences[sequence][(length - 1) * features + feature],
            Fill::Value(value) | Fill::Last(value) => value,
        }
    };
    let mut rectangle = Vec::with_capacity(batch * steps * features);
    let (outer, inner) = if shape.batch_first { (batch, steps) } else { (steps, batch) };
    for a in 0..outer {
        for b in 0..inner {
            let (sequence, time) = if shape.batch_first { (a, b) } else { (b, a) };
            rectangle.extend((0..features).map(|feature| element(sequence, time, feature)));
        }
    }
    rectangle
}
