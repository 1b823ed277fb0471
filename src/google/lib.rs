//! One Google Workspace mailbox: Gmail, Calendar and Sheets behind one credential.
//!
//! Generated API types stay inside this folder. Each service has its own way to be asked whether
//! an effect happened; see its file.

mod account;
mod calendar;
pub mod consent;
mod diary;
mod fault;
mod gmail;
mod hub;
mod inbox;
mod label;
pub mod oauth;
mod plain;
mod probe;
mod quota;
mod range;
mod row;
pub mod scope;
mod sheets;
mod table;
mod token;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use account::service_account_email;

use crate::scope::Service;
use nexora_connector::poll::{CalendarChanges, FetchedMail, MailChanges, Poll, Reading, SheetReading};
use nexora_connector::{Answer, Connector, Perform, Reconcile, Task};
use nexora_core::base::Result;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::Secret;
use nexora_core::model::connection::{Ability, GoogleMeans, GoogleSettings};
use nexora_core::model::cursor::SheetTarget;
use nexora_core::model::diary::Entry;
use nexora_core::model::outbound::Content;
use nexora_core::model::outcome::{Finding, Outcome};
use nexora_core::model::quota::GoogleQuota;
use nexora_core::model::request::EffectRequest;

/// Where Google's services are, and how long one call may take.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub gmail_url: String,
    pub calendar_url: String,
    pub sheets_url: String,
    pub drive_url: String,
    pub token_url: String,
    pub auth_url: String,
    pub revoke_url: String,
    pub timeout: Duration,
    pub quota: GoogleQuota,
}

/// Google's services and the HTTP client that every connection shares.
pub struct Workspace {
    endpoints: Endpoints,
    client: OnceLock<hub::Client>,
    token_client: OnceLock<hub::TokenClient>,
    quotas: Arc<quota::Quotas>,
}

impl Workspace {
    pub fn new(endpoints: Endpoints, clock: Clock) -> Workspace {
        let quotas = Arc::new(quota::Quotas::new(endpoints.quota, clock));
        Workspace { endpoints, client: OnceLock::new(), token_client: OnceLock::new(), quotas }
    }

    /// Returns where tokens are had.
    fn oauth(&self) -> Result<oauth::Endpoint> {
        Ok(oauth::Endpoint {
            client: self.client()?,
            token_url: self.endpoints.token_url.clone(),
            revoke_url: self.endpoints.revoke_url.clone(),
            timeout: self.endpoints.timeout,
        })
    }

    fn client(&self) -> Result<hub::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = hub::client()?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    fn token_client(&self) -> Result<hub::TokenClient> {
        if let Some(client) = self.token_client.get() {
            return Ok(client.clone());
        }
        let client = hub::token_client()?;
        Ok(self.token_client.get_or_init(|| client).clone())
    }
}

/// One mailbox, ready for use.
pub struct Google {
    gmail: gmail::Gmail,
    calendar: calendar::Calendar,
    sheets: sheets::Sheets,
    inbox: inbox::Inbox,
    labels: label::Labels,
    tables: table::Tables,
    source: Arc<token::Source>,
}

impl Google {
    /// Prepares the services; nothing is called before it is needed.
    ///
    /// # Errors
    /// `Config` when the credential has not the form that the settings say, or TLS cannot be set up.
    pub fn open(workspace: &Workspace, settings: GoogleSettings, credential: &Secret) -> Result<Connector> {
        let endpoints = &workspace.endpoints;
        let grantor = match &settings.means {
            GoogleMeans::ServiceAccount { .. } => token::Grantor::Account(Box::new(account::Account::new(
                credential,
                &settings.subject,
                &endpoints.token_url,
                endpoints.timeout,
                workspace.token_client()?,
            )?)),
            GoogleMeans::User { .. } => {
                let credential = oauth::UserCredential::parse(credential)?;
                token::Grantor::User(Box::new(token::User::new(workspace.oauth()?, credential)))
            }
        };
        let (project, user) = (settings.means.project().to_owned(), settings.subject.key());
        let meter = quota::Meter::new(&workspace.quotas, project, user);
        let may_ask_drive = settings.abilities.contains(&Ability::SheetsWatch);
        let source = Arc::new(token::Source::new(grantor, settings.abilities));
        let client = workspace.client()?;
        let caller = |service| hub::Caller {
            client: client.clone(),
            tokens: token::Tokens { source: Arc::clone(&source), service },
            meter: meter.clone(),
            timeout: endpoints.timeout,
        };
        let drive = may_ask_drive.then(|| caller(Service::Drive));
        let google = Arc::new(Google {
            gmail: gmail::Gmail::new(&caller(Service::Gmail), endpoints, settings.subject),
            calendar: calendar::Calendar::new(&caller(Service::Calendar), endpoints),
            sheets: sheets::Sheets::new(&caller(Service::Sheets), endpoints),
            inbox: inbox::Inbox::new(&caller(Service::Gmail), endpoints),
            labels: label::Labels::new(&caller(Service::Gmail), endpoints),
            tables: table::Tables::new(&caller(Service::Sheets), drive, endpoints),
            source,
        });
        Ok(Connector {
            perform: Arc::clone(&google) as Arc<dyn Perform>,
            reconcile: Some(Arc::clone(&google) as Arc<dyn Reconcile>),
            poll: Some(Arc::clone(&google) as Arc<dyn Poll>),
            probe: google,
        })
    }
}

