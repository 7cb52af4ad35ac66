//! The text of an [`Error`]. Apart from the error itself, so that it links only where it is used; and made without
//! `core::fmt`, so that C has the same text on a device without that.

use crate::error::{Argument, Code, Error};
use Part::{Expected, Found, Text};
use core::fmt;

/// A piece of what a code says.
enum Part {
    Text(&'static str),
    Found,
    Expected,
}

/// The names of arguments.
macro_rules! names {
    ($($argument:ident: $name:literal,)*) => {
        impl Argument {
            /// The name of the parameter or field.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$argument => $name,)*
                }
            }

            /// The argument that has this number.
            pub(crate) fn of(number: i64) -> Option<Self> {
                match number {
                    $(number if number == Self::$argument as i64 => Some(Self::$argument),)*
                    _ => None,
                }
            }
        }
    };
}
names! {
    Lengths: "lengths",
    BatchSizes: "batch_sizes",
    SortedLengths: "sorted_lengths",
    SortedIndices: "sorted_indices",
    UnsortedIndices: "unsorted_indices",
    Permutation: "permutation",
    Padded: "padded",
    Features: "features",
    Sequences: "sequences",
    Input: "input",
    Output: "output",
    Weights: "weights",
    WeightIh: "weight_ih",
    WeightHh: "weight_hh",
    BiasIh: "bias_ih",
    BiasHh: "bias_hh",
    Panels: "panels",
    H0: "h0",
    C0: "c0",
    Hn: "hn",
    Cn: "cn",
    HIn: "h_in",
    HOut: "h_out",
    H: "h",
    C: "c",
    Scratch: "scratch",
    InputSize: "input_size",
    HiddenSize: "hidden_size",
    NumLayers: "num_layers",
    Direction: "direction",
    Batch: "batch",
    Tasks: "tasks",
    Places: "places",
    Tokens: "tokens",
    Layout: "layout",
    Shape: "shape",
    Cell: "cell",
    Model: "model",
    PanelFormat: "panel_format",
    Backend: "backend",
    Name: "name",
    States: "states",
    Cuts: "cuts",
    Task: "task",
    Fill: "fill",
    PaddingValue: "padding_value",
    Layer: "layer",
    Values: "values",
    Result: "result",
    Error: "error",
    Order: "order",
}

/// What codes say behind the argument.
macro_rules! texts {
    ($($code:ident: $($part:expr),*;)*) => {
        impl Code {
            fn parts(self) -> &'static [Part] {
                match self {
                    $(Self::$code => &[$($part),*],)*
                }
            }

            /// The code that has this number.
            #[cfg(feature = "capi")]
            pub(crate) fn of(number: i32) -> Option<Self> {
                match number {
                    $(number if number == Self::$code as i32 => Some(Self::$code),)*
                    _ => None,
                }
            }
        }
    };
}
texts! {
    WrongLen: Found, Text(" elements where "), Expected, Text(" fit the other arguments");
    TooShort: Found, Text(" elements where at least "), Expected, Text(" are needed");
    Negative: Found, Text(" is negative");
    BeyondTime: Text("length "), Found, Text(" is beyond the "), Expected, Text(" steps of the time axis");
    WrongCount: Found, Text(" entries where "), Expected, Text(" are expected");
    Increasing: Found, Text(" after "), Expected, Text(", batch sizes may not grow");
    Zero: Text("0 where at least "), Expected, Text(" is expected");
    NotPermutation: Found, Text(" appears twice or is not below "), Expected, Text(", no permutation");
    NotSorted: Found, Text(" after "), Expected, Text(", lengths are not in decreasing order");
    Overflow: Found, Text(" is too large, at most "), Expected, Text(" can be counted");
    NotRows: Found, Text(" elements are no whole number of rows of "), Expected, Text(" features");
    TotalLength: Found, Text(" steps where the longest sequence has "), Expected;
    Unsupported: Found, Text(" is not supported here, "), Expected, Text(" is");
    NotACut: Text("no task can begin at place "), Found, Text(", below "), Expected, Text(", the first that can follow");
    Null: Text("a null pointer");
    Misaligned: Text("the address is "), Found, Text(" beyond a multiple of "), Expected;
    Overlap: Text("shares memory with ");
    Unknown: Text("unknown, or not on this CPU");
    PanelFormat: Text("panels of format "), Found, Text(" where this library reads format "), Expected;
    NotATask: Text("no task, or moved from where it was made");
}

impl Error {
    /// What is said behind the argument: what the code says, or more where the argument or the numbers tell more.
    fn parts(&self) -> &'static [Part] {
        match (self.code, self.argument) {
            // There is no number where it cannot be counted.
            (Code::Overflow, _) if self.found == i64::MAX => {
                &[Text("too large, at most "), Expected, Text(" can be counted")]
            }
            (Code::WrongCount, Argument::Layer) => {
                &[Found, Text(" is not below "), Expected, Text(", the number of layers")]
            }
            (Code::WrongCount, Argument::Tokens) => &[Found, Text(" where the lengths sum to "), Expected],
            (Code::Unsupported, Argument::NumLayers) => {
                &[Text("only a single layer can be split by direction, not "), Found]
            }
            (Code::Unsupported, Argument::Direction) => &[Text("only a forward network can run step by step")],
            (Code::Unsupported, Argument::C0) => &[Text("this cell has no second state")],
            (Code::Unsupported, Argument::Tasks) => &[Text("their number and places cannot both be given")],
            (Code::NotACut, _) if self.found > self.expected => &[
                Text("no task can begin at place "),
                Found,
                Text(", beyond "),
                Expected,
                Text(", the last of the batch"),
            ],
            (code, _) => code.parts(),
        }
    }

    /// The text, a piece at a time.
    pub(crate) fn tell<E>(&self, mut put: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        put(self.argument.name())?;
        if let Some(index) = self.index {
            put("[")?;
            decimal(index as u64, &mut put)?;
            put("]")?;
        }
        put(": ")?;
        for part in self.parts() {
            let number = match *part {
                Text(text) => {
                    put(text)?;
                    continue;
                }
                Found => self.found,
                Expected => self.expected,
            };
            if number < 0 {
                put("-")?;
            }
            decimal(number.unsigned_abs(), &mut put)?;
        }
        if self.code == Code::Unknown && self.argument != Argument::Name {
            put(": ")?;
            if self.found < 0 {
                put("-")?;
            }
            decimal(self.found.unsigned_abs(), &mut put)?;
        }
        if self.code == Code::Overlap {
            let other = Argument::of(self.found);
            put(other.map_or("another argument", Argument::name))?;
            if let (Argument::HOut, Some(Argument::HIn)) = (self.argument, other) {
                put(", prnn_step_in_place takes one for both")?;
            }
        }
        Ok(())
    }
}

fn decimal<E>(number: u64, put: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let mut unit = 1_u64;
    while let Some(next) = unit.checked_mul(10)
        && next <= number
    {
        unit = next;
    }
    let mut rest = number;
    loop {
        let (digit, left) = (rest.checked_div(unit).unwrap_or_default(), rest.checked_rem(unit).unwrap_or_default());
        put(DIGITS.get(digit as usize).copied().unwrap_or_default())?;
        (rest, unit) = (left, unit / 10);
        if unit == 0 {
            return Ok(());
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell(|text| f.write_str(text))
    }
}

impl core::error::Error for Error {}
