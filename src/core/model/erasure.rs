//! That a person was forgotten, and what remains elsewhere.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::model::{ErasureId, TenantId};

diesel::table! {
    erasures (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        subject -> Text,
        at -> BigInt,
        actor -> Text,
        erased -> Text,
        outside -> Text,
    }
}

/// The receipt of an erasure. It holds nothing of the person.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = erasures)]
pub struct Erasure {
    pub tenant_id: TenantId,
    pub id: ErasureId,
    /// The id of the contact or of the lead, which names nothing any more; `address` where there was neither.
    pub subject: String,
    pub at: Timestamp,
    pub actor: String,
    /// How many rows of each kind went, by the kind's name.
    pub erased: Json,
    /// A list of [`Outside`].
    pub outside: Json,
}

/// Something about the person that Nexora made or saw in another place, and that a person has to remove there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Outside {
    /// Such as `mail sent`, `calendar entry`, `sheet row`.
    pub what: String,
    /// The name of the connection.
    pub connection: String,
    /// Where in it: a calendar, a spreadsheet with its sheet; empty where the connection says it all.
    pub place: String,
    /// What it is called there; empty where it has no name.
    pub id: String,
}
