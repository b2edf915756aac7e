//! An index that is open: checked, mapped, read without copying.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use zerocopy::byteorder::little_endian::U32;

use crate::format::{CodeEntry, Details, Key, Layout, NO_DAY, NumberEntry, Section};
use crate::map::Bytes;
use crate::phonetic::Code;
use crate::{Admission, AdmissionClass, AlienNumber, Person, Place, Reference, Sex, Source, Status, day};

/// One immutable file of persons, mapped. Cheap to share between threads behind an `Arc`; a search takes `&self`.
pub struct Index {
    bytes: Bytes,
    layout: Layout,
}

impl Index {
    /// Maps the file of a path after checking every byte of it.
    ///
    /// # Errors
    /// The file cannot be read, or is no whole, undamaged index of this version: it is not answered from.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(IndexError::Foreign);
        }
        Self::check(Bytes::map(&file)?)
    }

    /// The index of the bytes of a file, kept in memory.
    ///
    /// # Errors
    /// The bytes are no whole, undamaged index of this version.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IndexError> {
        Self::check(Bytes::Owned(bytes))
    }

    fn check(bytes: Bytes) -> Result<Self, IndexError> {
        let layout = Layout::check(&bytes)?;
        Ok(Self { bytes, layout })
    }

    /// Records in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.records
    }

    /// Whether it holds no record at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of the file, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Every record, in the order of the file; one at a time is read.
    pub fn persons(&self) -> impl Iterator<Item = Person> + '_ {
        (0..self.len()).filter_map(|record| self.person(record))
    }

    /// The record at a place; none past the end, and none if the file holds what no build writes.
    pub(crate) fn person(&self, record: usize) -> Option<Person> {
        let key = self.keys().get(record)?;
        let details = self.details(record)?;
        let date = |number: i32| (number != NO_DAY).then(|| day::date(number)).flatten();
        let place = |code: [u8; 2]| std::str::from_utf8(&code).ok().and_then(Place::new).unwrap_or(Place::OTHER);
        let source = *Source::ALL.get(usize::from(details.source))?;
        let class =
            std::str::from_utf8(&details.admission_class).ok().and_then(|code| AdmissionClass::new(code.trim_end()));
        let admission = class.zip(date(details.admitted.get())).map(|(class, on)| Admission {
            class,
            on,
            until: date(details.admitted_until.get()),
        });
        Some(Person {
            alien_number: AlienNumber::new(details.alien_number.get())?,
            source,
            reference: Reference::new(source, details.reference.get()),
            surname: self.name(key.surname.get()).to_owned(),
            given: self.name(key.given.get()).to_owned(),
            middle: self.name(key.middle.get()).to_owned(),
            born: date(key.born.get()),
            sex: Sex::from_letter(char::from(details.sex)).unwrap_or_default(),
            birth_place: place(details.birth_place),
            citizenship: place(details.citizenship),
            admission,
            status: Status::from_number(details.status)?,
            status_since: date(details.status_since.get()),
        })
    }

    /// A name of the dictionary; empty if there is none of that id.
    pub(crate) fn name(&self, id: u32) -> &str {
        let (text, ends) = (self.layout.entries::<u8>(&self.bytes, Section::NameText), self.name_ends());
        let id = id as usize;
        let start = id.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| end.get() as usize);
        let end = ends.get(id).map_or(0, |end| end.get() as usize);
        text.get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    pub(crate) fn keys(&self) -> &[Key] {
        self.layout.entries(&self.bytes, Section::Keys)
    }

    pub(crate) fn details(&self, record: usize) -> Option<&Details> {
        self.layout.entries(&self.bytes, Section::Details).get(record)
    }

    /// The blocks in which some surname has a code.
    pub(crate) fn blocks_of(&self, code: Code) -> impl Iterator<Item = u32> + '_ {
        let codes: &[CodeEntry] = self.layout.entries(&self.bytes, Section::Codes);
        let start = codes.partition_point(|entry| entry.code.get() < code.0);
        codes.iter().skip(start).take_while(move |entry| entry.code == code.0).map(|entry| entry.block.get())
    }

    /// The records of a block.
    pub(crate) fn block(&self, block: u32) -> Range<usize> {
        let ends: &[U32] = self.layout.entries(&self.bytes, Section::BlockEnds);
        let at = |place: usize| ends.get(place).map_or(0, |end| end.get() as usize).min(self.len());
        let block = block as usize;
        let start = block.checked_sub(1).map_or(0, at);
        start..at(block).max(start)
    }

    /// The records that bear a number.
    pub(crate) fn numbered(&self, number: AlienNumber) -> impl Iterator<Item = usize> + '_ {
        let numbers: &[NumberEntry] = self.layout.entries(&self.bytes, Section::Numbers);
        let start = numbers.partition_point(|entry| entry.alien_number.get() < number.value());
        let same = numbers.iter().skip(start).take_while(move |entry| entry.alien_number == number.value());
        same.map(|entry| entry.record.get() as usize)
    }

    fn name_ends(&self) -> &[U32] {
        self.layout.entries(&self.bytes, Section::NameEnds)
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("records", &self.len()).field("bytes", &self.size_bytes()).finish()
    }
}

/// Why a file is not answered from. None of them says anything of its content.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file cannot be read.
    #[error("the record index cannot be read")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("not a record index")]
    Foreign,
    /// Another version of the format.
    #[error("a record index of format {found}, this program reads format {}: build it again", crate::format::VERSION)]
    Version {
        /// The version that the file states.
        found: u32,
    },
    /// Built with other phonetic codes: what sounds alike would not be found.
    #[error("a record index with other phonetic codes (version {found}) than this program's: build it again")]
    PhoneticVersion {
        /// The version that the file states; it may be this program's, if the codes changed without it.
        found: u32,
    },
    /// The file ends too early.
    #[error("the record index is cut short")]
    Truncated,
    /// A checksum or a length is wrong.
    #[error("the record index is damaged ({part})")]
    Damaged {
        /// The part of the file that is wrong.
        part: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Query, build_bytes, known, synth};

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_file_that_changes_under_us_gives_wrong_answers_at_worst(
            places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..2_000),
        ) {
            let mut bytes = build_bytes(synth::persons(8, 200)).unwrap();
            let layout = Layout::check(&bytes).unwrap();
            for (place, byte) in places {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let index = Index { bytes: Bytes::Owned(bytes), layout };
            prop_assert!(index.persons().count() <= 200);
            for person in synth::persons(8, 200) {
                let query = Query { alien_number: Some(person.alien_number), ..Query::default() };
                prop_assert!(index.search(&query, 10).candidates.len() <= 10);
                let query = Query { surname: person.surname, given: person.given, born: person.born, ..query };
                prop_assert!(index.search(&query, 10).candidates.len() <= 10);
                let undated = Query { born: None, ..query };
                prop_assert!(index.search(&undated, 10).candidates.len() <= 10);
            }
            drop(known(&index));
        }
    }
}
