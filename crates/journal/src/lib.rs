//! The durable side: a segmented, hash-chained log that is synced before anything is acknowledged.
//!
//! A [`Journal`] is one directory. Records are [appended](Journal::append) and [committed](Journal::commit): one write and one
//! `fdatasync` for however many there are. [`start`] gives the journal a thread that commits whatever has queued while the last
//! commit ran, and says in [`Notice`]s how far the log is durable. A [`Reader`] fetches records by number, [scans](Reader::scan) them
//! in order, and makes [checkpoints](Reader::checkpoint), from which a later start goes on. [`Writer::retain`] lets go of old segments.
//!
//! It promises: what a commit or a `Stored` covers is there after any crash, in order, to the byte; and damage to it is never
//! passed over in silence. It does not know what a record means, keeps no queue, and removes only what it was told to let go of.
//!
//! # Files
//!
//! | File | What it is |
//! |---|---|
//! | `segment-0000000001`, … | the log; numbers without gaps; the last one may be prepared and not in use |
//! | `mark` | the high-water mark |
//! | `checkpoint-00000000000000000001`, … | what the log adds up to at the record of that number; the two newest are kept |
//! | `lock` | empty; its `flock` keeps a second process out |
//! | `*.unfinished` | a file in the making; removed at the next start |
//!
//! Other names are left alone. A segment is written full of zeros, synced, renamed to its name and the directory synced before
//! it is used, so that a commit overwrites allocated blocks and changes no metadata of the file system.
//!
//! # Format, version 2
//!
//! Integers are little-endian, reserved bytes are zero, hashes are SHA-256, checksums are CRC32C except a record's.
//!
//! **Segment header**, the first 128 bytes of a segment in use, zeros in one that is not:
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 8 | `ORIJRNL` LF |
//! | 8 | 2 | version, 2 |
//! | 10 | 2 | reserved |
//! | 12 | 4 | number of the key that payloads are sealed with; 0: none |
//! | 16 | 16 | identity of the journal, random |
//! | 32 | 8 | the segment's number |
//! | 40 | 8 | sequence number of the first record |
//! | 48 | 8 | length of the file: a multiple of 4096, from 4096 to 1 GiB |
//! | 56 | 32 | the chain's hash before: of the seal before, zeros in the first segment |
//! | 88 | 36 | reserved |
//! | 124 | 4 | checksum of bytes 0 to 123; it goes into every record's checksum |
//!
//! **Record**, one after another from byte 128:
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 8 | checksum: the first 8 bytes of the record's hash, each half XORed with its segment header's checksum |
//! | 8 | 3 | length of the payload, at most 1 MiB ([`PAYLOAD_BYTES_MAX`]) |
//! | 11 | 1 | kind: the caller's below 0xF0, the journal's own from there |
//! | 12 | 4 | how many records of the same commit come before this one |
//! | 16 | 8 | sequence number: 1, 2, 3, … |
//! | 24 | 32 | hash of the record before: the chain |
//! | 56 | | payload, padded with zeros to a multiple of 8 |
//!
//! A record's hash covers all its bytes behind the checksum, the link and the padding too. The hash is needed for the chain
//! anyway; that the checksum is a part of it saves a second pass over every byte, when storing and when reading.
//!
//! **Seal**, the last record of a segment that is full: kind 0xFF, the sequence number of the record to come, 16 bytes of payload:
//! the count of the segment's records and the first one's number. It is in the chain like any record. The hash it names is the
//! segment's: the chain runs over every byte of it but the checksums, which follow from the rest.
//! A seal is written only when the next segment is prepared, and the next segment's header, synced by itself, only when the seal
//! is synced.
//!
//! After the last record and after a seal there are only zeros.
//!
//! **Mark**, 8192 bytes with one slot at 0 and one at 4096, written in turn, so that a crash spoils one at most:
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 8 | `ORIMARK` LF |
//! | 8 | 2 | version, 2 |
//! | 10 | 6 | reserved |
//! | 16 | 16 | identity of the journal |
//! | 32 | 8 | generation, one more with each writing; even in the slot at 0 |
//! | 40 | 8 | everything up to this sequence number was durable |
//! | 48 | 8 | segment in use then; 0 while a journal is being made |
//! | 56 | 8 | where the log ended in it |
//! | 64 | 8 | oldest segment that is kept |
//! | 72 | 32 | hash of that record |
//! | 104 | 20 | reserved |
//! | 124 | 4 | checksum of bytes 0 to 123 |
//!
//! **Checkpoint**: a header, the contents of its sections one after another, a directory of 64 bytes a section, a footer, a hash.
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 8 | `ORICKPT` LF |
//! | 8 | 2 | version, 2 |
//! | 10 | 6 | reserved |
//! | 16 | 16 | identity of the journal |
//! | 32 | 8 | sequence number of the last record that it covers |
//! | 40 | 8 | the segment of that record |
//! | 48 | 8 | where the record lies in it: reading goes on there |
//! | 56 | 32 | hash of that record |
//! | 88 | 36 | reserved |
//! | 124 | 4 | checksum of bytes 0 to 123 |
//! | 128 | | contents |
//!
//! | Offset in a line of the directory | Bytes | |
//! |---|---|---|
//! | 0 | 32 | name of the section, UTF-8, padded with zeros |
//! | 32 | 4 | version of its contents, the caller's |
//! | 36 | 4 | reserved |
//! | 40 | 8 | where its contents begin in the file |
//! | 48 | 8 | their length |
//! | 56 | 8 | reserved |
//!
//! | Offset in the footer, the last 96 bytes | Bytes | |
//! |---|---|---|
//! | 0 | 8 | where the directory begins |
//! | 8 | 8 | how many sections there are |
//! | 16 | 8 | length of the file |
//! | 24 | 40 | reserved |
//! | 64 | 32 | SHA-256 of all that comes before |
//!
//! A checkpoint is made of durable records only. It is written under another name, synced, renamed, and the directory synced;
//! only then does the oldest of three go.
//!
//! The key number leaves room for encryption at rest: a payload would be ciphertext and tag, everything else as above.
//!
//! # Recovery
//!
//! [`Journal::open`] reads, then judges, then changes the disk.
//!
//! The newest checkpoint is read whole, its hash checked, and [restored](Replay::restore). If it is damaged, cannot be read or is
//! refused by the caller, the older one is tried, and then the whole log if it is kept from its first record; otherwise the start
//! ends with [`OpenError::NoCheckpoint`]. Which files were of no use and why is in the [`Report`]; damaged ones are removed.
//! With a checkpoint, everything from its record on is read, and that record must be there, to the byte. The segments before are
//! held to header, length and seal, and to following from one another; their records are checked when they are read, the index of
//! such a segment being made of all of them when the first one is wanted.
//!
//! A log that stops at a record which is not whole is cut
//! there, and the [`Report`] says so, only if all of this holds:
//!
//! - it is in the last segment in use;
//! - the mark does not say that the log went further;
//! - no whole record of a *later commit* follows anywhere in the segment. A commit is written only after the one before it was
//!   synced, so such a record shows that the missing one had been stored. Whole records of the same commit show nothing: of an
//!   unsynced write a crash keeps any part.
//!
//! Anything else is [`OpenError::Damaged`] with file, offset and reason, and nothing on disk is changed: a bad record before a good
//! one, a whole record with the wrong number or the wrong link (no crash makes those), a bad seal or header, data behind a seal, a
//! segment that is missing, foreign or of the wrong length, an end below the mark or below the checkpoint's record.
//!
//! What is cut is overwritten with zeros and synced before anything is appended, so none of it can be read later as a record; the
//! look-ahead would not mistake it either, as its commit began no later than the first record after the cut. The checksums of a
//! segment's records depend on its header's, which is different in each segment of each journal, so neither another segment's bytes nor
//! bytes that somebody sent as a message pass for a record.
//! What is kept of the last commit is written again and synced: it may have been read from memory only, and after a sync that
//! failed the system may call clean what it never wrote.
//!
//! # Letting go
//!
//! A segment goes when the caller [has let go](Writer::retain) of all its records, two checkpoints are kept, and it lies before the
//! segment of the older one's record. The mark, in both slots and synced, names the oldest segment that stays; then the files are
//! removed and the directory is synced. So whatever a start finds below is left over and is removed, and whatever it misses from
//! there on is damage. Traffic goes on meanwhile: the keeper's thread does it.
//!
//! # Blind spot
//!
//! A log alone cannot tell damage at its very end from a commit that a crash interrupted. Damage is *cut as a torn tail*, which the
//! report says, instead of refused, only if it reaches from the first damaged record through every later commit and the mark is
//! older than that record. The mark is persisted in the background [`Config::mark_interval`] (250 ms) after the first commit that
//! it does not cover, also when nothing more comes; at each start; and at each orderly end, after which there is no blind spot. So
//! what it bounds is: after a crash or a kill, damage that left nothing whole of the commits of the last quarter of a second (plus
//! the time of one write of the mark), or of the very last commit, passes for a torn tail.
//! A whole directory put back to an earlier state is not noticed from inside either.
//!
//! # Assumed of the disk
//!
//! A sync that succeeds tells the truth, and a power cut leaves every 512-byte sector either as it was or as it was being written,
//! as SQLite's *powersafe overwrite* has it: a commit overwrites the sector in which the one before it ended. [`Disk`] has the details.
//!
//! # Failing and filling up
//!
//! A sync that failed is never tried again, and nothing is written after it: [`CommitError::Failed`], [`Notice::Failed`]; the process
//! ends and recovers from the log. A full disk, in a write or while a segment is prepared, leaves the log as it was:
//! [`CommitError::Full`], and a later commit tries again, as the writer does by itself. A segment half made keeps the room that it has.

