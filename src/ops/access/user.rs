//! Users: operators, and members of tenants with a role.

use serde::Serialize;

use crate::app::App;
use crate::ops::LIST_LIMIT;
use crate::ops::Subject;
use crate::ops::access::password;
use crate::ops::unit::{Unit, permit};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::UserId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Needs, Noun, Operation, Permission, Principal, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::{Role, User, UserState};
use nexora_store::{Conn, Inserted, session, tenant, user};

pub const CREATE: Operation = Operation::new("user.create", Noun::User, Verb::Create);
pub const SET_ROLE: Operation = Operation::new("user.set_role", Noun::User, Verb::Update);
pub const REMOVE: Operation = Operation::new("user.remove", Noun::User, Verb::Delete);

/// What only an owner may do, and so what one must be allowed to make or unmake an owner.
const OWNERS: Needs = Needs::Permission(Permission(Noun::Tenant, Verb::Delete));

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
    match grant {
        Grant::Operator => {
            app.administer(actor, CREATE.name, move |conn, _| {
                if user::insert(conn, &new)? == Inserted::AlreadyThere {
                    return Err(taken(&new.email).hint(format!("run `nexora user show {}`", new.email)));
                }
                created(conn, &new)
            })
            .await
        }
        Grant::Member(tenant, role) => {
            let by = actor.clone();
            app.change(actor, &tenant, CREATE, move |tx, _| {
                permit_role(tx, &by, &new.email, Some(role))?;
                user::insert(tx, &new)?;
                let user = user::find_by_email(tx, &new.email_key)?.ok_or_else(|| taken(&new.email))?;
                if user::insert_membership(tx, &user.id, role)? == Inserted::AlreadyThere {
                    let slug = &tx.tenant.slug;
                    return Err(taken(&new.email).hint(format!("they are a member of `{slug}` already")));
                }
                created(tx, &new)
            })
            .await
        }
    }
}

fn created(conn: &mut Conn, new: &User) -> Result<(UserView, Subject)> {
    let view = view(conn, &new.email_key)?.ok_or_else(|| taken(&new.email))?;
    let subject = Subject::new(&new.email).after(&view)?;
    Ok((view, subject))
}

fn taken(email: &EmailAddress) -> Error {
    Error::conflict(format!("user `{email}` exists already"))
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
                Some(id) => user::list_members(&mut conn.of(id), LIST_LIMIT)?
                    .into_iter()
                    .map(|(user, _)| user)
                    .collect(),
                None => user::list(conn, LIST_LIMIT)?,
            };
            users.into_iter().map(|user| with_memberships(conn, user)).collect()
        })
        .await
}

/// Lets a user sign in, or no longer; a user who may not is signed out at once.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn set_state(app: &App, actor: &Actor, email: &EmailAddress, state: UserState) -> Result<UserView> {
    let (key, email) = (email.key(), email.clone());
    let name = match state {
        UserState::Active => "user.enable",
        UserState::Disabled => "user.disable",
    };
    app.administer(actor, name, move |conn, now| {
        let before = view(conn, &key)?.ok_or_else(|| no_such_user(&email))?;
        user::set_state(conn, &before.user.id, state, now)?;
        if state == UserState::Disabled {
            session::revoke_of_user(conn, &before.user.id, now)?;
        }
        let after = view(conn, &key)?.ok_or_else(|| no_such_user(&email))?;
        let subject = Subject::new(&email).before(&before.user.state)?.after(&state)?;
        Ok((after, subject))
    })
    .await
}

/// Sets a user's password and ends their sessions. The audit trail says that it changed and never to what.
///
/// # Errors
/// `Usage` when it is too short; `NotFound` when there is no such user.
pub async fn set_password(app: &App, actor: &Actor, email: &EmailAddress, password: &Secret) -> Result<()> {
    let hash = password::hash(password).await?;
    let (key, email) = (email.key(), email.clone());
    app.administer(actor, "user.set_password", move |conn, now| {
        let found = user::find_by_email(conn, &key)?.ok_or_else(|| no_such_user(&email))?;
        user::set_password_hash(conn, &found.id, &hash, now)?;
        session::revoke_of_user(conn, &found.id, now)?;
        Ok(((), Subject::new(&email)))
    })
    .await
}

/// Gives a member another role.
///
/// # Errors
/// `NotFound` when they are no member of the tenant.
pub async fn set_role(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    email: &EmailAddress,
    role: Role,
) -> Result<UserView> {
    let (by, email) = (actor.clone(), email.clone());
    app.change(actor, tenant, SET_ROLE, move |tx, _| {
        permit_role(tx, &by, &email, Some(role))?;
        let (found, before) = member(tx, &email)?;
        if role != Role::Owner {
            spare_last_owner(tx, &found, before)?;
        }
        user::set_role(tx, &found.id, role)?;
        let subject = Subject::new(&email).before(&before)?.after(&role)?;
        Ok((with_memberships(tx, found)?, subject))
    })
    .await
}

/// Takes a member out of a tenant; as a user they stay.
///
/// # Errors
/// `NotFound` when they are no member of the tenant.
pub async fn remove(app: &App, actor: &Actor, tenant: &Tenant, email: &EmailAddress) -> Result<UserView> {
    let (by, email) = (actor.clone(), email.clone());
    app.change(actor, tenant, REMOVE, move |tx, _| {
        permit_role(tx, &by, &email, None)?;
        let (found, before) = member(tx, &email)?;
        spare_last_owner(tx, &found, before)?;
        user::delete_membership(tx, &found.id)?;
        let subject = Subject::new(&email).before(&before)?;
        Ok((with_memberships(tx, found)?, subject))
    })
    .await
}

