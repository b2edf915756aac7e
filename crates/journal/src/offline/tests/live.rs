//! Goal: a journal that is being written and pruned is never called damaged. Method: one thread writes as fast as it can,
//! another one checks, again and again.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::super::files::{Directory, Memory, Source};
use super::super::finding::Problem;
use super::super::pace::Pace;
use super::super::verify::{Verified, check};
use super::{checkpoint, payload};
use crate::error::Damage;
use crate::view::ReadAt;
use crate::{Config, Journal, RealDisk, each};

#[test]
fn a_journal_that_is_being_written_is_whole_at_every_look() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config { segment_bytes: 64 << 10, ..super::config() };
    let disk = RealDisk::open(directory.path()).expect("opens");
    let (mut journal, _) = Journal::open(disk, config, &mut each(|_| {})).expect("opens");
    let done = AtomicBool::new(false);
    let mut looks: Vec<Verified> = Vec::new();
    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut rng = Pcg64Mcg::seed_from_u64(41);
            while !done.load(Ordering::Relaxed) {
                for _ in 0..5 {
                    journal.append(5, &payload(&mut rng, 3000)).expect("appends");
                }
                journal.commit().expect("commits");
                if journal.stored_through().is_multiple_of(50) {
                    journal.persist_mark().expect("persists");
                }
                if journal.stored_through().is_multiple_of(200) {
                    checkpoint(&journal);
                    journal.retain(journal.stored_through().saturating_sub(300)).expect("prunes");
                }
            }
            journal.stored_through()
        });
        while looks.len() < 60 || looks.last().is_none_or(|seen| seen.first_segment < 5) {
            let source = Directory(directory.path().to_owned());
            let seen = check(&source, None, &Pace::new(None, &mut |_| {})).expect("reads").expect("a journal");
            looks.push(seen);
        }
        done.store(true, Ordering::Relaxed);
        writer.join().expect("writes")
    });
    for seen in &looks {
        assert!(seen.is_whole(), "{:?}", seen.findings);
    }
    let ends: Vec<u64> = looks.iter().map(|seen| seen.last_sequence).collect();
    assert!(ends.is_sorted() && ends.last() <= Some(&written), "{ends:?}");
    assert!(ends.first() < ends.last(), "{ends:?}");
}

/// A file of which the first look sees the end newer than the beginning, as one does that reads while it is written.
struct Moving<'a> {
    /// What lies before the place that was not written yet is in both.
    old: &'a [u8],
    new: &'a [u8],
    place: std::ops::Range<usize>,
    /// Looks at the place until it is there.
    looks: std::cell::Cell<u32>,
}

impl ReadAt for &Moving<'_> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.new.len() as u64)
    }

    fn read_full(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).expect("small");
        let count = bytes.len().min(self.new.len().saturating_sub(from));
        bytes[..count].copy_from_slice(&self.new[from..from + count]);
        let hidden = self.place.start.max(from)..self.place.end.min(from + count);
        if !hidden.is_empty() && self.looks.get() > 0 {
            self.looks.set(self.looks.get() - 1);
            bytes[hidden.start - from..hidden.end - from].copy_from_slice(&self.old[hidden]);
        }
        Ok(count)
    }
}

struct MovingSource<'a> {
    files: &'a Memory,
    name: &'a str,
    moving: Moving<'a>,
}

enum Either<'a> {
    Still(&'a [u8]),
    Moving(&'a Moving<'a>),
}

impl ReadAt for Either<'_> {
    fn length(&self) -> io::Result<u64> {
        match self {
            Either::Still(file) => file.length(),
            Either::Moving(file) => file.length(),
        }
    }

    fn read_full(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Either::Still(file) => file.read_full(bytes, offset),
            Either::Moving(file) => file.read_full(bytes, offset),
        }
    }
}

impl<'a> Source for &'a MovingSource<'a> {
    type File = Either<'a>;

    fn names(&self) -> io::Result<Vec<String>> {
        self.files.names()
    }

    fn open(&self, name: &str) -> io::Result<Either<'a>> {
        if name == self.name {
            return Ok(Either::Moving(&self.moving));
        }
        self.files.open(name).map(Either::Still)
    }
}

#[test]
fn a_commit_that_appears_between_two_looks_is_no_damage_and_one_that_never_does_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = super::open(directory.path());
    let mut commit = |bytes: usize| {
        journal.append(5, &vec![7; bytes]).expect("appends");
        journal.commit().expect("commits");
    };
    commit(200);
    let old = super::files(directory.path());
    commit(300);
    commit(100);
    let new = super::files(directory.path());
    let (name, end) = ("segment-0000000001", 128 + 56 + 200);
    let place = end..end + 56 + 304;
    // The whole segment is one read: the first sees record 3 and not record 2, and so does every one in the control.
    for (looks, whole) in [(0, true), (1, true), (u32::MAX, false)] {
        let moving = Moving { old: &old[name], new: &new[name], place: place.clone(), looks: looks.into() };
        let source = MovingSource { files: &new, name, moving };
        let seen = check(&&source, None, &Pace::new(None, &mut |_| {})).expect("reads").expect("a journal");
        assert_eq!(seen.is_whole(), whole, "{:?}", seen.findings);
        assert_eq!(seen.last_sequence, 3);
        if !whole {
            let problem = &seen.findings[0].problem;
            assert!(matches!(problem, Problem::Log(Damage::BeforeGood { sequence: 2, .. })), "{problem}");
        }
    }
}
