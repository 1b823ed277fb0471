//! Tenants: created, listed, changed, suspended, resumed.

pub mod data;
pub mod deletion;
pub mod text;

use crate::app::App;
use crate::domain::connection::watch;
use crate::ops::automation::language;
use crate::ops::lead::form;
use crate::ops::{LIST_LIMIT, Subject};
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;
use nexora_core::model::address::{Country, EmailAddress, PhoneNumber, Slug, Zone};
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::setting::set_all;
use nexora_core::model::tenant::{Tenant, TenantMode, TenantState};
use nexora_core::model::tenant_setting::{SETTINGS, TenantSettings};
use nexora_store::{Inserted, effect, run, tenant, tenant_deletion};

pub const CREATE: Operation = Operation::of_operators("tenant.create");
// Suspending is how an operator stops a tenant; it is not for the tenant to undo.
pub const SUSPEND: Operation = Operation::of_operators("tenant.suspend");
pub const RESUME: Operation = Operation::of_operators("tenant.resume");
pub const SET: Operation = Operation::new("tenant.set", Noun::Tenant, Verb::Update);

/// A tenant to be created.
#[derive(Clone, Debug)]
pub struct NewTenant {
    pub slug: Slug,
    pub name: String,
    pub zone: Zone,
    pub owner_email: EmailAddress,
    /// As people of the tenant's country write it, or in international form.
    pub phone: Option<String>,
    /// That of the time zone, where it is not given.
    pub country: Option<Country>,
}

/// Creates a tenant.
///
/// # Errors
/// `Usage` when the name is empty, no country is known or the phone number is not one; `Conflict` when the slug is taken.
pub async fn create(app: &App, actor: &Actor, new: NewTenant) -> Result<Tenant> {
    if new.name.trim().is_empty() {
        return Err(Error::usage("a tenant needs a name").hint("add `--name \"Acme Plumbing\"`"));
    }
    let now = app.clock.now();
    let country = new.country.or_else(|| Country::of_zone(new.zone)).ok_or_else(|| {
        Error::usage(format!("time zone `{}` lies in no country", new.zone))
            .hint("say whose telephone numbers customers write, such as `--country US`")
    })?;
    let phone = new.phone.as_deref().map(|text| PhoneNumber::parse_in(country, text)).transpose()?;
    let tenant = Tenant {
        id: TenantId::new(now),
        slug: new.slug,
        name: new.name.trim().to_owned(),
        timezone: new.zone.name().to_owned(),
        owner_email: new.owner_email,
        phone,
        country: country.to_string(),
        state: TenantState::Active,
        created_at: now,
        updated_at: now,
        mode: TenantMode::Live,
        settings: Json::of(&TenantSettings::default())?,
        link_generation: 0,
        alert_bounce: None,
    };
    let new = tenant.clone();
    app.change(actor, &tenant, CREATE, move |tx, _| {
        if tenant::insert(tx, &new)? == Inserted::AlreadyThere {
            return Err(Error::conflict(format!("a tenant `{}` exists already", new.slug))
                .hint(format!("run `nexora tenant show {}`, or choose another slug", new.slug)));
        }
        let subject = Subject::new(&new.slug).after(&new)?;
        Ok((new, subject))
    })
    .await
}

/// Finds a tenant by its slug.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn find(app: &App, slug: &Slug) -> Result<Tenant> {
    let wanted = slug.clone();
    let found = app.db.read(move |conn| tenant::find_by_slug(conn, &wanted)).await?;
    found.ok_or_else(|| Error::not_found(format!("no tenant `{slug}`")).hint("run `nexora tenant list`"))
}

/// Lists the tenants by slug.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App) -> Result<Vec<Tenant>> {
    app.db.read(|conn| tenant::list(conn, LIST_LIMIT)).await
}

/// Suspends a tenant: leads are taken and kept, and everything else waits.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn suspend(app: &App, actor: &Actor, slug: &Slug) -> Result<Tenant> {
    set_state(app, actor, slug, TenantState::Suspended, SUSPEND).await
}

/// Resumes a tenant: what waited goes on where it was.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn resume(app: &App, actor: &Actor, slug: &Slug) -> Result<Tenant> {
    set_state(app, actor, slug, TenantState::Active, RESUME).await
}

async fn set_state(
    app: &App,
    actor: &Actor,
    slug: &Slug,
    state: TenantState,
    operation: Operation,
) -> Result<Tenant> {
    let (before, connectors) = (find(app, slug).await?, app.connectors().clone());
    app.change(actor, &before.clone(), operation, move |tx, now| {
        if state == TenantState::Active && tenant_deletion::find(tx, &before.id)?.is_some() {
            return Err(Error::conflict(format!("tenant `{}` was deleted", before.slug))
                .hint(format!("run `nexora tenant restore {}` to have it back", before.slug)));
        }
        tenant::set_state(tx, &before.id, state, now)?;
        if state == TenantState::Active {
            run::wake_parked(tx, None, now)?;
            effect::wake_all(tx, now)?;
        }
        let after = Tenant { state, updated_at: now, ..before.clone() };
        watch::reconcile(tx, &connectors, &after, now)?;
        let subject = Subject::new(&after.slug).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// Changes what is named. The same again changes nothing.
///
/// # Errors
/// `NotFound` when there is no such tenant; `Usage` naming the setting that is wrong.
pub async fn set(app: &App, actor: &Actor, slug: &Slug, changes: &[(String, String)]) -> Result<Tenant> {
    let before = find(app, slug).await?;
    let mut changed = (before.clone(), before.settings()?);
    set_all(SETTINGS, &mut changed, changes)?;
    let (mut after, settings) = changed;
    after.settings = Json::of(&settings)?;
    let connectors = app.connectors().clone();
    let (is_translated, shelf, by) =
        (before.language()? != settings.language, app.config.definitions.of(&after)?, actor.to_string());
    let tenant = app
        .change(actor, &before.clone(), SET, move |tx, now| {
            after.updated_at = now;
            tenant::save(tx, &after)?;
            if is_translated {
                language::translate(tx, &shelf, &by, now)?;
                form::translate_wordings(tx, &after, now)?;
            }
            watch::reconcile(tx, &connectors, &after, now)?;
            let subject = Subject::new(&after.slug).before(&before)?.after(&after)?;
            Ok((after, subject))
        })
        .await?;
    app.forget_public_profile(&tenant.slug);
    Ok(tenant)
}
