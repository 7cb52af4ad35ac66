//! What one core of this machine can do: its peak multiply-add rate and its read bandwidth.

use crate::clock::{Time, measure};
use std::hint::black_box;

/// GFLOP/s of independent fused multiply-adds, or multiplies and adds where there is no fused one.
pub fn peak(backend: &str) -> f64 {
    const ROUNDS: usize = 4000;
    let flops = multiply_adds(backend, ROUNDS);
    let work = || {
        black_box(multiply_adds(backend, ROUNDS));
    };
    flops / measure(0.2, work).min
}

/// Does so many rounds of independent multiply-adds, and tells how many floating-point operations they were.
pub fn multiply_adds(backend: &str, rounds: usize) -> f64 {
    let flops = |sums: usize, lanes: usize| (2 * sums * lanes * rounds) as f64;
    match backend {
        #[cfg(target_arch = "x86_64")]
        "avx512" => {
            // SAFETY: the backend of this name exists on this machine, so its features do.
            unsafe { x86::fma_512(rounds) }
            flops(24, 16)
        }
        #[cfg(target_arch = "x86_64")]
        "avx2" => {
            // SAFETY: as above.
            unsafe { x86::fma_256(rounds) }
            flops(12, 8)
        }
        #[cfg(target_arch = "x86_64")]
        _ => {
            x86::mul_and_add_128(rounds);
            flops(12, 4)
        }
        #[cfg(not(target_arch = "x86_64"))]
        _ => {
            let (m, c) = (black_box(0.999_f32), black_box(1e-3_f32));
            let mut sums = [c; 32];
            (0..rounds).for_each(|_| sums.iter_mut().for_each(|sum| *sum = *sum * m + c));
            black_box(sums);
            flops(32, 1)
        }
    }
}

/// GB/s of reading `bytes` again and again: the best of several ways.
pub fn bandwidth(bytes: usize) -> (f64, &'static str) {
    let floats = (bytes / 4).next_multiple_of(1024);
    let data = vec![1e-9_f32; floats + 16];
    // Panels are read from a line's start.
    let start = data.as_ptr().align_offset(64);
    let data = &data[start..][..floats];
    let rounds = (1 << 20) / floats + 1;
    let gigabytes = |time: Time| (4 * floats * rounds) as f64 / time.min;
    #[cfg(target_arch = "x86_64")]
    {
        let has_512 = is_x86_feature_detected!("avx512f");
        let mut best = (0.0, "none");
        let ways = [
            ("in order", 0, 1, has_512),
            ("prefetched", 512, 1, has_512),
            ("4 streams", 0, 4, has_512),
            ("256-bit in order", 0, 1, false),
            ("256-bit prefetched", 512, 1, false),
            ("256-bit 4 streams", 0, 4, false),
        ];
        for (name, ahead, streams, wide) in ways {
            if !is_x86_feature_detected!("avx2") {
                break;
            }
            let time = measure(0.05, || {
                for _ in 0..rounds {
                    // SAFETY: the features were just asked for; the length is a multiple of 1024.
                    unsafe {
                        if wide { x86::read_512(data, ahead, streams) } else { x86::read_256(data, ahead, streams) }
                    }
                }
            });
            if gigabytes(time) > best.0 {
                best = (gigabytes(time), name);
            }
        }
        if best.0 > 0.0 {
            return best;
        }
    }
    let read = || {
        for _ in 0..rounds {
            let sums = data.chunks_exact(32).fold([0.0_f32; 32], |mut sums, chunk| {
                sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x);
                sums
            });
            black_box(sums);
        }
    };
    (gigabytes(measure(0.1, read)), "in order")
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;
    use std::hint::black_box;

    #[target_feature(enable = "avx512f")]
    pub fn fma_512(rounds: usize) {
        let (m, c) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(1e-3)));
        let mut sums = [c; 24];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, m, c);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn fma_256(rounds: usize) {
        let (m, c) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(1e-3)));
        let mut sums = [c; 12];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, m, c);
            }
        }
        black_box(sums);
    }

    pub fn mul_and_add_128(rounds: usize) {
        // SAFETY: every x86-64 has SSE.
        unsafe {
            let (m, c) = (_mm_set1_ps(black_box(0.999)), _mm_set1_ps(black_box(1e-3)));
            let mut sums = [c; 12];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = _mm_add_ps(_mm_mul_ps(*sum, m), c);
                }
            }
            black_box(sums);
        }
    }

    /// Reads all of it, `streams` (1 or 4) parts at once, asking for lines `ahead` bytes before.
    #[target_feature(enable = "avx512f")]
    pub fn read_512(data: &[f32], ahead: usize, streams: usize) {
        let part = data.len() / streams;
        let mut sums = [_mm512_setzero_ps(); 8];
        let per_stream = 8 / streams;
        for at in (0..part).step_by(16 * per_stream) {
            for (i, sum) in sums.iter_mut().enumerate() {
                let from = i / per_stream * part + at + i % per_stream * 16;
                // SAFETY: `from + 16` is within its part, whose length is a multiple of 16 * 8; prefetching is a hint.
                unsafe {
                    let from = data.as_ptr().add(from);
                    if ahead > 0 {
                        _mm_prefetch::<_MM_HINT_T0>(from.wrapping_byte_add(ahead).cast());
                    }
                    *sum = _mm512_add_ps(*sum, _mm512_loadu_ps(from));
                }
            }
        }
        black_box(sums);
    }

    /// As `read_512`, in vectors of 8.
    #[target_feature(enable = "avx2")]
    pub fn read_256(data: &[f32], ahead: usize, streams: usize) {
        let part = data.len() / streams;
        let mut sums = [_mm256_setzero_ps(); 8];
        let per_stream = 8 / streams;
        for at in (0..part).step_by(8 * per_stream) {
            for (i, sum) in sums.iter_mut().enumerate() {
                let from = i / per_stream * part + at + i % per_stream * 8;
                // SAFETY: as in `read_512`.
                unsafe {
                    let from = data.as_ptr().add(from);
                    if ahead > 0 && i % 2 == 0 {
                        _mm_prefetch::<_MM_HINT_T0>(from.wrapping_byte_add(ahead).cast());
                    }
                    *sum = _mm256_add_ps(*sum, _mm256_loadu_ps(from));
                }
            }
        }
        black_box(sums);
    }
}
