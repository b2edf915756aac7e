//! From what was written to what holds: the tables that are there once.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codec::dictionary::Dictionary;
use codec::name::{MessageKey, StationName};
use link::tls::{ServerFiles, Versions};
use switch_core::{Limits, Network, NetworkConfig};
use toml::Spanned;

use super::Config;
use super::file::{File, SwitchFile};
use super::place::{Starts, line_of};

/// Seconds in an hour, for holds.
pub(super) const HOUR_SECONDS: u64 = 3600;
/// A hold of a year is as good as for ever, and no sum of times overflows.
const HOLD_HOURS_MAX: u64 = 24 * 366;

/// The keys of a hold.
const HOLD_HOURS: &str = "hold_hours";
const HOLD_SECONDS: &str = "hold_seconds";

/// How long messages wait, by whichever of the two keys is there; or the key that is wrong, and why.
pub(super) fn hold(hours: Option<u64>, seconds: Option<u64>) -> Result<Option<Duration>, (&'static str, String)> {
    let most = HOLD_HOURS_MAX * HOUR_SECONDS;
    match (hours, seconds) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err((HOLD_SECONDS, format!("{HOLD_HOURS} is there too; one of them is enough"))),
        (Some(hours), None) if !(1..=HOLD_HOURS_MAX).contains(&hours) => {
            Err((HOLD_HOURS, format!("must be 1 to {HOLD_HOURS_MAX}")))
        }
        (None, Some(seconds)) if !(1..=most).contains(&seconds) => Err((HOLD_SECONDS, format!("must be 1 to {most}"))),
        (Some(hours), None) => Ok(Some(Duration::from_secs(hours * HOUR_SECONDS))),
        (None, Some(seconds)) => Ok(Some(Duration::from_secs(seconds))),
    }
}

const MESSAGE_BYTES_DEFAULT: usize = 256 << 10;
/// What a record may hold besides the message: its copies and notices.
const RECORD_EXTRA_BYTES: usize = 512 << 10;
/// A record holds the message, its copies and notices, and the journal takes records up to a mebibyte.
const MESSAGE_BYTES_MAX: usize = 512 << 10;

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    /// Stations that have their places already.
    pub(super) order: &'a [StationName],
    pub(super) problems: Vec<(usize, String)>,
}

impl Reader<'_> {
    pub(super) fn config(&mut self, file: File, directory: &Path) -> Option<Config> {
        let File { switch, pki, journal, limits: limit_rows, audit, search, operator, station, ori, group, state } =
            file;
        let mut limits = self.limits(&switch);
        self.limit_rows(&limit_rows, &mut limits);
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
        let fox = switch.fox.map(|fox| self.address(Some(fox), "fox", Config::FOX));
        let admin = self.address(switch.admin, "admin", Config::ADMIN);
        let operators = self.operators(operator, admin);
        let segment_start = switch.segment_bytes.as_ref().map_or(0, |bytes| bytes.span().start);
        let before = self.problems.len();
        let segment_bytes = switch.segment_bytes.map_or(::journal::Config::SEGMENT_BYTES, |bytes| {
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
        config.limits.message_bytes = message_bytes_max;
        let dictionary = self.dictionary(&switch.carried);
        // Wrong entries were left out of the network: the places of the others would not be theirs any more.
        if !self.problems.is_empty() {
            return None;
        }
        let network = match Network::arranged(config, &dictionary, self.order) {
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
            fox: match fox {
                Some(fox) => Some(fox?),
                None => None,
            },
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
            dictionary: Arc::new(dictionary),
            network,
            journal: ::journal::Config { segment_bytes, ..::journal::Config::default() },
            retention,
            audit,
            search,
            operators,
            file: PathBuf::new(),
            listener_limits,
        })
    }

    /// The built-in dictionary and the keys that the network carries as text.
    fn dictionary(&mut self, carried: &[Spanned<String>]) -> Dictionary {
        let builtin = Dictionary::builtin();
        let mut keys = Vec::new();
        for text in carried {
            let key = MessageKey::parse(text.get_ref()).map_err(|error| error.to_string());
            let checked = key.and_then(|key| match builtin.with_carried([key]) {
                Ok(_) => Ok(key),
                Err(error) => Err(error.to_string()),
            });
            match checked {
                Ok(key) => keys.push(key),
                Err(error) => {
                    self.check(false, text.span().start, &format!("[switch] carried: {:?}: {error}", text.get_ref()))
                }
            }
        }
        builtin.with_carried(keys).unwrap_or_else(|_| builtin.clone())
    }

    pub(super) fn limits(&mut self, file: &SwitchFile) -> Limits {
        let mut limits = Limits::default();
        if let Some(hours) = &file.stamp_utc_offset {
            let valid = (-12..=14).contains(hours.get_ref());
            self.check(valid, hours.span().start, "[switch] stamp_utc_offset: must be -12 to 14, in hours");
            limits.stamp_utc_offset = hours.get_ref().clamp(&-12, &14) * 3600;
        }
        let start = |value: &Option<Spanned<u64>>| value.as_ref().map_or(0, |value| value.span().start);
        let starts = (start(&file.hold_hours), start(&file.hold_seconds));
        let number = |value: &Option<Spanned<u64>>| value.as_ref().map(|value| *value.get_ref());
        match hold(number(&file.hold_hours), number(&file.hold_seconds)) {
            Ok(hold) => limits.hold = hold.unwrap_or(limits.hold),
            Err((key, problem)) => {
                let start = if key == HOLD_HOURS { starts.0 } else { starts.1 };
                self.check(false, start, &format!("[switch] {key}: {problem}"));
            }
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

    pub(super) fn address(&mut self, given: Option<Spanned<String>>, key: &str, default: &str) -> Option<SocketAddr> {
        let (text, start) =
            given.map_or_else(|| (default.to_owned(), 0), |text| (text.get_ref().clone(), text.span().start));
        let address = text.parse().ok();
        self.check(address.is_some(), start, &format!("[switch] {key}: {text:?} is no address and port"));
        address
    }

    pub(super) fn keys(&mut self, start: usize, key: &str, texts: &[String]) -> Option<BTreeSet<MessageKey>> {
        self.names(start, "station", key, texts, MessageKey::parse).map(|keys| keys.into_iter().collect())
    }

    pub(super) fn names<T, E: fmt::Display>(
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

    pub(super) fn name<T, E: fmt::Display>(
        &mut self,
        start: usize,
        list: &str,
        key: &str,
        text: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(text).map_err(|error| self.problem(start, list, key, &format!("{text:?}: {error}"))).ok()
    }

    pub(super) fn problem(&mut self, start: usize, list: &str, key: &str, problem: &str) {
        let line = self.line_of_key(start, key);
        self.problems.push((line, format!("[[{list}]] {key}: {problem}")));
    }

    pub(super) fn check(&mut self, valid: bool, start: usize, problem: &str) {
        if !valid {
            self.problems.push((line_of(self.text, start), problem.to_owned()));
        }
    }

    /// The line of a key in the table that begins at `start`, else the line where the table begins.
    pub(super) fn line_of_key(&self, start: usize, key: &str) -> usize {
        let table = self.text.get(start..).unwrap_or_default();
        // The first line is the table's own head.
        let mut lines = table.lines().enumerate().skip(1).take_while(|(_, line)| !line.trim_start().starts_with('['));
        let is_key =
            |line: &str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
        let offset = lines.find(|(_, line)| is_key(line)).map_or(0, |(offset, _)| offset);
        line_of(self.text, start) + offset
    }
}
