//! What becomes of finished sums: the epilogue, and the new states written.
//!
//! An epilogue is two chains of operations, one after the other, and each operation waits for the one before. A CPU looks
//! ahead for others that need not wait, but not so far as the next epilogue. So four vectors go side by side, and all
//! make the first half before any makes the second.
//!
//! The sums wait in memory, wherever a tile has left them, so that this is written once for all.

use super::pair::Pair;
use super::pass::{Carry, Epilogue};
use super::{Kernel, Simd, Values};
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

/// Stores the sums of a vector of units, the `i`-th of those that wait, as [`Finish::of_tile`] finds them.
///
/// # Safety
/// There is room for `SUMS` vectors of each vector of units up to this one.
#[inline(always)]
pub(super) unsafe fn wait<S: Simd, const G: usize>(s: S, to: *mut f32, i: usize, sum: [S::F; G], half: Option<S::F>) {
    let to = to.wrapping_add(i * SUMS * S::LANES);
    // SAFETY: the caller's promise; a cell of four gates keeps none apart.
    unsafe {
        for (gate, sum) in sum.into_iter().enumerate() {
            s.store(to.add(gate * S::LANES), sum);
        }
        if let Some(half) = half {
            s.store(to.add(G * S::LANES), half);
        }
    }
}

/// The epilogue of at most [`MOST`] vectors of units; with `PART` they may be less than whole.
///
/// Whoever makes one promises that the sums of each place may be read in whole vectors, and that its units may be read
/// and written in the rows of states.
pub(super) struct Finish<'a, E, const G: usize, const PART: bool> {
    /// The first vector's sums of the first gate.
    pub(super) sums: *const f32,
    /// From one vector's sums to those of the next.
    pub(super) step: usize,
    /// From a gate's sums to those of the next gate.
    pub(super) gate: usize,
    /// To the input half of the last gate, where it is kept apart.
    pub(super) half: usize,
    pub(super) places: &'a [Place],
    /// The units of the first vector, and how many fewer each has than the one before.
    pub(super) units: usize,
    pub(super) fewer: usize,
    pub(super) epilogue: PhantomData<E>,
}

impl<'a, E: Epilogue<G>, const G: usize> Finish<'a, E, G, false> {
    /// Of sums that were stored by [`wait`], for the places.
    ///
    /// # Safety
    /// The promise of [`Finish`].
    #[inline(always)]
    pub(super) unsafe fn of_tile<S: Simd>(sums: *const f32, places: &'a [Place]) -> Self {
        let (step, gate, half) = (SUMS * S::LANES, S::LANES, G * S::LANES);
        Self { sums, step, gate, half, places, units: S::LANES, fewer: 0, epilogue: PhantomData }
    }
}

impl<E: Epilogue<G>, const G: usize, const PART: bool> Finish<'_, E, G, PART> {
    /// The first half of the vectors from the `i`-th on.
    ///
    /// # Safety
    /// As of [`Side`].
    #[inline(always)]
    unsafe fn begin<V: Side<E, G, PART>>(&self, v: V, i: usize) -> E::Between<V::F> {
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
    unsafe fn end<V: Side<E, G, PART>>(&self, v: V, i: usize, between: E::Between<V::F>) {
        // SAFETY: the caller's promise.
        unsafe {
            let (new, carried) = E::end(v, between, v.carried(self, i));
            v.write(self, i, new, carried);
        }
    }

    /// The sums of a gate of vector `i`, or, as gate `G`, the input half of the last one.
    #[inline(always)]
    fn at<S: Simd>(&self, i: usize, gate: usize) -> *const f32 {
        if PART {
            let at = if gate == G { self.half } else { gate * self.gate };
            self.sums.wrapping_add(i * self.step + at)
        } else {
            self.sums.wrapping_add((i * SUMS + gate) * S::LANES)
        }
    }

    /// The units of vector `i` if they are less than `lanes`.
    #[inline(always)]
    fn part(&self, i: usize, lanes: usize) -> Option<usize> {
        let units = self.units.wrapping_sub(i * self.fewer);
        (PART && units < lanes).then_some(units)
    }
}

