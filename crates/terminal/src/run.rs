//! The shell around the terminal: the screen, the keys, the link and the disk.
//!
//! Everything runs on one thread but the keyboard, which is waited for on another. What the disk is asked for is done
//! between two events, so that what is shown is what is kept. Nothing happens between events: while nobody types,
//! nothing comes and nothing counts down, no time of the machine is used.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroU32;
use std::process::{Command, Output, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use link::dialer::{self, DialerEvent, Incoming, SendError, StationLink};
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event as Input, KeyEventKind};
use ratatui::crossterm::{cursor, execute, terminal as screen};
use ratatui::{Terminal as Screen, backend::CrosstermBackend};
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::lock::Hash;
use crate::model::{Effect, Event, Link, Terminal};
use crate::sheet::Kind;
use crate::store::{Shelf as _, Store, StoreError};
use crate::view::draw;

/// Why a terminal cannot run.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Standard input or output is no terminal.
    #[error("a terminal needs a screen and a keyboard: standard input and output must be a terminal")]
    NoScreen,
    /// The screen or the keyboard failed.
    #[error("the screen failed")]
    Screen(#[from] io::Error),
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs a terminal until its user leaves it, or until `stop`. It has to run on a current-thread runtime, or a local
/// set: what it keeps is not shared between threads.
///
/// # Errors
/// If it has no screen, or cannot keep what it receives.
pub async fn run(config: Config, link: dialer::Config, stop: CancellationToken) -> Result<(), TerminalError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(TerminalError::NoScreen);
    }
    let store = Rc::new(Store::open(&config.data)?);
    let (dialer, station, received) = dialer::dialer(link);
    let (notes, noted) = mpsc::unbounded_channel();
    let hang_up = CancellationToken::new();
    let observer = notes.clone();
    let dialing = tokio::spawn(dialer.run(hang_up.clone(), move |event| drop(observer.send(Note::Link(event)))));
    let (posts, posted) = mpsc::unbounded_channel();
    let posting = tokio::spawn(post(station, posted, notes.clone()));

    let password = config.preferences.password.clone();
    let printer = config.preferences.printer.clone();
    let now = micros_now();
    let removed = store.tidy(now, config.preferences.keep)?;
    if removed > 0 {
        store.note(now, &format!("removed {removed} old messages"))?;
    }
    let terminal =
        Terminal::new(config, store.entries()?, store.sheets()?, Rc::clone(&store) as Rc<_>, now, random_u32());
    let mut shell = Shell { terminal, store, posts, notes, password, printer, bell: false, redraw: false, quit: false };
    shell.store.note(now, "started")?;
    shell.post_waiting(now)?;

    let kept_screen = KeptScreen::take()?;
    let ended = shell.run(noted, received, &stop).await;
    drop(kept_screen);
    posting.abort();
    hang_up.cancel();
    // What is safe here is acknowledged before the link goes down. A dialer that has panicked said so itself.
    drop(dialing.await);
    ended
}

/// Something happened that is not a message.
#[derive(Debug)]
enum Note {
    Link(DialerEvent),
    Settled(i64, Result<(), SendError>),
    Printed(io::Result<Output>),
}

/// A message on its way to the link.
struct Post {
    id: i64,
    validation: NonZeroU32,
    bytes: Bytes,
}

/// Hands messages to the link in their order and tells what comes of each.
async fn post(link: StationLink, mut posts: mpsc::UnboundedReceiver<Post>, notes: mpsc::UnboundedSender<Note>) {
    while let Some(Post { id, validation, bytes }) = posts.recv().await {
        let Ok(receipt) = link.post(Some(validation), bytes).await else { return };
        let notes = notes.clone();
        tokio::spawn(async move { drop(notes.send(Note::Settled(id, receipt.await))) });
    }
}

/// The user's screen, as it is taken and given back: also when the terminal ends badly.
struct KeptScreen;

