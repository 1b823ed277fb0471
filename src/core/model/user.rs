//! A user: a person who may sign in, as an operator of everything or with a role in tenants.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::address::EmailAddress;
use crate::model::{TenantId, UserId};

define_words! {
    /// Whether the user may sign in.
    UserState = "user state" { Active = "active", Disabled = "disabled" }

    /// What a member of a tenant may do there.
    Role = "role" {
        Owner = "owner",
        Admin = "admin",
        Member = "member",
        Technician = "technician",
        Viewer = "viewer",
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        email -> Text,
        email_key -> Text,
        name -> Text,
        operator -> Bool,
        password_hash -> Nullable<Text>,
        state -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub struct User {
    pub id: UserId,
    pub email: EmailAddress,
    /// The lower-case address, unique among users.
    #[serde(skip)]
    pub email_key: String,
    pub name: String,
    /// An operator may do everything for every tenant.
    pub operator: bool,
    /// An argon2id hash in PHC string form, or nothing while no password is set.
    #[serde(skip)]
    pub password_hash: Option<String>,
    pub state: UserState,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

diesel::table! {
    memberships (tenant_id, user_id) {
        tenant_id -> Text,
        user_id -> Text,
        role -> Text,
    }
}

/// What a user is in one tenant.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = memberships)]
pub struct Membership {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub role: Role,
}
