//! The message dictionary: what each key is, who may send it where, and what its body holds.
//!
//! `protocol-specs/messages/*.toml`, one file for each key, is the single source. It is compiled in and feeds admission
//! (`protocol-specs/wire.md` 2.4), the option lists of ER 22, forms and reference pages: a field has its label and help
//! text beside its rule, and says where the rule comes from and how sure that is.

mod carried;
mod check;
pub mod confirmation;
mod date;
mod field;
mod file;
mod moment;
mod sets;
mod spec;

use std::sync::LazyLock;

pub use carried::CarriedError;
pub use check::{BodyError, FIELDS_MAX};
pub use date::birth_date;
pub use field::{Characters, FieldRules, FieldSpec, Form, Text, Unknown, Value};
pub use file::DictionaryError;
pub use moment::{Moment, span};
pub use sets::FieldSet;
pub use spec::{Answer, Authorization, Body, DestinationRule, Mark, MessageSpec, Priority, Sender, Urgent};

use crate::name::MessageKey;

/// Every key that the network knows.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    /// In order of their keys.
    specs: Vec<MessageSpec>,
    /// The same keys, packed, at the same places: what a look-up walks.
    packed: Vec<u64>,
}

impl Dictionary {
    /// The dictionary of `protocol-specs/messages/`.
    #[must_use]
    pub fn builtin() -> &'static Self {
        // It cannot be wrong at run time what the test `the_built_in_dictionary_is_whole` has read before.
        static BUILTIN: LazyLock<Dictionary> = LazyLock::new(|| Dictionary::parse(BUILTIN_FILES).unwrap_or_default());
        &BUILTIN
    }

    /// Reads a dictionary from files, each given as its name, for errors, and its text.
    ///
    /// # Errors
    /// The first fault found, with file and line.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, DictionaryError> {
        file::parse(files).map(Self::of)
    }

    /// `specs` are in order of their keys.
    fn of(specs: Vec<MessageSpec>) -> Self {
        let packed = specs.iter().map(|spec| packed(spec.key)).collect();
        Self { specs, packed }
    }

    /// What the dictionary says of a key; nothing if it does not know it.
    #[must_use]
    pub fn spec(&self, key: MessageKey) -> Option<&MessageSpec> {
        let at = self.packed.binary_search(&packed(key)).ok()?;
        self.specs.get(at)
    }

    /// All keys, in alphabetical order.
    pub fn specs(&self) -> impl ExactSizeIterator<Item = &MessageSpec> {
        self.specs.iter()
    }
}

/// A key as a number, in the order of the keys: finding one compares numbers.
fn packed(key: MessageKey) -> u64 {
    let bytes = key.as_str().bytes().chain(std::iter::repeat(0));
    bytes.take(8).fold(0, |sum, byte| sum << 8 | u64::from(byte))
}

