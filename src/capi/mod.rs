//! The C interface, declared and described in `include/packed_rnn.h`: doors to the functions of the crate.
//!
//! Nothing is computed here. A door checks what Rust's types would have checked (pointers, alignment, overlap, numbers of
//! enumerations), makes references of what is then known to be sound, and calls the function of the same name. The
//! comments are those of the header, written for readers of C.

#![allow(unsafe_code, non_camel_case_types)]
// What a caller of C promises is told once, in the header's first comment.
#![allow(clippy::missing_safety_doc)]

mod error;
mod layout;
mod memory;
mod model;
mod run;
mod sequence;
mod split;
mod values;

pub use error::*;
pub use layout::*;
pub use model::*;
pub use run::*;
pub use sequence::*;
pub use split::*;
pub use values::*;

/// The version of the library whose header this is.
pub const PRNN_VERSION_MAJOR: u32 = 0;
/// The second number of the version.
pub const PRNN_VERSION_MINOR: u32 = 1;
/// The third number of the version.
pub const PRNN_VERSION_PATCH: u32 = 0;

/// The format of panels that programs compiled with this header hold.
pub const PRNN_PANEL_FORMAT: u32 = 1;

const _: () = {
    assert!(PRNN_PANEL_FORMAT == crate::PANEL_FORMAT, "the header names another format");
    assert!(is_number(env!("CARGO_PKG_VERSION_MAJOR"), PRNN_VERSION_MAJOR), "the header names another version");
    assert!(is_number(env!("CARGO_PKG_VERSION_MINOR"), PRNN_VERSION_MINOR), "the header names another version");
    assert!(is_number(env!("CARGO_PKG_VERSION_PATCH"), PRNN_VERSION_PATCH), "the header names another version");
};

const fn is_number(text: &str, number: u32) -> bool {
    matches!(u32::from_str_radix(text, 10), Ok(parsed) if parsed == number)
}

/// The version of the library that is linked: major * 1000000 + minor * 1000 + patch.
#[unsafe(no_mangle)]
pub extern "C" fn prnn_version() -> u32 {
    PRNN_VERSION_MAJOR * 1_000_000 + PRNN_VERSION_MINOR * 1_000 + PRNN_VERSION_PATCH
}

/// The format of panels that the linked library reads; prnn_model_new compares it with PRNN_PANEL_FORMAT.
#[unsafe(no_mangle)]
pub extern "C" fn prnn_panel_format() -> u32 {
    crate::PANEL_FORMAT
}

// A library for C needs a panic handler, although nothing here panics. That of `std` serves where there is one.
#[cfg(all(not(target_os = "none"), not(packed_rnn_panic_handler)))]
extern crate std;

#[cfg(packed_rnn_panic_handler)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
