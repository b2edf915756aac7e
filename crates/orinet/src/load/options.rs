//! What can be typed for a load, and the plan that it makes.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use load::mix::Mix;
use load::plan::{Plan, Shape};
use load::profile::Profile;
use load::rate::Spacing;
use load::require::Requirement;
use rustls_pki_types::ServerName;

use crate::send::station::host_and_port;

/// What load, on which switch.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where the switch takes links
    #[arg(long, value_name = "HOST:PORT", default_value = switch::Config::LINKS, value_parser = host_and_port)]
    link: String,
    /// The name that the switch's certificate must bear, if it is not the host of --link
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// The directory with ca.pem and each station's NAME.pem and NAME.key, as orinet certs makes them
    #[arg(long, value_name = "DIR", required = true)]
    pki: Option<PathBuf>,
    /// A named load: P0 real mean, P1 busy hour, P2 burst, P3 stress, P4 outage recovery, P5 quality
    #[arg(long, value_name = "P0..P5")]
    profile: Option<Profile>,
    /// Messages a second, in place of the profile's
    #[arg(long, value_name = "RATE", value_parser = positive)]
    rate: Option<f64>,
    /// Keep so many messages waiting on each link instead of sending at a rate
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["rate", "profile", "find_knee"])]
    closed: Option<usize>,
    /// Who sends what to whom; without it, the sample network's terminal to the center and to another agency
    #[arg(long, value_name = "FILE")]
    mix: Option<PathBuf>,
    /// Links that send
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    links: usize,
    /// Links beside them that say nothing
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    idle: usize,
    /// How long is measured [default: 60s, or the profile's]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// How long the rate climbs before that
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    ramp: Duration,
    /// How long the load is steady before it is measured
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    warmup: Duration,
    /// How long to wait at the end for what is on its way
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    settle: Duration,
    /// When a message is given up
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    timeout: Duration,
    /// How messages lie in time
    #[arg(long, value_enum, default_value_t = SpacingName::Poisson)]
    spacing: SpacingName,
    /// From which arrivals and messages follow
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Threads, each with its own links
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    threads: usize,
    /// Share of messages with a fault, such as 2%, in place of the mix's
    #[arg(long, value_name = "SHARE", value_parser = share)]
    malformed: Option<f64>,
    /// Share of messages that are sent twice, in place of the mix's
    #[arg(long, value_name = "SHARE", value_parser = share)]
    repeated: Option<f64>,
    /// Multiply the profile's rates, and its backlog, by this
    #[arg(long, value_name = "FACTOR", value_parser = positive, default_value_t = 1.0)]
    scale: f64,
    /// Raise the rate until a requirement breaks, and find the highest at which all hold
    #[arg(long, requires = "require")]
    find_knee: bool,
    /// The rate that a search does not pass
    #[arg(long, value_name = "RATE", value_parser = positive, default_value_t = 1e6, requires = "find_knee")]
    knee_max: f64,
    /// How long a search measures each rate
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, requires = "find_knee")]
    step: Duration,
    /// What must hold, such as 'iar_p99<25ms'; can be given several times
    #[arg(long, value_name = "REQUIREMENT")]
    require: Vec<Requirement>,
    /// How long links may take to come up
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    connect_within: Duration,
    /// Handshakes at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 24)]
    handshakes: usize,
    /// Calls a second at the most
    #[arg(long, value_name = "RATE", value_parser = positive)]
    connect_rate: Option<f64>,
    /// Messages waited for at the most; what is due beyond them is counted, not sent
    #[arg(long, value_name = "COUNT", default_value_t = 200_000)]
    in_flight_max: usize,
    /// Send again on the same link what was not acknowledged in this time, as stations do after 5s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    resend_after: Option<Duration>,
    /// Also report processor time and memory of this process, as of the switch; can be given several times
    #[arg(long, value_name = "PID")]
    watch: Vec<u32>,
    /// Write everything that was found as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write a page with plots that stands alone
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Show no progress
    #[arg(long)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SpacingName {
    /// At random, as the messages of many people come
    Poisson,
    /// Evenly
    Fixed,
}

