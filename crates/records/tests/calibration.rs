//! Probabilities are what they say, and thresholds hold, with persons and questions from which no table was made.

use std::sync::Arc;

use records::evaluate::{BINS, Evaluation};
use records::queries::{Absent, Class, Kind, Maker, Question};
use records::synth::Population;
use records::{Holdings, Index, Settings, Source, build_bytes};

/// Not the seed of the benches, from whose questions the table was made.
const SEED: u64 = 7_070;
const RECORDS: u32 = 120_000;
const EACH: u32 = 120;

/// How far the share of persons may be from the probability that was said, in each of ten equal parts of probability.
const ERROR_MAX: f64 = 0.12;

/// Candidates of a part that are enough to tell.
const ENOUGH: u64 = 60;

fn holdings(population: Population, absent: &Absent) -> Holdings {
    let index = |source: Source| {
        let rows = 0..population.len_of(source);
        let persons = rows.map(|row| {
            let record = population.record_of(source, row);
            absent.see(&record);
            record.person
        });
        (source.name().to_owned(), Index::from_bytes(build_bytes(persons).unwrap()).unwrap())
    };
    Holdings::new(Source::ALL.map(index).into())
}

#[test]
fn a_probability_is_how_often_it_is_the_person() {
    let population = Population::new(SEED, RECORDS);
    let absent = Absent::new(population, SEED, EACH * 10);
    let holdings = Arc::new(holdings(population, &absent));
    let maker = Maker::new(population, SEED);
    let asked = Class::ALL.iter().flat_map(|class| (0..EACH).filter_map(|number| maker.question(*class, number)));
    let questions: Vec<Question> = asked.chain(absent.questions()).collect();
    let mut evaluation = Evaluation::default();
    for question in &questions {
        evaluation.ask(&holdings, question, &Settings::best(10), |search| Ok((search()?, 0))).unwrap();
    }
    let halves: Vec<_> =
        evaluation.by_odds().iter().map(|(half, (all, right))| format!("{half}:{all}/{right}")).collect();
    let (pairs, _) = evaluation.calibration().as_chunks::<{ BINS / 10 }>();
    for (pair, place) in pairs.iter().zip(0_u32..) {
        let sum = |of: fn(&(u64, u64)) -> u64| pair.iter().map(of).sum::<u64>();
        let (all, right) = (sum(|bin| bin.0), sum(|bin| bin.1));
        let (said, is) = ((f64::from(place) + 0.5) / 10.0, right as f64 / all.max(1) as f64);
        // The least part is nearly all of nothing.
        let said = if place == 0 { 0.0 } else { said };
        assert!(all < ENOUGH || (is - said).abs() <= ERROR_MAX, "{said}: {is} of {all}; {}", halves.join(" "));
    }
    // The control: by the odds that weights give alone, it is not so.
    let raw = |from: i32, to: i32| {
        let bins = evaluation.by_odds().range(from..to).map(|(_, bin)| *bin);
        bins.fold((0, 0), |(all, right), bin| (all + bin.0, right + bin.1))
    };
    let (all, right) = raw(-4, 0);
    assert!(right as f64 / all as f64 > 0.5, "candidates of raw probability 0.2 to 0.5: {right} of {all}");
    for (class, tally) in evaluation.classes().filter(|(class, _)| class.kind() == Kind::Absent) {
        assert!(tally.wrong_matches == 0 && tally.wrong_possible * 50 <= tally.asked, "{}", class.name());
    }
}
