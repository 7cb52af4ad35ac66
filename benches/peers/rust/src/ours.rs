//! packed-rnn: a run over a packed batch, the same from padded batch to padded batch, and steps.

#[path = "../../../support/buffer.rs"]
mod buffer;

use crate::worker::{Case, Row};
use buffer::Buffer;
use packed_rnn::{Cell, Fill, Gru, Layout, Lstm, Model, Padded, Shape, States, Weights};
use packed_rnn::{pack_padded_sequence, pad_packed_sequence};

const NAME: &str = "packed-rnn";
const WHOLE: &str = "packed-rnn, with pack and unpack";

pub fn rows(case: &Case) -> Vec<Row> {
    if case.lstm { rows_of::<Lstm>(case) } else { rows_of::<Gru>(case) }
}

/// The case's network. Its panels live as long as the process, as those of a program would.
fn network<C: Cell>(case: &Case) -> Model<'static, C> {
    let mut shape = Shape::new(case.inputs, case.units).layers(case.layers);
    if case.directions == 2 {
        shape = shape.bidirectional();
    }
    let parameters = case.weights();
    let weights: Vec<Weights<'_>> = parameters
        .iter()
        .map(|[weight_ih, weight_hh, bias_ih, bias_hh]| Weights {
            weight_ih,
            weight_hh,
            bias_ih: Some(bias_ih),
            bias_hh: Some(bias_hh),
        })
        .collect();
    let panels = Box::leak(Box::new(Buffer::zeros(Model::<C>::panels_len(shape))));
    Model::pack(shape, &weights, panels).unwrap()
}

fn rows_of<C: Cell + 'static>(case: &Case) -> Vec<Row> {
    let model = network::<C>(case);
    if case.stepwise() {
        return vec![steps(case, model)];
    }
    let (batch, lengths) = (case.batch(), case.lengths.clone().leak());
    let layout = Layout::new(lengths, vec![0; batch].leak(), vec![0; batch].leak()).unwrap();
    let (from, to) =
        (Padded::time_major(case.steps(), case.inputs), Padded::time_major(case.steps(), model.shape().output_size()));
    let padded = Buffer::of(&case.input());
    let mut input = Buffer::zeros(layout.packed_len(case.inputs).unwrap());
    pack_padded_sequence(&layout, from, &padded, &mut input).unwrap();
    let mut output = Buffer::zeros(model.output_len(&layout).unwrap());
    let mut scratch = Buffer::zeros(model.scratch_len(&layout).unwrap() + model.ahead_len());
    let mut hn = Buffer::zeros(model.states_len(batch).unwrap());
    let mut cn = Buffer::zeros(if C::HAS_C { hn.len() } else { 0 });
    let mut unpacked = Buffer::zeros(to.len(batch).unwrap());

    let mut run = {
        let (mut output, mut scratch, mut hn, mut cn) = (output.clone(), scratch.clone(), hn.clone(), cn.clone());
        let input = input.clone();
        move |keep: Option<&mut Vec<f32>>| {
            let states = States { h0: None, c0: None, hn: &mut hn, cn: &mut cn };
            model.run(&layout, &input, states, &mut output, &mut scratch).unwrap();
            if let Some(keep) = keep {
                output[..].clone_into(keep);
            }
        }
    };
    let mut kept = Vec::new();
    run(Some(&mut kept));
    pad_packed_sequence(&layout, to, &kept, Fill::Value(0.0), &mut unpacked).unwrap();
    let mut rows = vec![Row::new(NAME, case.error_time_major(&unpacked), move || run(None)).kind("ours")];
    if !case.ragged() {
        return rows;
    }

    let mut whole = move |keep: Option<&mut Vec<f32>>| {
        let (mut sorted_lengths, mut sorted_indices) = ([0; 32], [0; 32]);
        let (sorted_lengths, sorted_indices) = (&mut sorted_lengths[..batch], &mut sorted_indices[..batch]);
        let layout = Layout::new(lengths, sorted_lengths, sorted_indices).unwrap();
        pack_padded_sequence(&layout, from, &padded, &mut input).unwrap();
        let states = States { h0: None, c0: None, hn: &mut hn, cn: &mut cn };
        model.run(&layout, &input, states, &mut output, &mut scratch).unwrap();
        pad_packed_sequence(&layout, to, &output, Fill::Value(0.0), &mut unpacked).unwrap();
        if let Some(keep) = keep {
            unpacked[..].clone_into(keep);
        }
    };
    whole(Some(&mut kept));
    rows.push(Row::new(WHOLE, case.error_time_major(&kept), move || whole(None)).kind("whole"));
    rows
}

/// Steps of one stream with the states in turn.
fn steps<C: Cell + 'static>(case: &Case, model: Model<'static, C>) -> Row {
    let (input, inputs, units) = (Buffer::of(&case.input()), case.inputs, case.units);
    let [mut h, mut next, mut c] = [units, units, if C::HAS_C { units } else { 0 }].map(Buffer::zeros);
    let mut call = move |mut keep: Option<&mut Vec<f32>>| {
        h.fill(0.0);
        c.fill(0.0);
        for x in input.chunks_exact(inputs) {
            model.step(1, x, &h, &mut next, &mut c).unwrap();
            std::mem::swap(&mut h, &mut next);
            if let Some(keep) = &mut keep {
                keep.extend_from_slice(&h);
            }
        }
    };
    let mut outputs = Vec::new();
    call(Some(&mut outputs));
    Row::new(NAME, case.error_time_major(&outputs), move || call(None)).kind("ours")
}
