//! The backends of x86-64 beyond its baseline: AVX2 with FMA, and AVX-512. Both fuse each multiply-add.

use super::{Kernel, Rows, Simd, Values, memory_operations, operations};
use core::arch::x86_64::*;

/// Declares a backend: the type, and the one list of the CPU features that it needs, which is what [`has`] tests and
/// what its kernels are compiled for.
macro_rules! backend {
    ($(#[$doc:meta])* $name:ident, [$($feature:literal),*]) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(());

        impl $name {
            /// This CPU and its system have all the features.
            pub(crate) fn exists() -> bool {
                [$($feature),*].into_iter().all(has)
            }

            /// The backend.
            ///
            /// # Safety
            /// It exists.
            pub(crate) const unsafe fn new() -> Self {
                Self(())
            }

            #[inline(never)]
            $(#[target_feature(enable = $feature)])*
            fn enter<K: Kernel>(self, kernel: K) -> K::Output {
                kernel.run(self)
            }
        }
    };
}
backend!(
    /// 16 registers of 8 lanes.
    Avx2,
    ["avx", "avx2", "fma"]
);
backend!(
    /// 32 registers of 16 lanes.
    Avx512,
    ["avx", "avx2", "fma", "avx512f"]
);

/// Whether the CPU has a feature and the system saves its registers.
fn has(feature: &str) -> bool {
    const OSXSAVE: u32 = 1 << 27;
    // XCR0: the system saves xmm and ymm; and the mask and zmm registers besides.
    const YMM: u64 = 0b110;
    const ZMM: u64 = 0b1110_0110;
    let leaf1 = cpuid(1, 0);
    if leaf1.ecx & OSXSAVE == 0 {
        return false;
    }
    // SAFETY: OSXSAVE says that the instruction may be used.
    let saved = unsafe { saved_state() };
    let (register, bit, needs) = match feature {
        "avx" => (leaf1.ecx, 28, YMM),
        "fma" => (leaf1.ecx, 12, YMM),
        "avx2" => (cpuid(7, 0).ebx, 5, YMM),
        "avx512f" => (cpuid(7, 0).ebx, 16, ZMM),
        _ => return false,
    };
    register >> bit & 1 == 1 && saved & needs == needs
}

/// A leaf of CPUID, zeros where the CPU has no such leaf.
#[allow(unused_unsafe)] // the instruction is a safe function in newer versions of Rust only
fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    // SAFETY: every x86-64 has the instruction.
    let read = |leaf, subleaf| unsafe { __cpuid_count(leaf, subleaf) };
    if leaf <= read(0, 0).eax { read(leaf, subleaf) } else { CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 } }
}

#[target_feature(enable = "xsave")]
fn saved_state() -> u64 {
    // SAFETY: register 0 exists wherever the instruction does.
    unsafe { _xgetbv(0) }
}

impl Values for Avx2 {
    type F = __m256;
    const FUSED: bool = true;

    operations! { __m256;
        splat(value: f32) = _mm256_set1_ps(value);
        add(a: __m256, b: __m256) = _mm256_add_ps(a, b);
        sub(a: __m256, b: __m256) = _mm256_sub_ps(a, b);
        mul(a: __m256, b: __m256) = _mm256_mul_ps(a, b);
        div(a: __m256, b: __m256) = _mm256_div_ps(a, b);
        mul_add(a: __m256, b: __m256, c: __m256) = _mm256_fmadd_ps(a, b, c);
        neg_mul_add(a: __m256, b: __m256, c: __m256) = _mm256_fnmadd_ps(a, b, c);
        // The second operand is the result where one is NaN or both are zeros.
        at_least(x: __m256, low: __m256) = _mm256_max_ps(low, x);
        at_most(x: __m256, high: __m256) = _mm256_min_ps(high, x);
        abs(x: __m256) = _mm256_andnot_ps(_mm256_set1_ps(-0.0), x);
        minus_abs(x: __m256) = _mm256_or_ps(_mm256_set1_ps(-0.0), x);
        by_sign(x: __m256, a: __m256, b: __m256) = _mm256_blendv_ps(b, a, x);
        with_sign(magnitude: __m256, sign: __m256) =
            _mm256_or_ps(magnitude, _mm256_and_ps(sign, _mm256_set1_ps(-0.0)));
        power_of_bits(x: __m256) = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(x)));
    }
}

impl Simd for Avx2 {
    type Half = Self;
    const LANES: usize = 8;
    const ROWS: Rows = Rows { one_gate: 8, three_gates: 6, four_gates: 6 };
    const LINES: usize = 4;
    const SUMS: usize = 12;

    #[inline(always)]
    fn half(self) -> Self::Half {
        self
    }

    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        // SAFETY: nothing is read, and no address faults.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }

    memory_operations! { __m256;
        load(from) = _mm256_loadu_ps(from);
        load_part(from, count) = _mm256_maskload_ps(from, first_of_8(count));
        store(to, value) = _mm256_storeu_ps(to, value);
        store_part(to, value, count) = store_part_of_8(to, value, count);
    }
}

/// All bits of the first `count` lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn first_of_8(count: usize) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}

