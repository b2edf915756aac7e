//! Builds an index file: the same persons, in any order and on any number of threads, give the same bytes.
//!
//! ```text
//! persons ─► lanes ─► drafts by days ─► rows in order ─► keys, full records, entries by name and by number ─► file
//!              └────► names ───────────► dictionary ───────────────────────────────────────────────────────────┘
//! ```
//!
//! Memory is bounded by [`BuildOptions::memory_bytes`] whatever the input, but for the names themselves: what does not
//! fit goes to temporary files beside the index.

mod heavy;
mod lane;
mod made;
mod names;
mod neighbors;
mod output;
mod rows;
mod sorter;
mod spill;
mod spool;

use std::fs::File;
use std::io::{self, BufWriter, Cursor, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use zerocopy::IntoBytes as _;

use crate::Person;
use crate::format::Section;
use lane::{Lane, Lanes};
use made::Made;
use names::Names;
use output::{Head, Output};
use rows::{Emitted, Packer, Sorted, emit, learn};
use spill::Spill;

pub(crate) use neighbors::{OF_KEY_MAX, split, unpack_mass};

/// How a build goes about its work. None of it changes the file.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Bytes of memory that it keeps to, about; names need some more (a hundred bytes each). At least 64 MiB are used.
    pub memory_bytes: usize,
    /// Where temporary files go; none for beside the index.
    pub temporary: Option<PathBuf>,
}

impl Default for BuildOptions {
    /// Two gibibytes.
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, temporary: None }
    }
}

/// What a build is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Records are sorted and written.
    Rows,
    /// The order by name is written.
    Names,
    /// The order by number is written.
    Numbers,
}

/// What was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// Records in the index.
    pub records: usize,
    /// Rows: records, and one for each further name of a record.
    pub rows: usize,
    /// Distinct names.
    pub names: usize,
    /// Size of the file.
    pub bytes: u64,
}

/// Why an index was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The file cannot be written.
    #[error("the record index cannot be written")]
    Io(#[from] io::Error),
    /// More records than 32 bits count.
    #[error("too many records for one index: it holds {} at most, further names counted", u32::MAX)]
    TooMany,
    /// More distinct names than an index holds.
    #[error("too many distinct names for one index: it holds {} at most", crate::format::NAMES_MAX)]
    TooManyNames,
    /// More records of one day of birth than an index holds.
    #[error("too many records of one day of birth: an index holds {} at most", crate::format::DAY_ROWS_MAX)]
    TooManyOfADay,
    /// A record does not fit.
    #[error("a record is too long: its texts have more than {} bytes", u16::MAX)]
    TooLong,
    /// Another thread of the build failed.
    #[error("the build stopped because a part of it failed")]
    Stopped,
}

/// Partitions of drafts: one for rows without a day, the others of [`PARTITION_DAYS`] days each.
const PARTITIONS: usize = 1 + (crate::day::CODE_END as usize).div_ceil(PARTITION_DAYS);
const PARTITION_DAYS: usize = 64;

fn partition(day: u16) -> usize {
    if day == 0 { 0 } else { 1 + usize::from(day) / PARTITION_DAYS }
}

/// A build in progress: takes persons from several threads at once.
pub struct Builder {
    options: BuildOptions,
    directory: PathBuf,
    names: Names,
    lanes: Mutex<Vec<Lane>>,
    spill: Spill,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Builder {
    /// A build of the index that will be at a path. Nothing is written there before [`Builder::finish`].
    #[must_use]
    pub fn new(path: &Path, options: &BuildOptions) -> Self {
        let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let directory = options.temporary.clone().unwrap_or_else(|| beside.to_owned());
        let options = BuildOptions { memory_bytes: options.memory_bytes.max(64 << 20), ..options.clone() };
        let spill = Spill::new(&directory, options.memory_bytes / 4);
        Self { options, directory, names: Names::new(), lanes: Mutex::default(), spill }
    }

    /// Adds persons. Several threads may add at once; their order changes nothing.
    ///
    /// # Errors
    /// A temporary file cannot be written, or there are too many distinct names.
    pub fn add<'a>(&self, persons: impl IntoIterator<Item = &'a Person>) -> Result<(), BuildError> {
        let lane = self.lanes.lock().map_err(|_| BuildError::Stopped)?.pop();
        let mut lane = lane.unwrap_or_else(Lane::new);
        persons.into_iter().try_for_each(|person| lane.add(person, &self.names, &self.spill))?;
        self.lanes.lock().map_err(|_| BuildError::Stopped)?.push(lane);
        Ok(())
    }

