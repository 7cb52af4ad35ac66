//! Every error that a function of a model documents: what it says, and that outputs, states and panels are found as
//! they were. Then sizes of all kinds, most of them wrong, into every function: no panic, and no write before an error.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Params, Reference, Rng, check};
use packed_rnn::{
    Argument, Cell, Code, Direction, Error, Gru, Layout, Lstm, Model, Relu, Shape, States, Tanh, Weights,
};
use proptest::prelude::*;

/// What outputs hold before a call.
const PATTERN: f32 = 123.5;

/// What an error must say.
#[derive(Clone, Copy, Debug)]
struct Expected(Code, Argument, Option<usize>, i64, i64);

#[track_caller]
fn refused<T>(result: Result<T, Error>, expected: Expected) {
    let Some(error) = result.err() else { panic!("must be refused: {expected:?}") };
    let Expected(code, argument, index, found, bound) = expected;
    let seen = (error.code, error.argument, error.index, error.found, error.expected);
    assert_eq!(seen, (code, argument, index, found, bound), "{error}");
    let text = error.to_string();
    let subject = index.map_or(argument.name().to_string(), |index| format!("{}[{index}]", argument.name()));
    assert!(text.starts_with(&format!("{subject}: ")), "{text:?} names {subject}");
    // An overflow is found before there is a number; what is not supported is said in words.
    if !matches!(code, Code::Overflow | Code::Unsupported) {
        assert!(text.contains(&found.to_string()) && text.contains(&bound.to_string()), "{text:?} tells the numbers");
    }
}

#[track_caller]
fn untouched(slices: &[&[f32]]) {
    assert!(slices.iter().all(|slice| slice.iter().all(|&x| x == PATTERN)), "written before an error");
}

const OVERFLOW: i64 = isize::MAX as i64;

// ---- pack, from_panels ----------------------------------------------------------------------------------------------

/// A whole set of weights of the right sizes.
fn params<C: Cell>(shape: Shape) -> Vec<Params> {
    let (hidden, directions) = (shape.hidden_size, shape.direction.count());
    let rows = C::GATES * hidden;
    let params = (0..shape.count()).map(|index| Params {
        weight_ih: vec![0.1; rows * if index < directions { shape.input_size } else { directions * hidden }],
        weight_hh: vec![0.1; rows * hidden],
        bias_ih: Some(vec![0.1; rows]),
        bias_hh: Some(vec![0.1; rows]),
    });
    params.collect()
}

#[track_caller]
fn pack_refuses<C: Cell>(shape: Shape, params: &[Params], len: usize, expected: Expected) {
    let weights: Vec<_> = params.iter().map(Params::weights).collect();
    let mut panels = vec![PATTERN; len];
    refused(Model::<C>::pack(shape, &weights, &mut panels), expected);
    untouched(&[&panels]);
}

type Zero = (fn(Shape) -> Shape, Argument);

const SIZES: [Zero; 3] = [
    (|shape| Shape::new(0, shape.hidden_size).layers(shape.num_layers), Argument::InputSize),
    (|shape| Shape::new(shape.input_size, 0).layers(shape.num_layers), Argument::HiddenSize),
    (|shape| shape.layers(0), Argument::NumLayers),
];

fn pack_errors<C: Cell>() {
    let shape = Shape::new(3, 5).layers(2).bidirectional();
    let (all, len) = (params::<C>(shape), Model::<C>::panels_len(shape));
    for (zero, argument) in SIZES {
        let shape = zero(Shape::new(3, 5));
        pack_refuses::<C>(shape, &all, len, Expected(Code::Zero, argument, None, 0, 1));
    }
    for wrong in [0, 1, len - 1, len + 1] {
        let expected = Expected(Code::WrongLen, Argument::Panels, None, wrong as i64, len as i64);
        pack_refuses::<C>(shape, &all, wrong, expected);
    }
    for count in [0, 1, 3, 5] {
        let some: Vec<_> = all.iter().chain(&all).take(count).cloned().collect();
        let expected = Expected(Code::WrongCount, Argument::Weights, None, count as i64, 4);
        pack_refuses::<C>(shape, &some, len, expected);
    }
    type Part = (fn(&mut Params) -> &mut Vec<f32>, Argument);
    let parts: [Part; 4] = [
        (|params| &mut params.weight_ih, Argument::WeightIh),
        (|params| &mut params.weight_hh, Argument::WeightHh),
        (|params| params.bias_ih.as_mut().unwrap(), Argument::BiasIh),
        (|params| params.bias_hh.as_mut().unwrap(), Argument::BiasHh),
    ];
    for (part, argument) in parts {
        for index in 0..4 {
            let right = part(&mut all.clone()[index]).len();
            for wrong in [0, right - 1, right + 1, right * 2] {
                let mut all = all.clone();
                part(&mut all[index]).resize(wrong, 0.1);
                let expected = Expected(Code::WrongLen, argument, Some(index), wrong as i64, right as i64);
                pack_refuses::<C>(shape, &all, len, expected);
            }
        }
    }
}

