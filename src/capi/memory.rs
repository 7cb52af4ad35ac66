//! The caller's memory: every pointer is checked, and what is written is apart from all else, before any reference is
//! made of them.

use super::error::{prnn_error, prnn_status, report};
use crate::error::{Argument, Code, Error};

/// The most pieces of memory of one call, those in lists aside.
const MOST: usize = 20;

/// A piece of memory that has been checked by itself; not empty.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: usize,
    end: usize,
    argument: Argument,
}

impl Span {
    const NONE: Self = Self { start: 0, end: 0, argument: Argument::Error };

    /// `None` where there are no elements: then the pointer does not matter.
    pub(super) fn new<T>(start: *const T, len: usize, argument: Argument) -> Result<Option<Self>, Error> {
        if len == 0 {
            return Ok(None);
        }
        if start.is_null() {
            return Err(Error::new(Code::Null, argument, 0, len));
        }
        let beyond = start.addr().checked_rem(align_of::<T>()).unwrap_or_default();
        if beyond != 0 {
            return Err(Error::new(Code::Misaligned, argument, beyond, align_of::<T>()));
        }
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= isize::MAX as usize);
        let end = bytes.and_then(|bytes| start.addr().checked_add(bytes)).ok_or(Error::overflow(argument))?;
        Ok(Some(Self { start: start.addr(), end, argument }))
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The two together, with what is between.
    pub(super) fn hull(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end), ..self }
    }
}

fn overlap(of: &Span, with: &Span) -> Error {
    Error { code: Code::Overlap, argument: of.argument, index: None, found: with.argument as i64, expected: 0 }
}

/// Elements to read, checked.
pub(super) struct In<T> {
    start: *const T,
    len: usize,
}

/// Elements to write, checked.
pub(super) struct Out<T> {
    start: *mut T,
    len: usize,
}

impl<T> In<T> {
    /// Of memory that has been checked in this call.
    pub(super) fn checked(start: *const T, len: usize) -> Self {
        Self { start, len }
    }

    /// The same elements as ones of a transparent type around them.
    pub(super) fn cast<U>(&self) -> In<U> {
        In { start: self.start.cast(), len: self.len }
    }

    /// # Safety
    /// The memory is there for `'a`, as the caller of C promised, and nothing writes to it; [`call`] has seen that
    /// nothing that this call writes overlaps it.
    pub(super) unsafe fn slice<'a>(&self) -> &'a [T] {
        // SAFETY: not null, aligned, and not too large, as `Span::new` found; the rest is promised.
        if self.len == 0 { &[] } else { unsafe { core::slice::from_raw_parts(self.start, self.len) } }
    }
}

impl<T> Out<T> {
    /// As [`In::checked`].
    pub(super) fn checked(start: *mut T, len: usize) -> Self {
        Self { start, len }
    }

    /// # Safety
    /// As [`In::slice`], and it is called once.
    pub(super) unsafe fn slice<'a>(&self) -> &'a mut [T] {
        // SAFETY: as for `In`; `call` has seen that nothing else overlaps it.
        if self.len == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(self.start, self.len) } }
    }

    /// Writes the one element.
    ///
    /// # Safety
    /// As [`Out::slice`].
    pub(super) unsafe fn set(&self, value: T) {
        // SAFETY: not null and aligned, as `Span::new` found for one element.
        unsafe { self.start.write(value) }
    }
}

/// What the arguments of one call refer to.
pub(super) struct Memory<'s> {
    /// By reference, so that the list is made in its place.
    spans: &'s mut [Span; MOST],
    count: usize,
    /// A bit for each of them that is written; in the spans it would take a word each.
    written: u32,
}

const _: () = assert!(MOST <= u32::BITS as usize);

