//! What a start and a checkpoint fold the journal into, and what a start finds held against the model.

use std::io::{self, Write as _};

use journal::{CheckpointWriter, Entry, Replay};
use switch_core::{FoldError, Folds, Network, Sections};

use crate::ledger::{Check, Violation};
use crate::model::Model;

#[derive(Debug)]
pub(crate) struct Recovery<'a> {
    network: &'a Network,
    folds: Folds,
    wrong: Option<FoldError>,
    model: Option<&'a Model>,
    check: Check,
}

impl<'a> Recovery<'a> {
    pub(crate) fn new(network: &'a Network, model: Option<&'a Model>) -> Self {
        Self { network, folds: Folds::new(network), wrong: None, model, check: Ok(()) }
    }

    pub(crate) fn folds(self) -> Check<Folds> {
        self.check?;
        match self.wrong {
            None => Ok(self.folds),
            Some(error) => Err(Violation(format!("the journal does not add up: {error}"))),
        }
    }
}

impl Replay for Recovery<'_> {
    fn restore(&mut self, sections: &[journal::Section<'_>]) -> Result<(), String> {
        let theirs: Vec<_> = sections
            .iter()
            .map(|journal::Section { name, version, bytes }| switch_core::Section { name, version: *version, bytes })
            .collect();
        self.folds = Folds::restore(self.network, &theirs).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn record(&mut self, entry: Entry<'_>) {
        if let (Ok(()), Some(model)) = (&self.check, self.model) {
            self.check = model.replayed(entry.sequence, entry.kind, entry.payload);
        }
        if self.wrong.is_none() {
            self.wrong = self.folds.replay(entry.sequence, entry.kind, entry.payload).err();
        }
    }
}

/// Writes folds as the sections of a checkpoint.
pub(crate) fn write(folds: &Folds, to: &mut CheckpointWriter<'_>) -> io::Result<()> {
    folds.checkpoint(&mut Contents(to))
}

struct Contents<'a, 'b>(&'a mut CheckpointWriter<'b>);

impl Sections for Contents<'_, '_> {
    type Error = io::Error;

    fn begin(&mut self, name: &str, version: u32) -> io::Result<()> {
        self.0.section(name, version)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}
