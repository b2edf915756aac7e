//! What is compared: how each is started, and its process.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use load::network::Size;

use crate::generator::{Load, upstream};
use crate::measure::cpu_seconds;

/// How long a server may take to listen.
const UP_MAX: Duration = Duration::from_secs(30);

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Relay,
    RelaySynced,
    Switch,
    Nginx,
    Haproxy,
    Nats,
    JetStream,
    Redis,
}

impl Subject {
    pub(crate) const ALL: [Self; 8] = [
        Self::Relay,
        Self::RelaySynced,
        Self::Switch,
        Self::Nginx,
        Self::Haproxy,
        Self::Nats,
        Self::JetStream,
        Self::Redis,
    ];

    /// Its name in the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::RelaySynced => "relay-synced",
            Self::Switch => "switch",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Nats => "nats",
            Self::JetStream => "jetstream",
            Self::Redis => "redis",
        }
    }

    /// What it is, in the table.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Relay => "bare relay, tokio and rustls, nothing stored",
            Self::RelaySynced => "bare relay, each query synced by group commit",
            Self::Switch => "orinet switch, query and answer checked and synced",
            Self::Nginx => "nginx stream, TLS to TLS, nothing stored",
            Self::Haproxy => "haproxy, TLS to TLS, nothing stored",
            Self::Nats => "NATS, request and reply, nothing stored",
            Self::JetStream => "NATS JetStream, query and answer synced",
            Self::Redis => "Redis Streams, query and answer synced",
        }
    }

    /// How many of the two messages of a pair it has on disk before it passes them on.
    pub(crate) fn stored(self) -> u32 {
        match self {
            Self::Relay | Self::Nginx | Self::Haproxy | Self::Nats => 0,
            Self::RelaySynced => 1,
            Self::Switch | Self::JetStream | Self::Redis => 2,
        }
    }
}

/// A network's directory: certificates, and the switch's configuration.
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    /// The program under test.
    pub(crate) program: PathBuf,
    pub(crate) links: usize,
    /// A NATS server, from 2.11 on for JetStream.
    pub(crate) nats: PathBuf,
}

impl Place {
    /// Makes certificates and configuration for so many pairs of links.
    pub(crate) fn prepare(directory: &Path, program: PathBuf, nats: PathBuf, links: usize) -> Result<Self> {
        let (pki, now) = (directory.join("pki"), Timestamp::now());
        let authority = Authority::init(&pki, Terms::default(), &[], now)?;
        let size = Size { stations: u16::try_from(links)?, receiver_links: u16::try_from(links)? };
        for name in size.names() {
            authority.issue(StationName::parse(&name)?, now)?;
        }
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        for file in size.files(any, any) {
            fs::write(directory.join(file.name), file.text)?;
        }
        for name in ["switch", "ZR"] {
            let [certificate, key] = ["pem", "key"].map(|end| fs::read_to_string(pki.join(format!("{name}.{end}"))));
            fs::write(pki.join(format!("{name}-both.pem")), certificate? + &key?)?;
        }
        Ok(Self { directory: directory.to_owned(), program, links, nats })
    }

    fn pki(&self) -> PathBuf {
        self.directory.join("pki")
    }
}

/// A server that runs, with the links to it.
pub(crate) struct Running {
    pub(crate) subject: Subject,
    pub(crate) load: Load,
    child: Child,
}

