//! What is told: a pure function of the inquiry and what the search found.
//!
//! | Found | told for purpose C | told for purpose F |
//! |---|---|---|
//! | nothing | no record | no record |
//! | matches of one alien number only | the record, and what else may be the person | that number's statuses |
//! | matches of several numbers, or none more than possible | the records that may be the person | no status |
//! | a search that was cut short | as above, but never *the* record: there may be another | as above, never a status |
//!
//! A body that cannot be read is answered with what is missing, and nothing is searched. Who has no authority is refused, and
//! nothing is searched either. What the sources of the network came to stands beside this, and changes nothing of it
//! ([`crate::sources::Heard`]).

use std::cmp::Reverse;

use jiff::civil::Date;
use records::{AlienNumber, Candidate, Class, Found, IndexError, Person, Query, Source, Sources, Status};

use crate::inquiry::{Inquiry, Purpose, Unreadable};
use crate::sources::Heard;

/// How many candidates a decision looks at. One person has a record in each of eight sources, errors aside: matches
/// that fill so many are of several persons, and are seen to be.
pub const CANDIDATES_MAX: usize = 128;

/// How many records an answer lists.
pub const LISTED_MAX: usize = 10;

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub finding: Finding,
    /// False if the search stopped at its bound of work: the answer has to say so.
    pub complete: bool,
    /// Whose records were searched.
    pub searched: Sources,
    /// What those came to that were asked over the network.
    pub heard: Heard,
}

impl Decision {
    /// That an agency is answered nothing.
    #[must_use]
    pub fn refused() -> Self {
        Self::unsearched(Finding::Refused)
    }

    /// The same, beside what the sources of the network came to.
    #[must_use]
    pub fn beside(self, heard: Heard) -> Self {
        Self { heard, ..self }
    }

    fn unsearched(finding: Finding) -> Self {
        Self { finding, complete: true, searched: Sources::NONE, heard: Heard::default() }
    }
}

/// The kinds of answer, each with all that it may tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one is made for each inquiry, and moved once or twice")]
pub enum Finding {
    /// The inquiry cannot be read.
    MoreInformation(Unreadable),
    /// Nobody was found.
    NoRecord,
    /// One person was found.
    Record {
        /// The record that says most lately what status the person has.
        record: Person,
        /// The person's other records, of the same alien number, latest status first.
        also: Vec<Standing>,
        /// What else may be the person.
        others: Listed,
    },
    /// Persons were found of whom any or none may be the one.
    PossibleRecords(Listed),
    /// For purpose F, one person was found: the latest status, and the others.
    Status(Standing, Vec<Standing>),
    /// For purpose F, persons were found of whom any or none may be the one.
    StatusUnclear,
    /// Who asks has no authority to.
    Refused,
}

impl Finding {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> FindingKind {
        match self {
            Self::MoreInformation(_) => FindingKind::MoreInformation,
            Self::NoRecord => FindingKind::NoRecord,
            Self::Record { .. } => FindingKind::Record,
            Self::PossibleRecords(_) => FindingKind::PossibleRecords,
            Self::Status(..) => FindingKind::Status,
            Self::StatusUnclear => FindingKind::StatusUnclear,
            Self::Refused => FindingKind::Refused,
        }
    }

    /// Its kind, for logs and metrics.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        self.kind().label()
    }
}

/// The kinds of answer, by the numbers that the center's journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FindingKind {
    /// The inquiry cannot be read.
    MoreInformation = 1,
    /// Nobody was found.
    NoRecord = 2,
    /// One person was found.
    Record = 3,
    /// Persons were found of whom any or none may be the one.
    PossibleRecords = 4,
    /// For purpose F, one person was found.
    Status = 5,
    /// For purpose F, persons were found of whom any or none may be the one.
    StatusUnclear = 6,
    /// Who asks has no authority to.
    Refused = 7,
    /// No answer of its own: what sources gave that were late.
    Supplement = 8,
}

impl FindingKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::MoreInformation,
        Self::NoRecord,
        Self::Record,
        Self::PossibleRecords,
        Self::Status,
        Self::StatusUnclear,
        Self::Refused,
        Self::Supplement,
    ];

    /// Its number in the center's journal.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind with that number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// A word for logs and metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::MoreInformation => "more_information",
            Self::NoRecord => "no_record",
            Self::Record => "record",
            Self::PossibleRecords => "possible_records",
            Self::Status => "status",
            Self::StatusUnclear => "status_unclear",
            Self::Refused => "refused",
            Self::Supplement => "supplement",
        }
    }
}

/// The best of some records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// At most [`LISTED_MAX`], best first.
    pub records: Vec<Person>,
    /// How many there are in all.
    pub total: usize,
}

impl Listed {
    fn new(records: impl Iterator<Item = Person>, total: usize) -> Self {
        Self { records: records.take(LISTED_MAX).collect(), total }
    }

