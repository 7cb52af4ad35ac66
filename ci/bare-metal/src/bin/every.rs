//! Calls every public function of the crate, for every element and index type that matters, on values that the compiler
//! cannot see through. It is linked, never run.

#![no_std]
#![no_main]

use bare_metal::{any, keep, some, some_mut};
use core::hint::black_box;
use packed_rnn::{
    Aligned, Argument, Backend, Cell, Count, Direction, Error, Fill, Gru, Layout, Lstm, Model, Padded, Relu, Shape,
    Split, States, Tanh, Task, Weights, activation, invert_permutation, pack_padded_sequence, pack_sequence,
    pad_packed_sequence, pad_sequence, unpack_sequence, unpad_sequence,
};

/// An outer shape, known to the compiler only where a static needs its size.
const SHAPE: Shape = Shape::new(4, 20).layers(2).bidirectional();

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        layouts::<usize>();
        layouts::<u32>();
        layouts::<i32>();
        layouts::<i64>();
        tokens::<f32>();
        tokens::<u8>();
        cells();
        around();
    }
}

/// Every way to a layout, and all that a layout tells.
fn layouts<L: Count>() {
    let mut counts = [L::put(3); 4];
    let counts = some_mut(&mut counts);
    let (mut lengths, mut order) = ([0; 4], [0; 4]);
    let layout = Layout::new(counts, some_mut(&mut lengths), some_mut(&mut order));
    layout_of(layout, counts);
    let mut lengths = [0; 4];
    layout_of(Layout::from_sorted(counts, some_mut(&mut lengths)), counts);
    let (mut lengths, mut order) = ([0; 4], [0; 4]);
    let layout = Layout::from_batch_sizes(counts, some_mut(&mut lengths));
    let layout = layout.and_then(|layout| layout.with_sorted_indices(counts, some_mut(&mut order)));
    layout_of(layout, counts);
    let mut inverse = [0; 4];
    keep(invert_permutation(counts, some_mut(&mut inverse)));
    keep(inverse);
}

#[inline(never)]
fn layout_of<L: Count>(layout: Result<Layout<'_>, Error>, counts: &mut [L]) {
    let layout = match layout {
        Ok(layout) => layout,
        Err(error) => return error_of(error),
    };
    keep((layout.batch(), layout.steps(), layout.tokens(), layout.packed_len(any())));
    keep((layout.batch_size(any()), layout.offset(any()), layout.sorted_lengths()));
    layout.walk().for_each(keep);
    layout.walk().rev().for_each(keep);
    let mut ends = layout.walk();
    keep((ends.next(), ends.next_back(), ends.nth(any()), ends.nth_back(any()), ends.len(), ends.size_hint()));
    layout.batch_sizes().for_each(keep);
    layout.batch_sizes().rev().for_each(keep);
    keep((layout.batch_sizes().len(), layout.batch_sizes().nth(any()), layout.batch_sizes().last()));
    layout.sorted_indices().for_each(keep);
    layout.sorted_indices().rev().for_each(keep);
    keep((layout.sorted_indices().len(), layout.sorted_indices().nth(any()), layout.sorted_indices().nth_back(any())));
    keep(layout.write_batch_sizes(black_box(&mut *counts)));
    keep(layout.write_sorted_indices(black_box(&mut *counts)));
    keep(layout.write_unsorted_indices(black_box(&mut *counts)));
    keep(layout.write_lengths(black_box(&mut *counts)));
    keep(layout == black_box(layout));
    keep(&counts);
}

fn error_of(error: Error) {
    let Error { code, argument, index, found, expected, .. } = error;
    keep((code as i32, argument as i32, argument.name(), index, found, expected));
    keep(error == black_box(error));
}

