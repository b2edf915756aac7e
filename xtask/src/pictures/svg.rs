//! A screen as an SVG picture: what `vt100` has read, cell by cell.

use vt100::{Cell, Color, Screen};

/// A cell, in the units of the picture.
const WIDTH: usize = 8;
const HEIGHT: usize = 17;
const MARGIN: usize = 12;
/// From the top of a cell to the foot of its letters.
const FOOT: usize = 13;

const FRONT: &str = "#d7dee7";
const BACK: &str = "#10151c";
/// The sixteen colors, each to be read on [`BACK`] and told from the others by its lightness too.
const COLORS: [&str; 16] = [
    "#2b333d", "#ff8a80", "#8ddb8c", "#f0c24b", "#7cb8ff", "#e6a1ff", "#5fd7e0", "#d7dee7", "#7d8896", "#ffb3ad",
    "#b4f0b3", "#ffe08a", "#a9d1ff", "#f2c6ff", "#9bedf2", "#ffffff",
];

/// How a cell looks.
#[derive(Debug, Clone, PartialEq)]
struct Look {
    front: String,
    back: Option<String>,
    bold: bool,
    underline: bool,
}

/// Draws a screen; `what` is for those who do not see it.
pub(super) fn picture(screen: &Screen, what: &str) -> String {
    let (rows, columns) = screen.size();
    let (width, height) = (usize::from(columns) * WIDTH + 2 * MARGIN, usize::from(rows) * HEIGHT + 2 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"{}\">\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACK}\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\">\n",
        escaped(what)
    );
    for row in 0..rows {
        for (column, text, look) in runs(screen, row, columns) {
            draw(&mut out, usize::from(row), column, &text, &look);
        }
    }
    out.push_str("</g></svg>\n");
    out
}

/// The cells of a row that look the same and stand side by side: where they begin, what they show, how.
fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<(usize, String, Look)> {
    let mut runs: Vec<(usize, String, Look)> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else { continue };
        let (text, look) = (if cell.has_contents() { cell.contents() } else { " " }, look(cell));
        match runs.last_mut() {
            Some((_, run, known)) if *known == look => run.push_str(text),
            _ => runs.push((usize::from(column), text.to_owned(), look)),
        }
    }
    runs
}

fn look(cell: &Cell) -> Look {
    let color = |color: Color| match color {
        Color::Default => None,
        Color::Idx(index) => COLORS.get(usize::from(index)).map(|color| (*color).to_owned()),
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    };
    let (front, back) = (color(cell.fgcolor()), color(cell.bgcolor()));
    let (front, back) = if cell.inverse() {
        (Some(back.unwrap_or_else(|| BACK.to_owned())), Some(front.unwrap_or_else(|| FRONT.to_owned())))
    } else {
        (front, back)
    };
    Look { front: front.unwrap_or_else(|| FRONT.to_owned()), back, bold: cell.bold(), underline: cell.underline() }
}

fn draw(out: &mut String, row: usize, column: usize, text: &str, look: &Look) {
    let (x, y, length) = (column * WIDTH + MARGIN, row * HEIGHT + MARGIN, text.chars().count() * WIDTH);
    let mut line = |text: String| out.push_str(&text);
    if let Some(back) = &look.back {
        line(format!("<rect x=\"{x}\" y=\"{y}\" width=\"{length}\" height=\"{HEIGHT}\" fill=\"{back}\"/>\n"));
    }
    if look.underline {
        let (y, front) = (y + HEIGHT - 2, &look.front);
        line(format!("<rect x=\"{x}\" y=\"{y}\" width=\"{length}\" height=\"1\" fill=\"{front}\"/>\n"));
    }
    let shown = text.trim_end();
    if shown.trim_start().is_empty() {
        return;
    }
    let before = shown.chars().take_while(|one| *one == ' ').count();
    let shown = shown.trim_start();
    let (x, y, length) = (x + before * WIDTH, y + FOOT, shown.chars().count() * WIDTH);
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    line(format!(
        "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{weight}>{}</text>\n",
        look.front,
        in_cells(shown)
    ));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text in cells: spaces that no reader of SVG makes one of.
fn in_cells(text: &str) -> String {
    escaped(text).replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> String {
        let mut parser = vt100::Parser::new(2, 10, 0);
        parser.process(text.as_bytes());
        picture(parser.screen(), "a <test>")
    }

    #[test]
    fn text_stands_in_its_cell_in_its_color() {
        let svg = drawn("ab\x1b[1;36m<&\x1b[0m\r\n  \x1b[4mx\x1b[0m");
        assert!(svg.contains(">ab</text>"), "{svg}");
        assert!(svg.contains("x=\"28\" y=\"25\" textLength=\"16\""), "{svg}");
        assert!(svg.contains("fill=\"#5fd7e0\" font-weight=\"bold\">&lt;&amp;</text>"), "{svg}");
        assert!(svg.contains("aria-label=\"a &lt;test&gt;\""), "{svg}");
        assert!(svg.contains("x=\"28\" y=\"44\" width=\"8\" height=\"1\""), "underlined: {svg}");
    }

    #[test]
    fn reversed_text_has_the_colors_of_the_screen_the_other_way_round() {
        let svg = drawn("\x1b[7mA B\x1b[0m");
        assert!(svg.contains("width=\"24\" height=\"17\" fill=\"#d7dee7\""), "{svg}");
        assert!(svg.contains("fill=\"#10151c\">A\u{a0}B</text>"), "{svg}");
        assert!(drawn("\x1b[1;7;35mHITS").contains("height=\"17\" fill=\"#e6a1ff\""));
    }

    #[test]
    fn frames_are_drawn_as_text() {
        assert!(drawn("┌─┐").contains(">┌─┐</text>"));
    }
}
