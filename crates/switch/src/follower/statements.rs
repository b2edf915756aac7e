//! Signed statements about the journal's end, into a file that whoever writes the journal cannot change.

use std::time::Instant;

use journal::Head;
use journal::statement::{Signer, Statement, StatementFile};
use telemetry::{JournalEvent, JournalTelemetry};

use super::now;
use crate::background::Phase;
use crate::config::Audit;

/// Why no statements can be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The key's file.
    #[error("the audit key {} cannot be read", file.display())]
    Read {
        /// Which file.
        file: std::path::PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// What is in it.
    #[error("the audit key {} cannot be used", file.display())]
    Key {
        /// Which file.
        file: std::path::PathBuf,
        /// What is wrong.
        source: journal::statement::KeyError,
    },
}

impl Audit {
    /// Whether its key can sign.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn check(&self) -> Result<(), AuditError> {
        Auditor::new(self).map(drop)
    }
}

/// Who signs, and what was signed last.
#[derive(Debug)]
pub(crate) struct Auditor {
    signer: Signer,
    file: StatementFile,
    every: std::time::Duration,
    /// When a statement was last made or tried.
    last: Option<Instant>,
    /// What it spoke about.
    sequence: u64,
    segment: u64,
}

impl Auditor {
    /// # Errors
    /// If the key cannot be read.
    pub(crate) fn new(config: &Audit) -> Result<Self, AuditError> {
        let file = config.key.clone();
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(source) => return Err(AuditError::Read { file, source }),
        };
        let signer = Signer::from_pem(&text).map_err(|source| AuditError::Key { file, source })?;
        let file = StatementFile::new(&config.statements);
        Ok(Self { signer, file, every: config.every, last: None, sequence: 0, segment: 0 })
    }

    /// Makes a statement if there is something new and its time has come: a while passed, a segment was sealed, or the end came.
    pub(crate) fn look(&mut self, head: &Head, phase: Phase, telemetry: &JournalTelemetry) {
        let passed = self.last.is_none_or(|last| last.elapsed() >= self.every);
        let due = passed || self.segment != head.segment || phase == Phase::Finishing;
        if head.sequence <= self.sequence || !due {
            return;
        }
        self.last = Some(Instant::now());
        // Also where it fails: the next attempt is made in its time.
        self.segment = head.segment;
        let at_us = i64::try_from(now().as_micros()).unwrap_or(i64::MAX);
        match self.file.append(&self.signer.sign(&Statement::about(head, at_us))) {
            Ok(()) => {
                self.sequence = head.sequence;
                telemetry.observe(&JournalEvent::Stated { through: head.sequence });
            }
            Err(error) => telemetry.observe(&JournalEvent::StatementFailed { file: self.file.path(), error: &error }),
        }
    }
}
