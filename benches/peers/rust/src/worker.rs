//! What a peer does for measure.py: it is asked for one case at a time. The same as ../../worker.py, and read there.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;
use std::time::Instant;

pub type Fallible<T> = Result<T, Box<dyn Error>>;

#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub workload: String,
    pub lstm: bool,
    pub inputs: usize,
    pub units: usize,
    pub layers: usize,
    pub directions: usize,
    pub lengths: Vec<usize>,
    folder: String,
}

impl Case {
    /// All that the folder lists.
    fn all(folder: &str) -> Vec<Self> {
        let list = std::fs::read_to_string(format!("{folder}/cases.txt")).expect("cases.py has made the cases");
        let lines = list.lines().map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words[at].parse().expect("a number");
            Self {
                name: words[0].into(),
                workload: words[1].into(),
                lstm: words[2] == "lstm",
                inputs: number(3),
                units: number(4),
                layers: number(5),
                directions: number(6),
                lengths: words[7].split(',').map(|length| length.parse().expect("a length")).collect(),
                folder: folder.into(),
            }
        });
        lines.collect()
    }

    pub fn steps(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    pub fn batch(&self) -> usize {
        self.lengths.len()
    }

    pub fn ragged(&self) -> bool {
        self.batch() > 1
    }

    pub fn stepwise(&self) -> bool {
        self.workload == "step"
    }

    pub fn gates(&self) -> usize {
        if self.lstm { 4 } else { 3 }
    }

    pub fn layer_inputs(&self, layer: usize) -> usize {
        if layer == 0 { self.inputs } else { self.directions * self.units }
    }

    pub fn path(&self, file: &str) -> String {
        format!("{}/{}/{file}", self.folder, self.name)
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).expect("cases.py has made the file")
    }

    pub fn floats(&self, file: &str) -> Vec<f32> {
        let bytes = self.bytes(file);
        bytes.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().expect("four bytes"))).collect()
    }

    /// The padded input, `[T, B, I]`.
    pub fn input(&self) -> Vec<f32> {
        self.floats("x.f32")
    }

    /// The padded input as `[B, T, I]`.
    pub fn input_batch_first(&self) -> Vec<f32> {
        let (x, row) = (self.input(), self.inputs);
        let rows = (0..self.batch()).flat_map(|b| (0..self.steps()).map(move |t| t * self.batch() + b));
        rows.flat_map(|at| &x[at * row..][..row]).copied().collect()
    }

    /// For each layer and direction: `w_ih`, `w_hh`, `b_ih`, `b_hh`, as PyTorch stores them.
    pub fn weights(&self) -> Vec<[Vec<f32>; 4]> {
        let all = self.floats("w.f32");
        let (rows, mut rest) = (self.gates() * self.units, &all[..]);
        let layers = (0..self.layers).flat_map(|layer| (0..self.directions).map(move |_| layer));
        let mut take = |len: usize| {
            let (taken, behind) = rest.split_at(len);
            rest = behind;
            taken.to_vec()
        };
        layers.map(|layer| [rows * self.layer_inputs(layer), rows * self.units, rows, rows].map(&mut take)).collect()
    }

    /// The largest difference on valid tokens from the right answer; `y` gives the output of a token and a sequence.
    pub fn error<'y>(&self, y: impl Fn(usize, usize) -> &'y [f32]) -> f64 {
        let bytes = self.bytes("y.f64");
        let right: Vec<f64> =
            bytes.chunks_exact(8).map(|word| f64::from_le_bytes(word.try_into().expect("eight bytes"))).collect();
        let size = self.directions * self.units;
        let mut largest = 0.0;
        for (b, &length) in self.lengths.iter().enumerate() {
            for t in 0..length {
                let (found, right) = (y(t, b), &right[(t * self.batch() + b) * size..][..size]);
                assert_eq!(found.len(), size);
                for (found, right) in found.iter().zip(right) {
                    let difference = (f64::from(*found) - right).abs();
                    // A NaN is no small difference.
                    largest = if difference.is_nan() { f64::INFINITY } else { difference.max(largest) };
                }
            }
        }
        largest
    }

    /// The same of a rectangle `[T, B, D * H]`.
    pub fn error_time_major(&self, y: &[f32]) -> f64 {
        let size = self.directions * self.units;
        self.error(|t, b| &y[(t * self.batch() + b) * size..][..size])
    }
}

type Work = Box<dyn FnMut()>;

/// One way to compute a case: the error of its answer, and the work to be timed, or why there is none.
pub struct Row {
    name: &'static str,
    kind: &'static str,
    error: Option<f64>,
    work: Result<Work, String>,
}

