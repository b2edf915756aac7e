//! What is found, how it is ranked, and that everybody is found.

use jiff::civil::date;
use proptest::prelude::*;
use records::{
    Agreement, AlienNumber, Class, Index, Part, Person, Place, Query, Settings, Sex, Thresholds, build_bytes, synth,
};

fn index_of(persons: impl IntoIterator<Item = Person>) -> Index {
    Index::from_bytes(build_bytes(persons).unwrap()).unwrap()
}

/// A person like a synthetic one but for name, birth date and number.
fn person(number: u32, surname: &str, given: &str, middle: &str, (year, month, day): (i16, i8, i8)) -> Person {
    Person {
        alien_number: AlienNumber::new(number).unwrap(),
        surname: surname.to_owned(),
        given: given.to_owned(),
        middle: middle.to_owned(),
        born: Some(date(year, month, day)),
        sex: Sex::Male,
        birth_place: Place::new("MM").unwrap(),
        ..synth::person(1, number)
    }
}

const BORN: (i16, i8, i8) = (1980, 1, 2);

fn query(surname: &str, given: &str) -> Query {
    Query { surname: surname.to_owned(), given: given.to_owned(), born: Some(date(1980, 1, 2)), ..Query::default() }
}

fn query_of(person: &Person) -> Query {
    Query {
        surname: person.surname.clone(),
        given: person.given.clone(),
        middle: person.middle.clone(),
        born: person.born,
        sex: person.sex,
        birth_place: Some(person.birth_place),
        ..Query::default()
    }
}

fn numbers(index: &Index, query: &Query) -> Vec<u32> {
    index.search(query, 10).unwrap().candidates.iter().map(|candidate| candidate.person.alien_number.value()).collect()
}

/// A small index in which the order of what is found can be read.
fn sample() -> Index {
    index_of([
        person(1, "SMITH", "JOHN", "", BORN),
        person(2, "SMYTH", "JOHN", "", BORN),
        person(3, "SCHMIDT", "JOHANN", "", BORN),
        person(4, "SMITH", "JOHN", "", (1980, 1, 3)),
        person(5, "GARCIA LOPEZ", "JUAN", "CARLOS", BORN),
        person(6, "GARCIA", "JUAN", "", BORN),
        person(7, "GARCIA", "J", "", BORN),
        person(8, "GARCIA", "PEDRO", "", BORN),
        person(9, "DE LA CRUZ", "MARIA", "", BORN),
        person(10, "O'BRIEN", "SEAN", "", BORN),
        Person { born: None, ..person(11, "GARCIA", "JUAN", "", BORN) },
    ])
}

#[test]
fn pairs_of_names_find_each_other_in_order() {
    let index = sample();
    for (surname, given, expect) in [
        ("SMITH", "JOHN", &[1, 2][..]),
        ("Smyth", "John", &[2, 1]),
        ("SMYTHE", "JOHN", &[1, 2]),
        ("SCHMIDT", "JOHANN", &[3]),
        ("García", "Juan", &[6, 5]),
        ("GARSIA", "JUAN", &[6, 5]),
        ("GARCIA LOPEZ", "JUAN", &[5, 6]),
        ("GARCIA-LOPEZ", "JUAN CARLOS", &[5, 6]),
        ("GARCIALOPEZ", "JUAN", &[5]),
        ("LOPEZ", "JUAN", &[5]),
        ("GARCIA", "CARLOS", &[5]),
        ("GARCIA", "P", &[8]),
        ("LOPEZ GARCIA", "JUAN", &[5]),
        ("DELACRUZ", "MARIA", &[9]),
        ("De La Cruz", "MARÍA", &[9]),
        ("CRUZ", "MARIA", &[9]),
        ("MARIA", "DE LA CRUZ", &[9]),
        ("OBRIEN", "SEAN", &[10]),
        ("O\u{2019}Brien", "Seann", &[10]),
        ("BRIEN", "SEAN", &[10]),
    ] {
        let found = numbers(&index, &query(surname, given));
        assert!(found.starts_with(expect), "{surname}, {given}: {found:?}");
    }
    for (surname, given) in [("NGUYEN", "JOHN"), ("SMITH", "PEDRO")] {
        let found = index.search(&query(surname, given), 10).unwrap();
        assert!(found.candidates.iter().all(|candidate| candidate.class != Class::Match), "{surname}, {given}");
    }
}

