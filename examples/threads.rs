//! One run on all cores, by three kinds of caller's threads: `std::thread::scope`, rayon, and a pool made by hand whose
//! threads take turns at pieces of tasks.
//!
//! ```sh
//! cargo run --release --example threads
//! ```
//!
//! The crate starts no thread. It cuts the rows of the sorted batch into tasks that need nothing of each other, so the
//! bits are those of the undivided run, whichever thread runs what and when.

use packed_rnn::{Error, Layout, Lstm, Model, Shape, Split, States, Task, Tasks, Weights};
use rayon::iter::{ParallelBridge, ParallelIterator};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const SHAPE: Shape = Shape::new(64, 128).layers(2).bidirectional();

fn main() -> ExitCode {
    match threads() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Caller = fn(Tasks<'_, Lstm>);

/// A thread for each task.
fn scope(tasks: Tasks<'_, Lstm>) {
    std::thread::scope(|scope| tasks.for_each(|task| drop(scope.spawn(|| task.finish()))));
}

/// rayon's threads, which take one task after another.
fn rayon(tasks: Tasks<'_, Lstm>) {
    tasks.par_bridge().for_each(Task::finish);
}

/// A pool: each thread takes a task, runs 50 steps of it, and puts it back for whichever comes next.
fn pool(tasks: Tasks<'_, Lstm>) {
    let threads = tasks.len();
    let waiting = Mutex::new(tasks.collect::<Vec<_>>());
    let lock = || waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(mut task) = lock().pop() else { break };
                    if !task.advance(50) {
                        lock().insert(0, task);
                    }
                }
            });
        }
    });
}

fn threads() -> Result<bool, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let parameters: Vec<_> = (0..SHAPE.count() as u32)
        .map(|index| {
            let inputs = if index < 2 { SHAPE.input_size } else { SHAPE.output_size() };
            let rows = 4 * SHAPE.hidden_size;
            (noise(rows * inputs, index), noise(rows * SHAPE.hidden_size, 10 + index), noise(rows, 20 + index))
        })
        .collect();
    let weights: Vec<_> = parameters
        .iter()
        .map(|(ih, hh, bias)| Weights { weight_ih: ih, weight_hh: hh, bias_ih: Some(bias), bias_hh: None })
        .collect();
    let mut panels = vec![0.0; Model::<Lstm>::panels_len(SHAPE)];
    let model = Model::<Lstm>::pack(SHAPE, &weights, &mut panels)?;

    let lengths: Vec<usize> = (0..48).map(|sequence| 20 + sequence * 37 % 230).collect();
    let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
    let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices)?;
    let input = noise(layout.packed_len(SHAPE.input_size)?, 30);
    let states = model.states_len(layout.batch())?;
    let (mut hn, mut cn, mut output) = (vec![0.0; states], vec![0.0; states], vec![0.0; model.output_len(&layout)?]);
    let mut scratch = vec![0.0; model.scratch_len(&layout)? + model.ahead_len()];
    println!("{} tokens of {} sequences, {SHAPE:?}", layout.tokens(), layout.batch());

    // The undivided run, and its time.
    let mut alone = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        model.run(&layout, &input, States::lstm(&mut hn, &mut cn), &mut output, &mut scratch)?;
        alone = alone.min(start.elapsed());
    }
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let expected = [&hn, &cn, &output].map(|values| bits(values));
    println!("undivided: {alone:.1?}");

    let mut all_equal = true;
    let callers: [(&str, Caller); 3] =
        [("std::thread::scope", scope), ("rayon", rayon), ("a pool, 50 steps at a time", pool)];
    for (name, run) in callers {
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            [&mut hn, &mut cn, &mut output].into_iter().for_each(|values| values.fill(f32::NAN));
            let start = Instant::now();
            let states = States::lstm(&mut hn, &mut cn);
            run(model.split(&layout, &input, states, &mut output, &mut scratch, Split::rows(threads))?);
            fastest = fastest.min(start.elapsed());
        }
        let equal = [&hn, &cn, &output].map(|values| bits(values)) == expected;
        all_equal &= equal;
        let times = alone.as_secs_f64() / fastest.as_secs_f64();
        let bits = if equal { "the same bits" } else { "OTHER BITS" };
        println!("{name}, {threads} tasks: {fastest:.1?}, {times:.2} times as fast, {bits}");
    }
    Ok(all_equal)
}

/// Weights and inputs, small and the same each time.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let next = |x: &mut u32, ()| {
        *x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(((*x >> 8) as f32 / (1 << 23) as f32 - 1.0) / 8.0)
    };
    std::iter::repeat_n((), len).scan(seed, next).collect()
}
