//! From a document to the legacy text that it stands for.

use bytes::Bytes;

use super::Marks;
use crate::dictionary::{Body, Dictionary, MessageSpec};
use crate::legacy::is_xml;
use crate::name::{Control, Prefix};
use crate::notice::ErNumber;
use crate::xml::{Element, HeaderParts, XmlFault, parse, push_field, text_body};

/// Whether a document is OFML.
#[must_use]
pub fn is_ofml(root: &Element<'_>) -> bool {
    root.is("", "OFML")
}

/// The marks of a message; nothing if it is no OFML.
#[must_use]
pub fn marks_of(message: &[u8]) -> Option<Marks> {
    // Nearly all messages are not even XML.
    let root = if is_xml(message) { parse(message).ok()? } else { return None };
    is_ofml(&root).then(|| marks(&root))
}

/// The marks in the header of a document.
pub(super) fn marks(root: &Element<'_>) -> Marks {
    let header = root.child("", "HDR");
    let value = |name| header.and_then(|header| value_of(header, name)).unwrap_or_default();
    Marks::new(value("ID"), value("DAC"), value("REF"), value("RQR"), value("USR"))
}

/// Reads a document that [`is_ofml`]. One without `DST` is for `destination`, where there is one.
///
/// # Errors
/// If its header lacks key, sender or destination or has them in a wrong form, if a field cannot be one of legacy text,
/// or if it says nothing.
pub fn read(root: &Element<'_>, dictionary: &Dictionary, destination: Option<&str>) -> Result<Bytes, XmlFault> {
    let header =
        root.child("", "HDR").ok_or_else(|| XmlFault::new(ErNumber::Format, "HDR EXPECTED IN OFML".to_owned()))?;
    whole(root, header)?;
    let parts = HeaderParts { key: value_of(header, "MKE"), sender: value_of(header, "ORI"), control: control(header) };
    let seen = parts.glance();
    let spec = seen.key.and_then(|key| dictionary.spec(key));
    let body = body(root, spec).map_err(|fault| fault.of(seen));
    // What is wrong with the header is said first.
    let text = parts.legacy_text(&destinations(header, destination), body.as_deref().unwrap_or_default())?;
    body.map(|_| text)
}

/// Nothing of a document is passed over in silence: what is not read is refused.
fn whole(root: &Element<'_>, header: &Element<'_>) -> Result<(), XmlFault> {
    const PARTS: [&str; 3] = ["HDR", "TRN", "RSP"];
    only_elements(root)?;
    if let Some(other) = root.children().iter().find(|child| !PARTS.iter().any(|part| child.is("", part))) {
        return Err(XmlFault::element(other));
    }
    PARTS.iter().try_for_each(|part| once(root, part))?;
    only_elements(header)?;
    header.children().iter().try_for_each(only_text)?;
    ["MKE", "ORI", "CTL", "ID", "DAC", "REF", "RQR", "USR"].iter().try_for_each(|name| once(header, name))?;
    for part in ["TRN", "RSP"].iter().filter_map(|part| root.child("", part)) {
        only_elements(part)?;
        once(part, "TXT")?;
        part.child("", "TXT").map_or(Ok(()), only_text)?;
    }
    Ok(())
}

fn once(parent: &Element<'_>, name: &str) -> Result<(), XmlFault> {
    let more = parent.children().iter().filter(|child| child.is("", name)).nth(1);
    more.map_or(Ok(()), |_| Err(XmlFault::new(ErNumber::NoText, format!("{name} REPEATED"))))
}

fn only_text(element: &Element<'_>) -> Result<(), XmlFault> {
    element.children().first().map_or(Ok(()), |child| Err(XmlFault::element(child)))
}

fn only_elements(element: &Element<'_>) -> Result<(), XmlFault> {
    if element.value().is_empty() {
        return Ok(());
    }
    Err(XmlFault::new(ErNumber::NoText, "TEXT WHERE ONLY ELEMENTS CAN STAND"))
}

