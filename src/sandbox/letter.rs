//! A mail as people see it: decoded headers, text, HTML, the names of its attachments; and the
//! changes that Gmail makes to headers on the way.

use mail_parser::parsers::MessageStream;
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use serde_json::{Value, json};

use nexora_core::base::clock::Timestamp;

/// A mail that was read.
#[derive(Clone, Debug, Default)]
pub struct ParsedMail {
    /// Names as they were written, values unfolded and decoded.
    pub headers: Vec<(String, String)>,
    /// The same with values as they stand in the mail, unfolded: encoded words stay as they are.
    pub raw_headers: Vec<(String, String)>,
    pub text: Option<String>,
    pub html: Option<String>,
    pub attachments: Vec<Attachment>,
}

#[derive(Clone, Debug)]
pub struct Attachment {
    pub filename: String,
    pub mime_type: String,
    pub size_bytes: usize,
}

impl ParsedMail {
    /// Reads a mail; what has no header at all is none.
    pub fn read(raw: &[u8]) -> Option<ParsedMail> {
        let message = MessageParser::default().parse(raw)?;
        let raw_headers: Vec<_> =
            message.headers_raw().map(|(name, value)| (name.trim().to_owned(), unfold(value))).collect();
        if raw_headers.is_empty() {
            return None;
        }
        let headers = raw_headers.iter().map(|(name, value)| (name.clone(), decode(value))).collect();
        let text = message.text_bodies().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        });
        let html = message.html_bodies().find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        });
        Some(ParsedMail { headers, raw_headers, text, html, attachments: attachments(&message) })
    }

    /// Returns a header by its name; one that is missing is empty.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Returns the beginning of the text, as mailboxes list it.
    pub fn snippet(&self) -> String {
        let text = self.text.as_deref().unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
    }

    /// Returns the parts of the mail that every form of it shows.
    pub fn state(&self) -> Value {
        let headers = self.headers.iter().map(|(name, value)| json!({"name": name, "value": value}));
        let attachments = self.attachments.iter().map(|attachment| {
            json!({
                "filename": attachment.filename,
                "mimeType": attachment.mime_type,
                "size": attachment.size_bytes,
            })
        });
        json!({
            "headers": headers.collect::<Vec<_>>(),
            "subject": self.header("Subject"),
            "text": self.text,
            "html": self.html,
            "attachments": attachments.collect::<Vec<_>>(),
        })
    }
}

fn attachments(message: &Message<'_>) -> Vec<Attachment> {
    message
        .attachments()
        .map(|part| Attachment {
            filename: part.attachment_name().unwrap_or_default().to_owned(),
            mime_type: mime_type(part),
            size_bytes: part.len(),
        })
        .collect()
}

/// Returns a part's type; a part without one is plain text (RFC 2045, section 5.2).
pub fn mime_type<'x>(part: &impl MimeHeaders<'x>) -> String {
    part.content_type().map_or_else(
        || "text/plain".to_owned(),
        |found| format!("{}/{}", found.ctype(), found.subtype().unwrap_or("plain")).to_lowercase(),
    )
}

/// Unfolds a header's value (RFC 5322, section 2.2.3).
pub fn unfold(value: &str) -> String {
    value.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Unfolds a header's value and decodes its encoded words (RFC 2047).
pub fn decode(value: &str) -> String {
    let line = format!("{}\n", value.trim_end());
    let decoded = MessageStream::new(line.as_bytes()).parse_unstructured();
    decoded.as_text().unwrap_or_default().trim().to_owned()
}

/// Returns the mail with one header set: every field of that name goes, the new one is added.
pub fn with_header(raw: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + name.len() + value.len() + 4);
    out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    out.extend_from_slice(&without_header(raw, name));
    out
}

/// Returns the mail without any field of a name.
pub fn without_header(raw: &[u8], name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut is_dropped = false;
    let mut rest = raw;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if matches!(line, b"\r\n" | b"\n") {
            break;
        }
        // A line that begins with a blank goes on with the field before it (RFC 5322, section 2.2.3).
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            is_dropped = is_field(line, name);
        }
        if !is_dropped {
            out.extend_from_slice(line);
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// Returns the addresses that a mail is for, in lower case and each once.
pub fn addresses(raw: &[u8]) -> Vec<String> {
    let Some(message) = MessageParser::default().parse(raw) else { return Vec::new() };
    let lists = [message.to(), message.cc(), message.bcc()];
    let all = lists.into_iter().flatten().flat_map(mail_parser::Address::iter);
    let mut found: Vec<String> = all.filter_map(|known| known.address()).map(str::to_lowercase).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns when a mail says that it was written.
pub fn date(letter: &ParsedMail) -> Option<Timestamp> {
    let date = chrono::DateTime::parse_from_rfc2822(letter.header("Date")).ok()?;
    Some(Timestamp::from(date.to_utc()))
}

fn is_field(line: &[u8], name: &str) -> bool {
    let field = line.split(|byte| *byte == b':').next().unwrap_or_default();
    field.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
}

/// Writes a plain text mail, for what is seeded rather than sent.
pub fn write(headers: &[(&str, &str)], text: &str) -> Vec<u8> {
    let mut mail = String::new();
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        // A line end in a value would begin another header.
        let value = value.split(char::is_control).collect::<Vec<_>>().join(" ");
        mail.extend([name, ": ", &value, "\r\n"]);
    }
    mail.push_str("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n");
    mail.push_str("Content-Transfer-Encoding: 8bit\r\n\r\n");
    mail.push_str(&text.replace("\r\n", "\n").replace('\n', "\r\n"));
    mail.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_unfolded_and_decoded() {
        let raw = "From: =?utf-8?q?J=C3=B6rg?= <j@example.com>\r\nSubject: one\r\n two\r\n\r\nHello\r\n";
        let letter = ParsedMail::read(raw.as_bytes()).unwrap();
        assert_eq!(letter.header("from"), "Jörg <j@example.com>");
        assert_eq!(letter.header("Subject"), "one two");
        assert_eq!(letter.header("To"), "");
        assert_eq!(letter.text.as_deref().map(str::trim), Some("Hello"));
        assert_eq!(letter.html, None);
        assert!(ParsedMail::read(b"").is_none());
    }

    #[test]
    fn a_header_is_replaced_with_its_continuation_lines_and_never_in_the_body() {
        let raw = b"Message-ID:\r\n <old@x>\r\nSubject: s\r\n\r\nMessage-ID: body\r\n";
        let changed = String::from_utf8(with_header(raw, "Message-ID", "<new@x>")).unwrap();
        assert_eq!(changed, "Message-ID: <new@x>\r\nSubject: s\r\n\r\nMessage-ID: body\r\n");
    }

    #[test]
    fn a_seeded_header_cannot_begin_another() {
        let raw = write(&[("Subject", "a\r\nBcc: x"), ("To", "")], "hi\nthere");
        let text = String::from_utf8(raw).unwrap();
        assert!(text.starts_with("Subject: a  Bcc: x\r\nMIME-Version"), "{text}");
        assert!(text.ends_with("\r\n\r\nhi\r\nthere"), "{text}");
    }
}
