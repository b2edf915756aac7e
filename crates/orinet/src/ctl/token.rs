//! `orinet ctl token`: a new operator's token, and the table that the switch's configuration needs for it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use switch::{Right, TokenHash};

use crate::cli::{USAGE, failed};

/// Writes a token into a new file for its owner alone, and prints the `operator` table to put into network.toml. The
/// switch keeps the token's SHA-256 only.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How the journal names the operator
    #[arg(long, value_name = "NAME", default_value = "operator")]
    name: String,
    /// What the operator may do: look, route, letters, directory, control
    #[arg(long, value_name = "RIGHT,…", value_delimiter = ',', default_value = "look", value_parser = right)]
    rights: Vec<Right>,
    /// The new file
    #[arg(long, value_name = "FILE", default_value = "operator.token")]
    out: PathBuf,
}

fn right(text: &str) -> Result<Right, String> {
    let all: Vec<_> = Right::ALL.iter().map(|right| right.as_str()).collect();
    Right::parse(text).ok_or_else(|| format!("it is none of {}", all.join(", ")))
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match make(&arguments.out) {
        Ok(token) => {
            say!("{}", operator_table(&arguments.name, &token, &arguments.rights));
            say!("# The token is in {}. Put the table into network.toml and reload.", arguments.out.display());
            ExitCode::SUCCESS
        }
        Err(error) => failed(USAGE, &io::Error::new(error.kind(), format!("{}: {error}", arguments.out.display()))),
    }
}

/// Makes a token and writes it into a new file for its owner alone.
///
/// # Errors
/// If the file is there already or cannot be written, or the system gives no random numbers.
pub(crate) fn make(path: &Path) -> io::Result<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{token}")?;
    Ok(token)
}

/// The table of an operator in the configuration.
pub(crate) fn operator_table(name: &str, token: &str, rights: &[Right]) -> String {
    let rights: Vec<_> = rights.iter().map(|right| format!("\"{}\"", right.as_str())).collect();
    let hash = TokenHash::of(token);
    format!("[[operator]]\nname = \"{name}\"\ntoken_sha256 = \"{hash}\"\nrights = [{}]", rights.join(", "))
}
