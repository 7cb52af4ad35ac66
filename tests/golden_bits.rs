//! The bits themselves: one hash for all fused backends, one for all unfused, on every target.
//!
//! The hashes were printed by this test on x86-64; any other target must give the same. After a change that is meant to
//! change bits, run `cargo test --test golden_bits -- --nocapture` and copy what it prints.

use packed_rnn::{Backend, Cell, Gru, Layout, Lstm, Model, Relu, Shape, States, Tanh, Weights, activation};

const FUSED: [u64; 5] =
    [0x9ff5_5322_85ec_33c3, 0x1ae4_c026_c8bc_97e4, 0x7a17_5857_ea35_0b5a, 0x174a_550a_d7e3_9f50, 0xfa13_1f45_3857_0933];
const UNFUSED: [u64; 5] =
    [0xfd97_6566_5fef_0f83, 0x23a9_d922_ca76_3c40, 0x691c_c736_78a0_1a23, 0xf06a_2392_f101_3474, 0x78b8_2e5a_19d2_63fb];

/// Integers of the minimal standard generator as multiples of a power of two: exact on every target.
fn values(seed: u64, len: usize, bound: f32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state * 48_271 % 0x7fff_ffff;
        ((state >> 7) as f32 / 8_388_608.0 - 1.0) * bound
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// FNV-1a over the bits, continued from a hash.
fn hash(from: u64, values: &[f32]) -> u64 {
    let bytes = values.iter().flat_map(|value| value.to_bits().to_le_bytes());
    bytes.fold(from, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// Two layers both ways, with a tail of every kind, over lengths with ties and a zero.
fn network<C: Cell>(backend: Backend) -> u64 {
    let mut found = BASIS;
    for (inputs, units) in [(1, 3), (7, 20), (40, 33), (16, 48)] {
        let shape = Shape::new(inputs, units).layers(2).bidirectional();
        let parameters: Vec<[Vec<f32>; 4]> = (0..shape.count())
            .map(|i| {
                let width = if i < 2 { inputs } else { 2 * units };
                let rows = C::GATES * units;
                let seed = 100 * units as u64 + 4 * i as u64 + 1;
                [
                    values(seed, rows * width, 0.5),
                    values(seed + 1, rows * units, 0.5),
                    values(seed + 2, rows, 0.5),
                    values(seed + 3, rows, 0.5),
                ]
            })
            .collect();
        let weights: Vec<_> = parameters
            .iter()
            .map(|[weight_ih, weight_hh, bias_ih, bias_hh]| Weights {
                weight_ih,
                weight_hh,
                bias_ih: Some(bias_ih),
                bias_hh: Some(bias_hh),
            })
            .collect();
        let mut panels = vec![0.0; Model::<C>::panels_len(shape)];
        let model = Model::<C>::pack(shape, &weights, &mut panels).unwrap().with_backend(backend);
        let lengths = [4_usize, 6, 8, 5, 4, 0, 3, 7, 8];
        let (mut sorted_lengths, mut sorted_indices) = ([0; 9], [0; 9]);
        let layout = Layout::new(&lengths, &mut sorted_lengths, &mut sorted_indices).unwrap();
        let input = values(77, layout.packed_len(inputs).unwrap(), 2.0);
        let states = model.states_len(lengths.len()).unwrap();
        let (h0, c0) = (values(78, states, 1.0), values(79, states, 1.0));
        let mut output = vec![0.0; model.output_len(&layout).unwrap()];
        let mut scratch = vec![0.0; model.scratch_len(&layout).unwrap()];
        let (mut hn, mut cn) = (vec![0.0; states], vec![0.0; if C::HAS_C { states } else { 0 }]);
        let c0 = C::HAS_C.then_some(&c0[..]);
        let states = States { h0: Some(&h0), c0, hn: &mut hn, cn: &mut cn };
        model.run(&layout, &input, states, &mut output, &mut scratch).unwrap();
        found = [&output, &hn, &cn].into_iter().fold(found, |found, values| hash(found, values));
    }
    found
}

fn activations(backend: Backend) -> u64 {
    let far = values(5, 4001, 110.0);
    let near = values(6, 4001, 1.0);
    [activation::exp, activation::sigmoid, activation::tanh].into_iter().fold(BASIS, |found, function| {
        let mut values = [&far[..], &near[..]].concat();
        function(backend, &mut values);
        hash(found, &values)
    })
}

#[test]
fn golden_bits() {
    for backend in Backend::available() {
        let found = [
            activations(backend),
            network::<Lstm>(backend),
            network::<Gru>(backend),
            network::<Tanh>(backend),
            network::<Relu>(backend),
        ];
        println!("{:8} {found:#018x?}", backend.name());
        assert_eq!(found, if backend.is_fused() { FUSED } else { UNFUSED }, "{}", backend.name());
    }
}
