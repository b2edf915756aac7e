//! The options that every long-running command has for its log.

use clap::{Args, ValueEnum};

/// How the log looks and what is in it.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogArguments {
    /// What is logged: a level, or levels by part, as in `warn,link=debug`
    #[arg(long, value_name = "FILTER", env = "ORINET_LOG")]
    pub(crate) log: Option<String>,
    /// The form of a log line
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl LogArguments {
    /// Sends log lines to standard error from now on; `default` says which, where nobody did.
    ///
    /// # Errors
    /// If the filter cannot be read.
    pub(crate) fn init(&self, default: &str) -> anyhow::Result<()> {
        let format = match self.log_format {
            LogFormat::Text => telemetry::logs::Format::Text,
            LogFormat::Json => telemetry::logs::Format::Json,
        };
        telemetry::logs::init(format, self.log.as_deref().unwrap_or(default)).map_err(anyhow::Error::msg)
    }
}
