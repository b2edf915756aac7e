//! The center as its driver sees it.

mod crash;
mod duties;
mod report;
mod rules;
