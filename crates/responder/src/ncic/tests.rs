//! What the stand-in says, message by message, and that its file lasts.

use codec::legacy::parse_output;
use jiff::civil::date;
use records::synth::Population;
use records::{IdentifierKind, Source};

use super::*;

const CENTER_ORI: &str = "ZZLESC000";

struct Bench {
    file: File,
    people: Indexed,
    texts: Texts,
    deliveries: u32,
}

impl Bench {
    fn new() -> Self {
        let file = File::new(Base::new(1, 100_000, COUNT));
        Self { file, people: Indexed::open(&[], 1, 100_000).unwrap(), texts: Texts::load(None).unwrap(), deliveries: 0 }
    }

    /// A message as the switch delivers it, and what is said to it.
    fn say(&mut self, key: &str, sender: &str, body: &str) -> String {
        self.deliveries += 1;
        let text = format!("{key}.{sender}\r\n08:00 01/31/2026 00011\r\n08:00 01/31/2026 00027 FB\r\nTXT\r\n{body}");
        let output = parse_output(text.as_bytes()).unwrap();
        let asked = asked::read(&output).unwrap_or_else(|| panic!("{key} {body} does not fit the dictionary"));
        let today = output.received.date();
        match key {
            "QW" => decide::wanted(&asked, today, &self.file, &self.texts).text,
            "QH" => decide::identify("CR", &asked, today, &self.people, &self.texts).unwrap().text,
            "QR" => decide::record(&asked, today, &self.people, &self.texts).unwrap().text,
            _ => {
                let who = decide::Who { sender, center: CENTER_ORI, today };
                let mark = mark(self.deliveries, &output);
                let decided = decide::change(key, mark, &who, &asked, &self.file, &self.texts);
                let text = decided.text.clone();
                // As a start reads it.
                let stored = serde_json::to_vec(&decided).unwrap();
                self.file.apply(serde_json::from_slice(&stored).unwrap());
                text
            }
        }
    }
}

const ENTRY: &str = "OCA/TESTCASE1.NAM/SAMPLE, PERSON A.SEX/M.RAC/U.POB/MM.DOB/19800102.HGT/510.WGT/175.EYE/BRO.HAI/BRO.OFF/8004.CTZ/MM.MNU/AR-900000001";

#[test]
fn a_record_is_entered_found_modified_and_cancelled_by_the_center_alone() {
    let mut bench = Bench::new();
    let before = bench.file.len();
    let number = nic(bench.file.next());
    let found = |bench: &mut Bench| bench.say("QW", "ZA0010000", "NAM/SAMPLE, PERSON.DOB/19800102");
    assert_eq!(
        found(&mut bench),
        "NO NCIC RECORD FOR NAM/SAMPLE, PERSON DOB/19800102\r\nFILES SEARCHED: IMMIGRATION VIOLATOR"
    );
    assert!(bench.say("XI1", "ZA0010000", ENTRY).starts_with("REJECTED - NOT AUTHORIZED"));
    assert_eq!(bench.say("XI1", CENTER_ORI, ENTRY), format!("ENTERED\r\nNIC/{number}\r\nOCA/TESTCASE1"));
    assert!(bench.say("XI1", CENTER_ORI, ENTRY).starts_with("REJECTED - A RECORD WITH THIS OCA IS ON FILE"));
    assert_eq!(bench.file.len(), before + 1);
    let hit = found(&mut bench);
    assert_eq!(
        hit,
        format!(
            "WARNING - EMULATED IMMIGRATION VIOLATOR FILE. THIS RECORD IS NOT GROUNDS FOR ARREST.\r\n\
             OUTSTANDING ADMINISTRATIVE WARRANT OF REMOVAL\r\n\
             CONFIRM WITH THE EMULATED SUPPORT CENTER, TELEPHONE 5555550199, BY YQ TO ZZLESC000.\r\n\
             MKE/EMULATED IMMIGRATION VIOLATOR\r\n\
             ORI/ZZLESC000 NAM/SAMPLE, PERSON A SEX/M RAC/U POB/MM DOB/19800102\r\n\
             HGT/510 WGT/175 EYE/BRO HAI/BRO CTZ/MM MNU/AR-900000001\r\n\
             OFF/ALIEN UNLAWFULLY PRESENT DUE TO ORDER OF REMOVAL OR EXCLUSION FROM THE USA\r\n\
             OCA/TESTCASE1\r\n\
             NIC/{number} DTE/20260131"
        )
    );
    let modify = format!("NIC/{number}.OFF/8003.CTZ/.NAM/TEST, PERSON");
    assert!(bench.say("XI2", "ZA0010000", &modify).starts_with("REJECTED - NOT AUTHORIZED"));
    assert!(bench.say("XI2", CENTER_ORI, &modify).starts_with("MODIFIED"));
    assert!(found(&mut bench).starts_with("NO NCIC RECORD"));
    let hit = bench.say("QW", "ZA0010000", "NAM/TEST, P.MNU/AR-900000001");
    assert!(hit.contains("PREVIOUSLY DEPORTED FELON") && !hit.contains("CTZ/"), "{hit}");
    assert!(bench.say("XI3", CENTER_ORI, &format!("NIC/{number}.OCA/OTHER")).starts_with("REJECTED - NIC AND OCA"));
    assert!(bench.say("XI3", CENTER_ORI, &format!("NIC/{number}.OCA/TESTCASE1")).starts_with("CANCELLED"));
    assert!(bench.say("XI3", CENTER_ORI, &format!("NIC/{number}.OCA/TESTCASE1")).starts_with("REJECTED - NO RECORD"));
    assert!(bench.say("QW", "ZA0010000", &format!("NIC/{number}")).starts_with("NO NCIC RECORD"));
    assert_eq!(bench.file.len(), before);
    // The number is nobody's again.
    assert!(bench.say("XI1", CENTER_ORI, ENTRY).contains(&nic(bench.file.next() - 1)));
    assert_ne!(nic(bench.file.next() - 1), number);
}

