//! One message that the terminal keeps, as lists show it. Its bytes stay on disk.

use codec::dictionary::{Body, Dictionary, Priority};
use codec::legacy::{fields, parse_input};
use codec::name::{Control, MessageKey, Ori};

use crate::received::Received;
use crate::shown;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It was received.
    In,
    /// It was sent from here.
    Out,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Received, and nobody has opened it.
    Unread,
    /// Received and opened.
    Read,
    /// Kept here, and not acknowledged by the switch.
    Waiting,
    /// Acknowledged by the switch.
    Acknowledged,
    /// Refused by the switch, with an ER or with a negative acknowledgement.
    Refused,
    /// Not acknowledged, and taken back by its sender.
    Withdrawn,
}

impl State {
    pub(crate) const ALL: [Self; 6] =
        [Self::Unread, Self::Read, Self::Waiting, Self::Acknowledged, Self::Refused, Self::Withdrawn];

    /// Its number on disk.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Unread => 0,
            Self::Read => 1,
            Self::Waiting => 2,
            Self::Acknowledged => 3,
            Self::Refused => 4,
            Self::Withdrawn => 5,
        }
    }

    /// The one with that number.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A message that is kept. What it holds of the network's text is fit for the screen: [`shown`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number here, in the order in which messages were kept.
    pub id: i64,
    /// When it was kept, in microseconds since 1970, UTC.
    pub at: i64,
    /// Which way it went.
    pub way: Way,
    /// How it stands.
    pub state: State,
    /// What it is, if that can be read.
    pub key: Option<MessageKey>,
    /// Who sent it; of what was sent from here, to whom it went.
    pub peer: Box<str>,
    /// The control field.
    pub control: Option<Control>,
    /// What it is about: its first words.
    pub subject: Box<str>,
}

/// So much of a message's first words is kept in memory.
const SUBJECT_COLUMNS: usize = 48;
/// So much of the addresses of a message.
const PEER_COLUMNS: usize = 100;

impl Entry {
    /// A message from the switch, not kept yet.
    #[must_use]
    pub fn incoming(at: i64, bytes: &[u8]) -> Self {
        let entry = |key, peer: &str, control, body| Self {
            id: 0,
            at,
            way: Way::In,
            state: State::Unread,
            key,
            peer: peer.into(),
            control,
            subject: subject(key, body).into(),
        };
        match Received::read(bytes) {
            Some(Received { key, sender, control, body, .. }) => entry(Some(key), sender.as_str(), control, &body),
            None => entry(None, "?", None, bytes),
        }
    }

    /// A message that is about to be sent.
    #[must_use]
    pub fn outgoing(at: i64, bytes: &[u8]) -> Self {
        let read = parse_input(bytes).ok();
        let peers: Vec<String> =
            read.iter().flat_map(|input| input.destinations.iter().map(|to| shown::line(to.as_str()))).collect();
        let body = read.as_ref().and_then(|input| input.body).unwrap_or(bytes);
        Self {
            id: 0,
            at,
            way: Way::Out,
            state: State::Waiting,
            key: read.as_ref().map(|input| input.key),
            peer: shown::cut(&peers.join(" "), PEER_COLUMNS).into(),
            control: read.as_ref().and_then(|input| input.checked_control().ok().flatten()),
            subject: subject(read.as_ref().map(|input| input.key), body).into(),
        }
    }

    /// Whether its key is that.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.key.is_some_and(|own| own.as_str() == key)
    }

    /// Its key for a person.
    #[must_use]
    pub fn key_text(&self) -> &str {
        self.key.as_ref().map_or("?", MessageKey::as_str)
    }

    /// Whether it is the switch's own.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        self.way == Way::In && &*self.peer == Ori::SWITCH && (self.is("ER") || self.is("SM"))
    }

    /// The number at the beginning of an ER or SM.
    #[must_use]
    pub fn notice_number(&self) -> Option<u8> {
        let rest = self.subject.strip_prefix('.').filter(|_| self.is_notice())?;
        rest.split_once('.').and_then(|(number, _)| number.parse().ok())
    }

    /// How urgent its kind is.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.is("YQ") || self.is("YR") || self.is("ER")
    }

    /// The priority of its kind, if the dictionary has it.
    #[must_use]
    pub fn priority(&self) -> Option<Priority> {
        let spec = self.key.and_then(|key| Dictionary::builtin().spec(key))?;
        Some(spec.priority)
    }
}

