//! Messages, one after the other: of which kind, from whom, to whom, with or without a fault, sent once or twice.
//!
//! Bodies are made before the run, [`POOL`] for each kind, so that a run spends its time on sending; a message is one of
//! them behind a header of its own. All of it follows from the seed, but for the tag of the run.

use bytes::Bytes;
use codec::dictionary::{Body, Dictionary};
use codec::legacy::InputHeader;
use codec::name::{Control, MessageKey, Ori};
use codec::notice::ErNumber;
use jiff::civil::Date;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

use crate::generate::{Bodies, text};
use crate::mix::{AnswerRule, Kind, Mix, Sender};

/// Bodies that are made of each kind.
pub const POOL: usize = 1024;

/// A fault that the switch must refuse, and still can say to which message: control field and line of the sender hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A byte that legacy text does not have.
    Byte,
    /// No `TXT`.
    NoText,
    /// A key that nobody knows.
    Key,
    /// A sender that is in no directory.
    Sender,
    /// A destination that does not exist.
    Destination,
    /// A field that is missing, or has a value that it cannot have.
    Field,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Byte, Self::NoText, Self::Key, Self::Sender, Self::Destination, Self::Field];
}

/// What the next message is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draft {
    /// The place of its kind in the mix.
    pub kind: usize,
    /// The place of its sender.
    pub sender: usize,
    /// Whom it says it is from.
    pub ori: Ori,
    /// The number of the ER that must come, if it has a fault.
    pub refusal: Option<u8>,
    /// Whether it is sent again once it is acknowledged.
    pub repeat: bool,
    route: usize,
    body: usize,
    fault: Option<Fault>,
}

/// Why messages of a kind cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("no body can be made for {key}: {problem}")]
pub struct ComposeError {
    /// The key.
    pub key: MessageKey,
    /// What the dictionary says of what was tried.
    pub problem: String,
}

/// Makes the messages of one thread.
#[derive(Debug)]
pub struct Composer {
    senders: Vec<Sender>,
    kinds: Vec<Prepared>,
    /// The sum of the weights up to and with each kind.
    weights: Vec<f64>,
    malformed: f64,
    repeated: f64,
    random: Pcg64,
}

#[derive(Debug)]
struct Prepared {
    kind: Kind,
    bodies: Vec<Vec<u8>>,
    /// Bodies with a fault and the number that tells it; none where the key takes any text.
    faulty: Vec<(Vec<u8>, u8)>,
}

impl Composer {
    /// Makes the bodies. `today` bounds dates of birth.
    ///
    /// # Errors
    /// If the dictionary has a rule that random fields do not fulfil.
    pub fn new(mix: &Mix, seed: u64, today: Date) -> Result<Self, ComposeError> {
        let mut random = Pcg64::seed_from_u64(seed);
        let prepare = |kind: &Kind| Prepared::new(kind, today, &mut random);
        let kinds = mix.kinds.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
        let mut sum = 0.0;
        let weights = mix.kinds.iter().map(|kind| {
            sum += kind.weight;
            sum
        });
        let (weights, senders) = (weights.collect(), mix.senders.clone());
        Ok(Self { senders, kinds, weights, malformed: mix.malformed, repeated: mix.repeated, random })
    }

    /// Decides what the next message is.
    pub fn draw(&mut self) -> Draft {
        let random = &mut self.random;
        let whole = self.weights.last().copied().unwrap_or(0.0);
        let point = random.random::<f64>() * whole;
        let kind = self.weights.partition_point(|sum| *sum <= point).min(self.kinds.len().saturating_sub(1));
        let sender = self.kinds[kind].kind.from.choose(random).copied().unwrap_or(0);
        self.draw_of(kind, sender)
    }

    /// Decides what the next message of one sender is.
    pub fn draw_from(&mut self, sender: usize) -> Draft {
        let sends = |kind: usize| self.kinds[kind].kind.from.contains(&sender);
        let weight = |kind: usize| self.weights[kind] - if kind == 0 { 0.0 } else { self.weights[kind - 1] };
        let kinds = || (0..self.kinds.len()).filter(|kind| sends(*kind));
        let whole: f64 = kinds().map(weight).sum();
        let mut point = self.random.random::<f64>() * whole;
        let kind = kinds().find(|kind| {
            point -= weight(*kind);
            point < 0.0
        });
        // A sender that sends nothing of any weight sends the first kind.
        let kind = kind.or_else(|| kinds().next()).unwrap_or(0);
        self.draw_of(kind, sender)
    }

