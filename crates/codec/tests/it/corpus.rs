//! The fuzz functions on what lies in `fuzz/corpus/`, and on every cut of it and of the fixtures.

use std::fs;

use bytes::{Bytes, BytesMut};
use codec::block::{Block, Deframer, Function};
use codec::dictionary::Dictionary;
use codec::fuzz;
use codec::legacy::{parse_input, parse_output};
use codec::{niem, xml};

use crate::root;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("input", fuzz::input),
    ("output", fuzz::output),
    ("fields", fuzz::fields),
    ("dictionary", fuzz::dictionary),
    ("niem", fuzz::niem),
];

fn files(directory: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(root().join(directory))
        .unwrap_or_else(|error| panic!("{directory}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "nothing in {directory}");
    files
}

#[test]
fn the_corpus_holds() {
    for (target, run) in TARGETS {
        for (_, bytes) in files(&format!("fuzz/corpus/{target}")) {
            run(&bytes);
        }
    }
}

#[test]
fn the_corpus_gets_past_the_first_check() {
    let reads = |target: &str, read: fn(&[u8]) -> bool| {
        let files = files(&format!("fuzz/corpus/{target}"));
        files.into_iter().filter(|(_, bytes)| read(bytes)).map(|(name, _)| name).collect::<Vec<_>>()
    };
    let dictionaries = reads("dictionary", |bytes| {
        str::from_utf8(bytes).is_ok_and(|text| Dictionary::parse(&[("corpus.toml", text)]).is_ok())
    });
    assert_eq!(dictionaries, ["answer-to-itself", "chosen", "fields", "sets", "text"]);
    assert!(reads("input", |bytes| parse_input(bytes).is_ok()).len() >= 10);
    assert!(reads("output", |bytes| parse_output(bytes).is_ok()).len() >= 5);
    let document = |bytes: &[u8]| xml::parse(bytes).is_ok_and(|root| niem::read(&root, Dictionary::builtin()).is_ok());
    assert!(reads("niem", document).len() >= 10);
}

#[test]
fn every_cut_of_every_fixture_holds() {
    for (_, bytes) in files("fixtures/messages").into_iter().filter(|(name, _)| name.ends_with(".txt")) {
        for cut in 0..=bytes.len() {
            let (before, after) = bytes.split_at(cut);
            for (_, run) in &TARGETS[..3] {
                run(before);
                run(after);
            }
        }
    }
}

#[test]
fn every_fixture_in_blocks_is_the_same_however_the_stream_is_cut() {
    // Several blocks of each, so that cuts fall into headers, data and patterns, between blocks and inside them.
    const DATA_BYTES: usize = 40;
    for (name, bytes) in files("fixtures/messages").into_iter().filter(|(name, _)| name.ends_with(".txt")) {
        let mut stream = BytesMut::new();
        let parts: Vec<&[u8]> = bytes.chunks(DATA_BYTES).collect();
        for (place, part) in parts.iter().enumerate() {
            let function = Function::Data { more: place + 1 < parts.len(), ack: true };
            Block::with_data(function, 7, Bytes::copy_from_slice(part)).unwrap().encode(&mut stream);
        }
        for cut in 0..=stream.len() {
            let (mut deframer, mut buffer, mut message) = (Deframer::new(), BytesMut::new(), Vec::new());
            for part in [&stream[..cut], &stream[cut..]] {
                buffer.extend_from_slice(part);
                while let Some(block) = deframer.next(&mut buffer).unwrap() {
                    message.extend_from_slice(block.data());
                }
            }
            assert_eq!(message, bytes, "{name} cut at {cut}");
            assert!(buffer.is_empty(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn every_cut_and_every_changed_byte_of_a_document_holds() {
    for (name, bytes) in
        files("fuzz/corpus/niem").into_iter().filter(|(name, _)| ["foreign", "in-1"].contains(&&**name))
    {
        for cut in 0..=bytes.len() {
            fuzz::niem(&bytes[..cut]);
        }
        let mut changed = bytes.clone();
        for (at, original) in bytes.iter().enumerate() {
            for other in [0, b'<', b'>', b'&', b'/', b'"', b':', b';', b' ', b'.', 0xff, original ^ 0x20] {
                changed[at] = other;
                fuzz::niem(&changed);
            }
            changed[at] = *original;
        }
        assert_eq!(changed, bytes, "{name}");
    }
}

#[test]
fn every_changed_byte_of_every_fixture_holds() {
    for (_, bytes) in files("fixtures/messages").into_iter().filter(|(name, _)| name.ends_with(".txt")) {
        let mut changed = bytes.clone();
        for (at, original) in bytes.iter().enumerate() {
            for other in [0, b'.', b'/', b'*', b'\r', b'\n', 0x7f, 0xff, original ^ 0x20] {
                changed[at] = other;
                for (_, run) in &TARGETS[..3] {
                    run(&changed);
                }
            }
            changed[at] = *original;
        }
    }
}
