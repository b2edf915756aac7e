//! Text under a cursor: one line or several, of the characters that the network carries.

/// A text that is being typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Editor {
    text: String,
    /// In bytes, which are characters here.
    cursor: usize,
    lines: bool,
}

/// A text is not longer than a message can be.
const BYTES_MAX: usize = 64 * 1024;

impl Editor {
    /// One line.
    #[must_use]
    pub fn line(text: &str) -> Self {
        let mut editor = Self::default();
        editor.insert(text);
        editor
    }

    /// Several lines.
    #[must_use]
    pub fn lines(text: &str) -> Self {
        let mut editor = Self { lines: true, ..Self::default() };
        editor.insert(text);
        editor
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it takes several lines.
    #[must_use]
    pub const fn has_lines(&self) -> bool {
        self.lines
    }

    /// Where the cursor stands: the line and the column, from 0.
    #[must_use]
    pub fn position(&self) -> (usize, usize) {
        let before = self.text.get(..self.cursor).unwrap_or_default();
        let line = before.matches('\n').count();
        (line, before.rsplit('\n').next().map_or(0, str::len))
    }

    /// Puts another text in place of what was typed.
    pub fn set(&mut self, text: &str) {
        self.text.clear();
        self.cursor = 0;
        self.insert(text);
    }

    /// Takes the text away.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Inserts text at the cursor and says how many characters of it cannot be: what the network does not carry, and
    /// what is too much. Line ends become a space where there is one line.
    pub fn insert(&mut self, text: &str) -> usize {
        let mut refused: usize = 0;
        for character in text.replace("\r\n", "\n").replace('\r', "\n").chars() {
            let character = match character {
                '\n' if self.lines => '\n',
                '\n' | '\t' => ' ',
                other => other,
            };
            let fits = matches!(character, ' '..='~' | '\n') && self.text.len() < BYTES_MAX;
            if fits && self.text.is_char_boundary(self.cursor) {
                self.text.insert(self.cursor, character);
                self.cursor = self.cursor.saturating_add(1);
            } else {
                refused = refused.saturating_add(1);
            }
        }
        refused
    }

    /// Takes the character before the cursor away; false if there is none.
    pub fn backspace(&mut self) -> bool {
        if self.cursor == 0 {
            return false;
        }
        self.cursor = self.cursor.saturating_sub(1);
        self.text.remove(self.cursor);
        true
    }

    /// Takes the character under the cursor away.
    pub fn delete(&mut self) {
        if self.cursor < self.text.len() {
            self.text.remove(self.cursor);
        }
    }

    /// One character to the left; false at the beginning.
    pub fn left(&mut self) -> bool {
        let moves = self.cursor > 0;
        self.cursor = self.cursor.saturating_sub(1);
        moves
    }

    /// One character to the right; false at the end.
    pub fn right(&mut self) -> bool {
        let moves = self.cursor < self.text.len();
        self.cursor = self.cursor.saturating_add(1).min(self.text.len());
        moves
    }

    /// To the beginning of the line.
    pub fn home(&mut self) {
        let (_, column) = self.position();
        self.cursor = self.cursor.saturating_sub(column);
    }

    /// To the end of the line.
    pub fn end(&mut self) {
        let rest = self.text.get(self.cursor..).unwrap_or_default();
        self.cursor = self.cursor.saturating_add(rest.find('\n').unwrap_or(rest.len()));
    }

    /// A line up; false on the first.
    pub fn up(&mut self) -> bool {
        let (line, column) = self.position();
        line > 0 && self.go(line.saturating_sub(1), column)
    }

    /// A line down; false on the last.
    pub fn down(&mut self) -> bool {
        let (line, column) = self.position();
        self.go(line.saturating_add(1), column)
    }

    fn go(&mut self, line: usize, column: usize) -> bool {
        let mut start: usize = 0;
        for (at, text) in self.text.split('\n').enumerate() {
            if at == line {
                self.cursor = start.saturating_add(column.min(text.len()));
                return true;
            }
            start = start.saturating_add(text.len()).saturating_add(1);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_typed_and_taken_away() {
        let mut editor = Editor::line("ABD");
        assert!(editor.left());
        editor.insert("C");
        assert_eq!((editor.text(), editor.position()), ("ABCD", (0, 3)));
        assert!(editor.backspace());
        editor.delete();
        assert_eq!(editor.text(), "AB");
        editor.home();
        assert!(!editor.left() && !editor.backspace());
    }

    #[test]
    fn only_what_the_network_carries_is_taken() {
        let mut editor = Editor::line("");
        assert_eq!(editor.insert("A\u{e9}\x1b[2J\u{4e00}\nB\tC"), 3);
        assert_eq!(editor.text(), "A[2J B C");
    }

    #[test]
    fn lines_are_walked() {
        let mut editor = Editor::lines("ONE\r\nTHREE\nX");
        assert_eq!(editor.position(), (2, 1));
        assert!(editor.up());
        editor.end();
        assert_eq!(editor.position(), (1, 5));
        assert!(editor.up() && !editor.up());
        assert_eq!(editor.position(), (0, 3));
        assert!(editor.down() && editor.down() && !editor.down());
    }
}
