//! Live additions: durable, found at once, taking the place of what they change, folded into the next build.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use records::{
    Additions, Delta, DeltaError, Holdings, Index, Live, Person, Query, Replaced, Settings, build_bytes, synth,
};

fn holdings(delta: &Arc<Delta>) -> Holdings {
    let index = Index::from_bytes(build_bytes(synth::persons(1, 500)).unwrap()).unwrap();
    Holdings::new(vec![("base".to_owned(), index)]).with_delta(Arc::clone(delta))
}

/// Persons who are not among the first.
fn others(first: u32, count: u32) -> Vec<Person> {
    (first..first + count).map(|number| synth::person(2, number)).filter(|person| person.born.is_some()).collect()
}

/// What the log at a path holds.
fn logged(path: &Path) -> Vec<Person> {
    Additions::open(path).unwrap().persons().unwrap()
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
    assert_eq!(logged(&path).len(), delta.len());
}

#[test]
fn a_changed_record_takes_the_place_of_the_earlier_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("delta.log");
    let delta = Arc::new(Delta::open(&path).unwrap());
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
    assert_eq!(logged(&path), [changed]);
}

#[test]
fn a_batch_that_was_cut_short_is_dropped_and_the_others_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("delta.log");
    let added = others(20_000, 40);
    let delta = Delta::open(&path).unwrap();
    added.iter().for_each(|person| delta.add(std::slice::from_ref(person)).unwrap());
    drop(delta);
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(97) {
        fs::write(&path, &whole[..cut]).unwrap();
        let persons = logged(&path);
        assert!(added.starts_with(&persons), "cut at {cut}");
        // And it goes on from there.
        let delta = Delta::open(&path).unwrap();
        delta.add(&added[39..]).unwrap();
        drop(delta);
        assert_eq!(logged(&path).last(), added.last());
        let is_all = persons.len() == added.len();
        assert_eq!(logged(&path).len(), persons.len() + usize::from(!is_all));
    }
}

#[test]
fn damage_before_the_last_batch_and_another_file_are_refused_and_left_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("delta.log");
    let added = others(30_000, 3);
    let delta = Delta::open(&path).unwrap();
    let mut ends = Vec::new();
    for person in &added {
        delta.add(std::slice::from_ref(person)).unwrap();
        ends.push(usize::try_from(fs::metadata(&path).unwrap().len()).unwrap());
    }
    drop(delta);
    let whole = fs::read(&path).unwrap();
    // In the body of the second; the control is the same in the last, which a crash can leave so.
    for (at, is_refused) in [(ends[0] + 20, true), (ends[1] + 20, false)] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let opened = Delta::open(&path);
        assert_eq!(matches!(opened, Err(DeltaError::Damaged { .. })), is_refused, "{opened:?}");
        let mut additions = Additions::open(&path).unwrap();
        assert_eq!(additions.add(&added).is_err(), is_refused);
        assert_eq!(fs::read(&path).unwrap() == damaged, is_refused);
    }
    fs::write(&path, "somebody's file").unwrap();
    assert!(matches!(Delta::open(&path), Err(DeltaError::Foreign)));
    assert!(matches!(Additions::open(&path), Err(DeltaError::Foreign)));
    assert_eq!(fs::read(&path).unwrap(), b"somebody's file");
}

#[test]
fn what_another_process_adds_is_found_by_the_next_search() {
    let directory = tempfile::tempdir().unwrap();
    let (index, log) = (directory.path().join("cis.idx"), directory.path().join("added.log"));
    records::build(synth::persons(1, 500), &index).unwrap();
    let live = Live::open(vec![directory.path().to_owned()], Some(log.clone())).unwrap();
    // As another process has it open.
    let mut additions = Additions::open(&log).unwrap();
    let added = others(40_000, 30);
    for person in &added {
        assert!(!live.is_stale().unwrap() && !finds(&live.holdings().unwrap(), person));
        additions.add(std::slice::from_ref(person)).unwrap();
        assert!(live.is_stale().unwrap());
        live.refresh().unwrap();
        assert!(finds(&live.holdings().unwrap(), person));
    }
    // Both may add.
    let delta = Delta::open(&log).unwrap();
    delta.add(&others(50_000, 1)).unwrap();
    additions.add(&others(50_001, 1)).unwrap();
    delta.add(&others(50_002, 1)).unwrap();
    live.refresh().unwrap();
    assert!(others(50_000, 3).iter().all(|person| finds(&live.holdings().unwrap(), person)));
    assert_eq!((delta.len(), live.holdings().unwrap().added()), (added.len() + 3, added.len() + 3));
}

#[test]
fn a_build_folds_additions_in_and_what_came_meanwhile_stays() {
    let directory = tempfile::tempdir().unwrap();
    let (index, log) = (directory.path().join("all.idx"), directory.path().join("added.log"));
    let base: Vec<_> = synth::persons(1, 500).collect();
    records::build(base.clone(), &index).unwrap();
    let live = Live::open(vec![index.clone()], Some(log.clone())).unwrap();
    let changed = Person { surname: "SAMPLEONE".to_owned(), ..base[7].clone() };
    let (new, later) = (others(60_000, 2), others(60_100, 1));
    let delta = Delta::open(&log).unwrap();
    delta.add(&[new[0].clone(), changed.clone()]).unwrap();
    // A build begins, and more is added before it ends.
    let mut additions = Additions::open(&log).unwrap();
    let folded = additions.persons().unwrap();
    let replaced = Replaced::by(&folded);
    delta.add(&later).unwrap();
    let kept = base.iter().filter(|person| !replaced.has(person)).cloned();
    records::build(kept.chain(folded), &index).unwrap();
    additions.forget(|_| true).unwrap();
    assert_eq!(logged(&log), later);
    // Who has the old log open is told, and loses nothing.
    assert!(matches!(delta.add(&new[1..]), Err(DeltaError::Replaced)));
    assert!(live.is_stale().unwrap());
    live.refresh().unwrap();
    let holdings = live.holdings().unwrap();
    assert_eq!((holdings.len(), holdings.added()), (501, 1));
    assert!([&new[0], &changed, &later[0], &base[8]].iter().all(|person| finds(&holdings, person)));
    assert!(!finds(&holdings, &base[7]) && !finds(&holdings, &new[1]));
    Delta::open(&log).unwrap().add(&new[1..]).unwrap();
    live.refresh().unwrap();
    assert!(finds(&live.holdings().unwrap(), &new[1]));
}
