//! What a shell is offered while a command is typed: the names that there are, read from the database.

use assert_cmd::Command;

use crate::machine::Machine;

/// Returns what bash is offered for the last word.
fn offered(machine: &Machine, words: &[&str]) -> Vec<String> {
    let mut command = Command::cargo_bin("nexora").unwrap();
    let config = machine.config();
    command.env("COMPLETE", "bash").env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_COMP_TYPE", "9");
    command.env("_CLAP_COMPLETE_INDEX", (words.len() + 2).to_string());
    command.args(["--", "nexora", "--config"]).arg(config).args(words);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_names_that_there_are_complete_a_command() {
    let machine = Machine::initialised();
    for command in [
        "tenant create acme --name Acme --timezone America/Chicago --owner-email o@acme.com",
        "tenant create bolt --name Bolt --timezone America/Chicago --owner-email o@bolt.com",
        "connection create webhook --tenant acme --name crm --url https://crm.example.com/hook",
        "automation enable lead-capture --tenant bolt --set sheet_id=x",
    ] {
        machine.run(&command.split(' ').collect::<Vec<_>>());
    }
    let (status, lead, error) = machine.run(&[
        "lead",
        "create",
        "--tenant",
        "acme",
        "--name",
        "Jo",
        "--email",
        "jo@example.com",
        "--output",
        "json",
    ]);
    assert_eq!(status, 0, "{error}");
    let lead: serde_json::Value = serde_json::from_str(&lead).unwrap();
    let begins = |words: &[&str], what: &str| {
        let found = offered(&machine, words);
        assert!(found.iter().any(|one| one.starts_with(what)), "{words:?} offers {found:?}, not {what}");
    };
    begins(&["lead", "list", "--tenant", ""], "acme");
    begins(&["lead", "list", "--tenant", "b"], "bolt");
    begins(&["connection", "pause", "--tenant", "acme", ""], "crm");
    begins(
        &["lead", "show", "--tenant", "acme", ""],
        lead["id"].as_str().or(lead["lead_id"].as_str()).unwrap(),
    );
    begins(&["user", "show", ""], "op@example.com");
    begins(&["lead", "req"], "requeue");
    // Which tenant is meant is not known: nothing is guessed.
    assert!(!offered(&machine, &["connection", "pause", ""]).iter().any(|one| one == "crm"));
    // A database that cannot be read is no reason to disturb whoever types.
    std::fs::remove_file(machine.folder().join("nexora.db")).unwrap();
    assert!(!offered(&machine, &["lead", "list", "--tenant", ""]).iter().any(|one| one == "acme"));
}
