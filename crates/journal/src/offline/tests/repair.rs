//! Goal: after a repair the journal opens, and every record that was whole is either in the log or in the file beside it.
//! Method: one random damage at a time, in closed and killed journals, with and without checkpoints.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;

use super::super::files::Memory;
use super::super::repair::{RepairError, Repaired, plan};
use super::super::salvage::read_salvaged;
use super::forge::{Lies, take_apart};
use super::{Pace, checkpoint, files, open, payload, start, verified, write_files};
use crate::OpenError;

/// Several segments; with checkpoints after a third and two thirds if wanted.
fn at_rest(closed: bool, checkpoints: bool) -> Memory {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = open(directory.path());
    let mut rng = Pcg64Mcg::seed_from_u64(51);
    for number in 0..90 {
        journal.append(5, &payload(&mut rng, 300)).expect("appends");
        if number % 2 == 0 {
            journal.commit().expect("commits");
        }
        if checkpoints && (number == 30 || number == 60) {
            checkpoint(&journal);
        }
    }
    journal.commit().expect("commits");
    if closed {
        journal.close().expect("closes")
    } else {
        drop(journal)
    }
    files(directory.path())
}

/// One damage, and its name.
fn damage(rng: &mut Pcg64Mcg, files: &mut Memory) -> String {
    let names: Vec<String> = files.keys().cloned().collect();
    let name = names[rng.random_range(0..names.len())].clone();
    let bytes = files.get_mut(&name).expect("is there");
    let at = rng.random_range(0..bytes.len());
    match rng.random_range(0..6) {
        0 => {
            bytes[at] ^= 1 << rng.random_range(0..8);
            format!("{name}: a bit of byte {at}")
        }
        1 => {
            let end = (at + 512).min(bytes.len());
            bytes[at..end].fill(0);
            format!("{name}: zeros from {at}")
        }
        2 => {
            let end = (at + 200).min(bytes.len());
            rng.fill(&mut bytes[at..end]);
            format!("{name}: rubbish from {at}")
        }
        3 => {
            bytes.truncate(at);
            format!("{name}: cut to {at}")
        }
        4 => {
            bytes.extend([7; 100]);
            format!("{name}: longer")
        }
        _ => {
            files.remove(&name);
            format!("{name}: gone")
        }
    }
}

fn repaired(directory: &Path) -> Result<Option<Repaired>, RepairError> {
    let mut tell = |_| {};
    let pace = Pace::new(None, &mut tell);
    let plan = plan(directory, &pace)?;
    let text = plan.explain();
    assert!(!text.is_empty());
    if !plan.is_needed() {
        return Ok(None);
    }
    plan.execute(&directory.with_file_name("copy"), &pace).map(Some)
}

#[test]
fn whatever_was_damaged_the_journal_opens_again_and_no_whole_record_is_thrown_away() {
    let seed = super::seed(52);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let (mut repairs, mut kept, mut saved) = (0, 0, 0);
    let journals = [true, false].map(|closed| [true, false].map(|checkpoints| at_rest(closed, checkpoints)));
    for round in 0..240 {
        let closed = round % 2 == 0;
        let genuine = &journals[usize::from(!closed)][usize::from(round % 4 < 2)];
        let (_, records, places) = take_apart(genuine);
        let mut damaged = genuine.clone();
        let what = format!("SEED={seed} {round}: {}", damage(&mut rng, &mut damaged));
        let base = tempfile::tempdir().expect("a directory");
        let directory = base.path().join("journal");
        write_files(&directory, &damaged);
        let done = repaired(&directory).unwrap_or_else(|error| panic!("{what}: {error}"));

        let mut have = BTreeSet::new();
        if let Some(done) = &done {
            repairs += 1;
            let mut copy = files(&done.copy);
            copy.remove("salvaged.jsonl");
            assert_eq!(copy, damaged, "{what}: the copy is of what was there");
            let salvaged = read_salvaged(&done.salvaged_in, &mut |entry| {
                let original = &records[usize::try_from(entry.sequence).expect("small") - 1];
                assert_eq!((entry.kind, entry.payload), (original.kind, &original.payload[..]), "{what}");
                have.insert(entry.sequence);
            });
            assert_eq!(salvaged.expect("reads"), done.salvaged, "{what}");
            saved += have.len();
        }
        let (journal, report, model) = start(&directory).unwrap_or_else(|error| panic!("{what}: {error}"));
        for (sequence, payload) in &model.records {
            assert_eq!(*payload, records[usize::try_from(*sequence).expect("small") - 1].payload, "{what}");
        }
        // A start reads only what lies behind its checkpoint; everything that is kept can be read.
        for sequence in report.first_sequence..=report.last_sequence {
            if let Ok(record) = journal.reader().read(sequence) {
                assert_eq!(record.payload, records[usize::try_from(sequence).expect("small") - 1].payload, "{what}");
                have.insert(sequence);
                kept += 1;
            }
        }
        // Whatever lies in the damaged files as it did is still to be had, unless it belongs to a torn tail.
        let torn = |sequence: u64| !closed && sequence > report.last_sequence && done.is_none();
        for (sequence, Lies { file, offset, bytes, .. }) in (1..).zip(&places) {
            let whole = damaged
                .get(file)
                .is_some_and(|now| now.get(*offset..offset + bytes) == Some(&genuine[file][*offset..offset + bytes]));
            // Without a header whose own checksum can be read nobody knows what the records' begin with.
            let header = damaged.get(file).is_some_and(|now| now.get(..128) == Some(&genuine[file][..128]));
            assert!(
                !whole || !header || have.contains(&sequence) || torn(sequence),
                "{what}: record {sequence} is gone"
            );
        }
        if let Some(done) = &done {
            assert_eq!(done.kept.map_or(0, |(_, last)| last), report.last_sequence, "{what}");
        }
        drop(journal);
        assert!(verified(&files(&directory), None).is_whole(), "{what}");
    }
    show(&format!("{repairs} repairs of 240 damages; {kept} records kept, {saved} salvaged"));
    assert!(repairs > 150, "{repairs}");
}

