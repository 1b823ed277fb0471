//! `/healthz`, `/readyz`, `/metrics`: for supervisors and collectors, on the private listener.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::domain::report::health::machine;
use crate::http::Private;
use crate::ops::report::gauges;
use nexora_core::base::{Error, Result};
use nexora_core::model::restore::Restore;
use nexora_store::{migration, restore};

/// How long a check may take before it counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    at: nexora_core::base::clock::Timestamp,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The process runs and answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// The process can do its work: the database can be read, and written for real, and no stage is stuck. Each check
/// that fails says why.
pub async fn ready(State(private): State<Private>) -> Response {
    let db = &private.app.db;
    let checks = vec![
        check("database_read", db.read(migration::check)).await,
        check("database_write", private.app.heart.beat(db, &private.app.clock)).await,
        check("stages", async { stages(&private.app.turns.late(Instant::now())) }).await,
        held(&private.app).await,
    ];
    let ok = checks.iter().all(|check| check.ok);
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body =
        Readiness { status: if ok { "ready" } else { "not_ready" }, at: private.app.clock.now(), checks };
    (status, Json(body)).into_response()
}

/// Leads are taken while deliveries are held, so this is no reason to turn them away; it is said all the same.
async fn held(app: &App) -> Check {
    let started = Instant::now();
    let found = app.db.read(restore::latest).await.ok().flatten().filter(Restore::is_held);
    let reason = found.map(|restore| machine::of_held(&restore).what);
    Check { name: "deliveries", ok: true, duration_ms: started.elapsed().as_secs_f64() * 1_000.0, reason }
}

fn stages(late: &[&str]) -> Result<()> {
    match late {
        [] => Ok(()),
        late => Err(Error::unavailable(format!("stuck for too long: stage {}", late.join(", ")))
            .hint("the log says what it was doing; restart the service")),
    }
}

async fn check(name: &'static str, work: impl Future<Output = Result<()>>) -> Check {
    let started = Instant::now();
    let reason = match tokio::time::timeout(CHECK_TIMEOUT, work).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.report()),
        Err(_) => Some("no answer in time".to_owned()),
    };
    Check { name, ok: reason.is_none(), duration_ms: started.elapsed().as_secs_f64() * 1_000.0, reason }
}

/// Everything counted so far, and how things stand, in Prometheus' text format. Without a database it says what it knows.
pub async fn metrics(State(private): State<Private>) -> Response {
    // What takes longer is left as it was the last time.
    let _ = tokio::time::timeout(CHECK_TIMEOUT, gauges::set(&private.app)).await;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, private.metrics.render()).into_response()
}
