//! An inquiry as the center reads it: who asks, and about whom (`protocol-specs/formats.md` 3.2).

use std::fmt;
use std::num::NonZeroU32;

use codec::dictionary::{Dictionary, birth_date};
use codec::legacy::{Output, fields};
use codec::name::{Control, Ori};
use codec::time::Stamp;
use jiff::civil::Date;
use records::{AlienNumber, Place, Query, Sex};

/// The key of an inquiry.
pub const IAQ: &str = "IAQ";

/// One inquiry: all that its acknowledgement and its answer can depend on, the record index aside.
///
/// The switch delivers an inquiry again until it is acknowledged, with the same number. After a restart of the switch
/// the line of the send time and OSN may be another. Nothing of that line is kept here, so that nothing that is said
/// can depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// The center's number of it.
    pub query: QueryId,
    /// Who asks, and is answered.
    pub requester: Ori,
    /// When the switch received it: what an answer says of time, and the day that ages are counted at.
    pub received: Stamp,
    /// The requester's own mark, repeated in every answer.
    pub control: Option<Control>,
    /// About whom.
    pub subject: Result<Subject, Unreadable>,
}

impl Inquiry {
    /// Reads an IAQ that the switch delivered with that validation. What the body lacks is no error here: the answer
    /// says it.
    #[must_use]
    pub fn read(validation: u32, output: &Output<'_>) -> Self {
        Self {
            query: QueryId(NonZeroU32::new(validation)),
            requester: output.sender,
            received: output.received,
            control: output.control,
            subject: Subject::read(output),
        }
    }
}

/// The center's number of an inquiry: the number of the switch's delivery, which is the same each time that the
/// inquiry comes. A delivery without a number cannot be recognized when it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueryId(pub Option<NonZeroU32>);

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:010}", self.0.map_or(0, NonZeroU32::get))
    }
}

/// Why the inquiry is made: field PUR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// `C`: what is on record is told.
    CriminalJustice,
    /// `F`: the status alone is told, since the decision is not the center's (`protocol-specs/formats.md` 6.1).
    Firearms,
}

/// The person asked about.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// Why.
    pub purpose: Purpose,
    /// Field NAM, as written.
    pub name: String,
    /// Field DOB, as written.
    pub born: String,
    /// Field CUS: the person is in custody.
    pub custody: bool,
    /// What is searched for.
    pub query: Query,
}

impl Subject {
    fn read(output: &Output<'_>) -> Result<Self, Unreadable> {
        // The switch has checked it against the same dictionary, at the same day. The center does not rely on that.
        let received = output.received.date();
        let spec = Dictionary::builtin().spec(output.key).ok_or_else(|| Unreadable::new("MKE"))?;
        spec.check_body(output.body, received).map_err(|error| Unreadable(error.detail))?;
        Self::from_fields(output.body, received).map_err(Unreadable::new)
    }

    /// Reads a body that fits the dictionary; the error is the prefix that is missing all the same.
    fn from_fields(body: &[u8], received: Date) -> Result<Self, &'static str> {
        let field = |prefix: &str| {
            fields(body).flatten().find(|field| field.prefix.eq_ignore_ascii_case(prefix)).map(|field| field.value)
        };
        let purpose = match field("PUR") {
            Some("C" | "c") => Purpose::CriminalJustice,
            Some("F" | "f") => Purpose::Firearms,
            _ => return Err("PUR"),
        };
        let name = field("NAM").ok_or("NAM")?;
        let (surname, given_names) = name.split_once(',').ok_or("NAM")?;
        let given_names = given_names.trim();
        let (given, middle) = given_names.split_once(' ').unwrap_or((given_names, ""));
        let born = field("DOB").ok_or("DOB")?;
        let query = Query {
            surname: surname.trim().to_owned(),
            given: given.to_owned(),
            middle: middle.trim().to_owned(),
            born: Some(birth_date(born, received).ok_or("DOB")?),
            sex: field("SEX").and_then(|sex| sex.chars().next()).and_then(Sex::from_letter).unwrap_or_default(),
            birth_place: field("POB").and_then(Place::new),
            // Zeros alone are a form's way of leaving it out.
            alien_number: field("ARN").and_then(|number| number.parse::<AlienNumber>().ok()),
            numbers: Vec::new(),
        };
        let custody = matches!(field("CUS"), Some("Y" | "y"));
        Ok(Self { purpose, name: name.to_owned(), born: born.to_owned(), custody, query })
    }
}

