//! The command line: what can be typed, and how a command ends.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    centre, certs, completions, ctl, demo, journal, load, man, metrics, records, responder, send, switch, terminal,
};

/// An open emulation of a law-enforcement message network. All data is synthetic.
///
/// Exit codes: 0 done; 1 failed; 64 wrong usage or configuration, found before anything was bound or changed.
#[derive(Debug, Parser)]
#[command(
    name = "orinet",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Work at the support center: detainers, calls, lists of persons, a month in figures.
    Centre(centre::Arguments),
    /// Make and keep the network's certificate authority.
    Certs(certs::Arguments),
    /// Print a script that completes this command line in a shell.
    Completions(completions::Arguments),
    /// Tell a running switch what to do, and ask it how it is.
    Ctl(ctl::Arguments),
    /// Run a whole sample network on this machine and show an inquiry answered.
    Demo(demo::Arguments),
    /// Look after the journal of a switch: check, mend, back up, read.
    Journal(journal::Arguments),
    /// Put a load on a switch and judge it by thresholds.
    Load(Box<load::Arguments>),
    /// Write manual pages.
    Man(man::Arguments),
    /// Say which metrics there are and what they mean.
    Metrics(metrics::Arguments),
    /// Make, check and search records of persons.
    Records(records::Arguments),
    /// Run a process that answers inquiries.
    Responder(responder::Arguments),
    /// Send messages as a station and print what comes back.
    Send(send::Arguments),
    /// Run the message switch.
    Switch(switch::Arguments),
    /// Sit at an agency's terminal: forms, inbox, hit confirmations, on the whole screen.
    Terminal(Box<terminal::CommandLine>),
}

/// Wrong usage or configuration (the `EX_USAGE` of `sysexits.h`).
pub(crate) const USAGE: u8 = 64;

/// Prints what clap has to say: help and version are no failure, anything else is wrong usage.
pub(crate) fn refused(error: &clap::Error) -> ExitCode {
    // A closed standard output changes nothing about how this ends.
    drop(error.print());
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Prints a line on standard output. A reader who has gone, as `head` goes, stops nothing.
pub(crate) fn print_line(line: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    drop(out.write_fmt(line).and_then(|()| out.write_all(b"\n")));
}

/// Prints text that has its own line ends. A reader who has gone stops nothing.
pub(crate) fn print_text(text: &str) {
    drop(io::stdout().lock().write_all(text.as_bytes()));
}

/// `println!` through [`print_line`].
macro_rules! say {
    ($($line:tt)*) => { $crate::cli::print_line(format_args!($($line)*)) };
}

/// Prints an error with its causes on one line, and gives the exit code.
#[expect(clippy::print_stderr, reason = "this is where a command says why it failed")]
pub(crate) fn failed(code: u8, error: &dyn Error) -> ExitCode {
    eprintln!("orinet: {}", chain(error));
    ExitCode::from(code)
}

/// An error and its causes, from the outside in, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
