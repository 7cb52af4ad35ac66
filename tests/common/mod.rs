//! What the tests of the cells share: a naive f64 reference, seeded networks and batches, and a harness that owns the
//! buffers, runs a [`Model`] and gives the results back sequence by sequence in the caller's order.
//!
//! A property is a function generic over the cell that takes a backend; [`every_cell!`] stamps it as one test for each
//! cell, and each test runs on every backend of this CPU. A new backend needs no line here.

#![allow(dead_code, unused_macros, unused_imports)]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use packed_rnn::{
    Backend, Cell, Direction, Gru, Layout, Lstm, Model, Relu, Shape, Split, States, Tanh, Tasks, Weights,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::io::Write;
use std::marker::PhantomData;
use std::sync::Once;

// ---- properties -----------------------------------------------------------------------------------------------------

/// Declares each property, a `fn name<C: Reference>(Backend)`, as a test for each cell.
macro_rules! every_cell {
    ($($property:ident),* $(,)?) => {
        $crate::common::every_cell!(@ lstm Lstm $($property)*);
        $crate::common::every_cell!(@ gru Gru $($property)*);
        $crate::common::every_cell!(@ tanh Tanh $($property)*);
        $crate::common::every_cell!(@ relu Relu $($property)*);
    };
    (@ $module:ident $cell:ident $($property:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $property() {
                    $crate::common::every_backend(super::$property::<packed_rnn::$cell>);
                }
            )*
        }
    };
}
pub(crate) use every_cell;

/// Runs a property on every backend of this CPU, and says once which they are (past the capture of `cargo test`).
pub fn every_backend(mut property: impl FnMut(Backend)) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let names: Vec<_> = Backend::available().map(Backend::name).collect();
        let _ = writeln!(std::io::stderr(), "backends: {}", names.join(", "));
    });
    for backend in Backend::available() {
        property(backend);
    }
}

