//! Which station a command is, and which switch it calls.

use std::path::PathBuf;

use clap::Args;
use codec::name::StationName;
use jiff::Timestamp;
use link::dialer;
use link::tls::{ClientFiles, TlsError, client_config};

/// Which station, and which switch.
#[derive(Debug, Clone, Args)]
pub(crate) struct StationArguments {
    /// Where the switch takes links
    #[arg(long, value_name = "HOST:PORT", default_value = switch::Config::LINKS, value_parser = host_and_port)]
    link: String,
    /// The directory with ca.pem and the station's NAME.pem and NAME.key
    #[arg(long, value_name = "DIR")]
    pki: PathBuf,
    /// The station to be
    #[arg(long = "station", value_name = "NAME")]
    pub(crate) name: StationName,
}

impl StationArguments {
    /// What a dialer needs.
    ///
    /// # Errors
    /// If the station's files cannot be used, which a dialer would find out only when it calls.
    pub(crate) fn dialer(&self) -> Result<dialer::Config, TlsError> {
        let files = ClientFiles::in_directory(&self.pki, self.name);
        client_config(&files, Timestamp::now())?;
        Ok(dialer::Config::new(self.link.clone(), files))
    }
}

/// A host and a port, as `--link` takes them.
pub(crate) fn host_and_port(text: &str) -> Result<String, &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("a host, a colon and a port are needed")?;
    let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || bare_ipv6 {
        return Err("the host must be a name or an address, an IPv6 address in brackets");
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(text.to_owned()),
        Ok(0) | Err(_) => Err("the port must be a number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_port() {
        for good in ["localhost:7020", "127.0.0.1:1", "[::1]:65535"] {
            assert_eq!(host_and_port(good).as_deref(), Ok(good));
        }
        for bad in ["", "localhost", ":7020", "localhost:", "localhost:0", "localhost:65536", "::1:7020", "a:b"] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }
}
