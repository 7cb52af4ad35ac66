//! One call of C with every way to get a pointer wrong. All memory of the call is in one arena, with room between the
//! arguments, so that a call that was refused is seen to have written nothing anywhere.

use packed_rnn::capi::{PRNN_OK, prnn_error, prnn_status};
use packed_rnn::{Argument, Code};
use std::cell::Cell;

/// What memory holds before a call: no zeros, no sensible number.
const PATTERN: u8 = 0xa5;

/// Room between arguments: more than the largest of them, which may be put over the end of another one.
const ROOM: usize = 4096;

const NO_ERROR: prnn_error = prnn_error { code: -1, argument: -1, index: 77, found: -1, expected: -1 };

/// One pointer of a call.
#[derive(Clone, Debug)]
struct Slot {
    argument: Argument,
    index: Option<usize>,
    at: Cell<*mut u8>,
    len: Cell<usize>,
    /// Bytes of an element.
    size: usize,
    align: usize,
    written: bool,
    len_is: Len,
}

/// What a pointer's length is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Len {
    /// The one that fits.
    Own,
    /// That or more.
    AtLeast,
    /// Any.
    Any,
    /// No argument, or one that belongs to another pointer.
    Fixed,
}

/// A slot's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(usize);

/// The pointers of a call.
pub struct Door {
    name: &'static str,
    arena: Vec<u128>,
    used: usize,
    slots: Vec<Slot>,
}

impl Door {
    pub fn new(name: &'static str) -> Self {
        Self { name, arena: vec![u128::from_ne_bytes([PATTERN; 16]); 1 << 13], used: ROOM, slots: Vec::new() }
    }

    fn slot<T>(&mut self, argument: Argument, len: usize, written: bool, len_is: Len) -> Id {
        let at = self.arena.as_mut_ptr().cast::<u8>().wrapping_add(self.used);
        let bytes = len * size_of::<T>();
        assert!(bytes < ROOM, "{bytes} bytes of {argument}");
        self.used = (self.used + bytes + ROOM).next_multiple_of(16);
        assert!(self.used < size_of_val(&self.arena[..]), "the arena is too small");
        let (size, align) = (size_of::<T>(), align_of::<T>());
        let (at, len) = (Cell::new(at), Cell::new(len));
        self.slots.push(Slot { argument, index: None, at, len, size, align, written, len_is });
        Id(self.slots.len() - 1)
    }

    /// An array to read.
    pub fn read<T: Copy>(&mut self, argument: Argument, values: &[T], len_is: Len) -> Id {
        let id = self.slot::<T>(argument, values.len(), false, len_is);
        let at = self.slots[id.0].at.get();
        // SAFETY: the slot has room for as many values.
        unsafe { core::ptr::copy_nonoverlapping(values.as_ptr(), at.cast(), values.len()) }
        id
    }

    /// An array to write.
    pub fn write<T>(&mut self, argument: Argument, len: usize, len_is: Len) -> Id {
        self.slot::<T>(argument, len, true, len_is)
    }

    /// An array to be changed in place.
    pub fn change<T: Copy>(&mut self, argument: Argument, values: &[T]) -> Id {
        let id = self.read(argument, values, Len::Own);
        self.slots[id.0].written = true;
        id
    }

    /// A struct to read, which is put there before each call.
    pub fn structure<T>(&mut self, argument: Argument) -> Id {
        self.slot::<T>(argument, 1, false, Len::Fixed)
    }

    /// The entry of a list that a pointer belongs to.
    pub fn at(&mut self, id: Id, index: usize) -> Id {
        self.slots[id.0].index = Some(index);
        id
    }

    pub fn ptr<T>(&self, id: Id) -> *mut T {
        self.slots[id.0].at.get().cast()
    }

    pub fn source<T>(&self, id: Id) -> *const T {
        self.ptr(id)
    }

    pub fn len(&self, id: Id) -> usize {
        self.slots[id.0].len.get()
    }

    /// Puts a struct, or an entry of a list of them, where its pointer is.
    pub fn put<T>(&self, id: Id, index: usize, value: T) {
        let at = self.ptr::<T>(id).wrapping_add(index);
        if !self.ptr::<T>(id).is_null() {
            // SAFETY: within the slot, or the room behind one that it was moved over.
            unsafe { at.write_unaligned(value) }
        }
    }

    /// What is at a pointer.
    pub fn get<T: Copy>(&self, id: Id) -> T {
        // SAFETY: the slot holds one.
        unsafe { self.ptr::<T>(id).read() }
    }

    pub fn list<T: Copy>(&self, id: Id) -> Vec<T> {
        // SAFETY: the slot holds as many.
        unsafe { core::slice::from_raw_parts(self.ptr::<T>(id), self.len(id)) }.to_vec()
    }

    fn bytes(&self) -> &[u8] {
        let used = self.used.min(size_of_val(&self.arena[..]));
        // SAFETY: within the arena; whoever keeps this makes no call meanwhile.
        unsafe { core::slice::from_raw_parts(self.arena.as_ptr().cast(), used) }
    }

    /// Makes the call with all that can be wrong about its pointers, and at last as it is meant.
    ///
    /// `prepare` puts the structs, `call` calls.
    pub fn check(&self, prepare: impl Fn(&Self), call: impl Fn(&Self, *mut prnn_error) -> prnn_status) {
        self.check_but(&[], prepare, call);
    }

