//! Gmail API, version 1.

use std::io::Cursor;

use google_gmail1::api::{
    Draft, Label, ListHistoryResponse, ListMessagesResponse, Message, ModifyMessageRequest, Profile,
};

use crate::call::{Caller, Send};
use crate::fault::Fault;
use crate::http::encoded;
use crate::quota::Cost;
use nexora_connector::https::Connect;
use nexora_core::base::secret::Secret;
use nexora_core::model::google::GoogleEndpoints;

const ME: &str = "me";

/// What each method takes of the quota, in units (Gmail API, "Usage limits").
const GET_PROFILE: Cost = Cost::Gmail(1);
const LIST_HISTORY: Cost = Cost::Gmail(2);
const LIST_MAILS: Cost = Cost::Gmail(5);
pub const GET_MAIL: Cost = Cost::Gmail(20);
const GET_THREAD: Cost = Cost::Gmail(40);
const MAKE_DRAFT: Cost = Cost::Gmail(10);
const SEND_DRAFT: Cost = Cost::Gmail(100);
const LIST_LABELS: Cost = Cost::Gmail(1);
const MAKE_LABEL: Cost = Cost::Gmail(5);
const LABEL_MAIL: Cost = Cost::Gmail(5);

/// How much of a mail is read.
#[derive(Clone, Copy)]
pub enum Detail {
    /// Its ids and labels.
    Minimal,
    /// Some of its headers besides.
    Headers(&'static [&'static str]),
}

#[derive(Clone)]
pub struct GmailApi {
    pub caller: Caller,
    base_url: String,
}

impl GmailApi {
    pub fn new(caller: Caller, endpoints: &GoogleEndpoints) -> GmailApi {
        GmailApi { caller, base_url: endpoints.gmail_url.clone() }
    }

    /// Returns the address of a mail, for what is read of it without the generated client.
    pub fn mail_url(&self, id: &str) -> String {
        format!("{}gmail/v1/users/me/messages/{}", self.base_url, encoded(id))
    }

    fn hub(&self, token: &Secret) -> google_gmail1::Gmail<Connect> {
        let mut hub = google_gmail1::Gmail::new(self.caller.client.clone(), token.expose().to_owned());
        hub.base_url(self.base_url.clone());
        hub.root_url(self.base_url.clone());
        hub
    }

