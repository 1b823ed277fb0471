//! How a user stands with signing in: failures, the lock they led to, two-step sign-in.

use diesel::prelude::*;

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::UserId;

define_words! {
    /// Who must have two-step sign-in.
    Required = "policy" { Nobody = "nobody", Operators = "operators", Everybody = "everybody" }
}

diesel::table! {
    sign_ins (user_id) {
        user_id -> Text,
        failures -> Integer,
        failed_at -> Nullable<BigInt>,
        locked_until -> Nullable<BigInt>,
        totp_sealed -> Nullable<Binary>,
        totp_pending -> Nullable<Binary>,
        totp_step -> BigInt,
        recovery -> Text,
        last_at -> Nullable<BigInt>,
        locked_at -> Nullable<BigInt>,
        known_failures -> Integer,
        known_failed_at -> Nullable<BigInt>,
        known_locked_until -> Nullable<BigInt>,
        known_locked_at -> Nullable<BigInt>,
    }
}

/// A row is never shown as it is: it holds sealed secrets.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sign_ins, primary_key(user_id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct SignIn {
    pub user_id: UserId,
    /// Tries since the last success, counted before each is judged.
    pub failures: i32,
    pub failed_at: Option<Timestamp>,
    pub locked_until: Option<Timestamp>,
    /// The secret that the user's authenticator shares with us.
    pub totp_sealed: Option<Vec<u8>>,
    /// One that was shown and not confirmed yet.
    pub totp_pending: Option<Vec<u8>>,
    /// The step of the last code that was taken; no code of it or of an earlier one is.
    pub totp_step: i64,
    /// Keyed hashes of the recovery codes that were not used yet.
    pub recovery: Json,
    pub last_at: Option<Timestamp>,
    pub locked_at: Option<Timestamp>,
    /// The same of browsers that have signed in before.
    pub known_failures: i32,
    pub known_failed_at: Option<Timestamp>,
    pub known_locked_until: Option<Timestamp>,
    pub known_locked_at: Option<Timestamp>,
}

impl SignIn {
    /// Returns what the sealed secrets of a user are bound to.
    pub fn seal_owner(user: &UserId) -> String {
        format!("{user}/totp")
    }

    /// The state of a user who has never tried.
    pub fn unused(user_id: UserId) -> SignIn {
        SignIn {
            user_id,
            failures: 0,
            failed_at: None,
            locked_until: None,
            totp_sealed: None,
            totp_pending: None,
            totp_step: 0,
            recovery: Json::empty_list(),
            last_at: None,
            locked_at: None,
            known_failures: 0,
            known_failed_at: None,
            known_locked_until: None,
            known_locked_at: None,
        }
    }
}
