//! The bytes of an export in pieces of whole lines, decompressed where they are compressed.

use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::{memchr, memchr_iter, memrchr, memrchr_iter};

use super::row::LINE_MAX;

/// Bytes of a piece: enough work for a thread, little enough that some of them cost no memory to speak of.
const PIECE: usize = 1 << 20;

/// What a compressed file begins with.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Whole lines of an export.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// The number of its first line in the file, from 1.
    pub(super) first_line: u64,
    /// Bytes of the file that were read when it was cut, compressed as they lie there.
    pub(super) read_bytes: u64,
}

/// Cuts an export in pieces.
pub(super) struct Pieces<'a> {
    reader: Box<dyn Read + Send + 'a>,
    read_bytes: Arc<AtomicU64>,
    rest: Vec<u8>,
    next_line: u64,
    has_ended: bool,
    /// Inside a line of which the beginning was given out already, because no record is so long.
    is_skipping: bool,
}

impl<'a> Pieces<'a> {
    /// Reads from an export, compressed or not, which its first bytes tell.
    pub(super) fn new(file: impl Read + Send + 'a) -> io::Result<Self> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let mut file = BufReader::with_capacity(PIECE, Counted { inner: file, count: Arc::clone(&read_bytes) });
        let start = file.fill_buf()?;
        let refuse = |why| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        if start.starts_with(&[0x1F, 0x8B]) {
            return refuse("it is compressed by gzip: decompress it, or compress it by zstd");
        }
        if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
            return refuse("it is UTF-16: convert it to UTF-8");
        }
        if start.starts_with(b"PAR1") {
            return refuse("it is a Parquet file: convert it to CSV");
        }
        let reader: Box<dyn Read + Send + 'a> =
            if start.starts_with(&ZSTD) { Box::new(zstd::Decoder::with_buffer(file)?) } else { Box::new(file) };
        Ok(Self { reader, read_bytes, rest: Vec::new(), next_line: 1, has_ended: false, is_skipping: false })
    }

    /// The first line, with its end.
    pub(super) fn first_line(&mut self) -> io::Result<String> {
        while memchr(b'\n', &self.rest).is_none() && self.rest.len() <= LINE_MAX && self.fill(LINE_MAX)? {}
        let end = memchr(b'\n', &self.rest).map_or(self.rest.len(), |end| end + 1).min(LINE_MAX);
        let line: Vec<u8> = self.rest.drain(..end).collect();
        self.next_line += 1;
        Ok(text(&line).into_owned())
    }

    /// The next piece; none at the end.
    pub(super) fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            while self.rest.len() < PIECE && self.fill(PIECE)? {}
            if self.is_skipping {
                let end = memchr(b'\n', &self.rest).map_or(self.rest.len(), |end| end + 1);
                self.is_skipping = end == self.rest.len() && !self.has_ended;
                self.rest.drain(..end);
                if self.is_skipping || self.rest.len() < PIECE && !self.has_ended {
                    continue;
                }
            }
            if self.rest.is_empty() {
                return Ok(None);
            }
            let end = if self.has_ended && self.rest.len() <= PIECE { self.rest.len() } else { cut(&self.rest) };
            // No line end in so much: the line is given out as it is, to be rejected, and what belongs to it is not.
            self.is_skipping = end == 0;
            let end = if end == 0 { self.rest.len() } else { end };
            let mut bytes = std::mem::take(&mut self.rest);
            self.rest = Vec::with_capacity(PIECE + PIECE / 8);
            self.rest.extend_from_slice(bytes.get(end..).unwrap_or(&[]));
            bytes.truncate(end);
            let first_line = self.next_line;
            self.next_line += memchr_iter(b'\n', &bytes).count() as u64 + u64::from(self.is_skipping);
            return Ok(Some(Piece { bytes, first_line, read_bytes: self.read_bytes.load(Ordering::Relaxed) }));
        }
    }

    /// Reads once, at most as much as is missing to a size; false at the end.
    fn fill(&mut self, size: usize) -> io::Result<bool> {
        let have = self.rest.len();
        let mut limited = (&mut self.reader).take((size.saturating_sub(have)).max(4_096) as u64);
        let read = limited.read_to_end(&mut self.rest)?;
        self.has_ended |= read == 0;
        Ok(read > 0)
    }
}

