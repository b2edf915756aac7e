//! A run as text: what a person reads at the end of it, and a line for each interval while it goes on.

use std::fmt::{self, Write as _};

use super::{KneeFound, Percentiles, Point, Run, Verdict, readable, readable_us};

/// The line of an interval.
#[must_use]
pub fn progress(phase: &str, point: &Point) -> String {
    let mut line = format!("{:7.1} s  {phase:10}  ", point.at);
    line += &format!("links {}  due {}/s  acked {}/s", point.links, readable(point.offered), readable(point.acked));
    if point.answers > 0.0 {
        line += &format!("  answers {}/s", readable(point.answers));
    }
    if point.delivered > 0.0 {
        line += &format!("  delivered {}/s", readable(point.delivered));
    }
    line += &format!("  waiting {}", point.waiting);
    for (name, times) in [("ack", &point.ack_us), ("answer", &point.final_us)] {
        if times.max > 0 {
            line += &format!("  {name} {} p99 {}", readable_us(times.p50), readable_us(times.p99));
        }
    }
    if point.errors > 0.0 {
        line += &format!("  ERRORS {}/s", readable(point.errors));
    }
    line
}

/// The summary of a run.
#[must_use]
pub fn summary(run: &Run) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    write(&mut text, run).unwrap_or_default();
    text
}

fn write(out: &mut String, run: &Run) -> fmt::Result {
    let setup = &run.setup;
    writeln!(out, "{}", setup.load)?;
    writeln!(
        out,
        "  {} to {}, {} links, {} idle, {} of our receivers, {} thread(s), seed {}, tag {}",
        run.began, setup.address, setup.links, setup.idle, setup.receiver_links, setup.threads, setup.seed, setup.tag
    )?;
    writeln!(
        out,
        "  measured {:.1} s after {:.1} s of ramp and {:.1} s of warm-up; latencies from the intended send time",
        setup.measured_seconds, setup.ramp_seconds, setup.warmup_seconds
    )?;
    if setup.per_link > 0 {
        writeln!(out, "  closed loop: while the switch stalls nothing is sent, so no latency of that time exists")?;
    }
    let rates = &run.rates;
    writeln!(out, "\nmessages a second")?;
    for (name, value) in [
        ("due", rates.offered),
        ("sent", rates.sent),
        ("acknowledged", rates.acked),
        ("durable, answers of ours included", rates.durable),
        ("answered in full", rates.answered),
        ("delivered to our receivers", rates.delivered),
    ] {
        if value > 0.0 {
            writeln!(out, "  {name:34} {:>10}", readable(value))?;
        }
    }
    if !run.latencies.is_empty() {
        writeln!(out, "\n{:24} {:>9} {}", "latency", "count", heading())?;
        for latency in &run.latencies {
            let name = format!("{} {}", latency.kind, latency.stage.label());
            writeln!(out, "  {name:22} {:>9} {}", latency.count, row(&latency.percentiles_us))?;
        }
    }
    counts(out, run)?;
    if let Some(recovery) = &run.recovery {
        writeln!(out, "\nrecovery")?;
        writeln!(out, "  {} messages waited, sent in {:.1} s", recovery.backlog, recovery.filled_seconds)?;
        match recovery.drained_seconds {
            Some(seconds) => {
                writeln!(out, "  delivered within {seconds:.1} s, {} a second", readable(recovery.drain_rate))?;
            }
            None => writeln!(out, "  not all delivered in time; {} a second", readable(recovery.drain_rate))?,
        }
    }
    if let Some(knee) = &run.knee {
        write_knee(out, knee)?;
    }
    harness(out, run)?;
    judgement(out, run)
}

fn heading() -> String {
    ["p50", "p90", "p99", "p99.9", "max"].map(|name| format!("{name:>9}")).join(" ")
}

fn row(times: &Percentiles) -> String {
    let Percentiles { p50, p90, p99, p99_9, max } = *times;
    [p50, p90, p99, p99_9, max].map(|micros| format!("{:>9}", readable_us(micros))).join(" ")
}

fn counts(out: &mut String, run: &Run) -> fmt::Result {
    writeln!(out, "\ncounted over the whole run")?;
    for count in crate::meter::Count::ALL {
        let value = run.count(count.name());
        if value > 0 {
            writeln!(out, "  {:34} {value:>10}", count.label())?;
        }
    }
    for (name, numbers) in [("ER", &run.er), ("SM", &run.sm)] {
        for (number, count) in numbers {
            writeln!(out, "  {:34} {count:>10}", format!("{name} {number:02}"))?;
        }
    }
    writeln!(out, "  {:34} {:>10}", "lost in all", run.lost())
}