/// Runs a test on `cases` values (a tenth of them in a debug build). `PROPTEST_CASES=2560` asks for ten times as many.
pub fn check<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    let default = Config::default();
    let cases = cases * default.cases / 256 / if cfg!(debug_assertions) { 10 } else { 1 };
    let config = Config { cases: cases.max(4), failure_persistence: None, ..default };
    let result = TestRunner::new(config).run(&strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// A network's sizes, the lengths of a batch, and which options are used.
#[derive(Clone, Debug)]
pub struct Setup {
    pub shape: Shape,
    pub lengths: Vec<usize>,
    /// With `bias_ih`, with `bias_hh`.
    pub biases: (bool, bool),
    /// With `h0`, with `c0`.
    pub states: (bool, bool),
    pub seed: u64,
}

impl Setup {
    pub fn net<C: Reference>(&self) -> Net<C> {
        Net::random(self.shape, self.biases, &mut Rng::new(self.seed))
    }

    pub fn batch<C: Reference>(&self) -> Batch {
        Batch::random::<C>(self.shape, &self.lengths, self.states, &mut Rng::new(!self.seed))
    }

    pub fn both<C: Reference>(&self) -> (Net<C>, Batch) {
        (self.net(), self.batch::<C>())
    }
}

/// H in 1..=40, I = 1, below, at and above H; up to four layers, all directions; B in 0..=17, with lengths of zero, ties
/// and batches of single tokens; biases and initial states or not.
pub fn setups() -> impl Strategy<Value = Setup> {
    setups_in(prop_oneof![Just(Direction::Forward), Just(Direction::Reverse), Just(Direction::Bidirectional)])
}

pub fn setups_in(direction: impl Strategy<Value = Direction>) -> impl Strategy<Value = Setup> {
    let sizes = (1..=40_usize).prop_flat_map(|hidden| {
        let input = prop_oneof![Just(1), 1..=hidden, Just(hidden), hidden + 1..=hidden + 20];
        (input, Just(hidden))
    });
    let lengths = prop_oneof![
        5 => prop::collection::vec(prop_oneof![1 => Just(0_usize), 2 => 1..=3_usize, 3 => 1..=6_usize], 0..=17),
        1 => prop::collection::vec(Just(1_usize), 1..=17),
        1 => prop::collection::vec(0..=1_usize, 1..=17),
        1 => (1..=17_usize, 1..=4_usize).prop_map(|(batch, length)| vec![length; batch]),
    ];
    let layers = prop_oneof![3 => Just(1_usize), 2 => Just(2), 1 => Just(3), 1 => Just(4)];
    (sizes, layers, direction, lengths, any::<(bool, bool)>(), any::<(bool, bool)>(), any::<u64>()).prop_map(
        |((input, hidden), layers, direction, lengths, biases, states, seed)| Setup {
            shape: Shape::new(input, hidden).layers(layers).direction(direction),
            lengths,
            biases,
            states,
            seed,
        },
    )
}

// ---- random numbers -------------------------------------------------------------------------------------------------

/// SplitMix64.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to before `count`.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// Uniform between `-bound` and `bound`.
    pub fn float(&mut self, bound: f32) -> f32 {
        ((self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * bound
    }

    pub fn floats(&mut self, count: usize, bound: f32) -> Vec<f32> {
        (0..count).map(|_| self.float(bound)).collect()
    }
}

// ---- networks and batches -------------------------------------------------------------------------------------------

/// The parameters of one layer in one direction, as PyTorch stores them.
#[derive(Clone, Debug)]
pub struct Params {
    pub weight_ih: Vec<f32>,
    pub weight_hh: Vec<f32>,
    pub bias_ih: Option<Vec<f32>>,
    pub bias_hh: Option<Vec<f32>>,
}

impl Params {
    pub fn weights(&self) -> Weights<'_> {
        Weights {
            weight_ih: &self.weight_ih,
            weight_hh: &self.weight_hh,
            bias_ih: self.bias_ih.as_deref(),
            bias_hh: self.bias_hh.as_deref(),
        }
    }
}

/// The parameters of a network, layer after layer, within a layer forward before reverse.
#[derive(Clone, Debug)]
pub struct Net<C> {
    pub shape: Shape,
    pub params: Vec<Params>,
    cell: PhantomData<C>,
}

impl<C: Reference> Net<C> {
    pub fn new(shape: Shape, params: Vec<Params>) -> Self {
        Self { shape, params, cell: PhantomData }
    }

    /// Weights as PyTorch initialises them, uniform within 1 / sqrt(max(I, H)); biases within 1.
    pub fn random(shape: Shape, (bias_ih, bias_hh): (bool, bool), rng: &mut Rng) -> Self {
        let (hidden, directions) = (shape.hidden_size, shape.direction.count());
        let params = (0..shape.num_layers * directions).map(|index| {
            let input = if index < directions { shape.input_size } else { directions * hidden };
            let rows = C::GATES * hidden;
            let bound = 1.0 / (input.max(hidden) as f32).sqrt();
            Params {
                weight_ih: rng.floats(rows * input, bound),
                weight_hh: rng.floats(rows * hidden, bound),
                bias_ih: bias_ih.then(|| rng.floats(rows, 1.0)),
                bias_hh: bias_hh.then(|| rng.floats(rows, 1.0)),
            }
        });
        Self::new(shape, params.collect())
    }

    pub fn pack<'a>(&self, panels: &'a mut [f32]) -> Model<'a, C> {
        let weights: Vec<_> = self.params.iter().map(Params::weights).collect();
        Model::pack(self.shape, &weights, panels).expect("the parameters fit the shape")
    }

    pub fn panels(&self) -> Vec<f32> {
        let mut panels = vec![f32::NAN; Model::<C>::panels_len(self.shape)];
        self.pack(&mut panels);
        panels
    }

    pub fn run(&self, backend: Backend, batch: &Batch) -> Out {
        self.run_in(backend, batch, &Memory::default())
    }

    /// Packs the weights and runs the batch, all in memory laid out as told; nothing around a buffer may be written.
    pub fn run_in(&self, backend: Backend, batch: &Batch, memory: &Memory) -> Out {
        let mut panels = memory.buffer(PANELS, Model::<C>::panels_len(self.shape));
        self.pack(panels.get_mut());
        panels.check();
        let model = Model::<C>::from_panels(self.shape, panels.get()).unwrap().with_backend(backend);
        batch.run_in(&model, memory)
    }

    /// Only the last states, no outputs.
    pub fn run_last(&self, backend: Backend, batch: &Batch, memory: &Memory) -> Out {
        let panels = memory.copy(PANELS, &self.panels());
        let model = Model::<C>::from_panels(self.shape, panels.get()).unwrap().with_backend(backend);
        batch.run_last(&model, memory)
    }

    /// Token by token through [`Model::step`] or [`Model::step_in_place`], at each time the sequences that still run.
    pub fn stream(&self, backend: Backend, batch: &Batch, memory: &Memory, in_place: bool) -> Out {
        let panels = memory.copy(PANELS, &self.panels());
        let model = Model::<C>::from_panels(self.shape, panels.get()).unwrap().with_backend(backend);
        let (input_size, hidden, count) = (self.shape.input_size, self.shape.hidden_size, self.shape.num_layers);
        let all = batch.len();
        let (mut hn, mut cn) = batch.initial::<C>(self.shape);
        let mut outputs = vec![Vec::new(); all];
        for t in 0..batch.lengths().max().unwrap_or(0) {
            let live: Vec<_> = (0..all).filter(|&s| batch.length(s) > t).collect();
            let rows: Vec<_> = live.iter().map(|&s| &batch.sequences[s][t * input_size..][..input_size]).collect();
            let input = memory.copy(INPUT, &rows.concat());
            let h = gather(&hn, count, all, hidden, &live);
            let mut c = memory.copy(CN, &if C::HAS_C { gather(&cn, count, all, hidden, &live) } else { vec![] });
            let mut h_out;
            if in_place {
                h_out = memory.copy(HN, &h);
                let mut scratch = memory.buffer(SCRATCH, model.states_len(live.len()).unwrap() + memory.extra);
                model.step_in_place(live.len(), input.get(), h_out.get_mut(), c.get_mut(), scratch.get_mut()).unwrap();
                scratch.check();
            } else {
                h_out = memory.buffer(HN, h.len());
                let h_in = memory.copy(H0, &h);
                model.step(live.len(), input.get(), h_in.get(), h_out.get_mut(), c.get_mut()).unwrap();
                same_bits(h_in.get(), &h, "h_in is only read");
            }
            h_out.check();
            c.check();
            scatter(&mut hn, count, all, hidden, &live, h_out.get());
            if C::HAS_C {
                scatter(&mut cn, count, all, hidden, &live, c.get());
            }
            let last = (count - 1) * live.len() * hidden;
            for (row, &s) in h_out.get()[last..].chunks_exact(hidden).zip(&live) {
                outputs[s].extend_from_slice(row);
            }
        }
        Out { hidden, count, outputs, hn, cn }
    }
}

