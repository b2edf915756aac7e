//! Goal: old segments go only when two checkpoints stand for them, and no crash in between costs more than the next start's
//! tidying. Method: prunes cut short at each operation, and controls on a disk that lies about the mark.

use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;

use super::disk::{Faults, Lie, SimDisk};
use super::{Kept, append, checkpoint, config, open, restore};
use crate::{Batch, Damage, Journal, Notice, OpenError, ReadError, start};

/// Commits of records that are all alike: 14 to a segment.
fn fill(journal: &mut Journal<SimDisk>, line: &mut Vec<Kept>, records: u8) {
    for number in 0..records {
        let record = Kept { kind: number, payload: vec![number; 500] };
        append(journal, &record);
        line.push(record);
        journal.commit().expect("commits");
    }
}

/// Ten segments, and checkpoints at records 60 (in the fifth) and 120 (in the ninth).
fn filled(seed: u64) -> (SimDisk, Journal<SimDisk>, Vec<Kept>) {
    let disk = SimDisk::new(seed);
    let (mut journal, ..) = open(&disk).expect("opens");
    let mut line = Vec::new();
    fill(&mut journal, &mut line, 140);
    checkpoint(&journal.reader(), &line, 60).expect("is made");
    checkpoint(&journal.reader(), &line, 120).expect("is made");
    assert_eq!(journal.reader().segments().len(), 10);
    (disk, journal, line)
}

fn segments(disk: &SimDisk) -> Vec<String> {
    disk.files().into_keys().filter(|name| name.starts_with("segment-")).collect()
}

#[test]
fn what_is_wanted_or_needed_stays_and_the_rest_goes() {
    // A segment has 14 records; the older checkpoint's record is in the fifth.
    for (from, gone) in [(0, 0), (14, 0), (15, 1), (28, 1), (29, 2), (57, 4), (1000, 4)] {
        let (disk, mut journal, line) = filled(1);
        let reader = journal.reader();
        let pruned = journal.retain(from).expect("prunes");
        assert_eq!(pruned.map_or(0, |pruned| pruned.segments), gone, "from {from}");
        if let Some(pruned) = pruned {
            assert_eq!((pruned.first_sequence, pruned.bytes), (gone * 14 + 1, gone * super::SEGMENT_BYTES));
        }
        assert_eq!(reader.first_sequence(), gone * 14 + 1);
        assert_eq!(reader.segments()[0].number, gone + 1);
        for sequence in 1..=140 {
            match reader.read(sequence) {
                Err(ReadError::Absent(_)) => assert!(sequence <= gone * 14),
                other => {
                    assert_eq!(other.expect("reads").payload, line[usize::try_from(sequence).unwrap() - 1].payload)
                }
            }
        }
        assert_eq!(journal.retain(from).expect("again"), None);
        drop(journal);
        let disk = disk.power_cut();
        let (journal, report, model) = restore(&disk).expect("opens");
        assert_eq!((model.records, report.leftovers, report.first_sequence), (line, 0, gone * 14 + 1));
        assert_eq!(report.records, 140 - gone * 14);
        assert_eq!(journal.reader().first_sequence(), gone * 14 + 1);
    }
}

#[test]
fn without_two_checkpoints_nothing_goes() {
    let disk = SimDisk::new(2);
    let (mut journal, ..) = open(&disk).expect("opens");
    let mut line = Vec::new();
    fill(&mut journal, &mut line, 100);
    assert_eq!(journal.retain(100).expect("nothing"), None);
    checkpoint(&journal.reader(), &line, 90).expect("is made");
    assert_eq!(journal.retain(100).expect("nothing"), None);
    checkpoint(&journal.reader(), &line, 99).expect("is made");
    assert!(journal.retain(100).expect("prunes").is_some());
}

