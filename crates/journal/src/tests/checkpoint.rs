//! Goal: a start from a checkpoint knows exactly what a start from the whole log knows, and no damage to a checkpoint, or to
//! the log beside it, goes unnoticed. Method: a model that holds every record, restored and replayed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::disk::{Faults, Lie, SimDisk};
use super::{Kept, Model, append, checkpoint, config, open, random_record, restore};
use crate::{CheckpointError, Damage, Journal, OpenError, ReadError};

/// A journal of a few segments with commits of one to nine records.
fn filled(seed: u64, records: usize) -> (SimDisk, Journal<SimDisk>, Vec<Kept>) {
    let disk = SimDisk::new(seed);
    let (mut journal, ..) = open(&disk).expect("opens");
    let mut line = Vec::new();
    fill(&mut journal, &mut line, seed, records);
    (disk, journal, line)
}

fn fill(journal: &mut Journal<SimDisk>, line: &mut Vec<Kept>, seed: u64, records: usize) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    while line.len() < records {
        for _ in 0..rng.random_range(1..10).min(records - line.len()) {
            let record = random_record(&mut rng);
            append(journal, &record);
            line.push(record);
        }
        journal.commit().expect("commits");
    }
}

#[test]
fn a_start_from_any_record_knows_what_a_start_from_the_first_one_knows() {
    let (disk, journal, line) = filled(1, 120);
    let reader = journal.reader();
    for through in 1..=line.len() {
        checkpoint(&reader, &line, through).expect("is made");
        let (journal, report, model) = restore(&SimDisk::from_files(&disk.files())).expect("opens");
        assert_eq!(model.records, line);
        assert_eq!((report.checkpoint, report.replayed), (Some(through as u64), (line.len() - through) as u64));
        assert_eq!((report.records, report.first_sequence), (line.len() as u64, 1));
        assert_eq!(journal.reader().head(), reader.head());
        assert_eq!(journal.reader().segments(), reader.segments());
        assert_eq!(journal.reader().checkpoints(), reader.checkpoints());
    }
    assert!(reader.segments().len() > 5);
    let files = disk.files();
    let made: Vec<&str> = files.keys().map(String::as_str).filter(|name| name.starts_with("checkpoint-")).collect();
    assert_eq!(made, ["checkpoint-00000000000000000119", "checkpoint-00000000000000000120"], "the two newest are kept");
}

#[test]
fn a_start_from_a_checkpoint_says_the_same_of_the_log() {
    let (disk, journal, line) = filled(2, 100);
    let whole = open(&SimDisk::from_files(&disk.files())).expect("opens").1;
    checkpoint(&journal.reader(), &line, 77).expect("is made");
    let (_, report, _) = restore(&SimDisk::from_files(&disk.files())).expect("opens");
    assert_eq!(crate::Report { replayed: 100, checkpoint: None, ..report }, whole);
}

#[test]
fn the_log_goes_on_behind_a_checkpoint_and_every_record_can_be_read() {
    let (disk, journal, mut line) = filled(3, 150);
    checkpoint(&journal.reader(), &line, 100).expect("is made");
    drop(journal);
    let (mut journal, ..) = restore(&disk).expect("opens");
    fill(&mut journal, &mut line, 33, 250);
    let check = |journal: &Journal<SimDisk>| {
        let reader = journal.reader();
        // The last ones first: each segment that was not read is read when it is wanted.
        for (kept, sequence) in line.iter().rev().zip((1..=line.len() as u64).rev()) {
            let record = reader.read(sequence).expect("reads");
            assert_eq!((record.kind, &record.payload[..]), (kept.kind, &kept.payload[..]));
        }
    };
    check(&journal);
    checkpoint(&journal.reader(), &line, 180).expect("is made");
    drop(journal);
    let (journal, report, model) = restore(&disk.power_cut()).expect("opens");
    assert_eq!((model.records, report.replayed), (line.clone(), 70));
    check(&journal);
}

