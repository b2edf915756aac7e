//! The switch beside a bare relay and proxies: the same links, the same messages, in turns in one run.

mod generator;
mod measure;
mod nats;
mod redis;
mod relay;
mod subject;
mod text;
mod wire;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::measure::{cpu_seconds, machine_seconds, median, quantile};
use crate::subject::{Place, Running, Subject};

/// A round with fewer pairs than this part of the subject's own median is void.
const FALLEN: f64 = 2.0 / 3.0;
/// A round in which others used more cores than this is void, unless the machine is said to be shared.
const OTHERS_MAX: f64 = 0.2;
/// Void rounds are repeated so often at the most.
const REPEATS_MAX: usize = 2;

struct Arguments {
    program: PathBuf,
    directory: PathBuf,
    nats: PathBuf,
    markdown: Option<PathBuf>,
    links: usize,
    in_flight: Vec<usize>,
    rounds: usize,
    took: Duration,
    shared: bool,
    subjects: Vec<Subject>,
}

/// One round of one subject.
struct Round {
    pairs_per_second: f64,
    /// Microseconds of the server's processor time for each message.
    cpu: f64,
    /// Microseconds.
    p50: f64,
    p99: f64,
    /// Cores that neither the server nor the generator used.
    others: f64,
}

fn main() -> Result<()> {
    link::tls::install_default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [first, directory, rest @ ..] = &words[..]
        && first == "--relay"
    {
        return relay::run(directory.as_ref(), rest.iter().any(|word| word == "--synced"));
    }
    let arguments = parse(&words)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    let text = tasks.block_on(&runtime, bench(&arguments))?;
    println!("{text}");
    if let Some(file) = &arguments.markdown {
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn parse(words: &[String]) -> Result<Arguments> {
    let mut arguments = Arguments {
        program: PathBuf::from("target/release/orinet"),
        directory: std::env::temp_dir(),
        nats: PathBuf::from("nats-server"),
        markdown: None,
        links: 64,
        in_flight: vec![1, 16],
        rounds: 9,
        took: Duration::from_millis(1500),
        shared: false,
        subjects: Subject::ALL.to_vec(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--shared" {
            arguments.shared = true;
            continue;
        }
        let value = words.next().with_context(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--program" => arguments.program = value.into(),
            "--nats" => arguments.nats = value.into(),
            "--dir" => arguments.directory = value.into(),
            "--markdown" => arguments.markdown = Some(value.into()),
            "--links" => arguments.links = value.parse()?,
            "--in-flight" => {
                arguments.in_flight = value.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            "--rounds" => arguments.rounds = value.parse()?,
            "--milliseconds" => arguments.took = Duration::from_millis(value.parse()?),
            "--subjects" => {
                let named = |word: &str| Subject::ALL.into_iter().find(|subject| subject.word() == word);
                arguments.subjects =
                    value.split(',').map(named).collect::<Option<_>>().context("a subject that is not known")?;
            }
            _ => bail!("{word} means nothing here"),
        }
    }
    ensure!(arguments.rounds > 0 && (1..=250).contains(&arguments.links), "rounds from 1, links from 1 to 250");
    Ok(arguments)
}

async fn bench(arguments: &Arguments) -> Result<String> {
    let directory = tempfile::Builder::new().prefix("peers-").tempdir_in(&arguments.directory)?;
    let place = Place::prepare(directory.path(), arguments.program.clone(), arguments.nats.clone(), arguments.links)?;
    let mut running = Vec::new();
    for subject in &arguments.subjects {
        running.push(Running::start(*subject, &place).await.with_context(|| subject.word())?);
    }
    let cores = std::thread::available_parallelism()?;
    let sync = sync_microseconds(directory.path())?;
    let mut text = format!(
        "# The switch beside relays and proxies: the last recorded run\n\nWritten by `cargo xtask bench peers`. Absolute figures \
         are this machine's; what counts are the ratios in one run.\n{}, {cores} cores, {} pairs of links, queries of 300 \
         bytes, answers of 1,000, {} rounds of {} ms in turns, medians; one fdatasync took {sync:.0} µs.\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
        arguments.links,
        arguments.rounds,
        arguments.took.as_millis(),
    );
    if arguments.shared {
        text += "Others worked on the machine meanwhile, as the last column says: take no figure for more than its ratio to the \
                 others of this run.\n";
    }
    for in_flight in &arguments.in_flight {
        let rounds = rounds(arguments, &mut running, *in_flight).await?;
        text += &table(&running, &rounds, *in_flight)?;
    }
    Ok(text)
}

/// Runs all subjects in turns, and those again whose rounds are void.
async fn rounds(arguments: &Arguments, running: &mut [Running], in_flight: usize) -> Result<Vec<Vec<Round>>> {
    let mut all: Vec<Vec<Round>> = running.iter().map(|_| Vec::new()).collect();
    for one in running.iter_mut() {
        one.load.round(arguments.took / 3, in_flight).await.with_context(|| one.subject.word())?;
    }
    for round in 0..arguments.rounds * (1 + REPEATS_MAX) {
        let count = running.len();
        for turn in 0..count {
            // Another order each time.
            let at = (turn + round) % count;
            let (Some(one), Some(done)) = (running.get_mut(at), all.get_mut(at)) else { continue };
            if done.len() < arguments.rounds {
                done.push(measured(arguments, one, in_flight).await.with_context(|| one.subject.word())?);
            }
        }
        for done in &mut all {
            if done.len() == arguments.rounds && round + 1 < arguments.rounds * (1 + REPEATS_MAX) {
                let middle = median(done.iter().map(|round| round.pairs_per_second).collect());
                let noisy = |round: &Round| !arguments.shared && round.others > OTHERS_MAX;
                done.retain(|round| round.pairs_per_second >= middle * FALLEN && !noisy(round));
            }
        }
        if all.iter().all(|done| done.len() == arguments.rounds) {
            break;
        }
    }
    Ok(all)
}

async fn measured(arguments: &Arguments, one: &mut Running, in_flight: usize) -> Result<Round> {
    let this = std::process::id();
    let (server, machine, own) = (one.cpu()?, machine_seconds()?, cpu_seconds(this)?);
    let begun = Instant::now();
    let mut done = one.load.round(arguments.took, in_flight).await?;
    let took = begun.elapsed().as_secs_f64();
    let server = one.cpu()? - server;
    let others = (machine_seconds()? - machine - server - (cpu_seconds(this)? - own)) / took;
    done.times.sort_unstable();
    let pairs = done.times.len() as f64;
    ensure!(pairs > 0.0, "nothing was answered");
    Ok(Round {
        pairs_per_second: pairs / took,
        cpu: server * 1e6 / (2.0 * pairs),
        p50: quantile(&done.times, 0.5),
        p99: quantile(&done.times, 0.99),
        others: others.max(0.0),
    })
}

fn table(running: &[Running], rounds: &[Vec<Round>], in_flight: usize) -> Result<String> {
    let mut text = format!(
        "\n## {in_flight} in flight on each link\n\nA pair is two messages. CPU is the server's, per message; a ratio is to the bare \
         relay's.\n\n| subject | stored of 2 | pairs/s | lowest to highest | of relay | CPU µs/message | of relay | p50 µs | p99 µs | \
         memory MB | others' cores |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    let of = |rounds: &[Round], figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    let first = rounds.first().context("no rounds")?;
    let (relay_pairs, relay_cpu) = (of(first, |round| round.pairs_per_second), of(first, |round| round.cpu));
    for (one, rounds) in running.iter().zip(rounds) {
        let pairs = of(rounds, |round| round.pairs_per_second);
        let cpu = of(rounds, |round| round.cpu);
        let mut sorted: Vec<_> = rounds.iter().map(|round| round.pairs_per_second).collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted.first().copied().unwrap_or(0.0), sorted.last().copied().unwrap_or(0.0));
        writeln!(
            text,
            "| {} | {} | {pairs:.0} | {low:.0} to {high:.0} | {:.2} | {cpu:.1} | {:.2} | {:.0} | {:.0} | {:.0} | {:.2} |",
            one.subject.about(),
            one.subject.stored(),
            pairs / relay_pairs,
            cpu / relay_cpu,
            of(rounds, |round| round.p50),
            of(rounds, |round| round.p99),
            one.memory()? as f64 / 1e6,
            of(rounds, |round| round.others),
        )?;
    }
    Ok(text)
}

/// The median of a few syncs of 512 bytes over zeros, in microseconds.
fn sync_microseconds(directory: &std::path::Path) -> Result<f64> {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::create(directory.join("sync"))?;
    file.write_all_at(&[0; 1 << 20], 0)?;
    file.sync_all()?;
    let mut took = Vec::new();
    for at in 0..200 {
        let begun = Instant::now();
        file.write_all_at(&[1; 512], at * 512)?;
        file.sync_data()?;
        took.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(took))
}
