//! A small index of made-up persons, and inquiries about them.

use codec::legacy::parse_output;
use codec::name::Ori;
use jiff::civil::{Date, date};
use records::{
    Admission, AlienNumber, Holdings, Index, Person, Place, Settings, Sex, Source, Status, build_bytes, synth,
};
use responder::answer::{ORI, Reply, Writer};
use responder::decision::decide;
use responder::inquiry::Inquiry;
use responder::template::Templates;

/// One person on record three times, two who cannot be told apart, one whose sex is recorded otherwise, and a crowd.
pub(crate) fn persons() -> Vec<Person> {
    let born = date(1980, 1, 2);
    let mut persons = vec![
        record(901, "SAMPLE", "PERSON", "A", born, Status::PermanentResident, 2001),
        record(901, "SAMPLE", "PERSON", "A", born, Status::Departed, 1998),
        record(901, "SAMPLE", "PERSON", "", born, Status::BenefitApproved, 2000),
        record(902, "EXAMPLE", "TWIN", "", born, Status::InProceedings, 2010),
        record(903, "EXAMPLE", "TWIN", "", born, Status::AsylumPending, 2011),
        Person { sex: Sex::Female, ..record(904, "SAMPEL", "PERSON", "", born, Status::StudentActive, 2015) },
    ];
    let crowd = (0..14).map(|one| record(910 + one, "CROWD", "ONE", "", born, Status::Overstayed, 2005));
    persons.extend(crowd.map(|one| Person { sex: Sex::Female, ..one }));
    persons
}

fn record(number: u32, surname: &str, given: &str, middle: &str, born: Date, status: Status, since: i16) -> Person {
    Person {
        alien_number: AlienNumber::new(number).unwrap(),
        source: status.source(),
        reference: None,
        surname: surname.to_owned(),
        given: given.to_owned(),
        middle: middle.to_owned(),
        born: Some(born),
        sex: Sex::Male,
        birth_place: Place::new("MM").unwrap(),
        citizenship: Place::new("MM").unwrap(),
        admission: None::<Admission>,
        status,
        status_since: Some(date(since, 3, 14)),
        identifiers: Vec::new(),
        aliases: Vec::new(),
        details: Vec::new(),
    }
}

pub(crate) fn index() -> Holdings {
    holdings(persons())
}

/// Persons by the sources that have any.
pub(crate) fn by_source(persons: Vec<Person>) -> Vec<(Source, Vec<Person>)> {
    let of = |source| persons.iter().filter(move |person| person.source == source).cloned().collect::<Vec<_>>();
    Source::ALL.into_iter().map(|source| (source, of(source))).filter(|(_, of)| !of.is_empty()).collect()
}

fn holdings(persons: Vec<Person>) -> Holdings {
    let index = |persons| Index::from_bytes(build_bytes(persons).unwrap()).unwrap();
    Holdings::new(by_source(persons).into_iter().map(|(source, of)| (source.name().to_owned(), index(of))).collect())
}

/// An index of nobody in particular, in which little is found by chance and something now and then.
pub(crate) fn crowd() -> Holdings {
    holdings(synth::persons(1, 2_000).chain(persons()).collect())
}

pub(crate) fn writer() -> Writer {
    Writer::new(*ORI, Templates::load(None).unwrap())
}

pub(crate) fn requester() -> Ori {
    Ori::parse("ZA0010000").unwrap()
}

/// A body whose fields are the usual ones, changed; an empty value leaves a field out.
pub(crate) fn body(change: &[(&str, &str)]) -> String {
    let usual = [
        ("PUR", "C"),
        ("ATN", "SGT TEST ONE"),
        ("PHN", "5555550100"),
        ("NAM", "SAMPLE, PERSON A"),
        ("DOB", "19800102"),
        ("SEX", "M"),
        ("POB", "MM"),
        ("CUS", "Y"),
        ("OFF", "0399"),
        ("ARN", ""),
    ];
    let value = |prefix, usual| change.iter().find(|(changed, _)| *changed == prefix).map_or(usual, |(_, to)| *to);
    let fields = usual.map(|(prefix, usual)| (prefix, value(prefix, usual)));
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    fields.map(|(prefix, value)| format!("{prefix}/{value}")).collect::<Vec<_>>().join(".")
}

/// An inquiry as the switch delivers it; `sent` is the line of send time, OSN and destination.
pub(crate) fn delivered(sent: &str, body: &str) -> String {
    let eol = "\r\n\x7f";
    format!("IAQ.ZA0010000{eol}08:00 01/31/2030 00011{eol}{sent}{eol}*T0000001AA{eol}TXT{eol}{body}")
}

/// What a line of send time usually is.
pub(crate) const SENT: &str = "08:00 01/31/2030 00027 AX";

/// What the center replies to the bytes of an inquiry: none if they are no message.
pub(crate) fn replies(holdings: &Holdings, writer: &Writer, validation: u32, bytes: &[u8]) -> Option<[Reply; 2]> {
    let inquiry = Inquiry::read(validation, &parse_output(bytes).ok()?);
    let decision = decide(&inquiry, |query, limit| holdings.search(query, &Settings::best(limit))).unwrap();
    Some([writer.acknowledgement(&inquiry), writer.answer(&inquiry, &decision)])
}
