//! Foxtalk and OFML over real TLS, with a client that behaves as the public one does (`protocol-specs/wire.md` 1.2).

mod client;

use codec::dictionary::Dictionary;
use codec::legacy::parse_input;
use codec::xml;

use crate::binary::checkout;
use crate::ctl::staffed;
use crate::net::{Net, Node, PEER, STATE, TERMINAL};
use crate::niem::assert_well_formed;
use crate::process::Stream;
use crate::replay::sentences;
use client::{Client, Frame, query, tag, text_of};

/// A network whose terminal is a client that speaks OFML; what names no destination goes to ZB.
fn network() -> Net {
    let net = Net::new();
    net.change("links = \"127.0.0.1:0\"", "links = \"127.0.0.1:0\"\nfox = \"127.0.0.1:0\"");
    net.change("name = \"ZA0010000\"\noris", "name = \"ZA0010000\"\nformat = \"ofml\"\ndestination = \"ZB\"\noris");
    net
}

fn client(net: &Net, switch: &Node) -> Client {
    let line = switch.process.line(Stream::Err, "Foxtalk links are accepted");
    Client::connect(crate::net::address(&line, "fox"), &net.pki(), TERMINAL)
}

const PERSON: &str = "<PUR>C</PUR><ATN>SGT TEST ONE</ATN><NAM>SAMPLE, PERSON A</NAM><DOB>19800102</DOB><SEX>M</SEX>";

#[test]
fn a_query_in_ofml_is_answered_and_the_public_client_finds_its_question() {
    let net = network();
    let switch = net.switch();
    let mut state = switch.station("ZB");
    let mut client = client(&net, &switch);
    assert_eq!(client.in_force, (1, 1, 65_000, 20, 40, 'N', "B64".to_owned(), "LF  ".to_owned()));

    // Neither DST nor CTL, as the public client has it.
    client.send(&query("8a90397e9d", "", "IQ", PERSON));
    let asked = state.take("SAMPLE, PERSON A");
    let output = asked.output();
    assert_eq!((output.key.as_str(), output.sender.as_str(), output.destination), ("IQ", TERMINAL, "ZB"));
    assert_eq!(output.control.expect("the client's number").as_str(), "8a90397e9d");
    assert_eq!(output.body, b"PUR/C.ATN/SGT TEST ONE.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M");

    state.send("IR.ZB0010000.ZA0010000.*8a90397e9d.TXT\r\nEMULATOR - SYNTHETIC DATA\r\nNO RECORD <&>");
    let answer = client.take("NO RECORD");
    for (name, value) in [
        ("ID", "8a90397e9d"),
        ("DAC", "SAMPLE"),
        ("REF", "8a90397e9d"),
        ("USR", "TESTER"),
        ("SRC", "ZB"),
        ("MKE", "IR"),
        ("ORI", "ZB0010000"),
        ("DST", TERMINAL),
        ("CTL", "8a90397e9d"),
    ] {
        assert_eq!(tag(&answer, name), value, "{answer}");
    }
    assert_eq!(text_of(&answer), "EMULATOR - SYNTHETIC DATA\nNO RECORD &lt;&amp;&gt;");
    switch.stop();
}

#[test]
fn a_refused_query_gets_its_er_under_its_number() {
    let net = network();
    let switch = net.switch();
    let mut client = client(&net, &switch);
    client.send(&query("8a90397e9d", "<DST>ZC0010000</DST>", "ZZZ", PERSON));
    let refusal = client.take("ORIGINAL MESSAGE");
    assert_eq!((tag(&refusal, "ID"), tag(&refusal, "MKE"), tag(&refusal, "SRC")), ("8a90397e9d", "ER", "NL"));
    assert!(text_of(&refusal).starts_with(".01. INVALID HEADER INFORMATION - MESSAGE KEY UNKNOWN"), "{refusal}");
    client.send("<!DOCTYPE x><OFML/>");
    assert!(text_of(&client.take(".03.")).contains("DOCTYPE"));
    client.send(&query("8a90397e9e", "<DST>ZB</DST>", "IQ", "<NAM>A.B</NAM>"));
    assert!(text_of(&client.take("8a90397e9e")).contains("NAM"));
    switch.stop();
}

#[test]
fn a_heartbeat_is_echoed_and_what_is_not_spoken_is_refused_in_text() {
    let net = network();
    let switch = net.switch();
    let mut client = client(&net, &switch);
    client.write(b'H', 0x0A0B, true, b"");
    assert_eq!(client.next(b'H'), Frame { kind: b'H', exchange: 0x0A0B, payload: Vec::new() });
    for kind in *b"EIK" {
        client.write(kind, 77, true, b"x");
        let refusal = client.next(b'N');
        assert_eq!(refusal.exchange, 77);
        assert!(String::from_utf8_lossy(&refusal.payload).starts_with("0044 "), "{refusal:?}");
    }
    client.write(b'C', 78, true, b"short");
    assert!(String::from_utf8_lossy(&client.next(b'N').payload).contains("CONNECT"));
    // Four times 65 kB are more than a message may have.
    for last in [false, false, false, false, true] {
        client.write(b'M', 79, last, &[b'x'; 64_000]);
    }
    let refusal = client.next(b'N');
    assert_eq!((refusal.exchange, &refusal.payload[..]), (79, &b"0014 THE MESSAGE IS TOO LONG"[..]));
    client.write(b'H', 80, true, b"");
    assert_eq!(client.next(b'H').exchange, 80, "the link lives");
    switch.stop();
}