mod checkpoint;
mod chores;
mod disk;
mod error;
mod format;
mod hex;
mod index;
mod journal;
pub mod offline;
mod reader;
mod recover;
mod replay;
mod scan;
#[cfg(all(test, feature = "schedules"))]
#[expect(clippy::wildcard_enum_match_arm, reason = "a test that meets another variant fails and shows it")]
#[path = "tests/schedules.rs"]
mod schedules;
mod stage;
pub mod statement;
mod sync;
#[cfg(all(test, not(feature = "schedules")))]
#[expect(clippy::wildcard_enum_match_arm, reason = "a test that meets another variant fails and shows it")]
mod tests;
mod view;
mod walk;
#[cfg(test)]
mod weaken;
mod writer;

pub use checkpoint::{CheckpointError, CheckpointWriter};
pub use chores::Pruned;
pub use disk::{Disk, DiskFile, RealDisk};
pub use error::{AppendError, CommitError, Damage, Fault, OpenError, ReadError, ShutdownError};
pub use format::{Hash, JournalId, PAYLOAD_BYTES_MAX};
pub use journal::{Committed, Config, Cut, Journal, Report};
pub use reader::{Head, Reader, Record, SegmentInfo};
pub use replay::{Each, Entry, Replay, Section, each};
pub use walk::Scan;
pub use writer::{Batch, Notice, Writer, start};
