//! The plain recurrent unit, with either activation: the smallest example of a cell.

use super::cell;
use crate::simd::Values;
use crate::simd::math::{relu, tanh};
use crate::simd::pass::{Carry, Epilogue};

/// PyTorch's `nn.RNN`: `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tanh;

/// PyTorch's `nn.RNN(nonlinearity="relu")`: `h' = relu(W_ih x + b_ih + W_hh h + b_hh)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relu;

impl Epilogue<1> for Tanh {
    const APART: bool = false;
    const CARRY: Carry = Carry::None;

    #[inline(always)]
    fn finish<S: Values>(s: S, [sum]: [S::F; 1], _: S::F, carried: S::F) -> (S::F, S::F) {
        (tanh(s, sum), carried)
    }
}

impl Epilogue<1> for Relu {
    const APART: bool = false;
    const CARRY: Carry = Carry::None;

    #[inline(always)]
    fn finish<S: Values>(s: S, [sum]: [S::F; 1], _: S::F, carried: S::F) -> (S::F, S::F) {
        (relu(s, sum), carried)
    }
}

cell!(Tanh, 1);
cell!(Relu, 1);
