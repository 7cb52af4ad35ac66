//! What the program needs around it: the panic handler, and values that the compiler cannot see through.

#![no_std]

use core::hint::black_box;

/// Nothing may lead here, as nothing in the crate panics. `ci/bare-metal.sh` looks for this symbol too.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        black_box(());
    }
}

/// A slice of unknown length and contents.
pub fn some<T>(slice: &[T]) -> &[T] {
    black_box(slice)
}

/// The same, to be written.
pub fn some_mut<T>(slice: &mut [T]) -> &mut [T] {
    black_box(slice)
}

/// A number that may be any.
pub fn any() -> usize {
    black_box(3)
}

/// Keeps a result.
pub fn keep<T>(value: T) {
    black_box(value);
}
