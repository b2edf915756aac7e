//! Asking the sources of the network: questions as messages, their answers, and what is asked next.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;

use bytes::Bytes;
use center::{InquiryId, Moment, Outcome, Outgoing, Source};
use codec::legacy::{InputHeader, parse_output};
use codec::name::{MessageKey, Ori};
use sha2::{Digest as _, Sha256};

use crate::inquiry::Subject;
use crate::sources::{self, Mark, NetworkSource, Question, Reading};

/// Sources that are being asked for records, at a time: what an inquiry has beyond that stays where it is and is late.
const OPEN_MAX: usize = 65_536;

/// A message that answers a question of ours.
pub(super) struct Answered {
    pub(super) mark: Mark,
    key: MessageKey,
    sender: Ori,
    body: Bytes,
}

/// Reads a message as an answer; none if it bears no mark of ours.
pub(super) fn read(message: &[u8]) -> Option<Answered> {
    let output = parse_output(message).ok()?;
    let mark = Mark::parse(output.control?.as_str())?;
    Some(Answered { mark, key: output.key, sender: output.sender, body: Bytes::copy_from_slice(output.body) })
}

impl Answered {
    /// Whether it comes from that source, or from the switch on account of it.
    pub(super) fn is_of(&self, source: &NetworkSource) -> bool {
        self.sender.as_str().starts_with(source.from.as_str()) || self.sender == Ori::of_switch()
    }

    /// The switch's word on a question, if that is what it is: true if there will be no answer.
    fn returned(&self) -> Option<bool> {
        if self.sender != Ori::of_switch() {
            return None;
        }
        // SM 02 says that the source is away and the question waits; ER and every other SM, that it will not be answered.
        let waits = self.key.as_str() == "SM" && self.body.starts_with(b".02.");
        Some(!waits)
    }
}

/// What comes of an answer.
pub(super) enum Posted {
    /// Nothing yet.
    Nothing,
    /// These are to be asked.
    Questions(Vec<Outgoing>),
    /// The source is at its end.
    End(Outcome),
}

/// Records of one source that are asked for.
struct Open {
    lines: Vec<String>,
    steps: BTreeSet<u8>,
}

/// The questions that wait for records. First questions need no memory.
pub(super) struct Asking {
    open: HashMap<(InquiryId, Source), Open>,
    /// Makes validations of this run other than those of every other: a question is asked anew after a restart.
    run: u64,
}

impl Asking {
    pub(super) fn new(begun: Moment) -> Self {
        Self { open: HashMap::new(), run: begun.0 }
    }

    /// The first question to a source.
    pub(super) fn first(
        &mut self,
        ori: Ori,
        of: &NetworkSource,
        inquiry: InquiryId,
        source: Source,
        subject: &Subject,
    ) -> Option<Outgoing> {
        self.open.remove(&(inquiry, source));
        let mark = Mark::new(inquiry, source.0, 0)?;
        self.message(ori, of, inquiry, mark, &sources::first(of.kind, subject))
    }

    /// Takes in an answer of a source that is waited for.
    pub(super) fn answered(
        &mut self,
        ori: Ori,
        of: &NetworkSource,
        inquiry: InquiryId,
        subject: &Subject,
        answered: &Answered,
    ) -> Posted {
        let (source, step) = (Source(answered.mark.source.into()), answered.mark.step);
        let key = (inquiry, source);
        match answered.returned() {
            Some(true) => {
                self.open.remove(&key);
                return Posted::End(Outcome::Failed);
            }
            Some(false) => return Posted::Nothing,
            None => {}
        }
        // A record that is not waited for, or the first answer once more.
        let waits = self.open.get(&key).map_or(step == 0, |open| open.steps.contains(&step));
        if !waits {
            return Posted::Nothing;
        }
        match sources::read(of.kind, step, subject, answered.key, &answered.body) {
            Reading::Unreadable => {
                self.open.remove(&key);
                Posted::End(Outcome::Failed)
            }
            Reading::End(lines) => self.lines(key, step, lines),
            Reading::Records(lines, numbers) => {
                if self.is_full() {
                    return Posted::Nothing;
                }
                let steps: Vec<u8> = (1..).take(numbers.len()).collect();
                let ask = |(step, number): (&u8, &String)| {
                    let mark = Mark::new(inquiry, source.0, *step)?;
                    self.message(ori, of, inquiry, mark, &sources::record(of.kind, number))
                };
                let questions = steps.iter().zip(&numbers).filter_map(ask).collect();
                self.open.insert(key, Open { lines, steps: steps.into_iter().collect() });
                Posted::Questions(questions)
            }
        }
    }

    /// Whether no more can be asked for a record.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= OPEN_MAX
    }

    /// Lets go of what nobody waits for any more.
    pub(super) fn keep(&mut self, waits: impl Fn(InquiryId, Source) -> bool) {
        self.open.retain(|(inquiry, source), _| waits(*inquiry, *source));
    }

    fn lines(&mut self, key: (InquiryId, Source), step: u8, lines: Vec<String>) -> Posted {
        let Some(open) = self.open.get_mut(&key) else { return Posted::End(gave(&lines)) };
        open.steps.remove(&step);
        open.lines.extend(lines);
        if !open.steps.is_empty() {
            return Posted::Nothing;
        }
        let lines = self.open.remove(&key).map(|open| open.lines).unwrap_or_default();
        Posted::End(gave(&lines))
    }

    fn message(
        &self,
        ori: Ori,
        of: &NetworkSource,
        inquiry: InquiryId,
        mark: Mark,
        asked: &Question,
    ) -> Option<Outgoing> {
        let key = MessageKey::parse(asked.key).ok()?;
        let header =
            InputHeader { key, sender: ori, destinations: &[of.line.as_str()], control: Some(mark.control()?) };
        let hash = Sha256::new()
            .chain_update("question")
            .chain_update(self.run.to_be_bytes())
            .chain_update(inquiry.0.to_be_bytes())
            .chain_update([mark.source, mark.step])
            .finalize();
        let (words, _) = hash.as_chunks();
        let validation = words.iter().find_map(|word| NonZeroU32::new(u32::from_be_bytes(*word)));
        let bytes = header.encode(asked.body.as_bytes());
        Some(Outgoing { validation: validation.map_or(1, NonZeroU32::get), bytes })
    }
}

fn gave(lines: &[String]) -> Outcome {
    Outcome::Gave(Bytes::from(lines.join("\n")))
}
