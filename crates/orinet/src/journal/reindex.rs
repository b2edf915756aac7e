//! `orinet journal reindex`: makes the search file anew; and how it is brought up to date.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use archive::{Archive, Budget, Discarded, Error, Searcher};
use clap::Args;
use journal::offline::Look;

use super::directory;
use crate::cli::failed;

/// The switch must not run: while it does, it fills the file itself.
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(data: &Path, _arguments: &Arguments) -> ExitCode {
    let look = match Look::open(&directory(data)) {
        Ok(look) => look,
        Err(error) => return failed(1, &error),
    };
    match reindex(data, &look) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(1, &error),
    }
}

fn reindex(data: &Path, look: &Look) -> Result<(), Error> {
    let began = Instant::now();
    let path = archive::file_in(data);
    let mut archive = Archive::open(&path)?;
    archive.discard(Discarded::Asked);
    catch_up(&mut archive, look, false)?;
    drop(archive);
    let messages = Searcher::open(&path)?.position()?.messages;
    say!("{} messages in {:.1} s", messages, began.elapsed().as_secs_f64());
    Ok(())
}

/// No one waits for a transaction here.
const BUDGET: Budget = Budget { records: 20_000, time: Duration::from_secs(1) };
/// Progress is worth a line this often.
const TELL: Duration = Duration::from_secs(2);

/// Fills in what the journal has and the file has not; says how far it is, where that takes long.
pub(crate) fn catch_up(archive: &mut Archive, look: &Look, quiet: bool) -> Result<(), Error> {
    let (mut told, first) = (Instant::now(), look.first_sequence());
    loop {
        let filled = archive.fill(look, BUDGET)?;
        if let Some(why) = filled.rebuilt.filter(|why| !quiet && *why != Discarded::Asked) {
            say!("the search file is made anew: {why}");
        }
        if filled.behind == 0 {
            return Ok(());
        }
        if !quiet && told.elapsed() >= TELL {
            told = Instant::now();
            let (done, all) =
                (filled.through.saturating_sub(first) + 1, look.stored_through().saturating_sub(first) + 1);
            say!("filled {} of {} records, {} %", done, all, done * 100 / all.max(1));
        }
    }
}
