//! Operators' commands: checked, written with what they change, carried out, answered once that is durable.

use std::sync::Arc;

use codec::name::StationName;
use codec::notice::er_body;
use codec::number::Number;

use super::intake::Draft;
use super::{Store, Switch};
use crate::admission::Fault;
use crate::command::{Command, Denial, Done, Original, Reply, Request};
use crate::effect::{AgencyChange, Effect, StateChange};
use crate::event::{Action, Delivery, LinkId, Msn, Observation};
use crate::network::{DestinationState, StationIndex};
use crate::query::is_log_query;
use crate::record::{Accepted, Act, CopyTo, Received, Record, SentAgain};

/// What a command comes to, before it is written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) what: String,
    pub(super) effects: Vec<Effect>,
    pub(super) again: Vec<SentAgain>,
    pub(super) undo: Option<Command>,
    pub(super) msn: Option<Msn>,
    pub(super) copies: usize,
}

impl Plan {
    pub(super) fn new(what: String, effect: Effect) -> Self {
        Self { what, effects: vec![effect], ..Self::default() }
    }

    fn undone_by(self, undo: Command) -> Self {
        Self { undo: Some(undo), ..self }
    }
}

impl Switch {
    /// One command of an operator: denied or done, and in the journal either way.
    pub(super) fn command(&mut self, request: Request, who: String, from: &str, command: Command) {
        if self.store == Store::Full {
            self.observe(Observation::Commanded { command: command.word(), denied: true });
            return self.actions.push_back(Action::Reply { request, reply: Reply::Denied(Denial::NotDurable) });
        }
        self.store_lazy();
        let planned = self.plan(&command);
        self.observe(Observation::Commanded { command: command.word(), denied: planned.is_err() });
        let (result, effects, again) = match &planned {
            Ok(plan) => (plan.what.clone(), plan.effects.clone(), plan.again.clone()),
            Err(denial) => (format!("denied: {denial}"), Vec::new(), Vec::new()),
        };
        let (what, from) = (command.to_string(), from.to_owned());
        let changed = effects.clone();
        let act = Act { at: self.now.wall, who, from, what, result, effects, again, notices: Vec::new() };
        let record = self.folds.next_sequence();
        self.store(Record::Act(act), None);
        let reply = match planned {
            Ok(Plan { what, undo, msn, copies, .. }) => {
                self.observe_effects(&changed);
                self.take_effect(command);
                Reply::Done(Done { what, undo, msn, copies, record })
            }
            Err(denial) => Reply::Denied(denial),
        };
        // What took effect may have stored more behind it.
        let stored = self.unstored.iter_mut().rev().find(|unstored| unstored.sequence == record);
        if let Some(unstored) = stored {
            unstored.replies.push((request, reply));
        }
    }

    fn plan(&mut self, command: &Command) -> Result<Plan, Denial> {
        match command {
            Command::Hold { station } => self.plan_hold(*station),
            Command::Release { station } => self.plan_release(*station),
            Command::Divert { from, to } => self.plan_divert(*from, *to),
            Command::Undivert { from } => self.plan_undivert(*from),
            Command::SetState { station, key, state } => {
                self.plan_state(StateChange { station: *station, key: *key, state: *state })
            }
            Command::SendAgain { msn, to, original } => self.plan_again(*msn, *to, original),
            Command::ResendLetter { delivery, text: None, original } => self.plan_letter(*delivery, original),
            Command::ResendLetter { delivery, text: Some(text), original } => {
                self.plan_changed_letter(*delivery, text, original)
            }
            Command::DiscardLetter { delivery } => self.plan_discard(*delivery),
            Command::ForgetEntry { ori } => {
                if self.folds.overlay.find(*ori).is_none() {
                    return Err(Denial::Conflict(format!("nothing was changed of {ori}: it is as configured")));
                }
                let what = format!("{ori} is as configured again");
                Ok(Plan::new(what, Effect::Agency(AgencyChange::Forgotten(*ori))))
            }
            Command::Drain if self.closed => Err(Denial::Conflict("the switch drains already".to_owned())),
            Command::Drain => {
                let what = "nothing new is taken; what waits goes out".to_owned();
                Ok(Plan { what, undo: Some(Command::Undrain), ..Plan::default() })
            }
            Command::Undrain if !self.closed => Err(Denial::Conflict("the switch does not drain".to_owned())),
            Command::Undrain => {
                let what = "messages are taken again".to_owned();
                Ok(Plan { what, undo: Some(Command::Drain), ..Plan::default() })
            }
            Command::Reload(reload) => self.plan_reload(reload),
        }
    }

