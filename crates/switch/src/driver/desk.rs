//! Where operators' requests meet the core: lists at once, commands once they are durable.

use std::collections::HashMap;

use bytes::Bytes;
use codec::name::StationName;
use journal::Reader;
use serde_json::Value;
use switch_core::reading::{Reading, read};
use switch_core::{Command, Event, Msn, Original, Reply, Request, Sequence};
use tokio::sync::oneshot;
use tracing::{error, info};

use super::{Driver, Inbound};
use crate::admin::api::{Answer, Asked};
use crate::admin::ask::Ask;
use crate::admin::trouble::Trouble;
use crate::admin::view;
use crate::process::SwitchError;
use crate::reload::Reloading;

/// Requests that wait for the core.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    waiting: HashMap<Request, Answer>,
    last: u64,
    /// A configuration is being read.
    pub(crate) reloading: bool,
    /// The switch ends once it is drained.
    pub(super) ends: bool,
    /// It will, if this is done.
    ending: Option<Request>,
}

/// Read while somebody looks for a message: a few segments' worth of blocks.
const SCAN_BYTES: usize = 64 << 10;

impl Driver {
    /// An operator asks.
    pub(super) fn asked(&mut self, asked: Asked) -> Result<(), SwitchError> {
        let Asked { who, from, ask, answer } = asked;
        let shown = match ask {
            Ask::Stations => Ok(view::stations(&self.switch)),
            Ask::Links => Ok(view::links(&self.switch)),
            Ask::Confirmations => Ok(view::confirmations(&self.switch)),
            Ask::States => Ok(view::states(&self.switch)),
            Ask::Letters(page) => Ok(view::letters(&self.switch, page)),
            Ask::Changed => Ok(view::changed(&self.switch)),
            Ask::Agency(ori) => {
                view::agency(&self.switch, ori).ok_or_else(|| Trouble::unknown(format!("the directory has no {ori}")))
            }
            Ask::Explain(explain) => self
                .switch
                .explain(explain.station, &explain.text)
                .map(|explanation| view::explanation(&explanation))
                .map_err(Trouble::from),
            Ask::Myself => Err(Trouble::no_such_page()),
            Ask::Letter(delivery) => {
                self.show_letter(delivery, answer);
                return Ok(());
            }
            Ask::SendAgain(msn, to) => {
                self.find_and_send(who, from, msn, to, answer);
                return Ok(());
            }
            Ask::ResendLetter(delivery, text) => {
                let Some(letter) = self.switch.dead_letter(delivery) else {
                    let none = format!("there is no dead letter {}", delivery.number());
                    let what = ask_told(delivery, text.is_some());
                    return self.deny(who, from, what, Trouble::unknown(none), answer);
                };
                let (sequence, reader, loads) = (letter.sequence, self.reader.clone(), self.loads.clone());
                tokio::spawn(async move {
                    let what = ask_told(delivery, text.is_some());
                    let inbound = match load(reader, sequence).await {
                        Ok(original) => {
                            let ask = Ask::Do(Command::ResendLetter { delivery, text, original });
                            Inbound::Asked(Asked { who, from, ask, answer })
                        }
                        Err(trouble) => Inbound::Denied { who, from, what, trouble, answer },
                    };
                    drop(loads.send(inbound).await);
                });
                return Ok(());
            }
            Ask::DrainAndEnd => return self.drain_and_end(who, from, answer),
            Ask::Reload(contradicted) => {
                return self.reload(Reloading { who, from, contradicted, answer: Some(answer) });
            }
            Ask::Do(command) => return self.command_of(who, from, command, Some(answer)),
        };
        reply(answer, shown);
        Ok(())
    }

    /// Gives a command to the core. Its answer comes as an action.
    pub(crate) fn command_of(
        &mut self,
        who: String,
        from: String,
        command: Command,
        answer: Option<Answer>,
    ) -> Result<(), SwitchError> {
        self.desk.last += 1;
        let request = Request(self.desk.last);
        if let Some(answer) = answer {
            self.desk.waiting.insert(request, answer);
        }
        info!(operator = who, %command, "an operator's command");
        self.handle(Event::Command { request, who, from, command })
    }

    /// The core has answered.
    pub(super) fn replied(&mut self, request: Request, result: Reply) {
        if self.desk.ending == Some(request) {
            self.desk.ending = None;
            self.desk.ends = matches!(result, Reply::Done(_));
        }
        let result = match result {
            Reply::Done(done) => {
                info!(what = done.what, "a command was carried out");
                Ok(view::done(&done))
            }
            Reply::Denied(denial) => {
                info!(reason = %denial, "a command was denied");
                Err(Trouble::from(denial))
            }
        };
        if let Some(answer) = self.desk.waiting.remove(&request) {
            reply(answer, result);
        }
    }

    /// Denies what did not get as far as the core, and tells the journal.
    pub(super) fn deny(
        &mut self,
        who: String,
        from: String,
        what: String,
        trouble: Trouble,
        answer: Answer,
    ) -> Result<(), SwitchError> {
        let result = format!("denied: {}", trouble.sentence());
        reply(answer, Err(trouble));
        self.handle(Event::Act { who, from, what, result })
    }

