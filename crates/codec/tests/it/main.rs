//! What the codec must do, seen from outside: fixtures with their readings, refusals, round trips, the fuzz corpus.

mod corpus;
mod fixtures;
mod niem;
mod ofml;
mod pages;
mod refusals;
mod round_trip;

/// The project's root.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The day on which all these tests happen.
const TODAY: jiff::civil::Date = jiff::civil::date(2030, 1, 31);
