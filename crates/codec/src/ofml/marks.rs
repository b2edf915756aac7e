//! What a client marks its messages with, and finds in the answers.

use std::fmt;

/// Most bytes of one mark; what is longer is cut.
pub const MARK_BYTES_MAX: usize = 32;

/// The marks of one message: printable ASCII, each at most [`MARK_BYTES_MAX`] bytes long, empty where there is none.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Marks([String; 5]);

impl Marks {
    /// The marks as the elements `ID`, `DAC`, `REF`, `RQR` and `USR` say them. A character that is not printable ASCII
    /// becomes `?`.
    #[must_use]
    pub fn new(id: &str, device: &str, reference: &str, requester: &str, user: &str) -> Self {
        Self([id, device, reference, requester, user].map(cut))
    }

    /// The client's number of the message (`ID`): the public client knows an answer by it.
    #[must_use]
    pub fn id(&self) -> &str {
        let [id, ..] = &self.0;
        id
    }

    /// The device (`DAC`).
    #[must_use]
    pub fn device(&self) -> &str {
        let [_, device, ..] = &self.0;
        device
    }

    /// The client's reference (`REF`).
    #[must_use]
    pub fn reference(&self) -> &str {
        let [_, _, reference, ..] = &self.0;
        reference
    }

    /// Who asked (`RQR`).
    #[must_use]
    pub fn requester(&self) -> &str {
        let [_, _, _, requester, _] = &self.0;
        requester
    }

    /// The user (`USR`).
    #[must_use]
    pub fn user(&self) -> &str {
        let [.., user] = &self.0;
        user
    }

    /// All of them, in the order of [`Marks::new`].
    #[must_use]
    pub const fn all(&self) -> &[String; 5] {
        &self.0
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }
}

/// Their lengths alone: a user's name belongs in no log.
impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Marks({:?} bytes)", self.0.each_ref().map(String::len))
    }
}

fn cut(text: &str) -> String {
    let printable = |character: char| if matches!(character, ' '..='~') { character } else { '?' };
    text.chars().take(MARK_BYTES_MAX).map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_short_and_printable() {
        let marks = Marks::new("ID1", "DÄC\n", &"R".repeat(100), "", "USER");
        assert_eq!((marks.id(), marks.device(), marks.requester(), marks.user()), ("ID1", "D?C?", "", "USER"));
        assert_eq!(marks.reference().len(), MARK_BYTES_MAX);
        assert_eq!(format!("{marks:?}"), "Marks([3, 4, 32, 0, 4] bytes)");
        assert!(Marks::default().is_empty() && !marks.is_empty());
    }
}