/// Says what was asked for, never about whom: inquiries do not belong in logs.
impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("purpose", &self.purpose).field("query", &self.query).finish_non_exhaustive()
    }
}

/// What an inquiry's body lacks: prefixes and what is wrong with them, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the inquiry cannot be read: {0}")]
pub struct Unreadable(String);

impl Unreadable {
    pub(crate) fn new(prefix: &str) -> Self {
        Self(prefix.to_owned())
    }

    /// The prefixes, as an answer names them.
    #[must_use]
    pub fn missing(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use codec::legacy::parse_output;

    use super::*;

    fn read(body: &str) -> Inquiry {
        let text = format!(
            "IAQ.ZA0010000\r\n08:00 01/31/2030 00011\r\n08:00 01/31/2030 00027 AX\r\n*T0000001AA\r\nTXT\r\n{body}"
        );
        Inquiry::read(12, &parse_output(text.as_bytes()).unwrap())
    }

    fn body(change: &[(&str, &str)]) -> String {
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

    #[test]
    fn header_and_number_of_the_delivery_are_read() {
        let inquiry = read(&body(&[]));
        assert_eq!(inquiry.query.to_string(), "E0000000012");
        assert_eq!(QueryId(NonZeroU32::new(u32::MAX)).to_string(), "E4294967295");
        assert_eq!(
            (inquiry.requester.as_str(), inquiry.received.to_string().as_str()),
            ("ZA0010000", "08:00 01/31/2030")
        );
        assert_eq!(inquiry.control.unwrap().as_str(), "T0000001AA");
    }

    #[test]
    fn names_are_taken_apart_at_comma_and_first_space() {
        for (name, expected) in [
            ("SAMPLE, PERSON A", ["SAMPLE", "PERSON", "A"]),
            ("SAMPLE,PERSON", ["SAMPLE", "PERSON", ""]),
            ("DE LA CRUZ, MARIA DEL CARMEN", ["DE LA CRUZ", "MARIA", "DEL CARMEN"]),
            ("O'TEST-ONE, A", ["O'TEST-ONE", "A", ""]),
        ] {
            let subject = read(&body(&[("NAM", name)])).subject.unwrap();
            let Query { surname, given, middle, .. } = &subject.query;
            assert_eq!([surname, given, middle], expected, "{name}");
            assert_eq!(subject.name, name);
        }
    }

    #[test]
    fn other_identifiers_are_read() {
        let query = |change: &[(&str, &str)]| read(&body(change)).subject.unwrap().query;
        let born = |text| query(&[("DOB", text)]).born.unwrap().to_string();
        assert_eq!([born("19800102"), born("010280"), born("013130")], ["1980-01-02", "1980-01-02", "2030-01-31"]);
        assert_eq!([query(&[]).sex, query(&[("SEX", "U")]).sex], [Sex::Male, Sex::Unknown]);
        assert_eq!(query(&[("POB", "YY")]).birth_place, Some(Place::OTHER));
        let number = |text| query(&[("ARN", text)]).alien_number.map(AlienNumber::value);
        let numbers = ["", "A12345678", "00000012", "000000012", "000000000"].map(number);
        assert_eq!(numbers, [None, Some(12_345_678), Some(12), Some(12), None]);
        assert_eq!(read(&body(&[("PUR", "F")])).subject.unwrap().purpose, Purpose::Firearms);
    }

    #[test]
    fn what_cannot_be_read_is_named_without_its_value() {
        for (change, expected) in [
            (&[("NAM", ""), ("DOB", "")][..], "NAM, DOB"),
            (&[("PUR", "X")], "PUR VALUE"),
            (&[("NAM", "SAMPLE")], "NAM NOT SURNAME, GIVEN NAMES"),
            (&[("DOB", "19801302")], "DOB DATE"),
            (&[("DOB", "20300201")], "DOB DATE"),
            (&[("SEX", "Q")], "SEX VALUE"),
            (&[("POB", "XX")], "POB VALUE"),
            (&[("ARN", "1234567")], "ARN LENGTH"),
            (&[("CUS", "Y.DOB/19800102")], "DOB REPEATED"),
        ] {
            assert_eq!(read(&body(change)).subject.unwrap_err().missing(), expected);
        }
        assert!(read("").subject.unwrap_err().missing().starts_with("PUR, ATN"));
    }

    #[test]
    fn debug_shows_nobody() {
        let shown = format!("{:?}", read(&body(&[("ARN", "012345678")])));
        for secret in ["SAMPLE", "PERSON", "1980", "12345678"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
