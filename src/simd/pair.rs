//! Two vectors at a time: an epilogue run on a pair has twice the independent chains, which hides their latency.

use super::Values;

/// The values of a backend in pairs.
#[derive(Clone, Copy)]
pub(super) struct Pair<S>(pub(super) S);

macro_rules! each {
    ($($name:ident($($x:ident),*);)*) => { $(
        #[inline(always)]
        fn $name(self, $($x: Self::F),*) -> Self::F {
            [self.0.$name($($x[0]),*), self.0.$name($($x[1]),*)]
        }
    )* };
}

impl<S: Values> Values for Pair<S> {
    type F = [S::F; 2];
    const FUSED: bool = S::FUSED;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [self.0.splat(value); 2]
    }

    each! {
        add(a, b);
        sub(a, b);
        mul(a, b);
        div(a, b);
        mul_add(a, b, c);
        neg_mul_add(a, b, c);
        at_least(x, low);
        at_most(x, high);
        abs(x);
        minus_abs(x);
        by_sign(x, a, b);
        below(x, limit, a, b);
        with_sign(magnitude, sign);
        power_of_bits(x);
        scale(x, n, bits);
    }
}
