//! Makes on the host what the programs carry in their flash: panels by `Model::pack`, inputs, and the bits that
//! `Backend::portable` gives for them.

mod measure;
#[path = "../src/networks.rs"]
mod networks;
mod output;
#[allow(dead_code)]
#[path = "../../tests/support/mod.rs"]
mod support;
mod trained;

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=memory.x");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    std::fs::copy("memory.x", folder.join("memory.x"))?;
    println!("cargo::rustc-link-search={}", folder.display());
    for program in ["measure", "speakers", "stack", "stream"] {
        println!("cargo::rustc-link-arg-bin={program}=-Tlink.x");
    }
    println!("cargo::rustc-link-arg-bin=small=--entry=_start");
    let mut output = output::Output::new(folder);
    measure::make(&mut output)?;
    trained::speakers(&mut output)?;
    trained::stream(&mut output)?;
    output.finish()
}
