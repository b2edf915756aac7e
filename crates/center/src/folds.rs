//! What the records add up to: the inquiries that are open, and what is remembered of the others.

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashMap;

use crate::event::{Act, InquiryId, Moment, Outcome, Outgoing, Part, Source, Written};
use crate::record::{Record, Taken};

/// Where an inquiry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its sources are being asked, or its answer is being composed.
    Asked,
    /// It waits for a technician.
    Waiting,
    /// A technician works on it.
    Assigned,
    /// It is answered: something is still on its way, or a late source may supplement it.
    Answered,
    /// It is answered and supplemented.
    Supplemented,
}

/// An open inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// As it was taken.
    pub taken: Taken,
    /// What became of asking each source, so far.
    pub outcomes: BTreeMap<Source, Outcome>,
    /// Sources that were late and have answered since.
    pub since: BTreeMap<Source, Outcome>,
    /// What was composed and waits for a technician.
    pub draft: Option<Written>,
    /// Who works on it.
    pub technician: Option<String>,
    /// Messages that the switch has not taken yet, in the order of their sending.
    pub unsent: Vec<(Part, Outgoing)>,
    /// The kind of its answer, once there is one.
    pub answered: Option<u8>,
    /// It has its supplement.
    pub supplemented: bool,
}

impl Inquiry {
    /// Where it stands.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match (&self.draft, &self.technician, self.answered, self.supplemented) {
            (Some(_), None, ..) => Standing::Waiting,
            (Some(_), Some(_), ..) => Standing::Assigned,
            (None, _, Some(_), true) => Standing::Supplemented,
            (None, _, Some(_), false) => Standing::Answered,
            (None, _, None, _) => Standing::Asked,
        }
    }

    /// Whether each source has come to an end, in time or not.
    #[must_use]
    pub fn is_searched(&self) -> bool {
        self.taken.facts.sources.iter().all(|source| self.outcomes.contains_key(source))
    }

    /// Sources that were late and owe their answer still.
    pub fn owed(&self) -> impl Iterator<Item = Source> + '_ {
        let late = self.outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::Late);
        late.map(|(source, _)| *source).filter(|source| !self.since.contains_key(source))
    }

    /// Whether that source's answer would still be taken.
    #[must_use]
    pub fn waits_for(&self, source: Source) -> bool {
        let asked = self.taken.facts.sources.contains(&source);
        (asked && !self.outcomes.contains_key(&source)) || self.owed().any(|owed| owed == source)
    }

    /// Whether late sources have all come to an end and at least one of them gave something: there is to be a supplement.
    #[must_use]
    pub fn wants_supplement(&self) -> bool {
        let gave = self.since.values().any(|outcome| matches!(outcome, Outcome::Gave(_)));
        self.answered.is_some() && !self.supplemented && gave && self.owed().next().is_none()
    }

    /// Nothing more can happen to it.
    fn is_over(&self) -> bool {
        self.answered.is_some() && self.unsent.is_empty() && self.owed().next().is_none() && !self.wants_supplement()
    }

    /// The place in the queue: custody first, then purpose F, then age.
    fn rank(&self) -> (bool, bool, Moment) {
        let facts = &self.taken.facts;
        (!facts.custody, !facts.firearms, self.taken.at)
    }
}

/// A record that does not fit what came before: the log is not this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence} is about an inquiry that the log does not have, or answers one twice")]
pub struct FoldError {
    /// The record's number.
    pub sequence: u64,
}

/// What the records add up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folds {
    pub(crate) last: u64,
    pub(crate) open: BTreeMap<InquiryId, Inquiry>,
    /// Deliveries that are known, and the inquiries that they brought.
    known: FxHashMap<(u32, u64), InquiryId>,
    /// The same, oldest first.
    ages: VecDeque<(Moment, (u32, u64))>,
}