impl Running {
    /// Starts a server and calls it.
    pub(crate) async fn start(subject: Subject, place: &Place) -> Result<Self> {
        let pki = place.pki();
        match subject {
            Subject::Relay | Subject::RelaySynced => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("--relay").arg(&place.directory);
                if subject == Subject::RelaySynced {
                    command.arg("--synced");
                }
                let (child, line) =
                    says(command.stdout(Stdio::piped()), "READY ", |child| Box::new(child.stdout.take()))?;
                let port: u16 = line.trim().rsplit(' ').next().unwrap_or_default().parse()?;
                let load = Load::call(([127, 0, 0, 1], port).into(), &pki, place.links).await?;
                Ok(Self { subject, load, child })
            }
            Subject::Switch => {
                let mut command = Command::new(&place.program);
                command
                    .args(["switch", "--log", "warn,switch=info", "--config"])
                    .arg(place.directory.join("network.toml"));
                let (child, line) =
                    says(command.stderr(Stdio::piped()), "the switch is up", |child| Box::new(child.stderr.take()))?;
                let address = line.split("links=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
                let load = Load::call(address.parse().context(line.clone())?, &pki, place.links).await?;
                Ok(Self { subject, load, child })
            }
            Subject::Nginx | Subject::Haproxy | Subject::Nats | Subject::JetStream | Subject::Redis => {
                let (text, file) = match subject {
                    Subject::Nginx => (include_str!("../config/nginx.conf"), "nginx.conf"),
                    Subject::Nats => (include_str!("../config/nats.conf"), "nats.conf"),
                    Subject::JetStream => (include_str!("../config/jetstream.conf"), "jetstream.conf"),
                    Subject::Redis => (include_str!("../config/redis.conf"), "redis.conf"),
                    _ => (include_str!("../config/haproxy.cfg"), "haproxy.cfg"),
                };
                let port = free_port()?;
                let upstream = upstream(&pki).await?;
                let file = place.directory.join(file);
                let directory = place.directory.to_str().context("a path in UTF-8")?;
                let text = text.replace("{DIR}", directory).replace("{PORT}", &port.to_string());
                fs::write(&file, text.replace("{UPSTREAM}", &upstream.to_string()))?;
                let program = match subject {
                    Subject::Nats | Subject::JetStream => place.nats.as_path(),
                    Subject::Redis => Path::new("redis-server"),
                    _ => Path::new(subject.word()),
                };
                let mut command = Command::new(program);
                let command = match subject {
                    Subject::Nginx => command.arg("-c").arg(&file).arg("-p").arg(&place.directory),
                    Subject::Nats | Subject::JetStream => command.arg("-c").arg(&file).stderr(Stdio::null()),
                    Subject::Redis => command.arg(&file),
                    _ => command.arg("-db").arg("-f").arg(&file),
                };
                let child = command.spawn().with_context(|| format!("{} cannot be run", subject.word()))?;
                let address = SocketAddr::from(([127, 0, 0, 1], port));
                let deadline = Instant::now() + UP_MAX;
                while std::net::TcpStream::connect(address).is_err() {
                    if Instant::now() > deadline {
                        bail!("{} does not listen", subject.word());
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let load = match subject {
                    Subject::Nats => Load::call_nats(address, &pki, place.links, false).await?,
                    Subject::JetStream => Load::call_nats(address, &pki, place.links, true).await?,
                    Subject::Redis => Load::call_redis(address, &pki, place.links).await?,
                    _ => Load::call_proxy(address, &pki, place.links).await?,
                };
                Ok(Self { subject, load, child })
            }
        }
    }

    /// Processor seconds that it has used, all threads together.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_seconds(self.child.id())
    }

    /// Memory in use, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? * 1024)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts a process and waits for a line with that mark on one of its streams; the rest of the stream is read and dropped.
fn says<R: std::io::Read + Send + 'static>(
    command: &mut Command,
    mark: &str,
    stream: impl FnOnce(&mut Child) -> Box<Option<R>>,
) -> Result<(Child, String)> {
    let mut child = command.stdin(Stdio::null()).spawn().context("a server cannot be run")?;
    let mut lines = BufReader::new((*stream(&mut child)).context("the stream is piped")?).lines();
    let mut heard = String::new();
    while let Some(line) = lines.next().transpose()? {
        if line.contains(mark) {
            std::thread::spawn(move || lines.for_each(drop));
            return Ok((child, line));
        }
        heard = heard + &line + "\n";
    }
    bail!("a server ended: {heard}")
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
