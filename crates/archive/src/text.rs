//! What the switch answers in band: the lists of NLR and the texts of NFR (`protocol-specs/formats.md` 4.4).
//!
//! ```text
//! EMULATOR - SYNTHETIC DATA
//! 2 MESSAGES LISTED, NEWEST FIRST
//! MSN        DATE     TIME   KEY    FROM       BYTES TO
//! 0000000124 20300131 081502 IAR    ZZLESC000    310 ZA0010000
//! 0000000123 20300131 081500 IAQ    ZA0010000    151 AX
//! FOR A FULL TEXT SEND NFQ WITH MSN/
//! ```
//!
//! Lines end in CR LF, as in the switch's other answers, and have 80 characters at most, but for those of messages shown. How
//! the public network lays these answers out is not known; this is the project's own.

use bytes::Bytes;
use codec::legacy::LineEnd;
use codec::name::{MessageKey, Ori, StationName};
use codec::time::{Stamp, Timestamp};
use switch_core::{LogQuery, LogRequest, LogSearch, ReturnReason};

use crate::error::Error;
use crate::full::{self, Full};
use crate::query::{Page, Query};
use crate::search::Searcher;
use crate::source::Source;
use crate::summary::{CopySummary, Fate, Hit, Standing};

/// As the center's answers begin too.
const FIRST_LINE: &str = "EMULATOR - SYNTHETIC DATA\r\n";
/// Hits of a list: some pages of a terminal.
pub const LIST_MAX: usize = 100;
/// The longest text of a message that is shown; with what stands before it the answer stays within the switch's bound.
const TEXT_BYTES_MAX: usize = 190 << 10;
/// How long a query of a station may run.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// Characters of a line.
const WIDTH: usize = 80;
/// Copies that are told of one by one.
const COPIES_MAX: usize = 64;

/// The whole answer to a log query of a station: it sees what it sent or was sent, and nothing else.
///
/// # Errors
/// As [`Searcher::search`] and [`full::by_number`], except that a query which takes too long is answered with that.
/// [`unavailable`] is what to say then.
pub fn answer(searcher: &Searcher, source: &impl Source, query: &LogQuery, utc_offset: i32) -> Result<Bytes, Error> {
    let answered = match &query.asks {
        LogRequest::List(search) => {
            let query = query_of(query.station, search);
            searcher.search(&query).map(|page| hit_list(&page, &query, utc_offset))
        }
        LogRequest::Text { msn } => {
            let found = full::by_number(searcher, source, *msn);
            found.map(|found| full_text(found.as_ref(), query.station, utc_offset))
        }
    };
    match answered {
        Err(Error::Deadline) => Ok(lines("THE SEARCH TOOK TOO LONG - ASK FOR LESS TIME OR FOR MORE WORDS\r\n")),
        other => other,
    }
}

/// What to say while the archive cannot be asked.
#[must_use]
pub fn unavailable() -> Bytes {
    lines("THE LOG CANNOT BE SEARCHED NOW - TRY AGAIN LATER\r\n")
}

/// The question that a station's log search is. The log is of messages as they left the switch, so what was refused is not in it.
#[must_use]
pub fn query_of(station: StationName, search: &LogSearch) -> Query {
    Query {
        keys: search.keys.clone(),
        from: search.source,
        to: search.destination,
        begin: Some(search.begin),
        end: Some(search.end),
        find: search.find.clone(),
        and: search.and.clone(),
        or: search.or.clone(),
        name: search.name.clone(),
        visible_to: Some(station),
        sent_on: true,
        limit: LIST_MAX,
        patience: PATIENCE,
        ..Query::default()
    }
}

fn lines(text: &str) -> Bytes {
    format!("{FIRST_LINE}{text}").into()
}

/// The body of an NLR.
#[must_use]
pub fn hit_list(page: &Page, query: &Query, utc_offset: i32) -> Bytes {
    let Some(last) = page.hits.last() else { return lines("NOT ON FILE\r\n") };
    let count = page.hits.len();
    let messages = if count == 1 { "MESSAGE" } else { "MESSAGES" };
    let order = if query.oldest_first { "OLDEST" } else { "NEWEST" };
    let more = if page.more.is_some() { ", MORE ON FILE" } else { "" };
    let mut body = format!("{FIRST_LINE}{count} {messages} LISTED, {order} FIRST{more}\r\n{HEAD}\r\n");
    for hit in &page.hits {
        push_hit(&mut body, hit, utc_offset);
    }
    if page.more.is_some() {
        body.push_str(&go_on(query, last, utc_offset));
    }
    body.push_str("FOR A FULL TEXT SEND NFQ WITH MSN/\r\n");
    body.into()
}

const HEAD: &str = "MSN        DATE     TIME   KEY    FROM       BYTES TO";

fn push_hit(body: &mut String, hit: &Hit, utc_offset: i32) {
    let summary = &hit.summary;
    let msn = hit.msn.map_or_else(|| "-".to_owned(), |msn| format!("{:010}", msn.0));
    let time = moment(hit.at, utc_offset);
    let key = summary.key.as_ref().map_or("-", MessageKey::as_str);
    let sender = match summary.standing {
        Standing::Notice => Ori::SWITCH,
        Standing::Accepted | Standing::Refused(_) => summary.sender.as_ref().map_or("-", Ori::as_str),
    };
    let line = format!("{msn:10} {} {} {key:6} {sender:9} {:6} ", time.day, time.second, summary.bytes);
    let room = WIDTH.saturating_sub(line.len());
    body.push_str(&line);
    body.push_str(&destinations(&summary.copies, room));
    body.push_str("\r\n");
}

