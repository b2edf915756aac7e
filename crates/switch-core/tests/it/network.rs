//! A small network for tests: two terminals, a state, the support center, a field office.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use codec::dictionary::{Authorization, Dictionary};
use codec::name::{Line, MessageKey, Ori, StationName};
use switch_core::{
    Confirming, Delivery, DestinationState, Event, GroupConfig, Limits, LinkId, Network, NetworkConfig, OriConfig,
    OriDetails, StateConfig, StationConfig, Verified,
};

pub(crate) fn key(text: &str) -> MessageKey {
    MessageKey::parse(text).unwrap()
}

pub(crate) fn name(text: &str) -> StationName {
    StationName::parse(text).unwrap()
}

pub(crate) fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

pub(crate) fn ori(text: &str) -> Ori {
    Ori::parse(text).unwrap()
}

pub(crate) fn dictionary() -> Arc<Dictionary> {
    Arc::new(Dictionary::builtin().with_carried([key("KQ")]).unwrap())
}

/// A link of a station that comes up.
pub(crate) fn attached(link: LinkId, station: &str) -> Event {
    let from = SocketAddr::from(([192, 0, 2, 7], 49_152));
    Event::Attached { link, station: Verified::assertion(name(station)), from, certificate: "0a1b".to_owned() }
}

/// A link that goes because its peer closed it.
pub(crate) fn detached(link: LinkId, suspect: Option<Delivery>) -> Event {
    Event::Detached { link, suspect, why: "closed by the peer".to_owned() }
}

/// Stations AX, IC, ZA0010000, ZB, ZC; group R1 of lines ZA, ZB and ZC; ZB is removed for IAR and stored for AML.
pub(crate) fn config() -> NetworkConfig {
    let station = |text: &str, lines: &[&str], oris: &[&str], accepts: &[&str], sends: &[&str]| StationConfig {
        lines: lines.iter().map(|l| line(l)).collect(),
        oris: oris.iter().map(|o| ori(o)).collect(),
        accepts: accepts.iter().map(|k| key(k)).collect(),
        sends: sends.iter().map(|k| key(k)).collect(),
        hold: Some(Duration::from_secs(3600)),
        ..StationConfig::new(name(text))
    };
    let agency = |text: &str, of: &str, authorization: &[Authorization]| OriConfig {
        authorization: authorization.to_vec(),
        ..OriConfig::new(ori(text), line(of))
    };
    let (a, c) = (Authorization::Administrative, Authorization::CriminalHistory);
    let described = |mut entry: OriConfig, name: &str, kind: &str| {
        entry.details = Box::new(OriDetails { name: name.to_owned(), kind: kind.to_owned(), ..OriDetails::default() });
        entry
    };
    NetworkConfig {
        stations: vec![
            station("AX", &["AX"], &["ZZLESC000"], &["IAQ"], &["IAR"]),
            station("IC", &["IC"], &[], &["IAR"], &[]),
            station("ZA0010000", &["ZA"], &["ZA0010000"], &["IAR", "YQ", "YR"], &[]),
            station("ZB", &["ZB"], &[], &["IAR"], &[]),
            station("ZC", &["ZC"], &[], &["IAR", "YQ", "YR"], &[]),
        ],
        oris: vec![
            agency("ZZLESC000", "AX", &[a, c]),
            described(agency("ZA0010000", "ZA", &[a, c]), "Sample Dept. of Police", "SA"),
            described(agency("ZB0010000", "ZB", &[a]), "SAMPLE COUNTY", "SO"),
            agency("ZC0010000", "ZC", &[c]),
            agency("ZC0020000", "ZC", &[a, c]),
            OriConfig { active: false, ..agency("ZC0090000", "ZC", &[a]) },
        ],
        groups: vec![GroupConfig { code: line("R1"), members: vec![line("ZA"), line("ZB"), line("ZC")] }],
        states: vec![
            StateConfig { station: name("ZB"), key: key("IAR"), state: DestinationState::Remove },
            StateConfig { station: name("ZB"), key: key("AML"), state: DestinationState::Store },
        ],
        limits: Limits::default(),
    }
}

pub(crate) fn network() -> Arc<Network> {
    Arc::new(Network::new(config(), &dictionary()).unwrap())
}

/// The network of the transcripts that begin with `short-`: what waits for ZB does so for a second, an urgent confirmation is due in
/// as long, and bounds are so small that a few messages reach them. What must not end while a real switch is slow has its usual
/// time.
pub(crate) fn short_config() -> NetworkConfig {
    let mut config = config();
    config.stations[3].hold = Some(Duration::from_secs(1));
    config.limits = Limits {
        echo_text_bytes: 20,
        directory_changes: 2,
        help_files: 2,
        help_bytes: 40,
        confirmations: Confirming { urgent: Duration::from_secs(1), open: 3, of_pair: 2, ..Confirming::default() },
        ..Limits::default()
    };
    config
}

/// The network after a reload, by what is different from [`config`].
pub(crate) fn other_config(words: &[&str]) -> NetworkConfig {
    let mut config = config();
    match *words {
        ["without", station] => {
            config.stations.retain(|entry| entry.name != name(station));
            config.oris.retain(|entry| entry.line != line(station));
            config.groups.iter_mut().for_each(|group| group.members.retain(|member| *member != line(station)));
            config.states.retain(|state| state.station != name(station));
        }
        ["with", station] => {
            let mut entry = config.stations[3].clone();
            (entry.name, entry.lines) = (name(station), vec![line(station)]);
            // Ahead of the others, so that its place in the file is not its place in the switch.
            config.stations.insert(0, entry);
            let mut agency = config.oris[2].clone();
            (agency.ori, agency.line) = (ori(&format!("{station}0010000")), line(station));
            config.oris.push(agency);
        }
        ["states"] => config.states.clear(),
        ["inactive", agency] => {
            config.oris.iter_mut().filter(|entry| entry.ori == ori(agency)).for_each(|entry| entry.active = false);
        }
        [] => {}
        _ => panic!("no such network: {words:?}"),
    }
    config
}
