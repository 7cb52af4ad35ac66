//! A network of layers: its shape, its panels, and what it may be asked to run.

use crate::cell::{Cell, panel_shape};
use crate::error::{Argument, Code, Error, check_len};
use crate::simd::backend::Backend;
use crate::weights::Weights;
use crate::weights::panel::{Panel, PanelShape};
use core::marker::PhantomData;

/// Which way a layer walks along time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first token to the last.
    Forward,
    /// From each sequence's own last token to its first; outputs stay at their token.
    Reverse,
    /// Both, their outputs side by side: PyTorch's `bidirectional=True`.
    Bidirectional,
}

impl Direction {
    /// The number of directions, `D`: 1 or 2.
    pub const fn count(self) -> usize {
        match self {
            Self::Forward | Self::Reverse => 1,
            Self::Bidirectional => 2,
        }
    }
}

/// The sizes of a network, PyTorch's module arguments.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Features of the input, `I`.
    pub input_size: usize,
    /// Features of a state, `H`.
    pub hidden_size: usize,
    /// Layers, each on the outputs of the one before.
    pub num_layers: usize,
    /// Forward, reverse, or both.
    pub direction: Direction,
}

impl Shape {
    /// One layer, forward.
    pub const fn new(input_size: usize, hidden_size: usize) -> Self {
        Self { input_size, hidden_size, num_layers: 1, direction: Direction::Forward }
    }

    /// The same with `num_layers` layers.
    pub const fn layers(self, num_layers: usize) -> Self {
        Self { num_layers, ..self }
    }

    /// The same in another direction.
    pub const fn direction(self, direction: Direction) -> Self {
        Self { direction, ..self }
    }

    /// The same in both directions.
    pub const fn bidirectional(self) -> Self {
        self.direction(Direction::Bidirectional)
    }

    /// Panels and states, `L * D`: layer after layer, within a layer forward before reverse.
    pub const fn count(&self) -> usize {
        self.num_layers.saturating_mul(self.direction.count())
    }

    /// Features of an output, `D * H`.
    pub const fn output_size(&self) -> usize {
        self.direction.count().saturating_mul(self.hidden_size)
    }

    /// The input size of a layer. The whole can be counted.
    pub(crate) const fn input_of(&self, layer: usize) -> usize {
        if layer == 0 { self.input_size } else { self.direction.count() * self.hidden_size }
    }

    /// The floats of the panels, `None` if they cannot be counted.
    const fn panels<C: Cell>(&self) -> Option<usize> {
        let directions = self.direction.count();
        let Some(first) = panel_shape::<C>(self.input_size, self.hidden_size).len() else { return None };
        let Some(first) = first.checked_mul(directions) else { return None };
        if self.num_layers < 2 {
            return Some(first);
        }
        let Some(other) = panel_shape::<C>(self.output_size(), self.hidden_size).len() else { return None };
        let Some(others) = other.checked_mul(directions) else { return None };
        let Some(others) = others.checked_mul(self.num_layers - 1) else { return None };
        first.checked_add(others)
    }

    /// Where a layer's panel in one of its directions begins among the panels, and its shape. The whole can be counted.
    #[inline]
    pub(crate) const fn panel<C: Cell>(&self, layer: usize, direction: usize) -> (usize, PanelShape) {
        let directions = self.direction.count();
        let shape = panel_shape::<C>(self.input_of(layer), self.hidden_size);
        let Some(before) = layer.checked_sub(1) else { return (direction * shape.floats(), shape) };
        let first = panel_shape::<C>(self.input_size, self.hidden_size).floats();
        (directions * first + (before * directions + direction) * shape.floats(), shape)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let argument = match (self.input_size, self.hidden_size, self.num_layers) {
            (0, _, _) => Argument::InputSize,
            (_, 0, _) => Argument::HiddenSize,
            (_, _, 0) => Argument::NumLayers,
            _ => return Ok(()),
        };
        Err(Error::new(Code::Zero, argument, 0, 1))
    }
}

/// A network of LSTM, GRU or RNN layers over the caller's panels: PyTorch's `nn.LSTM`, `nn.GRU`, `nn.RNN` in `eval`.
///
/// It is a shape and a borrowed slice, small enough to be copied, and may be shared among threads. The state lives
/// with the caller alone.
///
/// ```
/// use packed_rnn::{Layout, Lstm, Model, Shape, States, Weights};
///
/// const SHAPE: Shape = Shape::new(1, 2);
/// let weights = Weights { weight_ih: &[0.1; 8], weight_hh: &[0.2; 16], bias_ih: Some(&[0.3; 8]), bias_hh: None };
/// let mut panels = [0.0; Model::<Lstm>::panels_len(SHAPE)];
/// let model = Model::<Lstm>::pack(SHAPE, &[weights], &mut panels)?;
///
/// // Two sequences of 3 and 2 tokens, packed: 3 + 2 rows of one feature in, of two features out.
/// let mut sorted_lengths = [0; 2];
/// let layout = Layout::from_sorted(&[3, 2], &mut sorted_lengths)?;
/// let (mut output, mut hn, mut cn) = ([0.0; 10], [0.0; 4], [0.0; 4]);
/// model.run(&layout, &[1.0, 3.0, 2.0, 4.0, 3.0], States::lstm(&mut hn, &mut cn), &mut output, &mut [])?;
/// assert_eq!(hn[..2], output[8..]); // the first sequence ends in the last packed row,
/// assert_eq!(hn[2..], output[6..8]); // the second in the one before
/// # Ok::<(), packed_rnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Model<'a, C: Cell> {
    pub(crate) shape: Shape,
    /// As many floats as the shape's panels have.
    panels: &'a [f32],
    pub(crate) backend: Backend,
    cell: PhantomData<C>,
}

