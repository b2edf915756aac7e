//! What stands over a screen, and the lock.

use ratatui::layout::Rect;

use super::paint::{Look, Paint};
use crate::model::{Popup, SECOND_MICROS, Terminal};
use crate::shown;

pub(super) fn popup(popup: &Popup, paint: &mut Paint<'_>, area: Rect) -> Option<(u16, u16)> {
    match popup {
        Popup::Help(scroll) => {
            let inner = boxed(paint, area, area.width.saturating_sub(2), area.height.saturating_sub(2), "HELP");
            let room = usize::from(inner.height);
            // From its beginning; `below` counts what is hidden from the end, at most all.
            let top = scroll.lines.len().saturating_sub(scroll.below).min(scroll.lines.len().saturating_sub(room));
            for (y, line) in (inner.y..inner.bottom()).zip(scroll.lines.iter().skip(top)) {
                paint.text(inner.x, y, inner.right(), line, Look::Plain);
            }
            let more = scroll.lines.len().saturating_sub(top) > room;
            foot(paint, inner, if more { "PgDn or Down: more   Enter closes" } else { "Enter closes" });
            None
        }
        Popup::Ask { question, .. } => {
            let lines = shown::wrapped(question, 60);
            let height = u16::try_from(lines.len()).unwrap_or(10).saturating_add(4);
            let inner = boxed(paint, area, 66, height, "SURE?");
            let mut y = inner.y;
            for line in lines {
                paint.text(inner.x, y, inner.right(), &shown::line(&line), Look::Strong);
                y = y.saturating_add(1);
            }
            let x = paint.text(inner.x, y.saturating_add(1), inner.right(), "Y yes   N no  ", Look::Key);
            Some((x, y.saturating_add(1)))
        }
        Popup::Name(editor) => {
            let inner = boxed(paint, area, 60, 5, "TEMPLATE");
            paint.text(
                inner.x,
                inner.y,
                inner.right(),
                "Its name, then Enter; empty for its first field:",
                Look::Plain,
            );
            let y = inner.y.saturating_add(1);
            let x = paint.text(inner.x, y, inner.right(), editor.text(), Look::Field);
            Some((x, y))
        }
        Popup::Pick(picker) => {
            let height = area.height.saturating_sub(4).min(24);
            let inner = boxed(paint, area, area.width.saturating_sub(6).min(76), height, &picker.title);
            let query_end = paint.text(inner.x, inner.y, inner.right(), "Code or meaning: ", Look::Key);
            let end = paint.text(query_end, inner.y, inner.right(), picker.query.text(), Look::Field);
            let count = picker.fitting().len();
            let place = format!("{count} fit");
            let right = inner.right().saturating_sub(u16::try_from(place.len()).unwrap_or(0));
            paint.text(right, inner.y, inner.right(), &place, Look::Plain);
            let page = usize::from(inner.height.saturating_sub(1)).max(1);
            let first = picker.selected().wrapping_div(page).saturating_mul(page);
            for (y, (at, (code, text))) in
                (inner.y.saturating_add(1)..inner.bottom()).zip(picker.fitting().enumerate().skip(first))
            {
                let look = if at == picker.selected() { Look::Selected } else { Look::Plain };
                paint.text(inner.x, y, inner.right(), &format!("{code:<10} {text}"), look);
            }
            foot(paint, inner, "Type to narrow   Enter takes it and goes on   Esc closes");
            Some((end, inner.y))
        }
    }
}

/// A line in the lower edge of a frame, of which `inner` is the inside.
fn foot(paint: &mut Paint<'_>, inner: Rect, text: &str) {
    paint.text(inner.x, inner.bottom(), inner.right(), &format!(" {text} "), Look::Key);
}

pub(super) fn locked(terminal: &Terminal, paint: &mut Paint<'_>, area: Rect) -> Option<(u16, u16)> {
    let locked = terminal.locked.as_ref()?;
    let inner = boxed(paint, area, 50, 8, "LOCKED");
    let line = format!("{} is locked. Messages go on coming.", terminal.config.station);
    paint.text(inner.x, inner.y, inner.right(), &line, Look::Plain);
    let wait = locked.not_before.saturating_sub(terminal.now);
    let y = inner.y.saturating_add(2);
    let x = paint.text(inner.x, y, inner.right(), "Password: ", Look::Strong);
    let x = paint.text(x, y, inner.right(), &"*".repeat(locked.typed.text().len()), Look::Plain);
    let said = if wait > 0 {
        format!("Too many wrong ones: wait {} s", wait.wrapping_div(SECOND_MICROS).saturating_add(1))
    } else if locked.checking {
        "One moment".to_owned()
    } else if locked.wrong > 0 {
        "That was not it".to_owned()
    } else {
        String::new()
    };
    paint.text(inner.x, y.saturating_add(2), inner.right(), &said, Look::Strong);
    Some((x, y))
}

/// A frame in the middle; returns what is inside it.
fn boxed(paint: &mut Paint<'_>, area: Rect, width: u16, height: u16, title: &str) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let x = area.width.saturating_sub(width).wrapping_div(2);
    let y = area.height.saturating_sub(height).wrapping_div(2);
    let frame = Rect { x, y, width, height };
    paint.frame(frame, &shown::line(title));
    Rect {
        x: x.saturating_add(2),
        y: y.saturating_add(1),
        width: width.saturating_sub(4),
        height: height.saturating_sub(2),
    }
}
