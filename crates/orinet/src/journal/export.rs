//! `orinet journal export`: what happened in a range of time, for those who audit, and what went, for those who replay.

mod effects;
mod events;
mod messages;

use std::fs::OpenOptions;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use codec::time::Timestamp;
use journal::ReadError;
use journal::offline::{Look, read_salvaged};
use switch_core::reading::{Reading, read};

use super::directory;
use super::moment::{FORMS, Typed};
use crate::cli::{USAGE, failed};

/// What is written, and where.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct Arguments {
    /// What happened at this time or later
    #[arg(long, value_name = "TIME")]
    begin: Option<Typed>,
    /// What happened before this time
    #[arg(long, value_name = "TIME")]
    end: Option<Typed>,
    /// What is written
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Json)]
    form: Form,
    /// With the text of messages, which may be about persons
    #[arg(long)]
    bodies: bool,
    /// A new file, for its owner alone; standard output where it is left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What a repair cut off, from its file salvaged.jsonl, in place of the journal; as JSON only
    #[arg(long, value_name = "FILE")]
    salvaged: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A JSON object for each thing that happened: messages, deliveries, links, acts
    Json,
    /// The copies that were delivered, as they went; needs --bodies
    Messages,
}

fn help() -> String {
    format!(
        "Times are {FORMS}.\n\n\
         json: \"event\" says what happened: accepted, refused, notice, delivered, returned, repeated, answered, link, act, sent again, overdue. \"at\" is \
         UTC to the microsecond. Where from: \"link\", and \"from\" and \"certificate\" of it as far as the journal still has them. \
         \"changes\" of a message or an act: the directory, help files, states, hit confirmations, what operators control. \
         The last line is {{\"event\":\"end\"}} with a count: without it the export is not whole.\n\n\
         messages: for each copy a line `copy PLACE DELIVERY STATION TIME BYTES`, a line feed, so many bytes as they went, a line \
         feed; at the end a line `end COUNT`. Lines end in CR LF DEL. The stamp of the third line of a message is when the copy was acknowledged."
    )
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("cannot write to {0}")]
    Write(String, #[source] io::Error),
    #[error("the journal cannot be read")]
    Journal(#[from] ReadError),
    #[error("messages are written with their texts only: add --bodies")]
    Bodies,
    #[error("{0} cannot be read")]
    Salvaged(String, #[source] io::Error),
    #[error("salvaged records are written as JSON only")]
    SalvagedForm,
    #[error("record {0} is none of this version's switch")]
    Unreadable(u64),
}

pub(crate) fn run(data: &Path, arguments: &Arguments) -> ExitCode {
    if arguments.form == Form::Messages && !arguments.bodies {
        return failed(USAGE, &ExportError::Bodies);
    }
    let source = match &arguments.salvaged {
        Some(_) if arguments.form == Form::Messages => return failed(USAGE, &ExportError::SalvagedForm),
        Some(file) => Source::Salvaged(file),
        None => match Look::open(&directory(data)) {
            Ok(look) => Source::Journal(Box::new(look)),
            Err(error) => return failed(1, &error),
        },
    };
    match export(&source, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(1, &error),
    }
}

/// Where records come from.
enum Source<'a> {
    Journal(Box<Look>),
    /// The file that a repair has written.
    Salvaged(&'a Path),
}

fn export(source: &Source<'_>, arguments: &Arguments) -> Result<(), ExportError> {
    let name = arguments.out.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    let result = match &arguments.out {
        None => write(source, arguments, &mut BufWriter::new(io::stdout().lock())),
        Some(path) => {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            file.map_err(Stop::Write).and_then(|file| {
                let mut out = BufWriter::new(file);
                write(source, arguments, &mut out)?;
                out.get_ref().sync_all().map_err(Stop::Write)
            })
        }
    };
    match result {
        Ok(()) => Ok(()),
        // A reader who has gone, as `head` goes, has what it wanted.
        Err(Stop::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(Stop::Write(error)) => Err(ExportError::Write(name, error)),
        Err(Stop::Journal(error)) => Err(error.into()),
        Err(Stop::Salvaged(name, error)) => Err(ExportError::Salvaged(name, error)),
        Err(Stop::Unreadable(sequence)) => Err(ExportError::Unreadable(sequence)),
    }
}

/// What ends an export early.
#[derive(Debug)]
pub(crate) enum Stop {
    Write(io::Error),
    Journal(ReadError),
    Salvaged(String, io::Error),
    Unreadable(u64),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Journal(error)
    }
}

/// The range of time that is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    begin: Timestamp,
    end: Timestamp,
}

impl Range {
    pub(crate) fn has(&self, time: Timestamp) -> bool {
        self.begin <= time && time < self.end
    }
}

fn write(source: &Source<'_>, arguments: &Arguments, out: &mut impl Write) -> Result<(), Stop> {
    let range = Range {
        begin: arguments.begin.map_or(Timestamp(i64::MIN), |typed| typed.0),
        end: arguments.end.map_or(Timestamp(i64::MAX), |typed| typed.0),
    };
    match (arguments.form, source) {
        (Form::Json, source) => {
            let mut events = events::Events::new(out, range, arguments.bodies);
            let mut take = |sequence, reading| events.record(sequence, &reading);
            match source {
                Source::Journal(look) => each_record(look, &mut take)?,
                Source::Salvaged(file) => each_salvaged(file, &mut take)?,
            }
            events.end()?;
        }
        // Refused before.
        (Form::Messages, Source::Salvaged(_)) => {}
        (Form::Messages, Source::Journal(look)) => {
            let mut messages = messages::Messages::new(out, look, range);
            each_record(look, &mut |sequence, reading| messages.record(sequence, reading))?;
            messages.end()?;
        }
    }
    Ok(out.flush()?)
}

/// Hands every record to `take`, from the first that is kept: what happened before the range says where from.
fn each_record(look: &Look, take: &mut dyn FnMut(u64, Reading) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut state = ControlFlow::Continue(());
    let stopped = std::cell::Cell::new(false);
    look.scan(look.first_sequence(), &mut || !stopped.get(), &mut |entry| {
        let taken = read(entry.sequence, entry.kind, Bytes::copy_from_slice(entry.payload))
            .map_err(|_| Stop::Unreadable(entry.sequence))
            .and_then(|reading| take(entry.sequence, reading));
        if let Err(stop) = taken {
            state = ControlFlow::Break(stop);
            stopped.set(true);
        }
    })?;
    match state {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(stop) => Err(stop),
    }
}

/// Hands every salvaged record to `take`.
fn each_salvaged(file: &Path, take: &mut dyn FnMut(u64, Reading) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut stop = None;
    let read = read_salvaged(file, &mut |entry| {
        if stop.is_none() {
            let taken = read(entry.sequence, entry.kind, Bytes::copy_from_slice(entry.payload))
                .map_err(|_| Stop::Unreadable(entry.sequence))
                .and_then(|reading| take(entry.sequence, reading));
            stop = taken.err();
        }
    });
    read.map_err(|error| Stop::Salvaged(file.display().to_string(), error))?;
    stop.map_or(Ok(()), Err)
}