impl Folds {
    /// Takes in the record of that number, the next one.
    ///
    /// # Errors
    /// [`FoldError`]: nothing was changed.
    pub fn apply(&mut self, sequence: u64, record: &Record) -> Result<(), FoldError> {
        let wrong = FoldError { sequence };
        match record {
            Record::Taken(taken) => {
                let (id, key) = (InquiryId(sequence), (taken.delivery, taken.fingerprint));
                let unsent = vec![(Part::Acknowledgement, taken.acknowledgement.clone())];
                let inquiry = Inquiry {
                    taken: taken.clone(),
                    outcomes: BTreeMap::new(),
                    since: BTreeMap::new(),
                    draft: None,
                    technician: None,
                    unsent,
                    answered: None,
                    supplemented: false,
                };
                self.open.insert(id, inquiry);
                self.known.insert(key, id);
                self.ages.push_back((taken.at, key));
            }
            Record::Source { inquiry, source, outcome } => {
                let inquiry = self.open.get_mut(inquiry).ok_or(wrong)?;
                if inquiry.outcomes.contains_key(source) {
                    inquiry.since.insert(*source, outcome.clone());
                } else {
                    inquiry.outcomes.insert(*source, outcome.clone());
                }
            }
            Record::Draft { inquiry, written } => {
                self.open.get_mut(inquiry).ok_or(wrong)?.draft = Some(written.clone());
            }
            Record::Final { inquiry, part, written, .. } => {
                let inquiry = self.open.get_mut(inquiry).ok_or(wrong)?;
                let supplement = *part == Part::Supplement;
                if inquiry.answered.is_some() != supplement || inquiry.supplemented {
                    return Err(wrong);
                }
                if supplement {
                    inquiry.supplemented = true;
                } else {
                    inquiry.answered = Some(written.kind);
                }
                (inquiry.draft, inquiry.technician) = (None, None);
                inquiry.unsent.push((*part, written.message.clone()));
                if let Some(copy) = &written.copy {
                    let part = if supplement { Part::SupplementCopy } else { Part::Copy };
                    inquiry.unsent.push((part, copy.clone()));
                }
            }
            Record::Settled { inquiry, part, .. } => {
                let inquiry = self.open.get_mut(inquiry).ok_or(wrong)?;
                if let Some(at) = inquiry.unsent.iter().position(|(unsent, _)| unsent == part) {
                    inquiry.unsent.remove(at);
                }
            }
            Record::Act { inquiry, who, act, .. } => {
                let inquiry = self.open.get_mut(inquiry).ok_or(wrong)?;
                match act {
                    Act::Took => inquiry.technician = Some(who.clone()),
                    Act::HandedBack => inquiry.technician = None,
                    Act::Answered | Act::Edited | Act::Chose | Act::AskedMore | Act::Looked => {}
                }
            }
        }
        self.last = sequence;
        self.close(record);
        Ok(())
    }

    /// The last record's number; 0 before the first.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// An inquiry that is open.
    #[must_use]
    pub fn inquiry(&self, inquiry: InquiryId) -> Option<&Inquiry> {
        self.open.get(&inquiry)
    }

    /// The inquiries that wait for a technician or have one: custody first, then purpose F, then age.
    #[must_use]
    pub fn queue(&self) -> Vec<(InquiryId, &Inquiry)> {
        let waits = |inquiry: &Inquiry| matches!(inquiry.standing(), Standing::Waiting | Standing::Assigned);
        let mut queue: Vec<_> =
            self.open.iter().filter(|(_, inquiry)| waits(inquiry)).map(|(id, inquiry)| (*id, inquiry)).collect();
        queue.sort_by_key(|(id, inquiry)| (inquiry.rank(), *id));
        queue
    }

    pub(crate) fn known(&self, delivery: u32, fingerprint: u64) -> Option<InquiryId> {
        self.known.get(&(delivery, fingerprint)).copied()
    }

    /// Lets go of the inquiry that a record was about, if nothing more can happen to it.
    fn close(&mut self, record: &Record) {
        let (Record::Source { inquiry, .. } | Record::Settled { inquiry, .. }) = record else { return };
        if self.open.get(inquiry).is_some_and(Inquiry::is_over) {
            self.open.remove(inquiry);
        }
    }

    /// Forgets deliveries taken before that moment.
    pub(crate) fn forget(&mut self, before: Moment) {
        while let Some((at, key)) = self.ages.front().copied()
            && at < before
        {
            self.ages.pop_front();
            self.known.remove(&key);
        }
    }
}
