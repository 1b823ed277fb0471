//! From a step to the effect it promises: holes filled, texts read, a connection chosen.

use std::time::Duration;

use chrono_tz::Tz;
use minijinja::Value;
use serde::Deserialize;

use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::engine::action::{self, Action};
use crate::engine::context::moment_of;
use crate::engine::hours::duration;
use crate::engine::plan::Situation;
use crate::engine::render::Renderer;
use crate::engine::route::{self, Audience};
use crate::model::ConnectionId;
use crate::model::address::EmailAddress;
use crate::model::appointment::Intent;
use crate::model::automation::LAYOUT;
use crate::model::connection::{Connection, ConnectionKind};
use crate::model::diary::EntryChange;
use crate::model::effect::EffectKind;
use crate::model::event::{CalendarEvent, EventKind, MailEvent};
use crate::model::hours::BusinessHours;
use crate::model::mail::MailKind;
use crate::model::message::MessageClass;
use crate::model::request::{
    AppendRow, CancelEvent, CreateEvent, EffectRequest, FindSlot, LabelMail, Letter, PostWebhook, SendMail,
    Thread, UpdateEvent, UpdateRow,
};

/// What a step's texts are read with.
pub struct Scene<'a> {
    pub situation: &'a Situation<'a>,
    pub renderer: &'a Renderer,
    pub context: &'a Value,
    pub zone: Tz,
}

/// Business hours are looked through this far ahead at most.
const HORIZON: Duration = Duration::from_secs(92 * 86_400);

/// References kept of a long conversation; the first and the last of them matter most.
const REFERENCES: usize = 20;

/// How long after what it answers a message counts as an answer at once.
const AT_ONCE: Duration = Duration::from_secs(15 * 60);

/// What comes of a step's action.
pub enum Promised {
    Effect(ConnectionId, Box<EffectRequest>),
    /// Nothing is to be done, and why.
    Nothing(&'static str),
}

impl<'a> Scene<'a> {
    /// Returns what the action asks of which connection.
    ///
    /// # Errors
    /// `Usage` when a text cannot be read; `Conflict` when no connection can carry it.
    pub fn promise(&self, action: &Action) -> Result<Promised> {
        let (connection, request) = match action {
            Action::SendMessage(message) => self.message(message)?,
            Action::NotifyOwner(notice) => self.notice(notice)?,
            Action::Reply(_) if self.is_automatic()? => {
                // RFC 3834, section 2: two machines would answer each other for ever.
                return Ok(Promised::Nothing("a mail that no person wrote is not answered"));
            }
            Action::Reply(reply) => {
                let class = MessageClass::Transactional;
                let mail = self.mail(&reply.template, &reply.to, reply.reply_to.as_deref(), Some(class))?;
                let letter = Some(self.letter(class, true, None)?);
                let mail = SendMail { letter, ..self.answering(mail)? };
                (self.google(EffectKind::SendMail)?, EffectRequest::SendMail(mail))
            }
            Action::Draft(draft) => {
                let mail = self.mail(&draft.template, &draft.to, None, None)?;
                let mail = if draft.reply { self.answering(mail)? } else { mail };
                (self.google(EffectKind::DraftMail)?, EffectRequest::DraftMail(mail))
            }
            Action::Label(label) => {
                (self.google(EffectKind::LabelMail)?, EffectRequest::LabelMail(self.label(label)?))
            }
            Action::AppendRow(append) => {
                (self.google(EffectKind::AppendRow)?, EffectRequest::AppendRow(self.append(append)?))
            }
            Action::UpdateRow(update) => {
                (self.google(EffectKind::UpdateRow)?, EffectRequest::UpdateRow(self.update_row(update)?))
            }
            Action::CreateEvent(create) => {
                (self.google(EffectKind::CreateEvent)?, EffectRequest::CreateEvent(self.create(create)?))
            }
            Action::UpdateEvent(update) => (
                self.google(EffectKind::UpdateEvent)?,
                EffectRequest::UpdateEvent(self.update_event(update)?),
            ),
            Action::CancelEvent(cancel) => {
                (self.google(EffectKind::CancelEvent)?, EffectRequest::CancelEvent(self.cancel(cancel)?))
            }
            Action::FindSlot(find) => {
                (self.google(EffectKind::FindSlot)?, EffectRequest::FindSlot(self.find_slot(find)?))
            }
            Action::PostWebhook(webhook) => self.webhook(webhook)?,
            Action::UpdateLead(_)
            | Action::UpdateContact(_)
            | Action::CreateJob(_)
            | Action::CompleteJob(_)
            | Action::AdvanceJob(_)
            | Action::CreateTask(_)
            | Action::ComposeDigest(_)
            | Action::Wait(_)
            | Action::Condition(_)
            | Action::Stop(_) => return Ok(Promised::Nothing("it promises nothing")),
        };
        Ok(Promised::Effect(connection.id.clone(), Box::new(request)))
    }