    /// The same for a function of which some pointers may be null.
    pub fn check_but(
        &self,
        optional: &[Id],
        prepare: impl Fn(&Self),
        call: impl Fn(&Self, *mut prnn_error) -> prnn_status,
    ) {
        let refused = |what: &str, slot: &Slot, code: Code| -> prnn_error {
            prepare(self);
            let before = self.bytes().to_vec();
            let mut error = NO_ERROR;
            let status = call(self, &mut error);
            let what = format!("{}: {what} of {} ({:?}): {error:?}", self.name, slot.argument, slot.index);
            assert_eq!((status, error.code), (code as i32, code as i32), "{what}");
            assert!(self.bytes() == before, "{what}: written before an error");
            assert_eq!(call(self, core::ptr::null_mut()), status, "{what}: without a place for the error");
            assert!(self.bytes() == before, "{what}: written before an error");
            error
        };
        let named = |error: &prnn_error, slot: &Slot| {
            assert_eq!(error.argument, slot.argument as i32, "{}: {error:?} {slot:?}", self.name);
            assert_eq!(error.index, slot.index.unwrap_or(usize::MAX), "{}: {error:?} {slot:?}", self.name);
        };
        for (number, slot) in self.slots.iter().enumerate() {
            let (at, len) = (slot.at.get(), slot.len.get());
            if len > 0 {
                if !optional.contains(&Id(number)) {
                    slot.at.set(core::ptr::null_mut());
                    named(&refused("a null pointer", slot, Code::Null), slot);
                }
                slot.at.set(at.wrapping_add(1));
                if slot.align > 1 {
                    let error = refused("a misaligned pointer", slot, Code::Misaligned);
                    named(&error, slot);
                    assert_eq!((error.found, error.expected), (1, slot.align as i64));
                }
                slot.at.set(at);
            }
            if slot.len_is != Len::Fixed {
                for huge in [isize::MAX as usize / slot.size + 1, usize::MAX / slot.size, usize::MAX] {
                    slot.len.set(huge);
                    named(&refused("too large a length", slot, Code::Overflow), slot);
                }
                slot.len.set(len);
            }
            for (other_number, other) in self.slots.iter().enumerate() {
                let bytes = other.len.get() * other.size;
                if other_number == number || len == 0 || bytes == 0 || !(slot.written || other.written) {
                    continue;
                }
                // At its beginning, and at its last place that fits the alignment.
                let last = (bytes - 1) / slot.align * slot.align;
                for offset in [0, last] {
                    slot.at.set(other.at.get().wrapping_add(offset));
                    let error = refused("an overlap", slot, Code::Overlap);
                    let seen = [error.argument.into(), error.found];
                    let pair = [slot.argument as i64, other.argument as i64];
                    assert!(
                        seen == pair || seen == [pair[1], pair[0]],
                        "{}: {error:?}, {slot:?}, {other:?}",
                        self.name
                    );
                    // An entry of a list is named, by its index; else what is written.
                    let [named, told] = if seen == pair { [slot, other] } else { [other, slot] };
                    let listed = named.index.is_some() || told.index.is_some();
                    let right = if listed { named.index.is_some() } else { named.written };
                    assert!(right || pair[0] == pair[1], "{}: {error:?}, {slot:?}, {other:?}", self.name);
                    let index = named.index.unwrap_or(usize::MAX);
                    assert!(error.index == index || told.index == Some(error.index), "{}: {error:?}", self.name);
                }
                slot.at.set(at);
            }
            self.error_at(slot, &prepare, &call);
        }
        for slot in &self.slots {
            let len = slot.len.get();
            let wrong: &[usize] = match slot.len_is {
                Len::Own => &[len.wrapping_sub(1), len + 1],
                Len::AtLeast => &[len.wrapping_sub(1)],
                Len::Any | Len::Fixed => &[],
            };
            for &wrong in wrong.iter().filter(|&&wrong| wrong != usize::MAX) {
                prepare(self);
                slot.len.set(wrong);
                prepare(self);
                let (before, mut error) = (self.bytes().to_vec(), NO_ERROR);
                let status = call(self, &mut error);
                assert_ne!(status, PRNN_OK, "{}: {wrong} elements of {slot:?}", self.name);
                named(&error, slot);
                assert!(self.bytes() == before, "{}: {slot:?}: written before an error", self.name);
                slot.len.set(len);
            }
        }

        prepare(self);
        let before = self.bytes().to_vec();
        let mut error = NO_ERROR;
        assert_eq!(call(self, &mut error), PRNN_OK, "{}: {error:?}", self.name);
        assert_eq!(error, NO_ERROR, "{}: an error was written beside a success", self.name);
        // What is not to be written is as it was.
        let start = self.arena.as_ptr().cast::<u8>();
        let written = |at: usize| {
            self.slots.iter().filter(|slot| slot.written).any(|slot| {
                let first = slot.at.get().addr() - start.addr();
                (first..first + slot.len.get() * slot.size).contains(&at)
            })
        };
        for (at, (old, new)) in before.iter().zip(self.bytes()).enumerate() {
            assert!(old == new || written(at), "{}: byte {at} of the arena was written", self.name);
        }
    }

    /// `error` itself: misaligned, or another argument's memory. It is then not written either.
    fn error_at(&self, slot: &Slot, prepare: impl Fn(&Self), call: impl Fn(&Self, *mut prnn_error) -> prnn_status) {
        if slot.len.get() == 0 {
            return;
        }
        prepare(self);
        let before = self.bytes().to_vec();
        let at = slot.at.get().wrapping_sub(slot.at.get().addr() % align_of::<prnn_error>());
        assert_eq!(call(self, at.cast()), Code::Overlap as i32, "{}: {slot:?} as error", self.name);
        assert_eq!(call(self, at.wrapping_add(1).cast()), Code::Misaligned as i32, "{}: misaligned error", self.name);
        assert!(self.bytes() == before, "{}: {slot:?} as error: written", self.name);
    }
}
