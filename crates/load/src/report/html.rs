//! A run, or two of them, as a page that stands alone: no script, no font, no picture from anywhere.

mod plots;

use std::fmt::Write as _;

use super::svg::{Plot, escape};
use super::{Latency, Run, Verdict, compare, readable, readable_us};

/// The page of a run.
#[must_use]
pub fn page(run: &Run) -> String {
    let mut body = heading(&run.setup.load, &subtitle(run));
    body += &verdict(run);
    body += &tiles(run);
    body += &figures(&plots::of_run(run));
    body += "<h2>Latencies</h2>";
    body += &latencies(&run.latencies);
    body += &knee(run);
    body += "<div class=\"columns\"><div><h2>Counted over the whole run</h2>";
    body += &counts(run);
    body += "</div><div><h2>Setup and machine</h2>";
    body += &setup(run);
    body += "</div></div>";
    document(&run.setup.load, &body)
}

/// The page of two runs, side by side.
#[must_use]
pub fn comparison(first: &Run, second: &Run) -> String {
    let mut body = heading("Two runs side by side", &format!("A: {} · B: {}", subtitle(first), subtitle(second)));
    body += &figures(&plots::of_two(first, second));
    body += "<h2>Figures</h2><table><tr><th></th><th>A</th><th>B</th><th>B / A</th></tr>";
    for row in compare::rows(first, second) {
        let ratio = row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let cells = [row.first, row.second, ratio].map(|text| format!("<td class=\"n\">{}</td>", escape(&text)));
        put(&mut body, format_args!("<tr><td>{}</td>{}</tr>", escape(&row.name), cells.concat()));
    }
    body += "</table>";
    document("Two runs side by side", &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{}</title><style>{STYLE}</style></head><body><main>{body}\
         </main></body></html>\n",
        escape(title)
    )
}

const STYLE: &str = include_str!("page.css");

fn heading(title: &str, subtitle: &str) -> String {
    format!("<h1>{}</h1><p class=\"sub\">{}</p>", escape(title), escape(subtitle))
}

fn subtitle(run: &Run) -> String {
    let setup = &run.setup;
    format!(
        "{}, {} to {}, measured {:.1} s, {} links, seed {}",
        run.tool, run.began, setup.address, setup.measured_seconds, setup.links, setup.seed
    )
}

fn verdict(run: &Run) -> String {
    let (class, text) = match run.verdict {
        Verdict::Met => ("good", "every requirement was met"),
        Verdict::Missed => ("bad", "a requirement was missed"),
        Verdict::HarnessBound => {
            ("odd", "missed while the harness did not keep up: this says nothing about the switch")
        }
        Verdict::Unjudged => ("", "nothing was required"),
    };
    let mut html = format!("<p class=\"verdict {class}\">{text}</p>");
    if !run.requirements.is_empty() {
        html += "<table class=\"narrow\">";
        for one in &run.requirements {
            let (class, word) = if one.met { ("good", "met") } else { ("bad", "missed") };
            put(
                &mut html,
                format_args!(
                    "<tr><td class=\"{class}\">{word}</td><td><code>{}</code></td><td class=\"n\">{}</td></tr>",
                    escape(&one.text),
                    escape(&one.found)
                ),
            );
        }
        html += "</table>";
    }
    for reason in &run.harness.bottleneck {
        put(&mut html, format_args!("<p class=\"odd\">The harness was the bottleneck: {}</p>", escape(reason)));
    }
    if run.setup.per_link > 0 {
        html += "<p class=\"sub\">Closed loop: while the switch stalls nothing is sent, so no latency of that time \
                 exists.</p>";
    }
    html
}

fn tiles(run: &Run) -> String {
    let mut tiles =
        vec![("acknowledged a second", readable(run.rates.acked)), ("durable a second", readable(run.rates.durable))];
    for (stage, p50, p99) in [
        (crate::meter::Stage::Ack, "acknowledgement p50", "acknowledgement p99"),
        (crate::meter::Stage::Final, "final answer p50", "final answer p99"),
    ] {
        if let Some(latency) = run.latency("all", stage) {
            tiles.push((p50, readable_us(latency.percentiles_us.p50)));
            tiles.push((p99, readable_us(latency.percentiles_us.p99)));
        }
    }
    tiles.push(("lost", run.lost().to_string()));
    let tile = |(name, value): (&str, String)| format!("<div><b>{}</b><span>{name}</span></div>", escape(&value));
    format!("<div class=\"tiles\">{}</div>", tiles.into_iter().map(tile).collect::<String>())
}