/// Sentences of a session that nothing here leads to, and why.
const NOT_SAID: &[(&str, &str)] = &[("NOT TAKEN", "for a refusal of another kind than the switch has")];

#[test]
fn every_sentence_of_a_sessions_refusal_is_said_over_tls() {
    let net = network();
    net.change("[pki]", "[limits]\nconfirmations_of_pair_max = 1\n\n[pki]");
    let (switch, chief, _) = staffed(&net);
    let mut client = client(&net, &switch);
    let mut said = Vec::new();
    let ask = |number: u16| {
        let fields = "<RTY>WP</RTY><RNO>1</RNO><PRI>R</PRI><NIC>NONE</NIC><NAM>SAMPLE, PERSON A</NAM><DOB>19800102</DOB>\
                      <RNA>SGT TEST ONE</RNA><RAG>TEST PD</RAG>";
        query(&format!("T{number}"), &format!("<DST>{PEER}</DST>"), "YQ", &format!("<OCA>CASE{number}</OCA>{fields}"))
    };
    client.send(&ask(1));
    let mut refused = |client: &mut Client, kind: u8, payload: &[u8]| {
        client.write(kind, 500 + u16::from(kind), true, payload);
        let refusal = client.next(b'N');
        assert_eq!(refusal.exchange, 500 + u16::from(kind), "the nack echoes the number");
        said.push(String::from_utf8(refusal.payload).expect("a refusal is text"));
    };
    refused(&mut client, b'M', ask(2).as_bytes());
    for kind in *b"KZ" {
        refused(&mut client, kind, b"x");
    }
    refused(&mut client, b'C', b"short");
    // Parts of a message are not answered before its end.
    (0..4).for_each(|_| client.write(b'M', 500 + u16::from(b'M'), false, &[b'x'; 64_000]));
    refused(&mut client, b'M', &[b'x'; 64_000]);
    chief.does(&["drain"]);
    refused(&mut client, b'M', ask(3).as_bytes());
    let source = "session/src/session/fox.rs";
    let sentences = sentences::capitals(&checkout("crates"), source);
    assert!(sentences.len() >= 6, "the source is read: {sentences:?}");
    let known = |text: &String| NOT_SAID.iter().any(|(other, _)| other == text) || text == "LF  ";
    for text in sentences.iter().filter(|text| !known(text)) {
        assert!(said.iter().any(|one| one.ends_with(text)), "{text:?} of {source} is not said: {said:?}");
    }
    let status =
        |text: &str| said.iter().find(|one| one.ends_with(text)).and_then(|one| one.get(..4)).unwrap_or_default();
    assert_eq!(status("CANNOT BE STORED NOW, SEND AGAIN"), "0012");
    assert_eq!(status("TOO MANY UNACKNOWLEDGED, SEND AGAIN LATER"), "0013");
    switch.stop();
}

#[test]
fn messages_of_several_frames_travel_both_ways() {
    let net = network();
    let switch = net.switch();
    let mut state = switch.station(STATE);
    let mut client = client(&net, &switch);
    let long = |mark: &str| format!("{mark} {}", "0123456789 ".repeat(9_000));

    let document = query("LONG1", &format!("<DST>{PEER}</DST>"), "AM", &format!("<TXT>{}</TXT>", long("TO STATE")));
    let pieces: Vec<&[u8]> = document.as_bytes().chunks(30_000).collect();
    let (last, before) = pieces.split_last().expect("four of them");
    before.iter().for_each(|piece| client.write(b'M', 500, false, piece));
    client.write(b'M', 500, true, last);
    assert_eq!(client.next(b'A').exchange, 500, "one ack for all");
    assert_eq!(state.take("TO STATE").output().body, long("TO STATE").trim_end().as_bytes());

    for number in 1..=2 {
        state.send(&format!("AM.{PEER}.{TERMINAL}.TXT\r\n{}", long(&format!("TO CLIENT {number}"))));
        let answer = client.take(&format!("TO CLIENT {number}"));
        assert!(text_of(&answer).starts_with(long(&format!("TO CLIENT {number}")).trim_end()), "it is whole");
        assert_eq!(client.frames, 4 * number, "frames of at most 32 KiB");
    }
    switch.stop();
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let net = network();
    let switch = net.switch();
    let mut first = client(&net, &switch);
    let note = |id: &str| query(id, &format!("<DST>{PEER}</DST>"), "AM", "<TXT>KEPT OVER THE KILL</TXT>");
    first.send(&note("KEPT1"));
    let told = first.take("WILL FORWARD");
    assert_eq!((tag(&told, "MKE"), tag(&told, "ID")), ("SM", "KEPT1"), "the receiver is away");
    drop(first);
    switch.await_metric("orinet_links{station=\"ZA0010000\"}", 0.0);
    // The client is away now: what is for it waits.
    switch.station("ZB").send(&format!("AM.ZB0010000.{TERMINAL}.*KEPT1.TXT\r\nWAITED FOR THE CLIENT"));
    switch.kill();

    let switch = net.switch();
    let mut state = switch.station(STATE);
    assert_eq!(state.take("KEPT OVER THE KILL").output().control.expect("a mark").as_str(), "KEPT1");
    let mut again = client(&net, &switch);
    let answer = again.take("WAITED FOR THE CLIENT");
    assert_eq!((tag(&answer, "ID"), tag(&answer, "DAC")), ("KEPT1", "SAMPLE"), "the marks were kept too");
    switch.stop();
}

