//! Asking the file, beside whoever fills it.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use codec::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use switch_core::{LinkId, Msn, ReturnReason};

use crate::enter::SLOT_MICROS;
use crate::error::Error;
use crate::query::{Cursor, LIMIT_MAX, Page, Query};
use crate::store::{self, Header, signed};
use crate::summary::{Fate, Hit, Summary};

/// Steps of the database between two looks at the clock: some tenths of a millisecond.
const STEPS: i32 = 10_000;

/// Asks a search file. Reads only; any number of them at the same time, beside whoever fills the file.
pub struct Searcher {
    connection: Connection,
    path: PathBuf,
    /// When the query that runs has to end.
    deadline: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for Searcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Searcher").finish_non_exhaustive()
    }
}

impl Searcher {
    /// Opens a file that is there.
    ///
    /// # Errors
    /// [`Error::Unusable`] if there is none, or it is not one that this program can read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (mut connection, _) = store::open_reader(path)?;
        let deadline = Arc::new(Mutex::new(None::<Instant>));
        let watched = Arc::clone(&deadline);
        let over =
            move || watched.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|end| Instant::now() >= end);
        connection.progress_handler(STEPS, Some(over))?;
        Ok(Self { connection, path: path.to_owned(), deadline })
    }

    /// Ends the query that runs, from any thread: it returns [`Error::Deadline`].
    #[must_use]
    pub fn interrupt_handle(&self) -> rusqlite::InterruptHandle {
        self.connection.get_interrupt_handle()
    }

    /// How far the file is filled.
    ///
    /// # Errors
    /// [`Error::Damaged`] if that cannot be read.
    pub fn position(&self) -> Result<Position, Error> {
        let header = store::read_header(&self.connection)?;
        Ok(Position {
            journal: header.journal,
            through: header.through,
            messages: header.rows + 1 - header.floor,
            at: (header.rows > 0).then_some(Timestamp(header.at)),
        })
    }

    /// Finds a page of messages. It needs memory for the page and no more, however large the file and however common the words.
    ///
    /// # Errors
    /// [`Error::Deadline`] if it takes longer than the query allows, [`Error::Damaged`] if the file is not sound.
    pub fn search(&self, query: &Query) -> Result<Page, Error> {
        self.snapshot(query.patience, |header| {
            let mut page = Page { hits: Vec::new(), more: None, through: header.through };
            let Ok(expression) = query.expression() else { return Ok(page) };
            let Some(range) = self.range(header, query)? else { return Ok(page) };
            let limit = query.limit.clamp(1, LIMIT_MAX);
            let mut shards = header.shard_of(*range.start())..=header.shard_of(*range.end());
            let mut next = || if query.oldest_first { shards.next() } else { shards.next_back() };
            // One more than asked for, so that the page knows whether it is the last.
            while let (true, Some(number)) = (page.hits.len() <= limit, next()) {
                self.check_deadline()?;
                let wanted = limit + 1 - page.hits.len();
                self.search_shard(number, &range, query, expression.as_deref(), wanted, &mut page.hits)?;
            }
            if page.hits.len() > limit {
                page.hits.truncate(limit);
                page.more = page.hits.last().map(Hit::cursor);
            }
            page.hits.iter_mut().try_for_each(|hit| self.add_fates(&mut hit.summary))?;
            Ok(page)
        })
    }

    /// The accepted message of a number.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn find(&self, msn: Msn) -> Result<Option<Hit>, Error> {
        self.snapshot(Query::default().patience, |header| {
            let id = first_id_where(&self.connection, header, "msn", msn.0)?;
            let hit = self.hit(header, id)?;
            Ok(hit.filter(|hit| hit.msn == Some(msn)))
        })
    }

    /// The message of a place in the journal.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn at(&self, place: Cursor) -> Result<Option<Hit>, Error> {
        self.snapshot(Query::default().patience, |header| {
            let first = first_id_of(&self.connection, header, place.sequence)?;
            let hit = self.hit(header, first.saturating_add(u64::from(place.ordinal)))?;
            Ok(hit.filter(|hit| hit.cursor() == place))
        })
    }

    /// How the database looks into the newest shard for a query, in its own words: one line for each table, and one for sorting, which
    /// there must not be.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn plan(&self, query: &Query) -> Result<Vec<String>, Error> {
        self.snapshot(query.patience, |header| {
            let words = query.expression().unwrap_or_default();
            let number = header.shard_of(header.rows);
            let sql = format!("EXPLAIN QUERY PLAN {}", shard_sql(number, words.is_some(), query.oldest_first));
            let mut statement = self.connection.prepare(&sql)?;
            let read = |row: &Row<'_>| row.get::<_, String>(3);
            let rows = match words {
                Some(words) => statement.query_map(params![1, 2, 3, 4, words], read)?,
                None => statement.query_map(params![1, 2, 3, 4], read)?,
            };
            rows.map(|row| row.map_err(Error::from)).collect()
        })
    }

    /// Runs with one view of the file, under a deadline.
    fn snapshot<T>(
        &self,
        patience: std::time::Duration,
        ask: impl FnOnce(&Header) -> Result<T, Error>,
    ) -> Result<T, Error> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now().checked_add(patience);
        let result = (|| {
            let transaction = self.connection.unchecked_transaction()?;
            let result = ask(&store::read_header(&transaction)?);
            drop(transaction);
            result
        })();
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // Whoever fills the file begins a new one.
        if let Err(Error::Damaged(what)) = &result {
            store::complain(&self.path, what);
        }
        result
    }

    fn check_deadline(&self) -> Result<(), Error> {
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if deadline.is_some_and(|end| Instant::now() >= end) { Err(Error::Deadline) } else { Ok(()) }
    }

    /// The ids that can answer: those of the time asked for, and behind the cursor.
    fn range(&self, header: &Header, query: &Query) -> Result<Option<RangeInclusive<u64>>, Error> {
        let (mut first, mut last) = (header.floor, header.rows);
        if query.begin.is_some() || query.end.is_some() {
            let slot = |time: Option<Timestamp>, open| time.map_or(open, |time| time.0.div_euclid(SLOT_MICROS));
            let sql = "SELECT min(first), max(last) FROM slot WHERE slot BETWEEN ? AND ?";
            let (lowest, highest) = self
                .connection
                .prepare_cached(sql)?
                .query_row([slot(query.begin, i64::MIN), slot(query.end, i64::MAX)], |row| {
                    Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
                })?;
            let (Some(lowest), Some(highest)) = (lowest, highest) else { return Ok(None) };
            first = first.max(u64::try_from(lowest).unwrap_or(0));
            last = last.min(u64::try_from(highest).unwrap_or(0));
        }
        if let Some(after) = query.after {
            let id = first_id_of(&self.connection, header, after.sequence)?.saturating_add(u64::from(after.ordinal));
            if query.oldest_first { first = first.max(id + 1) } else { last = last.min(id.saturating_sub(1)) }
        }
        Ok((first <= last).then_some(first..=last))
    }

    fn search_shard(
        &self,
        number: u64,
        range: &RangeInclusive<u64>,
        query: &Query,
        expression: Option<&str>,
        wanted: usize,
        hits: &mut Vec<Hit>,
    ) -> Result<(), Error> {
        let sql = shard_sql(number, expression.is_some(), query.oldest_first);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let begin = query.begin.map_or(i64::MIN, |time| time.0);
        let end = query.end.map_or(i64::MAX, |time| time.0);
        let mut rows = match expression {
            Some(expression) => {
                statement.query(params![signed(*range.start()), signed(*range.end()), begin, end, expression])?
            }
            None => statement.query(params![signed(*range.start()), signed(*range.end()), begin, end])?,
        };
        let mut found = 0;
        while let (true, Some(row)) = (found < wanted, rows.next()?) {
            let hit = read_hit(row)?;
            if !query.sent_on || !hit.summary.copies.is_empty() {
                hits.push(hit);
                found += 1;
            }
        }
        Ok(())
    }

    fn hit(&self, header: &Header, id: u64) -> Result<Option<Hit>, Error> {
        if id < header.floor || id > header.rows {
            return Ok(None);
        }
        let sql = format!("SELECT sequence, msn, at, summary FROM message_{} WHERE id = ?", header.shard_of(id));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([signed(id)])?;
        let row = rows.next()?.ok_or_else(|| Error::inside("a message is missing"))?;
        let mut hit = read_hit(row)?;
        self.add_fates(&mut hit.summary)?;
        Ok(Some(hit))
    }

    fn add_fates(&self, summary: &mut Summary) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached("SELECT at, link, why FROM fate WHERE delivery = ?")?;
        for copy in &mut summary.copies {
            let fate = statement
                .query_row([signed(copy.delivery.number())], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(2)?))
                })
                .optional()?;
            if let Some((at, link, why)) = fate {
                let why = why.and_then(|code| ReturnReason::ALL.get(usize::try_from(code).ok()?).copied());
                let link = link.and_then(|link| u64::try_from(link).ok()).map(LinkId);
                copy.fate = match (link, why) {
                    (Some(link), None) => Fate::Delivered { at: Timestamp(at), link },
                    (None, Some(why)) => Fate::Returned { at: Timestamp(at), why },
                    _ => return Err(Error::inside("a copy that ended in no way")),
                };
            }
        }
        Ok(())
    }
}