/// How a run is split, and what runs its tasks.
type Driven<'a, C> = (Split<'a>, &'a mut dyn FnMut(Tasks<'_, C>));

/// The inputs of a batch of sequences in the caller's order, with their initial states, `[L * D, B, H]`.
#[derive(Clone, Debug)]
pub struct Batch {
    pub input_size: usize,
    pub hidden: usize,
    /// `L * D`.
    pub count: usize,
    pub sequences: Vec<Vec<f32>>,
    pub h0: Option<Vec<f32>>,
    pub c0: Option<Vec<f32>>,
}

impl Batch {
    pub fn new(shape: Shape, sequences: Vec<Vec<f32>>) -> Self {
        let (input_size, hidden, count) = (shape.input_size, shape.hidden_size, shape.count());
        Self { input_size, hidden, count, sequences, h0: None, c0: None }
    }

    pub fn random<C: Cell>(shape: Shape, lengths: &[usize], (h0, c0): (bool, bool), rng: &mut Rng) -> Self {
        let sequences = lengths.iter().map(|&length| rng.floats(length * shape.input_size, 2.0)).collect();
        let len = shape.count() * lengths.len() * shape.hidden_size;
        let h0 = h0.then(|| rng.floats(len, 1.0));
        let c0 = (c0 && C::HAS_C).then(|| rng.floats(len, 2.0));
        Self { h0, c0, ..Self::new(shape, sequences) }
    }

    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    pub fn length(&self, sequence: usize) -> usize {
        self.sequences[sequence].len() / self.input_size
    }

