//! What a run tells a person.

use std::time::Duration;

use codec::block::Status;

use super::super::exchange::{Exchange, Lack, Meaning, Message, Outcome};
use super::super::expect::Expectations;
use super::super::text;
use super::{sent_at, took};

pub(super) fn sent(exchange: &Exchange, at: usize) -> String {
    let what = exchange.messages().get(at).map(Message::describe).unwrap_or_default();
    format!("-> {}  {what}\n", at + 1)
}

pub(super) fn acknowledged(exchange: &Exchange, at: usize, now: Duration) -> String {
    format!("<- {}  acknowledged{}\n", at + 1, since(exchange, at, now))
}

pub(super) fn refused(exchange: &Exchange, at: usize, why: Status, now: Duration) -> String {
    format!("<- {}  refused{}: negative acknowledgement, {why}\n", at + 1, since(exchange, at, now))
}

pub(super) fn received(exchange: &Exchange, meaning: Meaning, bytes: &[u8], now: Duration) -> String {
    let since = |at| since(exchange, at, now);
    let head = match meaning {
        Meaning::Answer { to, number, due } => format!("<- {}  answer {number} of {due}{}", to + 1, since(to)),
        Meaning::Refusal { of } => format!("<- {}  refused{}", of + 1, since(of)),
        Meaning::Delay { of } => format!("<- {}  will be forwarded later{}", of + 1, since(of)),
        Meaning::Other => "<- -  not in answer to these messages".to_owned(),
    };
    indented(&head, &text::readable(bytes))
}

/// Which messages got too little, what was expected in vain, and how many got what.
pub(super) fn ended(exchange: &Exchange, expectations: &Expectations, now: Duration) -> String {
    let mut text = String::new();
    let [mut answered, mut acknowledged, mut refused, mut open] = [0_usize; 4];
    for (message, number) in exchange.messages().iter().zip(1_usize..) {
        let lack = match message.outcome(now) {
            Outcome::Answered => {
                answered += 1;
                continue;
            }
            Outcome::Acknowledged | Outcome::Open(Lack::Refusal) => {
                acknowledged += 1;
                continue;
            }
            Outcome::Refused => {
                refused += 1;
                continue;
            }
            Outcome::Open(Lack::Sending) => "not sent".to_owned(),
            Outcome::Open(Lack::Acknowledgement) => "not acknowledged".to_owned(),
            Outcome::Open(Lack::Answers { came, due }) => format!("{came} of {due} answers came"),
        };
        open += 1;
        text += &format!("!! {number}  {lack}\n");
    }
    for (pattern, unwanted, holds) in expectations.each() {
        let pattern = text::readable(pattern.to_string().as_bytes());
        text += &match (holds, unwanted) {
            (true, false) => format!("ok expected {pattern}\n"),
            (true, true) => format!("ok not expected {pattern}\n"),
            (false, false) => format!("!! expected {pattern}, which did not come\n"),
            (false, true) => format!("!! not expected {pattern}, which came\n"),
        };
    }
    let count = answered + acknowledged + refused + open;
    let noun = if count == 1 { "message" } else { "messages" };
    let parts = [(answered, "answered"), (acknowledged, "acknowledged"), (refused, "refused"), (open, "unanswered")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    if count > 0 {
        text += &format!("{count} {noun}: {}\n", parts.collect::<Vec<_>>().join(", "));
    }
    text
}

/// How long ago a message was sent, as a line's end says it.
fn since(exchange: &Exchange, at: usize, now: Duration) -> String {
    let sent = sent_at(exchange, at);
    sent.map_or_else(String::new, |sent| format!(", {} after sending", took(now.saturating_sub(sent))))
}

/// A head line, and under it lines that none of a message's can be taken for.
pub(in super::super) fn indented(head: &str, text: &str) -> String {
    let mut out = format!("{head}\n");
    for line in text.trim_end_matches('\n').lines() {
        out += &format!("      {line}\n");
    }
    out
}
