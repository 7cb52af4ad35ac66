//! What is lost where units fill no block and rows fill no tile, and what a call costs besides its work.

use crate::clock::Time;
use crate::{M, Network, Table, flops, limits, run};
use packed_rnn::{Backend, Cell, Shape, activation};

/// Units between multiples of 16: the time of a multiply-add against that of the neighbours, and that of a unit against
/// that of the next multiple's (whose units have more inputs).
pub fn units<C: Cell>(table: &Table, cell: &str, backend: Backend) {
    for rows in [6, 32] {
        for (units, below, above) in [(20, 16, 32), (33, 32, 48), (100, 96, 112)] {
            let line = format!("units, {cell} {units}, {rows} rows, {}", backend.name());
            if !table.wants(&line) {
                continue;
            }
            let one = |units: usize| {
                let shape = Shape::new(units, units);
                let time = run::<C>(&Network::new::<C>(shape), backend, &vec![40; rows], 0.15);
                (time, time.min / flops::<C>(shape))
            };
            let ((time, between), (_, lower), (whole, upper)) = (one(units), one(below), one(above));
            let unit = time.min / units as f64 / (whole.min / above as f64);
            let ratio = format!(
                "{:5.2} and {:.2} times the neighbours' multiply-add, a unit {unit:.2} times one of {above}, goal 1.15",
                between / lower,
                between / upper
            );
            table.line(&line, time, ratio);
        }
    }
}

/// A step of 1 to 16 rows.
pub fn heights<C: Cell>(table: &Table, cell: &str, backend: Backend) {
    for size in [64, 128] {
        let line = format!("rows, {cell} {size}, 1 to 16, {}", backend.name());
        if !table.wants(&line) {
            continue;
        }
        let network = Network::new::<C>(Shape::new(size, size));
        let mut costs = [f64::MAX; 17];
        for _ in 0..3 {
            for (rows, cost) in costs.iter_mut().enumerate().skip(1) {
                let time = run::<C>(&network, backend, &vec![40; rows], 0.03);
                *cost = cost.min(time.min * rows as f64);
            }
        }
        let whole = costs[16] / 16.0;
        // A clock's unrest aside.
        let dearer: Vec<_> = (1..16).filter(|&rows| costs[rows] > 1.01 * costs[rows + 1]).collect();
        let (worst, ratio) = (4..16)
            .map(|rows| (rows, costs[rows] / rows as f64 / whole))
            .fold((0, 0.0), |worst, one| if one.1 > worst.1 { one } else { worst });
        let each: Vec<_> = costs[1..].iter().map(|cost| format!("{:.0}", cost)).collect();
        let ratio = format!(
            "{ratio:5.2} times a row of 16 at {worst} rows, goal 1.3; dearer than one row more: {dearer:?}\n{:38} {}",
            "",
            each.join(" "),
        );
        table.line(&line, Time { min: whole, median: whole }, ratio);
    }
}

/// What a run of M costs besides its sequences: the line through 1, 2 and 4 copies, at none. Beside it the same of M's steps
/// alone, each as long as in a long run of as many rows, and of what they take where only multiply-adds or reading the panel
/// count: a step of few rows reads as much of the panel as one of many. What is left is the run's own.
pub fn fixed<C: Cell>(table: &Table, cell: &str, backend: Backend) {
    for size in [32, 64] {
        let line = format!("M, {cell} {size}, fixed cost");
        if !table.wants(&line) {
            continue;
        }
        let network = Network::new::<C>(Shape::new(size, size));
        // In turns, so that the machine's drift reaches all alike.
        let (mut times, mut steps) = ([f64::MAX; 3], [f64::MAX; 33]);
        let occurring: Vec<usize> = COPIES.into_iter().flat_map(rows).collect();
        for _ in 0..10 {
            for (time, copies) in times.iter_mut().zip(COPIES) {
                let lengths = M.repeat(copies);
                *time =
                    time.min(run::<C>(&network, backend, &lengths, 0.05).min * lengths.iter().sum::<usize>() as f64);
            }
            for (rows, step) in steps.iter_mut().enumerate().filter(|(count, _)| occurring.contains(count)) {
                *step = step.min(run::<C>(&network, backend, &vec![100; rows], 0.01).min * rows as f64);
            }
        }
        let fixed = at_none(times);
        let steps = at_none(COPIES.map(|copies| rows(copies).map(|rows| steps[rows]).sum()));
        let (peak, (rate, _)) = (limits::peak(backend.name()), limits::bandwidth(network.bytes()));
        let (row, panel) = (flops::<C>(network.shape) / peak, network.bytes() as f64 / rate);
        let least = at_none(COPIES.map(|copies| rows(copies).map(|rows| panel.max(rows as f64 * row)).sum()));
        let [one, two, four] = times;
        let ratio = format!(
            "{fixed:5.0} ns, goal 200 (the copies took {one:.0}, {two:.0}, {four:.0}): {steps:.0} of the steps in long \
             runs ({least:.0} at the machine's limits), {:.0} of the run",
            fixed - steps
        );
        table.line(&line, Time { min: fixed, median: fixed }, ratio);
    }
}

/// How often M is run at once.
const COPIES: [usize; 3] = [1, 2, 4];

/// The rows of each step of so many copies of M.
fn rows(copies: usize) -> impl Iterator<Item = usize> {
    let longest = M.iter().copied().max().unwrap_or(0);
    (0..longest).map(move |step| copies * M.iter().filter(|&&length| length > step).count())
}

/// The line through values at so many copies, at none.
fn at_none(values: [f64; 3]) -> f64 {
    let copies = COPIES.map(|copies| copies as f64);
    let (x, y) = (copies.iter().sum::<f64>() / 3.0, values.iter().sum::<f64>() / 3.0);
    let above: f64 = copies.iter().zip(values).map(|(copies, value)| (copies - x) * (value - y)).sum();
    let below: f64 = copies.iter().map(|copies| (copies - x) * (copies - x)).sum();
    y - above / below * x
}

/// An activation in the slots of multiply-adds that its vector takes.
pub fn activations(table: &Table) {
    type Function = fn(Backend, &mut [f32]);
    for backend in Backend::available() {
        for (name, function) in [("sigmoid", activation::sigmoid as Function), ("tanh", activation::tanh)] {
            let line = format!("{name}, {}", backend.name());
            if !table.wants(&line) {
                continue;
            }
            let lanes = match backend.name() {
                "avx512" => 16.0,
                "avx2" => 8.0,
                _ => 4.0,
            };
            let mut values = crate::support::noise(2048, 4.0, 5);
            let peak = limits::peak(backend.name());
            let time = crate::per(crate::measure(0.3, || function(backend, &mut values)), 2048);
            // A slot does two operations on each lane.
            let slots = time.min * lanes * peak / (2.0 * lanes);
            table.line(&line, time, format!("{slots:5.1} multiply-adds for a vector of {lanes}, goal 26"));
        }
    }
}
