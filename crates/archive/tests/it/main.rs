//! The search file against plain reading of the same records, and against what happens to files.

mod file;
mod filters;
mod list;
mod naive;
mod pages;
mod retention;
mod texts;
mod traffic;
