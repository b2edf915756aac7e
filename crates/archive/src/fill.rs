//! Following the journal: records in, one transaction at a time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use journal::JournalId;
use rusqlite::Connection;

use crate::enter::Entry;
use crate::error::{Discarded, Error};
use crate::reading;
use crate::search::first_id_of;
use crate::source::Source;
use crate::store::{self, Header, signed};

/// Messages of a shard: large enough that a query over a year asks a hundred of them, small enough that one goes in a
/// moment when its messages are old.
pub const SHARD_ROWS: u64 = 1 << 20;

/// How much one call of [`Archive::fill`] takes in, at most and about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Records of the journal.
    pub records: u64,
    /// Time.
    pub time: Duration,
}

impl Default for Budget {
    /// Short enough that the switch, with which this shares its processors, does not wait long for one.
    fn default() -> Self {
        Self { records: 5_000, time: Duration::from_millis(50) }
    }
}

/// What one call of [`Archive::fill`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// The last record taken in.
    pub through: u64,
    /// Records that the journal has behind it: call again at once if there are any.
    pub behind: u64,
    /// Records taken in by this call.
    pub records: u64,
    /// Messages among them.
    pub messages: u64,
    /// Records that are none of the switch, or of a later version of it; they were passed over.
    pub unreadable: u64,
    /// Messages that went because the journal no longer has them.
    pub dropped: u64,
    /// Why the file was begun anew since the call before.
    pub rebuilt: Option<Discarded>,
}

/// The search file with the right to fill it: one process and one value at a time.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    shard_rows: u64,
    /// None until the first fill says whose journal it is for.
    open: Option<Open>,
    rebuilt: Option<Discarded>,
    /// Held for its lock.
    _lock: File,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    header: Header,
    /// Compared with the journal since it was opened.
    checked: bool,
}

impl Archive {
    /// Opens the file to fill it. One that is missing, foreign, damaged or of another version is begun anew by the first fill.
    ///
    /// # Errors
    /// [`Error::Busy`] if somebody fills it already; [`Error::Io`] and [`Error::Database`] as the system says.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, SHARD_ROWS)
    }

    /// The same with shards of another size; one that is there keeps its own.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: &Path, shard_rows: u64) -> Result<Self, Error> {
        let lock = store::lock(path)?;
        let (open, rebuilt) = match store::open_writer(path)? {
            Ok((connection, header)) => (Some(Open { connection, header, checked: false }), None),
            Err(reason) => (None, Some(reason)),
        };
        Ok(Self { path: path.to_owned(), shard_rows: shard_rows.max(1), open, rebuilt, _lock: lock })
    }

    /// The file's path, for [`Searcher::open`](crate::Searcher::open).
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last record that is in the file; 0 before the first, and until a fill has found that the file is the journal's.
    #[must_use]
    pub fn through(&self) -> u64 {
        self.open.as_ref().filter(|open| open.checked).map_or(0, |open| open.header.through)
    }

    /// Throws away what is in the file: the next fill begins at the journal's first record.
    pub fn discard(&mut self, why: Discarded) {
        self.open = None;
        self.rebuilt = Some(why);
    }

    /// Takes in what the journal has behind what is in the file, up to a budget, in one transaction: after a crash the file is as
    /// before or after it. A file that turns out to be damaged, or not the journal's, is thrown away and begun anew within the
    /// same call.
    ///
    /// # Errors
    /// [`Error::Journal`] if the journal cannot be read, [`Error::Database`] or [`Error::Io`] if the disk refuses; what the file
    /// holds stays, and the next call tries again.
    pub fn fill(&mut self, source: &impl Source, budget: Budget) -> Result<Filled, Error> {
        // A file that is open can still be filled after its name was taken away, and nobody could ask it.
        if self.open.is_some() && !self.path.exists() {
            self.discard(Discarded::Missing);
        }
        if self.open.is_some()
            && let Some(what) = store::complaint(&self.path)?
        {
            self.discard(Discarded::Damaged(what));
        }
        match self.fill_once(source, budget) {
            Err(Error::Damaged(what)) => {
                self.discard(Discarded::Damaged(what));
                self.fill_once(source, budget)
            }
            other => other,
        }
    }

    fn fill_once(&mut self, source: &impl Source, budget: Budget) -> Result<Filled, Error> {
        let stored = source.stored_through();
        if let Some(open) = &mut self.open
            && !open.checked
        {
            match foreign(&open.header, source, stored)? {
                Some(why) => self.discard(why),
                None => open.checked = true,
            }
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                store::remove(&self.path)?;
                let (connection, header) = store::create(&self.path, source.journal(), self.shard_rows)?;
                self.open.insert(Open { connection, header, checked: true })
            }
        };
        let mut filled = transaction(open, source, budget)?;
        filled.through = open.header.through;
        filled.behind = source.stored_through().saturating_sub(filled.through);
        filled.rebuilt = self.rebuilt.take();
        Ok(filled)
    }
}

