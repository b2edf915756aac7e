//! From bytes to a tree, within bounds.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::{Error, Reader};

use super::{
    ATTRIBUTES_MAX, Attribute, DEPTH_MAX, ELEMENTS_MAX, Element, NAMESPACE_BYTES_MAX, NAMESPACES_MAX, XML_NAMESPACE,
    XmlError, is_character, is_white,
};

/// Reads a document and gives its root.
///
/// # Errors
/// If it is not well formed, or has what [`super`] does not take; the offset lies inside `bytes` or at their end.
pub fn parse(bytes: &[u8]) -> Result<Element<'_>, XmlError> {
    let input = str::from_utf8(bytes).map_err(|error| XmlError { offset: error.valid_up_to(), rule: "not UTF-8" })?;
    if let Some((offset, _)) = input.char_indices().find(|(_, character)| !is_character(*character)) {
        return Err(XmlError { offset, rule: "a character that XML does not have" });
    }
    let mut reader = Reader::from_str(input);
    reader.config_mut().enable_all_checks(true);
    // Always the first, so that no other prefix for the same namespace goes unseen.
    let namespaces = vec![Binding { prefix: "xml".to_owned(), namespace: Some(XML_NAMESPACE.into()) }];
    let mut tree = Tree { input, start: 0, end: 0, open: Vec::new(), root: None, elements: 0, namespaces };
    loop {
        tree.start = tree.end;
        let event = reader.read_event();
        tree.end = position(reader.buffer_position()).min(input.len());
        match event {
            Ok(Event::Eof) => break,
            Ok(event) => tree.take(event)?,
            Err(error) => {
                let offset = position(reader.error_position()).min(input.len());
                return Err(XmlError { offset, rule: rule(&error) });
            }
        }
    }
    if !tree.open.is_empty() {
        return Err(tree.fault("an element without its end"));
    }
    tree.root.ok_or(XmlError { offset: input.len(), rule: "no element" })
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// What is read so far.
struct Tree<'a> {
    input: &'a str,
    /// Where the event in hand begins and ends.
    start: usize,
    end: usize,
    /// From the root inward.
    open: Vec<Open<'a>>,
    root: Option<Element<'a>>,
    elements: usize,
    /// Those that hold: of the same URI all have the same `Rc`, so that whoever compares two need not read them.
    namespaces: Vec<Binding>,
}

/// An element whose end was not read yet.
struct Open<'a> {
    element: Element<'a>,
    /// How many namespaces held before it.
    namespaces: usize,
}

/// What a prefix stands for.
struct Binding {
    /// Empty: names without a prefix.
    prefix: String,
    /// None: names without a prefix are in no namespace.
    namespace: Option<Rc<str>>,
}

/// How a piece of text was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    AsItself,
    InCData,
    ByNumber,
}

impl<'a> Tree<'a> {
    fn take(&mut self, event: Event<'a>) -> Result<(), XmlError> {
        match event {
            Event::Start(start) => self.open(&start),
            Event::Empty(start) => {
                self.open(&start)?;
                self.close()
            }
            Event::End(_) => self.close(),
            Event::Text(text) => {
                let text = text.into_inner();
                if text.contains("]]>") {
                    return Err(self.fault("]]> in text"));
                }
                self.text(text, Written::AsItself)
            }
            Event::CData(text) => self.text(text.into_inner(), Written::InCData),
            Event::GeneralRef(reference) => {
                let character = referred(&reference).ok_or_else(|| self.fault("a reference that is not taken"))?;
                let by_number = reference.starts_with('#');
                let written = if by_number { Written::ByNumber } else { Written::AsItself };
                self.text(Cow::Owned(character.to_string()), written)
            }
            Event::Comment(_) => Ok(()),
            Event::Decl(declaration) => self.declaration(&declaration),
            Event::DocType(_) => Err(self.fault("a DOCTYPE")),
            Event::PI(_) => Err(self.fault("a processing instruction")),
            Event::Eof => Ok(()),
        }
    }

