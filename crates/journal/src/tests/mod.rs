//! The journal on a simulated disk: crashes, damage, full disks, failing syncs, and the writer's thread.

mod checkpoint;
mod crash;
mod damage;
mod disk;
mod faults;
mod prune;
mod real;
mod scan;
mod writer;

use std::io::Write;
use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use self::disk::SimDisk;
use crate::{CheckpointError, Config, Entry, Journal, OpenError, Reader, Replay, Report, Section, each};

/// Small, so that every run rolls over several segments.
const SEGMENT_BYTES: u64 = 8192;

fn config() -> Config {
    Config {
        segment_bytes: SEGMENT_BYTES,
        mark_interval: Duration::from_secs(3600),
        full_retry: Duration::from_millis(1),
    }
}

/// A record as the tests keep it beside the journal.
#[derive(Clone, PartialEq, Eq)]
struct Kept {
    kind: u8,
    payload: Vec<u8>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind, self.payload.len())
    }
}

fn random_record(rng: &mut Pcg64Mcg) -> Kept {
    let length = match rng.random_range(0..10) {
        0 => 0,
        1..8 => rng.random_range(1..300),
        8 => rng.random_range(300..3000),
        _ => rng.random_range(3000..7000),
    };
    let mut payload = vec![0; length];
    rng.fill(payload.as_mut_slice());
    // Runs of zeros, as an unwritten sector has them.
    if rng.random_bool(0.1) {
        payload.fill(0);
    }
    Kept { kind: rng.random_range(0..0xF0), payload }
}

/// What a start folds the log into: every record, so that nothing can be restored wrongly without being seen.
#[derive(Debug, Default)]
struct Model {
    records: Vec<Kept>,
    /// Refuses checkpoints for records behind this one.
    refuses_behind: Option<usize>,
    /// Checkpoints that were offered.
    offered: usize,
    replayed: u64,
}

impl Replay for Model {
    fn restore(&mut self, sections: &[Section<'_>]) -> Result<(), String> {
        self.offered += 1;
        assert!(self.records.is_empty(), "at most one is restored, before any record");
        let [Section { name: "kinds", version: 3, bytes: kinds }, Section { name: "payloads", version: 1, bytes }] =
            sections
        else {
            panic!("{sections:?}");
        };
        if self.refuses_behind.is_some_and(|last| kinds.len() > last) {
            return Err("too new".to_owned());
        }
        let mut bytes = *bytes;
        for kind in *kinds {
            let (length, rest) = bytes.split_first_chunk().expect("a length");
            let (payload, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
            self.records.push(Kept { kind: *kind, payload: payload.to_vec() });
            bytes = rest;
        }
        assert!(bytes.is_empty());
        Ok(())
    }

    fn record(&mut self, entry: Entry<'_>) {
        assert_eq!(entry.sequence, self.records.len() as u64 + 1, "replay is in order, without gaps");
        self.replayed += 1;
        self.records.push(Kept { kind: entry.kind, payload: entry.payload.to_vec() });
    }
}

/// Makes a checkpoint of `line` for its record `through`, as a [`Model`] restores it.
fn checkpoint(reader: &Reader<SimDisk>, line: &[Kept], through: usize) -> Result<u64, CheckpointError> {
    let mut scan = reader.scan(through as u64);
    scan.next_records(1, &mut |_| {})?;
    reader.checkpoint(through as u64, scan.hash(), |writer| {
        writer.section("kinds", 3)?;
        for kept in &line[..through] {
            writer.write_all(&[kept.kind])?;
        }
        writer.section("payloads", 1)?;
        for kept in &line[..through] {
            writer.write_all(&u32::try_from(kept.payload.len()).expect("short").to_le_bytes())?;
            writer.write_all(&kept.payload)?;
        }
        Ok(())
    })
}

/// Opens into a model.
fn restore(disk: &SimDisk) -> Result<(Journal<SimDisk>, Report, Model), OpenError> {
    let mut model = Model::default();
    let (journal, report) = Journal::open(disk.clone(), config(), &mut model)?;
    assert_eq!(report.last_sequence, model.records.len() as u64);
    assert_eq!(report.replayed, model.replayed);
    assert_eq!(journal.next_sequence(), report.last_sequence + 1);
    Ok((journal, report, model))
}

type Opened = (Journal<SimDisk>, Report, Vec<Kept>);

/// Opens and collects what is replayed.
fn open(disk: &SimDisk) -> Result<Opened, OpenError> {
    let mut records = Vec::new();
    let (journal, report) = Journal::open(
        disk.clone(),
        config(),
        &mut each(|entry| {
            assert_eq!(entry.sequence, records.len() as u64 + 1, "replay is in order, without gaps");
            records.push(Kept { kind: entry.kind, payload: entry.payload.to_vec() });
        }),
    )?;
    assert_eq!(report.records, records.len() as u64);
    assert_eq!(journal.next_sequence(), records.len() as u64 + 1);
    Ok((journal, report, records))
}

fn append(journal: &mut Journal<SimDisk>, record: &Kept) {
    journal.append(record.kind, &record.payload).expect("fits");
}
