//! One answer: a sequence's result is bit for bit the same alone, in any batch, in any place of the batch, in one call
//! or in chunks, with any scratch and any alignment, whatever stands in the other sequences. Any NaN equals any NaN.
//! For every cell on every backend.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Batch, Memory, Net, Out, Reference, Rng, Setup, check, every_cell, same_bits, setups, setups_in};
use packed_rnn::{Backend, Direction, Layout, Model, Shape, States};
use proptest::prelude::*;

/// Overwrites one in `every` values, NaN, infinities and huge numbers among them.
fn poison(values: &mut [f32], every: usize, rng: &mut Rng) {
    for x in values {
        if rng.below(every) == 0 {
            *x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38, -3e38, 1e-45, -0.0][rng.below(7)];
        }
    }
}

/// Any selection of a batch's sequences, in any order and also repeated, gives the selection of the results.
fn a_sequence_does_not_see_its_batch<C: Reference>(backend: Backend) {
    check(300, setups(), |setup| {
        let (net, batch) = setup.both::<C>();
        if batch.len() == 0 {
            return;
        }
        let whole = net.run(backend, &batch);
        let mut rng = Rng::new(setup.seed ^ 2);
        for count in [1, 1, 1 + rng.below(17), 1 + rng.below(17)] {
            let some: Vec<_> = (0..count).map(|_| rng.below(batch.len())).collect();
            net.run(backend, &batch.select(&some)).same_bits(&whole.select(&some), "a selection");
        }
        let mut shuffled: Vec<_> = (0..batch.len()).collect();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, rng.below(at + 1));
        }
        let other = batch.select(&shuffled);
        net.run(backend, &other).same_bits(&whole.select(&shuffled), "shuffled");
        net.run_last(backend, &other, &Memory::default()).same_states(&whole.select(&shuffled), "shuffled, last");
    });
}

/// Every size of a batch from 1 to 17 with every number of units from 1 to 40, one input and more.
fn every_batch_and_every_size<C: Reference>(backend: Backend) {
    for hidden in 1..=40 {
        let input = [1, hidden / 2 + 1, hidden, hidden + 3][hidden % 4];
        let direction = [Direction::Bidirectional, Direction::Forward, Direction::Reverse][hidden % 3];
        let shape = Shape::new(input, hidden).direction(direction);
        let lengths: Vec<_> = (0..17).map(|s| 1 + (s + hidden) % 2).collect();
        let setup = Setup { shape, lengths, biases: (true, true), states: (true, true), seed: hidden as u64 };
        let (net, batch) = setup.both::<C>();
        let alone: Vec<_> = (0..17).map(|s| net.run(backend, &batch.select(&[s]))).collect();
        // Without optimisation, half of them: odd ones and even ones in turns.
        let step = if cfg!(debug_assertions) { 2 } else { 1 };
        for count in (1 + hidden % step..=17).step_by(step) {
            let some: Vec<_> = (0..count).collect();
            let out = net.run(backend, &batch.select(&some));
            for s in some {
                let what = format!("H = {hidden}, sequence {s} of {count}");
                out.select(&[s]).same_bits(&alone[s], &what);
            }
        }
    }
}

/// Batches of many tiles, of whose rows some wait for others; and what is beyond whole tiles.
fn many_rows<C: Reference>(backend: Backend) {
    const MOST: usize = 53;
    let shape = Shape::new(5, 37);
    let lengths: Vec<_> = (0..MOST).map(|s| 1 + s % 2).collect();
    let setup = Setup { shape, lengths, biases: (true, true), states: (true, true), seed: 3 };
    let (net, batch) = setup.both::<C>();
    let alone: Vec<_> = (0..MOST).map(|s| net.run(backend, &batch.select(&[s]))).collect();
    for count in 17..=MOST {
        let some: Vec<_> = (0..count).collect();
        let out = net.run(backend, &batch.select(&some));
        for s in some {
            out.select(&[s]).same_bits(&alone[s], &format!("sequence {s} of {count}"));
        }
    }
}

/// A batch of more inputs than stay near, of which the next step's are asked for ahead; one sequence is none.
fn a_large_batch<C: Reference>(backend: Backend) {
    let lengths: Vec<_> = (0..35).map(|s| 2 + 57 * s % 61).collect();
    for direction in [Direction::Forward, Direction::Bidirectional] {
        let shape = Shape::new(40, 37).layers(2).direction(direction);
        let setup = Setup { shape, lengths: lengths.clone(), biases: (true, true), states: (true, true), seed: 11 };
        let (net, batch) = setup.both::<C>();
        let out = net.run(backend, &batch);
        for s in (0..lengths.len()).step_by(4) {
            out.select(&[s]).same_bits(&net.run(backend, &batch.select(&[s])), &format!("sequence {s}"));
        }
    }
}

