//! Tasks: any split, in any order, in slices of any size, on any threads, is bit for bit the undivided run. For every
//! cell on every backend. `ci/threads.sh` runs this under ThreadSanitizer, which sees what the portable backend writes.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Batch, Memory, Net, Out, Reference, Rng, Setup, check, every_cell, setups};
use packed_rnn::{Argument, Backend, Cell, Code, Direction, Error, Gru, Layout, Lstm, Model, Shape, Split, States};
use packed_rnn::{Task, Tasks};
use std::sync::{Mutex, MutexGuard, TryLockError};

// ---- the same bits --------------------------------------------------------------------------------------------------

/// Cuts at random places of a batch.
fn places(batch: usize, rng: &mut Rng) -> Vec<usize> {
    (1..batch).filter(|_| rng.below(3) == 0).collect()
}

/// Room for the tasks' windows, or none.
fn memory<C: Cell>(setup: &Setup, rng: &mut Rng) -> Memory {
    let ahead = C::GATES * setup.shape.hidden_size;
    Memory { extra: [0, 9 * ahead, 24 * ahead, 60 * ahead][rng.below(4)], ..Memory::default() }
}

/// Runs the undivided batch and 1 to 8 tasks, cut by cost and at random places, with outputs and without.
fn split_as<C: Reference>(setup: &Setup, backend: Backend, mut drive: impl FnMut(Tasks<'_, C>, &mut Rng)) {
    let (net, batch) = setup.both::<C>();
    let panels = net.panels();
    let model = Model::<C>::from_panels(setup.shape, &panels).unwrap().with_backend(backend);
    let whole = batch.run(&model);
    let mut rng = Rng::new(setup.seed ^ 5);
    for _ in 0..2 {
        let places = places(batch.len(), &mut rng);
        for split in [Split::rows(1 + rng.below(8)), Split::at(&places)] {
            let directions =
                if setup.shape.num_layers == 1 && rng.below(2) == 0 { split.by_direction() } else { split };
            let memory = memory::<C>(setup, &mut rng);
            let mut run = |keep| batch.split(&model, &memory, keep, directions, |tasks| drive(tasks, &mut rng));
            run(true).same_bits(&whole, &format!("{directions:?}"));
            run(false).same_states(&whole, &format!("{directions:?}, last"));
        }
    }
}

fn any_order<C: Reference>(backend: Backend) {
    check(150, setups(), |setup| {
        split_as::<C>(&setup, backend, |tasks, rng| {
            let mut tasks: Vec<_> = tasks.collect();
            while !tasks.is_empty() {
                tasks.swap_remove(rng.below(tasks.len())).finish();
            }
        });
    });
}

/// Slices of 0 to 5 steps of whichever task.
fn any_slices<C: Reference>(backend: Backend) {
    check(150, setups(), |setup| {
        split_as::<C>(&setup, backend, |tasks, rng| {
            let mut tasks: Vec<_> = tasks.collect();
            while !tasks.is_empty() {
                let at = rng.below(tasks.len());
                let (steps, left) = (rng.below(6), tasks[at].steps_left());
                let done = tasks[at].advance(steps);
                assert_eq!(tasks[at].steps_left(), left.saturating_sub(steps), "{steps} of {left} steps");
                assert_eq!(done, left <= steps, "{steps} of {left} steps");
                if done {
                    assert!(tasks[at].advance(rng.below(2)), "it stays done");
                    drop(tasks.swap_remove(at));
                }
            }
        });
    });
}

/// A thread for each task, and threads that take slices of whichever task is there.
fn any_threads<C: Reference>(backend: Backend) {
    check(20, setups(), |setup| {
        split_as::<C>(&setup, backend, |tasks, rng| {
            if rng.below(2) == 0 {
                on_threads(tasks.map(|task| || task.finish()));
                return;
            }
            let tasks = Mutex::new(tasks.collect::<Vec<_>>());
            let tasks = &tasks;
            let seeds: Vec<_> = (0..3).map(|_| rng.next()).collect();
            on_threads(seeds.into_iter().map(|seed| {
                move || {
                    let mut rng = Rng::new(seed);
                    while let Some(mut task) = take(tasks, &mut rng) {
                        if !task.advance(1 + rng.below(4)) {
                            lock(tasks).push(task);
                        }
                    }
                }
            }));
            // The last that found none may have come before another put its task back; that one then went on with it.
            assert!(lock(tasks).is_empty());
        });
    });
}

/// Joins by hand: ThreadSanitizer sees that, and not how a scope's end waits, as `std` is not built for it.
fn on_threads<F: FnOnce() + Send>(work: impl Iterator<Item = F>) {
    std::thread::scope(|scope| {
        let threads: Vec<_> = work.map(|work| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Waits by trying, for the same reason.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            Err(TryLockError::Poisoned(error)) => panic!("{error}"),
        }
    }
}

/// Any of the tasks.
fn take<T>(tasks: &Mutex<Vec<T>>, rng: &mut Rng) -> Option<T> {
    let mut tasks = lock(tasks);
    let at = rng.below(tasks.len().max(1));
    (at < tasks.len()).then(|| tasks.swap_remove(at))
}

/// A stack of layers in both directions, a layer after another, each in tasks by rows and direction.
fn layer_by_layer<C: Reference>(backend: Backend) {
    check(60, setups(), |setup| {
        let (net, batch) = setup.both::<C>();
        let panels = net.panels();
        let model = Model::<C>::from_panels(setup.shape, &panels).unwrap().with_backend(backend);
        assert!(model.layer(setup.shape.num_layers).is_none());
        let whole = batch.run(&model);
        let per_layer = setup.shape.output_size() * batch.len();
        let (mut hn, mut cn) = (vec![], vec![]);
        let mut one = batch.clone();
        for layer in 0..setup.shape.num_layers {
            let states =
                |states: &Option<Vec<f32>>| states.as_ref().map(|s| s[layer * per_layer..][..per_layer].to_vec());
            let model = model.layer(layer).unwrap();
            let shape = model.shape();
            assert_eq!((shape.num_layers, shape.direction), (1, setup.shape.direction));
            one = Batch {
                input_size: shape.input_size,
                count: shape.count(),
                h0: states(&batch.h0),
                c0: states(&batch.c0),
                ..one
            };
            let out = one.split(&model, &Memory::default(), true, Split::rows(3).by_direction(), |tasks| {
                tasks.for_each(Task::finish);
            });
            one.sequences = out.outputs;
            hn.extend(out.hn);
            cn.extend(out.cn);
        }
        let Out { hidden, count, .. } = whole;
        Out { hidden, count, outputs: one.sequences, hn, cn }.same_bits(&whole, "layer by layer");
    });
}

every_cell!(any_order, any_slices, any_threads, layer_by_layer);

// ---- tasks ----------------------------------------------------------------------------------------------------------

const SHAPE: Shape = Shape::new(3, 5);

/// What a test needs to split a run of these lengths.
struct Place {
    panels: Vec<f32>,
    sorted_lengths: Vec<u32>,
    sorted_indices: Vec<u32>,
    lengths: Vec<usize>,
    hn: Vec<f32>,
    output: Vec<f32>,
    input: Vec<f32>,
    backend: Backend,
}

impl Place {
    fn new(shape: Shape, lengths: &[usize]) -> Self {
        let tokens: usize = lengths.iter().sum();
        Self {
            panels: Net::<Gru>::random(shape, (true, true), &mut Rng::new(1)).panels(),
            sorted_lengths: vec![0; lengths.len()],
            sorted_indices: vec![0; lengths.len()],
            lengths: lengths.to_vec(),
            hn: vec![7.0; shape.count() * shape.hidden_size * lengths.len()],
            output: vec![7.0; tokens * shape.output_size()],
            input: Rng::new(2).floats(tokens * shape.input_size, 1.0),
            backend: Backend::detect(),
        }
    }

    fn split(&mut self, shape: Shape, split: Split<'_>, work: impl FnOnce(Tasks<'_, Gru>)) -> Result<(), Error> {
        let model = Model::<Gru>::from_panels(shape, &self.panels).unwrap().with_backend(self.backend);
        let layout = Layout::new(&self.lengths, &mut self.sorted_lengths, &mut self.sorted_indices).unwrap();
        let mut scratch = vec![0.0; model.scratch_len(&layout).unwrap()];
        let states = States::new(&mut self.hn);
        work(model.split(&layout, &self.input, states, &mut self.output, &mut scratch, split)?);
        Ok(())
    }
}

#[test]
fn tasks_may_be_sent_and_networks_be_shared() {
    fn sent<T: Send>() {}
    sent::<Task<'_, Lstm>>();
    sent::<Tasks<'_, Lstm>>();
    fn shared<T: Sync>() {}
    shared::<Model<'_, Lstm>>();
    shared::<Layout<'_>>();
}

#[test]
fn every_row_is_in_one_task() {
    let mut rng = Rng::new(3);
    for _ in 0..300 {
        let lengths: Vec<_> = (0..rng.below(40)).map(|_| rng.below(30)).collect();
        let tasks = 1 + rng.below(9);
        let split = if rng.below(2) == 0 { Split::rows(tasks) } else { Split::rows(tasks).by_direction() };
        let shape = SHAPE.bidirectional();
        Place::new(shape, &lengths)
            .split(shape, split, |all| {
                let len = all.len();
                let all: Vec<_> = all.collect();
                assert_eq!(all.len(), len);
                assert!(len <= tasks * if split == Split::rows(tasks) { 1 } else { 2 });
                for direction in 0..2 {
                    let rows: Vec<_> =
                        all.iter().filter(|task| task.directions().contains(&direction)).map(Task::places).collect();
                    assert!(rows.iter().all(|rows| !rows.is_empty()));
                    assert!(rows.iter().cloned().flatten().eq(0..lengths.len()));
                }
            })
            .unwrap();
    }
}

/// The rows of a task that does not run, or not to its end, are its own: those of the others come out right.
#[test]
fn a_task_may_be_dropped() {
    let lengths = [4, 9, 2, 7, 7];
    let mut whole = Place::new(SHAPE, &lengths);
    whole.split(SHAPE, Split::rows(1), |tasks| tasks.for_each(Task::finish)).unwrap();
    let mut some = Place::new(SHAPE, &lengths);
    some.split(SHAPE, Split::at(&[1, 3]), |tasks| {
        for (index, mut task) in tasks.enumerate() {
            match index {
                0 => task.finish(),
                1 => drop(task),
                _ => assert!(!task.advance(2)),
            }
        }
    })
    .unwrap();
    // The longest alone, then those of 7 that were not run, then 4 and 2 of which the first two steps were.
    assert_eq!(some.hn[5..10], whole.hn[5..10]);
    assert_eq!(some.hn[15..25], [7.0; 10]);
    let mut offset = 0;
    for t in 0..9 {
        for place in 0..lengths.iter().filter(|&&length| length > t).count() {
            let row = offset * 5..(offset + 1) * 5;
            let run = place == 0 || place >= 3 && t < 2;
            assert_eq!(
                &some.output[row.clone()],
                if run { &whole.output[row] } else { &[7.0; 5][..] },
                "{place} at {t}"
            );
            offset += 1;
        }
    }
}

/// Sequences without a token have no step, and their final states are their initial ones all the same.
#[test]
fn a_task_without_steps_is_done() {
    let mut place = Place::new(SHAPE, &[3, 0, 0]);
    place
        .split(SHAPE, Split::at(&[1]), |tasks| {
            for mut task in tasks {
                while task.steps_left() > 0 {
                    task.advance(1);
                }
            }
        })
        .unwrap();
    assert_eq!(place.hn[5..], [0.0; 10]);
    assert!(place.hn[..5].iter().all(|&x| x != 7.0 && x != 0.0));
}

/// The room ahead is the first task's, however many there are: nothing but time tells whether it was used, and what it
/// holds afterwards.
#[test]
fn the_room_ahead_is_used() {
    let shape = Shape::new(16, 4);
    let panels = Net::<Gru>::random(shape, (true, true), &mut Rng::new(1)).panels();
    let model = Model::<Gru>::from_panels(shape, &panels).unwrap();
    let mut sorted_lengths = [0; 64];
    let mut lengths = [1; 64];
    lengths[0] = 40;
    let layout = Layout::from_sorted(&lengths, &mut sorted_lengths).unwrap();
    let (input, mut hn, mut output) = (vec![0.5; 103 * 16], vec![0.0; 64 * 4], vec![0.0; 103 * 4]);
    for split in [Split::rows(1), Split::rows(64)] {
        let mut scratch = vec![7.0; model.ahead_len()];
        model
            .split(&layout, &input, States::new(&mut hn), &mut output, &mut scratch, split)
            .unwrap()
            .for_each(Task::finish);
        assert!(scratch.iter().all(|&sum| sum != 7.0), "{split:?}");
    }
}

#[test]
fn what_is_refused() {
    let shape = SHAPE.layers(2).bidirectional();
    let error = |shape: Shape, split: Split<'_>| {
        let mut place = Place::new(shape, &[3, 2, 1]);
        let error = place.split(shape, split, |_| panic!("it was split")).unwrap_err();
        assert!(place.hn.iter().chain(&place.output).all(|&x| x == 7.0), "something was written");
        (error.code, error.argument, error.index, error.found, error.expected)
    };
    assert_eq!(error(shape, Split::rows(0)), (Code::Zero, Argument::Tasks, None, 0, 1));
    assert_eq!(error(shape, Split::rows(2).by_direction()), (Code::Unsupported, Argument::NumLayers, None, 2, 1));
    let refused = |index, found, bound| (Code::NotACut, Argument::Places, Some(index), found, bound);
    assert_eq!(error(SHAPE, Split::at(&[0])), refused(0, 0, 1));
    assert_eq!(error(SHAPE, Split::at(&[2, 1])), refused(1, 1, 3));
    assert_eq!(error(SHAPE, Split::at(&[1, 100])), refused(1, 100, 2));
    assert_eq!(error(SHAPE, Split::at(&[2, 2])), refused(1, 2, 3));
    let told = i64::try_from(usize::MAX).unwrap_or(i64::MAX);
    assert_eq!(error(SHAPE, Split::at(&[2, usize::MAX])), refused(1, told, 2));
    let text = "places[1]: no task can begin at place 3, beyond 2, the last of the batch";
    let mut place = Place::new(SHAPE, &[3, 2, 1]);
    assert_eq!(place.split(SHAPE, Split::at(&[1, 3]), |_| {}).unwrap_err().to_string(), text);
    // Where there is no row, there is no task.
    let mut none = Place::new(SHAPE, &[]);
    none.split(SHAPE, Split::rows(4), |tasks| assert_eq!(tasks.count(), 0)).unwrap();
    none.split(SHAPE, Split::at(&[]), |tasks| assert_eq!(tasks.count(), 0)).unwrap();
    none.split(SHAPE, Split::rows(usize::MAX), |tasks| assert_eq!(tasks.count(), 0)).unwrap();
    assert_eq!(none.split(SHAPE, Split::at(&[0]), |_| {}).unwrap_err().code, Code::NotACut);
}

