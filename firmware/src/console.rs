//! Lines on the host's console, without `core::fmt`: what is measured shall not be formatting.

use cortex_m_semihosting::hio;

/// A part of a line.
#[derive(Clone, Copy)]
pub enum Piece<'a> {
    Text(&'a str),
    Number(u32),
    /// Thousandths, as a number with three digits behind the point.
    Thousandths(u32),
}

/// Prints the parts and a line feed. Where no debugger listens, nothing is printed.
pub fn line(pieces: &[Piece<'_>]) {
    let Ok(mut out) = hio::hstdout() else { return };
    let mut put = |text: &[u8]| out.write_all(text).unwrap_or_default();
    for piece in pieces {
        match *piece {
            Piece::Text(text) => put(text.as_bytes()),
            Piece::Number(number) => digits(number, 1, &mut put),
            Piece::Thousandths(number) => {
                digits(number / 1000, 1, &mut put);
                put(b".");
                digits(number % 1000, 3, &mut put);
            }
        }
    }
    put(b"\n");
}

/// A number in decimal, with zeros before it up to `least` digits.
fn digits(mut number: u32, least: usize, put: &mut impl FnMut(&[u8])) {
    let mut text = [0; 10];
    let mut count = 0;
    for (place, digit) in text.iter_mut().rev().enumerate() {
        if place >= least && number == 0 {
            break;
        }
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        count = place + 1;
    }
    put(text.get(text.len() - count..).unwrap_or_default());
}
