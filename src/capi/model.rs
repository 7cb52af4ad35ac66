//! Shapes, weights, panels, models and backends.

use super::error::{prnn_error, prnn_status};
use super::memory::{In, Memory, Out, call};
use crate::cell::Cell;
use crate::error::{Argument, Code, Error};
use crate::model::{Direction, Model, Shape};
use crate::simd::backend::Backend;
use crate::weights::Weights;
use core::ffi::{CStr, c_char};

/// Which recurrent cell: PRNN_LSTM, PRNN_GRU, PRNN_RNN_TANH or PRNN_RNN_RELU.
pub type prnn_cell = i32;
/// PyTorch's nn.LSTM: gates i, f, g, o.
pub const PRNN_LSTM: prnn_cell = 0;
/// PyTorch's nn.GRU: gates r, z, n.
pub const PRNN_GRU: prnn_cell = 1;
/// PyTorch's nn.RNN.
pub const PRNN_RNN_TANH: prnn_cell = 2;
/// PyTorch's nn.RNN with nonlinearity="relu".
pub const PRNN_RNN_RELU: prnn_cell = 3;

/// Which way a layer walks along time: PRNN_FORWARD, PRNN_REVERSE or PRNN_BIDIRECTIONAL.
pub type prnn_direction = i32;
/// From the first token to the last.
pub const PRNN_FORWARD: prnn_direction = 0;
/// From each sequence's own last token to its first; outputs stay at their token.
pub const PRNN_REVERSE: prnn_direction = 1;
/// Both, their outputs side by side: PyTorch's bidirectional=True.
pub const PRNN_BIDIRECTIONAL: prnn_direction = 2;

/// A way to run the kernels: a number that prnn_backend_detect or prnn_backend_by_name gave.
pub type prnn_backend = i32;

/// The cell and the sizes of a network: PyTorch's module arguments. Below, G is the number of its gates (LSTM 4, GRU 3,
/// RNN 1), I the input_size, H the hidden_size, L the num_layers, D the number of directions (1 or 2), B a number of
/// sequences.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_shape {
    /// Which cell.
    pub cell: prnn_cell,
    /// Forward, reverse, or both.
    pub direction: prnn_direction,
    /// Features of the input, I.
    pub input_size: usize,
    /// Features of a state, H.
    pub hidden_size: usize,
    /// Layers, each on the outputs of the one before: L.
    pub num_layers: usize,
}

/// The parameters of one layer in one direction, just as PyTorch stores them: row-major, the gates one after another.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_weights {
    /// weight_ih_l{k}: [G * H, I], or [G * H, D * H] from the second layer on.
    pub weight_ih: *const f32,
    /// The floats of weight_ih.
    pub weight_ih_len: usize,
    /// weight_hh_l{k}: [G * H, H].
    pub weight_hh: *const f32,
    /// The floats of weight_hh.
    pub weight_hh_len: usize,
    /// bias_ih_l{k}: [G * H]; null with a length of 0 is zeros (PyTorch's bias=False).
    pub bias_ih: *const f32,
    /// The floats of bias_ih.
    pub bias_ih_len: usize,
    /// bias_hh_l{k}: [G * H]; null with a length of 0 is zeros.
    pub bias_hh: *const f32,
    /// The floats of bias_hh.
    pub bias_hh_len: usize,
}

/// A network over the caller's panels: PyTorch's nn.LSTM, nn.GRU, nn.RNN in eval. Made by prnn_model_new; small enough
/// to be copied, and any number of threads may use it. The panels stay where they are, in flash if need be.
///
/// Errors, wherever one is given: cell, direction, backend: PRNN_CODE_UNKNOWN; input_size, hidden_size, num_layers:
/// PRNN_CODE_ZERO; panels: PRNN_CODE_WRONG_LEN, PRNN_CODE_OVERFLOW; panel_format: PRNN_CODE_PANEL_FORMAT.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_model {
    /// The cell and the sizes.
    pub shape: prnn_shape,
    /// The packed weights.
    pub panels: *const f32,
    /// The floats of panels: what prnn_panels_len tells.
    pub panels_len: usize,
    /// The format of the panels: PRNN_PANEL_FORMAT of the program.
    pub panel_format: u32,
    /// How the kernels are run: the fastest of this CPU, until it is set to another.
    pub backend: prnn_backend,
}

