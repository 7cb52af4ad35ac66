//! The peers written in Rust, packed-rnn itself, naive loops and the core's limits: one process each, for measure.py.
//!
//! `peers PEER FOLDER`, FOLDER being what cases.py made; then a line `CASE SECONDS` on standard input for each answer.

#[path = "../../../ratios/clock.rs"]
#[allow(dead_code)]
mod clock;
#[path = "../../../ratios/limits.rs"]
mod limits;
#[path = "../../../naive/mod.rs"]
mod naive;

mod candle;
mod core_limits;
mod loops;
mod onnx;
mod ours;
mod rten_peer;
mod tract;
mod worker;

use std::process::ExitCode;
use worker::Kept;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [peer, folder] = &arguments[..] else {
        eprintln!("peers PEER FOLDER");
        return ExitCode::FAILURE;
    };
    match peer.as_str() {
        "candle" => worker::serve(folder, &version("candle-nn"), Kept::new(candle::rows)),
        "limits" => worker::serve(folder, packed_rnn::Backend::detect().name(), core_limits::answer),
        "naive" => worker::serve(folder, "", Kept::new(loops::rows)),
        "packed-rnn" => {
            let version = format!("{}, {}", version("packed-rnn"), packed_rnn::Backend::detect().name());
            worker::serve(folder, &version, Kept::new(ours::rows));
        }
        "rten" => worker::serve(folder, &version("rten"), Kept::new(rten_peer::rows)),
        "tract" => worker::serve(folder, &version("tract-onnx"), Kept::new(tract::rows)),
        _ => {
            eprintln!("there is no peer {peer}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The version that was built, of a crate.
fn version(name: &str) -> String {
    let name = format!("name = \"{name}\"");
    let mut lines = include_str!("../Cargo.lock").lines().skip_while(|line| *line != name);
    let line = lines.nth(1).unwrap_or_default();
    line.trim_start_matches("version = ").trim_matches('"').to_string()
}
