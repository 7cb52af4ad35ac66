//! What a microcontroller asks of the compiler: there code is dearer than time, and stack dearer than both.

/// The target is one: code that is there for speed alone is left out.
pub(crate) const SMALL: bool = cfg!(all(target_os = "none", target_pointer_width = "32"));

/// In a loop: a microcontroller has no room for several of its turns at once, however fast they would be.
#[inline(always)]
pub(crate) fn one_turn() {
    if SMALL {
        core::hint::black_box(());
    }
}

/// In a struct: on a microcontroller a function that calls others in a loop reads the other fields again when it wants
/// them. Else it would read them all before the loop and, having too few registers, keep a copy of each on the stack.
///
/// That is an effect of the compiler of today: of references to a type with a cell in it, or to one that may not be moved,
/// it promises nothing to LLVM. Where it ends, nothing but the stack grows, and CI sees it.
#[derive(Default)]
pub(crate) struct Reread(#[cfg(all(target_os = "none", target_pointer_width = "32"))] NoPromise);

/// For shared references the first, for others the second.
#[cfg(all(target_os = "none", target_pointer_width = "32"))]
type NoPromise = (core::cell::Cell<()>, core::marker::PhantomPinned);