    const fn fault(&self, rule: &'static str) -> XmlError {
        XmlError { offset: self.start, rule }
    }

    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
        if self.start != 0 {
            return Err(self.fault("an XML declaration that is not the beginning"));
        }
        if declaration.version().ok().as_deref() != Some("1.0") {
            return Err(self.fault("a version of XML other than 1.0"));
        }
        let known = |encoding: &str| ["UTF-8", "US-ASCII"].iter().any(|one| encoding.eq_ignore_ascii_case(one));
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(encoding)) if known(&encoding) => Ok(()),
            Some(_) => Err(self.fault("an encoding other than UTF-8")),
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.fault("a second root element"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(self.fault("elements too deep in each other"));
        }
        self.elements = self.elements.saturating_add(1);
        if self.elements > ELEMENTS_MAX {
            return Err(self.fault("too many elements"));
        }
        let namespaces = self.namespaces.len();
        let raw = self.attributes(start)?;
        // As the input has it, so that it outlives the event.
        let from = self.start.saturating_add(1);
        let written = self.input.get(from..from.saturating_add(start.name().0.len())).unwrap_or_default();
        let (prefix, name) = self.name(written)?;
        let namespace = self.resolve(prefix)?;
        let attributes = self.resolved(raw)?;
        let element = Element {
            namespace,
            name,
            attributes,
            children: Vec::new(),
            text: Cow::Borrowed(""),
            text_range: Range::default(),
            value_range: Range::default(),
            offset: self.start,
        };
        self.open.push(Open { element, namespaces });
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let Some(Open { element, namespaces }) = self.open.pop() else {
            return Err(self.fault("an end without its beginning"));
        };
        self.namespaces.truncate(namespaces);
        match self.open.last_mut() {
            Some(parent) => parent.element.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: Cow<'a, str>, written: Written) -> Result<(), XmlError> {
        let text = if written == Written::ByNumber { text } else { with_line_feeds(text) };
        let Some(Open { element, .. }) = self.open.last_mut() else {
            let white = written == Written::AsItself && text.bytes().all(is_white);
            return if white { Ok(()) } else { Err(self.fault("text outside the root element")) };
        };
        let before = element.text.len();
        let solid = solid(&text);
        let in_text = if written == Written::AsItself { solid.clone() } else { 0..text.len() };
        let in_value = if written == Written::ByNumber { 0..text.len() } else { solid };
        extend(&mut element.text_range, before, in_text);
        extend(&mut element.value_range, before, in_value);
        if element.text.is_empty() {
            element.text = text;
        } else {
            element.text.to_mut().push_str(&text);
        }
        Ok(())
    }

    /// A name as prefix and the rest.
    fn name<'n>(&self, written: &'n str) -> Result<(&'n str, &'n str), XmlError> {
        let (prefix, name) = written.split_once(':').unwrap_or(("", written));
        let prefixed = written.len() > name.len();
        if is_name(name) && (!prefixed || is_name(prefix)) { Ok((prefix, name)) } else { Err(self.fault("a bad name")) }
    }

    /// The attributes of an element that declare no namespace, not resolved yet; those that do begin to hold.
    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<Vec<(String, String, String)>, XmlError> {
        let written = start.attributes_raw();
        if written.is_empty() {
            return Ok(Vec::new());
        }
        if !spaced(written) {
            return Err(self.fault("attributes without white space between them"));
        }
        let mut attributes = Vec::new();
        for (count, attribute) in start.attributes().enumerate() {
            let attribute = attribute.map_err(|_| self.fault("a bad attribute"))?;
            if count >= ATTRIBUTES_MAX {
                return Err(self.fault("too many attributes"));
            }
            let (prefix, name) = self.name(attribute.key.0)?;
            let value = unescaped(&attribute.value).ok_or_else(|| self.fault("a bad value of an attribute"))?;
            match (prefix, name) {
                ("", "xmlns") => self.bind("", &value)?,
                ("xmlns", "xml" | "xmlns") => return Err(self.fault("a reserved prefix")),
                ("xmlns", _) if value.is_empty() => return Err(self.fault("a prefix for no namespace")),
                ("xmlns", prefix) => self.bind(prefix, &value)?,
                _ => attributes.push((prefix.to_owned(), name.to_owned(), value)),
            }
        }
        Ok(attributes)
    }

    /// An empty URI: names are in no namespace.
    fn bind(&mut self, prefix: &str, uri: &str) -> Result<(), XmlError> {
        // The first is no declaration.
        if self.namespaces.len() > NAMESPACES_MAX {
            return Err(self.fault("too many namespaces"));
        }
        if uri.len() > NAMESPACE_BYTES_MAX {
            return Err(self.fault("a namespace that is too long"));
        }
        let namespace = (!uri.is_empty()).then(|| self.interned(uri));
        self.namespaces.push(Binding { prefix: prefix.to_owned(), namespace });
        Ok(())
    }

    /// The one `Rc` of a URI. This alone compares URIs byte by byte, once for each declaration.
    fn interned(&self, uri: &str) -> Rc<str> {
        let mut held = self.namespaces.iter().filter_map(|binding| binding.namespace.as_ref());
        held.find(|one| same_uri(one, uri)).map_or_else(|| uri.into(), Rc::clone)
    }

    fn resolve(&self, prefix: &str) -> Result<Option<Rc<str>>, XmlError> {
        match self.namespaces.iter().rev().find(|binding| binding.prefix == prefix) {
            Some(binding) => Ok(binding.namespace.clone()),
            None if prefix.is_empty() => Ok(None),
            None => Err(self.fault("a prefix that is not declared")),
        }
    }

    fn resolved(&self, raw: Vec<(String, String, String)>) -> Result<Vec<Attribute>, XmlError> {
        let mut attributes: Vec<Attribute> = Vec::with_capacity(raw.len());
        for (prefix, name, value) in raw {
            let namespace = if prefix.is_empty() { None } else { self.resolve(&prefix)? };
            if attributes.iter().any(|one| one.name == name && same(one.namespace.as_ref(), namespace.as_ref())) {
                return Err(self.fault("an attribute twice"));
            }
            attributes.push(Attribute { namespace, name, value });
        }
        Ok(attributes)
    }
}

