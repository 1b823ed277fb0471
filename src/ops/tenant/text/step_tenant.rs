//! The tenant itself and its form, brought to what a folder says.

use std::collections::BTreeMap;

use crate::ops::lead::form;
use crate::ops::lead::form_setting;
use crate::ops::report::status;
use crate::ops::tenant::text::apply::Work;
use crate::ops::tenant::text::document::said;
use crate::ops::tenant::text::plan::{Change, Line};
use crate::ops::tenant::text::{FormText, Item, Place, Placed, TenantText};
use crate::ops::tenant::{self, NewTenant};
use nexora_core::base::{Kind, Result};
use nexora_core::model::address::{Country, EmailAddress, Zone};
use nexora_core::model::form::{Field, FieldName, FormSettings, Need};
use nexora_core::model::panel::Panel;
use nexora_core::model::setting::{Setting, set_all};
use nexora_core::model::tenant::TenantState;
use nexora_core::model::tenant_setting::SETTINGS;

type Pairs = Vec<(String, String)>;

/// Notes everything that is wrong with settings, each at its line.
fn check_settings<T: Clone>(
    work: &mut Work,
    place: &Place,
    (known, of): (&[Setting<T>], &T),
    wanted: &BTreeMap<String, String>,
) {
    let mut changed = of.clone();
    let mut pairs: Vec<(&String, &String)> = wanted.iter().collect();
    pairs.sort_by_key(|(name, _)| known.iter().position(|setting| setting.name == **name));
    for (name, value) in pairs {
        let pair = [(name.clone(), value.clone())];
        if let Err(error) = set_all(known, &mut changed, &pair) {
            let hint = error.hint_text().filter(|hint| !hint.contains("--help"));
            let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            work.fault(place, Some(&format!("settings.{name}")), format!("{}{hint}", error.message()));
        }
    }
}

