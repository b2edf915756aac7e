//! The month as one page of HTML that needs nothing else: its plots are drawn in it.

use std::fmt;

use super::Report;
use super::text::seconds;

/// The size of a plot, in its own units.
const WIDTH: u64 = 620;
const HEIGHT: u64 = 140;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:44em;margin:2em auto;padding:0 1em;color:#1c2733;background:#fff}\
h1{font-size:1.5em}h2{font-size:1.1em;margin:1.6em 0 .4em}.notice{background:#8a1c1c;color:#fff;padding:.3em .6em;font-weight:600}\
table{border-collapse:collapse;width:100%}td,th{padding:.25em .6em;border-bottom:1px solid #d5dbe1;text-align:left}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto}rect{fill:#2b6cb0}\
line{stroke:#c05621;stroke-width:1.5;stroke-dasharray:5 4}text{font-size:11px;fill:#52606d}\
@media(prefers-color-scheme:dark){body{color:#dde4ea;background:#14191f}td,th{border-color:#36414c}rect{fill:#63b3ed}text{fill:#9aa8b5}}";

impl Report {
    /// As a page.
    #[must_use]
    pub fn to_html(&self) -> String {
        Page(self).to_string()
    }
}

struct Page<'a>(&'a Report);

impl fmt::Display for Page<'_> {
    fn fmt(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let Report { notice, month, .. } = report;
        write!(
            page,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>Support center, {month}</title><style>{STYLE}</style></head><body>\n\
             <p class=\"notice\">{notice}</p>\n<h1>The support center in {month}</h1>\n\
             <table><thead><tr><th></th><th class=\"n\">month</th><th class=\"n\">published, a month</th><th>published</th></tr></thead><tbody>\n"
        )?;
        for figure in &report.figures {
            let published = figure.published.map_or_else(|| "–".to_owned(), grouped);
            let (what, count, of) = (escaped(figure.what), grouped(figure.count), escaped(figure.of));
            writeln!(
                page,
                "<tr><td>{what}</td><td class=\"n\">{count}</td><td class=\"n\">{published}</td><td>{of}</td></tr>"
            )?;
        }
        writeln!(
            page,
            "</tbody></table>\n<h2>Answers, and the time to each</h2>\n\
             <table><thead><tr><th>kind</th><th class=\"n\">count</th><th class=\"n\">median</th><th class=\"n\">95 of 100 within</th></tr></thead><tbody>"
        )?;
        for (kind, times) in &report.answers {
            let (kind, count) = (escaped(kind), grouped(u64::try_from(times.count).unwrap_or(u64::MAX)));
            let (median, p95) = (seconds(times.median_us), seconds(times.p95_us));
            writeln!(
                page,
                "<tr><td>{kind}</td><td class=\"n\">{count}</td><td class=\"n\">{median}</td><td class=\"n\">{p95}</td></tr>"
            )?;
        }
        writeln!(page, "</tbody></table>")?;
        plot(page, "Inquiries a day", &report.inquiries_by_day, 1_852, "FY2005: 1,852 a day")?;
        plot(page, "Detainers a day", &report.detainers_by_day, 42, "FY2004: 42 a day")?;
        plot(page, "Tipline calls a day", &report.calls_by_day, 74, "FY2004: 74 a day")?;
        writeln!(page, "</body></html>")
    }
}

/// A bar for each day, and a line at the published mean if it is not far above them all.
fn plot(page: &mut fmt::Formatter<'_>, title: &str, days: &[u64], mean: u64, published: &str) -> fmt::Result {
    let most = days.iter().copied().max().unwrap_or(0);
    let shows_mean = mean <= most.saturating_mul(4);
    let top = if shows_mean { most.max(mean) } else { most }.max(1);
    let scaled = |value: u64| value.saturating_mul(HEIGHT.saturating_sub(30)).checked_div(top).unwrap_or(0);
    let step = WIDTH.saturating_sub(40).checked_div(u64::try_from(days.len()).unwrap_or(31)).unwrap_or(20);
    let base = HEIGHT.saturating_sub(15);
    writeln!(
        page,
        "<h2>{title}</h2>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}, most {most}\">\
         <text x=\"0\" y=\"12\">{}</text>",
        grouped(top)
    )?;
    for (day, count) in (1_u64..).zip(days) {
        let (x, height) = (day.saturating_sub(1).saturating_mul(step).saturating_add(40), scaled(*count));
        let (y, width) = (base.saturating_sub(height), step.saturating_sub(3));
        write!(
            page,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{day}: {count}</title></rect>"
        )?;
        if day == 1 || day.is_multiple_of(5) {
            write!(page, "<text x=\"{x}\" y=\"{HEIGHT}\">{day}</text>")?;
        }
    }
    if shows_mean {
        let y = base.saturating_sub(scaled(mean));
        write!(page, "<line x1=\"40\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>")?;
    }
    writeln!(page, "</svg>\n<p>{}{published}.</p>", if shows_mean { "The line: " } else { "Far above these: " })
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
