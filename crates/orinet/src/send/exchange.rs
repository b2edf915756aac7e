//! What was sent, what came of each message, and what is still waited for. No I/O, no clock: time is handed in, counted
//! from any start.
//!
//! The switch acknowledges what it refuses too, and sends the ER right behind. A message to which no answers are due is
//! therefore done only [`REFUSAL_WAIT`] after its acknowledgement.

use std::time::Duration;

use bytes::Bytes;
use codec::dictionary::{Answer, Dictionary};
use codec::legacy::{Glance, Output, glance, parse_input};
use codec::name::Ori;
use codec::notice::SmNumber;

/// The messages of one run, in the order in which they are sent.
#[derive(Debug)]
pub(super) struct Exchange {
    messages: Vec<Message>,
    /// All before this one are done.
    first_open: usize,
}

/// What a received message means to those that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One of the answers to a message.
    Answer {
        /// The message's place.
        to: usize,
        /// Which of its answers, from 1.
        number: usize,
        /// How many are due.
        due: usize,
    },
    /// An ER or SM that ends the wait for a message.
    Refusal {
        /// The message's place.
        of: usize,
    },
    /// An SM that says that a message waits for its receiver.
    Delay {
        /// The message's place.
        of: usize,
    },
    /// None of them is concerned.
    Other,
}

/// How a message has ended, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Acknowledged, and all answers came.
    Answered,
    /// Acknowledged and not refused; no answers are due.
    Acknowledged,
    /// Refused by the switch.
    Refused,
    /// Still waited for.
    Open(Lack),
}

/// What an open message still lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// It was not sent.
    Sending,
    /// The switch has not acknowledged it.
    Acknowledgement,
    /// The time in which a refusal would come has not passed.
    Refusal,
    /// Answers are missing.
    Answers {
        /// How many came.
        came: usize,
        /// How many are due.
        due: usize,
    },
}

impl Exchange {
    /// Messages that were not sent yet.
    pub(super) fn new(messages: Vec<Bytes>, dictionary: &Dictionary) -> Self {
        let messages = messages.into_iter().map(|bytes| Message::read(bytes, dictionary)).collect();
        Self { messages, first_open: 0 }
    }

    /// The messages.
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// A message was handed to the link.
    pub(super) fn sent(&mut self, at: usize, now: Duration) {
        if let Some(message) = self.messages.get_mut(at) {
            message.progress = Progress::Sent { at: now, acknowledged: None, answers: 0 };
        }
    }

    /// The switch has acknowledged a message.
    pub(super) fn acknowledged(&mut self, at: usize, now: Duration) {
        if let Some(Message { progress: Progress::Sent { acknowledged, .. }, .. }) = self.messages.get_mut(at) {
            *acknowledged = Some(now);
        }
    }

    /// The switch will not take a message.
    pub(super) fn refused(&mut self, at: usize) {
        if let Some(message) = self.messages.get_mut(at) {
            message.progress = Progress::Refused { sent: message.sent() };
        }
    }

    /// A message came: finds out what it means, and takes note.
    ///
    /// - ER and SM of the switch belong to the message whose control field they repeat and whose beginning they echo,
    ///   as far as they do either, else to the one that was sent to the destinations they name.
    /// - Answers belong to the message with their control field that expects their key; without a control field, to
    ///   the one that had none either, and whose sender they are addressed to.
    /// - The text of a help file comes from the file's own address and has no control field: it belongs to the AM to
    ///   that file whose sender it is addressed to.
    /// - Where several fit, the one that was sent first and lacks something is meant.
    pub(super) fn received(&mut self, output: &Output<'_>) -> Meaning {
        match (output.key.as_str(), notice(output.body)) {
            ("ER", _) if output.sender == Ori::of_switch() => self.find_refused(output),
            ("SM", Some(number)) if output.sender == Ori::of_switch() => {
                if number == SmNumber::WillForward.number() {
                    self.concerned(output).map_or(Meaning::Other, |of| Meaning::Delay { of })
                } else {
                    self.find_refused(output)
                }
            }
            _ => self.find_answered(output),
        }
    }

    /// Whether nothing is waited for any more.
    pub(super) fn is_done(&mut self, now: Duration) -> bool {
        while let Some(message) = self.messages.get(self.first_open)
            && !matches!(message.outcome(now), Outcome::Open(_))
        {
            self.first_open += 1;
        }
        self.first_open == self.messages.len()
    }

