//! `examples/import`: what it reads, what it refuses, and the text that it writes, which is compiled.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../examples/import/main.rs"]
mod import;
mod import_support;
#[allow(dead_code)]
mod support;

/// Written by the example, and compared with what it writes now in `text_in_rust_is_compiled`.
#[path = "data/corners_panels.rs"]
mod corners_panels;

use import_support::{Compiler, File, corners, directory, run, saved};
use packed_rnn::{Cell, Code, Direction, Gru, Layout, Lstm, Model, Relu, Shape, States, Tanh};
use std::fs;
use support::assert_bits;

/// Where each of the repository's networks is, how it is named there, and what is beside it.
const BIGRU: (&str, &str, &[&str]) = ("examples/data/bigru.safetensors", "w.rnn.", &["w.fc.", "expected."]);
const BILSTM: (&str, &str, &[&str]) = ("tests/data/bilstm.safetensors", "w.rnn.", &["w.fc.", "expected."]);
const SILERO: (&str, &str, &[&str]) =
    ("tests/data/silero_lstm.safetensors", "lstm.", &["expected.", "lengths", "output.", "x"]);
const G2P: (&str, &str, &[&str]) =
    ("tests/data/g2p_encoder.safetensors", "enc.", &["char_ids", "enc.embedding", "expected.", "lengths"]);

