//! One run of `orinet send`: what is waited for, what is told, and how it ends.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use codec::dictionary::Dictionary;
use codec::legacy::parse_output;
use codec::name::StationName;
use link::connection::CloseReason;
use link::dialer::{DialerEvent, Incoming, SendError};
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::exchange::{Exchange, Lack, Meaning, Outcome};
use super::expect::Expectations;
use super::links::{Hope, Links};
use super::report::{Report, took};
use super::{Ending, Note};
use crate::cli::chain;

/// Validations of received messages that are remembered. Only what was on its way when a link was lost comes again: no
/// more than a window.
const SEEN_MAX: usize = 1024;

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the next of anything that is waited for.
    pub(super) progress: Duration,
    /// For what is expected, counted from the last message sent, or from the link where none is.
    pub(super) within: Duration,
}

/// One run: what is waited for, and what is told.
#[derive(Debug)]
pub(super) struct Talk {
    station: StationName,
    exchange: Exchange,
    expectations: Expectations,
    report: Report,
    start: Instant,
    /// When something last came that was waited for.
    progress: Duration,
    /// From when on [`Patience::within`] is counted.
    expecting: Option<Duration>,
    patience: Patience,
    links: Links,
    /// Validations of messages that were told, the latest last.
    seen: VecDeque<u32>,
}

impl Talk {
    pub(super) fn new(
        station: StationName,
        messages: Vec<Bytes>,
        expectations: Expectations,
        report: Report,
        patience: Patience,
    ) -> Self {
        Self {
            station,
            exchange: Exchange::new(messages, Dictionary::builtin()),
            expectations,
            report,
            start: Instant::now(),
            progress: Duration::ZERO,
            expecting: None,
            patience,
            links: Links::default(),
            seen: VecDeque::new(),
        }
    }

    pub(super) fn start(&self) -> Instant {
        self.start
    }

    /// What is sent, in its order.
    pub(super) fn texts(&self) -> Vec<Bytes> {
        self.exchange.messages().iter().map(|message| message.bytes().clone()).collect()
    }

    /// Waits for everything, tells it as it comes, and returns when there is nothing to wait for, or no hope.
    pub(super) async fn run(
        &mut self,
        mut noted: mpsc::UnboundedReceiver<Note>,
        mut received: mpsc::Receiver<Incoming>,
        interrupted: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let now = self.now();
            self.report.progressed(&self.exchange, now)?;
            let Some(wake) = self.wake(now) else { break };
            select! {
                biased;
                () = interrupted.cancelled() => break,
                Some(note) = noted.recv() => self.note(note)?,
                Some(message) = received.recv() => self.take(message)?,
                () = sleep_until(self.start + wake) => {}
            }
        }
        // What is here already need not come a second time.
        while let Ok(message) = received.try_recv() {
            self.take(message)?;
        }
        Ok(())
    }

    /// Until when nothing changes by itself; nothing if there is nothing to wait for any more.
    fn wake(&mut self, now: Duration) -> Option<Duration> {
        let give_up = self.progress + self.patience.progress;
        let (done, wake) = if self.expectations.are_any() {
            let until = self.expecting.map_or(give_up, |since| since + self.patience.within);
            (self.exchange.is_taken(now) && self.expectations.are_decided() || now >= until, until)
        } else {
            (self.exchange.is_done(now) || now >= give_up, give_up)
        };
        (!done).then(|| self.exchange.next_done(now).map_or(wake, |done| done.min(wake)))
    }

    fn note(&mut self, note: Note) -> anyhow::Result<()> {
        let now = self.now();
        match note {
            Note::Link(event) => return self.link(event),
            Note::Sent(at) => {
                self.progress = now;
                self.expecting = Some(now);
                self.exchange.sent(at, now);
                return self.report.sent(&self.exchange, at);
            }
            Note::Settled(at, Ok(())) => {
                self.exchange.acknowledged(at, now);
                self.report.acknowledged(&self.exchange, at, now)?;
            }
            Note::Settled(at, Err(SendError::Refused(status))) => {
                self.exchange.refused(at);
                self.report.refused(&self.exchange, at, status, now)?;
            }
            // Said by the dialer's end.
            Note::Settled(_, Err(SendError::Ended)) => return Ok(()),
        }
        self.progress = now;
        self.links.proven();
        Ok(())
    }

    fn link(&mut self, event: DialerEvent) -> anyhow::Result<()> {
        match event {
            DialerEvent::Up => {
                self.links.up(self.now());
                if self.exchange.messages().is_empty() && self.expecting.is_none() {
                    self.expecting = Some(self.now());
                    self.progress = self.now();
                }
            }
            DialerEvent::Failed { error, retry } if self.links.were() => warn(&chain(&error), retry),
            DialerEvent::Failed { error, .. } => return Err(error.into()),
            DialerEvent::Down { why: why @ CloseReason::Alert(_), .. } => {
                return Err(anyhow!(why).context(format!("the switch refuses the certificate of {}", self.station)));
            }
            DialerEvent::Down { why, retry } => match self.links.down(self.now()) {
                Hope::Some => warn(&format!("the link is lost: {why}"), retry),
                Hope::Gone => {
                    let what = format!("no link lasts; is {} a station of this network?", self.station);
                    return Err(anyhow!(why).context(what));
                }
            },
        }
        Ok(())
    }

    /// Tells a message and acknowledges it. One that cannot be told is not acknowledged, and comes again.
    fn take(&mut self, message: Incoming) -> anyhow::Result<()> {
        let Incoming { bytes, validation, acknowledge } = message;
        self.links.proven();
        // A message whose acknowledgement was lost with its link.
        if !self.seen.contains(&validation) {
            let output = parse_output(&bytes);
            let meaning = output.as_ref().map_or(Meaning::Other, |output| self.exchange.received(output));
            let (key, body) = output.as_ref().map_or((None, &bytes[..]), |output| (Some(output.key), output.body));
            self.expectations.received(key, &String::from_utf8_lossy(body));
            let now = self.now();
            self.report.received(&self.exchange, meaning, &bytes, now)?;
            if meaning != Meaning::Other {
                self.progress = now;
            }
            if validation != 0 {
                self.seen.push_back(validation);
            }
            if self.seen.len() > SEEN_MAX {
                self.seen.pop_front();
            }
        }
        acknowledge.accept();
        Ok(())
    }

    /// Says which messages got too little, what was expected in vain, and how the run ends.
    pub(super) fn sum_up(&mut self) -> anyhow::Result<Ending> {
        let now = self.now();
        self.report.ended(&self.exchange, &self.expectations, now)?;
        let outcomes = || self.exchange.messages().iter().map(|message| message.outcome(now));
        let untaken = |outcome| matches!(outcome, Outcome::Open(Lack::Sending | Lack::Acknowledgement));
        let open =
            |outcome| matches!(outcome, Outcome::Open(Lack::Sending | Lack::Acknowledgement | Lack::Answers { .. }));
        Ok(if self.expectations.are_any() {
            match self.expectations.hold() {
                false => Ending::Unexpected,
                true if outcomes().any(untaken) => Ending::Unanswered,
                true => Ending::Done,
            }
        } else if outcomes().any(|outcome| outcome == Outcome::Refused) {
            Ending::Refused
        } else if outcomes().any(open) {
            Ending::Unanswered
        } else {
            Ending::Done
        })
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

#[expect(clippy::print_stderr, reason = "standard output is for what comes back")]
fn warn(what: &str, retry: Duration) {
    eprintln!("orinet: {what}; calling again in {}", took(retry));
}
