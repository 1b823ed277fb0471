//! A tenant's form: its fields, settings, logo, Turnstile, and the wordings of consent.

use serde::Serialize;

use crate::app::App;
use crate::ops::Subject;
use crate::ops::lead::form_setting::SETTINGS;
use crate::ops::unit::Unit;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::consent::Channel;
use nexora_core::model::form::{ConsentText, Field, FieldName, Form, FormSettings, Need};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::setting::set_all;
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::photo;
use nexora_store::form;

pub const FIELDS: Operation = Operation::new("form.fields", Noun::Form, Verb::Update);
pub const SET: Operation = Operation::new("form.set", Noun::Form, Verb::Update);
pub const WORDING: Operation = Operation::new("form.wording", Noun::Form, Verb::Update);
pub const LOGO: Operation = Operation::new("form.logo", Noun::Form, Verb::Update);
pub const TURNSTILE: Operation = Operation::new("form.turnstile", Noun::Form, Verb::Update);

/// A form as operators see it.
#[derive(Clone, Debug, Serialize)]
pub struct FormView {
    pub url: String,
    #[serde(flatten)]
    pub settings: FormSettings,
    pub has_logo: bool,
    pub has_turnstile: bool,
    /// The wording in force of each channel that has one.
    pub wordings: Vec<ConsentText>,
}

const WORDINGS: i64 = 100;

/// Shows a tenant's form.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn find(app: &App, tenant: &Tenant) -> Result<FormView> {
    let base = app.config.http.public_url.clone();
    app.view(tenant, move |tx| view(tx, &base)).await
}

fn view(tx: &mut Unit<'_>, base: &str) -> Result<FormView> {
    let tenant = tx.tenant;
    let form = form::find(tx)?.unwrap_or_else(|| Form::plain(&tenant.id, tenant.created_at));
    let mut wordings = Vec::new();
    for channel in Channel::ALL {
        wordings.extend(form::wordings(tx, *channel, 1)?);
    }
    Ok(FormView {
        url: format!("{base}/lead/{}", tenant.slug),
        settings: form.settings()?,
        has_logo: form.logo.is_some(),
        has_turnstile: form.turnstile_sealed.is_some(),
        wordings,
    })
}

/// Chooses the fields, in the order in which they are shown.
///
/// # Errors
/// `Usage` when a customer could not be answered with them.
pub async fn set_fields(app: &App, actor: &Actor, tenant: &Tenant, fields: Vec<Field>) -> Result<FormView> {
    let has = |name| fields.iter().find(|field| field.name == name).map(|field| field.need);
    if has(FieldName::Name) != Some(Need::Required) {
        return Err(Error::usage("a form asks for the name").hint("add `name=required`"));
    }
    if has(FieldName::Phone).or(has(FieldName::Email)).is_none() {
        return Err(
            Error::usage("a form asks for a phone number or an email address").hint("add `phone` or `email`")
        );
    }
    let twice =
        |(at, field): (usize, &Field)| fields.iter().skip(at + 1).any(|other| other.name == field.name);
    if fields.iter().enumerate().any(twice) {
        return Err(Error::usage("a field is named twice"));
    }
    let demanded = fields.iter().find(|field| {
        field.need == Need::Required && (field.name.channel().is_some() || field.name == FieldName::Photos)
    });
    if let Some(field) = demanded {
        return Err(Error::usage(format!("`{}` is never required", field.name)).hint(
            "consent must be voluntary (47 CFR 64.1200(f)(9)), and a customer may have no photo at hand",
        ));
    }
    let now = app.clock.now();
    change(app, actor, tenant, FIELDS, move |tx, _, settings| {
        for channel in fields.iter().filter_map(|field| field.name.channel()) {
            if form::wordings(tx, channel, 1)?.is_empty() {
                let wording = usual_wording(tx.tenant, channel)?;
                let first = ConsentText { created_at: now, ..first(tx.tenant, channel, wording) };
                form::insert_wording(tx, &first)?;
            }
        }
        settings.fields = fields;
        Ok(())
    })
    .await
}

fn first(tenant: &Tenant, channel: Channel, wording: String) -> ConsentText {
    ConsentText { tenant_id: tenant.id.clone(), channel, version: 1, wording, created_at: tenant.created_at }
}

/// What people agree to unless the tenant words it otherwise.
fn usual_wording(tenant: &Tenant, channel: Channel) -> Result<String> {
    Ok((tenant.language()?.words().consent)(channel, &tenant.name))
}

/// Words what people agree to in the language that a tenant changes to, where it did not word it itself.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub(in crate::ops) fn translate_wordings(tx: &mut Unit<'_>, after: &Tenant, now: Timestamp) -> Result<()> {
    for channel in Channel::ALL {
        let Some(latest) = form::wordings(tx, *channel, 1)?.pop() else { continue };
        if latest.wording == usual_wording(tx.tenant, *channel)? {
            let wording = usual_wording(after, *channel)?;
            let version = latest.version + 1;
            let next = ConsentText { version, created_at: now, ..first(after, *channel, wording) };
            form::insert_wording(tx, &next)?;
        }
    }
    Ok(())
}

