//! What a state says, request by request.

use codec::legacy::parse_output;
use records::synth::Population;
use records::{Person, Source};

use super::*;
use crate::history;

struct Bench {
    people: Indexed,
    texts: Texts,
}

impl Bench {
    fn new() -> Self {
        Self { people: Indexed::open(&[], 1, 100_000).unwrap(), texts: Texts::load(None).unwrap() }
    }

    fn say(&self, state: &str, key: &str, body: &str) -> String {
        let text =
            format!("{key}.ZA0010000\r\n08:00 01/31/2026 00011\r\n08:00 01/31/2026 00027 {state}\r\nTXT\r\n{body}");
        let output = parse_output(text.as_bytes()).unwrap();
        let bureau = Bureau { state, people: &self.people, texts: &self.texts };
        let answer = bureau.answer(key, &asked::read_any(&output), output.received.date()).unwrap();
        assert_eq!(answer.key, answer_key(key));
        answer.text
    }
}

fn cases() -> impl Iterator<Item = Person> {
    let population = Population::new(1, 100_000);
    (0..population.len_of(Source::Dacs)).map(move |row| population.record_of(Source::Dacs, row).person)
}

fn ask(person: &Person) -> String {
    format!("PUR/C.ATN/TEST.NAM/{}, {}.DOB/{}", person.surname, person.given, person.born.unwrap().strftime("%Y%m%d"))
}

#[test]
fn whom_iii_knows_a_state_knows_by_its_own_number_with_its_own_arrests() {
    let bench = Bench::new();
    let in_state = |person: &Person, state| {
        let fbi = history::federal(person)?;
        let arrests = history::arrests(&fbi, person.born);
        let there = arrests.iter().filter(|arrest| arrest.state == state).count();
        (person.born.is_some() && there > 0 && there < arrests.len()).then_some((fbi, there))
    };
    let (person, (fbi, arrests)) = cases()
        .find_map(|person| Some((in_state(&person, "ZA")?, person)))
        .map(|(found, person)| (person, found))
        .unwrap();
    let sid = history::state_number("ZA", &fbi);
    let said = bench.say("ZA", "IQ", &ask(&person));
    assert!(said.starts_with("INDEX THAT HIT: NAM, DOB\r\nNAM/"), "{said}");
    assert!(said.contains(&format!("\r\nSID/{sid}\r\nFBI/{fbi}")), "{said}");
    let by_number = bench.say("ZA", "IQ", &format!("PUR/C.ATN/TEST.MNU/AR-{}", person.alien_number));
    assert!(by_number.starts_with("INDEX THAT HIT: MNU\r\n") && by_number.contains(&sid), "{by_number}");
    let record = bench.say("ZA", "FQ", &format!("PUR/C.ATN/TEST.SID/{sid}"));
    assert!(record.starts_with("CRIMINAL HISTORY RECORD OF ZA\r\n") && record.ends_with("END OF RECORD"), "{record}");
    assert_eq!(record.matches("ARREST ").count(), arrests, "{record}");
    assert!(!record.contains("ORI/ZB") && !record.contains("ORI/ZC"), "{record}");
    let more = bench.say("ZA", "AQ", &format!("SID/{sid}.REM/DISPOSITION"));
    assert!(more.starts_with("ADDITIONAL INFORMATION OF ZA\r\n") && more.contains("DATE/"), "{more}");
    // Another state's number, and one that nobody has.
    for sid in [history::state_number("ZB", &fbi), "ZA00000000".to_owned(), "ZA1".to_owned(), "IL00000001".to_owned()] {
        let none = bench.say("ZA", "FQ", &format!("PUR/C.ATN/TEST.SID/{sid}"));
        assert_eq!(none, format!("NO RECORD IN THE EMULATED CRIMINAL HISTORY INDEX OF ZA FOR SID/{sid}"));
    }
    assert!(bench.say("ZA", "AQ", "WHO IS THIS").ends_with("FOR WHAT WAS SENT"));
}

#[test]
fn a_state_knows_some_whom_iii_does_not_and_is_asked_for_them_by_its_number() {
    let bench = Bench::new();
    let found =
        cases().filter(|person| person.born.is_some() && history::federal(person).is_none()).find_map(|person| {
            let number = history::of_states(&person)?;
            let state = history::arrests(&number, person.born).first()?.state;
            let said = bench.say(state, "IQ", &ask(&person));
            let sid = history::state_number(state, &number);
            // The person's other record may have an FBI number.
            said.contains(&format!("SID/{sid}")).then_some((state, sid, said))
        });
    let (state, sid, said) = found.unwrap();
    let block = said.split("\r\n\r\n").find(|block| block.contains(&sid)).unwrap();
    assert!(!block.contains("FBI/"), "{block}");
    let record = bench.say(state, "FQ", &format!("PUR/C.ATN/TEST.SID/{sid}"));
    assert!(record.contains(&format!("SID/{sid}")) && record.contains("ARREST 1 DATE/"), "{record}");
}

#[test]
fn a_request_is_the_same_after_it_was_written_and_read() {
    let message =
        "IQ.ZA0010000\r\n08:00 01/31/2026 00011\r\n08:00 01/31/2026 00027 ZB\r\nTXT\r\nPUR/C.ATN/TEST.SOC/900000001";
    let bytes = Bytes::from_static(message.as_bytes());
    let mark = mark(9, &parse_output(&bytes).unwrap());
    let request = Request { mark, delivery: 9, due: 1_700_000_000_000, message: bytes, answer: None };
    let again = Request::decode(&request.encode()).unwrap();
    assert_eq!((again.mark, again.delivery, again.due, again.message), (request.mark, 9, request.due, request.message));
    assert!(Request::decode(b"").is_none() && Request::decode(b"123456789012no message").is_none());
}

#[test]
fn what_is_remembered_of_requests_is_bounded() {
    let mut known = Known::default();
    for number in 0..u64::try_from(SETTLED_MAX).unwrap() + 5 {
        let mark = number.to_string();
        known.take(&mark, number + 1);
        known.take(&mark, number + 1);
        assert_eq!(known.waiting, 1);
        known.settle(&mark);
    }
    assert_eq!((known.waiting, known.taken.len(), known.settled.len()), (0, SETTLED_MAX, SETTLED_MAX));
    assert!(known.taken.contains_key("5") && !known.taken.contains_key("4"));
}
