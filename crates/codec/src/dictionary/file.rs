//! The dictionary's files: TOML, one for each key, checked against each other before anything uses them.
//!
//! ```toml
//! key = "IAQ"
//! title = "Immigration alien inquiry"
//! source = "formats.md 3.2"
//! mark = "certain"                     # certain | probable | inferred
//! sender = "any"                       # any | granted | switch
//! authorization = "C"                  # A | C | D | Z; left out: none
//! priority = "query"                   # status | error | query | administrative
//! hold_hours = 72                      # left out: as the network says
//! first_line = "…"                     # left out: none
//! destinations = { kinds = ["line"], max = 1, max_lines = 1 } # kinds: line | group (with line) | ori
//! answer = { key = "IAR", count = 2 }  # left out: none
//! urgent = { prefix = "PRI", value = "U" } # left out: never; the value that makes a message urgent
//! notes = ["…"]                        # left out: none; what a reader has to know beside the fields
//! example = "IAQ.ZZ0010000.AX.TXT…"    # left out: none; a message as somebody sends it
//!
//! [body]                               # left out: text
//! missing = 14                         # 14 | 22: the ER that says which required fields are not there
//! unknown = "carried"                  # carried | refused
//! chosen_by = "RTY"                    # left out: none; the field whose value says which of the sets it can be
//! sets = [                             # left out: none; else exactly one of them
//!     { for = ["SL"], required = ["LIC", "LIS"], optional = ["LIY"] },
//!     { for = ["WP"], required = ["NAM"] },
//! ]
//!
//! [[field]]
//! prefix = "POB"
//! label = "Place of birth"
//! help = "…"
//! required = true                      # left out: false
//! length = [2, 2]                      # least and most bytes; least 0: an empty value takes away what stood there
//! characters = "A-Z"                   # as between the brackets of a regular expression
//! values = [{ code = "Y", text = "…" }]
//! table = "place"                      # a name of `codec::codes::Table`
//! except = ["XX"]                      # codes of the table that are refused
//! form = "name"                        # see `file/field.rs`
//! courtesy = "A"                       # accepted before the value, and dropped
//! free = true                          # left out: coded, travels in upper case
//! refusal = 16                         # left out: 22
//! source = "formats.md 3.2"
//! mark = "certain"
//! ```

mod field;

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use self::field::FieldFile;
use super::field::{FieldRules, FieldSpec, Unknown, bit, packed};
use super::sets::{FieldSet, FieldSets};
use super::{Answer, Authorization, Body, DestinationRule, Mark, MessageSpec, Priority, Sender, Urgent};
use crate::legacy::{self, Destinations};
use crate::name::MessageKey;
use crate::notice::ErNumber;

