//! Weights as the framework stores them, and their way into panels.

pub(crate) mod panel;

use crate::cell::{Cell, panel_shape};
use crate::error::{Argument, Error, check_len, product};
use core::ops::Range;
use panel::{BLOCK, OCTET, PanelShape};

/// The parameters of one layer in one direction, just as PyTorch stores them (row-major, `G` gates one after another).
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `weight_ih_l{k}`: `[G * hidden_size, input_size]`.
    pub weight_ih: &'a [f32],
    /// `weight_hh_l{k}`: `[G * hidden_size, hidden_size]`.
    pub weight_hh: &'a [f32],
    /// `bias_ih_l{k}`: `[G * hidden_size]`; `None` is zeros (PyTorch's `bias=False`).
    pub bias_ih: Option<&'a [f32]>,
    /// `bias_hh_l{k}`: `[G * hidden_size]`; `None` is zeros.
    pub bias_hh: Option<&'a [f32]>,
}

impl Weights<'_> {
    /// Every slice must have the size that the shape tells.
    pub(crate) fn check<C: Cell>(&self, input_size: usize, hidden_size: usize) -> Result<(), Error> {
        let rows = C::GATES.checked_mul(hidden_size);
        check_len(self.weight_ih, Argument::WeightIh, product(C::GATES, hidden_size, input_size))?;
        check_len(self.weight_hh, Argument::WeightHh, product(C::GATES, hidden_size, hidden_size))?;
        self.bias_ih.map_or(Ok(()), |bias| check_len(bias, Argument::BiasIh, rows))?;
        self.bias_hh.map_or(Ok(()), |bias| check_len(bias, Argument::BiasHh, rows))
    }

    /// Writes the panel. Sizes are checked, and the panel has the shape's length.
    pub(crate) fn pack<C: Cell>(&self, input_size: usize, hidden_size: usize, panel: &mut [f32]) {
        let shape = panel_shape::<C>(input_size, hidden_size);
        panel.fill(0.0);
        for block in 0..=shape.blocks() {
            let first = block * BLOCK;
            let units = first..hidden_size.min(first + BLOCK);
            if units.is_empty() {
                continue;
            }
            let (inputs, states) = shape.parts(block);
            self.inputs(shape, units.clone(), panel.get_mut(inputs..).unwrap_or_default());
            self.states(shape, units, panel.get_mut(states..).unwrap_or_default());
        }
    }

    /// A row of biases, then a row for each input.
    fn inputs(&self, shape: PanelShape, units: Range<usize>, part: &mut [f32]) {
        let mut part = part.iter_mut();
        for (gate, row) in panel_row(shape, &units) {
            // A gate that is kept apart keeps its state bias apart as well.
            let apart = shape.apart && gate + 1 == shape.gates;
            let state_bias = if apart { 0.0 } else { element(self.bias_hh, row) };
            put(&mut part, element(self.bias_ih, row) + state_bias);
        }
        columns(self.weight_ih, shape, shape.inputs, &units, &mut part);
    }

    /// The state bias that is kept apart, then a row for each unit.
    fn states(&self, shape: PanelShape, units: Range<usize>, part: &mut [f32]) {
        let mut part = part.iter_mut();
        if shape.apart {
            let last = (shape.gates - 1) * shape.units;
            for unit in units.clone() {
                put(&mut part, element(self.bias_hh, last + unit));
            }
        }
        columns(self.weight_hh, shape, shape.units, &units, &mut part);
    }
}

/// The order of a panel's row: the gate, and the row of the framework's matrix, of each element.
fn panel_row(shape: PanelShape, units: &Range<usize>) -> impl Iterator<Item = (usize, usize)> {
    // Of a full block, 8 units at a time; of the tail, all at once.
    let together = if units.len() == BLOCK { OCTET } else { units.len() };
    let groups = units.clone().step_by(together.max(1));
    groups.flat_map(move |first| {
        (0..shape.gates)
            .flat_map(move |gate| (first..first + together).map(move |unit| (gate, gate * shape.units + unit)))
    })
}

/// Column after column of a framework's matrix with `width` columns: the gates of some units.
fn columns<'p>(
    matrix: &[f32],
    shape: PanelShape,
    width: usize,
    units: &Range<usize>,
    part: &mut impl Iterator<Item = &'p mut f32>,
) {
    for column in 0..width {
        for (_, row) in panel_row(shape, units) {
            put(part, element(Some(matrix), row * width + column));
        }
    }
}

fn element(values: Option<&[f32]>, at: usize) -> f32 {
    values.and_then(|values| values.get(at)).copied().unwrap_or(0.0)
}

fn put<'p>(part: &mut impl Iterator<Item = &'p mut f32>, value: f32) {
    if let Some(to) = part.next() {
        *to = value;
    }
}
