//! Reads an export: pieces of it are made records by several threads and handed on in their order.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::DateOrder;
use super::chunks::{Piece, Pieces, text};
use super::header::{Header, HeaderError};
use super::rejects::Rejects;
use super::row::{self, Fields, LINE_MAX, Reject, RejectReason};
use crate::{Person, Source, Status};

/// How an export is read.
#[derive(Debug, Clone)]
pub struct Options {
    /// The source of all records, for an export without a column `source`.
    pub source: Option<Source>,
    /// The status of all records, for an export without a column `status`.
    pub status: Option<Status>,
    /// Which number of `01/02/1980` is the month.
    pub order: DateOrder,
    /// Names of columns in the export, each with the name of the column that it is.
    pub rename: Vec<(String, String)>,
    /// Names of columns in the export that are not read.
    pub leave_out: Vec<String>,
    /// Where rejected rows go, each with its line and the reason. They hold what the export holds: the file is
    /// readable by its owner alone. It is made when the first row is rejected.
    pub rejects: Option<PathBuf>,
    /// So many rejected rows are borne; one more is an error.
    pub rejects_max: u64,
    /// Threads that make records of rows; zero for one for each processor.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: None,
            status: None,
            order: DateOrder::MonthFirst,
            rename: Vec::new(),
            leave_out: Vec::new(),
            rejects: None,
            rejects_max: 1_000,
            threads: 0,
        }
    }
}

/// Records of an export, in its order: some thousand at a time.
#[derive(Debug)]
pub struct Chunk {
    /// The records.
    pub persons: Vec<Person>,
    /// Rows rejected so far.
    pub rejected: u64,
    /// Bytes of the file read so far, as they lie there: how far it is of the file's length.
    pub read_bytes: u64,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    /// Records.
    pub records: u64,
    /// Rows that are none.
    pub rejected: u64,
}

