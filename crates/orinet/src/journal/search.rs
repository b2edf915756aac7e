//! `orinet journal search`: finds messages, beside a switch that runs or without one.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use archive::{Archive, Cursor, Error, Full, Hit, LIMIT_MAX, Page, Position, Query, Searcher};
use clap::Args;
use codec::legacy::LineEnd;
use codec::name::{Control, MessageKey, StationName};
use codec::time::Timestamp;
use journal::offline::Look;
use serde_json::json;
use switch_core::Msn;

use super::moment::{FORMS, Typed, behind};
use super::reindex::catch_up;
use super::{directory, shown};
use crate::cli::{USAGE, failed};

/// What is looked for: every option narrows it.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct Arguments {
    /// Any of these message keys
    #[arg(long, value_name = "KEY,…", value_delimiter = ',')]
    key: Vec<MessageKey>,
    /// Sent by this ORI, from this line, or by this station
    #[arg(long, value_name = "ORI")]
    from: Option<StationName>,
    /// Sent to this ORI or group, to this line, or to this station
    #[arg(long, value_name = "ORI")]
    to: Option<StationName>,
    /// Received at this time or later
    #[arg(long, value_name = "TIME")]
    begin: Option<Typed>,
    /// Received before this time
    #[arg(long, value_name = "TIME")]
    end: Option<Typed>,
    /// Words of the text, all of them, in any order
    #[arg(long, value_name = "WORDS", default_value = "")]
    words: String,
    /// More words, all of them too
    #[arg(long, value_name = "WORDS", default_value = "")]
    and: String,
    /// Or these words, all of them, in place of those of --words
    #[arg(long = "or", value_name = "WORDS", default_value = "")]
    or: String,
    /// Words of the field NAM, all of them
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// The accepted message of this number
    #[arg(long, value_name = "NUMBER")]
    msn: Option<u64>,
    /// The control field
    #[arg(long, value_name = "FIELD")]
    control: Option<Control>,
    /// Only what this station sent or was sent, as it would see it in band
    #[arg(long, value_name = "NAME")]
    station: Option<StationName>,
    /// The oldest first instead of the newest
    #[arg(long)]
    oldest_first: bool,
    /// Messages at most, up to 1000
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=LIMIT_MAX as i64))]
    limit: u16,
    /// Go on behind the last message of the page before
    #[arg(long, value_name = "PLACE")]
    after: Option<Cursor>,
    /// Show texts too
    #[arg(long)]
    full: bool,
    /// A JSON object a line
    #[arg(long)]
    json: bool,
}

fn help() -> String {
    format!(
        "Times are {FORMS}.\n\nWhere no switch runs, what the journal has and the search file has not is filled in first. Beside a switch \
         only the file is read: the first line says how far it is behind."
    )
}

/// Longer than anything that is not stuck.
const PATIENCE: Duration = Duration::from_secs(60);

impl Arguments {
    fn query(&self) -> Query {
        Query {
            keys: self.key.clone(),
            from: self.from,
            to: self.to,
            begin: self.begin.map(|typed| typed.0),
            end: self.end.map(|typed| typed.0),
            find: self.words.clone(),
            and: self.and.clone(),
            or: self.or.clone(),
            name: self.name.clone(),
            visible_to: self.station,
            sent_on: self.station.is_some(),
            control: self.control,
            after: self.after,
            oldest_first: self.oldest_first,
            limit: usize::from(self.limit),
            patience: PATIENCE,
        }
    }
}

pub(crate) fn run(data: &Path, arguments: &Arguments) -> ExitCode {
    let look = match Look::open(&directory(data)) {
        Ok(look) => look,
        Err(error) => return failed(1, &error),
    };
    match search(data, &look, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::Unusable { .. }) => failed(USAGE, &error),
        Err(error) => failed(1, &error),
    }
}

fn search(data: &Path, look: &Look, arguments: &Arguments) -> Result<(), Error> {
    let path = archive::file_in(data);
    match Archive::open(&path) {
        Ok(mut archive) => catch_up(&mut archive, look, arguments.json)?,
        // Somebody fills it, or this user may not: it is asked as it is.
        Err(Error::Busy(_)) => {}
        Err(Error::Io { .. }) if path.exists() => {}
        Err(error) => return Err(error),
    }
    let searcher = Searcher::open(&path)?;
    let position = searcher.position()?;
    let page = match arguments.msn {
        None => searcher.search(&arguments.query())?,
        Some(msn) => {
            let hits: Vec<_> = searcher.find(Msn(msn))?.into_iter().collect();
            let visible = |hit: &Hit| arguments.station.is_none_or(|station| hit.summary.visible_to(&station));
            let hits = hits.into_iter().filter(visible).collect();
            Page { hits, more: None, through: position.through }
        }
    };
    let lag = look.stored_through().saturating_sub(position.through);
    if !arguments.json {
        say!("{}", state(&position, lag));
    }
    for hit in page.hits.iter().cloned() {
        show(look, hit, arguments)?;
    }
    let more = page.more.map(|more| more.to_string());
    if arguments.json {
        say!("{}", json!({ "hits": page.hits.len(), "more": more, "through": page.through, "behind": lag }));
    } else if let Some(more) = more {
        say!("more: --after {more}");
    } else if page.hits.is_empty() {
        say!("not on file");
    }
    Ok(())
}

/// How much there is to find, and how far behind that is.
fn state(position: &Position, lag: u64) -> String {
    let messages = format!("{} messages through record {}", position.messages, position.through);
    match position.at {
        Some(at) if lag > 0 => {
            let now = Timestamp(jiff::Timestamp::now().as_microsecond());
            format!("{messages}, {lag} records behind the journal; the last one is {} old", behind(now, at))
        }
        _ if lag > 0 => format!("{messages}, {lag} records behind the journal"),
        _ => messages,
    }
}

fn show(look: &Look, hit: Hit, arguments: &Arguments) -> Result<(), Error> {
    if !arguments.full {
        if arguments.json {
            say!("{}", serde_json::Value::Object(shown::json(&hit)));
        } else {
            say!("{}", shown::line(&hit));
        }
        return Ok(());
    }
    let line = shown::line(&hit);
    let Some(full) = archive::full::of_hit(look, hit)? else {
        // The journal let it go between the two looks.
        return Ok(());
    };
    if arguments.json {
        say!("{}", serde_json::Value::Object(shown::full_json(&full)));
    } else {
        say!("{line}\n{}\n", text(&full));
    }
    Ok(())
}

/// The text as it left, with the first copy's header where there is one; line ends as the terminal has them.
fn text(full: &Full) -> String {
    let copy = full.hit.summary.copies.first();
    let left = copy.and_then(|copy| full.as_left(copy, UTC_OFFSET, LineEnd::CrLf));
    let bytes = left.as_deref().unwrap_or(&full.body);
    let lines = String::from_utf8_lossy(bytes).replace(['\r', '\x7f'], "");
    let indented: Vec<_> = lines.trim_end().lines().map(|line| format!("    {line}")).collect();
    indented.join("\n")
}

/// As messages are stamped where nothing else is configured.
pub(crate) const UTC_OFFSET: i32 = -7 * 3600;
