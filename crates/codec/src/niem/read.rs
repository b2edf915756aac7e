//! From the document that a NIEM station sends to legacy text.

use bytes::Bytes;

use super::value::{Name, date_in};
use super::{ENVELOPE, EXTENSION, FIELD, FIELD_PREFIX, Form, HEADER, Row, STAMPS, Table, Wrapper};
use crate::dictionary::{Body, Dictionary, MessageSpec};
use crate::name::Prefix;
use crate::notice::ErNumber;
use crate::xml::{Element, HeaderParts, XmlFault, push_field, text_body};

/// Reads a message in the envelope as the legacy text that says the same.
///
/// # Errors
/// If it has an element that is not in the table, lacks one that it needs, or a value that legacy text cannot have.
pub fn read(root: &Element<'_>, dictionary: &Dictionary) -> Result<Bytes, XmlFault> {
    let Some(header) = root.child(ENVELOPE, "NLETSMessageHeader") else {
        return Err(XmlFault::new(ErNumber::Format, "NLETSMESSAGEHEADER EXPECTED"));
    };
    let one = |name: &str| header.child(HEADER, name).map(|element| element.text().trim());
    let parts = HeaderParts {
        key: one("MessageKeyCodeText"),
        sender: one("OriginatingORIID"),
        control: one("DocumentControlFieldText"),
    };
    let seen = parts.glance();
    check_header(header).map_err(|fault| fault.of(seen))?;
    let destinations = header.children().iter().filter(|one| one.is(HEADER, DESTINATION)).map(|one| one.text().trim());
    let destinations: Vec<_> = destinations.collect();
    // A key that nobody knows is refused by its name, whatever follows.
    let Some(spec) = seen.key.and_then(|key| dictionary.spec(key)) else {
        return parts.legacy_text(&destinations, b"");
    };
    let body = data(root, spec).and_then(|data| body(data, spec)).map_err(|fault| fault.of(seen));
    // What is wrong with the header is said first.
    let text = parts.legacy_text(&destinations, body.as_deref().unwrap_or_default())?;
    body.map(|_| text)
}

const DESTINATION: &str = "DestinationORIID";

/// Each element at most once, but the destination; the stamps are the switch's and say nothing here.
fn check_header(header: &Element<'_>) -> Result<(), XmlFault> {
    let mut seen: Vec<&str> = Vec::new();
    for child in header.children() {
        let name = child.name();
        let known =
            matches!(name, "MessageKeyCodeText" | "OriginatingORIID" | "DocumentControlFieldText" | DESTINATION)
                || STAMPS.contains(&name);
        if child.namespace() != HEADER || !known {
            return Err(XmlFault::element(child));
        }
        if name != DESTINATION && seen.contains(&name) {
            return Err(XmlFault::new(ErNumber::Format, format!("{} REPEATED", name.to_ascii_uppercase())));
        }
        no_children(child)?;
        seen.push(name);
    }
    no_text(header)
}

/// The element around the body, and nothing else beside the header.
fn data<'e, 'a>(root: &'e Element<'a>, spec: &MessageSpec) -> Result<&'e Element<'a>, XmlFault> {
    no_text(root)?;
    let name = Wrapper::local(Wrapper::of(spec).data);
    let mut found = None;
    let mut headers = 0_usize;
    for child in root.children() {
        if child.is(ENVELOPE, "NLETSMessageHeader") && headers == 0 {
            headers = 1;
        } else if child.is(ENVELOPE, name) && found.is_none() {
            found = Some(child);
        } else {
            return Err(XmlFault::element(child));
        }
    }
    let data = found.ok_or_else(|| expected(name))?;
    let key = data.attribute(ENVELOPE, "key").or_else(|| data.attribute("", "key"));
    if key.is_some_and(|key| !key.trim().eq_ignore_ascii_case(spec.key.as_str())) {
        return Err(XmlFault::new(
            ErNumber::NoText,
            format!("THE KEY OF {} IS NOT THAT OF THE HEADER", name.to_ascii_uppercase()),
        ));
    }
    Ok(data)
}

/// The body: free text, or a field for each element.
fn body(data: &Element<'_>, spec: &MessageSpec) -> Result<Vec<u8>, XmlFault> {
    no_text(data)?;
    let text = Wrapper::local(Wrapper::of(spec).text);
    if let Some(element) = data.child(ENVELOPE, text) {
        if let Some(other) = data.children().iter().find(|other| !std::ptr::eq(*other, element)) {
            return Err(beside_text(other));
        }
        no_children(element)?;
        return text_body(element, element.text());
    }
    let rows = Table::builtin().rows(spec.key);
    if rows.is_empty() {
        return Err(data.children().first().map_or_else(|| expected(text), beside_text));
    }
    let mut read = Fields { spec, fields: Vec::new() };
    read.walk(data, &rows, 0)?;
    for row in rows {
        let there = read.fields.iter().any(|(prefix, _)| prefix.eq_ignore_ascii_case(row.prefix.as_str()));
        if let Some(absent) = row.absent.as_ref().filter(|_| !there) {
            read.fields.push((row.prefix.as_str().to_owned(), absent.clone()));
        }
    }
    read.body()
}

