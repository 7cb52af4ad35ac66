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

/// One end of the range that is still to be walked.
#[derive(Clone, Copy, Debug)]
struct End {
    /// The time between two steps: the front's next step, the back's step last given.
    t: usize,
    rows: usize,
    offset: usize,
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
        Self { lengths, front: End { t: 0, rows: lengths.len(), offset: 0 }, back: End { t, rows: 0, offset: tokens } }
    }

    /// The same steps up to before `t`, where `rows` sequences run and `offset` tokens are before.
    pub(super) fn until(self, t: usize, rows: usize, offset: usize) -> Self {
        Self { back: End { t, rows, offset }, ..self }
    }

    /// The step that the front, or the back, gave last. Before there is one it has none of the rows that are to be walked.
    pub(crate) fn given(&self, from_back: bool) -> Step {
        match (from_back, self.front) {
            (true, _) => Step { t: self.back.t, rows: self.back.rows, offset: self.back.offset },
            (false, End { t: 0, .. }) => Step { t: 0, rows: 0, offset: 0 },
            (false, End { t, rows, offset }) => Step { t: t - 1, rows, offset: offset - rows },
        }
    }

    fn runs(&self, place: usize, t: usize) -> bool {
        self.lengths.get(place).is_some_and(|&length| length as usize > t)
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    #[inline]
    fn next(&mut self) -> Option<Step> {
        let End { t, mut rows, offset } = self.front;
        if t >= self.back.t {
            return None;
        }
        while rows > 0 && !self.runs(rows - 1, t) {
            rows -= 1;
        }
        self.front = End { t: t + 1, rows, offset: offset + rows };
        Some(Step { t, rows, offset })
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
        if self.front.t >= self.back.t {
            return None;
        }
        let t = self.back.t - 1;
        let mut rows = self.back.rows;
        while self.runs(rows, t) {
            rows += 1;
        }
        self.back = End { t, rows, offset: self.back.offset - rows };
        Some(Step { t, rows, offset: self.back.offset })
    }
}

impl ExactSizeIterator for Steps<'_> {}