#[test]
fn dates_that_are_nearly_right_find_the_person() {
    let index = sample();
    for (year, month, day) in
        [(1980, 2, 1), (1981, 1, 2), (1979, 1, 2), (1970, 1, 2), (1880, 1, 2), (1980, 1, 1), (1980, 1, 7), (1930, 1, 2)]
    {
        let asked = Query { born: Some(date(year, month, day)), ..query("OBRIEN", "SEAN") };
        assert_eq!(numbers(&index, &asked).first(), Some(&10), "{year}-{month}-{day}");
        let twice = Query { surname: "OBRIEM".to_owned(), ..asked };
        assert_eq!(numbers(&index, &twice).first(), Some(&10), "one letter wrong, {year}-{month}-{day}");
    }
}

#[test]
fn probabilities_come_with_their_reasons() {
    let index = sample();
    let asked = Query { sex: Sex::Female, birth_place: Place::new("MM"), ..query("SMYTHE", "J") };
    let found = index.search_with(&asked, &Settings { least: Class::Unlikely, ..Settings::best(1) }).unwrap();
    assert!(found.complete);
    let best = &found.candidates[0];
    let reasons: Vec<_> = best.reasons.iter().map(|reason| (reason.part, reason.agreement)).collect();
    assert_eq!(
        reasons,
        [
            (Part::Surname, Agreement::Spelling),
            (Part::Given, Agreement::Initial),
            (Part::Born, Agreement::Same),
            (Part::Sex, Agreement::Different),
            (Part::BirthPlace, Agreement::Same),
        ]
    );
    assert!((0.0..=1.0).contains(&best.probability) && best.class != Class::Match);
    let against: f32 = best.reasons.iter().filter(|reason| reason.part == Part::Sex).map(|reason| reason.bits).sum();
    assert!(against < 0.0);
}

#[test]
fn a_match_is_close_anchored_and_not_contradicted() {
    let index = index_of([
        person(1, "SMITH", "JOHN", "", BORN),
        person(4, "SMITH", "JOHN", "", (1980, 1, 3)),
        person(10, "O'BRIEN", "SEAN", "", BORN),
    ]);
    let class = |query: &Query| index.search(query, 1).unwrap().candidates.first().map(|candidate| candidate.class);
    let number = AlienNumber::new(1);
    for (query, expect) in [
        (query("SMITH", "JOHN"), Some(Class::Match)),
        (query("OBRIEM", "SEAN"), Some(Class::Match)),
        (query("SMITH", "J"), Some(Class::Possible)),
        (Query { born: None, ..query("SMITH", "JOHN") }, Some(Class::Possible)),
        (Query { sex: Sex::Female, ..query("SMITH", "JOHN") }, Some(Class::Possible)),
        (Query { alien_number: AlienNumber::new(999), ..query("SMITH", "JOHN") }, Some(Class::Possible)),
        (Query { alien_number: number, ..query("SMITH", "JOHN") }, Some(Class::Match)),
        (Query { alien_number: number, ..Query::default() }, Some(Class::Match)),
        (Query { alien_number: number, ..query("NGUYEN", "THI") }, Some(Class::Possible)),
        (Query { alien_number: AlienNumber::new(999), ..Query::default() }, None),
    ] {
        assert_eq!(class(&query), expect, "{:?}", (query.surname, query.given, query.sex));
    }
}

#[test]
fn thresholds_are_the_callers() {
    let index = sample();
    let class = |matches: f32, possible: f32| {
        let thresholds = Thresholds { matches, possible };
        let settings = Settings { thresholds, least: Class::Unlikely, ..Settings::best(1) };
        index.search_with(&query("SMITH", "JOHN"), &settings).unwrap().candidates[0].class
    };
    assert_eq!([class(0.5, 0.1), class(1.1, 0.1), class(1.1, 1.1)], [Class::Match, Class::Possible, Class::Unlikely]);
}

#[test]
fn a_number_finds_all_its_records_and_nothing_else_is_needed() {
    let one = synth::person(3, 41);
    let other = Person {
        source: records::Source::Raps,
        reference: None,
        status: records::Status::AsylumPending,
        ..one.clone()
    };
    let index = index_of([one.clone(), other, synth::person(3, 42)]);
    let found = index.search(&Query { alien_number: Some(one.alien_number), ..Query::default() }, 10).unwrap();
    let numbers: Vec<_> = found.candidates.iter().map(|c| (c.class, c.person.alien_number)).collect();
    assert_eq!(numbers, [(Class::Match, one.alien_number); 2]);
}

