//! The link by which a user sets their password, without knowing the present one.

use diesel::prelude::*;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::UserId;

define_words! {
    /// What a link was made for.
    LinkPurpose = "link purpose" {
        /// A new user chooses their first password.
        Invitation = "invitation",
        /// A user who has forgotten theirs sets another one.
        Reset = "reset",
    }
}

diesel::table! {
    password_links (user_id) {
        user_id -> Text,
        token_hash -> Nullable<Text>,
        purpose -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        asked -> Integer,
        asked_at -> Nullable<BigInt>,
        locked_until -> Nullable<BigInt>,
    }
}

/// A user has one link at most: a newer one takes the place of the older.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = password_links, primary_key(user_id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct PasswordLink {
    pub user_id: UserId,
    /// A keyed hash of what stands in the link; nothing when it was used, or has ended otherwise.
    pub token_hash: Option<String>,
    pub purpose: LinkPurpose,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// How often a link was asked for on the page of late, and until when that brings no further mail.
    pub asked: i32,
    pub asked_at: Option<Timestamp>,
    pub locked_until: Option<Timestamp>,
}

impl PasswordLink {
    /// Tells whether the link opens its page.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.token_hash.is_some() && self.expires_at > now
    }
}