/// Changes what is named. The same again changes nothing.
///
/// # Errors
/// `Usage` naming the setting that is wrong.
pub async fn set(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    changes: Vec<(String, String)>,
) -> Result<FormView> {
    let country = tenant.country()?;
    change(app, actor, tenant, SET, move |_, _, settings| {
        let mut changed = (settings.clone(), country);
        set_all(SETTINGS, &mut changed, &changes)?;
        *settings = changed.0;
        if settings.proof_of_work && !settings.scripts_from.is_empty() {
            return Err(Error::conflict("a website's own form cannot work out the puzzle").hint(
                "show our form in a frame (`embed_on`), or set `proof_of_work=false` or `scripts_from=`",
            ));
        }
        Ok(())
    })
    .await
}

/// Words what people agree to, as the next version of it.
///
/// # Errors
/// `Usage` when it is too long.
pub async fn set_wording(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    channel: Channel,
    wording: String,
) -> Result<FormView> {
    let wording = wording.split_whitespace().collect::<Vec<_>>().join(" ");
    if wording.is_empty() || wording.chars().count() > 1_000 {
        return Err(Error::usage("a wording has 1 to 1000 characters"));
    }
    let now = app.clock.now();
    change(app, actor, tenant, WORDING, move |tx, _, _| {
        let latest = form::wordings(tx, channel, 1)?.pop();
        if latest.as_ref().is_some_and(|latest| latest.wording == wording) {
            return Ok(());
        }
        let version = latest.map_or(1, |latest| latest.version + 1);
        let next = ConsentText { version, created_at: now, ..first(tx.tenant, channel, wording) };
        form::insert_wording(tx, &next)
    })
    .await
}

/// Lists every wording there was, latest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn wordings(app: &App, tenant: &Tenant) -> Result<Vec<ConsentText>> {
    app.view(tenant, |tx| {
        let mut all = Vec::new();
        for channel in Channel::ALL {
            all.extend(form::wordings(tx, *channel, WORDINGS)?);
        }
        Ok(all)
    })
    .await
}

/// Shows a logo on the form, or with no bytes none any more.
///
/// # Errors
/// `Usage` when it is not a picture that can be read.
pub async fn set_logo(app: &App, actor: &Actor, tenant: &Tenant, bytes: Option<Vec<u8>>) -> Result<FormView> {
    let limit = app.config.intake.photo_limit_pixels;
    let logo = match bytes {
        Some(bytes) => Some(
            photo::logo(&bytes, limit)
                .map_err(|message| Error::usage(format!("the logo cannot be used: {message}")))?,
        ),
        None => None,
    };
    change(app, actor, tenant, LOGO, move |_, form, _| {
        form.logo = logo;
        Ok(())
    })
    .await
}

/// Has Turnstile look at visitors, or with no keys no longer.
///
/// # Errors
/// `Usage` when the site key has the wrong form.
pub async fn set_turnstile(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    keys: Option<(String, Secret)>,
) -> Result<FormView> {
    let sealed = match &keys {
        Some((site_key, secret)) => {
            let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
            if site_key.is_empty() || !site_key.bytes().all(is_key) {
                return Err(Error::usage(format!("`{site_key}` is not a site key")));
            }
            Some(app.key.seal(&Form::seal_owner(&tenant.id), secret)?)
        }
        None => None,
    };
    let site_key = keys.map(|(site_key, _)| site_key).unwrap_or_default();
    change(app, actor, tenant, TURNSTILE, move |_, form, settings| {
        settings.turnstile_site_key = site_key;
        form.turnstile_sealed = sealed;
        Ok(())
    })
    .await
}

async fn change(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    operation: Operation,
    work: impl FnOnce(&mut Unit<'_>, &mut Form, &mut FormSettings) -> Result<()> + Send + 'static,
) -> Result<FormView> {
    let base = app.config.http.public_url.clone();
    let changed = app.change(actor, tenant, operation, move |tx, now| {
        let before = view(tx, &base)?;
        let mut form = form::find(tx)?.unwrap_or_else(|| Form::plain(tx.tenant(), now));
        let mut settings = form.settings()?;
        work(tx, &mut form, &mut settings)?;
        form.settings = Json::of(&settings)?;
        form.updated_at = now;
        form::save(tx, &form)?;
        let after = view(tx, &base)?;
        let subject = Subject::new(&tx.tenant.slug).before(&before)?.after(&after)?;
        Ok((after, subject))
    });
    let view = changed.await?;
    app.forget_public_profile(&tenant.slug);
    Ok(view)
}
