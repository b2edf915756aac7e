//! The reference page of all keys and fields, `protocol-specs/messages/README.md`, is what the dictionary gives.
//!
//! `cargo xtask pages` writes it anew (it runs this test with `UPDATE_EXPECT=1`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use codec::codes::Table;
use codec::dictionary::{
    Authorization, Body, Dictionary, FieldRules, FieldSpec, Form, Mark, MessageSpec, Sender, Text, Unknown,
};
use codec::name::MessageKey;
use codec::niem;
use codec::notice::ErNumber;

use crate::root;

/// What belongs together, in the order of the page.
const FAMILIES: &[(&str, &[&str])] = &[
    ("Immigration inquiry", &["IAQ", "IAR"]),
    ("Administrative messages", &["AM", "AML"]),
    ("Status and errors", &["SM", "ER"]),
    ("Hit confirmation", &["YQ", "YR"]),
    ("Criminal history", &["IQ", "IR", "FQ", "FR", "AQ", "AR", "CR"]),
    ("NCIC and III", &["QW", "QWI", "QH", "QR", "XNR"]),
    ("Immigration violator file (private keys)", &["XI1", "XI2", "XI3"]),
    ("Vehicles and drivers", &["RQ", "RR", "DQ", "DR"]),
    ("Directory", &["TQ", "TA", "TU", "TD", "TR"]),
    ("The switch itself", &["ECHO", "NLQ", "NLR", "NFQ", "NFR"]),
];

#[test]
fn the_page_of_fields_is_what_the_dictionary_gives() {
    let path = root().join("protocol-specs/messages/README.md");
    let page = page(&fs::read_to_string(root().join("protocol-specs/formats.md")).unwrap());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let line = kept.lines().zip(page.lines()).take_while(|(old, new)| old == new).count() + 1;
    assert!(kept == page, "{}:{line} differs from the dictionary: run `cargo xtask pages`", path.display());
}

#[test]
fn every_key_has_its_place_on_the_page() {
    let placed: Vec<&str> = FAMILIES.iter().flat_map(|(_, keys)| *keys).copied().collect();
    let known: BTreeSet<String> = Dictionary::builtin().specs().map(|spec| spec.key.to_string()).collect();
    assert_eq!(placed.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>(), known);
    assert_eq!(placed.len(), known.len(), "a key is placed twice");
}

fn specs<'a>(keys: &'a [&str]) -> impl Iterator<Item = &'static MessageSpec> + 'a {
    keys.iter().map(|key| Dictionary::builtin().spec(key.parse().unwrap()).unwrap())
}

fn page(formats: &str) -> String {
    let mut page = String::from(HEAD);
    for (family, keys) in FAMILIES {
        for spec in specs(keys) {
            let answer = spec.answer.map_or_else(
                || "–".to_owned(),
                |answer| format!("[{0}](#{1})", answer.key, anchor(answer.key.as_str())),
            );
            writeln!(
                page,
                "| [{}](#{}) | {} | {family} | {} | {answer} | {} |",
                spec.key,
                anchor(spec.key.as_str()),
                spec.title,
                sender(spec),
                mark(spec.mark)
            )
            .unwrap();
        }
    }
    page.push_str(CARRIED);
    for (family, keys) in FAMILIES {
        writeln!(page, "\n---\n\n## {family}").unwrap();
        specs(keys).for_each(|spec| key(&mut page, spec, formats));
    }
    page.push_str(TABLES);
    for table in Table::ALL {
        let files: Vec<_> = table.files().iter().map(|file| format!("[{file}](../codes/{file})")).collect();
        writeln!(page, "| {} | {} | {} |", table.name(), table.entries().count(), files.join(", ")).unwrap();
    }
    page
}

/// GitHub's anchor of a key's heading.
fn anchor(key: &str) -> String {
    let spec = Dictionary::builtin().spec(key.parse().unwrap()).unwrap();
    slug(&heading(spec))
}

fn heading(spec: &MessageSpec) -> String {
    format!("{}: {}", spec.key, spec.title)
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'));
    kept.map(|one| if one == ' ' { '-' } else { one.to_ascii_lowercase() }).collect()
}

