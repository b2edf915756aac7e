//! What is refused, and with which number: the table of `conformance/check.py`, as far as the codec decides, and the
//! order of row 10 of admission (`protocol-specs/wire.md` 2.4).

use codec::dictionary::{Body, BodyError, Dictionary, MessageSpec, Sender};
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

#[test]
fn years_and_the_bounds_of_a_log_search_are_refused_by_their_number() {
    let search = |begin: &str, end: &str| format!("TYP/ALL.BEG/{begin}.END/{end}.FND/SEDAN");
    let check =
        |body: &str| spec("NLQ").check_body(body.as_bytes(), TODAY).map_err(|error| (error.number, error.detail));
    let day = "20300131";
    assert_eq!(check(&search(day, "20300131@2359")), Ok(()));
    for (wrong, fault) in
        [("2030013", "LENGTH"), ("20300132", "DATE"), ("20300131@2400", "DATE"), ("2030-0131", "CHARACTER")]
    {
        assert_eq!(check(&search(wrong, day)), Err((ErNumber::Year, format!("BEG {fault}"))), "{wrong}");
        assert_eq!(check(&search(day, wrong)), Err((ErNumber::Year, format!("END {fault}"))), "{wrong}");
    }
    assert_eq!(check("TYP/ALL.FND/SEDAN"), Err((ErNumber::FieldsMissing, "BEG, END".to_owned())));
    // Each field that the public table gives the number 10 has it, whatever the key.
    for spec in Dictionary::builtin().specs() {
        let Body::Fields(rules) = &spec.body else { continue };
        for prefix in ["VYR", "BEG", "END", "LIY"] {
            let number = rules.field(prefix).map_or(ErNumber::Year, |field| field.refusal);
            assert_eq!(number, ErNumber::Year, "{} of {}", prefix, spec.key);
        }
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

/// A key with two sets, one of them with a field that may be left out.
const SETS: &str = r#"
key = "RQ"
title = "Registration query"
source = "formats.md 1.2"
mark = "inferred"
sender = "any"
priority = "query"
destinations = { kinds = ["line"], max = 5, max_lines = 5 }
body = { missing = 22, unknown = "refused", sets = [{ required = ["LIC", "LIT"], optional = ["LIY"] }, { required = ["VIN"] }] }
field = [
    { prefix = "PUR", label = "p", help = "p", required = true, length = [1, 1], characters = "A-Z", source = "t", mark = "inferred" },
    { prefix = "LIC", label = "l", help = "l", length = [1, 10], characters = "A-Z0-9", source = "t", mark = "inferred" },
    { prefix = "LIT", label = "t", help = "t", length = [2, 2], characters = "A-Z", source = "t", mark = "inferred" },
    { prefix = "LIY", label = "y", help = "y", length = [4, 4], characters = "0-9", source = "t", mark = "inferred" },
    { prefix = "VIN", label = "v", help = "v", length = [1, 20], characters = "A-Z0-9", source = "t", mark = "inferred" },
]
"#;

#[test]
fn a_key_with_sets_takes_exactly_one_of_them() {
    let dictionary = Dictionary::parse(&[("rq.toml", SETS)]).unwrap();
    let spec = dictionary.specs().next().unwrap();
    assert_eq!(spec.options(), ["PUR, LIC, LIT", "PUR, VIN"]);
    let check = |body: &str| spec.check_body(body.as_bytes(), TODAY).map_err(|error| (error.number, error.detail));
    for valid in ["PUR/C.LIC/TEST123.LIT/PC", "VIN/TEST123.PUR/C", "LIY/2030.PUR/C.LIC/TEST123.LIT/PC"] {
        assert_eq!(check(valid), Ok(()), "{valid}");
    }
    for (body, detail) in [
        ("LIC/TEST123.LIT/PC", "PUR"),
        ("PUR/C", "ONE SET OF FIELDS"),
        // Only one set can have been meant: what it needs is missing like any required field.
        ("PUR/C.LIC/TEST123", "LIT"),
        ("LIC/TEST123", "PUR, LIT"),
        ("PUR/C.LIY/2030", "LIC, LIT"),
        ("PUR/C.LIC/TEST123.LIT/PC.VIN/TEST123", "ONE SET OF FIELDS"),
        ("PUR/C.LIY/2030.VIN/TEST123", "ONE SET OF FIELDS"),
        // A value that is wrong comes before the sets, an unknown prefix after them.
        ("ZZQ/1.PUR/C.LIC/.LIT/PC", "LIC LENGTH"),
        ("ZZQ/1.PUR/C.LIC/TEST123.LIT/PC.VIN/TEST123", "ONE SET OF FIELDS"),
        ("ZZQ/1.PUR/C.VIN/TEST123", "ZZQ UNKNOWN"),
    ] {
        assert_eq!(check(body), Err((ErNumber::Options, detail.to_owned())), "{body}");
    }
}

#[test]
fn an_option_list_has_the_lines_that_fit_what_was_sent() {
    let offered = |key: &str, body: &str| {
        let error = spec(key).check_body(body.as_bytes(), TODAY).unwrap_err();
        (error.number.number(), error.detail.clone(), spec(key).offered(&error))
    };
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    // The two public samples (`protocol-specs/formats.md` 4.1).
    let security = lines(&["RTY, RNO, PRI, OCA, NIC, TYP, SER, RNA, RAG"]);
    let sent = "RTY/SS.PRI/R.OCA/TESTCASE1.NIC/S000000001.SER/TEST123.RNA/TEST_ONE.RAG/TEST PD.PHO/5555550100";
    assert_eq!(offered("YQ", sent), (22, "RNO, TYP".to_owned(), security));
    assert_eq!(offered("RQ", "LIC/TEST123.LIT/PC"), (22, "LIY".to_owned(), lines(&["LIC, LIY, LIT"])));
    // Nothing tells what was meant: every line.
    assert_eq!(offered("RQ", "ZZQ/1"), (22, "ONE SET OF FIELDS".to_owned(), lines(&["LIC, LIY, LIT", "VIN"])));
    assert_eq!(offered("YQ", "RTY/ZZ").2.len(), spec("YQ").options().len());
    // A field of another type is refused, whatever else is there.
    let head = "RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.RNA/SGT TEST ONE.RAG/TEST PD";
    let (number, detail, options) =
        offered("YQ", &format!("RTY/wp.{head}.NAM/SAMPLE, PERSON A.DOB/19800102.VIN/TEST123"));
    assert_eq!((number, detail.as_str()), (22, "VIN NOT FOR THIS RTY"));
    assert_eq!(options, ["RTY, RNO, PRI, OCA, NIC, NAM, DOB, RNA, RAG"]);
    // A boat by its registration or by its hull: both lines until one of them is begun.
    assert_eq!(offered("YQ", &format!("RTY/SB.{head}")).2.len(), 2);
    assert_eq!(spec("YQ").check_body(format!("RTY/SB.{head}.BHN/TEST123").as_bytes(), TODAY), Ok(()));
}

#[test]
fn more_time_needs_its_time() {
    let answer =
        |result: &str| format!("RTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.{result}.RNA/TEST.RAG/TEST PD");
    let check = |result| spec("YR").check_body(answer(result).as_bytes(), TODAY).map_err(|error| error.detail);
    for valid in ["RES/Y", "RES/N", "RES/P.TIM/30M", "RES/P.TIM/2H", "RES/Y.LIC/TEST123.ZZQ/CARRIED"] {
        assert_eq!(check(valid), Ok(()), "{valid}");
    }
    for (wrong, detail) in [
        ("RES/P", "TIM"),
        ("RES/Y.TIM/30M", "TIM NOT FOR THIS RES"),
        ("RES/Q", "RES VALUE"),
        ("RES/P.TIM/0H", "TIM NOT MINUTES OR HOURS"),
        ("TIM/30M", "RES"),
    ] {
        assert_eq!(check(wrong), Err(detail.to_owned()), "{wrong}");
    }
}

#[test]
fn an_empty_value_blanks_only_what_can_be_blanked() {
    let check = |key, body: &[u8]| spec(key).check_body(body, TODAY).map_err(|error| error.detail);
    assert_eq!(check("TU", b"ORI/ZZ0090000.FAX/.REM/"), Ok(()));
    assert_eq!(check("TU", b"ORI/ZZ0090000.PHO/"), Err("PHO LENGTH".to_owned()));
    assert_eq!(*spec("TU").fold_body(b"ori/zz0090000.fax/"), *b"ORI/ZZ0090000.FAX/");
}

#[test]
fn every_example_passes() {
    for spec in Dictionary::builtin().specs() {
        assert_eq!(spec.example.is_none(), spec.sender == Sender::Switch, "{}: an example for what is sent", spec.key);
        let Some(example) = &spec.example else { continue };
        let body = parse_input(example.as_bytes()).unwrap().body.unwrap();
        assert_eq!(spec.check_body(body, TODAY), Ok(()), "{}", spec.key);
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
    check("required = [\"VIN\"]", "for = [\"A\"], required = [\"VIN\"]", "rq.toml:9: for must name values");
    check("[\"LIY\"]", "[\"LIC\"]", "rq.toml:9: a field is either required or optional");
    check("sets =", "chosen_by = \"PUR\", sets =", "rq.toml:9: must be a required field that lists its values");
    check("length = [1, 10]", "length = [0, 0]", "rq.toml:12: must be least and most bytes");
    check("prefix = \"LIT\"", "prefix = \"LIC\"", "rq.toml:13: is listed twice");
    check("label = \"v\", ", "", "rq.toml:15: missing field `label`");
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
