//! A positive control: it panics, and `ci/bare-metal.sh` must find that.

#![no_std]
#![no_main]

use bare_metal::{any, keep, some};

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        keep(some(&[1_u8, 2, 3])[any()]);
    }
}
