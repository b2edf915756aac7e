//! `orinet send` as a test client: forms, tables, JSON, expectations and exit codes.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::PATIENCE;
use crate::net::{Demo, Net, PEER, STATE, TERMINAL, known, note};
use crate::process::{Finished, Process, Stream, run};
use crate::send::{fed, send};

#[test]
fn a_form_is_sent_and_answered_and_the_answers_are_objects() {
    let demo = Demo::start();
    let known = known(&demo.path(""));
    let query = known["exact"]["query"].as_object().unwrap();
    let mut command = send(&demo, &demo.path("pki"), TERMINAL);
    command.args(["--json", "--form", "IAQ", "PUR=C", "Attention=SGT TEST ONE", "PHN=5555550100", "CUS=Y", "OFF=0399"]);
    command.args(query.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())));
    let finished = run(&mut command);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
    let [message] = objects(&finished).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!(
        (&message["kind"], &message["key"], &message["outcome"]),
        (&"message".into(), &"IAQ".into(), &"answered".into())
    );
    assert_eq!(message["to"], serde_json::json!(["AX"]), "where inquiries go");
    let control = message["control"].as_str().unwrap();
    assert_eq!(control.len(), 10, "{control}");
    assert_eq!(field(&message["query"], "NAM"), query["NAM"].as_str());
    let answers = message["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 2);
    for answer in answers {
        assert_eq!(
            (&answer["kind"], &answer["key"], &answer["control"]),
            (&"answer".into(), &"IAR".into(), &control.into())
        );
        assert_eq!(field(&answer["fields"], "NAM"), query["NAM"].as_str(), "{answer}");
    }
    let finds = known["exact"]["finds"].as_str().unwrap();
    assert!(
        answers[1]["body"].as_str().unwrap().contains(finds) && !answers[0]["text"].as_str().unwrap().contains(finds)
    );
    let times = ["acknowledged_ms", "ended_ms"].map(|name| message[name].as_f64().unwrap());
    assert!(times[0] > 0.0 && times[1] > 0.0, "{times:?}");
    assert!(message["sent"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_form_that_would_be_refused_is_not_sent() {
    let net = Net::new();
    let switch = net.switch();
    let form = |words: &[&str]| run(send(&switch, &net.pki(), TERMINAL).arg("--form").args(words));
    let finished = form(&["IAQ", "NAM=SAMPLE, PERSON A", "SEX=M"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(65), ""));
    assert!(
        finished.stderr.contains("missing") && finished.stderr.contains("DOB (Date of birth)"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stderr.contains("SAMPLE"), "no person in an error: {}", finished.stderr);
    assert_eq!(form(&["AM", "TEXT=A"]).code, Some(65), "nobody to send it to");
    assert_eq!(form(&["A"]).code, Some(64), "no key at all");
    assert_eq!(switch.metrics().sum("orinet_links_closed_total"), 0.0, "there was no call");
    // The same is what the switch says if it gets it.
    let mut unchecked = send(&switch, &net.pki(), TERMINAL);
    let finished = run(unchecked.args(["--unchecked", "--form", "IAQ", "NAM=SAMPLE, PERSON A", "SEX=M"]));
    assert_eq!(finished.code, Some(2), "{finished:#?}");
    assert!(finished.stdout.contains(".14. ") && finished.stdout.contains("DOB"), "{}", finished.stdout);
}

#[test]
fn a_table_is_sent_row_by_row_or_not_at_all() {
    let net = Net::new();
    let switch = net.switch();
    let mut state = switch.station(STATE);
    let table = net.path("table.csv");
    let mut rows = "TO,TEXT\n".to_owned();
    for number in 1..=40 {
        rows += &format!("{PEER},\"ROW {number:02}, OF MANY\"\n");
    }
    fs::write(&table, &rows).unwrap();
    let csv = || {
        let mut command = send(&switch, &net.pki(), TERMINAL);
        command.args(["--json", "--form", "AM", "--csv"]);
        command
    };
    let finished = run(csv().arg(&table));
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
    let objects = objects(&finished);
    assert_eq!(objects.len(), 40);
    assert!(objects.iter().all(|object| object["outcome"] == "acknowledged"), "{objects:?}");
    for number in 1..=40 {
        let mark = format!("ROW {number:02}, OF MANY");
        assert_eq!(state.take(&mark).output().body, mark.as_bytes());
    }
    // One bad row, and none of them goes.
    let finished = fed(csv().arg("-"), &(rows + "NOWHERE,BAD\n"));
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(65), ""));
    assert!(finished.stderr.contains("line 42: TO: AM goes to"), "{}", finished.stderr);
    assert_eq!(state.take_all().len(), 0);
}

#[test]
fn what_is_expected_decides() {
    let net = Net::new();
    let switch = net.switch();
    let refused = format!("QQQ.{TERMINAL}.{STATE}.*EXPECTED1.TXT\nNO SUCH KEY\n");
    let expecting = |words: &[&str]| {
        let mut command = send(&switch, &net.pki(), TERMINAL);
        fed(command.args(words), &refused)
    };
    // A refusal is no failure where it is what was wanted.
    let finished = expecting(&["--expect", "ER:.01."]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
    assert!(finished.stdout.contains("ok expected ER:.01.\n"), "{}", finished.stdout);
    let finished = expecting(&["--expect", "ER:.14.", "--within", "300ms"]);
    assert_eq!(finished.code, Some(4), "{finished:#?}");
    assert!(finished.stdout.contains("!! expected ER:.14., which did not come\n"), "{}", finished.stdout);
    assert_eq!(expecting(&["--expect", "ER", "--expect", "ER", "--within", "300ms"]).code, Some(4), "only one came");
    assert_eq!(expecting(&["--expect-none", "--within", "5s"]).code, Some(4), "something came");
    assert_eq!(expecting(&["--expect-none=AM", "--within", "1500ms"]).code, Some(0));
    let finished = expecting(&["--json", "--expect", "ER", "--expect-none=SM", "--within", "1500ms"]);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    let said: Vec<_> = objects(&finished).into_iter().filter(|object| object["kind"] == "expectation").collect();
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|object| object["holds"] == true), "{said:?}");
    assert_eq!((&said[0]["pattern"], &said[1]["expected"]), (&"ER".into(), &false.into()));
}

#[test]
fn one_client_waits_for_what_another_sends() {
    let net = Net::new();
    let switch = net.switch();
    let mut command = send(&switch, &net.pki(), STATE);
    command.args(["--listen", "--expect", "AM:FOR THE LISTENER", "--within", "20s"]);
    let listener = Process::start(&mut command);
    switch.await_metric(&format!("orinet_links{{station=\"{STATE}\"}}"), 1.0);
    assert_eq!(fed(&mut send(&switch, &net.pki(), TERMINAL), &note("FOR THE LISTENER")).code, Some(0));
    let finished = listener.end(PATIENCE);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
    // It was taken: nobody else gets it.
    let mut silent = send(&switch, &net.pki(), STATE);
    let finished = run(silent.args(["--listen", "--expect-none", "--within", "500ms"]));
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert_eq!(run(send(&switch, &net.pki(), STATE).arg("--listen")).code, Some(64), "for what?");
}

#[test]
fn a_help_file_is_shown_as_the_answer() {
    let net = Net::new();
    let switch = net.switch();
    let mut command = send(&switch, &net.pki(), TERMINAL);
    let finished = run(command.args(["--form", "AM", "TO=NLNLEHELP", "TEXT=HELP"]));
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert!(finished.stdout.contains("<- 1  answer 1 of 1"), "{}", finished.stdout);
    assert!(finished.stdout.contains("NO NLE HELP INFORMATION AVAILABLE FOR THIS USER"), "{}", finished.stdout);
}

#[test]
fn what_another_station_sends_cannot_act_on_the_terminal_or_break_a_line() {
    let net = Net::new();
    let switch = net.switch();
    let mut state = switch.station(STATE);
    state.send(&format!("AM.{PEER}.{TERMINAL}.TXT\r\nMESSAGE <- 1  answer\r\n\x7fTWO\tTABS"));
    let mut command = send(&switch, &net.pki(), TERMINAL);
    let process = Process::start(command.args(["--json", "--listen", "--expect", "AM:TABS"]).stdin(Stdio::null()));
    process.line(Stream::Out, "\"kind\":\"expectation\"");
    let finished = process.end(PATIENCE);
    let objects = objects(&finished);
    assert_eq!((finished.code, objects.len()), (Some(0), 2), "{}", finished.stdout);
    assert_eq!(objects[0]["body"], "MESSAGE <- 1  answer\nTWO\tTABS");
    assert!(finished.stdout.chars().all(|one| one == '\n' || !one.is_control()), "{:?}", finished.stdout);
}

/// The lines of standard output.
fn objects(finished: &Finished) -> Vec<Value> {
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    finished.stdout.lines().map(read).collect()
}

/// The value of a field among `{name, value}` objects.
fn field<'a>(fields: &'a Value, name: &str) -> Option<&'a str> {
    fields.as_array()?.iter().find(|field| field["name"] == name)?["value"].as_str()
}
