//! The writer's thread, the keeper's and a reader's under a scheduler that runs one of them at a time and draws which: ten thousand
//! orders of each scene, the same ones every time. The code is the journal's own; only threads, locks and clock are others.
//!
//! A failure prints its order; `shuttle::replay` runs that one alone. A thread that nobody wakes is a deadlock, and found.

#[expect(dead_code, reason = "the scenes need a part of what the disk can do")]
#[path = "disk.rs"]
mod disk;

use std::panic::{UnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use shuttle::scheduler::RandomScheduler;
use shuttle::sync::Mutex;
use shuttle::sync::mpsc::{self, Receiver};
use shuttle::{Runner, thread};

use self::disk::{Faults, Lie, SimDisk};
use crate::weaken::{Protection, Without};
use crate::{AppendError, Batch, Config, Journal, Notice, Reader, ShutdownError, Writer, each, start};

const SEED: u64 = 21;
const SCHEDULES: usize = 10_000;
/// A wait that only a notification ends.
const ENDLESS: Duration = Duration::MAX;

fn config() -> Config {
    // Three records to a segment, so that a scene rolls.
    Config { segment_bytes: 4096, mark_interval: ENDLESS, full_retry: Duration::from_millis(1) }
}

fn run(schedules: usize, scene: impl Fn() + Send + Sync + 'static) {
    let mut config = shuttle::Config::new();
    config.stack_size = 256 << 10;
    Runner::new(RandomScheduler::new_from_seed(SEED, schedules), config).run(scene);
}

/// Runs what must fail, and says with which words.
fn fails_with(scheduled: impl FnOnce() + UnwindSafe) -> String {
    let panic = catch_unwind(scheduled).expect_err("is found");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

type Started = (Writer, Reader<SimDisk>, Receiver<Notice>);

/// Starts the threads; `heard` is called with each notice, on the writer's thread, before it is passed on.
fn started(disk: &SimDisk, config: Config, heard: impl Fn(&Notice) + Send + 'static) -> Started {
    let (journal, _) = Journal::open(disk.clone(), config, &mut each(|_| {})).expect("opens");
    let (sender, notices) = mpsc::channel();
    let notify = move |notice| {
        heard(&notice);
        drop(sender.send(notice));
    };
    let (writer, reader) = start(journal, notify).expect("starts");
    (writer, reader, notices)
}

fn batch(sequences: std::ops::RangeInclusive<u64>) -> Batch {
    Batch { records: sequences.map(|sequence| (sequence, 1, Bytes::from(vec![7; 900]))).collect() }
}

/// How many records a power cut at this moment would leave for certain.
fn durable(disk: &SimDisk) -> u64 {
    let found = SimDisk::from_files(&disk.durable_files());
    Journal::open(found, config(), &mut each(|_| {})).map_or(0, |(_, report)| report.last_sequence)
}

/// Batches, a reader that waits for each record, and retention: what is said to be stored is stored, and everybody ends.
fn stores(lie: Option<Lie>) {
    let disk = SimDisk::new(SEED);
    let announced = Arc::new(Mutex::new(0));
    let (told, seen) = (Arc::clone(&announced), disk.clone());
    let (writer, reader, notices) = started(&disk, config(), move |notice| {
        if let Notice::Stored { through } = notice {
            let before = std::mem::replace(&mut *told.lock().unwrap(), *through);
            assert!(before < *through, "in order");
            assert!(durable(&seen) >= *through, "{through} is said to be durable");
        }
    });
    disk.set_faults(Faults { lie, ..Faults::default() });
    let waiting = thread::spawn(move || {
        let mut read = 0;
        while read < 5 {
            let through = reader.wait_stored(read, ENDLESS);
            assert!(through > read, "woken for a reason");
            for sequence in read + 1..=through {
                assert_eq!(reader.read(sequence).expect("reads").payload.len(), 900);
            }
            read = through;
        }
    });
    writer.submit(batch(1..=1)).expect("takes it");
    writer.submit(batch(2..=4)).expect("takes it");
    writer.retain(3);
    writer.submit(batch(5..=5)).expect("takes it");
    assert_eq!(writer.shutdown().expect("stops"), 5);
    waiting.join().expect("reads all");
    assert_eq!(*announced.lock().unwrap(), 5);
    let all: Vec<Notice> = notices.iter().collect();
    assert!(all.iter().all(|notice| matches!(notice, Notice::Stored { .. })), "{all:?}");
}

#[test]
fn what_is_said_to_be_stored_is_stored_in_every_order_of_threads() {
    run(SCHEDULES, || stores(None));
}

#[test]
fn control_a_sync_of_a_segment_that_does_nothing_is_found() {
    let found = fails_with(|| run(100, || stores(Some(Lie::Syncs("segment")))));
    assert!(found.contains("is said to be durable"), "{found}");
}

/// The disk begins to fail once the first record is stored: in the keeper's chores, or in the commits behind it.
fn fails(submit_more: bool) {
    let disk = SimDisk::new(SEED);
    let announced = Arc::new(Mutex::new(0));
    let (told, failing) = (Arc::clone(&announced), disk.clone());
    // The mark is due at once, so that the keeper has something to do that fails.
    let config = Config { mark_interval: Duration::ZERO, ..config() };
    let (writer, _, notices) = started(&disk, config, move |notice| {
        if let Notice::Stored { through } = notice {
            *told.lock().unwrap() = *through;
            failing.set_faults(Faults { sync_fails: 1.0, ..Faults::default() });
        }
    });
    writer.submit(batch(1..=1)).expect("takes it");
    let mut next = 2;
    while submit_more && next < 5 {
        match writer.submit(batch(next..=next)) {
            Ok(()) => next += 1,
            Err(error) => {
                assert_eq!(error, AppendError::Stopped);
                break;
            }
        }
    }
    let all: Vec<Notice> = notices.iter().collect();
    let failures = all.iter().filter(|notice| matches!(notice, Notice::Failed { .. })).count();
    assert!(failures == 1 && matches!(all.last(), Some(Notice::Failed { .. })), "said once, and last: {all:?}");
    assert_eq!(writer.submit(batch(next..=next)), Err(AppendError::Stopped));
    match writer.shutdown() {
        Err(ShutdownError::Failed { stored_through }) => assert_eq!(stored_through, *announced.lock().unwrap()),
        other => panic!("{other:?}"),
    }
    assert!(durable(&disk) >= *announced.lock().unwrap(), "what was said to be durable is");
}

#[test]
fn a_failure_of_commit_or_chore_ends_the_writer_in_every_order_of_threads() {
    run(SCHEDULES / 2, || fails(false));
    run(SCHEDULES / 2, || fails(true));
}

#[test]
fn control_a_keeper_that_wakes_the_writer_without_its_lock_leaves_it_asleep() {
    let found = fails_with(|| {
        let _without = Without::new(Some(Protection::WakeUnderLock));
        run(SCHEDULES, || fails(false));
    });
    assert!(found.contains("deadlock"), "{found}");
}

#[test]
fn a_full_disk_and_room_again_lose_nothing_in_every_order_of_threads() {
    run(SCHEDULES, || {
        let disk = SimDisk::new(SEED);
        let (hears, is_full) = mpsc::channel();
        let (writer, reader, notices) = started(&disk, config(), move |notice| {
            if let Notice::Full { .. } = notice {
                hears.send(()).expect("said once");
            }
        });
        disk.set_faults(Faults { write_finds_full: 1.0, ..Faults::default() });
        let room = disk.clone();
        let frees = thread::spawn(move || {
            is_full.recv().expect("is said");
            room.set_faults(Faults::default());
        });
        writer.submit(batch(1..=2)).expect("takes it");
        writer.submit(batch(3..=4)).expect("takes it");
        while reader.wait_stored(3, ENDLESS) < 4 {}
        frees.join().expect("ends");
        assert_eq!(writer.shutdown().expect("stops"), 4);
        let (mut full, mut through) = (false, 0);
        for notice in notices.iter() {
            match notice {
                Notice::Stored { through: now } => {
                    assert!(now > through, "in order");
                    through = now;
                }
                Notice::Full { .. } => assert!(!std::mem::replace(&mut full, true), "said once"),
                Notice::Open => assert!(std::mem::replace(&mut full, false), "said after the disk was full"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((full, through, durable(&disk)), (false, 4, 4));
    });
}
