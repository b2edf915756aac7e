//! Who may do what: every command by every right, and every message by stations that may not send it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use rand::seq::IndexedRandom as _;
use serde_json::Value;

use crate::PATIENCE;
use crate::binary::orinet;
use crate::effort::{chance, effort, figures, shared};
use crate::net::{Net, STATE, TERMINAL, note};
use crate::process::{Finished, run};

/// The rights of `docs/operators.md`.
const RIGHTS: [&str; 5] = ["look", "route", "letters", "directory", "control"];

/// Every page, what it takes, and the right that it needs, as `docs/operators.md` has them. In an order in which each can be done.
const PAGES: [(&str, &str, &str, &str); 23] = [
    ("GET", "stations", "", "look"),
    ("GET", "links", "", "look"),
    ("GET", "confirmations", "", "look"),
    ("GET", "states", "", "look"),
    ("GET", "letters", "", "look"),
    ("GET", "letters/17", "", "letters"),
    ("GET", "directory", "", "look"),
    ("GET", "directory/ZC0010000", "", "look"),
    ("POST", "explain", "{\"station\": \"ZA0010000\", \"text\": \"AM.ZA0010000.ZC0010000.TXT\\r\\nX\"}", "look"),
    ("POST", "stations/ZC/hold", "", "route"),
    ("POST", "stations/ZC/release", "", "route"),
    ("POST", "stations/ZC/divert", "{\"to\": \"ZB\"}", "route"),
    ("POST", "stations/ZC/undivert", "", "route"),
    ("POST", "stations/ZC/state", "{\"state\": \"store\", \"key\": \"AM\"}", "route"),
    ("POST", "stations/ZC/state", "{\"state\": \"as-configured\", \"key\": \"AM\"}", "route"),
    ("POST", "messages/4711/resend", "{}", "route"),
    ("POST", "letters/17/resend", "{}", "letters"),
    ("POST", "letters/17/discard", "", "letters"),
    ("POST", "directory/ZC0010000/drop", "", "directory"),
    ("POST", "undrain", "", "control"),
    ("POST", "reload", "{}", "control"),
    ("POST", "drain", "{}", "control"),
    ("POST", "undrain", "", "control"),
];

