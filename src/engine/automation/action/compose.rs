//! A mail put together: its template filled, its conversation continued, its envelope written.

use std::time::Duration;

use chrono_tz::Tz;
use serde::Deserialize;

use crate::automation::action::context::{StepContext, moment};
use crate::automation::argument::{StepName, Text};
use crate::automation::context::moment_of;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::appointment::Intent;
use nexora_core::model::automation::LAYOUT;
use nexora_core::model::calendar_entry::EntryChange;
use nexora_core::model::connection::Connection;
use nexora_core::model::event::{CalendarEvent, EventKind, MailEvent};
use nexora_core::model::message::MessageClass;
use nexora_core::model::outbound::{Content, Envelope, MailContent, Thread};
use nexora_core::model::request::EffectRequest;

/// What an answer refers to: an automation that is not started by a mail is refused by it.
pub const ANSWERED: &[&str] = &["message.id"];

/// References kept of a long conversation; the first and the last of them matter most.
const REFERENCES: usize = 20;

/// How long after what it answers a message counts as an answer at once.
const AT_ONCE: Duration = Duration::from_secs(15 * 60);

/// Fills a message template into a mail.
///
/// # Errors
/// `Usage` when a text cannot be read; `Internal` when the template is gone.
pub fn mail(
    context: &StepContext<'_>,
    template: &Text,
    to: &Text,
    reply_to: Option<&Text>,
    class: Option<MessageClass>,
) -> Result<MailContent> {
    let template = context.text(template)?;
    let found = context.templates.get(template.trim());
    let found = found.ok_or_else(|| Error::internal(format!("message template `{template}` is gone")))?;
    let layout = context.templates.get(LAYOUT);
    let rendered = context.renderer.message(found, layout, class, context.values)?;
    let reply_to = context.optional(reply_to)?.filter(|text| !text.is_empty());
    Ok(MailContent {
        to: context.text(to)?.parse()?,
        from_name: context.facts.tenant.name.clone(),
        reply_to: reply_to.map(|text| text.parse()).transpose()?,
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        thread: None,
        attachments: rendered.attachments,
        unsubscribe_url: None,
    })
}

/// Returns what the gate decides by.
///
/// # Errors
/// `Usage` when `expires` is not a time.
pub fn envelope(
    context: &StepContext<'_>,
    class: MessageClass,
    at_once: bool,
    expires: Option<&Text>,
) -> Result<Envelope> {
    let facts = context.facts;
    let expires = context.filled(expires)?.filter(|text| text != "none");
    let intent = match facts.event.kind {
        EventKind::CalendarEvent => Some(intent(&facts.event.payload.read()?, context.zone)),
        _ => None,
    };
    Ok(Envelope {
        class,
        contact_id: facts.contact.map(|person| person.contact.id.clone()),
        at_once_until: at_once.then_some(facts.event.received_at + AT_ONCE),
        expires_at: expires.map(|text| moment(&text)).transpose()?,
        intent,
    })
}

/// Returns where the contact ends commercial mail.
///
/// # Errors
/// `Conflict` when the tenant has no postal address, or the run is about no contact.
pub fn unsubscribe_url(context: &StepContext<'_>) -> Result<String> {
    let facts = context.facts;
    if facts.tenant.settings()?.postal_address.trim().is_empty() {
        let slug = &facts.tenant.slug;
        return Err(Error::conflict("commercial mail needs the business's postal address")
            .hint(format!("run `nexora tenant set {slug} postal_address=\"…\"`")));
    }
    facts.links.unsubscribe.clone().ok_or_else(|| Error::conflict("commercial mail needs a contact"))
}

/// Makes the mail an answer to the one that started the run.
pub fn answering(event: MailEvent, mail: MailContent) -> MailContent {
    let mut references = event.mail.references;
    references.extend(event.mail.message_id);
    MailContent {
        subject: answer_to(&event.mail.subject),
        thread: Some(Thread { id: Some(event.thread_id), references: shortened(references) }),
        ..mail
    }
}

/// Continues the conversation of an earlier step's mail, by the connection that carried it.
///
/// # Errors
/// `Internal` when the earlier effect cannot be read.
pub fn following<'a>(
    context: &StepContext<'a>,
    mail: MailContent,
    connection: &'a Connection,
    follows: Option<&StepName>,
) -> Result<(&'a Connection, MailContent)> {
    let earlier = follows.map(|step| earlier(context, step)).transpose()?.flatten();
    let Some(Earlier { connection, subject, thread }) = earlier else { return Ok((connection, mail)) };
    Ok((connection, MailContent { subject: answer_to(&subject), thread: Some(thread), ..mail }))
}

/// An earlier step's mail.
struct Earlier<'a> {
    connection: &'a Connection,
    subject: String,
    thread: Thread,
}

/// Returns what is known of an earlier step's mail; nothing when that step sent none.
fn earlier<'a>(context: &StepContext<'a>, step: &StepName) -> Result<Option<Earlier<'a>>> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Output {
        thread_id: Option<String>,
        message_id: Option<String>,
    }
    let Some(effect) = context.effects.iter().find(|effect| effect.step == step.0) else {
        return Ok(None);
    };
    let connection = context.connections.iter().find(|c| c.id == effect.connection_id);
    let request: EffectRequest = effect.request.read()?;
    let (Some(connection), Some(message)) = (connection, request.message()) else { return Ok(None) };
    let Content::Mail(sent) = &message.content;
    let output: Output = effect.output.as_ref().map(Json::read).transpose()?.unwrap_or_default();
    let mut references = sent.thread.clone().unwrap_or_default().references;
    references.extend(output.message_id);
    let thread = Thread { id: output.thread_id, references: shortened(references) };
    Ok(Some(Earlier { connection, subject: sent.subject.clone(), thread }))
}

/// Returns what a message says about the entry that started its run.
fn intent(event: &CalendarEvent, zone: Tz) -> Intent {
    let starts_at = event.entry.start.as_ref().and_then(|when| moment_of(when, zone));
    Intent {
        connection_id: event.connection_id.clone(),
        calendar: event.calendar.clone(),
        entry_id: event.entry.id.clone(),
        starts_at: starts_at.filter(|_| event.change != EntryChange::Cancelled),
        for_one: event.change == EntryChange::Cancelled && !event.entry.cancelled,
    }
}

/// Conversations are held together by their subject, too.
fn answer_to(subject: &str) -> String {
    let subject = subject.trim();
    let is_answer = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    if is_answer { subject.to_owned() } else { format!("Re: {subject}").trim().to_owned() }
}

/// Keeps the first and the latest (RFC 5322, section 3.6.4, lets the middle be left out).
fn shortened(mut references: Vec<String>) -> Vec<String> {
    references.dedup();
    let surplus = references.len().saturating_sub(REFERENCES);
    if surplus > 0 {
        references.drain(1..=surplus);
    }
    references
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_the_subject_and_the_ends_of_a_long_conversation() {
        assert_eq!(answer_to("Leaking tap"), "Re: Leaking tap");
        assert_eq!(answer_to(" RE: Leaking tap "), "RE: Leaking tap");
        assert_eq!(answer_to(""), "Re:");
        let ids: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let kept = shortened(ids);
        assert_eq!((kept.len(), kept[0].as_str(), kept[1].as_str()), (REFERENCES, "0", "31"));
        assert_eq!(kept.last().unwrap(), "49");
    }
}
