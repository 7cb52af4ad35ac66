//! What people want to know of a network before they compile it into a program.

use super::network::{Kind, Network};
use packed_rnn::{Cell, Direction, Error, Gru, Layout, Lstm, Model, PANEL_FORMAT, Relu, Shape, Tanh};
use std::fmt::Write;

/// What no public call's stack is beyond on a Cortex-M4F, callees included, from Rust and from C: the limits that
/// `ci/firmware.sh` holds the crate to.
pub const STACK_BYTES: usize = 750;
pub const STACK_BYTES_FROM_C: usize = 800;

/// The network in words: `GRU, 12 -> 32, 2 layers, bidirectional`.
pub fn words(network: &Network) -> String {
    let Shape { input_size, hidden_size, num_layers, direction, .. } = network.shape;
    let layers = if num_layers == 1 { "1 layer".into() } else { format!("{num_layers} layers") };
    let direction = match direction {
        Direction::Forward => "forward",
        Direction::Reverse => "reverse",
        Direction::Bidirectional => "bidirectional",
    };
    let biases = if network.biases { "" } else { ", without biases" };
    format!("{}, {input_size} -> {hidden_size}, {layers}, {direction}{biases}", network.cell.name())
}

/// What was found in a file, and what a run of so many sequences and tokens needs.
pub fn summary(network: &Network, file: &str, batch: usize, tokens: usize) -> Result<String, String> {
    let needs = match network.cell {
        Kind::Lstm => needs::<Lstm>(network, batch, tokens),
        Kind::Gru => needs::<Gru>(network, batch, tokens),
        Kind::Tanh => needs::<Tanh>(network, batch, tokens),
        Kind::Relu => needs::<Relu>(network, batch, tokens),
    };
    let (sequences, streams) = (count(batch, "sequence"), count(batch, "stream"));
    let tokens = count(tokens, "token");
    let needs = needs.map_err(|error| format!("a run of {sequences} and {tokens}: {error}"))?;
    let total: usize = network.tensors.values().sum();
    let dtypes: Vec<_> = network.tensors.iter().map(|(dtype, count)| format!("{count} {dtype}")).collect();
    let widened = if network.tensors.keys().all(|dtype| dtype == "F32") { "" } else { ", widened to F32 exactly" };
    let left_out = (!network.ignored.is_empty()).then(|| network.ignored.join(", "));
    let stack = format!("at most {STACK_BYTES} bytes for any call on a Cortex-M4F, {STACK_BYTES_FROM_C} from C");
    let lines = [
        ("network", Some(words(network))),
        ("tensors", Some(format!("{total} named {}* ({}){widened}", network.prefix, dtypes.join(", ")))),
        ("left out", left_out),
        ("parameters", Some(network.parameters.to_string())),
        ("panels", Some(format!("{}, format {PANEL_FORMAT}", floats(network.panels.len())))),
        ("stack", Some(stack)),
    ];
    let mut text = format!("{file}\n");
    for (what, value) in lines {
        if let Some(value) = value {
            let _ = writeln!(text, "  {what:<20}{value}");
        }
    }
    let _ = writeln!(text, "a run of {sequences} and {tokens} in all needs");
    text += &needs.run;
    if network.shape.direction == Direction::Forward {
        let _ = writeln!(text, "a step of {streams} needs");
        text += &needs.step;
    } else {
        text += "no steps: a direction that begins at the end of a sequence cannot run on a stream\n";
    }
    Ok(text)
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn floats(number: usize) -> String {
    // Of floats that are counted alone the bytes may be beyond usize.
    format!("{}, {} bytes", count(number, "float"), number as u128 * 4)
}

/// The slices, a line for each.
struct Needs {
    run: String,
    step: String,
}

fn needs<C: Cell>(network: &Network, batch: usize, tokens: usize) -> Result<Needs, Error> {
    let model = Model::<C>::from_panels(network.shape, &network.panels)?;
    // Only the sums matter: lengths as even as they can be.
    let lengths: Vec<usize> = (0..batch).map(|i| tokens / batch + usize::from(i < tokens % batch)).collect();
    let mut sorted_lengths = vec![0; batch];
    let layout = Layout::from_sorted(&lengths, &mut sorted_lengths)?;
    let states = model.states_len(batch)?;
    let lines = |needs: &[(&str, usize)]| {
        let lines = needs.iter().filter(|(what, _)| C::HAS_C || !what.starts_with('c'));
        lines.map(|(what, len)| format!("  {what:<20}{}\n", floats(*len))).collect()
    };
    Ok(Needs {
        run: lines(&[
            ("input", layout.packed_len(network.shape.input_size)?),
            ("output", model.output_len(&layout)?),
            ("hn (and h0)", states),
            ("cn (and c0)", states),
            ("scratch of run", model.scratch_len(&layout)?),
            ("   or of run_last", model.last_scratch_len(&layout)?),
            ("   more, for speed", model.ahead_len()),
        ]),
        step: lines(&[
            ("input", batch * network.shape.input_size),
            ("h_in, h_out each", states),
            ("c", states),
            ("or, in place, h", states),
            ("   and scratch", states),
        ]),
    })
}
