//! The panel: the weights of one layer in one direction, in the order in which the kernel reads them; byte by byte it is
//! described at `PANEL_FORMAT`, which changes with it.
//!
//! Units are taken in blocks of 16, and a tail of `w < 16`. A row of a block is `G * 16` floats: the gates of its first
//! 8 units, gate after gate, then those of its last 8, so that a kernel with vectors of 8 reads whole cache lines. A
//! row of the tail is `G * w` floats, gate after gate, without padding. All blocks of one region come before the next
//! region:
//!
//! | region | for each block |
//! | --- | --- |
//! | inputs | a row of biases, then a row for each input |
//! | states | for a cell that keeps a gate apart (GRU), the state bias of that gate (16 floats); then a row for each unit |
//! | tail's inputs | as above, rows of `G * w` |
//! | tail's states | as above, `w` floats of state bias, rows of `G * w` |
//! | end | up to 15 zeros, so that vectors of 16 read no further than the panel |

use crate::error::product;

/// Units of a block.
pub(crate) const BLOCK: usize = 16;

/// Units of a block whose gates stand together.
pub(crate) const OCTET: usize = 8;

/// The sizes of a panel, and where its parts begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PanelShape {
    pub(crate) gates: usize,
    /// The last gate's state half is kept apart from its input half, with a bias of its own.
    pub(crate) apart: bool,
    pub(crate) inputs: usize,
    pub(crate) units: usize,
}

impl PanelShape {
    /// The floats of a panel, `None` if they cannot be counted. No other size here can then overflow.
    #[inline]
    pub(crate) const fn len(&self) -> Option<usize> {
        let Some(rows) = self.inputs.checked_add(self.units) else { return None };
        let Some(rows) = rows.checked_add(1) else { return None };
        let Some(len) = product(self.gates, self.units, rows) else { return None };
        let state_bias = if self.apart { self.units } else { 0 };
        let Some(len) = len.checked_add(state_bias) else { return None };
        len.checked_add(self.end())
    }

    /// The same where it is known that it can be counted.
    #[inline]
    pub(crate) const fn floats(&self) -> usize {
        match self.len() {
            Some(len) => len,
            None => 0,
        }
    }

    /// Full blocks.
    pub(crate) const fn blocks(&self) -> usize {
        self.units / BLOCK
    }

    /// Units of the tail.
    pub(crate) const fn tail(&self) -> usize {
        self.units % BLOCK
    }

    /// What a vector of 16 may read past the tail's last row.
    const fn end(&self) -> usize {
        (self.gates * self.tail()).next_multiple_of(BLOCK) - self.gates * self.tail()
    }

    /// The floats of the input rows of `width` units, bias included.
    pub(crate) const fn input_part(&self, width: usize) -> usize {
        (1 + self.inputs) * self.gates * width
    }

    /// The floats of the state rows of `width` units, a bias of their own included.
    pub(crate) const fn state_part(&self, width: usize) -> usize {
        (self.apart as usize + self.units * self.gates) * width
    }

    /// Where the input rows and the state rows of a block begin; block `blocks()` is the tail.
    #[inline(always)]
    pub(crate) const fn parts(&self, block: usize) -> (usize, usize) {
        let (inputs, states) = (self.input_part(BLOCK), self.state_part(BLOCK));
        let blocks = self.blocks();
        if block < blocks {
            (block * inputs, blocks * inputs + block * states)
        } else {
            let tail = blocks * (inputs + states);
            (tail, tail + self.input_part(self.tail()))
        }
    }
}

/// A panel: its shape, and no fewer floats than that tells.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a> {
    shape: PanelShape,
    floats: &'a [f32],
}

impl<'a> Panel<'a> {
    /// `None` if there are too few floats.
    #[inline]
    pub(crate) fn new(shape: PanelShape, floats: &'a [f32]) -> Option<Self> {
        shape.len().is_some_and(|len| len <= floats.len()).then_some(Self { shape, floats })
    }

    #[inline(always)]
    pub(crate) fn shape(&self) -> PanelShape {
        self.shape
    }

    /// The first of the shape's floats.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *const f32 {
        self.floats.as_ptr()
    }
}

/// Memory on a 64-byte boundary, the line of a cache: panels so placed are read the fastest.
///
/// ```
/// use packed_rnn::{Aligned, Gru, Model, Shape};
///
/// static PANELS: Aligned<[f32; Model::<Gru>::panels_len(Shape::new(8, 20))]> = Aligned([0.0; Model::<Gru>::panels_len(Shape::new(8, 20))]);
/// # assert_eq!(PANELS.0.as_ptr() as usize % 64, 0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub struct Aligned<T>(pub T);
