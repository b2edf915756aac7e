//! One inquiry as an agency sends it, and what comes back, printed readably.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use codec::legacy::parse_output;
use codec::name::StationName;
use link::dialer::{self, dialer};
use link::tls::ClientFiles;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use super::Answered;
use super::directory::Directory;

/// The agency terminal that asks.
pub(super) const TERMINAL: &str = "ZA0010000";
/// The center acknowledges in milliseconds, and its own rule gives it 5 s for the answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

pub(super) async fn show(directory: &Directory, links: SocketAddr, terminal: StationName) -> anyhow::Result<Answered> {
    let inquiry = fs::read_to_string(directory.inquiry_file()).context("the inquiry cannot be read")?;
    let inquiry = inquiry.trim_end().replace('\n', "\r\n");
    let files = ClientFiles::in_directory(&directory.pki(), terminal);
    let (dialer, station, mut incoming) = dialer(dialer::Config::new(links.to_string(), files));
    let stop = CancellationToken::new();
    let link = tokio::spawn(dialer.run(stop.clone(), |event| debug!(?event, "the terminal's link")));
    let link = AbortOnDropHandle::new(link);

    say!("-> {terminal} asks the support center");
    print_message(&inquiry);
    let began = Instant::now();
    let sent = station.send(None, Bytes::from(inquiry.into_bytes()));
    timeout(ANSWER_MAX, sent).await.context("the switch did not acknowledge the inquiry")??;
    say!("<- {} the switch has it on disk\n", after(began));
    let mut answered = Answered::No;
    for what in ["the center acknowledges", "the center answers"] {
        answered = Answered::No;
        let Ok(Some(message)) = timeout(ANSWER_MAX, incoming.recv()).await else {
            say!("<- {} nothing came in {} s", after(began), ANSWER_MAX.as_secs());
            break;
        };
        let text = String::from_utf8_lossy(&message.bytes).replace('\u{7f}', "");
        let inquired = parse_output(&message.bytes).is_ok_and(|output| output.key.as_str() == "IAR");
        message.acknowledge.accept();
        say!("<- {} {}", after(began), if inquired { what } else { "the switch says" });
        print_message(&text);
        if !inquired {
            break;
        }
        answered = Answered::Yes;
    }
    // Gives up the link, so that whoever comes next as this station is alone.
    drop((station, incoming));
    stop.cancel();
    link.await.context("the terminal's link ended badly")?;
    Ok(answered)
}

fn after(began: Instant) -> String {
    format!("{:6.1} ms", began.elapsed().as_secs_f64() * 1000.0)
}

fn print_message(text: &str) {
    for line in text.lines() {
        say!("      {line}");
    }
    say!("");
}
