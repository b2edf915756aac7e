//! What can be asked for, and how it becomes an expression of the index.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use codec::name::{Control, MessageKey, StationName};
use codec::time::Timestamp;

use crate::summary::Hit;
use crate::words::{CONTROL, FROM, KEY, NAME, TO, VISIBLE, words};

/// A question. Every part narrows it; an empty one finds all there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Any of these keys; all keys if there are none.
    pub keys: Vec<MessageKey>,
    /// Sent by this ORI, from this line, or by this station.
    pub from: Option<StationName>,
    /// Sent to this ORI or other address as written, to an ORI of this line, or to this station.
    pub to: Option<StationName>,
    /// Received at this time or later.
    pub begin: Option<Timestamp>,
    /// Received before this time.
    pub end: Option<Timestamp>,
    /// Words of the body, all of them.
    pub find: String,
    /// More words, all of them too.
    pub and: String,
    /// Or these words, all of them, instead of those of `find`.
    pub or: String,
    /// Words of the field `NAM`, all of them.
    pub name: String,
    /// Only what this station sent or was sent.
    pub visible_to: Option<StationName>,
    /// Only what went to somebody: no refused message, and none that the switch answers itself.
    pub sent_on: bool,
    /// The control field.
    pub control: Option<Control>,
    /// Goes on behind a hit, in the order that is asked for.
    pub after: Option<Cursor>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// Hits at most: 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// How long it may take.
    pub patience: Duration,
}

/// The most hits of a page; the memory that a query needs goes with it, and with nothing else.
pub const LIMIT_MAX: usize = 1_000;

impl Default for Query {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            from: None,
            to: None,
            begin: None,
            end: None,
            find: String::new(),
            and: String::new(),
            or: String::new(),
            name: String::new(),
            visible_to: None,
            sent_on: false,
            control: None,
            after: None,
            oldest_first: false,
            limit: 50,
            patience: Duration::from_secs(5),
        }
    }
}

/// The place of a hit in the order of the journal. It holds while the file grows, and in a file that was built anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The journal's record.
    pub sequence: u64,
    /// Which message of it.
    pub ordinal: u16,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.sequence, self.ordinal)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is two numbers with a point between them, as the page before gave it")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (sequence, ordinal) = text.split_once('.').ok_or(CursorError)?;
        Ok(Self {
            sequence: sequence.parse().map_err(|_| CursorError)?,
            ordinal: ordinal.parse().map_err(|_| CursorError)?,
        })
    }
}

/// Some hits, in the order that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The hits.
    pub hits: Vec<Hit>,
    /// Where to go on, if there are more.
    pub more: Option<Cursor>,
    /// The last record that was in the file.
    pub through: u64,
}

impl Query {
    /// The expression of the index; nothing where only time narrows.
    ///
    /// An `Err` means that it asks for words and has none, as in a text of punctuation: nothing can be found.
    pub(crate) fn expression(&self) -> Result<Option<String>, Nothing> {
        let mut parts = Vec::new();
        let mut one = |mark: &str, text: &str| parts.push(quoted(mark, text));
        if let Some(station) = &self.visible_to {
            one(VISIBLE, station.as_str());
        }
        if let Some(from) = &self.from {
            one(FROM, from.as_str());
        }
        if let Some(to) = &self.to {
            one(TO, to.as_str());
        }
        if let Some(control) = &self.control {
            one(CONTROL, &control.as_str().to_ascii_uppercase());
        }
        if !self.keys.is_empty() {
            let keys: Vec<_> = self.keys.iter().map(|key| quoted(KEY, key.as_str())).collect();
            parts.push(any(&keys));
        }
        let (find, or) = (all("", &self.find)?, all("", &self.or)?);
        match (find, or) {
            (Some(find), Some(or)) => parts.push(any(&[find, or])),
            (find, or) => parts.extend(find.or(or)),
        }
        parts.extend(all("", &self.and)?);
        parts.extend(all(NAME, &self.name)?);
        Ok(if parts.is_empty() { None } else { Some(parts.join(" AND ")) })
    }
}

/// There are no words in what should have some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nothing;

/// All words of a text; nothing where it is empty.
fn all(mark: &str, text: &str) -> Result<Option<String>, Nothing> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut words = words(text);
    words.sort_unstable();
    words.dedup();
    let words: Vec<_> = words.iter().take(WORDS_MAX).map(|word| quoted(mark, word)).collect();
    if words.is_empty() { Err(Nothing) } else { Ok(Some(format!("({})", words.join(" AND ")))) }
}

/// More words than this narrow nothing further that a person would ask for.
const WORDS_MAX: usize = 64;

fn any(parts: &[String]) -> String {
    format!("({})", parts.join(" OR "))
}

/// Tokens have letters, digits and a colon only, so there is nothing to escape.
fn quoted(mark: &str, text: &str) -> String {
    format!("\"{mark}{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_in_the_expression() {
        let name = |text| StationName::parse(text).ok();
        let query = Query {
            keys: vec![MessageKey::parse("IAQ").unwrap(), MessageKey::parse("IAR").unwrap()],
            from: name("ZA0010000"),
            to: name("AX"),
            visible_to: name("ZA"),
            control: Control::parse("t1").ok(),
            find: "stolen car".into(),
            and: "blue".into(),
            or: "O'Brien\" OR \"x".into(),
            name: "SMITH, JOHN".into(),
            ..Query::default()
        };
        assert_eq!(
            query.expression().unwrap().unwrap(),
            "\"V:ZA\" AND \"F:ZA0010000\" AND \"T:AX\" AND \"C:T1\" AND (\"K:IAQ\" OR \"K:IAR\") \
             AND ((\"CAR\" AND \"STOLEN\") OR (\"OBRIEN\" AND \"OR\" AND \"X\")) AND (\"BLUE\") \
             AND (\"N:JOHN\" AND \"N:SMITH\")"
        );
        assert_eq!(Query::default().expression(), Ok(None));
        assert_eq!(Query { find: "?!".into(), ..Query::default() }.expression(), Err(Nothing));
    }

    #[test]
    fn cursors_read_back() {
        let cursor = Cursor { sequence: 12, ordinal: 3 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "1", "1.", ".1", "1.2.3", "-1.0", "1.70000"] {
            assert_eq!(bad.parse::<Cursor>(), Err(CursorError), "{bad}");
        }
    }
}
