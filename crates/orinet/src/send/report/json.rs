//! What a run tells a program: an object a line (`docs/send.md` has them all).

use std::collections::BTreeMap;
use std::time::Duration;

use codec::block::Status;
use codec::dictionary::{Body, Dictionary};
use codec::legacy::{Output, fields, parse_input, parse_output};
use codec::name::MessageKey;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::exchange::{Exchange, Meaning, Message, Outcome};
use super::super::expect::Expectations;
use super::super::text;
use super::sent_at;

/// What was noted of messages that have not ended.
#[derive(Debug)]
pub(in super::super) struct Json {
    began: Timestamp,
    open: BTreeMap<usize, Notes>,
    /// All before this one were told.
    told: usize,
    /// Those behind it that were told.
    told_early: Vec<usize>,
}

#[derive(Debug, Default)]
struct Notes {
    acknowledged: Option<Duration>,
    ended: Option<Duration>,
    refused: Option<String>,
    answers: Vec<Value>,
}

impl Json {
    pub(super) fn new() -> Self {
        Self { began: Timestamp::now(), open: BTreeMap::new(), told: 0, told_early: Vec::new() }
    }

    pub(super) fn acknowledged(&mut self, at: usize, now: Duration) {
        self.open.entry(at).or_default().acknowledged = Some(now);
    }

    pub(super) fn refused(&mut self, at: usize, why: Status) {
        self.open.entry(at).or_default().refused = Some(why.to_string());
    }

    /// Keeps what belongs to a message until that has ended; gives what belongs to none at once.
    pub(super) fn received(&mut self, exchange: &Exchange, meaning: Meaning, bytes: &[u8], now: Duration) -> String {
        let (at, kind) = match meaning {
            Meaning::Answer { to, .. } => (to, "answer"),
            Meaning::Refusal { of } => (of, "refusal"),
            Meaning::Delay { of } => (of, "delay"),
            Meaning::Other => return line(&message(bytes, "received", None, self.at(now))),
        };
        let after = sent_at(exchange, at).map(|sent| now.saturating_sub(sent));
        let object = message(bytes, kind, after, self.at(now));
        if self.is_told(at) {
            return line(&object);
        }
        let notes = self.open.entry(at).or_default();
        notes.ended = Some(now);
        notes.answers.push(object);
        String::new()
    }

    /// The messages that have ended and were not told; in the end, all that were not.
    pub(super) fn ended(&mut self, exchange: &Exchange, now: Duration, all: bool) -> String {
        let mut out = String::new();
        for (at, message) in exchange.messages().iter().enumerate().skip(self.told) {
            if message.is_unsent() && !all {
                break;
            }
            let outcome = message.outcome(now);
            if self.is_told(at) || matches!(outcome, Outcome::Open(_)) && !all {
                continue;
            }
            let notes = self.open.remove(&at).unwrap_or_default();
            out += &line(&self.sent(at, message, outcome, notes));
            self.told_early.push(at);
        }
        while let Some(at) = self.told_early.iter().position(|at| *at == self.told) {
            self.told_early.swap_remove(at);
            self.told += 1;
        }
        out
    }

    fn is_told(&self, at: usize) -> bool {
        at < self.told || self.told_early.contains(&at)
    }

    fn sent(&self, at: usize, message: &Message, outcome: Outcome, notes: Notes) -> Value {
        let bytes = message.bytes();
        let input = parse_input(bytes).ok();
        let sent = message.sent();
        let ms = |time: Option<Duration>| Some(milliseconds(time?.saturating_sub(sent?)));
        let body = input.as_ref().and_then(|input| input.body);
        let ended = match outcome {
            Outcome::Acknowledged => notes.acknowledged,
            Outcome::Answered | Outcome::Refused | Outcome::Open(_) => notes.ended.or(notes.acknowledged),
        };
        json!({
            "kind": "message",
            "number": at + 1,
            "key": input.as_ref().map(|input| input.key.to_string()),
            "from": input.as_ref().map(|input| input.sender.to_string()),
            "to": input.as_ref().map(|input| input.destinations.iter().map(|one| one.as_str().to_owned()).collect::<Vec<_>>()),
            "control": input.as_ref().and_then(|input| input.control),
            "query": input.as_ref().zip(body).map(|(input, body)| named(input.key, body)),
            "text": plain(bytes),
            "outcome": word(outcome),
            "refused": notes.refused,
            "sent": sent.map(|sent| self.at(sent)),
            "acknowledged_ms": ms(notes.acknowledged),
            "ended_ms": ms(ended),
            "answers": notes.answers,
        })
    }