/// How far a search file is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Whose it is.
    pub journal: journal::JournalId,
    /// The last record that is in it; 0 before the first.
    pub through: u64,
    /// Messages that can be found.
    pub messages: u64,
    /// When the last of them was received.
    pub at: Option<Timestamp>,
}

/// The statement that asks one shard. The index gives ids within the range in either order by itself, so nothing is sorted and
/// what is behind the last hit wanted is never looked at.
fn shard_sql(number: u64, with_words: bool, oldest_first: bool) -> String {
    let order = if oldest_first { "ASC" } else { "DESC" };
    if with_words {
        format!(
            "SELECT m.sequence, m.msn, m.at, m.summary
             FROM words_{number} CROSS JOIN message_{number} AS m ON m.id = words_{number}.rowid
             WHERE words_{number} MATCH ?5 AND words_{number}.rowid BETWEEN ?1 AND ?2 AND m.at >= ?3 AND m.at < ?4
             ORDER BY words_{number}.rowid {order}"
        )
    } else {
        format!(
            "SELECT sequence, msn, at, summary FROM message_{number}
             WHERE id BETWEEN ?1 AND ?2 AND at >= ?3 AND at < ?4 ORDER BY id {order}"
        )
    }
}

fn read_hit(row: &Row<'_>) -> Result<Hit, Error> {
    let unsigned = |value: i64| u64::try_from(value).map_err(|_| Error::inside("a number below zero"));
    let (ordinal, summary) = row
        .get_ref(3)?
        .as_blob()
        .ok()
        .and_then(Summary::decode)
        .ok_or_else(|| Error::inside("a message's line cannot be read"))?;
    let msn = Msn(unsigned(row.get(1)?)?);
    Ok(Hit {
        sequence: unsigned(row.get(0)?)?,
        ordinal,
        at: Timestamp(row.get(2)?),
        msn: (summary.standing == crate::summary::Standing::Accepted).then_some(msn),
        summary,
    })
}

/// The first id whose message is of this record or a later one.
pub(crate) fn first_id_of(connection: &Connection, header: &Header, sequence: u64) -> Result<u64, Error> {
    first_id_where(connection, header, "sequence", sequence)
}

/// The first id at which a column that rises along the ids has at least this value; one more than the last where none has.
fn first_id_where(connection: &Connection, header: &Header, column: &str, value: u64) -> Result<u64, Error> {
    let (mut low, mut high) = (header.floor, header.rows + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let sql = format!("SELECT {column} FROM message_{} WHERE id = ?", header.shard_of(middle));
        let found: i64 = connection.prepare_cached(&sql)?.query_row([signed(middle)], |row| row.get(0))?;
        if found < signed(value) { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}
