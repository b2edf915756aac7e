//! openssl as a client that shares no code with us, and as a maker of certificates that our authority would not issue.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use bytes::BytesMut;
use codec::block::{Block, Function, Status};
use tempfile::TempDir;

use crate::PATIENCE;
use crate::process::must;

/// A certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Credentials {
    /// A station's in an authority's directory.
    pub(crate) fn of(pki: &Path, station: &str) -> Self {
        Self { certificate: pki.join(format!("{station}.pem")), key: pki.join(format!("{station}.key")) }
    }
}

/// What came of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// The switch answered a status request so.
    Answered(Status),
    /// It sent nothing and closed.
    Refused,
}

/// Calls the switch with `openssl s_client`, asks it for its status, and hangs up.
pub(crate) fn call(links: SocketAddr, credentials: Option<&Credentials>, options: &[&str]) -> Called {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-connect", &links.to_string()]).args(options);
    if let Some(Credentials { certificate, key }) = credentials {
        command.arg("-cert").arg(certificate).arg("-key").arg(key);
    }
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut client = Client(child.expect("openssl can be run"));
    let mut request = BytesMut::new();
    Block::without_data(Function::StatusRequest, 0, Status::NONE).encode(&mut request);
    let mut stdin = client.0.stdin.take().expect("it is piped");
    // It may be gone already, if its handshake was refused.
    drop(stdin.write_all(&request));

    let mut stdout = client.0.stdout.take().expect("it is piped");
    let (bytes_in, bytes) = mpsc::channel();
    thread::spawn(move || {
        let mut piece = [0; 256];
        while let Ok(count @ 1..) = stdout.read(&mut piece) {
            if bytes_in.send(piece[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let (deadline, mut answer) = (Instant::now() + PATIENCE, BytesMut::new());
    loop {
        if let Some(block) = codec::block::Deframer::new().next(&mut answer).expect("a block") {
            assert_eq!(block.function(), Function::StatusResponse);
            return Called::Answered(block.status());
        }
        match bytes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(piece) => answer.extend_from_slice(&piece),
            Err(RecvTimeoutError::Disconnected) => {
                assert!(answer.is_empty(), "half a block: {answer:?}");
                return Called::Refused;
            }
            Err(RecvTimeoutError::Timeout) => panic!("neither answered nor closed in {PATIENCE:?}"),
        }
    }
}

/// Killed when it is dropped.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Signs what it is told to with an issuer's key, in a directory of its own.
pub(crate) struct Forge {
    directory: TempDir,
    issuer: Credentials,
}

impl Forge {
    pub(crate) fn new(issuer: Credentials) -> Self {
        Self { directory: tempfile::tempdir().expect("a directory for the test"), issuer }
    }

    /// A certificate with those lines as its extensions, valid for a day.
    pub(crate) fn certificate(&self, extensions: &str) -> Credentials {
        let file = |name: &str| self.directory.path().join(name);
        fs::write(file("extensions"), extensions).expect("a file is written");
        let made = Credentials { certificate: file("made.pem"), key: file("made.key") };
        let new =
            ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=made by openssl"];
        must(Command::new("openssl").args(new).arg("-keyout").arg(&made.key).arg("-out").arg(file("request")));
        let mut sign = Command::new("openssl");
        sign.args(["x509", "-req", "-days", "1", "-set_serial", "4711", "-in"]).arg(file("request"));
        sign.arg("-CA").arg(&self.issuer.certificate).arg("-CAkey").arg(&self.issuer.key);
        must(sign.arg("-extfile").arg(file("extensions")).arg("-out").arg(&made.certificate));
        made
    }
}
