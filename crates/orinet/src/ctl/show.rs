//! What a switch answered, for people.

use serde_json::Value;

use super::table::Table;

pub(super) fn me(answer: &Value) {
    say!("operator  {}", text(answer, "operator"));
    say!("rights    {}", list(answer, "rights").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
}

pub(super) fn stations(answer: &Value) {
    let mut table = Table::new(&["STATION", "LINKS", "QUEUED", "STORED", "IN FLIGHT", "BYTES", "OF", "IS"]);
    for station in list(answer, "stations") {
        table.row(vec![
            text(station, "station"),
            text(station, "links"),
            queued(station).iter().sum::<u64>().to_string(),
            text(station, "stored"),
            text(station, "in_flight"),
            text(station, "bytes"),
            text(station, "bytes_max"),
            condition(station),
        ]);
    }
    print(&table, "no stations");
    if answer.get("draining").and_then(Value::as_bool) == Some(true) {
        say!("the switch drains: it takes nothing new");
    }
    let waiting = counted(answer, "waiting", ["copy waits", "copies wait"]);
    say!("{waiting}, {}", counted(answer, "letters", ["dead letter", "dead letters"]));
}

/// What an operator did to it, and whether it is there.
fn condition(station: &Value) -> String {
    let held = station.get("held").and_then(Value::as_bool) == Some(true);
    let diverted = station.get("diverted_to").and_then(Value::as_str);
    match (held, diverted) {
        (true, Some(to)) => format!("held, diverted to {to}"),
        (true, None) => "held".to_owned(),
        (false, Some(to)) => format!("diverted to {to}"),
        (false, None) if station.get("links").and_then(Value::as_u64) == Some(0) => "away".to_owned(),
        (false, None) => "up".to_owned(),
    }
}

pub(super) fn queues(answer: &Value) {
    let mut table = Table::new(&["STATION", "1 SM", "2 ER", "3 URGENT", "4 QUERIES", "5 AM", "6 AM TO MANY", "STORED"]);
    for station in list(answer, "stations") {
        let mut cells = vec![text(station, "station")];
        cells.extend(queued(station).iter().map(u64::to_string));
        cells.push(text(station, "stored"));
        table.row(cells);
    }
    print(&table, "no stations");
}

fn queued(station: &Value) -> Vec<u64> {
    list(station, "queued").iter().filter_map(Value::as_u64).collect()
}

pub(super) fn links(answer: &Value) {
    let mut table = Table::new(&["LINK", "STATION", "FROM", "CERTIFICATE", "IN FLIGHT"]);
    for link in list(answer, "links") {
        table.row(["link", "station", "from", "certificate", "in_flight"].map(|key| text(link, key)).to_vec());
    }
    print(&table, "no links");
}

pub(super) fn confirmations(answer: &Value) {
    let mut table = Table::new(&["ASKED", "BY", "MSN", "REQUEST", "PRIORITY", "SINCE", "DUE", "IS"]);
    for one in list(answer, "confirmations") {
        let is = |key: &str| one.get(key).and_then(Value::as_bool) == Some(true);
        table.row(vec![
            text(one, "asked"),
            text(one, "asker"),
            text(one, "msn"),
            text(one, "request"),
            if is("urgent") { "urgent" } else { "routine" }.to_owned(),
            text(one, "at"),
            text(one, "due"),
            if is("overdue") { "OVERDUE" } else { "open" }.to_owned(),
        ]);
    }
    print(&table, "no hit confirmation is open");
}

pub(super) fn states(answer: &Value) {
    let mut table = Table::new(&["STATION", "KEY", "STATE"]);
    for state in list(answer, "states") {
        let key = state.get("key").and_then(Value::as_str).unwrap_or("all");
        table.row(vec![text(state, "station"), key.to_owned(), text(state, "state")]);
    }
    print(&table, "every state is as configured");
}

pub(super) fn letters(answer: &Value) {
    let mut table = Table::new(&["LETTER", "FOR", "GIVEN UP", "WHY", "RECORD"]);
    for letter in list(answer, "letters") {
        table.row(["letter", "station", "at", "why", "record"].map(|key| text(letter, key)).to_vec());
    }
    print(&table, "no dead letters");
    if let Some(more) = answer.get("more").and_then(Value::as_u64) {
        say!("more: --after {more}");
    }
}

pub(super) fn letter(answer: &Value) {
    for (key, name) in [
        ("letter", "letter"),
        ("station", "for"),
        ("at", "given up"),
        ("why", "why"),
        ("record", "record"),
        ("msn", "msn"),
        ("key", "key"),
        ("sender", "sender"),
        ("destination", "destination"),
        ("received", "received"),
    ] {
        if answer.get(key).is_some_and(|value| !value.is_null()) {
            say!("{name:12} {}", text(answer, key));
        }
    }
    say!("\n{}", lines(&text(answer, "text")));
}

pub(super) fn changed(answer: &Value) {
    let mut table = Table::new(&["ORI", "IS", "LINE", "TYPE", "AUTHORIZATION", "ACTIVE", "NAME"]);
    for entry in list(answer, "changed") {
        let keys = ["ori", "change", "line", "type", "authorization", "active", "name"];
        table.row(keys.map(|key| text(entry, key)).to_vec());
    }
    print(&table, "the directory is as configured");
}

pub(super) fn agency(answer: &Value) {
    for key in ["ori", "name", "line", "type", "authorization", "active", "hours", "phone", "station", "changed"] {
        if !text(answer, key).is_empty() {
            say!("{key:14} {}", text(answer, key));
        }
    }
}

pub(super) fn explanation(answer: &Value) {
    let mut table = Table::new(&["ROW", "CHECK", "IS", ""]);
    for row in list(answer, "rows") {
        let passed = row.get("passed").and_then(Value::as_bool) == Some(true);
        let is = if passed { "passed" } else { "FAILED" };
        table.row(vec![text(row, "row"), text(row, "check"), is.to_owned(), text(row, "note")]);
    }
    print(&table, "no rows");
    if let Some(er) = answer.get("er").filter(|er| !er.is_null()) {
        say!("\nrefused with ER {}:\n{}", text(er, "number"), lines(&text(er, "text")));
        return;
    }
    say!("\naccepted as {}, priority {}", text(answer, "key"), text(answer, "priority"));
    let mut legs = Table::new(&["DESTINATION", "STATION", "WHAT HAPPENS"]);
    for leg in list(answer, "legs") {
        legs.row(["destination", "station", "outcome"].map(|key| text(leg, key)).to_vec());
    }
    print(&legs, "no copy is made: the switch itself answers");
}

pub(super) fn done(answer: &Value) {
    say!("{}", text(answer, "done"));
    if let Some(undo) = answer.get("undo").and_then(Value::as_str) {
        say!("undo: {undo}");
    }
}

/// A text with the line ends that a terminal has.
pub(super) fn lines(text: &str) -> String {
    let lines: Vec<_> =
        text.trim_end().lines().map(|line| format!("    {}", line.trim_matches(['\r', '\x7f']))).collect();
    lines.join("\n")
}

fn print(table: &Table, none: &str) {
    if table.is_empty() {
        return say!("{none}");
    }
    for line in table.lines() {
        say!("{line}");
    }
}

/// How many there are of something, which has one name for one and another for several.
fn counted(answer: &Value, key: &str, [one, several]: [&str; 2]) -> String {
    let count = answer.get(key).and_then(Value::as_u64).unwrap_or_default();
    format!("{count} {}", if count == 1 { one } else { several })
}

/// A value as text; empty where there is none.
fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => other.to_string(),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
