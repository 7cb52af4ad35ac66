//! What else C can do wrong, and the text of errors.

use crate::network::{layout, ok};
use packed_rnn::capi::*;
use packed_rnn::{Argument, Code, Layout};
use std::ffi::CStr;

/// The text of an error, by way of a buffer of just the size that is needed.
fn text(error: *const prnn_error) -> String {
    // SAFETY: an error, or null; a buffer of the size that is told.
    let needed = unsafe { prnn_error_text(error, core::ptr::null_mut(), 0) };
    let mut buffer = vec![0x7f_u8; needed + 2];
    // SAFETY: the same.
    assert_eq!(unsafe { prnn_error_text(error, buffer.as_mut_ptr().cast(), needed + 1) }, needed);
    assert_eq!(buffer[needed..], [0, 0x7f], "the end, and nothing behind it");
    CStr::from_bytes_until_nul(&buffer).unwrap().to_str().unwrap().to_owned()
}

fn of(code: Code, argument: Argument, index: Option<usize>, found: i64, expected: i64) -> prnn_error {
    let (code, argument, index) = (code as i32, argument as i32, index.unwrap_or(usize::MAX));
    prnn_error { code, argument, index, found, expected }
}

#[test]
fn texts() {
    let said = |code, argument, index, found, expected| text(&of(code, argument, index, found, expected));
    assert_eq!(said(Code::Negative, Argument::Lengths, Some(1), -1, 0), "lengths[1]: -1 is negative");
    assert_eq!(
        said(Code::Negative, Argument::Lengths, Some(0), i64::MIN, 0),
        "lengths[0]: -9223372036854775808 is negative"
    );
    assert_eq!(
        said(Code::WrongLen, Argument::Input, None, 100, 99),
        "input: 100 elements where 99 fit the other arguments"
    );
    assert_eq!(
        said(Code::Overflow, Argument::Output, None, i64::MAX, 5),
        "output: too large, at most 5 can be counted"
    );
    assert_eq!(said(Code::Overflow, Argument::Output, None, 6, 5), "output: 6 is too large, at most 5 can be counted");
    assert_eq!(said(Code::Null, Argument::Hn, None, 0, 5), "hn: a null pointer");
    assert_eq!(said(Code::Misaligned, Argument::Hn, None, 1, 4), "hn: the address is 1 beyond a multiple of 4");
    let (output, hin) = (Argument::Output as i64, Argument::HIn as i64);
    assert_eq!(said(Code::Overlap, Argument::Input, Some(2), output, 0), "input[2]: shares memory with output");
    let in_place = said(Code::Overlap, Argument::HOut, None, hin, 0);
    assert_eq!(in_place, "h_out: shares memory with h_in, prnn_step_in_place takes one for both");
    assert_eq!(said(Code::Unknown, Argument::Cell, None, -4, 4), "cell: unknown, or not on this CPU: -4");
    assert_eq!(said(Code::Unknown, Argument::Name, None, 0, 0), "name: unknown, or not on this CPU");
    assert_eq!(
        said(Code::PanelFormat, Argument::PanelFormat, None, 2, 1),
        "panel_format: panels of format 2 where this library reads format 1"
    );
    let cut = |found, expected| said(Code::NotACut, Argument::Places, Some(1), found, expected);
    assert_eq!(cut(1, 2), "places[1]: no task can begin at place 1, below 2, the first that can follow");
    assert_eq!(cut(3, 2), "places[1]: no task can begin at place 3, beyond 2, the last of the batch");
    let unsupported = |argument, found, expected| said(Code::Unsupported, argument, None, found, expected);
    assert_eq!(unsupported(Argument::Direction, 2, 0), "direction: only a forward network can run step by step");
    assert_eq!(unsupported(Argument::C0, 256, 0), "c0: this cell has no second state");
    assert_eq!(unsupported(Argument::Tasks, 2, 0), "tasks: their number and places cannot both be given");
    assert_eq!(
        unsupported(Argument::NumLayers, 2, 1),
        "num_layers: only a single layer can be split by direction, not 2"
    );
    assert_eq!(unsupported(Argument::Fill, 2, 1), "fill: 2 is not supported here, 1 is");
    let count = |argument| said(Code::WrongCount, argument, None, 1, 1);
    assert_eq!(count(Argument::Layer), "layer: 1 is not below 1, the number of layers");
    assert_eq!(count(Argument::Tokens), "tokens: 1 where the lengths sum to 1");
    assert_eq!(count(Argument::Weights), "weights: 1 entries where 1 are expected");
    assert_eq!(said(Code::NotATask, Argument::Task, None, 0, 0), "task: no task, or moved from where it was made");
    assert_eq!(text(core::ptr::null()), "no error");
    assert_eq!(text(&prnn_error::default()), "no error");
    for (code, argument) in [(-1, 1), (21, 1), (1, 0), (1, 52), (i32::MAX, 1), (1, i32::MIN)] {
        let error = prnn_error { code, argument, ..prnn_error::default() };
        assert_eq!(text(&error), "an error that this version does not know");
    }
}

