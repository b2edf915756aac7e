//! The journal on the real file system.

use bytes::Bytes;

use super::config;
use crate::{Batch, Config, Journal, Notice, OpenError, RealDisk, each, start};

#[test]
fn a_journal_is_kept_on_the_real_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("deep/journal");
    for round in 0..5_u64 {
        let mut count = 0;
        let disk = RealDisk::open(&path).expect("opens");
        let (journal, report) = Journal::open(
            disk,
            config(),
            &mut each(|entry| {
                count += 1;
                assert_eq!((entry.sequence, entry.payload.len() as u64), (count, entry.sequence % 700));
            }),
        )
        .expect("opens");
        assert_eq!((count, report.cut), (round * 100, None));
        let (sender, notices) = std::sync::mpsc::channel();
        let (writer, reader) = start(journal, move |notice| drop(sender.send(notice))).expect("starts");
        for sequence in count + 1..=count + 100 {
            let payload = vec![1; usize::try_from(sequence % 700).unwrap()];
            writer.submit(Batch { records: vec![(sequence, 3, Bytes::from(payload))] }).expect("takes it");
        }
        assert_eq!(writer.shutdown().expect("stops"), count + 100);
        assert!(notices.iter().all(|notice| matches!(notice, Notice::Stored { .. })));
        assert_eq!(reader.read(77).expect("reads").payload.len(), 77);
    }
}

#[test]
fn a_second_owner_is_refused_until_the_first_is_gone() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = RealDisk::open(directory.path()).expect("opens");
    assert!(matches!(RealDisk::open(directory.path()), Err(OpenError::Locked { .. })));
    let (journal, _) =
        Journal::open(first, Config { segment_bytes: 4096, ..config() }, &mut each(|_| {})).expect("opens");
    assert!(matches!(RealDisk::open(directory.path()), Err(OpenError::Locked { .. })));
    drop(journal);
    RealDisk::open(directory.path()).expect("opens");
}

#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal");
    let disk = RealDisk::open(&path).expect("opens");
    drop(Journal::open(disk, config(), &mut each(|_| {})).expect("opens"));
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let files: Vec<_> = std::fs::read_dir(&path).expect("reads").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(files.len(), 3);
    assert!(files.iter().all(|file| mode(file) == 0o600));
}

#[test]
fn other_files_in_the_directory_are_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["notes.txt", "segment-x", "segment-1"] {
        std::fs::write(directory.path().join(name), "mine").expect("writes");
    }
    for _ in 0..2 {
        let disk = RealDisk::open(directory.path()).expect("opens");
        let (journal, _) = Journal::open(disk, config(), &mut each(|_| {})).expect("opens");
        journal.close().expect("closes");
    }
    for name in ["notes.txt", "segment-x", "segment-1"] {
        assert_eq!(std::fs::read(directory.path().join(name)).expect("reads"), b"mine");
    }
}
