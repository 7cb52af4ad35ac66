//! Timing on a shared machine: many short repeats, of which the fastest and the median are kept.

use std::time::Instant;

/// Nanoseconds of one call.
#[derive(Clone, Copy)]
pub struct Time {
    pub min: f64,
    pub median: f64,
}

impl Time {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self { min: times[0], median: times[times.len() / 2] }
    }
}

/// One call only, to see that all runs.
pub fn dry() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// Times a call for about so many seconds.
pub fn measure(seconds: f64, mut call: impl FnMut()) -> Time {
    call();
    let start = Instant::now();
    call();
    let once = start.elapsed().as_secs_f64().max(1e-9);
    // A repeat is long against the clock, and short against the machine's other work.
    let inner = (100e-6 / once).ceil().max(1.0) as usize;
    let repeats = if dry() { 1 } else { (seconds / (once * inner as f64)).clamp(15.0, 3000.0) as usize };
    let times = (0..repeats)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..inner {
                call();
            }
            start.elapsed().as_secs_f64() * 1e9 / inner as f64
        })
        .collect();
    Time::of(times)
}

/// Times several calls in turn, so that the machine's drift reaches all of them alike. Each works on `data`.
pub fn in_turn<D>(rounds: usize, data: &mut D, calls: &mut [impl FnMut(&mut D)]) -> Vec<Time> {
    let rounds = if dry() { 1 } else { rounds };
    let mut times = vec![Vec::new(); calls.len()];
    for _ in 0..rounds {
        for (call, times) in calls.iter_mut().zip(&mut times) {
            let start = Instant::now();
            call(data);
            let inner = (50e-6 / start.elapsed().as_secs_f64().max(1e-9)).ceil().max(1.0) as usize;
            let start = Instant::now();
            for _ in 0..inner {
                call(data);
            }
            times.push(start.elapsed().as_secs_f64() * 1e9 / inner as f64);
        }
    }
    times.into_iter().map(Time::of).collect()
}
