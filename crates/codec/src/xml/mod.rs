//! XML within bounds: what both XML formats of the network, NIEM and OFML, are read with ([`parse`]) and written with
//! ([`Writer`]).
//!
//! A document is read into a small tree whose names are resolved to namespaces; prefixes mean nothing. Of what the XML
//! recommendation allows, this much is taken (`protocol-specs/niem.md` 2):
//!
//! | Part | Rule |
//! |---|---|
//! | encoding | UTF-8, and the declaration, where there is one, says nothing else |
//! | XML declaration | version 1.0, at the very beginning |
//! | DOCTYPE, processing instructions | refused |
//! | references | `&lt;` `&gt;` `&amp;` `&apos;` `&quot;` and characters by their number, if XML allows the character |
//! | names | ASCII |
//! | elements | [`DEPTH_MAX`] deep, [`ELEMENTS_MAX`] in all, [`ATTRIBUTES_MAX`] attributes and [`NAMESPACES_MAX`] namespaces in scope each, a URI of one [`NAMESPACE_BYTES_MAX`] bytes long |
//! | comments | skipped |
//!
//! Nothing that a document says makes it grow: what is read is never longer than what came.

mod reader;
mod translation;
mod writer;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

pub use reader::parse;
pub use translation::{HeaderParts, XmlFault, push_field, text_body, with_line_feeds};
pub use writer::{Content, Writer};

/// How deep elements may lie in each other, the root being at depth 1.
pub const DEPTH_MAX: usize = 32;

/// How many elements a document may have.
pub const ELEMENTS_MAX: usize = 2048;

/// How many attributes an element may have, declarations of namespaces included.
pub const ATTRIBUTES_MAX: usize = 32;

/// How many declarations of namespaces may hold at one place.
pub const NAMESPACES_MAX: usize = 64;

/// How long the URI of a namespace may be, in bytes.
pub const NAMESPACE_BYTES_MAX: usize = 256;

/// The namespace of the prefix `xml`.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// Why bytes are not a document that is taken. It holds no text of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule}, at byte {offset}")]
pub struct XmlError {
    /// Where in the input, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub rule: &'static str,
}

/// An element with all that is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Element<'a> {
    namespace: Option<Rc<str>>,
    name: &'a str,
    attributes: Vec<Attribute>,
    children: Vec<Self>,
    text: Cow<'a, str>,
    /// The part of `text` between white space that stands in no CDATA section and is not written by number.
    text_range: Range<usize>,
    /// The part of `text` between white space that is not written by number.
    value_range: Range<usize>,
    offset: usize,
}

/// An attribute that declares no namespace.
#[derive(Clone, PartialEq, Eq)]
struct Attribute {
    namespace: Option<Rc<str>>,
    name: String,
    value: String,
}

impl<'a> Element<'a> {
    /// The namespace of its name; empty where it has none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// Its name without a prefix.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Whether it is the element of that namespace and name.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && self.namespace() == namespace
    }

    /// Where in the document it begins, in bytes.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The elements in it, in order.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        &self.children
    }

    /// The first element in it of that namespace and name.
    #[must_use]
    pub fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    /// The value of an attribute, if it has it; one without a prefix is in no namespace, whatever its element is in.
    #[must_use]
    pub fn attribute(&self, namespace: &str, name: &str) -> Option<&str> {
        let is = |one: &&Attribute| one.name == name && one.namespace.as_deref().unwrap_or_default() == namespace;
        self.attributes.iter().find(is).map(|attribute| attribute.value.as_str())
    }

    /// Its own text, without that of the elements in it: as it stands in CDATA sections, without the white space around
    /// them. Line ends are LF, as XML has it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.get(self.text_range.clone()).unwrap_or_default()
    }

    /// Its own text without the white space around it, be that inside a CDATA section or not. White space that is
    /// written by number (`&#32;`) belongs to the value.
    #[must_use]
    pub fn value(&self) -> &str {
        self.text.get(self.value_range.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element")
            .field("name", &self.name)
            .field("text_bytes", &self.text.len())
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

/// Whether XML 1.0 allows a character at all, written as itself or by its number.
#[must_use]
pub const fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

const fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
