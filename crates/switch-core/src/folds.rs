//! What the journal adds up to: counters, the memory of resent messages, the copies that still wait, the dead letters.
//!
//! The same code runs at start, over what the journal replays, and while the switch works, over what it writes: there
//! is one place that says what a record means.

mod checkpoint;
mod confirmations;
mod controls;
mod help;
mod marks;
mod overlay;
mod states;

use std::collections::BTreeMap;
use std::num::NonZeroI64;

use bytes::Bytes;
use codec::name::{MessageKey, Ori, StationName};
use codec::number::Number;
use codec::time::Timestamp;
use rustc_hash::FxHashMap;

pub use checkpoint::{CheckpointError, Section, Sections};
pub(crate) use overlay::Overlay;

use crate::effect::{Effect, Marked, StateChange};
use crate::event::{Delivery, LinkId, Msn, ReturnReason, Sequence};
use crate::network::{DestinationState, Network, StationIndex};
use crate::query::is_log_query;
use crate::record::{
    Accepted, Act, Answered, CopyTo, LinkChange, NoticeTo, Overdue, Received, Record, RecordError, Refused, Returned,
    SentAgain,
};
use crate::repeats::Repeats;
use confirmations::Confirmations;
use controls::Controls;
use help::HelpFiles;
use states::States;

/// The state that survives a restart.
#[derive(Debug)]
pub struct Folds {
    pub(crate) last: Sequence,
    pub(crate) last_delivery: Delivery,
    pub(crate) last_msn: Msn,
    last_link: LinkId,
    pub(crate) repeats: Repeats,
    pub(crate) copies: FxHashMap<Delivery, Copy>,
    pub(crate) dead_letters: BTreeMap<Delivery, DeadLetter>,
    /// Log queries that are not answered, and who asks.
    pub(crate) queries: BTreeMap<Sequence, StationIndex>,
    pub(crate) overlay: Overlay,
    pub(crate) help: HelpFiles,
    pub(crate) states: States,
    pub(crate) confirmations: Confirmations,
    pub(crate) controls: Controls,
    pub(crate) marked: marks::Marked,
    stations: Vec<Station>,
    by_name: FxHashMap<StationName, StationIndex>,
    /// Of all stations together.
    waiting_bytes: u64,
}

/// The counters of a station (`protocol-specs/wire.md` 2.2).
#[derive(Debug)]
struct Station {
    name: StationName,
    isn: Number,
    osn: Number,
    waiting: usize,
    waiting_bytes: u64,
    /// What of it the switch itself says to the station.
    notice_bytes: u64,
    /// Log queries of the station that are not answered.
    queries: usize,
}

/// A copy that is neither delivered nor returned.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) sequence: Sequence,
    pub(crate) station: StationIndex,
    pub(crate) class: u8,
    /// Links in a row that were lost while this was their oldest copy unacknowledged.
    pub(crate) lost: u8,
    pub(crate) key: MessageKey,
    pub(crate) bytes: u32,
    /// Copies of one sender to one destination have the same.
    pub(crate) flow: u64,
    pub(crate) admitted: Timestamp,
    pub(crate) expires: Timestamp,
    /// When it was first sent in this run: a repeat bears the same stamp.
    pub(crate) first_sent: Option<NonZeroI64>,
    pub(crate) stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its record is not durable yet.
    Unstored,
    /// It waits in the outbox of its station.
    Waiting,
    /// It waits for its destination's state to change from *store*.
    Stored,
    /// A link has it.
    InFlight(LinkId),
    /// It is on its way to the dead letters.
    Returning,
}

/// A copy that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who should have got it.
    pub station: StationName,
    /// The record that holds the message.
    pub sequence: Sequence,
    /// When it was given up.
    pub at: Timestamp,
    /// Why.
    pub why: ReturnReason,
}

