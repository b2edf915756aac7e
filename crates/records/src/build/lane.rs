//! Persons become rows: each thread of a build has a lane with memories and buffers of its own.

use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::names::Names;
use super::spill::Spill;
use super::{BuildError, PARTITIONS};
use crate::encode::{self, Parts};
use crate::hash::hash;
use crate::name::{fold, units};
use crate::{Person, Sources, day, number};

/// A row on its way to the file, with the numbers of its names and its full record. In a buffer:
/// length of the record 2 bytes, day 2, names 4 × 4, place 2, sex and alias 1, count of numbers 1, numbers 8 each,
/// record.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) day: u16,
    pub(super) names: [u32; 4],
    pub(super) place: u16,
    pub(super) sex: u8,
    pub(super) is_alias: bool,
    /// Hashes, little-endian.
    pub(super) numbers: &'a [u8],
    pub(super) record: &'a [u8],
}

/// Bytes before a draft's numbers.
pub(super) const DRAFT_HEAD: usize = 24;

impl<'a> Draft<'a> {
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        let too_long = |_| BuildError::TooLong;
        out.extend_from_slice(&u16::try_from(self.record.len()).map_err(too_long)?.to_le_bytes());
        out.extend_from_slice(&self.day.to_le_bytes());
        self.names.iter().for_each(|name| out.extend_from_slice(&name.to_le_bytes()));
        out.extend_from_slice(&self.place.to_le_bytes());
        out.push(self.sex | u8::from(self.is_alias) << 7);
        out.push(u8::try_from(self.numbers.len() / 8).map_err(too_long)?);
        out.extend_from_slice(self.numbers);
        out.extend_from_slice(self.record);
        Ok(())
    }

    /// Bytes of the draft that begins with these.
    pub(super) fn bytes(head: &[u8; DRAFT_HEAD]) -> usize {
        let [low, high, ..] = head;
        DRAFT_HEAD + usize::from(head[DRAFT_HEAD - 1]) * 8 + usize::from(u16::from_le_bytes([*low, *high]))
    }

    /// The next draft of a buffer, and what is behind it.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_first_chunk::<DRAFT_HEAD>()?;
        let two = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
        let four = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
        let (sex, count) = (head.get(22)?, head.get(23)?);
        let (numbers, rest) = rest.split_at_checked(usize::from(*count) * 8)?;
        let (record, rest) = rest.split_at_checked(usize::from(two(0)?))?;
        let names = [four(4)?, four(8)?, four(12)?, four(16)?];
        let draft =
            Draft { day: two(2)?, names, place: two(20)?, sex: sex & 3, is_alias: sex >> 7 == 1, numbers, record };
        Some((draft, rest))
    }
}

/// What a thread remembers, and what it has made.
pub(super) struct Lane {
    surnames: FxHashMap<Box<str>, [(u32, Box<str>); 2]>,
    others: FxHashMap<Box<str>, [(u32, Box<str>); 2]>,
    /// Drafts by partition.
    buffers: Vec<Vec<u8>>,
    buffered: usize,
    /// By number of a name, how many rows have it in their surname, and as given name.
    pub(super) counts: Vec<[u32; 2]>,
    pub(super) rows: Vec<u64>,
    pub(super) records: u64,
    pub(super) sources: Sources,
    /// Records from which compression learns: those with the smallest hashes, whatever their order.
    pub(super) samples: BinaryHeap<(u64, Vec<u8>)>,
    record: Vec<u8>,
    numbers: Vec<u8>,
}

/// Spellings that a lane remembers: with more, it begins anew.
const REMEMBERED_MAX: usize = 400_000;

/// Bytes of one partition that a lane keeps.
const BUFFER_MAX: usize = 32 * 1024;