/// Deletes a user: out of everything, at once, and for good. What they did stays in the audit trail.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when they are the last owner of a tenant.
pub async fn delete(app: &App, actor: &Actor, email: &EmailAddress) -> Result<()> {
    let (key, email) = (email.key(), email.clone());
    app.administer(actor, "user.delete", move |conn, _| {
        let before = view(conn, &key)?.ok_or_else(|| no_such_user(&email))?;
        spare_last_owner_anywhere(conn, &before.user)?;
        user::delete(conn, &before.user.id)?;
        let subject = Subject::new(&email).before(&before)?;
        Ok(((), subject))
    })
    .await
}

/// Refuses what would leave any tenant of a user without an owner.
fn spare_last_owner_anywhere(conn: &mut Conn, found: &User) -> Result<()> {
    for (id, role) in user::roles_of(conn, &found.id)? {
        if let Some(of) = tenant::find(conn, &id)? {
            spare(conn, found, role, &of)?;
        }
    }
    Ok(())
}

fn spare_last_owner(tx: &mut Unit<'_>, found: &User, role: Role) -> Result<()> {
    let of = tx.tenant;
    spare(tx, found, role, of)
}

/// Refuses to take from a tenant the last owner who may sign in.
fn spare(conn: &mut Conn, found: &User, role: Role, of: &Tenant) -> Result<()> {
    let is_owner = role == Role::Owner && found.state == UserState::Active;
    if !is_owner || user::has_other_owner(&mut conn.of(&of.id), &found.id)? {
        return Ok(());
    }
    let (email, slug) = (&found.email, &of.slug);
    Err(Error::conflict(format!("`{email}` is the last owner of tenant `{slug}`"))
        .hint(format!("make another one first: `nexora user set-role EMAIL owner --tenant {slug}`")))
}

/// Checks whether `actor` may give a user a role in the tenant, or with none take the one they have.
///
/// # Errors
/// `Denied` when they may not.
pub async fn check_role(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    email: &EmailAddress,
    role: Option<Role>,
) -> Result<()> {
    let (actor, email) = (actor.clone(), email.clone());
    app.view(tenant, move |tx| permit_role(tx, &actor, &email, role)).await
}

/// Refuses to give or take a role above one's own, and to add a user of other tenants to this one.
pub(super) fn permit_role(
    tx: &mut Unit<'_>,
    actor: &Actor,
    email: &EmailAddress,
    role: Option<Role>,
) -> Result<()> {
    let tenant = tx.tenant();
    let found = user::find_by_email(tx, &email.key())?;
    let present = found.as_ref().map(|user| user::role_in(tx, &user.id)).transpose()?.flatten();
    if role == Some(Role::Owner) || present == Some(Role::Owner) {
        permit(tx, actor, OWNERS, Some(tenant))?;
    }
    if found.is_some() && present.is_none() {
        let denied = |_| Error::denied("only an operator may give this user a role");
        permit(tx, actor, Needs::Operator, None).map_err(denied)?;
    }
    Ok(())
}

/// Returns as whom a user acts.
///
/// # Errors
/// `Denied` when there is no such user, or they are disabled.
pub async fn principal(app: &App, email: &EmailAddress) -> Result<Principal> {
    let (key, email) = (email.key(), email.clone());
    let nobody = move || Error::denied(format!("nobody may act as `{email}`"));
    app.db
        .read(move |conn| {
            let found = user::find_by_email(conn, &key)?.ok_or_else(&nobody)?;
            principal_of(conn, found)?.ok_or_else(&nobody)
        })
        .await
}

/// Returns as whom a user acts; one who is disabled acts as nobody.
pub fn principal_of(conn: &mut Conn, user: User) -> Result<Option<Principal>> {
    let name = if user.name.is_empty() { user.email.to_string() } else { user.name };
    match (user.state, user.operator) {
        (UserState::Disabled, _) => Ok(None),
        (UserState::Active, true) => Ok(Some(Principal::Operator { name })),
        (UserState::Active, false) => {
            let roles = user::roles_of(conn, &user.id)?;
            Ok(Some(Principal::Member { user_id: user.id, name, roles }))
        }
    }
}

fn member(tx: &mut Unit<'_>, email: &EmailAddress) -> Result<(User, Role)> {
    let found = user::find_by_email(tx, &email.key())?.ok_or_else(|| tx.missing("user", email))?;
    let role = user::role_in(tx, &found.id)?.ok_or_else(|| tx.missing("user", email))?;
    Ok((found, role))
}

pub(crate) fn no_such_user(email: &EmailAddress) -> Error {
    Error::not_found(format!("no user `{email}`")).hint("run `nexora user list`")
}

fn view(conn: &mut Conn, email_key: &str) -> Result<Option<UserView>> {
    let found = user::find_by_email(conn, email_key)?;
    found.map(|user| with_memberships(conn, user)).transpose()
}

pub(super) fn with_memberships(conn: &mut Conn, user: User) -> Result<UserView> {
    let memberships = user::memberships_of(conn, &user.id)?
        .into_iter()
        .map(|(tenant, role)| MembershipView { tenant, role })
        .collect();
    Ok(UserView { has_password: user.password_hash.is_some(), user, memberships })
}
