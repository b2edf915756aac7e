//! What a terminal keeps on disk: one SQLite file, its owner's alone.
//!
//! What is received is acknowledged to the switch only after [`Store::keep_incoming`] has returned, and what is sent
//! goes to the link only after [`Store::keep_outgoing`]: both return when the file is synced. Drafts are written with
//! every key and survive the end of the process, not that of the machine.

use std::fs::{self, OpenOptions};
use std::io;
use std::num::NonZeroU32;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use codec::name::{Control, MessageKey};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::entry::{Entry, State, Way};
use crate::sheet::{Kept, Kind, Sheet};
use crate::shown;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or the file cannot be made.
    #[error("{path} cannot be made")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another terminal has it.
    #[error("another terminal keeps its messages here; end that one, or give --data another directory")]
    InUse,
    /// SQLite says so.
    #[error("the terminal's file cannot be used")]
    Sqlite(#[from] rusqlite::Error),
    /// It was made by a later version.
    #[error("the terminal's file was made by a later version ({0})")]
    Version(i64),
}

/// Reading what is kept.
pub trait Shelf {
    /// The bytes of a message; nothing if they cannot be read.
    fn body(&self, id: i64) -> Option<Vec<u8>>;
    /// Messages in which every word begins some word, in order of their numbers.
    fn search(&self, words: &str) -> Vec<i64>;
    /// The latest lines of the log of what was done, the latest last.
    fn log(&self, lines: usize) -> Vec<(i64, String)>;
}

/// How much a store keeps, and how long.
///
/// Whatever they say, what is younger than [`Keep::DAYS_MIN`] stays, what nobody has opened, and what the switch has not
/// acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Days, from 3 on; none: no message is too old.
    pub days: Option<u32>,
    /// Messages, the latest ones.
    pub messages: u32,
}

impl Keep {
    /// Hit confirmations are counted down so long, and within a day the switch may send a message again.
    pub const DAYS_MIN: u32 = 3;
    /// How many messages can be asked for.
    pub const MESSAGES: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;
}

impl Default for Keep {
    fn default() -> Self {
        Self { days: None, messages: 200_000 }
    }
}

/// What is kept on disk.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    directory: PathBuf,
}

const VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE message(
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, way INTEGER NOT NULL, state INTEGER NOT NULL, key TEXT,
        peer TEXT NOT NULL, control TEXT, subject TEXT NOT NULL, validation INTEGER NOT NULL);
    CREATE INDEX message_waiting ON message(id) WHERE state = 2;
    CREATE INDEX message_received ON message(validation, id) WHERE way = 0;
    CREATE TABLE body(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, prefix='2 3 4 5 6');
    CREATE TABLE sheet(kind INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, sheet TEXT NOT NULL,
        PRIMARY KEY(kind, id));
    CREATE TABLE log(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, line TEXT NOT NULL);
";

/// A message that comes again is looked for among so many received before it: more than can be on their way.
const AGAIN_MAX: i64 = 100_000;

