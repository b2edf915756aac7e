//! Destination states that change while messages wait (`protocol-specs/wire.md` 2.11).

use codec::name::StationName;

use super::Switch;
use crate::effect::Effect;
use crate::event::Observation;
use crate::folds::{Copy, is_notice};
use crate::network::DestinationState;
use crate::record::{Accepted, Act, Record};

/// The stations whose states a record changes.
pub(super) fn restated(record: &Record) -> Vec<StationName> {
    let effects: &[Effect] = match record {
        Record::Accepted(Accepted { effects, .. }) | Record::Act(Act { effects, .. }) => effects,
        Record::Refused(_)
        | Record::Delivered(_)
        | Record::Returned(_)
        | Record::Link(_)
        | Record::Repeated(_)
        | Record::Answered(_)
        | Record::Overdue(_) => &[],
    };
    let mut stations: Vec<_> = effects
        .iter()
        .filter_map(|effect| if let Effect::State(change) = effect { Some(change.station) } else { None })
        .collect();
    stations.dedup();
    stations
}

impl Switch {
    /// A record changed the states of a station: what waits for it goes on, or is kept, as they are now. What a link has goes
    /// its way.
    pub(super) fn restated(&mut self, station: StationName) {
        self.observe(Observation::Restated { station });
        if let Some(index) = self.network.index(station) {
            self.restate(index);
        }
    }

    /// Whether a copy waits for the state of its destination to change. What the switch itself says never does.
    pub(super) fn is_to_store(&self, copy: &Copy) -> bool {
        !is_notice(copy.flow) && self.folds.state(&self.network, copy.station, copy.key) == DestinationState::Store
    }
}
