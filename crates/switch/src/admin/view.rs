//! What operators are shown, as JSON: the core's own types know nothing of it.

use codec::dictionary::Authorization;
use codec::name::{MessageKey, Ori, StationName};
use codec::time::Timestamp;
use serde_json::{Value, json};
use switch_core::effect::Confirmation;
use switch_core::reading::{CopyTo, Reading, Received, read};
use switch_core::{
    Command, DeadLetter, Delivery, DestinationState, Done, Explanation, Judged, Msn, OriConfig, Switch, Verdict,
};

use super::ask::Page;

pub(crate) fn stations(switch: &Switch) -> Value {
    let stations: Vec<_> = switch
        .stations()
        .map(|station| {
            json!({
                "station": station.station.as_str(),
                "links": station.links,
                "queued": station.queued,
                "stored": station.stored,
                "in_flight": station.in_flight,
                "bytes": station.bytes,
                "bytes_max": station.bytes_max,
                "held": station.held,
                "diverted_to": station.diverted_to.as_ref().map(StationName::as_str),
            })
        })
        .collect();
    json!({
        "stations": stations,
        "draining": switch.is_closed(),
        "waiting": switch.waiting(),
        "letters": switch.dead_letter_count(),
    })
}

pub(crate) fn links(switch: &Switch) -> Value {
    let links: Vec<_> = switch
        .links()
        .map(|link| {
            json!({
                "link": link.link.0,
                "station": link.station.as_str(),
                "from": link.from.to_string(),
                "certificate": link.certificate,
                "in_flight": link.in_flight,
            })
        })
        .collect();
    json!({ "links": links })
}

pub(crate) fn confirmations(switch: &Switch) -> Value {
    let all: Vec<_> = switch.confirmations().map(|(one, overdue)| confirmation(one, overdue)).collect();
    json!({ "confirmations": all })
}

/// Without what identifies a case or a record.
fn confirmation(one: &Confirmation, overdue: bool) -> Value {
    json!({
        "asked": one.id.asked.as_str(),
        "asker": one.id.asker.as_str(),
        "msn": one.id.msn.0,
        "asked_station": one.asked_station.as_str(),
        "asker_station": one.asker_station.as_str(),
        "request": one.request,
        "urgent": one.urgent,
        "at": utc(one.at),
        "due": utc(one.due),
        "overdue": overdue,
    })
}

pub(crate) fn states(switch: &Switch) -> Value {
    let states: Vec<_> = switch
        .states()
        .map(|(station, key, state)| {
            let key = key.as_ref().map(MessageKey::as_str);
            json!({ "station": station.as_str(), "key": key, "state": state.as_str() })
        })
        .collect();
    json!({ "states": states })
}

pub(crate) fn letters(switch: &Switch, page: Page) -> Value {
    let wanted = |letter: &DeadLetter| page.station.is_none_or(|station| station == letter.station);
    let behind = switch.dead_letters().filter(|(delivery, letter)| *delivery > page.after && wanted(letter));
    let mut letters: Vec<_> = behind.take(page.limit + 1).collect();
    let more = (letters.len() > page.limit).then(|| letters.pop());
    let last = letters.last().map(|(delivery, _)| delivery.number());
    let shown: Vec<_> = letters.iter().map(|(delivery, letter)| dead_letter(*delivery, letter)).collect();
    json!({ "letters": shown, "more": more.and(last) })
}

fn dead_letter(delivery: Delivery, letter: &DeadLetter) -> Value {
    json!({
        "letter": delivery.number(),
        "station": letter.station.as_str(),
        "record": letter.sequence.0,
        "at": utc(letter.at),
        "why": letter.why.as_str(),
    })
}

/// A dead letter with the message in its record; nothing if that is not what is there.
pub(crate) fn letter(delivery: Delivery, letter: &DeadLetter, kind: u8, record: bytes::Bytes) -> Option<Value> {
    let reading = read(letter.sequence.0, kind, record).ok()?;
    let mut shown = dead_letter(delivery, letter);
    let more = message_of(&reading, delivery).or_else(|| notice_of(&reading, delivery))?;
    shown.as_object_mut()?.extend(more.as_object()?.clone());
    Some(shown)
}

fn message_of(reading: &Reading, delivery: Delivery) -> Option<Value> {
    let of = |reception: &Received, msn: Msn, copies: &[CopyTo]| {
        let copy = copies.iter().find(|copy| copy.delivery == delivery)?;
        Some(json!({
            "msn": msn.0,
            "key": reception.key.as_ref().map(MessageKey::as_str),
            "sender": reception.sender.as_ref().map(Ori::as_str),
            "from_station": reception.station.as_str(),
            "destination": copy.destination.as_str(),
            "received": utc(reception.at),
            "text": String::from_utf8_lossy(&reception.message),
        }))
    };
    if let Reading::Accepted { reception, msn, copies, .. } = reading {
        of(reception, *msn, copies)
    } else if let Reading::Act(act) = reading {
        act.again.iter().find_map(|again| of(&again.reception, again.msn, &again.copies))
    } else {
        None
    }
}

