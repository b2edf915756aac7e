//! Plots as SVG, drawn here so that a page needs nothing from anywhere: lines over one axis, ticks, a legend.
//!
//! Colors are classes, `s0` to `s5`, which the page's style sheet gives, so that a plot follows a dark or a light page.

use std::fmt::Write as _;

use super::{readable, readable_us};

/// A plot.
#[derive(Debug, Clone, Default)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// The axis along the bottom.
    pub x: Axis,
    /// The axis at the left.
    pub y: Axis,
    /// The lines.
    pub lines: Vec<Line>,
    /// A stretch of the bottom axis that is set apart, as the measured time is.
    pub band: Option<(f64, f64)>,
}

/// An axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Axis {
    /// Plain numbers from 0.
    #[default]
    Number,
    /// Seconds of a run.
    Seconds,
    /// Microseconds from 0.
    Micros,
    /// Microseconds by powers of ten.
    LogMicros,
    /// Shares given as `1 / (1 − share)`, by powers of ten: 90, 99, 99.9 percent.
    Percentile,
}

/// A line of a plot.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// Which of the page's colors, 0 to 5.
    pub color: usize,
    /// Whether it is dashed.
    pub dashed: bool,
    /// Its points; those that are no numbers leave a gap.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 68.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 34.0;

impl Axis {
    const fn is_log(self) -> bool {
        matches!(self, Self::LogMicros | Self::Percentile)
    }

    fn place(self, value: f64) -> f64 {
        if self.is_log() { value.max(1e-9).log10() } else { value }
    }

    fn label(self, value: f64) -> String {
        #[expect(clippy::cast_possible_truncation, reason = "microseconds of a run, above 0")]
        let micros = || readable_us(value.max(0.0).round() as u64);
        match self {
            Self::Number => readable(value),
            Self::Seconds => format!("{} s", readable(value)),
            Self::Micros | Self::LogMicros => micros(),
            Self::Percentile => {
                let percent = 100.0 - 100.0 / value;
                let digits = if value > 100.0 { value.log10().ceil() - 2.0 } else { 0.0 };
                #[expect(clippy::cast_possible_truncation, reason = "a few digits")]
                let digits = digits.max(0.0) as usize;
                format!("{percent:.digits$} %")
            }
        }
    }

    /// Where the axis begins and ends for values of that range, and its ticks.
    fn ticks(self, least: f64, most: f64) -> (f64, f64, Vec<f64>) {
        if self.is_log() {
            let first = if self == Self::Percentile { 0.0 } else { self.place(least).floor() };
            let last = self.place(most).ceil().max(first + 1.0);
            #[expect(clippy::cast_possible_truncation, reason = "powers of ten of times and counts")]
            let ticks = (first as i32..=last as i32).map(|power| 10_f64.powi(power)).collect();
            return (first, last, ticks);
        }
        let most = if most > 0.0 { most } else { 1.0 };
        let first = if self == Self::Seconds { least.max(0.0) } else { 0.0 };
        let step = step((most - first).max(1e-9) / 5.0);
        let last = if self == Self::Seconds { most } else { (most / step).ceil() * step };
        let count = ((last - first) / step + 1e-6).floor();
        #[expect(clippy::cast_possible_truncation, reason = "a handful")]
        let count = count as u32;
        let begin = (first / step).ceil() * step;
        let ticks = (0..=count).map(|at| begin + f64::from(at) * step).filter(|tick| *tick <= last + step / 1e3);
        (first, last, ticks.collect())
    }
}

/// 1, 2 or 5 times a power of ten, at least as large.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(least)
}

