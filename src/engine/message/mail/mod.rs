//! A mail as it is kept, from the bytes of it or from parts that a provider has taken apart.
//!
//! Total: any bytes make a mail, in bounded time and memory, since mails come from anybody. What
//! cannot be read is empty.

mod attribution;
mod body;
mod bounce_text;
pub mod delivery_status;
mod html;
mod kind;
pub mod opt_out;
pub mod own;
mod report;
pub mod text;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{
    Address, Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType,
};

use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::visible;
use nexora_core::model::mail::{Attachment, Mail, MailKind, Mailbox, Part};

/// Characters of text that are kept.
const TEXT_LIMIT: usize = 64_000;

/// Bytes of a part that are looked at for its text.
const BODY_LIMIT_BYTES: usize = 2_000_000;

/// Bytes of attached XML that are read. A larger document that may be a lead is for a person to look at.
pub const XML_LIMIT_BYTES: usize = 1_000_000;

const ADDRESS_LIMIT: usize = 100;
const ATTACHMENT_LIMIT: usize = 100;
const ID_LIMIT: usize = 50;
const LINE_LIMIT: usize = 1_000;
const HEADER_LIMIT: usize = 500;

/// The bytes of a mail beyond which nothing is looked at.
const MAIL_LIMIT_BYTES: usize = 40_000_000;

/// Whether the mail that stands within a mail is read, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Read,
    Left,
}

/// Reads a mail as it went over the wire (RFC 5322, RFC 2045).
pub fn from_rfc822(raw: &[u8]) -> Mail {
    read(raw, Within::Read)
}

/// Puts a mail together from its headers, and the leaves of its MIME tree in their order.
pub fn from_parts(headers: &[(String, String)], parts: &[Part]) -> Mail {
    assemble(headers, parts, Within::Read)
}

fn read(raw: &[u8], within: Within) -> Mail {
    let raw = raw.get(..MAIL_LIMIT_BYTES).unwrap_or(raw);
    let Some(message) = MessageParser::default().parse(raw) else { return of_headers(None) };
    let headers: Vec<(String, String)> = message
        .headers_raw()
        .take(HEADER_LIMIT)
        .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
        .collect();
    assemble(&headers, &leaves(&message), within)
}

/// Lists the leaves of a mail that was parsed, in their order.
fn leaves(message: &Message<'_>) -> Vec<Part> {
    let mut alternatives: Vec<Option<u32>> = vec![None; message.parts.len()];
    let mut leaves = Vec::new();
    for (index, part) in message.parts.iter().enumerate() {
        let alternative = alternatives.get(index).copied().flatten();
        let undecoded = is_document(part).then(|| undecoded(message, part)).flatten();
        let body = match &part.body {
            _ if undecoded.is_some() => undecoded.clone().unwrap_or_default(),
            PartType::Text(text) | PartType::Html(text) => text.as_bytes().to_vec(),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes.to_vec(),
            PartType::Message(within) => within.raw_message().to_vec(),
            PartType::Multipart(children) => {
                let is_alternative =
                    part.content_type().is_some_and(|found| found.subtype() == Some("alternative"));
                let own = is_alternative.then(|| u32::try_from(index).ok()).flatten();
                for child in children {
                    let child = usize::try_from(*child).ok().and_then(|child| alternatives.get_mut(child));
                    if let Some(child) = child {
                        *child = alternative.or(own);
                    }
                }
                continue;
            }
        };
        if leaves.len() >= ATTACHMENT_LIMIT * 2 {
            break;
        }
        let mime_type = part.content_type().map_or_else(
            || "text/plain".to_owned(),
            |found| format!("{}/{}", found.ctype(), found.subtype().unwrap_or("plain")).to_lowercase(),
        );
        let is_attached = part.content_disposition().is_some_and(|found| found.ctype() == "attachment");
        let filename = part.attachment_name().map(str::to_owned);
        leaves.push(Part {
            filename: filename.or_else(|| is_attached.then(|| "attachment".to_owned())),
            size_bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
            // The parser has decoded the others, whatever the headers say of their charset.
            headers: if undecoded.is_some() { content_type(part) } else { Vec::new() },
            body: Some(body),
            mime_type,
            attachment_id: None,
            alternative,
        });
    }
    leaves
}

