//! What is on a form, apart from the form: drafts, templates and messages that are used again.

use codec::legacy::{fields, parse_input};
use serde::{Deserialize, Serialize};

/// What stands on a form.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sheet {
    /// The key.
    pub key: String,
    /// The agency that sends it.
    pub from: String,
    /// Its destinations, with spaces between them.
    pub to: String,
    /// The control field; none for one that is not decided.
    pub control: Option<String>,
    /// The fields that hold something: prefix and value.
    pub values: Vec<(String, String)>,
    /// The text of a key without fields.
    pub text: String,
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sheet").field("key", &self.key).field("values", &self.values.len()).finish_non_exhaustive()
    }
}

impl Sheet {
    /// What a message would have been on a form; nothing if it is no message of a station.
    #[must_use]
    pub fn of_message(bytes: &[u8]) -> Option<Self> {
        let input = parse_input(bytes).ok()?;
        let body = input.body.unwrap_or_default();
        let to: Vec<String> = input.destinations.iter().map(|one| one.as_str().to_owned()).collect();
        Some(Self {
            key: input.key.to_string(),
            from: input.sender.to_string(),
            to: to.join(" "),
            control: input.control.map(str::to_owned),
            values: values(body),
            text: String::from_utf8_lossy(body).into_owned(),
        })
    }

    /// What tells one from another in a list.
    #[must_use]
    pub fn subject(&self) -> String {
        let named = |wanted: &str| self.values.iter().find(|(prefix, _)| prefix == wanted);
        let first =
            ["NAM", "LIC", "VIN", "OLN"].iter().find_map(|wanted| named(wanted)).or_else(|| self.values.first());
        match first {
            Some((prefix, value)) => format!("{prefix}/{value}"),
            None => self.text.lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// Whether nothing was typed that is worth keeping.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.text.trim().is_empty()
    }
}

/// The fields of a body that can be read.
#[must_use]
pub fn values(body: &[u8]) -> Vec<(String, String)> {
    let read = fields(body).take(codec::dictionary::FIELDS_MAX).flatten();
    read.map(|field| (field.prefix.to_ascii_uppercase(), field.value.to_owned())).collect()
}

/// Why a sheet is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It was typed and not sent.
    Draft,
    /// To be used time and again.
    Template,
}

impl Kind {
    /// Its number on disk.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Draft => 0,
            Self::Template => 1,
        }
    }

    /// The one with that number.
    #[must_use]
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Draft),
            1 => Some(Self::Template),
            _ => None,
        }
    }
}

/// A sheet that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Why.
    pub kind: Kind,
    /// Its number among those of its kind.
    pub id: i64,
    /// What its user calls it.
    pub name: String,
    /// What it is.
    pub sheet: Sheet,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_sheet() {
        let sheet = Sheet::of_message(b"iaq.za0010000.ax.*T1.txt\r\nPUR/C.\r\nnam/SAMPLE, P.ATN/Sgt").unwrap();
        assert_eq!((sheet.key.as_str(), sheet.to.as_str(), sheet.control.as_deref()), ("IAQ", "AX", Some("T1")));
        assert_eq!(sheet.subject(), "NAM/SAMPLE, P");
        assert_eq!(Sheet::of_message(b"IAQ"), None);
    }
}
