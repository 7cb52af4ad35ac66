//! The steps that `measure` counts: seeded weights, and the states that come out.

use crate::output::Output;
use packed_rnn::{Backend, Cell, Gru, Lstm, Model, Shape, Weights, activation};
use std::error::Error;

/// Tokens of a case.
const TOKENS: usize = 4;

pub fn make(output: &mut Output) -> Result<(), Box<dyn Error>> {
    let mut numbers = Numbers(2024);
    let lstm: Result<Vec<_>, _> =
        [64, 32, 20, 33].map(|size| case::<Lstm>("lstm", size, &mut numbers, output)).into_iter().collect();
    let gru: Result<Vec<_>, _> =
        [64, 32, 20, 33].map(|size| case::<Gru>("gru", size, &mut numbers, output)).into_iter().collect();
    output.declare(&format!("pub static LSTM: [Case; 4] = [{}];", lstm?.join(", ")));
    output.declare(&format!("pub static GRU: [Case; 4] = [{}];", gru?.join(", ")));
    let values: Vec<f32> = (0..1024).map(|_| 10.0 * numbers.next()).collect();
    output.floats("VALUES", &values)?;
    let corners =
        [0.0, 1e-40, 1e-30, 1e-3, 0.5, 9.0, 17.5, 88.0, 89.0, 103.0, 104.5, f32::MAX, f32::INFINITY, f32::NAN];
    let corners: Vec<f32> = corners.into_iter().flat_map(|x| [x, -x]).collect();
    output.floats("CORNERS", &corners)?;
    let mut activations = Vec::new();
    for (name, function) in
        [("sigmoid", activation::sigmoid as fn(_, &mut [f32])), ("tanh", activation::tanh), ("exp", activation::exp)]
    {
        for (part, values) in [("VALUES", &values), ("CORNERS", &corners)] {
            let mut values = values.clone();
            function(Backend::portable(), &mut values);
            output.floats(&format!("{}_{part}", name.to_uppercase()), &values)?;
        }
        let upper = name.to_uppercase();
        activations.push(format!(
            "Activation {{ name: {name:?}, function: packed_rnn::activation::{name}, \
             values: &{upper}_VALUES.0, corners: &{upper}_CORNERS.0 }}"
        ));
    }
    output.declare(&format!("pub static ACTIVATIONS: [Activation; 3] = [{}];", activations.join(", ")));
    Ok(())
}

/// A cell with as many inputs as units.
fn case<C: Cell>(
    name: &str,
    size: usize,
    numbers: &mut Numbers,
    output: &mut Output,
) -> Result<String, Box<dyn Error>> {
    let scale = 1.0 / (size as f32).sqrt();
    let mut parameters = |len: usize| -> Vec<f32> { (0..len).map(|_| scale * numbers.next()).collect() };
    let rows = C::GATES * size;
    let (weight_ih, weight_hh) = (parameters(rows * size), parameters(rows * size));
    let (bias_ih, bias_hh) = (parameters(rows), parameters(rows));
    let weights =
        Weights { weight_ih: &weight_ih, weight_hh: &weight_hh, bias_ih: Some(&bias_ih), bias_hh: Some(&bias_hh) };
    let shape = Shape::new(size, size);
    let mut panels = vec![0.0; Model::<C>::panels_len(shape)];
    let model = Model::<C>::pack(shape, &[weights], &mut panels)?.with_backend(Backend::portable());

    let inputs: Vec<f32> = (0..TOKENS * size).map(|_| numbers.next()).collect();
    let (mut h, mut c) = (vec![0.0; size], vec![0.0; if C::HAS_C { size } else { 0 }]);
    let mut scratch = vec![0.0; size];
    for input in inputs.chunks_exact(size) {
        model.step_in_place(1, input, &mut h, &mut c, &mut scratch)?;
    }

    let prefix = format!("{}_{size}", name.to_uppercase());
    for (part, values) in [("PANELS", &panels), ("INPUTS", &inputs), ("H", &h), ("C", &c)] {
        output.floats(&format!("{prefix}_{part}"), values)?;
    }
    Ok(format!(
        "Case {{ name: \"{name}-{size}\", input_size: {size}, hidden_size: {size}, gates: {}, \
         panels: &{prefix}_PANELS.0, inputs: &{prefix}_INPUTS.0, h: &{prefix}_H.0, c: &{prefix}_C.0 }}",
        C::GATES
    ))
}

/// Seeded numbers between -1 and 1.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32 as i32 as f32 / 2_147_483_648.0
    }
}
