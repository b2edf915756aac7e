//! `protocol-specs/niem.toml`, the one place that says where a prefix stands in a NIEM body.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::dictionary::Mark;
use crate::name::{MessageKey, Prefix};

/// The translation table between fields and elements.
#[derive(Debug, Default)]
pub struct Table {
    namespaces: Vec<Namespace>,
    families: Vec<(MessageKey, Mark)>,
    rows: Vec<Row>,
}

/// A namespace, and the prefix with which the switch writes it.
#[derive(Debug)]
pub struct Namespace {
    /// The prefix in the table and in what is written. Read documents may use any other.
    pub prefix: String,
    /// The namespace.
    pub uri: String,
    /// How sure it is that the public format uses this one.
    pub mark: Mark,
}

/// Where a field stands.
#[derive(Debug)]
pub struct Row {
    /// The field.
    pub prefix: Prefix,
    /// The keys in whose bodies it stands there.
    pub keys: Vec<MessageKey>,
    /// The values of another field with which it stands there; none where it always does.
    pub when: Option<(Prefix, Vec<String>)>,
    /// From the wrapper inward, at least one.
    pub path: Vec<Step>,
    /// How the value is written.
    pub form: Form,
    /// The value that a body without the element has.
    pub absent: Option<String>,
    /// How sure element and place are.
    pub mark: Mark,
    /// The section of `protocol-specs/formats.md`.
    pub source: String,
}

/// One element of a path.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// As it is written: `nc:PersonName`.
    pub name: String,
    /// Its namespace.
    pub uri: String,
    /// Its name without the prefix.
    pub local: String,
}

/// How a value is written in its element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// As it is.
    Text,
    /// `YYYY-MM-DD`.
    Date,
    /// Surname, given and middle name each in an element, or the full name in one.
    Name,
}

impl Table {
    /// The table that is compiled in.
    #[must_use]
    pub fn builtin() -> &'static Self {
        // It cannot be wrong at run time what the test `the_table_is_whole` has read before.
        static BUILTIN: LazyLock<Table> = LazyLock::new(|| Table::parse(TABLE).unwrap_or_default());
        &BUILTIN
    }

    fn parse(text: &str) -> Option<Self> {
        let file: File = toml::from_str(text).ok()?;
        let mut table = Self::default();
        for NamespaceFile { prefix, uri, mark } in file.namespace {
            table.namespaces.push(Namespace { prefix, uri, mark: mark_of(&mark)? });
        }
        for FamilyFile { key, mark } in file.family {
            table.families.push((MessageKey::parse(&key).ok()?, mark_of(&mark)?));
        }
        for element in file.element {
            let row = table.row(element)?;
            table.rows.push(row);
        }
        Some(table)
    }

    fn row(&self, file: ElementFile) -> Option<Row> {
        let keys: Option<Vec<_>> = file.keys.iter().map(|key| MessageKey::parse(key).ok()).collect();
        let path: Option<Vec<_>> = file.path.split('/').map(|step| self.step(step)).collect();
        let when = match file.when {
            Some(when) => Some((Prefix::parse(&when.prefix).ok()?, when.values)),
            None => None,
        };
        let form = match file.form.as_deref() {
            None => Form::Text,
            Some("date") => Form::Date,
            Some("name") => Form::Name,
            Some(_) => return None,
        };
        let keys = keys.filter(|keys| keys.iter().all(|key| self.mark(*key).is_some()))?;
        let (prefix, mark) = (Prefix::parse(&file.prefix).ok()?, mark_of(&file.mark)?);
        Some(Row { prefix, keys, when, path: path?, form, absent: file.absent, mark, source: file.source })
    }

    fn step(&self, name: &str) -> Option<Step> {
        let (prefix, local) = name.split_once(':')?;
        let uri = self.uri(prefix)?.to_owned();
        Some(Step { name: name.to_owned(), uri, local: local.to_owned() })
    }

    /// Every namespace, in the order in which a document declares them.
    #[must_use]
    pub fn namespaces(&self) -> &[Namespace] {
        &self.namespaces
    }

    /// The namespace of a prefix.
    #[must_use]
    pub fn uri(&self, prefix: &str) -> Option<&str> {
        self.namespaces.iter().find(|one| one.prefix == prefix).map(|one| one.uri.as_str())
    }

    /// The keys whose bodies are translated field by field.
    pub fn keys(&self) -> impl Iterator<Item = MessageKey> {
        self.families.iter().map(|(key, _)| *key)
    }

    /// How sure it is that the body of a key is built of elements; none where it is free text.
    #[must_use]
    pub fn mark(&self, key: MessageKey) -> Option<Mark> {
        self.families.iter().find(|(known, _)| *known == key).map(|(_, mark)| *mark)
    }

    /// The rows of a key in the order in which its elements are written; none where its body is free text.
    #[must_use]
    pub fn rows(&self, key: MessageKey) -> Vec<&Row> {
        if self.mark(key).is_none() {
            return Vec::new();
        }
        self.rows.iter().filter(|row| row.keys.contains(&key)).collect()
    }
}

