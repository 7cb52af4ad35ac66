//! Reads the tensors of a safetensors file, and runs a trained model over a ragged batch.

use packed_rnn::{Backend, Cell, Layout, Model, Shape, States, Weights, pack_sequence, unpack_sequence};
use safetensors::{Dtype, SafeTensors};

/// A safetensors file in memory.
pub struct File(SafeTensors<'static>);

impl File {
    pub fn new(bytes: &'static [u8]) -> Self {
        Self(SafeTensors::deserialize(bytes).unwrap())
    }

    fn elements<T>(&self, name: &str, dtype: Dtype, from: impl Fn([u8; 4]) -> T) -> Vec<T> {
        let tensor = self.0.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(tensor.dtype(), dtype, "{name}");
        tensor.data().chunks_exact(4).map(|bytes| from(bytes.try_into().unwrap())).collect()
    }

    pub fn floats(&self, name: &str) -> Vec<f32> {
        self.elements(name, Dtype::F32, f32::from_le_bytes)
    }

    /// Lengths, labels or indices.
    pub fn integers(&self, name: &str) -> Vec<usize> {
        self.elements(name, Dtype::I32, |bytes| usize::try_from(i32::from_le_bytes(bytes)).unwrap())
    }
}

/// A batch of ragged sequences: their tokens one after another.
pub struct Ragged {
    pub lengths: Vec<usize>,
    pub features: usize,
    pub tokens: Vec<f32>,
}

impl Ragged {
    pub fn new(lengths: Vec<usize>, features: usize, tokens: Vec<f32>) -> Self {
        assert_eq!(tokens.len(), lengths.iter().sum::<usize>() * features);
        Self { lengths, features, tokens }
    }

    /// The first `count` sequences.
    pub fn first(mut self, count: usize) -> Self {
        self.lengths.truncate(count);
        self.tokens.truncate(self.lengths.iter().sum::<usize>() * self.features);
        self
    }

    /// Each sequence in a slice of its own.
    pub fn sequences(&self) -> Vec<&[f32]> {
        let mut rest = &self.tokens[..];
        self.lengths.iter().map(|length| rest.split_off(..length * self.features).unwrap()).collect()
    }

    /// The layout of the batch, the longest sequence first, with what it borrows.
    pub fn with_layout<R>(&self, visit: impl FnOnce(&Layout<'_>) -> R) -> R {
        let (mut sorted_lengths, mut order) = (vec![0; self.lengths.len()], vec![0; self.lengths.len()]);
        visit(&Layout::new(&self.lengths, &mut sorted_lengths, &mut order).unwrap())
    }

    /// The tokens in packed order.
    pub fn packed(&self, layout: &Layout<'_>) -> Vec<f32> {
        let mut packed = vec![f32::NAN; self.tokens.len()];
        pack_sequence(layout, self.features, &self.sequences(), &mut packed).unwrap();
        packed
    }

    /// A packed batch of outputs back in the order of the sequences, one after another.
    pub fn unpacked(&self, layout: &Layout<'_>, features: usize, packed: &[f32]) -> Vec<f32> {
        let mut sequences: Vec<_> = self.lengths.iter().map(|length| vec![f32::NAN; length * features]).collect();
        unpack_sequence(layout, features, packed, &mut sequences).unwrap();
        sequences.concat()
    }
}

/// Packs the panels of a model whose weights have PyTorch's names behind a prefix.
pub fn panels<C: Cell>(file: &File, prefix: &str, shape: Shape) -> Vec<f32> {
    let directions = shape.direction.count();
    let tensors: Vec<_> = (0..shape.count())
        .map(|index| {
            let reverse = if index % directions == 1 { "_reverse" } else { "" };
            ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
                .map(|name| file.floats(&format!("{prefix}{name}_l{}{reverse}", index / directions)))
        })
        .collect();
    let weights: Vec<_> = tensors
        .iter()
        .map(|[weight_ih, weight_hh, bias_ih, bias_hh]| Weights {
            weight_ih,
            weight_hh,
            bias_ih: Some(bias_ih),
            bias_hh: Some(bias_hh),
        })
        .collect();
    let mut panels = vec![f32::NAN; Model::<C>::panels_len(shape)];
    Model::<C>::pack(shape, &weights, &mut panels).unwrap();
    panels
}

/// What a run gives: outputs in the order of the sequences, and final states.
pub struct Outcome {
    pub y: Vec<f32>,
    pub hn: Vec<f32>,
    pub cn: Vec<f32>,
}

/// Runs a model over a batch. Whatever it writes to holds NaN before.
pub fn run<C: Cell>(model: Model<'_, C>, batch: &Ragged) -> Outcome {
    batch.with_layout(|layout| {
        let (mut hn, mut cn) = states(&model, layout.batch());
        let mut output = vec![f32::NAN; model.output_len(layout).unwrap()];
        let mut scratch = vec![f32::NAN; model.scratch_len(layout).unwrap()];
        let input = batch.packed(layout);
        model.run(layout, &input, States::lstm(&mut hn, &mut cn), &mut output, &mut scratch).unwrap();
        Outcome { y: batch.unpacked(layout, model.shape().output_size(), &output), hn, cn }
    })
}

/// The same, keeping the last states only.
pub fn run_last<C: Cell>(model: Model<'_, C>, batch: &Ragged) -> (Vec<f32>, Vec<f32>) {
    batch.with_layout(|layout| {
        let (mut hn, mut cn) = states(&model, layout.batch());
        let mut scratch = vec![f32::NAN; model.last_scratch_len(layout).unwrap()];
        model.run_last(layout, &batch.packed(layout), States::lstm(&mut hn, &mut cn), &mut scratch).unwrap();
        (hn, cn)
    })
}

/// Room for final states; a cell without a second state has none.
fn states<C: Cell>(model: &Model<'_, C>, batch: usize) -> (Vec<f32>, Vec<f32>) {
    let len = model.states_len(batch).unwrap();
    (vec![f32::NAN; len], vec![f32::NAN; if C::HAS_C { len } else { 0 }])
}

/// A model on each backend of this CPU.
pub fn on_each_backend<C: Cell>(shape: Shape, panels: &[f32], mut visit: impl FnMut(Model<'_, C>)) {
    for backend in Backend::available() {
        visit(Model::from_panels(shape, panels).unwrap().with_backend(backend));
    }
}

/// The largest difference, infinite if one is NaN.
pub fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.map(|next| if next.is_nan() { f32::INFINITY } else { next }).fold(0.0, f32::max)
}

#[track_caller]
pub fn assert_bits(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let wrong = found.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits());
    assert_eq!(wrong, None, "{what}: the first element with other bits");
}
