//! A connection to a sandbox on a clock set by hand, for the tests of this member.

use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::workspace::Workspace;
use crate::{Google, http};
use nexora_connector::port::{Connector, Delivery};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::Secret;
use nexora_core::model::EffectId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::Ability;
use nexora_core::model::google::{GoogleAuth, GoogleEndpoints, GoogleSettings};
use nexora_core::model::outbound::{Audience, Content, MailContent, OutboundMessage, Thread};
use nexora_core::model::outcome::{Outcome, ReconcileResult};
use nexora_core::model::quota::{GoogleQuota, PerMinute};
use nexora_core::model::request::EffectRequest;
use nexora_sandbox::{Sandbox, Settings};

pub const OFFICE: &str = "office@acme.example.com";

pub struct Bench {
    pub sandbox: Sandbox,
    pub clock: Clock,
    pub connector: Connector,
}

impl Bench {
    pub async fn start() -> Bench {
        let clock = Clock::hand_set(Timestamp::from_millis(1_790_000_000_000));
        let loopback = "127.0.0.1:0".parse().unwrap();
        let settings = Settings { listen: loopback, smtp_listen: loopback, clock: clock.clone() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let key = Secret::new(sandbox.service_account_json());
        let service_account = crate::service_account::service_account_email(&key).unwrap();
        let workspace = Workspace::new(endpoints(&sandbox.url()), clock.clone());
        let settings = GoogleSettings {
            subject: EmailAddress::parse(OFFICE).unwrap(),
            auth: GoogleAuth::ServiceAccount { service_account },
            abilities: Ability::usual(),
            lead_mail: None,
        };
        let connector = Google::open(&workspace, settings, &key).unwrap();
        Bench { sandbox, clock, connector }
    }

    /// Speaks to the side of the sandbox that tests steer by.
    pub async fn steer(&self, path: &str, body: &Value) {
        let url = format!("{}/_sandbox/{path}", self.sandbox.url());
        let body = google_apis_common::to_body(Some(body.to_string()));
        let request = hyper::Request::post(url).body(body).unwrap();
        let answer = http::client().unwrap().request(request).await.unwrap();
        let status = answer.status();
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{}", String::from_utf8_lossy(&text));
    }

    pub async fn fault(&self, fault: Value) {
        self.steer("faults", &json!({ "faults": [fault] })).await;
    }

    /// Makes an attempt, part after part, as the program does.
    pub async fn perform(&self, delivery: &mut Delivery) -> Outcome {
        for _ in 0..8 {
            match self.connector.perform.perform(delivery).await {
                Outcome::InProgress { evidence } => delivery.evidence = Some(evidence),
                outcome => return outcome,
            }
        }
        panic!("the attempt came to no end")
    }

    pub async fn ask(&self, delivery: &Delivery) -> ReconcileResult {
        self.connector.reconcile.as_ref().unwrap().reconcile(delivery).await
    }

    pub fn delivery(&self, request: EffectRequest) -> Delivery {
        let at = self.clock.now();
        let effect_id = EffectId::new(at);
        let mark = effect_id.to_string();
        let (created_at, attempted_at) = (at, at);
        Delivery { effect_id, mark, request, evidence: None, created_at, attempted_at, unseen_since: None }
    }

    pub fn mailbox(&self) -> Value {
        self.sandbox.state()["mailboxes"][OFFICE].clone()
    }

    pub fn mails(&self) -> Vec<Value> {
        self.mailbox()["messages"].as_array().cloned().unwrap_or_default()
    }

    pub fn drafts(&self) -> usize {
        self.mailbox()["drafts"].as_array().map_or(0, Vec::len)
    }
}

fn endpoints(base: &str) -> GoogleEndpoints {
    let limit = PerMinute { project: 1_000_000, user: 1_000_000 };
    GoogleEndpoints {
        gmail_url: format!("{base}/"),
        calendar_url: format!("{base}/calendar/v3/"),
        sheets_url: format!("{base}/"),
        drive_url: format!("{base}/drive/v3/"),
        token_url: format!("{base}/token"),
        auth_url: format!("{base}/o/oauth2/v2/auth"),
        revoke_url: format!("{base}/revoke"),
        timeout: Duration::from_secs(20),
        quota: GoogleQuota {
            gmail: limit,
            calendar: limit,
            sheets_reads: limit,
            sheets_writes: limit,
            drive: limit,
        },
    }
}

pub fn mail(text: &str) -> MailContent {
    MailContent {
        to: EmailAddress::parse("jo@example.com").unwrap(),
        from_name: "Acme".into(),
        reply_to: None,
        subject: "Your enquiry".into(),
        text: text.into(),
        html: None,
        thread: None,
        attachments: Vec::new(),
        unsubscribe_url: None,
    }
}

pub fn sent(mail: MailContent) -> EffectRequest {
    EffectRequest::Send(OutboundMessage { content: Content::Mail(mail), audience: Audience::Business })
}

/// Returns the conversation that a sent mail began.
pub fn thread_of(mail: &Value) -> Thread {
    let headers = mail["headers"].as_array().unwrap();
    let id = headers.iter().find(|header| header["name"] == "Message-ID").unwrap();
    let id = id["value"].as_str().unwrap().trim_matches(['<', '>']).to_owned();
    Thread { id: Some(mail["threadId"].as_str().unwrap().to_owned()), references: vec![id] }
}
