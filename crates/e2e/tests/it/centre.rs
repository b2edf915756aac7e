//! `orinet centre`: what a technician does there reaches agencies and field offices over a real switch, once.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::binary::orinet;
use crate::net::{Net, Node, TERMINAL};
use crate::process::{Finished, run};
use crate::stand_in::{command, kill, start};

fn centre(net: &Net, words: &[&str]) -> Command {
    let mut command = orinet();
    command.arg("centre").args(words).arg("--duties").arg(net.path("duties"));
    command
}

/// Runs a command that must succeed and returns what it said.
fn done(net: &Net, words: &[&str]) -> String {
    let finished = run(&mut centre(net, words));
    assert_eq!(finished.code, Some(0), "{words:?}: {finished:#?}");
    finished.stdout
}

fn denied(net: &Net, words: &[&str]) -> Finished {
    let finished = run(&mut centre(net, words));
    assert_eq!(finished.code, Some(1), "{words:?}: {finished:#?}");
    finished
}

fn send(net: &Net, switch: &Node) -> String {
    let links = switch.links.to_string();
    let pki = net.pki();
    done(net, &["send", "--station", "AX", "--link", &links, "--pki", pki.to_str().expect("a path is text")])
}

const SUBJECT: [&str; 19] = [
    "detainer",
    "propose",
    "--query",
    "E0000000001",
    "--requester",
    TERMINAL,
    "--office",
    "ZZICE0100",
    "--wanted",
    "N000000001",
    "--name",
    "SAMPLE, PERSON A",
    "--born",
    "19800102",
    "--sex",
    "M",
    "--citizenship",
    "MM",
    "--alien-number=900000001",
];

#[test]
fn a_detainer_is_lodged_by_a_named_technician_and_told_once_to_both() {
    let net = Net::new();
    let switch = net.switch();
    let (mut terminal, mut office) = (switch.station(TERMINAL), switch.station("IC"));
    let custody = [SUBJECT.as_slice(), &["--custody"]].concat();
    // Who is not in custody, or asked about for a firearm, is none for a detainer.
    assert!(denied(&net, &SUBJECT).stderr.contains("not in custody"));
    assert!(denied(&net, &[custody.as_slice(), &["--firearms"]].concat()).stderr.contains("status alone"));
    assert!(done(&net, &custody).starts_with("1 proposed"));
    // A proposal says nothing to anybody, and nobody without a name lodges it.
    assert!(send(&net, &switch).starts_with("0 sent"));
    let nameless = run(&mut centre(&net, &["detainer", "lodge", "1", "--basis", "final-order"]));
    assert_ne!(nameless.code, Some(0), "{nameless:#?}");
    let lodge = ["detainer", "lodge", "1", "--basis", "final-order", "--as", "SAMPLE T"];
    assert!(done(&net, &lodge).starts_with("1 lodged by SAMPLE T"));
    assert!(denied(&net, &lodge).stderr.contains("another step: lodged"));
    assert!(send(&net, &switch).starts_with("2 sent, 0 refused for good, 0 waiting"));
    assert!(send(&net, &switch).starts_with("0 sent"));
    let form = terminal.take("SYNTHETIC DETAINER NOTICE - EMULATOR").text.replace('\x7f', "");
    assert!(form.starts_with("AM.ZZLESC000\r\n") && form.contains("EMULATOR - SYNTHETIC DATA\r\n"), "{form}");
    assert!(form.contains("PROBABLE CAUSE: A FINAL ORDER OF REMOVAL\r\n") && form.contains("FROM/ZZICE0100"), "{form}");
    assert!(office.take("DETAINER D000000001 LODGED").text.contains("HELD BY/ZA0010000"));
    assert!(
        done(&net, &["detainer", "lift", "1", "--reason", "U", "--as", "SAMPLE T"]).contains("United States Citizen")
    );
    assert!(send(&net, &switch).starts_with("2 sent"));
    assert!(terminal.take("DETAINER D000000001 LIFTED").text.contains("UNITED STATES CITIZEN INTERVIEWED"));
    office.take("DETAINER D000000001 LIFTED");
    assert_eq!((terminal.take_all(), office.take_all()), (vec![], vec![]));
    assert!(done(&net, &["detainer", "list"]).contains("1  lifted"));
    switch.stop();
}

