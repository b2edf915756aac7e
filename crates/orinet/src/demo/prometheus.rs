//! A Prometheus beside the demo, if this machine has one: it scrapes the demo every second, with the alerts of `dashboards/`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

/// What it evaluates.
const RULES: &str = include_str!("../../../../dashboards/rules.yml");
/// How long it may take to listen.
const UP_MAX: Duration = Duration::from_secs(30);
/// How it says in its log where it listens.
const LISTENS: &str = "msg=\"Listening on\" address=";
/// And that it answers.
const READY: &str = "Server is ready";

/// Ends with the demo.
#[derive(Debug)]
pub(super) struct Prometheus {
    child: Child,
    address: String,
}

impl Prometheus {
    /// Starts one that listens at `address` and keeps its files in `directory`. None if this machine has none.
    pub(super) fn start(directory: &Path, admin: SocketAddr, address: SocketAddr) -> anyhow::Result<Option<Self>> {
        let folder = directory.join("prometheus");
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n  - rules.yml\nscrape_configs:\n  \
             - job_name: orinet-demo\n    static_configs:\n      - targets: [\"{admin}\"]\n"
        );
        for (name, text) in [("rules.yml", RULES), ("prometheus.yml", &config)] {
            let file = folder.join(name);
            fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", folder.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("prometheus cannot be run"),
        };
        let log = child.stderr.take();
        let mut started = Self { child, address: String::new() };
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name("prometheus-log".to_owned()).spawn(move || {
            let mut listens = None;
            // To its end, so that it never waits for a reader.
            for line in log.map(BufReader::new).into_iter().flat_map(BufReader::lines).map_while(Result::ok) {
                if let Some((_, address)) = line.split_once(LISTENS) {
                    listens = Some(address.to_owned());
                }
                // Nobody listens any more once it is up.
                if line.contains(READY) {
                    drop(tell.send(listens.take().ok_or(line)));
                } else if line.contains("level=error") {
                    drop(tell.send(Err(line)));
                }
            }
        })?;
        started.address = match told.recv_timeout(UP_MAX) {
            Ok(Ok(address)) => address,
            Ok(Err(line)) => return Err(anyhow!("prometheus does not start: {line}")),
            Err(_) => return Err(anyhow!("prometheus does not listen on {address}")),
        };
        Ok(Some(started))
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
