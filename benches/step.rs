//! One step of one stream, `I = 1`, as in an audio callback: `cargo bench --bench step`.

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use packed_rnn::{Cell, Gru, Layout, Lstm, Model, Shape, States};
use std::hint::black_box;
use support::{Buffer, Parameters, noise};

fn one<C: Cell>(c: &mut Criterion, cell: &str) {
    let mut group = c.benchmark_group(format!("{cell}/one step, I = 1"));
    group.throughput(Throughput::Elements(1));
    for size in [8, 16, 20, 40] {
        let shape = Shape::new(1, size);
        let parameters = Parameters::new(C::GATES, 1, size);
        let mut panels = Buffer::zeros(Model::<C>::panels_len(shape));
        let model = Model::<C>::pack(shape, &[parameters.weights()], &mut panels).unwrap();
        let [mut h, mut next, mut state] = [size, size, if C::HAS_C { size } else { 0 }].map(Buffer::zeros);

        // A stream of steps has the bits of one run.
        let input = noise(50, 1.0, 5);
        for x in &input {
            model.step(1, &[*x], &h, &mut next, &mut state).unwrap();
            std::mem::swap(&mut h, &mut next);
        }
        let mut sorted_lengths = [0];
        let layout = Layout::from_sorted(&[input.len()], &mut sorted_lengths).unwrap();
        let (mut output, mut hn, mut cn) = (vec![0.0; 50 * size], vec![0.0; size], vec![0.0; state.len()]);
        let states = States { h0: None, c0: None, hn: &mut hn, cn: &mut cn };
        model.run(&layout, &input, states, &mut output, &mut []).unwrap();
        assert_eq!((&hn[..], &cn[..]), (&h[..], &state[..]));

        group.bench_function(format!("H = {size}"), |b| {
            b.iter(|| {
                model.step(1, black_box(&[0.25]), &h, &mut next, &mut state).unwrap();
                std::mem::swap(&mut h, &mut next);
            })
        });
    }
    group.finish();
}

fn step(c: &mut Criterion) {
    one::<Lstm>(c, "lstm");
    one::<Gru>(c, "gru");
}

criterion_group!(name = benches; config = support::brief(); targets = step);
criterion_main!(benches);