/// Tells whether a part is text of another kind than mails are written in: a document with an encoding of its own.
fn is_document(part: &MessagePart<'_>) -> bool {
    let content_type = part.content_type();
    let is_other =
        content_type.is_some_and(|found| !matches!(found.subtype(), Some("plain" | "html") | None));
    let is_attached = part.attachment_name().is_some();
    matches!(&part.body, PartType::Text(_) | PartType::Html(_)) && (is_other || is_attached)
}

/// Returns the bytes of a part without its transfer encoding, and in the charset that they came in.
fn undecoded(message: &Message<'_>, part: &MessagePart<'_>) -> Option<Vec<u8>> {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    let raw = message.raw_message.get(at(part.offset_body)..at(part.offset_end))?;
    match part.encoding {
        Encoding::Base64 => base64_decode(raw),
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
        Encoding::None => Some(raw.to_vec()),
    }
}

fn content_type(part: &MessagePart<'_>) -> Vec<(String, String)> {
    let charset = part.content_type().and_then(|found| found.attribute("charset"));
    let line = |charset: &str| ("Content-Type".to_owned(), format!("text/plain; charset=\"{charset}\""));
    charset.map(line).into_iter().collect()
}

fn assemble(headers: &[(String, String)], parts: &[Part], within: Within) -> Mail {
    let block = header_block(headers);
    let parsed = MessageParser::default().parse_headers(block.as_bytes());
    let mut mail = of_headers(parsed.as_ref());
    mail.authenticated = authenticated(headers);
    mail.is_spoofed = fails_dmarc(headers);
    for part in parts.iter().filter(|part| !body::is_body(part)) {
        note_xml(&mut mail, part);
        attach(&mut mail, part);
    }
    let found = body::read(parts, &mail.subject);
    mail.text = found.text.chars().take(TEXT_LIMIT).collect();
    mail.truncated = mail.text.len() < found.text.len();
    let own: String = found.own.chars().take(TEXT_LIMIT).collect();
    mail.own_text = (own != mail.text).then_some(own);
    kind::classify(&mut mail, headers, parts);
    if within == Within::Read && !mail.kind.is_report() {
        read_within(&mut mail, parts);
    }
    let html = parts.iter().find(|part| part.mime_type == "text/html" && part.filename.is_none());
    let html = html.and_then(|part| part.body.as_deref().map(|body| decode(body, charset(&part.headers))));
    mail.html = html.map(|html| cut(&html, BODY_LIMIT_BYTES).to_owned());
    mail
}

/// A mail that was passed on as an attachment, without a word, says what the attached one says.
fn read_within(mail: &mut Mail, parts: &[Part]) {
    let Some(body) =
        parts.iter().find(|part| report::is_returned(part)).and_then(|part| part.body.as_deref())
    else {
        return;
    };
    let attached = read(body, Within::Left);
    if mail.text.is_empty() {
        mail.text = attached.text;
    }
    mail.xml = mail.xml.take().or(attached.xml);
}

/// Writes headers as they would stand in a mail, each on one line.
fn header_block(headers: &[(String, String)]) -> String {
    let mut block = String::new();
    for (name, value) in headers.iter().take(HEADER_LIMIT) {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !is_name {
            continue;
        }
        let value = value.split(char::is_control).collect::<Vec<_>>().join(" ");
        block.extend([name.as_str(), ": ", cut(&value, 16_000), "\r\n"]);
    }
    block.push_str("\r\n");
    block
}

