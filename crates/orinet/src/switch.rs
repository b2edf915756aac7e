//! `orinet switch`: the message switch alone.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use link::tls::ServerTls;
use switch::ReloadSignal;
use telemetry::Metrics;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::cli::{USAGE, failed};
use crate::logs::LogArguments;

/// Runs until SIGTERM or SIGINT: then it stops accepting, lets what is in flight end, syncs and exits with 0. At SIGHUP it reads
/// its configuration again: all of it takes effect, or nothing.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The network's configuration
    #[arg(long, value_name = "FILE", default_value = "network.toml")]
    config: PathBuf,
    /// Check the configuration, print what holds and exit
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    log: LogArguments,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let config = match switch::Config::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => return failed(USAGE, &error),
    };
    if arguments.check {
        if let Some(Err(error)) = config.audit.as_ref().map(switch::config::Audit::check) {
            return failed(USAGE, &error);
        }
        return match ServerTls::load(&config.pki, Timestamp::now()) {
            Ok(tls) => {
                print_config(&config, &tls);
                ExitCode::SUCCESS
            }
            Err(error) => failed(USAGE, &error),
        };
    }
    if let Err(error) = arguments.log.init("info") {
        return failed(USAGE, error.as_ref());
    }
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let usage = error.downcast_ref::<switch::SwitchError>().is_some_and(switch::SwitchError::is_usage);
            failed(if usage { USAGE } else { 1 }, error.as_ref())
        }
    }
}

fn serve(config: switch::Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let signals = stop_on_signals(stop.clone())?;
        let reload = ReloadSignal::default();
        let hangups = reload_on_signal(reload.clone())?;
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
        let ended = switch::run(config, metrics, stop, reload, |_| {}).await;
        signals.abort();
        hangups.abort();
        Ok(ended?)
    })
}

/// Cancels `stop` at the first SIGTERM or SIGINT.
///
/// # Errors
/// If the system gives no signals.
pub(crate) fn stop_on_signals(stop: CancellationToken) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be listened for")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be listened for")?;
    Ok(tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        info!(signal = name, "going down");
        stop.cancel();
    }))
}

/// Has the configuration read again at each SIGHUP.
///
/// # Errors
/// If the system gives no signals.
pub(crate) fn reload_on_signal(reload: ReloadSignal) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut hangup = signal(SignalKind::hangup()).context("SIGHUP cannot be listened for")?;
    Ok(tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            info!(signal = "SIGHUP", "the configuration is read again");
            reload.ask();
        }
    }))
}

fn print_config(config: &switch::Config, tls: &ServerTls) {
    let limits = config.network.limits();
    say!("links    {}", config.links);
    match config.fox {
        Some(fox) => say!("foxtalk  {fox}"),
        None => say!("foxtalk  off"),
    }
    say!("admin    {}", config.admin);
    say!("data     {}", config.data.display());
    say!("pki      {} {}", config.pki.certificate.display(), config.pki.ca.display());
    say!("revoked  {} certificates, by a list that holds until {}", tls.revoked(), tls.crl_until());
    say!("stamps   UTC{:+}", limits.stamp_utc_offset / 3600);
    let hold = match limits.hold.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds => format!("{seconds} s"),
    };
    say!("hold     {hold}, {} bytes in all", limits.hold_bytes);
    let usual = switch_core::Limits::default();
    let set = switch::LIMIT_ROWS.iter().filter(|row| row.value(limits) != row.value(&usual));
    let set: Vec<_> = set.map(|row| format!("{} = {}", row.key, row.value(limits))).collect();
    say!("limits   {}", if set.is_empty() { "as usual".to_owned() } else { set.join(", ") });
    say!("messages up to {} bytes, {} of them in an ER", config.message_bytes_max, limits.echo_bytes);
    let journal = &config.retention;
    let most = journal.keep_bytes.map_or_else(String::new, |bytes| format!(", at most {bytes} bytes"));
    say!("journal  kept for {} days{most}", journal.keep.as_secs() / 86_400);
    match &config.audit {
        Some(audit) => say!("audit    signed every {} s into {}", audit.every.as_secs(), audit.statements.display()),
        None => say!("audit    not signed"),
    }
    say!("search   {}", if config.search { "on" } else { "off" });
    for operator in config.operators.iter() {
        let rights: Vec<_> = operator.rights().iter().map(|right| right.as_str()).collect();
        say!("operator {:9} {}", operator.name(), rights.join(" "));
    }
    for station in config.network.stations() {
        let list = |names: Vec<&str>| if names.is_empty() { "-".to_owned() } else { names.join(" ") };
        say!(
            "station  {:9} lines {} oris {} accepts {} sends {} window {} hold {} bytes",
            station.name,
            list(station.lines.iter().map(codec::name::Line::as_str).collect()),
            list(station.oris.iter().map(codec::name::Ori::as_str).collect()),
            list(station.accepts.iter().map(codec::name::MessageKey::as_str).collect()),
            list(station.sends.iter().map(codec::name::MessageKey::as_str).collect()),
            station.window,
            station.hold_bytes,
        );
    }
}
