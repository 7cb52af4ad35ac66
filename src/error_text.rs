//! The text of an [`Error`]. Apart from the error itself, so that formatting links only where it is used.

use crate::error::{Argument, Code, Error};
use core::fmt;

impl Argument {
    /// The name of the parameter or field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lengths => "lengths",
            Self::BatchSizes => "batch_sizes",
            Self::SortedLengths => "sorted_lengths",
            Self::SortedIndices => "sorted_indices",
            Self::UnsortedIndices => "unsorted_indices",
            Self::Permutation => "permutation",
            Self::Padded => "padded",
            Self::Features => "features",
            Self::Sequences => "sequences",
            Self::Input => "input",
            Self::Output => "output",
            Self::Weights => "weights",
            Self::WeightIh => "weight_ih",
            Self::WeightHh => "weight_hh",
            Self::BiasIh => "bias_ih",
            Self::BiasHh => "bias_hh",
            Self::Panels => "panels",
            Self::H0 => "h0",
            Self::C0 => "c0",
            Self::Hn => "hn",
            Self::Cn => "cn",
            Self::HIn => "h_in",
            Self::HOut => "h_out",
            Self::H => "h",
            Self::C => "c",
            Self::Scratch => "scratch",
            Self::InputSize => "input_size",
            Self::HiddenSize => "hidden_size",
            Self::NumLayers => "num_layers",
            Self::Direction => "direction",
            Self::Batch => "batch",
            Self::Tasks => "tasks",
            Self::Places => "places",
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
        f.write_str(self.argument.name())?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        let Self { found, expected, .. } = self;
        match self.code {
            Code::WrongLen => write!(f, ": {found} elements where {expected} fit the other arguments"),
            Code::TooShort => write!(f, ": {found} elements where at least {expected} are needed"),
            Code::Negative => write!(f, ": {found} is negative"),
            Code::BeyondTime => write!(f, ": length {found} is beyond the {expected} steps of the time axis"),
            Code::WrongCount => write!(f, ": {found} entries where {expected} are expected"),
            Code::Increasing => write!(f, ": {found} after {expected}, batch sizes may not grow"),
            Code::Zero => write!(f, ": 0 where at least {expected} is expected"),
            Code::NotPermutation => write!(f, ": {found} appears twice or is not below {expected}, no permutation"),
            Code::NotSorted => write!(f, ": {found} after {expected}, lengths are not in decreasing order"),
            Code::Overflow if *found == i64::MAX => write!(f, ": too large, at most {expected} can be counted"),
            Code::Overflow => write!(f, ": {found} is too large, at most {expected} can be counted"),
            Code::NotRows => write!(f, ": {found} elements are no whole number of rows of {expected} features"),
            Code::TotalLength => write!(f, ": {found} steps where the longest sequence has {expected}"),
            Code::NotACut => write!(f, ": no task can begin at place {found}, beyond the bound {expected}"),
            Code::Unsupported => write!(f, ": {found} is not supported here, {expected} is"),
        }
    }
}

impl core::error::Error for Error {}
