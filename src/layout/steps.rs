//! The cursor along the steps of a packed batch.

/// One step of a packed batch: its rows in the packed data are `offset..offset + rows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The time, `t`.
    pub t: usize,
    /// How many sequences are longer than `t`: PyTorch's `batch_sizes[t]`. They are the first in sorted order.
    pub rows: usize,
    /// The packed row of the longest sequence at this step: the number of tokens before it.
    pub offset: usize,
}

/// One end of the range that is still to be walked: all that a walk from that end has to keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// The time between two steps: the front's next step, the back's step last given.
    pub(super) t: usize,
    pub(super) rows: usize,
    pub(super) offset: usize,
}

impl End {
    /// The front of a walk, where `rows` sequences begin.
    pub(crate) fn front(rows: usize) -> Self {
        Self { t: 0, rows, offset: 0 }
    }

    /// How many steps are before it.
    pub(crate) fn steps(self) -> usize {
        self.t
    }

    /// The step that it gave last, as the front or the back. Before there is one it has none of the rows that are to be
    /// walked.
    pub(crate) fn given(self, back: bool) -> Step {
        match (back, self) {
            (true, Self { t, rows, offset }) => Step { t, rows, offset },
            (false, Self { t: 0, .. }) => Step { t: 0, rows: 0, offset: 0 },
            (false, Self { t, rows, offset }) => Step { t: t - 1, rows, offset: offset - rows },
        }
    }

    /// As the front: the step behind it, which must be there.
    #[inline(always)]
    pub(crate) fn next(&mut self, lengths: &[u32]) -> Step {
        let Self { t, mut rows, offset } = *self;
        while rows > 0 && !runs(lengths, rows - 1, t) {
            rows -= 1;
        }
        *self = Self { t: t + 1, rows, offset: offset + rows };
        Step { t, rows, offset }
    }

    /// As the back: the step before it, which must be there.
    #[inline(always)]
    pub(crate) fn next_back(&mut self, lengths: &[u32]) -> Step {
        let t = self.t - 1;
        let mut rows = self.rows;
        while runs(lengths, rows, t) {
            rows += 1;
        }
        let offset = self.offset - rows;
        *self = Self { t, rows, offset };
        Step { t, rows, offset }
    }
}

/// The sequence at a place is longer than `t`.
fn runs(lengths: &[u32], place: usize, t: usize) -> bool {
    lengths.get(place).is_some_and(|&length| length as usize > t)
}

/// The steps of a packed batch, from either end. A whole walk takes O(T + B).
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    lengths: &'a [u32],
    front: End,
    back: End,
}

impl<'a> Steps<'a> {
    /// `lengths` never grow and sum up to `tokens`.
    pub(super) fn new(lengths: &'a [u32], tokens: usize) -> Self {
        let t = lengths.first().map_or(0, |&length| length as usize);
        Self { lengths, front: End::front(lengths.len()), back: End { t, rows: 0, offset: tokens } }
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    #[inline]
    fn next(&mut self) -> Option<Step> {
        (self.front.t < self.back.t).then(|| self.front.next(self.lengths))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.back.t - self.front.t;
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Steps<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Step> {
        (self.front.t < self.back.t).then(|| self.back.next_back(self.lengths))
    }
}

impl ExactSizeIterator for Steps<'_> {}
