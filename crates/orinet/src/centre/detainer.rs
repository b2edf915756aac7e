//! `orinet centre detainer`.

use center::detainer::{Basis, Proposal, lift_reason};
use clap::{Args, Subcommand};
use codec::name::Ori;
use responder::book::now;

use super::{Desk, Name, word};

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Propose one on a wanted subject in custody; nobody is told
    Propose(Box<Subject>),
    /// Lodge one that is proposed: the agency that holds the subject and the field office are told
    Lodge {
        /// Its number
        number: u64,
        /// On what it rests: final-order, proceedings, biometric or statements
        #[arg(long, value_parser = basis)]
        basis: Basis,
        #[command(flatten)]
        name: Name,
    },
    /// Decline one that is proposed
    Decline {
        /// Its number
        number: u64,
        #[command(flatten)]
        name: Name,
    },
    /// Lift one that is lodged: both are told
    Lift {
        /// Its number
        number: u64,
        /// A code of the public list: B, C, D, F, L, N, S, T or U
        #[arg(long, value_name = "CODE")]
        reason: char,
        #[command(flatten)]
        name: Name,
    },
    /// List all, oldest first
    List,
}

#[derive(Debug, Args)]
pub(super) struct Subject {
    /// The center's number of the inquiry
    #[arg(long, value_name = "E…")]
    query: String,
    /// Who holds the subject
    #[arg(long, value_name = "ORI")]
    requester: Ori,
    /// The field office of that area
    #[arg(long, value_name = "ORI")]
    office: Ori,
    /// The inquiry says that the subject is in custody
    #[arg(long)]
    custody: bool,
    /// The inquiry is for a firearm
    #[arg(long)]
    firearms: bool,
    /// The number of the record that says that the subject is wanted
    #[arg(long, value_name = "NIC")]
    wanted: Option<String>,
    /// LAST, FIRST MIDDLE
    #[arg(long)]
    name: String,
    /// ccyymmdd
    #[arg(long)]
    born: String,
    /// M, F or U
    #[arg(long)]
    sex: String,
    /// The code of the citizenship
    #[arg(long)]
    citizenship: String,
    /// Nine digits
    #[arg(long)]
    alien_number: String,
}

fn basis(text: &str) -> Result<Basis, &'static str> {
    serde_json::from_value(word(text)).map_err(|_| "final-order, proceedings, biometric or statements")
}

pub(super) fn run(desk: &mut Desk, act: &Act) -> anyhow::Result<()> {
    let detainers = &desk.book.duties().detainers;
    match act {
        Act::Propose(subject) => {
            let entry = detainers.propose(now(), None, subject.proposal());
            let number = desk.store(entry)?;
            say!("{number} proposed");
        }
        Act::Lodge { number, basis, name } => {
            let entry = detainers.lodge(now(), name.who.clone(), *number, *basis);
            desk.store(entry)?;
            say!("{number} lodged by {}; two notices wait to be sent", name.who.name());
        }
        Act::Decline { number, name } => {
            let entry = detainers.decline(now(), name.who.clone(), *number);
            desk.store(entry)?;
            say!("{number} declined by {}", name.who.name());
        }
        Act::Lift { number, reason, name } => {
            let entry = detainers.lift(now(), name.who.clone(), *number, *reason);
            desk.store(entry)?;
            say!("{number} lifted by {}: {}", name.who.name(), lift_reason(*reason).unwrap_or(""));
        }
        Act::List => {
            for (number, detainer) in detainers.iter() {
                let Proposal { query, requester, office, .. } = &detainer.proposal;
                say!("{number:>6}  {:<9} {query:<12} {requester} {office}", detainer.step.name());
            }
        }
    }
    Ok(())
}

impl Subject {
    fn proposal(&self) -> Proposal {
        let upper = |text: &str| text.trim().to_ascii_uppercase();
        Proposal {
            query: upper(&self.query),
            requester: self.requester.to_string(),
            office: self.office.to_string(),
            custody: self.custody,
            firearms: self.firearms,
            wanted: self.wanted.as_deref().map(upper),
            name: upper(&self.name),
            born: upper(&self.born),
            sex: upper(&self.sex),
            citizenship: upper(&self.citizenship),
            alien_number: upper(&self.alien_number),
        }
    }
}
