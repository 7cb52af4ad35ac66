//! The cells against a naive f64 reference, and what a run promises of its states; for every cell on every backend.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Batch, Memory, Net, Reference, Rng, Setup, check, every_cell, reference, same_bits, setups, setups_in};
use packed_rnn::{Backend, Direction, Gru, Lstm, Model, Relu, Shape, Tanh};
use proptest::prelude::*;

/// Absolute up to 1, relative beyond (ReLU states grow).
///
/// A sum of K = I + H + 1 products in f32, each of two roundings, is off by at most 2 K 2^-24 sum|w x|. Roundings add up
/// like a random walk: with K up to 108 and sum|w x| up to about 10, sqrt(2 K) 2^-24 10 = 9e-6 in the worst sums and a
/// tenth of that in usual ones; tanh and sigmoid shrink it, and their own errors are 2.5 ULP. The largest that was seen
/// in 10 000 setups for each cell on each backend is 1.4e-6.
const TOLERANCE: f64 = 5e-6;

fn compare<C: Reference>(net: &Net<C>, batch: &Batch, backend: Backend, tolerance: f64) {
    let distance = net.run(backend, batch).distance(&reference(net, batch));
    assert!(distance <= tolerance, "{distance:e} from the reference, at most {tolerance:e}");
}

/// All sizes, layers, directions, lengths, with and without biases and initial states.
fn agrees_with_the_reference<C: Reference>(backend: Backend) {
    check(400, setups(), |setup| {
        let (net, batch) = setup.both::<C>();
        compare(&net, &batch, backend, TOLERANCE);
    });
}

/// Whole blocks of units, with and without a tail; inputs fewer than, as many as and more than units.
fn agrees_at_larger_sizes<C: Reference>(backend: Backend) {
    for hidden in [48, 64, 100] {
        for (index, input) in [1, hidden / 2, hidden, hidden + 7].into_iter().enumerate() {
            let shape = Shape::new(input, hidden).direction(match index {
                0 | 2 => Direction::Bidirectional,
                1 => Direction::Reverse,
                _ => Direction::Forward,
            });
            let shape = shape.layers(1 + index % 2);
            let setup = Setup {
                shape,
                lengths: vec![2, 0, 3, 1],
                biases: (true, true),
                states: (true, true),
                seed: (hidden * 100 + input) as u64,
            };
            let (net, batch) = setup.both::<C>();
            compare(&net, &batch, backend, TOLERANCE);
        }
    }
}

/// Weights 30 times as large: sums of tens to hundreds, most gates shut or wide open. The error of a sum is 30 times as
/// large as well; the largest that was seen in 4000 setups is 1.6e-5.
fn agrees_where_gates_are_saturated<C: Reference>(backend: Backend) {
    check(100, setups(), |setup| {
        let shape = setup.shape.layers(1);
        let setup = Setup { shape, lengths: setup.lengths.iter().map(|&length| length.min(1)).collect(), ..setup };
        let (mut net, batch) = setup.both::<C>();
        for params in &mut net.params {
            params.weight_ih.iter_mut().chain(&mut params.weight_hh).for_each(|w| *w *= 30.0);
        }
        compare(&net, &batch, backend, 1e-4);
    });
}

/// `run_last` gives the bits of `run`'s states.
fn last_states_are_those_of_a_run<C: Reference>(backend: Backend) {
    check(300, setups(), |setup| {
        let (net, batch) = setup.both::<C>();
        let last = net.run_last(backend, &batch, &Memory::default());
        last.same_states(&net.run(backend, &batch), "run_last");
    });
}

/// A step for each token gives the bits of one call.
fn steps_are_a_run<C: Reference>(backend: Backend) {
    check(200, setups_in(Just(Direction::Forward)), |setup| {
        let (net, batch) = setup.both::<C>();
        let whole = net.run(backend, &batch);
        for in_place in [false, true] {
            net.stream(backend, &batch, &Memory::default(), in_place).same_bits(&whole, "steps");
        }
    });
}

