//! `orinet load`: puts a load on a switch, says how long things took, and decides by thresholds.
//!
//! The work is the `load` crate's; here are the words of the command line, the files and the exit codes.

mod compare;
mod options;
mod prepare;
mod progress;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use load::report::{Run, Verdict, html, text};
use tokio_util::sync::CancellationToken;

use self::options::Options;
use self::progress::Lines;
use crate::cli::{USAGE, failed, print_text};
use crate::switch::stop_on_signals;

/// What load, on which switch.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = ABOUT)]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Lay two runs side by side
    Compare(compare::Arguments),
    /// Make a network of many stations to put a load on: certificates, configuration, mixes
    Prepare(prepare::Arguments),
}

const ABOUT: &str = "\
Messages are sent at their own times, whatever comes back, and every latency runs from the time at which the message
was due: a switch that stalls cannot hide it. --closed K waits for answers instead, as for comparisons of throughput.

A requirement is a comparison: iar_p99<25ms, ack_p99.9<=1s, IAQ.ack_p50<2ms, lost==0, er_14<=10, refused<0.1%,
acked_rate>=1000. iar is the final answer, iar1 the first.

Exit codes: 0 done, and every requirement met; 1 failed, as when links do not come up; 2 a requirement was missed;
3 one was missed while the harness itself was the bottleneck, which says nothing about the switch; 64 wrong usage.";

/// A requirement was missed.
const MISSED: u8 = 2;

/// A requirement was missed while the harness was the bottleneck.
const HARNESS: u8 = 3;

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.act {
        Some(Act::Compare(arguments)) => compare::run(arguments),
        Some(Act::Prepare(arguments)) => prepare::run(arguments),
        None => load(&arguments.options),
    }
}

fn load(options: &Options) -> ExitCode {
    let plan = match options.plan() {
        Ok(plan) => plan,
        Err(error) => return failed(USAGE, error.as_ref()),
    };
    let stop = Arc::new(AtomicBool::new(false));
    if let Err(error) = stop_on_interrupt(Arc::clone(&stop)) {
        return failed(1, error.as_ref());
    }
    let mut lines = Lines::new(options.quiet);
    let ran = load::run(&plan, &stop, &mut |progress| lines.show(progress));
    lines.end();
    let run = match ran {
        Ok(run) => run,
        Err(error) => return failed(if error.is_usage() { USAGE } else { 1 }, &error),
    };
    print_text(&text::summary(&run));
    match write_files(options, &run) {
        Ok(()) => exit_code(run.verdict),
        Err(error) => failed(1, error.as_ref()),
    }
}

fn exit_code(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Met | Verdict::Unjudged => ExitCode::SUCCESS,
        Verdict::Missed => ExitCode::from(MISSED),
        Verdict::HarnessBound => ExitCode::from(HARNESS),
    }
}

fn write_files(options: &Options, run: &Run) -> anyhow::Result<()> {
    if let Some(path) = &options.json {
        write(path, &serde_json::to_string(run).context("the run is no JSON")?)?;
    }
    if let Some(path) = &options.html {
        write(path, &html::page(run))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// An interrupt ends the load, not the report. A second one ends the process.
fn stop_on_interrupt(stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let interrupted = CancellationToken::new();
    let signals = runtime.block_on(async { stop_on_signals(interrupted.clone()) })?;
    let wait = move || {
        runtime.block_on(async {
            interrupted.cancelled().await;
            stop.store(true, Ordering::Relaxed);
            drop(signals.await);
            if let Ok(again) = stop_on_signals(CancellationToken::new()) {
                drop(again.await);
                std::process::exit(1);
            }
        });
    };
    // It ends with the process.
    thread::Builder::new().name("signals".to_owned()).spawn(wait).context("no thread for signals")?;
    Ok(())
}
