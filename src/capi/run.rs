//! Runs, streaming steps, and their sizes.

use super::error::{prnn_error, prnn_status};
use super::layout::{Arrays, prnn_layout};
use super::memory::{In, Memory, Out, call};
use super::model::{Network, prnn_model, with_cell};
use crate::error::{Argument, Error};
use crate::run::States;

/// The states of a run, L * D * B * H floats each: layer after layer, within a layer forward before reverse, and within a
/// direction in the caller's order of sequences.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_states {
    /// The states to begin with; null with a length of 0 gives the bits of zeros.
    pub h0: *const f32,
    /// The floats of h0.
    pub h0_len: usize,
    /// The cell states to begin with (LSTM only); null with a length of 0 gives the bits of zeros.
    pub c0: *const f32,
    /// The floats of c0.
    pub c0_len: usize,
    /// Receives the states after each sequence's last token (reverse: its first). A sequence of length 0 keeps its
    /// initial state.
    pub hn: *mut f32,
    /// The floats of hn.
    pub hn_len: usize,
    /// Receives the cell states (LSTM only; else null with a length of 0).
    pub cn: *mut f32,
    /// The floats of cn.
    pub cn_len: usize,
}

/// What [`Memory::states`] has checked in this call.
///
/// # Safety
/// It has, the arrays are there for `'a`, and it is called once.
pub(super) unsafe fn states<'a>(states: *const prnn_states) -> States<'a> {
    // SAFETY: it is there, and nothing has been written since.
    let prnn_states { h0, h0_len, c0, c0_len, hn, hn_len, cn, cn_len } = unsafe { states.read() };
    // SAFETY: the caller's promise.
    let initial = |start: *const f32, len| (!start.is_null()).then(|| unsafe { In::checked(start, len).slice() });
    // SAFETY: the same.
    let (hn, cn) = unsafe { (Out::checked(hn, hn_len).slice(), Out::checked(cn, cn_len).slice()) };
    States { h0: initial(h0, h0_len), c0: initial(c0, c0_len), hn, cn }
}

impl Memory<'_> {
    /// # Safety
    /// As [`Memory::copy`], and what the struct refers to is there as well.
    pub(super) unsafe fn states(&mut self, states: *const prnn_states) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        let states = unsafe { self.copy(states, Argument::States)? };
        self.read_option(states.h0, states.h0_len, Argument::H0)?;
        self.read_option(states.c0, states.c0_len, Argument::C0)?;
        self.write(states.hn, states.hn_len, Argument::Hn)?;
        self.write(states.cn, states.cn_len, Argument::Cn)?;
        Ok(())
    }
}

