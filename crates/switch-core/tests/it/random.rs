//! Random traffic against a model that stands outside: links that come and go, receivers that refuse or never answer, a
//! store that lags, fills up and loses what is not durable when the switch is killed.
//!
//! `SIM_SEED=n` replays one seed, which every failure prints; `SIM_SEEDS=n` runs so many.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use codec::legacy::parse_output;
use codec::time::{Tick, Timestamp};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use switch_core::effect::{ConfirmationId, Effect};
use switch_core::reading::{Act, CopyTo, Reading, read};
use switch_core::{
    Action, Command, Delivery, Event, Folds, LinkId, Network, NetworkConfig, Now, Observation, Reload, Reply, Request,
    Sequence, Switch, Token,
};

use crate::checkpoints::{Checkpoint, fold};
use crate::network::{attached, detached, dictionary, name, other_config};
use crate::operators;

const SEEDS: u64 = 300;
const STEPS: usize = 400;
/// Who is there, and the ORI it sends as.
const STATIONS: [(&str, &str); 3] = [("ZA0010000", "ZA0010000"), ("ZB", "ZB0010000"), ("ZC", "ZC0020000")];
const ADDRESSES: [&str; 6] = ["ZA0010000", "ZB0010000", "ZC0020000", "ZC", "ZC0010000.ZB", "R1"];