    fn draw_of(&mut self, kind: usize, sender: usize) -> Draft {
        let random = &mut self.random;
        let Prepared { kind: rules, bodies, faulty } = &self.kinds[kind];
        let oris = &self.senders[sender].oris;
        let ori = oris.choose(random).copied().unwrap_or_else(Ori::of_switch);
        let route = random.random_range(0..rules.to.len());
        let mut draft = Draft { kind, sender, ori, refusal: None, repeat: false, route, body: 0, fault: None };
        if self.malformed > 0.0 && random.random_bool(self.malformed) {
            let fault = Fault::ALL.choose(random).copied().unwrap_or(Fault::Key);
            draft.fault = Some(if fault == Fault::Field && faulty.is_empty() { Fault::Key } else { fault });
        }
        draft.body = match draft.fault {
            Some(Fault::Field) => random.random_range(0..faulty.len()),
            _ => random.random_range(0..bodies.len()),
        };
        draft.refusal = draft.fault.map(|fault| match fault {
            Fault::Byte => ErNumber::Format.number(),
            Fault::NoText => ErNumber::NoText.number(),
            Fault::Key | Fault::Sender => ErNumber::Header.number(),
            Fault::Destination => ErNumber::Destinations.number(),
            Fault::Field => faulty.get(draft.body).map_or(0, |(_, number)| *number),
        });
        draft.repeat = self.repeated > 0.0 && random.random_bool(self.repeated);
        draft
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self, draft: &Draft, control: Control) -> Bytes {
        let Prepared { kind, bodies, faulty } = &self.kinds[draft.kind];
        let mut addresses: Vec<&str> = kind.to[draft.route].addresses.iter().map(String::as_str).collect();
        let mut header = (kind.spec.key, draft.ori);
        match draft.fault {
            Some(Fault::Key) => header.0 = unknown_key().unwrap_or(header.0),
            Some(Fault::Sender) => header.1 = unknown_sender().unwrap_or(header.1),
            Some(Fault::Destination) => {
                if let Some(first) = addresses.first_mut() {
                    *first = if first.len() == 2 { "QX" } else { "QX9999999" };
                }
            }
            Some(Fault::Byte | Fault::NoText | Fault::Field) | None => {}
        }
        let body = match draft.fault {
            Some(Fault::Field) => faulty.get(draft.body).map(|(body, _)| body.as_slice()),
            _ => bodies.get(draft.body).map(Vec::as_slice),
        };
        let (key, sender) = header;
        let text = InputHeader { key, sender, destinations: &addresses, control: Some(control) }
            .encode(body.unwrap_or_default());
        match draft.fault {
            Some(Fault::Byte) => [&text[..], b"\x01"].concat().into(),
            Some(Fault::NoText) => {
                let text = text.to_vec();
                let at = text.windows(5).position(|window| window == b"TXT\r\n").unwrap_or(0);
                [&text[..at], b"TXX\r\n", &text[(at + 5).min(text.len())..]].concat().into()
            }
            _ => text,
        }
    }

    /// How many messages answer one of that kind.
    #[must_use]
    pub fn answers(&self, draft: &Draft) -> u8 {
        if draft.fault.is_some() { 0 } else { self.kinds[draft.kind].kind.answers }
    }

    /// At how many addresses of this run one of that route arrives.
    #[must_use]
    pub fn deliveries(&self, draft: &Draft) -> u8 {
        if draft.fault.is_some() { 0 } else { self.kinds[draft.kind].kind.to[draft.route].delivered }
    }
}

