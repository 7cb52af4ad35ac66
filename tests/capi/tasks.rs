//! Tasks of C: the bits of the undivided run, in turns and on threads; and what is no task.

use crate::common::{Batch, Net, Rng, every_cell, same_bits};
use crate::network::{Numbered, Run, Tasks, model, ok, panels, told};
use packed_rnn::capi::*;
use packed_rnn::{Backend, Code, Gru, Shape};

const LENGTHS: [usize; 9] = [5, 0, 30, 1, 30, 3, 8, 2, 17];

fn cuts(tasks: usize) -> prnn_cuts {
    prnn_cuts { tasks, places: core::ptr::null(), places_len: 0, by_direction: 0 }
}

fn at(places: &[usize]) -> prnn_cuts {
    prnn_cuts { tasks: 0, places: places.as_ptr(), places_len: places.len(), by_direction: 0 }
}

/// A task's memory, for a thread.
struct Sent(*mut prnn_task);

// SAFETY: a task may be used on any thread, by one at a time.
unsafe impl Send for Sent {}

/// Runs the tasks in turns, a few steps at a time, each piece on another thread.
fn drive(tasks: &mut Tasks) {
    let mut waiting: Vec<_> = tasks.0.iter_mut().map(|task| &raw mut *task).collect();
    while let Some(task) = waiting.pop() {
        let left: usize = told!(prnn_task_steps_left(task));
        let sent = Sent(task);
        let done = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let sent = sent;
                    let done: bool = told!(prnn_task_advance(sent.0, 7));
                    done
                })
                .join()
                .unwrap()
        });
        let now: usize = told!(prnn_task_steps_left(task));
        assert_eq!((now, done), (left.saturating_sub(7), left <= 7));
        if !done {
            waiting.insert(0, task);
        }
    }
}

fn tasks_have_the_bits_of_the_run<C: Numbered>(backend: Backend) {
    let shape = Shape::new(17, 20).layers(2).bidirectional();
    let net = Net::<C>::random(shape, (true, true), &mut Rng::new(3));
    let batch = Batch::random::<C>(shape, &LENGTHS, (true, true), &mut Rng::new(4));
    let panels = panels(&net);
    let model = model::<C>(shape, &panels, backend);
    for last in [false, true] {
        let mut whole = Run::new::<C>(&model, &batch, last);
        if last {
            whole.run_last(&model)
        } else {
            whole.run(&model)
        }
        let cost: u64 = told!(prnn_cost(&model, &whole.layout.layout));
        for cuts in [cuts(1), cuts(3), cuts(100), at(&[1, 2, 7])] {
            let mut run = Run::new::<C>(&model, &batch, last);
            let mut tasks = Tasks::new(9);
            run.split(&model, cuts, &mut tasks, last);
            assert!(!tasks.0.is_empty() && tasks.0.len() <= cuts.tasks.max(4));
            let mut next = 0;
            for task in &tasks.0 {
                let places: prnn_range = told!(prnn_task_places(task));
                let directions: prnn_range = told!(prnn_task_directions(task));
                assert_eq!((places.first, directions), (next, prnn_range { first: 0, end: 2 }));
                assert!(told!(prnn_task_cost(task)) <= cost);
                next = places.end;
            }
            assert_eq!(next, LENGTHS.len());
            if cuts.tasks == 3 {
                tasks.0.iter_mut().for_each(|task| ok!(prnn_task_finish(task)));
                // Once more does nothing.
                tasks.0.iter_mut().for_each(|task| ok!(prnn_task_finish(task)));
            } else {
                drive(&mut tasks);
            }
            same_bits(&run.hn, &whole.hn, "hn");
            same_bits(&run.cn, &whole.cn, "cn");
            same_bits(&run.output, &whole.output, "output");
        }
    }
}

/// One layer, a task for each direction.
fn by_direction<C: Numbered>(backend: Backend) {
    let shape = Shape::new(17, 20).bidirectional();
    let net = Net::<C>::random(shape, (true, true), &mut Rng::new(3));
    let batch = Batch::random::<C>(shape, &LENGTHS, (true, true), &mut Rng::new(4));
    let panels = panels(&net);
    let model = model::<C>(shape, &panels, backend);
    let (mut whole, mut run) = (Run::new::<C>(&model, &batch, false), Run::new::<C>(&model, &batch, false));
    whole.run(&model);
    let mut tasks = Tasks::new(4);
    run.split(&model, prnn_cuts { by_direction: -1, ..cuts(2) }, &mut tasks, false);
    assert_eq!(tasks.0.len(), 4);
    drive(&mut tasks);
    same_bits(&run.hn, &whole.hn, "hn");
    same_bits(&run.output, &whole.output, "output");
}

every_cell!(tasks_have_the_bits_of_the_run, by_direction);

/// A run of a GRU, split into tasks.
fn split(panels: &mut Vec<f32>) -> (Run, Tasks, prnn_model) {
    let shape = Shape::new(3, 5);
    let net = Net::<Gru>::random(shape, (true, true), &mut Rng::new(3));
    let batch = Batch::random::<Gru>(shape, &LENGTHS, (true, true), &mut Rng::new(4));
    *panels = crate::network::panels(&net);
    let model = model::<Gru>(shape, panels, Backend::detect());
    let (mut run, mut tasks) = (Run::new::<Gru>(&model, &batch, false), Tasks::new(3));
    run.split(&model, cuts(3), &mut tasks, false);
    (run, tasks, model)
}

