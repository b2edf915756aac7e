//! NIEM XML: what goes to a NIEM station says what a legacy station would have got, what comes from one says what it
//! said, and what is neither is refused.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use codec::codes::Table as Codes;
use codec::dictionary::{Body, Dictionary, FieldRules, FieldSpec, Form, MessageSpec, birth_date};
use codec::legacy::{Destination, OutputHeader, fields, parse_input};
use codec::name::{Control, MessageKey, Ori};
use codec::niem::{self, Table};
use codec::notice::ErNumber;
use codec::number::Number;
use codec::time::Stamp;
use codec::xml;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::round_trip::holds;
use crate::{TODAY, root};

fn spec(key: &str) -> &'static MessageSpec {
    Dictionary::builtin().spec(key.parse().unwrap()).unwrap()
}

fn header(key: MessageKey) -> OutputHeader<'static> {
    OutputHeader {
        key,
        sender: Ori::parse("ZZ0010000").unwrap(),
        received: Stamp::parse("08:00 01/31/2030").unwrap(),
        isn: Number::new(11).unwrap(),
        sent: Stamp::parse("08:01 01/31/2030").unwrap(),
        osn: Number::new(27).unwrap(),
        destination: "ZZ0020000",
        control: Control::parse("T0000001AA").ok(),
    }
}

fn encoded(key: &str, body: &[u8]) -> Vec<u8> {
    let spec = spec(key);
    niem::encode(&header(spec.key), spec, body).to_vec()
}

fn read(document: &[u8]) -> Result<Vec<u8>, xml::XmlFault> {
    niem::read(&xml::parse(document)?, Dictionary::builtin()).map(|text| text.to_vec())
}

/// The body of what is read of a document, and that its header is the one it was written with.
fn body_of(document: &[u8]) -> Vec<u8> {
    let text = read(document).unwrap_or_else(|fault| panic!("{fault:?} of {}", String::from_utf8_lossy(document)));
    let input = parse_input(&text).unwrap();
    assert_eq!((input.sender.as_str(), input.control), ("ZZ0010000", Some("T0000001AA")));
    assert!(input.destinations.iter().eq([Destination::Ori(Ori::parse("ZZ0020000").unwrap())]));
    input.body.unwrap().to_vec()
}

/// Choices, one after the other; when they run out, the first of what there is.
struct Choices<'a>(&'a [u32]);

impl Choices<'_> {
    fn up_to(&mut self, end: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::try_from(*first).unwrap() % end.max(1)
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.up_to(all.len())]
    }

    fn text(&mut self, characters: &[char], least: usize, most: usize) -> String {
        let length = least + self.up_to(most - least + 1);
        (0..length).map(|_| *self.of(characters)).collect()
    }
}

fn value(field: &FieldSpec, choices: &mut Choices<'_>) -> String {
    let (least, most) = (*field.length.start(), *field.length.end());
    let characters: Vec<char> =
        (0x20..0x7f_u8).filter(|byte| field.characters.contains(*byte)).map(char::from).collect();
    if !field.values.is_empty() {
        return choices.of(&field.values).code.clone();
    }
    let code = |table: Codes, choices: &mut Choices<'_>| {
        let codes: Vec<_> = table.entries().filter(|(code, _)| !field.except.iter().any(|one| one == code)).collect();
        choices.of(&codes).0.to_owned()
    };
    if let Some(table) = field.table {
        return code(table, choices);
    }
    let letters: Vec<char> = ('A'..='Z').collect();
    let digits: Vec<char> = ('0'..='9').collect();
    match field.form {
        Some(Form::BirthDate) => {
            let (year, month, day) = (1930 + choices.up_to(99), 1 + choices.up_to(12), 1 + choices.up_to(28));
            match choices.up_to(2) {
                0 => format!("{year}{month:02}{day:02}"),
                _ => format!("{month:02}{day:02}{:02}", year % 100),
            }
        }
        Some(Form::Name) => {
            let between = *choices.of(&[", ", ",", ", ", ", "]);
            let surname = choices.text(&letters, 1, 8);
            let inner: Vec<char> = letters.iter().copied().chain("  '-".chars()).collect();
            let given = choices.text(&letters, 1, 6);
            format!("{surname}{between}{given}{}", choices.text(&inner, 0, 10))
        }
        Some(Form::NcicNumber) => code(Codes::NcicFile, choices) + &choices.text(&digits, 9, 9),
        Some(Form::StateNumber) => "ZZ".replace("ZZ", &code(Codes::State, choices)) + &choices.text(&digits, 1, 8),
        Some(Form::Span) => format!("{}{}", 1 + choices.up_to(59), choices.of(&["M", "H"])),
        Some(Form::Year) => (1900 + choices.up_to(200)).to_string(),
        Some(Form::YearOrShort) if choices.up_to(2) == 0 => format!("{:02}", choices.up_to(100)),
        Some(Form::YearOrShort) => (1900 + choices.up_to(200)).to_string(),
        _ => choices.text(&characters, least.max(1), most),
    }
}