/// As many addresses as there is room for, and how many there are besides.
fn destinations(copies: &[CopySummary], room: usize) -> String {
    let mut names: Vec<&str> = copies.iter().map(|copy| copy.destination.as_str()).collect();
    // The members of a group all have its code.
    names.dedup();
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        let left = names.len() - at;
        let comma = usize::from(at > 0);
        let rest = if left > 1 { format!(",+{}", left - 1).len() } else { 0 };
        if at > 0 && text.len() + comma + name.len() + rest > room {
            text.push_str(&format!(",+{left}"));
            return text;
        }
        if at > 0 {
            text.push(',');
        }
        text.push_str(name);
    }
    text
}

/// How to get at what is behind the last line: times are given by the minute, so the last minute comes again.
fn go_on(query: &Query, last: &Hit, utc_offset: i32) -> String {
    let minute = 60_000_000;
    let floor = |time: Timestamp| time.0.div_euclid(minute);
    // An end that includes the minute is one minute later. No step forward can be made by the minute, where all are in one.
    if query.end.is_some_and(|end| end.0 <= (floor(last.at) + 1) * minute) {
        return "MORE ON FILE WITHIN ONE MINUTE - ASK WITH SRC, DST OR MORE WORDS\r\n".to_owned();
    }
    let time = moment(last.at, utc_offset);
    format!("MORE ON FILE - ASK AGAIN WITH END/{}@{}\r\n", time.day, time.minute)
}

/// A time in the parts that lists have.
struct Moment {
    day: String,
    second: String,
    minute: String,
    fraction: i64,
}

fn moment(time: Timestamp, utc_offset: i32) -> Moment {
    let stamp = Stamp::at(time, utc_offset);
    let seconds = time.0.div_euclid(1_000_000) + i64::from(utc_offset);
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    Moment {
        day: stamp.date().strftime("%Y%m%d").to_string(),
        second: format!("{hour:02}{minute:02}{second:02}"),
        minute: format!("{hour:02}{minute:02}"),
        fraction: time.0.rem_euclid(1_000_000) / 10_000,
    }
}

/// The body of an NFR: what became of the copies, then the message as it left the switch. `asker` sees it if it sent it or was
/// sent it; of a message that it was sent, only its own copies are shown.
#[must_use]
pub fn full_text(found: Option<&Full>, asker: StationName, utc_offset: i32) -> Bytes {
    let not_on_file = || lines("NOT ON FILE\r\n");
    let Some(found) = found.filter(|found| found.hit.summary.visible_to(&asker)) else { return not_on_file() };
    let summary = &found.hit.summary;
    let sent_it = summary.station == Some(asker);
    let copies: Vec<_> = summary.copies.iter().filter(|copy| sent_it || copy.station == asker).collect();
    // What is answered by the switch itself, or refused, left to nobody.
    let Some(first) = copies.first() else { return not_on_file() };
    let Some(text) = found.as_left(first, utc_offset, LineEnd::CrLf) else { return not_on_file() };

    let msn = found.hit.msn.map_or(0, |msn| msn.0);
    let many = if copies.len() == 1 { "1 COPY".to_owned() } else { format!("{} COPIES", copies.len()) };
    let mut body = format!("{FIRST_LINE}MSN {msn:010} - {many}\r\n");
    for (copy, number) in copies.iter().zip(1..=COPIES_MAX) {
        body.push_str(&format!("{number:2} {} {:9} AT {:16} ", copy.osn, copy.destination, copy.station));
        body.push_str(&ended(&copy.fate, utc_offset));
        body.push_str("\r\n");
    }
    if copies.len() > COPIES_MAX {
        body.push_str(&format!("AND {} MORE\r\n", copies.len() - COPIES_MAX));
    }
    body.push_str(if copies.len() == 1 { "AS IT LEFT\r\n" } else { "AS COPY 1 LEFT\r\n" });
    let mut body = body.into_bytes();
    body.extend_from_slice(text.get(..TEXT_BYTES_MAX).unwrap_or(&text));
    if !body.ends_with(b"\n") {
        body.extend_from_slice(b"\r\n");
    }
    if text.len() > TEXT_BYTES_MAX {
        body.extend_from_slice(format!("CUT AFTER {TEXT_BYTES_MAX} BYTES OF {}\r\n", text.len()).as_bytes());
    }
    body.into()
}

fn ended(fate: &Fate, utc_offset: i32) -> String {
    let when = |at| {
        let time = moment(at, utc_offset);
        format!("{} {}.{:02}", time.day, time.second, time.fraction)
    };
    match fate {
        Fate::Waiting => "WAITS".to_owned(),
        Fate::Delivered { at, .. } => format!("DELIVERED {}", when(*at)),
        Fate::Returned { at, why } => {
            let why = match why {
                ReturnReason::Expired => "EXPIRED",
                ReturnReason::RefusedByReceiver => "REFUSED",
                ReturnReason::LinksLost => "LINKS LOST",
                ReturnReason::StationGone => "STATION GONE",
            };
            format!("RETURNED {} {why}", when(*at))
        }
    }
}
