//! Is it speech? A clip as a stream through the LSTM of a detector, twice: a step for each token, as it would come from a
//! microphone, and as a task that runs a few steps at a time between whatever else a device does. All buffers are
//! static; the panels stay in the flash.

#![no_std]
#![no_main]

use cortex_m::singleton;
use cortex_m_rt::entry;
use firmware::clock::Clock;
use firmware::console::{Piece, line};
use firmware::data::{
    CLIP, CLIP_C, CLIP_H, CLIP_OUTPUT, CLIP_SPEECH, CLIP_TOKENS, SPEECH_BIAS, SPEECH_PANELS, SPEECH_WEIGHT,
};
use firmware::networks::{SPEECH, speech};
use firmware::{fail, leave, same_bits};
use packed_rnn::{Layout, Lstm, Model, Split, States};

const UNITS: usize = SPEECH.hidden_size;
/// Steps of a slice of time.
const SLICE: usize = 4;

#[entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else { fail("the peripherals are taken") };
    let mut clock = Clock::start(peripherals.SYST);
    let Ok(model) = Model::<Lstm>::from_panels(SPEECH, &SPEECH_PANELS.0) else { fail("the panels do not fit") };
    step_by_step(&mut clock, &model);
    in_slices(&mut clock, &model);
    leave(true)
}

fn step_by_step(clock: &mut Clock, model: &Model<'_, Lstm>) {
    let (Some(mut h_in), Some(mut h_out), Some(c)) = (
        singleton!(: [f32; UNITS] = [0.0; UNITS]),
        singleton!(: [f32; UNITS] = [0.0; UNITS]),
        singleton!(: [f32; UNITS] = [0.0; UNITS]),
    ) else {
        fail("the buffers are taken")
    };
    let (mut all, mut dearest, mut spoken) = (0, 0, 0);
    let tokens = CLIP.0.chunks_exact(SPEECH.input_size).zip(CLIP_OUTPUT.0.chunks_exact(UNITS)).zip(&CLIP_SPEECH.0);
    for ((token, expected), expected_speech) in tokens {
        let mut outcome = Ok(());
        let instructions = clock.instructions(|| outcome = model.step(1, token, h_in, h_out, c));
        if outcome.is_err() {
            fail("a step was refused");
        }
        let found = speech(h_out, &SPEECH_WEIGHT.0, SPEECH_BIAS.0[0]);
        if !same_bits(h_out, expected) || !same_bits(&[found], &[*expected_speech]) {
            fail("a step has other bits than on the host");
        }
        core::mem::swap(&mut h_in, &mut h_out);
        all += instructions;
        dearest = instructions.max(dearest);
        spoken += u32::from(found > 0.5);
    }
    if !same_bits(h_in, &CLIP_H.0) || !same_bits(c, &CLIP_C.0) {
        fail("the last states have other bits than on the host");
    }
    line(&[
        Piece::Text("step by step: "),
        Piece::Number(spoken),
        Piece::Text(" of "),
        Piece::Number(CLIP_TOKENS as u32),
        Piece::Text(" tokens are speech, as on the host to the last bit; "),
        Piece::Number(all / CLIP_TOKENS as u32),
        Piece::Text(" instructions for each step, at most "),
        Piece::Number(dearest),
    ]);
}

fn in_slices(clock: &mut Clock, model: &Model<'_, Lstm>) {
    let (Some(output), Some(h), Some(c)) = (
        singleton!(: [f32; CLIP_TOKENS * UNITS] = [0.0; CLIP_TOKENS * UNITS]),
        singleton!(: [f32; UNITS] = [0.0; UNITS]),
        singleton!(: [f32; UNITS] = [0.0; UNITS]),
    ) else {
        fail("the buffers are taken")
    };
    let mut sorted_lengths = [0];
    let Ok(layout) = Layout::from_sorted(&[CLIP_TOKENS], &mut sorted_lengths) else { fail("the layout was refused") };
    let states = States::lstm(h, c);
    let Ok(mut tasks) = model.split(&layout, &CLIP.0, states, output, &mut [], Split::rows(1)) else {
        fail("the task was refused")
    };
    let Some(mut task) = tasks.next() else { fail("there is no task") };
    let (mut all, mut dearest, mut slices, mut done) = (0, 0, 0, false);
    while !done {
        if task.steps_left() != CLIP_TOKENS - SLICE * slices {
            fail("a slice has other steps than it was given");
        }
        let instructions = clock.instructions(|| done = task.advance(SLICE));
        all += instructions;
        dearest = instructions.max(dearest);
        slices += 1;
    }
    drop(task);
    drop(tasks);
    if !same_bits(output, &CLIP_OUTPUT.0) || !same_bits(h, &CLIP_H.0) || !same_bits(c, &CLIP_C.0) {
        fail("the slices have other bits than on the host");
    }
    line(&[
        Piece::Text("in slices of "),
        Piece::Number(SLICE as u32),
        Piece::Text(" steps: the same bits; "),
        Piece::Number(all / CLIP_TOKENS as u32),
        Piece::Text(" instructions for each step, at most "),
        Piece::Number(dearest),
        Piece::Text(" for a slice"),
    ]);
}
