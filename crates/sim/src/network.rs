//! The networks that a run goes between, and an oracle of who may send what to whom.
//!
//! The oracle reads the configuration by itself and shares nothing with the core's index, routing or admission.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use codec::dictionary::{Authorization, Dictionary};
use codec::name::{Line, MessageKey, Ori, StationName};
use switch_core::{
    DestinationState, Format, GroupConfig, Network, NetworkConfig, OriConfig, OriDetails, StateConfig, StationConfig,
};

/// What a client of the simulation is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    /// What it sends as.
    pub(crate) oris: &'static [&'static str],
    pub(crate) fox: bool,
    pub(crate) links: usize,
}

/// Who calls. The last one is in no network but one.
pub(crate) const CLIENTS: [Client; 6] = [
    Client { name: "ZA0010000", oris: &["ZA0010000"], fox: false, links: 2 },
    Client { name: "ZB", oris: &["ZB0010000"], fox: true, links: 1 },
    Client { name: "ZC", oris: &["ZC0020000", "ZC0010000"], fox: false, links: 1 },
    Client { name: "ZD", oris: &["ZD0010000"], fox: false, links: 1 },
    Client { name: "AX", oris: &["ZZLESC000"], fox: false, links: 1 },
    Client { name: "ZE", oris: &["ZE0010000"], fox: true, links: 1 },
];

/// The networks that reloads go between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    Usual,
    WithoutZd,
    WithZe,
    WithStates,
    /// ZC0020000 may send less, ZB does not take YQ any more, and ZD0010000 is not active.
    Poorer,
}

impl Variant {
    pub(crate) const ALL: [Self; 5] = [Self::Usual, Self::WithoutZd, Self::WithZe, Self::WithStates, Self::Poorer];
}

pub(crate) fn parsed<T, E: std::fmt::Debug>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> T {
    match parse(text) {
        Ok(value) => value,
        Err(error) => panic!("{text} is a name of the simulation's own: {error:?}"),
    }
}

pub(crate) fn station(text: &str) -> StationName {
    parsed(text, StationName::parse)
}

pub(crate) fn key(text: &str) -> MessageKey {
    parsed(text, MessageKey::parse)
}

fn line(text: &str) -> Line {
    parsed(text, Line::parse)
}

pub(crate) fn ori(text: &str) -> Ori {
    parsed(text, Ori::parse)
}

/// The configuration, with little room and short holds.
pub(crate) fn config(variant: Variant, body_cache_bytes: usize) -> NetworkConfig {
    let entry = |name: &str, lines: &[&str], oris: &[&str], accepts: &[&str]| StationConfig {
        lines: lines.iter().map(|text| line(text)).collect(),
        oris: oris.iter().map(|text| ori(text)).collect(),
        accepts: accepts.iter().map(|text| key(text)).collect(),
        hold: Some(Duration::from_secs(600)),
        hold_bytes: HOLD_BYTES,
        ..StationConfig::new(station(name))
    };
    let agency = |text: &str, of: &str, authorization: &[Authorization]| OriConfig {
        authorization: authorization.to_vec(),
        ..OriConfig::new(ori(text), line(of))
    };
    let (a, c) = (Authorization::Administrative, Authorization::CriminalHistory);
    let editor = |entry: OriConfig| OriConfig {
        details: Box::new(OriDetails {
            name: "SAMPLE DEPT".to_owned(),
            kind: "SA".to_owned(),
            ..OriDetails::default()
        }),
        ..entry
    };
    let mut config = NetworkConfig {
        stations: vec![
            entry("AX", &["AX"], &["ZZLESC000"], &["IAQ"]),
            entry("ZA0010000", &["ZA"], &["ZA0010000"], &["IAR", "YQ", "YR"]),
            entry("ZB", &["ZB"], &[], &["IAR", "YQ"]),
            entry("ZC", &["ZC"], &[], &["IAR", "YQ", "YR"]),
            entry("ZD", &["ZD"], &[], &["IAR", "YR"]),
        ],
        oris: vec![
            agency("ZZLESC000", "AX", &[a, c]),
            editor(agency("ZA0010000", "ZA", &[a, c])),
            agency("ZB0010000", "ZB", &[a]),
            agency("ZC0010000", "ZC", &[c]),
            agency("ZC0020000", "ZC", &[a, c]),
            OriConfig { active: false, ..agency("ZC0090000", "ZC", &[a]) },
            agency("ZD0010000", "ZD", &[a, c]),
        ],
        groups: vec![GroupConfig { code: line("R1"), members: vec![line("ZA"), line("ZB"), line("ZC")] }],
        states: Vec::new(),
        limits: switch_core::Limits {
            body_cache_bytes,
            message_bytes: MESSAGE_BYTES,
            hold: Duration::from_secs(600),
            hold_bytes: ALL_HOLD_BYTES,
            ..switch_core::Limits::default()
        },
    };
    for entry in &mut config.stations {
        match entry.name.as_str() {
            "AX" => entry.sends = [key("IAR")].into(),
            "ZC" => (entry.window, entry.hold_bytes) = (4, SMALL_HOLD_BYTES),
            "ZD" => (entry.window, entry.format) = (1, Format::Niem),
            _ => {}
        }
    }
    match variant {
        Variant::Usual => {}
        Variant::WithoutZd => {
            config.stations.retain(|entry| entry.name != station("ZD"));
            config.oris.retain(|entry| entry.line != line("ZD"));
        }
        Variant::WithZe => {
            let mut entry = entry("ZE", &["ZE"], &[], &["IAR", "YR"]);
            entry.hold = Some(Duration::from_secs(60));
            entry.format = Format::Ofml;
            // Ahead of the others, so that its place in the file is not its place in the switch.
            config.stations.insert(0, entry);
            config.oris.push(agency("ZE0010000", "ZE", &[a, c]));
        }
        Variant::WithStates => {
            let state = |name: &str, of: &str, state| StateConfig { station: station(name), key: key(of), state };
            config.states = vec![
                state("ZB", "IAR", DestinationState::Remove),
                state("ZB", "AML", DestinationState::Store),
                state("ZC", "YQ", DestinationState::Unsupported),
            ];
        }
        Variant::Poorer => {
            for entry in &mut config.oris {
                if entry.ori == ori("ZC0020000") {
                    entry.authorization = vec![c];
                }
                entry.active &= entry.ori != ori("ZD0010000");
            }
            let zb = config.stations.iter_mut().filter(|entry| entry.name == station("ZB"));
            zb.for_each(|entry| entry.accepts = [key("IAR")].into());
        }
    }
    config
}

