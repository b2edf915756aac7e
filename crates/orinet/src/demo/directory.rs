//! What the demo keeps in its directory, and how it comes there.
//!
//! ```text
//! demo.json        marks the directory as ours, with the seed and number of persons
//! network.toml     the sample network; what somebody changed in it stays, but for the three addresses
//! operator.token   the token of an operator who may do everything
//! pki/             the authority, the switch's and every station's certificate
//! records/         indexes of synthetic persons, one of each source, and the log of records added since
//! known.json       persons to ask for
//! inquiry.txt      an inquiry about the first of them
//! data/            the switch's journal
//! violators/       the journal of the changes of the immigration violator file
//! states/          the journals of requests of the states that answer, a directory each
//! ```

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use codec::name::StationName;
use jiff::Timestamp;
use link::authority::{Authority, Terms};
use records::synth::Population;
use records::{Holdings, Known, Place, Query, Sex, Source};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ctl::token;

/// The sample network, as it stands in the tree.
const NETWORK: &str = include_str!("../../../../fixtures/network.toml");
const MARK: &str = "demo.json";
const TOKEN: &str = "operator.token";

/// A directory that cannot be the demo's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    /// Somebody else's files are in it.
    #[error("{0} is not empty and not a demo's directory; name another with --dir")]
    NotOurs(PathBuf),
    /// It was made with other persons.
    #[error(
        "{path} holds {persons} persons of seed {seed}; name another directory, or use --persons {persons} --seed {seed}"
    )]
    OtherPersons {
        /// The directory.
        path: PathBuf,
        /// What it was made with.
        persons: u64,
        /// What it was made with.
        seed: u64,
    },
    /// Its mark is damaged.
    #[error("{0} cannot be read as a demo's mark; name another directory with --dir")]
    Mark(PathBuf),
    /// It cannot be made or written.
    #[error("{path} cannot be used")]
    Path {
        /// The directory.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
}

/// What a directory is to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Where to keep it; nothing for a temporary one.
    pub(crate) dir: Option<&'a Path>,
    /// Where the switch listens.
    pub(crate) addresses: Addresses,
    /// How many records the indexes hold.
    pub(crate) persons: u32,
    /// From which persons are made.
    pub(crate) seed: u64,
}

/// A directory with everything that the network needs.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// Removes the directory when the demo ends, if nobody asked to keep it.
    _temporary: Option<TempDir>,
    persons: u32,
    seed: u64,
    /// What was done to the indexes, for the reader.
    index_note: String,
}

