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

/// A million copies that wait, of a million messages that are remembered.
fn checkpoint(criterion: &mut Criterion) {
    const MESSAGES: usize = 1_000_000;
    let mut group = criterion.benchmark_group("a million waiting and a million remembered");
    group.sample_size(10);
    let full = std::cell::LazyCell::new(|| scenario::Scenario::new().fold(MESSAGES));
    group.bench_function("checkpoint, written to memory", |bencher| bencher.iter(|| full.checkpoint().bytes()));
    group.bench_function("folds, restored from a checkpoint", |bencher| {
        let checkpoint = full.checkpoint();
        bencher.iter_with_large_drop(|| checkpoint.restore());
    });
    group.finish();
}

criterion_group!(benches, message, checkpoint);
criterion_main!(benches);
