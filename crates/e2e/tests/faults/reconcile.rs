//! The journal beside the wire: what stations were acknowledged and what they got, and what `orinet journal export` says of it,
//! one to one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::effort::{chance, efforts, figures, shared};
use crate::judge::Stamp;
use crate::kills::Series;
use crate::net::STATE;
use crate::rights::export;

/// What both sides say that the other does not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    /// Acknowledged and in the journal not at all, more than once, or otherwise.
    acknowledged: Vec<String>,
    /// In the journal as accepted and never acknowledged.
    unknown: Vec<String>,
    /// Received and in the journal under no such number, or not marked as delivered exactly once.
    received: Vec<String>,
    /// Events that lack a field which an auditor needs.
    bare: Vec<String>,
}

/// Station and validation: what names a message on the wire.
type Name = (String, u64);

fn reconcile(sent: &BTreeMap<Name, Stamp>, received: &BTreeMap<u32, Stamp>, events: &[Value]) -> Difference {
    let mut difference = Difference::default();
    let (mut accepted, mut copies) = (BTreeMap::<Name, Vec<&Value>>::new(), BTreeMap::<u32, Vec<(u64, u64)>>::new());
    let mut delivered = BTreeMap::<u64, usize>::new();
    for event in events {
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        match event["event"].as_str() {
            Some("accepted") => {
                let validation = event["validation"].as_u64().unwrap_or_default();
                accepted.entry((text("station").unwrap_or_default(), validation)).or_default().push(event);
                for copy in event["copies"].as_array().into_iter().flatten() {
                    let delivery = copy["delivery"].as_u64().unwrap_or_default();
                    // A delivery's number on the wire is its low 32 bits.
                    let on_the_wire = u32::try_from(delivery & 0xFFFF_FFFF).unwrap_or_default();
                    copies.entry(on_the_wire).or_default().push((delivery, validation));
                }
                let fields = ["at", "station", "from", "certificate", "key", "sender", "result"];
                if fields.iter().any(|field| text(field).is_none_or(|text| text.is_empty())) || !is_exact(event) {
                    difference.bare.push(event.to_string());
                }
            }
            Some("delivered") => {
                *delivered.entry(event["delivery"].as_u64().unwrap_or_default()).or_default() += 1;
                if ["at", "station", "from", "certificate", "result"].iter().any(|field| text(field).is_none()) {
                    difference.bare.push(event.to_string());
                }
            }
            _ => {}
        }
    }
    for (name, stamp) in sent {
        let (sender, _, key) = &stamp.flow;
        let fits = |event: &&&Value| {
            event["sender"] == *sender && event["key"] == *key && event["bytes"] == stamp.text().len()
        };
        let events = accepted.remove(name).unwrap_or_default();
        if events.len() != 1 || events.iter().filter(fits).count() != 1 {
            difference.acknowledged.push(format!("{stamp:?}: {events:?}"));
        }
    }
    difference.unknown.extend(accepted.keys().map(|name| format!("{name:?}")));
    for (validation, stamp) in received {
        let Some([(delivery, number)]) = copies.get(validation).map(Vec::as_slice) else {
            difference.received.push(format!("{validation}: no such delivery, {stamp:?}"));
            continue;
        };
        if *number != u64::from(stamp.number) || delivered.get(delivery) != Some(&1) {
            difference
                .received
                .push(format!("{validation}: {stamp:?} is {number}, marked {:?}", delivered.get(delivery)));
        }
    }
    difference
}

/// UTC, to a hundredth of a second or finer.
fn is_exact(event: &Value) -> bool {
    let at = event["at"].as_str().unwrap_or_default();
    at.ends_with('Z') && at.rsplit_once('.').is_some_and(|(_, digits)| digits.len() > 2)
}

/// S12, with kills in between.
#[test]
fn journal_and_wire_agree_message_by_message_across_kills() {
    let _machine = shared();
    let wanted: usize = efforts(3_000, 5_000, 100_000);
    let mut random = chance("reconcile");
    let mut series = Series::new();
    let mut kills = 0;
    while series.acked().len() < wanted {
        series.live(&mut random);
        kills += 1;
    }
    series.settle();
    series.close();
    let sent: BTreeMap<Name, Stamp> = series
        .senders
        .iter()
        .flat_map(|sender| {
            let name = |stamp: &Stamp| (sender.station.to_owned(), u64::from(stamp.number));
            sender.acked.iter().map(move |stamp| (name(stamp), stamp.clone()))
        })
        .collect();
    let received: BTreeMap<u32, Stamp> = series.got.copies.iter().cloned().collect();
    let events = export(&series.net);
    let difference = reconcile(&sent, &received, &events);
    assert_eq!(difference, Difference::default(), "{} messages", sent.len());
    assert_eq!(sent.len(), received.len());
    // The controls, each by itself: an event less, one twice, a delivery less.
    let changed = |what: &str, change: fn(&mut Vec<Value>, usize)| {
        let mut events = events.clone();
        // Notices to senders are delivered too, and are no copies of theirs.
        let is = |event: &Value| event["event"] == what && (what == "accepted" || event["station"] == STATE);
        let place = events.iter().position(is).expect("one");
        change(&mut events, place);
        reconcile(&sent, &received, &events)
    };
    assert_eq!(changed("accepted", |events, place| drop(events.remove(place))).acknowledged.len(), 1);
    assert_eq!(changed("accepted", |events, place| events.push(events[place].clone())).acknowledged.len(), 1);
    assert_eq!(changed("delivered", |events, place| drop(events.remove(place))).received.len(), 1);
    figures(&format!(
        "{} messages across {kills} kills: each acknowledgement has one event, each copy received one delivery, and there is nothing \
         else; all with time, station, address, certificate, key, sender, result",
        sent.len()
    ));
}
