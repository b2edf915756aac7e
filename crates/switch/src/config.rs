//! The configuration: a TOML file that says what the network is, checked before anything is bound.
//!
//! `File` is what was written, with every key optional that has a default; [`Config`] is what holds. An error names the
//! file, the line and the key. Paths are relative to the file's directory.

mod entries;
mod file;
mod journal;
mod limits;
mod operators;
mod place;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codec::dictionary::Dictionary;
use codec::name::StationName;
use link::tls::ServerFiles;
use switch_core::Network;

pub use self::limits::{LIMIT_ROWS, LimitRow};

use self::file::File;
use self::place::{key_before, line_of};
use self::read::Reader;
use crate::operators::Operators;

/// A configuration that was checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where stations call.
    pub links: SocketAddr,
    /// Where stations call that speak Foxtalk; nowhere, if not configured.
    pub fox: Option<SocketAddr>,
    /// Where the admin page is.
    pub admin: SocketAddr,
    /// The directory of everything that must outlive a restart.
    pub data: PathBuf,
    /// Longest message over all its blocks, in bytes.
    pub message_bytes_max: usize,
    /// Certificates and revocations.
    pub pki: ServerFiles,
    /// Every key that the network knows, those that it carries as text among them.
    pub dictionary: Arc<Dictionary>,
    /// Stations, agencies, groups, states, limits.
    pub network: Arc<Network>,
    /// How the journal is kept.
    pub journal: ::journal::Config,
    /// For how long.
    pub retention: Retention,
    /// Who signs statements about it, and where they go; nobody, if not configured.
    pub audit: Option<Audit>,
    /// Whether it can be searched: by stations, and without delay by operators.
    pub search: bool,
    /// Who may give commands over the admin address.
    pub operators: Operators,
    /// The file that all this was read from, to be read again.
    pub file: PathBuf,
    /// What is bounded while stations come in.
    pub listener_limits: link::listener::Limits,
}

/// How long the journal keeps what nothing waits for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Records that are older go, a segment at a time.
    pub keep: Duration,
    /// Bytes of segments beyond which the oldest go, however young they are.
    pub keep_bytes: Option<u64>,
}

impl Retention {
    /// A year, in days of which one may be a leap day: what audit logs have to be kept.
    pub const YEAR_DAYS: u64 = 366;
}

/// Signed statements about the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The file of the private key.
    pub key: PathBuf,
    /// The file that statements are added to.
    pub statements: PathBuf,
    /// How often, while there is something new to state.
    pub every: Duration,
}

/// What is wrong with a configuration, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: PathBuf,
    /// Line and what is wrong there; line 0 where there is none.
    problems: Vec<(usize, String)>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        for (place, (line, problem)) in self.problems.iter().enumerate() {
            let separator = if place == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{separator}{file}: {problem}")?,
                line => write!(f, "{separator}{file}:{line}: {problem}")?,
            }
        }
        Ok(())
    }
}

/// The body of the fuzz target `configuration`: whatever is written, each problem is said of a line that is there, and what
/// is valid is so again in a switch that runs.
///
/// # Panics
/// If something does not hold that must hold of any text.
pub fn fuzz(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let directory = Path::new("somewhere");
    match Config::parse(text, directory, &[]) {
        Ok(config) => {
            let order: Vec<_> = config.network.stations().map(|station| station.name).collect();
            let again = Config::parse(text, directory, &order);
            assert!(again.is_ok(), "a valid file cannot be read again: {again:?}");
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "a file is refused, and nothing is said");
            // The end of a text that ends with a line's end is on a line of its own.
            let lines = text.split('\n').count();
            for (line, problem) in &problems {
                assert!(*line <= lines, "line {line} of {lines}: {problem}");
                assert!(!problem.trim().is_empty(), "a problem is not said");
            }
        }
    }
}

impl Config {
    /// Port of the links, unless configured (`protocol-specs/wire.md` 1.1).
    pub const LINKS: &str = "127.0.0.1:7020";
    /// Port of the links that speak Foxtalk, where it is usual to have it (`protocol-specs/wire.md` 1.2).
    pub const FOX: &str = "127.0.0.1:7021";
    /// Address of the admin page, unless configured.
    pub const ADMIN: &str = "127.0.0.1:7070";

    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_arranged(path, &[])
    }

    /// The same for a switch that runs: the stations of `order` keep their places ([`Network::arranged`]).
    pub(crate) fn load_arranged(path: &Path, order: &[StationName]) -> Result<Self, ConfigError> {
        let failed = |problem: String| ConfigError { file: path.to_owned(), problems: vec![(0, problem)] };
        let text = std::fs::read_to_string(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
        let directory = path.parent().unwrap_or_else(|| Path::new("."));
        Self::parse(&text, directory, order)
            .map(|config| Self { file: path.to_owned(), ..config })
            .map_err(|problems| ConfigError { file: path.to_owned(), problems })
    }

    fn parse(text: &str, directory: &Path, order: &[StationName]) -> Result<Self, Vec<(usize, String)>> {
        let file: File = toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| (line_of(text, span.start), key_before(text, span.start)));
            let (line, key) = place.unwrap_or_default();
            vec![(line, format!("{key}{}", error.message()))]
        })?;
        let mut reader = Reader { text, order, problems: Vec::new() };
        let config = reader.config(file, directory);
        match config {
            Some(config) if reader.problems.is_empty() => Ok(config),
            _ => Err(reader.problems),
        }
    }
}