/// A journal that does not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {} of the journal: {problem}", sequence.0)]
pub struct FoldError {
    sequence: Sequence,
    problem: FoldProblem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum FoldProblem {
    #[error("it is not the next one after {}", .0.0)]
    OutOfSequence(Sequence),
    #[error(transparent)]
    Unreadable(#[from] RecordError),
    #[error("more stations than a network can have")]
    Stations,
}

/// What is said of all keys is not meant for what tells of it.
const SPARED: [&str; 2] = ["SM", "ER"];
/// What a copy that waits costs in memory besides its message: its places in the queue, among what expires, among all
/// copies. Bounds count it with the message, which may be of a few bytes or, as a notice, of none.
pub(crate) const COPY_BYTES: u64 = 256;
/// How many dead letters are kept at hand, the latest; all of them stand in the journal.
const DEAD_LETTERS_MAX: usize = 100_000;

impl Folds {
    /// The state of a switch with an empty journal.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        let mut folds = Self {
            last: Sequence(0),
            last_delivery: Delivery::default(),
            last_msn: Msn(0),
            last_link: LinkId(0),
            repeats: Repeats::default(),
            copies: FxHashMap::default(),
            dead_letters: BTreeMap::new(),
            queries: BTreeMap::new(),
            overlay: Overlay::default(),
            help: HelpFiles::default(),
            states: States::default(),
            confirmations: Confirmations::new(network.limits().confirmations),
            controls: Controls::default(),
            marked: marks::Marked::default(),
            stations: Vec::new(),
            by_name: FxHashMap::default(),
            waiting_bytes: 0,
        };
        // In the network's own order, so that a station has the same index in both.
        for station in network.stations() {
            let _index: Option<StationIndex> = folds.index(station.name);
        }
        folds
    }

    /// Takes in the next record of the journal.
    ///
    /// # Errors
    /// If the record is not the next one or not one of the switch's: the journal is another program's or damaged.
    pub fn replay(&mut self, sequence: u64, kind: u8, payload: &[u8]) -> Result<(), FoldError> {
        let sequence = Sequence(sequence);
        let error = |problem| FoldError { sequence, problem };
        if sequence != self.next_sequence() {
            return Err(error(FoldProblem::OutOfSequence(self.last)));
        }
        let mut record = Record::decode(kind, Bytes::copy_from_slice(payload)).map_err(|e| error(e.into()))?;
        record.complete();
        self.apply(sequence, &record).ok_or_else(|| error(FoldProblem::Stations))
    }

    /// The sequence number of the record to write next.
    #[must_use]
    pub fn next_sequence(&self) -> Sequence {
        Sequence(self.last.0.saturating_add(1))
    }

    /// The highest number that a link has had; 0 before the first.
    #[must_use]
    pub fn last_link(&self) -> LinkId {
        self.last_link
    }