/// A body that the key takes: what it requires, some of what it does not, one of its sets, in any order.
fn valid_body(spec: &MessageSpec, choices: &mut Choices<'_>) -> Vec<(String, String)> {
    let Body::Fields(rules) = &spec.body else { panic!("{} is text", spec.key) };
    let chosen = rules.chosen_by().map(|field| (field.prefix.to_string(), value(field, choices)));
    let mut prefixes: Vec<String> = Vec::new();
    if rules.sets().is_empty() {
        prefixes.extend(
            rules.fields().iter().filter(|one| one.required || choices.up_to(2) == 1).map(|one| one.prefix.to_string()),
        );
    } else {
        let fits: Vec<_> = rules
            .sets()
            .iter()
            .filter(|set| chosen.as_ref().is_none_or(|(_, value)| set.values.contains(value)))
            .collect();
        let set = *choices.of(&fits);
        let in_a_set = |field: &FieldSpec| rules.sets().iter().any(|set| is_in(rules, set, field));
        let outside = rules.fields().iter().filter(|field| !in_a_set(field));
        prefixes.extend(outside.filter(|one| one.required || choices.up_to(2) == 1).map(|one| one.prefix.to_string()));
        prefixes.extend(set.required(rules.fields()).map(|one| one.prefix.to_string()));
        prefixes
            .extend(set.optional(rules.fields()).filter(|_| choices.up_to(2) == 1).map(|one| one.prefix.to_string()));
    }
    let mut made: Vec<(String, String)> = Vec::new();
    for prefix in prefixes {
        let known = chosen.as_ref().filter(|(chooser, _)| *chooser == prefix).map(|(_, value)| value.clone());
        let value = known.unwrap_or_else(|| value(rules.field(&prefix).unwrap(), choices));
        made.insert(choices.up_to(made.len() + 1), (prefix, value));
    }
    made
}

fn is_in(rules: &FieldRules, set: &codec::dictionary::FieldSet, field: &FieldSpec) -> bool {
    set.required(rules.fields()).chain(set.optional(rules.fields())).any(|one| one.prefix == field.prefix)
}

fn joined(made: &[(String, String)]) -> String {
    made.iter().map(|(prefix, value)| format!("{prefix}/{value}")).collect::<Vec<_>>().join(".")
}

/// The fields of a body, sorted; dates of birth in one form.
fn sorted(body: &[u8]) -> Vec<(String, String)> {
    let mut fields: Vec<_> = fields(body)
        .map(|field| field.unwrap())
        .map(|field| match field.prefix {
            "DOB" => ("DOB".to_owned(), birth_date(field.value, TODAY).unwrap().to_string()),
            prefix => (prefix.to_owned(), field.value.to_owned()),
        })
        .collect();
    fields.sort();
    fields
}

