//! What the switch itself says: the bodies of ER and SM (`protocol-specs/formats.md` 4.1 and 4.2).
//!
//! Only numbers of the public tables exist here; the gaps between them are not filled. Lines end in CR LF, the echo of
//! the original keeps its own line ends.

use crate::name::MessageKey;

/// Why a message was refused, by the number of the public ER table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ErNumber {
    /// 00: not a message at all.
    Format = 0,
    /// 01: something in the header.
    Header = 1,
    /// 02: the destination never takes this key.
    NotAllowed = 2,
    /// 03: no `TXT`, or XML that is not well formed.
    NoText = 3,
    /// 04: a Mexican commercial driver's license.
    MexicanLicense = 4,
    /// 05: a date of birth.
    BirthDate = 5,
    /// 06: a message for Canada.
    Canada = 6,
    /// 10: a year.
    Year = 10,
    /// 14: fields that the key requires.
    FieldsMissing = 14,
    /// 16: the attention field.
    Attention = 16,
    /// 19: destinations that do not exist.
    Destinations = 19,
    /// 22: any other fault of the fields; a list of what the key allows follows.
    Options = 22,
}

impl ErNumber {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 12] = [
        Self::Format,
        Self::Header,
        Self::NotAllowed,
        Self::NoText,
        Self::MexicanLicense,
        Self::BirthDate,
        Self::Canada,
        Self::Year,
        Self::FieldsMissing,
        Self::Attention,
        Self::Destinations,
        Self::Options,
    ];

    /// The number itself.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The one with that number; nothing where the public table has none.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.number() == number)
    }

    /// The text of the table, with the key for its `xx`.
    fn text(self, key: &str) -> String {
        let text = match self {
            Self::Format => "MESSAGE FORMAT/STRUCTURE ERROR - THE RECEIVED MESSAGE IS INCORRECTLY FORMATTED",
            Self::Header => "INVALID HEADER INFORMATION",
            Self::NotAllowed => "MESSAGE TYPE NOT ALLOWED TO DESTINATION",
            Self::NoText => "TXT NOT FOUND OR IMPROPERLY FORMED XML",
            Self::MexicanLicense => "MEXICAN CDL ERROR",
            Self::BirthDate => "DOB INVALID or MISSING",
            Self::Canada => "INVALID MESSAGE FORMAT FOR CN",
            Self::Year => "A YEAR FIELD IS INVALID or MISSING",
            Self::FieldsMissing => "FIELDS MISSING",
            Self::Attention => "ATN FIELD INVALID",
            Self::Destinations => "INVALID DESTINATION ORIs",
            Self::Options => return format!("INVALID MESSAGE FORMAT - REFER TO {key} MKE OPTIONS BELOW"),
        };
        text.to_owned()
    }
}

/// Writes the body of an ER: number and text, detail, the option list where it is given, the first `echo_bytes` bytes
/// of the original (`protocol-specs/wire.md` 2.4).
///
/// `detail` must not hold a field's value: an ER shows one only in its echo. `key` is the original's, where it could
/// be read.
#[must_use]
pub fn er_body(
    number: ErNumber,
    key: Option<MessageKey>,
    detail: &str,
    options: &[String],
    original: &[u8],
    echo_bytes: usize,
) -> Vec<u8> {
    let key = key.as_ref().map_or(UNREAD_KEY, MessageKey::as_str);
    let mut body =
        Vec::with_capacity(BODY_BYTES.saturating_add(detail.len()).saturating_add(echo_bytes.min(original.len())));
    say(&mut body, number.number(), &number.text(key), detail);
    for (option, place) in options.iter().zip(1_usize..) {
        body.extend_from_slice(format!("{place}. {option}\r\n").as_bytes());
    }
    echo(&mut body, original, echo_bytes);
    body
}

/// What the switch tells a sender about a destination that is not in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum SmNumber {
    /// 01: the destination does not take this key; the message is dropped.
    NotSupported = 1,
    /// 02: the message waits.
    WillForward = 2,
    /// 04: the message is dropped or comes back; the sender has to send it again later.
    WillNotForward = 4,
}

impl SmNumber {
    /// The number itself.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    const fn text(self) -> &'static str {
        match self {
            Self::NotSupported => "USER DOES NOT RESPOND TO MSG TYPE, NLETS WILL NOT FORWARD",
            Self::WillForward => "USER OUT OF SERVICE FOR MSG TYPE, NLETS WILL FORWARD",
            Self::WillNotForward => "USER OUT OF SERVICE FOR MSG TYPE, NLETS WILL NOT FORWARD",
        }
    }
}

