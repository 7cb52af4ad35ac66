//! What C computes has the bits of what Rust computes.

use crate::common::{Batch, Memory, Net, Rng, every_cell, same_bits};
use crate::network::{Numbered, Run, layout, model, ok, panels, told};
use packed_rnn::capi::*;
use packed_rnn::{Backend, Fill, Padded, Shape};
use std::ffi::CStr;

const LENGTHS: [usize; 7] = [5, 0, 30, 1, 30, 3, 8];

fn net<C: Numbered>(shape: Shape, states: bool) -> (Net<C>, Batch) {
    let net = Net::random(shape, (states, !states), &mut Rng::new(7));
    (net, Batch::random::<C>(shape, &LENGTHS, (states, states), &mut Rng::new(8)))
}

fn shapes() -> [Shape; 4] {
    let shape = Shape::new(17, 20);
    [shape, shape.direction(packed_rnn::Direction::Reverse), shape.layers(2).bidirectional(), shape.layers(3)]
}

fn runs<C: Numbered>(backend: Backend) {
    for (shape, given) in shapes().into_iter().zip([false, true, true, false]) {
        let (net, batch) = net::<C>(shape, given);
        let panels = panels(&net);
        same_bits(&panels, &net.panels(), "panels");
        let model = model::<C>(shape, &panels, backend);
        let expected = net.run(backend, &batch);
        // Room ahead does not change the bits.
        for ahead in [0, told!(prnn_ahead_len(&model))] {
            let mut run = Run::new::<C>(&model, &batch, false);
            run.scratch.resize(run.scratch.len() + ahead, 0.0);
            run.run(&model);
            for (sequence, output) in run.outputs(&batch, shape.output_size()).iter().enumerate() {
                same_bits(output, &expected.outputs[sequence], "outputs");
            }
            same_bits(&run.hn, &expected.hn, "hn");
            same_bits(&run.cn, &expected.cn, "cn");
            let mut run = Run::new::<C>(&model, &batch, true);
            run.scratch.resize(run.scratch.len() + ahead, 0.0);
            run.run_last(&model);
            same_bits(&run.hn, &expected.hn, "the last hn");
            same_bits(&run.cn, &expected.cn, "the last cn");
        }
    }
}

/// A stack, layer by layer.
fn layers<C: Numbered>(backend: Backend) {
    let shape = Shape::new(17, 20).layers(3).bidirectional();
    let (net, batch) = net::<C>(shape, true);
    let panels = panels(&net);
    let whole = model::<C>(shape, &panels, backend);
    let expected = net.run(backend, &batch);
    let (mut input, per_layer) = (None, 2 * LENGTHS.len() * 20);
    for layer in 0..3 {
        let one: prnn_model = told!(prnn_model_layer(&whole, layer));
        assert_eq!((one.backend, one.panel_format, one.shape.num_layers), (whole.backend, whole.panel_format, 1));
        let first = if layer == 0 { 17 } else { 40 };
        assert_eq!(one.shape.input_size, first);
        let part = |states: &Vec<f32>| states[layer * per_layer..][..per_layer].to_vec();
        let batch = Batch { h0: batch.h0.as_ref().map(part), c0: batch.c0.as_ref().map(part), ..batch.clone() };
        let mut run = Run::new::<C>(&one, &batch, false);
        if let Some(before) = input {
            run.input = before;
        }
        run.run(&one);
        same_bits(&run.hn, &part(&expected.hn), "hn of a layer");
        input = Some(run.output);
    }
}

