//! Looks at the certificate files each second, swaps in new ones, cuts the links that may no longer be.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::{ListenerEvent, Shared, UntilThen};
use crate::tls::{Identity, ServerFiles, ServerTls, TlsError, Trust};

/// The files as they were last seen, and what they last gave.
#[derive(Debug)]
pub(super) struct Watch {
    files: ServerFiles,
    trust: Part<Trust>,
    identity: Part<Identity>,
    /// What was last told of a failure that lasts.
    told: Option<String>,
}

/// What two files give together.
#[derive(Debug)]
struct Part<T> {
    seen: [Option<Version>; 2],
    /// From the newest files that could be used.
    value: T,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The value is what the files hold now.
    Current,
    /// It is not: they cannot be used, or its time has run out.
    Failed,
}

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Watch {
    pub(super) fn new(files: ServerFiles, now: Timestamp) -> Result<(Self, ServerTls), TlsError> {
        // Seen before they are read: a file that changes in between is read again.
        let (trust_seen, identity_seen) =
            (versions([&files.ca, &files.crl]), versions([&files.certificate, &files.key]));
        let tls = ServerTls::load(&files, now)?;
        let trust = Part { seen: trust_seen, value: tls.trust.clone(), state: State::Current };
        let identity = Part { seen: identity_seen, value: tls.identity.clone(), state: State::Current };
        Ok((Self { files, trust, identity, told: None }, tls))
    }

    /// Looks for ever. Files are read on a thread that may block.
    pub(super) async fn run(mut self, shared: &Arc<Shared>) {
        loop {
            sleep(shared.limits.look).await;
            let shared = Arc::clone(shared);
            let look = spawn_blocking(move || {
                self.look(&shared, Timestamp::now());
                self
            });
            self = match look.await {
                Ok(this) => this,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    // The runtime is being shut down.
                    Err(_) => std::future::pending().await,
                },
            };
        }
    }

    fn look(&mut self, shared: &Shared, now: Timestamp) {
        let files = &self.files;
        let (mut failure, mut removed) = (None, false);
        let new_identity = self
            .identity
            .look([&files.certificate, &files.key], |_| Identity::load(&files.certificate, &files.key, now));
        let mut changed = matches!(new_identity, Some(Ok(())));
        if let Some(Err(error)) = new_identity {
            failure = Some((error, UntilThen::KeepsCertificate));
        }
        if self.trust.value.until <= now {
            self.trust.state = State::Failed;
        }
        let new_trust = self.trust.look([&files.ca, &files.crl], |before| {
            let trust = Trust::load(files, now)?;
            removed = !trust.has_authorities_of(before);
            Ok(trust)
        });
        changed |= matches!(new_trust, Some(Ok(())));
        if let Some(Err(error)) = new_trust {
            // The more important of two failures.
            failure = Some((error, UntilThen::Refuses));
        }

        let credentials = match self.trust.state {
            State::Current if changed => {
                match ServerTls::assemble(self.trust.value.clone(), self.identity.value.clone(), files.versions) {
                    Ok(credentials) => Some(Some(Arc::new(credentials))),
                    Err(error) => {
                        failure = Some((error, UntilThen::Refuses));
                        Some(None)
                    }
                }
            }
            State::Current => None,
            State::Failed => Some(None),
        };
        if let Some(credentials) = credentials {
            let reloaded = credentials.as_ref().map(|new| (new.crl_until(), new.certificate_until(), new.revoked()));
            shared.credentials.store(credentials);
            if let Some((crl_until, certificate_until, revoked)) = reloaded {
                (shared.observe)(ListenerEvent::Reloaded { crl_until, certificate_until, revoked });
            }
        }
        // After the swap: a link that comes up meanwhile is checked against the new credentials by its handshake.
        shared.registry.sweep(&self.trust.value, removed, now);
        self.tell(shared, failure);
    }

    /// Tells of a failure once, and again if its reason changes.
    fn tell(&mut self, shared: &Shared, failure: Option<(TlsError, UntilThen)>) {
        match failure {
            Some((error, until_then)) => {
                let text = error.to_string();
                if self.told.as_ref() != Some(&text) {
                    self.told = Some(text);
                    (shared.observe)(ListenerEvent::ReloadFailed { error, until_then });
                }
            }
            None => self.told = None,
        }
    }
}

impl<T> Part<T> {
    /// Loads the value anew if its files changed or could not be used before. Says nothing if they did not.
    fn look(
        &mut self,
        files: [&Path; 2],
        load: impl FnOnce(&T) -> Result<T, TlsError>,
    ) -> Option<Result<(), TlsError>> {
        let seen = versions(files);
        if seen == self.seen && self.state == State::Current {
            return None;
        }
        self.seen = seen;
        let loaded = load(&self.value).map(|value| self.value = value);
        self.state = if loaded.is_ok() { State::Current } else { State::Failed };
        Some(loaded)
    }
}

fn versions(files: [&Path; 2]) -> [Option<Version>; 2] {
    files.map(|file| {
        fs::metadata(file).ok().map(|metadata| Version {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    })
}
