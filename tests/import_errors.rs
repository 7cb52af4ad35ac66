//! What `examples/import` refuses: each with a message that names what is wrong, exit code 1, and nothing written.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../examples/import/main.rs"]
mod import;
#[allow(dead_code)]
mod import_support;

use import_support::{File, Tensor, directory, run, saved};
use packed_rnn::{Direction, Gru, Lstm, Shape};
use std::ffi::OsString;
use std::io::{Error, Write};
use std::path::Path;

/// Of the file with these bytes the example says this, and writes nothing.
#[track_caller]
fn refused(test: &str, bytes: &[u8], arguments: &[&str], message: &str) {
    let path = saved(&format!("refused-{test}.safetensors"), bytes);
    let (rust, c) = (format!("{}/refused-{test}.rs", directory()), format!("{}/refused-{test}.h", directory()));
    let ran = run(&[&[path.as_str(), "--rust", &rust, "--c", &c], arguments].concat());
    assert_eq!(ran.err, format!("error: {path}: {message}\n"));
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(!Path::new(&rust).exists() && !Path::new(&c).exists(), "{test}: something was written");
}

/// A bidirectional GRU of two layers, 3 -> 5, and a change of its file.
#[track_caller]
fn changed(test: &str, change: impl FnOnce(&mut File), arguments: &[&str], message: &str) {
    let mut file = File::network::<Gru>("rnn.", Shape::new(3, 5).layers(2).bidirectional(), true);
    change(&mut file);
    refused(test, &file.bytes(), arguments, message);
}

fn remove(name: &str) -> impl FnOnce(&mut File) {
    move |file| {
        let before = file.tensors.len();
        file.tensors.retain(|tensor| tensor.name != name);
        assert_eq!(file.tensors.len() + 1, before, "{name}");
    }
}

fn rename(name: &str, new: &str) -> impl FnOnce(&mut File) {
    move |file| file.tensor(name).name = new.into()
}

fn add(name: &str) -> impl FnOnce(&mut File) {
    move |file| file.tensors.push(Tensor::new(name.into(), &[2, 3], vec![0.5; 6]))
}

fn reshape(name: &str, shape: &'static [usize]) -> impl FnOnce(&mut File) {
    move |file| {
        let tensor = file.tensor(name);
        *tensor = Tensor::new(tensor.name.clone(), shape, vec![0.5; shape.iter().product()]);
    }
}

#[test]
fn no_safetensors() {
    let bytes = File::network::<Gru>("", Shape::new(3, 5), true).bytes();
    for (test, bytes, message) in [
        ("empty", &[][..], "no safetensors file: header too small"),
        ("cut", &bytes[..bytes.len() - 1], "no safetensors file: incomplete metadata, file not fully covered"),
        ("longer", &[&bytes[..], &[0]].concat(), "no safetensors file: incomplete metadata, file not fully covered"),
        ("text", b"this is a text, no tensors", "no safetensors file: header too large"),
    ] {
        refused(test, bytes, &[], message);
    }
}

#[test]
fn missing_tensors() {
    changed("weight", remove("rnn.weight_hh_l1"), &[], "missing: rnn.weight_hh_l1");
    changed("bias", remove("rnn.bias_ih_l0_reverse"), &[], "missing: rnn.bias_ih_l0_reverse");
    let without_bias_hh = |file: &mut File| file.tensors.retain(|tensor| !tensor.name.contains("bias_hh"));
    let message = "missing: rnn.bias_hh_l0, rnn.bias_hh_l0_reverse, rnn.bias_hh_l1, rnn.bias_hh_l1_reverse";
    changed("half-biases", without_bias_hh, &[], message);
    changed("first", remove("rnn.weight_ih_l0"), &[], "missing: rnn.weight_ih_l0");
    // Whatever a layer's number, the message is short and soon there.
    let far = format!("rnn.weight_ih_l{}", usize::MAX - 1);
    let message = "missing: rnn.weight_ih_l1, rnn.weight_ih_l2, rnn.weight_hh_l2, rnn.bias_ih_l2, rnn.bias_hh_l2, \
                   rnn.weight_ih_l2_reverse, rnn.weight_hh_l2_reverse, rnn.bias_ih_l2_reverse";
    changed("far", rename("rnn.weight_ih_l1", &far), &[], message);
    let last = format!("rnn.weight_ih_l{}", usize::MAX);
    let message = format!("{last}: no network has so many layers");
    changed("last", rename("rnn.weight_ih_l1", &last), &[], &message);
    let only_reverse = |file: &mut File| file.tensors.retain(|tensor| tensor.name.ends_with("l0_reverse"));
    let message = "missing: rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0, rnn.bias_hh_l0; \
                   --direction reverse reads a network of that direction alone";
    changed("only-reverse", only_reverse, &[], message);
}

