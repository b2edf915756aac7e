//! A switch under steady traffic, without a disk and a network: what one message costs in the core.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use codec::dictionary::{Authorization, Dictionary};
use codec::name::{Line, MessageKey, Ori, StationName};
use codec::time::{Tick, Timestamp};
use switch_core::{
    Action, Event, Folds, LinkId, Network, NetworkConfig, Now, OriConfig, Section, Sections, Sequence, StationConfig,
    Switch, Token, Verified,
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
            ori: Ori::parse("ZA0010000").expect("an ORI"),
            line: Line::parse("ZA").expect("a line"),
            authorization: vec![Authorization::Administrative, Authorization::CriminalHistory],
            active: true,
        };
        let config = NetworkConfig {
            stations: vec![station("ZA", "ZA"), station("AX", "AX")],
            oris: vec![agency],
            ..NetworkConfig::default()
        };
        let dictionary = Arc::new(Dictionary::builtin().clone());
        let network = Arc::new(Network::new(config, &dictionary).expect("a network"));
        let folds = Folds::new(&network);
        let switch = Switch::new(Arc::clone(&network), dictionary, folds, now(0));
        let mut scenario = Self { network, switch, time: 0, validation: 0, stored: 0 };
        for (link, name) in [(1, "ZA"), (2, "AX")] {
            let station = Verified::assertion(StationName::parse(name).expect("a name"));
            let from = ([127, 0, 0, 1], 49_152).into();
            scenario.handle(Event::Attached { link: LinkId(link), station, from, certificate: "01".to_owned() });
            scenario.handle(Event::Room { link: LinkId(link), messages: 32 });
        }
        scenario
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

fn now(time: u64) -> Now {
    Now { tick: Tick(time), wall: Timestamp(1_896_102_000_000_000).after(std::time::Duration::from_micros(time)) }
}
