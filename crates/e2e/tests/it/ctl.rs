//! Operators' commands over the real binary: each one, its refusal without the right, its line in the journal, its undo.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::binary::orinet;
use crate::net::{Demo, Net, Node, PEER, STATE, TERMINAL};
use crate::process::{Finished, Stream, run};

/// An operator at a keyboard.
pub(crate) struct Operator {
    admin: SocketAddr,
    token: PathBuf,
}

impl Operator {
    fn ctl(&self, words: &[&str]) -> Finished {
        let mut command = orinet();
        command.args(["ctl", "--admin", &self.admin.to_string(), "--token-file"]).arg(&self.token);
        run(command.env_remove("ORINET_ADMIN").env_remove("ORINET_TOKEN_FILE").args(words))
    }

    /// Must be done; what it prints.
    pub(crate) fn does(&self, words: &[&str]) -> String {
        let finished = self.ctl(words);
        assert_eq!(finished.code, Some(0), "{words:?}: {finished:#?}");
        finished.stdout
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.does(&[words, &["--json"]].concat())).expect("JSON")
    }

    /// Must be refused, with that in the reason.
    pub(crate) fn is_refused(&self, words: &[&str], why: &str) {
        let finished = self.ctl(words);
        assert_eq!(finished.code, Some(1), "{words:?}: {finished:#?}");
        assert!(finished.stderr.contains(why), "{words:?}: {finished:#?}");
    }
}

/// Makes an operator and writes the table that it needs into the network file.
fn operator(net: &Net, name: &str, rights: &str) -> PathBuf {
    let token = net.path(&format!("{name}.token"));
    let made = run(orinet().args(["ctl", "token", "--name", name, "--rights", rights, "--out"]).arg(&token));
    assert_eq!(made.code, Some(0), "{made:#?}");
    add(net, &made.stdout);
    token
}

fn add(net: &Net, text: &str) {
    let file = net.path("network.toml");
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{before}\n{text}")).unwrap();
}

/// Takes every table with that in it out of the network file.
fn remove(net: &Net, mark: &str) {
    let file = net.path("network.toml");
    let text = fs::read_to_string(&file).unwrap();
    let kept: Vec<_> = text.split("\n[[").filter(|table| !table.contains(mark)).collect();
    fs::write(&file, kept.join("\n[[")).unwrap();
}

/// A switch, one who may do everything, and one who may only look.
pub(crate) fn staffed(net: &Net) -> (Node, Operator, Operator) {
    let (chief, desk) = (operator(net, "chief", "look,route,letters,directory,control"), operator(net, "desk", "look"));
    let switch = net.switch();
    let admin = switch.admin;
    (switch, Operator { admin, token: chief }, Operator { admin, token: desk })
}

fn note(to: &str, text: &str) -> String {
    format!("AM.{TERMINAL}.{to}.TXT\r\n{text}")
}

/// The acts in a journal that is not open: who, what, result.
pub(crate) fn acts(net: &Net) -> Vec<(String, String, String)> {
    let export = run(orinet().args(["journal", "export", "--data"]).arg(net.path("data")));
    assert_eq!(export.code, Some(0), "{export:#?}");
    let event = |line: &str| -> Option<(String, String, String)> {
        let event: Value = serde_json::from_str(line).expect("a JSON object a line");
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        event["who"].is_string().then(|| (text("who"), text("what"), text("result")))
    };
    export.stdout.lines().filter_map(event).collect()
}

pub(crate) fn assert_told(acts: &[(String, String, String)], who: &str, what: &str, result: &str) {
    let told = acts.iter().any(|act| act.0 == who && act.1 == what && act.2.contains(result));
    assert!(told, "{who}, {what:?}, {result:?} is not in the journal: {acts:#?}");
}

