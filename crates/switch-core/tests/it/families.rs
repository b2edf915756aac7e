//! The network that the transcripts of the message families are played on: that of `fixtures/network.toml`, smaller.

use std::sync::Arc;

use codec::dictionary::Authorization;
use switch_core::{Format, GroupConfig, Network, NetworkConfig, OriConfig, OriDetails, StationConfig};

use super::network::{dictionary, key, line, name, ori};

const ANSWERS: &[&str] = &["IAR", "YQ", "YR", "CR", "XNR", "RR", "DR", "IR", "FR", "AR"];
const STATE: &[&str] = &["RQ", "DQ"];
const HISTORY: &[&str] = &["IQ", "FQ", "AQ"];

/// A terminal of line ZA; states ZA, ZB, ZC, of which the last has no criminal histories; the center AX; FB, the NCIC
/// station; KQ is carried as text.
pub(crate) fn network() -> Arc<Network> {
    Arc::new(Network::new(config(), &dictionary()).unwrap())
}

/// The same network, of which AX and ZB get NIEM XML.
pub(crate) fn niem_network() -> Arc<Network> {
    Arc::new(Network::new(niem_config(), &dictionary()).unwrap())
}

pub(crate) fn niem_config() -> NetworkConfig {
    let mut config = config();
    for station in &mut config.stations {
        if ["AX", "ZB"].contains(&station.name.as_str()) {
            station.format = Format::Niem;
        }
    }
    config
}

pub(crate) fn config() -> NetworkConfig {
    let station = |text: &str, lines: &[&str], oris: &[&str], accepts: &[&[&str]], sends: &[&str]| StationConfig {
        lines: lines.iter().map(|l| line(l)).collect(),
        oris: oris.iter().map(|o| ori(o)).collect(),
        accepts: accepts.iter().copied().flatten().map(|k| key(k)).collect(),
        sends: sends.iter().map(|k| key(k)).collect(),
        ..StationConfig::new(name(text))
    };
    let agency = |text: &str, of: &str, kind: &str, letters: &str| OriConfig {
        authorization: letters.chars().filter_map(Authorization::from_letter).collect(),
        details: Box::new(OriDetails {
            name: format!("{of} TEST {kind}"),
            kind: kind.to_owned(),
            ..OriDetails::default()
        }),
        ..OriConfig::new(ori(text), line(of))
    };
    NetworkConfig {
        stations: vec![
            station("AX", &["AX"], &["ZZLESC000"], &[ANSWERS, &["IAQ"]], &["IAR", "XI1", "XI2", "XI3"]),
            station(
                "FB",
                &["FB"],
                &["ZZNCIC000"],
                &[&["YQ", "YR", "QW", "QWI", "QH", "QR", "XI1", "XI2", "XI3"]],
                &["XNR"],
            ),
            station("ZA", &["ZA"], &[], &[ANSWERS, STATE, HISTORY], &[]),
            station("ZB", &["ZB"], &[], &[ANSWERS, STATE, HISTORY, &["KQ"]], &[]),
            station("ZC", &["ZC"], &[], &[ANSWERS, STATE], &[]),
            station("ZA0010000", &[], &["ZA0010000"], &[ANSWERS], &[]),
        ],
        oris: vec![
            agency("ZZLESC000", "AX", "FE", "AC"),
            agency("ZZNCIC000", "FB", "FE", "AC"),
            agency("ZA0000050", "ZA", "SA", "ACDZ"),
            agency("ZA0010000", "ZA", "PD", "ACDZ"),
            agency("ZB0010000", "ZB", "PD", "ACD"),
            agency("ZC0010000", "ZC", "PD", "ACD"),
            agency("ZC0050000", "ZC", "NJ", "A"),
        ],
        groups: vec![GroupConfig { code: line("R1"), members: vec![line("ZA"), line("ZB"), line("ZC")] }],
        ..NetworkConfig::default()
    }
}
