//! What the journal and its checkpoints are folded into, and how folds become a checkpoint.

use std::io::{self, Write as _};

use journal::{CheckpointWriter, Entry, Replay};
use switch_core::{FoldError, Folds, Network, Sections};

/// Folds in the making.
#[derive(Debug)]
pub(crate) struct Recovery<'a> {
    network: &'a Network,
    folds: Folds,
    wrong: Option<FoldError>,
}

impl<'a> Recovery<'a> {
    pub(crate) fn new(network: &'a Network) -> Self {
        Self { network, folds: Folds::new(network), wrong: None }
    }

    /// The folds, if every record was one of the switch's.
    pub(crate) fn folds(self) -> Result<Folds, FoldError> {
        self.wrong.map_or(Ok(self.folds), Err)
    }
}

impl Replay for Recovery<'_> {
    fn restore(&mut self, sections: &[journal::Section<'_>]) -> Result<(), String> {
        let mut theirs = Vec::new();
        for journal::Section { name, version, bytes } in sections {
            theirs.push(switch_core::Section { name, version: *version, bytes });
        }
        self.folds = Folds::restore(self.network, &theirs).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn record(&mut self, entry: Entry<'_>) {
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
