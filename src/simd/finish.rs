//! What becomes of finished sums: the epilogue, and the new states written.
//!
//! An epilogue is two chains of operations, one after the other, and each operation waits for the one before. A CPU looks
//! ahead for others that need not wait, but not so far as the next epilogue. So four vectors go side by side, and all
//! make the first half before any makes the second.
//!
//! The sums wait in memory, wherever a tile has left them, so that this is written once for all.

use super::epilogue::{Carry, Epilogue};
use super::pair::Pair;
use super::{Kernel, Simd, Values};
use crate::weights::panel::BLOCK;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// The most vectors of units whose first halves are kept until their second.
pub(super) const MOST: usize = 24;

/// Vectors that are kept of each vector of units: the sums of at most four gates, the last of which may be the input half
/// of a gate that is kept apart.
pub(super) const SUMS: usize = 4;

/// Where the states of a vector of units are.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The value that the epilogue carries; null where it carries none.
    pub(super) carried: *mut f32,
    pub(super) out: *mut f32,
}

impl Place {
    pub(super) const NONE: Self = Self { carried: core::ptr::null_mut(), out: core::ptr::null_mut() };
}

/// How the sums of some vectors of units wait.
pub(super) trait Waiting {
    /// From the first float to the sums of a gate of vector `i`.
    fn sums<S: Simd>(&self, i: usize, gate: usize) -> usize;
    /// To the input half of the last of `gates`, where it is kept apart.
    fn half<S: Simd>(&self, i: usize, gates: usize) -> usize;
    /// The units of vector `i` if they are less than whole.
    fn part<S: Simd>(&self, i: usize) -> Option<usize>;
}

/// In whole vectors, `SUMS` for each vector of units.
pub(super) struct Whole;

impl Waiting for Whole {
    #[inline(always)]
    fn sums<S: Simd>(&self, i: usize, gate: usize) -> usize {
        (i * SUMS + gate) * S::LANES
    }

    #[inline(always)]
    fn half<S: Simd>(&self, i: usize, gates: usize) -> usize {
        self.sums::<S>(i, gates)
    }

    #[inline(always)]
    fn part<S: Simd>(&self, _: usize) -> Option<usize> {
        None
    }
}

/// Floats of the tail's sums for one row: at most 4 gates of 15 units, in whole vectors.
pub(super) const FLAT: usize = 4 * BLOCK;
/// From one row's sums to the next: behind them are the sums of the input half, where a gate is kept apart.
pub(super) const ROW: usize = 2 * FLAT;
/// Where the input half of the last gate is among a row's floats.
pub(super) const fn half(gates: usize, width: usize) -> usize {
    FLAT + (gates - 1) * width
}

/// How a tail's sums wait: gate after gate of `width` units.
pub(super) struct Flats {
    /// From one vector's sums to those of the next.
    pub(super) step: usize,
    pub(super) width: usize,
    /// To the input half of the gate that is kept apart.
    pub(super) half: usize,
    /// The units of the first vector, and how many fewer each has than the one before.
    pub(super) units: usize,
    pub(super) fewer: usize,
}

impl Waiting for Flats {
    #[inline(always)]
    fn sums<S: Simd>(&self, i: usize, gate: usize) -> usize {
        i * self.step + gate * self.width
    }

    #[inline(always)]
    fn half<S: Simd>(&self, i: usize, _: usize) -> usize {
        i * self.step + self.half
    }

    #[inline(always)]
    fn part<S: Simd>(&self, i: usize) -> Option<usize> {
        let units = self.units.wrapping_sub(i * self.fewer);
        (units < S::LANES).then_some(units)
    }
}

/// The epilogue of at most [`MOST`] vectors of units.
pub(super) struct Finish<'a, E, W, const G: usize> {
    sums: *const f32,
    waiting: W,
    places: &'a [Place],
    epilogue: PhantomData<E>,
}

impl<'a, E: Epilogue<G>, W: Waiting, const G: usize> Finish<'a, E, W, G> {
    /// # Safety
    /// Until it has run, the sums of each place may be read in whole vectors, and its units may be read and written in the
    /// rows of states.
    #[inline(always)]
    pub(super) unsafe fn of(sums: *const f32, waiting: W, places: &'a [Place]) -> Self {
        Self { sums, waiting, places, epilogue: PhantomData }
    }

    /// The first half of the vectors from the `i`-th on.
    ///
    /// # Safety
    /// As of [`Side`].
    #[inline(always)]
    unsafe fn begin<V: Side<E, W, G>>(&self, v: V, i: usize) -> E::Between<V::F> {
        // SAFETY: the caller's promise.
        unsafe {
            let half = if E::APART { v.half(self, i) } else { v.splat(0.0) };
            E::begin(v, v.sums(self, i), half, v.carried(self, i))
        }
    }

    /// The second half.
    ///
    /// # Safety
    /// As of [`Side`].
    #[inline(always)]
    unsafe fn end<V: Side<E, W, G>>(&self, v: V, i: usize, between: E::Between<V::F>) {
        // SAFETY: the caller's promise.
        unsafe {
            let (new, carried) = E::end(v, between, v.carried(self, i));
            v.write(self, i, new, carried);
        }
    }
}

