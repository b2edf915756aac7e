//! Certificates and lists that must not be taken, one after the other on one switch, with openssl as the client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use codec::block::Status;
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};

use crate::effort::{efforts, figures, shared};
use crate::net::{Net, Node, STATE, TERMINAL, note};
use crate::openssl::{Called, Credentials, Forge, call};
use crate::process::must;

/// What a good certificate of ZC has.
const GOOD: &str = "subjectAltName=URI:urn:orinet:station:ZC\nextendedKeyUsage=clientAuth\n";

/// Something that must be refused: what it is, credentials, options of openssl.
type Case = (String, Option<Credentials>, Vec<String>);

fn case(what: &str, credentials: Credentials) -> Case {
    (what.to_owned(), Some(credentials), Vec::new())
}

/// S1: each is refused and counted, and the good ones are taken before, between and after.
#[test]
fn twenty_kinds_of_bad_certificates_are_refused_and_good_ones_taken() {
    let _machine = shared();
    let (net, foreign) = (Net::new(), Net::new());
    let scratch = tempfile::tempdir().expect("a directory for the test");
    let mut forges = Vec::new();
    let mut cases: Vec<Case> = vec![("no certificate".to_owned(), None, Vec::new())];
    cases.push(case("of a foreign authority", Credentials::of(&foreign.pki(), TERMINAL)));
    cases.push(case("the switch's own", Credentials::of(&net.pki(), "switch")));
    cases.push(case("the authority's own", Credentials::of(&net.pki(), "ca")));
    for (what, station, minutes) in [("expired", "ZY", -120), ("not valid yet", "ZX", 120)] {
        cases.push(case(what, issued(&net.pki(), station, minutes)));
    }
    let revoked = issued(&net.pki(), "ZW", 0);
    let authority = Authority::open(&net.pki(), Terms::default()).expect("the authority");
    authority.revoke(StationName::parse("ZW").expect("a name"), Timestamp::now()).expect("it is revoked");
    cases.push(case("revoked", revoked));
    for (what, extensions) in [
        ("without a name", "extendedKeyUsage=clientAuth\n"),
        ("with a DNS name alone", "subjectAltName=DNS:ZC\nextendedKeyUsage=clientAuth\n"),
        ("with another URI", "subjectAltName=URI:urn:other:station:ZC\nextendedKeyUsage=clientAuth\n"),
        (
            "with two stations",
            "subjectAltName=URI:urn:orinet:station:ZA,URI:urn:orinet:station:ZC\nextendedKeyUsage=clientAuth\n",
        ),
        ("with a station in lower case", "subjectAltName=URI:urn:orinet:station:zc\nextendedKeyUsage=clientAuth\n"),
        ("with an empty station", "subjectAltName=URI:urn:orinet:station:\nextendedKeyUsage=clientAuth\n"),
        (
            "with a station of seventeen letters",
            "subjectAltName=URI:urn:orinet:station:ZCZCZCZCZCZCZCZCZ\nextendedKeyUsage=clientAuth\n",
        ),
        (
            "with a station that has a slash",
            "subjectAltName=URI:urn:orinet:station:ZC/ZA\nextendedKeyUsage=clientAuth\n",
        ),
        (
            "of a station that the network has not",
            "subjectAltName=URI:urn:orinet:station:QQ\nextendedKeyUsage=clientAuth\n",
        ),
        ("for servers", "subjectAltName=URI:urn:orinet:station:ZC\nextendedKeyUsage=serverAuth\n"),
        ("for mail", "subjectAltName=URI:urn:orinet:station:ZC\nextendedKeyUsage=emailProtection\n"),
        (
            "of an authority below",
            "basicConstraints=critical,CA:true\nsubjectAltName=URI:urn:orinet:station:ZC\nextendedKeyUsage=clientAuth\n",
        ),
        (
            "with a critical extension that nobody knows",
            "1.2.3.4=critical,ASN1:UTF8String:X\nsubjectAltName=URI:urn:orinet:station:ZC\nextendedKeyUsage=clientAuth\n",
        ),
    ] {
        let forge = Forge::new(Credentials::of(&net.pki(), "ca"));
        cases.push(case(what, forge.certificate(extensions)));
        forges.push(forge);
    }
    let station = Forge::new(Credentials::of(&net.pki(), "ZA"));
    let chain = net.path("pki/ZA.pem").display().to_string();
    cases.push((
        "issued by a station".to_owned(),
        Some(station.certificate(GOOD)),
        vec!["-cert_chain".to_owned(), chain],
    ));
    forges.push(station);
    for (what, options) in [
        ("signed by itself, with RSA", &["-newkey", "rsa:2048"][..]),
        ("signed by itself", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ] {
        cases.push(case(what, self_signed(scratch.path(), &what.replace([' ', ','], "-"), options)));
    }
    cases.push(("good, but TLS 1.2".to_owned(), Some(Credentials::of(&net.pki(), STATE)), vec!["-tls1_2".to_owned()]));

    let switch = net.switch();
    let good = Forge::new(Credentials::of(&net.pki(), "ca"));
    for good in [Credentials::of(&net.pki(), TERMINAL), good.certificate(GOOD)] {
        assert_eq!(call(switch.links, Some(&good), &[]), Called::Answered(Status::READY));
    }
    assert!(cases.len() >= 20, "{} cases", cases.len());
    for (what, credentials, options) in &cases {
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let before = refusals(&switch);
        assert_eq!(call(switch.links, credentials.as_ref(), &options), Called::Refused, "{what}");
        let deadline = std::time::Instant::now() + crate::PATIENCE;
        while refusals(&switch) == before {
            assert!(std::time::Instant::now() < deadline, "{what} was not counted");
            switch.process.listen(Duration::from_millis(20));
        }
    }
    assert_serves(&net, &switch);
    figures(&format!("{} kinds of bad certificates and calls, all refused and counted; good ones taken", cases.len()));
}

/// Handshakes that failed, and stations that were turned away for their name.
fn refusals(switch: &Node) -> u64 {
    let metrics = switch.metrics();
    let unknown = metrics.value("orinet_links_closed_total{reason=\"turned_away\"}").unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
    let count =
        (metrics.sum("orinet_handshake_failures_total") + unknown + metrics.sum("orinet_links_closed_total")) as u64;
    count
}

fn self_signed(folder: &Path, name: &str, options: &[&str]) -> Credentials {
    let made = Credentials { certificate: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) };
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=made by openssl"]).args(options);
    command.args(["-addext", "subjectAltName=URI:urn:orinet:station:ZC", "-addext", "extendedKeyUsage=clientAuth"]);
    must(command.arg("-keyout").arg(&made.key).arg("-out").arg(&made.certificate));
    made
}

