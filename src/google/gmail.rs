//! Mail through Gmail, exactly once where Gmail can be asked.
//!
//! Gmail rewrites the Message-ID of what it sends, so that cannot prove a send. A draft is made
//! first and its id noted; sending deletes the draft. Draft there: not sent. Draft gone: look among
//! the sent mails for our own header. Neither: a person must decide, and nothing is sent again.
//!
//! Nothing keeps a draft from being made twice. When the answer to one was lost, that it is not there is
//! believed only once no request can be on its way any more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use google_gmail1::api::Message;
use serde::{Deserialize, Serialize};

use crate::api::gmail::{Detail, GmailApi, Named, NamedMessage};
use crate::fault::Fault;
use nexora_connector::mail;
use nexora_connector::port::Delivery;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::EffectId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::mail::{EFFECT_HEADER, MARK_HEADER};
use nexora_core::model::outbound::{Content, MailContent, OutboundMessage};
use nexora_core::model::outcome::{Outcome, Receipt, ReconcileResult};
use nexora_core::model::request::EffectRequest;

pub struct Gmail {
    api: GmailApi,
    from: EmailAddress,
    /// Effects whose draft was asked for and not answered, and when.
    unanswered: Mutex<HashMap<EffectId, Timestamp>>,
}

/// How long a request may still arrive after nobody waits for its answer any more.
const ARRIVAL: Duration = Duration::from_secs(120);

/// What is noted between making the draft and sending it.
#[derive(Serialize, Deserialize)]
struct Evidence {
    draft_id: String,
    /// The draft's thread, which the mail that it becomes stays in.
    #[serde(default)]
    thread_id: Option<String>,
}

/// The headers that a mail of ours is known by.
const HEADERS: &[&str] = &[EFFECT_HEADER, MARK_HEADER, mail::DRAFT_HEADER, "Message-ID", SUBJECT];
const SUBJECT: &str = "Subject";

/// Mails looked through for our header at most: newest first, from just before the effect on.
const SEARCH_LIMIT: u32 = 100;
const SEARCH_MARGIN_MS: i64 = 300_000;

impl Gmail {
    pub fn new(api: GmailApi, from: EmailAddress) -> Gmail {
        Gmail { api, from, unanswered: Mutex::default() }
    }

    /// Makes the draft, or sends the one that the evidence names.
    pub async fn send(&self, delivery: &Delivery, request: &MailContent) -> Result<Outcome, Outcome> {
        if let Some(evidence) = evidence(delivery)? {
            return self.send_draft(evidence).await;
        }
        self.api.may_send().map_err(Fault::of_reading)?;
        let draft = self.make_draft(delivery, request).await?;
        let thread_id = draft.message.and_then(|message| message.thread_id);
        let evidence = Json::of(&Evidence { draft_id: draft.id, thread_id })
            .map_err(|error| in_doubt(&error.report()))?;
        Ok(Outcome::InProgress { evidence })
    }

    /// Makes a draft that a person is to look at and send.
    pub async fn draft(&self, delivery: &Delivery, request: &MailContent) -> Result<Outcome, Outcome> {
        let draft = self.make_draft(delivery, request).await?;
        let thread_id = draft.message.and_then(|message| message.thread_id);
        Ok(Outcome::Delivered(Receipt::named(Some(draft.id)).with("thread_id", thread_id)))
    }

    async fn make_draft(&self, delivery: &Delivery, request: &MailContent) -> Result<Named, Outcome> {
        let message = mail::write(delivery, request, &self.from)
            .map_err(|error| Outcome::Refused { reason: error.report() })?;
        let thread_id = request.thread.as_ref().and_then(|thread| thread.id.as_deref());
        self.note_asked(&delivery.effect_id);
        let made = self.api.create_draft(thread_id, &message.formatted()).await;
        // An attempt that is given up in mid-call does not come this far, and stays noted.
        if !matches!(made, Err(Fault::Lost(_) | Fault::Status { code: 408 | 504, .. })) {
            self.unanswered().remove(&delivery.effect_id);
        }
        made.map_err(Fault::of_change)
    }