#[test]
fn the_fields_of_every_translated_key_survive_the_way_through_xml() {
    for key in Table::builtin().keys() {
        let spec = Dictionary::builtin().spec(key).unwrap();
        let mut checked = 0;
        holds(&vec(any::<u32>(), 400), |tape| {
            let body = joined(&valid_body(spec, &mut Choices(&tape)));
            if let Err(error) = spec.check_body(body.as_bytes(), TODAY) {
                // A name of chance can be too long; nothing else is made wrong.
                prop_assert!(error.detail.starts_with("NAM"), "{key} {error:?}: {body}");
                return Ok(());
            }
            let document = encoded(key.as_str(), body.as_bytes());
            let read = body_of(&document);
            prop_assert_eq!(sorted(&read), sorted(body.as_bytes()));
            spec.check_body(&read, TODAY)?;
            // Once more changes nothing, to the byte.
            prop_assert_eq!(encoded(key.as_str(), &read), document);
            Ok(())
        });
        checked += 1;
        assert_eq!(checked, 1);
    }
}

#[test]
fn prefixes_that_nobody_listed_are_carried_through_xml() {
    let name = "ZZQ/ Carried along .ZZR/<&>\"]]>.REM/Seen at 555-0100";
    let body = format!(
        "PUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.POB/MM.CUS/Y.OFF/0399.{name}"
    );
    let document = encoded("IAQ", body.as_bytes());
    assert_eq!(sorted(&body_of(&document)), sorted(body.as_bytes()));
    let text = String::from_utf8(document).unwrap();
    assert!(text.contains("<orinet:Field prefix=\"ZZQ\">&#32;Carried along&#32;</orinet:Field>"), "{text}");
    assert!(text.contains("xmlns:orinet=\"urn:orinet:niem:extension:1.0\""));
}

#[test]
fn text_travels_unchanged_but_for_its_line_ends() {
    let line = prop_oneof![
        "[ -~]{0,40}",
        "[<>&\\]\\[!CDATA]{0,12}",
        Just("]]>".to_owned()),
        Just("\t\x7f x".to_owned()),
        Just("\x7f".to_owned())
    ];
    let end = prop_oneof![Just("\r\n"), Just("\n"), Just("\r\n\x7f"), Just("\r"), Just("")];
    let key = prop_oneof![
        Just("AM"),
        Just("AML"),
        Just("SM"),
        Just("ER"),
        Just("IAR"),
        Just("IR"),
        Just("NLR"),
        Just("ECHO"),
        Just("RQ")
    ];
    holds(&(key, vec((line, end), 0..8)), |(key, lines)| {
        let body: String = lines.iter().map(|(line, end)| format!("{line}{end}")).collect();
        let read = String::from_utf8(body_of(&encoded(key, body.as_bytes()))).unwrap();
        let same = |text: &str| text.replace("\r\n\x7f", "\u{1}").replace("\r\n", "\u{1}").replace('\n', "\u{1}");
        prop_assert_eq!(same(&read), same(&body));
        Ok(())
    });
}

#[test]
fn a_body_that_is_not_made_of_fields_travels_as_text() {
    for (key, body) in [("IAQ", "NO FIELDS HERE"), ("IAQ", "SEX/M.SEX/F"), ("YR", "CONFIRMED, HOLD"), ("YQ", "")] {
        let document = String::from_utf8(encoded(key, body.as_bytes())).unwrap();
        let element = if key == "YR" { "ResponseText" } else { "InquiryDescriptionText" };
        assert!(document.contains(&format!("<n2:{element}><![CDATA[{body}]]></n2:{element}>")), "{document}");
        assert_eq!(body_of(document.as_bytes()), body.as_bytes());
    }
}

const IAQ: &str = "PUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\r\n\
    POB/MM.CUS/Y.OFF/0399.ARN/000000001";

