//! The folds as sections of a checkpoint, so that a start need not read the whole journal.
//!
//! Each fold is one section with a name and a version of its own. A checkpoint is used only if it has exactly the
//! sections that this program writes, in their versions: whoever meets another one goes back to the journal, which
//! always says the same. So a new fold adds a section and needs no new format.
//!
//! Integers are varints of seven bits to a byte, the lowest first; where a column rises, its entries are differences
//! to the entry before. What has no order of its own is sorted, so that equal folds give equal bytes.

mod pieces;

use codec::name::{MessageKey, StationName};
use codec::time::Timestamp;

use super::confirmations::Confirmations;
use super::controls::Controls;
use super::help::HelpFiles;
use super::marks::Marked;
use super::overlay::Overlay;
use super::states::States;
use super::{Copy, DEAD_LETTERS_MAX, DeadLetter, Folds, Stage, is_notice};
use crate::event::{Delivery, LinkId, Msn, ReturnReason, Sequence};
use crate::network::{Network, StationIndex};
use crate::repeats::{FINGERPRINT_BYTES, Fingerprint, REMEMBERED_MAX};

pub(crate) use pieces::{In, Out};

/// One section of a checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    /// Which fold it is.
    pub name: &'a str,
    /// How it is laid out.
    pub version: u32,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// Where the sections of a checkpoint are written to, one after the other.
pub trait Sections {
    /// Why it does not take more.
    type Error;

    /// Begins a section; the one before it is complete.
    ///
    /// # Errors
    /// As the implementation says; writing ends then.
    fn begin(&mut self, name: &str, version: u32) -> Result<(), Self::Error>;

    /// Adds to the section begun last.
    ///
    /// # Errors
    /// As the implementation says; writing ends then.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Why a checkpoint is of no use to this program; the journal, or an older checkpoint, is read instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("section {section:?} of the checkpoint {problem}")]
pub struct CheckpointError {
    section: String,
    problem: &'static str,
}

/// Name and version of each section, in the order in which they are written and read: the first names the stations that
/// the others count.
const COUNTERS: (&str, u32) = ("counters", 1);
const REPEATS: (&str, u32) = ("repeats", 1);
const COPIES: (&str, u32) = ("copies", 1);
const DEAD_LETTERS: (&str, u32) = ("dead-letters", 1);
const QUERIES: (&str, u32) = ("queries", 1);
const DIRECTORY: (&str, u32) = ("directory", 1);
const HELP: (&str, u32) = ("help", 1);
const STATES: (&str, u32) = ("states", 1);
const CONFIRMATIONS: (&str, u32) = ("confirmations", 1);
const CONTROLS: (&str, u32) = ("controls", 1);
const MARKS: (&str, u32) = ("marks", 1);
const SECTIONS: [(&str, u32); 11] =
    [COUNTERS, REPEATS, COPIES, DEAD_LETTERS, QUERIES, DIRECTORY, HELP, STATES, CONFIRMATIONS, CONTROLS, MARKS];

/// In the byte with a copy's class: it is the switch's own, and its flow is its number.
const NOTICE: u8 = 0x80;

impl Folds {
    /// Writes all folds. A million waiting copies and as many messages remembered are some 55 MB.
    ///
    /// # Errors
    /// As `out` says.
    pub fn checkpoint<S: Sections>(&self, out: &mut S) -> Result<(), S::Error> {
        let mut out = Out::new(out);
        self.put_counters(&mut out)?;
        self.put_repeats(&mut out)?;
        self.put_copies(&mut out)?;
        self.put_dead_letters(&mut out)?;
        self.put_queries(&mut out)?;
        out.begin(DIRECTORY)?;
        self.overlay.put(&mut out)?;
        out.begin(HELP)?;
        self.help.put(&mut out)?;
        out.begin(STATES)?;
        self.states.put(&mut out)?;
        out.begin(CONFIRMATIONS)?;
        self.confirmations.put(&mut out)?;
        out.begin(CONTROLS)?;
        self.controls.put(&mut out)?;
        out.begin(MARKS)?;
        self.marked.put(&mut out)?;
        out.flush()
    }

