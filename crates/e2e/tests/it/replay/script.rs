//! A transcript as events and what must come of each.

/// An event, and the actions that came of it.
pub(super) struct Step {
    /// The line of the file, from 1.
    pub(super) line: usize,
    /// When it happens, in seconds.
    pub(super) time: f64,
    /// The event, without its time.
    pub(super) event: String,
    pub(super) wanted: Vec<Wanted>,
}

/// What a switch does by itself, so that it comes with the event before.
const BY_ITSELF: [&str; 4] = ["stored", "load", "room", "timeout"];

/// An action, and the lines of text that belong to it.
pub(super) struct Wanted {
    pub(super) action: String,
    pub(super) text: Vec<String>,
}

impl Step {
    /// The words of the event.
    pub(super) fn words(&self) -> Vec<&str> {
        self.event.split(' ').collect()
    }
}

/// The part of a transcript before an event that begins so; all of it, where there is none given.
///
/// # Panics
/// If no event begins so.
pub(super) fn before<'a>(text: &'a str, event: Option<&str>) -> &'a str {
    let Some(event) = event else { return text };
    let end = text.find(&format!("\n> {event}")).unwrap_or_else(|| panic!("no event begins with {event:?}"));
    text.get(..end).unwrap_or_default()
}

/// Reads a transcript: see `transcripts.rs` of the core's tests for its form. A timeout that nothing comes of is a step of its
/// own: time passes.
pub(super) fn read(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (place, line) in text.lines().enumerate() {
        if let Some(event) = line.strip_prefix("> ") {
            let (time, event) = event.split_once(' ').expect("a time and an event");
            let what = event.split(' ').next().unwrap_or_default();
            let nothing = event == "timeout" && !text.lines().nth(place + 1).is_some_and(|next| next.starts_with("< "));
            if BY_ITSELF.contains(&what) && !steps.is_empty() && !nothing {
                continue;
            }
            let time = time.parse().expect("a time in seconds");
            steps.push(Step { line: place + 1, time, event: event.to_owned(), wanted: Vec::new() });
        } else if let (Some(action), Some(step)) = (line.strip_prefix("< "), steps.last_mut()) {
            step.wanted.push(Wanted { action: action.to_owned(), text: Vec::new() });
        } else if let Some(more) = line.strip_prefix("  ") {
            let wanted = steps.last_mut().and_then(|step| step.wanted.last_mut());
            wanted.expect("text belongs to an action").text.push(more.to_owned());
        }
    }
    steps
}

/// What the switch asks the journal for and does not get before it stops or the transcript ends, in records.
pub(super) fn unread(text: &str) -> usize {
    text.lines().fold(0, |open, line| {
        let event = line.strip_prefix("> ").and_then(|event| event.split(' ').nth(1));
        match event {
            _ if line.starts_with("< load ") => open + 1,
            Some("load") => open - 1,
            Some("restart") => 0,
            _ => open,
        }
    })
}

/// A text as a transcript shows it, without the times that it bears.
pub(super) fn shown(text: &str) -> Vec<String> {
    let text = text.replace("\r\n\u{7f}", "⏎\n").replace("\r\n", "␍␊\n");
    text.trim_end_matches('\n').lines().map(timeless).collect()
}

/// A line with the stamps in it, `hh:mm`, `mm/dd/yyyy` and `yyyymmddhhmmss`, made unreadable.
pub(super) fn timeless(line: &str) -> String {
    masked(line, &["00000000000000", "00/00/0000", "00:00"])
}

/// The same with what a station counts, ISN and OSN, made unreadable too.
pub(super) fn uncounted(line: &str) -> String {
    masked(line, &["--/--/---- 00000", "MessageNumeric>00000<"])
}

/// A line in which all digits are dashes that stand where a form has its zeros.
fn masked(line: &str, forms: &[&str]) -> String {
    let mut characters: Vec<char> = line.chars().collect();
    for form in forms {
        let form: Vec<char> = form.chars().collect();
        for start in 0..characters.len() {
            let Some(part) = characters.get_mut(start..start + form.len()) else { break };
            let fits = |(one, of): (&char, &char)| if *of == '0' { one.is_ascii_digit() } else { one == of };
            if part.iter().zip(&form).all(fits) {
                part.iter_mut().zip(&form).filter(|(_, of)| **of == '0').for_each(|(digit, _)| *digit = '-');
            }
        }
    }
    characters.into_iter().collect()
}
