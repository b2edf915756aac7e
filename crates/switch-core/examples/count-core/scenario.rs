//! A switch under steady traffic, without a disk and a network: what one message costs in the core.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use codec::dictionary::{Authorization, Dictionary};
use codec::name::{Line, MessageKey, Ori, StationName};
use codec::time::{Tick, Timestamp};
use switch_core::{
    Action, Delivery, Event, Folds, LinkId, Network, NetworkConfig, Now, OriConfig, Section, Sections, Sequence,
    StationConfig, Switch, Token, Verified,
};

/// An IAQ of the usual size.
const INQUIRY: &[u8] = b"IAQ.ZA0010000.AX.*T0000001AA.TXT\r\nPUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\r\nPOB/MM.CUS/Y.OFF/0399.ARN/000000001";

/// A terminal that asks and a center that takes, both connected.
pub(crate) struct Scenario {
    network: Arc<Network>,
    switch: Switch,
    time: u64,
    validation: u32,
    stored: u64,
    /// Who asks in a large network, by which link.
    senders: Vec<(LinkId, Ori)>,
    /// What the center has, in a large network.
    in_flight: VecDeque<Delivery>,
}

impl Scenario {
    /// Both stations are up.
    pub(crate) fn new() -> Self {
        let station = |name: &str, line: &str| StationConfig {
            lines: vec![Line::parse(line).expect("a line")],
            accepts: [MessageKey::parse("IAQ").expect("a key")].into(),
            ..StationConfig::new(StationName::parse(name).expect("a name"))
        };
        let agency = OriConfig {
            authorization: vec![Authorization::Administrative, Authorization::CriminalHistory],
            ..OriConfig::new(Ori::parse("ZA0010000").expect("an ORI"), Line::parse("ZA").expect("a line"))
        };
        let config = NetworkConfig {
            stations: vec![station("ZA", "ZA"), station("AX", "AX")],
            oris: vec![agency],
            ..NetworkConfig::default()
        };
        Self::of(config, &["ZA", "AX"])
    }

    /// 315 stations that are up, 50,000 agencies, 100,000 messages that wait for the center; some entries of the directory,
    /// some states and help files changed, some hit confirmations open.
    pub(crate) fn large() -> Self {
        const STATIONS: usize = 315;
        const AGENCIES: usize = 50_000;
        const WAITING: usize = 100_000;
        let key = |text| MessageKey::parse(text).expect("a key");
        let lines: Vec<String> = (0..26 * 26_u8 as usize)
            .map(|n| [n / 26, n % 26].map(|n| char::from(b'A' + u8::try_from(n).expect("a letter"))).iter().collect())
            .filter(|line| !["NL", "OD", "AX"].contains(&String::as_str(line)))
            .take(STATIONS - 1)
            .chain(["AX".to_owned()])
            .collect();
        let station = |line: &String| StationConfig {
            lines: vec![Line::parse(line).expect("a line")],
            accepts: [key("IAQ"), key("YQ"), key("YR")].into(),
            ..StationConfig::new(StationName::parse(line).expect("a name"))
        };
        let agency = |n: usize| {
            let line = &lines[n % (STATIONS - 1)];
            let mut entry = OriConfig {
                authorization: vec![Authorization::Administrative, Authorization::CriminalHistory],
                ..OriConfig::new(ori_of(line, n), Line::parse(line).expect("a line"))
            };
            entry.details.name = format!("SAMPLE PLACE {n}");
            entry.details.kind = if n < STATIONS { "SA" } else { "PD" }.to_owned();
            entry
        };
        let config = NetworkConfig {
            stations: lines.iter().map(station).collect(),
            oris: (0..AGENCIES).map(agency).collect(),
            ..NetworkConfig::default()
        };
        let names: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut scenario = Self::of(config, &names);
        scenario.senders = (0..AGENCIES)
            .map(|n| (LinkId((n % (STATIONS - 1)) as u64 + 1), ori_of(&lines[n % (STATIONS - 1)], n)))
            .collect();
        for n in 0..1_000_usize {
            let (link, ori) = scenario.senders[n % (STATIONS - 1)];
            let (line, asked) = (ori.line(), scenario.senders[(n + 1) % (STATIONS - 1)].1);
            for text in [
                format!(
                    "TA.{ori}.OD.TXT\r\nORI/{}.LOC/NEW PLACE {n}.TYP/PD.AUT/AC.HRS/A.PHO/5555550100",
                    ori_of(line.as_str(), 100_000 + n)
                ),
                format!(
                    "YQ.{ori}.{asked}.TXT\r\nRTY/WP.RNO/1.PRI/R.OCA/CASE{n}.NIC/NONE.NAM/SAMPLE, PERSON A.DOB/19800102.RNA/SGT TEST.RAG/TEST PD"
                ),
                format!("SM.{ori}.NL.TXT\r\n{line} OUT OF SERVICE FOR FQ"),
                format!("AM.{ori}.{line}ORIUPDT.TXT\r\nHELP OF {line}"),
            ] {
                scenario.receive(link, text.into());
                scenario.finish();
            }
        }
        scenario.in_flight.clear();
        for _ in 0..WAITING {
            let (link, message) = scenario.inquiry();
            scenario.receive(link, message);
            let through = Sequence(scenario.stored);
            scenario.handle(Event::Stored { through });
        }
        scenario
    }

