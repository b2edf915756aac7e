//! What an operator's request asks for, read from its method, path, query and body.

use bytes::Bytes;
use codec::name::{MessageKey, Ori, StationName};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use switch_core::{Command, Delivery, DestinationState, Msn};

use super::trouble::Trouble;
use crate::operators::Right;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Who asks, and what they may do.
    Myself,
    /// Every station: links, queues, hold, diversion.
    Stations,
    /// Every link.
    Links,
    /// Hit confirmations that are not answered.
    Confirmations,
    /// States of destinations that are not as configured.
    States,
    /// Dead letters, without texts.
    Letters(Page),
    /// One dead letter with its text.
    Letter(Delivery),
    /// What was changed of the directory.
    Changed,
    /// What the directory says of an agency.
    Agency(Ori),
    /// Where a message would go, and why.
    Explain(Explain),
    /// Something that the core does by itself.
    Do(Command),
    /// Send a message again by its number.
    SendAgain(Msn, Option<StationName>),
    /// Send a dead letter again, as it was or changed.
    ResendLetter(Delivery, Option<Bytes>),
    /// Take nothing new, and end once all went out that can.
    DrainAndEnd,
    /// Read the configuration again.
    Reload(Contradicted),
}

/// Which dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Only for this station.
    pub(crate) station: Option<StationName>,
    /// Those after this one.
    pub(crate) after: Delivery,
    /// So many at most.
    pub(crate) limit: usize,
}

/// A message that is only looked at.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Explain {
    /// Who would send it.
    pub(crate) station: StationName,
    pub(crate) text: Bytes,
}

/// Its length alone.
impl std::fmt::Debug for Explain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Explain({}, {} bytes)", self.station, self.text.len())
    }
}

/// What becomes of changes that a new configuration contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contradicted {
    /// It is refused on their account.
    Refuse,
    /// They are dropped.
    Drop,
}

/// How a request gets into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audit {
    /// The core writes it with what it does.
    ByCore,
    /// Each time: somebody may see what is about a person.
    Always,
    /// Once a minute for each operator: a list that a screen asks for again and again.
    OnceAMinute,
}

