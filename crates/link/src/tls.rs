//! TLS configurations from files: who is trusted, who is revoked, what this end shows.
//!
//! A client certificate is required, its authority's revocation list too, and a list whose time has run out is worth
//! nothing: every new link is then refused. There are no session tickets and no resumption, because a resumed session
//! skips the revocation check (`protocol-specs/wire.md` 1).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use codec::name::StationName;
use jiff::Timestamp;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::{parse_x509_certificate, parse_x509_crl};

use crate::certificate::{Holder, Serial, timestamp};

/// Which versions of TLS the switch speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versions {
    /// TLS 1.3.
    #[default]
    Tls13,
    /// Also TLS 1.2, with authenticated encryption and an extended master secret only.
    Tls12And13,
}

/// What the switch's end reads, each a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// The authorities that sign stations' certificates.
    pub ca: PathBuf,
    /// Their revocation lists.
    pub crl: PathBuf,
    /// The switch's certificate and what leads from it to an authority that stations trust.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The versions spoken.
    pub versions: Versions,
}

impl ServerFiles {
    /// The files of an [`Authority`](crate::authority::Authority)'s directory.
    #[must_use]
    pub fn in_directory(pki: &Path) -> Self {
        let [ca, crl, certificate, key] = ["ca.pem", "crl.pem", "switch.pem", "switch.key"].map(|file| pki.join(file));
        Self { ca, crl, certificate, key, versions: Versions::default() }
    }
}

/// What a station's end reads, each a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// The authorities that sign the switch's certificate.
    pub ca: PathBuf,
    /// Their revocation lists. Without them a revoked certificate of the switch goes unnoticed.
    pub crl: Option<PathBuf>,
    /// The station's certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl ClientFiles {
    /// A station's files in an [`Authority`](crate::authority::Authority)'s directory, without a revocation list: a
    /// station has no way to get a new one in time.
    #[must_use]
    pub fn in_directory(pki: &Path, station: StationName) -> Self {
        let [certificate, key] = ["pem", "key"].map(|end| pki.join(format!("{station}.{end}")));
        Self { ca: pki.join("ca.pem"), crl: None, certificate, key }
    }
}

/// Why a configuration cannot be made from its files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// A private key is not that of its certificate.
    #[error("{} is not the key of {}", .key.display(), .certificate.display())]
    KeyMismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's.
        certificate: PathBuf,
    },
    /// The certificate of this end has run out.
    #[error("the certificate in {} was valid until {until}", .path.display())]
    CertificateExpired {
        /// The file.
        path: PathBuf,
        /// When it ran out.
        until: Timestamp,
    },
    /// A revocation list has run out.
    #[error("the revocation list in {} was valid until {until}", .path.display())]
    CrlExpired {
        /// The file.
        path: PathBuf,
        /// When it ran out.
        until: Timestamp,
    },
    /// A revocation list is of no authority in the file of authorities.
    #[error("a revocation list in {} was signed by no authority in {}", .path.display(), .ca.display())]
    CrlForeign {
        /// The list's file.
        path: PathBuf,
        /// The authorities' file.
        ca: PathBuf,
    },
    /// An authority has no revocation list, so that none of its certificates could be accepted.
    #[error("{} holds no list for an authority in {}", .path.display(), .ca.display())]
    CrlMissing {
        /// The lists' file.
        path: PathBuf,
        /// The authorities' file.
        ca: PathBuf,
    },
    /// The TLS library refuses the parts.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// The switch's end, ready to accept.
#[derive(Debug)]
pub struct ServerTls {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) trust: Trust,
    pub(crate) identity: Identity,
}

impl ServerTls {
    /// Reads the files and makes the configuration.
    ///
    /// # Errors
    ///
    /// If a file is missing, unreadable or not what it should be; if the revocation list or the switch's own
    /// certificate has run out at `now`.
    pub fn load(files: &ServerFiles, now: Timestamp) -> Result<Self, TlsError> {
        Self::assemble(Trust::load(files, now)?, Identity::load(&files.certificate, &files.key, now)?, files.versions)
    }