/// `hn` is `[L * D, B, H]` in the caller's order: the last layer's rows are the outputs at which each sequence ends.
fn final_states_are_in_the_callers_order<C: Reference>(backend: Backend) {
    check(200, setups(), |setup| {
        let (net, batch) = setup.both::<C>();
        let out = net.run(backend, &batch);
        let shape = setup.shape;
        let (hidden, directions, width) = (shape.hidden_size, shape.direction.count(), shape.output_size());
        let (h0, _) = batch.initial::<C>(shape);
        assert_eq!(out.hn.len(), shape.num_layers * directions * batch.len() * hidden);
        for (s, outputs) in out.outputs.iter().enumerate() {
            assert_eq!(outputs.len(), batch.length(s) * width);
            for direction in 0..directions {
                let at = (((shape.num_layers - 1) * directions + direction) * batch.len() + s) * hidden;
                let forward = shape.direction != Direction::Reverse && direction == 0;
                let token = if forward { outputs.chunks(width).next_back() } else { outputs.chunks(width).next() };
                let expected = match token {
                    Some(token) => &token[direction * hidden..][..hidden],
                    None => &h0[at..at + hidden],
                };
                same_bits(&out.hn[at..at + hidden], expected, &format!("hn of sequence {s}"));
            }
        }
    });
}

/// A sequence without tokens keeps its states, to the bit, in every layer and direction.
fn no_tokens_keep_the_states<C: Reference>(backend: Backend) {
    check(100, setups(), |setup| {
        let mut rng = Rng::new(setup.seed);
        let lengths: Vec<_> = setup.lengths.iter().map(|&length| length * rng.below(2)).collect();
        let setup = Setup { lengths, states: (true, true), ..setup };
        let (net, mut batch) = setup.both::<C>();
        // Values that arithmetic would not leave alone.
        for state in [batch.h0.as_mut(), batch.c0.as_mut()].into_iter().flatten() {
            for x in state.iter_mut().step_by(3) {
                *x = [-0.0, 3e38, 1e-45, f32::NEG_INFINITY][rng.below(4)];
            }
        }
        let empty: Vec<_> = (0..batch.len()).filter(|&s| batch.length(s) == 0).collect();
        let kept = batch.select(&empty);
        for out in [net.run(backend, &batch), net.run_last(backend, &batch, &Memory::default())] {
            let out = out.select(&empty);
            same_bits(&out.hn, kept.h0.as_ref().unwrap(), "hn of sequences without tokens");
            same_bits(&out.cn, kept.c0.as_deref().unwrap_or_default(), "cn of sequences without tokens");
        }
    });
}

/// No initial state has the bits of zeros, with ordinary weights, zeros of both signs and infinities (0 times infinity is
/// NaN, also where the zero is only implied).
fn no_initial_state_is_zeros<C: Reference>(backend: Backend) {
    check(150, (setups(), 0..4_u32), |(setup, special)| {
        let (mut net, batch) = setup.both::<C>();
        let mut rng = Rng::new(setup.seed ^ 1);
        for params in &mut net.params {
            for w in params.weight_ih.iter_mut().chain(&mut params.weight_hh) {
                match special {
                    1 => *w = -0.0,
                    2 => *w = [0.0, -0.0][rng.below(2)],
                    3 if rng.below(50) == 0 => *w = f32::INFINITY,
                    _ => {}
                }
            }
        }
        let (h0, c0) = batch.initial::<C>(setup.shape);
        let zeros = Batch { h0: Some(h0), c0: (!c0.is_empty()).then_some(c0), ..batch.clone() };
        net.run(backend, &batch).same_bits(&net.run(backend, &zeros), "without initial states");
        let (none, zeros) = [&batch, &zeros].map(|batch| net.run_last(backend, batch, &Memory::default())).into();
        none.same_states(&zeros, "without initial states, last");
    });
}

/// A bias is one vector or the other, or absent, which is zeros.
fn biases_may_be_absent<C: Reference>(backend: Backend) {
    check(100, setups(), |setup| {
        let (net, batch) = Setup { biases: (true, true), ..setup }.both::<C>();
        let with = |ih: fn(Vec<f32>) -> Option<Vec<f32>>, hh: fn(Vec<f32>) -> Option<Vec<f32>>| {
            let mut net = net.clone();
            for params in &mut net.params {
                params.bias_ih = params.bias_ih.take().and_then(ih);
                params.bias_hh = params.bias_hh.take().and_then(hh);
            }
            compare(&net, &batch, backend, TOLERANCE);
            net.run(backend, &batch)
        };
        let zeros = |bias: Vec<f32>| Some(vec![0.0; bias.len()]);
        let none = |_| None;
        with(none, Some).same_bits(&with(zeros, Some), "without bias_ih");
        with(Some, none).same_bits(&with(Some, zeros), "without bias_hh");
        with(none, none).same_bits(&with(zeros, zeros), "without biases");
    });
}

every_cell!(
    agrees_with_the_reference,
    agrees_at_larger_sizes,
    agrees_where_gates_are_saturated,
    last_states_are_those_of_a_run,
    steps_are_a_run,
    final_states_are_in_the_callers_order,
    no_tokens_keep_the_states,
    no_initial_state_is_zeros,
    biases_may_be_absent,
);

