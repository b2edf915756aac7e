//! TLS as three scanners see it that share no code with us or with one another, and a weak server that each must find weak.
//!
//! All three take two minutes: `cargo xtask faults` runs them, and installs what is missing. Among the other tests it is sslscan
//! alone.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::PATIENCE;
use crate::effort::{efforts, figures, shared};
use crate::net::{Net, TERMINAL};
use crate::openssl::Credentials;
use crate::process::{must, run};

/// What a scanner finds that is meant so, and why.
const EXPLAINED: [(&str, &str, &str); 8] = [
    ("sslyze", "certificate_path_validation", "the network has an authority of its own, and no other is trusted"),
    ("sslyze", "maximum_certificate_lifespan", "rules for browsers; certificates hold for 396 days and can be revoked"),
    ("testssl", "engine_problem", "of the scanner's own openssl: it has no GOST"),
    ("testssl", "optimal_proto", "the scanner has no certificate, so that it gets no link"),
    ("testssl", "service", "what is spoken over TLS is no HTTP"),
    ("testssl", "cert_chain_of_trust", "the network has an authority of its own, and no other is trusted"),
    ("testssl", "cert_revocation", "no address to ask is in a certificate: the list is a file that the switch reads"),
    ("testssl", "DNS_CAArecord", "a record of the public web; the address is this machine's"),
];

/// Findings of one scanner by its own names, those that are explained left out.
fn unexplained(scanner: &str, findings: Vec<String>) -> Vec<String> {
    let is_explained = |finding: &String| {
        EXPLAINED.iter().any(|(of, name, _)| *of == scanner && finding.split([' ', ':']).next() == Some(name))
    };
    findings.into_iter().filter(|finding| !is_explained(finding)).collect()
}

/// The value of an attribute in a line of XML.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    Some(line.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0)
}

fn sslscan(address: SocketAddr) -> Vec<String> {
    let said = run(Command::new("sslscan").args(["--no-colour", "--xml=-", &address.to_string()]));
    let (mut findings, mut is_found) = (Vec::new(), false);
    for line in said.stdout.lines().map(str::trim) {
        let has = |name: &str, value: &str| attribute(line, name) == Some(value);
        let is = |tag: &str| line.starts_with(&format!("<{tag} "));
        let old = is("protocol") && has("enabled", "1") && !(has("type", "tls") && has("version", "1.3"));
        let weak =
            is("cipher") && (!has("sslversion", "TLSv1.3") || has("strength", "weak") || has("strength", "anonymous"));
        let other = is("renegotiation") && has("supported", "1")
            || is("heartbleed") && has("vulnerable", "1")
            || is("compression") && has("supported", "1")
            || is("pk") && has("error", "true");
        is_found |= is("cipher");
        if old || weak || other {
            findings.push(line.to_owned());
        }
    }
    assert!(is_found, "sslscan found no cipher at all: {said:?}");
    findings
}

fn sslyze(address: SocketAddr, credentials: Option<&Credentials>, folder: &Path) -> Vec<String> {
    let program = std::env::var("SSLYZE").unwrap_or_else(|_| "sslyze".to_owned());
    let json = folder.join("sslyze.json");
    let mut command = Command::new(program);
    // What Mozilla's profile wants is looked at besides. Early data is not: the scanner fails where there is no ticket to try it with.
    command.args(["--compression", "--heartbleed", "--openssl_ccs", "--reneg", "--sslv2", "--sslv3"]);
    command
        .args(["--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--mozilla_config", "modern", "--json_out"])
        .arg(&json);
    if let Some(credentials) = credentials {
        command.arg("--cert").arg(&credentials.certificate).arg("--key").arg(&credentials.key);
    }
    let said = run(command.arg(address.to_string()));
    // What it holds against Mozilla's profile, by its own word.
    let listed = said.stdout.lines().filter_map(|line| line.strip_prefix("        * "));
    let mut findings: Vec<String> = listed.filter(|line| line.contains(": ")).map(str::to_owned).collect();
    let text = fs::read_to_string(json).unwrap_or_else(|error| panic!("sslyze wrote nothing, {error}: {said:?}"));
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let scan = &all["server_scan_results"][0]["scan_result"];
    let accepted = |version: &str| {
        scan[format!("{version}_cipher_suites")]["result"]["accepted_cipher_suites"].as_array().map_or(0, Vec::len)
    };
    assert!(accepted("tls_1_3") > 0, "sslyze found no cipher of TLS 1.3: {said:?}");
    for version in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2"] {
        if accepted(version) > 0 {
            findings.push(format!("{version}: {} ciphers", accepted(version)));
        }
    }
    for (check, field) in [
        ("tls_compression", "supports_compression"),
        ("heartbleed", "is_vulnerable_to_heartbleed"),
        ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection"),
        ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos"),
    ] {
        let answer = &scan[check]["result"][field];
        assert!(answer.is_boolean(), "sslyze did not look at {check}: {}", scan[check]);
        if answer == true {
            findings.push(format!("{check}: {field}"));
        }
    }
    findings
}