/// A certificate that the authority issues for an hour, from so many minutes from now.
fn issued(pki: &Path, station: &str, minutes: i64) -> Credentials {
    let terms = Terms { certificate: Duration::from_hours(1), ..Terms::default() };
    let then = Timestamp::from_second(Timestamp::now().as_second() + 60 * minutes).expect("a time");
    let authority = Authority::open(pki, terms).expect("the authority");
    authority.issue(StationName::parse(station).expect("a name"), then).expect("a certificate");
    Credentials::of(pki, station)
}

fn assert_serves(net: &Net, switch: &Node) {
    let good = Credentials::of(&net.pki(), TERMINAL);
    assert_eq!(call(switch.links, Some(&good), &[]), Called::Answered(Status::READY));
}

/// S5: whatever is wrong with the list, nobody new comes in, and who is there stays.
#[test]
fn no_revocation_list_that_cannot_be_used_lets_anybody_in() {
    let _machine = shared();
    let (net, foreign) = (Net::new(), Net::new());
    let switch = net.switch();
    let mut stays = switch.station(TERMINAL);
    let (list, good) = (net.path("pki/crl.pem"), fs::read(net.path("pki/crl.pem")).expect("a list"));
    let half = good.len() / 2;
    let of_another = fs::read(foreign.path("pki/crl.pem")).expect("a list");
    let mut flipped = good.clone();
    flipped[half] ^= 1;
    let cases: [(&str, Option<Vec<u8>>); 6] = [
        ("missing", None),
        ("empty", Some(Vec::new())),
        ("no list", Some(b"this is no list\n".to_vec())),
        ("cut", Some(good[..half].to_vec())),
        ("flipped", Some(flipped)),
        ("of another authority", Some(of_another)),
    ];
    let mut refused = 0;
    for (what, bytes) in &cases {
        match bytes {
            None => fs::remove_file(&list).expect("the list goes"),
            Some(bytes) => replace(&list, bytes),
        }
        switch.await_metric("orinet_revocations_until_timestamp_seconds", 0.0);
        assert_eq!(call(switch.links, Some(&Credentials::of(&net.pki(), STATE)), &[]), Called::Refused, "{what}");
        assert_eq!(stays.status(), Ok(Status::READY), "{what}");
        refused += 1;
        // The control: with the good list the same caller comes in.
        replace(&list, &good);
        let deadline = std::time::Instant::now() + crate::PATIENCE;
        while switch.metrics().value("orinet_revocations_until_timestamp_seconds") == Some(0.0) {
            assert!(std::time::Instant::now() < deadline, "the good list is not read after: {what}");
            switch.process.listen(Duration::from_millis(20));
        }
        let taken = call(switch.links, Some(&Credentials::of(&net.pki(), STATE)), &[]);
        assert_eq!(taken, Called::Answered(Status::READY), "after: {what}");
    }
    figures(&format!(
        "{refused} lists that cannot be used: nobody came in, links stayed, and with the good list they came again"
    ));
}

