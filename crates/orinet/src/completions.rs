//! `orinet completions`: what a shell needs to complete the command line of `orinet`.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::{Cli, print_text};

/// Prints a script; where a shell looks for it, `orinet completions --help` says.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

const ABOUT: &str = "\
bash: orinet completions bash > ~/.local/share/bash-completion/completions/orinet
zsh:  orinet completions zsh > DIR/_orinet, where DIR is one of $fpath
fish: orinet completions fish > ~/.config/fish/completions/orinet.fish";

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "orinet", &mut script);
    print_text(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
