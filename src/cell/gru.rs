//! The gated recurrent unit.

use super::cell;
use crate::simd::Values;
use crate::simd::math::{gate, tanh_quotient};
use crate::simd::pass::{Carry, Epilogue};

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

    /// `1 - z` comes from the gate itself rather than a subtraction, and its product with `n` is one quotient.
    #[inline(always)]
    fn finish<S: Values>(s: S, [r, z, n]: [S::F; 3], input: S::F, h: S::F) -> (S::F, S::F) {
        let (r, z) = (gate(s, r), gate(s, z));
        let (n, n_whole) = tanh_quotient(s, s.add(s.div(n, r.whole), input));
        let new = s.div(s.mul(z.e, n), s.mul(z.whole, n_whole));
        let h = s.add(s.div(h, z.whole), new);
        (h, h)
    }
}

cell!(Gru, 3);
