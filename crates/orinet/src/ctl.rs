//! `orinet ctl`: what operators tell a switch that runs, over its admin address.

mod client;
mod show;
mod table;
pub(crate) mod token;

use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::client::{Client, CtlError};
use crate::cli::{USAGE, failed};

/// Tells a running switch what to do, and asks it how it is.
///
/// An operator needs a token and rights: `orinet ctl token` makes both, docs/operators.md shows how. Every command that
/// changes something, and every one that is refused, leaves an audit line in the switch's journal.
///
/// Exit codes: 0 done; 1 refused or failed; 64 wrong usage.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where the switch's admin page is
    #[arg(long, global = true, value_name = "ADDRESS", env = "ORINET_ADMIN", default_value = switch::Config::ADMIN)]
    admin: SocketAddr,
    /// The operator's token, a file for its owner alone
    #[arg(long, global = true, value_name = "FILE", env = "ORINET_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Print the switch's answer as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token and the table that the configuration needs for it
    Token(token::Arguments),
    /// Show who you are to the switch, and what you may do
    Me,
    /// List stations: links, what waits, holds, diversions
    Stations,
    /// List links: from where, with which certificate
    Links,
    /// List what waits for each station, by class of priority
    Queues,
    /// List hit confirmations that are not answered
    Confirmations,
    /// List states of destinations that were set
    States,
    /// Send nothing to a station; its links stay
    Hold {
        /// The station's name
        station: String,
    },
    /// Send to a station again
    Release {
        /// The station's name
        station: String,
    },
    /// Send one station's messages to another: what waits and what comes
    Divert {
        /// Whose messages
        from: String,
        /// The station that gets them
        to: String,
    },
    /// End a diversion; what still waits comes back
    Undivert {
        /// Whose messages
        from: String,
    },
    /// Set what happens to messages for a station
    State {
        /// The station's name
        station: String,
        /// What happens to them
        #[arg(value_parser = ["in-service", "store", "remove", "unsupported", "as-configured"])]
        state: String,
        /// Only for messages of this key
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Send an accepted message again, by its number
    Resend {
        /// The message's number (MSN), as `orinet journal search` shows it
        msn: u64,
        /// Only to this station or address
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
    },
    /// Look after messages that could not be delivered
    #[command(subcommand)]
    Letters(Letters),
    /// See and drop what messages changed of the directory
    #[command(subcommand)]
    Directory(Directory),
    /// Take nothing new, while what waits goes out
    Drain {
        /// End the switch once all went out that can
        #[arg(long)]
        end: bool,
    },
    /// Take messages again
    Undrain,
    /// Say where a message would go and why, without sending it
    Explain {
        /// Who would send it
        #[arg(long, value_name = "STATION")]
        station: String,
        /// The message: legacy text, NIEM or OFML; `-` for standard input
        file: PathBuf,
    },
    /// Read the configuration again; all of it takes effect, or nothing
    Reload {
        /// Drop changes of the directory, holds, diversions and states that the new configuration contradicts
        #[arg(long)]
        drop_contradicted: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Letters {
    /// List them, the oldest first
    List {
        /// Only for this station
        #[arg(long, value_name = "STATION")]
        station: Option<String>,
        /// So many at most
        #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Go on behind this one
        #[arg(long, value_name = "LETTER")]
        after: Option<u64>,
    },
    /// Show one with its text
    Show {
        /// Its number
        letter: u64,
    },
    /// Send one again: as it was to the destination that did not get it, or changed
    Resend {
        /// Its number
        letter: u64,
        /// The whole message as it is to be sent, by all rules; `-` for standard input
        #[arg(long, value_name = "FILE")]
        text: Option<PathBuf>,
    },
    /// Take one off the list
    Discard {
        /// Its number
        letter: u64,
    },
}

#[derive(Debug, Subcommand)]
enum Directory {
    /// List what was changed
    List,
    /// Show what holds for an agency
    Show {
        /// Its ORI
        ori: String,
    },
    /// Drop what was changed of an agency: the configuration holds again
    Drop {
        /// Its ORI
        ori: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    if let Command::Token(token) = &arguments.command {
        return token::run(token);
    }
    match call(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if arguments.json
                && let CtlError::Refused { body, .. } = &error
            {
                say!("{body}");
            }
            let code = failed(if error.is_usage() { USAGE } else { 1 }, &error);
            if let CtlError::Refused { body, .. } = &error
                && !arguments.json
                && let Some(text) = body.pointer("/er/text").and_then(Value::as_str)
            {
                say!("{}", show::lines(text));
            }
            code
        }
    }
}

fn call(arguments: &Arguments) -> Result<(), CtlError> {
    let client = Client::new(arguments.admin, arguments.token_file.as_deref())?;
    let answer = match &arguments.command {
        Command::Token(_) => return Ok(()),
        Command::Me => client.get("me"),
        Command::Stations | Command::Queues => client.get("stations"),
        Command::Links => client.get("links"),
        Command::Confirmations => client.get("confirmations"),
        Command::States => client.get("states"),
        Command::Hold { station } => client.post(&format!("stations/{station}/hold"), &Value::Null),
        Command::Release { station } => client.post(&format!("stations/{station}/release"), &Value::Null),
        Command::Divert { from, to } => client.post(&format!("stations/{from}/divert"), &json!({ "to": to })),
        Command::Undivert { from } => client.post(&format!("stations/{from}/undivert"), &Value::Null),
        Command::State { station, state, key } => {
            client.post(&format!("stations/{station}/state"), &json!({ "state": state, "key": key }))
        }
        Command::Resend { msn, to } => client.post(&format!("messages/{msn}/resend"), &json!({ "to": to })),
        Command::Letters(Letters::List { station, limit, after }) => {
            let mut path = format!("letters?limit={limit}");
            if let Some(station) = station {
                path.push_str(&format!("&station={station}"));
            }
            if let Some(after) = after {
                path.push_str(&format!("&after={after}"));
            }
            client.get(&path)
        }
        Command::Letters(Letters::Show { letter }) => client.get(&format!("letters/{letter}")),
        Command::Letters(Letters::Resend { letter, text }) => {
            let text = text.as_deref().map(message).transpose()?;
            client.post(&format!("letters/{letter}/resend"), &json!({ "text": text }))
        }
        Command::Letters(Letters::Discard { letter }) => {
            client.post(&format!("letters/{letter}/discard"), &Value::Null)
        }
        Command::Directory(Directory::List) => client.get("directory"),
        Command::Directory(Directory::Show { ori }) => client.get(&format!("directory/{ori}")),
        Command::Directory(Directory::Drop { ori }) => client.post(&format!("directory/{ori}/drop"), &Value::Null),
        Command::Drain { end } => client.post("drain", &json!({ "end": end })),
        Command::Undrain => client.post("undrain", &Value::Null),
        Command::Explain { station, file } => {
            client.post("explain", &json!({ "station": station, "text": message(file)? }))
        }
        Command::Reload { drop_contradicted } => {
            client.post("reload", &json!({ "drop_contradicted": drop_contradicted }))
        }
    }?;
    if arguments.json {
        say!("{answer}");
        return Ok(());
    }
    match &arguments.command {
        Command::Me => show::me(&answer),
        Command::Stations => show::stations(&answer),
        Command::Queues => show::queues(&answer),
        Command::Links => show::links(&answer),
        Command::Confirmations => show::confirmations(&answer),
        Command::States => show::states(&answer),
        Command::Letters(Letters::List { .. }) => show::letters(&answer),
        Command::Letters(Letters::Show { .. }) => show::letter(&answer),
        Command::Directory(Directory::List) => show::changed(&answer),
        Command::Directory(Directory::Show { .. }) => show::agency(&answer),
        Command::Explain { .. } => show::explanation(&answer),
        Command::Token(_)
        | Command::Hold { .. }
        | Command::Release { .. }
        | Command::Divert { .. }
        | Command::Undivert { .. }
        | Command::State { .. }
        | Command::Resend { .. }
        | Command::Letters(Letters::Resend { .. } | Letters::Discard { .. })
        | Command::Directory(Directory::Drop { .. })
        | Command::Drain { .. }
        | Command::Undrain
        | Command::Reload { .. } => show::done(&answer),
    }
    Ok(())
}

/// A message from a file or from standard input. A line end that an editor put behind its last line is no part of it.
fn message(file: &std::path::Path) -> Result<String, CtlError> {
    let unreadable = |source| CtlError::File { path: file.to_owned(), source };
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut text).map_err(unreadable)?;
    } else {
        text = fs::read_to_string(file).map_err(unreadable)?;
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
