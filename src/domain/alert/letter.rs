//! A mail to one user, such as the link by which they set their password. It goes at once and is kept nowhere, since what it
//! says is a secret: by the operator's own relay, or else by a connection of a tenant of theirs.

use crate::app::App;
use crate::domain::CONNECTION_LIMIT;
use crate::domain::alert::way;
use nexora_connector::port::Connector;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::EffectId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::connector::Connections;
use nexora_core::model::tenant::{Tenant, TenantMode, TenantState};
use nexora_engine::message::route;
use nexora_store::{Conn, connection, tenant};

/// Tenants that are looked at.
const TENANTS: i64 = 10_000;

/// What carries a mail to a user.
pub struct Carrier {
    connector: Connector,
    from_name: String,
}

/// Finds what carries a mail to a user of these tenants.
///
/// # Errors
/// `Unavailable` with the reason when nothing does; `Config` or `Denied` when what there is cannot be opened.
pub async fn carrier(app: &App, tenants: &[Tenant]) -> Result<Carrier> {
    let settings = &app.config.alerts;
    if settings.has_relay() {
        return Ok(Carrier { connector: way::relay(app, settings)?, from_name: "Nexora".to_owned() });
    }
    let (tenants, kinds) = (tenants.to_vec(), app.connectors().facts().clone());
    let found = app.db.read(move |conn| {
        for tenant in tenants {
            let rows = connection::list(&mut conn.of(&tenant.id), CONNECTION_LIMIT)?;
            if let Some(found) = carries(&tenant, Connections::new(&rows, &kinds)) {
                return Ok(Some((tenant, found.clone())));
            }
        }
        Ok(None)
    });
    let Some((tenant, connection)) = found.await? else {
        let what = "there is nothing that carries a mail to this user: `[alerts]` names no relay, and no tenant of theirs \
                    has a connection for mails that works";
        return Err(Error::unavailable(what)
            .hint("set `smtp_host` and `from` in `[alerts]`; docs/OPERATING.md shows how"));
    };
    Ok(Carrier { connector: app.connector(&connection)?, from_name: tenant.name })
}

/// Tells whether anything carries mails to any user.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub async fn is_possible(app: &App) -> Result<bool> {
    if app.config.alerts.has_relay() {
        return Ok(true);
    }
    let kinds = app.connectors().facts().clone();
    let look = move |conn: &mut Conn| {
        for tenant in tenant::list(conn, TENANTS)? {
            let rows = connection::list(&mut conn.of(&tenant.id), CONNECTION_LIMIT)?;
            if carries(&tenant, Connections::new(&rows, &kinds)).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    };
    app.db.read(look).await
}

/// Waits until no mail to a user is under way in this process.
pub async fn rest(app: &App) {
    app.letters.close();
    app.letters.wait().await;
    app.letters.reopen();
}

/// Returns the connection by which a tenant's people are written to now. A tenant that rehearses or is suspended writes to nobody.
fn carries<'a>(tenant: &Tenant, connections: Connections<'a>) -> Option<&'a Connection> {
    let is_on = tenant.mode == TenantMode::Live && tenant.state == TenantState::Active;
    let found = route::for_owner(connections, None).ok()?;
    Some(found).filter(|found| is_on && found.state == ConnectionState::Active)
}

impl Carrier {
    /// Sends a mail.
    ///
    /// # Errors
    /// `Denied` or `Unavailable` with what the other side said.
    pub async fn send(&self, to: &EmailAddress, (subject, text): (&str, &str), now: Timestamp) -> Result<()> {
        let request = way::mail(&self.from_name, to, subject, text);
        way::perform(&self.connector, request, (&EffectId::new(now), now), "a mail to a user").await
    }
}
