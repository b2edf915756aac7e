//! What a run tells: for a person, or as JSON for a program.

mod json;
mod plain;

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use codec::block::Status;

use self::json::Json;
use super::exchange::{Exchange, Meaning, Message};
use super::expect::Expectations;

/// What a run tells on standard output.
#[derive(Debug)]
pub(super) enum Report {
    /// For a person.
    Plain,
    /// An object a line.
    Json(Json),
}

impl Report {
    /// For a program: an object for each message once it has ended, and for all else that comes.
    pub(super) fn json() -> Self {
        Self::Json(Json::new())
    }

    /// A message was handed to the link.
    pub(super) fn sent(&self, exchange: &Exchange, at: usize) -> anyhow::Result<()> {
        match self {
            Self::Plain => print(&plain::sent(exchange, at)),
            Self::Json(_) => Ok(()),
        }
    }

    /// The switch has it.
    pub(super) fn acknowledged(&mut self, exchange: &Exchange, at: usize, now: Duration) -> anyhow::Result<()> {
        match self {
            Self::Plain => print(&plain::acknowledged(exchange, at, now)),
            Self::Json(json) => {
                json.acknowledged(at, now);
                Ok(())
            }
        }
    }

    /// The switch will not take it.
    pub(super) fn refused(&mut self, exchange: &Exchange, at: usize, why: Status, now: Duration) -> anyhow::Result<()> {
        match self {
            Self::Plain => print(&plain::refused(exchange, at, why, now)),
            Self::Json(json) => {
                json.refused(at, why);
                Ok(())
            }
        }
    }

    /// A message came.
    pub(super) fn received(
        &mut self,
        exchange: &Exchange,
        meaning: Meaning,
        bytes: &[u8],
        now: Duration,
    ) -> anyhow::Result<()> {
        match self {
            Self::Plain => print(&plain::received(exchange, meaning, bytes, now)),
            Self::Json(json) => print(&json.received(exchange, meaning, bytes, now)),
        }
    }

    /// Something may have ended.
    pub(super) fn progressed(&mut self, exchange: &Exchange, now: Duration) -> anyhow::Result<()> {
        match self {
            Self::Plain => Ok(()),
            Self::Json(json) => print(&json.ended(exchange, now, false)),
        }
    }

    /// It is over.
    pub(super) fn ended(
        &mut self,
        exchange: &Exchange,
        expectations: &Expectations,
        now: Duration,
    ) -> anyhow::Result<()> {
        match self {
            Self::Plain => print(&plain::ended(exchange, expectations, now)),
            Self::Json(json) => print(&(json.ended(exchange, now, true) + &json::expected(expectations))),
        }
    }
}

/// When the message of that place was sent.
fn sent_at(exchange: &Exchange, at: usize) -> Option<Duration> {
    exchange.messages().get(at).and_then(Message::sent)
}

pub(super) fn took(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

pub(super) fn print(text: &str) -> anyhow::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("standard output cannot be written")
}

pub(super) use self::plain::indented;
