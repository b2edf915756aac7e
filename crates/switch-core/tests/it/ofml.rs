//! The network of the transcripts `ofml-…`: a terminal and a state that get OFML, among others that do not.

use std::sync::Arc;

use codec::name::StationName;
use switch_core::{Format, Network, NetworkConfig};

use super::families;
use super::network::dictionary;

/// The families' network, where `ZA0010000` and `ZB` get OFML, and what the first names no destination for goes to `ZB`.
pub(crate) fn network() -> Arc<Network> {
    Arc::new(Network::new(config(), &dictionary()).unwrap())
}

pub(crate) fn config() -> NetworkConfig {
    let mut config: NetworkConfig = families::config();
    for station in &mut config.stations {
        if ["ZA0010000", "ZB"].contains(&station.name.as_str()) {
            station.format = Format::Ofml;
        }
        if station.name.as_str() == "ZA0010000" {
            station.destination = StationName::parse("ZB").ok();
        }
    }
    config
}
