//! `orinet metrics`: what the metrics are and mean.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use telemetry::{CenterMetrics, Metrics, Page};

use crate::cli::print_text;

/// Prints the page that a switch and a support center show at their start, or the reference of all metrics.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The reference of all metrics, in Markdown
    #[arg(long)]
    doc: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    if arguments.doc {
        print_text(&telemetry::reference::markdown());
    } else {
        let page = Arc::new(Page::new(env!("CARGO_PKG_VERSION")));
        let _switch = Metrics::on(Arc::clone(&page));
        let _center = CenterMetrics::on(&page);
        print_text(&page.text());
    }
    ExitCode::SUCCESS
}
