//! The stations of the sample network that the demo runs: the support center, and those that attach and log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, anyhow};
use codec::name::{Ori, StationName};
use link::dialer;
use link::tls::ClientFiles;
use responder::{answer, attach, lesc, ncic, state};
use telemetry::CenterMetrics;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::directory::Directory;

const CENTER: &str = "AX";
/// They take what comes and answer nothing.
const ATTACHED: [&str; 2] = ["IC", "SS"];
const NCIC: &str = "FB";
/// They answer for criminal histories, at once and without faults.
const STATES: [&str; 2] = ["ZA", "ZB"];

/// The stations, on a thread of their own.
#[derive(Debug)]
pub(super) struct Stations {
    thread: thread::JoinHandle<anyhow::Result<()>>,
    names: Vec<StationName>,
}

impl Stations {
    /// Starts them all. They call at once and until `stop`.
    /// The center counts what it does in `metrics`.
    pub(super) fn start(
        directory: &Directory,
        links: SocketAddr,
        metrics: Arc<CenterMetrics>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let dialer = |name| dialer::Config::new(links.to_string(), ClientFiles::in_directory(&directory.pki(), name));
        let name = StationName::parse(CENTER)?;
        let config = lesc::Config::new(name, dialer(name), vec![directory.indexes()]);
        let added = Some(directory.added_file());
        let center = lesc::Lesc::open(lesc::Config { added, metrics: Some(metrics), ..config })?;
        let mut names = vec![name];
        let name = StationName::parse(NCIC)?;
        let ncic = ncic::Ncic::open(ncic::Config {
            station: name,
            link: dialer(name),
            ori: Ori::parse("ZZNCIC000")?,
            center: *answer::ORI,
            data: directory.violators(),
            seed: directory.seed(),
            persons: directory.persons(),
            violators: ncic::COUNT,
            indexes: directory.criminal_indexes(),
            templates: None,
        })?;
        names.push(name);
        let mut states = Vec::new();
        for state in STATES {
            let name = StationName::parse(state)?;
            names.push(name);
            states.push(state::State::open(state::Config {
                station: name,
                link: dialer(name),
                state: state.to_owned(),
                ori: Ori::parse(&format!("{state}0000050"))?,
                data: directory.state(state),
                profile: state::Profile::default(),
                seed: directory.seed(),
                persons: directory.persons(),
                indexes: directory.criminal_indexes(),
                templates: None,
            })?);
        }
        let mut attached = Vec::new();
        for name in ATTACHED {
            let station = StationName::parse(name)?;
            names.push(station);
            attached.push(attach::Attached::new(attach::Config { station, link: dialer(station) }));
        }
        let thread = thread::Builder::new().name("stations".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
            runtime.block_on(async {
                let tasks = TaskTracker::new();
                tasks.spawn(center.run(stop.clone()));
                // Said in the log already: without its journal there is nothing to go on with.
                let (ncic, ended) = (ncic.run(stop.clone()), stop.clone());
                tasks.spawn(async move {
                    if ncic.await.is_err() {
                        ended.cancel();
                    }
                });
                for state in states {
                    let (state, ended) = (state.run(stop.clone()), stop.clone());
                    tasks.spawn(async move {
                        if state.await.is_err() {
                            ended.cancel();
                        }
                    });
                }
                for station in attached {
                    tasks.spawn(station.run(stop.clone()));
                }
                tasks.close();
                tasks.wait().await;
            });
            Ok(())
        })?;
        Ok(Self { thread, names })
    }

    pub(super) fn names(&self) -> &[StationName] {
        &self.names
    }

    pub(super) fn join(self) -> anyhow::Result<()> {
        self.thread.join().map_err(|_| anyhow!("a station panicked"))?
    }
}
