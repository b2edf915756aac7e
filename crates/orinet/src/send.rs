//! `orinet send`: as a station, sends messages and prints what comes back.
//!
//! It calls through [`link::dialer`], not over one connection of its own: a link that is lost is made again, what was
//! not acknowledged is sent again with the same validation, so that the switch admits it once, and answers that came
//! meanwhile are fetched. A connection alone would leave whoever waits not knowing whether to send again. Being a
//! command and no service, it gives up where a service would try for ever: if the first call comes to nothing, if the
//! switch refuses the certificate, if links are closed time and again before anything has come over them, and if
//! nothing that is waited for has come for `--timeout`.
//!
//! What is sent is sent as it was written, to the byte; nothing is checked or added before. Answers are known by their
//! control field: one that is used again takes the answers that an earlier run did not wait for for its own. See
//! [`Exchange::received`] for what belongs to what. Everything that comes is acknowledged once it is printed, since
//! whoever is a station takes what there is for it.

mod exchange;
mod input;
mod links;
pub(crate) mod station;
mod tap;
mod text;

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use clap::Args;
use codec::block::{Block, FrameError};
use codec::dictionary::Dictionary;
use codec::legacy::parse_output;
use codec::name::StationName;
use link::connection::CloseReason;
use link::dialer::{self, DialerEvent, Incoming, LinkState, SendError, StationLink, dialer};
use tokio::select;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::exchange::{Exchange, Lack, Meaning, Outcome};
use self::links::{Hope, Links};
use self::station::StationArguments;
use self::tap::{Tap, Way};
use crate::cli::{USAGE, chain, failed};
use crate::switch::stop_on_signals;

/// Who sends what, and for how long to wait.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    #[command(flatten)]
    station: StationArguments,
    /// Give up once nothing that is waited for has come for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Also print each block that is sent and received
    #[arg(long)]
    raw: bool,
    /// A file for each message; none, or `-`, for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

const ABOUT: &str = "\
Each message is sent as it was written, but for one newline at the end of a file. On standard input a line that
holds only --- stands between two messages.

Waits for the acknowledgement of each message and for the answers that its key has, as the two IAR to an IAQ.
Answers are known by their control field: use a new one for each message. Everything that comes for the station
is printed and acknowledged, control characters as \\xNN.

Exit codes: 0 all were acknowledged and answered; 1 something was refused (ER, SM 01, SM 04) or not answered, or
there was no link; 64 wrong usage.";

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let config = match arguments.station.dialer() {
        Ok(config) => config,
        Err(error) => return failed(USAGE, &error),
    };
    let messages = match input::read(&arguments.files) {
        Ok(messages) => messages,
        Err(error) => return failed(USAGE, error.as_ref()),
    };
    match send(arguments, config, messages) {
        Ok(Complete::Yes) => ExitCode::SUCCESS,
        Ok(Complete::No) => ExitCode::from(1),
        Err(error) => failed(1, error.as_ref()),
    }
}

/// Whether every message was acknowledged and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Complete {
    Yes,
    No,
}

fn send(arguments: &Arguments, config: dialer::Config, messages: Vec<Bytes>) -> anyhow::Result<Complete> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let interrupted = CancellationToken::new();
        let signals = stop_on_signals(interrupted.clone())?;
        let mut talk = Talk {
            station: arguments.station.name,
            exchange: Exchange::new(messages, Dictionary::builtin()),
            start: Instant::now(),
            progress: Duration::ZERO,
            timeout: Duration::from_secs(arguments.timeout),
            links: Links::default(),
            seen: VecDeque::new(),
        };

        let (dialer, link, received) = dialer(config);
        let (notes, noted) = mpsc::unbounded_channel();
        let hang_up = CancellationToken::new();
        let texts = talk.exchange.messages().iter().map(|message| message.bytes().clone()).collect();
        let posting = tokio::spawn(post(link, texts, notes.clone()));
        let observe = move |event| drop(notes.send(Note::Link(event)));
        let dialing = if arguments.raw {
            let start = talk.start;
            let wrap = move |stream| Tap::new(stream, move |way, block| print_block(start, way, block));
            tokio::spawn(dialer.run_through(wrap, hang_up.clone(), observe))
        } else {
            tokio::spawn(dialer.run(hang_up.clone(), observe))
        };

        let ended = talk.run(noted, received, interrupted).await;
        posting.abort();
        hang_up.cancel();
        // What was printed is acknowledged before the link goes down.
        dialing.await.context("the link ended badly")?;
        signals.abort();
        let complete = talk.sum_up();
        ended?;
        complete
    })
}

/// Something happened that is not a message.
#[derive(Debug)]
enum Note {
    /// To the link.
    Link(DialerEvent),
    /// The message of that place was handed to the link.
    Sent(usize),
    /// The switch has said whether it took the message of that place.
    Settled(usize, Result<(), SendError>),
}

/// Messages sent and not yet acknowledged. As many as a link takes by itself, so that one that was handed to the link
/// is on its way.
const WINDOW: usize = 32;

/// Sends messages in their order and tells what comes of each.
async fn post(link: StationLink, texts: Vec<Bytes>, notes: mpsc::UnboundedSender<Note>) {
    // Their times begin when there is a link.
    if link.state().wait_for(|state| *state == LinkState::Up).await.is_err() {
        return;
    }
    let window = Arc::new(Semaphore::new(WINDOW));
    let mut receipts = JoinSet::new();
    for (at, bytes) in texts.into_iter().enumerate() {
        let Ok(permit) = Arc::clone(&window).acquire_owned().await else { return };
        let Ok(receipt) = link.post(None, bytes).await else { return };
        let note = |note| drop(notes.send(note));
        note(Note::Sent(at));
        let notes = notes.clone();
        receipts.spawn(async move {
            drop(notes.send(Note::Settled(at, receipt.await)));
            drop(permit);
        });
        while receipts.try_join_next().is_some() {}
    }
    while receipts.join_next().await.is_some() {}
}

