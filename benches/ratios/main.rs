//! One table of ratios: the work beside the machine's own limits, on one core, in one run.
//!
//! ```sh
//! taskset -c 1 cargo bench --bench ratios            # all of it
//! taskset -c 1 cargo bench --bench ratios -- V avx2  # the lines that hold all these words
//! ```
//!
//! Peak is the rate of independent multiply-adds in registers; bandwidth is that of reading as many bytes as the panel
//! has, the best of several ways. Both are measured again beside each piece of work, as the machine's speed drifts. All
//! buffers begin at a line of the cache.

#[allow(dead_code)]
mod clock;
mod inside;
mod limits;
mod remainders;
#[path = "../support/mod.rs"]
mod support;

// The crate's own source, so that its arithmetic can be timed without its doors.
#[allow(dead_code, unused_imports)]
#[path = "../../src/cell/mod.rs"]
mod cell;
#[allow(dead_code)]
#[path = "../../src/copy.rs"]
mod copy;
#[allow(dead_code)]
#[path = "../../src/device.rs"]
mod device;
#[allow(dead_code)]
#[path = "../../src/error.rs"]
mod error;
#[allow(dead_code)]
#[path = "../../src/weights/panel.rs"]
mod panel;
#[allow(dead_code)]
#[path = "../../src/rows.rs"]
mod rows;
#[allow(dead_code)]
#[path = "../../src/simd/mod.rs"]
mod simd;
mod weights {
    pub(crate) use crate::panel;
}

use clock::{Time, measure};
use packed_rnn::{Backend, Cell, Gru, Layout, Lstm, Model, Shape, States};
use support::{Buffer, Parameters, V, noise};

const M: [usize; 8] = [4, 6, 8, 5, 4, 3, 7, 8];

/// Multiply-adds of a token, as floating-point operations.
fn flops<C: Cell>(shape: Shape) -> f64 {
    let directions = shape.direction.count();
    let layer = |inputs: usize| (directions * 2 * C::GATES * shape.hidden_size * (inputs + shape.hidden_size)) as f64;
    layer(shape.input_size) + (shape.num_layers - 1) as f64 * layer(shape.output_size())
}

/// A network with random weights.
struct Network {
    panels: Buffer,
    shape: Shape,
}

impl Network {
    fn new<C: Cell>(shape: Shape) -> Self {
        let mut panels = Buffer::zeros(Model::<C>::panels_len(shape));
        let parameters: Vec<Parameters> = (0..shape.count())
            .map(|i| {
                let first = i < shape.direction.count();
                let inputs = if first { shape.input_size } else { shape.output_size() };
                Parameters::new(C::GATES, inputs, shape.hidden_size)
            })
            .collect();
        let weights: Vec<_> = parameters.iter().map(Parameters::weights).collect();
        Model::<C>::pack(shape, &weights, &mut panels).unwrap();
        Self { panels, shape }
    }

    fn model<C: Cell>(&self, backend: Backend) -> Model<'_, C> {
        Model::from_panels(self.shape, &self.panels).unwrap().with_backend(backend)
    }

    fn bytes(&self) -> usize {
        4 * self.panels.len()
    }
}

