//! The two messages that every inquiry gets: the acknowledgement and the answer, each an IAR
//! (`protocol-specs/formats.md` 3.4).
//!
//! # Once, and without a store of its own
//!
//! The center keeps nothing. It acknowledges the switch's delivery of an inquiry only after the switch has acknowledged
//! both IARs; until then the switch delivers the inquiry again, after a lost link and after a restart of either side.
//! What makes that *once* is that both messages are a pure function of the inquiry and the records:
//!
//! - their bytes depend on nothing else: an [`Inquiry`] holds neither the time at which it was sent nor its OSN,
//!   which may differ when it comes again, and the time that the text states is that at which the switch received it;
//! - their validations are derived from the number of the delivery, which never changes.
//!
//! So wherever a crash falls, the same two messages are sent again, and the switch, which remembers validation and
//! bytes for a day (`protocol-specs/wire.md` 1.1), acknowledges them again without passing them
//! on again. What this cannot cover: if the records, the templates or the sender's ORI are exchanged between two
//! deliveries of one inquiry, the second answer is another message; and if a center stays away for longer than a day after
//! it was answered for, the switch has forgotten, and passes both on again.
//!
//! A center with a journal keeps what it sends, and its messages may say more: what the sources of the network came to, and
//! a supplement for those that were late; a copy goes to the field office of the requester's area ([`Letter`]).
//!
//! All wordings are inferred: no wording of a real IAR is public.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::LazyLock;

use bytes::Bytes;
use codec::legacy::InputHeader;
use codec::name::{Control, MessageKey, Ori};
use records::{Person, Query, Source, fold};
use sha2::{Digest as _, Sha256};

use crate::decision::{Decision, Finding, Listed, Standing};
use crate::inquiry::{Inquiry, QueryId, Subject};
use crate::sources::Heard;
use crate::template::{Slot, Template, Templates, Values};

/// How every text begins (`protocol-specs/wire.md` 3).
pub const FIRST_LINE: &str = "EMULATOR - SYNTHETIC DATA";

/// What every answer says.
pub const CAVEAT: &str = "THIS RESPONSE IS NOT A DETAINER AND NOT GROUNDS FOR ARREST.";

/// What an answer says whose search stopped at its bound.
pub const CAUTION: &str = "THE SEARCH WAS CUT SHORT. THERE MAY BE FURTHER RECORDS.";

/// The ORI from which the center of the sample network answers (`protocol-specs/wire.md` 3).
pub static ORI: LazyLock<Ori> =
    LazyLock::new(|| Ori::parse("ZZLESC000").expect("two letters and seven more are an ORI"));

/// A message to the switch.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// What the switch recognizes it by if it comes again; none if the inquiry's delivery had no number either.
    pub validation: Option<NonZeroU32>,
    /// The message.
    pub bytes: Bytes,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply {{ validation: {:?}, {} bytes }}", self.validation, self.bytes.len())
    }
}

/// On what terms an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The field office that gets a copy.
    pub office: Option<Ori>,
    /// A technician answers.
    pub technician: bool,
}

/// An answer and its copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// To the requester.
    pub reply: Reply,
    /// To the field office of the requester's area.
    pub copy: Option<Reply>,
}

/// Which of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The answer.
    Answer,
    /// Its supplement.
    Supplement,
}

/// Writes acknowledgements and answers.
#[derive(Debug, Clone)]
pub struct Writer {
    sender: Ori,
    templates: Templates,
}

impl Writer {
    /// A writer whose messages come from that ORI.
    #[must_use]
    pub const fn new(sender: Ori, templates: Templates) -> Self {
        Self { sender, templates }
    }

    /// Whom its messages come from.
    #[must_use]
    pub const fn sender(&self) -> Ori {
        self.sender
    }

    /// The acknowledgement of an inquiry. It tells nothing that the inquiry has not.
    #[must_use]
    pub fn acknowledgement(&self, inquiry: &Inquiry) -> Reply {
        let received = inquiry.received.to_string();
        let (time, date) = received.split_once(' ').unwrap_or_default();
        let values = echo(inquiry).with(Slot::ReceivedDate, date).with(Slot::ReceivedTime, time);
        self.reply(inquiry, Kind::Acknowledgement, &self.templates.acknowledgement, &values)
    }

    /// The answer to an inquiry, without a technician and without a copy.
    #[must_use]
    pub fn answer(&self, inquiry: &Inquiry, decision: &Decision) -> Reply {
        self.letter(inquiry, decision, Terms::default()).reply
    }

