//! The unit of work: one write to a tenant's rows, permitted, audited, and followed by a nudge.

use std::fmt::Display;
use std::ops::{Deref, DerefMut};

use crate::app::App;
use crate::ops::Subject;
use crate::ops::access::user as users;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Needs, Operation};
use nexora_core::model::tenant::Tenant;
use nexora_engine::access::authority;
use nexora_store::{Conn, Tx, audit, tell_with, user};

/// What a change or a view works with: a tenant and its rows.
pub struct Unit<'a> {
    tx: Tx<'a>,
    pub tenant: &'a Tenant,
}

impl Unit<'_> {
    /// Says that the tenant has no such thing.
    pub fn missing(&self, noun: &str, name: impl Display) -> Error {
        missing(self.tenant, noun, name)
    }
}

impl<'a> Deref for Unit<'a> {
    type Target = Tx<'a>;

    fn deref(&self) -> &Tx<'a> {
        &self.tx
    }
}

impl<'a> DerefMut for Unit<'a> {
    fn deref_mut(&mut self) -> &mut Tx<'a> {
        &mut self.tx
    }
}

impl App {
    /// Does an operation to a tenant's rows in one write, which also records who did it to what. `work` is
    /// given the rows and the moment. Once it is durable, the stages look whether it made work for them, in this
    /// process and in others.
    ///
    /// # Errors
    /// `Denied` when `actor` may not, and those of `work`: nothing is written then.
    pub async fn change<T, F>(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        operation: Operation,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Unit<'_>, Timestamp) -> Result<(T, Subject)> + Send + 'static,
    {
        let (actor, tenant, now) = (actor.clone(), tenant.clone(), self.clock.now());
        let ledger = self.ledger.clone();
        let write = move |conn: &mut Conn| {
            permit(conn, &actor, operation.needs, Some(&tenant.id))?;
            let mut unit = Unit { tx: conn.of(&tenant.id), tenant: &tenant };
            let (value, subject) = work(&mut unit, now)?;
            let mut change = subject.change(actor, operation.name);
            if change.person.is_none() {
                change.person = audit::of_subject(&mut unit, &change.subject)?;
            }
            audit::append(conn, &ledger, Some(&tenant.id), change, now)?;
            tell_with(conn)?;
            Ok(value)
        };
        let value = self.db.write(write).await?;
        self.nudges.all();
        Ok(value)
    }

    /// Does in one write what reaches beyond a tenant, as only operators may, and records it.
    ///
    /// # Errors
    /// `Denied` when `actor` may not, and those of `work`: nothing is written then.
    pub async fn administer<T, F>(&self, actor: &Actor, name: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, Timestamp) -> Result<(T, Subject)> + Send + 'static,
    {
        let (actor, now, ledger) = (actor.clone(), self.clock.now(), self.ledger.clone());
        let write = move |conn: &mut Conn| {
            permit(conn, &actor, Needs::Operator, None)?;
            let (value, subject) = work(conn, now)?;
            audit::append(conn, &ledger, None, subject.change(actor, name), now)?;
            tell_with(conn)?;
            Ok(value)
        };
        self.db.write(write).await
    }

    /// Reads a tenant's rows.
    ///
    /// # Errors
    /// Those of `work`, and `Unavailable` when the database cannot be reached.
    pub async fn view<T, F>(&self, tenant: &Tenant, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Unit<'_>) -> Result<T> + Send + 'static,
    {
        let tenant = tenant.clone();
        self.db.read(move |conn| work(&mut Unit { tx: conn.of(&tenant.id), tenant: &tenant })).await
    }

    /// Checks that `actor` may do an operation, for what has to happen before its write.
    ///
    /// # Errors
    /// `Denied` when they may not.
    pub async fn permit(&self, actor: &Actor, tenant: &Tenant, operation: Operation) -> Result<()> {
        let (actor, tenant_id) = (actor.clone(), tenant.id.clone());
        self.db.read(move |conn| permit(conn, &actor, operation.needs, Some(&tenant_id))).await
    }
}

/// Asks anew, with each operation, what a user may do. An operator of the machine may do everything.
pub(super) fn permit(conn: &mut Conn, actor: &Actor, needs: Needs, tenant: Option<&TenantId>) -> Result<()> {
    match actor {
        Actor::Operator(_) | Actor::System(_) => Ok(()),
        Actor::Key(_) => authority::require_of_key(needs),
        Actor::User(email) => {
            let denied = || Error::denied(format!("nobody may act as `{email}`"));
            let found = user::find_by_email(conn, &EmailAddress::parse(email)?.key())?.ok_or_else(denied)?;
            let principal = users::principal_of(conn, found)?.ok_or_else(denied)?;
            match needs {
                Needs::Permission(permission) => authority::require(&principal, tenant, permission),
                Needs::Operator => authority::require_operator(&principal),
            }
        }
    }
}

/// Says that a tenant has no such thing, and how to see what it has.
pub fn missing(tenant: &Tenant, noun: &str, name: impl Display) -> Error {
    let slug = &tenant.slug;
    Error::not_found(format!("no {noun} `{name}` in tenant `{slug}`"))
        .hint(format!("run `nexora {noun} list --tenant {slug}`"))
}
