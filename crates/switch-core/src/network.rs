//! The network as it is configured: stations, agencies, lines, groups, states of destinations, limits.
//!
//! [`NetworkConfig`] is what somebody wrote; [`Network`] is what has been checked and indexed. Everything else in the
//! switch sees only the latter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use codec::dictionary::{Authorization, Dictionary};
use codec::legacy::LineEnd;
use codec::name::{Line, MessageKey, Ori, StationName};
use rustc_hash::FxHashMap;

use crate::admission::HelpAddress;
use crate::directory::Index;
use crate::limits::Limits;

/// What a network consists of, unchecked. Lists keep their order, so that an error can name its place.
#[derive(Debug, Clone, Default)]
pub struct NetworkConfig {
    /// The end points.
    pub stations: Vec<StationConfig>,
    /// The directory of agencies.
    pub oris: Vec<OriConfig>,
    /// Codes that stand for several lines.
    pub groups: Vec<GroupConfig>,
    /// Destinations that are not simply in service.
    pub states: Vec<StateConfig>,
    /// What is bounded, and how.
    pub limits: Limits,
}

/// One end point of the network.
#[derive(Debug, Clone)]
pub struct StationConfig {
    /// Its name, as in its certificate.
    pub name: StationName,
    /// Lines that lead to it.
    pub lines: Vec<Line>,
    /// Agencies that it serves itself, ahead of the station that serves their line.
    pub oris: Vec<Ori>,
    /// Keys that it takes, besides AM, AML, SM and ER, which every station takes.
    pub accepts: BTreeSet<MessageKey>,
    /// Keys that it may send although the dictionary grants them to named stations only (IAR).
    pub sends: BTreeSet<MessageKey>,
    /// Copies that may be sent to it and not yet acknowledged, 1 to 1024.
    pub window: u16,
    /// How long a message waits for it, in place of what the dictionary says for the key.
    pub hold: Option<Duration>,
    /// Bytes that may wait for it.
    pub hold_bytes: u64,
    /// How header lines to it end.
    pub line_end: LineEnd,
    /// In which form it gets its messages; it may send any (`protocol-specs/wire.md` 2.3).
    pub format: Format,
    /// Where a message in OFML goes that names no destination (`protocol-specs/wire.md` 1.2).
    pub destination: Option<StationName>,
}

/// The form in which a station gets its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Text.
    #[default]
    Legacy,
    /// The XML envelope.
    Niem,
    /// The OFML document.
    Ofml,
}

impl StationConfig {
    /// Copies in flight to one link, unless configured otherwise (`protocol-specs/wire.md` 1.1).
    pub const WINDOW: u16 = 32;
    /// Bytes that may wait for one station (`protocol-specs/wire.md` 2.7).
    pub const HOLD_BYTES: u64 = 256 << 20;

    /// A station with every default.
    #[must_use]
    pub fn new(name: StationName) -> Self {
        Self {
            name,
            lines: Vec::new(),
            oris: Vec::new(),
            accepts: BTreeSet::new(),
            sends: BTreeSet::new(),
            window: Self::WINDOW,
            hold: None,
            hold_bytes: Self::HOLD_BYTES,
            line_end: LineEnd::CrLfDel,
            format: Format::Legacy,
            destination: None,
        }
    }
}

/// One agency of the directory (`protocol-specs/formats.md` 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriConfig {
    /// Its identifier.
    pub ori: Ori,
    /// The line that owns its entry.
    pub line: Line,
    /// What it is allowed to send.
    pub authorization: Vec<Authorization>,
    /// Whether it takes part at all.
    pub active: bool,
    /// Whether it may change the entries of its line, besides those of type SA, which may (`protocol-specs/wire.md` 2.9).
    pub editor: bool,
    /// What nothing is decided by.
    pub details: Box<OriDetails>,
}

impl OriConfig {
    /// An active agency that may send nothing, with every default.
    #[must_use]
    pub fn new(ori: Ori, line: Line) -> Self {
        let authorization = Vec::new();
        Self { ori, line, authorization, active: true, editor: false, details: Box::default() }
    }
}

/// What the directory tells of an agency besides. A text that is empty is not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriDetails {
    /// Its name and place (LOC).
    pub name: String,
    /// What it is (TYP).
    pub kind: String,
    /// When it can be reached, `A` to `D`.
    pub hours: String,
    /// Its telephone.
    pub phone: String,
    /// Its fax.
    pub fax: String,
    /// Another telephone.
    pub second_phone: String,
    /// Another fax.
    pub second_fax: String,
    /// Anything else.
    pub remarks: String,
}