/// Calls generic code for the cell of a number: the one place where numbers become cells.
macro_rules! with_cell {
    ($cell:expr, $C:ident => $body:expr) => {{
        use $crate::capi::model::{PRNN_GRU, PRNN_LSTM, PRNN_RNN_RELU, PRNN_RNN_TANH};
        match $cell {
            PRNN_LSTM => {
                type $C = $crate::cell::Lstm;
                $body
            }
            PRNN_GRU => {
                type $C = $crate::cell::Gru;
                $body
            }
            PRNN_RNN_TANH => {
                type $C = $crate::cell::Tanh;
                $body
            }
            PRNN_RNN_RELU => {
                type $C = $crate::cell::Relu;
                $body
            }
            other => Err($crate::capi::model::unknown($crate::error::Argument::Cell, other, PRNN_RNN_RELU + 1)),
        }
    }};
}
pub(super) use with_cell;

/// A number that stands for nothing; those from 0 to before `end` are known, and an `end` of 0 tells nothing.
pub(super) fn unknown(argument: Argument, number: i32, end: i32) -> Error {
    Error { code: Code::Unknown, argument, index: None, found: number.into(), expected: end.into() }
}

impl prnn_shape {
    pub(super) fn sizes(&self) -> Result<Shape, Error> {
        let direction = match self.direction {
            PRNN_FORWARD => Direction::Forward,
            PRNN_REVERSE => Direction::Reverse,
            PRNN_BIDIRECTIONAL => Direction::Bidirectional,
            other => return Err(unknown(Argument::Direction, other, PRNN_BIDIRECTIONAL + 1)),
        };
        Ok(Shape::new(self.input_size, self.hidden_size).layers(self.num_layers).direction(direction))
    }
}

/// A model, and where its panels are.
pub(super) struct Network {
    pub(super) model: prnn_model,
    panels: In<f32>,
}

impl Network {
    /// What [`Memory::model`] has checked in this call: to look again is cheaper than to keep it on the stack.
    ///
    /// # Safety
    /// It has.
    pub(super) unsafe fn checked(model: *const prnn_model) -> Self {
        // SAFETY: it is there, and nothing has been written since.
        let model = unsafe { model.read() };
        Self { model, panels: In::checked(model.panels, model.panels_len) }
    }

    /// # Safety
    /// `call` has checked the panels, which are there for `'a`.
    pub(super) unsafe fn model<'a, C: Cell>(&self) -> Result<Model<'a, C>, Error> {
        let prnn_model { shape, panel_format, backend, .. } = self.model;
        if panel_format != crate::PANEL_FORMAT {
            let (found, expected) = (panel_format.into(), crate::PANEL_FORMAT.into());
            return Err(Error {
                code: Code::PanelFormat,
                argument: Argument::PanelFormat,
                index: None,
                found,
                expected,
            });
        }
        let backend = Backend::of_number(backend).ok_or(unknown(Argument::Backend, backend, 0))?;
        // SAFETY: the caller's promise.
        Ok(Model::from_panels(shape.sizes()?, unsafe { self.panels.slice() })?.with_backend(backend))
    }
}

impl Memory<'_> {
    /// # Safety
    /// As [`Memory::copy`], and what the struct refers to is there as well.
    pub(super) unsafe fn model(&mut self, model: *const prnn_model) -> Result<Network, Error> {
        // SAFETY: the caller's promise.
        let prnn_model { panels, panels_len, .. } = unsafe { self.copy(model, Argument::Model)? };
        self.read(panels, panels_len, Argument::Panels)?;
        // SAFETY: just now.
        Ok(unsafe { Network::checked(model) })
    }
}

