//! The texts of the center, from files that can be edited.
//!
//! This is no template engine: a placeholder stands for a value, and that is all.
//!
//! - `{name}` is replaced by a value. Each file has its placeholders, see `templates/` and [`Form`]: another one is an
//!   error when the files are read, as is one that has to be there and is not.
//! - A line that has placeholders, all of which are empty, is left out.
//! - Text is printable ASCII. Lines go out ended by CR LF, the last one without.
//!
//! What every answer must say is not left to the files: the first line is written before them, the caveat is a
//! placeholder that has to be there.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Declares the placeholders once: the name in a file, and what it stands for.
macro_rules! slots {
    ($($slot:ident $name:literal $doc:literal;)+) => {
        /// What a placeholder stands for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Slot {
            $(#[doc = $doc] $slot,)+
        }

        impl Slot {
            /// Its name, as it stands between braces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$slot => $name,)+ }
            }
        }
    };
}

slots! {
    QueryId "query_id" "The center's number of the inquiry.";
    ReceivedDate "received_date" "The day on which the switch received it.";
    ReceivedTime "received_time" "The hour and minute.";
    Name "name" "The name asked for, as the inquiry has it.";
    Born "born" "The date of birth asked for, as the inquiry has it.";
    Missing "missing" "The fields that are missing or not readable.";
    AlienNumber "alien_number" "A record's alien number, nine digits.";
    RecordName "record_name" "A record's name.";
    RecordBorn "record_born" "A record's date of birth.";
    Sex "sex" "A record's sex.";
    BirthPlace "birth_place" "A record's place of birth.";
    Source "source" "Who holds a record.";
    Status "status" "The status in a record, and since when.";
    Also "also" "The person's other records, a line of `status-line.txt` each.";
    Count "count" "How many records may be the person; empty for none.";
    Records "records" "The best of them, a line of `record-line.txt` each.";
    More "more" "How many more there are; empty for none.";
    Identifiers "identifiers" "What the inquiry did not give and would help to decide.";
    Searched "searched" "The sources that were searched.";
    NotSearched "not_searched" "The sources that were not.";
    Silent "silent" "The sources that were asked and did not answer.";
    Wanted "wanted" "What NCIC has.";
    History "history" "What III and the states have.";
    Office "office" "The field office that gets a copy, or that there is none.";
    AnsweredBy "answered_by" "Whether a technician answers.";
    Caution "caution" "Says that the search was cut short; empty if it was not.";
    Caveat "caveat" "Says that the answer is no detainer and no ground for arrest.";
    Heading "heading" "What kind of hit it is, in the words that the public record has.";
    Identity "identity" "A violator's name, sex, race, place and date of birth, each behind its prefix.";
    Description "description" "A violator's description and numbers, each behind its prefix.";
    Offense "offense" "The literal of the offense code.";
    CaseNumber "case_number" "The case number of whoever entered the record.";
    NcicNumber "ncic_number" "The number of an NCIC record.";
    Ori "ori" "Who entered a record.";
    Entered "entered" "The day on which a record was entered, as ccyymmdd.";
    Remark "remark" "What else a record says; empty if it says nothing.";
    Asked "asked" "What was asked for, each field behind its prefix.";
    FbiNumber "fbi_number" "The number of a federal criminal history.";
    StateNumbers "state_numbers" "The numbers of the criminal histories of states.";
    Arrests "arrests" "Arrests, a block of lines each.";
    What "what" "What was done, or why it was not.";
    State "state" "The two letters of a state.";
    IndexHit "index_hit" "By which of a state's indexes a person was found.";
}

/// One file: its placeholders, and its text where no directory of templates is given.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    pub(crate) file: &'static str,
    pub(crate) builtin: &'static str,
    pub(crate) required: &'static [Slot],
    pub(crate) optional: &'static [Slot],
}

/// Declares a form by its file in `templates/`.
macro_rules! form {
    ($file:literal, $required:expr, $optional:expr) => {
        Form {
            file: $file,
            builtin: include_str!(concat!("../templates/", $file)),
            required: $required,
            optional: $optional,
        }
    };
}

