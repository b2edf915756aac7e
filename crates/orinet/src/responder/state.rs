//! `orinet responder state`: a state's identification bureau.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use codec::name::Ori;
use responder::history;
use responder::ncic::PERSONS;
use responder::state::{Config, Profile, State};

use super::until_signals;
use crate::cli::{USAGE, failed};
use crate::logs::LogArguments;
use crate::send::station::StationArguments;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    station: StationArguments,
    /// Which state: only these have arrests in the synthetic histories
    #[arg(long, value_parser = PossibleValuesParser::new(history::STATES))]
    state: String,
    /// Whom answers come from: an ORI of the station [default: the state's letters and 0000050]
    #[arg(long, value_name = "ORI")]
    ori: Option<Ori>,
    /// Where the journal of requests is; made if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// How slow and how faulty it is: a TOML file with the tables `delay_ms` (p0, p50, p90, p95, p99, p100) and `share` (silence, error,
    /// garbage) and a seed; without it, neither
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Whom the state may know: a record index or a directory of them; may be given several times. Without it, some
    /// thousand persons of the population
    #[arg(long = "index", value_name = "FILE")]
    indexes: Vec<PathBuf>,
    /// From which persons are made where there is no index; the same seed as that of the others
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// How many records that population has
    #[arg(long, value_name = "COUNT", default_value_t = PERSONS)]
    persons: u32,
    /// A directory with all texts, in place of those of this program
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    #[command(flatten)]
    log: LogArguments,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    if let Err(error) = arguments.log.init("info") {
        return failed(USAGE, error.as_ref());
    }
    match open(arguments) {
        Ok(state) => until_signals(|stop| state.run(stop)),
        Err(error) => failed(USAGE, error.as_ref()),
    }
}

fn open(arguments: &Arguments) -> anyhow::Result<State> {
    let Arguments { station, state, ori, data, profile, indexes, seed, persons, templates, log: _ } = arguments;
    let ori = match ori {
        Some(ori) => *ori,
        None => Ori::parse(&format!("{state}0000050"))?,
    };
    let profile = profile.as_deref().map(Profile::load).transpose()?.unwrap_or_default();
    Ok(State::open(Config {
        station: station.name,
        link: station.dialer()?,
        state: state.clone(),
        ori,
        data: data.clone(),
        profile,
        seed: *seed,
        persons: *persons,
        indexes: indexes.clone(),
        templates: templates.clone(),
    })?)
}
