//! Counts instructions: a step of one stream by several cells, with panels from flash, and the activations over a slice.
//! The bits that come out must be those of the host.

#![no_std]
#![no_main]

use core::hint::black_box;
use cortex_m_rt::entry;
use firmware::clock::Clock;
use firmware::console::{Piece, line};
use firmware::data::{ACTIVATIONS, Activation, CORNERS, Case, GRU, LSTM, VALUES};
use firmware::{fail, leave, same_bits};
use packed_rnn::{Backend, Cell, Gru, Lstm, Model, Shape};

#[entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else { fail("the peripherals are taken") };
    let mut clock = Clock::start(peripherals.SYST);
    black_box(&LSTM).iter().for_each(|case| steps::<Lstm>(&mut clock, case));
    black_box(&GRU).iter().for_each(|case| steps::<Gru>(&mut clock, case));
    black_box(&ACTIVATIONS).iter().for_each(|activation| elements(&mut clock, activation));
    leave(true)
}

/// All tokens of a case, one step each.
#[inline(never)]
fn steps<C: Cell>(clock: &mut Clock, case: &Case) {
    let shape = Shape::new(case.input_size, case.hidden_size);
    let Ok(model) = Model::<C>::from_panels(shape, case.panels) else { fail("the panels do not fit") };
    let (mut a, mut b, mut c) = ([0.0; 64], [0.0; 64], [0.0; 64]);
    let (Some(mut h_in), Some(mut h_out), Some(c)) =
        (a.get_mut(..case.h.len()), b.get_mut(..case.h.len()), c.get_mut(..case.c.len()))
    else {
        fail("a case is too large")
    };
    let mut right = true;
    let mut tokens = 0;
    let instructions = clock.instructions(|| {
        for input in case.inputs.chunks_exact(case.input_size) {
            right &= model.step(1, input, h_in, h_out, c).is_ok();
            core::mem::swap(&mut h_in, &mut h_out);
            tokens += 1;
        }
    });
    if !right || !same_bits(h_in, case.h) || !same_bits(c, case.c) {
        fail(case.name);
    }
    tell(case.name, "multiply-accumulate", tokens * case.multiply_accumulates(), instructions, tokens);
}

/// Values in the range of gates' sums are counted; those at the ends of f32 are compared only.
fn elements(clock: &mut Clock, activation: &Activation) {
    let (mut values, mut corners) = (VALUES.0, CORNERS.0);
    let instructions = clock.instructions(|| (activation.function)(Backend::detect(), &mut values));
    (activation.function)(Backend::detect(), &mut corners);
    if !same_bits(&values, activation.values) || !same_bits(&corners, activation.corners) {
        fail(activation.name);
    }
    tell(activation.name, "element", values.len(), instructions, 1);
}

/// `name UNITS INSTRUCTIONS: ...`
fn tell(name: &str, unit: &str, units: usize, instructions: u32, steps: usize) {
    let each = (u64::from(instructions) * 1000).checked_div(units as u64).unwrap_or_default();
    let a_step = instructions.checked_div(steps as u32).unwrap_or_default();
    line(&[
        Piece::Text(name),
        Piece::Text(" "),
        Piece::Number(units as u32),
        Piece::Text(" "),
        Piece::Number(instructions),
        Piece::Text(": "),
        Piece::Thousandths(each as u32),
        Piece::Text(" instructions for each "),
        Piece::Text(unit),
        Piece::Text(", "),
        Piece::Number(a_step),
        Piece::Text(" a step"),
    ]);
}
