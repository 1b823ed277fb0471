//! Sources of leads: added with a sealed secret, changed, switched on and off, tried out, removed; and the
//! notices of leads that could not be fetched.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::ops::{LIST_LIMIT, Subject};
use crate::pipeline::hook;
use nexora_connector::webhook;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::lead::{Attribution, Details};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::source::{
    Notice, NoticeState, Source, SourceField, SourceKind, SourceSecrets, SourceSettings, SourceState,
};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{NoticeId, SourceId};
use nexora_engine::lead::enquiry;
use nexora_engine::lead::lead_format::body::Body;
use nexora_engine::lead::lead_format::webhook::{InAddress, ParseResult, Setting};
use nexora_engine::lead::lead_format::{Webhook, formats};
use nexora_store::notice::{self, Filter};
use nexora_store::{Claim, Inserted, Tx, source};

pub const ADD: Operation = Operation::new("source.add", Noun::Source, Verb::Create);
pub const SET: Operation = Operation::new("source.set", Noun::Source, Verb::Update);
pub const ENABLE: Operation = Operation::new("source.enable", Noun::Source, Verb::Update);
pub const DISABLE: Operation = Operation::new("source.disable", Noun::Source, Verb::Update);
pub const ROTATE_SECRET: Operation = Operation::new("source.rotate-secret", Noun::Source, Verb::Update);
pub const REMOVE: Operation = Operation::new("source.remove", Noun::Source, Verb::Delete);
pub const RETRY: Operation = Operation::new("source.retry", Noun::Source, Verb::Update);
pub const DISMISS: Operation = Operation::new("source.dismiss", Noun::Source, Verb::Update);

/// Random bytes of a secret that we make.
const SECRET_BYTES: usize = 24;

/// A source that is to be added.
#[derive(Debug)]
pub struct NewSource {
    pub name: String,
    pub webhook: Webhook,
    pub settings: SourceSettings,
    /// The secret where the sender chose it; made by us where there is none.
    pub secret: Option<Secret>,
    pub access_token: Option<Secret>,
}

/// A source with what is shown of it once.
pub struct Shown {
    pub source: Source,
    pub webhook: Webhook,
    pub settings: SourceSettings,
    /// The address to give to the sender.
    pub url: String,
    pub secrets: SourceSecrets,
}

/// Adds a source; a tenant has one of each name.
///
/// # Errors
/// `Usage` when the name or a setting does not fit; `Conflict` when the name is taken.
pub async fn add(app: &App, actor: &Actor, tenant: &Tenant, new: NewSource) -> Result<Shown> {
    let NewSource { name, webhook, mut settings, secret, access_token } = new;
    let needs = webhook.handling.needs();
    Slug::parse(&name)?;
    check(webhook, &settings)?;
    settings.username = settings.username.or(needs.default_username.map(str::to_owned));
    let verify_token = needs.verify_token.then(Secret::random::<SECRET_BYTES>).transpose()?;
    let secret = match secret {
        Some(secret) => secret,
        None => new_secret(webhook, &settings)?,
    };
    let secrets = SourceSecrets { secret, verify_token, access_token };
    check_secrets(webhook, &settings, &secrets)?;
    let now = app.clock.now();
    let mut source = Source {
        tenant_id: tenant.id.clone(),
        id: SourceId::new(now),
        name,
        kind: SourceKind::new(webhook.format.name),
        settings: Json::of(&settings)?,
        sealed: None,
        state: SourceState::Enabled,
        last_received_at: None,
        last_error: None,
        created_at: now,
        updated_at: now,
    };
    source.sealed = Some(app.key.seal(&source.seal_owner(), &secrets.to_text())?);
    let added = app.change(actor, tenant, ADD, move |tx, _| {
        if source::insert(tx, &source)? == Inserted::AlreadyThere {
            let slug = &tx.tenant.slug;
            return Err(Error::conflict(format!("tenant `{slug}` has a source `{}` already", source.name))
                .hint("choose another name, or delete the one that is there"));
        }
        let subject = Subject::new(&source.name).after(&source)?;
        Ok((source, subject))
    });
    let source = added.await?;
    Ok(Shown { url: url(app, tenant, &source, webhook, &secrets), source, webhook, settings, secrets })
}

fn new_secret(webhook: Webhook, settings: &SourceSettings) -> Result<Secret> {
    match webhook.handling.needs().chosen_secret {
        Some(reason) => Err(Error::usage(reason).hint("give it with `--secret-from-file FILE`")),
        None if settings.signed => webhook::new_secret(),
        None => Secret::random::<SECRET_BYTES>(),
    }
}

