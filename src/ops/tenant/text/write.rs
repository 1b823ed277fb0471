//! Text into a folder: the same tenant gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use crate::ops::tenant::text::{
    AutomationText, ConnectionText, FORMAT, FormText, SourceText, TenantText, Text, UserText,
};
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::automation::MessageTemplate;

/// The file by which a folder is known for one of ours.
pub const HEAD: &str = "tenant.toml";
pub const LOGO: &str = "form-logo.png";

/// Files of a folder, by their path in it.
type Files = BTreeMap<String, Vec<u8>>;

/// Writes the folder; returns the files.
pub fn write(text: &Text, folder: &Path) -> Result<Vec<String>> {
    let slug = text.tenant.value.slug.as_ref().map(ToString::to_string).unwrap_or_default();
    check_free(folder, &slug)?;
    let files = files(text)?;
    for stale in ours(folder)?.difference(&files.keys().cloned().collect()) {
        let path = folder.join(stale);
        std::fs::remove_file(&path).map_err(|error| file::unwritable(&path, Kind::Usage, error))?;
    }
    for (name, content) in &files {
        file::write(&folder.join(name), content, Kind::Usage)?;
    }
    Ok(files.into_keys().collect())
}

/// Refuses a folder that holds something else than this tenant.
fn check_free(folder: &Path, slug: &str) -> Result<()> {
    let shown = folder.display();
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let is_hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    if entries.flatten().all(|entry| is_hidden(&entry.file_name())) {
        return Ok(());
    }
    let other = |what: String| {
        Error::conflict(what)
            .hint("name a folder that is new, empty, or an earlier export of the same tenant")
    };
    let head = folder.join(HEAD);
    if !head.is_file() {
        return Err(other(format!("`{shown}` holds something else than a tenant")));
    }
    let known: Option<Table> = file::read_text(&head, Kind::Usage)?.parse().ok();
    match known.as_ref().and_then(|table| table.get("slug")).and_then(Value::as_str) {
        Some(known) if known == slug => Ok(()),
        Some(known) => Err(other(format!("`{shown}` holds tenant `{known}`"))),
        None => Err(other(format!("`{}` is not the head of a tenant", head.display()))),
    }
}

/// Lists the files that an earlier export has written, or would have.
fn ours(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for name in [HEAD, "connections.toml", "form.toml", "sources.toml", "users.toml", LOGO] {
        if folder.join(name).is_file() {
            found.insert(name.to_owned());
        }
    }
    let automations = folder.join("automations");
    for automation in names_in(&automations)? {
        let own = automations.join(&automation);
        let place = |name: &str| format!("automations/{automation}/{name}");
        for name in [format!("{automation}.toml"), "settings.toml".to_owned()] {
            if own.join(&name).is_file() {
                found.insert(place(&name));
            }
        }
        for part in ["messages", "files"] {
            found.extend(names_in(&own.join(part))?.iter().map(|name| place(&format!("{part}/{name}"))));
        }
    }
    Ok(found)
}

