//! The text of a message that was found: from the journal, as it left the switch.

use bytes::Bytes;
use codec::dictionary::Dictionary;
use codec::legacy::{LineEnd, OutputHeader};
use codec::name::Ori;
use codec::time::{Stamp, Timestamp};
use journal::ReadError;
use switch_core::Msn;
use switch_core::reading::Reading;

use crate::error::Error;
use crate::query::Cursor;
use crate::reading::{Message, messages_of};
use crate::search::Searcher;
use crate::source::Source;
use crate::summary::{CopySummary, Fate, Hit, Standing};

/// A message with its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Full {
    /// What the search file says of it.
    pub hit: Hit,
    /// Its body as it left the switch: fields in capitals, with the line that the switch puts before some. All that came where
    /// it was refused.
    pub body: Bytes,
}

/// Bodies are nobody's business in a log.
impl std::fmt::Debug for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Full({}, {} bytes)", self.hit.cursor(), self.body.len())
    }
}

/// Fetches an accepted message by its number.
///
/// # Errors
/// As [`Searcher::find`]; [`Error::Journal`] if the journal cannot be read.
pub fn by_number(searcher: &Searcher, source: &impl Source, msn: Msn) -> Result<Option<Full>, Error> {
    searcher.find(msn)?.map_or(Ok(None), |hit| of_hit(source, hit))
}

/// Fetches any message by its place.
///
/// # Errors
/// As [`by_number`].
pub fn by_place(searcher: &Searcher, source: &impl Source, place: Cursor) -> Result<Option<Full>, Error> {
    searcher.at(place)?.map_or(Ok(None), |hit| of_hit(source, hit))
}

/// Fetches the text of a hit; nothing if the journal has let it go since.
///
/// # Errors
/// As [`by_number`].
pub fn of_hit(source: &impl Source, hit: Hit) -> Result<Option<Full>, Error> {
    let record = match source.read(hit.sequence) {
        Ok(record) => record,
        Err(ReadError::Absent(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let reading = switch_core::reading::read(hit.sequence, record.kind, record.payload)
        .map_err(|_| Error::inside("a hit whose record is no message"))?;
    let message = messages_of(&reading).nth(usize::from(hit.ordinal));
    let body = message.map(|message| as_sent(&hit, message.body));
    let body = body.ok_or_else(|| Error::inside("a hit without a message"))?;
    Ok(Some(Full { hit, body }))
}

/// All messages of a record, in the order of their ordinals, as if nothing had become of their copies yet.
#[must_use]
pub fn of_reading(sequence: u64, reading: &Reading) -> Vec<Full> {
    let full = |(ordinal, message): (usize, Message<'_>)| {
        let hit = Hit {
            sequence,
            ordinal: u16::try_from(ordinal).unwrap_or(u16::MAX),
            at: Timestamp(message.at),
            msn: message.msn,
            summary: message.summary,
        };
        let body = as_sent(&hit, message.body);
        Full { hit, body }
    };
    messages_of(reading).enumerate().map(full).collect()
}

/// The body as receivers get it (`protocol-specs/wire.md` 2.3).
pub(crate) fn as_sent(hit: &Hit, body: &[u8]) -> Bytes {
    let spec = hit.summary.key.and_then(|key| Dictionary::builtin().spec(key));
    match (hit.summary.standing, spec) {
        (Standing::Accepted, Some(spec)) => {
            let folded = spec.fold_body(body);
            spec.first_line
                .as_ref()
                .map(|line| Bytes::from([line.as_bytes(), b"\r\n", &folded].concat()))
                .unwrap_or_else(|| Bytes::from(folded.into_owned()))
        }
        _ => Bytes::copy_from_slice(body),
    }
}

impl Full {
    /// One of its copies as it left the switch, header and body. The time in the third line is when the copy ended, for when it
    /// was first sent is not kept; of one that waits, when the message was received.
    ///
    /// Nothing where there was no copy, or no sender to be named.
    #[must_use]
    pub fn as_left(&self, copy: &CopySummary, utc_offset: i32, line_end: LineEnd) -> Option<Bytes> {
        let summary = &self.hit.summary;
        let stamp = |time| Stamp::at(time, utc_offset);
        let sender = match summary.standing {
            Standing::Notice => summary.sender.or_else(|| Some(Ori::of_switch())),
            Standing::Accepted | Standing::Refused(_) => summary.sender,
        };
        let header = OutputHeader {
            key: summary.key?,
            sender: sender?,
            received: stamp(self.hit.at),
            isn: summary.isn,
            sent: stamp(copy.fate.at().unwrap_or(self.hit.at)),
            osn: copy.osn,
            destination: copy.destination.as_str(),
            control: summary.control,
        };
        Some(header.encode(line_end, &self.body))
    }
}

impl Fate {
    /// When the copy ended.
    #[must_use]
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting => None,
            Self::Delivered { at, .. } | Self::Returned { at, .. } => Some(*at),
        }
    }

    /// A word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered { .. } => "delivered",
            Self::Returned { .. } => "returned",
        }
    }
}
