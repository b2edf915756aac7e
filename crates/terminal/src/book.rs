//! All messages of a terminal as lists, threads and clocks: what is kept in memory of them.

use std::collections::BTreeMap;
use std::ops::Range;

use codec::dictionary::{Dictionary, confirmation, span};
use codec::legacy::{fields, parse_input};
use codec::name::Control;
use rustc_hash::FxHashMap;

use crate::entry::{Entry, State, Way};
use crate::received::Received;
use crate::shown;
use crate::store::Shelf;

/// All messages, in the order in which they were kept.
#[derive(Debug, Default)]
pub struct Book {
    entries: Vec<Entry>,
    /// The places of the messages that bear a control field.
    threads: FxHashMap<Control, Vec<u32>>,
    unread: usize,
    hits: Vec<Hit>,
    /// Agencies of which the directory has told, each with what it said.
    agencies: BTreeMap<String, String>,
}

/// A hit confirmation that is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The place of the request.
    pub at: usize,
    /// In: it is to be answered here. Out: it was asked from here.
    pub way: Way,
    /// When the answer is due, in microseconds since 1970, UTC.
    pub due: i64,
    /// Whether it is urgent.
    pub urgent: bool,
    /// More time was asked for.
    pub more_time: bool,
    record: Record,
}

impl Hit {
    /// The case number of the record's owner, by which an agency finds it; fit for the screen.
    #[must_use]
    pub fn case(&self) -> String {
        shown::line(&self.record.case)
    }
}

/// What ties a request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    kind: String,
    case: String,
    number: String,
}

const MINUTE_MICROS: i64 = 60 * 1_000_000;
const URGENT_MINUTES: i64 = 10;
const ROUTINE_MINUTES: i64 = 60;
/// Requests that are older are not looked for at a start.
const HIT_AGE_MICROS: i64 = 72 * 60 * MINUTE_MICROS;
/// A request that was kept so soon after its stamp came at once: the stamp has minutes, the clock here has more.
const FRESH_MICROS: i64 = 2 * MINUTE_MICROS;
/// Agencies that are remembered of what the directory told.
const AGENCIES_MAX: usize = 2_000;
/// Requests that are counted down at a time.
const HITS_MAX: usize = 1_000;

impl Book {
    /// A book of what was kept. Of the latest days, requests and directory answers are read.
    #[must_use]
    pub fn open(entries: Vec<Entry>, now: i64, utc_offset_seconds: i32, shelf: &dyn Shelf) -> Self {
        let mut book = Self::default();
        for entry in entries {
            let read =
                (entry.is("YQ") || entry.is("YR") || entry.is("TR")) && now.saturating_sub(entry.at) < HIT_AGE_MICROS;
            let body = if read { shelf.body(entry.id) } else { None };
            book.add(entry, body.as_deref(), utc_offset_seconds);
        }
        book
    }

    /// Adds a message, of which `bytes` are needed for YQ, YR and TR.
    pub fn add(&mut self, entry: Entry, bytes: Option<&[u8]>, utc_offset_seconds: i32) {
        let at = self.entries.len();
        if let (Some(control), Ok(place)) = (entry.control, u32::try_from(at)) {
            self.threads.entry(control).or_default().push(place);
        }
        self.unread = self.unread.saturating_add(usize::from(entry.state == State::Unread));
        let about = self.notice_of(&entry);
        if let (Some(of), Some(number)) = (about, entry.notice_number())
            && !(entry.is("SM") && number == WILL_FORWARD)
            && let Some(refused) = self.entries.get_mut(of)
        {
            refused.state = State::Refused;
        }
        if let Some(bytes) = bytes {
            self.read(&entry, at, bytes, utc_offset_seconds);
        }
        self.entries.push(entry);
    }

    /// The message of which an ER or SM speaks.
    fn notice_of(&self, entry: &Entry) -> Option<usize> {
        if !entry.is_notice() {
            return None;
        }
        self.inquiry(entry.control?).map(|(of, _)| of)
    }

