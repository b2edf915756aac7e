//! The configuration: a TOML file that says what the network is, checked before anything is bound.
//!
//! `File` is what was written, with every key optional that has a default; [`Config`] is what holds. An error names the
//! file, the line and the key. Paths are relative to the file's directory.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codec::dictionary::{Authorization, Dictionary};
use codec::legacy::LineEnd;
use codec::name::{Line, MessageKey, Ori, StationName};
use link::tls::{ServerFiles, Versions};
use serde::Deserialize;
use switch_core::{
    DestinationState, GroupConfig, Limits, Network, NetworkConfig, OriConfig, StateConfig, StationConfig,
};
use toml::Spanned;

/// A configuration that was checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where stations call.
    pub links: SocketAddr,
    /// Where the admin page is.
    pub admin: SocketAddr,
    /// The directory of everything that must outlive a restart.
    pub data: PathBuf,
    /// Longest message over all its blocks, in bytes.
    pub message_bytes_max: usize,
    /// Certificates and revocations.
    pub pki: ServerFiles,
    /// Stations, agencies, groups, states, limits.
    pub network: Arc<Network>,
    /// How the journal is kept.
    pub journal: journal::Config,
    /// For how long.
    pub retention: Retention,
    /// Who signs statements about it, and where they go; nobody, if not configured.
    pub audit: Option<Audit>,
    /// Whether it can be searched: by stations, and without delay by operators.
    pub search: bool,
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

impl Config {
    /// Port of the links, unless configured (`protocol-specs/wire.md` 1.1).
    pub const LINKS: &str = "127.0.0.1:7020";
    /// Address of the admin page, unless configured.
    pub const ADMIN: &str = "127.0.0.1:7070";

    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let failed = |problem: String| ConfigError { file: path.to_owned(), problems: vec![(0, problem)] };
        let text = std::fs::read_to_string(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
        let directory = path.parent().unwrap_or_else(|| Path::new("."));
        Self::parse(&text, directory).map_err(|problems| ConfigError { file: path.to_owned(), problems })
    }

    fn parse(text: &str, directory: &Path) -> Result<Self, Vec<(usize, String)>> {
        let file: File = toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| (line_of(text, span.start), key_before(text, span.start)));
            let (line, key) = place.unwrap_or_default();
            vec![(line, format!("{key}{}", error.message()))]
        })?;
        let mut reader = Reader { text, problems: Vec::new() };
        let config = reader.config(file, directory);
        match config {
            Some(config) if reader.problems.is_empty() => Ok(config),
            _ => Err(reader.problems),
        }
    }
}