/// Where to cut, behind a line end: the last that is within no quotation marks, if such a one is near the end.
fn cut(bytes: &[u8]) -> usize {
    let Some(last) = memrchr(b'\n', bytes) else { return 0 };
    let marks = memchr_iter(b'"', bytes.get(..last).unwrap_or(&[])).count();
    if marks.is_multiple_of(2) {
        return last + 1;
    }
    let (mut open, mut behind) = (marks, last);
    for end in memrchr_iter(b'\n', bytes.get(..last).unwrap_or(&[])).take_while(|end| last - end < LINE_MAX) {
        open -= memchr_iter(b'"', bytes.get(end..behind).unwrap_or(&[])).count();
        behind = end;
        if open.is_multiple_of(2) {
            return end + 1;
        }
    }
    last + 1
}

/// Text of bytes: UTF-8, or Latin-1 line by line where they are none.
pub(super) fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len() + bytes.len() / 16);
            for line in bytes.split_inclusive(|b| *b == b'\n') {
                match std::str::from_utf8(line) {
                    Ok(line) => text.push_str(line),
                    Err(_) => text.extend(line.iter().map(|b| char::from(*b))),
                }
            }
            text.into()
        }
    }
}

/// Counts what is read from a file.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut pieces = Pieces::new(bytes).unwrap();
        let mut all = Vec::new();
        while let Some(piece) = pieces.next_piece().unwrap() {
            all.push((piece.first_line, piece.bytes));
        }
        all
    }

    #[test]
    fn pieces_are_whole_lines_and_know_their_number() {
        let export: String = (1..=200_000).map(|line| format!("{line},\"A\nB\"\n")).collect();
        let all = pieces(export.as_bytes());
        assert!(all.len() > 2);
        assert_eq!(all.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect::<Vec<_>>(), export.as_bytes());
        for (first, bytes) in &all {
            let text = std::str::from_utf8(bytes).unwrap();
            assert!(text.ends_with("B\"\n"));
            let record: u64 = text.split(',').next().unwrap().parse().unwrap();
            assert_eq!(*first, record * 2 - 1);
        }
        let compressed = zstd::encode_all(export.as_bytes(), 1).unwrap();
        assert_eq!(pieces(&compressed), all);
    }

    #[test]
    fn a_mark_that_is_never_closed_does_not_hold_up_the_rest() {
        let export = format!("1,\"open\n{}", "2,closed\n".repeat(300_000));
        let all = pieces(export.as_bytes());
        assert_eq!(all.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), export.len());
        assert!(all.iter().all(|(_, bytes)| bytes.len() <= PIECE && bytes.ends_with(b"\n")));
    }

    #[test]
    fn a_line_without_end_is_given_out_once_and_its_rest_is_not() {
        let export = format!("1,a\n{}\n3,c\n", "x".repeat(5 * PIECE));
        let all = pieces(export.as_bytes());
        let kept: usize = all.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(kept < 2 * PIECE + 100, "{kept}");
        assert!(all.last().unwrap().1.ends_with(b"3,c\n"));
        assert_eq!(all.last().unwrap().0, 3);
    }

    #[test]
    fn other_files_are_refused_by_their_name() {
        for (bytes, says) in [(&b"\x1f\x8b\x08"[..], "gzip"), (b"\xff\xfea\0", "UTF-16"), (b"PAR1", "Parquet")] {
            let error = Pieces::new(bytes).err().unwrap();
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn text_that_is_not_utf_8_is_latin_1() {
        assert_eq!(text("MUÑOZ\n".as_bytes()), "MUÑOZ\n");
        assert_eq!(text(b"MU\xd1OZ\nPE\xc3\x91A\n"), "MUÑOZ\nPEÑA\n");
    }
}
