//! Batches: several calls in one request, as parts of `multipart/mixed` that are HTTP requests themselves,
//! answered by parts that are HTTP answers ("Batching requests" of each service's documentation).

use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};

use crate::Shared;
use crate::serve::envelope::{Refusal, Reply};
use crate::serve::{Answer, Arrived, gate};

/// Calls in one batch at most (Gmail API, "Batching requests").
const CALL_LIMIT: usize = 100;
const BOUNDARY: &str = "batch_sandbox";

/// Each service has an address of its own; the one for all of them is no more.
pub fn is_meant(arrived: &Arrived) -> bool {
    arrived.method == Method::POST && arrived.uri.path().starts_with("/batch/")
}

pub async fn answer(shared: &Shared, arrived: &Arrived) -> Answer {
    let calls = match calls(arrived) {
        Ok(calls) => calls,
        Err(refusal) => return Answer::Whole(refusal.into_reply()),
    };
    let mut body = Vec::new();
    for (id, call) in calls {
        let reply = match call {
            Ok(call) => match Box::pin(gate::pass(shared, call)).await {
                Answer::Whole(reply) => reply,
                // Of one answer that is lost, all are.
                Answer::CutOff(_) | Answer::Withheld => return Answer::Withheld,
            },
            Err(refusal) => refusal.into_reply(),
        };
        write(&mut body, id.as_deref(), &reply);
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    let mut reply = Reply::empty(StatusCode::OK)
        .with_header(CONTENT_TYPE, format!("multipart/mixed; boundary={BOUNDARY}"));
    reply.body = body.into();
    Answer::Whole(reply)
}

type Call = (Option<String>, Result<Arrived, Refusal>);

fn calls(arrived: &Arrived) -> Result<Vec<Call>, Refusal> {
    let malformed = || Refusal::invalid("Failed to parse batch request.");
    let content_type = arrived.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type: mime::Mime = content_type.and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
    let boundary = content_type.get_param(mime::BOUNDARY).ok_or_else(malformed)?;
    let text = std::str::from_utf8(&arrived.body).map_err(|_| malformed())?.replace("\r\n", "\n");
    let text = format!("\n{text}");
    let delimiter = format!("\n--{}", boundary.as_str());
    let mut parts = text.split(delimiter.as_str()).skip(1);
    let mut calls = Vec::new();
    loop {
        let part = parts.next().ok_or_else(malformed)?;
        if part.starts_with("--") {
            return if calls.is_empty() { Err(malformed()) } else { Ok(calls) };
        }
        if calls.len() >= CALL_LIMIT {
            return Err(Refusal::invalid(format!("The batch request exceeds {CALL_LIMIT} calls.")));
        }
        let (head, request) =
            part.trim_start_matches(' ').trim_start_matches('\n').split_once("\n\n").ok_or_else(malformed)?;
        let id = field(head, "content-id").map(str::to_owned);
        calls.push((id, call(request, &arrived.headers)));
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields
        .into_iter()
        .find(|(known, _)| known.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// Reads one call; it is made with the token of the batch unless it brings its own.
fn call(text: &str, outer: &HeaderMap) -> Result<Arrived, Refusal> {
    let malformed = || Refusal::invalid("Failed to parse a request of the batch.");
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let (line, fields) = head.split_once('\n').unwrap_or((head, ""));
    let mut words = line.split_whitespace();
    let method = words.next().and_then(|word| word.parse().ok()).ok_or_else(malformed)?;
    let uri: hyper::Uri = words.next().and_then(|word| word.parse().ok()).ok_or_else(malformed)?;
    if uri.path().starts_with("/upload/") || uri.path().starts_with("/batch") {
        return Err(Refusal::invalid("Uploads and batches cannot be made in a batch."));
    }
    let mut headers = HeaderMap::new();
    if let Some(token) = outer.get(AUTHORIZATION) {
        headers.insert(AUTHORIZATION, token.clone());
    }
    for (name, value) in fields.lines().filter_map(|line| line.split_once(':')) {
        let name: HeaderName = name.trim().parse().map_err(|_| malformed())?;
        headers.insert(name, HeaderValue::from_str(value.trim()).map_err(|_| malformed())?);
    }
    Ok(Arrived { method, uri, headers, body: body.trim_end().to_owned().into() })
}

fn write(body: &mut Vec<u8>, id: Option<&str>, reply: &Reply) {
    let mut lines = vec![format!("--{BOUNDARY}"), "Content-Type: application/http".to_owned()];
    if let Some(id) = id {
        let bare = id.trim_start_matches('<').trim_end_matches('>');
        lines.push(format!("Content-ID: <response-{bare}>"));
    }
    lines.extend([String::new(), format!("HTTP/1.1 {}", reply.status)]);
    lines.extend(reply.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend([String::new(), String::new()]);
    body.extend_from_slice(lines.join("\r\n").as_bytes());
    body.extend_from_slice(&reply.body);
    body.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(body: &str) -> Arrived {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("multipart/mixed; boundary=\"b\""));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer outer"));
        let uri = "/batch/gmail/v1".parse().unwrap();
        Arrived { method: Method::POST, uri, headers, body: body.to_owned().into() }
    }

    #[test]
    fn calls_are_read_with_their_own_token_or_that_of_the_batch() {
        let body = "--b\r\nContent-Type: application/http\r\nContent-ID: <one>\r\n\r\nGET /gmail/v1/users/me/profile HTTP/1.1\r\n\r\n\r\n\
                    --b\r\nContent-Type: application/http\r\n\r\nPOST /gmail/v1/users/me/labels\r\nAuthorization: Bearer own\r\n\r\n{\"name\": \"x\"}\r\n--b--\r\n";
        let calls = calls(&arrived(body)).unwrap();
        let token = |arrived: &Arrived| arrived.headers[AUTHORIZATION].to_str().unwrap().to_owned();
        let [one, two] = &calls[..] else { panic!("{}", calls.len()) };
        let (first, second) = (one.1.as_ref().unwrap(), two.1.as_ref().unwrap());
        assert_eq!(
            (one.0.as_deref(), first.uri.path(), token(first).as_str()),
            (Some("<one>"), "/gmail/v1/users/me/profile", "Bearer outer")
        );
        assert_eq!(
            (&second.method, token(second).as_str(), &second.body[..]),
            (&Method::POST, "Bearer own", &b"{\"name\": \"x\"}"[..])
        );
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        for body in ["", "--b--", "--b\r\n\r\nGET /x", "GET /x HTTP/1.1"] {
            assert!(calls(&arrived(body)).is_err(), "{body}");
        }
        let inner = "--b\r\nContent-Type: application/http\r\n\r\nPOST /upload/gmail/v1/users/me/drafts\r\n\r\n\r\n--b--";
        assert!(calls(&arrived(inner)).unwrap()[0].1.is_err());
    }
}
