//! From a copy to the document that its receiver gets.

use bytes::Bytes;

use super::Marks;
use crate::legacy::{Field, OutputHeader, fields};
use crate::name::{Control, Prefix};
use crate::time::Stamp;
use crate::xml::{Content, Writer, with_line_feeds};

/// Writes a copy. `marks` are those of the message that it answers; without any, the control field is its `ID`.
/// `in_fields` says that the dictionary knows the body as fields: then each is an element of `TRN` too, unless one has a
/// form that no element has. `first_line` comes before the body.
///
/// The document is ASCII, so that a frame can end at any byte of it.
#[must_use]
pub fn encode(
    header: &OutputHeader<'_>,
    marks: &Marks,
    in_fields: bool,
    first_line: Option<&str>,
    body: &[u8],
) -> Bytes {
    let OutputHeader { key, sender, received, isn, sent, osn, destination, control } = header;
    let control = control.as_ref().map_or("", Control::as_str);
    let id = if marks.id().is_empty() { control } else { marks.id() };
    let summary = format!("IN {} {isn} OUT {} {osn}", shown(*received), shown(*sent));
    let mut writer = Writer::new(body.len().saturating_add(HEADER_BYTES));
    writer.start("OFML").start("HDR");
    for (name, value) in [
        // The public client cannot do without it.
        ("ID", id),
        ("DAC", marks.device()),
        ("SRC", sender.line().as_str()),
        ("RQR", marks.requester()),
        ("DAT", &moment(*sent)),
        ("REF", marks.reference()),
        ("USR", marks.user()),
        ("MKE", key.as_str()),
        ("ORI", sender.as_str()),
        ("DST", destination),
        ("CTL", control),
        ("SUM", &summary),
    ] {
        writer.element(name, value, Content::Escaped);
    }
    writer.end();
    if let Some(fields) = in_fields.then(|| elements(body)).flatten() {
        writer.start("TRN");
        for (prefix, value) in fields {
            writer.field(prefix, value);
        }
        writer.end();
    }
    writer.start("RSP").element("TXT", &text(first_line, body), Content::Escaped);
    writer.finish()
}

/// What a document has beside its body, about.
const HEADER_BYTES: usize = 512;

/// The fields of a body that all can be elements; none if one cannot.
fn elements(body: &[u8]) -> Option<Vec<(Prefix, &str)>> {
    let element = |field: Field<'_>| {
        let prefix = Prefix::parse(field.prefix).ok()?;
        // `TXT` in there is free text.
        let fits = prefix.as_str() != "TXT" && field.value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        fits.then_some(prefix)
    };
    let fields: Option<Vec<_>> =
        fields(body).map(|field| field.ok().and_then(|field| Some((element(field)?, field.value)))).collect();
    fields.filter(|fields| !fields.is_empty())
}

/// A body with line feeds for line ends, in ASCII. A CR that belongs to none and a DEL stay: the writer has a form for
/// both that a reader gives back.
fn text(first_line: Option<&str>, body: &[u8]) -> String {
    let plain = |byte: &u8| if matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=0x7f) { *byte } else { b'?' };
    let body = with_line_feeds(&body.iter().map(plain).collect::<Vec<u8>>());
    match first_line {
        Some(line) => format!("{line}\n{body}"),
        None => body,
    }
}

/// `HH:MM MM/DD/YYYY`.
fn shown(stamp: Stamp) -> String {
    stamp.digits().iter().map(|byte| char::from(*byte)).collect()
}

/// `ccyymmddhhmmss`; stamps have no seconds.
fn moment(stamp: Stamp) -> String {
    let [h1, h0, _, m1, m0, _, month1, month0, _, day1, day0, _, y3, y2, y1, y0] = stamp.digits();
    let digits = [y3, y2, y1, y0, month1, month0, day1, day0, h1, h0, m1, m0, b'0', b'0'];
    digits.iter().map(|byte| char::from(*byte)).collect()
}
