//! Live additions: durable, found at once, taking the place of what they change, folded into the next build.

use std::fs;
use std::sync::Arc;

use records::{Delta, Holdings, Index, Person, Query, Settings, build_bytes, synth};

fn holdings(delta: &Arc<Delta>) -> Holdings {
    let index = Index::from_bytes(build_bytes(synth::persons(1, 500)).unwrap()).unwrap();
    Holdings::new(vec![("base".to_owned(), index)]).with_delta(Arc::clone(delta))
}

/// Persons who are not among the first.
fn others(first: u32, count: u32) -> Vec<Person> {
    (first..first + count).map(|number| synth::person(2, number)).filter(|person| person.born.is_some()).collect()
}

fn finds(holdings: &Holdings, person: &Person) -> bool {
    let query = Query {
        surname: person.surname.clone(),
        given: person.given.clone(),
        born: person.born,
        alien_number: Some(person.alien_number),
        ..Query::default()
    };
    let found = holdings.search(&query, &Settings::best(20)).unwrap();
    found.candidates.iter().any(|candidate| candidate.person == *person)
}

#[test]
fn what_was_added_is_found_at_once_and_after_a_restart_and_in_every_tier() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("delta.log");
    let delta = Arc::new(Delta::open(&path).unwrap());
    let holdings_before = holdings(&delta);
    let added = others(10_000, 3_000);
    assert!(!finds(&holdings_before, &added[0]), "found before it was added");
    for batch in added.chunks(700) {
        delta.add(batch).unwrap();
        assert!(batch.iter().step_by(50).all(|person| finds(&holdings_before, person)));
    }
    assert!(added.iter().step_by(100).all(|person| finds(&holdings_before, person)));
    drop((holdings_before, delta));
    let delta = Arc::new(Delta::open(&path).unwrap());
    let holdings = holdings(&delta);
    assert!(added.iter().step_by(100).all(|person| finds(&holdings, person)));
    assert_eq!(delta.persons().unwrap().len(), delta.len());
}

#[test]
fn a_changed_record_takes_the_place_of_the_earlier_one() {
    let directory = tempfile::tempdir().unwrap();
    let delta = Arc::new(Delta::open(&directory.path().join("delta.log")).unwrap());
    let holdings = holdings(&delta);
    let before = synth::persons(1, 500).find(|person| person.born.is_some() && person.aliases.is_empty()).unwrap();
    assert!(finds(&holdings, &before));
    let mut changed = before.clone();
    for surname in ["SAMPLEONE", "SAMPLETWO"] {
        let earlier = changed.clone();
        changed.surname = surname.to_owned();
        delta.add(std::slice::from_ref(&changed)).unwrap();
        assert!(finds(&holdings, &changed) && !finds(&holdings, &earlier), "{surname}");
        assert!(delta.replaces(&before));
    }
    assert_eq!(delta.persons().unwrap(), [changed]);
}

#[test]
fn a_frame_that_was_cut_short_is_dropped_and_the_others_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("delta.log");
    let added = others(20_000, 40);
    let delta = Delta::open(&path).unwrap();
    added.iter().for_each(|person| delta.add(std::slice::from_ref(person)).unwrap());
    drop(delta);
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(97) {
        fs::write(&path, &whole[..cut]).unwrap();
        let delta = Delta::open(&path).unwrap();
        let persons = delta.persons().unwrap();
        assert!(added.starts_with(&persons), "cut at {cut}");
        // And it goes on from there.
        delta.add(&added[39..]).unwrap();
        drop(delta);
        assert_eq!(Delta::open(&path).unwrap().persons().unwrap().last(), added.last());
    }
}