/// Seconds in an hour, for holds.
const HOUR_SECONDS: u64 = 3600;
/// A hold of a year is as good as for ever, and no sum of times overflows.
const HOLD_HOURS_MAX: u64 = 24 * 366;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    switch: SwitchFile,
    #[serde(default)]
    pki: PkiFile,
    #[serde(default)]
    journal: JournalFile,
    audit: Option<Spanned<AuditFile>>,
    #[serde(default)]
    search: SearchFile,
    #[serde(default)]
    station: Vec<Spanned<StationFile>>,
    #[serde(default)]
    ori: Vec<Spanned<OriFile>>,
    #[serde(default)]
    group: Vec<Spanned<GroupFile>>,
    #[serde(default)]
    state: Vec<Spanned<StateFile>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchFile {
    links: Option<Spanned<String>>,
    admin: Option<Spanned<String>>,
    data: Option<PathBuf>,
    stamp_utc_offset: Option<Spanned<i32>>,
    hold_hours: Option<Spanned<u64>>,
    hold_bytes: Option<u64>,
    echo_bytes: Option<Spanned<usize>>,
    message_bytes_max: Option<Spanned<usize>>,
    segment_bytes: Option<Spanned<u64>>,
    links_max: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PkiFile {
    ca: Option<PathBuf>,
    crl: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    tls12: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalFile {
    keep_days: Option<Spanned<u64>>,
    keep_bytes: Option<Spanned<u64>>,
    shorter_than_a_year: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditFile {
    key: PathBuf,
    statements: PathBuf,
    every_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchFile {
    enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StationFile {
    name: String,
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    oris: Vec<String>,
    #[serde(default)]
    accepts: Vec<String>,
    #[serde(default)]
    sends: Vec<String>,
    window: Option<u16>,
    hold_hours: Option<u64>,
    hold_bytes: Option<u64>,
    line_end: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OriFile {
    ori: String,
    line: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    authorization: String,
    hours: Option<String>,
    active: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupFile {
    code: String,
    members: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    station: String,
    key: String,
    state: String,
}

/// Kinds of agency in the directory (`protocol-specs/formats.md` 2.4).
const ORI_TYPES: [&str; 12] = ["PD", "SO", "SA", "LE", "FE", "JA", "JC", "JG", "JJ", "JF", "CJ", "NJ"];
/// Service hours: around the clock or part-time, with or without a terminal.
const HOURS: [&str; 4] = ["A", "B", "C", "D"];
const ORI_NAME_MAX: usize = 60;

struct Reader<'a> {
    text: &'a str,
    problems: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn config(&mut self, file: File, directory: &Path) -> Option<Config> {
        let File { switch, pki, journal, audit, search, station, ori, group, state } = file;
        let mut limits = self.limits(&switch);
        let search = search.enabled.unwrap_or(true);
        if !search {
            limits.log_queries = 0;
        }
        let data = directory.join(switch.data.clone().unwrap_or_else(|| "data".into()));
        let retention = self.retention(&journal);
        let audit = audit.map(|audit| self.audit(audit, directory, &data));
        let mut starts = Starts::default();
        let mut config = NetworkConfig { limits, ..NetworkConfig::default() };
        for entry in station {
            starts.station.push(entry.span().start);
            config.stations.extend(self.station(entry));
        }
        for entry in ori {
            starts.ori.push(entry.span().start);
            config.oris.extend(self.ori(entry));
        }
        for entry in group {
            starts.group.push(entry.span().start);
            config.groups.extend(self.group(entry));
        }
        for entry in state {
            starts.state.push(entry.span().start);
            config.states.extend(self.state(entry));
        }
        let links = self.address(switch.links, "links", Config::LINKS);
        let admin = self.address(switch.admin, "admin", Config::ADMIN);
        let segment_start = switch.segment_bytes.as_ref().map_or(0, |bytes| bytes.span().start);
        let before = self.problems.len();
        let segment_bytes = switch.segment_bytes.map_or(journal::Config::SEGMENT_BYTES, |bytes| {
            let valid = bytes.get_ref().is_multiple_of(4096) && (4096..=1 << 30).contains(bytes.get_ref());
            self.check(valid, bytes.span().start, "[switch] segment_bytes: must be a multiple of 4096, up to 1 GiB");
            bytes.into_inner()
        });
        let message_bytes_max = switch.message_bytes_max.map_or(MESSAGE_BYTES_DEFAULT, |bytes| {
            let valid = (1024..=MESSAGE_BYTES_MAX).contains(bytes.get_ref());
            self.check(valid, bytes.span().start, "[switch] message_bytes_max: must be 1024 to 524288");
            bytes.into_inner()
        });
        // Of numbers that are wrong by themselves nothing more is said.
        if self.problems.len() == before {
            let holds = segment_bytes >= (message_bytes_max + RECORD_EXTRA_BYTES) as u64;
            let problem = "[switch] segment_bytes: must hold the longest message and its copies, \
                           message_bytes_max + 524288";
            self.check(holds, segment_start, problem);
        }
        // Wrong entries were left out of the network: the places of the others would not be theirs any more.
        if !self.problems.is_empty() {
            return None;
        }
        let network = match Network::new(config, Dictionary::builtin()) {
            Ok(network) => Arc::new(network),
            Err(errors) => {
                for error in errors {
                    let start = starts.of(error.list, error.entry);
                    let problem = format!("[[{}]] {}: {}", error.list, error.key, error.problem);
                    self.problems.push((self.line_of_key(start, error.key), problem));
                }
                return None;
            }
        };
        let mut listener_limits = link::listener::Limits::default();
        if let Some(links) = switch.links_max {
            listener_limits.links = links;
        }
        let defaults = ServerFiles::in_directory(&directory.join("pki"));
        let at = |path: Option<PathBuf>, default: PathBuf| path.map_or(default, |path| directory.join(path));
        Some(Config {
            links: links?,
            admin: admin?,
            data,
            message_bytes_max,
            pki: ServerFiles {
                ca: at(pki.ca, defaults.ca),
                crl: at(pki.crl, defaults.crl),
                certificate: at(pki.certificate, defaults.certificate),
                key: at(pki.key, defaults.key),
                versions: if pki.tls12.unwrap_or_default() { Versions::Tls12And13 } else { Versions::Tls13 },
            },
            network,
            journal: journal::Config { segment_bytes, ..journal::Config::default() },
            retention,
            audit,
            search,
            listener_limits,
        })
    }

    fn limits(&mut self, file: &SwitchFile) -> Limits {
        let mut limits = Limits::default();
        if let Some(hours) = &file.stamp_utc_offset {
            let valid = (-12..=14).contains(hours.get_ref());
            self.check(valid, hours.span().start, "[switch] stamp_utc_offset: must be -12 to 14, in hours");
            limits.stamp_utc_offset = hours.get_ref().clamp(&-12, &14) * 3600;
        }
        if let Some(hours) = &file.hold_hours {
            let valid = (1..=HOLD_HOURS_MAX).contains(hours.get_ref());
            self.check(valid, hours.span().start, &format!("[switch] hold_hours: must be 1 to {HOLD_HOURS_MAX}"));
            limits.hold = Duration::from_secs(hours.get_ref().min(&HOLD_HOURS_MAX) * HOUR_SECONDS);
        }
        if let Some(bytes) = file.hold_bytes {
            limits.hold_bytes = bytes;
        }
        if let Some(bytes) = &file.echo_bytes {
            self.check(*bytes.get_ref() <= 1000, bytes.span().start, "[switch] echo_bytes: must be at most 1000");
            limits.echo_bytes = *bytes.get_ref();
        }
        limits
    }

    fn retention(&mut self, file: &JournalFile) -> Retention {
        let days = file.keep_days.as_ref().map_or(Retention::YEAR_DAYS, |days| *days.get_ref());
        let start = |value: &Option<Spanned<u64>>| value.as_ref().map_or(0, |value| value.span().start);
        let meant = file.shorter_than_a_year == Some(true);
        let year = "audit logs are kept for at least a year (366 days); \
                    say shorter_than_a_year = true if this journal is none";
        let too_short = format!("[journal] keep_days: {days} days are too short: {year}");
        self.check(meant || days >= Retention::YEAR_DAYS, start(&file.keep_days), &too_short);
        let valid = (1..=KEEP_DAYS_MAX).contains(&days);
        self.check(valid, start(&file.keep_days), &format!("[journal] keep_days: must be 1 to {KEEP_DAYS_MAX}"));
        let too_small = format!("[journal] keep_bytes: a bound can remove what is younger than a year: {year}");
        self.check(meant || file.keep_bytes.is_none(), start(&file.keep_bytes), &too_small);
        Retention {
            keep: Duration::from_secs(days.min(KEEP_DAYS_MAX) * 24 * HOUR_SECONDS),
            keep_bytes: file.keep_bytes.as_ref().map(|bytes| *bytes.get_ref()),
        }
    }

    fn audit(&mut self, file: Spanned<AuditFile>, directory: &Path, data: &Path) -> Audit {
        let start = file.span().start;
        let AuditFile { key, statements, every_seconds } = file.into_inner();
        let audit = Audit {
            key: directory.join(key),
            statements: directory.join(statements),
            every: Duration::from_secs(every_seconds.unwrap_or(EVERY_SECONDS)),
        };
        for (name, path) in [("key", &audit.key), ("statements", &audit.statements)] {
            if is_inside(path, data) {
                let line = self.line_of_key(start, name);
                let problem = format!(
                    "[audit] {name}: lies in the data directory; statements prove something only if whoever can write \
                     there can write neither them nor the key"
                );
                self.problems.push((line, problem));
            }
        }
        if !(1..=EVERY_SECONDS_MAX).contains(&audit.every.as_secs()) {
            let line = self.line_of_key(start, "every_seconds");
            self.problems.push((line, format!("[audit] every_seconds: must be 1 to {EVERY_SECONDS_MAX}")));
        }
        audit
    }

    fn address(&mut self, given: Option<Spanned<String>>, key: &str, default: &str) -> Option<SocketAddr> {
        let (text, start) =
            given.map_or_else(|| (default.to_owned(), 0), |text| (text.get_ref().clone(), text.span().start));
        let address = text.parse().ok();
        self.check(address.is_some(), start, &format!("[switch] {key}: {text:?} is no address and port"));
        address
    }

    fn station(&mut self, entry: Spanned<StationFile>) -> Option<StationConfig> {
        let start = entry.span().start;
        let file = entry.into_inner();
        let name = self.name(start, "station", "name", &file.name, StationName::parse)?;
        let defaults = StationConfig::new(name);
        let line_end = match file.line_end.as_deref() {
            None | Some("crlfdel") => LineEnd::CrLfDel,
            Some("crlf") => LineEnd::CrLf,
            Some(other) => {
                self.problem(start, "station", "line_end", &format!("{other:?} is neither \"crlfdel\" nor \"crlf\""));
                return None;
            }
        };
        if file.hold_hours.is_some_and(|hours| !(1..=HOLD_HOURS_MAX).contains(&hours)) {
            self.problem(start, "station", "hold_hours", &format!("must be 1 to {HOLD_HOURS_MAX}"));
            return None;
        }
        Some(StationConfig {
            lines: self.names(start, "station", "lines", &file.lines, Line::parse)?,
            oris: self.names(start, "station", "oris", &file.oris, Ori::parse)?,
            accepts: self.keys(start, "accepts", &file.accepts)?,
            sends: self.keys(start, "sends", &file.sends)?,
            window: file.window.unwrap_or(defaults.window),
            hold: file.hold_hours.map(|hours| Duration::from_secs(hours * HOUR_SECONDS)),
            hold_bytes: file.hold_bytes.unwrap_or(defaults.hold_bytes),
            line_end,
            ..defaults
        })
    }

    fn ori(&mut self, entry: Spanned<OriFile>) -> Option<OriConfig> {
        let start = entry.span().start;
        let file = entry.into_inner();
        let letters: Option<Vec<_>> = file.authorization.chars().map(Authorization::from_letter).collect();
        let hours = file.hours.as_deref().unwrap_or(HOURS[0]);
        let checks = [
            (ORI_TYPES.contains(&file.kind.as_str()), "type", format!("must be one of {}", ORI_TYPES.join(", "))),
            (letters.is_some(), "authorization", "must be letters of A, C, D, Z".to_owned()),
            (HOURS.contains(&hours), "hours", "must be A, B, C or D".to_owned()),
            (file.name.len() <= ORI_NAME_MAX, "name", format!("must be at most {ORI_NAME_MAX} bytes")),
        ];
        for (_, key, problem) in checks.iter().filter(|(valid, ..)| !valid) {
            self.problem(start, "ori", key, problem);
        }
        Some(OriConfig {
            ori: self.name(start, "ori", "ori", &file.ori, Ori::parse)?,
            line: self.name(start, "ori", "line", &file.line, Line::parse)?,
            authorization: letters?,
            active: file.active.unwrap_or(true),
        })
    }

    fn group(&mut self, entry: Spanned<GroupFile>) -> Option<GroupConfig> {
        let start = entry.span().start;
        let file = entry.into_inner();
        Some(GroupConfig {
            code: self.name(start, "group", "code", &file.code, Line::parse)?,
            members: self.names(start, "group", "members", &file.members, Line::parse)?,
        })
    }

    fn state(&mut self, entry: Spanned<StateFile>) -> Option<StateConfig> {
        let start = entry.span().start;
        let file = entry.into_inner();
        let state = match file.state.as_str() {
            "in-service" => DestinationState::InService,
            "store" => DestinationState::Store,
            "remove" => DestinationState::Remove,
            "unsupported" => DestinationState::Unsupported,
            other => {
                let problem = format!("{other:?} is none of \"in-service\", \"store\", \"remove\", \"unsupported\"");
                self.problem(start, "state", "state", &problem);
                return None;
            }
        };
        Some(StateConfig {
            station: self.name(start, "state", "station", &file.station, StationName::parse)?,
            key: self.name(start, "state", "key", &file.key, MessageKey::parse)?,
            state,
        })
    }

    fn keys(&mut self, start: usize, key: &str, texts: &[String]) -> Option<BTreeSet<MessageKey>> {
        self.names(start, "station", key, texts, MessageKey::parse).map(|keys| keys.into_iter().collect())
    }

    fn names<T, E: fmt::Display>(
        &mut self,
        start: usize,
        list: &str,
        key: &str,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        // All of them, so that every wrong one is told.
        let names: Vec<_> = texts.iter().map(|text| self.name(start, list, key, text, &parse)).collect();
        names.into_iter().collect()
    }

    fn name<T, E: fmt::Display>(
        &mut self,
        start: usize,
        list: &str,
        key: &str,
        text: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(text).map_err(|error| self.problem(start, list, key, &format!("{text:?}: {error}"))).ok()
    }

    fn problem(&mut self, start: usize, list: &str, key: &str, problem: &str) {
        let line = self.line_of_key(start, key);
        self.problems.push((line, format!("[[{list}]] {key}: {problem}")));
    }

    fn check(&mut self, valid: bool, start: usize, problem: &str) {
        if !valid {
            self.problems.push((line_of(self.text, start), problem.to_owned()));
        }
    }

    /// The line of a key in the table that begins at `start`, else the line where the table begins.
    fn line_of_key(&self, start: usize, key: &str) -> usize {
        let table = self.text.get(start..).unwrap_or_default();
        // The first line is the table's own head.
        let mut lines = table.lines().enumerate().skip(1).take_while(|(_, line)| !line.trim_start().starts_with('['));
        let is_key =
            |line: &str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
        let offset = lines.find(|(_, line)| is_key(line)).map_or(0, |(offset, _)| offset);
        line_of(self.text, start) + offset
    }
}

/// Where each entry begins in the text.
#[derive(Debug, Default)]
struct Starts {
    station: Vec<usize>,
    ori: Vec<usize>,
    group: Vec<usize>,
    state: Vec<usize>,
}

impl Starts {
    fn of(&self, list: &str, entry: usize) -> usize {
        let starts = match list {
            "station" => &self.station,
            "ori" => &self.ori,
            "group" => &self.group,
            _ => &self.state,
        };
        starts.get(entry).copied().unwrap_or_default()
    }
}

/// Nobody keeps a journal for longer than a hundred years, and no sum of times overflows.
const KEEP_DAYS_MAX: u64 = 36_525;
/// What an attacker has at most to change unseen what was just written.
const EVERY_SECONDS: u64 = 60;
const EVERY_SECONDS_MAX: u64 = 24 * HOUR_SECONDS;

/// Whether a file is in a directory or below it, whatever the way to it looks like. What does not exist yet counts as where
/// its nearest directory is.
fn is_inside(path: &Path, directory: &Path) -> bool {
    real(path).starts_with(real(directory))
}

/// A path without links and dots, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut normal = PathBuf::new();
    for part in absolute.components() {
        if part == std::path::Component::ParentDir {
            normal.pop();
        } else {
            normal.push(part);
        }
        // Before a later `..` leaves it again.
        if let Ok(real) = normal.canonicalize() {
            normal = real;
        }
    }
    normal
}

const MESSAGE_BYTES_DEFAULT: usize = 256 << 10;
/// What a record may hold besides the message: its copies and notices.
const RECORD_EXTRA_BYTES: usize = 512 << 10;
/// A record holds the message, its copies and notices, and the journal takes records up to a mebibyte.
const MESSAGE_BYTES_MAX: usize = 512 << 10;

/// The key whose value stands at an offset, as `key: `; empty where there is none on that line.
fn key_before(text: &str, offset: usize) -> String {
    let line = text.get(..offset).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    line.split_once('=').map_or_else(String::new, |(key, _)| format!("{}: ", key.trim()))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[switch]
links = "127.0.0.1:0"

[[station]]
name = "ZA"
lines = ["ZA"]

[[ori]]
ori = "ZA0010000"
line = "ZA"
name = "TEST PD"
type = "PD"
authorization = "AC"
"#;

    fn problems(text: &str) -> Vec<(usize, String)> {
        Config::parse(text, Path::new("dir")).unwrap_err()
    }

    #[test]
    fn defaults_are_filled_in_and_paths_are_relative_to_the_file() {
        let config = Config::parse(GOOD, Path::new("dir")).unwrap();
        assert_eq!(config.data, Path::new("dir/data"));
        assert_eq!(config.pki.ca, Path::new("dir/pki/ca.pem"));
        assert_eq!(config.admin.to_string(), Config::ADMIN);
        assert_eq!(config.network.station(StationName::parse("ZA").unwrap()).unwrap().window, 32);
    }

    #[test]
    fn errors_name_line_and_key() {
        let changed = |from: &str, to: &str| problems(&GOOD.replace(from, to)).remove(0);
        assert_eq!(changed("name = \"ZA\"\n", "name = \"Z-A\"\n").0, 6);
        let (line, problem) = changed("links = \"127.0.0.1:0\"", "links = \"nowhere\"");
        assert!(line == 3 && problem.contains("links"), "{line} {problem}");
        let (line, problem) = changed("authorization = \"AC\"", "authorization = \"AX\"");
        assert!(line == 14 && problem.contains("authorization"), "{line} {problem}");
        let (line, problem) = changed("line = \"ZA\"\nname", "line = \"ZB\"\nname");
        assert!(line == 11 && problem.contains("no station serves line ZB"), "{line} {problem}");
        let (line, problem) = changed("type = \"PD\"", "kind = \"PD\"");
        assert!(line == 13 && problem.contains("kind"), "{line} {problem}");
        let (line, problem) = changed("lines = [\"ZA\"]", "lines = [\"NL\"]");
        assert!(line == 7 && problem.contains("NL"), "{line} {problem}");
        assert_eq!(changed("[switch]", "[switch").0, 2);
        let (line, problem) = changed("name = \"ZA\"\n", "name = \"ZA\"\nwindow = \"wide\"\n");
        assert!(line == 7 && problem.starts_with("window: "), "{line} {problem}");
        let (line, problem) = changed("[switch]\n", "[switch]\nsegment_bytes = 524288\n");
        assert!(line == 3 && problem.contains("segment_bytes"), "{line} {problem}");
    }

    #[test]
    fn a_journal_is_kept_for_a_year_unless_less_is_meant() {
        let config = |journal: &str| Config::parse(&format!("{GOOD}\n[journal]\n{journal}"), Path::new("dir"));
        let kept = |journal: &str| config(journal).unwrap().retention;
        assert_eq!(kept(""), Retention { keep: Duration::from_secs(366 * 86_400), keep_bytes: None });
        assert_eq!(kept("keep_days = 1000").keep, Duration::from_secs(1000 * 86_400));
        for short in ["keep_days = 365", "keep_bytes = 1000000", "keep_days = 30\nshorter_than_a_year = false"] {
            let (line, problem) = config(short).unwrap_err().remove(0);
            assert!(line == 17 && problem.contains("audit logs are kept for at least a year"), "{line} {problem}");
        }
        let shorter = kept("keep_days = 30\nkeep_bytes = 1000000\nshorter_than_a_year = true");
        assert_eq!(shorter, Retention { keep: Duration::from_secs(30 * 86_400), keep_bytes: Some(1_000_000) });
        assert!(config("keep_days = 0\nshorter_than_a_year = true").is_err());
    }

    #[test]
    fn statements_and_their_key_lie_outside_the_data() {
        let text =
            |key: &str, statements: &str| format!("{GOOD}\n[audit]\nkey = \"{key}\"\nstatements = \"{statements}\"\n");
        let audit = Config::parse(&text("audit.key", "audit/data"), Path::new("dir")).unwrap().audit.unwrap();
        assert_eq!(audit.statements, Path::new("dir/audit/data"));
        assert_eq!(audit.every, Duration::from_secs(60));
        let tries = [("data/audit.key", "s"), ("k", "data/statements"), ("k", "x/../data/s"), ("k", "../dir/data/s")];
        for (key, statements) in tries {
            let (line, problem) = problems(&text(key, statements)).remove(0);
            assert_eq!(line, if key == "k" { 18 } else { 17 }, "{problem}");
            assert!(problem.contains("in the data directory"), "{problem}");
        }
        let text = text("k", "s") + "every_seconds = 0\n";
        assert!(problems(&text).remove(0).1.contains("every_seconds"));
    }

    #[test]
    fn no_log_is_searched_if_nobody_may() {
        let config = |search: &str| Config::parse(&format!("{GOOD}\n{search}"), Path::new("dir")).unwrap();
        assert!(config("").search && config("").network.limits().log_queries > 0);
        let none = config("[search]\nenabled = false");
        assert!(!none.search && none.network.limits().log_queries == 0);
    }

    #[test]
    fn one_wrong_number_is_one_problem() {
        assert_eq!(problems(&GOOD.replace("[switch]\n", "[switch]\nsegment_bytes = 5\n")).len(), 1);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let text = GOOD.replace("type = \"PD\"", "type = \"XX\"").replace("name = \"ZA\"\n", "name = \"\"\n");
        assert_eq!(problems(&text).len(), 2);
    }
}