fn huge_shapes() -> Vec<Shape> {
    let max = usize::MAX;
    let mut shapes = Vec::new();
    for huge in [max, max - 1, max / 2, max / 2 + 1, max / 3, max / 16, isize::MAX as usize - 15] {
        let of = [
            Shape::new(huge, 5),
            Shape::new(5, huge),
            Shape::new(huge, huge),
            Shape::new(3, 5).layers(huge),
            Shape::new(huge, huge).layers(huge),
            Shape::new(1, max.isqrt()).layers(huge),
        ];
        shapes.extend(of.into_iter().flat_map(|shape| [shape, shape.bidirectional()]));
    }
    shapes
}

/// Sizes that cannot be counted are an overflow, those that can be counted do not fit the slice.
fn huge_panels<C: Cell>() {
    for shape in huge_shapes() {
        let len = Model::<C>::panels_len(shape);
        assert!(len > usize::MAX / 64, "{shape:?}");
        let mut panels = [PATTERN; 8];
        let from = Model::<C>::from_panels(shape, &panels).err().unwrap();
        let pack = Model::<C>::pack(shape, &[], &mut panels).err().unwrap();
        assert_eq!(from, pack);
        let clamped = i64::try_from(len).unwrap_or(i64::MAX);
        let expected = if pack.code == Code::Overflow {
            assert_eq!(len, usize::MAX, "{shape:?}");
            Expected(Code::Overflow, Argument::Panels, None, i64::MAX, OVERFLOW)
        } else {
            Expected(Code::WrongLen, Argument::Panels, None, 8, clamped)
        };
        refused(Err::<(), _>(pack), expected);
        untouched(&[&panels]);
    }
    let refuse = |shape| Model::<C>::from_panels(shape, &[]).err().unwrap().code;
    assert_eq!(refuse(Shape::new(5, usize::MAX)), Code::Overflow);
    assert_eq!(refuse(Shape::new(usize::MAX, 5)), Code::Overflow);
    assert_eq!(refuse(Shape::new(3, 5).layers(usize::MAX)), Code::Overflow);
}

fn from_panels_errors<C: Cell>() {
    let shape = Shape::new(3, 5).layers(2).bidirectional();
    let len = Model::<C>::panels_len(shape);
    let panels = vec![0.0; len + 1];
    for (zero, argument) in SIZES {
        let result = Model::<C>::from_panels(zero(Shape::new(3, 5)), &panels[..len]);
        refused(result, Expected(Code::Zero, argument, None, 0, 1));
    }
    for wrong in [0, 1, len - 1, len + 1] {
        let result = Model::<C>::from_panels(shape, &panels[..wrong]);
        refused(result, Expected(Code::WrongLen, Argument::Panels, None, wrong as i64, len as i64));
    }
    // Panels of another cell's size, or another shape's.
    let other = Model::<C>::panels_len(Shape::new(3, 6));
    let others = vec![0.0; other];
    let result = Model::<C>::from_panels(Shape::new(3, 5), &others);
    let right = Model::<C>::panels_len(Shape::new(3, 5));
    refused(result, Expected(Code::WrongLen, Argument::Panels, None, other as i64, right as i64));
}

// ---- run, run_last --------------------------------------------------------------------------------------------------

/// The slices of a run; the tests make one of them wrong.
#[derive(Clone)]
struct Slices {
    input: Vec<f32>,
    h0: Option<Vec<f32>>,
    c0: Option<Vec<f32>>,
    hn: Vec<f32>,
    cn: Vec<f32>,
    output: Vec<f32>,
    scratch: Vec<f32>,
}

impl Slices {
    fn run<C: Cell>(&mut self, model: &Model<'_, C>, layout: &Layout<'_>, last: bool) -> Result<(), Error> {
        let states = States { h0: self.h0.as_deref(), c0: self.c0.as_deref(), hn: &mut self.hn, cn: &mut self.cn };
        match last {
            true => model.run_last(layout, &self.input, states, &mut self.scratch),
            false => model.run(layout, &self.input, states, &mut self.output, &mut self.scratch),
        }
    }
}