/// The sizes are checked as in an undivided run, before anything is written.
#[test]
fn sizes_are_checked() {
    let panels = vec![0.0; Model::<Lstm>::panels_len(SHAPE)];
    let model = Model::<Lstm>::from_panels(SHAPE, &panels).unwrap();
    let mut sorted_lengths = [0; 2];
    let layout = Layout::from_sorted(&[3, 2], &mut sorted_lengths).unwrap();
    let (mut hn, mut cn, mut output) = ([7.0; 10], [7.0; 10], [7.0; 24]);
    let error = model
        .split(&layout, &[0.0; 15], States::lstm(&mut hn, &mut cn), &mut output, &mut [], Split::rows(2))
        .unwrap_err();
    assert_eq!((error.code, error.argument, error.found, error.expected), (Code::WrongLen, Argument::Output, 24, 25));
    let error =
        model.split_last(&layout, &[0.0; 15], States::lstm(&mut hn, &mut cn), &mut [], Split::rows(2)).unwrap_err();
    assert_eq!((error.code, error.argument, error.found, error.expected), (Code::TooShort, Argument::Scratch, 0, 10));
    assert_eq!((hn, cn, output), ([7.0; 10], [7.0; 10], [7.0; 24]));
}

// ---- cost -----------------------------------------------------------------------------------------------------------

