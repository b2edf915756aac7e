//! NIEM XML: the envelope in which a message travels to and from a station that speaks it, and the translation of its
//! body (`protocol-specs/niem.md`).
//!
//! ```text
//! n2:NLETS                        n2:version="4.00"
//! ├ n2:NLETSMessageHeader         key, sender, destination, control field; on output six stamps
//! └ n2:NLETSMailData              n2:key="AM"
//!   └ n2:MailMessageText          the body, as text
//! ```
//!
//! | Wrapper | Text in it | Keys |
//! |---|---|---|
//! | `n2:NLETSMailData` | `n2:MailMessageText`, SM `n2:StatusMessageText` | AM, AML, SM |
//! | `n2:NLETSInquiryData` | `n2:InquiryDescriptionText` | those that ask |
//! | `n2:NLETSResponseData` | `n2:ResponseText` | ER and those that answer |
//!
//! The bodies of the keys of [`Table`] are elements instead, one for each field; a body of theirs that is not made of
//! fields travels as text like any other. Names are compared by namespace, never by prefix.

mod read;
mod table;
mod value;
mod write;

pub use read::read;
pub use table::{Form, Namespace, Row, Step, Table};
pub use write::encode;

use crate::dictionary::{MessageSpec, Priority};
use crate::xml::Element;

/// The namespace of the envelope.
pub const ENVELOPE: &str = "http://www.nlets.org/niem/1.0";

/// The namespace of the header.
pub const HEADER: &str = "http://www.nlets.org/niem/nlets-hdr/1.0";

/// The namespace of what the public record has no element for.
pub const EXTENSION: &str = "urn:orinet:niem:extension:1.0";

/// The version of the envelope.
const VERSION: &str = "4.00";

/// The element for a field that the table does not have, with its prefix in an attribute.
const FIELD: &str = "Field";
const FIELD_PREFIX: &str = "prefix";

const NUMBER_OF_RECEIVED: &str = "ReceiveMessageNumeric";
const NUMBER_OF_SENT: &str = "SendMessageNumeric";

/// The elements of the header that only the switch writes. What a station sends in them says nothing.
const STAMPS: [&str; 6] = [
    "MessageReceiveDate",
    "MessageReceiveTime",
    "MessageSendDate",
    "MessageSendTime",
    NUMBER_OF_RECEIVED,
    NUMBER_OF_SENT,
];

/// Whether a document is a message of this format.
#[must_use]
pub fn is_root(root: &Element<'_>) -> bool {
    root.is(ENVELOPE, "NLETS")
}

/// The element around a body and the one for free text in it, both of the envelope's namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wrapper {
    data: &'static str,
    text: &'static str,
}

impl Wrapper {
    const MAIL: Self = Self { data: "n2:NLETSMailData", text: "n2:MailMessageText" };
    const STATUS: Self = Self { data: "n2:NLETSMailData", text: "n2:StatusMessageText" };
    const INQUIRY: Self = Self { data: "n2:NLETSInquiryData", text: "n2:InquiryDescriptionText" };
    const RESPONSE: Self = Self { data: "n2:NLETSResponseData", text: "n2:ResponseText" };

    /// That of a key. A key that is answered asks, and so does one that is written like those: `KQ` is a question.
    fn of(spec: &MessageSpec) -> Self {
        match spec.priority {
            Priority::Status => Self::STATUS,
            Priority::Administrative | Priority::Broadcast => Self::MAIL,
            Priority::Error => Self::RESPONSE,
            Priority::Urgent | Priority::Query if spec.answer.is_some() => Self::INQUIRY,
            Priority::Urgent | Priority::Query if spec.key.as_str().ends_with('Q') => Self::INQUIRY,
            Priority::Urgent | Priority::Query => Self::RESPONSE,
        }
    }

    /// The names without the prefix.
    fn local(name: &'static str) -> &'static str {
        name.split_once(':').map_or(name, |(_, local)| local)
    }
}
