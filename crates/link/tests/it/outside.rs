//! The same with openssl as the client, which shares no code with ours.

use std::path::Path;
use std::process::{Child, Output, Stdio};

use jiff::Timestamp;
use link::authority::{Authority, Terms};
use link::connection::Command;
use link::listener::HandshakeFailure;
use rcgen::ExtendedKeyUsagePurpose;
use tokio::task::spawn_blocking;

use crate::support::{Switch, name, openssl, soon};

/// A call that ends when the switch ends it.
fn call(switch: &Switch, certificate: Option<(&Path, &Path)>) -> Child {
    let mut command = openssl();
    command
        .args(["s_client", "-tls1_3", "-verify_return_error", "-x509_strict", "-verify_hostname", "localhost"])
        .args(["-connect", &switch.address.to_string()])
        .arg("-CAfile")
        .arg(switch.pki().join("ca.pem"));
    if let Some((certificate, key)) = certificate {
        command.arg("-cert").arg(certificate).arg("-key").arg(key);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Its end. Its input stays open until then: openssl hangs up when that ends.
async fn end(mut child: Child) -> Output {
    let input = child.stdin.take();
    let output = soon("the end of openssl", spawn_blocking(move || child.wait_with_output())).await;
    drop(input);
    output.unwrap().unwrap()
}

/// The files of a station in a directory.
fn files(directory: &Path, station: &str) -> [std::path::PathBuf; 2] {
    ["pem", "key"].map(|end| directory.join(format!("{station}.{end}")))
}

#[tokio::test]
async fn a_good_certificate_is_accepted() {
    let mut switch = Switch::new().await;
    let [certificate, key] = files(switch.pki(), "ZA");
    let child = call(&switch, Some((&certificate, &key)));
    assert_eq!(switch.accepted().await.station, name("ZA"));
    switch.link().await.say(Command::Close);
    let output = end(child).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
    assert!(text.contains("TLSv1.3") && !text.contains("Post-Handshake New Session Ticket"), "{text}");
}

#[tokio::test]
async fn none_and_a_foreign_an_expired_and_a_revoked_one_are_refused() {
    let mut switch = Switch::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let foreign = Authority::init(elsewhere.path(), Terms::default(), &[], Timestamp::now()).unwrap();
    foreign.issue(name("ZA"), Timestamp::now()).unwrap();
    let long_ago = Timestamp::now() - std::time::Duration::from_hours(24 * 500);
    switch.authority.issue(name("OLD"), long_ago).unwrap();
    switch.authority.revoke(name("ZB"), Timestamp::now()).unwrap();
    switch
        .event("new files", |event| matches!(event, link::listener::ListenerEvent::Reloaded { .. }).then_some(()))
        .await;
    let two = switch.forge(&["urn:orinet:station:ZA", "urn:orinet:station:ZB"], ExtendedKeyUsagePurpose::ClientAuth);

    // The alerts of TLS 1.3 by number. A certificate of two names is trusted: its link just ends.
    for (files, why, alert) in [
        (None, HandshakeFailure::NoCertificate, "alert number 116"),
        (Some(files(elsewhere.path(), "ZA")), HandshakeFailure::UnknownAuthority, "alert number 48"),
        (Some(files(switch.pki(), "OLD")), HandshakeFailure::NotValidNow, "alert number 45"),
        (Some(files(switch.pki(), "ZB")), HandshakeFailure::Revoked, "alert number 44"),
        (Some([two.certificate, two.key]), HandshakeFailure::Unnamed, ""),
    ] {
        let files = files.as_ref().map(|[certificate, key]| (&**certificate, &**key));
        let child = call(&switch, files);
        assert_eq!(switch.refused().await, why);
        let output = end(child).await;
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(alert), "{why}: {text}");
    }
}
