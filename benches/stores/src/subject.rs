//! What is compared: each makes records of 512 bytes durable, so many a commit, and returns when they are.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};

use anyhow::{Result, bail};
use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use journal::{Batch, Config, Journal, Notice, RealDisk, Writer};
use redb::{ReadableDatabase as _, TableDefinition};
use rusqlite::Connection;

pub(crate) const RECORD_BYTES: usize = 512;
const SEGMENT_BYTES: u64 = 64 << 20;
/// What a delivery mark takes up: delivery, link, time.
const MARK_BYTES: usize = 24;

/// Something that stores records.
pub(crate) trait Store {
    /// Stores one commit of records.
    fn commit(&mut self) -> Result<()>;

    /// What is done ahead of need; not measured.
    fn between(&mut self) -> Result<()> {
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The payload written over a zero-filled file, and synced: no log can do less.
    Raw,
    /// Our journal, called as the others are: a commit returns when it is durable.
    Journal,
    /// Our journal through its writer's thread, which is handed a commit when the one before is acknowledged.
    JournalThread,
    /// The same with four batches under way: as in the switch, where a commit takes what queued while the last one ran.
    JournalQueued,
    Sqlite,
    FjallData,
    FjallAll,
    Redb,
    /// The journal with as many deliveries marked as records stored.
    JournalWithMarks,
}

impl Subject {
    pub(crate) const COMPARED: [Self; 8] = [
        Self::Raw,
        Self::Journal,
        Self::JournalThread,
        Self::JournalQueued,
        Self::Sqlite,
        Self::FjallData,
        Self::FjallAll,
        Self::Redb,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Journal => "journal",
            Self::JournalThread => "journal-thread",
            Self::JournalQueued => "journal-queued",
            Self::Sqlite => "sqlite",
            Self::FjallData => "fjall-data",
            Self::FjallAll => "fjall-all",
            Self::Redb => "redb",
            Self::JournalWithMarks => "journal-marks",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Raw => "raw appends, pre-zeroed",
            Self::Journal => "journal",
            Self::JournalThread => "journal, its thread",
            Self::JournalQueued => "journal, its thread, 4 batches queued",
            Self::Sqlite => "SQLite, WAL, FULL",
            Self::FjallData => "fjall, SyncData",
            Self::FjallAll => "fjall, SyncAll",
            Self::Redb => "redb, Immediate",
            Self::JournalWithMarks => "journal, each delivered",
        }
    }

    /// Whether it is a store that somebody could have taken instead.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Sqlite | Self::FjallData | Self::FjallAll | Self::Redb)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::COMPARED.into_iter().chain([Self::JournalWithMarks]).find(|subject| subject.name() == name)
    }

    pub(crate) fn open(self, directory: &Path, records: usize) -> Result<Box<dyn Store>> {
        Ok(match self {
            Self::Raw => Box::new(Raw::open(directory, records)?),
            Self::Journal => Box::new(Inline::open(directory, records, 0)?),
            Self::JournalWithMarks => Box::new(Inline::open(directory, records, records * MARK_BYTES)?),
            Self::JournalThread => Box::new(Threaded::open(directory, records, 1)?),
            Self::JournalQueued => Box::new(Threaded::open(directory, records, 4)?),
            Self::Sqlite => Box::new(Sqlite::open(directory, records)?),
            Self::FjallData => Box::new(Fjall::open(directory, records, PersistMode::SyncData)?),
            Self::FjallAll => Box::new(Fjall::open(directory, records, PersistMode::SyncAll)?),
            Self::Redb => Box::new(Redb::open(directory, records)?),
        })
    }
}

/// The bytes of a record, different each time.
fn payload(sequence: u64) -> [u8; RECORD_BYTES] {
    let mut payload = [0x41; RECORD_BYTES];
    payload[..8].copy_from_slice(&sequence.to_le_bytes());
    payload
}

struct Raw {
    file: File,
    buffer: Vec<u8>,
    offset: u64,
    sequence: u64,
    records: usize,
}

impl Raw {
    fn open(directory: &Path, records: usize) -> Result<Self> {
        let file = File::create(directory.join("raw"))?;
        let zeros = vec![0; 1 << 20];
        for at in 0..SEGMENT_BYTES >> 20 {
            file.write_all_at(&zeros, at << 20)?;
        }
        file.sync_all()?;
        Ok(Self { file, buffer: Vec::new(), offset: 0, sequence: 0, records })
    }
}

impl Store for Raw {
    fn commit(&mut self) -> Result<()> {
        self.buffer.clear();
        for _ in 0..self.records {
            self.sequence += 1;
            self.buffer.extend_from_slice(&payload(self.sequence));
        }
        if self.offset + self.buffer.len() as u64 > SEGMENT_BYTES {
            self.offset = 0;
        }
        self.file.write_all_at(&self.buffer, self.offset)?;
        self.offset += self.buffer.len() as u64;
        self.file.sync_data()?;
        Ok(())
    }
}

