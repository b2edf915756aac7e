//! The machine: each event becomes records and actions.

use std::collections::{BTreeSet, VecDeque};

use rustc_hash::FxHashSet;

use crate::event::{Act, Action, Command, Config, Denial, Event, InquiryId, Moment, Outcome, Part, Source, Written};
use crate::folds::{Folds, Inquiry, Standing};
use crate::record::{Record, Taken};

/// The center. See the crate's documentation for the contract.
#[derive(Debug)]
pub struct Center {
    config: Config,
    folds: Folds,
    /// As far as records are durable.
    stored: u64,
    actions: VecDeque<Action>,
    /// What waits for a record to be durable, in the order of the records.
    held: VecDeque<(u64, Action)>,
    /// What is being composed.
    composing: FxHashSet<(InquiryId, Part)>,
    /// When to look at which inquiry.
    timers: BTreeSet<(Moment, InquiryId)>,
    now: Moment,
}

impl Center {
    /// A center with what the log adds up to. All of it is durable.
    #[must_use]
    pub fn new(config: Config, folds: Folds) -> Self {
        Self {
            config,
            stored: folds.last,
            folds,
            actions: VecDeque::new(),
            held: VecDeque::new(),
            composing: FxHashSet::default(),
            timers: BTreeSet::new(),
            now: Moment::default(),
        }
    }

    /// Goes on with what was open: sends what the switch has not taken, asks who has not answered, composes what is not
    /// composed. Once, before the first event.
    pub fn start(&mut self, now: Moment) {
        self.now = now;
        let open: Vec<InquiryId> = self.folds.open.keys().copied().collect();
        for id in open {
            let Some(inquiry) = self.folds.inquiry(id) else { continue };
            let sends: Vec<_> = inquiry.unsent.clone();
            let asked: Vec<_> = waited_for(inquiry).collect();
            for (part, message) in sends {
                self.actions.push_back(Action::Send { inquiry: id, part, message });
            }
            for source in asked {
                self.actions.push_back(Action::Ask { inquiry: id, source });
            }
            self.arm(id);
            self.go_on(id);
        }
    }

    /// What the records add up to, those included that are not durable yet.
    #[must_use]
    pub const fn folds(&self) -> &Folds {
        &self.folds
    }

