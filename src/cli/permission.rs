//! What each command needs to be permitted when it is run `--as` a user.
//!
//! Each command says so in its own file, by the operation that it runs or the noun that it reads, and every
//! variant must, so that none can be added without a decision. What reaches beyond one tenant needs an
//! operator. A tenant that one does not belong to and a tenant that does not exist are refused in the same
//! words.

use crate::app::App;
use crate::cli::{Command, role, top, trial};
use crate::ops;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::address::{EmailAddress, Slug};
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Needs, Noun, Operation, Permission, Principal, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::Role;
use nexora_engine::access::authority;

/// What a command needs to be permitted.
pub enum Need {
    /// Nothing: it shows no data, and changes none.
    Nothing,
    /// An operator: it reaches beyond one tenant.
    Operator,
    /// All of these in the tenant that `--tenant` names.
    Tenant(Vec<Permission>),
    /// This in the tenant that the command names.
    Named(Slug, Permission),
    /// This operation, which gives a user a role in the tenant, or takes the one they have.
    Member(Operation, EmailAddress, Option<Role>),
}

impl Need {
    /// Returns what an operation needs.
    pub fn of(operation: Operation) -> Need {
        match operation.needs {
            Needs::Permission(permission) => Need::Tenant(vec![permission]),
            Needs::Operator => Need::Operator,
        }
    }

    /// Returns what looking at a noun needs.
    pub fn read(noun: Noun) -> Need {
        Need::may(noun, Verb::Read)
    }

    /// Returns what is needed for something that is no operation on rows.
    pub fn may(noun: Noun, verb: Verb) -> Need {
        Need::Tenant(vec![Permission(noun, verb)])
    }

    /// Returns what looking at a noun needs that shows leads and messages besides.
    pub fn read_with_people(noun: Noun) -> Need {
        Need::Tenant([noun, Noun::Lead, Noun::Message].map(|noun| Permission(noun, Verb::Read)).to_vec())
    }

    /// Returns what looking at a noun needs, of one tenant or of all.
    pub fn read_one_or_all(one: bool, noun: Noun) -> Need {
        if one { Need::read(noun) } else { Need::Operator }
    }

    /// Returns what an operation on the tenant that the command names needs.
    pub fn named(slug: &Slug, operation: Operation) -> Need {
        match operation.needs {
            Needs::Permission(permission) => Need::Named(slug.clone(), permission),
            Needs::Operator => Need::Operator,
        }
    }
}

/// Checks that a user may run a command, and returns the tenant that it is about.
///
/// # Errors
/// `Denied` when they may not; `Usage` when the tenant has to be named.
pub async fn check(
    app: &App,
    email: &EmailAddress,
    tenant: Option<Slug>,
    command: &Command,
) -> Result<Option<Slug>> {
    let principal = ops::access::user::principal(app, email).await?;
    let (named, permissions, member) = match need(command, tenant.is_some()) {
        Need::Nothing => return Ok(tenant),
        Need::Operator => return authority::require_operator(&principal).map(|()| tenant),
        Need::Tenant(permissions) => (None, permissions, None),
        Need::Named(slug, permission) => (Some(slug), vec![permission], None),
        Need::Member(operation, user, role) => match operation.needs {
            Needs::Permission(permission) => (None, vec![permission], Some((user, role))),
            Needs::Operator => return authority::require_operator(&principal).map(|()| tenant),
        },
    };
    if let Principal::Operator { .. } = principal {
        return Ok(tenant);
    }
    let found = find_tenant(app, &principal, named.as_ref().or(tenant.as_ref()), &permissions).await?;
    if let Some((user, role)) = member {
        ops::access::user::check_role(app, &Actor::User(email.to_string()), &found, &user, role).await?;
    }
    match named {
        Some(_) => Ok(tenant),
        None => Ok(Some(found.slug)),
    }
}

/// Finds the tenant that is meant, in which everything that is needed is permitted.
async fn find_tenant(
    app: &App,
    principal: &Principal,
    slug: Option<&Slug>,
    permissions: &[Permission],
) -> Result<Tenant> {
    let refuse = |tenant: Option<&Tenant>| {
        let each = |needed: &Permission| authority::require(principal, tenant.map(|t| &t.id), *needed);
        permissions.iter().try_for_each(each)
    };
    let found = match (slug, principal) {
        (Some(slug), _) => match ops::tenant::find(app, slug).await {
            Ok(tenant) => Some(tenant),
            Err(error) if error.kind() == Kind::NotFound => None,
            Err(error) => return Err(error),
        },
        (None, Principal::Member { roles, .. }) => {
            if roles.len() > 1 {
                return Err(Error::usage("there are several tenants").hint("name one with `--tenant SLUG`"));
            }
            let own = roles.first().map(|(id, _)| id.clone());
            let all = ops::tenant::list(app).await?;
            all.into_iter().find(|tenant| Some(&tenant.id) == own.as_ref())
        }
        (None, Principal::Operator { .. } | Principal::Link { .. }) => None,
    };
    refuse(found.as_ref())?;
    found.ok_or_else(|| Error::not_found("no such tenant"))
}

fn need(command: &Command, names_tenant: bool) -> Need {
    match command {
        Command::Completions(_) | Command::Man(_) | Command::Role(role::Command::List) => Need::Nothing,
        Command::Demo(_)
        | Command::Init(_)
        | Command::Install(_)
        | Command::Serve
        | Command::Doctor(_)
        | Command::Alerts(_)
        | Command::Backup(_)
        | Command::KeyFile(_)
        | Command::Sandbox(_)
        | Command::Config(_)
        | Command::Migrate(_)
        | Command::Tls(_)
        | Command::Apply(_) => Need::Operator,
        Command::Top(_) => top::Top::need(names_tenant),
        Command::Restore(command) => command.need(),
        Command::Audit(command) => command.need(),
        Command::Retention(command) => command.need(),
        Command::Books(_) => Need::read_one_or_all(names_tenant, Noun::Status),
        Command::Tenant(command) => command.need(),
        Command::User(command) => command.need(names_tenant),
        Command::Session(command) => command.need(names_tenant),
        Command::Connection(command) => command.need(),
        Command::Source(command) => command.need(),
        Command::Key(command) => command.need(),
        Command::Automation(command) => command.need(),
        Command::Form(command) => command.need(),
        Command::Lead(command) => command.need(),
        Command::Contact(command) => command.need(),
        Command::Company(command) => command.need(),
        Command::Asset(command) => command.need(),
        Command::Location(command) => command.need(),
        Command::Group(command) => command.need(),
        Command::Segment(command) => command.need(),
        Command::Field(command) => command.need(),
        Command::Suppression(command) => command.need(),
        Command::Job(command) => command.need(),
        Command::Task(command) => command.need(),
        Command::Appointment(command) => command.need(),
        Command::Message(command) => command.need(),
        // What it tells may be about a lead and about what was written to them.
        Command::Explain(_) => Need::read_with_people(Noun::Run),
        Command::Simulate(_) | Command::Digest(trial::Digest::Preview { .. }) => {
            Need::read_with_people(Noun::Automation)
        }
        Command::Cursor(command) => command.need(),
        Command::Event(command) => command.need(),
        Command::Run(command) => command.need(),
        Command::Effect(command) => command.need(),
        Command::Status(arguments) => arguments.need(names_tenant),
    }
}
