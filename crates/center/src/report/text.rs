//! The month as text for a terminal.

use std::fmt;

use super::Report;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\nThe support center in {}\n", self.notice, self.month)?;
        writeln!(f, "{:<22} {:>9} {:>11}  published", "", "month", "published")?;
        for figure in &self.figures {
            let published = figure.published.map_or_else(|| "-".to_owned(), |published| published.to_string());
            writeln!(f, "{:<22} {:>9} {:>11}  {}", figure.what, figure.count, published, figure.of)?;
        }
        writeln!(f, "\n{:<22} {:>9} {:>11} {:>11}", "answers", "", "median", "p95")?;
        for (kind, times) in &self.answers {
            let (median, p95) = (seconds(times.median_us), seconds(times.p95_us));
            writeln!(f, "{kind:<22} {:>9} {median:>11} {p95:>11}", times.count)?;
        }
        if self.answers.is_empty() {
            writeln!(f, "none")?;
        }
        if self.unanswered > 0 {
            writeln!(f, "{:<22} {:>9}", "waiting", self.unanswered)?;
        }
        for (reason, count) in &self.lifted {
            let text = crate::detainer::lift_reason(*reason).unwrap_or("");
            writeln!(f, "detainers lifted, {reason} {text}: {count}")?;
        }
        Ok(())
    }
}

/// Seconds with as many digits as tell something.
pub(super) fn seconds(microseconds: u64) -> String {
    let (whole, thousandths) = (microseconds / 1_000_000, microseconds % 1_000_000 / 1_000);
    if whole >= 60 { format!("{}m{:02}s", whole / 60, whole % 60) } else { format!("{whole}.{thousandths:03}s") }
}
