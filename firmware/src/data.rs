//! What `build/` made on the host: panels, inputs, and the bits that the host's portable backend gives.

use packed_rnn::{Aligned, Backend};

/// Floats of a file that was made on the host, in the flash.
macro_rules! floats {
    ($len:expr, $file:literal) => {
        // SAFETY: the sizes are equal, and any bits are an f32. The file is little-endian, as the device is.
        Aligned(unsafe {
            core::mem::transmute::<[u8; 4 * $len], [f32; $len]>(*include_bytes!(concat!(env!("OUT_DIR"), "/", $file)))
        })
    };
}

/// A cell, a step at a time, from zeros: the states after the last token.
pub struct Case {
    pub name: &'static str,
    pub input_size: usize,
    pub hidden_size: usize,
    pub gates: usize,
    pub panels: &'static [f32],
    pub inputs: &'static [f32],
    pub h: &'static [f32],
    pub c: &'static [f32],
}

impl Case {
    /// Multiply-accumulates of a step.
    pub const fn multiply_accumulates(&self) -> usize {
        self.gates * self.hidden_size * (self.input_size + self.hidden_size)
    }
}

/// An activation, and what it makes of `VALUES` and `CORNERS`.
pub struct Activation {
    pub name: &'static str,
    pub function: fn(Backend, &mut [f32]),
    pub values: &'static [f32],
    pub corners: &'static [f32],
}

include!(concat!(env!("OUT_DIR"), "/data.rs"));
