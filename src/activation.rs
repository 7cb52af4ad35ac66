//! `exp`, `sigmoid` and `tanh` over slices, by the same vectors as the cells', for what stands around a network.
//!
//! Errors are in units of max(ulp, 2^-149), over all f32. `tanh` is odd, monotone and never beyond 1; `sigmoid` stays
//! within [0, 1] and never steps down by more than 1 ULP. NaN gives NaN, infinities their limits. The functions have no
//! table, no branch on data, and flush nothing to zero.

use crate::simd::backend::Backend;
use crate::simd::math;
use crate::simd::{Function, Map, Values};

pub use crate::simd::math::{MAX_EXP_ERROR, MAX_SIGMOID_ERROR, MAX_TANH_ERROR};

/// `e^x` in place, within [`MAX_EXP_ERROR`].
pub fn exp(backend: Backend, values: &mut [f32]) {
    backend.run(Map(values, Exp));
}

/// `1 / (1 + e^-x)` in place, within [`MAX_SIGMOID_ERROR`].
///
/// ```
/// use packed_rnn::{Backend, activation};
///
/// let mut values = [0.0, f32::INFINITY, f32::NEG_INFINITY];
/// activation::sigmoid(Backend::detect(), &mut values);
/// assert_eq!(values, [0.5, 1.0, 0.0]);
/// ```
pub fn sigmoid(backend: Backend, values: &mut [f32]) {
    backend.run(Map(values, Sigmoid));
}

/// `tanh(x)` in place, within [`MAX_TANH_ERROR`].
pub fn tanh(backend: Backend, values: &mut [f32]) {
    backend.run(Map(values, Tanh));
}

macro_rules! function {
    ($name:ident, $function:path) => {
        struct $name;

        impl Function for $name {
            #[inline(always)]
            fn of<V: Values>(v: V, x: V::F) -> V::F {
                $function(v, x)
            }
        }
    };
}
function!(Exp, math::exp);
function!(Sigmoid, math::sigmoid);
function!(Tanh, math::tanh);
