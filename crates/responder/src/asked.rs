//! What a stand-in reads of a message: its fields, what tells it from every other, and the search that it asks for.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use codec::dictionary::{Dictionary, birth_date};
use codec::legacy::{InputHeader, Output, fields};
use codec::name::{MessageKey, Ori};
use jiff::civil::Date;
use records::{AlienNumber, Identifier, IdentifierKind, Query, Sex};
use sha2::{Digest as _, Sha256};

use crate::answer::FIRST_LINE;
use crate::history;

/// The fields of a body, by prefix.
pub(crate) type Asked = BTreeMap<String, String>;

/// An answer, without its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Its key.
    pub(crate) key: &'static str,
    /// Its text.
    pub(crate) text: String,
}

impl Answer {
    /// The whole message, from an ORI of the station to whoever asked, under the control field of the inquiry.
    pub(crate) fn message(&self, from: Ori, output: &Output<'_>) -> Bytes {
        // The keys of answers are keys.
        let key = MessageKey::parse(self.key).unwrap_or(output.key);
        let destinations = [output.sender.as_str()];
        let header = InputHeader { key, sender: from, destinations: &destinations, control: output.control };
        header.encode(format!("{FIRST_LINE}\r\n{}", self.text).as_bytes())
    }
}

/// The number by which the switch knows an answer if it comes again: the same for the same delivery, station and place.
pub(crate) fn validation(delivery: u32, station: &str, place: u8) -> Option<NonZeroU32> {
    let delivery = NonZeroU32::new(delivery)?.get();
    let hash =
        Sha256::new().chain_update(delivery.to_be_bytes()).chain_update(station).chain_update([place]).finalize();
    let (words, _) = hash.as_chunks();
    words.iter().find_map(|word| NonZeroU32::new(u32::from_be_bytes(*word)))
}

/// The fields of a message, folded to capitals; none if they do not fit the dictionary.
pub(crate) fn read(output: &Output<'_>) -> Option<Asked> {
    let spec = Dictionary::builtin().spec(output.key)?;
    spec.check_body(output.body, output.received.date()).ok()?;
    Some(read_any(output))
}

/// The fields of a message whose text may be free, as far as there are some.
pub(crate) fn read_any(output: &Output<'_>) -> Asked {
    let fields = fields(output.body).flatten();
    fields.map(|field| (field.prefix.to_ascii_uppercase(), field.value.trim().to_ascii_uppercase())).collect()
}

/// What tells a request from every other: the number of its delivery, who sent it, when the switch received it, and all
/// that it says. The same if it comes again.
pub fn mark(delivery: u32, output: &Output<'_>) -> String {
    let hash = Sha256::new()
        .chain_update(delivery.to_be_bytes())
        .chain_update(output.sender.as_str())
        .chain_update(output.received.to_string())
        .chain_update(output.body)
        .finalize();
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Fields as an answer repeats them.
pub(crate) fn shown(asked: &Asked, prefixes: &[&str]) -> String {
    let given = prefixes.iter().filter_map(|prefix| Some(format!("{prefix}/{}", asked.get(*prefix)?)));
    given.collect::<Vec<_>>().join(" ")
}

/// Surname and given names.
pub(crate) fn name(asked: &Asked) -> (String, String) {
    let (surname, given) = asked.get("NAM").and_then(|name| name.split_once(',')).unwrap_or_default();
    (surname.trim().to_owned(), given.trim().to_owned())
}

/// The search of the persons.
pub(crate) fn to_query(asked: &Asked, today: Date) -> Query {
    let (surname, given) = name(asked);
    let (given, middle) = given.split_once(' ').unwrap_or((&given, ""));
    let number = |prefix: &str, kind| asked.get(prefix).and_then(|text| Identifier::new(kind, text, None));
    let sid = asked.get("SID").map(String::as_str);
    let of_state = sid.and_then(history::fbi_number);
    let of_state = of_state.and_then(|fbi| Identifier::new(IdentifierKind::Fbi, &fbi, None));
    let mnu = asked.get("MNU").and_then(|number| number.strip_prefix("AR-"));
    let mnu = mnu.and_then(|number| number.parse::<AlienNumber>().ok());
    Query {
        surname,
        given: given.to_owned(),
        middle: middle.trim().to_owned(),
        born: asked.get("DOB").and_then(|born| birth_date(born, today)),
        sex: asked.get("SEX").and_then(|sex| sex.chars().next()).and_then(Sex::from_letter).unwrap_or_default(),
        birth_place: None,
        alien_number: mnu.or_else(|| sid.and_then(history::alien_number)),
        numbers: [number("FBI", IdentifierKind::Fbi), number("SOC", IdentifierKind::Ssn), of_state]
            .into_iter()
            .flatten()
            .collect(),
    }
}
