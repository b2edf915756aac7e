//! Values that the two formats write differently: names and dates.

use jiff::civil::Date;

use crate::dictionary::birth_date;

/// A name in its parts: `SURNAME, GIVEN MIDDLE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Name<'a> {
    pub(super) surname: &'a str,
    pub(super) given: &'a str,
    /// All that follows the given name; empty where nothing does.
    pub(super) middle: &'a str,
}

impl<'a> Name<'a> {
    /// The parts of a name, if put together they are the same name again.
    pub(super) fn split(value: &'a str) -> Option<Self> {
        let (surname, rest) = value.split_once(", ")?;
        let (given, middle) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = Self { surname, given, middle };
        let plain = |part: &str| part.trim() == part && !part.contains(',');
        let whole = !surname.is_empty() && !given.is_empty() && (rest.len() == given.len() || !middle.is_empty());
        (whole && [surname, given, middle].into_iter().all(plain) && name.joined() == value).then_some(name)
    }

    /// The name as a legacy body has it.
    pub(super) fn joined(&self) -> String {
        let Self { surname, given, middle } = self;
        if middle.is_empty() { format!("{surname}, {given}") } else { format!("{surname}, {given} {middle}") }
    }
}

/// A date of a legacy body as XML has it; one that is no date stays as it is. `today` says which century a year of two
/// digits belongs to.
pub(super) fn date_out(value: &str, today: Date) -> String {
    birth_date(value, today).map_or_else(|| value.to_owned(), |date| date.to_string())
}

/// A date as XML has it in the form of a legacy body; what is not `YYYY-MM-DD` stays as it is, and is judged there.
pub(super) fn date_in(value: &str) -> String {
    let parts = (value.get(..4), value.get(4..5), value.get(5..7), value.get(7..8), value.get(8..));
    let (Some(year), Some("-"), Some(month), Some("-"), Some(day)) = parts else { return value.to_owned() };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if day.len() == 2 && [year, month, day].into_iter().all(digits) {
        [year, month, day].concat()
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_name_is_split_only_where_its_parts_give_it_back() {
        let split = |value| Name::split(value).map(|name| (name.surname, name.given, name.middle));
        assert_eq!(split("SAMPLE, PERSON A"), Some(("SAMPLE", "PERSON", "A")));
        assert_eq!(split("VAN SAMPLE, PERSON"), Some(("VAN SAMPLE", "PERSON", "")));
        assert_eq!(split("SAMPLE, PERSON A B"), Some(("SAMPLE", "PERSON", "A B")));
        for whole in [
            "SAMPLE,PERSON",
            "SAMPLE",
            "SAMPLE,  PERSON",
            "SAMPLE, PERSON  A",
            "SAMPLE, ",
            ", A",
            " SAMPLE, A",
            "SAMPLE, A ",
            "A, B, C",
        ] {
            assert_eq!(split(whole), None, "{whole:?}");
        }
    }

    #[test]
    fn dates_are_written_as_xml_has_them_and_read_in_all_forms() {
        let today = date(2030, 1, 31);
        assert_eq!(date_out("19800102", today), "1980-01-02");
        assert_eq!(date_out("010280", today), "1980-01-02");
        assert_eq!(date_out("19801302", today), "19801302");
        assert_eq!(date_in("1980-01-02"), "19800102");
        for same in ["19800102", "010280", "1980-1-2", "1980-01-02Z", "1980-01-0A", "é980-01-02", ""] {
            assert_eq!(date_in(same), same);
        }
    }
}