impl Prepared {
    fn new(kind: &Kind, today: Date, random: &mut Pcg64) -> Result<Self, ComposeError> {
        let bodies = Bodies { spec: kind.spec, optional: kind.optional, today };
        let header = header_bytes(kind);
        let make = |random: &mut Pcg64| {
            let bytes = random.random_range(kind.bytes.clone()).saturating_sub(header);
            let problem =
                |error: codec::dictionary::BodyError| ComposeError { key: kind.spec.key, problem: error.to_string() };
            bodies.body(bytes, random).map_err(problem)
        };
        let good = (0..POOL).map(|_| make(random)).collect::<Result<Vec<_>, _>>()?;
        let mut faulty = Vec::new();
        if let Body::Fields(_) = &kind.spec.body {
            for body in good.iter().take(POOL / 8) {
                let broken = break_field(body, random);
                if let Err(error) = kind.spec.check_body(&broken, today) {
                    faulty.push((broken, error.number.number()));
                }
            }
        }
        Ok(Self { kind: kind.clone(), bodies: good, faulty })
    }
}

/// How long the header of a kind is.
fn header_bytes(kind: &Kind) -> usize {
    let addresses = kind.to.first().map_or(0, |route| route.addresses.iter().map(|one| one.len() + 1).sum());
    // Two periods, the sender, the control field between `*` and a period, TXT and its line end.
    kind.spec.key.as_str().len() + 2 + 9 + addresses + 17 + 5
}

/// Takes a field out, or gives it a value that is none.
fn break_field(body: &[u8], random: &mut Pcg64) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = body.split(|byte| *byte == b'.').map(<[u8]>::to_vec).collect();
    let at = random.random_range(0..parts.len());
    if random.random_bool(0.5) {
        parts.remove(at);
    } else if let Some(part) = parts.get_mut(at) {
        let end = part.iter().position(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        part.truncate(end);
        part.push(b'?');
    }
    parts.join(&b'.')
}

/// No dictionary has it.
fn unknown_key() -> Option<MessageKey> {
    MessageKey::parse("QQQ").ok().filter(|key| Dictionary::builtin().spec(*key).is_none())
}

/// No directory has it.
fn unknown_sender() -> Option<Ori> {
    Ori::parse("ZZ9999999").ok()
}

/// What a receiver answers, made before the run.
#[derive(Debug)]
pub struct Replies {
    rules: Vec<(AnswerRule, Vec<Vec<u8>>)>,
}