/// A message of the switch itself.
fn notice_of(reading: &Reading, delivery: Delivery) -> Option<Value> {
    let notices = match reading {
        Reading::Accepted { notices, .. } | Reading::Answered { notices, .. } | Reading::Overdue { notices, .. } => {
            notices.as_slice()
        }
        Reading::Refused { notice, .. } => std::slice::from_ref(notice),
        Reading::Returned { notice, .. } => notice.as_slice(),
        Reading::Act(act) => act.notices.as_slice(),
        Reading::Repeated { .. } | Reading::Delivered { .. } | Reading::Link { .. } => &[],
    };
    let notice = notices.iter().find(|notice| notice.copy.delivery == delivery)?;
    Some(json!({
        "msn": null,
        "key": notice.key.as_str(),
        "sender": notice.from.as_str(),
        "from_station": null,
        "destination": notice.copy.destination.as_str(),
        "received": utc(notice.at),
        "text": String::from_utf8_lossy(&notice.body),
    }))
}

pub(crate) fn changed(switch: &Switch) -> Value {
    let changed: Vec<_> = switch
        .directory_changes()
        .map(|(ori, changed)| match changed {
            None => json!({ "ori": ori.as_str(), "change": "deleted" }),
            Some(changed) => {
                let mut shown = entry(changed);
                if let Some(shown) = shown.as_object_mut() {
                    shown.insert("change".to_owned(), "changed".into());
                }
                shown
            }
        })
        .collect();
    json!({ "changed": changed })
}

/// What the directory says of an agency; nothing where it has none such.
pub(crate) fn agency(switch: &Switch, ori: Ori) -> Option<Value> {
    let (found, station) = switch.agency(ori)?;
    let changed = switch.directory_changes().any(|(other, _)| other == ori);
    let mut shown = entry(found);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("station".to_owned(), station.as_ref().map(StationName::as_str).into());
        shown.insert("changed".to_owned(), changed.into());
    }
    Some(shown)
}

fn entry(entry: &OriConfig) -> Value {
    let authorization: String = entry.authorization.iter().map(|one| Authorization::letter(*one)).collect();
    let details = &entry.details;
    json!({
        "ori": entry.ori.as_str(),
        "line": entry.line.as_str(),
        "name": details.name,
        "type": details.kind,
        "authorization": authorization,
        "active": entry.active,
        "editor": entry.editor,
        "hours": details.hours,
        "phone": details.phone,
    })
}

pub(crate) fn explanation(explanation: &Explanation) -> Value {
    let rows: Vec<_> = explanation
        .rows
        .iter()
        .map(|row| {
            let passed = row.judged == Judged::Passed;
            json!({ "row": row.row, "check": row.check, "passed": passed })
        })
        .collect();
    match &explanation.verdict {
        Verdict::Refused { number, text } => {
            let text = String::from_utf8_lossy(text);
            json!({ "rows": rows, "accepted": false, "er": { "number": format!("{number:02}"), "text": text } })
        }
        Verdict::Accepted { key, class, legs } => {
            let legs: Vec<_> = legs
                .iter()
                .map(|leg| {
                    json!({
                        "destination": leg.destination.as_str(),
                        "station": leg.station.as_str(),
                        "outcome": leg.outcome,
                    })
                })
                .collect();
            json!({ "rows": rows, "accepted": true, "er": null, "key": key.as_str(), "priority": class, "legs": legs })
        }
    }
}

pub(crate) fn done(done: &Done) -> Value {
    json!({
        "done": done.what,
        "undo": done.undo.as_ref().and_then(typed),
        "msn": done.msn.map(|msn| msn.0),
        "copies": done.copies,
        "record": done.record.0,
    })
}

/// A command as a person types it; nothing for one that nobody types so.
fn typed(command: &Command) -> Option<String> {
    let words = match command {
        Command::Hold { station } => format!("hold {station}"),
        Command::Release { station } => format!("release {station}"),
        Command::Divert { from, to } => format!("divert {from} {to}"),
        Command::Undivert { from } => format!("undivert {from}"),
        Command::SetState { station, key, state } => {
            let state = state.map_or("as-configured", DestinationState::as_str);
            let key = key.map_or_else(String::new, |key| format!(" --key {key}"));
            format!("state {station} {state}{key}")
        }
        Command::Drain => "drain".to_owned(),
        Command::Undrain => "undrain".to_owned(),
        Command::SendAgain { .. }
        | Command::ResendLetter { .. }
        | Command::DiscardLetter { .. }
        | Command::ForgetEntry { .. }
        | Command::Reload(_) => return None,
    };
    Some(format!("orinet ctl {words}"))
}

/// A time in UTC, to the second.
fn utc(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(time.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{time:.0}")
}
