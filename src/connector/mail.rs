//! A mail as bytes on the wire (RFC 5322, RFC 2045), the same for every attempt at one effect.

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};

use crate::base::{Error, Result};
use crate::connector::Task;
use crate::model::address::EmailAddress;
use crate::model::effect::SendMail;

/// The header by which a mail of ours is found again.
pub const EFFECT_HEADER: &str = "X-Nexora-Effect";

#[derive(Clone)]
struct EffectHeader(String);

impl Header for EffectHeader {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str(EFFECT_HEADER)
    }

    fn parse(text: &str) -> Result<EffectHeader, Box<dyn std::error::Error + Send + Sync>> {
        Ok(EffectHeader(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(EffectHeader::name(), self.0.clone())
    }
}

/// Returns the Message-ID of an effect's mail.
pub fn message_id(task: &Task, from: &EmailAddress) -> String {
    let domain = from.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!("<{}@{domain}>", task.effect_id)
}

/// Writes the mail. Its date is the moment the effect was promised, so that every attempt sends
/// the same bytes but for the boundary between its parts.
///
/// # Errors
/// `Usage` when an address cannot stand in a header.
pub fn write(task: &Task, mail: &SendMail, from: &EmailAddress) -> Result<Message> {
    let mut builder = Message::builder()
        .from(mailbox(from, Some(&mail.from_name))?)
        .to(mailbox(&mail.to, None)?)
        .subject(&mail.subject)
        .message_id(Some(message_id(task, from)))
        .date(task.created_at.utc().into())
        .header(EffectHeader(task.effect_id.to_string()));
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.reply_to(mailbox(reply_to, None)?);
    }
    let written = match &mail.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone())),
        None => builder.body(mail.text.clone()),
    };
    written.map_err(|error| Error::usage("the mail cannot be written").source(error))
}

fn mailbox(address: &EmailAddress, name: Option<&str>) -> Result<Mailbox> {
    let address = address
        .as_str()
        .parse()
        .map_err(|error| Error::usage(format!("`{address}` cannot stand in a mail")).source(error))?;
    // A control character in a name would end the header, and lettre panics at it.
    let plain = |name: &str| name.split(char::is_control).collect::<Vec<_>>().join(" ");
    Ok(Mailbox::new(name.map(plain), address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::model::EffectId;
    use crate::model::effect::EffectRequest;

    #[test]
    fn a_mail_carries_its_effect_and_cannot_be_injected_into() {
        let mail = SendMail {
            to: EmailAddress::parse("jo@example.com").unwrap(),
            from_name: "Acme\r\nBcc: x@example.com".into(),
            reply_to: Some(EmailAddress::parse("lead@example.com").unwrap()),
            subject: "Grüße\r\nBcc: x@example.com".into(),
            text: "Hello\r\n.\r\nthere".into(),
            html: Some("<p>Hello</p>".into()),
        };
        let task = Task {
            effect_id: EffectId::new(Timestamp::from_millis(0)),
            request: EffectRequest::SendMail(mail.clone()),
            evidence: None,
            created_at: Timestamp::from_millis(1_790_000_000_000),
        };
        let from = EmailAddress::parse("office@acme.example.com").unwrap();
        let text = String::from_utf8(write(&task, &mail, &from).unwrap().formatted()).unwrap();
        assert!(text.contains(&format!("{EFFECT_HEADER}: {}", task.effect_id)), "{text}");
        assert!(text.contains(&format!("Message-ID: <{}@acme.example.com>", task.effect_id)), "{text}");
        assert!(text.contains("Date: Mon, 21 Sep 2026 14:13:20 +0000"), "{text}");
        assert!(!text.contains("\r\nBcc:"), "{text}");
    }
}
