//! Every pointer of every function of layouts and sequences: null, misaligned, to too much, over another; every length:
//! one less, one more.

use crate::door::{Door, Id, Len};
use crate::pieces::{LENGTHS, layout};
use packed_rnn::Argument;
use packed_rnn::capi::*;

// ---- layouts --------------------------------------------------------------------------------------------------------

macro_rules! from_lengths {
    ($($function:ident: $type:ty;)*) => { $(
        #[test]
        fn $function() {
            let mut door = Door::new(stringify!($function));
            let lengths = door.read(Argument::Lengths, &LENGTHS.map(|length| length as $type), Len::Any);
            let arrays = [Argument::SortedLengths, Argument::SortedIndices, Argument::UnsortedIndices]
                .map(|argument| door.write::<u32>(argument, 4, Len::Fixed));
            let layout = door.write::<prnn_layout>(Argument::Layout, 1, Len::Fixed);
            door.check(|_| (), |door, error| {
                let [sorted, order, inverse] = arrays.map(|id| door.ptr(id));
                // SAFETY: the arena holds what is not wrong.
                unsafe {
                    packed_rnn::capi::$function(
                        door.ptr(lengths), door.len(lengths), sorted, order, inverse, door.ptr(layout), error
                    )
                }
            });
            assert_eq!(arrays.map(|id| door.list::<u32>(id)), [[4, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]]);
            let made: prnn_layout = door.get(layout);
            assert_eq!((made.batch, made.tokens), (4, 7));
            assert_eq!(
                [made.sorted_lengths, made.sorted_indices, made.unsorted_indices],
                arrays.map(|id| door.source(id))
            );
        }
    )* };
}
from_lengths! {
    prnn_layout_from_lengths_size: usize;
    prnn_layout_from_lengths_i32: i32;
    prnn_layout_from_lengths_i64: i64;
}

macro_rules! from_sorted {
    ($($function:ident: $type:ty;)*) => { $(
        #[test]
        fn $function() {
            let mut door = Door::new(stringify!($function));
            let lengths = door.read(Argument::Lengths, &[4 as $type, 2, 1, 0], Len::Any);
            let sorted = door.write::<u32>(Argument::SortedLengths, 4, Len::Fixed);
            let layout = door.write::<prnn_layout>(Argument::Layout, 1, Len::Fixed);
            door.check(|_| (), |door, error| {
                // SAFETY: the arena holds what is not wrong.
                unsafe {
                    packed_rnn::capi::$function(
                        door.ptr(lengths), door.len(lengths), door.ptr(sorted), door.ptr(layout), error
                    )
                }
            });
            assert_eq!(door.list::<u32>(sorted), [4, 2, 1, 0]);
            let made: prnn_layout = door.get(layout);
            assert_eq!((made.batch, made.tokens, made.sorted_lengths), (4, 7, door.source(sorted)));
            assert!(made.sorted_indices.is_null() && made.unsorted_indices.is_null());
        }
    )* };
}
from_sorted! {
    prnn_layout_from_sorted_size: usize;
    prnn_layout_from_sorted_i32: i32;
    prnn_layout_from_sorted_i64: i64;
}

macro_rules! from_batch_sizes {
    ($($function:ident: $type:ty;)*) => { $(
        #[test]
        fn $function() {
            let mut door = Door::new(stringify!($function));
            let sizes = door.read(Argument::BatchSizes, &[3 as $type, 2, 1, 1], Len::Any);
            let indices = door.read(Argument::SortedIndices, &[2 as $type, 0, 3, 1], Len::Fixed);
            let arrays = [Argument::SortedLengths, Argument::Order, Argument::UnsortedIndices]
                .map(|argument| door.write::<u32>(argument, 4, Len::Fixed));
            let layout = door.write::<prnn_layout>(Argument::Layout, 1, Len::Fixed);
            let call = |door: &Door, indices: *const $type, error| {
                let [sorted, order, inverse] = arrays.map(|id| door.ptr(id));
                // SAFETY: the arena holds what is not wrong.
                unsafe {
                    packed_rnn::capi::$function(
                        door.ptr(sizes), door.len(sizes), indices, 4, sorted, order, inverse, door.ptr(layout), error
                    )
                }
            };
            // Without an order, its arrays are not touched and need not be there.
            assert_eq!(call(&door, core::ptr::null(), core::ptr::null_mut()), PRNN_OK);
            let made: prnn_layout = door.get(layout);
            assert!(made.sorted_indices.is_null() && made.unsorted_indices.is_null());
            assert_eq!(door.list::<u32>(arrays[1]), [0xa5a5_a5a5; 4]);
            // A missing one of the three is no missing order.
            let status = |door: &Door, error| call(door, door.ptr::<$type>(indices).cast_const(), error);
            assert_eq!(status(&door, core::ptr::null_mut()), PRNN_OK);
            assert_eq!(arrays.map(|id| door.list::<u32>(id)), [[4, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]]);
            let made: prnn_layout = door.get(layout);
            assert_eq!((made.batch, made.tokens), (4, 7));
            assert_eq!(
                [made.sorted_lengths, made.sorted_indices, made.unsorted_indices],
                arrays.map(|id| door.source(id))
            );
            door.check_but(&[indices], |_| (), status);
        }
    )* };
}
from_batch_sizes! {
    prnn_layout_from_batch_sizes_size: usize;
    prnn_layout_from_batch_sizes_i32: i32;
    prnn_layout_from_batch_sizes_i64: i64;
}