/// A source as the dictionary writes it, `formats.md 5.2`, as a link to that section.
fn source(source: &str, formats: &str) -> String {
    let number = source.strip_prefix("formats.md ").expect("sources are sections of formats.md");
    let begin = format!(" {number}");
    let heading = formats.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    let mut found =
        heading.filter(|heading| heading.strip_prefix(&begin).is_some_and(|rest| rest.starts_with([' ', '.'])));
    let heading = found.next().unwrap_or_else(|| panic!("{source}: formats.md has no such section")).trim();
    format!("[{number}](../formats.md#{})", slug(heading))
}

fn key(page: &mut String, spec: &MessageSpec, formats: &str) {
    writeln!(page, "\n### {}\n", heading(spec)).unwrap();
    writeln!(page, "| | |\n|---|---|").unwrap();
    writeln!(page, "| evidence | {}, {} |", mark(spec.mark), source(&spec.source, formats)).unwrap();
    writeln!(page, "| sent by | {} |", sender(spec)).unwrap();
    writeln!(page, "| to | {} |", destinations(spec)).unwrap();
    let urgent = spec.urgent.as_ref().map(|urgent| format!(", or 3 with {}/{}", urgent.prefix, urgent.value));
    writeln!(page, "| priority | {}{} |", priority(spec), urgent.unwrap_or_default()).unwrap();
    if let Some(hold) = spec.hold {
        writeln!(page, "| waits for an absent station | {} hours |", hold.as_secs() / 3600).unwrap();
    }
    if let Some(answer) = spec.answer {
        let times = ["once", "twice"]
            .get(answer.count - 1)
            .map_or_else(|| format!("{} times", answer.count), |one| (*one).to_owned());
        let from = if spec.destinations.max > 1 { ", by each destination" } else { "" };
        writeln!(page, "| answered by | [{0}](#{1}), {times}{from} |", answer.key, anchor(answer.key.as_str()))
            .unwrap();
    }
    if let Some(line) = &spec.first_line {
        writeln!(page, "| the switch puts first | `{line}` |").unwrap();
    }
    match &spec.body {
        Body::Text => writeln!(page, "| body | text, carried as it came |").unwrap(),
        Body::Fields(rules) => {
            let (missing, unknown) = (
                er(rules.missing()),
                match rules.unknown() {
                    Unknown::Carried => "carried as it came",
                    Unknown::Refused => "ER 22",
                },
            );
            writeln!(page, "| a field is missing | {missing} |\n| a prefix that is not listed | {unknown} |").unwrap();
        }
    }
    if !spec.notes.is_empty() {
        page.push('\n');
    }
    spec.notes.iter().for_each(|note| writeln!(page, "- {note}").unwrap());
    if let Some(example) = &spec.example {
        writeln!(page, "\n```\n{example}\n```").unwrap();
    }
    if let Body::Fields(rules) = &spec.body {
        sets(page, rules);
        fields(page, spec.key, rules, formats);
    }
}

/// The combinations, a line for each.
fn sets(page: &mut String, rules: &FieldRules) {
    if rules.sets().is_empty() {
        return;
    }
    let names = |fields: Vec<&FieldSpec>| {
        let names: Vec<_> = fields.iter().map(|field| format!("`{}/`", field.prefix)).collect();
        if names.is_empty() { "–".to_owned() } else { names.join(", ") }
    };
    match rules.chosen_by() {
        Some(field) => writeln!(page, "\nExactly one of these, by the value of `{0}/`:\n\n| `{0}/` | needs | may have | line of ER 22 |\n|---|---|---|---|", field.prefix),
        None => writeln!(page, "\nExactly one of these:\n\n| needs | may have | line of ER 22 |\n|---|---|---|"),
    }
    .unwrap();
    for (set, line) in rules.sets().iter().zip(rules.options()) {
        let (required, optional) = (set.required(rules.fields()).collect(), set.optional(rules.fields()).collect());
        let with = if set.values.is_empty() { String::new() } else { format!("| {} ", set.values.join(", ")) };
        writeln!(page, "{with}| {} | {} | {line} |", names(required), names(optional)).unwrap();
    }
}