    /// The answer to an inquiry, and its copy if it tells anything.
    #[must_use]
    pub fn letter(&self, inquiry: &Inquiry, decision: &Decision, terms: Terms) -> Letter {
        let caution = if decision.complete { "" } else { CAUTION };
        let told = !matches!(decision.finding, Finding::MoreInformation(_) | Finding::Refused);
        let terms = Terms { office: terms.office.filter(|_| told), ..terms };
        let values = on_terms(echo(inquiry), terms)
            .with(Slot::Caution, caution)
            .with(Slot::Searched, searched(decision))
            .with(Slot::Silent, decision.heard.silent().collect::<Vec<_>>().join(", "))
            .with(Slot::NotSearched, not_searched(decision))
            .with(Slot::Wanted, decision.heard.wanted())
            .with(Slot::History, decision.heard.history())
            .with(Slot::Identifiers, identifiers(inquiry));
        let (template, values) = match &decision.finding {
            Finding::MoreInformation(unreadable) => {
                (&self.templates.more_information, values.with(Slot::Missing, unreadable.missing()))
            }
            Finding::NoRecord => (&self.templates.no_record, values),
            Finding::Record { record, also, others } => {
                let values = self.listed(of_record(values, record), others);
                (&self.templates.record, values.with(Slot::Also, self.also(also)))
            }
            Finding::PossibleRecords(records) => (&self.templates.possible_records, self.listed(values, records)),
            Finding::Status(latest, also) => {
                (&self.templates.firearms_status, of_standing(values, *latest).with(Slot::Also, self.also(also)))
            }
            Finding::StatusUnclear => (&self.templates.firearms_unclear, values),
            Finding::Refused => (&self.templates.refused, values),
        };
        self.text(inquiry, Which::Answer, &template.render(&values), terms.office)
    }

    /// What sources gave after the answer.
    #[must_use]
    pub fn supplement(&self, inquiry: &Inquiry, heard: &Heard, terms: Terms) -> Letter {
        let values = on_terms(echo(inquiry), terms)
            .with(Slot::Searched, heard.searched().collect::<Vec<_>>().join(", "))
            .with(Slot::Silent, heard.silent().collect::<Vec<_>>().join(", "))
            .with(Slot::Wanted, heard.wanted())
            .with(Slot::History, heard.history());
        self.text(inquiry, Which::Supplement, &self.templates.supplement.render(&values), terms.office)
    }

    /// A letter with that text, lines between CR LF, behind the line that every message begins with.
    #[must_use]
    pub fn text(&self, inquiry: &Inquiry, which: Which, text: &str, office: Option<Ori>) -> Letter {
        let (kind, copied) = match which {
            Which::Answer => (Kind::Answer, Kind::Copy),
            Which::Supplement => (Kind::Supplement, Kind::SupplementCopy),
        };
        let reply = self.message(inquiry, kind, inquiry.requester, inquiry.control, text);
        let copy = office.map(|office| {
            let text = format!("COPY FOR {office} OF WHAT {} IS SENT\r\n{text}", inquiry.requester);
            self.message(inquiry, copied, office, None, &text)
        });
        Letter { reply, copy }
    }

    fn listed(&self, values: Values, listed: &Listed) -> Values {
        let line = |person| self.templates.record_line.render(&of_record(Values::default(), person));
        let count = |count: usize| if count == 0 { String::new() } else { count.to_string() };
        values
            .with(Slot::Count, count(listed.total))
            .with(Slot::Records, lines(listed.records.iter().map(line)))
            .with(Slot::More, count(listed.more()))
    }

    fn also(&self, also: &[Standing]) -> String {
        lines(also.iter().map(|one| self.templates.status_line.render(&of_standing(Values::default(), *one))))
    }

    fn reply(&self, inquiry: &Inquiry, kind: Kind, template: &Template, values: &Values) -> Reply {
        self.message(inquiry, kind, inquiry.requester, inquiry.control, &template.render(values))
    }

    fn message(&self, inquiry: &Inquiry, kind: Kind, to: Ori, control: Option<Control>, text: &str) -> Reply {
        let header = InputHeader { key: *IAR, sender: self.sender, destinations: &[to.as_str()], control };
        let body = format!("{FIRST_LINE}\r\n{text}");
        Reply { validation: kind.validation(inquiry.query), bytes: header.encode(body.as_bytes()) }
    }
}

/// The sources whose indexes were searched, and those of the network that answered.
fn searched(decision: &Decision) -> String {
    let indexes = decision.searched.iter().map(|source| -> &str { source.name() });
    let names: Vec<_> = indexes.chain(decision.heard.searched()).collect();
    if names.is_empty() { "NONE".to_owned() } else { names.join(", ") }
}

/// The sources of which this center has no index, and the kinds of which it asked nobody.
fn not_searched(decision: &Decision) -> String {
    let indexes = decision.searched.others().iter().map(Source::name);
    indexes.chain(decision.heard.not_asked()).collect::<Vec<_>>().join(", ")
}

fn on_terms(values: Values, terms: Terms) -> Values {
    let by = if terms.technician { "ANSWERED BY A TECHNICIAN" } else { "ANSWERED WITHOUT A TECHNICIAN" };
    let office = terms.office.map_or_else(|| "NONE".to_owned(), |office| office.to_string());
    values.with(Slot::Caveat, CAVEAT).with(Slot::Office, office).with(Slot::AnsweredBy, by)
}