impl Memory<'_> {
    fn add(&mut self, span: Option<Span>, written: bool) -> Result<(), Error> {
        let Some(span) = span else { return Ok(()) };
        let free = self.spans.get_mut(self.count).ok_or(Error::overflow(span.argument))?;
        *free = span;
        self.written |= u32::from(written) << self.count;
        self.count += 1;
        Ok(())
    }

    /// Each, and whether it is written.
    fn spans(&self) -> impl Iterator<Item = (&Span, bool)> {
        self.spans.iter().enumerate().take(self.count).map(|(place, span)| (span, self.written >> place & 1 == 1))
    }

    /// `len` elements to read.
    pub(super) fn read<T>(&mut self, start: *const T, len: usize, argument: Argument) -> Result<In<T>, Error> {
        self.add(Span::new(start, len, argument)?, false)?;
        Ok(In { start, len })
    }

    /// The same, where a null pointer with a length of 0 means that there are none.
    pub(super) fn read_option<T>(
        &mut self,
        start: *const T,
        len: usize,
        argument: Argument,
    ) -> Result<Option<In<T>>, Error> {
        if start.is_null() && len == 0 { Ok(None) } else { self.read(start, len, argument).map(Some) }
    }

    /// `len` elements to write.
    pub(super) fn write<T>(&mut self, start: *mut T, len: usize, argument: Argument) -> Result<Out<T>, Error> {
        self.add(Span::new(start, len, argument)?, true)?;
        Ok(Out { start, len })
    }

    /// A struct, read at once.
    ///
    /// # Safety
    /// It is there, unless the pointer is null or misaligned.
    pub(super) unsafe fn copy<T: Copy>(&mut self, start: *const T, argument: Argument) -> Result<T, Error> {
        self.add(Span::new(start, 1, argument)?, false)?;
        // SAFETY: not null and aligned, as was just found, and promised to be there; structs of C hold any bits.
        Ok(unsafe { start.read() })
    }

    /// Memory of an entry of a list, for which there is no room here: it must be apart from all that has been added. Of
    /// two that are not, the entry is named, even where only the other is written: the caller adds its index.
    pub(super) fn entry<T>(
        &self,
        start: *const T,
        len: usize,
        argument: Argument,
        written: bool,
    ) -> Result<Option<Span>, Error> {
        let Some(span) = Span::new(start, len, argument)? else { return Ok(None) };
        match self.spans().find(|&(other, other_written)| (other_written || written) && span.overlaps(other)) {
            Some((other, _)) if other.argument == Argument::Error => Err(overlap(other, &span)),
            Some((other, _)) => Err(overlap(&span, other)),
            None => Ok(Some(span)),
        }
    }

    /// What is written is apart from all else.
    fn apart(&self) -> Result<(), Error> {
        for (place, (later, later_written)) in self.spans().enumerate() {
            for (earlier, earlier_written) in self.spans().take(place) {
                if (earlier_written || later_written) && earlier.overlaps(later) {
                    // The one that is written is named; where both are, the later. `error` is told first.
                    let first = !later_written || earlier.argument == Argument::Error;
                    return Err(if first { overlap(earlier, later) } else { overlap(later, earlier) });
                }
            }
        }
        Ok(())
    }
}

/// One call of C: the arguments' memory is gathered and checked, then the work is done.
///
/// # Safety
/// `error` is null, or there to be written.
pub(super) unsafe fn call<A>(
    error: *mut prnn_error,
    gather: impl FnOnce(&mut Memory<'_>) -> Result<A, Error>,
    act: impl FnOnce(&A) -> Result<(), Error>,
) -> prnn_status {
    // The arguments by reference: each copy of them would be on the stack.
    let result = match &checked(error, gather) {
        Ok(arguments) => act(arguments),
        Err(refused) => Err(*refused),
    };
    // SAFETY: the caller's promise.
    unsafe { report(result, error) }
}

/// A function of its own, so that the list of spans is off the stack when the work begins.
#[inline(never)]
fn checked<A>(error: *mut prnn_error, gather: impl FnOnce(&mut Memory<'_>) -> Result<A, Error>) -> Result<A, Error> {
    let mut memory = Memory { spans: &mut [Span::NONE; MOST], count: 0, written: 0 };
    if !error.is_null() {
        memory.write(error, 1, Argument::Error)?;
    }
    let arguments = gather(&mut memory)?;
    memory.apart()?;
    Ok(arguments)
}
