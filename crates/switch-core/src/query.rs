//! Log queries: what an NLQ or NFQ asks of the journal, and what its sender is told at once
//! (`protocol-specs/wire.md` 2.5).

use std::fmt;
use std::time::Duration;

use codec::dictionary::{Dictionary, Moment};
use codec::legacy::fields;
use codec::name::{MessageKey, StationName};
use codec::notice::ErNumber;
use codec::time::Timestamp;

use crate::event::Msn;
use crate::record::Received;

/// What a station asks of the journal.
#[derive(Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Who asks: only what this station sent or was sent is for it.
    pub station: StationName,
    /// What it wants to see.
    pub asks: LogRequest,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq)]
pub enum LogRequest {
    /// A list of messages (NLQ).
    List(LogSearch),
    /// One message in full (NFQ).
    Text {
        /// Its number.
        msn: Msn,
    },
}

/// What a list is narrowed by.
#[derive(Clone, PartialEq, Eq)]
pub struct LogSearch {
    /// Any of these keys; all keys if there are none.
    pub keys: Vec<MessageKey>,
    /// From this line or ORI.
    pub source: Option<StationName>,
    /// To this line, group or ORI.
    pub destination: Option<StationName>,
    /// Received at this time or later; at most a year before the query.
    pub begin: Timestamp,
    /// Received before this time.
    pub end: Timestamp,
    /// Words of the text, all of them.
    pub find: String,
    /// More words, all of them too.
    pub and: String,
    /// Or these words, all of them, in place of those of `find`.
    pub or: String,
    /// A name, or a part of one.
    pub name: String,
}

/// It may hold a name, which no log shows.
impl fmt::Debug for LogQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { station, asks } = self;
        match asks {
            LogRequest::List(_) => write!(f, "LogQuery({station} List)"),
            LogRequest::Text { msn } => write!(f, "LogQuery({station} Text {})", msn.0),
        }
    }
}

impl fmt::Debug for LogRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(search) => fmt::Debug::fmt(search, f),
            Self::Text { msn } => write!(f, "Text {}", msn.0),
        }
    }
}

impl fmt::Debug for LogSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSearch").field("keys", &self.keys).field("begin", &self.begin).finish_non_exhaustive()
    }
}

/// What a log search looks back: a year, of which every day counts.
const LOOKS_BACK: Duration = Duration::from_secs(366 * 24 * 3600);
/// In `TYP`, all keys.
const ALL: &str = "ALL";

/// Whether the switch itself answers messages of that key from its journal.
pub(crate) fn is_log_query(key: MessageKey) -> bool {
    matches!(key.as_str().as_bytes(), b"NLQ" | b"NFQ")
}

/// A query that can be asked, and keys in it that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Readable {
    pub(crate) query: LogQuery,
    pub(crate) unknown: Vec<String>,
}

/// What is wrong with a query besides, as number and detail of an ER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) number: ErNumber,
    pub(crate) detail: String,
}

impl From<String> for Unreadable {
    fn from(detail: String) -> Self {
        Self { number: ErNumber::Options, detail }
    }
}

