//! Who speaks? One utterance through a trained two-layer bidirectional GRU whose panels stay in the flash.

#![no_std]
#![no_main]

use core::hint::black_box;
use cortex_m::singleton;
use cortex_m_rt::entry;
use firmware::clock::Clock;
use firmware::console::{Piece, line};
use firmware::data::{
    SPEAKERS_BIAS, SPEAKERS_PANELS, SPEAKERS_WEIGHT, UTTERANCE, UTTERANCE_LOGITS, UTTERANCE_OUTPUT, UTTERANCE_SPEAKER,
    UTTERANCE_STATES, UTTERANCE_TOKENS,
};
use firmware::networks::{NAMES, SPEAKERS, logits, speaker};
use firmware::{fail, leave, same_bits};
use packed_rnn::{Error, Gru, Layout, Model, States, pack_sequence};

const OUTPUT: usize = UTTERANCE_TOKENS * SPEAKERS.output_size();
const AHEAD: usize = 24 * 3 * SPEAKERS.hidden_size;
const STATES: usize = SPEAKERS.count() * SPEAKERS.hidden_size;

#[entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else { fail("the peripherals are taken") };
    let mut clock = Clock::start(peripherals.SYST);
    let (Some(packed), Some(output), Some(scratch), Some(states)) = (
        singleton!(: [f32; UTTERANCE_TOKENS * SPEAKERS.input_size] = [0.0; UTTERANCE_TOKENS * SPEAKERS.input_size]),
        singleton!(: [f32; OUTPUT] = [0.0; OUTPUT]),
        singleton!(: [f32; OUTPUT + AHEAD] = [0.0; OUTPUT + AHEAD]),
        singleton!(: [f32; STATES] = [0.0; STATES]),
    ) else {
        fail("the buffers are taken")
    };

    let mut found = [0.0; NAMES];
    let mut outcome = Ok(());
    let instructions = clock.instructions(|| {
        outcome = run(black_box(&UTTERANCE.0), packed, output, scratch, states);
        logits(states, &SPEAKERS_WEIGHT.0, &SPEAKERS_BIAS.0, &mut found);
    });
    if outcome.is_err() {
        fail("the run was refused");
    }
    if !same_bits(output, &UTTERANCE_OUTPUT.0) {
        fail("the outputs have other bits than on the host");
    }
    if !same_bits(states, &UTTERANCE_STATES.0) {
        fail("the last states have other bits than on the host");
    }
    if !same_bits(&found, &UTTERANCE_LOGITS.0) {
        fail("the logits have other bits than on the host");
    }
    if speaker(&found) != UTTERANCE_SPEAKER {
        fail("another speaker is found");
    }
    line(&[
        Piece::Text("speaker "),
        Piece::Number(speaker(&found) as u32),
        Piece::Text(" by "),
        Piece::Number(UTTERANCE_TOKENS as u32),
        Piece::Text(" tokens, as on the host to the last bit; "),
        Piece::Number(instructions / UTTERANCE_TOKENS as u32),
        Piece::Text(" instructions for each token; "),
        Piece::Number(size_of_val(&SPEAKERS_PANELS) as u32),
        Piece::Text(" bytes of panels in flash"),
    ]);
    leave(true)
}

/// From an utterance to the last states.
fn run(
    utterance: &[f32],
    packed: &mut [f32],
    output: &mut [f32],
    scratch: &mut [f32],
    states: &mut [f32],
) -> Result<(), Error> {
    let model = Model::<Gru>::from_panels(SPEAKERS, &SPEAKERS_PANELS.0)?;
    let mut sorted_lengths = [0];
    let layout = Layout::from_sorted(&[UTTERANCE_TOKENS], &mut sorted_lengths)?;
    pack_sequence(&layout, SPEAKERS.input_size, &[utterance], packed)?;
    model.run(&layout, packed, States::new(states), output, scratch)
}