#[test]
fn what_is_no_task_is_refused() {
    let (mut panels, mut error) = (Vec::new(), prnn_error::default());
    let (mut run, mut tasks, _) = split(&mut panels);
    let output = run.output.clone();
    // SAFETY: memory for tasks, whatever is in it.
    let mut all_refuse = |task: &mut prnn_task, what: &str| unsafe {
        let (mut done, mut number, mut cost) = (false, 7, 7);
        let mut range = prnn_range { first: 7, end: 7 };
        let statuses = [
            prnn_task_finish(task, &mut error),
            prnn_task_advance(task, 1, &mut done, &mut error),
            prnn_task_steps_left(task, &mut number, &mut error),
            prnn_task_places(task, &mut range, &mut error),
            prnn_task_directions(task, &mut range, &mut error),
            prnn_task_cost(task, &mut cost, &mut error),
        ];
        assert_eq!(statuses, [Code::NotATask as i32; 6], "{what}");
        assert_eq!((done, number, cost, range), (false, 7, 7, prnn_range { first: 7, end: 7 }), "{what}");
        assert_eq!(error.argument, packed_rnn::Argument::Task as i32);
    };
    // SAFETY: zeros are such memory.
    let mut zeros: prnn_task = unsafe { core::mem::zeroed() };
    all_refuse(&mut zeros, "zeros");
    // SAFETY: a copy, as memcpy makes it.
    let mut copy = unsafe { core::ptr::read(&tasks.0[0]) };
    all_refuse(&mut copy, "a copy of a task");
    for bit in 0..usize::BITS {
        tasks.0[0].tag ^= 1 << bit;
        all_refuse(&mut tasks.0[0], "a task with another tag");
        tasks.0[0].tag ^= 1 << bit;
    }
    same_bits(&run.output, &output, "untouched");
    drive(&mut tasks);
    assert!(run.output.iter().all(|x| x.is_finite()));
    run.output.clear();
}

#[test]
fn too_few_places_for_tasks() {
    let mut panels = Vec::new();
    let (mut run, _, model) = split(&mut panels);
    let mut whole = Tasks::new(3);
    let pattern = 1234;
    let (states, mut made, mut error) = (run.states(), pattern, prnn_error::default());
    let cuts = at(&[2, 5]);
    let (hn, output) = (run.hn.clone(), run.output.clone());
    // SAFETY: all is of the right size; of the tasks there is room for fewer.
    let status = unsafe {
        let (input, input_len, out, out_len) =
            (run.input.as_ptr(), run.input.len(), run.output.as_mut_ptr(), run.output.len());
        let (layout, none, room) = (&run.layout.layout, core::ptr::null_mut(), whole.0.as_mut_ptr());
        prnn_split(
            &model, layout, input, input_len, &states, out, out_len, none, 0, &cuts, room, 2, &mut made, &mut error,
        )
    };
    assert_eq!((status, error.found, error.expected, made), (Code::WrongCount as i32, 2, 3, pattern));
    assert_eq!(error.argument, packed_rnn::Argument::Tasks as i32);
    same_bits(&run.hn, &hn, "hn");
    same_bits(&run.output, &output, "output");
}

/// Tasks of an earlier split that are beyond those of a later one are gone; a split that is refused leaves all.
#[test]
fn tasks_left_over_of_an_earlier_split() {
    let mut panels = Vec::new();
    let (mut run, mut tasks, model) = split(&mut panels);
    assert_eq!(tasks.0.len(), 3);
    let shape = Shape::new(3, 5);
    let batch = Batch::random::<Gru>(shape, &LENGTHS, (true, true), &mut Rng::new(4));
    for last in [false, true] {
        let (mut second, mut whole) = (Run::new::<Gru>(&model, &batch, last), Run::new::<Gru>(&model, &batch, last));
        if last {
            whole.run_last(&model)
        } else {
            whole.run(&model)
        }
        run.split(&model, cuts(3), &mut tasks, false);
        let room = tasks.0.as_mut_ptr();
        second.split(&model, cuts(2), &mut tasks, last);
        assert_eq!(tasks.0.len(), 2);
        let (mut left, mut error) = (7, prnn_error::default());
        // SAFETY: the room is there, and each entry was written.
        let status = unsafe { prnn_task_steps_left(room.wrapping_add(2), &mut left, &mut error) };
        assert_eq!((status, left), (Code::NotATask as i32, 7));
        // SAFETY: the same.
        let status = unsafe { prnn_task_finish(room.wrapping_add(2), &mut error) };
        assert_eq!((status, error.argument), (Code::NotATask as i32, packed_rnn::Argument::Task as i32));
        // What is refused leaves the tasks that are there.
        let (states, mut made) = (second.states(), 77);
        // SAFETY: all is there; the input is too short for the layout.
        let status = unsafe {
            let (layout, input, scratch) = (&second.layout.layout, second.input.as_ptr(), second.scratch.as_mut_ptr());
            let (len, cuts) = (second.scratch.len(), cuts(1));
            prnn_split_last(&model, layout, input, 1, &states, scratch, len, &cuts, room, 3, &mut made, &mut error)
        };
        assert_eq!((status, made), (Code::WrongLen as i32, 77));
        drive(&mut tasks);
        same_bits(&second.hn, &whole.hn, "hn");
        same_bits(&second.output, &whole.output, "output");
    }
}