/// Functions that tell a value of a layout.
macro_rules! told_by_layout {
    ($($function:ident($($argument:expr),*): $type:ty = $value:expr;)*) => { $(
        #[test]
        fn $function() {
            let mut door = Door::new(stringify!($function));
            let layout = layout(&mut door);
            let result = door.write::<$type>(Argument::Result, 1, Len::Fixed);
            // SAFETY: the arena holds what is not wrong.
            door.check(|door| layout.put(door), |door, error| unsafe {
                packed_rnn::capi::$function(door.ptr(layout.layout), $($argument,)* door.ptr(result), error)
            });
            assert_eq!(door.get::<$type>(result), $value);
        }
    )* };
}
told_by_layout! {
    prnn_layout_steps(): usize = 4;
    prnn_layout_batch_size(1): usize = 2;
    prnn_layout_offset(2): usize = 5;
    prnn_layout_packed_len(6): usize = 42;
}

/// Functions that write an array of a layout.
macro_rules! written_by_layout {
    ($($function:ident: $argument:ident = $value:expr;)*) => { $(
        #[test]
        fn $function() {
            let mut door = Door::new(stringify!($function));
            let layout = layout(&mut door);
            let array = door.write::<u32>(Argument::$argument, $value.len(), Len::Own);
            // SAFETY: the arena holds what is not wrong.
            door.check(|door| layout.put(door), |door, error| unsafe {
                packed_rnn::capi::$function(door.ptr(layout.layout), door.ptr(array), door.len(array), error)
            });
            assert_eq!(door.list::<u32>(array), $value);
        }
    )* };
}
written_by_layout! {
    prnn_layout_batch_sizes: BatchSizes = [3, 2, 1, 1];
    prnn_layout_lengths: Lengths = [2, 0, 4, 1];
}

// ---- sequences ------------------------------------------------------------------------------------------------------

const ROW: usize = 6;

fn padded(door: &mut Door) -> Id {
    door.structure::<prnn_padded>(Argument::Padded)
}

fn put_padded(door: &Door, id: Id) {
    door.put(id, 0, prnn_padded { steps: 5, row_bytes: ROW, batch_first: 1, left: 1 });
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|byte| byte as u8).collect()
}

#[test]
fn pack_padded_sequence() {
    let mut door = Door::new("prnn_pack_padded_sequence");
    let (layout, padded) = (layout(&mut door), padded(&mut door));
    let input = door.read(Argument::Input, &bytes(4 * 5 * ROW), Len::Own);
    let output = door.write::<u8>(Argument::Output, 7 * ROW, Len::Own);
    door.check(
        |door| {
            layout.put(door);
            put_padded(door, padded);
        },
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe {
            let (input_bytes, output_bytes) = (door.len(input), door.len(output));
            let (input, output) = (door.ptr(input), door.ptr(output));
            let (layout, padded) = (door.ptr(layout.layout), door.ptr(padded));
            prnn_pack_padded_sequence(layout, padded, input, input_bytes, output, output_bytes, error)
        },
    );
}

#[test]
fn pad_packed_sequence() {
    let mut door = Door::new("prnn_pad_packed_sequence");
    let (layout, padded) = (layout(&mut door), padded(&mut door));
    let input = door.read(Argument::Input, &bytes(7 * ROW), Len::Own);
    let value = door.read(Argument::PaddingValue, &[1_u8, 2], Len::Any);
    let output = door.write::<u8>(Argument::Output, 4 * 5 * ROW, Len::Own);
    door.check(
        |door| {
            layout.put(door);
            put_padded(door, padded);
        },
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe {
            let (input_bytes, value_bytes, output_bytes) = (door.len(input), door.len(value), door.len(output));
            let (input, value, output) = (door.ptr(input), door.ptr(value), door.ptr(output));
            let (layout, padded, fill) = (door.ptr(layout.layout), door.ptr(padded), PRNN_FILL_VALUE);
            prnn_pad_packed_sequence(
                layout,
                padded,
                input,
                input_bytes,
                fill,
                value,
                value_bytes,
                output,
                output_bytes,
                error,
            )
        },
    );
}

/// A list of sequences, and the memory of each but the empty one.
#[derive(Clone, Copy)]
struct Sequences {
    list: Id,
    entries: [Option<Id>; 4],
}

