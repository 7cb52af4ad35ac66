//! The choice among the backends: a value to hold, to name and to force.

#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::portable::{Portable, VECTORS};
use super::scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use super::{Kernel, Simd};
use core::sync::atomic::{AtomicU8, Ordering};

/// The backends that this build has, the fastest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512 = 1,
    #[cfg(target_arch = "x86_64")]
    Avx2 = 2,
    #[cfg(target_arch = "aarch64")]
    Neon = 3,
    Portable = 4,
}

impl Kind {
    const ALL: &'static [Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
        Self::Portable,
    ];

    /// The CPU has its features.
    fn exists(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::exists(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::exists(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => Neon::exists(),
            Self::Portable => true,
        }
    }
}

/// One of this build's backends has vectors.
pub(crate) const BUILD_HAS_VECTORS: bool = VECTORS || Kind::ALL.len() > 1;

/// The kind that [`Backend::detect`] found, 0 before.
static DETECTED: AtomicU8 = AtomicU8::new(0);

/// How the kernels are run on this CPU.
///
/// The bits of a result depend on the backend's kind alone: all fused backends (`avx512`, `avx2`, `neon`) agree, and
/// `portable`, which is not fused, gives the same bits on every CPU.
///
/// ```
/// use packed_rnn::Backend;
///
/// println!("fastest here: {}", Backend::detect().name());
/// assert!(Backend::available().any(|backend| backend.name() == "portable"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend(
    /// One that exists: no other is ever put here.
    Kind,
);

impl Backend {
    /// The fastest backend of this CPU. It asks the CPU once and remembers the answer.
    pub fn detect() -> Self {
        let known = DETECTED.load(Ordering::Relaxed);
        let mut kinds = Kind::ALL.iter().copied();
        let found = match known {
            0 => kinds.find(|kind| kind.exists()),
            _ => kinds.find(|&kind| kind as u8 == known),
        };
        let kind = found.unwrap_or(Kind::Portable);
        // Whoever comes at the same time finds the same.
        DETECTED.store(kind as u8, Ordering::Relaxed);
        Self(kind)
    }

    /// The backend that every CPU has. It rounds a multiply-add twice.
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// The backends that this CPU has, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Kind::ALL.iter().copied().filter(|kind| kind.exists()).map(Self)
    }

    /// The name: `avx512`, `avx2`, `neon` or `portable`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "neon",
            Kind::Portable => "portable",
        }
    }

    /// Its number in C.
    #[cfg(feature = "capi")]
    pub(crate) const fn number(self) -> i32 {
        self.0 as i32
    }

    /// The backend that has this number, if this CPU has it. For the detected one the CPU is not asked again.
    #[cfg(feature = "capi")]
    pub(crate) fn of_number(number: i32) -> Option<Self> {
        let kind = Kind::ALL.iter().copied().find(|&kind| kind as i32 == number)?;
        (DETECTED.load(Ordering::Relaxed) == kind as u8 || kind.exists()).then_some(Self(kind))
    }

    /// A multiply-add rounds once.
    pub const fn is_fused(self) -> bool {
        !matches!(self.0, Kind::Portable)
    }

    /// It takes several rows together: without vectors, they gain too little from each other. A constant comes first, so
    /// that a build without any knows at once.
    #[inline(always)]
    pub(crate) const fn has_vectors(self) -> bool {
        BUILD_HAS_VECTORS && (VECTORS || self.is_fused())
    }

    /// Runs a kernel with this backend's vectors.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the kind exists.
            Kind::Avx512 => unsafe { Avx512::new() }.vectorize(kernel),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the kind exists.
            Kind::Avx2 => unsafe { Avx2::new() }.vectorize(kernel),
            #[cfg(target_arch = "aarch64")]
            // SAFETY: the kind exists.
            Kind::Neon => unsafe { Neon::new() }.vectorize(kernel),
            Kind::Portable if VECTORS => Portable.vectorize(kernel),
            Kind::Portable => Scalar.vectorize(kernel),
        }
    }
}
