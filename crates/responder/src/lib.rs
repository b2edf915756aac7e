//! The processes that answer: the support center, and stations that only attach.
//!
//! ```text
//!            bytes ──► inquiry ──► decision ──► answer ──► bytes      no I/O, no clock
//!                                     ▲           ▲
//!                               record index   templates
//!
//!  switch ◄──► link ◄──► station ◄──► lesc | attach                  tasks, time, log
//! ```
//!
//! - [`inquiry`], [`decision`], [`answer`] and [`template`] are pure: what is said is a function of what was asked and
//!   what is on record. [`answer`] tells how an inquiry is answered once, whatever crashes.
//! - [`sources`] says what is asked over the network and what the answers mean, [`policy`] what a center's configuration,
//!   [`config`], holds.
//! - [`lesc`] is the support center, [`attach`] a station that takes what comes and says so in its log.
//! - [`ncic`] is the stand-in of NCIC and III, with an immigration violator file that lasts; [`history`] makes the
//!   criminal histories that it tells.
//! - [`book`] is the journal of the center's other duties: detainers, calls, lists.
//! - [`state`] is the stand-in of a state's identification bureau, as slow and as faulty as it is told to be.
//!
//! With a directory of its own (`--data`) the center keeps every inquiry in a journal and [`lesc`] drives the state machine of
//! the crate `center`; without one it keeps nothing and answers as [`answer`] tells.
//!
//! Without a journal the center answers every inquiry by itself, without a technician.
//!
//! No log line and no error holds anything of a body: key, ORI, size and counts are all that is told of a message.

pub mod answer;
mod asked;
pub mod attach;
pub mod book;
pub mod config;
pub mod decision;
mod desk;
pub mod history;
pub mod inquiry;
pub mod lesc;
mod log;
pub mod ncic;
pub mod page;
mod people;
pub mod policy;
pub mod sources;
pub mod state;
mod station;
pub mod template;
