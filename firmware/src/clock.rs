//! Counts executed instructions under the emulator.
//!
//! With `-icount shift=0` the virtual time goes on by 1 ns for each instruction, and the system timer of the mps2 boards
//! counts at 25 MHz: once in 40 instructions. [`Clock::start`] makes sure of it.

use core::arch::naked_asm;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

/// Instructions of one tick.
pub const TICK: u32 = 40;
const TOP: u32 = 0xff_ffff;

pub struct Clock(SYST);

impl Clock {
    /// Starts the timer, and counts a loop of known length.
    pub fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(TOP);
        timer.clear_current();
        timer.enable_counter();
        let mut clock = Self(timer);
        let found = clock.instructions(|| three_instructions_times(10_000));
        if found.abs_diff(30_000) > 2 * TICK {
            crate::fail("the timer does not count instructions: run with -icount shift=0 on an mps2 board");
        }
        clock
    }

    /// The instructions that `work` takes, known to 40 of them. The trace of the emulator finds the same between
    /// `measured_begin` and `measured_end`, one by one.
    #[inline(never)]
    pub fn instructions(&mut self, work: impl FnOnce()) -> u32 {
        self.0.clear_current();
        // It begins anew at the next tick, from the top.
        while SYST::get_current() == 0 {}
        self.0.has_wrapped();
        let start = SYST::get_current();
        measured_begin();
        work();
        measured_end();
        let end = SYST::get_current();
        if self.0.has_wrapped() {
            crate::fail("the timer wrapped: the work is too long to be counted");
        }
        (start - end) * TICK
    }
}

/// Where the trace begins to count.
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn measured_begin() {
    naked_asm!("bx lr")
}

/// Where it ends; another body, so that the two are not merged.
#[unsafe(no_mangle)]
#[unsafe(naked)]
extern "C" fn measured_end() {
    naked_asm!("nop", "bx lr")
}

#[unsafe(naked)]
extern "C" fn three_instructions_times(count: u32) {
    naked_asm!("1:", "nop", "subs r0, #1", "bne 1b", "bx lr")
}
