//! Draws what a terminal knows. It changes nothing, and what it draws of the network's text [`crate::shown`] has made.
//!
//! ```text
//! station, link, what waits                      the state
//! the screen                                     its title
//! headings
//! …                                              its own lines
//! what was said
//! ===> command
//! keys
//! keys
//! ```

mod forms;
mod lists;
mod paint;
mod popups;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::paint::{Look, Paint};
use crate::keys::Action;
use crate::model::{Link, SECOND_MICROS, Screen, Terminal};

/// Draws a terminal.
pub fn draw(terminal: &Terminal, frame: &mut Frame<'_>) {
    let area = frame.area();
    let colors = terminal.config.preferences.colors;
    let mut paint = Paint::new(frame.buffer_mut(), colors);
    let bottom = area.height.saturating_sub(1);
    let width = area.width;
    let mut cursor = None;
    state(terminal, &mut paint, width);
    if terminal.locked.is_some() {
        cursor = popups::locked(terminal, &mut paint, area);
    } else if let Some(screen) = terminal.screen() {
        let content = Rect { x: 0, y: 2, width, height: area.height.saturating_sub(6) };
        match screen {
            Screen::Form(form) => cursor = forms::form(terminal, form, &mut paint, content),
            Screen::Raw(editor) => cursor = forms::raw(terminal, editor, &mut paint, content),
            Screen::Menu(_) | Screen::Inbox(_) | Screen::Hits(_) | Screen::Queue(_) | Screen::Recall(_) => {
                lists::list(terminal, screen, &mut paint, content);
            }
            Screen::Message(_) | Screen::Scroll(_) | Screen::Log(_) => {
                lists::text(terminal, screen, &mut paint, content)
            }
        }
        said(terminal, &mut paint, bottom.saturating_sub(3), width);
        let line = bottom.saturating_sub(2);
        if !matches!(screen, Screen::Form(_) | Screen::Raw(_)) {
            let prompt = if terminal.finding { "Find ===> " } else { "===> " };
            let column = paint.text(0, line, width, prompt, Look::Strong);
            let room = usize::from(width.saturating_sub(column).saturating_sub(1));
            let (_, at) = terminal.command.position();
            let (text, at) = window(terminal.command.text(), at, room);
            paint.text(column, line, width, text, Look::Plain);
            cursor = Some((column.saturating_add(at), line));
        }
        keys(terminal, screen, &mut paint, bottom.saturating_sub(1), width);
        if let Some(popup) = &terminal.popup {
            cursor = popups::popup(popup, &mut paint, area);
        }
    }
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// The part of a line around the cursor that has room, and the cursor's place in it.
fn window(text: &str, cursor: usize, room: usize) -> (&str, u16) {
    let from = cursor.saturating_sub(room);
    let to = from.saturating_add(room).min(text.len());
    let at = u16::try_from(cursor.saturating_sub(from)).unwrap_or(u16::MAX);
    (text.get(from..to).unwrap_or_default(), at)
}

fn state(terminal: &Terminal, paint: &mut Paint<'_>, width: u16) {
    paint.fill(Rect { x: 0, y: 0, width, height: 1 }, Look::Bar);
    let station = &terminal.config.station;
    let ori = &terminal.config.ori;
    let who = if station.as_str() == ori.as_str() { format!(" {station} ") } else { format!(" {station} as {ori} ") };
    let mut x = paint.text(0, 0, width, &who, Look::Bar);
    let (link, look) = match &terminal.link {
        Link::Calling => ("LINK calling".to_owned(), Look::Bar),
        Link::Up => ("LINK up".to_owned(), Look::Bar),
        Link::Down(why) => (format!("LINK DOWN {why}"), Look::Warn),
    };
    x = x.saturating_add(1);
    let mut right = counts(terminal);
    let length = |right: &[(String, Look)]| {
        let columns = right.iter().map(|(text, _)| text.chars().count().saturating_add(2)).sum::<usize>();
        u16::try_from(columns).unwrap_or(width)
    };
    // What counts down must be seen; then that there is a link, at least; then the banner, and why there is no link.
    if let Some(banner) = &terminal.config.banner {
        right.insert(0, (banner.clone(), Look::Bar));
        if length(&right).saturating_add(x).saturating_add(LINK_COLUMNS) > width {
            right.remove(0);
        }
    }
    let mut at = width.saturating_sub(length(&right));
    let room = usize::from(at.saturating_sub(x).saturating_sub(1));
    paint.text(x, 0, at, &shortened(&link, room), look);
    for (text, look) in right {
        at = paint.text(at, 0, width, &text, look).saturating_add(2);
    }
}

/// What is said of the link at least: `LINK DOWN`, and that there is more.
const LINK_COLUMNS: u16 = 13;

/// What waits, what is new, what is due.
fn counts(terminal: &Terminal) -> Vec<(String, Look)> {
    let waiting = (format!("WAIT {}", terminal.waiting), if terminal.waiting > 0 { Look::Warn } else { Look::Bar });
    let new = terminal.book.unread();
    let mark = if terminal.mark && new > 0 { ">>" } else { "" };
    let new = (format!("{mark}NEW {new}"), if new > 0 { Look::Warn } else { Look::Bar });
    let due = terminal.book.hits().first().map(|hit| {
        let count = terminal.book.hits().len();
        (format!("HITS {count} {}", left(hit.due, terminal.now)), Look::Alarm)
    });
    [waiting, new].into_iter().chain(due).collect()
}

/// A text in so many columns, with a mark where it was cut.
fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(2)).collect();
    format!("{}..", kept.trim_end())
}

