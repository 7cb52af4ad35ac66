//! What a microcontroller asks of the compiler: there code is dearer than time, and stack dearer than both.

/// This is one: code that is there for speed alone is left out.
pub(crate) const SMALL: bool = cfg!(all(target_os = "none", target_pointer_width = "32"));

/// In a loop: a microcontroller has no room for several of its turns at once, however fast they would be.
#[inline(always)]
pub(crate) fn one_turn() {
    if SMALL {
        core::hint::black_box(());
    }
}