#[test]
fn too_little_is_not_searched_and_nothing_finds_nothing() {
    let index = sample();
    for query in [
        Query::default(),
        Query { surname: "SMITH".to_owned(), ..Query::default() },
        Query { given: "JOHN".to_owned(), born: Some(date(1980, 1, 2)), ..Query::default() },
        query("!?", "..."),
    ] {
        assert_eq!(index.search(&query, 10).unwrap().candidates, []);
    }
    assert_eq!(index_of([]).search(&query("SMITH", "JOHN"), 10).unwrap().candidates, []);
    assert_eq!(index.search(&query("SMITH", "JOHN"), 0).unwrap().candidates, []);
}

#[test]
fn the_work_of_a_search_is_bounded_and_a_cut_is_said() {
    let crowd = (1..=70_000).map(|number| person(number, "GARCIA", "JUAN", "", BORN));
    let index = index_of(crowd);
    let settings = Settings { least: Class::Unlikely, ..Settings::best(10) };
    let long = "GARCIA ".repeat(100_000);
    for query in [
        query("GARCIA", "JUAN"),
        query("G", "J"),
        Query { born: None, ..query("GARCIA", "JUAN") },
        Query { born: None, ..query("GARCIA", "J") },
        query("JUAN", "GARCIA"),
        query(&long, &long),
        query("%", "*"),
    ] {
        let found = index.search_with(&query, &settings).unwrap();
        assert!(found.compared <= 500_000 && found.candidates.len() <= 10, "{}", found.compared);
    }
    let found = index.search_with(&query("GARCIA", "JUAN"), &settings).unwrap();
    assert_eq!((found.candidates.len(), found.complete), (10, false));
}

#[test]
fn the_order_of_the_persons_does_not_change_the_file() {
    let forward = build_bytes(synth::persons(9, 3_000)).unwrap();
    let backward = build_bytes(synth::persons(9, 3_000).rev()).unwrap();
    assert!(forward == backward, "files differ");
}

#[test]
fn an_index_gives_back_the_persons_that_it_was_built_of() {
    let mut persons: Vec<_> = index_of(synth::persons(4, 3_000)).persons().map(Result::unwrap).collect();
    let index = index_of(synth::persons(4, 3_000));
    index.verify().unwrap();
    let order = |a: &Person, b: &Person| {
        let key = |p: &Person| (p.alien_number, p.source, p.reference, p.status_since, p.surname.clone());
        key(a).cmp(&key(b))
    };
    persons.sort_by(order);
    let mut expected: Vec<_> = synth::persons(4, 3_000).collect();
    expected.sort_by(order);
    assert!(persons.into_iter().eq(expected), "a person came back changed");
}

#[test]
fn every_person_of_a_run_finds_itself() {
    let index = index_of(synth::persons(6, 20_000));
    for person in synth::persons(6, 20_000) {
        if person.born.is_none() {
            continue;
        }
        let found = index.search(&query_of(&person), 10).unwrap();
        let own = found.candidates.iter().find(|candidate| candidate.person == person);
        assert!(own.is_some_and(|own| own.class != Class::Unlikely), "number {}", person.alien_number);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_exact_record_always_finds_itself(seed: u64, first in 0_u32..900_000_000, count in 1_u32..200) {
        let persons: Vec<_> = (first..first + count).map(|number| synth::person(seed, number)).collect();
        let index = index_of(persons.clone());
        for person in &persons {
            if person.born.is_some() && !records::fold(&person.surname).is_empty() {
                let found = index.search(&query_of(person), count as usize).unwrap();
                prop_assert!(found.candidates.iter().any(|candidate| candidate.person == *person));
            }
            let by_number = Query { alien_number: Some(person.alien_number), ..Query::default() };
            let found = index.search(&by_number, count as usize).unwrap();
            prop_assert!(found.candidates.iter().any(|candidate| candidate.person == *person));
        }
    }

    #[test]
    fn any_recorded_name_finds_itself(surname in "\\PC{1,40}", given in "\\PC{0,40}", middle in "\\PC{0,40}") {
        let recorded = person(5, &surname, &given, &middle, BORN);
        let index = index_of([recorded.clone(), person(6, "SMITH", "JOHN", "", BORN)]);
        let found = index.search(&query_of(&recorded), 10).unwrap();
        let has_name = !records::fold(&surname).is_empty();
        prop_assert_eq!(has_name, found.candidates.iter().any(|c| c.person.alien_number == recorded.alien_number));
    }

    #[test]
    fn any_query_is_answered(
        surname: String,
        given: String,
        middle: String,
        number in proptest::option::of(1_u32..40),
    ) {
        let query = Query { surname, given, middle, alien_number: number.and_then(AlienNumber::new), ..query("", "") };
        let found = sample().search(&query, 5).unwrap();
        prop_assert!(found.candidates.len() <= 5 && found.candidates.is_sorted_by(|a, b| a.bits >= b.bits));
    }
}
