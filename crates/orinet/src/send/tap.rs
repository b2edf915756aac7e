//! Shows the blocks that pass through a stream, as they pass.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use codec::block::{Block, Deframer, FrameError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Which way a block goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the switch.
    Out,
    /// From the switch.
    In,
}

/// A stream that shows the blocks which pass, and changes nothing about them.
#[derive(Debug)]
pub(super) struct Tap<S, F> {
    stream: S,
    sent: Blocks,
    received: Blocks,
    show: F,
}

impl<S, F: FnMut(Way, Result<Block, FrameError>)> Tap<S, F> {
    /// A stream through which nothing has passed. Bytes that are no blocks are shown once as an error; what follows
    /// them the same way cannot be read any more.
    pub(super) fn new(stream: S, show: F) -> Self {
        Self { stream, sent: Blocks::default(), received: Blocks::default(), show }
    }
}

impl<S, F> AsyncRead for Tap<S, F>
where
    S: AsyncRead + Unpin,
    F: FnMut(Way, Result<Block, FrameError>) + Unpin,
{
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, received, show, .. } = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(stream).poll_read(cx, buffer))?;
        received.take(buffer.filled().get(before..).unwrap_or_default(), |block| show(Way::In, block));
        Poll::Ready(Ok(()))
    }
}

impl<S, F> AsyncWrite for Tap<S, F>
where
    S: AsyncWrite + Unpin,
    F: FnMut(Way, Result<Block, FrameError>) + Unpin,
{
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, sent, show, .. } = self.get_mut();
        let count = ready!(Pin::new(stream).poll_write(cx, bytes))?;
        sent.take(bytes.get(..count).unwrap_or(bytes), |block| show(Way::Out, block));
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// The bytes of one direction, of which less than a block is kept.
#[derive(Debug, Default)]
struct Blocks {
    deframer: Deframer,
    bytes: BytesMut,
    broken: bool,
}

impl Blocks {
    fn take(&mut self, bytes: &[u8], mut show: impl FnMut(Result<Block, FrameError>)) {
        if self.broken {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        loop {
            match self.deframer.next(&mut self.bytes) {
                Ok(Some(block)) => show(Ok(block)),
                Ok(None) => return,
                Err(error) => {
                    self.broken = true;
                    self.bytes = BytesMut::new();
                    return show(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use codec::block::{Function, Status};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn blocks_are_shown_both_ways_and_pass_unchanged() {
        let message = Block::with_data(Function::from_code(2), 5, Bytes::from_static(b"ECHO")).unwrap();
        let ack = Block::without_data(Function::Ack, 5, Status::OK);
        let (mut out, mut back) = (BytesMut::new(), BytesMut::new());
        message.encode(&mut out);
        ack.encode(&mut back);
        back.extend_from_slice(b"no block at all");

        let seen = Arc::new(Mutex::new(Vec::new()));
        let there = Arc::clone(&seen);
        // So narrow that blocks pass in pieces.
        let (here, mut far) = tokio::io::duplex(7);
        let mut tap = Tap::new(here, move |way, block| there.lock().unwrap().push((way, block)));
        let answered = tokio::spawn(async move {
            let mut found = vec![0; 32];
            far.read_exact(&mut found).await.unwrap();
            far.write_all(&back).await.unwrap();
            (found, back)
        });
        tap.write_all(&out).await.unwrap();
        tap.flush().await.unwrap();
        let mut received = Vec::new();
        tap.read_to_end(&mut received).await.unwrap();
        assert_eq!(answered.await.unwrap(), (out.to_vec(), BytesMut::from(&received[..])));
        let shown = [(Way::Out, Ok(message)), (Way::In, Ok(ack)), (Way::In, Err(FrameError::StartPattern))];
        assert_eq!(*seen.lock().unwrap(), shown);
    }
}
