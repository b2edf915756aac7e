//! Who sends what to whom: the mix, read from TOML and checked against the message dictionary.
//!
//! `File` is what was written; [`Mix`] is what holds. `mixes/sample.toml` in this crate is the one that runs without
//! another. Nothing here says how often: that is the rate's business, the weights only divide it.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use codec::dictionary::{Dictionary, MessageSpec, Sender as Right};
use codec::name::{MessageKey, Ori, StationName};
use serde::Deserialize;

/// A mix that was checked.
#[derive(Debug, Clone)]
pub struct Mix {
    /// The stations that send, at least one.
    pub senders: Vec<Sender>,
    /// What they send, at least one kind, by weight.
    pub kinds: Vec<Kind>,
    /// Stations of which this run keeps the links itself, and what it answers as them.
    pub receivers: Vec<Receiver>,
    /// Share of the messages with a fault that the switch must refuse.
    pub malformed: f64,
    /// Share of the messages that are sent a second time with the same validation, once they are acknowledged.
    pub repeated: f64,
}

/// A station that sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Whose certificate its links show.
    pub station: StationName,
    /// Whom its messages say they are from, by turns.
    pub oris: Vec<Ori>,
}

/// One kind of message.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What it is.
    pub spec: &'static MessageSpec,
    /// Its part of the rate, beside those of the others.
    pub weight: f64,
    /// Which of the senders send it, by their place.
    pub from: Vec<usize>,
    /// Where it goes, one of these by turns; each is one or several addresses.
    pub to: Vec<Route>,
    /// How long the whole message is to be, in bytes, as far as its fields allow.
    pub bytes: RangeInclusive<usize>,
    /// With what chance each field that it need not have is there.
    pub optional: f64,
    /// How many messages answer it.
    pub answers: u8,
    /// The key of those.
    pub answered_by: Option<MessageKey>,
}

/// The addresses of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// As the header writes them.
    pub addresses: Vec<String>,
    /// How many of them a receiver of this run takes.
    pub delivered: u8,
}

/// A station whose links this run keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Whose certificate its links show.
    pub station: StationName,
    /// How many links it keeps.
    pub links: usize,
    /// The addresses that lead to it.
    pub takes: Vec<String>,
    /// What it answers.
    pub answers: Vec<AnswerRule>,
}

/// What a receiver does when a message of that key comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRule {
    /// The key that is answered.
    pub key: MessageKey,
    /// The key of the answers.
    pub with: MessageKey,
    /// Whom the answers say they are from.
    pub ori: Ori,
    /// How long each of them is in all, in bytes.
    pub bytes: Vec<usize>,
}

