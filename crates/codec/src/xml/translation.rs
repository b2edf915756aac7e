//! What the translations of both XML formats into legacy text share: the refusal, the checked header, the checks of
//! what goes into a body.

use bytes::Bytes;

use super::{Element, XmlError};
use crate::dictionary::{Body, MessageSpec};
use crate::legacy::Glance;
use crate::name::{Control, MessageKey, Ori};
use crate::notice::ErNumber;

/// Why a message in XML does not become one in legacy text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlFault {
    /// The number of the ER that tells it.
    pub number: ErNumber,
    /// What the ER says beside its text. It holds no field's value.
    pub detail: String,
    /// What of the header could be read, for the answer.
    pub seen: Glance,
}

impl XmlFault {
    /// A refusal of a message of which nothing was read yet.
    #[must_use]
    pub fn new(number: ErNumber, detail: impl Into<String>) -> Self {
        Self { number, detail: detail.into(), seen: Glance::default() }
    }

    /// The same refusal of a message whose header was read that far.
    #[must_use]
    pub fn of(self, seen: Glance) -> Self {
        Self { seen, ..self }
    }

    /// An element that has no place where it stands.
    #[must_use]
    pub fn element(element: &Element<'_>) -> Self {
        Self::new(ErNumber::NoText, format!("{} IS NOT IN THE TABLE OF ELEMENTS", shown(element.name())))
    }
}

impl From<XmlError> for XmlFault {
    fn from(error: XmlError) -> Self {
        Self::new(ErNumber::NoText, format!("{} AT BYTE {}", error.rule.to_ascii_uppercase(), error.offset))
    }
}

/// A header as it stands in the elements of a document, nothing of it checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeaderParts<'a> {
    /// The key.
    pub key: Option<&'a str>,
    /// The sender.
    pub sender: Option<&'a str>,
    /// The control field without a `*`; empty where there is none.
    pub control: Option<&'a str>,
}

impl HeaderParts<'_> {
    /// As much of it as is what it should be.
    #[must_use]
    pub fn glance(&self) -> Glance {
        let key = self.key.and_then(|key| MessageKey::parse(key).ok());
        let sender = self.sender.filter(|_| key.is_some()).and_then(|sender| Ori::parse(sender).ok());
        let control = self.control.filter(|_| sender.is_some()).and_then(|control| Control::parse(control).ok());
        Glance { key, sender, control }
    }

    /// Writes the message as legacy text. Nothing but letters and digits gets into its header, so that no element can
    /// say more than its own part of it.
    ///
    /// # Errors
    /// Rows 1 and 6 of admission: a part is missing or is not what it should be. A destination that a legacy header
    /// cannot hold is row 8: it exists nowhere.
    pub fn legacy_text(&self, destinations: &[&str], body: &[u8]) -> Result<Bytes, XmlFault> {
        let seen = self.glance();
        let expected = |what: &str| XmlFault::new(ErNumber::Format, format!("{what} EXPECTED")).of(seen);
        let key = seen.key.ok_or_else(|| expected("MESSAGE KEY"))?;
        let sender = seen.sender.ok_or_else(|| expected("SENDER"))?;
        let control = self.control.filter(|control| !control.is_empty());
        if control.is_some() && seen.control.is_none() {
            let detail = "CONTROL FIELD MUST BE 1 TO 20 LETTERS OR DIGITS";
            return Err(XmlFault::new(ErNumber::Header, detail).of(seen));
        }
        if destinations.is_empty() {
            return Err(expected("DESTINATION"));
        }
        let mut text = Vec::with_capacity(body.len().saturating_add(HEADER_BYTES));
        for part in [key.as_str(), sender.as_str()] {
            text.extend_from_slice(part.as_bytes());
            text.push(b'.');
        }
        for destination in destinations {
            let plain = !destination.is_empty() && destination.bytes().all(|byte| byte.is_ascii_alphanumeric());
            // Of another length than an address, the first letters of the body's mark would end the header.
            let address = matches!(destination.len(), 2 | 9);
            let ends = destination.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("TXT"));
            if !plain || ends && !address {
                return Err(expected("DESTINATION"));
            }
            text.extend_from_slice(destination.as_bytes());
            text.push(b'.');
        }
        if let Some(control) = &seen.control {
            text.push(b'*');
            text.extend_from_slice(control.as_str().as_bytes());
            text.push(b'.');
        }
        text.extend_from_slice(b"TXT\r\n");
        // A body's first DEL would be taken for a part of the line end.
        if body.starts_with(b"\x7f") {
            text.push(0x7f);
        }
        text.extend_from_slice(body);
        Ok(Bytes::from(text))
    }
}

/// Key, sender, a destination, control field and `TXT`.
const HEADER_BYTES: usize = 64;

/// Appends a field to a body, a period before it if it is not the first.
///
/// # Errors
/// If the value has a period, a line end or a character that legacy text does not have: the number that the dictionary
/// has for the field, the prefix in the detail.
pub fn push_field(body: &mut String, spec: Option<&MessageSpec>, prefix: &str, value: &str) -> Result<(), XmlFault> {
    if value.bytes().any(|byte| !matches!(byte, 0x20..=0x7e) || byte == b'.') {
        let field = spec.and_then(|spec| match &spec.body {
            Body::Fields(rules) => rules.field(prefix),
            Body::Text => None,
        });
        let number = field.map_or(ErNumber::Options, |field| field.refusal);
        return Err(XmlFault::new(number, format!("{} CHARACTER", prefix.to_ascii_uppercase())));
    }
    if !body.is_empty() {
        body.push('.');
    }
    body.push_str(prefix);
    body.push('/');
    body.push_str(value);
    Ok(())
}

/// Free text as a legacy body: line ends are CR LF.
///
/// # Errors
/// If it has a character that legacy text does not have. `element` is where it stands.
pub fn text_body(element: &Element<'_>, text: &str) -> Result<Vec<u8>, XmlFault> {
    let mut body = Vec::with_capacity(text.len().saturating_add(text.len() / 16));
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            // A DEL behind it would be taken for a part of the line end if there were a CR.
            b'\n' if body.last() != Some(&b'\r') && bytes.peek() != Some(&0x7f) => body.extend_from_slice(b"\r\n"),
            0x20..=0x7f | b'\r' | b'\n' | b'\t' => body.push(byte),
            _ => {
                let detail = format!("A CHARACTER IN {} IS NOT ALLOWED", shown(element.name()));
                return Err(XmlFault::new(ErNumber::Format, detail));
            }
        }
    }
    Ok(body)
}

/// A body as a document has it: line ends are LF, as XML has it. A CR that belongs to none stays.
#[must_use]
pub fn with_line_feeds(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if memchr::memchr(b'\r', body).is_none() {
        return text.into_owned();
    }
    let mut lines = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((line, after)) = rest.split_once("\r\n") {
        lines.push_str(line);
        // Else the two would be one line end for whoever reads it.
        lines.push_str(if lines.ends_with('\r') { "\r\n" } else { "\n" });
        rest = after.strip_prefix('\x7f').unwrap_or(after);
    }
    lines.push_str(rest);
    lines
}

/// A name as an ER may repeat it: a name from a table, or nothing that says anything.
fn shown(name: &str) -> String {
    const SHOWN_MAX: usize = 40;
    if name.len() <= SHOWN_MAX && name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        name.to_ascii_uppercase()
    } else {
        "AN ELEMENT".to_owned()
    }
}
