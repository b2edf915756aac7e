//! Exports of sources: reading those of any agency, and writing our own.
//!
//! An export is a CSV file, as it is or compressed (zstd), with a line of names on top. Columns are taken by their
//! names in any order ([`Column`]); dates and names come in many forms. What cannot be read as a record goes to a
//! reject file with its line and the reason, and the rest is read; too many rejects are an error.
//!
//! ```
//! use records::source::{Options, read_bytes};
//!
//! let export = "LastName,FirstName,DOB,A-Number,Status\n\
//!     SAMPLE,PERSON,01/02/1980,A 000-000-001,PermanentResident\n";
//! let options = Options { source: Some(records::Source::Cis), ..Options::default() };
//! let mut persons = Vec::new();
//! let read = read_bytes(export.as_bytes(), &options, |chunk| {
//!     persons.extend(chunk.persons);
//!     Ok::<(), records::source::ReadError>(())
//! })?;
//! assert_eq!((read.records, read.rejected, persons[0].surname.as_str()), (1, 0, "SAMPLE"));
//! # Ok::<(), records::source::ReadError>(())
//! ```

mod chunks;
mod column;
mod date;
mod header;
mod read;
mod rejects;
mod row;
mod write;

pub use column::Column;
pub use date::DateOrder;
pub use header::HeaderError;
pub use read::{Chunk, Options, Read, ReadError, read, read_bytes};
pub(crate) use row::split_row;
pub use row::{Reject, RejectReason};
pub use write::{Layout, Writer};
pub(crate) use write::{push_day, push_text};
