//! From a copy to the document that a NIEM station gets.

use bytes::Bytes;

use super::value::{Name, date_out};
use super::{EXTENSION, FIELD_PREFIX, Form, Row, Table, VERSION, Wrapper};
use crate::dictionary::MessageSpec;
use crate::legacy::{Field, OutputHeader, fields};
use crate::xml::{Content, Writer, with_line_feeds};

/// Writes a copy as a document (`protocol-specs/niem.md` 3). `body` is what a legacy station would get behind `TXT`,
/// whatever line ends it has; of `spec` the key's place in the network is asked.
///
/// The same copy gives the same bytes. What is written is well formed, whatever the body says.
#[must_use]
pub fn encode(header: &OutputHeader<'_>, spec: &MessageSpec, body: &[u8]) -> Bytes {
    let table = Table::builtin();
    let placed = placed(table, spec, body);
    let mut writer = Writer::new(body.len().saturating_mul(4).saturating_add(DOCUMENT_BYTES));
    writer.start("n2:NLETS").attribute("n2:version", VERSION);
    for namespace in table.namespaces() {
        let used = |one: &Placed<'_, '_>| one.uses(&namespace.uri);
        let body = placed.as_deref().unwrap_or_default().iter().any(used);
        let declared = match namespace.prefix.as_str() {
            "n2" => "xmlns:n2",
            "nh2" => "xmlns:nh2",
            "nc" => "xmlns:nc",
            "j" if body => "xmlns:j",
            "im" if body => "xmlns:im",
            "orinet" if body => "xmlns:orinet",
            _ => continue,
        };
        writer.attribute(declared, &namespace.uri);
    }
    write_header(&mut writer, header);
    let wrapper = Wrapper::of(spec);
    writer.line().start(wrapper.data).attribute("n2:key", header.key.as_str());
    match placed {
        Some(placed) => write_fields(&mut writer, header, &placed),
        None => {
            writer.line().element(wrapper.text, &with_line_feeds(body), Content::CData);
        }
    }
    writer.end_line().end_line();
    writer.finish()
}

/// About as long as a document without its body is.
const DOCUMENT_BYTES: usize = 1536;

fn write_header(writer: &mut Writer, header: &OutputHeader<'_>) {
    let (received, sent) = (header.received.digits(), header.sent.digits());
    let (isn, osn) = (header.isn.digits(), header.osn.digits());
    let digits = |bytes: &'_ [u8]| String::from_utf8_lossy(bytes).into_owned();
    let (time, date) = (0..5, 6..16);
    let part = |stamp: &[u8; 16], range: &std::ops::Range<usize>| digits(stamp.get(range.clone()).unwrap_or_default());
    writer.line().start("n2:NLETSMessageHeader");
    let mut plain = |name, text: &str| {
        writer.line().element(name, text, Content::Escaped);
    };
    plain("nh2:MessageKeyCodeText", header.key.as_str());
    plain("nh2:OriginatingORIID", header.sender.as_str());
    plain("nh2:DestinationORIID", header.destination);
    if let Some(control) = &header.control {
        writer.line().element("nh2:DocumentControlFieldText", control.as_str(), Content::CData);
    }
    let mut plain = |name, text: &str| {
        writer.line().element(name, text, Content::Escaped);
    };
    plain("nh2:MessageReceiveDate", &part(&received, &date));
    plain("nh2:MessageReceiveTime", &part(&received, &time));
    plain("nh2:MessageSendDate", &part(&sent, &date));
    plain("nh2:MessageSendTime", &part(&sent, &time));
    plain("nh2:ReceiveMessageNumeric", &digits(&isn));
    plain("nh2:SendMessageNumeric", &digits(&osn));
    writer.end_line();
}

/// A field and the row that says where it stands; none: in an element of the extension.
struct Placed<'t, 'b> {
    place: usize,
    row: Option<&'t Row>,
    field: Field<'b>,
}