fn fields(page: &mut String, key: MessageKey, rules: &FieldRules, formats: &str) {
    page.push_str("\n| Field | | Length | Characters | Values | If wrong | Evidence | In XML |\n|---|---|---|---|---|---|---|---|\n");
    for field in rules.fields() {
        let in_set = |set: &codec::dictionary::FieldSet| {
            set.required(rules.fields()).chain(set.optional(rules.fields())).any(|one| one.prefix == field.prefix)
        };
        let need = match field.required {
            true => "**required**",
            false if rules.sets().iter().any(in_set) => "in a combination",
            false => "optional",
        };
        writeln!(
            page,
            "| `{}/` | {}, {need}. {} | {} | {} | {} | {} | {}, {} | {} |",
            field.prefix,
            field.label,
            cell(&field.help),
            length(field),
            characters(field),
            values(field),
            er(field.refusal),
            mark(field.mark),
            source(&field.source, formats),
            in_xml(key, field)
        )
        .unwrap();
    }
}

/// Where a field stands in a NIEM body.
fn in_xml(key: MessageKey, field: &FieldSpec) -> String {
    let rows = niem::Table::builtin().rows(key).into_iter().filter(|row| row.prefix == field.prefix);
    let mut paths: Vec<_> =
        rows.map(|row| row.path.iter().map(|step| step.name.as_str()).collect::<Vec<_>>()).collect();
    paths.dedup();
    let paths: Vec<_> = paths.iter().map(|path| format!("`{}`", path.join("/"))).collect();
    if paths.is_empty() { "–".to_owned() } else { paths.join(" or ") }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn length(field: &FieldSpec) -> String {
    let (least, most) = (field.length.start(), field.length.end());
    if least == most { most.to_string() } else { format!("{least}–{most}") }
}

/// The set as the file writes it is gone; this is the same, shorter where it is one that has a name.
fn characters(field: &FieldSpec) -> String {
    let bytes: Vec<u8> = (0x20..0x7f).filter(|byte| field.characters.contains(*byte)).collect();
    if bytes.len() == 94 {
        return "any but a period".to_owned();
    }
    let mut text = String::new();
    for (first, last) in [(b'A', b'Z'), (b'a', b'z'), (b'0', b'9')] {
        if (first..=last).all(|byte| bytes.contains(&byte)) {
            write!(text, "{}-{} ", char::from(first), char::from(last)).unwrap();
        }
    }
    let named = |byte: u8| {
        let class: fn(&u8) -> bool = match byte {
            b'A'..=b'Z' => u8::is_ascii_uppercase,
            b'a'..=b'z' => u8::is_ascii_lowercase,
            b'0'..=b'9' => u8::is_ascii_digit,
            _ => return false,
        };
        bytes.iter().filter(|byte| class(byte)).count() == if byte.is_ascii_digit() { 10 } else { 26 }
    };
    let rest: String = bytes
        .iter()
        .filter(|byte| !named(**byte))
        .map(|byte| match byte {
            b' ' => "blank ".to_owned(),
            b'|' => "\\| ".to_owned(),
            other => format!("{} ", char::from(*other)),
        })
        .collect();
    let shown = format!("{text}{rest}");
    shown.trim_end().replace('*', "\\*").replace('_', "\\_")
}

fn values(field: &FieldSpec) -> String {
    let mut all: Vec<String> = Vec::new();
    all.extend(field.values.iter().map(|value| format!("{} {}", value.code, value.text)));
    if let Some(table) = field.table {
        let except = if field.except.is_empty() { String::new() } else { format!(", not {}", field.except.join(", ")) };
        all.push(format!("table [{}](#tables){except}", table.name()));
    }
    all.extend(field.form.map(|form| form_of(form).to_owned()));
    all.extend(field.courtesy.map(|letter| format!("a leading {letter} is dropped")));
    if field.length.start() == &0 {
        all.push("empty: blanks the entry".to_owned());
    }
    if matches!(field.text, Text::Free) {
        all.push("free text, travels as it came".to_owned());
    }
    if all.is_empty() { "–".to_owned() } else { cell(&all.join("; ")) }
}

const fn form_of(form: Form) -> &'static str {
    match form {
        Form::Address => "a line of 2 characters or an ORI of 9",
        Form::BirthDate => "a day of the calendar, not after today, at most 120 years ago",
        Form::MiscellaneousNumber => "two letters of the table number-kind, `-`, the number",
        Form::Moment => "`ccyymmdd` or `ccyymmdd@hhmm`",
        Form::Name => "`SURNAME, GIVEN NAMES`",
        Form::NcicNumber => "a letter of the table ncic-file and nine characters, or `NONE`",
        Form::Span => "1 to 999 and `M` or `H`",
        Form::StateNumber => "begins with two letters of the table state",
        Form::Year => "1900 to 2099",
        Form::YearOrShort => "1900 to 2099, or two digits",
    }
}

