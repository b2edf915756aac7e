//! The rules of the network that change something, over real TLS and over a switch that is killed: the directory, help files,
//! the echo, a station's own state, hit confirmations.

use serde_json::Value;

use crate::binary::orinet;
use crate::net::{Net, PEER, STATE, TERMINAL, note};
use crate::process::run;

/// The agency that may change the entries of line ZC, and one that it adds.
const EDITOR: &str = "ZC0000050";
const ADDED: &str = "ZC0070000";

#[test]
fn the_directory_is_changed_by_its_editor_at_once_and_a_kill_changes_nothing_back() {
    let net = Net::new();
    let node = net.switch();
    let (mut state, mut terminal) = (node.station(STATE), node.station(TERMINAL));
    terminal.send(&format!("TQ.ZA0010000.OD.*T1.TXT\r\nORI/{ADDED}"));
    let absent = terminal.take("NOT ON FILE");
    assert_eq!((absent.output().key.as_str(), absent.output().sender.as_str()), ("TR", "OD0000000"));
    let entry = format!("ORI/{ADDED}.LOC/NEW SAMPLE PLACE.TYP/PD.AUT/A.HRS/A.PHO/5555550170");
    terminal.send(&format!("TA.ZA0010000.OD.TXT\r\n{entry}"));
    terminal.take(".01. INVALID HEADER INFORMATION - SENDER ORI MAY NOT CHANGE THE DIRECTORY\r\n");
    state.send(&format!("TA.{EDITOR}.OD.*T2.TXT\r\n{entry}"));
    assert!(state.take("*T2").text.contains("ADDED\r\nORI/ZC0070000.LIN/ZC.LOC/NEW SAMPLE PLACE."));
    // It is there for others and for itself.
    terminal.send(&format!("AM.ZA0010000.{ADDED}.TXT\r\nWELCOME"));
    assert_eq!(state.take("WELCOME").output().destination, ADDED);
    state.send(&format!("AM.{ADDED}.ZA0010000.TXT\r\nTHANK YOU"));
    assert_eq!(terminal.take("THANK YOU").output().sender.as_str(), ADDED);
    state.send(&format!("TD.{EDITOR}.OD.TXT\r\nORI/{PEER}"));
    state.take("DELETED");
    node.kill();

    let node = net.switch();
    let (mut state, mut terminal) = (node.station(STATE), node.station(TERMINAL));
    terminal.send("TQ.ZA0010000.ZC.*T3.TXT\r\nLOC/NEW SAMPLE");
    assert!(terminal.take("*T3").text.contains("ORI/ZC0070000"));
    terminal.send(&note("GONE"));
    terminal.take(".19. INVALID DESTINATION ORIs - ZC0010000\r\n");
    state.send(&format!("TU.{EDITOR}.OD.TXT\r\nORI/{ADDED}.ACT/I"));
    state.take("CHANGED");
    terminal.send(&format!("AM.ZA0010000.{ADDED}.TXT\r\nNOT ACTIVE"));
    terminal.take(".19. INVALID DESTINATION ORIs - ZC0070000\r\n");
}

#[test]
fn a_help_file_is_its_lines_to_write_and_everybodys_to_read() {
    let net = Net::new();
    let node = net.switch();
    let (mut center, mut terminal) = (node.station("AX"), node.station(TERMINAL));
    terminal.send("AM.ZA0010000.AXADMHELP.*T1.TXT\r\n");
    let empty = terminal.take("NO ADM HELP INFORMATION AVAILABLE FOR THIS USER");
    assert_eq!((empty.output().key.as_str(), empty.output().sender.as_str()), ("AM", "AXADMHELP"));
    center.send("AM.ZZLESC000.AXADMUPDT.TXT\r\nFIRST LINE");
    center.take("FIRST LINE");
    center.send("AM.ZZLESC000.AXADMAPND.TXT\r\nSECOND LINE");
    center.take("FIRST LINE\r\nSECOND LINE");
    terminal.send("AM.ZA0010000.AXADMCNCL.TXT\r\n");
    terminal.take(".01. INVALID HEADER INFORMATION - HELP FILE NOT SERVED BY THIS STATION\r\n");
    node.kill();

    let node = net.switch();
    let (mut center, mut terminal) = (node.station("AX"), node.station(TERMINAL));
    terminal.send("AM.ZA0010000.AXADMHELP.TXT\r\n");
    terminal.take("FIRST LINE\r\nSECOND LINE");
    center.send("AM.ZZLESC000.AXADMCNCL.TXT\r\n");
    center.take("NO ADM HELP INFORMATION AVAILABLE FOR THIS USER");
}

