//! Faults that other software was reported to have when it runs recurrent layers, each as a test of its kind.
//!
//! The numbers are those of the public bug reports that were collected for this project; each test names its reports.
//! Right values are those of a float64 reference, or rules of this crate where the test says so.

#![allow(unsafe_code)]
// Right values are written digit for digit.
#![allow(clippy::excessive_precision)]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    Batch, INPUT, Memory, Net, Out, PANELS, Params, Reference, Rng, distance, every_backend, gather, reference,
    same_bits,
};
use packed_rnn::{
    Argument, Backend, Cell, Code, Direction, Fill, Gru, Layout, Lstm, Model, Padded, Relu, Shape, States, Tanh,
    pack_padded_sequence, pad_packed_sequence, unpack_sequence,
};
use std::alloc::{GlobalAlloc, System};

/// A difference from a right value that has eight digits.
const TOLERANCE: f32 = 1e-6;

#[track_caller]
fn near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{found:?} instead of {expected:?}");
    let all = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= TOLERANCE);
    assert!(all, "{found:?} instead of {expected:?}");
}

/// A single layer by its parameters.
fn layer<C: Reference>(
    shape: Shape,
    weight_ih: &[f32],
    weight_hh: &[f32],
    bias_ih: Option<&[f32]>,
    bias_hh: Option<&[f32]>,
) -> Net<C> {
    let params = Params {
        weight_ih: weight_ih.to_vec(),
        weight_hh: weight_hh.to_vec(),
        bias_ih: bias_ih.map(<[f32]>::to_vec),
        bias_hh: bias_hh.map(<[f32]>::to_vec),
    };
    Net::new(shape, vec![params])
}

fn random<C: Reference>(shape: Shape, lengths: &[usize], seed: u64) -> (Net<C>, Batch) {
    let mut rng = Rng::new(seed);
    (Net::random(shape, (true, true), &mut rng), Batch::random::<C>(shape, lengths, (true, true), &mut rng))
}