    /// The folds that a checkpoint holds, for the network as it is now.
    ///
    /// # Errors
    /// If a section is unknown, missing, of another version or not what this program writes.
    pub fn restore(network: &Network, sections: &[Section<'_>]) -> Result<Self, CheckpointError> {
        let error = |section: &str, problem| CheckpointError { section: section.to_owned(), problem };
        let strange = sections.iter().find(|section| !SECTIONS.contains(&(section.name, section.version)));
        if let Some(section) = strange {
            return Err(error(section.name, "is of another version of this program"));
        }
        let mut folds = Self::new(network);
        let mut stations = Vec::new();
        for known in SECTIONS {
            let (name, _) = known;
            let mut found = sections.iter().filter(|section| section.name == name);
            let (Some(section), None) = (found.next(), found.next()) else {
                return Err(error(name, "is not there exactly once"));
            };
            let mut input = In::new(section.bytes, &stations);
            let read = match known {
                COUNTERS => folds.read_counters(&mut input).map(|read| stations = read),
                REPEATS => folds.read_repeats(&mut input),
                COPIES => folds.read_copies(&mut input),
                DEAD_LETTERS => folds.read_dead_letters(&mut input),
                QUERIES => folds.read_queries(&mut input),
                DIRECTORY => Overlay::read(&mut input).map(|read| folds.overlay = read),
                HELP => HelpFiles::read(&mut input).map(|read| folds.help = read),
                STATES => States::read(&mut input).map(|read| folds.states = read),
                CONFIRMATIONS => Confirmations::read(&mut input, network.limits().confirmations)
                    .map(|read| folds.confirmations = read),
                CONTROLS => Controls::read(&mut input).map(|read| folds.controls = read),
                _ => Marked::read(&mut input).map(|read| folds.marked = read),
            };
            read.ok_or_else(|| error(name, "cannot be read"))?;
        }
        Ok(folds)
    }

    /// The oldest record that is still needed: by a copy that waits, or a query without an answer.
    #[must_use]
    pub fn oldest_needed(&self) -> Option<Sequence> {
        let copies = self.copies.values().map(|copy| copy.sequence);
        copies.chain(self.queries.keys().next().copied()).min()
    }

    fn put_counters<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.begin(COUNTERS)?;
        for number in [self.last.0, self.last_delivery.number(), self.last_msn.0, self.last_link.0] {
            out.number(number);
        }
        out.count(self.stations.len());
        for station in &self.stations {
            out.text(station.name.as_str());
            out.number(station.isn.value().into());
            out.number(station.osn.value().into());
            out.end_entry()?;
        }
        Ok(())
    }

    /// Returns where each station of the checkpoint is in these folds.
    fn read_counters(&mut self, input: &mut In<'_>) -> Option<Vec<StationIndex>> {
        self.last = Sequence(input.number()?);
        self.last_delivery = Delivery::from_number(input.number()?);
        self.last_msn = Msn(input.number()?);
        self.last_link = LinkId(input.number()?);
        let mut stations = Vec::new();
        for _ in 0..input.count(3)? {
            let index = self.index(StationName::parse(input.text()?).ok()?)?;
            let (isn, osn) = (input.five_digits()?, input.five_digits()?);
            let station = self.station_mut(index)?;
            (station.isn, station.osn) = (isn, osn);
            stations.push(index);
        }
        input.end()?;
        Some(stations)
    }

    fn put_repeats<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.begin(REPEATS)?;
        out.count(self.repeats.len());
        let (mut last_at, mut last) = (0, 0);
        for (at, fingerprint, sequence) in self.repeats.oldest_first() {
            out.bytes(fingerprint.as_bytes());
            out.difference(at.0, &mut last_at);
            out.rise(sequence.0, &mut last);
            out.end_entry()?;
        }
        Ok(())
    }

    fn read_repeats(&mut self, input: &mut In<'_>) -> Option<()> {
        let count = input.count(FINGERPRINT_BYTES.saturating_add(2)).filter(|count| *count <= REMEMBERED_MAX)?;
        self.repeats.reserve(count);
        let (mut last_at, mut last) = (0, 0);
        for _ in 0..count {
            let fingerprint = Fingerprint::from_bytes(input.take(FINGERPRINT_BYTES)?.try_into().ok()?);
            let at = Timestamp(input.difference(&mut last_at)?);
            self.repeats.restore(at, fingerprint, Sequence(input.rise(&mut last)?));
        }
        input.end()
    }

