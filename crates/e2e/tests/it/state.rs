//! `orinet responder state` behind a real switch: identity and record, a profile of faults, and one answer to each request
//! whatever it is killed in.

use std::fs;

use rand::RngExt as _;
use records::synth::Population;
use records::{Person, Source};
use responder::history;

use crate::net::{Net, Node, TERMINAL};
use crate::process::{Process, Stream};
use crate::stand_in::{self, Answers, PERSONS, chance, control, kill};
use crate::station::{Message, Station};

const STATE: &str = "ZB";
const FIRST: &str = "EMULATOR - SYNTHETIC DATA\r\n";

/// The stand-in with that profile, in a file of its own.
fn state(net: &Net, switch: &Node, profile: &str) -> Process {
    state_in(net, switch, profile, "state")
}

/// The same with its journal in a directory of that name.
fn state_in(net: &Net, switch: &Node, profile: &str, data: &str) -> Process {
    fs::write(net.path("profile.toml"), profile).expect("the profile is written");
    let mut command = stand_in::command(net, switch, "state", STATE, data);
    stand_in::start(command.args(["--state", STATE, "--profile"]).arg(net.path("profile.toml")))
}

/// Somebody whom the state knows, and the state's number.
fn known() -> (Person, String) {
    let population = Population::new(1, PERSONS);
    let mut cases = (0..population.len_of(Source::Dacs)).map(|row| population.record_of(Source::Dacs, row).person);
    let arrested_here = |person: Person| {
        let fbi = history::federal(&person).filter(|_| person.born.is_some())?;
        let here = history::arrests(&fbi, person.born).iter().any(|arrest| arrest.state == STATE);
        here.then(|| (person, history::state_number(STATE, &fbi)))
    };
    cases.find_map(arrested_here).expect("some were arrested in the state")
}

fn inquiry(control: &str, person: &Person) -> String {
    let born = person.born.expect("it has one").strftime("%Y%m%d").to_string();
    let name = format!("{}, {}", person.surname, person.given);
    format!("IQ.ZA0010000.{STATE}.*{control}.TXT\r\nPUR/C.ATN/TEST.NAM/{name}.DOB/{born}")
}

#[test]
fn who_somebody_is_leads_to_the_record_and_to_what_came_of_it() {
    let net = Net::new();
    let switch = net.switch();
    let process = state(&net, &switch, "");
    let mut terminal = switch.station(TERMINAL);
    let (person, sid) = known();
    terminal.send(&inquiry("T000000001", &person));
    let came = terminal.take("IR.");
    assert_eq!(came.output().sender.as_str(), "ZB0000050");
    let text = came.text.replace('\x7f', "");
    assert!(text.contains("*T000000001") && text.contains(FIRST), "{text}");
    assert!(text.contains("INDEX THAT HIT: NAM, DOB") && text.contains(&format!("SID/{sid}")), "{text}");
    for (key, answer, says) in
        [("FQ", "FR", "CRIMINAL HISTORY RECORD OF ZB"), ("AQ", "AR", "ADDITIONAL INFORMATION OF ZB")]
    {
        terminal.send(&format!("{key}.ZA0010000.{STATE}.TXT\r\nPUR/C.ATN/TEST.SID/{sid}"));
        let text = terminal.take(&format!("{answer}.")).text.replace('\x7f', "");
        assert!(text.contains(FIRST) && text.contains(says) && text.contains("ARREST 1 DATE/"), "{text}");
        terminal.send(&format!("{key}.ZA0010000.{STATE}.TXT\r\nPUR/C.ATN/TEST.SID/ZB00000000"));
        let text = terminal.take(&format!("{answer}.")).text.replace('\x7f', "");
        assert!(text.contains(FIRST) && text.contains("NO RECORD IN THE EMULATED"), "{text}");
    }
    kill(process);
    switch.stop();
}

#[test]
fn a_faulty_state_says_so_sends_garbage_or_nothing_and_takes_all() {
    let net = Net::new();
    let switch = net.switch();
    let (person, _) = known();
    let mut terminal = switch.station(TERMINAL);
    // Each with a journal of its own: what one has taken is no other's.
    for (data, profile, says) in
        [("1", "[share]\nerror = 1.0", Some("ZB CANNOT ANSWER NOW")), ("2", "[share]\ngarbage = 1.0", None)]
    {
        let process = state_in(&net, &switch, profile, data);
        let control = format!("T00000000{data}");
        terminal.send(&inquiry(&control, &person));
        let text = answer(&mut terminal, &control);
        assert!(text.contains(FIRST) && !text.contains("SID/"), "{text}");
        assert!(says.is_none_or(|says| text.contains(says)), "{text}");
        await_taken(&switch, data.parse().expect("a number"));
        kill(process);
    }
    let process = state_in(&net, &switch, "[share]\nsilence = 1.0", "3");
    terminal.send(&inquiry("T000000003", &person));
    await_taken(&switch, 3);
    kill(process);
    // Another process, with no faults: what it says comes after anything that the one before had said.
    let process = state_in(&net, &switch, "", "4");
    terminal.send(&inquiry("T000000004", &person));
    let text = answer(&mut terminal, "T000000004");
    assert!(text.contains("SID/"), "{text}");
    let broken = |message: &Message| message.text.starts_with("IR.") && message.text.contains("T000000003");
    assert!(!terminal.arrived().iter().any(broken), "silence was broken");
    kill(process);
    switch.stop();
}