    fn unanswered(&self) -> MutexGuard<'_, HashMap<EffectId, Timestamp>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_asked(&self, effect: &EffectId) {
        let now = self.api.caller.meter.now();
        let mut unanswered = self.unanswered();
        unanswered.retain(|_, asked_at| now.since(*asked_at) < ARRIVAL);
        unanswered.insert(effect.clone(), now);
    }

    /// Says that no draft is there, or, while a request for one may still arrive, that it cannot be said.
    fn not_there(&self, delivery: &Delivery) -> ReconcileResult {
        let asked_at = self.unanswered().get(&delivery.effect_id).copied();
        let waited = asked_at.map(|asked_at| self.api.caller.meter.now().since(asked_at));
        match waited.map(|waited| ARRIVAL.saturating_sub(waited)).filter(|left| !left.is_zero()) {
            Some(left) => ReconcileResult::Unanswered {
                reason: "the answer to the draft was lost, and the request may still arrive".to_owned(),
                after: Some(left),
            },
            None => ReconcileResult::NotDelivered,
        }
    }

    async fn send_draft(&self, evidence: Evidence) -> Result<Outcome, Outcome> {
        match self.api.send_draft(&evidence.draft_id).await {
            Ok(message) => Ok(Outcome::Delivered(self.receipt(message).await)),
            // The draft is gone: an earlier attempt may have sent it, or a person deleted it.
            Err(fault) if fault.status() == Some(404) => Err(in_doubt("the draft is gone")),
            Err(fault) => Err(fault.of_change()),
        }
    }

    /// Looks for proof that the mail was sent, or that it was not.
    pub async fn find(&self, delivery: &Delivery) -> Result<ReconcileResult, Fault> {
        let found = self.find_noted(delivery).await?;
        match (&found, delivery.unseen_since) {
            (ReconcileResult::NotDelivered, Some(_)) => self.find_unseen(delivery).await,
            _ => Ok(found),
        }
    }

    /// Looks among the mails that were sent since a time of which nothing is noted: for this one, and for one like it.
    async fn find_unseen(&self, delivery: &Delivery) -> Result<ReconcileResult, Fault> {
        let sent = self.sent_since(delivery).await?;
        let mut is_alike = None;
        for id in &sent {
            let Some(found) = self.headers(id).await? else { continue };
            if is_of(&found, delivery) {
                return Ok(ReconcileResult::Delivered(named(found)));
            }
            if header(&found, EFFECT_HEADER).is_some() && has_subject(&found, delivery) {
                is_alike =
                    Some("a mail of ours with the same subject went to the same address since the backup");
            }
        }
        if usize::try_from(SEARCH_LIMIT).is_ok_and(|limit| sent.len() >= limit) {
            is_alike = Some("more mails went to the same address since the backup than are looked through");
        }
        Ok(match is_alike {
            Some(reason) => ReconcileResult::Unknown { reason: reason.to_owned() },
            None => ReconcileResult::NotDelivered,
        })
    }

    async fn find_noted(&self, delivery: &Delivery) -> Result<ReconcileResult, Fault> {
        let Ok(Some(evidence)) = evidence(delivery) else { return self.find_orphan(delivery).await };
        match self.api.draft(&evidence.draft_id).await? {
            Some(_) => Ok(unsent(evidence)),
            None => self.find_sent(delivery).await,
        }
    }

    /// Says what a sent mail is called. Gmail gives it another Message-ID, which answers and later
    /// mails refer to; where that cannot be read now, it is done without.
    async fn receipt(&self, sent: NamedMessage) -> Receipt {
        let named = Receipt::named(Some(sent.id.clone())).with("thread_id", sent.thread_id);
        let message_id = self.headers(&sent.id).await.ok().flatten().and_then(|found| message_id(&found));
        named.with("message_id", message_id)
    }

    /// Looks for a draft that was made for a person, or for the mail that they made of it.
    pub async fn find_draft(&self, delivery: &Delivery) -> Result<ReconcileResult, Fault> {
        match self.find_orphan(delivery).await? {
            ReconcileResult::InProgress { evidence } => {
                let named = evidence.read().ok().map(|evidence: Evidence| evidence.draft_id);
                Ok(ReconcileResult::Delivered(Receipt::named(named)))
            }
            _ => match self.find_sent(delivery).await? {
                ReconcileResult::Unknown { .. } => Ok(self.not_there(delivery)),
                found => Ok(found),
            },
        }
    }

    /// Looks for the mail that the draft became: in the draft's thread, and else among the mails that
    /// were sent since.
    async fn find_sent(&self, delivery: &Delivery) -> Result<ReconcileResult, Fault> {
        let thread_id = evidence(delivery).ok().flatten().and_then(|evidence| evidence.thread_id);
        if let Some(thread_id) = &thread_id
            && let Some(found) = self.in_thread(delivery, thread_id).await?
        {
            return Ok(ReconcileResult::Delivered(named(found)));
        }
        for id in self.sent_since(delivery).await? {
            if let Some(found) = self.headers(&id).await?.filter(|found| is_of(found, delivery)) {
                return Ok(ReconcileResult::Delivered(named(found)));
            }
        }
        Ok(ReconcileResult::Unknown {
            reason: "the draft is gone and no sent mail carries this effect; somebody may have deleted it"
                .to_owned(),
        })
    }

    async fn in_thread(&self, delivery: &Delivery, thread_id: &str) -> Result<Option<Message>, Fault> {
        let is_sent = |message: &Message| {
            message.label_ids.iter().flatten().any(|label| label == "SENT") && is_of(message, delivery)
        };
        let messages = self.api.thread(thread_id, HEADERS).await?;
        Ok(messages.into_iter().flatten().find(is_sent))
    }

    /// Lists the mails sent to the same address since the effect was promised, newest first.
    async fn sent_since(&self, delivery: &Delivery) -> Result<Vec<String>, Fault> {
        let promised =
            delivery.unseen_since.map_or(delivery.created_at, |unseen| unseen.min(delivery.created_at));
        let since = (promised.millis() - SEARCH_MARGIN_MS) / 1_000;
        let query = match &delivery.request {
            EffectRequest::Send(OutboundMessage { content: Content::Mail(mail), .. })
            | EffectRequest::DraftMail(mail) => {
                format!("after:{since} to:{}", mail.to)
            }
            _ => format!("after:{since}"),
        };
        let listed = self.api.messages(&query, Some("SENT"), SEARCH_LIMIT, None).await?;
        Ok(listed.messages.unwrap_or_default().into_iter().filter_map(|message| message.id).collect())
    }

    /// A draft made just before a crash has no evidence here, but carries our header there.
    async fn find_orphan(&self, delivery: &Delivery) -> Result<ReconcileResult, Fault> {
        for draft in self.api.drafts(SEARCH_LIMIT).await? {
            let (Some(draft_id), Some(message)) = (draft.id, draft.message) else { continue };
            let Some(id) = message.id else { continue };
            if self.headers(&id).await?.is_some_and(|found| is_of(&found, delivery)) {
                return Ok(unsent(Evidence { draft_id, thread_id: message.thread_id }));
            }
        }
        Ok(self.not_there(delivery))
    }

    /// Reads a mail's headers, as far as they matter here; nothing when it is gone by now.
    async fn headers(&self, id: &str) -> Result<Option<Message>, Fault> {
        self.api.message(id, Detail::Headers(HEADERS)).await
    }

    /// Returns the mailbox's address, as Gmail knows it.
    pub async fn mailbox(&self) -> Result<String, Fault> {
        let profile = self.api.profile().await?;
        Ok(profile.email_address.unwrap_or_else(|| self.from.to_string()))
    }
}

