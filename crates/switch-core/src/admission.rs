//! Rows 1 to 10 of admission (`protocol-specs/wire.md` 2.4): whether a message may enter, and where it leads.
//!
//! A pure function of the network, the dictionary and the message. Row 11, the state of each destination, depends on
//! what is connected and is the switch's.

use std::fmt::Write as _;

use codec::dictionary::{Dictionary, MessageSpec, Priority, Sender};
use codec::legacy::{
    Destination, DestinationKind, Destinations, Glance, Input, disallowed_byte, glance, is_xml, parse_input,
};
use codec::name::{Control, MessageKey, Ori, StationName};
use codec::notice::ErNumber;

use crate::network::{Network, OWN_CODE, StationIndex};
use crate::query::{self, is_log_query};
use crate::record::Received;

/// What a message is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Court<'a> {
    pub(crate) network: &'a Network,
    pub(crate) dictionary: &'a Dictionary,
    pub(crate) today: jiff::civil::Date,
}

/// A message that may enter.
#[derive(Debug)]
pub(crate) struct Passed<'a> {
    pub(crate) spec: &'a MessageSpec,
    pub(crate) sender: Ori,
    pub(crate) control: Option<Control>,
    /// Where its body begins.
    pub(crate) body_offset: usize,
    pub(crate) class: u8,
    pub(crate) routes: Vec<Route>,
    /// Of a log query: what its sender is told at once.
    pub(crate) queued: Option<Vec<u8>>,
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
pub(crate) struct Fault<'a> {
    pub(crate) number: ErNumber,
    pub(crate) detail: String,
    pub(crate) options: &'a [String],
    /// The key for the text of the ER, if the dictionary has it.
    pub(crate) key: Option<MessageKey>,
    /// The sender, if it is the station's own.
    pub(crate) sender: Option<Ori>,
    pub(crate) control: Option<Control>,
}

/// Why a message fails, before it is known whom to tell.
struct Failed<'a> {
    number: ErNumber,
    detail: String,
    options: &'a [String],
}

impl<'a> Court<'a> {
    /// Judges a message that `station` sent; `reception` says when.
    pub(crate) fn judge(
        &self,
        station: StationIndex,
        message: &[u8],
        reception: &Received,
    ) -> Result<Passed<'a>, Fault<'a>> {
        self.rows(station, message, reception).map_err(|failed| {
            let Glance { key, sender, control } = glance(message);
            Fault {
                number: failed.number,
                detail: failed.detail,
                options: failed.options,
                key: key.filter(|key| self.dictionary.spec(*key).is_some()),
                sender: sender.filter(|ori| self.network.serving(*ori) == Some(station)),
                control,
            }
        })
    }

    fn rows(&self, station: StationIndex, message: &[u8], reception: &Received) -> Result<Passed<'a>, Failed<'a>> {
        if is_xml(message) {
            return Err(fail(ErNumber::NoText, "XML IS NOT ACCEPTED HERE"));
        }
        if let Some(offset) = disallowed_byte(message) {
            return Err(fail(ErNumber::Format, format!("BYTE {offset} IS NOT ALLOWED")));
        }
        let input = parse_input(message).map_err(|error| {
            let detail = format!("{} EXPECTED AT BYTE {}", error.field.to_ascii_uppercase(), error.offset);
            fail(ErNumber::Format, detail)
        })?;
        let Some(body) = input.body else { return Err(fail(ErNumber::NoText, "")) };
        let spec = self.key(station, input.key)?;
        self.sender(station, spec, input.sender)?;
        let control = input
            .checked_control()
            .map_err(|_| fail(ErNumber::Header, "CONTROL FIELD MUST BE * AND 1 TO 20 LETTERS OR DIGITS"))?;
        self.kinds(spec, &input.destinations)?;
        let routes = self.routes(station, spec, &input)?;
        spec.check_body(body, self.today).map_err(|error| Failed {
            number: error.number,
            detail: error.detail,
            options: if error.options { spec.options() } else { &[] },
        })?;
        let queued = self.log_query(spec, reception, body)?;
        Ok(Passed {
            spec,
            sender: input.sender,
            control,
            body_offset: message.len().saturating_sub(body.len()),
            class: self.priority(spec, &input.destinations).class(),
            routes,
            queued,
        })
    }