static IAR: LazyLock<MessageKey> = LazyLock::new(|| MessageKey::parse("IAR").expect("three letters are a key"));

/// Which message of an inquiry.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Acknowledgement,
    Answer,
    Copy,
    Supplement,
    SupplementCopy,
}

impl Kind {
    /// The same for the same delivery, and for nothing else but by a rare chance. That does no harm, for the switch
    /// compares the bytes too.
    fn validation(self, query: QueryId) -> Option<NonZeroU32> {
        let kind: &[u8] = match self {
            Self::Acknowledgement => b"acknowledgement",
            Self::Answer => b"answer",
            Self::Copy => b"copy",
            Self::Supplement => b"supplement",
            Self::SupplementCopy => b"supplement copy",
        };
        let hash = Sha256::new().chain_update(query.0?.get().to_be_bytes()).chain_update(kind).finalize();
        let (words, _) = hash.as_chunks();
        let mut numbers = words.iter().filter_map(|word| NonZeroU32::new(u32::from_be_bytes(*word)));
        // Of eight words one is not zero.
        Some(numbers.next().unwrap_or(NonZeroU32::MIN))
    }
}

/// What every text may repeat of the inquiry.
fn echo(inquiry: &Inquiry) -> Values {
    let values = Values::default().with(Slot::QueryId, inquiry.query.to_string());
    match &inquiry.subject {
        Ok(Subject { name, born, .. }) => values.with(Slot::Name, name.as_str()).with(Slot::Born, born.as_str()),
        Err(_) => values,
    }
}

fn of_record(values: Values, record: &Person) -> Values {
    // An index can be built from other records than ours: whatever a name holds, it is printed in letters.
    let names = [&record.given, &record.middle].map(|name| fold(name)).join(" ");
    let name = format!("{}, {}", fold(&record.surname), names.trim());
    let born = record.born.map_or_else(|| "UNKNOWN".to_owned(), |born| born.strftime("%Y%m%d").to_string());
    of_standing(values, record.into())
        .with(Slot::AlienNumber, record.alien_number.to_string())
        .with(Slot::RecordName, name)
        .with(Slot::RecordBorn, born)
        .with(Slot::Sex, record.sex.letter())
        .with(Slot::BirthPlace, record.birth_place.as_str())
}

fn of_standing(values: Values, Standing { source, status, since }: Standing) -> Values {
    let since = since.map_or_else(String::new, |since| format!(" SINCE {}", since.strftime("%m/%d/%Y")));
    values.with(Slot::Source, source.name()).with(Slot::Status, format!("{}{since}", status.sentence()))
}

/// What the inquiry did not give and would help to tell persons apart.
fn identifiers(inquiry: &Inquiry) -> String {
    let Ok(Subject { query: Query { alien_number, middle, .. }, .. }) = &inquiry.subject else {
        return String::new();
    };
    let asked = [(alien_number.is_none(), "ALIEN NUMBER"), (middle.is_empty(), "MIDDLE NAME"), (true, "FINGERPRINTS")];
    asked.into_iter().filter_map(|(helps, what)| helps.then_some(what)).collect::<Vec<_>>().join(", ")
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validations_are_those_of_the_delivery_and_the_kind() {
        let validation = |kind: Kind, number| kind.validation(QueryId(NonZeroU32::new(number))).map(NonZeroU32::get);
        // First words of SHA-256, by another program: printf '\0\0\0\1acknowledgement' | sha256sum
        assert_eq!(validation(Kind::Acknowledgement, 1), Some(ACK_ONE));
        assert_eq!(validation(Kind::Answer, 1), Some(ANSWER_ONE));
        assert_ne!(validation(Kind::Answer, 2), validation(Kind::Answer, 1));
        assert_eq!(validation(Kind::Answer, 0), None);
    }

    const ACK_ONE: u32 = 0x3f5c_83f9;
    const ANSWER_ONE: u32 = 0x328c_379d;

    #[test]
    fn names_of_any_index_are_printed_in_letters() {
        let person = Person {
            alien_number: records::AlienNumber::new(8).unwrap(),
            surname: "Nguyễn. X{caveat}".to_owned(),
            given: "\r\nZo\u{eb}".to_owned(),
            middle: String::new(),
            born: None,
            ..records::synth::person(1, 7)
        };
        let values = of_record(Values::default(), &person);
        let line = Templates::load(None).unwrap().record_line.render(&values);
        let sex = person.sex.letter();
        assert!(
            line.starts_with(&format!("ARN/000000008. NAM/NGUYEN X CAVEAT, ZOE. DOB/UNKNOWN. SEX/{sex}. POB/")),
            "{line}"
        );
    }
}
