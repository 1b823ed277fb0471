//! Each kind of thing in a folder, brought about by the operations of its noun.

use crate::config::definitions::{Shelf, Text as Source};
use crate::domain::connection::credential;
use crate::ops::access::user::{self, Grant};
use crate::ops::automation::{self as automations, Switch, definition};
use crate::ops::connection::{self, declared, removal};
use crate::ops::lead::source;
use crate::ops::lead::source_declared::{self, AWAITS};
use crate::ops::tenant::text::apply::{Work, automation_folder, missing};
use crate::ops::tenant::text::plan::{Change, Missing};
use crate::ops::tenant::text::{
    AutomationText, ConnectionText, Item, Place, Placed, SourceText, Text, UserText,
};
use crate::ops::{LIST_LIMIT, automation};
use nexora_connector::declared::Wrong;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::automation::AutomationState;
use nexora_core::model::connection::{ConnectionState, Purpose};
use nexora_core::model::source::SourceState;
use nexora_core::model::user::UserState;

fn note_wrong(work: &mut Work, place: &Place, of: &str, wrong: Wrong) {
    for (key, error) in wrong {
        let hint = error.hint_text().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let line = key.as_ref().map(|key| match place.lines.contains_key(key) {
            true => key.clone(),
            false => format!("settings.{key}"),
        });
        work.fault(place, line.as_deref().or(Some("settings")), format!("{of}: {}{hint}", error.report()));
    }
}

/// Brings a connection to what is wanted.
pub async fn set_connection(work: &mut Work, of: &Placed<ConnectionText>) -> Result<()> {
    let (wanted, place) = (of.value.clone(), &of.place);
    let now =
        work.now.connections.iter().find(|now| now.value.name == wanted.name).map(|now| now.value.clone());
    if now.as_ref().is_some_and(|now| wanted.is_so(&now.shown())) {
        return Ok(());
    }
    let name = wanted.name.clone();
    let declared = match declared::check(&work.app, &wanted.kind, &name, &wanted.settings) {
        Ok(declared) => declared,
        Err(wrong) => {
            note_wrong(work, place, &format!("connection `{name}`"), wrong);
            return Ok(());
        }
    };
    let (app, actor, tenant) = (work.app.clone(), work.actor.clone(), work.tenant()?.clone());
    let made = std::sync::Arc::new(std::sync::Mutex::new(None));
    let kept = std::sync::Arc::clone(&made);
    let before = work.plan.changes.len();
    work.step::<ConnectionText>(&name, place, None, async move {
        let name = wanted.name.as_str();
        match &now {
            Some(now) if now.kind != wanted.kind => {
                return Err(Error::conflict(format!("it is one to {}, not to {}", now.kind, wanted.kind))
                    .hint("give this one another name, or delete that one first"));
            }
            Some(now) if now.settings == wanted.settings => {}
            Some(_) => declared::set(&app, &actor, &tenant, name, declared).await?,
            None => {
                let kinds = app.connectors().iter().map(|kind| kind.facts().kind.clone());
                let kind = kinds.into_iter().find(|kind| kind.name() == wanted.kind);
                let kind = kind.ok_or_else(|| Error::internal("the connector is gone"))?;
                let secret = declared::add(&app, &actor, &tenant, (&kind, name), declared).await?;
                *kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = secret;
            }
        }
        let (state, purposes) =
            now.map_or((ConnectionState::Active, Vec::new()), |now| (now.state, now.purposes));
        set_connection_state(&app, &actor, &tenant, name, (state, wanted.state)).await?;
        for purpose in Purpose::ALL {
            let (is, was) = (wanted.purposes.contains(purpose), purposes.contains(purpose));
            if is != was {
                connection::choose(&app, &actor, &tenant, name, vec![*purpose], is).await?;
            }
        }
        Ok(())
    })
    .await?;
    let made = made.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some((secret, sentence)) = made.filter(|_| work.plan.changes.len() > before && !work.plan.dry_run)
    {
        work.plan.shown_once.push((format!("connection {name}"), sentence, secret));
    }
    Ok(())
}

