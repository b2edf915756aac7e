//! What agreements count: how much likelier each is in the record of the person asked for than in anybody's.
//!
//! The unit is the bit: one more doubles the odds (Fellegi and Sunter's weights). How likely an agreement is by chance
//! is counted in the file: a rare name counts more than a common one. How likely an error is in the person's own
//! record is a table below.

use super::agreement::{Agreement, Part, Reason};
use super::asked::{FURTHER, GIVEN, GIVEN_JOINED, JOINED, MIDDLE, SECOND, SURNAME};
use super::lens::Lens;
use crate::format::Row;
use crate::neighbor::{self, Nearness};
use crate::{Index, IndexError, Sex, encode};

/// The weights of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weighed {
    pub(crate) surname: (Agreement, f32),
    pub(crate) given: Option<(Agreement, f32)>,
    pub(crate) middle: Option<(Agreement, f32)>,
    pub(crate) born: Option<(Agreement, f32)>,
    pub(crate) sex: Option<(Agreement, f32)>,
    pub(crate) place: Option<(Agreement, f32)>,
}

impl Weighed {
    pub(crate) fn bits(&self) -> f32 {
        let rest = [self.given, self.middle, self.born, self.sex, self.place];
        self.surname.1 + rest.into_iter().flatten().map(|(_, bits)| bits).sum::<f32>()
    }

    pub(crate) fn reasons(&self) -> impl Iterator<Item = Reason> {
        [
            (Part::Surname, Some(self.surname)),
            (Part::Given, self.given),
            (Part::Middle, self.middle),
            (Part::Born, self.born),
            (Part::Sex, self.sex),
            (Part::BirthPlace, self.place),
        ]
        .into_iter()
        .filter_map(|(part, weighed)| weighed.map(|(agreement, bits)| Reason { part, agreement, bits }))
    }
}

/// How often a name of the person's own record is so near to how it is asked for, by [`Nearness`].
const OWN_SURNAME: [f32; 9] = [0.0, 0.86, 0.02, 0.03, 0.04, 0.001, 0.01, 0.008, 0.002];
const OWN_GIVEN: [f32; 9] = [0.0, 0.80, 0.02, 0.03, 0.04, 0.03, 0.01, 0.008, 0.03];

/// Persons who are added to those of the file, with names that nobody else has, so that in a small file a name is not
/// taken for common.
const ADDED: f32 = 100_000.0;

/// The most that a name counts: names in one record are not independent, and a rare one may be a slip.
const NAME_BITS_MAX: f32 = 17.0;

/// What each nearness to a name counts in a file of so many rows, of which `masses` have names so near.
pub(crate) fn name_bits(masses: &[u64; 9], rows: u64, is_given: bool) -> [f32; 9] {
    let own = if is_given { OWN_GIVEN } else { OWN_SURNAME };
    let mut bits = [0.0; 9];
    for nearness in Nearness::ALL {
        let place = nearness as usize;
        let chance = match nearness {
            Nearness::Near => 0.003,
            // Few letters begin names: none is rare.
            Nearness::Initial => (masses[place] as f32 / (rows as f32 + ADDED)).max(0.04),
            Nearness::Same
            | Nearness::Form
            | Nearness::Spelling
            | Nearness::Edit
            | Nearness::ShortForm
            | Nearness::Sound => (masses[place] as f32 + 3.0) / (rows as f32 + ADDED),
        };
        bits[place] = (own[place] / chance).log2().min(NAME_BITS_MAX);
    }
    // A name that is less near never counts more.
    for place in 2..bits.len() {
        bits[place] = bits[place].min(bits[place - 1] - 0.2);
    }
    bits
}

/// What a name counts that is another.
const OTHER_SURNAME: f32 = -6.5;
const OTHER_GIVEN: f32 = -5.5;
const OTHER_MIDDLE: f32 = -2.2;

/// What it costs that only one of two names agrees: the first or only given, the second, of two with the other wrong.
const FIRST_OF_TWO: f32 = -1.5;
const SECOND_OF_TWO: f32 = -2.5;
const ONE_OF_TWO: f32 = -4.0;
const OTHER_ORDER: f32 = -2.0;
const EXCHANGED: f32 = -3.0;
const MIDDLE_AS_GIVEN: f32 = -2.5;

