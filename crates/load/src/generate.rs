//! Bodies at random from the message dictionary: every field within its rules, nothing of a real person.
//!
//! Telephone numbers are 555-01xx, social security numbers begin with 9, names are syllables. What is made is checked with
//! the dictionary's own rules before it is used, so that a rule that is not understood here is an error at the start of
//! a run and no stream of refusals in it.

use codec::codes::Table;
use codec::dictionary::{Body, BodyError, FieldRules, FieldSet, FieldSpec, Form, MessageSpec, Text};
use jiff::civil::Date;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_pcg::Pcg64;

/// Makes bodies of one key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bodies {
    pub(crate) spec: &'static MessageSpec,
    /// With what chance a field is there that need not be.
    pub(crate) optional: f64,
    /// The day on which no date of birth may lie in the future.
    pub(crate) today: Date,
}

impl Bodies {
    /// A valid body of about so many bytes: not shorter than the fields that it must have, and not longer than they can be.
    ///
    /// # Errors
    /// If the dictionary has a rule that this does not know to fulfil.
    pub(crate) fn body(&self, bytes: usize, random: &mut Pcg64) -> Result<Vec<u8>, BodyError> {
        let body = match &self.spec.body {
            Body::Text => text(bytes, random),
            Body::Fields(rules) => self.fields(rules, bytes, random),
        };
        self.spec.check_body(&body, self.today).map(|()| body)
    }

    fn fields(&self, rules: &FieldRules, bytes: usize, random: &mut Pcg64) -> Vec<u8> {
        let set = rules.sets().choose(random);
        let has = |set: &FieldSet, field: &FieldSpec| {
            let mut members = set.required(rules.fields()).chain(set.optional(rules.fields()));
            members.any(|one| one.prefix == field.prefix)
        };
        let offered = |field: &FieldSpec| rules.sets().iter().any(|set| has(set, field));
        let wanted = |field: &FieldSpec| {
            set.is_some_and(|set| set.required(rules.fields()).any(|one| one.prefix == field.prefix))
        };
        // What belongs to another set is not there.
        let possible = |field: &FieldSpec| set.is_some_and(|set| has(set, field)) || !offered(field);
        // The field that makes the body as long as it is to be is there for that alone.
        let pads = |field: &&FieldSpec| {
            !field.required && !offered(field) && field.text == Text::Free && *field.length.end() >= PADDING_MIN
        };
        let padding = rules.fields().iter().find(pads);
        let mut parts = Vec::new();
        for field in rules.fields() {
            let needed = field.required || wanted(field);
            let is_padding = padding.is_some_and(|padding| padding.prefix == field.prefix);
            if needed || possible(field) && !is_padding && random.random_bool(self.optional) {
                let chooses = rules.chosen_by().is_some_and(|one| one.prefix == field.prefix);
                let chosen = set.filter(|_| chooses).and_then(|set| set.values.choose(random)).cloned();
                let value = chosen.unwrap_or_else(|| value(field, self.today, random));
                parts.push(format!("{}/{value}", field.prefix));
            }
        }
        let length = parts.iter().map(|part| part.len() + 1).sum::<usize>();
        if let Some(field) = padding
            && let Some(missing) = bytes.checked_sub(length + field.prefix.as_str().len() + 1)
            && missing >= *field.length.start()
        {
            let count = missing.min(*field.length.end());
            parts.push(format!("{}/{}", field.prefix, characters(field, count, random)));
        }
        parts.join(".").into_bytes()
    }
}

/// A field that takes so many bytes can make a body as long as is asked for.
const PADDING_MIN: usize = 100;

/// How every free text begins.
const SYNTHETIC: &str = "LOAD TEST SYNTHETIC DATA";

/// Free text in lines.
pub(crate) fn text(bytes: usize, random: &mut Pcg64) -> Vec<u8> {
    let mut text = SYNTHETIC.as_bytes().to_vec();
    let mut line = text.len();
    while text.len() + 3 < bytes {
        if line > 60 {
            text.extend_from_slice(b"\r\n");
            line = 0;
        } else {
            text.push(b' ');
        }
        let word = name(random);
        text.extend_from_slice(word.as_bytes());
        line += word.len() + 1;
    }
    if bytes >= SYNTHETIC.len() {
        text.resize(bytes, b'X');
    }
    text
}

/// A value that the field's rules allow, as far as they are known here.
fn value(field: &FieldSpec, today: Date, random: &mut Pcg64) -> String {
    if let Some(value) = field.values.choose(random) {
        return value.code.clone();
    }
    if let Some(table) = field.table {
        return code(table, field, random);
    }
    let longest = *field.length.end();
    match field.form {
        Some(Form::Address) if field.length.contains(&2) => name(random).get(..2).unwrap_or("ZZ").to_owned(),
        Some(Form::Address) => format!("ZZ{}", number(7, random)),
        Some(Form::BirthDate) => birth_date(today, longest, random),
        Some(Form::MiscellaneousNumber) => format!("AR-{}", number(9, random)),
        // The same day for both ends of a period.
        Some(Form::Moment) => today.strftime("%Y%m%d").to_string(),
        Some(Form::Name) => {
            let name = format!("{}, {}", name(random), name(random));
            name.get(..longest).unwrap_or(&name).trim_end().to_owned()
        }
        Some(Form::NcicNumber) => format!("N{}", number(9, random)),
        Some(Form::Span) => format!("{}M", random.random_range(1..60)),
        Some(Form::StateNumber) => {
            let state = code(Table::State, field, random);
            let digits = longest.saturating_sub(state.len()).min(8);
            state + &number(digits, random)
        }
        Some(Form::Year | Form::YearOrShort) => random.random_range(2020..2036).to_string(),
        None => match field.prefix.as_str() {
            "PHN" | "PHO" | "FAX" | "ALP" | "ALF" => format!("55555501{:02}", random.random_range(0..100)),
            "AUT" => "AC".to_owned(),
            // Such numbers are given to nobody.
            "SOC" => format!("9{}", number(8, random)),
            _ => {
                let length = random.random_range(*field.length.start()..=longest.min(field.length.start() + 12));
                characters(field, length, random)
            }
        },
    }
}