/// From a padded rectangle to a padded rectangle, and the final states.
fn padded<C: Reference>(
    net: &Net<C>,
    backend: Backend,
    lengths: &[usize],
    padded: Padded,
    input: &[f32],
    fill: Fill<f32>,
) -> (Vec<f32>, Vec<f32>) {
    let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
    let layout = Layout::new(lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
    let mut packed = vec![f32::NAN; layout.packed_len(padded.features).unwrap()];
    pack_padded_sequence(&layout, padded, input, &mut packed).unwrap();
    let panels = net.panels();
    let model = Model::<C>::from_panels(net.shape, &panels).unwrap().with_backend(backend);
    let len = model.states_len(lengths.len()).unwrap();
    let (mut hn, mut cn) = (vec![f32::NAN; len], vec![f32::NAN; if C::HAS_C { len } else { 0 }]);
    let mut output = vec![f32::NAN; model.output_len(&layout).unwrap()];
    let mut scratch = vec![f32::NAN; model.scratch_len(&layout).unwrap()];
    model.run(&layout, &packed, States::lstm(&mut hn, &mut cn), &mut output, &mut scratch).unwrap();
    let mut outside = padded;
    outside.features = net.shape.output_size();
    let mut rectangle = vec![f32::NAN; outside.len(lengths.len()).unwrap()];
    pad_packed_sequence(&layout, outside, &output, fill, &mut rectangle).unwrap();
    (rectangle, hn)
}

/// Batch-first rectangle of sequences, NaN behind them.
fn rectangle(batch: &Batch, steps: usize) -> Vec<f32> {
    let padded = batch.sequences.iter().map(|sequence| {
        let mut row = sequence.clone();
        row.resize(steps * batch.input_size, f32::NAN);
        row
    });
    padded.collect::<Vec<_>>().concat()
}

/// pytorch/pytorch#1811, lmnt-com/haste#12, soumith/cudnn.torch#187: the backward pass begins at each sequence's own last
/// token, and its outputs stay with their tokens.
#[test]
fn case_28_reverse_begins_at_the_last_token() {
    every_backend(|backend| {
        let shape = Shape::new(2, 3);
        let (mut forward, batch) = random::<Lstm>(shape, &[4, 6, 7], 28);
        let batch = Batch { h0: None, c0: None, ..batch };
        let mut turned = batch.clone();
        for sequence in &mut turned.sequences {
            *sequence = sequence.chunks(2).rev().flatten().copied().collect();
        }
        let expected = forward.run(backend, &turned);
        forward.shape = shape.direction(Direction::Reverse);
        let (out, hn) =
            padded(&forward, backend, &[4, 6, 7], Padded::batch_first(8, 2), &rectangle(&batch, 8), Fill::Value(9.0));
        for (s, row) in out.chunks(8 * 3).enumerate() {
            let (valid, padding) = row.split_at(batch.length(s) * 3);
            let aligned: Vec<_> = expected.outputs[s].chunks(3).rev().flatten().copied().collect();
            same_bits(valid, &aligned, "reversed tokens");
            assert!(padding.iter().all(|&x| x == 9.0));
        }
        same_bits(&hn, &expected.hn, "hn");
    });
}

/// pytorch/pytorch#149227, pytorch/pytorch#4582, pytorch/pytorch#11514, ASUS-AICS/LibMultiLabel-Old-Archive#164: a length
/// of 0 is valid: no cell runs on padding, and the final state is the initial one.
#[test]
fn case_29_a_length_of_zero_keeps_its_state() {
    fn property<C: Reference>(backend: Backend) {
        let shape = Shape::new(1, 2).layers(2).bidirectional();
        let (net, batch) = random::<C>(shape, &[0, 3, 2], 29);
        let out = net.run(backend, &batch);
        assert!(out.outputs[0].is_empty());
        let first = |states: &[f32]| gather(states, 4, 3, 2, &[0]);
        same_bits(&first(&out.hn), &first(batch.h0.as_ref().unwrap()), "hn");
        if C::HAS_C {
            same_bits(&first(&out.cn), &first(batch.c0.as_ref().unwrap()), "cn");
        }
        let alone = net.run(backend, &batch.select(&[1, 2]));
        out.select(&[1, 2]).same_bits(&alone, "beside an empty sequence");
        let (rows, _) =
            padded(&net, backend, &[0, 3, 2], Padded::batch_first(4, 1), &rectangle(&batch, 4), Fill::Value(-1.0));
        assert!(rows[..4 * 4].iter().all(|&x| x == -1.0));
    }
    every_backend(property::<Lstm>);
    every_backend(property::<Gru>);
    every_backend(property::<Tanh>);
}

/// microsoft/onnxruntime#749, microsoft/onnxruntime#1193: outputs behind a length are 0, also where the longest length is
/// shorter than the time axis; a sequence without tokens ends in its initial state (the reported runtime gives 0).
#[test]
fn case_31_nothing_behind_a_length_is_left_as_it_was() {
    every_backend(|backend| {
        let shape = Shape::new(2, 3).bidirectional();
        let (net, batch) = random::<Gru>(shape, &[2, 0, 3], 31);
        let (out, hn) =
            padded(&net, backend, &[2, 0, 3], Padded::batch_first(5, 2), &rectangle(&batch, 5), Fill::Value(0.0));
        for (row, length) in out.chunks(5 * 6).zip([2, 0, 3]) {
            assert!(row[..length * 6].iter().all(|&x| x != 0.0));
            assert!(row[length * 6..].iter().all(|x| x.to_bits() == 0));
        }
        assert!(gather(&hn, 2, 3, 3, &[1]).iter().all(|x| x.to_bits() == 0));
        let kept = net.run(backend, &batch).select(&[1]);
        same_bits(&kept.hn, batch.select(&[1]).h0.as_ref().unwrap(), "hn of length 0");
    });
}

/// microsoft/onnxruntime#12492: ONNX writes 0 behind a length, Keras repeats the last output; both fills are offered.
#[test]
fn case_32_padding_is_zero_or_the_last_output() {
    every_backend(|backend| {
        let net = layer::<Tanh>(Shape::new(1, 1), &[1.0], &[1.0], None, None);
        let run = |fill| padded(&net, backend, &[2], Padded::batch_first(3, 1), &[1.0, 1.0, f32::NAN], fill).0;
        near(&run(Fill::Value(0.0)), &[0.761_594_16, 0.942_680_7, 0.0]);
        near(&run(Fill::Last(0.0)), &[0.761_594_16, 0.942_680_7, 0.942_680_7]);
    });
}

/// keras-team/keras#1300: with padding in front, no bias drives the state before the first token.
#[test]
fn case_33_padding_in_front_does_not_change_the_state() {
    every_backend(|backend| {
        let net = layer::<Tanh>(Shape::new(1, 1), &[1.0], &[1.0], Some(&[0.5]), None);
        let input = [f32::NAN, f32::NAN, 1.0];
        let (out, hn) = padded(&net, backend, &[1], Padded::batch_first(3, 1).left(), &input, Fill::Value(0.0));
        near(&out, &[0.0, 0.0, 0.905_148_25]);
        near(&hn, &[0.905_148_25]);
    });
}

/// tensorflow/tensorflow#36139, tensorflow/tensorflow#33148: a row that is all padding gives the result of length 0,
/// whether or not another row has padding.
#[test]
fn case_34_a_row_of_padding_does_not_depend_on_the_others() {
    every_backend(|backend| {
        for others in [[3, 3], [3, 1], [0, 0]] {
            let lengths = [others[0], 0, others[1]];
            let (net, batch) = random::<Lstm>(Shape::new(2, 5), &lengths, 34);
            let out = net.run(backend, &batch).select(&[1]);
            let begin = batch.select(&[1]);
            same_bits(&out.hn, begin.h0.as_ref().unwrap(), "hn");
            same_bits(&out.cn, begin.c0.as_ref().unwrap(), "cn");
        }
    });
}

/// pytorch/pytorch#22393, jiesutd/LatticeLSTM#123: in the caller's order the result is the same for any order of ties.
#[test]
fn case_35_the_order_of_ties_does_not_matter() {
    every_backend(|backend| {
        let (net, batch) = random::<Gru>(Shape::new(2, 6), &[2, 3, 2, 3], 35);
        let expected = net.run(backend, &batch);
        let panels = net.panels();
        let model = Model::<Gru>::from_panels(net.shape, &panels).unwrap().with_backend(backend);
        for order in [[1, 3, 0, 2], [3, 1, 0, 2], [1, 3, 2, 0], [3, 1, 2, 0]] {
            let (mut lengths, mut indices) = ([0; 4], [0; 4]);
            let layout = Layout::from_sorted(&[3, 3, 2, 2], &mut lengths).unwrap();
            let layout = layout.with_sorted_indices(&order, &mut indices).unwrap();
            let mut input = Vec::new();
            for t in 0..3 {
                for s in order.into_iter().filter(|&s| batch.length(s) > t) {
                    input.extend_from_slice(&batch.sequences[s][2 * t..][..2]);
                }
            }
            let (mut hn, mut output) = (vec![f32::NAN; 4 * 6], vec![f32::NAN; 10 * 6]);
            let states = States { h0: batch.h0.as_deref(), ..States::new(&mut hn) };
            model.run(&layout, &input, states, &mut output, &mut []).unwrap();
            same_bits(&hn, &expected.hn, "hn");
            let mut outputs: Vec<_> = expected.outputs.iter().map(|rows| vec![f32::NAN; rows.len()]).collect();
            unpack_sequence(&layout, 6, &output, &mut outputs).unwrap();
            assert_eq!(outputs, expected.outputs);
        }
    });
}

/// khordoo/Pytorch.seq2seq, fartashf/vsepp#36: with unsorted lengths, every result is that of its own sequence.
#[test]
fn case_38_results_belong_to_their_sequence() {
    every_backend(|backend| {
        let net = layer::<Relu>(Shape::new(1, 1), &[1.0], &[0.0], None, None);
        let sequences = [vec![1.0, 2.0, 3.0], vec![4.0, 5.0], vec![6.0, 7.0, 8.0, 9.0, 10.0]];
        let batch = Batch::new(net.shape, sequences.to_vec());
        let out = net.run(backend, &batch);
        assert_eq!(out.outputs, sequences);
        assert_eq!(out.hn, [3.0, 5.0, 10.0]);
    });
}

/// pytorch/pytorch#20529, pytorch/pytorch#78131: a batch without sequences, or with none that has tokens, runs.
#[test]
fn case_42_nothing_to_run() {
    fn property<C: Reference>(backend: Backend) {
        let shape = Shape::new(3, 17).layers(2).bidirectional();
        for lengths in [&[][..], &[0], &[0, 0, 0]] {
            let (net, batch) = random::<C>(shape, lengths, 42);
            let out = net.run(backend, &batch);
            same_bits(&out.hn, batch.h0.as_ref().unwrap(), "hn");
            out.same_states(&net.run_last(backend, &batch, &Memory::default()), "run_last");
        }
        let (net, _) = random::<C>(Shape::new(3, 17), &[], 42);
        let panels = net.panels();
        let model = Model::<C>::from_panels(net.shape, &panels).unwrap().with_backend(backend);
        model.step(0, &[], &[], &mut [], &mut []).unwrap();
        model.step_in_place(0, &[], &mut [], &mut [], &mut []).unwrap();
    }
    every_backend(property::<Lstm>);
    every_backend(property::<Gru>);
}

/// pytorch/pytorch#94122, pytorch/pytorch#94808: sizes near 6e18 are refused before any of them is used.
#[test]
fn case_43_sizes_near_the_largest_are_refused() {
    let huge = (i64::MAX / 3 * 2) as usize;
    for shape in [
        Shape::new(huge, 2),
        Shape::new(2, huge),
        Shape::new(2, 2).layers(huge),
        Shape::new(huge, huge).layers(huge).bidirectional(),
    ] {
        assert_eq!(Model::<Lstm>::panels_len(shape), usize::MAX);
        let error = Model::<Lstm>::from_panels(shape, &[0.0; 64]).unwrap_err();
        assert_eq!((error.code, error.argument), (Code::Overflow, Argument::Panels));
    }
    let net = layer::<Gru>(Shape::new(1, 1), &[1.0; 3], &[1.0; 3], None, None);
    let panels = net.panels();
    let model = Model::<Gru>::from_panels(net.shape, &panels).unwrap();
    assert!(model.step(huge, &[1.0], &[1.0], &mut [1.0], &mut []).is_err());
}

/// asappresearch/sru#128: packed data has as many rows as tokens; the steps are those of `batch_sizes`.
#[test]
fn case_46_steps_are_not_rows() {
    every_backend(|backend| {
        let (net, batch) = random::<Tanh>(Shape::new(2, 3), &[3, 2, 1], 46);
        let panels = net.panels();
        let model = Model::<Tanh>::from_panels(net.shape, &panels).unwrap().with_backend(backend);
        let mut lengths = [0; 3];
        let layout = Layout::from_batch_sizes(&[3, 2, 1], &mut lengths).unwrap();
        assert_eq!((layout.steps(), layout.tokens()), (3, 6));
        let (mut hn, mut output) = (vec![0.0; 9], vec![0.0; 18]);
        let states = States { h0: batch.h0.as_deref(), ..States::new(&mut hn) };
        model.run(&layout, &batch.packed(), states, &mut output, &mut []).unwrap();
        same_bits(&hn, &net.run(backend, &batch).hn, "hn");
    });
}

/// pytorch/pytorch#4145, pytorch/pytorch#144116, pytorch/pytorch#19675, pytorch/pytorch#34036: batch-first is of the
/// tokens alone, states stay `[L * D, B, H]`, also with one step or one sequence.
#[test]
fn case_47_batch_first_is_not_of_the_states() {
    every_backend(|backend| {
        for (lengths, steps) in [(vec![1, 1, 1], 1), (vec![3], 3)] {
            let shape = Shape::new(2, 3).layers(2).bidirectional();
            let (net, batch) = random::<Gru>(shape, &lengths, 47);
            let batch = Batch { h0: None, ..batch };
            let input = batch.sequences.concat();
            let (out, hn) = padded(&net, backend, &lengths, Padded::batch_first(steps, 2), &input, Fill::Value(0.0));
            assert_eq!(hn.len(), 4 * lengths.len() * 3);
            assert!(distance(&hn, &reference(&net, &batch).hn) < 1e-6);
            // The last layer's states are rows 2 and 3, each a row for each sequence.
            for (s, row) in out.chunks(steps * 6).enumerate() {
                let state = |direction: usize| &hn[((2 + direction) * lengths.len() + s) * 3..][..3];
                same_bits(state(0), &row[(steps - 1) * 6..][..3], "forward");
                same_bits(state(1), &row[3..6], "reverse");
            }
        }
    });
}

/// onnx/onnx#2881, webmachinelearning/webnn#801, onnx/onnx#626: the reverse direction's output at time t is that of input
/// t; the first one computed stands at the last token.
#[test]
fn case_48_reverse_outputs_are_in_the_order_of_time() {
    every_backend(|backend| {
        let net = layer::<Tanh>(Shape::new(1, 1).direction(Direction::Reverse), &[1.0], &[1.0], Some(&[0.5]), None);
        let out = net.run(backend, &Batch::new(net.shape, vec![vec![1.0, 2.0, 3.0], vec![0.5]]));
        let last = 3.5_f64.tanh();
        let middle = (2.5 + last).tanh();
        near(&out.outputs[0], &[(1.5 + middle).tanh() as f32, middle as f32, last as f32]);
        near(&out.outputs[1], &[1.0_f64.tanh() as f32]);
        near(&out.hn, &[out.outputs[0][0], out.outputs[1][0]]);
    });
}

/// microsoft/onnxruntime#10768, microsoft/onnxruntime#1360: lengths of all of the time axis are valid, one more is an
/// error that names the sequence, the value and the bound. A rule of this crate.
#[test]
fn case_49_lengths_up_to_the_time_axis() {
    let (net, batch) = random::<Lstm>(Shape::new(1, 2), &[3, 0], 49);
    padded(&net, Backend::detect(), &[3, 0], Padded::batch_first(3, 1), &rectangle(&batch, 3), Fill::Value(0.0));
    let mut lengths = [0; 2];
    let layout = Layout::from_sorted(&[4, 3], &mut lengths).unwrap();
    let error = pack_padded_sequence(&layout, Padded::batch_first(3, 1), &[0.0; 6], &mut [0.0; 7]).unwrap_err();
    assert_eq!((error.code, error.index, error.found, error.expected), (Code::BeyondTime, Some(0), 4, 3));
}

/// apache/mxnet#19323: lengths are honoured in both directions, never accepted and ignored.
#[test]
fn case_50_lengths_count_in_both_directions() {
    every_backend(|backend| {
        let shape = Shape::new(2, 4).bidirectional();
        let (net, batch) = random::<Lstm>(shape, &[5, 2, 3], 50);
        let out = net.run(backend, &batch);
        assert!(out.distance(&reference(&net, &batch)) < 1e-6);
        let mut full = batch.clone();
        full.sequences.iter_mut().for_each(|sequence| sequence.resize(10, 0.0));
        let ignored = net.run(backend, &full);
        let backward = |out: &Out| out.outputs[1][4..8].to_vec();
        assert_ne!(backward(&out), backward(&ignored));
    });
}

/// microsoft/onnxscript#2852: PyTorch's GRU resets after the product, which is another function than before it.
#[test]
fn case_51_gru_resets_after() {
    every_backend(|backend| {
        let net = layer::<Gru>(Shape::new(1, 1), &[1.0; 3], &[1.0; 3], None, Some(&[0.0, 0.0, 1.0]));
        let mut batch = Batch::new(net.shape, vec![vec![1.0, 1.0]]);
        batch.h0 = Some(vec![0.5]);
        near(&net.run(backend, &batch).outputs[0], &[0.587_012_33, 0.653_875_16]);
    });
}

/// uxlfoundation/oneDNN#617: the candidate's state bias is a bias of its own, within the reset gate.
#[test]
fn case_52_gru_has_a_state_bias_of_its_own() {
    every_backend(|backend| {
        let shape = Shape::new(1, 1);
        let net = layer::<Gru>(shape, &[1.0; 3], &[1.0; 3], Some(&[1.0; 3]), Some(&[1.0; 3]));
        near(&net.run(backend, &Batch::new(shape, vec![vec![0.0]])).hn, &[0.113_786_69]);
    });
}

/// CrispStrobe/CrispASR#106, keras-team/keras#3088, tensorflow/tensorflow#29308, apple/coremltools#93: PyTorch's gates are
/// i, f, g, o; in another order the same numbers give another result.
#[test]
fn case_53_lstm_gates_are_i_f_g_o() {
    every_backend(|backend| {
        let shape = Shape::new(1, 1);
        let (w, r, b) = ([0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [0.0, 1.0, 0.0, 0.0]);
        let batch = Batch::new(shape, vec![vec![1.0, -1.0]]);
        let out = layer::<Lstm>(shape, &w, &r, Some(&b), None).run(backend, &batch);
        near(&out.outputs[0], &[0.090_851_94, -0.002_344_81]);
        near(&out.cn, &[-0.005_597_70]);
        // Sorted by hand from other frameworks' order into PyTorch's: i, o, f, c (ONNX) and i, c, f, o.
        for (order, h, c) in [
            ([0, 2, 3, 1], [0.151_292_86, -0.031_343_70], -0.044_234_02),
            ([0, 2, 1, 3], [0.246_477_16, 0.234_464_80], 0.578_602_53),
        ] {
            let sort = |values: [f32; 4]| order.map(|gate| values[gate]);
            let out = layer::<Lstm>(shape, &sort(w), &sort(r), Some(&sort(b)), None).run(backend, &batch);
            near(&out.outputs[0], &h);
            near(&out.cn, &[c]);
        }
    });
}

/// onnx/onnx#1127, pytorch/pytorch#750, onnx/keras-onnx#214, keras-team/keras#9463: an LSTM's or RNN's two biases are
/// their sum, on either side; a GRU's are not. Bit for bit where the sum is exact.
#[test]
fn case_54_two_biases_or_one() {
    fn outs<C: Reference>(backend: Backend) -> [Out; 4] {
        let shape = Shape::new(3, 18);
        let (net, batch) = random::<C>(shape, &[3, 2], 54);
        let rows = C::GATES * 18;
        let sum: Vec<_> = (0..rows).map(|row| (row as f32 - 30.0) / 64.0).collect();
        let part: Vec<_> = (0..rows).map(|row| (row * 7 % 13) as f32 / 32.0).collect();
        let rest: Vec<_> = sum.iter().zip(&part).map(|(sum, part)| sum - part).collect();
        let zeros = vec![0.0; rows];
        [(Some(&sum), None), (None, Some(&sum)), (Some(&part), Some(&rest)), (Some(&sum), Some(&zeros))].map(
            |(ih, hh): (Option<&Vec<f32>>, Option<&Vec<f32>>)| {
                let mut net = net.clone();
                (net.params[0].bias_ih, net.params[0].bias_hh) = (ih.cloned(), hh.cloned());
                assert!(net.run(backend, &batch).distance(&reference(&net, &batch)) < 2e-6);
                net.run(backend, &batch)
            },
        )
    }
    every_backend(|backend| {
        for [ih, hh, split, zeros] in [outs::<Lstm>(backend), outs::<Tanh>(backend), outs::<Relu>(backend)] {
            hh.same_bits(&ih, "[0, b]");
            split.same_bits(&ih, "split");
            zeros.same_bits(&ih, "[b, zeros]");
        }
        let [ih, hh, split, zeros] = outs::<Gru>(backend);
        zeros.same_bits(&ih, "[b, zeros]");
        assert!(ih.hn != hh.hn && ih.hn != split.hn && hh.hn != split.hn);
    });
}

/// jatinchowdhury18/RTNeural#148: all layers' parameters or none.
#[test]
fn case_55_every_layer_is_needed() {
    let shape = Shape::new(2, 2).layers(2);
    let (net, batch) = random::<Gru>(shape, &[2], 55);
    let weights: Vec<_> = net.params.iter().map(Params::weights).collect();
    let mut panels = vec![0.0; Model::<Gru>::panels_len(shape)];
    let error = Model::<Gru>::pack(shape, &weights[..1], &mut panels).unwrap_err();
    assert_eq!((error.code, error.argument, error.found, error.expected), (Code::WrongCount, Argument::Weights, 1, 2));
    // A single layer's shape refuses the second.
    assert!(Model::<Gru>::pack(shape.layers(1), &weights, &mut panels).is_err());
    // Each parameter counts.
    let expected = net.run(Backend::detect(), &batch).outputs;
    for layer in 0..2 {
        let mut other = net.clone();
        other.params[layer].weight_ih.iter_mut().for_each(|w| *w += 0.1);
        assert_ne!(other.run(Backend::detect(), &batch).outputs, expected);
    }
}

/// huggingface/candle#2351, tracel-ai/burn#4434: the reverse direction has weights and biases of its own.
#[test]
fn case_56_directions_have_weights_of_their_own() {
    every_backend(|backend| {
        let (net, batch) = random::<Lstm>(Shape::new(2, 3).bidirectional(), &[3, 2], 56);
        let out = net.run(backend, &batch);
        type Part = fn(&mut Params) -> &mut Vec<f32>;
        let parts: [Part; 4] = [
            |params| &mut params.weight_ih,
            |params| &mut params.weight_hh,
            |params| params.bias_ih.as_mut().unwrap(),
            |params| params.bias_hh.as_mut().unwrap(),
        ];
        for direction in 0..2 {
            for part in parts {
                let mut other = net.clone();
                part(&mut other.params[direction]).iter_mut().for_each(|w| *w += 0.5);
                let other = other.run(backend, &batch);
                for (a, b) in
                    out.outputs.concat().chunks(3).zip(other.outputs.concat().chunks(3)).skip(1 - direction).step_by(2)
                {
                    same_bits(b, a, "the other direction");
                }
                // What the first token of a direction cannot see is the product with its state of zeros; h0 is not.
                let half = |out: &Out| out.outputs[0].chunks(3).skip(direction).step_by(2).flatten().copied().collect();
                let (before, after): (Vec<_>, Vec<_>) = (half(&out), half(&other));
                assert!(before.iter().zip(&after).all(|(a, b)| a != b), "this direction");
            }
        }
    });
}

/// livekit/agents-js#944, snakers4/silero-vad#571, microsoft/onnxruntime#1659: N steps are N tokens of one call, bit for
/// bit, and two streams in turns are two streams apart.
#[test]
fn case_57_streams_keep_their_states_apart() {
    every_backend(|backend| {
        let shape = Shape::new(4, 20).layers(2);
        let (net, batch) = random::<Lstm>(shape, &[6, 6], 57);
        let whole = net.run(backend, &batch);
        let panels = net.panels();
        let model = Model::<Lstm>::from_panels(shape, &panels).unwrap().with_backend(backend);
        let mut streams = [0, 1].map(|s| {
            let begin = batch.select(&[s]);
            (begin.h0.unwrap(), begin.c0.unwrap(), vec![0.0; 40])
        });
        for t in 0..6 {
            for (s, (h, c, scratch)) in streams.iter_mut().enumerate() {
                model.step_in_place(1, &batch.sequences[s][t * 4..][..4], h, c, scratch).unwrap();
                same_bits(&h[20..], &whole.outputs[s][t * 20..][..20], "a stream's step");
            }
        }
        for (s, (h, c, _)) in streams.iter().enumerate() {
            same_bits(h, &whole.select(&[s]).hn, "h");
            same_bits(c, &whole.select(&[s]).cn, "c");
        }
    });
}

/// snakers4/silero-vad#771, ricky0123/vad#262, soniqo/speech-core#113: an input of another length is an error.
#[test]
fn case_58_inputs_of_another_length_are_refused() {
    let (net, _) = random::<Lstm>(Shape::new(576, 2), &[], 58);
    let panels = net.panels();
    let model = Model::<Lstm>::from_panels(net.shape, &panels).unwrap();
    let error = model.step(1, &[0.0; 512], &[0.0; 2], &mut [0.0; 2], &mut [0.0; 2]).unwrap_err();
    assert_eq!((error.code, error.argument, error.found, error.expected), (Code::WrongLen, Argument::Input, 512, 576));
    let mut lengths = [0; 1];
    let layout = Layout::from_sorted(&[1], &mut lengths).unwrap();
    let (mut hn, mut cn) = ([0.0; 2], [0.0; 2]);
    let states = States::lstm(&mut hn, &mut cn);
    let error = model.run(&layout, &[0.0; 512], states, &mut [0.0; 2], &mut []).unwrap_err();
    assert_eq!((error.code, error.argument, error.found, error.expected), (Code::WrongLen, Argument::Input, 512, 576));
}

/// tensorflow/tensorflow#47813, tensorflow/tensorflow#46620, keras-team/keras#11175: the model keeps nothing; a stream is
/// reset by its caller, each row for itself.
#[test]
fn case_59_the_model_keeps_no_state() {
    every_backend(|backend| {
        let (net, batch) = random::<Gru>(Shape::new(3, 17), &[3, 2], 59);
        let panels = net.panels();
        let model = Model::<Gru>::from_panels(net.shape, &panels).unwrap().with_backend(backend);
        let first = batch.run(&model);
        batch.run(&model).same_bits(&first, "the second time");
        // After a step, row 0 is reset to where it began, row 1 goes on.
        let begin = batch.h0.clone().unwrap();
        let (input, mut h, mut scratch) = (batch.packed()[..6].to_vec(), begin.clone(), vec![f32::NAN; 34]);
        model.step_in_place(2, &input, &mut h, &mut [], &mut scratch).unwrap();
        let once = h.clone();
        h[..17].copy_from_slice(&begin[..17]);
        model.step_in_place(2, &input, &mut h, &mut [], &mut scratch).unwrap();
        same_bits(&h[..17], &once[..17], "the row that was reset");
        assert_ne!(h[17..], once[17..]);
    });
}

/// jatinchowdhury18/RTNeural#167: a stream may be reset to any state, as to that in which silence leaves it.
#[test]
fn case_60_a_stream_is_reset_to_any_state() {
    every_backend(|backend| {
        let (net, _) = random::<Lstm>(Shape::new(1, 20), &[], 60);
        let panels = net.panels();
        let model = Model::<Lstm>::from_panels(net.shape, &panels).unwrap().with_backend(backend);
        let (mut h, mut c, mut scratch) = (vec![0.0; 20], vec![0.0; 20], vec![0.0; 20]);
        for _ in 0..200 {
            model.step_in_place(1, &[0.0], &mut h, &mut c, &mut scratch).unwrap();
        }
        let resting = (h.clone(), c.clone());
        for x in [0.7, -1.0, 3.0] {
            model.step_in_place(1, &[x], &mut h, &mut c, &mut scratch).unwrap();
        }
        (h, c) = resting.clone();
        model.step_in_place(1, &[0.0], &mut h, &mut c, &mut scratch).unwrap();
        near(&h, &resting.0);
        assert!(h.iter().any(|x| x.abs() > 0.05), "zero is not where it rests");
    });
}

/// pytorch/pytorch#32023, pytorch/pytorch#124025, pytorch/pytorch#180744: a GRU of 22 and 512 over 100 sequences at once
/// or 50 and 50, and over 1, 2, 3, 4, 5, 8, 16, 17, gives equal bits.
#[test]
fn case_61_any_batch_gives_the_same_bits() {
    every_backend(|backend| {
        let (count, hidden) = if cfg!(debug_assertions) { (18, 128) } else { (100, 512) };
        let (net, batch) = random::<Gru>(Shape::new(22, hidden), &vec![2; count], 61);
        let whole = net.run(backend, &batch);
        let mut parts: Vec<_> = [1, 2, 3, 4, 5, 8, 16, 17].map(|size| 0..size).to_vec();
        parts.extend([0..count / 2, count / 2..count, count - 1..count]);
        for part in parts {
            let part: Vec<_> = part.collect();
            net.run(backend, &batch.select(&part)).same_bits(&whole.select(&part), "a part of the batch");
        }
    });
}

/// tensorflow/tensorflow#51561, sonos/tract#286: the same sequence twice gives the same result twice, that of once.
#[test]
fn case_62_the_same_sequence_twice() {
    every_backend(|backend| {
        let (net, batch) = random::<Lstm>(Shape::new(3, 21).layers(2).bidirectional(), &[5], 62);
        let once = net.run(backend, &batch);
        net.run(backend, &batch.select(&[0, 0])).same_bits(&once.select(&[0, 0]), "twice");
    });
}

/// xiph/rnnoise#58, xiph/rnnoise#125: the activation is the caller's choice.
#[test]
fn case_65_activations_are_chosen() {
    every_backend(|backend| {
        let shape = Shape::new(1, 1);
        let batch = Batch::new(shape, vec![vec![2.0, -2.0, -2.0]]);
        let tanh = layer::<Tanh>(shape, &[1.0], &[1.0], None, None).run(backend, &batch);
        near(&tanh.outputs[0], &[0.964_027_6, -0.776_292_6, -0.992_275_1]);
        let relu = layer::<Relu>(shape, &[1.0], &[1.0], None, None).run(backend, &batch);
        assert_eq!(relu.outputs[0], [2.0, 0.0, 0.0]);
    });
}

/// apache/mxnet#19361, LaurentMazare/tch-rs#971, Netflix/vectorflow#23: a state that decays goes through the subnormals,
/// exactly, and nothing is flushed to zero. With every weight zero, f = 1/2 halves the state at every step.
#[test]
fn case_66_states_halve_into_subnormals() {
    every_backend(|backend| {
        for hidden in [1, 16, 21] {
            let shape = Shape::new(1, hidden);
            let zeros = vec![0.0; 4 * hidden * hidden.max(1)];
            let net = layer::<Lstm>(shape, &zeros[..4 * hidden], &zeros, None, None);
            let panels = net.panels();
            let model = Model::<Lstm>::from_panels(shape, &panels).unwrap().with_backend(backend);
            let (mut h, mut c, mut scratch) = (vec![0.0; hidden], vec![1.0; hidden], vec![0.0; hidden]);
            for n in 1..=152 {
                model.step_in_place(1, &[1.0], &mut h, &mut c, &mut scratch).unwrap();
                // 2^-150 is a tie between 0 and 2^-149, and goes to the even one.
                let halved = if n < 150 { 2.0_f64.powi(-n) } else { 0.0 };
                assert!(c.iter().all(|&c| f64::from(c) == halved), "c of step {n}: {:e}", c[0]);
                let exact = 0.5 * halved.tanh();
                let unit = 2.0_f64.powi(((exact.abs().to_bits() >> 52) as i32 - 1023).max(-126) - 23);
                assert!(h.iter().all(|&h| (f64::from(h) - exact).abs() <= 4.0 * unit), "h of step {n}: {:e}", h[0]);
                match n {
                    1 => near(&h[..1], &[0.231_058_58]),
                    126 => assert!((h[0] - 5.877e-39).abs() < 1e-42 && h[0].is_subnormal(), "{:e}", h[0]),
                    _ => {}
                }
            }
        }
    });
}

/// The same reports: weights of 1e-30 and less give no NaN.
#[test]
fn case_66_tiny_weights_give_no_nan() {
    fn property<C: Reference>(backend: Backend) {
        for scale in [1e-20, 1e-30, 1e-40, f32::from_bits(1)] {
            let (mut net, batch) = random::<C>(Shape::new(5, 21).layers(2), &[4, 2], 66);
            for params in &mut net.params {
                let Params { weight_ih, weight_hh, bias_ih, bias_hh } = params;
                let biases = [bias_ih, bias_hh].into_iter().flatten();
                for w in biases.chain([weight_ih, weight_hh]).flatten() {
                    *w = scale.copysign(*w);
                }
            }
            assert!(net.run(backend, &batch).distance(&reference(&net, &batch)) < 1e-6);
        }
    }
    every_backend(property::<Lstm>);
    every_backend(property::<Gru>);
    every_backend(property::<Tanh>);
    every_backend(property::<Relu>);
}

/// robertknight/rten#1274, robertknight/rten#1439: matrices, directions and states that disagree about their sizes are an
/// error.
#[test]
fn case_70_sizes_that_disagree_are_refused() {
    let shape = Shape::new(3, 4).bidirectional();
    let (net, _) = random::<Gru>(shape, &[], 70);
    let mut panels = vec![0.0; Model::<Gru>::panels_len(shape)];
    let mut refuse = |net: &Net<Gru>, argument, index| {
        let weights: Vec<_> = net.params.iter().map(Params::weights).collect();
        let error = Model::<Gru>::pack(shape, &weights, &mut panels).unwrap_err();
        assert_eq!((error.code, error.argument, error.index), (Code::WrongLen, argument, Some(index)));
    };
    for index in 0..2 {
        // A state matrix for 5 units beside an input matrix for 4, and the other way round.
        let mut other = net.clone();
        other.params[index].weight_hh = vec![0.0; 3 * 5 * 5];
        refuse(&other, Argument::WeightHh, index);
        let mut other = net.clone();
        other.params[index].weight_ih = vec![0.0; 3 * 5 * 3];
        refuse(&other, Argument::WeightIh, index);
        // One direction whole, but for 5 units.
        let mut other = net.clone();
        other.params[index] = Net::<Gru>::random(Shape::new(3, 5), (true, true), &mut Rng::new(1)).params.remove(0);
        refuse(&other, Argument::WeightIh, index);
    }
    let panels = net.panels();
    let model = Model::<Gru>::from_panels(shape, &panels).unwrap();
    let mut lengths = [0; 2];
    let layout = Layout::from_sorted(&[2, 1], &mut lengths).unwrap();
    for len in [2 * 2 * 5, 2 * 4, 4, 0] {
        let (h0, mut hn, mut output) = (vec![0.0; len], [0.0; 16], [0.0; 24]);
        let states = States { h0: Some(&h0), ..States::new(&mut hn) };
        let error = model.run(&layout, &[0.0; 9], states, &mut output, &mut []).unwrap_err();
        assert_eq!((error.code, error.argument, error.expected), (Code::WrongLen, Argument::H0, 16));
    }
}

/// huggingface/candle#1723, huggingface/candle#2542: all states of a sequence are `[T, H]`: the time axis is kept.
#[test]
fn case_71_outputs_keep_the_time_axis() {
    every_backend(|backend| {
        let net = layer::<Relu>(Shape::new(1, 2), &[1.0, 10.0], &[0.0; 4], None, None);
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let (out, _) = padded(&net, backend, &[3, 3], Padded::batch_first(3, 1), &input, Fill::Value(0.0));
        assert_eq!(out, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0, 5.0, 50.0, 6.0, 60.0]);
        let (out, _) = padded(&net, backend, &[3, 3], Padded::time_major(3, 1), &input, Fill::Value(0.0));
        assert_eq!(out, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0, 5.0, 50.0, 6.0, 60.0]);
    });
}

