//! How far a record agrees with what was asked, part by part, and what each part counts.
//!
//! The score is the share of the points that the asked parts can give. The points are set by judgment, not measured:
//! a score ranks candidates, it is no probability.

use std::collections::HashMap;

use crate::Sex;
use crate::name::{letters, units, words};
use crate::phonetic::Sound;

/// A part of a person that a query can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Alien number.
    AlienNumber,
    /// Surname.
    Surname,
    /// First given name.
    Given,
    /// Middle name.
    Middle,
    /// Date of birth.
    Born,
    /// Sex.
    Sex,
    /// Country of birth.
    BirthPlace,
}

impl Part {
    /// The points of full agreement.
    const fn weight(self) -> u8 {
        match self {
            Self::AlienNumber => 60,
            Self::Surname => 40,
            Self::Given | Self::Born => 25,
            Self::Middle => 5,
            Self::BirthPlace => 3,
            Self::Sex => 2,
        }
    }
}

/// How a part of a record agrees with the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Agreement {
    /// The same, whatever the case, marks, hyphens and spaces.
    Same,
    /// Sounds alike or is spelled nearly alike.
    Alike,
    /// One of several names is the same, such as one of two surnames.
    Partly,
    /// An initial that fits.
    Initial,
    /// The record does not say.
    Unknown,
    /// Something else.
    Different,
}

/// One part of an explained score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// What was compared.
    pub part: Part,
    /// How it agreed.
    pub agreement: Agreement,
    /// What it counted.
    pub points: u8,
    /// What full agreement would have counted.
    pub points_max: u8,
}

impl Reason {
    /// An agreement and the part of the weight that it earns, from 0 to 1.
    pub(crate) fn new(part: Part, (agreement, earned): Graded) -> Self {
        let points_max = part.weight();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 60: earned is 0 to 1")]
        let points = (f32::from(points_max) * earned.clamp(0.0, 1.0)).round() as u8;
        Self { part, agreement, points, points_max }
    }
}

/// The score of some reasons: points earned of points possible, 0 to 100, rounded down so that only full agreement is
/// 100.
pub(crate) fn score(reasons: &[Reason]) -> u8 {
    let sum = |of: fn(&Reason) -> u8| reasons.iter().map(|reason| u32::from(of(reason))).sum::<u32>();
    let possible = sum(|reason| reason.points_max);
    (sum(|reason| reason.points) * 100).checked_div(possible).and_then(|share| u8::try_from(share).ok()).unwrap_or(0)
}

/// An agreement and the share of its part's weight that it earns.
pub(crate) type Graded = (Agreement, f32);

const SAME: Graded = (Agreement::Same, 1.0);
/// Both surnames, in another order.
const SAME_PARTS: Graded = (Agreement::Partly, 0.9);
const DIFFERENT: Graded = (Agreement::Different, 0.0);
/// What the record does not say counts half: it neither speaks for the person nor against.
const UNKNOWN: Graded = (Agreement::Unknown, 0.5);

/// Compares values that are the same or not.
pub(crate) fn exactly<T: PartialEq>(asked: T, recorded: Option<T>) -> Graded {
    match recorded {
        None => UNKNOWN,
        Some(recorded) if recorded == asked => SAME,
        Some(_) => DIFFERENT,
    }
}

/// Compares sexes; an unknown one on either side says nothing.
pub(crate) fn sex(asked: Sex, recorded: Sex) -> Graded {
    if asked == Sex::Unknown { UNKNOWN } else { exactly(asked, (recorded != Sex::Unknown).then_some(recorded)) }
}

/// A surname that is asked for, taken apart once for a whole search.
#[derive(Debug)]
pub(crate) struct Surname {
    letters: String,
    sound: Sound,
    units: Vec<(String, Sound)>,
    graded: HashMap<u32, Graded>,
}