#[test]
fn an_echo_comes_back_as_it_was_sent() {
    let net = Net::new();
    let node = net.switch();
    let mut terminal = node.station(TERMINAL);
    terminal.send("ECHO.ZA0010000.NL.*T1.TXT\r\nAny text. At/all");
    let echo = terminal.take("*T1");
    let output = echo.output();
    assert_eq!(
        (output.key.as_str(), output.sender.as_str(), output.body),
        ("ECHO", "NL0000000", &b"Any text. At/all"[..])
    );
    terminal.send("ECHO.ZA0010000.ZB.TXT\r\nTEST");
    terminal.take(".02. MESSAGE TYPE NOT ALLOWED TO DESTINATION - ZB\r\n");
}

#[test]
fn a_station_that_is_out_of_service_gets_its_messages_when_it_is_back() {
    let net = Net::new();
    let node = net.switch();
    let (mut state, mut terminal) = (node.station(STATE), node.station(TERMINAL));
    state.send(&format!("SM.{EDITOR}.NL.ZA.TXT\r\nZC OUT OF SERVICE UNTIL 1800 MST"));
    terminal.send(&note("KEPT"));
    terminal.take(".02. USER OUT OF SERVICE FOR MSG TYPE, NLETS WILL FORWARD - ZC0010000\r\n");
    assert_eq!(state.take_all(), []);
    node.kill();

    let node = net.switch();
    let (mut state, mut terminal) = (node.station(STATE), node.station(TERMINAL));
    terminal.send(&note("KEPT TOO"));
    terminal.take(".02. USER OUT OF SERVICE");
    assert_eq!(state.take_all(), []);
    state.send(&format!("SM.{EDITOR}.NL.TXT\r\nZC OUT OF SERVICE FOR COFFEE"));
    state.take(".22. INVALID MESSAGE FORMAT");
    state.send(&format!("SM.{EDITOR}.NL.TXT\r\nZC IN SERVICE"));
    let (first, second) = (state.take("KEPT"), state.take("KEPT TOO"));
    assert!(first.osn() < second.osn(), "in the order in which they were accepted");
}

#[test]
fn a_hit_confirmation_is_in_the_journal_until_it_is_answered() {
    let net = Net::new();
    let node = net.switch();
    let (mut state, mut terminal) = (node.station(STATE), node.station(TERMINAL));
    let record = "RTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.";
    let ask = format!(
        "YQ.ZA0010000.{EDITOR}.*T1.TXT\r\n{record}NAM/SAMPLE, PERSON A.DOB/19800102.RNA/SGT TEST ONE.RAG/TEST PD"
    );
    terminal.send(&ask);
    state.take("TESTCASE1");
    let answer =
        |outcome: &str| format!("YR.{EDITOR}.ZA0010000.*T1.TXT\r\n{record}RES/{outcome}.RNA/CPL TEST TWO.RAG/TEST SO");
    state.send(&answer("P.TIM/20M"));
    terminal.take("TIM/20M");
    node.kill();

    let node = net.switch();
    let (mut state, mut terminal) = (node.station(STATE), node.station(TERMINAL));
    state.send(&answer("Y"));
    terminal.take("RES/Y");
    node.stop();
    let exported = run(orinet().args(["journal", "export", "--data"]).arg(net.path("data")));
    assert_eq!(exported.code, Some(0), "{exported:#?}");
    assert!(!exported.stdout.contains("TESTCASE1"), "no case without --bodies");
    let events = exported.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    let changes = events.flat_map(|event| event["changes"].as_array().cloned().unwrap_or_default());
    let ways: Vec<String> = changes
        .filter(|change| change["change"] == "confirmation")
        .map(|change| {
            format!("{} {} {}", change["how"].as_str().unwrap(), change["asker"].as_str().unwrap(), change["msn"])
        })
        .collect();
    assert_eq!(ways, ["asked ZA0010000 1", "extended ZA0010000 1", "answered ZA0010000 1"]);
}
