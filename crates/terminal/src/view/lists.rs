//! Lists and long texts.

use codec::dictionary::Sender;
use ratatui::layout::Rect;

use super::left;
use super::paint::{Look, Paint};
use crate::entry::{Entry, State, Way};
use crate::model::{Link, Screen, Scroll, Terminal};
use crate::sheet::Kind;
use crate::shown;

pub(super) fn list(terminal: &Terminal, screen: &Screen, paint: &mut Paint<'_>, area: Rect) {
    let (title, heading, selected, count) = headings(terminal, screen);
    paint.text(0, 1, area.width, &title, Look::Strong);
    paint.text(0, area.y, area.width, heading, Look::Key);
    let page = terminal.page();
    let first = selected.wrapping_div(page).saturating_mul(page);
    let last = first.saturating_add(page).min(count);
    for (y, at) in (area.y.saturating_add(1)..).zip(first..last) {
        let (line, look) = line(terminal, screen, at);
        let look = if at == selected { Look::Selected } else { look };
        if at == selected {
            paint.fill(Rect { x: 0, y, width: area.width, height: 1 }, Look::Selected);
        }
        paint.text(0, y, area.width, &line, look);
    }
    if count == 0 {
        paint.text(2, area.y.saturating_add(2), area.width, "Nothing here.", Look::Plain);
    } else {
        let place = format!("{} of {count}", selected.saturating_add(1));
        let x = area.width.saturating_sub(u16::try_from(place.len()).unwrap_or(0));
        paint.text(x, 1, area.width, &place, Look::Plain);
    }
}

fn headings(terminal: &Terminal, screen: &Screen) -> (String, &'static str, usize, usize) {
    match screen {
        Screen::Menu(list) => (
            "MENU  type a key or a word, Enter opens its form".to_owned(),
            "  Key    Message                                             To",
            list.selected,
            terminal.menu_fitting().count(),
        ),
        Screen::Inbox(inbox) => {
            let words = if inbox.words.is_empty() { String::new() } else { format!(" with `{}`", inbox.words) };
            let title = format!("INBOX  {}{}", inbox.filter.name(), shown::line(&words));
            (
                title,
                "    Time         Key    From       Control     Ans. About",
                inbox.list.selected,
                inbox.places.len(),
            )
        }
        Screen::Hits(list) => (
            "HIT CONFIRMATIONS  not answered".to_owned(),
            "  Left        Way     With       Case (OCA)          About",
            list.selected,
            terminal.book.hits().len(),
        ),
        Screen::Queue(list) => (
            "SENT  and how it stands".to_owned(),
            "  Time         Key    To         Control     Standing                  About",
            list.selected,
            terminal.sent().len(),
        ),
        Screen::Recall(list) => (
            "RECALL  drafts, templates, what was sent".to_owned(),
            "    Key    To                   About",
            list.selected,
            terminal.kept.len().saturating_add(terminal.sent().len().min(crate::model::RECALLED_MAX)),
        ),
        Screen::Form(_) | Screen::Message(_) | Screen::Scroll(_) | Screen::Log(_) | Screen::Raw(_) => {
            (String::new(), "", 0, 0)
        }
    }
}

/// One line of a list.
fn line(terminal: &Terminal, screen: &Screen, at: usize) -> (String, Look) {
    let entry = |place: Option<&u32>| terminal.book.get(usize::try_from(*place?).ok()?);
    match screen {
        Screen::Menu(_) => match terminal.menu_fitting().nth(at) {
            Some(spec) => {
                let to = terminal.config.preferences.destinations.get(&spec.key).map(|to| to.join(" "));
                let granted = if spec.sender == Sender::Granted { "  (by grant)" } else { "" };
                let title = format!("{}{granted}", spec.title);
                (format!("  {:<6} {title:<51} {}", spec.key, to.unwrap_or_default()), Look::Plain)
            }
            None => (String::new(), Look::Plain),
        },
        Screen::Inbox(inbox) => entry(inbox.places.get(at)).map_or((String::new(), Look::Plain), |entry| {
            let place = inbox.places.get(at).and_then(|place| usize::try_from(*place).ok()).unwrap_or(0);
            let new = if entry.state == State::Unread { "N" } else { " " };
            let urgent = if entry.is_urgent() { "!" } else { " " };
            let number = terminal.book.answer_number(place);
            let look = if entry.state == State::Unread { Look::Strong } else { Look::Plain };
            (format!("{new}{urgent}  {} {number:<4} {}", common(terminal, entry), entry.subject), look)
        }),
        Screen::Hits(_) => terminal.book.hits().get(at).map_or((String::new(), Look::Plain), |hit| {
            let way = if hit.way == Way::In { "ANSWER" } else { "asked" };
            let more = if hit.more_time { "+" } else { " " };
            let urgent = if hit.urgent { "!" } else { " " };
            let entry = terminal.book.get(hit.at);
            let rest = entry.map(|entry| {
                let (case, peer) = (hit.case(), shown::cut(&entry.peer, 10));
                format!("{peer:<10} {:<19} {}", shown::cut(&case, 19), entry.subject)
            });
            let line =
                format!("{urgent} {:<10}{more} {way:<7} {}", left(hit.due, terminal.now), rest.unwrap_or_default());
            (line, if hit.way == Way::In { Look::Strong } else { Look::Plain })
        }),
        Screen::Queue(_) => {
            let sent = terminal.sent();
            let Some(place) = sent.get(at).and_then(|place| usize::try_from(*place).ok()) else {
                return (String::new(), Look::Plain);
            };
            let standing = terminal.book.standing(place, terminal.link == Link::Up);
            entry(sent.get(at)).map_or((String::new(), Look::Plain), |entry| {
                let open = matches!(entry.state, State::Waiting | State::Refused);
                let mark = if open { "!" } else { " " };
                let line = format!("{mark} {} {standing:<25} {}", common(terminal, entry), entry.subject);
                (line, if open { Look::Strong } else { Look::Plain })
            })
        }
        Screen::Recall(_) => {
            let line = match terminal.kept.get(at) {
                Some(kept) => {
                    let kind = if kept.kind == Kind::Draft { "D" } else { "T" };
                    let about = if kept.name.is_empty() { kept.sheet.subject() } else { kept.name.clone() };
                    let (to, about) = (shown::line(&kept.sheet.to), shown::line(&about));
                    format!("{kind}   {:<6} {:<20} {about}", kept.sheet.key, shown::cut(&to, 20))
                }
                None => terminal.recalled(at).map_or(String::new(), |entry| {
                    format!("S   {:<6} {:<20} {}", entry.key_text(), shown::cut(&entry.peer, 20), entry.subject)
                }),
            };
            (line, Look::Plain)
        }
        Screen::Form(_) | Screen::Message(_) | Screen::Scroll(_) | Screen::Log(_) | Screen::Raw(_) => {
            (String::new(), Look::Plain)
        }
    }
}