    fn put_copies<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.begin(COPIES)?;
        let mut copies: Vec<(&Delivery, &Copy)> = self.copies.iter().collect();
        copies.sort_unstable_by_key(|(delivery, _)| **delivery);
        out.count(copies.len());
        let (mut last_delivery, mut last_sequence, mut last_admitted) = (0, 0, 0);
        for (delivery, copy) in copies {
            out.rise(delivery.number(), &mut last_delivery);
            out.rise(copy.sequence.0, &mut last_sequence);
            out.number(copy.station.0.into());
            if is_notice(copy.flow) {
                out.bytes(&[copy.class | NOTICE]);
            } else {
                out.bytes(&[copy.class]);
                out.bytes(&copy.flow.to_be_bytes());
            }
            out.text(copy.key.as_str());
            out.number(copy.bytes.into());
            out.difference(copy.admitted.0, &mut last_admitted);
            out.difference(copy.expires.0, &mut { copy.admitted.0 });
            out.end_entry()?;
        }
        Ok(())
    }

    fn read_copies(&mut self, input: &mut In<'_>) -> Option<()> {
        let count = input.count(9)?;
        self.copies.reserve(count);
        let (mut last_delivery, mut last_sequence, mut last_admitted) = (0, 0, 0);
        for _ in 0..count {
            let delivery = Delivery::from_number(input.rise(&mut last_delivery)?);
            let sequence = Sequence(input.rise(&mut last_sequence)?);
            let station = input.station()?;
            let [class] = input.array()?;
            let flow = if class & NOTICE != 0 { delivery.number() } else { u64::from_be_bytes(input.array()?) };
            let key = MessageKey::parse(input.text()?).ok()?;
            let bytes = u32::try_from(input.number()?).ok()?;
            let admitted = Timestamp(input.difference(&mut last_admitted)?);
            let expires = Timestamp(input.difference(&mut { admitted.0 })?);
            let copy = Copy {
                sequence,
                station,
                class: class & !NOTICE,
                lost: 0,
                key,
                bytes,
                flow,
                admitted,
                expires,
                first_sent: None,
                stage: Stage::Unstored,
            };
            self.count_waiting(&copy)?;
            if self.copies.insert(delivery, copy).is_some() {
                return None;
            }
        }
        input.end()
    }

    fn put_dead_letters<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.begin(DEAD_LETTERS)?;
        out.count(self.dead_letters.len());
        let (mut last_delivery, mut last_at) = (0, 0);
        for (delivery, letter) in &self.dead_letters {
            out.rise(delivery.number(), &mut last_delivery);
            out.text(letter.station.as_str());
            out.number(letter.sequence.0);
            out.difference(letter.at.0, &mut last_at);
            let why = ReturnReason::ALL.iter().position(|why| *why == letter.why);
            out.count(why.unwrap_or(usize::MAX));
            out.end_entry()?;
        }
        Ok(())
    }

    fn read_dead_letters(&mut self, input: &mut In<'_>) -> Option<()> {
        let (mut last_delivery, mut last_at) = (0, 0);
        for _ in 0..input.count(5).filter(|count| *count <= DEAD_LETTERS_MAX)? {
            let delivery = Delivery::from_number(input.rise(&mut last_delivery)?);
            let letter = DeadLetter {
                station: StationName::parse(input.text()?).ok()?,
                sequence: Sequence(input.number()?),
                at: Timestamp(input.difference(&mut last_at)?),
                why: *ReturnReason::ALL.get(usize::try_from(input.number()?).ok()?)?,
            };
            self.dead_letters.insert(delivery, letter);
        }
        input.end()
    }

    fn put_queries<S: Sections>(&self, out: &mut Out<'_, S>) -> Result<(), S::Error> {
        out.begin(QUERIES)?;
        out.count(self.queries.len());
        let mut last = 0;
        for (sequence, station) in &self.queries {
            out.rise(sequence.0, &mut last);
            out.number(station.0.into());
            out.end_entry()?;
        }
        Ok(())
    }

    fn read_queries(&mut self, input: &mut In<'_>) -> Option<()> {
        let mut last = 0;
        for _ in 0..input.count(2)? {
            let sequence = Sequence(input.rise(&mut last)?);
            let station = input.station()?;
            self.query(sequence, station)?;
        }
        input.end()
    }
}
