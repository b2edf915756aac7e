//! The journal on a simulated disk: crashes, damage, full disks, failing syncs, and the writer's thread.

mod crash;
mod damage;
mod disk;
mod faults;
mod real;
mod writer;

use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use self::disk::SimDisk;
use crate::{Config, Journal, OpenError, Report};

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
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    kind: u8,
    payload: Vec<u8>,
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

type Opened = (Journal<SimDisk>, Report, Vec<Kept>);

/// Opens and collects what is replayed.
fn open(disk: &SimDisk) -> Result<Opened, OpenError> {
    let mut records = Vec::new();
    let (journal, report) = Journal::open(disk.clone(), config(), |entry| {
        assert_eq!(entry.sequence, records.len() as u64 + 1, "replay is in order, without gaps");
        records.push(Kept { kind: entry.kind, payload: entry.payload.to_vec() });
    })?;
    assert_eq!(report.records, records.len() as u64);
    assert_eq!(journal.next_sequence(), records.len() as u64 + 1);
    Ok((journal, report, records))
}

fn append(journal: &mut Journal<SimDisk>, record: &Kept) {
    journal.append(record.kind, &record.payload).expect("fits");
}
