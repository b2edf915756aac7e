//! One number for all that happened: of two runs that differ anywhere, it differs.

use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};

use codec::time::Tick;
use switch_core::Action;
use switch_core::reading::read;

#[derive(Debug, Default)]
pub(crate) struct Trace {
    hash: DefaultHasher,
    now: Tick,
    /// What happened, for whoever wants to read it.
    log: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn time(&mut self, now: Tick) {
        self.hash.write_u64(now.0);
        self.now = now;
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.hash.write(bytes);
    }

    /// An action with all its bytes.
    pub(crate) fn action(&mut self, action: &Action) {
        if let Action::Store { record, .. } = action {
            self.hash.write(record);
        } else if let Action::Deliver { bytes, .. } = action {
            self.hash.write(bytes);
        }
        let written = write!(Into(&mut self.hash), "{action:?}");
        debug_assert!(written.is_ok(), "a hash takes everything");
        self.note(|| {
            let Action::Store { sequence, kind, record } = action else { return format!("{action:?}") };
            match read(sequence.0, *kind, record.clone()) {
                Ok(reading) => format!("Store {} {reading:?}", sequence.0),
                Err(error) => format!("Store {} {error}", sequence.0),
            }
        });
    }

    /// Keeps a log from here on.
    pub(crate) fn keep_log(&mut self) {
        self.log = Some(Vec::new());
    }

    /// Something for the log.
    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            let now = self.now.0;
            log.push(format!("{}.{:06} {}", now / 1_000_000, now % 1_000_000, what()));
        }
    }

    pub(crate) fn take_log(&mut self) -> Vec<String> {
        self.log.take().unwrap_or_default()
    }

    pub(crate) fn finish(&self) -> u64 {
        self.hash.finish()
    }
}

struct Into<'a>(&'a mut DefaultHasher);

impl fmt::Write for Into<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
