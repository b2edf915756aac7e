//! Keys that the public record does not describe, and that a network carries as text all the same.

use super::Dictionary;
use super::spec::{Authorization, Body, DestinationRule, Mark, MessageSpec, Priority, Sender};
use crate::name::MessageKey;

/// A key that was to be carried as text has fields or rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{key} is in the dictionary, which says what it holds; leave it out here")]
pub struct CarriedError {
    /// The key.
    pub key: MessageKey,
}

/// The most destinations of a carried key, lines or ORIs: what is public for queries in general.
const DESTINATIONS_MAX: usize = 5;

impl Dictionary {
    /// This dictionary and `keys`, of which nothing is known: text from any station, from an agency with authorization
    /// Z (other types), to at most five lines or ORIs, with the priority of a query.
    ///
    /// # Errors
    /// The first key that the dictionary has already.
    pub fn with_carried(&self, keys: impl IntoIterator<Item = MessageKey>) -> Result<Self, CarriedError> {
        let mut specs = self.specs.clone();
        for key in keys {
            if self.spec(key).is_some() {
                return Err(CarriedError { key });
            }
            specs.push(carried(key));
        }
        specs.sort_by_key(|spec| spec.key);
        specs.dedup_by_key(|spec| spec.key);
        Ok(Self::of(specs))
    }
}

fn carried(key: MessageKey) -> MessageSpec {
    MessageSpec {
        key,
        title: "Carried as text".to_owned(),
        source: "formats.md 1.7".to_owned(),
        mark: Mark::Inferred,
        sender: Sender::Any,
        authorization: Some(Authorization::Other),
        destinations: DestinationRule {
            line: true,
            group: false,
            ori: true,
            max: DESTINATIONS_MAX,
            max_lines: DESTINATIONS_MAX,
        },
        priority: Priority::Query,
        hold: None,
        answer: None,
        first_line: None,
        urgent: None,
        notes: Vec::new(),
        example: None,
        body: Body::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> MessageKey {
        MessageKey::parse(text).unwrap()
    }

    #[test]
    fn a_carried_key_is_text_and_found_among_the_others() {
        let dictionary = Dictionary::builtin().with_carried([key("KQ"), key("AA"), key("KQ")]).unwrap();
        assert_eq!(dictionary.specs().len(), Dictionary::builtin().specs().len() + 2);
        for spec in dictionary.specs() {
            assert_eq!(dictionary.spec(spec.key), Some(spec));
        }
        let spec = dictionary.spec(key("KQ")).unwrap();
        assert_eq!(spec.check_body(b"ANY TEXT. AT/ALL", jiff::civil::date(2030, 1, 31)), Ok(()));
        assert_eq!((spec.options().len(), spec.class(b"PRI/U", 3, 1)), (0, Priority::Query));
    }

    #[test]
    fn a_key_that_the_dictionary_has_is_named() {
        let error = Dictionary::builtin().with_carried([key("KQ"), key("YQ")]).unwrap_err();
        assert_eq!(error.to_string(), "YQ is in the dictionary, which says what it holds; leave it out here");
    }
}
