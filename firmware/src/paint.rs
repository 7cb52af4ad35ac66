//! How much stack a call takes: what lies below is painted, and what is no longer paint afterwards was used.

use core::arch::asm;
use core::hint::black_box;

/// No value that a call would write.
const PAINT: u32 = 0xa5c3_f00d;
const WORDS: usize = 2048;

/// The bytes of stack that `call` takes, with the results that it keeps.
#[inline(never)]
pub fn stack_of<F: FnMut()>(mut call: F) -> usize {
    let top: *mut u32;
    // SAFETY: a register is read.
    unsafe { asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags)) };
    let bottom = top.wrapping_sub(WORDS);
    for word in 0..WORDS {
        // SAFETY: below the stack pointer and above the statics, of which `main` makes sure; nobody else is here, as
        // there are no interrupts.
        unsafe { bottom.add(word).write_volatile(PAINT) }
    }
    // A function of its own, whose frame lies below.
    black_box(enter::<F> as fn(&mut F))(&mut call);
    // SAFETY: as above.
    let kept = (0..WORDS).take_while(|&word| unsafe { bottom.add(word).read_volatile() } == PAINT).count();
    if kept == 0 {
        crate::fail("a call takes more stack than was painted");
    }
    (WORDS - kept) * size_of::<u32>()
}

#[inline(never)]
fn enter<F: FnMut()>(call: &mut F) {
    call();
}