/// An f32 answer further from the right one is another answer, and not worth a time.
const WRONG: f64 = 1e-4;

impl Row {
    /// A row with its answer's error and its work. A wrong answer is told, and not timed.
    pub fn new(name: &'static str, error: f64, work: impl FnMut() + 'static) -> Self {
        let work: Result<Work, String> =
            if error < WRONG { Ok(Box::new(work)) } else { Err("its answer is wrong".into()) };
        Self { name, kind: "f32", error: Some(error), work }
    }

    /// A case that the peer cannot do.
    pub fn cannot(name: &'static str, reason: &str) -> Self {
        Self { name, kind: "f32", error: None, work: Err(reason.into()) }
    }

    /// What came of trying. Of what a peer says against it, the innermost tells the reason.
    pub fn of(name: &'static str, row: Fallible<Self>) -> Self {
        row.unwrap_or_else(|error| {
            let mut reason: &dyn Error = &*error;
            while let Some(inner) = reason.source() {
                reason = inner;
            }
            Self::cannot(name, &reason.to_string())
        })
    }

    pub fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    fn answer(&mut self, seconds: f64) -> String {
        let error = match self.error {
            Some(error) if error.is_finite() => format!(", \"error\": {error:e}"),
            Some(_) => ", \"error\": Infinity".into(),
            None => String::new(),
        };
        let rest = match &mut self.work {
            Ok(work) => {
                let times = measure(seconds, work);
                let (min, median) = (times[0], times[times.len() / 2]);
                format!("\"min\": {min:.1}, \"median\": {median:.1}, \"repeats\": {}", times.len())
            }
            Err(reason) => format!("\"reason\": {:?}", reason.replace(|c: char| !(' '..='~').contains(&c), " ")),
        };
        format!("{{\"row\": {:?}, \"kind\": {:?}{error}, {rest}}}", self.name, self.kind)
    }
}

/// Nanoseconds of a call, for each repeat within the time. The first call warms up, and counts only if it is long
/// itself; one of more than a second is the only one.
fn measure(seconds: f64, call: &mut dyn FnMut()) -> Vec<f64> {
    let start = Instant::now();
    call();
    let once = start.elapsed().as_secs_f64();
    let mut repeats = if once > 0.1 { vec![once * 1e9] } else { Vec::new() };
    // A repeat is long against the clock, and short against the machine's other work.
    let inner = (200e-6 / once.max(1e-9)).max(1.0) as usize;
    let begin = Instant::now();
    while once <= 1.0 && (repeats.len() < 2 || begin.elapsed().as_secs_f64() < seconds) {
        let start = Instant::now();
        for _ in 0..inner {
            call();
        }
        repeats.push(start.elapsed().as_secs_f64() * 1e9 / inner as f64);
    }
    repeats.sort_by(f64::total_cmp);
    repeats
}

/// What answers a question with lines of JSON.
pub trait Answer {
    fn answer(&mut self, case: &Case, seconds: f64) -> Vec<String>;
}

impl<F: FnMut(&Case, f64) -> Vec<String>> Answer for F {
    fn answer(&mut self, case: &Case, seconds: f64) -> Vec<String> {
        self(case, seconds)
    }
}

/// Rows that are made and checked when a case is first asked for, and kept.
pub struct Kept {
    make: fn(&Case) -> Vec<Row>,
    rows: HashMap<String, Vec<Row>>,
}

impl Kept {
    pub fn new(make: fn(&Case) -> Vec<Row>) -> Self {
        Self { make, rows: HashMap::new() }
    }
}

impl Answer for Kept {
    fn answer(&mut self, case: &Case, seconds: f64) -> Vec<String> {
        let rows = self.rows.entry(case.name.clone()).or_insert_with(|| (self.make)(case));
        rows.iter_mut().map(|row| row.answer(seconds)).collect()
    }
}

/// Answers until standard input ends: a line of JSON for each row, and an empty line.
pub fn serve(folder: &str, version: &str, mut peer: impl Answer) {
    let cases = Case::all(folder);
    let say = |line: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).expect("measure.py listens");
    };
    say(&format!("{{\"version\": {version:?}}}"));
    for line in std::io::stdin().lines() {
        let line = line.expect("measure.py speaks");
        let (name, seconds) = line.split_once(' ').expect("CASE SECONDS");
        let case = cases.iter().find(|case| case.name == name).expect("a case of the list");
        for line in peer.answer(case, seconds.parse().expect("seconds")) {
            say(&line);
        }
        say("");
    }
}
