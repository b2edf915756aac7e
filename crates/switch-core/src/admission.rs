//! Rows 1 to 10 of admission (`protocol-specs/wire.md` 2.4): whether a message may enter, and where it leads.
//!
//! A pure function of the network, the dictionary and the message. Row 11, the state of each destination, depends on
//! what is connected and is the switch's.

mod agencies;
mod help;
mod own;
mod status;

use std::cell::Cell;
use std::fmt::Write as _;

use bytes::Bytes;
use codec::dictionary::{Dictionary, MessageSpec, Priority, Sender};
use codec::legacy::{
    Destination, DestinationKind, Destinations, Glance, Input, disallowed_byte, glance, is_xml, parse_input,
};
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::notice::ErNumber;
use codec::xml::{self, XmlFault};
use codec::{niem, ofml};

pub(crate) use self::help::HelpAddress;
pub(crate) use self::own::Reply;
use self::own::{Own, is_own_key};
use crate::directory::Directory;
use crate::effect::Effect;
use crate::folds::Folds;
use crate::network::{Lead, Network, StationIndex};
use crate::query::{self, Unreadable, is_log_query};
use crate::record::Received;

/// What a message is judged by.
#[derive(Debug)]
pub(crate) struct Court<'a, 'b> {
    pub(crate) network: &'b Network,
    pub(crate) directory: Directory<'b>,
    /// What messages changed so far.
    pub(crate) folds: &'b Folds,
    pub(crate) dictionary: &'a Dictionary,
    pub(crate) today: jiff::civil::Date,
    /// The row of admission that was reached last, for those who want to know why.
    pub(crate) row: Cell<u8>,
}

/// A message that may enter.
#[derive(Debug)]
pub(crate) struct Passed<'a> {
    pub(crate) spec: &'a MessageSpec,
    pub(crate) sender: Ori,
    pub(crate) control: Option<Control>,
    /// The legacy text that it stands for, if it is XML.
    pub(crate) translated: Option<Bytes>,
    /// Where its body begins, in its legacy text.
    pub(crate) body_offset: usize,
    pub(crate) class: u8,
    pub(crate) routes: Vec<Route>,
    /// Of a log query: what its sender is told at once.
    pub(crate) queued: Option<Vec<u8>>,
    /// What it changes.
    pub(crate) effects: Vec<Effect>,
    /// What the switch answers.
    pub(crate) answers: Vec<Reply>,
}

/// One copy that a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) station: StationIndex,
    /// The address as written, in capitals.
    pub(crate) destination: StationName,
}

/// A message that is answered with an ER.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) number: ErNumber,
    pub(crate) detail: String,
    pub(crate) options: Vec<String>,
    /// The key for the text of the ER, if the dictionary has it.
    pub(crate) key: Option<MessageKey>,
    /// The sender, if it is the station's own.
    pub(crate) sender: Option<Ori>,
    pub(crate) control: Option<Control>,
}

/// Why a message fails, before it is known whom to tell.
struct Failed {
    number: ErNumber,
    detail: String,
    options: Vec<String>,
}

