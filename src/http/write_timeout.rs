//! A stream that waits only so long for a client to read what is written.
//!
//! What is written must keep moving: from the moment a write has to wait, everything written so far, or
//! `PROGRESS` bytes, must be taken within the limit. So a client that reads nothing is cut off, and so is
//! one that reads a byte now and then. Reading is not bounded here.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Taking so much within the limit earns as much time again.
const PROGRESS: usize = 32_768;

pub struct WriteTimeout<S> {
    stream: S,
    limit: Duration,
    wait: Option<Wait>,
}

/// A write that has to wait, and all since.
struct Wait {
    over: Pin<Box<Sleep>>,
    written: usize,
}

impl<S> WriteTimeout<S> {
    pub fn new(stream: S, limit: Duration) -> WriteTimeout<S> {
        WriteTimeout { stream, limit, wait: None }
    }

    /// Counts what a write came to; one that waits for too long fails.
    fn settle(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            if let (Some(wait), Ok(count)) = (&mut self.wait, &written) {
                wait.written += count;
                if wait.written >= PROGRESS {
                    self.wait = None;
                }
            }
            return Poll::Ready(written);
        }
        let begin = || Wait { over: Box::pin(tokio::time::sleep(self.limit)), written: 0 };
        ready!(self.wait.get_or_insert_with(begin).over.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.settle(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.settle(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Is called once everything was written: nothing waits any longer.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wait = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn a_write_that_the_client_does_not_take_fails() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let failed = WriteTimeout::new(ours, SHORT).write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_byte_now_and_then_earns_no_time() {
        let mut stream = WriteTimeout::new(tokio::io::sink(), LONG);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(stream.settle(Poll::Pending, &mut context).is_pending());
        assert!(stream.settle(Poll::Ready(Ok(1)), &mut context).is_ready());
        assert!(stream.wait.is_some(), "it still waits");
        assert!(stream.settle(Poll::Ready(Ok(PROGRESS)), &mut context).is_ready());
        assert!(stream.wait.is_none());
    }

    #[tokio::test]
    async fn a_client_that_reads_gets_everything() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut stream = WriteTimeout::new(ours, LONG);
        let writes = tokio::spawn(async move {
            stream.write_all(&vec![7; 100_000]).await.unwrap();
            assert!(stream.wait.as_ref().is_none_or(|wait| wait.written < PROGRESS));
            stream.flush().await.unwrap();
            assert!(stream.wait.is_none());
        });
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).await.unwrap();
        writes.await.unwrap();
        assert_eq!(all.len(), 100_000);
    }
}