fn figures(plots: &[Plot]) -> String {
    let drawn: String =
        plots.iter().filter(|plot| !plot.is_empty()).map(|plot| format!("<figure>{}</figure>", plot.draw())).collect();
    format!("<div class=\"plots\">{drawn}</div>")
}

fn latencies(latencies: &[Latency]) -> String {
    let mut html = "<table><tr><th>kind</th><th>until</th><th>count</th><th>mean</th><th>p50</th><th>p90</th>\
                    <th>p99</th><th>p99.9</th><th>max</th></tr>"
        .to_owned();
    for latency in latencies {
        let times = &latency.percentiles_us;
        let cells = [latency.mean_us, times.p50, times.p90, times.p99, times.p99_9, times.max]
            .map(|micros| format!("<td class=\"n\">{}</td>", readable_us(micros)));
        put(
            &mut html,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td>{}</tr>",
                escape(&latency.kind),
                latency.stage.label(),
                latency.count,
                cells.concat()
            ),
        );
    }
    html + "</table>"
}

fn knee(run: &Run) -> String {
    let mut html = String::new();
    if let Some(recovery) = &run.recovery {
        let drained =
            recovery.drained_seconds.map_or_else(|| "not in time".to_owned(), |seconds| format!("{seconds:.1} s"));
        put(
            &mut html,
            format_args!(
                "<h2>Recovery</h2><table class=\"narrow\"><tr><td>messages that waited</td><td class=\"n\">{}</td></tr>\
                 <tr><td>sent in</td><td class=\"n\">{:.1} s</td></tr><tr><td>delivered in</td><td \
                 class=\"n\">{drained}</td></tr><tr><td>delivered a second</td><td class=\"n\">{}</td></tr></table>",
                recovery.backlog,
                recovery.filled_seconds,
                readable(recovery.drain_rate)
            ),
        );
    }
    let Some(knee) = &run.knee else { return html };
    let found = knee.rate.map_or_else(
        || "The bounds held at no rate that was tried.".to_owned(),
        |rate| format!("The bounds hold up to {} messages a second.", readable(rate)),
    );
    put(&mut html, format_args!("<h2>Knee</h2><p>{found}</p>"));
    if let Some(why) = &knee.ended {
        put(&mut html, format_args!("<p class=\"odd\">The search ended early: {}</p>", escape(why)));
    }
    html += "<table><tr><th>rate</th><th>acknowledged</th><th>ack p99</th><th>final p99</th><th></th></tr>";
    for step in &knee.steps {
        let broken: Vec<String> =
            step.requirements.iter().filter(|one| !one.met).map(|one| format!("{}: {}", one.text, one.found)).collect();
        let (class, said) = if broken.is_empty() { ("good", "holds".to_owned()) } else { ("bad", broken.join("; ")) };
        put(
            &mut html,
            format_args!(
                "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"{class}\">{}</td></tr>",
                readable(step.rate),
                readable(step.acked),
                readable_us(step.ack_us.p99),
                readable_us(step.final_us.p99),
                escape(&said)
            ),
        );
    }
    html + "</table>"
}

fn counts(run: &Run) -> String {
    let counted = crate::meter::Count::ALL.iter().map(|count| (count.label().to_owned(), run.count(count.name())));
    let numbered = |name: &'static str, numbers: &std::collections::BTreeMap<u8, u64>| {
        numbers.iter().map(|(number, count)| (format!("{name} {number:02}"), *count)).collect::<Vec<_>>()
    };
    let rows = counted.chain(numbered("ER", &run.er)).chain(numbered("SM", &run.sm));
    let rows = rows.filter(|(_, value)| *value > 0).chain([("lost in all".to_owned(), run.lost())]);
    let row = |(name, value)| format!("<tr><td>{name}</td><td class=\"n\">{value}</td></tr>");
    format!("<table>{}</table>", rows.map(row).collect::<String>())
}

