//! The HTTP side: takes connections, reads each request whole, answers it.
//!
//! An answer may also be withheld or cut off, which is how lost answers are rehearsed; hyper closes
//! a connection whose service or body fails.

mod batch;
pub mod call;
pub mod envelope;
mod fields;
mod gate;
pub mod route;
pub mod upload;

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, HOST, ORIGIN};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::serve::envelope::{Refusal, Reply};
use crate::{Shared, control};

const CONNECTION_LIMIT: usize = 512;
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_mins(2);

/// Gmail takes mails up to 36,700,160 bytes; as base64 in JSON they are a third longer.
const BODY_LIMIT_BYTES: usize = 50_000_000;

/// How long a stop waits for requests under way.
const DRAIN: Duration = Duration::from_secs(1);

/// How long to wait when no connection can be taken: all descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A request whose body has arrived whole.
pub struct Arrived {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the client gets to see of an answer.
pub enum Answer {
    Whole(Reply),
    /// The head and half of the body.
    CutOff(Reply),
    /// Nothing: the connection closes.
    Withheld,
}

/// Serves until `stopping`, then lets requests under way finish.
pub async fn listen(listener: TcpListener, shared: Arc<Shared>, stopping: CancellationToken) {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let places = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            Some(_) = connections.join_next() => continue,
            () = stopping.cancelled() => break,
        };
        let Some((stream, place)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| serve(Arc::clone(&shared), request));
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        connections.spawn(async move {
            // Connections that end early are what faults are for.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let (stream, _) = listener.accept().await.ok()?;
    stream.set_nodelay(true).ok()?;
    Some((stream, place))
}

async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Outgoing>, Withheld> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT_BYTES).collect();
    let body = match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Ok(whole(Refusal::usual(413, None, None).into_reply())),
        Err(_) => return Err(Withheld),
    };
    let arrived =
        Arrived { method: head.method, uri: head.uri, headers: head.headers, body: body.to_bytes() };
    if !is_from_here(&arrived.headers) {
        let refusal = Refusal::usual(403, None, Some("The sandbox answers this machine only.".to_owned()));
        return Ok(whole(refusal.into_reply()));
    }
    let answer = match control::answer(&shared, &arrived) {
        Some(reply) => Answer::Whole(reply),
        None => gate::pass(&shared, arrived).await,
    };
    match answer {
        Answer::Whole(reply) => Ok(whole(reply)),
        // Of an answer without a body nothing but the whole can be withheld.
        Answer::CutOff(reply) if reply.body.is_empty() => Err(Withheld),
        Answer::CutOff(reply) => Ok(cut_off(reply)),
        Answer::Withheld => Err(Withheld),
    }
}

/// Tells whether a request names this machine, so that no web site can make a browser speak to us
/// under a name of its own.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(HOST).is_none_or(is_local_authority);
    let origin =
        text(ORIGIN).is_none_or(|origin| origin.strip_prefix("http://").is_some_and(is_local_authority));
    host && origin
}

fn is_local_authority(authority: &str) -> bool {
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let bare = authority.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = bare.unwrap_or_else(|| authority.rsplit_once(':').map_or(authority, |(host, _)| host));
    let name = host.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn whole(reply: Reply) -> Response<Outgoing> {
    reply.into_response().map(Outgoing::Whole)
}

/// Promises the length of the whole body and gives half of it.
fn cut_off(reply: Reply) -> Response<Outgoing> {
    let length = reply.body.len();
    let half = reply.body.slice(..length / 2);
    let mut response = reply.into_response().map(|_| Outgoing::CutOff(Cut::Half(half)));
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// Why a connection closes with no answer, or in the middle of one.
#[derive(Debug)]
struct Withheld;

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is withheld")
    }
}

impl std::error::Error for Withheld {}

/// A body that is given whole or breaks off.
enum Outgoing {
    Whole(Full<Bytes>),
    CutOff(Cut),
}

/// How far a body that breaks off has come.
enum Cut {
    Half(Bytes),
    /// Gives way once, so that what was given reaches the wire before the connection breaks.
    Flush,
    Break,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Withheld;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withheld>>> {
        match self.get_mut() {
            Outgoing::Whole(body) => {
                let frame = Pin::new(body).poll_frame(context);
                frame.map(|frame| frame.map(|frame| frame.map_err(|never: Infallible| match never {})))
            }
            Outgoing::CutOff(cut) => match std::mem::replace(cut, Cut::Break) {
                Cut::Half(half) => {
                    *cut = Cut::Flush;
                    Poll::Ready(Some(Ok(Frame::data(half))))
                }
                Cut::Flush => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                Cut::Break => Poll::Ready(Some(Err(Withheld))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(body) => body.is_end_stream(),
            Outgoing::CutOff(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(body) => body.size_hint(),
            Outgoing::CutOff(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        let cases = [
            ("127.0.0.1:8025", true),
            ("localhost", true),
            ("LOCALHOST:1", true),
            ("[::1]:80", true),
            ("[::1]", true),
            ("example.com:8025", false),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1", false),
        ];
        for (authority, wanted) in cases {
            assert_eq!(is_local_authority(authority), wanted, "{authority}");
        }
    }
}