/// Whether two namespaces that hold at one place are the same: at the cost of a comparison of numbers.
fn same(one: Option<&Rc<str>>, other: Option<&Rc<str>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Rc::ptr_eq(one, other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether two URIs are the same. Tests count how many bytes that reads at most.
fn same_uri(one: &str, other: &str) -> bool {
    #[cfg(test)]
    tests::COMPARED.with(|compared| compared.set(compared.get().saturating_add(one.len().min(other.len()))));
    one == other
}

/// The rule for what quick-xml found, whose own errors can hold text of the input.
const fn rule(error: &Error) -> &'static str {
    match error {
        Error::Syntax(_) => "markup that does not end",
        Error::IllFormed(_) => "a beginning and an end that do not match",
        Error::InvalidAttr(_) => "a bad attribute",
        Error::Escape(_) => "a reference that is not taken",
        Error::Io(_) | Error::Encoding(_) | Error::Namespace(_) => "not well formed",
    }
}

/// The range between white space; at the beginning and empty where there is only white space.
fn solid(text: &str) -> Range<usize> {
    let bytes = text.as_bytes();
    let is_solid = |byte: &u8| !is_white(*byte);
    let Some(first) = bytes.iter().position(is_solid) else { return 0..0 };
    first..bytes.iter().rposition(is_solid).map_or(first, |last| last.saturating_add(1))
}

/// Makes a range reach over a piece of text that stands behind `before` bytes.
fn extend(range: &mut Range<usize>, before: usize, piece: Range<usize>) {
    if piece.is_empty() {
        return;
    }
    if range.start >= range.end {
        range.start = before.saturating_add(piece.start);
    }
    range.end = before.saturating_add(piece.end);
}

/// Line ends as XML has them.
fn with_line_feeds(text: Cow<'_, str>) -> Cow<'_, str> {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return text;
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The character that a reference stands for.
fn referred(name: &str) -> Option<char> {
    let number = match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "quot" => return Some('"'),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|character| is_character(*character))
}

/// The value of an attribute with its references resolved and its white space as XML has it.
fn unescaped(raw: &str) -> Option<String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\r', '\n']) {
        let (before, from) = rest.split_at_checked(at)?;
        value.push_str(before);
        if let Some(reference) = from.strip_prefix('&') {
            let (name, after) = reference.split_once(';')?;
            value.push(referred(name)?);
            rest = after;
        } else if from.starts_with('<') {
            return None;
        } else {
            value.push(' ');
            rest = from.strip_prefix("\r\n").or_else(|| from.get(1..))?;
        }
    }
    value.push_str(rest);
    Some(value)
}

