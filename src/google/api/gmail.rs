//! Gmail API, version 1.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use google_gmail1::api::{
    Draft, Label, ListHistoryResponse, ListMessagesResponse, ListSendAsResponse, Message,
    ModifyMessageRequest, Profile,
};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Map, json};

use crate::call::{Caller, Send};
use crate::fault::Fault;
use crate::http::encoded;
use crate::http_client::Message as Media;
use crate::quota::Cost;
use nexora_connector::https::Connect;
use nexora_core::base::secret::Secret;
use nexora_core::model::google::GoogleEndpoints;

const ME: &str = "me";

/// What each method takes of the quota, in units (Gmail API, "Usage limits").
const GET_PROFILE: Cost = Cost::Gmail(1);
const LIST_SEND_AS: Cost = Cost::Gmail(1);
const LIST_HISTORY: Cost = Cost::Gmail(2);
const LIST_MAILS: Cost = Cost::Gmail(5);
pub const GET_MAIL: Cost = Cost::Gmail(20);
const GET_THREAD: Cost = Cost::Gmail(40);
const MAKE_DRAFT: Cost = Cost::Gmail(10);
const SEND_DRAFT: Cost = Cost::GmailSend(100);
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

/// What is sent as JSON at most, the mail in base64 included; a larger mail is uploaded.
const JSON_LIMIT_BYTES: usize = 5_000_000;

/// What is read of an answer that names a draft. Google may repeat the mail in it, which is not looked at.
#[derive(Debug, Deserialize)]
pub struct Named {
    pub id: String,
    pub message: Option<NamedMessage>,
}

/// What is read of an answer that names a mail.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedMessage {
    pub id: String,
    pub thread_id: Option<String>,
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

    /// Lists the addresses that the mailbox may send from. Google lets who may read mails ask it.
    pub async fn send_as(&self) -> Result<ListSendAsResponse, Fault> {
        let send: &Send<'_, ListSendAsResponse> = &move |mut attempt| {
            Box::pin(async move {
                let hub = self.hub(&attempt.token);
                let call = hub.users().settings_send_as_list(ME).delegate(&mut attempt.watch);
                call.doit().await.map(|(_, list)| list)
            })
        };
        self.caller.call(LIST_SEND_AS, send).await
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

    /// Makes a draft of a mail as it stands on the wire, in a thread where one is named.
    pub async fn create_draft(&self, thread_id: Option<&str>, mail: &[u8]) -> Result<Named, Fault> {
        let mut message = Map::new();
        if let Some(thread_id) = thread_id {
            message.insert("threadId".to_owned(), json!(thread_id));
        }
        let path = "gmail/v1/users/me/drafts";
        if mail.len() > JSON_LIMIT_BYTES / 4 * 3 {
            let url = format!("{}upload/{path}?uploadType=resumable", self.base_url);
            let mail = Media { media_type: "message/rfc822", bytes: mail };
            return self.caller.upload(MAKE_DRAFT, &url, &json!({ "message": message }), mail).await;
        }
        message.insert("raw".to_owned(), json!(URL_SAFE.encode(mail)));
        let url = format!("{}{path}", self.base_url);
        self.caller.send(MAKE_DRAFT, Method::POST, &url, &json!({ "message": message })).await
    }

    /// Sends a draft, which is gone then.
    pub async fn send_draft(&self, id: &str) -> Result<NamedMessage, Fault> {
        let url = format!("{}gmail/v1/users/me/drafts/send", self.base_url);
        let sent = self.caller.send(SEND_DRAFT, Method::POST, &url, &json!({ "id": id })).await?;
        self.caller.meter.sent();
        Ok(sent)
    }

    /// Refuses while the mailbox may send no mails, before a draft is made for nothing.
    pub fn may_send(&self) -> Result<(), Fault> {
        self.caller.meter.may_send()
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