/// Validations of received messages that are remembered. Only what was on its way when a link was lost comes again: no
/// more than a window.
const SEEN_MAX: usize = 1024;

/// One run: what is waited for, and what is printed.
#[derive(Debug)]
struct Talk {
    station: StationName,
    exchange: Exchange,
    start: Instant,
    /// When something last came that was waited for.
    progress: Duration,
    timeout: Duration,
    links: Links,
    /// Validations of messages that were printed, the latest last.
    seen: VecDeque<u32>,
}

impl Talk {
    /// Waits for everything, prints it as it comes, and returns when there is nothing to wait for, or no hope.
    async fn run(
        &mut self,
        mut noted: mpsc::UnboundedReceiver<Note>,
        mut received: mpsc::Receiver<Incoming>,
        interrupted: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let now = self.now();
            let give_up = self.progress + self.timeout;
            if self.exchange.is_done(now) || now >= give_up {
                break;
            }
            let wake = self.exchange.next_done(now).map_or(give_up, |done| done.min(give_up));
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

    fn note(&mut self, note: Note) -> anyhow::Result<()> {
        let now = self.now();
        match note {
            Note::Link(event) => return self.link(event),
            Note::Sent(at) => {
                self.progress = now;
                self.exchange.sent(at, now);
                let what = self.exchange.messages().get(at).map(exchange::Message::describe).unwrap_or_default();
                return print(&format!("-> {}  {what}\n", at + 1));
            }
            Note::Settled(at, Ok(())) => {
                self.exchange.acknowledged(at, now);
                print(&format!("<- {}  acknowledged{}\n", at + 1, self.since(at)))?;
            }
            Note::Settled(at, Err(SendError::Refused(status))) => {
                self.exchange.refused(at);
                print(&format!("<- {}  refused{}: negative acknowledgement, {status}\n", at + 1, self.since(at)))?;
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
            DialerEvent::Up => self.links.up(self.now()),
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

    /// Prints a message and acknowledges it. One that cannot be printed is not acknowledged, and comes again.
    fn take(&mut self, message: Incoming) -> anyhow::Result<()> {
        let Incoming { bytes, validation, acknowledge } = message;
        self.links.proven();
        // A message whose acknowledgement was lost with its link.
        if !self.seen.contains(&validation) {
            let meaning = parse_output(&bytes).map_or(Meaning::Other, |output| self.exchange.received(&output));
            print(&self.show(meaning, &bytes))?;
            if meaning != Meaning::Other {
                self.progress = self.now();
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

    fn show(&self, meaning: Meaning, bytes: &[u8]) -> String {
        let head = match meaning {
            Meaning::Answer { to, number, due } => {
                format!("<- {}  answer {number} of {due}{}", to + 1, self.since(to))
            }
            Meaning::Refusal { of } => format!("<- {}  refused{}", of + 1, self.since(of)),
            Meaning::Delay { of } => format!("<- {}  will be forwarded later{}", of + 1, self.since(of)),
            Meaning::Other => "<- -  not in answer to these messages".to_owned(),
        };
        indented(&head, &text::readable(bytes))
    }

    /// How long ago a message was sent, as a line's end says it.
    fn since(&self, at: usize) -> String {
        let sent = self.exchange.messages().get(at).and_then(exchange::Message::sent);
        sent.map_or(String::new(), |sent| format!(", {} after sending", took(self.now().saturating_sub(sent))))
    }

    /// Says which messages got too little, and how many got what.
    fn sum_up(&self) -> anyhow::Result<Complete> {
        let now = self.now();
        let mut text = String::new();
        let [mut answered, mut acknowledged, mut refused, mut open] = [0_usize; 4];
        for (message, number) in self.exchange.messages().iter().zip(1_usize..) {
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
        let count = answered + acknowledged + refused + open;
        let noun = if count == 1 { "message" } else { "messages" };
        let parts =
            [(answered, "answered"), (acknowledged, "acknowledged"), (refused, "refused"), (open, "unanswered")];
        let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        print(&format!("{text}{count} {noun}: {}\n", parts.collect::<Vec<_>>().join(", ")))?;
        Ok(if refused + open == 0 { Complete::Yes } else { Complete::No })
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A head line, and under it lines that none of a message's can be taken for.
fn indented(head: &str, text: &str) -> String {
    let mut out = format!("{head}\n");
    for line in text.trim_end_matches('\n').lines() {
        out += &format!("      {line}\n");
    }
    out
}

fn took(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("standard output cannot be written")
}

fn print_block(start: Instant, way: Way, block: Result<Block, FrameError>) {
    let arrow = match way {
        Way::Out => ">>",
        Way::In => "<<",
    };
    let mut text = format!("raw {arrow} {} ", took(start.elapsed()));
    match block {
        Ok(block) => {
            text = indented(&format!("{text}{block}"), &text::dump(block.data()));
        }
        Err(error) => text += &format!("no block: {error}\n"),
    }
    // Where standard output is closed, the next message that cannot be printed ends the run.
    drop(print(&text));
}

#[expect(clippy::print_stderr, reason = "standard output is for what comes back")]
fn warn(what: &str, retry: Duration) {
    eprintln!("orinet: {what}; calling again in {}", took(retry));
}