/// Whether white space stands before each attribute, which quick-xml does not ask for.
fn spaced(attributes: &str) -> bool {
    let mut quote = None;
    let mut previous = b' ';
    for byte in attributes.bytes() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if matches!(previous, b'"' | b'\'') && !is_white(byte) && byte != b'/' => return false,
            None => {}
        }
        // Inside a value no byte is the end of one.
        previous = if quote.is_some() { b' ' } else { byte };
    }
    true
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(letter)
        && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// Bytes of URIs that this thread has compared.
        pub(super) static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    fn compared(xml: &str) -> usize {
        let before = COMPARED.get();
        assert!(parse(xml.as_bytes()).is_ok());
        COMPARED.get() - before
    }

    #[test]
    fn uris_are_compared_when_they_are_declared_and_never_again() {
        // Of one length and unlike in the last byte alone: the dearest to tell apart.
        let uri = |last: usize| format!("{}{last:02}", "u".repeat(NAMESPACE_BYTES_MAX - 2));
        let declared: String = (0..ATTRIBUTES_MAX).map(|at| format!(" xmlns:p{at}='{}'", uri(at))).collect();
        let attributes: String = (0..ATTRIBUTES_MAX).map(|at| format!(" p{at}:a=''")).collect();
        let document = |children: usize| format!("<r{declared}>{}</r>", format!("<b{attributes}/>").repeat(children));
        let once = compared(&document(0));
        assert!(once > NAMESPACE_BYTES_MAX, "the count is one: {once}");
        assert_eq!(compared(&document(ELEMENTS_MAX - 1)), once);
        // Each element its own declaration: so much for each, however many there are.
        let own = |children: usize| format!("<r>{}</r>", format!("<b xmlns:p='{}' p:a=''/>", uri(0)).repeat(children));
        assert_eq!(compared(&own(2000)), 1000 * compared(&own(2)));
    }

    #[test]
    fn two_prefixes_of_one_namespace_are_one_however_they_were_declared() {
        let twice = [
            "<r xmlns:p='urn:x'><a xmlns:q='urn:x' p:b='' q:b=''/></r>",
            "<r xmlns:p='urn:x'><c xmlns:q='urn:x'/><a xmlns:p='urn:y' xmlns:q='urn:y' p:b='' q:b=''/></r>",
            "<a xmlns:q='http://www.w3.org/XML/1998/namespace' xml:b='' q:b=''/>",
        ];
        for xml in twice {
            assert_eq!(parse(xml.as_bytes()).unwrap_err().rule, "an attribute twice", "{xml}");
        }
        assert!(parse(b"<r xmlns:p='urn:x'><a xmlns:q='urn:x' xmlns:p='urn:y' p:b='' q:b='' b=''/></r>").is_ok());
    }

    fn shown(element: &Element<'_>) -> String {
        let children: Vec<_> = element.children().iter().map(shown).collect();
        let attributes: Vec<_> = element.attributes.iter().map(|one| format!(" {}={}", one.name, one.value)).collect();
        let namespace = element.namespace();
        format!(
            "{{{namespace}}}{}{}[{:?}]({})",
            element.name(),
            attributes.concat(),
            element.text(),
            children.join(",")
        )
    }

    #[test]
    fn names_are_resolved_and_text_is_put_together() {
        let check = |xml: &str, expected: &str| {
            assert_eq!(parse(xml.as_bytes()).map(|root| shown(&root)), Ok(expected.to_owned()), "{xml}")
        };
        check("<a/>", "{}a[\"\"]()");
        check(
            "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<!-- c --><a></a>\n<!-- d -->\n",
            "{}a[\"\"]()",
        );
        check(
            "<p:a xmlns:p='urn:x' xmlns='urn:y'><b/><p:c xmlns:p='urn:z' xmlns=''><d/></p:c><p:e/></p:a>",
            "{urn:x}a[\"\"]({urn:y}b[\"\"](),{urn:z}c[\"\"]({}d[\"\"]()),{urn:x}e[\"\"]())",
        );
        check("<a xmlns:p='urn:x' p:b = '1' b=\"2&lt;&#x41;\t3\" xml:lang='en'/>", "{}a b=1 b=2<A 3 lang=en[\"\"]()");
        check("<a> x<!-- y -->&amp;<![CDATA[<z>]]>&#33; </a>", "{}a[\"x&<z>!\"]()");
        check("<a>\n  <b>1\r\n2\r3</b>\n</a >", "{}a[\"\"]({}b[\"1\\n2\\n3\"]())");
        check("<a>Ä\u{10ffff}</a>", "{}a[\"Ä\u{10ffff}\"]()".replace("\u{10ffff}", "\\u{10ffff}").as_str());
    }

    #[test]
    fn white_space_is_stripped_unless_it_is_meant() {
        let check = |xml: &str, text: &str, value: &str| {
            let root = parse(xml.as_bytes()).unwrap();
            assert_eq!((root.text(), root.value()), (text, value), "{xml}");
        };
        check("<a> \n b c \r\n</a>", "b c", "b c");
        check("<a>\n <![CDATA[ b\n]]> </a>", " b\n", "b");
        check("<a> &#32;b&#13;&#10; </a>", " b\r\n", " b\r\n");
        check("<a> <![CDATA[ ]]> </a>", " ", "");
        check("<a> <b/> x <b/> y </a>", "x  y", "x  y");
    }

    #[test]
    fn what_is_not_taken_is_refused_by_its_rule() {
        let check = |xml: &str, rule: &str| {
            let error = parse(xml.as_bytes()).expect_err(xml);
            assert_eq!(error.rule, rule, "{xml}");
            assert!(error.offset <= xml.len(), "{xml}");
        };
        for (xml, rule) in [
            ("", "no element"),
            ("x", "text outside the root element"),
            ("<a/>x", "text outside the root element"),
            ("<![CDATA[]]><a/>", "text outside the root element"),
            ("<a/>&#32;", "text outside the root element"),
            ("<a/><b/>", "a second root element"),
            ("<a>", "an element without its end"),
            ("</a>", "a beginning and an end that do not match"),
            ("<a></b>", "a beginning and an end that do not match"),
            ("<a/></a>", "a beginning and an end that do not match"),
            ("<a", "markup that does not end"),
            ("<!DOCTYPE a><a/>", "a DOCTYPE"),
            ("<!DOCTYPE a [<!ENTITY b 'bbbb'>]><a>&b;</a>", "a DOCTYPE"),
            ("<a>&b;</a>", "a reference that is not taken"),
            ("<a>&#0;</a>", "a reference that is not taken"),
            ("<a>&#xFFFF;</a>", "a reference that is not taken"),
            ("<a>&#xD800;</a>", "a reference that is not taken"),
            ("<a>&#+65;</a>", "a reference that is not taken"),
            ("<a>&#X41;</a>", "a reference that is not taken"),
            ("<a>&#99999999999;</a>", "a reference that is not taken"),
            ("<a>& b;</a>", "a reference that is not taken"),
            ("<a>&amp</a>", "a beginning and an end that do not match"),
            ("<a b='&c;'/>", "a bad value of an attribute"),
            ("<a b='<'/>", "a bad value of an attribute"),
            ("<a b='1' b='2'/>", "a bad attribute"),
            ("<a b/>", "a bad attribute"),
            ("<a b=1/>", "a bad attribute"),
            ("<a b='1'c='2'/>", "attributes without white space between them"),
            ("<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>", "an attribute twice"),
            ("<a xmlns:p=''/>", "a prefix for no namespace"),
            ("<a xmlns:xml='urn:x'/>", "a reserved prefix"),
            ("<p:a/>", "a prefix that is not declared"),
            ("<a p:b='1'/>", "a prefix that is not declared"),
            ("<a:b:c xmlns:a='urn:x'/>", "a bad name"),
            ("<1/>", "a bad name"),
            ("<ä/>", "a bad name"),
            ("<:a/>", "a bad name"),
            ("<a>]]></a>", "]]> in text"),
            ("<a><!-- -- --></a>", "a beginning and an end that do not match"),
            ("<a><?b c?></a>", "a processing instruction"),
            ("<?b c?><a/>", "a processing instruction"),
            (" <?xml version='1.0'?><a/>", "an XML declaration that is not the beginning"),
            ("<?xml version='1.1'?><a/>", "a version of XML other than 1.0"),
            ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "an encoding other than UTF-8"),
            ("<a>\u{1}</a>", "a character that XML does not have"),
        ] {
            check(xml, rule);
        }
        assert_eq!(parse(b"<a>\xff</a>").unwrap_err(), XmlError { offset: 3, rule: "not UTF-8" });
    }

    #[test]
    fn depth_and_numbers_are_bounded() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(parse(nested(DEPTH_MAX + 1).as_bytes()).unwrap_err().rule, "elements too deep in each other");
        let many = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
        assert!(parse(many(ELEMENTS_MAX - 1).as_bytes()).is_ok());
        assert_eq!(parse(many(ELEMENTS_MAX).as_bytes()).unwrap_err().rule, "too many elements");
        let attributes =
            |count: usize| format!("<a{}/>", (0..count).map(|at| format!(" b{at}=''")).collect::<String>());
        assert!(parse(attributes(ATTRIBUTES_MAX).as_bytes()).is_ok());
        assert_eq!(parse(attributes(ATTRIBUTES_MAX + 1).as_bytes()).unwrap_err().rule, "too many attributes");
        let named = |bytes: usize| format!("<a xmlns='{}'/>", "u".repeat(bytes));
        assert!(parse(named(NAMESPACE_BYTES_MAX).as_bytes()).is_ok());
        let rule = parse(named(NAMESPACE_BYTES_MAX + 1).as_bytes()).unwrap_err().rule;
        assert_eq!(rule, "a namespace that is too long");
        let declared = (0..=2)
            .map(|at| format!("<a{}>", (0..30).map(|p| format!(" xmlns:p{at}-{p}='urn:x'")).collect::<String>()));
        let declared: String = declared.chain(["</a>".repeat(3)]).collect();
        assert_eq!(parse(declared.as_bytes()).unwrap_err().rule, "too many namespaces");
    }
}
