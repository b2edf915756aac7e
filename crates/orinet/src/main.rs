//! The `orinet` binary: every role of the network as a subcommand.

#[macro_use]
mod cli;
mod centre;
mod certs;
mod completions;
mod ctl;
mod demo;
mod journal;
mod load;
mod logs;
mod man;
mod metrics;
mod practice;
mod records;
mod responder;
mod send;
mod switch;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

/// Fewer and cheaper allocations than the system's under many small messages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::refused(&error),
    };
    link::tls::install_default();
    no_core_file();
    match cli.command {
        cli::Command::Centre(arguments) => centre::run(&arguments),
        cli::Command::Certs(arguments) => certs::run(&arguments),
        cli::Command::Completions(arguments) => completions::run(&arguments),
        cli::Command::Ctl(arguments) => ctl::run(&arguments),
        cli::Command::Demo(arguments) => demo::run(&arguments),
        cli::Command::Journal(arguments) => journal::run(&arguments),
        cli::Command::Load(arguments) => load::run(&arguments),
        cli::Command::Man(arguments) => man::run(&arguments),
        cli::Command::Metrics(arguments) => metrics::run(&arguments),
        cli::Command::Records(arguments) => records::run(&arguments),
        cli::Command::Responder(arguments) => responder::run(&arguments),
        cli::Command::Send(arguments) => send::run(&arguments),
        cli::Command::Switch(arguments) => switch::run(&arguments),
        cli::Command::Terminal(arguments) => terminal::run(&arguments),
    }
}

/// Keys and messages that are in memory do not end up in a file when the process dies.
fn no_core_file() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // Lowering a limit is always allowed; where it is not, nothing else is lost by it.
    _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}