/// Refuses settings that the format would not look at.
pub(in crate::ops) fn check(webhook: Webhook, settings: &SourceSettings) -> Result<()> {
    let known = webhook.handling.needs().settings;
    let mut unknown = Setting::ALL.into_iter().filter(|setting| !known.contains(setting));
    let unknown = unknown.find(|setting| setting.is_set(settings));
    // A signature leaves nothing for a header to carry.
    let idle = Some(Setting::Header).filter(|header| settings.signed && header.is_set(settings));
    match unknown.or(idle) {
        Some(setting) => {
            let (flag, kind) = (setting.flag(), webhook.format.name);
            Err(Error::usage(format!("`{flag}` means nothing to a source of kind `{kind}`")))
        }
        None => Ok(()),
    }
}

/// Refuses settings with which the secrets of a source do not go.
pub(in crate::ops) fn check_stored_secrets(
    app: &App,
    webhook: Webhook,
    settings: &SourceSettings,
    source: &Source,
) -> Result<()> {
    check_secrets(webhook, settings, &hook::secrets(app, source)?)
}

fn check_secrets(webhook: Webhook, settings: &SourceSettings, secrets: &SourceSecrets) -> Result<()> {
    /// A shorter one could be guessed.
    const SHORTEST: usize = 12;
    let secret = secrets.secret.expose();
    if secret.len() < SHORTEST {
        return Err(Error::usage(format!("a secret has at least {SHORTEST} characters")));
    }
    let in_address = webhook.handling.needs().secret_in_address != InAddress::Never;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    if in_address && !secret.chars().all(plain) {
        return Err(Error::usage("a secret in an address has only letters, digits, `-` and `_`"));
    }
    if settings.signed && !secret.starts_with("whsec_") {
        return Err(Error::usage("the secret of a signature begins with `whsec_`"));
    }
    if secrets.access_token.is_some() && webhook.handling.fetch().is_none() {
        let kind = webhook.format.name;
        return Err(Error::usage(format!("nothing is fetched for a source of kind `{kind}`")));
    }
    Ok(())
}

/// Returns the address to give to the sender.
fn url(app: &App, tenant: &Tenant, source: &Source, webhook: Webhook, secrets: &SourceSecrets) -> String {
    let base = &app.config.http.public_url;
    let plain = format!("{base}/hooks/{}/{}", tenant.slug, source.name);
    match webhook.handling.needs().secret_in_address {
        InAddress::Always => format!("{plain}/{}", secrets.secret.expose()),
        InAddress::Never | InAddress::Perhaps => plain,
    }
}

/// Finds a source by its name.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn find(app: &App, tenant: &Tenant, name: &str) -> Result<Source> {
    let name = name.to_owned();
    app.view(tenant, move |tx| source::find_by_name(tx, &name)?.ok_or_else(|| tx.missing("source", &name)))
        .await
}

/// What is to be different about a source.
#[derive(Debug, Default)]
pub struct Change {
    /// What parts of a body are, by path; nothing takes a path out of the map.
    pub fields: BTreeMap<String, Option<SourceField>>,
    pub success: Option<String>,
    pub username: Option<String>,
    pub header: Option<String>,
    pub access_token: Option<Secret>,
}

/// Changes a source's settings.
///
/// # Errors
/// `NotFound` when there is none; `Usage` when a setting does not fit its kind.
pub async fn set(app: &App, actor: &Actor, tenant: &Tenant, name: &str, change: Change) -> Result<Source> {
    let before = find(app, tenant, name).await?;
    let webhook = formats::of(&before.kind)?;
    let mut settings: SourceSettings = before.settings.read()?;
    for (path, field) in change.fields {
        match field {
            Some(field) => settings.fields.insert(path, field),
            None => settings.fields.remove(&path),
        };
    }
    settings.success = change.success.or(settings.success);
    settings.username = change.username.or(settings.username);
    settings.header = change.header.or(settings.header);
    check(webhook, &settings)?;
    let mut after = Source { settings: Json::of(&settings)?, ..before.clone() };
    if let Some(token) = change.access_token {
        let secrets = SourceSecrets { access_token: Some(token), ..hook::secrets(app, &before)? };
        check_secrets(webhook, &settings, &secrets)?;
        after.sealed = Some(app.key.seal(&before.seal_owner(), &secrets.to_text())?);
    }
    replace(app, actor, tenant, SET, (before, after)).await
}

