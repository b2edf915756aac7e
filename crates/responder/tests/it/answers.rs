//! What the center says, to the byte: `tests/it/answers/*.txt`, each an inquiry's fields and the two messages it gets.
//! `UPDATE_EXPECT=1` writes them anew; look at the difference before you keep it.

use std::path::Path;

use codec::legacy::parse_input;
use responder::answer::{CAVEAT, FIRST_LINE, ORI, Writer};
use responder::template::Templates;

use crate::persons::{SENT, body, delivered, index, replies, requester, writer};

/// Each case: its file, and what its inquiry has otherwise than the usual one.
const CASES: &[(&str, &[(&str, &str)])] = &[
    ("no-record", &[("NAM", "NOBODY, AT ALL")]),
    ("record", &[]),
    ("record-alike", &[("NAM", "SAMPLE, PERSEN A"), ("DOB", "010280")]),
    ("record-by-number", &[("NAM", "EXAMPLE, TWIN"), ("ARN", "A00000902")]),
    ("number-of-somebody-else", &[("ARN", "000000903")]),
    ("possible-records", &[("NAM", "EXAMPLE, TWIN")]),
    ("possible-records-many", &[("NAM", "CROWD, ONE"), ("SEX", "F")]),
    ("more-information", &[("NAM", ""), ("DOB", "19801302")]),
    ("firearms-status", &[("PUR", "F")]),
    ("firearms-unclear", &[("PUR", "F"), ("NAM", "EXAMPLE, TWIN")]),
    ("firearms-no-record", &[("PUR", "F"), ("NAM", "NOBODY, AT ALL")]),
];

#[test]
fn answers_are_as_they_were() {
    let (index, writer) = (index(), writer());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/answers");
    for (file, change) in CASES {
        let body = body(change);
        let mut text = format!("> {body}\n");
        for reply in replies(&index, &writer, 27, delivered(SENT, &body).as_bytes()).unwrap() {
            let bytes = String::from_utf8(reply.bytes.to_vec()).unwrap();
            assert!(!bytes.replace("\r\n", "").contains(['\r', '\n']), "{file}: a line end is not CR LF");
            text.push_str(&format!("\n< {}\n{}\n", reply.validation.unwrap(), bytes.replace("\r\n", "\n")));
        }
        let path = folder.join(format!("{file}.txt"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, text).unwrap();
        } else {
            assert_eq!(text, std::fs::read_to_string(path).unwrap(), "{file}");
        }
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), CASES.len());
}

#[test]
fn every_message_goes_to_the_requester_and_says_what_it_is() {
    let (index, writer) = (index(), writer());
    for (file, change) in CASES {
        let body = body(change);
        let [acknowledgement, answer] = replies(&index, &writer, 27, delivered(SENT, &body).as_bytes()).unwrap();
        for reply in [&acknowledgement, &answer] {
            let message = parse_input(&reply.bytes).unwrap();
            assert_eq!((message.key.as_str(), message.sender, message.control), ("IAR", *ORI, Some("T0000001AA")));
            let destinations: Vec<_> = message.destinations.iter().map(|one| one.as_str().to_owned()).collect();
            assert_eq!(destinations, [requester().as_str()], "{file}");
            let text = str::from_utf8(message.body.unwrap()).unwrap();
            assert!(text.starts_with(&format!("{FIRST_LINE}\r\n")) && text.contains("E0000000027"), "{file}");
        }
        let answer = str::from_utf8(&answer.bytes).unwrap();
        // Of which the center has an index.
        let (searched, others) = (index.sources(), index.sources().others());
        let searched =
            format!("\r\nSEARCHED: {searched}\r\nNOT SEARCHED: {others}, NCIC, III, STATE CRIMINAL HISTORY\r\n");
        assert!(answer.contains(CAVEAT), "{file}");
        assert_eq!(answer.contains(&searched), *file != "more-information", "{file}");
    }
}

#[test]
fn purpose_f_is_told_no_number_and_nothing_of_the_record_but_its_status() {
    let (index, writer) = (index(), writer());
    for (file, change) in CASES.iter().filter(|(_, change)| change.contains(&("PUR", "F"))) {
        let body = body(change);
        let [_, answer] = replies(&index, &writer, 27, delivered(SENT, &body).as_bytes()).unwrap();
        let answer = str::from_utf8(&answer.bytes).unwrap();
        for other in ["ARN/", "00000090", "POB/", "SEX/"] {
            assert!(!answer.contains(other), "{file}: {other}");
        }
    }
}

#[test]
fn an_inquiry_that_comes_again_gets_the_same_two_messages() {
    let (index, again, writer) = (index(), index(), writer());
    for (file, change) in CASES {
        let body = body(change);
        let first = replies(&index, &writer, 27, delivered(SENT, &body).as_bytes()).unwrap();
        // Sent later, under another OSN; and with other line ends, should the station be configured anew.
        let later = delivered("23:59 12/31/2031 99999 AX", &body);
        let other_ends = later.replace("\r\n\x7f", "\r\n");
        for text in [later, other_ends] {
            assert_eq!(replies(&again, &writer, 27, text.as_bytes()).unwrap(), first, "{file}");
        }
    }
}

#[test]
fn another_inquiry_gets_other_messages() {
    let (index, writer) = (index(), writer());
    let text = delivered(SENT, &body(&[]));
    let first = replies(&index, &writer, 27, text.as_bytes()).unwrap();
    // The control: each of these has to be seen.
    let changes = [
        (28, text.clone()),
        (27, text.replacen("08:00", "08:01", 1)),
        (27, text.replacen("ZA0010000", "ZA0020000", 1)),
        (27, text.replace("T0000001AA", "T0000002AA")),
        (27, text.replace("SAMPLE", "EXAMPLE")),
    ];
    for (validation, text) in changes {
        let other = replies(&index, &writer, validation, text.as_bytes()).unwrap();
        assert_ne!(other, first);
        assert_eq!(other[1].validation == first[1].validation, validation == 27);
    }
    assert_ne!(first[0].validation, first[1].validation);
    let unnumbered = replies(&index, &writer, 0, text.as_bytes()).unwrap();
    assert_eq!(unnumbered.map(|reply| reply.validation), [None, None]);
}

#[test]
fn templates_of_a_directory_are_used() {
    let directory = tempfile::tempdir().unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for entry in std::fs::read_dir(ours).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
    }
    let text = "ID {query_id}\nNOTHING ON {name}\n{searched}|{silent}|{not_searched}\n{caution}\n{caveat}";
    std::fs::write(directory.path().join("no-record.txt"), text).unwrap();
    let writer = Writer::new(*ORI, Templates::load(Some(directory.path())).unwrap());
    let body = body(&[("NAM", "NOBODY, AT ALL")]);
    let index = index();
    let [_, answer] = replies(&index, &writer, 1, delivered(SENT, &body).as_bytes()).unwrap();
    let (searched, others) = (index.sources(), index.sources().others());
    let expected = format!(
        "IAR.ZZLESC000.ZA0010000.*T0000001AA.TXT\r\n\
         EMULATOR - SYNTHETIC DATA\r\n\
         ID E0000000001\r\n\
         NOTHING ON NOBODY, AT ALL\r\n\
         {searched}||{others}, NCIC, III, STATE CRIMINAL HISTORY\r\n\
         THIS RESPONSE IS NOT A DETAINER AND NOT GROUNDS FOR ARREST."
    );
    assert_eq!(str::from_utf8(&answer.bytes).unwrap(), expected);
}