/// Tells the floats of a network's panels: all parameters, each pair of biases as its sum where it can be summed, and
/// up to 15 zeros for each layer and direction. PRNN_LSTM_PANELS_LEN and its like tell the same to the compiler.
///
/// Errors: cell, direction: PRNN_CODE_UNKNOWN; input_size, hidden_size, num_layers: PRNN_CODE_ZERO; panels:
/// PRNN_CODE_OVERFLOW.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_panels_len(
    shape: *const prnn_shape,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        Ok((memory.copy(shape, Argument::Shape)?, memory.write(result, 1, Argument::Result)?))
    };
    let act = |(shape, result): &(prnn_shape, Out<usize>)| {
        let sizes = shape.sizes()?;
        sizes.check()?;
        let len = with_cell!(shape.cell, C => Ok(Model::<C>::panels_len(sizes)))?;
        if len == usize::MAX {
            return Err(Error::overflow(Argument::Panels));
        }
        // SAFETY: checked by `call`, promised by the caller.
        unsafe { result.set(len) }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Packs weights into panels, of which prnn_panels_len tells the floats; any alignment of floats works, one of 64 bytes
/// is the fastest.
///
/// weights has L * D entries, in PyTorch's order: _l0, _l0_reverse, _l1, ...
///
/// Errors: as prnn_panels_len; panels: PRNN_CODE_WRONG_LEN; weights: PRNN_CODE_WRONG_COUNT; weight_ih, weight_hh,
/// bias_ih, bias_hh: PRNN_CODE_WRONG_LEN, the index is that of the entry.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_panels_pack(
    shape: *const prnn_shape,
    weights: *const prnn_weights,
    weights_len: usize,
    panels: *mut f32,
    panels_len: usize,
    error: *mut prnn_error,
) -> prnn_status {
    let gather = |memory: &mut Memory<'_>| {
        // SAFETY: the caller's promise.
        let shape = unsafe { memory.copy(shape, Argument::Shape)? };
        let list = memory.read(weights, weights_len, Argument::Weights)?;
        let panels = memory.write(panels, panels_len, Argument::Panels)?;
        // SAFETY: the caller's promise; nothing is written while arguments are gathered.
        for (index, weights) in unsafe { list.slice() }.iter().enumerate() {
            for (start, len, argument) in weights.arrays() {
                memory.entry(start, len, argument, false).map_err(|error| error.at(index))?;
            }
        }
        Ok((shape, list, panels))
    };
    let act = |(shape, list, panels): &(prnn_shape, In<prnn_weights>, Out<f32>)| {
        // SAFETY: checked by `call`, promised by the caller.
        let (weights, panels) = unsafe { (list.slice().iter().map(|weights| weights.open()), panels.slice()) };
        with_cell!(shape.cell, C => Model::<C>::pack_each(shape.sizes()?, weights, panels).map(|_| ()))
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

impl prnn_weights {
    fn arrays(&self) -> [(*const f32, usize, Argument); 4] {
        [
            (self.weight_ih, self.weight_ih_len, Argument::WeightIh),
            (self.weight_hh, self.weight_hh_len, Argument::WeightHh),
            (self.bias_ih, self.bias_ih_len, Argument::BiasIh),
            (self.bias_hh, self.bias_hh_len, Argument::BiasHh),
        ]
    }

    /// # Safety
    /// The arrays have been checked, and are there for `'a`.
    unsafe fn open<'a>(&self) -> Weights<'a> {
        // SAFETY: the caller's promise.
        let slice = |start: *const f32, len| unsafe { In::checked(start, len).slice() };
        let bias = |start: *const f32, len| (!start.is_null()).then(|| slice(start, len));
        Weights {
            weight_ih: slice(self.weight_ih, self.weight_ih_len),
            weight_hh: slice(self.weight_hh, self.weight_hh_len),
            bias_ih: bias(self.bias_ih, self.bias_ih_len),
            bias_hh: bias(self.bias_hh, self.bias_hh_len),
        }
    }
}

/// Makes a model over panels that were packed before, on this or another machine, for the fastest backend of this CPU.
///
/// panel_format is PRNN_PANEL_FORMAT, or the one that was stored with the panels: a library that reads another refuses.
///
/// Errors: as prnn_panels_len; panels: PRNN_CODE_WRONG_LEN; panel_format: PRNN_CODE_PANEL_FORMAT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_model_new(
    shape: *const prnn_shape,
    panels: *const f32,
    panels_len: usize,
    panel_format: u32,
    model: *mut prnn_model,
    error: *mut prnn_error,
) -> prnn_status {
    let gather = |memory: &mut Memory<'_>| {
        // SAFETY: the caller's promise.
        let shape = unsafe { memory.copy(shape, Argument::Shape)? };
        let backend = Backend::detect().number();
        let network = Network {
            model: prnn_model { shape, panels, panels_len, panel_format, backend },
            panels: memory.read(panels, panels_len, Argument::Panels)?,
        };
        Ok((network, memory.write(model, 1, Argument::Model)?))
    };
    let act = |(network, model): &(Network, Out<prnn_model>)| {
        // SAFETY: checked by `call`, promised by the caller.
        with_cell!(network.model.shape.cell, C => unsafe { network.model::<C>() }.map(|_| ()))?;
        // SAFETY: the same.
        unsafe { model.set(network.model) }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Makes one layer of a network a network of its own, over the same panels, on the same backend. Its input is that of the
/// network for layer 0, else the output of the layer before; its states are the D * B * H floats of this layer among the
/// network's.
///
/// Errors: those of prnn_model; layer: PRNN_CODE_WRONG_COUNT from num_layers on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_model_layer(
    model: *const prnn_model,
    layer: usize,
    result: *mut prnn_model,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather =
        |memory: &mut Memory<'_>| unsafe { Ok((memory.model(model)?, memory.write(result, 1, Argument::Result)?)) };
    let act = |(network, result): &(Network, Out<prnn_model>)| {
        let prnn_model { shape, .. } = network.model;
        let one = with_cell!(shape.cell, C => {
            // SAFETY: checked by `call`, promised by the caller.
            let one = unsafe { network.model::<C>() }?.layer(layer);
            let one = one.ok_or(Error::new(Code::WrongCount, Argument::Layer, layer, shape.num_layers))?;
            let (panels, Shape { input_size, hidden_size, num_layers, .. }) = (one.panels(), one.shape());
            let shape = prnn_shape { input_size, hidden_size, num_layers, ..shape };
            Ok(prnn_model { shape, panels: panels.as_ptr(), panels_len: panels.len(), ..network.model })
        })?;
        // SAFETY: the same.
        unsafe { result.set(one) }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// The fastest backend of this CPU. It asks the CPU once and remembers the answer.
#[unsafe(no_mangle)]
pub extern "C" fn prnn_backend_detect() -> prnn_backend {
    Backend::detect().number()
}

/// The names, as `Backend::name` has them.
const NAMES: [&CStr; 4] = [c"avx512", c"avx2", c"neon", c"portable"];

/// The name of a backend of this CPU, "avx512", "avx2", "neon" or "portable"; null for a number that is none.
#[unsafe(no_mangle)]
pub extern "C" fn prnn_backend_name(backend: prnn_backend) -> *const c_char {
    let name = Backend::of_number(backend).map_or("", Backend::name);
    let name = NAMES.iter().find(|known| known.to_bytes() == name.as_bytes());
    name.map_or(core::ptr::null(), |name| name.as_ptr())
}

/// Tells the backend of a name, to be set as that of a model. All of avx512, avx2 and neon give the same bits; portable
/// gives others, the same on every CPU, which every CPU has.
///
/// Errors: name: PRNN_CODE_UNKNOWN if there is no such backend, or this CPU does not have it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_backend_by_name(
    name: *const c_char,
    result: *mut prnn_backend,
    error: *mut prnn_error,
) -> prnn_status {
    let gather = |memory: &mut Memory<'_>| {
        // How long the string is, is not known before it is read; no more of it than of the longest name.
        memory.read(name, 1, Argument::Name)?;
        let longest = NAMES.iter().map(|name| name.to_bytes().len()).max().unwrap_or_default();
        // SAFETY: a string of C, by the caller's promise, of which no byte behind the 0 is read.
        let len = (0..longest).find(|&at| unsafe { name.add(at).read() } == 0).unwrap_or(longest);
        memory.read(name, len + 1, Argument::Name)?;
        memory.write(result, 1, Argument::Result)
    };
    let act = |result: &Out<prnn_backend>| {
        // SAFETY: a string of C, by the caller's promise; no byte beyond the first that differs is read.
        let is_name = |backend: &Backend| unsafe { is(name.cast(), backend.name()) };
        let backend = Backend::available().find(is_name).ok_or(unknown(Argument::Name, 0, 0))?;
        // SAFETY: checked by `call`, promised by the caller.
        unsafe { result.set(backend.number()) }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Whether a string of C is this text.
///
/// # Safety
/// It is there up to its 0.
unsafe fn is(mut string: *const u8, text: &str) -> bool {
    for &byte in text.as_bytes() {
        // SAFETY: no 0 has been read yet, as no text holds one.
        if unsafe { string.read() } != byte {
            return false;
        }
        string = string.wrapping_add(1);
    }
    // SAFETY: the same.
    unsafe { string.read() == 0 }
}