#[test]
fn a_flipped_bit_anywhere_in_a_checkpoint_means_the_older_one_and_in_both_the_whole_log() {
    let (disk, journal, line) = filled(4, 60);
    let small = |through| checkpoint(&journal.reader(), &line, through).expect("is made");
    small(2);
    small(5);
    let files = disk.files();
    let (older, newer) = ("checkpoint-00000000000000000002", "checkpoint-00000000000000000005");
    let flip = |files: &mut BTreeMap<String, Vec<u8>>, name: &str, bit: usize| {
        files.get_mut(name).expect("is there")[bit / 8] ^= 1 << (bit % 8);
    };
    for bit in 0..files[newer].len() * 8 {
        let mut damaged = files.clone();
        flip(&mut damaged, newer, bit);
        let disk = SimDisk::from_files(&damaged);
        let (_, report, model) = restore(&disk).expect("opens");
        assert_eq!((report.checkpoint, &model.records), (Some(2), &line), "bit {bit}");
        assert_eq!(report.checkpoints_unusable.len(), 1, "bit {bit}");
        assert_eq!(report.checkpoints_unusable[0].0, newer);
        assert!(!disk.files().contains_key(newer), "what is damaged is removed");

        flip(&mut damaged, older, bit % (files[older].len() * 8));
        let (_, report, model) = restore(&SimDisk::from_files(&damaged)).expect("opens");
        assert_eq!((report.checkpoint, report.replayed, model.records), (None, 60, line.clone()));
        assert_eq!(report.checkpoints_unusable.len(), 2);
    }
}

#[test]
fn a_checkpoint_cut_short_or_of_another_journal_is_not_used() {
    let (disk, journal, line) = filled(5, 40);
    checkpoint(&journal.reader(), &line, 20).expect("is made");
    let name = "checkpoint-00000000000000000020";
    let files = disk.files();
    for length in (0..files[name].len()).step_by(37) {
        let mut damaged = files.clone();
        damaged.get_mut(name).expect("is there").truncate(length);
        let (_, report, model) = restore(&SimDisk::from_files(&damaged)).expect("opens");
        assert_eq!((report.checkpoint, model.records.len(), report.checkpoints_unusable.len()), (None, 40, 1));
    }
    let (other, journal, other_line) = filled(6, 40);
    checkpoint(&journal.reader(), &other_line, 20).expect("is made");
    for (from, to) in [(&other.files()[name], name), (&files[name], "checkpoint-00000000000000000021")] {
        let mut mixed = files.clone();
        mixed.remove(name);
        mixed.insert(to.to_owned(), from.clone());
        let (_, report, model) = restore(&SimDisk::from_files(&mixed)).expect("opens");
        assert_eq!((report.checkpoint, model.records), (None, line.clone()));
        assert!(report.checkpoints_unusable[0].1.contains("another"), "{report:?}");
    }
}

#[test]
fn what_cannot_be_restored_is_left_alone_and_an_older_one_is_used() {
    let (disk, journal, line) = filled(7, 60);
    checkpoint(&journal.reader(), &line, 20).expect("is made");
    checkpoint(&journal.reader(), &line, 50).expect("is made");
    drop(journal);
    for (last, used) in [(20, Some(20)), (10, None)] {
        let mut model = Model { refuses_behind: Some(last), ..Model::default() };
        let (journal, report) = Journal::open(disk.clone(), config(), &mut model).expect("opens");
        assert_eq!((report.checkpoint, &model.records), (used, &line));
        assert_eq!(report.checkpoints_unusable[0].1, "too new");
        assert_eq!(journal.reader().checkpoints(), [20, 50]);
    }
    assert_eq!(restore(&disk).expect("opens").1.checkpoint, Some(50));
}

