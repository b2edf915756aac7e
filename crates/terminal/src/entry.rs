//! One message that the terminal keeps, as lists show it. Its bytes stay on disk.

use codec::dictionary::Priority;
use codec::legacy::{Output, fields, parse_input, parse_output};
use codec::name::{Control, MessageKey, Ori};

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
            subject: subject(body).into(),
        };
        match parse_output(bytes) {
            Ok(Output { key, sender, control, body, .. }) => entry(Some(key), sender.as_str(), control, body),
            Err(_) => entry(None, "?", None, bytes),
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
            subject: subject(body).into(),
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
        let spec = self.key.and_then(|key| codec::dictionary::Dictionary::builtin().spec(key))?;
        Some(spec.priority)
    }
}

/// The first words of a body: a name or a plate if it has fields, else its first line with text.
fn subject(body: &[u8]) -> String {
    for wanted in ["NAM", "LIC", "VIN", "OLN"] {
        let found = fields(body).take(64).flatten().find(|field| field.prefix.eq_ignore_ascii_case(wanted));
        if let Some(field) = found.filter(|field| !field.value.trim().is_empty()) {
            return shown::cut(&shown::line(&format!("{wanted}/{}", field.value)), SUBJECT_COLUMNS).to_owned();
        }
    }
    let head = body.get(..SUBJECT_BYTES_MAX).unwrap_or(body);
    let lines = shown::lines(head);
    let is_text = |line: &&String| !line.trim().is_empty() && line.trim() != SYNTHETIC;
    let first = lines.iter().find(is_text).or_else(|| lines.first());
    first.map_or(String::new(), |line| shown::cut(line.trim(), SUBJECT_COLUMNS).to_owned())
}

/// What every generated answer begins with, which tells one from another as little as an empty line does.
const SYNTHETIC: &str = "EMULATOR - SYNTHETIC DATA";
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