#[test]
fn leftover_tensors() {
    let hint = "--ignore PREFIX leaves tensors out";
    changed("head", add("fc.weight"), &[], &format!("no parameters of the network rnn.*: fc.weight; {hint}"));
    changed("inside", add("rnn.scale"), &[], &format!("no parameters of the network rnn.*: rnn.scale; {hint}"));
    // Names that only resemble PyTorch's.
    for (test, name) in
        [("zeros", "rnn.weight_ih_l02"), ("sign", "rnn.weight_ih_l+2"), ("backward", "rnn.weight_ih_l0_backward")]
    {
        changed(test, add(name), &[], &format!("no parameters of the network rnn.*: {name}; {hint}"));
    }
    let many = |file: &mut File| (0..11).for_each(|i| add(&format!("fc.{i:02}"))(file));
    let list = "fc.00, fc.01, fc.02, fc.03, fc.04, fc.05, fc.06, fc.07 and 3 more";
    changed("many", many, &[], &format!("no parameters of the network rnn.*: {list}; {hint}"));
    // An option that leaves out another tensor does not help.
    let both = |file: &mut File| ["fc.weight", "norm.weight"].into_iter().for_each(|name| add(name)(file));
    let message = format!("no parameters of the network rnn.*: norm.weight; {hint}");
    changed("other", both, &["--ignore", "fc."], &message);
    changed("nothing", |_| (), &["--ignore", "fc."], "--ignore fc.: no tensor's name begins so");
    let message = "rnn.bias_hh_l0: --ignore would leave out a parameter of the network";
    changed("ignored", |_| (), &["--ignore", "rnn.bias_"], message);
    let message = "no tensor that is not ignored is named as PyTorch names parameters: weight_ih_l0, ...";
    changed("all-ignored", |_| (), &["--ignore", "rnn."], message);
}

#[test]
fn which_network() {
    let lone = File { tensors: vec![Tensor::new("fc.weight".into(), &[1], vec![0.5])] };
    let message = "no tensor that is not ignored is named as PyTorch names parameters: weight_ih_l0, ...";
    refused("none", &lone.bytes(), &[], message);
    let two = |file: &mut File| file.tensors.extend(File::network::<Lstm>("dec.", Shape::new(1, 2), true).tensors);
    let message = "several networks, `dec.`, `rnn.`: --prefix tells which, and --ignore leaves out the others";
    changed("two", two, &[], message);
    let message = "no parameters of the network rnn.*: dec.bias_hh_l0, dec.bias_ih_l0, dec.weight_hh_l0, \
                   dec.weight_ih_l0; --ignore PREFIX leaves tensors out";
    changed("one-of-two", two, &["--prefix", "rnn."], message);
    let message = "--prefix gru.: no tensor is named gru.weight_ih_l0; there is `rnn.`";
    changed("prefix", |_| (), &["--prefix", "gru."], message);
    changed("empty-prefix", |_| (), &["--prefix="], "--prefix : no tensor is named weight_ih_l0; there is `rnn.`");
}

#[test]
fn projections() {
    let message = "rnn.weight_hr_l0: a projection of the states (proj_size) is not supported";
    changed("projection", add("rnn.weight_hr_l0"), &[], message);
}