#[test]
fn cost_grows_with_tokens_and_layers() {
    for backend in Backend::available() {
        let cost = |shape: Shape, lengths: &[usize]| {
            let panels = vec![0.0; Model::<Lstm>::panels_len(shape)];
            let (mut sorted_lengths, mut sorted_indices) = (vec![0; lengths.len()], vec![0; lengths.len()]);
            let layout = Layout::new(lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
            Model::<Lstm>::from_panels(shape, &panels).unwrap().with_backend(backend).cost(&layout)
        };
        let (small, many) = (Shape::new(32, 32), [10; 16]);
        assert_eq!(cost(small, &[]), 0);
        assert_eq!(cost(small, &[0, 0]), 0);
        // At least the multiply-adds, and no more than half as many again for so small activations.
        let multiply_adds = 160 * 4 * 32 * 64;
        assert!((multiply_adds..multiply_adds * 3 / 2).contains(&cost(small, &many)));
        let (alone, together) = (cost(small, &[20, 1]), cost(small, &[11, 10]));
        if backend == Backend::portable() {
            assert_eq!(alone, together, "a token costs the same alone");
        } else {
            assert!(alone > together, "a token that runs alone is dearer");
        }
        assert!(cost(small, &[5, 9]) == cost(small, &[9, 5]));
        assert_eq!(cost(small.bidirectional(), &many), 2 * cost(small, &many));
        assert_eq!(cost(small.layers(3), &many), 3 * cost(small, &many));
        assert!(cost(small.direction(Direction::Reverse), &many) == cost(small, &many));
        // The longest sequences whose tokens can be counted.
        let longest = (i32::MAX as usize).min(usize::MAX / 40);
        assert!(cost(small, &[longest; 40]) > cost(small, &[longest; 20]));
    }
}

/// No cuts at other places have a cheaper dearest task, to a part in 256.
#[test]
fn cuts_are_the_best() {
    let mut rng = Rng::new(4);
    for case in 0..200 {
        let lengths: Vec<_> = (0..1 + rng.below(9)).map(|_| rng.below(50)).collect();
        let backends: Vec<_> = Backend::available().collect();
        let mut place = Place { backend: backends[case % backends.len()], ..Place::new(SHAPE, &lengths) };
        let dearest = |place: &mut Place, split: Split<'_>| {
            let mut dearest = 0;
            place.split(SHAPE, split, |tasks| dearest = tasks.map(|task| task.cost()).max().unwrap()).unwrap();
            dearest
        };
        for tasks in [1, 2, 3, 4, usize::MAX] {
            let found = dearest(&mut place, Split::rows(tasks));
            for cuts in 0..1_u32 << (lengths.len() - 1) {
                if (cuts.count_ones() as usize) < tasks {
                    let places: Vec<_> = (1..lengths.len()).filter(|place| cuts >> (place - 1) & 1 == 1).collect();
                    let other = dearest(&mut place, Split::at(&places));
                    assert!(found - found / 256 <= other + 1, "{lengths:?} at {places:?}: {found}, {other}");
                }
            }
        }
    }
}
