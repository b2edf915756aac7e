//! A TLS link to a broker whose protocol is lines and counted bytes.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use bytes::{Bytes, BytesMut};
use codec::name::StationName;
use jiff::Timestamp;
use link::tls::{ClientFiles, client_config};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The link.
pub(crate) struct Text {
    stream: TlsStream<TcpStream>,
    input: BytesMut,
    output: BytesMut,
}

impl Text {
    /// Connects as that station; `greeted` says that the server speaks first, in the clear.
    pub(crate) async fn connect(address: SocketAddr, pki: &Path, station: &str, greeted: bool) -> Result<Self> {
        let config = client_config(&ClientFiles::in_directory(pki, StationName::parse(station)?), Timestamp::now())?;
        let mut tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        while greeted && tcp.read_u8().await? != b'\n' {}
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(config).connect(name, tcp).await.context("no hands are shaken")?;
        Ok(Self { stream, input: BytesMut::with_capacity(32 << 10), output: BytesMut::with_capacity(32 << 10) })
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    pub(crate) async fn flush(&mut self) -> Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all_buf(&mut self.output).await?;
            self.stream.flush().await?;
        }
        Ok(())
    }

    /// Writes what is queued, for nothing is here to be read, and reads.
    async fn fill(&mut self) -> Result<()> {
        self.flush().await?;
        if self.stream.read_buf(&mut self.input).await? == 0 {
            bail!("the link has ended");
        }
        Ok(())
    }

    /// A line without its end.
    pub(crate) async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.input.windows(2).position(|two| two == b"\r\n") {
                let line = self.input.split_to(end + 2);
                return Ok(String::from_utf8_lossy(line.get(..end).unwrap_or_default()).into_owned());
            }
            self.fill().await?;
        }
    }

    /// So many bytes, and the end of line behind them.
    pub(crate) async fn counted(&mut self, count: usize) -> Result<Bytes> {
        while self.input.len() < count + 2 {
            self.fill().await?;
        }
        let mut bytes = self.input.split_to(count + 2);
        bytes.truncate(count);
        Ok(bytes.freeze())
    }
}