    pub fn lengths(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).map(|sequence| self.length(sequence))
    }

    /// `h0` and `c0` with the zeros that `None` stands for; no `c0` for a cell that has none.
    pub fn initial<C: Cell>(&self, shape: Shape) -> (Vec<f32>, Vec<f32>) {
        let len = shape.count() * self.len() * shape.hidden_size;
        let zeros = vec![0.0; len];
        let h0 = self.h0.clone().unwrap_or_else(|| zeros.clone());
        (h0, if C::HAS_C { self.c0.clone().unwrap_or(zeros) } else { vec![] })
    }

    /// A batch of some of the sequences, in any order, also more than once.
    pub fn select(&self, sequences: &[usize]) -> Self {
        let states = |states: &Vec<f32>| gather(states, self.count, self.len(), self.hidden, sequences);
        Self {
            sequences: sequences.iter().map(|&s| self.sequences[s].clone()).collect(),
            h0: self.h0.as_ref().map(states),
            c0: self.c0.as_ref().map(states),
            ..*self
        }
    }

    /// The places of the packed batch: longest first, ties in the caller's order.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.len()).collect();
        order.sort_by_key(|&s| std::cmp::Reverse(self.length(s)));
        order
    }

    /// The packed tokens as (sequence, time), from the definition.
    pub fn tokens(&self) -> Vec<(usize, usize)> {
        let order = self.order();
        let steps = self.lengths().max().unwrap_or(0);
        (0..steps).flat_map(|t| order.iter().filter(move |&&s| self.length(s) > t).map(move |&s| (s, t))).collect()
    }

    pub fn packed(&self) -> Vec<f32> {
        let width = self.input_size;
        self.tokens().into_iter().flat_map(|(s, t)| self.sequences[s][t * width..][..width].to_vec()).collect()
    }

    pub fn run<C: Cell>(&self, model: &Model<'_, C>) -> Out {
        self.run_in(model, &Memory::default())
    }

    pub fn run_in<C: Cell>(&self, model: &Model<'_, C>, memory: &Memory) -> Out {
        self.call(model, memory, true, None)
    }

    pub fn run_last<C: Cell>(&self, model: &Model<'_, C>, memory: &Memory) -> Out {
        self.call(model, memory, false, None)
    }

    /// In tasks, which `drive` runs; with outputs, or with the last states alone.
    pub fn split<C: Cell>(
        &self,
        model: &Model<'_, C>,
        memory: &Memory,
        keep: bool,
        split: Split<'_>,
        mut drive: impl FnMut(Tasks<'_, C>),
    ) -> Out {
        self.call(model, memory, keep, Some((split, &mut drive)))
    }

    fn call<C: Cell>(&self, model: &Model<'_, C>, memory: &Memory, keep: bool, split: Option<Driven<'_, C>>) -> Out {
        let lengths: Vec<_> = self.lengths().collect();
        let (mut sorted_lengths, mut sorted_indices) = (vec![0; self.len()], vec![0; self.len()]);
        let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
        let input = memory.copy(INPUT, &self.packed());
        let h0 = self.h0.as_ref().map(|h0| memory.copy(H0, h0));
        let c0 = self.c0.as_ref().map(|c0| memory.copy(C0, c0));
        let len = model.states_len(self.len()).unwrap();
        let mut hn = memory.buffer(HN, len);
        let mut cn = memory.buffer(CN, if C::HAS_C { len } else { 0 });
        let states = States {
            h0: h0.as_ref().map(Buffer::get),
            c0: c0.as_ref().map(Buffer::get),
            hn: hn.get_mut(),
            cn: cn.get_mut(),
        };
        let needed = if keep { model.scratch_len(&layout) } else { model.last_scratch_len(&layout) };
        let mut scratch = memory.buffer(SCRATCH, needed.unwrap() + memory.extra);
        let mut output = memory.buffer(OUTPUT, if keep { model.output_len(&layout).unwrap() } else { 0 });
        let (x, scratch_mut) = (input.get(), scratch.get_mut());
        match (keep, split) {
            (true, None) => model.run(&layout, x, states, output.get_mut(), scratch_mut).unwrap(),
            (false, None) => model.run_last(&layout, x, states, scratch_mut).unwrap(),
            (true, Some((split, drive))) => {
                drive(model.split(&layout, x, states, output.get_mut(), scratch_mut, split).unwrap())
            }
            (false, Some((split, drive))) => {
                drive(model.split_last(&layout, x, states, scratch_mut, split).unwrap());
            }
        }
        [&hn, &cn, &output, &scratch].into_iter().for_each(Buffer::check);
        let mut outputs = vec![Vec::new(); self.len()];
        for ((s, _), row) in self.tokens().into_iter().zip(output.get().chunks(model.shape().output_size())) {
            outputs[s].extend_from_slice(row);
        }
        Out { hidden: self.hidden, count: self.count, outputs, hn: hn.get().to_vec(), cn: cn.get().to_vec() }
    }
}

