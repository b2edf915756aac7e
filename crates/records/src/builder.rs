//! Builds an index file from persons: same persons, in any order, same bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use zerocopy::IntoBytes;
use zerocopy::byteorder::little_endian::U32;

use crate::format::{self, CodeEntry, Details, Key, NO_DAY, NumberEntry};
use crate::name::{fold, units};
use crate::phonetic::{Code, Sound};
use crate::{Person, day};

/// Builds an index and puts it at a path: into a temporary file beside it, synced, then renamed over it, so that the
/// path holds the old index or the new one, never a part. The file is readable by its owner alone.
///
/// Takes about 200 bytes of memory a person while it works.
///
/// # Errors
/// The file cannot be written, or the persons are more than an index holds.
pub fn build(persons: impl IntoIterator<Item = Person>, path: &Path) -> Result<Built, BuildError> {
    let sections = Sections::of(persons)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".records-").suffix(".tmp").tempfile_in(directory)?;
    let mut bytes = 0;
    for part in sections.parts() {
        file.write_all(&part)?;
        bytes += part.len() as u64;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    // The rename is durable once the directory is.
    File::open(directory)?.sync_all()?;
    Ok(Built { records: sections.keys.len(), names: sections.name_ends.len(), bytes })
}

/// The bytes of an index file, for [`Index::from_bytes`](crate::Index::from_bytes).
///
/// # Errors
/// The persons are more than an index holds.
pub fn build_bytes(persons: impl IntoIterator<Item = Person>) -> Result<Vec<u8>, BuildError> {
    Ok(Sections::of(persons)?.parts().concat())
}

/// What was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// Records in the index.
    pub records: usize,
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
    /// More records, or more text of names, than 32 bits count.
    #[error("too many records for one index: it holds {} at most", u32::MAX)]
    TooMany,
}

/// A person while the index is built; names are the order of their first appearance until all are known.
struct Row {
    block: u32,
    born: i32,
    surname: u32,
    given: u32,
    middle: u32,
    details: Details,
}

/// Everything that the file holds, but for its head.
struct Sections {
    name_text: Vec<u8>,
    name_ends: Vec<U32>,
    codes: Vec<CodeEntry>,
    block_ends: Vec<U32>,
    keys: Vec<Key>,
    details: Vec<Details>,
    numbers: Vec<NumberEntry>,
}

impl Sections {
    fn of(persons: impl IntoIterator<Item = Person>) -> Result<Self, BuildError> {
        let mut names = Names::default();
        let mut rows = Vec::new();
        for person in persons {
            rows.push(Row {
                block: 0,
                born: person.born.map_or(NO_DAY, day::of),
                surname: names.id(&person.surname)?,
                given: names.id(&person.given)?,
                middle: names.id(&person.middle)?,
                details: details(&person),
            });
        }
        u32::try_from(rows.len()).map_err(|_| BuildError::TooMany)?;
        let SortedNames { text: name_text, ends: name_ends, places } = names.sorted()?;
        let (blocks, codes) = blocks(&rows, &names, &places);
        for row in &mut rows {
            row.block = blocks[row.surname as usize];
            for id in [&mut row.surname, &mut row.given, &mut row.middle] {
                *id = places[*id as usize];
            }
        }
        // The last fields only make the order of equals certain.
        rows.sort_unstable_by(|a, b| {
            let order =
                |row: &Row| (row.block, row.born, row.surname, row.given, row.middle, row.details.alien_number.get());
            order(a).cmp(&order(b)).then_with(|| a.details.as_bytes().cmp(b.details.as_bytes()))
        });
        let mut numbers: Vec<_> =
            (0_u32..).zip(&rows).map(|(record, row)| (row.details.alien_number.get(), record)).collect();
        numbers.sort_unstable();
        Ok(Self {
            name_text,
            name_ends,
            block_ends: block_ends(&rows),
            codes,
            keys: rows
                .iter()
                .map(|row| Key {
                    born: row.born.into(),
                    surname: row.surname.into(),
                    given: row.given.into(),
                    middle: row.middle.into(),
                })
                .collect(),
            details: rows.iter().map(|row| row.details).collect(),
            numbers: numbers
                .into_iter()
                .map(|(number, record)| NumberEntry { alien_number: number.into(), record: record.into() })
                .collect(),
        })
    }

