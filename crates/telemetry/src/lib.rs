//! Metric and log definitions in one place.
//!
//! The switch says what happened as values ([`switch_core::Observation`], [`link::listener::ListenerEvent`]), the support
//! center as a [`CenterEvent`]; one
//! `match` here turns each into its metric and its log line. No personal data can get into either: the values hold none.
//! Labels come from closed sets: stations of the network, message keys of the dictionary, reasons.

mod center;
mod disk;
mod journal;
pub mod logs;
mod metrics;
mod operators;
mod page;
pub mod reference;
mod switch;

pub use center::{CenterEvent, CenterMetrics};
pub use journal::{JournalEvent, JournalTelemetry};
pub use metrics::Metrics;
pub use page::{Definition, Kind, Label, Page, Unit, Values};
pub use switch::SwitchTelemetry;