/// Rows of states `[count, batch, hidden]` of some sequences.
pub fn gather(states: &[f32], count: usize, batch: usize, hidden: usize, sequences: &[usize]) -> Vec<f32> {
    (0..count)
        .flat_map(|layer| sequences.iter().map(move |&s| (layer * batch + s) * hidden))
        .flat_map(|at| &states[at..at + hidden])
        .copied()
        .collect()
}

/// The mirror of [`gather`].
pub fn scatter(states: &mut [f32], count: usize, batch: usize, hidden: usize, sequences: &[usize], rows: &[f32]) {
    let mut rows = rows.chunks_exact(hidden);
    for layer in 0..count {
        for &s in sequences {
            states[(layer * batch + s) * hidden..][..hidden].copy_from_slice(rows.next().unwrap());
        }
    }
}

/// What a batch gave: the outputs of each sequence, `[length, D * H]`, in the caller's order, and the final states.
#[derive(Clone, Debug)]
pub struct Out<T = f32> {
    pub hidden: usize,
    pub count: usize,
    pub outputs: Vec<Vec<T>>,
    pub hn: Vec<T>,
    pub cn: Vec<T>,
}

impl Out {
    pub fn select(&self, sequences: &[usize]) -> Self {
        let batch = self.outputs.len();
        let states = |states: &[f32]| match states {
            [] => vec![],
            states => gather(states, self.count, batch, self.hidden, sequences),
        };
        Self {
            outputs: sequences.iter().map(|&s| self.outputs[s].clone()).collect(),
            hn: states(&self.hn),
            cn: states(&self.cn),
            ..*self
        }
    }

    pub fn same_bits(&self, other: &Self, what: &str) {
        assert_eq!(self.outputs.len(), other.outputs.len(), "{what}: sequences");
        for (s, (a, b)) in self.outputs.iter().zip(&other.outputs).enumerate() {
            same_bits(a, b, &format!("{what}: outputs of sequence {s}"));
        }
        self.same_states(other, what);
    }

