//! The stack of every public function, by painting. A result that a call gives is in the caller's frame, and counted.

#![no_std]
#![no_main]

use core::hint::black_box;
use cortex_m::singleton;
use cortex_m_rt::entry;
use firmware::console::{Piece, line};
use firmware::paint::stack_of;
use firmware::{fail, leave};
use packed_rnn::{
    Argument, Backend, Cell, Count, Direction, Fill, Gru, Layout, Lstm, Model, Padded, Relu, Shape, Split, States,
    Tanh, Task, Tasks, Weights, activation, invert_permutation, pack_padded_sequence, pack_sequence,
    pad_packed_sequence, pad_sequence, unpack_sequence, unpad_sequence,
};

const BATCH: usize = 9;
const STEPS: usize = 6;
/// In the caller's order, and as they are sorted: tiles of all heights are run.
const LENGTHS: [u32; BATCH] = [1, 5, 3, 6, 0, 2, 2, 4, 4];
const ORDER: [u32; BATCH] = [3, 1, 7, 8, 2, 5, 6, 0, 4];
const SORTED: [u32; BATCH] = [6, 5, 4, 4, 3, 2, 2, 1, 0];
const BATCH_SIZES: [u32; STEPS] = [8, 7, 5, 4, 2, 1];
const TOKENS: usize = 27;
const INPUTS: usize = 5;
/// Units below a block, of a block and more, and of many.
const SIZES: [usize; 4] = [3, 20, 33, 64];
const LARGEST: Shape = Shape::new(INPUTS, 64).layers(2).bidirectional();

static FLOATS: [f32; Model::<Lstm>::panels_len(LARGEST)] = [0.01; Model::<Lstm>::panels_len(LARGEST)];

/// A task may be moved on a device as elsewhere.
const _: fn() = || {
    const fn unpin<T: Unpin>() {}
    unpin::<(Task<'_, Lstm>, Tasks<'_, Lstm>)>();
};

/// Memory for what is written.
struct Buffers {
    panels: &'static mut [f32; 4 * 33 * (INPUTS + 33 + 2)],
    output: &'static mut [f32; TOKENS * 128],
    scratch: &'static mut [f32; TOKENS * 256 + BATCH * 128],
    h: &'static mut [f32; 4 * BATCH * 64],
    c: &'static mut [f32; 4 * BATCH * 64],
}

#[entry]
fn main() -> ! {
    let (Some(panels), Some(output), Some(scratch), Some(h), Some(c)) = (
        singleton!(: [f32; 4 * 33 * (INPUTS + 33 + 2)] = [0.0; 4 * 33 * (INPUTS + 33 + 2)]),
        singleton!(: [f32; TOKENS * 128] = [0.0; TOKENS * 128]),
        singleton!(: [f32; TOKENS * 256 + BATCH * 128] = [0.0; TOKENS * 256 + BATCH * 128]),
        singleton!(: [f32; 4 * BATCH * 64] = [0.0; 4 * BATCH * 64]),
        singleton!(: [f32; 4 * BATCH * 64] = [0.0; 4 * BATCH * 64]),
    ) else {
        fail("the buffers are taken")
    };
    let mut buffers = Buffers { panels, output, scratch, h, c };
    layouts::<usize>();
    layouts::<u32>();
    layouts::<i64>();
    layouts::<i32>();
    tokens(&mut buffers);
    model::<Lstm>("lstm", &mut buffers);
    model::<Gru>("gru", &mut buffers);
    model::<Tanh>("tanh", &mut buffers);
    model::<Relu>("relu", &mut buffers);
    around(&mut buffers);
    leave(true)
}

/// Measures a call, and prints `stack BYTES NAME...`. The call must succeed: a refusal takes less.
macro_rules! stack {
    ($name:expr, $call:expr) => {
        stack!($name, "", 0, $call)
    };
    ($name:expr, $of:expr, $size:expr, $call:expr) => {{
        let mut succeeded = false;
        let bytes = stack_of(|| {
            let result = $call;
            succeeded = black_box(&result).is_ok();
        });
        if !succeeded {
            fail($name);
        }
        tell($name, $of, $size, bytes);
    }};
}