/// The answer to the inquiry with that control field, whatever the switch says about it meanwhile.
fn answer(terminal: &mut Station, control: &str) -> String {
    loop {
        let text = terminal.take(control).text;
        if text.starts_with("IR.") {
            return text.replace('\x7f', "");
        }
    }
}

/// Waits until the switch has acknowledgements of so many copies to the state: it sends none of them again.
fn await_taken(switch: &Node, copies: u32) {
    switch.await_metric(&format!("orinet_copies_unqueued_total{{station=\"{STATE}\"}}"), copies.into());
}

#[test]
fn an_answer_stays_the_one_that_it_was_when_profile_and_process_change() {
    let net = Net::new();
    let switch = net.switch();
    let (person, _) = known();
    let mut terminal = switch.station(TERMINAL);
    let sent: Vec<String> = (0..20).map(control).collect();
    let (mut answers, mut process) = (Answers::default(), state(&net, &switch, "[share]\nerror = 1.0"));
    sent.iter().for_each(|control| {
        terminal.post(&inquiry(control, &person));
    });
    for taken in 0..sent.len() {
        answers.take(&mut terminal, "IR");
        if taken % 7 == 3 {
            // Whoever is in the middle of it has its answer from one of the two, and not from both.
            kill(process);
            let profile = if taken % 2 == 0 { "" } else { "[share]\ngarbage = 1.0" };
            process = state(&net, &switch, profile);
        }
    }
    // One that comes last, after all that the processes may have to repeat.
    terminal.send(&inquiry("T999999999", &person));
    terminal.take("T999999999");
    answers.take_rest(&mut terminal, "IR");
    assert!(answers.one_each(&sent).is_ok(), "{answers:?}");
    kill(process);
    switch.stop();
}

/// Requests of a run, and how often the state is killed meanwhile.
const REQUESTS: usize = 100;
const KILLS: usize = 4;

#[test]
fn each_request_is_answered_once_whenever_a_slow_state_is_killed() {
    let mut chance = chance();
    let net = Net::new();
    let switch = net.switch();
    let slow = "seed = 5\n[delay_ms]\np0 = 0\np100 = 400";
    let mut process = state(&net, &switch, slow);
    let mut terminal = switch.station(TERMINAL);
    let (person, sid) = known();
    let sent: Vec<String> = (0..REQUESTS).map(control).collect();
    let (mut answers, mut taken) = (Answers::default(), 0);
    sent.iter().for_each(|control| {
        terminal.post(&inquiry(control, &person));
    });
    for kills in 1..=KILLS {
        let until = chance.random_range(taken..=REQUESTS * kills / (KILLS + 1));
        while taken < until {
            answers.take(&mut terminal, "IR");
            taken += 1;
        }
        kill(process);
        process = state(&net, &switch, slow);
    }
    while taken < REQUESTS {
        answers.take(&mut terminal, "IR");
        taken += 1;
    }
    answers.take_rest(&mut terminal, "IR");
    let texts = answers.one_each(&sent).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(texts.iter().all(|text| text.contains(&sid) && *text == texts[0]), "{texts:#?}");
    kill(process);
    switch.stop();
}

#[test]
fn what_a_state_has_taken_waits_over_a_crash_and_not_without_its_journal() {
    const TAKEN: usize = 5;
    for (forgetful, waiting) in [(false, TAKEN), (true, 0)] {
        let net = Net::new();
        let switch = net.switch();
        let very_slow = "[delay_ms]\np0 = 600000\np100 = 600000";
        let process = state(&net, &switch, very_slow);
        let mut terminal = switch.station(TERMINAL);
        let (person, _) = known();
        (0..TAKEN).for_each(|number| terminal.send(&inquiry(&control(number), &person)));
        await_taken(&switch, 5);
        kill(process);
        if forgetful {
            fs::remove_dir_all(net.path("state")).expect("the journal goes");
        }
        let process = state(&net, &switch, very_slow);
        let line = process.line(Stream::Err, "the journal of requests was read");
        assert!(line.contains(&format!("waiting={waiting}")), "{line}");
        kill(process);
        switch.stop();
    }
}
