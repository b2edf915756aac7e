//! Messages made of named fields: a form that is filled in at the command line, or a row of a table.
//!
//! Everything is checked before anything is sent, by the rules that the switch applies
//! (`protocol-specs/wire.md` 2.4, rows 3, 6, 7 and 10): what is missing is named with its label.

use bytes::Bytes;
use codec::dictionary::{Body, BodyError, Dictionary, FieldRules, FieldSpec, MessageSpec, Sender, Unknown};
use codec::legacy::{DestinationKind, InputHeader, disallowed_byte};
use codec::name::{Control, Line, MessageKey, Ori, Prefix};
use jiff::civil::Date;

/// What a message is made of beside its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filled {
    from: Option<String>,
    to: Option<String>,
    control: Option<String>,
    text: Option<String>,
    /// In the order in which they were given.
    fields: Vec<(String, String)>,
}

impl Filled {
    /// Sets what a name stands for: `FROM`, `TO`, `CONTROL`, `TEXT`, or else a field. What was set before is replaced.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let place = match name.to_ascii_uppercase().as_str() {
            "FROM" => &mut self.from,
            "TO" => &mut self.to,
            "CONTROL" => &mut self.control,
            "TEXT" => &mut self.text,
            _ => {
                match self.fields.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                    Some((_, known)) => value.clone_into(known),
                    None => self.fields.push((name.to_owned(), value.to_owned())),
                }
                return;
            }
        };
        *place = Some(value.to_owned());
    }

    /// Sets what is written as `NAME=VALUE`.
    pub(super) fn assign(&mut self, written: &str) -> Result<(), FormError> {
        let (name, value) = written.split_once('=').ok_or_else(|| FormError::Assignment(written.to_owned()))?;
        self.set(name.trim(), value);
        Ok(())
    }
}

/// The names that are no fields. No field of the dictionary has one of them: a test holds it.
pub(super) const NAMES: [&str; 5] = ["KEY", "FROM", "TO", "CONTROL", "TEXT"];

/// Why no message can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
    /// Not `NAME=VALUE`.
    #[error("{0:?} is not NAME=VALUE")]
    Assignment(String),
    /// No such key.
    #[error("{0} is no key of the dictionary; `orinet send --help` tells how to send it from a file")]
    Key(MessageKey),
    /// ER and what else only the switch sends.
    #[error("{0} is sent by the switch alone")]
    Sender(MessageKey),
    /// No such field.
    #[error("{key} has no field {name:?}; it has {fields}")]
    Field { key: MessageKey, name: String, fields: String },
    /// Text for a key that has fields.
    #[error("{0} has fields, not a text: name them as NAM=VALUE")]
    NoText(MessageKey),
    /// Fields for a key that has text, or no text at all.
    #[error("{0} is a text: give it as TEXT=VALUE")]
    Text(MessageKey),
    /// Nobody to send as.
    #[error("FROM must be the agency that sends, an ORI of 2 letters and 7 letters or digits")]
    From,
    /// Nobody to send to.
    #[error("TO must say where {0} goes")]
    To(MessageKey),
    /// The wrong ones.
    #[error("TO: {key} goes to {rule}")]
    Destination { key: MessageKey, rule: String },
    /// Not a control field.
    #[error("CONTROL must be 1 to 20 letters or digits")]
    Control,
    /// A character that ends a field, or that no message can have.
    #[error("{0} holds a character that no message can have there: a period ends a field, and a line end too")]
    Character(String),
    /// A rule of the dictionary.
    #[error("{key} would be refused: {what}")]
    Rule { key: MessageKey, what: String },
}

/// How messages are made in this run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Making<'a> {
    /// Who sends where a message does not say.
    pub(super) from: &'a str,
    /// The day of the switch, which a date of birth cannot be after.
    pub(super) today: Date,
    /// Whether rules are applied: not where a refusal is what is wanted.
    pub(super) checked: bool,
}

/// Makes the message.
///
/// # Errors
/// The first thing that is wrong with it: key, names, sender, destinations, control field, fields, in this order.
pub(super) fn make(key: MessageKey, filled: &Filled, control: Control, making: Making<'_>) -> Result<Bytes, FormError> {
    let spec = Dictionary::builtin().spec(key).ok_or(FormError::Key(key))?;
    if making.checked && matches!(spec.sender, Sender::Switch) {
        return Err(FormError::Sender(key));
    }
    let body = body(spec, filled)?;
    let sender = Ori::parse(filled.from.as_deref().unwrap_or(making.from)).map_err(|_| FormError::From)?;
    let to = destinations(spec, filled, making.checked)?;
    let control = match filled.control.as_deref() {
        None => Some(control),
        Some("") => None,
        Some(text) => Some(Control::parse(text).map_err(|_| FormError::Control)?),
    };
    if making.checked {
        let day = making.today;
        spec.check_body(&body, day).map_err(|error| FormError::Rule { key, what: explain(spec, &error) })?;
    }
    let destinations: Vec<&str> = to.iter().map(String::as_str).collect();
    Ok(InputHeader { key, sender, destinations: &destinations, control }.encode(&body))
}

