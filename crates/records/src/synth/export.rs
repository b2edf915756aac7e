//! Writes a population as the exports of the eight sources, and the truth beside them.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::plan::RECORDS;
use super::{Population, Record};
use crate::Source;
use crate::source::Layout;

/// What is written of a population, and where.
#[derive(Debug, Clone)]
pub struct Export {
    /// The population.
    pub population: Population,
    /// The directory for the files; it is made if it is not there. Files of the same names are replaced.
    pub directory: PathBuf,
    /// Which sources; in any order.
    pub sources: Vec<Source>,
    /// Which part of how many: `(1, 1)` is all of it. Parts are of nearly the same size, and together the same rows in
    /// the same order as the whole.
    pub part: (u32, u32),
    /// Compression, 1 to 19: of zstd's levels.
    pub level: i32,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exported {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Records in them, without the truth.
    pub records: u64,
    /// Bytes of them, compressed.
    pub bytes: u64,
}

/// Why a population was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file cannot be written.
    #[error("{} cannot be written", file.display())]
    Io {
        /// Which one.
        file: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// No such part.
    #[error("there is no part {0} of {1}: parts are counted from 1")]
    NoPart(u32, u32),
}

/// Patterns that one thread makes at a time: 59,520 records.
const BLOCKS: u32 = 64;

/// Pieces that are made before they are written, for each thread.
const PIECES_AHEAD: u32 = 2;

impl Export {
    /// Writes the files `cis.csv.zst` and so on, and `truth.csv.zst`. A part has its number in the names:
    /// `cis-02-of-10.csv.zst`. `on_records` hears how many records are done, now and then, and `watch` sees each,
    /// from several threads and in no order.
    ///
    /// # Errors
    /// A file cannot be written, or there is no such part.
    pub fn write(
        &self,
        watch: impl Fn(&Record) + Sync,
        mut on_records: impl FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let (part, parts) = self.part;
        if part == 0 || part > parts {
            return Err(ExportError::NoPart(part, parts));
        }
        let error = |file: &Path| {
            let file = file.to_owned();
            move |cause| ExportError::Io { file, cause }
        };
        fs::create_dir_all(&self.directory).map_err(error(&self.directory))?;
        let mut outputs = self.outputs().map_err(|(file, cause)| ExportError::Io { file, cause })?;
        let pieces = self.population.len().div_ceil(RECORDS).div_ceil(BLOCKS);
        let bound = |part: u32| u32::try_from(u64::from(pieces) * u64::from(part) / u64::from(parts)).unwrap_or(pieces);
        let (mut next, end) = (bound(part - 1), bound(part));
        let ahead = PIECES_AHEAD * u32::try_from(rayon::current_num_threads()).unwrap_or(1);
        let mut exported = Exported::default();
        while next < end {
            let until = end.min(next + ahead);
            let made: Vec<io::Result<Piece>> =
                (next..until).into_par_iter().map(|piece| self.piece(piece, &watch)).collect();
            for piece in made {
                let piece = piece.map_err(error(&self.directory))?;
                for (output, frame) in outputs.iter_mut().zip(&piece.frames) {
                    output.file.write_all(frame).map_err(error(&output.path))?;
                    exported.bytes += frame.len() as u64;
                }
                exported.records += piece.records;
            }
            on_records(exported.records);
            next = until;
        }
        for output in outputs {
            output.file.sync_all().map_err(error(&output.path))?;
            exported.files.push(output.path);
        }
        Ok(exported)
    }

    /// The files, each with its line of names: those of the sources, then the truth.
    fn outputs(&self) -> Result<Vec<Output>, (PathBuf, io::Error)> {
        let (part, parts) = self.part;
        let width = parts.to_string().len();
        let path = |name: &str| {
            let name = name.to_lowercase();
            let name = if parts == 1 { name } else { format!("{name}-{part:0width$}-of-{parts}") };
            self.directory.join(format!("{name}.csv.zst"))
        };
        let mut headers: Vec<_> = Vec::new();
        for source in &self.sources {
            let mut header = Vec::new();
            Layout::of(*source).push_header(&mut header);
            headers.push((path(source.name()), header));
        }
        headers.push((path("truth"), TRUTH_HEADER.as_bytes().to_vec()));
        let open = |(path, header): (PathBuf, Vec<u8>)| {
            let begin = || {
                let mut file = File::create(&path)?;
                file.write_all(&zstd::bulk::compress(&header, self.level)?)?;
                Ok(file)
            };
            match begin() {
                Ok(file) => Ok(Output { path, file }),
                Err(cause) => Err((path, cause)),
            }
        };
        headers.into_iter().map(open).collect()
    }

