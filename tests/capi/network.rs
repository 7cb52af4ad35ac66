//! A network and a batch of the tests, as C has them: structs over vectors.

use crate::common::{Batch, Net, Reference};
use packed_rnn::capi::*;
use packed_rnn::{Backend, Direction, Gru, Lstm, Relu, Shape, Tanh};
use std::ffi::CString;

/// The number of a cell.
pub trait Numbered: Reference {
    const CELL: prnn_cell;
}
impl Numbered for Lstm {
    const CELL: prnn_cell = PRNN_LSTM;
}
impl Numbered for Gru {
    const CELL: prnn_cell = PRNN_GRU;
}
impl Numbered for Tanh {
    const CELL: prnn_cell = PRNN_RNN_TANH;
}
impl Numbered for Relu {
    const CELL: prnn_cell = PRNN_RNN_RELU;
}

/// Calls a function that must succeed.
macro_rules! ok {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        let mut error = prnn_error::default();
        // SAFETY: what the test passes is there.
        let status = unsafe { packed_rnn::capi::$function($($argument,)* &mut error) };
        assert_eq!(status, PRNN_OK, "{}: {error:?}", stringify!($function));
    }};
}
pub(crate) use ok;

/// Calls a function that tells one value.
macro_rules! told {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        let mut result = core::mem::MaybeUninit::uninit();
        $crate::network::ok!($function($($argument,)* result.as_mut_ptr()));
        // SAFETY: a function that succeeds has written it.
        unsafe { result.assume_init() }
    }};
}
pub(crate) use told;

pub fn shape_of<C: Numbered>(shape: Shape) -> prnn_shape {
    prnn_shape {
        cell: C::CELL,
        direction: match shape.direction {
            Direction::Forward => PRNN_FORWARD,
            Direction::Reverse => PRNN_REVERSE,
            Direction::Bidirectional => PRNN_BIDIRECTIONAL,
        },
        input_size: shape.input_size,
        hidden_size: shape.hidden_size,
        num_layers: shape.num_layers,
    }
}

/// Panels that C packed.
pub fn panels<C: Numbered>(net: &Net<C>) -> Vec<f32> {
    let shape = shape_of::<C>(net.shape);
    let parts =
        |values: &Option<Vec<f32>>| values.as_ref().map_or((core::ptr::null(), 0), |all| (all.as_ptr(), all.len()));
    let weights: Vec<_> = (net.params.iter())
        .map(|params| {
            let ((bias_ih, bias_ih_len), (bias_hh, bias_hh_len)) = (parts(&params.bias_ih), parts(&params.bias_hh));
            prnn_weights {
                weight_ih: params.weight_ih.as_ptr(),
                weight_ih_len: params.weight_ih.len(),
                weight_hh: params.weight_hh.as_ptr(),
                weight_hh_len: params.weight_hh.len(),
                bias_ih,
                bias_ih_len,
                bias_hh,
                bias_hh_len,
            }
        })
        .collect();
    let len: usize = told!(prnn_panels_len(&shape));
    let mut panels = vec![f32::NAN; len];
    ok!(prnn_panels_pack(&shape, weights.as_ptr(), weights.len(), panels.as_mut_ptr(), panels.len()));
    panels
}

/// A model over panels, on a backend.
pub fn model<C: Numbered>(shape: Shape, panels: &[f32], backend: Backend) -> prnn_model {
    let shape = shape_of::<C>(shape);
    let mut model: prnn_model = told!(prnn_model_new(&shape, panels.as_ptr(), panels.len(), PRNN_PANEL_FORMAT));
    let name = CString::new(backend.name()).unwrap();
    model.backend = told!(prnn_backend_by_name(name.as_ptr()));
    model
}

/// A layout with its arrays.
pub struct Layout {
    pub layout: prnn_layout,
    _arrays: [Vec<u32>; 3],
}

pub fn layout(lengths: &[usize]) -> Layout {
    let mut arrays = [(); 3].map(|()| vec![0; lengths.len()]);
    let [sorted, order, inverse] = arrays.each_mut().map(|array| array.as_mut_ptr());
    let layout = told!(prnn_layout_from_lengths_size(lengths.as_ptr(), lengths.len(), sorted, order, inverse));
    Layout { layout, _arrays: arrays }
}

/// The memory of a run.
pub struct Run {
    pub layout: Layout,
    pub input: Vec<f32>,
    pub h0: Option<Vec<f32>>,
    pub c0: Option<Vec<f32>>,
    pub hn: Vec<f32>,
    pub cn: Vec<f32>,
    pub output: Vec<f32>,
    pub scratch: Vec<f32>,
}

