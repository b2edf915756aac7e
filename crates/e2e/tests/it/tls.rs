//! TLS from outside, with openssl as the client: who gets a link, who does not, and who loses one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use codec::block::Status;
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};

use crate::binary::orinet;
use crate::net::{Net, Node, STATE, TERMINAL};
use crate::openssl::{Called, Credentials, Forge, call};
use crate::process::{Stream, run};

/// How long a revoked certificate may still be of use.
const REVOKED_MAX: Duration = Duration::from_secs(5);

#[test]
fn a_station_with_its_certificate_is_answered() {
    let net = Net::new();
    let switch = net.switch();
    let ca = net.path("pki/ca.pem");
    let options = ["-tls1_3", "-verify_return_error", "-verify_ip", "127.0.0.1", "-CAfile", ca.to_str().unwrap()];
    let called = call(switch.links, Some(&Credentials::of(&net.pki(), TERMINAL)), &options);
    assert_eq!(called, Called::Answered(Status::READY));
    assert_eq!(switch.metrics().sum("orinet_handshake_failures_total"), 0.0);
}

#[test]
fn no_session_ticket_is_given() {
    let net = Net::new();
    let switch = net.switch();
    let [messages, session] = ["messages", "session"].map(|name| net.path(name));
    let options = ["-msg", "-msgfile", messages.to_str().unwrap(), "-sess_out", session.to_str().unwrap()];
    let called = call(switch.links, Some(&Credentials::of(&net.pki(), TERMINAL)), &options);
    assert_eq!(called, Called::Answered(Status::READY));
    let messages = fs::read_to_string(messages).unwrap();
    assert!(messages.contains("CertificateVerify") && !messages.contains("NewSessionTicket"), "{messages}");
    assert!(!session.exists(), "there is a session to resume");
}

#[test]
fn without_a_certificate_there_is_no_link() {
    refused(&Net::new(), |_| None, &[], "no_certificate");
}

#[test]
fn a_certificate_of_a_foreign_authority_is_refused() {
    let net = Net::new();
    let other = Net::new();
    refused(&net, |_| Some(Credentials::of(&other.pki(), TERMINAL)), &[], "unknown_authority");
}

#[test]
fn a_certificate_that_has_run_out_is_refused() {
    refused(&Net::new(), |pki| Some(issued(pki, "ZZ", -120)), &[], "not_valid_now");
}

#[test]
fn a_certificate_that_does_not_hold_yet_is_refused() {
    refused(&Net::new(), |pki| Some(issued(pki, "ZZ", 120)), &[], "not_valid_now");
}

#[test]
fn a_certificate_that_names_two_stations_is_refused() {
    let two = "subjectAltName=URI:urn:orinet:station:ZA,URI:urn:orinet:station:ZC\nextendedKeyUsage=clientAuth\n";
    refused_forged(two, "unnamed");
}

#[test]
fn a_certificate_that_names_no_station_is_refused() {
    refused_forged("subjectAltName=DNS:ZC,URI:urn:other:station:ZC\nextendedKeyUsage=clientAuth\n", "unnamed");
    refused_forged("extendedKeyUsage=clientAuth\n", "unnamed");
    refused_forged("subjectAltName=URI:urn:orinet:station:zc\nextendedKeyUsage=clientAuth\n", "unnamed");
}

#[test]
fn a_certificate_of_the_authority_that_names_one_station_is_taken_whoever_made_it() {
    let net = Net::new();
    let switch = net.switch();
    let forge = Forge::new(Credentials::of(&net.pki(), "ca"));
    let good = forge.certificate("subjectAltName=URI:urn:orinet:station:ZC\nextendedKeyUsage=clientAuth\n");
    assert_eq!(call(switch.links, Some(&good), &[]), Called::Answered(Status::READY));
}

#[test]
fn a_certificate_for_servers_is_refused() {
    refused_forged("subjectAltName=URI:urn:orinet:station:ZC\nextendedKeyUsage=serverAuth\n", "purpose");
    refused(&Net::new(), |pki| Some(Credentials::of(pki, "switch")), &[], "purpose");
}

#[test]
fn a_station_cannot_issue_certificates() {
    let net = Net::new();
    let forge = Forge::new(Credentials::of(&net.pki(), "ZA"));
    let made = forge.certificate("subjectAltName=URI:urn:orinet:station:ZC\nextendedKeyUsage=clientAuth\n");
    let chain = net.path("pki/ZA.pem");
    refused(&net, |_| Some(made), &["-cert_chain", chain.to_str().unwrap()], "certificate");
}

#[test]
fn a_station_that_the_network_does_not_have_gets_nothing() {
    let net = Net::new();
    let unknown = issued(&net.pki(), "QQ", 0);
    let switch = net.switch();
    assert_eq!(call(switch.links, Some(&unknown), &[]), Called::Refused);
    let line = switch.process.line(Stream::Err, "turned away");
    assert!(line.contains("QQ"), "{line}");
    assert_serves(&net, &switch);
}

