//! The file: made, opened, checked, thrown away.
//!
//! | Table | Rows |
//! |---|---|
//! | `header` | one: whose journal, how far it is filled |
//! | `shard` | one for so many messages |
//! | `message_N` | a message of shard N: id, record, number, time, [`Summary`](crate::Summary) |
//! | `words_N` | an FTS5 index without content: which ids have a token ([`words`](crate::words)) |
//! | `fate` | a copy that ended: when, on which link or why |
//! | `slot` | for five minutes of time: the ids of the messages of that time |
//!
//! Ids count from 1 without a gap, in the order of the journal; so do records and numbers along them, which is why neither
//! needs an index: [`Searcher`](crate::Searcher) halves its way to them. The index keeps no positions and no columns: every
//! filter that is not a time is a token of it, so that *who*, *what* and *which words* are one intersection of lists that are
//! in the order of ids, and the newest hits come first without sorting. Shards bound what merging costs and let the oldest
//! messages go by dropping two tables.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use journal::JournalId;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use crate::error::{Discarded, Error};

/// `ORIS`, which tells a search file from other databases.
const APPLICATION: i64 = 0x4F52_4953;
/// Any change of tables, tokens or summaries is a new one; a file of another is thrown away.
const FORMAT: i64 = 1;
/// What is in it is for the journal's owner alone.
const FILE_MODE: u32 = 0o600;
/// Log that is left after a checkpoint, so that it does not keep the size of a rebuild.
const LOG_BYTES_KEPT: i64 = 16 << 20;
/// Pages in the log that make a checkpoint: 4 MiB, a short write for the disk that the journal is on.
const LOG_PAGES: i64 = 1024;
/// Memory for pages, in KiB: of the one who fills.
const WRITER_CACHE_KIB: i64 = 16 << 10;
/// Of one who asks.
const READER_CACHE_KIB: i64 = 8 << 10;
/// How long a reader waits for the moment in which a checkpoint resets the log.
const BUSY: std::time::Duration = std::time::Duration::from_secs(2);
/// Prepared statements that are kept: a few for each shard.
const STATEMENTS: usize = 128;

const SCHEMA: &str = "
CREATE TABLE header (
    one INTEGER PRIMARY KEY CHECK (one = 1), journal BLOB NOT NULL, shard_rows INTEGER NOT NULL, through INTEGER NOT NULL,
    seal INTEGER NOT NULL, rows INTEGER NOT NULL, floor INTEGER NOT NULL, msn INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE shard (number INTEGER PRIMARY KEY, first_delivery INTEGER NOT NULL) STRICT;
CREATE TABLE fate (delivery INTEGER PRIMARY KEY, at INTEGER NOT NULL, link INTEGER, why INTEGER) STRICT;
CREATE TABLE slot (slot INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
";

/// The header row: how far the file is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) journal: JournalId,
    /// Ids of a shard.
    pub(crate) shard_rows: u64,
    /// The last record taken in; 0 before the first.
    pub(crate) through: u64,
    /// Checksum of that record, so that another journal's of the same number is noticed.
    pub(crate) seal: u32,
    /// The last id given; ids below `floor` are gone.
    pub(crate) rows: u64,
    /// The first id that is shown.
    pub(crate) floor: u64,
    /// The last message number seen.
    pub(crate) msn: u64,
    /// Time of the last message taken in, microseconds of UTC.
    pub(crate) at: i64,
}

impl Header {
    pub(crate) fn shard_of(&self, id: u64) -> u64 {
        id.saturating_sub(1).checked_div(self.shard_rows).unwrap_or(0)
    }
}

/// SQLite's integers have a sign. Numbers here count things that happened, so they fit.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| Error::inside("a number below zero"))
}

/// Keeps other processes from filling the same file.
pub(crate) fn lock(path: &Path) -> Result<File, Error> {
    let name = path.with_extension("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(FILE_MODE)
        .open(&name)
        .map_err(|error| Error::io("open", &name, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &name, error)),
    }
}

/// Where one who asks leaves word, for the one who fills, that the file is damaged.
fn complaint_file(path: &Path) -> PathBuf {
    path.with_extension("damaged")
}

/// Leaves word that the file is damaged. One who may not write here cannot, and whoever asked is told all the same.
pub(crate) fn complain(path: &Path, what: &str) {
    let file = OpenOptions::new().create(true).truncate(true).write(true).mode(FILE_MODE).open(complaint_file(path));
    drop(file.and_then(|mut file| file.write_all(what.as_bytes())));
}

/// Whether somebody left word, and what.
pub(crate) fn complaint(path: &Path) -> Result<Option<String>, Error> {
    let file = complaint_file(path);
    match fs::read_to_string(&file) {
        Ok(what) => Ok(Some(what)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", &file, error)),
    }
}

/// Takes the file, what SQLite keeps beside it and any complaint away.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let beside = ["", "-wal", "-shm", "-journal"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    });
    for name in beside.into_iter().chain([complaint_file(path)]) {
        match fs::remove_file(&name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("remove", &name, error)),
        }
    }
    Ok(())
}

/// Makes a new file for a journal, in the place of one that is not there.
pub(crate) fn create(path: &Path, journal: JournalId, shard_rows: u64) -> Result<(Connection, Header), Error> {
    // Made here, so that it is never readable by others.
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|error| Error::io("create", path, error))?;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | COMMON)?;
    prepare_writer(&connection)?;
    let header = Header { journal, shard_rows, through: 0, seal: 0, rows: 0, floor: 1, msn: 0, at: 0 };
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute(
        "INSERT INTO header VALUES (1, ?, ?, 0, 0, 0, 1, 0, 0)",
        params![journal.0.as_slice(), signed(shard_rows)],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()?;
    Ok((connection, header))
}

