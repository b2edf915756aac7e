//! `orinet terminal`: an agency's terminal on the whole screen.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use codec::name::{Ori, StationName};
use terminal::keys::{Action, Keys};
use terminal::lock::Hash;
use terminal::{Config, Preferences};
use tokio_util::sync::CancellationToken;

use crate::cli::{USAGE, failed};
use crate::practice::{Practice, TRAINEE};
use crate::send::station::StationArguments;
use crate::switch::stop_on_signals;

/// Who sits where, or one of the tools that need no link.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    station: Option<StationArguments>,
    /// The agency as which it sends [default: the station's name, if it is an ORI]
    #[arg(long, value_name = "ORI")]
    ori: Option<Ori>,
    /// Where it keeps what was received, sent and typed [default: orinet/terminal/STATION in the user's data directory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keys, colors, defaults, password [default: orinet/terminal.toml in the user's configuration directory, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Practice: run a small network inside, with partners who send something every so many seconds, and no server
    #[arg(long, exclusive = true, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "20", value_parser = clap::value_parser!(u64).range(1..=3600))]
    practice: Option<u64>,
    /// Read a password on standard input and print its hash for the configuration
    #[arg(long, exclusive = true)]
    hash_password: bool,
    /// Print the actions and their keys, as the configuration names them
    #[arg(long, exclusive = true)]
    keys: bool,
}

const ABOUT: &str = "\
F1 is help on every screen, Ctrl-Q leaves, after a question. What was typed, sent and received is kept and shown again at the next start;
what the switch had not acknowledged is sent again, and admitted once. docs/terminal.md describes screens, keys, files.

Exit codes: 0 left by its user; 1 failed; 64 wrong usage or configuration.";

pub(crate) fn run(line: &CommandLine) -> ExitCode {
    if line.keys {
        return print_keys();
    }
    if line.hash_password {
        return match hash_password() {
            Ok(hash) => {
                say!("{hash}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(USAGE, error.as_ref()),
        };
    }
    if let Some(seconds) = line.practice {
        return match practice(Duration::from_secs(seconds)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(1, error.as_ref()),
        };
    }
    let Some(station) = &line.station else {
        return failed(USAGE, anyhow!("--station and --pki say which terminal it is").as_ref());
    };
    let (config, link) = match (configured(line, station), station.dialer()) {
        (Ok(config), Ok(link)) => (config, link),
        (Err(error), _) => return failed(USAGE, error.as_ref()),
        (_, Err(error)) => return failed(USAGE, &error),
    };
    match sit(config, link) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(1, error.as_ref()),
    }
}

fn sit(config: Config, link: link::dialer::Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let ended = runtime.block_on(async {
        let stop = CancellationToken::new();
        let signals = stop_on_signals(stop.clone())?;
        let ended = terminal::run(config, link, stop).await;
        signals.abort();
        Ok(ended?)
    });
    // The keyboard's thread waits for a key that nobody will press.
    runtime.shutdown_background();
    ended
}

/// Sits at the terminal of a network of its own, until its user leaves it.
fn practice(pace: Duration) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let network = runtime.block_on(Practice::start(pace))?;
    let config = || {
        Ok(Config {
            station: StationName::parse(TRAINEE)?,
            ori: Ori::parse(TRAINEE)?,
            data: network.data(),
            preferences: preferences(None)?,
            banner: Some("PRACTICE".to_owned()),
        })
    };
    let ended = config().and_then(|config| sit(config, network.link()?));
    let stopped = network.stop();
    ended.and(stopped)
}

fn configured(arguments: &CommandLine, station: &StationArguments) -> anyhow::Result<Config> {
    let station = station.name;
    let ori = match arguments.ori {
        Some(ori) => ori,
        None => Ori::parse(station.as_str())
            .with_context(|| format!("--ori must say as which agency {station} sends: its name is no ORI"))?,
    };
    let data = match &arguments.data {
        Some(data) => data.clone(),
        None => user_directory("XDG_DATA_HOME", ".local/share")
            .context("--data must say where to keep messages: there is no home directory")?
            .join("orinet/terminal")
            .join(station.as_str()),
    };
    let preferences = preferences(arguments.config.as_deref())?;
    Ok(Config { station, ori, data, preferences, banner: None })
}

/// How the user wants it: as that file says, or the usual one; colors as `NO_COLOR` does.
fn preferences(file: Option<&Path>) -> anyhow::Result<Preferences> {
    let mut preferences = from_file(file)?;
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        preferences.colors = terminal::config::Colors::None;
    }
    Ok(preferences)
}

fn from_file(file: Option<&Path>) -> anyhow::Result<Preferences> {
    let usual = || user_directory("XDG_CONFIG_HOME", ".config").map(|directory| directory.join("orinet/terminal.toml"));
    let file = match file {
        Some(file) => file.to_owned(),
        None => match usual().filter(|file| file.exists()) {
            Some(file) => file,
            None => return Ok(Preferences::default()),
        },
    };
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Preferences::parse(&text).with_context(|| format!("{}", file.display()))
}

/// A directory of the user, as the XDG base directory specification has it.
fn user_directory(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(in_home)))
}

fn print_keys() -> ExitCode {
    let keys = Keys::default();
    for action in Action::ALL {
        let keys: Vec<String> = keys.of(*action).iter().map(ToString::to_string).collect();
        say!("{:<14}{:<12}{}", action.name(), action.label(), keys.join(", "));
    }
    ExitCode::SUCCESS
}

fn hash_password() -> anyhow::Result<Hash> {
    let mut text = String::new();
    io::stdin().take(4096).read_to_string(&mut text).context("cannot read standard input")?;
    let password = text.lines().next().unwrap_or_default();
    Ok(Hash::new(password)?)
}
