//! `exp`, `sigmoid` and `tanh` over vectors: no table, no branch on data, nothing flushed to zero.
//!
//! All rest on one exponential: `z = n ln 2 + r` with `|r| <= ln 2 / 2`, and a polynomial for `e^r - 1`
//! (`scripts/fit_activations.py` makes the coefficients). Where a cell multiplies two activations it takes them as
//! quotients and divides once.

use super::Values;
use core::f32::consts::{LN_2, LOG2_E};

/// The largest error of `exp`, in units of max(ulp, 2^-149), over all f32.
pub const MAX_EXP_ERROR: f64 = 1.5;
/// The largest error of `sigmoid`, in units of max(ulp, 2^-149), over all f32.
pub const MAX_SIGMOID_ERROR: f64 = 2.5;
/// The largest error of `tanh`, in units of max(ulp, 2^-149), over all f32.
pub const MAX_TANH_ERROR: f64 = 2.5;

// (e^r - 1 - r) / r^2, relative error of e^r 3.2e-9.
const EXP_0: f32 = 0.499_999_94;
const EXP_1: f32 = 0.166_665_21;
const EXP_2: f32 = 0.041_668_26;
const EXP_3: f32 = 0.008_368_668;
const EXP_4: f32 = 0.001_382_130_5;
// (1 - tanh(x) / x) / x^2 in x^2 up to (ln 2 / 2)^2, relative error of tanh 3.8e-8.
const TANH_0: f32 = 0.333_327;
const TANH_1: f32 = -0.133_010_39;
const TANH_2: f32 = 0.049_234_87;
/// Sixteen bits, so that a multiple of it below 2^8 is exact.
const LN2_HIGH: f32 = 0.693_145_75;
const LN2_LOW: f32 = 1.428_606_8e-6;
/// As near as an f32 is, 2e-9 off.
const LN2_NEAR: f32 = LN_2;

/// Adding it rounds to an integer, which then stands in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// The exponent's bias: with it the lowest bits are an exponent.
const BIAS: f32 = 127.0;
/// e^-104 rounds to 0.
const EXP_LOW: f32 = -104.0;
/// e^89 is beyond the largest f32.
const EXP_HIGH: f32 = 89.0;
/// e^69 is below 2^100.
const GATE_LIMIT: f32 = 69.0;
/// From here on tanh rounds to 1.
const TANH_HIGH: f32 = 9.1;
/// ln 2 / 2, where tanh is 1/3: below, a polynomial; above, 1 - 2 / (e^2x + 1) loses little.
const TANH_SPLIT: f32 = 0.346_573_6;

/// The constants of `split_exp` with a factor `u` of 1, 2 or -1 taken in, which is exact: doubling or negating `x` would
/// be one operation more.
struct Factor<const U: i8>;

impl<const U: i8> Factor<U> {
    const UNIT: f32 = U as f32;
    const LOG2_E: f32 = LOG2_E * Self::UNIT;
    const MINUS_LN2_HIGH: f32 = -LN2_HIGH / Self::UNIT;
    const MINUS_LN2_LOW: f32 = -LN2_LOW / Self::UNIT;
    const MINUS_LN2_NEAR: f32 = -LN2_NEAR / Self::UNIT;
    const EXP_0: f32 = EXP_0 * Self::UNIT;
    const EXP_1: f32 = EXP_1 * Self::UNIT * Self::UNIT;
    const EXP_2: f32 = EXP_2 * Self::UNIT * Self::UNIT * Self::UNIT;
    const EXP_3: f32 = EXP_3 * Self::UNIT * Self::UNIT * Self::UNIT * Self::UNIT;
    const EXP_4: f32 = EXP_4 * Self::UNIT * Self::UNIT * Self::UNIT * Self::UNIT * Self::UNIT;
}

/// How far from 0 the argument of an exponential may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// So near, or of so little weight when it is far, that an error of `2e-9 n` does no harm.
    Near,
    Far,
}

/// `e^(ux) = 2^n (1 + ut)` for `u` of 1, 2 or -1: gives `t`, `n`, and the number whose lowest bits are `n + bias`.
#[inline(always)]
fn split_exp<S: Values, const U: i8>(s: S, reach: Reach, x: S::F, bias: f32) -> (S::F, S::F, S::F) {
    let round = s.splat(ROUND + bias);
    let bits = s.mul_add(x, s.splat(Factor::<U>::LOG2_E), round);
    let n = s.sub(bits, round);
    let r = if S::FUSED && reach == Reach::Near {
        // Nothing is lost of the product.
        s.mul_add(n, s.splat(Factor::<U>::MINUS_LN2_NEAR), x)
    } else {
        let r = s.mul_add(n, s.splat(Factor::<U>::MINUS_LN2_HIGH), x);
        s.mul_add(n, s.splat(Factor::<U>::MINUS_LN2_LOW), r)
    };
    let r2 = s.mul(r, r);
    let low = s.mul_add(r, s.splat(Factor::<U>::EXP_1), s.splat(Factor::<U>::EXP_0));
    let high = s.mul_add(r, s.splat(Factor::<U>::EXP_3), s.splat(Factor::<U>::EXP_2));
    let high = s.mul_add(r2, s.splat(Factor::<U>::EXP_4), high);
    (s.mul_add(r2, s.mul_add(r2, high, low), r), n, bits)
}

