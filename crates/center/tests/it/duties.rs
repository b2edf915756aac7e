//! Detainers, the tipline and lists, step by step, and what random use of them can never do.

use center::detainer::{Basis, Change, Proposal, Step, lift_reason};
use center::list::{self, ListError, Lists, Purpose, Screened};
use center::tipline::{End, Grade};
use center::{Duties, Duty, DutyDenial as Denial, Entry, Moment, Technician};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

const FIRST: &str = "EMULATOR - SYNTHETIC DATA\r\n";

/// The duties with the log that makes them: what is stored is what is read.
#[derive(Default)]
struct Bench {
    duties: Duties,
    log: Vec<Vec<u8>>,
}

impl Bench {
    /// Stores an entry and returns its number.
    fn store(&mut self, entry: &Entry) -> u64 {
        self.log.push(entry.encode());
        let sequence = self.log.len() as u64;
        let read = Entry::decode(sequence, &entry.encode()).unwrap();
        assert_eq!(&read, entry);
        self.duties.apply(sequence, &read).unwrap();
        sequence
    }

    fn again(&self) -> Duties {
        let mut duties = Duties::default();
        for (sequence, bytes) in (1..).zip(&self.log) {
            duties.apply(sequence, &Entry::decode(sequence, bytes).unwrap()).unwrap();
        }
        duties
    }

    fn step(&self, detainer: u64) -> &'static str {
        self.duties.detainers.get(detainer).unwrap().step.name()
    }
}

fn at(seconds: u64) -> Moment {
    Moment((1_769_817_600 + seconds) * 1_000_000)
}

fn who() -> Technician {
    Technician::new("SAMPLE, T".replace(',', "").as_str()).unwrap()
}

fn proposal(query: &str) -> Proposal {
    Proposal {
        query: query.to_owned(),
        requester: "ZA0010000".to_owned(),
        office: "ZZICE0100".to_owned(),
        custody: true,
        firearms: false,
        wanted: Some("N000000001".to_owned()),
        name: "SAMPLE, PERSON A".to_owned(),
        born: "19800102".to_owned(),
        sex: "M".to_owned(),
        citizenship: "MM".to_owned(),
        alien_number: "900000001".to_owned(),
    }
}

#[test]
fn a_detainer_is_proposed_on_a_wanted_subject_in_custody_and_on_nobody_else() {
    let mut bench = Bench::default();
    let tried = |bench: &Bench, proposal| bench.duties.detainers.propose(at(0), None, proposal).map(drop);
    for (custody, firearms, wanted, expected) in [
        (false, false, true, Err(Denial::NotInCustody)),
        (true, false, false, Err(Denial::NotWanted)),
        // A firearms inquiry never leads to one, wanted and in custody or not.
        (true, true, true, Err(Denial::Firearms)),
        (false, true, false, Err(Denial::Firearms)),
        (true, false, true, Ok(())),
    ] {
        let wanted = wanted.then(|| "N000000001".to_owned());
        let proposal = Proposal { custody, firearms, wanted, ..proposal("E000000001") };
        assert_eq!(tried(&bench, proposal), expected, "{custody} {firearms}");
    }
    assert_eq!(
        tried(&bench, Proposal { name: "TWO\r\nLINES".to_owned(), ..proposal("E000000001") }),
        Err(Denial::Text)
    );
    let entry = bench.duties.detainers.propose(at(0), None, proposal("E000000001")).unwrap();
    assert!(entry.notices.is_empty(), "a proposal says nothing to anybody");
    bench.store(&entry);
    assert_eq!(tried(&bench, proposal("E000000001")), Err(Denial::Twice));
    assert_eq!(tried(&bench, proposal("E000000002")), Ok(()));
}

