//! Mail through Gmail, exactly once where Gmail can be asked.
//!
//! Gmail rewrites the Message-ID of what it sends, so that cannot prove a send. A draft is made
//! first and its id noted; sending deletes the draft. Draft there: not sent. Draft gone: look among
//! the sent mails for our own header. Neither: a person must decide, and nothing is sent again.

use std::io::Cursor;

use google_gmail1::api::{Draft, Message};
use serde::{Deserialize, Serialize};

use crate::Endpoints;
use crate::fault::Fault;
use crate::hub::{Caller, Cost};
use nexora_connector::https::Connect;
use nexora_connector::{Task, mail};
use nexora_core::base::text::Json;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::outbound::{Content, MailContent, OutboundMessage};
use nexora_core::model::outcome::{Finding, Made, Outcome};
use nexora_core::model::request::EffectRequest;

pub struct Gmail {
    hub: google_gmail1::Gmail<Connect>,
    caller: Caller,
    from: EmailAddress,
}

/// What is noted between making the draft and sending it.
#[derive(Serialize, Deserialize)]
struct Evidence {
    draft_id: String,
    /// The draft's thread, which the mail that it becomes stays in.
    #[serde(default)]
    thread_id: Option<String>,
}

const ME: &str = "me";

/// The headers that a mail of ours is known by.
const HEADERS: [&str; 3] = [mail::EFFECT_HEADER, mail::DRAFT_HEADER, "Message-ID"];

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
    pub async fn send(&self, task: &Task, request: &MailContent) -> Result<Outcome, Outcome> {
        if let Some(evidence) = evidence(task)? {
            return self.send_draft(evidence).await;
        }
        let draft = self.make_draft(task, request).await?;
        let draft_id = draft.id.ok_or_else(|| in_doubt("Gmail named no draft"))?;
        let thread_id = draft.message.and_then(|message| message.thread_id);
        let evidence =
            Json::of(&Evidence { draft_id, thread_id }).map_err(|error| in_doubt(&error.report()))?;
        Ok(Outcome::Partly { evidence })
    }

    /// Makes a draft that a person is to look at and send.
    pub async fn draft(&self, task: &Task, request: &MailContent) -> Result<Outcome, Outcome> {
        let draft = self.make_draft(task, request).await?;
        let thread_id = draft.message.and_then(|message| message.thread_id);
        Ok(Outcome::Delivered(Made::named(draft.id).with("thread_id", thread_id)))
    }

    async fn make_draft(&self, task: &Task, request: &MailContent) -> Result<Draft, Outcome> {
        let message = mail::write(task, request, &self.from)
            .map_err(|error| Outcome::Refused { reason: error.report() })?;
        let bytes = &message.formatted();
        let thread_id = request.thread.as_ref().and_then(|thread| thread.id.clone());
        let draft = &match thread_id {
            Some(_) => Draft { id: None, message: Some(Message { thread_id, ..Message::default() }) },
            None => Draft::default(),
        };
        let made = self
            .caller
            .call(Cost::MAKE_DRAFT, |mut watch| async move {
                let call = self.hub.users().drafts_create(draft.clone(), ME).delegate(&mut watch);
                call.upload(Cursor::new(bytes.clone()), rfc822()).await.map(|(_, draft)| draft)
            })
            .await;
        made.map_err(Fault::of_change)
    }

    async fn send_draft(&self, evidence: Evidence) -> Result<Outcome, Outcome> {
        let draft_id = &evidence.draft_id;
        let sent = self
            .caller
            .call(Cost::SEND_DRAFT, |mut watch| async move {
                let draft = Draft { id: Some(draft_id.clone()), message: None };
                let call = self.hub.users().drafts_send(draft, ME).delegate(&mut watch);
                call.upload(Cursor::new(Vec::new()), rfc822()).await.map(|(_, message)| message)
            })
            .await;
        match sent {
            Ok(message) => Ok(Outcome::Delivered(self.made(message).await)),
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
            .call(Cost::GET_MAIL, |mut watch| async move {
                let call = self.hub.users().drafts_get(ME, draft_id).format("minimal").delegate(&mut watch);
                call.doit().await.map(|_| ())
            })
            .await;
        match draft {
            Ok(()) => Ok(unsent(evidence)),
            Err(fault) if fault.status() == Some(404) => self.find_sent(task).await,
            Err(fault) => Err(fault),
        }
    }

    /// Says what a sent mail is called. Gmail gives it another Message-ID, which answers and later
    /// mails refer to; where that cannot be read now, it is done without.
    async fn made(&self, sent: Message) -> Made {
        let named = Made::named(sent.id.clone()).with("thread_id", sent.thread_id);
        let Some(id) = sent.id else { return named };
        let message_id = self.headers(&id).await.ok().flatten().and_then(|found| message_id(&found));
        named.with("message_id", message_id)
    }

    /// Looks for a draft that was made for a person, or for the mail that they made of it.
    pub async fn find_draft(&self, task: &Task) -> Result<Finding, Fault> {
        match self.find_orphan(task).await? {
            Finding::Partly { evidence } => {
                let named = evidence.read().ok().map(|evidence: Evidence| evidence.draft_id);
                Ok(Finding::Delivered(Made::named(named)))
            }
            _ => match self.find_sent(task).await? {
                Finding::Unknown { .. } => Ok(Finding::NotDelivered),
                found => Ok(found),
            },
        }
    }

    /// Looks for the mail that the draft became: in the draft's thread, and else among the mails that
    /// were sent since.
    async fn find_sent(&self, task: &Task) -> Result<Finding, Fault> {
        let thread_id = evidence(task).ok().flatten().and_then(|evidence| evidence.thread_id);
        if let Some(thread_id) = &thread_id
            && let Some(found) = self.in_thread(task, thread_id).await?
        {
            return Ok(Finding::Delivered(named(found)));
        }
        for id in self.sent_since(task).await? {
            if let Some(found) = self.headers(&id).await?.filter(|found| is_of(found, task)) {
                return Ok(Finding::Delivered(named(found)));
            }
        }
        Ok(Finding::Unknown {
            reason: "the draft is gone and no sent mail carries this effect; somebody may have deleted it"
                .to_owned(),
        })
    }

    async fn in_thread(&self, task: &Task, thread_id: &str) -> Result<Option<Message>, Fault> {
        let read = self.caller.call(Cost::GET_THREAD, |mut watch| async move {
            let call = self.hub.users().threads_get(ME, thread_id).format("metadata");
            let call = HEADERS.iter().fold(call, |call, header| call.add_metadata_headers(header));
            call.delegate(&mut watch).doit().await.map(|(_, thread)| thread.messages)
        });
        match read.await {
            Ok(messages) => {
                let is_sent = |message: &Message| {
                    message.label_ids.iter().flatten().any(|label| label == "SENT") && is_of(message, task)
                };
                Ok(messages.unwrap_or_default().into_iter().find(is_sent))
            }
            Err(fault) if fault.status() == Some(404) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Lists the mails sent to the same address since the effect was promised, newest first.
    async fn sent_since(&self, task: &Task) -> Result<Vec<String>, Fault> {
        let since = (task.created_at.millis() - SEARCH_MARGIN_MS) / 1_000;
        let query = match &task.request {
            EffectRequest::Send(OutboundMessage { content: Content::Mail(mail), .. })
            | EffectRequest::DraftMail(mail) => {
                format!("after:{since} to:{}", mail.to)
            }
            _ => format!("after:{since}"),
        };
        let query = &query;
        let listed = self.caller.call(Cost::LIST_MAILS, |mut watch| async move {
            let call = self.hub.users().messages_list(ME).add_label_ids("SENT").q(query);
            let call = call.max_results(SEARCH_LIMIT).delegate(&mut watch);
            call.doit().await.map(|(_, list)| list.messages)
        });
        Ok(listed.await?.unwrap_or_default().into_iter().filter_map(|message| message.id).collect())
    }

    /// A draft made just before a crash has no evidence here, but carries our header there.
    async fn find_orphan(&self, task: &Task) -> Result<Finding, Fault> {
        let listed = self
            .caller
            .call(Cost::LIST_MAILS, |mut watch| async move {
                let call = self.hub.users().drafts_list(ME).max_results(SEARCH_LIMIT).delegate(&mut watch);
                call.doit().await.map(|(_, list)| list.drafts)
            })
            .await?;
        for draft in listed.unwrap_or_default() {
            let (Some(draft_id), Some(message)) = (draft.id, draft.message) else { continue };
            let Some(id) = message.id else { continue };
            if self.headers(&id).await?.is_some_and(|found| is_of(&found, task)) {
                return Ok(unsent(Evidence { draft_id, thread_id: message.thread_id }));
            }
        }
        Ok(Finding::NotDelivered)
    }

    /// Reads a mail's headers, as far as they matter here; nothing when it is gone by now.
    async fn headers(&self, id: &str) -> Result<Option<Message>, Fault> {
        let message = self
            .caller
            .call(Cost::GET_MAIL, |mut watch| async move {
                let call = self.hub.users().messages_get(ME, id).format("metadata");
                let call = HEADERS.iter().fold(call, |call, header| call.add_metadata_headers(header));
                let call = call.delegate(&mut watch);
                call.doit().await.map(|(_, message)| message)
            })
            .await;
        match message {
            Ok(message) => Ok(Some(message)),
            Err(fault) if fault.status() == Some(404) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Returns the mailbox's address, as Gmail knows it.
    pub async fn mailbox(&self) -> Result<String, Fault> {
        let profile = self
            .caller
            .call(Cost::GET_PROFILE, |mut watch| async move {
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

fn unsent(evidence: Evidence) -> Finding {
    match Json::of(&evidence) {
        Ok(evidence) => Finding::Partly { evidence },
        Err(error) => Finding::Unknown { reason: error.report() },
    }
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let headers = message.payload.as_ref()?.headers.as_ref()?;
    let found = headers.iter().find(|h| h.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    found?.value.as_deref()
}

/// Says what a mail of ours is called, by its headers.
fn named(found: Message) -> Made {
    let message_id = message_id(&found);
    Made::named(found.id).with("thread_id", found.thread_id).with("message_id", message_id)
}

fn is_of(message: &Message, task: &Task) -> bool {
    header(message, mail::header_of(task)) == Some(task.effect_id.as_str())
}

fn message_id(message: &Message) -> Option<String> {
    header(message, "Message-ID").map(|id| id.trim().trim_matches(['<', '>']).to_owned())
}

fn in_doubt(reason: &str) -> Outcome {
    Outcome::InDoubt { reason: reason.to_owned() }
}

fn rfc822() -> mime::Mime {
    "message/rfc822".parse().unwrap_or(mime::APPLICATION_OCTET_STREAM)
}
