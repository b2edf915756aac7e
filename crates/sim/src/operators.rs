//! What operators do in a run, sensible or not.

use rand::RngExt as _;
use rand_pcg::Pcg64;
use switch_core::reading::Reading;
use switch_core::{Command, DestinationState, Msn, Original, Reload, Sequence};

use crate::broken::Broken;
use crate::model::{Model, reading};
use crate::network::{self, Variant, arranged, key, ori, station, without_rules};
use crate::process::Process;

const STATIONS: [&str; 4] = ["ZA0010000", "ZB", "ZC", "ZD"];

/// What a run's operators may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// Set states of destinations.
    pub(crate) states: bool,
    /// Divert.
    pub(crate) diverts: bool,
    pub(crate) body_cache_bytes: usize,
    pub(crate) broken: Option<Broken>,
}

/// Something that an operator tells the switch to do; nothing if there is nothing of that kind to do.
pub(crate) fn command(
    rng: &mut Pcg64,
    process: &mut Process,
    model: &mut Model,
    changed: &mut u32,
    manners: Manners,
) -> Option<Command> {
    let any = |rng: &mut Pcg64| station(STATIONS[rng.random_range(0..STATIONS.len())]);
    match rng.random_range(0..24) {
        0..3 => Some(Command::Hold { station: any(rng) }),
        3..7 => Some(Command::Release { station: any(rng) }),
        7..11 if manners.diverts => Some(Command::Divert { from: any(rng), to: any(rng) }),
        11..12 if manners.diverts => Some(Command::Undivert { from: any(rng) }),
        12 if manners.states => {
            let state = [Some(DestinationState::Store), Some(DestinationState::Remove), None][rng.random_range(0..3)];
            let of = [None, Some(key("AM")), Some(key("IAR"))][rng.random_range(0..3)];
            Some(Command::SetState { station: any(rng), key: of, state })
        }
        13..15 => {
            let accepted: Vec<u64> = model.accepted().collect();
            if accepted.is_empty() {
                return None;
            }
            let sequence = accepted[rng.random_range(0..accepted.len())];
            let original = original(process, sequence)?;
            let Ok(Reading::Accepted { msn, .. }) = reading(sequence, original.kind, &original.record) else {
                return None;
            };
            let msn = if rng.random_bool(0.1) { Msn(msn.0 + 1) } else { msn };
            let to = rng.random_bool(0.3).then(|| any(rng));
            Some(Command::SendAgain { msn, to, original })
        }
        15..19 => {
            let letters: Vec<_> =
                process.switch.dead_letters().map(|(number, letter)| (number, letter.sequence.0)).collect();
            if letters.is_empty() {
                return None;
            }
            let (delivery, sequence) = letters[rng.random_range(0..letters.len())];
            model.wants(delivery);
            if rng.random_bool(0.3) {
                return Some(Command::DiscardLetter { delivery });
            }
            *changed += 1;
            let mark = 50_000_000 + *changed;
            let text = rng.random_bool(0.3).then(|| format!("AM.ZB0010000.ZC.TXT\r\nMARK {mark:08}").into());
            let original = original(process, sequence)?;
            Some(Command::ResendLetter { delivery, text, original })
        }
        19 => Some(Command::ForgetEntry { ori: ori(["ZA0050000", "ZA0060000"][rng.random_range(0..2)]) }),
        20 => Some(Command::Drain),
        21..23 => Some(Command::Undrain),
        _ => {
            let variant = Variant::ALL[rng.random_range(0..Variant::ALL.len())];
            let variant = if variant == Variant::WithStates && !manners.states { Variant::Usual } else { variant };
            let drop_contradicted = rng.random_bool(0.5);
            Some(reload(process, variant, drop_contradicted, manners))
        }
    }
}

/// Another configuration, as the process would read and arrange it.
pub(crate) fn reload(process: &mut Process, variant: Variant, drop_contradicted: bool, manners: Manners) -> Command {
    let config = network::config(variant, manners.body_cache_bytes);
    let theirs =
        if manners.broken == Some(Broken::IgnoresRights) { without_rules(config.clone()) } else { config.clone() };
    let network = arranged(theirs, &process.dictionary, &process.switch.order());
    process.next_config = Some(config);
    let changes = format!("{variant:?}");
    Command::Reload(Reload { network, dictionary: process.dictionary.clone(), changes, drop_contradicted })
}

fn original(process: &Process, sequence: u64) -> Option<Original> {
    let record = process.read(sequence)?;
    Some(Original { sequence: Sequence(sequence), kind: record.kind, record: record.payload })
}
