//! What a station says of its own state: an SM to `NL` (`protocol-specs/wire.md` 2.11). The public record has such texts as
//! free ones; the form that is read here is inferred.
//!
//! ```text
//! ZA OUT OF SERVICE UNTIL 1800 MST FOR IAR, AM
//! ZA IN SERVICE
//! ```

use codec::name::MessageKey;
use codec::notice::ErNumber;

use super::{Court, Failed, fail};
use crate::effect::{Effect, StateChange};
use crate::network::{DestinationState, StationIndex};

const OUT: &str = "OUT OF SERVICE";
const IN: &str = "IN SERVICE";
/// Keys that one message can name.
const KEYS_MAX: usize = 32;

impl Court<'_, '_> {
    /// What an SM to the switch changes for the station that sent it; nothing where it says neither that the station is out of
    /// service nor that it is in service.
    pub(super) fn status(&self, station: StationIndex, body: &[u8]) -> Result<Vec<Effect>, Failed> {
        let text = String::from_utf8_lossy(body).to_ascii_uppercase();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let (state, rest) = if let Some((_, rest)) = line.split_once(OUT) {
            (DestinationState::Store, rest)
        } else if let Some((_, rest)) = line.split_once(IN) {
            (DestinationState::InService, rest)
        } else {
            return Ok(Vec::new());
        };
        let Some((_, list)) = rest.split_once(" FOR ") else { return Ok(self.of_all_keys(station, state)) };
        let keys = list.trim_end_matches('.').split(',').map(|word| {
            let key = MessageKey::parse(word.trim()).ok()?;
            self.dictionary.spec(key).map(|_| key)
        });
        let keys = keys.take(KEYS_MAX.saturating_add(1)).collect::<Option<Vec<_>>>();
        let Some(keys) = keys.filter(|keys| keys.len() <= KEYS_MAX) else {
            return Err(fail(ErNumber::Options, format!("1 TO {KEYS_MAX} KNOWN MESSAGE KEYS AFTER FOR")));
        };
        let changed = keys.into_iter().filter(|key| {
            let now = self.folds.state(self.network, station, *key);
            is_its_own(now) && now != state
        });
        Ok(changed.filter_map(|key| self.set(station, Some(key), Some(state))).collect())
    }

    /// For all keys; those that the station set otherwise before follow, those that an operator removed stay.
    fn of_all_keys(&self, station: StationIndex, state: DestinationState) -> Vec<Effect> {
        let states = &self.folds.states;
        let mut effects = Vec::new();
        let all = states.find(station, None);
        if all.is_none_or(|all| is_its_own(all) && all != state) {
            effects.extend(self.set(station, None, Some(state)));
        }
        for (key, set) in states.of(station) {
            if key.is_some() && is_its_own(set) && set != state {
                effects.extend(self.set(station, key, None));
            }
        }
        effects
    }

    fn set(&self, station: StationIndex, key: Option<MessageKey>, state: Option<DestinationState>) -> Option<Effect> {
        let station = self.folds.name(station)?;
        Some(Effect::State(StateChange { station, key, state }))
    }
}

/// Whether a station may change it: the other states are operators'.
fn is_its_own(state: DestinationState) -> bool {
    matches!(state, DestinationState::InService | DestinationState::Store)
}
