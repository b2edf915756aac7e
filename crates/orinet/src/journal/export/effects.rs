//! What a message or an act changed, as it stands in the list of events: which thing, and how. No text of anybody's.

use serde_json::{Value, json};
use switch_core::DestinationState;
use switch_core::effect::{AgencyChange, ConfirmationId, Effect, HelpEdit};

use crate::journal::moment::utc;

/// Adds the changes to an event, where there are any.
pub(super) fn add(value: &mut Value, effects: &[Effect]) {
    if !effects.is_empty() {
        value["changes"] = effects.iter().map(change).collect();
    }
}

fn change(effect: &Effect) -> Value {
    match effect {
        Effect::Agency(change) => {
            let how = match change {
                AgencyChange::Put(_) => "set",
                AgencyChange::Deleted(_) => "deleted",
                AgencyChange::Forgotten(_) => "as configured",
            };
            json!({ "change": "directory", "ori": change.ori().as_str(), "how": how })
        }
        Effect::Help(change) => {
            let (how, bytes) = match &change.edit {
                HelpEdit::Replace(text) => ("replaced", text.len()),
                HelpEdit::Append(text) => ("appended", text.len()),
                HelpEdit::Clear => ("cleared", 0),
            };
            json!({ "change": "help", "file": change.file.as_str(), "how": how, "bytes": bytes })
        }
        Effect::State(change) => json!({
            "change": "state",
            "station": change.station.as_str(),
            "key": change.key.as_ref().map_or("all", |key| key.as_str()),
            "how": change.state.map_or("as configured", DestinationState::as_str),
        }),
        Effect::Asked(confirmation) => {
            let mut value = of_confirmation("asked", &confirmation.id);
            value["due"] = json!(utc(confirmation.due));
            value
        }
        Effect::Answered(id) => of_confirmation("answered", id),
        Effect::Extended { id, due } => {
            let mut value = of_confirmation("extended", id);
            value["due"] = json!(utc(*due));
            value
        }
        Effect::Hold { station } => json!({ "change": "hold", "station": station.as_str() }),
        Effect::Release { station } => json!({ "change": "release", "station": station.as_str() }),
        Effect::Divert { from, to } => json!({ "change": "divert", "station": from.as_str(), "to": to.as_str() }),
        Effect::Undivert { from } => json!({ "change": "undivert", "station": from.as_str() }),
        Effect::Diverted { delivery, home } => json!({
            "change": "diverted", "delivery": delivery.number(), "of": home.as_str(),
        }),
        Effect::Marked(marked) => json!({ "change": "marked", "station": marked.station.as_str() }),
        Effect::Moved { delivery, station, osn } => json!({
            "change": "moved", "delivery": delivery.number(), "station": station.as_str(), "osn": osn.value(),
        }),
        Effect::LetterDiscarded { delivery } => json!({ "change": "discarded", "delivery": delivery.number() }),
    }
}

fn of_confirmation(how: &str, id: &ConfirmationId) -> Value {
    let ConfirmationId { asked, asker, msn } = id;
    json!({
        "change": "confirmation", "how": how, "msn": msn.0, "asker": asker.as_str(), "asked": asked.as_str(),
    })
}
