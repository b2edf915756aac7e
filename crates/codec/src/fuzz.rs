//! What must hold of any bytes: one function for each fuzz target, run by `cargo fuzz` on what it invents and by an
//! ordinary test on the corpus in `fuzz/corpus/`.
//!
//! Each reads its bytes as a peer's, and asserts what callers rely on: offsets lie inside the input, limits are kept,
//! what was read can be written and is read back the same.

use bytes::Bytes;
use jiff::civil::{Date, date};

use crate::dictionary::{Body, Dictionary, MessageSpec};
use crate::legacy::{self, Destination, Destinations, InputHeader, LineEnd, OutputHeader};
use crate::name::Ori;
use crate::notice::{ErNumber, er_body};
use crate::number::Number;
use crate::time::{Stamp, Timestamp};
use crate::{niem, xml};

/// A day like any other; nothing reads a clock.
const TODAY: Date = date(2030, 1, 31);

/// The echo of an ER as `protocol-specs/wire.md` 2.4 sets it.
const ECHO_BYTES: usize = 100;

/// A message as a station sends it, through to the check of its body.
///
/// # Panics
/// If something does not hold that must hold of any bytes.
pub fn input(bytes: &[u8]) {
    refusal(bytes);
    let seen = legacy::glance(bytes);
    let input = match legacy::parse_input(bytes) {
        Ok(input) => input,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "an error lies outside the input");
            return;
        }
    };
    assert_eq!((seen.key, seen.sender), (Some(input.key), Some(input.sender)), "two readings of one header differ");
    assert_eq!(seen.control, input.checked_control().ok().flatten(), "two readings of one control field differ");
    let count = input.destinations.count();
    assert!(count >= 1, "a message goes nowhere");
    assert_eq!(input.destinations.iter().count(), count.min(Destinations::MAX), "destinations are lost");
    if let Some(body) = input.body {
        assert!(bytes.ends_with(body), "a body is not the end of its message");
        if let Some(spec) = Dictionary::builtin().spec(input.key) {
            check_and_fold(spec, body);
        }
    }
    // What admission would let through is written and read back the same.
    let destinations: Vec<_> = input.destinations.iter().collect();
    let Ok(control) = input.checked_control() else { return };
    let valid = !input.destinations.too_many() && destinations.iter().all(|one| one.kind().is_some());
    let Some(body) = input.body.filter(|body| valid && !body.starts_with(b"\x7f")) else { return };
    let texts: Vec<&str> = destinations.iter().map(Destination::as_str).collect();
    let header = InputHeader { key: input.key, sender: input.sender, destinations: &texts, control };
    let written = header.encode(body);
    let again = legacy::parse_input(&written);
    assert!(again.is_ok(), "a valid message is not read back");
    let Ok(again) = again else { return };
    let same = (again.key, again.sender, again.body) == (input.key, input.sender, input.body);
    assert!(same && again.checked_control() == Ok(control), "a message changes on the way");
    assert!(again.destinations.iter().eq(destinations), "destinations change on the way");
}

/// A message as a station receives it.
///
/// # Panics
/// If something does not hold that must hold of any bytes.
pub fn output(bytes: &[u8]) {
    let output = match legacy::parse_output(bytes) {
        Ok(output) => output,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "an error lies outside the input");
            return;
        }
    };
    assert!(bytes.ends_with(output.body), "a body is not the end of its message");
    let header = OutputHeader {
        key: output.key,
        sender: output.sender,
        received: output.received,
        isn: output.isn,
        sent: output.sent,
        osn: output.osn,
        destination: output.destination,
        control: output.control,
    };
    for line_end in [LineEnd::CrLfDel, LineEnd::CrLf] {
        let written = header.encode(line_end, output.body);
        // After CR LF a body's first DEL is a part of the line end.
        if line_end == LineEnd::CrLfDel || !output.body.starts_with(b"\x7f") {
            assert_eq!(legacy::parse_output(&written), Ok(output), "a copy changes on the way");
        }
    }
}

/// A body as fields, and as the body of every key.
///
/// # Panics
/// If something does not hold that must hold of any bytes.
pub fn fields(body: &[u8]) {
    let mut end = 0;
    for field in legacy::fields(body) {
        match field {
            Ok(field) => {
                assert!(field.offset >= end && field.end() <= body.len(), "a field overlaps another or the body's end");
                assert_eq!(
                    body.get(field.value_offset()..field.end()),
                    Some(field.value.as_bytes()),
                    "an offset is wrong"
                );
                assert!(matches!(field.prefix.len(), 2 | 3) && !field.value.contains('.'), "a field is not one");
                end = field.end();
            }
            Err(error) => assert!(error.offset >= end && error.offset < body.len(), "an error lies outside the body"),
        }
    }
    for spec in Dictionary::builtin().specs() {
        check_and_fold(spec, body);
    }
}

