//! A tenant that is to be deleted.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::TenantId;
use crate::model::tenant::TenantState;

diesel::table! {
    tenant_deletions (tenant_id) {
        tenant_id -> Text,
        state_before -> Text,
        purge_at -> BigInt,
        actor -> Text,
    }
}

/// That a tenant is to be deleted, and when its rows go.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = tenant_deletions)]
pub struct TenantDeletion {
    pub tenant_id: TenantId,
    /// What it was before it was suspended for this.
    pub state_before: TenantState,
    pub purge_at: Timestamp,
    pub actor: String,
}
