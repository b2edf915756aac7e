//! The person index: build, map, look up, rank. Knows no wire format, no clock and no network.
//!
//! - [`synth`] makes persons: any one alone, the same for the same seed and number.
//! - [`build()`] and [`Builder`] turn persons into one immutable file; [`Index::open`] maps it and checks each page when it is
//!   first read.
//! - [`Index::search`] finds by name and date of birth in spite of the usual errors, and by any number; it says how likely
//!   each candidate is the person and why ([`Candidate::reasons`]). The work of one query is bounded.
//! - [`known`](known()) picks persons to ask for from an index, and proves them by searching.
//!
//! ```
//! use records::{Index, Query, synth};
//!
//! let index = Index::from_bytes(records::build_bytes(synth::persons(7, 1_000))?)?;
//! let person = synth::person(7, 12);
//! let query = Query { surname: person.surname, given: person.given, born: person.born, ..Query::default() };
//! let found = index.search(&query, 10)?;
//! assert_eq!(found.candidates[0].person.alien_number, person.alien_number);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The file
//!
//! Numbers are little-endian. Sections lie in this order, each from a page (4,096 bytes) on, filled up with zeros.
//!
//! | Part | Bytes | Holds |
//! |---|---|---|
//! | header | 64 | mark, format, phonetic version and fingerprint, number of sections, records, rows, file length, rows without a day, first day, sources, CRC32C of header, table and page checksums |
//! | section table | 24 each | kind, offset, length |
//! | 1 name text | | the distinct parts of names, sorted, one after the other |
//! | 2 names | 16 each | where each ends in the name text, how many rows have it as surname and as given name, its letters; its place here is its id |
//! | 3 letters | 8 each | for A to Z the first id, and how many rows have a given name with that letter first |
//! | 4 neighbor starts | 4 each | where each bucket of neighbors begins |
//! | 5 neighbors | 4 each | ids of names by the hashes of what is left without one letter, of their sounds, skeletons and stems |
//! | 6 near name starts | 4 each | where each name's list begins |
//! | 7 near names | 4 each | ids of the names near a frequent one, and how near |
//! | 8 near name counts | 16 each | how many rows have names so near, by nearness |
//! | 9 full records | | compressed blocks of 8 records |
//! | 10 full record blocks | 8 each | where each block ends |
//! | 11 keys | 8 each | a row's surname and given name, sex and country of birth; by day of birth, then by names |
//! | 12 further name starts | 4 each | the first further name of each 16 rows |
//! | 13 further names | 3 each | second surname and middle name of the rows that have one |
//! | 14 days | 4 each | the first row of each day |
//! | 15 name starts | 4 each | the first entry of each surname |
//! | 16 name entries | 8 each | given name, day and place in the day of a row, sorted within its surname |
//! | 17 numbers | 6 each | hash of a number, and its row |
//! | 18 number starts | 4 each | where each bucket of numbers begins |
//! | 19 compression dictionary | | what blocks were compressed with |
//! | 20 page checksums | 4 each | CRC32C of each page from the second on |
//!
//! A *row* is a record under one of its names. Names are kept as *parts*: letters A–Z alone, at most two of a surname,
//! each with its particles. Whatever a query asks is thus compared by numbers of 24 bits; the names near an asked one are
//! found in the dictionary, not among the records.

mod build;
mod columned;
mod day;
mod delta;
mod encode;
pub mod evaluate;
mod format;
mod hash;
mod holdings;
mod identifier;
mod index;
mod kin;
mod known;
mod live;
mod map;
mod mistakes;
mod name;
mod neighbor;
mod number;
mod pages;
mod person;
mod phonetic;
pub mod queries;
mod search;
mod skeleton;
pub mod source;
mod sources;
mod status;
mod store;
pub mod synth;

pub use build::{BuildError, BuildOptions, Builder, Built, Stage, build, build_bytes};
pub use delta::{Additions, Delta, DeltaError, Replaced};
pub use holdings::{Holdings, OpenError, files};
pub use identifier::{Identifier, IdentifierKind, ShortText};
pub use index::{Index, IndexError, Stats};
pub use known::{Known, known};
pub use live::Live;
pub use name::fold;
pub use person::{
    Admission, AdmissionClass, Alias, AlienNumber, Detail, Field, NotAnAlienNumber, Person, Place, Reference, Sex,
    Source,
};
pub use search::{Agreement, Candidate, Class, Found, Part, Query, Reason, Settings, Thresholds};
pub use sources::Sources;
pub use status::Status;