    /// How many are not listed.
    #[must_use]
    pub const fn more(&self) -> usize {
        self.total.saturating_sub(self.records.len())
    }
}

/// A status, who has it on record, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub source: Source,
    /// What.
    pub status: Status,
    /// Since when, if known.
    pub since: Option<Date>,
}

impl From<&Person> for Standing {
    fn from(person: &Person) -> Self {
        Self { source: person.source, status: person.status, since: person.status_since }
    }
}

/// Decides what an inquiry is answered. `search` is asked once, or not at all, for at most that many candidates.
///
/// # Errors
/// The index is damaged where it was needed: nothing is decided.
pub fn decide(
    inquiry: &Inquiry,
    search: impl FnOnce(&Query, usize) -> Result<Found, IndexError>,
) -> Result<Decision, IndexError> {
    let subject = match &inquiry.subject {
        Ok(subject) => subject,
        Err(unreadable) => {
            return Ok(Decision::unsearched(Finding::MoreInformation(unreadable.clone())));
        }
    };
    let Found { candidates, total, complete, searched, .. } = search(&subject.query, CANDIDATES_MAX)?;
    let finding = match (the_one(&candidates).filter(|_| complete), subject.purpose) {
        _ if candidates.is_empty() => Finding::NoRecord,
        (Some(number), Purpose::CriminalJustice) => record(number, candidates, total),
        (Some(number), Purpose::Firearms) => status(number, candidates),
        (None, Purpose::CriminalJustice) => {
            Finding::PossibleRecords(Listed::new(candidates.into_iter().map(|candidate| candidate.person), total))
        }
        (None, Purpose::Firearms) => Finding::StatusUnclear,
    };
    Ok(Decision { finding, complete, searched, heard: Heard::default() })
}

/// The alien number that all matches bear, if there are any and it is one.
fn the_one(candidates: &[Candidate]) -> Option<AlienNumber> {
    let mut numbers =
        candidates.iter().filter(|one| one.class == Class::Match).map(|candidate| candidate.person.alien_number);
    let first = numbers.next()?;
    numbers.all(|number| number == first).then_some(first)
}

fn record(number: AlienNumber, candidates: Vec<Candidate>, total: usize) -> Finding {
    let (matches, others) = split(number, candidates);
    let Some((record, also)) = matches.split_first() else { return Finding::NoRecord };
    let also: Vec<_> = also.iter().take(LISTED_MAX).map(Standing::from).collect();
    let others = Listed::new(others.into_iter(), total.saturating_sub(1 + also.len()));
    Finding::Record { record: record.clone(), also, others }
}

fn status(number: AlienNumber, candidates: Vec<Candidate>) -> Finding {
    let (matches, _) = split(number, candidates);
    let Some((latest, also)) = matches.split_first() else { return Finding::StatusUnclear };
    Finding::Status(latest.into(), also.iter().take(LISTED_MAX).map(Standing::from).collect())
}

/// The matches of a number, latest status first, and all else in its order.
///
/// A record of the same number that is no match is among the rest: a number can stand in somebody else's record by
/// mistake, and that record's status must not be told as this person's.
fn split(number: AlienNumber, candidates: Vec<Candidate>) -> (Vec<Person>, Vec<Person>) {
    let (matches, others): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .partition(|candidate| candidate.class == Class::Match && candidate.person.alien_number == number);
    let persons = |candidates: Vec<Candidate>| candidates.into_iter().map(|candidate| candidate.person).collect();
    let (mut matches, others): (Vec<Person>, _) = (persons(matches), persons(others));
    matches.sort_by_key(|person| Reverse(person.status_since));
    (matches, others)
}

#[cfg(test)]
mod tests {
    use codec::name::Ori;
    use codec::time::Stamp;
    use jiff::civil::date;
    use records::synth;

    use super::*;
    use crate::inquiry::{QueryId, Subject};

    fn inquiry(purpose: Purpose) -> Inquiry {
        let (name, born) = ("SAMPLE, PERSON".to_owned(), "19800102".to_owned());
        Inquiry {
            query: QueryId(None),
            requester: Ori::parse("ZA0010000").unwrap(),
            received: Stamp::parse("08:00 01/31/2030").unwrap(),
            control: None,
            subject: Ok(Subject { purpose, name, born, custody: false, query: Query::default() }),
        }
    }

    /// A candidate of that alien number whose status holds since that year; zero for one not known.
    fn candidate(class: Class, number: u32, since: i16) -> Candidate {
        let person = Person {
            alien_number: AlienNumber::new(number).unwrap(),
            status_since: (since != 0).then(|| date(since, 1, 1)),
            ..synth::person(1, number)
        };
        Candidate { person, probability: 0.9, bits: 3.0, odds_bits: 3.0, class, reasons: Vec::new() }
    }

    fn found(candidates: &[(Class, u32, i16)]) -> Found {
        let candidates: Vec<_> =
            candidates.iter().map(|(class, number, since)| candidate(*class, *number, *since)).collect();
        Found { total: candidates.len(), candidates, complete: true, compared: 0, searched: Sources::NONE }
    }

