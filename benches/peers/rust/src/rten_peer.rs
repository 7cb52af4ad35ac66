//! rten on the ONNX models.

use crate::onnx::{states_shape, tokens_first};
use crate::worker::{Case, Fallible, Row};
use rten::{Model, ModelOptions, NodeId, ValueOrView};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;

pub fn rows(case: &Case) -> Vec<Row> {
    if case.stepwise() {
        return vec![Row::of("rten", steps(case))];
    }
    if !case.ragged() {
        return vec![Row::of("rten", batch(case, "rten", "padded"))];
    }
    let mut rows = vec![Row::of("rten, padded", batch(case, "rten, padded", "padded"))];
    // It accepts lengths: whether it heeds them is seen where they matter.
    if case.directions == 2 {
        rows.insert(0, Row::of("rten, lengths", batch(case, "rten, lengths", "lengths")));
    }
    rows
}

fn load(case: &Case, model: &str) -> Fallible<Model> {
    let mut options = ModelOptions::with_all_ops();
    options.prepack_weights(true);
    Ok(options.load_file(case.path(&format!("{model}.onnx")))?)
}

fn floats(shape: &[usize], values: Vec<f32>) -> Tensor<f32> {
    Tensor::from_data(shape, values)
}

fn batch(case: &Case, name: &'static str, kind: &str) -> Fallible<Row> {
    let model = load(case, kind)?;
    let x = floats(&[case.steps(), case.batch(), case.inputs], case.input());
    let lengths: Vec<i32> = case.lengths.iter().map(|&length| length as i32).collect();
    let lengths: Tensor<i32> = Tensor::from_data(&[case.batch()], lengths);
    let (x_id, outputs) = (model.node_id("x")?, [model.node_id("y")?]);
    let lengths_id = if kind == "lengths" { Some(model.node_id("lengths")?) } else { None };
    let call = move || -> Fallible<Tensor<f32>> {
        let mut inputs: Vec<(NodeId, ValueOrView<'_>)> = vec![(x_id, x.view().into())];
        inputs.extend(lengths_id.map(|id| (id, lengths.view().into())));
        Ok(model.run(inputs, &outputs, None)?.remove(0).try_into()?)
    };
    let y = call()?.to_vec();
    Ok(Row::new(name, case.error_time_major(&tokens_first(case, &y)), move || drop(call().unwrap())))
}

/// Steps whose new states are the next step's inputs as they are.
fn steps(case: &Case) -> Fallible<Row> {
    let model = load(case, "step")?;
    let names: &[&str] = if case.lstm { &["h", "c"] } else { &["h"] };
    let ids = |end: &str| -> Fallible<Vec<NodeId>> {
        names.iter().map(|name| Ok(model.node_id(&format!("{name}{end}"))?)).collect()
    };
    let (x_id, states_ids, outputs) = (model.node_id("x")?, ids("0")?, ids("n")?);
    let zeros = floats(&states_shape(case), vec![0.0; case.units]);
    let tokens: Vec<Tensor<f32>> =
        case.input().chunks_exact(case.inputs).map(|x| floats(&[1, 1, x.len()], x.to_vec())).collect();
    let call = move |mut keep: Option<&mut Vec<f32>>| -> Fallible<()> {
        let mut states: Vec<Tensor<f32>> = vec![zeros.clone(); states_ids.len()];
        for token in &tokens {
            let mut inputs: Vec<(NodeId, ValueOrView<'_>)> = vec![(x_id, token.view().into())];
            inputs.extend(states_ids.iter().zip(&states).map(|(&id, state)| (id, state.view().into())));
            let new = model.run(inputs, &outputs, None)?;
            states = new.into_iter().map(|value| Ok(value.try_into()?)).collect::<Fallible<_>>()?;
            if let Some(keep) = &mut keep {
                keep.extend(states[0].iter());
            }
        }
        Ok(())
    };
    let mut y = Vec::new();
    call(Some(&mut y))?;
    Ok(Row::new("rten", case.error_time_major(&y), move || call(None).unwrap()))
}