impl Store {
    /// Opens what a directory keeps; makes it where there is none.
    ///
    /// # Errors
    /// If it cannot be made or read, or another terminal has it.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Directory { path, source }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed(directory))?;
        let path = directory.join("terminal.sqlite");
        OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(failed(&path))?;
        let connection = Connection::open(&path)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        let in_use = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => StoreError::InUse,
            Some(_) | None => StoreError::Sqlite(error),
        };
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(in_use)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What is removed is persons' data: it is overwritten.
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT").map_err(in_use)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match version {
            0 => connection.execute_batch(&format!("BEGIN;{SCHEMA}PRAGMA user_version = {VERSION};COMMIT"))?,
            VERSION => {}
            later => return Err(StoreError::Version(later)),
        }
        Ok(Self { connection, directory: directory.to_owned() })
    }

    /// Removes what is not kept any longer, and returns how many messages that was: at most 20,000, the oldest first, so
    /// that a start does not wait long.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn tidy(&self, now: i64, keep: Keep) -> Result<usize, StoreError> {
        let before = |days: u32| now.saturating_sub(i64::from(days).saturating_mul(DAY_MICROS));
        let old = keep.days.map_or(i64::MIN, before);
        let transaction = self.connection.unchecked_transaction()?;
        let surplus: Option<i64> = self
            .connection
            .query_row("SELECT id FROM message ORDER BY id DESC LIMIT 1 OFFSET ?1", [keep.messages], |row| row.get(0))
            .optional()?;
        // The latest one stays: control fields and numbers go on from it.
        let query = "SELECT m.id, b.bytes FROM message m JOIN body b ON b.id = m.id
                     WHERE (m.at < ?1 OR m.id <= ?2) AND m.at < ?3 AND m.state NOT IN (?4, ?5)
                     AND m.id < (SELECT max(id) FROM message) ORDER BY m.id LIMIT ?6";
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query(params![
            old,
            surplus.unwrap_or(0),
            before(Keep::DAYS_MIN),
            State::Unread.code(),
            State::Waiting.code(),
            REMOVED_MAX
        ])?;
        let mut removed = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, bytes): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            // An index without a copy of the text forgets a message only if it is told the text again.
            self.connection
                .prepare_cached("INSERT INTO words(words, rowid, text) VALUES('delete', ?1, ?2)")?
                .execute(params![id, words(&bytes)])?;
            removed.push(id);
        }
        for id in &removed {
            self.connection.prepare_cached("DELETE FROM body WHERE id = ?1")?.execute([id])?;
            self.connection.prepare_cached("DELETE FROM message WHERE id = ?1")?.execute([id])?;
        }
        self.connection.execute(
            "DELETE FROM log WHERE at < ?1 OR id <= (SELECT max(id) FROM log) - ?2",
            params![old, LOG_LINES_MAX],
        )?;
        drop(rows);
        drop(statement);
        transaction.commit()?;
        Ok(removed.len())
    }

    /// Every message, in the order in which they were kept.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let columns = "SELECT id, at, way, state, key, peer, control, subject FROM message ORDER BY id";
        let mut statement = self.connection.prepare(columns)?;
        let rows = statement.query_map([], entry)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// Keeps what was received, all or nothing, and returns what was new: a message that comes again, with the
    /// validation that it had, is known.
    ///
    /// # Errors
    /// If it is not safe on disk.
    pub fn keep_incoming(&self, at: i64, messages: &[(u32, &[u8])]) -> Result<Vec<Entry>, StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut new = Vec::with_capacity(messages.len());
        for (validation, bytes) in messages {
            if !self.is_again(*validation, bytes)? {
                new.push(self.insert(Entry::incoming(at, bytes), *validation, bytes)?);
            }
        }
        transaction.commit()?;
        Ok(new)
    }

    /// Keeps what is about to be sent, under a validation that it has from now on.
    ///
    /// # Errors
    /// If it is not safe on disk.
    pub fn keep_outgoing(&self, at: i64, validation: NonZeroU32, bytes: &[u8]) -> Result<Entry, StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        let entry = self.insert(Entry::outgoing(at, bytes), validation.get(), bytes)?;
        transaction.commit()?;
        Ok(entry)
    }

    /// What was not acknowledged: number, time, validation and bytes, in the order of sending.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let columns = "SELECT m.id, m.at, m.validation, b.bytes FROM message m JOIN body b ON b.id = m.id
                       WHERE m.state = 2 ORDER BY m.id";
        let mut statement = self.connection.prepare(columns)?;
        let rows = statement.query_map([], |row| {
            let validation = row.get::<_, u32>(2)?;
            Ok(Waiting {
                id: row.get(0)?,
                at: row.get(1)?,
                validation: NonZeroU32::new(validation).unwrap_or(NonZeroU32::MIN),
                bytes: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// Says how a message stands.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn mark(&self, id: i64, state: State) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE message SET state = ?2 WHERE id = ?1")?
            .execute(params![id, state.code()])?;
        Ok(())
    }

    /// Keeps a draft or a template.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_sheet(&self, kept: &Kept) -> Result<(), StoreError> {
        // A draft is written with every key: the end of the process does not harm it, and a sync for each would be felt.
        let sync = if kept.kind == Kind::Draft { "NORMAL" } else { "FULL" };
        self.connection.pragma_update(None, "synchronous", sync)?;
        let sheet = serde_json::to_string(&kept.sheet).unwrap_or_default();
        let written = self
            .connection
            .prepare_cached("INSERT OR REPLACE INTO sheet(kind, id, name, sheet) VALUES(?1, ?2, ?3, ?4)")?
            .execute(params![kept.kind.code(), kept.id, kept.name, sheet]);
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        written?;
        Ok(())
    }

    /// Forgets a draft or a template.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn drop_sheet(&self, kind: Kind, id: i64) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM sheet WHERE kind = ?1 AND id = ?2", params![kind.code(), id])?;
        Ok(())
    }

    /// Drafts and templates, each in their order.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn sheets(&self) -> Result<Vec<Kept>, StoreError> {
        let mut statement = self.connection.prepare("SELECT kind, id, name, sheet FROM sheet ORDER BY kind, id")?;
        let rows = statement.query_map([], |row| {
            let (kind, id, name): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let sheet: Option<Sheet> = serde_json::from_str(&row.get::<_, String>(3)?).ok();
            Ok(Kind::from_code(kind).zip(sheet).map(|(kind, sheet)| Kept { kind, id, name, sheet }))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Writes a line into the log of what was done.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note(&self, at: i64, line: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached("INSERT INTO log(at, line) VALUES(?1, ?2)")?.execute(params![at, line])?;
        Ok(())
    }

    /// Writes a file of its own beside what is kept, for its owner alone, and returns its name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn file(&self, folder: &str, name: &str, text: &str) -> io::Result<PathBuf> {
        let folder = self.directory.join(folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join(name);
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        Ok(path)
    }

    fn is_again(&self, validation: u32, bytes: &[u8]) -> Result<bool, StoreError> {
        if validation == 0 {
            return Ok(false);
        }
        let query = "SELECT m.id FROM message m JOIN body b ON b.id = m.id
                     WHERE m.way = 0 AND m.validation = ?1 AND m.id > (SELECT coalesce(max(id), 0) FROM message) - ?2
                     AND b.bytes = ?3 LIMIT 1";
        let found: Option<i64> = self
            .connection
            .prepare_cached(query)?
            .query_row(params![validation, AGAIN_MAX, bytes], |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }

    fn insert(&self, mut entry: Entry, validation: u32, bytes: &[u8]) -> Result<Entry, StoreError> {
        let way = i64::from(entry.way == Way::Out);
        self.connection
            .prepare_cached(
                "INSERT INTO message(at, way, state, key, peer, control, subject, validation)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                entry.at,
                way,
                entry.state.code(),
                entry.key.as_ref().map(MessageKey::as_str),
                &*entry.peer,
                entry.control.as_ref().map(Control::as_str),
                &*entry.subject,
                validation
            ])?;
        entry.id = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached("INSERT INTO body(id, bytes) VALUES(?1, ?2)")?
            .execute(params![entry.id, bytes])?;
        self.connection
            .prepare_cached("INSERT INTO words(rowid, text) VALUES(?1, ?2)")?
            .execute(params![entry.id, words(bytes)])?;
        Ok(entry)
    }
}

impl Shelf for Store {
    fn body(&self, id: i64) -> Option<Vec<u8>> {
        let mut statement = self.connection.prepare_cached("SELECT bytes FROM body WHERE id = ?1").ok()?;
        statement.query_row([id], |row| row.get(0)).ok()
    }

    fn search(&self, words: &str) -> Vec<i64> {
        let word = |word: &str| format!("\"{word}\"*");
        let mut query: Vec<String> = words
            .split(|character: char| !character.is_alphanumeric())
            .filter(|text| !text.is_empty())
            .map(word)
            .collect();
        // One letter begins nearly every message; it is the beginning of a word that is still being typed.
        if query.len() > 1 && query.last().is_some_and(|last| last.len() <= ONE_LETTER.len()) {
            query.pop();
        }
        if query.is_empty() {
            return Vec::new();
        }
        let found = || {
            let mut statement =
                self.connection.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid")?;
            let rows = statement.query_map([query.join(" ")], |row| row.get(0))?;
            rows.collect::<Result<Vec<i64>, _>>()
        };
        found().unwrap_or_default()
    }

    fn log(&self, lines: usize) -> Vec<(i64, String)> {
        let read = || {
            let mut statement = self.connection.prepare_cached("SELECT at, line FROM log ORDER BY id DESC LIMIT ?1")?;
            let rows = statement
                .query_map([i64::try_from(lines).unwrap_or(i64::MAX)], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<Vec<(i64, String)>, rusqlite::Error>>()
        };
        let mut lines = read().unwrap_or_default();
        lines.reverse();
        lines
    }
}

/// A message as the index of words has it.
fn words(bytes: &[u8]) -> String {
    shown::lines(bytes).join("\n")
}

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// Messages that are removed at a time.
const REMOVED_MAX: i64 = 20_000;
/// Lines of the log that are kept.
const LOG_LINES_MAX: i64 = 200_000;

/// How a word of one letter is asked for.
const ONE_LETTER: &str = "\"A\"*";

/// A message that was not acknowledged.
#[derive(Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number here.
    pub id: i64,
    /// When it was kept, in microseconds since 1970, UTC.
    pub at: i64,
    /// The validation that it has for good.
    pub validation: NonZeroU32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("id", &self.id).field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let text = |at: usize| row.get_ref(at).map(|value| value.as_str().unwrap_or_default());
    Ok(Entry {
        id: row.get(0)?,
        at: row.get(1)?,
        way: if row.get::<_, i64>(2)? == 0 { Way::In } else { Way::Out },
        state: State::from_code(row.get(3)?).unwrap_or(State::Read),
        key: MessageKey::parse(text(4)?).ok(),
        peer: text(5)?.into(),
        control: Control::parse(text(6)?).ok(),
        subject: text(7)?.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn open() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("data")).unwrap();
        (directory, store)
    }

    const ANSWER: &[u8] = b"IAR.ZZLESC000\r\n08:00 01/31/2030 00011\r\n08:00 01/31/2030 00027 ZA0010000\r\n*T1\r\nTXT\r\nNO RECORD SAMPLE";

    #[test]
    fn what_was_kept_is_there_after_a_restart() {
        let (directory, store) = open();
        let came = store.keep_incoming(5, &[(9, ANSWER)]).unwrap();
        let sent = store.keep_outgoing(6, NonZeroU32::MIN, b"ECHO.ZA0010000.NL.TXT\r\nANY").unwrap();
        store.mark(came[0].id, State::Read).unwrap();
        store.note(7, "a line").unwrap();
        let kept = Kept { kind: Kind::Draft, id: 3, name: String::new(), sheet: Sheet::default() };
        store.keep_sheet(&kept).unwrap();
        drop(store);
        let store = Store::open(&directory.path().join("data")).unwrap();
        let entries = store.entries().unwrap();
        assert_eq!(entries, [Entry { state: State::Read, ..came[0].clone() }, sent.clone()]);
        let waiting = store.waiting().unwrap();
        assert_eq!((waiting.len(), waiting[0].id, waiting[0].validation), (1, sent.id, NonZeroU32::MIN));
        assert_eq!(store.sheets().unwrap(), [kept]);
        assert_eq!(store.log(9), [(7, "a line".to_owned())]);
        assert_eq!(store.body(came[0].id).unwrap(), ANSWER);
    }

    #[test]
    fn a_message_that_comes_again_is_known() {
        let (_directory, store) = open();
        assert_eq!(store.keep_incoming(5, &[(9, ANSWER), (9, ANSWER), (0, ANSWER), (0, ANSWER)]).unwrap().len(), 3);
        assert_eq!(store.keep_incoming(6, &[(9, ANSWER), (10, ANSWER)]).unwrap().len(), 1);
    }

    #[test]
    fn words_are_found_by_their_beginning() {
        let (_directory, store) = open();
        store.keep_incoming(5, &[(1, ANSWER), (2, b"NOTHING")]).unwrap();
        assert_eq!(store.search("samp rec"), [1]);
        assert!(store.search("samp other").is_empty());
        assert!(store.search("\" OR * (").is_empty());
        assert_eq!(store.search("noth"), [2]);
    }

    #[test]
    fn what_is_old_or_too_much_goes_and_what_is_open_stays() {
        let (_directory, store) = open();
        let now = 100 * DAY_MICROS;
        let came = |day: i64, name: &str| {
            let text = format!(
                "AM.ZZ0010000\r\n08:00 01/31/2030 00011\r\n08:00 01/31/2030 00027 ZA0010000\r\n*T1\r\nTXT\r\n{name}"
            );
            store.keep_incoming(day * DAY_MICROS, &[(0, text.as_bytes())]).unwrap()[0].id
        };
        let (read, unread) = (came(1, "OLDREAD"), came(1, "OLDUNREAD"));
        let waiting = store.keep_outgoing(DAY_MICROS, NonZeroU32::MIN, b"ECHO.ZA0010000.NL.TXT\r\nANY").unwrap().id;
        let (middle, fresh, latest) = (came(60, "MIDDLE"), came(98, "FRESH"), came(2, "LATEST"));
        for id in [read, middle, fresh, latest] {
            store.mark(id, State::Read).unwrap();
        }
        store.note(DAY_MICROS, "long ago").unwrap();
        store.note(now, "today").unwrap();
        let left = || store.entries().unwrap().iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(store.tidy(now, Keep::default()).unwrap(), 0);
        assert_eq!(store.tidy(now, Keep { days: Some(50), ..Keep::default() }).unwrap(), 1);
        assert_eq!(left(), [unread, waiting, middle, fresh, latest]);
        assert_eq!((store.search("oldread"), store.body(read)), (Vec::new(), None));
        assert_eq!((store.search("oldunread"), store.search("middle")), (vec![unread], vec![middle]));
        assert_eq!(store.log(9), [(now, "today".to_owned())]);
        // By count: two are wanted, and what is fresh or open stays beside them.
        assert_eq!(store.tidy(now, Keep { days: None, messages: 1 }).unwrap(), 1);
        assert_eq!(left(), [unread, waiting, fresh, latest]);
        assert!(store.search("middle").is_empty());
        let check: String = store.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }

    #[test]
    fn only_its_owner_may_read_it_and_only_one_terminal_has_it() {
        let (directory, store) = open();
        store.keep_incoming(5, &[(1, ANSWER)]).unwrap();
        store.file("print", "1.txt", "text").unwrap();
        let data = directory.path().join("data");
        for name in ["terminal.sqlite", "terminal.sqlite-wal", "print/1.txt"] {
            assert_eq!(fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
        assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(Store::open(&data), Err(StoreError::InUse)));
        drop(store);
        assert!(Store::open(&data).is_ok());
    }
}
