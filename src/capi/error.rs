//! How calls of C end: a status, the detail, and its text.

use crate::error::{Argument, Code, Error};
use core::ffi::c_char;

/// How a call ended: PRNN_OK, or a prnn_code that says what was wrong. After any other than PRNN_OK, outputs, states and
/// panels are untouched (index arrays of a layout may hold anything).
pub type prnn_status = i32;

/// The call did what it says.
pub const PRNN_OK: prnn_status = 0;

/// Why a call was refused. On success it is left as it was. It is written where the status is not PRNN_OK, unless the
/// place for it is what was wrong (misaligned, or memory of another argument): then only the status tells.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct prnn_error {
    /// What was wrong: a prnn_code, the same as the status.
    pub code: i32,
    /// Which argument: a prnn_argument.
    pub argument: i32,
    /// Where in it: the sequence in the caller's order, or the entry of a list. SIZE_MAX where the argument as a whole
    /// is meant.
    pub index: usize,
    /// The value that was found. Values beyond INT64_MAX are given as INT64_MAX.
    pub found: i64,
    /// The value, or the bound, that was expected.
    pub expected: i64,
}

/// The status of a result, and its detail.
///
/// # Safety
/// `error` is null, or there to be written.
pub(super) unsafe fn report(result: Result<(), Error>, error: *mut prnn_error) -> prnn_status {
    let Err(Error { code, argument, index, found, expected }) = result else { return PRNN_OK };
    let detail = prnn_error {
        code: code as i32,
        argument: argument as i32,
        index: index.unwrap_or(usize::MAX),
        found,
        expected,
    };
    // Where `error` itself is wrong, it is not written.
    if !error.is_null() && argument != Argument::Error {
        // SAFETY: not null, aligned as no error names it, and there by the caller's promise.
        unsafe { error.write(detail) }
    }
    detail.code
}

/// Writes the text of an error, such as `lengths[1]: -1 is negative`, into a buffer.
///
/// As snprintf does: at most buffer_len bytes are written, the last of them 0, and the length that the whole text has
/// without it is returned, so that a call with a buffer_len of 0 tells how much is needed. Nothing is wrong with a null
/// pointer for error: the text then says that there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_error_text(error: *const prnn_error, buffer: *mut c_char, buffer_len: usize) -> usize {
    let error = match !error.is_null() && error.is_aligned() {
        // SAFETY: not null, aligned, and there by the caller's promise.
        true => unsafe { error.read() },
        false => prnn_error::default(),
    };
    let mut text = Text { start: buffer.cast(), len: if buffer.is_null() { 0 } else { buffer_len }, needed: 0 };
    let prnn_error { code, argument, index, found, expected } = error;
    match (Code::of(code), Argument::of(argument.into())) {
        (Some(code), Some(argument)) => {
            let index = (index != usize::MAX).then_some(index);
            let error = Error { code, argument, index, found, expected };
            let Ok(()) = error.tell(|piece| text.put(piece));
        }
        _ if code == PRNN_OK => {
            let Ok(()) = text.put("no error");
        }
        _ => {
            let Ok(()) = text.put("an error that this version does not know");
        }
    }
    text.end()
}

/// A text on its way into the caller's buffer.
struct Text {
    start: *mut u8,
    len: usize,
    needed: usize,
}

impl Text {
    fn put(&mut self, piece: &str) -> Result<(), core::convert::Infallible> {
        for &byte in piece.as_bytes() {
            // One place is kept for the end.
            if self.needed + 1 < self.len {
                // SAFETY: within the `len` bytes that the caller promised.
                unsafe { self.start.add(self.needed).write(byte) }
            }
            self.needed += 1;
        }
        Ok(())
    }

    fn end(self) -> usize {
        if let Some(last) = self.len.checked_sub(1) {
            // SAFETY: within the `len` bytes that the caller promised.
            unsafe { self.start.add(self.needed.min(last)).write(0) }
        }
        self.needed
    }
}