impl Surname {
    /// From a folded surname.
    pub(crate) fn new(folded: &str) -> Self {
        let letters = letters(folded);
        let units = units(folded).into_iter().map(|unit| (Sound::of(&unit), unit)).map(|(s, u)| (u, s)).collect();
        Self { sound: Sound::of(&letters), letters, units, graded: HashMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// The sounds of its parts, and of the whole where that is another.
    pub(crate) fn sounds(&self) -> impl Iterator<Item = Sound> {
        let whole = (self.units.len() > 1).then_some(self.sound);
        self.units.iter().map(|(_, sound)| *sound).take(UNITS_MAX).chain(whole)
    }

    /// Compares with a recorded surname; `id` names it, so that each is compared once.
    pub(crate) fn grade(&mut self, id: u32, recorded: &str) -> Graded {
        if let Some(graded) = self.graded.get(&id) {
            return *graded;
        }
        let graded = self.compare(recorded);
        self.graded.insert(id, graded);
        graded
    }

    fn compare(&self, recorded: &str) -> Graded {
        let recorded_letters = letters(recorded);
        if self.is_empty() || recorded_letters.is_empty() {
            return UNKNOWN;
        }
        if self.letters == recorded_letters {
            return SAME;
        }
        if Sound::of(&recorded_letters).is_like(self.sound) {
            return alike(&self.letters, &recorded_letters);
        }
        let recorded = units(recorded);
        if self.units.len() < 2 && recorded.len() < 2 {
            return DIFFERENT;
        }
        if self.units.len() == recorded.len() && self.units.iter().all(|(asked, _)| recorded.contains(asked)) {
            return SAME_PARTS;
        }
        // Two surnames against one, or one of two shared: the best pair of parts decides, and counts less than a
        // whole name.
        let pairs = self.units.iter().take(UNITS_MAX).flat_map(|asked| recorded.iter().map(move |unit| (asked, unit)));
        let mut best = DIFFERENT;
        for ((asked, sound), unit) in pairs {
            let (agreement, earned) = match () {
                () if asked == unit => (Agreement::Partly, 0.75),
                () if Sound::of(unit).is_like(*sound) => (Agreement::Partly, 0.75 * alike(asked, unit).1),
                () => DIFFERENT,
            };
            if earned > best.1 {
                best = (agreement, earned);
            }
        }
        best
    }
}

/// Parts of a surname that are looked up: more are no name.
const UNITS_MAX: usize = 3;

/// The given names that are asked for, taken apart once for a whole search.
#[derive(Debug)]
pub(crate) struct GivenNames {
    given: String,
    middle: String,
    sound: Sound,
    words: Vec<String>,
    graded: HashMap<(u32, u32), Graded>,
}

impl GivenNames {
    /// From folded given and middle names.
    pub(crate) fn new(given: &str, middle: &str) -> Self {
        let (letters_of_given, middle_letters) = (letters(given), letters(middle));
        let words = words(given);
        Self {
            sound: Sound::of(&letters_of_given),
            given: letters_of_given,
            middle: middle_letters,
            words,
            graded: HashMap::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    pub(crate) fn has_middle(&self) -> bool {
        !self.middle.is_empty()
    }

    /// Compares the given name with a recorded given and middle name; the ids name them, so that each pair is
    /// compared once.
    pub(crate) fn grade(&mut self, ids: (u32, u32), given: &str, middle: &str) -> Graded {
        if let Some(graded) = self.graded.get(&ids) {
            return *graded;
        }
        let graded = self.compare(given, middle);
        self.graded.insert(ids, graded);
        graded
    }

    fn compare(&self, given: &str, middle: &str) -> Graded {
        let recorded = letters(given);
        if recorded.is_empty() || self.given.is_empty() {
            return UNKNOWN;
        }
        if self.given == recorded {
            return SAME;
        }
        if let Some(graded) = initial(&self.given, &recorded) {
            return graded;
        }
        // JUAN for JUAN CARLOS, CARLOS for the middle name CARLOS. A single letter is no name.
        let shared = |name: &str| words(name).iter().any(|word| word.len() > 1 && self.words.contains(word));
        if shared(given) {
            return (Agreement::Partly, 0.7);
        }
        let near = jaro_winkler(&self.given, &recorded) >= NEAR && self.given.len().min(recorded.len()) > 3;
        let sounds = Sound::of(&recorded);
        let clear = self.sound.primary.len() > 1 && sounds.primary.len() > 1;
        match () {
            () if near || clear && sounds.is_like(self.sound) => alike(&self.given, &recorded),
            () if shared(middle) => (Agreement::Partly, 0.5),
            () => DIFFERENT,
        }
    }

    /// Compares the middle name with a recorded one.
    pub(crate) fn grade_middle(&self, recorded: &str) -> Graded {
        let recorded = letters(recorded);
        if recorded.is_empty() || self.middle.is_empty() {
            return UNKNOWN;
        }
        if self.middle == recorded {
            return SAME;
        }
        match initial(&self.middle, &recorded) {
            Some(graded) => graded,
            None if Sound::of(&recorded).is_like(Sound::of(&self.middle)) => alike(&self.middle, &recorded),
            None => DIFFERENT,
        }
    }
}

/// Spellings at least this near (Jaro-Winkler) count as alike though they sound different.
const NEAR: f64 = 0.9;

/// One letter against a name: it fits or it does not. None if both are names.
fn initial(a: &str, b: &str) -> Option<Graded> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    (short.len() == 1).then(|| if long.starts_with(short) { (Agreement::Initial, 0.6) } else { DIFFERENT })
}

/// Names that sound alike, the nearer their spelling the more they earn: half to nine tenths.
fn alike(a: &str, b: &str) -> Graded {
    #[expect(clippy::cast_possible_truncation, reason = "0 to 1; a float's last digits do not matter")]
    let near = jaro_winkler(a, b) as f32;
    (Agreement::Alike, 0.5 + 0.4 * near)
}

pub(crate) fn jaro_winkler(a: &str, b: &str) -> f64 {
    rapidfuzz::distance::jaro_winkler::similarity(a.bytes(), b.bytes())
}

#[cfg(test)]
mod tests {
    use Agreement::{Alike, Different, Initial, Partly, Same, Unknown};

    use super::*;
    use crate::fold;

    fn surnames(asked: &str, recorded: &str) -> Graded {
        Surname::new(&fold(asked)).compare(&fold(recorded))
    }

    fn given(asked: &str, given: &str, middle: &str) -> Graded {
        GivenNames::new(&fold(asked), "").compare(&fold(given), &fold(middle))
    }

    #[test]
    fn surnames_agree_as_a_reader_would_say() {
        for (asked, recorded, expect) in [
            ("García", "GARCIA", Same),
            ("de la cruz", "DELACRUZ", Same),
            ("O'Brien", "OBRIEN", Same),
            ("GONZALES", "GONZALEZ", Alike),
            ("SMYTHE", "SMITH", Alike),
            ("SHMIDT", "SCHMIDT", Alike),
            ("GARCIA", "GARCIA LOPEZ", Partly),
            ("LOPEZ GARCIA", "GARCIA LOPEZ", Partly),
            ("GONZALES", "GONZALEZ RUIZ", Partly),
            ("GARCIA", "NGUYEN", Different),
            ("", "NGUYEN", Unknown),
        ] {
            assert_eq!(surnames(asked, recorded).0, expect, "{asked} / {recorded}");
        }
    }

    #[test]
    fn given_names_agree_as_a_reader_would_say() {
        for (asked, first, middle, expect) in [
            ("José", "JOSE", "", Same),
            ("J", "JOSE", "", Initial),
            ("MARIA", "M", "", Initial),
            ("K", "JOSE", "", Different),
            ("JUAN CARLOS", "JUAN", "CARLOS", Partly),
            ("CARLOS", "JUAN", "CARLOS", Partly),
            ("STEVEN", "STEPHEN", "", Alike),
            ("MOHAMED", "MUHAMMAD", "", Alike),
            ("ELIZABETH", "ELISABETH", "", Alike),
            ("MARIA", "MARIO", "", Alike),
            ("JUAN", "PEDRO", "LUIS", Different),
            ("AI", "HUI", "", Different),
            ("", "PEDRO", "", Unknown),
        ] {
            assert_eq!(given(asked, first, middle).0, expect, "{asked} / {first} {middle}");
        }
    }

    #[test]
    fn nearer_names_earn_more() {
        // Each row is the same asked name, and recorded names from the nearest to the farthest.
        for (asked, ranked) in [
            ("GONZALEZ", &["GONZALEZ", "GONZALES", "GONZALEZ LOPEZ", "LOPEZ"][..]),
            ("SMITH", &["SMITH", "SMYTH", "SCHMIDT", "JONES"]),
            ("HERNANDEZ", &["HERNANDEZ", "HERNANDES", "HERNANDEZ RUIZ", "PEREZ"]),
            ("MOHAMMED", &["MOHAMMED", "MOHAMED", "MUHAMMAD", "AHMED"]),
            ("NGUYEN", &["NGUYEN", "TRAN"]),
            ("PETROVA", &["PETROVA", "PETROV", "IVANOV"]),
        ] {
            let earned: Vec<_> = ranked.iter().map(|recorded| surnames(asked, recorded).1).collect();
            assert!(earned.is_sorted_by(|a, b| a > b), "{asked}: {ranked:?} {earned:?}");
        }
    }

    #[test]
    fn only_full_agreement_scores_100() {
        let reason = |part, graded| Reason::new(part, graded);
        let full = [reason(Part::Surname, SAME), reason(Part::Born, SAME)];
        assert_eq!(score(&full), 100);
        assert!(score(&[full[0], full[1], reason(Part::Sex, UNKNOWN)]) < 100);
        assert_eq!(score(&[reason(Part::Surname, DIFFERENT)]), 0);
        assert_eq!(score(&[]), 0);
    }
}
