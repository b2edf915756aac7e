//! Builds: on one thread or several, in memory or not, in any order, the same persons give the same bytes.

use std::fs;

use records::{BuildOptions, Builder, Index, Person, build_bytes, synth};

/// A crowd with few days, so that partitions are heavy, and some of whom no day is known.
fn crowd(count: u32) -> Vec<Person> {
    let born = |number: usize, person: &Person| match number % 3 {
        0 => None,
        1 => jiff::civil::Date::new(1980, 1, 2).ok(),
        _ => person.born,
    };
    let crowd = synth::persons(5, count).enumerate();
    crowd.map(|(number, person)| Person { born: born(number, &person), ..person }).collect()
}

#[test]
fn threads_and_order_do_not_change_the_file() {
    let persons = crowd(20_000);
    let whole = build_bytes(persons.clone()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.idx");
    let builder = Builder::new(&path, &BuildOptions::default());
    std::thread::scope(|scope| {
        for chunk in persons.rchunks(3_333) {
            let builder = &builder;
            scope.spawn(move || builder.add(chunk).unwrap());
        }
    });
    let mut stages = Vec::new();
    let built = builder.finish(&path, &mut |stage, done, of| {
        assert!(done <= of);
        stages.push(stage);
    });
    assert_eq!(built.unwrap().records, persons.len());
    assert!(!stages.is_empty());
    assert!(fs::read(&path).unwrap() == whole, "files differ");
}

#[test]
fn little_memory_does_not_change_the_file() {
    // 64 MiB are the least: a sixteenth is for one partition, and these take more.
    let persons: Vec<Person> = crowd(300_000)
        .into_iter()
        .map(|person| Person { middle: format!("{} {}", person.middle, "X".repeat(60)), ..person })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for memory_bytes in [0, 4 << 30] {
        let path = directory.path().join("b.idx");
        let builder = Builder::new(&path, &BuildOptions { memory_bytes, temporary: None });
        persons.chunks(10_000).for_each(|chunk| builder.add(chunk).unwrap());
        builder.finish(&path, &mut |_, _, _| {}).unwrap();
        files.push(fs::read(&path).unwrap());
    }
    assert!(files[0] == files[1], "files differ");
    let index = Index::from_bytes(files.remove(0)).unwrap();
    index.verify().unwrap();
    assert_eq!(index.len(), persons.len());
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["b.idx"]);
}
