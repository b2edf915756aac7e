//! `orinet terminal` in a real pseudo-terminal: keys in, screen out, beside a real switch.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::binary::orinet;
use crate::net::{Demo, Net, PEER, STATE, TERMINAL};
use crate::pty::Pty;

mod crowded;
mod false_switch;
mod hostile;
mod shift;

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

const F5: &str = "\x1b[15~";
const F6: &str = "\x1b[17~";
const F10: &str = "\x1b[21~";
const F11: &str = "\x1b[23~";
const CTRL_Q: &str = "\x11";
const CTRL_R: &str = "\x12";

const INQUIRY: &str =
    "IAQ PUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.POB/MM.CUS/Y.OFF/0399\r";

#[test]
fn an_inquiry_is_sent_and_its_answers_are_read() {
    let demo = Demo::start();
    for (columns, rows) in SIZES {
        let data = tempfile::tempdir().unwrap();
        let mut terminal = Pty::start(&terminal(demo.links, &demo.path("pki"), data.path()), columns, rows);
        terminal.shows(TERMINAL);
        terminal.press(INQUIRY);
        terminal.shows("SAMPLE, PERSON A");
        terminal.press(F5);
        terminal.press(F6);
        terminal.until("two answers", |screen| screen.matches("IAR").count() >= 2);
        terminal.press("\r");
        terminal.shows("EMULATOR - SYNTHETIC DATA");
        terminal.press(F11);
        terminal.shows("answered, 2 of 2");
        leave(&mut terminal);
    }
}

#[test]
fn a_hit_is_confirmed_though_the_switch_is_killed_between_any_two_steps() {
    for (columns, rows) in SIZES {
        let net = Net::new();
        let mut switch = net.switch();
        net.change("links = \"127.0.0.1:0\"", &format!("links = \"{}\"", switch.links));
        let data = tempfile::tempdir().unwrap();
        let mut terminal = Pty::start(&terminal(switch.links, &net.pki(), data.path()), columns, rows);
        terminal.shows(TERMINAL);
        let mut state = switch.station(STATE);
        state.send(&format!(
            "YQ.{PEER}.{TERMINAL}.*HIT1.TXT\r\nRTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/W000000001.NAM/SAMPLE, PERSON A.\
             DOB/19800102.RNA/SGT TEST ONE.RAG/TEST PD"
        ));
        terminal.shows("HITS");
        for (keys, shown) in
            [(F10, "TESTCASE1"), (CTRL_R, "RES"), ("Y\t\tSGT TEST TWO\tTEST PD TWO", "TEST PD TWO"), (F5, "")]
        {
            switch.kill();
            terminal.press(keys);
            terminal.shows(shown);
            switch = net.switch();
        }
        let mut state = switch.station(STATE);
        let answer = state.take("RES/Y");
        assert!(answer.text.starts_with("YR.") && answer.text.contains("*HIT1"), "{}", answer.text);
        terminal.shows("WAIT 0");
        // It goes once, whatever was lost on its way.
        assert_eq!(state.take_all().into_iter().filter(|message| message.text.starts_with("YR.")).count(), 0);
        leave(&mut terminal);
    }
}

#[test]
fn what_was_sent_without_a_link_goes_after_a_restart_of_the_terminal() {
    let net = Net::new();
    let switch = net.switch();
    net.change("links = \"127.0.0.1:0\"", &format!("links = \"{}\"", switch.links));
    let data = tempfile::tempdir().unwrap();
    let command = terminal(switch.links, &net.pki(), data.path());
    switch.kill();
    let mut second = Pty::start(&command, 80, 24);
    second.shows(TERMINAL);
    second.press(INQUIRY);
    second.shows("SAMPLE, PERSON A");
    second.press(F5);
    second.shows("WAIT 1");
    // Killed, not left.
    drop(second);
    let switch = net.switch();
    let mut center = switch.station("AX");
    let mut third = Pty::start(&command, 80, 24);
    assert!(center.take("NAM/SAMPLE").text.starts_with("IAQ."));
    third.press(F11);
    third.shows("IAQ");
    third.shows("WAIT 0");
    assert_eq!(center.take_all().len(), 0, "it came once");
    leave(&mut third);
}

