//! What an operator can do, one file per noun. Every change is audited in the write that makes it.
//!
//! An operation takes the application, who is acting, and parsed values; it prints nothing.

pub mod automation;
pub mod connection;
pub mod consent;
pub mod cursor;
pub mod effect;
pub mod event;
pub mod init;
pub mod lead;
pub mod lead_mail;
pub mod run;
pub mod status;
pub mod tenant;
pub mod user;

use serde::Serialize;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::model::TenantId;
use crate::model::audit::Actor;
use crate::store::audit::{self, Change};
use crate::store::{Conn, Db};

/// The most rows that one list returns.
pub const LIST_LIMIT: i64 = 1_000;

/// Runs `work` and, in the same write, records what `actor` did.
async fn audited<T, F>(
    db: &Db,
    tenant: Option<TenantId>,
    actor: &Actor,
    action: &'static str,
    now: Timestamp,
    work: F,
) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn) -> Result<(T, Subject)> + Send + 'static,
{
    let actor = actor.clone();
    db.write(move |conn| {
        let (value, subject) = work(conn)?;
        let change =
            Change { actor, action, subject: subject.name, before: subject.before, after: subject.after };
        audit::append(conn, tenant.as_ref(), change, now)?;
        Ok(value)
    })
    .await
}

/// What an audited change was made to, before and after.
struct Subject {
    name: String,
    before: Option<Json>,
    after: Option<Json>,
}

impl Subject {
    fn new(name: impl ToString) -> Subject {
        Subject { name: name.to_string(), before: None, after: None }
    }

    fn before(mut self, value: &impl Serialize) -> Result<Subject> {
        self.before = Some(Json::of(value)?);
        Ok(self)
    }

    fn after(mut self, value: &impl Serialize) -> Result<Subject> {
        self.after = Some(Json::of(value)?);
        Ok(self)
    }
}
