//! The daemon as an operator sets it up, and as it is killed.

use std::process::{Child, Command, Stdio};

use super::office::{OFFICE, Office};

/// A daemon in a process of its own, which is killed without warning.
pub struct Daemon {
    pub folder: tempfile::TempDir,
    process: Option<Child>,
}

impl Daemon {
    pub fn nexora(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexora"));
        command.arg("--config").arg(self.folder.path().join("nexora.toml"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) {
        let output = self.nexora().args(arguments).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn start(&mut self) {
        self.process = Some(self.nexora().arg("serve").spawn().unwrap());
    }

    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
        }
    }
}

const CONFIG: &str = r"
[poll]
mail_fast_s = 1
mail_slow_s = 1
calendar_fast_s = 1
calendar_slow_s = 1
sheet_fast_s = 1
sheet_slow_s = 1
[pipeline]
backoff_first_s = 1
backoff_ceiling_s = 3
attempt_limit = 1000
lease_s = 10
";

const AUTOMATION: &str = r#"
[automation]
name = "echo"
title = "Echo"
description = "Does something for all that happens."

[[trigger]]
on = "gmail.message"

[[step]]
id = "answer"
action = "message.send"
with = { to = "a@example.com", template = "echo", via = "google" }

[[step]]
id = "log"
action = "sheets.append_row"
with = { spreadsheet = "log", sheet = "Log", row = { What = "mail {{ message.subject }}" } }

[[step]]
id = "file"
action = "gmail.label"
with = { remove = ["INBOX"] }

[[step]]
id = "done"
action = "sheets.update_row"
when = "steps.log.state == 'succeeded'"
with = { spreadsheet = "log", sheet = "Log", key = "What", value = "mail {{ message.subject }}", row = { Done = "yes" } }
"#;

const DIARY: &str = r#"
[automation]
name = "diary"
title = "Diary"
description = "Notes what happens in the calendar and in the sheet."

[[trigger]]
on = "calendar.event"

[[step]]
id = "log"
action = "sheets.append_row"
with = { spreadsheet = "log", sheet = "Log", row = { What = "{{ calendar_event.change }} {{ calendar_event.title }}" } }
"#;

const JOBS: &str = r#"
[automation]
name = "jobs"
title = "Jobs"
description = "Notes what happens in the sheet."

[[trigger]]
on = "sheets.row"
spreadsheet = "jobs"
sheet = "Jobs"
key = "ID"

[[step]]
id = "entry"
action = "calendar.create_event"
with = { calendar = "jobs@acme.example.com", title = "{{ row.change }} {{ row.cells.ID }}", after = "1h", length = "1h", hours = "Mon-Sun 00:00-24:00" }

[[step]]
id = "paint"
action = "calendar.update_event"
with = { calendar = "jobs@acme.example.com", event = "{{ steps.entry.provider_id }}", color = "5" }
"#;

/// Sets up a machine, a tenant, its connection and its automations, as an operator would.
pub fn set_up(office: &Office) -> Daemon {
    let daemon = Daemon { folder: tempfile::tempdir().unwrap(), process: None };
    let dir = daemon.folder.path().to_str().unwrap().to_owned();
    let init = ["init", "--no-input", "--operator", "op@example.com", "--dir", &dir];
    assert!(Command::new(env!("CARGO_BIN_EXE_nexora")).args(init).output().unwrap().status.success());
    let path = daemon.folder.path().join("nexora.toml");
    let url = office.sandbox.url();
    let mut config: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    let google = format!(
        "gmail_url = \"{url}/\"\ncalendar_url = \"{url}/calendar/v3/\"\nsheets_url = \"{url}/\"\n\
         drive_url = \"{url}/drive/v3/\"\ntoken_url = \"{url}/token\"\nauth_url = \"{url}/auth\"\n\
         gmail_units_per_user = 1000000\ncalendar_calls_per_user = 10000\n\
         sheets_reads = 10000\nsheets_reads_per_user = 10000\n\
         sheets_writes = 10000\nsheets_writes_per_user = 10000\n"
    );
    let more = format!(
        "{CONFIG}[google]\n{google}[definitions]\nfolder = \"{dir}\"\n[http]\nlisten = \"127.0.0.1:0\"\nprivate_listen = \"127.0.0.1:0\"\n"
    );
    for (section, keys) in more.parse::<toml::Table>().unwrap() {
        let slot = config.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        slot.as_table_mut().unwrap().extend(keys.as_table().unwrap().clone());
    }
    std::fs::write(&path, config.to_string()).unwrap();
    for folder in ["automations", "messages"] {
        std::fs::create_dir(daemon.folder.path().join(folder)).unwrap();
    }
    let automations = daemon.folder.path().join("automations");
    for (name, text) in [("echo", AUTOMATION), ("diary", DIARY), ("jobs", JOBS)] {
        std::fs::write(automations.join(format!("{name}.toml")), text).unwrap();
    }
    let message = "subject = \"Answer to {{ message.subject }}\"\ntext = \"Thank you.\"\n";
    std::fs::write(daemon.folder.path().join("messages/echo.toml"), message).unwrap();
    let key = daemon.folder.path().join("key.json");
    std::fs::write(&key, office.sandbox.service_account_json()).unwrap();
    daemon.run(&[
        "tenant",
        "create",
        "acme",
        "--name",
        "Acme",
        "--timezone",
        "America/Chicago",
        "--owner-email",
        "o@acme.com",
    ]);
    // It runs at any hour.
    daemon.run(&["tenant", "set", "acme", "quiet_hours=none"]);
    daemon.run(&[
        "connection",
        "add",
        "google",
        "--service-account",
        key.to_str().unwrap(),
        "--subject",
        OFFICE,
        "--ability",
        "mail.label,calendar,sheets",
    ]);
    for name in ["echo", "diary", "jobs"] {
        daemon.run(&["automation", "enable", name]);
    }
    daemon
}
