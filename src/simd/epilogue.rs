//! What a cell makes of the sums of its gates.

use super::Values;

/// What an epilogue needs of the state besides the sums.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carry {
    /// Nothing.
    None,
    /// The unit's value in the second state, which it also gives back.
    Second,
    /// The unit's value in the state that was multiplied.
    Same,
}

/// What becomes of the sums of `G` gates.
pub(crate) trait Epilogue<const G: usize>: Copy {
    /// The state half of the last gate is a chain of its own: its sum begins with its state bias, and the input half
    /// is given beside it.
    const APART: bool;
    const CARRY: Carry;

    /// What the first half of the work gives to the second: each is a chain of its own, of some ten operations.
    type Between<F: Copy>: Copy;

    /// The first half, from the sums, the input half of the last gate (where apart), and the value carried here.
    fn begin<S: Values>(s: S, sum: [S::F; G], input: S::F, carried: S::F) -> Self::Between<S::F>;

    /// The second half, from the value carried here as well: the unit's new state and what is carried on.
    fn end<S: Values>(s: S, between: Self::Between<S::F>, carried: S::F) -> (S::F, S::F);

    /// Both.
    #[inline(always)]
    fn finish<S: Values>(s: S, sum: [S::F; G], input: S::F, carried: S::F) -> (S::F, S::F) {
        Self::end(s, Self::begin(s, sum, input, carried), carried)
    }
}
