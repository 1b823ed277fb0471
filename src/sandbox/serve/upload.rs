//! Uploads in the three ways that Google takes them: the message alone, together with JSON in
//! `multipart/related` (RFC 2387), or resumable: begun with the JSON, then sent in pieces to an
//! address of its own, which needs no token.

use std::collections::VecDeque;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RANGE};

use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply};
use crate::serve::route::{Route, Service};

/// The largest message that Gmail takes (Gmail API, `messages.send`).
pub const MEDIA_LIMIT_BYTES: usize = 36_700_160;

/// What the beginning of a resumable upload says of it.
const UPLOAD_TYPE: HeaderName = HeaderName::from_static("x-upload-content-type");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("x-upload-content-length");

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
        let related = split_related(&content_type, &call.body)
            .ok_or_else(|| Refusal::invalid("Malformed multipart body."))?;
        check_type(&related.media_type)?;
        call.body = related.json;
        call.media = Some(related.media);
    } else {
        check_type(&content_type)?;
        call.media = Some(std::mem::take(&mut call.body));
    }
    check_size(call.media.as_ref().map_or(0, Bytes::len))
}

/// Gmail takes mails only (`mediaUpload.accept` of its discovery document).
fn check_type(media_type: &str) -> Result<(), Refusal> {
    if media_type.trim().to_ascii_lowercase().starts_with("message/") {
        return Ok(());
    }
    let message = format!("Media type '{media_type}' is not supported. Valid media types: [message/*]");
    Err(Refusal::new(400, "badContent", message))
}

fn check_size(size: usize) -> Result<(), Refusal> {
    if size > MEDIA_LIMIT_BYTES { Err(Refusal::usual(413, None, None)) } else { Ok(()) }
}

/// The two parts of an upload.
struct Related {
    json: Bytes,
    media_type: String,
    media: Bytes,
}

fn split_related(content_type: &str, body: &Bytes) -> Option<Related> {
    let content_type: mime::Mime = content_type.parse().ok()?;
    let delimiter = format!("--{}", content_type.get_param(mime::BOUNDARY)?.as_str());
    let first = find(body, delimiter.as_bytes())? + delimiter.len();
    let second = first + find(body.get(first..)?, format!("\n{delimiter}").as_bytes())?;
    let second_start = second + 1 + delimiter.len();
    let end = second_start + find(body.get(second_start..)?, format!("\n{delimiter}--").as_bytes())?;
    let (_, json) = part(body, first, second)?;
    let (headers, media) = part(body, second_start, end)?;
    let media_type = headers.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.trim().eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
    });
    Some(Related { json, media_type: media_type.unwrap_or_default(), media })
}

/// Returns the headers and the content of the part between two delimiters.
fn part(body: &Bytes, start: usize, end: usize) -> Option<(String, Bytes)> {
    let text = body.get(start..end)?;
    let blank = [b"\r\n\r\n".as_slice(), b"\n\n"]
        .into_iter()
        .filter_map(|blank| find(text, blank).map(|at| at + blank.len()))
        .min()?;
    let headers = String::from_utf8_lossy(text.get(..blank)?).into_owned();
    // The line end before a delimiter belongs to the delimiter.
    let end = if text.ends_with(b"\r") { end - 1 } else { end };
    let start = (start + blank).min(end);
    Some((headers, body.slice(start..end)))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

impl Uploads {
    /// Begins a resumable upload and answers with the address for its pieces.
    pub fn start(&mut self, service: Service, route: &'static Route, call: Call) -> Result<Reply, Refusal> {
        // What the call says in JSON must be sound before any piece is sent.
        call.read::<serde_json::Value>()?;
        if let Some(media_type) = call.header(&UPLOAD_TYPE) {
            check_type(media_type)?;
        }
        if let Some(length) = call.header(&UPLOAD_LENGTH) {
            check_size(
                length.parse().map_err(|_| Refusal::invalid("Malformed X-Upload-Content-Length header."))?,
            )?;
        }
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
        let parts = split_related("multipart/related; boundary=B", &Bytes::from(body)).unwrap();
        assert_eq!((&parts.json[..], parts.media_type.as_str()), (&b"{\"a\":1}"[..], "message/rfc822"));
        assert_eq!(parts.media, mail);
        assert!(split_related("multipart/related", &Bytes::new()).is_none());
    }

    #[test]
    fn an_empty_message_part_is_empty() {
        let body = "--B\r\nContent-Type: application/json\r\n\r\n{}\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n\r\n--B--";
        let parts = split_related("multipart/related; boundary=B", &Bytes::from(body)).unwrap();
        assert!(parts.media.is_empty());
    }

    #[test]
    fn a_mail_that_quotes_the_delimiter_is_cut_off_there() {
        let body =
            "--B\r\n\r\n{}\r\n--B\r\nContent-Type: message/rfc822\r\n\r\none\r\n--B--\r\ntwo\r\n--B--\r\n";
        let parts = split_related("multipart/related; boundary=B", &Bytes::from(body)).unwrap();
        assert_eq!(parts.media, "one");
    }

    #[test]
    fn only_mails_are_taken() {
        for (media_type, wanted) in
            [("message/rfc822", true), ("Message/RFC822", true), ("application/json", false), ("", false)]
        {
            assert_eq!(check_type(media_type).is_ok(), wanted, "{media_type}");
        }
    }

    #[test]
    fn the_path_of_an_upload_is_the_path_of_its_call() {
        assert_eq!(strip("/upload/gmail/v1/x"), ("/gmail/v1/x", true));
        assert_eq!(strip("/resumable/upload/gmail/v1/x"), ("/gmail/v1/x", true));
        assert_eq!(strip("/gmail/v1/x"), ("/gmail/v1/x", false));
    }
}
