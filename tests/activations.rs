//! The accuracy contract of `exp`, `sigmoid` and `tanh`, on every backend that this CPU has.
//!
//! A sample of all f32 always; all of them with
//! `cargo test --release --test activations -- --ignored --nocapture`.

use packed_rnn::{Backend, Model, Relu, Shape, Weights, activation};

/// Error in units of max(ulp, 2^-149), where the ulp is that of the exact value's binade. Infinity counts as 2^128.
fn error(found: f32, exact: f64) -> f64 {
    if found.is_nan() || exact.is_nan() {
        return if found.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if f64::from(found) == exact {
        return 0.0;
    }
    let bound = |x: f64| x.clamp(-(2.0_f64.powi(128)), 2.0_f64.powi(128));
    let (found, exact) = (bound(f64::from(found)), bound(exact));
    let exponent = ((exact.abs().to_bits() >> 52) as i32 - 1023).clamp(-126, 127);
    (found - exact).abs() / f64::from_bits(((exponent - 23 + 1023) as u64) << 52)
}

struct Function {
    name: &'static str,
    run: fn(Backend, &mut [f32]),
    exact: fn(f64) -> f64,
    bound: f64,
    /// How many units the function may step down between neighbours; `None`: it is not asked.
    down: Option<i64>,
    range: (f32, f32),
}

const FUNCTIONS: [Function; 3] = [
    Function {
        name: "exp",
        run: activation::exp,
        exact: libm::exp,
        bound: activation::MAX_EXP_ERROR,
        down: None,
        range: (0.0, f32::INFINITY),
    },
    Function {
        name: "sigmoid",
        run: activation::sigmoid,
        exact: |x| 1.0 / (1.0 + libm::exp(-x)),
        bound: activation::MAX_SIGMOID_ERROR,
        down: Some(1),
        range: (0.0, 1.0),
    },
    Function {
        name: "tanh",
        run: activation::tanh,
        exact: libm::tanh,
        bound: activation::MAX_TANH_ERROR,
        down: Some(0),
        range: (-1.0, 1.0),
    },
];

/// All f32 in increasing order, from -infinity (0) on; NaN is not among them.
fn nth(n: u32) -> f32 {
    const INFINITY: u32 = 0x7f80_0000;
    if n <= INFINITY { -f32::from_bits(INFINITY - n) } else { f32::from_bits(n - INFINITY - 1) }
}
const COUNT: u32 = 2 * 0x7f80_0000 + 2;

/// Places that grow with the values, so that neighbours differ by 1; both zeros are 0.
fn rank(x: f32) -> i64 {
    let magnitude = i64::from(x.to_bits() & 0x7fff_ffff);
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

#[derive(Clone, Copy, Debug, Default)]
struct Worst {
    error: f64,
    at: f32,
    down: i64,
    down_at: f32,
}

/// Checks neighbours from `first` on.
fn check(function: &Function, backend: Backend, first: u32, count: u32, worst: &mut Worst) {
    let last = first.saturating_add(count).min(COUNT);
    let inputs: Vec<f32> = (first..last).map(nth).collect();
    let mut found = inputs.clone();
    (function.run)(backend, &mut found);
    let mut mirrored: Vec<f32> = inputs.iter().map(|x| -x).collect();
    if function.name == "tanh" {
        (function.run)(backend, &mut mirrored);
    }
    for (i, (&x, &y)) in inputs.iter().zip(&found).enumerate() {
        let e = error(y, (function.exact)(f64::from(x)));
        if e > worst.error {
            (worst.error, worst.at) = (e, x);
        }
        assert!(y >= function.range.0 && y <= function.range.1, "{}({x:e}) = {y:e}", function.name);
        if i > 0 && rank(found[i - 1]) - rank(y) > worst.down {
            (worst.down, worst.down_at) = (rank(found[i - 1]) - rank(y), x);
        }
        if function.name == "tanh" {
            assert_eq!(mirrored[i].to_bits(), (-y).to_bits(), "tanh is odd at {x:e}");
        }
    }
}

fn judge(function: &Function, backend: Backend, worst: Worst) {
    println!(
        "{:8} {:8} error at most {:.3} (at {:e}), steps down at most {} ULP (at {:e})",
        function.name,
        backend.name(),
        worst.error,
        worst.at,
        worst.down,
        worst.down_at
    );
    assert!(worst.error <= function.bound, "{} {}: {worst:?}", function.name, backend.name());
    if let Some(down) = function.down {
        assert!(worst.down <= down, "{} {}: {worst:?}", function.name, backend.name());
    }
}

#[test]
fn sampled() {
    for backend in Backend::available() {
        for function in &FUNCTIONS {
            let mut worst = Worst::default();
            // Short runs of neighbours all over, and long ones where the functions bend, join or end.
            for block in 0..20_000 {
                check(function, backend, block * (COUNT / 20_000), 67, &mut worst);
            }
            for near in [0.0, 0.346_573_6, 0.519_860_4, 1.0, 9.02, 17.3, 88.72, 87.34, 103.98, 104.0, f32::INFINITY] {
                for x in [near, -near] {
                    let n = (rank(x) + 0x7f80_0000) as u32;
                    check(function, backend, n.saturating_sub(5_000), 10_000, &mut worst);
                }
            }
            judge(function, backend, worst);
        }
    }
}

#[test]
#[ignore = "all f32: minutes, in release"]
fn exhaustive() {
    for backend in Backend::available() {
        for function in &FUNCTIONS {
            const STEP: u32 = 1 << 16;
            let half = |from: u32, to: u32| {
                let mut worst = Worst::default();
                // One neighbour of overlap, so that no step is missed.
                (from..to).step_by(STEP as usize).for_each(|n| check(function, backend, n, STEP + 1, &mut worst));
                worst
            };
            let (a, b) = std::thread::scope(|scope| {
                let upper = scope.spawn(|| half(COUNT / 2, COUNT));
                (half(0, COUNT / 2), upper.join().unwrap())
            });
            let (error, down) = (if a.error > b.error { a } else { b }, if a.down > b.down { a } else { b });
            judge(function, backend, Worst { down: down.down, down_at: down.down_at, ..error });
        }
    }
}

#[test]
fn corners() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for backend in Backend::available() {
        for function in &FUNCTIONS {
            // In every lane of a vector and in the remainder of a slice.
            for len in 1..40 {
                let mut values = vec![if len % 2 == 0 { nan } else { -nan }; len];
                (function.run)(backend, &mut values);
                assert!(values.iter().all(|y| y.is_nan()), "{}", function.name);
            }
        }
        let run = |f: fn(Backend, &mut [f32]), x: f32| {
            let mut values = [x];
            f(backend, &mut values);
            values[0]
        };
        assert_eq!((run(activation::exp, inf), run(activation::exp, -inf)), (inf, 0.0));
        assert_eq!((run(activation::exp, 0.0), run(activation::exp, -0.0)), (1.0, 1.0));
        // Case 63: tanh far out, case 64: sigmoid far out and no flush to zero.
        for x in [10.0, 100.0, 1000.0, 1e4, 1e10, 1e16, inf] {
            assert_eq!((run(activation::tanh, x), run(activation::tanh, -x)), (1.0, -1.0));
        }
        assert_eq!(run(activation::tanh, -0.0).to_bits(), (-0.0_f32).to_bits());
        assert_eq!(run(activation::tanh, 1e-45), 1e-45);
        assert_eq!((run(activation::sigmoid, inf), run(activation::sigmoid, -inf)), (1.0, 0.0));
        assert!((run(activation::sigmoid, -20.0) - 2.061_153_6e-9).abs() < 1e-15);
        assert!((run(activation::sigmoid, -88.0) - 6.0546e-39).abs() < 1e-43);
        assert_eq!(run(activation::sigmoid, -104.0), 0.0);
    }
}

/// A rectifier, which is a cell's alone, takes the smallest numbers for what they are: an Arm's NEON would compare them as
/// zeros, and let negative ones through.
#[test]
fn relu_of_subnormals() {
    // Blocks of units and a tail; tiles of every height.
    const UNITS: usize = 37;
    let shape = Shape::new(1, UNITS);
    for (backend, rows) in Backend::available().flat_map(|backend| (1..=9).map(move |rows| (backend, rows))) {
        for tiny in [1e-38, 1e-40, f32::from_bits(1)] {
            let weight_ih: Vec<_> = (0..UNITS).map(|unit| if unit % 2 == 0 { tiny } else { -tiny }).collect();
            let weight_hh = vec![0.0; UNITS * UNITS];
            let weights = Weights { weight_ih: &weight_ih, weight_hh: &weight_hh, bias_ih: None, bias_hh: None };
            let mut panels = vec![0.0; Model::<Relu>::panels_len(shape)];
            let model = Model::<Relu>::pack(shape, &[weights], &mut panels).unwrap().with_backend(backend);
            let (h_in, mut h_out) = (vec![0.0; rows * UNITS], vec![0.0; rows * UNITS]);
            model.step(rows, &vec![1.0; rows], &h_in, &mut h_out, &mut []).unwrap();
            // By their bits, for the test may be compiled to a NEON that compares them as zeros.
            let expected = |i: usize| if (i % UNITS).is_multiple_of(2) { tiny.to_bits() } else { 0 };
            let wrong = h_out.iter().enumerate().find(|&(i, h)| h.to_bits() != expected(i));
            assert_eq!(wrong, None, "{tiny:e}, {rows} rows on {}", backend.name());
        }
    }
}
