//! `orinet demo`: a whole sample network in one process, over real TLS on loopback, and one inquiry answered.

pub(crate) mod directory;
mod exchange;
pub(crate) mod network;
mod prometheus;
mod stations;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use codec::name::StationName;
use switch::{Running, SwitchError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::directory::{Addresses, Directory, Wanted};
use self::network::Network;
use self::prometheus::Prometheus;
use self::stations::Stations;
use crate::cli::{USAGE, failed};
use crate::logs::LogArguments;
use crate::switch::stop_on_signals;

/// Makes a directory with certificates, network.toml and indexes of synthetic persons; runs the switch and the sample
/// network's stations; sends one inquiry as an agency would and prints the exchange. Then it stays up until Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// End after the exchange: 0 if the inquiry was answered, else 1
    #[arg(long)]
    once: bool,
    /// Keep everything in this directory, and use again what is there; without it, a temporary one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Where stations call
    #[arg(long, value_name = "ADDRESS", default_value = switch::Config::LINKS)]
    link: SocketAddr,
    /// Where stations call that speak Foxtalk [default: 127.0.0.1:7021, or a free port if --link is another address]
    #[arg(long, value_name = "ADDRESS")]
    fox: Option<SocketAddr>,
    /// Where /metrics, /livez and /readyz are
    #[arg(long, value_name = "ADDRESS", default_value = switch::Config::ADMIN)]
    admin: SocketAddr,
    /// How many synthetic records the indexes hold, of all sources together
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    persons: u32,
    /// From which persons are made; the same seed gives the same persons
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Start a Prometheus beside it, if one is installed, with the alerts of dashboards/
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:9090")]
    prometheus: Option<SocketAddr>,
    #[command(flatten)]
    log: LogArguments,
}

impl Arguments {
    /// Where Foxtalk is spoken. A demo beside another one is told where its links are and not more: it takes a free port.
    fn fox(&self) -> SocketAddr {
        let usual =
            (self.link.to_string() == switch::Config::LINKS).then(|| switch::Config::FOX.parse().ok()).flatten();
        self.fox.or(usual).unwrap_or_else(|| SocketAddr::new(self.link.ip(), 0))
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    if let Err(error) = arguments.log.init("warn") {
        return failed(USAGE, error.as_ref());
    }
    match demo(arguments) {
        Ok(Answered::Yes) => ExitCode::SUCCESS,
        Ok(Answered::No) => ExitCode::from(1),
        Err(error) => {
            let usage = error.downcast_ref::<SwitchError>().is_some_and(SwitchError::is_usage)
                || error.is::<directory::DirectoryError>();
            failed(if usage { USAGE } else { 1 }, error.as_ref())
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    No,
}

/// How long the stations may take to come up: far longer than on any machine that can run the demo.
const STATIONS_MAX: Duration = Duration::from_secs(30);

fn demo(arguments: &Arguments) -> anyhow::Result<Answered> {
    let addresses = Addresses { links: arguments.link, fox: arguments.fox(), admin: arguments.admin };
    let (dir, persons, seed) = (arguments.dir.as_deref(), arguments.persons, arguments.seed);
    let directory = Directory::prepare(Wanted { dir, addresses, persons, seed })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let stop = CancellationToken::new();
    let mut network = runtime.block_on(Network::start(&directory, stop.clone()))?;
    let ended = runtime.block_on(async {
        let signals = stop_on_signals(stop.clone())?;
        let ended = show(arguments, &directory, &mut network.running, &network.stations, &stop).await;
        signals.abort();
        ended
    });
    let stopped = network.stop();
    let answered = ended?;
    stopped?;
    Ok(answered)
}

async fn show(
    arguments: &Arguments,
    directory: &Directory,
    running: &mut Running,
    stations: &Stations,
    stop: &CancellationToken,
) -> anyhow::Result<Answered> {
    directory.describe();
    say!("switch      links {} (TLS 1.3, client certificates), admin http://{}", running.links, running.admin);
    if let Some(fox) = running.fox {
        say!("foxtalk     {fox}, for clients that speak OFML");
    }
    let Some(shown) = stop.run_until_cancelled(show_exchange(directory, running, stations)).await else {
        return Ok(Answered::No);
    };
    let answered = shown?;
    if arguments.once {
        return Ok(answered);
    }
    // Ends with this function.
    let _prometheus = watch(arguments, directory, running.admin)?;
    let dir = directory.path().display();
    say!("READY links {} admin http://{} directory {dir}", running.links, running.admin);
    say!("");
    say!("Try next, from another terminal:");
    let program = program();
    say!("  {program} send --link {} --pki {dir}/pki --station ZA0010000 {dir}/inquiry.txt", running.links);
    say!("  curl http://{}/metrics", running.admin);
    if let Some(token) = directory.token_file() {
        say!("  {program} ctl --admin {} --token-file {} stations", running.admin, token.display());
    }
    say!("Ctrl-C ends it.");
    stop.cancelled().await;
    Ok(answered)
}

/// Starts Prometheus, if it is wanted and there is one, and says where it is.
fn watch(arguments: &Arguments, directory: &Directory, admin: SocketAddr) -> anyhow::Result<Option<Prometheus>> {
    let Some(address) = arguments.prometheus else { return Ok(None) };
    let started = Prometheus::start(directory.path(), admin, address)?;
    match &started {
        Some(prometheus) => say!("prometheus  http://{0}, alerts http://{0}/alerts", prometheus.address()),
        None => say!("prometheus  is not installed: install your system's package `prometheus` and start again"),
    }
    Ok(started)
}

/// Waits for the stations, shows the exchange, and waits until its terminal's link is gone.
async fn show_exchange(directory: &Directory, running: &mut Running, stations: &Stations) -> anyhow::Result<Answered> {
    let (links, attached) = (running.links, &mut running.attached);
    let up = attached.wait_for(|attached| stations.names().iter().all(|name| attached.contains_key(name)));
    timeout(STATIONS_MAX, up).await.context("the stations did not come up")??;
    say!("stations    {}\n", stations.names().iter().map(StationName::as_str).collect::<Vec<_>>().join(" "));
    let terminal = StationName::parse(exchange::TERMINAL)?;
    let answered = exchange::show(directory, links, terminal).await?;
    let gone = attached.wait_for(|attached| !attached.contains_key(&terminal));
    timeout(STATIONS_MAX, gone).await.context("the terminal's link did not end")??;
    Ok(answered)
}

/// This program as a person would type it from here.
fn program() -> String {
    let typed = std::env::current_exe().ok().map(|program| {
        let here = std::env::current_dir().unwrap_or_default();
        program.strip_prefix(here).unwrap_or(&program).display().to_string()
    });
    typed.unwrap_or_else(|| "orinet".to_owned())
}