/// A panel of more floats than a cache holds, beside which one sequence more is worth to be computed ahead: with and
/// without room for it, and each sequence alone.
fn a_large_panel<C: Reference>(backend: Backend) {
    let shape = Shape::new(300, 640 / C::GATES + 2);
    let setup = Setup { shape, lengths: vec![9, 3, 9, 7, 5], biases: (true, true), states: (true, true), seed: 12 };
    let (net, batch) = setup.both::<C>();
    let panels = &mut net.panels();
    assert!(panels.len() > 1 << 18, "{} floats", panels.len());
    let room = Memory { extra: net.pack(panels).ahead_len(), ..Memory::default() };
    let out = net.run(backend, &batch);
    net.run_in(backend, &batch, &room).same_bits(&out, "run with room");
    for s in 0..batch.len() {
        out.select(&[s]).same_bits(&net.run(backend, &batch.select(&[s])), &format!("sequence {s}"));
    }
}

/// Tails that go beside one, two or four blocks, as the rows are many and the blocks: one row in company of few, of many and
/// alone, with the sums of the inputs computed ahead and without.
fn tails_beside_blocks<C: Reference>(backend: Backend) {
    for hidden in [17, 20, 33, 37, 40, 49, 56, 66, 68, 72, 84, 90, 100, 104] {
        let shape = Shape::new(19, hidden);
        let lengths = vec![3; 10];
        let setup = Setup { shape, lengths, biases: (true, true), states: (true, true), seed: hidden as u64 };
        let (net, batch) = setup.both::<C>();
        let panels = &mut net.panels();
        let room = Memory { extra: net.pack(panels).ahead_len(), ..Memory::default() };
        let alone: Vec<_> = (0..batch.len()).map(|s| net.run(backend, &batch.select(&[s]))).collect();
        for count in 1..=batch.len() {
            let some: Vec<_> = (0..count).collect();
            let some = batch.select(&some);
            let (out, ahead) = (net.run(backend, &some), net.run_in(backend, &some, &room));
            for (s, alone) in alone.iter().enumerate().take(count) {
                let what = format!("H = {hidden}, sequence {s} of {count}");
                out.select(&[s]).same_bits(alone, &what);
                ahead.select(&[s]).same_bits(alone, &format!("{what}, ahead"));
            }
        }
    }
}

/// Runs a batch in chunks of random sizes, each sequence in its own, also of no tokens; the states are carried by hand.
/// The reverse direction takes the last chunk first.
fn in_chunks<C: Reference>(net: &Net<C>, backend: Backend, batch: &Batch, rng: &mut Rng, last: bool) -> Out {
    let reverse = net.shape.direction == Direction::Reverse;
    let width = net.shape.input_size;
    let (h0, c0) = batch.initial::<C>(net.shape);
    let mut out =
        Out { hidden: batch.hidden, count: batch.count, outputs: vec![Vec::new(); batch.len()], hn: h0, cn: c0 };
    let mut left = batch.sequences.clone();
    while left.iter().any(|sequence| !sequence.is_empty()) {
        let cut = |sequence: &mut Vec<f32>| {
            let tokens = rng.below(4).min(sequence.len() / width);
            if reverse {
                sequence.split_off(sequence.len() - tokens * width)
            } else {
                let rest = sequence.split_off(tokens * width);
                std::mem::replace(sequence, rest)
            }
        };
        let chunk = Batch {
            sequences: left.iter_mut().map(cut).collect(),
            h0: Some(out.hn.clone()),
            c0: C::HAS_C.then(|| out.cn.clone()),
            ..*batch
        };
        let memory = Memory::default();
        let done = if last { net.run_last(backend, &chunk, &memory) } else { net.run(backend, &chunk) };
        for (outputs, chunk) in out.outputs.iter_mut().zip(done.outputs) {
            let at = if reverse { 0 } else { outputs.len() };
            outputs.splice(at..at, chunk);
        }
        (out.hn, out.cn) = (done.hn, done.cn);
    }
    out
}

