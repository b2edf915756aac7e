//! Goal: a backup that was finished is a whole journal as it was at one moment, whatever the switch did meanwhile; any other
//! one is refused.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::super::backup::{BackedUp, BackupError, MANIFEST, UNFINISHED_BACKUP, backup};
use super::super::restore::{RestoreError, Restored, restore};
use super::super::stats::stats;
use super::{Pace, checkpoint, config, files, open, payload, start, verified};
use crate::{Config, Journal, RealDisk, each};

fn back_up(from: &Path, out: &Path) -> Result<BackedUp, BackupError> {
    backup(from, out, 1_700_000_000_000_000, &Pace::new(None, &mut |_| {}))
}

fn put_back(from: &Path, journal: &Path) -> Result<Restored, RestoreError> {
    restore(from, journal, &Pace::new(None, &mut |_| {}))
}

#[test]
fn a_backup_of_a_journal_that_is_written_and_pruned_restores_to_what_it_was() {
    let base = tempfile::tempdir().expect("a directory");
    let directory = base.path().join("journal");
    let config = Config { segment_bytes: 32 << 10, ..config() };
    let disk = RealDisk::open(&directory).expect("opens");
    let (mut journal, _) = Journal::open(disk, config, &mut each(|_| {})).expect("opens");
    let (done, stored) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut backups = Vec::new();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut rng = Pcg64Mcg::seed_from_u64(61);
            let mut turn = 0;
            while !done.load(Ordering::Relaxed) {
                for _ in 0..4 {
                    let bytes = payload(&mut rng, 2000);
                    let sequence = journal.next_sequence();
                    journal.append(5, &[&sequence.to_le_bytes(), &bytes[..]].concat()).expect("appends");
                }
                journal.commit().expect("commits");
                stored.store(journal.stored_through(), Ordering::Relaxed);
                journal.persist_mark().expect("persists");
                turn += 1;
                if turn % 25 == 0 {
                    checkpoint(&journal);
                    journal.retain(journal.stored_through().saturating_sub(150)).expect("prunes");
                }
            }
        });
        while stored.load(Ordering::Relaxed) < 500 {
            thread::yield_now();
        }
        for number in 0..8 {
            let before = stored.load(Ordering::Relaxed);
            let out = base.path().join(format!("backup-{number}"));
            let backed_up = back_up(&directory, &out).expect("backs up");
            assert!(backed_up.covered && backed_up.manifest.sequence >= before, "{backed_up:?}");
            backups.push((out, backed_up));
        }
        done.store(true, Ordering::Relaxed);
        writer.join().expect("writes");
    });
    assert!(backups.last().expect("some").1.manifest.first_sequence > 1, "it was pruned");
    for (out, BackedUp { manifest, .. }) in backups {
        let target = base.path().join("restored");
        let restored = put_back(&out, &target).expect("restores");
        assert_eq!(restored.verified.last_sequence, manifest.sequence);
        let (journal, report, model) = start(&target).expect("opens");
        assert_eq!((model.count, report.cut, report.checkpoint), (manifest.sequence, None, manifest.checkpoint));
        for (sequence, payload) in &model.records {
            assert_eq!(payload[..8], sequence.to_le_bytes());
        }
        assert_eq!(journal.reader().first_sequence(), manifest.first_sequence);
        // It can be gone on with.
        drop(journal);
        fs::remove_dir_all(&target).expect("removes");
    }
}

#[test]
fn a_backup_is_a_journal_itself_and_numbers_go_on() {
    let base = tempfile::tempdir().expect("a directory");
    let (directory, out) = (base.path().join("journal"), base.path().join("out"));
    let mut journal = open(&directory);
    let mut rng = Pcg64Mcg::seed_from_u64(62);
    for round in 0..3 {
        for _ in 0..30 {
            journal.append(5, &payload(&mut rng, 300)).expect("appends");
        }
        journal.commit().expect("commits");
        journal.persist_mark().expect("persists");
        let out = base.path().join(format!("out-{round}"));
        let backed_up = back_up(&directory, &out).expect("backs up");
        let seen = verified(&files(&out), None);
        assert_eq!((seen.findings.len(), seen.last_sequence), (0, backed_up.manifest.sequence));
        assert_eq!(seen.hash, journal.reader().head().hash);
        let target = base.path().join(format!("target-{round}"));
        put_back(&out, &target).expect("restores");
        let (mut again, ..) = start(&target).expect("opens");
        assert_eq!(again.next_sequence(), journal.next_sequence());
        again.append(1, b"more").expect("appends");
        again.commit().expect("commits");
        again.close().expect("closes");
        assert!(verified(&files(&target), None).findings.is_empty());
    }
    // An empty journal is one too.
    let empty = base.path().join("empty");
    open(&empty).close().expect("closes");
    back_up(&empty, &out).expect("backs up");
    put_back(&out, &base.path().join("empty-again")).expect("restores");
    assert_eq!(start(&base.path().join("empty-again")).expect("opens").2.count, 0);
}

