//! Finds the network among the tensors of a file, by PyTorch's names and by the tensors' shapes, and packs its panels.
//!
//! Nothing is guessed: a tensor that is missing, has another shape than the others tell, or is none of the network's and
//! was not named as such, is an error.

use super::floats::floats;
use packed_rnn::{Cell, Direction, Gru, Lstm, Model, Relu, Shape, Tanh, Weights};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use std::collections::{BTreeMap, BTreeSet};

/// The cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Lstm,
    Gru,
    Tanh,
    Relu,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Lstm, Self::Gru, Self::Tanh, Self::Relu];

    /// As the command line names it.
    pub fn option(self) -> &'static str {
        match self {
            Self::Lstm => "lstm",
            Self::Gru => "gru",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
        }
    }

    /// As people name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lstm => "LSTM",
            Self::Gru => "GRU",
            Self::Tanh => "RNN (tanh)",
            Self::Relu => "RNN (relu)",
        }
    }

    pub fn gates(self) -> usize {
        match self {
            Self::Lstm => Lstm::GATES,
            Self::Gru => Gru::GATES,
            Self::Tanh => Tanh::GATES,
            Self::Relu => Relu::GATES,
        }
    }
}

/// What the caller knows, or wants, of the network.
#[derive(Debug, Default)]
pub struct Asked {
    pub prefix: Option<String>,
    pub ignore: Vec<String>,
    pub cell: Option<Kind>,
    pub direction: Option<Direction>,
}

/// What was found.
#[derive(Debug)]
pub struct Network {
    pub cell: Kind,
    pub shape: Shape,
    /// What the parameters' names begin with.
    pub prefix: String,
    pub biases: bool,
    /// How many tensors are of the network, for each type that they are stored in.
    pub tensors: BTreeMap<String, usize>,
    /// All parameters, counted.
    pub parameters: usize,
    /// The tensors that were left out.
    pub ignored: Vec<String>,
    pub warnings: Vec<String>,
    pub panels: Vec<f32>,
}

/// PyTorch's names of what a layer has in a direction, in the order of [`Weights`]; the last only with `proj_size`.
const ROLES: [&str; 5] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"];
const WEIGHT_IH: usize = 0;
const WEIGHT_HH: usize = 1;
const FIRST_BIAS: usize = 2;
const WEIGHT_HR: usize = 4;

/// Which parameter a tensor is. Ordered as the panels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    layer: usize,
    reverse: bool,
    role: usize,
}

impl Place {
    /// A parameter by its name, and what stands before it: `rnn.` and `weight_ih_l0_reverse`.
    fn of(name: &str) -> Option<(&str, Self)> {
        let forward = name.strip_suffix("_reverse");
        let (front, digits) = forward.unwrap_or(name).rsplit_once("_l")?;
        let layer = digits.parse().ok().filter(|layer: &usize| layer.to_string() == digits)?;
        let found = ROLES.iter().enumerate().find_map(|(role, text)| Some((front.strip_suffix(text)?, role)));
        let (prefix, role) = found?;
        Some((prefix, Self { layer, reverse: forward.is_some(), role }))
    }

    fn name(self, prefix: &str) -> String {
        format!("{prefix}{}_l{}{}", ROLES[self.role], self.layer, if self.reverse { "_reverse" } else { "" })
    }
}

