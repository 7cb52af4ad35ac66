//! A stable sort by descending length in two slices, without scratch and without a panic.
//!
//! A heap sort on the pair (length descending, index ascending): no two pairs are equal, so the order is the stable
//! one. `core`'s sorts cost 4 to 10 KB of code on a microcontroller and keep a panic.

/// Sorts `lengths` in descending order and `indices` along with it. The slices have one size, and `indices` must
/// rise at first, which is what makes the result stable.
pub(super) fn by_length(lengths: &mut [u32], indices: &mut [u32]) {
    if lengths.is_sorted_by(|a, b| a >= b) {
        return;
    }
    let count = lengths.len();
    for root in (0..count / 2).rev() {
        sift_down(lengths, indices, root, count);
    }
    for end in (1..count).rev() {
        swap(lengths, indices, 0, end);
        sift_down(lengths, indices, 0, end);
    }
}

/// Restores the heap below `root`, whose top is the pair that comes last in the order.
fn sift_down(lengths: &mut [u32], indices: &mut [u32], mut root: usize, end: usize) {
    loop {
        let left = 2 * root + 1;
        if left >= end {
            return;
        }
        let right = left + 1;
        let child =
            if right < end && key(lengths, indices, right) > key(lengths, indices, left) { right } else { left };
        if key(lengths, indices, root) >= key(lengths, indices, child) {
            return;
        }
        swap(lengths, indices, root, child);
        root = child;
    }
}

/// Grows along the order: with falling lengths, then with rising indices.
fn key(lengths: &[u32], indices: &[u32], at: usize) -> u64 {
    match (lengths.get(at), indices.get(at)) {
        (Some(&length), Some(&index)) => u64::from(!length) << 32 | u64::from(index),
        _ => 0,
    }
}

fn swap(lengths: &mut [u32], indices: &mut [u32], a: usize, b: usize) {
    for slice in [lengths, indices] {
        if let Ok([a, b]) = slice.get_disjoint_mut([a, b]) {
            core::mem::swap(a, b);
        }
    }
}