    /// A decision in a word and numbers: `record 1 (2000) also 1990; 7 8`, `possible 7 8`, `status 2000 also 1990`.
    fn told(purpose: Purpose, found: Found) -> String {
        let years = |since: Option<Date>| since.map_or_else(|| "-".to_owned(), |since| since.year().to_string());
        let all = |also: &[Standing]| also.iter().map(|one| years(one.since)).collect::<Vec<_>>().join(" ");
        let listed = |listed: &Listed| {
            let numbers = listed.records.iter().map(|person| person.alien_number.value().to_string());
            let more = (listed.more() > 0).then(|| format!("and {} more", listed.more()));
            numbers.chain(more).collect::<Vec<_>>().join(" ")
        };
        match decide(&inquiry(purpose), |_, _| Ok(found)).unwrap().finding {
            Finding::MoreInformation(_) => "more information".to_owned(),
            Finding::NoRecord => "no record".to_owned(),
            Finding::Record { record, also, others } => format!(
                "record {} ({}) also {}; {}",
                record.alien_number.value(),
                years(record.status_since),
                all(&also),
                listed(&others)
            ),
            Finding::PossibleRecords(records) => format!("possible {}", listed(&records)),
            Finding::Status(latest, also) => format!("status {} also {}", years(latest.since), all(&also)),
            Finding::StatusUnclear => "unclear".to_owned(),
            Finding::Refused => "refused".to_owned(),
        }
    }

    #[test]
    fn each_case_is_decided_as_the_table_says() {
        use Class::{Match, Possible};
        for (candidates, for_justice, for_firearms) in [
            (&[][..], "no record", "no record"),
            (&[(Match, 1, 2000)], "record 1 (2000) also ; ", "status 2000 also "),
            // Records of one person in several sources: the latest status first, one without a date last.
            (
                &[(Match, 1, 1990), (Match, 1, 0), (Match, 1, 2000)],
                "record 1 (2000) also 1990 -; ",
                "status 2000 also 1990 -",
            ),
            (
                &[(Match, 1, 2000), (Possible, 8, 2000), (Possible, 7, 2000)],
                "record 1 (2000) also ; 8 7",
                "status 2000 also ",
            ),
            // The number is right and the rest is not: somebody else's record.
            (&[(Match, 1, 2000), (Possible, 1, 2010)], "record 1 (2000) also ; 1", "status 2000 also "),
            (&[(Match, 1, 2000), (Match, 2, 2000)], "possible 1 2", "unclear"),
            (&[(Possible, 7, 2000)], "possible 7", "unclear"),
            (&[(Possible, 7, 2000), (Possible, 8, 2000)], "possible 7 8", "unclear"),
        ] {
            assert_eq!(told(Purpose::CriminalJustice, found(candidates)), for_justice);
            assert_eq!(told(Purpose::Firearms, found(candidates)), for_firearms);
        }
    }

    #[test]
    fn lists_are_bounded_and_the_rest_is_counted() {
        let many: Vec<_> = (1..=20).map(|number| (Class::Possible, number, 2000)).collect();
        let all = Found { total: 500, ..found(&many) };
        assert_eq!(told(Purpose::CriminalJustice, all), "possible 1 2 3 4 5 6 7 8 9 10 and 490 more");
        let one: Vec<_> = std::iter::once((Class::Match, 99, 2000)).chain(many).collect();
        assert_eq!(
            told(Purpose::CriminalJustice, found(&one)),
            "record 99 (2000) also ; 1 2 3 4 5 6 7 8 9 10 and 10 more"
        );
    }

    #[test]
    fn a_search_that_was_cut_short_never_gives_the_one() {
        let cut = |candidates| Found { complete: false, ..found(candidates) };
        assert_eq!(told(Purpose::CriminalJustice, cut(&[(Class::Match, 1, 2000)])), "possible 1");
        assert_eq!(told(Purpose::Firearms, cut(&[(Class::Match, 1, 2000)])), "unclear");
        let nothing = decide(&inquiry(Purpose::CriminalJustice), |_, _| Ok(cut(&[]))).unwrap();
        let heard = Heard::default();
        assert_eq!(nothing, Decision { finding: Finding::NoRecord, complete: false, searched: Sources::NONE, heard });
    }

    #[test]
    fn what_cannot_be_read_is_not_searched() {
        let text = "IAQ.ZA0010000\n08:00 01/31/2030 00011\n08:00 01/31/2030 00027 AX\nTXT\nPUR/C";
        let inquiry = Inquiry::read(1, &codec::legacy::parse_output(text.as_bytes()).unwrap());
        let decision = decide(&inquiry, |_, _| unreachable!("searched")).unwrap();
        assert!(matches!(decision.finding, Finding::MoreInformation(_)));
    }
}
