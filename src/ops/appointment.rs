//! Appointments, as the connected calendars have them. They are changed there.

use crate::app::App;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::appointment::Appointment;
use nexora_core::model::tenant::Tenant;
use nexora_store::appointment;

/// Lists a tenant's appointments from a moment on, in order.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant, from: Timestamp, limit: i64) -> Result<Vec<Appointment>> {
    app.view(tenant, move |tx| appointment::list(tx, from, limit)).await
}
