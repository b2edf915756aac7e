//! What is written is read back the same: properties, on values from a printed seed.

use codec::dictionary::{Dictionary, MessageSpec};
use codec::fuzz;
use codec::legacy::{Destination, InputHeader, LineEnd, Output, OutputHeader, fields, parse_input, parse_output};
use codec::name::{Control, MessageKey, Ori};
use codec::number::Number;
use codec::time::{Stamp, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

use crate::TODAY;

/// Runs a property on values of the seed in `CODEC_SEED`, or of the same seed every time.
pub(crate) fn holds<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let seed: u64 = std::env::var("CODEC_SEED").ok().map_or(1, |seed| seed.parse().expect("CODEC_SEED is a number"));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: 2048, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    if let Err(failure) = TestRunner::new_with_rng(config, rng).run(strategy, property) {
        panic!("CODEC_SEED={seed} shows it again: {failure}");
    }
}

fn key() -> impl Strategy<Value = MessageKey> {
    "[A-Z0-9]{2,6}".prop_map(|text| MessageKey::parse(&text).unwrap())
}

fn ori() -> impl Strategy<Value = Ori> {
    "Z[A-Z][A-Z0-9]{7}".prop_map(|text| Ori::parse(&text).unwrap())
}

fn control() -> impl Strategy<Value = Option<Control>> {
    option::of("[A-Za-z0-9]{1,20}".prop_map(|text| Control::parse(&text).unwrap()))
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (0_i64..4_000_000_000).prop_map(|seconds| Stamp::at(Timestamp(seconds * 1_000_000), -7 * 3600))
}

fn number() -> impl Strategy<Value = Number> {
    (0_u32..100_000).prop_map(|value| Number::new(value).unwrap())
}

/// Any bytes but a first DEL, which cannot be told from the line end before it.
fn body() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200).prop_filter("a first DEL", |body| body.first() != Some(&0x7f))
}

#[test]
fn an_input_message_is_read_back() {
    // TXT and TXTZZ0000 are destinations of a state whose letters are TX.
    let destination = prop_oneof!["[A-Z0-9]{2}", "Z[A-Z0-9]{8}", Just("TX".to_owned()), Just("TXTZZ0000".to_owned())];
    holds(&(key(), ori(), vec(destination, 1..=32), control(), body()), |(key, sender, to, control, body)| {
        let destinations: Vec<&str> = to.iter().map(String::as_str).collect();
        let text = InputHeader { key, sender, destinations: &destinations, control }.encode(&body);
        let input = parse_input(&text)?;
        prop_assert_eq!((input.key, input.sender), (key, sender));
        let read: Vec<Destination<'_>> = input.destinations.iter().collect();
        prop_assert_eq!(read.iter().map(Destination::as_str).collect::<Vec<_>>(), destinations);
        prop_assert!(!input.destinations.too_many());
        prop_assert_eq!(input.checked_control()?, control);
        prop_assert_eq!(input.body, Some(body.as_slice()));
        Ok(())
    });
}

#[test]
fn an_output_message_is_read_back_and_written_the_same_again() {
    let destination = prop_oneof!["[A-Z0-9]{2}", "Z[A-Z][A-Z0-9]{7}", "[A-Z0-9]{1,16}"];
    let line_end = prop_oneof![Just(LineEnd::CrLfDel), Just(LineEnd::CrLf)];
    let header = (key(), ori(), stamp(), number(), stamp(), number(), destination, control());
    holds(&(header, line_end, body()), |(header, line_end, body)| {
        let (key, sender, received, isn, sent, osn, destination, control) = header;
        let destination = destination.as_str();
        let header = OutputHeader { key, sender, received, isn, sent, osn, destination, control };
        let text = header.encode(line_end, &body);
        let output = parse_output(&text)?;
        let expected = Output { key, sender, received, isn, sent, osn, destination, control, body: &body };
        prop_assert!(output == expected);
        prop_assert_eq!(header.encode(line_end, output.body), text.clone());
        let lines = text.len() - body.len();
        let with_line_feeds: Vec<u8> = text[..lines]
            .iter()
            .copied()
            .filter(|byte| !b"\r\x7f".contains(byte))
            .chain(body.iter().copied())
            .collect();
        prop_assert!(parse_output(&with_line_feeds)? == expected, "LF alone");
        Ok(())
    });
}

