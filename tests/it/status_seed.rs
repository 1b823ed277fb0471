//! A tenant with four busy weeks behind it and a week ahead, written through the store: for tests of the
//! status page and for pictures of it.

use std::time::Duration;

use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::appointment::{Appointment, AppointmentState};
use nexora_core::model::automation::Automation;
use nexora_core::model::connection::Connection;
use nexora_core::model::contact::Contact;
use nexora_core::model::effect::{Effect, EffectKind, EffectState};
use nexora_core::model::event::{Event, EventKind, EventState};
use nexora_core::model::job::{Job, JobState};
use nexora_core::model::lead::{Lead, LeadState};
use nexora_core::model::message::{Author, Message, MessageClass};
use nexora_core::model::outbound::{Audience, Content, Envelope, MailContent, OutboundMessage};
use nexora_core::model::request::{AppendRow, CreateEvent, EffectRequest};
use nexora_core::model::run::{Run, RunState};
use nexora_core::model::task::{Task, TaskState};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::verdict::{Decision, Gate, GateDecisionRow};
use nexora_core::model::{
    AppointmentId, ContactId, EffectId, EventId, JobId, LeadId, MessageId, RunId, TaskId,
};
use nexora_store::{
    Conn, appointment, automation, connection, contact, cursor, effect, event, job, lead, message, run, task,
    verdict,
};

use crate::harness::Nexora;

pub const NAMES: [&str; 12] = [
    "Jo Miller",
    "Maria Garcia",
    "Sam O'Neill",
    "Priya Raman",
    "Tom Becker",
    "Aisha Khan",
    "Lena Schmidt",
    "Carlos Ruiz",
    "Emma Thompson",
    "Noah Williams",
    "Grace Lee",
    "Walter Bennett-Featherstone",
];
const SERVICES: [&str; 6] =
    ["Boiler repair", "AC tune-up", "Bathroom refit", "Leaking tap", "New water heater", "Drain cleaning"];
const SOURCES: [&str; 8] =
    ["form", "form", "google_local_services", "form", "yelp", "angi", "form", "google_local_services"];

const DAY: u64 = 86_400;

/// Writes rows of one tenant, in the order in which they would have come.
pub struct Seed<'a> {
    conn: &'a mut Conn,
    tenant: Tenant,
    automation: Automation,
    connection: Connection,
    number: usize,
}

/// What came of a message that is seeded.
pub enum Came {
    Out(EffectState, Option<&'static str>),
    Held(Gate, Duration),
    Dropped(Gate),
}

impl Nexora {
    /// Runs `work` in one write, with what a seed needs.
    pub async fn seed<F>(&self, tenant: &Tenant, work: F)
    where
        F: FnOnce(&mut Seed<'_>, Timestamp) + Send + 'static,
    {
        let (tenant, now) = (tenant.clone(), self.app.clock.now());
        let write = move |conn: &mut Conn| {
            let automation = automation::find_by_name(&mut conn.of(&tenant.id), "lead-capture")?.unwrap();
            let connection = connection::list(&mut conn.of(&tenant.id), 10)?.remove(0);
            work(&mut Seed { conn, tenant, automation, connection, number: 0 }, now);
            Ok(())
        };
        self.app.db.write(write).await.unwrap();
    }

    /// Fills the tenant with four weeks of leads and a week of appointments.
    pub async fn seed_four_weeks(&self, per_day: u64) {
        self.seed(&self.tenant, move |seed, now| seed.four_weeks(now, per_day)).await;
    }
}

impl Seed<'_> {
    fn four_weeks(&mut self, now: Timestamp, per_day: u64) {
        for day in (0..28_u64).rev() {
            let of_day = (per_day + (day * 7) % 4).saturating_sub(2 * u64::from(day % 7 == 6)).max(1);
            for index in (0..of_day).rev() {
                let back = day * DAY + index * (40_000 / of_day) + 600;
                let at = now - Duration::from_secs(back);
                self.usual_lead(at, now);
            }
        }
        self.pending(now);
        self.ahead(now);
        for cursor in cursor::list(&mut self.conn.of(&self.tenant.id), None, 100).unwrap() {
            let epoch = cursor.epoch;
            let read = nexora_core::model::cursor::Cursor { polled_at: Some(now), ..cursor };
            let _ = cursor::save(self.conn, &read, epoch).unwrap();
        }
    }