impl<'a, C: Cell> Model<'a, C> {
    /// The floats of the panels: all parameters, each pair of biases as its sum where it can be summed, and up to 15
    /// zeros for each layer and direction. `usize::MAX` if they cannot be counted.
    pub const fn panels_len(shape: Shape) -> usize {
        match shape.panels::<C>() {
            Some(len) => len,
            None => usize::MAX,
        }
    }

    /// Packs the weights into panels, [`Model::panels_len`] floats of any alignment (64 bytes is the fastest:
    /// [`Aligned`](crate::Aligned)).
    ///
    /// `weights` has an entry for each layer and direction, in PyTorch's order: `_l0`, `_l0_reverse`, `_l1`, ...
    ///
    /// # Errors
    /// `input_size`, `hidden_size`, `num_layers`: [`Code::Zero`]; `panels`: [`Code::WrongLen`], [`Code::Overflow`];
    /// `weights`: [`Code::WrongCount`]; `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`: [`Code::WrongLen`], the index is
    /// that of the entry. `panels` is then untouched.
    pub fn pack(shape: Shape, weights: &[Weights<'_>], panels: &'a mut [f32]) -> Result<Self, Error> {
        Self::pack_each(shape, weights.iter().copied(), panels)
    }

    /// The same from weights that need not stand in a slice.
    pub(crate) fn pack_each<'w>(
        shape: Shape,
        weights: impl ExactSizeIterator<Item = Weights<'w>> + Clone,
        panels: &'a mut [f32],
    ) -> Result<Self, Error> {
        shape.check()?;
        check_len(panels, Argument::Panels, shape.panels::<C>())?;
        if weights.len() != shape.count() {
            return Err(Error::new(Code::WrongCount, Argument::Weights, weights.len(), shape.count()));
        }
        let directions = shape.direction.count();
        for (index, weights) in weights.clone().enumerate() {
            let inputs = shape.input_of(index / directions);
            weights.check::<C>(inputs, shape.hidden_size).map_err(|error| error.at(index))?;
        }
        for (index, weights) in weights.enumerate() {
            let layer = index / directions;
            let (first, panel_shape) = shape.panel::<C>(layer, index % directions);
            if let Some(panel) = panels.get_mut(first..).and_then(|rest| rest.get_mut(..panel_shape.floats())) {
                weights.pack::<C>(shape.input_of(layer), shape.hidden_size, panel);
            }
        }
        Ok(Self::over(shape, panels))
    }

    /// A network over panels that were packed before, on this or another machine.
    ///
    /// # Errors
    /// As [`Model::pack`].
    pub fn from_panels(shape: Shape, panels: &'a [f32]) -> Result<Self, Error> {
        shape.check()?;
        check_len(panels, Argument::Panels, shape.panels::<C>())?;
        Ok(Self::over(shape, panels))
    }

    fn over(shape: Shape, panels: &'a [f32]) -> Self {
        Self { shape, panels, backend: Backend::detect(), cell: PhantomData }
    }

    /// The same network on another backend than the fastest.
    pub fn with_backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// The backend that runs it.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Its sizes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// One layer of the network as a network of its own, over the same panels; there is none from `num_layers` on.
    ///
    /// Its input is that of the network for layer 0, else the output of the layer before; its states are the `D * B * H`
    /// floats of this layer among the network's.
    pub fn layer(&self, layer: usize) -> Option<Self> {
        if layer >= self.shape.num_layers {
            return None;
        }
        let shape = Shape { input_size: self.shape.input_of(layer), num_layers: 1, ..self.shape };
        let (first, panel) = self.shape.panel::<C>(layer, 0);
        let panels = self.panels.get(first..)?.get(..panel.floats() * shape.direction.count())?;
        Some(Self { shape, panels, ..*self })
    }

    /// The panels, one after another.
    #[cfg(feature = "capi")]
    pub(crate) fn panels(&self) -> &'a [f32] {
        self.panels
    }

    /// The panel of a layer in one of its directions; there is none of others.
    #[inline]
    pub(crate) fn panel(&self, layer: usize, direction: usize) -> Option<Panel<'a>> {
        let (first, shape) = self.shape.panel::<C>(layer, direction);
        Panel::new(shape, self.panels.get(first..)?)
    }
}
