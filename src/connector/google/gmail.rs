//! Mail through Gmail, exactly once where Gmail can be asked.
//!
//! Gmail rewrites the Message-ID of what it sends, so that cannot prove a send. A draft is made
//! first and its id noted; sending deletes the draft. Draft there: not sent. Draft gone: look among
//! the sent mails for our own header. Neither: a person must decide, and nothing is sent again.

use std::io::Cursor;

use google_gmail1::api::{Draft, Message};
use serde::{Deserialize, Serialize};

use crate::base::text::Json;
use crate::connector::google::Endpoints;
use crate::connector::google::fault::Fault;
use crate::connector::google::hub::{Caller, Connect, Cost};
use crate::connector::{Task, mail};
use crate::model::address::EmailAddress;
use crate::model::effect::SendMail;
use crate::model::outcome::{Finding, Outcome};

pub struct Gmail {
    hub: google_gmail1::Gmail<Connect>,
    caller: Caller,
    from: EmailAddress,
}

/// What is noted between making the draft and sending it.
#[derive(Serialize, Deserialize)]
struct Evidence {
    draft_id: String,
}

const ME: &str = "me";

// Quota units of each method (Gmail API, "Usage limits").
const DRAFT: u32 = 10;
const SEND: u32 = 100;
const READ: u32 = 20;
const LIST: u32 = 5;
const PROFILE: u32 = 1;

/// Mails looked through for our header at most: newest first, from just before the effect on.
const SEARCH_LIMIT: u32 = 100;
const SEARCH_MARGIN_MS: i64 = 300_000;

impl Gmail {
    pub fn new(caller: &Caller, endpoints: &Endpoints, from: EmailAddress) -> Gmail {
        let mut hub = google_gmail1::Gmail::new(caller.client.clone(), caller.tokens.clone());
        hub.base_url(endpoints.gmail_url.clone());
        hub.root_url(endpoints.gmail_url.clone());
        Gmail { hub, caller: caller.clone(), from }
    }

    /// Makes the draft, or sends the one that the evidence names.
    pub async fn send(&self, task: &Task, request: &SendMail) -> Result<Outcome, Outcome> {
        match evidence(task)? {
            None => self.make_draft(task, request).await,
            Some(evidence) => self.send_draft(evidence).await,
        }
    }

    async fn make_draft(&self, task: &Task, request: &SendMail) -> Result<Outcome, Outcome> {
        let message = mail::write(task, request, &self.from)
            .map_err(|error| Outcome::Refused { reason: error.report() })?;
        let bytes = &message.formatted();
        let made = self
            .caller
            .call(Cost::Gmail(DRAFT), |mut watch| async move {
                let call = self.hub.users().drafts_create(Draft::default(), ME).delegate(&mut watch);
                call.upload(Cursor::new(bytes.clone()), rfc822()).await.map(|(_, draft)| draft)
            })
            .await;
        let draft = made.map_err(Fault::of_change)?;
        let draft_id = draft.id.ok_or_else(|| in_doubt("Gmail named no draft"))?;
        let evidence = Json::of(&Evidence { draft_id }).map_err(|error| in_doubt(&error.report()))?;
        Ok(Outcome::Partly { evidence })
    }

    async fn send_draft(&self, evidence: Evidence) -> Result<Outcome, Outcome> {
        let draft_id = &evidence.draft_id;
        let sent = self
            .caller
            .call(Cost::Gmail(SEND), |mut watch| async move {
                let draft = Draft { id: Some(draft_id.clone()), message: None };
                let call = self.hub.users().drafts_send(draft, ME).delegate(&mut watch);
                call.upload(Cursor::new(Vec::new()), rfc822()).await.map(|(_, message)| message)
            })
            .await;
        match sent {
            Ok(message) => Ok(Outcome::Delivered { provider_id: message.id }),
            // The draft is gone: an earlier attempt may have sent it, or a person deleted it.
            Err(fault) if fault.status() == Some(404) => Err(in_doubt("the draft is gone")),
            Err(fault) => Err(fault.of_change()),
        }
    }

