//! Naive loops, as one would write them by hand: over the padded rectangle, or (`lengths`) to each sequence's end.

use crate::naive::Naive;
use crate::worker::{Case, Row};
use packed_rnn::Weights;

pub fn rows(case: &Case) -> Vec<Row> {
    let name = if case.ragged() { "naive loops, padded" } else { "naive loops" };
    match case.workload.as_str() {
        // Its loop is that of one call.
        "step" => vec![Row::cannot(name, "a step is a turn of the loop of S")],
        "L" => vec![run(case, name, false), run(case, "naive loops, lengths", true)],
        _ => vec![run(case, name, false)],
    }
}

fn run(case: &Case, name: &'static str, to_each_length: bool) -> Row {
    let layers: Vec<Naive> = case
        .weights()
        .iter()
        .enumerate()
        .map(|(at, [weight_ih, weight_hh, bias_ih, bias_hh])| {
            let weights = Weights { weight_ih, weight_hh, bias_ih: Some(bias_ih), bias_hh: Some(bias_hh) };
            Naive::new(case.gates(), case.layer_inputs(at / case.directions), case.units, &weights)
        })
        .collect();
    let (steps, batch, units, directions) = (case.steps(), case.batch(), case.units, case.directions);
    let lengths = to_each_length.then(|| case.lengths.clone());
    let (input, stride) = (case.input_batch_first(), directions * units);
    let mut outputs: Vec<Vec<f32>> = vec![vec![0.0; batch * steps * stride]; case.layers];
    let mut call = move |keep: Option<&mut Vec<f32>>| {
        for (at, net) in layers.iter().enumerate() {
            let (layer, direction) = (at / directions, at % directions);
            let (before, own) = outputs.split_at_mut(layer);
            let input = before.last().unwrap_or(&input);
            net.run(input, steps, lengths.as_deref(), direction == 1, &mut own[0], (stride, direction * units));
        }
        if let Some(keep) = keep {
            keep.clone_from(&outputs[outputs.len() - 1]);
        }
    };
    let mut y = Vec::new();
    call(Some(&mut y));
    Row::new(name, case.error(|t, b| &y[(b * steps + t) * stride..][..stride]), move || call(None))
}
