//! `orinet certs`: makes and keeps the authority whose certificates say which station is which.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, AuthorityError, Holding, Issued, Terms};

use crate::cli::{USAGE, failed};

/// Which authority, and what to do with it.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    /// The authority's directory
    #[arg(long, global = true, value_name = "DIR", default_value = "pki")]
    pki: PathBuf,
    #[command(subcommand)]
    act: Act,
}

const ABOUT: &str = "\
The directory holds the whole authority: ca.pem and ca.key; the revocation list crl.pem; switch.pem and
switch.key; NAME.pem and NAME.key for each station; issued.json, the list of all that. Only ca.key signs: it
need not lie where the switch runs.

Certificates hold for 396 days, the revocation list for 30. Refresh it before it runs out: a switch whose list
no longer holds refuses every new link.

Exit codes: 0 done; 1 a file cannot be read or written; 64 wrong usage, such as a directory that is not an
authority's or a station without a certificate.";

#[derive(Debug, Subcommand)]
enum Act {
    /// Make an authority in an empty or new directory, with the switch's certificate
    Init(Hosts),
    /// Issue a station's first certificate, or one in place of those that were revoked or have run out
    Issue {
        /// The station's name
        station: StationName,
    },
    /// Issue a station a further certificate in place of its files; the one before holds until it is revoked
    Renew {
        /// The station's name
        station: StationName,
    },
    /// Issue the switch a further certificate in place of its files
    RenewSwitch(Hosts),
    /// Revoke all certificates of a station; a running switch closes its links within seconds
    Revoke {
        /// The station's name
        station: StationName,
    },
    /// Sign the revocation list anew, for another 30 days
    Refresh,
    /// List everything that was issued
    List,
}

#[derive(Debug, Args)]
struct Hosts {
    /// A DNS name or address of the switch besides localhost, 127.0.0.1 and ::1; can be given several times
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match act(&arguments.pki, &arguments.act, Timestamp::now()) {
        Ok(text) => match io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(1, &error),
        },
        Err(error) => failed(exit_code(&error), &error),
    }
}

/// Does it, and says so.
fn act(pki: &Path, act: &Act, now: Timestamp) -> Result<String, AuthorityError> {
    let terms = Terms::default();
    if let Act::Init(hosts) = act {
        let issued = Authority::init(pki, terms, &hosts.names(), now)?.list()?;
        let switch = issued.last().map_or(String::new(), certificate);
        return Ok(format!("{}: made an authority; the switch has {switch}\n", pki.display()));
    }
    let authority = Authority::open(pki, terms)?;
    Ok(match act {
        Act::Init(_) | Act::List => table(&authority.list()?, now),
        Act::Issue { station } => in_files(pki, &authority.issue(*station, now)?),
        Act::Renew { station } => in_files(pki, &authority.renew(*station, now)?),
        Act::RenewSwitch(hosts) => in_files(pki, &authority.renew_switch(&hosts.names(), now)?),
        Act::Revoke { station } => revoked(*station, &authority.revoke(*station, now)?),
        Act::Refresh => {
            let until = authority.refresh_revocations(now)?;
            format!("{}: valid until {until}\n", pki.join("crl.pem").display())
        }
    })
}

impl Hosts {
    fn names(&self) -> Vec<&str> {
        self.hosts.iter().map(String::as_str).collect()
    }
}

fn in_files(pki: &Path, issued: &Issued) -> String {
    let [certificate_file, key_file] = ["pem", "key"].map(|end| pki.join(format!("{}.{end}", issued.holding)));
    let (certificate_file, key_file) = (certificate_file.display(), key_file.display());
    format!("{}: {}, in {certificate_file} and {key_file}\n", issued.holding, certificate(issued))
}

fn certificate(issued: &Issued) -> String {
    format!("certificate {}, valid until {}", issued.serial, issued.until)
}

fn revoked(station: StationName, certificates: &[Issued]) -> String {
    if certificates.is_empty() {
        return format!("{station}: all certificates were revoked before\n");
    }
    let serials: Vec<String> = certificates.iter().map(|issued| issued.serial.to_string()).collect();
    format!("{station}: revoked {}\n", serials.join(", "))
}