fn er(number: ErNumber) -> String {
    format!("ER {:02}", number.number())
}

const fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Certain => "certain",
        Mark::Probable => "probable",
        Mark::Inferred => "inferred",
    }
}

fn sender(spec: &MessageSpec) -> String {
    let station = match spec.sender {
        Sender::Any => "any station",
        Sender::Granted => "stations that the network names",
        Sender::Switch => "the switch alone",
    };
    let what = |authorization| match authorization {
        Authorization::Administrative => "administrative messages",
        Authorization::CriminalHistory => "criminal history",
        Authorization::Driver => "motor vehicles",
        Authorization::Other => "other types",
    };
    let needed = spec.authorization.map(|one| format!(", authorization {} ({})", one.letter(), what(one)));
    format!("{station}{}", needed.unwrap_or_default())
}

fn destinations(spec: &MessageSpec) -> String {
    let rule = spec.destinations;
    let kinds = [(rule.line, "line"), (rule.group, "group"), (rule.ori, "ORI")];
    let plural = if rule.max == 1 { "" } else { "s" };
    let kinds: Vec<_> = kinds.iter().filter(|(is, _)| *is).map(|(_, word)| format!("{word}{plural}")).collect();
    let count = if rule.max == 1 { "1".to_owned() } else { format!("1 to {}", rule.max) };
    let limited = rule.ori && rule.line && rule.max_lines < rule.max;
    let lines = if limited { format!("; at most {} that are no ORIs", rule.max_lines) } else { String::new() };
    format!("{count} {}{lines}", kinds.join(" or "))
}

fn priority(spec: &MessageSpec) -> String {
    let usual = spec.class(b"", 0, 0);
    let several = spec.class(b"", 2, 0);
    if usual == several {
        usual.class().to_string()
    } else {
        format!("{}, or {} to several lines or a group", usual.class(), several.class())
    }
}

const HEAD: &str = "\
# Message keys and their fields

<!-- Made from the TOML files of this folder by `cargo xtask pages`. A test fails when the two differ. -->

Every key that orinet knows: who may send it where, how it waits and what answers it, and each field of its body. The
files beside this page are the source; the program checks messages with the same files. A key's file is its name in
lower case, `yq.toml`.

- A message is `KEY.SENDER.DESTINATION….*CONTROL.TXT`, a line end, the body; [`wire.md`](../wire.md) 2.1 and 2.4 say what
  is accepted and in what order it is checked. A field is `PFX/value`, and a period ends it.
- *Evidence* says how much of it is public: certain, probable or inferred, as in [`formats.md`](../formats.md) 0, and in
  which of its sections. Inferred is orinet's own and says nothing about a real system.
- *Priority* is the class of `wire.md` 2.6, 1 the first. *If wrong* is the number of the ER about a bad value.
- A message waits for an absent station as long as the network says, 72 hours unless it is set.
- Coded fields are accepted in either case and travel in upper case.
- *In XML* is the element of a NIEM body ([`niem.md`](../niem.md) 5); – stands for a field of a body that travels as text.

| Key | What it is | Family | Sent by | Answered by | Evidence |
|---|---|---|---|---|---|
";

const CARRIED: &str = "
A key that is not here is refused with ER 01, unless the network file carries it: `[switch] carried = [\"KQ\", \"KR\"]`. Then
it travels as text, from agencies with authorization Z, to at most five lines or ORIs, as a query.
";

const TABLES: &str = "
---

## Tables

A field that names a table takes its codes, in either case. Where two files have a code, the first one's text holds.

| Table | Codes | Files |
|---|---|---|
";