    /// What follows from a command once its record is on its way.
    fn take_effect(&mut self, command: Command) {
        match command {
            Command::Release { station } => {
                if let Some(index) = self.network.index(station) {
                    self.pump(index);
                }
            }
            Command::Divert { from, .. } | Command::Undivert { from } => self.turn(from),
            Command::Drain | Command::Undrain => {
                self.closed = matches!(command, Command::Drain);
                self.observe(Observation::Drains { draining: self.closed });
            }
            Command::Reload(reload) => self.rearrange(&reload),
            // What a state holds back is looked at with any record that changes one.
            Command::SetState { .. }
            | Command::Hold { .. }
            | Command::SendAgain { .. }
            | Command::ResendLetter { .. }
            | Command::DiscardLetter { .. }
            | Command::ForgetEntry { .. } => {}
        }
    }

    /// Says what is held and diverted now, for those who count it.
    fn observe_effects(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Hold { station } | Effect::Release { station } = effect {
                let held = matches!(effect, Effect::Hold { .. });
                self.observe(Observation::Held { station: *station, held });
            } else if let Effect::Divert { from, to } = effect {
                self.observe(Observation::Diverted { station: *from, to: Some(*to) });
            } else if let Effect::Undivert { from } = effect {
                self.observe(Observation::Diverted { station: *from, to: None });
            }
        }
    }

    fn turn(&mut self, station: StationName) {
        if let Some(index) = self.network.index(station) {
            self.find_misplaced(index);
        }
    }

    fn known(&self, station: StationName) -> Result<StationIndex, Denial> {
        self.network.index(station).ok_or_else(|| Denial::Unknown(format!("there is no station {station}")))
    }

    fn plan_hold(&self, station: StationName) -> Result<Plan, Denial> {
        let index = self.known(station)?;
        if self.folds.controls.is_held(index) {
            return Err(Denial::Conflict(format!("{station} is held already")));
        }
        let copies = self.folds.waiting_for(index).0;
        let what = format!(
            "{station} is held: nothing is sent to it; {copies} {}",
            if copies == 1 { "copy waits" } else { "copies wait" }
        );
        let plan = Plan { copies, ..Plan::new(what, Effect::Hold { station }) };
        Ok(plan.undone_by(Command::Release { station }))
    }

    fn plan_release(&self, station: StationName) -> Result<Plan, Denial> {
        let index = self.known(station)?;
        if !self.folds.controls.is_held(index) {
            return Err(Denial::Conflict(format!("{station} is not held")));
        }
        let copies = self.folds.waiting_for(index).0;
        let what =
            format!("{station} is sent to again; {copies} {} waited", if copies == 1 { "copy" } else { "copies" });
        let plan = Plan { copies, ..Plan::new(what, Effect::Release { station }) };
        Ok(plan.undone_by(Command::Hold { station }))
    }

    /// Diversions do not follow each other: what goes where can be read off one line.
    fn plan_divert(&self, from: StationName, to: StationName) -> Result<Plan, Denial> {
        let (home, target) = (self.known(from)?, self.known(to)?);
        let controls = &self.folds.controls;
        let conflict = if home == target {
            Some(format!("{from} is {to}: there is nothing to divert"))
        } else if let Some(other) = controls.diverted(home).and_then(|other| self.folds.name(other)) {
            Some(format!("{from} is diverted to {other} already; undivert it first"))
        } else if let Some(other) = controls.diverted(target).and_then(|other| self.folds.name(other)) {
            Some(format!("{to} is itself diverted to {other}"))
        } else {
            let into =
                controls.diversions().find(|(_, into)| *into == home).and_then(|(from, _)| self.folds.name(from));
            into.map(|other| format!("{other} is diverted to {from}; undivert it first"))
        };
        if let Some(conflict) = conflict {
            return Err(Denial::Conflict(conflict));
        }
        let away = if self.is_away(target) { ", which nothing goes to now" } else { "" };
        let what = format!("what waits and what comes for {from} goes to {to}{away}");
        Ok(Plan::new(what, Effect::Divert { from, to }).undone_by(Command::Undivert { from }))
    }

    fn plan_undivert(&self, from: StationName) -> Result<Plan, Denial> {
        let home = self.known(from)?;
        let to = self.folds.controls.diverted(home).and_then(|to| self.folds.name(to));
        let to = to.ok_or_else(|| Denial::Conflict(format!("{from} is not diverted")))?;
        let what = format!("{from} gets its own messages again; what still waits at {to} comes back");
        Ok(Plan::new(what, Effect::Undivert { from }).undone_by(Command::Divert { from, to }))
    }

    fn plan_state(&self, change: StateChange) -> Result<Plan, Denial> {
        let StateChange { station, key, state } = change;
        let index = self.known(station)?;
        if let Some(key) = key
            && self.dictionary.spec(key).is_none()
        {
            return Err(Denial::Unknown(format!("{key} is no message key of the dictionary")));
        }
        let before = self.folds.states.find(index, key);
        let keys = key.map_or_else(|| "all keys".to_owned(), |key| key.to_string());
        let word = state.map_or("as configured", DestinationState::as_str);
        if before == state {
            return Err(Denial::Conflict(format!("{station} is {word} for {keys} already")));
        }
        let what = format!("{station} is {word} for {keys}");
        Ok(Plan::new(what, Effect::State(change)).undone_by(Command::SetState { station, key, state: before }))
    }

    fn plan_discard(&self, delivery: Delivery) -> Result<Plan, Denial> {
        let letter = self.letter(delivery)?;
        let (number, record) = (delivery.number(), letter.0.0);
        let what = format!("letter {number} is off the list; its message stays in record {record} of the journal");
        Ok(Plan::new(what, Effect::LetterDiscarded { delivery }))
    }

    fn letter(&self, delivery: Delivery) -> Result<(crate::event::Sequence, StationName), Denial> {
        let letter = self.folds.dead_letters.get(&delivery);
        letter
            .map(|letter| (letter.sequence, letter.station))
            .ok_or_else(|| Denial::Unknown(format!("there is no dead letter {}", delivery.number())))
    }

    fn plan_again(&self, msn: Msn, to: Option<StationName>, original: &Original) -> Result<Plan, Denial> {
        let unknown = || Denial::Unknown(format!("record {} holds no message {}", original.sequence.0, msn.0));
        let record = Record::decode(original.kind, original.record.clone()).map_err(|_| unknown())?;
        let Record::Accepted(Accepted { reception, msn: found, copies, effects, .. }) = record else {
            return Err(unknown());
        };
        if found != msn {
            return Err(unknown());
        }
        if copies.is_empty() {
            return Err(Denial::Conflict(format!("message {} went to no station: the switch itself answered", msn.0)));
        }
        let wanted: Vec<_> = copies
            .iter()
            .map(|copy| (copy, home_in(&effects, copy)))
            .filter(|(copy, home)| to.is_none_or(|to| to == copy.destination || to == *home || to == copy.station))
            .collect();
        if wanted.is_empty() {
            let to = to.map_or_else(String::new, |to| format!(" to {to}"));
            return Err(Denial::Conflict(format!("message {} did not go{to}", msn.0)));
        }
        self.send_again(&reception, msn, &wanted, original)
    }

    /// New copies of a message for the stations of old ones, as far as these are still part of the network.
    fn send_again(
        &self,
        reception: &Received,
        msn: Msn,
        wanted: &[(&CopyTo, StationName)],
        original: &Original,
    ) -> Result<Plan, Denial> {
        let key = reception.key.ok_or_else(|| Denial::Conflict("the message was refused, not accepted".to_owned()))?;
        let Some(spec) = self.dictionary.spec(key) else {
            return Err(Denial::Conflict(format!("{key} is no message key of the dictionary any more")));
        };
        let (mut draft, mut copies, mut effects) = (Draft::new(self), Vec::new(), Vec::new());
        let (mut sent, mut why) = (Vec::new(), Vec::new());
        for (copy, home) in wanted {
            let Some(home) = self.network.index(*home) else {
                why.push(format!("{home} is no longer part of the network"));
                continue;
            };
            let target = self.target(home);
            let Some(name) = self.folds.name(target) else { continue };
            let state = self.folds.state(&self.network, target, key);
            if matches!(state, DestinationState::Remove | DestinationState::Unsupported) {
                why.push(format!("{name} takes no {key} now"));
            } else if self.hold_is_full(target, reception.message.len()) {
                why.push(format!("as much waits for {name}, or for all, as may"));
            } else if let Some(copy) = draft.copy(target, copy.destination, copy.class, self.expires(target, spec.hold))
            {
                effects.extend(self.diverted(&copy, home));
                sent.push(name.to_string());
                copies.push(copy);
            }
        }
        if copies.is_empty() {
            return Err(Denial::Conflict(why.join("; ")));
        }
        let but = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
        let count = copies.len();
        let again = SentAgain { original: original.sequence, reception: reception.clone(), msn, copies };
        let what = format!("message {} goes again to {}{but}", msn.0, sent.join(", "));
        Ok(Plan { what, effects, again: vec![again], undo: None, msn: Some(msn), copies: count })
    }

    /// A dead letter as it was, to the one destination that did not get it.
    fn plan_letter(&self, delivery: Delivery, original: &Original) -> Result<Plan, Denial> {
        let (record, msn) = self.letter_record(delivery, original)?;
        let own = "it is the switch's own message; it can only be discarded";
        let (reception, copy) = record.message_of(delivery).ok_or_else(|| Denial::Conflict(own.to_owned()))?;
        let (_, station) = self.letter(delivery)?;
        let msn = msn.unwrap_or_default();
        // A copy that was moved died where it was moved to: it goes to whose it is.
        let home = home_in(record.effects(), copy);
        let home = if self.network.index(home).is_some() { home } else { station };
        let mut plan = self.send_again(reception, msn, &[(copy, home)], original)?;
        plan.effects.push(Effect::LetterDiscarded { delivery });
        plan.what = format!("letter {}: {}", delivery.number(), plan.what);
        Ok(plan)
    }

    fn letter_record(&self, delivery: Delivery, original: &Original) -> Result<(Record, Option<Msn>), Denial> {
        let (sequence, _) = self.letter(delivery)?;
        let unknown = || Denial::Unknown(format!("letter {} cannot be read", delivery.number()));
        if sequence != original.sequence {
            return Err(unknown());
        }
        let record = Record::decode(original.kind, original.record.clone()).map_err(|_| unknown())?;
        let msn = if let Record::Accepted(accepted) = &record {
            Some(accepted.msn)
        } else if let Record::Act(act) = &record {
            act.again.first().map(|again| again.msn)
        } else {
            None
        };
        Ok((record, msn))
    }

    /// A dead letter as the operator changed it: a new message of its sender's station, by all rules of admission.
    fn plan_changed_letter(
        &mut self,
        delivery: Delivery,
        text: &bytes::Bytes,
        original: &Original,
    ) -> Result<Plan, Denial> {
        let (record, _) = self.letter_record(delivery, original)?;
        let own = "it is the switch's own message; it can only be discarded";
        let (reception, _) = record.message_of(delivery).ok_or_else(|| Denial::Conflict(own.to_owned()))?;
        let name = reception.station;
        let station = self.known(name)?;
        let most = self.network.limits().message_bytes;
        if text.len() > most {
            return Err(Denial::Conflict(format!("the text is longer than {most} bytes, which no station may send")));
        }
        let reception = self.entered(name, text);
        let (network, dictionary) = (Arc::clone(&self.network), Arc::clone(&self.dictionary));
        let passed = self.court(&network, &dictionary).judge(station, reception.text(), &reception);
        let passed = passed.map_err(|fault| self.as_er(&fault, &reception))?;
        if is_log_query(passed.spec.key) {
            return Err(Denial::Conflict("a search of the log is not asked on a station's behalf".to_owned()));
        }
        if !passed.effects.is_empty() {
            let own = "it would change the directory, a help file or a state: that takes other rights";
            return Err(Denial::Conflict(own.to_owned()));
        }
        if self.asks_for_too_many(&passed) {
            return Err(Denial::Conflict("too many hit confirmations are open".to_owned()));
        }
        let discarded = vec![Effect::LetterDiscarded { delivery }];
        let msn = self.accept(station, reception, passed, discarded, None);
        let what = format!("letter {} went on, changed, as message {}", delivery.number(), msn.0);
        Ok(Plan { what, msn: Some(msn), ..Plan::default() })
    }

    /// The ER that a message would be answered with.
    pub(super) fn as_er(&self, fault: &Fault, reception: &Received) -> Denial {
        let echo_bytes = self.network.limits().echo_bytes;
        let text = er_body(fault.number, fault.key, &fault.detail, &fault.options, &reception.message, echo_bytes);
        Denial::Refused { number: fault.number.number(), text: text.into() }
    }

    /// A message that an operator enters for a station: it came by no link, and the station did not count it.
    pub(super) fn entered(&self, station: StationName, text: &bytes::Bytes) -> Received {
        Received {
            station,
            link: LinkId(0),
            validation: 0,
            fingerprint: None,
            isn: Number::SWITCH,
            at: self.now.wall,
            key: None,
            sender: None,
            control: None,
            message: text.clone(),
            translated: None,
            body_offset: 0,
        }
    }
}

/// Whose a copy is, by the effects of its record.
fn home_in(effects: &[Effect], copy: &CopyTo) -> StationName {
    let diverted = effects.iter().find_map(|effect| {
        if let Effect::Diverted { delivery, home } = effect {
            (*delivery == copy.delivery).then_some(*home)
        } else {
            None
        }
    });
    diverted.unwrap_or(copy.station)
}
