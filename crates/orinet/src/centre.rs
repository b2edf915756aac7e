//! `orinet centre`: what the support center does beside answering, and a month of it in figures.

mod detainer;
mod list;
mod report;
mod tip;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use center::{DutyDenial, Entry, Technician};
use clap::{Args, Subcommand};
use codec::name::Ori;
use responder::book::{Book, BookError};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::cli::{USAGE, failed};
use crate::send::station::StationArguments;

/// Which duty.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// The directory of the journal of duties; made if it is not there. One command at a time has it open
    #[arg(long, global = true, value_name = "DIR", default_value = "duties")]
    duties: PathBuf,
    #[command(subcommand)]
    kind: Kind,
}

const ABOUT: &str = "\
Who acts is who --as says: whoever can write the directory is believed. What is to be told to an agency or a field office
waits in the journal until `orinet centre send` has brought it to the switch.

Exit codes: 0 done; 1 denied, or it could not be done; 64 wrong usage.";

#[derive(Debug, Subcommand)]
enum Kind {
    /// Detainers: propose, lodge by name, decline, lift, list
    #[command(subcommand)]
    Detainer(detainer::Act),
    /// The tipline: take calls, grade them, refer leads, write down what came of them, list
    #[command(subcommand)]
    Tip(tip::Act),
    /// Lists of visitors and applicants: upload, screen, show
    #[command(subcommand)]
    List(list::Act),
    /// Send what waits to be told
    Send(SendArguments),
    /// Show a month in figures, beside those of the fiscal year 2004
    Report(report::Arguments),
}

#[derive(Debug, Args)]
struct SendArguments {
    #[command(flatten)]
    station: StationArguments,
    /// Whom it comes from: an ORI of the station
    #[arg(long, value_name = "ORI", default_value_t = *responder::answer::ORI)]
    ori: Ori,
}

/// Who acts.
#[derive(Debug, Args)]
struct Name {
    /// The technician
    #[arg(long = "as", value_name = "NAME", value_parser = Technician::new)]
    who: Technician,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { duties, kind } = arguments;
    let done = match kind {
        Kind::Detainer(act) => Desk::open(duties).and_then(|mut desk| detainer::run(&mut desk, act)),
        Kind::Tip(act) => Desk::open(duties).and_then(|mut desk| tip::run(&mut desk, act)),
        Kind::List(act) => Desk::open(duties).and_then(|mut desk| list::run(&mut desk, act)),
        Kind::Send(arguments) => Desk::open(duties).and_then(|mut desk| desk.send(arguments)),
        Kind::Report(arguments) => report::run(duties, arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_usage = error.is::<link::tls::TlsError>() || error.is::<Usage>();
            failed(if is_usage { USAGE } else { 1 }, error.as_ref())
        }
    }
}

/// Something on the command line cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// The journal, and what its waiting needs.
struct Desk {
    book: Book,
    runtime: Runtime,
}

impl Desk {
    fn open(directory: &Path) -> anyhow::Result<Self> {
        let book = Book::open(directory).with_context(|| format!("{} cannot be used", directory.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
        Ok(Self { book, runtime })
    }

    /// Stores what a command came to, and says its number.
    fn store(&mut self, entry: Result<Entry, DutyDenial>) -> anyhow::Result<u64> {
        let entry = entry?;
        Ok(self.runtime.block_on(self.book.store(&entry))?)
    }

    fn send(&mut self, arguments: &SendArguments) -> anyhow::Result<()> {
        let config = arguments.station.dialer()?;
        let sent = self.runtime.block_on(self.book.send(config, arguments.ori));
        let waiting = self.book.duties().unsent().count();
        let sent = sent.map_err(|error: BookError| anyhow::Error::from(error))?;
        say!("{} sent, {} refused for good, {waiting} waiting", sent.taken, sent.refused);
        Ok(())
    }
}

/// A word of the command line as the journal writes it.
fn word(text: &str) -> Value {
    Value::String(text.to_owned())
}
