//! A form: made from what the dictionary says of a key, checked by the codec's own rules, written as it will go out.

use codec::dictionary::{Body, Dictionary, FieldRules, FieldSpec, Form as Shape, MessageSpec, Text};
use codec::legacy::fields;
use codec::name::{Control, Line, MessageKey, Ori};
use jiff::civil::Date;

use crate::editor::Editor;
use crate::picker::Picker;
use crate::sheet::Sheet;

/// A form that is being filled in.
#[derive(Debug)]
pub struct Form {
    /// The key.
    pub spec: &'static MessageSpec,
    /// What is typed into.
    pub rows: Vec<FormRow>,
    /// The row with the cursor.
    pub at: usize,
    /// The number of the draft that it is kept as.
    pub draft: i64,
}

/// One line to fill in.
#[derive(Debug)]
pub struct FormRow {
    /// What it is.
    pub what: What,
    /// What was typed.
    pub editor: Editor,
}

/// What a row of a form is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The agency that sends.
    From,
    /// The destinations.
    To,
    /// The control field.
    Control,
    /// A field of the body.
    Field(&'static FieldSpec),
    /// The text of a body without fields.
    Body,
}

/// How much a row is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must hold something.
    Required,
    /// It belongs to one of several combinations.
    OneOf,
    /// It may hold something.
    Optional,
    /// It must be empty with what was typed elsewhere.
    NotHere,
}

/// What is wrong, and in which row, if it is one row's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The row's place.
    pub row: Option<usize>,
    /// What is wrong, for a person.
    pub what: String,
}

/// Lines of a body are broken after so many characters.
const LINE_COLUMNS: usize = 72;

impl Form {
    /// A form for a key; nothing if the dictionary does not have it.
    #[must_use]
    pub fn new(sheet: &Sheet, draft: i64) -> Option<Self> {
        let spec = Dictionary::builtin().spec(MessageKey::parse(&sheet.key).ok()?)?;
        let row = |what, text: &str| FormRow { what, editor: Editor::line(text) };
        let mut rows = vec![
            row(What::To, &sheet.to),
            row(What::From, &sheet.from),
            row(What::Control, sheet.control.as_deref().unwrap_or_default()),
        ];
        match &spec.body {
            Body::Text => rows.push(FormRow { what: What::Body, editor: Editor::lines(&sheet.text) }),
            Body::Fields(rules) => {
                let value = |prefix: &str| sheet.values.iter().find(|(known, _)| known == prefix);
                rows.extend(rules.fields().iter().map(|field| {
                    let text = match value(field.prefix.as_str()) {
                        Some((_, value)) if value.is_empty() && can_be_empty(field) => EMPTY,
                        Some((_, value)) => value.as_str(),
                        None => "",
                    };
                    row(What::Field(field), text)
                }));
            }
        }
        let at = if sheet.to.is_empty() { 0 } else { FIRST_OF_BODY };
        Some(Self { spec, rows, at, draft })
    }

    /// What stands on it.
    #[must_use]
    pub fn sheet(&self) -> Sheet {
        let values = self.rows.iter().filter(|row| !row.editor.is_empty()).filter_map(|row| match row.what {
            What::Field(field) => Some((field.prefix.to_string(), meant(field, row.editor.text()).to_owned())),
            What::From | What::To | What::Control | What::Body => None,
        });
        Sheet {
            key: self.spec.key.to_string(),
            from: self.text(What::From).to_owned(),
            to: self.text(What::To).to_owned(),
            control: Some(self.text(What::Control).to_owned()).filter(|control| !control.is_empty()),
            values: values.collect(),
            text: self.text(What::Body).to_owned(),
        }
    }

    /// The text of a row that is there once.
    #[must_use]
    pub fn text(&self, what: What) -> &str {
        self.rows.iter().find(|row| row.what == what).map_or("", |row| row.editor.text())
    }

    /// The row with the cursor.
    pub fn row_mut(&mut self) -> Option<&mut FormRow> {
        self.rows.get_mut(self.at)
    }

    /// The row with the cursor.
    #[must_use]
    pub fn row(&self) -> Option<&FormRow> {
        self.rows.get(self.at)
    }