fn arguments<'a>((path, _, ignored): (&'a str, &str, &[&'a str])) -> Vec<&'a str> {
    [path].into_iter().chain(ignored.iter().flat_map(|ignore| ["--ignore", ignore])).collect()
}

/// The floats in a text that was written, as a reader of decimals finds them.
fn numbers_in_rust(text: &str) -> Vec<f32> {
    let (_, text) = text.split_once("packed_rnn::Aligned([").unwrap();
    let (text, end) = text.split_once("]);").unwrap();
    assert_eq!(end, "\n");
    let literals = text.split(',').map(str::trim).filter(|literal| !literal.is_empty());
    literals.map(|literal| literal.parse().unwrap_or_else(|error| panic!("{literal}: {error}"))).collect()
}

/// The panels that are written for a network of the repository are those that its tensors give by name, and the text
/// tells its cell and shape.
fn repository<C: Cell>(network: (&str, &str, &[&str]), shape: Shape, says: [&str; 2]) -> (String, Vec<f32>) {
    let (path, prefix, _) = network;
    let bytes: &'static [u8] = fs::read(path).unwrap().leak();
    let expected = support::panels::<C>(&support::File::new(bytes), prefix, shape);
    let ran = run(&[&arguments(network)[..], &["--rust", "-"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    for line in says {
        assert!(ran.out.contains(line), "{path}: {line} is not in the text");
    }
    assert_bits(&numbers_in_rust(&ran.out), &expected, path);
    (ran.err, expected)
}

#[test]
fn bigru() {
    let shape = Shape::new(12, 32).layers(2).bidirectional();
    let says = ["pub type Cell = packed_rnn::Gru;", "packed_rnn::Shape::new(12, 32).layers(2).bidirectional();"];
    let (summary, panels) = repository::<Gru>(BIGRU, shape, says);
    // Of two layers: 96 rows of 12 or 64 inputs, 32 states and two biases, twice each.
    let parameters = 2 * 96 * (12 + 32 + 2) + 2 * 96 * (64 + 32 + 2);
    assert!(summary.contains(&format!("parameters          {parameters}\n")), "{summary}");
    assert!(summary.contains(&format!("panels              {} floats, {} bytes", panels.len(), 4 * panels.len())));
    // What the example does by itself is to tell of this very network.
    let alone = run(&[]);
    assert_eq!((alone.code, alone.err.as_str()), (0, ""));
    assert_eq!(alone.out, summary);
}

#[test]
fn bilstm() {
    let says = ["pub type Cell = packed_rnn::Lstm;", "packed_rnn::Shape::new(12, 32).bidirectional();"];
    repository::<Lstm>(BILSTM, Shape::new(12, 32).bidirectional(), says);
}

#[test]
fn silero() {
    let says = ["pub type Cell = packed_rnn::Lstm;", "packed_rnn::Shape::new(128, 128);"];
    repository::<Lstm>(SILERO, Shape::new(128, 128), says);
}

#[test]
fn g2p() {
    let says = ["pub type Cell = packed_rnn::Gru;", "packed_rnn::Shape::new(256, 256);"];
    repository::<Gru>(G2P, Shape::new(256, 256), says);
}

// ---- every network --------------------------------------------------------------------------------------------------

/// Every shape of a cell, whatever the order of the tensors in the file, whatever their prefix.
fn every_shape<C: Cell>(cell: &str, option: Option<&str>) {
    let ways = [Direction::Forward, Direction::Reverse, Direction::Bidirectional];
    for (index, &way) in ways.iter().enumerate() {
        for layers in [1, 2, 12] {
            for (biases, prefix) in [(true, ""), (false, "rnn."), (true, "a.b_l0.")] {
                let shape = Shape::new(3, 5).layers(layers).direction(way);
                let mut file = File::network::<C>(prefix, shape, biases);
                let expected = file.panels::<C>(prefix, shape);
                file.shuffle(index + layers);
                let path = saved(&format!("{cell}-{index}-{layers}-{biases}.safetensors"), &file.bytes());
                let mut arguments = vec![path.as_str(), "--rust", "-"];
                arguments.extend(option.iter().flat_map(|option| ["--cell", option]));
                if way == Direction::Reverse {
                    arguments.extend(["--direction", "reverse"]);
                }
                let ran = run(&arguments);
                assert_eq!(ran.code, 0, "{}", ran.err);
                assert!(ran.out.contains(&format!("pub type Cell = packed_rnn::{cell};")), "{}", ran.out);
                let direction = ["", ".direction(packed_rnn::Direction::Reverse)", ".bidirectional()"][index];
                let layers = if layers == 1 { String::new() } else { format!(".layers({layers})") };
                let shape = format!("= packed_rnn::Shape::new(3, 5){layers}{direction};");
                assert!(ran.out.contains(&shape), "{shape}: {}", ran.out);
                assert_bits(&numbers_in_rust(&ran.out), &expected, &format!("{cell}, {shape}"));
            }
        }
    }
}

#[test]
fn every_shape_of_each_cell() {
    every_shape::<Lstm>("Lstm", None);
    every_shape::<Gru>("Gru", Some("gru"));
    // As PyTorch's RNN is, unless told otherwise.
    every_shape::<Tanh>("Tanh", None);
    every_shape::<Relu>("Relu", Some("relu"));
}

#[test]
fn reverse_alone_under_its_own_names() {
    let shape = Shape::new(3, 5).layers(2).direction(Direction::Reverse);
    let mut file = File::network::<Gru>("", shape, true);
    let expected = file.panels::<Gru>("", shape);
    file.tensors.iter_mut().for_each(|tensor| tensor.name += "_reverse");
    let path = saved("reverse-names.safetensors", &file.bytes());
    let ran = run(&[&path, "--direction", "reverse", "--rust", "-"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_bits(&numbers_in_rust(&ran.out), &expected, "reverse alone");
}

#[test]
fn one_of_several_networks() {
    let shape = Shape::new(3, 5);
    let (encoder, decoder) = (File::network::<Gru>("enc.", shape, true), File::network::<Lstm>("dec.", shape, true));
    let expected = decoder.panels::<Lstm>("dec.", shape);
    let both = File { tensors: [encoder.tensors, decoder.tensors].concat() };
    let path = saved("several.safetensors", &both.bytes());
    // What is ignored is out of the question; or else the prefix tells.
    for arguments in [vec!["--ignore", "enc."], vec!["--prefix=dec.", "--ignore=enc."]] {
        let ran = run(&[&[path.as_str(), "--rust", "-"], &arguments[..]].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_bits(&numbers_in_rust(&ran.out), &expected, "the decoder");
    }
}

#[test]
fn sixteen_bits_are_widened_exactly() {
    // By the formats' definition, in f64, which holds all of them.
    let value = |bits: u32, fraction_bits: u32, bias: i32| {
        let fraction = f64::from(bits & ((1 << fraction_bits) - 1)) / f64::from(1 << fraction_bits);
        let exponent = (bits & 0x7fff) >> fraction_bits;
        let magnitude = match exponent {
            0 => fraction * 2f64.powi(1 - bias),
            _ if exponent == (0x7fff >> fraction_bits) => {
                if fraction == 0.0 {
                    f64::INFINITY
                } else {
                    f64::NAN
                }
            }
            _ => (1.0 + fraction) * 2f64.powi(exponent as i32 - bias),
        };
        if bits & 0x8000 == 0 { magnitude } else { -magnitude }
    };
    for bits in 0..=u16::MAX {
        for (found, expected) in [
            (import::floats::f16_to_f32(bits), value(bits.into(), 10, 15)),
            (import::floats::bf16_to_f32(bits), value(bits.into(), 7, 127)),
        ] {
            let same = f64::from(found).to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
            assert!(same, "{bits:#x}: {found:e} instead of {expected:e}");
            assert_eq!(found.is_sign_negative(), bits & 0x8000 != 0, "{bits:#x}");
        }
    }

    // A network whose types are mixed: as if the widened floats were in the file.
    let shape = Shape::new(3, 5);
    let mut file = File::network::<Gru>("", shape, true);
    file.narrow("weight_ih_l0", "BF16");
    file.narrow("bias_hh_l0", "F16");
    let path = saved("narrow.safetensors", &file.bytes());
    let ran = run(&[&path, "--rust", "-"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("4 named * (1 BF16, 1 F16, 2 F32), widened to F32 exactly\n"), "{}", ran.err);
    assert_bits(&numbers_in_rust(&ran.out), &file.panels::<Gru>("", shape), "narrow");
}

/// Slices just as long as the summary tells are what a run and a step take, and no shorter scratch.
fn enough<C: Cell>(option: &str, shape: Shape) {
    let file = File::network::<C>("", shape, true);
    let panels = file.panels::<C>("", shape);
    let path = saved(&format!("needs-{option}-{:?}.safetensors", shape.direction), &file.bytes());
    let direction = format!("{:?}", shape.direction).to_lowercase();
    let arguments = [&path, "--cell", option, "--direction", &direction, "--batch", "3", "--tokens", "7"];
    let ran = run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let (run, step) =
        ran.out.split_once("\na run of 3 sequences and 7 tokens in all needs\n").unwrap().1.split_once("step").unwrap();
    let told = |text: &str, what: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(what));
        let number = line.and_then(|line| line.split_whitespace().next()).unwrap_or_else(|| panic!("{what}: {text}"));
        vec![0.0; number.parse().unwrap()]
    };
    let second = |text: &str, what: &str| if C::HAS_C { told(text, what) } else { Vec::new() };

    let model = Model::<C>::from_panels(shape, &panels).unwrap();
    let mut sorted_lengths = [0; 3];
    let layout = Layout::from_sorted(&[3, 2, 2], &mut sorted_lengths).unwrap();
    let (input, mut output) = (told(run, "input"), told(run, "output"));
    let (mut hn, mut cn) = (told(run, "hn (and h0)"), second(run, "cn (and c0)"));
    for (what, last) in [("scratch of run ", false), ("or of run_last", true)] {
        let mut scratch = told(run, what);
        let mut attempt = |scratch: &mut [f32]| match last {
            false => model.run(&layout, &input, States::lstm(&mut hn, &mut cn), &mut output, scratch),
            true => model.run_last(&layout, &input, States::lstm(&mut hn, &mut cn), scratch),
        };
        attempt(&mut scratch).unwrap();
        if scratch.pop().is_some() {
            assert_eq!(attempt(&mut scratch).unwrap_err().code, Code::TooShort, "{what}");
        }
    }
    assert_eq!(told(run, "more, for speed").len(), model.ahead_len());

    if shape.direction != Direction::Forward {
        assert_eq!(step, "s: a direction that begins at the end of a sequence cannot run on a stream\n");
        return;
    }
    let (input, h_in, mut c) = (told(step, "input"), told(step, "h_in, h_out each"), second(step, "c "));
    model.step(3, &input, &h_in, &mut h_in.clone(), &mut c).unwrap();
    let (mut h, mut scratch) = (told(step, "or, in place, h"), told(step, "and scratch"));
    model.step_in_place(3, &input, &mut h, &mut c, &mut scratch).unwrap();
    scratch.pop();
    assert_eq!(model.step_in_place(3, &input, &mut h, &mut c, &mut scratch).unwrap_err().code, Code::TooShort);
}

#[test]
fn what_a_run_needs() {
    for direction in [Direction::Forward, Direction::Reverse, Direction::Bidirectional] {
        let shape = Shape::new(3, 5).direction(direction);
        enough::<Lstm>("lstm", shape.layers(2));
        enough::<Gru>("gru", shape.layers(3));
        enough::<Tanh>("tanh", shape);
        enough::<Relu>("relu", shape.layers(2));
    }
}

// ---- the text -------------------------------------------------------------------------------------------------------

/// What is read again from a text must be the very bits, NaN's and those of numbers that no decimal is near to
/// included: as the compiler reads it. The text is committed, and stale if the example writes another.
#[test]
fn text_in_rust_is_compiled() {
    let (file, shape) = corners();
    let path = saved("corners.safetensors", &file.bytes());
    let written = format!("{}/corners_panels.rs", directory());
    let ran = run(&[&path, "--rust", &written]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        fs::read_to_string(&written).unwrap() == include_str!("data/corners_panels.rs"),
        "tests/data/corners_panels.rs is stale: compare it with {written}, which is what is written now"
    );
    assert_eq!(corners_panels::SHAPE, shape);
    let panels = file.panels::<corners_panels::Cell>("", shape);
    assert_bits(&corners_panels::PANELS.0, &panels, "compiled panels");
    assert_eq!(corners_panels::PANELS.0.as_ptr() as usize % 64, 0);
    let asserted = format!("const _: () = assert!(packed_rnn::PANEL_FORMAT == {});", packed_rnn::PANEL_FORMAT);
    assert!(include_str!("data/corners_panels.rs").contains(&asserted));
    // A warning for each tensor with numbers that a network can hardly mean.
    assert!(ran.err.contains("warning: weight_ih_l0: 9 not finite\n"), "{}", ran.err);
}

/// By each compiler as itself, and as one of which the text knows nothing but the language.
#[test]
fn text_in_c_is_compiled() {
    let (file, shape) = corners();
    let panels = file.panels::<Lstm>("", shape);
    let path = saved("corners-c.safetensors", &file.bytes());
    let header = format!("{}/corners.h", directory());
    let ran = run(&[&path, "--c", &header]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut compiled = String::from("panels in C compiled as:");
    for compiler in Compiler::ALL {
        for unknown in [false, true] {
            let Some((shape, bits)) = compiler.read(&header, "corners_c", unknown) else { continue };
            // An LSTM, in both directions.
            assert_eq!((shape, bits.len()), ([0, 2, 2, 3, 2, packed_rnn::PANEL_FORMAT], panels.len()));
            for (at, (found, expected)) in bits.into_iter().zip(&panels).enumerate() {
                // One NaN is as good as another where a compiler has but one.
                let same =
                    found == expected.to_bits() || unknown && f32::from_bits(found).is_nan() && expected.is_nan();
                assert!(
                    same,
                    "{compiler:?}, unknown {unknown}: {found:#x} instead of {:#x} at {at}",
                    expected.to_bits()
                );
            }
            compiled += &format!(" {}{}", compiler.name(), if unknown { " (unknown)" } else { "" });
        }
    }
    import_support::tell(&compiled);
}

#[test]
fn text_in_c_of_trained_networks() {
    for (network, name, shape) in [
        (BIGRU, "bigru", [1, 2, 12, 32, 2]),
        (BILSTM, "bilstm", [0, 2, 12, 32, 1]),
        (SILERO, "silero_lstm", [0, 0, 128, 128, 1]),
    ] {
        let header = format!("{}/trained_{name}.h", directory());
        // The second text of the same run, whose bits are those of the tensors by `bigru()` and the like.
        let ran = run(&[&arguments(network)[..], &["--c", &header, "--rust", "-"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let expected = numbers_in_rust(&ran.out).into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let Some((found, bits)) = Compiler::C99.read(&header, name, false) else { continue };
        assert_eq!(found[..5], shape, "{name}");
        assert_eq!(bits, expected, "{name}");
    }
}

/// Each cell and direction by the number that the interface of C has for it.
#[test]
fn cells_and_directions_in_c() {
    let shape = Shape::new(2, 1);
    for (cell, option, file) in [
        (0, "lstm", File::network::<Lstm>("", shape, true)),
        (1, "gru", File::network::<Gru>("", shape, true)),
        (2, "tanh", File::network::<Tanh>("", shape, true)),
        (3, "relu", File::network::<Relu>("", shape, true)),
    ] {
        let path = saved(&format!("c-{option}.safetensors"), &file.bytes());
        for (direction, way) in ["forward", "reverse"].into_iter().enumerate() {
            let header = format!("{}/c-{option}-{way}.h", directory());
            let arguments = [&path, "--cell", option, "--direction", way, "--c", &header, "--name", "Small"];
            let ran = run(&arguments);
            assert_eq!(ran.code, 0, "{}", ran.err);
            let Some((found, _)) = Compiler::C99.read(&header, "Small", false) else { continue };
            assert_eq!(found[..5], [cell, direction as u32, 2, 1, 1]);
        }
    }
}

#[test]
fn text_in_c_refuses_another_format() {
    let header = format!("{}/refusing.h", directory());
    let ran = run(&[&arguments(BIGRU)[..], &["--c", &header]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    for (folder, text) in [("other", "#define PRNN_PANEL_FORMAT 2\n"), ("none", "\n")] {
        let Some(message) = Compiler::C11.refusal(&header, folder, text) else { continue };
        assert!(message.contains("bigru have format 1, packed_rnn.h has another: import them again"), "{message}");
    }
}

/// Decimals of floats all over, which the compilers of C and Rust read as the tests above show.
#[test]
fn decimals_are_the_floats() {
    let (mut count, mut bits) = (0, 1u32);
    // A stride that visits all exponents, and any bits of the fraction.
    while let Some(next) = bits.checked_add(1_000_003 / 16) {
        let float = f32::from_bits(bits);
        bits = next;
        if !float.is_finite() {
            continue;
        }
        let rust: f32 = import::text::rust_literal(float).parse().unwrap();
        let c = import::text::c_literal(float, "X");
        let digits = c.strip_suffix('f').unwrap();
        assert!(digits.contains(['.', 'e']), "{c} is no float in C");
        assert_eq!([rust.to_bits(), digits.parse::<f32>().unwrap().to_bits()], [float.to_bits(); 2], "{c}");
        // Nine digits are as near as they must be for a reader of doubles to end at the same.
        assert_eq!((digits.parse::<f64>().unwrap() as f32).to_bits(), float.to_bits(), "{c}");
        count += 1;
    }
    assert!(count > 60_000);
    for (float, text) in [
        (0.0, "0.0f"),
        (-0.0, "-0.0f"),
        (1.0, "1.0f"),
        (0.1, "0.100000001f"),
        (123_456_789.0, "123456792.0f"),
        (1e9, "1.0e9f"),
        (1.5e-5, "1.49999996e-5f"),
        (-1e-4, "-9.99999975e-5f"),
        (2e-4, "0.000199999995f"),
        (f32::MAX, "3.40282347e38f"),
        (f32::from_bits(1), "1.40129846e-45f"),
        (f32::from_bits(0xffc0_0123), "-X_NAN(\"0x123\")"),
        (f32::from_bits(0x7f80_0001), "X_SIGNALLING_NAN(\"0x1\")"),
        (f32::NEG_INFINITY, "-X_INFINITY"),
    ] {
        assert_eq!(import::text::c_literal(float, "X"), text);
    }
}

#[test]
fn names_in_c() {
    for (file, name) in [
        ("model.safetensors", "model"),
        ("my-model v2.safetensors", "my_model_v2"),
        ("2x.safetensors", "rnn_2x"),
        ("_a__b.safetensors", "a_b"),
        (".safetensors", "rnn_"),
        ("rnn", "rnn"),
    ] {
        assert_eq!(import::text::name_of(file), name);
    }
}
