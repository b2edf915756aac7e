//! Which plots a page has.

use super::super::svg::{Axis, Line, Plot};
use super::super::{Percentiles, Point, Run};
use crate::meter::{Durations, Stage};

/// Of one run.
pub(super) fn of_run(run: &Run) -> Vec<Plot> {
    let from = run.setup.measured_from_seconds;
    let band = Some((from, from + run.setup.measured_seconds));
    let over_time = |title: &str, y: Axis, lines: Vec<Line>| Plot {
        title: title.to_owned(),
        x: Axis::Seconds,
        y,
        lines: lines.into_iter().filter(|line| line.points.iter().any(|(_, y)| *y > 0.0)).collect(),
        band,
    };
    let line = |name: &str, color, of: &dyn Fn(&Point) -> f64| series(run, name, color, of);
    let times = |title: &str, of: &dyn Fn(&Point) -> Percentiles| {
        let at = |name: &str, color, pick: fn(&Percentiles) -> u64| {
            // An interval in which nothing came has no times.
            line(name, color, &|point| {
                let times = of(point);
                if times.max == 0 { f64::NAN } else { pick(&times) as f64 }
            })
        };
        over_time(
            title,
            Axis::LogMicros,
            vec![at("p50", 0, |times| times.p50), at("p99", 1, |times| times.p99), at("max", 2, |times| times.max)],
        )
    };
    let mut processors = vec![line("harness", 0, &|point| point.cpu)];
    for (at, one) in run.watched.iter().enumerate() {
        let used = |point: &Point| point.watched_cpu.get(at).copied().unwrap_or(0.0);
        processors.push(line(&one.command, at + 1, &used));
    }
    let mut plots = vec![
        percentiles(&[("", run)]),
        over_time(
            "Messages a second",
            Axis::Number,
            vec![
                line("due", 5, &|point| point.offered),
                line("sent", 0, &|point| point.sent),
                line("acknowledged", 1, &|point| point.acked),
                line("answers", 2, &|point| point.answers),
                line("delivered", 3, &|point| point.delivered),
            ],
        ),
        times("Acknowledgement time", &|point| point.ack_us),
        times("Time to the final answer", &|point| point.final_us),
        times("Time to delivery", &|point| point.delivery_us),
        over_time("Messages waited for", Axis::Number, vec![line("waiting", 0, &|point| point.waiting as f64)]),
        // Shown also where there is none: that is the news.
        Plot {
            lines: vec![line("errors and losses", 2, &|point| point.errors)],
            ..over_time("Errors a second", Axis::Number, Vec::new())
        },
        over_time("Processors", Axis::Number, processors),
        over_time("Handed over late, p99", Axis::Micros, vec![line("lag", 4, &|point| point.lag_p99_us as f64)]),
        over_time("Links", Axis::Number, vec![line("up", 3, &|point| point.links as f64)]),
    ];
    if let Some(knee) = &run.knee {
        let mut steps: Vec<_> = knee.steps.iter().collect();
        steps.sort_by(|one, other| one.rate.total_cmp(&other.rate));
        let at = |name: &str, color, of: &dyn Fn(&super::super::KneeStep) -> u64| Line {
            name: name.to_owned(),
            color,
            dashed: false,
            points: steps.iter().map(|step| (step.rate, of(step) as f64)).filter(|(_, y)| *y > 0.0).collect(),
        };
        plots.insert(
            0,
            Plot {
                title: "Times by rate".to_owned(),
                x: Axis::Number,
                y: Axis::LogMicros,
                lines: vec![
                    at("ack p50", 0, &|step| step.ack_us.p50),
                    at("ack p99", 1, &|step| step.ack_us.p99),
                    at("final p99", 2, &|step| step.final_us.p99),
                ],
                band: None,
            },
        );
    }
    plots
}

/// Of two runs.
pub(super) fn of_two(first: &Run, second: &Run) -> Vec<Plot> {
    let both = |title: &str, y, names: [&str; 2], of: [&dyn Fn(&Point) -> f64; 2]| {
        let mut lines = Vec::new();
        for (run, letter, dashed) in [(first, "A", false), (second, "B", true)] {
            for (color, (name, of)) in names.iter().zip(of).enumerate() {
                lines.push(Line { dashed, ..series(run, &format!("{letter} {name}"), color, of) });
            }
        }
        Plot { title: title.to_owned(), x: Axis::Seconds, y, lines, band: None }
    };
    let some = |micros: u64| if micros == 0 { f64::NAN } else { micros as f64 };
    vec![
        percentiles(&[("A ", first), ("B ", second)]),
        both(
            "Acknowledgement time",
            Axis::LogMicros,
            ["p50", "p99"],
            [&|point| some(point.ack_us.p50), &|point| some(point.ack_us.p99)],
        ),
        both(
            "Time to the final answer",
            Axis::LogMicros,
            ["p50", "p99"],
            [&|point| some(point.final_us.p50), &|point| some(point.final_us.p99)],
        ),
        both(
            "Messages a second",
            Axis::Number,
            ["due", "acknowledged"],
            [&|point| point.offered, &|point| point.acked],
        ),
        both(
            "Waited for, and errors a second",
            Axis::Number,
            ["waiting", "errors"],
            [&|point| point.waiting as f64, &|point| point.errors],
        ),
    ]
}

fn series(run: &Run, name: &str, color: usize, of: &dyn Fn(&Point) -> f64) -> Line {
    let points = run.series.iter().map(|point| (point.at, of(point))).collect();
    Line { name: name.to_owned(), color, dashed: false, points }
}

/// Latency against the share of messages that had at most that.
fn percentiles(runs: &[(&str, &Run)]) -> Plot {
    let mut lines = Vec::new();
    for (at, (prefix, run)) in runs.iter().enumerate() {
        for (color, stage) in Stage::ALL.into_iter().enumerate() {
            // An only answer is the first and the last.
            if stage == Stage::First {
                continue;
            }
            if let Some(latency) = run.latency("all", stage) {
                let name = format!("{prefix}{}", stage.label());
                lines.push(Line { name, color, dashed: at > 0, points: curve(&latency.durations()) });
            }
        }
    }
    let title = "Latency by percentile, from the intended send time".to_owned();
    Plot { title, x: Axis::Percentile, y: Axis::LogMicros, lines, band: None }
}

/// Points at shares ever closer to all, as far as there are messages to tell them apart.
fn curve(all: &Durations) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    let most = (all.len() as f64).max(1.0);
    let mut odds = 1.0_f64;
    while odds <= most {
        let micros = all.quantile(1.0 - 1.0 / odds).as_micros();
        points.push((odds, micros.max(1) as f64));
        odds *= 10_f64.powf(0.05);
    }
    points.push((most, all.max().as_micros().max(1) as f64));
    points
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_curve_climbs_to_the_longest() {
        let mut all = Durations::default();
        (1..=1000).for_each(|ms| all.record(Duration::from_millis(ms)));
        let points = curve(&all);
        assert!(points.is_sorted_by(|one, next| one.0 <= next.0 && one.1 <= next.1));
        let (odds, longest) = points[points.len() - 1];
        assert_eq!(odds, 1000.0);
        assert!((longest / 1e6 - 1.0).abs() < 0.01, "{longest}");
    }
}
