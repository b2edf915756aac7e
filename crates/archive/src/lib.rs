//! Search over the journal: which messages there were, who sent them to whom and when, what they said, what became of them.
//!
//! The journal is the truth and stays alone with it. This crate keeps a second, disposable file beside it, an SQLite database
//! with a full-text index, that [`Archive::fill`] makes follow the journal and that [`Searcher`] asks. It holds no text of a
//! message, only which words it had; texts are read from the journal ([`full`]). A file that is missing, damaged, of another
//! version or another journal's is thrown away and filled again: nothing is lost with it but time.
//!
//! ```text
//! journal ──► Source ──► Archive::fill ──► search.sqlite3 ──► Searcher::search ──► Page of Hits
//!    │                   (one writer)       (WAL: many readers)                        │
//!    └───────────────────────────── full::of_hit ◄─────────────────────────────────────┘
//! ```
//!
//! A query costs what it returns, not what the file holds: every filter but time is a list of ids in the index, in the
//! order of the journal, and time is a range of ids. The lists are intersected from the end that is asked for, and that
//! stops at the last hit of the page. The file is read in place; a query needs the memory of its page and a few MiB.
//!
//! # What it does not do
//!
//! - It does not vouch for itself. A bit that flips in it is noticed where it breaks the database's structure, else a hit may
//!   be missing or wrong: the journal decides, and `orinet journal reindex` builds the file anew.
//! - It does not keep order in words: all words of a question have to be there, in any order. There are no phrases, no
//!   beginnings of words, no similar names.
//! - It opens no journal: whoever has one hands it in as a [`Source`].

mod enter;
mod error;
mod fill;
pub mod full;
mod query;
mod reading;
mod search;
mod source;
mod store;
mod summary;
pub mod text;
mod words;

pub use error::{Discarded, Error};
pub use fill::{Archive, Budget, Filled, SHARD_ROWS};
pub use full::Full;
pub use query::{Cursor, CursorError, LIMIT_MAX, Page, Query};
pub use search::{Position, Searcher};
pub use source::{FILE, Source, file_in};
pub use summary::{CopySummary, Fate, Hit, Standing, Summary};