/// In one step, as whoever publishes a list does.
fn replace(file: &Path, bytes: &[u8]) {
    let fresh: PathBuf = file.with_extension("new");
    fs::write(&fresh, bytes).expect("a file is written");
    fs::rename(fresh, file).expect("a file takes another's place");
}

/// S6.
#[test]
fn changes_of_certificates_under_load_lose_no_link_and_fail_no_handshake() {
    let changes: usize = efforts(10, 50, 50);
    let _machine = shared();
    let net = Net::new();
    let switch = net.switch();
    let authority = Authority::open(&net.pki(), Terms::default()).expect("the authority");
    let (mut terminal, mut state) = (switch.station(TERMINAL), switch.station(STATE));
    let (mut handshakes, mut messages, before) = (0, 0, times_read(&switch));
    thread::scope(|scope| {
        let changer = scope.spawn(|| {
            for change in 1..=changes {
                match change % 2 {
                    0 => drop(authority.renew_switch(&[], Timestamp::now()).expect("a new certificate of the switch")),
                    _ => drop(authority.refresh_revocations(Timestamp::now()).expect("a new list")),
                }
                // Each is read before the next is made: two could be read as one.
                while times_read(&switch) < before + change {
                    switch.process.listen(Duration::from_millis(20));
                }
            }
        });
        while !changer.is_finished() {
            handshakes += 1;
            assert_eq!(switch.station("ZB").status(), Ok(Status::READY), "handshake {handshakes}");
            messages += 1;
            terminal.send(&note(&format!("UNDER CHANGE {messages:05}")));
            state.take(&format!("UNDER CHANGE {messages:05}"));
        }
    });
    assert_eq!((terminal.status(), state.status()), (Ok(Status::READY), Ok(Status::READY)));
    assert_eq!(switch.metrics().sum("orinet_handshake_failures_total"), 0.0);
    assert!(handshakes > 20, "{handshakes} handshakes");
    let served = switch.stop();
    assert!(!served.stderr.contains("cannot be used"), "{}", served.stderr);
    figures(&format!(
        "{changes} changes, each read; {handshakes} handshakes and {messages} messages meanwhile, none failed"
    ));
}

/// How often the switch said that it read its certificates and revocations.
fn times_read(switch: &Node) -> usize {
    format!("{:?}", switch.process).matches("certificates and revocations were read").count()
}
