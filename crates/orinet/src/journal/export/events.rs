//! What happened, a JSON object a line.

use std::collections::HashMap;
use std::io::Write;

use codec::name::{Control, MessageKey, Ori};
use codec::time::Timestamp;
use serde_json::{Value, json};
use switch_core::LinkId;
use switch_core::reading::{CopyTo, NoticeTo, Reading, Received};

use super::{Range, Stop, effects};
use crate::journal::moment::utc;
use crate::journal::shown::text_json;

/// Links of which the address is kept: far more than are up at a time.
const LINKS_MAX: usize = 100_000;

pub(super) struct Events<'a, W> {
    out: &'a mut W,
    range: Range,
    bodies: bool,
    /// Whose a link is, from where it came, and with which certificate.
    links: HashMap<LinkId, (String, String, String)>,
    count: u64,
}

impl<'a, W: Write> Events<'a, W> {
    pub(super) fn new(out: &'a mut W, range: Range, bodies: bool) -> Self {
        Self { out, range, bodies, links: HashMap::new(), count: 0 }
    }

    /// Says how many there were, so that whoever reads knows that it is all.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        Ok(writeln!(self.out, "{}", json!({ "event": "end", "events": self.count }))?)
    }

    pub(super) fn record(&mut self, sequence: u64, reading: &Reading) -> Result<(), Stop> {
        match reading {
            Reading::Accepted { reception, msn, copies, notices, effects: changes } => {
                self.received(sequence, reception, |value| {
                    value["event"] = json!("accepted");
                    value["result"] = json!("accepted");
                    value["msn"] = json!(msn.0);
                    value["copies"] = copies.iter().map(copy).collect();
                    effects::add(value, changes);
                })?;
                self.notices(sequence, notices)
            }
            Reading::Refused { reception, number, notice } => {
                self.received(sequence, reception, |value| {
                    value["event"] = json!("refused");
                    value["result"] = json!(format!("ER {number:02}"));
                })?;
                self.notices(sequence, std::slice::from_ref(notice))
            }
            Reading::Repeated { station, link, validation, original, at } => self.event(sequence, *at, || {
                json!({
                    "event": "repeated", "station": station.as_str(), "link": link.0, "validation": validation,
                    "original": original.0, "result": "acknowledged again",
                })
            }),
            Reading::Delivered { marks } => marks.iter().try_for_each(|mark| {
                self.event(sequence, mark.at, || {
                    json!({
                        "event": "delivered", "delivery": mark.delivery.number(), "link": mark.link.0,
                        "result": "acknowledged by the receiver",
                    })
                })
            }),
            Reading::Returned { delivery, station, original, at, why, notice } => {
                self.event(sequence, *at, || {
                    json!({
                        "event": "returned", "delivery": delivery.number(), "station": station.as_str(),
                        "original": original.0, "result": why.as_str(),
                    })
                })?;
                self.notices(sequence, notice.as_slice())
            }
            Reading::Link { link, station, from, certificate, at, up, why } => {
                if *up {
                    if self.links.len() >= LINKS_MAX {
                        self.links.clear();
                    }
                    self.links.insert(*link, (station.to_string(), from.to_string(), certificate.clone()));
                }
                self.event(sequence, *at, || {
                    json!({
                        "event": "link", "station": station.as_str(), "link": link.0,
                        "result": if *up { "up" } else { "down" }, "why": why,
                    })
                })
            }
            Reading::Answered { query, at, notices } => {
                self.event(sequence, *at, || json!({ "event": "answered", "query": query.0, "result": "answered" }))?;
                self.notices(sequence, notices)
            }
            Reading::Act(act) => {
                self.event(sequence, act.at, || {
                    let mut value = json!({
                        "event": "act", "who": act.who, "from": act.from, "what": act.what, "result": act.result,
                    });
                    effects::add(&mut value, &act.effects);
                    value
                })?;
                act.again.iter().try_for_each(|message| {
                    self.received(sequence, &message.reception, |value| {
                        value["event"] = json!("sent again");
                        value["at"] = json!(utc(act.at));
                        value["received"] = json!(utc(message.reception.at));
                        value["result"] = json!("accepted");
                        value["msn"] = json!(message.msn.0);
                        value["original"] = json!(message.original.0);
                        value["copies"] = message.copies.iter().map(copy).collect();
                    })
                })?;
                self.notices(sequence, &act.notices)
            }
            Reading::Overdue { id, at, notices } => {
                self.event(sequence, *at, || {
                    json!({
                        "event": "overdue", "msn": id.msn.0, "asker": id.asker.as_str(), "asked": id.asked.as_str(),
                        "result": "not answered in time",
                    })
                })?;
                self.notices(sequence, notices)
            }
        }
    }

    fn received(&mut self, sequence: u64, reception: &Received, finish: impl FnOnce(&mut Value)) -> Result<(), Stop> {
        let bodies = self.bodies;
        self.event(sequence, reception.at, || {
            let mut value = json!({
                "station": reception.station.as_str(),
                "link": reception.link.0,
                "validation": reception.validation,
                "isn": reception.isn.value(),
                "key": reception.key.as_ref().map(MessageKey::as_str),
                "sender": reception.sender.as_ref().map(Ori::as_str),
                "control": reception.control.as_ref().map(Control::as_str),
                "bytes": reception.message.len(),
            });
            if bodies {
                let (name, text) = text_json(&reception.message);
                value[name] = text;
            }
            finish(&mut value);
            value
        })
    }

    fn notices(&mut self, sequence: u64, notices: &[NoticeTo]) -> Result<(), Stop> {
        let bodies = self.bodies;
        notices.iter().try_for_each(|notice| {
            self.event(sequence, notice.at, || {
                let mut value = json!({
                    "event": "notice",
                    "sender": notice.from.as_str(),
                    "key": notice.key.as_str(),
                    "control": notice.control.as_ref().map(Control::as_str),
                    "bytes": notice.body.len(),
                    "copies": [copy(&notice.copy)],
                });
                if bodies {
                    let (name, text) = text_json(&notice.body);
                    value[name] = text;
                }
                value
            })
        })
    }

    fn event(&mut self, sequence: u64, at: Timestamp, make: impl FnOnce() -> Value) -> Result<(), Stop> {
        if !self.range.has(at) {
            return Ok(());
        }
        let mut value = make();
        value["at"] = json!(utc(at));
        value["record"] = json!(sequence);
        let link = value.get("link").and_then(Value::as_u64).map(LinkId);
        if let Some((station, from, certificate)) = link.and_then(|link| self.links.get(&link)) {
            value["station"] = json!(station);
            value["from"] = json!(from);
            value["certificate"] = json!(certificate);
        }
        self.count += 1;
        Ok(writeln!(self.out, "{value}")?)
    }
}

fn copy(copy: &CopyTo) -> Value {
    json!({
        "delivery": copy.delivery.number(),
        "osn": copy.osn.value(),
        "station": copy.station.as_str(),
        "destination": copy.destination.as_str(),
        "class": copy.class,
        "expires": utc(copy.expires),
    })
}
