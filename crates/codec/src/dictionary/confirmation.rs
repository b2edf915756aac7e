//! The prefixes of a hit confirmation, for whoever reads one (`protocol-specs/formats.md` 5.2).
//!
//! Those of a request are public. Those of the outcome are not: they are invented, here and in the dictionary's `YR`.

/// What the record is about.
pub const TYPE: &str = "RTY";
/// Which request this is: 1, 2 or 3.
pub const REQUEST: &str = "RNO";
/// How soon the answer is needed.
pub const PRIORITY: &str = "PRI";
/// The value of [`PRIORITY`] with which the answer is due within 10 minutes; with the other one, within an hour.
pub const URGENT: &str = "U";
/// The entering agency's case number.
pub const CASE: &str = "OCA";
/// The record's number.
pub const RECORD: &str = "NIC";
/// The outcome (invented).
pub const RESULT: &str = "RES";
/// The value of [`RESULT`] that confirms the record (invented).
pub const CONFIRMED: &str = "Y";
/// The value of [`RESULT`] that does not (invented).
pub const NOT_CONFIRMED: &str = "N";
/// The value of [`RESULT`] that asks for more time (invented).
pub const MORE_TIME: &str = "P";
/// How much more, as [`super::span`] reads it (invented).
pub const TIME: &str = "TIM";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::{Body, Dictionary, FieldRules};
    use crate::name::MessageKey;

    fn rules(key: &str) -> &'static FieldRules {
        match &Dictionary::builtin().spec(MessageKey::parse(key).unwrap()).unwrap().body {
            Body::Fields(rules) => rules,
            Body::Text => panic!("{key} has fields"),
        }
    }

    #[test]
    fn the_dictionary_has_these_fields_and_values() {
        for prefix in [TYPE, REQUEST, PRIORITY, CASE, RECORD] {
            assert!(rules("YQ").field(prefix).unwrap().required && rules("YR").field(prefix).unwrap().required);
        }
        let values = |prefix| rules("YR").field(prefix).unwrap().values.iter().map(|one| one.code.as_str()).collect();
        let (results, priorities): (Vec<_>, Vec<_>) = (values(RESULT), values(PRIORITY));
        assert_eq!((results, priorities), (vec![CONFIRMED, NOT_CONFIRMED, MORE_TIME], vec![URGENT, "R"]));
        assert_eq!(rules("YR").chosen_by().unwrap().prefix.as_str(), RESULT);
        assert!(rules("YR").field(TIME).is_some());
    }
}
