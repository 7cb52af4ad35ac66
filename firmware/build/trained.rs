//! The data of `speakers` and `stream`: trained models of the tests and examples, an utterance and a clip, and what
//! comes out. It is compared with what the models' own frameworks gave, as the library's tests do.

use crate::networks::{NAMES, SPEAKERS, SPEECH, logits, speaker, speech};
use crate::output::Output;
use crate::support::{File, Outcome, Ragged, difference, panels, run};
use packed_rnn::{Backend, Gru, Lstm, Model};
use std::error::Error;

const VOWELS: &[u8] = include_bytes!("../../examples/data/japanese_vowels_test.safetensors");
const BIGRU: &[u8] = include_bytes!("../../examples/data/bigru.safetensors");
const SILERO: &[u8] = include_bytes!("../../tests/data/silero_lstm.safetensors");

/// The utterance that is recognised.
const UTTERANCE: usize = 150;
/// The clip that is streamed.
const CLIP: usize = 0;

pub fn speakers(output: &mut Output) -> Result<(), Box<dyn Error>> {
    let (set, file) = (File::new(VOWELS), File::new(BIGRU));
    let utterance = sequence(&set.integers("test.len"), SPEAKERS.input_size, &set.floats("test.x"), UTTERANCE);
    let panels = panels::<Gru>(&file, "w.rnn.", SPEAKERS);
    let model = Model::<Gru>::from_panels(SPEAKERS, &panels)?.with_backend(Backend::portable());
    let Outcome { y, hn, .. } = run(model, &utterance);

    let (weight, bias) = (file.floats("w.fc.weight"), file.floats("w.fc.bias"));
    let mut found = [0.0; NAMES];
    logits(&hn, &weight, &bias, &mut found);
    let expected = &file.floats("expected.test_logits")[UTTERANCE * NAMES..][..NAMES];
    close("the logits", &found, expected)?;
    let label = set.integers("test.y")[UTTERANCE];
    if speaker(&found) != label {
        return Err(format!("the utterance is speaker {label}'s, and {} is found", speaker(&found)).into());
    }

    output.constant("UTTERANCE_SPEAKER", label);
    output.constant("UTTERANCE_TOKENS", utterance.lengths[0]);
    output.floats("SPEAKERS_PANELS", &panels)?;
    output.floats("SPEAKERS_WEIGHT", &weight)?;
    output.floats("SPEAKERS_BIAS", &bias)?;
    output.floats("UTTERANCE", &utterance.tokens)?;
    output.floats("UTTERANCE_OUTPUT", &y)?;
    output.floats("UTTERANCE_STATES", &hn)?;
    output.floats("UTTERANCE_LOGITS", &found)
}

pub fn stream(output: &mut Output) -> Result<(), Box<dyn Error>> {
    let file = File::new(SILERO);
    let clip = sequence(&file.integers("lengths"), SPEECH.input_size, &file.floats("x"), CLIP);
    let panels = panels::<Lstm>(&file, "lstm.", SPEECH);
    let model = Model::<Lstm>::from_panels(SPEECH, &panels)?.with_backend(Backend::portable());
    let Outcome { y, hn, cn } = run(model, &clip);

    let (weight, bias) = (file.floats("output.weight"), file.floats("output.bias"));
    let found: Vec<f32> = y.chunks_exact(SPEECH.hidden_size).map(|y| speech(y, &weight, bias[0])).collect();
    let first: usize = file.integers("lengths").iter().take(CLIP).sum();
    close("what is speech", &found, &file.floats("expected.prob")[first..][..found.len()])?;

    output.constant("CLIP_TOKENS", clip.lengths[0]);
    output.floats("SPEECH_PANELS", &panels)?;
    output.floats("SPEECH_WEIGHT", &weight)?;
    output.floats("SPEECH_BIAS", &bias)?;
    output.floats("CLIP", &clip.tokens)?;
    output.floats("CLIP_OUTPUT", &y)?;
    output.floats("CLIP_H", &hn)?;
    output.floats("CLIP_C", &cn)?;
    output.floats("CLIP_SPEECH", &found)
}

/// One of the sequences that lie one after another.
fn sequence(lengths: &[usize], features: usize, tokens: &[f32], index: usize) -> Ragged {
    let first: usize = lengths[..index].iter().sum();
    let tokens = tokens[first * features..][..lengths[index] * features].to_vec();
    Ragged::new(vec![lengths[index]], features, tokens)
}

/// Within the tolerance of the library's tests.
fn close(what: &str, found: &[f32], expected: &[f32]) -> Result<(), Box<dyn Error>> {
    let largest = difference(found, expected);
    if largest < 1e-5 { Ok(()) } else { Err(format!("{what}: {largest:e} from the framework's").into()) }
}
