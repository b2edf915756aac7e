//! OFML, the XML of clients that speak Foxtalk: to legacy text ([`read()`]) and from it ([`encode`]).
//!
//! ```text
//! <OFML>
//!   <HDR> ID DAC DAT REF USR RQR MKE ORI DST CTL </HDR>      what a client says
//!   <TRN> <PFX>value</PFX> … <TXT>free text</TXT> </TRN>
//! </OFML>
//! <OFML>
//!   <HDR> ID DAC SRC RQR DAT REF USR MKE ORI DST CTL SUM </HDR>      what it is told
//!   <TRN> <PFX>value</PFX> … </TRN>
//!   <RSP> <TXT>the body</TXT> </RSP>
//! </OFML>
//! ```
//!
//! The elements are in no namespace. What each one means, and how sure that is, stands in `protocol-specs/ofml.md`.

mod marks;
mod read;
#[cfg(test)]
mod tests;
mod write;

use crate::name::Control;

pub use self::marks::{MARK_BYTES_MAX, Marks};
pub use self::read::{is_ofml, marks_of, read};
pub use self::write::encode;

/// The body of the fuzz target `ofml`: whatever document comes, its legacy text is such, it says what the document's
/// header says, and what is written of it is read back.
///
/// # Panics
/// If that does not hold.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    use crate::dictionary::Dictionary;
    use crate::legacy::{OutputHeader, disallowed_byte, parse_input};
    use crate::number::Number;
    use crate::time::{Stamp, Timestamp};

    let Ok(root) = crate::xml::parse(bytes) else { return };
    if !is_ofml(&root) {
        return;
    }
    let marks = read::marks(&root);
    let text = match read(&root, Dictionary::builtin(), Some("AX")) {
        Ok(text) => text,
        Err(fault) => return assert!(fault.detail.len() <= 200, "a fault is bounded"),
    };
    assert_eq!(disallowed_byte(&text), None, "legacy text has its own bytes only");
    let input = parse_input(&text);
    assert!(input.is_ok(), "legacy text has a header");
    let Ok(input) = input else { return };
    let control = input.checked_control();
    assert!(control.is_ok(), "a control field is one");
    let body = input.body.unwrap_or_default();
    let stamp = Stamp::at(Timestamp(1_900_000_000_000_000), 0);
    let header = OutputHeader {
        key: input.key,
        sender: input.sender,
        received: stamp,
        isn: Number::SWITCH,
        sent: stamp,
        osn: Number::SWITCH,
        destination: "AX",
        control: control.ok().flatten(),
    };
    let written = encode(&header, &marks, true, None, body);
    assert!(written.is_ascii(), "what is written is ASCII");
    let id = if marks.id().is_empty() { header.control.as_ref().map_or("", Control::as_str) } else { marks.id() };
    let again = marks_of(&written);
    assert_eq!(again.as_ref().map(Marks::id), Some(id), "what is written is well formed and has its number");
}
