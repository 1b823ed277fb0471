//! The program as an operator uses it: real processes, their output and their exit status.

use assert_cmd::Command;
use serde_json::Value;

use crate::machine::Machine;

const CREATE: [&str; 9] = [
    "tenant",
    "create",
    "acme",
    "--name",
    "Acme",
    "--timezone",
    "America/Chicago",
    "--owner-email",
    "o@acme.com",
];

#[test]
fn the_demo_sends_a_lead_through_and_says_what_came_of_it() {
    let output =
        Command::cargo_bin("nexora").unwrap().args(["demo", "--once", "--output", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(summary["lead_id"].as_str().unwrap().starts_with("lead_"));
    let effects = summary["effects"].as_array().unwrap();
    assert_eq!(effects.len(), 4);
    for effect in effects {
        assert_eq!(effect["state"], "delivered", "{summary}");
        assert!(effect["provider_id"].is_string() && effect["delivered_after_ms"].is_number(), "{summary}");
    }
}

#[test]
fn a_fresh_machine_is_set_up_once_and_again_without_harm() {
    let machine = Machine::initialised();
    let before = std::fs::read_to_string(machine.config()).unwrap();
    let dir = machine.folder();
    let dir = dir.to_str().unwrap();
    assert_eq!(machine.run(&["init", "--dir", dir, "--no-input", "--operator", "op@example.com"]).0, 0);
    assert_eq!(std::fs::read_to_string(machine.config()).unwrap(), before);
    assert_eq!(machine.run(&["config", "check"]).0, 0);
    let users = machine.json(&["user", "list"]);
    assert_eq!(users[0]["email"], "op@example.com");
    assert_eq!(users[0]["operator"], true);
}

#[test]
fn a_fresh_machine_is_set_up_where_its_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("etc").join("office.toml");
    let run = |arguments: &[&str]| {
        Command::cargo_bin("nexora").unwrap().arg("--config").arg(&config).args(arguments).output().unwrap()
    };
    let made = run(&["init", "--no-input", "--operator", "op@example.com", "--output", "json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(made["config"].as_str().unwrap().ends_with("etc/office.toml"), "{made}");
    assert!(run(&["user", "list"]).status.success());
}

#[test]
fn what_is_wrong_is_said_with_the_fix_and_the_right_status() {
    let machine = Machine::initialised();
    assert_eq!(machine.run(&CREATE).0, 0);
    let cases: [(&[&str], i32, &str); 6] = [
        (&CREATE, 5, "a tenant `acme` exists already"),
        (&["tenant", "show", "nobody"], 4, "no tenant `nobody`"),
        (&["automation", "enable", "lead-captur"], 4, "no automation template `lead-captur`"),
        (&["automation", "enable", "lead-capture", "--set", "callbak=true"], 2, "unknown setting `callbak`"),
        (&["connection", "delete", "smtp"], 8, "there is no terminal to ask at"),
        (&["lead", "create", "--name", "Jo", "--phone", "12"], 2, "does not look like a phone number"),
    ];
    for (arguments, status, message) in cases {
        let (code, out, error) = machine.run(arguments);
        assert_eq!((code, out.as_str()), (status, ""), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
    let missing =
        Command::cargo_bin("nexora").unwrap().args(["--config", "/nonexistent", "serve"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(3));
}

#[test]
fn a_tenant_is_built_up_command_by_command() {
    let machine = Machine::initialised();
    machine.run(&CREATE);
    let smtp = [
        "connection",
        "create",
        "smtp",
        "--host",
        "127.0.0.1",
        "--port",
        "25",
        "--from",
        "a@acme.com",
        "--tls",
        "none",
    ];
    assert_eq!(machine.json(&smtp)["state"], "active");
    assert_eq!(machine.json(&["automation", "enable", "lead-capture"])["change"], "created");
    assert_eq!(machine.json(&["automation", "enable", "lead-capture"])["change"], "unchanged");
    let changed = ["automation", "enable", "lead-capture", "--set", "callback=false"];
    assert_eq!(machine.json(&[&changed[..], &["--dry-run"]].concat())["change"], "new version");
    assert_eq!(machine.json(&changed)["version"], 2);
    let lead = machine.json(&["lead", "create", "--name", "Jo", "--phone", "(512) 555-0142"]);
    let shown = machine.json(&["lead", "show", lead["id"].as_str().unwrap()]);
    assert_eq!(shown["phone"], "+15125550142");
    let (status, out, _) = machine.run(&["status", "--output", "json"]);
    let seen: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (status, &seen["tenants"][0]["tenant"]["slug"]),
        (11, &serde_json::json!("acme")),
        "no daemon runs"
    );
}

#[test]
fn every_command_has_help_with_an_example() {
    fn walk(path: &[&str]) {
        let output = Command::cargo_bin("nexora").unwrap().args(path).arg("--help").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{path:?}");
        let commands: Vec<&str> = text
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| line.starts_with("  "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help" && name.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
            .collect();
        let is_leaf = commands.is_empty() && path != ["serve"];
        assert!(!is_leaf || text.contains("Example"), "{path:?} has no example");
        for command in commands {
            walk(&[path, &[command]].concat());
        }
    }
    walk(&[]);
}

#[test]
fn a_definition_of_ones_own_is_made_checked_tried_and_enabled() {
    let machine = Machine::initialised();
    let folder = machine.config().parent().unwrap().join("definitions");
    assert_eq!(machine.run(&CREATE).0, 0);
    let (status, made, error) = machine.run(&["automation", "create", "thank-you"]);
    assert_eq!(status, 0, "{error}");
    assert_eq!(made.lines().count(), 2);
    assert_eq!(machine.run(&["automation", "validate", "thank-you"]).0, 0);
    let shown = machine.json(&["automation", "test", "thank-you", "--at", "2026-11-20T10:00"]);
    let sent: Vec<&Value> =
        shown["lines"].as_array().unwrap().iter().filter(|line| line["what"] == "sent").collect();
    assert_eq!((sent.len(), &sent[0]["subject"]), (1, &Value::from("Thank you, Jo")));
    assert_eq!(machine.run(&["automation", "enable", "thank-you"]).0, 0);
    let path = folder.join("tenants/acme/automations/thank-you.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("if = \"contact.email\"", "if = \"contact.emial\"")).unwrap();
    let (status, out, error) = machine.run(&["automation", "validate", "thank-you"]);
    assert_eq!(status, 2, "{error}");
    let line = text.lines().position(|line| line.contains("if = \"contact.email\"")).unwrap() + 1;
    let fault = format!(
        "{}:{line}: step `address`: unknown name `contact.emial`; did you mean `email`?",
        path.display()
    );
    assert_eq!(out.trim(), fault);
    assert_eq!(machine.run(&["automation", "enable", "thank-you"]).0, 2, "what is wrong is not enabled");
    assert_eq!(machine.json(&["automation", "history", "thank-you"]).as_array().unwrap().len(), 1);

    // Settings are changed on what is live, whatever stands in the files, and switch nothing on.
    assert_eq!(machine.run(&["automation", "pause", "thank-you"]).0, 0);
    let set = machine.json(&["automation", "set", "thank-you", "delay=4h"]);
    assert_eq!((&set["version"], &set["state"]), (&Value::from(2), &Value::from("paused")));
    let back = machine.json(&["automation", "rollback", "thank-you", "--to", "1"]);
    assert_eq!((&back["version"], &back["state"]), (&Value::from(3), &Value::from("paused")));
    assert_eq!(machine.json(&["automation", "set", "thank-you", "delay=4h"])["version"], 4);

    // What was chosen stays when it is enabled again.
    std::fs::write(&path, text.replace("Thank a customer", "Thank customers")).unwrap();
    let again = machine.json(&["automation", "enable", "thank-you"]);
    assert_eq!((&again["state"], &again["settings"]["delay"]), (&Value::from("enabled"), &Value::from("4h")));

    // A length that is none is refused before it does harm.
    std::fs::write(&path, format!("{text}\n[reentry]\nagain_after = \"soon\"\n")).unwrap();
    assert_eq!(machine.run(&["automation", "validate", "thank-you"]).0, 2);
    assert_eq!(machine.run(&["automation", "enable", "thank-you"]).0, 2);

    // What comes with the program is what one begins with.
    assert_eq!(machine.run(&["automation", "create", "review-request"]).0, 0);
    assert!(folder.join("tenants/acme/messages/review-reminder.toml").exists());
    assert_eq!(machine.run(&["automation", "validate", "review-request"]).0, 0);
}

#[test]
fn a_digest_is_shown_before_it_goes_out() {
    let machine = Machine::initialised();
    assert_eq!(machine.run(&CREATE).0, 0);
    let file = machine.folder().join("digest.html");
    let (status, out, error) =
        machine.run(&["digest", "preview", "--date", "2026-11-20", "--open-file", file.to_str().unwrap()]);
    assert_eq!(status, 0, "{error}");
    assert!(out.contains("Subject: Friday, November 20: 0 new leads, 0 today"), "{out}");
    assert!(std::fs::read_to_string(file).unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_user_is_given_two_step_sign_in_at_the_shell() {
    let machine = Machine::initialised();
    assert_eq!(machine.run(&CREATE).0, 0);
    assert_eq!(machine.run(&["user", "create", "jo@acme.com", "--role", "owner"]).0, 0);
    let password = machine.folder().join("password.txt");
    std::fs::write(&password, "correct horse battery\n").unwrap();
    let file = password.to_str().unwrap();
    assert_eq!(machine.run(&["user", "set-password", "jo@acme.com", "--from-file", file]).0, 0);

    let enrol = ["user", "totp", "enrol", "jo@acme.com", "--no-input"];
    let confirm = |code: &str| machine.run(&[&enrol[..], &["--code", code, "--output", "json"]].concat());
    assert_eq!(confirm("123456").0, 5, "nothing was begun");
    let (status, out, _) = machine.run(&enrol);
    assert_eq!(status, 0);
    assert!(out.contains('\u{2588}') && out.contains("otpauth://totp/Nexora:jo%40acme.com"), "{out}");
    let told = machine.json(&enrol);
    assert_eq!(machine.json(&["user", "show", "jo@acme.com"])["sign_in"]["has_totp"], false);
    assert_eq!(confirm("000000").0, 7);
    let now = nexora_core::base::clock::Clock::System.now();
    let (status, out, error) = confirm(&crate::visitor::code(told["secret"].as_str().unwrap(), now));
    assert_eq!(status, 0, "{error}");
    let codes: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(codes["recovery_codes"].as_array().unwrap().len(), 10);
    let shown = machine.json(&["user", "show", "jo@acme.com"]);
    assert_eq!(
        (&shown["sign_in"]["has_totp"], &shown["sign_in"]["recovery_codes_left"]),
        (&true.into(), &10.into())
    );
    assert!(machine.run(&["user", "show", "jo@acme.com"]).1.contains("on, 10 recovery codes left"));
    assert_eq!(machine.run(&["user", "totp", "disable", "jo@acme.com"]).0, 0);
    assert_eq!(machine.json(&["user", "show", "jo@acme.com"])["sign_in"]["has_totp"], false);
}

#[test]
fn roles_and_sessions_are_managed_at_the_shell() {
    let machine = Machine::initialised();
    assert_eq!(machine.run(&CREATE).0, 0);
    let roles = machine.json(&["role", "list"]);
    assert_eq!((roles.as_array().unwrap().len(), &roles[0]["role"]), (5, &Value::from("owner")));
    assert!(
        machine
            .run(&["role", "list"])
            .1
            .lines()
            .any(|line| line.starts_with("lead ") && line.contains("everything"))
    );
    assert_eq!(machine.run(&["user", "create", "jo@acme.com", "--role", "viewer"]).0, 0);
    let changed = machine.json(&["user", "set-role", "jo@acme.com", "admin", "--tenant", "acme"]);
    assert_eq!(changed["memberships"][0]["role"], "admin");
    assert_eq!(machine.run(&["user", "unlock", "jo@acme.com"]).0, 0);
    assert_eq!(machine.json(&["session", "list"]), Value::Array(Vec::new()));
    assert_eq!(machine.run(&["session", "revoke", "--all", "--no-input"]).0, 8);
    assert_eq!(machine.run(&["session", "revoke", "--user", "jo@acme.com"]).0, 0);
    assert_eq!(machine.run(&["session", "revoke"]).0, 2);

    // As a user, the one tenant that they belong to is meant, and no other is there.
    assert_eq!(machine.run(&["lead", "list", "--as", "jo@acme.com"]).0, 0);
    assert_eq!(machine.run(&["tenant", "list", "--as", "jo@acme.com"]).0, 7);
    let (status, _, refused) = machine.run(&["lead", "list", "--as", "jo@acme.com", "--tenant", "other"]);
    assert_eq!((status, refused.trim()), (7, "error: this needs the permission `lead.read`"));
    assert_eq!(machine.run(&["user", "remove", "jo@acme.com", "--tenant", "acme"]).0, 0);
    assert_eq!(machine.run(&["lead", "list", "--as", "jo@acme.com"]).0, 7);
    assert_eq!(machine.run(&["status", "revoke-links", "--tenant", "acme"]).0, 0);
}

#[test]
fn the_panels_of_a_status_page_are_shown_chosen_and_reset() {
    let machine = Machine::initialised();
    assert_eq!(machine.run(&CREATE).0, 0);
    let shown = |arguments: &[&str]| {
        let answer = machine.json(&[&["status", "panels", "--tenant", "acme"], arguments].concat());
        answer["panels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&[]).len(), 10);
    assert_eq!(shown(&["week", "health"]), ["week", "health"]);
    assert_eq!(shown(&[]), ["week", "health"]);
    let (status, _, error) = machine.run(&["status", "panels", "--tenant", "acme", "weak"]);
    assert_eq!(status, 2);
    assert!(error.contains("`weak` is not a panel") && error.contains("health, week, charts"), "{error}");
    assert_eq!(shown(&["--reset"]).len(), 10);
}

#[test]
fn what_is_written_is_for_its_owner_alone_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::initialised();
    let program = assert_cmd::cargo::cargo_bin("nexora");
    let within = |umask: &str, arguments: &str| {
        let line = format!(
            "umask {umask}; {} --config {} {arguments}",
            program.display(),
            machine.config().display()
        );
        let output = std::process::Command::new("sh").arg("-c").arg(line).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    within(
        "000",
        &format!(
            "init --no-input --operator op@example.com --dir {}",
            machine.folder().join("open").display()
        ),
    );
    // What an earlier version left open is closed when the database is opened.
    let database = machine.folder().join("nexora.db");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    within("000", "tenant create acme --name Acme --timezone America/Chicago --owner-email o@acme.com");
    let mut folders = vec![machine.folder().join("open")];
    let mut seen = vec![database];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            seen.push(path);
        }
    }
    assert!(seen.len() >= 4, "{seen:?}");
    for path in seen {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
    let key = machine.folder().join("master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let (status, _, error) = machine.run(&["tenant", "list"]);
    assert_eq!(status, 3);
    assert!(error.contains("chmod 600"), "{error}");
}
