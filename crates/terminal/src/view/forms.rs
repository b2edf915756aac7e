//! Forms, and the message as it will go out.

use ratatui::layout::Rect;

use super::paint::{Look, Paint};
use super::window;
use crate::editor::Editor;
use crate::form::{Form, FormRow, Need, What};
use crate::model::Terminal;
use crate::model::raw_fault;
use crate::shown;

const LABEL_END: u16 = 30;
const VALUE_START: u16 = 35;
/// Beside a form of so many columns there is room for the message.
const WIDE_COLUMNS: u16 = 110;
const PREVIEW_LINES: u16 = 5;

pub(super) fn form(terminal: &Terminal, form: &Form, paint: &mut Paint<'_>, area: Rect) -> Option<(u16, u16)> {
    let today = terminal.today();
    let title = format!("{}  {}", form.spec.key, form.spec.title);
    paint.text(0, 1, area.width, &title, Look::Strong);
    let fault = form.fault(today);
    let wide = area.width >= WIDE_COLUMNS;
    let (rows_area, preview) = if wide {
        let left = area.width.saturating_mul(3).wrapping_div(5);
        (
            Rect { width: left, ..area },
            Rect { x: left.saturating_add(2), width: area.width.saturating_sub(left).saturating_sub(2), ..area },
        )
    } else {
        let height = area.height.saturating_sub(PREVIEW_LINES);
        (Rect { height, ..area }, Rect { y: area.y.saturating_add(height), height: PREVIEW_LINES, ..area })
    };
    let cursor = rows(terminal, form, paint, rows_area);
    let ready = fault.as_ref().map_or_else(
        || "AS IT WILL GO OUT, ready to send".to_owned(),
        |fault| format!("AS IT WILL GO OUT, not ready: {}", shown::line(&fault.what)),
    );
    let look = if fault.is_some() { Look::Strong } else { Look::Good };
    paint.text(preview.x, preview.y, preview.right(), &ready, look);
    let lines = shown::wrapped(&shown::lines(form.message().as_bytes()), usize::from(preview.width));
    let room = usize::from(preview.height.saturating_sub(1));
    // The end of a long message is where it is being written.
    let hidden = lines.len().saturating_sub(room);
    for (y, line) in (preview.y.saturating_add(1)..).zip(lines.iter().skip(hidden)) {
        paint.text(preview.x, y, preview.right(), line, Look::Plain);
    }
    cursor
}

fn rows(terminal: &Terminal, form: &Form, paint: &mut Paint<'_>, area: Rect) -> Option<(u16, u16)> {
    let page = usize::from(area.height).max(1);
    let first = if form.rows.len() <= page { 0 } else { scrolled(form.at, form.rows.len(), page) };
    let mut cursor = None;
    for (y, (at, row)) in (area.y..area.bottom()).zip(form.rows.iter().enumerate().skip(first)) {
        let here = at == form.at;
        if row.what == What::Body {
            let text =
                Rect { y: y.saturating_add(1), height: area.bottom().saturating_sub(y).saturating_sub(1), ..area };
            paint.text(0, y, area.right(), if here { "> Text" } else { "  Text" }, Look::Strong);
            let at = lines(paint, &row.editor, text);
            return if here { at } else { cursor };
        }
        let fault = form.row_fault(at, terminal.today());
        let mark = match form.need(at) {
            _ if fault.is_some() => "!",
            Need::Required => "*",
            Need::OneOf => "+",
            Need::Optional => " ",
            Need::NotHere => ".",
        };
        let label_look = if here { Look::Strong } else { Look::Plain };
        paint.text(0, y, area.right(), if here { ">" } else { " " }, Look::Strong);
        paint.text(1, y, area.right(), mark, if fault.is_some() { Look::Alarm } else { Look::Strong });
        paint.text(3, y, LABEL_END, row.name(), label_look);
        if let What::Field(field) = row.what {
            paint.text(LABEL_END.saturating_add(1), y, VALUE_START, field.prefix.as_str(), Look::Plain);
        }
        let (room, end) = value(paint, row, here, y, area.right());
        let text = row.editor.text();
        let (_, column) = row.editor.position();
        let (part, place) = window(text, if here { column } else { 0 }, room);
        paint.text(VALUE_START, y, end, part, Look::Field);
        if here {
            cursor = Some((VALUE_START.saturating_add(place), y));
        }
        let beside = end.saturating_add(2);
        if let Some(fault) = &fault {
            paint.text(beside, y, area.right(), fault, Look::Strong);
        } else if let Some(meaning) = row.meaning() {
            paint.text(beside, y, area.right(), meaning, Look::Good);
        } else if here && row.has_list() {
            let key = terminal.key_of(crate::keys::Action::Pick);
            paint.text(beside, y, area.right(), &format!("{key} lists"), Look::Plain);
        }
    }
    cursor
}

/// Draws the line that a value is written on; returns its room and its end.
fn value(paint: &mut Paint<'_>, row: &FormRow, here: bool, y: u16, right: u16) -> (usize, u16) {
    let wanted = match row.what {
        What::From => 9,
        What::To => 40,
        What::Control => 20,
        What::Field(field) => *field.length.end(),
        What::Body => 0,
    };
    // A value that is being typed and is too long must be seen to be so.
    let wanted = if here { wanted.max(row.editor.text().len()) } else { wanted };
    let most = usize::from(right.saturating_sub(VALUE_START)).saturating_sub(1).min(60);
    let room = wanted.min(most).max(1);
    let end = VALUE_START.saturating_add(u16::try_from(room).unwrap_or(1));
    paint.text(VALUE_START, y, end, &" ".repeat(room), Look::Field);
    (room, end)
}

/// The first line that is shown of a list of which a page is shown, so that some lines around the selected one are.
fn scrolled(at: usize, count: usize, page: usize) -> usize {
    at.saturating_sub(page.wrapping_div(2)).min(count.saturating_sub(page))
}

/// A text of several lines, with the cursor in sight; returns where that is.
fn lines(paint: &mut Paint<'_>, editor: &Editor, area: Rect) -> Option<(u16, u16)> {
    let (line, column) = editor.position();
    let page = usize::from(area.height).max(1);
    let first = line.saturating_sub(page.saturating_sub(1));
    let room = usize::from(area.width).saturating_sub(1).max(1);
    let from = column.saturating_sub(room);
    for (y, text) in (area.y..area.bottom()).zip(editor.text().split('\n').skip(first)) {
        paint.text(area.x, y, area.right(), text.get(from..).unwrap_or_default(), Look::Plain);
    }
    let x = area.x.saturating_add(u16::try_from(column.saturating_sub(from)).unwrap_or(0));
    Some((x, area.y.saturating_add(u16::try_from(line.saturating_sub(first)).unwrap_or(0))))
}

pub(super) fn raw(terminal: &Terminal, editor: &Editor, paint: &mut Paint<'_>, area: Rect) -> Option<(u16, u16)> {
    paint.text(0, 1, area.width, "A WHOLE MESSAGE, sent as it stands", Look::Strong);
    let (what, look) = match raw_fault(editor.text(), terminal.today()) {
        Some(fault) => (format!("! The switch will refuse it: {}", shown::line(&fault)), Look::Strong),
        None => ("By the dictionary it is right".to_owned(), Look::Good),
    };
    paint.text(0, area.y, area.width, &what, look);
    lines(paint, editor, Rect { y: area.y.saturating_add(2), height: area.height.saturating_sub(2), ..area })
}