#[test]
fn no_answer_of_anybody_lodges_a_detainer() {
    let net = Net::new();
    let switch = net.switch();
    let ncic = start(command(&net, &switch, "ncic", "FB", "violators").args(["--violators", "100"]));
    let mut center = switch.station("AX");
    let mut office = switch.station("IC");
    let mut terminal = switch.station(TERMINAL);
    center.send("XI1.ZZLESC000.FB.TXT\r\nOCA/CASE1.NAM/SAMPLE, PERSON A.SEX/M.RAC/U.POB/MM.DOB/19800102.HGT/510.WGT/175.EYE/BRO.HAI/BRO.OFF/8004");
    center.take("ENTERED");
    // A hit, proposed as often as one likes by a program: still nothing is told.
    terminal.send("QW.ZA0010000.FB.TXT\r\nNAM/SAMPLE, PERSON A.DOB/19800102");
    terminal.take("OUTSTANDING ADMINISTRATIVE WARRANT");
    for query in 1..=3 {
        let query = format!("E000000000{query}");
        let mut words = SUBJECT.to_vec();
        words[3] = &query;
        words.push("--custody");
        done(&net, &words);
    }
    assert!(send(&net, &switch).starts_with("0 sent, 0 refused for good, 0 waiting"));
    let month = jiff::Timestamp::now().strftime("%Y-%m").to_string();
    let json: Value = serde_json::from_str(&done(&net, &["report", "--month", &month, "--json"])).expect("it is JSON");
    assert_eq!((&json["figures"][1]["what"], &json["figures"][1]["count"]), (&"detainers".into(), &0.into()));
    assert_eq!(office.take_all(), []);
    kill(ncic);
    switch.stop();
}

#[test]
fn calls_lists_and_a_months_figures_go_their_way() {
    let net = Net::new();
    let switch = net.switch();
    let (mut office, mut service) = (switch.station("IC"), switch.station("SS"));
    let name = ["--as", "SAMPLE T"];
    let by = |words: &[&str]| done(&net, &[words, &name].concat());
    assert!(by(&["tip", "take", "a synthetic call about a workplace"]).starts_with("1 taken"));
    by(&["tip", "grade", "1", "high"]);
    by(&["tip", "refer", "1", "--office", "ZZICE0200"]);
    assert!(by(&["tip", "take", "another synthetic call"]).starts_with("4 taken"));
    by(&["tip", "grade", "4", "not-viable"]);
    let refused = denied(&net, &["tip", "refer", "4", "--office", "ZZICE0200", "--as", "SAMPLE T"]);
    assert!(refused.stderr.contains("not viable"), "{refused:#?}");
    by(&["tip", "end", "1", "case"]);

    let (csv, index) = (net.path("visitors.csv"), net.path("records"));
    fs::create_dir(&index).expect("a directory for the index");
    let population = records::synth::Population::new(1, 2_000);
    let cases =
        (0..population.len_of(records::Source::Cis)).map(|row| population.record_of(records::Source::Cis, row).person);
    let known = cases.clone().find(|person| person.born.is_some()).expect("somebody has a date of birth");
    records::build(cases, &index.join("cis.idx")).expect("an index");
    let line = format!(
        "\"{}, {}\",{},{},{},{}\n",
        known.surname,
        known.given,
        known.born.expect("it has one").strftime("%Y%m%d"),
        known.sex.letter(),
        known.birth_place,
        known.alien_number
    );
    let nobody = "\"QQZZX, XQZZQ\",19500101,M,MM,\n";
    fs::write(&csv, format!("name,born,sex,birth_place,alien_number\n{line}{nobody}")).expect("the list is written");
    let csv = csv.to_str().expect("a path is text");
    assert!(by(&["list", "upload", csv, "--purpose", "visitors"]).starts_with("7 taken: 2 persons"));
    let screened = done(&net, &["list", "screen", "7", "--index", index.to_str().expect("a path is text")]);
    assert!(screened.contains("2 of 2 screened: 1 no record"), "{screened}");
    assert!(send(&net, &switch).starts_with("4 sent, 0 refused"));
    let lead = office.take("LEAD L000000001").text;
    assert!(
        lead.contains("A SYNTHETIC CALL ABOUT A WORKPLACE") && lead.contains("EMULATOR - SYNTHETIC DATA"),
        "{lead}"
    );
    for mark in ["LIST S000000007 PERSON 1", "LIST S000000007 PERSON 2", "NO RECORD 1"] {
        assert!(service.take(mark).text.contains("EMULATOR - SYNTHETIC DATA"));
    }

    let month = jiff::Timestamp::now().strftime("%Y-%m").to_string();
    let text = done(&net, &["report", "--month", &month]);
    for figure in
        ["White House visitors           2", "tipline calls                  2", "leads                          1"]
    {
        assert!(text.contains(figure), "{figure}: {text}");
    }
    let page = net.path("report.html");
    done(&net, &["report", "--month", &month, "--html", page.to_str().expect("a path is text")]);
    let page = fs::read_to_string(page).expect("the page");
    assert!(page.starts_with("<!doctype html>") && page.contains("EMULATOR - SYNTHETIC DATA"));
    switch.stop();
}
