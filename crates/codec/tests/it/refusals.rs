//! What is refused, and with which number: the table of `conformance/check.py`, as far as the codec decides, and the
//! order of row 10 of admission (`protocol-specs/wire.md` 2.4).

use codec::dictionary::{BodyError, Dictionary, MessageSpec, Sender};
use codec::legacy::{LineEnd, OutputHeader, disallowed_byte, parse_input};
use codec::name::{MessageKey, Ori};
use codec::notice::{ErNumber, er_body};
use codec::number::Number;
use codec::time::{Stamp, Timestamp};

use crate::TODAY;

const VALID: [(&str, &str); 9] = [
    ("PUR", "C"),
    ("ATN", "SGT TEST ONE"),
    ("PHN", "5555550100"),
    ("NAM", "SAMPLE, PERSON A"),
    ("DOB", "19800102"),
    ("SEX", "M"),
    ("POB", "MM"),
    ("CUS", "Y"),
    ("OFF", "0399"),
];

/// A valid IAQ with some fields set to another value, or added; an empty name for a value leaves the field out.
fn iaq(changes: &[(&str, &str)]) -> String {
    let changed = |prefix: &str, value: &str| {
        let change = changes.iter().find(|(changed, _)| *changed == prefix);
        change.map_or(value, |(_, value)| value).to_owned()
    };
    let mut fields: Vec<_> =
        VALID.iter().map(|(prefix, value)| ((*prefix).to_owned(), changed(prefix, value))).collect();
    let added = changes.iter().filter(|(prefix, _)| !VALID.iter().any(|(known, _)| known == prefix));
    fields.extend(added.map(|(prefix, value)| ((*prefix).to_owned(), (*value).to_owned())));
    fields.retain(|(_, value)| value != LEFT_OUT);
    fields.iter().map(|(prefix, value)| format!("{prefix}/{value}")).collect::<Vec<_>>().join(".")
}

const LEFT_OUT: &str = "\0";

fn spec(key: &str) -> &'static MessageSpec {
    Dictionary::builtin().spec(MessageKey::parse(key).unwrap()).unwrap()
}

fn check(body: &str) -> Result<(), BodyError> {
    spec("IAQ").check_body(body.as_bytes(), TODAY)
}

/// The number with which admission refuses a message, as far as the codec decides: rows 1, 2, 3, 6 and 10.
fn refusal(message: &str) -> Option<u8> {
    if disallowed_byte(message.as_bytes()).is_some() {
        return Some(ErNumber::Format.number());
    }
    let Ok(input) = parse_input(message.as_bytes()) else { return Some(ErNumber::Format.number()) };
    let Some(body) = input.body else { return Some(ErNumber::NoText.number()) };
    let Some(spec) = Dictionary::builtin().spec(input.key) else { return Some(ErNumber::Header.number()) };
    if spec.sender == Sender::Switch || input.checked_control().is_err() {
        return Some(ErNumber::Header.number());
    }
    spec.check_body(body, TODAY).err().map(|error| error.number.number())
}

#[test]
fn each_fault_has_its_number() {
    let whole = |changes: &[(&str, &str)]| format!("IAQ.ZA0010000.AX.*T0000001AA.TXT\r\n{}", iaq(changes));
    let table: &[(Option<u8>, String)] = &[
        (None, whole(&[])),
        (Some(14), whole(&[("PHN", LEFT_OUT), ("CUS", LEFT_OUT)])),
        (Some(5), whole(&[("DOB", "1980010")])),
        (Some(5), whole(&[("DOB", "19801302")])),
        (Some(5), whole(&[("DOB", "29991231")])),
        (Some(5), whole(&[("DOB", "19090130")])),
        (Some(5), whole(&[("DOB", "198001AA")])),
        (Some(5), whole(&[("DOB", "")])),
        (Some(16), whole(&[("ATN", &"A".repeat(31))])),
        (Some(16), whole(&[("ATN", "A/B")])),
        (Some(22), whole(&[("PUR", "X")])),
        (Some(22), whole(&[("CUS", "M")])),
        (Some(22), whole(&[("SEX", "MALE")])),
        (Some(22), whole(&[("SEX", "X")])),
        (Some(22), whole(&[("POB", "XX")])),
        (Some(22), whole(&[("POB", "ZZ")])),
        (Some(22), whole(&[("OFF", "0000")])),
        (Some(22), whole(&[("NAM", "SAMPLE PERSON")])),
        (Some(22), whole(&[("NAM", "SAMPLE, ")])),
        (Some(22), whole(&[("PHN", "555010")])),
        (Some(22), whole(&[("ARN", "1234567")])),
        (Some(22), whole(&[("SID", "QQ12345")])),
        (Some(10), whole(&[("OLY", "203A")])),
        (Some(10), whole(&[("OLY", "1899")])),
        (Some(22), whole(&[("FBI", "")])),
        (
            None,
            whole(&[
                ("PHN", "(555) 555-0100"),
                ("POB", "YY"),
                ("NAM", "O'SAMPLE-TEST,PERSON"),
                ("DOB", "010280"),
                ("ARN", "A000000001"),
            ]),
        ),
        (None, whole(&[("ZZQ", "ANYTHING AT ALL"), ("REM", "seen at 5550100 / test only")])),
        (Some(3), whole(&[]).replace(".TXT", ".TXX")),
        (Some(1), whole(&[]).replace("IAQ.", "QQQ.")),
        (Some(1), whole(&[]).replace("*T0000001AA", "*T-1")),
        (Some(1), whole(&[]).replace("*T0000001AA", "*")),
        (Some(1), whole(&[]).replace("*T0000001AA", "*123456789012345678901")),
        (Some(1), "ER.ZA0010000.ZC0010000.TXT\r\nHELLO".to_owned()),
        (Some(0), "HELLO WORLD".to_owned()),
        (Some(0), "AM.ZA0010000.ZC0010000.TXT\r\nA\x01B".to_owned()),
        (Some(0), "AM.ZA001000.ZC.TXT\r\nA".to_owned()),
        (Some(0), "AM.ZA0010000.TXT\r\nA".to_owned()),
        (Some(0), String::new()),
    ];
    for (expected, message) in table {
        assert_eq!(refusal(message), *expected, "{message}");
    }
}

