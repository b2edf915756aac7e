//! `orinet send`: as a station, sends messages and prints what comes back.
//!
//! It calls through [`link::dialer`], not over one connection of its own: a link that is lost is made again, what was
//! not acknowledged is sent again with the same validation, so that the switch admits it once, and answers that came
//! meanwhile are fetched. A connection alone would leave whoever waits not knowing whether to send again. Being a
//! command and no service, it gives up where a service would try for ever: if the first call comes to nothing, if the
//! switch refuses the certificate, if links are closed time and again before anything has come over them, and if
//! nothing that is waited for has come for `--timeout`.
//!
//! What a file holds is sent as it was written, to the byte; nothing is checked or added before. A form or a row of a
//! table is made into a message first, and checked by the rules of the dictionary ([`form`]). Answers are known by their
//! control field: one that is used again takes the answers that an earlier run did not wait for for its own. See
//! [`exchange::Exchange::received`] for what belongs to what. Everything that comes is acknowledged once it is printed, since
//! whoever is a station takes what there is for it.

mod exchange;
mod expect;
mod form;
mod input;
mod links;
mod report;
pub(crate) mod station;
mod table;
mod talk;
mod tap;
mod text;

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use clap::Args;
use codec::block::{Block, FrameError};
use codec::name::{Control, MessageKey};
use jiff::Timestamp;
use jiff::tz::Offset;
use link::dialer::{self, DialerEvent, LinkState, SendError, StationLink, dialer};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::expect::{Expectations, Pattern, span};
use self::form::{Filled, FormError, Making};
use self::report::Report;
use self::station::StationArguments;
use self::table::TableError;
use self::talk::{Patience, Talk};
use self::tap::{Tap, Way};
use crate::cli::{USAGE, failed};
use crate::switch::stop_on_signals;

/// Who sends what, and what to wait for.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    #[command(flatten)]
    station: StationArguments,
    /// Make a message of this key from fields: --form IAQ NAM="SAMPLE, A" DOB=19800102 ...
    #[arg(long, value_name = "KEY")]
    form: Option<MessageKey>,
    /// Make a message from each row of a table, a column for each field; `-` for standard input
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Send a form or table also where the dictionary's rules refuse it, to see the switch do so
    #[arg(long)]
    unchecked: bool,
    /// Send nothing: wait for what is expected
    #[arg(long, conflicts_with_all = ["form", "csv", "words"])]
    listen: bool,
    /// Wait for a message of this key whose body holds this text; may be given again, for each one that is to come
    #[arg(long, value_name = "KEY[:TEXT]")]
    expect: Vec<Pattern>,
    /// No message of this key and text, or none at all, may come
    #[arg(long, value_name = "KEY[:TEXT]", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    expect_none: Vec<Pattern>,
    /// How long after the last message sent what is expected may take, as 500ms, 5s or 2m [default: that of --timeout]
    #[arg(long, value_name = "TIME", value_parser = span)]
    within: Option<Duration>,
    /// Give up once nothing that is waited for has come for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Print JSON: an object a line for each message with its answers, and for all else that comes
    #[arg(long, conflicts_with = "raw")]
    json: bool,
    /// Also print each block that is sent and received
    #[arg(long)]
    raw: bool,
    /// A file for each message; none, or `-`, for standard input. With --form or --csv: fields
    #[arg(value_name = "FILE|NAME=VALUE")]
    words: Vec<String>,
}

const ABOUT: &str = "\
Each file is sent as it was written, but for one newline at its end. On standard input a line that holds only ---
stands between two messages.

With --form and --csv a message is made of fields, named by prefix or label (NAM, \"Date of birth\"), and checked
before anything is sent. TO, FROM, CONTROL and TEXT are not fields: where it goes (lines and ORIs with spaces between,
where the key has no usual one), as which agency it is sent (else as the station), its control field (else a new one;
empty for none), and the body of a key that is text. In a table the column KEY says what a row is, if --form does not;
what is given beside --csv holds for all rows. docs/send.md has examples.

Waits for the acknowledgement of each message and for the answers that its key has, as the two IAR to an IAQ; with
--expect or --expect-none for those instead. Answers are known by their control field: use a new one for each message.
Everything that comes for the station is printed and acknowledged, control characters as \\xNN.

Exit codes:
   0  all were acknowledged and answered; with --expect or --expect-none: it came as expected
   1  there was no link, or it could not be kept
   2  a message was refused: a negative acknowledgement, ER, SM 01 or SM 04
   3  an acknowledgement or an answer did not come in time
   4  what was expected did not come, or what was not expected came
  64  wrong usage
  65  a form or a row is refused by the dictionary's rules; nothing was sent";

/// A form or table that is refused (the `EX_DATAERR` of `sysexits.h`).
const DATA: u8 = 65;

/// How a run ended that had a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Done = 0,
    Refused = 2,
    Unanswered = 3,
    Unexpected = 4,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let config = match arguments.station.dialer() {
        Ok(config) => config,
        Err(error) => return failed(USAGE, &error),
    };
    let messages = match messages(arguments) {
        Ok(messages) => messages,
        Err(error) => {
            let data = error.is::<FormError>() || error.is::<TableError>();
            return failed(if data { DATA } else { USAGE }, error.as_ref());
        }
    };
    match send(arguments, config, messages) {
        Ok(ending) => ExitCode::from(ending as u8),
        Err(error) => failed(1, error.as_ref()),
    }
}