/// Token by token: both kinds of step, one stream and several.
fn steps<C: Numbered>(backend: Backend) {
    let shape = Shape::new(9, 20).layers(2);
    let net = Net::<C>::random(shape, (true, true), &mut Rng::new(9));
    let panels = panels(&net);
    let model = model::<C>(shape, &panels, backend);
    for streams in [1, 3] {
        let batch = Batch::random::<C>(shape, &vec![6; streams], (true, true), &mut Rng::new(10));
        let expected = net.stream(backend, &batch, &Memory::default(), false);
        let (mut h, mut c) = batch.initial::<C>(shape);
        let (mut h2, mut c2) = (h.clone(), c.clone());
        let mut scratch = vec![f32::NAN; told!(prnn_states_len(&model, streams))];
        for t in 0..6 {
            let rows: Vec<_> = batch.sequences.iter().flat_map(|all| all[t * 9..][..9].to_vec()).collect();
            let (x, len) = (rows.as_ptr(), h.len());
            let mut h_out = vec![f32::NAN; len];
            let (to, c_len) = (h_out.as_mut_ptr(), c.len());
            ok!(prnn_step(&model, streams, x, rows.len(), h.as_ptr(), len, to, len, c.as_mut_ptr(), c_len));
            h = h_out;
            let (h2, c2, scratch) = (h2.as_mut_ptr(), c2.as_mut_ptr(), scratch.as_mut_ptr());
            ok!(prnn_step_in_place(&model, streams, x, rows.len(), h2, len, c2, c_len, scratch, len));
        }
        for (h, c, what) in [(h, c, "steps"), (h2, c2, "steps in place")] {
            same_bits(&h, &expected.hn, what);
            same_bits(&c, &expected.cn, what);
        }
    }
}

every_cell!(runs, layers, steps);

// ---- packing --------------------------------------------------------------------------------------------------------

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|byte| (byte % 251) as u8).collect()
}

/// A rectangle as C and Rust describe it.
fn rectangles(row: usize) -> Vec<(prnn_padded, Padded)> {
    let mut all = Vec::new();
    for (batch_first, left) in [(0, 0), (1, 0), (0, 1), (-7, 9)] {
        let padded = if batch_first == 0 { Padded::time_major(31, row) } else { Padded::batch_first(31, row) };
        let padded = if left == 0 { padded } else { padded.left() };
        all.push((prnn_padded { steps: 31, row_bytes: row, batch_first, left }, padded));
    }
    all
}

/// Rows of 12 bytes are three floats, of which the padding is one: short, and longer than is copied without a call.
#[test]
fn padding() {
    for features in [1, 3, 11, 80] {
        let (row, layout) = (4 * features, layout(&LENGTHS));
        let tokens: usize = LENGTHS.iter().sum();
        let (mut sorted, mut order) = ([0; 7], [0; 7]);
        let rust = packed_rnn::Layout::new(&LENGTHS, &mut sorted, &mut order).unwrap();
        for ((c, _), (_, padded)) in rectangles(row).into_iter().zip(rectangles(features)) {
            let input = bytes(tokens * row);
            let floats: Vec<_> =
                input.chunks_exact(4).map(|word| f32::from_ne_bytes(word.try_into().unwrap())).collect();
            for (fill, fill_rust) in [(PRNN_FILL_VALUE, Fill::Value(-1.5_f32)), (PRNN_FILL_LAST, Fill::Last(-1.5))] {
                let mut expected = vec![f32::NAN; 7 * 31 * features];
                packed_rnn::pad_packed_sequence(&rust, padded, &floats, fill_rust, &mut expected).unwrap();
                let mut output = vec![f32::NAN; expected.len()];
                let (value, to, to_bytes) = (-1.5_f32, output.as_mut_ptr().cast(), 7 * 31 * row);
                let value = (&raw const value).cast();
                let from = input.as_ptr().cast();
                ok!(prnn_pad_packed_sequence(&layout.layout, &c, from, input.len(), fill, value, 4, to, to_bytes));
                same_bits(&output, &expected, "padded");
                // And back, from a rectangle whose padding is no token.
                let mut packed = vec![0_u8; input.len()];
                let (to, from) = (packed.as_mut_ptr().cast(), output.as_ptr().cast());
                ok!(prnn_pack_padded_sequence(&layout.layout, &c, from, to_bytes, to, packed.len()));
                assert_eq!(packed, input);

                let sequences: Vec<_> = (LENGTHS.iter().scan(0, |first, length| {
                    let this = &floats[*first..][..length * features];
                    *first += length * features;
                    Some(this)
                }))
                .collect();
                packed_rnn::pad_sequence(padded, &sequences, fill_rust, &mut expected).unwrap();
                let list: Vec<_> = (sequences.iter())
                    .map(|all| prnn_sequence { data: all.as_ptr().cast(), bytes: 4 * all.len() })
                    .collect();
                let to = output.as_mut_ptr().cast();
                ok!(prnn_pad_sequence(&c, list.as_ptr(), list.len(), fill, value, 4, to, to_bytes));
                same_bits(&output, &expected, "padded sequences");
                let mut back: Vec<_> = sequences.iter().map(|all| vec![f32::NAN; all.len()]).collect();
                // From the last to the first and in turns: the order in memory does not matter.
                let list: Vec<_> = (back.iter_mut())
                    .map(|all| prnn_sequence_mut { data: all.as_mut_ptr().cast(), bytes: 4 * all.len() })
                    .collect();
                let from = output.as_ptr().cast();
                let (lengths, count) = (LENGTHS.as_ptr(), LENGTHS.len());
                ok!(prnn_unpad_sequence(&c, lengths, count, from, to_bytes, list.as_ptr(), list.len()));
                back.iter().zip(&sequences).for_each(|(back, all)| same_bits(back, all, "unpadded"));
            }
            // No value is zeros.
            let mut output = vec![f32::NAN; 7 * 31 * features];
            let (to, to_bytes, from) = (output.as_mut_ptr().cast(), 7 * 31 * row, input.as_ptr().cast());
            let none = core::ptr::null();
            ok!(prnn_pad_packed_sequence(&layout.layout, &c, from, input.len(), 0, none, 0, to, to_bytes));
            let mut expected = output.clone();
            packed_rnn::pad_packed_sequence(&rust, padded, &floats, Fill::Value(0.0), &mut expected).unwrap();
            same_bits(&output, &expected, "zeros");
        }
    }
}

