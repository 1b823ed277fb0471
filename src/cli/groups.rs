//! The commands in groups, as the help of the whole program shows them.

use std::fmt::Write as _;

use clap::Command;

/// The groups in their order; a test holds that every command is in one.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Getting started", &["demo", "init", "install", "serve"]),
    ("State and troubles", &["status", "doctor", "books", "top", "alerts", "explain"]),
    (
        "Customers and work",
        &[
            "lead",
            "contact",
            "company",
            "asset",
            "group",
            "segment",
            "location",
            "field",
            "suppression",
            "job",
            "task",
            "appointment",
            "message",
            "form",
            "source",
        ],
    ),
    ("Automations", &["automation", "simulate", "digest", "event", "run", "effect", "cursor"]),
    (
        "Tenants and access",
        &["tenant", "apply", "connection", "user", "role", "session", "key", "audit", "retention"],
    ),
    (
        "The installation",
        &["backup", "restore", "key-file", "config", "migrate", "tls", "sandbox", "completions", "man"],
    ),
];

/// Returns the template of the program's help, for its commands.
pub fn template(root: Command) -> String {
    let mut listed = String::new();
    let width = root.get_subcommands().map(|command| command.get_name().len()).max().unwrap_or(0);
    for (title, names) in GROUPS {
        let _ = writeln!(listed, "\n{title}:");
        for name in names {
            let about = root.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(listed, "  {name:<width$}  {about}");
        }
    }
    format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{listed}\n{{options}}{{after-help}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let root = crate::cli::commands();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let mut commands: Vec<&str> = root.get_subcommands().map(Command::get_name).collect();
        grouped.sort_unstable();
        commands.sort_unstable();
        assert_eq!(grouped, commands);
    }
}
