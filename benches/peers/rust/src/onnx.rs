//! What the peers that read ONNX models have in common.

use crate::worker::Case;

/// ONNX's output `[T, D, B, H]` as `[T, B, D * H]`.
pub fn tokens_first(case: &Case, y: &[f32]) -> Vec<f32> {
    let (batch, directions, units) = (case.batch(), case.directions, case.units);
    let rows = (0..case.steps()).flat_map(move |t| {
        (0..batch).flat_map(move |b| (0..directions).map(move |d| (t * directions + d) * batch + b))
    });
    rows.flat_map(|at| &y[at * units..][..units]).copied().collect()
}

/// The shape of initial states.
pub fn states_shape(case: &Case) -> [usize; 3] {
    [case.directions, case.batch(), case.units]
}