    fn read(&mut self, entry: &Entry, at: usize, bytes: &[u8], utc_offset_seconds: i32) {
        let body = match entry.way {
            Way::In => Received::read(bytes).map(|received| received.body).unwrap_or_default(),
            Way::Out => parse_input(bytes).ok().and_then(|input| input.body).unwrap_or_default().to_vec(),
        };
        let body = body.as_slice();
        let value = |prefix: &str| {
            let found = fields(body).take(64).flatten().find(|field| field.prefix.eq_ignore_ascii_case(prefix));
            found.map(|field| field.value.to_ascii_uppercase()).unwrap_or_default()
        };
        let record = || Record {
            kind: value(confirmation::TYPE),
            case: value(confirmation::CASE),
            number: value(confirmation::RECORD),
        };
        if entry.is("YQ") {
            let urgent = value(confirmation::PRIORITY) == confirmation::URGENT;
            let minutes = if urgent { URGENT_MINUTES } else { ROUTINE_MINUTES };
            let stamp = stamped(entry, bytes, utc_offset_seconds).unwrap_or(entry.at);
            let since = if entry.at.saturating_sub(stamp) < FRESH_MICROS { entry.at } else { stamp };
            let due = since.saturating_add(minutes.saturating_mul(MINUTE_MICROS));
            let record = record();
            // A second request is about the same record, and takes the place of the first.
            self.hits.retain(|hit| hit.way != entry.way || hit.record != record);
            if self.hits.len() < HITS_MAX {
                self.hits.push(Hit { at, way: entry.way, due, urgent, more_time: false, record });
                self.hits.sort_by_key(|hit| hit.due);
            }
        } else if entry.is("YR") {
            let record = record();
            let answered = |hit: &Hit| hit.way != entry.way && hit.record == record;
            if value(confirmation::RESULT) == confirmation::MORE_TIME {
                let more = span(&value(confirmation::TIME)).map_or(0, |span| span.as_secs());
                let more = i64::try_from(more).unwrap_or(0).saturating_mul(1_000_000);
                for hit in self.hits.iter_mut().filter(|hit| answered(hit)) {
                    (hit.due, hit.more_time) = (entry.at.saturating_add(more), true);
                }
                self.hits.sort_by_key(|hit| hit.due);
            } else {
                self.hits.retain(|hit| !answered(hit));
            }
        } else if entry.is("TR") {
            for line in shown::lines(body) {
                let Some((ori, said)) = agency(&line) else { continue };
                if self.agencies.len() < AGENCIES_MAX || self.agencies.contains_key(&ori) {
                    self.agencies.insert(ori, said);
                }
            }
        }
    }