fn table(issued: &[Issued], now: Timestamp) -> String {
    let mut text = row("HOLDER", "STATUS", "ISSUED", "UNTIL", "REVOKED", "SERIAL");
    for one in issued {
        text += &row(
            &one.holding.to_string(),
            &one.status(now).to_string(),
            &one.from.to_string(),
            &one.until.to_string(),
            &one.revoked.map_or_else(|| "-".to_owned(), |time| time.to_string()),
            &one.serial.to_string(),
        );
    }
    let stations = issued.iter().filter(|one| matches!(one.holding, Holding::Station(_))).count();
    text + &format!("{} certificates, {stations} of them of stations\n", issued.len())
}

fn row(holder: &str, status: &str, from: &str, until: &str, revoked: &str, serial: &str) -> String {
    format!("{holder:16}  {status:7}  {from:20}  {until:20}  {revoked:20}  {serial}\n")
}

/// Whether the user asked for what cannot be, or the machine failed.
const fn exit_code(error: &AuthorityError) -> u8 {
    match error {
        AuthorityError::Exists { .. }
        | AuthorityError::NotOurs { .. }
        | AuthorityError::Missing { .. }
        | AuthorityError::Foreign { .. }
        | AuthorityError::AlreadyIssued { .. }
        | AuthorityError::UnknownStation { .. }
        | AuthorityError::Host => USAGE,
        AuthorityError::Damaged { .. } | AuthorityError::Io { .. } | AuthorityError::Crypto(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use link::certificate::Serial;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        let cli = Cli::try_parse_from(["orinet", "certs"].iter().chain(words))?;
        let Command::Certs(arguments) = cli.command else { panic!("another command") };
        Ok(arguments)
    }

    fn station(name: &str) -> StationName {
        StationName::parse(name).unwrap()
    }

    #[test]
    fn the_directory_can_stand_before_and_after_the_act() {
        for words in [&["--pki", "d", "issue", "ax"][..], &["issue", "AX", "--pki", "d"]] {
            let arguments = parse(words).unwrap();
            assert_eq!(arguments.pki, Path::new("d"));
            assert!(matches!(arguments.act, Act::Issue { station: found } if found == station("AX")));
        }
        let arguments = parse(&["init", "--host", "switch.example.test", "--host", "192.0.2.1"]).unwrap();
        assert!(matches!(arguments.act, Act::Init(hosts) if hosts.names() == ["switch.example.test", "192.0.2.1"]));
        assert_eq!(arguments.pki, Path::new("pki"));
        for bad in [&[][..], &["issue"], &["issue", "A/X"], &["issue", "AX", "FB"], &["sign", "AX"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_was_done_is_said_in_one_line_and_a_list_in_a_table() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let (from, until) = (time("2030-01-31T08:00:00Z"), time("2031-03-03T08:00:00Z"));
        let ax = Issued {
            serial: Serial::from_bytes(&[0x0a, 0xff]),
            holding: Holding::Station(station("AX")),
            from,
            until,
            revoked: None,
        };
        assert_eq!(
            in_files(Path::new("d"), &ax),
            "AX: certificate 0aff, valid until 2031-03-03T08:00:00Z, in d/AX.pem and d/AX.key\n"
        );
        assert_eq!(revoked(station("AX"), &[ax.clone(), ax.clone()]), "AX: revoked 0aff, 0aff\n");
        assert_eq!(revoked(station("AX"), &[]), "AX: all certificates were revoked before\n");
        let switch = Issued { holding: Holding::Switch, revoked: Some(until), ..ax.clone() };
        assert_eq!(
            table(&[switch, ax], from),
            "HOLDER            STATUS   ISSUED                UNTIL                 REVOKED               SERIAL\n\
             switch            revoked  2030-01-31T08:00:00Z  2031-03-03T08:00:00Z  2031-03-03T08:00:00Z  0aff\n\
             AX                valid    2030-01-31T08:00:00Z  2031-03-03T08:00:00Z  -                     0aff\n\
             2 certificates, 1 of them of stations\n"
        );
    }

    #[test]
    fn what_cannot_be_is_usage_and_what_fails_is_failure() {
        let (directory, path) = (PathBuf::from("d"), PathBuf::from("d/AX.pem"));
        assert_eq!(exit_code(&AuthorityError::NotOurs { directory }), USAGE);
        assert_eq!(exit_code(&AuthorityError::Foreign { path: path.clone() }), USAGE);
        assert_eq!(exit_code(&AuthorityError::UnknownStation { station: station("AX") }), USAGE);
        let source = io::ErrorKind::PermissionDenied.into();
        assert_eq!(exit_code(&AuthorityError::Io { path, action: "read", source }), 1);
    }
}
