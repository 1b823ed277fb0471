//! Labels on mails. Setting one twice is setting it once, so every call may be repeated at will.

use google_gmail1::api::{Label, ModifyMessageRequest};

use crate::api::gmail::{Detail, GmailApi};
use crate::fault::Fault;
use nexora_core::model::outcome::{Outcome, Receipt, ReconcileResult};
use nexora_core::model::request::LabelMail;

pub struct Labels {
    api: GmailApi,
}

impl Labels {
    pub fn new(api: GmailApi) -> Labels {
        Labels { api }
    }

    /// Gives and takes the labels; one that is to be given and is not there is made.
    pub async fn apply(&self, request: &LabelMail) -> Result<Outcome, Outcome> {
        let mut known = self.api.labels().await.map_err(Fault::of_reading)?;
        for name in &request.add {
            if id_of(&known, name).is_none() {
                match self.make(name).await {
                    Ok(label) => known.push(label),
                    // A person or another daemon made it just now.
                    Err(fault) if fault.status() == Some(409) => {
                        known = self.api.labels().await.map_err(Fault::of_reading)?;
                    }
                    Err(fault) => return Err(fault.of_reading()),
                }
            }
        }
        let ids = |names: &[String]| -> Vec<String> {
            names.iter().filter_map(|name| id_of(&known, name)).map(str::to_owned).collect()
        };
        let change = ModifyMessageRequest {
            add_label_ids: Some(ids(&request.add)),
            remove_label_ids: Some(ids(&request.remove)),
        };
        self.api.modify(&request.message, &change).await.map_err(Fault::of_reading)?;
        Ok(Outcome::Delivered(Receipt::named(Some(request.message.clone()))))
    }

    /// Looks whether the mail bears what it should.
    pub async fn find(&self, request: &LabelMail) -> Result<ReconcileResult, Fault> {
        let known = self.api.labels().await?;
        let mail = self.api.message(&request.message, Detail::Minimal).await?;
        let Some(mail) = mail else { return Ok(ReconcileResult::NotDelivered) };
        let borne = mail.label_ids.unwrap_or_default();
        let bears = |name: &String| id_of(&known, name).is_some_and(|id| borne.iter().any(|l| l == id));
        if request.add.iter().all(bears) && !request.remove.iter().any(bears) {
            return Ok(ReconcileResult::Delivered(Receipt::named(Some(request.message.clone()))));
        }
        Ok(ReconcileResult::NotDelivered)
    }

    async fn make(&self, name: &str) -> Result<Label, Fault> {
        let label = Label {
            name: Some(name.to_owned()),
            label_list_visibility: Some("labelShow".to_owned()),
            message_list_visibility: Some("show".to_owned()),
            ..Label::default()
        };
        self.api.create_label(&label).await
    }
}

/// Gmail takes names that differ in case only for one.
fn id_of<'a>(known: &'a [Label], name: &str) -> Option<&'a str> {
    let is_named = |label: &&Label| label.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name));
    known.iter().find(is_named)?.id.as_deref()
}
