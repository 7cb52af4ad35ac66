//! How a step is done on this CPU: the vector trait, the register tile over it, the activations, and the choice.
//!
//! A kernel is written once over [`Simd`] and runs inside [`Simd::vectorize`], the one place of a backend that turns
//! the CPU's features on. Everything below it is `#[inline(always)]`.

#![allow(unsafe_code)]

pub(crate) mod backend;
mod beside;
pub(crate) mod epilogue;
mod finish;
mod flat;
mod heights;
mod lines;
pub(crate) mod math;
#[cfg(target_arch = "aarch64")]
mod neon;
mod next;
pub(crate) mod octet;
mod pair;
pub(crate) mod pass;
mod portable;
mod queue;
mod runs;
mod scalar;
mod tail;
mod tile;
pub(crate) mod tiles;
#[cfg(target_arch = "x86_64")]
mod x86;

use pair::Pair;

/// What is done to values: the operations that activations and cells need, and no more.
///
/// Arithmetic is IEEE 754 f32, rounded to nearest; nothing is flushed. Backends differ in [`Values::mul_add`] and
/// [`Values::neg_mul_add`] alone: fused ones round once, the others twice.
pub(crate) trait Values: Copy {
    /// A vector of f32.
    type F: Copy;
    /// A multiply-add rounds once.
    const FUSED: bool;

    fn splat(self, value: f32) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, with the roundings of the backend's kind.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a * b`, with as many.
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `low`, which is at most 0, where `x < low`, else `x`: NaN and -0 stay.
    fn at_least(self, x: Self::F, low: Self::F) -> Self::F;
    /// `high`, which is at least 0, where `x > high`, else `x`: NaN stays.
    fn at_most(self, x: Self::F, high: Self::F) -> Self::F;
    fn abs(self, x: Self::F) -> Self::F;
    /// `-|x|`.
    fn minus_abs(self, x: Self::F) -> Self::F;
    /// `a` where the sign bit of `x` is set, else `b`.
    fn by_sign(self, x: Self::F, a: Self::F, b: Self::F) -> Self::F;
    /// `a` where `x < limit`, else `b`; either where `x` is NaN.
    #[inline(always)]
    fn below(self, x: Self::F, limit: Self::F, a: Self::F, b: Self::F) -> Self::F {
        self.by_sign(self.sub(x, limit), a, b)
    }
    /// `magnitude`, whose sign bit is clear, with the sign bit of `sign`.
    fn with_sign(self, magnitude: Self::F, sign: Self::F) -> Self::F;
    /// The lowest nine bits of each lane as sign and exponent of a power of two: `bits << 23`.
    fn power_of_bits(self, x: Self::F) -> Self::F;
    /// `x * 2^n`, rounded once, for whole `n` of -150 to 0 and `x` near 1; the lowest bits of `bits` are `n + 64 + 127`.
    #[inline(always)]
    fn scale(self, x: Self::F, _n: Self::F, bits: Self::F) -> Self::F {
        // One power does not reach so far: the first product is exact, the second rounds.
        self.mul(self.mul(x, self.power_of_bits(bits)), self.splat(1.0 / 18_446_744_073_709_551_616.0))
    }
}

/// A backend: values in vectors of `LANES`, how they come from memory, and how many of them there is room for.
///
/// A value of an implementation proves that the CPU has its features.
pub(crate) trait Simd: Values {
    /// A divisor of 16.
    const LANES: usize;
    /// A backend of half as many lanes that this CPU has too, and that gives the same bits in half the time where its
    /// vectors are wide enough; else this one.
    type Half: Simd;
    /// The rows of the tallest tile whose sums stay in registers, at most 8.
    const ROWS: Rows;
    /// A tile of so many rows or more takes its gates line by line: there are no registers for all of them.
    const LINES: usize = usize::MAX;
    /// The most vectors of sums of a lower tile that takes several vectors of units at once.
    const SUMS: usize;
    /// So many vectors, sums and elements of rows, and a weight besides, stay in registers: a tile of no more loads a
    /// vector of elements and multiplies by its lanes, one after another. 0 where no instruction multiplies by a lane.
    const BY_LANE: usize = 0;

    /// The backend of half as many lanes.
    fn half(self) -> Self::Half;

    /// Runs a kernel with the CPU's features on: a function of its own, but where it is called with them on.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output;

    /// `a[LANE] * b + c`, rounded as [`Values::mul_add`] does; for backends that multiply by lanes.
    #[inline(always)]
    fn mul_add_lane<const LANE: i32>(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.mul_add(a, b, c)
    }

    /// Asks for the cache line of an address, which may be any: it is wanted at the next step, so that the second cache
    /// is near enough.
    #[inline(always)]
    fn prefetch(self, _at: *const f32) {}