/// A layout of lengths that the compiler does not know.
fn with_layout(run: impl FnOnce(&Layout<'_>)) {
    let (mut lengths, mut order) = ([0; 4], [0; 4]);
    match Layout::new(some(&[3_usize, 2, 5, 0]), some_mut(&mut lengths), some_mut(&mut order)) {
        Ok(layout) => run(black_box(&layout)),
        Err(error) => error_of(error),
    }
}

/// Into packed order and out of it, with sequences whose size the compiler knows and with ones whose size it does not.
fn tokens<T: Copy + Default>() {
    sequences::<T, [T; 1]>([T::default(); 1]);
    sequences::<T, [T; 8]>([T::default(); 8]);
    sequences::<T, [T; 40]>([T::default(); 40]);
    let mut memory = [T::default(); 64];
    let memory = some_mut(&mut memory);
    let (mut a, mut b) = ([T::default(); 64], [T::default(); 64]);
    let (a, b) = (some_mut(&mut a), some_mut(&mut b));
    for padded in rectangles() {
        keep(padded.len(any()));
        for fill in [Fill::Value(T::default()), Fill::Last(T::default())] {
            let fill = black_box(fill);
            with_layout(|layout| {
                keep(pack_padded_sequence(layout, padded, some(a), black_box(&mut *b)));
                keep(pad_packed_sequence(layout, padded, some(b), fill, black_box(&mut *a)));
                keep(pack_sequence(layout, any(), some(&[some(&*memory); 4]), black_box(&mut *b)));
            });
            keep(pad_sequence(padded, some(&[some(&*memory); 4]), fill, black_box(&mut *a)));
        }
        let mut slices = [black_box(&mut *memory)];
        with_layout(|layout| keep(unpack_sequence(layout, any(), some(b), some_mut(&mut slices))));
        keep(unpad_sequence(padded, some(&[3_usize]), some(a), some_mut(&mut slices)));
        keep(unpad_sequence(padded, some(&[3_u32]), some(a), some_mut(&mut slices)));
        keep(unpad_sequence(padded, some(&[3_i32]), some(a), some_mut(&mut slices)));
        keep(unpad_sequence(padded, some(&[3_i64]), some(a), some_mut(&mut slices)));
    }
    keep((&a, &b, &memory));
}

/// Ragged sequences of one size.
fn sequences<T: Copy + Default, S: Copy + AsRef<[T]> + AsMut<[T]>>(sequence: S) {
    let mut own = [sequence; 4];
    let mut memory = [T::default(); 64];
    let memory = some_mut(&mut memory);
    with_layout(|layout| {
        keep(pack_sequence(layout, any(), some(&own), black_box(&mut *memory)));
        keep(unpack_sequence(layout, any(), some(memory), some_mut(&mut own)));
    });
    for padded in rectangles() {
        keep(pad_sequence(padded, some(&own), black_box(Fill::Last(T::default())), black_box(&mut *memory)));
        keep(unpad_sequence(padded, some(&[3_usize; 4]), some(memory), some_mut(&mut own)));
    }
    keep((own.as_ptr(), &memory));
}

fn rectangles() -> [Padded; 4] {
    black_box([
        Padded::time_major(any(), any()),
        Padded::batch_first(any(), any()),
        Padded::time_major(any(), any()).left(),
        Padded::batch_first(any(), any()).left(),
    ])
}

/// Panels in a static for each cell, and the whole life of a model.
fn cells() {
    macro_rules! cell {
        ($($cell:ident),*) => { $( {
            const LEN: usize = Model::<$cell>::panels_len(SHAPE);
            static PANELS: Aligned<[f32; LEN]> = Aligned([0.5; LEN]);
            model::<$cell>(some(&PANELS.0));
        } )* };
    }
    cell!(Lstm, Gru, Tanh, Relu);
}

/// A shape that the compiler does not know.
fn shape() -> Shape {
    let shape = Shape::new(any(), any()).layers(any());
    let shape = match any() {
        0 => shape.bidirectional(),
        1 => shape.direction(Direction::Reverse),
        _ => shape.direction(black_box(Direction::Forward)),
    };
    keep((shape.count(), shape.output_size(), shape.direction.count()));
    black_box(shape)
}

fn model<C: Cell>(panels: &'static [f32]) {
    keep((C::GATES, C::HAS_C, Model::<C>::panels_len(shape())));
    let mut own = Aligned([0.0; 512]);
    let weights = Weights {
        weight_ih: some(&[0.5; 64]),
        weight_hh: some(&[0.5; 64]),
        bias_ih: black_box(Some(&[0.5; 16])),
        bias_hh: black_box(None),
    };
    match Model::<C>::pack(shape(), some(&[weights; 2]), some_mut(&mut own.0)) {
        Ok(model) => used(model),
        Err(error) => error_of(error),
    }
    match Model::<C>::from_panels(shape(), panels) {
        Ok(model) => used(model),
        Err(error) => error_of(error),
    }
}

#[inline(never)]
fn used<C: Cell>(model: Model<'_, C>) {
    let model = black_box(model).with_backend(black_box(Backend::portable()));
    keep((model.shape(), model.backend(), model.ahead_len()));
    let (mut output, mut scratch) = ([0.0; 64], [0.0; 64]);
    let (output, scratch) = (some_mut(&mut output), some_mut(&mut scratch));
    let (mut h, mut c) = ([0.0; 32], [0.0; 32]);
    let (h, c) = (some_mut(&mut h), some_mut(&mut c));
    let input = some(&[1.0; 64]);
    with_layout(|layout| {
        keep((model.states_len(any()), model.output_len(layout)));
        keep((model.scratch_len(layout), model.last_scratch_len(layout)));
        let states = States { h0: black_box(Some(input)), c0: black_box(None), hn: &mut *h, cn: &mut *c };
        keep(model.run(layout, input, black_box(states), black_box(&mut *output), black_box(&mut *scratch)));
        let states = black_box(States::lstm(&mut *h, &mut *c));
        keep(model.run_last(layout, input, states, black_box(&mut *scratch)));
        let states = black_box(States::new(&mut *h));
        keep(model.run(layout, input, states, black_box(&mut *output), &mut []));
    });
    with_layout(|layout| {
        keep(model.cost(layout));
        let places = [any(), any()];
        for split in [Split::rows(any()), Split::at(some(&places)), Split::rows(any()).by_direction()] {
            let states = black_box(States::lstm(&mut *h, &mut *c));
            match model.split(layout, input, states, black_box(&mut *output), black_box(&mut *scratch), split) {
                Ok(tasks) => tasks.for_each(task),
                Err(error) => error_of(error),
            }
            let states = black_box(States::new(&mut *h));
            match model.split_last(layout, input, states, black_box(&mut *scratch), split) {
                Ok(tasks) => keep((tasks.len(), tasks.size_hint())),
                Err(error) => error_of(error),
            }
        }
        if let Some(layer) = model.layer(any()) {
            keep((layer.shape(), layer.run_last(layout, input, States::new(&mut *h), black_box(&mut *scratch))));
        }
    });
    keep(model.step(any(), input, some(h), black_box(&mut *output), black_box(&mut *c)));
    keep(model.step_in_place(any(), input, black_box(&mut *h), black_box(&mut *c), black_box(&mut *scratch)));
    keep((&output, &scratch, &h, &c));
}

fn task<C: Cell>(mut task: Task<'_, C>) {
    keep((task.places(), task.directions(), task.cost(), task.steps_left()));
    if !task.advance(any()) {
        task.finish();
    }
}

/// What stands around a network.
fn around() {
    for backend in Backend::available().chain([Backend::detect(), Backend::portable()]) {
        let backend = black_box(backend);
        keep((backend.name(), backend.is_fused(), black_box(Argument::Batch).name()));
        let mut values = [0.0; 19];
        activation::exp(backend, some_mut(&mut values));
        activation::sigmoid(backend, some_mut(&mut values));
        activation::tanh(backend, some_mut(&mut values));
        keep(values);
    }
}
