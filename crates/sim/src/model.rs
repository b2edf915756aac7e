//! The shadow model: what must hold of a switch, checked after every step from outside.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use codec::legacy::parse_output;
use codec::name::{MessageKey, Ori, StationName};
use codec::time::Timestamp;
use switch_core::reading::{Reading, read};
use switch_core::{Delivery, Format, Kind, NetworkConfig, StationView, Switch};

use crate::ledger::{Check, Copy, Done, End, Ledger, Violation, ensure};
use crate::network::{CLIENTS, class_of, may_send, station, stations_of};
use crate::traffic::mark_of;

/// Lateness of a return, and of whatever follows a step of the clock.
const LATE_US: u64 = 2_000_000;
/// All that a link was given, read one after the other, each as slowly as can be.
const LOADS_US: u64 = 32 * 200_000;
/// Lower classes together get one in so many sends while a higher one waits (`protocol-specs/wire.md` 2.6).
const LOWER_ONE_IN: usize = 8;

/// A message that a client sent.
#[derive(Debug, Clone)]
struct Sent {
    /// The memory of resent messages covers it.
    known_again: bool,
    acknowledged: bool,
}

type Flow = (StationName, StationName, Ori, MessageKey, u8);

/// How far the traffic of a run went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that clients sent, each once.
    pub sent: u64,
    /// Of them, acknowledged by the switch.
    pub acknowledged: u64,
    /// Records that are left at the end.
    pub records: u64,
    /// Copies that were delivered.
    pub delivered: u64,
    /// Copies that were returned.
    pub returned: u64,
    /// Messages refused with an ER.
    pub refused: u64,
    /// Messages recognized as sent before.
    pub repeated: u64,
    /// Starts of the switch.
    pub starts: u64,
    /// Ends in order, with everything written.
    pub stops: u64,
    /// Links that came up.
    pub links: u64,
    /// Commands that operators gave and got done.
    pub commands: u64,
    /// Copies that were moved between stations.
    pub moved: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Records that were read again for a copy.
    pub loads: u64,
    /// Times that the store was full.
    pub full: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let Self {
            sent,
            acknowledged,
            records,
            delivered,
            returned,
            refused,
            repeated,
            starts,
            stops,
            links,
            commands,
            moved,
            checkpoints,
            loads,
            full,
        } = other;
        self.sent += sent;
        self.acknowledged += acknowledged;
        self.records += records;
        self.delivered += delivered;
        self.returned += returned;
        self.refused += refused;
        self.repeated += repeated;
        self.starts += starts;
        self.stops += stops;
        self.links += links;
        self.commands += commands;
        self.moved += moved;
        self.checkpoints += checkpoints;
        self.loads += loads;
        self.full += full;
    }
}

#[derive(Debug)]
pub(crate) struct Model {
    /// All that was given to the store and is not lost.
    records: Vec<(u8, Bytes)>,
    /// So many of them survive whatever happens.
    durable: u64,
    /// The process ended in order: everything survives.
    whole: bool,
    /// The first record that is kept.
    first: u64,
    pub(crate) ledger: Ledger,
    /// What the core goes on with.
    pub(crate) config: NetworkConfig,
    sent: BTreeMap<u32, Sent>,
    /// What receivers took, whether or not the switch heard of it.
    taken: BTreeSet<(usize, u32)>,
    /// Copies that have not ended.
    open: BTreeSet<u64>,
    first_sent: BTreeSet<u64>,
    first_arrived: BTreeSet<u64>,
    sent_last: BTreeMap<Flow, u64>,
    /// By where it arrives too: what is diverted goes over another station's links.
    arrived_last: BTreeMap<(StationName, Flow), u64>,
    /// Copies whose return was lost with the end of the journal: later ones of their flow have gone meanwhile.
    unreturned: BTreeSet<u64>,
    /// Of a copy that waits: sends of lower classes, and of its own or higher ones, that went before it.
    passed: BTreeMap<u64, (usize, usize)>,
    /// Letters that an operator wants discarded or sent again.
    wanted: BTreeSet<u64>,
    /// Something stands in the way of the order of classes: a state, a diversion.
    pub(crate) classes_disturbed: bool,
    pub(crate) body_loads: bool,
    pub(crate) counts: Counts,
}