#[test]
fn sequences_stand_in_any_order_in_memory() {
    let layout = layout(&[3, 3, 3, 3]);
    let input = bytes(12);
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 0, 3], [2, 0, 3, 1]] {
        let mut memory = [0_u8; 12];
        let start = memory.as_mut_ptr();
        let list = order.map(|place| prnn_sequence_mut { data: start.wrapping_add(3 * place).cast(), bytes: 3 });
        ok!(prnn_unpack_sequence(&layout.layout, 1, input.as_ptr().cast(), 12, list.as_ptr(), 4));
        for (sequence, place) in order.into_iter().enumerate() {
            let of_sequence = [0, 4, 8].map(|step| (step + sequence) as u8);
            assert_eq!(memory[3 * place..][..3], of_sequence);
        }
    }
}

/// The whole of a bidirectional layout from its batch sizes, and what layouts tell.
#[test]
fn layouts() {
    let lengths = LENGTHS.map(|length| length as i64);
    let made = layout(&LENGTHS);
    let steps: usize = told!(prnn_layout_steps(&made.layout));
    let mut sizes = vec![0_u32; steps];
    ok!(prnn_layout_batch_sizes(&made.layout, sizes.as_mut_ptr(), steps));
    let sizes: Vec<_> = sizes.into_iter().map(i64::from).collect();
    // SAFETY: a layout of seven sequences.
    let indices = unsafe { core::slice::from_raw_parts(made.layout.sorted_indices, 7) };
    let indices: Vec<_> = indices.iter().map(|&index| i64::from(index)).collect();
    let mut arrays = [[0_u32; 7]; 3];
    let [sorted, order, inverse] = arrays.each_mut().map(|array| array.as_mut_ptr());
    let (from, count) = (sizes.as_ptr(), sizes.len());
    let again: prnn_layout =
        told!(prnn_layout_from_batch_sizes_i64(from, count, indices.as_ptr(), 7, sorted, order, inverse));
    let mut back = [0_u32; 7];
    ok!(prnn_layout_lengths(&again, back.as_mut_ptr(), 7));
    assert_eq!(back.map(i64::from), lengths);
    // The packed row of each token is where offset and place say.
    let offset: usize = told!(prnn_layout_offset(&again, 4));
    let size: usize = told!(prnn_layout_batch_size(&again, 4));
    assert_eq!((offset, size), (6 + 5 + 5 + 4, 4));
}