/// What is wrong with a file of the dictionary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct DictionaryError {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// The specs of all files in order of their keys.
pub(super) fn parse(files: &[(&str, &str)]) -> Result<Vec<MessageSpec>, DictionaryError> {
    let mut read = Vec::with_capacity(files.len());
    for (name, text) in files {
        let source = Source { name, text };
        let file: File = toml::from_str(text)
            .map_err(|error| source.error(&error.span().unwrap_or_default(), error.message().to_owned()))?;
        let answer_key = file.answer.as_ref().map(|answer| answer.key.span());
        read.push((source.spec(&file)?, source, file.key.span(), answer_key));
    }
    read.sort_by_key(|(spec, ..)| spec.key);
    for ((one, ..), (two, source, key, _)) in read.iter().zip(read.iter().skip(1)) {
        if one.key == two.key {
            return Err(source.error(key, format!("{} has a file already", two.key)));
        }
    }
    for (spec, source, _, answer_key) in &read {
        if let (Some(answer), Some(span)) = (&spec.answer, answer_key)
            && !read.iter().any(|(known, ..)| known.key == answer.key)
        {
            return Err(source.error(span, format!("no file says what {} is", answer.key)));
        }
    }
    Ok(read.into_iter().map(|(spec, ..)| spec).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: Spanned<String>,
    title: Spanned<String>,
    source: Spanned<String>,
    mark: Spanned<String>,
    sender: Spanned<String>,
    authorization: Option<Spanned<String>>,
    priority: Spanned<String>,
    hold_hours: Option<Spanned<u64>>,
    first_line: Option<Spanned<String>>,
    destinations: Spanned<DestinationsFile>,
    answer: Option<AnswerFile>,
    urgent: Option<Spanned<UrgentFile>>,
    #[serde(default)]
    notes: Vec<Spanned<String>>,
    example: Option<Spanned<String>>,
    body: Option<Spanned<BodyFile>>,
    #[serde(default)]
    field: Vec<Spanned<FieldFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DestinationsFile {
    kinds: Vec<Spanned<String>>,
    max: usize,
    max_lines: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    key: Spanned<String>,
    count: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UrgentFile {
    prefix: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyFile {
    missing: Spanned<u8>,
    unknown: Spanned<String>,
    chosen_by: Option<Spanned<String>>,
    #[serde(default)]
    sets: Vec<Spanned<SetFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetFile {
    #[serde(default, rename = "for")]
    values: Vec<String>,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
}

/// A year: nothing is held longer.
const HOLD_HOURS_MAX: u64 = 8760;

/// How many answers one message can have.
const ANSWERS_MAX: usize = 8;

#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn error(&self, span: &Range<usize>, what: String) -> DictionaryError {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count().saturating_add(1);
        DictionaryError { file: self.name.to_owned(), line, what }
    }

    fn require(&self, holds: bool, span: &Range<usize>, what: &str) -> Result<(), DictionaryError> {
        if holds { Ok(()) } else { Err(self.error(span, what.to_owned())) }
    }

    /// The one of a few words that is written.
    fn choice<T: Copy>(&self, written: &Spanned<String>, choices: &[(&str, T)]) -> Result<T, DictionaryError> {
        let found = choices.iter().find(|(word, _)| word == written.get_ref()).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            self.error(&written.span(), format!("must be one of {}", words.join(", ")))
        })
    }

    fn text(&self, written: &Spanned<String>) -> Result<String, DictionaryError> {
        let printable = written.get_ref().chars().all(|one| !one.is_control());
        let holds = printable && !written.get_ref().trim().is_empty();
        self.require(holds, &written.span(), "must be a text of one line")?;
        Ok(written.get_ref().clone())
    }

    fn key(&self, written: &Spanned<String>) -> Result<MessageKey, DictionaryError> {
        MessageKey::parse(written.get_ref()).map_err(|error| self.error(&written.span(), error.to_string()))
    }

    fn mark(&self, written: &Spanned<String>) -> Result<Mark, DictionaryError> {
        let marks = [("certain", Mark::Certain), ("probable", Mark::Probable), ("inferred", Mark::Inferred)];
        self.choice(written, &marks)
    }

    fn spec(&self, file: &File) -> Result<MessageSpec, DictionaryError> {
        let senders = [("any", Sender::Any), ("granted", Sender::Granted), ("switch", Sender::Switch)];
        let priorities = [
            ("status", Priority::Status),
            ("error", Priority::Error),
            ("query", Priority::Query),
            ("administrative", Priority::Administrative),
        ];
        let authorizations = [
            ("A", Authorization::Administrative),
            ("C", Authorization::CriminalHistory),
            ("D", Authorization::Driver),
            ("Z", Authorization::Other),
        ];
        let body = self.body(file)?;
        Ok(MessageSpec {
            key: self.key(&file.key)?,
            title: self.text(&file.title)?,
            source: self.text(&file.source)?,
            mark: self.mark(&file.mark)?,
            sender: self.choice(&file.sender, &senders)?,
            authorization: file.authorization.as_ref().map(|one| self.choice(one, &authorizations)).transpose()?,
            destinations: self.destinations(&file.destinations)?,
            priority: self.choice(&file.priority, &priorities)?,
            hold: file.hold_hours.as_ref().map(|hours| self.hold(hours)).transpose()?,
            answer: file.answer.as_ref().map(|answer| self.answer(answer)).transpose()?,
            first_line: file.first_line.as_ref().map(|line| self.first_line(line)).transpose()?,
            urgent: file.urgent.as_ref().map(|urgent| self.urgent(urgent, &body)).transpose()?,
            notes: file.notes.iter().map(|note| self.text(note)).collect::<Result<_, _>>()?,
            example: file.example.as_ref().map(|example| self.example(example, &file.key)).transpose()?,
            body,
        })
    }

    fn destinations(&self, written: &Spanned<DestinationsFile>) -> Result<DestinationRule, DictionaryError> {
        let DestinationsFile { kinds, max, max_lines } = written.get_ref();
        let span = written.span();
        let words = kinds.iter().map(|kind| self.choice(kind, &[("line", 'l'), ("group", 'g'), ("ori", 'o')]));
        let words = words.collect::<Result<Vec<_>, _>>()?;
        let [line, group, ori] = ['l', 'g', 'o'].map(|kind| words.contains(&kind));
        self.require(line || ori, &span, "kinds must name line, ori, or both")?;
        self.require(line || !group, &span, "what goes to groups goes to lines")?;
        self.require((1..=Destinations::MAX).contains(max), &span, "max must be 1 to 32")?;
        self.require(*max_lines <= *max && line == (*max_lines > 0), &span, "max_lines must fit kinds and max")?;
        Ok(DestinationRule { line, group, ori, max: *max, max_lines: *max_lines })
    }

    fn hold(&self, hours: &Spanned<u64>) -> Result<Duration, DictionaryError> {
        self.require((1..=HOLD_HOURS_MAX).contains(hours.get_ref()), &hours.span(), "must be 1 to 8760")?;
        Ok(Duration::from_secs(hours.get_ref().saturating_mul(3600)))
    }

    fn answer(&self, written: &AnswerFile) -> Result<Answer, DictionaryError> {
        self.require((1..=ANSWERS_MAX).contains(&written.count), &written.key.span(), "count must be 1 to 8")?;
        Ok(Answer { key: self.key(&written.key)?, count: written.count })
    }

    fn first_line(&self, written: &Spanned<String>) -> Result<String, DictionaryError> {
        let printable = written.get_ref().bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        self.require(printable, &written.span(), "must be printable ASCII")?;
        self.text(written)
    }

    fn body(&self, file: &File) -> Result<Body, DictionaryError> {
        let Some(written) = &file.body else {
            let first = file.field.first().map(Spanned::span).unwrap_or_default();
            self.require(file.field.is_empty(), &first, "a key without [body] has no fields")?;
            return Ok(Body::Text);
        };
        let span = written.span();
        let BodyFile { missing, unknown, .. } = written.get_ref();
        self.require(!file.field.is_empty(), &span, "a key with [body] has fields")?;
        self.require(file.field.len() <= FieldRules::FIELDS_MAX, &span, "a key has at most 64 fields")?;
        let mut fields: Vec<FieldSpec> = Vec::with_capacity(file.field.len());
        for written in &file.field {
            let field = self.field(written)?;
            let new = !fields.iter().any(|known| known.prefix == field.prefix);
            self.require(new, &written.get_ref().prefix.span(), "is listed twice")?;
            fields.push(field);
        }
        let number = ErNumber::from_number(*missing.get_ref());
        let Some(missing @ (ErNumber::FieldsMissing | ErNumber::Options)) = number else {
            return Err(self.error(&missing.span(), "must be 14 or 22".to_owned()));
        };
        let unknown = self.choice(unknown, &[("carried", Unknown::Carried), ("refused", Unknown::Refused)])?;
        let required =
            fields.iter().enumerate().fold(0, |all, (at, field)| if field.required { all | bit(at) } else { all });
        let sets = self.sets(written.get_ref(), &fields)?;
        let options = match sets.sets.as_slice() {
            [] => vec![FieldRules::names(&fields, required)],
            sets => sets.iter().map(|set| FieldRules::names(&fields, required | set.required)).collect(),
        };
        let packed = fields.iter().map(|field| packed(field.prefix.as_str())).collect();
        let courtesy = |field: &FieldSpec| Some(format!("{}/{}", field.prefix, field.courtesy?).into_bytes());
        let courtesies = fields.iter().filter_map(courtesy).collect();
        Ok(Body::Fields(FieldRules { fields, packed, required, sets, missing, unknown, courtesies, options }))
    }

    fn sets(&self, written: &BodyFile, fields: &[FieldSpec]) -> Result<FieldSets, DictionaryError> {
        let chosen_by = match &written.chosen_by {
            None => None,
            Some(prefix) => {
                let chooses = |field: &FieldSpec| {
                    field.prefix.as_str() == prefix.get_ref() && field.required && !field.values.is_empty()
                };
                let at = fields.iter().position(chooses);
                self.require(at.is_some(), &prefix.span(), "must be a required field that lists its values")?;
                self.require(!written.sets.is_empty(), &prefix.span(), "there is no set to choose")?;
                at
            }
        };
        let chosen: &[_] = chosen_by.and_then(|at| fields.get(at)).map_or(&[], |field| field.values.as_slice());
        let mut sets = Vec::with_capacity(written.sets.len());
        for set in &written.sets {
            let span = set.span();
            let SetFile { values, required, optional } = set.get_ref();
            let known = |value: &String| chosen.iter().any(|known| known.code == *value);
            let fits = values.is_empty() == chosen.is_empty() && values.iter().all(known);
            self.require(fits, &span, "for must name values of the field that chooses, and only of it")?;
            self.require(!required.is_empty() || !chosen.is_empty(), &span, "a set has fields")?;
            let (required, optional) = (self.members(required, fields, &span)?, self.members(optional, fields, &span)?);
            self.require(required & optional == 0, &span, "a field is either required or optional")?;
            sets.push(FieldSet { values: values.clone(), required, optional });
        }
        let first = written.sets.first().map(Spanned::span).unwrap_or_default();
        self.require(sets.len() <= FieldSets::MAX, &first, "a key has at most 64 sets")?;
        let reached = chosen.iter().all(|value| sets.iter().any(|set| set.values.contains(&value.code)));
        self.require(reached, &first, "each value of the field that chooses must have a set")?;
        Ok(FieldSets { sets, chosen_by })
    }

    fn members(&self, prefixes: &[String], fields: &[FieldSpec], span: &Range<usize>) -> Result<u64, DictionaryError> {
        prefixes.iter().try_fold(0, |set, prefix| {
            let at = fields.iter().position(|field| field.prefix.as_str() == prefix && !field.required);
            at.map(|at| set | bit(at))
                .ok_or_else(|| self.error(span, "a set names optional fields of the key".to_owned()))
        })
    }

    fn urgent(&self, written: &Spanned<UrgentFile>, body: &Body) -> Result<Urgent, DictionaryError> {
        let UrgentFile { prefix, value } = written.get_ref();
        let field = match body {
            Body::Text => None,
            Body::Fields(rules) => rules.field(prefix),
        };
        let field = field.filter(|field| field.values.iter().any(|known| known.code == *value)).ok_or_else(|| {
            self.error(&written.span(), "must be a field of the key and one of the values that it lists".to_owned())
        })?;
        Ok(Urgent { prefix: field.prefix, value: value.clone() })
    }

    /// A whole message, with line feeds for its line ends.
    fn example(&self, written: &Spanned<String>, key: &Spanned<String>) -> Result<String, DictionaryError> {
        let text = written.get_ref().trim_end();
        let own = |input: legacy::Input<'_>| input.key.as_str() == key.get_ref() && input.body.is_some();
        let reads =
            legacy::disallowed_byte(text.as_bytes()).is_none() && legacy::parse_input(text.as_bytes()).is_ok_and(own);
        self.require(reads, &written.span(), "must be a message of the key")?;
        Ok(text.to_owned())
    }
}