/// Why an export was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read, or is damaged.
    #[error("the export {} cannot be read", name(file))]
    Io {
        /// Which file; none for bytes.
        file: Option<PathBuf>,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Its columns cannot be told.
    #[error("the export {} cannot be read", name(file))]
    Header {
        /// Which file; none for bytes.
        file: Option<PathBuf>,
        /// Why.
        #[source]
        cause: HeaderError,
    },
    /// The reject file cannot be written.
    #[error("rejected rows cannot be written to {}", file.display())]
    Rejects {
        /// Which file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// More rejects than are borne.
    #[error("more than {max} rows of the export {} are no records; the first is line {line}: {reject}", name(file))]
    TooManyRejects {
        /// Which file; none for bytes.
        file: Option<PathBuf>,
        /// How many are borne.
        max: u64,
        /// The line of the first.
        line: u64,
        /// What is wrong with the first.
        reject: Reject,
    },
}

fn name(file: &Option<PathBuf>) -> String {
    file.as_ref().map_or_else(|| "in memory".to_owned(), |file| file.display().to_string())
}

/// Reads an export from a file, compressed or not, and hands its records on in their order.
///
/// # Errors
/// The file cannot be read, its columns cannot be told, too many rows are no records; or what the caller answers.
pub fn read<E: From<ReadError>>(
    file: &Path,
    options: &Options,
    on_chunk: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<Read, E> {
    let name = Some(file.to_owned());
    let opened = File::open(file).map_err(|cause| ReadError::Io { file: name.clone(), cause })?;
    read_from(opened, name, options, on_chunk)
}

/// Reads an export from memory.
///
/// # Errors
/// As [`read`].
pub fn read_bytes<E: From<ReadError>>(
    bytes: &[u8],
    options: &Options,
    on_chunk: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<Read, E> {
    read_from(bytes, None, options, on_chunk)
}

fn read_from<E: From<ReadError>>(
    from: impl io::Read + Send,
    file: Option<PathBuf>,
    options: &Options,
    mut on_chunk: impl FnMut(Chunk) -> Result<(), E>,
) -> Result<Read, E> {
    let io = |cause| ReadError::Io { file: file.clone(), cause };
    let mut pieces = Pieces::new(from).map_err(io)?;
    let first = pieces.first_line().map_err(io)?;
    let header = Header::read(&first, options).map_err(|cause| ReadError::Header { file: file.clone(), cause })?;
    let mut rejects = Rejects::new(file.as_deref(), options);
    let mut read = Read::default();
    let workers = match options.threads {
        0 => thread::available_parallelism().map_or(1, Into::into),
        threads => threads,
    };
    let mut failed = None;
    thread::scope(|scope| {
        // Each piece goes to whichever worker is free; where its records will come from is queued in order.
        let (work, todo) = sync_channel::<(Piece, SyncSender<Rows>)>(workers);
        let (order, coming) = sync_channel::<io::Result<Receiver<Rows>>>(workers + 1);
        let todo = std::sync::Arc::new(Mutex::new(todo));
        scope.spawn(move || {
            loop {
                let (answer, rows) = sync_channel(1);
                // Whoever hears no more has failed and says so.
                let has_gone = match pieces.next_piece() {
                    Ok(None) => break,
                    Ok(Some(piece)) => order.send(Ok(rows)).is_err() || work.send((piece, answer)).is_err(),
                    Err(error) => {
                        drop(order.send(Err(error)));
                        break;
                    }
                };
                if has_gone {
                    break;
                }
            }
        });
        for _ in 0..workers {
            let (todo, header, first) = (std::sync::Arc::clone(&todo), &header, first.trim_end());
            scope.spawn(move || {
                loop {
                    let next = todo.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
                    let Ok((piece, answer)) = next else { break };
                    if answer.send(Rows::of(&piece, header, first)).is_err() {
                        break;
                    }
                }
            });
        }
        // The workers alone hold what is left to do, so that the reader hears when they have gone.
        drop(todo);
        let outcome = (|| {
            for rows in &coming {
                let Ok(rows) = rows.map_err(io)?.recv() else { break };
                rejects.take(rows.rejects)?;
                read.records += rows.persons.len() as u64;
                read.rejected = rejects.count;
                on_chunk(Chunk { persons: rows.persons, rejected: read.rejected, read_bytes: rows.read_bytes })?;
            }
            Ok(())
        })();
        failed = outcome.err();
    });
    match failed {
        Some(error) => Err(error),
        None => {
            rejects.finish()?;
            Ok(read)
        }
    }
}

/// What was made of a piece.
struct Rows {
    persons: Vec<Person>,
    rejects: Vec<(u64, Reject, String)>,
    read_bytes: u64,
}

/// Lines that a field in quotation marks goes over at most.
const QUOTED_LINES_MAX: usize = 8;

/// Bytes of a rejected row that are kept.
const REJECT_MAX: usize = 1_024;

impl Rows {
    fn of(piece: &Piece, header: &Header, first: &str) -> Self {
        let text = text(&piece.bytes);
        let mut rows =
            Self { persons: Vec::with_capacity(text.len() / 96), rejects: Vec::new(), read_bytes: piece.read_bytes };
        let (mut rest, mut line) = (&*text, piece.first_line);
        let mut fields = Fields::default();
        while !rest.is_empty() {
            let (row, made) = one(rest, header, &mut fields);
            match made {
                Ok(person) => rows.persons.push(person),
                // Parts that were put together have their first line more than once.
                Err(_) if row.trim().is_empty() || row.trim_end() == first => {}
                Err(reject) => rows.rejects.push((line, reject, kept(row))),
            }
            line += memchr::memchr_iter(b'\n', row.as_bytes()).count() as u64;
            rest = rest.get(row.len()..).unwrap_or("");
        }
        rows
    }
}

/// The row at the start of a text, with its line end, and what it is.
fn one<'a>(rest: &'a str, header: &Header, fields: &mut Fields<'a>) -> (&'a str, Result<Person, Reject>) {
    let whole = |reason| Reject { column: None, reason };
    let mut ends = memchr::memchr_iter(b'\n', rest.as_bytes()).map(|end| end + 1);
    let end = ends.next().unwrap_or(rest.len());
    let line = rest.get(..end).unwrap_or(rest);
    if line.len() > LINE_MAX {
        return (line, Err(whole(RejectReason::Long)));
    }
    let made = made(line, header, fields);
    if made != Err(whole(RejectReason::Quote)) {
        return (line, made);
    }
    // The marks may be closed on a later line; if no record comes of it, the first line alone is rejected.
    for end in ends.take(QUOTED_LINES_MAX) {
        let Some(lines) = rest.get(..end).filter(|lines| lines.len() <= LINE_MAX) else { break };
        match self::made(lines, header, fields) {
            Err(Reject { column: None, reason: RejectReason::Quote }) => {}
            Ok(person) => return (lines, Ok(person)),
            Err(_) => break,
        }
    }
    (line, made)
}

fn made<'a>(row: &'a str, header: &Header, fields: &mut Fields<'a>) -> Result<Person, Reject> {
    let row = row.strip_suffix('\n').unwrap_or(row);
    let row = row.strip_suffix('\r').unwrap_or(row);
    fields.split(row, header.separator).map_err(|reason| Reject { column: None, reason })?;
    row::person(fields, header)
}

fn kept(row: &str) -> String {
    let row = row.trim_end();
    row.char_indices().take_while(|(place, _)| *place < REJECT_MAX).map(|(_, c)| c).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::{Alias, Field, IdentifierKind, Sex};

    proptest! {
        #[test]
        fn any_bytes_are_records_rejects_or_an_error(
            head in prop_oneof![
                Just(&b"surname,given,a_number,born,aka,ppn,passport_country,i94,coa,doe,until,carrier\n"[..]),
                Just(&b"name;arn\n"[..]),
                Just(&b""[..]),
            ],
            rows in proptest::collection::vec(
                prop_oneof![
                    "[A-Z]{0,3},[A-Z ]{0,3},[0-9]{0,9},[0-9/-]{0,10},[A-Z,;]{0,8},[0-9;]{0,4},[A-Z;]{0,5},[0-9]{0,11},B2,1999,D/S,x",
                    "[\"A-Z,; \n\r\t-]{0,30}",
                    "\\PC{0,40}",
                ],
                0..12,
            ),
            tail in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut bytes = head.to_vec();
            for row in rows {
                bytes.extend_from_slice(row.as_bytes());
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(&tail);
            let options = Options { rejects_max: 5, threads: 1, ..options() };
            let mut records = 0;
            let read = read_bytes(&bytes, &options, |chunk| {
                records += chunk.persons.len() as u64;
                Ok::<(), ReadError>(())
            });
            prop_assert!(read.is_err() || read.is_ok_and(|read| read.records == records));
        }
    }

    /// Some records, with at most so many rejects.
    fn read_text(text: &str, options: &Options) -> Result<(Vec<Person>, Read), String> {
        let mut persons = Vec::new();
        let read = read_bytes(text.as_bytes(), options, |chunk| {
            persons.extend(chunk.persons);
            Ok::<(), ReadError>(())
        });
        read.map(|read| (persons, read)).map_err(|error| match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        })
    }

    fn options() -> Options {
        Options { source: Some(Source::Cis), status: Some(Status::FileOpened), ..Options::default() }
    }

    #[test]
    fn a_foreign_export_is_read_with_all_that_is_in_it() {
        let export = "Full Name;DOB;A-No;Gender;COB;AKA;SSN;OLN;OLS;COA;Entry Date;Status\r\n\
            \"DE LA CRUZ GARCIA, MARIA  LUZ\";03/04/1985;A12-345-678;Female;mm;\
            \"CRUZ, MARIA; GARCIA, LUZ ANA\";900-12-3456;D1234567;ZA;b2;20010203;NATURALIZED UNITED STATES CITIZEN\r\n";
        let (persons, read) = read_text(export, &Options { status: None, ..options() }).unwrap();
        assert_eq!(read, Read { records: 1, rejected: 0 });
        let person = &persons[0];
        assert_eq!(
            [&person.surname, &person.given, &person.middle].map(String::as_str),
            ["DE LA CRUZ GARCIA", "MARIA", "LUZ"]
        );
        assert_eq!((person.born, person.sex), (Some(date(1985, 3, 4)), Sex::Female));
        assert_eq!(person.alien_number.value(), 12_345_678);
        assert_eq!((person.birth_place.as_str(), person.citizenship.as_str()), ("MM", "MM"));
        assert_eq!(
            person.admission.map(|one| (one.class.to_string(), one.on)),
            Some(("B2".to_owned(), date(2001, 2, 3)))
        );
        assert_eq!(person.status, Status::Naturalized);
        let numbers: Vec<_> = person.numbers().map(|n| (n.kind, n.text().to_owned(), n.issuer)).collect();
        assert_eq!(
            numbers,
            [
                (IdentifierKind::Ssn, "900123456".to_owned(), None),
                (IdentifierKind::Licence, "D1234567".to_owned(), crate::Place::new("ZA"))
            ]
        );
        let alias = |surname: &str, given: &str, middle: &str| Alias {
            surname: surname.to_owned(),
            given: given.to_owned(),
            middle: middle.to_owned(),
        };
        assert!(person.aliases == [alias("CRUZ", "MARIA", ""), alias("GARCIA", "LUZ", "ANA")]);
    }

    #[test]
    fn rows_that_are_no_records_are_written_down_with_line_and_reason_and_the_rest_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rejects.csv");
        let options = Options { rejects: Some(path.clone()), ..options() };
        let export = "surname,given,born,a_number,sex\n\
            ONE,A,1980-01-02,1,M\n\
            TWO,B,1980-13-02,2,F\n\
            \n\
            THREE,C,1980-01-02,0,F\n\
            FOUR,D,,4,Q\n\
            FIVE,E,,5\n\
            ,,,6,M\n\
            \"SEVEN,G,,7,M\n\
            EIGHT,\"H\nH\",,8,M\n\
            NINE \"IX\",I,,9,\n\
            TEN,J,,,\n";
        let (persons, read) = read_text(export, &options).unwrap();
        assert_eq!(persons.iter().map(|person| person.alien_number.value()).collect::<Vec<_>>(), [1, 8, 9]);
        assert_eq!((persons[1].given.as_str(), persons[2].surname.as_str()), ("H", "NINE \"IX\""));
        assert_eq!((persons[1].middle.as_str(), persons[2].sex), ("H", Sex::Unknown));
        assert_eq!(read, Read { records: 3, rejected: 7 });
        let written = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = written.lines().collect();
        assert_eq!(lines[0], "line,column,reason,row");
        assert_eq!(
            lines[1],
            "3,born,\"not a date in a form that is read, or not of the years 1850 to 2199\",\"TWO,B,1980-13-02,2,F\""
        );
        let numbers: Vec<_> = lines[1..].iter().map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(numbers, ["3", "5", "6", "7", "8", "9", "13"]);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn too_many_rejects_are_an_error_that_names_the_first_and_the_limit_itself_is_borne() {
        let export = "surname,a_number\nA,1\nB,x\nC,y\nD,4\n";
        let at_most = |rejects_max| read_text(export, &Options { rejects_max, ..options() });
        assert_eq!(at_most(2).unwrap().1, Read { records: 2, rejected: 2 });
        let error = at_most(1).unwrap_err();
        assert!(error.contains("more than 1 rows") && error.contains("line 3: alien_number: not a number"), "{error}");
        assert!(!error.contains('x') || !error.contains("B,x"), "{error}");
    }

    #[test]
    fn many_pieces_come_in_order_whatever_the_threads() {
        let rows: String = (1..=120_000).map(|number| format!("NAME{number},{number}\n")).collect();
        let export = format!("surname,a_number\n{rows}surname,a_number\nLAST,999999\n");
        for threads in [1, 2, 5] {
            let (persons, read) = read_text(&export, &Options { threads, ..options() }).unwrap();
            assert_eq!((read.records, read.rejected), (120_001, 0), "{threads} threads");
            assert!(persons.is_sorted_by_key(|person| person.alien_number), "{threads} threads");
        }
    }

    #[test]
    fn a_damaged_file_and_a_caller_who_has_enough_end_the_reading() {
        let rows: String = (1..=400_000).map(|number| format!("NAME{number},{number}\n")).collect();
        let mut bytes = zstd::encode_all(format!("surname,a_number\n{rows}").as_bytes(), 1).unwrap();
        bytes.truncate(bytes.len() / 2);
        let read = read_bytes(&bytes, &options(), |_| Ok::<(), ReadError>(()));
        assert!(matches!(read, Err(ReadError::Io { .. })), "{read:?}");
        let mut chunks = 0;
        let enough = read_bytes(rows.replacen("NAME1,1", "surname,a_number", 1).as_bytes(), &options(), |_| {
            chunks += 1;
            Err(ReadError::Io { file: None, cause: io::Error::other("enough") })
        });
        assert!(enough.unwrap_err().to_string().contains("in memory"));
        assert_eq!(chunks, 1);
    }

    #[test]
    fn a_source_of_its_own_has_its_number_as_reference() {
        let export = "source,surname,a_number,i94,port,departed_on\nNIIS,A,1,00000000042,nyc,19990203\n\
            NIIS,B,2,12345678A1,,\nCIS,C,3,00000000042,,\n";
        let (persons, _) = read_text(export, &Options { source: None, ..options() }).unwrap();
        let shown: Vec<_> = persons.iter().map(|p| (p.reference.is_some(), p.identifiers.len())).collect();
        assert_eq!(shown, [(true, 0), (false, 1), (false, 1)]);
        assert_eq!(persons[0].detail(Field::DepartedOn), Some("1999-02-03"));
        assert!(persons.iter().all(|person| person.number(IdentifierKind::I94).is_some()));
    }
}