fn setup(run: &Run) -> String {
    let (setup, harness) = (&run.setup, &run.harness);
    let mut rows = vec![
        ("machine".to_owned(), format!("{} × {}", run.machine.processors, run.machine.processor)),
        ("threads of the harness".to_owned(), setup.threads.to_string()),
        ("links, idle, of receivers".to_owned(), format!("{}, {}, {}", setup.links, setup.idle, setup.receiver_links)),
        ("ramp, warm-up".to_owned(), format!("{:.1} s, {:.1} s", setup.ramp_seconds, setup.warmup_seconds)),
        ("arrivals".to_owned(), if setup.per_link > 0 { "closed loop".to_owned() } else { setup.spacing.clone() }),
        ("faults, repeats".to_owned(), format!("{:.1} %, {:.1} %", setup.malformed * 100.0, setup.repeated * 100.0)),
        ("harness".to_owned(), format!("{:.2} processors, {} MB", harness.cpu, harness.resident_bytes / 1_000_000)),
        ("its busiest thread".to_owned(), format!("{:.0} %", harness.busiest * 100.0)),
        ("it waited for a processor".to_owned(), format!("{:.0} %", harness.starved * 100.0)),
        ("handed over late".to_owned(), format!("p99 {}", readable_us(harness.lag_us.p99))),
        ("other processes".to_owned(), format!("{:.2} processors", run.others_cpu)),
    ];
    for kind in &setup.kinds {
        let [least, most] = kind.bytes;
        let to = kind.to.join(", ");
        rows.push((kind.key.clone(), format!("{:.1} %, {least} to {most} bytes, to {to}", kind.share * 100.0)));
    }
    for one in &run.watched {
        rows.push((
            format!("{} ({})", one.command, one.pid),
            format!(
                "{:.2} processors, {:.1} µs a durable message, {} MB",
                one.cpu,
                one.cpu_us_per_message,
                one.resident_bytes / 1_000_000
            ),
        ));
    }
    for trouble in run.troubles.iter().take(5) {
        rows.push(("link trouble".to_owned(), trouble.clone()));
    }
    let row =
        |(name, value): (String, String)| format!("<tr><td>{}</td><td>{}</td></tr>", escape(&name), escape(&value));
    format!("<table>{}</table>", rows.into_iter().map(row).collect::<String>())
}

/// Writing to a string does not fail.
fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::super::tests::made;
    use super::*;

    #[test]
    fn a_page_stands_alone() {
        let run = made(1);
        for html in [page(&run), comparison(&run, &made(2))] {
            for outside in ["http://", "https://", "<script", "<link", "src=", "@import", "url("] {
                assert!(!html.contains(outside), "{outside} in a page");
            }
            for tag in ["table", "tr", "td", "svg", "div", "figure", "main", "h2", "text"] {
                let opened = [">", " "].map(|end| html.matches(&format!("<{tag}{end}")).count());
                let closed = html.matches(&format!("</{tag}>")).count();
                assert!(opened.iter().sum::<usize>() == closed && closed > 0, "{tag} {opened:?} {closed}");
            }
            assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
        }
    }

    #[test]
    fn a_page_shows_latency_throughput_queue_and_errors() {
        let html = page(&made(1));
        for said in [
            "Latency by percentile",
            "Acknowledgement time",
            "Messages a second",
            "Messages waited for",
            "Errors a second",
            "iar_p99&lt;25ms",
            "never acknowledged",
            "ER 14",
        ] {
            assert!(html.contains(said), "{said}");
        }
        assert!(!html.contains("NaN"));
    }

    #[test]
    fn texts_from_outside_are_escaped() {
        let mut run = made(1);
        run.setup.load = "<b>".to_owned();
        run.troubles.push("<i>".to_owned());
        let html = page(&run);
        assert!(!html.contains("<b>&") && !html.contains("<i>") && html.contains("&lt;i&gt;"));
    }
}
