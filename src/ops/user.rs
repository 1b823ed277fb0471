//! Users: operators, and members of tenants with a role.

use argon2::password_hash::{PasswordHasher as _, phc};
use argon2::{Argon2, PasswordVerifier as _};
use serde::Serialize;

use crate::app::App;
use crate::base::secret::Secret;
use crate::base::{Error, Result};
use crate::model::UserId;
use crate::model::address::EmailAddress;
use crate::model::audit::Actor;
use crate::model::tenant::Tenant;
use crate::model::user::{Role, User, UserState};
use crate::ops::{LIST_LIMIT, Subject, audited};
use crate::store::{Conn, Inserted, user};

/// The shortest password that is taken (NIST SP 800-63B asks for at least 8; length is what counts).
const PASSWORD_LENGTH: usize = 12;

/// A user with what they may do.
#[derive(Clone, Debug, Serialize)]
pub struct UserView {
    #[serde(flatten)]
    pub user: User,
    pub has_password: bool,
    pub memberships: Vec<MembershipView>,
}

#[derive(Clone, Debug, Serialize)]
pub struct MembershipView {
    pub tenant: String,
    pub role: Role,
}

/// What a new user may do.
#[derive(Clone, Debug)]
pub enum Grant {
    Operator,
    Member(Box<Tenant>, Role),
}

/// Makes a user, or gives one who exists a further membership.
///
/// # Errors
/// `Conflict` when they have what is granted already.
pub async fn create(
    app: &App,
    actor: &Actor,
    email: EmailAddress,
    name: Option<String>,
    grant: Grant,
) -> Result<UserView> {
    let now = app.clock.now();
    let new = User {
        id: UserId::new(now),
        email_key: email.key(),
        name: name.unwrap_or_default(),
        operator: matches!(grant, Grant::Operator),
        email,
        password_hash: None,
        state: UserState::Active,
        created_at: now,
        updated_at: now,
    };
    let tenant_id = match &grant {
        Grant::Operator => None,
        Grant::Member(tenant, _) => Some(tenant.id.clone()),
    };
    audited(&app.db, tenant_id, actor, "user.create", now, move |conn| {
        let taken = || Error::conflict(format!("user `{}` exists already", new.email));
        let inserted = user::insert(conn, &new)?;
        if let Grant::Member(tenant, role) = &grant {
            let user = user::find_by_email(conn, &new.email_key)?.ok_or_else(taken)?;
            if user::insert_membership(conn, &tenant.id, &user.id, *role)? == Inserted::AlreadyThere {
                return Err(taken().hint(format!("they are a member of `{}` already", tenant.slug)));
            }
        } else if inserted == Inserted::AlreadyThere {
            return Err(taken().hint(format!("run `nexora user show {}`", new.email)));
        }
        let view = view(conn, &new.email_key)?.ok_or_else(taken)?;
        let subject = Subject::new(&new.email).after(&view)?;
        Ok((view, subject))
    })
    .await
}

/// Finds a user by address.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn find(app: &App, email: &EmailAddress) -> Result<UserView> {
    let key = email.key();
    let found = app.db.read(move |conn| view(conn, &key)).await?;
    found.ok_or_else(|| no_such_user(email))
}

/// Lists users by address: all of them, or the members of a tenant.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: Option<&Tenant>) -> Result<Vec<UserView>> {
    let tenant = tenant.map(|tenant| tenant.id.clone());
    app.db
        .read(move |conn| {
            let users = match &tenant {
                Some(id) => {
                    user::list_members(conn, id, LIST_LIMIT)?.into_iter().map(|(user, _)| user).collect()
                }
                None => user::list(conn, LIST_LIMIT)?,
            };
            users.into_iter().map(|user| with_memberships(conn, user)).collect()
        })
        .await
}

/// Lets a user sign in, or no longer.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn set_state(app: &App, actor: &Actor, email: &EmailAddress, state: UserState) -> Result<UserView> {
    let now = app.clock.now();
    let (key, email) = (email.key(), email.clone());
    let action = match state {
        UserState::Active => "user.enable",
        UserState::Disabled => "user.disable",
    };
    audited(&app.db, None, actor, action, now, move |conn| {
        let before = view(conn, &key)?.ok_or_else(|| no_such_user(&email))?;
        user::set_state(conn, &before.user.id, state, now)?;
        let after = view(conn, &key)?.ok_or_else(|| no_such_user(&email))?;
        let subject = Subject::new(&email).before(&before.user.state)?.after(&state)?;
        Ok((after, subject))
    })
    .await
}

/// Sets a user's password. The audit trail says that it changed and never to what.
///
/// # Errors
/// `Usage` when it is too short; `NotFound` when there is no such user.
pub async fn set_password(app: &App, actor: &Actor, email: &EmailAddress, password: &Secret) -> Result<()> {
    let hash = hash(password).await?;
    let now = app.clock.now();
    let (key, email) = (email.key(), email.clone());
    audited(&app.db, None, actor, "user.set_password", now, move |conn| {
        let found = user::find_by_email(conn, &key)?.ok_or_else(|| no_such_user(&email))?;
        user::set_password_hash(conn, &found.id, &hash, now)?;
        Ok(((), Subject::new(&email)))
    })
    .await
}

/// Hashes a password with argon2id, off the threads that serve requests.
async fn hash(password: &Secret) -> Result<String> {
    let length = password.expose().chars().count();
    if length < PASSWORD_LENGTH {
        return Err(Error::usage(format!("the password has {length} characters"))
            .hint(format!("use at least {PASSWORD_LENGTH}; a sentence is good")));
    }
    let password = password.clone();
    let hashing = tokio::task::spawn_blocking(move || {
        let hash = Argon2::default().hash_password(password.expose().as_bytes());
        hash.map(|hash| hash.to_string())
            .map_err(|error| Error::internal("the password cannot be hashed").source(error.to_string()))
    });
    hashing.await.map_err(|error| Error::internal("hashing ended early").source(error))?
}

/// Tells whether `password` is the one that `hash` was made from.
pub fn matches(password: &Secret, hash: &str) -> bool {
    phc::PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
}

fn no_such_user(email: &EmailAddress) -> Error {
    Error::not_found(format!("no user `{email}`")).hint("run `nexora user list`")
}

fn view(conn: &mut Conn, email_key: &str) -> Result<Option<UserView>> {
    let found = user::find_by_email(conn, email_key)?;
    found.map(|user| with_memberships(conn, user)).transpose()
}

fn with_memberships(conn: &mut Conn, user: User) -> Result<UserView> {
    let memberships = user::memberships_of(conn, &user.id)?
        .into_iter()
        .map(|(tenant, role)| MembershipView { tenant, role })
        .collect();
    Ok(UserView { has_password: user.password_hash.is_some(), user, memberships })
}