    /// # Safety
    /// `LANES` elements may be read.
    unsafe fn load(self, from: *const f32) -> Self::F;
    /// The first `count < LANES` lanes; the others are 0.
    /// # Safety
    /// `count` elements may be read.
    unsafe fn load_part(self, from: *const f32, count: usize) -> Self::F;
    /// # Safety
    /// `LANES` elements may be written.
    unsafe fn store(self, to: *mut f32, value: Self::F);
    /// The first `count < LANES` lanes.
    /// # Safety
    /// `count` elements may be written.
    unsafe fn store_part(self, to: *mut f32, value: Self::F, count: usize);

    /// The gates of 16 units out of the order of a panel's row, where one vector holds 8 units of two gates.
    #[inline(always)]
    fn split_gates<const G: usize>(self, row: [Self::F; G]) -> [Self::F; G] {
        row
    }
    /// The way back from `split_gates`.
    #[inline(always)]
    fn join_gates<const G: usize>(self, gates: [Self::F; G]) -> [Self::F; G] {
        gates
    }
}

/// Rows of a tile, by the gates of the cell.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) one_gate: usize,
    pub(crate) three_gates: usize,
    pub(crate) four_gates: usize,
}

impl Rows {
    pub(crate) const fn of(self, gates: usize) -> usize {
        match gates {
            4 => self.four_gates,
            3 => self.three_gates,
            _ => self.one_gate,
        }
    }
}

/// Work to be run with a backend's features on.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs a kernel as a function of its own, whoever calls it. (One with features is inlined into others that have them,
/// whatever its attribute says.)
#[inline(never)]
fn outlined<S: Simd, K: Kernel>(s: S, kernel: K) -> K::Output {
    s.vectorize(kernel)
}

/// Operations on values by a backend's intrinsics.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! operations {
    ($vector:ty; $($name:ident($($x:ident: $type:ty),*) = $body:expr;)*) => { $(
        #[inline(always)]
        fn $name(self, $($x: $type),*) -> $vector {
            // SAFETY: a value of this backend's type exists only where its features were found.
            unsafe { $body }
        }
    )* };
}

/// The way into a backend's features, by its `enter`; loads and stores by its intrinsics, of any alignment.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! memory_operations {
    ($vector:ty;
     load($from:ident) = $load:expr;
     load_part($from_part:ident, $loaded:ident) = $load_part:expr;
     store($to:ident, $value:ident) = $store:expr;
     store_part($to_part:ident, $value_part:ident, $stored:ident) = $store_part:expr;) => {
        #[inline(always)]
        fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
            // SAFETY: a value of this backend's type exists only where its features were found.
            unsafe { self.enter(kernel) }
        }

        #[inline(always)]
        unsafe fn load(self, $from: *const f32) -> $vector {
            // SAFETY: the caller's promise, for the lanes that are touched; the features were found.
            unsafe { $load }
        }

        #[inline(always)]
        unsafe fn load_part(self, $from_part: *const f32, $loaded: usize) -> $vector {
            // SAFETY: as in `load`.
            unsafe { $load_part }
        }

        #[inline(always)]
        unsafe fn store(self, $to: *mut f32, $value: $vector) {
            // SAFETY: as in `load`.
            unsafe { $store }
        }

        #[inline(always)]
        unsafe fn store_part(self, $to_part: *mut f32, $value_part: $vector, $stored: usize) {
            // SAFETY: as in `load`.
            unsafe { $store_part }
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) use {memory_operations, operations};

/// A function of a number.
pub(crate) trait Function {
    fn of<V: Values>(v: V, x: V::F) -> V::F;
}

/// Applies a function to each number of a slice.
pub(crate) struct Map<'a, F>(pub(crate) &'a mut [f32], pub(crate) F);

impl<F: Function> Kernel for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut values = self.0;
        if S::LANES > 1 {
            let mut pairs = values.chunks_exact_mut(2 * S::LANES);
            for pair in &mut pairs {
                let (from, to) = (pair.as_ptr(), pair.as_mut_ptr());
                // SAFETY: a chunk has two vectors.
                unsafe {
                    let [a, b] = F::of(Pair(s), [s.load(from), s.load(from.add(S::LANES))]);
                    s.store(to, a);
                    s.store(to.add(S::LANES), b);
                }
            }
            values = pairs.into_remainder();
        }
        let mut whole = values.chunks_exact_mut(S::LANES);
        for vector in &mut whole {
            // SAFETY: a chunk has `LANES` elements.
            unsafe { s.store(vector.as_mut_ptr(), F::of(s, s.load(vector.as_ptr()))) }
        }
        let rest = whole.into_remainder();
        if !rest.is_empty() {
            // SAFETY: the remainder has fewer than `LANES` elements, and no others are touched.
            unsafe { s.store_part(rest.as_mut_ptr(), F::of(s, s.load_part(rest.as_ptr(), rest.len())), rest.len()) }
        }
    }
}
