//! The plain recurrent unit, with either activation: the smallest example of a cell.

use super::cell;
use crate::simd::Values;
use crate::simd::epilogue::{Carry, Epilogue};
use crate::simd::math::{relu, tanh};

/// PyTorch's `nn.RNN`: `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tanh;

/// PyTorch's `nn.RNN(nonlinearity="relu")`: `h' = relu(W_ih x + b_ih + W_hh h + b_hh)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relu;

impl Epilogue<1> for Tanh {
    const APART: bool = false;
    const CARRY: Carry = Carry::None;
    type Between<F: Copy> = F;

    #[inline(always)]
    fn begin<S: Values>(_: S, [sum]: [S::F; 1], _: S::F, _: S::F) -> S::F {
        sum
    }

    #[inline(always)]
    fn end<S: Values>(s: S, sum: S::F, _: S::F) -> (S::F, S::F) {
        let h = tanh(s, sum);
        (h, h)
    }
}

impl Epilogue<1> for Relu {
    const APART: bool = false;
    const CARRY: Carry = Carry::None;
    type Between<F: Copy> = F;

    #[inline(always)]
    fn begin<S: Values>(_: S, [sum]: [S::F; 1], _: S::F, _: S::F) -> S::F {
        sum
    }

    #[inline(always)]
    fn end<S: Values>(s: S, sum: S::F, _: S::F) -> (S::F, S::F) {
        let h = relu(s, sum);
        (h, h)
    }
}

cell!(Tanh, 1);
cell!(Relu, 1);