type Field = (Argument, fn(&mut Slices) -> &mut Vec<f32>);

fn run_errors<C: Reference>() {
    let shape = Shape::new(3, 5).layers(3).bidirectional();
    let panels = vec![0.0; Model::<C>::panels_len(shape)];
    let model = Model::<C>::from_panels(shape, &panels).unwrap();
    let (mut lengths, mut order) = ([0; 3], [0; 3]);
    let layout = Layout::new(&[2, 0, 4], &mut lengths, &mut order).unwrap();
    let states = 6 * 3 * 5;
    for last in [false, true] {
        let scratch = if last { model.last_scratch_len(&layout) } else { model.scratch_len(&layout) }.unwrap();
        let right = Slices {
            input: vec![1.0; 6 * 3],
            h0: Some(vec![0.0; states]),
            c0: C::HAS_C.then(|| vec![0.0; states]),
            hn: vec![PATTERN; states],
            cn: vec![PATTERN; if C::HAS_C { states } else { 0 }],
            output: vec![PATTERN; 6 * 10],
            scratch: vec![PATTERN; scratch],
        };
        right.clone().run(&model, &layout, last).unwrap();

        let mut fields: Vec<Field> = vec![
            (Argument::Input, |slices| &mut slices.input),
            (Argument::Hn, |slices| &mut slices.hn),
            (Argument::Cn, |slices| &mut slices.cn),
            (Argument::H0, |slices| slices.h0.as_mut().unwrap()),
        ];
        if C::HAS_C {
            fields.push((Argument::C0, |slices| slices.c0.as_mut().unwrap()));
        }
        if !last {
            fields.push((Argument::Output, |slices| &mut slices.output));
        }
        for (argument, field) in fields {
            let len = field(&mut right.clone()).len();
            // A state for one direction, for one layer or without the batch is refused as well.
            for wrong in [0, 1, len.saturating_sub(1), len + 1, len * 2, len / 2, len / 3, len / 6] {
                if wrong == len {
                    continue;
                }
                let mut slices = right.clone();
                field(&mut slices).resize(wrong, PATTERN);
                let result = slices.run(&model, &layout, last);
                refused(result, Expected(Code::WrongLen, argument, None, wrong as i64, len as i64));
                untouched(&[&slices.hn, &slices.cn, &slices.output]);
            }
        }
        for short in [0, 1, scratch - 1] {
            let mut slices = right.clone();
            slices.scratch.truncate(short);
            let result = slices.run(&model, &layout, last);
            refused(result, Expected(Code::TooShort, Argument::Scratch, None, short as i64, scratch as i64));
            untouched(&[&slices.hn, &slices.cn, &slices.output]);
        }
        if !C::HAS_C {
            for len in [0, states] {
                let mut slices = Slices { c0: Some(vec![0.0; len]), ..right.clone() };
                let result = slices.run(&model, &layout, last);
                refused(result, Expected(Code::Unsupported, Argument::C0, None, len as i64, 0));
                untouched(&[&slices.hn, &slices.cn, &slices.output]);
            }
        }
    }
}

// ---- step, step_in_place --------------------------------------------------------------------------------------------

#[derive(Clone)]
struct Step {
    batch: usize,
    input: Vec<f32>,
    h_in: Vec<f32>,
    h: Vec<f32>,
    c: Vec<f32>,
    scratch: Vec<f32>,
}

impl Step {
    fn run<C: Cell>(&mut self, model: &Model<'_, C>, in_place: bool) -> Result<(), Error> {
        let Self { batch, input, h_in, h, c, scratch } = self;
        match in_place {
            true => model.step_in_place(*batch, input, h, c, scratch),
            false => model.step(*batch, input, h_in, h, c),
        }
    }
}

type StepField = (Argument, fn(&mut Step) -> &mut Vec<f32>);