/// What stands beside free text and is not carried. A picture is told by its own name: legacy text has no place for it.
fn beside_text(element: &Element<'_>) -> XmlFault {
    if matches!(element.name(), "Image" | "PersonDigitalImage") {
        return XmlFault::new(ErNumber::NoText, "IMAGES ARE NOT CARRIED");
    }
    XmlFault::element(element)
}

/// The fields of a body as they are read.
struct Fields<'s> {
    spec: &'s MessageSpec,
    fields: Vec<(String, String)>,
}

impl Fields<'_> {
    /// Reads what is in an element to which the first `depth` steps of these rows lead.
    fn walk(&mut self, element: &Element<'_>, rows: &[&Row], depth: usize) -> Result<(), XmlFault> {
        no_text(element)?;
        for (at, child) in element.children().iter().enumerate() {
            if depth == 0 && child.is(EXTENSION, FIELD) {
                self.extension(child)?;
                continue;
            }
            let leads = |row: &&&Row| row.path.get(depth).is_some_and(|step| child.is(&step.uri, &step.local));
            let inner: Vec<&Row> = rows.iter().filter(leads).copied().collect();
            let Some(first) = inner.first() else { return Err(XmlFault::element(child)) };
            if first.path.len() == depth.saturating_add(1) {
                let value = value(child, first)?;
                self.fields.push((first.prefix.as_str().to_owned(), value));
                continue;
            }
            if element.children().iter().take(at).any(|other| other.is(child.namespace(), child.name())) {
                let detail = format!("{} REPEATED", child.name().to_ascii_uppercase());
                return Err(XmlFault::new(ErNumber::NoText, detail));
            }
            self.walk(child, &inner, depth.saturating_add(1))?;
        }
        Ok(())
    }

    /// A field that the table does not have.
    fn extension(&mut self, element: &Element<'_>) -> Result<(), XmlFault> {
        no_children(element)?;
        let prefix = element.attribute("", FIELD_PREFIX).filter(|prefix| Prefix::parse(prefix).is_ok());
        let Some(prefix) = prefix else {
            return Err(XmlFault::new(ErNumber::Options, "A PREFIX MUST BE 2 OR 3 LETTERS"));
        };
        self.fields.push((prefix.to_owned(), element.value().to_owned()));
        Ok(())
    }

    /// The fields in the order of the dictionary, those that it does not have behind them.
    fn body(mut self) -> Result<Vec<u8>, XmlFault> {
        if let Body::Fields(rules) = &self.spec.body {
            let place = |prefix: &str| {
                let same =
                    |prefix_of: &crate::dictionary::FieldSpec| prefix_of.prefix.as_str().eq_ignore_ascii_case(prefix);
                rules.fields().iter().position(same).unwrap_or(usize::MAX)
            };
            self.fields.sort_by_cached_key(|(prefix, _)| place(prefix));
        }
        let mut body = String::new();
        for (prefix, value) in &self.fields {
            push_field(&mut body, Some(self.spec), prefix, value)?;
        }
        Ok(body.into_bytes())
    }
}

/// The value that stands in the element of a row.
fn value(element: &Element<'_>, row: &Row) -> Result<String, XmlFault> {
    match row.form {
        Form::Text => no_children(element).map(|()| element.value().to_owned()),
        Form::Date => no_children(element).map(|()| date_in(element.value())),
        Form::Name => name(element),
    }
}

fn name(element: &Element<'_>) -> Result<String, XmlFault> {
    no_text(element)?;
    let core = Table::builtin().uri("nc").unwrap_or_default();
    let mut full = None;
    let mut name = Name::default();
    for child in element.children() {
        no_children(child)?;
        let part = match child.name() {
            _ if child.namespace() != core => return Err(XmlFault::element(child)),
            "PersonFullName" if full.is_none() => full.insert(child.value()),
            "PersonSurName" if name.surname.is_empty() => &mut name.surname,
            "PersonGivenName" if name.given.is_empty() => &mut name.given,
            "PersonMiddleName" if name.middle.is_empty() => &mut name.middle,
            _ => return Err(XmlFault::element(child)),
        };
        *part = child.value();
    }
    match full {
        Some(full) if name == Name::default() => Ok(full.to_owned()),
        Some(_) => Err(XmlFault::new(ErNumber::NoText, "PERSONFULLNAME BESIDE THE PARTS OF A NAME")),
        None => Ok(name.joined()),
    }
}

fn expected(name: &str) -> XmlFault {
    XmlFault::new(ErNumber::NoText, format!("{} EXPECTED", name.to_ascii_uppercase()))
}

fn no_children(element: &Element<'_>) -> Result<(), XmlFault> {
    element.children().first().map_or(Ok(()), |child| Err(XmlFault::element(child)))
}

fn no_text(element: &Element<'_>) -> Result<(), XmlFault> {
    if element.value().is_empty() {
        return Ok(());
    }
    Err(XmlFault::new(ErNumber::NoText, "TEXT WHERE ONLY ELEMENTS CAN STAND"))
}
