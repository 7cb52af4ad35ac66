//! Files of made-up tensors, the example as a function, and compilers of C.

use super::import;
use packed_rnn::{Cell, Direction, Lstm, Model, Shape, Weights};
use std::collections::BTreeMap;
use std::f32::consts::{E, FRAC_1_PI, PI};
use std::fs;
use std::io::Write;
use std::process::Command;

/// Where tests write.
pub fn directory() -> &'static str {
    env!("CARGO_TARGET_TMPDIR")
}

/// Past the capture of `cargo test`, at once, so that no other thread's words come between.
pub fn tell(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Writes a file and gives its path.
pub fn saved(name: &str, bytes: &[u8]) -> String {
    let path = format!("{}/{name}", directory());
    fs::write(&path, bytes).unwrap();
    path
}

/// What the example did: how it exited, and what it wrote.
pub struct Ran {
    pub code: u8,
    pub out: String,
    pub err: String,
}

pub fn run(arguments: &[&str]) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = import::run(arguments.iter().map(Into::into), &mut out, &mut err);
    Ran { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

// ---- files ----------------------------------------------------------------------------------------------------------

#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    /// What a reader should find; `bytes` are how it is stored.
    pub floats: Vec<f32>,
    pub bytes: Vec<u8>,
}

impl Tensor {
    pub fn new(name: String, shape: &[usize], floats: Vec<f32>) -> Self {
        let bytes = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        Self { name, dtype: "F32", shape: shape.to_vec(), floats, bytes }
    }
}

/// A file, its tensors in the order in which they are stored.
#[derive(Clone)]
pub struct File {
    pub tensors: Vec<Tensor>,
}

impl File {
    /// A network under PyTorch's names. No two of its floats are the same.
    pub fn network<C: Cell>(prefix: &str, shape: Shape, biases: bool) -> Self {
        let (rows, directions) = (C::GATES * shape.hidden_size, shape.direction.count());
        let mut next = 0;
        let mut tensors = Vec::new();
        for index in 0..shape.count() {
            let inputs = if index < directions { shape.input_size } else { shape.output_size() };
            let mut add = |name: &str, shape: &[usize]| {
                let floats = (0..shape.iter().product()).map(|_| {
                    next += 1;
                    // Sums of biases differ as well.
                    (next as f32).sqrt() / 64.0
                });
                let name = format!("{prefix}{name}_l{}{}", index / directions, ["", "_reverse"][index % directions]);
                tensors.push(Tensor::new(name, shape, floats.collect()));
            };
            add("weight_ih", &[rows, inputs]);
            add("weight_hh", &[rows, shape.hidden_size]);
            if biases {
                add("bias_ih", &[rows]);
                add("bias_hh", &[rows]);
            }
        }
        Self { tensors }
    }

    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// The panels, each tensor by its name.
    pub fn panels<C: Cell>(&self, prefix: &str, shape: Shape) -> Vec<f32> {
        let named: BTreeMap<_, _> =
            self.tensors.iter().map(|tensor| (tensor.name.as_str(), &tensor.floats[..])).collect();
        let mut weights = Vec::new();
        for layer in 0..shape.num_layers {
            for reverse in ["", "_reverse"].iter().take(shape.direction.count()) {
                let find = |name: &str| named.get(format!("{prefix}{name}_l{layer}{reverse}").as_str()).copied();
                weights.push(Weights {
                    weight_ih: find("weight_ih").unwrap(),
                    weight_hh: find("weight_hh").unwrap(),
                    bias_ih: find("bias_ih"),
                    bias_hh: find("bias_hh"),
                });
            }
        }
        let mut panels = vec![f32::NAN; Model::<C>::panels_len(shape)];
        Model::<C>::pack(shape, &weights, &mut panels).unwrap();
        panels
    }

    /// Another order of storage.
    pub fn shuffle(&mut self, seed: usize) {
        let count = self.tensors.len();
        for i in 0..count {
            self.tensors.swap(i, (i * 7 + seed * 5 + 3) % count);
        }
    }

    /// Stores a tensor in 16 bits. Its floats become those that 16 bits have.
    pub fn narrow(&mut self, name: &str, dtype: &'static str) {
        let tensor = self.tensor(name);
        tensor.dtype = dtype;
        let floats = tensor.floats.iter();
        // Both formats hold eighths from -8 to 8: powers of two, with a few bits of fraction.
        tensor.floats = floats.enumerate().map(|(i, _)| (i % 129) as f32 / 8.0 - 8.0).collect();
        let halves = tensor.floats.iter().map(|float| match dtype {
            "BF16" => (float.to_bits() >> 16) as u16,
            _ if *float == 0.0 => 0,
            _ => {
                let bits = float.to_bits();
                let exponent = (bits >> 23 & 0xff) + 15 - 127;
                (bits >> 16 & 0x8000 | exponent << 10 | bits >> 13 & 0x3ff) as u16
            }
        });
        tensor.bytes = halves.flat_map(u16::to_le_bytes).collect();
    }

    /// The file's format: the header's length, the header, the tensors one after another.
    pub fn bytes(&self) -> Vec<u8> {
        let mut first = 0;
        let entries = self.tensors.iter().map(|Tensor { name, dtype, shape, bytes, .. }| {
            let end = first + bytes.len();
            let entry =
                format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{first},{end}]}}");
            first = end;
            entry
        });
        let header = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
        let data = self.tensors.iter().flat_map(|tensor| &tensor.bytes).copied();
        (header.len() as u64).to_le_bytes().into_iter().chain(header.into_bytes()).chain(data).collect()
    }
}