    /// A lead that was answered, told, recorded; now and then a reply came.
    fn usual_lead(&mut self, at: Timestamp, now: Timestamp) {
        let number = self.number;
        self.number += 1;
        let name = NAMES[(number * 5) % NAMES.len()];
        let lead = self.lead(name, at, |lead| {
            let automatic = at + Duration::from_secs(6 + (number as u64 * 13) % 9);
            let person = at + Duration::from_secs(240 + (number as u64 * 977) % 9_000);
            lead.source = SOURCES[number % SOURCES.len()].into();
            lead.service = Some(SERVICES[number % SERVICES.len()].into());
            lead.answered_at = Some(if number % 17 == 3 { at + Duration::from_secs(130) } else { automatic });
            lead.responded_at = (!number.is_multiple_of(5) && person < now).then_some(person);
            lead.state = match number % 9 {
                0 | 4 => LeadState::Booked,
                1 | 2 => LeadState::Contacted,
                3 => LeadState::Won,
                7 if number % 2 == 1 => LeadState::Spam,
                _ => LeadState::New,
            };
            lead.is_test = number % 61 == 60;
        });
        let run = self.run(&lead, at, RunState::Succeeded, None, None);
        let answer =
            self.mail(&run, name, "We have your request", at, Came::Out(EffectState::Delivered, None));
        self.mail(&run, "", &format!("New lead: {name}"), at, Came::Out(EffectState::Delivered, None));
        self.other(&run, EffectKind::AppendRow, at);
        if number.is_multiple_of(3) {
            self.other(&run, EffectKind::CreateEvent, at);
        }
        if number.is_multiple_of(4) {
            self.reply(&lead, at + Duration::from_secs(3_000), answer);
        }
        if number % 23 == 5 {
            self.mail(&run, name, "How did it go?", at, Came::Dropped(Gate::Cap));
        }
    }

    /// What waits, what failed, what is being checked.
    fn pending(&mut self, now: Timestamp) {
        let ago = |seconds| now - Duration::from_secs(seconds);
        let lead = self.lead("Ruth Alvarez", ago(540), |lead| lead.answered_at = Some(ago(533)));
        let later = Some(now + Duration::from_secs(2 * DAY));
        let waiting = self.run(&lead, ago(540), RunState::Waiting, later, None);
        let held = Came::Held(Gate::QuietHours, Duration::from_secs(38_000));
        self.mail(&waiting, "Ruth Alvarez", "Still looking for help with your boiler?", ago(400), held);
        let held = Came::Held(Gate::Reply, Duration::from_secs(80_000));
        self.mail(&waiting, "Priya Raman", "Your quote for the bathroom", ago(390), held);
        let retry = Came::Out(EffectState::Retrying, Some("421 try again later"));
        self.mail(&waiting, "Tom Becker", "Your appointment tomorrow at 9:00 AM", ago(300), retry);
        let failed = "step `alert` failed: 550 no such mailbox: sales@acme.example.com";
        let run = self.run(&lead, ago(7_000), RunState::Failed, None, Some(failed));
        let dead = Came::Out(EffectState::Dead, Some("550 no such mailbox: sales@acme.example.com"));
        self.mail(&run, "", "New lead: Ruth Alvarez", ago(7_000), dead);
    }

    /// Appointments, tasks and jobs to come.
    fn ahead(&mut self, now: Timestamp) {
        let visits = [
            (2, "Boiler repair", "1204 Elm Street", 0),
            (5, "AC tune-up", "88 Lakeside Drive, Unit 4", 3),
            (24, "Quote: bathroom refit", "17 Orchard Lane", 4),
            (28, "New water heater", "1204 Elm Street", 6),
            (54, "Drain cleaning", "9 Mill Road", 7),
        ];
        for (hours, title, location, who) in visits {
            let contact = self.contact(NAMES[who], now);
            self.visit(title, location, Some(contact), now + Duration::from_secs(hours * 3_600));
        }
        let tasks = [
            ("Call Ruth Alvarez, (512) 555-0187: no answer to our mails", Some(3_600_i64)),
            ("Send the quote for the bathroom", Some(-90_000)),
            ("Order parts for the Garcia boiler", None),
        ];
        for (title, due_s) in tasks {
            let due_at = due_s.map(|seconds| Timestamp::from_millis(now.millis() + seconds * 1_000));
            self.task(title, due_at, now);
        }
        for (index, (title, stage)) in [
            ("Boiler replacement", "parts ordered"),
            ("Bathroom refit", "quote sent"),
            ("AC install", "booked"),
        ]
        .into_iter()
        .enumerate()
        {
            let at = (index != 1).then(|| now + Duration::from_secs((index as u64 + 1) * DAY));
            self.job(title, stage, at, now);
        }
    }

    pub fn contact(&mut self, name: &str, at: Timestamp) -> ContactId {
        let contact = Contact::named(&self.tenant.id, name, at);
        contact::insert(self.conn, &contact).unwrap();
        contact.id
    }

