//! The same as `pointers` for models, runs, tasks and activations.

use crate::common::{Net, Rng};
use crate::door::{Door, Id, Len};
use crate::pieces::{LENGTHS, LayoutIds, ModelIds, StateIds, layout, model, panels, rust_shape, stacked, states};
use packed_rnn::capi::*;
use packed_rnn::{Argument, Gru, Layout, Lstm, Model};

// ---- models ---------------------------------------------------------------------------------------------------------

fn shape(door: &mut Door) -> Id {
    door.structure::<prnn_shape>(Argument::Shape)
}

#[test]
fn panels_len() {
    let mut door = Door::new("prnn_panels_len");
    let (shape, result) = (shape(&mut door), door.write::<usize>(Argument::Result, 1, Len::Fixed));
    door.check(
        |door| door.put(shape, 0, stacked()),
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe { prnn_panels_len(door.ptr(shape), door.ptr(result), error) },
    );
    assert_eq!(door.get::<usize>(result), Model::<Lstm>::panels_len(rust_shape(stacked())));
}

#[test]
fn panels_pack() {
    let mut door = Door::new("prnn_panels_pack");
    let (shape, one) = (shape(&mut door), prnn_shape { num_layers: 1, ..stacked() });
    let net: Net<Lstm> = Net::random(rust_shape(one), (true, true), &mut Rng::new(1));
    let list = door.read(Argument::Weights, &[[0_usize; 8]; 2], Len::AtLeast);
    let mut arrays = Vec::new();
    for (index, params) in net.params.iter().enumerate() {
        let all = [
            (Argument::WeightIh, &params.weight_ih),
            (Argument::WeightHh, &params.weight_hh),
            (Argument::BiasIh, params.bias_ih.as_ref().unwrap()),
            (Argument::BiasHh, params.bias_hh.as_ref().unwrap()),
        ];
        arrays.push(all.map(|(argument, values)| {
            let id = door.read(argument, values, Len::Own);
            door.at(id, index)
        }));
    }
    let expected = net.panels();
    let panels = door.write::<f32>(Argument::Panels, expected.len(), Len::Own);
    door.check(
        |door| {
            door.put(shape, 0, one);
            for (index, &[weight_ih, weight_hh, bias_ih, bias_hh]) in arrays.iter().enumerate() {
                let weights = prnn_weights {
                    weight_ih: door.ptr(weight_ih),
                    weight_ih_len: door.len(weight_ih),
                    weight_hh: door.ptr(weight_hh),
                    weight_hh_len: door.len(weight_hh),
                    bias_ih: door.ptr(bias_ih),
                    bias_ih_len: door.len(bias_ih),
                    bias_hh: door.ptr(bias_hh),
                    bias_hh_len: door.len(bias_hh),
                };
                door.put(list, index, weights);
            }
        },
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe {
            let (shape, list, len) = (door.ptr(shape), door.ptr(list), door.len(list));
            prnn_panels_pack(shape, list, len, door.ptr(panels), door.len(panels), error)
        },
    );
    assert_eq!(door.list::<f32>(panels), expected);
}

#[test]
fn model_new() {
    let mut door = Door::new("prnn_model_new");
    let shape = shape(&mut door);
    let panels = door.read(Argument::Panels, &panels(stacked()), Len::Own);
    let made = door.write::<prnn_model>(Argument::Model, 1, Len::Fixed);
    door.check(
        |door| door.put(shape, 0, stacked()),
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe {
            let (panels, len) = (door.ptr(panels), door.len(panels));
            prnn_model_new(door.ptr(shape), panels, len, PRNN_PANEL_FORMAT, door.ptr(made), error)
        },
    );
    let model: prnn_model = door.get(made);
    assert_eq!((model.panels, model.panels_len), (door.source(panels), door.len(panels)));
    assert_eq!((model.panel_format, model.backend), (PRNN_PANEL_FORMAT, prnn_backend_detect()));
}