    /// Whether the switch has taken or refused every message, and no refusal can come any more.
    pub(super) fn is_taken(&self, now: Duration) -> bool {
        let open = |lack| matches!(lack, Lack::Sending | Lack::Acknowledgement | Lack::Refusal);
        let taken = |message: &Message| !matches!(message.outcome(now), Outcome::Open(lack) if open(lack));
        self.messages.iter().skip(self.first_open).all(taken)
    }

    /// When the next message is done by nothing but time, if one is.
    pub(super) fn next_done(&self, now: Duration) -> Option<Duration> {
        let open = self.messages.iter().skip(self.first_open);
        // The earliest acknowledgement is not always the first message's, but nearly, and to wake too late by that
        // little is no harm: all have to be done.
        open.filter(|message| message.outcome(now) == Outcome::Open(Lack::Refusal))
            .find_map(|message| message.acknowledged().map(|at| at + REFUSAL_WAIT))
    }

    fn find_refused(&mut self, output: &Output<'_>) -> Meaning {
        let Some(of) = self.concerned(output) else { return Meaning::Other };
        self.refused(of);
        Meaning::Refusal { of }
    }

    /// The message that an ER or SM is about.
    fn concerned(&self, output: &Output<'_>) -> Option<usize> {
        let echo = echo(output.body);
        self.messages.iter().position(|message| {
            matches!(message.progress, Progress::Sent { .. })
                && message.glance.control == output.control
                && match echo {
                    Some(echo) => is_echo(echo, &message.bytes),
                    None => output.control.is_some() || message.went_to(output.body),
                }
        })
    }

    fn find_answered(&mut self, output: &Output<'_>) -> Meaning {
        let open = self.messages.iter_mut().enumerate().skip(self.first_open);
        for (to, message) in open {
            let Some(Answer { key, count: due }) = message.expected else { continue };
            let theirs = match message.help {
                // It bears no control field, whatever the question had.
                Some(file) => output.sender == file && message.is_from(output.destination),
                None => {
                    message.glance.control == output.control
                        && (output.control.is_some() || message.is_from(output.destination))
                }
            };
            let fits = key == output.key && theirs;
            if let Progress::Sent { answers, .. } = &mut message.progress
                && fits
                && *answers < due
            {
                *answers += 1;
                return Meaning::Answer { to, number: *answers, due };
            }
        }
        Meaning::Other
    }
}

/// How long after its acknowledgement a message can still turn out to be refused. The switch sends an ER from the same
/// commit as the acknowledgement, before all but SM: milliseconds, and this for a machine that is busy.
pub(super) const REFUSAL_WAIT: Duration = Duration::from_secs(1);

/// A message, and what has come of it.
#[derive(Debug)]
pub(super) struct Message {
    bytes: Bytes,
    glance: Glance,
    destinations: Vec<String>,
    expected: Option<Answer>,
    /// The help file that it asks for or changes, from whose address the answer comes.
    help: Option<Ori>,
    progress: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Unsent,
    Sent { at: Duration, acknowledged: Option<Duration>, answers: usize },
    Refused { sent: Option<Duration> },
}

impl Message {
    fn read(bytes: Bytes, dictionary: &Dictionary) -> Self {
        let glance = glance(&bytes);
        let destinations: Vec<String> = parse_input(&bytes)
            .map(|input| input.destinations.iter().map(|one| one.as_str().to_owned()).collect())
            .unwrap_or_default();
        let answer = glance.key.and_then(|key| dictionary.spec(key)).and_then(|spec| spec.answer);
        // Each destination answers for itself.
        let expected = answer.map(|Answer { key, count }| Answer { key, count: count * destinations.len().max(1) });
        let help = glance.key.filter(|key| key.as_str() == HELP_KEY).and_then(|_| help_file(&destinations));
        let expected = match (help, glance.key) {
            (Some(_), Some(key)) => Some(Answer { key, count: 1 }),
            _ => expected,
        };
        Self { bytes, glance, destinations, expected, help, progress: Progress::Unsent }
    }

    /// Whether it waits for its turn.
    pub(super) fn is_unsent(&self) -> bool {
        self.progress == Progress::Unsent
    }

