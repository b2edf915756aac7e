//! Synthetic criminal histories: what III and the states have on a person, as a function of the person's FBI number.
//!
//! So whoever is asked, and whenever, tells the same: III all arrests, a state its own. The number of a state's record
//! is that state's two letters and what the FBI number has behind its first letter: that they belong together is
//! ours, as are the offenses, agencies and outcomes; no text of a real record is public (`protocol-specs/formats.md` 5.3).
//!
//! Some persons without an FBI number have records that only states know, under numbers made of the alien number: what
//! states are asked for once III had nothing. How many that are is inferred.

use codec::codes::Table;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use records::{AlienNumber, IdentifierKind, Person};
use sha2::{Digest as _, Sha256};

/// The states that have arrests: those of the sample network.
pub const STATES: [&str; 3] = ["ZA", "ZB", "ZC"];

/// One arrest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrest {
    /// When.
    pub on: Date,
    /// In which state.
    pub state: &'static str,
    /// By which agency: an ORI of that state.
    pub agency: String,
    /// The most serious charge: a code of NCIC's table.
    pub offense: &'static str,
    /// What came of it.
    pub disposition: &'static str,
}

/// The offenses of synthetic arrests, codes of the public table.
const OFFENSES: [&str; 8] = ["0301", "1313", "2202", "2399", "3562", "5404", "5203", "5015"];

const DISPOSITIONS: [&str; 6] =
    ["CONVICTED, PROBATION 2Y", "CONVICTED, CONFINEMENT 1Y", "CONVICTED, FINE", "DISMISSED", "ACQUITTED", UNREPORTED];

/// What stands where no court has told what came of an arrest.
const UNREPORTED: &str = "NOT REPORTED";

/// The last day of the synthetic population.
const LAST: Date = date(2025, 12, 31);

/// The arrests under an FBI number, one to four, the oldest first. Nobody is arrested before the age of 18.
#[must_use]
pub fn arrests(fbi: &str, born: Option<Date>) -> Vec<Arrest> {
    let hash = Sha256::new().chain_update("history").chain_update(fbi).finalize();
    let mut numbers = hash.iter().copied();
    let mut next = move || usize::from(numbers.next().unwrap_or(0));
    let count = 1 + next() % 4;
    let grown = born.unwrap_or(date(1970, 1, 1)).saturating_add(18.years());
    let days = i64::from((LAST - grown).get_days().max(1));
    let mut arrests: Vec<Arrest> = (0..count)
        .map(|_| {
            let state = STATES.get(next() % STATES.len()).copied().unwrap_or("ZA");
            let day = i64::try_from(next() * 256 + next()).unwrap_or(0) * days / 65_536;
            Arrest {
                on: grown.saturating_add(day.days()),
                state,
                agency: format!("{state}00{}0000", 1 + next() % 2),
                offense: OFFENSES.get(next() % OFFENSES.len()).copied().unwrap_or("0399"),
                disposition: DISPOSITIONS.get(next() % DISPOSITIONS.len()).copied().unwrap_or(UNREPORTED),
            }
        })
        .collect();
    arrests.sort_by_key(|arrest| arrest.on);
    arrests
}

/// The number of a person's record in a state.
#[must_use]
pub fn state_number(state: &str, fbi: &str) -> String {
    format!("{state}{}", fbi.chars().skip(1).collect::<String>())
}

/// The FBI number behind a state's number, if it is one of ours.
#[must_use]
pub fn fbi_number(sid: &str) -> Option<String> {
    let rest = behind_state(sid)?;
    (!rest.starts_with(STATE_ONLY)).then(|| format!("Z{rest}"))
}

/// The alien number behind the number of a record that only states have, if it is one of ours.
#[must_use]
pub fn alien_number(sid: &str) -> Option<AlienNumber> {
    let number = behind_state(sid)?.strip_prefix(STATE_ONLY)?;
    u32::from_str_radix(number, 36).ok().and_then(AlienNumber::new)
}

fn behind_state(sid: &str) -> Option<&str> {
    let state = STATES.iter().find(|state| sid.starts_with(**state))?;
    sid.strip_prefix(state).filter(|rest| rest.len() == 8)
}

