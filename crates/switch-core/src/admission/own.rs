//! What the switch itself answers: its own address, the directory's, those of help files
//! (`protocol-specs/wire.md` 2.5).
//!
//! What a message changes is decided here and becomes its effects; what is answered becomes its replies. Both stand in its
//! record.

use codec::dictionary::MessageSpec;
use codec::legacy::Destination;
use codec::name::{Line, MessageKey, Ori};
use codec::notice::ErNumber;

use super::help::HelpAddress;
use super::{Court, Failed, fail};
use crate::effect::Effect;
use crate::network::{DIRECTORY_CODE, OWN_CODE, StationIndex};
use crate::query::is_log_query;

/// Keys of the directory's queries and changes, which no station gets.
const DIRECTORY_KEYS: [&str; 4] = ["TQ", "TA", "TU", "TD"];
const ECHO: &str = "ECHO";

/// A destination that is no station.
#[derive(Debug, Clone, Copy)]
pub(super) enum Own {
    /// The switch.
    Switch,
    /// The directory; a line narrows a query to its agencies.
    Directory(Option<Line>),
    /// A help file.
    Help(HelpAddress),
}

impl Own {
    /// Whether it can be a message's only destination: what one message does to a file is one thing.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Help(address) if address.changes())
    }

    /// Whether it takes messages of that key.
    pub(super) fn takes(&self, key: MessageKey, log_queries: usize) -> bool {
        match self {
            Self::Switch => key.as_str() == ECHO || key.as_str() == "SM" || is_log_query(key) && log_queries > 0,
            Self::Directory(_) => DIRECTORY_KEYS.contains(&key.as_str()),
            Self::Help(_) => key.as_str() == "AM",
        }
    }
}

/// Whether messages of that key are the switch's alone to answer.
pub(super) fn is_own_key(key: MessageKey) -> bool {
    is_log_query(key) || key.as_str() == ECHO || DIRECTORY_KEYS.contains(&key.as_str())
}

/// An answer of the switch to a message that it took.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// From which address.
    pub(crate) from: Ori,
    /// Under which key.
    pub(crate) key: MessageKey,
    /// The text.
    pub(crate) body: Vec<u8>,
}

impl Court<'_, '_> {
    /// The switch's own address that a destination is, if it is one.
    pub(super) fn own(&self, key: MessageKey, destination: Destination<'_>) -> Option<Own> {
        match destination {
            Destination::Line(code) if code.as_str() == OWN_CODE => Some(Own::Switch),
            Destination::Line(code) if code.as_str() == DIRECTORY_CODE => Some(Own::Directory(None)),
            // A location, which the directory answers for.
            Destination::Line(code) if key.as_str() == "TQ" => {
                self.network.of_line(code).map(|_| Own::Directory(Some(code)))
            }
            Destination::Ori(ori) if ori == Ori::of_switch() => Some(Own::Switch),
            Destination::Ori(ori) => {
                let address = HelpAddress::of(ori)?;
                let kept = address.line.as_str() == OWN_CODE || self.network.of_line(address.line).is_some();
                kept.then_some(Own::Help(address))
            }
            Destination::Line(_) | Destination::Other(_) => None,
        }
    }

    /// What a message to one of the switch's own addresses changes, and what is answered. `body` is as the dictionary folds
    /// it.
    pub(super) fn answer(
        &self,
        own: Own,
        station: StationIndex,
        sender: Ori,
        spec: &MessageSpec,
        body: &[u8],
    ) -> Result<(Vec<Effect>, Option<Reply>), Failed> {
        let key = spec.answer.map_or(spec.key, |answer| answer.key);
        let reply = |from, body| Some(Reply { from, key, body });
        match own {
            Own::Switch if spec.key.as_str() == ECHO => {
                let most = self.network.limits().echo_text_bytes;
                if body.len() > most {
                    return Err(fail(ErNumber::Options, format!("TEXT LONGER THAN {most} BYTES")));
                }
                Ok((Vec::new(), reply(Ori::of_switch(), body.to_vec())))
            }
            Own::Switch if spec.key.as_str() == "SM" => Ok((self.status(station, body)?, None)),
            // A log query, which is answered when its answer is found.
            Own::Switch => Ok((Vec::new(), None)),
            Own::Directory(line) if spec.key.as_str() == "TQ" => {
                Ok((Vec::new(), directory_address().and_then(|from| reply(from, self.look_up(line, body)))))
            }
            Own::Directory(_) => {
                let (effect, told) = self.change(spec, sender, body)?;
                Ok((vec![effect], directory_address().and_then(|from| reply(from, told))))
            }
            Own::Help(address) => {
                let (effect, text) = self.help(address, station, body)?;
                let reply = Reply { from: address.file, key: spec.key, body: text };
                Ok((effect.into_iter().collect(), Some(reply)))
            }
        }
    }
}

/// The directory's address; a name that can always be read.
fn directory_address() -> Option<Ori> {
    Ori::parse("OD0000000").ok()
}
