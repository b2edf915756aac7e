//! What a terminal is told: who it is, where it keeps what it has, and how a person wants it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use codec::name::{Control, MessageKey, NameError, Ori, Prefix, StationName};
use serde::Deserialize;

use crate::keys::{Keys, KeysError};
use crate::lock::{Hash, LockError};
use crate::store::Keep;

/// Everything that a terminal is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The station that it is.
    pub station: StationName,
    /// The agency as which it sends.
    pub ori: Ori,
    /// Where it keeps what was received, sent and typed; made if it is not there, for its owner alone.
    pub data: PathBuf,
    /// How its user wants it.
    pub preferences: Preferences,
    /// A line that is always shown, as in practice.
    pub banner: Option<String>,
}

/// How a user wants the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Which key does what.
    pub keys: Keys,
    /// Colors, or none.
    pub colors: Colors,
    /// When to ring.
    pub bell: Bell,
    /// Hours and minutes as seconds east of UTC in which own times are shown, and in which a day is today.
    pub utc_offset_seconds: i32,
    /// Where a key goes unless it is told otherwise.
    pub destinations: BTreeMap<MessageKey, Vec<String>>,
    /// What a field holds in a new form.
    pub defaults: BTreeMap<Prefix, String>,
    /// Addresses to pick from beside those that were met, each with what it is.
    pub addresses: BTreeMap<String, String>,
    /// The password without which a locked terminal stays locked.
    pub password: Option<Hash>,
    /// How long nobody types before it locks itself; never, without a password.
    pub lock_after: Option<Duration>,
    /// What is kept on disk, and how long.
    pub keep: Keep,
    /// A program with its arguments, which prints what it finds on its standard input; none: what is printed is a file alone.
    pub printer: Vec<String>,
}

/// Whether there are colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colors {
    /// The terminal's own sixteen, told apart without telling red from green.
    #[default]
    Sixteen,
    /// None: bold, reverse and underlined.
    None,
}

/// When to ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bell {
    /// For every message that comes.
    #[default]
    All,
    /// For hit confirmations and refusals.
    Urgent,
    /// Never.
    None,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read as TOML, or holds what it should not.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The password.
    #[error("[lock] password")]
    Lock(#[from] LockError),
    /// A name of the network.
    #[error("[{table}] {name}")]
    Name {
        /// The table of the file.
        table: &'static str,
        /// What was written.
        name: String,
        /// What it should be.
        source: NameError,
    },
    /// A time, or a number.
    #[error("{key} must be {rule}")]
    Number {
        /// What was written.
        key: &'static str,
        /// What it should be.
        rule: &'static str,
    },
}

impl Default for Preferences {
    fn default() -> Self {
        let to = |(key, line): &(&str, &str)| Some((MessageKey::parse(key).ok()?, vec![(*line).to_owned()]));
        Self {
            keys: Keys::default(),
            colors: Colors::default(),
            bell: Bell::default(),
            utc_offset_seconds: USUAL_OFFSET_SECONDS,
            destinations: USUAL_DESTINATIONS.iter().filter_map(to).collect(),
            defaults: BTreeMap::new(),
            addresses: BTreeMap::new(),
            password: None,
            lock_after: None,
            keep: Keep::default(),
            printer: Vec::new(),
        }
    }
}

/// The zone of the switch's stamps (`protocol-specs/wire.md` 2.2).
const USUAL_OFFSET_SECONDS: i32 = -7 * 3600;

/// Where only one address takes a key (`protocol-specs/wire.md` 2.5).
const USUAL_DESTINATIONS: [(&str, &str); 8] = [
    ("IAQ", "AX"),
    ("ECHO", "NL"),
    ("NLQ", "NL"),
    ("NFQ", "NL"),
    ("TQ", "OD"),
    ("TA", "OD"),
    ("TU", "OD"),
    ("TD", "OD"),
];