/// Stores the first `count < 8` lanes. A masked store takes many operations on some CPUs; the branches are foreseen.
///
/// # Safety
/// `count` elements may be written.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_part_of_8(mut to: *mut f32, value: __m256, count: usize) {
    let mut rest = _mm256_castps256_ps128(value);
    // SAFETY: the caller's promise: the parts are `count` elements together.
    unsafe {
        if count & 4 != 0 {
            _mm_storeu_ps(to, rest);
            to = to.add(4);
            rest = _mm256_extractf128_ps::<1>(value);
        }
        if count & 2 != 0 {
            _mm_storel_epi64(to.cast(), _mm_castps_si128(rest));
            to = to.add(2);
            rest = _mm_movehl_ps(rest, rest);
        }
        if count & 1 != 0 {
            _mm_store_ss(to, rest);
        }
    }
}

impl Values for Avx512 {
    type F = __m512;
    const FUSED: bool = true;

    operations! { __m512;
        splat(value: f32) = _mm512_set1_ps(value);
        add(a: __m512, b: __m512) = _mm512_add_ps(a, b);
        sub(a: __m512, b: __m512) = _mm512_sub_ps(a, b);
        mul(a: __m512, b: __m512) = _mm512_mul_ps(a, b);
        div(a: __m512, b: __m512) = _mm512_div_ps(a, b);
        mul_add(a: __m512, b: __m512, c: __m512) = _mm512_fmadd_ps(a, b, c);
        neg_mul_add(a: __m512, b: __m512, c: __m512) = _mm512_fnmadd_ps(a, b, c);
        // The second operand is the result where one is NaN or both are zeros.
        at_least(x: __m512, low: __m512) = _mm512_max_ps(low, x);
        at_most(x: __m512, high: __m512) = _mm512_min_ps(high, x);
        abs(x: __m512) = _mm512_abs_ps(x);
        minus_abs(x: __m512) =
            _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(x), _mm512_set1_epi32(i32::MIN)));
        by_sign(x: __m512, a: __m512, b: __m512) =
            _mm512_mask_blend_ps(_mm512_cmplt_epi32_mask(_mm512_castps_si512(x), _mm512_setzero_si512()), b, a);
        with_sign(magnitude: __m512, sign: __m512) = _mm512_castsi512_ps(_mm512_or_si512(
            _mm512_castps_si512(magnitude),
            _mm512_and_si512(_mm512_castps_si512(sign), _mm512_set1_epi32(i32::MIN)),
        ));
        scale(x: __m512, n: __m512, _bits: __m512) = _mm512_scalef_ps(x, n);
        power_of_bits(x: __m512) = _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(x)));
    }
}

impl Simd for Avx512 {
    type Half = Avx2;
    const LANES: usize = 16;
    const ROWS: Rows = Rows { one_gate: 8, three_gates: 8, four_gates: 6 };
    // Not 24: three rows of an LSTM with two vectors of units each took longer than four rows with one.
    const SUMS: usize = 23;

    #[inline(always)]
    fn half(self) -> Self::Half {
        Avx2(())
    }

    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        // SAFETY: nothing is read, and no address faults.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }

    memory_operations! { __m512;
        load(from) = _mm512_loadu_ps(from);
        load_part(from, count) = _mm512_maskz_loadu_ps(first_of_16(count), from);
        store(to, value) = _mm512_storeu_ps(to, value);
        store_part(to, value, count) = _mm512_mask_storeu_ps(to, first_of_16(count), value);
    }

    // A row has 2 G octets: the gates of the first 8 units, then those of the last 8.
    #[inline(always)]
    fn split_gates<const G: usize>(self, row: [__m512; G]) -> [__m512; G] {
        let mut gates = row;
        for (gate, to) in gates.iter_mut().enumerate() {
            let (low, high) = (gate, G + gate);
            if let (Some(&a), Some(&b)) = (row.get(low / 2), row.get(high / 2)) {
                // SAFETY: a value of this backend's type exists only where its features were found.
                *to = unsafe { halves(a, low % 2 == 1, b, high % 2 == 1) };
            }
        }
        gates
    }

    #[inline(always)]
    fn join_gates<const G: usize>(self, gates: [__m512; G]) -> [__m512; G] {
        let mut row = gates;
        for (vector, to) in row.iter_mut().enumerate() {
            let (low, high) = (2 * vector, 2 * vector + 1);
            if let (Some(&a), Some(&b)) = (gates.get(low % G), gates.get(high % G)) {
                // SAFETY: as above.
                *to = unsafe { halves(a, low >= G, b, high >= G) };
            }
        }
        row
    }
}

/// Half a vector of `a`, then half a vector of `b`: the upper ones where told.
#[inline]
#[target_feature(enable = "avx512f")]
fn halves(a: __m512, upper_a: bool, b: __m512, upper_b: bool) -> __m512 {
    match (upper_a, upper_b) {
        (false, false) => _mm512_shuffle_f32x4::<0b01_00_01_00>(a, b),
        (false, true) => _mm512_shuffle_f32x4::<0b11_10_01_00>(a, b),
        (true, false) => _mm512_shuffle_f32x4::<0b01_00_11_10>(a, b),
        (true, true) => _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b),
    }
}

/// A mask of the first `count` lanes.
#[inline(always)]
fn first_of_16(count: usize) -> u16 {
    !u16::MAX.checked_shl(count as u32).unwrap_or(0)
}
