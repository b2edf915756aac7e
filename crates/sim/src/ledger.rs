//! What the records of the journal add up to, worked out beside the core: numbers, copies and how each ended, dead letters.
//!
//! A ledger is a function of the records alone, so that after a crash it is made anew of those that are left.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use codec::name::{MessageKey, Ori, StationName};
use codec::number::Number;
use codec::time::Timestamp;
use switch_core::effect::{AgencyChange, Effect};
use switch_core::reading::{CopyTo, NoticeTo, Reading, Received};
use switch_core::{Delivery, ReturnReason};

use crate::traffic::mark_of;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) String);

pub(crate) type Check<T = ()> = Result<T, Violation>;

pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(Violation(what())) }
}

/// How a copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Delivered,
    Returned(ReturnReason),
}

/// One copy, as its record and those after it tell.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) record: u64,
    /// Each station that it was for, with its OSN there; the last one counts.
    pub(crate) at: Vec<(StationName, Number)>,
    /// Whose it is, wherever it waits.
    pub(crate) home: StationName,
    pub(crate) destination: StationName,
    pub(crate) class: u8,
    pub(crate) expires: Timestamp,
    pub(crate) key: MessageKey,
    pub(crate) sender: Ori,
    /// The switch's own.
    pub(crate) notice: bool,
    pub(crate) mark: Option<u32>,
    /// Whose message it is.
    pub(crate) from: Option<StationName>,
    pub(crate) isn: Number,
    pub(crate) end: Option<End>,
}

impl Copy {
    pub(crate) fn station(&self) -> StationName {
        match self.at.last() {
            Some((station, _)) => *station,
            None => self.destination,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    msn: u64,
    delivery: u64,
    osns: BTreeMap<StationName, Number>,
    isns: BTreeMap<StationName, Number>,
    pub(crate) copies: BTreeMap<u64, Copy>,
    /// The record that first holds a message, by its mark.
    pub(crate) marks: BTreeMap<u32, u64>,
    /// Messages that come again with the same validation.
    known: BTreeMap<(StationName, u32, Bytes), u64>,
    pub(crate) letters: BTreeSet<u64>,
    pub(crate) diverted: BTreeMap<StationName, StationName>,
    /// Agencies that messages changed.
    pub(crate) changed: BTreeSet<Ori>,
    queries: BTreeMap<u64, bool>,
    /// A state was set.
    pub(crate) stated: bool,
    pub(crate) last: u64,
}

/// What one record did, for whoever looks at it when it is new.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) discarded: Vec<Delivery>,
    pub(crate) delivered: Vec<u64>,
    pub(crate) admitted: Vec<u64>,
    /// A copy that was returned, and whether nobody has to be told or somebody is.
    pub(crate) returned: Option<(Delivery, bool)>,
}

impl Ledger {
    /// Takes in the next record.
    pub(crate) fn apply(&mut self, sequence: u64, reading: &Reading) -> Check<Done> {
        ensure(sequence == self.last + 1, || format!("record {sequence} follows {}", self.last))?;
        self.last = sequence;
        let mut done = Done::default();
        let mut osns: Vec<(StationName, Number)> = Vec::new();
        match reading {
            Reading::Accepted { reception, msn, copies, notices, effects } => {
                ensure(msn.0 == self.msn + 1, || format!("MSN {} follows {}", msn.0, self.msn))?;
                self.msn = msn.0;
                self.received(sequence, reception)?;
                for copy in copies {
                    self.admit(sequence, copy, Some(reception), &mut osns, &mut done)?;
                }
                self.notices(sequence, notices, &mut osns, &mut done)?;
                if reception.key.is_some_and(|key| matches!(key.as_str(), "NLQ" | "NFQ")) {
                    self.queries.insert(sequence, false);
                }
                self.effects(effects, &mut osns, &mut done)?;
            }
            Reading::Refused { reception, notice, .. } => {
                self.received(sequence, reception)?;
                ensure(notice.copy.station == reception.station, || {
                    format!(
                        "record {sequence}: the ER goes to {}, the message came from {}",
                        notice.copy.station, reception.station
                    )
                })?;
                self.notices(sequence, std::slice::from_ref(notice), &mut osns, &mut done)?;
            }
            Reading::Repeated { original, .. } => {
                ensure(original.0 < sequence, || format!("record {sequence} repeats {}", original.0))?;
            }
            Reading::Delivered { marks } => {
                for mark in marks {
                    self.end(mark.delivery, End::Delivered)?;
                    done.delivered.push(mark.delivery.number());
                }
            }
            Reading::Returned { delivery, station, why, notice, .. } => {
                let copy = self.end(*delivery, End::Returned(*why))?.clone();
                ensure(copy.station() == *station, || {
                    format!("copy {} is returned from {station}", delivery.number())
                })?;
                ensure(self.letters.insert(delivery.number()), || format!("letter {} twice", delivery.number()))?;
                let silent = copy.notice || copy.key.as_str() == "SM";
                ensure(!(silent && notice.is_some()), || {
                    format!("copy {} is returned with a word", delivery.number())
                })?;
                if let Some(notice) = notice {
                    ensure(Some(notice.copy.station) == copy.from, || {
                        format!("SM 04 about {} goes to {}", delivery.number(), notice.copy.station)
                    })?;
                    ensure(notice.body.starts_with(b".04."), || "what tells of a return is no SM 04".to_owned())?;
                }
                done.returned = Some((*delivery, silent || notice.is_some()));
                self.notices(sequence, notice.as_slice(), &mut osns, &mut done)?;
            }
            Reading::Link { .. } => {}
            Reading::Answered { query, notices, .. } => {
                let answered = self.queries.insert(query.0, true);
                ensure(answered == Some(false), || format!("query {} is answered, and was {answered:?}", query.0))?;
                self.notices(sequence, notices, &mut osns, &mut done)?;
            }
            Reading::Act(act) => {
                for again in &act.again {
                    for copy in &again.copies {
                        self.admit(sequence, copy, Some(&again.reception), &mut osns, &mut done)?;
                    }
                }
                self.notices(sequence, &act.notices, &mut osns, &mut done)?;
                self.effects(&act.effects, &mut osns, &mut done)?;
            }
            Reading::Overdue { notices, .. } => self.notices(sequence, notices, &mut osns, &mut done)?,
        }
        self.count(sequence, osns)?;
        Ok(done)
    }