#[test]
fn a_named_technician_lodges_a_detainer_and_both_sides_are_told_what_the_form_says() {
    let mut bench = Bench::default();
    let number = bench.store(&bench.duties.detainers.propose(at(0), None, proposal("E000000001")).unwrap());
    let entry = bench.duties.detainers.lodge(at(60), who(), number, Basis::FinalOrder).unwrap();
    let [form, office] = entry.notices.as_slice() else { panic!("two notices") };
    assert_eq!((form.to.as_str(), office.to.as_str()), ("ZA0010000", "ZZICE0100"));
    assert!(form.text.starts_with(FIRST) && office.text.starts_with(FIRST));
    for item in [
        "SYNTHETIC DETAINER NOTICE - EMULATOR",
        "DETAINER D000000001 DATE 20260131",
        "SUBJECT ID/E000000001 EVENT NO/E000000001 FILE NO/A900000001",
        "TO/ZA0010000",
        "FROM/ZZICE0100",
        "NAM/SAMPLE, PERSON A",
        "DOB/19800102 CTZ/MM SEX/M",
        "PROBABLE CAUSE: A FINAL ORDER OF REMOVAL",
        "48 HOURS BEFORE THE SUBJECT IS RELEASED",
        "NOT MORE THAN 48 HOURS",
        "TELEPHONE 5555550199",
        "LODGED BY SAMPLE T",
    ] {
        assert!(form.text.lines().any(|line| line.contains(item)), "{item:?} is not in {}", form.text);
    }
    assert!(office.text.contains("DETAINER D000000001 LODGED 20260131"), "{}", office.text);
    let lodged = bench.store(&entry);
    // They are sent until the switch has taken each.
    let unsent = |bench: &Bench| bench.duties.unsent().map(|(entry, place, _)| (entry, place)).collect::<Vec<_>>();
    assert_eq!(unsent(&bench), [(lodged, 0), (lodged, 1)]);
    let settled =
        |place| Entry { at: at(61), who: None, duty: Duty::Settled { entry: lodged, place }, notices: vec![] };
    bench.store(&settled(0));
    assert_eq!(unsent(&bench), [(lodged, 1)]);
    assert!(bench.duties.apply(99, &settled(0)).is_err(), "once");
    let lift = bench.duties.detainers.lift(at(90), who(), number, 'U').unwrap();
    assert!(lift.notices.iter().all(|notice| notice.text.contains("UNITED STATES CITIZEN INTERVIEWED")));
    assert_eq!(lift.notices.iter().map(|notice| notice.to.as_str()).collect::<Vec<_>>(), ["ZA0010000", "ZZICE0100"]);
    bench.store(&lift);
    let found = bench.duties.detainers.get(number).unwrap();
    assert_eq!(found.step, Step::Lifted { at: at(90), reason: 'U' });
    assert_eq!(bench.again(), bench.duties);
}

#[test]
fn each_step_of_a_detainer_follows_its_own_and_no_other() {
    // What is done, at which step it may be, and where it leads.
    let acts = ["decline", "lodge", "lift"];
    let ways = [("proposed", "decline", "declined"), ("proposed", "lodge", "lodged"), ("lodged", "lift", "lifted")];
    for (from, reach) in [
        ("proposed", [].as_slice()),
        ("declined", &["decline"]),
        ("lodged", &["lodge"]),
        ("lifted", &["lodge", "lift"]),
    ] {
        for act in acts {
            let mut bench = Bench::default();
            let number = bench.store(&bench.duties.detainers.propose(at(0), None, proposal("E1")).unwrap());
            let done = |bench: &Bench, act: &str| match act {
                "decline" => bench.duties.detainers.decline(at(1), who(), number),
                "lodge" => bench.duties.detainers.lodge(at(1), who(), number, Basis::Biometric),
                _ => bench.duties.detainers.lift(at(1), who(), number, 'L'),
            };
            for act in reach {
                let entry = done(&bench, act).unwrap();
                bench.store(&entry);
            }
            assert_eq!(bench.step(number), from);
            match ways.iter().find(|(at, by, _)| (*at, *by) == (from, act)) {
                Some((.., to)) => {
                    let entry = done(&bench, act).unwrap();
                    bench.store(&entry);
                    assert_eq!(bench.step(number), *to);
                }
                None => assert_eq!(done(&bench, act), Err(Denial::Step(from)), "{act} at {from}"),
            }
        }
    }
    let none = Bench::default();
    assert_eq!(none.duties.detainers.lodge(at(0), who(), 1, Basis::Statements), Err(Denial::Unknown));
}

#[test]
fn the_reasons_of_lifting_are_those_of_the_public_list() {
    let known: String = ('A'..='Z').filter(|code| lift_reason(*code).is_some()).collect();
    assert_eq!(known, "BCDFLNSTU");
    let mut bench = Bench::default();
    let number = bench.store(&bench.duties.detainers.propose(at(0), None, proposal("E1")).unwrap());
    bench.store(&bench.duties.detainers.lodge(at(1), who(), number, Basis::Proceedings).unwrap());
    assert_eq!(bench.duties.detainers.lift(at(2), who(), number, 'X'), Err(Denial::Reason));
}