#[expect(clippy::print_stderr, reason = "counts are shown with --nocapture")]
fn show(text: &str) {
    eprintln!("{text}");
}

fn in_directory(files: &Memory) -> (TempDir, std::path::PathBuf) {
    let base = tempfile::tempdir().expect("a directory");
    let directory = base.path().join("journal");
    write_files(&directory, files);
    (base, directory)
}

#[test]
fn what_is_known_to_the_byte_is_put_right_and_costs_nothing() {
    let genuine = at_rest(true, false);
    let (_, records, places) = take_apart(&genuine);
    let last = places.iter().rfind(|it| it.file.ends_with('2')).expect("a record");
    let seal = last.offset + last.bytes;
    let changes: [(&str, usize, usize); 4] = [
        ("segment-0000000001", 40, 1),
        ("segment-0000000002", seal, 72),
        ("segment-0000000004", 0, 128),
        ("mark", 0, 8192),
    ];
    let mut damaged = genuine.clone();
    for (name, at, length) in changes {
        damaged.get_mut(name).expect("is there")[at..at + length].fill(0xEE);
    }
    damaged.get_mut("segment-0000000003").expect("is there").extend([1; 77]);
    let (_base, directory) = in_directory(&damaged);
    let done = repaired(&directory).expect("repairs").expect("is needed");
    assert_eq!((done.kept, done.gone, done.salvaged.records), (Some((1, records.len() as u64)), vec![], 0));
    let now = files(&directory);
    for (name, bytes) in genuine.iter().filter(|(name, _)| name.starts_with("segment-") && now.contains_key(*name)) {
        assert_eq!(now[name], *bytes, "{name}");
    }
    let (_, report, model) = start(&directory).expect("opens");
    assert_eq!((model.records.len(), report.cut), (records.len(), None));
}

#[test]
fn what_the_newest_checkpoint_stands_for_outlives_damage_before_it() {
    let genuine = at_rest(true, true);
    let (_, records, places) = take_apart(&genuine);
    let mut damaged = genuine;
    let Lies { file, offset, .. } = &places[9];
    damaged.get_mut(file).expect("is there")[offset + 60] ^= 1;
    let (_base, directory) = in_directory(&damaged);
    let done = repaired(&directory).expect("repairs").expect("is needed");
    let (first, last) = done.kept.expect("a stretch");
    assert!(first > 10 && first <= 61, "{first}");
    assert_eq!(last, records.len() as u64);
    assert_eq!(done.gone, [(1, first - 1)]);
    // All before but the one that was damaged.
    assert_eq!(done.salvaged.records, first - 2);
    let (_, report, model) = start(&directory).expect("opens");
    assert_eq!((report.checkpoint, model.count), (Some(61), last));
    assert_eq!(report.first_sequence, first);
}

#[test]
fn a_journal_in_use_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path());
    let before = files(directory.path());
    assert!(matches!(repaired(directory.path()), Err(RepairError::InUse)));
    assert_eq!(files(directory.path()), before);
    drop(journal);
    assert!(matches!(repaired(directory.path()), Ok(None)));
    let nothing = directory.path().join("nothing");
    assert!(matches!(repaired(&nothing), Err(RepairError::Journal(_))));
    assert!(!nothing.exists());
}

#[test]
fn an_interrupted_repair_is_refused_at_a_start_and_can_be_begun_anew() {
    // As it is after everything but the mark: the records behind the damage are gone, and the mark knows better.
    let mut files = at_rest(true, false);
    files.retain(|name, _| name <= &"segment-0000000003".to_owned());
    let (_base, directory) = in_directory(&files);
    assert!(matches!(start(&directory), Err(OpenError::Damaged { .. })));
    fs::create_dir(directory.with_file_name("copy")).expect("makes");
    assert!(matches!(repaired(&directory), Err(RepairError::Exists(_))));
    fs::remove_dir(directory.with_file_name("copy")).expect("removes");
    let done = repaired(&directory).expect("repairs").expect("is needed");
    let (_, last) = done.kept.expect("a stretch");
    assert_eq!(start(&directory).expect("opens").2.count, last);
}
