//! A found message as a line, and as JSON.

use archive::{CopySummary, Fate, Full, Hit, Standing};
use codec::name::{Control, MessageKey, Ori, StationName};
use serde_json::{Map, Value, json};

use super::moment::utc;

/// One line for people.
pub(crate) fn line(hit: &Hit) -> String {
    let summary = &hit.summary;
    let msn = hit.msn.map_or_else(|| "-".to_owned(), |msn| format!("{:010}", msn.0));
    let key = summary.key.as_ref().map_or("-", MessageKey::as_str);
    let from = match (&summary.station, &summary.sender) {
        (Some(station), Some(sender)) if sender.as_str() != station.as_str() => format!("{sender}@{station}"),
        (Some(station), _) => station.to_string(),
        (None, _) => Ori::SWITCH.to_owned(),
    };
    let to = match summary.standing {
        Standing::Refused(number) => format!("refused with ER {number:02}"),
        Standing::Accepted if summary.copies.is_empty() => "to nobody".to_owned(),
        Standing::Accepted | Standing::Notice => {
            format!("to {}", summary.copies.iter().map(copy_text).collect::<Vec<_>>().join(", "))
        }
    };
    format!("{} {msn:>10} {key:3} {from} {to}, {} bytes", utc(hit.at), summary.bytes)
}

fn copy_text(copy: &CopySummary) -> String {
    let address = if copy.destination == copy.station {
        copy.station.to_string()
    } else {
        format!("{}@{}", copy.destination, copy.station)
    };
    format!("{address} {}", copy.fate.as_str())
}

/// All that the search file knows of it.
pub(crate) fn json(hit: &Hit) -> Map<String, Value> {
    let summary = &hit.summary;
    let (standing, number) = match summary.standing {
        Standing::Accepted => ("accepted", None),
        Standing::Refused(number) => ("refused", Some(number)),
        Standing::Notice => ("notice", None),
    };
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| {
        // What is not there is left out.
        if !value.is_null() {
            map.insert(name.to_owned(), value);
        }
    };
    put("at", json!(utc(hit.at)));
    put("place", json!(hit.cursor().to_string()));
    put("standing", json!(standing));
    put("er", json!(number));
    put("msn", json!(hit.msn.map(|msn| msn.0)));
    put("key", json!(summary.key.as_ref().map(MessageKey::as_str)));
    put("station", json!(summary.station.as_ref().map(StationName::as_str)));
    put("link", json!(summary.link.map(|link| link.0)));
    put("sender", json!(summary.sender.as_ref().map(Ori::as_str)));
    put("control", json!(summary.control.as_ref().map(Control::as_str)));
    put("isn", json!(summary.isn.value()));
    put("bytes", json!(summary.bytes));
    put("copies", Value::Array(summary.copies.iter().map(copy_json).collect()));
    map
}

fn copy_json(copy: &CopySummary) -> Value {
    let mut value = json!({
        "delivery": copy.delivery.number(),
        "osn": copy.osn.value(),
        "station": copy.station.as_str(),
        "destination": copy.destination.as_str(),
        "fate": copy.fate.as_str(),
    });
    match copy.fate {
        Fate::Waiting => {}
        Fate::Delivered { at, link } => {
            value["fate_at"] = json!(utc(at));
            value["fate_link"] = json!(link.0);
        }
        Fate::Returned { at, why } => {
            value["fate_at"] = json!(utc(at));
            value["why"] = json!(why.as_str());
        }
    }
    value
}

/// The same with the text.
pub(crate) fn full_json(full: &Full) -> Map<String, Value> {
    let mut map = json(&full.hit);
    let (name, text) = text_json(&full.body);
    map.insert(name.replace("message", "body"), text);
    map
}

/// Bytes of a message: as text where they are text, else in hexadecimal under another name, so that none is lost.
pub(crate) fn text_json(bytes: &[u8]) -> (String, Value) {
    match str::from_utf8(bytes) {
        Ok(text) => ("message".to_owned(), json!(text)),
        Err(_) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            ("message_hex".to_owned(), json!(hex))
        }
    }
}