fn value_of<'a>(header: &'a Element<'_>, name: &str) -> Option<&'a str> {
    header.child("", name).map(Element::value)
}

/// `CTL` up to its first character that is neither letter nor digit. Where that leaves nothing, the client's own number of
/// the message, if a control field can have its form: answers have to be told apart by something.
fn control<'a>(header: &'a Element<'_>) -> Option<&'a str> {
    let written = value_of(header, "CTL").unwrap_or_default();
    let end = written.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(written.len());
    let control = written.get(..end).filter(|control| !control.is_empty());
    control.or_else(|| value_of(header, "ID").filter(|id| Control::parse(id).is_ok()))
}

/// Each `DST` names one destination or several, with commas or white space between them.
fn destinations<'a>(header: &'a Element<'_>, without: Option<&'a str>) -> Vec<&'a str> {
    let written = header.children().iter().filter(|child| child.is("", "DST")).map(Element::value);
    let mut all: Vec<&str> =
        written.flat_map(|text| text.split([',', ' ', '\t', '\r', '\n'])).filter(|one| !one.is_empty()).collect();
    if all.is_empty() {
        all.extend(without);
    }
    all
}

/// The fields of `TRN`, or the free text of its `TXT`; without either the text of `RSP`. Text beside fields stands behind
/// the period of the last one, on a line of its own, and only where the body is free text anyway: where a key has fields,
/// a reader of the body could take it for more of them, or for more of the last one's value.
fn body(root: &Element<'_>, spec: Option<&MessageSpec>) -> Result<Vec<u8>, XmlFault> {
    let transaction = root.child("", "TRN");
    let mut fields = String::new();
    for field in transaction.map_or(&[][..], Element::children).iter().filter(|child| !child.is("", "TXT")) {
        put_field(&mut fields, spec, field)?;
    }
    let text = transaction.and_then(|transaction| transaction.child("", "TXT"));
    let answer = || root.child("", "RSP").and_then(|answer| answer.child("", "TXT")).filter(|_| fields.is_empty());
    let Some(element) = text.or_else(answer) else {
        let nothing = || XmlFault::new(ErNumber::NoText, "A FIELD IN TRN OR A TXT EXPECTED");
        return if fields.is_empty() { Err(nothing()) } else { Ok(fields.into_bytes()) };
    };
    let text = text_body(element, element.text())?;
    if fields.is_empty() {
        return Ok(text);
    }
    if text.is_empty() {
        return Ok(fields.into_bytes());
    }
    if spec.is_some_and(|spec| matches!(spec.body, Body::Fields(_))) {
        return Err(XmlFault::new(ErNumber::Options, "TXT BESIDE FIELDS"));
    }
    let mut body = fields.into_bytes();
    body.extend_from_slice(b".\r\n");
    // A first DEL would be taken for a part of the line end.
    if text.starts_with(b"\x7f") {
        body.push(0x7f);
    }
    body.extend_from_slice(&text);
    Ok(body)
}

/// An element as a field. One that is empty says nothing.
fn put_field(body: &mut String, spec: Option<&MessageSpec>, field: &Element<'_>) -> Result<(), XmlFault> {
    let prefix = Prefix::parse(field.name()).ok().filter(|_| field.namespace().is_empty());
    let Some(prefix) = prefix.filter(|_| field.children().is_empty()) else {
        let shown: String = field.name().chars().filter(char::is_ascii_alphanumeric).take(SHOWN_MAX).collect();
        return Err(XmlFault::new(ErNumber::Options, format!("{} IS NO FIELD", shown.to_ascii_uppercase())));
    };
    match field.value() {
        "" => Ok(()),
        value => push_field(body, spec, prefix.as_str(), value),
    }
}

/// Letters of an unknown element that an ER shows.
const SHOWN_MAX: usize = 16;