/// Finds the network in a file's bytes.
pub fn read(bytes: &[u8], asked: &Asked) -> Result<Network, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| format!("no safetensors file: {error}"))?;
    let mut names = file.names();
    names.sort_unstable();
    for ignore in &asked.ignore {
        if !names.iter().any(|name| name.starts_with(ignore)) {
            return Err(format!("--ignore {ignore}: no tensor's name begins so"));
        }
    }
    let ignored = |name: &str| asked.ignore.iter().any(|ignore| name.starts_with(ignore));
    let prefix = prefix(names.iter().copied().filter(|name| !ignored(name)), asked.prefix.as_deref())?;

    let mut found = BTreeMap::new();
    let (mut left_out, mut left_over) = (Vec::new(), Vec::new());
    for name in names {
        match Place::of(name).filter(|(before, _)| *before == prefix) {
            Some(_) if ignored(name) => {
                return Err(format!("{name}: --ignore would leave out a parameter of the network"));
            }
            Some((_, place)) if place.role == WEIGHT_HR => {
                return Err(format!("{name}: a projection of the states (proj_size) is not supported"));
            }
            Some((_, place)) => {
                let tensor = file.tensor(name).map_err(|error| format!("{name}: {error}"))?;
                found.insert(place, tensor);
            }
            None if ignored(name) => left_out.push(name.to_string()),
            None => left_over.push(name.to_string()),
        }
    }
    if !left_over.is_empty() {
        let list = list(left_over);
        return Err(format!("no parameters of the network {prefix}*: {list}; --ignore PREFIX leaves tensors out"));
    }

    let found = Found { prefix: &prefix, tensors: &found };
    let (direction, num_layers, biases) = found.complete(asked.direction)?;
    let (cell, shape) = found.sizes(asked.cell)?;
    let shape = shape.layers(num_layers).direction(direction);
    found.check(cell.gates(), shape)?;
    let parameters = found.floats()?;
    let panels = match cell {
        Kind::Lstm => pack::<Lstm>(shape, biases, &parameters),
        Kind::Gru => pack::<Gru>(shape, biases, &parameters),
        Kind::Tanh => pack::<Tanh>(shape, biases, &parameters),
        Kind::Relu => pack::<Relu>(shape, biases, &parameters),
    };
    let panels = panels.map_err(|error| error.to_string())?;
    let mut tensors = BTreeMap::new();
    for tensor in found.tensors.values() {
        *tensors.entry(format!("{:?}", tensor.dtype())).or_default() += 1;
    }
    Ok(Network {
        cell,
        shape,
        biases,
        tensors,
        parameters: parameters.iter().map(Vec::len).sum(),
        ignored: left_out,
        warnings: found.warnings(&parameters),
        panels,
        prefix,
    })
}

/// What the parameters' names begin with.
fn prefix<'n>(names: impl Iterator<Item = &'n str>, asked: Option<&str>) -> Result<String, String> {
    let prefixes: BTreeSet<&str> = names.filter_map(|name| Some(Place::of(name)?.0)).collect();
    let shown = list(prefixes.iter().map(|prefix| format!("`{prefix}`")).collect());
    match (asked, prefixes.len()) {
        (_, 0) => Err("no tensor that is not ignored is named as PyTorch names parameters: weight_ih_l0, ...".into()),
        (Some(asked), _) if prefixes.contains(asked) => Ok(asked.into()),
        (Some(asked), _) => Err(format!("--prefix {asked}: no tensor is named {asked}weight_ih_l0; there is {shown}")),
        (None, 1) => Ok(prefixes.into_iter().collect()),
        (None, _) => {
            Err(format!("several networks, {shown}: --prefix tells which, and --ignore leaves out the others"))
        }
    }
}

/// Names for people: the first few.
fn list(names: Vec<String>) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The tensors that are named as parameters of the network.
struct Found<'f> {
    prefix: &'f str,
    tensors: &'f BTreeMap<Place, TensorView<'f>>,
}

