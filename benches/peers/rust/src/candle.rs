//! candle's RNN modules, on a padded batch: they know no lengths.

use crate::worker::{Case, Fallible, Row};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_nn::rnn::{GRUConfig, GRUState, LSTMConfig, LSTMState, RNN, gru, lstm};

pub fn rows(case: &Case) -> Vec<Row> {
    let name = if case.ragged() { "candle, padded" } else { "candle" };
    if case.directions == 2 {
        return vec![Row::cannot(name, "it knows no lengths, so its reverse direction begins on the padding")];
    }
    vec![Row::of(name, row(case, name))]
}

fn row(case: &Case, name: &'static str) -> Fallible<Row> {
    let rows = case.gates() * case.units;
    let names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"];
    let shapes = [vec![rows, case.inputs], vec![rows, case.units], vec![rows], vec![rows]];
    let [weights] = case.weights().try_into().map_err(|_| "one layer only")?;
    let tensors = names.iter().zip(shapes).zip(weights);
    let tensors = tensors
        .map(|((name, shape), values)| Ok((name.to_string(), Tensor::from_vec(values, shape, &Device::Cpu)?)))
        .collect::<Result<_>>()?;
    let tensors = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    if case.lstm {
        let net = lstm(case.inputs, case.units, LSTMConfig::default(), tensors)?;
        timed(case, name, net, |state: &LSTMState| state.h().clone())
    } else {
        let net = gru(case.inputs, case.units, GRUConfig::default(), tensors)?;
        timed(case, name, net, |state: &GRUState| state.h().clone())
    }
}

fn values(y: &Tensor) -> Result<Vec<f32>> {
    y.flatten_all()?.to_vec1()
}

fn timed<R: RNN + 'static>(case: &Case, name: &'static str, net: R, h: fn(&R::State) -> Tensor) -> Fallible<Row> {
    let (steps, batch, units) = (case.steps(), case.batch(), case.units);
    if case.stepwise() {
        let tokens: Vec<Tensor> = case
            .input()
            .chunks_exact(case.inputs)
            .map(|x| Tensor::from_slice(x, (1, x.len()), &Device::Cpu))
            .collect::<Result<_>>()?;
        let call = move |mut keep: Option<&mut Vec<f32>>| -> Result<()> {
            let mut state = net.zero_state(1)?;
            for token in &tokens {
                state = net.step(token, &state)?;
                if let Some(keep) = &mut keep {
                    keep.extend(values(&h(&state))?);
                }
            }
            Ok(())
        };
        let mut y = Vec::new();
        call(Some(&mut y))?;
        return Ok(Row::new(name, case.error_time_major(&y), move || call(None).unwrap()));
    }
    let x = Tensor::from_vec(case.input_batch_first(), (batch, steps, case.inputs), &Device::Cpu)?;
    let call = move || net.states_to_tensor(&net.seq(&x)?);
    let y = values(&call()?)?;
    Ok(Row::new(name, case.error(|t, b| &y[(b * steps + t) * units..][..units]), move || drop(call().unwrap())))
}