impl Directory {
    /// Makes the directory, or completes one that an earlier demo made.
    pub(crate) fn prepare(wanted: Wanted<'_>) -> anyhow::Result<Self> {
        let (path, temporary) = match wanted.dir {
            Some(path) => (path.to_owned(), None),
            None => {
                let directory = tempfile::Builder::new().prefix("orinet-demo-").tempdir()?;
                (directory.path().to_owned(), Some(directory))
            }
        };
        claim(&path, wanted)?;
        write_network(&path, wanted.addresses)?;
        make_operator(&path, wanted.addresses.admin)?;
        issue_certificates(&path)?;
        let index_note = build_indexes(&path, wanted)?;
        let directory = Self { path, _temporary: temporary, persons: wanted.persons, seed: wanted.seed, index_note };
        directory.write_known()?;
        Ok(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn network_file(&self) -> PathBuf {
        self.path.join("network.toml")
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.path.join("pki")
    }

    pub(super) fn indexes(&self) -> PathBuf {
        indexes(&self.path)
    }

    /// Those of the sources that tell a criminal history's number.
    pub(super) fn criminal_indexes(&self) -> Vec<PathBuf> {
        [Source::Enforce, Source::Dacs].map(|source| index(&self.indexes(), source)).to_vec()
    }

    pub(super) fn violators(&self) -> PathBuf {
        self.path.join("violators")
    }

    pub(super) fn state(&self, state: &str) -> PathBuf {
        self.path.join("states").join(state)
    }

    pub(super) const fn persons(&self) -> u32 {
        self.persons
    }

    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn added_file(&self) -> PathBuf {
        self.indexes().join("added.log")
    }

    /// The token of the operator `demo`, if this demo has one.
    pub(super) fn token_file(&self) -> Option<PathBuf> {
        Some(self.path.join(TOKEN)).filter(|file| file.exists())
    }

    pub(crate) fn inquiry_file(&self) -> PathBuf {
        self.path.join("inquiry.txt")
    }

    pub(super) fn describe(&self) {
        say!("EMULATOR - every person, agency and record here is synthetic\n");
        say!("directory   {}", self.path.display());
        say!("records     {} synthetic records, {}", self.persons, self.index_note);
    }

    /// Picks persons to ask for from the indexes and writes them down, with an inquiry about the first.
    fn write_known(&self) -> anyhow::Result<()> {
        let holdings = Holdings::open(&[self.indexes()])?;
        let known = records::known(&holdings)?.context("the indexes hold no persons that can be asked for")?;
        let Known { exact, variant, finds, absent } = &known;
        let found = |query| json!({ "query": fields(query), "finds": finds.to_string() });
        let text = json!({ "exact": found(exact), "variant": found(variant), "absent": { "query": fields(absent) } });
        fs::write(self.path.join("known.json"), format!("{text:#}\n"))?;
        fs::write(self.inquiry_file(), inquiry(exact))?;
        Ok(())
    }
}

/// Takes a directory that is new, empty, or an earlier demo's.
fn claim(path: &Path, wanted: Wanted<'_>) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Path { path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(failed)?;
    let mark = path.join(MARK);
    let (persons, seed) = (u64::from(wanted.persons), wanted.seed);
    match fs::read_to_string(&mark) {
        Ok(text) => {
            let value: Value = serde_json::from_str(&text).map_err(|_| DirectoryError::Mark(mark.clone()))?;
            let number = |key: &str| value[key].as_u64().ok_or_else(|| DirectoryError::Mark(mark.clone()));
            let (has_persons, has_seed) = (number("persons")?, number("seed")?);
            if (has_persons, has_seed) != (persons, seed) {
                return Err(DirectoryError::OtherPersons {
                    path: path.to_owned(),
                    persons: has_persons,
                    seed: has_seed,
                });
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::read_dir(path).map_err(failed)?.next().is_some() {
                return Err(DirectoryError::NotOurs(path.to_owned()));
            }
            fs::write(&mark, format!("{}\n", json!({ "persons": persons, "seed": seed }))).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Where the demo's switch listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// For stations.
    pub(crate) links: SocketAddr,
    /// For those that speak Foxtalk.
    pub(crate) fox: SocketAddr,
    /// For operators.
    pub(crate) admin: SocketAddr,
}

/// Writes the sample network if there is none yet, and the addresses in any case.
fn write_network(path: &Path, addresses: Addresses) -> anyhow::Result<()> {
    let file = path.join("network.toml");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => NETWORK.to_owned(),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    };
    fs::write(&file, with_addresses(&text, addresses))?;
    Ok(())
}

/// Adds an operator who may do everything, if there is none yet and commands can only come from this machine.
fn make_operator(path: &Path, admin: SocketAddr) -> anyhow::Result<()> {
    let (token, network) = (path.join(TOKEN), path.join("network.toml"));
    if token.exists() || !admin.ip().is_loopback() {
        return Ok(());
    }
    let text = fs::read_to_string(&network)?;
    let token = token::make(&token).with_context(|| format!("{} cannot be written", token.display()))?;
    let table = token::operator_table("demo", &token, &switch::Right::ALL);
    fs::write(&network, format!("{text}\n# Who may give commands with `orinet ctl`.\n{table}\n"))?;
    Ok(())
}

fn with_addresses(text: &str, addresses: Addresses) -> String {
    let Addresses { links, fox, admin } = addresses;
    let line = |line: &str| match line.split_once('=').map(|(key, _)| key.trim()) {
        Some("links") => format!("links = \"{links}\"\nfox = \"{fox}\"\n"),
        Some("fox") => String::new(),
        Some("admin") => format!("admin = \"{admin}\"\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Makes the authority, and a certificate for every station that has none.
fn issue_certificates(path: &Path) -> anyhow::Result<()> {
    let (pki, now) = (path.join("pki"), Timestamp::now());
    let authority = if pki.join("ca.pem").exists() {
        Authority::open(&pki, Terms::default())?
    } else {
        Authority::init(&pki, Terms::default(), &[], now)?
    };
    authority.refresh_revocations(now)?;
    let config = switch::Config::load(&path.join("network.toml"))?;
    let names: Vec<StationName> = config.network.stations().map(|station| station.name).collect();
    for name in names {
        if !pki.join(format!("{name}.pem")).exists() {
            authority.issue(name, now)?;
        }
    }
    Ok(())
}

fn index(directory: &Path, source: Source) -> PathBuf {
    directory.join(format!("{}.idx", source.name().to_ascii_lowercase()))
}

fn indexes(path: &Path) -> PathBuf {
    path.join("records")
}

/// Builds the index of each source unless all are there and whole.
fn build_indexes(path: &Path, wanted: Wanted<'_>) -> anyhow::Result<String> {
    let directory = indexes(path);
    let is_whole = |holdings: Holdings| holdings.len() as u64 == u64::from(wanted.persons);
    if Holdings::open(&[&directory]).is_ok_and(is_whole) {
        return Ok("indexes as built before".to_owned());
    }
    let began = Instant::now();
    fs::create_dir_all(&directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    let population = Population::new(wanted.seed, wanted.persons);
    let build = |source: Source| {
        let file = index(&directory, source);
        let rows = 0..population.len_of(source);
        records::build(rows.map(|row| population.record_of(source, row).person), &file).map(drop)
    };
    // The largest takes half of the time: the others go beside it.
    let (first, others) = Source::ALL.split_first().context("there are sources")?;
    thread::scope(|scope| {
        let first = scope.spawn(|| build(*first));
        let others = others.iter().try_for_each(|source| build(*source));
        first.join().map_err(|_| anyhow!("the build of an index panicked"))??;
        Ok::<(), anyhow::Error>(others?)
    })?;
    Ok(format!("indexes of {} sources built in {:.1} s", Source::ALL.len(), began.elapsed().as_secs_f64()))
}

/// The fields of an inquiry about a person, as `conformance/check.py` takes them.
fn fields(query: &Query) -> Value {
    let mut fields = json!({ "NAM": name(query) });
    if let Some(born) = query.born {
        fields["DOB"] = json!(born.strftime("%Y%m%d").to_string());
    }
    if let Some(sex) = sex(query.sex) {
        fields["SEX"] = json!(sex);
    }
    if let Some(place) = &query.birth_place {
        fields["POB"] = json!(Place::as_str(place));
    }
    fields
}

/// `LAST, FIRST MIDDLE`.
fn name(query: &Query) -> String {
    let Query { surname, given, middle, .. } = query;
    let space = if middle.is_empty() { "" } else { " " };
    format!("{surname}, {given}{space}{middle}")
}

fn sex(sex: Sex) -> Option<&'static str> {
    match sex {
        Sex::Female => Some("F"),
        Sex::Male => Some("M"),
        Sex::Unknown => None,
    }
}

/// The inquiry that an agency would send about a person.
fn inquiry(query: &Query) -> String {
    let born = query.born.map_or_else(String::new, |born| born.strftime("%Y%m%d").to_string());
    let place = query.birth_place.as_ref().map_or("YY", Place::as_str);
    format!(
        "IAQ.ZA0010000.AX.*DEMO000001.TXT\nPUR/C.ATN/SGT TEST ONE.PHN/5555550100.NAM/{}.DOB/{born}.SEX/{}.\nPOB/{place}.CUS/Y.OFF/0399\n",
        name(query),
        sex(query.sex).unwrap_or("U"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_addresses_of_a_network_file_are_replaced() {
        let [links, fox, admin] = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"].map(|text| text.parse().unwrap());
        let text = with_addresses(NETWORK, Addresses { links, fox, admin });
        let before: Vec<_> = NETWORK.lines().collect();
        let new: Vec<_> = text.lines().filter(|line| !before.contains(line)).collect();
        assert_eq!(new, ["links = \"127.0.0.1:1\"", "fox = \"127.0.0.1:2\"", "admin = \"127.0.0.1:3\""]);
        assert_eq!(with_addresses(&text, Addresses { links, fox, admin }), text, "a second time changes nothing");
    }
}
