//! The command line.

use super::network::{Asked, Kind};
use packed_rnn::Direction;
use std::ffi::OsString;
use std::fs::canonicalize;

pub const USAGE: &str = "\
usage: import FILE.safetensors [options]

Tells what network FILE holds under PyTorch's names, and writes its panels.

  --rust PATH       write the panels as Rust, a module with SHAPE and PANELS; - is standard output
  --c PATH          write the panels as C, a header to include in one source file; - is standard output
  --name NAME       what the names in C begin with (else the name of FILE)
  --prefix PREFIX   what the parameters' names begin with, as `rnn.` (else found, if there is but one)
  --ignore PREFIX   leave out tensors that are no parameters of the network and whose names begin so; may be repeated
  --cell CELL       lstm, gru, tanh or relu; must agree with what is found (an RNN is tanh unless told otherwise)
  --direction WAY   forward, reverse or bidirectional; must agree with what is found, but that the parameters of
                    a network of the reverse direction alone may be named with or without `_reverse`
  --batch N         tell what a run of N sequences needs (else of 1)
  --tokens N        ... of N tokens in all (else of 100)

Without any argument: examples/data/bigru.safetensors --ignore w.fc. --ignore expected.
";

/// What is done where no argument is given.
const DEFAULT: [&str; 5] = ["examples/data/bigru.safetensors", "--ignore", "w.fc.", "--ignore", "expected."];

/// The largest batch that needs are told for: lengths are listed for it.
const MAX_BATCH: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum Destination {
    Stdout,
    File(String),
}

impl Destination {
    /// The file that is read must not be written over, whatever path leads to it.
    pub fn spare(&self, file: &str) -> Result<(), String> {
        match self {
            Self::File(path) if matches!((canonicalize(path), canonicalize(file)), (Ok(a), Ok(b)) if a == b) => {
                Err(format!("{path}: would be written over, and is the file that is read"))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
pub struct Options {
    pub file: String,
    pub asked: Asked,
    pub name: Option<String>,
    pub rust: Option<Destination>,
    pub c: Option<Destination>,
    pub batch: usize,
    pub tokens: usize,
}

impl Options {
    /// `None` if help is asked for.
    pub fn read(arguments: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut words = Vec::new();
        for argument in arguments {
            words.push(argument.into_string().map_err(|word| format!("{}: no UTF-8", word.to_string_lossy()))?);
        }
        if words.is_empty() {
            words = DEFAULT.map(String::from).to_vec();
        }
        let mut words = words.into_iter();

        let (mut file, mut prefix, mut cell, mut direction) = (None, None, None, None);
        let (mut name, mut rust, mut c, mut batch, mut tokens) = (None, None, None, None, None);
        let mut ignore = Vec::new();
        while let Some(word) = words.next() {
            if matches!(word.as_str(), "--help" | "-h") {
                return Ok(None);
            }
            if !word.starts_with('-') {
                once(&mut file, word, "FILE")?;
                continue;
            }
            let (option, value) = match word.split_once('=') {
                Some((option, value)) => (option, Some(value.to_string())),
                None => (word.as_str(), None),
            };
            let known =
                ["--rust", "--c", "--name", "--prefix", "--ignore", "--cell", "--direction", "--batch", "--tokens"];
            if !known.contains(&option) {
                return Err(format!("{option}: no such option, --help tells which there are"));
            }
            let value = value.or_else(|| words.next()).ok_or(format!("{option}: a value must follow"))?;
            match option {
                "--rust" => once(&mut rust, destination(value), option)?,
                "--c" => once(&mut c, destination(value), option)?,
                "--name" => once(&mut name, identifier(value)?, option)?,
                "--prefix" => once(&mut prefix, value, option)?,
                "--ignore" => ignore.push(value),
                "--cell" => once(&mut cell, cell_named(&value)?, option)?,
                "--direction" => once(&mut direction, direction_named(&value)?, option)?,
                "--batch" => once(&mut batch, number(option, &value, MAX_BATCH)?, option)?,
                _ => once(&mut tokens, number(option, &value, usize::MAX)?, option)?,
            }
        }
        let file = file.ok_or("which file? --help tells how to name it")?;
        if rust.is_some() && rust == c {
            return Err("--rust and --c cannot both be written to the same place".into());
        }
        if name.is_some() && c.is_none() {
            return Err("--name: only names in C have a beginning of their own, and --c is not given".into());
        }
        Ok(Some(Self {
            file,
            asked: Asked { prefix, ignore, cell, direction },
            name,
            rust,
            c,
            batch: batch.unwrap_or(1),
            tokens: tokens.unwrap_or(100),
        }))
    }
}

fn once<T>(place: &mut Option<T>, value: T, what: &str) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{what}: given twice")),
    }
}

fn destination(path: String) -> Destination {
    if path == "-" { Destination::Stdout } else { Destination::File(path) }
}

fn identifier(name: String) -> Result<String, String> {
    let fits = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|next| next.is_ascii_alphanumeric() || next == '_');
    if fits { Ok(name) } else { Err(format!("--name {name}: a name in C has letters, digits and _, a letter first")) }
}

fn cell_named(name: &str) -> Result<Kind, String> {
    let found = Kind::ALL.into_iter().find(|kind| kind.option() == name);
    found.ok_or(format!("--cell {name}: lstm, gru, tanh or relu"))
}

fn direction_named(name: &str) -> Result<Direction, String> {
    match name {
        "forward" => Ok(Direction::Forward),
        "reverse" => Ok(Direction::Reverse),
        "bidirectional" => Ok(Direction::Bidirectional),
        _ => Err(format!("--direction {name}: forward, reverse or bidirectional")),
    }
}

fn number(option: &str, value: &str, most: usize) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or(format!("{option} {value}: a whole number from 1 to {most} is expected"))
}
