//! Values one by one, for CPUs without vectors: what the portable backend is there.
//!
//! The same bits as `portable`'s: each operation is the same, lane by lane, and a multiply-add rounds twice.

use super::{Kernel, Rows, Simd, Values};

#[derive(Clone, Copy)]
pub(crate) struct Scalar;

const SIGN: u32 = 1 << 31;

/// The compiler may take a 32-bit Arm's NEON for comparisons in a loop, which takes subnormals for zeros. (It has no such
/// use for arithmetic.) Whether there is a NEON cannot be asked; a microcontroller has none.
const AVOID_COMPARISONS: bool = cfg!(all(target_arch = "arm", not(target_os = "none")));

/// Whether `x` has the sign of `bound`, is farther from 0, and is no NaN: a comparison in integers.
#[inline(always)]
fn beyond(x: f32, bound: f32) -> bool {
    const INFINITY: u32 = f32::INFINITY.to_bits();
    let (x, bound) = (x.to_bits(), bound.to_bits());
    // Those behind the bound, up to the infinity of its sign.
    x.wrapping_sub(bound).wrapping_sub(1) < (INFINITY | bound & SIGN).wrapping_sub(bound)
}

impl Values for Scalar {
    type F = f32;
    const FUSED: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> f32 {
        value
    }

    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }

    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }

    #[inline(always)]
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    #[inline(always)]
    fn neg_mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        c - a * b
    }

    #[inline(always)]
    fn at_least(self, x: f32, low: f32) -> f32 {
        let below = if AVOID_COMPARISONS { beyond(x, self.minus_abs(low)) } else { x < low };
        if below { low } else { x }
    }

    #[inline(always)]
    fn at_most(self, x: f32, high: f32) -> f32 {
        let above = if AVOID_COMPARISONS { beyond(x, high) } else { x > high };
        if above { high } else { x }
    }

    #[inline(always)]
    fn abs(self, x: f32) -> f32 {
        f32::from_bits(x.to_bits() & !SIGN)
    }

    #[inline(always)]
    fn minus_abs(self, x: f32) -> f32 {
        f32::from_bits(x.to_bits() | SIGN)
    }

    #[inline(always)]
    fn by_sign(self, x: f32, a: f32, b: f32) -> f32 {
        if x.to_bits() & SIGN != 0 { a } else { b }
    }

    #[inline(always)]
    fn below(self, x: f32, limit: f32, a: f32, b: f32) -> f32 {
        if x < limit { a } else { b }
    }

    #[inline(always)]
    fn with_sign(self, magnitude: f32, sign: f32) -> f32 {
        f32::from_bits(magnitude.to_bits() | sign.to_bits() & SIGN)
    }

    #[inline(always)]
    fn power_of_bits(self, x: f32) -> f32 {
        f32::from_bits(x.to_bits() << 23)
    }
}

impl Simd for Scalar {
    type Half = Self;
    const LANES: usize = 1;
    /// No tile is made of single values: `octet` takes their rows.
    const ROWS: Rows = Rows { one_gate: 1, three_gates: 1, four_gates: 1 };
    const SUMS: usize = 4;

    #[inline(always)]
    fn half(self) -> Self::Half {
        self
    }

    #[inline(never)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { from.read() }
    }

    #[inline(always)]
    unsafe fn load_part(self, _: *const f32, _: usize) -> f32 {
        // No lane.
        0.0
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: f32) {
        // SAFETY: the caller's promise.
        unsafe { to.write(value) }
    }

    #[inline(always)]
    unsafe fn store_part(self, _: *mut f32, _: f32, _: usize) {}
}