    pub fn same_states(&self, other: &Self, what: &str) {
        same_bits(&self.hn, &other.hn, &format!("{what}: hn"));
        same_bits(&self.cn, &other.cn, &format!("{what}: cn"));
    }

    /// The largest difference from the reference, in units of max(1, |reference|).
    pub fn distance(&self, reference: &Out<f64>) -> f64 {
        let outputs = self.outputs.iter().zip(&reference.outputs).map(|(a, b)| distance(a, b));
        outputs.chain([distance(&self.hn, &reference.hn), distance(&self.cn, &reference.cn)]).fold(0.0, f64::max)
    }
}

pub fn distance(found: &[f32], reference: &[f64]) -> f64 {
    assert_eq!(found.len(), reference.len(), "sizes");
    let pairs = found.iter().zip(reference);
    pairs
        .map(|(&a, &b)| {
            let distance = (f64::from(a) - b).abs() / b.abs().max(1.0);
            if distance.is_nan() { f64::INFINITY } else { distance }
        })
        .fold(0.0, f64::max)
}

/// Bit for bit, where any NaN equals any NaN.
#[track_caller]
pub fn same_bits(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: sizes");
    let bits = |x: f32| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() };
    if let Some(at) = found.iter().zip(expected).position(|(&a, &b)| bits(a) != bits(b)) {
        panic!("{what}: {:e} instead of {:e} at {at} of {}", found[at], expected[at], found.len());
    }
}

// ---- memory ---------------------------------------------------------------------------------------------------------

pub const INPUT: usize = 0;
pub const PANELS: usize = 1;
pub const OUTPUT: usize = 2;
pub const H0: usize = 3;
pub const C0: usize = 4;
pub const HN: usize = 5;
pub const CN: usize = 6;
pub const SCRATCH: usize = 7;

/// How the buffers of a run lie in memory.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Elements behind a 64-byte boundary, for each buffer.
    pub offsets: [usize; 8],
    /// Scratch beyond what is needed.
    pub extra: usize,
    /// What outputs, states and scratch hold before.
    pub before: f32,
}

impl Default for Memory {
    fn default() -> Self {
        Self { offsets: [0; 8], extra: 0, before: f32::NAN }
    }
}

impl Memory {
    pub fn buffer(&self, which: usize, len: usize) -> Buffer {
        Buffer::new(len, self.offsets[which], self.before)
    }

    pub fn copy(&self, which: usize, data: &[f32]) -> Buffer {
        let mut buffer = self.buffer(which, data.len());
        buffer.get_mut().copy_from_slice(data);
        buffer
    }
}

/// A slice at a given distance from a 64-byte boundary, with guards before and behind it.
pub struct Buffer {
    all: Vec<f32>,
    first: usize,
    len: usize,
}

const GUARD: f32 = -12_345.678;

impl Buffer {
    fn new(len: usize, offset: usize, value: f32) -> Self {
        let mut all = vec![GUARD; len + offset + 64];
        let first = (16 - all.as_ptr() as usize / 4 % 16) + offset;
        all[first..first + len].fill(value);
        Self { all, first, len }
    }

    pub fn get(&self) -> &[f32] {
        &self.all[self.first..self.first + self.len]
    }

    pub fn get_mut(&mut self) -> &mut [f32] {
        &mut self.all[self.first..self.first + self.len]
    }

    /// Nothing was written around it.
    pub fn check(&self) {
        let (before, behind) = (&self.all[..self.first], &self.all[self.first + self.len..]);
        assert!(before.iter().chain(behind).all(|&x| x == GUARD), "written outside of a buffer");
    }
}

// ---- the reference --------------------------------------------------------------------------------------------------