    pub fn lead(&mut self, name: &str, at: Timestamp, change: impl FnOnce(&mut Lead)) -> Lead {
        let contact_id = self.contact(name, at);
        let mut lead = Lead {
            tenant_id: self.tenant.id.clone(),
            id: LeadId::new(at),
            name: name.to_owned(),
            email: Some(address(name)),
            phone: Some("+15125550142".parse().unwrap()),
            service: None,
            message: Some("No hot water since Monday, and the boiler makes a noise.".into()),
            address: None,
            postcode: None,
            preferred_time: None,
            source: "form".into(),
            attribution: Json::empty_object(),
            is_test: false,
            state: LeadState::New,
            received_at: at,
            answered_at: None,
            contact_id: Some(contact_id),
            reply_to: None,
            original: None,
            responded_at: None,
            details: Json::empty_object(),
            cost_cents: None,
            score: 0,
            reasons: Json::of(&Vec::<String>::new()).unwrap(),
            body_hash: None,
            consents: Json::of(&Vec::<String>::new()).unwrap(),
            masked_phone: false,
        };
        change(&mut lead);
        lead::insert(self.conn, &lead).unwrap();
        lead
    }

    pub fn run(
        &mut self,
        lead: &Lead,
        at: Timestamp,
        state: RunState,
        due_at: Option<Timestamp>,
        reason: Option<&str>,
    ) -> Run {
        let id = EventId::new(at);
        let fact = Event {
            tenant_id: self.tenant.id.clone(),
            dedupe_key: id.to_string(),
            id,
            kind: EventKind::LeadReceived,
            payload: Json::empty_object(),
            state: EventState::Dispatched,
            reason: None,
            received_at: at,
            due_at: None,
            attempt: 0,
            contact_id: lead.contact_id.clone(),
        };
        event::insert(self.conn, &fact).unwrap();
        let run = Run {
            tenant_id: self.tenant.id.clone(),
            id: RunId::new(at),
            automation_id: self.automation.id.clone(),
            version: self.automation.live_version,
            event_id: fact.id,
            subject_id: lead.id.to_string(),
            state,
            position: 0,
            reason: reason.map(str::to_owned),
            due_at,
            epoch: 0,
            attempt: 0,
            started_at: at,
            finished_at: state.is_finished().then_some(at),
            contact_id: lead.contact_id.clone(),
        };
        run::insert(self.conn, &run).unwrap();
        run
    }

    /// A mail to the contact of the run; to the owner where nobody is named.
    pub fn mail(&mut self, run: &Run, to: &str, subject: &str, at: Timestamp, came: Came) -> EffectId {
        let envelope = (!to.is_empty()).then(|| Envelope {
            class: MessageClass::Transactional,
            contact_id: Some(self.contact(to, at)),
            at_once_until: None,
            expires_at: None,
            intent: None,
        });
        let mail = MailContent {
            to: if to.is_empty() { self.tenant.owner_email.clone() } else { address(to) },
            from_name: "Acme Plumbing".into(),
            reply_to: None,
            subject: subject.to_owned(),
            text: "Thank you. We will get back to you today.\n".repeat(12),
            html: Some("<p>Thank you. We will get back to you today.</p>\n".repeat(40)),
            thread: None,
            attachments: Vec::new(),
            unsubscribe_url: None,
        };
        let audience = envelope.map_or(Audience::Business, Audience::Customer);
        let request = EffectRequest::Send(OutboundMessage { content: Content::Mail(mail), audience });
        let (state, reason, due_at) = match &came {
            Came::Out(EffectState::Retrying, reason) => {
                (EffectState::Retrying, *reason, Some(at + Duration::from_secs(900)))
            }
            Came::Out(state, reason) => (*state, *reason, None),
            Came::Held(_, wait) => (EffectState::Pending, None, Some(at + *wait)),
            Came::Dropped(_) => (EffectState::Discarded, None, None),
        };
        let effect = self.effect(run, EffectKind::SendMail, &request, at, (state, reason, due_at));
        let decided = match came {
            Came::Out(..) => return effect,
            Came::Held(gate, wait) => (gate, Decision::Hold, Some(at + wait)),
            Came::Dropped(gate) => (gate, Decision::Drop, None),
        };
        let (gate, decision, until) = decided;
        let verdict = GateDecisionRow {
            tenant_id: self.tenant.id.clone(),
            effect_id: effect.clone(),
            number: 0,
            gate,
            decision,
            reason: "as it says".into(),
            at,
            until,
        };
        verdict::insert(self.conn, &verdict).unwrap();
        effect
    }