impl Sequences {
    fn new(door: &mut Door, written: bool, len_is: Len) -> Self {
        let list = door.read(Argument::Sequences, &[[0_usize; 2]; 4], len_is);
        let mut entries = [None; 4];
        for (index, (entry, length)) in
            entries.iter_mut().zip(LENGTHS).enumerate().filter(|(_, (_, length))| *length > 0)
        {
            let id = match written {
                true => door.write::<u8>(Argument::Sequences, length * ROW, Len::Own),
                false => door.read(Argument::Sequences, &bytes(length * ROW), Len::Own),
            };
            *entry = Some(door.at(id, index));
        }
        Self { list, entries }
    }

    fn put(&self, door: &Door) {
        for (index, entry) in self.entries.iter().enumerate() {
            let (data, bytes) = entry.map_or((core::ptr::null(), 0), |id| (door.source(id), door.len(id)));
            door.put(self.list, index, prnn_sequence { data, bytes });
        }
    }
}

#[test]
fn pack_sequence() {
    let mut door = Door::new("prnn_pack_sequence");
    let (layout, sequences) = (layout(&mut door), Sequences::new(&mut door, false, Len::AtLeast));
    let output = door.write::<u8>(Argument::Output, 7 * ROW, Len::Own);
    door.check(
        |door| {
            layout.put(door);
            sequences.put(door);
        },
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe {
            let (layout, len, output_bytes) = (door.ptr(layout.layout), door.len(sequences.list), door.len(output));
            prnn_pack_sequence(layout, ROW, door.ptr(sequences.list), len, door.ptr(output), output_bytes, error)
        },
    );
}

#[test]
fn unpack_sequence() {
    let mut door = Door::new("prnn_unpack_sequence");
    let (layout, sequences) = (layout(&mut door), Sequences::new(&mut door, true, Len::AtLeast));
    let input = door.read(Argument::Input, &bytes(7 * ROW), Len::Own);
    door.check(
        |door| {
            layout.put(door);
            sequences.put(door);
        },
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe {
            let (layout, len, input_bytes) = (door.ptr(layout.layout), door.len(sequences.list), door.len(input));
            prnn_unpack_sequence(layout, ROW, door.ptr(input), input_bytes, door.ptr(sequences.list), len, error)
        },
    );
}

#[test]
fn pad_sequence() {
    let mut door = Door::new("prnn_pad_sequence");
    let (padded, sequences) = (padded(&mut door), Sequences::new(&mut door, false, Len::Any));
    let value = door.read(Argument::PaddingValue, &[1_u8, 2, 3], Len::Any);
    let output = door.write::<u8>(Argument::Output, 4 * 5 * ROW, Len::Own);
    door.check(
        |door| {
            put_padded(door, padded);
            sequences.put(door);
        },
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe {
            let (list, len) = (door.ptr(sequences.list), door.len(sequences.list));
            let (value_bytes, output_bytes) = (door.len(value), door.len(output));
            let (padded, value, output) = (door.ptr(padded), door.ptr(value), door.ptr(output));
            prnn_pad_sequence(padded, list, len, PRNN_FILL_LAST, value, value_bytes, output, output_bytes, error)
        },
    );
}

#[test]
fn unpad_sequence() {
    let mut door = Door::new("prnn_unpad_sequence");
    let (padded, sequences) = (padded(&mut door), Sequences::new(&mut door, true, Len::Fixed));
    let lengths = door.read(Argument::Lengths, &LENGTHS, Len::Own);
    let input = door.read(Argument::Input, &bytes(4 * 5 * ROW), Len::Own);
    door.check(
        |door| {
            put_padded(door, padded);
            sequences.put(door);
        },
        // SAFETY: the arena holds what is not wrong.
        |door, error| unsafe {
            let (lengths, lengths_len) = (door.ptr(lengths), door.len(lengths));
            let (padded, input, input_bytes) = (door.ptr(padded), door.ptr(input), door.len(input));
            let (list, len) = (door.ptr(sequences.list), door.len(sequences.list));
            prnn_unpad_sequence(padded, lengths, lengths_len, input, input_bytes, list, len, error)
        },
    );
}

#[test]
fn invert_permutation() {
    let mut door = Door::new("prnn_invert_permutation");
    let permutation = door.read(Argument::Permutation, &[2_u32, 0, 3, 1], Len::Any);
    let output = door.write::<u32>(Argument::Output, 4, Len::Own);
    // SAFETY: the arena holds what is not wrong.
    let call = |door: &Door, error| unsafe {
        let (permutation, len) = (door.ptr(permutation), door.len(permutation));
        prnn_invert_permutation(permutation, len, door.ptr(output), door.len(output), error)
    };
    door.check(|_| (), call);
    assert_eq!(door.list::<u32>(output), [1, 3, 0, 2]);
}
