//! What the records say and what they add up to: all of it follows from a seed, so that another process can tell.

use std::io::{self, Write as _};

use journal::{CheckpointWriter, Entry, Replay, Section};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

const PAYLOAD_BYTES_MAX: usize = 1500;
const SECTION: &str = "sum";
const VERSION: u32 = 1;

/// Kind and payload of a record.
pub(crate) fn record(seed: u64, sequence: u64) -> (u8, Vec<u8>) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed ^ sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut payload = vec![0; rng.random_range(0..=PAYLOAD_BYTES_MAX)];
    rng.fill(&mut payload[..]);
    (rng.random_range(0..0xF0), payload)
}

/// What a journal of such records is folded into.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    seed: u64,
    /// The last record that is in it.
    pub(crate) sequence: u64,
    sum: u64,
    /// The first record that was not what the seed says.
    pub(crate) wrong: Option<u64>,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, sequence: 0, sum: 0, wrong: None }
    }

    /// Writes it into a checkpoint.
    pub(crate) fn store(&self, writer: &mut CheckpointWriter<'_>) -> io::Result<()> {
        writer.section(SECTION, VERSION)?;
        writer.write_all(&self.sequence.to_le_bytes())?;
        writer.write_all(&self.sum.to_le_bytes())?;
        // Some bulk, so that a torn checkpoint has something to be torn in.
        writer.section("bulk", VERSION)?;
        writer.write_all(&vec![0x5A; 20_000])
    }

    fn add(&mut self, kind: u8, payload: &[u8]) {
        self.sequence += 1;
        let bytes =
            payload.iter().fold(u64::from(kind), |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3));
        self.sum = self.sum.rotate_left(7) ^ bytes;
    }
}

impl Replay for State {
    fn restore(&mut self, sections: &[Section<'_>]) -> Result<(), String> {
        let sum = sections.iter().find(|section| section.name == SECTION).ok_or("it has no sum")?;
        let ([sequence, sum], []) = sum.bytes.as_chunks::<8>() else {
            return Err("its sum is of another length".to_owned());
        };
        let (sequence, sum) = (u64::from_le_bytes(*sequence), u64::from_le_bytes(*sum));
        let mut expected = Self::new(self.seed);
        for sequence in 1..=sequence {
            let (kind, payload) = record(self.seed, sequence);
            expected.add(kind, &payload);
        }
        if expected.sum != sum {
            self.wrong.get_or_insert(sequence);
        }
        self.sequence = sequence;
        self.sum = sum;
        Ok(())
    }

    fn record(&mut self, entry: Entry<'_>) {
        let (kind, payload) = record(self.seed, entry.sequence);
        if (entry.sequence, entry.kind, entry.payload) != (self.sequence + 1, kind, &payload[..]) {
            self.wrong.get_or_insert(entry.sequence);
        }
        self.add(entry.kind, entry.payload);
    }
}
