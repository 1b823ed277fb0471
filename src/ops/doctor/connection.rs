//! Every connection of every tenant: does its provider take it? Nothing is sent, and nothing is noted.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::app::App;
use crate::ops::LIST_LIMIT;
use crate::ops::connection::probe;
use crate::ops::doctor::surroundings::tenants;
use crate::ops::doctor::{Finding, Surroundings};
use nexora_core::base::Result;
use nexora_core::base::wording::length;
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::tenant::Tenant;
use nexora_store::connection;

/// Connections that are asked at the same time, and how long each may take.
const AT_ONCE: usize = 16;
const LIMIT: Duration = Duration::from_secs(20);

pub async fn check(around: &Surroundings) -> Vec<Finding> {
    let app = match around.app() {
        Ok(app) => app,
        Err(skipped) => return skipped,
    };
    let all = match all(app, around.launch.as_ref()).await {
        Ok(all) => all,
        Err(error) => return vec![Finding::of(&error, "nexora status")],
    };
    if all.is_empty() {
        return vec![Finding::skipped("there is no connection yet")];
    }
    let asked = all.into_iter().map(|(tenant, connection)| ask(app, tenant, connection));
    stream::iter(asked).buffered(AT_ONCE).collect().await
}

/// Returns the connections of all tenants, or of the one that is asked about.
pub async fn all(app: &App, only: Option<&Tenant>) -> Result<Vec<(Tenant, Connection)>> {
    let tenants = match only {
        Some(tenant) => vec![tenant.clone()],
        None => tenants(app).await?,
    };
    let mut all = Vec::new();
    for tenant in tenants {
        let found = app.view(&tenant, |tx| connection::list(tx, LIST_LIMIT)).await?;
        all.extend(found.into_iter().map(|connection| (tenant.clone(), connection)));
    }
    Ok(all)
}

async fn ask(app: &App, tenant: Tenant, connection: Connection) -> Finding {
    let (name, slug) = (&connection.name, &tenant.slug);
    let finding = match (connection.state, tokio::time::timeout(LIMIT, probe(app, &connection)).await) {
        (ConnectionState::Paused, _) => {
            let what = format!("connection `{name}` is paused");
            Finding::look(what, format!("nexora connection resume {name} --tenant {slug}"))
        }
        (ConnectionState::Failing, Ok(Ok(answer))) => {
            let what = format!("connection `{name}` works again, and still waits: {answer}");
            Finding::look(what, format!("nexora connection test {name} --tenant {slug}"))
        }
        (ConnectionState::Active, Ok(Ok(answer))) => Finding::good(format!("connection `{name}`: {answer}")),
        (_, Ok(Err(error))) => {
            let what = format!("connection `{name}`: {}", error.report());
            let fix = error.hint_text().map_or_else(
                || format!("nexora connection show {name} --tenant {slug}"),
                |hint| format!("{hint}; nexora connection set {name} --tenant {slug} --help"),
            );
            Finding::broken(what, fix)
        }
        (_, Err(_)) => {
            let what = format!("connection `{name}`: no answer within {}", length(LIMIT));
            Finding::broken(what, format!("nexora connection test {name} --tenant {slug}"))
        }
    };
    finding.about(&tenant)
}
