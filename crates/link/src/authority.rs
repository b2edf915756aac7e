//! A certificate authority kept in a directory: makes it, issues, revokes, lists, signs the revocation list.
//!
//! The directory is the whole authority: `ca.pem` and `ca.key`, `crl.pem`, `switch.pem` and `switch.key`, `NAME.pem` and
//! `NAME.key` for each station, and `issued.json`, which says what was issued and what of it was revoked. Every act
//! locks the directory, reads `issued.json` anew and replaces files whole, so that two processes may share it and a
//! crash leaves each file as it was or as it should be. A certificate stands in `issued.json` before it exists: there
//! is none that cannot be revoked.
//!
//! The switch needs `ca.pem`, `crl.pem`, `switch.pem` and `switch.key`; `ca.key` need not lie on its machine.

mod ledger;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use codec::name::StationName;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams,
    SanType,
};

pub use self::ledger::{Holding, Issued, Status};
use self::ledger::{LEDGER, Ledger, read, replace};
use crate::certificate::{STATION_URI, Serial};

/// How long what an authority signs holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The authority's own certificate.
    pub authority: Duration,
    /// A station's and the switch's certificate.
    pub certificate: Duration,
    /// The revocation list. A switch refuses every new link once its list has run out.
    pub revocations: Duration,
}

impl Default for Terms {
    /// Ten years; a year and a month, so that a yearly renewal may be late; 30 days.
    fn default() -> Self {
        let days = |days: u64| Duration::from_hours(24 * days);
        Self { authority: days(3650), certificate: days(396), revocations: days(30) }
    }
}

/// A certificate authority in a directory.
#[derive(Debug, Clone)]
pub struct Authority {
    directory: PathBuf,
    terms: Terms,
}

/// Why the authority could not do what was asked. Files are named, keys never shown.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// `init` found an authority.
    #[error("{} already holds a certificate authority", .directory.display())]
    Exists {
        /// The directory.
        directory: PathBuf,
    },
    /// `init` found files that are no authority's.
    #[error("{} is not empty and holds no certificate authority of orinet", .directory.display())]
    NotOurs {
        /// The directory.
        directory: PathBuf,
    },
    /// There is no authority in the directory, or one whose making was cut short.
    #[error("{} holds no certificate authority; `init` makes one", .directory.display())]
    Missing {
        /// The directory.
        directory: PathBuf,
    },
    /// A file that was to be written belongs to something else.
    #[error("{} is there already and was not issued here", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The station has a certificate that holds.
    #[error("{station} has certificate {serial}, valid until {until}: renew or revoke it")]
    AlreadyIssued {
        /// The station.
        station: StationName,
        /// Its certificate.
        serial: Serial,
        /// Until when that holds.
        until: Timestamp,
    },
    /// No certificate was ever issued to the station.
    #[error("no certificate was issued to {station}")]
    UnknownStation {
        /// The station.
        station: StationName,
    },
    /// A host that the switch's certificate should name is neither a DNS name nor an address.
    #[error("a host of the switch must be a DNS name or an IP address")]
    Host,
    /// A file of the authority cannot be read for what it is.
    #[error("{} is damaged: {what}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A system call failed.
    #[error("{} cannot be {action}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried: `read`, `written`, `locked` and the like.
        action: &'static str,
        /// The system's word.
        source: io::Error,
    },
    /// Making a key or a signature failed.
    #[error("a certificate could not be made")]
    Crypto(#[source] rcgen::Error),
}

