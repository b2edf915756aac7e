//! The part of a dictionary file that says what one field is.

use serde::Deserialize;
use toml::Spanned;

use super::{DictionaryError, Source};
use crate::codes::Table;
use crate::dictionary::field::{Characters, FieldSpec, Form, Text, Value};
use crate::name::Prefix;
use crate::notice::ErNumber;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldFile {
    pub(super) prefix: Spanned<String>,
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

const FORMS: &[(&str, Form)] = &[
    ("address", Form::Address),
    ("birth-date", Form::BirthDate),
    ("miscellaneous-number", Form::MiscellaneousNumber),
    ("moment", Form::Moment),
    ("name", Form::Name),
    ("ncic-number", Form::NcicNumber),
    ("span", Form::Span),
    ("state-number", Form::StateNumber),
    ("year", Form::Year),
    ("year-or-short", Form::YearOrShort),
];

impl Source<'_> {
    pub(super) fn field(&self, written: &Spanned<FieldFile>) -> Result<FieldSpec, DictionaryError> {
        let field = written.get_ref();
        let prefix = Prefix::parse(field.prefix.get_ref())
            .map_err(|error| self.error(&field.prefix.span(), error.to_string()))?;
        let [least, most] = *field.length.get_ref();
        self.require(
            least <= most && (1..=VALUE_BYTES_MAX).contains(&most),
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
            written: if field.free { characters } else { characters.folded() },
            values: self.values(field, &characters)?,
            table,
            except: field.except.iter().map(|code| code.get_ref().clone()).collect(),
            form: field.form.as_ref().map(|form| self.choice(form, FORMS)).transpose()?,
            courtesy: self.courtesy(field, &characters)?,
            text: if field.free { Text::Free } else { Text::Coded },
            refusal: self.refusal(field)?,
            source: self.text(&field.source)?,
            mark: self.mark(&field.mark)?,
        })
    }

    fn table(&self, name: &Spanned<String>) -> Result<Table, DictionaryError> {
        let tables = Table::ALL.map(|table| (table.name(), table));
        self.choice(name, &tables)
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
