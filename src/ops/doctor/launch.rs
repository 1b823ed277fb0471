//! Before a tenant goes live: is everything there that its customers will meet?

use std::collections::BTreeMap;

use crate::app::App;
use crate::ops::LIST_LIMIT;
use crate::ops::access::user;
use crate::ops::automation;
use crate::ops::doctor::{Finding, Surroundings};
use crate::ops::report::status;
use nexora_core::base::Result;
use nexora_core::model::audit::Actor;
use nexora_core::model::automation::{Automation, AutomationState};
use nexora_core::model::connector::Connections;
use nexora_core::model::tenant::{Tenant, TenantMode};
use nexora_core::model::tenant_setting::TenantSettings;
use nexora_core::model::user::Role;
use nexora_engine::message::route;
use nexora_store as store;

pub async fn check(around: &Surroundings) -> Vec<Finding> {
    let (app, tenant) = match (around.app(), &around.launch) {
        (Ok(app), Some(tenant)) => (app, tenant),
        (Err(skipped), _) => return skipped,
        (Ok(_), None) => return Vec::new(),
    };
    match look(app, tenant).await {
        Ok(findings) => findings.into_iter().map(|finding| finding.about(tenant)).collect(),
        Err(error) => vec![Finding::of(&error, "nexora status").about(tenant)],
    }
}

async fn look(app: &App, tenant: &Tenant) -> Result<Vec<Finding>> {
    let mut findings = of_settings(tenant, &tenant.settings()?);
    findings.extend(of_connections(app, tenant).await?);
    findings.extend(of_automations(app, tenant).await?);
    findings.extend(of_people(app, tenant).await?);
    findings.extend(of_practice(app, tenant).await?);
    let troubles = status::of_tenant(app, tenant.clone()).await?.troubles;
    findings.extend(troubles.iter().map(Finding::of_issue));
    Ok(findings)
}

fn of_settings(tenant: &Tenant, settings: &TenantSettings) -> Vec<Finding> {
    let slug = &tenant.slug;
    let set = |what: &str| format!("nexora tenant set {slug} {what}");
    let mut findings = Vec::new();
    let mut ask = |is_there: bool, what: &str, fix: &str| {
        findings.push(match is_there {
            true => Finding::good(format!("it has {what}")),
            false => Finding::look(format!("it has no {what}"), set(fix)),
        });
    };
    ask(tenant.phone.is_some(), "telephone number for customers", "phone=\"+1 512 555 0199\"");
    let postal = "postal address, which the law wants in every commercial mail";
    ask(
        !settings.postal_address.trim().is_empty(),
        postal,
        "postal_address=\"12 Main St, Austin, TX 78701\"",
    );
    ask(
        !settings.review_url.is_empty(),
        "link where customers leave a review",
        "review_url=https://g.page/r/…/review",
    );
    if settings.business_hours == TenantSettings::default().business_hours {
        let what = format!("its business hours are the usual ones: {}", settings.business_hours);
        findings
            .push(Finding::look(what, set("business_hours=\"Mon-Fri 08:00-17:30\"; leave it if that is so")));
    }
    findings.push(match tenant.mode {
        TenantMode::Live => Finding::good("it is live: what it sends goes to people"),
        TenantMode::Rehearsal => {
            Finding::look("it rehearses: what it sends reaches nobody", set("mode=live"))
        }
    });
    findings
}

async fn of_connections(app: &App, tenant: &Tenant) -> Result<Vec<Finding>> {
    let rows = app.view(tenant, |tx| store::connection::list(tx, LIST_LIMIT)).await?;
    let connections = Connections::new(&rows, app.connectors().facts());
    let ways = [
        ("mails to customers", route::for_customer(connections, None)),
        ("mails to the business", route::for_owner(connections, None)),
    ];
    Ok(ways
        .into_iter()
        .map(|(what, found)| match found {
            Ok(found) => {
                let account = app.connectors().account(found);
                Finding::good(format!("{what} go by connection `{}`, from {account}", found.name))
            }
            Err(error) => {
                Finding::broken(format!("nothing carries {what}"), error.hint_text().unwrap_or_default())
            }
        })
        .collect())
}

async fn of_automations(app: &App, tenant: &Tenant) -> Result<Vec<Finding>> {
    let slug = &tenant.slug;
    let all: Vec<Automation> = app.view(tenant, |tx| store::automation::list(tx, LIST_LIMIT)).await?;
    let enabled: Vec<_> = all.into_iter().filter(|found| found.state == AutomationState::Enabled).collect();
    let mut findings = Vec::new();
    if !enabled.iter().any(|found| found.name == "lead-capture") {
        let what = "`lead-capture` is not enabled: nobody answers a lead at once";
        findings.push(Finding::look(what, format!("nexora automation enable lead-capture --tenant {slug}")));
    }
    for found in enabled {
        let name = &found.name;
        // What would be refused today is told, and nothing is changed.
        let nobody = Actor::System("doctor");
        let asked = automation::enable(app, &nobody, tenant, name, &BTreeMap::new(), true).await;
        findings.push(match asked {
            Ok(found) if found.change == "unchanged" => Finding::good(format!("`{name}` is enabled")),
            Ok(_) => Finding::look(
                format!("`{name}` is enabled with an older definition or older messages"),
                format!("nexora automation diff {name} --tenant {slug}, then nexora automation enable {name} --tenant {slug}"),
            ),
            Err(error) => Finding::of(&error, &format!("nexora automation validate {name} --tenant {slug}")),
        });
    }
    Ok(findings)
}

async fn of_people(app: &App, tenant: &Tenant) -> Result<Vec<Finding>> {
    let slug = &tenant.slug;
    let users = user::list(app, Some(tenant)).await?;
    let is_owner = |found: &user::UserView| {
        found.memberships.iter().any(|member| member.tenant == slug.as_str() && member.role == Role::Owner)
    };
    Ok(vec![match users.iter().any(is_owner) {
        true => Finding::good("its owner can sign in to the status page"),
        false => Finding::look(
            "nobody can sign in to its status page as its owner",
            format!(
                "nexora user create {} --role owner --tenant {slug}, or nexora status link --tenant {slug}",
                tenant.owner_email
            ),
        ),
    }])
}

/// Whether it was tried out.
async fn of_practice(app: &App, tenant: &Tenant) -> Result<Vec<Finding>> {
    let slug = &tenant.slug;
    let leads = app.view(tenant, |tx| store::lead::list(tx, &store::lead::Filter::default(), 1)).await?;
    Ok(vec![match leads.first() {
        Some(last) => Finding::good(format!("a lead has come in, the last at {}", last.received_at)),
        None => Finding::look(
            "no lead has come in yet: it was not tried out",
            format!(
                "send one by its form, {}/lead/{slug}, or nexora automation test lead-capture --tenant {slug}",
                app.config.http.public_url
            ),
        ),
    }])
}