/// One call, chunks of any sizes, single steps with the states apart and in place.
fn chunks_and_steps_are_one_call<C: Reference>(backend: Backend) {
    let one_way = prop_oneof![2 => Just(Direction::Forward), 1 => Just(Direction::Reverse)];
    check(300, setups_in(one_way), |setup| {
        let (net, batch) = setup.both::<C>();
        let whole = net.run(backend, &batch);
        let mut rng = Rng::new(setup.seed ^ 3);
        in_chunks(&net, backend, &batch, &mut rng, false).same_bits(&whole, "in chunks");
        in_chunks(&net, backend, &batch, &mut rng, true).same_states(&whole, "in chunks, last states");
        if setup.shape.direction == Direction::Forward {
            for in_place in [false, true] {
                let steps = net.stream(backend, &batch, &Memory::default(), in_place);
                steps.same_bits(&whole, if in_place { "steps in place" } else { "steps" });
            }
        }
    });
}

/// Everything a run can be asked for, in the given memory, against the bits of plain memory.
fn in_memory<C: Reference>(setup: &Setup, backend: Backend, memory: &Memory) {
    let (net, batch) = setup.both::<C>();
    let plain = net.run(backend, &batch);
    net.run_in(backend, &batch, memory).same_bits(&plain, "run");
    net.run_last(backend, &batch, memory).same_states(&plain, "run_last");
    if setup.shape.direction == Direction::Forward {
        for in_place in [false, true] {
            net.stream(backend, &batch, memory, in_place).same_bits(&plain, "steps");
        }
    }
}

/// Each buffer by itself at any distance from a 64-byte boundary; longer scratch; anything in it before.
fn memory_does_not_matter<C: Reference>(backend: Backend) {
    let before = prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(3e38_f32), Just(-0.0), Just(1.0)];
    let extra = prop_oneof![0..100_usize, 0..20_000_usize];
    let memory = (any::<[u8; 8]>(), extra, before).prop_map(|(offsets, extra, before)| Memory {
        offsets: offsets.map(|offset| usize::from(offset % 17)),
        extra,
        before,
    });
    check(250, (setups(), memory), |(setup, memory)| in_memory::<C>(&setup, backend, &memory));
}

/// Longer scratch gives room to compute the inputs' half of many tokens ahead, where few sequences run: the same bits with
/// any room, for long sequences in small batches, poisoned or not.
fn room_ahead_does_not_matter<C: Reference>(backend: Backend) {
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Reverse), Just(Direction::Bidirectional)];
    let sizes = (prop_oneof![1 => 1..=16_usize, 3 => 16..=40_usize], 1..=40_usize, 1..=2_usize, direction);
    let lengths = prop_oneof![
        3 => prop::collection::vec(prop_oneof![0..=70_usize, 0..=8_usize], 1..=6),
        1 => prop::collection::vec(90..=130_usize, 1..=2),
        1 => (1..=5_usize, 1..=60_usize).prop_map(|(batch, length)| vec![length; batch]),
    ];
    // In rows of all gates' sums, and some floats more.
    let room = (prop_oneof![0..=60_usize, 7..=10_usize, 47..=49_usize], 0..=20_usize);
    let options = (any::<(bool, bool)>(), any::<bool>(), any::<u64>());
    check(120, (sizes, lengths, room, options), |((input, hidden, layers, direction), lengths, room, options)| {
        let (states, poisoned, seed) = options;
        let shape = Shape::new(input, hidden).layers(layers).direction(direction);
        let (net, mut batch) = Setup { shape, lengths, biases: (true, true), states, seed }.both::<C>();
        if poisoned {
            let mut rng = Rng::new(seed ^ 7);
            batch.sequences.iter_mut().for_each(|sequence| poison(sequence, 400, &mut rng));
        }
        let plain = net.run(backend, &batch);
        let memory = Memory { extra: room.0 * C::GATES * hidden + room.1, ..Memory::default() };
        net.run_in(backend, &batch, &memory).same_bits(&plain, "run with room");
        net.run_last(backend, &batch, &memory).same_states(&plain, "run_last with room");
        let most = Memory { extra: net.pack(&mut net.panels()).ahead_len(), ..Memory::default() };
        let some: Vec<_> = (0..batch.len()).step_by(2).collect();
        net.run_in(backend, &batch.select(&some), &most).same_bits(&plain.select(&some), "some, with all room");
    });
}

/// All buffers at once, at each distance from 0 to 16 elements, for sizes with and without a tail.
fn every_offset<C: Reference>(backend: Backend) {
    for (input, hidden, layers) in [(3, 5, 2), (1, 16, 1), (7, 35, 1)] {
        let lengths = vec![2, 3, 0, 1, 3];
        let shape = Shape::new(input, hidden).layers(layers);
        let setup = Setup { shape, lengths, biases: (true, true), states: (true, true), seed: 8 };
        for offset in 0..=16 {
            in_memory::<C>(&setup, backend, &Memory { offsets: [offset; 8], ..Memory::default() });
        }
    }
}