impl Model {
    pub(crate) fn new(config: NetworkConfig) -> Self {
        Self {
            records: Vec::new(),
            durable: 0,
            whole: false,
            first: 1,
            ledger: Ledger::default(),
            config,
            sent: BTreeMap::new(),
            taken: BTreeSet::new(),
            open: BTreeSet::new(),
            first_sent: BTreeSet::new(),
            first_arrived: BTreeSet::new(),
            sent_last: BTreeMap::new(),
            arrived_last: BTreeMap::new(),
            unreturned: BTreeSet::new(),
            passed: BTreeMap::new(),
            wanted: BTreeSet::new(),
            classes_disturbed: false,
            body_loads: false,
            counts: Counts::default(),
        }
    }

    /// A client gives a message to its link for the first time.
    pub(crate) fn sends(&mut self, mark: u32, known_again: bool) {
        self.counts.sent += 1;
        self.sent.insert(mark, Sent { known_again, acknowledged: false });
    }

    /// A client has an acknowledgement.
    pub(crate) fn acknowledged(&mut self, mark: u32) -> Check {
        self.must_be_durable(mark)?;
        if let Some(sent) = self.sent.get_mut(&mark)
            && !std::mem::replace(&mut sent.acknowledged, true)
        {
            self.counts.acknowledged += 1;
        }
        Ok(())
    }

    pub(crate) fn must_be_durable(&self, mark: u32) -> Check {
        let at = self.ledger.marks.get(&mark);
        ensure(at.is_some_and(|at| *at <= self.durable), || {
            format!("message {mark} is acknowledged; it is in record {at:?}, durable are {}", self.durable)
        })
    }

    /// An operator wants something done with a letter.
    pub(crate) fn wants(&mut self, letter: Delivery) {
        self.wanted.insert(letter.number());
    }

    /// The core gives a record to the store.
    pub(crate) fn stored(&mut self, sequence: u64, kind: u8, record: &Bytes) -> Check {
        ensure(sequence == self.records.len() as u64 + 1, || {
            format!("record {sequence} after {}", self.records.len())
        })?;
        let reading = reading(sequence, kind, record)?;
        if let Reading::Accepted { reception, .. } | Reading::Refused { reception, .. } = &reading
            && let Some(mark) = mark_of(&reception.message)
            && reception.isn != codec::number::Number::SWITCH
            && let (Some(before), Some(sent)) = (self.ledger.marks.get(&mark), self.sent.get(&mark))
        {
            ensure(!sent.known_again, || format!("message {mark} is admitted in {before} and again in {sequence}"))?;
        }
        self.records.push((kind, record.clone()));
        let done = self.ledger.apply(sequence, &reading)?;
        self.judge(sequence, &reading, &done)?;
        for delivered in &done.delivered {
            let station = self.ledger.copies.get(delivered).map(Copy::station);
            let client = station.and_then(client_of);
            let validation = Delivery::from_number(*delivered).validation().get();
            ensure(client.is_some_and(|client| self.taken.contains(&(client, validation))), || {
                format!("copy {delivered} is delivered, and {station:?} never took it")
            })?;
        }
        for letter in &done.discarded {
            ensure(self.wanted.contains(&letter.number()), || {
                format!("letter {} is dropped, and no operator wanted that", letter.number())
            })?;
        }
        self.account(&reading, &done);
        Ok(())
    }

    fn account(&mut self, reading: &Reading, done: &Done) {
        match reading {
            Reading::Refused { .. } => self.counts.refused += 1,
            Reading::Repeated { .. } => self.counts.repeated += 1,
            Reading::Act(act) => {
                let moved =
                    |effect: &&switch_core::effect::Effect| matches!(effect, switch_core::effect::Effect::Moved { .. });
                self.counts.moved += act.effects.iter().filter(moved).count() as u64;
            }
            Reading::Accepted { .. }
            | Reading::Delivered { .. }
            | Reading::Returned { .. }
            | Reading::Link { .. }
            | Reading::Answered { .. }
            | Reading::Overdue { .. } => {}
        }
        self.open.extend(&done.admitted);
        for ended in done.delivered.iter().copied().chain(done.returned.map(|(delivery, _)| delivery.number())) {
            self.open.remove(&ended);
            self.passed.remove(&ended);
        }
        self.classes_disturbed |=
            self.ledger.stated || !self.ledger.diverted.is_empty() || !self.config.states.is_empty();
    }