/// Where nothing is kept apart, a bias may stand on either side.
#[test]
fn biases_of_lstm_and_rnn_change_places() {
    fn property<C: Reference>(backend: Backend) {
        check(60, setups(), |setup| {
            let (net, batch) = Setup { biases: (true, false), ..setup }.both::<C>();
            let mut other = net.clone();
            other.params.iter_mut().for_each(|params| std::mem::swap(&mut params.bias_ih, &mut params.bias_hh));
            net.run(backend, &batch).same_bits(&other.run(backend, &batch), "[b, 0] and [0, b]");
        });
    }
    common::every_backend(property::<Lstm>);
    common::every_backend(property::<Tanh>);
    common::every_backend(property::<Relu>);
}

/// A GRU's last state bias acts within the reset gate and may not be moved.
#[test]
fn biases_of_gru_do_not_change_places() {
    common::every_backend(|backend| {
        let shape = Shape::new(3, 5);
        let net = Net::<Gru>::random(shape, (true, false), &mut Rng::new(3));
        let mut other = net.clone();
        other.params.iter_mut().for_each(|params| std::mem::swap(&mut params.bias_ih, &mut params.bias_hh));
        let batch = Batch::random::<Gru>(shape, &[4], (false, false), &mut Rng::new(4));
        compare(&other, &batch, backend, TOLERANCE);
        let (a, b) = (net.run(backend, &batch), other.run(backend, &batch));
        assert!(a.hn.iter().zip(&b.hn).any(|(a, b)| (a - b).abs() > 1e-2), "reset after acts on the state bias");
    });
}

/// Panels hold the parameters, the biases' sum (GRU: and the state bias of the last gate), and at most 15 more.
#[test]
fn panels_are_no_larger_than_the_parameters() {
    fn property<C: Reference>() {
        for hidden in 1..=40 {
            for (input, layers, direction) in
                [(1, 1, Direction::Forward), (hidden, 2, Direction::Reverse), (hidden + 3, 4, Direction::Bidirectional)]
            {
                let shape = Shape::new(input, hidden).layers(layers).direction(direction);
                let net = Net::<C>::random(shape, (true, true), &mut Rng::new(1));
                let raw: usize = net.params.iter().map(|p| p.weight_ih.len() + p.weight_hh.len()).sum();
                let bias = shape.count() * (C::GATES + usize::from(C::GATES == 3)) * hidden;
                let panels = Model::<C>::panels_len(shape);
                assert!((raw + bias..raw + bias + 16 * shape.count()).contains(&panels), "{shape:?}: {panels}");
            }
        }
    }
    property::<Lstm>();
    property::<Gru>();
    property::<Tanh>();
    property::<Relu>();
}

/// NaN goes through: from the token that holds it on, every unit of the sequence is NaN (a ReLU hides none).
#[test]
fn nan_in_gives_nan_out() {
    fn property<C: Reference>(backend: Backend) {
        let shape = Shape::new(2, 19);
        let net = Net::<C>::random(shape, (true, true), &mut Rng::new(5));
        let mut batch = Batch::random::<C>(shape, &[3, 2], (false, false), &mut Rng::new(6));
        batch.sequences[0][3] = f32::NAN;
        let out = net.run(backend, &batch);
        let (before, after) = out.outputs[0].split_at(19);
        assert!(before.iter().all(|x| x.is_finite()) && after.iter().all(|x| x.is_nan()));
        assert!(out.outputs[1].iter().all(|x| x.is_finite()));
    }
    common::every_backend(property::<Lstm>);
    common::every_backend(property::<Gru>);
    common::every_backend(property::<Tanh>);
    common::every_backend(property::<Relu>);
}

/// Infinite and huge inputs saturate the gates as in the reference. One input, so that no two infinities cancel.
#[test]
fn infinities_saturate() {
    fn property<C: Reference>(backend: Backend) {
        let shape = Shape::new(1, 21);
        let net = Net::<C>::random(shape, (true, true), &mut Rng::new(7));
        for x in [f32::INFINITY, f32::NEG_INFINITY, 3e38, -3e38, f32::MAX, 1e30] {
            let batch = Batch::new(shape, vec![vec![x]]);
            compare(&net, &batch, backend, TOLERANCE);
        }
    }
    common::every_backend(property::<Lstm>);
    common::every_backend(property::<Gru>);
    common::every_backend(property::<Tanh>);
}