#[test]
fn stations_are_held_diverted_and_set_and_each_is_undone() {
    let net = Net::new();
    let (switch, chief, desk) = staffed(&net);
    let mut terminal = switch.station(TERMINAL);
    let (mut state, mut other) = (switch.station(STATE), switch.station("ZB"));

    let held = chief.does(&["hold", "zc"]);
    assert!(held.contains("ZC is held") && held.contains("undo: orinet ctl release ZC"), "{held}");
    terminal.send(&note(PEER, "HELD"));
    assert!(terminal.take("SM.").text.contains(".02."), "the sender hears that it waits");
    let stations = desk.json(&["stations"]);
    let station = |stations: &Value, name: &str| {
        let all = stations["stations"].as_array().unwrap();
        all.iter().find(|station| station["station"] == name).unwrap().clone()
    };
    let seen = station(&stations, "ZC");
    assert!(seen["held"] == true && seen["queued"][4] == 1 && seen["links"] == 1, "{seen}");
    assert!(desk.does(&["stations"]).contains("held") && desk.does(&["queues"]).contains("ZC"));
    assert_eq!(state.take_all().len(), 0, "nothing is sent to a station that is held");
    switch.await_metric("orinet_station_held{station=\"ZC\"}", 1.0);
    chief.is_refused(&["hold", "ZC"], "ZC is held already");
    chief.is_refused(&["hold", "ZQ"], "there is no station ZQ");
    chief.does(&["release", "ZC"]);
    state.take("HELD");
    switch.await_metric("orinet_station_held{station=\"ZC\"}", 0.0);

    chief.does(&["divert", "ZC", "ZB"]);
    terminal.send(&note(PEER, "DIVERTED"));
    let diverted = other.take("DIVERTED");
    assert_eq!(diverted.output().destination, PEER, "it bears the address as its sender wrote it");
    let way = chief.does(&["explain", "--station", TERMINAL, path(&file(&net, &note(PEER, "NOWHERE")))]);
    assert!(way.contains("diverted to ZB: goes out at once"), "{way}");
    assert_eq!(other.take_all().len() + state.take_all().len(), 0, "what is explained is not sent");
    chief.does(&["undivert", "ZC"]);
    terminal.send(&note(PEER, "ITS OWN"));
    state.take("ITS OWN");

    chief.does(&["state", "ZC", "store", "--key", "AM"]);
    assert!(desk.does(&["states"]).contains("store"));
    terminal.send(&note(PEER, "STORED"));
    terminal.take("SM.");
    let set = chief.does(&["state", "ZC", "as-configured", "--key", "AM"]);
    assert!(set.contains("undo: orinet ctl state ZC store --key AM"), "{set}");
    state.take("STORED");
    chief.does(&["state", "ZC", "unsupported", "--key", "AM"]);
    terminal.send(&note(PEER, "DROPPED"));
    terminal.take(".01. USER DOES NOT RESPOND TO MSG TYPE, NLETS WILL NOT FORWARD - ZC0010000");
    chief.does(&["state", "ZC", "remove", "--key", "AM"]);
    terminal.send(&note(PEER, "DROPPED TOO"));
    terminal.take(".04. USER OUT OF SERVICE FOR MSG TYPE, NLETS WILL NOT FORWARD - ZC0010000");
    chief.does(&["state", "ZC", "as-configured", "--key", "AM"]);
    assert_eq!(state.take_all().len(), 0, "what is dropped is not sent later");
    terminal.send(&note("R1", "TO THE REGION"));
    let (one, two) = (state.take("TO THE REGION"), other.take("TO THE REGION"));
    assert_eq!((one.output().destination, two.output().destination), ("R1", "R1"));

    let links = desk.json(&["links"]);
    assert_eq!(links["links"].as_array().unwrap().len(), 3, "{links}");
    assert!(desk.does(&["confirmations"]).contains("no hit confirmation"));
    let me = desk.does(&["me"]);
    assert!(me.contains("desk") && me.contains("look"), "{me}");

    // Each command needs its right.
    for words in [
        &["hold", "ZC"][..],
        &["release", "ZC"],
        &["divert", "ZC", "ZB"],
        &["undivert", "ZC"],
        &["state", "ZC", "store"],
        &["resend", "1"],
        &["letters", "show", "1"],
        &["letters", "resend", "1"],
        &["letters", "discard", "1"],
        &["directory", "drop", PEER],
        &["drain"],
        &["undrain"],
        &["reload"],
    ] {
        desk.is_refused(words, "operator desk has not the right");
    }
    // To look is a right too.
    let clerk = Operator { admin: switch.admin, token: operator(&net, "clerk", "control") };
    chief.does(&["reload"]);
    let message = file(&net, &note(PEER, "NOWHERE"));
    for words in [
        &["stations"][..],
        &["links"],
        &["queues"],
        &["confirmations"],
        &["states"],
        &["letters", "list"],
        &["directory", "list"],
        &["directory", "show", PEER],
        &["explain", "--station", TERMINAL, path(&message)],
    ] {
        clerk.is_refused(words, "operator clerk has not the right \"look\"");
    }
    // Who is nobody has none.
    let stranger = net.path("stranger.token");
    fs::copy(&desk.token, &stranger).unwrap();
    fs::write(&stranger, "0".repeat(64)).unwrap();
    let stranger = Operator { admin: switch.admin, token: stranger };
    stranger.is_refused(&["stations"], "no operator has this token");

    switch.stop();
    let acts = acts(&net);
    assert_told(&acts, "chief", "hold ZC", "ZC is held");
    assert_told(&acts, "chief", "hold ZC", "denied: ZC is held already");
    assert_told(&acts, "chief", "release ZC", "sent to again");
    assert_told(&acts, "chief", "divert ZC to ZB", "goes to ZB");
    assert_told(&acts, "chief", "undivert ZC", "gets its own messages again");
    assert_told(&acts, "chief", "set ZC store for AM", "ZC is store for AM");
    assert_told(&acts, "chief", &format!("explain a route from {TERMINAL}"), "shown");
    assert_told(&acts, "desk", "list stations", "shown");
    assert_eq!(
        acts.iter().filter(|act| act.0 == "desk" && act.1 == "list stations").count(),
        1,
        "a list is told once a minute"
    );
    assert_told(&acts, "desk", "hold ZC", "refused: operator desk has not the right \"route\"");
    assert_told(&acts, "desk", "reload", "refused: operator desk has not the right \"control\"");
    assert_told(&acts, "nobody", "a request to the operators' pages", "refused");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of a test")
}