    /// Nobody sends or gets what they may not, and everything goes in its class.
    fn judge(&self, sequence: u64, reading: &Reading, done: &Done) -> Check {
        if let Some((delivery, told)) = done.returned {
            let copy = self.ledger.copies.get(&delivery.number());
            let gone = copy.and_then(|copy| copy.from).is_none_or(|from| !self.has(from));
            ensure(told || gone, || format!("copy {} is returned, and its sender is not told", delivery.number()))?;
        }
        let Reading::Accepted { reception, copies, .. } = reading else { return Ok(()) };
        let (Some(key), Some(sender)) = (reception.key, reception.sender) else {
            return Err(Violation(format!("record {sequence} has no key or sender")));
        };
        if self.ledger.changed.contains(&sender) {
            return Ok(());
        }
        let from = reception.station;
        ensure(may_send(&self.config, from, sender, key.as_str()), || {
            format!("record {sequence}: {from} may not send {key} as {sender}")
        })?;
        let text = String::from_utf8_lossy(reception.text());
        let header = text.split("TXT").next().unwrap_or_default();
        let addresses: Vec<&str> = header.split('.').skip(2).filter(|part| matches!(part.len(), 2 | 9)).collect();
        let class = class_of(&self.config, key.as_str(), &addresses, reception.body());
        for copy in copies {
            let allowed = stations_of(&self.config, from, sender, key, copy.destination.as_str());
            let right = allowed.contains(&copy.station)
                || allowed.iter().any(|home| self.ledger.diverted.get(home) == Some(&copy.station));
            ensure(right || self.is_changed(copy.destination), || {
                format!(
                    "record {sequence}: {key} for {} goes to {}, not to {allowed:?}",
                    copy.destination, copy.station
                )
            })?;
            ensure(class.is_none_or(|class| class == copy.class), || {
                format!("record {sequence}: {key} has class {}, not {class:?}", copy.class)
            })?;
        }
        Ok(())
    }

    fn is_changed(&self, destination: StationName) -> bool {
        self.ledger.changed.iter().any(|ori| ori.as_str() == destination.as_str())
    }

    fn has(&self, name: StationName) -> bool {
        self.config.stations.iter().any(|entry| entry.name == name)
    }

    /// So much is on the disk, as far as the journal knows.
    pub(crate) fn durable(&mut self, through: u64) -> Check {
        ensure(through >= self.durable && through <= self.records.len() as u64, || {
            format!("durable are {through}, after {} of {}", self.durable, self.records.len())
        })?;
        self.durable = through;
        Ok(())
    }

    /// The journal has let go of what lies before a record: dead letters from there are forgotten.
    pub(crate) fn pruned(&mut self, first: u64) {
        self.first = first;
    }

    pub(crate) fn durable_through(&self) -> u64 {
        self.durable
    }

    /// A start reads a record.
    pub(crate) fn replayed(&self, sequence: u64, kind: u8, payload: &[u8]) -> Check {
        let record = usize::try_from(sequence - 1).ok().and_then(|place| self.records.get(place));
        ensure(record.is_some_and(|(known, bytes)| *known == kind && bytes == payload), || {
            format!("record {sequence} is not the one that was stored")
        })
    }

    /// The process ended in order.
    pub(crate) fn ends_whole(&mut self) {
        self.whole = true;
        self.counts.stops += 1;
    }

    /// A start has found so many records: what was not durable may be gone, unless the end before was an orderly one.
    pub(crate) fn recovered(&mut self, last: u64) -> Check {
        let (whole, stored) = (std::mem::take(&mut self.whole), self.records.len() as u64);
        ensure(!whole || last == stored, || format!("after an orderly end {last} records are there, of {stored}"))?;
        ensure(last >= self.durable, || format!("{} records were durable, and {last} are there", self.durable))?;
        ensure(last <= self.records.len() as u64, || format!("{last} records are there, of {}", self.records.len()))?;
        self.durable = last;
        self.passed.clear();
        if last == self.records.len() as u64 {
            return Ok(());
        }
        self.records.truncate(usize::try_from(last).unwrap_or(usize::MAX));
        let mut ledger = Ledger::default();
        for (sequence, (kind, record)) in (1..).zip(&self.records) {
            ledger.apply(sequence, &reading(sequence, *kind, record)?)?;
        }
        self.open = ledger.copies.iter().filter(|(_, copy)| copy.end.is_none()).map(|(number, _)| *number).collect();
        let returned = |number: &&u64| {
            matches!(self.ledger.copies.get(*number).and_then(|copy| copy.end.as_ref()), Some(End::Returned(_)))
        };
        self.unreturned.extend(self.open.iter().filter(returned));
        // What was sent was durable before: neither set has anything that is gone.
        self.ledger = ledger;
        Ok(())
    }

