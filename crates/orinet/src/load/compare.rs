//! `orinet load compare`: two runs side by side.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use load::report::{FORMAT, Run, compare, html};

use super::write;
use crate::cli::{USAGE, failed, print_text};

/// Which runs.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The JSON of the first run
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The JSON of the second run
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Also write a page with both
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let runs = read(&arguments.first).and_then(|first| Ok((first, read(&arguments.second)?)));
    let (first, second) = match runs {
        Ok(runs) => runs,
        Err(error) => return failed(USAGE, error.as_ref()),
    };
    print_text(&compare::table(&first, &second));
    let written = arguments.html.as_ref().map_or(Ok(()), |path| write(path, &html::comparison(&first, &second)));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(1, error.as_ref()),
    }
}

fn read(path: &Path) -> anyhow::Result<Run> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let run: Run = serde_json::from_str(&text).with_context(|| format!("{} is no run of a load", path.display()))?;
    ensure!(run.format == FORMAT, "{} has format {}, this orinet reads {FORMAT}", path.display(), run.format);
    Ok(run)
}