#[test]
fn directions() {
    let message = "rnn.weight_ih_l0_reverse: --direction forward has no reverse direction";
    changed("forward", |_| (), &["--direction", "forward"], message);
    let message = "rnn.weight_ih_l0_reverse: --direction reverse is one direction, this file has both";
    changed("reverse", |_| (), &["--direction", "reverse"], message);
    let forward = |file: &mut File| file.tensors.retain(|tensor| tensor.name.ends_with("_l0"));
    let message = "missing: rnn.weight_ih_l0_reverse, rnn.weight_hh_l0_reverse, rnn.bias_ih_l0_reverse, \
                   rnn.bias_hh_l0_reverse";
    changed("bidirectional", forward, &["--direction", "bidirectional"], message);
}

#[test]
fn misshapen_tensors() {
    let of_no_cell = "is of no cell: an LSTM has 4 rows for each column, a GRU 3, an RNN 1";
    for (test, shape, found) in [
        ("two-gates", &[10, 5][..], "[10, 5]"),
        ("rest", &[16, 5], "[16, 5]"),
        ("no-units", &[0, 0], "[0, 0]"),
        ("no-columns", &[15, 0], "[15, 0]"),
    ] {
        let message = format!("rnn.weight_hh_l0: shape {found} {of_no_cell}");
        changed(test, reshape("rnn.weight_hh_l0", shape), &[], &message);
    }
    let message = "rnn.weight_hh_l0: shape [75] where [gates * hidden_size, hidden_size] is expected";
    changed("flat", reshape("rnn.weight_hh_l0", &[75]), &[], message);
    for (test, shape, found) in
        [("rows", &[14, 3][..], "[14, 3]"), ("no-inputs", &[15, 0], "[15, 0]"), ("flat-inputs", &[45], "[45]")]
    {
        let message = format!("rnn.weight_ih_l0: shape {found} where [15, input_size] fits rnn.weight_hh_l0");
        changed(test, reshape("rnn.weight_ih_l0", shape), &[], &message);
    }
    for (test, name, shape, found, expected) in [
        ("reverse-inputs", "rnn.weight_ih_l0_reverse", &[15, 4][..], "[15, 4]", "[15, 3]"),
        ("layer-inputs", "rnn.weight_ih_l1", &[15, 5], "[15, 5]", "[15, 10]"),
        ("layer-states", "rnn.weight_hh_l1", &[12, 4], "[12, 4]", "[15, 5]"),
        ("transposed", "rnn.weight_hh_l1_reverse", &[5, 15], "[5, 15]", "[15, 5]"),
        ("bias-rows", "rnn.bias_ih_l0", &[14], "[14]", "[15]"),
        ("bias-columns", "rnn.bias_hh_l1_reverse", &[15, 1], "[15, 1]", "[15]"),
    ] {
        let message = format!("{name}: shape {found} where {expected} fits the first layer's weights");
        changed(test, reshape(name, shape), &[], &message);
    }
}

#[test]
fn cells() {
    for (test, cell, gates) in [("lstm", "lstm", 4), ("tanh", "tanh", 1), ("relu", "relu", 1)] {
        let message = format!(
            "rnn.weight_hh_l0: shape [15, 5] is of the cell GRU; --cell {cell} has {gates} rows for each column"
        );
        changed(test, |_| (), &["--cell", cell], &message);
    }
}

#[test]
fn types() {
    for (dtype, bytes) in [("F64", 8), ("I32", 4), ("F8_E4M3", 1)] {
        let change = |file: &mut File| {
            let tensor = file.tensor("rnn.bias_hh_l0");
            (tensor.dtype, tensor.bytes) = (dtype, vec![0; 15 * bytes]);
        };
        let message = format!("rnn.bias_hh_l0: type {dtype} where F32, F16 or BF16 can be read exactly");
        changed(dtype, change, &[], &message);
    }
}

