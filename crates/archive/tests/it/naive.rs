//! The same questions answered by looking at every message, with none of the archive's code.

use std::collections::{BTreeMap, BTreeSet};

use archive::{Cursor, Query};
use bytes::Bytes;
use codec::name::{Control, MessageKey};
use switch_core::reading::{CopyTo, NoticeTo, Reading, read};

use crate::traffic::Written;

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) place: Cursor,
    pub(crate) at: i64,
    pub(crate) msn: Option<u64>,
    key: Option<MessageKey>,
    control: Option<Control>,
    from: BTreeSet<String>,
    to: BTreeSet<String>,
    parties: BTreeSet<String>,
    words: BTreeSet<String>,
    names: BTreeSet<String>,
    /// Delivery numbers.
    pub(crate) copies: Vec<u64>,
}

/// All messages, in order, and how copies ended: delivered when, or returned.
pub(crate) fn messages(records: &[Written]) -> (Vec<Message>, BTreeMap<u64, Option<i64>>) {
    let (mut messages, mut ends) = (Vec::new(), BTreeMap::new());
    for record in records {
        let reading = read(record.sequence, record.kind, Bytes::clone(&record.payload)).unwrap();
        let mut ordinal = 0;
        let mut place = || {
            ordinal += 1;
            Cursor { sequence: record.sequence, ordinal: ordinal - 1 }
        };
        #[expect(clippy::wildcard_enum_match_arm, reason = "the rest has no messages")]
        match reading {
            Reading::Accepted { reception, msn, copies, notices, .. } => {
                let mut body = reception.body().to_vec();
                if reception.key.is_some_and(|key| key.as_str() == "AML") {
                    body.extend_from_slice(b" FOR LAW ENFORCEMENT DISSEMINATION ONLY");
                }
                let mut message = received(place(), &reception, &body, &copies);
                message.msn = Some(msn.0);
                messages.push(message);
                messages.extend(notices.iter().map(|one| notice(place(), one)));
            }
            Reading::Refused { reception, notice: one, .. } => {
                messages.push(received(place(), &reception, &reception.message, &[]));
                messages.push(notice(place(), &one));
            }
            Reading::Returned { delivery, notice: one, .. } => {
                ends.insert(delivery.number(), None);
                messages.extend(one.iter().map(|one| notice(place(), one)));
            }
            Reading::Delivered { marks } => {
                ends.extend(marks.iter().map(|mark| (mark.delivery.number(), Some(mark.at.0))));
            }
            _ => {}
        }
    }
    (messages, ends)
}

fn received(place: Cursor, reception: &switch_core::reading::Received, body: &[u8], copies: &[CopyTo]) -> Message {
    let station = reception.station.to_string();
    let sender = reception.sender.map(|ori| ori.to_string());
    let mut message = Message {
        place,
        at: reception.at.0,
        msn: None,
        key: reception.key,
        control: reception.control,
        from: sender
            .iter()
            .flat_map(|ori| [ori.clone(), ori.chars().take(2).collect()])
            .chain([station.clone()])
            .collect(),
        to: BTreeSet::new(),
        parties: [station].into(),
        words: words(&String::from_utf8_lossy(body)),
        names: names(&String::from_utf8_lossy(body)),
        copies: Vec::new(),
    };
    copies.iter().for_each(|copy| add(&mut message, copy));
    message
}

fn notice(place: Cursor, notice: &NoticeTo) -> Message {
    let body = String::from_utf8_lossy(&notice.body);
    let mut message = Message {
        place,
        at: notice.at.0,
        msn: None,
        key: Some(notice.key),
        control: notice.control,
        from: ["NL0000000".to_owned(), "NL".to_owned()].into(),
        to: BTreeSet::new(),
        parties: BTreeSet::new(),
        words: words(&body),
        names: names(&body),
        copies: Vec::new(),
    };
    add(&mut message, &notice.copy);
    message
}

fn add(message: &mut Message, copy: &CopyTo) {
    let (destination, station) = (copy.destination.to_string(), copy.station.to_string());
    if destination.len() == 9 {
        message.to.insert(destination.chars().take(2).collect());
    }
    message.to.insert(destination);
    message.to.insert(station.clone());
    message.parties.insert(station);
    message.copies.push(copy.delivery.number());
}

fn words(text: &str) -> BTreeSet<String> {
    let text: String = text.to_ascii_uppercase().replace('\'', "");
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words of what follows each `NAM/` that nothing is joined to on its left.
fn names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in text.split(['\r', '\n', '.']) {
        let upper = line.to_ascii_uppercase();
        let alone = |text: &str| !text.ends_with(|before: char| before.is_ascii_alphanumeric());
        let mut pieces = upper.split("NAM/");
        let mut before = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            if alone(&before) {
                names.extend(words(piece));
                break;
            }
            before.push_str("NAM/");
            before.push_str(piece);
        }
    }
    names
}

impl Message {
    pub(crate) fn answers(&self, query: &Query) -> bool {
        let has = |text: &str| words(text).is_subset(&self.words) && (text.is_empty() || !words(text).is_empty());
        let text = match (query.find.is_empty(), query.or.is_empty()) {
            (false, false) => has(&query.find) || has(&query.or),
            (true, false) => has(&query.or),
            (_, true) => has(&query.find),
        };
        let same = |one: &Control, other: &Control| one.as_str().eq_ignore_ascii_case(other.as_str());
        text && has(&query.and)
            && words(&query.name).is_subset(&self.names)
            && (query.keys.is_empty() || self.key.is_some_and(|key| query.keys.contains(&key)))
            && query.from.is_none_or(|from| self.from.contains(from.as_str()))
            && query.to.is_none_or(|to| self.to.contains(to.as_str()))
            && query.visible_to.is_none_or(|station| self.parties.contains(station.as_str()))
            && query.control.is_none_or(|asked| self.control.is_some_and(|control| same(&control, &asked)))
            && query.begin.is_none_or(|begin| self.at >= begin.0)
            && query.end.is_none_or(|end| self.at < end.0)
            && (!query.sent_on || !self.copies.is_empty())
    }
}
