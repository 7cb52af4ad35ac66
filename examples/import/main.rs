//! Panels made on the host: reads a network from a `.safetensors` file with PyTorch's names, tells what it found, and
//! writes its panels as Rust or as C, to be compiled into a program.
//!
//! ```sh
//! cargo run --release --example import -- model.safetensors --rust src/panels.rs --c panels.h
//! ```
//!
//! `--help` names the options. Without arguments it tells of the network that is in `examples/data`.

pub mod floats;
mod network;
mod options;
mod summary;
pub mod text;

use options::{Destination, Options};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    ExitCode::from(run(std::env::args_os().skip(1), &mut out, &mut err))
}

/// The whole program: 0, or 1 after a message.
pub fn run(arguments: impl Iterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match import(arguments, out, err) {
        Ok(()) => 0,
        Err(message) => {
            // There is no one left to tell that this could not be told.
            let _ = writeln!(err, "error: {message}");
            1
        }
    }
}

fn import(arguments: impl Iterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), String> {
    let Some(options) = Options::read(arguments)? else {
        return write(out, options::USAGE);
    };
    let Options { file, asked, name, rust, c, batch, tokens } = &options;
    let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let network = network::read(&bytes, asked).map_err(|error| format!("{file}: {error}"))?;
    for destination in [rust, c].into_iter().flatten() {
        destination.spare(file)?;
    }
    // Before anything is written, so that what is refused leaves no file.
    let summary = summary::summary(&network, file, *batch, *tokens)?;
    let source = Path::new(file).file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let name = match name {
        Some(name) => name.clone(),
        None => text::name_of(&source),
    };

    // Standard output belongs to the panels if they are asked for there.
    let taken = [rust, c].into_iter().flatten().any(|destination| *destination == Destination::Stdout);
    write(if taken { &mut *err } else { &mut *out }, &summary)?;
    for warning in &network.warnings {
        write(err, &format!("warning: {warning}\n"))?;
    }
    if let Some(destination) = rust {
        deliver(destination, out, &text::rust(&network, &source))?;
    }
    if let Some(destination) = c {
        deliver(destination, out, &text::c(&network, &source, &name))?;
    }
    Ok(())
}

fn deliver(destination: &Destination, out: &mut dyn Write, text: &str) -> Result<(), String> {
    match destination {
        Destination::Stdout => write(out, text),
        Destination::File(path) => std::fs::write(path, text).map_err(|error| format!("{path}: {error}")),
    }
}

fn write(to: &mut dyn Write, text: &str) -> Result<(), String> {
    to.write_all(text.as_bytes()).and_then(|()| to.flush()).map_err(|error| format!("cannot write: {error}"))
}
