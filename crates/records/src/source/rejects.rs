//! Rows of an export that are no records: counted, and written down with line and reason.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::column::Column;
use super::read::{Options, ReadError};
use super::row::Reject;

/// Counts rejects and writes them down.
pub(super) struct Rejects<'a> {
    file: Option<&'a Path>,
    options: &'a Options,
    first: Option<(u64, Reject)>,
    pub(super) count: u64,
    out: Option<BufWriter<File>>,
}

impl<'a> Rejects<'a> {
    pub(super) const fn new(file: Option<&'a Path>, options: &'a Options) -> Self {
        Self { file, options, first: None, count: 0, out: None }
    }

    pub(super) fn take(&mut self, rejects: Vec<(u64, Reject, String)>) -> Result<(), ReadError> {
        for (line, reject, row) in rejects {
            self.count += 1;
            self.write(line, reject, &row)?;
            let (line, reject) = *self.first.get_or_insert((line, reject));
            if self.count > self.options.rejects_max {
                self.finish()?;
                let (file, max) = (self.file.map(ToOwned::to_owned), self.options.rejects_max);
                return Err(ReadError::TooManyRejects { file, max, line, reject });
            }
        }
        Ok(())
    }

    fn write(&mut self, line: u64, reject: Reject, row: &str) -> Result<(), ReadError> {
        let Some(path) = &self.options.rejects else { return Ok(()) };
        let error = |cause| ReadError::Rejects { file: path.clone(), cause };
        if self.out.is_none() {
            let mut out = BufWriter::new(private(path).map_err(error)?);
            out.write_all(b"line,column,reason,row\n").map_err(error)?;
            self.out = Some(out);
        }
        let Some(out) = &mut self.out else { return Ok(()) };
        let (column, row) = (reject.column.map_or("", Column::name), row.replace('"', "\"\""));
        writeln!(out, "{line},{column},\"{}\",\"{row}\"", reject.reason).map_err(error)
    }

    pub(super) fn finish(&mut self) -> Result<(), ReadError> {
        let Some((path, out)) = self.options.rejects.as_ref().zip(self.out.as_mut()) else { return Ok(()) };
        out.flush().map_err(|cause| ReadError::Rejects { file: path.clone(), cause })
    }
}

/// A new file that its owner alone may read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