/// Whether the file is not, or no longer, this journal's.
fn foreign(header: &Header, source: &impl Source, stored: u64) -> Result<Option<Discarded>, Error> {
    let (ours, theirs) = (header.journal, source.journal());
    if ours != theirs {
        return Ok(Some(Discarded::OtherJournal(JournalId(ours.0))));
    }
    if header.through > stored {
        return Ok(Some(Discarded::Ahead { through: header.through, stored }));
    }
    if header.through >= source.first_sequence() && header.through > 0 {
        let record = source.read(header.through)?;
        if seal(header.through, record.kind, &record.payload) != header.seal {
            return Ok(Some(Discarded::Diverged { sequence: header.through }));
        }
    }
    Ok(None)
}

/// Tells a record from another one that was given its number.
fn seal(sequence: u64, kind: u8, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(&sequence.to_le_bytes()), &[kind]), payload)
}

fn transaction(open: &mut Open, source: &impl Source, budget: Budget) -> Result<Filled, Error> {
    let began = Instant::now();
    // Rolled back when dropped; the header that is kept in memory is only replaced after the commit.
    let transaction = open.connection.unchecked_transaction()?;
    let mut filled = Filled::default();
    let mut header = open.header;
    let first = source.first_sequence();
    filled.dropped = retain(&transaction, &mut header, first)?;
    let trimmed = trim_fates(&transaction)?;
    let mut from = header.through + 1;
    if from < first {
        from = first;
        header.through = first - 1;
    }
    let mut entry = Entry::new(&transaction, header);
    let mut failed = None;
    let records = std::cell::Cell::new(0);
    source.scan(from, &mut || records.get() < budget.records && began.elapsed() < budget.time, &mut |record| {
        if failed.is_some() {
            return;
        }
        match reading::take(&mut entry, record.sequence, record.kind, record.payload) {
            Ok(taken) => {
                records.set(records.get() + 1);
                filled.messages += taken.messages;
                filled.unreadable += u64::from(taken.unreadable);
                entry.header.through = record.sequence;
                entry.header.seal = seal(record.sequence, record.kind, record.payload);
            }
            Err(error) => failed = Some(error),
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    filled.records = records.get();
    if filled.records == 0 && filled.dropped == 0 && trimmed == 0 {
        return Ok(filled);
    }
    let header = entry.finish()?;
    transaction.commit()?;
    open.header = header;
    Ok(filled)
}

/// Lets go of what the journal no longer has: whole shards are dropped, the rest of the oldest is hidden. Returns how many
/// messages that is.
fn retain(connection: &Connection, header: &mut Header, first_sequence: u64) -> Result<u64, Error> {
    if first_sequence <= 1 {
        return Ok(0);
    }
    let floor = if header.through < first_sequence {
        header.rows + 1
    } else {
        first_id_of(connection, header, first_sequence)?
    };
    let dropped = floor.saturating_sub(header.floor);
    if dropped == 0 {
        return Ok(0);
    }
    header.floor = floor;
    // The last shard stays even where all in it is hidden: ids go on in it.
    let kept = header.shard_of(floor).min(header.shard_of(header.rows.max(1)));
    for (number, _) in store::shards(connection)?.iter().filter(|(number, _)| *number < kept) {
        store::drop_shard(connection, *number)?;
    }
    // Time that has only hidden messages. Where the clock went back this keeps a slot too many, which costs nothing.
    connection.execute("DELETE FROM slot WHERE last < ?", [signed(floor)])?;
    Ok(dropped)
}

/// How copies ended whose shard is gone: so many at a time, for there are as many as messages.
fn trim_fates(connection: &Connection) -> Result<usize, Error> {
    let Some((_, first_delivery)) = store::shards(connection)?.first().copied() else { return Ok(0) };
    let sql = "DELETE FROM fate WHERE delivery IN (SELECT delivery FROM fate WHERE delivery < ? LIMIT 20000)";
    Ok(connection.prepare_cached(sql)?.execute([signed(first_delivery)])?)
}
