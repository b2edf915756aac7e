//! Keys that ask for criminal histories: none passes without its purpose and the person who asks, and the journal names who got
//! the answer.

use std::collections::BTreeMap;
use std::fs;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;

use crate::binary::checkout;
use crate::effort::{chance, efforts, figures, shared};
use crate::net::{Net, TERMINAL};
use crate::rights::export;

/// What such a key must bear.
const NEEDED: [&str; 2] = ["PUR", "ATN"];

/// A key of the dictionary that must bear both, by its file alone.
struct Query {
    key: String,
    header: String,
    fields: Vec<String>,
    /// The key of its answer.
    answer: Option<String>,
}

/// Those keys, as the files of the dictionary say, read here without the program's own reader.
fn queries() -> Vec<Query> {
    let folder = fs::read_dir(checkout("protocol-specs/messages")).expect("the dictionary");
    let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files.into_iter().filter_map(|path| query(&fs::read_to_string(path).expect("a file is text"))).collect()
}

fn query(file: &str) -> Option<Query> {
    let (head, fields) = file.split_once("[[field]]")?;
    let needs = |prefix: &str| {
        let line = format!("prefix = \"{prefix}\"");
        fields.split("[[field]]").any(|field| field.contains(&line) && field.contains("required = true"))
    };
    if !NEEDED.iter().all(|prefix| needs(prefix)) {
        return None;
    }
    let (_, example) = head.split_once("example = \"\"\"\n")?;
    let (header, body) = example.split_once("\"\"\"")?.0.split_once('\n')?;
    let key = header.split('.').next()?.to_owned();
    let answer = head.split_once("answer = { key = \"").and_then(|(_, rest)| Some(rest.split_once('"')?.0.to_owned()));
    let header = header.replace("ZZ0010000", TERMINAL);
    Some(Query { key, header, fields: body.trim().split('.').map(str::to_owned).collect(), answer })
}

/// S11, first part: by a property of every such key, its fields in any order, some of the others left out.
#[test]
fn no_query_for_a_history_passes_without_purpose_and_person() {
    let _machine = shared();
    let rounds: u32 = efforts(20, 100, 1_000);
    let mut random = chance("purposes");
    let net = Net::new();
    let switch = net.switch();
    let queries = queries();
    let mut link = switch.station(TERMINAL);
    let (mut accepted, mut refused, mut number) = (BTreeMap::<&str, u32>::new(), 0_usize, 0_u32);
    for query in &queries {
        // The control: with all its fields it is accepted.
        let ask = |fields: &[String]| format!("{}\r\n{}", query.header, fields.join("."));
        link.send(&ask(&query.fields));
        let told = link.take_all();
        assert!(!told.iter().any(|told| told.text.starts_with("ER.")), "{}: {told:?}", query.key);
        *accepted.entry(&query.key).or_default() += 1;
        for round in 0..rounds {
            number += 1;
            let without = NEEDED[round as usize % 2];
            let mut fields = query.fields.clone();
            fields.shuffle(&mut random);
            // It is not there, or there is nothing in it.
            let empty = random.random_ratio(1, 3);
            fields.retain_mut(|field| {
                if !field.starts_with(&format!("{without}/")) {
                    return NEEDED.iter().any(|needed| field.starts_with(needed)) || random.random_ratio(3, 4);
                }
                *field = format!("{without}/");
                empty
            });
            let fields = if fields.is_empty() { vec!["REM/NOTHING".to_owned()] } else { fields };
            link.send(
                &format!("{} {number}", ask(&fields))
                    .trim_end()
                    .replace(&format!("{without}/ {number}"), &format!("{without}/")),
            );
            let told = link.take_all();
            let er = told.iter().find(|told| told.text.starts_with("ER."));
            let er = er.unwrap_or_else(|| panic!("{} without {without} passed: {fields:?}, {told:?}", query.key));
            assert!(er.text.contains(without) || er.text.contains(".16. ") || empty, "{}", er.text);
            refused += 1;
        }
    }
    assert!(queries.len() >= 5, "{} keys of the dictionary need both", queries.len());
    switch.stop();
    let events = export(&net);
    let count = |what: &str| events.iter().filter(|event| event["event"] == what).count();
    assert_eq!((count("accepted"), count("refused")), (queries.len(), refused));
    let keys: Vec<_> = accepted.into_keys().collect();
    figures(&format!("{}: accepted with both, {refused} refused without one, each in the journal", keys.join(", ")));
}

/// S11, second part: to whom an answer went.
#[test]
fn the_journal_names_every_receiver_of_an_answer() {
    let _machine = shared();
    let net = Net::new();
    let switch = net.switch();
    let (mut terminal, mut answers) = (switch.station(TERMINAL), 0);
    let mut expected = Vec::new();
    for query in queries() {
        // From whoever the query went to, to the terminal and to another agency.
        let Some(to) = query.header.split('.').nth(2).filter(|to| ["ZA", "ZB", "FB", "AX"].contains(to)) else {
            continue;
        };
        let Some(key) = query.answer.filter(|key| ["IR", "FR", "AR", "CR"].contains(&key.as_str())) else { continue };
        let ori = match to {
            "ZA" => "ZA0000050",
            "ZB" => "ZB0000050",
            "FB" => "ZZNCIC000",
            _ => "ZZLESC000",
        };
        let mut source = switch.station(to);
        let mark = format!("ANSWER {answers:03}");
        source.send(&format!("{key}.{ori}.{TERMINAL}.*A{answers}.TXT\r\nEMULATOR - SYNTHETIC DATA {mark}"));
        terminal.take(&mark);
        expected.push((key, format!("A{answers}")));
        answers += 1;
    }
    assert!(answers >= 3, "{answers} answers");
    drop(terminal);
    switch.stop();
    let events = export(&net);
    for (key, control) in &expected {
        let accepted = events.iter().find(|event| event["event"] == "accepted" && event["control"] == **control);
        let accepted = accepted.unwrap_or_else(|| panic!("{key} {control} is not in the journal"));
        assert_eq!(accepted["key"], **key);
        let copies = accepted["copies"].as_array().expect("copies");
        assert_eq!(copies.len(), 1, "{accepted}");
        assert_eq!((&copies[0]["station"], &copies[0]["destination"]), (&TERMINAL.into(), &TERMINAL.into()));
        let delivered = events
            .iter()
            .filter(|event| event["event"] == "delivered" && event["delivery"] == copies[0]["delivery"])
            .collect::<Vec<_>>();
        assert_eq!(delivered.len(), 1, "{key} {control}");
        assert_eq!(delivered[0]["station"], *TERMINAL, "and over whose link");
    }
    figures(&format!("{answers} answers: for each the receiver's station, agency and the delivery over its link"));
}