/// `e^x`.
#[inline(always)]
pub(crate) fn exp<S: Values>(s: S, x: S::F) -> S::F {
    let z = s.at_most(s.at_least(x, s.splat(EXP_LOW)), s.splat(EXP_HIGH));
    let (t, _, bits) = split_exp::<S, 1>(s, Reach::Far, z, 0.0);
    // n is -150 to 128, too far for one power: take 2^64 or 2^-64 apart. The first product is exact, the second
    // rounds once.
    let apart = s.by_sign(z, s.splat(64.0 + BIAS), s.splat(-64.0 + BIAS));
    let power = s.power_of_bits(s.add(bits, apart));
    let rest = s.by_sign(z, s.splat(1.0 / 18_446_744_073_709_551_616.0), s.splat(18_446_744_073_709_551_616.0));
    s.mul(s.mul(s.add(t, s.splat(1.0)), power), rest)
}

/// A logistic gate as quotients: `sigmoid(x) = 1 / whole` and `1 - sigmoid(x) = e / whole`.
#[derive(Clone, Copy)]
pub(crate) struct Gate<F> {
    pub(crate) e: F,
    pub(crate) whole: F,
}

/// `e = exp(-x)`, `whole = 1 + e`, at most 2^100, so that its product with another divisor can be counted. Beyond
/// `GATE_LIMIT` the gate is as good as shut: 1e-30 rather than 0.
#[inline(always)]
pub(crate) fn gate<S: Values>(s: S, x: S::F) -> Gate<S::F> {
    let x = s.at_most(s.at_least(x, s.splat(-GATE_LIMIT)), s.splat(GATE_LIMIT));
    let (t, _, bits) = split_exp::<S, -1>(s, Reach::Near, x, BIAS);
    let power = s.power_of_bits(bits);
    let e = s.neg_mul_add(power, t, power);
    Gate { e, whole: s.add(e, s.splat(1.0)) }
}

/// `1 / (1 + e^-x)`, with `e = exp(-|x|)`: `1 / (1 + e)` for `x >= 0`, else `e / (1 + e)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Values>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    let z = s.at_least(s.minus_abs(x), s.splat(EXP_LOW));
    let (t, n, bits) = split_exp::<S, 1>(s, Reach::Far, z, 64.0 + BIAS);
    let e = s.scale(s.add(t, one), n, bits);
    s.div(s.by_sign(x, e, one), s.add(e, one))
}

/// `tanh(x)` as a quotient: with `m = e^2x - 1`, `m / (m + 2)`. The divisor is 1 to 2^27.
#[inline(always)]
pub(crate) fn tanh_quotient<S: Values>(s: S, x: S::F) -> (S::F, S::F) {
    let x = s.at_most(s.at_least(x, s.splat(-TANH_HIGH)), s.splat(TANH_HIGH));
    let (half, _, bits) = split_exp::<S, 2>(s, Reach::Near, x, BIAS + 1.0);
    let twice = s.power_of_bits(bits);
    let m = s.mul_add(twice, half, s.mul_add(twice, s.splat(0.5), s.splat(-1.0)));
    (m, s.add(m, s.splat(2.0)))
}

/// `tanh(x)`: odd, never beyond 1, and monotone, which a single quotient is not. Each side is monotone for itself:
/// every operation after the exponential rounds a monotone function, and a step of `x` outweighs what is rounded in
/// the polynomial's correction.
#[inline(always)]
pub(crate) fn tanh<S: Values>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    let a = s.at_most(s.abs(x), s.splat(TANH_HIGH));
    let (half, _, bits) = split_exp::<S, 2>(s, Reach::Near, a, BIAS);
    let power = s.power_of_bits(bits);
    // The sum with 1 is exact where it counts, so that e^2x + 1 rounds once.
    let whole = s.mul_add(s.add(power, power), half, s.add(power, one));
    let large = s.sub(one, s.div(s.splat(2.0), whole));

    let y = s.mul(a, a);
    let p = s.mul_add(y, s.mul_add(y, s.splat(TANH_2), s.splat(TANH_1)), s.splat(TANH_0));
    let small = s.neg_mul_add(s.mul(a, y), p, a);

    s.with_sign(s.below(a, s.splat(TANH_SPLIT), small, large), x)
}

/// `x` where it is not negative, else 0.
#[inline(always)]
pub(crate) fn relu<S: Values>(s: S, x: S::F) -> S::F {
    s.at_least(x, s.splat(0.0))
}