#[test]
fn while_nothing_happens_no_time_of_the_machine_is_used_and_nothing_is_written() {
    let net = Net::new();
    let switch = net.switch();
    let data = tempfile::tempdir().unwrap();
    let mut terminal = Pty::start(&terminal(switch.links, &net.pki(), data.path()), 80, 24);
    terminal.shows(TERMINAL);
    switch.await_metric(&format!("orinet_links{{station=\"{TERMINAL}\"}}"), 1.0);
    let _settled = terminal.written_within(Duration::from_millis(500));
    let before = ticks(terminal.pid());
    let written = terminal.written_within(Duration::from_secs(4));
    let used = ticks(terminal.pid()) - before;
    assert_eq!(written, 0, "{}", terminal.screen());
    // A hundredth of a second each: the link's own timers may cost one.
    assert!(used <= 1, "{used} ticks in 4 s");
    leave(&mut terminal);
}

#[test]
fn a_station_that_gets_niem_xml_has_the_same_screens() {
    let net = Net::new();
    let name = format!("name = \"{TERMINAL}\"\n");
    net.change(&name, &format!("{name}format = \"niem\"\n"));
    let switch = net.switch();
    let data = tempfile::tempdir().unwrap();
    let mut screen = Pty::start(&terminal(switch.links, &net.pki(), data.path()), 80, 24);
    screen.shows("LINK up");
    let mut state = switch.station(STATE);
    let record = "RTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/W000000001.NAM/SAMPLE, PERSON A.DOB/19800102";
    state.send(&format!("YQ.{PEER}.{TERMINAL}.*HIT1.TXT\r\n{record}.RNA/SGT TEST ONE.RAG/TEST PD"));
    screen.shows("HITS 1");
    screen.press(F10);
    screen.shows("TESTCASE1");
    screen.press("\r");
    screen.shows("<n2:NLETS");
    screen.press(CTRL_R);
    screen.shows("YR  Hit confirmation response");
    screen.press("Y\t\tSGT TEST TWO\tTEST PD TWO");
    screen.press(F5);
    let answer = state.take("RES/Y").text;
    assert!(answer.starts_with("YR.") && answer.contains("OCA/TESTCASE1"), "{answer}");
    screen.until("no hits left", |text| !text.contains("HITS 1"));
    leave(&mut screen);
}

#[test]
fn practice_needs_no_server_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = orinet();
    command.args(["terminal", "--practice=1"]).env("TMPDIR", temporary.path()).env("HOME", temporary.path());
    let mut terminal = Pty::start(&command, 80, 24);
    terminal.shows("PRACTICE");
    terminal.press(F6);
    terminal.until("what the partner sends", |screen| ["AM", "AML", "YQ"].iter().all(|key| screen.contains(key)));
    terminal.shows("HITS");
    terminal.press(INQUIRY);
    terminal.shows("SAMPLE, PERSON A");
    terminal.press(F5);
    terminal.press(F6);
    terminal.until("two answers", |screen| screen.matches("IAR").count() >= 2);
    leave(&mut terminal);
    let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_a_screen_it_says_so() {
    let net = Net::new();
    let switch = net.switch();
    let data = tempfile::tempdir().unwrap();
    let finished = crate::process::run(&mut terminal(switch.links, &net.pki(), data.path()));
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("needs a screen and a keyboard"), "{}", finished.stderr);
}

fn terminal(links: SocketAddr, pki: &Path, data: &Path) -> Command {
    let mut command = orinet();
    command.args(["terminal", "--station", TERMINAL, "--link", &links.to_string(), "--pki"]).arg(pki);
    command.arg("--data").arg(data.join("terminal")).env("HOME", data).env_remove("XDG_CONFIG_HOME");
    command
}

/// Leaves as its user does, who is asked once.
#[track_caller]
fn leave(terminal: &mut Pty) {
    terminal.press(CTRL_Q);
    terminal.shows("Leave the terminal?");
    terminal.press("y");
    assert_eq!(terminal.end(), 0);
}

/// What a process has used of the machine, in hundredths of a second.
fn ticks(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after = text.rsplit_once(')').expect("its name is in brackets").1;
    let number = |at: usize| -> u64 { after.split_whitespace().nth(at).unwrap().parse().unwrap() };
    number(11) + number(12)
}
