//! One TLS link that speaks blocks: what the generator and the bare relay have in common.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use bytes::BytesMut;
use codec::block::{Block, Deframer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// What a link's stream has to be able to do.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A link: blocks in, blocks out.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    deframer: Deframer,
    input: BytesMut,
    output: BytesMut,
}

impl Wire {
    pub(crate) fn new(stream: impl Stream + 'static) -> Self {
        let (input, output) = (BytesMut::with_capacity(16 << 10), BytesMut::with_capacity(16 << 10));
        Self { stream: Box::new(stream), deframer: Deframer::new(), input, output }
    }

    /// The next block that is here already.
    pub(crate) fn ready(&mut self) -> Result<Option<Block>> {
        Ok(self.deframer.next(&mut self.input)?)
    }

    /// Reads what comes. Safe to be dropped.
    pub(crate) async fn read(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.input).await.context("the link is lost")? == 0 {
            bail!("the link has ended");
        }
        Ok(())
    }

    /// Queues a block.
    pub(crate) fn put(&mut self, block: &Block) {
        block.encode(&mut self.output);
    }

    /// Writes what is queued.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all_buf(&mut self.output).await.context("the link takes nothing")?;
            self.stream.flush().await.context("the link takes nothing")?;
        }
        Ok(())
    }

    /// The next block, whenever it comes.
    pub(crate) async fn next(&mut self) -> Result<Block> {
        loop {
            if let Some(block) = self.ready()? {
                return Ok(block);
            }
            self.read().await?;
        }
    }
}

/// A server that asks for client certificates of the network's authority; no tickets, as the switch gives none.
pub(crate) fn server_config(pki: &Path) -> Result<Arc<ServerConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(pki.join("ca.pem"))? {
        roots.add(certificate?)?;
    }
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build()?;
    let chain = CertificateDer::pem_file_iter(pki.join("switch.pem"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(pki.join("switch.key"))?;
    let mut config = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
