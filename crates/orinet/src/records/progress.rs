//! A bar on standard error, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How far a long command is. Nothing of it is written where nobody looks: into a file or a pipe.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Of so many of something: `what` is shown behind the counts.
    pub(super) fn new(total: u64, what: &'static str) -> Self {
        let bar = ProgressBar::new(total);
        let template = format!("{{bar:40}} {{percent:>3}} % of {{human_len}} {what}, {{per_sec}}, {{eta}} left");
        // The template is a constant of ours; the default one would do as well.
        bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// So many are done of another total, of something else.
    pub(super) fn at_of(&self, what: &'static str, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_message(what);
        self.0.set_position(done);
    }

    /// So many are done.
    pub(super) fn at(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
