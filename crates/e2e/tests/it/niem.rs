//! NIEM XML over real TLS: stations of both forms understand each other, what arrives is well formed for xmllint, what is
//! not taken is answered with an ER in the receiver's own form.

use std::io::Write as _;
use std::process::{Command, Stdio};

use codec::block::{Function, Status};
use codec::dictionary::{Body, Dictionary};
use codec::legacy::{fields, parse_input};
use codec::niem;
use codec::xml;
use jiff::Timestamp;

use crate::net::{Net, Node, TERMINAL};
use crate::station::Station;

/// A network of which the center and the state ZB get NIEM XML.
fn net() -> Net {
    let net = Net::new();
    for station in ["AX", "ZB"] {
        net.change(&format!("name = \"{station}\"\n"), &format!("name = \"{station}\"\nformat = \"niem\"\n"));
    }
    net
}

/// The terminal, which gets text, and the two that get XML.
fn stations(node: &Node) -> (Station, Station, Station) {
    (node.station(TERMINAL), node.station("AX"), node.station("ZB"))
}

/// A document as a NIEM station sends it.
fn document(key: &str, sender: &str, destination: &str, control: &str, data: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<n2:NLETS n2:version=\"4.00\" xmlns:n2=\"http://www.nlets.org/niem/1.0\" \
         xmlns:nh2=\"http://www.nlets.org/niem/nlets-hdr/1.0\">\n<n2:NLETSMessageHeader>\
         <nh2:MessageKeyCodeText>{key}</nh2:MessageKeyCodeText><nh2:OriginatingORIID>{sender}</nh2:OriginatingORIID>\
         <nh2:DestinationORIID>{destination}</nh2:DestinationORIID>\
         <nh2:DocumentControlFieldText><![CDATA[{control}]]></nh2:DocumentControlFieldText></n2:NLETSMessageHeader>\n\
         {data}\n</n2:NLETS>\n"
    )
}

fn mail(destination: &str, control: &str, text: &str) -> String {
    let data = format!(
        "<n2:NLETSMailData n2:key=\"AM\"><n2:MailMessageText><![CDATA[{text}]]></n2:MailMessageText></n2:NLETSMailData>"
    );
    document("AM", "ZB0010000", destination, control, &data)
}

