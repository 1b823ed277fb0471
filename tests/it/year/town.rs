//! The town: tenants as operators set them up, and what homeowners, owners and mail systems do.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use nexora::app::App;
use nexora::config::Config;
use nexora::config::google::Settings as GoogleSettings;
use nexora::ops::automation;
use nexora::ops::connection;
use nexora::ops::contact::link;
use nexora::ops::job;
use nexora::ops::job::{Move, NewJob};
use nexora::ops::tenant;
use nexora::pipeline::intake::{self, Offer};
use nexora_connector::smtp::{self, SmtpSettings, SmtpTls};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::model::TenantId;
use nexora_core::model::address::Zone;
use nexora_core::model::audit::Actor;
use nexora_core::model::change::JobPerson;
use nexora_core::model::connection::{Ability, WhenInDoubt};
use nexora_core::model::event::ScheduleEvent;
use nexora_core::model::hours::QuietHours;
use nexora_core::model::message::Message;
use nexora_core::model::request::EffectRequest;
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_google::kind::by_service_account;
use nexora_sandbox::{Sandbox, Settings};
use nexora_store::{self as store, Conn, Tx};
use serde_json::{Value, json};

use super::chance::Chance;
use super::ledger::{House, Ledger, Sent};
use crate::harness::{Backend, Database, new_tenant, registry};
use crate::sandbox::assertion;

const ZONES: [&str; 8] = [
    "America/Chicago",
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",
    "Europe/London",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/St_Johns",
];

/// Most run over midnight, one does not, and one tenant has none.
const QUIET: [&str; 5] = ["21:00-08:00", "20:00-09:30", "22:15-07:00", "00:00-06:30", "none"];

/// What somebody does.
#[derive(Clone, Debug)]
enum Act {
    /// A person asks for something; the number names the person.
    Enquire {
        person: u64,
        again: bool,
    },
    Reply {
        to: Box<Message>,
    },
    /// Somebody in the business writes by hand.
    Write {
        to: Box<Message>,
    },
    Bounce {
        of: Box<Message>,
    },
    Unsubscribe {
        token: String,
        person: String,
    },
    OpenReview {
        token: String,
    },
    Book {
        email: String,
    },
    Reschedule {
        entry: String,
    },
    CancelEntry {
        entry: String,
    },
    Complete {
        email: String,
    },
    Pause,
    Resume,
    Move {
        zone: &'static str,
    },
}

pub struct Town {
    pub app: Arc<App>,
    pub ledger: Ledger,
    sandbox: Sandbox,
    _database: Database,
    http: reqwest::Client,
    actor: Actor,
    tenants: Vec<Tenant>,
    chance: Chance,
    /// What is going to be done, by when and a number that keeps the order.
    acts: BTreeMap<(Timestamp, u64), (usize, Act)>,
    acts_made: u64,
    last_message: i64,
    last_digest: HashMap<TenantId, usize>,
    from: Timestamp,
    until: Timestamp,
}