    pub(super) fn text(&self, source: &str) -> Result<String> {
        self.renderer.text(source, self.context)
    }

    pub(super) fn optional(&self, source: Option<&String>) -> Result<Option<String>> {
        source.map(|source| self.text(source)).transpose()
    }

    /// The connection that told of what started the run carries what comes of it.
    fn google(&self, kind: EffectKind) -> Result<&'a Connection> {
        #[derive(Deserialize)]
        struct Origin {
            connection_id: Option<ConnectionId>,
        }
        let situation = self.situation;
        let event = situation.facts.event;
        if event.kind != EventKind::ConnectionFailing {
            let origin: Origin = event.payload.read()?;
            let found = situation.connections.iter().find(|c| Some(&c.id) == origin.connection_id.as_ref());
            if let Some(connection) = found {
                return Ok(connection);
            }
        }
        route::for_google(situation.connections, kind)
    }

    fn message(&self, message: &action::Message) -> Result<(&'a Connection, EffectRequest)> {
        let (template, to, class) = (&message.template, &message.to, message.class);
        let mail = self.mail(template, to, message.reply_to.as_deref(), Some(class))?;
        let letter = self.letter(message.class, message.at_once, message.expires.as_ref())?;
        let unsubscribe_url = match message.class {
            MessageClass::Transactional => None,
            MessageClass::Commercial => Some(self.unsubscribe_url()?),
        };
        let mail = SendMail { letter: Some(letter), unsubscribe_url, ..mail };
        let (connection, mut mail) =
            self.in_conversation(mail, Audience::Customer, message.via, message.follows.as_deref())?;
        if mail.reply_to.is_none() && connection.kind == ConnectionKind::Smtp {
            // Nobody reads what comes back to a relay's address.
            mail.reply_to = Some(self.situation.facts.tenant.owner_email.clone());
        }
        Ok((connection, EffectRequest::SendMail(mail)))
    }

    fn notice(&self, notice: &action::Notice) -> Result<(&'a Connection, EffectRequest)> {
        let mail = self.mail(&notice.template, &notice.to, notice.reply_to.as_deref(), None)?;
        let (connection, mail) =
            self.in_conversation(mail, Audience::Owner, notice.via, notice.follows.as_deref())?;
        Ok((connection, EffectRequest::SendMail(mail)))
    }

    /// Chooses the connection that carries a mail, and makes it go on with an earlier one.
    fn in_conversation(
        &self,
        mut mail: SendMail,
        audience: Audience,
        via: Option<ConnectionKind>,
        follows: Option<&str>,
    ) -> Result<(&'a Connection, SendMail)> {
        let mut connection = route::for_mail(self.situation.connections, audience, via)?;
        if let Some(step) = follows
            && let Some(earlier) = self.earlier(step)?
        {
            connection = earlier.connection;
            mail.subject = answer_to(&earlier.subject);
            mail.thread = Some(earlier.thread);
        }
        Ok((connection, mail))
    }

    /// Returns what the gate will look at.
    fn letter(&self, class: MessageClass, at_once: bool, expires: Option<&String>) -> Result<Letter> {
        let facts = self.situation.facts;
        let expires = self.optional(expires)?.map(|text| text.trim().to_owned());
        let expires = expires.filter(|text| !text.is_empty() && text != "none");
        let intent = match facts.event.kind {
            EventKind::CalendarEvent => Some(intent(&facts.event.payload.read()?, self.zone)),
            _ => None,
        };
        Ok(Letter {
            class,
            contact_id: facts.contact.map(|person| person.contact.id.clone()),
            at_once_until: at_once.then_some(facts.event.received_at + AT_ONCE),
            expires_at: expires.map(|text| moment(&text)).transpose()?,
            intent,
        })
    }

    fn unsubscribe_url(&self) -> Result<String> {
        let facts = self.situation.facts;
        if facts.tenant.settings()?.postal_address.trim().is_empty() {
            let slug = &facts.tenant.slug;
            return Err(Error::conflict("commercial mail needs the business's postal address")
                .hint(format!("run `nexora tenant set {slug} postal_address=\"…\"`")));
        }
        facts.links.unsubscribe.clone().ok_or_else(|| Error::conflict("commercial mail needs a contact"))
    }

