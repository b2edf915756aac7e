//! Text and looks on a buffer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::config::Colors;

/// How something looks. None is told from another by red against green, and each also without any color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Strong,
    Key,
    Bar,
    Selected,
    Field,
    Good,
    Warn,
    Alarm,
}

impl Look {
    fn style(self, colors: Colors) -> Style {
        let style = Style::new();
        let color = |style: Style, color| if colors == Colors::Sixteen { style.fg(color) } else { style };
        match self {
            Self::Plain => style,
            Self::Strong => style.add_modifier(Modifier::BOLD),
            Self::Key => color(style, Color::Cyan).add_modifier(Modifier::BOLD),
            Self::Bar => style.add_modifier(Modifier::REVERSED),
            Self::Selected => style.add_modifier(Modifier::REVERSED),
            Self::Field => style.add_modifier(Modifier::UNDERLINED),
            Self::Good => color(style, Color::Cyan),
            Self::Warn => color(style, Color::Yellow).add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Self::Alarm => color(style, Color::Magenta).add_modifier(Modifier::BOLD | Modifier::REVERSED),
        }
    }
}

/// A buffer to draw on.
pub(super) struct Paint<'a> {
    buffer: &'a mut Buffer,
    colors: Colors,
}

impl<'a> Paint<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, colors: Colors) -> Self {
        Self { buffer, colors }
    }

    /// Text from a column on, up to but not beyond `end`; returns the column after it.
    pub(super) fn text(&mut self, x: u16, y: u16, end: u16, text: &str, look: Look) -> u16 {
        let area = self.buffer.area;
        let end = end.min(area.width);
        if y >= area.height || x >= end {
            return x;
        }
        let room = usize::from(end.saturating_sub(x));
        self.buffer.set_stringn(x, y, text, room, look.style(self.colors)).0
    }

    /// A look for a whole area, whose text is taken away.
    pub(super) fn fill(&mut self, area: Rect, look: Look) {
        let area = area.intersection(self.buffer.area);
        let style = look.style(self.colors);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// A frame of ASCII around an area, empty inside, with a title.
    pub(super) fn frame(&mut self, area: Rect, title: &str) {
        self.fill(area, Look::Plain);
        let width = usize::from(area.width.saturating_sub(2));
        let (right, bottom) = (area.right(), area.bottom().saturating_sub(1));
        let edge = format!("+{}+", "-".repeat(width));
        self.text(area.x, area.y, right, &edge, Look::Plain);
        self.text(area.x, bottom, right, &edge, Look::Plain);
        for y in area.y.saturating_add(1)..bottom {
            self.text(area.x, y, right, "|", Look::Plain);
            self.text(right.saturating_sub(1), y, right, "|", Look::Plain);
        }
        let title = format!(" {title} ");
        self.text(area.x.saturating_add(2), area.y, right.saturating_sub(1), &title, Look::Strong);
    }
}
