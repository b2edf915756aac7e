//! The sample network inside this process: the switch and its stations, each on a thread of its own.

use std::sync::Arc;
use std::thread;

use anyhow::anyhow;
use switch::{ReloadSignal, Running, SwitchError};
use telemetry::{CenterMetrics, Metrics, Page};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::stations::Stations;

/// A network that runs.
#[derive(Debug)]
pub(crate) struct Network {
    /// Where its switch listens, and who is attached.
    pub(crate) running: Running,
    /// The stations.
    pub(super) stations: Stations,
    switch: thread::JoinHandle<Result<(), SwitchError>>,
    stop: CancellationToken,
}

impl Network {
    /// Starts the switch, waits until it listens, and starts the stations, which call at once. All end with `stop`.
    pub(crate) async fn start(directory: &Directory, stop: CancellationToken) -> anyhow::Result<Self> {
        let page = Arc::new(Page::new(env!("CARGO_PKG_VERSION")));
        let metrics = Arc::new(Metrics::on(Arc::clone(&page)));
        let (switch, running) = start_switch(directory, metrics, stop.clone()).await?;
        let stations = Stations::start(directory, running.links, CenterMetrics::on(&page), stop.clone())?;
        Ok(Self { running, stations, switch, stop })
    }

    /// Ends it, and waits until all is on disk.
    ///
    /// # Errors
    /// If a part of it had failed.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.stations.join()?;
        self.switch.join().map_err(|_| anyhow!("the switch panicked"))??;
        Ok(())
    }
}

/// Starts the switch on a thread of its own and waits until it listens.
async fn start_switch(
    directory: &Directory,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> anyhow::Result<(thread::JoinHandle<Result<(), SwitchError>>, Running)> {
    let config = switch::Config::load(&directory.network_file())?;
    let (tell, told) = oneshot::channel();
    let thread = thread::Builder::new().name("switch".to_owned()).spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(SwitchError::Thread)?;
        runtime.block_on(switch::run(config, metrics, stop, ReloadSignal::default(), |running| {
            // Nobody waits for it only when the network has ended.
            let _unheard: Result<(), Running> = tell.send(running);
        }))
    })?;
    match told.await {
        Ok(running) => Ok((thread, running)),
        Err(_) => match thread.join() {
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(())) => Err(anyhow!("the switch ended before it listened")),
            Err(_) => Err(anyhow!("the switch panicked")),
        },
    }
}
