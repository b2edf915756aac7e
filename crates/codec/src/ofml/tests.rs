//! Both ways, and back.

use bytes::Bytes;

use super::*;
use crate::dictionary::Dictionary;
use crate::legacy::OutputHeader;
use crate::name::{MessageKey, Ori};
use crate::notice::ErNumber;
use crate::number::Number;
use crate::time::{Stamp, Timestamp};
use crate::xml::parse;

/// What the public client sends, with a key and a receiver of this network.
const QUERY: &str = "<OFML>\n  <HDR>\n    <ID>8a90397e9d</ID>\n    <DAC>SAMPLE</DAC>\n    <DAT>20300131080000</DAT>\n    \
                     <REF>8a90397e9d</REF>\n    <USR>TESTER</USR>\n    <ORI>ZA0010000</ORI>\n    <MKE>IQ</MKE>\n  \
                     </HDR>\n  <TRN>\n    <NAM>SAMPLE, PERSON A</NAM>\n    <DOB>19800102</DOB>\n    <SEX>M</SEX>\n    \
                     <RAC />\n  </TRN>\n</OFML>";

fn translated(document: &str) -> Result<String, (u8, String)> {
    let root = parse(document.as_bytes()).unwrap();
    assert!(is_ofml(&root));
    match read(&root, Dictionary::builtin(), None) {
        Ok(text) => Ok(String::from_utf8(text.to_vec()).unwrap()),
        Err(fault) => Err((fault.number.number(), fault.detail)),
    }
}

fn document(header: &str, rest: &str) -> String {
    format!("<OFML><HDR><MKE>AM</MKE><ORI>ZA0010000</ORI>{header}</HDR>{rest}</OFML>")
}

fn header(control: Option<&str>) -> OutputHeader<'static> {
    let at = |minutes: i64| Stamp::at(Timestamp((1_896_000_000 + 60 * minutes) * 1_000_000), 0);
    OutputHeader {
        key: MessageKey::parse("IR").unwrap(),
        sender: Ori::parse("ZB0010000").unwrap(),
        received: at(0),
        isn: Number::new(11).unwrap(),
        sent: at(1),
        osn: Number::new(27).unwrap(),
        destination: "ZA0010000",
        control: control.map(|control| Control::parse(control).unwrap()),
    }
}

#[test]
fn the_public_clients_query_is_read() {
    let root = parse(QUERY.as_bytes()).unwrap();
    let text = read(&root, Dictionary::builtin(), Some("ZB")).unwrap();
    let expected = "IQ.ZA0010000.ZB.*8a90397e9d.TXT\r\nNAM/SAMPLE, PERSON A.DOB/19800102.SEX/M";
    assert_eq!(text, expected);
    assert_eq!(marks_of(QUERY.as_bytes()).unwrap(), Marks::new("8a90397e9d", "SAMPLE", "8a90397e9d", "", "TESTER"));
    let without = read(&root, Dictionary::builtin(), None).unwrap_err();
    assert_eq!((without.number, without.detail.as_str()), (ErNumber::Format, "DESTINATION EXPECTED"));
    assert_eq!(without.seen.key.unwrap().as_str(), "IQ");
    assert_eq!(without.seen.sender.unwrap().as_str(), "ZA0010000");
    assert_eq!(without.seen.control.unwrap().as_str(), "8a90397e9d");
}

#[test]
fn a_control_field_ends_at_the_first_other_character() {
    let read = |ctl: &str| translated(&document(&format!("<DST>ZB</DST>{ctl}"), "<TRN><TXT>HELLO</TXT></TRN>"));
    let with = |control: &str| Ok(format!("AM.ZA0010000.ZB.{control}TXT\r\nHELLO"));
    assert_eq!(read("<CTL>T0000001AA</CTL>"), with("*T0000001AA."));
    assert_eq!(read("<CTL>T1-0001.X</CTL>"), with("*T1."));
    assert_eq!(read("<CTL>-</CTL>"), with(""));
    assert_eq!(read("<CTL>-</CTL><ID>A1</ID>"), with("*A1."));
    assert_eq!(read("<ID>A 1</ID>"), with(""), "only a number that can be a control field is taken for one");
    assert_eq!(read("<CTL>AAAAAAAAAAAAAAAAAAAAA</CTL>").unwrap_err().0, 1);
}

