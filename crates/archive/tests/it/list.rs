//! A journal in memory.

use std::cell::Cell;

use archive::{Archive, Budget, Filled, Source};
use journal::{Entry, JournalId, ReadError, Record};

use crate::traffic::{Traffic, Written};

/// Records from 1 on, of which the first may be gone and the last not be durable yet.
pub(crate) struct List {
    pub(crate) id: JournalId,
    pub(crate) records: Vec<Written>,
    pub(crate) first: Cell<u64>,
    pub(crate) stored: Cell<u64>,
}

impl List {
    pub(crate) fn new(records: Vec<Written>) -> Self {
        let stored = records.last().map_or(0, |record| record.sequence);
        Self { id: JournalId([7; 16]), records, first: Cell::new(1), stored: Cell::new(stored) }
    }

    /// Some hours of traffic in which one message in eight goes wrong.
    pub(crate) fn traffic(seed: u64, records: usize) -> Self {
        Self::of(Traffic::new(seed, std::time::Duration::from_secs(4), 8), records)
    }

    pub(crate) fn of(mut traffic: Traffic, records: usize) -> Self {
        Self::new((0..records).map(|_| traffic.next_record()).collect())
    }
}

impl Source for List {
    fn journal(&self) -> JournalId {
        self.id
    }

    fn first_sequence(&self) -> u64 {
        self.first.get()
    }

    fn stored_through(&self) -> u64 {
        self.stored.get()
    }

    fn read(&self, sequence: u64) -> Result<Record, ReadError> {
        let kept = (self.first.get()..=self.stored.get()).contains(&sequence);
        let record = kept.then(|| self.records.iter().find(|record| record.sequence == sequence)).flatten();
        record
            .map(|record| Record { kind: record.kind, payload: record.payload.clone() })
            .ok_or(ReadError::Absent(sequence))
    }

    fn scan(
        &self,
        from: u64,
        more: &mut dyn FnMut() -> bool,
        visit: &mut dyn FnMut(Entry<'_>),
    ) -> Result<(), ReadError> {
        let wanted = self.records.iter().filter(|r| r.sequence >= from && r.sequence <= self.stored.get());
        for record in wanted.take_while(|_| more()) {
            if record.sequence < self.first.get() {
                return Err(ReadError::Absent(record.sequence));
            }
            visit(Entry { sequence: record.sequence, kind: record.kind, payload: &record.payload });
        }
        Ok(())
    }
}

/// So many records a call.
pub(crate) fn records(records: u64) -> Budget {
    Budget { records, time: std::time::Duration::from_secs(60) }
}

/// Fills until nothing is left; the first call's answer.
pub(crate) fn fill(archive: &mut Archive, source: &impl Source) -> Filled {
    let first = archive.fill(source, records(1_000)).unwrap();
    let mut behind = first.behind;
    while behind > 0 {
        behind = archive.fill(source, records(1_000)).unwrap().behind;
    }
    first
}

/// Seeds of a test: `SEED` replays one.
pub(crate) fn seeds(count: u64) -> Vec<u64> {
    std::env::var("SEED").map_or_else(|_| (1..=count).collect(), |seed| vec![seed.parse().expect("SEED is a number")])
}

/// Opens a file that nobody else fills. A test that starts a process at this moment lends it the lock until that runs its
/// own program, so it is tried again.
pub(crate) fn open(path: &std::path::Path, shard_rows: u64) -> Archive {
    loop {
        match Archive::open_with(path, shard_rows) {
            Err(archive::Error::Busy(_)) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}
