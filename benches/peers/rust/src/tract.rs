//! tract on the ONNX models.

use crate::onnx::{states_shape, tokens_first};
use crate::worker::{Case, Fallible, Row};
use tract_onnx::prelude::*;

pub fn rows(case: &Case) -> Vec<Row> {
    if case.stepwise() {
        return vec![Row::of("tract", steps(case))];
    }
    if !case.ragged() {
        return vec![Row::of("tract", batch(case, "tract", "padded"))];
    }
    // With several sequences it wants an LSTM's initial states told.
    let states = case.layers == 1 && case.lstm;
    let padded = batch(case, "tract, padded", if states { "states" } else { "padded" });
    vec![Row::of("tract, lengths", batch(case, "tract, lengths", "lengths")), Row::of("tract, padded", padded)]
}

fn runnable(case: &Case, model: &str) -> TractResult<impl Fn(TVec<TValue>) -> TractResult<TVec<TValue>> + use<>> {
    let model = tract_onnx::onnx().model_for_path(case.path(&format!("{model}.onnx")))?;
    let model = model.into_optimized()?.into_runnable()?;
    Ok(move |inputs| model.run(inputs))
}

fn zeros(case: &Case) -> TractResult<TVec<TValue>> {
    (0..if case.lstm { 2 } else { 1 }).map(|_| Ok(Tensor::zero::<f32>(&states_shape(case))?.into())).collect()
}

fn floats(value: &TValue) -> TractResult<Vec<f32>> {
    Ok(value.to_plain_array_view::<f32>()?.iter().copied().collect())
}

fn batch(case: &Case, name: &'static str, model: &str) -> Fallible<Row> {
    let run = runnable(case, model)?;
    let mut inputs: TVec<TValue> =
        tvec!(Tensor::from_shape(&[case.steps(), case.batch(), case.inputs], &case.input())?.into());
    if model == "lengths" {
        let lengths: Vec<i32> = case.lengths.iter().map(|&length| length as i32).collect();
        inputs.push(Tensor::from_shape(&[case.batch()], &lengths)?.into());
    }
    if model == "states" {
        inputs.extend(zeros(case)?);
    }
    let y = floats(&run(inputs.clone())?[0])?;
    let error = case.error_time_major(&tokens_first(case, &y));
    Ok(Row::new(name, error, move || drop(run(inputs.clone()).unwrap())))
}

/// Steps whose new states are the next step's inputs as they are.
fn steps(case: &Case) -> Fallible<Row> {
    let (run, zeros, units) = (runnable(case, "step")?, zeros(case)?, case.units);
    let tokens: Vec<TValue> = case
        .input()
        .chunks_exact(case.inputs)
        .map(|x| Ok(Tensor::from_shape(&[1, 1, x.len()], x)?.into()))
        .collect::<TractResult<_>>()?;
    let call = move |mut keep: Option<&mut Vec<f32>>| -> TractResult<()> {
        let mut states = zeros.clone();
        for token in &tokens {
            let mut inputs: TVec<TValue> = tvec!(token.clone());
            inputs.append(&mut states);
            states = run(inputs)?;
            if let Some(keep) = &mut keep {
                keep.extend_from_slice(&floats(&states[0])?[..units]);
            }
        }
        Ok(())
    };
    let mut outputs = Vec::new();
    call(Some(&mut outputs))?;
    Ok(Row::new("tract", case.error_time_major(&outputs), move || call(None).unwrap()))
}
