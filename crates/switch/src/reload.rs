//! Reading the configuration again while the switch runs: all of it is checked before any takes effect.

use std::sync::Arc;

use codec::name::StationName;
use switch_core::{Command, Reload, changes};
use tokio::sync::Notify;
use tracing::{error, warn};

use crate::admin::api::Answer;
use crate::admin::ask::Contradicted;
use crate::admin::trouble::Trouble;
use crate::config::{Config, ConfigError};
use crate::driver::{Driver, Inbound};
use crate::process::SwitchError;

/// Asks a switch that runs to read its configuration again, as SIGHUP does.
#[derive(Debug, Clone, Default)]
pub struct ReloadSignal(Arc<Notify>);

impl ReloadSignal {
    /// Asks.
    pub fn ask(&self) {
        self.0.notify_one();
    }

    /// Waits until somebody asks.
    pub(crate) async fn asked(&self) {
        self.0.notified().await;
    }
}

/// Who wants the configuration read again.
#[derive(Debug)]
pub(crate) struct Reloading {
    pub(crate) who: String,
    pub(crate) from: String,
    pub(crate) contradicted: Contradicted,
    pub(crate) answer: Option<Answer>,
}

/// Who asks by a signal: the machine's administrator, whoever that is.
pub(crate) const BY_SIGNAL: &str = "SIGHUP";

/// What differs and cannot while the switch runs, by its key.
fn fixed(old: &Config, new: &Config) -> Vec<&'static str> {
    let (old_limits, new_limits) = (old.network.limits(), new.network.limits());
    let different = [
        (old.links != new.links, "[switch] links"),
        (old.fox != new.fox, "[switch] fox"),
        (old.admin != new.admin, "[switch] admin"),
        (old.data != new.data, "[switch] data"),
        (old.message_bytes_max != new.message_bytes_max, "[switch] message_bytes_max"),
        (old.journal != new.journal, "[switch] segment_bytes"),
        (old_limits.stamp_utc_offset != new_limits.stamp_utc_offset, "[switch] stamp_utc_offset"),
        (old.listener_limits.links != new.listener_limits.links, "[switch] links_max"),
        (old.pki != new.pki, "[pki]"),
        (old.retention != new.retention, "[journal]"),
        (old.audit != new.audit, "[audit]"),
        (old.search != new.search, "[search] enabled"),
    ];
    different.into_iter().filter(|(different, _)| *different).map(|(_, key)| key).collect()
}

/// What is different, in words.
fn told(old: &Config, new: &Config) -> String {
    let mut told = changes(&old.network, &new.network);
    told.extend(carried(old, new));
    if old.operators != new.operators {
        told.push("operators changed".to_owned());
    }
    if told.is_empty() { "nothing changed".to_owned() } else { told.join("; ") }
}

/// Keys that are carried as text and were not, and the other way round: the dictionaries differ in nothing else.
fn carried(old: &Config, new: &Config) -> Vec<String> {
    let only = |one: &Config, other: &Config| {
        let keys = one.dictionary.specs().map(|spec| spec.key).filter(|key| other.dictionary.spec(*key).is_none());
        keys.map(|key| key.to_string()).collect::<Vec<_>>().join(" ")
    };
    [("keys carried as text now", only(new, old)), ("keys carried no more", only(old, new))]
        .into_iter()
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(what, keys)| format!("{what}: {keys}"))
        .collect()
}

impl Driver {
    /// Has the configuration read, away from the thread that moves messages.
    pub(crate) fn reload(&mut self, reloading: Reloading) -> Result<(), SwitchError> {
        if self.desk.reloading {
            let trouble = Trouble::conflict("the configuration is being read already");
            return self.reload_denied(reloading, trouble);
        }
        self.desk.reloading = true;
        let (file, order): (_, Vec<StationName>) = (self.config.file.clone(), self.switch.order());
        let loads = self.loads.clone();
        tokio::spawn(async move {
            let read = tokio::task::spawn_blocking(move || Config::load_arranged(&file, &order)).await;
            let read =
                read.map(|read| read.map(Box::new)).map_err(|error| error!(%error, "reading the configuration ended"));
            drop(loads.send(Inbound::Reloaded { reloading, read: read.ok() }).await);
        });
        Ok(())
    }

    /// The configuration was read, and is all right by itself or not.
    pub(crate) fn reloaded(
        &mut self,
        reloading: Reloading,
        read: Option<Result<Box<Config>, ConfigError>>,
    ) -> Result<(), SwitchError> {
        self.desk.reloading = false;
        let config = match read {
            Some(Ok(config)) => config,
            Some(Err(error)) => return self.reload_denied(reloading, Trouble::conflict(error.to_string())),
            None => return self.reload_denied(reloading, Trouble::unavailable("the configuration could not be read")),
        };
        let fixed = fixed(&self.config, &config);
        if !fixed.is_empty() {
            let sentence = format!(
                "{}: {} cannot change while the switch runs; start it again for that",
                config.file.display(),
                fixed.join(", ")
            );
            return self.reload_denied(reloading, Trouble::conflict(sentence));
        }
        let reload = Reload {
            network: Arc::clone(&config.network),
            dictionary: Arc::clone(&config.dictionary),
            changes: told(&self.config, &config),
            drop_contradicted: reloading.contradicted == Contradicted::Drop,
        };
        self.next_config = Some((config, reload.changes.clone()));
        let Reloading { who, from, answer, .. } = reloading;
        self.command_of(who, from, Command::Reload(reload), answer)?;
        // The core has gone on with it, or has denied it for good.
        if self.next_config.take().is_some() {
            self.journal_telemetry.reloaded(None);
        }
        Ok(())
    }

