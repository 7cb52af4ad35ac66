//! Panels as source text: the shape, the format that they have, and every float to the bit.

use super::network::{Kind, Network};
use super::summary::words;
use packed_rnn::{Direction, PANEL_FORMAT, Shape};
use std::fmt::Write;

/// A Rust module: the cell, the shape, and a `static` on a 64-byte boundary. It needs no formatting and no lint's
/// leave, whether it is a file of its own or included.
pub fn rust(network: &Network, source: &str) -> String {
    let Shape { input_size, hidden_size, num_layers, direction, .. } = network.shape;
    let cell = match network.cell {
        Kind::Lstm => "Lstm",
        Kind::Gru => "Gru",
        Kind::Tanh => "Tanh",
        Kind::Relu => "Relu",
    };
    let layers = if num_layers == 1 { String::new() } else { format!(".layers({num_layers})") };
    let direction = match direction {
        Direction::Forward => "",
        Direction::Reverse => ".direction(packed_rnn::Direction::Reverse)",
        Direction::Bidirectional => ".bidirectional()",
    };
    let (source, words, len) = (comment(source), words(network), network.panels.len());
    let numbers = lines(network.panels.iter().copied().map(rust_literal));
    format!(
        "\
// Made from {source} by packed-rnn's example `import`: to change it, import again.

/// The cell: {words}.
pub type Cell = packed_rnn::{cell};

/// The sizes of the network.
#[rustfmt::skip]
pub const SHAPE: packed_rnn::Shape = packed_rnn::Shape::new({input_size}, {hidden_size}){layers}{direction};

// If this fails, the crate has another format than these panels, which must be imported again.
const _: () = assert!(packed_rnn::PANEL_FORMAT == {PANEL_FORMAT});

/// The panels, {len} floats: `Model::<Cell>::from_panels(SHAPE, &PANELS.0)` is the network.
#[rustfmt::skip]
#[allow(clippy::approx_constant, clippy::excessive_precision, clippy::unreadable_literal)]
pub static PANELS: packed_rnn::Aligned<[f32; packed_rnn::Model::<Cell>::panels_len(SHAPE)]> = packed_rnn::Aligned([
{numbers}]);
"
    )
}

/// A C header for one source file, C99 or later, or C++11 or later: macros of the shape, and a constant array on a
/// 64-byte boundary where the compiler has a way to say so.
pub fn c(network: &Network, source: &str, name: &str) -> String {
    let Shape { input_size, hidden_size, num_layers, direction, .. } = network.shape;
    let upper = name.to_ascii_uppercase();
    let cell = match network.cell {
        Kind::Lstm => "LSTM",
        Kind::Gru => "GRU",
        Kind::Tanh => "RNN_TANH",
        Kind::Relu => "RNN_RELU",
    };
    let direction = match direction {
        Direction::Forward => "FORWARD",
        Direction::Reverse => "REVERSE",
        Direction::Bidirectional => "BIDIRECTIONAL",
    };
    let (source, words, len) = (comment(source), words(network), network.panels.len());
    let special = if network.panels.iter().all(|float| float.is_finite()) { String::new() } else { specials(&upper) };
    let numbers = lines(network.panels.iter().map(|&float| c_literal(float, &upper)));
    format!(
        "\
/* {words}
 *
 * Made from {source} by packed-rnn's example `import`: to change it, import again.
 * Include it in one source file: each that includes it has panels of its own.
 *
 *     prnn_shape shape = {upper}_SHAPE;
 *     prnn_model_new(&shape, {name}_panels, {upper}_PANELS_LEN, {upper}_PANEL_FORMAT, &model, &error);
 */
#ifndef {upper}_PANELS_H
#define {upper}_PANELS_H

#include \"packed_rnn.h\"

#if !defined(PRNN_PANEL_FORMAT) || PRNN_PANEL_FORMAT != {PANEL_FORMAT}
#error \"the panels of {name} have format {PANEL_FORMAT}, packed_rnn.h has another: import them again\"
#endif

#define {upper}_CELL PRNN_{cell}
#define {upper}_DIRECTION PRNN_{direction}
#define {upper}_INPUT_SIZE {input_size}
#define {upper}_HIDDEN_SIZE {hidden_size}
#define {upper}_NUM_LAYERS {num_layers}
#define {upper}_SHAPE \
    {{{upper}_CELL, {upper}_DIRECTION, {upper}_INPUT_SIZE, {upper}_HIDDEN_SIZE, {upper}_NUM_LAYERS}}
#define {upper}_PANELS_LEN {len}
#define {upper}_PANEL_FORMAT {PANEL_FORMAT}

/* Any alignment works; a line of the cache is the fastest. */
#if defined(__GNUC__)
#define {upper}_ALIGNED __attribute__((aligned(64)))
#elif defined(_MSC_VER)
#define {upper}_ALIGNED __declspec(align(64))
#elif defined(__cplusplus)
#define {upper}_ALIGNED alignas(64)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define {upper}_ALIGNED _Alignas(64)
#else
#define {upper}_ALIGNED
#endif
{special}
{upper}_ALIGNED static const float {name}_panels[{upper}_PANELS_LEN] = {{
{numbers}}};

#endif
"
    )
}

