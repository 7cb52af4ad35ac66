//! The activations, for what stands around a network.

use super::error::{prnn_error, prnn_status};
use super::memory::{Memory, Out, call};
use super::model::{prnn_backend, unknown};
use crate::activation;
use crate::error::Argument;
use crate::simd::backend::Backend;

/// # Safety
/// As the functions of C below.
unsafe fn each(
    backend: prnn_backend,
    values: *mut f32,
    values_len: usize,
    error: *mut prnn_error,
    activation: fn(Backend, &mut [f32]),
) -> prnn_status {
    let gather = |memory: &mut Memory<'_>| memory.write(values, values_len, Argument::Values);
    let act = |values: &Out<f32>| {
        let backend = Backend::of_number(backend).ok_or(unknown(Argument::Backend, backend, 0))?;
        // SAFETY: checked by `call`, promised by the caller.
        activation(backend, unsafe { values.slice() });
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// e^x of each value, in place, within 1.5 units of max(ulp, 2^-149).
///
/// Errors: backend: PRNN_CODE_UNKNOWN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_exp(
    backend: prnn_backend,
    values: *mut f32,
    values_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { each(backend, values, values_len, error, activation::exp) }
}

/// 1 / (1 + e^-x) of each value, in place, within 2.5 units of max(ulp, 2^-149).
///
/// Errors: backend: PRNN_CODE_UNKNOWN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_sigmoid(
    backend: prnn_backend,
    values: *mut f32,
    values_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { each(backend, values, values_len, error, activation::sigmoid) }
}

/// tanh(x) of each value, in place, within 2.5 units of max(ulp, 2^-149).
///
/// Errors: backend: PRNN_CODE_UNKNOWN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_tanh(
    backend: prnn_backend,
    values: *mut f32,
    values_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    unsafe { each(backend, values, values_len, error, activation::tanh) }
}
