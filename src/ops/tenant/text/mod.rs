//! A tenant as text: a folder of TOML files that can be kept in git, looked through, and applied to this installation or another.
//!
//! What is in it is what an operator decided: settings, connections and sources without their secrets, the form, automations with
//! their messages, users and their roles. What happened is not. `gather` reads it from the database, `write` and `read` are the
//! folder, `apply` brings a tenant to it by the operations that the commands run.

pub mod apply;
mod document;
mod gather;
pub mod plan;
mod read;
mod step;
mod step_tenant;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

pub use self::read::read;
use crate::app::App;
use crate::ops::tenant::data::FOLDER;
use crate::ops::tenant::find;
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::automation::{AutomationState, MessageTemplates};
use nexora_core::model::connection::{ConnectionState, Purpose};
use nexora_core::model::consent::Channel;
use nexora_core::model::language::Language;
use nexora_core::model::principal::Operation;
use nexora_core::model::source::SourceState;
use nexora_core::model::tenant::TenantState;
use nexora_core::model::user::{Role, UserState};
use sha2::{Digest as _, Sha256};

/// The format of the folder. A later one is refused by this program.
pub const FORMAT: i64 = 1;

pub const EXPORT: Operation = Operation::of_operators("tenant.export");

/// A folder, or what it would be of a tenant as it is.
#[derive(Clone, Debug, Default)]
pub struct Text {
    pub tenant: Placed<TenantText>,
    /// In the order of their age.
    pub connections: Vec<Placed<ConnectionText>>,
    pub form: Placed<FormText>,
    pub sources: Vec<Placed<SourceText>>,
    pub automations: Vec<Placed<AutomationText>>,
    pub users: Vec<Placed<UserText>>,
}

/// Something with the place in the folder where it was written.
#[derive(Clone, Debug, Default)]
pub struct Placed<T> {
    pub value: T,
    pub place: Place,
}

/// A place in the folder, and those of the names in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
    pub lines: BTreeMap<String, usize>,
}

impl Place {
    /// Returns the line of a name, or else of the whole.
    pub fn line_of(&self, name: Option<&str>) -> usize {
        name.and_then(|name| self.lines.get(name)).copied().unwrap_or(self.line)
    }
}

/// What is not named stays as it is.
#[derive(Clone, Debug, Default)]
pub struct TenantText {
    pub slug: Option<Slug>,
    pub state: Option<TenantState>,
    pub status_panels: Option<Vec<String>>,
    /// Names of keys of programs. They are told of, not made: a key is shown once.
    pub api_keys: Vec<String>,
    pub settings: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct ConnectionText {
    pub name: String,
    pub kind: String,
    pub state: ConnectionState,
    pub purposes: Vec<Purpose>,
    pub settings: Map<String, Value>,
}

/// What is not named stays as it is.
#[derive(Clone, Debug, Default)]
pub struct FormText {
    pub fields: Option<Vec<String>>,
    /// A PNG, or nothing where there is to be none.
    pub logo: Option<Option<Vec<u8>>>,
    pub turnstile_site_key: Option<String>,
    pub settings: BTreeMap<String, String>,
    pub wordings: BTreeMap<Channel, String>,
}

#[derive(Clone, Debug)]
pub struct SourceText {
    pub name: String,
    pub kind: String,
    pub state: SourceState,
    pub settings: Map<String, Value>,
}

#[derive(Clone, Debug)]
pub struct AutomationText {
    pub name: String,
    pub state: AutomationState,
    pub language: Option<Language>,
    /// Those that are not the default.
    pub settings: BTreeMap<String, String>,
    pub definition: String,
    pub messages: MessageTemplates,
}

#[derive(Clone, Debug)]
pub struct UserText {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub state: UserState,
}

/// What is shown and compared of one thing: its parts by name.
pub type Shown = BTreeMap<String, String>;

/// One kind of what is in the folder.
pub trait Item {
    /// What an operator calls it.
    const NOUN: &'static str;

    fn name(&self) -> String;

    fn shown(&self) -> Shown;

    /// Tells whether what is described is so already.
    fn is_so(&self, now: &Shown) -> bool {
        self.shown() == *now
    }
}

fn flat(shown: &mut Shown, settings: &Map<String, Value>) {
    for (key, value) in settings {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        shown.insert(format!("settings.{key}"), text);
    }
}

fn texts(shown: &mut Shown, settings: &BTreeMap<String, String>) {
    shown.extend(settings.iter().map(|(key, value)| (format!("settings.{key}"), value.clone())));
}

fn is_part(wanted: &Shown, now: &Shown) -> bool {
    wanted.iter().all(|(key, value)| now.get(key) == Some(value))
}

impl Item for TenantText {
    const NOUN: &'static str = "tenant";

