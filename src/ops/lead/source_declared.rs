//! Sources by a description without secrets: added with secrets that nobody has been told, or brought to what is described.

use serde_json::{Map, Value};

use crate::app::App;
use crate::ops::lead::source::{self, NewSource, SET, find, replace};
use nexora_connector::declared::{Wrong, refuse_unknown};
use nexora_connector::webhook;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::source::{Source, SourceKind, SourceSecrets, SourceSettings};
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::lead_format::{Webhook, formats};
use nexora_store::Conn;

/// What a source says of itself whose sender has not been told its secret.
pub const AWAITS: &str = "a call was refused: its secret is yet to be given to the sender";

/// Settings that were found good.
#[derive(Clone, Debug)]
pub struct Declared {
    webhook: Webhook,
    settings: SourceSettings,
}

/// Returns a source's settings as text has them.
///
/// # Errors
/// `Internal` when what is stored cannot be read.
pub fn written(source: &Source) -> Result<Map<String, Value>> {
    Json::of(&source.settings.read::<SourceSettings>()?)?.read()
}

/// Checks a description.
///
/// # Errors
/// All that is wrong with it: the name of a setting, where it is one, and what is wrong about it.
pub fn check(kind: &str, name: &str, settings: &Map<String, Value>) -> Result<Declared, Wrong> {
    Slug::parse(name).map_err(|error| vec![(Some("name".to_owned()), error)])?;
    let webhook = formats::of(&SourceKind::new(kind)).map_err(|_| {
        let error = Error::usage(format!("there is no kind of source `{kind}`"))
            .hint("run `nexora source create --help` for the kinds");
        vec![(Some("kind".to_owned()), error)]
    })?;
    let wrong = refuse_unknown(settings, &["fields", "success", "username", "header", "signed"]);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let read: Result<SourceSettings, _> = serde_json::from_value(Value::Object(settings.clone()));
    let settings = read.map_err(|error| {
        vec![(None, Error::usage(format!("the settings are not those of a source: {error}")))]
    })?;
    source::check(webhook, &settings).map_err(|error| vec![(None, error)])?;
    Ok(Declared { webhook, settings })
}

/// Adds a source by its description. Its secret is made here and told to nobody: it is another one when it is first shown.
///
/// # Errors
/// As [`source::add`].
pub async fn add(app: &App, actor: &Actor, tenant: &Tenant, name: &str, declared: Declared) -> Result<()> {
    let Declared { webhook, settings } = declared;
    let secret = match settings.signed {
        true => webhook::new_secret()?,
        false => Secret::random::<24>()?,
    };
    let new =
        NewSource { name: name.to_owned(), webhook, settings, secret: Some(secret), access_token: None };
    let added = source::add(app, actor, tenant, new).await?.source;
    let note = move |conn: &mut Conn| {
        nexora_store::source::note_error(&mut conn.of(&added.tenant_id), &added.id, AWAITS)
    };
    app.db.write(note).await
}

/// Brings a source to its description; its secrets stay.
///
/// # Errors
/// `NotFound` when there is none; `Usage` when its secrets do not go with the settings.
pub async fn set(app: &App, actor: &Actor, tenant: &Tenant, name: &str, declared: Declared) -> Result<()> {
    let before = find(app, tenant, name).await?;
    source::check_stored_secrets(app, declared.webhook, &declared.settings, &before)?;
    let after = Source { settings: Json::of(&declared.settings)?, ..before.clone() };
    replace(app, actor, tenant, SET, (before, after)).await.map(|_| ())
}

/// Gives a source that came from another installation its secrets; without them it gets others, which nobody has been told.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub async fn furnish(app: &App, before: Source, given: Option<Secret>) -> Result<()> {
    let settings: SourceSettings = before.settings.read()?;
    let needs = formats::of(&before.kind)?.handling.needs();
    let (text, awaits) = match given {
        Some(text) => (text, false),
        None => {
            let secret = match settings.signed {
                true => webhook::new_secret()?,
                false => Secret::random::<24>()?,
            };
            let verify_token = needs.verify_token.then(Secret::random::<24>).transpose()?;
            (SourceSecrets { secret, verify_token, access_token: None }.to_text(), true)
        }
    };
    let sealed = Some(app.key.seal(&before.seal_owner(), &text)?);
    let last_error = if awaits { Some(AWAITS.to_owned()) } else { before.last_error.clone() };
    let after = Source { sealed, last_error, ..before.clone() };
    app.db.write(move |conn| nexora_store::source::save(conn, &after, before.updated_at).map(|_| ())).await
}
