//! What one message costs in the core: `handle` of all its events, or of its reception alone.

use criterion::{Criterion, criterion_group, criterion_main};

#[path = "../examples/count-core/scenario.rs"]
mod scenario;

fn message(criterion: &mut Criterion) {
    let mut scenario = scenario::Scenario::new();
    criterion.bench_function("one message, from reception to the receiver's ack (5 events)", |bencher| {
        bencher.iter(|| scenario.message());
    });
    criterion.bench_function("64 messages, reception alone", |bencher| {
        bencher.iter_batched_ref(
            scenario::Scenario::new,
            |scenario| (0..64).map(|_| scenario.reception()).sum::<usize>(),
            criterion::BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, message);
criterion_main!(benches);
