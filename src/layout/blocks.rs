//! Runs of steps in which the same sequences run: there, the tokens of a sequence are at one distance.

/// Steps `t..t + steps`, in each of which the first `rows` sequences run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) t: usize,
    pub(crate) steps: usize,
    pub(crate) rows: usize,
    /// The packed row of the first sequence at step `t`.
    pub(crate) offset: usize,
}

/// All steps in order, in blocks. The walk takes O(B) and a step for each block.
pub(crate) struct Blocks<'a> {
    lengths: &'a [u32],
    t: usize,
    offset: usize,
    tokens: usize,
}

impl<'a> Blocks<'a> {
    /// `lengths` never grow. A block has at most `tokens` tokens, or one step.
    pub(super) fn new(lengths: &'a [u32], tokens: usize) -> Self {
        Self { lengths, t: 0, offset: 0, tokens }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let (t, offset) = (self.t, self.offset);
        let last = loop {
            let (&last, before) = self.lengths.split_last()?;
            if last as usize > t {
                break last as usize;
            }
            self.lengths = before;
        };
        let rows = self.lengths.len();
        let most = self.tokens.checked_div(rows).unwrap_or(1).max(1);
        let steps = (last - t).min(most);
        (self.t, self.offset) = (t + steps, offset + steps * rows);
        Some(Block { t, steps, rows, offset })
    }
}