impl Preferences {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first thing that cannot be, with where it stands.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text)?;
        let keys = Keys::with(file.keys.iter().map(|(name, keys)| (name.as_str(), keys.0.as_slice())))?;
        let mut preferences = Self { keys, colors: file.colors, bell: file.bell, ..Self::default() };
        if let Some(minutes) = file.utc_offset_minutes {
            let rule = "from -1440 to 1440";
            let minutes = Some(minutes).filter(|minutes| (-1440..=1440).contains(minutes));
            let minutes = minutes.ok_or(ConfigError::Number { key: "utc_offset_minutes", rule })?;
            preferences.utc_offset_seconds = minutes.saturating_mul(60);
        }
        for (name, to) in file.destinations {
            let key = MessageKey::parse(&name).map_err(|source| ConfigError::Name {
                table: "destinations",
                name: name.clone(),
                source,
            })?;
            for address in &to.0 {
                // Both kinds of address are letters and digits; which exist, the switch knows.
                Control::parse(address).map_err(|source| ConfigError::Name {
                    table: "destinations",
                    name: name.clone(),
                    source,
                })?;
            }
            let to = to.0.iter().map(|address| address.to_ascii_uppercase()).collect();
            preferences.destinations.insert(key, to);
        }
        for (name, value) in file.defaults {
            let prefix = Prefix::parse(&name).map_err(|source| ConfigError::Name {
                table: "defaults",
                name: name.clone(),
                source,
            })?;
            preferences.defaults.insert(prefix, value);
        }
        preferences.addresses =
            file.addresses.into_iter().map(|(address, what)| (address.to_ascii_uppercase(), what)).collect();
        preferences.password = file.lock.password.as_deref().map(Hash::parse).transpose()?;
        preferences.lock_after = match file.lock.minutes {
            Some(0) => return Err(ConfigError::Number { key: "[lock] minutes", rule: "1 or more" }),
            Some(minutes) => Some(Duration::from_secs(minutes.saturating_mul(60))),
            None => None,
        };
        preferences.keep = file.keep.checked()?;
        preferences.printer = file.print.command.map(|command| command.0).unwrap_or_default();
        if preferences.lock_after.is_some() && preferences.password.is_none() {
            return Err(ConfigError::Number {
                key: "[lock] minutes",
                rule: "with a [lock] password, which `orinet terminal --hash-password` makes",
            });
        }
        Ok(preferences)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    colors: Colors,
    bell: Bell,
    utc_offset_minutes: Option<i32>,
    keys: BTreeMap<String, OneOrMore>,
    destinations: BTreeMap<String, OneOrMore>,
    defaults: BTreeMap<String, String>,
    addresses: BTreeMap<String, String>,
    lock: LockFile,
    keep: KeepFile,
    print: PrintFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct KeepFile {
    days: Option<u32>,
    messages: Option<u32>,
}

impl KeepFile {
    fn checked(&self) -> Result<Keep, ConfigError> {
        let usual = Keep::default();
        if self.days.is_some_and(|days| days < Keep::DAYS_MIN) {
            return Err(ConfigError::Number { key: "[keep] days", rule: "3 or more" });
        }
        if self.messages.is_some_and(|messages| !Keep::MESSAGES.contains(&messages)) {
            return Err(ConfigError::Number { key: "[keep] messages", rule: "from 1000 to 1000000" });
        }
        Ok(Keep { days: self.days.or(usual.days), messages: self.messages.unwrap_or(usual.messages) })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PrintFile {
    command: Option<OneOrMore>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LockFile {
    password: Option<String>,
    minutes: Option<u64>,
}

/// A text, or several.
#[derive(Debug, Deserialize)]
#[serde(from = "Written")]
struct OneOrMore(Vec<String>);

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    More(Vec<String>),
}

impl From<Written> for OneOrMore {
    fn from(written: Written) -> Self {
        match written {
            Written::One(one) => Self(vec![one]),
            Written::More(more) => Self(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_usual_terminal() {
        assert_eq!(Preferences::parse("").unwrap(), Preferences::default());
    }

    #[test]
    fn a_file_says_how_a_user_wants_it() {
        let hash = Hash::new("open sesame").unwrap().to_string();
        let text = format!(
            "colors = \"none\"\nbell = \"urgent\"\nutc_offset_minutes = 60\n[keys]\nsend = [\"f20\"]\n\
             [destinations]\nRQ = [\"za\", \"ZB\"]\nIQ = \"ZB\"\n[defaults]\nATN = \"SGT TEST ONE\"\n\
             [addresses]\nZB0010000 = \"Sample County\"\n[lock]\nminutes = 10\npassword = \"{hash}\"\n\
             [keep]\ndays = 30\n[print]\ncommand = [\"lp\", \"-s\"]\n"
        );
        let read = Preferences::parse(&text).unwrap();
        assert_eq!((read.colors, read.bell, read.utc_offset_seconds), (Colors::None, Bell::Urgent, 3600));
        assert_eq!(read.destinations[&MessageKey::parse("RQ").unwrap()], ["ZA", "ZB"]);
        assert_eq!(read.destinations[&MessageKey::parse("IAQ").unwrap()], ["AX"]);
        assert_eq!(read.defaults[&Prefix::parse("ATN").unwrap()], "SGT TEST ONE");
        assert_eq!(read.lock_after, Some(Duration::from_secs(600)));
        assert!(read.password.unwrap().opens("open sesame"));
        assert_eq!(read.keep, Keep { days: Some(30), ..Keep::default() });
        assert_eq!(read.printer, ["lp", "-s"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "colours = 1",
            "[keys]\nsned = \"f5\"",
            "[destinations]\nRQ = \"Z A\"",
            "[defaults]\nX = \"1\"",
            "[lock]\nminutes = 5",
            "[lock]\npassword = \"secret\"",
            "utc_offset_minutes = 9000",
            "[keep]\ndays = 2",
            "[keep]\nmessages = 999",
            "[print]\nprinter = \"lp\"",
        ] {
            assert!(Preferences::parse(bad).is_err(), "{bad}");
        }
    }
}
