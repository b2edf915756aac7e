//! Full records as bytes: what a row's key does not say already.
//!
//! Names are written out only where the key's parts do not give them back: `GARCIA LOPEZ` is, `DE LA CRUZ` is not.

use jiff::civil::Date;

use crate::format::Row;
use crate::name::{fold, units};
use crate::{
    Admission, AdmissionClass, Alias, AlienNumber, Detail, Field, Identifier, IdentifierKind, Person, Place, Reference,
    Sex, ShortText, Source, Status, day,
};

/// The parts of a person's names by which rows are found: letters A–Z alone, empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) surname: String,
    pub(crate) second: String,
    pub(crate) given: String,
    pub(crate) middle: String,
}

impl Parts {
    pub(crate) fn of(surname: &str, given: &str, middle: &str) -> Self {
        let mut surnames = units(&fold(surname)).into_iter();
        let mut givens = units(&fold(given)).into_iter();
        let (surname, second) = (surnames.next().unwrap_or_default(), surnames.next().unwrap_or_default());
        let given = givens.next().unwrap_or_default();
        let middle = units(&fold(middle)).into_iter().next().or_else(|| givens.next()).unwrap_or_default();
        Self { surname, second, given, middle }
    }

    /// The surname that these parts give back.
    fn surnames(&self) -> String {
        if self.second.is_empty() { self.surname.clone() } else { format!("{} {}", self.surname, self.second) }
    }
}

/// The number of a place as keys hold it. Letters and digits only.
pub(crate) fn place_number(place: Place) -> u16 {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u16::from(byte - b'A'),
        b'0'..=b'9' => 26 + u16::from(byte - b'0'),
        _ => 0,
    };
    let [first, second]: [u8; 2] = place.as_str().as_bytes().try_into().unwrap_or(*b"YY");
    digit(first) * 36 + digit(second)
}

fn place_of(number: u16) -> Place {
    let digit =
        |number: u16| u8::try_from(number).map_or('A', |n| char::from(if n < 26 { b'A' + n } else { b'0' + n - 26 }));
    let code: String = [number / 36 % 36, number % 36].into_iter().map(digit).collect();
    Place::new(&code).unwrap_or(Place::OTHER)
}

/// The sex of a key's number, and back.
pub(crate) const fn sex_of(number: u8) -> Sex {
    match number {
        0 => Sex::Female,
        1 => Sex::Male,
        _ => Sex::Unknown,
    }
}

const HAS_REFERENCE: u8 = 1 << 3;
const HAS_ADMISSION: u8 = 1 << 4;
const HAS_UNTIL: u8 = 1 << 5;
const HAS_SINCE: u8 = 1 << 6;
const HAS_CITIZENSHIP: u8 = 1 << 7;

const OWN_SURNAME: u8 = 1 << 0;
const OWN_GIVEN: u8 = 1 << 1;
const OWN_MIDDLE: u8 = 1 << 2;
const OWN_BORN: u8 = 1 << 3;
const HAS_IDENTIFIERS: u8 = 1 << 4;
const HAS_ALIASES: u8 = 1 << 5;
const HAS_DETAILS: u8 = 1 << 6;