#[test]
fn texts_are_cut_to_the_buffer() {
    let error = of(Code::Negative, Argument::Lengths, Some(1), -1, 0);
    let whole = "lengths[1]: -1 is negative";
    for len in 1..=whole.len() + 2 {
        let mut buffer = vec![0x7f_u8; len + 1];
        // SAFETY: as long as is said.
        let needed = unsafe { prnn_error_text(&error, buffer.as_mut_ptr().cast(), len) };
        let kept = (len - 1).min(whole.len());
        assert_eq!((needed, &buffer[..kept]), (whole.len(), &whole.as_bytes()[..kept]));
        assert!(buffer[kept] == 0 && buffer[kept + 1..].iter().all(|&byte| byte == 0x7f), "{buffer:?}");
    }
}

/// Codes and arguments that Rust gives have the text of Rust.
#[test]
fn texts_are_those_of_rust() {
    let (mut lengths, mut order) = ([0; 2], [0; 2]);
    let errors = [
        Layout::new(&[3, -7], &mut lengths, &mut order).unwrap_err(),
        Layout::from_sorted(&[3, 7], &mut lengths).unwrap_err(),
        Layout::from_batch_sizes(&[3, 2], &mut lengths).unwrap_err(),
        Layout::from_batch_sizes(&[1, 2], &mut lengths).unwrap_err(),
        Layout::from_batch_sizes(&[1, 0], &mut lengths).unwrap_err(),
        Layout::new(&[u32::MAX, 0], &mut lengths, &mut order).unwrap_err(),
        packed_rnn::Padded::batch_first(usize::MAX, 2).len(2).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(text(&of(error.code, error.argument, error.index, error.found, error.expected)), error.to_string());
    }
}

/// Calls a function that must refuse, twice: with and without a place for the detail.
macro_rules! refused {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        let mut error = prnn_error::default();
        // SAFETY: what is there is there, and what is not is refused.
        let (status, bare) = unsafe {
            let status = packed_rnn::capi::$function($($argument,)* &mut error);
            (status, packed_rnn::capi::$function($($argument,)* core::ptr::null_mut()))
        };
        assert_eq!((status, bare), (error.code, error.code));
        error
    }};
}

/// A layout is in the caller's hands: what was changed in it is found.
#[test]
fn changed_layouts_are_refused() {
    let made = layout(&[2, 0, 4, 1]);
    let refuses = |layout: prnn_layout, expected: prnn_error| {
        let mut result = 77_usize;
        assert_eq!((refused!(prnn_layout_steps(&layout, &mut result)), result), (expected, 77));
    };
    let entries = |array: *const u32| {
        // SAFETY: an array of the layout.
        unsafe { core::slice::from_raw_parts(array, 4) }.to_vec()
    };
    for (place, length, code, bound) in [
        (0, 0x8000_0000_u32, Code::Overflow, i64::from(i32::MAX)),
        (1, 5, Code::NotSorted, 4),
        (3, 2, Code::NotSorted, 1),
    ] {
        let mut lengths = entries(made.layout.sorted_lengths);
        lengths[place] = length;
        let changed = prnn_layout { sorted_lengths: lengths.as_ptr(), ..made.layout };
        refuses(changed, of(code, Argument::SortedLengths, Some(place), length.into(), bound));
    }
    for tokens in [0, 6, 8, usize::MAX] {
        let found = i64::try_from(tokens).unwrap_or(i64::MAX);
        refuses(prnn_layout { tokens, ..made.layout }, of(Code::WrongCount, Argument::Tokens, None, found, 7));
    }
    for place in 0..4 {
        for wrong in [4, 5, u32::MAX] {
            let mut order = entries(made.layout.sorted_indices);
            order[place] = wrong;
            let changed = prnn_layout { sorted_indices: order.as_ptr(), ..made.layout };
            refuses(changed, of(Code::NotPermutation, Argument::SortedIndices, Some(place), wrong.into(), 4));
        }
        // Twice the same sequence: the second is refused, or the first, whichever the inverse does not name.
        let mut order = entries(made.layout.sorted_indices);
        order[place] = order[(place + 1) % 4];
        let changed = prnn_layout { sorted_indices: order.as_ptr(), ..made.layout };
        let twice = order[place].into();
        refuses(changed, of(Code::NotPermutation, Argument::SortedIndices, Some(place), twice, 4));
        let mut inverse = entries(made.layout.unsorted_indices);
        inverse[entries(made.layout.sorted_indices)[place] as usize] = 77;
        let changed = prnn_layout { unsorted_indices: inverse.as_ptr(), ..made.layout };
        let sequence = entries(made.layout.sorted_indices)[place].into();
        refuses(changed, of(Code::NotPermutation, Argument::SortedIndices, Some(place), sequence, 4));
    }
    let none = core::ptr::null();
    refuses(
        prnn_layout { unsorted_indices: none, ..made.layout },
        of(Code::Null, Argument::UnsortedIndices, None, 0, 4),
    );
    refuses(prnn_layout { sorted_indices: none, ..made.layout }, of(Code::Null, Argument::SortedIndices, None, 0, 4));
}

