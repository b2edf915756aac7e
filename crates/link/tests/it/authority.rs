//! The authority's directory: what is made, what is refused, what an outside verifier thinks of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use link::authority::{Authority, AuthorityError, Holding, Status, Terms};
use tempfile::tempdir;

use crate::support::{name, openssl};

fn init(directory: &Path) -> Authority {
    Authority::init(directory, Terms::default(), &["switch.example.test", "192.0.2.7"], Timestamp::now()).unwrap()
}

/// What openssl says of a certificate, with every check that it has.
fn verify(directory: &Path, file: &str, purpose: &str) -> Result<(), String> {
    let output = openssl()
        .current_dir(directory)
        .args(["verify", "-x509_strict", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "crl.pem"])
        .args(["-purpose", purpose, file])
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn what_it_issues_and_revokes_openssl_accepts_and_refuses() {
    let directory = tempdir().unwrap();
    let authority = init(directory.path());
    authority.issue(name("ZA"), Timestamp::now()).unwrap();
    authority.issue(name("ZB"), Timestamp::now()).unwrap();
    assert_eq!(verify(directory.path(), "ZA.pem", "sslclient"), Ok(()));
    assert_eq!(verify(directory.path(), "switch.pem", "sslserver"), Ok(()));
    assert!(verify(directory.path(), "ZA.pem", "sslserver").is_err());

    let revoked = authority.revoke(name("ZA"), Timestamp::now()).unwrap();
    assert_eq!(revoked.len(), 1);
    assert!(verify(directory.path(), "ZA.pem", "sslclient").unwrap_err().contains("certificate revoked"));
    assert_eq!(verify(directory.path(), "ZB.pem", "sslclient"), Ok(()));
    // Again: nothing new, no error.
    assert_eq!(authority.revoke(name("ZA"), Timestamp::now()).unwrap(), []);
}

#[test]
fn the_switch_is_certified_for_its_hosts() {
    let directory = tempdir().unwrap();
    let authority = init(directory.path());
    let hosts = || {
        let arguments = ["x509", "-in", "switch.pem", "-noout", "-ext", "subjectAltName"];
        let output = openssl().current_dir(directory.path()).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for host in ["DNS:localhost", "IP Address:127.0.0.1", "DNS:switch.example.test", "IP Address:192.0.2.7"] {
        assert!(hosts().contains(host), "{host} in {}", hosts());
    }
    authority.renew_switch(&["other.example.test"], Timestamp::now()).unwrap();
    assert!(hosts().contains("DNS:other.example.test") && hosts().contains("DNS:localhost"));
    assert!(matches!(authority.renew_switch(&["a b"], Timestamp::now()), Err(AuthorityError::Host)));
}

#[test]
fn keys_are_readable_by_their_owner_alone() {
    let directory = tempdir().unwrap();
    init(directory.path()).issue(name("ZA"), Timestamp::now()).unwrap();
    for file in ["ca.key", "switch.key", "ZA.key"] {
        let mode = fs::metadata(directory.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    // And nothing is left of the writing.
    let mut files: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expect = ["ZA.key", "ZA.pem", "ca.key", "ca.pem", "crl.pem", "issued.json", "switch.key", "switch.pem"]
        .map(String::from);
    assert_eq!(files, expect);
}

#[test]
fn a_directory_that_is_not_ours_is_left_alone() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("thesis.txt"), "years of work").unwrap();
    let init = |path: &Path| Authority::init(path, Terms::default(), &[], Timestamp::now());
    assert!(matches!(init(directory.path()), Err(AuthorityError::NotOurs { .. })));
    assert!(matches!(Authority::open(directory.path(), Terms::default()), Err(AuthorityError::Missing { .. })));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

    let ours = directory.path().join("pki");
    init(&ours).unwrap();
    let before = fs::read(ours.join("ca.pem")).unwrap();
    assert!(matches!(init(&ours), Err(AuthorityError::Exists { .. })));
    assert_eq!(fs::read(ours.join("ca.pem")).unwrap(), before);
}

#[test]
fn a_file_that_was_not_issued_here_is_not_overwritten() {
    let directory = tempdir().unwrap();
    let authority = init(directory.path());
    fs::write(directory.path().join("ZA.key"), "somebody's").unwrap();
    assert!(matches!(authority.issue(name("ZA"), Timestamp::now()), Err(AuthorityError::Foreign { .. })));
    assert_eq!(fs::read_to_string(directory.path().join("ZA.key")).unwrap(), "somebody's");
}

#[test]
fn making_one_that_was_cut_short_can_be_repeated() {
    let directory = tempdir().unwrap();
    init(directory.path());
    // The last file that is written.
    fs::remove_file(directory.path().join("ca.pem")).unwrap();
    assert!(matches!(Authority::open(directory.path(), Terms::default()), Err(AuthorityError::Missing { .. })));
    init(directory.path()).issue(name("ZA"), Timestamp::now()).unwrap();
    assert_eq!(verify(directory.path(), "ZA.pem", "sslclient"), Ok(()));
    assert_eq!(verify(directory.path(), "switch.pem", "sslserver"), Ok(()));
}

#[test]
fn a_station_has_one_valid_certificate_until_it_is_renewed_or_revoked() {
    let directory = tempdir().unwrap();
    let authority = init(directory.path());
    let now = Timestamp::now();
    let past = now - Duration::from_hours(24 * 500);
    authority.issue(name("ZA"), past).unwrap();
    // That one has run out.
    let second = authority.issue(name("ZA"), now).unwrap();
    let again = authority.issue(name("ZA"), now).unwrap_err();
    assert!(matches!(&again, AuthorityError::AlreadyIssued { serial, .. } if *serial == second.serial), "{again}");
    assert!(matches!(authority.renew(name("ZB"), now), Err(AuthorityError::UnknownStation { .. })));
    assert!(matches!(authority.revoke(name("ZB"), now), Err(AuthorityError::UnknownStation { .. })));
    authority.renew(name("ZA"), now).unwrap();

    // A second process sees and does the same.
    let other = Authority::open(directory.path(), Terms::default()).unwrap();
    assert_eq!(other.revoke(name("ZA"), now).unwrap().len(), 3);
    let of_station = |issued: &link::authority::Issued| issued.holding == Holding::Station(name("ZA"));
    let list = authority.list().unwrap();
    assert_eq!(list.len(), 4);
    assert!(list.iter().filter(|issued| of_station(issued)).all(|issued| issued.status(now) == Status::Revoked));
    let others: Vec<Status> =
        list.iter().filter(|issued| !of_station(issued)).map(|issued| issued.status(now)).collect();
    assert_eq!(others, [Status::Valid]);
    authority.issue(name("ZA"), now).unwrap();
    assert_eq!(verify(directory.path(), "ZA.pem", "sslclient"), Ok(()));
}

#[test]
fn two_processes_at_once_lose_nothing() {
    let directory = tempdir().unwrap();
    init(directory.path());
    std::thread::scope(|scope| {
        for half in ["A", "B"] {
            let authority = Authority::open(directory.path(), Terms::default()).unwrap();
            scope.spawn(move || {
                for number in 0..8 {
                    authority.issue(name(&format!("{half}{number}")), Timestamp::now()).unwrap();
                }
            });
        }
    });
    let authority = Authority::open(directory.path(), Terms::default()).unwrap();
    assert_eq!(authority.list().unwrap().len(), 17);
}

#[test]
fn damaged_files_are_named() {
    let directory = tempdir().unwrap();
    let authority = init(directory.path());
    let other = tempdir().unwrap();
    init(other.path());
    fs::copy(other.path().join("ca.key"), directory.path().join("ca.key")).unwrap();
    let error = authority.issue(name("ZA"), Timestamp::now()).unwrap_err().to_string();
    assert!(error.contains("ca.key") && error.contains("not the key of ca.pem"), "{error}");
    fs::write(directory.path().join("issued.json"), "{}").unwrap();
    let error = authority.list().unwrap_err().to_string();
    assert!(error.contains("issued.json") && error.contains("missing field"), "{error}");
}
