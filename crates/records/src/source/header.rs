//! The first line of an export: which column is which, and what separates them.

use super::column::{Column, plain_name};
use super::read::Options;
use super::row::Fields;
use crate::{Source, Status};

/// Why the columns of an export cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// There is nothing in the file.
    #[error("the file is empty: its first line has to name the columns")]
    Empty,
    /// A column is not known.
    #[error("the column {name:?} is not known{}: rename it, or say that it is to be left out", hint(nearest))]
    Unknown {
        /// As the file names it.
        name: String,
        /// A column that it may mean.
        nearest: Option<&'static str>,
    },
    /// A column is there twice.
    #[error("the column {name:?} is there twice, both times as `{}`", column.name())]
    Twice {
        /// As the file names it.
        name: String,
        /// What it was taken for.
        column: Column,
    },
    /// A column that has to be there is not.
    #[error("no column `{column}`{also}: without it there is no record")]
    Missing {
        /// The column.
        column: &'static str,
        /// What would do instead.
        also: &'static str,
    },
    /// A name to be changed or left out is not in the file.
    #[error("there is no column {name:?} to be renamed or left out")]
    NotThere {
        /// As it was asked for.
        name: String,
    },
    /// A column is to be renamed to something that is no column.
    #[error("a column cannot be renamed to {name:?}: there is no such column{}", hint(nearest))]
    RenamedToUnknown {
        /// As it was asked for.
        name: String,
        /// A column that it may mean.
        nearest: Option<&'static str>,
    },
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// What was learned from the first line, and what holds for every row.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) separator: u8,
    /// What each column of the file is; none for one left out.
    pub(super) columns: Vec<Option<Column>>,
    pub(super) source: Option<Source>,
    pub(super) status: Option<Status>,
    pub(super) has_citizenship: bool,
    pub(super) order: super::DateOrder,
}

impl Header {
    pub(super) fn read(line: &str, options: &Options) -> Result<Self, HeaderError> {
        let line = line.trim_start_matches('\u{FEFF}').trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() {
            return Err(HeaderError::Empty);
        }
        // Names of columns hold none of these, so that the commonest separates them.
        let count = |separator: &u8| line.bytes().filter(|b| b == separator).count();
        let separator = [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(count).unwrap_or(b',');
        let mut fields = Fields::default();
        let names: Vec<String> = if fields.split(line, separator).is_ok() {
            fields.iter().map(ToOwned::to_owned).collect()
        } else {
            line.split(char::from(separator)).map(ToOwned::to_owned).collect()
        };
        let there = |asked: &str| names.iter().any(|name| plain_name(name) == plain_name(asked));
        let asked = options.rename.iter().map(|(theirs, _)| theirs).chain(&options.leave_out);
        if let Some(name) = asked.into_iter().find(|name| !there(name)) {
            return Err(HeaderError::NotThere { name: name.clone() });
        }
        let mut columns = Vec::with_capacity(names.len());
        for name in &names {
            let column = column(name, options)?;
            if let Some(column) = column.filter(|_| columns.contains(&column)) {
                return Err(HeaderError::Twice { name: name.clone(), column });
            }
            columns.push(column);
        }
        let has = |column: Column| columns.contains(&Some(column));
        let needs = [
            (has(Column::AlienNumber), "alien_number", ""),
            (has(Column::Surname) || has(Column::Name), "surname", " and no column `name`"),
            (has(Column::Status) || options.status.is_some(), "status", ", and no status was given for all records"),
            (has(Column::Source) || options.source.is_some(), "source", ", and no source was given for all records"),
        ];
        if let Some((_, column, also)) = needs.into_iter().find(|(is_there, ..)| !is_there) {
            return Err(HeaderError::Missing { column, also });
        }
        let has_citizenship = has(Column::Citizenship);
        let Options { source, status, order, .. } = *options;
        Ok(Self { separator, columns, source, status, has_citizenship, order })
    }
}

/// What a column of the file is; none if it is to be left out.
fn column(name: &str, options: &Options) -> Result<Option<Column>, HeaderError> {
    let plain = plain_name(name);
    if options.leave_out.iter().any(|out| plain_name(out) == plain) {
        return Ok(None);
    }
    if let Some((_, ours)) = options.rename.iter().find(|(theirs, _)| plain_name(theirs) == plain) {
        return Column::of_header(ours)
            .map(Some)
            .ok_or_else(|| HeaderError::RenamedToUnknown { name: ours.clone(), nearest: nearest(ours) });
    }
    let unknown = || HeaderError::Unknown { name: name.trim().to_owned(), nearest: nearest(name) };
    Column::of_header(name).map(Some).ok_or_else(unknown)
}

/// The column whose name or other name is spelled most like a text, if one is spelled alike.
fn nearest(name: &str) -> Option<&'static str> {
    let plain = plain_name(name);
    let alike = |other: &str| rapidfuzz::distance::jaro_winkler::similarity(plain.chars(), other.chars());
    Column::all()
        .map(|column| {
            let names = column.synonyms().iter().copied().chain([column.name()]);
            (names.map(alike).fold(0.0, f64::max), column.name())
        })
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(alike, _)| *alike > 0.8)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, options: &Options) -> Result<Header, String> {
        Header::read(line, options).map_err(|error| error.to_string())
    }

    fn options() -> Options {
        Options { source: Some(Source::Cis), status: Some(Status::FileOpened), ..Options::default() }
    }

    #[test]
    fn any_order_and_any_separator_will_do() {
        for line in ["surname,a_number", "a_number;surname", "\"Last Name\"\t\"A No\"\r\n", "\u{FEFF}ARN|NAM"] {
            let header = read(line, &options()).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(header.columns.len(), 2, "{line}");
            assert!(header.columns.contains(&Some(Column::AlienNumber)), "{line}");
        }
    }

    #[test]
    fn what_is_unknown_missing_or_twice_is_named() {
        let all = Options::default();
        for (line, options, says) in [
            ("surname,a_number,surnane2", &options(), "\"surnane2\" is not known (did you mean `second_surname`?)"),
            ("surname,a_number,shoe size", &options(), "\"shoe size\" is not known: rename it"),
            ("surname,given", &options(), "no column `alien_number`"),
            ("given,a_number", &options(), "no column `surname` and no column `name`"),
            ("surname,a_number,source", &all, "no column `status`"),
            ("surname,a_number,status", &all, "no column `source`"),
            ("surname,a_number,Last Name", &options(), "\"Last Name\" is there twice, both times as `surname`"),
            ("", &options(), "the file is empty"),
        ] {
            let error = read(line, options).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn columns_are_renamed_and_left_out_as_asked() {
        let mut options = options();
        options.rename.push(("Apellido".to_owned(), "surname".to_owned()));
        options.leave_out.push("Shoe Size".to_owned());
        let header = read("apellido,shoe_size,a_number", &options).unwrap();
        assert_eq!(header.columns, [Some(Column::Surname), None, Some(Column::AlienNumber)]);
        assert!(read("surname,a_number,shoe size", &options).unwrap_err().contains("\"Apellido\""));
        options.rename[0].1 = "shirname".to_owned();
        assert!(read("apellido,shoe_size,a_number", &options).unwrap_err().contains("did you mean `surname`"));
    }
}