const SHAPE: prnn_shape =
    prnn_shape { cell: PRNN_GRU, direction: PRNN_FORWARD, input_size: 3, hidden_size: 5, num_layers: 1 };

#[test]
fn numbers_that_stand_for_nothing() {
    let (mut len, mut values) = (77_usize, [0.5_f32; 3]);
    for number in [-1, 4, 5, i32::MAX, i32::MIN] {
        let shape = prnn_shape { cell: number, ..SHAPE };
        let expected = of(Code::Unknown, Argument::Cell, None, number.into(), 4);
        assert_eq!(refused!(prnn_panels_len(&shape, &mut len)), expected);
        let shape = prnn_shape { direction: number, ..SHAPE };
        let expected = of(Code::Unknown, Argument::Direction, None, number.into(), 3);
        assert_eq!((refused!(prnn_panels_len(&shape, &mut len)), len), (expected, 77));
        let expected = of(Code::Unknown, Argument::Backend, None, (number | 16).into(), 0);
        assert_eq!((refused!(prnn_exp(number | 16, values.as_mut_ptr(), 3)), values), (expected, [0.5; 3]));
    }
    for zero in [
        prnn_shape { input_size: 0, ..SHAPE },
        prnn_shape { hidden_size: 0, ..SHAPE },
        prnn_shape { num_layers: 0, ..SHAPE },
    ] {
        assert_eq!(refused!(prnn_panels_len(&zero, &mut len)).code, Code::Zero as i32);
    }
    let huge = prnn_shape { hidden_size: usize::MAX / 2, ..SHAPE };
    let overflow = refused!(prnn_panels_len(&huge, &mut len));
    assert_eq!((overflow.code, overflow.argument), (Code::Overflow as i32, Argument::Panels as i32));
    let mut backend = 77;
    for name in [c"", c"avx", c"portabl", c"portable2", c"PORTABLE"] {
        let error = refused!(prnn_backend_by_name(name.as_ptr(), &mut backend));
        assert_eq!((error.code, error.argument, backend), (Code::Unknown as i32, Argument::Name as i32, 77));
    }
    assert_eq!(len, 77);
}

#[test]
fn panels_of_another_format() {
    let mut len = 0;
    ok!(prnn_panels_len(&SHAPE, &mut len));
    let panels = vec![0.5_f32; len];
    let mut model = core::mem::MaybeUninit::<prnn_model>::uninit();
    let mut new = |format| {
        refused_or_ok(|error| {
            // SAFETY: all is there.
            unsafe { prnn_model_new(&SHAPE, panels.as_ptr(), len, format, model.as_mut_ptr(), error) }
        })
    };
    for format in [0, PRNN_PANEL_FORMAT + 1, u32::MAX] {
        let expected = of(Code::PanelFormat, Argument::PanelFormat, None, format.into(), PRNN_PANEL_FORMAT.into());
        assert_eq!(new(format), expected);
    }
    assert_eq!(new(PRNN_PANEL_FORMAT), prnn_error::default());
    // SAFETY: the last call made it.
    let model = unsafe { model.assume_init() };
    // It is asked at each use, as is the backend.
    let other = prnn_model { panel_format: PRNN_PANEL_FORMAT + 1, ..model };
    assert_eq!(refused!(prnn_states_len(&other, 1, &mut len)).code, Code::PanelFormat as i32);
    let other = prnn_model { backend: 99, ..model };
    assert_eq!(refused!(prnn_states_len(&other, 1, &mut len)).argument, Argument::Backend as i32);
    let other = prnn_model { shape: prnn_shape { hidden_size: 6, ..SHAPE }, ..model };
    assert_eq!(refused!(prnn_states_len(&other, 1, &mut len)).argument, Argument::Panels as i32);
}

