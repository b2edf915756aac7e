//! Shows how a load goes on: one line that changes on a terminal, a line a second elsewhere.

use std::io::{self, IsTerminal as _, Write as _};

use load::Progress;
use load::report::text;

/// Where progress is shown: on standard error, so that the summary can go elsewhere.
#[derive(Debug)]
pub(super) struct Lines {
    mode: Mode,
    /// The last second of the run that got a line.
    second: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Quiet,
    Terminal,
    Plain,
}

impl Lines {
    pub(super) fn new(quiet: bool) -> Self {
        let mode = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Mode::Quiet,
            (false, true) => Mode::Terminal,
            (false, false) => Mode::Plain,
        };
        Self { mode, second: None }
    }

    pub(super) fn show(&mut self, progress: Progress<'_>) {
        if self.mode == Mode::Quiet {
            return;
        }
        let line = text::progress(progress.phase, progress.point);
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a run")]
        let second = progress.point.at.floor() as i64;
        let mut err = io::stderr().lock();
        // A reader who has gone stops nothing.
        match self.mode {
            Mode::Terminal => drop(write!(err, "\r\x1b[K{line}").and_then(|()| err.flush())),
            Mode::Plain if self.second != Some(second) => {
                self.second = Some(second);
                drop(writeln!(err, "{line}"));
            }
            Mode::Plain | Mode::Quiet => {}
        }
    }

    pub(super) fn end(&self) {
        if self.mode == Mode::Terminal {
            drop(writeln!(io::stderr().lock()));
        }
    }
}