impl Authority {
    /// Makes a new authority in a directory that is empty or does not exist, with the switch's certificate (for
    /// `localhost`, `127.0.0.1`, `::1` and the given DNS names and addresses) and an empty revocation list.
    ///
    /// # Errors
    ///
    /// If the directory holds anything else, a host is malformed, or a file cannot be written. A call that was cut
    /// short (a crash, a full disk) can be repeated.
    pub fn init(directory: &Path, terms: Terms, hosts: &[&str], now: Timestamp) -> Result<Self, AuthorityError> {
        fs::create_dir_all(directory).map_err(io_error(directory, "made"))?;
        let this = Self { directory: directory.to_owned(), terms };
        let _lock = this.lock()?;
        if this.path("ca.pem").exists() && this.path(LEDGER).exists() {
            return Err(AuthorityError::Exists { directory: this.directory });
        }
        // An authority without ca.pem is one whose making was cut short: nobody can have used it.
        let mut entries = fs::read_dir(directory).map_err(io_error(directory, "read"))?;
        let mut ledger = if entries.next().is_none() {
            Ledger::default()
        } else {
            Ledger::load(directory).map_err(|_| AuthorityError::NotOurs { directory: directory.to_owned() })?
        };
        ledger.save(directory)?;

        let key = KeyPair::generate().map_err(AuthorityError::Crypto)?;
        let mut params = params(&format!("orinet authority {}", serial()?), now, terms.authority);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(serial()?.as_bytes().to_vec().into());
        let certificate = params.self_signed(&key).map_err(AuthorityError::Crypto)?.pem();
        replace(&this.path("ca.key"), key.serialize_pem().as_bytes(), 0o600)?;
        let issuer = Issuer::new(params, key);
        this.sign(&issuer, &mut ledger, Holding::Switch, hosts, now)?;
        this.sign_revocations(&issuer, &mut ledger, now)?;
        replace(&this.path("ca.pem"), certificate.as_bytes(), 0o644)?;
        Ok(this)
    }

    /// The authority in a directory.
    ///
    /// # Errors
    ///
    /// If there is none, or its files are damaged.
    pub fn open(directory: &Path, terms: Terms) -> Result<Self, AuthorityError> {
        let this = Self { directory: directory.to_owned(), terms };
        if !this.path("ca.pem").exists() || !this.path(LEDGER).exists() {
            return Err(AuthorityError::Missing { directory: this.directory });
        }
        Ledger::load(directory)?;
        Ok(this)
    }

    /// Issues a station's first certificate: `NAME.pem` and `NAME.key`, signed for `urn:orinet:station:NAME`.
    ///
    /// # Errors
    ///
    /// If the station has one that holds, or a file cannot be read or written.
    pub fn issue(&self, station: StationName, now: Timestamp) -> Result<Issued, AuthorityError> {
        self.act(|issuer, ledger| {
            let valid = |issued: &&Issued| issued.status(now) == Status::Valid;
            if let Some(issued) = ledger.of(Holding::Station(station)).find(valid) {
                let (serial, until) = (issued.serial.clone(), issued.until);
                return Err(AuthorityError::AlreadyIssued { station, serial, until });
            }
            self.sign(issuer, ledger, Holding::Station(station), &[], now)
        })
    }

    /// Issues a station a further certificate in place of its files. The one before holds until it runs out or is
    /// revoked, so that a station can change over without an interruption.
    ///
    /// # Errors
    ///
    /// If the station never had one, or a file cannot be read or written.
    pub fn renew(&self, station: StationName, now: Timestamp) -> Result<Issued, AuthorityError> {
        self.act(|issuer, ledger| {
            if ledger.of(Holding::Station(station)).next().is_none() {
                return Err(AuthorityError::UnknownStation { station });
            }
            self.sign(issuer, ledger, Holding::Station(station), &[], now)
        })
    }

    /// Issues the switch a further certificate in place of its files, for the local host and the given DNS names and
    /// addresses.
    ///
    /// # Errors
    ///
    /// If a host is malformed, or a file cannot be read or written.
    pub fn renew_switch(&self, hosts: &[&str], now: Timestamp) -> Result<Issued, AuthorityError> {
        self.act(|issuer, ledger| self.sign(issuer, ledger, Holding::Switch, hosts, now))
    }

