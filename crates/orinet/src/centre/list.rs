//! `orinet centre list`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use center::DutyDenial;
use center::list::{Lists, Purpose, Row, Screened, parse};
use clap::Subcommand;
use codec::name::Ori;
use records::Holdings;
use responder::book::{now, screen};

use super::{Desk, Name, Usage, word};

/// Persons after whom the progress is said.
const TELL_EACH: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Take a list: a CSV file with the columns name, born, sex, birth_place and, if known, alien_number
    Upload {
        /// The file
        file: PathBuf,
        /// visitors or employment
        #[arg(long, value_parser = purpose)]
        purpose: Purpose,
        /// Who is told: the Secret Service of the sample network, or another
        #[arg(long, value_name = "ORI", default_value = "ZZUSSS000")]
        requester: Ori,
        #[command(flatten)]
        name: Name,
    },
    /// Search for everybody of a list who is not answered yet; then the summary waits to be sent
    Screen {
        /// Its number
        number: u64,
        /// A record index, or a directory whose `.idx` files are meant; may be given several times
        #[arg(long = "index", value_name = "FILE", required = true)]
        indexes: Vec<PathBuf>,
    },
    /// Show how far each list is
    Show,
}

fn purpose(text: &str) -> Result<Purpose, &'static str> {
    serde_json::from_value(word(text)).map_err(|_| "visitors or employment")
}

pub(super) fn run(desk: &mut Desk, act: &Act) -> anyhow::Result<()> {
    match act {
        Act::Upload { file, purpose, requester, name } => {
            let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
            let rows = parse(&text).map_err(|error| Usage(format!("{}: {error}", file.display())))?;
            let count = rows.len();
            let entry = Lists::upload(now(), name.who.clone(), *purpose, requester.to_string(), rows);
            let number = desk.store(Ok(entry))?;
            say!("{number} taken: {count} persons");
        }
        Act::Screen { number, indexes } => {
            let holdings = Holdings::open(indexes)?;
            let list = desk.book.duties().lists.get(*number).ok_or(DutyDenial::Unknown)?;
            let open: Vec<(u32, Row)> = list.open().map(|(row, person)| (row, person.clone())).collect();
            let all = list.rows.len();
            for ((row, person), done) in open.iter().zip(all.saturating_sub(open.len()).saturating_add(1)..) {
                let result = screen(person, &holdings).unwrap_or(Screened::Failed);
                let entry = desk.book.duties().lists.answer(now(), *number, *row, result);
                desk.store(entry)?;
                if done.is_multiple_of(TELL_EACH) {
                    say!("{done} of {all}");
                }
            }
            let entry = desk.book.duties().lists.finish(now(), *number);
            desk.store(entry)?;
            show(desk, Some(*number));
        }
        Act::Show => show(desk, None),
    }
    Ok(())
}

fn show(desk: &Desk, only: Option<u64>) {
    for (number, list) in desk.book.duties().lists.iter().filter(|(number, _)| only.is_none_or(|only| only == *number))
    {
        let count = |result| list.count(result);
        say!(
            "{number:>6}  {} of {} screened: {} no record, {} record, {} possible, {} not searched",
            list.answers.len(),
            list.rows.len(),
            count(Screened::NoRecord),
            count(Screened::Record),
            count(Screened::Possible),
            count(Screened::Failed)
        );
    }
}