    pub(crate) fn assemble(trust: Trust, identity: Identity, versions: Versions) -> Result<Self, TlsError> {
        let versions: &[&SupportedProtocolVersion] = match versions {
            Versions::Tls13 => &[&rustls::version::TLS13],
            Versions::Tls12And13 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        };
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(TlsError::Tls)?
            .with_client_cert_verifier(Arc::clone(&trust.verifier))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.pair))));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.require_ems = true;
        Ok(Self { config: Arc::new(config), trust, identity })
    }

    /// When the first of the revocation lists runs out. From then on every new link is refused.
    #[must_use]
    pub fn crl_until(&self) -> Timestamp {
        self.trust.until
    }

    /// When the switch's own certificate runs out.
    #[must_use]
    pub const fn certificate_until(&self) -> Timestamp {
        self.identity.until
    }

    /// How many certificates the lists revoke.
    #[must_use]
    pub fn revoked(&self) -> usize {
        self.trust.revoked.values().map(HashSet::len).sum()
    }
}

/// Makes a station's configuration: TLS 1.3 only, the switch's certificate checked against the authorities.
///
/// # Errors
///
/// If a file is missing, unreadable or not what it should be, or has run out at `now`.
pub fn client_config(files: &ClientFiles, now: Timestamp) -> Result<Arc<ClientConfig>, TlsError> {
    let authorities = Authorities::load(&files.ca)?;
    let mut verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities.roots()?), provider());
    if let Some(crl) = &files.crl {
        verifier = verifier.with_crls(Revocations::load(&authorities, crl, now)?.lists).enforce_revocation_expiration();
    }
    let verifier = verifier.build().map_err(|error| TlsError::Tls(rustls::Error::General(error.to_string())))?;
    let identity = Identity::load(&files.certificate, &files.key, now)?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Tls)?
        .with_webpki_verifier(verifier)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.pair)));
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Makes our provider of cryptography the process's, so that no library picks another. Every binary and test that
/// uses TLS calls it first; a further call changes nothing.
pub fn install_default() {
    // An error says that one was installed before, which is what was asked for.
    drop(aws_lc_rs::default_provider().install_default());
}

/// Whom the switch believes: authorities and their revocation lists.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    verifier: Arc<dyn ClientCertVerifier>,
    authorities: Authorities,
    /// By the issuer's name as DER.
    revoked: HashMap<Box<[u8]>, HashSet<Serial>>,
    pub(crate) until: Timestamp,
}

impl Trust {
    pub(crate) fn load(files: &ServerFiles, now: Timestamp) -> Result<Self, TlsError> {
        let authorities = Authorities::load(&files.ca)?;
        let Revocations { lists, revoked, until } = Revocations::load(&authorities, &files.crl, now)?;
        if authorities.names().any(|name| !revoked.contains_key(name)) {
            return Err(TlsError::CrlMissing { path: files.crl.clone(), ca: files.ca.clone() });
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities.roots()?), provider())
            .with_crls(lists)
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| TlsError::Tls(rustls::Error::General(error.to_string())))?;
        Ok(Self { verifier, authorities, revoked, until })
    }

    pub(crate) fn is_revoked(&self, holder: &Holder) -> bool {
        self.revoked.get(&holder.issuer).is_some_and(|serials| serials.contains(&holder.serial))
    }

    /// Whether all whom the other trusts are trusted here too.
    pub(crate) fn has_authorities_of(&self, other: &Self) -> bool {
        other.authorities.certificates.iter().all(|theirs| self.authorities.certificates.contains(theirs))
    }

    /// Whether a link with these certificates would be accepted at that time.
    pub(crate) fn check(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Result<(), rustls::Error> {
        let (certificate, intermediates) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        let seconds = Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0));
        self.verifier
            .verify_client_cert(certificate, intermediates, UnixTime::since_unix_epoch(seconds))
            .map(|_verified| ())
    }
}

/// What this end shows: a certificate with its key.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pair: Arc<CertifiedKey>,
    until: Timestamp,
}