#[test]
fn a_message_is_known_again_on_its_link_and_only_there() {
    let net = network();
    let switch = net.switch();
    let mut state = switch.station(STATE);
    let document = query("SAME1", &format!("<DST>{PEER}</DST>"), "AM", "<TXT>ONCE ON A LINK</TXT>");
    let mut first = client(&net, &switch);
    for _ in 0..3 {
        first.write(b'M', 9, true, document.as_bytes());
        assert_eq!(first.next(b'A').exchange, 9, "acknowledged each time");
    }
    state.take("ONCE ON A LINK");
    assert_eq!(state.take_all().len(), 0, "and admitted once");
    drop(first);
    // A client that was started anew counts from the beginning: this is another message.
    let mut second = client(&net, &switch);
    second.write(b'M', 9, true, document.as_bytes());
    assert_eq!(second.next(b'A').exchange, 9);
    state.take("ONCE ON A LINK");
    switch.stop();
}

#[test]
fn every_family_reaches_an_ofml_station_well_formed_and_with_all_that_it_says() {
    let net = Net::new();
    net.change("name = \"ZB\"\n", "name = \"ZB\"\nformat = \"ofml\"\n");
    let switch = net.switch();
    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station("ZB"));
    let keys = ["AM", "AML", "SM", "YQ", "YR", "RQ", "DQ", "IQ", "FQ", "AQ", "RR", "DR", "IR", "FR", "AR"];
    for (at, key) in keys.into_iter().enumerate() {
        let spec = Dictionary::builtin().spec(key.parse().expect("a key")).expect("a spec");
        let example = spec.example.as_ref().and_then(|example| parse_input(example.as_bytes()).ok()?.body);
        let example = example.map(|body| String::from_utf8_lossy(body).into_owned());
        let text = example.unwrap_or_else(|| format!("TEXT OF {key} & <ALL>"));
        let destination = if spec.destinations.line { "ZB" } else { "ZB0010000" };
        terminal.send(&format!("{key}.{TERMINAL}.{destination}.*T{at}.TXT\r\n{text}"));
        let came = state.take(&format!("<MKE>{key}<")).text;
        assert_well_formed(&came);
        assert_eq!((tag(&came, "DST"), tag(&came, "CTL")), (destination, format!("T{at}").as_str()), "{came}");
        let read = xml::parse(came.as_bytes()).unwrap_or_else(|error| panic!("{error}: {came}"));
        let said = read.child("", "RSP").and_then(|rsp| rsp.child("", "TXT")).expect("a text").text();
        assert!(said.replace('\r', "").ends_with(&text.replace('\r', "")), "{text:?} is not the end of {said:?}");
    }
    // What is refused comes back in the same form.
    state.send(
        &query("X1", "<DST>QQ</DST>", "AM", "<TXT>TO NOBODY &amp; &lt;NOWHERE&gt;</TXT>")
            .replace("ZA0010000", "ZB0010000"),
    );
    assert_well_formed(&state.take("<MKE>ER<").text);
    switch.stop();
}

#[test]
fn a_station_may_speak_ofml_over_blocks_and_get_legacy_text_over_frames() {
    let net = network();
    net.change("name = \"ZC\"\n", "name = \"ZC\"\nformat = \"ofml\"\n");
    let switch = net.switch();
    let mut client = client(&net, &switch);
    let mut state = switch.station(STATE);
    client.send(&query("MIX1", &format!("<DST>{PEER}</DST>"), "AM", "<TXT>TO OFML OVER BLOCKS</TXT>"));
    let message = state.take("TO OFML OVER BLOCKS");
    assert_eq!((tag(&message.text, "MKE"), tag(&message.text, "CTL")), ("AM", "MIX1"));
    // And legacy text in a frame is a message like any other.
    client.send(&format!("AM.{TERMINAL}.ZB0010000.*MIX2.TXT\r\nLEGACY IN A FRAME"));
    assert_eq!(switch.station("ZB").take("LEGACY IN A FRAME").output().control.expect("a mark").as_str(), "MIX2");
    switch.stop();
}
