//! The writer's thread: order, group commit, full disk and back, failures, shut-down.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use bytes::Bytes;

use super::disk::{Faults, SimDisk};
use super::{SEGMENT_BYTES, config, open};
use crate::{AppendError, Batch, Config, Journal, Notice, Reader, ShutdownError, Writer, each, start};

fn started(disk: &SimDisk, config: Config) -> (Writer, Reader<SimDisk>, Receiver<Notice>) {
    let (journal, _) = Journal::open(disk.clone(), config, &mut each(|_| {})).expect("opens");
    let (sender, notices) = mpsc::channel();
    let (writer, reader) = start(journal, move |notice| drop(sender.send(notice))).expect("starts");
    (writer, reader, notices)
}

fn batch(sequences: std::ops::RangeInclusive<u64>, bytes: usize) -> Batch {
    Batch { records: sequences.map(|sequence| (sequence, 1, Bytes::from(vec![7; bytes]))).collect() }
}

fn next(notices: &Receiver<Notice>) -> Notice {
    notices.recv_timeout(Duration::from_secs(60)).expect("a notice")
}

fn wait_stored(notices: &Receiver<Notice>, through: u64) -> u64 {
    let mut count = 0;
    let mut last = 0;
    while last < through {
        match next(notices) {
            Notice::Stored { through } => {
                assert!(through > last, "in order");
                last = through;
                count += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(last, through);
    count
}

#[test]
fn everything_submitted_is_stored_in_order_and_read_back() {
    let disk = SimDisk::new(1);
    let (writer, reader, notices) = started(&disk, config());
    for sequence in 1..=500 {
        writer.submit(batch(sequence..=sequence, 200)).expect("takes it");
    }
    wait_stored(&notices, 500);
    assert_eq!(reader.read(321).expect("reads").payload, vec![7; 200]);
    assert_eq!(writer.shutdown().expect("stops"), 500);
    let (_, report, records) = open(&disk.power_cut()).expect("opens");
    assert_eq!((records.len(), report.cut, report.mark_sequence), (500, None, 500));
    assert!(report.segments > 10);
}

#[test]
fn what_queues_while_a_commit_runs_becomes_one_commit() {
    let disk = SimDisk::new(2);
    let config = Config { segment_bytes: 1 << 20, ..config() };
    let (writer, _, notices) = started(&disk, config);
    // The keeper's sync of the next segment may be held too, so the first commit may be the second sync to be held.
    writer.submit(batch(1..=1, 10)).expect("takes it");
    wait_stored(&notices, 1);
    disk.set_faults(Faults { hold_syncs: true, ..Faults::default() });
    writer.submit(batch(2..=2, 10)).expect("takes it");
    disk.wait_for_held_syncs(1);
    for sequence in 3..=100 {
        writer.submit(batch(sequence..=sequence, 10)).expect("takes it");
    }
    assert!(notices.try_recv().is_err(), "nothing is stored while the sync is held");
    disk.set_faults(Faults::default());
    assert!(wait_stored(&notices, 100) <= 3);
    writer.shutdown().expect("stops");
}

#[test]
fn shutdown_stores_what_is_queued() {
    let disk = SimDisk::new(3);
    let (writer, _, notices) = started(&disk, config());
    writer.submit(batch(1..=300, 100)).expect("takes it");
    assert_eq!(writer.shutdown().expect("stops"), 300);
    assert_eq!(wait_stored(&notices, 300), 1);
    assert!(notices.recv().is_err(), "the thread has ended");
    assert_eq!(open(&disk.power_cut()).expect("opens").2.len(), 300);
}

#[test]
fn a_dropped_writer_stores_what_is_queued() {
    let disk = SimDisk::new(4);
    let (writer, _, notices) = started(&disk, config());
    writer.submit(batch(1..=30, 100)).expect("takes it");
    drop(writer);
    wait_stored(&notices, 30);
    assert!(notices.recv().is_err(), "the thread has ended");
}

#[test]
fn a_full_disk_is_said_once_and_the_writer_goes_on_by_itself() {
    let disk = SimDisk::new(5);
    let (writer, _, notices) = started(&disk, config());
    disk.set_faults(Faults { capacity: Some(0), ..Faults::default() });
    writer.submit(batch(1..=200, 100)).expect("takes it");
    let mut stored = 0;
    loop {
        match next(&notices) {
            Notice::Stored { through } => stored = through,
            Notice::Full { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(stored < 200);
    writer.submit(batch(201..=210, 100)).expect("takes more");
    disk.set_faults(Faults::default());
    loop {
        match next(&notices) {
            Notice::Stored { through } => stored = through,
            Notice::Open => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(stored >= 200, "open is said after the stored that shows it");
    assert_eq!(writer.shutdown().expect("stops"), 210);
    assert_eq!(open(&disk.power_cut()).expect("opens").2.len(), 210);
}

#[test]
fn shutdown_does_not_wait_for_room() {
    let disk = SimDisk::new(6);
    let config = Config { full_retry: Duration::from_secs(3600), ..config() };
    let (writer, _, notices) = started(&disk, config);
    disk.set_faults(Faults { write_finds_full: 1.0, ..Faults::default() });
    writer.submit(batch(1..=1, 100)).expect("takes it");
    assert!(matches!(next(&notices), Notice::Full { .. }));
    match writer.shutdown() {
        Err(ShutdownError::Full { stored_through: 0 }) => {}
        other => panic!("{other:?}"),
    }
    assert!(open(&disk.power_cut()).expect("opens").2.is_empty());
}

#[test]
fn a_failed_sync_ends_the_writer() {
    let disk = SimDisk::new(7);
    let config = Config { segment_bytes: 1 << 20, ..config() };
    let (writer, _, notices) = started(&disk, config);
    writer.submit(batch(1..=5, 100)).expect("takes it");
    wait_stored(&notices, 5);
    disk.set_faults(Faults { sync_fails: 1.0, ..Faults::default() });
    writer.submit(batch(6..=6, 100)).expect("takes it");
    assert!(matches!(next(&notices), Notice::Failed { .. }));
    assert_eq!(writer.submit(batch(7..=7, 100)), Err(AppendError::Stopped));
    assert!(notices.recv().is_err(), "nothing is said after it");
    match writer.shutdown() {
        Err(ShutdownError::Failed { stored_through: 5 }) => {}
        other => panic!("{other:?}"),
    }
    assert!(open(&disk.power_cut()).expect("opens").2.len() >= 5);
}

#[test]
fn a_failed_chore_ends_the_writer_too() {
    // The mark is due at once after the first commit, on the keeper's thread.
    let disk = SimDisk::new(8);
    let config = Config { mark_interval: Duration::ZERO, segment_bytes: SEGMENT_BYTES, ..config() };
    let (writer, _, notices) = started(&disk, config);
    disk.set_faults(Faults { sync_fails: 0.2, ..Faults::default() });
    let mut sequence = 0;
    while writer.submit(batch(sequence + 1..=sequence + 1, 10)).is_ok() {
        sequence += 1;
    }
    loop {
        match next(&notices) {
            Notice::Stored { .. } => {}
            Notice::Failed { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(writer.shutdown(), Err(ShutdownError::Failed { .. })));
}

#[test]
fn an_idle_writer_brings_the_mark_up() {
    let disk = SimDisk::new(9);
    let config = Config { mark_interval: Duration::from_millis(1), segment_bytes: 1 << 20, ..config() };
    let (writer, _, notices) = started(&disk, config);
    writer.submit(batch(1..=9, 10)).expect("takes it");
    wait_stored(&notices, 9);
    // Nothing more comes, and yet the mark is written.
    let marked =
        || Journal::open(SimDisk::from_files(&disk.files()), config, &mut each(|_| {})).map(|it| it.1.mark_sequence);
    while marked().expect("opens") < 9 {
        std::thread::yield_now();
    }
    drop(writer);
}

#[test]
fn a_wrong_batch_is_refused_whole() {
    let disk = SimDisk::new(10);
    let (writer, _, _notices) = started(&disk, config());
    assert_eq!(writer.submit(batch(2..=3, 10)), Err(AppendError::Sequence { expected: 1, found: 2 }));
    let mut gap = batch(1..=2, 10);
    gap.records[1].0 = 3;
    assert_eq!(writer.submit(gap), Err(AppendError::Sequence { expected: 2, found: 3 }));
    let mut own = batch(1..=2, 10);
    own.records[1].1 = 0xFF;
    assert_eq!(writer.submit(own), Err(AppendError::Kind(0xFF)));
    assert!(matches!(writer.submit(batch(1..=1, 8192)), Err(AppendError::TooLong { bytes: 8192, .. })));
    writer.submit(batch(1..=2, 10)).expect("nothing of the others was taken");
    assert_eq!(writer.shutdown().expect("stops"), 2);
}

#[test]
fn debug_texts_hold_no_payload() {
    let disk = SimDisk::new(11);
    let (mut journal, ..) = open(&disk).expect("opens");
    journal.append(1, b"SECRET").expect("fits");
    let record = crate::Record { kind: 1, payload: Bytes::from_static(b"SECRET") };
    let entry = crate::Entry { sequence: 1, kind: 1, payload: b"SECRET" };
    let batch = Batch { records: vec![(1, 1, Bytes::from_static(b"SECRET"))] };
    let text = format!("{journal:?} {record:?} {entry:?} {batch:?}");
    assert!(!text.contains("SECRET") && !text.contains("83, 69"), "{text}");
}
