//! Alerts to operators: listed, and tried out.

use serde::Serialize;

use crate::app::{App, heart};
use crate::domain::alert::{message, way};
use nexora_core::base::{Error, Result};
use nexora_core::model::alert::Alert;
use nexora_store::alert;

/// What came of a test by one way.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// `mail` or `webhook`.
    pub way: &'static str,
    pub ok: bool,
    pub reason: Option<String>,
    pub hint: Option<String>,
}

/// Sends a test by every way of the configuration.
///
/// # Errors
/// `Config` when there is none.
pub async fn test(app: &App) -> Result<Vec<Tested>> {
    if !app.config.alerts.is_on() {
        return Err(Error::config(
            "nobody is told of troubles: `[alerts]` has neither `to` nor `webhook_url`",
        )
        .hint("write them into the configuration; docs/OPERATING.md shows how"));
    }
    let now = app.clock.now();
    let text = "This is a test, which `nexora alerts test` sent. Nothing is wrong.";
    let message = message::plain(&heart::host(), "a test", text, now)?;
    let mut tested = Vec::new();
    for (name, way) in way::all(app) {
        let told = match way {
            Ok(way) => way.tell(&message, now).await,
            Err(error) => Err(error),
        };
        let error = told.err();
        tested.push(Tested {
            way: name,
            ok: error.is_none(),
            reason: error.as_ref().map(Error::report),
            hint: error.as_ref().and_then(Error::hint_text).map(str::to_owned),
        });
    }
    Ok(tested)
}

/// Lists alerts, latest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, limit: i64) -> Result<Vec<Alert>> {
    app.db.read(move |conn| alert::list(conn, limit)).await
}
