//! Which contacts are in which group.

use diesel::prelude::*;

use crate::base::clock::Timestamp;
use crate::model::{ContactId, TenantId};

diesel::table! {
    group_members (tenant_id, group_id, contact_id) {
        tenant_id -> Text,
        group_id -> Text,
        contact_id -> Text,
        added_at -> BigInt,
    }
}

/// A contact that is in a group.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = group_members)]
pub struct Member {
    pub tenant_id: TenantId,
    pub group_id: String,
    pub contact_id: ContactId,
    pub added_at: Timestamp,
}