/// A network whose weights are numbers that a text may easily get wrong.
pub fn corners() -> (File, Shape) {
    let shape = Shape::new(2, 3).layers(2).direction(Direction::Bidirectional);
    let mut file = File::network::<Lstm>("", shape, true);
    let bits = [
        0x7f80_0000,
        0xff80_0000, // infinities
        0x7fc0_0000,
        0xffc0_0000,
        0x7fc0_0123,
        0xffff_ffff,
        0x7f80_0001,
        0xff80_0001,
        0x7fbf_ffff, // NaN
        0x0000_0000,
        0x8000_0000, // zeros
        0x0000_0001,
        0x8000_0001,
        0x007f_ffff,
        0x0080_0000,
        0x8080_0000, // subnormal or nearly
        0x7f7f_ffff,
        0xff7f_ffff,
        0x3f80_0001,
        0x3f7f_ffff, // extremes
    ]
    .map(f32::from_bits);
    let decimals = [
        1e-4,
        9.999_999e-5,
        1e-5,
        1e9,
        999_999_940.0,
        123_456_790.0,
        16_777_217.0,
        1e16,
        1e15,
        PI,
        FRAC_1_PI,
        E,
        0.1,
        0.3,
        1.0 / 3.0,
        100.0,
        0.5,
        -1.5,
        8.5e-40,
        5e-324_f64 as f32,
    ];
    // The biases are summed; weights arrive as they are.
    for name in ["weight_ih_l0", "weight_ih_l1_reverse"] {
        let tensor = file.tensor(name);
        let shape = tensor.shape.clone();
        let floats: Vec<_> = bits.into_iter().chain(decimals).cycle().take(tensor.floats.len()).collect();
        *tensor = Tensor::new(name.into(), &shape, floats);
    }
    (file, shape)
}

// ---- compilers of C -------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    C99,
    C11,
    Cpp17,
}

impl Compiler {
    pub const ALL: [Self; 3] = [Self::C99, Self::C11, Self::Cpp17];

    pub fn name(self) -> &'static str {
        match self {
            Self::C99 => "c99",
            Self::C11 => "c11",
            Self::Cpp17 => "c++17",
        }
    }

    /// Compiles a program with all warnings as errors, and gives its path, or what the compiler says; `None`, and a line
    /// that nobody can overlook, where there is no such compiler.
    fn compile(
        self,
        folder: &str,
        packed_rnn_h: &str,
        source: &str,
        define: &[String],
    ) -> Option<Result<String, String>> {
        fs::create_dir_all(folder).unwrap();
        fs::write(format!("{folder}/packed_rnn.h"), packed_rnn_h).unwrap();
        let (program, language) = if self == Self::Cpp17 { ("c++", "c++") } else { ("cc", "c") };
        let binary = format!("{folder}/{}", self.name());
        let mut command = Command::new(program);
        command.args(["-x", language, "-Wall", "-Wextra", "-pedantic", "-Werror", source, "-o", &binary]);
        command.arg(format!("-std={}", self.name())).args(define.iter().map(|define| format!("-D{define}")));
        command.arg(format!("-I{folder}"));
        match command.output() {
            Ok(output) if output.status.success() => Some(Ok(binary)),
            Ok(output) => Some(Err(String::from_utf8_lossy(&output.stderr).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                tell(&format!(
                    "!!! NOT TRIED: there is no `{program}` here, panels in {} were not compiled !!!",
                    self.name()
                ));
                None
            }
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    /// The shape (cell, direction, sizes), the format, and the bits of each float of the panels in a header, as a
    /// program prints them. A compiler may be made `unknown` to the header.
    pub fn read(self, header: &str, name: &str, unknown: bool) -> Option<([u32; 6], Vec<u32>)> {
        let folder = format!("{header}.{}{}", self.name(), if unknown { ".unknown" } else { "" });
        // Where C has no word for it, nothing is said of a boundary.
        let boundary = if unknown && self == Self::C99 { 4 } else { 64 };
        let upper = name.to_uppercase();
        let mut define = vec![
            format!("HEADER=\"{header}\""),
            format!("PANELS={name}_panels"),
            format!("LEN={upper}_PANELS_LEN"),
            format!("SHAPE={upper}_SHAPE"),
            format!("FORMAT={upper}_PANEL_FORMAT"),
            format!("BOUNDARY={boundary}"),
        ];
        define.extend(unknown.then(|| "UNKNOWN_COMPILER".into()));
        let own = fs::read_to_string("include/packed_rnn.h").unwrap();
        let source = "tests/import_support/panels.c";
        let binary = self.compile(&folder, &own, source, &define)?.unwrap_or_else(|said| panic!("{self:?}: {said}"));
        let output = Command::new(binary).output().unwrap();
        assert!(output.status.success(), "{self:?}: {:?}: the panels are not on their boundary", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        let mut numbers = text.lines().map(|line| u32::from_str_radix(line, 16).unwrap());
        let shape = std::array::from_fn(|_| numbers.next().unwrap());
        Some((shape, numbers.collect()))
    }

    /// What the compiler says of panels with another `packed_rnn.h`, which it must not accept.
    pub fn refusal(self, header: &str, which: &str, packed_rnn_h: &str) -> Option<String> {
        let folder = format!("{header}.{}.{which}", self.name());
        let source = format!("{header}.{which}.c");
        fs::write(&source, format!("#include \"{header}\"\nint main(void) {{ return 0; }}\n")).unwrap();
        let compiled = self.compile(&folder, packed_rnn_h, &source, &[])?;
        Some(compiled.expect_err("panels of another format were accepted"))
    }
}
