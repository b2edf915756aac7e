//! Redis Streams: a stream of queries and one of answers for each pair; each entry is synced before the server says so.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::generator::{ANSWER_BYTES, QUERY_BYTES, agency};
use crate::text::Text;

/// A link that asks.
pub(crate) struct Asking {
    text: Text,
    link: usize,
    last: String,
}

impl Asking {
    /// Connects both links of a pair.
    pub(crate) async fn call(address: SocketAddr, pki: &Path, link: usize) -> Result<Self> {
        let answering = Text::connect(address, pki, "ZR", false).await?;
        let text = Text::connect(address, pki, &agency(link), false).await?;
        tokio::task::spawn_local(async move {
            // The link ends with the server.
            drop(answer_all(answering, link).await);
        });
        Ok(Self { text, link, last: "0-0".to_owned() })
    }

    pub(crate) async fn ask(&mut self, until: Instant, in_flight: usize) -> Result<Vec<u32>> {
        let (mut times, mut asked) = (Vec::new(), VecDeque::new());
        let (queries, answers) = (format!("q.{}", self.link), format!("a.{}", self.link));
        loop {
            let mut added = 0;
            while asked.len() < in_flight && Instant::now() < until {
                add(&mut self.text, &queries, &[b'X'; QUERY_BYTES]);
                asked.push_back(Instant::now());
                added += 1;
            }
            if asked.is_empty() {
                return Ok(times);
            }
            wait(&mut self.text, &answers, &self.last);
            for _ in 0..added {
                entry_id(&mut self.text).await?;
            }
            for id in entries(&mut self.text).await? {
                self.last = id;
                let asked = asked.pop_front().context("an answer to no question")?;
                times.push(u32::try_from(asked.elapsed().as_micros())?);
            }
        }
    }
}

async fn answer_all(mut text: Text, link: usize) -> Result<()> {
    let (queries, answers) = (format!("q.{link}"), format!("a.{link}"));
    let mut last = "0-0".to_owned();
    loop {
        wait(&mut text, &queries, &last);
        let ids = entries(&mut text).await?;
        for id in &ids {
            add(&mut text, &answers, &[b'X'; ANSWER_BYTES]);
            last.clone_from(id);
        }
        for _ in ids {
            entry_id(&mut text).await?;
        }
    }
}

fn command(text: &mut Text, words: &[&[u8]]) {
    text.put(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        text.put(format!("${}\r\n", word.len()).as_bytes());
        text.put(word);
        text.put(b"\r\n");
    }
}

fn add(text: &mut Text, stream: &str, bytes: &[u8]) {
    command(text, &[b"XADD", stream.as_bytes(), b"MAXLEN", b"~", b"1000", b"*", b"m", bytes]);
}

fn wait(text: &mut Text, stream: &str, after: &str) {
    command(text, &[b"XREAD", b"COUNT", b"64", b"BLOCK", b"0", b"STREAMS", stream.as_bytes(), after.as_bytes()]);
}

/// How many things follow, after that sign.
async fn count(text: &mut Text, sign: char) -> Result<usize> {
    let line = text.line().await?;
    match line.strip_prefix(sign).map(str::parse) {
        Some(Ok(count)) => Ok(count),
        _ => bail!("the server says {line:?}"),
    }
}

async fn string(text: &mut Text) -> Result<String> {
    let bytes = count(text, '$').await?;
    Ok(String::from_utf8_lossy(&text.counted(bytes).await?).into_owned())
}

/// What an XADD is answered.
async fn entry_id(text: &mut Text) -> Result<String> {
    string(text).await
}

/// What an XREAD of one stream is answered: the identities of its entries.
async fn entries(text: &mut Text) -> Result<Vec<String>> {
    for _ in 0..2 {
        count(text, '*').await?;
    }
    string(text).await?;
    let mut ids = Vec::new();
    for _ in 0..count(text, '*').await? {
        count(text, '*').await?;
        ids.push(string(text).await?);
        for _ in 0..count(text, '*').await? {
            string(text).await?;
        }
    }
    Ok(ids)
}