/// uxlfoundation/oneDNN#838, uxlfoundation/oneDNN#784: time-major and batch-first are told apart, B is not T.
#[test]
fn case_72_time_major_is_not_batch_first() {
    every_backend(|backend| {
        let (net, _) = random::<Gru>(Shape::new(1, 2).layers(2).bidirectional(), &[], 72);
        let value = |t: usize, b: usize| (10 * t + b) as f32 / 10.0;
        let major: Vec<_> = (0..3).flat_map(|t| (0..2).map(move |b| value(t, b))).collect();
        let first: Vec<_> = (0..2).flat_map(|b| (0..3).map(move |t| value(t, b))).collect();
        let (a, hn_a) = padded(&net, backend, &[3, 3], Padded::time_major(3, 1), &major, Fill::Value(0.0));
        let (b, hn_b) = padded(&net, backend, &[3, 3], Padded::batch_first(3, 1), &first, Fill::Value(0.0));
        same_bits(&hn_a, &hn_b, "hn");
        for t in 0..3 {
            for s in 0..2 {
                same_bits(&a[(t * 2 + s) * 4..][..4], &b[(s * 3 + t) * 4..][..4], "a token");
            }
        }
        let sequences = first.chunks(3).map(<[f32]>::to_vec).collect();
        let exact = reference(&net, &Batch::new(net.shape, sequences));
        assert!(distance(&b, &exact.outputs.concat()) < 1e-6 && distance(&hn_b, &exact.hn) < 1e-6);
    });
}