/// An inquiry as another system may write it: other prefixes, another order, comments, white space, no purpose.
const FOREIGN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<NLETS xmlns="http://www.nlets.org/niem/1.0" xmlns:h="http://www.nlets.org/niem/nlets-hdr/1.0">
  <NLETSMessageHeader>
    <h:DestinationORIID>AX</h:DestinationORIID>
    <h:OriginatingORIID>
      zz0010000
    </h:OriginatingORIID>
    <h:MessageKeyCodeText>IAQ</h:MessageKeyCodeText>
    <h:DocumentControlFieldText> <![CDATA[T0000001AA]]>
    </h:DocumentControlFieldText>
    <h:SendMessageNumeric>00001</h:SendMessageNumeric>
  </NLETSMessageHeader>
  <NLETSInquiryData key="IAQ" xmlns:c="http://niem.gov/niem/niem-core/2.0" xmlns:j4="http://niem.gov/niem/domains/jxdm/4.0">
    <c:Status><c:StatusText>Y</c:StatusText></c:Status>
    <j4:ChargeNCICCode>0399</j4:ChargeNCICCode>
    <Person>
      <c:PersonName>
        <c:PersonSurName>Sample</c:PersonSurName>
        <c:PersonGivenName>Person</c:PersonGivenName><!-- no middle name -->
      </c:PersonName>
      <c:PersonBirthDate><c:Date>1980-01-02</c:Date></c:PersonBirthDate>
      <c:PersonSexCode>M</c:PersonSexCode>
      <j4:PersonAugmentation><j4:PersonBirthPlaceCode>MM</j4:PersonBirthPlaceCode></j4:PersonAugmentation>
      <im:AlienNumber xmlns:im="http://niem.gov/niem/domains/immigration/2.0"><c:IdentificationID>A000000001</c:IdentificationID></im:AlienNumber>
    </Person>
    <c:ContactInformation><c:ContactTelephoneNumber><c:FullTelephoneNumber>
      <c:TelephoneNumberFullID>5555550100</c:TelephoneNumberFullID>
    </c:FullTelephoneNumber></c:ContactTelephoneNumber></c:ContactInformation>
    <ResponseAttentionDescriptionText>SGT TEST &#x4F;NE</ResponseAttentionDescriptionText>
  </NLETSInquiryData>
</NLETS>
"#;

#[test]
fn names_are_resolved_by_namespace_and_order_does_not_matter() {
    let text = String::from_utf8(read(FOREIGN.as_bytes()).unwrap()).unwrap();
    assert_eq!(
        text,
        "IAQ.ZZ0010000.AX.*T0000001AA.TXT\r\nPUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/Sample, Person.DOB/19800102.SEX/M.\
         POB/MM.CUS/Y.OFF/0399.ARN/A000000001"
    );
    let body = parse_input(text.as_bytes()).unwrap().body.unwrap();
    spec("IAQ").check_body(body, TODAY).unwrap();
}

/// The refusal of a changed document: number and detail.
fn refusal(from: &str, to: &str) -> (ErNumber, String) {
    assert!(FOREIGN.contains(from), "{from}");
    let document = FOREIGN.replacen(from, to, 1);
    let fault = read(document.as_bytes()).err().unwrap_or_else(|| panic!("taken: {from} -> {to}"));
    (fault.number, fault.detail)
}