    /// An open inquiry: what [`Action::Compose`] is composed from.
    #[must_use]
    pub fn inquiry(&self, inquiry: InquiryId) -> Option<&Inquiry> {
        self.folds.inquiry(inquiry)
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Event::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes in one event.
    pub fn handle(&mut self, now: Moment, event: Event) {
        self.now = self.now.max(now);
        match event {
            Event::Delivered { delivery, fingerprint, message, facts, acknowledgement } => {
                let at = self.now;
                self.deliver(Taken { at, delivery, fingerprint, facts, message, acknowledgement });
            }
            Event::Gave { inquiry, source, outcome } => self.gave(inquiry, source, outcome),
            Event::Wrote { inquiry, part, written } => self.wrote(inquiry, part, written),
            Event::Stored { through } => self.release(through),
            Event::Settled { inquiry, part, taken } => {
                let open = self.folds.inquiry(inquiry);
                if open.is_some_and(|open| open.unsent.iter().any(|(unsent, _)| *unsent == part)) {
                    self.store(&Record::Settled { inquiry, part, taken });
                }
            }
            Event::Command { who, inquiry, command } => self.command(who, inquiry, command),
            Event::Timeout => self.timeout(),
        }
    }

    fn deliver(&mut self, taken: Taken) {
        let (delivery, fingerprint) = (taken.delivery, taken.fingerprint);
        self.folds.forget(Moment(self.now.0.saturating_sub(self.config.remember)));
        let known = self.folds.known(delivery, fingerprint);
        if let Some(InquiryId(record)) = known {
            return self.after(record, Action::Acknowledge { delivery, fingerprint });
        }
        let (acknowledgement, mut sources) = (taken.acknowledgement.clone(), taken.facts.sources.clone());
        sources.truncate(u8::MAX.into());
        let Some(record) = self.store(&Record::Taken(taken)) else { return };
        let inquiry = InquiryId(record);
        self.after(record, Action::Acknowledge { delivery, fingerprint });
        self.after(record, Action::Send { inquiry, part: Part::Acknowledgement, message: acknowledgement });
        for source in sources {
            self.after(record, Action::Ask { inquiry, source });
        }
        self.arm(inquiry);
        self.go_on(inquiry);
    }

    fn gave(&mut self, id: InquiryId, source: Source, outcome: Outcome) {
        let waits = |inquiry: &Inquiry| waited_for(inquiry).any(|waited| waited == source);
        if outcome == Outcome::Late || !self.folds.inquiry(id).is_some_and(waits) {
            return;
        }
        self.store(&Record::Source { inquiry: id, source, outcome });
        self.go_on(id);
    }

    /// Has composed what is to be composed next.
    fn go_on(&mut self, id: InquiryId) {
        let Some(inquiry) = self.folds.inquiry(id) else { return };
        let part = match inquiry.standing() {
            Standing::Asked if inquiry.is_searched() => Part::Answer,
            Standing::Answered if inquiry.wants_supplement() => Part::Supplement,
            Standing::Asked | Standing::Waiting | Standing::Assigned | Standing::Answered | Standing::Supplemented => {
                return;
            }
        };
        if self.composing.insert((id, part)) {
            self.actions.push_back(Action::Compose { inquiry: id, part });
        }
    }

    fn wrote(&mut self, id: InquiryId, part: Part, written: Written) {
        // Only what was asked for, and once: a second writing of the same part is another message.
        if !self.composing.remove(&(id, part)) || self.folds.inquiry(id).is_none() {
            return;
        }
        if self.config.automatic.contains(&written.kind) {
            self.finish(id, part, written);
        } else {
            self.store(&Record::Draft { inquiry: id, written });
        }
    }

    /// Writes an answer or a supplement, and sends it once it is durable.
    fn finish(&mut self, id: InquiryId, part: Part, written: Written) {
        let (message, copy) = (written.message.clone(), written.copy.clone());
        let Some(record) = self.store(&Record::Final { inquiry: id, part, at: self.now, written }) else { return };
        self.after(record, Action::Send { inquiry: id, part, message });
        if let Some(message) = copy {
            let part = if part == Part::Supplement { Part::SupplementCopy } else { Part::Copy };
            self.after(record, Action::Send { inquiry: id, part, message });
        }
        self.arm(id);
        self.go_on(id);
    }

    fn command(&mut self, who: String, id: InquiryId, command: Command) {
        let (part, draft) = match self.allow(&who, id, &command) {
            Ok(allowed) => allowed,
            Err(denial) => {
                return self.actions.push_back(Action::Reply { who, inquiry: id, result: Err(denial) });
            }
        };
        let at = self.now;
        let mut act = |act| self.store(&Record::Act { inquiry: id, at, who: who.clone(), act });
        match command {
            Command::Take => _ = act(Act::Took),
            Command::HandBack => _ = act(Act::HandedBack),
            Command::Look => _ = act(Act::Looked),
            Command::Write(how, written) => {
                act(how);
                self.store(&Record::Draft { inquiry: id, written });
            }
            Command::Answer => {
                act(Act::Answered);
                self.finish(id, part, draft);
            }
        }
        // Durable with all that it does: what a technician was told is done stays done.
        self.after(self.folds.last, Action::Reply { who, inquiry: id, result: Ok(()) });
    }

    /// What an answer to that inquiry would be now, if this technician may do this.
    fn allow(&self, who: &str, id: InquiryId, command: &Command) -> Result<(Part, Written), Denial> {
        let inquiry = self.folds.inquiry(id).ok_or(Denial::Unknown)?;
        let draft = inquiry.draft.clone().ok_or(Denial::NotWaiting)?;
        match (inquiry.technician.as_deref(), command) {
            (_, Command::Look) => {}
            (Some(technician), _) if technician != who => return Err(Denial::Others),
            (Some(_), _) | (None, Command::Take) => {}
            (None, Command::HandBack | Command::Write(..) | Command::Answer) => return Err(Denial::NotTaken),
        }
        let part = if inquiry.answered.is_some() { Part::Supplement } else { Part::Answer };
        Ok((part, draft))
    }

    fn timeout(&mut self) {
        while let Some((at, id)) = self.timers.first().copied()
            && at <= self.now
        {
            self.timers.remove(&(at, id));
            let Some(inquiry) = self.folds.inquiry(id) else { continue };
            let since = self.now.0.saturating_sub(inquiry.taken.at.0);
            // In time no more: late. Late no more: given up.
            let late: Vec<_> = unheard(inquiry).filter(|source| self.config.deadline_of(*source) <= since).collect();
            let given_up: Vec<_> = if self.late() <= since { inquiry.owed().collect() } else { Vec::new() };
            let late = late.into_iter().map(|source| (source, Outcome::Late));
            for (source, outcome) in late.chain(given_up.into_iter().map(|source| (source, Outcome::Failed))) {
                self.store(&Record::Source { inquiry: id, source, outcome });
            }
            self.arm(id);
            self.go_on(id);
        }
    }

    /// How long a late source may still answer: never shorter than it had to be in time.
    fn late(&self) -> u64 {
        let longest = self.config.deadlines.values().copied().max().unwrap_or(0).max(self.config.deadline);
        self.config.late.max(longest)
    }

    /// Looks at an inquiry again when the next of the sources that it waits for has had its time.
    fn arm(&mut self, id: InquiryId) {
        let Some(inquiry) = self.folds.inquiry(id) else { return };
        let next = unheard(inquiry).map(|source| self.config.deadline_of(source)).min();
        let next = next.or_else(|| inquiry.owed().next().map(|_| self.late()));
        if let Some(wait) = next {
            self.timers.insert((Moment(inquiry.taken.at.0.saturating_add(wait)), id));
        }
    }

    /// Appends a record and takes it in.
    fn store(&mut self, record: &Record) -> Option<u64> {
        let sequence = self.folds.last.saturating_add(1);
        // What does not fit is never made here; if it were, it must not be written.
        self.folds.apply(sequence, record).ok()?;
        self.actions.push_back(Action::Store { sequence, kind: record.kind() as u8, payload: record.encode() });
        Some(sequence)
    }

    /// Does something once a record is durable.
    fn after(&mut self, record: u64, action: Action) {
        if record <= self.stored {
            return self.actions.push_back(action);
        }
        // Nearly always at the end: only a delivery that comes again asks for an earlier one.
        let at = self.held.partition_point(|(held, _)| *held <= record);
        self.held.insert(at, (record, action));
    }

    fn release(&mut self, through: u64) {
        self.stored = self.stored.max(through);
        while let Some((record, _)) = self.held.front()
            && *record <= self.stored
        {
            self.actions.extend(self.held.pop_front().map(|(_, action)| action));
        }
    }
}

/// Of those asked, who has not come to an end and is not late.
fn unheard(inquiry: &Inquiry) -> impl Iterator<Item = Source> + '_ {
    inquiry.taken.facts.sources.iter().filter(|source| !inquiry.outcomes.contains_key(source)).copied()
}

/// Whose answer an inquiry still takes: of those asked, who has not come to an end, late ones included.
fn waited_for(inquiry: &Inquiry) -> impl Iterator<Item = Source> + '_ {
    unheard(inquiry).chain(inquiry.owed())
}
