//! The C interface through its functions: every pointer of every function, wrong in every way; results beside those of
//! the Rust functions; errors and their text.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod door;
mod errors;
mod network;
mod pieces;
mod pointers;
mod pointers_run;
mod results;
mod tasks;
