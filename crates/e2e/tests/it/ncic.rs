//! `orinet responder ncic` behind a real switch: hits, histories, who may change the file, and that what it said it entered is
//! there whatever it is killed in.

use std::collections::BTreeSet;
use std::fs;

use rand::RngExt as _;
use records::synth::Population;
use records::{Person, Source};
use responder::history;

use crate::net::{Net, Node, TERMINAL};
use crate::process::Process;
use crate::stand_in::{self, Answers, PERSONS, chance, control, kill};
use crate::station::Station;

const CENTER: &str = "ZZLESC000";
const FIRST: &str = "EMULATOR - SYNTHETIC DATA\r\n";

fn ncic(net: &Net, switch: &Node, data: &str) -> Process {
    stand_in::start(stand_in::command(net, switch, "ncic", "FB", data).args(["--violators", "100"]))
}

/// The body of an entry with that case number.
fn entry(case: &str) -> String {
    format!("OCA/{case}.NAM/SAMPLE, PERSON A.SEX/M.RAC/U.POB/MM.DOB/19800102.HGT/510.WGT/175.EYE/BRO.HAI/BRO.OFF/8004")
}

/// Sends and waits for the answer's text.
fn ask(station: &mut Station, sent: &str, key: &str) -> String {
    station.send(sent);
    let came = station.take(&format!("{key}."));
    let text = String::from_utf8_lossy(came.output().body).replace('\x7f', "");
    text.strip_prefix(FIRST).unwrap_or_else(|| panic!("not marked as synthetic: {text:?}")).to_owned()
}

#[test]
fn a_wanted_person_hits_nobody_else_does_and_a_history_is_found_and_told() {
    let net = Net::new();
    let switch = net.switch();
    let ncic = ncic(&net, &switch, "violators");
    let (mut terminal, mut center) = (switch.station(TERMINAL), switch.station("AX"));
    let wanted = "QW.ZA0010000.FB.*N000000001.TXT\r\nNAM/SAMPLE, PERSON A.DOB/19800102.SEX/M";
    let none = "NO NCIC RECORD FOR NAM/SAMPLE, PERSON A DOB/19800102 SEX/M\r\nFILES SEARCHED: IMMIGRATION VIOLATOR";
    assert_eq!(ask(&mut terminal, wanted, "XNR"), none);
    let entered = ask(&mut center, &format!("XI1.{CENTER}.FB.TXT\r\n{}", entry("CASE1")), "XNR");
    assert!(entered.starts_with("ENTERED\r\nNIC/N") && entered.ends_with("\r\nOCA/CASE1"), "{entered}");
    let hit = ask(&mut terminal, wanted, "XNR");
    assert!(hit.contains("OUTSTANDING ADMINISTRATIVE WARRANT OF REMOVAL") && hit.contains("OCA/CASE1"), "{hit}");

    let person = known();
    let born = person.born.expect("it has one").strftime("%Y%m%d").to_string();
    let fbi = history::federal(&person).expect("it has one");
    let asked = format!("PUR/C.ATN/TEST.NAM/{}, {}.DOB/{born}", person.surname, person.given);
    let listed = ask(&mut terminal, &format!("QH.ZA0010000.FB.TXT\r\n{asked}"), "CR");
    assert!(listed.contains(&format!("FBI/{fbi}")), "{listed}");
    let told = ask(&mut terminal, &format!("QR.ZA0010000.FB.TXT\r\nPUR/C.ATN/TEST.FBI/{fbi}"), "CR");
    assert!(told.starts_with("CRIMINAL HISTORY RECORD\r\n") && told.contains("ARREST 1 DATE/"), "{told}");
    let nobody = ask(&mut terminal, "QR.ZA0010000.FB.TXT\r\nPUR/C.ATN/TEST.FBI/000000ZZ1", "CR");
    assert!(nobody.starts_with("NO IDENTIFIABLE RECORD"), "{nobody}");
    // QWI is answered twice: by the file, and by III.
    terminal.send(&format!("QWI.ZA0010000.FB.TXT\r\n{asked}"));
    let both = [terminal.take("XNR."), terminal.take("XNR.")];
    assert!(both.iter().any(|message| message.text.contains(&fbi)), "{both:?}");
    kill(ncic);
    switch.stop();
}

/// Somebody with a history whom the stand-in's III has.
fn known() -> Person {
    let population = Population::new(1, PERSONS);
    let mut cases = (0..population.len_of(Source::Dacs)).map(|row| population.record_of(Source::Dacs, row).person);
    let has_all = |person: &Person| person.born.is_some() && history::federal(person).is_some();
    cases.find(has_all).expect("some have an FBI number")
}

