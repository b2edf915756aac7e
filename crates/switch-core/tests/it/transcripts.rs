//! Golden transcripts: `tests/it/transcripts/*.txt`.
//!
//! A line that begins with `>` is an event; the lines with `<` after it are the actions that come of it. Times are in
//! seconds since the start, which is 2030-01-31 15:00 UTC. Files that begin with `family-` have a network of their own, and so have
//! those with `niem-`, `ofml-` and `short-`; in the last, periods and bounds are small. `UPDATE_TRANSCRIPTS=1` writes what happens instead of comparing, `UPDATE_TRANSCRIPTS=niem-` only for
//! files that begin so; read the difference before you keep it.
//!
//! ```text
//! > 0.5 attach 1 ZA0010000
//! > 0.6 receive 1 7 AM.ZA0010000.ZC0010000.TXT\r\nHELLO      link, validation (also the token), message as `written` has it
//! > 0.7 stored                                              all of it; stored 1: the first record alone
//! > 0.8 found 2 SM NOT ON FILE                                the query's record, the answer
//! > 0.9 act operator stop done · pruned 5
//! > 0.9 full · open · drain · timeout · detach 1 (or, with its suspect, detach 1 5) · room 1 32 · ack 1 5 · fail 1 5 · load
//! > 0.9 op chief hold ZC                                     the commands of `operators::command`, reload and explain
//! > 1.0 restart                                             or, with the last record that is on disk, restart 5
//! > 1.0 checkpoint                                          the same, from a checkpoint in place of the journal
//! ```

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use codec::name::StationName;
use codec::time::{Tick, Timestamp};
use switch_core::{
    Action, Delivery, Event, Folds, Kind, LinkId, LogQuery, LogRequest, LogSearch, Network, NetworkConfig, Now,
    Observation, Request, Sequence, Switch, Token,
};

use crate::checkpoints::{Checkpoint, fold};
use crate::families;
use crate::network::{attached, detached, dictionary, network, short_config};
use crate::{ofml, operators, sentences, written};

const START: i64 = 1_896_102_000_000_000;

#[test]
fn transcripts_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let network = match name.split_once('-') {
            Some(("family", _)) => families::network(),
            Some(("niem", _)) => families::niem_network(),
            Some(("ofml", _)) => ofml::network(),
            Some(("short", _)) => Arc::new(Network::new(short_config(), &dictionary()).unwrap()),
            _ => network(),
        };
        let played = play(&text, network);
        if let Ok(which) = std::env::var("UPDATE_TRANSCRIPTS") {
            if which == "1" || name.starts_with(&which) {
                std::fs::write(&file, &played).unwrap();
            }
            continue;
        }
        for (number, (expected, got)) in text.lines().zip(played.lines()).enumerate() {
            assert_eq!(expected, got, "{}:{}", file.display(), number + 1);
        }
        assert_eq!(text.lines().count(), played.lines().count(), "{}", file.display());
    }
}

#[test]
fn every_sentence_of_a_refusal_is_in_a_transcript() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts");
    let texts = std::fs::read_dir(tests).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let texts: Vec<String> = texts.collect();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let all = sentences::all(crates);
    assert!(all.len() > 100, "the sources are read: {}", all.len());
    let mut missing = Vec::new();
    for one in all {
        if !texts.iter().flat_map(|text| sentences::said(text)).any(|line| one.is_in(line)) {
            missing.push(format!("{}: {:?}", one.source, one.text));
        }
    }
    assert!(missing.is_empty(), "no transcript says\n{}", missing.join("\n"));
}

/// Plays the events of a transcript and writes the transcript that comes of them.
fn play(text: &str, network: Arc<Network>) -> String {
    let mut player = Player::new(network);
    let mut out = String::new();
    for line in text.lines() {
        if let Some(event) = line.strip_prefix("> ") {
            writeln!(out, "{line}").unwrap();
            out.push_str(&player.event(event));
        } else if !line.starts_with("< ") && !line.starts_with("  ") {
            writeln!(out, "{line}").unwrap();
        }
    }
    out
}

struct Player {
    network: Arc<Network>,
    switch: Switch,
    journal: Vec<(u64, u8, Bytes)>,
    loads: Vec<Sequence>,
    requests: u64,
    /// What the last reload would go on with.
    reloaded: Option<(Arc<Network>, NetworkConfig)>,
}

impl Player {
    fn new(network: Arc<Network>) -> Self {
        let now = Now { tick: Tick(0), wall: Timestamp(START) };
        let switch = Switch::new(Arc::clone(&network), dictionary(), Folds::new(&network), now);
        Self { network, switch, journal: Vec::new(), loads: Vec::new(), requests: 0, reloaded: None }
    }