impl Default for OriDetails {
    /// A police department that is always there.
    fn default() -> Self {
        let none = String::new;
        Self {
            name: none(),
            kind: "PD".to_owned(),
            hours: "A".to_owned(),
            phone: none(),
            fax: none(),
            second_phone: none(),
            second_fax: none(),
            remarks: none(),
        }
    }
}

/// A two-character code that stands for several lines.
#[derive(Debug, Clone)]
pub struct GroupConfig {
    /// The code.
    pub code: Line,
    /// Its lines.
    pub members: Vec<Line>,
}

/// What happens to messages of one key for one station (`protocol-specs/formats.md` 4.2).
#[derive(Debug, Clone, Copy)]
pub struct StateConfig {
    /// The destination.
    pub station: StationName,
    /// The key.
    pub key: MessageKey,
    /// What happens.
    pub state: DestinationState,
}

/// What happens to messages for a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DestinationState {
    /// They are sent on.
    #[default]
    InService,
    /// They are kept until the state changes; the sender gets SM 02.
    Store,
    /// They are dropped; the sender gets SM 04.
    Remove,
    /// They are dropped; the sender gets SM 01.
    Unsupported,
}

impl DestinationState {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::InService, Self::Store, Self::Remove, Self::Unsupported];

    /// Its number in the journal.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The one with that number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// Its word in the configuration and in listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InService => "in-service",
            Self::Store => "store",
            Self::Remove => "remove",
            Self::Unsupported => "unsupported",
        }
    }

    /// The one with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Where in a [`NetworkConfig`] something is wrong, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct NetworkError {
    /// The list: `station`, `ori`, `group` or `state`.
    pub list: &'static str,
    /// The entry in that list, from 0.
    pub entry: usize,
    /// The key in that entry.
    pub key: &'static str,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// A station's place in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StationIndex(pub(crate) u16);

/// Where a two-character code leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lead {
    /// A line: to its station.
    Station(StationIndex),
    /// A group or region: to its lines and their stations.
    Group(Vec<(Line, StationIndex)>),
}

/// A checked network, indexed for routing.
#[derive(Debug)]
pub struct Network {
    /// A place without one is of a station that is no longer there, and keeps the others' places.
    stations: Vec<Option<StationConfig>>,
    by_name: FxHashMap<StationName, StationIndex>,
    by_code: FxHashMap<Line, Lead>,
    by_ori: FxHashMap<Ori, StationIndex>,
    directory: FxHashMap<Ori, OriConfig>,
    index: Index,
    states: FxHashMap<(StationIndex, MessageKey), DestinationState>,
    limits: Limits,
}

impl Network {
    /// Checks a configuration against itself and the dictionary.
    ///
    /// # Errors
    /// Every entry that is wrong: a name given twice, a line that leads nowhere, a key that is not in the dictionary, a
    /// value out of its range.
    pub fn new(config: NetworkConfig, dictionary: &Dictionary) -> Result<Self, Vec<NetworkError>> {
        Self::arranged(config, dictionary, &[])
    }

