//! The nightly look at the certificate of the public address: one that ends soon is a trouble in `nexora status`.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::domain::report::certificate::{self, Looked};
use nexora_connector::site::Sites;
use nexora_core::base::Result;
use nexora_store::finding;

/// How long the web server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Looks at it and notes what is found.
///
/// # Errors
/// `Unavailable` when that cannot be noted.
pub async fn sweep(app: &Arc<App>) -> Result<()> {
    sweep_by(app, &Sites::new(TIMEOUT, Vec::new())?).await
}

/// The same, by what knows further authorities.
///
/// # Errors
/// As `sweep`.
pub async fn sweep_by(app: &Arc<App>, sites: &Sites) -> Result<()> {
    let looked = certificate::look(sites, &app.config.http.public_url, app.clock.now()).await;
    match looked {
        Looked::Unknown => Ok(()),
        Looked::Good => app.db.write(|conn| finding::clear(conn, certificate::KEY)).await,
        Looked::Found(found) => app.db.write(move |conn| finding::save(conn, &found)).await,
    }
}