    fn name(&self) -> String {
        self.slug.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn shown(&self) -> Shown {
        let mut shown = Shown::new();
        shown.extend(self.state.map(|state| ("state".to_owned(), state.to_string())));
        shown.extend(self.status_panels.as_ref().map(|all| ("status_panels".to_owned(), all.join(", "))));
        texts(&mut shown, &self.settings);
        shown
    }

    fn is_so(&self, now: &Shown) -> bool {
        is_part(&self.shown(), now)
    }
}

impl Item for ConnectionText {
    const NOUN: &'static str = "connection";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn shown(&self) -> Shown {
        let purposes: Vec<&str> = self.purposes.iter().map(|purpose| purpose.name()).collect();
        let mut shown = Shown::from([
            ("kind".to_owned(), self.kind.clone()),
            ("state".to_owned(), self.state.to_string()),
            ("for".to_owned(), purposes.join(", ")),
        ]);
        flat(&mut shown, &self.settings);
        shown
    }
}

impl Item for FormText {
    const NOUN: &'static str = "form";

    fn name(&self) -> String {
        String::new()
    }

    fn shown(&self) -> Shown {
        let mut shown = Shown::new();
        shown.extend(self.fields.as_ref().map(|fields| ("fields".to_owned(), fields.join(", "))));
        shown.extend(self.logo.as_ref().map(|logo| {
            let digest = logo.as_ref().map(|logo| hex(Sha256::digest(logo)).chars().take(12).collect());
            ("logo".to_owned(), digest.unwrap_or_default())
        }));
        let site_key = self.turnstile_site_key.clone();
        shown.extend(site_key.map(|key| ("turnstile_site_key".to_owned(), key)));
        texts(&mut shown, &self.settings);
        let wording = |(channel, text): (&Channel, &String)| (format!("wordings.{channel}"), text.clone());
        shown.extend(self.wordings.iter().map(wording));
        shown
    }

    fn is_so(&self, now: &Shown) -> bool {
        is_part(&self.shown(), now)
    }
}

impl Item for SourceText {
    const NOUN: &'static str = "source";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn shown(&self) -> Shown {
        let mut shown = Shown::from([
            ("kind".to_owned(), self.kind.clone()),
            ("state".to_owned(), self.state.to_string()),
        ]);
        flat(&mut shown, &self.settings);
        shown
    }
}

impl Item for AutomationText {
    const NOUN: &'static str = "automation";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn shown(&self) -> Shown {
        let mut shown = Shown::from([
            ("state".to_owned(), self.state.to_string()),
            ("definition".to_owned(), self.definition.clone()),
        ]);
        shown.extend(self.language.map(|language| ("language".to_owned(), language.to_string())));
        texts(&mut shown, &self.settings);
        for (name, message) in &self.messages {
            let text = toml::to_string(message).unwrap_or_default();
            shown.insert(format!("messages.{name}"), text);
        }
        shown
    }

    fn is_so(&self, now: &Shown) -> bool {
        let (mut wanted, mut now) = (self.shown(), now.clone());
        if self.language.is_none() {
            wanted.remove("language");
            now.remove("language");
        }
        wanted == now
    }
}

impl Item for UserText {
    const NOUN: &'static str = "user";

    fn name(&self) -> String {
        self.email.clone()
    }

    fn shown(&self) -> Shown {
        Shown::from([
            ("name".to_owned(), self.name.clone()),
            ("role".to_owned(), self.role.to_string()),
            ("state".to_owned(), self.state.to_string()),
        ])
    }
}

/// Writes a tenant as text into a folder, in the place of what an earlier export wrote there. The same tenant gives the same
/// bytes; returns the files.
///
/// # Errors
/// `NotFound` when there is no such tenant; `Conflict` when the folder holds something else; `Usage` when it cannot be written.
pub async fn export(app: &App, actor: &Actor, slug: &Slug, folder: &Path) -> Result<Vec<String>> {
    let tenant = find(app, slug).await?;
    app.permit(actor, &tenant, EXPORT).await?;
    if folder.join(FOLDER).exists() {
        return Err(Error::conflict(format!(
            "`{}` holds a tenant's data, which is of its own day",
            folder.display()
        ))
        .hint("name another folder"));
    }
    let connectors = app.connectors().clone();
    let now = app.clock.now();
    let text = app.view(&tenant, move |tx| gather::all(tx, &connectors, now)).await?;
    write::write(&text, folder)
}

/// Returns the slug of the tenant that a folder holds; nothing where that cannot be told.
///
/// # Errors
/// As [`read`].
pub fn slug_of(folder: &Path) -> Result<Option<Slug>> {
    Ok(read(folder)?.0.tenant.value.slug)
}