impl Placed<'_, '_> {
    fn uses(&self, uri: &str) -> bool {
        self.row.map_or(uri == EXTENSION, |row| row.path.iter().any(|step| step.uri == uri))
    }
}

/// The fields of a body in the order in which their elements are written; none where it travels as text: the key is not
/// translated, or the body is not made of fields, each once.
fn placed<'b>(table: &'static Table, spec: &MessageSpec, body: &'b [u8]) -> Option<Vec<Placed<'static, 'b>>> {
    let rows = table.rows(spec.key);
    if rows.is_empty() {
        return None;
    }
    let fields: Vec<_> = fields(body).collect::<Result<_, _>>().ok()?;
    let same = |one: &Field<'_>, prefix: &str| one.prefix.eq_ignore_ascii_case(prefix);
    let repeated = |(at, field): (usize, &Field<'_>)| fields.iter().take(at).any(|other| same(other, field.prefix));
    if fields.is_empty() || fields.iter().enumerate().any(repeated) {
        return None;
    }
    let value = |prefix: &str| fields.iter().find(|one| same(one, prefix)).map(|field| field.value);
    let holds = |row: &&Row| {
        let chosen = |(prefix, values): &(_, Vec<String>)| {
            let prefix: &crate::name::Prefix = prefix;
            value(prefix.as_str()).is_some_and(|value| values.iter().any(|one| one.eq_ignore_ascii_case(value)))
        };
        row.when.as_ref().is_none_or(chosen)
    };
    let mut placed: Vec<_> = fields
        .iter()
        .map(|field| {
            let found = rows.iter().enumerate().find(|(_, row)| same(field, row.prefix.as_str()) && holds(row));
            let (place, row) = found.map_or((usize::MAX, None), |(at, row)| (at, Some(*row)));
            Placed { place, row, field: *field }
        })
        .collect();
    placed.sort_by_key(|one| one.place);
    Some(placed)
}

fn write_fields(writer: &mut Writer, header: &OutputHeader<'_>, placed: &[Placed<'static, '_>]) {
    let mut open: Vec<&'static str> = Vec::new();
    for one in placed {
        let parents: Vec<&'static str> = one.row.map_or_else(Vec::new, |row| {
            let (_, parents) = row.path.split_last().map_or((None, [].as_slice()), |(last, rest)| (Some(last), rest));
            parents.iter().map(|step| step.name.as_str()).collect()
        });
        let common = open.iter().zip(&parents).take_while(|(one, two)| one == two).count();
        for _ in common..open.len() {
            writer.end_line();
        }
        open.truncate(common);
        for parent in parents.iter().skip(common) {
            writer.line().start(parent);
            open.push(parent);
        }
        write_field(writer, header, one);
    }
    for _ in &open {
        writer.end_line();
    }
}

fn write_field(writer: &mut Writer, header: &OutputHeader<'_>, placed: &Placed<'static, '_>) {
    let Field { prefix, value, .. } = placed.field;
    let Some((row, step)) = placed.row.and_then(|row| Some((row, row.path.last()?))) else {
        writer
            .line()
            .start("orinet:Field")
            .attribute(FIELD_PREFIX, prefix)
            .text(&with_line_feeds(value.as_bytes()), Content::Escaped)
            .end();
        return;
    };
    let mut element = |name, text: &str| {
        writer.line().element(name, text, Content::Escaped);
    };
    match row.form {
        Form::Text => element(&step.name, value),
        Form::Date => element(&step.name, &date_out(value, header.received.date())),
        Form::Name => {
            writer.line().start(&step.name);
            let mut element = |name, text: &str| {
                writer.line().element(name, text, Content::Escaped);
            };
            if let Some(name) = Name::split(value) {
                element("nc:PersonGivenName", name.given);
                if !name.middle.is_empty() {
                    element("nc:PersonMiddleName", name.middle);
                }
                element("nc:PersonSurName", name.surname);
            } else {
                element("nc:PersonFullName", value);
            }
            writer.end_line();
        }
    }
}
