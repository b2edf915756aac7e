//! `orinet load prepare`: a network of many stations, with certificates and mixes, to put a load on.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use load::network::{STATIONS_MAX, Size};

use super::write;
use crate::cli::failed;

/// How large a network, and where.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A new or empty directory for it
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Stations that send; a switch takes 256 links of each
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=i64::from(STATIONS_MAX)))]
    stations: u16,
    /// Links of the station that receives and answers
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    receiver_links: u16,
    /// Where its switch takes links
    #[arg(long, value_name = "ADDRESS", default_value = switch::Config::LINKS)]
    link: SocketAddr,
    /// Where its switch has its admin page
    #[arg(long, value_name = "ADDRESS", default_value = switch::Config::ADMIN)]
    admin: SocketAddr,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match prepare(arguments) {
        Ok(()) => {
            let dir = arguments.dir.display();
            say!("orinet switch --config {dir}/network.toml");
            say!("orinet load --link {} --pki {dir}/pki --mix {dir}/pairs.toml --links 64 --rate 1000", arguments.link);
            ExitCode::SUCCESS
        }
        Err(error) => failed(1, error.as_ref()),
    }
}

fn prepare(arguments: &Arguments) -> anyhow::Result<()> {
    let dir = &arguments.dir;
    fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let now = Timestamp::now();
    let authority = Authority::init(&dir.join("pki"), Terms::default(), &[], now)?;
    let size = Size { stations: arguments.stations, receiver_links: arguments.receiver_links };
    for name in size.names() {
        authority.issue(StationName::parse(&name)?, now)?;
    }
    size.files(arguments.link, arguments.admin).iter().try_for_each(|file| write(&dir.join(file.name), &file.text))
}