#[test]
fn a_log_that_lacks_what_the_checkpoint_was_made_for_is_refused() {
    let (disk, journal, line) = filled(8, 80);
    checkpoint(&journal.reader(), &line, 70).expect("is made");
    let segments = journal.reader().segments();
    let within = segments.iter().rfind(|segment| segment.first_sequence <= 70).expect("is there").number;
    let name = format!("segment-{within:010}");
    // A mark that knows of nothing: it is the checkpoint that notices.
    let files = || {
        let mut files = disk.files();
        let young = SimDisk::from_files(&BTreeMap::new());
        drop(open(&young).expect("opens"));
        let id = files["mark"][16..32].to_vec();
        files.insert("mark".to_owned(), young.files()["mark"].clone());
        super::damage::set_mark_id(&mut files, &id);
        files
    };
    assert_eq!(restore(&SimDisk::from_files(&files())).expect("opens").2.records, line);

    let mut damaged = files();
    let bytes = damaged.get_mut(&name).expect("is there");
    let last = bytes.windows(8).position(|word| word == 70_u64.to_le_bytes()).expect("is there");
    bytes[last + 50] ^= 1;
    let before = damaged.clone();
    let broken = SimDisk::from_files(&damaged);
    match restore(&broken) {
        Err(OpenError::Damaged { reason: Damage::NotTheCheckpoints { sequence: 70 }, file, .. }) => {
            assert_eq!(file, name);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(broken.files(), before, "nothing is changed");

    let mut missing = files();
    missing.retain(|file, _| !file.starts_with("segment-") || *file < name);
    match restore(&SimDisk::from_files(&missing)) {
        Err(OpenError::Damaged { reason: Damage::Missing, file, .. }) => assert_eq!(file, name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_segment_that_is_not_read_is_held_to_its_header_seal_and_length() {
    let (disk, journal, line) = filled(9, 100);
    checkpoint(&journal.reader(), &line, 95).expect("is made");
    let segments = journal.reader().segments();
    let files = disk.files();
    assert_eq!(restore(&SimDisk::from_files(&files)).expect("opens").2.records, line);
    let name = "segment-0000000002";
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut damaged = files.clone();
        change(damaged.get_mut(name).expect("is there"));
        assert!(matches!(restore(&SimDisk::from_files(&damaged)), Err(OpenError::Damaged { .. })));
    };
    let seal_end = files[name].iter().rposition(|byte| *byte != 0).expect("is not empty");
    let seal_end = (seal_end + 1).next_multiple_of(8);
    for at in (0..128).chain(seal_end - 72..seal_end) {
        refused(&|bytes| bytes[at] ^= 0x10);
    }
    refused(&|bytes| bytes[seal_end] = 1);
    refused(&|bytes| bytes.truncate(4096));
    refused(&|bytes| bytes.extend([0; 4096]));
    refused(&|bytes| bytes.copy_from_slice(&files["segment-0000000003"]));
    let mut missing = files.clone();
    missing.remove(name);
    assert!(matches!(restore(&SimDisk::from_files(&missing)), Err(OpenError::Damaged { reason: Damage::Missing, .. })));

    // Damage to a record shows when the segment is read: nothing of it is served then.
    let mut damaged = files.clone();
    damaged.get_mut(name).expect("is there")[200] ^= 1;
    let (journal, ..) = restore(&SimDisk::from_files(&damaged)).expect("opens");
    let first = segments[1].first_sequence;
    for sequence in first..segments[2].first_sequence {
        assert!(matches!(journal.reader().read(sequence), Err(ReadError::Damaged { .. })));
    }
    assert!(journal.reader().read(first - 1).is_ok());
}

#[test]
fn a_checkpoint_that_cannot_be_made_leaves_the_old_ones() {
    let (disk, journal, line) = filled(10, 50);
    let reader = journal.reader();
    checkpoint(&reader, &line, 10).expect("is made");
    let files = disk.files();
    let nothing = |_: &mut crate::CheckpointWriter<'_>| Ok(());
    let hash = reader.head().hash;
    assert!(matches!(reader.checkpoint(51, hash, nothing), Err(CheckpointError::Record(ReadError::Absent(51)))));
    assert!(matches!(reader.checkpoint(0, hash, nothing), Err(CheckpointError::NotNewer(10))));
    assert!(matches!(reader.checkpoint(49, hash, nothing), Err(CheckpointError::NotTheRecord(49))));
    assert!(matches!(checkpoint(&reader, &line, 10), Err(CheckpointError::NotNewer(10))));
    let failing = |_: &mut crate::CheckpointWriter<'_>| Err(io::Error::other("no more"));
    assert!(matches!(reader.checkpoint(50, hash, failing), Err(CheckpointError::Contents(_))));
    for name in ["", "twice", "a name of more than thirty-two bytes"] {
        let named = |writer: &mut crate::CheckpointWriter<'_>| {
            writer.section("twice", 1)?;
            writer.section(name, 1)
        };
        assert!(matches!(reader.checkpoint(50, hash, named), Err(CheckpointError::Name(_))));
    }
    let outside = |writer: &mut crate::CheckpointWriter<'_>| writer.write_all(b"of no section");
    assert!(matches!(reader.checkpoint(50, hash, outside), Err(CheckpointError::Contents(_))));
    disk.set_faults(Faults { write_finds_full: 1.0, ..Faults::default() });
    assert!(matches!(checkpoint(&reader, &line, 20), Err(CheckpointError::Full(_))));
    disk.set_faults(Faults { write_fails: 1.0, ..Faults::default() });
    assert!(matches!(checkpoint(&reader, &line, 20), Err(CheckpointError::Disk(_))));
    disk.set_faults(Faults { read_fails: 1.0, ..Faults::default() });
    assert!(matches!(reader.checkpoint(50, hash, nothing), Err(CheckpointError::Record(ReadError::Disk(_)))));
    disk.set_faults(Faults::default());
    assert_eq!(disk.files(), files);
    checkpoint(&reader, &line, 20).expect("is made");
    assert_eq!(reader.checkpoints(), [10, 20]);
}

#[test]
fn a_failed_sync_of_the_directory_is_never_tried_again() {
    let (disk, mut journal, line) = filled(11, 30);
    let reader = journal.reader();
    // The checkpoint's own file is synced well, the directory is not.
    for attempt in 0.. {
        let disk = SimDisk::from_files(&disk.files()).reseeded(attempt);
        let (mut journal, ..) = restore(&disk).expect("opens");
        disk.set_faults(Faults { sync_fails: 0.5, ..Faults::default() });
        let made = checkpoint(&journal.reader(), &line, 20);
        disk.set_faults(Faults::default());
        let named = disk.files().contains_key("checkpoint-00000000000000000020");
        if let (Err(CheckpointError::Disk(_)), true) = (made, named) {
            let syncs = disk.syncs();
            assert!(matches!(checkpoint(&journal.reader(), &line, 25), Err(CheckpointError::Disk(_))));
            assert_eq!(disk.syncs(), syncs + 1, "of the file alone");
            assert!(matches!(journal.prepare(), Err(crate::CommitError::Failed(_))));
            break;
        }
        assert!(attempt < 100, "some attempt meets it");
    }
    // The control: on a good disk the same goes well.
    checkpoint(&reader, &line, 20).expect("is made");
    journal.prepare().expect("prepares");
}

#[test]
fn every_operation_of_a_checkpoint_may_be_the_last() {
    let (disk, journal, line) = filled(12, 90);
    checkpoint(&journal.reader(), &line, 30).expect("is made");
    checkpoint(&journal.reader(), &line, 50).expect("is made");
    let files = disk.files();
    drop(journal);
    for operations in 0.. {
        let mut made = false;
        for seed in 0..5 {
            let disk = SimDisk::from_files(&files).reseeded(operations * 10 + seed);
            let (journal, ..) = restore(&disk).expect("opens");
            disk.set_faults(Faults { power: Some(operations), ..Faults::default() });
            made = checkpoint(&journal.reader(), &line, 80).is_ok();
            let disk = disk.power_cut();
            let (journal, report, model) = restore(&disk).expect("opens");
            assert_eq!(model.records, line);
            assert!(report.checkpoints_unusable.is_empty(), "{operations}: {report:?}");
            let expected = if made { Some(80) } else { report.checkpoint };
            assert!(report.checkpoint == expected && report.checkpoint >= Some(50));
            assert_eq!(journal.reader().checkpoints().len(), 2);
            assert!(disk.files().keys().all(|name| !name.ends_with(".unfinished")));
        }
        if made {
            return;
        }
    }
}

#[test]
fn control_a_checkpoint_that_is_not_synced_before_the_older_goes_is_lost() {
    // The same crash, on a disk that lies about the syncs of checkpoints: a damaged one is found, and at worst no good one.
    let (disk, journal, line) = filled(13, 90);
    checkpoint(&journal.reader(), &line, 30).expect("is made");
    let files = disk.files();
    let (mut damaged, mut none) = (0, 0);
    for seed in 0..200 {
        let disk = SimDisk::from_files(&files).reseeded(seed);
        let (journal, ..) = restore(&disk).expect("opens");
        disk.set_faults(Faults { lie: Some(Lie::Syncs("checkpoint-")), ..Faults::default() });
        checkpoint(&journal.reader(), &line, 50).expect("is made");
        checkpoint(&journal.reader(), &line, 70).expect("is made");
        let (_, report, _) = restore(&disk.power_cut()).expect("the whole log is there");
        damaged += usize::from(!report.checkpoints_unusable.is_empty());
        none += usize::from(report.checkpoint.is_none());
    }
    assert!(damaged > 100 && none > 50, "{damaged} with a damaged one, {none} without a good one");
}
