//! The file of statements: lines are added at its end, and never changed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Signed;

/// Everybody may check; only the signer adds.
const MODE: u32 = 0o644;

/// Where statements are kept: outside the directory that they speak about, best on another machine's disk.
#[derive(Debug, Clone)]
pub struct StatementFile {
    path: PathBuf,
}

impl StatementFile {
    /// The file at that path; the first statement makes it.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a statement in one write and syncs it. A line that an earlier crash cut short stays as it is, and is ended.
    ///
    /// # Errors
    /// As the system says. The statement may be in the file or not; another one can follow all the same.
    pub fn append(&self, signed: &Signed) -> io::Result<()> {
        let new = !self.path.exists();
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(&self.path)?;
        let mut line = signed.to_line() + "\n";
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                line.insert(0, '\n');
            }
        }
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        if new {
            let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }
}

/// What a file of statements holds; signatures are not checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// The statements, each with the number of its line, from 1.
    pub statements: Vec<(usize, Signed)>,
    /// Lines that were cut short, as a crash leaves them.
    pub cut_short: Vec<usize>,
    /// Lines that are no statements and that no crash makes.
    pub unreadable: Vec<usize>,
}

/// Reads a file of statements.
///
/// # Errors
/// As the system says.
pub fn read(path: &Path) -> io::Result<Lines> {
    Ok(parse(&std::fs::read(path)?))
}

fn parse(bytes: &[u8]) -> Lines {
    let mut lines = Lines::default();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        // Of a write that a crash cut short the beginning is there, perhaps followed by zeros.
        let text = line.iter().rposition(|byte| *byte != 0).map_or(&[][..], |last| &line[..=last]);
        if line.is_empty() {
            continue;
        }
        match std::str::from_utf8(line).ok().and_then(Signed::parse) {
            Some(signed) => lines.statements.push((number, signed)),
            None if !text.ends_with(b"}") => lines.cut_short.push(number),
            None => lines.unreadable.push(number),
        }
    }
    lines
}

#[cfg(all(test, not(feature = "schedules")))]
mod tests {
    use super::super::{Signer, Statement};
    use super::*;
    use crate::format::JournalId;

    fn statement(sequence: u64) -> Statement {
        Statement { journal: JournalId([1; 16]), sequence, hash: [2; 32], segment: 1, at_us: 0 }
    }

    #[test]
    fn statements_are_added_behind_whatever_a_crash_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("statements.jsonl");
        let signer = Signer::generate().expect("generates");
        let file = StatementFile::new(&path);
        let signed: Vec<Signed> = (1..=3).map(|sequence| signer.sign(&statement(sequence))).collect();
        file.append(&signed[0]).expect("appends");
        let mut torn = std::fs::read(&path).expect("reads");
        torn.extend(signed[1].to_line().as_bytes()[..100].iter().chain(&[0; 7]));
        std::fs::write(&path, &torn).expect("writes");
        file.append(&signed[2]).expect("appends");
        let lines = read(&path).expect("reads");
        assert_eq!(lines.statements, [(1, signed[0]), (3, signed[2])]);
        assert_eq!((lines.cut_short, lines.unreadable), (vec![2], vec![]));
    }

    #[test]
    fn a_line_that_no_crash_makes_is_told_apart() {
        let line = Signer::generate().expect("generates").sign(&statement(5)).to_line();
        let text = format!("{line}\n{}\n{{}}\n\n", line.replace("sequence", "sequenze"));
        let lines = parse(text.as_bytes());
        assert_eq!((lines.statements.len(), lines.cut_short, lines.unreadable), (1, vec![], vec![2, 3]));
    }
}