fn evidence(delivery: &Delivery) -> Result<Option<Evidence>, Outcome> {
    let read = delivery.evidence.as_ref().map(Json::read).transpose();
    read.map_err(|error| Outcome::Refused { reason: error.report() })
}

fn unsent(evidence: Evidence) -> ReconcileResult {
    match Json::of(&evidence) {
        Ok(evidence) => ReconcileResult::InProgress { evidence },
        Err(error) => ReconcileResult::Unknown { reason: error.report() },
    }
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let headers = message.payload.as_ref()?.headers.as_ref()?;
    let found = headers.iter().find(|h| h.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    found?.value.as_deref()
}

/// Says what a mail of ours is called, by its headers.
fn named(found: Message) -> Receipt {
    let message_id = message_id(&found);
    Receipt::named(found.id).with("thread_id", found.thread_id).with("message_id", message_id)
}

fn is_of(message: &Message, delivery: &Delivery) -> bool {
    header(message, mail::header_of(delivery)) == Some(delivery.effect_id.as_str())
        || header(message, MARK_HEADER) == Some(delivery.mark.as_str())
}

/// Tells whether a mail has the subject of a delivery. One that is written in code words may have.
fn has_subject(message: &Message, delivery: &Delivery) -> bool {
    let wanted = match &delivery.request {
        EffectRequest::Send(OutboundMessage { content: Content::Mail(mail), .. })
        | EffectRequest::DraftMail(mail) => mail.subject.trim(),
        _ => return false,
    };
    header(message, SUBJECT).is_some_and(|subject| subject.trim() == wanted || subject.contains("=?"))
}

fn message_id(message: &Message) -> Option<String> {
    header(message, "Message-ID").map(|id| id.trim().trim_matches(['<', '>']).to_owned())
}

fn in_doubt(reason: &str) -> Outcome {
    Outcome::InDoubt { reason: reason.to_owned() }
}

#[cfg(test)]
#[path = "gmail_tests.rs"]
mod tests;