/// Writes a record whose name parts are those.
pub(crate) fn encode(person: &Person, parts: &Parts, out: &mut Vec<u8>) {
    let flag = |bit: u8, is: bool| if is { bit } else { 0 };
    let own = [
        flag(OWN_SURNAME, person.surname != parts.surnames()),
        flag(OWN_GIVEN, person.given != parts.given),
        flag(OWN_MIDDLE, person.middle != parts.middle),
        flag(OWN_BORN, person.born.is_some_and(|born| day::code(born) == 0)),
        flag(HAS_IDENTIFIERS, !person.identifiers.is_empty()),
        flag(HAS_ALIASES, !person.aliases.is_empty()),
        flag(HAS_DETAILS, !person.details.is_empty()),
    ];
    out.push(
        person.source as u8
            | flag(HAS_REFERENCE, person.reference.is_some())
            | flag(HAS_ADMISSION, person.admission.is_some())
            | flag(HAS_UNTIL, person.admission.is_some_and(|admission| admission.until.is_some()))
            | flag(HAS_SINCE, person.status_since.is_some())
            | flag(HAS_CITIZENSHIP, person.citizenship != person.birth_place),
    );
    out.push(own.iter().fold(0, |all, bit| all | bit));
    out.push(person.status as u8);
    if let Some(admission) = person.admission {
        let mut class = *b"   ";
        class.iter_mut().zip(admission.class.as_str().bytes()).for_each(|(slot, byte)| *slot = byte);
        out.extend_from_slice(&class);
        put_date(admission.on, out);
        admission.until.iter().for_each(|until| put_date(*until, out));
    }
    person.status_since.iter().for_each(|since| put_date(*since, out));
    if person.citizenship != person.birth_place {
        out.extend_from_slice(person.citizenship.as_str().as_bytes());
    }
    out.extend_from_slice(&person.alien_number.value().to_le_bytes());
    person.reference.iter().for_each(|reference| put_number(reference.number(), out));
    for (has, text) in own.iter().zip([&person.surname, &person.given, &person.middle]) {
        if *has != 0 {
            put_text(text, out);
        }
    }
    if let Some(born) = person.born.filter(|born| day::code(*born) == 0) {
        put_date(born, out);
    }
    if !person.identifiers.is_empty() {
        let identifiers = person.identifiers.iter().take(COUNT_MAX);
        out.push(u8::try_from(identifiers.len()).unwrap_or(u8::MAX));
        for identifier in identifiers {
            out.push(identifier.kind as u8 | if identifier.issuer.is_some() { 0x80 } else { 0 });
            identifier.issuer.iter().for_each(|issuer| out.extend_from_slice(issuer.as_str().as_bytes()));
            put_digits_or_text(identifier.text(), out);
        }
    }
    if !person.aliases.is_empty() {
        let aliases = person.aliases.iter().take(COUNT_MAX);
        out.push(u8::try_from(aliases.len()).unwrap_or(u8::MAX));
        aliases.flat_map(|a| [&a.surname, &a.given, &a.middle]).for_each(|text| put_text(text, out));
    }
    if !person.details.is_empty() {
        let details = person.details.iter().take(COUNT_MAX);
        out.push(u8::try_from(details.len()).unwrap_or(u8::MAX));
        for detail in details {
            match detail.text.parse::<Date>().ok().filter(|date| date.to_string() == detail.text.as_str()) {
                Some(date) => {
                    out.push(detail.field as u8 | 0x80);
                    put_date(date, out);
                }
                None => {
                    out.push(detail.field as u8);
                    put_digits_or_text(&detail.text, out);
                }
            }
        }
    }
}

/// Identifiers, aliases and details of one record that are kept.
pub(crate) const COUNT_MAX: usize = 32;

/// Reads a record whose row and name parts are those; none if the bytes are none that [`encode`] writes.
pub(crate) fn decode(mut bytes: &[u8], row: Row, born: Option<Date>, parts: &Parts) -> Option<Person> {
    let bytes = &mut bytes;
    let (head, own, status) = (take(bytes)?, take(bytes)?, take(bytes)?);
    let has = |bit: u8| head & bit != 0;
    let is_own = |bit: u8| own & bit != 0;
    let source = *Source::ALL.get(usize::from(head & 7))?;
    let admission = if has(HAS_ADMISSION) {
        let class = AdmissionClass::new(take_text(bytes, 3)?.trim_end())?;
        let on = take_date(bytes)?;
        let until = if has(HAS_UNTIL) { Some(take_date(bytes)?) } else { None };
        Some(Admission { class, on, until })
    } else {
        None
    };
    let status_since = if has(HAS_SINCE) { Some(take_date(bytes)?) } else { None };
    let birth_place = place_of(row.place);
    let citizenship = if has(HAS_CITIZENSHIP) { Place::new(take_text(bytes, 2)?)? } else { birth_place };
    let alien_number = AlienNumber::new(u32::from_le_bytes(take_bytes(bytes)?))?;
    let reference = if has(HAS_REFERENCE) { Some(Reference::new(source, take_number(bytes)?)?) } else { None };
    let mut name = |bit: u8, of_parts: String| {
        if is_own(bit) { take_long_text(bytes).map(str::to_owned) } else { Some(of_parts) }
    };
    let surname = name(OWN_SURNAME, parts.surnames())?;
    let given = name(OWN_GIVEN, parts.given.clone())?;
    let middle = name(OWN_MIDDLE, parts.middle.clone())?;
    let born = if is_own(OWN_BORN) { Some(take_date(bytes)?) } else { born };
    let mut person = Person {
        reference,
        surname,
        given,
        middle,
        born,
        sex: sex_of(row.sex),
        birth_place,
        citizenship,
        admission,
        status_since,
        ..Person::new(alien_number, source, Status::from_number(status)?)
    };
    if is_own(HAS_IDENTIFIERS) {
        for _ in 0..take(bytes)? {
            let kind = take(bytes)?;
            let issuer = if kind & 0x80 != 0 { Some(Place::new(take_text(bytes, 2)?)?) } else { None };
            let kind = IdentifierKind::from_number(kind & 0x7F)?;
            person.identifiers.push(Identifier::new(kind, &take_digits_or_text(bytes)?, issuer)?);
        }
    }
    if is_own(HAS_ALIASES) {
        for _ in 0..take(bytes)? {
            let mut text = || take_long_text(bytes).map(str::to_owned);
            person.aliases.push(Alias { surname: text()?, given: text()?, middle: text()? });
        }
    }
    if is_own(HAS_DETAILS) {
        for _ in 0..take(bytes)? {
            let field = take(bytes)?;
            let text = if field & 0x80 != 0 {
                ShortText::from(&take_date(bytes)?.to_string()).ok()?
            } else {
                take_digits_or_text(bytes)?
            };
            person.details.push(Detail { field: Field::from_number(field & 0x7F)?, text });
        }
    }
    bytes.is_empty().then_some(person)
}