    /// All messages, in the order in which they were kept.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The message at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&Entry> {
        self.entries.get(at)
    }

    /// The place of the message with that number.
    #[must_use]
    pub fn place(&self, id: i64) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    /// How many were received and not opened.
    #[must_use]
    pub const fn unread(&self) -> usize {
        self.unread
    }

    /// How many were sent and not acknowledged.
    #[must_use]
    pub fn waiting(&self) -> usize {
        // What waits is among the latest; but nothing says how far back.
        self.entries.iter().filter(|entry| entry.state == State::Waiting).count()
    }

    /// Says how a message stands; false if it stood so before.
    pub fn mark(&mut self, at: usize, state: State) -> bool {
        let Some(entry) = self.entries.get_mut(at).filter(|entry| entry.state != state) else { return false };
        if entry.state == State::Unread {
            self.unread = self.unread.saturating_sub(1);
        }
        entry.state = state;
        true
    }

    /// Hit confirmations that are not answered, the one that is due first before the others.
    #[must_use]
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// Agencies of which the directory has told.
    #[must_use]
    pub const fn agencies(&self) -> &BTreeMap<String, String> {
        &self.agencies
    }

    /// The places of the messages with a control field, in their order.
    #[must_use]
    pub fn thread(&self, control: Option<Control>) -> &[u32] {
        control.and_then(|control| self.threads.get(&control)).map_or(&[], Vec::as_slice)
    }

    /// What was sent with a control field, first: the inquiry to which the others belong.
    fn inquiry(&self, control: Control) -> Option<(usize, &Entry)> {
        let places = self.thread(Some(control)).iter().filter_map(|place| usize::try_from(*place).ok());
        let mut sent = places.filter_map(|place| Some((place, self.entries.get(place)?)));
        sent.find(|(_, entry)| entry.way == Way::Out)
    }

    /// What a received message is to what was sent from here: `answer 1 of 2 to IAQ NAM/…`; nothing if it is not tied
    /// to any.
    #[must_use]
    pub fn tie(&self, at: usize) -> Option<String> {
        let entry = self.get(at).filter(|entry| entry.way == Way::In)?;
        let (of, inquiry) = self.inquiry(entry.control?)?;
        let what = format!("{} {}", inquiry.key_text(), inquiry.subject);
        if entry.is_notice() {
            return Some(format!("about your {what}"));
        }
        let number = self.answers(of).position(|answer| answer == at)?.saturating_add(1);
        let due = due(inquiry);
        Some(if due > 1 && number <= due {
            format!("answer {number} of {due} to your {what}")
        } else if number > due.max(1) {
            format!("supplement {} to your {what}", number.saturating_sub(due.max(1)))
        } else {
            format!("answer to your {what}")
        })
    }

    /// Which answer of how many a received message is, for a narrow place: `2/2`.
    #[must_use]
    pub fn answer_number(&self, at: usize) -> String {
        let control =
            self.get(at).filter(|entry| entry.way == Way::In && !entry.is_notice()).and_then(|one| one.control);
        let Some((of, inquiry)) = control.and_then(|control| self.inquiry(control)) else { return String::new() };
        let number = self.answers(of).position(|answer| answer == at).map_or(0, |place| place.saturating_add(1));
        match due(inquiry) {
            0 => "re".to_owned(),
            due => format!("{number}/{due}"),
        }
    }

    /// The places of the answers to a message that was sent.
    fn answers(&self, of: usize) -> impl Iterator<Item = usize> {
        let control = self.get(of).and_then(|entry| entry.control);
        let places = self.thread(control).iter().filter_map(|place| usize::try_from(*place).ok());
        places
            .filter(move |place| *place > of)
            .filter(|place| self.get(*place).is_some_and(|entry| entry.way == Way::In && !entry.is_notice()))
    }

    /// How a message that was sent stands, in words.
    #[must_use]
    pub fn standing(&self, at: usize, link_is_up: bool) -> String {
        let Some(entry) = self.get(at) else { return String::new() };
        match entry.state {
            State::Unread => "NEW".to_owned(),
            State::Read => String::new(),
            State::Waiting if link_is_up => "on its way".to_owned(),
            State::Waiting => "kept, waits for the link".to_owned(),
            State::Refused => "REFUSED".to_owned(),
            State::Withdrawn => "withdrawn".to_owned(),
            State::Acknowledged => match (self.answers(at).count(), due(entry)) {
                (0, 0) => "acknowledged".to_owned(),
                (came, 0) => format!("{came} came back"),
                (came, due) if came >= due => format!("answered, {came} of {due}"),
                (came, due) => format!("{came} of {due} answers"),
            },
        }
    }

    /// The places of the messages that `wanted` takes, the latest first.
    pub fn latest(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<u32> {
        let all = self.entries.iter().enumerate().rev().filter(|(_, entry)| wanted(entry));
        all.filter_map(|(place, _)| u32::try_from(place).ok()).collect()
    }

    /// The messages of a range of places, as far as there are.
    #[must_use]
    pub fn range(&self, places: Range<usize>) -> &[Entry] {
        let end = places.end.min(self.entries.len());
        self.entries.get(places.start.min(end)..end).unwrap_or_default()
    }
}

/// SM 02: it will be forwarded; nothing is lost.
const WILL_FORWARD: u8 = 2;

/// How many answers a message has.
fn due(entry: &Entry) -> usize {
    let answer = entry.key.and_then(|key| Dictionary::builtin().spec(key)).and_then(|spec| spec.answer);
    let to = entry.peer.split(' ').count().max(1);
    answer.map_or(0, |answer| answer.count.saturating_mul(to))
}

/// When the switch received a message, in microseconds since 1970.
fn stamped(entry: &Entry, bytes: &[u8], utc_offset_seconds: i32) -> Option<i64> {
    if entry.way == Way::Out {
        return None;
    }
    let stamp = Received::read(bytes)?.stamp?;
    let text = stamp.to_string();
    let (hour, minute) = (text.get(..2)?.parse::<i64>().ok()?, text.get(3..5)?.parse::<i64>().ok()?);
    let days = stamp.date().since(jiff::civil::date(1970, 1, 1)).ok().map(|span| i64::from(span.get_days()))?;
    let minutes = days.saturating_mul(24).saturating_add(hour).saturating_mul(60).saturating_add(minute);
    let offset = i64::from(utc_offset_seconds).saturating_mul(1_000_000);
    Some(minutes.saturating_mul(MINUTE_MICROS).saturating_sub(offset))
}