/// No sequences and no memory are no error, anywhere.
#[test]
fn an_empty_batch() {
    let (none, null, nothing) = (core::ptr::null_mut(), core::ptr::null(), core::ptr::null_mut());
    let layout: prnn_layout = told!(prnn_layout_from_lengths_i32(core::ptr::null(), 0, nothing, nothing, nothing));
    let shape = Shape::new(3, 5).layers(2);
    let net = Net::<packed_rnn::Lstm>::random(shape, (true, true), &mut Rng::new(1));
    let panels = panels(&net);
    let model = model::<packed_rnn::Lstm>(shape, &panels, Backend::detect());
    let states = prnn_states { h0: null, h0_len: 0, c0: null, c0_len: 0, hn: none, hn_len: 0, cn: none, cn_len: 0 };
    ok!(prnn_run(&model, &layout, null, 0, &states, none, 0, none, 0));
    ok!(prnn_run_last(&model, &layout, null, 0, &states, none, 0));
    ok!(prnn_step(&model, 0, null, 0, null, 0, none, 0, none, 0));
    let cuts = prnn_cuts { tasks: 3, places: core::ptr::null(), places_len: 0, by_direction: 0 };
    let made: usize =
        told!(prnn_split(&model, &layout, null, 0, &states, none, 0, none, 0, &cuts, core::ptr::null_mut(), 0));
    assert_eq!(made, 0);
    let list = core::ptr::null();
    ok!(prnn_pack_sequence(&layout, 4, list, 0, core::ptr::null_mut(), 0));
}

/// Memory that only touches other memory does not overlap it.
#[test]
fn neighbours() {
    let layout = layout(&[2, 1]);
    let padded = prnn_padded { steps: 2, row_bytes: 3, batch_first: 1, left: 0 };
    for output_first in [false, true] {
        let mut memory = [0_u8; 21];
        let start = memory.as_mut_ptr();
        let (input, output) = if output_first { (9, 0) } else { (0, 12) };
        let (from, to) = (start.wrapping_add(input).cast_const().cast(), start.wrapping_add(output).cast());
        ok!(prnn_pack_padded_sequence(&layout.layout, &padded, from, 12, to, 9));
    }
}

#[test]
fn versions_and_backends() {
    let parts = [PRNN_VERSION_MAJOR, PRNN_VERSION_MINOR, PRNN_VERSION_PATCH];
    assert_eq!(parts.map(|part| part.to_string()).join("."), env!("CARGO_PKG_VERSION"));
    assert_eq!(prnn_version(), parts[0] * 1_000_000 + parts[1] * 1_000 + parts[2]);
    assert_eq!(prnn_panel_format(), packed_rnn::PANEL_FORMAT);
    let name = |backend| {
        let name = prnn_backend_name(backend);
        // SAFETY: a string of C that stays.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_str().unwrap())
    };
    assert_eq!(name(prnn_backend_detect()), Some(Backend::detect().name()));
    for backend in Backend::available() {
        let text = std::ffi::CString::new(backend.name()).unwrap();
        let number: prnn_backend = told!(prnn_backend_by_name(text.as_ptr()));
        assert_eq!(name(number), Some(backend.name()));
    }
    assert_eq!([0, -1, 5, i32::MAX, i32::MIN].map(name), [None; 5]);
}

#[test]
fn activations() {
    let values: Vec<_> = (-40..40).map(|x| x as f32 / 3.0).collect();
    for backend in Backend::available() {
        let text = std::ffi::CString::new(backend.name()).unwrap();
        let number: prnn_backend = told!(prnn_backend_by_name(text.as_ptr()));
        macro_rules! same {
            ($($c:ident $rust:ident),*) => { $(
                let (mut c, mut rust) = (values.clone(), values.clone());
                ok!($c(number, c.as_mut_ptr(), c.len()));
                packed_rnn::activation::$rust(backend, &mut rust);
                same_bits(&c, &rust, stringify!($c));
            )* };
        }
        same!(prnn_exp exp, prnn_sigmoid sigmoid, prnn_tanh tanh);
    }
}
