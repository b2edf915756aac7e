//! What a start folds the log into: a checkpoint, if there is one, and the records behind it.

use std::fmt;

/// What a start folds the log into.
pub trait Replay {
    /// Takes in a checkpoint: called before any record, and at most once with success.
    ///
    /// # Errors
    /// Why this one is of no use. The state must be as empty as before: an older checkpoint is tried, then the whole log if
    /// all of it is kept.
    fn restore(&mut self, sections: &[Section<'_>]) -> Result<(), String>;

    /// Takes in a record: the first one behind the checkpoint or, without one, the first of the log; then each next one.
    fn record(&mut self, entry: Entry<'_>);
}

/// A part of a checkpoint.
#[derive(Clone, Copy)]
pub struct Section<'a> {
    /// Its name, unique in its checkpoint.
    pub name: &'a str,
    /// The version of what its bytes mean.
    pub version: u32,
    /// What was written, to the byte.
    pub bytes: &'a [u8],
}

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// A record as it is read in order.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// Its number; the first is 1 and there are no gaps.
    pub sequence: u64,
    /// The caller's kind, below 0xF0.
    pub kind: u8,
    /// Its bytes.
    pub payload: &'a [u8],
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("sequence", &self.sequence)
            .field("kind", &self.kind)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}

/// Replays every record into a closure and uses no checkpoint: only a log that is kept from its first record can be opened so.
pub fn each<F: FnMut(Entry<'_>)>(record: F) -> Each<F> {
    Each(record)
}

/// What [`each`] makes of a closure.
pub struct Each<F>(F);

impl<F> fmt::Debug for Each<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Each")
    }
}

impl<F: FnMut(Entry<'_>)> Replay for Each<F> {
    fn restore(&mut self, _: &[Section<'_>]) -> Result<(), String> {
        Err("every record is wanted".to_owned())
    }

    fn record(&mut self, entry: Entry<'_>) {
        (self.0)(entry);
    }
}
