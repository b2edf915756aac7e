//! What is read of a message that came, in whichever form its station gets it: legacy text or NIEM XML.
//!
//! OFML comes only over Foxtalk, which a terminal does not speak.

use codec::dictionary::Dictionary;
use codec::legacy::{parse_input, parse_output};
use codec::name::{Control, MessageKey, Ori};
use codec::time::Stamp;
use codec::{niem, xml};

/// A message that came, as far as a terminal looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    /// What it is.
    pub(crate) key: MessageKey,
    /// Who sent it.
    pub(crate) sender: Ori,
    /// The control field.
    pub(crate) control: Option<Control>,
    /// When the switch received it, where the form says so.
    pub(crate) stamp: Option<Stamp>,
    /// Its body, as the body of a legacy text.
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// Reads it; nothing if it is in neither form.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if let Ok(output) = parse_output(bytes) {
            return Some(Self {
                key: output.key,
                sender: output.sender,
                control: output.control,
                stamp: Some(output.received),
                body: output.body.to_vec(),
            });
        }
        if !bytes.trim_ascii_start().starts_with(b"<") {
            return None;
        }
        let root = xml::parse(bytes).ok()?;
        let text = niem::read(&root, Dictionary::builtin()).ok()?;
        let input = parse_input(&text).ok()?;
        Some(Self {
            key: input.key,
            sender: input.sender,
            control: input.checked_control().ok().flatten(),
            stamp: None,
            body: input.body.unwrap_or_default().to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use codec::legacy::{LineEnd, OutputHeader};
    use codec::number::Number;

    use super::*;

    const BODY: &[u8] = b"RTY/WP.RNO/1.PRI/U.OCA/TESTCASE1.NIC/N000000001.NAM/SAMPLE, PERSON A.DOB/19800102.SEX/M.\
                          RNA/SGT TEST ONE.RAG/TEST PD.PHO/5555550100";

    fn header() -> OutputHeader<'static> {
        let stamp = Stamp::parse("08:00 01/31/2030").unwrap();
        OutputHeader {
            key: MessageKey::parse("YQ").unwrap(),
            sender: Ori::parse("ZC0010000").unwrap(),
            received: stamp,
            isn: Number::default(),
            sent: stamp,
            osn: Number::default(),
            destination: "ZA0010000",
            control: Some(Control::parse("T1").unwrap()),
        }
    }

    #[test]
    fn both_forms_say_the_same() {
        let text = header().encode(LineEnd::CrLfDel, BODY);
        let spec = Dictionary::builtin().spec(header().key).unwrap();
        let document = niem::encode(&header(), spec, BODY);
        assert!(document.starts_with(b"<"));
        let (text, document) = (Received::read(&text).unwrap(), Received::read(&document).unwrap());
        assert_eq!((text.key, text.sender, text.control), (document.key, document.sender, document.control));
        let values = |one: &Received| {
            let mut values = crate::sheet::values(&one.body);
            values.sort();
            values
        };
        assert_eq!(values(&text), values(&document));
        assert!(text.stamp.is_some() && document.stamp.is_none());
    }

    #[test]
    fn what_is_in_neither_form_is_not_read() {
        for bytes in [b"".as_slice(), b"<n2:NLETS", b"<other/>", b"ANYTHING", b"\x1b[2J"] {
            assert_eq!(Received::read(bytes), None, "{bytes:?}");
        }
    }
}