#[test]
fn a_log_in_which_a_program_lodges_or_lifts_a_detainer_is_refused() {
    let mut bench = Bench::default();
    let number = bench.store(&bench.duties.detainers.propose(at(0), None, proposal("E1")).unwrap());
    let forged = |change| Entry { at: at(1), who: None, duty: Duty::Detainer(change), notices: vec![] };
    let lodged = forged(Change::Lodged { detainer: number, basis: Basis::FinalOrder });
    assert!(bench.duties.apply(2, &lodged).is_err());
    assert_eq!(bench.step(number), "proposed");
    // The same by name is taken: it is the name that was missing.
    bench.duties.apply(2, &Entry { who: Some(who()), ..lodged }).unwrap();
    assert!(bench.duties.apply(3, &forged(Change::Lifted { detainer: number, reason: 'L' })).is_err());
    for nobody in ["", "   ", "TWO\nLINES", &"X".repeat(41)] {
        assert_eq!(Technician::new(nobody), Err(Denial::Nobody), "{nobody:?}");
        let by = |who: &str| {
            format!("{{\"at\":1,\"who\":{who:?},\"duty\":{{\"settled\":{{\"entry\":1,\"place\":0}}}},\"notices\":[]}}")
        };
        assert!(Entry::decode(1, by("SAMPLE T").as_bytes()).is_ok());
        assert!(Entry::decode(1, by(nobody).as_bytes()).is_err(), "{nobody:?}");
    }
}

#[test]
fn a_call_is_graded_referred_if_viable_and_followed_to_its_end() {
    for (grade, viable) in [
        (Grade::High, true),
        (Grade::Medium, true),
        (Grade::Low, true),
        (Grade::Known, false),
        (Grade::NotViable, false),
    ] {
        let mut bench = Bench::default();
        let call = bench.store(&bench.duties.tips.take(at(0), who(), "a synthetic call about a workplace").unwrap());
        let tips = &bench.duties.tips;
        assert_eq!(tips.refer(at(1), who(), call, "ZZICE0100"), Err(Denial::Step("taken")));
        assert_eq!(tips.end(at(1), who(), call, End::Case), Err(Denial::Step("taken")));
        bench.store(&bench.duties.tips.grade(at(1), who(), call, grade).unwrap());
        let referred = bench.duties.tips.refer(at(2), who(), call, "ZZICE0100");
        assert_eq!(referred.is_ok(), viable, "{grade:?}");
        assert!(bench.duties.tips.grade(at(2), who(), call, Grade::High).is_err(), "once");
        let Ok(referred) = referred else { continue };
        let [lead] = referred.notices.as_slice() else { panic!("one notice") };
        assert!(lead.to == "ZZICE0100" && lead.text.starts_with(FIRST), "{}", lead.text);
        assert!(
            lead.text.contains("LEAD L000000001 20260131") && lead.text.contains("A SYNTHETIC CALL ABOUT A WORKPLACE")
        );
        bench.store(&referred);
        bench.store(&bench.duties.tips.end(at(3), who(), call, End::Case).unwrap());
        assert_eq!(bench.duties.tips.iter().map(|(_, call)| call.step()).collect::<Vec<_>>(), ["ended"]);
        assert_eq!(bench.duties.tips.end(at(4), who(), call, End::Nothing), Err(Denial::Step("ended")));
        assert_eq!(bench.again(), bench.duties);
    }
    assert_eq!(Duties::default().tips.take(at(0), who(), &"X".repeat(1_001)), Err(Denial::Text));
}

const CSV: &str = "name,born,sex,birth_place,alien_number\n\
                   \"Sample, Person A\",19800102,M,MM,900000001\n\"SAMPLE, PERSON B\",19790203,f,GT,\n";

#[test]
fn a_list_gives_each_person_one_answer_and_the_requester_a_summary() {
    let mut bench = Bench::default();
    let rows = list::parse(CSV.as_bytes()).unwrap();
    assert_eq!((rows.len(), rows[0].name.as_str(), rows[1].sex.as_str()), (2, "SAMPLE, PERSON A", "F"));
    let list = bench.store(&Lists::upload(at(0), who(), Purpose::Visitors, "ZZUSSS000".to_owned(), rows));
    let open = |bench: &Bench| bench.duties.lists.get(list).unwrap().open().map(|(row, _)| row).collect::<Vec<_>>();
    assert_eq!(open(&bench), [0, 1]);
    bench.store(&bench.duties.lists.answer(at(1), list, 1, Screened::Record).unwrap());
    assert_eq!(open(&bench), [0]);
    assert_eq!(bench.duties.lists.answer(at(1), list, 1, Screened::NoRecord), Err(Denial::Step("answered")));
    assert_eq!(bench.duties.lists.answer(at(1), list, 2, Screened::NoRecord), Err(Denial::Unknown));
    assert_eq!(bench.duties.lists.finish(at(1), list), Err(Denial::Step("not all are answered")));
    bench.store(&bench.duties.lists.answer(at(2), list, 0, Screened::NoRecord).unwrap());
    let finish = bench.duties.lists.finish(at(3), list).unwrap();
    let [summary] = finish.notices.as_slice() else { panic!("one notice") };
    assert_eq!(summary.to, "ZZUSSS000");
    for line in ["PERSONS 2", "NO RECORD 1", "RECORD 1", "POSSIBLE RECORDS 0"] {
        assert!(summary.text.lines().any(|found| found == line), "{line}: {}", summary.text);
    }
    assert!(!summary.text.contains("SAMPLE") && summary.text.starts_with(FIRST), "a summary names nobody");
    bench.store(&finish);
    assert_eq!(bench.duties.lists.finish(at(4), list), Err(Denial::Step("finished")));
    assert_eq!(bench.again(), bench.duties);
}

