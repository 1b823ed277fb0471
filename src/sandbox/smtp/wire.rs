//! One connection as lines: bounded reading, the end of a mail's data, the step to TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_rustls::TlsAcceptor;

/// How long a client may be silent (RFC 5321, section 4.5.3.2.7).
const SILENCE: Duration = Duration::from_mins(5);
const HANDSHAKE: Duration = Duration::from_secs(30);

/// More than RFC 5321 asks of a command or a line of text, so that long ones are told so.
const LINE_LIMIT_BYTES: usize = 16_384;

/// A two-way stream, plain or under TLS.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub struct Wire {
    reader: BufReader<Box<dyn Duplex>>,
}

impl Wire {
    pub fn new(stream: impl Duplex + 'static) -> Wire {
        Wire { reader: BufReader::new(Box::new(stream)) }
    }

    /// Reads a line with its end, or as much of one as is allowed. The end of the connection is an
    /// error.
    pub async fn line(&mut self) -> io::Result<Vec<u8>> {
        tokio::time::timeout(SILENCE, self.next_line()).await?
    }

    async fn next_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let arrived = self.reader.fill_buf().await?;
            if arrived.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = arrived.iter().position(|byte| *byte == b'\n').map_or(arrived.len(), |at| at + 1);
            let taken = end.min(LINE_LIMIT_BYTES - line.len());
            line.extend_from_slice(arrived.get(..taken).unwrap_or_default());
            self.reader.consume(taken);
            if line.ends_with(b"\n") || line.len() >= LINE_LIMIT_BYTES {
                return Ok(line);
            }
        }
    }

    /// Sends a reply; each line of `text` is one of its lines, complete with its code.
    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        let reply: String = text.lines().flat_map(|line| [line, "\r\n"]).collect();
        let stream = self.reader.get_mut();
        tokio::time::timeout(SILENCE, async {
            stream.write_all(reply.as_bytes()).await?;
            stream.flush().await
        })
        .await?
    }

    /// Goes on under TLS. What was sent ahead in the clear is dropped with the reader (RFC 3207,
    /// section 5: it could be an attacker's).
    pub async fn secure(self, config: Arc<rustls::ServerConfig>) -> io::Result<Wire> {
        let handshake = TlsAcceptor::from(config).accept(self.reader.into_inner());
        Ok(Wire::new(tokio::time::timeout(HANDSHAKE, handshake).await??))
    }
}

/// The data of a mail as it arrives: dots are unstuffed, what is over the limit is only counted.
pub struct Data {
    limit_bytes: usize,
    bytes: Vec<u8>,
    is_at_line_start: bool,
    ends_in_return: bool,
    pub is_too_big: bool,
}

impl Data {
    pub fn new(limit_bytes: usize) -> Data {
        Data {
            limit_bytes,
            bytes: Vec::new(),
            is_at_line_start: true,
            ends_in_return: false,
            is_too_big: false,
        }
    }

    /// Takes a line, or a piece of a long one, and tells whether it was the end. Only a dot between
    /// proper line ends is the end: anything looser lets one mail smuggle in another.
    pub fn add(&mut self, piece: &[u8]) -> bool {
        if self.is_at_line_start && piece == b".\r\n" {
            return true;
        }
        let content = if self.is_at_line_start { piece.strip_prefix(b".").unwrap_or(piece) } else { piece };
        if self.bytes.len() + content.len() > self.limit_bytes {
            self.is_too_big = true;
        }
        if !self.is_too_big {
            self.bytes.extend_from_slice(content);
        }
        self.is_at_line_start = piece.ends_with(b"\r\n") || (piece == b"\n" && self.ends_in_return);
        self.ends_in_return = piece.ends_with(b"\r");
        false
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unstuffed(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut data = Data::new(100);
        let ended = pieces.iter().any(|piece| data.add(piece));
        (data.into_bytes(), ended)
    }

    #[test]
    fn dots_are_unstuffed_and_only_a_dot_alone_ends() {
        type Case = (&'static [&'static [u8]], &'static [u8], bool);
        let cases: [Case; 7] = [
            (&[b"a\r\n", b"..b\r\n", b".\r\n"], b"a\r\n.b\r\n", true),
            (&[b".\r\n"], b"", true),
            (&[b"...\r\n", b".\r\n"], b"..\r\n", true),
            (&[b"a\n", b".\r\n"], b"a\n.\r\n", false),
            (&[b"a\r\n", b".\n"], b"a\r\n\n", false),
            (&[b"long", b".\r\n", b".\r\n"], b"long.\r\n", true),
            (&[b"long\r", b"\n", b".\r\n"], b"long\r\n", true),
        ];
        for (pieces, wanted, ends) in cases {
            assert_eq!(unstuffed(pieces), (wanted.to_vec(), ends), "{pieces:?}");
        }
    }

    #[test]
    fn what_is_too_big_is_read_to_its_end_and_not_kept() {
        let mut data = Data::new(5);
        assert!(!data.add(b"1234\r\n"));
        assert!(!data.add(b"5\r\n"));
        assert!(data.add(b".\r\n"));
        assert!(data.is_too_big && data.into_bytes().is_empty());
    }

    #[tokio::test]
    async fn commands_sent_ahead_are_read_one_by_one() {
        let (client, mut server) = tokio::io::duplex(1_000);
        server.write_all(b"NOOP\r\nQUIT\r\n").await.unwrap();
        drop(server);
        let mut wire = Wire::new(client);
        assert_eq!(wire.line().await.unwrap(), b"NOOP\r\n");
        assert_eq!(wire.line().await.unwrap(), b"QUIT\r\n");
        assert!(wire.line().await.is_err());
    }
}
