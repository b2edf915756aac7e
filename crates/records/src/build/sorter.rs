//! Sorting more entries than memory holds: sorted runs in a temporary file, merged while they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rayon::slice::ParallelSliceMut as _;
use zerocopy::{FromBytes as _, IntoBytes as _};

use super::BuildError;

/// Entries to be sorted.
pub(super) struct Sorter {
    directory: PathBuf,
    entries_max: usize,
    entries: Vec<u128>,
    file: Option<File>,
    /// Where each run of the file begins, and the end of the last, in entries.
    runs: Vec<u64>,
}

const ENTRY_BYTES: u64 = size_of::<u128>() as u64;

impl Sorter {
    /// Holds up to that many bytes of entries in memory.
    pub(super) fn new(directory: &Path, memory_max: usize) -> Self {
        Self {
            directory: directory.to_owned(),
            entries_max: (memory_max / size_of::<u128>()).max(1024),
            entries: Vec::new(),
            file: None,
            runs: vec![0],
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> u64 {
        self.runs.last().copied().unwrap_or(0) + self.entries.len() as u64
    }

    pub(super) fn extend(&mut self, entries: &[u128]) -> Result<(), BuildError> {
        if self.entries.len() + entries.len() > self.entries_max && !self.entries.is_empty() {
            self.spill()?;
        }
        self.entries.extend_from_slice(entries);
        Ok(())
    }

    fn spill(&mut self) -> Result<(), BuildError> {
        self.entries.par_sort_unstable();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.directory)?),
        };
        let start = self.runs.last().copied().unwrap_or(0);
        file.write_all_at(self.entries.as_bytes(), start * ENTRY_BYTES)?;
        self.runs.push(start + self.entries.len() as u64);
        self.entries.clear();
        Ok(())
    }

    /// Every entry in order.
    pub(super) fn for_each(mut self, mut each: impl FnMut(u128) -> Result<(), BuildError>) -> Result<(), BuildError> {
        if self.file.is_none() {
            self.entries.par_sort_unstable();
            return self.entries.into_iter().try_for_each(each);
        }
        self.spill()?;
        let Some(file) = self.file else { return Ok(()) };
        self.entries = Vec::new();
        let count = self.runs.len() - 1;
        let buffer = (self.entries_max / count.max(1)).clamp(1024, 1 << 20);
        let mut runs: Vec<_> =
            self.runs.windows(2).filter_map(|ends| Some(Run::new(*ends.first()?, *ends.last()?, buffer))).collect();
        let mut heads = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next(&file)?.map(|entry| Reverse((entry, number))));
        }
        while let Some(Reverse((entry, number))) = heads.pop() {
            each(entry)?;
            if let Some(run) = runs.get_mut(number) {
                heads.extend(run.next(&file)?.map(|entry| Reverse((entry, number))));
            }
        }
        Ok(())
    }
}

/// A sorted run, read piece by piece.
struct Run {
    next: u64,
    end: u64,
    buffer: Vec<u128>,
    place: usize,
    buffer_max: usize,
}

impl Run {
    const fn new(start: u64, end: u64, buffer_max: usize) -> Self {
        Self { next: start, end, buffer: Vec::new(), place: 0, buffer_max }
    }

    fn next(&mut self, file: &File) -> Result<Option<u128>, BuildError> {
        if self.place == self.buffer.len() {
            let count = usize::try_from(self.end - self.next).unwrap_or(usize::MAX).min(self.buffer_max);
            if count == 0 {
                return Ok(None);
            }
            let mut bytes = vec![0; count * size_of::<u128>()];
            file.read_exact_at(&mut bytes, self.next * ENTRY_BYTES)?;
            let entry = |bytes: &[u8]| u128::read_from_bytes(bytes).ok();
            self.buffer = bytes.chunks_exact(size_of::<u128>()).filter_map(entry).collect();
            if self.buffer.len() != count {
                return Err(io::Error::from(io::ErrorKind::InvalidData).into());
            }
            self.next += count as u64;
            self.place = 0;
        }
        let entry = self.buffer.get(self.place).copied();
        self.place += 1;
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_order_whether_they_fit_or_not() {
        let entries: Vec<u128> =
            (0..50_000_u64).map(|n| u128::from(crate::hash::mix(n)) << 64 | u128::from(n % 7)).collect();
        let mut sorted = entries.clone();
        sorted.sort_unstable();
        for memory_max in [1, 200_000, 100_000_000] {
            let directory = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(directory.path(), memory_max);
            entries.chunks(777).for_each(|chunk| sorter.extend(chunk).unwrap());
            let mut seen = Vec::new();
            sorter
                .for_each(|entry| {
                    seen.push(entry);
                    Ok(())
                })
                .unwrap();
            assert!(seen == sorted, "memory for {memory_max} bytes");
        }
    }
}