    /// Types into the row with the cursor, coded fields in upper case; says how many characters cannot be.
    pub fn type_text(&mut self, text: &str) -> usize {
        let Some(row) = self.row_mut() else { return 0 };
        if row.is_coded() { row.editor.insert(&text.to_ascii_uppercase()) } else { row.editor.insert(text) }
    }

    /// To another row; round at the ends.
    pub fn go(&mut self, by: isize) {
        let count = isize::try_from(self.rows.len()).unwrap_or(1).max(1);
        let at = isize::try_from(self.at).unwrap_or(0).saturating_add(by).rem_euclid(count);
        self.at = usize::try_from(at).unwrap_or(0);
        if let Some(row) = self.row_mut() {
            row.editor.end();
        }
    }

    /// The body as it will go out.
    #[must_use]
    pub fn body(&self) -> String {
        if let Body::Text = self.spec.body {
            return self.text(What::Body).replace('\n', "\r\n");
        }
        let mut body = String::new();
        let mut column: usize = 0;
        for row in &self.rows {
            let What::Field(field) = row.what else { continue };
            if row.editor.is_empty() {
                continue;
            }
            let piece = format!("{}/{}", field.prefix, meant(field, row.editor.text().trim()));
            if !body.is_empty() {
                body.push('.');
                column = column.saturating_add(1);
                if column.saturating_add(piece.len()) > LINE_COLUMNS {
                    body.push_str("\r\n");
                    column = 0;
                }
            }
            column = column.saturating_add(piece.len());
            body.push_str(&piece);
        }
        body
    }