    /// As [`Network::new`]; the stations of `order` get their places in that order, and one that is not configured any
    /// more leaves a gap. So a network that takes another's place gives each station the place that it had.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn arranged(
        config: NetworkConfig,
        dictionary: &Dictionary,
        order: &[StationName],
    ) -> Result<Self, Vec<NetworkError>> {
        let mut check = Check { dictionary, errors: Vec::new() };
        let mut network = Self {
            stations: Vec::new(),
            by_name: FxHashMap::default(),
            by_code: FxHashMap::default(),
            by_ori: FxHashMap::default(),
            directory: FxHashMap::default(),
            index: Index::default(),
            states: FxHashMap::default(),
            limits: config.limits,
        };
        check.stations(&mut network, config.stations, order);
        check.groups(&mut network, &config.groups);
        check.oris(&mut network, config.oris);
        check.states(&mut network, &config.states);
        if check.errors.is_empty() { Ok(network) } else { Err(check.errors) }
    }

    /// The bounds and settings of the whole switch.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// All stations, in the order of their places: that of the configuration, unless arranged otherwise.
    pub fn stations(&self) -> impl Iterator<Item = &StationConfig> {
        self.stations.iter().flatten()
    }

    /// All entries of the directory, by ORI.
    pub(crate) fn entries(&self) -> BTreeMap<Ori, &OriConfig> {
        self.directory.iter().map(|(ori, entry)| (*ori, entry)).collect()
    }

    /// Groups with the lines that they stand for.
    pub(crate) fn groups(&self) -> BTreeMap<Line, Vec<Line>> {
        let group = |(code, lead): (&Line, &Lead)| match lead {
            Lead::Station(_) => None,
            Lead::Group(members) => Some((*code, members.iter().map(|(line, _)| *line).collect())),
        };
        self.by_code.iter().filter_map(group).collect()
    }

    /// States that are not simply in service, by the name of the station.
    pub(crate) fn named_states(&self) -> BTreeMap<(StationName, MessageKey), &'static str> {
        let named = |((index, key), state): (&(StationIndex, MessageKey), &DestinationState)| {
            Some(((self.at(*index)?.name, *key), state.as_str()))
        };
        self.states.iter().filter_map(named).collect()
    }

    /// How many places there are, gaps among them.
    pub(crate) fn places(&self) -> usize {
        self.stations.len()
    }

    /// The station of that name.
    #[must_use]
    pub fn station(&self, name: StationName) -> Option<&StationConfig> {
        self.by_name.get(&name).and_then(|index| self.at(*index))
    }

    pub(crate) fn index(&self, name: StationName) -> Option<StationIndex> {
        self.by_name.get(&name).copied()
    }

    pub(crate) fn at(&self, index: StationIndex) -> Option<&StationConfig> {
        self.stations.get(usize::from(index.0))?.as_ref()
    }

    pub(crate) fn ori(&self, ori: Ori) -> Option<&OriConfig> {
        self.directory.get(&ori)
    }

    /// The configured entries by what a query can name.
    pub(crate) fn ori_index(&self) -> &Index {
        &self.index
    }

    /// The station that serves an agency of that line: its own, else the one of the line.
    pub(crate) fn serving(&self, ori: Ori, line: Line) -> Option<StationIndex> {
        self.by_ori.get(&ori).copied().or_else(|| self.of_line(line))
    }

    /// The station that serves a line.
    pub(crate) fn of_line(&self, line: Line) -> Option<StationIndex> {
        match self.by_code.get(&line)? {
            Lead::Station(index) => Some(*index),
            Lead::Group(_) => None,
        }
    }

    /// Where a two-character code leads.
    pub(crate) fn lead(&self, code: Line) -> Option<&Lead> {
        self.by_code.get(&code)
    }

    pub(crate) fn is_group(&self, code: Line) -> bool {
        matches!(self.by_code.get(&code), Some(Lead::Group(_)))
    }

    /// Whether a station takes a key at all.
    pub(crate) fn accepts(&self, station: StationIndex, key: MessageKey) -> bool {
        ACCEPTED_BY_ALL.contains(&key.as_str()) || self.at(station).is_some_and(|s| s.accepts.contains(&key))
    }

    pub(crate) fn state(&self, station: StationIndex, key: MessageKey) -> DestinationState {
        self.states.get(&(station, key)).copied().unwrap_or_default()
    }
}

/// Every station takes these (`protocol-specs/wire.md` 3).
const ACCEPTED_BY_ALL: [&str; 4] = ["AM", "AML", "SM", "ER"];
/// The code of the switch itself.
pub(crate) const OWN_CODE: &str = "NL";
/// The code of the directory.
pub(crate) const DIRECTORY_CODE: &str = "OD";
/// Codes that the switch answers itself, so that no station can have them (`protocol-specs/wire.md` 2.5).
const OWN_CODES: [&str; 2] = [OWN_CODE, DIRECTORY_CODE];
const WINDOW_MAX: u16 = 1024;
const STATIONS_MAX: usize = 10_000;

struct Check<'a> {
    dictionary: &'a Dictionary,
    errors: Vec<NetworkError>,
}

