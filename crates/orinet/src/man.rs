//! `orinet man`: a manual page for `orinet` and for each of its commands, made from what `--help` says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use crate::cli::{Cli, USAGE, failed};

/// Writes manual pages of section 1: `orinet.1`, and `orinet-COMMAND.1` for each command.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The directory for them, made if it is not there: for `man` to find them, a `man1` of its path
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match write(&arguments.out) {
        Ok(count) => {
            say!("{count} pages in {}", arguments.out.display());
            ExitCode::SUCCESS
        }
        Err(error) => failed(USAGE, error.as_ref()),
    }
}

/// Writes all pages and says how many.
fn write(directory: &Path) -> anyhow::Result<usize> {
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    // Every command then bears its whole name, and the options that all have. No page for `help`.
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = vec![root];
    let mut count = 0;
    while let Some(command) = pages.pop() {
        pages.extend(command.get_subcommands().filter(|one| !one.is_hide_set()).cloned());
        let man = Man::new(command).manual("orinet");
        let file = directory.join(man.get_filename());
        let mut page = Vec::new();
        man.render(&mut page)?;
        fs::write(&file, page).with_context(|| format!("{} cannot be written", file.display()))?;
        count += 1;
    }
    Ok(count)
}