impl Perform for Google {
    fn perform<'a>(&'a self, task: &'a Task) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let done = match &task.request {
                EffectRequest::Send(message) => match &message.content {
                    Content::Mail(mail) => self.gmail.send(task, mail).await,
                },
                EffectRequest::DraftMail(mail) => self.gmail.draft(task, mail).await,
                EffectRequest::LabelMail(label) => self.labels.apply(label).await,
                EffectRequest::CreateEvent(event) => self.calendar.create(task, event).await,
                EffectRequest::UpdateEvent(event) => self.calendar.update(task, event).await,
                EffectRequest::CancelEvent(event) => self.calendar.cancel(event).await,
                EffectRequest::FindSlot(slot) => self.calendar.find_slot(slot).await,
                EffectRequest::AppendRow(row) => self.sheets.append(task, row).await,
                EffectRequest::UpdateRow(row) => self.sheets.update_row(task, row).await,
                EffectRequest::PostWebhook(_) => {
                    Err(Outcome::Refused { reason: "Google takes no webhooks".to_owned() })
                }
            };
            done.unwrap_or_else(|outcome| outcome)
        })
    }
}

impl Reconcile for Google {
    fn reconcile<'a>(&'a self, task: &'a Task) -> Answer<'a, Finding> {
        Box::pin(async move {
            let found = match &task.request {
                EffectRequest::Send(message) => match &message.content {
                    Content::Mail(_) => self.gmail.find(task).await,
                },
                EffectRequest::DraftMail(_) => self.gmail.find_draft(task).await,
                EffectRequest::LabelMail(label) => self.labels.find(label).await,
                EffectRequest::CreateEvent(event) => self.calendar.find(task, event).await,
                EffectRequest::UpdateEvent(event) => self.calendar.find_update(task, event).await,
                EffectRequest::CancelEvent(event) => self.calendar.find_cancel(event).await,
                // Asking changes nothing.
                EffectRequest::FindSlot(_) | EffectRequest::PostWebhook(_) => Ok(Finding::NotDelivered),
                EffectRequest::AppendRow(row) => self.sheets.find(task, row).await,
                EffectRequest::UpdateRow(row) => self.sheets.find_update(task, row).await,
            };
            found.unwrap_or_else(fault::Fault::of_question)
        })
    }
}

impl Poll for Google {
    fn mailbox_now(&self) -> Reading<'_, String> {
        Box::pin(async { self.inbox.now().await.map_err(|fault| fault.of_poll(None)) })
    }

    fn mail_since(&self, since: Timestamp, limit: usize) -> Reading<'_, Vec<String>> {
        Box::pin(async move { self.inbox.since(since, limit).await.map_err(|fault| fault.of_poll(None)) })
    }

    fn mail_changes<'a>(&'a self, history_id: &'a str) -> Reading<'a, MailChanges> {
        Box::pin(async { self.inbox.changes(history_id).await.map_err(|fault| fault.of_poll(Some(404))) })
    }

    fn mail<'a>(&'a self, id: &'a str) -> Reading<'a, Option<FetchedMail>> {
        Box::pin(async { self.inbox.fetch(id).await.map_err(|fault| fault.of_poll(None)) })
    }

    fn calendar_changes<'a>(
        &'a self,
        calendar: &'a str,
        sync_token: Option<&'a str>,
    ) -> Reading<'a, CalendarChanges> {
        Box::pin(async move {
            self.calendar.changes(calendar, sync_token).await.map_err(|fault| fault.of_poll(Some(410)))
        })
    }

    fn instances<'a>(
        &'a self,
        calendar: &'a str,
        series: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> Reading<'a, Vec<Entry>> {
        Box::pin(async move {
            self.calendar.instances(calendar, series, from, until).await.map_err(|fault| fault.of_poll(None))
        })
    }

    fn sheet<'a>(&'a self, target: &'a SheetTarget, seen: Option<&'a str>) -> Reading<'a, SheetReading> {
        Box::pin(async move { self.tables.read(target, seen).await.map_err(|fault| fault.of_poll(None)) })
    }
}