impl Run {
    pub fn new<C: Numbered>(model: &prnn_model, batch: &Batch, last: bool) -> Self {
        let lengths: Vec<_> = batch.lengths().collect();
        let layout = layout(&lengths);
        let row_bytes = 4 * batch.input_size;
        let sequences: Vec<_> = (batch.sequences.iter())
            .map(|all| prnn_sequence { data: all.as_ptr().cast(), bytes: 4 * all.len() })
            .collect();
        let packed: usize = told!(prnn_layout_packed_len(&layout.layout, batch.input_size));
        let mut input = vec![f32::NAN; packed];
        let (to, bytes) = (input.as_mut_ptr().cast(), 4 * input.len());
        ok!(prnn_pack_sequence(&layout.layout, row_bytes, sequences.as_ptr(), sequences.len(), to, bytes));
        let states: usize = told!(prnn_states_len(model, lengths.len()));
        let output: usize = told!(prnn_output_len(model, &layout.layout));
        let scratch: usize = match last {
            true => told!(prnn_last_scratch_len(model, &layout.layout)),
            false => told!(prnn_scratch_len(model, &layout.layout)),
        };
        Self {
            layout,
            input,
            h0: batch.h0.clone(),
            c0: batch.c0.clone(),
            hn: vec![f32::NAN; states],
            cn: vec![f32::NAN; if C::HAS_C { states } else { 0 }],
            output: vec![f32::NAN; output],
            scratch: vec![f32::NAN; scratch],
        }
    }

    pub fn states(&mut self) -> prnn_states {
        let of =
            |values: &Option<Vec<f32>>| values.as_ref().map_or((core::ptr::null(), 0), |all| (all.as_ptr(), all.len()));
        let ((h0, h0_len), (c0, c0_len)) = (of(&self.h0), of(&self.c0));
        let (hn_len, cn_len) = (self.hn.len(), self.cn.len());
        prnn_states { h0, h0_len, c0, c0_len, hn: self.hn.as_mut_ptr(), hn_len, cn: self.cn.as_mut_ptr(), cn_len }
    }

    pub fn run(&mut self, model: &prnn_model) {
        let states = self.states();
        let (layout, input, output, scratch) = (&self.layout.layout, &self.input, &mut self.output, &mut self.scratch);
        ok!(prnn_run(
            model,
            layout,
            input.as_ptr(),
            input.len(),
            &states,
            output.as_mut_ptr(),
            output.len(),
            scratch.as_mut_ptr(),
            scratch.len(),
        ));
    }

    pub fn run_last(&mut self, model: &prnn_model) {
        let states = self.states();
        let (input, scratch) = (&self.input, &mut self.scratch);
        let (scratch, scratch_len) = (scratch.as_mut_ptr(), scratch.len());
        ok!(prnn_run_last(model, &self.layout.layout, input.as_ptr(), input.len(), &states, scratch, scratch_len));
    }

    /// Splits the run, with outputs or with the last states alone.
    pub fn split(&mut self, model: &prnn_model, cuts: prnn_cuts, tasks: &mut Tasks, last: bool) {
        let states = self.states();
        let (input, output, scratch) = (&self.input, &mut self.output, &mut self.scratch);
        let (input, input_len, output, output_len) = (input.as_ptr(), input.len(), output.as_mut_ptr(), output.len());
        let (scratch, scratch_len) = (scratch.as_mut_ptr(), scratch.len());
        let (layout, to, len) = (&self.layout.layout, tasks.0.as_mut_ptr().cast(), tasks.0.capacity());
        let made: usize = match last {
            true => {
                told!(prnn_split_last(model, layout, input, input_len, &states, scratch, scratch_len, &cuts, to, len))
            }
            false => told!(prnn_split(
                model,
                layout,
                input,
                input_len,
                &states,
                output,
                output_len,
                scratch,
                scratch_len,
                &cuts,
                to,
                len
            )),
        };
        // SAFETY: as many were made.
        unsafe { tasks.0.set_len(made) }
    }

    /// The outputs of each sequence.
    pub fn outputs(&self, batch: &Batch, width: usize) -> Vec<Vec<f32>> {
        let mut outputs: Vec<_> = batch.lengths().map(|length| vec![f32::NAN; length * width]).collect();
        let sequences: Vec<_> = (outputs.iter_mut())
            .map(|all| prnn_sequence_mut { data: all.as_mut_ptr().cast(), bytes: 4 * all.len() })
            .collect();
        let (from, bytes) = (self.output.as_ptr().cast(), 4 * self.output.len());
        ok!(prnn_unpack_sequence(&self.layout.layout, 4 * width, from, bytes, sequences.as_ptr(), sequences.len()));
        outputs
    }
}

/// Room for tasks, which do not move.
pub struct Tasks(pub Vec<prnn_task>);

impl Tasks {
    pub fn new(most: usize) -> Self {
        Self(Vec::with_capacity(most))
    }
}