/// NaN, infinities and 3e38 in the tokens and states of all other sequences change nothing in this one.
fn poison_stays_in_its_sequence<C: Reference>(backend: Backend) {
    check(250, setups(), |setup| {
        let (net, batch) = setup.both::<C>();
        if batch.len() == 0 {
            return;
        }
        let mut rng = Rng::new(setup.seed ^ 4);
        let clean: Vec<_> = (0..batch.len()).filter(|_| rng.below(3) == 0).collect();
        let density = 1 + rng.below(4);
        let mut bad = batch.clone();
        for s in (0..batch.len()).filter(|s| !clean.contains(s)) {
            poison(&mut bad.sequences[s], density, &mut rng);
            for states in [bad.h0.as_mut(), bad.c0.as_mut()].into_iter().flatten() {
                for layer in 0..batch.count {
                    let at = (layer * batch.len() + s) * batch.hidden;
                    poison(&mut states[at..at + batch.hidden], density, &mut rng);
                }
            }
        }
        let expected = net.run(backend, &batch).select(&clean);
        let memory = Memory::default();
        net.run(backend, &bad).select(&clean).same_bits(&expected, "beside poison");
        net.run_last(backend, &bad, &memory).select(&clean).same_states(&expected, "beside poison, last");
        if setup.shape.direction == Direction::Forward {
            for in_place in [false, true] {
                let steps = net.stream(backend, &bad, &memory, in_place).select(&clean);
                steps.same_bits(&expected, "beside poison, steps");
            }
        }
    });
}

/// Poisoned sequences have one answer as well: alone or not, in chunks or not.
fn poisoned_sequences_have_one_answer<C: Reference>(backend: Backend) {
    check(150, setups(), |setup| {
        let (net, mut batch) = setup.both::<C>();
        let mut rng = Rng::new(setup.seed ^ 5);
        batch.sequences.iter_mut().for_each(|sequence| poison(sequence, 6, &mut rng));
        let whole = net.run(backend, &batch);
        for s in 0..batch.len() {
            net.run(backend, &batch.select(&[s])).same_bits(&whole.select(&[s]), "alone");
        }
        if setup.shape.direction != Direction::Bidirectional {
            in_chunks(&net, backend, &batch, &mut rng, false).same_bits(&whole, "in chunks");
        }
    });
}

/// A copy of the panels is the network.
fn panels_are_the_network<C: Reference>(backend: Backend) {
    check(80, setups(), |setup| {
        let (net, batch) = setup.both::<C>();
        let mut panels = vec![f32::NAN; Model::<C>::panels_len(setup.shape)];
        let packed = batch.run(&net.pack(&mut panels).with_backend(backend));
        let copy = panels.clone();
        let model = Model::<C>::from_panels(setup.shape, &copy).unwrap().with_backend(backend);
        assert_eq!((model.shape(), model.backend()), (setup.shape, backend));
        batch.run(&model).same_bits(&packed, "from_panels");
        let mut again = vec![7.0; panels.len()];
        net.pack(&mut again);
        same_bits(&again, &panels, "what stood in the panels before");
    });
}