    /// The driver hands a copy to a link of a client. `alone`: it is the client's only link.
    pub(crate) fn delivers(
        &mut self,
        client: usize,
        delivery: Delivery,
        bytes: &[u8],
        when: When,
        alone: bool,
    ) -> Check {
        let number = delivery.number();
        let Some(copy) = self.ledger.copies.get(&number).cloned() else {
            return Err(Violation(format!("copy {number} is sent and is in no record")));
        };
        ensure(copy.record <= self.durable, || format!("copy {number} is sent before it is durable"))?;
        ensure(copy.end.is_none(), || format!("copy {number} is sent and has ended {:?}", copy.end))?;
        let to = station(CLIENTS[client].name);
        ensure(copy.station() == to, || format!("copy {number} is for {} and goes to {to}", copy.station()))?;
        self.is_what_it_was(client, &copy, number, bytes)?;
        // What a link was given is on its way, though its body has still to be read.
        let late_us = if self.body_loads { LATE_US + LOADS_US } else { LATE_US };
        let overdue = when.wall.since(copy.expires).as_micros() > u128::from(late_us);
        ensure(!(overdue && when.steady_us > late_us), || format!("copy {number} is sent after it has expired"))?;
        if self.first_sent.insert(number) && !copy.notice && !self.unreturned.contains(&number) {
            let flow = (copy.home, copy.destination, copy.sender, copy.key, copy.class);
            let last = self.sent_last.insert(flow, number);
            ensure(last.is_none_or(|last| last < number), || format!("copy {number} is first sent after {last:?}"))?;
        }
        self.in_class(number, &copy, alone, when)?;
        self.passed.remove(&number);
        Ok(())
    }

    /// A higher class is passed over by one send in eight.
    fn in_class(&mut self, number: u64, sent: &Copy, alone: bool, when: When) -> Check {
        if !alone || self.classes_disturbed || when.steady_us < LATE_US {
            self.passed.clear();
            return Ok(());
        }
        let window = self.config.stations.iter().find(|entry| entry.name == sent.station()).map_or(0, |e| e.window);
        let slack = if self.body_loads { usize::from(window) } else { 0 };
        for other in self.open.iter().filter(|other| **other != number && !self.first_sent.contains(other)) {
            let Some(waiting) = self.ledger.copies.get(other) else { continue };
            let here = waiting.station() == sent.station() && waiting.record <= self.durable && !waiting.notice;
            if !here || waiting.expires <= when.wall {
                continue;
            }
            let (lower, higher) = self.passed.entry(*other).or_default();
            if sent.class <= waiting.class {
                *higher += 1;
                continue;
            }
            *lower += 1;
            ensure(*lower <= 2 + *higher / (LOWER_ONE_IN - 1) + slack, || {
                format!(
                    "copy {other} of class {} waits while {lower} of lower ones go, {higher} of others",
                    waiting.class
                )
            })?;
        }
        Ok(())
    }

    /// A receiver has a whole message.
    pub(crate) fn arrives(&mut self, client: usize, validation: u32, bytes: &[u8]) -> Check<u64> {
        let number = u64::from(validation);
        let Some(copy) = self.ledger.copies.get(&number).cloned() else {
            return Err(Violation(format!("validation {validation} arrives and is no copy's")));
        };
        ensure(copy.record <= self.durable, || format!("copy {number} arrives before it is durable"))?;
        let here = station(CLIENTS[client].name);
        ensure(copy.at.iter().any(|(at, _)| *at == here), || {
            format!("copy {number} is for {} and arrives at {here}", copy.station())
        })?;
        self.is_what_it_was(client, &copy, number, bytes)?;
        // What was moved had its first sending elsewhere: its repeat here may come behind later ones.
        let in_its_place = copy.at.len() == 1 && !self.unreturned.contains(&number);
        if self.first_arrived.insert(number) && !copy.notice && in_its_place {
            let flow = (copy.home, copy.destination, copy.sender, copy.key, copy.class);
            let last = self.arrived_last.insert((here, flow), number);
            ensure(last.is_none_or(|last| last < number), || format!("copy {number} arrives first after {last:?}"))?;
        }
        Ok(number)
    }

