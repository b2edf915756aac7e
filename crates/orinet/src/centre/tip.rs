//! `orinet centre tip`.

use center::tipline::{End, Grade};
use clap::Subcommand;
use codec::name::Ori;
use responder::book::now;

use super::{Desk, Name, word};

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Take a call
    Take {
        /// What was said
        text: String,
        #[command(flatten)]
        name: Name,
    },
    /// Grade a call
    Grade {
        /// Its number
        number: u64,
        /// high, medium, low; known or not-viable: no lead comes of it
        #[arg(value_parser = grade)]
        grade: Grade,
        #[command(flatten)]
        name: Name,
    },
    /// Refer a viable call to a field office as a lead
    Refer {
        /// Its number
        number: u64,
        /// The field office
        #[arg(long, value_name = "ORI")]
        office: Ori,
        #[command(flatten)]
        name: Name,
    },
    /// Write down what came of a lead
    End {
        /// Its number
        number: u64,
        /// case, passed or nothing
        #[arg(value_parser = end)]
        end: End,
        #[command(flatten)]
        name: Name,
    },
    /// List all, oldest first
    List,
}

fn grade(text: &str) -> Result<Grade, &'static str> {
    serde_json::from_value(word(text)).map_err(|_| "high, medium, low, known or not-viable")
}

fn end(text: &str) -> Result<End, &'static str> {
    serde_json::from_value(word(text)).map_err(|_| "case, passed or nothing")
}

pub(super) fn run(desk: &mut Desk, act: &Act) -> anyhow::Result<()> {
    let tips = &desk.book.duties().tips;
    match act {
        Act::Take { text, name } => {
            let entry = tips.take(now(), name.who.clone(), text);
            let number = desk.store(entry)?;
            say!("{number} taken by {}", name.who.name());
        }
        Act::Grade { number, grade, name } => {
            let entry = tips.grade(now(), name.who.clone(), *number, *grade);
            desk.store(entry)?;
            say!("{number} graded by {}", name.who.name());
        }
        Act::Refer { number, office, name } => {
            let entry = tips.refer(now(), name.who.clone(), *number, office.as_str());
            desk.store(entry)?;
            say!("{number} referred to {office} by {}; a notice waits to be sent", name.who.name());
        }
        Act::End { number, end, name } => {
            let entry = tips.end(now(), name.who.clone(), *number, *end);
            desk.store(entry)?;
            say!("{number} ended by {}", name.who.name());
        }
        Act::List => {
            for (number, call) in tips.iter() {
                let office = call.office.as_deref().unwrap_or("-");
                say!("{number:>6}  {:<20} {office}", call.step());
            }
        }
    }
    Ok(())
}