impl Form {
    const ACKNOWLEDGEMENT: Self = form!(
        "acknowledgement.txt",
        &[Slot::QueryId],
        &[Slot::ReceivedDate, Slot::ReceivedTime, Slot::Name, Slot::Born]
    );
    const MORE_INFORMATION: Self =
        form!("more-information.txt", &[Slot::QueryId, Slot::Missing, Slot::Caveat], &[Slot::AnsweredBy]);
    const REFUSED: Self = form!("refused.txt", &[Slot::QueryId], &[]);
    const SUPPLEMENT: Self = form!(
        "supplement.txt",
        &[Slot::QueryId, Slot::Searched, Slot::Silent, Slot::Wanted, Slot::History, Slot::Caveat],
        &[Slot::Name, Slot::Born, Slot::AnsweredBy, Slot::Office]
    );
    const NO_RECORD: Self = form!(
        "no-record.txt",
        &[Slot::QueryId, Slot::Searched, Slot::Silent, Slot::NotSearched, Slot::Caution, Slot::Caveat],
        &[Slot::Name, Slot::Born, Slot::Wanted, Slot::History, Slot::Office, Slot::AnsweredBy]
    );
    const RECORD: Self = form!(
        "record.txt",
        &[
            Slot::QueryId,
            Slot::AlienNumber,
            Slot::Status,
            Slot::Count,
            Slot::Wanted,
            Slot::History,
            Slot::Searched,
            Slot::Silent,
            Slot::NotSearched,
            Slot::Caution,
            Slot::Caveat
        ],
        &[
            Slot::Name,
            Slot::Born,
            Slot::RecordName,
            Slot::RecordBorn,
            Slot::Sex,
            Slot::BirthPlace,
            Slot::Source,
            Slot::Also,
            Slot::Records,
            Slot::More,
            Slot::Office,
            Slot::AnsweredBy
        ]
    );
    const POSSIBLE_RECORDS: Self = form!(
        "possible-records.txt",
        &[
            Slot::QueryId,
            Slot::Records,
            Slot::More,
            Slot::Wanted,
            Slot::History,
            Slot::Searched,
            Slot::Silent,
            Slot::NotSearched,
            Slot::Caution,
            Slot::Caveat
        ],
        &[Slot::Name, Slot::Born, Slot::Count, Slot::Identifiers, Slot::Office, Slot::AnsweredBy]
    );
    const FIREARMS_STATUS: Self = form!(
        "firearms-status.txt",
        &[Slot::QueryId, Slot::Status, Slot::Searched, Slot::NotSearched, Slot::Caution, Slot::Caveat],
        &[Slot::Name, Slot::Born, Slot::Source, Slot::Also, Slot::AnsweredBy]
    );
    const FIREARMS_UNCLEAR: Self = form!(
        "firearms-unclear.txt",
        &[Slot::QueryId, Slot::Searched, Slot::NotSearched, Slot::Caution, Slot::Caveat],
        &[Slot::Name, Slot::Born, Slot::Identifiers, Slot::AnsweredBy]
    );
    const RECORD_LINE: Self = form!(
        "record-line.txt",
        &[Slot::AlienNumber],
        &[Slot::RecordName, Slot::RecordBorn, Slot::Sex, Slot::BirthPlace, Slot::Source, Slot::Status]
    );
    const STATUS_LINE: Self = form!("status-line.txt", &[Slot::Status], &[Slot::Source]);

    fn slot(&self, name: &str) -> Option<Slot> {
        self.slots().find(|slot| slot.name() == name)
    }

    fn slots(&self) -> impl Iterator<Item = Slot> {
        self.required.iter().chain(self.optional).copied()
    }
}

/// All templates, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    pub(crate) acknowledgement: Template,
    pub(crate) more_information: Template,
    pub(crate) no_record: Template,
    pub(crate) record: Template,
    pub(crate) possible_records: Template,
    pub(crate) firearms_status: Template,
    pub(crate) firearms_unclear: Template,
    pub(crate) record_line: Template,
    pub(crate) status_line: Template,
    pub(crate) refused: Template,
    pub(crate) supplement: Template,
}

