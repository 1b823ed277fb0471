//! A tenant as it is, as text has it.

use crate::ops::lead::form_setting;
use crate::ops::lead::source_declared;
use crate::ops::tenant::text::{
    AutomationText, ConnectionText, FormText, Place, Placed, SourceText, TenantText, Text, UserText,
};
use crate::ops::unit::Unit;
use crate::ops::{LIST_LIMIT, automation as automations, chosen_texts};
use nexora_connector::declared;
use nexora_connector::kind::Connectors;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::consent::Channel;
use nexora_core::model::form::{Field, Form};
use nexora_core::model::tenant_setting::SETTINGS;
use nexora_store::{automation, connection, form, key, source, user};

/// Gathers everything.
pub fn all(tx: &mut Unit<'_>, connectors: &Connectors, now: Timestamp) -> Result<Text> {
    Ok(Text {
        tenant: placed(tenant(tx, now)?),
        connections: connections(tx, connectors)?.into_iter().map(placed).collect(),
        form: placed(form(tx)?),
        sources: sources(tx)?.into_iter().map(placed).collect(),
        automations: automations(tx)?.into_iter().map(placed).collect(),
        users: users(tx)?.into_iter().map(placed).collect(),
    })
}

fn placed<T>(value: T) -> Placed<T> {
    Placed { value, place: Place::default() }
}

fn tenant(tx: &mut Unit<'_>, now: Timestamp) -> Result<TenantText> {
    let tenant = tx.tenant;
    let settings = (tenant.clone(), tenant.settings()?);
    let mut api_keys: Vec<String> =
        key::list(tx, LIST_LIMIT)?.into_iter().filter(|key| key.is_good(now)).map(|key| key.name).collect();
    api_keys.sort();
    api_keys.dedup();
    Ok(TenantText {
        slug: Some(tenant.slug.clone()),
        state: Some(tenant.state),
        status_panels: Some(settings.1.status_panels.iter().map(ToString::to_string).collect()),
        api_keys,
        settings: SETTINGS
            .iter()
            .map(|setting| (setting.name.to_owned(), (setting.get)(&settings)))
            .collect(),
    })
}

fn connections(tx: &mut Unit<'_>, connectors: &Connectors) -> Result<Vec<ConnectionText>> {
    let text = |connection: Connection| {
        let settings = match connectors.of(&connection) {
            Ok(kind) => kind.written(&connection)?,
            // One of a connector that this program does not have.
            Err(_) => declared::shown(&connection.settings)?,
        };
        let state = match connection.state {
            // That it fails is what happened, not what was decided.
            ConnectionState::Active | ConnectionState::Failing => ConnectionState::Active,
            ConnectionState::Paused => ConnectionState::Paused,
        };
        let purposes = connection.purposes();
        Ok(ConnectionText {
            kind: connection.kind.to_string(),
            name: connection.name,
            state,
            purposes,
            settings,
        })
    };
    connection::list(tx, LIST_LIMIT)?.into_iter().map(text).collect()
}

/// Writes a field as `nexora form fields` takes it.
fn field_text(field: Field) -> String {
    format!("{}={}", field.name, field.need)
}

fn form(tx: &mut Unit<'_>) -> Result<FormText> {
    let tenant = tx.tenant;
    let kept = form::find(tx)?.unwrap_or_else(|| Form::plain(&tenant.id, tenant.created_at));
    let settings = (kept.settings()?, tenant.country()?);
    let mut wordings = std::collections::BTreeMap::new();
    for channel in Channel::ALL {
        wordings.extend(form::wordings(tx, *channel, 1)?.pop().map(|latest| (*channel, latest.wording)));
    }
    let get = |setting: &nexora_core::model::setting::Setting<_>| {
        (setting.name.to_owned(), (setting.get)(&settings))
    };
    Ok(FormText {
        fields: Some(settings.0.fields.iter().copied().map(field_text).collect()),
        logo: Some(kept.logo),
        turnstile_site_key: Some(settings.0.turnstile_site_key.clone()),
        settings: form_setting::SETTINGS.iter().map(get).collect(),
        wordings,
    })
}

fn sources(tx: &mut Unit<'_>) -> Result<Vec<SourceText>> {
    let mut sources = source::list(tx, LIST_LIMIT)?;
    sources.sort_by(|one, other| one.name.cmp(&other.name));
    let text = |source: nexora_core::model::source::Source| {
        let settings = source_declared::written(&source)?;
        Ok(SourceText { kind: source.kind.to_string(), name: source.name, state: source.state, settings })
    };
    sources.into_iter().map(text).collect()
}

fn automations(tx: &mut Unit<'_>) -> Result<Vec<AutomationText>> {
    let mut all = automation::list(tx, LIST_LIMIT)?;
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let mut texts = Vec::new();
    for automation in all {
        let live = automations::live_version(tx, &automation)?;
        texts.push(AutomationText {
            name: automation.name,
            state: automation.state,
            language: Some(live.language),
            settings: chosen_texts(&live, tx.tenant)?,
            messages: live.templates.read()?,
            definition: live.definition,
        });
    }
    Ok(texts)
}

fn users(tx: &mut Unit<'_>) -> Result<Vec<UserText>> {
    let mut members = user::list_members(tx, LIST_LIMIT)?;
    members.sort_by(|(one, _), (other, _)| one.email_key.cmp(&other.email_key));
    let text = |(user, role): (nexora_core::model::user::User, _)| UserText {
        email: user.email.to_string(),
        name: user.name,
        role,
        state: user.state,
    };
    Ok(members.into_iter().map(text).collect())
}
