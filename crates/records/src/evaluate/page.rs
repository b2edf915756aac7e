//! The evaluation as a page: one file, plots drawn in it, nothing fetched.

use std::fmt::{self, Write as _};

use super::{BINS, Evaluation, RANKS, Tally, goal, share};

/// The page of an evaluation. `about` says what was evaluated: records, questions, machine.
#[must_use]
pub fn page(evaluation: &Evaluation, about: &str) -> String {
    let mut page = Page(String::new());
    page.add(format_args!("{HEAD}<h1>How well records are found</h1><p>{}</p>", Escaped(about)));
    page.table(evaluation);
    page.bars(evaluation);
    page.latency(evaluation);
    page.thresholds(evaluation);
    page.calibration(evaluation);
    page.add(format_args!("</body></html>\n"));
    page.0
}

const HEAD: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>How well records are found</title>\
<style>body{font:14px/1.4 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222;background:#fff}\
table{border-collapse:collapse}td,th{padding:.15em .6em;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child{text-align:left}.short{color:#b00020;font-weight:bold}svg{display:block;margin:1em 0}\
text{font:11px sans-serif;fill:#222}.axis{stroke:#999}.one{fill:#2a6f97;stroke:none}.line{fill:none;stroke:#2a6f97;stroke-width:1.5}\
.other{fill:none;stroke:#c1440e;stroke-width:1.5}.guide{stroke:#ccc;stroke-dasharray:3 3}</style></head><body>\n";

struct Page(String);

impl Page {
    fn add(&mut self, text: fmt::Arguments<'_>) {
        self.0.push_str(&text.to_string());
    }

    fn table(&mut self, evaluation: &Evaluation) {
        self.add(format_args!(
            "<table><tr><th>class</th><th>asked</th><th>in ten, %</th><th>goal</th><th>first, %</th><th>mean 1/rank</th>\
             <th>match, %</th><th>possible, %</th><th>precision of matches, %</th><th>somebody else a match, %</th>\
             <th>p50, µs</th><th>p99, µs</th><th>p99.9, µs</th><th>compared, p50</th></tr>\n"
        ));
        for (class, tally) in evaluation.classes() {
            let goal = goal(class.kind());
            let recall = 100.0 * tally.recall(RANKS);
            let mark = if goal.is_some_and(|goal| recall < goal) { " class=\"short\"" } else { "" };
            let percent = |count: u64| 100.0 * share(count, tally.asked);
            let micro = |per_mille: usize| tally.nanoseconds_at(per_mille) as f64 / 1e3;
            self.add(format_args!(
                "<tr><td title=\"{}\">{}</td><td>{}</td><td{mark}>{recall:.2}</td><td>{}</td><td>{:.2}</td><td>{:.3}</td>\
                 <td>{:.2}</td><td>{:.2}</td><td>{:.2}</td><td>{:.3}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td><td>{}</td></tr>\n",
                Escaped(class.meaning()),
                class.name(),
                tally.asked,
                goal.map_or_else(String::new, |goal| goal.to_string()),
                100.0 * tally.recall(1),
                tally.mean_reciprocal_rank(),
                percent(tally.matches),
                percent(tally.possible),
                100.0 * tally.precision(),
                percent(tally.wrong_matches),
                micro(500),
                micro(990),
                micro(999),
                tally.compared_at(500),
            ));
        }
        self.add(format_args!("</table>\n"));
    }

    /// Recall by class: what is missing to a hundred, so that differences can be seen.
    fn bars(&mut self, evaluation: &Evaluation) {
        let classes: Vec<_> = evaluation.classes().filter(|(_, tally)| tally.recall(RANKS) > 0.0).collect();
        let height = classes.len() * 16 + 30;
        self.add(format_args!("<h2>Not among the first ten, of a hundred</h2><svg width=\"760\" height=\"{height}\">"));
        for (place, (class, tally)) in classes.iter().enumerate() {
            let missing = 100.0 * (1.0 - tally.recall(RANKS));
            let (y, width) = (place * 16 + 4, (missing * 100.0).min(500.0));
            self.add(format_args!(
                "<text x=\"170\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"one\" x=\"176\" y=\"{y}\" width=\"{width:.1}\" \
                 height=\"11\"/><text x=\"{:.1}\" y=\"{}\">{missing:.2}</text>",
                y + 10,
                class.name(),
                180.0 + width,
                y + 10,
            ));
            if let Some(goal) = goal(class.kind()) {
                let x = 176.0 + (100.0 - goal) * 100.0;
                self.add(format_args!(
                    "<line class=\"other\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y}\" y2=\"{}\"/>",
                    y + 11
                ));
            }
        }
        self.add(format_args!("</svg><p>The upright lines are the goals.</p>\n"));
    }

    /// How many searches took how long.
    fn latency(&mut self, evaluation: &Evaluation) {
        self.add(format_args!("<h2>Time of a search</h2><svg width=\"760\" height=\"260\">"));
        self.axes("share of searches", "microseconds, each line ten times the one before");
        for exponent in 0..5 {
            let x = 60.0 + 160.0 * f64::from(exponent);
            self.add(format_args!(
                "<line class=\"guide\" x1=\"{x}\" x2=\"{x}\" y1=\"10\" y2=\"210\"/><text x=\"{x}\" y=\"224\" text-anchor=\"middle\">{}</text>",
                10_u32.pow(exponent)
            ));
        }
        for (by_number, style) in [(false, "line"), (true, "other")] {
            let tally: Tally = evaluation.together(by_number);
            let points: Vec<_> = (1..=1000)
                .step_by(5)
                .map(|per_mille| {
                    let micro = (tally.nanoseconds_at(per_mille) as f64 / 1e3).max(1.0);
                    (60.0 + 160.0 * micro.log10(), 210.0 - per_mille as f64 / 5.0)
                })
                .collect();
            if tally.asked > 0 {
                self.line(&points, style);
            }
        }
        self.add(format_args!("</svg><p>Blue: by name. Red: by number.</p>\n"));
    }

    /// What each threshold would call the person, and somebody else.
    fn thresholds(&mut self, evaluation: &Evaluation) {
        self.add(format_args!("<h2>By threshold of probability</h2><svg width=\"760\" height=\"260\">"));
        self.axes("share of questions", "threshold, 0 to 1");
        let all: Vec<(f32, f32, bool)> = evaluation
            .classes()
            .flat_map(|(_, tally)| tally.probabilities.iter())
            .map(|(own, other)| (*own, *other, *own > 0.0))
            .collect();
        let curve = |value: fn(&(f32, f32, bool)) -> Option<f32>| -> Vec<(f64, f64)> {
            let values: Vec<f32> = all.iter().filter_map(value).collect();
            let above = |threshold: f32| values.iter().filter(|value| **value >= threshold).count() as f64;
            let steps = (0_u16..=100).map(|step| f32::from(step) / 100.0);
            let point = |threshold: f32| {
                (
                    60.0 + 640.0 * f64::from(threshold),
                    210.0 - 200.0 * above(threshold.max(1e-6)) / values.len().max(1) as f64,
                )
            };
            steps.map(point).collect()
        };
        self.line(&curve(|(own, _, is_found)| is_found.then_some(*own)), "line");
        self.line(&curve(|(_, other, _)| Some(*other)), "other");
        self.add(format_args!(
            "</svg><p>Blue: of the questions whose person was found, those in which the person's probability is above the threshold. \
             Red: of all questions, those in which somebody else's is.</p>\n"
        ));
    }

    /// Whether what is called likely is.
    fn calibration(&mut self, evaluation: &Evaluation) {
        self.add(format_args!(
            "<h2>Probability said, and how often it was the person</h2><svg width=\"760\" height=\"260\">"
        ));
        self.axes("share that was the person", "probability said, 0 to 1");
        self.add(format_args!("<line class=\"guide\" x1=\"60\" y1=\"210\" x2=\"700\" y2=\"10\"/>"));
        for (bin, (all, right)) in evaluation.calibration().iter().enumerate().filter(|(_, (all, _))| *all > 0) {
            let x = 60.0 + 640.0 * (bin as f64 + 0.5) / BINS as f64;
            let y = 210.0 - 200.0 * share(*right, *all);
            self.add(format_args!(
                "<circle class=\"one\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{right} of {all}</title></circle>"
            ));
        }
        self.add(format_args!("</svg>\n"));
    }

    fn axes(&mut self, up: &str, along: &str) {
        self.add(format_args!(
            "<line class=\"axis\" x1=\"60\" y1=\"10\" x2=\"60\" y2=\"210\"/><line class=\"axis\" x1=\"60\" y1=\"210\" x2=\"700\" y2=\"210\"/>\
             <text x=\"64\" y=\"20\">{up}</text><text x=\"700\" y=\"244\" text-anchor=\"end\">{along}</text>\
             <text x=\"54\" y=\"214\" text-anchor=\"end\">0</text><text x=\"54\" y=\"18\" text-anchor=\"end\">1</text>"
        ));
    }

    fn line(&mut self, points: &[(f64, f64)], style: &str) {
        self.add(format_args!("<polyline class=\"{style}\" points=\""));
        points.iter().for_each(|(x, y)| self.add(format_args!("{x:.1},{y:.1} ")));
        self.add(format_args!("\"/>"));
    }
}

/// Text as it stands in a page.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_nothing_is_a_page_and_what_is_said_is_escaped() {
        let page = page(&Evaluation::default(), "1 < 2 & \"so on\"");
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        assert!(page.contains("1 &lt; 2 &amp; &quot;so on&quot;") && !page.contains("http"));
    }
}