/// One line of the directory's answer: an ORI and what it is.
fn agency(line: &str) -> Option<(String, String)> {
    let values = crate::sheet::values(line.as_bytes());
    let value = |prefix: &str| values.iter().find(|(known, _)| known == prefix).map(|(_, value)| value.as_str());
    let ori = value("ORI")?.to_owned();
    let said = [value("LOC"), value("TYP"), value("LIN").filter(|line| !ori.starts_with(line))];
    Some((ori, said.into_iter().flatten().collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(key: &str, from: &str, control: &str, body: &str) -> String {
        format!(
            "{key}.{from}\r\n08:00 01/31/2030 00011\r\n08:00 01/31/2030 00027 ZA0010000\r\n*{control}\r\nTXT\r\n{body}"
        )
    }

    /// 08:00 of the stamps above at UTC-7.
    const NOW: i64 = 1_896_102_000_000_000;

    fn came(book: &mut Book, at: i64, text: &str) {
        let id = i64::try_from(book.entries.len()).unwrap() + 1;
        let entry = Entry { id, ..Entry::incoming(at, text.as_bytes()) };
        book.add(entry, Some(text.as_bytes()), -7 * 3600);
    }

    fn sent(book: &mut Book, at: i64, text: &str) {
        let id = i64::try_from(book.entries.len()).unwrap() + 1;
        let entry = Entry { id, state: State::Acknowledged, ..Entry::outgoing(at, text.as_bytes()) };
        book.add(entry, Some(text.as_bytes()), -7 * 3600);
    }

    #[test]
    fn answers_are_tied_to_their_inquiry() {
        let mut book = Book::default();
        sent(&mut book, NOW, "IAQ.ZA0010000.AX.*T1.TXT\r\nNAM/SAMPLE, P");
        assert_eq!(book.standing(0, true), "0 of 2 answers");
        for body in ["RECEIVED", "NO RECORD", "MORE"] {
            came(&mut book, NOW, &received("IAR", "ZZLESC000", "T1", body));
        }
        assert_eq!(book.standing(0, true), "answered, 3 of 2");
        let ties: Vec<String> = (0..4).filter_map(|at| book.tie(at)).collect();
        assert_eq!(
            ties,
            [
                "answer 1 of 2 to your IAQ NAM/SAMPLE, P",
                "answer 2 of 2 to your IAQ NAM/SAMPLE, P",
                "supplement 1 to your IAQ NAM/SAMPLE, P"
            ]
        );
        assert_eq!(book.unread(), 3);
        assert!(book.mark(2, State::Read) && !book.mark(2, State::Read));
        assert_eq!(book.unread(), 2);
    }

    #[test]
    fn an_er_refuses_what_it_is_about_and_a_delay_does_not() {
        let mut book = Book::default();
        sent(&mut book, NOW, "AM.ZA0010000.ZB.*T1.TXT\r\nTEST");
        came(&mut book, NOW, &received("SM", "NL0000000", "T1", ".02. WILL BE FORWARDED - ZB"));
        assert_eq!(book.entries()[0].state, State::Acknowledged);
        came(&mut book, NOW, &received("ER", "NL0000000", "T1", ".19. INVALID DESTINATION"));
        assert_eq!(book.entries()[0].state, State::Refused);
    }

    #[test]
    fn a_hit_confirmation_is_counted_down_until_it_is_answered() {
        let yq = "RTY/WP.RNO/1.PRI/U.OCA/CASE1.NIC/N000000001";
        let mut book = Book::default();
        came(&mut book, NOW + 20_000_000, &received("YQ", "ZZ0010000", "T9", yq));
        assert_eq!(book.hits()[0].due, NOW + 20_000_000 + 600_000_000);
        sent(&mut book, NOW + 60_000_000, &format!("YR.ZA0010000.ZZ0010000.*T9.TXT\r\n{yq}.RES/P.TIM/30M"));
        assert_eq!((book.hits()[0].due, book.hits()[0].more_time), (NOW + 60_000_000 + 1_800_000_000, true));
        sent(&mut book, NOW, &format!("YR.ZA0010000.ZZ0010000.*T9.TXT\r\n{yq}.RES/Y"));
        assert_eq!(book.hits(), []);
    }

    #[test]
    fn a_request_that_waited_is_counted_from_its_stamp() {
        let mut book = Book::default();
        let hour = 60 * MINUTE_MICROS;
        came(&mut book, NOW + hour, &received("YQ", "ZZ0010000", "T9", "RTY/WP.PRI/U.OCA/C.NIC/N000000001"));
        assert_eq!(book.hits()[0].due, NOW + 10 * MINUTE_MICROS);
    }

    #[test]
    fn the_directory_is_remembered() {
        let mut book = Book::default();
        let said = "ORI/ZB0010000.LIN/ZB.LOC/SAMPLE COUNTY.TYP/SO\r\nORI/ZC0010000.LIN/ZD.TYP/PD";
        came(&mut book, NOW, &received("TR", "OD0000000", "T1", said));
        let all: Vec<_> = book.agencies().iter().map(|(ori, said)| format!("{ori} {said}")).collect();
        assert_eq!(all, ["ZB0010000 SAMPLE COUNTY SO", "ZC0010000 PD ZD"]);
    }
}