    /// OSNs of a station have no gap and no repeat.
    fn count(&mut self, sequence: u64, mut osns: Vec<(StationName, Number)>) -> Check {
        osns.sort_unstable();
        for (station, osn) in osns {
            let last = self.osns.entry(station).or_default();
            ensure(osn == last.next(), || format!("record {sequence}: OSN {osn} of {station} follows {last}"))?;
            *last = osn;
        }
        Ok(())
    }

    fn received(&mut self, sequence: u64, reception: &Received) -> Check {
        let Received { station, validation, isn, message, .. } = reception;
        if *isn != Number::SWITCH {
            let last = self.isns.entry(*station).or_default();
            ensure(*isn == last.next(), || format!("record {sequence}: ISN {isn} of {station} follows {last}"))?;
            *last = *isn;
        }
        if *validation != 0 {
            let before = self.known.insert((*station, *validation, message.clone()), sequence);
            ensure(before.is_none(), || {
                format!("record {sequence}: {station} sent {validation:08X} before, in record {}", before.unwrap_or(0))
            })?;
        }
        if let Some(mark) = mark_of(message) {
            self.marks.entry(mark).or_insert(sequence);
        }
        Ok(())
    }

    fn admit(
        &mut self,
        sequence: u64,
        copy: &CopyTo,
        reception: Option<&Received>,
        osns: &mut Vec<(StationName, Number)>,
        done: &mut Done,
    ) -> Check {
        let Some((key, sender)) = reception.and_then(|reception| Some((reception.key?, reception.sender?))) else {
            return Err(Violation(format!("record {sequence}: an accepted message without key or sender")));
        };
        let mark = reception.and_then(|reception| mark_of(&reception.message));
        let (from, isn) = reception.map_or((None, Number::SWITCH), |r| (Some(r.station), r.isn));
        self.put(sequence, copy, key, sender, false, mark, from, isn, osns, done)
    }

