//! `orinet records build`: an index from an export of a source.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use records::source::{ReadError, read};
use records::{Additions, BuildError, BuildOptions, Builder, Person, Replaced, Sources};

use super::exports::Reading;
use super::progress::Progress;
use crate::cli::{USAGE, failed};

/// Builds the index of a source from its export. The same export gives the same bytes. The index replaces one of the
/// same name at once, when it is whole.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The export: CSV, as it is or compressed by zstd; may be given several times
    #[arg(long = "in", value_name = "FILE", required = true)]
    inputs: Vec<PathBuf>,
    /// The index
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How much memory the build keeps to, in MiB, whatever the input; the names themselves come on top
    #[arg(long, value_name = "MIB", default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(64..))]
    memory: u32,
    /// Where temporary files go; beside the index if it is not given
    #[arg(long, value_name = "DIR")]
    temporary: Option<PathBuf>,
    /// Fold in the records of the sources read that were added since (`orinet records add`), in place of those that they
    /// change, and take them out of this log when the index is on disk. Searches that run go over to the new index
    #[arg(long, value_name = "FILE")]
    added: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// What ends a build.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Build(#[from] BuildError),
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match build(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_usage = matches!(error.downcast_ref(), Some(Failed::Read(ReadError::Header { .. })));
            failed(if is_usage { USAGE } else { 1 }, error.as_ref())
        }
    }
}

fn build(arguments: &Arguments) -> anyhow::Result<()> {
    let began = Instant::now();
    let options =
        BuildOptions { memory_bytes: (arguments.memory as usize) << 20, temporary: arguments.temporary.clone() };
    let builder = Builder::new(&arguments.out, &options);
    let mut additions = arguments.added.as_ref().map(|path| Additions::open(path)).transpose()?;
    let added = additions.as_mut().map_or_else(|| Ok(Vec::new()), Additions::persons)?;
    let (replaced, mut rejected, mut sources) = (Replaced::by(&added), 0, Sources::NONE);
    for input in &arguments.inputs {
        let bytes = input.metadata().with_context(|| format!("the export {} cannot be read", input.display()))?.len();
        let progress = Progress::new(bytes, "bytes read");
        let read = read(input, &arguments.reading.options(), |chunk| {
            progress.at(chunk.read_bytes);
            sources = chunk.persons.iter().fold(sources, |all, person| all.with(person.source));
            Ok::<(), Failed>(builder.add(chunk.persons.iter().filter(|person| !replaced.has(person)))?)
        })?;
        rejected += read.rejected;
    }
    // Of the sources that the index is of: those that were read, or the one that was named.
    sources = arguments.reading.options().source.map_or(sources, |source| sources.with(source));
    let is_folded = |person: &Person| sources.has(person.source);
    builder.add(added.iter().filter(|person| is_folded(person)))?;
    let progress = Progress::new(0, "rows written");
    let built = builder.finish(&arguments.out, &mut |stage, done, of| progress.at_of(stage_name(stage), done, of))?;
    drop(progress);
    if let Some(additions) = additions {
        additions.forget(is_folded)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    say!(
        "{} records, {} rows that are none, {} names, {:.1} MB in {seconds:.1} s",
        built.records,
        rejected,
        built.names,
        built.bytes as f64 / 1e6
    );
    Ok(())
}

const fn stage_name(stage: records::Stage) -> &'static str {
    match stage {
        records::Stage::Rows => "rows written",
        records::Stage::Names => "entries by name",
        records::Stage::Numbers => "numbers",
    }
}
