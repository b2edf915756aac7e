//! What a certificate says about its holder: the station's name, the serial, how long it holds.

use std::fmt;

use codec::name::StationName;
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::time::ASN1Time;

/// What the one URI that names a station begins with (`protocol-specs/wire.md` 1).
pub const STATION_URI: &str = "urn:orinet:station:";

/// A certificate's serial number, unique within its authority. Prints as lower-case hexadecimal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(Box<[u8]>);

impl Serial {
    /// The serial of these big-endian bytes; leading zeros do not count.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Self(bytes.iter().skip(zeros).copied().collect())
    }

    /// Reads the hexadecimal form that `Display` prints; nothing if the text is not that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.is_empty() || !rest.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        Some(Self::from_bytes(&pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?))
    }

    /// Its bytes, big endian, without leading zeros.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a certificate names no station, though its authority vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnnamedError {
    /// It is no X.509 certificate that can be read.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It has no URI that begins with [`STATION_URI`].
    #[error("the certificate names no station")]
    None,
    /// It has more than one such URI.
    #[error("the certificate names several stations")]
    Several,
    /// What follows [`STATION_URI`] is no station's name in its upper-case form.
    #[error("the certificate's station has no valid name")]
    Name,
}

/// A verified certificate's holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) station: StationName,
    pub(crate) serial: Serial,
    /// The issuer's name as DER: a serial means something only together with it.
    pub(crate) issuer: Box<[u8]>,
    /// The last second in which the certificate holds.
    pub(crate) until: Timestamp,
}

impl Holder {
    /// Reads the holder out of a certificate. Whether the certificate can be trusted is the TLS verifier's to say.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Result<Self, UnnamedError> {
        let (_, parsed) = parse_x509_certificate(certificate).map_err(|_| UnnamedError::Unreadable)?;
        Ok(Self {
            station: station(&parsed)?,
            serial: Serial::from_bytes(parsed.raw_serial()),
            issuer: parsed.issuer().as_raw().into(),
            until: timestamp(parsed.validity().not_after),
        })
    }
}

/// A time of X.509 in our form; one out of range is the nearest that is in it.
pub(crate) fn timestamp(time: ASN1Time) -> Timestamp {
    let seconds = time.timestamp();
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn station(certificate: &X509Certificate<'_>) -> Result<StationName, UnnamedError> {
    // An error here is an extension that stands twice or cannot be read: what it says is not to be guessed at.
    let names = certificate.subject_alternative_name().map_err(|_| UnnamedError::Unreadable)?;
    let mut stations = names
        .iter()
        .flat_map(|names| names.value.general_names.iter())
        .filter_map(|name| if let GeneralName::URI(uri) = name { uri.strip_prefix(STATION_URI) } else { None });
    let text = stations.next().ok_or(UnnamedError::None)?;
    if stations.next().is_some() {
        return Err(UnnamedError::Several);
    }
    match StationName::parse(text) {
        // A URN is compared byte by byte, so that one station has one spelling.
        Ok(name) if name.as_str() == text => Ok(name),
        Ok(_) | Err(_) => Err(UnnamedError::Name),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn read(uris: &[&str]) -> Result<StationName, UnnamedError> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.serial_number = Some(vec![0, 1, 2].into());
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Holder::read(certificate.der()).map(|holder| {
            assert_eq!(holder.serial, Serial::from_bytes(&[1, 2]));
            holder.station
        })
    }

    #[test]
    fn exactly_one_uri_names_the_station() {
        let name = |text| Ok(StationName::parse(text).unwrap());
        assert_eq!(read(&["urn:orinet:station:ZA0010000"]), name("ZA0010000"));
        assert_eq!(read(&["https://example.test/", "urn:orinet:station:AX"]), name("AX"));
        assert_eq!(read(&[]), Err(UnnamedError::None));
        assert_eq!(read(&["URN:orinet:station:AX"]), Err(UnnamedError::None));
        assert_eq!(read(&["urn:orinet:station:AX", "urn:orinet:station:AX"]), Err(UnnamedError::Several));
        for bad in ["", "ax", "AX/../ZA", "A X", "ABCDEFGHIJKLMNOPQ"] {
            assert_eq!(read(&[&format!("{STATION_URI}{bad}")]), Err(UnnamedError::Name), "{bad}");
        }
        assert_eq!(Holder::read(&CertificateDer::from(vec![0x30, 0x00])), Err(UnnamedError::Unreadable));
    }

    #[test]
    fn serials_print_and_read_back() {
        let serial = Serial::from_bytes(&[0, 0x0a, 0xff]);
        assert_eq!(serial.to_string(), "0aff");
        assert_eq!(Serial::parse("000AFF"), Some(serial));
        for bad in ["", "0", "0g", "0aff0", "+1"] {
            assert_eq!(Serial::parse(bad), None, "{bad}");
        }
    }
}
