//! The log of a block device's writes, as qemu's `blklogwrites` keeps it, and disks as a power cut could have left them.
//!
//! The first sector is a head: magic, version, count of entries, length of a sector, little-endian. Each entry is a sector of
//! its own, with place, count of sectors, flags and the length of a mark's text, and a write's data in the sectors after it.

use std::fs::File;
use std::io::BufReader;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;

/// What a disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;
const MAGIC: u64 = 0x006a_7366_7773_6872;
const FLUSH: u64 = 1;
const FORCE_UNIT_ACCESS: u64 = 2;
const DISCARD: u64 = 4;
const MARK: u64 = 8;

/// All writes to a device, in order.
#[derive(Debug)]
pub(super) struct BlockLog {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Where on the device, in bytes.
    at: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The bytes, and whether they went past the device's cache.
    Write { data: Vec<u8>, forced: bool },
    /// Bytes that need not be kept; the device may.
    Discard,
    /// All writes before are durable.
    Flush,
}

impl BlockLog {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let mut sector = [0; SECTOR_BYTES];
        file.read_exact(&mut sector).context("the log of writes has no head")?;
        let [magic, version, count, length] = numbers(&sector);
        ensure!(magic == MAGIC && version == 1, "the log of writes is none");
        ensure!(length & 0xFFFF_FFFF == SECTOR_BYTES as u64, "the log of writes has other sectors");
        let mut entries = Vec::new();
        for number in 0..count {
            file.read_exact(&mut sector).with_context(|| format!("the log of writes ends at entry {number}"))?;
            let [place, sectors, flags, _inline] = numbers(&sector);
            ensure!(flags & !(FLUSH | FORCE_UNIT_ACCESS | DISCARD | MARK) == 0, "entry {number} has flags {flags:x}");
            let at = usize::try_from(place)? * SECTOR_BYTES;
            let bytes = usize::try_from(sectors)? * SECTOR_BYTES;
            if flags & FLUSH != 0 {
                entries.push(Entry { at: 0, kind: Kind::Flush });
            }
            if flags & DISCARD != 0 {
                entries.push(Entry { at, kind: Kind::Discard });
            } else if bytes > 0 && flags & MARK == 0 {
                let mut data = vec![0; bytes];
                file.read_exact(&mut data).with_context(|| format!("the data of entry {number} ends early"))?;
                entries.push(Entry { at, kind: Kind::Write { data, forced: flags & FORCE_UNIT_ACCESS != 0 } });
            } else if flags & FLUSH == 0 {
                bail!("entry {number} is nothing that is known");
            }
        }
        // A place in the log is counted in the head's entries: one must be one.
        ensure!(entries.len() as u64 == count, "an entry of the log of writes is two");
        Ok(Self { entries })
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

fn numbers(sector: &[u8; SECTOR_BYTES]) -> [u64; 4] {
    let mut found = [0; 4];
    for (number, bytes) in found.iter_mut().zip(sector.as_chunks::<8>().0) {
        *number = u64::from_le_bytes(*bytes);
    }
    found
}

/// The part of a disk that cannot be lost any more, as of a place in the log that moves on.
#[derive(Debug)]
pub(super) struct Durable<'a> {
    log: &'a BlockLog,
    image: Vec<u8>,
    /// Entries that are in the image: all before the last flush.
    through: usize,
}

impl<'a> Durable<'a> {
    /// Before the log's first entry.
    pub(super) fn before(log: &'a BlockLog, image: Vec<u8>) -> Self {
        Self { log, image, through: 0 }
    }

