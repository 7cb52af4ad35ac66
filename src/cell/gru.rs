//! The gated recurrent unit.

use super::cell;
use crate::simd::Values;
use crate::simd::epilogue::{Carry, Epilogue};
use crate::simd::math::{gate, tanh_quotient};

/// PyTorch's `nn.GRU`, gates in the order r, z, n; the reset gate acts after the product with the state (ONNX's
/// `linear_before_reset=1`, Keras's `reset_after=True`):
///
/// ```text
/// r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)        h' = (1 - z) * n + z * h
/// z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
/// n =    tanh(W_in x + b_in + r * (W_hn h + b_hn))
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gru;

impl Epilogue<3> for Gru {
    const APART: bool = true;
    const CARRY: Carry = Carry::Same;
    /// What `n` is the tanh of, and `z`'s dividend: its divisor is 1 more, which costs less than to keep it.
    type Between<F: Copy> = (F, F);

    /// `1 - z` comes from the gate itself rather than a subtraction, and its product with `n` is one quotient.
    #[inline(always)]
    fn begin<S: Values>(s: S, [r, z, n]: [S::F; 3], input: S::F, _: S::F) -> Self::Between<S::F> {
        let (r, z) = (gate(s, r), gate(s, z));
        (s.add(s.div(n, r.whole), input), z.e)
    }

    #[inline(always)]
    fn end<S: Values>(s: S, (n, z_e): Self::Between<S::F>, h: S::F) -> (S::F, S::F) {
        let z_whole = s.add(z_e, s.splat(1.0));
        let (n, n_whole) = tanh_quotient(s, n);
        let new = s.div(s.mul(z_e, n), s.mul(z_whole, n_whole));
        let h = s.add(s.div(h, z_whole), new);
        (h, h)
    }
}

cell!(Gru, 3);