#[test]
fn what_is_not_in_the_table_is_refused_by_its_name() {
    let check = |from: &str, to: &str, number: ErNumber, detail: &str| {
        assert_eq!(refusal(from, to), (number, detail.to_owned()), "{from} -> {to}");
    };
    let text = ErNumber::NoText;
    for (from, to, detail) in [
        (
            "<c:PersonSexCode>",
            "<c:PersonRaceCode>U</c:PersonRaceCode><c:PersonSexCode>",
            "PERSONRACECODE IS NOT IN THE TABLE OF ELEMENTS",
        ),
        (
            "<c:PersonSexCode>",
            "<PersonSexCode>U</PersonSexCode><c:PersonSexCode>",
            "PERSONSEXCODE IS NOT IN THE TABLE OF ELEMENTS",
        ),
        ("<c:PersonSexCode>", "<c:A-1>U</c:A-1><c:PersonSexCode>", "AN ELEMENT IS NOT IN THE TABLE OF ELEMENTS"),
        ("<c:PersonSexCode>M", "<c:PersonSexCode><c:X/>M", "X IS NOT IN THE TABLE OF ELEMENTS"),
        ("<c:PersonSexCode>", "text<c:PersonSexCode>", "TEXT WHERE ONLY ELEMENTS CAN STAND"),
        ("<Person>", "<Person/><Person>", "PERSON REPEATED"),
        (
            "</c:PersonGivenName>",
            "</c:PersonGivenName><c:PersonFullName>A, B</c:PersonFullName>",
            "PERSONFULLNAME BESIDE THE PARTS OF A NAME",
        ),
        (
            "</c:PersonGivenName>",
            "</c:PersonGivenName><c:PersonNameSuffixText>JR</c:PersonNameSuffixText>",
            "PERSONNAMESUFFIXTEXT IS NOT IN THE TABLE OF ELEMENTS",
        ),
        (
            "NLETSInquiryData key=\"IAQ\"",
            "NLETSInquiryData key=\"YQ\"",
            "THE KEY OF NLETSINQUIRYDATA IS NOT THAT OF THE HEADER",
        ),
        ("  <NLETSInquiryData", "  <Other/><NLETSInquiryData", "OTHER IS NOT IN THE TABLE OF ELEMENTS"),
        ("<h:SendMessageNumeric>", "<h:Other/><h:SendMessageNumeric>", "OTHER IS NOT IN THE TABLE OF ELEMENTS"),
        (
            "<h:SendMessageNumeric>",
            "<SendMessageNumeric/><h:SendMessageNumeric>",
            "SENDMESSAGENUMERIC IS NOT IN THE TABLE OF ELEMENTS",
        ),
        ("&#x4F;", "&o;", "A REFERENCE THAT IS NOT TAKEN AT BYTE 1851"),
    ] {
        if detail.contains("BYTE") {
            let (number, said) = refusal(from, to);
            assert!(number == text && said.starts_with("A REFERENCE THAT IS NOT TAKEN AT BYTE "), "{said}");
        } else {
            check(from, to, text, detail);
        }
    }
    check(
        "IAQ</h:MessageKeyCodeText>",
        "IAQ</h:MessageKeyCodeText><h:MessageKeyCodeText>AM</h:MessageKeyCodeText>",
        ErNumber::Format,
        "MESSAGEKEYCODETEXT REPEATED",
    );
}

#[test]
fn no_value_gets_into_the_text_that_would_say_more_than_its_own_part() {
    let check = |from: &str, to: &str, number: ErNumber, detail: &str| {
        assert_eq!(refusal(from, to), (number, detail.to_owned()), "{from} -> {to}");
    };
    let format = ErNumber::Format;
    check("<h:MessageKeyCodeText>IAQ", "<h:MessageKeyCodeText>AM.ZZ0010000.ZZ.TXT", format, "MESSAGE KEY EXPECTED");
    check("zz0010000", "zz0010000.AX.TXT", format, "SENDER EXPECTED");
    for destination in ["AX.TXT", "AX.ZZ0020000", "A X", "AX\n", "", "TXT", "txtx", "*AX"] {
        let to = format!("<h:DestinationORIID><![CDATA[{destination}]]>");
        if destination.trim() != "AX" {
            check("<h:DestinationORIID>AX", &to, format, "DESTINATION EXPECTED");
        }
    }
    let control = "CONTROL FIELD MUST BE 1 TO 20 LETTERS OR DIGITS";
    for bad in ["T.TXT", "*T0000001AA", "T 1", "T0000001AA0000000000T"] {
        check("<![CDATA[T0000001AA]]>", bad, ErNumber::Header, control);
    }
    check("TEST &#x4F;NE", "TEST. ONE", ErNumber::Attention, "ATN CHARACTER");
    check("TEST &#x4F;NE", "TEST.SEX/F", ErNumber::Attention, "ATN CHARACTER");
    check("TEST &#x4F;NE", "TEST&#10;SEX/F", ErNumber::Attention, "ATN CHARACTER");
    check(">Sample<", ">Sämple<", ErNumber::Options, "NAM CHARACTER");
    check(">Sample<", ">Sample&#127;<", ErNumber::Options, "NAM CHARACTER");
    check("1980-01-02", "1980-01-02.SEX/F", ErNumber::BirthDate, "DOB CHARACTER");
    let extension = "<x:Field xmlns:x=\"urn:orinet:niem:extension:1.0\" prefix=\"ZZQ\">";
    let field = |value: &str| format!("<Person>{extension}{value}</x:Field>").replacen("<Person>", "", 1) + "<Person>";
    check("<Person>", &field("A.B"), ErNumber::Options, "ZZQ CHARACTER");
    check("<Person>", &field("A").replace("ZZQ", "Z/Q"), ErNumber::Options, "A PREFIX MUST BE 2 OR 3 LETTERS");
    // What could be read of the header is told even then.
    let fault = read(FOREIGN.replacen("<c:PersonSexCode>", "<c:Other/><c:PersonSexCode>", 1).as_bytes()).unwrap_err();
    assert_eq!(fault.seen.key, "IAQ".parse().ok());
    assert_eq!(fault.seen.sender, "ZZ0010000".parse().ok());
    assert_eq!(fault.seen.control, Control::parse("T0000001AA").ok());
}