/// Reads the query in a message whose body passed the dictionary's checks.
pub(crate) fn read(
    dictionary: &Dictionary,
    utc_offset: i32,
    reception: &Received,
    key: MessageKey,
    body: &[u8],
) -> Result<Readable, Unreadable> {
    let mut search = LogSearch {
        keys: Vec::new(),
        source: None,
        destination: None,
        begin: Timestamp(0),
        end: Timestamp(0),
        find: String::new(),
        and: String::new(),
        or: String::new(),
        name: String::new(),
    };
    let mut unknown = Vec::new();
    let mut msn = Msn(0);
    for field in fields(body).flatten() {
        let moment = |pick: fn(Moment) -> i64| {
            let local = Moment::parse(field.value).map(pick).ok_or_else(|| format!("{} DATE", field.prefix))?;
            let utc = local.saturating_sub(i64::from(utc_offset).saturating_mul(1_000_000));
            Ok::<_, String>(Timestamp(utc))
        };
        let text = || field.value.to_owned();
        match field.prefix.to_ascii_uppercase().as_str() {
            "TYP" => (search.keys, unknown) = keys(dictionary, field.value)?,
            "SRC" => search.source = StationName::parse(field.value).ok(),
            "DST" => search.destination = StationName::parse(field.value).ok(),
            "BEG" => search.begin = moment(Moment::begin)?,
            "END" => search.end = moment(Moment::end)?,
            "FND" => search.find = text(),
            "AND" => search.and = text(),
            "ORR" => search.or = text(),
            "NAM" => search.name = text(),
            "MSN" => msn = field.value.parse().map(Msn).map_err(|_| "MSN VALUE".to_owned())?,
            // The dictionary lets no other through.
            _ => {}
        }
    }
    let asks = if key.as_str() == "NFQ" {
        LogRequest::Text { msn }
    } else {
        if search.end <= search.begin {
            // The public table has one number for whatever is wrong with either (`protocol-specs/formats.md` 4.1).
            return Err(Unreadable { number: ErNumber::Year, detail: "END BEFORE BEG".to_owned() });
        }
        let oldest = i64::try_from(LOOKS_BACK.as_micros()).unwrap_or(i64::MAX);
        search.begin = search.begin.max(Timestamp(reception.at.0.saturating_sub(oldest)));
        LogRequest::List(search)
    };
    Ok(Readable { query: LogQuery { station: reception.station, asks }, unknown })
}

/// Keys and what is none, from a list with commas. There has to be one key.
fn keys(dictionary: &Dictionary, list: &str) -> Result<(Vec<MessageKey>, Vec<String>), String> {
    let (mut keys, mut unknown) = (Vec::new(), Vec::new());
    for word in list.split(',') {
        if word.eq_ignore_ascii_case(ALL) {
            return if list.len() == ALL.len() { Ok((keys, unknown)) } else { Err("TYP VALUE".to_owned()) };
        }
        match MessageKey::parse(word) {
            Ok(key) if dictionary.spec(key).is_some() => keys.push(key),
            Ok(_) | Err(_) => unknown.push(word.to_ascii_uppercase()),
        }
    }
    if keys.is_empty() { Err("TYP VALUE".to_owned()) } else { Ok((keys, unknown)) }
}

/// What the sender of a query is told at once.
pub(crate) fn queued_body(unknown: &[String]) -> Vec<u8> {
    let mut body = "QUEUED - THE ANSWER FOLLOWS\r\n".to_owned();
    if !unknown.is_empty() {
        body.push_str(&format!("WARNING - TYP NOT ALLOWED - {}\r\n", unknown.join(", ")));
    }
    body.into_bytes()
}

/// What the sender of a query is told that can be read no more, as after another configuration was put in its place.
pub(crate) const UNREADABLE: &[u8] = b"THE QUERY CANNOT BE READ ANY MORE\r\n";

/// The longest answer, in bytes: with its header it stays below what every receiver takes.
pub const ANSWER_BYTES_MAX: usize = 200 << 10;