fn step_errors<C: Reference>() {
    let shape = Shape::new(3, 5).layers(2);
    let states = 2 * 4 * 5;
    let right = Step {
        batch: 4,
        input: vec![1.0; 12],
        h_in: vec![PATTERN; states],
        h: vec![PATTERN; states],
        c: vec![PATTERN; if C::HAS_C { states } else { 0 }],
        scratch: vec![PATTERN; states],
    };
    let panels = vec![0.0; Model::<C>::panels_len(shape)];
    let model = Model::<C>::from_panels(shape, &panels).unwrap();
    for in_place in [false, true] {
        right.clone().run(&model, in_place).unwrap();
        let mut fields: Vec<StepField> =
            vec![(Argument::Input, |step| &mut step.input), (Argument::C, |step| &mut step.c)];
        if in_place {
            fields.push((Argument::H, |step| &mut step.h));
        } else {
            fields.push((Argument::HIn, |step| &mut step.h_in));
            fields.push((Argument::HOut, |step| &mut step.h));
        }
        for (argument, field) in fields {
            let len = field(&mut right.clone()).len();
            for wrong in [0, 1, len.saturating_sub(1), len + 1, len * 2, len / 2] {
                if wrong == len {
                    continue;
                }
                let mut step = right.clone();
                field(&mut step).resize(wrong, PATTERN);
                let result = step.run(&model, in_place);
                refused(result, Expected(Code::WrongLen, argument, None, wrong as i64, len as i64));
                untouched(&[&step.h, &step.c]);
            }
        }
        if in_place {
            for short in [0, 1, states - 1] {
                let mut step = right.clone();
                step.scratch.truncate(short);
                let result = step.run(&model, true);
                refused(result, Expected(Code::TooShort, Argument::Scratch, None, short as i64, states as i64));
                untouched(&[&step.h, &step.c]);
            }
        }
        for batch in [usize::MAX, usize::MAX / 2, usize::MAX / 10 + 1] {
            let mut step = Step { batch, ..right.clone() };
            let result = step.run(&model, in_place);
            refused(result, Expected(Code::Overflow, Argument::Batch, None, i64::MAX, OVERFLOW));
            untouched(&[&step.h, &step.c]);
        }
    }
    // A direction that begins at the end of a sequence has no single steps.
    for (direction, found) in [(Direction::Reverse, 1), (Direction::Bidirectional, 2)] {
        let shape = shape.direction(direction);
        let panels = vec![0.0; Model::<C>::panels_len(shape)];
        let model = Model::<C>::from_panels(shape, &panels).unwrap();
        for in_place in [false, true] {
            let mut step = right.clone();
            let result = step.run(&model, in_place);
            refused(result, Expected(Code::Unsupported, Argument::Direction, None, found, 0));
            untouched(&[&step.h, &step.c]);
        }
    }
}

// ---- size functions -------------------------------------------------------------------------------------------------

fn states_len_errors<C: Cell>() {
    let shape = Shape::new(3, 5).layers(2).bidirectional();
    let panels = vec![0.0; Model::<C>::panels_len(shape)];
    let model = Model::<C>::from_panels(shape, &panels).unwrap();
    assert_eq!(model.states_len(0), Ok(0));
    assert_eq!(model.states_len(7), Ok(140));
    assert_eq!(model.states_len(usize::MAX / 20), Ok(usize::MAX / 20 * 20));
    for batch in [usize::MAX / 20 + 1, usize::MAX / 2, usize::MAX] {
        refused(model.states_len(batch), Expected(Code::Overflow, Argument::Batch, None, i64::MAX, OVERFLOW));
    }
}

/// Of a single layer no outputs are kept, and their number is asked of nobody: here it is 2^32.
#[cfg(target_pointer_width = "32")]
#[test]
fn outputs_that_are_not_kept() {
    let shape = Shape::new(1, 1 << 10).bidirectional();
    let panels = vec![0.0; Model::<Tanh>::panels_len(shape)];
    let model = Model::<Tanh>::from_panels(shape, &panels).unwrap();
    let mut sorted_lengths = [0];
    let layout = Layout::from_sorted(&[1 << 21], &mut sorted_lengths).unwrap();
    let (input, mut hn, mut scratch) = (vec![0.0; 1 << 21], [0.0; 1 << 11], [0.0; 1 << 11]);
    let tasks =
        model.split_last(&layout, &input, States::new(&mut hn), &mut scratch, packed_rnn::Split::rows(1)).unwrap();
    assert_eq!(tasks.len(), 1);
}