impl Templates {
    /// The files of a directory, each of which has to be there; without a directory the texts of this program.
    ///
    /// # Errors
    /// A file is missing, cannot be read or is wrong; the error names it.
    pub fn load(directory: Option<&Path>) -> Result<Self, TemplateError> {
        let load = |form: Form| Template::load(&form, directory);
        Ok(Self {
            acknowledgement: load(Form::ACKNOWLEDGEMENT)?,
            more_information: load(Form::MORE_INFORMATION)?,
            no_record: load(Form::NO_RECORD)?,
            record: load(Form::RECORD)?,
            possible_records: load(Form::POSSIBLE_RECORDS)?,
            firearms_status: load(Form::FIREARMS_STATUS)?,
            firearms_unclear: load(Form::FIREARMS_UNCLEAR)?,
            record_line: load(Form::RECORD_LINE)?,
            status_line: load(Form::STATUS_LINE)?,
            refused: load(Form::REFUSED)?,
            supplement: load(Form::SUPPLEMENT)?,
        })
    }
}

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file is missing or cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// A file is no text.
    #[error("{} is not printable ASCII", .path.display())]
    Binary {
        /// The file.
        path: PathBuf,
    },
    /// A file is longer than any answer should be.
    #[error("{} is longer than {BYTES_MAX} bytes", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A line is wrong.
    #[error("{} line {line}: {fault}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// A placeholder that has to be there is not.
    #[error("{} has no {{{}}}", .path.display(), .slot.name())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The placeholder.
        slot: Slot,
    },
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// A character that a message cannot have.
    #[error("not printable ASCII")]
    Characters,
    /// A brace that has no other.
    #[error("a brace without its other")]
    Brace,
    /// A placeholder that the file does not have.
    #[error("{{{name}}} is no placeholder of this file; it has {known}")]
    Unknown {
        /// Its name.
        name: String,
        /// Those that the file has.
        known: String,
    },
}

/// The longest file, in bytes: many times the longest of ours, and an answer stays far below the longest message.
const BYTES_MAX: usize = 16 * 1024;

/// One text with its placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    lines: Vec<Vec<Part>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Slot),
}

impl Template {
    /// The file of a form in a directory; without one the text of this program.
    pub(crate) fn load(form: &Form, directory: Option<&Path>) -> Result<Self, TemplateError> {
        let Some(directory) = directory else { return Self::parse(form, Path::new(form.file), form.builtin) };
        let path = directory.join(form.file);
        let text = std::fs::read(&path).map_err(|source| TemplateError::Read { path: path.clone(), source })?;
        let text = String::from_utf8(text).map_err(|_| TemplateError::Binary { path: path.clone() })?;
        Self::parse(form, &path, &text)
    }

    fn parse(form: &Form, path: &Path, text: &str) -> Result<Self, TemplateError> {
        let path = || path.to_owned();
        if text.len() > BYTES_MAX {
            return Err(TemplateError::TooLong { path: path() });
        }
        let lines = text
            .lines()
            .zip(1..)
            .map(|(text, line)| parts(form, text).map_err(|fault| TemplateError::Line { path: path(), line, fault }));
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        let missing =
            form.required.iter().find(|slot| !lines.iter().flatten().any(|part| *part == Part::Value(**slot)));
        match missing {
            Some(slot) => Err(TemplateError::Missing { path: path(), slot: *slot }),
            None => Ok(Self { lines }),
        }
    }

    /// The text with its values, lines between CR LF.
    pub(crate) fn render(&self, values: &Values) -> String {
        let lines: Vec<String> = self.lines.iter().filter_map(|line| render(line, values)).collect();
        lines.join("\r\n")
    }
}

/// A line with its values; none if it has placeholders and no value.
fn render(line: &[Part], values: &Values) -> Option<String> {
    let (mut text, mut placeholders, mut filled) = (String::new(), false, false);
    for part in line {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(slot) => {
                let value = values.get(*slot);
                placeholders = true;
                filled |= !value.is_empty();
                text.push_str(value);
            }
        }
    }
    (filled || !placeholders).then_some(text)
}

