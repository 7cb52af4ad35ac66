//! Small runs of every kind, each against its sequences alone: few enough to be interpreted, which is how `ci/borrows.sh`
//! sees whether every pointer may still be followed where it is.

use packed_rnn::{Cell, Gru, Layout, Lstm, Model, Shape, Split, States, Tanh};

const INPUTS: usize = 2;

fn floats(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 37 % 101) as f32 - 50.0) / 100.0).collect()
}

/// The outputs and final states, by `run` or in tasks.
fn run<C: Cell>(model: &Model<'_, C>, lengths: &[usize], input: &[f32], tasks: usize) -> [Vec<f32>; 3] {
    let (mut sorted_lengths, mut order) = (vec![0; lengths.len()], vec![0; lengths.len()]);
    let layout = Layout::new(lengths, &mut sorted_lengths, &mut order).unwrap();
    let states = model.states_len(lengths.len()).unwrap();
    let (mut hn, mut cn) = (vec![0.0; states], vec![0.0; if C::HAS_C { states } else { 0 }]);
    let mut output = vec![0.0; model.output_len(&layout).unwrap()];
    let mut scratch = vec![0.0; model.scratch_len(&layout).unwrap() + model.ahead_len()];
    let given = States { h0: None, c0: None, hn: &mut hn, cn: &mut cn };
    if tasks == 1 {
        model.run(&layout, input, given, &mut output, &mut scratch).unwrap();
    } else {
        let tasks = model.split(&layout, input, given, &mut output, &mut scratch, Split::at(&[1])).unwrap();
        let mut tasks: Vec<_> = tasks.collect();
        // In turns, a step each, until all say that they are at their end.
        while tasks.iter_mut().map(|task| task.advance(1)).filter(|done| !done).count() > 0 {}
    }
    [output, hn, cn]
}

fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|x| x.to_bits()).collect()
}

/// Sequences of 2 and 1 tokens: packed, rows 0 and 2 are the first one's, row 1 the second one's.
fn of<C: Cell>(hidden: usize) {
    let shape = Shape::new(INPUTS, hidden);
    let panels = floats(Model::<C>::panels_len(shape));
    let model = Model::<C>::from_panels(shape, &panels).unwrap();
    let input = floats(3 * INPUTS);
    let [output, hn, cn] = run(&model, &[2, 1], &input, 1);
    let [split, ..] = run(&model, &[2, 1], &input, 2);
    assert_eq!(bits(&output), bits(&split), "tasks, {hidden} units");
    let (first, others) = input.split_at(INPUTS);
    let (second, third) = others.split_at(INPUTS);
    let [alone, ..] = run(&model, &[2], &[first, third].concat(), 1);
    assert_eq!(bits(&alone), bits(&[&output[..hidden], &output[2 * hidden..]].concat()), "alone, {hidden} units");
    // The second sequence's only token as a step.
    let (mut h, mut c) = (vec![0.0; hidden], vec![0.0; if C::HAS_C { hidden } else { 0 }]);
    model.step(1, second, &vec![0.0; hidden], &mut h, &mut c).unwrap();
    assert_eq!(bits(&h), bits(&hn[hidden..]), "a step, {hidden} units");
    assert_eq!(bits(&c), bits(cn.get(hidden..).unwrap_or_default()), "a step's second state, {hidden} units");
}

/// A tail alone, a block and a tail, by each kind of cell.
#[test]
fn small_runs() {
    for hidden in [3, 17] {
        of::<Lstm>(hidden);
        of::<Gru>(hidden);
        of::<Tanh>(hidden);
    }
}