/// Nanoseconds of a valid token of a packed run.
fn run<C: Cell>(network: &Network, backend: Backend, lengths: &[usize], seconds: f64) -> Time {
    let model = network.model::<C>(backend);
    let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
    let layout = Layout::new(lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
    let input = Buffer::of(&noise(layout.packed_len(network.shape.input_size).unwrap(), 1.0, 7));
    let mut output = Buffer::zeros(model.output_len(&layout).unwrap());
    let mut scratch = Buffer::zeros(model.scratch_len(&layout).unwrap() + model.ahead_len());
    let mut hn = Buffer::zeros(model.states_len(lengths.len()).unwrap());
    let mut cn = Buffer::zeros(if C::HAS_C { hn.len() } else { 0 });
    let time = measure(seconds, || {
        let states = States { h0: None, c0: None, hn: &mut hn, cn: &mut cn };
        model.run(&layout, &input, states, &mut output, &mut scratch).unwrap();
    });
    assert!(output.iter().all(|h| h.abs() <= 1.0) && output.iter().any(|&h| h != 0.0));
    per(time, layout.tokens())
}

/// Nanoseconds of a step of one stream.
fn steps<C: Cell>(network: &Network, backend: Backend, seconds: f64) -> Time {
    let model = network.model::<C>(backend);
    let size = network.shape.hidden_size;
    let input = Buffer::of(&noise(100 * network.shape.input_size, 1.0, 7));
    let [mut h, mut next, mut c] = [size, size, if C::HAS_C { size } else { 0 }].map(Buffer::zeros);
    let time = measure(seconds, || {
        for x in input.chunks_exact(network.shape.input_size) {
            model.step(1, x, &h, &mut next, &mut c).unwrap();
            std::mem::swap(&mut h, &mut next);
        }
    });
    per(time, 100)
}

fn per(time: Time, count: usize) -> Time {
    Time { min: time.min / count as f64, median: time.median / count as f64 }
}

struct Table {
    words: Vec<String>,
}

impl Table {
    fn wants(&self, line: &str) -> bool {
        self.words.iter().all(|word| line.split([' ', ',']).any(|part| part.eq_ignore_ascii_case(word)))
    }

    fn line(&self, line: &str, time: Time, ratio: String) {
        println!("{line:38} {:9.1} {:9.1}  {ratio}", time.min, time.median);
    }
}

/// A run against the multiply-add peak.
fn against_peak<C: Cell>(table: &Table, line: &str, shape: Shape, lengths: &[usize], backend: Backend, goal: &str) {
    if table.wants(line) {
        let network = Network::new::<C>(shape);
        let peak = limits::peak(backend.name());
        let time = run::<C>(&network, backend, lengths, 1.0);
        let peak = peak.max(limits::peak(backend.name()));
        let share = |ns: f64| 100.0 * flops::<C>(shape) / ns / peak;
        table.line(
            line,
            time,
            format!("{:5.1} % of peak (median {:5.1} %) {goal}", share(time.min), share(time.median)),
        );
    }
}

fn batches<C: Cell>(table: &Table, cell: &str) {
    for backend in Backend::available() {
        let goals: &[(usize, &str)] = match backend.name() {
            "avx512" => &[(64, "goal 82"), (128, "goal 87"), (256, "goal 90"), (512, "goal 91")],
            "avx2" => &[(64, "goal 82"), (128, "goal 87"), (256, "goal 88"), (512, "")],
            _ => &[(64, ""), (128, ""), (256, ""), (512, "")],
        };
        for &(size, goal) in goals {
            let line = format!("V, {cell} {size}, {}", backend.name());
            against_peak::<C>(table, &line, Shape::new(size, size), &V, backend, goal);
        }
    }
}

fn main() {
    let words = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let table = Table { words };
    let best = Backend::detect();
    println!("nanoseconds of a token, fastest and median; backend {} unless said\n", best.name());

    batches::<Lstm>(&table, "LSTM");
    batches::<Gru>(&table, "GRU");

    for size in [64, 128, 256] {
        let line = format!("V, ragged against 32 equal, LSTM {size}");
        if table.wants(&line) {
            let network = Network::new::<Lstm>(Shape::new(size, size));
            let (mut ragged, mut equal) = (f64::MAX, f64::MAX);
            let mut time = Time { min: 0.0, median: 0.0 };
            for _ in 0..3 {
                time = run::<Lstm>(&network, best, &V, 0.4);
                ragged = ragged.min(time.min);
                equal = equal.min(run::<Lstm>(&network, best, &[162; 32], 0.4).min);
            }
            table.line(&line, time, format!("{:5.2} times the rectangle's token, goal 1.08", ragged / equal));
        }
    }

    let stack = Shape::new(64, 128).layers(2).bidirectional();
    against_peak::<Lstm>(&table, "L, LSTM 128, two layers both ways", stack, &V, best, "goal 85");
    for size in [32, 64] {
        against_peak::<Lstm>(&table, &format!("M, LSTM {size}"), Shape::new(size, size), &M, best, "goal 60");
    }
    remainders::fixed::<Lstm>(&table, "LSTM", best);
    streams::<Lstm>(&table, "LSTM", best);
    streams::<Gru>(&table, "GRU", best);
    for backend in Backend::available() {
        remainders::units::<Lstm>(&table, "LSTM", backend);
        remainders::units::<Gru>(&table, "GRU", backend);
        remainders::heights::<Lstm>(&table, "LSTM", backend);
        remainders::heights::<Gru>(&table, "GRU", backend);
    }
    remainders::activations(&table);
}

/// One stream, step by step and in one call.
fn streams<C: Cell>(table: &Table, cell: &str, backend: Backend) {
    for size in [32, 64, 128, 256, 512] {
        let network = Network::new::<C>(Shape::new(size, size));
        let line = format!("S, {cell} {size}, step by step");
        if table.wants(&line) {
            let (rate, way) = limits::bandwidth(network.bytes());
            let time = steps::<C>(&network, backend, 0.5);
            let bound = network.bytes() as f64 / rate;
            let mut ratio =
                format!("{:5.1} % of {rate:.0} GB/s ({way}), goal 90 from 128 on", 100.0 * bound / time.min);
            if size == 64 {
                let alone = inside::multiply_adds(backend.name(), C::GATES).min;
                ratio +=
                    &format!("; {:+.0} ns beyond 1.05 of its {alone:.0} ns alone, goal 80", time.min - 1.05 * alone);
            }
            table.line(&line, time, ratio);
        }
        let line = format!("S, {cell} {size}, 100 in one call");
        if table.wants(&line) {
            let half = network.bytes() / 2;
            let peak = limits::peak(backend.name());
            let (rate, _) = limits::bandwidth(half);
            let time = run::<C>(&network, backend, &[100], 0.5);
            let work = flops::<C>(network.shape);
            let bound = half as f64 / rate + work / 2.0 / peak;
            let share = 100.0 * work / time.min / peak;
            let ratio = format!("{:5.1} % of the bound, {share:.1} % of peak", 100.0 * bound / time.min);
            table.line(&line, time, ratio);
        }
    }
    for size in [8, 16, 20, 40] {
        let line = format!("one step, I = 1, {cell} {size}");
        if table.wants(&line) {
            let network = Network::new::<C>(Shape::new(1, size));
            let time = steps::<C>(&network, backend, 0.2);
            let alone = inside::arithmetic(backend.name(), C::GATES, size).min;
            table.line(&line, time, format!("{:5.0} ns over the arithmetic's {alone:.0}, goal 30", time.min - alone));
        }
    }
}
