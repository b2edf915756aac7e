//! Operators: who they are, how they prove it, what each may do.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// One kind of thing that an operator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// List stations, links, queues, confirmations, dead letters, the directory; explain a route.
    Look,
    /// Hold, release, divert, set states, send again.
    Route,
    /// See the text of messages that could not be delivered, send them again, discard them.
    Letters,
    /// Drop changes of the directory.
    Directory,
    /// Drain the switch, end it, have it read its configuration again.
    Control,
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 5] = [Self::Look, Self::Route, Self::Letters, Self::Directory, Self::Control];

    /// The right of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == text)
    }

    /// Its name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Route => "route",
            Self::Letters => "letters",
            Self::Directory => "directory",
            Self::Control => "control",
        }
    }
}

/// What is kept of a token: its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// From 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |place: usize| char::from(*pair.get(place)?).to_digit(16);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        }
        Some(Self(bytes))
    }

    /// Whether two are the same, in a time that says nothing about where they differ.
    fn is(&self, other: &Self) -> bool {
        let different = self.0.iter().zip(&other.0).fold(0, |sum, (one, two)| sum | (one ^ two));
        std::hint::black_box(different) == 0
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// One who may give commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    name: String,
    token: TokenHash,
    rights: Vec<Right>,
}

impl Operator {
    /// An operator of the configuration.
    #[must_use]
    pub fn new(name: String, token: TokenHash, rights: Vec<Right>) -> Self {
        Self { name, token, rights }
    }

    /// As the journal names them.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn token(&self) -> TokenHash {
        self.token
    }

    /// What they may do.
    #[must_use]
    pub fn rights(&self) -> &[Right] {
        &self.rights
    }

    /// Whether they may do that.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }
}

/// All who may give commands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operators(Vec<Operator>);

impl Operators {
    /// Those of a configuration, checked.
    #[must_use]
    pub fn new(operators: Vec<Operator>) -> Self {
        Self(operators)
    }

    /// Each of them, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Operator> {
        self.0.iter()
    }

    /// Whether nobody may give commands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token that is. All of them are looked at, whichever it is.
    #[must_use]
    pub fn who(&self, token: &str) -> Option<&Operator> {
        let hash = TokenHash::of(token);
        self.0.iter().fold(None, |found, operator| if operator.token.is(&hash) { Some(operator) } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_alone() {
        // The first example of FIPS 180-4 for SHA-256.
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let operator = Operator::new("desk".to_owned(), TokenHash::parse(hash).unwrap(), vec![Right::Look]);
        assert_eq!(TokenHash::of("abc").to_string(), hash);
        let operators = Operators::new(vec![operator.clone()]);
        assert_eq!(operators.who("abc"), Some(&operator));
        assert_eq!(operators.who("abd"), None);
        assert_eq!(operators.who(""), None);
        assert!(operator.may(Right::Look) && !operator.may(Right::Control));
        assert!(!format!("{operator:?}").contains("ba78"), "a hash is not for logs");
    }
}