fn refused_or_ok(call: impl FnOnce(*mut prnn_error) -> prnn_status) -> prnn_error {
    let mut error = prnn_error::default();
    let status = call(&mut error);
    assert_eq!(status, error.code);
    error
}

/// What only the fields of C can say wrongly.
#[test]
fn fills_and_padding_values() {
    let made = layout(&[2, 1]);
    let padded = prnn_padded { steps: 2, row_bytes: 6, batch_first: 0, left: 0 };
    let (input, mut output) = ([1_u8; 18], [0xa5_u8; 24]);
    let (from, to, value) = (input.as_ptr().cast(), output.as_mut_ptr(), [0_u8; 16]);
    let value = value.as_ptr().cast();
    for fill in [-1, 2, i32::MAX] {
        let error = refused!(prnn_pad_packed_sequence(&made.layout, &padded, from, 18, fill, value, 1, to.cast(), 24));
        assert_eq!(error, of(Code::Unknown, Argument::Fill, None, fill.into(), 2));
    }
    for bytes in [4, 5, 7, 12] {
        let error = refused!(prnn_pad_packed_sequence(&made.layout, &padded, from, 18, 0, value, bytes, to.cast(), 24));
        assert_eq!(error, of(Code::WrongLen, Argument::PaddingValue, None, bytes as i64, 6));
    }
    assert_eq!(output, [0xa5; 24]);
}

#[test]
fn both_kinds_of_cuts() {
    let made = layout(&[2, 1]);
    let mut len = 0;
    ok!(prnn_panels_len(&SHAPE, &mut len));
    let panels = vec![0.5_f32; len];
    let mut model = core::mem::MaybeUninit::<prnn_model>::uninit();
    ok!(prnn_model_new(&SHAPE, panels.as_ptr(), len, PRNN_PANEL_FORMAT, model.as_mut_ptr()));
    // SAFETY: it was made.
    let model = unsafe { model.assume_init() };
    let (input, mut hn, mut output) = ([0.5_f32; 9], [7.0_f32; 10], [7.0_f32; 15]);
    let none = core::ptr::null();
    let states = prnn_states {
        h0: none,
        h0_len: 0,
        c0: none,
        c0_len: 0,
        hn: hn.as_mut_ptr(),
        hn_len: 10,
        cn: core::ptr::null_mut(),
        cn_len: 0,
    };
    let mut tasks: Vec<prnn_task> = Vec::with_capacity(4);
    let mut made_tasks = 77;
    let mut split = |cuts: prnn_cuts| {
        let (room, out, scratch) = (tasks.as_mut_ptr(), output.as_mut_ptr(), core::ptr::null_mut());
        refused!(prnn_split(
            &model,
            &made.layout,
            input.as_ptr(),
            9,
            &states,
            out,
            15,
            scratch,
            0,
            &cuts,
            room,
            4,
            &mut made_tasks
        ))
    };
    let place = 1_usize;
    let both = prnn_cuts { tasks: 2, places: &place, places_len: 1, by_direction: 0 };
    assert_eq!(split(both), of(Code::Unsupported, Argument::Tasks, None, 2, 0));
    let neither = prnn_cuts { tasks: 0, places: core::ptr::null(), places_len: 0, by_direction: 0 };
    assert_eq!(split(neither), of(Code::Zero, Argument::Tasks, None, 0, 1));
    let place = 2_usize;
    let beyond = prnn_cuts { tasks: 0, places: &place, places_len: 1, by_direction: 0 };
    assert_eq!(split(beyond), of(Code::NotACut, Argument::Places, Some(0), 2, 1));
    assert_eq!((hn, output, made_tasks), ([7.0; 10], [7.0; 15], 77));
}