/// Lists what is in a folder, by name; nothing where there is none.
pub fn names_in(folder: &Path) -> Result<Vec<String>> {
    let unreadable = |error| file::unreadable(folder, Kind::Usage, error);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = PathBuf::from(entry.map_err(unreadable)?.file_name()).display().to_string();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn files(text: &Text) -> Result<Files> {
    let mut files = Files::new();
    let mut put = |name: &str, comment: &str, table: Table| {
        let body = toml::to_string_pretty(&table)
            .map_err(|error| Error::internal(format!("`{name}` has no TOML form")).source(error))?;
        files.insert(name.to_owned(), format!("{comment}{body}").into_bytes());
        Ok::<(), Error>(())
    };
    put(HEAD, HEAD_COMMENT, tenant(&text.tenant.value))?;
    let connections = text.connections.iter().map(|of| connection(&of.value)).collect();
    put("connections.toml", CONNECTIONS_COMMENT, list("connection", connections))?;
    put("form.toml", "", form(&text.form.value))?;
    let sources = text.sources.iter().map(|of| source(&of.value)).collect();
    put("sources.toml", SOURCES_COMMENT, list("source", sources))?;
    put("users.toml", USERS_COMMENT, list("user", text.users.iter().map(|of| user(&of.value)).collect()))?;
    if let Some(Some(logo)) = &text.form.value.logo {
        files.insert(LOGO.to_owned(), logo.clone());
    }
    for of in &text.automations {
        automation(&of.value, &mut files)?;
    }
    Ok(files)
}

const HEAD_COMMENT: &str =
    "# A tenant of Nexora as text: `nexora apply -f` this folder brings a tenant to it.
# docs/OPERATING.md, \"A tenant as text\", says what is in it. Secrets are not.\n\n";
const CONNECTIONS_COMMENT: &str = "# The oldest first: of several that could carry a message and are chosen for nothing, it is the first.\n\n";
const SOURCES_COMMENT: &str =
    "# Where leads come from, without the secrets by which they show who they are.\n\n";
const USERS_COMMENT: &str =
    "# Who may sign in, and as what. Passwords are set with `nexora user set-password`.\n\n";

fn list(name: &str, items: Vec<Table>) -> Table {
    let mut table = Table::new();
    if !items.is_empty() {
        table.insert(name.to_owned(), Value::Array(items.into_iter().map(Value::Table).collect()));
    }
    table
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

fn words<T: ToString>(values: &[T]) -> Value {
    Value::Array(values.iter().map(|value| text(value.to_string())).collect())
}

fn texts<K: ToString>(values: &BTreeMap<K, String>) -> Value {
    Value::Table(values.iter().map(|(name, value)| (name.to_string(), text(value))).collect())
}

fn tenant(of: &TenantText) -> Table {
    let mut all = table([("format", Value::Integer(FORMAT)), ("nexora", text(env!("CARGO_PKG_VERSION")))]);
    all.extend(of.slug.as_ref().map(|slug| ("slug".to_owned(), text(slug))));
    all.extend(of.state.map(|state| ("state".to_owned(), text(state))));
    all.extend(of.status_panels.as_ref().map(|panels| ("status_panels".to_owned(), words(panels))));
    all.insert("api_keys".to_owned(), words(&of.api_keys));
    // In the order in which they are set and shown, which says more than that of the alphabet.
    let known = nexora_core::model::tenant_setting::SETTINGS.iter().map(|setting| setting.name);
    let value = |name: &'static str| Some((name.to_owned(), text(of.settings.get(name)?)));
    all.insert("settings".to_owned(), Value::Table(known.filter_map(value).collect()));
    all
}

fn connection(of: &ConnectionText) -> Table {
    let purposes: Vec<&str> = of.purposes.iter().map(|purpose| purpose.name()).collect();
    table([
        ("name", text(&of.name)),
        ("kind", text(&of.kind)),
        ("state", text(of.state)),
        ("for", words(&purposes)),
        ("settings", values(&of.settings)),
    ])
}

fn source(of: &SourceText) -> Table {
    table([
        ("name", text(&of.name)),
        ("kind", text(&of.kind)),
        ("state", text(of.state)),
        ("settings", values(&of.settings)),
    ])
}

fn user(of: &UserText) -> Table {
    table([
        ("email", text(&of.email)),
        ("name", text(&of.name)),
        ("role", text(of.role)),
        ("state", text(of.state)),
    ])
}

fn form(of: &FormText) -> Table {
    let mut all = Table::new();
    all.extend(of.fields.as_ref().map(|fields| ("fields".to_owned(), words(fields))));
    all.extend(
        of.logo.as_ref().map(|logo| ("logo".to_owned(), text(if logo.is_some() { LOGO } else { "" }))),
    );
    all.extend(of.turnstile_site_key.as_ref().map(|key| ("turnstile_site_key".to_owned(), text(key))));
    let known = crate::ops::lead::form_setting::SETTINGS.iter().map(|setting| setting.name);
    let value = |name: &'static str| Some((name.to_owned(), text(of.settings.get(name)?)));
    all.insert("settings".to_owned(), Value::Table(known.filter_map(value).collect()));
    all.insert("wordings".to_owned(), texts(&of.wordings));
    all
}

fn automation(of: &AutomationText, files: &mut Files) -> Result<()> {
    let place = |name: &str| format!("automations/{}/{name}", of.name);
    let mut settings = table([("state", text(of.state))]);
    settings.extend(of.language.map(|language| ("language".to_owned(), text(language))));
    settings.insert("settings".to_owned(), texts(&of.settings));
    let unwritable = |error| Error::internal("an automation has no TOML form").source(error);
    let settings = toml::to_string_pretty(&settings).map_err(unwritable)?;
    files.insert(place("settings.toml"), settings.into_bytes());
    files.insert(place(&format!("{}.toml", of.name)), of.definition.clone().into_bytes());
    for (name, message) in &of.messages {
        let message = with_files_apart(message, &of.name, files);
        let message = toml::to_string_pretty(&message).map_err(unwritable)?;
        files.insert(place(&format!("messages/{name}.toml")), message.into_bytes());
    }
    Ok(())
}

/// Puts what is attached to a message into files of its own. Where two messages have different files of one name, the
/// second stays in the message.
fn with_files_apart(message: &MessageTemplate, automation: &str, files: &mut Files) -> MessageTemplate {
    let mut message = message.clone();
    for attachment in &mut message.attachments {
        let (Some(name), Some(content)) = (&attachment.file, &attachment.content) else { continue };
        let Ok(content) = BASE64.decode(content) else { continue };
        let place = format!("automations/{automation}/files/{name}");
        if *files.entry(place).or_insert_with(|| content.clone()) == content {
            attachment.content = None;
        }
    }
    message
}

/// Returns JSON as TOML, in the order of the names; what is not set is left out before.
fn values(settings: &Map<String, Json>) -> Value {
    let sorted: BTreeMap<&String, &Json> = settings.iter().collect();
    Value::Table(sorted.into_iter().filter_map(|(name, of)| Some((name.clone(), value(of)?))).collect())
}

fn value(of: &Json) -> Option<Value> {
    Some(match of {
        Json::Null => return None,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().filter_map(value).collect()),
        Json::Object(fields) => values(fields),
    })
}
