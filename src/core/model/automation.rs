//! An automation and its versions: "when this trigger, do these steps", as the tenant enabled it.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::language::Language;
use crate::model::{AutomationId, TenantId};

define_words! {
    /// Whether events start runs. While paused, events start runs that wait.
    AutomationState = "automation state" { Enabled = "enabled", Paused = "paused", Disabled = "disabled" }
}

diesel::table! {
    automations (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        state -> Text,
        live_version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = automations, treat_none_as_default_value = false)]
pub struct Automation {
    pub tenant_id: TenantId,
    pub id: AutomationId,
    pub name: String,
    pub state: AutomationState,
    /// The version that new runs are pinned to, from 1.
    pub live_version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

diesel::table! {
    automation_versions (tenant_id, automation_id, number) {
        tenant_id -> Text,
        automation_id -> Text,
        number -> Integer,
        definition -> Text,
        settings -> Text,
        language -> Text,
        templates -> Text,
        created_at -> BigInt,
        created_by -> Text,
    }
}

/// One frozen version: everything a run needs, so that no later edit reaches it.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = automation_versions, treat_none_as_default_value = false)]
pub struct Version {
    pub tenant_id: TenantId,
    pub automation_id: AutomationId,
    pub number: i32,
    /// The definition as TOML text.
    pub definition: String,
    /// The settings' values by name, each of its declared type.
    pub settings: Json,
    /// The language of its messages, which its times, sums and greetings follow.
    pub language: Language,
    /// The message templates that the steps name, a [`MessageTemplates`].
    pub templates: Json,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// The message into which every other is put: its `text` and `html` hold `content`.
pub const LAYOUT: &str = "layout";

/// Message templates by name.
pub type MessageTemplates = BTreeMap<String, MessageTemplate>;

/// The text of one message, with holes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageTemplate {
    pub subject: String,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// What goes with it.
    #[serde(default, rename = "attachment", skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentTemplate>,
}

/// A file that goes with a message: `text` with holes under a `name`, or a `file` as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentTemplate {
    /// What the recipient sees; for a file, its own name if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The name of a file in `files` of `definitions.folder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The file's bytes as Base64, read when the automation is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}
