//! packed-rnn: a run over a packed batch, the same from padded batch to padded batch, and steps.

use crate::worker::{Case, Row};
use packed_rnn::{Aligned, Cell, Fill, Gru, Layout, Lstm, Model, Padded, Shape, States, Weights};
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
    let len = Model::<C>::panels_len(shape);
    let lines = vec![Aligned([0.0_f32; 16]); len.div_ceil(16)].leak();
    // SAFETY: a line is 64 bytes of f32 and nothing else.
    let panels = unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), 16 * lines.len()) };
    Model::pack(shape, &weights, &mut panels[..len]).unwrap()
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
    let padded = case.input();
    let mut input = vec![0.0; layout.packed_len(case.inputs).unwrap()];
    pack_padded_sequence(&layout, from, &padded, &mut input).unwrap();
    let mut output = vec![0.0; model.output_len(&layout).unwrap()];
    let mut scratch = vec![0.0; model.scratch_len(&layout).unwrap() + model.ahead_len()];
    let mut hn = vec![0.0; model.states_len(batch).unwrap()];
    let mut cn = vec![0.0; if C::HAS_C { hn.len() } else { 0 }];
    let mut unpacked = vec![0.0; to.len(batch).unwrap()];

    let mut run = {
        let (mut output, mut scratch, mut hn, mut cn) = (output.clone(), scratch.clone(), hn.clone(), cn.clone());
        let input = input.clone();
        move |keep: Option<&mut Vec<f32>>| {
            let states = States { h0: None, c0: None, hn: &mut hn, cn: &mut cn };
            model.run(&layout, &input, states, &mut output, &mut scratch).unwrap();
            if let Some(keep) = keep {
                keep.clone_from(&output);
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
            keep.clone_from(&unpacked);
        }
    };
    whole(Some(&mut kept));
    rows.push(Row::new(WHOLE, case.error_time_major(&kept), move || whole(None)).kind("whole"));
    rows
}

/// Steps of one stream with the states in turn.
fn steps<C: Cell + 'static>(case: &Case, model: Model<'static, C>) -> Row {
    let (input, inputs, units) = (case.input(), case.inputs, case.units);
    let (mut h, mut next, mut c) = (vec![0.0; units], vec![0.0; units], vec![0.0; if C::HAS_C { units } else { 0 }]);
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