fn of_headers(message: Option<&Message<'_>>) -> Mail {
    let list = |address: Option<&Address<'_>>| -> Vec<Mailbox> { address.map(mailboxes).unwrap_or_default() };
    let sent_at = message.and_then(Message::date).map(mail_parser::DateTime::to_timestamp);
    Mail {
        message_id: message.and_then(Message::message_id).map(line),
        in_reply_to: message.map(|m| ids(m.in_reply_to())).unwrap_or_default(),
        references: message.map(|m| ids(m.references())).unwrap_or_default(),
        from: list(message.and_then(Message::from)).into_iter().next(),
        reply_to: list(message.and_then(Message::reply_to)).into_iter().next(),
        to: list(message.and_then(Message::to)),
        cc: list(message.and_then(Message::cc)),
        subject: message.and_then(Message::subject).map(|text| line(&visible(text))).unwrap_or_default(),
        sent_at: sent_at.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000))),
        text: String::new(),
        truncated: false,
        xml: None,
        html: None,
        attachments: Vec::new(),
        kind: MailKind::Person,
        own_text: None,
        report: None,
        authenticated: Vec::new(),
        is_spoofed: false,
    }
}

fn mailboxes(address: &Address<'_>) -> Vec<Mailbox> {
    let read = |found: &mail_parser::Addr<'_>| {
        let address = line(found.address.as_deref()?);
        Some(Mailbox { name: found.name.as_deref().map(line).filter(|name| !name.is_empty()), address })
    };
    address
        .iter()
        .filter_map(read)
        .filter(|mailbox| !mailbox.address.is_empty())
        .take(ADDRESS_LIMIT)
        .collect()
}

/// Of many ids the latest say most, and they stand last.
fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    let all: Vec<String> = match value {
        HeaderValue::Text(id) => vec![line(id)],
        HeaderValue::TextList(list) => list.iter().map(|id| line(id)).collect(),
        _ => Vec::new(),
    };
    let surplus = all.len().saturating_sub(ID_LIMIT);
    all.into_iter().skip(surplus).collect()
}

/// Makes one short line of a text.
fn line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(LINE_LIMIT).collect()
}

/// Reads a Message-ID, without its angle brackets.
fn folded_id(word: &str) -> Option<String> {
    let id = line(word.trim_matches(['<', '>', ',']));
    (!id.is_empty()).then_some(id)
}