/// Writes the body of the switch's own SM: number and text, the destinations meant, and the first `echo_bytes` bytes
/// of the original where one is given, as it is for a message that is returned (`protocol-specs/wire.md` 2.7).
#[must_use]
pub fn sm_body(number: SmNumber, destinations: &[&str], original: Option<&[u8]>, echo_bytes: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(BODY_BYTES.saturating_add(original.map_or(0, <[u8]>::len).min(echo_bytes)));
    say(&mut body, number.number(), number.text(), &destinations.join(", "));
    if let Some(original) = original {
        echo(&mut body, original, echo_bytes);
    }
    body
}

/// What stands for the key in ER 22 where the original's could not be read; admission never gets that far then.
const UNREAD_KEY: &str = "xx";

/// Enough for the longest text, an option line and the heading of the echo.
const BODY_BYTES: usize = 192;

fn say(body: &mut Vec<u8>, number: u8, text: &str, detail: &str) {
    let dash = if detail.is_empty() { "" } else { " - " };
    body.extend_from_slice(format!(".{number:02}. {text}{dash}{detail}\r\n").as_bytes());
}

/// Appends the heading and the beginning of the original. Line ends are kept, a byte that is not printable becomes `?`.
/// The original is cut first: half a line end at the cut is not printable.
fn echo(body: &mut Vec<u8>, original: &[u8], echo_bytes: usize) {
    body.extend_from_slice(b"ORIGINAL MESSAGE\r\n");
    let mut rest = original.get(..echo_bytes).unwrap_or(original);
    while let Some((first, after)) = rest.split_first() {
        let line_end = match first {
            b'\r' | b'\n' => LINE_ENDS.into_iter().find(|end| rest.starts_with(end)),
            _ => None,
        };
        if let Some(end) = line_end {
            body.extend_from_slice(end);
            rest = rest.get(end.len()..).unwrap_or_default();
        } else {
            body.push(if matches!(first, 0x20..=0x7e) { *first } else { b'?' });
            rest = after;
        }
    }
}

/// The line ends that an echo keeps, the longest first.
const LINE_ENDS: [&[u8]; 3] = [b"\r\n\x7f", b"\r\n", b"\n"];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn an_error_has_number_detail_options_and_echo_in_that_order() {
        let key = MessageKey::parse("RQ").unwrap();
        let options = ["LIC, LIY, LIT".to_owned(), "VIN".to_owned()];
        let original = b"RQ.ZZ0010000.ZB.TXT\r\nLIC/TEST123.LIT/PC";
        assert_eq!(
            text(er_body(ErNumber::Options, Some(key), "", &options, original, 100)),
            ".22. INVALID MESSAGE FORMAT - REFER TO RQ MKE OPTIONS BELOW\r\n1. LIC, LIY, LIT\r\n2. VIN\r\n\
             ORIGINAL MESSAGE\r\nRQ.ZZ0010000.ZB.TXT\r\nLIC/TEST123.LIT/PC"
        );
        assert_eq!(
            text(er_body(ErNumber::Destinations, Some(key), "QX, QY", &[], original, 2)),
            ".19. INVALID DESTINATION ORIs - QX, QY\r\nORIGINAL MESSAGE\r\nRQ"
        );
        assert!(text(er_body(ErNumber::Format, None, "", &[], b"", 100)).starts_with(".00. MESSAGE FORMAT"));
    }

    #[test]
    fn the_echo_is_cut_first_and_shows_unprintable_bytes_as_question_marks() {
        let check = |original: &[u8], echo_bytes, expected: &str| {
            let body = text(er_body(ErNumber::Header, None, "", &[], original, echo_bytes));
            assert_eq!(body.split_once("ORIGINAL MESSAGE\r\n").unwrap().1, expected);
        };
        check(b"A\r\nB\r\n\x7fC\nD\rE\x7fF\tG\x01H\xffI", 100, "A\r\nB\r\n\x7fC\nD?E?F?G?H?I");
        check(b"A\r\nB", 2, "A?");
        check(b"A\r\n\x7fB", 3, "A\r\n");
        check(b"ABC", 0, "");
    }

    #[test]
    fn a_status_names_its_destinations_and_a_returned_message_its_beginning() {
        assert_eq!(
            text(sm_body(SmNumber::WillForward, &["ZC0010000", "ZC"], None, 100)),
            ".02. USER OUT OF SERVICE FOR MSG TYPE, NLETS WILL FORWARD - ZC0010000, ZC\r\n"
        );
        assert_eq!(
            text(sm_body(SmNumber::WillNotForward, &["ZC"], Some(b"AM.ZA0010000.ZC.TXT"), 4)),
            ".04. USER OUT OF SERVICE FOR MSG TYPE, NLETS WILL NOT FORWARD - ZC\r\nORIGINAL MESSAGE\r\nAM.Z"
        );
    }

    #[test]
    fn only_published_numbers_exist() {
        let known: Vec<u8> = (0..=u8::MAX).filter(|number| ErNumber::from_number(*number).is_some()).collect();
        assert_eq!(known, [0, 1, 2, 3, 4, 5, 6, 10, 14, 16, 19, 22]);
    }
}
