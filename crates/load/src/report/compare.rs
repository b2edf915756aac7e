//! Two runs side by side: the figures of each and what the second is of the first.

use super::{Run, readable, readable_us};
use crate::meter::{Count, Stage};

/// A figure of both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// That of the first, for a person.
    pub first: String,
    /// That of the second.
    pub second: String,
    /// The second divided by the first, where that says something.
    pub ratio: Option<f64>,
}

/// All figures that either of them has.
#[must_use]
pub fn rows(first: &Run, second: &Run) -> Vec<Row> {
    let mut rows = Vec::new();
    let text = |name: &str, of: fn(&Run) -> String| Row {
        name: name.to_owned(),
        first: of(first),
        second: of(second),
        ratio: None,
    };
    rows.push(text("load", |run| run.setup.load.clone()));
    rows.push(text("began", |run| run.began.clone()));
    rows.push(text("links", |run| run.setup.links.to_string()));
    rows.push(text("machine", |run| format!("{} × {}", run.machine.processors, run.machine.processor)));
    rows.push(text("other processes", |run| format!("{:.2} processors", run.others_cpu)));
    rows.push(text("harness the bottleneck", |run| {
        if run.harness.bottleneck.is_empty() { "no" } else { "YES" }.to_owned()
    }));
    let mut number = |name: &str, show: fn(f64) -> String, of: &dyn Fn(&Run) -> Option<f64>| {
        let (one, other) = (of(first), of(second));
        if one.or(other).is_none_or(|_| one.unwrap_or(0.0) == 0.0 && other.unwrap_or(0.0) == 0.0) {
            return;
        }
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), show);
        let ratio = one.zip(other).filter(|(one, _)| *one > 0.0).map(|(one, other)| other / one);
        rows.push(Row { name: name.to_owned(), first: shown(one), second: shown(other), ratio });
    };
    number("due a second", readable, &|run| Some(run.rates.offered));
    number("acknowledged a second", readable, &|run| Some(run.rates.acked));
    number("durable a second", readable, &|run| Some(run.rates.durable));
    number("answered a second", readable, &|run| Some(run.rates.answered));
    number("delivered a second", readable, &|run| Some(run.rates.delivered));
    for stage in Stage::ALL {
        for (name, of) in [
            ("p50", (|times| times.p50) as fn(&super::Percentiles) -> u64),
            ("p99", |times| times.p99),
            ("p99.9", |times| times.p99_9),
            ("max", |times| times.max),
        ] {
            number(&format!("{} {name}", stage.label()), micros, &|run| {
                run.latency("all", stage).map(|latency| of(&latency.percentiles_us) as f64)
            });
        }
    }
    number("knee, messages a second", readable, &|run| run.knee.as_ref()?.rate);
    number("recovery, seconds", readable, &|run| run.recovery.as_ref()?.drained_seconds);
    number("harness, processors", readable, &|run| Some(run.harness.cpu));
    number("first watched process, processors", readable, &|run| run.watched.first().map(|one| one.cpu));
    number("the same, µs a durable message", readable, &|run| run.watched.first().map(|one| one.cpu_us_per_message));
    number("the same, bytes", readable, &|run| run.watched.first().map(|one| one.resident_bytes as f64));
    for count in Count::ALL {
        if !matches!(count, Count::BytesSent | Count::BytesReceived) {
            number(count.label(), whole, &|run| Some(run.count(count.name()) as f64));
        }
    }
    number("lost in all", whole, &|run| Some(run.lost() as f64));
    let numbers = first.er.keys().chain(second.er.keys()).copied().collect::<std::collections::BTreeSet<u8>>();
    for er in numbers {
        number(&format!("ER {er:02}"), whole, &|run| Some(run.er.get(&er).copied().unwrap_or(0) as f64));
    }
    rows
}

fn micros(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "it was a whole number of microseconds")]
    let value = value as u64;
    readable_us(value)
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

/// All of them as a table.
#[must_use]
pub fn table(first: &Run, second: &Run) -> String {
    let mut text = format!("{:34} {:>26} {:>26} {:>7}\n", "", "A", "B", "B / A");
    for row in rows(first, second) {
        let ratio = row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        text += format!("{:34} {:>26} {:>26} {ratio:>7}", row.name, cut(&row.first), cut(&row.second)).trim_end();
        text.push('\n');
    }
    text
}

/// What fits into a column.
fn cut(text: &str) -> String {
    text.chars().take(26).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::made;
    use super::*;

    #[test]
    fn figures_stand_side_by_side_with_their_ratio() {
        let rows = rows(&made(1), &made(2));
        let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name}"));
        let ack = row("acknowledgement p50");
        assert_eq!((ack.first.as_str(), ack.second.as_str()), ("50.0 ms", "100 ms"));
        assert!((ack.ratio.unwrap() - 2.0).abs() < 0.01);
        assert_eq!(row("ER 14").ratio, Some(1.0));
        assert!(rows.iter().all(|row| row.name != "delivery p50"), "neither run has it");
        let text = table(&made(1), &made(2));
        assert!(text.lines().count() == rows.len() + 1 && text.lines().all(|line| line.len() <= 110), "{text}");
    }

    #[test]
    fn what_one_run_alone_has_is_shown() {
        let mut second = made(1);
        second.latencies.clear();
        let rows = rows(&made(1), &second);
        let ack = rows.iter().find(|row| row.name == "acknowledgement p99").unwrap();
        assert_eq!((ack.second.as_str(), ack.ratio), ("-", None));
    }
}
