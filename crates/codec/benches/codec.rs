//! How long the codec takes for one message. Goals: decode and check an IAQ in 2 µs, encode a copy in 1 µs.
//!
//! For numbers to be compared between commits on a noisy machine count instructions instead: `examples/count-codec.rs`.

mod operations;

use criterion::{Criterion, criterion_group, criterion_main};

fn codec(criterion: &mut Criterion) {
    for operation in operations::all() {
        criterion.bench_function(operation.name, |bencher| bencher.iter(&operation.run));
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