    fn mail(
        &self,
        template: &str,
        to: &str,
        reply_to: Option<&str>,
        class: Option<MessageClass>,
    ) -> Result<SendMail> {
        let template = self.text(template)?;
        let found = self.situation.templates.get(template.trim());
        let found = found.ok_or_else(|| Error::internal(format!("message template `{template}` is gone")))?;
        let layout = self.situation.templates.get(LAYOUT);
        let rendered = self.renderer.message(found, layout, class, self.context)?;
        let reply_to = reply_to.map(|text| self.text(text)).transpose()?.filter(|text| !text.is_empty());
        Ok(SendMail {
            to: self.text(to)?.parse()?,
            from_name: self.situation.facts.tenant.name.clone(),
            reply_to: reply_to.map(|text| text.parse()).transpose()?,
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            thread: None,
            attachments: rendered.attachments,
            letter: None,
            unsubscribe_url: None,
        })
    }

    /// Tells whether the mail that started the run is not from a person.
    fn is_automatic(&self) -> Result<bool> {
        let event: MailEvent = self.situation.facts.event.payload.read()?;
        Ok(event.mail.kind != MailKind::Person)
    }

    /// Makes the mail an answer to the one that started the run.
    fn answering(&self, mail: SendMail) -> Result<SendMail> {
        let event: MailEvent = self.situation.facts.event.payload.read()?;
        let mut references = event.mail.references;
        references.extend(event.mail.message_id);
        Ok(SendMail {
            subject: answer_to(&event.mail.subject),
            thread: Some(Thread { id: Some(event.thread_id), references: shortened(references) }),
            ..mail
        })
    }

