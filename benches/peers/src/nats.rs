//! NATS by its own protocol: request and reply, and the same through JetStream with each message stored and synced.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;

use crate::generator::{ANSWER_BYTES, QUERY_BYTES, agency};
use crate::text::Text;

const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":true,\"name\":\"peers\"}\r\n";

/// A message that came.
struct Message {
    subject: String,
    reply: Option<String>,
    bytes: Bytes,
}

/// A link that asks.
pub(crate) struct Asking {
    text: Text,
    link: usize,
    stored: bool,
}

async fn connect(address: SocketAddr, pki: &Path, station: &str) -> Result<Text> {
    let mut text = Text::connect(address, pki, station, true).await?;
    text.put(CONNECT);
    Ok(text)
}

async fn next(text: &mut Text) -> Result<Message> {
    loop {
        let line = text.line().await?;
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["PING"] => text.put(b"PONG\r\n"),
            ["MSG", subject, _, count] => {
                let bytes = text.counted(count.parse()?).await?;
                return Ok(Message { subject: subject.to_owned(), reply: None, bytes });
            }
            ["MSG", subject, _, reply, count] => {
                let bytes = text.counted(count.parse()?).await?;
                return Ok(Message { subject: subject.to_owned(), reply: Some(reply.to_owned()), bytes });
            }
            ["-ERR", ..] => bail!("{line}"),
            _ => {}
        }
    }
}

fn publish(text: &mut Text, subject: &str, reply: &str, bytes: &[u8]) {
    text.put(format!("PUB {subject} {reply} {}\r\n", bytes.len()).as_bytes());
    text.put(bytes);
    text.put(b"\r\n");
}

/// Asks the server something of JetStream.
async fn api(text: &mut Text, subject: &str, request: &str) -> Result<()> {
    publish(text, &format!("$JS.API.{subject}"), "api", request.as_bytes());
    loop {
        let answer = next(text).await?;
        if answer.subject == "api" {
            let said = String::from_utf8_lossy(&answer.bytes).into_owned();
            ensure!(!said.contains("\"error\""), "{subject}: {said}");
            return Ok(());
        }
    }
}

/// Has the server store all queries and answers.
pub(crate) async fn make_stream(address: SocketAddr, pki: &Path) -> Result<()> {
    let mut text = connect(address, pki, "ZR").await?;
    text.put(b"SUB api 1\r\n");
    let limits =
        "\"retention\":\"limits\",\"storage\":\"file\",\"discard\":\"old\",\"max_msgs\":200000,\"num_replicas\":1";
    api(&mut text, "STREAM.CREATE.PEERS", &format!("{{\"name\":\"PEERS\",\"subjects\":[\"q.*\",\"a.*\"],{limits}}}"))
        .await
}

/// Subscribes to what is stored under a subject.
async fn consume(text: &mut Text, subject: &str) -> Result<()> {
    text.put(format!("SUB api 1\r\nSUB d.{subject} 2\r\n").as_bytes());
    let config = format!(
        "\"deliver_subject\":\"d.{subject}\",\"filter_subject\":\"{subject}\",\"ack_policy\":\"explicit\",\"deliver_policy\":\"new\",\
         \"max_ack_pending\":1024"
    );
    api(text, "CONSUMER.CREATE.PEERS", &format!("{{\"stream_name\":\"PEERS\",\"config\":{{{config}}}}}")).await
}

impl Asking {
    /// Connects both links of a pair.
    pub(crate) async fn call(address: SocketAddr, pki: &Path, link: usize, stored: bool) -> Result<Self> {
        let mut answering = connect(address, pki, "ZR").await?;
        let mut text = connect(address, pki, &agency(link)).await?;
        if stored {
            consume(&mut answering, &format!("q.{link}")).await?;
            consume(&mut text, &format!("a.{link}")).await?;
        } else {
            answering.put(format!("SUB q.{link} 2\r\nPING\r\n").as_bytes());
            text.put(format!("SUB a.{link} 2\r\nPING\r\n").as_bytes());
            for one in [&mut answering, &mut text] {
                while one.line().await? != "PONG" {}
            }
        }
        tokio::task::spawn_local(async move {
            // The link ends with the server.
            drop(answer_all(answering, link, stored).await);
        });
        Ok(Self { text, link, stored })
    }

    pub(crate) async fn ask(&mut self, until: Instant, in_flight: usize) -> Result<Vec<u32>> {
        let (mut times, mut asked) = (Vec::new(), VecDeque::new());
        let (query, [q, a]) = ([b'X'; QUERY_BYTES], ["q", "a"].map(|kind| format!("{kind}.{}", self.link)));
        // JetStream says there that it has stored the query; a plain reply goes to where the answer is waited for.
        let reply = if self.stored { format!("stored.{}", self.link) } else { a };
        loop {
            while asked.len() < in_flight && Instant::now() < until {
                publish(&mut self.text, &q, &reply, &query);
                asked.push_back(Instant::now());
            }
            if asked.is_empty() {
                self.text.flush().await?;
                return Ok(times);
            }
            let answer = next(&mut self.text).await?;
            if answer.bytes.len() == ANSWER_BYTES {
                if let Some(reply) = &answer.reply {
                    publish(&mut self.text, reply, "", b"");
                }
                let asked = asked.pop_front().context("an answer to no question")?;
                times.push(u32::try_from(asked.elapsed().as_micros())?);
            }
        }
    }
}

async fn answer_all(mut text: Text, link: usize, stored: bool) -> Result<()> {
    let answer = [b'X'; ANSWER_BYTES];
    loop {
        let query = next(&mut text).await?;
        if query.bytes.len() != QUERY_BYTES {
            continue;
        }
        let reply = query.reply.context("a query that wants no answer")?;
        if stored {
            publish(&mut text, &reply, "", b"");
            publish(&mut text, &format!("a.{link}"), &format!("stored.a.{link}"), &answer);
        } else {
            publish(&mut text, &reply, "", &answer);
        }
    }
}