fn file(net: &Net, text: &str) -> PathBuf {
    let file = net.path("message.txt");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_message_goes_again_by_its_number_and_a_dead_letter_as_it_was_or_changed() {
    let net = Net::new();
    let (switch, chief, _) = staffed(&net);
    let mut terminal = switch.station(TERMINAL);
    let mut state = switch.station(STATE);
    for number in 0..50 {
        terminal.send(&note(PEER, &format!("NOTE {number:02}")));
    }
    let first = state.take("NOTE 17");
    let again = chief.json(&["resend", "18", "--to", "ZC"]);
    assert_eq!((again["msn"].as_u64(), again["copies"].as_u64()), (Some(18), Some(1)), "{again}");
    let second = state.take("NOTE 17");
    assert_ne!(first.validation, second.validation, "the receiver must not take it for a repeat");
    chief.is_refused(&["resend", "999"], "the journal has no message 999");
    chief.is_refused(&["resend", "18", "--to", "ZB"], "message 18 did not go to ZB");

    // What waits for a station that goes becomes dead letters.
    terminal.send(&note("ZZUSSS000", "FOR A STATION THAT GOES"));
    terminal.send(&note("ZZUSSS000", "THE SAME"));
    remove(&net, "\"ZZUSSS000\"");
    let reloaded = chief.does(&["reload"]);
    assert!(reloaded.contains("stations went: SS"), "{reloaded}");
    assert!(terminal.take(".04.").text.contains("FOR A STATION THAT GOES"), "its sender hears it");
    switch.await_metric("orinet_dead_letters", 2.0);
    let letters = chief.json(&["letters", "list"]);
    let number = |place: usize| letters["letters"][place]["letter"].as_u64().unwrap().to_string();
    assert_eq!(letters["letters"][0]["why"], "station_gone", "{letters}");
    let (letter, other) = (number(0), number(1));
    let shown = chief.does(&["letters", "show", &letter]);
    assert!(shown.contains("FOR A STATION THAT GOES") && shown.contains("ZZUSSS000"), "{shown}");
    chief.is_refused(&["letters", "resend", &letter], "no longer part of the network");
    let wrong = file(&net, &note("ZZUSSS000", "CHANGED"));
    let refused = chief.ctl(&["letters", "resend", &letter, "--text", path(&wrong)]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("ER 19") && refused.stdout.contains(".19. "), "{refused:#?}");
    let right = file(&net, &note(PEER, "CHANGED"));
    chief.does(&["letters", "resend", &letter, "--text", path(&right)]);
    state.take("CHANGED");
    chief.does(&["letters", "discard", &other]);
    chief.is_refused(&["letters", "discard", &other], "there is no dead letter");
    switch.await_metric("orinet_dead_letters", 0.0);

    switch.stop();
    let acts = acts(&net);
    assert_told(&acts, "chief", "send message 18 again to ZC", "message 18 goes again to ZC");
    assert_told(&acts, "chief", "send message 999 again", "denied");
    assert_told(&acts, "chief", &format!("show letter {letter}"), "shown");
    assert_told(&acts, "chief", &format!("send letter {letter} again, changed"), "went on, changed");
    assert_told(
        &acts,
        "chief",
        &format!("send letter {letter} again, changed"),
        "denied: the message would be refused",
    );
    assert_told(&acts, "chief", &format!("discard letter {other}"), "off the list");
    assert!(acts.iter().all(|act| !format!("{act:?}").contains("CHANGED\"")), "no text of a message is told");
}

#[test]
fn a_reload_takes_all_or_nothing_and_links_stay_up() {
    let net = Net::new();
    let (switch, chief, _) = staffed(&net);
    let mut terminal = switch.station(TERMINAL);
    let (mut state, mut going) = (switch.station(STATE), switch.station("SS"));
    let file = net.path("network.toml");
    let good = fs::read_to_string(&file).unwrap();
    let mut sent = 0;
    let mut send = |terminal: &mut crate::station::Station| {
        sent += 1;
        terminal.send(&note(PEER, &format!("NOTE {sent:03}")));
        sent
    };
    send(&mut terminal);

    // What is wrong is told with its place, and changes nothing.
    let lines = good.lines().count();
    add(&net, "[[group]]\ncode = \"R9\"\nmembers = [\"ZQ\"]\n");
    let refused = chief.ctl(&["reload"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    let place = format!("network.toml:{}: [[group]] members: line ZQ leads to no station", lines + 4);
    assert!(refused.stderr.contains(&place), "{place}: {refused:#?}");
    send(&mut terminal);
    // So is what cannot change while the switch runs.
    fs::write(&file, good.replacen("data = \"data\"", "data = \"elsewhere\"", 1)).unwrap();
    chief.is_refused(&["reload"], "[switch] data cannot change while the switch runs");
    send(&mut terminal);
    // And what an operator did that it contradicts, unless that is to be dropped.
    fs::write(&file, &good).unwrap();
    chief.does(&["hold", "SS"]);
    remove(&net, "\"ZZUSSS000\"");
    chief.is_refused(&["reload"], "contradicts the hold of SS");
    assert!(!state.take_all().is_empty() && !going.is_closed_within(std::time::Duration::ZERO), "all links are up");
    let reloaded = chief.does(&["reload", "--drop-contradicted"]);
    assert!(reloaded.contains("stations went: SS") && reloaded.contains("dropped: the hold of SS"), "{reloaded}");
    assert!(going.is_closed_within(crate::PATIENCE), "a station that went loses its link");
    send(&mut terminal);
    // By a signal too, in the middle of traffic, with another operator.
    fs::write(&file, &good).unwrap();
    let late = operator(&net, "late", "look");
    for round in 0..100 {
        if round == 10 {
            switch.process.signal(Signal::HUP);
        }
        send(&mut terminal);
    }
    switch.await_metric("orinet_reloads_total{result=\"done\"}", 2.0);
    switch.await_metric("orinet_reloads_total{result=\"denied\"}", 3.0);
    switch.process.line(Stream::Err, "the configuration was read again and holds");
    let late = Operator { admin: switch.admin, token: late };
    assert!(late.does(&["stations"]).contains("SS"), "who came with the reload may look");
    for number in 4..=sent {
        state.take(&format!("NOTE {number:03}"));
    }
    let links = late.json(&["links"]);
    assert_eq!(links["links"].as_array().unwrap().len(), 2, "the links of stations that stayed stayed: {links}");
    switch.stop();
    let acts = acts(&net);
    assert_told(&acts, "chief", "reload", "denied: ");
    assert_told(&acts, "SIGHUP", "reload", "stations came: SS");
}

#[test]
fn a_drained_switch_takes_nothing_sends_what_waits_and_ends_when_told_to() {
    let net = Net::new();
    let (switch, chief, _) = staffed(&net);
    let mut terminal = switch.station(TERMINAL);
    terminal.send(&note(PEER, "WAITS"));
    chief.does(&["drain"]);
    assert_eq!(switch.get("/readyz").status, 503);
    let validation = terminal.post(&note(PEER, "NOT NOW"));
    let reply = terminal.reply(validation).unwrap();
    assert_eq!(reply.function(), codec::block::Function::Nack, "its sender comes again");
    let mut state = switch.station(STATE);
    state.take("WAITS");
    chief.does(&["undrain"]);
    assert_eq!(switch.get("/readyz").status, 200);
    terminal.send(&note(PEER, "TAKEN"));
    state.take("TAKEN");
    chief.does(&["drain", "--end"]);
    let finished = switch.process.end(crate::PATIENCE);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    let acts = acts(&net);
    assert_told(&acts, "chief", "drain", "nothing new is taken");
    assert_told(&acts, "chief", "undrain", "messages are taken again");
    assert_told(&acts, "switch", "stop", "orderly");
}

#[test]
fn a_directory_change_is_seen_and_dropped() {
    let net = Net::new();
    let (switch, chief, desk) = staffed(&net);
    let shown = desk.does(&["directory", "show", PEER]);
    assert!(shown.contains(PEER) && shown.contains("line"), "{shown}");
    assert!(desk.does(&["directory", "list"]).contains("as configured"));
    chief.is_refused(&["directory", "drop", PEER], "nothing was changed of ZC0010000");
    chief.is_refused(&["directory", "show", "ZC0099999"], "the directory has no ZC0099999");

    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station(STATE));
    state.send(&format!("TU.ZC0000050.OD.TXT\r\nORI/{PEER}.ACT/I"));
    state.take("CHANGED");
    assert!(desk.does(&["directory", "list"]).contains(PEER));
    terminal.send(&note(PEER, "TO NOBODY"));
    terminal.take(".19.");
    chief.does(&["directory", "drop", PEER]);
    terminal.send(&note(PEER, "AS CONFIGURED"));
    state.take("AS CONFIGURED");
    switch.stop();
    assert_told(&acts(&net), "chief", &format!("drop what was changed of {PEER} in the directory"), "is as configured");
}

#[test]
fn wrong_usage_is_told_before_anything_is_asked() {
    let net = Net::new();
    let token = operator(&net, "chief", "look");
    let here: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let nobody = Operator { admin: here, token: token.clone() };
    nobody.is_refused(&["stations"], "no switch answers on 127.0.0.1:9");
    let far = Operator { admin: "192.0.2.1:7070".parse().unwrap(), token: token.clone() };
    assert_eq!(far.ctl(&["stations"]).code, Some(64));
    let none = Operator { admin: here, token: net.path("none") };
    assert_eq!(none.ctl(&["stations"]).code, Some(64));
    let bare = run(orinet().args(["ctl", "stations"]).env_remove("ORINET_TOKEN_FILE"));
    assert!(bare.code == Some(64) && bare.stderr.contains("--token-file"), "{bare:#?}");
    let twice = run(orinet().args(["ctl", "token", "--out"]).arg(&token));
    assert!(twice.code == Some(64), "a token is not overwritten: {twice:#?}");
    let right = run(orinet().args(["ctl", "token", "--rights", "everything", "--out"]).arg(net.path("more")));
    assert!(right.code == Some(64) && right.stderr.contains("look, route, letters"), "{right:#?}");
}

#[test]
fn the_demo_has_an_operator_and_says_how_to_be_one() {
    let demo = Demo::start();
    let chief = Operator { admin: demo.admin, token: demo.path("operator.token") };
    let me = chief.does(&["me"]);
    assert!(me.contains("demo") && me.contains("control"), "{me}");
    assert!(chief.does(&["stations"]).contains("ZA"));
    demo.process.line(Stream::Out, "operator.token stations");
    demo.interrupt();
}