/// Runs a network over a packed batch and keeps every output.
///
/// input is packed, [tokens, I]; output receives [tokens, D * H], packed. scratch has at least the floats that
/// prnn_scratch_len tells, which may hold anything, and those of prnn_ahead_len more to be faster where few sequences
/// run; what is in them afterwards has no meaning.
///
/// Errors: input, output, h0, c0, hn, cn: PRNN_CODE_WRONG_LEN; c0: PRNN_CODE_UNSUPPORTED for a cell that has no second
/// state; scratch: PRNN_CODE_TOO_SHORT; a size that cannot be counted: PRNN_CODE_OVERFLOW; and those of prnn_model
/// and of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_run(
    model: *const prnn_model,
    layout: *const prnn_layout,
    input: *const f32,
    input_len: usize,
    states: *const prnn_states,
    output: *mut f32,
    output_len: usize,
    scratch: *mut f32,
    scratch_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        memory.model(model)?;
        memory.layout(layout)?;
        memory.read(input, input_len, Argument::Input)?;
        memory.states(states)?;
        memory.write(output, output_len, Argument::Output)?;
        memory.write(scratch, scratch_len, Argument::Scratch)?;
        Ok(())
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(): &()| unsafe {
        let (network, layout) = (Network::checked(model), Arrays::checked(layout).layout()?);
        let (input, output) = (In::checked(input, input_len).slice(), Out::checked(output, output_len).slice());
        let (states, scratch) = (self::states(states), Out::checked(scratch, scratch_len).slice());
        with_cell!(network.model.shape.cell, C => network.model::<C>()?.run(&layout, input, states, output, scratch))
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Runs a network over a packed batch and keeps only the last states, in hn and cn.
///
/// As prnn_run, with at least the floats of scratch that prnn_last_scratch_len tells, and those of prnn_ahead_len more to
/// be faster where few sequences run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_run_last(
    model: *const prnn_model,
    layout: *const prnn_layout,
    input: *const f32,
    input_len: usize,
    states: *const prnn_states,
    scratch: *mut f32,
    scratch_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        memory.model(model)?;
        memory.layout(layout)?;
        memory.read(input, input_len, Argument::Input)?;
        memory.states(states)?;
        memory.write(scratch, scratch_len, Argument::Scratch)?;
        Ok(())
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(): &()| unsafe {
        let (network, layout) = (Network::checked(model), Arrays::checked(layout).layout()?);
        let input = In::checked(input, input_len).slice();
        let (states, scratch) = (self::states(states), Out::checked(scratch, scratch_len).slice());
        with_cell!(network.model.shape.cell, C => network.model::<C>()?.run_last(&layout, input, states, scratch))
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Makes one step of batch streams, with the states apart: PyTorch's nn.LSTMCell and its like, of any number of layers.
///
/// input is [B, I]; h_in and h_out are [L, B, H], and so is an LSTM's c, which is updated in place (for other cells it is
/// null with a length of 0). The output is the last layer of h_out. Where one array is to be both h_in and h_out, use
/// prnn_step_in_place.
///
/// Errors: direction: PRNN_CODE_UNSUPPORTED unless forward; input, h_in, h_out, c: PRNN_CODE_WRONG_LEN; batch, input:
/// PRNN_CODE_OVERFLOW; and those of prnn_model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_step(
    model: *const prnn_model,
    batch: usize,
    input: *const f32,
    input_len: usize,
    h_in: *const f32,
    h_in_len: usize,
    h_out: *mut f32,
    h_out_len: usize,
    c: *mut f32,
    c_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        memory.model(model)?;
        memory.read(input, input_len, Argument::Input)?;
        memory.read(h_in, h_in_len, Argument::HIn)?;
        memory.write(h_out, h_out_len, Argument::HOut)?;
        memory.write(c, c_len, Argument::C)?;
        Ok(())
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(): &()| unsafe {
        let (network, input) = (Network::checked(model), In::checked(input, input_len).slice());
        let (h_in, h_out) = (In::checked(h_in, h_in_len).slice(), Out::checked(h_out, h_out_len).slice());
        let c = Out::checked(c, c_len).slice();
        with_cell!(network.model.shape.cell, C => network.model::<C>()?.step(batch, input, h_in, h_out, c))
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Makes one step of batch streams, with the states in place; scratch has at least as many floats as h.
///
/// Errors: as prnn_step, for h; scratch: PRNN_CODE_TOO_SHORT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_step_in_place(
    model: *const prnn_model,
    batch: usize,
    input: *const f32,
    input_len: usize,
    h: *mut f32,
    h_len: usize,
    c: *mut f32,
    c_len: usize,
    scratch: *mut f32,
    scratch_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        memory.model(model)?;
        memory.read(input, input_len, Argument::Input)?;
        memory.write(h, h_len, Argument::H)?;
        memory.write(c, c_len, Argument::C)?;
        memory.write(scratch, scratch_len, Argument::Scratch)?;
        Ok(())
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(): &()| unsafe {
        let (network, input) = (Network::checked(model), In::checked(input, input_len).slice());
        let (h, c) = (Out::checked(h, h_len).slice(), Out::checked(c, c_len).slice());
        let scratch = Out::checked(scratch, scratch_len).slice();
        with_cell!(network.model.shape.cell, C => network.model::<C>()?.step_in_place(batch, input, h, c, scratch))
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Declares what a size of a model is, by the expression of one over the typed model.
macro_rules! size_of_model {
    ($model:expr, $result:expr, $error:expr, |$typed:ident| $value:expr) => {{
        // SAFETY: the caller's promise.
        let gather = |memory: &mut Memory<'_>| unsafe {
            Ok((memory.model($model)?, memory.write($result, 1, Argument::Result)?))
        };
        // SAFETY: checked by `call`, promised by the caller.
        let act = |(network, result): &(Network, Out<usize>)| unsafe {
            result.set(with_cell!(network.model.shape.cell, C => {
                let $typed = network.model::<C>()?;
                $value
            })?);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call($error, gather, act) }
    }};
}

/// The same for what depends on a layout as well.
macro_rules! size_of_run {
    ($model:expr, $layout:expr, $result:expr, $error:expr, |$typed:ident, $over:ident| $value:expr) => {{
        // SAFETY: the caller's promise.
        let gather = |memory: &mut Memory<'_>| unsafe {
            Ok((memory.model($model)?, memory.layout($layout)?, memory.write($result, 1, Argument::Result)?))
        };
        // SAFETY: checked by `call`, promised by the caller.
        let act = |(network, layout, result): &(Network, Arrays, Out<_>)| unsafe {
            let $over = &layout.layout()?;
            result.set(with_cell!(network.model.shape.cell, C => {
                let $typed = network.model::<C>()?;
                $value
            })?);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call($error, gather, act) }
    }};
}

/// Tells the floats of hn, and of an LSTM's cn: L * D * B * H; of a step those of h_in, h_out and c.
///
/// Errors: batch: PRNN_CODE_OVERFLOW; and those of prnn_model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_states_len(
    model: *const prnn_model,
    batch: usize,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    size_of_model!(model, result, error, |model| model.states_len(batch))
}

/// Tells the floats of scratch beyond the needed that make steps of few sequences faster, where a CPU has vectors. The
/// bits are the same with and without.
///
/// Errors: those of prnn_model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_ahead_len(
    model: *const prnn_model,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    size_of_model!(model, result, error, |model| Ok(model.ahead_len()))
}