    /// To be sent as it is.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What its header says of it, as far as it can be read.
    pub(super) fn describe(&self) -> String {
        let Glance { key, sender, control } = &self.glance;
        let mut words = key.map_or("no key".to_owned(), |key| key.to_string());
        if let Some(sender) = sender {
            words += &format!(" from {sender}");
        }
        if !self.destinations.is_empty() {
            words += &format!(" to {}", self.destinations.join(" "));
        }
        if let Some(control) = control {
            words += &format!(", control field {control}");
        }
        words + &format!(", {} bytes", self.bytes.len())
    }

    /// When it was handed to the link.
    pub(super) fn sent(&self) -> Option<Duration> {
        match self.progress {
            Progress::Unsent => None,
            Progress::Sent { at, .. } => Some(at),
            Progress::Refused { sent } => sent,
        }
    }

    /// How it stands.
    pub(super) fn outcome(&self, now: Duration) -> Outcome {
        let (acknowledged, answers) = match self.progress {
            Progress::Unsent => return Outcome::Open(Lack::Sending),
            Progress::Refused { .. } => return Outcome::Refused,
            Progress::Sent { acknowledged, answers, .. } => (acknowledged, answers),
        };
        match (acknowledged, self.expected) {
            (None, _) => Outcome::Open(Lack::Acknowledgement),
            (Some(_), Some(Answer { count, .. })) if answers >= count => Outcome::Answered,
            (Some(_), Some(Answer { count, .. })) => Outcome::Open(Lack::Answers { came: answers, due: count }),
            (Some(at), None) if now >= at + REFUSAL_WAIT => Outcome::Acknowledged,
            (Some(_), None) => Outcome::Open(Lack::Refusal),
        }
    }

    fn acknowledged(&self) -> Option<Duration> {
        if let Progress::Sent { acknowledged, .. } = self.progress { acknowledged } else { None }
    }

    fn is_from(&self, address: &str) -> bool {
        self.glance.sender.is_some_and(|sender| sender.as_str().eq_ignore_ascii_case(address))
    }

    /// Whether all destinations that an SM names are the message's.
    fn went_to(&self, notice: &[u8]) -> bool {
        let line = notice.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let named = str::from_utf8(line).ok().and_then(|line| line.rsplit_once(" - "));
        named.is_some_and(|(_, named)| {
            named.split(", ").all(|name| self.destinations.iter().any(|one| one.eq_ignore_ascii_case(name)))
        })
    }
}

/// A message to the address of a help file, `xxFFFHELP` and what changes one, and to nobody else: the file's address
/// (`protocol-specs/formats.md` 4.3).
fn help_file(destinations: &[String]) -> Option<Ori> {
    let [address] = destinations else { return None };
    let (file, function) = address.split_at_checked(HELP_FILE_BYTES)?;
    HELP_FUNCTIONS.contains(&function).then(|| Ori::parse(&format!("{file}HELP")).ok()).flatten()
}

/// What asks for a help file, and what answers.
const HELP_KEY: &str = "AM";
const HELP_FUNCTIONS: [&str; 4] = ["HELP", "UPDT", "APND", "CNCL"];
/// A line and the code of a file.
const HELP_FILE_BYTES: usize = 5;

/// The number at the beginning of an ER's or SM's body: `.02. USER OUT OF SERVICE …`.
fn notice(body: &[u8]) -> Option<u8> {
    match body {
        [b'.', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b'.', ..] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}

/// What an ER or SM repeats of the message it is about.
fn echo(body: &[u8]) -> Option<&[u8]> {
    let at = body.windows(ECHO_HEADING.len()).position(|window| window == ECHO_HEADING)?;
    let after = body.get(at + ECHO_HEADING.len()..)?;
    after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n"))
}

const ECHO_HEADING: &[u8] = b"ORIGINAL MESSAGE";

/// Whether an echo is that of a message: its beginning, with `?` for what is not printable (`protocol-specs/wire.md`
/// 2.4).
fn is_echo(echo: &[u8], message: &[u8]) -> bool {
    let repeats = |(echo, byte): (&u8, &u8)| echo == byte || (*echo == b'?' && !matches!(byte, 0x20..=0x7e));
    echo.len() <= message.len() && echo.is_empty() == message.is_empty() && echo.iter().zip(message).all(repeats)
}

#[cfg(test)]
mod tests;
