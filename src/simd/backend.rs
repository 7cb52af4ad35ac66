//! The choice among the backends: a value to hold, to name and to force.

use super::portable::Portable;
use super::{Kernel, Simd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
}

/// How the kernels are run on this CPU.
///
/// The bits of a result depend on the backend's kind alone: all fused backends agree, and all unfused ones
/// (`portable`, on any CPU) agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend(Kind);

impl Backend {
    /// The fastest backend of this CPU.
    pub fn detect() -> Self {
        Self::portable()
    }

    /// The backend that every CPU has. It rounds a multiply-add twice.
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// The backends that this CPU has, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Self::portable()].into_iter()
    }

    /// The name: `portable`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
        }
    }

    /// A multiply-add rounds once.
    pub const fn is_fused(self) -> bool {
        match self.0 {
            Kind::Portable => false,
        }
    }

    /// Runs a kernel with this backend's vectors.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Kind::Portable => Portable.vectorize(kernel),
        }
    }
}