impl<E: Epilogue<G>, W: Waiting, const G: usize> Kernel for Finish<'_, E, W, G> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let count = self.places.len().min(MOST);
        let (fours, two, one) = (count / 4, count % 4 >= 2, count % 2 == 1);
        let mut between = MaybeUninit::<[E::Between<[[S::F; 2]; 2]>; MOST / 4]>::uninit();
        let between = between.as_mut_ptr().cast::<E::Between<[[S::F; 2]; 2]>>();
        let side = Pair(Pair(s));
        // SAFETY: fours, two and one are `count` vectors together, for which there are places; there is room for
        // `MOST / 4` fours, and what is read of them has been written. `of` was promised the rest.
        unsafe {
            for four in 0..fours {
                between.add(four).write(self.begin(side, 4 * four));
            }
            let between_two = if two { Some(self.begin(Pair(s), 4 * fours)) } else { None };
            let between_one = if one { Some(self.begin(s, count - 1)) } else { None };
            for four in 0..fours {
                self.end(side, 4 * four, between.add(four).read());
            }
            if let Some(between) = between_two {
                self.end(Pair(s), 4 * fours, between);
            }
            if let Some(between) = between_one {
                self.end(s, count - 1, between);
            }
        }
    }
}

/// Vectors side by side: what an epilogue reads and writes for those from the `i`-th on.
///
/// # Safety
/// Of each function: there are places for all of these vectors.
trait Side<E: Epilogue<G>, W, const G: usize>: Values {
    const VECTORS: usize;

    unsafe fn sums(self, of: &Finish<'_, E, W, G>, i: usize) -> [Self::F; G];
    unsafe fn half(self, of: &Finish<'_, E, W, G>, i: usize) -> Self::F;
    /// The value that the epilogue carries.
    unsafe fn carried(self, of: &Finish<'_, E, W, G>, i: usize) -> Self::F;
    /// Writes the new state, and the carried value where it is a second state.
    unsafe fn write(self, of: &Finish<'_, E, W, G>, i: usize, new: Self::F, carried: Self::F);
}

impl<S: Simd, E: Epilogue<G>, W: Waiting, const G: usize> Side<E, W, G> for S {
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn sums(self, of: &Finish<'_, E, W, G>, i: usize) -> [S::F; G] {
        let mut sums = [self.splat(0.0); G];
        for (gate, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the promise of `Finish::of`.
            *sum = unsafe { self.load(of.sums.add(of.waiting.sums::<S>(i, gate))) };
        }
        sums
    }

    #[inline(always)]
    unsafe fn half(self, of: &Finish<'_, E, W, G>, i: usize) -> S::F {
        // SAFETY: the promise of `Finish::of`.
        unsafe { self.load(of.sums.add(of.waiting.half::<S>(i, G))) }
    }

    #[inline(always)]
    unsafe fn carried(self, of: &Finish<'_, E, W, G>, i: usize) -> S::F {
        if E::CARRY == Carry::None {
            return self.splat(0.0);
        }
        // SAFETY: the caller's promise.
        let from = unsafe { of.places.get_unchecked(i) }.carried;
        // SAFETY: the promise of `Finish::of`.
        unsafe {
            match of.waiting.part::<S>(i) {
                Some(units) => self.load_part(from, units),
                None => self.load(from),
            }
        }
    }

    #[inline(always)]
    unsafe fn write(self, of: &Finish<'_, E, W, G>, i: usize, new: S::F, carried: S::F) {
        // SAFETY: the caller's promise, and that of `Finish::of`.
        unsafe {
            let place = of.places.get_unchecked(i);
            store(self, place.out, new, of.waiting.part::<S>(i));
            if E::CARRY == Carry::Second {
                store(self, place.carried, carried, of.waiting.part::<S>(i));
            }
        }
    }
}

/// Stores the first `units` of a vector, or all.
///
/// # Safety
/// As many may be written.
#[inline(always)]
unsafe fn store<S: Simd>(s: S, to: *mut f32, value: S::F, units: Option<usize>) {
    // SAFETY: the caller's promise.
    unsafe {
        match units {
            Some(units) => s.store_part(to, value, units),
            None => s.store(to, value),
        }
    }
}

impl<V: Side<E, W, G>, E: Epilogue<G>, W, const G: usize> Side<E, W, G> for Pair<V> {
    const VECTORS: usize = 2 * V::VECTORS;

    #[inline(always)]
    unsafe fn sums(self, of: &Finish<'_, E, W, G>, i: usize) -> [[V::F; 2]; G] {
        let mut sums = [self.splat(0.0); G];
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (self.0.sums(of, i), self.0.sums(of, i + V::VECTORS)) };
        for (sum, (a, b)) in sums.iter_mut().zip(a.into_iter().zip(b)) {
            *sum = [a, b];
        }
        sums
    }

    #[inline(always)]
    unsafe fn half(self, of: &Finish<'_, E, W, G>, i: usize) -> [V::F; 2] {
        // SAFETY: the caller's promise.
        unsafe { [self.0.half(of, i), self.0.half(of, i + V::VECTORS)] }
    }

    #[inline(always)]
    unsafe fn carried(self, of: &Finish<'_, E, W, G>, i: usize) -> [V::F; 2] {
        // SAFETY: the caller's promise.
        unsafe { [self.0.carried(of, i), self.0.carried(of, i + V::VECTORS)] }
    }

    #[inline(always)]
    unsafe fn write(self, of: &Finish<'_, E, W, G>, i: usize, new: [V::F; 2], carried: [V::F; 2]) {
        let ([a, b], [carried_a, carried_b]) = (new, carried);
        // SAFETY: the caller's promise.
        unsafe {
            self.0.write(of, i, a, carried_a);
            self.0.write(of, i + V::VECTORS, b, carried_b);
        }
    }
}
