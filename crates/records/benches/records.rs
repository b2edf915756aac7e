//! Generating, building, opening and searching an index: at 100,000 persons, and at 1,000,000 with
//! `RECORDS_BENCH_LONG=1`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use records::{Index, Known, Person, Query, build, build_bytes, known, synth};

const SEED: u64 = 20_050_201;

fn benches(c: &mut Criterion) {
    let counts: &[u32] =
        if std::env::var_os("RECORDS_BENCH_LONG").is_some() { &[100_000, 1_000_000] } else { &[100_000] };
    for &count in counts {
        making(c, count);
        searching(c, count);
    }
}

fn making(c: &mut Criterion, count: u32) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("bench.idx");
    let mut group = c.benchmark_group(format!("make/{count}"));
    group.sample_size(10).measurement_time(Duration::from_secs(5)).throughput(Throughput::Elements(count.into()));
    group.bench_function("generate", |b| {
        b.iter(|| synth::persons(SEED, count).map(|person| person.surname.len()).sum::<usize>())
    });
    group.bench_function("index", |b| {
        b.iter_batched(
            || synth::persons(SEED, count).collect::<Vec<Person>>(),
            |persons| build_bytes(persons).expect("a small index"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("generate_index_write_sync", |b| {
        b.iter(|| build(synth::persons(SEED, count), &path).expect("written"))
    });
    group.bench_function("open", |b| b.iter(|| Index::open(&path).expect("just built").len()));
    let index = Index::open(&path).expect("just built");
    group.bench_function("known", |b| b.iter(|| known(&index).expect("large enough")));
    group.finish();
}

fn searching(c: &mut Criterion, count: u32) {
    let index = Index::from_bytes(build_bytes(synth::persons(SEED, count)).expect("a small index")).expect("whole");
    let persons = |step: u32| (0..count).step_by(step as usize).map(|number| synth::person(SEED, number));
    let step = (count / 4_000).max(1);
    let exact: Vec<Query> = persons(step)
        .map(|p| Query {
            surname: p.surname,
            given: p.given,
            middle: p.middle,
            born: p.born,
            sex: p.sex,
            ..Query::default()
        })
        .collect();
    // The surname of one, the given name and birth date of the next: nearly nobody.
    let absent: Vec<Query> = exact
        .iter()
        .zip(exact.iter().skip(1))
        .map(|(a, b)| Query { surname: a.surname.clone(), ..b.clone() })
        .collect();
    let numbers: Vec<Query> =
        persons(step).map(|p| Query { alien_number: Some(p.alien_number), ..Query::default() }).collect();
    let undated: Vec<Query> = exact.iter().take(500).map(|query| Query { born: None, ..query.clone() }).collect();
    let Known { variant, .. } = known(&index).expect("large enough");
    let mut group = c.benchmark_group(format!("search/{count}"));
    for (name, queries) in [
        ("exact", exact),
        ("absent", absent),
        ("sounds_alike", vec![variant]),
        ("alien_number", numbers),
        ("without_birth_date", undated),
    ] {
        let mut queries = queries.iter().cycle();
        group.bench_function(name, |b| b.iter(|| black_box(index.search(queries.next().expect("endless"), 10))));
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
