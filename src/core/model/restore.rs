//! A restore: that a database was put in place from a backup, and until when nothing was done to the world after it.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::RestoreId;

diesel::table! {
    restores (id) {
        id -> Text,
        backup_id -> Text,
        backup_at -> BigInt,
        restored_at -> BigInt,
        released_at -> Nullable<BigInt>,
        released_by -> Nullable<Text>,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = restores, treat_none_as_default_value = false)]
pub struct Restore {
    pub id: RestoreId,
    pub backup_id: String,
    /// The moment at which the backup stands: of what happened after it, this database knows nothing.
    pub backup_at: Timestamp,
    pub restored_at: Timestamp,
    /// When an operator let deliveries go on; nothing while they are held.
    pub released_at: Option<Timestamp>,
    pub released_by: Option<String>,
}

impl Restore {
    /// Tells whether nothing is done to the world.
    pub fn is_held(&self) -> bool {
        self.released_at.is_none()
    }
}