    /// Revokes every certificate of a station and signs the list anew. Returns those that this call revoked: none if
    /// all had been.
    ///
    /// # Errors
    ///
    /// If the station never had one, or a file cannot be read or written.
    pub fn revoke(&self, station: StationName, now: Timestamp) -> Result<Vec<Issued>, AuthorityError> {
        self.act(|issuer, ledger| {
            if ledger.of(Holding::Station(station)).next().is_none() {
                return Err(AuthorityError::UnknownStation { station });
            }
            let revoked = ledger.revoke(Holding::Station(station), now);
            // The ledger first: a list that was lost on the way is made up for by any later act.
            ledger.save(&self.directory)?;
            self.sign_revocations(issuer, ledger, now)?;
            Ok(revoked)
        })
    }

    /// Signs the revocation list anew, for another [`Terms::revocations`]. Returns when it runs out.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written.
    pub fn refresh_revocations(&self, now: Timestamp) -> Result<Timestamp, AuthorityError> {
        self.act(|issuer, ledger| self.sign_revocations(issuer, ledger, now))
    }

    /// Everything that was issued, in the order in which it was.
    ///
    /// # Errors
    ///
    /// If `issued.json` cannot be read.
    pub fn list(&self) -> Result<Vec<Issued>, AuthorityError> {
        Ok(Ledger::load(&self.directory)?.certificates)
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Runs an act under the directory's lock, on its newest state.
    fn act<T>(
        &self,
        act: impl FnOnce(&Issuer<'_, KeyPair>, &mut Ledger) -> Result<T, AuthorityError>,
    ) -> Result<T, AuthorityError> {
        let _lock = self.lock()?;
        act(&self.issuer()?, &mut Ledger::load(&self.directory)?)
    }

    /// Holds off other processes until it is dropped.
    fn lock(&self) -> Result<File, AuthorityError> {
        let directory = File::open(&self.directory).map_err(io_error(&self.directory, "opened"))?;
        directory.lock().map_err(io_error(&self.directory, "locked"))?;
        Ok(directory)
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, AuthorityError> {
        let (key_path, certificate_path) = (self.path("ca.key"), self.path("ca.pem"));
        let damaged = |path: &Path, what: &str| AuthorityError::Damaged { path: path.into(), what: what.into() };
        let key = KeyPair::from_pem(&read(&key_path)?).map_err(|_| damaged(&key_path, "no private key in PEM"))?;
        let pem = read(&certificate_path)?;
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes())
            .map_err(|_| damaged(&certificate_path, "no certificate in PEM"))?;
        let certificate = block.parse_x509().map_err(|_| damaged(&certificate_path, "no certificate in PEM"))?;
        if certificate.public_key().raw != key.subject_public_key_info() {
            return Err(damaged(&key_path, "it is not the key of ca.pem"));
        }
        Issuer::from_ca_cert_pem(&pem, key).map_err(AuthorityError::Crypto)
    }

    /// Makes a key and a certificate and writes both, after the ledger.
    fn sign(
        &self,
        issuer: &Issuer<'_, KeyPair>,
        ledger: &mut Ledger,
        holding: Holding,
        hosts: &[&str],
        now: Timestamp,
    ) -> Result<Issued, AuthorityError> {
        let (stem, names, usage) = match holding {
            Holding::Station(station) => {
                let uri = format!("{STATION_URI}{station}").try_into().map_err(AuthorityError::Crypto)?;
                (station.to_string(), vec![SanType::URI(uri)], ExtendedKeyUsagePurpose::ClientAuth)
            }
            Holding::Switch => ("switch".to_owned(), host_names(hosts)?, ExtendedKeyUsagePurpose::ServerAuth),
        };
        let (certificate_path, key_path) = (self.path(&format!("{stem}.pem")), self.path(&format!("{stem}.key")));
        if ledger.of(holding).next().is_none() {
            // Also where a file system takes CA.pem, of a station named CA, and ca.pem for one.
            if let Some(path) = [&certificate_path, &key_path].into_iter().find(|path| path.exists()) {
                return Err(AuthorityError::Foreign { path: path.clone() });
            }
        }
        let serial = serial()?;
        let mut params = params(&stem, now, self.terms.certificate);
        params.serial_number = Some(serial.as_bytes().to_vec().into());
        params.subject_alt_names = names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(AuthorityError::Crypto)?;
        let certificate = params.signed_by(&key, issuer).map_err(AuthorityError::Crypto)?;

        let until = whole_seconds(now).saturating_add(self.terms.certificate).unwrap_or(Timestamp::MAX);
        let issued = Issued { serial, holding, from: whole_seconds(now), until, revoked: None };
        ledger.certificates.push(issued.clone());
        ledger.save(&self.directory)?;
        replace(&key_path, key.serialize_pem().as_bytes(), 0o600)?;
        replace(&certificate_path, certificate.pem().as_bytes(), 0o644)?;
        Ok(issued)
    }

    fn sign_revocations(
        &self,
        issuer: &Issuer<'_, KeyPair>,
        ledger: &mut Ledger,
        now: Timestamp,
    ) -> Result<Timestamp, AuthorityError> {
        let from = whole_seconds(now);
        let until = from.saturating_add(self.terms.revocations).unwrap_or(Timestamp::MAX);
        ledger.revocation_lists += 1;
        ledger.save(&self.directory)?;
        let list = CertificateRevocationListParams {
            this_update: x509_time(backdated(from)),
            next_update: x509_time(until),
            crl_number: ledger.revocation_lists.into(),
            issuing_distribution_point: None,
            revoked_certs: ledger.revoked(now).map(revoked_entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(issuer).and_then(|list| list.pem()).map_err(AuthorityError::Crypto)?;
        replace(&self.path("crl.pem"), pem.as_bytes(), 0o644)?;
        Ok(until)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }
}

/// How far what is signed now reaches back, for peers whose clock is behind.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// Bytes of a serial: RFC 5280 allows 20 and asks that the authority's be hard to guess.
const SERIAL_BYTES: usize = 16;

fn params(name: &str, now: Timestamp, term: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "orinet");
    params.distinguished_name.push(DnType::CommonName, name);
    let from = whole_seconds(now);
    params.not_before = x509_time(backdated(from));
    params.not_after = x509_time(from.saturating_add(term).unwrap_or(Timestamp::MAX));
    params
}

fn host_names(hosts: &[&str]) -> Result<Vec<SanType>, AuthorityError> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec();
    for host in hosts.iter().filter(|host| !["localhost", "127.0.0.1", "::1"].contains(host)) {
        rustls_pki_types::ServerName::try_from(*host).map_err(|_| AuthorityError::Host)?;
        names.push((*host).to_owned());
    }
    Ok(CertificateParams::new(names).map_err(|_| AuthorityError::Host)?.subject_alt_names)
}

fn revoked_entry(issued: &Issued) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: issued.serial.as_bytes().to_vec().into(),
        revocation_time: x509_time(issued.revoked.unwrap_or(issued.from)),
        reason_code: None,
        invalidity_date: None,
    }
}

fn serial() -> Result<Serial, AuthorityError> {
    let mut bytes = [0; SERIAL_BYTES];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| AuthorityError::Crypto(rcgen::Error::RingUnspecified))?;
    // Always the same length, never negative as DER.
    bytes[0] = bytes[0] & 0x3F | 0x40;
    Ok(Serial::from_bytes(&bytes))
}

/// X.509 knows whole seconds only; what `issued.json` says should be what the certificate says.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The same time as `rcgen` takes it, whatever its type is called there. Nothing here is dated before 1970.
fn x509_time<T: From<SystemTime>>(time: Timestamp) -> T {
    let since = Duration::from_secs(u64::try_from(time.as_second()).unwrap_or(0));
    T::from(SystemTime::UNIX_EPOCH + since)
}

fn backdated(time: Timestamp) -> Timestamp {
    time.saturating_sub(CLOCK_SKEW).unwrap_or(time)
}

fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> AuthorityError {
    let path = path.to_owned();
    move |source| AuthorityError::Io { path, action, source }
}
