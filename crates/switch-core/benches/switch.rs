//! What one message costs in the core: `handle` of all its events, or of its reception alone.

use criterion::measurement::{Measurement as _, WallTime};
use criterion::{Criterion, criterion_group, criterion_main};

#[path = "../examples/count-core/scenario.rs"]
mod scenario;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// A whole network: `handle` of one reception, while so much waits. What goes out meanwhile is not measured.
fn large(criterion: &mut Criterion) {
    let large = std::cell::LazyCell::new(scenario::Scenario::large);
    let large = std::cell::RefCell::new(large);
    let name = "one reception, 50,000 ORIs, 315 stations, 100,000 waiting";
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let mut scenario = large.borrow_mut();
            let mut spent = std::time::Duration::ZERO;
            for _ in 0..times {
                let (link, message) = scenario.inquiry();
                let begin = WallTime.start();
                std::hint::black_box(scenario.receive(link, message));
                spent += WallTime.end(begin);
                scenario.finish_one();
            }
            spent
        });
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

criterion_group!(benches, message, large, checkpoint);
criterion_main!(benches);