#[test]
fn model_layer() {
    let mut door = Door::new("prnn_model_layer");
    let model = model(&mut door, stacked());
    let result = door.write::<prnn_model>(Argument::Result, 1, Len::Fixed);
    door.check(
        |door| model.put(door),
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe { prnn_model_layer(door.ptr(model.model), 2, door.ptr(result), error) },
    );
    let one: prnn_model = door.get(result);
    let sizes = |shape: prnn_shape| (shape.input_size, shape.hidden_size, shape.num_layers);
    assert_eq!(sizes(one.shape), (6, 3, 1));
    let len = Model::<Lstm>::panels_len(rust_shape(one.shape));
    let first = door.len(model.panels) - len;
    assert_eq!((one.panels, one.panels_len), (door.ptr::<f32>(model.panels).wrapping_add(first).cast_const(), len));
}

#[test]
fn backend_by_name() {
    let mut door = Door::new("prnn_backend_by_name");
    let name = door.read(Argument::Name, c"portable".to_bytes_with_nul(), Len::Fixed);
    let result = door.write::<prnn_backend>(Argument::Result, 1, Len::Fixed);
    door.check(
        |_| (),
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe { prnn_backend_by_name(door.ptr(name), door.ptr(result), error) },
    );
}

// ---- runs -----------------------------------------------------------------------------------------------------------

/// Functions that tell a size.
macro_rules! told_by_model {
    ($($function:ident: $type:ty = |$model:ident, $layout:ident| $value:expr, $over:expr;)*) => { $(
        #[test]
        fn $function() {
            let mut door = Door::new(stringify!($function));
            let model = model(&mut door, stacked());
            let layout = $over.then(|| layout(&mut door));
            let result = door.write::<$type>(Argument::Result, 1, Len::Fixed);
            door.check(
                |door| {
                    model.put(door);
                    if let Some(layout) = layout { layout.put(door) }
                },
                // SAFETY: the arena holds what is not wrong.
                |door, error| unsafe { told_by_model!(@ $function door model layout result error) },
            );
            let panels = panels(stacked());
            let $model = Model::<Lstm>::from_panels(rust_shape(stacked()), &panels).unwrap();
            let (mut lengths, mut order) = ([0; 4], [0; 4]);
            let $layout = &Layout::new(&LENGTHS, &mut lengths, &mut order).unwrap();
            assert_eq!(door.get::<$type>(result), $value);
        }
    )* };
    (@ prnn_states_len $door:ident $model:ident $layout:ident $result:ident $error:ident) => {
        packed_rnn::capi::prnn_states_len($door.ptr($model.model), 4, $door.ptr($result), $error)
    };
    (@ prnn_ahead_len $door:ident $model:ident $layout:ident $result:ident $error:ident) => {
        packed_rnn::capi::prnn_ahead_len($door.ptr($model.model), $door.ptr($result), $error)
    };
    (@ $function:ident $door:ident $model:ident $layout:ident $result:ident $error:ident) => {
        packed_rnn::capi::$function($door.ptr($model.model), $door.ptr($layout.unwrap().layout), $door.ptr($result), $error)
    };
}
told_by_model! {
    prnn_states_len: usize = |model, layout| model.states_len(layout.batch()).unwrap(), false;
    prnn_ahead_len: usize = |model, _layout| model.ahead_len(), false;
    prnn_output_len: usize = |model, layout| model.output_len(layout).unwrap(), true;
    prnn_scratch_len: usize = |model, layout| model.scratch_len(layout).unwrap(), true;
    prnn_last_scratch_len: usize = |model, layout| model.last_scratch_len(layout).unwrap(), true;
    prnn_cost: u64 = |model, layout| model.cost(layout), true;
}

/// What all runs take: model, layout, input, states, and scratch of so many floats.
struct RunIds {
    model: ModelIds,
    layout: LayoutIds,
    input: Id,
    states: StateIds,
    scratch: Id,
}

fn run_ids(door: &mut Door, scratch: usize) -> RunIds {
    RunIds {
        model: model(door, stacked()),
        layout: layout(door),
        input: door.read(Argument::Input, &[0.5_f32; 7 * 3], Len::Own),
        states: states(door, 6 * 4 * 3),
        scratch: door.write::<f32>(Argument::Scratch, scratch, Len::AtLeast),
    }
}