#[test]
fn an_image_is_refused_and_so_is_text_that_legacy_text_cannot_have() {
    let am = fs::read_to_string(root().join("fixtures/messages/in-am-niem.txt")).unwrap();
    assert_eq!(read(am.as_bytes()).unwrap(), b"AM.ZZ0010000.ZZ0020000.*T0000001AA.TXT\r\nTEST");
    let check = |from: &str, to: &str, number: ErNumber, detail: &str| {
        assert!(am.contains(from));
        let fault = read(am.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!((fault.number, fault.detail.as_str()), (number, detail));
    };
    let after = "</n2:MailMessageText>";
    let image = "</n2:MailMessageText><nc:Image><nc:BinaryBase64Object>QUJD</nc:BinaryBase64Object></nc:Image>";
    check(after, image, ErNumber::NoText, "IMAGES ARE NOT CARRIED");
    check("TEST", "TÄST", ErNumber::Format, "A CHARACTER IN MAILMESSAGETEXT IS NOT ALLOWED");
    check(
        "n2:NLETSMailData n2:key=\"AM\"",
        "n2:NLETSMailData n2:key=\"SM\"",
        ErNumber::NoText,
        "THE KEY OF NLETSMAILDATA IS NOT THAT OF THE HEADER",
    );
    check(
        "<n2:MailMessageText><![CDATA[TEST]]></n2:MailMessageText>",
        "",
        ErNumber::NoText,
        "MAILMESSAGETEXT EXPECTED",
    );
    check("AM</nh2", "RQ</nh2", ErNumber::NoText, "NLETSMAILDATA IS NOT IN THE TABLE OF ELEMENTS");
    // A key that nobody knows is the next check's to refuse.
    let unknown = read(am.replacen("AM</nh2", "QQQ</nh2", 1).as_bytes()).unwrap();
    assert_eq!(unknown, b"QQQ.ZZ0010000.ZZ0020000.*T0000001AA.TXT\r\n");
}

/// A document for every key of the dictionary.
fn documents() -> Vec<(String, Vec<u8>)> {
    let keys = Dictionary::builtin().specs();
    let hostile = "A <b> & \"c\" ]]> \r d\r\n\x7fe\x7f\t]]";
    let mut documents: Vec<_> =
        keys.map(|spec| (spec.key.to_string(), encoded(spec.key.as_str(), hostile.as_bytes()))).collect();
    for spec in Dictionary::builtin().specs() {
        if let Some(example) = &spec.example {
            let body = parse_input(example.as_bytes()).unwrap().body.unwrap();
            documents.push((format!("{}-example", spec.key), encoded(spec.key.as_str(), body)));
        }
    }
    let keys: Vec<_> = Table::builtin().keys().collect();
    for (at, key) in keys.iter().cycle().take(120).enumerate() {
        let tape: Vec<u32> =
            (0..400_u32).map(|step| step.wrapping_mul(2_654_435_761).rotate_left(u32::try_from(at).unwrap())).collect();
        let body = joined(&valid_body(spec(key.as_str()), &mut Choices(&tape)));
        documents.push((format!("{key}-{at}"), encoded(key.as_str(), body.as_bytes())));
    }
    documents
}

#[test]
fn what_is_written_is_well_formed_for_xmllint_and_in_the_public_namespaces() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("niem");
    fs::create_dir_all(&folder).unwrap();
    let mut xmllint = Command::new("xmllint");
    xmllint.args(["--noout", "--nonet"]);
    let documents = documents();
    assert!(documents.len() > 180);
    for (name, document) in &documents {
        let root = xml::parse(document).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(niem::is_root(&root), "{name}");
        let path = folder.join(format!("{name}.xml"));
        fs::write(&path, document).unwrap();
        xmllint.arg(path);
        let text = str::from_utf8(document).unwrap();
        let declared: Vec<&str> = text.split("xmlns:").skip(1).filter_map(|part| part.split('"').nth(1)).collect();
        for uri in &declared {
            assert!(Table::builtin().namespaces().iter().any(|one| one.uri == *uri), "{name}: {uri}");
        }
        assert_eq!(
            declared[..3],
            [
                "http://www.nlets.org/niem/1.0",
                "http://www.nlets.org/niem/nlets-hdr/1.0",
                "http://niem.gov/niem/niem-core/2.0"
            ]
        );
    }
    let run = xmllint.output();
    let run = run.unwrap_or_else(|error| panic!("xmllint is missing ({error}): install the package libxml2-utils"));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// xmllint is asked about what our reader refuses too, so that the test above would see a fault.
#[test]
fn xmllint_sees_what_is_not_well_formed() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("niem-bad");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("bad.xml");
    fs::write(&path, "<n2:NLETS xmlns:n2='urn:x'><n2:A></n2:NLETS>").unwrap();
    let run = Command::new("xmllint").args(["--noout", "--nonet"]).arg(&path).output();
    let run = run.unwrap_or_else(|error| panic!("xmllint is missing ({error}): install the package libxml2-utils"));
    assert!(!run.status.success());
}

