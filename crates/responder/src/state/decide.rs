//! What a state says to a request: a function of the request, of whom the state knows and of their histories.

use codec::dictionary::birth_date;
use jiff::civil::Date;
use records::{IdentifierKind, IndexError, Person};

use super::texts::Texts;
use crate::asked::{Answer, Asked, shown, to_query};
use crate::history::{self, Arrest};
use crate::people::{People, identity, with_history};
use crate::template::{Slot, Values};

/// Persons that are looked at, and those of them that one answer shows.
const FOUND_MAX: usize = 40;
const SHOWN_MAX: usize = 10;

/// Whom a state knows, under the number of the history, and what for.
struct Known {
    number: String,
    person: Person,
    arrests: Vec<Arrest>,
}

/// A state, as far as its answers go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bureau<'a, P> {
    /// Its two letters.
    pub(super) state: &'a str,
    pub(super) people: &'a P,
    pub(super) texts: &'a Texts,
}

impl<P: People> Bureau<'_, P> {
    /// The answer to IQ, FQ or AQ.
    pub(super) fn answer(&self, key: &str, asked: &Asked, today: Date) -> Result<Answer, IndexError> {
        match key {
            "IQ" => self.identify(asked, today),
            "FQ" => self.record(asked, today),
            _ => self.additional(asked, today),
        }
    }

    /// The answer that there is none.
    pub(super) fn unable(&self, key: &str) -> Answer {
        Answer {
            key: answer_key(key),
            text: self.texts.unable.render(&Values::default().with(Slot::State, self.state)),
        }
    }

    fn identify(&self, asked: &Asked, today: Date) -> Result<Answer, IndexError> {
        let known = self.known(self.people.find(&to_query(asked, today), FOUND_MAX)?);
        let mut blocks: Vec<String> = known
            .iter()
            .take(SHOWN_MAX)
            .map(|known| {
                let hit = index_that_hit(asked, today, &known.person);
                self.texts.identity.render(&self.values(known).with(Slot::IndexHit, hit))
            })
            .collect();
        if known.len() > SHOWN_MAX {
            blocks.push(format!("{} FURTHER PERSONS ARE NOT SHOWN", known.len() - SHOWN_MAX));
        }
        let text = if blocks.is_empty() { self.none(asked) } else { blocks.join("\r\n\r\n") };
        Ok(Answer { key: "IR", text })
    }

    fn record(&self, asked: &Asked, today: Date) -> Result<Answer, IndexError> {
        let text = self.of_number(asked, today)?.map(|known| {
            let lines: Vec<String> =
                known.arrests.iter().zip(1..).map(|(arrest, number)| history::lines(arrest, number)).collect();
            self.texts.record.render(&self.values(&known).with(Slot::Arrests, lines.join("\r\n")))
        });
        Ok(Answer { key: "FR", text: text.unwrap_or_else(|| self.none(asked)) })
    }

    /// What the record does not say: what came of each arrest, as far as the courts told the state.
    fn additional(&self, asked: &Asked, today: Date) -> Result<Answer, IndexError> {
        let text = self.of_number(asked, today)?.map(|known| {
            let lines: Vec<String> =
                known.arrests.iter().zip(1..).map(|(arrest, number)| history::outcome(arrest, number)).collect();
            self.texts.additional.render(&self.values(&known).with(Slot::Arrests, lines.join("\r\n")))
        });
        Ok(Answer { key: "AR", text: text.unwrap_or_else(|| self.none(asked)) })
    }

    /// Who has the number of this state that is asked for.
    fn of_number(&self, asked: &Asked, today: Date) -> Result<Option<Known>, IndexError> {
        let Some(sid) = asked.get("SID") else { return Ok(None) };
        let asked = Asked::from([("SID".to_owned(), sid.clone())]);
        let query = to_query(&asked, today);
        // A number that is none of ours would find everybody's neighbours.
        if query.numbers.is_empty() && query.alien_number.is_none() {
            return Ok(None);
        }
        let known = self.known(self.people.find(&query, FOUND_MAX)?);
        Ok(known.into_iter().find(|known| history::state_number(self.state, &known.number) == *sid))
    }

    /// Those who were arrested in this state.
    fn known(&self, persons: Vec<Person>) -> Vec<Known> {
        // A record that only states have is told of nobody who is found with an FBI number.
        let federal: Vec<u32> = persons
            .iter()
            .filter(|person| history::federal(person).is_some())
            .map(|person| person.alien_number.value())
            .collect();
        let number = |person: &Person| {
            let is_federal = federal.contains(&person.alien_number.value());
            if is_federal { history::federal(person) } else { history::of_states(person) }
        };
        let known = with_history(persons, number).into_iter().map(|(number, person)| {
            let arrests = history::arrests(&number, person.born);
            let arrests = arrests.into_iter().filter(|arrest| arrest.state == self.state).collect();
            Known { number, person, arrests }
        });
        known.filter(|known| !known.arrests.is_empty()).collect()
    }

    fn values(&self, known: &Known) -> Values {
        let fbi = if history::is_federal(&known.number) { known.number.as_str() } else { "" };
        Values::default()
            .with(Slot::State, self.state)
            .with(Slot::Identity, identity(&known.person))
            .with(Slot::FbiNumber, fbi)
            .with(Slot::StateNumbers, history::state_number(self.state, &known.number))
    }

    fn none(&self, asked: &Asked) -> String {
        let shown = shown(asked, &["NAM", "DOB", "SEX", "RAC", "SOC", "MNU", "SID"]);
        let shown = if shown.is_empty() { "WHAT WAS SENT".to_owned() } else { shown };
        self.texts.no_record.render(&Values::default().with(Slot::State, self.state).with(Slot::Asked, shown))
    }
}

/// The key that answers a key.
pub(super) fn answer_key(key: &str) -> &'static str {
    match key {
        "IQ" => "IR",
        "FQ" => "FR",
        _ => "AR",
    }
}

/// Which of the indexes that may be asked leads to a person (`protocol-specs/formats.md` 5.3): a number if it is the person's.
fn index_that_hit(asked: &Asked, today: Date, person: &Person) -> &'static str {
    let query = to_query(asked, today);
    let has = |kind| {
        let asked_for = query.numbers.iter().find(|number| number.kind == kind);
        asked_for.is_some_and(|asked| person.number(kind).is_some_and(|number| number.text() == asked.text()))
    };
    if has(IdentifierKind::Ssn) {
        "SOC"
    } else if query.alien_number.is_some_and(|number| number == person.alien_number) {
        "MNU"
    } else if asked.get("DOB").is_some_and(|born| birth_date(born, today) == person.born) {
        "NAM, DOB"
    } else {
        "NAM"
    }
}
