#![doc = include_str!("../README.md")]
#![no_std]
// No panic is a style: what could fail is checked, and the rest is written so that nothing can.
#![deny(unsafe_code, clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod activation;
#[cfg(feature = "capi")]
pub mod capi;
mod cell;
mod copy;
mod device;
mod error;
mod error_text;
mod layout;
mod model;
mod pack;
mod padded;
mod rows;
mod run;
mod simd;
mod split;
mod unpack;
mod weights;

pub use cell::{Cell, Gru, Lstm, Relu, Tanh};
pub use error::{Argument, Code, Error};
pub use layout::{Count, Layout, MAX_LENGTH, Step, Steps, invert_permutation};
pub use model::{Direction, Model, Shape};
pub use pack::{pack_padded_sequence, pack_sequence};
pub use padded::Padded;
pub use run::States;
pub use simd::backend::Backend;
pub use split::{Split, Task, Tasks};
pub use unpack::{Fill, pad_packed_sequence, pad_sequence, unpack_sequence, unpad_sequence};
pub use weights::panel::Aligned;
pub use weights::{PANEL_FORMAT, Weights};