#[test]
fn the_file_is_changed_by_the_center_alone() {
    let net = Net::new();
    // A network that lets a state send what only the center should: the file's keeper does not.
    net.change("name = \"ZA\"\n", "name = \"ZA\"\nsends = [\"XI1\", \"XI2\", \"XI3\"]\n");
    let switch = net.switch();
    let ncic = ncic(&net, &switch, "violators");
    let (mut state, mut center) = (switch.station("ZA"), switch.station("AX"));
    let mut terminal = switch.station(TERMINAL);
    let entered = ask(&mut center, &format!("XI1.{CENTER}.FB.TXT\r\n{}", entry("CASE1")), "XNR");
    let nic = entered.lines().find_map(|line| line.strip_prefix("NIC/")).expect("a number").to_owned();
    let by_number = format!("QW.ZA0010000.FB.TXT\r\nNIC/{nic}");
    for body in [
        format!("XI1.ZA0020000.FB.TXT\r\n{}", entry("CASE2")),
        format!("XI2.ZA0020000.FB.TXT\r\nNIC/{nic}.OFF/8003"),
        format!("XI3.ZA0020000.FB.TXT\r\nNIC/{nic}.OCA/CASE1"),
    ] {
        let said = ask(&mut state, &body, "XNR");
        assert!(said.starts_with("REJECTED - NOT AUTHORIZED\r\n"), "{body}: {said}");
        // A station without that right does not even come so far.
        terminal.send(&body.replace("ZA0020000", "ZA0010000"));
        assert!(terminal.take("ER.").text.contains("MESSAGE KEY NOT ALLOWED FROM THIS STATION"));
    }
    let before = ask(&mut terminal, &by_number, "XNR");
    assert!(before.contains("OUTSTANDING ADMINISTRATIVE WARRANT") && before.contains("OCA/CASE1"), "{before}");
    let said = ask(&mut center, &format!("XI2.{CENTER}.FB.TXT\r\nNIC/{nic}.OFF/8003"), "XNR");
    assert!(said.starts_with("MODIFIED\r\n"), "{said}");
    assert!(ask(&mut terminal, &by_number, "XNR").contains("PREVIOUSLY DEPORTED FELON"));
    let said = ask(&mut center, &format!("XI3.{CENTER}.FB.TXT\r\nNIC/{nic}.OCA/CASE1"), "XNR");
    assert!(said.starts_with("CANCELLED\r\n"), "{said}");
    assert!(ask(&mut terminal, &by_number, "XNR").starts_with("NO NCIC RECORD"));
    kill(ncic);
    switch.stop();
}

/// Entries that one run makes, and how often the stand-in is killed meanwhile.
const ENTRIES: usize = 120;
const KILLS: usize = 4;

/// Enters records while the stand-in is killed at random and started again; then looks whether each entry that was
/// acknowledged is in the file, once, as it was acknowledged. With `forgetful` the file's journal is lost before that look.
fn entered_under_kills(forgetful: bool) -> Result<(), String> {
    let mut chance = chance();
    let net = Net::new();
    let switch = net.switch();
    let mut process = ncic(&net, &switch, "violators");
    let mut center = switch.station("AX");
    let sent: Vec<String> = (0..ENTRIES).map(control).collect();
    let (mut answers, mut taken) = (Answers::default(), 0);
    for number in 0..ENTRIES {
        center.post(&format!("XI1.{CENTER}.FB.*{}.TXT\r\n{}", control(number), entry(&format!("CASE{number}"))));
    }
    for kills in 1..=KILLS {
        let until = chance.random_range(taken..=ENTRIES * kills / (KILLS + 1));
        while taken < until {
            answers.take(&mut center, "XNR");
            taken += 1;
        }
        kill(process);
        process = ncic(&net, &switch, "violators");
    }
    while taken < ENTRIES {
        answers.take(&mut center, "XNR");
        taken += 1;
    }
    kill(process);
    if forgetful {
        fs::remove_dir_all(net.path("violators")).expect("the journal goes");
    }
    let process = ncic(&net, &switch, "violators");
    answers.take_rest(&mut center, "XNR");
    let (mut terminal, mut numbers) = (switch.station(TERMINAL), BTreeSet::new());
    for (number, text) in answers.one_each(&sent)?.into_iter().enumerate() {
        let nic = text.lines().find_map(|line| line.trim_start_matches('\x7f').strip_prefix("NIC/N"));
        let nic = nic.filter(|_| text.contains("ENTERED")).ok_or_else(|| format!("not entered: {text:?}"))?;
        if !numbers.insert(nic.trim().to_owned()) {
            return Err(format!("NIC/N{nic} was given twice"));
        }
        let hit = ask(&mut terminal, &format!("QW.ZA0010000.FB.TXT\r\nNIC/N{}", nic.trim()), "XNR");
        if !hit.contains(&format!("OCA/CASE{number}\r\n")) {
            return Err(format!("CASE{number} was acknowledged as NIC/N{nic} and is not there"));
        }
    }
    kill(process);
    switch.stop();
    Ok(())
}

#[test]
fn an_acknowledged_entry_is_never_lost_and_answered_once_whenever_the_stand_in_is_killed() {
    assert_eq!(entered_under_kills(false), Ok(()));
}

#[test]
fn a_stand_in_that_forgets_is_found_out() {
    let found = entered_under_kills(true).expect_err("the journal was thrown away");
    // What is not there any more, or what it decides anew as the switch has not acknowledged its answer.
    assert!(found.contains("is not there") || found.contains("was answered 2 times"), "{found}");
}
