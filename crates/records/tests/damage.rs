//! Damaged, truncated and foreign files are refused with a sentence, never answered from, never a panic.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use records::{Index, IndexError, build, build_bytes, synth};

fn whole() -> Vec<u8> {
    build_bytes(synth::persons(11, 300)).unwrap()
}

fn refused(bytes: Vec<u8>) -> IndexError {
    Index::from_bytes(bytes).expect_err("a damaged index was opened")
}

/// The bytes that are checked at once: header and section table.
const HEAD: usize = 64 + 18 * 24;

#[test]
fn every_flipped_bit_of_header_and_table_is_noticed() {
    let whole = whole();
    for place in 0..HEAD {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            let error = refused(bytes);
            match place {
                0..8 => assert!(matches!(error, IndexError::Foreign), "{place}: {error}"),
                8..12 => assert!(matches!(error, IndexError::Version { .. }), "{place}: {error}"),
                _ => assert!(matches!(error, IndexError::Damaged { .. } | IndexError::Truncated), "{place}: {error}"),
            }
        }
    }
}

#[test]
fn every_flipped_byte_behind_it_is_noticed_by_a_check() {
    let whole = whole();
    for place in (HEAD..whole.len()).step_by(211) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        let noticed = Index::from_bytes(bytes).and_then(|index| index.verify());
        assert!(matches!(noticed, Err(IndexError::Damaged { .. })), "{place}");
    }
}

#[test]
fn a_damaged_page_is_an_error_where_it_is_needed_and_never_an_answer() {
    let whole = whole();
    let sound = Index::from_bytes(whole.clone()).unwrap();
    let queries: Vec<_> = synth::persons(11, 300)
        .filter(|person| person.born.is_some())
        .step_by(60)
        .map(|person| records::Query {
            surname: person.surname,
            given: person.given,
            born: person.born,
            ..records::Query::default()
        })
        .collect();
    let mut refused = 0;
    for place in (HEAD..whole.len()).step_by(1_009) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x01;
        let Ok(damaged) = Index::from_bytes(bytes) else { continue };
        for query in &queries {
            match damaged.search(query, 5) {
                Ok(found) => assert_eq!(found, sound.search(query, 5).unwrap(), "{place}"),
                Err(error) => {
                    assert!(matches!(error, IndexError::Damaged { .. }), "{place}: {error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn every_truncation_is_noticed() {
    let whole = whole();
    for length in (0..600).chain((600..whole.len()).step_by(997)) {
        assert!(matches!(refused(whole[..length].to_vec()), IndexError::Truncated), "{length}");
    }
    let mut longer = whole;
    longer.push(0);
    assert!(matches!(refused(longer), IndexError::Damaged { .. }));
}

#[test]
fn other_files_are_foreign() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.idx");
    for content in [
        &b"surname,given\nA,B\n"[..],
        b"\x7fELF",
        b"\x89ORI\n\x1a\n then more than a header's worth of text, sent as text ....",
        b"\0",
    ] {
        fs::write(&path, content).unwrap();
        assert!(matches!(Index::open(&path), Err(IndexError::Foreign)));
    }
    fs::write(&path, b"").unwrap();
    assert!(Index::open(&path).is_err());
    assert!(matches!(Index::open(directory.path()), Err(IndexError::Foreign | IndexError::Io(_))));
    assert!(matches!(Index::open(Path::new("/nowhere/at.all")), Err(IndexError::Io(_))));
}

#[test]
fn a_build_replaces_the_file_at_once_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cis.idx");
    let built = build(synth::persons(1, 500), &path).unwrap();
    let open = Index::open(&path).unwrap();
    assert_eq!((built.records, open.len(), built.bytes), (500, 500, fs::metadata(&path).unwrap().len()));
    assert_eq!(fs::read(&path).unwrap(), build_bytes(synth::persons(1, 500)).unwrap());
    build(synth::persons(2, 700), &path).unwrap();
    assert_eq!(Index::open(&path).unwrap().len(), 700);
    // One that is open goes on with the persons that it was opened with.
    assert_eq!(open.persons().count(), 500);
    assert!(build(synth::persons(1, 5), &directory.path().join("missing/cis.idx")).is_err());
    assert!(build(synth::persons(1, 5), directory.path()).is_err());
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["cis.idx"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_damage_is_noticed(places in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..20)) {
        let whole = whole();
        let mut bytes = whole.clone();
        for (place, flip) in places {
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
        }
        prop_assume!(bytes != whole);
        prop_assert!(Index::from_bytes(bytes).and_then(|index| index.verify()).is_err());
    }

    #[test]
    fn random_bytes_are_refused(mut bytes: Vec<u8>, marked: bool) {
        if marked {
            bytes.splice(0..0, *b"\x89ORI\r\n\x1a\n\x02\0\0\0");
        }
        prop_assert!(Index::from_bytes(bytes).is_err());
    }
}
