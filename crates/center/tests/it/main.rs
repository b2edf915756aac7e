//! The center as its driver sees it.

mod crash;
mod rules;
