//! The indexes that a command works on: files, or every index of a directory.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use records::{Holdings, Live, OpenError};

/// Which indexes.
#[derive(Debug, Args)]
pub(super) struct Indexes {
    /// An index, or a directory whose `.idx` files are meant; may be given several times
    #[arg(long = "index", value_name = "FILE", required = true)]
    paths: Vec<PathBuf>,
    /// The log of records added since the indexes were built (`orinet records add`)
    #[arg(long, value_name = "FILE")]
    added: Option<PathBuf>,
}

impl Indexes {
    pub(super) fn open(&self) -> Result<Arc<Holdings>, OpenError> {
        Live::open(self.paths.clone(), self.added.clone())?.holdings()
    }
}
