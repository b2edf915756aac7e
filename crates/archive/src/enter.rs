//! One message into the tables: its row, its tokens, its time; and the end of a copy.

use codec::dictionary::Dictionary;
use codec::name::{MessageKey, Ori};
use rusqlite::{Connection, params};
use switch_core::{LinkId, ReturnReason};

use crate::error::Error;
use crate::store::{self, Header, signed};
use crate::summary::{Standing, Summary};
use crate::words::{CONTROL, FROM, KEY, TO, VISIBLE, push_names, push_token, push_words};

/// Microseconds of one slot of time: a query by time looks at so much more than it asks for, at either end.
pub(crate) const SLOT_MICROS: i64 = 300_000_000;

/// Keys whose bodies are not searched by word: lists of hits and texts of messages, which would find what was found
/// before again and again.
const QUIET: [&str; 2] = ["NLR", "NFR"];

/// A message on its way into the file.
pub(crate) struct Entering<'a> {
    pub(crate) sequence: u64,
    pub(crate) ordinal: u16,
    pub(crate) at: i64,
    /// Its own number, where it has one.
    pub(crate) msn: Option<u64>,
    pub(crate) summary: &'a Summary,
    pub(crate) body: &'a [u8],
}

/// Writes into an open transaction.
pub(crate) struct Entry<'a> {
    connection: &'a Connection,
    pub(crate) header: Header,
    dictionary: &'static Dictionary,
    /// The shard that is written to, with its two statements; none before the first message.
    shard: Option<Shard>,
    tokens: String,
    bytes: Vec<u8>,
    slot: Option<Slot>,
}

struct Shard {
    number: u64,
    message: String,
    words: String,
}

/// The ids of one stretch of time, not written yet.
struct Slot {
    slot: i64,
    first: u64,
    last: u64,
}

impl<'a> Entry<'a> {
    pub(crate) fn new(connection: &'a Connection, header: Header) -> Self {
        Self {
            connection,
            header,
            dictionary: Dictionary::builtin(),
            shard: None,
            tokens: String::new(),
            bytes: Vec::new(),
            slot: None,
        }
    }

    /// Takes in a message.
    pub(crate) fn message(&mut self, entering: &Entering<'_>) -> Result<(), Error> {
        let id = self.header.rows + 1;
        let number = self.header.shard_of(id);
        if self.shard.as_ref().is_none_or(|shard| shard.number != number) {
            if id == number * self.header.shard_rows + 1 {
                let first = entering.summary.copies.first().map_or(0, |copy| copy.delivery.number());
                store::create_shard(self.connection, number, first)?;
            }
            self.shard = Some(Shard {
                number,
                message: format!("INSERT INTO message_{number} VALUES (?, ?, ?, ?, ?)"),
                words: format!("INSERT INTO words_{number} (rowid, token) VALUES (?, ?)"),
            });
        }
        let Some(shard) = &self.shard else { return Ok(()) };

        self.header.msn = entering.msn.unwrap_or(self.header.msn);
        self.bytes.clear();
        entering.summary.encode(entering.ordinal, &mut self.bytes);
        self.connection.prepare_cached(&shard.message)?.execute(params![
            signed(id),
            signed(entering.sequence),
            signed(self.header.msn),
            entering.at,
            self.bytes
        ])?;
        self.tokens.clear();
        tokens(&mut self.tokens, self.dictionary, entering.summary, entering.body);
        self.connection.prepare_cached(&shard.words)?.execute(params![signed(id), self.tokens])?;
        self.header.rows = id;
        self.header.at = entering.at;
        self.note_time(entering.at.div_euclid(SLOT_MICROS), id)
    }

    fn note_time(&mut self, slot: i64, id: u64) -> Result<(), Error> {
        match &mut self.slot {
            Some(noted) if noted.slot == slot => noted.last = id,
            _ => {
                self.write_slot()?;
                self.slot = Some(Slot { slot, first: id, last: id });
            }
        }
        Ok(())
    }

    fn write_slot(&mut self) -> Result<(), Error> {
        let Some(Slot { slot, first, last }) = self.slot.take() else { return Ok(()) };
        let sql = "INSERT INTO slot VALUES (?1, ?2, ?3)
            ON CONFLICT (slot) DO UPDATE SET first = min(first, ?2), last = max(last, ?3)";
        self.connection.prepare_cached(sql)?.execute(params![slot, signed(first), signed(last)])?;
        Ok(())
    }

    pub(crate) fn delivered(&self, delivery: u64, at: i64, link: LinkId) -> Result<(), Error> {
        let sql = "INSERT OR IGNORE INTO fate VALUES (?, ?, ?, NULL)";
        self.connection.prepare_cached(sql)?.execute(params![signed(delivery), at, signed(link.0)])?;
        Ok(())
    }

    pub(crate) fn returned(&self, delivery: u64, at: i64, why: ReturnReason) -> Result<(), Error> {
        let sql = "INSERT OR IGNORE INTO fate VALUES (?, ?, NULL, ?)";
        let code = ReturnReason::ALL.iter().position(|reason| *reason == why).unwrap_or(0);
        self.connection.prepare_cached(sql)?.execute(params![signed(delivery), at, signed(code as u64)])?;
        Ok(())
    }

    /// Writes what is kept back; the transaction can be committed then.
    pub(crate) fn finish(mut self) -> Result<Header, Error> {
        self.write_slot()?;
        store::write_header(self.connection, &self.header)?;
        Ok(self.header)
    }
}

/// All that a message can be found by, but its time.
fn tokens(out: &mut String, dictionary: &Dictionary, summary: &Summary, body: &[u8]) {
    if let Some(key) = &summary.key {
        push_token(out, KEY, key.as_str());
    }
    let sender = match summary.standing {
        Standing::Notice => summary.sender.or_else(|| Some(Ori::of_switch())),
        Standing::Accepted | Standing::Refused(_) => summary.sender,
    };
    if let Some(ori) = &sender {
        push_token(out, FROM, ori.as_str());
        push_token(out, FROM, ori.line().as_str());
    }
    if let Some(station) = &summary.station {
        if sender.is_none_or(|ori| ori.as_str() != station.as_str() && ori.line().as_str() != station.as_str()) {
            push_token(out, FROM, station.as_str());
        }
        push_token(out, VISIBLE, station.as_str());
    }
    for (at, copy) in summary.copies.iter().enumerate() {
        let (destination, station) = (copy.destination.as_str(), copy.station.as_str());
        push_token(out, TO, destination);
        if let (9, Some(line)) = (destination.len(), destination.get(..2))
            && line != station
        {
            push_token(out, TO, line);
        }
        let known = summary.copies.iter().take(at).any(|before| before.station == copy.station);
        if station != destination {
            push_token(out, TO, station);
        }
        if !known && summary.station != Some(copy.station) {
            push_token(out, VISIBLE, station);
        }
    }
    if let Some(control) = &summary.control {
        push_words(out, CONTROL, control.as_str().as_bytes());
    }
    if summary.key.as_ref().map(MessageKey::as_str).is_some_and(|key| QUIET.contains(&key)) {
        return;
    }
    push_words(out, "", body);
    push_names(out, body);
    // What the switch puts before the body is sent like the rest of it.
    let spec = summary.key.and_then(|key| dictionary.spec(key));
    if let (Standing::Accepted, Some(line)) = (summary.standing, spec.and_then(|spec| spec.first_line.as_deref())) {
        push_words(out, "", line.as_bytes());
    }
}
