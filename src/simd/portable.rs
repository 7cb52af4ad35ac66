//! The backend of every CPU with vectors of four in the build's baseline, by `wide`; `scalar` stands in on the others.
//!
//! A multiply-add rounds twice everywhere, also where the CPU has a fused one, so that all targets give the same bits.

use super::{Kernel, Rows, Simd, Values};
use core::mem::transmute;
use wide::{f32x4, i32x4};

#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// The CPU has vectors of four; the others take values one by one.
pub(super) const VECTORS: bool = cfg!(all(
    any(target_feature = "sse2", all(target_arch = "aarch64", target_feature = "neon"), target_feature = "simd128"),
    not(packed_rnn_scalar)
));

#[inline(always)]
fn ints(x: f32x4) -> i32x4 {
    // SAFETY: both are four plain 32-bit lanes of one size, and every bit pattern is valid in either.
    unsafe { transmute(x) }
}

#[inline(always)]
fn floats(x: i32x4) -> f32x4 {
    // SAFETY: as in `ints`.
    unsafe { transmute(x) }
}

const SIGN: f32x4 = f32x4::new([-0.0; 4]);

impl Values for Portable {
    type F = f32x4;
    const FUSED: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> f32x4 {
        f32x4::splat(value)
    }

    #[inline(always)]
    fn add(self, a: f32x4, b: f32x4) -> f32x4 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f32x4, b: f32x4) -> f32x4 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f32x4, b: f32x4) -> f32x4 {
        a * b
    }

    #[inline(always)]
    fn div(self, a: f32x4, b: f32x4) -> f32x4 {
        a / b
    }

    #[inline(always)]
    fn mul_add(self, a: f32x4, b: f32x4, c: f32x4) -> f32x4 {
        a * b + c
    }

    #[inline(always)]
    fn neg_mul_add(self, a: f32x4, b: f32x4, c: f32x4) -> f32x4 {
        c - a * b
    }

    #[inline(always)]
    fn at_least(self, x: f32x4, low: f32x4) -> f32x4 {
        if cfg!(target_feature = "sse2") {
            // x86's maximum is its second operand where one is NaN or both are zeros.
            low.fast_max(x)
        } else {
            x.simd_lt(low).select(low, x)
        }
    }

    #[inline(always)]
    fn at_most(self, x: f32x4, high: f32x4) -> f32x4 {
        if cfg!(target_feature = "sse2") { high.fast_min(x) } else { high.simd_lt(x).select(high, x) }
    }

    #[inline(always)]
    fn abs(self, x: f32x4) -> f32x4 {
        x.abs()
    }

    #[inline(always)]
    fn minus_abs(self, x: f32x4) -> f32x4 {
        x | SIGN
    }

    #[inline(always)]
    fn by_sign(self, x: f32x4, a: f32x4, b: f32x4) -> f32x4 {
        floats(ints(x) >> 31).bitselect(a, b)
    }

    #[inline(always)]
    fn with_sign(self, magnitude: f32x4, sign: f32x4) -> f32x4 {
        magnitude | (sign & SIGN)
    }

    #[inline(always)]
    fn power_of_bits(self, x: f32x4) -> f32x4 {
        floats(ints(x) << 23)
    }
}

impl Simd for Portable {
    type Half = Self;
    const LANES: usize = 4;
    const ROWS: Rows = Rows { one_gate: 8, three_gates: 3, four_gates: 2 };
    const SUMS: usize = 12;

    #[inline(always)]
    fn half(self) -> Self::Half {
        self
    }

    #[inline(never)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> f32x4 {
        // SAFETY: four elements may be read, and an array needs no more alignment than its element.
        f32x4::new(unsafe { from.cast::<[f32; 4]>().read() })
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> f32x4 {
        let mut lanes = [0.0; 4];
        for (lane, at) in lanes.iter_mut().zip(0..count) {
            // SAFETY: `count` elements may be read.
            *lane = unsafe { from.add(at).read() };
        }
        f32x4::new(lanes)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: f32x4) {
        // SAFETY: four elements may be written, and an array needs no more alignment than its element.
        unsafe { to.cast::<[f32; 4]>().write(value.to_array()) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, value: f32x4, count: usize) {
        for (lane, at) in value.to_array().into_iter().zip(0..count) {
            // SAFETY: `count` elements may be written.
            unsafe { to.add(at).write(lane) }
        }
    }
}