/// The time that is left, or by how much it has passed.
fn left(due: i64, now: i64) -> String {
    let seconds = due.saturating_sub(now).wrapping_div(SECOND_MICROS);
    let (sign, seconds) = if seconds < 0 { ("LATE ", seconds.saturating_neg()) } else { ("", seconds) };
    let (minutes, seconds) = (seconds.wrapping_div(60), seconds.wrapping_rem(60));
    if minutes >= 100 {
        format!("{sign}{}h{:02}m", minutes.wrapping_div(60), minutes.wrapping_rem(60))
    } else {
        format!("{sign}{minutes:02}:{seconds:02}")
    }
}

fn said(terminal: &Terminal, paint: &mut Paint<'_>, y: u16, width: u16) {
    if let Some(said) = &terminal.said {
        let (mark, look) = if said.failed { ("! ", Look::Alarm) } else { ("  ", Look::Strong) };
        let x = paint.text(0, y, width, mark, look);
        paint.text(x, y, width, &crate::shown::line(&said.line), look);
    }
}

/// The keys that do something here, the most wanted first, as many as two lines hold.
fn keys(terminal: &Terminal, screen: &Screen, paint: &mut Paint<'_>, y: u16, width: u16) {
    let mut x: u16 = 0;
    let mut line: u16 = 0;
    for action in wanted(screen) {
        let Some(key) = terminal.config.preferences.keys.first(*action) else { continue };
        let key = key.to_string();
        let length = u16::try_from(key.len().saturating_add(action.label().len()).saturating_add(3)).unwrap_or(width);
        if x.saturating_add(length) > width.saturating_add(2) {
            if line == 1 {
                // Something shorter may still have room.
                continue;
            }
            (x, line) = (0, 1);
        }
        let at = y.saturating_add(line);
        x = paint.text(x, at, width, &key, Look::Key);
        x = paint.text(x.saturating_add(1), at, width, action.label(), Look::Plain).saturating_add(2);
    }
}

/// The actions of a screen, in order of how much they are wanted there.
fn wanted(screen: &Screen) -> &'static [Action] {
    use Action::*;
    match screen {
        Screen::Form(_) => {
            &[Help, Back, Pick, Send, Discard, Inbox, Template, Recall, Hits, Queue, Menu, PageUp, PageDown, Lock, Quit]
        }
        Screen::Raw(_) => &[Help, Back, Send, Discard, Inbox, Hits, Queue, Menu, Lock, Quit],
        Screen::Inbox(_) => &[
            Help, Back, Find, Filter, NextUnread, Reply, PageUp, PageDown, Print, Export, Hits, Queue, Scroll, Menu,
            Recall, Log, Lock, Quit,
        ],
        Screen::Message(_) => &[
            Help, Back, Reply, Previous, Next, NextUnread, Print, Export, PageUp, PageDown, Inbox, Hits, Queue, Menu,
            Lock, Quit,
        ],
        Screen::Hits(_) => &[Help, Back, Reply, Print, Inbox, Queue, Recall, Menu, Lock, Quit],
        Screen::Queue(_) => {
            &[Help, Back, Send, Discard, PageUp, PageDown, Print, Export, Inbox, Recall, Hits, Menu, Lock, Quit]
        }
        Screen::Recall(_) => &[Help, Back, Discard, PageUp, PageDown, Inbox, Queue, Hits, Menu, Lock, Quit],
        Screen::Menu(_) | Screen::Scroll(_) | Screen::Log(_) => {
            &[Help, Back, Inbox, Hits, Queue, Recall, Find, NextUnread, PageUp, PageDown, Scroll, Log, Lock, Quit, Menu]
        }
    }
}

#[cfg(test)]
mod tests;