impl Identity {
    pub(crate) fn load(certificate: &Path, key: &Path, now: Timestamp) -> Result<Self, TlsError> {
        let chain: Vec<CertificateDer<'static>> = items(certificate, "certificate in PEM")?;
        let private: PrivateKeyDer<'static> = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|_| TlsError::Content { path: key.into(), what: "private key in PEM" })?;
        let unreadable = || TlsError::Content { path: certificate.into(), what: "certificate in PEM" };
        let leaf = chain.first().ok_or_else(unreadable)?;
        let (_, parsed) = parse_x509_certificate(leaf).map_err(|_| unreadable())?;
        let until = timestamp(parsed.validity().not_after);
        if until < now {
            return Err(TlsError::CertificateExpired { path: certificate.into(), until });
        }
        let pair = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| {
            if matches!(error, rustls::Error::InconsistentKeys(_)) {
                TlsError::KeyMismatch { key: key.into(), certificate: certificate.into() }
            } else {
                TlsError::Tls(error)
            }
        })?;
        Ok(Self { pair: Arc::new(pair), until })
    }
}

/// The certificates of authorities.
#[derive(Debug, Clone)]
struct Authorities {
    path: PathBuf,
    certificates: Vec<CertificateDer<'static>>,
    names: Vec<Box<[u8]>>,
}

impl Authorities {
    fn load(path: &Path) -> Result<Self, TlsError> {
        let certificates: Vec<CertificateDer<'static>> = items(path, "authority's certificate in PEM")?;
        let name = |certificate: &CertificateDer<'static>| {
            let (_, parsed) = parse_x509_certificate(certificate)
                .map_err(|_| TlsError::Content { path: path.into(), what: "authority's certificate in PEM" })?;
            Ok(parsed.subject().as_raw().into())
        };
        let names = certificates.iter().map(name).collect::<Result<_, _>>()?;
        Ok(Self { path: path.into(), certificates, names })
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        self.certificates
            .iter()
            .try_for_each(|certificate| roots.add(certificate.clone()))
            .map_err(|_| TlsError::Content { path: self.path.clone(), what: "authority's certificate in PEM" })?;
        Ok(roots)
    }

    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().map(|name| &**name)
    }

    /// Whether one of them signed a revocation list.
    fn signed(&self, list: &CertificateRevocationList<'_>) -> bool {
        self.certificates.iter().filter_map(|certificate| parse_x509_certificate(certificate).ok()).any(
            |(_, parsed)| {
                parsed.subject().as_raw() == list.issuer().as_raw()
                    && list.verify_signature(parsed.public_key()).is_ok()
            },
        )
    }
}

/// Revocation lists that hold now.
struct Revocations {
    lists: Vec<CertificateRevocationListDer<'static>>,
    revoked: HashMap<Box<[u8]>, HashSet<Serial>>,
    until: Timestamp,
}

impl Revocations {
    fn load(authorities: &Authorities, path: &Path, now: Timestamp) -> Result<Self, TlsError> {
        let unreadable = || TlsError::Content { path: path.into(), what: "revocation list in PEM" };
        let lists: Vec<CertificateRevocationListDer<'static>> = items(path, "revocation list in PEM")?;
        let mut revoked: HashMap<Box<[u8]>, HashSet<Serial>> = HashMap::new();
        let mut earliest = Timestamp::MAX;
        for list in &lists {
            let (_, parsed) = parse_x509_crl(list).map_err(|_| unreadable())?;
            if !authorities.signed(&parsed) {
                return Err(TlsError::CrlForeign { path: path.into(), ca: authorities.path.clone() });
            }
            let until = parsed.next_update().map(timestamp).ok_or_else(unreadable)?;
            if until <= now {
                return Err(TlsError::CrlExpired { path: path.into(), until });
            }
            earliest = earliest.min(until);
            let serials = parsed.iter_revoked_certificates().map(|entry| Serial::from_bytes(entry.raw_serial()));
            revoked.entry(parsed.issuer().as_raw().into()).or_default().extend(serials);
        }
        Ok(Self { lists, revoked, until: earliest })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.into(), source })
}

/// All of a kind in a PEM file, at least one.
fn items<T: PemObject>(path: &Path, what: &'static str) -> Result<Vec<T>, TlsError> {
    let items: Result<Vec<T>, pem::Error> = T::pem_slice_iter(&read(path)?).collect();
    items.ok().filter(|items| !items.is_empty()).ok_or_else(|| TlsError::Content { path: path.into(), what })
}
