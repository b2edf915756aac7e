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
//! destinations = { kinds = ["line"], max = 1, max_lines = 1 }
//! answer = { key = "IAR", count = 2 }  # left out: none
//!
//! [body]                               # left out: text
//! missing = 14                         # 14 | 22: the ER that says which required fields are not there
//! unknown = "carried"                  # carried | refused
//! sets = [["LIC", "LIY"], ["VIN"]]     # left out: none; else exactly one of them, whole
//!
//! [[field]]
//! prefix = "POB"
//! label = "Place of birth"
//! help = "…"
//! required = true                      # left out: false
//! length = [2, 2]                      # least and most bytes
//! characters = "A-Z"                   # as between the brackets of a regular expression
//! values = [{ code = "Y", text = "…" }]
//! table = "place"                      # offense | place | sex | state
//! except = ["XX"]                      # codes of the table that are refused
//! form = "name"                        # address | birth-date | moment | name | state-number | year
//! courtesy = "A"                       # accepted before the value, and dropped
//! free = true                          # left out: coded, travels in upper case
//! refusal = 16                         # left out: 22
//! source = "formats.md 3.2"
//! mark = "certain"
//! ```

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::field::{Characters, FieldRules, FieldSpec, Form, Text, Unknown, Value, bit, packed};
use super::{Answer, Authorization, Body, DestinationRule, Mark, MessageSpec, Priority, Sender};
use crate::codes::Table;
use crate::legacy::Destinations;
use crate::name::{MessageKey, Prefix};
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
struct BodyFile {
    missing: Spanned<u8>,
    unknown: Spanned<String>,
    #[serde(default)]
    sets: Vec<Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    prefix: Spanned<String>,
    label: Spanned<String>,
    help: Spanned<String>,
    #[serde(default)]
    required: bool,
    length: Spanned<[usize; 2]>,
    characters: Spanned<String>,
    #[serde(default)]
    values: Vec<Spanned<ValueFile>>,
    table: Option<Spanned<String>>,
    #[serde(default)]
    except: Vec<Spanned<String>>,
    form: Option<Spanned<String>>,
    courtesy: Option<Spanned<String>>,
    #[serde(default)]
    free: bool,
    refusal: Option<Spanned<u8>>,
    source: Spanned<String>,
    mark: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueFile {
    code: String,
    text: String,
}

/// The longest value that a field can be given: no field is a document.
const VALUE_BYTES_MAX: usize = 4096;

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
            body: self.body(file)?,
        })
    }

    fn destinations(&self, written: &Spanned<DestinationsFile>) -> Result<DestinationRule, DictionaryError> {
        let DestinationsFile { kinds, max, max_lines } = written.get_ref();
        let span = written.span();
        let (mut line, mut ori) = (false, false);
        for kind in kinds {
            match self.choice(kind, &[("line", true), ("ori", false)])? {
                true => line = true,
                false => ori = true,
            }
        }
        self.require(line || ori, &span, "kinds must name line, ori, or both")?;
        self.require((1..=Destinations::MAX).contains(max), &span, "max must be 1 to 32")?;
        self.require(*max_lines <= *max && line == (*max_lines > 0), &span, "max_lines must fit kinds and max")?;
        Ok(DestinationRule { line, ori, max: *max, max_lines: *max_lines })
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
        let BodyFile { missing, unknown, sets } = written.get_ref();
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
        let mut bits: Vec<u64> = Vec::with_capacity(sets.len());
        for set in sets {
            bits.push(self.set(set, &fields)?);
        }
        let options = match bits.as_slice() {
            [] => vec![FieldRules::names(&fields, required)],
            sets => sets.iter().map(|set| FieldRules::names(&fields, required | set)).collect(),
        };
        let packed = fields.iter().map(|field| packed(field.prefix.as_str())).collect();
        let courtesy = |field: &FieldSpec| Some(format!("{}/{}", field.prefix, field.courtesy?).into_bytes());
        let courtesies = fields.iter().filter_map(courtesy).collect();
        Ok(Body::Fields(FieldRules { fields, packed, required, sets: bits, missing, unknown, courtesies, options }))
    }

    fn set(&self, written: &Spanned<Vec<String>>, fields: &[FieldSpec]) -> Result<u64, DictionaryError> {
        let span = written.span();
        self.require(!written.get_ref().is_empty(), &span, "a set has fields")?;
        written.get_ref().iter().try_fold(0, |set, prefix| {
            let at = fields.iter().position(|field| field.prefix.as_str() == prefix && !field.required);
            at.map(|at| set | bit(at))
                .ok_or_else(|| self.error(&span, "a set names optional fields of the key".to_owned()))
        })
    }

    fn field(&self, written: &Spanned<FieldFile>) -> Result<FieldSpec, DictionaryError> {
        let field = written.get_ref();
        let forms = [
            ("address", Form::Address),
            ("birth-date", Form::BirthDate),
            ("moment", Form::Moment),
            ("name", Form::Name),
            ("state-number", Form::StateNumber),
            ("year", Form::Year),
        ];
        let prefix = Prefix::parse(field.prefix.get_ref())
            .map_err(|error| self.error(&field.prefix.span(), error.to_string()))?;
        let [least, most] = *field.length.get_ref();
        self.require(
            (1..=most).contains(&least) && most <= VALUE_BYTES_MAX,
            &field.length.span(),
            "must be least and most bytes",
        )?;
        let characters =
            Characters::parse(field.characters.get_ref()).filter(|characters| !characters.contains(b'.')).ok_or_else(
                || self.error(&field.characters.span(), "must be a set of ASCII without the period".to_owned()),
            )?;
        // A coded value is in upper case when its characters are looked at.
        let lower = |byte| characters.contains(byte);
        self.require(
            field.free || !(b'a'..=b'z').any(lower),
            &field.characters.span(),
            "coded fields have no lower case",
        )?;
        let table = field.table.as_ref().map(|name| self.table(name)).transpose()?;
        for code in &field.except {
            let known = table.is_some_and(|table| table.contains(code.get_ref()));
            self.require(known, &code.span(), "must be a code of the table")?;
        }
        Ok(FieldSpec {
            prefix,
            label: self.text(&field.label)?,
            help: self.text(&field.help)?,
            required: field.required,
            length: least..=most,
            characters,
            values: self.values(field, &characters)?,
            table,
            except: field.except.iter().map(|code| code.get_ref().clone()).collect(),
            form: field.form.as_ref().map(|form| self.choice(form, &forms)).transpose()?,
            courtesy: self.courtesy(field, &characters)?,
            text: if field.free { Text::Free } else { Text::Coded },
            refusal: self.refusal(field)?,
            source: self.text(&field.source)?,
            mark: self.mark(&field.mark)?,
        })
    }

    fn table(&self, name: &Spanned<String>) -> Result<Table, DictionaryError> {
        Table::named(name.get_ref())
            .ok_or_else(|| self.error(&name.span(), "must be one of offense, place, sex, state".to_owned()))
    }

    /// The listed values, each of which the field's other rules must allow: else the list would promise too much.
    fn values(&self, field: &FieldFile, characters: &Characters) -> Result<Vec<Value>, DictionaryError> {
        let [least, most] = *field.length.get_ref();
        let value = |written: &Spanned<ValueFile>| {
            let ValueFile { code, text } = written.get_ref();
            let fits = (least..=most).contains(&code.len()) && code.bytes().all(|byte| characters.contains(byte));
            self.require(fits, &written.span(), "length and characters must allow the value")?;
            Ok(Value { code: code.clone(), text: text.clone() })
        };
        field.values.iter().map(value).collect()
    }

    /// A letter that could also begin the value itself would be dropped from it; free text travels as it came.
    fn courtesy(&self, field: &FieldFile, characters: &Characters) -> Result<Option<char>, DictionaryError> {
        let Some(written) = &field.courtesy else { return Ok(None) };
        match written.get_ref().as_bytes() {
            [letter] if letter.is_ascii_uppercase() && !field.free && !characters.contains(*letter) => {
                Ok(Some(char::from(*letter)))
            }
            _ => {
                let what = "must be an upper-case letter that a coded value does not have";
                Err(self.error(&written.span(), what.to_owned()))
            }
        }
    }

    fn refusal(&self, field: &FieldFile) -> Result<ErNumber, DictionaryError> {
        let Some(written) = &field.refusal else { return Ok(ErNumber::Options) };
        ErNumber::from_number(*written.get_ref())
            .ok_or_else(|| self.error(&written.span(), "must be the number of an ER".to_owned()))
    }
}