pub(crate) const HOLD_BYTES: u64 = 120_000;
const SMALL_HOLD_BYTES: u64 = 12_000;
const ALL_HOLD_BYTES: u64 = 240_000;
/// The longest message, over all its blocks.
pub(crate) const MESSAGE_BYTES: usize = 12 << 10;

/// A network in which nobody is without a right: what a core must not be given.
pub(crate) fn without_rules(mut config: NetworkConfig) -> NetworkConfig {
    let keys: BTreeSet<MessageKey> = ["IAQ", "IAR", "YQ", "YR"].map(key).into();
    for entry in &mut config.stations {
        entry.accepts.clone_from(&keys);
        entry.sends = [key("IAR")].into();
    }
    for entry in &mut config.oris {
        entry.authorization = vec![Authorization::Administrative, Authorization::CriminalHistory];
        entry.active = true;
    }
    config
}

pub(crate) fn arranged(config: NetworkConfig, dictionary: &Dictionary, order: &[StationName]) -> Arc<Network> {
    match Network::arranged(config, dictionary, order) {
        Ok(network) => Arc::new(network),
        Err(errors) => panic!("the simulation's own network is wrong: {errors:?}"),
    }
}

/// Whether `sender`, calling from `from`, may send a key at all.
pub(crate) fn may_send(config: &NetworkConfig, from: StationName, sender: Ori, key: &str) -> bool {
    let Some(entry) = config.oris.iter().find(|entry| entry.ori == sender && entry.active) else { return false };
    let letter = match key {
        "AM" | "AML" | "SM" | "TA" | "TU" | "TD" => Some(Authorization::Administrative),
        "IAQ" | "YQ" | "YR" => Some(Authorization::CriminalHistory),
        _ => None,
    };
    let granted = match key {
        "ER" => false,
        "IAR" | "XI1" | "XI2" | "XI3" | "XNR" => {
            config.stations.iter().any(|one| one.name == from && one.sends.iter().any(|sends| sends.as_str() == key))
        }
        _ => true,
    };
    granted
        && served_by(config, sender, entry.line) == Some(from)
        && letter.is_none_or(|l| entry.authorization.contains(&l))
}

fn served_by(config: &NetworkConfig, ori: Ori, of: Line) -> Option<StationName> {
    let itself = config.stations.iter().find(|entry| entry.oris.contains(&ori));
    itself.or_else(|| config.stations.iter().find(|entry| entry.lines.contains(&of))).map(|entry| entry.name)
}

/// The stations that a message may be for, by one address of it.
pub(crate) fn stations_of(
    config: &NetworkConfig,
    from: StationName,
    sender: Ori,
    key: MessageKey,
    address: &str,
) -> BTreeSet<StationName> {
    let of_line = |code: &Line| config.stations.iter().find(|entry| entry.lines.contains(code)).map(|entry| entry.name);
    let mut all: BTreeSet<StationName> =
        if let Some(entry) = config.oris.iter().find(|entry| entry.ori.as_str() == address && entry.active) {
            served_by(config, entry.ori, entry.line).into_iter().collect()
        } else if let Some(group) = config.groups.iter().find(|group| group.code.as_str() == address) {
            let own = config.oris.iter().find(|entry| entry.ori == sender).map(|entry| entry.line);
            let others = group.members.iter().filter(|member| Some(**member) != own);
            others.filter_map(of_line).filter(|name| *name != from).collect()
        } else {
            config
                .stations
                .iter()
                .filter(|entry| entry.lines.iter().any(|l| l.as_str() == address))
                .map(|e| e.name)
                .collect()
        };
    let by_all = matches!(key.as_str(), "AM" | "AML" | "SM" | "ER");
    all.retain(|name| {
        by_all || config.stations.iter().any(|entry| entry.name == *name && entry.accepts.contains(&key))
    });
    all
}

/// The class of priority of a message by its key, its addresses and its urgency; none where it is not known.
pub(crate) fn class_of(config: &NetworkConfig, key: &str, addresses: &[&str], body: &[u8]) -> Option<u8> {
    Some(match key {
        "SM" => 1,
        "ER" => 2,
        "YQ" | "YR" if body.windows(5).any(|window| window == b"PRI/U") => 3,
        "YQ" | "YR" | "IAQ" | "IAR" => 4,
        "AM" | "AML" => {
            let group = addresses.iter().any(|address| config.groups.iter().any(|g| g.code.as_str() == *address));
            if group || addresses.iter().filter(|address| address.len() == 2).count() > 1 { 6 } else { 5 }
        }
        _ => return None,
    })
}
