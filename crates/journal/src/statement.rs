//! Signed statements about a journal, for an auditor: *at this time the log went so far, and this was its last hash*.
//!
//! The chain of hashes shows damage, but whoever may write the files can make all of it anew. A statement is signed with a key
//! and kept in a file, and both lie where that person cannot write. The hash in it stands for every byte of the log before it:
//! whatever is changed, deleted, moved or inserted below, and a log that is cut short above, no longer agrees with it.
//! [`verify`](crate::offline::verify()) holds statements against a log.
//!
//! What is written after the newest statement is not covered by it, and a beginning that was cut off looks as if retention had
//! removed it: statements about it are counted as *before the log's beginning*.
//!
//! # Format
//!
//! A file of lines, each one JSON object of this form (here broken into several lines):
//!
//! ```json
//! {"journal":"00112233445566778899aabbccddeeff","sequence":1234,
//!  "hash":"(64 hexadecimal digits)","segment":3,"at_us":1767225600000000,
//!  "signature":"(128 hexadecimal digits)"}
//! ```
//!
//! `hash` is the SHA-256 of record `sequence` as it is stored, `segment` the segment in use, `at_us` microseconds since
//! 1970-01-01 00:00 UTC. `signature` is Ed25519 (RFC 8032) over these 99 bytes, integers little-endian:
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 27 | `orinet journal statement 1` LF |
//! | 27 | 16 | identity of the journal |
//! | 43 | 8 | sequence |
//! | 51 | 32 | hash |
//! | 83 | 8 | segment |
//! | 91 | 8 | at_us, signed |
//!
//! A private key is PKCS#8 in PEM, a public key SubjectPublicKeyInfo in PEM, as `openssl genpkey -algorithm ed25519` and
//! `openssl pkey -pubout` make them.

mod file;
mod key;

use serde::{Deserialize, Serialize};

pub use self::file::{Lines, StatementFile, read};
pub use self::key::{KeyError, Signer, Verifier};
use crate::format::{Hash, JournalId};
use crate::hex;
use crate::reader::Head;

const DOMAIN: &[u8; 27] = b"orinet journal statement 1\n";
const MESSAGE_BYTES: usize = 27 + 16 + 8 + 32 + 8 + 8;
const SIGNATURE_BYTES: usize = 64;

/// What is said about a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Which journal.
    pub journal: JournalId,
    /// Its last durable record then; 0 before the first.
    pub sequence: u64,
    /// That record's hash; zeros before the first.
    pub hash: Hash,
    /// The segment in use.
    pub segment: u64,
    /// When: microseconds since 1970-01-01 00:00 UTC.
    pub at_us: i64,
}

impl Statement {
    /// A statement about the end of a journal, as [`Reader::head`](crate::Reader::head) gives it.
    pub fn about(head: &Head, at_us: i64) -> Self {
        let Head { journal, sequence, segment, hash } = *head;
        Self { journal, sequence, hash, segment, at_us }
    }

    /// The bytes that are signed.
    fn message(&self) -> [u8; MESSAGE_BYTES] {
        let mut message = [0; MESSAGE_BYTES];
        let parts: [&[u8]; 6] = [
            DOMAIN,
            &self.journal.0,
            &self.sequence.to_le_bytes(),
            &self.hash,
            &self.segment.to_le_bytes(),
            &self.at_us.to_le_bytes(),
        ];
        let mut at = 0;
        for part in parts {
            message[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        message
    }
}

/// A statement with a signature, which may be anything until a [`Verifier`] has looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// What is said.
    pub statement: Statement,
    signature: [u8; SIGNATURE_BYTES],
}

/// The line's fields, in the order in which they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    journal: String,
    sequence: u64,
    hash: String,
    segment: u64,
    at_us: i64,
    signature: String,
}

impl Signed {
    /// The line, without its newline.
    pub fn to_line(&self) -> String {
        let Statement { journal, sequence, hash, segment, at_us } = &self.statement;
        let line = Line {
            journal: hex::encode(&journal.0),
            sequence: *sequence,
            hash: hex::encode(hash),
            segment: *segment,
            at_us: *at_us,
            signature: hex::encode(&self.signature),
        };
        // Texts and numbers are always JSON.
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// Reads a line; none if it is not one.
    pub fn parse(line: &str) -> Option<Self> {
        let Line { journal, sequence, hash, segment, at_us, signature } = serde_json::from_str(line).ok()?;
        let (journal, hash) = (JournalId(hex::decode_array(&journal)?), hex::decode_array(&hash)?);
        let statement = Statement { journal, sequence, hash, segment, at_us };
        Some(Self { statement, signature: hex::decode_array(&signature)? })
    }
}

#[cfg(all(test, not(feature = "schedules")))]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement { journal: JournalId([7; 16]), sequence: 1234, hash: [9; 32], segment: 3, at_us: -5 }
    }

    #[test]
    fn a_line_reads_back_and_is_true() {
        let signer = Signer::generate().expect("generates");
        let signed = signer.sign(&statement());
        let line = signed.to_line();
        assert!(
            line.starts_with("{\"journal\":\"07070707070707070707070707070707\",\"sequence\":1234,\"hash\":\"0909")
        );
        assert_eq!(Signed::parse(&line), Some(signed));
        let verifier = Verifier::from_pem(&signer.public_pem()).expect("a key");
        assert!(verifier.accepts(&signed));
        let other = Verifier::from_pem(&Signer::generate().expect("generates").public_pem()).expect("a key");
        assert!(!other.accepts(&signed));
        // Both keys, as after one was replaced.
        let both = signer.public_pem() + &Signer::generate().expect("generates").public_pem();
        assert!(Verifier::from_pem(&both).expect("keys").accepts(&signed));
    }

    #[test]
    fn no_part_can_be_changed() {
        let signer = Signer::generate().expect("generates");
        let verifier = Verifier::from_pem(&signer.public_pem()).expect("a key");
        let signed = signer.sign(&statement());
        let changes: [fn(&mut Signed); 6] = [
            |it| it.statement.journal.0[3] ^= 1,
            |it| it.statement.sequence += 1,
            |it| it.statement.hash[31] ^= 0x80,
            |it| it.statement.segment -= 1,
            |it| it.statement.at_us += 1,
            |it| it.signature[63] ^= 1,
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = signed;
            change(&mut changed);
            assert!(!verifier.accepts(&changed), "change {number}");
        }
        assert!(verifier.accepts(&signed));
    }

    #[test]
    fn what_is_no_line_is_refused() {
        let line = Signer::generate().expect("generates").sign(&statement()).to_line();
        let wrong = [
            "",
            "{}",
            line.trim_end_matches('}'),
            &line.replace("1234", "\"1234\""),
            &line.replace("segment", "segments"),
            &line.replace("0707", "070"),
            &line.replace("\"segment\"", "\"more\":1,\"segment\""),
        ];
        for line in wrong {
            assert_eq!(Signed::parse(line), None, "{line}");
        }
    }
}