/// allenai/allennlp#356: fewer inputs than units, as many, and more; a second layer's inputs are D * H.
#[test]
fn case_73_inputs_and_units_are_not_confused() {
    every_backend(|backend| {
        for (input, hidden) in [(2, 5), (5, 5), (9, 5), (1, 17), (17, 1)] {
            for layers in 1..=2 {
                let shape = Shape::new(input, hidden).layers(layers).bidirectional();
                let (net, batch) = random::<Lstm>(shape, &[3, 1], 73);
                assert!(net.run(backend, &batch).distance(&reference(&net, &batch)) < 2e-6);
                if layers == 2 {
                    assert_eq!(net.params[2].weight_ih.len(), 4 * hidden * 2 * hidden);
                }
            }
        }
    });
}

/// Counts what each thread asks of the allocator.
struct Counting;

thread_local! {
    static ALLOCATIONS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

// SAFETY: everything is handed to the system's allocator as it came; the counter needs no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: std::alloc::Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The allocations of this thread during a call.
fn allocations(call: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(std::cell::Cell::get);
    call();
    ALLOCATIONS.with(std::cell::Cell::get) - before
}

/// pytorch/pytorch#9621, majianjia/nnom#130, tensorflow/tensorflow#33464: nothing is allocated, from lengths to outputs.
#[test]
fn case_74_nothing_is_allocated() {
    fn property<C: Reference>(backend: Backend) {
        let shape = Shape::new(3, 21).layers(2);
        let lengths = [4, 0, 7, 7, 1];
        let (net, batch) = random::<C>(shape, &lengths, 74);
        let weights: Vec<_> = net.params.iter().map(Params::weights).collect();
        let mut panels = vec![0.0; Model::<C>::panels_len(shape)];
        let (mut sorted_lengths, mut sorted_indices) = ([0; 5], [0; 5]);
        let padded = Padded::batch_first(8, 3);
        let input = rectangle(&batch, 8);
        let (mut packed, mut output) = (vec![0.0; 19 * 3], vec![0.0; 19 * 21]);
        let (mut outside, mut scratch) = (vec![0.0; 5 * 8 * 21], vec![0.0; 3 * 19 * 21]);
        let (mut hn, mut cn) = (vec![0.0; 210], vec![0.0; if C::HAS_C { 210 } else { 0 }]);
        let mut h = hn.clone();
        let count = allocations(|| {
            let model = Model::<C>::pack(shape, &weights, &mut panels).unwrap().with_backend(backend);
            let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
            pack_padded_sequence(&layout, padded, &input, &mut packed).unwrap();
            model.run(&layout, &packed, States::lstm(&mut hn, &mut cn), &mut output, &mut scratch).unwrap();
            model.run_last(&layout, &packed, States::lstm(&mut hn, &mut cn), &mut scratch).unwrap();
            let mut wide = padded;
            wide.features = 21;
            pad_packed_sequence(&layout, wide, &output, Fill::Last(0.0), &mut outside).unwrap();
            model.step(5, &packed[..15], &hn, &mut h, &mut cn).unwrap();
            model.step_in_place(5, &packed[..15], &mut h, &mut cn, &mut scratch).unwrap();
            model.run(&layout, &[], States::new(&mut hn), &mut output, &mut scratch).unwrap_err();
        });
        assert_eq!(count, 0, "allocations");
    }
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1]))), 1, "the counter counts");
    every_backend(property::<Lstm>);
    every_backend(property::<Gru>);
    every_backend(property::<Tanh>);
}