fn parts(form: &Form, line: &str) -> Result<Vec<Part>, LineFault> {
    if !line.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(LineFault::Characters);
    }
    let mut parts = Vec::new();
    let mut rest = line;
    loop {
        let (text, after) = rest.split_once('{').map_or((rest, None), |(text, after)| (text, Some(after)));
        if text.contains('}') {
            return Err(LineFault::Brace);
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let Some(after) = after else { return Ok(parts) };
        let (name, after) = after.split_once('}').ok_or(LineFault::Brace)?;
        let slot = form.slot(name).ok_or_else(|| LineFault::Unknown {
            name: name.to_owned(),
            known: form.slots().map(Slot::name).collect::<Vec<_>>().join(", "),
        })?;
        parts.push(Part::Value(slot));
        rest = after;
    }
}

/// What placeholders stand for in one text; those that were not set are empty.
#[derive(Default)]
pub(crate) struct Values(Vec<(Slot, String)>);

impl Values {
    pub(crate) fn with(mut self, slot: Slot, value: impl Into<String>) -> Self {
        self.0.push((slot, value.into()));
        self
    }

    fn get(&self, slot: Slot) -> &str {
        self.0.iter().find(|(set, _)| *set == slot).map_or("", |(_, value)| value)
    }
}

/// Values are about a person.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(slot, _)| slot)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form =
        Form { file: "test.txt", builtin: "", required: &[Slot::QueryId], optional: &[Slot::Name, Slot::More] };

    fn parse(text: &str) -> Result<Template, TemplateError> {
        Template::parse(&FORM, Path::new("test.txt"), text)
    }

    #[test]
    fn placeholders_are_replaced_and_lines_of_empty_ones_left_out() {
        let template = parse("ID {query_id}.\r\n{name}, {more} MORE\n\n{more} MORE\nEND\n").unwrap();
        let render = |values: Values| template.render(&values);
        let id = || Values::default().with(Slot::QueryId, "E1");
        assert_eq!(render(id()), "ID E1.\r\n\r\nEND");
        assert_eq!(render(id().with(Slot::More, "3")), "ID E1.\r\n, 3 MORE\r\n\r\n3 MORE\r\nEND");
        assert_eq!(render(id().with(Slot::Name, "{more}")), "ID E1.\r\n{more},  MORE\r\n\r\nEND");
    }

    #[test]
    fn faults_name_file_and_line() {
        for (text, expected) in [
            ("{query_id}\n{nam}", "test.txt line 2: {nam} is no placeholder of this file; it has query_id, name, more"),
            (
                "{query_id}\n{caveat}",
                "test.txt line 2: {caveat} is no placeholder of this file; it has query_id, name, more",
            ),
            ("{query_id", "test.txt line 1: a brace without its other"),
            ("{query_id}}", "test.txt line 1: a brace without its other"),
            ("{query_id} \u{e9}", "test.txt line 1: not printable ASCII"),
            ("{query_id}\ta", "test.txt line 1: not printable ASCII"),
            ("{name}", "test.txt has no {query_id}"),
            ("", "test.txt has no {query_id}"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text:?}");
        }
        let long = "{query_id}\n".repeat(2_000);
        assert_eq!(parse(&long).unwrap_err().to_string(), "test.txt is longer than 16384 bytes");
    }

    #[test]
    fn the_texts_of_this_program_are_whole_and_complete() {
        let builtin = Templates::load(None).unwrap();
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        assert_eq!(Templates::load(Some(&directory)).unwrap(), builtin);
        assert_eq!(std::fs::read_dir(directory).unwrap().count(), 11);
    }

    #[test]
    fn a_directory_needs_every_file() {
        let directory = tempfile::tempdir().unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let error = || Templates::load(Some(directory.path())).map_err(|error| error.to_string());
        for entry in std::fs::read_dir(ours).unwrap() {
            assert!(error().unwrap_err().ends_with("cannot be read"));
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
        }
        assert!(error().is_ok());
        std::fs::write(directory.path().join("record.txt"), b"\xff").unwrap();
        assert!(error().unwrap_err().ends_with("record.txt is not printable ASCII"));
    }
}
