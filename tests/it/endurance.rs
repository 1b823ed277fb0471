//! A connected tenant under continuous change, with faults dialled in and the daemon killed again and
//! again: every change is told exactly once, and every effect exists exactly once.
//!
//! The gate runs it briefly; `scripts/endurance` runs it for a minute with twenty kills.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nexora::base::clock::Clock;
use nexora::model::event::EventKind;
use nexora::sandbox::{Sandbox, Settings};
use nexora::store::{Db, Url};
use serde_json::{Value, json};

use crate::sandbox::assertion;

const OFFICE: &str = "office@acme.example.com";
const EVENTS: &str = "/calendar/v3/calendars/primary/events";

const MAILS: usize = 200;
const ENTRIES: usize = 80;
const SERIES: usize = 20;
const ROWS: usize = 1_000;

/// How long the changes go on, and how often the daemon is killed meanwhile.
fn measure() -> (Duration, u32) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = number("NEXORA_TEST_ENDURANCE_S").unwrap_or(4);
    let kills = number("NEXORA_TEST_ENDURANCE_KILLS").unwrap_or(2);
    (Duration::from_secs(seconds), u32::try_from(kills).unwrap())
}

/// A daemon in a process of its own, which is killed without warning.
struct Daemon {
    folder: tempfile::TempDir,
    process: Option<Child>,
}