#[test]
fn a_name_and_a_date_are_found_with_the_usual_errors_and_no_others() {
    let mut bench = Bench::new();
    bench.say("XI1", CENTER_ORI, &ENTRY.replace("SAMPLE, PERSON A", "SAMPLE-TESTER, PERSON A"));
    for (body, hits) in [
        ("NAM/SAMPLE-TESTER, PERSON A.DOB/19800102", true),
        ("NAM/SAMPLE, P.DOB/19800102.SEX/M", true),
        ("NAM/TESTOR, PERSON.DOB/19800102", true),
        ("NAM/SAMPEL, PETER.DOB/19800102.SEX/U", true),
        ("NAM/SAMPLE, PERSON.DOB/19800201", true),
        ("NAM/SAMPLE, PERSON.DOB/19810102", true),
        ("NAM/SAMPLE, PERSON.DOB/19820102", false),
        ("NAM/SAMPLE, PERSON.DOB/19800103", false),
        ("NAM/SAMPLE, PERSON.DOB/19800102.SEX/F", false),
        ("NAM/SAMPLE, ANOTHER.DOB/19800102", false),
        ("NAM/OTHER, PERSON.DOB/19800102", false),
        ("LIC/TEST123.LIS/IL", false),
    ] {
        let said = bench.say("QW", "ZA0010000", body);
        assert_eq!(said.starts_with("WARNING"), hits, "{body}: {said}");
    }
}

#[test]
fn subjects_of_the_indexes_are_in_the_file_and_have_the_history_that_a_felon_must_have() {
    let mut bench = Bench::new();
    let number = (1..bench.file.next()).find(|nic| bench.file.record(*nic).unwrap().get("OFF") == "8003").unwrap();
    let violator = bench.file.record(number).unwrap();
    let ask = format!("NAM/{}.DOB/{}", violator.get("NAM"), violator.get("DOB"));
    assert!(bench.say("QW", "ZA0010000", &ask).contains(&violator.number()));
    let population = Population::new(1, 100_000);
    let mut cases = (0..population.len_of(Source::Dacs)).map(|row| population.record_of(Source::Dacs, row).person);
    let alien = violator.get("MNU").strip_prefix("AR-").unwrap().to_owned();
    let person = cases.find(|person| person.alien_number.to_string() == alien).unwrap();
    let fbi = person.number(IdentifierKind::Fbi).unwrap().text().to_owned();
    let listed = bench.say("QH", "ZA0010000", &format!("PUR/C.ATN/TEST.{ask}"));
    assert!(listed.contains(&format!("FBI/{fbi}")), "{listed}");
    let record = bench.say("QR", "ZA0010000", &format!("PUR/C.ATN/TEST.FBI/{fbi}"));
    assert!(record.contains("ARREST 1 DATE/") && record.ends_with("END OF RECORD"), "{record}");
    assert_eq!(record, bench.say("QR", "ZA0010000", &format!("PUR/C.ATN/TEST.FBI/{fbi}")));
    let sid = listed.lines().find_map(|line| line.strip_prefix("SID/")).unwrap().split(' ').next().unwrap().to_owned();
    let of_state = bench.say("QR", "ZA0010000", &format!("PUR/C.ATN/TEST.SID/{sid}"));
    assert!(of_state.contains(&format!("ORI/{}", sid.get(..2).unwrap())), "{of_state}");
    let nobody = bench.say("QR", "ZA0010000", "PUR/C.ATN/TEST.FBI/000000ZZ1");
    assert!(nobody.starts_with("NO IDENTIFIABLE RECORD"), "{nobody}");
}

#[test]
fn a_request_that_comes_again_is_known_by_its_mark_and_another_is_not() {
    let text = |at: &str| format!("XI1.ZZLESC000\r\n{at} 00011\r\n08:00 01/31/2026 00027 FB\r\nTXT\r\n{ENTRY}");
    let (one, other) = (text("08:00 01/31/2026"), text("08:01 01/31/2026"));
    let marked = |text: &str, delivery| mark(delivery, &parse_output(text.as_bytes()).unwrap());
    assert_eq!(marked(&one, 7), marked(&one.replace("00027 FB", "00028 FB"), 7));
    assert_ne!(marked(&one, 7), marked(&one, 8));
    assert_ne!(marked(&one, 7), marked(&other, 7));
    assert_eq!(date(2026, 1, 31), parse_output(one.as_bytes()).unwrap().received.date());
}