fn refused(body: &str, number: ErNumber, detail: &str) {
    let error = check(body).unwrap_err();
    assert_eq!((error.number, error.detail.as_str()), (number, detail), "{body}");
}

#[test]
fn what_is_missing_is_said_before_what_is_wrong() {
    refused("", ErNumber::FieldsMissing, "PUR, ATN, PHN, NAM, DOB, SEX, POB, CUS, OFF");
    refused(&iaq(&[("CUS", LEFT_OUT), ("PHN", LEFT_OUT), ("SEX", "Q")]), ErNumber::FieldsMissing, "PHN, CUS");
    refused(&format!("HELLO.{}", iaq(&[("OFF", LEFT_OUT)])), ErNumber::FieldsMissing, "OFF");
}

#[test]
fn what_is_wrong_is_said_in_the_order_of_the_message() {
    refused(&iaq(&[("ATN", ""), ("DOB", "1"), ("SEX", "Q")]), ErNumber::Attention, "ATN LENGTH");
    refused(&iaq(&[("DOB", "1980010"), ("SEX", "Q")]), ErNumber::BirthDate, "DOB DATE");
    refused(&iaq(&[("DOB", "1980-1-2"), ("PUR", "CC")]), ErNumber::Options, "PUR LENGTH");
    refused(&format!("SEX/Q.{}", iaq(&[("SEX", LEFT_OUT), ("PUR", "X")])), ErNumber::Options, "SEX VALUE");
    refused(&iaq(&[("OFF", "A399"), ("POB", "M1")]), ErNumber::Options, "POB CHARACTER");
}

#[test]
fn a_body_that_is_not_fields_is_refused_without_being_shown() {
    refused(&format!("{}.SMITH", iaq(&[])), ErNumber::Options, "FIELD 10 IS NOT PREFIX/VALUE");
    refused(&format!("{}..", iaq(&[])), ErNumber::Options, "FIELD 10 IS NOT PREFIX/VALUE");
    refused(&format!("{}.SEX/F", iaq(&[])), ErNumber::Options, "SEX REPEATED");
    refused(&format!("{}.ZZQ/1.zzq/2", iaq(&[])), ErNumber::Options, "ZZQ REPEATED");
    refused(&format!("{}.ZZQ/", iaq(&[])), ErNumber::Options, "ZZQ EMPTY");
    let many: String = ('A'..='Z').flat_map(|a| ['Q', 'R', 'T'].map(|b| format!(".Z{a}{b}/1"))).collect();
    refused(&(iaq(&[]) + &many), ErNumber::Options, "MORE THAN 64 FIELDS");
}

#[test]
fn fields_end_in_a_period_and_any_line_end() {
    for end in [".", ".\n", ".\r\n", ".\r\n\x7f", "\n", "\r\n", "\r\n\x7f"] {
        let body = iaq(&[]).replace("SEX/M.", &format!("SEX/M.{}", end.trim_start_matches('.')));
        assert_eq!(check(&(body + end)), Ok(()), "{end:?}");
    }
    refused(&iaq(&[]).replace("SEX/M.", "SEX/M\r\n"), ErNumber::FieldsMissing, "POB");
}

#[test]
fn option_lists_name_what_the_key_requires_in_order() {
    assert_eq!(spec("IAQ").options(), ["PUR, ATN, PHN, NAM, DOB, SEX, POB, CUS, OFF"]);
    for text in ["IAR", "AM", "AML", "SM", "ER"] {
        assert!(spec(text).options().is_empty(), "{text}");
        assert_eq!(spec(text).check_body(b"ANY TEXT. AT ALL", TODAY), Ok(()));
    }
    let error = check(&iaq(&[("SEX", "MALE")])).unwrap_err();
    let key = MessageKey::parse("IAQ").ok();
    let body = er_body(error.number, key, &error.detail, spec("IAQ").options(), b"IAQ.ZA0010000.AX.TXT", 100);
    assert_eq!(
        String::from_utf8(body).unwrap(),
        ".22. INVALID MESSAGE FORMAT - REFER TO IAQ MKE OPTIONS BELOW - SEX LENGTH\r\n\
         1. PUR, ATN, PHN, NAM, DOB, SEX, POB, CUS, OFF\r\nORIGINAL MESSAGE\r\nIAQ.ZA0010000.AX.TXT"
    );
}