impl Check<'_> {
    fn error(&mut self, list: &'static str, entry: usize, key: &'static str, problem: String) {
        self.errors.push(NetworkError { list, entry, key, problem });
    }

    fn stations(&mut self, network: &mut Network, stations: Vec<StationConfig>, order: &[StationName]) {
        if stations.is_empty() {
            self.error("station", 0, "name", "a network needs at least one [[station]]".into());
        }
        let kept: FxHashMap<StationName, usize> = order.iter().copied().zip(0..).collect();
        network.stations = order.iter().map(|_| None).collect();
        for (entry, station) in stations.into_iter().enumerate() {
            let place = kept.get(&station.name).copied().unwrap_or(network.stations.len());
            let Some(index) = u16::try_from(place).ok().filter(|_| entry < STATIONS_MAX).map(StationIndex) else {
                return self.error("station", entry, "name", format!("at most {STATIONS_MAX} stations are possible"));
            };
            if network.by_name.insert(station.name, index).is_some() {
                self.error("station", entry, "name", format!("station {} is there twice", station.name));
            }
            for line in &station.lines {
                if OWN_CODES.contains(&line.as_str()) {
                    self.error("station", entry, "lines", format!("line {line} is the switch itself"));
                } else if network.by_code.insert(*line, Lead::Station(index)).is_some() {
                    self.error("station", entry, "lines", format!("line {line} leads to another station already"));
                }
            }
            for ori in &station.oris {
                if network.by_ori.insert(*ori, index).is_some() {
                    self.error("station", entry, "oris", format!("ORI {ori} is served by another station already"));
                }
            }
            if !(1..=WINDOW_MAX).contains(&station.window) {
                self.error("station", entry, "window", format!("window must be 1 to {WINDOW_MAX}"));
            }
            for (name, keys) in [("accepts", &station.accepts), ("sends", &station.sends)] {
                for key in keys.iter().filter(|key| self.dictionary.spec(**key).is_none()).copied().collect::<Vec<_>>()
                {
                    self.error("station", entry, name, format!("{key} is no message key of the dictionary"));
                }
            }
            match network.stations.get_mut(place) {
                Some(kept) => *kept = Some(station),
                None => network.stations.push(Some(station)),
            }
        }
    }

    fn groups(&mut self, network: &mut Network, groups: &[GroupConfig]) {
        for (entry, group) in groups.iter().enumerate() {
            let mut members = Vec::new();
            for line in &group.members {
                match network.by_code.get(line) {
                    Some(Lead::Station(index)) => members.push((*line, *index)),
                    Some(Lead::Group(_)) => {
                        self.error("group", entry, "members", format!("{line} is a group; members are lines"));
                    }
                    None => self.error("group", entry, "members", format!("line {line} leads to no station")),
                }
            }
            if members.is_empty() {
                self.error("group", entry, "members", format!("group {} has no members", group.code));
            }
            if OWN_CODES.contains(&group.code.as_str()) || network.by_code.contains_key(&group.code) {
                self.error("group", entry, "code", format!("{} is a line or a group already", group.code));
            } else {
                network.by_code.insert(group.code, Lead::Group(members));
            }
        }
    }

    fn oris(&mut self, network: &mut Network, oris: Vec<OriConfig>) {
        for (entry, ori) in oris.into_iter().enumerate() {
            let served = network.by_ori.contains_key(&ori.ori)
                || matches!(network.by_code.get(&ori.line), Some(Lead::Station(_)));
            if !served {
                self.error("ori", entry, "line", format!("no station serves line {} or ORI {}", ori.line, ori.ori));
            }
            if HelpAddress::of(ori.ori).is_some() {
                self.error("ori", entry, "ori", format!("ORI {} is the address of a help file", ori.ori));
            }
            if network.directory.contains_key(&ori.ori) {
                self.error("ori", entry, "ori", format!("ORI {} is there twice", ori.ori));
            }
            network.index.insert(&ori);
            network.directory.insert(ori.ori, ori);
        }
        for (entry, station) in network.stations.iter().flatten().enumerate() {
            for ori in station.oris.iter().filter(|ori| !network.directory.contains_key(ori)) {
                self.error("station", entry, "oris", format!("ORI {ori} has no [[ori]] entry"));
            }
        }
    }

    fn states(&mut self, network: &mut Network, states: &[StateConfig]) {
        for (entry, state) in states.iter().enumerate() {
            if self.dictionary.spec(state.key).is_none() {
                self.error("state", entry, "key", format!("{} is no message key of the dictionary", state.key));
            }
            match network.by_name.get(&state.station) {
                None => self.error("state", entry, "station", format!("there is no station {}", state.station)),
                Some(index) => {
                    if network.states.insert((*index, state.key), state.state).is_some() {
                        let problem = format!("{} has a state for {} already", state.station, state.key);
                        self.error("state", entry, "key", problem);
                    }
                }
            }
        }
    }
}