/// Why a mix cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MixError {
    /// The file cannot be read.
    #[error("the mix {} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The file is no TOML of that shape.
    #[error("the mix {name}: {problem}")]
    Syntax {
        /// The file, or the built-in mix.
        name: String,
        /// Where and what.
        problem: String,
    },
    /// Something in it does not fit.
    #[error("the mix {name}: {entry}: {problem}")]
    Content {
        /// The file, or the built-in mix.
        name: String,
        /// Which entry.
        entry: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Mix {
    /// The mix that runs on the sample network.
    ///
    /// # Errors
    /// None in a tree whose tests pass: the file is compiled in.
    pub fn sample() -> Result<Self, MixError> {
        Self::parse("sample", SAMPLE)
    }

    /// Reads a mix from a file.
    ///
    /// # Errors
    /// If it cannot be read or does not hold; the error names the entry.
    pub fn load(path: &Path) -> Result<Self, MixError> {
        let text = fs::read_to_string(path).map_err(|source| MixError::Read { path: path.to_owned(), source })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a mix from text.
    ///
    /// # Errors
    /// If it does not hold; the error names the entry.
    pub fn parse(name: &str, text: &str) -> Result<Self, MixError> {
        let file: File = toml::from_str(text)
            .map_err(|error| MixError::Syntax { name: name.to_owned(), problem: error.to_string() })?;
        file.check().map_err(|(entry, problem)| MixError::Content { name: name.to_owned(), entry, problem })
    }

    /// The same mix in which inquiries and all the rest have these weights together.
    #[must_use]
    pub fn weighted(mut self, inquiries: f64, others: f64) -> Self {
        let is_inquiry = |kind: &Kind| kind.spec.key.as_str() == INQUIRY;
        for (group, whole) in [(true, inquiries), (false, others)] {
            let sum: f64 = self.kinds.iter().filter(|kind| is_inquiry(kind) == group).map(|kind| kind.weight).sum();
            for kind in self.kinds.iter_mut().filter(|kind| is_inquiry(kind) == group) {
                kind.weight = if sum > 0.0 { kind.weight / sum * whole } else { 0.0 };
            }
        }
        self
    }

    /// Every station of which links are kept.
    #[must_use]
    pub fn stations(&self) -> Vec<StationName> {
        let mut all: Vec<_> = self.senders.iter().map(|sender| sender.station).collect();
        all.extend(self.receivers.iter().map(|receiver| receiver.station));
        all.sort_unstable();
        all.dedup();
        all
    }
}

const SAMPLE: &str = include_str!("../mixes/sample.toml");

/// The key that profiles count apart.
const INQUIRY: &str = "IAQ";

/// Longest message that the network takes by default.
const BYTES_MAX: usize = 256 * 1024;

const LINKS_MAX: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    malformed: f64,
    #[serde(default)]
    repeated: f64,
    #[serde(default)]
    sender: Vec<SenderFile>,
    #[serde(default)]
    message: Vec<MessageFile>,
    #[serde(default)]
    receiver: Vec<ReceiverFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SenderFile {
    station: String,
    #[serde(default)]
    oris: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageFile {
    key: String,
    to: Vec<String>,
    #[serde(default)]
    from: Vec<String>,
    weight: f64,
    bytes: Option<Bytes>,
    #[serde(default)]
    optional: f64,
    answers: Option<u8>,
    answered_by: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Exact(usize),
    Range([usize; 2]),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiverFile {
    station: String,
    links: Option<usize>,
    #[serde(default)]
    takes: Vec<String>,
    #[serde(default)]
    answer: Vec<AnswerFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    key: String,
    with: String,
    ori: String,
    bytes: Vec<usize>,
}

/// Which entry, and what is wrong with it.
type Problem = (String, String);

impl File {
    fn check(&self) -> Result<Mix, Problem> {
        share("malformed", self.malformed)?;
        share("repeated", self.repeated)?;
        let senders = self.sender.iter().map(SenderFile::check).collect::<Result<Vec<_>, _>>()?;
        let receivers = self.receiver.iter().map(ReceiverFile::check).collect::<Result<Vec<_>, _>>()?;
        let kinds =
            self.message.iter().map(|one| one.check(&senders, &receivers)).collect::<Result<Vec<_>, Problem>>()?;
        for (what, none) in [("sender", senders.is_empty()), ("message", kinds.is_empty())] {
            if none {
                return Err((what.to_owned(), "at least one is needed".to_owned()));
            }
        }
        if kinds.iter().map(|kind| kind.weight).sum::<f64>() <= 0.0 {
            return Err(("message".to_owned(), "at least one needs a weight above 0".to_owned()));
        }
        Ok(Mix { senders, kinds, receivers, malformed: self.malformed, repeated: self.repeated })
    }
}

impl SenderFile {
    fn check(&self) -> Result<Sender, Problem> {
        let entry = format!("sender {}", self.station);
        let station = StationName::parse(&self.station).map_err(|error| (entry.clone(), error.to_string()))?;
        let oris = if self.oris.is_empty() {
            let own = Ori::parse(station.as_str());
            vec![own.map_err(|_| (entry, "oris is needed, since the station's name is no ORI".to_owned()))?]
        } else {
            self.oris.iter().map(|ori| parse::<Ori>(&entry, ori)).collect::<Result<_, _>>()?
        };
        Ok(Sender { station, oris })
    }
}

impl MessageFile {
    fn check(&self, senders: &[Sender], receivers: &[Receiver]) -> Result<Kind, Problem> {
        let entry = format!("message {}", self.key);
        let wrong = |problem: String| Err((entry.clone(), problem));
        let key: MessageKey = parse(&entry, &self.key)?;
        let Some(spec) = Dictionary::builtin().spec(key) else {
            return wrong("the message dictionary does not have the key".to_owned());
        };
        if spec.sender == Right::Switch {
            return wrong("only the switch sends it".to_owned());
        }
        if !self.weight.is_finite() || self.weight < 0.0 {
            return wrong(format!("weight must be 0 or more, it is {}", self.weight));
        }
        share(&entry, self.optional)?;
        let bytes = match self.bytes {
            None => 1..=1,
            Some(Bytes::Exact(bytes)) => bytes..=bytes,
            Some(Bytes::Range([from, to])) => from..=to,
        };
        if bytes.is_empty() || *bytes.end() > BYTES_MAX {
            return wrong(format!("bytes must be one number or two that do not fall, up to {BYTES_MAX}"));
        }
        let mut from = Vec::new();
        for name in &self.from {
            let place = senders.iter().position(|sender| sender.station.as_str().eq_ignore_ascii_case(name));
            from.push(place.ok_or_else(|| (entry.clone(), format!("from: {name} is no sender of this mix")))?);
        }
        if from.is_empty() {
            from = (0..senders.len()).collect();
        }
        let to = self.to.iter().map(|addresses| route(addresses, receivers)).collect::<Vec<_>>();
        if to.is_empty() || to.iter().any(|route| route.addresses.is_empty()) {
            return wrong("to needs at least one entry, each with an address".to_owned());
        }
        let answers = self.answers.or_else(|| spec.answer.and_then(|answer| u8::try_from(answer.count).ok()));
        let answered_by = match &self.answered_by {
            Some(key) => Some(parse::<MessageKey>(&entry, key)?),
            None => spec.answer.map(|answer| answer.key),
        };
        if answers.is_some_and(|count| count > 0) && answered_by.is_none() {
            return wrong("answered_by is needed: the dictionary knows no answer to the key".to_owned());
        }
        let (weight, optional, answers) = (self.weight, self.optional, answers.unwrap_or(0));
        Ok(Kind { spec, weight, from, to, bytes, optional, answers, answered_by })
    }
}

fn route(addresses: &str, receivers: &[Receiver]) -> Route {
    let addresses: Vec<String> = addresses.split_whitespace().map(str::to_ascii_uppercase).collect();
    let taken = addresses.iter().filter(|one| receivers.iter().any(|receiver| receiver.takes.contains(one))).count();
    Route { addresses, delivered: u8::try_from(taken).unwrap_or(u8::MAX) }
}

impl ReceiverFile {
    fn check(&self) -> Result<Receiver, Problem> {
        let entry = format!("receiver {}", self.station);
        let station: StationName = parse(&entry, &self.station)?;
        let links = self.links.unwrap_or(1);
        if !(1..=LINKS_MAX).contains(&links) {
            return Err((entry, format!("links must be 1 to {LINKS_MAX}")));
        }
        let mut takes: Vec<String> = self.takes.iter().map(|one| one.to_ascii_uppercase()).collect();
        if takes.is_empty() {
            takes.push(station.to_string());
        }
        let answers = self.answer.iter().map(|answer| answer.check(&entry)).collect::<Result<_, _>>()?;
        Ok(Receiver { station, links, takes, answers })
    }
}

impl AnswerFile {
    fn check(&self, entry: &str) -> Result<AnswerRule, Problem> {
        let (key, with, ori) = (parse(entry, &self.key)?, parse(entry, &self.with)?, parse(entry, &self.ori)?);
        if self.bytes.is_empty() || self.bytes.iter().any(|bytes| *bytes > BYTES_MAX) {
            return Err((entry.to_owned(), format!("answer.bytes needs a length for each answer, up to {BYTES_MAX}")));
        }
        Ok(AnswerRule { key, with, ori, bytes: self.bytes.clone() })
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(entry: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| (entry.to_owned(), format!("{text}: {error}")))
}

fn share(entry: &str, value: f64) -> Result<(), Problem> {
    let fits = (0.0..=1.0).contains(&value);
    fits.then_some(()).ok_or_else(|| (entry.to_owned(), format!("a share must be 0 to 1, it is {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixes_in_the_tree_hold() {
        let sample = Mix::sample().unwrap();
        assert_eq!(sample.stations().iter().map(StationName::as_str).collect::<Vec<_>>(), ["ZA0010000", "ZC"]);
        assert_eq!((sample.kinds[0].answers, sample.kinds[0].to[0].delivered), (2, 0));
        assert_eq!((sample.kinds[1].answers, sample.kinds[1].to[0].delivered), (0, 1));
        let pairs = Mix::parse("pairs", include_str!("../mixes/pairs.toml")).unwrap();
        assert_eq!((pairs.kinds[0].answers, pairs.receivers[0].links), (1, 4));
    }

    #[test]
    fn a_profile_divides_the_rate_between_inquiries_and_the_rest() {
        let mix = Mix::sample().unwrap().weighted(5.0, 1000.0);
        let weights: Vec<f64> = mix.kinds.iter().map(|kind| kind.weight.round()).collect();
        assert_eq!(weights, [5.0, 900.0, 100.0]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_entry() {
        const GOOD: &str =
            "[[sender]]\nstation = \"ZA0010000\"\n[[message]]\nkey = \"AM\"\nto = [\"ZC\"]\nweight = 1\n";
        assert!(Mix::parse("m", GOOD).is_ok());
        let check = |from: &str, to: &str, expected: &str| {
            let error = Mix::parse("m", &GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("the mix m: ") && error.contains(expected), "{error}");
        };
        check("weight = 1", "weight = -1", "message AM: weight must be 0 or more");
        check("weight = 1", "weight = 0", "message: at least one needs a weight");
        check("weight = 1", "weight = 1\noptional = 2", "message AM: a share must be 0 to 1");
        check("\"AM\"", "\"QQQ\"", "message QQQ: the message dictionary does not have the key");
        check("\"AM\"", "\"ER\"", "message ER: only the switch sends it");
        check("[\"ZC\"]", "[]", "message AM: to needs at least one entry");
        check("weight = 1", "weight = 1\nfrom = [\"ZB\"]", "from: ZB is no sender");
        check("weight = 1", "weight = 1\nbytes = [5, 2]", "bytes must be");
        check("weight = 1", "weight = 1\nanswers = 1", "answered_by is needed");
        check("ZA0010000", "ZA", "sender ZA: oris is needed");
        check("[[sender]]", "surprise = 1\n[[sender]]", "surprise");
        check("[[sender]]", "malformed = 1.5\n[[sender]]", "malformed: a share");
    }
}
