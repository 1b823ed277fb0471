//! Rows of `tenants`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Inserted};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::TenantId;
use nexora_core::model::address::Slug;
use nexora_core::model::tenant::{Tenant, TenantState, tenants};

/// Inserts the tenant, unless its slug is taken.
pub fn insert(conn: &mut Conn, tenant: &Tenant) -> Result<Inserted> {
    let insert = diesel::insert_into(tenants::table).values(tenant).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

/// Finds a tenant by its id.
pub fn find(conn: &mut Conn, id: &TenantId) -> Result<Option<Tenant>> {
    on!(conn, |c| tenants::table.find(id).select(Tenant::as_select()).first(c).optional())
}

/// Finds a tenant by its slug.
pub fn find_by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Tenant>> {
    on!(conn, |c| tenants::table
        .filter(tenants::slug.eq(slug))
        .select(Tenant::as_select())
        .first(c)
        .optional())
}

/// Lists at most `limit` tenants by slug.
pub fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Tenant>> {
    on!(conn, |c| tenants::table.order(tenants::slug).limit(limit).select(Tenant::as_select()).load(c))
}

/// Returns when the first tenant was made. Ids sort by their moment.
pub fn first_created(conn: &mut Conn) -> Result<Option<Timestamp>> {
    on!(conn, |c| tenants::table.order(tenants::id).select(tenants::created_at).first(c).optional())
}

pub fn set_state(conn: &mut Conn, id: &TenantId, state: TenantState, now: Timestamp) -> Result<()> {
    let update =
        kept::update(tenants::table.find(id)).set((tenants::state.eq(state), tenants::updated_at.eq(now)));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Writes what can be set about a tenant.
pub fn save(conn: &mut Conn, tenant: &Tenant) -> Result<()> {
    let update = kept::update(tenants::table.find(&tenant.id)).set(tenant);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Notes that a mail to the business came back.
pub fn set_alert_bounce(conn: &mut Conn, id: &TenantId, bounce: &Json) -> Result<()> {
    let update = diesel::update(tenants::table.find(id)).set(tenants::alert_bounce.eq(bounce));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Ends every link that was signed so far.
pub fn end_links(conn: &mut Conn, id: &TenantId, now: Timestamp) -> Result<()> {
    let next = tenants::link_generation.eq(tenants::link_generation + 1);
    let update = kept::update(tenants::table.find(id)).set((next, tenants::updated_at.eq(now)));
    on!(conn, |c| update.execute(c)).map(|_| ())
}