impl<E: Epilogue<G>, const G: usize, const PART: bool> Kernel for Finish<'_, E, G, PART> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let count = self.places.len().min(MOST);
        let (fours, two, one) = (count / 4, count % 4 >= 2, count % 2 == 1);
        let mut between = MaybeUninit::<[E::Between<[[S::F; 2]; 2]>; MOST / 4]>::uninit();
        let between = between.as_mut_ptr().cast::<E::Between<[[S::F; 2]; 2]>>();
        let side = Pair(Pair(s));
        // SAFETY: fours, two and one are `count` vectors together, for which there are places; there is room for
        // `MOST / 4` fours, and what is read of them has been written.
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
trait Side<E: Epilogue<G>, const G: usize, const PART: bool>: Values {
    const VECTORS: usize;

    unsafe fn sums(self, of: &Finish<'_, E, G, PART>, i: usize) -> [Self::F; G];
    unsafe fn half(self, of: &Finish<'_, E, G, PART>, i: usize) -> Self::F;
    /// The value that the epilogue carries.
    unsafe fn carried(self, of: &Finish<'_, E, G, PART>, i: usize) -> Self::F;
    /// Writes the new state, and the carried value where it is a second state.
    unsafe fn write(self, of: &Finish<'_, E, G, PART>, i: usize, new: Self::F, carried: Self::F);
}

impl<S: Simd, E: Epilogue<G>, const G: usize, const PART: bool> Side<E, G, PART> for S {
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn sums(self, of: &Finish<'_, E, G, PART>, i: usize) -> [S::F; G] {
        let mut sums = [self.splat(0.0); G];
        for (gate, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the promise of `Finish`.
            *sum = unsafe { self.load(of.at::<S>(i, gate)) };
        }
        sums
    }

    #[inline(always)]
    unsafe fn half(self, of: &Finish<'_, E, G, PART>, i: usize) -> S::F {
        // SAFETY: the promise of `Finish`.
        unsafe { self.load(of.at::<S>(i, G)) }
    }

    #[inline(always)]
    unsafe fn carried(self, of: &Finish<'_, E, G, PART>, i: usize) -> S::F {
        if E::CARRY == Carry::None {
            return self.splat(0.0);
        }
        // SAFETY: the caller's promise.
        let from = unsafe { of.places.get_unchecked(i) }.carried;
        // SAFETY: the promise of `Finish`.
        unsafe {
            match of.part(i, S::LANES) {
                Some(units) => self.load_part(from, units),
                None => self.load(from),
            }
        }
    }

    #[inline(always)]
    unsafe fn write(self, of: &Finish<'_, E, G, PART>, i: usize, new: S::F, carried: S::F) {
        // SAFETY: the caller's promise, and that of `Finish`.
        unsafe {
            let place = of.places.get_unchecked(i);
            store(self, place.out, new, of.part(i, S::LANES));
            if E::CARRY == Carry::Second {
                store(self, place.carried, carried, of.part(i, S::LANES));
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

impl<V: Side<E, G, PART>, E: Epilogue<G>, const G: usize, const PART: bool> Side<E, G, PART> for Pair<V> {
    const VECTORS: usize = 2 * V::VECTORS;

    #[inline(always)]
    unsafe fn sums(self, of: &Finish<'_, E, G, PART>, i: usize) -> [[V::F; 2]; G] {
        let mut sums = [self.splat(0.0); G];
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (self.0.sums(of, i), self.0.sums(of, i + V::VECTORS)) };
        for (sum, (a, b)) in sums.iter_mut().zip(a.into_iter().zip(b)) {
            *sum = [a, b];
        }
        sums
    }

    #[inline(always)]
    unsafe fn half(self, of: &Finish<'_, E, G, PART>, i: usize) -> [V::F; 2] {
        // SAFETY: the caller's promise.
        unsafe { [self.0.half(of, i), self.0.half(of, i + V::VECTORS)] }
    }

    #[inline(always)]
    unsafe fn carried(self, of: &Finish<'_, E, G, PART>, i: usize) -> [V::F; 2] {
        // SAFETY: the caller's promise.
        unsafe { [self.0.carried(of, i), self.0.carried(of, i + V::VECTORS)] }
    }

    #[inline(always)]
    unsafe fn write(self, of: &Finish<'_, E, G, PART>, i: usize, new: [V::F; 2], carried: [V::F; 2]) {
        let ([a, b], [carried_a, carried_b]) = (new, carried);
        // SAFETY: the caller's promise.
        unsafe {
            self.0.write(of, i, a, carried_a);
            self.0.write(of, i + V::VECTORS, b, carried_b);
        }
    }
}