    fn notices(
        &mut self,
        sequence: u64,
        notices: &[NoticeTo],
        osns: &mut Vec<(StationName, Number)>,
        done: &mut Done,
    ) -> Check {
        for notice in notices {
            let NoticeTo { copy, from, key, .. } = notice;
            self.put(sequence, copy, *key, *from, true, None, None, Number::SWITCH, osns, done)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "each is a field of the copy")]
    fn put(
        &mut self,
        record: u64,
        copy: &CopyTo,
        key: MessageKey,
        sender: Ori,
        notice: bool,
        mark: Option<u32>,
        from: Option<StationName>,
        isn: Number,
        osns: &mut Vec<(StationName, Number)>,
        done: &mut Done,
    ) -> Check {
        let CopyTo { delivery, osn, station, destination, class, expires } = copy;
        let number = delivery.number();
        ensure(number > self.delivery, || format!("record {record}: delivery {number} follows {}", self.delivery))?;
        self.delivery = number;
        osns.push((*station, *osn));
        let (at, destination) = (vec![(*station, *osn)], *destination);
        let copy = Copy {
            record,
            at,
            home: *station,
            destination,
            class: *class,
            expires: *expires,
            key,
            sender,
            notice,
            mark,
            from,
            isn,
            end: None,
        };
        self.copies.insert(number, copy);
        done.admitted.push(number);
        Ok(())
    }

    fn end(&mut self, delivery: Delivery, end: End) -> Check<&Copy> {
        let number = delivery.number();
        let Some(copy) = self.copies.get_mut(&number) else {
            return Err(Violation(format!("copy {number} ended {end:?} and never was")));
        };
        if let Some(before) = copy.end {
            return Err(Violation(format!("copy {number} ended {end:?}, and had ended {before:?}")));
        }
        copy.end = Some(end);
        Ok(copy)
    }

    fn effects(&mut self, effects: &[Effect], osns: &mut Vec<(StationName, Number)>, done: &mut Done) -> Check {
        for effect in effects {
            match effect {
                Effect::LetterDiscarded { delivery } => {
                    let was = self.letters.remove(&delivery.number());
                    ensure(was, || format!("{} is discarded and was no letter", delivery.number()))?;
                    done.discarded.push(*delivery);
                }
                Effect::Divert { from, to } => drop(self.diverted.insert(*from, *to)),
                Effect::Undivert { from } => drop(self.diverted.remove(from)),
                Effect::Moved { delivery, station, osn } => {
                    let Some(copy) = self.copies.get_mut(&delivery.number()).filter(|copy| copy.end.is_none()) else {
                        return Err(Violation(format!("copy {} is moved and does not wait", delivery.number())));
                    };
                    copy.at.push((*station, *osn));
                    osns.push((*station, *osn));
                }
                Effect::Agency(change) => {
                    let (AgencyChange::Put(_) | AgencyChange::Deleted(_) | AgencyChange::Forgotten(_)) = change;
                    self.changed.insert(change.ori());
                }
                Effect::Diverted { delivery, home } => {
                    if let Some(copy) = self.copies.get_mut(&delivery.number()) {
                        copy.home = *home;
                    }
                }
                Effect::State(_) => self.stated = true,
                Effect::Help(_)
                | Effect::Asked(_)
                | Effect::Answered(_)
                | Effect::Extended { .. }
                | Effect::Hold { .. }
                | Effect::Release { .. }
                | Effect::Marked(_) => {}
            }
        }
        Ok(())
    }

    /// Log queries without an answer.
    pub(crate) fn unanswered(&self) -> usize {
        self.queries.values().filter(|answered| !**answered).count()
    }
}
