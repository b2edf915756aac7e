//! Records that a repair cut off, kept in a file of lines that people and programs can read.
//!
//! Each line is `{"sequence":N,"kind":K,"payload":"…"}`, the payload in hexadecimal digits.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sink::create_new;
use super::walk::{Place, Visit};
use crate::error::Fault;
use crate::format::{Hash, Stored};
use crate::hex;
use crate::replay::Entry;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sequence: u64,
    kind: u8,
    payload: String,
}

/// What a file of salvaged records holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Salvaged {
    /// Records.
    pub records: u64,
    /// The lowest number; 0 if there is none.
    pub first_sequence: u64,
    /// The highest number; 0 if there is none.
    pub last_sequence: u64,
}

impl Salvaged {
    fn add(&mut self, sequence: u64) {
        self.first_sequence = if self.records == 0 { sequence } else { self.first_sequence.min(sequence) };
        self.last_sequence = self.last_sequence.max(sequence);
        self.records += 1;
    }
}

/// Hands every record of a file that [`repair`](super::plan()) has written to `visit`, in the order in which they lay. The same
/// record may come twice, if it lay in two places.
///
/// # Errors
/// As the system says; [`io::ErrorKind::InvalidData`] with the line's number if one is no record.
pub fn read_salvaged(path: &Path, visit: &mut dyn FnMut(Entry<'_>)) -> io::Result<Salvaged> {
    let mut salvaged = Salvaged::default();
    for (number, line) in (1..).zip(BufReader::new(File::open(path)?).lines()) {
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, format!("line {number} is no salvaged record"));
        let Line { sequence, kind, payload } = serde_json::from_str(&line?).map_err(|_| wrong())?;
        let payload = hex::decode(&payload).ok_or_else(wrong)?;
        visit(Entry { sequence, kind, payload: &payload });
        salvaged.add(sequence);
    }
    Ok(salvaged)
}

/// Writes the records of a walk that are not kept.
pub(crate) struct Salvage<'a> {
    name: String,
    file: BufWriter<File>,
    /// Whether the record at a place stays in the log.
    kept: &'a dyn Fn(Place) -> bool,
    salvaged: Salvaged,
}

impl<'a> Salvage<'a> {
    pub(crate) fn create(path: &Path, kept: &'a dyn Fn(Place) -> bool) -> Result<Self, Fault> {
        let name = path.display().to_string();
        let file = create_new(path).map_err(|error| Fault::new("create", &name, error))?;
        Ok(Self { name, file: BufWriter::new(file), kept, salvaged: Salvaged::default() })
    }

    /// Syncs the file.
    pub(crate) fn finish(self) -> Result<Salvaged, Fault> {
        let Self { name, file, salvaged, .. } = self;
        let synced = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        synced.map_err(|error| Fault::new("write", &name, error))?;
        Ok(salvaged)
    }
}

impl Visit for Salvage<'_> {
    fn record(&mut self, place: Place, record: &Stored<'_>, _: &Hash) -> Result<(), Fault> {
        if (self.kept)(place) {
            return Ok(());
        }
        let line = Line { sequence: record.sequence, kind: record.kind, payload: hex::encode(record.payload) };
        let text = serde_json::to_string(&line).unwrap_or_default();
        writeln!(self.file, "{text}").map_err(|error| Fault::new("write", &self.name, error))?;
        self.salvaged.add(record.sequence);
        Ok(())
    }

    fn finding(&mut self, _: super::finding::Finding) {}
}