    /// Looks for proof that the mail was sent, or that it was not.
    pub async fn find(&self, task: &Task) -> Result<Finding, Fault> {
        let Ok(Some(evidence)) = evidence(task) else { return self.find_orphan(task).await };
        let draft_id = &evidence.draft_id;
        let draft = self
            .caller
            .call(Cost::Gmail(READ), |mut watch| async move {
                let call = self.hub.users().drafts_get(ME, draft_id).format("minimal").delegate(&mut watch);
                call.doit().await.map(|_| ())
            })
            .await;
        match draft {
            Ok(()) => Ok(unsent(draft_id)),
            Err(fault) if fault.status() == Some(404) => self.find_sent(task).await,
            Err(fault) => Err(fault),
        }
    }

    async fn find_sent(&self, task: &Task) -> Result<Finding, Fault> {
        let since = (task.created_at.millis() - SEARCH_MARGIN_MS) / 1_000;
        let listed = self
            .caller
            .call(Cost::Gmail(LIST), |mut watch| async move {
                let call =
                    self.hub.users().messages_list(ME).add_label_ids("SENT").q(&format!("after:{since}"));
                call.max_results(SEARCH_LIMIT)
                    .delegate(&mut watch)
                    .doit()
                    .await
                    .map(|(_, list)| list.messages)
            })
            .await?;
        for id in listed.unwrap_or_default().into_iter().filter_map(|message| message.id) {
            if self.effect_of(&id).await?.as_deref() == Some(task.effect_id.as_str()) {
                return Ok(Finding::Delivered { provider_id: Some(id) });
            }
        }
        Ok(Finding::Unknown {
            reason: "the draft is gone and no sent mail carries this effect; somebody may have deleted it"
                .to_owned(),
        })
    }

    /// A draft made just before a crash has no evidence here, but carries our header there.
    async fn find_orphan(&self, task: &Task) -> Result<Finding, Fault> {
        let listed = self
            .caller
            .call(Cost::Gmail(LIST), |mut watch| async move {
                let call = self.hub.users().drafts_list(ME).max_results(SEARCH_LIMIT).delegate(&mut watch);
                call.doit().await.map(|(_, list)| list.drafts)
            })
            .await?;
        for draft in listed.unwrap_or_default() {
            let (Some(draft_id), Some(message)) = (draft.id, draft.message.and_then(|message| message.id))
            else {
                continue;
            };
            if self.effect_of(&message).await?.as_deref() == Some(task.effect_id.as_str()) {
                return Ok(unsent(&draft_id));
            }
        }
        Ok(Finding::NotDelivered)
    }

    /// Reads our header from a mail; a mail that is gone by now has none.
    async fn effect_of(&self, id: &str) -> Result<Option<String>, Fault> {
        let message = self
            .caller
            .call(Cost::Gmail(READ), |mut watch| async move {
                let call = self.hub.users().messages_get(ME, id).format("metadata");
                let call = call.add_metadata_headers(mail::EFFECT_HEADER).delegate(&mut watch);
                call.doit().await.map(|(_, message)| message)
            })
            .await;
        match message {
            Ok(message) => Ok(header(message, mail::EFFECT_HEADER)),
            Err(fault) if fault.status() == Some(404) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Returns the mailbox's address, as Gmail knows it.
    pub async fn mailbox(&self) -> Result<String, Fault> {
        let profile = self
            .caller
            .call(Cost::Gmail(PROFILE), |mut watch| async move {
                self.hub.users().get_profile(ME).delegate(&mut watch).doit().await.map(|(_, profile)| profile)
            })
            .await?;
        Ok(profile.email_address.unwrap_or_else(|| self.from.to_string()))
    }
}

fn evidence(task: &Task) -> Result<Option<Evidence>, Outcome> {
    let read = task.evidence.as_ref().map(Json::read).transpose();
    read.map_err(|error| Outcome::Refused { reason: error.report() })
}

fn unsent(draft_id: &str) -> Finding {
    match Json::of(&Evidence { draft_id: draft_id.to_owned() }) {
        Ok(evidence) => Finding::Partly { evidence },
        Err(error) => Finding::Unknown { reason: error.report() },
    }
}

fn header(message: Message, name: &str) -> Option<String> {
    let headers = message.payload?.headers?;
    headers.into_iter().find(|h| h.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)))?.value
}

fn in_doubt(reason: &str) -> Outcome {
    Outcome::InDoubt { reason: reason.to_owned() }
}

fn rfc822() -> mime::Mime {
    "message/rfc822".parse().unwrap_or(mime::APPLICATION_OCTET_STREAM)
}