fn write_knee(out: &mut String, knee: &KneeFound) -> fmt::Result {
    writeln!(out, "\n{:>10} {:>10} {:>9} {:>9}  knee", "rate/s", "acked/s", "ack p99", "iar p99")?;
    for step in &knee.steps {
        let broken: Vec<String> = step
            .requirements
            .iter()
            .filter(|one| !one.met)
            .map(|one| format!("{} is {}", one.text, one.found))
            .chain(step.bottleneck.iter().map(|reason| format!("harness: {reason}")))
            .collect();
        let said = if broken.is_empty() { "holds".to_owned() } else { broken.join("; ") };
        writeln!(
            out,
            "{:>10} {:>10} {:>9} {:>9}  {said}",
            readable(step.rate),
            readable(step.acked),
            readable_us(step.ack_us.p99),
            readable_us(step.final_us.p99)
        )?;
    }
    match knee.rate {
        Some(rate) => writeln!(out, "the bounds hold up to {} messages a second", readable(rate))?,
        None => writeln!(out, "the bounds held at no rate that was tried")?,
    }
    knee.ended.as_ref().map_or(Ok(()), |why| writeln!(out, "the search ended early: {why}"))
}

fn harness(out: &mut String, run: &Run) -> fmt::Result {
    let harness = &run.harness;
    writeln!(out, "\nmachine: {} processors, {}", run.machine.processors, run.machine.processor)?;
    writeln!(
        out,
        "  harness   {:.2} processors, busiest thread {:.0} %, starved {:.0} %, {} MB; handed over late p50 {} p99 {}",
        harness.cpu,
        harness.busiest * 100.0,
        harness.starved * 100.0,
        harness.resident_bytes / 1_000_000,
        readable_us(harness.lag_us.p50),
        readable_us(harness.lag_us.p99),
    )?;
    let links = run.setup.links + run.setup.idle + run.setup.receiver_links;
    for one in &run.watched {
        let grown = one.resident_bytes_linked.saturating_sub(one.resident_bytes_before);
        writeln!(
            out,
            "  {:9} {:.2} processors, {:.1} µs a durable message, {} MB, {:.1} KB a link (process {})",
            one.command,
            one.cpu,
            one.cpu_us_per_message,
            one.resident_bytes / 1_000_000,
            grown as f64 / 1000.0 / links.max(1) as f64,
            one.pid
        )?;
    }
    writeln!(out, "  others    {:.2} processors", run.others_cpu)?;
    let handshakes = &run.handshakes;
    if handshakes.count > 0 {
        let times = &handshakes.percentiles_us;
        writeln!(
            out,
            "  {} links up within {:.1} s, from call to first answer p50 {} p99 {}",
            handshakes.count,
            handshakes.seconds,
            readable_us(times.p50),
            readable_us(times.p99)
        )?;
    }
    for trouble in run.troubles.iter().take(5) {
        writeln!(out, "  link trouble: {trouble}")?;
    }
    for reason in &harness.bottleneck {
        writeln!(out, "  THE HARNESS WAS THE BOTTLENECK: {reason}")?;
    }
    Ok(())
}

fn judgement(out: &mut String, run: &Run) -> fmt::Result {
    if !run.requirements.is_empty() {
        writeln!(out)?;
    }
    for one in &run.requirements {
        let word = if one.met { "met   " } else { "MISSED" };
        writeln!(out, "{word} {}: {}", one.text, one.found)?;
    }
    match run.verdict {
        Verdict::HarnessBound => {
            writeln!(out, "missed, but the harness did not keep up: this says nothing about the switch")
        }
        Verdict::Met | Verdict::Missed | Verdict::Unjudged => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::made;
    use super::*;

    #[test]
    fn a_summary_says_what_was_measured_and_what_was_missed() {
        let text = summary(&made(1));
        for said in [
            "P1 busy hour, open loop",
            "all acknowledgement          100   50.0 ms   90.0 ms   99.0 ms    100 ms    100 ms",
            "ER 14                                       3",
            "never acknowledged                          1",
            "lost in all                                 1",
            "MISSED iar_p99<25ms: 297.0ms",
            "orinet    0.50 processors, 50.0 µs a durable message",
        ] {
            assert!(text.contains(said), "{said:?} is not in\n{text}");
        }
        assert!(!text.contains("BOTTLENECK") && !text.contains("closed loop"));
    }

    #[test]
    fn a_harness_that_was_the_bottleneck_says_so() {
        let mut run = made(1);
        run.verdict = Verdict::HarnessBound;
        run.harness.bottleneck = vec!["a thread of the harness was busy 99 % of the time".to_owned()];
        let text = summary(&run);
        assert!(text.contains("THE HARNESS WAS THE BOTTLENECK: a thread"), "{text}");
        assert!(text.ends_with("this says nothing about the switch\n"), "{text}");
    }

    #[test]
    fn progress_is_one_line() {
        let run = made(1);
        let line = progress("measuring", &run.series[0]);
        assert!(line.starts_with("    1.0 s  measuring ") && line.contains("ack 400 µs p99 1.50 ms"), "{line}");
    }
}