#[test]
fn several_destinations_are_read() {
    let text = "<TRN><TXT>HELLO</TXT></TRN>";
    let expected = Ok("AM.ZA0010000.ZB.ZC0010000.QX.TXT\r\nHELLO".to_owned());
    assert_eq!(translated(&document("<DST>ZB</DST><DST>ZC0010000, QX</DST>", text)), expected);
    for bad in ["TXT", "TXTA", "ZB.ZC", "Z-", "ZB\u{e4}"] {
        assert_eq!(translated(&document(&format!("<DST>{bad}</DST>"), text)).unwrap_err().0, 0, "{bad}");
    }
}

#[test]
fn what_is_not_read_is_refused_and_never_passed_over() {
    let refused = |header: &str, rest: &str, detail: &str| {
        assert_eq!(translated(&document(header, rest)), Err((3, detail.to_owned())), "{header} {rest}");
    };
    let (to, text) = ("<DST>ZB</DST>", "<TRN><TXT>A</TXT></TRN>");
    refused(to, "<TRN><TXT>CALL DESK</TXT><TXT>SUBJECT ARMED</TXT></TRN>", "TXT REPEATED");
    refused(to, &format!("{text}{text}"), "TRN REPEATED");
    refused(to, "<TRN><TXT>A<B>ARMED</B>C</TXT></TRN>", "B IS NOT IN THE TABLE OF ELEMENTS");
    refused(to, "<TRN>ARMED<TXT>A</TXT></TRN>", "TEXT WHERE ONLY ELEMENTS CAN STAND");
    refused(to, &format!("ARMED{text}"), "TEXT WHERE ONLY ELEMENTS CAN STAND");
    refused(to, &format!("{text}<OBJ>A</OBJ>"), "OBJ IS NOT IN THE TABLE OF ELEMENTS");
    refused(&format!("{to}<MKE>AML</MKE>"), text, "MKE REPEATED");
    refused(&format!("{to}<CTL>A</CTL><CTL>B</CTL>"), text, "CTL REPEATED");
    refused(&format!("{to}<HDR/>"), &format!("{text}<HDR/>"), "HDR REPEATED");
}

#[test]
fn no_value_becomes_more_than_a_value() {
    let read = |trn: &str| translated(&document("<DST>ZB</DST>", &format!("<TRN>{trn}</TRN>")));
    let refused = |trn: &str, detail: &str| assert_eq!(read(trn), Err((22, detail.to_owned())), "{trn}");
    let form = "CHARACTER";
    refused("<NAM>SAMPLE.DOB/19800102</NAM>", &format!("NAM {form}"));
    refused("<NAM>A&#13;B</NAM>", &format!("NAM {form}"));
    refused("<NAM>A\nB</NAM>", &format!("NAM {form}"));
    refused("<NAM>\u{c4}</NAM>", &format!("NAM {form}"));
    refused("<NAM>A<B/></NAM>", "NAM IS NO FIELD");
    refused("<NAME>A</NAME>", "NAME IS NO FIELD");
    refused("<N1>A</N1>", "N1 IS NO FIELD");
    refused("<x:NAM xmlns:x='urn:x'>A</x:NAM>", "NAM IS NO FIELD");
    assert_eq!(read("<TXT>\u{c4}</TXT>").unwrap_err().0, 0);
    assert_eq!(read("").unwrap_err().0, 3);
    assert_eq!(read("<nam>A</nam>").unwrap(), "AM.ZA0010000.ZB.TXT\r\nNAM/A");
    for (header, number) in [("<MKE>A.M</MKE>", 0), ("<ORI>ZA001</ORI>", 0), ("", 0)] {
        let document = format!("<OFML><HDR>{header}<DST>ZB</DST></HDR><TRN><TXT>A</TXT></TRN></OFML>");
        assert_eq!(translated(&document).unwrap_err().0, number, "{header}");
    }
    assert_eq!(translated("<OFML/>").unwrap_err().0, 0);
}

#[test]
fn an_answer_has_the_marks_of_what_it_answers() {
    let marks = Marks::new("8a90397e9d", "SAMPLE", "REF1", "RQ<R", "TESTER");
    let written = encode(&header(Some("8a90397e9d")), &marks, false, None, b"NO RECORD\r\n\x7fSECOND & LAST\r\n");
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OFML><HDR><ID>8a90397e9d</ID><DAC>SAMPLE</DAC>\
                    <SRC>ZB</SRC><RQR>RQ&lt;R</RQR><DAT>20300130104100</DAT><REF>REF1</REF><USR>TESTER</USR>\
                    <MKE>IR</MKE><ORI>ZB0010000</ORI><DST>ZA0010000</DST><CTL>8a90397e9d</CTL>\
                    <SUM>IN 10:40 01/30/2030 00011 OUT 10:41 01/30/2030 00027</SUM></HDR>\
                    <RSP><TXT>NO RECORD\nSECOND &amp; LAST&#10;</TXT></RSP></OFML>\n";
    assert_eq!(String::from_utf8(written.to_vec()).unwrap(), expected);
}