    /// A time of this run as the world has it.
    fn at(&self, time: Duration) -> String {
        let moment = self.began.checked_add(time).unwrap_or(self.began);
        format!("{moment:.3}")
    }
}

/// How what was expected turned out.
pub(super) fn expected(expectations: &Expectations) -> String {
    let object = |(pattern, unwanted, holds): (&super::super::expect::Pattern, bool, bool)| {
        line(&json!({ "kind": "expectation", "pattern": pattern.to_string(), "expected": !unwanted, "holds": holds }))
    };
    expectations.each().map(object).collect()
}

fn word(outcome: Outcome) -> &'static str {
    use super::super::exchange::Lack;
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Acknowledged | Outcome::Open(Lack::Refusal) => "acknowledged",
        Outcome::Refused => "refused",
        Outcome::Open(Lack::Sending) => "unsent",
        Outcome::Open(Lack::Acknowledgement) => "unacknowledged",
        Outcome::Open(Lack::Answers { .. }) => "unanswered",
    }
}

/// A received message.
fn message(bytes: &[u8], kind: &str, after: Option<Duration>, at: String) -> Value {
    let mut object = json!({ "kind": kind, "at": at, "ms": after.map(milliseconds), "text": plain(bytes) });
    if let Ok(output) = parse_output(bytes) {
        let Output { key, sender, received, isn, sent, osn, destination, control, body } = output;
        object["key"] = json!(key.to_string());
        object["from"] = json!(sender.to_string());
        object["to"] = json!(destination);
        object["control"] = json!(control.map(|control| control.to_string()));
        object["isn"] = json!({ "stamp": received.to_string(), "number": isn.value() });
        object["osn"] = json!({ "stamp": sent.to_string(), "number": osn.value() });
        object["fields"] = named(key, body);
        object["body"] = json!(plain(body));
    }
    object
}

/// The fields of a body, in their order. Where a key's body is prose, those that its lines name, as answers do.
fn named(key: MessageKey, body: &[u8]) -> Value {
    let dictionary = Dictionary::builtin();
    let coded = dictionary.spec(key).is_some_and(|spec| matches!(spec.body, Body::Fields(_)));
    let pair = |name: &str, value: &str| json!({ "name": name.to_ascii_uppercase(), "value": value });
    if coded {
        return fields(body).flatten().map(|field| pair(field.prefix, field.value)).collect();
    }
    let known = |prefix: &str| {
        dictionary.specs().any(|spec| match &spec.body {
            Body::Fields(rules) => rules.fields().iter().any(|field| field.prefix.as_str() == prefix),
            Body::Text => false,
        })
    };
    let text = plain(body);
    let mut found = Vec::new();
    for line in text.lines() {
        for piece in line.split('.') {
            let Some((before, value)) = piece.split_once('/') else { continue };
            let prefix = before.rsplit(' ').next().unwrap_or_default();
            if known(prefix) {
                found.push(pair(prefix, value));
            }
        }
    }
    Value::Array(found)
}

/// A message's text with plain line ends.
fn plain(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n\u{7f}", "\n").replace("\r\n", "\n")
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// An object on a line. What acts on a terminal is written as JSON's escape for it, which reads back as it was.
fn line(object: &Value) -> String {
    let mut out = String::new();
    for character in object.to_string().chars() {
        if text::is_shown(character) {
            out.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out += &format!("\\u{unit:04x}");
            }
        }
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_line_acts_on_a_terminal_and_it_reads_back_as_it_was() {
        let text = "A\u{1b}[2J\u{9b}31m\u{202e}\u{7f}\u{feff}\"\\\r\n\u{e0001}é";
        let line = line(&json!({ "text": text }));
        assert!(line.trim_end().chars().all(text::is_shown), "{line:?}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["text"], text);
    }

    #[test]
    fn fields_are_found_in_coded_bodies_and_in_prose() {
        let key = |text: &str| MessageKey::parse(text).unwrap();
        let coded = named(key("TQ"), b"ori/ZA0010000.LOC/A/B");
        assert_eq!(coded, json!([{ "name": "ORI", "value": "ZA0010000" }, { "name": "LOC", "value": "A/B" }]));
        let prose =
            b"EMULATOR - SYNTHETIC DATA\r\n\x7fRE QUERY ID E1 NAM/TRINH, HUY. DOB/19890329.\r\n\x7fBY 01/02/2030 QQ/1.";
        let found = named(key("IAR"), prose);
        assert_eq!(found, json!([{ "name": "NAM", "value": "TRINH, HUY" }, { "name": "DOB", "value": "19890329" }]));
    }
}