    /// The message as it will go out.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = format!("{}.{}.", self.spec.key, self.text(What::From).trim());
        for to in self.text(What::To).split_whitespace() {
            message.push_str(to);
            message.push('.');
        }
        let control = self.text(What::Control).trim();
        if !control.is_empty() {
            message.push('*');
            message.push_str(control);
            message.push('.');
        }
        message.push_str("TXT\r\n");
        message.push_str(&self.body());
        message
    }

    /// What is wrong with a row by itself; nothing with one that is empty.
    #[must_use]
    pub fn row_fault(&self, at: usize, today: Date) -> Option<String> {
        let row = self.rows.get(at)?;
        let text = row.editor.text().trim();
        if text.is_empty() {
            return None;
        }
        match row.what {
            What::From => {
                Ori::parse(text).err().map(|_| "must be an ORI: 2 letters and 7 letters or digits".to_owned())
            }
            What::Control => Control::parse(text).err().map(|error| error.to_string()),
            What::To => self.destination_fault(text),
            What::Body => None,
            What::Field(field) => field.check(meant(field, text), today).err().map(|fault| explained(field, fault)),
        }
    }

    fn destination_fault(&self, text: &str) -> Option<String> {
        let rule = self.spec.destinations;
        let (mut all, mut lines) = (0_usize, 0_usize);
        for to in text.split_whitespace() {
            let (line, ori) = (Line::parse(to).is_ok(), Ori::parse(to).is_ok());
            if !line && !ori {
                return Some("an address is a line or group of 2 characters, or an ORI of 9".to_owned());
            }
            if line && !rule.line && !rule.group {
                return Some(format!("{} goes to ORIs of 9 characters only", self.spec.key));
            }
            if ori && !rule.ori {
                return Some(format!("{} goes to lines of 2 characters only", self.spec.key));
            }
            all = all.saturating_add(1);
            lines = lines.saturating_add(usize::from(line));
        }
        if all > rule.max {
            return Some(format!("{} has at most {} destinations", self.spec.key, rule.max));
        }
        (lines > rule.max_lines && rule.max_lines > 0)
            .then(|| format!("{} has at most {} lines among its destinations", self.spec.key, rule.max_lines))
    }

    /// The first thing that keeps the message from being sent; what is wrong by itself before what is missing.
    #[must_use]
    pub fn fault(&self, today: Date) -> Option<Fault> {
        for (at, row) in self.rows.iter().enumerate() {
            let needed = matches!(row.what, What::From | What::To) && row.editor.text().trim().is_empty();
            let fault = if needed { Some("is needed".to_owned()) } else { self.row_fault(at, today) };
            if let Some(what) = fault {
                return Some(Fault { row: Some(at), what: format!("{} {what}", row.name()) });
            }
        }
        let body = self.body();
        let error = self.spec.check_body(body.as_bytes(), today).err()?;
        let missing =
            self.rows.iter().enumerate().find(|(at, row)| row.editor.is_empty() && self.need(*at) == Need::Required);
        if let Some((at, row)) = missing {
            return Some(Fault { row: Some(at), what: format!("{} is needed", row.name()) });
        }
        let strange =
            self.rows.iter().enumerate().find(|(at, row)| !row.editor.is_empty() && self.need(*at) == Need::NotHere);
        if let Some((at, row)) = strange {
            return Some(Fault { row: Some(at), what: format!("{} does not go with the rest: empty it", row.name()) });
        }
        let row = fields(body.as_bytes()).flatten().find(|field| error.offset <= field.end()).and_then(|field| {
            self.rows
                .iter()
                .position(|row| matches!(row.what, What::Field(spec) if spec.prefix.as_str() == field.prefix))
        });
        let mut what = error.detail.clone();
        let offered = self.spec.offered(&error);
        if !offered.is_empty() {
            what = format!("{what}: fill in one of {}", offered.join(" | "));
        }
        Some(Fault { row: row.filter(|_| offered.is_empty()), what })
    }

    /// How much a row is needed, with what was typed so far.
    #[must_use]
    pub fn need(&self, at: usize) -> Need {
        let Some(What::Field(field)) = self.rows.get(at).map(|row| row.what) else {
            let needed = matches!(self.rows.get(at).map(|row| row.what), Some(What::From | What::To));
            return if needed { Need::Required } else { Need::Optional };
        };
        if field.required {
            return Need::Required;
        }
        let Body::Fields(rules) = &self.spec.body else { return Need::Optional };
        self.need_in_sets(rules, field)
    }

    /// As the check of a body narrows the sets: by the value that chooses among them, then by what is filled in.
    fn need_in_sets(&self, rules: &'static FieldRules, field: &FieldSpec) -> Need {
        let all = rules.fields();
        let chosen = rules.chosen_by().map(|by| self.value(by)).filter(|value| !value.is_empty());
        let fits = |values: &[String]| {
            chosen.is_none_or(|value| values.is_empty() || values.iter().any(|known| known.eq_ignore_ascii_case(value)))
        };
        let in_any = rules.sets().iter().any(|set| set.required(all).chain(set.optional(all)).any(|one| one == field));
        if !in_any {
            return Need::Optional;
        }
        let open: Vec<_> = rules.sets().iter().filter(|set| fits(&set.values)).collect();
        let given: Vec<_> = open
            .iter()
            .copied()
            .filter(|set| set.required(all).chain(set.optional(all)).any(|one| !self.value(one).is_empty()))
            .collect();
        let left = if given.is_empty() { open } else { given };
        let requires = left.iter().filter(|set| set.required(all).any(|one| one == field)).count();
        let has = left.iter().any(|set| set.required(all).chain(set.optional(all)).any(|one| one == field));
        if !has {
            Need::NotHere
        } else if requires == left.len() {
            Need::Required
        } else if requires > 0 {
            Need::OneOf
        } else {
            Need::Optional
        }
    }

    fn value(&self, field: &FieldSpec) -> &str {
        let row = self.rows.iter().find(|row| matches!(row.what, What::Field(spec) if spec.prefix == field.prefix));
        row.map_or("", |row| row.editor.text())
    }

    /// The codes that the row with the cursor can hold, to pick from; nothing where there is no list.
    #[must_use]
    pub fn codes(&self) -> Option<Picker> {
        let row = self.row()?;
        let What::Field(field) = row.what else { return None };
        let items: Vec<_> = if let Some(table) = field.table {
            let all = table.entries().filter(|(code, _)| !field.except.iter().any(|except| except == code));
            all.map(|(code, text)| (code.into(), text.into())).collect()
        } else {
            field.values.iter().map(|value| (value.code.clone().into(), value.text.clone().into())).collect()
        };
        (!items.is_empty()).then(|| Picker::new(field.label.clone(), items, row.editor.text()))
    }

    /// Whether a second look is in place before it goes: it reaches every agency of a state, or of several.
    #[must_use]
    pub fn is_broadcast(&self) -> bool {
        let to_lines = self.text(What::To).split_whitespace().filter(|to| to.len() == 2).count();
        self.spec.destinations.group && to_lines > 0
    }
}

