//! Who may do what: the one place that decides it, for the command line and the pages alike.

use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;
use nexora_core::model::principal::{Needs, Noun, Permission, Principal, Verb};
use nexora_core::model::user::Role;

/// Tells whether `principal` may do this in a tenant; with no tenant, to the whole installation.
pub fn allows(principal: &Principal, tenant: Option<&TenantId>, permission: Permission) -> bool {
    match (principal, tenant) {
        (Principal::Operator { .. }, _) => true,
        (Principal::Member { roles, .. }, Some(tenant)) => {
            roles.iter().any(|(id, role)| id == tenant && role_allows(*role, permission))
        }
        // A link shows what the owner sees, and changes nothing.
        (Principal::Link { tenant_id }, Some(tenant)) => {
            tenant_id == tenant && permission.1 == Verb::Read && role_allows(Role::Owner, permission)
        }
        (Principal::Member { .. } | Principal::Link { .. }, None) => false,
    }
}

/// # Errors
/// `Denied`, naming the permission that is missing.
pub fn require(principal: &Principal, tenant: Option<&TenantId>, permission: Permission) -> Result<()> {
    match allows(principal, tenant, permission) {
        true => Ok(()),
        false => Err(Error::denied(format!("this needs the permission `{permission}`"))),
    }
}

/// # Errors
/// `Denied` for everybody but operators.
pub fn require_operator(principal: &Principal) -> Result<()> {
    match principal {
        Principal::Operator { .. } => Ok(()),
        Principal::Member { .. } | Principal::Link { .. } => {
            Err(Error::denied("only an operator may do this: it reaches beyond one tenant"))
        }
    }
}

/// Checks what the keys of programs permit: they tell of events, and do nothing else.
///
/// # Errors
/// `Denied` for everything else.
pub fn require_of_key(needs: Needs) -> Result<()> {
    match needs {
        Needs::Permission(Permission(Noun::Event, Verb::Create)) => Ok(()),
        Needs::Permission(_) | Needs::Operator => {
            Err(Error::denied("a key lets a program tell of events only"))
        }
    }
}

/// Returns everything that a role permits, by noun.
pub fn permissions_of(role: Role) -> Vec<Permission> {
    let all = Noun::ALL.iter().flat_map(|noun| Verb::ALL.iter().map(|verb| Permission(*noun, *verb)));
    all.filter(|permission| role_allows(role, *permission)).collect()
}

fn role_allows(role: Role, Permission(noun, verb): Permission) -> bool {
    let daily = matches!(
        noun,
        Noun::Lead
            | Noun::Contact
            | Noun::Company
            | Noun::Asset
            | Noun::Group
            | Noun::Job
            | Noun::Task
            | Noun::Appointment
            | Noun::Message
            | Noun::Event
            | Noun::Run
    );
    // It says what everybody did, and where users signed in from.
    if noun == Noun::Audit && !matches!(role, Role::Owner | Role::Admin) {
        return false;
    }
    match role {
        Role::Owner => true,
        Role::Admin => (noun, verb) != (Noun::Tenant, Verb::Delete),
        Role::Member => verb == Verb::Read || (daily && verb != Verb::Delete),
        Role::Technician => match noun {
            Noun::Job | Noun::Task | Noun::Appointment => matches!(verb, Verb::Read | Verb::Update),
            Noun::Status | Noun::Contact | Noun::Company | Noun::Asset | Noun::Location => verb == Verb::Read,
            _ => false,
        },
        Role::Viewer => verb == Verb::Read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::base::clock::Timestamp;
    use nexora_core::model::UserId;

    /// For each role: whether it may read leads, change leads, delete leads, read appointments, change
    /// connections, delete the tenant.
    const TABLE: [(Role, [bool; 6]); 5] = [
        (Role::Owner, [true, true, true, true, true, true]),
        (Role::Admin, [true, true, true, true, true, false]),
        (Role::Member, [true, true, false, true, false, false]),
        (Role::Technician, [false, false, false, true, false, false]),
        (Role::Viewer, [true, false, false, true, false, false]),
    ];
    const ASKED: [Permission; 6] = [
        Permission(Noun::Lead, Verb::Read),
        Permission(Noun::Lead, Verb::Update),
        Permission(Noun::Lead, Verb::Delete),
        Permission(Noun::Appointment, Verb::Read),
        Permission(Noun::Connection, Verb::Update),
        Permission(Noun::Tenant, Verb::Delete),
    ];

    #[test]
    fn a_role_holds_in_its_own_tenant_only() {
        let now = Timestamp::from_millis(0);
        let (ours, theirs) = (TenantId::new(now), TenantId::new(now));
        for (role, expected) in TABLE {
            let member = Principal::Member {
                user_id: UserId::new(now),
                name: "Jo".into(),
                roles: vec![(ours.clone(), role)],
            };
            assert_eq!(ASKED.map(|asked| allows(&member, Some(&ours), asked)), expected, "{role}");
            assert_eq!(ASKED.map(|asked| allows(&member, Some(&theirs), asked)), [false; 6], "{role}");
            assert_eq!(ASKED.map(|asked| allows(&member, None, asked)), [false; 6], "{role}");
        }
    }

    #[test]
    fn a_link_only_shows_and_an_operator_may_do_everything() {
        let now = Timestamp::from_millis(0);
        let (ours, theirs) = (TenantId::new(now), TenantId::new(now));
        let link = Principal::Link { tenant_id: ours.clone() };
        assert_eq!(
            ASKED.map(|asked| allows(&link, Some(&ours), asked)),
            [true, false, false, true, false, false]
        );
        assert!(!allows(&link, Some(&theirs), Permission(Noun::Lead, Verb::Read)));
        let operator = Principal::Operator { name: "root".into() };
        assert!(allows(&operator, None, Permission(Noun::Tenant, Verb::Create)));
        let error = require(&link, None, Permission(Noun::Tenant, Verb::Read)).unwrap_err();
        assert_eq!(error.message(), "this needs the permission `tenant.read`");
    }
}
