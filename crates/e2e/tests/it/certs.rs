//! `orinet certs`: makes, issues, revokes, lists, and refuses what cannot be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::binary::orinet;
use crate::process::{Finished, run};

#[test]
fn an_authority_is_made_used_and_listed() {
    let directory = tempfile::tempdir().unwrap();
    let pki = directory.path().join("new/pki");
    said(&certs(&pki, &["init"]), &pki.display().to_string());
    for file in ["ca.pem", "crl.pem", "switch.pem", "issued.json"] {
        assert!(pki.join(file).is_file(), "{file}");
    }
    said(&certs(&pki, &["issue", "AX"]), "AX.pem");
    said(&certs(&pki, &["issue", "ZA0010000"]), "ZA0010000.key");
    for key in ["ca.key", "switch.key", "AX.key", "ZA0010000.key"] {
        let mode = fs::metadata(pki.join(key)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "others can read {key}");
    }
    let serial = column(&certs(&pki, &["list"]), "AX", 5);
    said(&certs(&pki, &["revoke", "AX"]), &serial);
    let list = certs(&pki, &["list"]);
    assert_eq!((column(&list, "AX", 1), column(&list, "ZA0010000", 1)), ("revoked".to_owned(), "valid".to_owned()));
    assert_eq!(column(&list, "switch", 1), "valid");
    // Again is no error, and says so; a new certificate is one more.
    said(&certs(&pki, &["revoke", "AX"]), "before");
    said(&certs(&pki, &["issue", "AX"]), "AX.pem");
    let rows = certs(&pki, &["list"]).stdout.lines().filter(|line| line.starts_with("AX ")).count();
    assert_eq!(rows, 2);
}

#[test]
fn openssl_reads_what_was_made() {
    let directory = tempfile::tempdir().unwrap();
    let pki = directory.path().join("pki");
    for words in [&["init"][..], &["issue", "AX"], &["issue", "FB"], &["revoke", "FB"]] {
        assert_eq!(certs(&pki, words).code, Some(0), "{words:?}");
    }
    let verify = |station: &str, purpose: &str| {
        let mut command = std::process::Command::new("openssl");
        command.args(["verify", "-x509_strict", "-crl_check", "-purpose", purpose, "-CAfile"]).arg(pki.join("ca.pem"));
        run(command.arg("-CRLfile").arg(pki.join("crl.pem")).arg(pki.join(format!("{station}.pem"))))
    };
    assert_eq!(verify("AX", "sslclient").code, Some(0), "{:#?}", verify("AX", "sslclient"));
    assert_eq!(verify("switch", "sslserver").code, Some(0), "{:#?}", verify("switch", "sslserver"));
    assert!(verify("FB", "sslclient").stderr.contains("certificate revoked"), "{:#?}", verify("FB", "sslclient"));
    assert_ne!(verify("AX", "sslserver").code, Some(0), "a station is no server");
}

#[test]
fn what_cannot_be_is_refused_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let [pki, none, mine] = ["pki", "none", "mine"].map(|name| directory.path().join(name));
    assert_eq!(certs(&pki, &["init"]).code, Some(0));
    assert_eq!(certs(&pki, &["issue", "AX"]).code, Some(0));
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("letter.txt"), "mine").unwrap();
    let authority = fs::read(pki.join("ca.pem")).unwrap();
    for (place, words, says) in [
        (&pki, &["init"][..], "already holds"),
        (&mine, &["init"], "not empty"),
        (&none, &["issue", "AX"], "no certificate authority"),
        (&none, &["list"], "no certificate authority"),
        (&pki, &["issue", "AX"], "AX"),
        (&pki, &["revoke", "FB"], "FB"),
        (&pki, &["renew", "FB"], "FB"),
    ] {
        let finished = certs(place, words);
        assert_eq!((finished.code, finished.stderr.lines().count()), (Some(64), 1), "{words:?}: {finished:#?}");
        assert!(finished.stderr.contains(says) && finished.stdout.is_empty(), "{words:?}: {finished:#?}");
    }
    assert_eq!(certs(&pki, &["issue", "no/name"]).code, Some(64));
    assert_eq!(fs::read(pki.join("ca.pem")).unwrap(), authority, "the authority was replaced");
    assert_eq!(fs::read_dir(&mine).unwrap().count(), 1);
    assert!(!none.exists());
    // Damage is no wrong usage.
    fs::write(pki.join("ca.key"), "no key").unwrap();
    let finished = certs(&pki, &["issue", "FB"]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("ca.key") && !finished.stderr.contains("no key\n"), "{finished:#?}");
}

fn certs(pki: &Path, words: &[&str]) -> Finished {
    run(orinet().arg("certs").args(words).arg("--pki").arg(pki))
}

fn said(finished: &Finished, what: &str) {
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{}", finished.stdout);
    assert!(finished.stdout.contains(what), "{what} is not in {}", finished.stdout);
}

/// A word of the last row of a holder in a list.
fn column(list: &Finished, holder: &str, column: usize) -> String {
    let mut rows = list.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.rfind(|row| row.first() == Some(&holder)).expect("a row");
    row.get(column).map(|word| (*word).to_owned()).expect("a column")
}
