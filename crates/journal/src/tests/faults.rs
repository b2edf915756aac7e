//! Full disks, failing syncs and writes, and random access, without threads.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::disk::{Faults, SimDisk};
use super::{Kept, SEGMENT_BYTES, append, config, open, random_record};
use crate::{AppendError, CommitError, Config, Damage, Journal, OpenError, PAYLOAD_BYTES_MAX, ReadError, each};

fn record(length: usize) -> Kept {
    Kept { kind: 1, payload: vec![0xA5; length] }
}

#[test]
fn a_full_disk_leaves_the_log_as_it_was_and_room_lets_it_go_on() {
    let disk = SimDisk::new(1);
    let (mut journal, ..) = open(&disk).expect("opens");
    // Room for the mark and one segment, and for half of another.
    disk.set_faults(Faults { capacity: Some(SEGMENT_BYTES * 5 / 2), ..Faults::default() });
    let mut line = Vec::new();
    let refused = loop {
        append(&mut journal, &record(500));
        line.push(record(500));
        match journal.commit() {
            Ok(()) => assert_eq!(journal.stored_through(), line.len() as u64),
            Err(CommitError::Full(_)) => break line.len(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(journal.stored_through(), refused as u64 - 1);
    assert!(matches!(journal.commit(), Err(CommitError::Full(_))), "again, and still usable");
    append(&mut journal, &record(20));
    line.push(record(20));

    // Whoever starts now finds nothing of what was refused.
    let (_, report, records) = open(&SimDisk::from_files(&disk.files())).expect("opens on a full disk");
    assert_eq!((report.cut, &records[..]), (None, &line[..refused - 1]));

    disk.set_faults(Faults::default());
    journal.commit().expect("there is room again");
    assert_eq!(journal.stored_through(), refused as u64 + 1);
    drop(journal);
    let (_, report, records) = open(&disk.power_cut()).expect("opens");
    assert_eq!((report.cut, records, report.segments), (None, line, 2));
}

#[test]
fn a_write_that_finds_no_room_half_way_leaves_no_trace() {
    let disk = SimDisk::new(2);
    let (mut journal, ..) = open(&disk).expect("opens");
    append(&mut journal, &record(100));
    journal.commit().expect("commits");
    let before = disk.files();
    // A file system that copies on write may have no room for an overwrite; zeros that it cannot write either do no harm.
    disk.set_faults(Faults { write_finds_full: 1.0, ..Faults::default() });
    append(&mut journal, &record(900));
    assert!(matches!(journal.commit(), Err(CommitError::Full(_))));
    let (_, report, records) = open(&SimDisk::from_files(&disk.files())).expect("opens");
    assert_eq!((records.len(), report.records), (1, 1));
    disk.set_faults(Faults { write_finds_full: 0.5, ..Faults::default() });
    while journal.commit().is_err() {}
    disk.set_faults(Faults::default());
    assert_ne!(disk.files(), before);
    assert_eq!(open(&disk.power_cut()).expect("opens").2, [record(100), record(900)]);
}

#[test]
fn after_a_failed_sync_nothing_is_written_or_synced() {
    for good in 0..30 {
        let disk = SimDisk::new(good);
        let (mut journal, ..) = open(&disk).expect("opens");
        let mut line = Vec::new();
        let mut rng = Pcg64Mcg::seed_from_u64(good);
        for _ in 0..good {
            let record = random_record(&mut rng);
            append(&mut journal, &record);
            line.push(record);
            journal.commit().expect("commits");
        }
        disk.set_faults(Faults { sync_fails: 1.0, ..Faults::default() });
        append(&mut journal, &record(10));
        line.push(record(10));
        assert!(matches!(journal.commit(), Err(CommitError::Failed(_))));
        let (files, syncs) = (disk.files(), disk.syncs());
        disk.set_faults(Faults::default());
        assert!(matches!(journal.commit(), Err(CommitError::Failed(_))));
        assert!(matches!(journal.persist_mark(), Err(CommitError::Failed(_))));
        assert!(matches!(journal.prepare(), Err(CommitError::Failed(_))));
        assert_eq!(journal.stored_through(), good);
        assert!(matches!(journal.close(), Err(CommitError::Failed(_))));
        assert_eq!((disk.files(), disk.syncs()), (files, syncs));

        // The process starts again and shows what it read to others; then the power goes.
        let (_, _, seen) = open(&disk).expect("opens");
        assert!(seen.len() as u64 >= good && line.starts_with(&seen));
        let (_, _, records) = open(&disk.power_cut()).expect("opens");
        assert_eq!(records, seen, "what a start has shown is durable, whatever the failed sync forgot");
    }
}

#[test]
fn a_commit_costs_one_sync() {
    let disk = SimDisk::new(3);
    let config = Config { segment_bytes: 1 << 20, ..config() };
    let (mut journal, _) = Journal::open(disk.clone(), config, &mut each(|_| {})).expect("opens");
    let before = disk.syncs();
    for _ in 0..100 {
        for _ in 0..5 {
            append(&mut journal, &record(300));
        }
        journal.commit().expect("commits");
    }
    journal.commit().expect("nothing to do");
    assert_eq!(disk.syncs() - before, 100);
}

#[test]
fn a_commit_larger_than_a_segment_is_stored_whole() {
    let disk = SimDisk::new(4);
    let (mut journal, ..) = open(&disk).expect("opens");
    let mut rng = Pcg64Mcg::seed_from_u64(4);
    let line: Vec<Kept> = (0..200).map(|_| random_record(&mut rng)).collect();
    line.iter().for_each(|record| append(&mut journal, record));
    journal.commit().expect("commits");
    let (_, report, records) = open(&disk.power_cut()).expect("opens");
    assert!(report.segments > 5);
    assert_eq!(records, line);
}

#[test]
fn the_longest_payload_fits_and_a_longer_one_is_refused() {
    let disk = SimDisk::new(5);
    for segment_bytes in [4096, SEGMENT_BYTES, 4 << 20] {
        let config = Config { segment_bytes, ..config() };
        let (mut journal, _) = Journal::open(disk.clone(), config, &mut each(|_| {})).expect("opens");
        let bytes_max = journal.payload_bytes_max();
        assert_eq!(bytes_max == PAYLOAD_BYTES_MAX, segment_bytes == 4 << 20);
        for _ in 0..3 {
            append(&mut journal, &record(bytes_max));
            journal.commit().expect("commits");
        }
        let bytes = bytes_max + 1;
        assert_eq!(journal.append(1, &vec![0; bytes]), Err(AppendError::TooLong { bytes, bytes_max }));
        assert_eq!(journal.append(0xF0, b""), Err(AppendError::Kind(0xF0)));
        let last = journal.stored_through();
        assert_eq!(journal.reader().read(last).expect("reads").payload.len(), bytes_max);
    }
    let mut lengths = Vec::new();
    drop(Journal::open(disk, config(), &mut each(|entry| lengths.push(entry.payload.len()))).expect("opens"));
    assert_eq!(lengths.len(), 9);
}

#[test]
fn segment_lengths_that_cannot_work_are_refused() {
    for segment_bytes in [0, 4095, 5000, 2 << 30] {
        let config = Config { segment_bytes, ..config() };
        match Journal::open(SimDisk::new(6), config, &mut each(|_| {})) {
            Err(OpenError::SegmentBytes(bytes)) => assert_eq!(bytes, segment_bytes),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_read_error_is_no_damage_and_no_loss() {
    let disk = SimDisk::new(7);
    let (mut journal, ..) = open(&disk).expect("opens");
    (0..50).for_each(|_| append(&mut journal, &record(200)));
    journal.commit().expect("commits");
    let reader = journal.reader();
    drop(journal);
    disk.set_faults(Faults { read_fails: 1.0, ..Faults::default() });
    assert!(matches!(reader.read(3), Err(ReadError::Disk(_))));
    assert!(matches!(open(&disk), Err(OpenError::Disk(_))));
    disk.set_faults(Faults { short: 0.5, ..Faults::default() });
    assert_eq!(open(&disk).expect("opens").2.len(), 50);
}

#[test]
fn every_record_is_read_by_its_number() {
    let disk = SimDisk::new(8);
    let mut rng = Pcg64Mcg::seed_from_u64(8);
    let config = Config { segment_bytes: 256 << 10, ..config() };
    let (mut journal, _) = Journal::open(disk.clone(), config, &mut each(|_| {})).expect("opens");
    let line: Vec<Kept> = (0..2000).map(|_| random_record(&mut rng)).collect();
    for commit in line.chunks(7) {
        commit.iter().for_each(|record| append(&mut journal, record));
        journal.commit().expect("commits");
    }
    let check = |journal: &Journal<SimDisk>| {
        let reader = journal.reader();
        assert_eq!(reader.stored_through(), 2000);
        for (sequence, kept) in (1..).zip(&line) {
            let record = reader.read(sequence).expect("reads");
            assert_eq!((record.kind, &record.payload[..]), (kept.kind, &kept.payload[..]));
        }
        assert!(matches!(reader.read(0), Err(ReadError::Absent(0))));
        assert!(matches!(reader.read(2001), Err(ReadError::Absent(2001))));
    };
    check(&journal);
    drop(journal);
    let (mut journal, _) = Journal::open(disk, config, &mut each(|_| {})).expect("opens");
    check(&journal);
    append(&mut journal, &record(5));
    assert!(matches!(journal.reader().read(2001), Err(ReadError::Absent(_))), "appended, not stored");
}

#[test]
fn a_record_damaged_after_the_start_is_not_served() {
    let disk = SimDisk::new(9);
    let (mut journal, ..) = open(&disk).expect("opens");
    (0..20).for_each(|_| append(&mut journal, &record(200)));
    journal.commit().expect("commits");
    let reader = journal.reader();
    let file = crate::disk::Disk::open(&disk, "segment-0000000001").expect("opens");
    crate::disk::write_all_at(&file, b"!", 128 + 9 * 256 + 100).expect("writes");
    assert!(matches!(reader.read(10), Err(ReadError::Damaged { sequence: 10, .. })));
    assert_eq!(reader.read(11).expect("reads").payload.len(), 200);
    crate::disk::write_all_at(&file, &[0xFF; 16], 128 + 9 * 256).expect("writes");
    assert!(matches!(reader.read(11), Err(ReadError::Damaged { sequence: 11, .. })), "the walk ends at damage");
}

#[test]
fn a_torn_commit_of_many_records_is_cut_though_whole_ones_follow_the_torn_one() {
    let disk = SimDisk::new(10);
    let (mut journal, ..) = open(&disk).expect("opens");
    append(&mut journal, &record(100));
    journal.commit().expect("commits");
    (0..10).for_each(|_| append(&mut journal, &record(400)));
    journal.commit().expect("commits");
    let mut files = disk.files();
    // The third record of the second commit is torn. Nothing shows that the commit was ever synced.
    files.get_mut("segment-0000000001").expect("is there")[128 + 160 + 2 * 456 + 60..][..300].fill(0);
    let torn = SimDisk::from_files(&files);
    let (mut journal, report, records) = open(&torn).expect("opens");
    assert_eq!(records.len(), 3);
    assert_eq!(report.cut.as_ref().map(|cut| cut.offset), Some(128 + 160 + 2 * 456));
    append(&mut journal, &record(50));
    journal.commit().expect("commits");
    drop(journal);
    assert_eq!(open(&torn.power_cut()).expect("opens").2.len(), 4, "nothing of the cut comes back");

    // One more commit behind it, and the same damage is damage.
    let disk = SimDisk::from_files(&disk.files());
    let (mut journal, ..) = open(&disk).expect("opens");
    append(&mut journal, &record(50));
    journal.commit().expect("commits");
    let mut files = disk.files();
    files.insert("mark".to_owned(), torn.files()["mark"].clone());
    files.get_mut("segment-0000000001").expect("is there")[128 + 160 + 2 * 456 + 60..][..300].fill(0);
    match open(&SimDisk::from_files(&files)) {
        Err(OpenError::Damaged { reason: Damage::BeforeGood { sequence: 4, .. }, .. }) => {}
        other => panic!("{other:?}"),
    }
}