    fn of(config: NetworkConfig, names: &[&str]) -> Self {
        let dictionary = Arc::new(Dictionary::builtin().clone());
        let network = Arc::new(Network::new(config, &dictionary).expect("a network"));
        let folds = Folds::new(&network);
        let switch = Switch::new(Arc::clone(&network), dictionary, folds, now(0));
        let mut scenario = Self {
            network,
            switch,
            time: 0,
            validation: 0,
            stored: 0,
            senders: Vec::new(),
            in_flight: VecDeque::new(),
        };
        for (link, name) in (1..).zip(names) {
            let station = Verified::assertion(StationName::parse(name).expect("a name"));
            let from = ([127, 0, 0, 1], 49_152).into();
            scenario.handle(Event::Attached { link: LinkId(link), station, from, certificate: "01".to_owned() });
            scenario.handle(Event::Room { link: LinkId(link), messages: 32 });
        }
        scenario
    }

    /// An inquiry of one of many agencies, and the link it comes by.
    pub(crate) fn inquiry(&self) -> (LinkId, Bytes) {
        let (link, ori) = self.senders[self.validation as usize * 7_919 % self.senders.len()];
        let text = std::str::from_utf8(INQUIRY).expect("text").replace("ZA0010000", ori.as_str());
        (link, text.into())
    }

    /// One message is received; nothing else.
    pub(crate) fn receive(&mut self, link: LinkId, message: Bytes) -> usize {
        self.validation = self.validation.wrapping_add(1).max(1);
        let token = Token(u64::from(self.validation));
        self.handle(Event::Received { link, token, validation: self.validation, message }).len()
    }

    /// What was received is stored, and what goes out is acknowledged.
    pub(crate) fn finish(&mut self) {
        let through = Sequence(self.stored);
        for action in self.handle(Event::Stored { through }) {
            if let Action::Deliver { link, delivery, .. } = action {
                self.handle(Event::Delivered { link, delivery });
                self.handle(Event::Room { link, messages: 32 });
            }
        }
    }

    /// What was received is stored, and one of those that wait goes out.
    pub(crate) fn finish_one(&mut self) {
        let through = Sequence(self.stored);
        self.handle(Event::Stored { through });
        let link = LinkId(self.network.stations().count() as u64);
        let Some(delivery) = self.in_flight.pop_front() else { return };
        self.handle(Event::Delivered { link, delivery });
        self.handle(Event::Room { link, messages: 1 });
    }

