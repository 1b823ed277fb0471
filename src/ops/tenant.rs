//! Tenants: made, looked at, suspended, resumed.

use crate::app::App;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::engine::hours::BusinessHours;
use crate::engine::quiet::QuietHours;
use crate::engine::source::suggestion;
use crate::model::TenantId;
use crate::model::address::{Country, EmailAddress, PhoneNumber, Slug, Zone};
use crate::model::audit::Actor;
use crate::model::principal::{Noun, Operation, Verb};
use crate::model::tenant::{Tenant, TenantMode, TenantSettings, TenantState};
use crate::ops::{LIST_LIMIT, Subject};
use crate::pipeline::watch;
use crate::store::{Inserted, effect, run, tenant};

pub const CREATE: Operation = Operation::of_operators("tenant.create");
// Suspending is how an operator stops a tenant; it is not for the tenant to undo.
pub const SUSPEND: Operation = Operation::of_operators("tenant.suspend");
pub const RESUME: Operation = Operation::of_operators("tenant.resume");
pub const SET: Operation = Operation::new("tenant.set", Noun::Tenant, Verb::Update);

/// A tenant to be made.
#[derive(Clone, Debug)]
pub struct NewTenant {
    pub slug: Slug,
    pub name: String,
    pub zone: Zone,
    pub owner_email: EmailAddress,
    /// As people of the tenant's country write it, or in international form.
    pub phone: Option<String>,
    pub country: Country,
}

/// Makes a tenant.
///
/// # Errors
/// `Usage` when the name is empty or the number is none; `Conflict` when the slug is taken.
pub async fn create(app: &App, actor: &Actor, new: NewTenant) -> Result<Tenant> {
    if new.name.trim().is_empty() {
        return Err(Error::usage("a tenant needs a name").hint("add `--name \"Acme Plumbing\"`"));
    }
    let now = app.clock.now();
    let phone = new.phone.as_deref().map(|text| PhoneNumber::parse_in(new.country, text)).transpose()?;
    let tenant = Tenant {
        id: TenantId::new(now),
        slug: new.slug,
        name: new.name.trim().to_owned(),
        timezone: new.zone.name().to_owned(),
        owner_email: new.owner_email,
        phone,
        country: new.country.to_string(),
        state: TenantState::Active,
        created_at: now,
        updated_at: now,
        mode: TenantMode::Live,
        settings: Json::of(&TenantSettings::default())?,
        links_epoch: 0,
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
    let before = find(app, slug).await?;
    app.change(actor, &before.clone(), operation, move |tx, now| {
        tenant::set_state(tx, &before.id, state, now)?;
        if state == TenantState::Active {
            run::wake_parked(tx, None, now)?;
            effect::wake_all(tx, now)?;
        }
        let after = Tenant { state, updated_at: now, ..before.clone() };
        watch::reconcile(tx, &after, now)?;
        let subject = Subject::new(&after.slug).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// What can be set about a tenant, each with a word about it.
pub const KEYS: &[(&str, &str)] = &[
    ("name", "as customers know it"),
    ("timezone", "IANA zone, such as America/Chicago"),
    ("owner_email", "who is told"),
    ("phone", "number that customers may call"),
    ("country", "whose telephone numbers customers write, in two letters"),
    ("mode", "`live`, or `rehearsal`: what is sent or changed goes to the sandbox"),
    ("business_hours", "when somebody is there, such as Mon-Fri 08:00-18:00, Sat 09:00-12:00"),
    ("quiet_hours", "when nobody is written to, such as 21:00-08:00, or none"),
    ("postal_address", "stands in every commercial mail, as the law asks"),
    ("review_url", "where customers are asked to leave a review"),
    ("website", "of the business"),
    ("color", "of buttons and headings in mails, such as #0b6bcb"),
    ("explicit_consent", "`true` sends commercial mail only to those who agreed in so many words"),
    ("cap", "commercial messages that a person gets in `cap_window` at most"),
    ("cap_window", "such as 7days"),
    ("spacing", "least time between two commercial messages to a person, such as 20h"),
    ("minutes_saved", "what a person would have needed for one message or record"),
];

/// Changes what is named. The same again changes nothing.
///
/// # Errors
/// `NotFound` when there is no such tenant; `Usage` naming the key or value that is wrong.
pub async fn set(app: &App, actor: &Actor, slug: &Slug, changes: &[(String, String)]) -> Result<Tenant> {
    let before = find(app, slug).await?;
    let mut after = before.clone();
    let mut settings = before.settings()?;
    for (key, value) in changes {
        set_one(&mut after, &mut settings, key, value.trim()).map_err(|error| {
            let hint = error.hint_text().unwrap_or("see `nexora tenant set --help`").to_owned();
            Error::usage(format!("`{key}`: {}", error.message())).hint(hint)
        })?;
    }
    after.settings = Json::of(&settings)?;
    let tenant = app
        .change(actor, &before.clone(), SET, move |tx, now| {
            after.updated_at = now;
            tenant::save(tx, &after)?;
            watch::reconcile(tx, &after, now)?;
            let subject = Subject::new(&after.slug).before(&before)?.after(&after)?;
            Ok((after, subject))
        })
        .await?;
    app.forget_public_profile(&tenant.slug);
    Ok(tenant)
}

fn set_one(tenant: &mut Tenant, settings: &mut TenantSettings, key: &str, value: &str) -> Result<()> {
    let owned = || value.to_owned();
    let wrong = |what: &str| Error::usage(format!("`{value}` is not {what}"));
    let length = || match humantime::parse_duration(value) {
        Ok(_) => Ok(owned()),
        Err(_) => Err(wrong("a duration").hint("write it like `20h` or `7days`")),
    };
    let number = || value.parse().map_err(|_| wrong("a whole number"));
    match key {
        "name" if value.is_empty() => return Err(Error::usage("a tenant needs a name")),
        "name" => tenant.name = owned(),
        "timezone" => tenant.timezone = Zone::parse(value)?.name().to_owned(),
        "owner_email" => tenant.owner_email = value.parse()?,
        "phone" if value.is_empty() => tenant.phone = None,
        "phone" => tenant.phone = Some(PhoneNumber::parse_in(tenant.country()?, value)?),
        "country" => tenant.country = Country::parse(value)?.to_string(),
        "mode" => tenant.mode = TenantMode::parse(value)?,
        "business_hours" => settings.business_hours = BusinessHours::parse(value).map(|_| owned())?,
        "quiet_hours" => settings.quiet_hours = QuietHours::parse(value).map(|_| owned())?,
        "postal_address" => settings.postal_address = owned(),
        "review_url" | "website" if !value.is_empty() && !value.starts_with("https://") => {
            return Err(wrong("an address on the web").hint("it begins with `https://`"));
        }
        "review_url" => settings.review_url = owned(),
        "website" => settings.website = owned(),
        "color" => match value.strip_prefix('#') {
            Some(digits) if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                settings.color = owned();
            }
            _ => return Err(wrong("a colour").hint("write it like `#0b6bcb`")),
        },
        "explicit_consent" => {
            settings.explicit_consent = value.parse().map_err(|_| wrong("`true` or `false`"))?;
        }
        "cap" => settings.cap = number()?,
        "cap_window" => settings.cap_window = length()?,
        "spacing" => settings.spacing = length()?,
        "minutes_saved" => settings.minutes_saved = number()?,
        _ => {
            let known = KEYS.iter().map(|(name, _)| *name);
            return Err(Error::usage(format!("nothing is called so{}", suggestion(key, known))));
        }
    }
    Ok(())
}
