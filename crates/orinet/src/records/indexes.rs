//! The indexes that a command works on: files, or every index of a directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use records::Holdings;

/// Which indexes.
#[derive(Debug, Args)]
pub(super) struct Indexes {
    /// An index, or a directory whose `.idx` files are meant; may be given several times
    #[arg(long = "index", value_name = "FILE", required = true)]
    paths: Vec<PathBuf>,
}

impl Indexes {
    /// The files, in the order given; those of a directory by name.
    pub(super) fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for path in &self.paths {
            if path.is_dir() {
                files.extend(of_directory(path)?);
            } else {
                files.push(path.clone());
            }
        }
        Ok(files)
    }

    pub(super) fn open(&self) -> anyhow::Result<Holdings> {
        let files = self.files()?;
        Holdings::open(&files).map_err(|(place, error)| {
            let file = files.get(place).map_or_else(String::new, |file| file.display().to_string());
            anyhow::Error::new(error).context(format!("the record index {file} cannot be used"))
        })
    }
}

fn of_directory(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path).with_context(|| format!("the directory {} cannot be read", path.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "idx") {
            files.push(file);
        }
    }
    if files.is_empty() {
        bail!("the directory {} holds no index: none of its files ends in .idx", path.display());
    }
    files.sort();
    Ok(files)
}
