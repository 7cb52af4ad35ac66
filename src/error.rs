//! The one error of the crate: what was wrong, where, what was found and what was expected.
//!
//! It is made of plain fields, so that a device that never prints it links no formatting code; its text lives in
//! `error_text`. The numbers of [`Code`] are part of the interface and never change their meaning.

/// What was wrong. The numbers are stable; 0 is left for success in C. Of rows that are given in bytes, elements and
/// features are bytes.
#[non_exhaustive]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Not the one number of elements that fits the other arguments (`expected`).
    WrongLen = 1,
    /// Fewer elements of scratch than the function says that tells its size (`expected`).
    TooShort = 2,
    /// A length, count or index is negative.
    Negative = 3,
    /// The sequence at `index` is longer than the padded time axis (`expected` steps).
    BeyondTime = 4,
    /// The number of sequences, layers or indices does not match the other arguments.
    WrongCount = 5,
    /// `batch_sizes` grows at `index`; it may only stay or fall.
    Increasing = 6,
    /// A size that must be at least 1 is 0 (an entry of `batch_sizes` at `index`, a size of the model, a number of tasks).
    Zero = 7,
    /// The indices are no permutation: the entry at `index` is out of range or appears twice.
    NotPermutation = 8,
    /// The lengths are not in decreasing order, although that was demanded: the one at `index` is longer than the
    /// one before it (`expected`).
    NotSorted = 9,
    /// A number that is too large to be counted with on this target, or memory that is too large to be addressed. A size
    /// that a function tells can be counted; memory of this size may still be too large, and is refused where it is given.
    Overflow = 10,
    /// The sequence at `index` is no whole number of rows of `expected` features.
    NotRows = 11,
    /// `total_length`, the padded time axis, is shorter than the longest sequence (`expected`).
    TotalLength = 12,
    /// An option that this function or this cell cannot honour.
    Unsupported = 13,
    /// No task can begin at the place at `index`. It is below `expected`, the first that can follow the place before (or
    /// place 0, where a task begins anyway); or it is beyond `expected`, the last of the batch.
    NotACut = 14,
    /// A null pointer where memory was expected. This and the codes below are for what only C can do wrong.
    Null = 15,
    /// A pointer's address is no multiple of what its type needs (`expected`); `found` is what is left over.
    Misaligned = 16,
    /// Two arguments share memory, and at least one of them is written: this one and the one whose number is `found`. Of
    /// an entry of a list, which `index` tells, this is the list; else it is the one that is written, or the later.
    Overlap = 17,
    /// A number that stands for nothing (`found`; known are those from 0 to below `expected`), a name of no backend, or the
    /// number or name of one that this CPU does not have (`expected` is then 0, as there is no such bound).
    Unknown = 18,
    /// The program was compiled for panels of another format (`found`) than this library reads (`expected`).
    PanelFormat = 19,
    /// No task was made there, or it was moved from where it was made.
    NotATask = 20,
}

/// Which argument was wrong: the parameter of this name, or the field of a struct among them; of a function that tells a
/// size, also what has this size. Two names are wider, as is told at them.
#[non_exhaustive]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Argument {
    /// `lengths`, or those of a `layout` that do not fit the other arguments.
    Lengths = 1,
    /// `batch_sizes`
    BatchSizes = 2,
    /// `sorted_lengths`
    SortedLengths = 3,
    /// `sorted_indices`
    SortedIndices = 4,
    /// `unsorted_indices`
    UnsortedIndices = 5,
    /// `permutation`
    Permutation = 6,
    /// `padded`
    Padded = 7,
    /// `features`, or `row_bytes` of functions that have this instead.
    Features = 8,
    /// `sequences`
    Sequences = 9,
    /// `input`
    Input = 10,
    /// `output`
    Output = 11,
    /// `weights`
    Weights = 12,
    /// `weight_ih`
    WeightIh = 13,
    /// `weight_hh`
    WeightHh = 14,
    /// `bias_ih`
    BiasIh = 15,
    /// `bias_hh`
    BiasHh = 16,
    /// `panels`
    Panels = 17,
    /// `h0`
    H0 = 18,
    /// `c0`
    C0 = 19,
    /// `hn`
    Hn = 20,
    /// `cn`
    Cn = 21,
    /// `h_in`
    HIn = 22,
    /// `h_out`
    HOut = 23,
    /// `h`
    H = 24,
    /// `c`
    C = 25,
    /// `scratch`
    Scratch = 26,
    /// `input_size`
    InputSize = 27,
    /// `hidden_size`
    HiddenSize = 28,
    /// `num_layers`
    NumLayers = 29,
    /// `direction`
    Direction = 30,
    /// `batch`
    Batch = 31,
    /// `tasks`
    Tasks = 32,
    /// `places`
    Places = 33,
    /// `tokens`
    Tokens = 34,
    /// `layout`
    Layout = 35,
    /// `shape`
    Shape = 36,
    /// `cell`
    Cell = 37,
    /// `model`
    Model = 38,
    /// `panel_format`
    PanelFormat = 39,
    /// `backend`
    Backend = 40,
    /// `name`
    Name = 41,
    /// `states`
    States = 42,
    /// `cuts`
    Cuts = 43,
    /// `task`
    Task = 44,
    /// `fill`
    Fill = 45,
    /// `padding_value`
    PaddingValue = 46,
    /// `layer`
    Layer = 47,
    /// `values`
    Values = 48,
    /// `result`
    Result = 49,
    /// `error`
    Error = 50,
    /// `order`
    Order = 51,
}

/// Why a call was refused. Nothing was written to data, states or panels.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Error {
    /// What was wrong.
    pub code: Code,
    /// Which argument.
    pub argument: Argument,
    /// Where in that argument: the sequence in the caller's order, the entry of a list, the layer and direction of a
    /// list of weights. `None` where the argument as a whole is meant.
    pub index: Option<usize>,
    /// The value that was found. Values beyond `i64::MAX` are given as `i64::MAX`.
    pub found: i64,
    /// The value, or the bound, that was expected.
    pub expected: i64,
}

impl Error {
    pub(crate) fn new(code: Code, argument: Argument, found: usize, expected: usize) -> Self {
        Self { code, argument, index: None, found: clamp(found), expected: clamp(expected) }
    }

    pub(crate) fn overflow(argument: Argument) -> Self {
        Self { code: Code::Overflow, argument, index: None, found: i64::MAX, expected: clamp(isize::MAX as usize) }
    }

    pub(crate) fn at(self, index: usize) -> Self {
        Self { index: Some(index), ..self }
    }
}

fn clamp(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The slice must have exactly `expected` elements.
pub(crate) fn check_len<T>(slice: &[T], argument: Argument, expected: Option<usize>) -> Result<(), Error> {
    check_found(slice.len(), argument, expected)
}

/// A slice of `found` elements must have exactly `expected`.
pub(crate) fn check_found(found: usize, argument: Argument, expected: Option<usize>) -> Result<(), Error> {
    let expected = expected.ok_or(Error::overflow(argument))?;
    if found == expected { Ok(()) } else { Err(Error::new(Code::WrongLen, argument, found, expected)) }
}

/// The product of three sizes, `None` beyond what this target can count.
pub(crate) const fn product(a: usize, b: usize, c: usize) -> Option<usize> {
    match a.checked_mul(b) {
        Some(ab) => ab.checked_mul(c),
        None => None,
    }
}
