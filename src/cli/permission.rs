//! The permissions that each command needs when it is run `--as` a user.
//!
//! Every variant of every command is named here, so that none can be added without a decision. What
//! reaches beyond one tenant needs an operator. A tenant that one does not belong to and a tenant that
//! does not exist are refused in the same words.

use crate::app::App;
use crate::cli::system::StatusCommand;
use crate::cli::{
    Command, appointment, automation, connection, contact, cursor, effect, event, form, job, key, lead,
    message, role, run, session, source, task, tenant, trial, user,
};
use crate::ops;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::address::{EmailAddress, Slug};
use nexora_core::model::principal::{Noun, Permission, Principal, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::Role;
use nexora_engine::authority;

enum Need {
    /// It tells nothing of anybody, and changes nothing.
    Nothing,
    /// It reaches beyond one tenant.
    Operator,
    /// All of these in the tenant that `--tenant` names.
    Tenant(Vec<Permission>),
    /// This in the tenant that the command names.
    Named(Slug, Permission),
    /// This, to give a user a role in the tenant, or take the one they have.
    Member(Verb, EmailAddress, Option<Role>),
}

/// What only an owner may do, and so what one must be allowed to make or unmake an owner.
const OWNERS: Permission = Permission(Noun::Tenant, Verb::Delete);

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
    let principal = ops::user::principal(app, email).await?;
    let (named, permissions) = match need(command, tenant.is_some()) {
        Need::Nothing => return Ok(tenant),
        Need::Operator => {
            let needed = Permission(Noun::Tenant, Verb::Create);
            let refused = |_| Error::denied("only an operator may do this: it reaches beyond one tenant");
            return authority::require(&principal, None, needed).map_err(refused).map(|()| tenant);
        }
        Need::Tenant(permissions) => (None, permissions),
        Need::Named(slug, permission) => (Some(slug), vec![permission]),
        Need::Member(verb, _, _) => (None, vec![Permission(Noun::User, verb)]),
    };
    if let Principal::Operator { .. } = principal {
        return Ok(tenant);
    }
    let found = find_tenant(app, &principal, named.as_ref().or(tenant.as_ref()), &permissions).await?;
    if let Need::Member(_, email, role) = need(command, true) {
        check_member(app, &principal, &found, &email, role).await?;
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

/// Refuses to give or take a role above the user's own, and to add a user of other tenants to this one.
async fn check_member(
    app: &App,
    principal: &Principal,
    tenant: &Tenant,
    email: &EmailAddress,
    role: Option<Role>,
) -> Result<()> {
    let present = match ops::user::role_in(app, tenant, email).await {
        Ok(present) => Some(present),
        Err(error) if error.kind() == Kind::NotFound => None,
        Err(error) => return Err(error),
    };
    if role == Some(Role::Owner) || present == Some(Role::Owner) {
        authority::require(principal, Some(&tenant.id), OWNERS)?;
    }
    match ops::user::find(app, email).await {
        Ok(_) if present.is_none() => Err(Error::denied("only an operator may give this user a role")),
        Err(error) if error.kind() != Kind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn tenant(noun: Noun, verb: Verb) -> Need {
    Need::Tenant(vec![Permission(noun, verb)])
}

/// Something that can be asked of one tenant, or of all.
fn one_or_all(one: bool, noun: Noun) -> Need {
    if one { tenant(noun, Verb::Read) } else { Need::Operator }
}

fn need(command: &Command, names_tenant: bool) -> Need {
    match command {
        Command::Completions(_) | Command::Role(role::Command::List) => Need::Nothing,
        Command::Demo(_)
        | Command::Init(_)
        | Command::Serve
        | Command::Sandbox(_)
        | Command::Config(_)
        | Command::Migrate(_)
        | Command::Session(session::Command::Revoke { .. }) => Need::Operator,
        Command::Tenant(command) => of_tenant(command),
        Command::User(command) => of_user(command, names_tenant),
        Command::Session(session::Command::List) => one_or_all(names_tenant, Noun::Session),
        Command::Connection(command) => of_connection(command),
        Command::Source(command) => of_source(command),
        Command::Key(command) => of_key(command),
        Command::Automation(command) => of_automation(command),
        Command::Form(command) => of_form(command),
        Command::Lead(command) => of_lead(command),
        Command::Contact(command) => of_contact(command),
        Command::Suppression(command) => of_suppression(command),
        Command::Job(command) => of_job(command),
        Command::Task(command) => of_task(command),
        Command::Appointment(appointment::Command::List { .. }) => tenant(Noun::Appointment, Verb::Read),
        Command::Message(message::Command::List { .. } | message::Command::Show { .. }) => {
            tenant(Noun::Message, Verb::Read)
        }
        // What it tells may be about a lead and about what was written to them.
        Command::Explain(_) => of_people(Noun::Run),
        Command::Simulate(_) | Command::Digest(trial::Digest::Preview { .. }) => of_people(Noun::Automation),
        Command::Cursor(cursor::Command::List) => tenant(Noun::Connection, Verb::Read),
        Command::Cursor(cursor::Command::Poll { .. }) => tenant(Noun::Connection, Verb::Update),
        Command::Event(event::Command::List { .. } | event::Command::Show { .. }) => {
            tenant(Noun::Event, Verb::Read)
        }
        Command::Event(event::Command::Ingest { .. }) => tenant(Noun::Event, Verb::Create),
        Command::Event(event::Command::Replay { .. }) => tenant(Noun::Event, Verb::Update),
        Command::Run(run::Command::List { .. } | run::Command::Show { .. }) => tenant(Noun::Run, Verb::Read),
        Command::Run(run::Command::Retry { .. } | run::Command::Cancel { .. }) => {
            tenant(Noun::Run, Verb::Update)
        }
        Command::Effect(effect::Command::List { .. } | effect::Command::Show { .. }) => {
            tenant(Noun::Effect, Verb::Read)
        }
        Command::Effect(effect::Command::Retry { .. } | effect::Command::Discard { .. }) => {
            tenant(Noun::Effect, Verb::Update)
        }
        Command::Status(arguments) => match &arguments.command {
            None if !names_tenant => Need::Operator,
            // The status of a tenant names its latest leads.
            None => of_people(Noun::Status),
            Some(StatusCommand::Panels { panels, reset }) => {
                let verb = if *reset || !panels.is_empty() { Verb::Update } else { Verb::Read };
                tenant(Noun::Status, verb)
            }
            Some(StatusCommand::Link { .. }) => tenant(Noun::Session, Verb::Create),
            Some(StatusCommand::RevokeLinks) => tenant(Noun::Session, Verb::Delete),
        },
    }
}

/// Something that shows leads and messages besides.
fn of_people(noun: Noun) -> Need {
    Need::Tenant([noun, Noun::Lead, Noun::Message].map(|noun| Permission(noun, Verb::Read)).to_vec())
}

fn of_tenant(command: &tenant::Command) -> Need {
    use tenant::Command;
    match command {
        // Suspending is how an operator stops a tenant; it is not for the tenant to undo.
        Command::Create { .. } | Command::List | Command::Suspend { .. } | Command::Resume { .. } => {
            Need::Operator
        }
        Command::Show { slug } => Need::Named(slug.clone(), Permission(Noun::Tenant, Verb::Read)),
        Command::Set { slug, .. } => Need::Named(slug.clone(), Permission(Noun::Tenant, Verb::Update)),
    }
}

fn of_user(command: &user::Command, names_tenant: bool) -> Need {
    use user::Command;
    match command {
        Command::Create { operator: false, email, role, .. } => {
            Need::Member(Verb::Create, email.clone(), Some(*role))
        }
        Command::SetRole { email, role } => Need::Member(Verb::Update, email.clone(), Some(*role)),
        Command::Remove { email } => Need::Member(Verb::Delete, email.clone(), None),
        Command::List => one_or_all(names_tenant, Noun::User),
        // A user may belong to several tenants.
        Command::Create { .. }
        | Command::Show { .. }
        | Command::Disable { .. }
        | Command::Enable { .. }
        | Command::SetPassword { .. }
        | Command::Unlock { .. }
        | Command::Totp(_) => Need::Operator,
    }
}

fn of_connection(command: &connection::Command) -> Need {
    use connection::{Command, Create};
    let verb = match command {
        // It would let a tenant reach the network that the machine is in.
        Command::Create(Create::Webhook { allow_private: true, .. }) => return Need::Operator,
        Command::Create(Create::Smtp(_) | Create::Google(_) | Create::Webhook { .. }) => Verb::Create,
        Command::List | Command::Show { .. } => Verb::Read,
        Command::Test { .. }
        | Command::Pause { .. }
        | Command::Resume { .. }
        | Command::Authorize { .. }
        | Command::LeadMail { .. }
        | Command::Revoke { .. } => Verb::Update,
        Command::Delete { .. } => Verb::Delete,
    };
    tenant(Noun::Connection, verb)
}

fn of_automation(command: &automation::Command) -> Need {
    use automation::Command;
    let verb = match command {
        Command::Reference => return Need::Nothing,
        Command::Create { shared: true, .. } => return Need::Operator,
        Command::Test(_) => return of_people(Noun::Automation),
        Command::Run { .. } => return tenant(Noun::Run, Verb::Create),
        Command::Create { .. } => Verb::Create,
        Command::Templates
        | Command::Validate { .. }
        | Command::History { .. }
        | Command::Diff { .. }
        | Command::Export { .. }
        | Command::List
        | Command::Show { .. } => Verb::Read,
        Command::Enable { .. }
        | Command::Set { .. }
        | Command::Rollback { .. }
        | Command::MigrateRuns { .. }
        | Command::Disable { .. }
        | Command::Pause { .. }
        | Command::Resume { .. } => Verb::Update,
    };
    tenant(Noun::Automation, verb)
}

fn of_lead(command: &lead::Command) -> Need {
    use lead::Command;
    let verb = match command {
        Command::Create(_) => Verb::Create,
        Command::List { .. } | Command::Show { .. } | Command::Parse { .. } | Command::Photo { .. } => {
            Verb::Read
        }
        Command::State { .. }
        | Command::Spam { .. }
        | Command::NotSpam { .. }
        | Command::Answered { .. }
        | Command::Review { .. } => Verb::Update,
    };
    tenant(Noun::Lead, verb)
}

fn of_source(command: &source::Command) -> Need {
    use source::Command;
    let verb = match command {
        Command::Create(_) => Verb::Create,
        Command::List | Command::Show { .. } | Command::Test { .. } | Command::Notices { .. } => Verb::Read,
        Command::Set(_)
        | Command::Enable { .. }
        | Command::Disable { .. }
        | Command::RotateSecret { .. }
        | Command::Retry { .. }
        | Command::Dismiss { .. } => Verb::Update,
        Command::Delete { .. } => Verb::Delete,
    };
    tenant(Noun::Source, verb)
}

fn of_key(command: &key::Command) -> Need {
    use key::Command;
    let verb = match command {
        Command::Create { .. } => Verb::Create,
        Command::List => Verb::Read,
        Command::Rotate { .. } => Verb::Update,
        Command::Revoke { .. } => Verb::Delete,
    };
    tenant(Noun::Key, verb)
}

fn of_form(command: &form::Command) -> Need {
    use form::Command;
    let verb = match command {
        Command::Show | Command::Consent { wording: None, .. } | Command::Snippet { .. } => Verb::Read,
        Command::Fields { .. }
        | Command::Set { .. }
        | Command::Consent { .. }
        | Command::Logo { .. }
        | Command::Turnstile { .. } => Verb::Update,
    };
    tenant(Noun::Form, verb)
}

fn of_contact(command: &contact::Command) -> Need {
    use contact::Command;
    let verb = match command {
        Command::Show { .. } => {
            return Need::Tenant(
                [Noun::Contact, Noun::Message].map(|noun| Permission(noun, Verb::Read)).to_vec(),
            );
        }
        Command::List { .. } => Verb::Read,
        Command::Timezone { .. } | Command::Consent { .. } => Verb::Update,
    };
    tenant(Noun::Contact, verb)
}

fn of_suppression(command: &contact::SuppressionCommand) -> Need {
    use contact::SuppressionCommand as Command;
    let verb = match command {
        Command::List { .. } => Verb::Read,
        Command::Add { .. } => Verb::Create,
        Command::Remove { .. } => Verb::Delete,
    };
    tenant(Noun::Suppression, verb)
}

fn of_job(command: &job::Command) -> Need {
    use job::Command;
    let verb = match command {
        Command::Create(_) => Verb::Create,
        Command::List { .. } | Command::Show { .. } => Verb::Read,
        Command::Schedule { .. }
        | Command::Stage { .. }
        | Command::Complete { .. }
        | Command::Cancel { .. } => Verb::Update,
    };
    tenant(Noun::Job, verb)
}

fn of_task(command: &task::Command) -> Need {
    use task::Command;
    let verb = match command {
        Command::Create { .. } => Verb::Create,
        Command::List { .. } => Verb::Read,
        Command::Complete { .. } => Verb::Update,
    };
    tenant(Noun::Task, verb)
}