#[test]
fn tls_1_2_is_refused_unless_the_configuration_asks_for_it() {
    let net = Net::new();
    let good = Credentials::of(&net.pki(), TERMINAL);
    refused(&net, |_| Some(good.clone()), &["-tls1_2"], "protocol");
    net.change("[pki]", "[pki]\ntls12 = true");
    let switch = net.switch();
    for option in ["-tls1_2", "-tls1_3"] {
        assert_eq!(call(switch.links, Some(&good), &[option]), Called::Answered(Status::READY), "{option}");
    }
    let without_a_certificate = call(switch.links, None, &["-tls1_2"]);
    assert_eq!(without_a_certificate, Called::Refused);
    switch.await_metric("orinet_handshake_failures_total{reason=\"no_certificate\"}", 1.0);
}

#[test]
fn a_revoked_station_loses_its_link_and_gets_no_other() {
    let net = Net::new();
    let switch = net.switch();
    let (mut state, mut terminal) = (switch.station(STATE), switch.station(TERMINAL));
    assert_eq!((state.status(), terminal.status()), (Ok(Status::READY), Ok(Status::READY)));
    let revoked = run(orinet().args(["certs", "revoke", STATE, "--pki"]).arg(net.pki()));
    assert_eq!(revoked.code, Some(0), "{revoked:#?}");

    assert!(state.is_closed_within(REVOKED_MAX), "still up {REVOKED_MAX:?} after its revocation");
    switch.await_metric("orinet_links_closed_total{reason=\"revoked\"}", 1.0);
    assert_eq!(call(switch.links, Some(&Credentials::of(&net.pki(), STATE)), &[]), Called::Refused);
    switch.await_metric("orinet_handshake_failures_total{reason=\"revoked\"}", 1.0);
    // Nobody else noticed.
    assert_eq!(terminal.status(), Ok(Status::READY));

    // A new certificate is good again.
    let issued = run(orinet().args(["certs", "issue", STATE, "--pki"]).arg(net.pki()));
    assert_eq!(issued.code, Some(0), "{issued:#?}");
    assert_eq!(call(switch.links, Some(&Credentials::of(&net.pki(), STATE)), &[]), Called::Answered(Status::READY));
}

#[test]
fn a_certificate_that_runs_out_takes_its_link_with_it() {
    let net = Net::new();
    let switch = net.switch();
    let terms = Terms { certificate: Duration::from_secs(4), ..Terms::default() };
    let authority = Authority::open(&net.pki(), terms).unwrap();
    authority.renew(StationName::parse(STATE).unwrap(), Timestamp::now()).unwrap();
    let mut state = switch.station(STATE);
    assert_eq!(state.status(), Ok(Status::READY));
    assert!(state.is_closed_within(Duration::from_secs(10)), "still up after its certificate's end");
    switch.await_metric("orinet_links_closed_total{reason=\"expired\"}", 1.0);
}

#[test]
fn without_a_revocation_list_nobody_new_comes_in() {
    let net = Net::new();
    let switch = net.switch();
    let mut terminal = switch.station(TERMINAL);
    let list = net.path("pki/crl.pem");
    let kept = net.path("kept.pem");
    fs::rename(&list, &kept).unwrap();
    switch.process.line(Stream::Err, "certificates or revocations cannot be used");
    assert_eq!(call(switch.links, Some(&Credentials::of(&net.pki(), STATE)), &[]), Called::Refused);
    switch.await_metric("orinet_handshake_failures_total{reason=\"refusing\"}", 1.0);
    switch.await_metric("orinet_revocations_until_timestamp_seconds", 0.0);
    // Who is there stays.
    assert_eq!(terminal.status(), Ok(Status::READY));
    fs::rename(&kept, &list).unwrap();
    switch.process.line(Stream::Err, "certificates and revocations were read");
    assert_serves(&net, &switch);
}

/// Calls a switch with something that it must refuse, count under that reason and say nothing about; everybody else is
/// served as before.
fn refused(net: &Net, credentials: impl FnOnce(&Path) -> Option<Credentials>, options: &[&str], reason: &str) {
    let credentials = credentials(&net.pki());
    let switch = net.switch();
    assert_eq!(call(switch.links, credentials.as_ref(), options), Called::Refused);
    switch.await_metric(&format!("orinet_handshake_failures_total{{reason=\"{reason}\"}}"), 1.0);
    assert_eq!(switch.metrics().sum("orinet_handshake_failures_total"), 1.0);
    assert_serves(net, &switch);
}

fn refused_forged(extensions: &str, reason: &str) {
    let net = Net::new();
    let made = Forge::new(Credentials::of(&net.pki(), "ca"));
    let certificate = made.certificate(extensions);
    refused(&net, |_| Some(certificate), &[], reason);
}

fn assert_serves(net: &Net, switch: &Node) {
    let good = Credentials::of(&net.pki(), TERMINAL);
    assert_eq!(call(switch.links, Some(&good), &[]), Called::Answered(Status::READY));
}

/// A certificate that the authority issues for an hour, from so many minutes from now.
fn issued(pki: &Path, station: &str, minutes: i64) -> Credentials {
    let terms = Terms { certificate: Duration::from_hours(1), ..Terms::default() };
    let then = Timestamp::from_second(Timestamp::now().as_second() + 60 * minutes).unwrap();
    let authority = Authority::open(pki, terms).unwrap();
    authority.issue(StationName::parse(station).unwrap(), then).unwrap();
    Credentials::of(pki, station)
}