    /// One message from its reception to the acknowledgement of its copy: five events. Returns the bytes that went out.
    pub(crate) fn message(&mut self) -> usize {
        self.validation = self.validation.wrapping_add(1).max(1);
        let message = Bytes::from_static(INQUIRY);
        let token = Token(u64::from(self.validation));
        self.handle(Event::Received { link: LinkId(1), token, validation: self.validation, message });
        let mut sent = 0;
        let through = Sequence(self.stored);
        for action in self.handle(Event::Stored { through }) {
            if let Action::Deliver { link, delivery, bytes } = action {
                sent += bytes.len();
                self.handle(Event::Delivered { link, delivery });
                self.handle(Event::Room { link, messages: 32 });
            }
        }
        sent
    }

    /// Only its reception: admission, numbers, record. The copies pile up.
    pub(crate) fn reception(&mut self) -> usize {
        self.validation = self.validation.wrapping_add(1).max(1);
        let message = Bytes::from_static(INQUIRY);
        let token = Token(u64::from(self.validation));
        self.handle(Event::Received { link: LinkId(1), token, validation: self.validation, message }).len()
    }

    /// What the journal of so many receptions adds up to.
    pub(crate) fn fold(mut self, messages: usize) -> Waiting {
        let network = Arc::clone(&self.network);
        let mut folds = Folds::new(&network);
        for _ in 0..messages {
            self.validation += 1;
            let message = Bytes::from_static(INQUIRY);
            let token = Token(u64::from(self.validation));
            let event = Event::Received { link: LinkId(1), token, validation: self.validation, message };
            for action in self.handle(event) {
                if let Action::Store { sequence, kind, record } = action {
                    // The records of the links, which came first, are not among these.
                    let number = folds.next_sequence().0;
                    folds.replay(number, kind, &record).expect("a record of the switch");
                    self.handle(Event::Stored { through: sequence });
                }
            }
        }
        Waiting { network, folds }
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        self.time += 1;
        self.switch.handle(now(self.time), event);
        let mut actions = Vec::new();
        while let Some(action) = self.switch.poll_action() {
            if let Action::Store { sequence, .. } = &action {
                self.stored = sequence.0;
            }
            if let Action::Deliver { delivery, .. } = &action
                && !self.senders.is_empty()
            {
                self.in_flight.push_back(*delivery);
            }
            actions.push(action);
        }
        actions
    }
}

/// Folds with much in them.
pub(crate) struct Waiting {
    network: Arc<Network>,
    folds: Folds,
}

impl Waiting {
    /// A checkpoint of them.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint { network: Arc::clone(&self.network), sections: Vec::new() };
        let Ok(()) = self.folds.checkpoint(&mut checkpoint);
        checkpoint
    }
}

/// A checkpoint in memory.
pub(crate) struct Checkpoint {
    network: Arc<Network>,
    sections: Vec<(String, u32, Vec<u8>)>,
}

impl Sections for Checkpoint {
    type Error = Infallible;

    fn begin(&mut self, name: &str, version: u32) -> Result<(), Infallible> {
        self.sections.push((name.to_owned(), version, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.sections.last_mut().expect("a section was begun").2.extend_from_slice(bytes);
        Ok(())
    }
}

impl Checkpoint {
    /// How long it is.
    pub(crate) fn bytes(&self) -> usize {
        self.sections.iter().map(|(.., bytes)| bytes.len()).sum()
    }

    /// The folds that it holds.
    pub(crate) fn restore(&self) -> Folds {
        let sections: Vec<_> =
            self.sections.iter().map(|(name, version, bytes)| Section { name, version: *version, bytes }).collect();
        Folds::restore(&self.network, &sections).expect("a checkpoint of this version")
    }
}

fn ori_of(line: &str, number: usize) -> Ori {
    Ori::parse(&format!("{line}{number:07}")).expect("an ORI")
}

fn now(time: u64) -> Now {
    Now { tick: Tick(time), wall: Timestamp(1_896_102_000_000_000).after(std::time::Duration::from_micros(time)) }
}