#[test]
fn nothing_acknowledged_is_lost_whatever_happens() {
    let seeds = std::env::var("SIM_SEEDS").map_or(SEEDS, |seeds| seeds.parse().expect("SIM_SEEDS is a number"));
    let seeds = match std::env::var("SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("SIM_SEED is a number")],
        Err(_) => (0..seeds).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| World::new(seed).run());
        if let Err(panic) = outcome {
            let why = panic.downcast_ref::<String>().map_or("a broken assertion", String::as_str);
            panic!("SIM_SEED={seed} {why}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_actions() {
    for seed in 0..10 {
        assert_eq!(World::new(seed).run(), World::new(seed).run(), "SIM_SEED={seed}");
    }
}

/// What the checks above would miss if the traffic did nothing.
#[test]
fn random_traffic_changes_states_directory_help_and_confirmations() {
    let logs: Vec<String> = (0..SEEDS).flat_map(|seed| World::new(seed).run()).collect();
    for what in ["Restated {", "Overdue {", "key: TA,", "key: TU,", "key: TR,", "key: YQ,", "key: YR,", "key: ECHO,"] {
        assert!(logs.iter().any(|line| line.contains(what) && line.contains("Observe(")), "{what} never happened");
    }
}

/// Little memory and little room to hold, so that bodies are loaded and messages turned away.
fn tight_network(words: &[&str]) -> NetworkConfig {
    let mut config = other_config(words);
    config.limits.body_cache_bytes = 2_000;
    config.stations.iter_mut().filter(|station| station.name == name("ZC")).for_each(|zc| zc.hold_bytes = 5_000);
    config
}

fn arranged(config: &NetworkConfig) -> Arc<Network> {
    Arc::new(Network::new(config.clone(), &dictionary()).unwrap())
}

/// The networks that reloads go between: one without a station, one with another, one without states.
const NETWORKS: [&[&str]; 4] = [&[], &["without", "ZB"], &["with", "ZD"], &["states"]];
/// What operators do, but for reloads.
const OPERATORS: [&str; 14] = [
    "hold ZB",
    "hold ZC",
    "release ZB",
    "release ZC",
    "divert ZC ZB",
    "divert ZC ZA0010000",
    "divert ZB ZC",
    "undivert ZC",
    "undivert ZB",
    "state ZC store AM",
    "state ZC as-configured AM",
    "drain",
    "undrain",
    "undrain",
];

/// One message of a client, by the mark in its body.
#[derive(Debug, Clone)]
struct Sent {
    station: usize,
    validation: u32,
    text: Bytes,
    acknowledged: bool,
}

struct World {
    /// As the last reload left it.
    config: NetworkConfig,
    /// As the last reload would leave it.
    next_config: Option<NetworkConfig>,
    requests: u64,
    /// Answers that came.
    replies: BTreeSet<u64>,
    /// Messages that operators changed.
    changed: u32,
    closed: Vec<LinkId>,
    rng: Pcg64,
    switch: Switch,
    time: u64,
    /// What was given to the store; the first `durable` of it survive a kill.
    journal: Vec<(u64, u8, Bytes)>,
    durable: usize,
    full: bool,
    loads: VecDeque<Sequence>,
    /// Log queries that were asked and not answered.
    searches: BTreeSet<Sequence>,
    links: BTreeMap<LinkId, Connection>,
    next_link: u64,
    sent: BTreeMap<u32, Sent>,
    tokens: BTreeMap<(LinkId, Token), u32>,
    /// Copies by validation: the mark and address of what it carried, so that neither ever changes.
    copies: BTreeMap<u32, (u32, String)>,
    delivered: BTreeSet<u32>,
    /// When the message last sent for the first time was admitted, per station, address, sender and key.
    order: BTreeMap<(usize, String, String, String), Option<usize>>,
    first_sent: BTreeSet<u32>,
    /// All actions, for comparing two runs.
    log: Vec<String>,
}

struct Connection {
    station: usize,
    window: usize,
    in_flight: Vec<(Delivery, u32)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let now = Now { tick: Tick(0), wall: Timestamp(0) };
        let config = tight_network(&[]);
        let network = arranged(&config);
        Self {
            config,
            next_config: None,
            requests: 0,
            replies: BTreeSet::new(),
            changed: 0,
            closed: Vec::new(),
            rng: Pcg64::seed_from_u64(seed),
            switch: Switch::new(Arc::clone(&network), dictionary(), Folds::new(&network), now),
            time: 0,
            journal: Vec::new(),
            durable: 0,
            full: false,
            loads: VecDeque::new(),
            searches: BTreeSet::new(),
            links: BTreeMap::new(),
            next_link: 0,
            sent: BTreeMap::new(),
            tokens: BTreeMap::new(),
            copies: BTreeMap::new(),
            delivered: BTreeSet::new(),
            order: BTreeMap::new(),
            first_sent: BTreeSet::new(),
            log: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<String> {
        for _ in 0..STEPS {
            self.time += self.rng.random_range(0..200_000);
            match self.rng.random_range(0..100) {
                0..8 => self.connect(),
                8..12 => self.disconnect(),
                12..41 => self.client_sends(),
                41..45 => self.operate(),
                45..60 => self.store_catches_up(),
                60..85 => self.receiver_answers(),
                85..88 => self.store_fills_or_opens(),
                88..90 => self.kill(),
                90..94 => self.load(),
                94..95 => self.answer(),
                95..96 => self.time += 3_600_000_000,
                _ => self.handle(Event::Timeout),
            }
        }
        self.finish();
        self.log
    }

    fn handle(&mut self, event: Event) {
        let now = Now { tick: Tick(self.time), wall: Timestamp(i64::try_from(self.time).unwrap()) };
        self.switch.handle(now, event);
        self.switch.check_invariants();
        while let Some(action) = self.switch.poll_action() {
            self.log.push(format!("{action:?}"));
            self.act(action);
        }
        for link in std::mem::take(&mut self.closed) {
            self.links.remove(&link);
            self.tokens.retain(|(of, _), _| *of != link);
            self.handle(detached(link, None));
        }
    }

    /// An operator does something, sensible or not.
    fn operate(&mut self) {
        let command = match self.rng.random_range(0..20) {
            0..2 => {
                let words = NETWORKS[self.rng.random_range(0..NETWORKS.len())];
                return self.reload(words);
            }
            2..5 => {
                let accepted = self.journal[..self.durable].iter().filter(|(_, kind, _)| *kind == 1).count();
                format!("again {}", self.rng.random_range(0..accepted + 2))
            }
            5..8 => {
                let letters: Vec<_> = self.switch.dead_letters().map(|(delivery, _)| delivery.number()).collect();
                let place = self.rng.random_range(0..=letters.len());
                let letter = letters.get(place).copied().unwrap_or_default();
                self.changed += 1;
                let mark = 50_000_000 + self.changed;
                match self.rng.random_range(0..4) {
                    0 => format!("discard {letter}"),
                    1 => format!("letter {letter} AM.ZB0010000.ZC.TXT\r\nMARK {mark:08}"),
                    _ => format!("letter {letter}"),
                }
            }
            _ => OPERATORS[self.rng.random_range(0..OPERATORS.len())].to_owned(),
        };
        // Only what is durable is read for a command.
        let command = operators::command(&command, &self.switch, &self.journal[..self.durable]);
        self.tell(command);
    }

    /// The network is whole again, whatever operators and messages did that it contradicts.
    fn reload_whole(&mut self) {
        let config = tight_network(&[]);
        let network = Arc::new(Network::arranged(config.clone(), &dictionary(), &self.switch.order()).unwrap());
        self.next_config = Some(config);
        let (changes, drop_contradicted) = ("the end".to_owned(), true);
        self.tell(Command::Reload(Reload { network, dictionary: dictionary(), changes, drop_contradicted }));
        assert!(self.next_config.is_none(), "a reload that drops what it contradicts is taken");
    }

    fn tell(&mut self, command: Command) {
        self.requests += 1;
        let (request, from) = (Request(self.requests), "127.0.0.1:50000".to_owned());
        self.handle(Event::Command { request, who: "desk".to_owned(), from, command });
    }

    fn reload(&mut self, words: &[&str]) {
        let config = tight_network(words);
        let network = Arc::new(Network::arranged(config.clone(), &dictionary(), &self.switch.order()).unwrap());
        let drop_contradicted = self.rng.random_bool(0.5);
        self.next_config = Some(config);
        let changes = "some".to_owned();
        self.tell(Command::Reload(Reload { network, dictionary: dictionary(), changes, drop_contradicted }));
        self.next_config = None;
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Store { sequence, kind, record } => {
                assert_eq!(sequence.0, self.journal.len() as u64 + 1, "records are consecutive");
                self.journal.push((sequence.0, kind, record));
            }
            Action::Search { query, .. } => {
                assert!(query.0 <= self.durable as u64, "only what is durable is searched for");
                self.searches.insert(query);
            }
            Action::Load { sequence } => {
                assert!(sequence.0 <= self.durable as u64, "only what is durable is loaded");
                self.loads.push_back(sequence);
            }
            Action::Accept { link, token } => {
                let mark = self.tokens.remove(&(link, token)).expect("a message is answered once");
                self.sent.get_mut(&mark).unwrap().acknowledged = true;
                let mut durable = self.journal[..self.durable].iter().filter(|(_, kind, _)| matches!(kind, 1 | 2));
                assert!(
                    durable.any(|(.., record)| mark_of(record) == mark),
                    "{mark} was acknowledged before it was on disk"
                );
            }
            Action::Refuse { link, token, .. } => {
                self.tokens.remove(&(link, token)).expect("a message is answered once");
            }
            Action::Deliver { link, delivery, bytes } => self.deliver(link, delivery, &bytes),
            Action::Reply { request, reply } => {
                assert!(self.replies.insert(request.0), "a command is answered once");
                if let Reply::Done(done) = reply {
                    assert!(done.record.0 <= self.durable as u64, "only what is durable is done");
                }
            }
            Action::Close { link, .. } => self.closed.push(link),
            Action::Observe(Observation::Reloaded) => self.config = self.next_config.take().expect("one was read"),
            Action::Pause { .. } | Action::Resume { .. } | Action::Observe(_) => {}
        }
    }

    fn deliver(&mut self, link: LinkId, delivery: Delivery, bytes: &[u8]) {
        let output = parse_output(bytes).expect("what the switch sends can be read");
        let validation = delivery.validation().get();
        let mark = mark_of(output.body);
        let again = self.is_sent_again(validation);
        let connection = self.links.get_mut(&link).expect("a copy goes to a link that is up");
        connection.in_flight.push((delivery, validation));
        assert!(connection.in_flight.len() <= connection.window, "more in flight than the window");
        let identity = (mark, format!("{} {}", output.key, output.destination));
        let known = self.copies.entry(validation).or_insert_with(|| identity.clone());
        assert_eq!(*known, identity, "a validation never changes its copy");
        // An answer of a help file is a flow of its own, as all that the switch says.
        let answer = output.sender.as_str().ends_with("HELP");
        if self.first_sent.insert(validation) && !again && output.key.as_str() == "AM" && !answer {
            let flow =
                (connection.station, output.destination.into(), output.sender.to_string(), output.key.to_string());
            let admitted = self.journal.iter().position(|(_, kind, record)| *kind == 1 && mark_of(record) == mark);
            let last = self.order.insert(flow, admitted);
            assert!(last.is_none_or(|last| last <= admitted), "{mark} was first sent after a later one");
        }
    }

    /// What an operator sends again comes after what was sent since.
    fn is_sent_again(&self, validation: u32) -> bool {
        self.journal.iter().filter(|(_, kind, _)| *kind == 8).any(|(sequence, kind, record)| {
            let Ok(Reading::Act(act)) = read(*sequence, *kind, record.clone()) else { return false };
            let mut copies = act.again.iter().flat_map(|again| &again.copies);
            copies.any(|copy| copy.delivery.validation().get() == validation)
        })
    }

    fn connect(&mut self) {
        let station = self.rng.random_range(0..STATIONS.len());
        self.next_link += 1;
        let (link, window) = (LinkId(self.next_link), self.rng.random_range(1..5));
        self.links.insert(link, Connection { station, window, in_flight: Vec::new() });
        self.handle(attached(link, STATIONS[station].0));
        self.handle(Event::Room { link, messages: window });
    }

    fn any_link(&mut self) -> Option<LinkId> {
        let place = self.rng.random_range(0..self.links.len().max(1));
        self.links.keys().nth(place).copied()
    }

    fn disconnect(&mut self) {
        if let Some(link) = self.any_link() {
            self.links.remove(&link);
            self.tokens.retain(|(of, _), _| *of != link);
            self.handle(detached(link, None));
        }
    }

    fn client_sends(&mut self) {
        let Some(link) = self.any_link() else { return };
        let station = self.links[&link].station;
        // Half of the time something that was never acknowledged, as a client would after it came back.
        let again = self.sent.iter().filter(|(_, sent)| sent.station == station && !sent.acknowledged);
        let again: Vec<u32> =
            again.map(|(mark, _)| *mark).filter(|mark| !self.tokens.values().any(|m| m == mark)).collect();
        let mark = if !again.is_empty() && self.rng.random_bool(0.5) {
            again[self.rng.random_range(0..again.len())]
        } else {
            self.compose(station)
        };
        let Sent { validation, text, .. } = self.sent[&mark].clone();
        let token = Token(u64::from(validation) << 32 | self.log.len() as u64);
        self.tokens.insert((link, token), mark);
        self.handle(Event::Received { link, token, validation, message: text });
    }

    fn compose(&mut self, station: usize) -> u32 {
        let mark = u32::try_from(self.sent.len()).unwrap() + 1;
        let address = ADDRESSES[self.rng.random_range(0..ADDRESSES.len())];
        let key = ["AM", "AM", "AM", "AML", "SM", "QQ", "NLQ", "RULE"][self.rng.random_range(0..8)];
        let sender = STATIONS[station].1;
        let text = match key {
            "NLQ" => {
                let fields = format!("TYP/ALL.BEG/19700101.END/19700101.FND/MARK {mark:08}");
                format!("NLQ.{sender}.NL.*C{mark}.TXT\r\n{fields}")
            }
            "RULE" => self.compose_change(sender, mark),
            _ => format!("{key}.{sender}.{address}.*C{mark}.TXT\r\nMARK {mark:08}"),
        };
        self.sent.insert(mark, Sent { station, validation: mark, text: text.into(), acknowledged: false });
        mark
    }

    /// Something that changes more than what waits: states, the directory, a help file, hit confirmations.
    fn compose_change(&mut self, sender: &str, mark: u32) -> String {
        let mut one_of = |choices: &[&'static str]| choices[self.rng.random_range(0..choices.len())];
        let (record, case) = (one_of(&["N000000001", "N000000002", "NONE"]), one_of(&["CASE1", "CASE2"]));
        let party = "RNA/SGT TEST ONE.RAG/TEST PD";
        match one_of(&[
            "SM", "SM", "YQ", "YQ", "YR", "YR", "HELP", "TA", "TA", "TU", "TU", "TQ", "UPDT", "APND", "ECHO",
        ]) {
            "SM" => {
                let state =
                    one_of(&["OUT OF SERVICE", "IN SERVICE", "OUT OF SERVICE FOR AM", "IN SERVICE FOR AML, AM"]);
                format!("SM.{sender}.NL.ZB.TXT\r\n{state}\r\nMARK {mark:08}")
            }
            "YQ" => {
                let (to, request) = (one_of(&["ZA0010000", "ZC0020000.ZA0010000"]), one_of(&["1", "2"]));
                format!(
                    "YQ.{sender}.{to}.*C{mark}.TXT\r\nRTY/WP.RNO/{request}.PRI/{}.OCA/{case}.NIC/{record}.\
                     NAM/SAMPLE, PERSON A.DOB/19500102.{party}.REM/MARK {mark:08}",
                    one_of(&["U", "R"])
                )
            }
            "YR" => {
                let (to, outcome) = (one_of(&["ZA0010000", "ZC0020000"]), one_of(&["Y", "N", "P.TIM/30M", "P.TIM/1H"]));
                format!(
                    "YR.{sender}.{to}.TXT\r\nRTY/WP.RNO/1.PRI/U.OCA/{case}.NIC/{record}.RES/{outcome}.\
                     {party}.REM/MARK {mark:08}"
                )
            }
            key @ ("TA" | "TU") => {
                let active = one_of(&["A", "I"]);
                let rest = "LOC/SAMPLE.TYP/PD.AUT/A.HRS/A.PHO/5555550150";
                let ori = one_of(&["ZA0050000", "ZA0060000"]);
                format!("{key}.{sender}.OD.TXT\r\nORI/{ori}.{rest}.ACT/{active}.REM/MARK {mark:08}")
            }
            "TQ" => format!("TQ.{sender}.OD.TXT\r\nLOC/MARK {mark:08}"),
            "ECHO" => format!("ECHO.{sender}.NL.TXT\r\nMARK {mark:08}"),
            function => format!("AM.{sender}.ZAORI{function}.TXT\r\nMARK {mark:08}"),
        }
    }

    fn store_catches_up(&mut self) {
        if !self.full && self.durable < self.journal.len() {
            self.durable = self.rng.random_range(self.durable..self.journal.len()) + 1;
            self.handle(Event::Stored { through: Sequence(self.durable as u64) });
        }
    }

    fn store_fills_or_opens(&mut self) {
        self.full = !self.full;
        self.handle(if self.full { Event::StoreFull } else { Event::StoreOpen });
    }

    fn receiver_answers(&mut self) {
        let Some(link) = self.any_link() else { return };
        let connection = self.links.get_mut(&link).unwrap();
        if connection.in_flight.is_empty() {
            return;
        }
        let place = self.rng.random_range(0..connection.in_flight.len());
        let (delivery, validation) = connection.in_flight.remove(place);
        if self.rng.random_bool(0.97) {
            self.delivered.insert(validation);
            self.handle(Event::Delivered { link, delivery });
        } else {
            self.handle(Event::Failed { link, delivery });
        }
        let connection = &self.links[&link];
        let messages = connection.window - connection.in_flight.len();
        self.handle(Event::Room { link, messages });
    }

    fn load(&mut self) {
        if let Some(sequence) = self.loads.pop_front() {
            let (_, kind, record) = self.journal[usize::try_from(sequence.0).unwrap() - 1].clone();
            self.handle(Event::Loaded { sequence, kind, record });
        }
    }

    /// The archive answers the query that it was asked last.
    fn answer(&mut self) {
        if let Some(query) = self.searches.pop_last() {
            let (_, _, record) = &self.journal[usize::try_from(query.0).unwrap() - 1];
            let body = format!("MARK {:08} FOUND", mark_of(record));
            self.handle(Event::Found { query, body: body.into() });
            // An answer that comes twice is nobody's.
            self.handle(Event::Found { query, body: "AGAIN".into() });
        }
    }

    /// Killed and started again: what was not durable may or may not be there, and all links are gone.
    fn kill(&mut self) {
        let kept = self.rng.random_range(self.durable..=self.journal.len());
        self.journal.truncate(kept);
        self.durable = kept;
        self.full = false;
        self.loads.clear();
        self.searches.clear();
        self.links.clear();
        self.tokens.clear();
        // A start from a checkpoint of any moment must know what a start from the first record knows.
        let (before, after) = self.journal.split_at(self.rng.random_range(0..=kept));
        let network = arranged(&self.config);
        let checkpoint = Checkpoint::of(&fold(Folds::new(&network), before));
        let folds = fold(checkpoint.restore(&network).unwrap(), after);
        let whole = fold(Folds::new(&network), &self.journal);
        assert_eq!(Checkpoint::of(&folds), Checkpoint::of(&whole), "a checkpoint after {} records", before.len());
        let now = Now { tick: Tick(self.time), wall: Timestamp(i64::try_from(self.time).unwrap()) };
        self.switch = Switch::new(network, dictionary(), folds, now);
        while let Some(action) = self.switch.poll_action() {
            self.act(action);
        }
        // A delivery whose mark is lost is none: the copy is sent again, or returned.
        let marked = self.journal.iter().filter_map(|(sequence, kind, record)| {
            let Reading::Delivered { marks } = read(*sequence, *kind, record.clone()).unwrap() else { return None };
            Some(marks)
        });
        self.delivered = marked.flatten().map(|mark| mark.delivery.validation().get()).collect();
        self.handle(Event::Timeout);
    }

    /// Everybody is there and takes everything: then every copy must have ended.
    fn finish(&mut self) {
        if self.full {
            self.store_fills_or_opens();
        }
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.links.remove(&link);
            self.tokens.retain(|(of, _), _| *of != link);
            self.handle(detached(link, None));
        }
        self.reload_whole();
        for command in ["undrain", "release ZB", "release ZC", "undivert ZC", "undivert ZB"] {
            self.tell(operators::command(command, &self.switch, &self.journal));
        }
        for (station, _) in STATIONS.iter().enumerate() {
            self.next_link += 1;
            let link = LinkId(self.next_link);
            self.links.insert(link, Connection { station, window: 32, in_flight: Vec::new() });
            self.handle(attached(link, STATIONS[station].0));
            self.handle(Event::Room { link, messages: 32 });
        }
        // What waits for ZB in the state *store* ends by its hold.
        for round in 0..10_000 {
            self.time += 100_000_000;
            self.durable = self.journal.len();
            self.handle(Event::Stored { through: Sequence(self.durable as u64) });
            while !self.loads.is_empty() {
                self.load();
            }
            while !self.searches.is_empty() {
                self.answer();
            }
            for link in self.links.keys().copied().collect::<Vec<_>>() {
                for (delivery, validation) in std::mem::take(&mut self.links.get_mut(&link).unwrap().in_flight) {
                    self.delivered.insert(validation);
                    self.handle(Event::Delivered { link, delivery });
                }
                self.handle(Event::Room { link, messages: 32 });
            }
            self.handle(Event::Timeout);
            if self.switch.stations().all(|station| station.bytes == 0) && self.durable == self.journal.len() {
                break;
            }
            assert!(round < 9_999, "something waits for ever: {:?}", self.switch.stations().collect::<Vec<_>>());
        }
        self.account();
    }

    /// Every acknowledged message is in the journal, and each of its copies was delivered or is a dead letter, never
    /// both and never neither.
    fn account(&self) {
        let received: Vec<u32> =
            self.journal.iter().filter(|(_, kind, _)| matches!(kind, 1 | 2)).map(|(.., r)| mark_of(r)).collect();
        let once: BTreeSet<u32> = received.iter().copied().collect();
        assert_eq!(once.len(), received.len(), "a message was admitted twice");
        for (mark, sent) in &self.sent {
            assert!(!sent.acknowledged || once.contains(mark), "message {mark} was acknowledged and is lost");
        }
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        for (sequence, kind, record) in &self.journal {
            let reading = read(*sequence, *kind, record.clone()).unwrap();
            if let Reading::Accepted { reception, .. } = &reading
                && reception.key.unwrap().as_str() == "NLQ"
            {
                asked.push(*sequence);
            } else if let Reading::Answered { query, .. } = reading {
                answered.push(query.0);
            }
        }
        answered.sort_unstable();
        assert_eq!(answered, asked, "each log query is answered once");
        self.account_for_confirmations();
        let (mut dead, mut letters, mut admitted) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (sequence, kind, record) in &self.journal {
            let reading = read(*sequence, *kind, record.clone()).unwrap();
            let mut admit =
                |copy: &CopyTo| assert!(admitted.insert(copy.delivery), "{:?} is used twice", copy.delivery);
            #[expect(clippy::wildcard_enum_match_arm, reason = "the others admit no message")]
            match &reading {
                Reading::Returned { delivery, .. } => {
                    dead.insert(delivery.validation().get());
                    letters.insert(*delivery);
                }
                Reading::Accepted { copies, .. } => copies.iter().for_each(&mut admit),
                Reading::Act(act) => act.again.iter().flat_map(|again| &again.copies).for_each(&mut admit),
                _ => {}
            }
            let (Reading::Accepted { effects, .. } | Reading::Act(Act { effects, .. })) = &reading else { continue };
            for effect in effects {
                if let Effect::LetterDiscarded { delivery } = effect {
                    assert!(letters.remove(delivery), "only a dead letter is sent again or discarded");
                }
            }
        }
        let listed: BTreeSet<_> = self.switch.dead_letters().map(|(delivery, _)| delivery).collect();
        assert_eq!(listed, letters, "dead letters are what was returned and not sent again or discarded");
        for delivery in admitted {
            let validation = delivery.validation().get();
            let ends = (self.delivered.contains(&validation), dead.contains(&validation));
            assert!(ends.0 != ends.1, "copy {validation} ended {ends:?}");
        }
        for (validation, (mark, address)) in &self.copies {
            let ends = (self.delivered.contains(validation), dead.contains(validation));
            assert!(ends.0 != ends.1, "copy {validation} of {mark} to {address} ended {ends:?}");
        }
    }
}

impl World {
    /// Each confirmation that was asked for was answered, replaced, is due, or was told to be overdue, once and not before.
    fn account_for_confirmations(&self) {
        let mut open: BTreeMap<ConfirmationId, (Timestamp, String, String)> = BTreeMap::new();
        for (sequence, kind, record) in &self.journal {
            let reading = read(*sequence, *kind, record.clone()).unwrap();
            if let Reading::Overdue { id, at, notices } = &reading {
                let (due, ..) = open.get(id).expect("what is overdue was asked for");
                assert!(due <= at && due.0 > 0, "{id:?} is told at {at:?}, and due at {due:?}");
                assert_eq!(notices.len(), 2, "both parties are told");
                // Told once: unless it is put off again, it is not due any more.
                open.get_mut(id).unwrap().0 = Timestamp(0);
            }
            let Reading::Accepted { effects, .. } = reading else { continue };
            for effect in effects {
                #[expect(clippy::wildcard_enum_match_arm, reason = "the others are no confirmations")]
                match effect {
                    Effect::Asked(asked) => {
                        let ours = |id: &ConfirmationId| (id.asked, id.asker) == (asked.id.asked, asked.id.asker);
                        open.retain(|id, (_, record, case)| {
                            !ours(id) || (&*record, &*case) != (&asked.record, &asked.case)
                        });
                        assert!(open.insert(asked.id, (asked.due, asked.record, asked.case)).is_none());
                    }
                    Effect::Answered(id) => assert!(open.remove(&id).is_some(), "what is answered was asked for"),
                    Effect::Extended { id, due } => open.get_mut(&id).expect("what is put off was asked for").0 = due,
                    _ => {}
                }
            }
        }
        let late = i64::try_from(self.time).unwrap() - 200_000_000;
        for (id, (due, ..)) in open {
            assert!(due.0 == 0 || due.0 > late, "{id:?} was due at {due:?}, and nobody was told");
        }
    }
}

/// The number after `MARK ` in a body or a record.
fn mark_of(bytes: &[u8]) -> u32 {
    let text = String::from_utf8_lossy(bytes);
    let digits = text.split("MARK ").nth(1).and_then(|rest| rest.get(..8));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
