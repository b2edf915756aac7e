//! From elements to bytes: what is written is well formed, whatever is put in.

use bytes::Bytes;
use quick_xml::escape;

use super::is_character;
use crate::name::Prefix;

/// Writes a document element by element. The names are the code's own; text and values of attributes may be anything.
#[derive(Debug)]
pub struct Writer {
    text: String,
    /// The names of the elements that have no end yet, from the root inward.
    open: Vec<&'static str>,
    /// Whether the last start tag still lacks its `>`.
    in_tag: bool,
}

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// With references where they are needed. White space at either end is written by its number.
    Escaped,
    /// In a CDATA section.
    CData,
}

impl Writer {
    /// A document that begins with the XML declaration; `bytes` is how long it will be, about.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push_str(DECLARATION);
        Self { text, open: Vec::new(), in_tag: false }
    }

    /// Begins an element.
    pub fn start(&mut self, name: &'static str) -> &mut Self {
        self.end_tag();
        self.text.push('<');
        self.text.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// Gives the element that was just begun an attribute. Anywhere else there is nothing to give one to.
    pub fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        if self.in_tag {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.escaped(value);
            self.text.push('"');
        }
        self
    }

    /// Writes text into the element that was begun last.
    pub fn text(&mut self, text: &str, content: Content) -> &mut Self {
        self.end_tag();
        match content {
            Content::CData => self.cdata(text),
            Content::Escaped => {
                let inner = text.trim_matches(WHITE);
                let (before, after) = text.split_once(inner).filter(|_| !inner.is_empty()).unwrap_or((text, ""));
                self.by_number(before);
                self.escaped(inner);
                self.by_number(after);
            }
        }
        self
    }

    /// Ends the element that was begun last and has no end yet.
    pub fn end(&mut self) -> &mut Self {
        let Some(name) = self.open.pop() else { return self };
        if std::mem::take(&mut self.in_tag) {
            self.text.push_str("/>");
        } else {
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
        self
    }

    /// Ends the element that was begun last, on a line of its own.
    pub fn end_line(&mut self) -> &mut Self {
        let name = self.open.pop();
        self.line();
        self.open.extend(name);
        self.end()
    }

    /// An element with text and nothing else.
    pub fn element(&mut self, name: &'static str, text: &str, content: Content) -> &mut Self {
        self.start(name).text(text, content).end()
    }

    /// An element whose name is a field's prefix, with text and nothing else.
    pub fn field(&mut self, prefix: Prefix, text: &str) -> &mut Self {
        self.end_tag();
        self.text.push('<');
        self.text.push_str(prefix.as_str());
        self.text.push('>');
        self.text(text, Content::Escaped);
        self.text.push_str("</");
        self.text.push_str(prefix.as_str());
        self.text.push('>');
        self
    }

    /// Puts what follows on a new line, indented by as many steps as elements are open. Only where no element has text.
    pub fn line(&mut self) -> &mut Self {
        self.end_tag();
        self.text.push('\n');
        for _ in &self.open {
            self.text.push_str("  ");
        }
        self
    }

    /// The document, all elements ended.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        while !self.open.is_empty() {
            self.end();
        }
        self.text.push('\n');
        Bytes::from(self.text)
    }

    fn end_tag(&mut self) {
        if std::mem::take(&mut self.in_tag) {
            self.text.push('>');
        }
    }

    fn by_number(&mut self, white: &str) {
        for character in white.chars() {
            self.text.push_str("&#");
            self.text.push_str(&u32::from(character).to_string());
            self.text.push(';');
        }
    }

    fn escaped(&mut self, text: &str) {
        let legal = |character: char| is_character(character) && character != '\r';
        if text.chars().all(legal) {
            return self.text.push_str(&escape::escape(text));
        }
        for piece in text.split_inclusive(|character| !legal(character)) {
            let mut kept = piece.chars();
            let last = kept.next_back().filter(|last| !legal(*last));
            self.text.push_str(&escape::escape(if last.is_some() { kept.as_str() } else { piece }));
            match last {
                Some('\r') => self.text.push_str("&#13;"),
                Some(_) => self.text.push('?'),
                None => {}
            }
        }
    }

    /// A section ends at its first `]]>`, and a reader takes a CR in it for a line end: both are written between two.
    fn cdata(&mut self, text: &str) {
        self.text.push_str(CDATA);
        let mut previous = ['\0'; 2];
        for character in text.chars() {
            match character {
                '\r' => {
                    self.text.push_str("]]>&#13;");
                    self.text.push_str(CDATA);
                }
                '>' if previous == [']'; 2] => {
                    self.text.push_str("]]>");
                    self.text.push_str(CDATA);
                    self.text.push('>');
                }
                _ => self.text.push(if is_character(character) { character } else { '?' }),
            }
            let [_, last] = previous;
            previous = [last, character];
        }
        self.text.push_str("]]>");
    }
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const CDATA: &str = "<![CDATA[";
const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

#[cfg(test)]
mod tests {
    use super::super::{Element, parse};
    use super::*;

    fn written(text: &str, content: Content) -> String {
        let mut writer = Writer::new(0);
        writer.element("a", text, content);
        let bytes = writer.finish();
        let root = parse(&bytes).unwrap();
        let read = if content == Content::CData { root.text() } else { root.value() };
        assert_eq!(read, text);
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.strip_prefix(DECLARATION).unwrap().trim_end().to_owned()
    }

    #[test]
    fn text_is_written_so_that_it_is_read_back() {
        assert_eq!(written("", Content::Escaped), "<a></a>");
        assert_eq!(written("a<b>&\"c'", Content::Escaped), "<a>a&lt;b&gt;&amp;&quot;c&apos;</a>");
        assert_eq!(written(" a b\t", Content::Escaped), "<a>&#32;a b&#9;</a>");
        assert_eq!(written(" \r\n", Content::Escaped), "<a>&#32;&#13;&#10;</a>");
        assert_eq!(written("a\rb\r\nc", Content::Escaped), "<a>a&#13;b&#13;\nc</a>");
        assert_eq!(written("", Content::CData), "<a><![CDATA[]]></a>");
        assert_eq!(written(" a<&\n", Content::CData), "<a><![CDATA[ a<&\n]]></a>");
        assert_eq!(written("a]]>b]]", Content::CData), "<a><![CDATA[a]]]]><![CDATA[>b]]]]></a>");
        assert_eq!(written("a\r\nb", Content::CData), "<a><![CDATA[a]]>&#13;<![CDATA[\nb]]></a>");
    }

    #[test]
    fn what_xml_has_no_character_for_becomes_a_question_mark() {
        let mut writer = Writer::new(0);
        writer.start("a").attribute("b", "1\u{1}\r\"<");
        writer.element("c", "x\u{0}y\u{ffff}", Content::Escaped).element("d", "\u{1b}", Content::CData);
        let bytes = writer.finish();
        let root = parse(&bytes).unwrap();
        assert_eq!(root.attribute("", "b"), Some("1?\r\"<"));
        let texts: Vec<_> = root.children().iter().map(Element::text).collect();
        assert_eq!(texts, ["x?y?", "?"]);
    }
}