    /// The core goes on with the configuration that was given to it: so does everything else.
    pub(crate) fn go_on(&mut self) {
        let Some((config, changes)) = self.next_config.take() else { return };
        self.journal_telemetry.reloaded(Some(&changes));
        self.shared.network.store(Arc::clone(&config.network));
        self.shared.operators.store(Arc::new(config.operators.clone()));
        self.config = config;
    }

    fn reload_denied(&mut self, reloading: Reloading, trouble: Trouble) -> Result<(), SwitchError> {
        warn!(reason = trouble.sentence(), "the configuration was not taken; the one before holds");
        self.journal_telemetry.reloaded(None);
        let Reloading { who, from, answer, .. } = reloading;
        let result = format!("denied: {}", trouble.sentence());
        if let Some(answer) = answer {
            drop(answer.send(Err(trouble)));
        }
        self.handle(switch_core::Event::Act { who, from, what: "reload".to_owned(), result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: &str = "[switch]\nlinks = \"127.0.0.1:0\"\n\n[pki]\n\n[journal]\n\n[[station]]\nname = \"ZA\"\n";

    fn config(text: &str) -> Config {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("network.toml");
        std::fs::write(&file, text).unwrap();
        let config = Config::load_arranged(&file, &[]).unwrap();
        // Paths are relative to the file, which is somewhere else each time.
        let pki = link::tls::ServerFiles::in_directory(std::path::Path::new("pki"));
        let versions = config.pki.versions;
        Config { data: "data".into(), pki: link::tls::ServerFiles { versions, ..pki }, ..config }
    }

    #[test]
    fn what_cannot_change_while_the_switch_runs_is_named() {
        let running = config(NETWORK);
        assert!(fixed(&running, &config(NETWORK)).is_empty());
        for (from, to, key) in [
            ("links = \"127.0.0.1:0\"", "links = \"127.0.0.1:1\"", "[switch] links"),
            ("[switch]", "[switch]\nadmin = \"127.0.0.1:1\"", "[switch] admin"),
            ("[switch]", "[switch]\nfox = \"127.0.0.1:1\"", "[switch] fox"),
            ("[switch]", "[switch]\nmessage_bytes_max = 1024", "[switch] message_bytes_max"),
            ("[switch]", "[switch]\nsegment_bytes = 1048576", "[switch] segment_bytes"),
            ("[switch]", "[switch]\nstamp_utc_offset = 0", "[switch] stamp_utc_offset"),
            ("[switch]", "[switch]\nlinks_max = 7", "[switch] links_max"),
            ("[pki]", "[pki]\ntls12 = true", "[pki]"),
            ("[journal]", "[journal]\nkeep_days = 1000", "[journal]"),
            ("[journal]", "[search]\nenabled = false\n[journal]", "[search] enabled"),
        ] {
            assert_eq!(fixed(&running, &config(&NETWORK.replace(from, to))), [key]);
        }
    }

    #[test]
    fn what_is_different_is_told() {
        let running = config(NETWORK);
        assert_eq!(told(&running, &config(NETWORK)), "nothing changed");
        let other = NETWORK.to_owned() + "window = 1\n\n[[station]]\nname = \"ZB\"\n";
        assert_eq!(told(&running, &config(&other)), "stations came: ZB; stations changed: ZA");
        let hold = NETWORK.replace("[switch]", "[switch]\nhold_hours = 1");
        assert_eq!(told(&running, &config(&hold)), "limits changed");
        let carried = config(&NETWORK.replace("[switch]", "[switch]\ncarried = [\"KQ\", \"KR\"]"));
        assert_eq!(told(&running, &carried), "keys carried as text now: KQ KR");
        assert_eq!(told(&carried, &running), "keys carried no more: KQ KR");
        let group = |code: &str, members: &str| {
            format!("{NETWORK}lines = [\"ZA\", \"ZB\"]\n\n[[group]]\ncode = \"{code}\"\nmembers = [{members}]\n")
        };
        let (one, other) = (config(&group("Z1", "\"ZA\"")), config(&group("Z2", "\"ZA\"")));
        assert_eq!(told(&one, &other), "groups came: Z2; groups went: Z1");
        let both = config(&group("Z1", "\"ZA\", \"ZB\""));
        assert_eq!(told(&one, &both), "groups changed: Z1");
    }
}