    /// How many copies wait, over all stations.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.copies.len()
    }

    pub(crate) fn apply(&mut self, sequence: Sequence, record: &Record) -> Option<()> {
        self.last = sequence;
        match record {
            Record::Accepted(Accepted { reception, msn, copies, notices, effects }) => {
                let station = self.receive(sequence, reception)?;
                self.last_msn = *msn;
                if reception.key.is_some_and(is_log_query) {
                    self.query(sequence, station)?;
                }
                self.copies_of(sequence, reception, copies)?;
                notices.iter().try_for_each(|notice| self.notice(sequence, notice))?;
                effects.iter().try_for_each(|effect| self.effect(effect))
            }
            Record::Refused(Refused { reception, notice, .. }) => {
                self.receive(sequence, reception)?;
                self.notice(sequence, notice)
            }
            Record::Delivered(marks) => {
                marks.iter().for_each(|mark| {
                    self.settle(mark.delivery);
                });
                Some(())
            }
            Record::Link(LinkChange { link, .. }) => {
                self.last_link = self.last_link.max(*link);
                Some(())
            }
            Record::Answered(Answered { query, notices, .. }) => {
                self.answered(*query);
                notices.iter().try_for_each(|notice| self.notice(sequence, notice))
            }
            Record::Act(Act { effects, again, notices, .. }) => {
                effects.iter().try_for_each(|effect| self.effect(effect))?;
                for SentAgain { reception, copies, .. } in again {
                    self.copies_of(sequence, reception, copies)?;
                }
                notices.iter().try_for_each(|notice| self.notice(sequence, notice))
            }
            Record::Overdue(Overdue { id, notices, .. }) => {
                self.confirmations.overdue(id);
                notices.iter().try_for_each(|notice| self.notice(sequence, notice))
            }
            Record::Repeated(_) => Some(()),
            Record::Returned(Returned { delivery, station, original, at, why, notice }) => {
                self.settle(*delivery);
                let letter = DeadLetter { station: *station, sequence: *original, at: *at, why: *why };
                self.dead_letters.insert(*delivery, letter);
                if self.dead_letters.len() > DEAD_LETTERS_MAX {
                    self.dead_letters.pop_first();
                }
                notice.iter().try_for_each(|notice| self.notice(sequence, notice))
            }
        }
    }

    fn effect(&mut self, effect: &Effect) -> Option<()> {
        match effect {
            Effect::Agency(change) => self.overlay.apply(change),
            Effect::Help(change) => self.help.apply(change),
            Effect::State(StateChange { station, key, state }) => {
                let station = self.index(*station)?;
                self.states.set(station, *key, *state);
            }
            Effect::Asked(confirmation) => self.confirmations.asked(confirmation),
            Effect::Answered(id) => self.confirmations.answered(id),
            Effect::Extended { id, due } => self.confirmations.extended(id, *due),
            Effect::Hold { station } => {
                let station = self.index(*station)?;
                self.controls.held.insert(station);
            }
            Effect::Release { station } => {
                let station = self.index(*station)?;
                self.controls.held.remove(&station);
            }
            Effect::Divert { from, to } => {
                let (from, to) = (self.index(*from)?, self.index(*to)?);
                self.controls.diverted.insert(from, to);
            }
            Effect::Undivert { from } => {
                let from = self.index(*from)?;
                self.controls.diverted.remove(&from);
            }
            Effect::Diverted { delivery, home } => {
                let home = self.index(*home)?;
                self.controls.homes.insert(*delivery, home);
            }
            Effect::Moved { delivery, station, osn } => self.moved(*delivery, *station, *osn)?,
            Effect::Marked(Marked { station, control, marks }) => {
                let station = self.index(*station)?;
                self.marked.remember(station, *control, marks.clone());
            }
            Effect::LetterDiscarded { delivery } => drop(self.dead_letters.remove(delivery)),
        }
        Some(())
    }

    /// A copy that waits counts for another station.
    fn moved(&mut self, delivery: Delivery, station: StationName, osn: Number) -> Option<()> {
        let index = self.index(station)?;
        self.station_mut(index)?.osn = osn;
        let home = self.controls.home(delivery);
        if let Some(mut copy) = self.settle(delivery) {
            self.controls.homes.insert(delivery, home.unwrap_or(copy.station));
            copy.station = index;
            copy.lost = 0;
            self.count_waiting(&copy)?;
            self.copies.insert(delivery, copy);
            self.controls.moved.insert(delivery, osn);
        }
        Some(())
    }

    fn copies_of(&mut self, sequence: Sequence, reception: &Received, copies: &[CopyTo]) -> Option<()> {
        for copy in copies {
            let flow = flow(reception.sender.as_ref().map_or("", Ori::as_str), copy);
            self.admit(sequence, copy, reception.key?, reception.at, reception.message.len(), flow)?;
        }
        Some(())
    }

    /// What happens to messages of a key for a station.
    pub(crate) fn state(&self, network: &Network, station: StationIndex, key: MessageKey) -> DestinationState {
        let configured = network.state(station, key);
        let Some(set) = self.states.of_station(station) else { return configured };
        if let Some(state) = set.get(&Some(key)) {
            return *state;
        }
        let own = matches!(configured, DestinationState::Remove | DestinationState::Unsupported);
        if own || SPARED.contains(&key.as_str()) {
            return configured;
        }
        set.get(&None).copied().unwrap_or(configured)
    }

    /// Gives the stations of a network that takes another's place their places, and keeps to its bounds. False: they have others already.
    pub(crate) fn adopt(&mut self, network: &Network) -> bool {
        self.confirmations.bound(network.limits().confirmations);
        (0..network.places()).all(|place| {
            let Ok(place) = u16::try_from(place) else { return false };
            network.at(StationIndex(place)).is_none_or(|station| self.index(station.name) == Some(StationIndex(place)))
        })
    }

    /// Whether [`Self::adopt`] would.
    pub(crate) fn fits(&self, network: &Network) -> bool {
        let known = |place: usize, name| {
            self.stations.get(place).map_or_else(|| !self.by_name.contains_key(&name), |s| s.name == name)
        };
        (0..network.places()).all(|place| {
            let Ok(index) = u16::try_from(place) else { return false };
            network.at(StationIndex(index)).is_none_or(|station| known(place, station.name))
        }) && network.places() >= self.stations.len()
    }

    /// The names of all stations, in the order of their places.
    pub(crate) fn order(&self) -> Vec<StationName> {
        self.stations.iter().map(|station| station.name).collect()
    }

    /// The log no longer has the records before `first`: dead letters that point there are forgotten.
    pub fn pruned(&mut self, first: Sequence) {
        self.dead_letters.retain(|_, letter| letter.sequence >= first);
    }

    /// Takes a copy out of what waits: it was delivered or returned.
    pub(crate) fn settle(&mut self, delivery: Delivery) -> Option<Copy> {
        let copy = self.copies.remove(&delivery)?;
        self.controls.settle(delivery);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(u64::from(copy.bytes));
        if let Some(station) = self.station_mut(copy.station) {
            station.waiting = station.waiting.saturating_sub(1);
            station.waiting_bytes = station.waiting_bytes.saturating_sub(u64::from(copy.bytes));
            if is_notice(copy.flow) {
                station.notice_bytes =
                    station.notice_bytes.saturating_sub(u64::from(copy.bytes).saturating_add(COPY_BYTES));
            }
        }
        Some(copy)
    }

    pub(crate) fn next_isn(&self, station: StationIndex) -> Number {
        self.station(station).map_or(Number::SWITCH, |s| s.isn).next()
    }

    pub(crate) fn last_osn(&self, station: StationIndex) -> Number {
        self.station(station).map_or(Number::SWITCH, |s| s.osn)
    }

    /// Copies and bytes that wait for a station, in flight or not.
    pub(crate) fn waiting_for(&self, station: StationIndex) -> (usize, u64) {
        self.station(station).map_or((0, 0), |s| (s.waiting, s.waiting_bytes))
    }

    /// Log queries of a station that are not answered.
    pub(crate) fn queries_of(&self, station: StationIndex) -> usize {
        self.station(station).map_or(0, |s| s.queries)
    }

    /// What waits for a station as its bound counts it: with what each copy costs besides.
    pub(crate) fn held_for(&self, station: StationIndex) -> u64 {
        let (copies, bytes) = self.waiting_for(station);
        held(copies, bytes)
    }

    /// What waits for all stations together as its bound counts it.
    pub(crate) fn held(&self) -> u64 {
        held(self.copies.len(), self.waiting_bytes)
    }

    /// Bytes that wait for a station and that the switch itself says to it.
    pub(crate) fn notices_for(&self, station: StationIndex) -> u64 {
        self.station(station).map_or(0, |s| s.notice_bytes)
    }

    pub(crate) fn name(&self, station: StationIndex) -> Option<StationName> {
        self.station(station).map(|s| s.name)
    }

    fn receive(&mut self, sequence: Sequence, reception: &Received) -> Option<StationIndex> {
        let index = self.index(reception.station)?;
        // What an operator enters for a station did not come by any link.
        if reception.link != LinkId(0) {
            self.station_mut(index)?.isn = reception.isn;
        }
        if let Some(fingerprint) = reception.fingerprint {
            self.repeats.remember(reception.at, fingerprint, sequence);
        }
        Some(index)
    }

    fn notice(&mut self, sequence: Sequence, notice: &NoticeTo) -> Option<()> {
        // Each is a flow of its own: an answer belongs to the link that it answers, whatever else goes to that address.
        let flow = notice.copy.delivery.number();
        self.admit(sequence, &notice.copy, notice.key, notice.at, notice.body.len(), flow)
    }

    fn admit(
        &mut self,
        sequence: Sequence,
        copy: &CopyTo,
        key: MessageKey,
        admitted: Timestamp,
        length: usize,
        flow: u64,
    ) -> Option<()> {
        let index = self.index(copy.station)?;
        self.station_mut(index)?.osn = copy.osn;
        self.last_delivery = copy.delivery;
        let copy_of = Copy {
            sequence,
            station: index,
            class: copy.class,
            lost: 0,
            key,
            bytes: u32::try_from(length).unwrap_or(u32::MAX),
            flow,
            admitted,
            expires: copy.expires,
            first_sent: None,
            stage: Stage::Unstored,
        };
        self.count_waiting(&copy_of)?;
        self.copies.insert(copy.delivery, copy_of);
        Some(())
    }

    fn count_waiting(&mut self, copy: &Copy) -> Option<()> {
        let bytes = u64::from(copy.bytes);
        let station = self.station_mut(copy.station)?;
        station.waiting = station.waiting.saturating_add(1);
        station.waiting_bytes = station.waiting_bytes.saturating_add(bytes);
        if is_notice(copy.flow) {
            station.notice_bytes = station.notice_bytes.saturating_add(bytes.saturating_add(COPY_BYTES));
        }
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
        Some(())
    }

    /// A log query waits for its answer.
    fn query(&mut self, sequence: Sequence, station: StationIndex) -> Option<()> {
        self.queries.insert(sequence, station);
        let asking = self.station_mut(station)?;
        asking.queries = asking.queries.saturating_add(1);
        Some(())
    }

    fn answered(&mut self, query: Sequence) {
        if let Some(station) = self.queries.remove(&query)
            && let Some(asked) = self.station_mut(station)
        {
            asked.queries = asked.queries.saturating_sub(1);
        }
    }

    fn index(&mut self, name: StationName) -> Option<StationIndex> {
        if let Some(index) = self.by_name.get(&name) {
            return Some(*index);
        }
        let index = StationIndex(u16::try_from(self.stations.len()).ok()?);
        let none = Number::SWITCH;
        self.stations.push(Station {
            name,
            isn: none,
            osn: none,
            waiting: 0,
            waiting_bytes: 0,
            notice_bytes: 0,
            queries: 0,
        });
        self.by_name.insert(name, index);
        Some(index)
    }

    fn station(&self, index: StationIndex) -> Option<&Station> {
        self.stations.get(usize::from(index.0))
    }

    fn station_mut(&mut self, index: StationIndex) -> Option<&mut Station> {
        self.stations.get_mut(usize::from(index.0))
    }
}

fn held(copies: usize, bytes: u64) -> u64 {
    bytes.saturating_add(u64::try_from(copies).unwrap_or(u64::MAX).saturating_mul(COPY_BYTES))
}

/// Two flows that share a number only keep to one link together, which does no harm: FNV-1a is enough. The highest bit is
/// set, so that no flow shares one with a notice.
fn flow(sender: &str, copy: &CopyTo) -> u64 {
    let bytes = sender.bytes().chain([0]).chain(copy.destination.as_str().bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash | 1 << 63
}

pub(crate) fn is_notice(flow: u64) -> bool {
    flow >> 63 == 0
}