/// Sizes beyond 2^64 without the memory: 2^20 sequences of 2^31 - 1 tokens each, and panels of which only the size is
/// looked at.
#[cfg(target_pointer_width = "64")]
#[test]
fn outputs_that_cannot_be_counted() {
    let lengths = vec![i32::MAX; (1 << 20) + 1];
    let mut sorted_lengths = vec![0; lengths.len()];
    let layout = Layout::from_sorted(&lengths, &mut sorted_lengths).unwrap();

    let shape = Shape::new(1, 1 << 12).bidirectional();
    let panels = vec![0.0; Model::<Tanh>::panels_len(shape)];
    let model = Model::<Tanh>::from_panels(shape, &panels).unwrap();
    let output = Expected(Code::Overflow, Argument::Output, None, i64::MAX, OVERFLOW);
    refused(model.output_len(&layout), output);
    refused(model.scratch_len(&layout), output);
    // Of a single layer no output is kept, but the states of both directions.
    assert_eq!(model.last_scratch_len(&layout), Ok(((1 << 20) + 1) << 13));
    let (mut hn, mut output) = ([PATTERN; 4], [PATTERN; 4]);
    let error = model.run(&layout, &[0.0; 4], States::new(&mut hn), &mut output, &mut []).err().unwrap();
    assert_eq!(error.code, Code::Overflow);
    untouched(&[&hn, &output]);
    let shape = shape.layers(2);
    let panels = vec![0.0; Model::<Tanh>::panels_len(shape)];
    let model = Model::<Tanh>::from_panels(shape, &panels).unwrap();
    let scratch = Expected(Code::Overflow, Argument::Scratch, None, i64::MAX, OVERFLOW);
    refused(model.last_scratch_len(&layout), scratch);
    refused(model.run_last(&layout, &[0.0; 4], States::new(&mut hn), &mut []), scratch);
    untouched(&[&hn]);

    // The outputs can be counted, the inputs cannot.
    let shape = Shape::new(1 << 13, 1);
    let panels = vec![0.0; Model::<Tanh>::panels_len(shape)];
    let model = Model::<Tanh>::from_panels(shape, &panels).unwrap();
    let error = model.run(&layout, &[0.0; 4], States::new(&mut hn), &mut output, &mut []).err().unwrap();
    assert_eq!((error.code, error.argument), (Code::Overflow, Argument::Input));
    untouched(&[&hn, &output]);

    // The states of a step can be counted, its inputs cannot.
    let result = model.step(1 << 60, &[0.0; 4], &hn, &mut output, &mut []);
    refused(result, Expected(Code::Overflow, Argument::Input, None, i64::MAX, OVERFLOW));
    let result = model.step_in_place(1 << 60, &[0.0; 4], &mut hn, &mut [], &mut output);
    refused(result, Expected(Code::Overflow, Argument::Input, None, i64::MAX, OVERFLOW));
    untouched(&[&hn, &output]);

    // The scratch of two layers between cannot be counted, though that of one can.
    let shape = Shape::new(1, 1 << 12).layers(3);
    let panels = vec![0.0; Model::<Tanh>::panels_len(shape)];
    let model = Model::<Tanh>::from_panels(shape, &panels).unwrap();
    model.scratch_len(&layout).unwrap();
    refused(model.last_scratch_len(&layout), Expected(Code::Overflow, Argument::Scratch, None, i64::MAX, OVERFLOW));
}

macro_rules! each_cell {
    ($($test:ident $property:ident),* $(,)?) => { $(
        #[test]
        fn $test() {
            $property::<Lstm>();
            $property::<Gru>();
            $property::<Tanh>();
            $property::<Relu>();
        }
    )* };
}
each_cell!(
    pack_says_what_is_wrong pack_errors,
    from_panels_says_what_is_wrong from_panels_errors,
    panels_that_cannot_be_counted huge_panels,
    run_says_what_is_wrong run_errors,
    step_says_what_is_wrong step_errors,
    states_that_cannot_be_counted states_len_errors,
    no_size_panics any_sizes,
);

// ---- any size into any function -------------------------------------------------------------------------------------

/// Small sizes, and such as overflow alone, in a sum or in a product.
fn size() -> impl Strategy<Value = usize> {
    let max = usize::MAX;
    prop_oneof![
        12 => 0..=5_usize,
        2 => 6..=40_usize,
        1 => (0..usize::BITS, -1..=1_i64).prop_map(|(bit, by)| (1_usize << bit).wrapping_add_signed(by as isize)),
        1 => (1..=20_usize, 0..=20_usize).prop_map(move |(part, less)| max / part - less),
    ]
}

/// Nearly the right size, or any small one; at most 4096.
fn near(rng: &mut Rng, right: Option<usize>) -> usize {
    let right = right.unwrap_or(0).min(4096);
    match rng.below(12) {
        0 => rng.below(40),
        1 => right + 1,
        2 => right.saturating_sub(1),
        3 => right / 2,
        _ => right,
    }
}