/// What floats that no literal can name are called in C. A compiler that cannot tell one NaN from another makes some
/// NaN, which the kernels take as any other.
fn specials(upper: &str) -> String {
    format!(
        "
#if defined(__GNUC__)
#define {upper}_INFINITY __builtin_inff()
#define {upper}_NAN(payload) __builtin_nanf(payload)
#define {upper}_SIGNALLING_NAN(payload) __builtin_nansf(payload)
#else
#include <math.h>
#define {upper}_INFINITY INFINITY
#define {upper}_NAN(payload) NAN
#define {upper}_SIGNALLING_NAN(payload) NAN
#endif
"
    )
}

/// What names in C begin with where nobody says: the name of the file, as far as C allows.
pub fn name_of(source: &str) -> String {
    let stem = source.rsplit_once('.').map_or(source, |(stem, _)| stem);
    let words: Vec<_> =
        stem.split(|next: char| !next.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let name = words.join("_");
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) { name } else { format!("rnn_{name}") }
}

/// The shortest decimals that Rust reads as just this float.
pub fn rust_literal(float: f32) -> String {
    if float.is_nan() {
        format!("f32::from_bits({:#x})", float.to_bits())
    } else if float.is_infinite() {
        if float > 0.0 { "f32::INFINITY".into() } else { "f32::NEG_INFINITY".into() }
    } else {
        format!("{float:?}")
    }
}

/// A float in C, as `%.9g` has it, trailing zeros left out.
///
/// Nine digits rather than the shortest: they are so near to the float that a compiler which reads them with more
/// precision first, or rounds to a neighbour there, still ends at this float.
pub fn c_literal(float: f32, upper: &str) -> String {
    let sign = if float.is_sign_negative() { "-" } else { "" };
    let magnitude = float.abs();
    if float.is_nan() {
        let bits = float.to_bits();
        let which = if bits & 0x40_0000 == 0 { "SIGNALLING_NAN" } else { "NAN" };
        return format!("{sign}{upper}_{which}(\"{:#x}\")", bits & 0x3f_ffff);
    }
    if float.is_infinite() {
        return format!("{sign}{upper}_INFINITY");
    }
    let scientific = format!("{magnitude:.8e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.trim_end_matches('0');
    match exponent.parse() {
        Ok(exponent @ -4..=8) => {
            // All digits behind the point, one of which is before it in `digits`, with the point.
            let behind = digits.len() as i32 - 2 - exponent;
            format!("{sign}{magnitude:.*}f", behind.max(1) as usize)
        }
        _ => format!("{sign}{digits}{}e{exponent}f", if digits.ends_with('.') { "0" } else { "" }),
    }
}

/// Literals one after another, each with a comma, in lines of at most 120 characters.
fn lines(literals: impl Iterator<Item = String>) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for literal in literals {
        if width + literal.len() + 1 > 120 {
            text.push('\n');
            width = 0;
        }
        width += literal.len() + 1;
        let _ = write!(text, "{literal},");
    }
    text.push('\n');
    text
}

/// A file's name within a comment, which it must not end.
fn comment(name: &str) -> String {
    name.replace(char::is_control, " ").replace("*/", "* /").replace("/*", "/ *")
}
