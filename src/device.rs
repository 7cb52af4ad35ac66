//! What a microcontroller asks of the compiler: there code is dearer than time, and stack dearer than both.

#[cfg(all(target_os = "none", target_pointer_width = "32"))]
use core::{cell::Cell, marker::PhantomPinned};

/// This is one: code that is there for speed alone is left out.
pub(crate) const SMALL: bool = cfg!(all(target_os = "none", target_pointer_width = "32"));

/// In a loop: a microcontroller has no room for several of its turns at once, however fast they would be.
#[inline(always)]
pub(crate) fn one_turn() {
    if SMALL {
        core::hint::black_box(());
    }
}

/// Of a struct that has this field, references promise the compiler nothing: a function that calls others in a loop reads
/// the fields again when it wants them. Else it would read them all before the loop and, having too few registers,
/// keep a copy of each on the stack.
#[derive(Default)]
pub(crate) struct Reread(
    /// For shared references the first, for others the second.
    #[cfg(all(target_os = "none", target_pointer_width = "32"))]
    (Cell<()>, PhantomPinned),
);
