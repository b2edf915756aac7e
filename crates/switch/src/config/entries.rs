//! The lists of a configuration: stations, agencies, groups, states.

use codec::dictionary::Authorization;
use codec::legacy::LineEnd;
use codec::name::{Line, MessageKey, NameError, Ori, StationName};
use switch_core::{DestinationState, Format, GroupConfig, OriConfig, OriDetails, StateConfig, StationConfig};
use toml::Spanned;

use super::file::{GroupFile, OriFile, StateFile, StationFile};
use super::read::{Reader, hold};

/// Kinds of agency in the directory (`protocol-specs/formats.md` 2.4).
const ORI_TYPES: [&str; 12] = ["PD", "SO", "SA", "LE", "FE", "JA", "JC", "JG", "JJ", "JF", "CJ", "NJ"];
/// Service hours: around the clock or part-time, with or without a terminal.
const HOURS: [&str; 4] = ["A", "B", "C", "D"];
const ORI_NAME_MAX: usize = 60;
/// As long as TA lets them be (`protocol-specs/wire.md` 2.9).
const PHONE_MAX: usize = 20;
const REMARKS_MAX: usize = 60;

impl Reader<'_> {
    pub(super) fn station(&mut self, entry: Spanned<StationFile>) -> Option<StationConfig> {
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
        let format = match file.format.as_deref() {
            None | Some("legacy") => Format::Legacy,
            Some("niem") => Format::Niem,
            Some("ofml") => Format::Ofml,
            Some(other) => {
                let problem = format!("{other:?} is none of \"legacy\", \"niem\", \"ofml\"");
                self.problem(start, "station", "format", &problem);
                return None;
            }
        };
        let hold = match hold(file.hold_hours, file.hold_seconds) {
            Ok(hold) => hold,
            Err((key, problem)) => {
                self.problem(start, "station", key, &problem);
                return None;
            }
        };
        Some(StationConfig {
            lines: self.names(start, "station", "lines", &file.lines, Line::parse)?,
            oris: self.names(start, "station", "oris", &file.oris, Ori::parse)?,
            accepts: self.keys(start, "accepts", &file.accepts)?,
            sends: self.keys(start, "sends", &file.sends)?,
            window: file.window.unwrap_or(defaults.window),
            hold,
            hold_bytes: file.hold_bytes.unwrap_or(defaults.hold_bytes),
            line_end,
            format,
            destination: match &file.destination {
                Some(text) => Some(self.name(start, "station", "destination", text, destination)?),
                None => None,
            },
            ..defaults
        })
    }

    pub(super) fn ori(&mut self, entry: Spanned<OriFile>) -> Option<OriConfig> {
        let start = entry.span().start;
        let file = entry.into_inner();
        let letters: Option<Vec<_>> = file.authorization.chars().map(Authorization::from_letter).collect();
        let hours = file.hours.as_deref().unwrap_or(HOURS[0]);
        let checks = [
            (ORI_TYPES.contains(&file.kind.as_str()), "type", format!("must be one of {}", ORI_TYPES.join(", "))),
            (letters.is_some(), "authorization", "must be letters of A, C, D, Z".to_owned()),
            (HOURS.contains(&hours), "hours", "must be A, B, C or D".to_owned()),
            (file.name.len() <= ORI_NAME_MAX, "name", format!("must be at most {ORI_NAME_MAX} bytes")),
            (file.phone.len() <= PHONE_MAX, "phone", format!("must be at most {PHONE_MAX} bytes")),
            (file.fax.len() <= PHONE_MAX, "fax", format!("must be at most {PHONE_MAX} bytes")),
            (file.second_phone.len() <= PHONE_MAX, "second_phone", format!("must be at most {PHONE_MAX} bytes")),
            (file.second_fax.len() <= PHONE_MAX, "second_fax", format!("must be at most {PHONE_MAX} bytes")),
            (file.remarks.len() <= REMARKS_MAX, "remarks", format!("must be at most {REMARKS_MAX} bytes")),
        ];
        for (_, key, problem) in checks.iter().filter(|(valid, ..)| !valid) {
            self.problem(start, "ori", key, problem);
        }
        Some(OriConfig {
            ori: self.name(start, "ori", "ori", &file.ori, Ori::parse)?,
            line: self.name(start, "ori", "line", &file.line, Line::parse)?,
            authorization: letters?,
            active: file.active.unwrap_or(true),
            editor: file.editor.unwrap_or(false),
            details: Box::new(OriDetails {
                hours: hours.to_owned(),
                name: file.name,
                kind: file.kind,
                phone: file.phone,
                fax: file.fax,
                second_phone: file.second_phone,
                second_fax: file.second_fax,
                remarks: file.remarks,
            }),
        })
    }

    pub(super) fn group(&mut self, entry: Spanned<GroupFile>) -> Option<GroupConfig> {
        let start = entry.span().start;
        let file = entry.into_inner();
        Some(GroupConfig {
            code: self.name(start, "group", "code", &file.code, Line::parse)?,
            members: self.names(start, "group", "members", &file.members, Line::parse)?,
        })
    }

    pub(super) fn state(&mut self, entry: Spanned<StateFile>) -> Option<StateConfig> {
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
}

/// A line or an agency; whether it exists is another matter, as in any message.
fn destination(text: &str) -> Result<StationName, NameError> {
    Line::parse(text).map(|_| ()).or_else(|_| Ori::parse(text).map(|_| ())).and_then(|()| StationName::parse(text))
}