/// Tells the floats of a run's output: tokens * D * H.
///
/// Errors: output: PRNN_CODE_OVERFLOW; and those of prnn_model and of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_output_len(
    model: *const prnn_model,
    layout: *const prnn_layout,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    size_of_run!(model, layout, result, error, |model, layout| model.output_len(layout))
}

/// Tells the floats of scratch that prnn_run needs: the outputs of a layer between two, none for a single layer.
///
/// Errors: as prnn_output_len.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_scratch_len(
    model: *const prnn_model,
    layout: *const prnn_layout,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    size_of_run!(model, layout, result, error, |model, layout| model.scratch_len(layout))
}

/// Tells the floats of scratch that prnn_run_last needs: the states of a layer, and the outputs of one or two between.
///
/// Errors: scratch: PRNN_CODE_OVERFLOW; and those of prnn_model and of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_last_scratch_len(
    model: *const prnn_model,
    layout: *const prnn_layout,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    size_of_run!(model, layout, result, error, |model, layout| model.last_scratch_len(layout))
}

/// Tells the estimated cost of a run on one thread, in multiply-adds of a run of many rows: a token that runs alone counts
/// for more than one among others.
///
/// Errors: those of prnn_model and of prnn_layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_cost(
    model: *const prnn_model,
    layout: *const prnn_layout,
    result: *mut u64,
    error: *mut prnn_error,
) -> prnn_status {
    size_of_run!(model, layout, result, error, |model, layout| Ok(model.cost(layout)))
}
