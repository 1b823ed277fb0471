//! What goes on in the office: mails come in, entries are made and moved, rows change.

use std::collections::BTreeMap;

use nexora_core::base::clock::Clock;
use nexora_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::sandbox::assertion;

pub const OFFICE: &str = "office@acme.example.com";
const EVENTS: &str = "/calendar/v3/calendars/primary/events";

const MAILS: usize = 200;
const ENTRIES: usize = 80;
const SERIES: usize = 20;
const ROWS: usize = 1_000;

/// Somebody who writes mails, moves entries and edits the sheet, and keeps account of it.
pub struct Office {
    pub sandbox: Sandbox,
    http: reqwest::Client,
    token: String,
    rows: Vec<(usize, usize)>,
    /// What is to be told: kind and name, as `told` shows them.
    pub expected: BTreeMap<String, usize>,
    pub counter: usize,
    pub entries: Vec<String>,
}

impl Office {
    pub async fn open() -> Office {
        let any = "127.0.0.1:0".parse().unwrap();
        let settings = Settings { listen: any, smtp_listen: any, clock: Clock::System };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let rows = (0..ROWS).map(|id| (id, 0)).collect();
        let (expected, entries) = (BTreeMap::new(), Vec::new());
        let (http, token) = (reqwest::Client::new(), String::new());
        let mut office = Office { sandbox, http, token, rows, expected, counter: 0, entries };
        office.sign_in().await;
        office
    }

    async fn sign_in(&mut self) {
        let key: Value = serde_json::from_str(&self.sandbox.service_account_json()).unwrap();
        let now = Clock::System.now().millis() / 1_000;
        let claims = json!({
            "iss": key["client_email"], "sub": OFFICE, "iat": now, "exp": now + 3_600,
            "aud": self.sandbox.url() + "/token", "scope": "https://www.googleapis.com/auth/calendar",
        });
        let signed = assertion(&key, &claims);
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &signed)];
        let answer = self.http.post(self.sandbox.url() + "/token").form(&form).send().await.unwrap();
        let granted: Value = answer.json().await.unwrap();
        granted["access_token"].as_str().unwrap().clone_into(&mut self.token);
    }

    pub async fn furnish(&mut self) {
        let mail = |number| json!({"mailbox": OFFICE, "from": "a@example.com", "subject": format!("old {number}"), "text": "x"});
        let mails: Vec<Value> = (0..MAILS).map(mail).collect();
        self.sandbox.seed(json!({ "mails": mails })).unwrap();
        for number in 0..ENTRIES + SERIES {
            let recurrence = if number < ENTRIES { json!([]) } else { json!(["RRULE:FREQ=WEEKLY;COUNT=30"]) };
            let id = format!("old{number:05}");
            let entry = entry(&id, &format!("old {number}"), number, recurrence);
            assert!(self.call("POST", EVENTS, entry).await);
            if number >= ENTRIES {
                let excepted = format!("{EVENTS}/{}", instance(&id, number, 2));
                let cancelled = self.call("DELETE", &excepted, json!(null)).await;
                let moved = format!("{EVENTS}/{}", instance(&id, number, 4));
                let noted = self.call("PATCH", &moved, json!({ "location": "elsewhere" })).await;
                assert!(cancelled && noted);
            }
            self.entries.push(id);
        }
        let calendars = json!([{"calendar": "jobs@acme.example.com", "time_zone": "UTC"}]);
        let log = json!([{"id": "log", "sheets": [{"title": "Log"}]}]);
        self.sandbox.seed(json!({"calendars": calendars, "spreadsheets": log})).unwrap();
        self.write_sheet();
    }

    /// Makes a call; faults meet everybody. What is gone already is gone.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> bool {
        let url = self.sandbox.url() + path;
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token).json(&body);
        request.send().await.is_ok_and(|answer| answer.status().is_success() || answer.status() == 410)
    }

    pub fn write_sheet(&self) {
        let rows = self.rows.iter().map(|(id, state)| json!([format!("row {id}"), format!("state {state}")]));
        let rows: Vec<Value> = std::iter::once(json!(["ID", "State"])).chain(rows).collect();
        let sheet = json!({"id": "jobs", "sheets": [{"title": "Jobs", "rows": rows}]});
        self.sandbox.seed(json!({ "spreadsheets": [sheet] })).unwrap();
    }

    pub fn expect(&mut self, name: String) {
        *self.expected.entry(name).or_default() += 1;
    }

    /// Makes one change. Nothing is changed twice: two changes between two polls would be one.
    pub fn change(&mut self) {
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

    /// Changes, moves or cancels one of the entries that were there, each once: of a series, one
    /// instance. Asking twice for the same is one change.
    pub async fn move_one(&mut self) {
        let Some(id) = self.entries.pop() else { return };
        let number: usize = id.trim_start_matches("old").parse().unwrap();
        let change = if number.is_multiple_of(3) { "cancelled" } else { "updated" };
        let path = match number < ENTRIES {
            true => format!("{EVENTS}/{id}"),
            false => format!("{EVENTS}/{}", instance(&id, number, 9)),
        };
        let (start, end) = ("2027-08-01T09:00:00Z", "2027-08-01T10:00:00Z");
        let moved = json!({ "start": { "dateTime": start }, "end": { "dateTime": end } });
        let mut tries = 0;
        while !match change {
            "cancelled" => self.call("DELETE", &path, json!(null)).await,
            _ => self.call("PATCH", &path, moved.clone()).await,
        } {
            tries += 1;
            assert!(tries < 100, "{change} {path} cannot be done");
            // A fault may have ended the token.
            self.sign_in().await;
        }
        self.expect(format!("{change} old {number}"));
    }

    pub async fn faults(&self, faults: Value) {
        let body = json!({"clear": true, "faults": faults});
        self.http.post(self.sandbox.url() + "/_sandbox/faults").json(&body).send().await.unwrap();
    }
}

/// Returns the id of an instance of a weekly series that `entry` made.
fn instance(series: &str, hour: usize, week: i64) -> String {
    let first = format!("2027-03-{:02}T{:02}:00:00Z", 1 + hour / 24 % 28, hour % 24);
    let first: chrono::DateTime<chrono::Utc> = first.parse().unwrap();
    format!("{series}_{}", (first + chrono::TimeDelta::weeks(week)).format("%Y%m%dT%H%M%SZ"))
}

fn entry(id: &str, title: &str, hour: usize, recurrence: Value) -> Value {
    let start = format!("2027-03-{:02}T{:02}:00:00Z", 1 + hour / 24 % 28, hour % 24);
    let end = format!("2027-03-{:02}T{:02}:30:00Z", 1 + hour / 24 % 28, hour % 24);
    json!({"id": id, "summary": title, "recurrence": recurrence,
           "start": {"dateTime": start, "timeZone": "UTC"}, "end": {"dateTime": end, "timeZone": "UTC"}})
}
