//! Tasks: what two threads gain, what making tasks costs, and how even they are, with what rows cost measured beside:
//!
//! ```sh
//! cargo bench --bench split               # all of it
//! cargo bench --bench split -- balance    # rows, scaling, making or balance
//! ```

#[path = "ratios/clock.rs"]
mod clock;
#[allow(dead_code)]
#[path = "ratios/limits.rs"]
mod limits;
mod support;

use clock::{dry, in_turn, measure};
use packed_rnn::{Backend, Cell, Gru, Layout, Lstm, Model, Shape, Split, States, Task};
use std::hint::black_box;
use support::{Buffer, Parameters, V, noise};

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    println!("backend {}", Backend::detect().name());
    if wants("scaling") {
        [128, 256].into_iter().for_each(scaling::<Lstm>);
        [128, 256].into_iter().for_each(scaling::<Gru>);
    }
    if wants("making") {
        making();
    }
    if wants("rows") {
        println!("\nrows together, LSTM, nothing computed ahead: a step's cost, in rows of a step of 16");
        for backend in Backend::available() {
            for size in [64, 128, 256, 512] {
                let each: Vec<_> = rows::<Lstm>(size, backend).iter().map(|cost| format!("{cost:.2}")).collect();
                println!("  {:8} {size:3}: {}", backend.name(), each[1..].join(" "));
            }
        }
    }
    if wants("balance") {
        balance(&rows::<Lstm>(128, Backend::detect()));
    }
}

/// A network of one layer with random weights, and a packed batch for it.
struct Work {
    panels: Buffer,
    shape: Shape,
    sorted_lengths: Vec<u32>,
    input: Buffer,
    output: Buffer,
    hn: Buffer,
    cn: Buffer,
    scratch: Buffer,
    backend: Backend,
}

impl Work {
    fn new<C: Cell>(size: usize, lengths: &[u32]) -> Self {
        let shape = Shape::new(size, size);
        let parameters = Parameters::new(C::GATES, size, size);
        let mut panels = Buffer::zeros(Model::<C>::panels_len(shape));
        let model = Model::<C>::pack(shape, &[parameters.weights()], &mut panels).unwrap();
        let scratch = Buffer::zeros(model.ahead_len());
        let tokens = lengths.iter().sum::<u32>() as usize;
        let states = Buffer::zeros(lengths.len() * size);
        Self {
            panels,
            shape,
            sorted_lengths: lengths.to_vec(),
            input: Buffer::of(&noise(tokens * size, 1.0, 3)),
            output: Buffer::zeros(tokens * size),
            cn: if C::HAS_C { states.clone() } else { Buffer::zeros(0) },
            hn: states,
            scratch,
            backend: Backend::detect(),
        }
    }