/// Asks xmllint whether a document is well formed.
pub(crate) fn assert_well_formed(document: &str) {
    let mut xmllint = Command::new("xmllint")
        .args(["--noout", "--nonet", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("xmllint is missing ({error}): install the package libxml2-utils"));
    xmllint.stdin.take().expect("a pipe").write_all(document.as_bytes()).expect("xmllint reads");
    let output = xmllint.wait_with_output().expect("xmllint ends");
    assert!(output.status.success(), "{}{document}", String::from_utf8_lossy(&output.stderr));
}

/// What a document that came says, as the legacy text that it stands for: header line and body.
fn legacy(document: &str) -> (String, Vec<u8>) {
    assert_well_formed(document);
    let root = xml::parse(document.as_bytes()).unwrap_or_else(|error| panic!("{error}: {document}"));
    let text = niem::read(&root, Dictionary::builtin()).unwrap_or_else(|fault| panic!("{fault:?}: {document}"));
    let body = parse_input(&text).expect("legacy text").body.expect("a body").to_vec();
    let header = text.get(..text.len() - body.len()).expect("the rest").trim_ascii_end();
    (String::from_utf8_lossy(header).into_owned(), body)
}

fn sorted(body: &[u8]) -> Vec<(String, String)> {
    let mut sorted: Vec<_> = fields(body).flatten().map(|one| (one.prefix.to_owned(), one.value.to_owned())).collect();
    sorted.sort();
    sorted
}

#[test]
fn stations_of_both_forms_understand_each_other() {
    let net = net();
    let node = net.switch();
    let (mut terminal, mut center, mut state) = stations(&node);

    // A legacy inquiry reaches the center as elements, with all its fields.
    let body = "PUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.POB/MM.CUS/Y.OFF/0399.\
                ARN/000000001.ZZQ/Carried & <along>";
    terminal.send(&format!("IAQ.{TERMINAL}.AX.*T0000001AA.TXT\r\n{body}"));
    let inquiry = center.take("NLETSInquiryData").text;
    let (header, read) = legacy(&inquiry);
    assert_eq!(header, format!("IAQ.{TERMINAL}.AX.*T0000001AA.TXT"));
    assert_eq!(sorted(&read), sorted(body.as_bytes()));
    assert!(inquiry.contains("<nc:PersonSurName>SAMPLE</nc:PersonSurName>"), "{inquiry}");

    // The center answers in XML, and the terminal gets text.
    let answer = "<n2:NLETSResponseData n2:key=\"IAR\"><n2:ResponseText><![CDATA[EMULATOR - SYNTHETIC DATA\nNO RECORD <1>]]>\
                  </n2:ResponseText></n2:NLETSResponseData>";
    center.send(&document("IAR", "ZZLESC000", TERMINAL, "T0000001AA", answer));
    let answer = terminal.take("NO RECORD");
    let output = answer.output();
    assert_eq!((output.key.as_str(), output.control.map(|it| it.to_string())), ("IAR", Some("T0000001AA".to_owned())));
    assert_eq!(output.body, b"EMULATOR - SYNTHETIC DATA\r\nNO RECORD <1>");

    // From XML to XML and to text at once.
    state.send(&mail(
        &format!("{TERMINAL}</nh2:DestinationORIID><nh2:DestinationORIID>AX"),
        "T2",
        "TWO & <MORE>\nLINES",
    ));
    assert_eq!(terminal.take("TWO").output().body, b"TWO & <MORE>\r\nLINES");
    let (header, read) = legacy(&center.take("TWO").text);
    assert_eq!((header.as_str(), read.as_slice()), ("AM.ZB0010000.AX.*T2.TXT", b"TWO & <MORE>\r\nLINES".as_slice()));

    // A NIEM station may send text as well.
    state.send(&format!("AM.ZB0010000.{TERMINAL}.TXT\r\nAS TEXT"));
    assert_eq!(terminal.take("AS TEXT").output().body, b"AS TEXT");
    node.stop();
}

#[test]
fn a_confirmation_is_asked_for_and_answered_by_stations_of_both_forms() {
    let net = net();
    let node = net.switch();
    let (mut terminal, _center, mut state) = stations(&node);
    let record = "RTY/WP.RNO/1.PRI/U.OCA/CASE1.NIC/N000000001.";
    let answer = format!("{record}RES/Y.RNA/CPL TEST TWO.RAG/TEST SO");
    terminal.send(&format!(
        "YQ.{TERMINAL}.ZB0010000.*T1.TXT\r\n{record}NAM/SAMPLE, PERSON A.DOB/19800102.RNA/SGT TEST ONE.RAG/TEST PD"
    ));
    let asked = state.take("<nh2:MessageKeyCodeText>YQ<").text;
    assert_well_formed(&asked);
    // How a YR looks in XML, the switch itself shows: what it sent to that station comes back from it.
    terminal.send(&format!("YR.{TERMINAL}.ZB0010000.*T2.TXT\r\n{answer}"));
    let shown = state.take("<nh2:MessageKeyCodeText>YR<").text;
    assert_eq!(sorted(&legacy(&shown).1), sorted(answer.as_bytes()));
    let turned = shown
        .replace(&format!("OriginatingORIID>{TERMINAL}<"), "OriginatingORIID>ZB0010000<")
        .replace("DestinationORIID>ZB0010000<", &format!("DestinationORIID>{TERMINAL}<"))
        .replace("<![CDATA[T2]]>", "<![CDATA[T1]]>");
    state.send(&turned);
    let came = terminal.take("YR.ZB0010000");
    assert_eq!(came.output().control.map(|it| it.to_string()).as_deref(), Some("T1"));
    assert_eq!(sorted(came.output().body), sorted(answer.as_bytes()));
    node.stop();
}

#[test]
fn every_family_reaches_a_niem_station_well_formed_and_with_all_that_it_says() {
    let net = net();
    let node = net.switch();
    let (mut terminal, _center, mut state) = stations(&node);
    let accepted = ["AM", "AML", "SM", "YQ", "YR", "RQ", "DQ", "IQ", "FQ", "AQ", "RR", "DR", "IR", "FR", "AR"];
    for (at, key) in accepted.into_iter().enumerate() {
        let spec = Dictionary::builtin().spec(key.parse().expect("a key")).expect("a spec");
        let example = spec.example.as_ref().and_then(|example| parse_input(example.as_bytes()).ok()?.body);
        let example = example.map(|body| String::from_utf8_lossy(body).into_owned());
        let text = example.unwrap_or_else(|| format!("TEXT OF {key} & <ALL>"));
        let destination = if spec.destinations.line { "ZB" } else { "ZB0010000" };
        terminal.send(&format!("{key}.{TERMINAL}.{destination}.*T{at}.TXT\r\n{text}"));
        let came = state.take(&format!("<nh2:MessageKeyCodeText>{key}<")).text;
        let (header, body) = legacy(&came);
        assert_eq!(header, format!("{key}.{TERMINAL}.{destination}.*T{at}.TXT"));
        if matches!(spec.body, Body::Fields(_)) {
            assert_eq!(sorted(&body), sorted(text.as_bytes()), "{came}");
        } else {
            let body = String::from_utf8_lossy(&body).replace("\r\n", "\n");
            assert!(body.ends_with(&text), "{came}");
        }
    }
    node.stop();
}

#[test]
fn what_is_not_taken_is_answered_with_an_er_in_xml() {
    let net = net();
    let node = net.switch();
    let (mut terminal, _center, mut state) = stations(&node);
    let good = mail(TERMINAL, "T1", "TEXT");
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>\n<n2:NLETS ";
    let nested = format!("{}{}", "<n2:a>".repeat(40), "</n2:a>".repeat(40));
    let refusals = [
        (good.replace("<n2:NLETS ", "<!DOCTYPE n2:NLETS><n2:NLETS "), ".03.", "A DOCTYPE AT BYTE"),
        (good.replace("<n2:NLETS ", bomb).replace("<![CDATA[TEXT]]>", "&c;"), ".03.", "A DOCTYPE AT BYTE"),
        (good.replace("<n2:NLETSMailData", &format!("{nested}<n2:NLETSMailData")), ".03.", "TOO DEEP"),
        (good.replace("</n2:NLETSMailData>", ""), ".03.", "DO NOT MATCH"),
        (good.replace("niem/1.0", "niem/9.9"), ".03.", "THE ROOT ELEMENT IS NEITHER"),
        (good.replace(">AM<", ">AM.ZB0010000.ZC.TXT<"), ".00.", "MESSAGE KEY EXPECTED"),
        (mail("QQ", "T1", "TEXT"), ".19.", "QQ"),
        (mail("ZC0010000.TXT", "T1", "TEXT"), ".00.", "DESTINATION EXPECTED"),
        (mail(TERMINAL, "T1.TXT", "TEXT"), ".01.", "CONTROL FIELD"),
    ];
    for (message, number, detail) in refusals {
        state.send(&message);
        let error = state.take("<nh2:MessageKeyCodeText>ER<").text;
        let (header, body) = legacy(&error);
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(header.starts_with("ER.NL0000000.ZB"), "{header}");
        assert!(body.starts_with(number) && body.contains(detail) && body.contains("ORIGINAL MESSAGE"), "{body}");
    }
    // A message over the limit is turned away by the link, whatever it is; what follows is taken.
    let long = mail(TERMINAL, "T2", &"LONG ".repeat(60_000));
    let validation = state.post(&long);
    // The blocks within the limit are acknowledged.
    let reply = loop {
        let reply = state.reply(validation).expect("a negative ack");
        if reply.function() != Function::Ack {
            break reply;
        }
    };
    assert_eq!((reply.function(), reply.status()), (Function::Nack, Status::TOO_LONG));
    state.send(&mail(TERMINAL, "T3", "STILL HERE"));
    terminal.take("STILL HERE");
    assert!(terminal.take_all().is_empty(), "nothing of what was refused went on");
    node.stop();
}

#[test]
fn the_log_finds_a_message_in_xml_by_its_words_and_shows_it_as_it_left() {
    let net = net();
    let node = net.switch();
    let (mut terminal, _center, mut state) = stations(&node);
    state.send(&mail(TERMINAL, "T1", "YELLOW &amp; GREY WAGON NEAR O'HARE"));
    terminal.take("WAGON");
    let day = |days: i64| {
        let time = Timestamp::now().as_second() - 7 * 3600 + days * 86_400;
        Timestamp::from_second(time).expect("a time").strftime("%Y%m%d").to_string()
    };
    let query = |find: &str| format!("TYP/ALL.BEG/{}.END/{}.FND/{find}", day(-1), day(1));
    terminal.send(&format!("NLQ.{TERMINAL}.NL.*Q1.TXT\r\n{}", query("grey wagon")));
    let list = terminal.take("1 MESSAGE LISTED");
    let line = list.text.lines().find(|line| line.contains(" AM ")).expect("a line for the hit");
    let msn = line.trim_start_matches('\u{7f}').split(' ').next().expect("a number").to_owned();
    terminal.send(&format!("NFQ.{TERMINAL}.NL.*Q2.TXT\r\nMSN/{msn}"));
    let full = terminal.take("AS IT LEFT");
    assert!(full.text.contains("GREY WAGON NEAR O'HARE"), "{}", full.text);
    // Nothing of the envelope is a word of it.
    terminal.send(&format!("NLQ.{TERMINAL}.NL.*Q3.TXT\r\n{}", query("MailMessageText")));
    terminal.take("NOT ON FILE");
    // The sender asks too, and is answered in XML.
    state.send(&format!("NLQ.ZB0010000.NL.*Q4.TXT\r\n{}", query("yellow")));
    let (header, body) = legacy(&state.take("1 MESSAGE LISTED").text);
    assert!(header.starts_with("NLR.NL0000000.ZB0010000.*Q4"), "{header}");
    assert!(String::from_utf8_lossy(&body).contains(" AM "));
    node.stop();
}
