//! What the programs share: the console and the way out, a clock that counts instructions, and the data that
//! `build/` made on the host.

#![no_std]

pub mod clock;
pub mod console;
pub mod data;
pub mod networks;
pub mod paint;

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::debug::{EXIT_FAILURE, EXIT_SUCCESS, exit};

/// Leaves the emulator, with success or failure.
pub fn leave(success: bool) -> ! {
    exit(if success { EXIT_SUCCESS } else { EXIT_FAILURE });
    loop {
        cortex_m::asm::bkpt();
    }
}

/// Tells what went wrong, and leaves with failure.
pub fn fail(what: &str) -> ! {
    console::line(&[console::Piece::Text("FAILED: "), console::Piece::Text(what)]);
    leave(false)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    fail("a panic")
}

#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    fail("a hard fault")
}

/// Equal to the last bit; any NaN is any other.
pub fn same_bits(found: &[f32], expected: &[f32]) -> bool {
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
}