fn body(spec: &MessageSpec, filled: &Filled) -> Result<Vec<u8>, FormError> {
    let rules = match (&spec.body, &filled.text) {
        (Body::Text, Some(text)) if filled.fields.is_empty() => {
            let text = text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
            return match disallowed_byte(&text) {
                Some(_) => Err(FormError::Character("TEXT".to_owned())),
                None => Ok(text),
            };
        }
        (Body::Text, _) => return Err(FormError::Text(spec.key)),
        (Body::Fields(_), Some(_)) => return Err(FormError::NoText(spec.key)),
        (Body::Fields(rules), None) => rules,
    };
    let mut given = Vec::with_capacity(filled.fields.len());
    for (name, value) in &filled.fields {
        let (place, prefix) = named(rules, name).ok_or_else(|| FormError::Field {
            key: spec.key,
            name: name.clone(),
            fields: rules.fields().iter().map(labelled).collect::<Vec<_>>().join(", "),
        })?;
        if value.contains(['.', '\r', '\n']) || disallowed_byte(value.as_bytes()).is_some() {
            return Err(FormError::Character(prefix.to_string()));
        }
        given.push((place, format!("{prefix}/{}", value.trim())));
    }
    // As a form shows them; those that the key only carries along go last.
    given.sort_by_key(|(place, _)| *place);
    Ok(given.into_iter().map(|(_, field)| field).collect::<Vec<_>>().join(".").into_bytes())
}

/// The field of a name, which is its prefix or its label, and its place in the form.
fn named(rules: &FieldRules, name: &str) -> Option<(usize, Prefix)> {
    let is =
        |field: &FieldSpec| field.prefix.as_str().eq_ignore_ascii_case(name) || field.label.eq_ignore_ascii_case(name);
    match rules.fields().iter().position(is) {
        Some(place) => rules.fields().get(place).map(|field| (place, field.prefix)),
        None if matches!(rules.unknown(), Unknown::Carried) => Some((usize::MAX, Prefix::parse(name).ok()?)),
        None => None,
    }
}

fn labelled(field: &FieldSpec) -> String {
    format!("{} ({})", field.prefix, field.label)
}

fn destinations(spec: &MessageSpec, filled: &Filled, checked: bool) -> Result<Vec<String>, FormError> {
    let usual = || terminal::Preferences::default().destinations.get(&spec.key).cloned().unwrap_or_default();
    let written = filled.to.as_deref().map(|text| text.split([' ', ',']).filter(|one| !one.is_empty()));
    let to = written.map_or_else(usual, |to| to.map(str::to_ascii_uppercase).collect());
    if to.is_empty() {
        return Err(FormError::To(spec.key));
    }
    let kind = |text: &String| match text.len() {
        2 => Line::parse(text).is_ok().then_some(DestinationKind::Line),
        _ => Ori::parse(text).is_ok().then_some(DestinationKind::Ori),
    };
    let rule = spec.destinations;
    let kinds: Option<Vec<_>> = to.iter().map(kind).collect();
    let lines = |kinds: &[DestinationKind]| kinds.iter().filter(|kind| matches!(kind, DestinationKind::Line)).count();
    let fits = |kinds: &Vec<DestinationKind>| {
        !checked
            || kinds.len() <= rule.max && lines(kinds) <= rule.max_lines && kinds.iter().all(|kind| rule.allows(*kind))
    };
    if kinds.as_ref().is_some_and(fits) {
        return Ok(to);
    }
    let kinds = match (rule.line, rule.ori) {
        (true, true) => format!("at most {} lines or ORIs, {} of them lines", rule.max, rule.max_lines),
        (true, false) => format!("at most {} lines, of two characters each", rule.max),
        (false, _) => format!("at most {} ORIs, of nine characters each", rule.max),
    };
    Err(FormError::Destination { key: spec.key, rule: kinds })
}