    /// Reads what the mailbox is called, and where its history stands.
    pub async fn profile(&self) -> Result<Profile, Fault> {
        let send: &Send<'_, Profile> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().get_profile(ME).delegate(&mut attempt.watch);
                call.doit().await.map(|(_, profile)| profile)
            })
        };
        self.caller.call(GET_PROFILE, send).await
    }

    /// Lists mails, of a label where one is given, newest first.
    pub async fn messages(
        &self,
        query: &str,
        label: Option<&str>,
        limit: u32,
        page: Option<&str>,
    ) -> Result<ListMessagesResponse, Fault> {
        let send: &Send<'_, ListMessagesResponse> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let mut call = hub.users().messages_list(ME).q(query).max_results(limit);
                if let Some(label) = label {
                    call = call.add_label_ids(label);
                }
                if let Some(page) = page {
                    call = call.page_token(page);
                }
                call.delegate(&mut attempt.watch).doit().await.map(|(_, list)| list)
            })
        };
        self.caller.call(LIST_MAILS, send).await
    }

    /// Reads what stands at the head of a mail; nothing when it is gone.
    pub async fn message(&self, id: &str, detail: Detail) -> Result<Option<Message>, Fault> {
        let send: &Send<'_, Message> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let mut call = hub.users().messages_get(ME, &encoded(id));
                match detail {
                    Detail::Minimal => call = call.format("minimal"),
                    Detail::Headers(headers) => {
                        call = call.format("metadata");
                        call = headers.iter().fold(call, |call, header| call.add_metadata_headers(header));
                    }
                }
                call.delegate(&mut attempt.watch).doit().await.map(|(_, message)| message)
            })
        };
        self.caller.call(GET_MAIL, send).await.map(Some).or_else(Fault::or_gone)
    }

    /// Lists what happened since a point of the history, oldest first.
    pub async fn history(&self, since: u64, page: Option<&str>) -> Result<ListHistoryResponse, Fault> {
        let send: &Send<'_, ListHistoryResponse> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let mut call = hub.users().history_list(ME).start_history_id(since).max_results(100);
                call = call.add_history_types("messageAdded").add_history_types("labelAdded");
                if let Some(page) = page {
                    call = call.page_token(page);
                }
                call.delegate(&mut attempt.watch).doit().await.map(|(_, list)| list)
            })
        };
        self.caller.call(LIST_HISTORY, send).await
    }

    /// Reads the heads of a conversation's mails; nothing when it is gone.
    pub async fn thread(&self, id: &str, headers: &[&str]) -> Result<Option<Vec<Message>>, Fault> {
        let send: &Send<'_, Option<Vec<Message>>> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().threads_get(ME, id).format("metadata");
                let call = headers.iter().fold(call, |call, header| call.add_metadata_headers(header));
                call.delegate(&mut attempt.watch).doit().await.map(|(_, thread)| thread.messages)
            })
        };
        let read = self.caller.call(GET_THREAD, send).await;
        read.map(|messages| Some(messages.unwrap_or_default())).or_else(Fault::or_gone)
    }

    /// Makes a draft of a mail as it stands on the wire.
    pub async fn create_draft(&self, draft: &Draft, mail: &[u8]) -> Result<Draft, Fault> {
        let send: &Send<'_, Draft> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().drafts_create(draft.clone(), ME).delegate(&mut attempt.watch);
                call.upload(Cursor::new(mail.to_vec()), rfc822()).await.map(|(_, draft)| draft)
            })
        };
        self.caller.call(MAKE_DRAFT, send).await
    }

    /// Sends a draft, which is gone then.
    pub async fn send_draft(&self, id: &str) -> Result<Message, Fault> {
        let send: &Send<'_, Message> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let draft = Draft { id: Some(id.to_owned()), message: None };
                let call = hub.users().drafts_send(draft, ME).delegate(&mut attempt.watch);
                call.upload(Cursor::new(Vec::new()), rfc822()).await.map(|(_, message)| message)
            })
        };
        self.caller.call(SEND_DRAFT, send).await
    }

    pub async fn draft(&self, id: &str) -> Result<Option<Draft>, Fault> {
        let send: &Send<'_, Draft> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().drafts_get(ME, id).format("minimal");
                call.delegate(&mut attempt.watch).doit().await.map(|(_, draft)| draft)
            })
        };
        self.caller.call(GET_MAIL, send).await.map(Some).or_else(Fault::or_gone)
    }

    /// Lists drafts, newest first.
    pub async fn drafts(&self, limit: u32) -> Result<Vec<Draft>, Fault> {
        let send: &Send<'_, Option<Vec<Draft>>> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().drafts_list(ME).max_results(limit);
                call.delegate(&mut attempt.watch).doit().await.map(|(_, list)| list.drafts)
            })
        };
        self.caller.call(LIST_MAILS, send).await.map(Option::unwrap_or_default)
    }

    pub async fn labels(&self) -> Result<Vec<Label>, Fault> {
        let send: &Send<'_, Option<Vec<Label>>> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().labels_list(ME).delegate(&mut attempt.watch);
                call.doit().await.map(|(_, list)| list.labels)
            })
        };
        self.caller.call(LIST_LABELS, send).await.map(Option::unwrap_or_default)
    }

    pub async fn create_label(&self, label: &Label) -> Result<Label, Fault> {
        let send: &Send<'_, Label> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().labels_create(label.clone(), ME).delegate(&mut attempt.watch);
                call.doit().await.map(|(_, label)| label)
            })
        };
        self.caller.call(MAKE_LABEL, send).await
    }

    /// Gives labels to a mail and takes labels from it.
    pub async fn modify(&self, id: &str, change: &ModifyMessageRequest) -> Result<(), Fault> {
        let send: &Send<'_, ()> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().messages_modify(change.clone(), ME, &encoded(id));
                call.delegate(&mut attempt.watch).doit().await.map(|_| ())
            })
        };
        self.caller.call(LABEL_MAIL, send).await
    }
}

fn rfc822() -> mime::Mime {
    "message/rfc822".parse().unwrap_or(mime::APPLICATION_OCTET_STREAM)
}
