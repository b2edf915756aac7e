//! Question files: CSV, one for each class.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::{About, Asked, Class, Question};
use crate::source::{push_day, push_text, split_row};
use crate::{AlienNumber, Identifier, IdentifierKind, Place, Sex, Source};

/// The columns, in their order; `expect` is the alien number of the person, or empty for one in no source; rows are
/// counted from 1.
const HEADER: &str =
    "class,surname,given,middle,born,sex,birth_place,alien_number,number_kind,number,expect,source,row";

/// Why question files cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum QuestionsError {
    /// A file cannot be written or read.
    #[error("the questions of {} cannot be written or read", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A line is no question.
    #[error("{}: line {line} is no question: {what}", file.display())]
    Line {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// Writes questions into a directory, a file for each class that there are any of: `exact.csv` and so on. The files
/// are new, or replaced. Gives back how many there are of each.
///
/// # Errors
/// A file cannot be written.
pub fn write(
    directory: &Path,
    questions: impl IntoIterator<Item = Question>,
) -> Result<Vec<(Class, u32)>, QuestionsError> {
    let error = |file: &Path| {
        let file = file.to_owned();
        move |cause| QuestionsError::Io { file, cause }
    };
    fs::create_dir_all(directory).map_err(error(directory))?;
    let mut files: Vec<(Class, PathBuf, BufWriter<File>, u32)> = Vec::new();
    for question in questions {
        let place = match files.iter().position(|(class, ..)| *class == question.class) {
            Some(place) => place,
            None => {
                let path = directory.join(format!("{}.csv", question.class.name()));
                let mut file = BufWriter::new(File::create(&path).map_err(error(&path))?);
                writeln!(file, "{HEADER}").map_err(error(&path))?;
                files.push((question.class, path, file, 0));
                files.len() - 1
            }
        };
        if let Some((_, path, file, count)) = files.get_mut(place) {
            let mut line = Vec::with_capacity(128);
            push(&question, &mut line);
            file.write_all(&line).map_err(error(path))?;
            *count += 1;
        }
    }
    let finish = |(class, path, mut file, count): (Class, PathBuf, BufWriter<File>, u32)| {
        file.flush().map_err(error(&path))?;
        Ok((class, count))
    };
    files.into_iter().map(finish).collect()
}

fn push(question: &Question, line: &mut Vec<u8>) {
    let Question { class, asked, about } = question;
    let number = |number: Option<AlienNumber>| number.map_or_else(String::new, |number| number.to_string());
    let texts = |texts: &[&str], line: &mut Vec<u8>| {
        for text in texts {
            push_text(text, line);
            line.push(b',');
        }
    };
    texts(&[class.name(), &asked.surname, &asked.given, &asked.middle], line);
    push_day(asked.born, line);
    line.push(b',');
    let sex = if asked.sex == Sex::Unknown { String::new() } else { asked.sex.letter().to_string() };
    let place = asked.birth_place.map_or_else(String::new, |place| place.to_string());
    let (kind, text) = asked.identifier.as_ref().map_or(("", ""), |one| (one.kind.column(), one.text()));
    texts(&[&sex, &place, &number(asked.alien_number), kind, text], line);
    let (source, row) = about.map_or(("", String::new()), |about| (about.source.name(), (about.row + 1).to_string()));
    texts(&[&number(about.map(|about| about.alien_number)), source], line);
    line.extend_from_slice(row.as_bytes());
    line.push(b'\n');
}

/// Reads the questions of a file.
///
/// # Errors
/// It cannot be read, or a line is no question.
pub fn read(file: &Path) -> Result<Vec<Question>, QuestionsError> {
    let text = fs::read_to_string(file).map_err(|cause| QuestionsError::Io { file: file.to_owned(), cause })?;
    let wrong = |line: usize, what| QuestionsError::Line { file: file.to_owned(), line, what };
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, header)| header != HEADER) {
        return Err(wrong(1, "the names of the columns are not those of question files"));
    }
    lines.map(|(line, text)| question(text).map_err(|what| wrong(line + 1, what))).collect()
}

fn question(line: &str) -> Result<Question, &'static str> {
    let fields = split_row(line).ok_or("a quotation mark is not closed")?;
    let [class, surname, given, middle, born, sex, place, number, kind, text, expect, source, row] = &fields[..] else {
        return Err("not 13 fields");
    };
    let alien_number = |text: &str| -> Result<Option<AlienNumber>, &'static str> {
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| "an alien number is none") }
    };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let born = some(born).map(|born| born.parse().map_err(|_| "the date of birth is none")).transpose()?;
    let sex = match sex.chars().next() {
        None => Sex::Unknown,
        Some(letter) => Sex::from_letter(letter).ok_or("the sex is none")?,
    };
    let birth_place = some(place).map(|place| Place::new(&place).ok_or("the country is none")).transpose()?;
    let kind = some(kind).map(|kind| {
        IdentifierKind::ALL.iter().find(|known| known.column() == kind).ok_or("the kind of number is none")
    });
    let identifier = match kind.transpose()? {
        None => None,
        Some(kind) => Some(Identifier::new(*kind, text, None).ok_or("the number is none of its kind")?),
    };
    let about = match alien_number(expect)? {
        None => None,
        Some(alien_number) => Some(About {
            alien_number,
            source: Source::ALL.into_iter().find(|known| known.name() == source).ok_or("the source is none")?,
            row: row.parse().ok().and_then(|row: u32| row.checked_sub(1)).ok_or("the row is no number from 1")?,
        }),
    };
    let asked = Asked {
        surname: surname.clone(),
        given: given.clone(),
        middle: middle.clone(),
        born,
        sex,
        birth_place,
        alien_number: alien_number(number)?,
        identifier,
    };
    Ok(Question { class: Class::from_name(class).ok_or("the class is none")?, asked, about })
}

#[cfg(test)]
mod tests {
    use super::super::{Absent, Maker};
    use super::*;
    use crate::synth::Population;

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let population = Population::new(2, 93_000);
        let maker = Maker::new(population, 2);
        let mut questions: Vec<Question> =
            Class::ALL.iter().flat_map(|class| (0..10).filter_map(|number| maker.question(*class, number))).collect();
        questions.extend(Absent::new(population, 2, 10).questions());
        let written = write(directory.path(), questions.clone()).unwrap();
        assert!(written.iter().all(|(_, count)| *count == 10), "{written:?}");
        for (class, _) in written {
            let mut expect: Vec<_> = questions.iter().filter(|question| question.class == class).cloned().collect();
            for question in &mut expect {
                // Who issued a number is not asked.
                let number = question.asked.identifier;
                question.asked.identifier = number.and_then(|one| Identifier::new(one.kind, one.text(), None));
            }
            let read = read(&directory.path().join(format!("{}.csv", class.name()))).unwrap();
            assert!(read == expect, "{}", class.name());
        }
    }

    #[test]
    fn a_line_that_is_no_question_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("exact.csv");
        for (text, line, what) in [
            ("a,b\n", 1, "the names"),
            (&*format!("{HEADER}\nexact,A,B,,,,,,,,,,\nexact,A\n"), 3, "not 13"),
            (&*format!("{HEADER}\nexakt,A,B,,,,,,,,,,\n"), 2, "the class"),
            (&*format!("{HEADER}\nexact,A,B,,1980-13-01,,,,,,,,\n"), 2, "the date"),
        ] {
            fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line} is no question: {what}")), "{error}");
        }
    }
}
