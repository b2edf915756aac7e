//! The network for `orinet terminal --practice`: the sample network in a temporary directory, and partners in it who send
//! the trainee something to do and answer what the trainee sends them. Nothing leaves this machine.

mod partner;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use codec::name::StationName;
use link::dialer;
use link::tls::ClientFiles;
use tokio_util::sync::CancellationToken;

use crate::demo::directory::{Addresses, Directory, Wanted};
use crate::demo::network::Network;

/// Who the trainee is: the agency terminal that the sample network leaves free.
pub(crate) const TRAINEE: &str = "ZA0010000";
/// Few enough that it starts within a second, many enough that an inquiry finds somebody.
const PERSONS: u32 = 2_000;
const SEED: u64 = 1;

/// A network to practice in. It ends, and its directory is removed, with [`Practice::stop`].
#[derive(Debug)]
pub(crate) struct Practice {
    network: Network,
    partner: thread::JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
    /// Removed after all that writes in it has ended.
    directory: Directory,
}

impl Practice {
    /// Starts it. What partners send comes `pace` apart, from when the trainee's terminal is there.
    ///
    /// # Errors
    /// If the directory cannot be made, or the network does not start.
    pub(crate) async fn start(pace: Duration) -> anyhow::Result<Self> {
        let any = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        let addresses = Addresses { links: any, fox: any, admin: any };
        let directory = Directory::prepare(Wanted { dir: None, addresses, persons: PERSONS, seed: SEED })?;
        let stop = CancellationToken::new();
        let network = Network::start(&directory, stop.clone()).await?;
        let inquiry = std::fs::read_to_string(directory.inquiry_file()).context("the inquiry cannot be read")?;
        let name = StationName::parse(partner::STATION)?;
        let link =
            dialer::Config::new(network.running.links.to_string(), ClientFiles::in_directory(&directory.pki(), name));
        let (attached, until) = (network.running.attached.clone(), stop.clone());
        let partner = thread::Builder::new().name("partner".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
            runtime.block_on(partner::run(link, attached, &inquiry, pace, until))
        })?;
        Ok(Self { network, partner, stop, directory })
    }

    /// How the trainee's terminal calls.
    ///
    /// # Errors
    /// None that can be: the name is a name.
    pub(crate) fn link(&self) -> anyhow::Result<dialer::Config> {
        let files = ClientFiles::in_directory(&self.directory.pki(), StationName::parse(TRAINEE)?);
        Ok(dialer::Config::new(self.network.running.links.to_string(), files))
    }

    /// Where the trainee's terminal keeps its messages: gone with the practice.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("terminal")
    }

    /// Ends it.
    ///
    /// # Errors
    /// If a part of it had failed.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let partner = self.partner.join().map_err(|_| anyhow!("the partner panicked"));
        self.network.stop()?;
        partner?
    }
}