#[test]
fn the_older_checkpoint_still_serves_after_a_prune_and_without_either_the_start_says_so() {
    let (disk, mut journal, line) = filled(3);
    journal.retain(1000).expect("prunes");
    drop(journal);
    let damage = |names: &[&str]| {
        let mut files = disk.files();
        for name in names {
            files.get_mut(*name).expect("is there")[140] ^= 1;
        }
        SimDisk::from_files(&files)
    };
    let (older, newer) = ("checkpoint-00000000000000000060", "checkpoint-00000000000000000120");
    let (_, report, model) = restore(&damage(&[newer])).expect("opens");
    assert_eq!((report.checkpoint, model.records), (Some(60), line.clone()));
    let (_, report, model) = restore(&damage(&[older])).expect("opens");
    assert_eq!((report.checkpoint, model.records), (Some(120), line));
    let broken = damage(&[older, newer]);
    let before = broken.files();
    match restore(&broken) {
        Err(OpenError::NoCheckpoint { first_segment, why }) => {
            assert_eq!(first_segment, "segment-0000000005");
            assert!(why.contains(older) && why.contains(newer), "{why}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(broken.files(), before, "nothing is changed");
    assert!(matches!(open(&disk), Err(OpenError::NoCheckpoint { .. })), "the whole log cannot be replayed any more");
}

#[test]
fn a_segment_that_was_not_pruned_is_missed() {
    let (disk, mut journal, _) = filled(4);
    journal.retain(1000).expect("prunes");
    drop(journal);
    for number in 5..10 {
        let mut files = disk.files();
        let name = format!("segment-{number:010}");
        files.remove(&name);
        match restore(&SimDisk::from_files(&files)) {
            Err(OpenError::Damaged { reason: Damage::Missing, file, .. }) => assert_eq!(file, name),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_operation_of_a_prune_may_be_the_last() {
    let (disk, journal, line) = filled(5);
    let files = disk.files();
    drop(journal);
    let mut leftovers = 0;
    for operations in 0.. {
        let mut finished = false;
        for seed in 0..20 {
            let disk = SimDisk::from_files(&files).reseeded(operations * 100 + seed);
            let (mut journal, ..) = restore(&disk).expect("opens");
            disk.set_faults(Faults { power: Some(operations), ..Faults::default() });
            finished = journal.retain(1000).is_ok();
            drop(journal);
            // The process dies, or the machine, and again while the next start tidies up.
            let disk = if seed % 4 == 0 { disk } else { disk.power_cut() };
            disk.set_faults(Faults { power: Some(seed * 2), ..Faults::default() });
            drop(restore(&disk));
            disk.set_faults(Faults::default());
            let disk = disk.power_cut();
            let (mut journal, report, model) =
                restore(&disk).unwrap_or_else(|error| panic!("after {operations}, seed {seed}: {error}"));
            assert_eq!(model.records, line, "after {operations}, seed {seed}");
            leftovers += report.leftovers;
            let first = journal.reader().segments()[0].number;
            assert_eq!(segments(&disk)[0], format!("segment-{first:010}"), "what was left over is gone");
            assert!(first == 1 || first == 5);
            journal.retain(1000).expect("prunes");
            assert_eq!(journal.reader().first_sequence(), 57);
        }
        if finished {
            assert!(leftovers > 50, "{leftovers} files were left over");
            return;
        }
    }
}

#[test]
fn control_a_prune_before_the_mark_is_durable_leaves_a_log_that_must_be_refused() {
    let (disk, journal, _) = filled(6);
    let files = disk.files();
    drop(journal);
    let mut refused = 0;
    for seed in 0..100 {
        let disk = SimDisk::from_files(&files).reseeded(seed);
        let (mut journal, ..) = restore(&disk).expect("opens");
        disk.set_faults(Faults { lie: Some(Lie::Syncs("mark")), ..Faults::default() });
        journal.retain(1000).expect("prunes");
        drop(journal);
        match restore(&disk.power_cut()) {
            Ok(_) => {}
            Err(OpenError::Damaged { reason: Damage::Missing, .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 20, "{refused} of 100");
}

#[test]
fn one_bad_slot_of_the_mark_after_a_prune_does_no_harm() {
    let (disk, mut journal, line) = filled(7);
    journal.retain(1000).expect("prunes");
    drop(journal);
    for slot in [0, 4096] {
        let mut files = disk.files();
        files.get_mut("mark").expect("is there")[slot + 30] ^= 1;
        let (_, report, model) = restore(&SimDisk::from_files(&files)).expect("opens");
        assert_eq!((report.mark_slots_bad, model.records), (1, line.clone()));
    }
}

#[test]
fn the_writer_prunes_beside_its_commits_and_says_so() {
    let (disk, journal, _) = filled(8);
    drop(journal);
    let (journal, ..) = restore(&disk).expect("opens");
    let (sender, notices) = mpsc::channel();
    let (writer, reader) = start(journal, move |notice| drop(sender.send(notice))).expect("starts");
    writer.retain(30);
    let mut pruned = None;
    let mut next = 141;
    while pruned.is_none() {
        assert!(next < 100_000, "the keeper prunes in the end");
        writer.submit(Batch { records: vec![(next, 1, Bytes::from_static(b"more"))] }).expect("takes it");
        next += 1;
        match notices.recv_timeout(Duration::from_secs(60)).expect("a notice") {
            Notice::Stored { .. } => {}
            Notice::Pruned { first_sequence, segments, bytes } => pruned = Some((first_sequence, segments, bytes)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pruned, Some((29, 2, 2 * super::SEGMENT_BYTES)));
    assert!(matches!(reader.read(28), Err(ReadError::Absent(28))));
    assert!(reader.read(29).is_ok());
    assert_eq!(writer.shutdown().expect("stops"), next - 1);
    assert_eq!(restore(&disk.power_cut()).expect("opens").2.records.len() as u64, next - 1);
    assert_eq!(config().segment_bytes, super::SEGMENT_BYTES);
}
