//! What becomes of finished sums: the epilogue, and the new states written.
//!
//! An epilogue is two chains of operations, one after the other, and each operation waits for the one before. A CPU looks
//! ahead for others that need not wait, but not so far as the next epilogue. So two vectors go side by side where there
//! are registers for two, and all make the first half before any makes the second.

use super::Simd;
use super::pair::Pair;
use super::pass::{Carry, Epilogue, TileRows};
use core::mem::MaybeUninit;

/// The sums of one vector of units of one row.
pub(super) struct Done<F, const G: usize> {
    pub(super) sum: [F; G],
    /// The input half of the last gate, where it is kept apart.
    pub(super) half: F,
    pub(super) r: usize,
    /// The first of the units.
    pub(super) unit: usize,
    /// How many units, if they are less than a vector.
    pub(super) count: Option<usize>,
}

/// Sums that are done. Not a closure, which could become a function without the backend's features.
pub(super) trait Finished<S: Simd, const G: usize> {
    /// Those of one vector of units.
    fn done(&self, s: S, i: usize) -> Done<S::F, G>;
}

/// The most vectors that are handed over at once.
const MOST: usize = 16;

/// Hands `count` vectors of sums, at most [`MOST`], to the epilogue and writes the new states.
///
/// # Safety
/// The rows hold the units of each.
#[inline(always)]
pub(super) unsafe fn finish_all<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    rows: &TileRows<R>,
    count: usize,
    sums: &impl Finished<S, G>,
) {
    let pairs = if S::PAIRS { count.min(MOST) / 2 } else { 0 };
    let mut between = MaybeUninit::<[E::Between<[S::F; 2]>; MOST / 2]>::uninit();
    let between = between.as_mut_ptr().cast::<E::Between<[S::F; 2]>>();
    // SAFETY: the caller's promise, for each; `pairs` is at most `MOST / 2`, and what is read has been written.
    unsafe {
        for pair in 0..pairs {
            let two = [sums.done(s, 2 * pair), sums.done(s, 2 * pair + 1)];
            between.add(pair).write(begin_two::<S, E, G, R>(s, rows, two));
        }
        for pair in 0..pairs {
            let two = [sums.done(s, 2 * pair), sums.done(s, 2 * pair + 1)];
            end_two::<S, E, G, R>(s, rows, two, between.add(pair).read());
        }
        for i in 2 * pairs..count {
            let one = sums.done(s, i);
            let (new, carried) = E::finish(s, one.sum, one.half, carried::<S, E, G, R>(s, rows, &one));
            write::<S, E, G, R>(s, rows, &one, new, carried);
        }
    }
}

/// The first half of two vectors.
///
/// # Safety
/// The rows hold the units of each.
#[inline(always)]
pub(super) unsafe fn begin_two<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    rows: &TileRows<R>,
    [a, b]: [Done<S::F, G>; 2],
) -> E::Between<[S::F; 2]> {
    let mut sum = [[s.splat(0.0); 2]; G];
    for (sum, (a, b)) in sum.iter_mut().zip(a.sum.into_iter().zip(b.sum)) {
        *sum = [a, b];
    }
    // SAFETY: the caller's promise.
    let carried = unsafe { [carried::<S, E, G, R>(s, rows, &a), carried::<S, E, G, R>(s, rows, &b)] };
    E::begin(Pair(s), sum, [a.half, b.half], carried)
}

/// The second half of two vectors, of which only the place is looked at; the new states are written.
///
/// # Safety
/// The rows hold the units of each.
#[inline(always)]
pub(super) unsafe fn end_two<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    rows: &TileRows<R>,
    done: [Done<S::F, G>; 2],
    between: E::Between<[S::F; 2]>,
) {
    let [a, b] = &done;
    // SAFETY: the caller's promise.
    let carried = unsafe { [carried::<S, E, G, R>(s, rows, a), carried::<S, E, G, R>(s, rows, b)] };
    let (new, carried) = E::end(Pair(s), between, carried);
    for (done, (new, carried)) in done.iter().zip(new.into_iter().zip(carried)) {
        // SAFETY: the caller's promise.
        unsafe { write::<S, E, G, R>(s, rows, done, new, carried) }
    }
}

/// The value that the epilogue carries.
///
/// # Safety
/// The rows hold the units.
#[inline(always)]
unsafe fn carried<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    rows: &TileRows<R>,
    done: &Done<S::F, G>,
) -> S::F {
    let row = match E::CARRY {
        Carry::None => None,
        Carry::Second => rows.c.get(done.r).map(|row| row.cast_const()),
        Carry::Same => rows.h.get(done.r).copied(),
    };
    let Some(row) = row else { return s.splat(0.0) };
    // SAFETY: the row holds the units.
    unsafe {
        match done.count {
            Some(count) => s.load_part(row.add(done.unit), count),
            None => s.load(row.add(done.unit)),
        }
    }
}

/// Writes the new state, and the carried value where it is a second state.
///
/// # Safety
/// The rows hold the units.
#[inline(always)]
unsafe fn write<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    rows: &TileRows<R>,
    done: &Done<S::F, G>,
    new: S::F,
    carried: S::F,
) {
    let second = if E::CARRY == Carry::Second { rows.c.get(done.r) } else { None };
    for (row, value) in [(rows.out.get(done.r), new), (second, carried)] {
        let Some(row) = row else { continue };
        // SAFETY: the row holds the units.
        unsafe {
            match done.count {
                Some(count) => s.store_part(row.add(done.unit), value, count),
                None => s.store(row.add(done.unit), value),
            }
        }
    }
}
