//! Appointments, as the connected calendars have them. They are changed there.

use crate::app::App;
use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::appointment::Appointment;
use crate::model::tenant::Tenant;
use crate::store::appointment;

/// Lists a tenant's appointments from a moment on, in order.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant, from: Timestamp, limit: i64) -> Result<Vec<Appointment>> {
    app.view(tenant, move |tx| appointment::list(tx, from, limit)).await
}