    fn event(&mut self, text: &str) -> String {
        let mut words = text.splitn(5, ' ');
        let seconds: f64 = words.next().unwrap().parse().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "a test's times are small")]
        let micros = (seconds * 1e6).round() as i64;
        let now = Now { tick: Tick(micros.unsigned_abs()), wall: Timestamp(START + micros) };
        let what = words.next().unwrap();
        // An operator's command is the rest of the line.
        let rest = text.splitn(4, ' ').nth(3).unwrap_or_default();
        let mut number = || words.next().unwrap().parse::<u64>().unwrap();
        let event = match what {
            "attach" => {
                let link = LinkId(number());
                attached(link, words.next().unwrap())
            }
            "detach" => {
                let link = LinkId(number());
                let suspect = words.next().map(|number| Delivery::from_number(number.parse().unwrap()));
                detached(link, suspect)
            }
            "receive" => {
                let (link, validation) = (number(), number());
                let message = written::bytes(words.next().unwrap());
                Event::Received {
                    link: LinkId(link),
                    token: Token(validation),
                    validation: u32::try_from(validation).unwrap(),
                    message: message.into(),
                }
            }
            "ack" => Event::Delivered { link: LinkId(number()), delivery: Delivery::from_number(number()) },
            "fail" => Event::Failed { link: LinkId(number()), delivery: Delivery::from_number(number()) },
            "room" => {
                let link = LinkId(number());
                Event::Room { link, messages: usize::try_from(number()).unwrap() }
            }
            "stored" => {
                let through = words.next().map_or(self.journal.len() as u64, |number| number.parse().unwrap());
                Event::Stored { through: Sequence(through) }
            }
            "found" => {
                let query = Sequence(number());
                let body = words.collect::<Vec<_>>().join(" ").replace("\\r\\n", "\r\n");
                Event::Found { query, body: body.into() }
            }
            "act" => {
                let mut text = || words.next().unwrap().to_owned();
                Event::Act { who: text(), from: String::new(), what: text(), result: text() }
            }
            "op" => {
                let who = words.next().unwrap().to_owned();
                let parts: Vec<_> = rest.split(' ').collect();
                if let Some(asked) = rest.strip_prefix("explain ") {
                    let (station, text) = asked.split_once(' ').unwrap();
                    return operators::explained(&self.switch, station, text);
                }
                let command = if parts[0] == "reload" {
                    let (command, arranged, config) = operators::reload(&self.switch, &self.network, &parts[1..]);
                    self.reloaded = Some((arranged, config));
                    command
                } else {
                    operators::command(rest, &self.switch, &self.journal)
                };
                self.requests += 1;
                Event::Command { request: Request(self.requests), who, from: "127.0.0.1:50000".to_owned(), command }
            }
            "pruned" => Event::Pruned { first: Sequence(number()) },
            "full" => Event::StoreFull,
            "open" => Event::StoreOpen,
            "drain" => Event::Draining,
            "timeout" => Event::Timeout,
            "load" => {
                let sequence = self.loads.remove(0);
                let (_, kind, record) = self.journal.iter().find(|(at, ..)| *at == sequence.0).unwrap();
                Event::Loaded { sequence, kind: *kind, record: record.clone() }
            }
            "restart" | "checkpoint" => {
                let kept = words.next().map_or(self.journal.len(), |number| number.parse().unwrap());
                self.journal.truncate(kept);
                self.loads.clear();
                let folds = fold(Folds::new(&self.network), &self.journal);
                let checkpoint = Checkpoint::of(&folds).restore(&self.network).unwrap();
                assert_eq!(Checkpoint::of(&checkpoint), Checkpoint::of(&folds), "a checkpoint says the same");
                let folds = if what == "checkpoint" { checkpoint } else { folds };
                self.switch = Switch::new(Arc::clone(&self.network), dictionary(), folds, now);
                Event::Timeout
            }
            other => panic!("no such event: {other}"),
        };
        self.switch.handle(now, event);
        self.switch.check_invariants();
        let mut out = String::new();
        while let Some(action) = self.switch.poll_action() {
            if let Action::Store { sequence, kind, record } = &action {
                self.journal.push((sequence.0, *kind, record.clone()));
            } else if let Action::Load { sequence } = &action {
                self.loads.push(*sequence);
            } else if action == Action::Observe(Observation::Reloaded) {
                // After a restart the stations are in the order of the file again.
                let (_, config) = self.reloaded.take().unwrap();
                self.network = Arc::new(Network::new(config, &dictionary()).unwrap());
            }
            print(&mut out, &action);
        }
        self.switch.check_invariants();
        out
    }
}

fn print(out: &mut String, action: &Action) {
    match action {
        Action::Store { sequence, kind, record } => {
            let kind = Kind::from_number(*kind).unwrap().as_str();
            writeln!(out, "< store {} {kind} {} bytes", sequence.0, record.len())
        }
        Action::Load { sequence } => writeln!(out, "< load {}", sequence.0),
        Action::Search { query, request: LogQuery { station, asks } } => match asks {
            LogRequest::Text { msn } => writeln!(out, "< search {} for {station}: message {}", query.0, msn.0),
            LogRequest::List(LogSearch { keys, source, destination, begin, end, find, and, or, name }) => {
                let address = |name: &Option<StationName>| name.map_or("-".to_owned(), |name| name.to_string());
                let (source, destination) = (address(source), address(destination));
                let (begin, end) = (begin.0 / 1_000_000, end.0 / 1_000_000);
                writeln!(
                    out,
                    "< search {} for {station}: {keys:?} from {source} to {destination}, {begin} to {end}, \
                     find {find:?} and {and:?} or {or:?}, name {name:?}",
                    query.0
                )
            }
        },
        Action::Accept { link, token } => writeln!(out, "< accept {} {}", link.0, token.0),
        Action::Refuse { link, token, why } => writeln!(out, "< refuse {} {} {why:?}", link.0, token.0),
        Action::Deliver { link, delivery, bytes } => {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let lines = text.replace("\r\n\u{7f}", "⏎\n").replace("\r\n", "␍␊\n");
            let lines: String = lines.trim_end_matches('\n').lines().map(|line| format!("  {line}\n")).collect();
            write!(out, "< deliver {} {} {:08X}\n{lines}", link.0, delivery.number(), delivery.validation())
        }
        Action::Pause { link } => writeln!(out, "< pause {}", link.0),
        Action::Resume { link } => writeln!(out, "< resume {}", link.0),
        Action::Close { link, why } => writeln!(out, "< close {} {why:?}", link.0),
        Action::Reply { request, reply } => writeln!(out, "< reply {} {}", request.0, operators::shown(reply)),
        Action::Observe(observation) => writeln!(out, "< observe {observation:?}"),
    }
    .unwrap();
}