impl Plot {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.points.is_empty())
    }

    /// The plot as an `svg` element.
    #[must_use]
    pub fn draw(&self) -> String {
        let all = || self.lines.iter().flat_map(|line| &line.points).filter(|(x, y)| x.is_finite() && y.is_finite());
        let range = |of: fn(&(f64, f64)) -> f64| {
            let least = all().map(of).fold(f64::INFINITY, f64::min);
            let most = all().map(of).fold(f64::NEG_INFINITY, f64::max);
            if least <= most { (least, most) } else { (0.0, 1.0) }
        };
        let ((x_least, x_most), (y_least, y_most)) = (range(|point| point.0), range(|point| point.1));
        let (x_first, x_last, x_ticks) = self.x.ticks(x_least, x_most);
        let (y_first, y_last, y_ticks) = self.y.ticks(y_least.max(1.0), y_most);
        let across =
            |value: f64| LEFT + (self.x.place(value) - x_first) / (x_last - x_first).max(1e-9) * (WIDTH - LEFT - RIGHT);
        let up = |value: f64| {
            let share = (self.y.place(value) - y_first) / (y_last - y_first).max(1e-9);
            HEIGHT - BOTTOM - share.max(0.0) * (HEIGHT - TOP - BOTTOM)
        };
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\"><text class=\"title\" x=\"{LEFT}\" \
             y=\"16\">{0}</text>",
            escape(&self.title)
        );
        if let Some((from, until)) = self.band {
            let (left, right) = (across(from).max(LEFT), across(until).min(WIDTH - RIGHT));
            if right > left {
                let (width, height) = (right - left, HEIGHT - TOP - BOTTOM);
                put(
                    &mut svg,
                    format_args!(
                        "<rect class=\"band\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height}\"/>"
                    ),
                );
            }
        }
        let (foot, end) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for tick in y_ticks {
            let (y, label) = (up(tick), self.y.label(tick));
            put(
                &mut svg,
                format_args!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"),
            );
            put(
                &mut svg,
                format_args!(
                    "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                    LEFT - 6.0,
                    y + 4.0
                ),
            );
        }
        for tick in x_ticks {
            let (x, label) = (across(tick), self.x.label(tick));
            put(
                &mut svg,
                format_args!("<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{foot}\"/>"),
            );
            put(
                &mut svg,
                format_args!(
                    "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                    foot + 16.0
                ),
            );
        }
        self.legend(&mut svg);
        for line in &self.lines {
            let class = format!("s{}{}", line.color % 6, if line.dashed { " dashed" } else { "" });
            for part in line.points.split(|(x, y)| !x.is_finite() || !y.is_finite()).filter(|part| !part.is_empty()) {
                let points: Vec<String> =
                    part.iter().map(|(x, y)| format!("{:.1},{:.1}", across(*x), up(*y))).collect();
                if let [only] = points.as_slice() {
                    let (x, y) = only.split_once(',').unwrap_or(("0", "0"));
                    put(&mut svg, format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"2\"/>"));
                } else {
                    put(&mut svg, format_args!("<polyline class=\"{class}\" points=\"{}\"/>", points.join(" ")));
                }
            }
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT;
        for line in &self.lines {
            let class = format!("s{}{}", line.color % 6, if line.dashed { " dashed" } else { "" });
            put(svg, format_args!("<polyline class=\"{class}\" points=\"{x:.1},32 {:.1},32\"/>", x + 18.0));
            put(svg, format_args!("<text class=\"name\" x=\"{:.1}\" y=\"36\">{}</text>", x + 23.0, escape(&line.name)));
            x += 40.0 + 6.6 * line.name.chars().count() as f64;
        }
    }
}

/// Writing to a string does not fail.
fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).unwrap_or_default();
}

/// Text between tags or quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, f64)]) -> Line {
        Line { name: "a < b".to_owned(), points: points.to_vec(), ..Line::default() }
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        assert_eq!(Axis::Number.ticks(3.0, 93.0), (0.0, 100.0, vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0]));
        assert_eq!(Axis::Number.ticks(0.0, 0.0).2.last(), Some(&1.0));
        let (first, last, ticks) = Axis::LogMicros.ticks(250.0, 40_000.0);
        assert_eq!((first, last, ticks.len()), (2.0, 5.0, 4));
        assert_eq!([10.0, 100.0, 1000.0].map(|value| Axis::Percentile.label(value)), ["90 %", "99 %", "99.9 %"]);
        assert_eq!(Axis::Seconds.ticks(0.2, 12.0).2, [5.0, 10.0]);
    }

    #[test]
    fn a_plot_stays_within_its_frame_and_escapes_its_names() {
        let plot = Plot {
            title: "rates & times".to_owned(),
            lines: vec![line(&[(0.0, 0.0), (5.0, 70.0), (f64::NAN, 1.0), (9.0, 100.0)])],
            band: Some((2.0, 30.0)),
            ..Plot::default()
        };
        let svg = plot.draw();
        assert!(svg.contains("rates &amp; times") && svg.contains("a &lt; b"), "{svg}");
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<circle").count()), (2, 1), "a gap parts a line");
        for number in svg.split(['"', ' ', ',']).filter_map(|word| word.parse::<f64>().ok()) {
            assert!((-0.1..=WIDTH + 0.1).contains(&number), "{number}");
        }
        assert!(Plot::default().is_empty() && !Plot::default().draw().contains("NaN"));
    }
}