#[test]
fn without_marks_the_control_field_is_the_id() {
    let written = encode(&header(Some("T1")), &Marks::default(), false, None, b"X");
    assert!(String::from_utf8_lossy(&written).contains("<ID>T1</ID><DAC></DAC>"));
    let written = encode(&header(None), &Marks::default(), false, None, b"X");
    assert!(String::from_utf8_lossy(&written).contains("<ID></ID>"), "the public client needs the element");
}

#[test]
fn a_body_of_fields_is_there_as_elements_and_as_text() {
    let body: &[u8] = b"PUR/C.ATN/SGT TEST ONE.\r\nNAM/SAMPLE, PERSON A. ";
    let written = encode(&header(Some("T1")), &Marks::default(), true, None, b"PUR/C.ATN/SGT TEST ONE.\r\nNAM/ SAMPLE");
    let text = String::from_utf8(written.to_vec()).unwrap();
    assert!(text.contains("<TRN><PUR>C</PUR><ATN>SGT TEST ONE</ATN><NAM>&#32;SAMPLE</NAM></TRN><RSP>"), "{text}");
    let root = parse(&written).unwrap();
    let again = read(&root, Dictionary::builtin(), None).unwrap();
    assert_eq!(again, "IR.ZB0010000.ZA0010000.*T1.TXT\r\nPUR/C.ATN/SGT TEST ONE.NAM/ SAMPLE");
    // What is no field makes all of it text.
    let written = encode(&header(None), &Marks::default(), true, None, body);
    assert!(!String::from_utf8_lossy(&written).contains("<TRN>"));
}

#[test]
fn the_first_line_comes_before_the_body() {
    let written = encode(&header(None), &Marks::default(), false, Some("FIRST"), b"SECOND");
    assert!(String::from_utf8_lossy(&written).contains("<TXT>FIRST\nSECOND</TXT>"));
}

#[test]
fn text_beside_fields_is_never_a_part_of_one() {
    let read = |key: &str, trn: &str| {
        translated(&document("<DST>ZB</DST>", &format!("<TRN>{trn}</TRN>")).replace(">AM<", &format!(">{key}<")))
    };
    let refused = Err((22, "TXT BESIDE FIELDS".to_owned()));
    // A field that nobody listed is carried with whatever is in it: the text would be more of its value.
    assert_eq!(read("IAQ", "<PUR>C</PUR><XYZ>1</XYZ><TXT>CALL DESK</TXT>"), refused);
    assert_eq!(read("IAQ", "<TXT>SEX/F</TXT><PUR>C</PUR>"), refused);
    assert_eq!(read("IAQ", "<PUR>C</PUR><XYZ>1</XYZ><TXT/>").unwrap(), "IAQ.ZA0010000.ZB.TXT\r\nPUR/C.XYZ/1");
    assert_eq!(read("IAQ", "<TXT>PUR/C</TXT>").unwrap(), "IAQ.ZA0010000.ZB.TXT\r\nPUR/C");
    let text = "AM.ZA0010000.ZB.TXT\r\nNAM/SAMPLE.\r\nCALL DESK";
    assert_eq!(read("AM", "<NAM>SAMPLE</NAM><TXT>CALL DESK</TXT>").unwrap(), text);
    assert_eq!(read("AM", "<NAM>A</NAM><TXT>\u{7f}B</TXT>").unwrap(), "AM.ZA0010000.ZB.TXT\r\nNAM/A.\r\n\u{7f}\u{7f}B");
}

#[test]
fn what_is_written_is_ascii_whatever_the_body() {
    let body: Vec<u8> = (0..=u8::MAX).collect();
    let written = encode(&header(None), &Marks::default(), true, None, &body);
    assert!(written.is_ascii() && parse(&written).is_ok());
}

#[test]
fn the_corpus_holds_no_surprise() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/ofml");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = Bytes::from(std::fs::read(entry.unwrap().path()).unwrap());
        fuzz(&bytes);
        for end in 0..bytes.len() {
            fuzz(&bytes[..end]);
        }
        seen += 1;
    }
    assert!(seen >= 6, "{seen} files in {folder}");
    fuzz(QUERY.as_bytes());
}