/// The same reports: the stack does not grow with the number of steps, sequences or units.
#[test]
fn case_74_the_stack_does_not_grow() {
    let run = || {
        for (input, hidden, lengths) in [(1, 2, vec![50_000]), (2, 3, vec![1; 50_000]), (1, 300, vec![1])] {
            let shape = Shape::new(input, hidden).layers(2);
            let zeros = |len| vec![0.01; len];
            let panels = zeros(Model::<Gru>::panels_len(shape));
            let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
            let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
            for backend in Backend::available() {
                let model = Model::<Gru>::from_panels(shape, &panels).unwrap().with_backend(backend);
                let mut hn = zeros(model.states_len(lengths.len()).unwrap());
                let mut output = zeros(model.output_len(&layout).unwrap());
                let mut scratch = zeros(model.scratch_len(&layout).unwrap());
                let input = zeros(layout.packed_len(input).unwrap());
                model.run(&layout, &input, States::new(&mut hn), &mut output, &mut scratch).unwrap();
            }
        }
    };
    // Without optimisation the frames of the kernels are large, but no more of them.
    let stack = if cfg!(debug_assertions) { 8 << 20 } else { 64 << 10 };
    std::thread::Builder::new().stack_size(stack).spawn(run).unwrap().join().unwrap();
}

