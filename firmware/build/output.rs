//! Files of floats, and what declares them: statics for `src/data.rs`, and `data.s` and `data.h` for `c/`.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

pub struct Output {
    folder: PathBuf,
    statics: String,
    assembly: String,
    header: String,
}

impl Output {
    pub fn new(folder: PathBuf) -> Self {
        let header = "#ifndef DATA_H\n#define DATA_H\n".into();
        let assembly = "    .section .note.GNU-stack, \"\", %progbits\n".into();
        Self { folder, statics: String::new(), assembly, header }
    }

    /// A static of floats.
    pub fn floats(&mut self, name: &str, values: &[f32]) -> Result<(), Box<dyn Error>> {
        let lower = name.to_lowercase();
        let file = format!("{lower}.f32");
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(self.folder.join(&file), bytes)?;
        let len = values.len();
        writeln!(self.statics, "pub static {name}: Aligned<[f32; {len}]> = floats!({len}, {file:?});")?;
        if len == 0 {
            return Ok(()); // which C cannot declare
        }
        writeln!(self.assembly, "    .section .rodata.{lower}, \"a\"\n    .balign 64\n    .global {lower}")?;
        writeln!(self.assembly, "{lower}: .incbin {file:?}\n    .size {lower}, . - {lower}")?;
        writeln!(self.header, "extern const float {lower}[{len}];")?;
        Ok(())
    }

    /// A constant.
    pub fn constant(&mut self, name: &str, value: usize) {
        self.statics.push_str(&format!("pub const {name}: usize = {value};\n"));
        self.header.push_str(&format!("#define {name} {value}\n"));
    }

    /// A declaration for Rust alone.
    pub fn declare(&mut self, text: &str) {
        self.statics.push_str(text);
        self.statics.push('\n');
    }

    pub fn finish(self) -> Result<(), Box<dyn Error>> {
        std::fs::write(self.folder.join("data.rs"), self.statics)?;
        std::fs::write(self.folder.join("data.s"), self.assembly)?;
        Ok(std::fs::write(self.folder.join("data.h"), self.header + "#endif\n")?)
    }
}
