//! A mail as bytes on the wire (RFC 5322, RFC 2045), the same for every attempt at one effect.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};

use crate::port::Delivery;
use nexora_core::base::{Error, Result};
use nexora_core::model::EffectId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::effect::EffectKind;
use nexora_core::model::mail::{EFFECT_HEADER, MARK_HEADER};
use nexora_core::model::outbound::{MailAttachment, MailContent};

/// The header by which a draft that we made is found again. A person sends it, and then it is theirs.
pub const DRAFT_HEADER: &str = "X-Nexora-Draft";

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// Returns the header that a delivery's mail carries.
pub fn header_of(delivery: &Delivery) -> &'static str {
    match delivery.request.kind() {
        EffectKind::DraftMail => DRAFT_HEADER,
        _ => EFFECT_HEADER,
    }
}

/// Returns the Message-ID of an effect's mail.
pub fn message_id(delivery: &Delivery, from: &EmailAddress) -> String {
    let domain = from.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!("<{}@{domain}>", delivery.effect_id)
}

/// Writes the mail, dated with the attempt: a mail that waited for days is not as old as its promise.
///
/// # Errors
/// `Usage` when an address cannot stand in a header.
pub fn write(delivery: &Delivery, mail: &MailContent, from: &EmailAddress) -> Result<Message> {
    let mut builder = Message::builder()
        .from(mailbox(from, Some(&mail.from_name))?)
        .to(mailbox(&mail.to, None)?)
        .subject(&mail.subject)
        .message_id(Some(message_id(delivery, from)))
        .date(delivery.attempted_at.utc().into())
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str(header_of(delivery)),
            delivery.effect_id.to_string(),
        ))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(MARK_HEADER), delivery.mark.clone()));
    // Eight bits in a header need a relay that takes them (RFC 6531); the answer goes to the sender then.
    if let Some(reply_to) = mail.reply_to.as_ref().filter(|reply_to| reply_to.as_str().is_ascii()) {
        builder = builder.reply_to(mailbox(reply_to, None)?);
    }
    if delivery.request.kind() == EffectKind::SendMail {
        // So that no answering machine answers (RFC 3834, section 5).
        let how = if answers_another(mail) { "auto-replied" } else { "auto-generated" };
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        builder = builder.raw_header(HeaderValue::new(name, how.to_owned()));
    }
    if let Some(url) = &mail.unsubscribe_url {
        // One click ends it (RFC 8058, section 3.1).
        for (name, value) in
            [("List-Unsubscribe", bracketed(url)), ("List-Unsubscribe-Post", ONE_CLICK.to_owned())]
        {
            let name = HeaderName::new_from_ascii_str(name);
            builder = builder.raw_header(HeaderValue::new(name, value));
        }
    }
    if let Some(thread) = &mail.thread
        && let Some(answered) = thread.references.last()
    {
        let references: Vec<String> = thread.references.iter().map(|id| bracketed(id)).collect();
        builder = builder.in_reply_to(bracketed(answered)).references(references.join(" "));
    }
    let unwritable = |error| Error::usage("the mail cannot be written").source(error);
    let alternative = |html: &String| MultiPart::alternative_plain_html(mail.text.clone(), html.clone());
    if mail.attachments.is_empty() {
        let written = match &mail.html {
            Some(html) => builder.multipart(alternative(html)),
            None => builder.singlepart(SinglePart::plain(mail.text.clone())),
        };
        return written.map_err(unwritable);
    }
    let mut mixed = match &mail.html {
        Some(html) => MultiPart::mixed().multipart(alternative(html)),
        None => MultiPart::mixed().singlepart(SinglePart::plain(mail.text.clone())),
    };
    for attachment in &mail.attachments {
        mixed = mixed.singlepart(part(attachment)?);
    }
    builder.multipart(mixed).map_err(unwritable)
}

/// Tells whether a mail answers one that was not ours: a follow-up goes on after our own.
fn answers_another(mail: &MailContent) -> bool {
    let answered = mail.thread.as_ref().and_then(|thread| thread.references.last());
    let is_ours = |id: &String| id.split_once('@').is_some_and(|(local, _)| EffectId::parse(local).is_ok());
    answered.is_some_and(|id| !is_ours(id))
}