/// What dates count beside the same one: how often the person's own record has each error, and on how many of 31,000
/// days it would be seen by chance.
fn date_bits(agreement: Agreement) -> f32 {
    let (own, days) = match agreement {
        Agreement::DayAndMonth => (0.008, 1.0),
        Agreement::YearNear => (0.008, 2.0),
        Agreement::DayNear => (0.005, 2.0),
        Agreement::Digit => (0.015, 30.0),
        Agreement::Decade => (0.005, 6.0),
        Agreement::YearOnly => (0.012, 3.0),
        Agreement::Same
        | Agreement::Form
        | Agreement::Spelling
        | Agreement::OneLetter
        | Agreement::ShortForm
        | Agreement::Sound
        | Agreement::Near
        | Agreement::Initial
        | Agreement::Partly
        | Agreement::Exchanged
        | Agreement::Unknown => return 0.0,
        Agreement::Different => return -7.0,
    };
    f32::log2(own * 31_000.0 / days)
}

impl Lens<'_> {
    /// Weighs a row born on a day, of whose rows there are `of_day`. With `closely`, names that no mark finds are
    /// compared letter by letter if the rest agrees.
    pub(crate) fn weigh(
        &self,
        index: &Index,
        row: &Row,
        day: u16,
        of_day: usize,
        closely: bool,
    ) -> Result<Weighed, IndexError> {
        let (mut surname, mut given) = (self.surname(row), self.given(row));
        if let Some(exchanged) = self.exchanged(row)
            && exchanged[0] + exchanged[1] > surname.1 + given.map_or(0.0, |(_, bits)| bits)
        {
            surname = (Agreement::Exchanged, exchanged[0]);
            given = Some((Agreement::Exchanged, exchanged[1]));
        }
        if closely {
            let given_agrees = given.is_none_or(|(_, bits)| bits > 0.0);
            if surname.0 == Agreement::Different && given_agrees && self.is_near(index, row.surname, row.second)? {
                surname = (Agreement::Near, self.worth(SURNAME, Nearness::Near));
            } else if given.is_some_and(|(agreement, _)| agreement == Agreement::Different)
                && surname.1 > 0.0
                && self.is_given_near(index, row.given)?
            {
                given = Some((Agreement::Near, self.worth(GIVEN, Nearness::Near)));
            }
        }
        // From every pair alike, so that a nearer name stays the likelier one.
        if surname.1 > 0.0
            && let Some((_, bits)) = given.as_mut().filter(|(_, bits)| *bits > 0.0)
        {
            *bits -= self.pair_excess;
        }
        Ok(Weighed {
            surname,
            given,
            middle: self.middle(row),
            born: self.born(index, day, of_day),
            sex: self.sex(row, given.is_some()),
            place: self.place(row),
        })
    }

    fn surname(&self, row: &Row) -> (Agreement, f32) {
        let near = |id: u32, place: usize| {
            let near = self.near(id, place)?;
            Some((Agreement::of(near), self.worth(place, near)))
        };
        let best = |options: &[Option<(Agreement, f32)>]| {
            let found = options.iter().copied().flatten();
            found.fold((Agreement::Different, OTHER_SURNAME), |best, one| if one.1 > best.1 { one } else { best })
        };
        let partly =
            |found: Option<(Agreement, f32)>, less: f32| found.map(|(_, bits)| (Agreement::Partly, bits + less));
        let joined = || near(row.surname, JOINED);
        if row.surname == 0 {
            return (Agreement::Unknown, 0.0);
        }
        match (self.has_second, row.second != 0) {
            (false, false) => best(&[near(row.surname, SURNAME)]),
            (false, true) => best(&[
                partly(near(row.surname, SURNAME), FIRST_OF_TWO),
                partly(near(row.second, SURNAME), SECOND_OF_TWO),
            ]),
            (true, false) => best(&[
                joined(),
                partly(near(row.surname, SURNAME), FIRST_OF_TWO),
                partly(near(row.surname, SECOND), SECOND_OF_TWO),
            ]),
            (true, true) => {
                let (one, other) = (near(row.surname, SURNAME), near(row.second, SECOND));
                let (first_last, last_first) = (near(row.surname, SECOND), near(row.second, SURNAME));
                let both = one.zip(other).map(|(a, b)| (a.0.max(b.0), (a.1 + b.1).min(NAME_BITS_MAX + 5.0)));
                let swapped = first_last
                    .zip(last_first)
                    .map(|(a, b)| (Agreement::Partly, (a.1 + b.1).min(NAME_BITS_MAX + 5.0) + OTHER_ORDER));
                best(&[
                    both,
                    swapped,
                    joined(),
                    partly(one, ONE_OF_TWO),
                    partly(other, ONE_OF_TWO),
                    partly(first_last, ONE_OF_TWO),
                    partly(last_first, ONE_OF_TWO),
                ])
            }
        }
    }

    fn given(&self, row: &Row) -> Option<(Agreement, f32)> {
        self.asked.token(GIVEN)?;
        if row.given == 0 {
            return Some((Agreement::Unknown, 0.0));
        }
        let mut best = (Agreement::Different, OTHER_GIVEN);
        let mut consider = |id: u32, place: usize, less: f32| {
            if id != 0
                && let Some(near) = self.near(id, place)
                && (less == 0.0 || near != Nearness::Initial)
            {
                let bits = self.worth(place, near) + less;
                if bits > best.1 {
                    best = (if less < 0.0 { Agreement::Partly } else { Agreement::of(near) }, bits);
                }
            }
        };
        consider(row.given, GIVEN, 0.0);
        consider(row.given, GIVEN_JOINED, 0.0);
        consider(row.middle, GIVEN, MIDDLE_AS_GIVEN);
        consider(row.given, MIDDLE, MIDDLE_AS_GIVEN);
        consider(row.given, FURTHER, MIDDLE_AS_GIVEN);
        Some(best)
    }

    fn middle(&self, row: &Row) -> Option<(Agreement, f32)> {
        self.asked.token(MIDDLE)?;
        if row.middle == 0 {
            return Some((Agreement::Unknown, -0.2));
        }
        let mut best = (Agreement::Different, OTHER_MIDDLE);
        for (id, place, less) in [(row.middle, MIDDLE, 0.0), (row.middle, FURTHER, 0.5), (row.middle, GIVEN, 2.0)] {
            if let Some(near) = self.near(id, place) {
                // Middle names are left out, cut and exchanged so often that they count half.
                let bits = (self.worth(place, near) * 0.5 - less).clamp(0.0, 6.0);
                if bits > best.1 {
                    best = (Agreement::of(near), bits);
                }
            }
        }
        Some(best)
    }

    /// What the names count in each other's place: surname, given name.
    fn exchanged(&self, row: &Row) -> Option<[f32; 2]> {
        let worth = |id: u32, place: usize| self.near(id, place).map(|near| self.worth(place, near));
        let surname =
            worth(row.given, SURNAME).or_else(|| worth(row.given, SECOND)).or_else(|| worth(row.given, JOINED))?;
        let given = [row.surname, row.second].into_iter().filter_map(|id| worth(id, GIVEN));
        let given = given.fold(None, |best: Option<f32>, bits| Some(best.map_or(bits, |best| best.max(bits))))?;
        Some([surname + EXCHANGED, given + EXCHANGED])
    }

    fn born(&self, index: &Index, day: u16, of_day: usize) -> Option<(Agreement, f32)> {
        let dates = &self.asked.dates;
        if !dates.is_asked {
            return None;
        }
        let agreement = dates.agreement(day);
        let bits = if agreement == Agreement::Same {
            let chance = (of_day as f32 + 3.0) / (index.rows() as f32 + ADDED);
            (0.93 / chance).log2().min(15.0)
        } else if agreement == Agreement::YearOnly && dates.year.is_some() {
            // The record's January 1 is rare; the days of a year for which the asked one stands are not.
            0.0
        } else {
            date_bits(agreement)
        };
        Some((agreement, bits))
    }

    fn sex(&self, row: &Row, with_given: bool) -> Option<(Agreement, f32)> {
        let recorded = encode::sex_of(row.sex);
        if self.asked.sex == Sex::Unknown {
            return None;
        }
        Some(match recorded {
            Sex::Unknown => (Agreement::Unknown, 0.0),
            // The given name has said most of it.
            same if same == self.asked.sex => (Agreement::Same, if with_given { 0.1 } else { 1.0 }),
            Sex::Female | Sex::Male => (Agreement::Different, -5.0),
        })
    }

    fn place(&self, row: &Row) -> Option<(Agreement, f32)> {
        let asked = self.asked.place_number?;
        // Names have said some of it.
        Some(if asked == row.place { (Agreement::Same, 1.5) } else { (Agreement::Different, -3.5) })
    }

    fn is_near(&self, index: &Index, surname: u32, second: u32) -> Result<bool, IndexError> {
        for place in [SURNAME, SECOND] {
            for id in [surname, second] {
                if id != 0 && self.is_like(index, id, place)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn is_given_near(&self, index: &Index, given: u32) -> Result<bool, IndexError> {
        Ok(given != 0 && self.is_like(index, given, GIVEN)?)
    }

    fn is_like(&self, index: &Index, id: u32, place: usize) -> Result<bool, IndexError> {
        let Some(token) = self.token(place) else { return Ok(false) };
        // Names that share few letters are not worth a look.
        if (index.name_entry(id)?.letters.get() ^ token.letters).count_ones() > 4 {
            return Ok(false);
        }
        Ok(neighbor::is_near(&token.text, index.name(id)?))
    }
}