impl Town {
    pub async fn build(seed: u64, count: u64, from: Timestamp, until: Timestamp) -> Town {
        let clock = Clock::hand_set(from);
        let loopback = "127.0.0.1:0".parse().unwrap();
        let settings = Settings { listen: loopback, smtp_listen: loopback, clock: clock.clone() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let google =
            GoogleSettings { gmail_units_per_user: 1_000_000, ..GoogleSettings::all_at(&sandbox.url()) };
        let mut config = Config { google, ..Config::default() };
        // Whoever does something in Google has it read soon; beyond that once a day is enough here.
        config.poll.mail_fast_s = 86_400;
        config.poll.mail_slow_s = 86_400;
        config.poll.calendar_fast_s = 86_400;
        config.poll.calendar_slow_s = 86_400;
        config.smtp.allow_private = true;
        let database = Database::fresh(Backend::Sqlite).await;
        let registry = registry(&config, clock.clone());
        let key = MasterKey::generate().unwrap();
        let app = App::assemble(config, database.open().await, clock, key, registry);
        let mut town = Town {
            app,
            ledger: Ledger::new(seed),
            sandbox,
            _database: database,
            http: reqwest::Client::new(),
            actor: Actor::Operator("tester".into()),
            tenants: Vec::new(),
            chance: Chance::new(seed),
            acts: BTreeMap::new(),
            acts_made: 0,
            last_message: 0,
            last_digest: HashMap::new(),
            from,
            until,
        };
        for number in 0..count {
            town.move_in(usize::try_from(number).unwrap()).await;
        }
        town
    }

    async fn move_in(&mut self, number: usize) {
        let zone = ZONES[number % ZONES.len()];
        let slug = format!("t{number}");
        let mut new = new_tenant(&slug);
        new.zone = Zone::parse(zone).unwrap();
        new.owner_email = format!("owner@{slug}.example.com").parse().unwrap();
        let made = tenant::create(&self.app, &self.actor, new).await.unwrap();
        let quiet = QUIET[number % QUIET.len()];
        let changes = [
            ("quiet_hours", quiet),
            ("postal_address", "12 Main St"),
            ("review_url", "https://reviews.example.com/here"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let made = tenant::set(&self.app, &self.actor, &made.slug, &changes).await.unwrap();
        let settings = SmtpSettings {
            host: "127.0.0.1".into(),
            port: self.sandbox.smtp_address().port(),
            from: format!("nexora@{slug}.example.com").parse().unwrap(),
            tls: SmtpTls::None,
            username: None,
            ca_pem: None,
            when_in_doubt: WhenInDoubt::Resend,
            password_in_clear: false,
        };
        let relay = smtp::connection(&settings, None).unwrap();
        connection::add(&self.app, &self.actor, &made, "smtp", relay).await.unwrap();
        let key = Secret::new(self.sandbox.service_account_json());
        let office = office(&made).parse().unwrap();
        let (app, actor) = (&self.app, &self.actor);
        let google = by_service_account(office, key, Ability::usual()).unwrap();
        connection::add(app, actor, &made, "google", google).await.unwrap();
        for name in
            ["lead-capture", "appointment-helper", "follow-up-sequence", "review-request", "daily-digest"]
        {
            automation::enable(app, actor, &made, name, &BTreeMap::new(), false).await.unwrap();
        }
        nexora::pipeline::settle(app).await.unwrap();
        let house = House {
            quiet: QuietHours::parse(quiet).unwrap(),
            zones: vec![(self.from, made.zone().unwrap().tz())],
            pauses: Vec::new(),
        };
        self.ledger.houses.insert(made.id.clone(), house);
        self.tenants.push(made);
        self.plan(number);
    }

    /// Draws what will happen to a tenant by itself.
    fn plan(&mut self, tenant: usize) {
        let days = self.until.since(self.from).as_secs() / 86_400;
        for day in 0..days {
            while self.chance.percent(28) {
                let person = self.chance.between(0, 4 + days);
                let after = Duration::from_secs(day * 86_400) + self.chance.minutes(0, 1_440);
                let again = self.chance.percent(10);
                self.at(self.from + after, tenant, Act::Enquire { person, again });
            }
        }
        if tenant == 1 {
            let pause = self.from + Duration::from_secs(days / 3 * 86_400) + self.chance.minutes(0, 1_440);
            self.at(pause, tenant, Act::Pause);
            self.at(pause + Duration::from_secs(7 * 86_400), tenant, Act::Resume);
        }
        if tenant == 2 {
            let when = self.from + Duration::from_secs(days / 2 * 86_400) + self.chance.minutes(0, 1_440);
            self.at(when, tenant, Act::Move { zone: "Pacific/Auckland" });
        }
    }

    fn at(&mut self, at: Timestamp, tenant: usize, act: Act) {
        self.acts_made += 1;
        if at < self.until {
            self.acts.insert((at, self.acts_made), (tenant, act));
        }
    }

    fn after(&mut self, (from, to): (u64, u64), tenant: usize, act: Act) {
        let at = self.app.clock.now() + self.chance.minutes(from, to);
        self.at(at, tenant, act);
    }

    pub fn next_act(&self) -> Option<Timestamp> {
        self.acts.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets everybody do what they do now.
    pub async fn happen(&mut self) {
        while self.next_act().is_some_and(|at| at <= self.app.clock.now()) {
            let (_, (tenant, act)) = self.acts.pop_first().unwrap();
            self.act(tenant, act).await;
        }
    }

    async fn act(&mut self, number: usize, act: Act) {
        let now = self.app.clock.now();
        let tenant = self.tenants[number].clone();
        match act {
            Act::Enquire { person, again } => self.enquire(number, &tenant, person, again).await,
            Act::Reply { to } => {
                let person = (tenant.id.clone(), to.recipient.clone());
                self.ledger.replies.entry(person).or_default().push(now);
                self.ledger.count("replies");
                self.deliver(&tenant, &to.recipient, &office(&tenant), &to, "Thank you", &["INBOX"]);
                self.read_soon(&tenant).await;
                if self.chance.percent(60) {
                    self.after((30, 600), number, Act::Write { to });
                }
            }
            Act::Write { to } => {
                self.deliver(&tenant, &office(&tenant), &to.recipient, &to, "We come on Monday", &["SENT"]);
                self.read_soon(&tenant).await;
            }
            Act::Bounce { of } => {
                self.ledger.bounced.entry((tenant.id.clone(), of.recipient.clone())).or_insert(now);
                self.ledger.count("bounces");
                let words = format!("Address not found: {}", of.recipient);
                let system = "mailer-daemon@googlemail.com";
                self.deliver(&tenant, system, &office(&tenant), &of, &words, &["INBOX"]);
                self.read_soon(&tenant).await;
            }
            Act::Unsubscribe { token, person } => {
                link::unsubscribe(&self.app, &token).await.unwrap();
                self.ledger.opted_out.entry((tenant.id.clone(), person)).or_insert(now);
                self.ledger.count("opt-outs");
            }
            Act::OpenReview { token } => {
                link::open_review(&self.app, &token).await.unwrap();
                self.ledger.count("links opened");
            }
            Act::Book { email } => self.book(number, &tenant, &email).await,
            Act::Reschedule { entry } => self.reschedule(&tenant, &entry).await,
            Act::CancelEntry { entry } => {
                self.entry("DELETE", &tenant, &entry, json!({})).await;
                self.ledger.entries.get_mut(&(tenant.id.clone(), entry)).unwrap().push((now, None));
                self.ledger.count("cancellations");
                self.read_soon(&tenant).await;
            }
            Act::Complete { email } => self.complete(&tenant, &email).await,
            Act::Pause => {
                tenant::suspend(&self.app, &self.actor, &tenant.slug).await.unwrap();
                self.ledger.houses.get_mut(&tenant.id).unwrap().pauses.push((now, self.until));
            }
            Act::Resume => {
                tenant::resume(&self.app, &self.actor, &tenant.slug).await.unwrap();
                self.ledger.houses.get_mut(&tenant.id).unwrap().pauses.last_mut().unwrap().1 = now;
            }
            Act::Move { zone } => {
                let change = ("timezone".to_owned(), zone.to_owned());
                tenant::set(&self.app, &self.actor, &tenant.slug, &[change]).await.unwrap();
                let house = self.ledger.houses.get_mut(&tenant.id).unwrap();
                house.zones.push((now, zone.parse().unwrap()));
            }
        }
    }

    async fn enquire(&mut self, number: usize, tenant: &Tenant, person: u64, again: bool) {
        let email = format!("p{person}@homes{number}.example.com");
        let enquiry = Enquiry {
            name: format!("Person {person}"),
            email: email.clone(),
            message: "The tap drips.".into(),
            source: "form".into(),
            ..Enquiry::default()
        };
        let key = format!("{number}-{}", self.acts_made);
        let times = if again { 2 } else { 1 };
        for _ in 0..times {
            // A form that is sent twice is one lead.
            let offer = Offer { key: Some(intake::Key::Sender(key.clone())), ..Offer::of(enquiry.clone()) };
            intake::accept(&self.app, tenant, offer).await.unwrap();
            self.acts_made += 1;
        }
        self.ledger.count("leads");
        if self.chance.percent(35) {
            self.after((30, 7_200), number, Act::Book { email });
        }
    }

    async fn book(&mut self, number: usize, tenant: &Tenant, email: &str) {
        let now = self.app.clock.now();
        let zone = self.ledger.houses[&tenant.id].zone_at(now);
        let ahead = self.chance.between(1, 20);
        let day = (now + Duration::from_secs(ahead * 86_400)).utc().with_timezone(&zone).date_naive();
        let all_day = self.chance.percent(10);
        let (when, starts_at) = if all_day {
            let next = day.succ_opt().unwrap();
            let starts_at = nexora_engine::calendar::hours::midnight(&day.to_string(), zone).unwrap();
            (json!({ "start": { "date": day }, "end": { "date": next } }), starts_at)
        } else {
            let time = chrono::NaiveTime::from_hms_opt(
                8 + u32::try_from(self.chance.between(0, 10)).unwrap(),
                30,
                0,
            );
            let starts_at = nexora_engine::calendar::hours::at_wall_time(day, time.unwrap(), zone);
            (span(starts_at), starts_at)
        };
        let mut event = when;
        event["summary"] = json!("Visit");
        event["attendees"] = json!([{ "email": email }]);
        let made = self.sandbox.seed(json!({ "events": [{ "calendar": office(tenant), "event": event }] }));
        made.unwrap();
        let entry = self.latest_entry(tenant).await;
        self.ledger.entries.insert((tenant.id.clone(), entry.clone()), vec![(now, Some(starts_at))]);
        self.ledger.count("bookings");
        self.read_soon(tenant).await;
        let left = starts_at.since(now).as_secs() / 60;
        match self.chance.between(0, 10) {
            0 | 1 if !all_day && left > 60 => self.after((10, left - 30), number, Act::Reschedule { entry }),
            2 if left > 60 => self.after((10, left - 30), number, Act::CancelEntry { entry }),
            3..=6 => {
                let done = starts_at + self.chance.minutes(60, 300);
                self.at(done, number, Act::Complete { email: email.to_owned() });
            }
            _ => {}
        }
    }

    async fn reschedule(&mut self, tenant: &Tenant, entry: &str) {
        let now = self.app.clock.now();
        let starts_at = now + self.chance.minutes(300, 12_000);
        let starts_at = Timestamp::from_millis(starts_at.millis() / 60_000 * 60_000);
        self.entry("PATCH", tenant, entry, span(starts_at)).await;
        let key = (tenant.id.clone(), entry.to_owned());
        self.ledger.entries.get_mut(&key).unwrap().push((now, Some(starts_at)));
        self.ledger.count("reschedules");
        self.read_soon(tenant).await;
    }

    async fn complete(&mut self, tenant: &Tenant, email: &str) {
        let person = JobPerson { email: Some(email.parse().unwrap()), ..JobPerson::default() };
        let new = NewJob {
            title: "Tap".into(),
            person,
            address: None,
            zone: None,
            amount_cents: Some(9_500),
            scheduled_at: None,
        };
        let made = job::add(&self.app, &self.actor, tenant, new).await.unwrap();
        let done = Move::Complete { amount_cents: None };
        job::advance(&self.app, &self.actor, tenant, &made.id, done).await.unwrap();
        self.ledger.count("jobs");
    }

    /// Puts a mail into the office's mailbox, as an answer to a message or about it.
    fn deliver(&self, tenant: &Tenant, from: &str, to: &str, about: &Message, words: &str, labels: &[&str]) {
        let (thread, id) = (about.rfc_id.as_deref().unwrap_or_default(), self.acts_made);
        let subject = if from.starts_with("mailer-daemon") {
            "Delivery Status Notification (Failure)".to_owned()
        } else {
            format!("Re: {}", about.subject)
        };
        let raw = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{id}-{}@town.invalid>\r\n\
             In-Reply-To: <{thread}>\r\nReferences: <{thread}>\r\n\r\n{words}\r\n",
            self.app.clock.now().millis()
        );
        let delivery = json!({ "mailbox": office(tenant), "raw": raw, "labels": labels });
        self.sandbox.seed(json!({ "deliveries": [delivery] })).unwrap();
    }

    /// Has mailbox and calendar read within five minutes, as they would be.
    async fn read_soon(&mut self, tenant: &Tenant) {
        let at = self.app.clock.now() + Duration::from_secs(self.chance.between(1, 300));
        let id = tenant.id.clone();
        let hasten = move |conn: &mut Conn| {
            for cursor in store::cursor::list(&mut conn.of(&id), None, 10)? {
                if cursor.due_at.is_some_and(|due_at| due_at > at) {
                    store::cursor::poll_now(&mut conn.of(&id), &cursor.id, at)?;
                }
            }
            Ok(())
        };
        self.app.db.write(hasten).await.unwrap();
    }

    async fn entry(&self, method: &str, tenant: &Tenant, id: &str, body: Value) -> Value {
        let path = if id.is_empty() { String::new() } else { format!("/{id}") };
        let url = format!("{}/calendar/v3/calendars/primary/events{path}", self.sandbox.url());
        let token = self.sign_in(tenant).await;
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {id}: {}", answer.text().await.unwrap());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    /// The sandbox has just made an entry; this is its id.
    async fn latest_entry(&self, tenant: &Tenant) -> String {
        let now = self.app.clock.now();
        let since = now - Duration::from_secs(1);
        let url = format!("{}/calendar/v3/calendars/primary/events?updatedMin={since}", self.sandbox.url());
        let token = self.sign_in(tenant).await;
        let request = self.http.get(url).bearer_auth(token);
        let list: Value = request.send().await.unwrap().json().await.unwrap();
        let items = list["items"].as_array().unwrap();
        let known = |id: &str| self.ledger.entries.contains_key(&(tenant.id.clone(), id.to_owned()));
        let fresh =
            items.iter().filter(|item| item["summary"] == "Visit" && !known(item["id"].as_str().unwrap()));
        { fresh }.next_back().unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn sign_in(&self, tenant: &Tenant) -> String {
        let key: Value = serde_json::from_str(&self.sandbox.service_account_json()).unwrap();
        let now = self.app.clock.now().millis() / 1_000;
        let claims = json!({
            "iss": key["client_email"], "sub": office(tenant), "iat": now, "exp": now + 3_600,
            "aud": self.sandbox.url() + "/token", "scope": "https://www.googleapis.com/auth/calendar",
        });
        let signed = assertion(&key, &claims);
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &signed)];
        let answer = self.http.post(self.sandbox.url() + "/token").form(&form).send().await.unwrap();
        let granted: Value = answer.json().await.unwrap();
        granted["access_token"].as_str().unwrap().to_owned()
    }

    /// Looks at what was sent since the last look, and lets people react to it.
    pub async fn look(&mut self) {
        let last = self.last_message;
        let (rows, last) = self.app.db.read(move |conn| sent_after(conn, last)).await.unwrap();
        self.last_message = last;
        for (message, effect, run, verdicts, name) in rows {
            let sent = Sent {
                automation: &name,
                message: &message,
                effect: &effect,
                run: &run,
                verdicts: &verdicts,
            };
            self.ledger.check(&sent);
            let request: EffectRequest = effect.request.read().unwrap();
            let Some(sent) = request.message() else { continue };
            let number = self.tenants.iter().position(|tenant| tenant.id == message.tenant_id).unwrap();
            self.react(number, message, sent.content.text());
        }
    }

    fn react(&mut self, number: usize, message: Message, text: &str) {
        let token = |marker: &str| {
            text.split_whitespace()
                .find_map(|word| word.split_once(marker))
                .map(|(_, token)| token.to_owned())
        };
        let to = Box::new(message);
        match self.chance.between(0, 100) {
            0..25 => self.after((20, 6_000), number, Act::Reply { to }),
            25..28 => self.after((1, 3), number, Act::Bounce { of: to }),
            28..34 => {
                if let Some(token) = token("/u/") {
                    let person = to.recipient.clone();
                    self.after((5, 3_000), number, Act::Unsubscribe { token, person });
                }
            }
            34..54 => {
                if let Some(token) = token("/r/") {
                    self.after((5, 5_000), number, Act::OpenReview { token });
                }
            }
            _ => {}
        }
    }

    pub async fn count_digests(&mut self) {
        for tenant in self.tenants.clone() {
            let seen = self.last_digest.get(&tenant.id).copied().unwrap_or_default();
            let id = tenant.id.clone();
            let days = self.app.db.read(move |conn| digest_days(&mut conn.of(&id))).await.unwrap();
            for day in days.iter().skip(seen) {
                self.ledger.digest(&tenant.id, day.clone());
            }
            self.last_digest.insert(tenant.id, days.len());
        }
    }

    /// Checks what must hold in the end.
    pub async fn close(&mut self, until: Timestamp) {
        self.ledger.close(self.from, until);
        let seed = self.ledger.seed;
        let sent = self.sandbox.state();
        let mut told: HashMap<String, u32> = HashMap::new();
        for (_, mailbox) in sent["mailboxes"].as_object().unwrap() {
            for mail in mailbox["messages"].as_array().unwrap() {
                let header = mail["raw"].as_str().unwrap().split("X-Nexora-Effect: ").nth(1);
                if let Some(effect) = header.and_then(|rest| rest.split_whitespace().next()) {
                    *told.entry(effect.to_owned()).or_default() += 1;
                }
            }
        }
        let letters = usize::try_from(self.last_message).unwrap();
        assert!(!told.is_empty() && told.len() <= letters, "seed {seed}: {} of {letters}", told.len());
        assert!(told.values().all(|count| *count == 1), "seed {seed}: something was sent twice: {told:?}");
        for tenant in self.tenants.clone() {
            let counts =
                self.app.db.read(move |conn| store::balance::counts(&mut conn.of(&tenant.id))).await.unwrap();
            for count in counts.iter().filter(|count| count.noun == "effect") {
                assert!(!["dead", "in_doubt"].contains(&count.state.as_str()), "seed {seed}: {counts:?}");
            }
            let failed = counts.iter().any(|count| count.noun == "run" && count.state == "failed");
            assert!(!failed, "seed {seed}: {counts:?}");
        }
        for what in ["leads", "replies", "bookings"] {
            assert!(self.ledger.total(what) > 0, "seed {seed}: no {what}, so nothing was checked");
        }
    }
}

fn office(tenant: &Tenant) -> String {
    format!("office@{}.example.com", tenant.slug)
}

fn span(starts_at: Timestamp) -> Value {
    json!({
        "start": { "dateTime": starts_at },
        "end": { "dateTime": starts_at + Duration::from_secs(3_600) },
    })
}

type Row = (
    Message,
    nexora_core::model::effect::Effect,
    nexora_core::model::run::Run,
    Vec<nexora_core::model::verdict::GateDecisionRow>,
    String,
);

#[derive(diesel::QueryableByName)]
struct Key {
    #[diesel(sql_type = diesel::sql_types::Text)]
    tenant_id: TenantId,
    #[diesel(sql_type = diesel::sql_types::Text)]
    id: nexora_core::model::MessageId,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

/// Returns the messages that Nexora has written after another, and the number of the last.
fn sent_after(conn: &mut Conn, last: i64) -> nexora_core::base::Result<(Vec<Row>, i64)> {
    let Conn::Sqlite(sqlite) = &mut *conn else { panic!("the town lives on SQLite") };
    let query = diesel::sql_query(
        "SELECT tenant_id, id, rowid AS number FROM messages WHERE author = 'nexora' AND rowid > ? ORDER BY rowid",
    );
    let keys: Vec<Key> =
        diesel::RunQueryDsl::load(query.bind::<diesel::sql_types::BigInt, _>(last), sqlite).unwrap();
    let last = keys.last().map_or(last, |key| key.number);
    let mut rows = Vec::new();
    for key in keys {
        let message = store::message::find(&mut conn.of(&key.tenant_id), &key.id)?.unwrap();
        let effect_id = nexora_core::model::EffectId::parse(message.effect_id.as_deref().unwrap())?;
        let effect = store::effect::find(&mut conn.of(&key.tenant_id), &effect_id)?.unwrap();
        let run = store::run::find(&mut conn.of(&key.tenant_id), &effect.run_id)?.unwrap();
        let verdicts = store::verdict::of_effect(&mut conn.of(&key.tenant_id), &effect_id)?;
        let name = store::automation::find(&mut conn.of(&key.tenant_id), &run.automation_id)?.unwrap().name;
        rows.push((message, effect, run, verdicts, name));
    }
    Ok((rows, last))
}

/// Returns the days of which a tenant's owner got a digest, in order.
fn digest_days(tx: &mut Tx) -> nexora_core::base::Result<Vec<String>> {
    let Some(found) = store::automation::find_by_name(tx, "daily-digest")? else {
        return Ok(Vec::new());
    };
    let filter = store::run::Filter {
        automation: Some(found.id),
        state: Some(nexora_core::model::run::RunState::Succeeded),
        ..store::run::Filter::default()
    };
    let mut days = Vec::new();
    for run in store::run::list(tx, &filter, 500)?.into_iter().rev() {
        let event = store::event::find(tx, &run.event_id)?.unwrap();
        days.push(event.payload.read::<ScheduleEvent>()?.day);
    }
    Ok(days)
}