    /// The part of row 10 that a log query's fields have among themselves.
    fn log_query(
        &self,
        spec: &'a MessageSpec,
        reception: &Received,
        body: &[u8],
    ) -> Result<Option<Vec<u8>>, Failed<'a>> {
        if !is_log_query(spec.key) {
            return Ok(None);
        }
        let offset = self.network.limits().stamp_utc_offset;
        match query::read(self.dictionary, offset, reception, spec.key, body) {
            Ok(readable) => Ok(Some(query::queued_body(&readable.unknown))),
            Err(detail) => Err(Failed { number: ErNumber::Options, detail, options: spec.options() }),
        }
    }

    /// Row 3: the key is in the dictionary and this station may send it.
    fn key(&self, station: StationIndex, key: MessageKey) -> Result<&'a MessageSpec, Failed<'a>> {
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
    fn sender(&self, station: StationIndex, spec: &MessageSpec, sender: Ori) -> Result<(), Failed<'a>> {
        let Some(entry) = self.network.ori(sender) else {
            return Err(fail(ErNumber::Header, "SENDER ORI UNKNOWN"));
        };
        if !entry.active {
            return Err(fail(ErNumber::Header, "SENDER ORI NOT ACTIVE"));
        }
        if self.network.serving(sender) != Some(station) {
            return Err(fail(ErNumber::Header, "SENDER ORI NOT SERVED BY THIS STATION"));
        }
        if spec.authorization.is_some_and(|needed| !entry.authorization.contains(&needed)) {
            return Err(fail(ErNumber::Header, format!("SENDER ORI NOT AUTHORIZED FOR {}", spec.key)));
        }
        Ok(())
    }

    /// Row 7: as many and such destinations as the key allows.
    fn kinds(&self, spec: &MessageSpec, destinations: &Destinations<'_>) -> Result<(), Failed<'a>> {
        let rule = spec.destinations;
        let wrong = destinations.iter().find(|one| !one.kind().is_some_and(|kind| rule.allows(kind)));
        let lines = destinations.iter().filter(|one| one.kind() == Some(DestinationKind::Line)).count();
        if destinations.count() > rule.max || lines > rule.max_lines {
            let detail = format!("AT MOST {} DESTINATIONS, {} OF THEM LINES", rule.max, rule.max_lines);
            return Err(fail(ErNumber::Header, detail));
        }
        wrong.map_or(Ok(()), |one| Err(fail(ErNumber::Destinations, shown(one.as_str()))))
    }

    fn priority(&self, spec: &MessageSpec, destinations: &Destinations<'_>) -> Priority {
        let codes = destinations.iter().filter_map(|one| match one {
            Destination::Line(code) => Some(code),
            Destination::Ori(_) | Destination::Other(_) => None,
        });
        let (groups, lines): (Vec<_>, Vec<_>) = codes.partition(|code| self.network.is_group(*code));
        Priority::of(spec, lines.len(), groups.len())
    }

    /// Rows 8 and 9: all destinations exist, all of them take the key.
    fn routes(&self, station: StationIndex, spec: &MessageSpec, input: &Input<'_>) -> Result<Vec<Route>, Failed<'a>> {
        let (mut routes, mut unknown, mut unwilling) = (Vec::new(), Vec::new(), Vec::new());
        for destination in input.destinations.iter() {
            let Some(targets) = self.targets(station, input.sender, destination) else {
                unknown.push(shown(destination.as_str()));
                continue;
            };
            // A log query is the switch's own to answer, and nobody else's.
            let own = destination.as_str().eq_ignore_ascii_case(OWN_CODE);
            let unlike = own != is_log_query(spec.key) || own && self.network.limits().log_queries == 0;
            if unlike || targets.iter().any(|target| !self.network.accepts(target.station, spec.key)) {
                unwilling.push(shown(destination.as_str()));
            }
            routes.extend(targets);
        }
        if !unknown.is_empty() {
            return Err(fail(ErNumber::Destinations, unknown.join(", ")));
        }
        if !unwilling.is_empty() {
            return Err(fail(ErNumber::NotAllowed, unwilling.join(", ")));
        }
        Ok(routes)
    }

    /// Where a destination leads; nothing where it does not exist (`protocol-specs/wire.md` 2.5).
    fn targets(&self, station: StationIndex, sender: Ori, destination: Destination<'_>) -> Option<Vec<Route>> {
        let name = StationName::parse(destination.as_str()).ok()?;
        match destination {
            Destination::Ori(ori) => {
                self.network.ori(ori).filter(|entry| entry.active)?;
                let served = self.network.serving(ori)?;
                Some(vec![Route { station: served, destination: name }])
            }
            Destination::Line(code) if code.as_str() == OWN_CODE => Some(Vec::new()),
            Destination::Line(code) => {
                let own = self.network.ori(sender)?.line;
                let from_group = self.network.is_group(code);
                let leads = self.network.leads(code)?.into_iter();
                let mut stations: Vec<_> = leads
                    .filter(|(line, target)| !from_group || (*line != own && *target != station))
                    .map(|(_, target)| target)
                    .collect();
                stations.sort_unstable();
                stations.dedup();
                Some(stations.into_iter().map(|station| Route { station, destination: name }).collect())
            }
            Destination::Other(_) => None,
        }
    }
}

fn fail<'a>(number: ErNumber, detail: impl Into<String>) -> Failed<'a> {
    Failed { number, detail: detail.into(), options: &[] }
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