/// A cell by its definition in PyTorch's documentation, in f64.
pub trait Reference: Cell + Send + Sync + 'static {
    /// One unit: the input half `W x + b_ih` and the state half `W h + b_hh` of each gate, and the states before.
    fn unit(x: &[f64], u: &[f64], h: f64, c: f64) -> (f64, f64);
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Reference for Lstm {
    fn unit(x: &[f64], u: &[f64], _: f64, c: f64) -> (f64, f64) {
        let (i, f) = (sigmoid(x[0] + u[0]), sigmoid(x[1] + u[1]));
        let (g, o) = ((x[2] + u[2]).tanh(), sigmoid(x[3] + u[3]));
        let c = f * c + i * g;
        (o * c.tanh(), c)
    }
}

impl Reference for Gru {
    fn unit(x: &[f64], u: &[f64], h: f64, _: f64) -> (f64, f64) {
        let (r, z) = (sigmoid(x[0] + u[0]), sigmoid(x[1] + u[1]));
        let n = (x[2] + r * u[2]).tanh();
        ((1.0 - z) * n + z * h, 0.0)
    }
}

impl Reference for Tanh {
    fn unit(x: &[f64], u: &[f64], _: f64, _: f64) -> (f64, f64) {
        ((x[0] + u[0]).tanh(), 0.0)
    }
}

impl Reference for Relu {
    fn unit(x: &[f64], u: &[f64], _: f64, _: f64) -> (f64, f64) {
        ((x[0] + u[0]).max(0.0), 0.0)
    }
}

/// `row . x + bias` of a row-major matrix.
fn dot(matrix: &[f32], bias: Option<&Vec<f32>>, row: usize, x: &[f64]) -> f64 {
    let weights = &matrix[row * x.len()..][..x.len()];
    let sum: f64 = weights.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum();
    sum + bias.map_or(0.0, |bias| f64::from(bias[row]))
}

fn step<C: Reference>(p: &Params, x: &[f64], h: &[f64], c: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let hidden = h.len();
    let unit = |unit: usize| {
        let rows = (0..C::GATES).map(|gate| gate * hidden + unit);
        let inputs: Vec<_> = rows.clone().map(|row| dot(&p.weight_ih, p.bias_ih.as_ref(), row, x)).collect();
        let states: Vec<_> = rows.map(|row| dot(&p.weight_hh, p.bias_hh.as_ref(), row, h)).collect();
        C::unit(&inputs, &states, h[unit], c[unit])
    };
    (0..hidden).map(unit).unzip()
}

/// One sequence at a time, one layer after another, one direction after the other.
pub fn reference<C: Reference>(net: &Net<C>, batch: &Batch) -> Out<f64> {
    let shape = net.shape;
    let (hidden, count, directions) = (shape.hidden_size, shape.count(), shape.direction.count());
    let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    let len = count * batch.len() * hidden;
    let mut hn = batch.h0.as_ref().map_or(vec![0.0; len], |h0| wide(h0));
    let mut cn = batch.c0.as_ref().map_or(vec![0.0; len], |c0| wide(c0));
    let mut outputs = Vec::new();
    for (s, sequence) in batch.sequences.iter().enumerate() {
        let mut tokens: Vec<Vec<f64>> = sequence.chunks(shape.input_size).map(wide).collect();
        for layer in 0..shape.num_layers {
            let mut out = vec![Vec::new(); tokens.len()];
            for direction in 0..directions {
                let index = layer * directions + direction;
                let at = (index * batch.len() + s) * hidden;
                let (mut h, mut c) = (hn[at..at + hidden].to_vec(), cn[at..at + hidden].to_vec());
                let mut times: Vec<_> = (0..tokens.len()).collect();
                if shape.direction == Direction::Reverse || direction == 1 {
                    times.reverse();
                }
                for t in times {
                    (h, c) = step::<C>(&net.params[index], &tokens[t], &h, &c);
                    out[t].extend(&h);
                }
                hn[at..at + hidden].copy_from_slice(&h);
                cn[at..at + hidden].copy_from_slice(&c);
            }
            tokens = out;
        }
        outputs.push(tokens.concat());
    }
    Out { hidden, count, outputs, hn, cn: if C::HAS_C { cn } else { vec![] } }
}
