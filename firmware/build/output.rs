//! Statics for `src/data.rs`: a file of floats for each, and their declarations.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

pub struct Output {
    folder: PathBuf,
    declarations: String,
}

impl Output {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, declarations: String::new() }
    }

    /// A static of floats.
    pub fn floats(&mut self, name: &str, values: &[f32]) -> Result<(), Box<dyn Error>> {
        let file = format!("{}.f32", name.to_lowercase());
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(self.folder.join(&file), bytes)?;
        let len = values.len();
        writeln!(self.declarations, "pub static {name}: Aligned<[f32; {len}]> = floats!({len}, {file:?});")?;
        Ok(())
    }

    /// Any other declaration.
    pub fn declare(&mut self, text: &str) {
        self.declarations.push_str(text);
        self.declarations.push('\n');
    }

    pub fn finish(self) -> Result<(), Box<dyn Error>> {
        Ok(std::fs::write(self.folder.join("data.rs"), self.declarations)?)
    }
}
