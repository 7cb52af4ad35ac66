//! A positive control: it prints an error, the one thing that firmware without formatting does not do, and
//! `ci/bare-metal.sh` must find that.

#![no_std]
#![no_main]

use bare_metal::{any, keep};
use core::fmt::{Result, Write};
use packed_rnn::Padded;

struct Sink;
impl Write for Sink {
    fn write_str(&mut self, text: &str) -> Result {
        keep(text);
        Ok(())
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        if let Err(error) = Padded::time_major(any(), any()).len(any()) {
            keep(write!(Sink, "{error}"));
        }
    }
}