    /// Some records as rows of each file, compressed: one frame for each, which lie one behind the other in the file.
    fn piece(&self, piece: u32, watch: &impl Fn(&Record)) -> io::Result<Piece> {
        let records = BLOCKS * RECORDS;
        let (first, end) = (piece * records, (piece * records).saturating_add(records).min(self.population.len()));
        let layouts: Vec<Layout> = self.sources.iter().map(|source| Layout::of(*source)).collect();
        let mut rows = vec![Vec::new(); self.sources.len() + 1];
        let (mut truth, mut count) = (Vec::new(), 0);
        for number in first..end {
            let record = self.population.record(number);
            watch(&record);
            let place = self.sources.iter().position(|source| *source == record.person.source);
            let Some((layout, rows)) = place.and_then(|place| layouts.get(place).zip(rows.get_mut(place))) else {
                continue;
            };
            layout.push(&record.person, rows);
            push_truth(&record, &mut truth);
            count += 1;
        }
        if let Some(last) = rows.last_mut() {
            *last = truth;
        }
        let mut compressor = zstd::bulk::Compressor::new(self.level)?;
        let frames = rows.iter().map(|rows| if rows.is_empty() { Ok(Vec::new()) } else { compressor.compress(rows) });
        Ok(Piece { frames: frames.collect::<io::Result<_>>()?, records: count })
    }
}

struct Output {
    path: PathBuf,
    file: File,
}

struct Piece {
    /// One for each file, empty if there is nothing for it.
    frames: Vec<Vec<u8>>,
    records: u64,
}

/// The person's alien number, which source has a record of the person in which row (from 1; the line of names is no
/// row), and what is wrong with the record, with semicolons between.
const TRUTH_HEADER: &str = "alien_number,source,row,blunders\n";

fn push_truth(record: &Record, out: &mut Vec<u8>) {
    let whose = record.number + 1;
    // Writing to memory does not fail.
    drop(write!(out, "{whose:09},{},{},", record.person.source.name(), record.row + 1));
    for (place, blunder) in record.blunders.iter().enumerate() {
        if place > 0 {
            out.push(b';');
        }
        out.extend_from_slice(blunder.name().as_bytes());
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::source::{Options, ReadError, read};
    use crate::{Person, Status};

    fn export(directory: &Path, count: u32) -> Export {
        Export {
            population: Population::new(5, count),
            directory: directory.to_owned(),
            sources: Source::ALL.to_vec(),
            part: (1, 1),
            level: 1,
        }
    }

    fn persons(file: &Path, source: Source) -> Vec<Person> {
        let mut persons = Vec::new();
        let options = Options { source: Some(source), rejects_max: 0, ..Options::default() };
        let read = read(file, &options, |chunk| {
            persons.extend(chunk.persons);
            Ok::<(), ReadError>(())
        });
        assert_eq!(read.unwrap().records, persons.len() as u64);
        persons
    }

    #[test]
    fn what_is_written_is_read_back_without_loss() {
        let directory = tempfile::tempdir().unwrap();
        let export = export(directory.path(), 70_000);
        let watched = AtomicU32::new(0);
        let exported = export.write(|_| _ = watched.fetch_add(1, Ordering::Relaxed), |_| ()).unwrap();
        assert_eq!((exported.records, watched.into_inner(), exported.files.len()), (70_000, 70_000, 9));
        for (source, file) in Source::ALL.into_iter().zip(&exported.files) {
            let read = persons(file, source);
            assert_eq!(read.len(), export.population.len_of(source) as usize, "{source:?}");
            for (row, person) in (0..).zip(&read) {
                assert!(*person == export.population.record_of(source, row).person, "{source:?} row {row}");
            }
        }
        let truth = zstd::decode_all(File::open(&exported.files[8]).unwrap()).unwrap();
        let truth = String::from_utf8(truth).unwrap();
        assert_eq!(truth.lines().count(), 70_001);
        let first = export.population.record(0);
        let expect = format!("{:09},{},{},", first.number + 1, first.person.source.name(), first.row + 1);
        assert!(truth.lines().nth(1).unwrap().starts_with(&expect));
    }

    #[test]
    fn parts_are_together_the_whole() {
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let all = export(whole.path(), 200_000).write(|_| (), |_| ()).unwrap();
        let mut together = HashMap::<Source, Vec<Person>>::new();
        let mut count = 0;
        for part in 1..=3 {
            let one = Export { part: (part, 3), ..export(parts.path(), 200_000) }.write(|_| (), |_| ()).unwrap();
            count += one.records;
            for (source, file) in Source::ALL.into_iter().zip(&one.files) {
                assert!(file.to_string_lossy().ends_with(&format!("-{part}-of-3.csv.zst")));
                together.entry(source).or_default().extend(persons(file, source));
            }
        }
        assert_eq!(count, 200_000);
        for (source, file) in Source::ALL.into_iter().zip(&all.files) {
            assert!(persons(file, source) == together[&source], "{source:?}");
        }
        let bad = Export { part: (4, 3), ..export(parts.path(), 1) }.write(|_| (), |_| ());
        assert!(matches!(bad, Err(ExportError::NoPart(4, 3))));
    }

    #[test]
    fn one_source_alone_has_the_rows_that_it_has_among_all() {
        let directory = tempfile::tempdir().unwrap();
        let export = Export { sources: vec![Source::Raps], ..export(directory.path(), 30_000) };
        let exported = export.write(|_| (), |_| ()).unwrap();
        let read = persons(&exported.files[0], Source::Raps);
        assert_eq!(exported.records, read.len() as u64);
        assert!(read.iter().all(|person| Status::source(person.status) == Source::Raps));
        assert!(read[100] == export.population.record_of(Source::Raps, 100).person);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [one, two] = directories.each_ref().map(|directory| {
            let exported = export(directory.path(), 130_000).write(|_| (), |_| ()).unwrap();
            exported.files.iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>()
        });
        assert!(one == two);
    }
}
