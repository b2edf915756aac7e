//! The directory's messages: TQ, and TA, TU and TD of those who may change their line's entries
//! (`protocol-specs/wire.md` 2.9). Prefixes beyond ORI, LOC and TYP, and the layout of the answer, are inferred.

use std::fmt::Write as _;

use codec::dictionary::{Authorization, MessageSpec};
use codec::legacy::fields;
use codec::name::{Line, Ori};
use codec::notice::ErNumber;

use super::help::HelpAddress;
use super::{Court, Failed, fail};
use crate::directory::Wanted;
use crate::effect::{AgencyChange, Effect};
use crate::network::{DIRECTORY_CODE, OWN_CODE, OriConfig};

/// Bytes of the name of a federal agency (LOC); of another one it is the dictionary's.
const FEDERAL_NAME_MAX: usize = 16;
const FEDERAL: [&str; 2] = ["FE", "JF"];
/// The kind of agency that may change its line's entries.
const STATE_AGENCY: &str = "SA";

impl Court<'_, '_> {
    /// The answer to a TQ whose body passed the dictionary.
    pub(super) fn look_up(&self, line: Option<Line>, body: &[u8]) -> Vec<u8> {
        let mut wanted = Wanted { line, ..Wanted::default() };
        for field in fields(body).flatten() {
            match field.prefix {
                "ORI" => wanted.ori = Ori::parse(field.value).ok(),
                "LOC" => wanted.name = field.value.to_ascii_uppercase(),
                "TYP" => wanted.kind = field.value.to_ascii_uppercase(),
                // The dictionary lets no other through.
                _ => {}
            }
        }
        let (found, more) = self.directory.search(&wanted);
        let mut text = String::new();
        for entry in &found {
            show(&mut text, entry);
        }
        if found.is_empty() {
            text.push_str("NOT ON FILE\r\n");
        }
        if more {
            text.push_str("THERE MAY BE MORE - NARROW THE QUERY\r\n");
        }
        text.into_bytes()
    }

    /// What a TA, TU or TD changes, and the answer. Its body passed the dictionary.
    pub(super) fn change(&self, spec: &MessageSpec, sender: Ori, body: &[u8]) -> Result<(Effect, Vec<u8>), Failed> {
        let options = |detail: &str| Failed {
            number: ErNumber::Options,
            detail: detail.to_owned(),
            options: spec.options().to_vec(),
        };
        let editor = self.directory.ori(sender).filter(|entry| may_edit(entry));
        let Some(editor) = editor else {
            return Err(fail(ErNumber::Header, "SENDER ORI MAY NOT CHANGE THE DIRECTORY"));
        };
        let ori = fields(body).flatten().find(|field| field.prefix == "ORI").and_then(|one| Ori::parse(one.value).ok());
        let ori = ori.ok_or_else(|| options("ORI VALUE"))?;
        let before = self.directory.ori(ori);
        if before.is_some_and(|entry| entry.line != editor.line) {
            return Err(fail(ErNumber::Header, "ORI OF ANOTHER LINE"));
        }
        let (entry, word) = match (spec.key.as_str(), before) {
            ("TA", Some(_)) => return Err(options("ORI ALREADY IN THE DIRECTORY")),
            ("TA", None) if is_reserved(ori) => return Err(options("ORI RESERVED")),
            ("TA", None) if ori.line() != sender.line() => return Err(options("ORI OF ANOTHER STATE")),
            ("TA", None) => (Some(OriConfig::new(ori, editor.line)), "ADDED"),
            (_, None) => return Err(options("ORI NOT IN THE DIRECTORY")),
            ("TU", Some(before)) => (Some(before.clone()), "CHANGED"),
            (_, Some(_)) => (None, "DELETED"),
        };
        let most = self.network.limits().directory_changes;
        let full = self.folds.overlay.find(ori).is_none() && self.folds.overlay.len() >= most;
        if full {
            return Err(options("THE DIRECTORY TAKES NO MORE CHANGES"));
        }
        let entry = entry.map(|entry| amended(entry, body)).transpose().map_err(|detail| options(&detail))?;
        if ori == sender && !entry.as_ref().is_some_and(|entry| entry.active && may_edit(entry) && is_authorized(entry))
        {
            return Err(options("SENDER ORI WOULD LOSE ITS OWN RIGHT"));
        }
        let mut told = format!("{word}\r\n");
        match &entry {
            Some(entry) => show(&mut told, entry),
            None => told.push_str(&format!("ORI/{ori}\r\n")),
        }
        let change = entry.map_or(AgencyChange::Deleted(ori), AgencyChange::Put);
        Ok((Effect::Agency(change), told.into_bytes()))
    }
}