impl RunIds {
    fn put(&self, door: &Door) {
        self.model.put(door);
        self.layout.put(door);
        self.states.put(door);
    }
}

#[test]
fn run() {
    let mut door = Door::new("prnn_run");
    let ids = run_ids(&mut door, 7 * 6);
    let output = door.write::<f32>(Argument::Output, 7 * 6, Len::Own);
    // SAFETY: the arena holds what is not wrong.
    let call = |door: &Door, error| unsafe {
        let (model, layout, states) =
            (door.ptr(ids.model.model), door.ptr(ids.layout.layout), door.ptr(ids.states.states));
        let (input, input_len, output, output_len) =
            (door.ptr(ids.input), door.len(ids.input), door.ptr(output), door.len(output));
        let (scratch, scratch_len) = (door.ptr(ids.scratch), door.len(ids.scratch));
        prnn_run(model, layout, input, input_len, states, output, output_len, scratch, scratch_len, error)
    };
    door.check(|door| ids.put(door), call);
}

#[test]
fn run_last() {
    let mut door = Door::new("prnn_run_last");
    let ids = run_ids(&mut door, 4 * 6 + 2 * 7 * 6);
    // SAFETY: the arena holds what is not wrong.
    let call = |door: &Door, error| unsafe {
        let (model, layout, states) =
            (door.ptr(ids.model.model), door.ptr(ids.layout.layout), door.ptr(ids.states.states));
        let (input, input_len) = (door.ptr(ids.input), door.len(ids.input));
        let (scratch, scratch_len) = (door.ptr(ids.scratch), door.len(ids.scratch));
        prnn_run_last(model, layout, input, input_len, states, scratch, scratch_len, error)
    };
    door.check(|door| ids.put(door), call);
}

fn forward() -> prnn_shape {
    prnn_shape { direction: PRNN_FORWARD, num_layers: 2, ..stacked() }
}

#[test]
fn step() {
    let mut door = Door::new("prnn_step");
    let model = model(&mut door, forward());
    let input = door.read(Argument::Input, &[0.5_f32; 4 * 3], Len::Own);
    let h_in = door.read(Argument::HIn, &[0.5_f32; 2 * 4 * 3], Len::Own);
    let h_out = door.write::<f32>(Argument::HOut, 2 * 4 * 3, Len::Own);
    let c = door.change(Argument::C, &[0.5_f32; 2 * 4 * 3]);
    // SAFETY: the arena holds what is not wrong.
    let call = |door: &Door, error| unsafe {
        let [input_len, h_in_len, h_out_len, c_len] = [input, h_in, h_out, c].map(|id| door.len(id));
        let [input, h_in, h_out, c] = [input, h_in, h_out, c].map(|id| door.ptr(id));
        prnn_step(door.ptr(model.model), 4, input, input_len, h_in, h_in_len, h_out, h_out_len, c, c_len, error)
    };
    door.check(|door| model.put(door), call);
}

#[test]
fn step_in_place() {
    let mut door = Door::new("prnn_step_in_place");
    let model = model(&mut door, forward());
    let input = door.read(Argument::Input, &[0.5_f32; 4 * 3], Len::Own);
    let h = door.change(Argument::H, &[0.5_f32; 2 * 4 * 3]);
    let c = door.change(Argument::C, &[0.5_f32; 2 * 4 * 3]);
    let scratch = door.write::<f32>(Argument::Scratch, 2 * 4 * 3, Len::AtLeast);
    // SAFETY: the arena holds what is not wrong.
    let call = |door: &Door, error| unsafe {
        let [input_len, h_len, c_len, scratch_len] = [input, h, c, scratch].map(|id| door.len(id));
        let [input, h, c, scratch] = [input, h, c, scratch].map(|id| door.ptr(id));
        prnn_step_in_place(door.ptr(model.model), 4, input, input_len, h, h_len, c, c_len, scratch, scratch_len, error)
    };
    door.check(|door| model.put(door), call);
}