    fn show_letter(&self, delivery: switch_core::Delivery, answer: Answer) {
        let Some(letter) = self.switch.dead_letter(delivery).cloned() else {
            let none = format!("there is no dead letter {}", delivery.number());
            return reply(answer, Err(Trouble::unknown(none)));
        };
        let reader = self.reader.clone();
        tokio::spawn(async move {
            let shown = load(reader, letter.sequence).await.and_then(|Original { kind, record, .. }| {
                let shown = view::letter(delivery, &letter, kind, record);
                shown.ok_or_else(|| Trouble::unknown(format!("letter {} cannot be read", delivery.number())))
            });
            reply(answer, shown);
        });
    }

    fn find_and_send(&self, who: String, from: String, msn: Msn, to: Option<StationName>, answer: Answer) {
        let (reader, loads) = (self.reader.clone(), self.loads.clone());
        let what = Ask::SendAgain(msn, to).told();
        tokio::spawn(async move {
            let found = tokio::task::spawn_blocking(move || find(&reader, msn)).await;
            let inbound = match found.ok().flatten() {
                Some(original) => {
                    let ask = Ask::Do(Command::SendAgain { msn, to, original });
                    Inbound::Asked(Asked { who, from, ask, answer })
                }
                None => {
                    let trouble = Trouble::unknown(format!("the journal has no message {} (any more)", msn.0));
                    Inbound::Denied { who, from, what, trouble, answer }
                }
            };
            drop(loads.send(inbound).await);
        });
    }

    /// Drains, and ends once all went out that can. A switch that drains already ends too.
    fn drain_and_end(&mut self, who: String, from: String, answer: Answer) -> Result<(), SwitchError> {
        if self.switch.is_closed() {
            self.desk.ends = true;
            let what = "end once it is drained".to_owned();
            let result = "the switch ends once all went out that can".to_owned();
            reply(answer, Ok(serde_json::json!({ "done": result, "undo": "orinet ctl undrain" })));
            return self.handle(Event::Act { who, from, what, result });
        }
        self.command_of(who, from, Command::Drain, Some(answer))?;
        self.desk.ending = Some(Request(self.desk.last));
        Ok(())
    }
}

fn ask_told(delivery: switch_core::Delivery, changed: bool) -> String {
    Ask::ResendLetter(delivery, changed.then(Bytes::new)).told()
}

/// An operator who does not wait any more misses nothing that the journal does not have.
pub(super) fn reply(answer: oneshot::Sender<Result<Value, Trouble>>, result: Result<Value, Trouble>) {
    drop(answer.send(result));
}

/// A record for a command. What is no longer there is no reason to end, as for the core it would be.
async fn load(reader: Reader, sequence: Sequence) -> Result<Original, Trouble> {
    let read = tokio::task::spawn_blocking(move || reader.read(sequence.0)).await;
    match read {
        Ok(Ok(record)) => Ok(Original { sequence, kind: record.kind, record: record.payload }),
        Ok(Err(error)) => Err(Trouble::unknown(error.to_string())),
        Err(error) => {
            error!(%error, "reading the journal ended");
            Err(Trouble::unavailable("the journal could not be read"))
        }
    }
}

/// The record of an accepted message, by its number: numbers rise with the records, so that halving finds it.
fn find(reader: &Reader, msn: Msn) -> Option<Original> {
    let (mut first, mut last) = (reader.first_sequence(), reader.stored_through());
    while first <= last {
        let middle = first + (last - first) / 2;
        let Some((found, original)) = accepted_from(reader, middle, last) else {
            last = middle.checked_sub(1)?;
            continue;
        };
        match found.cmp(&msn) {
            std::cmp::Ordering::Equal => return Some(original),
            std::cmp::Ordering::Less => first = original.sequence.0 + 1,
            std::cmp::Ordering::Greater => last = middle.checked_sub(1)?,
        }
    }
    None
}

/// The first accepted message in a range of records.
fn accepted_from(reader: &Reader, from: u64, through: u64) -> Option<(Msn, Original)> {
    let mut scan = reader.scan(from);
    while scan.next_sequence() <= through {
        let mut found = None;
        let before = scan.next_sequence();
        scan.next_records(SCAN_BYTES, &mut |entry| {
            if found.is_none() && entry.sequence <= through && entry.kind == switch_core::Kind::Accepted.number() {
                found = Some((entry.sequence, entry.kind, Bytes::copy_from_slice(entry.payload)));
            }
        })
        .ok()?;
        if let Some((sequence, kind, record)) = found {
            let Ok(Reading::Accepted { msn, .. }) = read(sequence, kind, record.clone()) else { return None };
            return Some((msn, Original { sequence: Sequence(sequence), kind, record }));
        }
        if scan.next_sequence() == before {
            return None;
        }
    }
    None
}