/// What a body is about: a name or a plate if it has fields, else its first line that says something.
fn subject(key: Option<MessageKey>, body: &[u8]) -> String {
    let spec = key.and_then(|key| Dictionary::builtin().spec(key));
    if spec.is_none_or(|spec| matches!(spec.body, Body::Fields(_))) {
        for wanted in ["NAM", "LIC", "VIN", "OLN"] {
            let found = fields(body).take(64).flatten().find(|field| field.prefix.eq_ignore_ascii_case(wanted));
            if let Some(field) = found.filter(|field| !field.value.trim().is_empty()) {
                return shown::cut(&shown::line(&format!("{wanted}/{}", field.value)), SUBJECT_COLUMNS).to_owned();
            }
        }
    }
    let head = body.get(..SUBJECT_BYTES_MAX).unwrap_or(body);
    let lines = shown::lines(head);
    let put_first = spec.and_then(|spec| spec.first_line.as_deref());
    let says_something = |line: &&String| {
        let line = line.trim();
        let own = line.strip_prefix(SYNTHETIC).unwrap_or(line);
        own.chars().any(char::is_alphanumeric) && put_first != Some(line) && !line.starts_with(QUERY)
    };
    let first = lines.iter().find(says_something).or_else(|| lines.first());
    first.map_or(String::new(), |line| shown::cut(line.trim(), SUBJECT_COLUMNS).to_owned())
}

/// What every generated answer begins with, which tells one from another as little as an empty line does.
const SYNTHETIC: &str = "EMULATOR - SYNTHETIC DATA";
/// How the center's answers name the inquiry, before they say what was found. Which inquiry it is, the control field tells.
const QUERY: &str = "RE QUERY ID ";
/// First words are looked for in so much of a body.
const SUBJECT_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let text = "IAR.ZZLESC000\r\n\x7f08:00 01/31/2030 00011\r\n\x7f08:00 01/31/2030 00027 ZA0010000\r\n\x7f\
                    *T0000001AA\r\n\x7fTXT\r\n\x7fEMULATOR - SYNTHETIC DATA\r\n\x7f\x1b[2JNO RECORD";
        let entry = Entry::incoming(7, text.as_bytes());
        assert_eq!((entry.key_text(), &*entry.peer, &*entry.subject), ("IAR", "ZZLESC000", "\\x1B[2JNO RECORD"));
        assert_eq!((entry.state, entry.control.unwrap().as_str()), (State::Unread, "T0000001AA"));
    }

    #[test]
    fn what_a_text_is_about_is_its_first_line_that_says_something() {
        let about = |key: &str, body: &str| subject(MessageKey::parse(key).ok(), body.as_bytes());
        let mark = "EMULATOR - SYNTHETIC DATA";
        let found = format!("{mark}\r\nRE QUERY ID E0000000001 NAM/SAMPLE, P. DOB/19800102.\r\nNO RECORD FOUND");
        assert_eq!(about("IAR", &found), "NO RECORD FOUND");
        let broadcast = format!("FOR LAW ENFORCEMENT DISSEMINATION ONLY\r\n\r\n{mark}.\r\n---\r\nATTEMPT TO LOCATE");
        assert_eq!(about("AML", &broadcast), "ATTEMPT TO LOCATE");
        assert_eq!(about("AM", &format!("{mark}, TEST OF THE LINE")), "EMULATOR - SYNTHETIC DATA, TEST OF THE LINE");
        assert_eq!(about("AM", mark), mark);
        assert_eq!(about("YQ", "OCA/CASE1.NAM/SAMPLE, PERSON A"), "NAM/SAMPLE, PERSON A");
    }

    #[test]
    fn an_inquiry_is_read() {
        let entry = Entry::outgoing(7, b"IAQ.ZA0010000.AX.*T1.TXT\r\nPUR/C.NAM/SAMPLE, PERSON A.DOB/19800102");
        assert_eq!((entry.key_text(), &*entry.peer, &*entry.subject), ("IAQ", "AX", "NAM/SAMPLE, PERSON A"));
    }

    #[test]
    fn what_cannot_be_read_is_kept_all_the_same() {
        let entry = Entry::incoming(7, b"\x1b]0;x\x07");
        assert_eq!((entry.key_text(), &*entry.subject), ("?", "\\x1B]0;x\\x07"));
    }

    #[test]
    fn states_have_numbers() {
        for state in State::ALL {
            assert_eq!(State::from_code(state.code()), Some(state));
        }
        assert_eq!(State::from_code(6), None);
    }
}