/// A document of a NIEM station, and a body on its way to one.
///
/// # Panics
/// If something does not hold that must hold of any bytes.
pub fn niem(bytes: &[u8]) {
    for spec in ["AM", "ER", "IAQ", "YQ", "YR"].iter().filter_map(|key| Dictionary::builtin().spec(key.parse().ok()?)) {
        let document = niem_document(spec, bytes);
        let root = xml::parse(&document);
        assert!(root.is_ok_and(|root| niem::is_root(&root)), "what is written is not well formed");
    }
    let root = match xml::parse(bytes) {
        Ok(root) => root,
        Err(error) => return assert!(error.offset <= bytes.len(), "an error lies outside the document"),
    };
    let text = match niem::read(&root, Dictionary::builtin()) {
        Ok(text) => text,
        Err(fault) => {
            assert!(!fault.detail.is_empty() && fault.detail.len() <= 120, "a refusal says nothing, or too much");
            return assert_eq!(legacy::disallowed_byte(fault.detail.as_bytes()), None, "a refusal is no text");
        }
    };
    assert_eq!(legacy::disallowed_byte(&text), None, "a document becomes bytes that no message may have");
    let input = legacy::parse_input(&text);
    assert!(input.is_ok(), "a document becomes a message that cannot be read");
    let Ok(input) = input else { return };
    assert!(input.checked_control().is_ok(), "a document becomes a message with a bad control field");
    let (Some(body), Some(spec)) = (input.body, Dictionary::builtin().spec(input.key)) else { return };
    // What it says is said again, to the byte, when it has gone out and come in.
    let again = niem_document(spec, body);
    let read = xml::parse(&again).map(|root| niem::read(&root, Dictionary::builtin()));
    let Ok(Ok(read)) = read else {
        return assert!(spec.check_body(body, TODAY).is_err(), "a valid body is not read back");
    };
    let body_read = legacy::parse_input(&read).ok().and_then(|input| input.body);
    if spec.check_body(body, TODAY).is_ok() {
        assert_eq!(niem_document(spec, body_read.unwrap_or_default()), again, "a body changes on the way");
    }
}

fn niem_document(spec: &MessageSpec, body: &[u8]) -> Bytes {
    let stamp = Stamp::at(Timestamp(1_896_120_000_000_000), 0);
    let header = OutputHeader {
        key: spec.key,
        sender: Ori::of_switch(),
        received: stamp,
        isn: Number::SWITCH,
        sent: stamp,
        osn: Number::SWITCH,
        destination: "ZZ",
        control: None,
    };
    niem::encode(&header, spec, body)
}

/// A file of the dictionary.
///
/// # Panics
/// If something does not hold that must hold of any bytes.
pub fn dictionary(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Dictionary::parse(&[("fuzz.toml", text)]) {
        Err(error) => {
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(&error.line), "an error lies outside the file");
        }
        Ok(dictionary) => {
            for spec in dictionary.specs() {
                assert_eq!(dictionary.spec(spec.key), Some(spec), "a key is not found");
                assert!((1..=Destinations::MAX).contains(&spec.destinations.max), "a limit is out of range");
                check_and_fold(spec, b"");
                check_and_fold(spec, b"PUR/C.NAM/SAMPLE, PERSON A.DOB/19800102");
                check_and_fold(spec, b"RTY/wp.PRI/U.NAM/SAMPLE, PERSON A.DOB/.TYP/A");
            }
        }
    }
}

/// What passes is in the same form after one folding as after two, passes again, and still has all its fields.
fn check_and_fold(spec: &MessageSpec, body: &[u8]) {
    if let Err(error) = spec.check_body(body, TODAY) {
        assert!(error.offset <= body.len(), "an error lies outside the body");
        assert_eq!(error.options, error.number == ErNumber::Options, "the option list belongs to ER 22");
        assert_eq!(error.options, !spec.offered(&error).is_empty(), "ER 22 offers nothing");
        return assert!(!error.detail.is_empty(), "an error says nothing");
    }
    let folded = spec.fold_body(body);
    assert!(folded.len() <= body.len(), "a folded body has grown");
    assert_eq!(spec.check_body(&folded, TODAY), Ok(()), "a folded body is refused");
    assert_eq!(spec.fold_body(&folded), folded, "folding does not settle");
    if let Body::Fields(_) = &spec.body {
        let prefixes =
            |body| legacy::fields(body).flatten().map(|field| field.prefix.to_ascii_uppercase()).collect::<Vec<_>>();
        assert_eq!(prefixes(body), prefixes(&folded), "a field is lost");
    }
}

/// Whatever came in, the ER about it is bounded and printable.
fn refusal(bytes: &[u8]) {
    let seen = legacy::glance(bytes);
    let body = er_body(ErNumber::Options, seen.key, "", &[], bytes, ECHO_BYTES);
    assert!(body.len() <= 200 + ECHO_BYTES, "an ER is not bounded");
    assert_eq!(legacy::disallowed_byte(&body), None, "an ER has bytes that no message may have");
    if let Some(offset) = legacy::disallowed_byte(bytes) {
        assert!(bytes.get(offset).is_some_and(|byte| *byte < 0x20 || *byte > 0x7f), "the wrong byte is blamed");
    }
    // It only has to come to an end.
    let _xml = legacy::is_xml(bytes);
}