#[test]
fn command_lines() {
    let path = saved("command-line.safetensors", &File::network::<Gru>("", Shape::new(3, 5), true).bytes());
    let (path, nowhere) = (path.as_str(), format!("{}/nowhere/panels", directory()));
    let detour = format!("{}/../{}/command-line.safetensors", directory(), directory().rsplit_once('/').unwrap().1);
    let not_found = Error::from_raw_os_error(2);
    let largest = usize::MAX.to_string();
    let run_of_many = format!(
        "a run of 1 sequence and {largest} tokens: lengths[0]: too large, at most {} can be counted",
        packed_rnn::MAX_LENGTH
    );
    for (arguments, message) in [
        (vec!["nowhere.safetensors"], format!("nowhere.safetensors: {not_found}")),
        (vec!["--rust", "-"], "which file? --help tells how to name it".into()),
        (vec![path, path], "FILE: given twice".into()),
        (vec![path, "--help-me"], "--help-me: no such option, --help tells which there are".into()),
        (vec![path, "-"], "-: no such option, --help tells which there are".into()),
        (vec![path, "--rust"], "--rust: a value must follow".into()),
        (vec![path, "--rust", "-", "--c=-"], "--rust and --c cannot both be written to the same place".into()),
        (vec![path, "--rust=x", "--c=x"], "--rust and --c cannot both be written to the same place".into()),
        (vec![path, "--rust", path], format!("{path}: would be written over, and is the file that is read")),
        (vec![path, "--c", &detour], format!("{detour}: would be written over, and is the file that is read")),
        (vec![path, "--rust", "-", "--rust", "-"], "--rust: given twice".into()),
        (vec![path, "--prefix=", "--prefix="], "--prefix: given twice".into()),
        (
            vec![path, "--name", "x"],
            "--name: only names in C have a beginning of their own, and --c is not given".into(),
        ),
        (
            vec![path, "--c=-", "--name", "2x"],
            "--name 2x: a name in C has letters, digits and _, a letter first".into(),
        ),
        (
            vec![path, "--c=-", "--name", "a-b"],
            "--name a-b: a name in C has letters, digits and _, a letter first".into(),
        ),
        (vec![path, "--cell", "rnn"], "--cell rnn: lstm, gru, tanh or relu".into()),
        (vec![path, "--direction", "back"], "--direction back: forward, reverse or bidirectional".into()),
        (vec![path, "--batch", "0"], "--batch 0: a whole number from 1 to 1048576 is expected".into()),
        (vec![path, "--batch=1048577"], "--batch 1048577: a whole number from 1 to 1048576 is expected".into()),
        (vec![path, "--tokens", "-1"], format!("--tokens -1: a whole number from 1 to {largest} is expected")),
        (vec![path, "--tokens", &largest], run_of_many),
        (vec![path, "--rust", &nowhere], format!("{nowhere}: {not_found}")),
        (vec![path, "--c", &nowhere], format!("{nowhere}: {not_found}")),
    ] {
        let ran = run(&arguments);
        assert_eq!((ran.code, ran.err), (1, format!("error: {message}\n")), "{arguments:?}");
    }
    let help = run(&[path, "--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.starts_with("usage: import FILE.safetensors [options]\n"));
}

#[cfg(unix)]
#[test]
fn no_utf8() {
    use std::os::unix::ffi::OsStringExt;
    let mut err = Vec::new();
    let code = import::run([OsString::from_vec(b"m\xffl".to_vec())].into_iter(), &mut Vec::new(), &mut err);
    assert_eq!((code, String::from_utf8(err).unwrap()), (1, "error: m\u{fffd}l: no UTF-8\n".into()));
}

/// Standard output that is gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(Error::other("gone"))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn output_that_is_gone() {
    let path = saved("gone.safetensors", &File::network::<Gru>("", Shape::new(3, 5), true).bytes());
    for arguments in [vec![path.as_str()], vec![&path, "--rust", "-"], vec![&path, "--c", "-"], vec!["--help"]] {
        let mut err = Vec::new();
        let code = import::run(arguments.iter().map(OsString::from), &mut Closed, &mut err);
        assert_eq!(code, 1, "{arguments:?}");
        assert!(String::from_utf8(err).unwrap().ends_with("error: cannot write: gone\n"), "{arguments:?}");
    }
}

/// A network that is read well is what the refused ones are changes of.
#[test]
fn the_unchanged_is_read() {
    let file = File::network::<Gru>("rnn.", Shape::new(3, 5).layers(2).direction(Direction::Bidirectional), true);
    let path = saved("unchanged.safetensors", &file.bytes());
    assert_eq!(run(&[&path]).code, 0);
}
