//! `orinet responder`: a process that answers inquiries.

mod state;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use codec::name::Ori;
use responder::config;
use responder::lesc::{Config, Lesc};
use responder::ncic::{self, Ncic};
use responder::page::Door;
use responder::policy::Policy;
use telemetry::{CenterMetrics, Page};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::cli::{USAGE, failed};
use crate::logs::LogArguments;
use crate::send::station::StationArguments;
use crate::switch::stop_on_signals;

/// Which process.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// The support center: acknowledges each IAQ and answers it from record indexes.
    ///
    /// Runs until SIGTERM or SIGINT: then it takes no more inquiries, ends those in hand and exits with 0. A link that
    /// is lost or cannot be had is tried again for ever. Files that cannot be used end it at once, with 64.
    Lesc(LescArguments),
    /// The stand-in of NCIC and III: answers QW, QWI, QH and QR, and keeps the immigration violator file.
    ///
    /// The file is synthetic, made of the population of the seed, and changed by XI1, XI2 and XI3 of the center alone; what
    /// was changed lasts in the directory of --data. Runs until SIGTERM or SIGINT and exits with 0; files that cannot
    /// be used end it at once, with 64.
    Ncic(NcicArguments),
    /// The stand-in of a state's identification bureau: answers IQ, FQ and AQ with synthetic criminal histories.
    ///
    /// It is as slow and as faulty as --profile says. A request is taken once it is in the journal of --data, and answered
    /// once over any crash. Runs until SIGTERM or SIGINT and exits with 0; files that cannot be used end it at once, with 64.
    State(state::Arguments),
}

#[derive(Debug, Args)]
struct NcicArguments {
    #[command(flatten)]
    station: StationArguments,
    /// Where the journal of the file's changes is; made if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Whom answers come from: an ORI of the station
    #[arg(long, value_name = "ORI", default_value = "ZZNCIC000")]
    ori: Ori,
    /// Who alone may enter, modify and cancel records
    #[arg(long, value_name = "ORI", default_value_t = *responder::answer::ORI)]
    center: Ori,
    /// From which persons are made; the same seed as that of the indexes
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// How many records of the population the file is made of
    #[arg(long, value_name = "COUNT", default_value_t = ncic::PERSONS)]
    persons: u32,
    /// How many violators there are at most
    #[arg(long, value_name = "COUNT", default_value_t = ncic::COUNT)]
    violators: u32,
    /// Whom III knows: a record index or a directory of them; may be given several times. Without it, some thousand
    /// persons of the population
    #[arg(long = "index", value_name = "FILE")]
    indexes: Vec<PathBuf>,
    /// A directory with all texts, in place of those of this program
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    #[command(flatten)]
    log: LogArguments,
}

#[derive(Debug, Args)]
struct LescArguments {
    #[command(flatten)]
    station: StationArguments,
    /// A record index, or a directory whose `.idx` files are meant; may be given several times. All are searched
    #[arg(long = "index", value_name = "FILE", required = true)]
    indexes: Vec<PathBuf>,
    /// The log of records added since the indexes were built (`orinet records add`): what is added to it while the center
    /// runs is found by the next inquiry. It is begun if it is not there
    #[arg(long, value_name = "FILE")]
    added: Option<PathBuf>,
    /// The directory of its journal: an inquiry is then taken once it is durable there, and acknowledged and answered once over
    /// any crash. Begun if it is not there; without it nothing is kept, the switch has an inquiry until it is answered, and
    /// every answer goes out by itself
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How it works: which answers go out by themselves, who is asked over the network, who gets copies (docs/center.md).
    /// With --data and without it nothing goes out by itself but acknowledgements
    #[arg(long, value_name = "FILE", requires = "data")]
    config: Option<PathBuf>,
    /// Whom answers come from: an ORI of the station
    #[arg(long, value_name = "ORI", default_value_t = *responder::answer::ORI)]
    ori: Ori,
    /// A directory with all templates, in place of those of this program
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Where /metrics, /livez and /readyz are; nowhere without it
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    #[command(flatten)]
    log: LogArguments,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.kind {
        Kind::Lesc(arguments) => lesc(arguments),
        Kind::Ncic(arguments) => stand_in(arguments),
        Kind::State(arguments) => state::run(arguments),
    }
}

