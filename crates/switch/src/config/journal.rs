//! How the journal is kept, and who signs statements about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;

use super::file::{AuditFile, JournalFile};
use super::read::{HOUR_SECONDS, Reader};
use super::{Audit, Retention};

impl Reader<'_> {
    pub(super) fn retention(&mut self, file: &JournalFile) -> Retention {
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

    pub(super) fn audit(&mut self, file: Spanned<AuditFile>, directory: &Path, data: &Path) -> Audit {
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