    /// Builds the index and puts it at the path: into a temporary file beside it, synced, then renamed over it, so
    /// that the path holds the old index or the new one, never a part. The file is readable by its owner alone.
    /// `progress` is told how much of a stage is done, of how much.
    ///
    /// # Errors
    /// The file cannot be written, or the persons are more than an index holds.
    pub fn finish(self, path: &Path, progress: &mut dyn FnMut(Stage, u64, u64)) -> Result<Built, BuildError> {
        let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let file = tempfile::Builder::new().prefix(".records-").suffix(".tmp").tempfile_in(beside)?;
        let out = BufWriter::with_capacity(1 << 20, file);
        let (out, built) = self.write(out, progress)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|failed| failed.error)?;
        // The rename is durable once the directory is.
        File::open(beside)?.sync_all()?;
        Ok(built)
    }

    fn write<W: Write + Seek>(
        self,
        out: W,
        progress: &mut dyn FnMut(Stage, u64, u64),
    ) -> Result<(W, Built), BuildError> {
        let mut lanes = self.lanes.into_inner().map_err(|_| BuildError::Stopped)?;
        lanes.iter_mut().try_for_each(|lane| lane.flush(&self.spill))?;
        let lanes = Lanes::sum(lanes);
        let rows: u64 = lanes.rows.iter().sum();
        u32::try_from(rows).map_err(|_| BuildError::TooMany)?;
        let (names, places) = self.names.sorted()?;
        let mut counts = vec![[0; 2]; names.len()];
        for (count, place) in lanes.counts.iter().zip(&places) {
            if let Some(slot) = counts.get_mut(*place as usize) {
                *slot = *count;
            }
        }
        let mut out = Output::new(out)?;
        let (text, entries) = neighbors::names(&names, &counts)?;
        out.section(Section::NameText, &text)?;
        out.section(Section::Names, entries.as_bytes())?;
        out.section(Section::Letters, neighbors::letters(&names, &counts).as_bytes())?;
        let (starts, near) = neighbors::buckets(&names, &counts)?;
        out.section(Section::NeighborStarts, starts.as_bytes())?;
        out.section(Section::Neighbors, near.as_bytes())?;
        let lists = neighbors::near_lists(&names, &counts, &starts, &near)?;
        drop((text, entries, starts, near));
        out.section(Section::NearStarts, lists.starts.as_bytes())?;
        out.section(Section::Near, lists.near.as_bytes())?;
        out.section(Section::Masses, lists.masses.as_bytes())?;
        drop(lists);
        let dictionary = learn(lanes.samples);
        let writing = Writing {
            spill: &self.spill,
            places: &places,
            dictionary: &dictionary,
            memory_max: self.options.memory_bytes / 4,
            directory: &self.directory,
        };
        let made = writing.rows(&mut out, &lanes.rows, progress)?;
        let name_count = names.len();
        drop((names, places));
        made.write(&mut out, name_count, &counts, &dictionary, progress).and_then(|(undated, first_day)| {
            let head = Head { records: lanes.records, rows, undated, first_day, sources: lanes.sources };
            let (out, bytes) = out.finish(&head)?;
            let [records, rows] = [lanes.records, rows].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
            Ok((out, Built { records, rows, names: name_count, bytes }))
        })
    }
}

/// What is needed to make rows.
struct Writing<'a> {
    spill: &'a Spill,
    places: &'a [u32],
    dictionary: &'a [u8],
    memory_max: usize,
    directory: &'a Path,
}

/// Partitions that are worked on at once: enough for every thread, few enough for memory.
fn at_once() -> usize {
    rayon::current_num_threads().clamp(1, 16) * 2
}

