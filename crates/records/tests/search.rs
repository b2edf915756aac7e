//! What is found, how it is ranked, and that everybody is found.

use jiff::civil::date;
use proptest::prelude::*;
use records::{Agreement, AlienNumber, Class, Index, Part, Person, Place, Query, Sex, build_bytes, synth};

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
        alien_number: None,
    }
}

fn numbers(index: &Index, query: &Query) -> Vec<u32> {
    index.search(query, 10).candidates.iter().map(|candidate| candidate.person.alien_number.value()).collect()
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
        ("SMITH", "JOHN", &[1, 2, 3][..]),
        ("Smyth", "John", &[2, 1, 3]),
        ("SMYTHE", "JOHN", &[2, 1, 3]),
        ("SCHMIDT", "JOHANN", &[3, 1, 2]),
        ("García", "Juan", &[6, 5, 7, 11]),
        ("GARSIA", "JUAN", &[6, 5, 7]),
        ("GARCIA LOPEZ", "JUAN", &[5, 6, 7]),
        ("GARCIA-LOPEZ", "JUAN CARLOS", &[5, 6, 7]),
        ("GARCIA", "CARLOS", &[5]),
        ("GARCIA", "P", &[8]),
        ("LOPEZ GARCIA", "JUAN", &[5, 6, 7]),
        ("DELACRUZ", "MARIA", &[9]),
        ("De La Cruz", "MARÍA", &[9]),
        ("OBRIEN", "SEAN", &[10]),
        ("O\u{2019}Brien", "Seann", &[10]),
        ("NGUYEN", "JOHN", &[]),
        ("SMITH", "PEDRO", &[]),
    ] {
        assert_eq!(numbers(&index, &query(surname, given)), expect, "{surname}, {given}");
    }
}

#[test]
fn scores_come_with_their_reasons() {
    let index = sample();
    let asked = Query { sex: Sex::Female, birth_place: Place::new("MM"), ..query("SMYTHE", "J") };
    let found = index.search(&asked, 1);
    assert_eq!((found.total, found.complete), (3, true));
    let best = &found.candidates[0];
    let reasons: Vec<_> = best.reasons.iter().map(|reason| (reason.part, reason.agreement)).collect();
    assert_eq!(
        reasons,
        [
            (Part::Surname, Agreement::Alike),
            (Part::Given, Agreement::Initial),
            (Part::Born, Agreement::Same),
            (Part::Sex, Agreement::Different),
            (Part::BirthPlace, Agreement::Same),
        ]
    );
    let sum = |of: fn(&records::Reason) -> u8| best.reasons.iter().map(|reason| u32::from(of(reason))).sum::<u32>();
    assert_eq!(u32::from(best.score), sum(|r| r.points) * 100 / sum(|r| r.points_max));
    assert_eq!(best.class, Class::Possible);
}

#[test]
fn a_match_is_close_anchored_and_not_contradicted() {
    let index = sample();
    let class = |query: &Query| index.search(query, 1).candidates.first().map(|candidate| candidate.class);
    let number = AlienNumber::new(1);
    for (query, expect) in [
        (query("SMITH", "JOHN"), Some(Class::Match)),
        (query("SMYTHE", "JOHN"), Some(Class::Match)),
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
fn a_number_finds_all_its_records_and_nothing_else_is_needed() {
    let one = synth::person(3, 41);
    let other = Person {
        source: records::Source::Raps,
        reference: None,
        status: records::Status::AsylumPending,
        ..one.clone()
    };
    let index = index_of([one.clone(), other, synth::person(3, 42)]);
    let found = index.search(&Query { alien_number: Some(one.alien_number), ..Query::default() }, 10);
    assert_eq!(
        found.candidates.iter().map(|c| (c.score, c.person.alien_number)).collect::<Vec<_>>(),
        [(100, one.alien_number); 2]
    );
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
        assert_eq!(index.search(&query, 10).candidates, []);
    }
    assert_eq!(index_of([]).search(&query("SMITH", "JOHN"), 10).candidates, []);
    assert_eq!(index.search(&query("SMITH", "JOHN"), 0).candidates, []);
}

#[test]
fn a_search_stops_at_its_bound_and_says_so() {
    let crowd = (1..=70_000).map(|number| person(number, "GARCIA", "JUAN", "", BORN));
    let index = index_of(crowd);
    let found = index.search(&query("GARCIA", "JUAN"), 10);
    assert_eq!((found.candidates.len(), found.total, found.complete), (10, 65_536, false));
    assert_eq!(numbers(&index, &query("GARCIA", "JUAN")), (1..=10).collect::<Vec<_>>());
    let long = "GARCIA ".repeat(100_000);
    assert!(!index.search(&query(&long, &long), 10).complete);
}

#[test]
fn the_order_of_the_persons_does_not_change_the_file() {
    let forward = build_bytes(synth::persons(9, 3_000)).unwrap();
    let backward = build_bytes(synth::persons(9, 3_000).rev()).unwrap();
    assert!(forward == backward, "files differ");
}

#[test]
fn an_index_gives_back_the_persons_that_it_was_built_of() {
    let mut persons: Vec<_> = index_of(synth::persons(4, 3_000)).persons().collect();
    persons.sort_by_key(|person| person.alien_number);
    assert!(persons.into_iter().eq(synth::persons(4, 3_000)), "a person came back changed");
}

#[test]
fn every_person_of_a_run_finds_itself() {
    let index = index_of(synth::persons(6, 20_000));
    for person in synth::persons(6, 20_000) {
        let found = index.search(&query_of(&person), 10);
        let own = found.candidates.iter().find(|candidate| candidate.person == person);
        // Sex and middle name may not be on record; then nothing can be full agreement, and nothing is lost.
        assert!(
            own.is_some_and(|own| own.score == 100),
            "number {}: {:?}",
            person.alien_number,
            own.map(|own| own.score)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_exact_record_always_finds_itself(seed: u64, first in 0_u32..900_000_000, count in 1_u32..200) {
        let persons: Vec<_> = (first..first + count).map(|number| synth::person(seed, number)).collect();
        let index = index_of(persons.clone());
        for person in &persons {
            let found = index.search(&query_of(person), count as usize);
            let own = found.candidates.iter().find(|candidate| candidate.person == *person);
            prop_assert!(own.is_some_and(|own| own.score == 100 && own.class == Class::Match));
            let by_number = Query { alien_number: Some(person.alien_number), ..Query::default() };
            prop_assert_eq!(&index.search(&by_number, 1).candidates[0].person, person);
        }
    }

    #[test]
    fn any_recorded_name_finds_itself(surname in "\\PC{1,40}", given in "\\PC{0,40}", middle in "\\PC{0,40}") {
        let recorded = person(5, &surname, &given, &middle, BORN);
        let index = index_of([recorded.clone(), person(6, "SMITH", "JOHN", "", BORN)]);
        let found = index.search(&query_of(&recorded), 10);
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
        let found = sample().search(&query, 5);
        prop_assert!(found.candidates.len() <= 5 && found.candidates.is_sorted_by(|a, b| a.score >= b.score));
    }
}
