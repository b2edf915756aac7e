//! The search beside one that compares every record: it may leave out only what it says it leaves out.

use std::collections::BTreeMap;

use super::asked::Asked;
use super::find::{Effort, Finder};
use super::rank::rank;
use super::{Class, Found, Settings};
use crate::evaluate::query_of;
use crate::queries::{Class as Asking, Kind, Maker};
use crate::synth::{self, Population};
use crate::{Index, Query, build_bytes};

const RECORDS: u32 = 3_000;
const EACH: u32 = 12;

fn index(seed: u64) -> Index {
    Index::from_bytes(build_bytes(synth::persons(seed, RECORDS)).unwrap()).unwrap()
}

/// What comparing every record finds.
fn scan(index: &Index, query: &Query, settings: &Settings) -> Found {
    let asked = Asked::new(query);
    let mut finder = Finder::new(index, &asked, index.len() as u64).unwrap();
    finder.scan().unwrap();
    rank(vec![finder], settings, &|_, _| true).unwrap()
}

/// Whether the search went as far as it goes: what is likely enough ends it.
fn goes_far(index: &Index, query: &Query, settings: &Settings) -> bool {
    let asked = Asked::new(query);
    let mut finder = Finder::new(index, &asked, index.len() as u64).unwrap();
    for effort in [Effort::Narrow, Effort::Wide] {
        finder.search(effort).unwrap();
        if finder.is_confident(settings.thresholds) {
            return false;
        }
    }
    true
}

#[test]
fn what_a_scan_of_all_records_finds_the_search_finds() {
    let settings = Settings { least: Class::Possible, ..Settings::best(20) };
    let (mut compared, mut missed) = (0_u32, BTreeMap::<_, u32>::new());
    for seed in [11, 12] {
        let (index, maker) = (index(seed), Maker::new(Population::new(seed, RECORDS), seed));
        let named = Asking::ALL.iter().filter(|class| class.kind() != Kind::Number);
        for class in named {
            for number in 0..EACH {
                let Some(question) = maker.question(*class, number) else { continue };
                let query = query_of(&question);
                let found = index.search_with(&query, &settings).unwrap();
                let expected = scan(&index, &query, &settings);
                assert!(found.compared <= RECORDS as usize * 20, "{} {number}: {}", class.name(), found.compared);
                let goes_far = goes_far(&index, &query, &settings);
                for (place, one) in expected.candidates.iter().enumerate() {
                    let same = found.candidates.iter().find(|other| other.person == one.person);
                    match same {
                        Some(same) => assert!(
                            (same.bits - one.bits).abs() < 0.01,
                            "seed {seed} {} {number}: {} instead of {}",
                            class.name(),
                            same.bits,
                            one.bits
                        ),
                        // The best is found in any case; others only by a search that goes on.
                        None if place == 0 || goes_far => *missed.entry(class.name()).or_default() += 1,
                        None => {}
                    }
                    compared += 1;
                }
                // And nothing that is not there.
                assert!(found.candidates.iter().all(|one| {
                    expected.candidates.iter().any(|other| other.person == one.person)
                        || one.bits <= expected.candidates.last().map_or(0.0, |last| last.bits) + 0.01
                        || expected.candidates.len() < 20
                }));
            }
        }
    }
    let all: u32 = missed.values().sum();
    assert!(compared > 700, "{compared}");
    assert!(all * 500 <= compared, "{all} of {compared} missed: {missed:?}");
}
