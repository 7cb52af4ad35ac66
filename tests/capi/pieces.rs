//! What the pointer tests of several functions take: a layout, a model, states.

use crate::common::{Net, Rng};
use crate::door::{Door, Id, Len};
use packed_rnn::capi::*;
use packed_rnn::{Argument, Lstm, Shape};

/// The pointers of a layout of lengths 2, 0, 4 and 1.
#[derive(Clone, Copy)]
pub struct LayoutIds {
    pub layout: Id,
    pub arrays: [Id; 3],
    pub batch: usize,
    pub tokens: usize,
}

pub const LENGTHS: [usize; 4] = [2, 0, 4, 1];

pub fn layout(door: &mut Door) -> LayoutIds {
    LayoutIds {
        layout: door.structure::<prnn_layout>(Argument::Layout),
        arrays: [
            door.read(Argument::SortedLengths, &[4_u32, 2, 1, 0], Len::Fixed),
            door.read(Argument::SortedIndices, &[2_u32, 0, 3, 1], Len::Fixed),
            door.read(Argument::UnsortedIndices, &[1_u32, 3, 0, 2], Len::Fixed),
        ],
        batch: 4,
        tokens: 7,
    }
}

impl LayoutIds {
    pub fn put(&self, door: &Door) {
        let [sorted_lengths, sorted_indices, unsorted_indices] = self.arrays.map(|id| door.source(id));
        let (batch, tokens) = (self.batch, self.tokens);
        door.put(self.layout, 0, prnn_layout { sorted_lengths, sorted_indices, unsorted_indices, batch, tokens });
    }
}

/// The pointers of a model.
#[derive(Clone, Copy)]
pub struct ModelIds {
    pub model: Id,
    pub panels: Id,
    pub shape: prnn_shape,
}

pub fn stacked() -> prnn_shape {
    prnn_shape { cell: PRNN_LSTM, direction: PRNN_BIDIRECTIONAL, input_size: 3, hidden_size: 3, num_layers: 3 }
}

pub fn rust_shape(shape: prnn_shape) -> Shape {
    let rust = Shape::new(shape.input_size, shape.hidden_size).layers(shape.num_layers);
    if shape.direction == PRNN_BIDIRECTIONAL { rust.bidirectional() } else { rust }
}

pub fn panels(shape: prnn_shape) -> Vec<f32> {
    let net: Net<Lstm> = Net::random(rust_shape(shape), (true, true), &mut Rng::new(1));
    net.panels()
}

pub fn model(door: &mut Door, shape: prnn_shape) -> ModelIds {
    let model = door.structure::<prnn_model>(Argument::Model);
    ModelIds { model, panels: door.read(Argument::Panels, &panels(shape), Len::Own), shape }
}

impl ModelIds {
    pub fn put(&self, door: &Door) {
        let (panels, panels_len) = (door.source(self.panels), door.len(self.panels));
        let (panel_format, backend) = (PRNN_PANEL_FORMAT, prnn_backend_detect());
        door.put(self.model, 0, prnn_model { shape: self.shape, panels, panels_len, panel_format, backend });
    }
}

/// The pointers of states.
#[derive(Clone, Copy)]
pub struct StateIds {
    pub states: Id,
    pub arrays: [Id; 4],
}

pub fn states(door: &mut Door, len: usize) -> StateIds {
    StateIds {
        states: door.structure::<prnn_states>(Argument::States),
        arrays: [
            door.read(Argument::H0, &vec![0.25_f32; len], Len::Own),
            door.read(Argument::C0, &vec![0.5_f32; len], Len::Own),
            door.write::<f32>(Argument::Hn, len, Len::Own),
            door.write::<f32>(Argument::Cn, len, Len::Own),
        ],
    }
}

impl StateIds {
    pub fn put(&self, door: &Door) {
        let [h0, c0, hn, cn] = self.arrays;
        let states = prnn_states {
            h0: door.ptr(h0),
            h0_len: door.len(h0),
            c0: door.ptr(c0),
            c0_len: door.len(c0),
            hn: door.ptr(hn),
            hn_len: door.len(hn),
            cn: door.ptr(cn),
            cn_len: door.len(cn),
        };
        door.put(self.states, 0, states);
    }
}