/// The place of the first row of the body.
const FIRST_OF_BODY: usize = 3;

impl FormRow {
    /// What a person calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.what {
            What::From => "From",
            What::To => "To",
            What::Control => "Control",
            What::Field(field) => &field.label,
            What::Body => "Text",
        }
    }

    /// Whether it travels in upper case.
    #[must_use]
    pub fn is_coded(&self) -> bool {
        match self.what {
            What::From | What::To => true,
            What::Control | What::Body => false,
            What::Field(field) => matches!(field.text, Text::Coded),
        }
    }

    /// Whether there is a list to pick from.
    #[must_use]
    pub fn has_list(&self) -> bool {
        match self.what {
            What::To => true,
            What::Field(field) => field.table.is_some() || !field.values.is_empty(),
            What::From | What::Control | What::Body => false,
        }
    }

    /// What a code that was typed means, if it is one.
    #[must_use]
    pub fn meaning(&self) -> Option<&str> {
        let What::Field(field) = self.what else { return None };
        let text = self.editor.text().trim();
        if let Some(table) = field.table {
            return table.text(text);
        }
        field.values.iter().find(|value| value.code.eq_ignore_ascii_case(text)).map(|value| value.text.as_str())
    }
}

/// What is meant by what was typed: where an empty value is one and takes away what stood there, a hyphen means it.
fn meant<'a>(field: &FieldSpec, text: &'a str) -> &'a str {
    if text == EMPTY && can_be_empty(field) { "" } else { text }
}

/// Whether an empty value is one, and takes away what stood there.
pub(crate) fn can_be_empty(field: &FieldSpec) -> bool {
    *field.length.start() == 0
}

const EMPTY: &str = "-";