/// Records from which compression learns.
const SAMPLES: usize = 6_000;

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            surnames: FxHashMap::default(),
            others: FxHashMap::default(),
            buffers: vec![Vec::new(); PARTITIONS],
            buffered: 0,
            counts: Vec::new(),
            rows: vec![0; PARTITIONS],
            records: 0,
            sources: Sources::NONE,
            samples: BinaryHeap::new(),
            record: Vec::new(),
            numbers: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, person: &Person, names: &Names, spill: &Spill) -> Result<(), BuildError> {
        self.records += 1;
        self.sources = self.sources.with(person.source);
        let Self { record, numbers, .. } = self;
        numbers.clear();
        numbers.extend_from_slice(&number::of_alien(person.alien_number).to_le_bytes());
        for one in person.numbers().take(encode::COUNT_MAX) {
            numbers.extend_from_slice(&number::of(&one).to_le_bytes());
        }
        record.clear();
        let (ids, parts) = self.parts(&person.surname, &person.given, &person.middle, names)?;
        let mut record = std::mem::take(&mut self.record);
        encode::encode(person, &parts, &mut record);
        self.sample(&record);
        let numbers = std::mem::take(&mut self.numbers);
        let made = self.draft(person, ids, false, &numbers, &record, spill).and_then(|()| {
            for alias in person.aliases.iter().take(encode::COUNT_MAX) {
                let (ids, parts) = self.parts(&alias.surname, &alias.given, &alias.middle, names)?;
                record.clear();
                encode::encode(person, &parts, &mut record);
                self.draft(person, ids, true, &[], &record, spill)?;
            }
            Ok(())
        });
        (self.record, self.numbers) = (record, numbers);
        made
    }

    fn draft(
        &mut self,
        person: &Person,
        names: [u32; 4],
        is_alias: bool,
        numbers: &[u8],
        record: &[u8],
        spill: &Spill,
    ) -> Result<(), BuildError> {
        let day = person.born.map_or(0, day::code);
        let place = encode::place_number(person.birth_place);
        let draft = Draft { day, names, place, sex: person.sex as u8, is_alias, numbers, record };
        let [surname, second, given, _] = names;
        self.count(surname, 0);
        if second != 0 {
            self.count(second, 0);
        }
        self.count(given, 1);
        let partition = super::partition(day);
        if let Some(rows) = self.rows.get_mut(partition) {
            *rows += 1;
        }
        if let Some(buffer) = self.buffers.get_mut(partition) {
            let before = buffer.len();
            draft.write(buffer)?;
            self.buffered += buffer.len() - before;
            if buffer.len() >= BUFFER_MAX {
                self.buffered -= buffer.len();
                spill.add(partition, buffer)?;
                buffer.clear();
            }
        }
        Ok(())
    }

    fn count(&mut self, name: u32, role: usize) {
        let name = name as usize;
        if self.counts.len() <= name {
            self.counts.resize((name + 1).next_power_of_two(), [0; 2]);
        }
        if let Some(count) = self.counts.get_mut(name).and_then(|counts| counts.get_mut(role)) {
            *count += 1;
        }
    }

    /// Name numbers and parts of names, remembered by their spelling.
    fn parts(
        &mut self,
        surname: &str,
        given: &str,
        middle: &str,
        names: &Names,
    ) -> Result<([u32; 4], Parts), BuildError> {
        let [surname, second] = remembered(&mut self.surnames, surname, names)?;
        let [given, more] = remembered(&mut self.others, given, names)?;
        let [middle, _] = remembered(&mut self.others, middle, names)?;
        let middle = if middle.0 == 0 { more } else { middle };
        let parts = Parts {
            surname: surname.1.into(),
            second: second.1.into(),
            given: given.1.into(),
            middle: middle.1.into(),
        };
        Ok(([surname.0, second.0, given.0, middle.0], parts))
    }

    fn sample(&mut self, record: &[u8]) {
        let hash = hash(b'R', record);
        if self.samples.len() < SAMPLES {
            self.samples.push((hash, record.to_vec()));
        } else if self.samples.peek().is_some_and(|(largest, _)| hash < *largest) {
            self.samples.pop();
            self.samples.push((hash, record.to_vec()));
        }
    }

    /// Hands over all that is buffered.
    pub(super) fn flush(&mut self, spill: &Spill) -> Result<(), BuildError> {
        for (partition, buffer) in self.buffers.iter_mut().enumerate() {
            if !buffer.is_empty() {
                spill.add(partition, buffer)?;
                *buffer = Vec::new();
            }
        }
        self.buffered = 0;
        Ok(())
    }
}

/// The first two parts of a name with their numbers.
fn remembered(
    memory: &mut FxHashMap<Box<str>, [(u32, Box<str>); 2]>,
    name: &str,
    names: &Names,
) -> Result<[(u32, Box<str>); 2], BuildError> {
    if let Some(parts) = memory.get(name) {
        return Ok(parts.clone());
    }
    let mut parts = units(&fold(name)).into_iter();
    let mut next = || {
        let part = parts.next().unwrap_or_default();
        Ok::<_, BuildError>((names.number(&part)?, part.into_boxed_str()))
    };
    let parts = [next()?, next()?];
    if memory.len() >= REMEMBERED_MAX {
        memory.clear();
    }
    memory.insert(name.into(), parts.clone());
    Ok(parts)
}

/// What all lanes counted together.
pub(super) struct Lanes {
    pub(super) counts: Vec<[u32; 2]>,
    pub(super) rows: Vec<u64>,
    pub(super) records: u64,
    pub(super) sources: Sources,
    pub(super) samples: Vec<Vec<u8>>,
}

impl Lanes {
    pub(super) fn sum(lanes: Vec<Lane>) -> Self {
        let mut sum = Self {
            counts: Vec::new(),
            rows: vec![0; PARTITIONS],
            records: 0,
            sources: Sources::NONE,
            samples: Vec::new(),
        };
        let mut samples = Vec::new();
        for lane in lanes {
            sum.records += lane.records;
            sum.sources = sum.sources.and(lane.sources);
            sum.rows.iter_mut().zip(lane.rows).for_each(|(sum, rows)| *sum += rows);
            if sum.counts.len() < lane.counts.len() {
                sum.counts.resize(lane.counts.len(), [0; 2]);
            }
            for (sum, counts) in sum.counts.iter_mut().zip(lane.counts) {
                sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_add(count));
            }
            samples.extend(lane.samples);
        }
        samples.sort_unstable();
        samples.truncate(SAMPLES);
        sum.samples = samples.into_iter().map(|(_, record)| record).collect();
        sum
    }
}