/// What is to be sent, whole and checked.
fn messages(arguments: &Arguments) -> anyhow::Result<Vec<Bytes>> {
    if arguments.listen {
        if arguments.expect.is_empty() && arguments.expect_none.is_empty() {
            return Err(anyhow!("--listen needs an --expect or --expect-none to wait for"));
        }
        return Ok(Vec::new());
    }
    if arguments.form.is_none() && arguments.csv.is_none() {
        let files: Vec<PathBuf> = arguments.words.iter().map(PathBuf::from).collect();
        return input::read(&files);
    }
    let mut filled = Filled::default();
    arguments.words.iter().try_for_each(|word| filled.assign(word))?;
    let from = arguments.station.name;
    let today = Offset::constant(STAMP_OFFSET_HOURS).to_datetime(Timestamp::now()).date();
    let making = Making { from: from.as_str(), today, checked: !arguments.unchecked };
    let mut controls = controls(RandomState::new().build_hasher().finish());
    let Some(file) = &arguments.csv else {
        let key = arguments.form.context("there is a form")?;
        return Ok(vec![form::make(key, &filled, controls(), making)?]);
    };
    let table: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).with_context(|| format!("{} cannot be read", file.display()))?)
    };
    Ok(table::read(table, arguments.form, &filled, controls, making)?)
}

/// The day of a switch that stamps as usual (`protocol-specs/wire.md` 2.2).
const STAMP_OFFSET_HOURS: i8 = -7;

/// Control fields that nobody has used: ten letters and digits each, the first an S.
fn controls(seed: u64) -> impl FnMut() -> Control {
    let mut number = seed;
    move || {
        number = number.wrapping_add(1);
        let mut rest = number;
        let digit = |_| {
            let digit = u32::try_from(rest % 36).ok().and_then(|digit| char::from_digit(digit, 36));
            rest /= 36;
            digit.unwrap_or('0').to_ascii_uppercase()
        };
        let text: String = std::iter::once('S').chain((0..9).map(digit)).collect();
        // It cannot be wrong: ten letters and digits.
        Control::parse(&text).unwrap_or_else(|_| unreachable!("letters and digits"))
    }
}

fn send(arguments: &Arguments, config: dialer::Config, messages: Vec<Bytes>) -> anyhow::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let interrupted = CancellationToken::new();
        let signals = stop_on_signals(interrupted.clone())?;
        let timeout = Duration::from_secs(arguments.timeout);
        let patience = Patience { progress: timeout, within: arguments.within.unwrap_or(timeout) };
        let expectations = Expectations::new(&arguments.expect, &arguments.expect_none);
        let report = if arguments.json { Report::json() } else { Report::Plain };
        let mut talk = Talk::new(arguments.station.name, messages, expectations, report, patience);

        let (dialer, link, received) = dialer(config);
        let (notes, noted) = mpsc::unbounded_channel();
        let hang_up = CancellationToken::new();
        let posting = tokio::spawn(post(link, talk.texts(), notes.clone(), hang_up.clone()));
        let observe = move |event| drop(notes.send(Note::Link(event)));
        let dialing = if arguments.raw {
            let start = talk.start();
            let wrap = move |stream| Tap::new(stream, move |way, block| print_block(start, way, block));
            tokio::spawn(dialer.run_through(wrap, hang_up.clone(), observe))
        } else {
            tokio::spawn(dialer.run(hang_up.clone(), observe))
        };

        let ended = talk.run(noted, received, interrupted).await;
        hang_up.cancel();
        posting.abort();
        // What was printed is acknowledged before the link goes down.
        dialing.await.context("the link ended badly")?;
        signals.abort();
        let ending = talk.sum_up();
        ended?;
        ending
    })
}

/// Something happened that is not a message.
#[derive(Debug)]
enum Note {
    /// To the link.
    Link(DialerEvent),
    /// The message of that place was handed to the link.
    Sent(usize),
    /// The switch has said whether it took the message of that place.
    Settled(usize, Result<(), SendError>),
}

/// Messages sent and not yet acknowledged. As many as a link takes by itself, so that one that was handed to the link
/// is on its way.
const WINDOW: usize = 32;

/// Sends messages in their order and tells what comes of each.
async fn post(link: StationLink, texts: Vec<Bytes>, notes: mpsc::UnboundedSender<Note>, hang_up: CancellationToken) {
    // Their times begin when there is a link.
    if link.state().wait_for(|state| *state == LinkState::Up).await.is_err() {
        return;
    }
    let window = Arc::new(Semaphore::new(WINDOW));
    let mut receipts = JoinSet::new();
    for (at, bytes) in texts.into_iter().enumerate() {
        let Ok(permit) = Arc::clone(&window).acquire_owned().await else { return };
        let Ok(receipt) = link.post(None, bytes).await else { return };
        let note = |note| drop(notes.send(note));
        note(Note::Sent(at));
        let notes = notes.clone();
        receipts.spawn(async move {
            drop(notes.send(Note::Settled(at, receipt.await)));
            drop(permit);
        });
        while receipts.try_join_next().is_some() {}
    }
    while receipts.join_next().await.is_some() {}
    // A link that nobody can post to any more ends by itself: it is kept for what is still to come.
    hang_up.cancelled().await;
    drop(link);
}

fn print_block(start: Instant, way: Way, block: Result<Block, FrameError>) {
    let arrow = match way {
        Way::Out => ">>",
        Way::In => "<<",
    };
    let mut text = format!("raw {arrow} {} ", report::took(start.elapsed()));
    match block {
        Ok(block) => {
            text = report::indented(&format!("{text}{block}"), &text::dump(block.data()));
        }
        Err(error) => text += &format!("no block: {error}\n"),
    }
    // Where standard output is closed, the next message that cannot be printed ends the run.
    drop(report::print(&text));
}
