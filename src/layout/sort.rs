//! A stable sort by descending length in two slices, without scratch and without a panic.
//!
//! Shell's sort on the pair (length descending, index ascending): no two pairs are equal, so the order is the stable
//! one. `core`'s sorts cost 4 to 10 KB of code on a microcontroller and keep a panic; a heap takes twice the code of this
//! and is slower up to a thousand sequences, and no faster with a million.

use crate::device::{SMALL, one_turn};

/// Sorts `lengths` in descending order and `indices` along with it. The slices have one size, and `indices` must
/// rise at first, which is what makes the result stable.
pub(super) fn by_length(lengths: &mut [u32], indices: &mut [u32]) {
    // A microcontroller has no code for that.
    if !SMALL && lengths.is_sorted_by(|a, b| a >= b) {
        return;
    }
    let count = lengths.len();
    // With Knuth's gaps, 1, 4, 13, 40, ..., at most O(count^1.5).
    let mut gap = 1;
    while 3 * gap + 3 <= count {
        one_turn();
        gap = 3 * gap + 1;
    }
    while gap > 0 {
        for end in gap..count {
            let pair = get(lengths, indices, end);
            let mut hole = end;
            while let Some(before) = hole.checked_sub(gap) {
                let other = get(lengths, indices, before);
                if other < pair {
                    break;
                }
                set(lengths, indices, hole, other);
                hole = before;
            }
            set(lengths, indices, hole, pair);
        }
        gap /= 3;
    }
}

/// The pair at a place as a number that grows along the order: with falling lengths, then with rising indices.
#[inline(always)]
fn get(lengths: &[u32], indices: &[u32], at: usize) -> u64 {
    match (lengths.get(at), indices.get(at)) {
        (Some(&length), Some(&index)) => u64::from(!length) << 32 | u64::from(index),
        _ => 0,
    }
}

#[inline(always)]
fn set(lengths: &mut [u32], indices: &mut [u32], at: usize, pair: u64) {
    if let (Some(length), Some(index)) = (lengths.get_mut(at), indices.get_mut(at)) {
        (*length, *index) = (!(pair >> 32) as u32, pair as u32);
    }
}