impl Replies {
    /// Makes the texts of a receiver's answers.
    #[must_use]
    pub fn new(rules: &[AnswerRule], seed: u64) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut texts = |rule: &AnswerRule| {
            // Key, two periods, sender, an ORI and its period, the control field between `*` and a period, TXT.
            let header = rule.with.as_str().len() + 2 + 9 + 10 + 17 + 5;
            rule.bytes.iter().map(|bytes| text(bytes.saturating_sub(header), &mut random)).collect()
        };
        Self { rules: rules.iter().map(|rule| (rule.clone(), texts(rule))).collect() }
    }

    /// The answers to a message of that key, addressed to whom it came from.
    pub fn to<'a>(
        &'a self,
        key: MessageKey,
        to: &'a str,
        control: Option<Control>,
    ) -> impl Iterator<Item = Bytes> + 'a {
        let rule = self.rules.iter().find(move |(rule, _)| rule.key == key);
        rule.into_iter().flat_map(move |(rule, texts)| {
            let destinations = [to];
            texts.iter().map(move |text| {
                InputHeader { key: rule.with, sender: rule.ori, destinations: &destinations, control }.encode(text)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use codec::legacy::{disallowed_byte, glance, parse_input};
    use jiff::civil::date;

    use super::*;
    use crate::control::{Mark, RunTag};

    const SEED: u64 = 21;

    fn composer(change: impl FnOnce(&mut Mix)) -> Composer {
        let mut mix = Mix::sample().unwrap();
        change(&mut mix);
        Composer::new(&mix, SEED, date(2030, 1, 31)).unwrap()
    }

    fn messages(composer: &mut Composer, count: u64) -> Vec<(Draft, Bytes)> {
        let run = RunTag::of(9);
        (0..count)
            .map(|number| {
                let draft = composer.draw();
                (draft, composer.write(&draft, run.control(Mark { shard: 0, number })))
            })
            .collect()
    }

    #[test]
    fn kinds_come_by_their_weights_and_say_whose_they_are() {
        let mut composer = composer(|mix| *mix = mix.clone().weighted(25.0, 75.0));
        let messages = messages(&mut composer, 4000);
        let inquiries = messages.iter().filter(|(draft, _)| draft.kind == 0).count();
        assert!(inquiries.abs_diff(1000) < 120, "seed {SEED}: {inquiries}");
        for (number, (draft, bytes)) in messages.iter().enumerate() {
            let input = parse_input(bytes).unwrap();
            let mark = RunTag::of(9).read(&input.checked_control().unwrap().unwrap()).unwrap();
            assert_eq!(mark.number, number as u64);
            assert_eq!(composer.answers(draft), if draft.kind == 0 { 2 } else { 0 });
            assert_eq!(composer.deliveries(draft), u8::from(draft.kind != 0));
            assert!((150..=640).contains(&bytes.len()), "seed {SEED}: {} {}", input.key, bytes.len());
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_messages() {
        let all = || messages(&mut composer(|mix| mix.malformed = 0.1), 200);
        assert_eq!(all(), all());
    }

    #[test]
    fn faults_are_refused_by_the_rules_that_the_switch_goes_by() {
        let mut composer = composer(|mix| {
            mix.malformed = 1.0;
            *mix = mix.clone().weighted(1.0, 1.0);
        });
        let messages = messages(&mut composer, 2000);
        for (draft, bytes) in &messages {
            let expected = draft.refusal.expect("every message has a fault");
            let fault = draft.fault.unwrap();
            assert!(glance(bytes).control.is_some(), "seed {SEED}: the answer to {fault:?} could not be matched");
            let input = parse_input(bytes).unwrap();
            let spec = Dictionary::builtin().spec(input.key);
            let unknown_sender = input.sender.as_str() == "ZZ9999999";
            let found = if disallowed_byte(bytes).is_some() {
                0
            } else if input.body.is_none() {
                3
            } else if unknown_sender {
                1
            } else if input.destinations.iter().any(|one| one.as_str().starts_with("QX")) {
                19
            } else if let Some(spec) = spec {
                let body = spec.check_body(input.body.unwrap(), date(2030, 1, 31));
                body.expect_err("a field is wrong").number.number()
            } else {
                1
            };
            assert_eq!(found, expected, "seed {SEED}: {fault:?}");
        }
        for fault in Fault::ALL {
            assert!(messages.iter().any(|(draft, _)| draft.fault == Some(fault)), "seed {SEED}: {fault:?}");
        }
    }

    #[test]
    fn shares_are_kept() {
        let mut composer = composer(|mix| (mix.malformed, mix.repeated) = (0.02, 0.01));
        let messages = messages(&mut composer, 20_000);
        let count = |of: fn(&Draft) -> bool| messages.iter().filter(|(draft, _)| of(draft)).count();
        assert!(count(|draft| draft.refusal.is_some()).abs_diff(400) < 80, "seed {SEED}");
        assert!(count(|draft| draft.repeat).abs_diff(200) < 60, "seed {SEED}");
    }

    #[test]
    fn answers_go_back_under_the_same_control_field() {
        let key = |text: &str| MessageKey::parse(text).unwrap();
        let rule = AnswerRule {
            key: key("IAQ"),
            with: key("IAR"),
            ori: Ori::parse("ZZLESC000").unwrap(),
            bytes: vec![300, 1000],
        };
        let replies = Replies::new(&[rule], SEED);
        let control = RunTag::of(9).control(Mark { shard: 1, number: 2 });
        let answers: Vec<_> = replies.to(key("IAQ"), "ZA0010000", Some(control)).collect();
        assert_eq!(answers.iter().map(Bytes::len).collect::<Vec<_>>(), [300, 1000]);
        for answer in &answers {
            let input = parse_input(answer).unwrap();
            assert_eq!(input.checked_control(), Ok(Some(control)));
            assert_eq!(input.destinations.iter().next().unwrap().as_str(), "ZA0010000");
        }
        assert_eq!(replies.to(key("AM"), "ZA0010000", None).count(), 0);
    }
}