#[test]
fn what_is_wrong_with_a_list_is_said_by_line_and_column_and_repeats_nothing_of_it() {
    let line = |text: &str| format!("name,born,sex,birth_place\n{text}\n");
    for (text, says) in [
        ("name,born,sex\nSECRET,1,M".to_owned(), "no column birth_place"),
        (line("\"SECRET PERSON\",19800102,M,MM"), "line 2, name"),
        (line("\"SECRET, PERSON\",19801302,M,MM"), "line 2, born"),
        (line("\"SECRET, PERSON\",19800102,X,MM"), "line 2, sex"),
        (line("\"SECRET, PERSON\",19800102,M,MEX"), "line 2, birth_place"),
        (line("\"SECRET, PERSON\",19800102,M"), "line 2: not as many values"),
        ("name,born,sex,birth_place,alien_number\n\"SECRET, P\",19800102,M,MM,12".to_owned(), "line 2, alien_number"),
        (line(""), "no persons"),
        (line(&"\"SAMPLE, P\",19800102,M,MM\n".repeat(list::ROWS_MAX + 1)), "part it"),
    ] {
        let error: ListError = list::parse(text.as_bytes()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(says) && !error.contains("SECRET"), "{says}: {error}");
    }
    assert!(list::parse(b"\xff\xfe").is_err());
}

#[test]
#[expect(clippy::print_stderr, reason = "a failure must be reproducible")]
fn whatever_programs_and_persons_do_no_program_lodges_and_a_replay_gives_the_same() {
    for seed in 0..40_u64 {
        eprintln!("SEED {seed}");
        let mut chance = Pcg64::seed_from_u64(seed);
        let mut bench = Bench::default();
        let mut lodged_by_name = 0;
        for moment in 0..120 {
            let (now, number) = (at(moment), u64::from(chance.next_u32() % 40));
            let duties = &bench.duties;
            let custody = chance.random_bool(0.7);
            let proposal =
                Proposal { custody, firearms: chance.random_bool(0.2), ..proposal(&format!("E{}", number % 9)) };
            let entry = match chance.random_range(0..9) {
                0 | 1 => duties.detainers.propose(now, None, proposal),
                2 => duties.detainers.lodge(now, who(), number, Basis::FinalOrder),
                3 => duties.detainers.lift(now, who(), number, 'L'),
                4 => duties.detainers.decline(now, who(), number),
                5 => duties.tips.take(now, who(), "A SYNTHETIC CALL"),
                6 => duties.tips.grade(now, who(), number, if custody { Grade::High } else { Grade::Known }),
                7 => duties.tips.refer(now, who(), number, "ZZICE0200"),
                _ => Ok(Lists::upload(now, who(), Purpose::Employment, "ZZUSSS000".to_owned(), Vec::new())),
            };
            let Ok(entry) = entry else { continue };
            let lodges = matches!(entry.duty, Duty::Detainer(Change::Lodged { .. }));
            assert!(!lodges || entry.who.is_some());
            lodged_by_name += usize::from(lodges);
            // The same without the name is refused, and changes nothing.
            if lodges {
                let before = bench.duties.clone();
                assert!(bench.duties.apply(9_999, &Entry { who: None, ..entry.clone() }).is_err());
                assert_eq!(bench.duties, before);
            }
            bench.store(&entry);
        }
        let held = bench
            .duties
            .detainers
            .iter()
            .filter(|(_, detainer)| matches!(detainer.step, Step::Lodged { .. } | Step::Lifted { .. }));
        assert_eq!(held.count(), lodged_by_name);
        assert!(
            bench.duties.detainers.iter().all(|(_, detainer)| detainer.proposal.custody && !detainer.proposal.firearms)
        );
        assert_eq!(bench.again(), bench.duties);
    }
}
