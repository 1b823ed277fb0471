//! Labels on mails. Setting one twice is setting it once, so every call may be repeated at will.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use crate::Endpoints;
use crate::fault::Fault;
use crate::hub::{Caller, Cost, encoded};
use nexora_core::model::outcome::{Finding, Made, Outcome};
use nexora_core::model::request::LabelMail;

pub struct Labels {
    caller: Caller,
    base: String,
}

#[derive(Deserialize)]
struct LabelList {
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Label {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labelled {
    #[serde(default)]
    label_ids: Vec<String>,
}

impl Labels {
    pub fn new(caller: &Caller, endpoints: &Endpoints) -> Labels {
        Labels { caller: caller.clone(), base: format!("{}gmail/v1/users/me", endpoints.gmail_url) }
    }

    /// Gives and takes the labels; one that is to be given and is not there is made.
    pub async fn apply(&self, request: &LabelMail) -> Result<Outcome, Outcome> {
        let mut known = self.list().await.map_err(Fault::of_reading)?;
        for name in &request.add {
            if id_of(&known, name).is_none() {
                match self.make(name).await {
                    Ok(label) => known.push(label),
                    // Somebody made it just now.
                    Err(fault) if fault.status() == Some(409) => {
                        known = self.list().await.map_err(Fault::of_reading)?;
                    }
                    Err(fault) => return Err(fault.of_reading()),
                }
            }
        }
        let ids = |names: &[String]| -> Vec<String> {
            names.iter().filter_map(|name| id_of(&known, name)).map(str::to_owned).collect()
        };
        let change = json!({ "addLabelIds": ids(&request.add), "removeLabelIds": ids(&request.remove) });
        let url = format!("{}/messages/{}/modify", self.base, encoded(&request.message));
        let changed: Result<IgnoredAny, Fault> = self.caller.post(Cost::LABEL_MAIL, &url, &change).await;
        changed.map_err(Fault::of_reading)?;
        Ok(Outcome::Delivered(Made::named(Some(request.message.clone()))))
    }

    /// Looks whether the mail bears what it should.
    pub async fn find(&self, request: &LabelMail) -> Result<Finding, Fault> {
        let known = self.list().await?;
        let url = format!("{}/messages/{}?format=minimal", self.base, encoded(&request.message));
        let mail: Labelled = self.caller.get(Cost::GET_MAIL, &url).await?;
        let bears =
            |name: &String| id_of(&known, name).is_some_and(|id| mail.label_ids.iter().any(|l| l == id));
        if request.add.iter().all(bears) && !request.remove.iter().any(bears) {
            return Ok(Finding::Delivered(Made::named(Some(request.message.clone()))));
        }
        Ok(Finding::NotDelivered)
    }

    async fn list(&self) -> Result<Vec<Label>, Fault> {
        let list: LabelList = self.caller.get(Cost::LIST_LABELS, &format!("{}/labels", self.base)).await?;
        Ok(list.labels)
    }

    async fn make(&self, name: &str) -> Result<Label, Fault> {
        let label = json!({
            "name": name, "labelListVisibility": "labelShow", "messageListVisibility": "show",
        });
        self.caller.post(Cost::MAKE_LABEL, &format!("{}/labels", self.base), &label).await
    }
}

/// Gmail takes names that differ in case only for one.
fn id_of<'a>(known: &'a [Label], name: &str) -> Option<&'a str> {
    known.iter().find(|label| label.name.eq_ignore_ascii_case(name)).map(|label| label.id.as_str())
}
