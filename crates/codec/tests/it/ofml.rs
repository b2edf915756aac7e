//! OFML both ways: what is written is read back, and is well formed for a reader that is not ours.

use std::fs;
use std::path::Path;
use std::process::Command;

use codec::dictionary::{Body, Dictionary};
use codec::legacy::{OutputHeader, parse_input};
use codec::name::{Control, MessageKey, Ori};
use codec::number::Number;
use codec::ofml::{Marks, encode, marks_of, read};
use codec::time::{Stamp, Timestamp};
use codec::xml::parse;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngSeed};

const SEED: u64 = 7021;

#[expect(clippy::print_stderr, reason = "a failed run has to say which seed it had")]
fn cases() -> Cases {
    eprintln!("SEED={SEED}");
    Cases { cases: 512, failure_persistence: None, rng_seed: RngSeed::Fixed(SEED), ..Cases::default() }
}

fn header(key: &str, control: Option<&str>) -> OutputHeader<'static> {
    let stamp = Stamp::at(Timestamp(1_896_000_000_000_000), 0);
    OutputHeader {
        key: MessageKey::parse(key).unwrap(),
        sender: Ori::parse("ZB0010000").unwrap(),
        received: stamp,
        isn: Number::SWITCH,
        sent: stamp,
        osn: Number::SWITCH,
        destination: "ZA0010000",
        control: control.map(|control| Control::parse(control).unwrap()),
    }
}

/// A body with one form for its line ends, of which legacy text has three.
fn lines(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    // By way of a byte that no body has, so that a CR before a line end is not taken for a part of it.
    ["\r\n\u{7f}", "\r\n", "\n"]
        .iter()
        .fold(text.to_owned(), |text, end| text.replace(end, "\u{1}"))
        .replace('\u{1}', "\n")
}

/// Values as a legacy field can have them.
fn value() -> impl Strategy<Value = String> {
    "[ -\\-/-~]{1,40}".prop_filter("white space alone is no value", |value| !value.trim().is_empty())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn fields_survive_the_way_there_and_back(
        fields in prop::collection::vec(("[A-Z]{2,3}", value()), 1..12),
        control in prop::option::of("[A-Za-z0-9]{1,20}"),
    ) {
        prop_assume!(fields.iter().all(|(prefix, _)| prefix != "TXT"));
        let body = fields.iter().map(|(prefix, value)| format!("{prefix}/{value}")).collect::<Vec<_>>().join(".");
        let written = encode(&header("YQ", control.as_deref()), &Marks::default(), true, None, body.as_bytes());
        let text = read(&parse(&written).unwrap(), Dictionary::builtin(), None).unwrap();
        let input = parse_input(&text).unwrap();
        prop_assert_eq!(input.body, Some(body.as_bytes()));
        prop_assert_eq!(input.checked_control().unwrap().map(|control| control.as_str().to_owned()), control);
    }

    #[test]
    fn every_byte_of_legacy_text_survives_the_way_there_and_back(
        body in prop::collection::vec(prop::sample::select(vec!["\r", "\n", "\u{7f}", "\t", " ", "A", "<", "]]>"]), 1..24),
        first in prop::option::of("[A-Z]{1,8}"),
    ) {
        let body = body.concat();
        let written = encode(&header("AM", Some("T1")), &Marks::default(), false, first.as_deref(), body.as_bytes());
        let text = read(&parse(&written).unwrap(), Dictionary::builtin(), None).unwrap();
        let expected = first.map_or_else(|| lines(body.as_bytes()), |line| format!("{line}\n{}", lines(body.as_bytes())));
        prop_assert_eq!(lines(parse_input(&text).unwrap().body.unwrap_or_default()), expected);
    }

    #[test]
    fn text_beside_fields_is_told_from_them(
        fields in prop::collection::vec(("[A-Z]{2,3}", value()), 1..6),
        said in "[!-~\r\n\u{7f}]{1,40}",
    ) {
        prop_assume!(fields.iter().all(|(prefix, _)| prefix != "TXT"));
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;").replace('\n', "&#10;");
        let elements: String = fields.iter().map(|(name, value)| format!("<{name}>{}</{name}>", escape(value.trim()))).collect();
        let document = |key: &str| format!(
            "<OFML><HDR><MKE>{key}</MKE><ORI>ZA0010000</ORI><DST>ZB</DST></HDR><TRN>{elements}<TXT>{}</TXT></TRN></OFML>",
            escape(&said),
        );
        let text = read(&parse(document("AM").as_bytes()).unwrap(), Dictionary::builtin(), None).unwrap();
        let body = parse_input(&text).unwrap().body.unwrap();
        let mut found = codec::legacy::fields(body);
        let mut end = 0;
        for (prefix, value) in &fields {
            let field = found.next().unwrap().unwrap();
            prop_assert_eq!((field.prefix, field.value), (prefix.as_str(), value.trim()));
            end = field.end();
        }
        // What is behind the period and the line end is the text, whatever it is like.
        let rest = body[end..].strip_prefix(b".").unwrap();
        prop_assert_eq!(lines(rest), format!("\n{}", lines(said.as_bytes())));
        let refused = read(&parse(document("IAQ").as_bytes()).unwrap(), Dictionary::builtin(), None).unwrap_err();
        prop_assert_eq!(refused.detail, "TXT BESIDE FIELDS");
    }

    #[test]
    fn free_text_survives_the_way_there_and_back(
        lines in prop::collection::vec("[ -~\t]{0,60}", 1..12),
        marks in prop::collection::vec("[ -~]{0,32}", 5),
    ) {
        let body = lines.join("\r\n");
        let given = Marks::new(&marks[0], &marks[1], &marks[2], &marks[3], &marks[4]);
        let written = encode(&header("AM", Some("T1")), &given, false, None, body.as_bytes());
        let text = read(&parse(&written).unwrap(), Dictionary::builtin(), None).unwrap();
        prop_assert_eq!(parse_input(&text).unwrap().body, Some(body.as_bytes()));
        let read = marks_of(&written).unwrap();
        prop_assert_eq!(read.device(), given.device());
        prop_assert_eq!(read.user(), given.user());
    }
}

#[test]
fn what_is_written_is_well_formed_for_xmllint() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ofml");
    fs::create_dir_all(&folder).unwrap();
    let bodies: [&[u8]; 5] = [
        b"PUR/C.NAM/SAMPLE, PERSON A.DOB/19800102",
        b"LINE ONE\r\n\x7fLINE <TWO> & ]]> \"THREE\"\t\r\n",
        b"",
        &(0..=u8::MAX).collect::<Vec<u8>>(),
        "ÄÖ".as_bytes(),
    ];
    let marks = Marks::new("<ID>&", "D\"", "'", "]]>", "USER");
    let mut xmllint = Command::new("xmllint");
    xmllint.args(["--noout", "--nonet"]);
    let mut files = 0;
    for spec in Dictionary::builtin().specs() {
        for body in bodies {
            let in_fields = matches!(spec.body, Body::Fields(_));
            let header = header(spec.key.as_str(), Some("T1"));
            let written = encode(&header, &marks, in_fields, spec.first_line.as_deref(), body);
            let path = folder.join(format!("{files}.xml"));
            fs::write(&path, &written).unwrap();
            xmllint.arg(path);
            files += 1;
        }
    }
    let run = xmllint.output();
    let output = run.unwrap_or_else(|error| panic!("xmllint is missing ({error}): install the package libxml2-utils"));
    assert!(output.status.success(), "{files} files: {}", String::from_utf8_lossy(&output.stderr));
}
