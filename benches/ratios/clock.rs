//! Timing on a shared machine: many short repeats, of which the fastest and the median are kept.

use std::time::Instant;

/// Nanoseconds of one call.
#[derive(Clone, Copy)]
pub struct Time {
    pub min: f64,
    pub median: f64,
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
    let mut times: Vec<f64> = (0..repeats)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..inner {
                call();
            }
            start.elapsed().as_secs_f64() * 1e9 / inner as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    Time { min: times[0], median: times[times.len() / 2] }
}