const COMMON: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX;

/// Opens a file to fill it.
pub(crate) fn open_writer(path: &Path) -> Result<Result<(Connection, Header), Discarded>, Error> {
    if !path.exists() {
        return Ok(Err(Discarded::Missing));
    }
    let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | COMMON).map_err(Error::from);
    judge(opened.and_then(|connection| {
        let judged = identify(&connection)?;
        prepare_writer(&connection)?;
        Ok(judged.map(|header| (connection, header)))
    }))
}

/// Opens a file to ask it, beside whoever fills it.
pub(crate) fn open_reader(path: &Path) -> Result<(Connection, Header), Error> {
    let unusable = |reason| Error::Unusable { file: path.to_owned(), reason };
    if !path.exists() {
        return Err(unusable(Discarded::Missing));
    }
    let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | COMMON).map_err(Error::from);
    let opened = judge(opened.and_then(|connection| {
        connection.busy_timeout(BUSY)?;
        let judged = identify(&connection)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(judged.map(|header| (connection, header)))
    }));
    let opened = opened?;
    // Whoever fills it may have it open since it was good, and not notice by itself.
    if let Err(reason @ (Discarded::Damaged(_) | Discarded::Foreign)) = &opened {
        complain(path, &reason.to_string());
    }
    opened.map_err(unusable)
}

/// Damage is a reason to throw the file away, anything else an error.
fn judge<T>(opened: Result<Result<T, Discarded>, Error>) -> Result<Result<T, Discarded>, Error> {
    match opened {
        Err(Error::Damaged(what)) => Ok(Err(Discarded::Damaged(what))),
        other => other,
    }
}

fn identify(connection: &Connection) -> Result<Result<Header, Discarded>, Error> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id")? != APPLICATION {
        return Ok(Err(Discarded::Foreign));
    }
    let format = pragma("user_version")?;
    if format != FORMAT {
        return Ok(Err(Discarded::Format(format)));
    }
    read_header(connection).map(Ok)
}

pub(crate) fn read_header(connection: &Connection) -> Result<Header, Error> {
    let sql = "SELECT journal, shard_rows, through, seal, rows, floor, msn, at FROM header";
    let row = connection
        .prepare_cached(sql)?
        .query_row([], |row| {
            let numbers: [i64; 7] =
                [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?];
            Ok((row.get::<_, [u8; 16]>(0)?, numbers))
        })
        .optional()?;
    let Some((journal, [shard_rows, through, seal, rows, floor, msn, at])) = row else {
        return Err(Error::inside("no header"));
    };
    let header = Header {
        journal: JournalId(journal),
        shard_rows: unsigned(shard_rows)?,
        through: unsigned(through)?,
        seal: u32::try_from(seal).map_err(|_| Error::inside("a checksum that is none"))?,
        rows: unsigned(rows)?,
        floor: unsigned(floor)?,
        msn: unsigned(msn)?,
        at,
    };
    let sound = header.shard_rows > 0 && header.floor >= 1 && header.floor <= header.rows.saturating_add(1);
    sound.then_some(header).ok_or_else(|| Error::inside("a header that contradicts itself"))
}

pub(crate) fn write_header(connection: &Connection, header: &Header) -> Result<(), Error> {
    let sql = "UPDATE header SET through = ?, seal = ?, rows = ?, floor = ?, msn = ?, at = ?";
    let numbers = [header.through, u64::from(header.seal), header.rows, header.floor, header.msn].map(signed);
    let [through, seal, rows, floor, msn] = numbers;
    connection.prepare_cached(sql)?.execute(params![through, seal, rows, floor, msn, header.at])?;
    Ok(())
}

fn prepare_writer(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may take the last transactions, never the file: what is missing is filled in again from the journal.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Makes the tables of a shard.
pub(crate) fn create_shard(connection: &Connection, number: u64, first_delivery: u64) -> Result<(), Error> {
    connection.execute_batch(&format!(
        "CREATE TABLE message_{number} (
            id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, msn INTEGER NOT NULL, at INTEGER NOT NULL, summary BLOB NOT NULL
         ) STRICT;
         CREATE VIRTUAL TABLE words_{number} USING fts5(
            token, content = '', columnsize = 0, detail = none, tokenize = \"ascii tokenchars ':'\"
         );
         INSERT INTO words_{number} (words_{number}, rank) VALUES ('automerge', {AUTOMERGE});"
    ))?;
    connection.execute("INSERT INTO shard VALUES (?, ?)", params![signed(number), signed(first_delivery)])?;
    Ok(())
}

/// How many parts of a level of an index are merged into one of the next.
const AUTOMERGE: u32 = 8;

/// Takes the tables of a shard away.
pub(crate) fn drop_shard(connection: &Connection, number: u64) -> Result<(), Error> {
    connection.execute_batch(&format!("DROP TABLE message_{number}; DROP TABLE words_{number};"))?;
    connection.execute("DELETE FROM shard WHERE number = ?", [signed(number)])?;
    Ok(())
}

/// The shards, oldest first, each with the first delivery number that can be in it.
pub(crate) fn shards(connection: &Connection) -> Result<Vec<(u64, u64)>, Error> {
    let mut statement = connection.prepare_cached("SELECT number, first_delivery FROM shard ORDER BY number")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    rows.map(|row| row.map_err(Error::from).and_then(|(number, first)| Ok((unsigned(number)?, unsigned(first)?))))
        .collect()
}