#[test]
fn the_page_shows_what_is_written_and_has_the_tables_of_the_translation() {
    let path = root().join("protocol-specs/niem.md");
    let inquiry = String::from_utf8(encoded("IAQ", IAQ.as_bytes())).unwrap();
    let page = fs::read_to_string(&path).unwrap();
    let page = with_part(&page, "an inquiry", &format!("\n```xml\n{inquiry}```\n\n"));
    let expected = with_part(&page, "the tables", &tables());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    let line = kept.lines().zip(expected.lines()).take_while(|(old, new)| old == new).count() + 1;
    assert!(kept == expected, "{}:{line} is not what the codec does: run `cargo xtask pages`", path.display());
}

/// A page with what stands between two of its marks made anew.
/// The weakest of the marks that a cell of `formats.md` has.
fn marked(cell: &str) -> codec::dictionary::Mark {
    let has =
        |letter: &str| cell.split(|character: char| !character.is_ascii_alphanumeric()).any(|word| word == letter);
    let marks = [("I", "inferred"), ("P", "probable"), ("C", "certain")];
    let (_, name) = marks.iter().find(|(letter, _)| has(letter)).unwrap_or_else(|| panic!("no mark in {cell}"));
    let all = [codec::dictionary::Mark::Certain, codec::dictionary::Mark::Probable, codec::dictionary::Mark::Inferred];
    *all.iter().find(|mark| word(**mark) == *name).unwrap()
}

