//! The one place that prints: results to standard output, complaints about a run as a whole to standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a command-line program")]

use std::time::Duration;

/// Prints a line.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Prints a line that sets what follows apart.
pub(crate) fn heading(text: &str) {
    println!("\n──── {text} {}", "─".repeat(70_usize.saturating_sub(text.chars().count())));
}

/// Complains.
pub(crate) fn error(text: &str) {
    eprintln!("{text}");
}

/// A time for people: `0.6 s`, `75.3 s`, `12 min 05 s`.
pub(crate) fn time(time: Duration) -> String {
    if time < Duration::from_mins(2) {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
}

/// Lines up columns: all but the last to the left, the last to the right.
pub(crate) fn table(rows: &[[String; 3]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [first, second, third] = [width(0), width(1), width(2)];
    let lines: Vec<_> = rows.iter().map(|[a, b, c]| format!("{a:first$}  {b:second$}  {c:>third$}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        let check = |milliseconds, expect: &str| assert_eq!(time(Duration::from_millis(milliseconds)), expect);
        check(640, "0.6 s");
        check(119_900, "119.9 s");
        check(120_000, "2 min 00 s");
        check(3_725_000, "62 min 05 s");
    }

    #[test]
    fn columns_line_up() {
        let rows = [["fmt", "passed", "0.6 s"], ["conformance", "1 passed", "75.0 s"]].map(|row| row.map(String::from));
        assert_eq!(table(&rows), "fmt          passed     0.6 s\nconformance  1 passed  75.0 s");
    }
}
