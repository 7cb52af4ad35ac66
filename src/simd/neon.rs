//! The backend of aarch64: NEON, which every such CPU with a system has. It fuses each multiply-add.

use super::{Kernel, Rows, Simd, Values, memory_operations, operations};
use core::arch::aarch64::*;

/// 32 registers of 4 lanes. It exists only where the build has NEON.
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// The build, and so the CPU, has NEON.
    pub(crate) const fn exists() -> bool {
        cfg!(target_feature = "neon")
    }

    /// The backend.
    ///
    /// # Safety
    /// It exists.
    pub(crate) const unsafe fn new() -> Self {
        Self(())
    }

    #[inline(never)]
    #[target_feature(enable = "neon")]
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

impl Values for Neon {
    type F = float32x4_t;
    const FUSED: bool = true;

    operations! { float32x4_t;
        splat(value: f32) = vdupq_n_f32(value);
        add(a: float32x4_t, b: float32x4_t) = vaddq_f32(a, b);
        sub(a: float32x4_t, b: float32x4_t) = vsubq_f32(a, b);
        mul(a: float32x4_t, b: float32x4_t) = vmulq_f32(a, b);
        div(a: float32x4_t, b: float32x4_t) = vdivq_f32(a, b);
        mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) = vfmaq_f32(c, a, b);
        neg_mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) = vfmsq_f32(c, a, b);
        // Not the maximum, which turns -0 into 0 here.
        at_least(x: float32x4_t, low: float32x4_t) = vbslq_f32(vcltq_f32(x, low), low, x);
        at_most(x: float32x4_t, high: float32x4_t) = vbslq_f32(vcgtq_f32(x, high), high, x);
        abs(x: float32x4_t) = vabsq_f32(x);
        minus_abs(x: float32x4_t) = vnegq_f32(vabsq_f32(x));
        by_sign(x: float32x4_t, a: float32x4_t, b: float32x4_t) =
            vbslq_f32(vcltzq_s32(vreinterpretq_s32_f32(x)), a, b);
        with_sign(magnitude: float32x4_t, sign: float32x4_t) =
            vbslq_f32(vdupq_n_u32(1 << 31), sign, magnitude);
        power_of_bits(x: float32x4_t) = vreinterpretq_f32_s32(vshlq_n_s32::<23>(vreinterpretq_s32_f32(x)));
    }
}

impl Simd for Neon {
    type Half = Self;
    const LANES: usize = 4;
    const ROWS: Rows = Rows { one_gate: 8, three_gates: 7, four_gates: 6 };
    const SUMS: usize = 24;
    const BY_LANE: usize = 30;

    #[inline(always)]
    fn half(self) -> Self::Half {
        self
    }

    #[inline(always)]
    fn mul_add_lane<const LANE: i32>(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: a value of this backend's type exists only where its features were found.
        unsafe { vfmaq_laneq_f32::<LANE>(c, b, a) }
    }

    memory_operations! { float32x4_t;
        load(from) = vld1q_f32(from);
        load_part(from, count) = {
            let mut lanes = [0.0; 4];
            core::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count.min(4));
            vld1q_f32(lanes.as_ptr())
        };
        store(to, value) = vst1q_f32(to, value);
        store_part(to, value, count) = {
            let mut lanes = [0.0; 4];
            vst1q_f32(lanes.as_mut_ptr(), value);
            core::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count.min(4));
        };
    }
}