fn part(attachment: &MailAttachment) -> Result<SinglePart> {
    let name = &attachment.name;
    let content = BASE64.decode(&attachment.content);
    let content =
        content.map_err(|error| Error::internal(format!("attachment `{name}` is broken")).source(error))?;
    let content_type = ContentType::parse(&attachment.mime_type)
        .map_err(|error| Error::internal(format!("attachment `{name}` has no type")).source(error))?;
    Ok(Attachment::new(plain(name)).body(content, content_type))
}

/// A Message-ID that came in a mail could end its header.
fn bracketed(id: &str) -> String {
    let id: String = id.chars().filter(|c| c.is_ascii_graphic() && !['<', '>'].contains(c)).collect();
    format!("<{id}>")
}

/// A control character in a name would end the header, and lettre panics at it.
fn plain(name: &str) -> String {
    name.split(char::is_control).collect::<Vec<_>>().join(" ")
}

fn mailbox(address: &EmailAddress, name: Option<&str>) -> Result<Mailbox> {
    let address = address
        .as_str()
        .parse()
        .map_err(|error| Error::usage(format!("`{address}` cannot stand in a mail")).source(error))?;
    Ok(Mailbox::new(name.map(plain), address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::base::clock::Timestamp;
    use nexora_core::model::EffectId;
    use nexora_core::model::outbound::{Audience, Content, OutboundMessage, Thread};
    use nexora_core::model::request::EffectRequest;

    #[test]
    fn a_mail_carries_its_effect_and_cannot_be_injected_into() {
        let mail = MailContent {
            to: EmailAddress::parse("jo@example.com").unwrap(),
            from_name: "Acme\r\nBcc: x@example.com".into(),
            reply_to: Some(EmailAddress::parse("lead@example.com").unwrap()),
            subject: "Grüße\r\nBcc: x@example.com".into(),
            text: "Hello\r\n.\r\nthere".into(),
            html: Some("<p>Hello</p>".into()),
            thread: Some(Thread { id: None, references: vec!["1@a".into(), "2@b>\r\nBcc: x".into()] }),
            attachments: vec![MailAttachment {
                name: "Preise\r\nBcc: x.pdf".into(),
                mime_type: "application/pdf".into(),
                content: "JVBERg==".into(),
            }],
            unsubscribe_url: Some("https://example.com/u/t".into()),
        };
        let delivery = Delivery {
            effect_id: EffectId::new(Timestamp::from_millis(0)),
            mark: "mark_1".to_owned(),
            request: EffectRequest::Send(OutboundMessage {
                content: Content::Mail(mail.clone()),
                audience: Audience::Business,
            }),
            evidence: None,
            created_at: Timestamp::from_millis(1_780_000_000_000),
            attempted_at: Timestamp::from_millis(1_790_000_000_000),
            unseen_since: None,
        };
        let from = EmailAddress::parse("office@acme.example.com").unwrap();
        let text = String::from_utf8(write(&delivery, &mail, &from).unwrap().formatted()).unwrap();
        assert!(text.contains(&format!("{EFFECT_HEADER}: {}", delivery.effect_id)), "{text}");
        assert!(text.contains(&format!("Message-ID: <{}@acme.example.com>", delivery.effect_id)), "{text}");
        assert!(text.contains("Date: Mon, 21 Sep 2026 14:13:20 +0000"), "{text}");
        assert!(text.contains("Auto-Submitted: auto-replied"), "{text}");
        assert!(text.contains("In-Reply-To: <2@bBcc:x>"), "{text}");
        assert!(text.contains("References: <1@a> <2@bBcc:x>"), "{text}");
        assert!(text.contains("Content-Type: application/pdf"), "{text}");
        assert!(text.contains("List-Unsubscribe: <https://example.com/u/t>"), "{text}");
        assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{text}");
        assert!(!text.contains("\r\nBcc:"), "{text}");
    }
}