#[test]
fn no_mark_of_the_table_is_another_than_the_public_record_has() {
    let formats = fs::read_to_string(root().join("protocol-specs/formats.md")).unwrap();
    let row = |begin: &str| {
        let line = formats.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("no row {begin}"));
        line.split(" | ").map(|cell| cell.trim_matches(['|', ' ']).to_owned()).collect::<Vec<_>>()
    };
    for namespace in Table::builtin().namespaces().iter().filter(|namespace| namespace.prefix != "orinet") {
        let cells = row(&format!("| {} | `{}` |", namespace.prefix, namespace.uri));
        assert_eq!(word(namespace.mark), word(marked(&cells[2])), "{}", namespace.prefix);
    }
    // What is below one of these elements has the mark that its row has; a step of another namespace is our own.
    for (begin, path) in [
        ("| A plate of a registration inquiry is ", "nc:Vehicle/nc:ConveyanceRegistrationPlateIdentification/nc:"),
        ("| A vehicle's number is ", "nc:Vehicle/nc:VehicleIdentification/nc:"),
    ] {
        let mark = word(marked(&row(begin)[1]));
        let toml = fs::read_to_string(root().join("protocol-specs/niem.toml")).unwrap();
        let entries: Vec<_> =
            toml.split("[[element]]").filter(|one| one.contains(&format!("path = \"{path}"))).collect();
        assert!(!entries.is_empty(), "{path}");
        for entry in entries {
            assert!(entry.contains(&format!("mark = \"{mark}\"\nsource = \"1.6\"")), "{mark}: {entry}");
        }
    }
}

fn with_part(page: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- {name}, written by the tests: begin -->\n"), format!("<!-- {name}: end -->"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("the page has no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the page has no {end}"));
    format!("{before}{begin}{part}{end}{after}")
}

fn tables() -> String {
    let table = Table::builtin();
    let mut text = String::from("\n| Prefix | Namespace | Mark |\n|---|---|---|\n");
    for one in table.namespaces() {
        writeln!(text, "| `{}` | `{}` | {} |", one.prefix, one.uri, word(one.mark)).unwrap();
    }
    for key in table.keys() {
        let spec = Dictionary::builtin().spec(key).unwrap();
        let family = table.mark(key).unwrap();
        let wrapper = if spec.answer.is_some() { "n2:NLETSInquiryData" } else { "n2:NLETSResponseData" };
        writeln!(text, "\n#### {key}\n\nIn `{wrapper}`; that its body is made of elements is {}.\n", word(family))
            .unwrap();
        text.push_str("| Field | Element | Written as | Mark | Source |\n|---|---|---|---|---|\n");
        for row in table.rows(key) {
            let path: Vec<_> = row.path.iter().map(|step| step.name.as_str()).collect();
            let form = match row.form {
                niem::Form::Text => "itself",
                niem::Form::Date => "date",
                niem::Form::Name => "name",
            };
            let when = row
                .when
                .as_ref()
                .map_or_else(String::new, |(prefix, values)| format!(", {prefix} {}", values.join(" ")));
            let absent = row.absent.as_ref().map_or_else(String::new, |value| format!("; left out: {value}"));
            let mark = word(weaker(family, row.mark));
            writeln!(
                text,
                "| {}{when} | `{}` | {form}{absent} | {mark} | formats.md {} |",
                row.prefix,
                path.join("/"),
                row.source
            )
            .unwrap();
        }
    }
    text.push('\n');
    text
}

fn word(mark: codec::dictionary::Mark) -> &'static str {
    use codec::dictionary::Mark;
    match mark {
        Mark::Certain => "certain",
        Mark::Probable => "probable",
        Mark::Inferred => "inferred",
    }
}

fn weaker(one: codec::dictionary::Mark, two: codec::dictionary::Mark) -> codec::dictionary::Mark {
    use codec::dictionary::Mark;
    match (one, two) {
        (Mark::Inferred, _) | (_, Mark::Inferred) => Mark::Inferred,
        (Mark::Probable, _) | (_, Mark::Probable) => Mark::Probable,
        (Mark::Certain, Mark::Certain) => Mark::Certain,
    }
}
