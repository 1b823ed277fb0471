//! Who acts or looks, and what can be permitted: `noun.verb`, such as `lead.read`.

use std::fmt;

use serde::Serialize;

use crate::base::text::define_words;
use crate::model::user::Role;
use crate::model::{TenantId, UserId};

define_words! {
    /// What a permission is about.
    Noun = "noun" {
        Tenant = "tenant",
        User = "user",
        Session = "session",
        Key = "key",
        Connection = "connection",
        Source = "source",
        Form = "form",
        Automation = "automation",
        Lead = "lead",
        Contact = "contact",
        Company = "company",
        Asset = "asset",
        Location = "location",
        Group = "group",
        Suppression = "suppression",
        Job = "job",
        Task = "task",
        Appointment = "appointment",
        Message = "message",
        Event = "event",
        Run = "run",
        Effect = "effect",
        Status = "status",
        Audit = "audit",
    }

    /// What a permission lets one do with it.
    Verb = "verb" { Read = "read", Create = "create", Update = "update", Delete = "delete" }
}

/// Something that one may be permitted to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission(pub Noun, pub Verb);

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Something that is done, and in whose power that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What the audit trail calls it: `noun.verb`, such as `lead.spam`.
    pub name: &'static str,
    pub needs: Needs,
}

/// What one must be to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A user who is permitted this in the tenant that it is done to.
    Permission(Permission),
    /// An operator.
    Operator,
}

impl Operation {
    pub const fn new(name: &'static str, noun: Noun, verb: Verb) -> Operation {
        Operation { name, needs: Needs::Permission(Permission(noun, verb)) }
    }

    /// Returns one that is no tenant's own to do.
    pub const fn of_operators(name: &'static str) -> Operation {
        Operation { name, needs: Needs::Operator }
    }
}

/// The party that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Principal {
    /// Looks after every tenant.
    Operator { name: String },
    /// A user, with a role in each tenant that they belong to.
    Member { user_id: UserId, name: String, roles: Vec<(TenantId, Role)> },
    /// The holder of a signed link to one tenant's page.
    Link { tenant_id: TenantId },
}
