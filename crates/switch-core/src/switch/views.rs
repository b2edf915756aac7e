//! What operators can look at without changing anything.

use std::net::SocketAddr;

use codec::name::{MessageKey, Ori, StationName};

use super::Switch;
use crate::directory::Directory;
use crate::effect::Confirmation;
use crate::event::{Delivery, LinkId, Observation};
use crate::folds::DeadLetter;
use crate::network::{DestinationState, OriConfig, StationIndex};

/// One link, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// Its number.
    pub link: LinkId,
    /// Whose it is.
    pub station: StationName,
    /// Where it calls from.
    pub from: SocketAddr,
    /// The serial of its certificate, in hexadecimal.
    pub certificate: String,
    /// Copies sent and not yet acknowledged.
    pub in_flight: usize,
}

impl Switch {
    /// Every link, in the order in which they came up.
    pub fn links(&self) -> impl Iterator<Item = LinkView> + '_ {
        self.links.iter().filter_map(|(id, link)| {
            Some(LinkView {
                link: *id,
                station: self.folds.name(link.station)?,
                from: link.from,
                certificate: link.certificate.clone(),
                in_flight: link.in_flight.len(),
            })
        })
    }

    /// The names of all stations in the order of their places, for [`crate::Network::arranged`].
    #[must_use]
    pub fn order(&self) -> Vec<StationName> {
        self.folds.order()
    }

    /// How many copies wait, over all stations.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.folds.waiting()
    }

    /// Whether an operator drains it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether an operator drains it and all went out that can: what is left waits for stations that are away, that are held, or
    /// whose state is *store*.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let waits = |place: usize, station: &super::Station| {
            let index = u16::try_from(place).map(StationIndex);
            index.is_ok_and(|index| !self.is_away(index)) && station.outbox.depths().iter().any(|depth| *depth > 0)
        };
        self.closed
            && self.is_idle()
            && !self.has_to_move()
            && !self.stations.iter().enumerate().any(|(place, station)| waits(place, station))
    }

    /// States that were set by operators and stations, and go before the configuration's.
    pub fn states(&self) -> impl Iterator<Item = (StationName, Option<MessageKey>, DestinationState)> + '_ {
        (0u16..).map(StationIndex).zip(self.folds.order()).flat_map(|(index, name)| {
            let of = self.folds.states.of(index);
            of.map(move |(key, state)| (name, key, state))
        })
    }

    /// What messages and operators changed of the directory, by ORI; none: the entry was deleted.
    pub fn directory_changes(&self) -> impl Iterator<Item = (Ori, Option<&OriConfig>)> {
        self.folds.overlay.sorted().into_iter()
    }

    /// What holds for an agency, and which station serves it.
    #[must_use]
    pub fn agency(&self, ori: Ori) -> Option<(&OriConfig, Option<StationName>)> {
        let directory = Directory { network: &self.network, overlay: &self.folds.overlay };
        let entry = directory.ori(ori)?;
        Some((entry, directory.serving(ori).and_then(|index| self.folds.name(index))))
    }

    /// Hit confirmations that were asked for and not answered, those that are or were due first before the others; and whether they
    /// are overdue.
    pub fn confirmations(&self) -> impl Iterator<Item = (&Confirmation, bool)> {
        self.folds.confirmations.iter()
    }

    /// How many hit confirmations were asked for and not answered: those that are not due yet, those that are overdue.
    #[must_use]
    pub fn confirmation_counts(&self) -> (usize, usize) {
        let open = &self.folds.confirmations;
        (open.open(), open.overdue_count())
    }

    /// How many copies could not be delivered, of those that are at hand.
    #[must_use]
    pub fn dead_letter_count(&self) -> usize {
        self.folds.dead_letters.len()
    }

    /// A dead letter.
    #[must_use]
    pub fn dead_letter(&self, delivery: Delivery) -> Option<&DeadLetter> {
        self.folds.dead_letters.get(&delivery)
    }

    /// Says what operators did before this start, so that what counts them counts right.
    pub(super) fn observe_controls(&mut self) {
        let held: Vec<_> = self.folds.controls.held().filter_map(|index| self.folds.name(index)).collect();
        for station in held {
            self.observe(Observation::Held { station, held: true });
        }
        let diversions: Vec<_> = self.folds.controls.diversions().collect();
        for (from, to) in diversions {
            if let (Some(station), Some(to)) = (self.folds.name(from), self.folds.name(to)) {
                self.observe(Observation::Diverted { station, to: Some(to) });
            }
        }
    }
}