/// gnuradio/volk#114, tensorflow/tflite-micro#418, google/XNNPACK#6201, pq-code-package/mlkem-native#1544: every buffer at
/// every distance from an aligned address gives the same bits.
#[test]
fn case_75_any_alignment_gives_the_same_bits() {
    every_backend(|backend| {
        let (net, batch) = random::<Lstm>(Shape::new(3, 21).layers(2), &[2, 3], 75);
        let expected = net.run(backend, &batch);
        for which in INPUT..=common::SCRATCH {
            for offset in 0..=3 {
                let mut memory = Memory::default();
                memory.offsets[which] = offset;
                net.run_in(backend, &batch, &memory).same_bits(&expected, "run");
                memory.offsets[PANELS] = 1;
                net.stream(backend, &batch, &memory, offset % 2 == 0).same_bits(&expected, "steps");
            }
        }
    });
}

/// jneem/nnnoiseless#18, Rikorose/DeepFilterNet#412: there is nothing global; models and layouts are shared among threads,
/// and two streams on two threads are two streams on one.
#[test]
fn case_79_models_are_shared_among_threads() {
    fn shared<T: Send + Sync + Copy>() {}
    shared::<Model<'_, Lstm>>();
    shared::<Model<'_, Gru>>();
    shared::<Model<'_, Tanh>>();
    shared::<Model<'_, Relu>>();
    shared::<Layout<'_>>();
    shared::<Backend>();
    every_backend(|backend| {
        let (net, batch) = random::<Lstm>(Shape::new(4, 37).layers(2), &[40, 40, 40], 79);
        let expected = net.run(backend, &batch);
        let panels = net.panels();
        let model = Model::<Lstm>::from_panels(net.shape, &panels).unwrap().with_backend(backend);
        let (model, batch, expected) = (&model, &batch, &expected);
        std::thread::scope(|scope| {
            for s in 0..3 {
                scope.spawn(move || {
                    let begin = batch.select(&[s]);
                    let (mut h, mut c, mut scratch) = (begin.h0.unwrap(), begin.c0.unwrap(), vec![0.0; 74]);
                    for (x, row) in batch.sequences[s].chunks(4).zip(expected.outputs[s].chunks(37)) {
                        model.step_in_place(1, x, &mut h, &mut c, &mut scratch).unwrap();
                        same_bits(&h[37..], row, "a stream on a thread");
                    }
                    batch.run(model).same_bits(expected, "a run on a thread");
                });
            }
        });
    });
}

/// The cells that have a second state are those that say so.
#[test]
fn the_second_state_is_the_lstms() {
    let has = [Lstm::HAS_C, Gru::HAS_C, Tanh::HAS_C, Relu::HAS_C];
    assert_eq!(has, [true, false, false, false]);
}
