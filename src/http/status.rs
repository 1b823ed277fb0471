//! `GET /status`: is the service up; with a signed link, what an owner's tenant is doing.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono_tz::Tz;
use serde::Deserialize;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::engine::authority;
use crate::http::page;
use crate::http::problem::{self, Reader};
use crate::http::session;
use crate::http::sign_in;
use crate::model::automation::AutomationState;
use crate::model::connection::{Connection, ConnectionState};
use crate::model::effect::{Effect, EffectKind, EffectState};
use crate::model::lead::{Lead, LeadState};
use crate::model::principal::{Noun, Permission, Principal, Verb};
use crate::model::request::EffectRequest;
use crate::model::tenant::Tenant;
use crate::ops::status::{self, TenantStatus};
use crate::pipeline::trouble::Trouble;
use crate::store::migration;

#[derive(Deserialize)]
pub struct Signed {
    token: Option<String>,
}

pub async fn show(
    State(app): State<Arc<App>>,
    Query(query): Query<Signed>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    if let Some(link) = query.token {
        return sign_in::by_link(&app, &headers, &extensions, &link).await;
    }
    let mut response = match session::principal(&app, &headers, None).await {
        Ok(Some(principal)) => match owner_page(&app, &principal).await {
            Ok(page) => page::render(StatusCode::OK, &page),
            Err(error) => problem::failure(Reader::Person, &error),
        },
        Ok(None) => signed_out(&app).await,
        Err(error) => problem::failure(Reader::Person, &error),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn signed_out(app: &App) -> Response {
    match app.db.read(migration::check).await {
        Ok(()) => page::notice(StatusCode::OK, "the service is up", "Open your own link to see more."),
        Err(_) => {
            page::notice(StatusCode::SERVICE_UNAVAILABLE, "the service is not working", "We know about it.")
        }
    }
}

async fn owner_page(app: &App, principal: &Principal) -> Result<Page> {
    let now = app.clock.now();
    let tenant_id = match principal {
        Principal::Link { tenant_id } => Some(tenant_id.clone()),
        Principal::Member { roles, .. } => roles.first().map(|(tenant_id, _)| tenant_id.clone()),
        Principal::Operator { .. } => {
            app.db.read(|conn| crate::store::tenant::list(conn, 1)).await?.pop().map(|tenant| tenant.id)
        }
    };
    let tenant_id = tenant_id.ok_or_else(|| Error::not_found("there is nothing to show yet"))?;
    authority::require(principal, Some(&tenant_id), Permission(Noun::Status, Verb::Read))?;
    let tenant = app.db.read(move |conn| crate::store::tenant::find(conn, &tenant_id)).await?;
    let tenant = tenant.ok_or_else(|| Error::not_found("there is no such page"))?;
    let zone = tenant.zone()?.tz();
    let form_url = format!("{}/lead/{}", app.config.http.public_url, tenant.slug);
    let mut status = status::of_tenant(app, tenant).await?;
    let reads = |noun| authority::allows(principal, Some(&status.tenant.id), Permission(noun, Verb::Read));
    if !(reads(Noun::Lead) && reads(Noun::Effect)) {
        status.leads.clear();
        status.effects.clear();
    }
    Ok(Page::new(status, zone, now, form_url))
}

#[derive(Template)]
#[template(path = "status.html")]
struct Page {
    tenant: Tenant,
    now: String,
    form_url: String,
    troubles: Vec<Trouble>,
    figures: Vec<Figure>,
    leads: Vec<LeadRow>,
    effects: Vec<EffectRow>,
    connections: Vec<Line>,
    automations: Vec<Line>,
}

struct Figure {
    value: i64,
    label: &'static str,
}

struct LeadRow {
    received: String,
    name: String,
    mark: &'static str,
    contact: String,
    service: String,
    source: String,
    answered: String,
}

struct EffectRow {
    when: String,
    what: &'static str,
    state: &'static str,
    tone: &'static str,
    detail: String,
}

struct Line {
    name: String,
    state: &'static str,
    tone: &'static str,
    detail: String,
}

impl Page {
    fn new(status: TenantStatus, zone: Tz, now: Timestamp, form_url: String) -> Page {
        let open = status.total("effect")
            - ["delivered", "dead", "discarded"]
                .iter()
                .map(|state| status.count("effect", state))
                .sum::<i64>();
        let figures = vec![
            Figure { value: status.total("lead"), label: "leads" },
            Figure { value: status.count("effect", "delivered"), label: "things done for you" },
            Figure { value: open, label: "under way" },
            Figure { value: status.count("effect", "dead"), label: "given up" },
        ];
        Page {
            now: shown(now, zone),
            form_url,
            figures,
            leads: status.leads.iter().map(|lead| lead_row(lead, zone)).collect(),
            effects: status.effects.iter().map(|effect| effect_row(effect, zone)).collect(),
            connections: status
                .connections
                .iter()
                .map(|connection| connection_line(connection, zone))
                .collect(),
            automations: status.automations.iter().map(automation_line).collect(),
            troubles: status.troubles,
            tenant: status.tenant,
        }
    }
}

fn shown(at: Timestamp, zone: Tz) -> String {
    at.utc().with_timezone(&zone).format("%-d %b %Y, %H:%M:%S").to_string()
}

fn lead_row(lead: &Lead, zone: Tz) -> LeadRow {
    let contact =
        [lead.phone.as_ref().map(ToString::to_string), lead.email.as_ref().map(ToString::to_string)];
    let answered = lead.answered_at.map(|at| at.since(lead.received_at));
    LeadRow {
        received: shown(lead.received_at, zone),
        name: lead.name.clone(),
        mark: match (lead.state, lead.is_test) {
            (LeadState::Spam, _) => "spam",
            (_, true) => "test",
            _ => "",
        },
        contact: contact.into_iter().flatten().collect::<Vec<_>>().join(", "),
        service: lead.service.clone().unwrap_or_default(),
        source: lead.source.clone(),
        answered: answered.map_or_else(|| "not yet".to_owned(), after),
    }
}

fn after(wait: std::time::Duration) -> String {
    if wait.as_secs() < 10 {
        return format!("after {:.1} s", wait.as_secs_f64());
    }
    format!("after {}", humantime::format_duration(std::time::Duration::from_secs(wait.as_secs())))
}

fn effect_row(effect: &Effect, zone: Tz) -> EffectRow {
    let what = match effect.kind {
        EffectKind::SendMail => "Email",
        EffectKind::CreateEvent => "Calendar entry",
        EffectKind::AppendRow | EffectKind::UpdateRow => "Sheet row",
        EffectKind::DraftMail => "Draft",
        EffectKind::LabelMail => "Label",
        EffectKind::UpdateEvent => "Calendar change",
        EffectKind::CancelEvent => "Cancelled entry",
        EffectKind::FindSlot => "Free time",
        EffectKind::PostWebhook => "Webhook",
    };
    let (state, tone) = match effect.state {
        EffectState::Delivered => ("done", "good"),
        EffectState::Pending | EffectState::Leased => ("under way", ""),
        EffectState::Retrying => ("trying again", "warn"),
        EffectState::InDoubt => ("being checked", "warn"),
        EffectState::Dead => ("given up", "bad"),
        EffectState::Discarded => ("discarded", ""),
    };
    let subject = match effect.request.read::<EffectRequest>() {
        Ok(EffectRequest::SendMail(mail) | EffectRequest::DraftMail(mail)) => {
            format!("to {}: {}", mail.to, mail.subject)
        }
        Ok(EffectRequest::CreateEvent(event)) => format!("{}, {}", event.title, shown(event.start, zone)),
        Ok(EffectRequest::LabelMail(label)) => [label.add, label.remove].concat().join(", "),
        Ok(EffectRequest::UpdateEvent(event)) => event.title.unwrap_or(event.entry),
        Ok(EffectRequest::CancelEvent(event)) => event.entry,
        Ok(EffectRequest::FindSlot(find)) => find.calendars.join(", "),
        Ok(EffectRequest::AppendRow(row)) => format!("in sheet {}", row.sheet),
        Ok(EffectRequest::PostWebhook(webhook)) => webhook.event,
        Ok(EffectRequest::UpdateRow(row)) => format!("{} {} in sheet {}", row.key.0, row.key.1, row.sheet),
        Err(_) => String::new(),
    };
    let detail = match &effect.reason {
        Some(reason) => format!("{subject} ({reason})"),
        None => subject,
    };
    EffectRow { when: shown(effect.settled_at.unwrap_or(effect.created_at), zone), what, state, tone, detail }
}

fn connection_line(connection: &Connection, zone: Tz) -> Line {
    let tone = match connection.state {
        ConnectionState::Active => "good",
        ConnectionState::Paused => "warn",
        ConnectionState::Failing => "bad",
    };
    let used = connection
        .last_ok_at
        .map_or_else(|| "not used yet".to_owned(), |at| format!("last used {}", shown(at, zone)));
    Line { name: connection.name.clone(), state: connection.state.name(), tone, detail: used }
}

fn automation_line(line: &status::AutomationLine) -> Line {
    let tone = match line.state {
        AutomationState::Enabled => "good",
        AutomationState::Paused => "warn",
        AutomationState::Disabled => "",
    };
    Line {
        name: line.name.clone(),
        state: line.state.name(),
        tone,
        detail: format!("version {}", line.version),
    }
}