impl Writing<'_> {
    /// Sorts every partition, and writes the full records.
    fn rows<W: Write + Seek>(
        &self,
        out: &mut Output<W>,
        rows: &[u64],
        progress: &mut dyn FnMut(Stage, u64, u64),
    ) -> Result<Made, BuildError> {
        let total = rows.iter().sum();
        let mut made = Made::new(self.directory, self.memory_max, self.dictionary)?;
        let mut first = 0;
        let starts: Vec<(usize, u64)> = rows
            .iter()
            .enumerate()
            .map(|(partition, rows)| {
                first += rows;
                (partition, first - rows)
            })
            .filter(|(partition, _)| rows.get(*partition).is_some_and(|rows| *rows > 0))
            .collect();
        let is_heavy =
            |partition: usize| Ok::<_, BuildError>(self.spill.bytes(partition)? > self.memory_max / at_once());
        let mut rest = &starts[..];
        while let Some(((partition, first), behind)) = rest.split_first() {
            if is_heavy(*partition)? {
                let (mut first, mut last) = (*first, None);
                let (spill, places, directory) = (self.spill, self.places, self.directory);
                heavy::for_each_piece(spill, *partition, places, directory, self.memory_max, |rows| {
                    // A day may go on from the piece before.
                    let day = rows.first().map(|row| row.day);
                    let rank = last.filter(|(before, _)| Some(*before) == day).map_or(0, |(_, rank)| rank);
                    let part = emit(rows, first, rank, &mut made.packer)?;
                    first += rows.len() as u64;
                    last = part
                        .days
                        .last()
                        .map(|(day, count)| (*day, if part.days.len() == 1 { rank } else { 0 } + count));
                    made.take(part, out)
                })?;
                rest = behind;
            } else {
                let light = rest.iter().take(at_once());
                let mut group = Vec::new();
                for (partition, first) in light {
                    if is_heavy(*partition)? {
                        break;
                    }
                    group.push((*partition, *first));
                }
                rest = rest.get(group.len()..).unwrap_or_default();
                let emitted: Vec<Emitted> = group
                    .into_par_iter()
                    .map(|(partition, first)| {
                        let mut buffer = Vec::with_capacity(self.spill.bytes(partition)?);
                        self.spill.read(partition, 0..self.spill.pieces(partition)?, &mut buffer)?;
                        let rows = Sorted::all(&buffer, self.places)?;
                        emit(&rows, first, 0, &mut Packer::new(self.dictionary)?)
                    })
                    .collect::<Result<_, BuildError>>()?;
                emitted.into_iter().try_for_each(|part| made.take(part, out))?;
            }
            progress(Stage::Rows, made.rows, total);
        }
        made.end_blocks(out)?;
        Ok(made)
    }
}

/// Builds an index of persons at a path; see [`Builder::finish`].
///
/// # Errors
/// The file cannot be written, or the persons are more than an index holds.
pub fn build(persons: impl IntoIterator<Item = Person>, path: &Path) -> Result<Built, BuildError> {
    let builder = Builder::new(path, &BuildOptions::default());
    builder.add_all(persons)?;
    builder.finish(path, &mut |_, _, _| {})
}

/// The bytes of an index file, for [`Index::from_bytes`](crate::Index::from_bytes). For small ones: all is in memory.
///
/// # Errors
/// The persons are more than an index holds.
pub fn build_bytes(persons: impl IntoIterator<Item = Person>) -> Result<Vec<u8>, BuildError> {
    let options = BuildOptions { temporary: Some(std::env::temp_dir()), ..BuildOptions::default() };
    let builder = Builder::new(Path::new(""), &options);
    builder.add_all(persons)?;
    let (out, _) = builder.write(Cursor::new(Vec::new()), &mut |_, _, _| {})?;
    Ok(out.into_inner())
}

impl Builder {
    /// Adds persons one after the other, on one thread.
    fn add_all(&self, persons: impl IntoIterator<Item = Person>) -> Result<(), BuildError> {
        let mut failed = None;
        let mut lane = Lane::new();
        for person in persons {
            if let Err(error) = lane.add(&person, &self.names, &self.spill) {
                failed = Some(error);
                break;
            }
        }
        self.lanes.lock().map_err(|_| BuildError::Stopped)?.push(lane);
        failed.map_or(Ok(()), Err)
    }
}
