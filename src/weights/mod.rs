//! Weights as the framework stores them, and their way into panels.

pub(crate) mod panel;

use crate::cell::{Cell, panel_shape};
use crate::error::{Argument, Error, check_len, product};
use core::ops::Range;
use panel::{BLOCK, OCTET, PanelShape};

/// The version of the panels' format. Panels that were stored, or compiled into a program, should be compared with it
/// where they are used: a change of the format changes this number.
///
/// A panel holds one layer in one direction; the panels of a network follow each other in the order of
/// [`Weights`]: `_l0`, `_l0_reverse`, `_l1`, ... All of it is IEEE 754 binary32, four bytes each, in the byte order of
/// the machine that runs it (little-endian on all but a few). With `G` gates, `I` inputs, `H` units, `N = H / 16` full
/// blocks of units, a tail of `w = H % 16` units, and `A = 1` for a GRU, else 0, these parts stand one after another:
///
/// | part | rows | floats of a row |
/// | --- | --- | --- |
/// | inputs of block 0, of block 1, ... | the bias, then one for each input: `1 + I` | `16 G` |
/// | states of block 0, of block 1, ... | `A` of 16 floats, then one for each unit: `H` | `16 G` |
/// | inputs of the tail | the bias, then one for each input | `G w` |
/// | states of the tail | `A` of `w` floats, then one for each unit | `G w` |
/// | end | | zeros, until `G w` of them would be a multiple of 16: `(16 - G w % 16) % 16` |
///
/// In a row of a block, gate `g` of unit `8 o + j` of the block (`o` 0 or 1, `j` 0 to 7) is float `8 G o + 8 g + j`: the
/// gates of the first eight units, then those of the last eight. In a row of the tail, gate `g` of unit `j` is float
/// `w g + j`. Gates are in PyTorch's order, and so are inputs and units. The bias is `bias_ih + bias_hh`, added in f32;
/// for the last gate of a GRU it is `bias_ih` alone (+ 0.0, so that -0.0 becomes 0.0), and `bias_hh` of that gate is the row of `A`, unit by unit.
///
/// In bytes: input `i` of gate `g` of unit `u = 16 b + 8 o + j` in a full block begins at byte
/// `4 (16 G ((1 + I) b + 1 + i) + 8 G o + 8 g + j)` of the panel.
///
/// ```
/// const _: () = assert!(packed_rnn::PANEL_FORMAT == 1, "these panels are of another version");
/// ```
pub const PANEL_FORMAT: u32 = 1;

/// The parameters of one layer in one direction, just as PyTorch stores them (row-major, `G` gates one after another).
///
/// Those of other frameworks become these where the gates change places, `hidden_size` rows (or biases) each, and Keras'
/// matrices are transposed. What they call c or h among the gates is g or n here.
///
/// | from | LSTM | GRU | matrices | biases |
/// | --- | --- | --- | --- | --- |
/// | PyTorch | i, f, g, o | r, z, n | `[G * H, I]`, `[G * H, H]` | `bias_ih`, `bias_hh` |
/// | ONNX: `W`, `R`, `B` of a direction | i, o, f, c | z, r, h | the same | both, one after the other, in `B` |
/// | Keras: `kernel`, `recurrent_kernel`, `bias` | i, f, c, o | z, r, h | `[I, G * H]`, `[H, G * H]` | LSTM: one; GRU: the two rows of `bias` |
///
/// A GRU must be one that resets behind the product, as PyTorch's does: `linear_before_reset = 1` in ONNX (not its
/// default), `reset_after=True` in Keras (its default).
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
        panel_row(shape, &units, |gate, row| {
            // A gate that is kept apart keeps its state bias apart as well.
            let apart = shape.apart && gate + 1 == shape.gates;
            let state_bias = if apart { 0.0 } else { element(self.bias_hh, row) };
            put(&mut part, element(self.bias_ih, row) + state_bias);
        });
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

/// Visits the elements of a panel's row in order, each with its gate and its row of the framework's matrix. (An iterator
/// of iterators takes 400 bytes of stack at opt-level z.)
fn panel_row(shape: PanelShape, units: &Range<usize>, mut visit: impl FnMut(usize, usize)) {
    // Of a full block, 8 units at a time; of the tail, all at once.
    let together = if units.len() == BLOCK { OCTET } else { units.len() };
    for first in units.clone().step_by(together.max(1)) {
        for gate in 0..shape.gates {
            for unit in first..first + together {
                visit(gate, gate * shape.units + unit);
            }
        }
    }
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
        panel_row(shape, units, |_, row| put(part, element(Some(matrix), row * width + column)));
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