impl Daemon {
    fn nexora(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexora"));
        command.arg("--config").arg(self.folder.path().join("nexora.toml"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) {
        let output = self.nexora().args(arguments).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn start(&mut self) {
        self.process = Some(self.nexora().arg("serve").spawn().unwrap());
    }

    fn kill(&mut self) {
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

/// Somebody who writes mails, moves entries and edits the sheet, and keeps account of it.
struct Office {
    sandbox: Sandbox,
    http: reqwest::Client,
    token: String,
    rows: Vec<(usize, usize)>,
    /// What is to be told: kind and name, as `told` shows them.
    expected: BTreeMap<String, usize>,
    counter: usize,
    entries: Vec<String>,
}

impl Office {
    async fn open() -> Office {
        let any = "127.0.0.1:0".parse().unwrap();
        let settings = Settings { listen: any, smtp_listen: any, clock: Clock::System };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let key: Value = serde_json::from_str(&sandbox.service_account_json()).unwrap();
        let now = Clock::System.now().millis() / 1_000;
        let claims = json!({
            "iss": key["client_email"], "sub": OFFICE, "iat": now, "exp": now + 3_600,
            "aud": sandbox.url() + "/token", "scope": "https://www.googleapis.com/auth/calendar",
        });
        let signed = assertion(&key, &claims);
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &signed)];
        let http = reqwest::Client::new();
        let answer = http.post(sandbox.url() + "/token").form(&form).send().await.unwrap();
        let granted: Value = answer.json().await.unwrap();
        let token = granted["access_token"].as_str().unwrap().to_owned();
        let rows = (0..ROWS).map(|id| (id, 0)).collect();
        let (expected, entries) = (BTreeMap::new(), Vec::new());
        Office { sandbox, http, token, rows, expected, counter: 0, entries }
    }

    async fn furnish(&mut self) {
        let mail = |number| json!({"mailbox": OFFICE, "from": "a@example.com", "subject": format!("old {number}"), "text": "x"});
        let mails: Vec<Value> = (0..MAILS).map(mail).collect();
        self.sandbox.seed(json!({ "mails": mails })).unwrap();
        for number in 0..ENTRIES + SERIES {
            let recurrence = if number < ENTRIES { json!([]) } else { json!(["RRULE:FREQ=WEEKLY;COUNT=30"]) };
            let id = format!("old{number:05}");
            let entry = entry(&id, &format!("old {number}"), number, recurrence);
            assert!(self.call("POST", EVENTS, entry).await);
            self.entries.push(id);
        }
        let calendars = json!([{"calendar": "jobs@acme.example.com", "time_zone": "UTC"}]);
        let log = json!([{"id": "log", "sheets": [{"title": "Log"}]}]);
        self.sandbox.seed(json!({"calendars": calendars, "spreadsheets": log})).unwrap();
        self.write_sheet();
    }

    /// Tries until it is done, since faults meet everybody.
    async fn call(&self, method: &str, path: &str, body: Value) -> bool {
        let url = self.sandbox.url() + path;
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token).json(&body);
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    fn write_sheet(&self) {
        let rows = self.rows.iter().map(|(id, state)| json!([format!("row {id}"), format!("state {state}")]));
        let rows: Vec<Value> = std::iter::once(json!(["ID", "State"])).chain(rows).collect();
        let sheet = json!({"id": "jobs", "sheets": [{"title": "Jobs", "rows": rows}]});
        self.sandbox.seed(json!({ "spreadsheets": [sheet] })).unwrap();
    }

    fn expect(&mut self, name: String) {
        *self.expected.entry(name).or_default() += 1;
    }

    /// Makes one change. Nothing is changed twice: two changes between two polls would be one.
    fn change(&mut self) {
        self.counter += 1;
        let number = self.counter;
        match number % 6 {
            0 => {
                let subject = format!("mail {number}");
                let mail =
                    json!({"mailbox": OFFICE, "from": "a@example.com", "subject": subject, "text": "x"});
                self.sandbox.seed(json!({ "mails": [mail] })).unwrap();
                self.expect(format!("received {subject}"));
            }
            1 => {
                let title = format!("entry {number}");
                let id = format!("add{number:05}");
                let made = entry(&id, &title, number, json!([]));
                self.sandbox.seed(json!({"events": [{"calendar": OFFICE, "event": made}]})).unwrap();
                self.expect(format!("created {title}"));
            }
            2 if number / 6 < ROWS => {
                self.rows[number / 6].1 = number;
                self.write_sheet();
                let id = self.rows[number / 6].0;
                self.expect(format!("changed row {id}"));
            }
            3 => {
                let id = ROWS + number;
                let place = number * 7 % self.rows.len();
                // Behind the rows that are changed in their order.
                self.rows.insert(place.max(ROWS - 1), (id, 0));
                self.write_sheet();
                self.expect(format!("added row {id}"));
            }
            4 => {
                let end = self.rows.len();
                self.rows[ROWS / 2..end].sort_by_key(|(id, _)| id * 7_919 % 1_009);
                self.write_sheet();
            }
            _ => {}
        }
    }

    /// Moves or cancels one of the entries that were there, each once.
    async fn move_one(&mut self, faultless: bool) {
        let Some(id) = self.entries.pop() else { return };
        let title = format!("old {}", id.trim_start_matches("old").parse::<usize>().unwrap());
        let path = format!("{EVENTS}/{id}");
        let done = match self.entries.len() % 3 {
            0 => self.call("DELETE", &path, json!(null)).await.then_some("cancelled"),
            _ => {
                let moved = json!({"location": "moved"});
                self.call("PATCH", &path, moved).await.then_some("updated")
            }
        };
        match done {
            Some(change) => self.expect(format!("{change} {title}")),
            // Whether it happened is not known to us; it is looked up at the end.
            None => assert!(!faultless, "a call failed although no fault was dialled in"),
        }
    }

    async fn faults(&self, faults: Value) {
        let body = json!({"clear": true, "faults": faults});
        self.http.post(self.sandbox.url() + "/_sandbox/faults").json(&body).send().await.unwrap();
    }
}

fn entry(id: &str, title: &str, hour: usize, recurrence: Value) -> Value {
    let start = format!("2027-03-{:02}T{:02}:00:00Z", 1 + hour / 24 % 28, hour % 24);
    let end = format!("2027-03-{:02}T{:02}:30:00Z", 1 + hour / 24 % 28, hour % 24);
    json!({"id": id, "summary": title, "recurrence": recurrence,
           "start": {"dateTime": start, "timeZone": "UTC"}, "end": {"dateTime": end, "timeZone": "UTC"}})
}

const CONFIG: &str = r#"
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
"#;

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
fn set_up(office: &Office) -> Daemon {
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

async fn open(daemon: &Daemon) -> Db {
    let config = std::fs::read_to_string(daemon.folder.path().join("nexora.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let url: Url = config["database"]["url"].as_str().unwrap().parse().unwrap();
    Db::open(&url).await.unwrap()
}

/// Returns how often each thing was told.
async fn told(db: &Db) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    let mut before = None;
    loop {
        let filter = nexora::store::event::Filter { before: before.clone(), ..Default::default() };
        let page = db
            .read(move |conn| {
                let tenant = nexora::store::tenant::list(conn, 1)?.remove(0);
                nexora::store::event::list(conn, &tenant.id, &filter, 500)
            })
            .await
            .unwrap();
        let Some(last) = page.last() else { return told };
        before = Some(last.id.clone());
        for event in page {
            let payload: Value = event.payload.read().unwrap();
            let text = |pointer: &str| {
                payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let name = match event.kind {
                EventKind::GmailMessage => text("/mail/subject"),
                EventKind::CalendarEvent => text("/entry/title"),
                EventKind::SheetsRow => text("/cells/ID"),
                other => other.name().to_owned(),
            };
            *told.entry(format!("{} {name}", text("/change"))).or_default() += 1;
        }
    }
}

/// Returns how many runs are not finished.
async fn unfinished(db: &Db) -> usize {
    let read = db.read(|conn| {
        let tenant = nexora::store::tenant::list(conn, 1)?.remove(0);
        let mut filter = nexora::store::run::Filter::default();
        let mut open = 0;
        loop {
            let page = nexora::store::run::list(conn, &tenant.id, &filter, 500)?;
            let Some(last) = page.last() else { return Ok(open) };
            filter.before = Some(last.id.clone());
            open += page.iter().filter(|run| !run.state.is_finished()).count();
        }
    });
    read.await.unwrap()
}

async fn until(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + limit;
    while !is_so().await {
        assert!(Instant::now() < end, "{what}: not after {limit:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_told_once_and_every_effect_exists_once_whatever_is_killed() {
    let (length, kills) = measure();
    let mut office = Office::open().await;
    office.furnish().await;
    let mut daemon = set_up(&office);
    let db = open(&daemon).await;
    daemon.start();
    let baseline = async || {
        let cursors = db.read(|conn| {
            let tenant = nexora::store::tenant::list(conn, 1)?.remove(0);
            nexora::store::cursor::list(conn, &tenant.id, None, 10)
        });
        cursors.await.unwrap().iter().filter(|cursor| cursor.polled_at.is_some()).count() == 3
    };
    until("the first look", Duration::from_secs(30), baseline).await;

    let fault = |service: &str, fault: &str, more: Value| {
        let mut armed = json!({"service": service, "fault": fault, "times": 0, "probability": 0.02});
        armed.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        armed
    };
    let mut faults = Vec::new();
    for service in ["gmail", "calendar", "sheets"] {
        faults.push(fault(service, "status", json!({"status": 503})));
        faults.push(fault(
            service,
            "status",
            json!({"status": 429, "reason": "rateLimitExceeded", "retry_after": 1}),
        ));
        faults.push(fault(service, "drop", json!({"when": "before"})));
        faults.push(fault(service, "drop", json!({"when": "after"})));
        faults.push(fault(service, "truncate", json!({})));
        faults.push(fault(service, "expired_token", json!({})));
    }
    faults.push(fault("gmail", "status", json!({"call": "history.list", "status": 404})));
    faults.push(fault(
        "calendar",
        "status",
        json!({"call": "events.list", "status": 410, "reason": "fullSyncRequired"}),
    ));
    office.faults(json!(faults)).await;

    let begun = Instant::now();
    let mut killed = 0;
    while begun.elapsed() < length {
        office.change();
        if begun.elapsed() > length.mul_f64(f64::from(killed + 1) / f64::from(kills + 1)) && killed < kills {
            daemon.kill();
            daemon.start();
            killed += 1;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    office.faults(json!([])).await;
    for _ in 0..office.entries.len().min(30) {
        office.move_one(true).await;
    }
    let expected = office.expected.clone();
    let count = expected.values().sum::<usize>();
    until("all is told", Duration::from_secs(120), async || told(&db).await.values().sum::<usize>() >= count)
        .await;
    until("all is done", Duration::from_secs(180), async || unfinished(&db).await == 0).await;

    assert_eq!(told(&db).await, expected);
    let state = office.sandbox.state();
    let texts = |pointer: &str, field: &str| -> Vec<String> {
        let list = state.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut texts: Vec<String> =
            list.iter().filter_map(|item| item[field].as_str().map(str::to_owned)).collect();
        texts.sort();
        texts
    };
    let sent: Vec<String> = texts("/mailboxes/office@acme.example.com/messages", "subject");
    let answers: Vec<&String> = sent.iter().filter(|subject| subject.starts_with("Answer to ")).collect();
    let mails = expected.keys().filter_map(|name| name.strip_prefix("received "));
    let mut wanted: Vec<String> = mails.map(|subject| format!("Answer to {subject}")).collect();
    wanted.sort();
    assert_eq!(answers, wanted.iter().collect::<Vec<_>>(), "each answer exists once");
    assert_eq!(texts("/mailboxes/office@acme.example.com/drafts", "id"), [""; 0], "no draft is left over");

    let mut rows: Vec<String> = state["spreadsheets"]["log"]["sheets"][0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .skip(1)
        .map(|row| row[0].as_str().unwrap_or_default().to_owned())
        .collect();
    rows.sort();
    let mut wanted: Vec<String> = expected
        .keys()
        .filter(|name| !name.contains(" row "))
        .map(|name| name.replace("received ", "mail "))
        .collect();
    wanted.sort();
    assert_eq!(rows, wanted, "each row exists once");
    let log = state["spreadsheets"]["log"]["sheets"][0]["rows"].as_array().unwrap();
    let of_mails = || log.iter().filter(|row| row[0].as_str().unwrap_or_default().starts_with("mail "));
    assert!(of_mails().all(|row| row[1] == "yes"), "each row of a mail was changed");
    assert_eq!(state["spreadsheets"]["log"]["developer_metadata"], json!([]), "no mark is left over");

    let mails = state["mailboxes"][OFFICE]["messages"].as_array().unwrap();
    let told_of = |mail: &Value| {
        expected.contains_key(&format!("received {}", mail["subject"].as_str().unwrap_or_default()))
    };
    let is_filed = |mail: &Value| !mail["labelIds"].as_array().unwrap().contains(&json!("INBOX"));
    assert!(mails.iter().filter(|mail| told_of(mail)).all(is_filed), "each mail was filed");

    let made = texts("/calendars/jobs@acme.example.com/events", "summary");
    let mut wanted: Vec<String> = expected.keys().filter(|name| name.contains(" row ")).cloned().collect();
    wanted.sort();
    assert_eq!(made, wanted, "each entry exists once");
    assert_eq!(
        texts("/calendars/jobs@acme.example.com/events", "colorId").len(),
        made.len(),
        "each was changed"
    );
    println!(
        "{count} changes told once, {} effects made once, {killed} kills",
        rows.len() + of_mails().count() + 2 * answers.len() + 2 * made.len()
    );
}
