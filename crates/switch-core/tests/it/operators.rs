//! Operators' commands as transcripts write them, and what they must never do.

use std::sync::Arc;

use bytes::Bytes;
use switch_core::{
    Command, Delivery, DestinationState, Msn, Network, NetworkConfig, Original, Reload, Reply, Sequence, Switch,
    Verdict, changes,
};

use crate::network::{dictionary, key, name, ori, other_config};
use crate::written;

pub(crate) fn reload(switch: &Switch, old: &Network, words: &[&str]) -> (Command, Arc<Network>, NetworkConfig) {
    let (drop_contradicted, words) = match words {
        ["drop", rest @ ..] => (true, rest),
        words => (false, words),
    };
    let config = other_config(words);
    let network = Arc::new(Network::arranged(config.clone(), &dictionary(), &switch.order()).unwrap());
    let changes = changes(old, &network).join("; ");
    let reload = Reload { network: Arc::clone(&network), dictionary: dictionary(), changes, drop_contradicted };
    (Command::Reload(reload), network, config)
}

/// `hold ZA`, `divert ZA ZB`, `state ZA store AM`, `again 3 ZC`, `letter 7`, `letter 7 AM.…`, `discard 7`, `forget ZA0010000`, `drain`,
/// `undrain`.
pub(crate) fn command(words: &str, switch: &Switch, journal: &[(u64, u8, Bytes)]) -> Command {
    let mut parts = words.splitn(3, ' ');
    let what = parts.next().unwrap();
    let (first, rest) = (parts.next(), parts.next());
    let station = || name(first.unwrap());
    let number = || first.unwrap().parse::<u64>().unwrap();
    let original = |sequence: u64| {
        let found = journal.iter().find(|(at, ..)| *at == sequence);
        let (kind, record) = found.map_or((0, Bytes::new()), |(_, kind, record)| (*kind, record.clone()));
        Original { sequence: Sequence(sequence), kind, record }
    };
    let delivery = || Delivery::from_number(number());
    let letter = || switch.dead_letter(delivery()).map_or(0, |letter| letter.sequence.0);
    match what {
        "hold" => Command::Hold { station: station() },
        "release" => Command::Release { station: station() },
        "divert" => Command::Divert { from: station(), to: name(rest.unwrap()) },
        "undivert" => Command::Undivert { from: station() },
        "state" => {
            let mut rest = rest.unwrap().split(' ');
            let state = DestinationState::from_word(rest.next().unwrap());
            Command::SetState { station: station(), key: rest.next().map(key), state }
        }
        "again" => {
            let sequence = journal.iter().find_map(|(sequence, kind, record)| {
                let reading = switch_core::reading::read(*sequence, *kind, record.clone()).unwrap();
                let msn = if let switch_core::reading::Reading::Accepted { msn, .. } = reading { msn.0 } else { 0 };
                (msn == number()).then_some(*sequence)
            });
            Command::SendAgain {
                msn: Msn(number()),
                to: rest.map(name),
                original: original(sequence.unwrap_or_default()),
            }
        }
        "letter" => {
            let text = rest.map(|text| Bytes::from(written::bytes(text)));
            Command::ResendLetter { delivery: delivery(), text, original: original(letter()) }
        }
        "discard" => Command::DiscardLetter { delivery: delivery() },
        "forget" => Command::ForgetEntry { ori: ori(first.unwrap()) },
        "drain" => Command::Drain,
        "undrain" => Command::Undrain,
        other => panic!("no such command: {other}"),
    }
}

/// An answer on one line, and the text of an ER below it.
pub(crate) fn shown(reply: &Reply) -> String {
    match reply {
        Reply::Done(done) => {
            let undo = done.undo.as_ref().map_or_else(String::new, |undo| format!(" (undo: {undo})"));
            format!("done: {}{undo}; {} copies, record {}", done.what, done.copies, done.record.0)
        }
        Reply::Denied(switch_core::Denial::Refused { number, text }) => {
            let text = String::from_utf8_lossy(text).replace("\r\n", "␍␊\n  ");
            format!("denied: ER {number:02}\n  {}", text.trim_end())
        }
        Reply::Denied(denial) => format!("denied: {denial}"),
    }
}

/// What `explain` says of a message, a line a row and a leg.
pub(crate) fn explained(switch: &Switch, station: &str, text: &str) -> String {
    let text = Bytes::from(text.replace("\\r", "\r").replace("\\n", "\n"));
    let explanation = match switch.explain(name(station), &text) {
        Ok(explanation) => explanation,
        Err(denial) => return format!("< {denial}\n"),
    };
    let mut out = String::new();
    for row in &explanation.rows {
        out.push_str(&format!("< {} {:?}: {}\n", row.row, row.judged, row.check));
    }
    match explanation.verdict {
        Verdict::Refused { number, text } => {
            let text = String::from_utf8_lossy(&text).replace("\r\n", "␍␊\n  ");
            out.push_str(&format!("< ER {number:02}\n  {}\n", text.trim_end()));
        }
        Verdict::Accepted { key, class, legs } => {
            out.push_str(&format!("< accepted as {key}, class {class}\n"));
            for leg in legs {
                out.push_str(&format!("< {} at {}: {}\n", leg.destination, leg.station, leg.outcome));
            }
        }
    }
    out
}
