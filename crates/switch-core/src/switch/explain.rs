//! The route of a message, row by row, without sending it.

use std::sync::Arc;

use bytes::Bytes;
use codec::name::{MessageKey, StationName};
use codec::notice::SmNumber;

use super::Switch;
use crate::admission::{Passed, Route};
use crate::command::Denial;
use crate::network::{DestinationState, StationIndex};
use crate::record::Received;

/// What would become of a message if its station sent it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The rows of admission, as far as it gets (`protocol-specs/wire.md` 2.4).
    pub rows: Vec<RowSeen>,
    /// What comes of it.
    pub verdict: Verdict,
}

/// One row of admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSeen {
    /// Its number, from 1.
    pub row: u8,
    /// What is checked.
    pub check: &'static str,
    /// Whether the message passes.
    pub judged: Judged,
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// The message passes.
    Passed,
    /// It ends here.
    Failed,
}

/// Where the rows lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It would be answered with an ER, and nothing would be sent.
    Refused {
        /// The number of the ER.
        number: u8,
        /// Its text.
        text: Bytes,
    },
    /// It would be accepted.
    Accepted {
        /// As what.
        key: MessageKey,
        /// Its class of priority, 1 the highest.
        class: u8,
        /// Its copies. None: the switch itself answers it.
        legs: Vec<Leg>,
    },
}

/// One copy that would be made, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The address as written.
    pub destination: StationName,
    /// The station that it leads to.
    pub station: StationName,
    /// What would happen, in a sentence.
    pub outcome: String,
}

/// The rows, by number from 1.
const CHECKS: [&str; 11] = [
    "bytes and header can be read",
    "TXT is there; XML is well formed",
    "the key is known, and this station may send it",
    "the sender is in the directory, active, and served by this station",
    "the sender is authorized for the key",
    "the control field",
    "number and kind of destinations",
    "every destination exists",
    "every destination takes the key",
    "the fields of the body",
    "the state of each destination",
];
const ROWS: u8 = 11;

impl Switch {
    /// Judges a message as if its station had sent it now; nothing comes of it.
    ///
    /// # Errors
    /// If there is no such station.
    pub fn explain(&self, station: StationName, text: &Bytes) -> Result<Explanation, Denial> {
        let index =
            self.network.index(station).ok_or_else(|| Denial::Unknown(format!("there is no station {station}")))?;
        let reception = self.entered(station, text);
        let (network, dictionary) = (Arc::clone(&self.network), Arc::clone(&self.dictionary));
        let court = self.court(&network, &dictionary);
        match court.judge(index, reception.text(), &reception) {
            Ok(passed) => {
                let rows = seen(ROWS, Judged::Passed);
                let legs = passed.routes.iter().filter_map(|route| self.leg(*route, &passed, &reception)).collect();
                let verdict = Verdict::Accepted { key: passed.spec.key, class: passed.class, legs };
                Ok(Explanation { rows, verdict })
            }
            Err(fault) => {
                let rows = seen(court.row.get().clamp(1, ROWS), Judged::Failed);
                let Denial::Refused { number, text } = self.as_er(&fault, &reception) else {
                    return Err(Denial::Conflict("the message cannot be judged".to_owned()));
                };
                Ok(Explanation { rows, verdict: Verdict::Refused { number, text } })
            }
        }
    }

    fn leg(&self, route: Route, passed: &Passed<'_>, reception: &Received) -> Option<Leg> {
        let target = self.target(route.station);
        let (home, name) = (self.folds.name(route.station)?, self.folds.name(target)?);
        let goes = Route { station: target, ..route };
        let told = self.outcome(goes, passed.spec.key, reception.message.len());
        let mut outcome = self.becomes(target, passed.spec.key, told);
        if home != name {
            outcome = format!("diverted to {name}: {outcome}");
        }
        Some(Leg { destination: route.destination, station: home, outcome })
    }

    /// Row 11 in words.
    fn becomes(&self, station: StationIndex, key: MessageKey, told: Option<SmNumber>) -> String {
        let state = self.folds.state(&self.network, station, key);
        let linked = self.stations.get(usize::from(station.0)).is_some_and(|station| !station.links.is_empty());
        let outcome = match (told, state) {
            (Some(SmNumber::NotSupported), _) => "dropped, its state is unsupported; the sender gets SM 01",
            (Some(SmNumber::WillNotForward), DestinationState::Remove) => {
                "dropped, its state is remove; the sender gets SM 04"
            }
            (Some(SmNumber::WillNotForward), _) => "dropped, as much waits as may; the sender gets SM 04",
            (_, DestinationState::Store) => "waits, its state is store; the sender gets SM 02",
            (_, _) if self.folds.controls.is_held(station) => "waits, it is held; the sender gets SM 02",
            (_, _) if !linked => "waits, no link of it is up; the sender gets SM 02",
            (_, _) => "goes out at once",
        };
        outcome.to_owned()
    }
}

/// The rows through the one that was reached; the last one judged as said.
fn seen(through: u8, last: Judged) -> Vec<RowSeen> {
    let rows = (1..=through).zip(CHECKS);
    rows.map(|(row, check)| RowSeen { row, check, judged: if row == through { last } else { Judged::Passed } })
        .collect()
}