    /// Splits the run and hands over the tasks.
    fn split<C: Cell>(&mut self, tasks: usize, work: impl FnOnce(Vec<Task<'_, C>>)) {
        let model = Model::<C>::from_panels(self.shape, &self.panels).unwrap().with_backend(self.backend);
        let lengths = self.sorted_lengths.clone();
        let layout = Layout::from_sorted(&lengths, &mut self.sorted_lengths).unwrap();
        let states = States { h0: None, c0: None, hn: &mut self.hn, cn: &mut self.cn };
        let (output, scratch) = (&mut self.output, &mut self.scratch);
        let tasks = model.split(&layout, &self.input, states, output, scratch, Split::rows(tasks)).unwrap();
        work(tasks.collect());
    }
}

type Call<'a> = Box<dyn FnMut(&mut Work) + 'a>;

/// V in two tasks on two threads against the undivided run on one, and the machine's own scaling: two copies of the peak
/// loop at once against one.
fn scaling<C: Cell>(size: usize) {
    let lengths = V.map(|length| length as u32);
    let mut work = Work::new::<C>(size, &lengths);
    let peak = || {
        black_box(limits::multiply_adds(Backend::detect().name(), 200_000));
    };
    let one = |work: &mut Work| work.split::<C>(1, |tasks| tasks.into_iter().for_each(Task::finish));
    let mut calls: [Call<'_>; 4] = [
        Box::new(|_| peak()),
        Box::new(|_| at_once(peak, peak)),
        Box::new(one),
        Box::new(|work| {
            work.split::<C>(2, |mut tasks| {
                let (second, first) = (tasks.pop(), tasks.pop());
                at_once(|| second.into_iter().for_each(Task::finish), || first.into_iter().for_each(Task::finish));
            });
        }),
    ];
    let times = in_turn(60, &mut work, &mut calls);
    let gains = |of: fn(&clock::Time) -> f64| {
        let [peak, peaks, one, two] = [0, 1, 2, 3].map(|call| of(&times[call]));
        (2.0 * peak / peaks, one / two)
    };
    let ((machine, ours), (machine_median, ours_median)) = (gains(|time| time.min), gains(|time| time.median));
    let name = if C::HAS_C { "LSTM" } else { "GRU" };
    println!(
        "scaling, V, {name} {size}: {ours:.3} ({ours_median:.3}) times as fast on two threads, the machine {machine:.3} \
         ({machine_median:.3}): {:.1} % ({:.1} %) of it, goal 95",
        100.0 * ours / machine,
        100.0 * ours_median / machine_median
    );
}

/// One on a thread of its own, the other on this one.
fn at_once(there: impl FnOnce() + Send, here: impl FnOnce()) {
    std::thread::scope(|scope| {
        scope.spawn(there);
        here();
    });
}

/// Cutting 512 sequences into 64 tasks.
fn making() {
    let lengths = sorted(Lengths::Uniform, 512, 7);
    let mut work = Work::new::<Gru>(16, &lengths);
    let mut made = 0;
    let time = measure(0.5, || work.split::<Gru>(64, |tasks| made = black_box(tasks).len()));
    println!("making {made} tasks over 512 sequences: {:.0} ns each, goal 1000", time.min / made as f64);
}

/// What steps of 0 to 16 rows cost, in rows of a step of 16.
fn rows<C: Cell>(size: usize, backend: Backend) -> Vec<f64> {
    let one = |rows: usize| Work { backend, scratch: Buffer::zeros(0), ..Work::new::<C>(size, &vec![40; rows]) };
    let mut works: Vec<_> = (1..=16).map(one).collect();
    let mut calls: Vec<_> = (0..16)
        .map(|row| {
            move |works: &mut Vec<Work>| works[row].split::<C>(1, |tasks| tasks.into_iter().for_each(Task::finish))
        })
        .collect();
    let times = in_turn(if size > 128 { 5 } else { 20 }, &mut works, &mut calls);
    let one = times[15].min / 16.0;
    std::iter::once(0.0).chain(times.iter().map(|time| time.min / one)).collect()
}

#[derive(Clone, Copy, Debug)]
enum Lengths {
    Uniform,
    Exponential,
    LogNormal,
    Pareto,
}

/// Random lengths of about 100, at most 10,000, the longest first.
fn sorted(kind: Lengths, batch: usize, seed: u64) -> Vec<u32> {
    let uniform = noise(2 * batch, 0.5, seed).into_iter().map(|x| f64::from(x) + 0.5).collect::<Vec<_>>();
    let mut lengths: Vec<_> = uniform
        .chunks_exact(2)
        .map(|pair| {
            let (a, b) = (pair[0].max(1e-9), pair[1]);
            let length = match kind {
                Lengths::Uniform => 200.0 * a,
                Lengths::Exponential => -100.0 * a.ln(),
                Lengths::LogNormal => 60.0 * ((-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()).exp(),
                // The tail falls with the power 1.5.
                Lengths::Pareto => 33.0 * a.powf(-1.0 / 1.5),
            };
            length.clamp(1.0, 10_000.0) as u32
        })
        .collect();
    lengths.sort_by(|a, b| b.cmp(a));
    lengths
}

/// The dearest of the tasks for many workers, in the measured cost of rows, against the mean and the longest sequence.
fn balance(rows: &[f64]) {
    // Beyond what was measured, each row adds the same.
    let added = |row: usize| if row < 16 { rows[row + 1] - rows[row] } else { 1.0 };
    let cost = |lengths: &[u32]| -> f64 { lengths.iter().enumerate().map(|(i, &t)| f64::from(t) * added(i)).sum() };
    println!("\nbalance: the dearest task over max(mean, longest sequence), worst of 20 batches, goal 1.10");
    for workers in [64, 256] {
        for batch in [8 * workers, 16 * workers, 64 * workers] {
            for kind in [Lengths::Uniform, Lengths::Exponential, Lengths::LogNormal, Lengths::Pareto] {
                let one = |seed| {
                    let lengths = sorted(kind, batch, seed);
                    let mut work = Work::new::<Gru>(1, &lengths);
                    let mut costs = vec![];
                    work.split::<Gru>(workers, |tasks| {
                        costs = tasks.iter().map(|task| cost(&lengths[task.places()])).collect();
                    });
                    // Of the undivided run: what cutting adds is not in it.
                    let mean = cost(&lengths) / workers as f64;
                    let longest = cost(&lengths[..1]);
                    (costs.iter().copied().fold(0.0, f64::max) / mean.max(longest), longest > mean)
                };
                let seeds = 1..if dry() { 2 } else { 21 };
                let all: Vec<_> = seeds.map(one).collect();
                let worst = all.iter().fold(0.0_f64, |worst, one| worst.max(one.0));
                let longest = all.iter().filter(|one| one.1).count();
                println!(
                    "  {workers:3} workers, {batch:5} sequences, {:12} {worst:.3} (the longest alone is more than the \
                     mean in {longest} of {})",
                    format!("{kind:?}:").to_lowercase(),
                    all.len()
                );
            }
        }
    }
}
