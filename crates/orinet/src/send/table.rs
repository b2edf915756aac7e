//! Messages from a table in CSV: a row each, a column for each field.

use std::io::Read;

use bytes::Bytes;
use codec::name::{Control, MessageKey};

use super::form::{Filled, FormError, Making, NAMES, make};

/// Why a table makes no messages.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    /// Not CSV.
    #[error("the table cannot be read")]
    Csv(#[from] csv::Error),
    /// Nothing in it.
    #[error("the table has no rows under its line of names")]
    Empty,
    /// Neither option nor column says what the rows are.
    #[error("line {line}: no column KEY says what it is, nor does --form")]
    Key {
        /// Where it stands, from 1.
        line: u64,
    },
    /// A row that makes no message.
    #[error("line {line}: {error}")]
    Row {
        /// Where it stands, from 1.
        line: u64,
        /// Why.
        error: FormError,
    },
}

/// The messages of a table: its first line names the columns, each a field or one of `KEY`, `FROM`, `TO`, `CONTROL` and
/// `TEXT`. An empty cell is as if there were none; what `common` has holds where a row has nothing else.
///
/// # Errors
/// The first row that makes no message: then none is to be sent.
pub(super) fn read(
    table: impl Read,
    key: Option<MessageKey>,
    common: &Filled,
    mut control: impl FnMut() -> Control,
    making: Making<'_>,
) -> Result<Vec<Bytes>, TableError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(false).from_reader(table);
    let names: Vec<String> =
        reader.headers()?.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    let mut messages = Vec::new();
    for row in reader.records() {
        let row = row?;
        let line = row.position().map_or(0, csv::Position::line);
        let mut filled = common.clone();
        let mut of_row = None;
        for (name, value) in names.iter().zip(row.iter()).filter(|(_, value)| !value.is_empty()) {
            if name.eq_ignore_ascii_case(NAMES[0]) { of_row = Some(value) } else { filled.set(name, value) }
        }
        let parsed = of_row.map(MessageKey::parse).transpose().map_err(|_| TableError::Key { line })?;
        let key = parsed.or(key).ok_or(TableError::Key { line })?;
        messages.push(make(key, &filled, control(), making).map_err(|error| TableError::Row { line, error })?);
    }
    if messages.is_empty() { Err(TableError::Empty) } else { Ok(messages) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn texts(table: &str, key: Option<&str>, common: &[&str]) -> Result<Vec<String>, String> {
        let mut filled = Filled::default();
        common.iter().try_for_each(|word| filled.assign(word)).unwrap();
        let mut number = 0;
        let control = || {
            number += 1;
            Control::parse(&format!("C{number}")).unwrap()
        };
        let making = Making { from: "ZA0010000", today: date(2030, 1, 31), checked: true };
        let key = key.map(|key| MessageKey::parse(key).unwrap());
        let read = read(table.as_bytes(), key, &filled, control, making).map_err(|error| error.to_string())?;
        Ok(read.iter().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect())
    }

    #[test]
    fn a_row_is_a_message_and_a_cell_a_field() {
        let read = texts("TO,TEXT\nZB,\"HELLO, YOU\"\nZC0010000,\"TWO\nLINES\"\n", Some("AM"), &[]).unwrap();
        assert_eq!(read, ["AM.ZA0010000.ZB.*C1.TXT\r\nHELLO, YOU", "AM.ZA0010000.ZC0010000.*C2.TXT\r\nTWO\r\nLINES"]);
    }

    #[test]
    fn a_column_can_say_the_key_and_the_command_line_what_all_rows_have() {
        let read = texts("\u{feff}key,text,ori\nAM,HELLO,\ntq,,ZA0010000\n", None, &["TO=OD"]).unwrap();
        assert_eq!(read, ["AM.ZA0010000.OD.*C1.TXT\r\nHELLO", "TQ.ZA0010000.OD.*C2.TXT\r\nORI/ZA0010000"]);
        assert_eq!(texts("key,text\nAM,X\n", Some("ECHO"), &["TO=ZB"]).unwrap(), ["AM.ZA0010000.ZB.*C1.TXT\r\nX"]);
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let error = texts("TO,TEXT\nZB,A\nZ,B\n", Some("AM"), &[]).unwrap_err();
        assert!(error.starts_with("line 3: TO: AM goes to"), "{error}");
        assert!(texts("TO,TEXT\nZB,A\n", None, &[]).unwrap_err().starts_with("line 2: no column KEY"));
        assert!(texts("TO,TEXT\n", Some("AM"), &[]).unwrap_err().contains("no rows"));
        assert!(texts("TO,TEXT\nZB\n", Some("AM"), &[]).unwrap_err().contains("cannot be read"));
    }
}