#[test]
fn what_is_no_finished_backup_is_refused() {
    let base = tempfile::tempdir().expect("a directory");
    let (directory, out, target) = (base.path().join("journal"), base.path().join("out"), base.path().join("target"));
    let mut journal = open(&directory);
    for _ in 0..40 {
        journal.append(5, &[3; 250]).expect("appends");
        journal.commit().expect("commits");
    }
    journal.close().expect("closes");
    assert!(matches!(put_back(&directory, &target), Err(RestoreError::NoBackup { .. })), "a journal is no backup");
    back_up(&directory, &out).expect("backs up");
    assert!(matches!(back_up(&directory, &out), Err(BackupError::NotEmpty(_))));
    assert!(matches!(back_up(&base.path().join("none"), &target), Err(BackupError::NoJournal(_))));
    assert!(!target.exists());

    // Interrupted before its manifest.
    let manifest = fs::read(out.join(MANIFEST)).expect("reads");
    fs::remove_file(out.join(MANIFEST)).expect("removes");
    fs::write(out.join(UNFINISHED_BACKUP), b"").expect("writes");
    match put_back(&out, &target) {
        Err(RestoreError::NoBackup { why, .. }) => assert!(why.contains("not finished"), "{why}"),
        other => panic!("{other:?}"),
    }
    fs::write(out.join(MANIFEST), manifest).expect("writes");

    // Changed since.
    let segment = out.join("segment-0000000002");
    let mut bytes = fs::read(&segment).expect("reads");
    bytes[500] ^= 1;
    fs::write(&segment, &bytes).expect("writes");
    assert!(matches!(put_back(&out, &target), Err(RestoreError::Damaged(_))));
    bytes[500] ^= 1;
    fs::write(&segment, &bytes).expect("writes");
    assert!(!target.exists());

    // Not over anything.
    fs::create_dir(&target).expect("makes");
    fs::write(target.join("mine"), b"").expect("writes");
    assert!(matches!(put_back(&out, &target), Err(RestoreError::NotEmpty(_))));
    fs::remove_file(target.join("mine")).expect("removes");
    put_back(&out, &target).expect("restores into an empty directory");
    assert!(matches!(put_back(&out, &target), Err(RestoreError::NotEmpty(_))));

    // A damaged journal is not made a good backup.
    let segment = directory.join("segment-0000000001");
    let mut bytes = fs::read(&segment).expect("reads");
    bytes[700] ^= 1;
    fs::write(&segment, &bytes).expect("writes");
    let bad = base.path().join("bad");
    assert!(matches!(back_up(&directory, &bad), Err(BackupError::Damaged(_))));
    assert!(bad.join(UNFINISHED_BACKUP).exists() && !bad.join(MANIFEST).exists());
}

#[test]
fn stats_agree_with_what_is_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = open(directory.path());
    let mut rng = Pcg64Mcg::seed_from_u64(63);
    for number in 0..60 {
        journal.append(5, &payload(&mut rng, 300)).expect("appends");
        journal.commit().expect("commits");
        if number == 40 {
            checkpoint(&journal);
        }
    }
    journal.persist_mark().expect("persists");
    let stats = stats(directory.path()).expect("reads");
    let (reader, seen) = (journal.reader(), verified(&files(directory.path()), None));
    assert_eq!(stats.journal, reader.head().journal);
    assert_eq!((stats.first_sequence(), stats.last_sequence(), stats.records()), (1, 60, seen.records));
    assert_eq!((stats.segments.len() as u64, stats.mark_sequence), (seen.segments, 60));
    assert_eq!(stats.checkpoints, seen.checkpoints);
    let bytes: u64 = files(directory.path()).values().map(|bytes| bytes.len() as u64).sum();
    assert_eq!(stats.bytes(), bytes - 8192, "all but the mark");
}
