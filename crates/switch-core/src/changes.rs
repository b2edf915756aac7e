//! What is different between two networks, in words.

use std::collections::BTreeSet;
use std::fmt::Debug;

use codec::name::StationName;

use crate::network::Network;

/// How many names of one kind of change are told.
const NAMED_MAX: usize = 10;

/// What is different, as a list of sentences without their full stops; none: nothing is.
#[must_use]
pub fn changes(old: &Network, new: &Network) -> Vec<String> {
    let mut told = Vec::new();
    let names = |network: &Network| network.stations().map(|station| station.name).collect::<BTreeSet<StationName>>();
    let (before, after) = (names(old), names(new));
    tell(&mut told, "stations came", after.difference(&before));
    tell(&mut told, "stations went", before.difference(&after));
    let differs = |name: &&StationName| text(&old.station(**name)) != text(&new.station(**name));
    tell(&mut told, "stations changed", before.intersection(&after).filter(differs));
    let (before, after) = (old.entries(), new.entries());
    tell(&mut told, "agencies came", after.keys().filter(|ori| !before.contains_key(*ori)));
    tell(&mut told, "agencies went", before.keys().filter(|ori| !after.contains_key(*ori)));
    let changed = before.iter().filter(|(ori, entry)| after.get(*ori).is_some_and(|other| other != *entry));
    tell(&mut told, "agencies changed", changed.map(|(ori, _)| ori));
    let (before, after) = (old.groups(), new.groups());
    tell(&mut told, "groups came", after.keys().filter(|code| !before.contains_key(*code)));
    tell(&mut told, "groups went", before.keys().filter(|code| !after.contains_key(*code)));
    let changed = before.iter().filter(|(code, lines)| after.get(*code).is_some_and(|other| other != *lines));
    tell(&mut told, "groups changed", changed.map(|(code, _)| code));
    if old.named_states() != new.named_states() {
        told.push("states changed".to_owned());
    }
    if text(old.limits()) != text(new.limits()) {
        told.push("limits changed".to_owned());
    }
    told
}

/// These types say all that they hold when they are printed for a developer.
fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn tell<'a, T: ToString + 'a>(told: &mut Vec<String>, what: &str, names: impl Iterator<Item = &'a T>) {
    let names: Vec<_> = names.map(ToString::to_string).collect();
    if names.is_empty() {
        return;
    }
    let shown = names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(" ");
    let more = names.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    told.push(format!("{what}: {shown}{more}"));
}