/// The files of `protocol-specs/messages/`.
const BUILTIN_FILES: &[(&str, &str)] = &[
    ("am.toml", include_str!("../../../../protocol-specs/messages/am.toml")),
    ("aml.toml", include_str!("../../../../protocol-specs/messages/aml.toml")),
    ("aq.toml", include_str!("../../../../protocol-specs/messages/aq.toml")),
    ("ar.toml", include_str!("../../../../protocol-specs/messages/ar.toml")),
    ("cr.toml", include_str!("../../../../protocol-specs/messages/cr.toml")),
    ("dq.toml", include_str!("../../../../protocol-specs/messages/dq.toml")),
    ("dr.toml", include_str!("../../../../protocol-specs/messages/dr.toml")),
    ("echo.toml", include_str!("../../../../protocol-specs/messages/echo.toml")),
    ("er.toml", include_str!("../../../../protocol-specs/messages/er.toml")),
    ("fq.toml", include_str!("../../../../protocol-specs/messages/fq.toml")),
    ("fr.toml", include_str!("../../../../protocol-specs/messages/fr.toml")),
    ("iaq.toml", include_str!("../../../../protocol-specs/messages/iaq.toml")),
    ("iar.toml", include_str!("../../../../protocol-specs/messages/iar.toml")),
    ("iq.toml", include_str!("../../../../protocol-specs/messages/iq.toml")),
    ("ir.toml", include_str!("../../../../protocol-specs/messages/ir.toml")),
    ("nfq.toml", include_str!("../../../../protocol-specs/messages/nfq.toml")),
    ("nfr.toml", include_str!("../../../../protocol-specs/messages/nfr.toml")),
    ("nlq.toml", include_str!("../../../../protocol-specs/messages/nlq.toml")),
    ("nlr.toml", include_str!("../../../../protocol-specs/messages/nlr.toml")),
    ("qh.toml", include_str!("../../../../protocol-specs/messages/qh.toml")),
    ("qr.toml", include_str!("../../../../protocol-specs/messages/qr.toml")),
    ("qw.toml", include_str!("../../../../protocol-specs/messages/qw.toml")),
    ("qwi.toml", include_str!("../../../../protocol-specs/messages/qwi.toml")),
    ("rq.toml", include_str!("../../../../protocol-specs/messages/rq.toml")),
    ("rr.toml", include_str!("../../../../protocol-specs/messages/rr.toml")),
    ("sm.toml", include_str!("../../../../protocol-specs/messages/sm.toml")),
    ("ta.toml", include_str!("../../../../protocol-specs/messages/ta.toml")),
    ("td.toml", include_str!("../../../../protocol-specs/messages/td.toml")),
    ("tq.toml", include_str!("../../../../protocol-specs/messages/tq.toml")),
    ("tr.toml", include_str!("../../../../protocol-specs/messages/tr.toml")),
    ("tu.toml", include_str!("../../../../protocol-specs/messages/tu.toml")),
    ("xi1.toml", include_str!("../../../../protocol-specs/messages/xi1.toml")),
    ("xi2.toml", include_str!("../../../../protocol-specs/messages/xi2.toml")),
    ("xi3.toml", include_str!("../../../../protocol-specs/messages/xi3.toml")),
    ("xnr.toml", include_str!("../../../../protocol-specs/messages/xnr.toml")),
    ("yq.toml", include_str!("../../../../protocol-specs/messages/yq.toml")),
    ("yr.toml", include_str!("../../../../protocol-specs/messages/yr.toml")),
];

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn spec(key: &str) -> &'static MessageSpec {
        Dictionary::builtin().spec(MessageKey::parse(key).unwrap()).unwrap()
    }

    #[test]
    fn the_built_in_dictionary_is_whole() {
        let read = Dictionary::parse(BUILTIN_FILES).unwrap_or_else(|error| panic!("{error}"));
        let keys: Vec<_> = read.specs().map(|spec| spec.key.to_string()).collect();
        let expected = "AM AML AQ AR CR DQ DR ECHO ER FQ FR IAQ IAR IQ IR NFQ NFR NLQ NLR QH QR QW QWI RQ RR SM TA TD TQ \
                        TR TU XI1 XI2 XI3 XNR YQ YR";
        assert_eq!(keys.join(" "), expected);
        assert!(read.specs().all(|spec| Dictionary::builtin().spec(spec.key) == Some(spec)));
        assert_eq!(Dictionary::builtin().spec(MessageKey::parse("QQQ").unwrap()), None);
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol-specs/messages");
        let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = files.filter(|name| name.ends_with(".toml")).collect();
        files.sort();
        assert_eq!(files, BUILTIN_FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn who_may_send_what_where_is_as_the_network_has_it() {
        let rows: Vec<_> = Dictionary::builtin()
            .specs()
            .map(|spec| {
                let letter = spec.authorization.map_or('-', Authorization::letter);
                let DestinationRule { line, group, ori, max, max_lines } = spec.destinations;
                let kinds = [(line, "line"), (group, "group"), (ori, "ori")];
                let kinds = kinds.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join("+");
                format!("{} {:?} {letter} {kinds} {max} {max_lines}", spec.key, spec.sender)
            })
            .collect();
        assert_eq!(
            rows,
            [
                "AM Any A line+group+ori 10 5",
                "AML Any A line+group+ori 10 5",
                "AQ Any C line 1 1",
                "AR Any C ori 1 0",
                "CR Any C ori 1 0",
                "DQ Any D line 5 5",
                "DR Any D ori 1 0",
                "ECHO Any - line 1 1",
                "ER Switch - line+ori 1 1",
                "FQ Any C line 1 1",
                "FR Any C ori 1 0",
                "IAQ Any C line 1 1",
                "IAR Granted - ori 5 0",
                "IQ Any C line 5 5",
                "IR Any C ori 1 0",
                "NFQ Any - line 1 1",
                "NFR Switch - line+ori 1 1",
                "NLQ Any - line 1 1",
                "NLR Switch - line+ori 1 1",
                "QH Any C line 1 1",
                "QR Any C line 1 1",
                "QW Any C line 1 1",
                "QWI Any C line 1 1",
                "RQ Any D line 5 5",
                "RR Any D ori 1 0",
                "SM Any A line+group+ori 10 10",
                "TA Any A line 1 1",
                "TD Any A line 1 1",
                "TQ Any - line 1 1",
                "TR Switch - line+ori 1 1",
                "TU Any A line 1 1",
                "XI1 Granted C line 1 1",
                "XI2 Granted C line 1 1",
                "XI3 Granted C line 1 1",
                "XNR Granted - ori 1 0",
                "YQ Any C ori 3 0",
                "YR Any C ori 3 0",
            ]
        );
        let answer = spec("IAQ").answer.unwrap();
        assert_eq!((answer.key, answer.count), (spec("IAR").key, 2));
        assert_eq!(spec("AML").first_line.as_deref(), Some("FOR LAW ENFORCEMENT DISSEMINATION ONLY"));
    }

    #[test]
    fn urgent_confirmations_go_first_and_messages_to_several_states_or_a_group_last() {
        let class = |key, lines, groups| spec(key).class(b"PRI/U", lines, groups).class();
        assert_eq!([class("SM", 9, 9), class("ER", 1, 0), class("IAQ", 1, 0), class("IAR", 0, 0)], [1, 2, 4, 4]);
        assert_eq!([class("AM", 0, 0), class("AML", 1, 0), class("AM", 2, 0), class("AML", 0, 1)], [5, 5, 6, 6]);
        let confirmation = |key, body: &[u8]| spec(key).class(body, 0, 0);
        assert_eq!([confirmation("YQ", b"RTY/WP.pri/u"), confirmation("YR", b"PRI/U")], [Priority::Urgent; 2]);
        assert_eq!([confirmation("YQ", b"PRI/R"), confirmation("IQ", b"PRI/U")], [Priority::Query; 2]);
        assert!(Priority::ALL.is_sorted() && Priority::ALL.iter().map(|one| one.class()).eq(1..=6));
    }

    #[test]
    fn only_coded_fields_are_folded() {
        let check = |key, body: &[u8], expected: &[u8]| assert_eq!(*spec(key).fold_body(body), *expected);
        check("AM", b"Any text/as it came", b"Any text/as it came");
        check(
            "IAQ",
            b"nam/sample, p.atn/Sgt One.zzq/Kept.ARN/a00000001.",
            b"NAM/SAMPLE, P.ATN/Sgt One.zzq/Kept.ARN/00000001.",
        );
        assert!(matches!(spec("IAQ").fold_body(b"NAM/SAMPLE, P.ATN/Sgt One"), Cow::Borrowed(_)));
    }
}
