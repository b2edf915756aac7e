//! `orinet records search`: persons looked for by somebody at the keyboard.

use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use records::{
    AlienNumber, Candidate, Class, Found, Identifier, IdentifierKind, Place, Query, Settings, Sex, Thresholds,
};
use serde_json::{Value, json};

use super::indexes::Indexes;
use crate::cli::{USAGE, failed};

/// Looks for a person by name and date of birth, or by any number, and says how likely each candidate is the person and
/// why. Errors of spelling and of dates are looked through.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    indexes: Indexes,
    /// Family name or names
    #[arg(long, default_value = "")]
    surname: String,
    /// First given name, or an initial
    #[arg(long, default_value = "")]
    given: String,
    /// Further given names
    #[arg(long, default_value = "")]
    middle: String,
    /// Date of birth, as 1980-01-02; January 1 if the year alone is known
    #[arg(long, value_name = "DATE")]
    born: Option<Date>,
    /// Sex: F or M
    #[arg(long, value_parser = sex, default_value = "U")]
    sex: Sex,
    /// Country of birth: two letters of the NCIC table
    #[arg(long, value_name = "CODE", value_parser = place)]
    birth_place: Option<Place>,
    /// Alien number
    #[arg(long, value_name = "NUMBER")]
    alien_number: Option<AlienNumber>,
    /// Another number: fbi, ssn, passport, i94, licence, fin, sevis or receipt, an equals sign, and the number
    #[arg(long = "number", value_name = "KIND=NUMBER", value_parser = number)]
    numbers: Vec<Identifier>,
    /// How many candidates are shown at most
    #[arg(long, default_value_t = 10)]
    limit: usize,
    /// The least likely that are shown
    #[arg(long, value_enum, default_value_t = Least::Possible)]
    least: Least,
    #[command(flatten)]
    thresholds: ThresholdArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// From which probability on a candidate is called what.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ThresholdArguments {
    /// From this probability on a candidate is a match, if nothing speaks against it
    #[arg(long, value_name = "PROBABILITY", default_value_t = Thresholds::USUAL.matches)]
    match_from: f32,
    /// From this probability on a candidate is possible
    #[arg(long, value_name = "PROBABILITY", default_value_t = Thresholds::USUAL.possible)]
    possible_from: f32,
}

impl ThresholdArguments {
    pub(super) const fn thresholds(self) -> Thresholds {
        Thresholds { matches: self.match_from, possible: self.possible_from }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Least {
    Match,
    Possible,
    Unlikely,
}

fn sex(text: &str) -> Result<Sex, String> {
    let mut letters = text.chars();
    let sex = letters.next().and_then(Sex::from_letter).filter(|_| letters.next().is_none());
    sex.ok_or_else(|| "write F, M or U".to_owned())
}

fn place(text: &str) -> Result<Place, String> {
    Place::new(text).ok_or_else(|| "write two letters, such as MM".to_owned())
}

fn number(text: &str) -> Result<Identifier, String> {
    let (kind, number) = text.split_once('=').ok_or("write the kind, an equals sign, and the number")?;
    let kinds = || IdentifierKind::ALL.iter().map(|kind| kind.column());
    let kind = IdentifierKind::ALL.iter().find(|one| one.column().eq_ignore_ascii_case(kind));
    let kind = kind.ok_or_else(|| format!("no such kind; there are {}", kinds().collect::<Vec<_>>().join(", ")))?;
    Identifier::new(*kind, number, None).ok_or_else(|| "not a number of that kind".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match search(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(USAGE, error.as_ref()),
    }
}

fn search(arguments: &Arguments) -> anyhow::Result<()> {
    let holdings = arguments.indexes.open()?;
    let query = Query {
        surname: arguments.surname.clone(),
        given: arguments.given.clone(),
        middle: arguments.middle.clone(),
        born: arguments.born,
        sex: arguments.sex,
        birth_place: arguments.birth_place,
        alien_number: arguments.alien_number,
        numbers: arguments.numbers.clone(),
    };
    let least = match arguments.least {
        Least::Match => Class::Match,
        Least::Possible => Class::Possible,
        Least::Unlikely => Class::Unlikely,
    };
    let thresholds = arguments.thresholds.thresholds();
    let settings = Settings { least, thresholds, ..Settings::best(arguments.limit) };
    let began = Instant::now();
    let found = holdings.search(&query, &settings)?;
    let micros = began.elapsed().as_secs_f64() * 1e6;
    if arguments.json {
        say!("{:#}", json_of(&found, micros));
    } else {
        print(&found, micros, holdings.len() + holdings.added());
    }
    Ok(())
}

const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Match => "match",
        Class::Possible => "possible",
        Class::Unlikely => "unlikely",
    }
}

fn json_of(found: &Found, micros: f64) -> Value {
    let candidate = |one: &Candidate| {
        let person = &one.person;
        let reason = |reason: &records::Reason| json!({ "part": reason.part.name(), "agreement": reason.agreement.name(), "bits": reason.bits });
        let numbers: serde_json::Map<String, Value> =
            person.numbers().map(|number| (number.kind.column().to_owned(), json!(number.text()))).collect();
        json!({
            "probability": one.probability,
            "class": class_name(one.class),
            "bits": one.bits,
            "reasons": one.reasons.iter().map(reason).collect::<Vec<_>>(),
            "source": person.source.name(),
            "alien_number": person.alien_number.to_string(),
            "surname": person.surname,
            "given": person.given,
            "middle": person.middle,
            "born": person.born.map(|born| born.to_string()),
            "sex": person.sex.letter().to_string(),
            "birth_place": person.birth_place.as_str(),
            "citizenship": person.citizenship.as_str(),
            "status": person.status.sentence(),
            "status_since": person.status_since.map(|since| since.to_string()),
            "numbers": numbers,
        })
    };
    json!({
        "candidates": found.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "searched": found.searched.iter().map(records::Source::name).collect::<Vec<_>>(),
        "total": found.total,
        "complete": found.complete,
        "compared": found.compared,
        "microseconds": micros,
    })
}

fn print(found: &Found, micros: f64, records: usize) {
    for candidate in &found.candidates {
        let person = &candidate.person;
        let born = person.born.map_or_else(|| "unknown".to_owned(), |born| born.to_string());
        let names = [&person.given, &person.middle].map(String::as_str).join(" ");
        say!(
            "{:8} {:.3}  A{} {:7} {}, {}  born {born}  {}  {}  {}",
            class_name(candidate.class),
            candidate.probability,
            person.alien_number,
            person.source.name(),
            person.surname,
            names.trim_end(),
            person.sex.letter(),
            person.birth_place,
            person.status.sentence()
        );
        let reason = |reason: &records::Reason| {
            format!("{} {} {:+.1}", reason.part.name(), reason.agreement.name(), reason.bits)
        };
        say!("               {}", candidate.reasons.iter().map(reason).collect::<Vec<_>>().join("; "));
    }
    let cut = if found.complete { "" } else { ", cut short: there may be more" };
    say!(
        "{} of {} candidates among {records} records, {} compared in {micros:.0} µs{cut}",
        found.candidates.len(),
        found.total,
        found.compared
    );
}
