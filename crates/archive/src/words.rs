//! Words: how a text, a name and what is asked for become the same tokens.
//!
//! A word is a run of letters and digits, in capitals; an apostrophe inside it is left out, anything else ends it. So
//! `O'Brien` and `OBRIEN` are one word, `SMITH-JONES` and `01/02/1980` are two and three. What goes into the index and
//! what is asked for pass through here, so they agree. Bytes beyond ASCII separate: legacy text has none.
//!
//! A token of the index that is not a word of the body has a letter and a colon before it, which no word can have:
//!
//! | Mark | What it says |
//! |---|---|
//! | `K:` | the message's key |
//! | `F:` | from: the sender's ORI, its line, the station that sent it |
//! | `T:` | to: a destination as written, its line, the station it goes to |
//! | `V:` | a station that sent it or was sent it, and may see it |
//! | `C:` | the control field, in capitals |
//! | `N:` | a word of the field `NAM` |

/// A longer word is cut, here and in what is asked for. Longer than any field of the dictionary that is one word.
const WORD_BYTES_MAX: usize = 40;

/// The key's mark, and so on: see the module's documentation.
pub(crate) const KEY: &str = "K:";
pub(crate) const FROM: &str = "F:";
pub(crate) const TO: &str = "T:";
pub(crate) const VISIBLE: &str = "V:";
pub(crate) const CONTROL: &str = "C:";
pub(crate) const NAME: &str = "N:";

/// Adds the words of `text` to `out`, each with `mark` before it and a space behind it.
pub(crate) fn push_words(out: &mut String, mark: &str, text: &[u8]) {
    let mut length = 0;
    for byte in text {
        if byte.is_ascii_alphanumeric() {
            if length == 0 {
                out.push_str(mark);
            }
            if length < WORD_BYTES_MAX {
                out.push(char::from(byte.to_ascii_uppercase()));
            }
            length += 1;
        } else if *byte != b'\'' && length > 0 {
            out.push(' ');
            length = 0;
        }
    }
    if length > 0 {
        out.push(' ');
    }
}

/// Adds one token that is known to have letters and digits only.
pub(crate) fn push_token(out: &mut String, mark: &str, text: &str) {
    out.push_str(mark);
    out.push_str(text);
    out.push(' ');
}

/// The words of what somebody asks for.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut all = String::new();
    push_words(&mut all, "", text.as_bytes());
    all.split_ascii_whitespace().map(str::to_owned).collect()
}

/// Adds the words of every `NAM/` in a body, up to the period, the line's end or the body's. It is found also where the
/// body is prose with fields in it, as answers are. The comma between surname and given names separates like any other.
pub(crate) fn push_names(out: &mut String, body: &[u8]) {
    let mut from = 0;
    while let Some(at) = find(body, from) {
        let value = body.get(at + FIELD.len()..).unwrap_or_default();
        let end = value.iter().position(|byte| matches!(byte, b'.' | b'\r' | b'\n')).unwrap_or(value.len());
        push_words(out, NAME, value.get(..end).unwrap_or_default());
        from = at + FIELD.len() + end;
    }
}

const FIELD: &[u8] = b"NAM/";

/// Where the field's prefix stands from `from` on, with no letter or digit before it.
fn find(body: &[u8], from: usize) -> Option<usize> {
    let mut slash = from;
    loop {
        slash += memchr::memchr(b'/', body.get(slash..)?)?;
        if let Some(at) = slash.checked_sub(FIELD.len() - 1).filter(|at| *at >= from)
            && body.get(at..=slash).is_some_and(|field| field.eq_ignore_ascii_case(FIELD))
            && at.checked_sub(1).and_then(|before| body.get(before)).is_none_or(|b| !b.is_ascii_alphanumeric())
        {
            return Some(at);
        }
        slash += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> String {
        let mut out = String::new();
        push_names(&mut out, body.as_bytes());
        out
    }

    #[test]
    fn text_and_question_become_the_same_words() {
        for (text, expected) in [
            ("hello, World", &["HELLO", "WORLD"][..]),
            ("O'Brien OBRIEN 'quoted'", &["OBRIEN", "OBRIEN", "QUOTED"]),
            ("SMITH-JONES 555-0100 01/02/1980", &["SMITH", "JONES", "555", "0100", "01", "02", "1980"]),
            ("' - . ''", &[]),
            ("M\u{dc}LLER", &["M", "LLER"]),
            ("", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(words(&"A".repeat(60)), ["A".repeat(WORD_BYTES_MAX)]);
    }

    #[test]
    fn names_are_found_in_fields_and_in_prose() {
        assert_eq!(names("PUR/C.NAM/SAMPLE, PERSON A.DOB/19800102"), "N:SAMPLE N:PERSON N:A ");
        assert_eq!(names("nam/o'brien-lee\r\nX"), "N:OBRIEN N:LEE ");
        assert_eq!(names("RE QUERY 1 NAM/ONE, A. DOB/1.\r\nNAM/TWO, B"), "N:ONE N:A N:TWO N:B ");
        assert_eq!(names("XNAM/NO.NA/M/NO.NAM"), "");
        assert_eq!(names("/NAM/YES"), "N:YES ");
        assert_eq!(names("NAM/"), "");
        assert_eq!(names("AB/NAM/X"), "N:X ");
        assert_eq!(names("/"), "");
    }
}
