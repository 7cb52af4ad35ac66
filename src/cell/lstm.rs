//! The long short-term memory.

use super::cell;
use crate::simd::Values;
use crate::simd::epilogue::{Carry, Epilogue};
use crate::simd::math::{gate, tanh_quotient};

/// PyTorch's `nn.LSTM`, gates in the order i, f, g, o:
///
/// ```text
/// i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)        c' = f * c + i * g
/// f = sigmoid(W_if x + b_if + W_hf h + b_hf)        h' = o * tanh(c')
/// g =    tanh(W_ig x + b_ig + W_hg h + b_hg)
/// o = sigmoid(W_io x + b_io + W_ho h + b_ho)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lstm;

impl Epilogue<4> for Lstm {
    const APART: bool = false;
    const CARRY: Carry = Carry::Second;
    /// The new second state, and the output gate's divisor.
    type Between<F: Copy> = (F, F);

    /// Each product of two activations is one quotient: three divisions for five activations. No divisor is beyond
    /// 2^127.
    #[inline(always)]
    fn begin<S: Values>(s: S, [i, f, g, o]: [S::F; 4], _: S::F, c: S::F) -> (S::F, S::F) {
        let (i, f, o) = (gate(s, i), gate(s, f), gate(s, o));
        let (g, g_whole) = tanh_quotient(s, g);
        let input = s.div(g, s.mul(i.whole, g_whole));
        (s.add(s.div(c, f.whole), input), o.whole)
    }

    #[inline(always)]
    fn end<S: Values>(s: S, (c, o_whole): (S::F, S::F), _: S::F) -> (S::F, S::F) {
        let (t, t_whole) = tanh_quotient(s, c);
        (s.div(t, s.mul(o_whole, t_whole)), c)
    }
}

cell!(Lstm, 4);