const TABLE: &str = include_str!("../../../../protocol-specs/niem.toml");

fn mark_of(word: &str) -> Option<Mark> {
    match word {
        "certain" => Some(Mark::Certain),
        "probable" => Some(Mark::Probable),
        "inferred" => Some(Mark::Inferred),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    namespace: Vec<NamespaceFile>,
    family: Vec<FamilyFile>,
    element: Vec<ElementFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamespaceFile {
    prefix: String,
    uri: String,
    mark: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FamilyFile {
    key: String,
    mark: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ElementFile {
    prefix: String,
    keys: Vec<String>,
    when: Option<WhenFile>,
    path: String,
    form: Option<String>,
    absent: Option<String>,
    mark: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhenFile {
    prefix: String,
    values: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::{Body, Dictionary};

    #[test]
    fn the_table_is_whole() {
        let table = Table::parse(TABLE).unwrap();
        assert_eq!(Table::builtin().rows.len(), table.rows.len());
        for key in table.keys() {
            let rows = table.rows(key);
            assert!(!rows.is_empty(), "{key}");
            let written = |row: &Row| row.path.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join("/");
            let paths: Vec<_> = rows.iter().map(|row| written(row)).collect();
            for (at, path) in paths.iter().enumerate() {
                for other in &paths[at + 1..] {
                    assert!(!format!("{other}/").starts_with(&format!("{path}/")), "{key}: {other} lies in {path}");
                    assert!(!format!("{path}/").starts_with(&format!("{other}/")), "{key}: {path} lies in {other}");
                }
            }
            // Each element is opened once: rows of one parent stand together.
            let mut closed: Vec<String> = Vec::new();
            let mut open: Vec<&str> = Vec::new();
            for row in &rows {
                let steps: Vec<_> = row.path.iter().map(|step| step.name.as_str()).collect();
                let common = open.iter().zip(&steps).take_while(|(one, two)| one == two).count();
                for end in common..open.len() {
                    closed.push(open[..=end].join("/"));
                }
                for end in common..steps.len() {
                    let path = steps[..=end].join("/");
                    assert!(!closed.contains(&path), "{key}: {path} is opened twice");
                }
                open = steps;
            }
        }
    }

    #[test]
    fn every_field_of_a_translated_key_has_a_place() {
        let table = Table::builtin();
        let keys: Vec<_> = table.keys().map(|key| key.to_string()).collect();
        assert_eq!(keys, ["IAQ", "YQ", "YR"]);
        for key in table.keys() {
            let Body::Fields(rules) = &Dictionary::builtin().spec(key).unwrap().body else { panic!("{key} is text") };
            let rows = table.rows(key);
            for field in rules.fields() {
                let always = |row: &&&Row| row.prefix == field.prefix && row.when.is_none();
                assert!(rows.iter().any(|row| always(&row)), "{key} {} has no place", field.prefix);
            }
            for row in rows {
                assert!(rules.field(row.prefix.as_str()).is_some(), "{key} has no {}", row.prefix);
            }
        }
    }
}