/// What a fault's word means to a person.
fn explained(field: &FieldSpec, fault: &str) -> String {
    let (min, max) = (*field.length.start(), *field.length.end());
    match fault {
        "LENGTH" if max == 1 => "must be one character".to_owned(),
        "LENGTH" if min == max => format!("must have {min} characters"),
        "LENGTH" => format!("must have {min} to {max} characters"),
        "CHARACTER" => "has a character that cannot be here".to_owned(),
        "VALUE" if field.table.is_some() || !field.values.is_empty() => "is none of its list".to_owned(),
        "DATE" if field.form == Some(Shape::BirthDate) => {
            "must be the birth date of a person who can be alive: ccyymmdd or mmddyy".to_owned()
        }
        "DATE" => "must be a day, ccyymmdd, or a minute, ccyymmdd@hhmm".to_owned(),
        "YEAR" => "must be a year of four digits".to_owned(),
        "VALUE" => "is not in its form".to_owned(),
        other => format!("is wrong: {}", other.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2030, 1, 31);

    fn form(key: &str, to: &str, values: &[(&str, &str)]) -> Form {
        let values = values.iter().map(|(prefix, value)| ((*prefix).to_owned(), (*value).to_owned())).collect();
        let sheet = Sheet {
            key: key.to_owned(),
            from: "ZA0010000".to_owned(),
            to: to.to_owned(),
            control: Some("T1".to_owned()),
            values,
            text: "ANY TEXT\nMORE".to_owned(),
        };
        Form::new(&sheet, 1).unwrap()
    }

    const WHOLE: [(&str, &str); 9] = [
        ("PUR", "C"),
        ("ATN", "SGT TEST ONE"),
        ("PHN", "5555550100"),
        ("NAM", "SAMPLE, PERSON A"),
        ("DOB", "19800102"),
        ("SEX", "M"),
        ("POB", "MM"),
        ("CUS", "Y"),
        ("OFF", "0399"),
    ];

    #[test]
    fn every_key_that_a_station_sends_has_a_form_whose_example_passes() {
        for spec in Dictionary::builtin().specs() {
            let Some(example) = &spec.example else { continue };
            let sheet = Sheet::of_message(example.trim().as_bytes()).unwrap();
            let form = Form::new(&sheet, 1).unwrap();
            assert_eq!(form.fault(TODAY), None, "{}", spec.key);
            let has_fields = matches!(spec.body, Body::Fields(_));
            assert_eq!(form.sheet().values == sheet.values, has_fields || sheet.values.is_empty(), "{}", spec.key);
            let again = Sheet::of_message(form.message().as_bytes()).unwrap();
            assert_eq!((again.to, again.values), (sheet.to, sheet.values), "{}", spec.key);
        }
    }

    #[test]
    fn a_message_is_written_as_it_goes_out() {
        let message = form("IAQ", "AX", &WHOLE).message();
        assert_eq!(
            message,
            "IAQ.ZA0010000.AX.*T1.TXT\r\nPUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/SAMPLE, PERSON A.DOB/19800102.\r\n\
             SEX/M.POB/MM.CUS/Y.OFF/0399"
        );
        assert_eq!(form("AM", "ZA ZB0010000", &[]).message(), "AM.ZA0010000.ZA.ZB0010000.*T1.TXT\r\nANY TEXT\r\nMORE");
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_with_its_row() {
        let missing = form("IAQ", "AX", &WHOLE[..8]);
        let fault = missing.fault(TODAY).unwrap();
        assert_eq!((fault.what.as_str(), missing.rows[fault.row.unwrap()].name()), ("Offense is needed", "Offense"));
        let mut wrong = WHOLE;
        wrong[4].1 = "20400102";
        let fault = form("IAQ", "AX", &wrong).fault(TODAY).unwrap();
        assert!(fault.what.starts_with("Date of birth must be the birth date"), "{fault:?}");
        assert_eq!(form("IAQ", "AX ZA", &WHOLE).fault(TODAY).unwrap().what, "To IAQ has at most 1 destinations");
        assert_eq!(form("IAQ", "", &WHOLE).fault(TODAY).unwrap().what, "To is needed");
        assert_eq!(
            form("IAQ", "ZZ0010000", &WHOLE).fault(TODAY).unwrap().what,
            "To IAQ goes to lines of 2 characters only"
        );
    }

    #[test]
    fn what_a_request_needs_hangs_on_its_type() {
        let form = form("YQ", "ZZ0010000", &[("RTY", "WP")]);
        let need = |prefix: &str| {
            let is = |row: &FormRow| matches!(row.what, What::Field(field) if field.prefix.as_str() == prefix);
            form.need(form.rows.iter().position(is).unwrap())
        };
        assert_eq!(
            [need("NAM"), need("SEX"), need("LIC"), need("PHO")],
            [Need::Required, Need::Optional, Need::NotHere, Need::Optional]
        );
        assert_eq!(need("OCA"), Need::Required);
    }

    #[test]
    fn codes_can_be_picked_and_are_explained() {
        let mut form = form("IAQ", "AX", &WHOLE);
        let at = |form: &Form, prefix: &str| {
            form.rows
                .iter()
                .position(|row| matches!(row.what, What::Field(field) if field.prefix.as_str() == prefix))
                .unwrap()
        };
        form.at = at(&form, "OFF");
        assert_eq!(
            (form.row().unwrap().meaning(), form.codes().unwrap().picked().as_deref()),
            (Some("IMMIGRATION"), Some("0399"))
        );
        form.at = at(&form, "POB");
        assert!(form.codes().unwrap().fitting().all(|(code, _)| code != "XX"));
        form.at = at(&form, "ATN");
        assert!(form.codes().is_none());
    }

    #[test]
    fn a_broadcast_is_known() {
        assert!(form("AM", "ZA", &[]).is_broadcast() && form("AML", "R1 ZB0010000", &[]).is_broadcast());
        assert!(!form("AM", "ZB0010000", &[]).is_broadcast() && !form("IAQ", "AX", &[]).is_broadcast());
    }
}