    /// Returns what is known of an earlier step's mail; nothing when that step sent none.
    fn earlier(&self, step: &str) -> Result<Option<Earlier<'a>>> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Output {
            thread_id: Option<String>,
            message_id: Option<String>,
        }
        let situation = self.situation;
        let Some(effect) = situation.effects.iter().find(|effect| effect.step == step) else {
            return Ok(None);
        };
        let connection = situation.connections.iter().find(|c| c.id == effect.connection_id);
        let (Some(connection), EffectRequest::SendMail(sent)) = (connection, effect.request.read()?) else {
            return Ok(None);
        };
        let output: Output = effect.output.as_ref().map(Json::read).transpose()?.unwrap_or_default();
        let mut references = sent.thread.unwrap_or_default().references;
        references.extend(output.message_id);
        let thread = Thread { id: output.thread_id, references: shortened(references) };
        Ok(Some(Earlier { connection, subject: sent.subject, thread }))
    }

    fn label(&self, label: &action::Label) -> Result<LabelMail> {
        let names = |sources: &[String]| -> Result<Vec<String>> {
            let texts = sources.iter().map(|source| Ok(self.text(source)?.trim().to_owned()));
            Ok(texts.collect::<Result<Vec<_>>>()?.into_iter().filter(|name| !name.is_empty()).collect())
        };
        let request = LabelMail {
            message: self.text(&label.message)?,
            add: names(&label.add)?,
            remove: names(&label.remove)?,
        };
        action::check_labels(request.add.iter().chain(&request.remove))?;
        Ok(request)
    }

    fn webhook(&self, webhook: &action::Webhook) -> Result<(&'a Connection, EffectRequest)> {
        let name = self.optional(webhook.connection.as_ref())?;
        let connection = route::for_webhook(self.situation.connections, name.as_deref())?;
        let event = self.text(&webhook.event)?;
        let data: serde_json::Map<String, serde_json::Value> =
            self.cells(&webhook.data)?.into_iter().map(|(name, text)| (name, text.into())).collect();
        let body = serde_json::json!({ "type": event, "timestamp": self.situation.now, "data": data });
        Ok((connection, EffectRequest::PostWebhook(PostWebhook { event, body: body.to_string() })))
    }

    fn cells(&self, row: &action::Row) -> Result<Vec<(String, String)>> {
        row.0.iter().map(|(header, cell)| Ok((header.clone(), self.text(cell)?))).collect()
    }

    fn append(&self, append: &action::AppendRow) -> Result<AppendRow> {
        Ok(AppendRow {
            spreadsheet: self.text(&append.spreadsheet)?,
            sheet: self.text(&append.sheet)?,
            cells: self.cells(&append.row)?,
        })
    }

    fn update_row(&self, update: &action::UpdateRow) -> Result<UpdateRow> {
        let value = self.text(&update.value)?.trim().to_owned();
        if value.is_empty() {
            return Err(Error::usage("`value` is empty: it names no row"));
        }
        Ok(UpdateRow {
            spreadsheet: self.text(&update.spreadsheet)?,
            sheet: self.text(&update.sheet)?,
            key: (self.text(&update.key)?, value),
            cells: self.cells(&update.row)?,
            if_missing: update.if_missing,
        })
    }

    fn create(&self, create: &action::CreateEvent) -> Result<CreateEvent> {
        let length = duration(&self.text(&create.length)?)?;
        let start = match (&create.start, &create.after, &create.hours) {
            (Some(start), _, _) => moment(&self.text(start)?)?,
            (None, Some(after), Some(hours)) => {
                let hours = BusinessHours::parse(&self.text(hours)?)?;
                hours.next_open(self.situation.now + duration(&self.text(after)?)?, length, self.zone)
            }
            (None, _, _) => return Err(Error::usage("nothing says when the entry begins")),
        };
        Ok(CreateEvent {
            calendar: self.text(&create.calendar)?,
            title: self.text(&create.title)?,
            description: self.text(&create.description)?.trim().to_owned(),
            location: Some(self.text(&create.location)?).filter(|place| !place.is_empty()),
            start,
            end: start + length,
            timezone: self.situation.facts.tenant.timezone.clone(),
            attendees: addresses(&self.text(&create.attendees)?)?,
            notify: create.notify,
        })
    }

    fn update_event(&self, update: &action::UpdateEvent) -> Result<UpdateEvent> {
        let time = match (&update.start, &update.length) {
            (Some(start), Some(length)) => {
                let start = moment(&self.text(start)?)?;
                Some((start, start + duration(&self.text(length)?)?))
            }
            _ => None,
        };
        let attendees = self.optional(update.attendees.as_ref())?;
        Ok(UpdateEvent {
            calendar: self.text(&update.calendar)?,
            entry: named(&self.text(&update.event)?)?,
            title: self.optional(update.title.as_ref())?,
            description: self.optional(update.description.as_ref())?,
            location: self.optional(update.location.as_ref())?,
            time,
            timezone: self.situation.facts.tenant.timezone.clone(),
            color: self.optional(update.color.as_ref())?,
            attendees: attendees.map(|text| addresses(&text)).transpose()?,
            notify: update.notify,
        })
    }

    fn cancel(&self, cancel: &action::CancelEvent) -> Result<CancelEvent> {
        let entry = named(&self.text(&cancel.event)?)?;
        Ok(CancelEvent { calendar: self.text(&cancel.calendar)?, entry, notify: cancel.notify })
    }

    fn find_slot(&self, find: &action::FindSlot) -> Result<FindSlot> {
        let time = |source: &str| duration(&self.text(source)?);
        let now = self.situation.now;
        let hours = BusinessHours::parse(&self.text(&find.hours)?)?;
        let within = time(&find.within)?;
        if within > HORIZON {
            return Err(Error::usage("`within` is more than 92 days"));
        }
        let calendars = self.text(&find.calendar)?;
        let calendars = calendars.split(',').map(str::trim).filter(|calendar| !calendar.is_empty());
        Ok(FindSlot {
            calendars: calendars.map(str::to_owned).collect(),
            open: hours.openings(now + time(&find.after)?, now + within, self.zone),
            length_ms: millis(time(&find.length)?),
            buffer_ms: millis(time(&find.buffer)?),
            step_ms: millis(time(&find.step)?),
        })
    }
}

/// Returns what a message says about the entry that started its run.
fn intent(event: &CalendarEvent, zone: Tz) -> Intent {
    let starts_at = event.entry.start.as_ref().and_then(|when| moment_of(when, zone));
    Intent {
        connection_id: event.connection_id.clone(),
        calendar: event.calendar.clone(),
        entry_id: event.entry.id.clone(),
        starts_at: starts_at.filter(|_| event.change != EntryChange::Cancelled),
    }
}

/// An earlier step's mail.
struct Earlier<'a> {
    connection: &'a Connection,
    subject: String,
    thread: Thread,
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

fn addresses(text: &str) -> Result<Vec<EmailAddress>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect()
}

fn named(id: &str) -> Result<String> {
    match id.trim() {
        "" | "none" => Err(Error::usage("`event` is empty: it names no entry")),
        id => Ok(id.to_owned()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn moment(text: &str) -> Result<Timestamp> {
    Timestamp::parse(text.trim()).ok_or_else(|| {
        Error::usage(format!("`{text}` is not a time")).hint("give a time such as `{{ steps.slot.start }}`")
    })
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