const LETTERS: usize = 50;
const LETTERS_MAX: usize = 1000;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NothingBody {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DivertBody {
    to: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateBody {
    key: Option<String>,
    state: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SendAgainBody {
    to: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LetterBody {
    text: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DrainBody {
    #[serde(default)]
    end: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReloadBody {
    #[serde(default)]
    drop_contradicted: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplainBody {
    station: String,
    text: String,
}

impl Ask {
    /// Reads a request. `path` is what follows `/api/`.
    pub(crate) fn parse(method: &str, path: &str, query: &str, body: &[u8]) -> Result<Self, Trouble> {
        let parts: Vec<_> = path.trim_end_matches('/').split('/').collect();
        let known = match *parts.as_slice() {
            ["me" | "stations" | "links" | "confirmations" | "states" | "letters" | "directory"]
            | ["letters" | "directory", _] => "GET",
            ["stations", _, "hold" | "release" | "divert" | "undivert" | "state"]
            | ["messages", _, "resend"]
            | ["letters", _, "resend" | "discard"]
            | ["directory", _, "drop"]
            | ["drain" | "undrain" | "explain" | "reload"] => "POST",
            _ => return Err(Trouble::no_such_page()),
        };
        if method != known {
            return Err(Trouble::method(known));
        }
        Ok(match *parts.as_slice() {
            ["me"] => Self::Myself,
            ["stations"] => Self::Stations,
            ["links"] => Self::Links,
            ["confirmations"] => Self::Confirmations,
            ["states"] => Self::States,
            ["letters"] => Self::Letters(page(query)?),
            ["letters", delivery] => Self::Letter(letter(delivery)?),
            ["directory"] => Self::Changed,
            ["directory", ori] => Self::Agency(ori_of(ori)?),
            ["stations", name, "hold"] => nothing(body, Command::Hold { station: station(name)? })?,
            ["stations", name, "release"] => nothing(body, Command::Release { station: station(name)? })?,
            ["stations", name, "divert"] => {
                let DivertBody { to } = read(body)?;
                Self::Do(Command::Divert { from: station(name)?, to: station(&to)? })
            }
            ["stations", name, "undivert"] => nothing(body, Command::Undivert { from: station(name)? })?,
            ["stations", name, "state"] => Self::Do(state(name, body)?),
            ["messages", number, "resend"] => {
                let SendAgainBody { to } = read_or_default(body)?;
                let number = number.parse().map_err(|_| Trouble::malformed("a message's number is digits"))?;
                Self::SendAgain(Msn(number), to.as_deref().map(address).transpose()?)
            }
            ["letters", delivery, "resend"] => {
                let LetterBody { text } = read_or_default(body)?;
                Self::ResendLetter(letter(delivery)?, text.map(Bytes::from))
            }
            ["letters", delivery, "discard"] => nothing(body, Command::DiscardLetter { delivery: letter(delivery)? })?,
            ["directory", ori, "drop"] => nothing(body, Command::ForgetEntry { ori: ori_of(ori)? })?,
            ["drain"] => {
                let DrainBody { end } = read_or_default(body)?;
                if end { Self::DrainAndEnd } else { Self::Do(Command::Drain) }
            }
            ["undrain"] => nothing(body, Command::Undrain)?,
            ["explain"] => {
                let ExplainBody { station: name, text } = read(body)?;
                Self::Explain(Explain { station: station(&name)?, text: Bytes::from(text) })
            }
            ["reload"] => {
                let ReloadBody { drop_contradicted } = read_or_default(body)?;
                Self::Reload(if drop_contradicted { Contradicted::Drop } else { Contradicted::Refuse })
            }
            _ => return Err(Trouble::no_such_page()),
        })
    }

    /// What an operator needs for it; nothing for what everybody with a token may.
    pub(crate) fn right(&self) -> Option<Right> {
        match self {
            Self::Myself => None,
            Self::Stations
            | Self::Links
            | Self::Confirmations
            | Self::States
            | Self::Letters(_)
            | Self::Changed
            | Self::Agency(_)
            | Self::Explain(_) => Some(Right::Look),
            Self::Letter(_) | Self::ResendLetter(..) => Some(Right::Letters),
            Self::SendAgain(..) => Some(Right::Route),
            Self::DrainAndEnd | Self::Reload(_) => Some(Right::Control),
            Self::Do(command) => Some(match command {
                Command::Hold { .. }
                | Command::Release { .. }
                | Command::Divert { .. }
                | Command::Undivert { .. }
                | Command::SetState { .. }
                | Command::SendAgain { .. } => Right::Route,
                Command::ResendLetter { .. } | Command::DiscardLetter { .. } => Right::Letters,
                Command::ForgetEntry { .. } => Right::Directory,
                Command::Drain | Command::Undrain | Command::Reload(_) => Right::Control,
            }),
        }
    }

    pub(crate) fn audit(&self) -> Audit {
        match self {
            Self::Myself
            | Self::Stations
            | Self::Links
            | Self::Confirmations
            | Self::States
            | Self::Letters(_)
            | Self::Changed
            | Self::Agency(_) => Audit::OnceAMinute,
            Self::Letter(_) | Self::Explain(_) => Audit::Always,
            Self::Do(_) | Self::SendAgain(..) | Self::ResendLetter(..) | Self::DrainAndEnd | Self::Reload(_) => {
                Audit::ByCore
            }
        }
    }

    /// As the journal tells it: without any text of a message.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Myself => "show rights".to_owned(),
            Self::Stations => "list stations".to_owned(),
            Self::Links => "list links".to_owned(),
            Self::Confirmations => "list confirmations".to_owned(),
            Self::States => "list states".to_owned(),
            Self::Letters(_) => "list letters".to_owned(),
            Self::Letter(delivery) => format!("show letter {}", delivery.number()),
            Self::Changed => "list changes of the directory".to_owned(),
            Self::Agency(ori) => format!("show {ori} in the directory"),
            Self::Explain(Explain { station, .. }) => format!("explain a route from {station}"),
            Self::Do(command) => command.to_string(),
            Self::SendAgain(msn, Some(to)) => format!("send message {} again to {to}", msn.0),
            Self::SendAgain(msn, None) => format!("send message {} again", msn.0),
            Self::ResendLetter(delivery, Some(_)) => format!("send letter {} again, changed", delivery.number()),
            Self::ResendLetter(delivery, None) => format!("send letter {} again, as it was", delivery.number()),
            Self::DrainAndEnd => "drain and end".to_owned(),
            Self::Reload(_) => "reload".to_owned(),
        }
    }
}

fn nothing(body: &[u8], command: Command) -> Result<Ask, Trouble> {
    let NothingBody {} = read_or_default(body)?;
    Ok(Ask::Do(command))
}

fn state(name: &str, body: &[u8]) -> Result<Command, Trouble> {
    let StateBody { key, state } = read(body)?;
    let key = key.map(|key| {
        MessageKey::parse(&key.to_ascii_uppercase()).map_err(|error| Trouble::malformed(format!("key: {error}")))
    });
    let state = match state.as_str() {
        "as-configured" => None,
        word => Some(DestinationState::from_word(word).ok_or_else(|| {
            Trouble::malformed("state must be in-service, store, remove, unsupported or as-configured")
        })?),
    };
    Ok(Command::SetState { station: station(name)?, key: key.transpose()?, state })
}

fn page(query: &str) -> Result<Page, Trouble> {
    let mut page = Page { station: None, after: Delivery::from_number(0), limit: LETTERS };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("station", name)) => page.station = Some(station(name)?),
            Some(("after", after)) => page.after = letter(after)?,
            Some(("limit", limit)) => {
                let limit = limit.parse().ok().filter(|limit| (1..=LETTERS_MAX).contains(limit));
                page.limit = limit.ok_or_else(|| Trouble::malformed(format!("limit must be 1 to {LETTERS_MAX}")))?;
            }
            _ => return Err(Trouble::malformed("letters can be asked for with station, after and limit")),
        }
    }
    Ok(page)
}

fn letter(text: &str) -> Result<Delivery, Trouble> {
    let number = text.parse().map_err(|_| Trouble::malformed("a letter's number is digits"))?;
    Ok(Delivery::from_number(number))
}

fn station(text: &str) -> Result<StationName, Trouble> {
    StationName::parse(&text.to_ascii_uppercase())
        .map_err(|error| Trouble::malformed(format!("a station's name: {error}")))
}

/// A station's name or an address as somebody wrote it.
fn address(text: &str) -> Result<StationName, Trouble> {
    station(text)
}

fn ori_of(text: &str) -> Result<Ori, Trouble> {
    Ori::parse(&text.to_ascii_uppercase()).map_err(|error| Trouble::malformed(format!("an ORI: {error}")))
}

fn read_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Trouble> {
    if body.is_empty() { Ok(T::default()) } else { read(body) }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| Trouble::malformed(format!("the body: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, path: &str, body: &str) -> Result<Ask, u16> {
        Ask::parse(method, path, "", body.as_bytes()).map_err(|trouble| trouble.status())
    }

    #[test]
    fn requests_are_read() {
        let za = StationName::parse("ZA").unwrap();
        assert_eq!(ask("GET", "stations", ""), Ok(Ask::Stations));
        assert_eq!(ask("POST", "stations/za/hold", ""), Ok(Ask::Do(Command::Hold { station: za })));
        assert_eq!(ask("POST", "stations/ZA/hold", "{}"), Ok(Ask::Do(Command::Hold { station: za })));
        let to = StationName::parse("ZB").unwrap();
        let divert = Ask::Do(Command::Divert { from: za, to });
        assert_eq!(ask("POST", "stations/ZA/divert", r#"{"to":"ZB"}"#), Ok(divert));
        let again = Ask::SendAgain(Msn(12), None);
        assert_eq!(ask("POST", "messages/12/resend", ""), Ok(again));
        assert_eq!(ask("POST", "drain", r#"{"end":true}"#), Ok(Ask::DrainAndEnd));
        let configured = Command::SetState { station: za, key: None, state: None };
        assert_eq!(ask("POST", "stations/ZA/state", r#"{"state":"as-configured"}"#), Ok(Ask::Do(configured)));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_the_status_that_says_so() {
        for (method, path, body, status) in [
            ("GET", "", "", 404),
            ("GET", "station", "", 404),
            ("POST", "stations", "", 405),
            ("GET", "stations/ZA/hold", "", 405),
            ("POST", "stations/Z-A/hold", "", 400),
            ("POST", "stations/ZA/hold", "{\"now\":true}", 400),
            ("POST", "stations/ZA/divert", "", 400),
            ("POST", "stations/ZA/state", "{\"state\":\"gone\"}", 400),
            ("POST", "messages/x/resend", "", 400),
            ("POST", "explain", "{\"station\":\"ZA\"}", 400),
            ("DELETE", "letters/1", "", 405),
        ] {
            assert_eq!(ask(method, path, body).unwrap_err(), status, "{method} {path} {body}");
        }
        assert_eq!(Ask::parse("GET", "letters", "limit=0", b"").unwrap_err().status(), 400);
        assert!(Ask::parse("GET", "letters", "station=ZA&after=9&limit=2", b"").is_ok());
    }

    #[test]
    fn a_message_is_not_told_to_the_journal() {
        let body = r#"{"station":"ZA","text":"AM.ZA0010000.ZB.TXT\r\nSAMPLE, ANNA"}"#;
        let ask = ask("POST", "explain", body).unwrap();
        assert!(!format!("{} {ask:?}", ask.told()).contains("SAMPLE"));
    }
}