async fn set_connection_state(
    app: &crate::app::App,
    actor: &nexora_core::model::audit::Actor,
    tenant: &nexora_core::model::tenant::Tenant,
    name: &str,
    (now, wanted): (ConnectionState, ConnectionState),
) -> Result<()> {
    match (now, wanted) {
        (ConnectionState::Paused, ConnectionState::Active) => {
            let found = connection::find(app, tenant, name).await?;
            if credential::missing(app.connectors(), &found).is_none() {
                connection::resume(app, actor, tenant, name).await?;
            }
        }
        (ConnectionState::Active | ConnectionState::Failing, ConnectionState::Paused) => {
            connection::pause(app, actor, tenant, name).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Brings a source to what is wanted.
pub async fn set_source(work: &mut Work, of: &Placed<SourceText>) -> Result<()> {
    let (wanted, place) = (of.value.clone(), &of.place);
    let now = work.now.sources.iter().find(|now| now.value.name == wanted.name).map(|now| now.value.clone());
    if now.as_ref().is_some_and(|now| wanted.is_so(&now.shown())) {
        return Ok(());
    }
    let name = wanted.name.clone();
    let declared = match source_declared::check(&wanted.kind, &name, &wanted.settings) {
        Ok(declared) => declared,
        Err(wrong) => {
            note_wrong(work, place, &format!("source `{name}`"), wrong);
            return Ok(());
        }
    };
    let (app, actor, tenant) = (work.app.clone(), work.actor.clone(), work.tenant()?.clone());
    work.step::<SourceText>(&name, place, None, async move {
        let name = wanted.name.as_str();
        match &now {
            Some(now) if now.kind != wanted.kind => {
                return Err(Error::conflict(format!("it is of kind {}, not {}", now.kind, wanted.kind))
                    .hint("give this one another name, or delete that one first"));
            }
            Some(now) if now.settings == wanted.settings => {}
            Some(_) => source_declared::set(&app, &actor, &tenant, name, declared).await?,
            None => source_declared::add(&app, &actor, &tenant, name, declared).await?,
        }
        match (now.map_or(SourceState::Enabled, |now| now.state), wanted.state) {
            (SourceState::Enabled, SourceState::Disabled) => {
                source::disable(&app, &actor, &tenant, name).await.map(|_| ())
            }
            (SourceState::Disabled, SourceState::Enabled) => {
                source::enable(&app, &actor, &tenant, name).await.map(|_| ())
            }
            (SourceState::Enabled, SourceState::Enabled) | (SourceState::Disabled, SourceState::Disabled) => {
                Ok(())
            }
        }
    })
    .await
}

/// Brings an automation to what is wanted; another definition, other settings or messages are a new version.
pub async fn set_automation(work: &mut Work, of: &Placed<AutomationText>) -> Result<()> {
    let (wanted, place) = (of.value.clone(), &of.place);
    let now =
        work.now.automations.iter().find(|now| now.value.name == wanted.name).map(|now| now.value.clone());
    if now.as_ref().is_some_and(|now| wanted.is_so(&now.shown())) {
        return Ok(());
    }
    let (app, actor, tenant) = (work.app.clone(), work.actor.clone(), work.tenant()?.clone());
    let folder = automation_folder(&work.folder, &wanted.name);
    let name = wanted.name.clone();
    work.step::<AutomationText>(&name, place, None, async move {
        let name = wanted.name.as_str();
        let language = wanted.language.map_or_else(|| tenant.language(), Ok)?;
        let shelf = Shelf::of_folder(folder, language);
        let file = format!("automations/{name}/{name}.toml");
        let text = Source { file, text: wanted.definition };
        let facts = app.connectors().facts();
        let loaded = definition::load_text(&shelf, facts, &tenant, &text, &wanted.settings)?;
        let done =
            automation::put(&app, &actor, &tenant, (name, automation::ENABLE, Switch::Leave), loaded, false)
                .await?;
        match (done.state, wanted.state) {
            (AutomationState::Enabled, AutomationState::Enabled)
            | (AutomationState::Paused, AutomationState::Paused)
            | (AutomationState::Disabled, AutomationState::Disabled) => Ok(()),
            (_, AutomationState::Enabled) => {
                automations::resume(&app, &actor, &tenant, name).await.map(|_| ())
            }
            (_, AutomationState::Paused) => automations::pause(&app, &actor, &tenant, name).await.map(|_| ()),
            (_, AutomationState::Disabled) => {
                automations::disable(&app, &actor, &tenant, name).await.map(|_| ())
            }
        }
    })
    .await
}

/// Brings a member to what is wanted.
pub async fn set_user(work: &mut Work, of: &Placed<UserText>) -> Result<()> {
    let (wanted, place) = (of.value.clone(), &of.place);
    let is_same = |now: &&Placed<UserText>| now.value.email.eq_ignore_ascii_case(&wanted.email);
    let now = work.now.users.iter().find(is_same).map(|now| now.value.clone());
    if now.as_ref().is_some_and(|now| wanted.is_so(&now.shown())) {
        return Ok(());
    }
    let (app, actor, tenant) = (work.app.clone(), work.actor.clone(), work.tenant()?.clone());
    let email: EmailAddress = wanted.email.parse()?;
    work.step::<UserText>(&wanted.email, place, None, async move {
        match &now {
            None => {
                let name = Some(wanted.name.clone()).filter(|name| !name.is_empty());
                let grant = Grant::Member(Box::new(tenant.clone()), wanted.role);
                user::create(&app, &actor, email.clone(), name, grant).await?;
            }
            Some(now) if now.role != wanted.role => {
                user::set_role(&app, &actor, &tenant, &email, wanted.role).await?;
            }
            Some(_) => {}
        }
        let found = user::find(&app, &email).await?;
        // Whether someone may sign in is a matter of all their tenants.
        let is_of_this_alone = found.memberships.len() == 1 && !found.user.operator;
        if is_of_this_alone && found.user.state != wanted.state {
            user::set_state(&app, &actor, &email, wanted.state).await?;
        }
        Ok(())
    })
    .await
}

/// Takes away what the folder does not name.
pub async fn prune(work: &mut Work, noun: &str, name: &str) -> Result<()> {
    let place = Place::default();
    let (app, actor, tenant) = (work.app.clone(), work.actor.clone(), work.tenant()?.clone());
    let of = name.to_owned();
    match noun {
        "automation" => {
            let work_of = async move { automations::disable(&app, &actor, &tenant, &of).await.map(|_| ()) };
            work.step::<AutomationText>(name, &place, Some(Change::SwitchOff), work_of).await
        }
        "source" => {
            let work_of = async move { source::remove(&app, &actor, &tenant, &of).await };
            work.step::<SourceText>(name, &place, None, work_of).await
        }
        "connection" => {
            let work_of = async move { removal::remove(&app, &actor, &tenant, &of, None).await.map(|_| ()) };
            work.step::<ConnectionText>(name, &place, None, work_of).await
        }
        _ => {
            let email: EmailAddress = name.parse()?;
            let work_of = async move { user::remove(&app, &actor, &tenant, &email).await.map(|_| ()) };
            work.step::<UserText>(name, &place, None, work_of).await
        }
    }
}

/// Lists the secrets that are yet to be given, with the commands that take them.
pub async fn missing_of(work: &Work, text: &Text) -> Result<Vec<Missing>> {
    let (app, tenant) = (&work.app, work.tenant()?);
    let (connections, sources) = app
        .view(tenant, |tx| {
            Ok((nexora_store::connection::list(tx, LIST_LIMIT)?, nexora_store::source::list(tx, LIST_LIMIT)?))
        })
        .await?;
    let mut all = Vec::new();
    for connection in &connections {
        if let Some(command) = credential::missing(app.connectors(), connection) {
            let what = format!("connection `{}` waits for its credential", connection.name);
            all.push(missing(what, work.command(&command)));
        }
    }
    for source in sources.iter().filter(|source| source.last_error.as_deref() == Some(AWAITS)) {
        let what = format!("source `{}` has a secret that its sender has not been told", source.name);
        all.push(missing(what, work.command(&format!("source rotate-secret {}", source.name))));
    }
    let site_key = text.form.value.turnstile_site_key.as_deref().unwrap_or_default();
    if !site_key.is_empty() && work.now.form.value.turnstile_site_key.as_deref() != Some(site_key) {
        let command = format!("form turnstile --site-key {site_key} --from-file FILE");
        all.push(missing("Turnstile's secret key is not in the folder", work.command(&command)));
    }
    for name in &text.tenant.value.api_keys {
        if !work.now.tenant.value.api_keys.contains(name) {
            let what = format!("a program has no key `{name}` here");
            all.push(missing(what, work.command(&format!("key create {name}"))));
        }
    }
    for view in user::list(app, Some(tenant)).await? {
        if !view.has_password && view.user.state == UserState::Active && !view.user.operator {
            let what = format!("user `{}` has no password", view.user.email);
            all.push(missing(what, format!("nexora user set-password {}", view.user.email)));
        }
    }
    Ok(all)
}
