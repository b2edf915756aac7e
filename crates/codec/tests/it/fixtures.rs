//! Every message of `fixtures/messages/` against its reading: `in-*.txt` as a station sends it, `out-*.txt` as one
//! receives it, each beside a `.expected` that says what the codec makes of it.
//!
//! `UPDATE_EXPECT=1` writes the readings anew; look at the difference before you keep it.

use std::fmt::Write as _;
use std::fs;

use codec::dictionary::{Body, Dictionary, MessageSpec};
use codec::legacy::{self, DestinationKind, Input, Output};
use codec::notice::{ErNumber, er_body};

use crate::{TODAY, root};

#[test]
fn every_fixture_is_read_as_expected() {
    let mut names: Vec<_> = fs::read_dir(root().join("fixtures/messages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 20, "fixtures are missing: {names:?}");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differences = String::new();
    for name in names {
        let path = root().join("fixtures/messages").join(&name);
        let bytes = fs::read(path.with_extension("txt")).unwrap();
        let reading = if name.starts_with("out-") { read_output(&bytes) } else { read_input(&bytes) };
        if update {
            fs::write(path.with_extension("expected"), &reading).unwrap();
        }
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap_or_default();
        if expected != reading {
            let (mut old, mut new) = (expected.lines(), reading.lines());
            let differs = |pair: &(Option<&str>, Option<&str>)| pair.0 != pair.1;
            let pairs = std::iter::from_fn(|| Some((old.next(), new.next())).filter(|pair| *pair != (None, None)));
            writeln!(differences, "{name}:").unwrap();
            for (old, new) in pairs.filter(differs) {
                writeln!(differences, "  expected  {}\n  read      {}", old.unwrap_or("-"), new.unwrap_or("-"))
                    .unwrap();
            }
        }
    }
    assert!(differences.is_empty(), "readings differ, by line:\n{differences}");
}

fn read_input(bytes: &[u8]) -> String {
    let mut text = format!("sent to the switch, {} bytes\n", bytes.len());
    if let Some(offset) = legacy::disallowed_byte(bytes) {
        writeln!(text, "disallowed   byte {:#04x} at {offset}", bytes[offset]).unwrap();
    }
    if legacy::is_xml(bytes) {
        text.push_str("format       XML\n");
        return text;
    }
    match legacy::parse_input(bytes) {
        Ok(input) => describe_input(&mut text, bytes, &input),
        Err(error) => {
            let seen = legacy::glance(bytes);
            writeln!(text, "unreadable   {error}").unwrap();
            writeln!(text, "glance       key {:?}, sender {:?}, control {:?}", seen.key, seen.sender, seen.control)
                .unwrap();
            lines(&mut text, "refusal", &er_body(ErNumber::Format, seen.key, &error.to_string(), &[], bytes, 100));
        }
    }
    text
}

fn describe_input(text: &mut String, bytes: &[u8], input: &Input<'_>) {
    writeln!(text, "key          {}", input.key).unwrap();
    writeln!(text, "sender       {}", input.sender).unwrap();
    for destination in input.destinations.iter() {
        let kind = match destination.kind() {
            Some(DestinationKind::Line) => "2 characters",
            Some(DestinationKind::Ori) => "9 characters",
            None => "neither 2 nor 9 characters",
        };
        writeln!(text, "destination  {}, {kind}", destination.as_str()).unwrap();
    }
    if let Some(control) = input.control {
        let valid = if input.checked_control().is_ok() { "" } else { ", not valid" };
        writeln!(text, "control      {control}{valid}").unwrap();
    }
    let spec = Dictionary::builtin().spec(input.key);
    writeln!(text, "dictionary   {}", spec.map_or("does not have the key", |spec| &spec.title)).unwrap();
    let Some(body) = input.body else {
        writeln!(text, "body         none: no TXT").unwrap();
        return;
    };
    writeln!(text, "body         {} bytes from {}", body.len(), bytes.len() - body.len()).unwrap();
    describe_body(text, body, spec);
    if let Some(spec) = spec {
        match spec.check_body(body, TODAY) {
            Ok(()) => {
                let folded = spec.fold_body(body);
                writeln!(text, "check        passes").unwrap();
                if *folded != *body {
                    lines(text, "travels as", &folded);
                }
            }
            Err(error) => {
                writeln!(text, "check        {error}").unwrap();
                let options = spec.offered(&error);
                lines(text, "refusal", &er_body(error.number, Some(spec.key), &error.detail, &options, bytes, 100));
            }
        }
    }
}

/// Fields where the key has some, or where the dictionary does not know it; else lines.
fn describe_body(text: &mut String, body: &[u8], spec: Option<&MessageSpec>) {
    if spec.is_some_and(|spec| spec.body == Body::Text) {
        return lines(text, "text", body);
    }
    for field in legacy::fields(body) {
        match field {
            Ok(field) => {
                writeln!(text, "  {:>10}  {:3}  {}", field.offset, field.prefix, field.value.escape_default()).unwrap();
            }
            Err(error) => writeln!(text, "  {:>10}  not a field", error.offset).unwrap(),
        }
    }
}

fn read_output(bytes: &[u8]) -> String {
    let mut text = format!("received from the switch, {} bytes\n", bytes.len());
    match legacy::parse_output(bytes) {
        Ok(output) => describe_output(&mut text, bytes, &output),
        Err(error) => writeln!(text, "unreadable   {error}").unwrap(),
    }
    text
}

fn describe_output(text: &mut String, bytes: &[u8], output: &Output<'_>) {
    writeln!(text, "key          {}", output.key).unwrap();
    writeln!(text, "sender       {}", output.sender).unwrap();
    writeln!(text, "received     {} as {}", output.received, output.isn).unwrap();
    writeln!(text, "sent         {} as {}", output.sent, output.osn).unwrap();
    writeln!(text, "destination  {}", output.destination).unwrap();
    if let Some(control) = output.control {
        writeln!(text, "control      {control}").unwrap();
    }
    writeln!(text, "body         {} bytes from {}", output.body.len(), bytes.len() - output.body.len()).unwrap();
    lines(text, "text", output.body);
}

/// A text line by line, line ends shown.
fn lines(text: &mut String, heading: &str, body: &[u8]) {
    writeln!(text, "{heading}").unwrap();
    let mut rest = body;
    while !rest.is_empty() {
        let after_line_feed = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let length = after_line_feed
            + usize::from(rest[..after_line_feed].ends_with(b"\r\n") && rest[after_line_feed..].starts_with(b"\x7f"));
        let (line, after) = rest.split_at(length);
        writeln!(text, "  | {}", line.escape_ascii()).unwrap();
        rest = after;
    }
}
