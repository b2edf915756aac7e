//! The person index: build, map, look up, rank. Knows no wire format, no clock and no network.
//!
//! - [`synth`] makes persons: any one alone, the same for the same seed and number.
//! - [`build`] turns persons into one immutable file; [`Index::open`] checks every byte of it and maps it.
//! - [`Index::search`] finds by name and date of birth, exactly and by sound, and by alien number; it ranks what it
//!   found and says why ([`Candidate::reasons`]). The work of one query is bounded.
//! - [`known`](known()) picks persons to ask for from an index, and proves them by searching.
//!
//! ```
//! use records::{Index, Query, synth};
//!
//! let index = Index::from_bytes(records::build_bytes(synth::persons(7, 1_000))?)?;
//! let person = synth::person(7, 12);
//! let query = Query { surname: person.surname, given: person.given, born: person.born, ..Query::default() };
//! let found = index.search(&query, 10);
//! assert_eq!(found.candidates[0].person.alien_number, person.alien_number);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The file
//!
//! Numbers are little-endian. Sections lie back to back in this order; nothing lies between or behind them.
//!
//! | Part | Bytes | Holds |
//! |---|---|---|
//! | header | 64 | mark, format, phonetic version and fingerprint, number of sections, records, file length, CRC32C of header and table |
//! | section table | 24 each | kind, CRC32C, offset, length |
//! | 1 name text | | the distinct names, sorted, one after the other |
//! | 2 name ends | 4 each | where each name ends in the name text; a name's place here is its id |
//! | 3 codes | 12 each | phonetic code and a block in which a surname has it, sorted |
//! | 4 block ends | 4 each | the record behind each block's last |
//! | 5 keys | 16 each | a record's day of birth and name ids, in the order block, day, names, number |
//! | 6 details | 40 each | the rest of the record, in the same order |
//! | 7 numbers | 8 each | alien number and record, sorted |
//!
//! A *block* is all records whose surname (its first part, if it has several) has the same primary phonetic code, so
//! that one name and date of birth are one or a few short runs of neighboring keys.

mod agreement;
mod builder;
mod day;
mod format;
mod index;
mod known;
mod map;
mod name;
mod person;
mod phonetic;
mod search;
mod status;
pub mod synth;

pub use agreement::{Agreement, Part, Reason};
pub use builder::{BuildError, Built, build, build_bytes};
pub use index::{Index, IndexError};
pub use known::{Known, known};
pub use name::fold;
pub use person::{Admission, AdmissionClass, AlienNumber, NotAnAlienNumber, Person, Place, Reference, Sex, Source};
pub use search::{Candidate, Class, Found, Query};
pub use status::Status;
