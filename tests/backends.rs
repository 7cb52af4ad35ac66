//! The backends that are listed are those that the CPU has, by the standard library's word, and each of them runs.

mod common;

use common::{Batch, Net, Rng, reference};
use packed_rnn::{Backend, Lstm, Shape};
use std::io::Write;

/// By the standard library, the fastest first.
fn expected() -> Vec<&'static str> {
    let mut names = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected;
        let avx2 =
            is_x86_feature_detected!("avx") && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        if avx2 && is_x86_feature_detected!("avx512f") {
            names.push("avx512");
        }
        if avx2 {
            names.push("avx2");
        }
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        names.push("neon");
    }
    names.push("portable");
    names
}

#[test]
fn listed_as_the_cpu_has_them() {
    let listed: Vec<_> = Backend::available().collect();
    let names: Vec<_> = listed.iter().map(|backend| backend.name()).collect();
    assert_eq!(names, expected());
    // Asked for the first time, and remembered.
    assert_eq!([Backend::detect(), Backend::detect()], [listed[0]; 2]);
    assert_eq!(listed.last(), Some(&Backend::portable()));
}

/// The CI looks for the line that this writes, past the capture of `cargo test`.
#[test]
fn each_runs() {
    // A full block and a tail.
    let shape = Shape::new(5, 20);
    let mut rng = Rng::new(1);
    let net = Net::<Lstm>::random(shape, (true, true), &mut rng);
    let batch = Batch::random::<Lstm>(shape, &[4, 2, 3], (true, true), &mut rng);
    let expected = reference(&net, &batch);
    let mut line = String::from("backends exercised:");
    for backend in Backend::available() {
        let distance = net.run(backend, &batch).distance(&expected);
        assert!(distance < 1e-5, "{}: {distance:e}", backend.name());
        line = line + " " + backend.name();
    }
    // At once, so that no other thread's words come between.
    std::io::stderr().write_all((line + "\n").as_bytes()).unwrap();
}