    fn other(&mut self, run: &Run, kind: EffectKind, at: Timestamp) {
        let request = match kind {
            EffectKind::CreateEvent => EffectRequest::CreateEvent(CreateEvent {
                calendar: "primary".into(),
                title: "Call back".into(),
                description: String::new(),
                location: None,
                start: at,
                end: at + Duration::from_secs(900),
                timezone: "America/Chicago".into(),
                attendees: Vec::new(),
                notify: false,
                slot: None,
            }),
            _ => EffectRequest::AppendRow(AppendRow {
                spreadsheet: "leads".into(),
                sheet: "Leads".into(),
                cells: Vec::new(),
            }),
        };
        self.effect(run, kind, &request, at, (EffectState::Delivered, None, None));
    }

    fn effect(
        &mut self,
        run: &Run,
        kind: EffectKind,
        request: &EffectRequest,
        at: Timestamp,
        (state, reason, due_at): (EffectState, Option<&str>, Option<Timestamp>),
    ) -> EffectId {
        let id = EffectId::new(at);
        let effect = Effect {
            tenant_id: self.tenant.id.clone(),
            run_id: run.id.clone(),
            // A run has one effect for each step.
            step: id.to_string(),
            id,
            kind,
            connection_id: self.connection.id.clone(),
            request: Json::of(request).unwrap(),
            evidence: None,
            provider_id: None,
            output: None,
            state,
            reason: reason.map(str::to_owned),
            attempt: 1,
            attempt_limit: None,
            epoch: 0,
            due_at,
            lease_until: None,
            created_at: at,
            settled_at: state.is_settled().then_some(at + Duration::from_secs(2)),
            mark: None,
            unseen_since: None,
        };
        effect::insert(self.conn, &[&effect]).unwrap();
        effect.id
    }

    pub fn reply(&mut self, lead: &Lead, at: Timestamp, answers: EffectId) {
        let message = Message {
            tenant_id: self.tenant.id.clone(),
            id: MessageId::new(at),
            connection_id: self.connection.id.clone(),
            author: Author::Contact,
            contact_id: lead.contact_id.clone(),
            lead_id: Some(lead.id.to_string()),
            effect_id: None,
            provider_id: Some(format!("reply-to-{answers}")),
            thread_id: None,
            rfc_id: None,
            sender: "customer@example.com".into(),
            recipient: "office@acme.example.com".into(),
            subject: "Re: We have your request".into(),
            body: "Thanks! Any time after four works for me.".into(),
            sent_at: at,
            stored_at: at,
            class: None,
            run_id: None,
            delivery: None,
        };
        message::insert(self.conn, &message).unwrap();
    }

    pub fn visit(&mut self, title: &str, location: &str, contact_id: Option<ContactId>, at: Timestamp) {
        let visit = Appointment {
            tenant_id: self.tenant.id.clone(),
            id: AppointmentId::new(at),
            connection_id: self.connection.id.clone(),
            calendar: "primary".into(),
            entry_id: format!("{title} at {at}"),
            contact_id,
            title: title.to_owned(),
            location: location.to_owned(),
            state: AppointmentState::Booked,
            starts_at: at,
            ends_at: at + Duration::from_secs(5_400),
            all_day: false,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        appointment::insert(self.conn, &visit).unwrap();
    }

    pub fn task(&mut self, title: &str, due_at: Option<Timestamp>, at: Timestamp) {
        let row = Task {
            tenant_id: self.tenant.id.clone(),
            id: TaskId::new(at),
            title: title.to_owned(),
            detail: String::new(),
            state: TaskState::Open,
            contact_id: None,
            lead_id: None,
            run_id: None,
            due_at,
            created_at: at,
            done_at: None,
        };
        task::insert(self.conn, &row).unwrap();
    }

    pub fn job(&mut self, title: &str, stage: &str, scheduled_at: Option<Timestamp>, at: Timestamp) {
        let row = Job {
            tenant_id: self.tenant.id.clone(),
            id: JobId::new(at),
            title: title.to_owned(),
            state: if scheduled_at.is_some() { JobState::Scheduled } else { JobState::Open },
            stage: Some(stage.to_owned()),
            contact_id: None,
            lead_id: None,
            address: Some("1204 Elm Street".into()),
            timezone: None,
            amount_cents: Some(324_000),
            source_key: title.to_owned(),
            scheduled_at,
            completed_at: None,
            created_at: at,
            updated_at: at,
        };
        job::insert(self.conn, &row).unwrap();
    }
}

fn address(name: &str) -> EmailAddress {
    let local: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '.' }).collect();
    let local = local.split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    let local: String = local.chars().take(40).collect();
    format!("{}@example.com", local.trim_matches('.')).parse().unwrap()
}
