//! A user: somebody who may sign in, as an operator of everything or with a role in tenants.

use diesel::Queryable;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::UserId;
use crate::model::address::EmailAddress;

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

#[derive(Clone, Debug, Queryable, Serialize)]
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