fn code(table: Table, field: &FieldSpec, random: &mut Pcg64) -> String {
    let fits = |code: &&str| table_fits(field, code);
    let codes: Vec<&str> = table.entries().map(|(code, _)| code).filter(fits).collect();
    codes.choose(random).copied().unwrap_or_default().to_owned()
}

fn table_fits(field: &FieldSpec, code: &str) -> bool {
    // A state's letters begin a state number: they are shorter than the field.
    let length = field.length.contains(&code.len()) || field.form == Some(Form::StateNumber) && code.len() == 2;
    length
        && !field.except.iter().any(|except| except == code)
        && code.bytes().all(|byte| field.characters.contains(byte))
}

/// Of somebody between 18 and 90.
fn birth_date(today: Date, longest: usize, random: &mut Pcg64) -> String {
    let (year, month, day) =
        (today.year() - random.random_range(18..90), random.random_range(1..=12), random.random_range(1..=28));
    if longest >= 8 { format!("{year:04}{month:02}{day:02}") } else { format!("{month:02}{day:02}{:02}", year % 100) }
}

/// Letters and digits, or what else the field takes if it takes none; never what would end it.
fn characters(field: &FieldSpec, count: usize, random: &mut Pcg64) -> String {
    let allowed = |byte: &u8| field.characters.contains(*byte);
    let plain: Vec<u8> = (b'0'..=b'9').chain(b'A'..=b'Z').filter(allowed).collect();
    let any: Vec<u8> = (0x20..0x7f).filter(|byte| allowed(byte) && !matches!(byte, b'.' | b'/')).collect();
    let from = if plain.is_empty() { &any } else { &plain };
    (0..count).map(|_| char::from(from.choose(random).copied().unwrap_or(b'0'))).collect()
}

fn number(digits: usize, random: &mut Pcg64) -> String {
    (0..digits).map(|_| char::from(random.random_range(b'0'..=b'9'))).collect()
}

/// Two or three syllables that are nobody's name in particular.
fn name(random: &mut Pcg64) -> String {
    const SYLLABLES: [&str; 24] = [
        "BA", "CO", "DEL", "FI", "GRU", "HAN", "JO", "KES", "LU", "MAR", "NI", "OR", "PET", "QUI", "RAS", "SOL", "TA",
        "UM", "VEN", "WI", "XA", "YOR", "ZE", "LIN",
    ];
    (0..random.random_range(2..=3)).filter_map(|_| SYLLABLES.choose(random).copied()).collect()
}

#[cfg(test)]
mod tests {
    use codec::dictionary::Dictionary;
    use jiff::civil::date;
    use rand::SeedableRng as _;

    use super::*;

    const SEED: u64 = 5;

    #[test]
    fn every_key_of_the_dictionary_gets_bodies_that_its_rules_take() {
        let mut random = Pcg64::seed_from_u64(SEED);
        for spec in Dictionary::builtin().specs() {
            for (round, optional) in [0.0, 0.3, 1.0].into_iter().cycle().take(600).enumerate() {
                let bodies = Bodies { spec, optional, today: date(2030, 1, 31) };
                let wanted = 40 + round;
                let body = bodies.body(wanted, &mut random);
                let body = body.unwrap_or_else(|error| panic!("seed {SEED}: {} round {round}: {error}", spec.key));
                assert_eq!(codec::legacy::disallowed_byte(&body), None, "seed {SEED}: {}", spec.key);
            }
        }
    }

    #[test]
    fn a_body_is_as_long_as_it_was_asked_for_where_its_fields_allow() {
        let mut random = Pcg64::seed_from_u64(SEED);
        for key in ["IAQ", "AM"] {
            let spec = Dictionary::builtin().spec(key.parse().unwrap()).unwrap();
            let bodies = Bodies { spec, optional: 0.0, today: date(2030, 1, 31) };
            for bytes in [200, 300, 400] {
                let length = bodies.body(bytes, &mut random).unwrap().len();
                assert!(length.abs_diff(bytes) <= 1, "seed {SEED}: {key} {bytes} {length}");
            }
        }
        assert_eq!(text(SYNTHETIC.len() + 9, &mut random).len(), SYNTHETIC.len() + 9);
        assert_eq!(text(0, &mut random), SYNTHETIC.as_bytes());
    }

    #[test]
    fn telephone_and_social_security_numbers_are_nobodys() {
        let mut random = Pcg64::seed_from_u64(SEED);
        let spec = Dictionary::builtin().spec("IAQ".parse().unwrap()).unwrap();
        let bodies = Bodies { spec, optional: 1.0, today: date(2030, 1, 31) };
        for _ in 0..50 {
            let body = String::from_utf8(bodies.body(300, &mut random).unwrap()).unwrap();
            assert!(body.contains(".PHN/55555501"), "seed {SEED}: {body}");
            assert!(body.contains(".SOC/9"), "seed {SEED}: {body}");
        }
    }
}
