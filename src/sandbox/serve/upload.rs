//! Uploads in the three ways that Google takes them: the message alone, together with JSON in
//! `multipart/related` (RFC 2387), or resumable: begun with the JSON, then sent in pieces to an
//! address of its own, which needs no token.

use std::collections::VecDeque;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, LOCATION, RANGE};

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply};
use crate::serve::route::{Route, Service};

/// The largest message that Gmail takes (Gmail API, `messages.send`).
pub const MEDIA_LIMIT_BYTES: usize = 36_700_160;

/// Uploads under way at most; the oldest gives way.
const SESSION_LIMIT: usize = 32;

/// Resumable uploads that were begun and are not complete.
#[derive(Default)]
pub struct Uploads {
    begun: u64,
    sessions: VecDeque<Session>,
}

struct Session {
    id: String,
    service: Service,
    route: &'static Route,
    call: Call,
    received: Vec<u8>,
}

/// What a piece of an upload leads to.
pub enum Chunk {
    More(Reply),
    Complete { service: Service, route: &'static Route, call: Box<Call> },
}

/// Returns the path of the call that an upload is for, and whether it is one.
pub fn strip(path: &str) -> (&str, bool) {
    for prefix in ["/resumable/upload/", "/upload/"] {
        if path.starts_with(prefix) {
            // The slash that ends the prefix begins the path.
            return (path.get(prefix.len() - 1..).unwrap_or(path), true);
        }
    }
    (path, false)
}

/// Parts an upload that came in one request into the JSON and the message.
pub fn unpack(call: &mut Call) -> Result<(), Refusal> {
    let content_type = call.header(&CONTENT_TYPE).unwrap_or_default().to_owned();
    if call.query("uploadType") == Some("multipart") || content_type.starts_with("multipart/") {
        let (json, media) = split_related(&content_type, &call.body)
            .ok_or_else(|| Refusal::invalid("Malformed multipart body."))?;
        call.body = json;
        call.media = Some(media);
    } else {
        call.media = Some(std::mem::take(&mut call.body));
    }
    check_size(call.media.as_ref().map_or(0, Bytes::len))
}

fn check_size(size: usize) -> Result<(), Refusal> {
    if size > MEDIA_LIMIT_BYTES { Err(Refusal::usual(413, None, None)) } else { Ok(()) }
}

fn split_related(content_type: &str, body: &Bytes) -> Option<(Bytes, Bytes)> {
    let content_type: mime::Mime = content_type.parse().ok()?;
    let delimiter = format!("--{}", content_type.get_param(mime::BOUNDARY)?.as_str());
    let first = find(body, delimiter.as_bytes())? + delimiter.len();
    let second = first + find(body.get(first..)?, format!("\n{delimiter}").as_bytes())?;
    let second_start = second + 1 + delimiter.len();
    let end = second_start + find(body.get(second_start..)?, format!("\n{delimiter}--").as_bytes())?;
    Some((part(body, first, second)?, part(body, second_start, end)?))
}

/// Returns the content of the part between two delimiters, without its headers.
fn part(body: &Bytes, start: usize, end: usize) -> Option<Bytes> {
    let text = body.get(start..end)?;
    let blank = [b"\r\n\r\n".as_slice(), b"\n\n"]
        .into_iter()
        .filter_map(|blank| find(text, blank).map(|at| at + blank.len()))
        .min()?;
    // The line end before a delimiter belongs to the delimiter.
    let end = if text.ends_with(b"\r") { end - 1 } else { end };
    let start = (start + blank).min(end);
    Some(body.slice(start..end))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

impl Uploads {
    /// Begins a resumable upload and answers with the address for its pieces.
    pub fn start(&mut self, service: Service, route: &'static Route, call: Call) -> Result<Reply, Refusal> {
        // What the call says in JSON must be sound before any piece is sent.
        call.read::<serde_json::Value>()?;
        self.begun += 1;
        let id = format!("upload-{}", self.begun);
        let path = call.origin.to_string() + "/upload/session";
        let reply = Reply::empty(StatusCode::OK)
            .with_header(LOCATION, format!("{path}?uploadType=resumable&upload_id={id}"));
        if self.sessions.len() >= SESSION_LIMIT {
            self.sessions.pop_front();
        }
        self.sessions.push_back(Session { id, service, route, call, received: Vec::new() });
        Ok(reply)
    }

    /// Takes a piece. `Content-Range` says where it belongs; without one it is the whole message.
    pub fn add(&mut self, id: &str, headers: &HeaderMap, body: &Bytes) -> Result<Chunk, Refusal> {
        let position =
            self.sessions.iter().position(|session| session.id == id).ok_or_else(Refusal::not_found)?;
        let session = self.sessions.get_mut(position).ok_or_else(Refusal::not_found)?;
        let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let is_complete = session.take(range, body)?;
        if !is_complete {
            return Ok(Chunk::More(session.progress()));
        }
        let mut session = self.sessions.remove(position).ok_or_else(Refusal::not_found)?;
        session.call.media = Some(Bytes::from(session.received));
        Ok(Chunk::Complete { service: session.service, route: session.route, call: Box::new(session.call) })
    }
}

impl Session {
    /// Adds a piece and tells whether the message is complete.
    fn take(&mut self, range: Option<&str>, body: &[u8]) -> Result<bool, Refusal> {
        let malformed = || Refusal::invalid("Malformed Content-Range header.");
        let Some(range) = range else {
            check_size(body.len())?;
            self.received = body.to_vec();
            return Ok(true);
        };
        let (span, total) =
            range.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(malformed)?;
        let total: Option<usize> =
            if total == "*" { None } else { Some(total.parse().map_err(|_| malformed())?) };
        check_size(total.unwrap_or(0).max(self.received.len() + body.len()))?;
        if span != "*" {
            let first: usize =
                span.split_once('-').and_then(|(first, _)| first.parse().ok()).ok_or_else(malformed)?;
            if first > self.received.len() {
                return Err(malformed());
            }
            // A piece that is sent again takes the place of its first arrival.
            self.received.truncate(first);
            self.received.extend_from_slice(body);
        }
        Ok(total.is_some_and(|total| self.received.len() >= total) && span != "*" || total == Some(0))
    }

    fn progress(&self) -> Reply {
        let reply = Reply::empty(StatusCode::PERMANENT_REDIRECT);
        match self.received.len().checked_sub(1) {
            None => reply,
            Some(last) => reply.with_header(RANGE, format!("bytes=0-{last}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_related_body_is_parted_and_its_message_kept_as_it_is() {
        let mail = "Subject: x\r\n\r\nline\r\n--other\r\nend\r\n";
        let body = format!(
            "--B\r\nContent-Type: application/json\r\n\r\n{{\"a\":1}}\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n{mail}\r\n--B--\r\n"
        );
        let (json, media) = split_related("multipart/related; boundary=B", &Bytes::from(body)).unwrap();
        assert_eq!(json, "{\"a\":1}");
        assert_eq!(media, mail);
        assert!(split_related("multipart/related", &Bytes::new()).is_none());
    }

    #[test]
    fn an_empty_message_part_is_empty() {
        let body = "--B\r\nContent-Type: application/json\r\n\r\n{}\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n\r\n--B--";
        let (_, media) = split_related("multipart/related; boundary=B", &Bytes::from(body)).unwrap();
        assert!(media.is_empty());
    }

    #[test]
    fn the_path_of_an_upload_is_the_path_of_its_call() {
        assert_eq!(strip("/upload/gmail/v1/x"), ("/gmail/v1/x", true));
        assert_eq!(strip("/resumable/upload/gmail/v1/x"), ("/gmail/v1/x", true));
        assert_eq!(strip("/gmail/v1/x"), ("/gmail/v1/x", false));
    }
}