fn any_sizes<C: Reference>() {
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Reverse), Just(Direction::Bidirectional)];
    let lengths = prop::collection::vec(prop_oneof![4 => 0..5_usize, 1 => Just(i32::MAX as usize)], 0..4);
    let sizes = (size(), size(), size(), size());
    check(
        2500,
        (sizes, direction, lengths, any::<u64>()),
        |((input, hidden, layers, batch), direction, lengths, seed)| {
            let mut rng = Rng::new(seed);
            let rng = &mut rng;
            let shape = Shape::new(input, hidden).layers(layers).direction(direction);
            let (count, width) = (shape.count(), shape.output_size());
            let product = |a: usize, b: usize, c: usize| a.checked_mul(b).and_then(|ab| ab.checked_mul(c));

            // pack
            let len = Model::<C>::panels_len(shape);
            let mut panels = vec![PATTERN; near(rng, Some(len))];
            let values = vec![0.1; 4200];
            let some = |len: usize| &values[..len.min(values.len())];
            let weights: Vec<_> = (0..near(rng, Some(count)).min(100))
                .map(|index| {
                    let inputs = if index < direction.count() { input } else { width };
                    let rows = product(C::GATES, hidden, 1);
                    Weights {
                        weight_ih: some(near(rng, product(C::GATES, hidden, inputs))),
                        weight_hh: some(near(rng, product(C::GATES, hidden, hidden))),
                        bias_ih: (rng.below(4) > 0).then(|| some(near(rng, rows))),
                        bias_hh: (rng.below(4) > 0).then(|| some(near(rng, rows))),
                    }
                })
                .collect();
            if Model::<C>::pack(shape, &weights, &mut panels).is_err() {
                untouched(&[&panels]);
            }

            // What follows needs a model.
            if len > 1 << 16 {
                assert!(Model::<C>::from_panels(shape, &panels).is_err());
                return;
            }
            panels.resize(len, 0.1);
            let Ok(model) = Model::<C>::from_panels(shape, &panels) else {
                assert!(input == 0 || hidden == 0 || layers == 0);
                return;
            };
            let states = model.states_len(batch).ok();
            assert_eq!(states, product(count, hidden, batch));

            // step, step_in_place
            let mut step = Step {
                batch,
                input: vec![0.5; near(rng, product(batch, input, 1))],
                h_in: vec![0.5; near(rng, states)],
                h: vec![PATTERN; near(rng, states)],
                c: vec![PATTERN; near(rng, if C::HAS_C { states } else { Some(0) })],
                scratch: vec![PATTERN; near(rng, states)],
            };
            for in_place in [false, true] {
                let mut step = step.clone();
                match step.run(&model, in_place) {
                    Ok(()) => {
                        assert!(Some(step.h.len()) == states && Some(step.input.len()) == product(batch, input, 1))
                    }
                    Err(_) => untouched(&[&step.h, &step.c]),
                }
            }
            step.batch = usize::MAX - rng.below(3);
            assert!(step.run(&model, false).is_err());

            // run, run_last
            let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
            let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices);
            let Some(tokens) = lengths.iter().try_fold(0_usize, |sum, &length| sum.checked_add(length)) else {
                assert_eq!(layout.unwrap_err().code, Code::Overflow);
                return;
            };
            let layout = layout.unwrap();
            let states = product(count, hidden, lengths.len());
            for last in [false, true] {
                let needed = if last { model.last_scratch_len(&layout) } else { model.scratch_len(&layout) };
                let mut slices = Slices {
                    input: vec![0.5; near(rng, product(tokens, input, 1))],
                    h0: (rng.below(2) > 0).then(|| vec![0.5; near(rng, states)]),
                    c0: (rng.below(2) > 0 && (C::HAS_C || rng.below(8) == 0)).then(|| vec![0.5; near(rng, states)]),
                    hn: vec![PATTERN; near(rng, states)],
                    cn: vec![PATTERN; near(rng, if C::HAS_C { states } else { Some(0) })],
                    output: vec![PATTERN; near(rng, product(tokens, width, 1))],
                    scratch: vec![PATTERN; near(rng, needed.ok())],
                };
                match slices.run(&model, &layout, last) {
                    Ok(()) => {
                        assert_eq!(Some(slices.hn.len()), states);
                        assert_eq!(Some(slices.input.len()), product(tokens, input, 1));
                        assert!(last || Some(slices.output.len()) == product(tokens, width, 1));
                    }
                    Err(_) => untouched(&[&slices.hn, &slices.cn, &slices.output]),
                }
            }
        },
    );
}