/// A key with two sets, as keys of the vehicle files have them; the built-in ones have none yet.
const SETS: &str = r#"
key = "RQ"
title = "Registration query"
source = "formats.md 1.2"
mark = "inferred"
sender = "any"
priority = "query"
destinations = { kinds = ["line"], max = 5, max_lines = 5 }
body = { missing = 22, unknown = "refused", sets = [["LIC", "LIT"], ["VIN"]] }
field = [
    { prefix = "PUR", label = "p", help = "p", required = true, length = [1, 1], characters = "A-Z", source = "t", mark = "inferred" },
    { prefix = "LIC", label = "l", help = "l", length = [1, 10], characters = "A-Z0-9", source = "t", mark = "inferred" },
    { prefix = "LIT", label = "t", help = "t", length = [2, 2], characters = "A-Z", source = "t", mark = "inferred" },
    { prefix = "VIN", label = "v", help = "v", length = [1, 20], characters = "A-Z0-9", source = "t", mark = "inferred" },
]
"#;

#[test]
fn a_key_with_sets_takes_exactly_one_of_them() {
    let dictionary = Dictionary::parse(&[("rq.toml", SETS)]).unwrap();
    let spec = dictionary.specs().next().unwrap();
    assert_eq!(spec.options(), ["PUR, LIC, LIT", "PUR, VIN"]);
    let check = |body: &str| spec.check_body(body.as_bytes(), TODAY).map_err(|error| (error.number, error.detail));
    for valid in ["PUR/C.LIC/TEST123.LIT/PC", "VIN/TEST123.PUR/C"] {
        assert_eq!(check(valid), Ok(()), "{valid}");
    }
    for (body, detail) in [
        ("LIC/TEST123.LIT/PC", "PUR"),
        ("PUR/C", "ONE SET OF FIELDS"),
        ("PUR/C.LIC/TEST123", "ONE SET OF FIELDS"),
        ("PUR/C.LIC/TEST123.LIT/PC.VIN/TEST123", "ONE SET OF FIELDS"),
        // A value that is wrong comes before the sets, an unknown prefix after them.
        ("ZZQ/1.PUR/C.LIC/", "LIC LENGTH"),
        ("ZZQ/1.PUR/C.LIC/TEST123", "ONE SET OF FIELDS"),
        ("ZZQ/1.PUR/C.VIN/TEST123", "ZZQ UNKNOWN"),
    ] {
        assert_eq!(check(body), Err((ErNumber::Options, detail.to_owned())), "{body}");
    }
}

#[test]
fn a_faulty_dictionary_is_named_by_file_and_line() {
    let check = |old: &str, new: &str, expected: &str| {
        assert!(SETS.contains(old), "{old}");
        let error = Dictionary::parse(&[("rq.toml", &SETS.replacen(old, new, 1))]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check("key = \"RQ\"", "key = \"R\"", "rq.toml:2: a message key must be 2 to 6");
    check("\"any\"", "\"all\"", "rq.toml:6: must be one of any, granted, switch");
    check("max = 5, ", "max = 33, ", "rq.toml:8: max must be 1 to 32");
    check("missing = 22", "missing = 5", "rq.toml:9: must be 14 or 22");
    check("[\"VIN\"]", "[\"PUR\"]", "rq.toml:9: a set names optional fields");
    check("length = [1, 10]", "length = [0, 10]", "rq.toml:12: must be least and most bytes");
    check("prefix = \"LIT\"", "prefix = \"LIC\"", "rq.toml:13: is listed twice");
    check("label = \"v\", ", "", "rq.toml:14: missing field `label`");
    check("priority", "priorty", "rq.toml:7: unknown field");
    check(
        "priority = \"query\"",
        "priority = \"query\"\nanswer = { key = \"RR\", count = 1 }",
        "rq.toml:8: no file says what RR is",
    );
    let twice = Dictionary::parse(&[("one.toml", SETS), ("two.toml", SETS)]).unwrap_err();
    assert_eq!(twice.to_string(), "two.toml:2: RQ has a file already");
}

#[test]
fn the_header_of_an_error_has_its_published_length() {
    let stamp = Stamp::at(Timestamp(0), 0);
    let (key, sender) = (MessageKey::parse("ER").unwrap(), Ori::parse(Ori::SWITCH).unwrap());
    let number = Number::SWITCH.next();
    let length = |destination| {
        let header = OutputHeader {
            key,
            sender,
            received: stamp,
            isn: Number::SWITCH,
            sent: stamp,
            osn: number,
            destination,
            control: None,
        };
        let text = header.encode(LineEnd::CrLfDel, b".00. ");
        text.windows(3).position(|three| three == b"TXT").unwrap() + 3 - 2
    };
    assert_eq!([length("AX"), length("ZZ0010000")], [69, 76]);
}
