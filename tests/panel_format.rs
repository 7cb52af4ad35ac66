//! The panels' format, float by float as the documentation of `PANEL_FORMAT` tells it. It is frozen: panels are stored
//! and compiled into programs. Whoever must change it gives it a new number.

use packed_rnn::{Cell, Gru, Lstm, Model, PANEL_FORMAT, Relu, Shape, Tanh, Weights};

/// Numbers that tell where they come from, and whose sums are exact.
fn numbered(len: usize, first: f32) -> Vec<f32> {
    (0..len).map(|i| first + i as f32).collect()
}

/// Where the rows of a unit's block or tail begin, those of inputs and of states; how long they are; and where in a row
/// the unit's gates stand, and how far apart.
struct Place {
    inputs: usize,
    states: usize,
    row: usize,
    unit: usize,
    gate: usize,
    /// The unit's place in the row of state biases, and that row's length.
    apart: (usize, usize),
}

fn place(gates: usize, apart: usize, inputs: usize, units: usize, unit: usize) -> Place {
    let (full, tail) = (units / 16, units % 16);
    let (input_part, state_part) = ((1 + inputs) * 16 * gates, 16 * apart + units * 16 * gates);
    let (block, octet, j) = (unit / 16, unit / 8 % 2, unit % 8);
    if block < full {
        Place {
            inputs: block * input_part,
            states: full * input_part + block * state_part,
            row: 16 * gates,
            unit: 8 * gates * octet + j,
            gate: 8,
            apart: (unit % 16, 16 * apart),
        }
    } else {
        let first = full * (input_part + state_part);
        Place {
            inputs: first,
            states: first + (1 + inputs) * gates * tail,
            row: gates * tail,
            unit: unit % 16,
            gate: tail,
            apart: (unit % 16, tail * apart),
        }
    }
}

fn panel_of<C: Cell>(apart: usize) {
    for (inputs, units) in [(1, 1), (3, 15), (2, 16), (5, 20), (1, 40), (7, 33)] {
        let rows = C::GATES * units;
        let weight_ih = numbered(rows * inputs, 1.0);
        let weight_hh = numbered(rows * units, 20_000.0);
        let (bias_ih, bias_hh) = (numbered(rows, 50_000.0), numbered(rows, 60_000.0));
        let weights =
            Weights { weight_ih: &weight_ih, weight_hh: &weight_hh, bias_ih: Some(&bias_ih), bias_hh: Some(&bias_hh) };
        let shape = Shape::new(inputs, units);
        let mut panel = vec![f32::NAN; Model::<C>::panels_len(shape)];
        Model::<C>::pack(shape, &[weights], &mut panel).unwrap();

        // What was found is taken away: what is left must be the zeros at the end.
        let mut take = |at: usize, expected: f32, what: &str| {
            assert_eq!(panel[at], expected, "{what}, float {at}, {inputs} inputs, {units} units");
            panel[at] = f32::INFINITY;
        };
        for unit in 0..units {
            let place = place(C::GATES, apart, inputs, units, unit);
            for gate in 0..C::GATES {
                let row = gate * units + unit;
                let at = place.unit + gate * place.gate;
                let last = apart == 1 && gate + 1 == C::GATES;
                let bias = if last { bias_ih[row] } else { bias_ih[row] + bias_hh[row] };
                take(place.inputs + at, bias, "bias");
                if last {
                    take(place.states + place.apart.0, bias_hh[row], "state bias");
                }
                for i in 0..inputs {
                    take(place.inputs + (1 + i) * place.row + at, weight_ih[row * inputs + i], "weight_ih");
                }
                for k in 0..units {
                    let at = place.states + place.apart.1 + k * place.row + at;
                    take(at, weight_hh[row * units + k], "weight_hh");
                }
            }
        }
        let flat = C::GATES * (units % 16);
        let end = panel.split_off(panel.len() - (16 - flat % 16) % 16);
        assert!(panel.iter().all(|&float| float == f32::INFINITY), "every other float has its place");
        assert!(end.iter().all(|&float| float == 0.0), "zeros at the end");
    }
}

#[test]
fn panels_are_as_the_format_tells() {
    assert_eq!(PANEL_FORMAT, 1, "a new format needs a new description here");
    panel_of::<Lstm>(0);
    panel_of::<Gru>(1);
    panel_of::<Tanh>(0);
    panel_of::<Relu>(0);
}
