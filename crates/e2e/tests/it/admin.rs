//! The admin page, and that nothing about a person is on it, in a log or in an error.

use std::hash::{BuildHasher as _, RandomState};
use std::process::Stdio;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

use crate::binary::orinet;
use crate::net::{Demo, Net, PEER, STATE, TERMINAL, inquiry, note};
use crate::process::Process;

#[test]
fn a_running_switch_lives_is_ready_and_can_be_scraped() {
    let net = Net::new();
    let switch = net.switch();
    for path in ["/livez", "/readyz"] {
        assert_eq!(switch.get(path).status, 200, "{path}");
    }
    assert_eq!(switch.get("/nothing").status, 404);
    let scrape = switch.get("/metrics");
    assert_eq!(scrape.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
}

#[test]
fn metrics_count_what_happened() {
    let net = Net::new();
    let switch = net.switch();
    assert_eq!(switch.metrics().sum("orinet_messages_accepted_total"), 0.0);
    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station(STATE));
    // A station that is not attached yet would be away, and the sender told so.
    switch.await_metric("orinet_links{station=\"ZC\"}", 1.0);
    for text in ["ONE", "TWO", "THREE"] {
        terminal.send(&note(text));
        state.take(text);
    }
    terminal.send(&format!("QQQ.{TERMINAL}.{PEER}.TXT\r\nNO SUCH KEY"));
    terminal.take(".01. ");
    let again = terminal.post(&note("AGAIN"));
    terminal.reply(again).unwrap();
    terminal.post_as(again, &note("AGAIN")).unwrap();
    terminal.reply(again).unwrap();

    for (series, value) in [
        ("orinet_messages_accepted_total{key=\"AM\"}", 4.0),
        ("orinet_messages_refused_total{key=\"none\",number=\"01\"}", 1.0),
        ("orinet_messages_repeated_total", 1.0),
        ("orinet_copies_queued_total{station=\"ZC\"}", 4.0),
        ("orinet_copies_sent_total{station=\"ZC\"}", 4.0),
        ("orinet_copies_delivered_total{station=\"ZC\"}", 4.0),
        ("orinet_copies_unqueued_total{station=\"ZC\"}", 4.0),
        ("orinet_links{station=\"ZC\"}", 1.0),
        ("orinet_links{station=\"ZA0010000\"}", 1.0),
        ("orinet_store_full", 0.0),
        // Four notes and the ER.
        ("orinet_delivery_seconds_count", 5.0),
    ] {
        // The last copies are acknowledged soon, not at once.
        switch.await_metric(series, value);
        state.take_all();
        terminal.take_all();
    }
    let metrics = switch.metrics();
    assert!(metrics.value("orinet_revocations_until_timestamp_seconds") > Some(1.0e9));
    assert!(metrics.sum("orinet_messages_received_bytes_total") > 100.0);
    assert_eq!(metrics.sum("orinet_build_info"), 1.0);
    let other: Vec<&str> =
        metrics.names().filter(|name| !name.starts_with("orinet_") && !name.starts_with("process_")).collect();
    assert_eq!(other, [""; 0]);
}

/// A surname and a date that no record, name or number of the sample network has.
struct Canary {
    surname: String,
    born: String,
    text: String,
}

impl Canary {
    #[expect(clippy::print_stderr, reason = "a failure must be reproducible")]
    fn new() -> Self {
        let given = std::env::var("E2E_SEED").ok().map(|seed| seed.parse().expect("E2E_SEED is a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one("canary"));
        eprintln!("E2E_SEED={seed}");
        let mut random = Pcg64::seed_from_u64(seed);
        let mut letters = |count| -> String { (0..count).map(|_| random.random_range('A'..='Z')).collect() };
        let (surname, text) = (format!("QX{}", letters(12)), format!("QZ{}", letters(12)));
        let (month, day) = (random.random_range(1..=12), random.random_range(10..=28));
        Self { surname, born: format!("1949{month:02}{day:02}"), text }
    }

    fn assert_not_in(&self, what: &str, text: &str) {
        for canary in [&self.surname, &self.born, &self.text] {
            assert!(!text.contains(canary.as_str()), "{canary} is in {what}");
        }
    }
}

#[test]
fn nothing_about_a_person_gets_into_logs_or_metrics() {
    let canary = Canary::new();
    let demo = Demo::start_with(&["--log", "trace"]);
    let mut terminal = demo.station(TERMINAL);
    let name = format!("{}, PERSON", canary.surname);
    let person = [("NAM", name.as_str()), ("DOB", canary.born.as_str())];
    // Accepted and answered.
    terminal.send(&inquiry("CANARY1", &person));
    for _ in 0..2 {
        assert!(terminal.take("*CANARY1\r\n").text.contains("IAR."), "an answer");
    }
    // Refused for each kind of reason: a body, a header, bytes that are not allowed, no sense at all.
    let wrong = [
        inquiry("CANARY2", &[("NAM", &name), ("DOB", &format!("{}9", canary.born))]),
        inquiry("CANARY3", &[("NAM", &name), ("SEX", &canary.surname)]),
        inquiry("CANARY4", &person).replace(".AX.", ".QX."),
        format!("AM.{TERMINAL}.{PEER}.TXT\r\n{}\u{1}", canary.text),
        format!("{}.{}.{}", canary.surname, canary.text, canary.born),
        inquiry(&canary.text, &person).replace("IAQ.", "IAZ."),
    ];
    for message in &wrong {
        terminal.send(message);
        terminal.take("ER.");
    }
    // In free text, held for a station that is away, and delivered.
    terminal.send(&note(&canary.text));
    demo.station(STATE).take(&canary.text);
    // And a link that ends in the middle of a message.
    terminal.request_status().unwrap();
    drop(terminal);

    let scrape = demo.get("/metrics").body;
    canary.assert_not_in("/metrics", &scrape);
    let finished = demo.interrupt();
    canary.assert_not_in("standard output", &finished.stdout);
    canary.assert_not_in("the log", &finished.stderr);
    // The log was there to be looked at.
    for line in ["a message was accepted", "a message was refused", "a copy was sent"] {
        assert!(finished.stderr.contains(line), "{line:?} was not logged:\n{}", finished.stderr);
    }
}

#[test]
fn nothing_about_a_person_gets_into_the_error_output_of_send() {
    let canary = Canary::new();
    let net = Net::new();
    let switch = net.switch();
    let mut command = orinet();
    command.args(["send", "--timeout", "1", "--station", TERMINAL, "--link", &switch.links.to_string(), "--pki"]);
    let mut process = Process::start(command.arg(net.pki()).stdin(Stdio::piped()));
    let person = inquiry("CANARY5", &[("NAM", &format!("{}, A", canary.surname)), ("DOB", &canary.born)]);
    process.feed(format!("{person}\n---\n{}\n", canary.text).as_bytes());
    let finished = process.end(crate::PATIENCE);
    assert_eq!(finished.code, Some(2), "{finished:#?}");
    canary.assert_not_in("standard error", &finished.stderr);
    canary.assert_not_in("the log of the switch", &switch.stop().stderr);
}
