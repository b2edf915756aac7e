//! One request to a switch's admin address, over HTTP in the clear: it does not leave the machine.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// Longer than the switch itself waits for an answer.
const PATIENCE: Duration = Duration::from_secs(70);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// The longest answer that is read: that of a thousand letters, many times over.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CtlError {
    /// Nobody said who asks.
    #[error("no token: name its file with --token-file or in ORINET_TOKEN_FILE; `orinet ctl token` makes one")]
    NoToken,
    /// The token's file.
    #[error("{path} cannot be read")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// Others could be that operator.
    #[error("{path} can be read by others (mode {mode:03o}); make it yours alone with: chmod 600 {path}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A token would go over a network in the clear.
    #[error("{0} is not on this machine, and commands are not encrypted; reach the switch's machine with ssh")]
    Far(SocketAddr),
    /// Nobody answers.
    #[error("no switch answers on {admin}; name its admin address with --admin or in ORINET_ADMIN")]
    Silent {
        /// Where.
        admin: SocketAddr,
        /// The system's word.
        source: io::Error,
    },
    /// Somebody else answers.
    #[error("what answers on {0} is no switch's admin page")]
    NotASwitch(SocketAddr),
    /// The switch says no.
    #[error("{}", body.get("error").and_then(Value::as_str).unwrap_or("the switch refused it"))]
    Refused {
        /// The status.
        status: u16,
        /// What it says.
        body: Value,
    },
}

impl CtlError {
    pub(super) fn is_usage(&self) -> bool {
        matches!(self, Self::NoToken | Self::File { .. } | Self::Open { .. } | Self::Far(_))
            || matches!(self, Self::Refused { status: 400, .. })
    }
}

/// A switch, and the operator who speaks to it.
pub(super) struct Client {
    admin: SocketAddr,
    token: String,
}

impl Client {
    pub(super) fn new(admin: SocketAddr, token_file: Option<&Path>) -> Result<Self, CtlError> {
        let path = token_file.ok_or(CtlError::NoToken)?;
        let unreadable = |source| CtlError::File { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(CtlError::Open { path: path.to_owned(), mode });
        }
        if !admin.ip().is_loopback() {
            return Err(CtlError::Far(admin));
        }
        let token = fs::read_to_string(path).map_err(unreadable)?.trim().to_owned();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let source = io::Error::new(io::ErrorKind::InvalidData, "it holds no token");
            return Err(unreadable(source));
        }
        Ok(Self { admin, token })
    }

    pub(super) fn get(&self, path: &str) -> Result<Value, CtlError> {
        self.ask("GET", path, "")
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, CtlError> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask("POST", path, &body)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value, CtlError> {
        let answer =
            self.exchange(method, path, body).map_err(|source| CtlError::Silent { admin: self.admin, source })?;
        let (status, body) = read(&answer).ok_or(CtlError::NotASwitch(self.admin))?;
        if status == 200 { Ok(body) } else { Err(CtlError::Refused { status, body }) }
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> io::Result<Vec<u8>> {
        let Self { admin, token } = self;
        // What was typed as a name cannot become more of the request than its path.
        let path: String = path.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
        let mut socket = TcpStream::connect_timeout(admin, CONNECT_MAX)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "{method} /api/{path} HTTP/1.1\r\nHost: {admin}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        socket.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Status and JSON of an answer.
fn read(answer: &[u8]) -> Option<(u16, Value)> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_anything_else_is_no_switch() {
        let answer = b"HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n\r\n{\"error\":\"ZA is held\"}\n";
        let (status, body) = read(answer).unwrap();
        assert_eq!(status, 409);
        assert_eq!(CtlError::Refused { status, body }.to_string(), "ZA is held");
        for other in [&b"SSH-2.0-OpenSSH"[..], b"", b"HTTP/1.1 200 OK\r\n\r\n<html>", b"HTTP/1.1 200 OK\r\n"] {
            assert!(read(other).is_none());
        }
    }

    #[test]
    fn a_token_that_others_can_read_is_not_used() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc\n").unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let here = "127.0.0.1:7070".parse().unwrap();
        assert!(matches!(Client::new(here, Some(file.path())), Err(CtlError::Open { mode: 0o644, .. })));
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Client::new(here, Some(file.path())).map(|client| client.token).ok().as_deref(), Some("abc"));
        let far = "192.0.2.1:7070".parse().unwrap();
        assert!(matches!(Client::new(far, Some(file.path())), Err(CtlError::Far(_))));
        assert!(matches!(Client::new(here, None), Err(CtlError::NoToken)));
    }
}
