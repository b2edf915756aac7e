//! How log lines look and which are written.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::util::TryInitError;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Sends log lines to standard error. `filter` is in the form of `RUST_LOG`: `info`, `warn,link=debug`.
///
/// # Errors
/// If the filter cannot be read, with the reason.
pub fn init(format: Format, filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("log filter {filter:?}: {error}"))?;
    let colors = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colors).with_writer(std::io::stderr);
    let set: Result<(), TryInitError> = match format {
        Format::Text => lines.finish().try_init(),
        Format::Json => lines.json().finish().try_init(),
    };
    set.map_err(|error| error.to_string())
}