    /// The file, in parts to be written in order.
    fn parts(&self) -> Vec<std::borrow::Cow<'_, [u8]>> {
        let sections: [&[u8]; 7] = [
            &self.name_text,
            self.name_ends.as_bytes(),
            self.codes.as_bytes(),
            self.block_ends.as_bytes(),
            self.keys.as_bytes(),
            self.details.as_bytes(),
            self.numbers.as_bytes(),
        ];
        let head = format::head(&sections, self.keys.len());
        std::iter::once(head.into()).chain(sections.into_iter().map(Into::into)).collect()
    }
}

/// The distinct names, folded.
#[derive(Default)]
struct Names {
    ids: HashMap<String, u32>,
}

impl Names {
    fn id(&mut self, name: &str) -> Result<u32, BuildError> {
        // Most names come folded already, and are known.
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        let next = u32::try_from(self.ids.len()).map_err(|_| BuildError::TooMany)?;
        Ok(*self.ids.entry(fold(name)).or_insert(next))
    }

    fn sorted(&self) -> Result<SortedNames, BuildError> {
        let mut sorted: Vec<(&str, u32)> = self.ids.iter().map(|(name, id)| (name.as_str(), *id)).collect();
        sorted.sort_unstable();
        let mut text = Vec::new();
        let mut ends = Vec::with_capacity(sorted.len());
        let mut places = vec![0; sorted.len()];
        for (place, (name, id)) in (0_u32..).zip(sorted) {
            text.extend_from_slice(name.as_bytes());
            ends.push(u32::try_from(text.len()).map_err(|_| BuildError::TooMany)?.into());
            places[id as usize] = place;
        }
        Ok(SortedNames { text, ends, places })
    }
}

/// The dictionary as the file has it.
struct SortedNames {
    text: Vec<u8>,
    ends: Vec<U32>,
    /// Where in that order each id went.
    places: Vec<u32>,
}

/// The block of each name that is a surname (by its first id), and every code with the blocks in which a surname has
/// it.
fn blocks(rows: &[Row], names: &Names, places: &[u32]) -> (Vec<u32>, Vec<CodeEntry>) {
    let mut used = vec![false; places.len()];
    for row in rows {
        used[row.surname as usize] = true;
    }
    let sounds: Vec<(u32, Sound)> = names
        .ids
        .iter()
        .filter(|(_, id)| used[**id as usize])
        .map(|(name, id)| (*id, units(name).first().map(|unit| Sound::of(unit)).unwrap_or_default()))
        .collect();
    let mut primaries: Vec<Code> = sounds.iter().map(|(_, sound)| sound.primary).collect();
    primaries.sort_unstable();
    primaries.dedup();
    let numbers: HashMap<Code, u32> = primaries.into_iter().zip(0..).collect();
    let mut blocks = vec![0; places.len()];
    let mut codes = Vec::new();
    for (id, sound) in sounds {
        let block = numbers.get(&sound.primary).copied().unwrap_or_default();
        blocks[id as usize] = block;
        codes.extend(sound.codes().map(|code| (code, block)));
    }
    codes.sort_unstable();
    codes.dedup();
    let codes = codes.into_iter().map(|(code, block)| CodeEntry { code: code.0.into(), block: block.into() }).collect();
    (blocks, codes)
}

/// The record behind the last of each block; `rows` are in the order of the file, and every block has a row.
fn block_ends(rows: &[Row]) -> Vec<U32> {
    let mut ends = Vec::new();
    for (record, row) in (1_u32..).zip(rows) {
        if ends.len() <= row.block as usize {
            ends.push(U32::new(record));
        } else if let Some(end) = ends.last_mut() {
            *end = U32::new(record);
        }
    }
    ends
}

fn details(person: &Person) -> Details {
    let number = |date: Option<jiff::civil::Date>| date.map_or(NO_DAY, day::of).into();
    let code = |text: &str| {
        let mut bytes = *b"   ";
        for (slot, byte) in bytes.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
        bytes
    };
    let place = |place: crate::Place| {
        let [first, second, _] = code(place.as_str());
        [first, second]
    };
    Details {
        alien_number: person.alien_number.value().into(),
        admitted: number(person.admission.map(|admission| admission.on)),
        admitted_until: number(person.admission.and_then(|admission| admission.until)),
        status_since: number(person.status_since),
        reference: person.reference.map_or(0, |reference| reference.number()).into(),
        birth_place: place(person.birth_place),
        citizenship: place(person.citizenship),
        admission_class: person.admission.map_or([0; 3], |admission| code(admission.class.as_str())),
        sex: u8::try_from(person.sex.letter()).unwrap_or(b'U'),
        source: person.source as u8,
        status: person.status as u8,
        reserved: [0; 6],
    }
}