impl Found<'_> {
    /// The direction, the number of layers, and whether there are biases, of a network of which nothing is missing.
    fn complete(&self, asked: Option<Direction>) -> Result<(Direction, usize, bool), String> {
        let places = || self.tensors.keys();
        let plain = places().any(|place| !place.reverse);
        let reverse = places().find(|place| place.reverse);
        let direction = asked.unwrap_or(match reverse {
            None => Direction::Forward,
            Some(_) => Direction::Bidirectional,
        });
        let ways: &[bool] = match direction {
            Direction::Forward => &[false],
            Direction::Bidirectional => &[false, true],
            Direction::Reverse if plain => &[false],
            Direction::Reverse => &[true],
        };
        if let Some(reverse) = reverse.filter(|_| !ways.contains(&true)) {
            let name = reverse.name(self.prefix);
            return Err(match direction {
                Direction::Reverse => format!("{name}: --direction reverse is one direction, this file has both"),
                _ => format!("{name}: --direction forward has no reverse direction"),
            });
        }
        let biases = places().any(|place| place.role >= FIRST_BIAS);
        let roles = 0..if biases { WEIGHT_HR } else { FIRST_BIAS };
        let last = places().map(|place| place.layer).max().unwrap_or(0);
        let Some(num_layers) = last.checked_add(1) else {
            let names = places().filter(|place| place.layer == last).map(|place| place.name(self.prefix));
            return Err(format!("{}: no network has so many layers", list(names.collect())));
        };
        let expected = (0..num_layers).flat_map(|layer| {
            let roles = roles.clone();
            ways.iter().flat_map(move |&reverse| roles.clone().map(move |role| Place { layer, reverse, role }))
        });
        // A few are enough to tell: by its name alone a layer may have any number.
        let missing = expected.filter(|place| !self.tensors.contains_key(place)).take(8);
        let missing: Vec<String> = missing.map(|place| place.name(self.prefix)).collect();
        if !missing.is_empty() {
            let hint = if plain { "" } else { "; --direction reverse reads a network of that direction alone" };
            return Err(format!("missing: {}{hint}", missing.join(", ")));
        }
        Ok((direction, num_layers, biases))
    }

    /// The cell and the sizes of the first layer, as its weights tell.
    fn sizes(&self, asked: Option<Kind>) -> Result<(Kind, Shape), String> {
        let first = |role| self.tensors.iter().find(|(place, _)| place.role == role);
        let (Some((inputs, weight_ih)), Some((states, weight_hh))) = (first(WEIGHT_IH), first(WEIGHT_HH)) else {
            return Err(format!("missing: {}weight_ih_l0", self.prefix));
        };
        let (name, found) = (states.name(self.prefix), weight_hh.shape());
        let &[rows, hidden_size] = found else {
            return Err(format!("{name}: shape {found:?} where [gates * hidden_size, hidden_size] is expected"));
        };
        let fits = |kind: &Kind| hidden_size > 0 && kind.gates().checked_mul(hidden_size) == Some(rows);
        let Some(cell) = Kind::ALL.into_iter().find(fits) else {
            return Err(format!(
                "{name}: shape {found:?} is of no cell: an LSTM has 4 rows for each column, a GRU 3, an RNN 1"
            ));
        };
        let cell = match asked {
            Some(asked) if !fits(&asked) => {
                let (option, gates) = (asked.option(), asked.gates());
                let name_of = cell.name();
                return Err(format!(
                    "{name}: shape {found:?} is of the cell {name_of}; --cell {option} has {gates} rows for each column"
                ));
            }
            asked => asked.unwrap_or(cell),
        };
        match *weight_ih.shape() {
            [found, input_size] if found == rows && input_size > 0 => Ok((cell, Shape::new(input_size, hidden_size))),
            ref found => {
                let inputs = inputs.name(self.prefix);
                Err(format!("{inputs}: shape {found:?} where [{rows}, input_size] fits {name}"))
            }
        }
    }

    /// Every tensor must have the shape that fits the first layer's.
    fn check(&self, gates: usize, shape: Shape) -> Result<(), String> {
        let Shape { input_size, hidden_size, .. } = shape;
        let rows = gates * hidden_size;
        for (place, tensor) in self.tensors {
            let expected = match (place.role, place.layer) {
                (WEIGHT_IH, 0) => vec![rows, input_size],
                (WEIGHT_IH, _) => vec![rows, shape.output_size()],
                (WEIGHT_HH, _) => vec![rows, hidden_size],
                _ => vec![rows],
            };
            let (name, found) = (place.name(self.prefix), tensor.shape());
            if found != expected {
                return Err(format!("{name}: shape {found:?} where {expected:?} fits the first layer's weights"));
            }
        }
        Ok(())
    }

    /// The parameters, in the order of the panels.
    fn floats(&self) -> Result<Vec<Vec<f32>>, String> {
        let read = |(place, tensor): (&Place, &TensorView<'_>)| {
            let dtype = tensor.dtype();
            floats(tensor).ok_or_else(|| {
                format!("{}: type {dtype:?} where F32, F16 or BF16 can be read exactly", place.name(self.prefix))
            })
        };
        self.tensors.iter().map(read).collect()
    }

    /// What is no error, but hardly meant.
    fn warnings(&self, parameters: &[Vec<f32>]) -> Vec<String> {
        let counted =
            self.tensors.keys().zip(parameters).map(|(place, floats)| {
                (place.name(self.prefix), floats.iter().filter(|float| !float.is_finite()).count())
            });
        counted.filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name}: {count} not finite")).collect()
    }
}

/// The panels of parameters that stand in their order.
fn pack<C: Cell>(shape: Shape, biases: bool, parameters: &[Vec<f32>]) -> Result<Vec<f32>, packed_rnn::Error> {
    let roles = if biases { WEIGHT_HR } else { FIRST_BIAS };
    let weights: Vec<_> = parameters
        .chunks_exact(roles)
        .map(|layer| Weights {
            weight_ih: &layer[WEIGHT_IH],
            weight_hh: &layer[WEIGHT_HH],
            bias_ih: layer.get(FIRST_BIAS).map(Vec::as_slice),
            bias_hh: layer.get(FIRST_BIAS + 1).map(Vec::as_slice),
        })
        .collect();
    let mut panels = vec![0.0; Model::<C>::panels_len(shape)];
    Model::<C>::pack(shape, &weights, &mut panels)?;
    Ok(panels)
}