/// A layout of sorted lengths, one that was sorted, one from `batch_sizes`, and one with given indices are one batch.
fn layouts_are_one_batch<C: Reference>(backend: Backend) {
    check(80, setups(), |setup| {
        let (net, batch) = setup.both::<C>();
        let sorted = batch.select(&batch.order());
        let expected = net.run(backend, &sorted);
        let panels = net.panels();
        let model = Model::<C>::from_panels(setup.shape, &panels).unwrap().with_backend(backend);
        let lengths: Vec<_> = sorted.lengths().collect();
        let sizes: Vec<_> =
            (0..lengths.first().copied().unwrap_or(0)).map(|t| lengths.iter().filter(|&&l| l > t).count()).collect();
        let identity: Vec<_> = (0..lengths.len()).collect();
        let (mut a, mut b, mut c) = (vec![0; lengths.len()], vec![0; lengths.len()], vec![0; lengths.len()]);
        let mut order = vec![0; lengths.len()];
        let layouts = [
            Layout::from_sorted(&lengths, &mut a).unwrap(),
            Layout::from_batch_sizes(&sizes, &mut b).unwrap(),
            Layout::from_sorted(&lengths, &mut c).unwrap().with_sorted_indices(&identity, &mut order).unwrap(),
        ];
        for layout in layouts {
            let len = model.states_len(lengths.len()).unwrap();
            let (mut hn, mut cn) = (vec![f32::NAN; len], vec![f32::NAN; if C::HAS_C { len } else { 0 }]);
            let mut output = vec![f32::NAN; model.output_len(&layout).unwrap()];
            let mut scratch = vec![f32::NAN; model.scratch_len(&layout).unwrap()];
            let states = States { h0: sorted.h0.as_deref(), c0: sorted.c0.as_deref(), hn: &mut hn, cn: &mut cn };
            model.run(&layout, &sorted.packed(), states, &mut output, &mut scratch).unwrap();
            same_bits(&hn, &expected.hn, "hn");
            same_bits(&cn, &expected.cn, "cn");
            let mut outputs = vec![Vec::new(); lengths.len()];
            for ((s, _), row) in sorted.tokens().into_iter().zip(output.chunks(setup.shape.output_size())) {
                outputs[s].extend_from_slice(row);
            }
            assert_eq!(outputs, expected.outputs);
        }
    });
}

every_cell!(
    a_sequence_does_not_see_its_batch,
    every_batch_and_every_size,
    many_rows,
    a_large_batch,
    a_large_panel,
    tails_beside_blocks,
    chunks_and_steps_are_one_call,
    memory_does_not_matter,
    room_ahead_does_not_matter,
    every_offset,
    poison_stays_in_its_sequence,
    poisoned_sequences_have_one_answer,
    panels_are_the_network,
    layouts_are_one_batch,
);

/// All fused backends agree bit for bit, and so do all unfused ones.
mod backends {
    use super::*;

    fn agree<C: Reference>() {
        check(200, (setups(), any::<bool>()), |(setup, poisoned)| {
            let (net, mut batch) = setup.both::<C>();
            if poisoned {
                let mut rng = Rng::new(setup.seed ^ 6);
                batch.sequences.iter_mut().for_each(|sequence| poison(sequence, 8, &mut rng));
            }
            let mut of_kind: [Option<(Backend, Out)>; 2] = [None, None];
            for backend in Backend::available() {
                let out = net.run(backend, &batch);
                match &of_kind[usize::from(backend.is_fused())] {
                    Some((first, expected)) => {
                        out.same_bits(expected, &format!("{} and {}", backend.name(), first.name()));
                    }
                    None => of_kind[usize::from(backend.is_fused())] = Some((backend, out)),
                }
            }
        });
    }

    /// A multiply-add rounds once where the backend says so, else twice, in inputs and states, in blocks and in tails:
    /// (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24, which the rounded product has lost.
    #[test]
    fn fused_rounds_once() {
        common::every_backend(|backend| {
            let x = 1.0 + 1.0 / 4096.0_f32;
            let bias = -(1.0 + 1.0 / 2048.0_f32);
            let exact = if backend.is_fused() { 2.0_f32.powi(-24) } else { 0.0 };
            for (hidden, rows) in [(1, 1), (3, 2), (16, 1), (16, 3), (64, 1), (37, 7), (64, 7)] {
                let shape = Shape::new(1, hidden);
                let mut net = Net::<packed_rnn::Relu>::random(shape, (true, false), &mut Rng::new(9));
                net.params[0].weight_ih.fill(x);
                net.params[0].weight_hh.fill(0.0);
                net.params[0].bias_ih = Some(vec![bias; hidden]);
                let batch = Batch::new(shape, vec![vec![x]; rows]);
                same_bits(&net.run(backend, &batch).hn, &vec![exact; rows * hidden], backend.name());
                // The same of the states: each unit sees itself alone.
                net.params[0].weight_ih.fill(0.0);
                net.params[0].weight_hh =
                    (0..hidden * hidden).map(|at| if at % (hidden + 1) == 0 { x } else { 0.0 }).collect();
                let batch = Batch { h0: Some(vec![x; rows * hidden]), ..batch };
                same_bits(&net.run(backend, &batch).hn, &vec![exact; rows * hidden], backend.name());
            }
        });
    }

    #[test]
    fn lstm() {
        agree::<packed_rnn::Lstm>();
    }

    #[test]
    fn gru() {
        agree::<packed_rnn::Gru>();
    }

    #[test]
    fn tanh() {
        agree::<packed_rnn::Tanh>();
    }

    #[test]
    fn relu() {
        agree::<packed_rnn::Relu>();
    }
}