/// The status of a page's answer, and the answer.
fn ask(admin: SocketAddr, method: &str, page: &str, body: &str, token: Option<&str>) -> (u16, String) {
    let mut socket = TcpStream::connect(admin).expect("the admin address");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time that is not zero");
    let bearer = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    write!(
        socket,
        "{method} /api/{page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{bearer}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("the page takes a request");
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status in {text:?}")), text)
}

/// S17.
#[test]
fn every_command_is_for_its_right_alone() {
    let _machine = shared();
    let net = Net::new();
    let file = net.path("network.toml");
    let mut tokens = Vec::new();
    for right in RIGHTS {
        let path = net.path(&format!("{right}.token"));
        let made = run(orinet().args(["ctl", "token", "--name", right, "--rights", right, "--out"]).arg(&path));
        assert_eq!(made.code, Some(0), "{made:#?}");
        let before = fs::read_to_string(&file).expect("the network file");
        fs::write(&file, format!("{before}\n{}", made.stdout)).expect("the network file is written");
        tokens.push((right, fs::read_to_string(path).expect("a token").trim().to_owned()));
    }
    let switch = net.switch();
    let (mut denied, mut allowed) = (0, 0);
    for (method, page, body, needs) in PAGES {
        for (right, token) in &tokens {
            let (status, answer) = ask(switch.admin, method, page, body, Some(token));
            if *right == needs {
                // What is not there, or not to be done now, may still say so: the right is not what is missing.
                assert!(![401, 403].contains(&status), "{right} at {method} {page}: {answer}");
                allowed += 1;
            } else {
                assert_eq!(status, 403, "{right} at {method} {page}: {answer}");
                denied += 1;
            }
        }
        for token in [None, Some("no-such-token")] {
            assert_eq!(ask(switch.admin, method, page, body, token).0, 401, "{method} {page} without a token");
        }
    }
    // The stations' port knows no commands, with a station's certificate or without.
    let mut link = switch.station(TERMINAL);
    let request = format!("POST /api/drain HTTP/1.1\r\nAuthorization: Bearer {}\r\n\r\n", tokens[4].1);
    assert!(link.write(request.as_bytes()).is_err() || link.is_closed_within(PATIENCE), "HTTP over a link");
    assert_eq!(switch.get("/readyz").status, 200);
    switch.stop();
    let told = export(&net)
        .iter()
        .filter(|event| event["result"].as_str().is_some_and(|it| it.contains("has not the right")))
        .count();
    assert_eq!(told, denied, "each denial is in the journal");
    figures(&format!(
        "{} pages by {} rights: {allowed} allowed, {denied} denied, none without a token; {told} denials in the journal",
        PAGES.len(),
        RIGHTS.len()
    ));
}

/// The events of a journal that nobody has open.
pub(crate) fn export(net: &Net) -> Vec<Value> {
    let export: Finished = run(orinet().args(["journal", "--data"]).arg(net.path("data")).arg("export"));
    assert_eq!(export.code, Some(0), "{export:#?}");
    export.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

/// The sample network as a table of its own: station, the agencies that it serves.
const SERVED: [(&str, &[&str]); 4] = [
    // Its own station serves ZA0010000, ahead of the line.
    ("ZA", &["ZA0000050", "ZA0020000", "ZA003015C"]),
    ("ZB", &["ZB0000050", "ZB0010000", "ZB0020000"]),
    ("ZC", &["ZC0000050", "ZC0010000"]),
    ("ZA0010000", &["ZA0010000"]),
];
/// Where each destination leads; none is no destination.
const ADDRESSES: [(&str, Option<&str>); 8] = [
    ("ZA0010000", Some("ZA0010000")),
    ("ZA0020000", Some("ZA")),
    ("ZB0010000", Some("ZB")),
    ("ZC0010000", Some("ZC")),
    ("ZC", Some("ZC")),
    ("QQ", None),
    ("QQ0010000", None),
    ("ZC9999999", None),
];
const KEYS: [&str; 6] = ["AM", "IAR", "ER", "XNR", "XI1", "QQQ"];

/// What must become of it, by the rules of `protocol-specs/wire.md` 2.4, rows 3, 4 and 8, and by the tables above alone.
fn oracle(station: &str, ori: &str, key: &str, to: &str) -> &'static str {
    // None of these stations is the support center or the NCIC stand-in, to which all but AM are left.
    let serves = SERVED.iter().any(|(name, oris)| *name == station && oris.contains(&ori));
    let leads = ADDRESSES.iter().any(|(address, leads)| *address == to && leads.is_some());
    match (key == "AM", serves, leads) {
        (false, ..) | (_, false, _) => "01",
        (true, true, false) => "19",
        (true, true, true) => "accepted",
    }
}

/// S10, over TLS: certificate, agency, key, destination at random beside a table.
#[test]
fn what_a_certificate_may_send_is_what_an_independent_table_says() {
    let _machine = shared();
    let mut random = chance("rights");
    let tuples: u32 = effort(4_000, 10_000);
    let net = Net::new();
    let switch = net.switch();
    let mut links: Vec<_> = SERVED.iter().map(|(name, _)| (*name, switch.station(name))).collect();
    let oris: Vec<&str> = SERVED.iter().flat_map(|(_, oris)| oris.iter().copied()).chain(["QQ0010000"]).collect();
    let (mut accepted, mut refused) = (0, 0);
    for number in 0..tuples {
        let place = number as usize % links.len();
        let (ori, key) = (oris.choose(&mut random).expect("one"), KEYS.choose(&mut random).expect("one"));
        // Half of them AM, or next to nothing would be accepted.
        let key = if number % 2 == 0 { "AM" } else { key };
        let (to, _) = ADDRESSES.choose(&mut random).expect("one");
        let name = links[place].0;
        // Every second AM by an agency that the station serves.
        let own = SERVED.iter().find(|(station, _)| *station == name).and_then(|(_, oris)| oris.choose(&mut random));
        let ori = if number % 4 < 2 { own.expect("one") } else { ori };
        let expected = oracle(name, ori, key, to);
        links[place].1.send(&format!("{key}.{ori}.{to}.*N{number}.TXT\r\nTUPLE {number:06}"));
        let what = || format!("tuple {number}: {name} sends {key} as {ori} to {to}");
        if expected == "accepted" {
            accepted += 1;
            let receiver = ADDRESSES.iter().find(|(address, _)| address == to).and_then(|(_, leads)| *leads);
            let link = links.iter_mut().find(|(name, _)| Some(*name) == receiver).map(|(_, link)| link);
            link.unwrap_or_else(|| panic!("{}", what())).take(&format!("TUPLE {number:06}"));
        } else {
            refused += 1;
            let er = links[place].1.take(&format!("*N{number}\r\n"));
            assert!(
                er.text.starts_with("ER.") && er.text.contains(&format!(".{expected}. ")),
                "{}: {}",
                what(),
                er.text
            );
        }
    }
    switch.stop();
    let events = export(&net);
    let count = |what: &str| events.iter().filter(|event| event["event"] == what).count();
    assert_eq!((count("accepted"), count("refused")), (accepted, refused), "each is in the journal");
    figures(&format!(
        "{tuples} tuples: {accepted} accepted, {refused} refused, all as the table says and all in the journal"
    ));
}

/// S19: a message that was captured is sent again, on its link, on another, after a restart.
#[test]
fn a_message_that_is_replayed_is_acknowledged_counted_and_has_no_effect() {
    let _machine = shared();
    let net = Net::new();
    let text = note("CAPTURED");
    let switch = net.switch();
    let mut state = switch.station(STATE);
    let mut link = switch.station(TERMINAL);
    for attempt in 0..3 {
        link.post_as(77, &text).expect("the link takes it");
        assert_eq!(link.reply(77).expect("a reply").status(), codec::block::Status::OK, "{attempt}");
    }
    let mut other = switch.station(TERMINAL);
    other.post_as(77, &text).expect("the link takes it");
    other.reply(77).expect("a reply");
    switch.await_metric("orinet_messages_repeated_total", 3.0);
    state.take("CAPTURED");
    // The control: with another validation it is another message.
    other.post_as(78, &text).expect("the link takes it");
    other.reply(78).expect("a reply");
    state.take("CAPTURED");
    switch.kill();
    let switch = net.switch();
    let mut link = switch.station(TERMINAL);
    link.post_as(77, &text).expect("the link takes it");
    link.reply(77).expect("a reply");
    switch.await_metric("orinet_messages_repeated_total", 1.0);
    assert_eq!(switch.metrics().sum("orinet_messages_accepted_total"), 0.0);
    // Another station's same number and bytes are not a repeat: they are refused, as it does not serve that agency.
    let mut stranger = switch.station("ZB");
    stranger.post_as(77, &text).expect("the link takes it");
    stranger.reply(77).expect("a reply");
    stranger.take(".01. ");
    switch.kill();
    figures("4 replays on the link, another link and after a restart: acknowledged, counted, none admitted");
}