/// Days since the first day of a code in two bytes; a day out of that range is written out behind a zero.
fn put_date(date: Date, out: &mut Vec<u8>) {
    let code = day::code(date);
    out.extend_from_slice(&code.to_le_bytes());
    if code == 0 {
        out.extend_from_slice(&day::of(date).to_le_bytes());
    }
}

fn take_date(bytes: &mut &[u8]) -> Option<Date> {
    match u16::from_le_bytes(take_bytes(bytes)?) {
        0 => day::date(i32::from_le_bytes(take_bytes(bytes)?)),
        code => day::of_code(code),
    }
}

/// Seven bits a byte, lowest first.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while let low @ 0x80.. = number {
        out.push((low & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7F) as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = take(bytes)?;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Leading letters, then digits as one number: most numbers are such. A length over 32 says that it is plain text.
fn put_digits_or_text(text: &str, out: &mut Vec<u8>) {
    let letters = text.bytes().take_while(|b| !b.is_ascii_digit()).count();
    let (front, digits) = text.split_at_checked(letters).unwrap_or((text, ""));
    let number = if digits.len() > 18 || front.len() > 7 { None } else { digits.parse::<u64>().ok() };
    match (number, u8::try_from(digits.len() << 3 | front.len())) {
        (Some(number), Ok(lengths)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            out.push(lengths);
            out.extend_from_slice(front.as_bytes());
            put_number(number, out);
        }
        _ => {
            out.push(PLAIN | u8::try_from(text.len()).unwrap_or(0));
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Marks plain text: a length of digits that is not used.
const PLAIN: u8 = 0xE0;

fn take_digits_or_text(bytes: &mut &[u8]) -> Option<ShortText> {
    let lengths = take(bytes)?;
    if lengths >= PLAIN {
        return ShortText::from(take_text(bytes, usize::from(lengths - PLAIN))?).ok();
    }
    let front = take_text(bytes, usize::from(lengths & 7))?;
    let (width, mut number) = (usize::from(lengths >> 3), take_number(bytes)?);
    let mut digits = [b'0'; 18];
    for digit in digits.get_mut(..width)?.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).ok()?;
        number /= 10;
    }
    let mut text = ShortText::from(front).ok()?;
    text.try_push_str(std::str::from_utf8(digits.get(..width)?).ok()?).ok()?;
    Some(text)
}

/// Text of at most 255 bytes: what is longer is cut, at a character.
fn put_text(text: &str, out: &mut Vec<u8>) {
    let length = text.floor_char_boundary(255);
    out.push(u8::try_from(length).unwrap_or(u8::MAX));
    out.extend(text.bytes().take(length));
}

fn take_long_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = take(bytes)?;
    take_text(bytes, usize::from(length))
}

fn take(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn take_bytes<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

fn take_text<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a str> {
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}