    /// Whenever a copy is sent, it is the same: header and body are those of its record.
    fn is_what_it_was(&self, client: usize, copy: &Copy, number: u64, bytes: &[u8]) -> Check {
        let here = station(CLIENTS[client].name);
        let entry = self.config.stations.iter().find(|entry| entry.name == here);
        if let Some(mark) = copy.mark {
            ensure(mark_of(bytes) == Some(mark), || format!("copy {number} carries another message than {mark}"))?;
        }
        if entry.is_some_and(|entry| entry.format != Format::Legacy) || bytes.starts_with(b"<") {
            return Ok(());
        }
        let output =
            parse_output(bytes).map_err(|error| Violation(format!("copy {number} cannot be read: {error}")))?;
        let osn = copy.at.iter().any(|(at, osn)| *at == here && *osn == output.osn);
        let same = output.destination == copy.destination.as_str()
            && output.key == copy.key
            && output.sender == copy.sender
            && output.isn == copy.isn
            && osn;
        ensure(same, || format!("copy {number} is {output:?}, and was {copy:?}"))
    }

    pub(crate) fn takes(&mut self, client: usize, validation: u32) {
        self.taken.insert((client, validation));
    }

    /// What waits is bounded.
    pub(crate) fn bounds(&self, views: impl Iterator<Item = StationView>) -> Check {
        for view in views {
            let most = 2 * view.bytes_max + 2 * crate::network::HOLD_BYTES + (1 << 16);
            ensure(view.bytes <= most, || {
                format!("{} bytes wait for {}, of {}", view.bytes, view.station, view.bytes_max)
            })?;
        }
        Ok(())
    }

    /// All faults have stopped and everything had time: nothing is left over.
    pub(crate) fn finished(&mut self, switch: &Switch) -> Check {
        for (mark, sent) in &self.sent {
            ensure(!sent.acknowledged || self.ledger.marks.contains_key(mark), || format!("message {mark} is lost"))?;
        }
        for (number, copy) in &self.ledger.copies {
            ensure(copy.end.is_some(), || format!("copy {number} never ended: {copy:?}"))?;
        }
        ensure(self.ledger.unanswered() == 0, || format!("{} log queries have no answer", self.ledger.unanswered()))?;
        let letters: BTreeSet<u64> = switch.dead_letters().map(|(delivery, _)| delivery.number()).collect();
        let kept = |letter: &&u64| self.ledger.copies.get(letter).is_some_and(|copy| copy.record >= self.first);
        let expected: BTreeSet<u64> = self.ledger.letters.iter().filter(kept).copied().collect();
        ensure(letters == expected, || {
            let (missing, extra) =
                (expected.difference(&letters).collect::<Vec<_>>(), letters.difference(&expected).collect::<Vec<_>>());
            format!("dead letters {missing:?} are missing, {extra:?} are too many")
        })?;
        let delivered = |copy: &&Copy| copy.end == Some(End::Delivered);
        self.counts.delivered = self.ledger.copies.values().filter(delivered).count() as u64;
        self.counts.returned = self.ledger.copies.len() as u64 - self.counts.delivered;
        self.counts.records = self.records.len() as u64;
        Ok(())
    }

    /// Every copy that is known of has ended.
    pub(crate) fn is_settled(&self) -> bool {
        self.open.is_empty() && self.ledger.unanswered() == 0
    }

    /// The numbers and marks of accepted messages that are durable, for operators.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = u64> + '_ {
        let durable = usize::try_from(self.durable).unwrap_or(usize::MAX);
        (1..)
            .zip(self.records.iter().take(durable))
            .filter(|(_, (kind, _))| *kind == Kind::Accepted.number())
            .map(|(n, _)| n)
    }
}

/// When something is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    pub(crate) wall: Timestamp,
    /// For so long neither was the clock set nor the switch down, full or closed.
    pub(crate) steady_us: u64,
}

pub(crate) fn reading(sequence: u64, kind: u8, record: &Bytes) -> Check<Reading> {
    read(sequence, kind, record.clone()).map_err(|error| Violation(format!("record {sequence}: {error}")))
}

fn client_of(name: StationName) -> Option<usize> {
    CLIENTS.iter().position(|client| station(client.name) == name)
}