/// An answer within its bound: cut behind a line, and said so.
pub(crate) fn bounded(body: bytes::Bytes) -> bytes::Bytes {
    const CUT: &[u8] = b"CUT HERE - TOO LONG\r\n";
    if body.len() <= ANSWER_BYTES_MAX {
        return body;
    }
    let room = body.get(..ANSWER_BYTES_MAX.saturating_sub(CUT.len())).unwrap_or_default();
    let end = room.iter().rposition(|byte| *byte == b'\n').map_or(room.len(), |place| place.saturating_add(1));
    [room.get(..end).unwrap_or_default(), CUT].concat().into()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use codec::number::Number;

    use super::*;
    use crate::event::LinkId;

    fn check(key: &str, body: &str) -> Result<Readable, Unreadable> {
        let reception = Received {
            station: StationName::parse("ZA").unwrap(),
            link: LinkId(1),
            validation: 0,
            fingerprint: None,
            isn: Number::SWITCH,
            at: Timestamp(1_896_102_000_000_000),
            key: None,
            sender: None,
            control: None,
            message: Bytes::new(),
            translated: None,
            body_offset: 0,
        };
        read(Dictionary::builtin(), -7 * 3600, &reception, MessageKey::parse(key).unwrap(), body.as_bytes())
    }

    fn list(body: &str) -> LogSearch {
        match check("NLQ", body).unwrap().query.asks {
            LogRequest::List(search) => search,
            LogRequest::Text { .. } => panic!("an NLQ asks for a list"),
        }
    }

    #[test]
    fn every_field_is_read_and_times_are_the_switchs() {
        let search = list("typ/IAQ,am.SRC/ZA.DST/ZC0010000.BEG/20300130.END/20300131@0800.FND/Blue car.ORR/red");
        assert_eq!(search.keys.iter().map(MessageKey::as_str).collect::<Vec<_>>(), ["IAQ", "AM"]);
        assert_eq!([search.source.unwrap().as_str(), search.destination.unwrap().as_str()], ["ZA", "ZC0010000"]);
        assert_eq!([search.find, search.or, search.name], ["Blue car", "red", ""]);
        // 2030-01-30 07:00 UTC, and the end of the minute that begins at 2030-01-31 15:00 UTC.
        assert_eq!([search.begin.0, search.end.0], [1_895_986_800_000_000, 1_896_102_060_000_000]);
        let text = check("NFQ", "MSN/12").unwrap().query.asks;
        assert_eq!(text, LogRequest::Text { msn: Msn(12) });
    }

    #[test]
    fn a_search_looks_back_a_year() {
        let search = list("TYP/ALL.BEG/19990101.END/20300131.NAM/SAMPLE");
        assert_eq!(search.begin.0, 1_896_102_000_000_000 - 366 * 86_400 * 1_000_000);
        assert!(search.keys.is_empty());
    }

    #[test]
    fn a_type_that_is_none_is_a_warning_as_long_as_one_remains() {
        let read = check("NLQ", "TYP/AM,ZZQ,X.BEG/20300130.END/20300131.FND/A").unwrap();
        assert_eq!(read.unknown, ["ZZQ", "X"]);
        let told = String::from_utf8(queued_body(&read.unknown)).unwrap();
        assert_eq!(told, "QUEUED - THE ANSWER FOLLOWS\r\nWARNING - TYP NOT ALLOWED - ZZQ, X\r\n");
        for types in ["ZZQ", "ALL,AM", "AM,ALL", ",", "ALLL"] {
            let error = check("NLQ", &format!("TYP/{types}.BEG/20300130.END/20300131.FND/A")).unwrap_err();
            assert_eq!((error.number, error.detail.as_str()), (ErNumber::Options, "TYP VALUE"), "{types}");
        }
    }

    #[test]
    fn an_end_before_the_begin_is_refused() {
        let error = check("NLQ", "TYP/ALL.BEG/20300131@0900.END/20300131@0859.FND/A").unwrap_err();
        assert_eq!((error.number, error.detail.as_str()), (ErNumber::Year, "END BEFORE BEG"));
        assert!(check("NLQ", "TYP/ALL.BEG/20300131@0900.END/20300131@0900.FND/A").is_ok(), "a minute is a minute long");
    }

    #[test]
    fn a_long_answer_is_cut_behind_a_line() {
        let long: Bytes = "123456789\r\n".repeat(ANSWER_BYTES_MAX / 10).into();
        let cut = bounded(long);
        assert!(cut.len() <= ANSWER_BYTES_MAX && cut.len() > ANSWER_BYTES_MAX - 40);
        assert!(cut.ends_with(b"\r\n123456789\r\nCUT HERE - TOO LONG\r\n"));
        assert_eq!(bounded(Bytes::from_static(b"SHORT")), "SHORT");
    }
}