#[test]
fn the_fields_of_a_body_are_those_it_was_made_of() {
    let one =
        ("[A-Za-z]{2,3}", "[ -\\-/-~]{0,30}", prop_oneof![Just("."), Just(".\n"), Just(".\r\n"), Just(".\r\n\x7f")]);
    holds(&(vec(one, 0..20), prop_oneof![Just(""), Just("\n"), Just("\r\n\x7f")]), |(made, end)| {
        let mut text: String = made.iter().map(|(prefix, value, end)| format!("{prefix}/{value}{end}")).collect();
        if !text.ends_with(['\n', '\x7f']) {
            text.push_str(end);
        }
        let read = fields(text.as_bytes()).collect::<Result<Vec<_>, _>>()?;
        let read: Vec<_> = read.iter().map(|field| (field.prefix, field.value)).collect();
        let made: Vec<_> = made.iter().map(|(prefix, value, _)| (prefix.as_str(), value.as_str())).collect();
        prop_assert_eq!(read, made);
        Ok(())
    });
}

fn iaq() -> &'static MessageSpec {
    Dictionary::builtin().spec(MessageKey::parse("IAQ").unwrap()).unwrap()
}

#[test]
fn a_valid_inquiry_passes_in_either_case_and_in_any_order_and_travels_in_upper_case() {
    let coded = (
        "[CF]",
        "[0-9() -]{7,20}",
        "[A-Z][A-Z' -]{0,12}, ?[A-Z][A-Z -]{0,12}",
        "(19[3-9][0-9]|20[0-2][0-9])(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])",
        "[FMU]",
        prop_oneof!["MM", "YY", "HD", "RC"],
        "[YN]",
        prop_oneof!["0399", "0301", "8003"],
        option::of("A?[0-9]{8,9}"),
    );
    let order = Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle();
    holds(&(coded, "[A-Za-z0-9 ,'_-]{1,30}", order, any::<bool>()), |(coded, attention, order, lower)| {
        let (purpose, phone, name, birth, sex, place, custody, offense, alien) = coded;
        let alien = alien.map(|number| format!("ARN/{number}"));
        let coded = [
            format!("PUR/{purpose}"),
            format!("PHN/{phone}"),
            format!("NAM/{name}"),
            format!("DOB/{birth}"),
            format!("SEX/{sex}"),
            format!("POB/{place}"),
            format!("CUS/{custody}"),
            format!("OFF/{offense}"),
            alien.unwrap_or_else(|| "REM/NONE".to_owned()),
        ];
        let as_sent = |text: &String| if lower { text.to_ascii_lowercase() } else { text.clone() };
        let mut as_sent: Vec<String> = coded.iter().map(as_sent).collect();
        as_sent.push(format!("ATN/{attention}"));
        let text = order.iter().map(|at| as_sent[*at].clone()).collect::<Vec<_>>().join(".");
        iaq().check_body(text.as_bytes(), TODAY)?;
        let folded = iaq().fold_body(text.as_bytes()).into_owned();
        let folded = String::from_utf8(folded).unwrap();
        let attention = format!("ATN/{attention}");
        prop_assert!(folded.contains(&attention), "free text is kept");
        for field in coded.iter().filter(|field| !field.starts_with("REM/")) {
            prop_assert!(folded.contains(&field.replace("ARN/A", "ARN/")), "{field} is not in {folded}");
        }
        Ok(())
    });
}

/// Bytes that look like messages more often than chance would make them.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        "[A-Za-z0-9]{1,10}",
        "\\PC{0,4}",
        prop_oneof![
            Just("IAQ"),
            Just("AM"),
            Just("ZA0010000"),
            Just("AX"),
            Just("TXT"),
            Just("*T0000001AA"),
            Just("TXTZZ0000")
        ]
        .prop_map(str::to_owned),
        prop_oneof![Just("PUR/C"), Just("NAM/SAMPLE, PERSON A"), Just("DOB/19800102"), Just("08:00 01/31/2030 00027")]
            .prop_map(str::to_owned),
    ];
    let between = prop_oneof![5 => Just("."), 1 => Just("\r\n"), 1 => Just("\r\n\x7f"), 1 => Just("\n"), 1 => Just("")];
    vec((part, between), 0..20)
        .prop_map(|parts| parts.into_iter().flat_map(|(part, between)| (part + between).into_bytes()).collect())
}

#[test]
fn what_looks_like_a_message_keeps_every_promise() {
    holds(&nearly(), |bytes| {
        fuzz::input(&bytes);
        fuzz::output(&bytes);
        fuzz::fields(&bytes);
        Ok(())
    });
}