impl KeptScreen {
    fn take() -> io::Result<Self> {
        screen::enable_raw_mode()?;
        let kept = Self;
        execute!(io::stdout(), screen::EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(kept)
    }
}

impl Drop for KeptScreen {
    fn drop(&mut self) {
        // There is nobody left to tell.
        drop(execute!(io::stdout(), DisableBracketedPaste, screen::LeaveAlternateScreen, cursor::Show));
        drop(screen::disable_raw_mode());
    }
}

struct Shell {
    terminal: Terminal,
    store: Rc<Store>,
    posts: mpsc::UnboundedSender<Post>,
    notes: mpsc::UnboundedSender<Note>,
    password: Option<Hash>,
    printer: Vec<String>,
    bell: bool,
    redraw: bool,
    quit: bool,
}

/// Messages that are made safe together at most.
const BATCH_MAX: usize = 256;
/// What was not acknowledged is sent again by itself so long: the switch knows a repeat for a day
/// (`protocol-specs/wire.md` 1.1), and an older one would be a second message.
const REPEATED_MICROS: i64 = 23 * 60 * 60 * 1_000_000;

impl Shell {
    async fn run(
        &mut self,
        mut noted: mpsc::UnboundedReceiver<Note>,
        mut received: mpsc::Receiver<Incoming>,
        stop: &CancellationToken,
    ) -> Result<(), TerminalError> {
        let (inputs, mut input) = mpsc::channel(INPUTS);
        thread::Builder::new().name("keyboard".to_owned()).spawn(move || read_keyboard(&inputs))?;
        let mut screen = Screen::new(CrosstermBackend::new(io::stdout()))?;
        let size = screen.size()?;
        self.happened(Event::Size(size.width, size.height));
        while !self.quit {
            if std::mem::take(&mut self.redraw) {
                screen.clear()?;
            }
            screen.draw(|frame| draw(&self.terminal, frame))?;
            if std::mem::take(&mut self.bell) {
                let mut out = io::stdout();
                out.write_all(b"\x07")?;
                out.flush()?;
            }
            let wake = self.terminal.wake().map(|at| at.saturating_sub(micros_now()).max(0).unsigned_abs());
            let wake = Duration::from_micros(wake.unwrap_or(u64::MAX).min(DAY_MICROS));
            select! {
                biased;
                () = stop.cancelled() => break,
                some = input.recv() => match some {
                    Some(some) => self.input(some?),
                    None => break,
                },
                Some(note) = noted.recv() => self.note(note),
                Some(message) = received.recv() => {
                    let mut batch = vec![message];
                    while batch.len() < BATCH_MAX && let Ok(message) = received.try_recv() {
                        batch.push(message);
                    }
                    self.receive(batch);
                }
                () = sleep(wake) => self.happened(Event::Tick),
            }
            // What was pasted or typed ahead is drawn once.
            for _ in 0..INPUTS {
                let Ok(some) = input.try_recv() else { break };
                self.input(some?);
            }
        }
        self.store.note(micros_now(), "ended")?;
        Ok(())
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.happened(Event::Key(key)),
            Input::Paste(text) => self.happened(Event::Paste(text)),
            Input::Resize(columns, lines) => self.happened(Event::Size(columns, lines)),
            Input::Key(_) | Input::FocusGained | Input::FocusLost | Input::Mouse(_) => {}
        }
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Link(DialerEvent::Up) => self.happened(Event::Link(Link::Up)),
            Note::Link(DialerEvent::Failed { error, .. }) => {
                self.happened(Event::Link(Link::Down(error.to_string())));
            }
            Note::Link(DialerEvent::Down { why, .. }) => self.happened(Event::Link(Link::Down(why.to_string()))),
            Note::Settled(id, Ok(())) => self.happened(Event::Settled { id, refused: None }),
            Note::Settled(id, Err(SendError::Refused(status))) => {
                self.happened(Event::Settled { id, refused: Some(status.to_string()) });
            }
            // It is sent again at the next start.
            Note::Settled(_, Err(SendError::Ended)) => {}
            Note::Printed(Ok(output)) if output.status.success() => {
                self.happened(Event::Said { line: "Printed".to_owned(), failed: false });
            }
            Note::Printed(Ok(output)) => {
                let error = String::from_utf8_lossy(&output.stderr);
                let line = format!("The printer's command failed, {}: {}", output.status, error.trim());
                self.happened(Event::Said { line, failed: true });
            }
            Note::Printed(Err(error)) => self.failed("The printer's command cannot be run", &error),
        }
    }

    /// Makes messages safe, then acknowledges them. If that fails they are not acknowledged, and come again.
    fn receive(&mut self, batch: Vec<Incoming>) {
        let parts: Vec<(u32, &[u8])> = batch.iter().map(|message| (message.validation, &message.bytes[..])).collect();
        match self.store.keep_incoming(micros_now(), &parts) {
            Ok(new) => {
                batch.into_iter().for_each(|message| message.acknowledge.accept());
                let store = Rc::clone(&self.store);
                let arrived: Vec<_> =
                    new.into_iter().map(|entry| (store.body(entry.id).unwrap_or_default(), entry)).collect();
                if !arrived.is_empty() {
                    let arrived = arrived.into_iter().map(|(bytes, entry)| (entry, bytes)).collect();
                    self.happened(Event::Arrived(arrived));
                }
            }
            Err(error) => self.failed("Messages that came cannot be kept, and are not acknowledged", &error),
        }
    }

    fn happened(&mut self, event: Event) {
        let mut events = vec![event];
        // An effect can make another event, as keeping what is sent does; none makes more than that.
        while let Some(event) = events.pop() {
            for effect in self.terminal.handle(micros_now(), event) {
                events.extend(self.affect(effect));
            }
        }
    }

    fn failed(&mut self, what: &str, error: &dyn std::error::Error) {
        let line = said(what, error);
        self.happened(Event::Said { line, failed: true });
    }

    fn affect(&mut self, effect: Effect) -> Option<Event> {
        let now = micros_now();
        let done = match effect {
            Effect::Send { bytes, draft } => return Some(self.send(now, bytes, draft)),
            Effect::Again(id) => self.again(id),
            // The link may have it already; at the next start it is not sent any more.
            Effect::Withdraw(_) => Ok(()),
            Effect::Mark(id, state) => self.store.mark(id, state),
            Effect::Sheet(kept) => self.store.keep_sheet(&kept),
            Effect::DropSheet(kind, id) if kind == Kind::Draft && id == 0 => Ok(()),
            Effect::DropSheet(kind, id) => self.store.drop_sheet(kind, id),
            Effect::Note(line) => self.store.note(now, &line),
            Effect::File { folder, name, text } => {
                return Some(match self.store.file(folder, &name, &text) {
                    Ok(path) => Event::Said { line: format!("Written to {}", path.display()), failed: false },
                    Err(error) => Event::Said { line: said("The file cannot be written", &error), failed: true },
                });
            }
            Effect::Print { name, text } => return Some(self.print(&name, &text)),
            Effect::Check(password) => {
                return Some(Event::Password(self.password.as_ref().is_none_or(|hash| hash.opens(&password))));
            }
            Effect::Bell => {
                self.bell = true;
                Ok(())
            }
            Effect::Redraw => {
                self.redraw = true;
                Ok(())
            }
            Effect::Quit => {
                self.quit = true;
                Ok(())
            }
        };
        done.err().map(|error| Event::Said { line: said("It cannot be kept on the disk", &error), failed: true })
    }

    fn send(&self, now: i64, bytes: Vec<u8>, draft: Option<i64>) -> Event {
        let validation = NonZeroU32::new(random_u32()).unwrap_or(NonZeroU32::MIN);
        match self.store.keep_outgoing(now, validation, &bytes) {
            Ok(entry) => {
                self.post(Post { id: entry.id, validation, bytes: Bytes::from(bytes.clone()) });
                Event::Kept { entry, bytes, draft }
            }
            Err(error) => Event::Said { line: said("Not sent: it cannot be kept on the disk", &error), failed: true },
        }
    }

    /// Writes what is printed into a file, and lets the printer's command read that.
    fn print(&self, name: &str, text: &str) -> Event {
        let path = match self.store.file("print", name, text) {
            Ok(path) => path,
            Err(error) => return Event::Said { line: said("The file cannot be written", &error), failed: true },
        };
        let Some((program, arguments)) = self.printer.split_first() else {
            return Event::Said { line: format!("Written to {}", path.display()), failed: false };
        };
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        let (notes, file) = (self.notes.clone(), path.clone());
        let printing = thread::Builder::new().name("printer".to_owned()).spawn(move || {
            let printed = File::open(file).and_then(|file| command.stdin(file).output());
            drop(notes.send(Note::Printed(printed)));
        });
        match printing {
            Ok(_) => Event::Said { line: format!("Written to {}; printing", path.display()), failed: false },
            Err(error) => Event::Said { line: said("Written, and not printed", &error), failed: true },
        }
    }

    fn post(&self, post: Post) {
        // The other end goes only with the terminal.
        drop(self.posts.send(post));
    }

    /// Sends what an earlier run did not see acknowledged, in its order and with its validations.
    fn post_waiting(&self, now: i64) -> Result<(), StoreError> {
        for waiting in self.store.waiting()? {
            if now.saturating_sub(waiting.at) < REPEATED_MICROS {
                let bytes = Bytes::from(waiting.bytes);
                self.post(Post { id: waiting.id, validation: waiting.validation, bytes });
            }
        }
        Ok(())
    }

    fn again(&self, id: i64) -> Result<(), StoreError> {
        for waiting in self.store.waiting()?.into_iter().filter(|waiting| waiting.id == id) {
            let bytes = Bytes::from(waiting.bytes);
            self.post(Post { id, validation: waiting.validation, bytes });
        }
        Ok(())
    }
}

/// Keys and pastes on their way to the terminal.
const INPUTS: usize = 256;
const DAY_MICROS: u64 = 24 * 60 * 60 * 1_000_000;

fn read_keyboard(inputs: &mpsc::Sender<io::Result<Input>>) {
    loop {
        let input = event::read();
        let failed = input.is_err();
        if inputs.blocking_send(input).is_err() || failed {
            return;
        }
    }
}

fn said(what: &str, error: &dyn std::error::Error) -> String {
    let mut line = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

fn micros_now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// By chance, as the keys of the standard library's maps are.
fn random_u32() -> u32 {
    let number = RandomState::new().build_hasher().finish();
    u32::try_from(number >> 32).unwrap_or(1)
}