/// What a body is refused for, with the label of each field that is named, and what could be given instead.
fn explain(spec: &MessageSpec, error: &BodyError) -> String {
    let Body::Fields(rules) = &spec.body else { return error.detail.clone() };
    let word = |word: &str| match rules.field(word.trim_end_matches(',')) {
        Some(field) => {
            let comma = if word.ends_with(',') { "," } else { "" };
            format!("{}{comma}", labelled(field))
        }
        None => word.to_ascii_lowercase(),
    };
    let words: Vec<String> = error.detail.split(' ').map(word).collect();
    let only_names = error.detail.split(", ").all(|name| rules.field(name).is_some());
    let mut said = if only_names { format!("missing {}", words.join(" ")) } else { words.join(" ") };
    let named = error.detail.split(' ').next().and_then(|name| rules.field(name)).filter(|_| !only_names);
    if let Some(field) = named {
        let codes: Vec<_> = field.values.iter().map(|value| format!("{} {}", value.code, value.text)).collect();
        let codes = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
        said += &format!("; {}{codes}", field.help.trim_end_matches('.'));
    }
    let offered = spec.offered(error);
    if offered.len() > 1 || only_names && !offered.is_empty() {
        said += &format!("; needed are {}", offered.join(" or "));
    }
    said
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn text(key: &str, words: &[&str], checked: bool) -> Result<String, String> {
        let mut filled = Filled::default();
        let control = Control::parse("S1").unwrap();
        words.iter().try_for_each(|word| filled.assign(word)).map_err(|error| error.to_string())?;
        let making = Making { from: "ZA0010000", today: date(2030, 1, 31), checked };
        let made = make(MessageKey::parse(key).unwrap(), &filled, control, making);
        made.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).map_err(|error| error.to_string())
    }

    const PERSON: [&str; 9] = [
        "NAM=SAMPLE, PERSON A",
        "dob=19800102",
        "Sex=M",
        "PUR=C",
        "Attention=SGT TEST ONE",
        "PHN=5555550100",
        "POB=MM",
        "CUS=Y",
        "OFF=0399",
    ];

    #[test]
    fn fields_have_their_place_by_prefix_or_label() {
        let made = text("IAQ", &PERSON, true).unwrap();
        let (header, body) = made.split_once("\r\n").unwrap();
        assert_eq!(header, "IAQ.ZA0010000.AX.*S1.TXT");
        assert!(
            body.starts_with("PUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M"),
            "{body}"
        );
        let words = ["TEXT=ONE\nTWO", "TO=za, ZB0010000", "FROM=ZA0020000", "CONTROL="];
        assert_eq!(text("AM", &words, true).unwrap(), "AM.ZA0020000.ZA.ZB0010000.TXT\r\nONE\r\nTWO");
    }

    #[test]
    fn what_is_missing_is_named_with_its_label() {
        let error = text("IAQ", &["NAM=SAMPLE, PERSON A"], true).unwrap_err();
        assert!(
            error.starts_with("IAQ would be refused: missing ") && error.contains("DOB (Date of birth)"),
            "{error}"
        );
        assert!(!error.contains("NAM (") && !error.contains("SAMPLE"), "{error}");
        assert!(text("IAQ", &["NAM=SAMPLE, PERSON A"], false).is_ok(), "unchecked, the switch judges");
    }

    #[test]
    fn what_is_wrong_is_said_with_what_belongs_there() {
        let says = |word: &str, said: &str| {
            let words: Vec<&str> = PERSON.iter().copied().chain([word]).collect();
            let error = text("IAQ", &words, true).unwrap_err();
            assert!(error.contains(said), "{word}: {error}");
        };
        says("DOB=19801302", "DOB (Date of birth) date; ");
        says("SEX=Q", "SEX (Sex)");
        says("NAM=A. B", "NAM holds a character");
        says("TO=ZA ZB", "IAQ goes to at most 1 lines");
        says("TO=ZZLESC000", "IAQ goes to at most 1 lines");
        says("FROM=X", "FROM must be the agency");
        says("CONTROL=A B", "CONTROL must be");
        says("TEXT=A", "has fields, not a text");
        assert_eq!(text("AM", &["TEXT=A"], true).unwrap_err(), "TO must say where AM goes");
        assert!(text("AM", &["TO=ZB"], true).unwrap_err().contains("TEXT=VALUE"));
        assert!(
            text("YQ", &["QQQ=1"], true).unwrap_err().contains("YQ has no field \"QQQ\"; it has RTY (Type of request)")
        );
        assert!(text("QQQ", &[], true).unwrap_err().contains("no key"));
        assert!(text("ER", &["TO=ZA", "TEXT=A"], true).unwrap_err().contains("switch alone"));
        assert_eq!(text("AM", &["HELLO"], true).unwrap_err(), "\"HELLO\" is not NAME=VALUE");
    }

    #[test]
    fn no_field_has_a_name_that_means_something_else() {
        for spec in Dictionary::builtin().specs() {
            let Body::Fields(rules) = &spec.body else { continue };
            for field in rules.fields() {
                let taken = |name: &&str| {
                    name.eq_ignore_ascii_case(field.prefix.as_str()) || name.eq_ignore_ascii_case(&field.label)
                };
                assert_eq!(NAMES.iter().find(|name| taken(name)), None, "{}", spec.key);
            }
        }
    }
}