/// Addresses that can be no agency's.
fn is_reserved(ori: Ori) -> bool {
    let line = ori.line();
    HelpAddress::of(ori).is_some() || [OWN_CODE, DIRECTORY_CODE].contains(&line.as_str())
}

fn may_edit(entry: &OriConfig) -> bool {
    entry.editor || entry.details.kind == STATE_AGENCY
}

fn is_authorized(entry: &OriConfig) -> bool {
    entry.authorization.contains(&Authorization::Administrative)
}

/// An entry with what a body says of it. An error is the detail of an ER.
fn amended(mut entry: OriConfig, body: &[u8]) -> Result<OriConfig, String> {
    for field in fields(body).flatten() {
        let text = || field.value.trim().to_owned();
        match field.prefix {
            "LOC" => entry.details.name = text(),
            "TYP" => entry.details.kind = text(),
            "AUT" => {
                let letters = field.value.chars().map(Authorization::from_letter).collect::<Option<Vec<_>>>();
                let twice = |letters: &[Authorization]| {
                    (1..letters.len()).any(|n| letters.iter().take(n).any(|one| Some(one) == letters.get(n)))
                };
                entry.authorization = letters.filter(|letters| !twice(letters)).ok_or("AUT VALUE")?;
            }
            "HRS" => entry.details.hours = text(),
            "ACT" => entry.active = field.value != "I",
            "PHO" => entry.details.phone = text(),
            "FAX" => entry.details.fax = text(),
            "ALP" => entry.details.second_phone = text(),
            "ALF" => entry.details.second_fax = text(),
            "REM" => entry.details.remarks = text(),
            // The ORI itself; the dictionary lets no other through.
            _ => {}
        }
    }
    let federal = FEDERAL.contains(&entry.details.kind.as_str());
    if federal && entry.details.name.len() > FEDERAL_NAME_MAX {
        return Err(format!("LOC LONGER THAN {FEDERAL_NAME_MAX} CHARACTERS"));
    }
    Ok(entry)
}

/// An entry in the form of TA, and the line that owns it.
fn show(out: &mut String, entry: &OriConfig) {
    let details = &entry.details;
    let authorization: String = entry.authorization.iter().map(|one| one.letter()).collect();
    let fields = [
        ("ORI", entry.ori.as_str()),
        ("LIN", entry.line.as_str()),
        ("LOC", &details.name),
        ("TYP", &details.kind),
        ("AUT", &authorization),
        ("HRS", &details.hours),
        ("ACT", if entry.active { "A" } else { "I" }),
        ("PHO", &details.phone),
        ("FAX", &details.fax),
        ("ALP", &details.second_phone),
        ("ALF", &details.second_fax),
        ("REM", &details.remarks),
    ];
    let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
    for (place, (prefix, value)) in given.enumerate() {
        let point = if place == 0 { "" } else { "." };
        // Names come from a file too, where anything can stand.
        let value: String = value
            .chars()
            .map(|c| if matches!(c, ' '..='~') && c != '.' { c.to_ascii_uppercase() } else { ' ' })
            .collect();
        let _written: std::fmt::Result = write!(out, "{point}{prefix}/{value}");
    }
    out.push_str("\r\n");
}