/// Puts a source in the place of what it was when it was read.
pub(in crate::ops) async fn replace(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    operation: Operation,
    (before, after): (Source, Source),
) -> Result<Source> {
    app.change(actor, tenant, operation, move |tx, now| {
        let after = Source { updated_at: now, ..after };
        if source::save(tx, &after, before.updated_at)? == Claim::Lost {
            return Err(Error::conflict(format!("source `{}` was changed just now", after.name)));
        }
        let subject = Subject::new(&after.name).before(&before)?.after(&after)?;
        Ok((after, subject))
    })
    .await
}

/// Listens to a source.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn enable(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Source> {
    let before = find(app, tenant, name).await?;
    let after = Source { state: SourceState::Enabled, ..before.clone() };
    replace(app, actor, tenant, ENABLE, (before, after)).await
}

/// Stops listening to a source: its calls are answered as if it were not there.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn disable(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Source> {
    let before = find(app, tenant, name).await?;
    let after = Source { state: SourceState::Disabled, ..before.clone() };
    replace(app, actor, tenant, DISABLE, (before, after)).await
}

/// Gives a source another secret, made by us where none is given. The old one is good no more.
///
/// # Errors
/// `NotFound` when there is none; `Usage` when the secret does not fit.
pub async fn rotate_secret(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    secret: Option<Secret>,
) -> Result<Shown> {
    let before = find(app, tenant, name).await?;
    let webhook = formats::of(&before.kind)?;
    let settings: SourceSettings = before.settings.read()?;
    let secret = match secret {
        Some(secret) => secret,
        None => new_secret(webhook, &settings)?,
    };
    let secrets = SourceSecrets { secret, ..hook::secrets(app, &before)? };
    check_secrets(webhook, &settings, &secrets)?;
    let sealed = Some(app.key.seal(&before.seal_owner(), &secrets.to_text())?);
    let after = Source { sealed, last_error: None, ..before.clone() };
    let source = replace(app, actor, tenant, ROTATE_SECRET, (before, after)).await?;
    Ok(Shown { url: url(app, tenant, &source, webhook, &secrets), source, webhook, settings, secrets })
}

/// Removes a source with its notices; its leads stay.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn remove(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<()> {
    let found = find(app, tenant, name).await?;
    app.change(actor, tenant, REMOVE, move |tx, _| {
        source::delete(tx, &found.id)?;
        let subject = Subject::new(&found.name).before(&found)?;
        Ok(((), subject))
    })
    .await
}

/// What a body would become.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Trial {
    /// `lead`, `spam`, `notice`, `message`, `nothing`, `needs_review` or `malformed`.
    pub becomes: &'static str,
    pub reason: String,
    pub name: String,
    pub email: String,
    pub phone: String,
    pub masked_phone: bool,
    pub service: String,
    pub message: String,
    pub address: String,
    pub postcode: String,
    pub preferred_time: String,
    pub reply_to: String,
    pub external_id: String,
    pub is_test: bool,
    pub cost_cents: Option<i64>,
    pub source: String,
    pub details: Details,
    pub attribution: Attribution,
}

/// Reads a body as if the source had sent it; verifies nothing and writes nothing.
///
/// # Errors
/// `NotFound` when there is no such source.
pub async fn test(app: &App, tenant: &Tenant, name: &str, body: &[u8], content_type: &str) -> Result<Trial> {
    let found = find(app, tenant, name).await?;
    let settings: SourceSettings = found.settings.read()?;
    let webhook = formats::of(&found.kind)?;
    let sender = webhook.sender(&settings, &found.name);
    let mut result = webhook.read(sender, Body { content_type, bytes: body });
    // Where leads are fetched, such a lead can be tried as well as its notice.
    if webhook.handling.fetch().is_some()
        && matches!(result, ParseResult::Unusable(_))
        && let Ok(value) = serde_json::from_slice(body)
    {
        result = webhook.read_fetched(sender, &value);
    }
    let said = |becomes, reason: String| Trial { becomes, reason, ..Trial::default() };
    Ok(match result {
        ParseResult::Lead(lead) => {
            let new = enquiry::salvage(lead.enquiry, tenant.country()?);
            let text = |text: Option<String>| text.unwrap_or_default();
            Trial {
                becomes: if lead.spam.is_some() { "spam" } else { "lead" },
                reason: lead.spam.unwrap_or_default().to_owned(),
                name: new.name,
                email: new.email.map(|email| email.to_string()).unwrap_or_default(),
                phone: new.phone.map(|phone| phone.to_string()).unwrap_or_default(),
                masked_phone: lead.masked_phone,
                service: text(new.service),
                message: text(new.message),
                address: text(new.address),
                postcode: text(new.postcode),
                preferred_time: text(new.preferred_time),
                reply_to: lead.reply_to.map(|address| address.to_string()).unwrap_or_default(),
                external_id: text(lead.external_id),
                is_test: new.is_test,
                cost_cents: new.cost_cents,
                source: new.source,
                details: new.details,
                attribution: new.attribution,
            }
        }
        ParseResult::Notices(notices) => {
            let ids: Vec<String> = notices.into_iter().map(|notice| notice.external_id).collect();
            said("notice", format!("to be fetched: {}", ids.join(", ")))
        }
        ParseResult::Remark(remark) => {
            said("message", format!("about lead {}: {}", remark.lead, remark.text))
        }
        ParseResult::Nothing(reason) => said("nothing", reason.to_owned()),
        ParseResult::Unusable(reason) => said("needs_review", reason),
        ParseResult::Malformed(reason) => said("malformed", reason),
    })
}

