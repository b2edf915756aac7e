//! The password of a locked terminal, of which only an argon2 hash is kept.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(String);

/// Why there is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The text is none.
    #[error("is no argon2 hash; `orinet terminal --hash-password` makes one")]
    NoHash,
    /// The password is empty or too long.
    #[error("a password has 1 to 128 characters")]
    Length,
    /// The system gave no randomness.
    #[error("the password could not be hashed")]
    Hashing,
}

/// A longer password is refused before any work is done for it.
const PASSWORD_BYTES_MAX: usize = 128;

impl Hash {
    /// Hashes a password, with a salt of its own.
    ///
    /// # Errors
    /// If the password is empty or longer than 128 bytes, or there is no randomness.
    pub fn new(password: &str) -> Result<Self, LockError> {
        if !(1..=PASSWORD_BYTES_MAX).contains(&password.len()) {
            return Err(LockError::Length);
        }
        let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|_| LockError::Hashing)?;
        Ok(Self(hash.to_string()))
    }

    /// Reads a hash in its usual form, `$argon2id$…`.
    ///
    /// # Errors
    /// If the text is none.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let argon2 = text.starts_with("$argon2") && PasswordHash::new(text).is_ok();
        if argon2 { Ok(Self(text.to_owned())) } else { Err(LockError::NoHash) }
    }

    /// Whether a password is the one. It takes some tens of milliseconds, on purpose.
    #[must_use]
    pub fn opens(&self, password: &str) -> bool {
        let Ok(hash) = PasswordHash::new(&self.0) else { return false };
        password.len() <= PASSWORD_BYTES_MAX && Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_opens_with_its_password_only() {
        let hash = Hash::new("open sesame").unwrap();
        let read = Hash::parse(&hash.to_string()).unwrap();
        assert!(read.opens("open sesame"));
        assert!(!read.opens("open sesam") && !read.opens("") && !read.opens(&"x".repeat(500)));
        assert_ne!(hash, Hash::new("open sesame").unwrap());
        assert_eq!(format!("{hash:?}"), "Hash");
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for bad in ["", "secret", "$argon2id$", "$1$abc$def"] {
            assert_eq!(Hash::parse(bad), Err(LockError::NoHash), "{bad}");
        }
        assert_eq!(Hash::new(""), Err(LockError::Length));
    }
}
