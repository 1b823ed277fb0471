//! `nexora role`: what each role permits, as the authoriser has it.

use clap::Subcommand;
use serde::Serialize;

use crate::cli::out::Out;
use nexora_core::base::Result;
use nexora_core::model::principal::{Noun, Permission};
use nexora_core::model::user::Role;
use nexora_engine::access::authority;

#[derive(Subcommand)]
pub enum Command {
    /// List the roles, and what each permits
    #[command(after_help = "Example:\n  nexora role list --output json")]
    List,
}

#[derive(Serialize)]
struct RoleView {
    role: Role,
    permissions: Vec<String>,
}

pub fn run(command: &Command, out: &Out) -> Result<()> {
    let Command::List = command;
    if out.is_json() {
        let view = |role: &Role| {
            let permissions = authority::permissions_of(*role).iter().map(Permission::to_string).collect();
            RoleView { role: *role, permissions }
        };
        return out.list(&[], &Role::ALL.iter().map(view).collect::<Vec<_>>(), |_| Vec::new());
    }
    let headers: Vec<&str> =
        std::iter::once("noun").chain(Role::ALL.iter().map(|role| role.name())).collect();
    out.list(&headers, Noun::ALL, |noun| {
        let verbs = |role: &Role| {
            let all = authority::permissions_of(*role);
            let ours = all.iter().filter(|permission| permission.0 == *noun);
            let verbs: Vec<&str> = ours.map(|permission| permission.1.name()).collect();
            if verbs.len() == 4 { "everything".to_owned() } else { verbs.join(" ") }
        };
        std::iter::once(noun.to_string()).chain(Role::ALL.iter().map(verbs)).collect()
    })?;
    out.note("\nAn operator may do everything for every tenant. A link to the status page shows what an owner sees.");
    Ok(())
}