fn testssl(address: SocketAddr, folder: &Path, options: &[&str]) -> Vec<String> {
    let json = folder.join("testssl.json");
    let mut command = Command::new("testssl");
    command.args(["--quiet", "--color", "0", "--warnings", "off", "--jsonfile"]).arg(&json).args(options);
    command.arg(address.to_string());
    // It has its patience with whoever does not answer, and is started in a folder of its own.
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("testssl can be run");
    drop(child.wait());
    let text = fs::read_to_string(&json).expect("testssl wrote");
    let all: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    assert!(
        all.iter().any(|finding| text(finding, "id") == "TLS1_3" && text(finding, "finding").starts_with("offered")),
        "{all:?}"
    );
    let bad = all.iter().filter(|finding| !["OK", "INFO"].contains(&text(finding, "severity").as_str()));
    bad.map(|finding| format!("{}: {} {}", text(finding, "id"), text(finding, "severity"), text(finding, "finding")))
        .collect()
}

/// `openssl s_server` as it should not be: old versions, ciphers without a certificate, a short key.
struct Weak {
    child: Child,
    address: SocketAddr,
}

impl Weak {
    fn new(folder: &Path) -> Self {
        let (certificate, key) = (folder.join("weak.pem"), folder.join("weak.key"));
        let mut make = Command::new("openssl");
        make.args(["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "1", "-subj", "/CN=weak", "-keyout"]);
        must(make.arg(&key).arg("-out").arg(&certificate));
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port is free");
        let mut server = Command::new("openssl");
        server.args(["s_server", "-quiet", "-cipher", "ALL:@SECLEVEL=0", "-accept", &free.to_string(), "-cert"]);
        server.arg(certificate).arg("-key").arg(key).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let weak = Self { child: server.spawn().expect("openssl can be run"), address: free };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect_timeout(&free, Duration::from_millis(100)).is_err() {
            assert!(Instant::now() < deadline, "openssl does not listen");
        }
        weak
    }
}

impl Drop for Weak {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// S2.
#[test]
fn scanners_find_nothing_but_what_is_explained_and_find_a_weak_server_weak() {
    let _machine = shared();
    let all = efforts(false, true, true);
    let net = Net::new();
    let switch = net.switch();
    let (links, folder) = (switch.links, net.path("pki"));
    let folder = folder.parent().expect("the network's directory");
    let weak = Weak::new(folder);
    let mut told = Vec::new();
    let mut check = |scanner: &str, findings: Vec<String>, control: Vec<String>| {
        let count = findings.len();
        let unexplained = unexplained(scanner, findings);
        assert_eq!(unexplained, [""; 0], "{scanner}");
        assert!(control.len() > 3, "{scanner} finds a weak server good: {control:?}");
        told.push(format!("{scanner} {count} findings, each explained, and {} of a weak server", control.len()));
    };
    check("sslscan", sslscan(links), sslscan(weak.address));
    if all {
        let credentials = Credentials::of(&net.pki(), TERMINAL);
        check("sslyze", sslyze(links, Some(&credentials), folder), sslyze(weak.address, None, folder));
        let seen = testssl(links, folder, &[]);
        fs::remove_file(folder.join("testssl.json")).expect("it goes");
        // Versions and ciphers are enough to be found weak by.
        check("testssl", seen, testssl(weak.address, folder, &["-p", "-s"]));
    }
    // They have left the switch as it was.
    assert_eq!(switch.station(TERMINAL).status(), Ok(codec::block::Status::READY));
    figures(&told.join("; "));
}