/// Cuts a text to a number of bytes, at a character.
fn cut(text: &str, limit_bytes: usize) -> &str {
    let mut end = limit_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn charset(headers: &[(String, String)]) -> Option<String> {
    let value = header(headers, "Content-Type")?.to_ascii_lowercase();
    let (_, rest) = value.split_once("charset=")?;
    let name =
        rest.trim_start_matches('"').split(|c: char| c == '"' || c == ';' || c.is_whitespace()).next()?;
    Some(name.to_owned())
}

/// Decodes a body. A provider may have made UTF-8 of it already, so bytes that are UTF-8 are taken as
/// that, but for the charsets that hide in seven bits.
fn decode(body: &[u8], charset: Option<String>) -> String {
    let name = charset.unwrap_or_default();
    let is_seven_bit = name.starts_with("iso-2022") || name == "utf-7" || name == "hz-gb-2312";
    if let (Ok(text), false) = (std::str::from_utf8(body), is_seven_bit) {
        return text.trim_start_matches('\u{feff}').to_owned();
    }
    match charset_decoder(name.as_bytes()).filter(|_| !name.is_empty()) {
        Some(decoder) => decoder(body),
        None => String::from_utf8_lossy(body).into_owned(),
    }
}

/// Keeps XML documents that are not too large, one after the other. They are known by what they hold, whatever they are called.
fn note_xml(mail: &mut Mail, part: &Part) {
    let Some(body) = part.body.as_deref().filter(|body| body.len() <= XML_LIMIT_BYTES) else { return };
    let text = decode_xml(body, charset(&part.headers));
    if !is_xml(&text) {
        return;
    }
    match &mut mail.xml {
        Some(kept) if kept.len() + text.len() <= XML_LIMIT_BYTES => {
            kept.push('\n');
            kept.push_str(&text);
        }
        Some(_) => {}
        None => mail.xml = Some(text),
    }
}

/// Tells whether a text is an XML document, and neither a page nor a picture.
fn is_xml(text: &str) -> bool {
    let start = cut(text.trim_start(), 4_000).to_ascii_lowercase();
    let mut tags = start.split('<').skip(1).filter(|tag| !tag.starts_with(['?', '!']));
    let root =
        tags.next().unwrap_or_default().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    start.starts_with('<')
        && !root.is_empty()
        && !["html", "svg", "head", "body", "div", "table", "p"].contains(&root)
}

/// Decodes an XML document: by its byte order mark, as UTF-8, by what the mail says, by what it says itself.
fn decode_xml(body: &[u8], charset: Option<String>) -> String {
    let by_mark = match body {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("utf-16".to_owned()),
        [b'<', 0, ..] => Some("utf-16le".to_owned()),
        [0, b'<', ..] => Some("utf-16be".to_owned()),
        _ => None,
    };
    if let Some(decoder) = by_mark.and_then(|name| charset_decoder(name.as_bytes())) {
        return decoder(body).trim_start_matches('\u{feff}').to_owned();
    }
    let head: String = body.iter().take(200).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let declared = head.split_once("encoding=").and_then(|(_, rest)| {
        let name = rest.trim_start_matches(['"', '\'']).split(['"', '\'', '?', ' ']).next()?;
        Some(name.to_owned()).filter(|name| !name.is_empty())
    });
    let known = |name: &String| charset_decoder(name.as_bytes()).is_some();
    // Bytes that are no UTF-8 and of which nothing is said are most often Windows'.
    let name = declared
        .filter(|name| known(name) && name != "utf-8")
        .or(charset.filter(|name| known(name) && name != "utf-8"));
    decode(body, Some(name.unwrap_or_else(|| "windows-1252".to_owned())))
}

fn attach(mail: &mut Mail, part: &Part) {
    if mail.attachments.len() < ATTACHMENT_LIMIT {
        mail.attachments.push(Attachment {
            name: part.filename.as_deref().map(line).unwrap_or_default(),
            mime_type: line(&part.mime_type),
            size_bytes: part.size_bytes,
            provider_id: part.attachment_id.clone(),
        });
    }
}

/// Tells whether the receiving server found that the sender's domain did not send the mail (RFC 7489).
fn fails_dmarc(headers: &[(String, String)]) -> bool {
    let Some(value) = header(headers, "Authentication-Results") else { return false };
    let value = cut(value, 8_000).to_lowercase();
    value.split(';').skip(1).any(|result| result.split_whitespace().next() == Some("dmarc=fail"))
}

/// Returns the domains that the receiving server vouches for (RFC 8601). Only the topmost header
/// is its own; those below may be anybody's.
fn authenticated(headers: &[(String, String)]) -> Vec<String> {
    let Some(value) = header(headers, "Authentication-Results") else { return Vec::new() };
    let mut domains = Vec::new();
    for result in cut(value, 8_000).to_lowercase().split(';').skip(1) {
        let mut words = result.split_whitespace();
        let passes = matches!(words.next(), Some("dkim=pass" | "spf=pass" | "dmarc=pass"));
        for word in words.filter(|_| passes) {
            let named = ["header.d=", "header.i=", "smtp.mailfrom=", "header.from="]
                .iter()
                .find_map(|property| word.strip_prefix(property));
            if let Some(domain) = named.map(|named| named.rsplit('@').next().unwrap_or(named)) {
                domains.push(domain.trim_matches(|c: char| !c.is_alphanumeric()).to_owned());
            }
        }
    }
    domains.dedup();
    domains.truncate(ID_LIMIT);
    domains
}

#[cfg(test)]
mod own_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod report_tests;
#[cfg(test)]
mod tests;