/// The same for a call that cannot be refused.
macro_rules! stack_plain {
    ($name:expr, $call:expr) => {
        stack_plain!($name, "", 0, $call)
    };
    ($name:expr, $of:expr, $size:expr, $call:expr) => {
        tell($name, $of, $size, stack_of(|| keep($call)))
    };
}

fn tell(name: &str, of: &str, size: usize, bytes: usize) {
    let start = [Piece::Text("stack "), Piece::Number(bytes as u32), Piece::Text(" "), Piece::Text(name)];
    let [a, b, c, d] = start;
    if of.is_empty() {
        return line(&start);
    }
    line(&[a, b, c, d, Piece::Text(" "), Piece::Text(of), Piece::Text(" "), Piece::Number(size as u32)]);
}

/// A result that the compiler must make.
#[inline(always)]
fn keep<T>(value: T) {
    black_box(&value); // in its place: a copy would be counted
}

/// Unwraps what was measured before.
fn get<T>(result: Result<T, packed_rnn::Error>) -> T {
    match result {
        Ok(value) => value,
        Err(_) => fail("a call was refused"),
    }
}

/// Layouts from and to one type of numbers.
#[inline(never)]
fn layouts<L: Count>() {
    let (mut lengths, mut order, mut inverse) = ([0; BATCH], [0; BATCH], [0; BATCH]);
    let of = |values: [u32; BATCH]| values.map(L::put);
    let (counts, sorted, indices, batch_sizes) = (of(LENGTHS), of(SORTED), of(ORDER), BATCH_SIZES.map(L::put));
    stack!("Layout::new", Layout::new(black_box(&counts), &mut lengths, &mut order));
    stack!("Layout::from_sorted", Layout::from_sorted(black_box(&sorted), &mut lengths));
    stack!("Layout::from_batch_sizes", Layout::from_batch_sizes(black_box(&batch_sizes), &mut lengths));
    stack!("invert_permutation", invert_permutation(black_box(&indices), &mut inverse));
    let mut sorted_lengths = [0; BATCH];
    let layout = black_box(get(Layout::from_sorted(&sorted, &mut sorted_lengths)));
    stack!("Layout::with_sorted_indices", layout.with_sorted_indices(black_box(&indices), &mut order));
    let layout = black_box(get(Layout::new(&counts, &mut lengths, &mut order)));
    let mut written = counts;
    stack!("Layout::write_batch_sizes", layout.write_batch_sizes(black_box(&mut written[..STEPS])));
    stack!("Layout::write_sorted_indices", layout.write_sorted_indices(black_box(&mut written)));
    stack!("Layout::write_unsorted_indices", layout.write_unsorted_indices(black_box(&mut written)));
    stack!("Layout::write_lengths", layout.write_lengths(black_box(&mut written)));
    stack_plain!("Layout::walk", layout.walk().for_each(keep));
    stack_plain!("Layout::walk, reversed", layout.walk().rev().for_each(keep));
    stack_plain!("Layout::batch_sizes", layout.batch_sizes().for_each(keep));
    stack_plain!("Layout::sorted_indices", layout.sorted_indices().for_each(keep));
    stack_plain!("Layout::batch_size", layout.batch_size(black_box(3)));
    stack_plain!("Layout::offset", layout.offset(black_box(3)));
    stack_plain!("Layout::batch, steps, tokens", (layout.batch(), layout.steps(), layout.tokens()));
    stack_plain!("Layout::sorted_lengths", layout.sorted_lengths());
    stack!("Layout::packed_len", layout.packed_len(black_box(3)));
}

