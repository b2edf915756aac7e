//! The keys: one signs, the other checks.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use pem::{EncodeConfig, LineEnding, Pem};

use super::{SIGNATURE_BYTES, Signed, Statement};

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
/// What stands before the 32 bytes of an Ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410).
const PUBLIC_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why there is no key. Keys are never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a private key that can sign.
    #[error("it holds no private key of Ed25519 as PKCS#8 in PEM")]
    Private,
    /// Not a public key that can check.
    #[error("it holds no public key of Ed25519 in PEM")]
    Public,
    /// The system gave no random bytes.
    #[error("no key can be made")]
    Generate,
}

/// Signs statements.
pub struct Signer {
    pair: Ed25519KeyPair,
    private_pem: String,
    public_pem: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyError::Generate`].
    pub fn generate() -> Result<Self, KeyError> {
        Self::new(Ed25519KeyPair::generate().map_err(|_| KeyError::Generate)?)
    }

    /// A key from the text of its file.
    ///
    /// # Errors
    /// [`KeyError::Private`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let pem = pem::parse(text).ok().filter(|pem| pem.tag() == PRIVATE).ok_or(KeyError::Private)?;
        Self::new(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pem.contents()).map_err(|_| KeyError::Private)?)
    }

    fn new(pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let private: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Private)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Public)?;
        let (private_pem, public_pem) = (encode(PRIVATE, private.as_ref()), encode(PUBLIC, public.as_ref()));
        Ok(Self { pair, private_pem, public_pem })
    }

    /// The private key's file: whoever has it can sign.
    pub fn private_pem(&self) -> String {
        self.private_pem.clone()
    }

    /// The public key's file: whoever has it can check.
    pub fn public_pem(&self) -> String {
        self.public_pem.clone()
    }

    /// Signs.
    pub fn sign(&self, statement: &Statement) -> Signed {
        let mut signature = [0; SIGNATURE_BYTES];
        let made = self.pair.sign(&statement.message());
        for (byte, made) in signature.iter_mut().zip(made.as_ref()) {
            *byte = *made;
        }
        Signed { statement: *statement, signature }
    }
}

/// Checks signatures, by one key or by several where a key was replaced.
#[derive(Clone)]
pub struct Verifier {
    keys: Vec<[u8; 32]>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys.len()).finish()
    }
}

impl Verifier {
    /// Keys from the text of a file, which may hold several, one after another.
    ///
    /// # Errors
    /// [`KeyError::Public`] if there is none, or one among them is of another kind.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let pems = pem::parse_many(text).map_err(|_| KeyError::Public)?;
        let key = |pem: &Pem| {
            let key = pem.contents().strip_prefix(&PUBLIC_PREFIX).filter(|_| pem.tag() == PUBLIC)?;
            key.try_into().ok()
        };
        let keys: Option<Vec<[u8; 32]>> = pems.iter().map(key).collect();
        keys.filter(|keys| !keys.is_empty()).map(|keys| Self { keys }).ok_or(KeyError::Public)
    }

    /// Whether one of the keys signed it, as it is.
    pub fn accepts(&self, signed: &Signed) -> bool {
        let message = signed.statement.message();
        let signed_by =
            |key: &[u8; 32]| UnparsedPublicKey::new(&ED25519, key).verify(&message, &signed.signature).is_ok();
        self.keys.iter().any(signed_by)
    }
}

fn encode(tag: &str, bytes: &[u8]) -> String {
    pem::encode_config(&Pem::new(tag, bytes), EncodeConfig::new().set_line_ending(LineEnding::LF))
}

#[cfg(all(test, not(feature = "schedules")))]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_others_are_refused() {
        let signer = Signer::generate().expect("generates");
        let again = Signer::from_pem(&signer.private_pem()).expect("a key");
        assert_eq!(again.public_pem(), signer.public_pem());
        assert!(signer.public_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
        for wrong in ["", "nothing", &signer.public_pem(), &signer.private_pem().replace('M', "N")] {
            assert!(matches!(Signer::from_pem(wrong), Err(KeyError::Private)), "{wrong}");
        }
        for wrong in ["", "nothing", &signer.private_pem(), &(signer.public_pem() + &signer.private_pem())] {
            assert!(matches!(Verifier::from_pem(wrong), Err(KeyError::Public)), "{wrong}");
        }
    }

    #[test]
    fn keys_of_openssl_are_read() {
        // Made by `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`, for this test alone.
        let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEICLJH5/m9z0wBIzCDpyqqx0kVswRe5OOt5DXIWauLuB8\n-----END PRIVATE KEY-----\n";
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAcz4g6I2wZmuWnwBeQvX9XmAR9eAGAwD2tQ/+qkTptyo=\n-----END PUBLIC KEY-----\n";
        let signer = Signer::from_pem(private).expect("a key");
        assert_eq!((signer.private_pem().as_str(), signer.public_pem().as_str()), (private, public));
    }

    #[test]
    fn a_key_is_not_shown() {
        let signer = Signer::generate().expect("generates");
        assert_eq!(format!("{signer:?}"), "Signer");
    }
}