// ---- tasks ----------------------------------------------------------------------------------------------------------

/// How a run is split, and where the tasks go.
struct CutIds {
    cuts: Id,
    places: Id,
    tasks: Id,
    result: Id,
}

fn cut_ids(door: &mut Door) -> CutIds {
    CutIds {
        cuts: door.structure::<prnn_cuts>(Argument::Cuts),
        places: door.read(Argument::Places, &[1_usize, 2], Len::Any),
        tasks: door.write::<prnn_task>(Argument::Tasks, 3, Len::AtLeast),
        result: door.write::<usize>(Argument::Result, 1, Len::Fixed),
    }
}

impl CutIds {
    fn put(&self, door: &Door) {
        let (places, places_len) = (door.source(self.places), door.len(self.places));
        door.put(self.cuts, 0, prnn_cuts { tasks: 0, places, places_len, by_direction: 0 });
    }
}

#[test]
fn split() {
    let mut door = Door::new("prnn_split");
    let (ids, cuts) = (run_ids(&mut door, 7 * 6), cut_ids(&mut door));
    let output = door.write::<f32>(Argument::Output, 7 * 6, Len::Own);
    // SAFETY: the arena holds what is not wrong.
    let call = |door: &Door, error| unsafe {
        let (model, layout, states) =
            (door.ptr(ids.model.model), door.ptr(ids.layout.layout), door.ptr(ids.states.states));
        let (input, input_len, output, output_len) =
            (door.ptr(ids.input), door.len(ids.input), door.ptr(output), door.len(output));
        let (scratch, scratch_len) = (door.ptr(ids.scratch), door.len(ids.scratch));
        let (tasks, tasks_len, result, cuts) =
            (door.ptr(cuts.tasks), door.len(cuts.tasks), door.ptr(cuts.result), door.ptr(cuts.cuts));
        prnn_split(
            model,
            layout,
            input,
            input_len,
            states,
            output,
            output_len,
            scratch,
            scratch_len,
            cuts,
            tasks,
            tasks_len,
            result,
            error,
        )
    };
    door.check(
        |door| {
            ids.put(door);
            cuts.put(door);
        },
        call,
    );
    assert_eq!(door.get::<usize>(cuts.result), 3);
}

#[test]
fn split_last() {
    let mut door = Door::new("prnn_split_last");
    let (ids, cuts) = (run_ids(&mut door, 4 * 6 + 2 * 7 * 6), cut_ids(&mut door));
    // SAFETY: the arena holds what is not wrong.
    let call = |door: &Door, error| unsafe {
        let (model, layout, states) =
            (door.ptr(ids.model.model), door.ptr(ids.layout.layout), door.ptr(ids.states.states));
        let (input, input_len) = (door.ptr(ids.input), door.len(ids.input));
        let (scratch, scratch_len) = (door.ptr(ids.scratch), door.len(ids.scratch));
        let (tasks, tasks_len, result, cuts) =
            (door.ptr(cuts.tasks), door.len(cuts.tasks), door.ptr(cuts.result), door.ptr(cuts.cuts));
        prnn_split_last(
            model,
            layout,
            input,
            input_len,
            states,
            scratch,
            scratch_len,
            cuts,
            tasks,
            tasks_len,
            result,
            error,
        )
    };
    door.check(
        |door| {
            ids.put(door);
            cuts.put(door);
        },
        call,
    );
    assert_eq!(door.get::<usize>(cuts.result), 3);
}

