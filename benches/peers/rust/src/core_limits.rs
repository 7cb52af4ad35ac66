//! What the core can do at best, measured anew for each case: multiply-adds, and reading as many bytes as a step must.

use crate::limits;
use crate::worker::Case;
use packed_rnn::{Backend, Gru, Lstm, Model, Shape};

/// GFLOP/s, and for one stream GB/s of reading what each token needs of the panel: all of it step by step, the half
/// that is multiplied by the states in one call.
pub fn answer(case: &Case, _seconds: f64) -> Vec<String> {
    let backend = Backend::detect().name();
    let peak = limits::peak(backend);
    let mut line = format!("{{\"kind\": \"limit\", \"gflops\": {peak:.1}");
    if !case.ragged() {
        let shape = Shape::new(case.inputs, case.units);
        let len = if case.lstm { Model::<Lstm>::panels_len(shape) } else { Model::<Gru>::panels_len(shape) };
        let bytes = if case.stepwise() { 4 * len } else { 2 * len };
        let (rate, way) = limits::bandwidth(bytes);
        line += &format!(", \"bytes\": {bytes}, \"gbps\": {rate:.1}, \"way\": {way:?}");
    }
    vec![line + "}"]
}