fn stand_in(arguments: &NcicArguments) -> ExitCode {
    if let Err(error) = arguments.log.init("info") {
        return failed(USAGE, error.as_ref());
    }
    let opened = arguments.station.dialer().map_err(anyhow::Error::from).and_then(|link| {
        Ok(Ncic::open(ncic::Config {
            station: arguments.station.name,
            link,
            ori: arguments.ori,
            center: arguments.center,
            data: arguments.data.clone(),
            seed: arguments.seed,
            persons: arguments.persons,
            violators: arguments.violators,
            indexes: arguments.indexes.clone(),
            templates: arguments.templates.clone(),
        })?)
    });
    let ncic = match opened {
        Ok(opened) => opened,
        Err(error) => return failed(USAGE, error.as_ref()),
    };
    until_signals(|stop| ncic.run(stop))
}

/// Runs a stand-in until a signal, or until its journal fails.
fn until_signals<F>(run: impl FnOnce(CancellationToken) -> F) -> ExitCode
where
    F: Future<Output = Result<(), ncic::JournalFailed>>,
{
    let served = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime");
    let served = served.and_then(|runtime| {
        runtime.block_on(async {
            let stop = CancellationToken::new();
            let signals = stop_on_signals(stop.clone())?;
            let ended = run(stop).await;
            signals.abort();
            Ok(ended?)
        })
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(1, error.as_ref()),
    }
}

fn lesc(arguments: &LescArguments) -> ExitCode {
    if let Err(error) = arguments.log.init("info") {
        return failed(USAGE, error.as_ref());
    }
    // Everything that the command line names is read before the first call.
    let (lesc, page) = match open(arguments) {
        Ok(opened) => opened,
        Err(error) => return failed(USAGE, error.as_ref()),
    };
    match serve(lesc, page) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(1, error.as_ref()),
    }
}

/// Where the metrics are shown, and what is shown.
type Shown = (Door, Arc<Page>);

fn open(arguments: &LescArguments) -> anyhow::Result<(Lesc, Option<Shown>)> {
    let LescArguments { station, indexes, added, data, config, ori, templates, admin, log: _ } = arguments;
    let policy = match (config, data) {
        (Some(file), _) => config::load(file)?,
        (None, Some(_)) => Policy::default(),
        (None, None) => Policy::automatic(),
    };
    let (link, station) = (station.dialer()?, station.name);
    let door = admin.map(|address| Door::bind(address).with_context(|| format!("the page cannot listen on {address}")));
    let page = door.transpose()?.map(|door| (door, Arc::new(Page::new(env!("CARGO_PKG_VERSION")))));
    let metrics = page.as_ref().map(|(_, page)| CenterMetrics::on(page));
    let (indexes, added, data, templates) = (indexes.clone(), added.clone(), data.clone(), templates.clone());
    Ok((Lesc::open(Config { station, link, ori: *ori, indexes, added, data, templates, policy, metrics })?, page))
}

fn serve(lesc: Lesc, page: Option<Shown>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let signals = stop_on_signals(stop.clone())?;
        if let Some((door, page)) = page {
            info!(admin = %door.address()?, "the page is up");
            door.serve(page, lesc.state(), stop.clone()).context("no thread for the page")?;
        }
        lesc.run(stop).await;
        signals.abort();
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn the_center_of_the_sample_network_needs_no_more_than_its_files() {
        let words = ["orinet", "responder", "lesc", "--pki", "pki", "--station", "AX", "--index", "records"];
        let Command::Responder(arguments) = Cli::try_parse_from(words).unwrap().command else { panic!("another") };
        let Kind::Lesc(arguments) = arguments.kind else { panic!("another") };
        assert_eq!((arguments.ori.as_str(), arguments.station.name.as_str()), ("ZZLESC000", "AX"));
        assert_eq!(arguments.templates, None);
        assert!(Cli::try_parse_from(words.iter().take(5)).is_err());
    }
}