impl Options {
    /// What is to be done.
    ///
    /// # Errors
    /// If what was typed does not fit together, or a file cannot be used.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let pki = self.pki.clone().context("--pki is needed")?;
        let mut mix = match &self.mix {
            Some(path) => Mix::load(path)?,
            None => Mix::sample()?,
        };
        if let Some(profile) = self.profile {
            mix = profile.apply(mix);
        }
        mix.malformed = self.malformed.unwrap_or(mix.malformed);
        mix.repeated = self.repeated.unwrap_or(mix.repeated);
        let (shape, title) = self.shape()?;
        Ok(Plan {
            address: self.address()?,
            server_name: self.server_name()?,
            pki,
            mix,
            shape,
            title,
            links: self.links,
            idle: self.idle,
            threads: self.threads,
            spacing: match self.spacing {
                SpacingName::Poisson => Spacing::Poisson,
                SpacingName::Fixed => Spacing::Fixed,
            },
            seed: self.seed,
            ramp: self.ramp,
            warmup: self.warmup,
            settle: self.settle,
            timeout: self.timeout,
            connect: self.connect_within,
            connecting_max: self.handshakes,
            connect_rate: self.connect_rate,
            in_flight_max: self.in_flight_max,
            resend_after: self.resend_after,
            requirements: self.require.clone(),
            watch: self.watch.clone(),
        })
    }

    fn shape(&self) -> anyhow::Result<(Shape, String)> {
        let duration = |profile: Option<Profile>| {
            self.duration.unwrap_or_else(|| profile.map_or(Duration::from_secs(60), Profile::duration))
        };
        if let Some(per_link) = self.closed {
            let title = format!("closed loop, {per_link} at a time on each of {} links", self.links);
            return Ok((Shape::Closed { per_link, duration: duration(None) }, title));
        }
        let of_profile = self.profile.map(|profile| {
            let (inquiries, others) = profile.rates();
            (inquiries + others) * self.scale
        });
        let Some(rate) = self.rate.or(of_profile) else {
            bail!("--profile, --rate or --closed is needed");
        };
        if self.find_knee {
            let (most, step) = (self.knee_max, self.step);
            return Ok((Shape::Knee { from: rate, most, step }, format!("search for the knee from {rate}/s")));
        }
        let name = self.profile.map_or(String::new(), |profile| format!("{} {}, ", profile.name(), profile.title()));
        let backlog = self.profile.and_then(Profile::backlog);
        Ok(match backlog {
            Some(backlog) => {
                #[expect(clippy::cast_possible_truncation, reason = "a count of messages")]
                let backlog = (backlog as f64 * self.scale).round() as u64;
                let title = format!("{name}{backlog} messages waiting, {rate}/s new ones");
                (Shape::Recovery { backlog, rate, duration: duration(self.profile) }, title)
            }
            None => (
                Shape::Open { rate, duration: duration(self.profile) },
                format!("{name}open loop, {rate}/s for {:?}", duration(self.profile)),
            ),
        })
    }

    fn address(&self) -> anyhow::Result<SocketAddr> {
        let mut found = self.link.to_socket_addrs().with_context(|| format!("{} is not found", self.link))?;
        found.next().ok_or_else(|| anyhow!("{} has no address", self.link))
    }

    fn server_name(&self) -> anyhow::Result<ServerName<'static>> {
        let host = self.link.rsplit_once(':').map_or(self.link.as_str(), |(host, _)| host);
        let name = self.server_name.as_deref().unwrap_or_else(|| host.trim_matches(['[', ']']));
        ServerName::try_from(name.to_owned()).with_context(|| format!("{name} is no name of a server"))
    }
}

/// A time as `90s`, `500ms`, `10m`, `2h`.
fn duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("{text} is no time: 500ms, 90s, 10m, 2h");
    let split = text.find(|character: char| character.is_ascii_alphabetic()).ok_or_else(problem)?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().parse().map_err(|_| problem())?;
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(problem()),
    };
    Duration::try_from_secs_f64(number * seconds).map_err(|_| problem())
}

/// A share as `2%` or `0.02`.
fn share(text: &str) -> Result<f64, String> {
    let (number, of) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().map(|number| number / of);
    share.ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| format!("{text} is no share: 2% or 0.02"))
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| format!("{text} is no number above 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_shares_have_their_units() {
        for (text, ms) in [("500ms", 500), ("1.5s", 1500), ("10m", 600_000), ("2h", 7_200_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "5", "5 parsecs", "-1s", "s", "1d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!((share("2%"), share("0.02"), share("100%")), (Ok(0.02), Ok(0.02), Ok(1.0)));
        for bad in ["", "101%", "-1%", "x"] {
            assert!(share(bad).is_err(), "{bad}");
        }
        assert!(positive("0").is_err() && positive("inf").is_err() && positive("0.5").is_ok());
    }
}
