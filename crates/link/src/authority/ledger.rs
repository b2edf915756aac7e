//! The authority's memory, `issued.json`, and the writing of its files: each replaced whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::{fmt, fs, io};

use codec::name::StationName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuthorityError, io_error};
use crate::certificate::Serial;

/// The ledger's file; its presence marks a directory as ours.
pub(super) const LEDGER: &str = "issued.json";

/// What the ledger's first field says.
const FORMAT: &str = "orinet authority 1";

/// Who holds a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holding {
    /// The switch.
    Switch,
    /// A station.
    Station(StationName),
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Lower case: no station's name is.
            Self::Switch => f.pad("switch"),
            Self::Station(name) => name.fmt(f),
        }
    }
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Its serial.
    pub serial: Serial,
    /// Its holder.
    pub holding: Holding,
    /// When it was issued.
    pub from: Timestamp,
    /// The last second in which it holds.
    pub until: Timestamp,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

impl Issued {
    /// How the certificate stands at a time.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match self.revoked {
            Some(_) => Status::Revoked,
            None if self.until < now => Status::Expired,
            None => Status::Valid,
        }
    }
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It holds.
    Valid,
    /// Its time has run out.
    Expired,
    /// It was revoked.
    Revoked,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        })
    }
}

/// What was issued, and how many revocation lists were signed.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) certificates: Vec<Issued>,
    pub(super) revocation_lists: u64,
}

impl Ledger {
    pub(super) fn load(directory: &Path) -> Result<Self, AuthorityError> {
        let path = directory.join(LEDGER);
        let damaged = |what: String| AuthorityError::Damaged { path: path.clone(), what };
        let written: Written = serde_json::from_str(&read(&path)?).map_err(|error| damaged(error.to_string()))?;
        if written.format != FORMAT {
            return Err(damaged(format!("its format is not \"{FORMAT}\"")));
        }
        let entry = |index: usize, entry: Entry| {
            entry.into_issued().ok_or_else(|| damaged(format!("entry {} of its certificates", index + 1)))
        };
        let entries = written.certificates.into_iter().enumerate();
        Ok(Self {
            certificates: entries.map(|(index, written)| entry(index, written)).collect::<Result<_, _>>()?,
            revocation_lists: written.revocation_lists,
        })
    }

    pub(super) fn save(&self, directory: &Path) -> Result<(), AuthorityError> {
        let path = directory.join(LEDGER);
        let written = Written {
            format: FORMAT.to_owned(),
            revocation_lists: self.revocation_lists,
            certificates: self.certificates.iter().map(Entry::of).collect(),
        };
        let mut text =
            serde_json::to_vec_pretty(&written).map_err(|error| io_error(&path, "written")(io::Error::other(error)))?;
        text.push(b'\n');
        replace(&path, &text, 0o644)
    }

    pub(super) fn of(&self, holding: Holding) -> impl Iterator<Item = &Issued> {
        self.certificates.iter().filter(move |issued| issued.holding == holding)
    }

    /// Marks all of a holder's certificates that hold or have run out, and returns them.
    pub(super) fn revoke(&mut self, holding: Holding, now: Timestamp) -> Vec<Issued> {
        let open = |issued: &&mut Issued| issued.holding == holding && issued.revoked.is_none();
        let mark = |issued: &mut Issued| {
            issued.revoked = Some(super::whole_seconds(now));
            issued.clone()
        };
        self.certificates.iter_mut().filter(open).map(mark).collect()
    }

    /// What a revocation list must name: the revoked ones whose time has not run out.
    pub(super) fn revoked(&self, now: Timestamp) -> impl Iterator<Item = &Issued> {
        self.certificates.iter().filter(move |issued| issued.revoked.is_some() && issued.until >= super::backdated(now))
    }
}

/// `issued.json` as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    revocation_lists: u64,
    certificates: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    serial: String,
    holder: String,
    from: String,
    until: String,
    revoked: Option<String>,
}

impl Entry {
    fn of(issued: &Issued) -> Self {
        Self {
            serial: issued.serial.to_string(),
            holder: issued.holding.to_string(),
            from: issued.from.to_string(),
            until: issued.until.to_string(),
            revoked: issued.revoked.map(|time| time.to_string()),
        }
    }

    fn into_issued(self) -> Option<Issued> {
        let holding = match self.holder.as_str() {
            "switch" => Holding::Switch,
            name => Holding::Station(StationName::parse(name).ok()?),
        };
        let revoked = match self.revoked {
            Some(time) => Some(time.parse().ok()?),
            None => None,
        };
        Some(Issued {
            serial: Serial::parse(&self.serial)?,
            holding,
            from: self.from.parse().ok()?,
            until: self.until.parse().ok()?,
            revoked,
        })
    }
}

pub(super) fn read(path: &Path) -> Result<String, AuthorityError> {
    fs::read_to_string(path).map_err(io_error(path, "read"))
}

/// Writes a file so that a reader, also one after a crash, finds the old content or the new: a file beside it, synced,
/// takes its name, and the directory is synced.
pub(super) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), AuthorityError> {
    let failed = |source| AuthorityError::Io { path: path.to_owned(), action: "written", source };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    };
    let beside = directory.join(format!(".{}.new", name.display()));
    let write = || {
        // One left by a crash. The directory's lock says that nobody else is writing it.
        match fs::remove_file(&beside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Its mode from the start: a key is at no time readable by others.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(failed)
}