/// Lists notices, latest first; those of one source where it is named.
///
/// # Errors
/// `NotFound` when there is no such source.
pub async fn notices(
    app: &App,
    tenant: &Tenant,
    name: Option<&str>,
    state: Option<NoticeState>,
    limit: i64,
) -> Result<Vec<Notice>> {
    let source = match name {
        Some(name) => Some(find(app, tenant, name).await?.id),
        None => None,
    };
    app.view(tenant, move |tx| notice::list(tx, &Filter { source, state }, limit)).await
}

/// Has leads fetched again: one by its notice, or all of a source that failed. Returns how many.
///
/// # Errors
/// `NotFound` when there is no such source; `Conflict` when nothing of it can be fetched again.
pub async fn retry(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    only: Option<NoticeId>,
) -> Result<usize> {
    let found = find(app, tenant, name).await?;
    app.change(actor, tenant, RETRY, move |tx, now| {
        let mut open = open(tx, &found.id)?;
        open.retain(|notice| only.as_ref().is_none_or(|id| notice.id == *id));
        if open.is_empty() {
            return Err(Error::conflict(format!(
                "no lead of source `{}` waits to be fetched again",
                found.name
            )));
        }
        let mut woken = 0;
        for notice in open {
            let again = Notice {
                state: NoticeState::Pending,
                attempt: 0,
                due_at: Some(now),
                settled_at: None,
                ..notice.clone()
            };
            woken += usize::from(notice::save(tx, &again, notice.epoch)? == Claim::Won);
        }
        let subject = Subject::new(&found.name).after(&woken)?;
        Ok((woken, subject))
    })
    .await
}

/// Gives up a lead that is not fetched, as when the provider has it no more. Told of again, it stays given up.
///
/// # Errors
/// `NotFound` when there is no such notice; `Conflict` when its lead was fetched, or it is dismissed already.
pub async fn dismiss(app: &App, actor: &Actor, tenant: &Tenant, id: &NoticeId) -> Result<Notice> {
    let id = id.clone();
    app.change(actor, tenant, DISMISS, move |tx, now| {
        let before = notice::find(tx, &id)?.ok_or_else(|| {
            let slug = &tx.tenant.slug;
            Error::not_found(format!("no notice `{id}` in tenant `{slug}`"))
                .hint(format!("run `nexora source notices --tenant {slug}`"))
        })?;
        if matches!(before.state, NoticeState::Fetched | NoticeState::Dismissed) {
            return Err(Error::conflict(format!("notice `{id}` is {} already", before.state)));
        }
        let after =
            Notice { state: NoticeState::Dismissed, due_at: None, settled_at: Some(now), ..before.clone() };
        // A fetch that is under way finds the notice changed and settles nothing.
        if notice::save(tx, &after, before.epoch)? == Claim::Lost {
            return Err(Error::conflict(format!("notice `{id}` was changed just now")));
        }
        if open(tx, &after.source_id)?.is_empty() {
            source::clear_error(tx, &after.source_id)?;
        }
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// Lists the notices of a source whose lead was not fetched.
fn open(tx: &mut Tx, source: &SourceId) -> Result<Vec<Notice>> {
    let mut open = Vec::new();
    for state in [NoticeState::Failed, NoticeState::Retrying] {
        let filter = Filter { source: Some(source.clone()), state: Some(state) };
        open.extend(notice::list(tx, &filter, LIST_LIMIT)?);
    }
    Ok(open)
}