fn open_journal(directory: &Path) -> Result<Journal> {
    let config = Config { segment_bytes: SEGMENT_BYTES, ..Config::default() };
    Ok(Journal::open(RealDisk::open(directory)?, config, &mut journal::each(|_| {}))?.0)
}

struct Threaded {
    writer: Writer,
    notices: Receiver<Notice>,
    sequence: u64,
    stored: u64,
    /// Where the batches under way end.
    ends: VecDeque<u64>,
    records: usize,
    /// Batches that are handed over and not yet durable, at most.
    under_way: usize,
}

impl Threaded {
    fn open(directory: &Path, records: usize, under_way: usize) -> Result<Self> {
        let (told, notices) = mpsc::channel();
        let (writer, _reader) = journal::start(open_journal(directory)?, move |notice| drop(told.send(notice)))?;
        Ok(Self { writer, notices, sequence: 0, stored: 0, ends: VecDeque::new(), records, under_way })
    }

    fn submit(&mut self) -> Result<()> {
        let end = self.sequence + self.records as u64;
        let record = |sequence| (sequence, 1, Bytes::copy_from_slice(&payload(sequence)));
        self.writer.submit(Batch { records: (self.sequence + 1..=end).map(record).collect() })?;
        self.sequence = end;
        self.ends.push_back(end);
        Ok(())
    }
}

impl Store for Threaded {
    fn commit(&mut self) -> Result<()> {
        while self.ends.len() < self.under_way {
            self.submit()?;
        }
        let Some(end) = self.ends.pop_front() else { bail!("no batch is under way") };
        while self.stored < end {
            match self.notices.recv()? {
                Notice::Stored { through } => self.stored = through,
                Notice::Pruned { .. } => {}
                other => bail!("the journal says {other:?}"),
            }
        }
        Ok(())
    }
}

struct Inline {
    journal: Journal,
    records: usize,
    /// Bytes of a record of marks that rides along, if there is one.
    marks: usize,
}

impl Inline {
    fn open(directory: &Path, records: usize, marks: usize) -> Result<Self> {
        Ok(Self { journal: open_journal(directory)?, records, marks })
    }
}

impl Store for Inline {
    fn commit(&mut self) -> Result<()> {
        for _ in 0..self.records {
            self.journal.append(1, &payload(self.journal.next_sequence()))?;
        }
        if self.marks > 0 {
            self.journal.append(1, &vec![7; self.marks])?;
        }
        self.journal.commit()?;
        Ok(())
    }

    /// As raw has its zeros.
    fn between(&mut self) -> Result<()> {
        self.journal.prepare()?;
        Ok(())
    }
}

struct Sqlite {
    connection: Connection,
    sequence: i64,
    records: usize,
}

impl Sqlite {
    fn open(directory: &Path, records: usize) -> Result<Self> {
        let connection = Connection::open(directory.join("store.sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch("CREATE TABLE record (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT")?;
        Ok(Self { connection, sequence: 0, records })
    }
}

impl Store for Sqlite {
    fn commit(&mut self) -> Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO record VALUES (?1, ?2)")?;
            for _ in 0..self.records {
                self.sequence += 1;
                insert.execute((self.sequence, &payload(self.sequence.unsigned_abs())[..]))?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

struct Fjall {
    database: Database,
    records: Keyspace,
    mode: PersistMode,
    sequence: u64,
    count: usize,
}

impl Fjall {
    fn open(directory: &Path, count: usize, mode: PersistMode) -> Result<Self> {
        let database = Database::builder(directory.join("store.fjall")).open()?;
        let records = database.keyspace("records", KeyspaceCreateOptions::default)?;
        Ok(Self { database, records, mode, sequence: 0, count })
    }
}

impl Store for Fjall {
    fn commit(&mut self) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(self.mode));
        for _ in 0..self.count {
            self.sequence += 1;
            batch.insert(&self.records, self.sequence.to_be_bytes(), payload(self.sequence));
        }
        batch.commit()?;
        Ok(())
    }
}

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

struct Redb {
    database: redb::Database,
    sequence: u64,
    records: usize,
}

impl Redb {
    fn open(directory: &Path, records: usize) -> Result<Self> {
        let database = redb::Database::create(directory.join("store.redb"))?;
        drop(database.begin_read()?);
        Ok(Self { database, sequence: 0, records })
    }
}

impl Store for Redb {
    fn commit(&mut self) -> Result<()> {
        // A transaction is durable when its commit returns, unless it is told otherwise.
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for _ in 0..self.records {
                self.sequence += 1;
                table.insert(self.sequence, &payload(self.sequence)[..])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