impl<'a> Court<'a, '_> {
    /// Judges a message that `station` sent; `reception` says when.
    pub(crate) fn judge(
        &self,
        station: StationIndex,
        message: &[u8],
        reception: &Received,
    ) -> Result<Passed<'a>, Fault> {
        let translated = if is_xml(message) {
            self.row.set(2);
            let text = self.translate(station, message);
            Some(text.map_err(|XmlFault { number, detail, seen }| {
                let spec = seen.key.filter(|_| number == ErNumber::Options).and_then(|key| self.dictionary.spec(key));
                let options = spec.map_or_else(Vec::new, |spec| spec.options().to_vec());
                self.fault(station, Failed { number, detail, options }, seen)
            })?)
        } else {
            None
        };
        let text = translated.as_deref().unwrap_or(message);
        match self.rows(station, text, reception) {
            Ok(passed) => Ok(Passed { translated, ..passed }),
            Err(failed) => Err(self.fault(station, failed, glance(text))),
        }
    }

    fn fault(&self, station: StationIndex, failed: Failed, seen: Glance) -> Fault {
        let Failed { number, detail, options } = failed;
        Fault {
            number,
            detail,
            options,
            key: seen.key.filter(|key| self.dictionary.spec(*key).is_some()),
            sender: seen.sender.filter(|ori| self.directory.serving(*ori) == Some(station)),
            control: seen.control,
        }
    }

    /// A message in XML as the legacy text that says the same. Its root element says in which of the two formats it is.
    fn translate(&self, station: StationIndex, message: &[u8]) -> Result<Bytes, XmlFault> {
        let root = xml::parse(message)?;
        let text = if niem::is_root(&root) {
            niem::read(&root, self.dictionary)?
        } else if ofml::is_ofml(&root) {
            let destination = self.network.at(station).and_then(|station| station.destination.as_ref());
            ofml::read(&root, self.dictionary, destination.map(StationName::as_str))?
        } else {
            let neither = "THE ROOT ELEMENT IS NEITHER NLETS OF THE NIEM NAMESPACE NOR OFML";
            return Err(XmlFault::new(ErNumber::NoText, neither));
        };
        // Both go into one record, which the journal bounds.
        let most = self.network.limits().message_bytes;
        if message.len().saturating_add(text.len()) > most {
            let seen = glance(&text);
            let detail = format!("THE DOCUMENT AND ITS TEXT ARE LONGER THAN {most} BYTES TOGETHER");
            return Err(XmlFault::new(ErNumber::NoText, detail).of(seen));
        }
        Ok(text)
    }

    fn rows(&self, station: StationIndex, message: &[u8], reception: &Received) -> Result<Passed<'a>, Failed> {
        self.row.set(1);
        if let Some(offset) = disallowed_byte(message) {
            return Err(fail(ErNumber::Format, format!("BYTE {offset} IS NOT ALLOWED")));
        }
        let input = parse_input(message).map_err(|error| {
            let detail = format!("{} EXPECTED AT BYTE {}", error.field.to_ascii_uppercase(), error.offset);
            fail(ErNumber::Format, detail)
        })?;
        self.row.set(2);
        let Some(body) = input.body else { return Err(fail(ErNumber::NoText, "")) };
        self.row.set(3);
        let spec = self.key(station, input.key)?;
        self.row.set(4);
        self.sender(station, spec, input.sender)?;
        self.row.set(6);
        let control = input
            .checked_control()
            .map_err(|_| fail(ErNumber::Header, "CONTROL FIELD MUST BE * AND 1 TO 20 LETTERS OR DIGITS"))?;
        self.row.set(7);
        self.kinds(spec, &input.destinations)?;
        self.row.set(8);
        let (routes, owns) = self.routes(station, spec, &input)?;
        self.row.set(10);
        spec.check_body(body, self.today).map_err(|error| {
            let options = spec.offered(&error);
            Failed { number: error.number, detail: error.detail, options }
        })?;
        let queued = self.log_query(spec, reception, body)?;
        let (mut effects, mut answers) = (Vec::new(), Vec::new());
        if !owns.is_empty() {
            if owns.iter().any(Own::is_alone) && input.destinations.count() > 1 {
                return Err(fail(ErNumber::Header, "A HELP FILE IS CHANGED BY A MESSAGE OF ITS OWN"));
            }
            let folded = spec.fold_body(body);
            for own in owns {
                let (changed, answered) = self.answer(own, station, input.sender, spec, &folded)?;
                effects.extend(changed);
                answers.extend(answered);
            }
        }
        Ok(Passed {
            spec,
            sender: input.sender,
            control,
            translated: None,
            body_offset: message.len().saturating_sub(body.len()),
            class: self.priority(spec, &input.destinations, body).class(),
            routes,
            queued,
            effects,
            answers,
        })
    }

    /// The part of row 10 that a log query's fields have among themselves.
    fn log_query(&self, spec: &'a MessageSpec, reception: &Received, body: &[u8]) -> Result<Option<Vec<u8>>, Failed> {
        if !is_log_query(spec.key) {
            return Ok(None);
        }
        let offset = self.network.limits().stamp_utc_offset;
        match query::read(self.dictionary, offset, reception, spec.key, body) {
            Ok(readable) => Ok(Some(query::queued_body(&readable.unknown))),
            Err(Unreadable { number, detail }) => {
                let options = if number == ErNumber::Options { spec.options().to_vec() } else { Vec::new() };
                Err(Failed { number, detail, options })
            }
        }
    }

    /// Row 3: the key is in the dictionary and this station may send it.
    fn key(&self, station: StationIndex, key: MessageKey) -> Result<&'a MessageSpec, Failed> {
        let Some(spec) = self.dictionary.spec(key) else {
            return Err(fail(ErNumber::Header, "MESSAGE KEY UNKNOWN"));
        };
        let allowed = match spec.sender {
            Sender::Any => true,
            Sender::Granted => self.network.at(station).is_some_and(|station| station.sends.contains(&key)),
            Sender::Switch => false,
        };
        if allowed { Ok(spec) } else { Err(fail(ErNumber::Header, "MESSAGE KEY NOT ALLOWED FROM THIS STATION")) }
    }

    /// Rows 4 and 5: the sender is in the directory, active, served by this station, and authorized for the key.
    fn sender(&self, station: StationIndex, spec: &MessageSpec, sender: Ori) -> Result<(), Failed> {
        let Some(entry) = self.directory.ori(sender) else {
            return Err(fail(ErNumber::Header, "SENDER ORI UNKNOWN"));
        };
        if !entry.active {
            return Err(fail(ErNumber::Header, "SENDER ORI NOT ACTIVE"));
        }
        if self.network.serving(sender, entry.line) != Some(station) {
            return Err(fail(ErNumber::Header, "SENDER ORI NOT SERVED BY THIS STATION"));
        }
        self.row.set(5);
        if spec.authorization.is_some_and(|needed| !entry.authorization.contains(&needed)) {
            return Err(fail(ErNumber::Header, format!("SENDER ORI NOT AUTHORIZED FOR {}", spec.key)));
        }
        Ok(())
    }

    /// Row 7: as many and such destinations as the key allows.
    fn kinds(&self, spec: &MessageSpec, destinations: &Destinations<'_>) -> Result<(), Failed> {
        let rule = spec.destinations;
        let broadcast = |one: &Destination<'_>| match one {
            Destination::Line(code) => !rule.group && self.network.is_group(*code),
            Destination::Ori(_) | Destination::Other(_) => false,
        };
        let (mut wrong, mut lines) = (None, 0_usize);
        for one in destinations.iter() {
            let kind = one.kind();
            lines = lines.saturating_add(usize::from(kind == Some(DestinationKind::Line)));
            if wrong.is_none() && (broadcast(&one) || !kind.is_some_and(|kind| rule.allows(kind))) {
                wrong = Some(one);
            }
        }
        if let Some(one) = wrong.filter(|_| destinations.count() <= rule.max) {
            return Err(fail(ErNumber::Destinations, shown(one.as_str())));
        }
        if destinations.count() > rule.max || lines > rule.max_lines {
            let detail = match rule.max_lines {
                0 => format!("AT MOST {} DESTINATIONS", rule.max),
                lines => format!("AT MOST {} DESTINATIONS, {lines} OF THEM LINES", rule.max),
            };
            return Err(fail(ErNumber::Header, detail));
        }
        Ok(())
    }

    fn priority(&self, spec: &MessageSpec, destinations: &Destinations<'_>, body: &[u8]) -> Priority {
        let (mut lines, mut groups) = (0_usize, 0_usize);
        for one in destinations.iter() {
            match one {
                Destination::Line(code) if self.network.is_group(code) => groups = groups.saturating_add(1),
                Destination::Line(_) => lines = lines.saturating_add(1),
                Destination::Ori(_) | Destination::Other(_) => {}
            }
        }
        spec.class(body, lines, groups)
    }

    /// Rows 8 and 9: all destinations exist, all of them take the key.
    fn routes(
        &self,
        station: StationIndex,
        spec: &MessageSpec,
        input: &Input<'_>,
    ) -> Result<(Vec<Route>, Vec<Own>), Failed> {
        let (mut routes, mut owns, mut unknown, mut unwilling) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let log_queries = self.network.limits().log_queries;
        for destination in input.destinations.iter() {
            if let Some(own) = self.own(spec.key, destination) {
                if own.takes(spec.key, log_queries) {
                    owns.push(own);
                } else {
                    unwilling.push(shown(destination.as_str()));
                }
                continue;
            }
            let before = routes.len();
            if self.targets(station, input.sender, destination, &mut routes).is_none() {
                unknown.push(shown(destination.as_str()));
                continue;
            }
            let mut targets = routes.iter().skip(before);
            if is_own_key(spec.key) || targets.any(|target| !self.network.accepts(target.station, spec.key)) {
                unwilling.push(shown(destination.as_str()));
            }
        }
        if !unknown.is_empty() {
            return Err(fail(ErNumber::Destinations, unknown.join(", ")));
        }
        self.row.set(9);
        if !unwilling.is_empty() {
            return Err(fail(ErNumber::NotAllowed, unwilling.join(", ")));
        }
        Ok((routes, owns))
    }

    /// Adds where a destination leads; nothing where it does not exist (`protocol-specs/wire.md` 2.5).
    fn targets(
        &self,
        station: StationIndex,
        sender: Ori,
        destination: Destination<'_>,
        routes: &mut Vec<Route>,
    ) -> Option<()> {
        let name = StationName::parse(destination.as_str()).ok()?;
        match destination {
            Destination::Ori(ori) => {
                let entry = self.directory.ori(ori).filter(|entry| entry.active)?;
                let served = self.network.serving(ori, entry.line)?;
                routes.push(Route { station: served, destination: name });
            }
            Destination::Line(code) => match self.network.lead(code)? {
                Lead::Station(index) => routes.push(Route { station: *index, destination: name }),
                Lead::Group(members) => {
                    let own = self.directory.ori(sender)?.line;
                    let others = members.iter().filter(|(line, target)| *line != own && *target != station);
                    let mut stations: Vec<_> = others.map(|(_, target)| *target).collect();
                    stations.sort_unstable();
                    stations.dedup();
                    routes.extend(stations.into_iter().map(|station| Route { station, destination: name }));
                }
            },
            Destination::Other(_) => return None,
        }
        Some(())
    }
}

fn fail(number: ErNumber, detail: impl Into<String>) -> Failed {
    Failed { number, detail: detail.into(), options: Vec::new() }
}

/// An address as an ER may repeat it: short, and letters and digits only.
fn shown(address: &str) -> String {
    const SHOWN_MAX: usize = 16;
    let mut text = String::new();
    for character in address.chars().take(SHOWN_MAX) {
        let _written: std::fmt::Result =
            write!(text, "{}", if character.is_ascii_alphanumeric() { character } else { '?' });
    }
    text
}
