//! Floats that begin at a line of the cache, as the arrays of most libraries do and what `malloc` gives does not.
#![allow(dead_code)]

use std::ops::{Deref, DerefMut, Range};

/// As `Vec<f32>`, from a multiple of 64 bytes on.
pub struct Buffer {
    memory: Vec<f32>,
    range: Range<usize>,
}

impl Buffer {
    pub fn zeros(len: usize) -> Self {
        Self::behind(0, len)
    }

    /// Zeros that begin so many floats behind a line.
    pub fn behind(floats: usize, len: usize) -> Self {
        let memory = vec![0.0; floats + len + 16];
        let first = memory.as_ptr().align_offset(64) + floats;
        Self { memory, range: first..first + len }
    }

    pub fn of(values: &[f32]) -> Self {
        Self::zeros(values.len()).with(values)
    }

    /// The same place with other values, as many.
    pub fn with(mut self, values: &[f32]) -> Self {
        self.copy_from_slice(values);
        self
    }
}

/// A copy begins at a line whatever the original does.
impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self::of(self)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.memory[self.range.clone()]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.range.clone()]
    }
}

impl AsRef<[f32]> for Buffer {
    fn as_ref(&self) -> &[f32] {
        self
    }
}

impl AsMut<[f32]> for Buffer {
    fn as_mut(&mut self) -> &mut [f32] {
        self
    }
}