fn differing(wanted: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Pairs {
    let differs = wanted.iter().filter(|(name, value)| now.get(*name) != Some(value));
    differs.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Makes the tenant, or brings it to what is wanted; tells whether it is there, so that the rest can be looked at.
pub async fn set_tenant(work: &mut Work, of: &Placed<TenantText>) -> Result<bool> {
    let (wanted, place) = (&of.value, &of.place);
    let Some(slug) = wanted.slug.clone() else {
        work.fault(place, None, "missing `slug`: the tenant's short name".to_owned());
        return Ok(false);
    };
    match tenant::find(&work.app, &slug).await {
        Ok(found) => work.tenant = Some(found),
        Err(error) if error.kind() == Kind::NotFound => {
            if !create(work, of).await? {
                return Ok(false);
            }
        }
        Err(error) => return Err(error),
    }
    work.look().await?;
    if wanted.is_so(&work.now.tenant.value.shown()) {
        return Ok(true);
    }
    let faults = work.faults.len();
    let found = work.tenant()?.clone();
    let before = (found.clone(), found.settings()?);
    check_settings(work, place, (SETTINGS, &before), &wanted.settings);
    let mut panels = None;
    for word in wanted.status_panels.iter().flatten() {
        match Panel::parse(word) {
            Ok(panel) => panels.get_or_insert_with(Vec::new).push(panel),
            Err(error) => work.fault(place, Some("status_panels"), said("status_panels", &error)),
        }
    }
    if work.faults.len() > faults {
        return Ok(true);
    }
    let (app, actor) = (work.app.clone(), work.actor.clone());
    let changes = differing(&wanted.settings, &work.now.tenant.value.settings);
    let panels = panels.filter(|_| wanted.status_panels != work.now.tenant.value.status_panels);
    let state = wanted.state.filter(|state| *state != found.state);
    let is_new = work.plan.changes.iter().any(|line| line.noun == TenantText::NOUN);
    let lines = work.plan.changes.len();
    let name = slug.to_string();
    work.step::<TenantText>(&name, place, None, async move {
        if !changes.is_empty() {
            tenant::set(&app, &actor, &slug, &changes).await?;
        }
        if let Some(panels) = panels {
            status::set_panels(&app, &actor, tenant::find(&app, &slug).await?, panels).await?;
        }
        match state {
            Some(TenantState::Suspended) => tenant::suspend(&app, &actor, &slug).await.map(|_| ()),
            Some(TenantState::Active) => tenant::resume(&app, &actor, &slug).await.map(|_| ()),
            None => Ok(()),
        }
    })
    .await?;
    if is_new {
        // Creating it says all.
        work.plan.changes.truncate(lines);
    }
    Ok(true)
}

async fn create(work: &mut Work, of: &Placed<TenantText>) -> Result<bool> {
    let (wanted, place) = (&of.value, &of.place);
    let Some(slug) = wanted.slug.clone() else { return Ok(false) };
    let mut is_good = true;
    for name in ["name", "timezone", "owner_email"] {
        if wanted.settings.get(name).is_none_or(|value| value.trim().is_empty()) {
            let text = format!("missing `settings.{name}`: tenant `{slug}` is not there yet, and needs it");
            work.fault(place, Some("settings"), text);
            is_good = false;
        }
    }
    let text = |name: &str| wanted.settings.get(name).cloned().unwrap_or_default();
    let zone = text("timezone").parse::<Zone>();
    let owner = text("owner_email").parse::<EmailAddress>();
    let country = match text("country") {
        country if country.is_empty() => Ok(None),
        country => Country::parse(&country).map(Some),
    };
    let (zone, owner_email, country) = match (zone, owner, country) {
        (Ok(zone), Ok(owner), Ok(country)) if is_good => (zone, owner, country),
        (zone, owner, country) => {
            let wrong = [("timezone", zone.err()), ("owner_email", owner.err()), ("country", country.err())];
            for (name, error) in wrong {
                if let Some(error) = error.filter(|_| wanted.settings.contains_key(name)) {
                    work.fault(place, Some(&format!("settings.{name}")), said(name, &error));
                }
            }
            return Ok(false);
        }
    };
    let new = NewTenant { slug: slug.clone(), name: text("name"), zone, owner_email, phone: None, country };
    let before = work.faults.len();
    let (app, actor) = (work.app.clone(), work.actor.clone());
    match tenant::create(&app, &actor, new).await {
        Ok(made) => work.tenant = Some(made),
        Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Internal) => return Err(error),
        Err(error) => work.fault(place, None, said("tenant", &error)),
    }
    if work.faults.len() > before {
        return Ok(false);
    }
    work.plan.changes.push(Line {
        change: Change::Create,
        noun: TenantText::NOUN,
        name: slug.to_string(),
        parts: Vec::new(),
    });
    Ok(true)
}

/// Brings the form to what is wanted.
pub async fn set_form(work: &mut Work, of: &Placed<FormText>) -> Result<()> {
    let (wanted, place) = (of.value.clone(), &of.place);
    let now = work.now.form.value.clone();
    if wanted.is_so(&now.shown()) {
        return Ok(());
    }
    let faults = work.faults.len();
    let tenant = work.tenant()?.clone();
    let settings = (FormSettings::default(), tenant.country()?);
    check_settings(work, place, (form_setting::SETTINGS, &settings), &wanted.settings);
    let mut fields = None;
    for text in wanted.fields.iter().flatten() {
        match field(text) {
            Ok(field) => fields.get_or_insert_with(Vec::new).push(field),
            Err(error) => work.fault(place, Some("fields"), said("fields", &error)),
        }
    }
    let fields = fields.filter(|_| wanted.fields != now.fields);
    if work.faults.len() > faults {
        return Ok(());
    }
    let changes = differing(&wanted.settings, &now.settings);
    let (app, actor) = (work.app.clone(), work.actor.clone());
    work.step::<FormText>("", place, None, async move {
        if let Some(fields) = fields {
            form::set_fields(&app, &actor, &tenant, fields).await?;
        }
        if !changes.is_empty() {
            form::set(&app, &actor, &tenant, changes).await?;
        }
        for (channel, wording) in wanted.wordings {
            if now.wordings.get(&channel) != Some(&wording) {
                form::set_wording(&app, &actor, &tenant, channel, wording).await?;
            }
        }
        if let Some(logo) = wanted.logo.filter(|logo| Some(logo) != now.logo.as_ref()) {
            form::set_logo(&app, &actor, &tenant, logo).await?;
        }
        // The widget needs a secret, which is not in the folder: it can only be taken away.
        let is_taken_away = wanted.turnstile_site_key.is_some_and(|key| key.is_empty());
        if is_taken_away && now.turnstile_site_key.is_some_and(|key| !key.is_empty()) {
            form::set_turnstile(&app, &actor, &tenant, None).await?;
        }
        Ok(())
    })
    .await
}

fn field(text: &str) -> Result<Field> {
    let (name, need) = text.split_once('=').unwrap_or((text, Need::Optional.name()));
    Ok(Field { name: FieldName::parse(name)?, need: Need::parse(need)? })
}