/// Begins the number of a record that only states have; no FBI number of ours has it in its second place.
const STATE_ONLY: char = 'A';

/// Of so many persons without an FBI number, one has a record with states that never reported it to the FBI.
const STATE_ONLY_OF: u32 = 8;

/// Whether the number of a history is an FBI number, and not one that only states know.
#[must_use]
pub fn is_federal(number: &str) -> bool {
    number.chars().nth(1) != Some(STATE_ONLY)
}

/// The FBI number of a person.
#[must_use]
pub fn federal(person: &Person) -> Option<String> {
    person.number(IdentifierKind::Fbi).map(|number| number.text().to_owned())
}

/// The number of a person's history with the states: the FBI number, or what stands for it in a record that only states have.
#[must_use]
pub fn of_states(person: &Person) -> Option<String> {
    federal(person).or_else(|| {
        let number = person.alien_number.value();
        // Spread evenly, and no pattern of the population's.
        let is_known = number.wrapping_mul(0x9e37_79b1) >> 16;
        is_known.is_multiple_of(STATE_ONLY_OF).then(|| format!("S{STATE_ONLY}{}", in_36(number)))
    })
}

/// Seven letters and digits.
fn in_36(mut number: u32) -> String {
    let mut signs: Vec<char> = (0..7)
        .map(|_| {
            let sign = char::from_digit(number % 36, 36).unwrap_or('0');
            number /= 36;
            sign.to_ascii_uppercase()
        })
        .collect();
    signs.reverse();
    signs.into_iter().collect()
}

/// An arrest as records print it.
#[must_use]
pub fn lines(arrest: &Arrest, number: usize) -> String {
    let literal = Table::Offense.text(arrest.offense).unwrap_or("NOT STATED");
    let on = arrest.on.strftime("%Y%m%d");
    let Arrest { agency, offense, disposition, .. } = arrest;
    format!("ARREST {number} DATE/{on} ORI/{agency}\r\n  CHARGE/{offense} {literal}\r\n  DISPOSITION/{disposition}")
}

/// What came of an arrest, as a line.
#[must_use]
pub fn outcome(arrest: &Arrest, number: usize) -> String {
    let disposition = match arrest.disposition {
        UNREPORTED => "NO DISPOSITION ON FILE".to_owned(),
        known => format!("DISPOSITION/{known}"),
    };
    format!("ARREST {number} DATE/{} {disposition}", arrest.on.strftime("%Y%m%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_depends_on_the_number_alone_and_makes_sense() {
        let born = Some(date(1980, 2, 29));
        for number in 0..2_000 {
            let fbi = format!("Z{number:08}");
            let all = arrests(&fbi, born);
            assert_eq!(all, arrests(&fbi, born));
            assert!((1..=4).contains(&all.len()));
            assert!(all.is_sorted_by_key(|arrest| arrest.on));
            for arrest in &all {
                assert!(arrest.on >= date(1998, 2, 28) && arrest.on <= LAST, "{}", arrest.on);
                assert_eq!(arrest.agency.len(), 9);
                assert_eq!(fbi_number(&state_number(arrest.state, &fbi)).as_deref(), Some(fbi.as_str()));
            }
        }
        assert_eq!(fbi_number("IL00000001"), None);
    }

    #[test]
    fn the_number_of_a_record_that_only_states_have_leads_back_to_the_person() {
        for number in [1, 35, 36, 93_000_000, AlienNumber::MAX] {
            let history = format!("S{STATE_ONLY}{}", in_36(number));
            assert!(!is_federal(&history) && history.len() == 9, "{history}");
            let sid = state_number("ZB", &history);
            assert_eq!(alien_number(&sid).map(AlienNumber::value), Some(number), "{sid}");
            assert_eq!(fbi_number(&sid), None);
        }
        assert!(is_federal("Z0123456B"));
        assert_eq!(alien_number("ZB0123456B"), None);
    }

    #[test]
    fn every_offense_is_in_the_public_table() {
        assert!(OFFENSES.iter().all(|code| Table::Offense.contains(code)));
    }
}
