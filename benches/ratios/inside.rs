//! What a step's arithmetic takes without doors, panels and passes: sizes known when compiled, weights in whole
//! vectors, everything in one function. It is timed with the cells' own epilogues, and without any.

use crate::cell::{Cell, Gru, Lstm};
use crate::clock::{Time, measure};
use crate::simd::backend::Backend;
use crate::simd::epilogue::{Carry, Epilogue};
use crate::simd::{Kernel, Simd, Values};
use crate::support::{Buffer, noise};
use core::marker::PhantomData;

/// The multiply-adds alone: the gates' sums are added up, so that none is left out.
#[derive(Clone, Copy)]
struct Nothing;

impl<const G: usize> Epilogue<G> for Nothing {
    const APART: bool = false;
    const CARRY: Carry = Carry::None;
    type Between<F: Copy> = (F, F);

    #[inline(always)]
    fn begin<S: Values>(s: S, sum: [S::F; G], _: S::F, carried: S::F) -> (S::F, S::F) {
        (sum.into_iter().fold(s.splat(0.0), |all, sum| s.add(all, sum)), carried)
    }

    #[inline(always)]
    fn end<S: Values>(_: S, sums: (S::F, S::F), _: S::F) -> (S::F, S::F) {
        sums
    }
}

/// Steps of one stream with `I` inputs and `H` units, `U` vectors of units at once.
struct Steps<'a, E, const G: usize, const I: usize, const H: usize, const U: usize> {
    weights: &'a [f32],
    input: &'a [f32],
    states: &'a mut [Buffer; 3],
    epilogue: PhantomData<E>,
}

impl<E: Epilogue<G>, const G: usize, const I: usize, const H: usize, const U: usize> Kernel
    for Steps<'_, E, G, I, H, U>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let [h, next, c] = self.states;
        for x in self.input.chunks_exact(I) {
            for first in (0..H).step_by(U * S::LANES) {
                // SAFETY: `time` gives 64 floats more than any vector of the last units reaches.
                unsafe {
                    let mut weights = self.weights.as_ptr().add(first * G * (I + H));
                    let mut sum = [[s.load(weights); G]; U];
                    for element in x.iter().chain(h.get(..H).unwrap_or_default()) {
                        let element = s.splat(*element);
                        for sum in sum.iter_mut().flatten() {
                            *sum = s.mul_add(element, s.load(weights), *sum);
                            weights = weights.add(S::LANES);
                        }
                    }
                    for (u, sum) in sum.into_iter().enumerate() {
                        let unit = first + u * S::LANES;
                        let carried = s.load(c.as_ptr().add(unit));
                        let (new, carried) = E::finish(s, sum, carried, carried);
                        s.store(next.as_mut_ptr().add(unit), new);
                        s.store(c.as_mut_ptr().add(unit), carried);
                    }
                }
            }
            core::mem::swap(h, next);
        }
    }
}

/// Nanoseconds of a step.
fn time<E: Epilogue<G>, const G: usize, const I: usize, const H: usize, const U: usize>(name: &str) -> Time {
    let backend = Backend::available().find(|backend| backend.name() == name).unwrap_or(Backend::portable());
    let padded = H + 64;
    let weights = noise(G * (I + H) * padded, 1.0 / (H as f32).sqrt(), 3);
    let weights = Buffer::of(&weights);
    let input = Buffer::of(&noise(100 * I, 1.0, 7));
    let mut states = [padded; 3].map(Buffer::zeros);
    let time = measure(0.2, || {
        states.iter_mut().for_each(|state| state.fill(0.0));
        let (weights, input) = (&weights[..], &input[..]);
        let states = &mut states;
        backend.run(Steps::<E, G, I, H, U> { weights, input, states, epilogue: PhantomData });
    });
    crate::per(time, 100)
}

/// A step of one input, activations included.
pub fn arithmetic(backend: &str, gates: usize, units: usize) -> Time {
    match (gates, units) {
        (4, 8) => time::<Lstm, 4, 1, 8, 1>(backend),
        (4, 16) => time::<Lstm, 4, 1, 16, 1>(backend),
        (4, 20) => time::<Lstm, 4, 1, 20, 2>(backend),
        (4, 40) => time::<Lstm, 4, 1, 40, 3>(backend),
        (3, 8) => time::<Gru, 3, 1, 8, 1>(backend),
        (3, 16) => time::<Gru, 3, 1, 16, 1>(backend),
        (3, 20) => time::<Gru, 3, 1, 20, 2>(backend),
        (3, 40) => time::<Gru, 3, 1, 40, 3>(backend),
        _ => unreachable!("no such step is measured"),
    }
}

/// The multiply-adds alone of a step with 64 inputs and 64 units.
pub fn multiply_adds(backend: &str, gates: usize) -> Time {
    if gates == Lstm::GATES { time::<Nothing, 4, 64, 64, 4>(backend) } else { time::<Nothing, 3, 64, 64, 4>(backend) }
}