/// The lengths of this file as a layout.
fn with_layout(run: impl FnOnce(&Layout<'_>)) {
    let (mut lengths, mut order) = ([0; BATCH], [0; BATCH]);
    run(black_box(&get(Layout::new(&LENGTHS, &mut lengths, &mut order))))
}

/// Into packed order and out of it.
#[inline(never)]
fn tokens(buffers: &mut Buffers) {
    const PADDED: usize = BATCH * STEPS * INPUTS;
    const PACKED: usize = TOKENS * INPUTS;
    let (a, _) = buffers.scratch.split_at_mut(PADDED);
    let (b, _) = buffers.output.split_at_mut(PACKED);
    let mut rest = &FLOATS[..];
    let ragged = LENGTHS.map(|length| rest.split_off(..length as usize * INPUTS).unwrap_or_default());
    for padded in [Padded::batch_first(STEPS, INPUTS), Padded::time_major(STEPS, INPUTS).left()].map(black_box) {
        stack!("Padded::len", padded.len(black_box(BATCH)));
        with_layout(|layout| {
            stack!("pack_padded_sequence", pack_padded_sequence(layout, padded, &*a, b));
            stack!("pack_sequence", pack_sequence(layout, black_box(INPUTS), &ragged, b));
            for fill in [Fill::Value(0.0), Fill::Last(0.0)] {
                stack!("pad_packed_sequence", pad_packed_sequence(layout, padded, &*b, fill, a));
            }
        });
        stack!("pad_sequence", pad_sequence(padded, &ragged, Fill::Last(0.0), a));
        let mut rest = &mut buffers.c[..];
        let mut own = LENGTHS.map(|length| rest.split_off_mut(..length as usize * INPUTS).unwrap_or_default());
        with_layout(|layout| stack!("unpack_sequence", unpack_sequence(layout, black_box(INPUTS), &*b, &mut own)));
        stack!("unpad_sequence", unpad_sequence(padded, &LENGTHS, &*a, &mut own));
    }
}

/// The whole life of a network, of each size.
#[inline(never)]
fn model<C: Cell>(of: &str, buffers: &mut Buffers) {
    for size in SIZES.map(black_box) {
        let shape = Shape::new(INPUTS, size);
        if size <= 33 {
            packing::<C>(of, shape, buffers);
        }
        let len = Model::<C>::panels_len(shape);
        stack!("Model::from_panels", of, size, Model::<C>::from_panels(shape, &FLOATS[..len]));
        stepping(of, get(Model::<C>::from_panels(shape, &FLOATS[..len])), buffers);
        running(of, get(Model::<C>::from_panels(shape, &FLOATS[..len])), buffers);
        let shape = shape.layers(2).bidirectional();
        let len = Model::<C>::panels_len(shape);
        running(of, get(Model::<C>::from_panels(shape, &FLOATS[..len])), buffers);
    }
}

fn packing<C: Cell>(of: &str, shape: Shape, buffers: &mut Buffers) {
    let (rows, size) = (C::GATES * shape.hidden_size, shape.hidden_size);
    let weights = [Weights {
        weight_ih: &FLOATS[..rows * INPUTS],
        weight_hh: &FLOATS[..rows * size],
        bias_ih: Some(&FLOATS[..rows]),
        bias_hh: Some(&FLOATS[..rows]),
    }];
    let panels = &mut buffers.panels[..Model::<C>::panels_len(shape)];
    stack!("Model::pack", of, size, Model::<C>::pack(shape, black_box(&weights), &mut *panels));
}

fn stepping<C: Cell>(of: &str, model: Model<'_, C>, buffers: &mut Buffers) {
    let size = model.shape().hidden_size;
    for batch in [1, 2, BATCH].map(black_box) {
        let states = batch * size;
        let (h, c) = (&mut buffers.h[..states], &mut buffers.c[..if C::HAS_C { states } else { 0 }]);
        let (input, h_in) = (&FLOATS[..batch * INPUTS], &FLOATS[..states]);
        stack!("Model::step", of, size, model.step(batch, input, h_in, h, c));
        let scratch = &mut buffers.scratch[..states];
        stack!("Model::step_in_place", of, size, model.step_in_place(batch, input, h, c, scratch));
    }
}

fn running<C: Cell>(of: &str, model: Model<'_, C>, buffers: &mut Buffers) {
    let (shape, size) = (model.shape(), model.shape().hidden_size);
    stack_plain!("Model::with_backend, backend", of, size, model.with_backend(Backend::portable()).backend());
    stack_plain!("Model::layer", of, size, model.layer(black_box(0)));
    stack_plain!("Model::ahead_len", of, size, black_box(&model).ahead_len());
    stack!("Model::states_len", of, size, model.states_len(black_box(BATCH)));
    let input = &FLOATS[..TOKENS * INPUTS];
    let states = get(model.states_len(BATCH));
    let Buffers { output, scratch, h, c, .. } = buffers;
    let (h, c) = (&mut h[..states], &mut c[..if C::HAS_C { states } else { 0 }]);
    let (output, scratch) = (&mut output[..TOKENS * shape.output_size()], &mut scratch[..]);
    with_layout(|layout| {
        stack!("Model::output_len", of, size, model.output_len(layout));
        stack!("Model::scratch_len", of, size, model.scratch_len(layout));
        stack!("Model::last_scratch_len", of, size, model.last_scratch_len(layout));
        stack_plain!("Model::cost", of, size, model.cost(layout));
        for h0 in [None, Some(&FLOATS[..states])] {
            stack!("Model::run", of, size, {
                let c0 = if C::HAS_C { h0 } else { None };
                model.run(layout, input, States { h0, c0, hn: h, cn: c }, output, scratch)
            });
        }
        stack!("Model::run_last", of, size, model.run_last(layout, input, States::lstm(h, c), scratch));
        for split in [Split::rows(2), Split::at(&[3]), Split::rows(3).by_direction()] {
            if split == Split::rows(3).by_direction() && shape.num_layers > 1 {
                continue;
            }
            stack!("Model::split", of, size, {
                model.split(layout, input, States::lstm(h, c), output, scratch, split)
            });
            stack!("Model::split_last", of, size, model.split_last(layout, input, States::lstm(h, c), scratch, split));
            let mut tasks = get(model.split(layout, input, States::lstm(h, c), output, scratch, split));
            let mut first = None;
            stack_plain!("Tasks::next", of, size, first = tasks.next());
            let Some(mut first) = first else { fail("there is no task") };
            stack_plain!("Task::places, directions", of, size, (first.places(), first.directions()));
            stack_plain!("Task::cost", of, size, first.cost());
            stack_plain!("Task::steps_left", of, size, first.steps_left());
            stack_plain!("Task::advance", of, size, first.advance(black_box(1)));
            for task in core::iter::once(first).chain(tasks) {
                let mut task = Some(task);
                stack_plain!("Task::finish", of, size, task.take().map(Task::finish));
            }
        }
    });
}

/// What stands around a network.
#[inline(never)]
fn around(buffers: &mut Buffers) {
    let backend = black_box(Backend::portable());
    let values = &mut buffers.scratch[..19];
    stack_plain!("activation::exp", activation::exp(backend, values));
    stack_plain!("activation::sigmoid", activation::sigmoid(backend, values));
    stack_plain!("activation::tanh", activation::tanh(backend, values));
    stack_plain!("Backend::detect", Backend::detect());
    stack_plain!("Backend::available", Backend::available().for_each(keep));
    stack_plain!("Backend::name, is_fused", (backend.name(), backend.is_fused()));
    let shape = black_box(LARGEST);
    stack_plain!("Shape::count, output_size", (shape.count(), shape.output_size(), shape.direction.count()));
    stack_plain!("Shape::new, layers, direction", Shape::new(2, 3).layers(2).direction(black_box(Direction::Forward)));
    stack_plain!("Argument::name", black_box(Argument::Input).name());
}