/// Memory in which a task was made where it lies, of a run that stays.
fn task(door: &mut Door) -> Id {
    let shape = prnn_shape { cell: PRNN_GRU, num_layers: 1, ..stacked() };
    let net: Net<Gru> = Net::random(rust_shape(shape), (true, true), &mut Rng::new(1));
    let panels = net.panels().leak();
    let (mut model, mut layout) = (core::mem::MaybeUninit::uninit(), core::mem::MaybeUninit::uninit());
    let (hn, output) = (vec![0.0_f32; 2 * 4 * 3].leak(), vec![0.0_f32; 7 * 6].leak());
    let (states, error) = (core::mem::MaybeUninit::<prnn_states>::zeroed(), core::ptr::null_mut());
    let id = door.write::<prnn_task>(Argument::Task, 1, Len::Fixed);
    // SAFETY: all is of the right size, and is leaked.
    unsafe {
        let format = PRNN_PANEL_FORMAT;
        assert_eq!(prnn_model_new(&shape, panels.as_ptr(), panels.len(), format, model.as_mut_ptr(), error), PRNN_OK);
        let lengths = vec![0; 4].leak().as_mut_ptr();
        assert_eq!(
            packed_rnn::capi::prnn_layout_from_sorted_size(
                [4, 2, 1, 0].as_ptr(),
                4,
                lengths,
                layout.as_mut_ptr(),
                error
            ),
            PRNN_OK
        );
        let states = prnn_states { hn: hn.as_mut_ptr(), hn_len: hn.len(), ..states.assume_init() };
        let input = vec![0.5_f32; 7 * 3].leak();
        let cuts = prnn_cuts { tasks: 1, places: core::ptr::null(), places_len: 0, by_direction: 0 };
        let mut made = 0;
        let status = prnn_split(
            model.as_ptr(),
            layout.as_ptr(),
            input.as_ptr(),
            input.len(),
            &states,
            output.as_mut_ptr(),
            output.len(),
            core::ptr::null_mut(),
            0,
            &cuts,
            door.ptr(id),
            1,
            &mut made,
            error,
        );
        assert_eq!((status, made), (PRNN_OK, 1));
    }
    id
}

macro_rules! told_by_task {
    ($($function:ident($($argument:expr),*): $type:ty = $value:expr;)*) => { $(
        #[test]
        fn $function() {
            let mut door = Door::new(stringify!($function));
            let task = task(&mut door);
            let result = door.write::<$type>(Argument::Result, 1, Len::Fixed);
            // SAFETY: the arena holds what is not wrong.
            door.check(|_| (), |door, error| unsafe {
                packed_rnn::capi::$function(door.ptr(task), $($argument,)* door.ptr(result), error)
            });
            assert_eq!(door.get::<$type>(result), $value);
        }
    )* };
}
told_by_task! {
    prnn_task_advance(3): bool = false;
    prnn_task_steps_left(): usize = 8;
    prnn_task_places(): prnn_range = prnn_range { first: 0, end: 4 };
    prnn_task_directions(): prnn_range = prnn_range { first: 0, end: 2 };
}

#[test]
fn task_cost() {
    let mut door = Door::new("prnn_task_cost");
    let (task, result) = (task(&mut door), door.write::<u64>(Argument::Result, 1, Len::Fixed));
    // SAFETY: the arena holds what is not wrong.
    door.check(|_| (), |door, error| unsafe { prnn_task_cost(door.ptr(task), door.ptr(result), error) });
    assert!((7 * 18 * 7..7 * 18 * 100).contains(&door.get::<u64>(result)));
}

#[test]
fn task_finish() {
    let mut door = Door::new("prnn_task_finish");
    let task = task(&mut door);
    // SAFETY: the arena holds what is not wrong.
    door.check(|_| (), |door, error| unsafe { prnn_task_finish(door.ptr(task), error) });
}

// ---- values ---------------------------------------------------------------------------------------------------------

macro_rules! in_place {
    ($($function:ident;)*) => { $(
        #[test]
        fn $function() {
            let mut door = Door::new(stringify!($function));
            let values = door.write::<f32>(Argument::Values, 5, Len::Any);
            // SAFETY: the arena holds what is not wrong.
            door.check(|_| (), |door, error| unsafe {
                packed_rnn::capi::$function(prnn_backend_detect(), door.ptr(values), door.len(values), error)
            });
        }
    )* };
}
in_place! {
    prnn_exp;
    prnn_sigmoid;
    prnn_tanh;
}