/// What every list of messages says of one: when, what, with whom, under which control field.
fn common(terminal: &Terminal, entry: &Entry) -> String {
    let time = terminal.local(entry.at).strftime("%m/%d %H:%M:%S").to_string();
    let control = entry.control.map(|control| control.to_string()).unwrap_or_default();
    let peer = shown::cut(&entry.peer, 10);
    // The year and the seconds are in the message itself.
    format!("{:<12} {:<6} {peer:<10} {:<11}", shown::cut(&time, 11), entry.key_text(), shown::cut(&control, 11))
}

pub(super) fn text(terminal: &Terminal, screen: &Screen, paint: &mut Paint<'_>, area: Rect) {
    let columns = usize::from(area.width);
    match screen {
        Screen::Message(reading) => {
            let entry = terminal.book.get(reading.at);
            let title = entry.map(|entry| {
                let way = if entry.way == Way::In { "from" } else { "to" };
                format!("{} {way} {}", entry.key_text(), entry.peer)
            });
            paint.text(0, 1, area.width, &title.unwrap_or_default(), Look::Strong);
            let about = terminal.book.tie(reading.at).unwrap_or_else(|| match entry.map(|entry| entry.way) {
                Some(Way::Out) => terminal.book.standing(reading.at, terminal.link == Link::Up),
                Some(Way::In) | None => String::new(),
            });
            let thread = terminal.book.thread(entry.and_then(|entry| entry.control));
            let place = thread.iter().position(|place| usize::try_from(*place) == Ok(reading.at));
            let among = match place {
                Some(place) if thread.len() > 1 => {
                    format!("{} of {} of this inquiry", place.saturating_add(1), thread.len())
                }
                Some(_) | None => String::new(),
            };
            let x = area.width.saturating_sub(u16::try_from(among.len()).unwrap_or(0));
            paint.text(x, 1, area.width, &among, Look::Plain);
            paint.text(0, area.y, area.width, &about, Look::Key);
            let lines = shown::wrapped(&reading.lines, columns);
            for (y, line) in (area.y.saturating_add(1)..area.bottom()).zip(lines.iter().skip(reading.top)) {
                paint.text(0, y, area.width, line, Look::Plain);
            }
        }
        Screen::Scroll(scroll) => scrolling(paint, "SCROLL  as it came and went", scroll, terminal, area),
        Screen::Log(scroll) => scrolling(paint, "LOG  what was done here", scroll, terminal, area),
        Screen::Menu(_)
        | Screen::Form(_)
        | Screen::Inbox(_)
        | Screen::Hits(_)
        | Screen::Queue(_)
        | Screen::Recall(_)
        | Screen::Raw(_) => {}
    }
}

fn scrolling(paint: &mut Paint<'_>, title: &str, scroll: &Scroll, terminal: &Terminal, area: Rect) {
    paint.text(0, 1, area.width, title, Look::Strong);
    let end = scroll.lines.len().saturating_sub(scroll.below);
    let start = end.saturating_sub(terminal.page());
    let shown = scroll.lines.get(start..end).unwrap_or_default();
    for (y, line) in (area.y.saturating_add(1)..).zip(shown) {
        paint.text(0, y, area.width, line, Look::Plain);
    }
}
