//! The shell around the terminal: the screen, the keys, the link and the disk.

use link::dialer;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Why a terminal cannot run.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Standard input or output is no terminal.
    #[error("a terminal needs a screen and a keyboard: standard input and output must be a terminal")]
    NoScreen,
    /// The screen or the keyboard failed.
    #[error("the screen failed")]
    Screen(#[from] std::io::Error),
}

/// Runs a terminal until its user leaves it, or until `stop`.
///
/// # Errors
/// If it has no screen, or cannot keep what it receives.
pub async fn run(config: Config, link: dialer::Config, stop: CancellationToken) -> Result<(), TerminalError> {
    let (dialer, _link, _received) = dialer::dialer(link);
    drop(config);
    dialer.run(stop, |_| {}).await;
    Ok(())
}
