//! The table `[limits]`: periods and bounds, each with the range that it may have.
//!
//! A key's unit is the end of its name. What is left out has the value of [`Limits::default`], which is the public one or the one
//! that was decided.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use switch_core::Limits;
use toml::Spanned;

use super::read::Reader;

/// A key of the table.
#[derive(Debug)]
pub struct LimitRow {
    /// Its name.
    pub key: &'static str,
    /// What it may be.
    pub range: RangeInclusive<u64>,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

impl LimitRow {
    /// What it is in some limits.
    #[must_use]
    pub fn value(&self, limits: &Limits) -> u64 {
        (self.get)(limits)
    }
}

/// A row of a number of things.
macro_rules! count {
    ($key:literal, $range:expr, $($field:ident).+) => {
        LimitRow {
            key: $key,
            range: $range,
            get: |limits| u64::try_from(limits.$($field).+).unwrap_or(u64::MAX),
            set: |limits, value| {
                // The range is within the type.
                limits.$($field).+ = value.try_into().unwrap_or(limits.$($field).+);
            },
        }
    };
}

/// A row of a period in seconds.
macro_rules! seconds {
    ($key:literal, $range:expr, $($field:ident).+) => {
        LimitRow {
            key: $key,
            range: $range,
            get: |limits| limits.$($field).+.as_secs(),
            set: |limits, value| limits.$($field).+ = Duration::from_secs(value),
        }
    };
}

/// A row of a period in milliseconds.
macro_rules! millis {
    ($key:literal, $range:expr, $($field:ident).+) => {
        LimitRow {
            key: $key,
            range: $range,
            get: |limits| u64::try_from(limits.$($field).+.as_millis()).unwrap_or(u64::MAX),
            set: |limits, value| limits.$($field).+ = Duration::from_millis(value),
        }
    };
}

/// Nobody waits longer for a confirmation.
const WEEK_SECONDS: u64 = 7 * 24 * 3600;

/// All keys, in the order in which they are told.
pub const LIMIT_ROWS: &[LimitRow] = &[
    seconds!("confirm_urgent_seconds", 1..=WEEK_SECONDS, confirmations.urgent),
    seconds!("confirm_routine_seconds", 1..=WEEK_SECONDS, confirmations.routine),
    count!("confirmations_max", 1..=1_000_000, confirmations.open),
    count!("confirmations_of_pair_max", 1..=10_000, confirmations.of_pair),
    count!("overdue_max", 1..=100_000, confirmations.overdue),
    count!("directory_changes_max", 1..=1_000_000, directory_changes),
    count!("help_files_max", 1..=20_000, help_files),
    count!("help_bytes_max", 1..=Limits::HELP_BYTES as u64, help_bytes),
    count!("echo_text_bytes_max", 1..=Limits::ECHO_TEXT_BYTES as u64, echo_text_bytes),
    count!("log_queries_max", 1..=1_000, log_queries),
    count!("links_lost_max", 1..=100, links_lost),
    count!("sends_max", 1..=100, links.sends),
    millis!("ack_wait_ms", 100..=600_000, links.ack_wait),
    millis!("temporary_wait_ms", 100..=600_000, links.temporary_wait),
    millis!("too_many_wait_ms", 100..=600_000, links.too_many_wait),
    millis!("keep_alive_ms", 1_000..=600_000, links.keep_alive),
    millis!("silence_ms", 2_000..=3_600_000, links.silence),
];

impl Reader<'_> {
    /// Takes the table into the limits.
    pub(super) fn limit_rows(&mut self, table: &BTreeMap<String, Spanned<u64>>, limits: &mut Limits) {
        for (key, value) in table {
            let (start, value) = (value.span().start, *value.get_ref());
            let Some(row) = LIMIT_ROWS.iter().find(|row| row.key == key) else {
                let keys: Vec<_> = LIMIT_ROWS.iter().map(|row| row.key).collect();
                self.check(false, start, &format!("[limits] {key}: is none of {}", keys.join(", ")));
                continue;
            };
            let (least, most) = (row.range.start(), row.range.end());
            let valid = row.range.contains(&value);
            self.check(valid, start, &format!("[limits] {key}: must be {least} to {most}"));
            if valid {
                (row.set)(limits, value);
            }
        }
        let start =
            table.get("silence_ms").or_else(|| table.get("keep_alive_ms")).map_or(0, |value| value.span().start);
        let problem =
            "[limits] silence_ms: must be more than keep_alive_ms, or idle links are closed before they are asked";
        self.check(limits.links.silence > limits.links.keep_alive, start, problem);
    }
}
