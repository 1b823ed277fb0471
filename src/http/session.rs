//! Who is signed in, by what a request carries.

use axum::http::HeaderMap;

use crate::app::App;
use crate::base::{Error, Result};
use crate::model::address::Slug;
use crate::model::principal::Principal;
use crate::ops::status;
use crate::store::tenant;

/// Returns who asks; nobody when the request carries nothing.
///
/// # Errors
/// `Denied` when the link has ended or was changed.
pub async fn principal(app: &App, _headers: &HeaderMap, token: Option<&str>) -> Result<Option<Principal>> {
    let Some(token) = token else { return Ok(None) };
    let slug: Slug = status::verify_link(&app.key, token, app.clock.now())?.parse()?;
    let found = app.db.read(move |conn| tenant::find_by_slug(conn, &slug)).await?;
    let tenant = found.ok_or_else(|| Error::not_found("there is no such page"))?;
    Ok(Some(Principal::Link { tenant_id: tenant.id }))
}