    /// The disk as a power cut after the first `entries` entries could have left it: everything before the last flush, and of
    /// what came later a part, some of it torn.
    ///
    /// Cuts must be asked for in the log's order.
    pub(super) fn cut(&mut self, entries: usize, rng: &mut Pcg64Mcg) -> Result<Vec<u8>> {
        let seen = self.log.entries.get(..entries).context("a cut beyond the log")?;
        let flushed = seen.iter().rposition(|entry| matches!(entry.kind, Kind::Flush)).unwrap_or(0);
        for entry in seen.get(self.through..flushed).unwrap_or_default() {
            if let Kind::Write { data, .. } = &entry.kind {
                store(&mut self.image, entry.at, data)?;
            }
        }
        self.through = self.through.max(flushed);
        let mut image = self.image.clone();
        // From a disk that had written nothing since the flush to one that was about to say that it had written all.
        let kept: f64 = *pick(&[0.0, 0.2, 0.5, 0.8, 1.0], rng);
        let torn: f64 = *pick(&[0.0, 0.3, 1.0], rng);
        for entry in seen.get(self.through..).unwrap_or_default() {
            let Kind::Write { data, forced } = &entry.kind else { continue };
            if *forced {
                store(&mut image, entry.at, data)?;
            } else if rng.random_bool(kept) {
                let whole = !rng.random_bool(torn);
                for (index, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                    if whole || rng.random_bool(0.5) {
                        store(&mut image, entry.at + index * SECTOR_BYTES, sector)?;
                    }
                }
            }
        }
        Ok(image)
    }
}

fn pick<'a, T>(from: &'a [T], rng: &mut Pcg64Mcg) -> &'a T {
    &from[rng.random_range(0..from.len())]
}

fn store(image: &mut [u8], at: usize, data: &[u8]) -> Result<()> {
    let place = image.get_mut(at..at + data.len()).context("a write beyond the end of the disk")?;
    place.copy_from_slice(data);
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    /// A log file of writes of one byte value at a sector each, flushes for `None`.
    fn log_file(entries: &[Option<(u64, u8, u64)>]) -> tempfile::NamedTempFile {
        let head = |numbers: [u64; 4]| {
            let mut sector = [0; SECTOR_BYTES];
            for (place, number) in sector.chunks_exact_mut(8).zip(numbers) {
                place.copy_from_slice(&number.to_le_bytes());
            }
            sector
        };
        let mut bytes = head([MAGIC, 1, entries.len() as u64, 512]).to_vec();
        for entry in entries {
            match entry {
                None => bytes.extend(head([0, 0, FLUSH, 0])),
                Some((at, value, sectors)) => {
                    bytes.extend(head([*at, *sectors, 0, 0]));
                    bytes.extend(vec![*value; usize::try_from(*sectors).unwrap() * SECTOR_BYTES]);
                }
            }
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn what_was_flushed_stays_and_what_was_not_may_go_sector_by_sector() {
        let file = log_file(&[Some((0, 1, 1)), None, Some((1, 2, 4)), Some((0, 3, 1)), None]);
        let log = BlockLog::read(file.path()).unwrap();
        assert_eq!(log.len(), 5);
        let mut found = std::collections::HashSet::new();
        for seed in 0..5000 {
            let mut durable = Durable::before(&log, vec![0; 6 * SECTOR_BYTES]);
            let image = durable.cut(4, &mut Pcg64Mcg::seed_from_u64(seed)).unwrap();
            let values: Vec<u8> = image.iter().step_by(SECTOR_BYTES).copied().collect();
            assert!(matches!(values[0], 1 | 3), "the flushed write is gone: {values:?}");
            assert!(values[1..5].iter().all(|value| matches!(value, 0 | 2)) && values[5] == 0, "{values:?}");
            found.insert(values);
            let image = durable.cut(5, &mut Pcg64Mcg::seed_from_u64(seed)).unwrap();
            assert_eq!((image[0], image[SECTOR_BYTES]), (3, 2));
        }
        assert!(found.contains(&vec![1, 0, 0, 0, 0, 0]) && found.contains(&vec![3, 2, 2, 2, 2, 0]));
        assert_eq!(found.len(), 32, "every part of four sectors, and the overwritten one");
    }

    #[test]
    fn what_is_no_log_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(BlockLog::read(file.path()).is_err());
        std::fs::write(file.path(), [7; 4096]).unwrap();
        assert!(BlockLog::read(file.path()).is_err());
        let short = log_file(&[Some((0, 1, 2))]);
        short.as_file().set_len(3 * 512).unwrap();
        assert!(BlockLog::read(short.path()).unwrap_err().to_string().contains("ends early"));
    }
}
