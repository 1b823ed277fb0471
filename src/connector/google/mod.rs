//! One Google Workspace mailbox: Gmail, Calendar and Sheets behind one credential.
//!
//! Generated API types stay inside this folder. Each service has its own way to be asked whether
//! an effect happened; see its file.

mod calendar;
mod diary;
mod fault;
mod gmail;
mod hub;
mod inbox;
mod plain;
mod sheets;
mod table;
mod token;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use token::service_account_email;

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::base::{Error, Result};
use crate::connector::poll::{CalendarChanges, FetchedMail, MailChanges, Poll, Reading, SheetReading};
use crate::connector::{Answer, Connector, Perform, Probe, Reconcile, Task};
use crate::model::connection::GoogleSettings;
use crate::model::cursor::SheetTarget;
use crate::model::diary::Entry;
use crate::model::effect::EffectRequest;
use crate::model::outcome::{Finding, Outcome};

/// Where Google's services are, and how long one call may take.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub gmail_url: String,
    pub calendar_url: String,
    pub sheets_url: String,
    pub drive_url: String,
    pub token_url: String,
    pub timeout: Duration,
}

/// Google's services and the HTTP client that every connection shares.
pub struct Workspace {
    endpoints: Endpoints,
    client: OnceLock<hub::Client>,
}

impl Workspace {
    pub fn new(endpoints: Endpoints) -> Workspace {
        Workspace { endpoints, client: OnceLock::new() }
    }

    fn client(&self) -> Result<hub::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = hub::client()?;
        Ok(self.client.get_or_init(|| client).clone())
    }
}

/// One mailbox, ready for use.
pub struct Google {
    gmail: gmail::Gmail,
    calendar: calendar::Calendar,
    sheets: sheets::Sheets,
    inbox: inbox::Inbox,
    tables: table::Tables,
}

impl Google {
    /// Prepares the services; nothing is called before it is needed.
    ///
    /// # Errors
    /// `Config` when the key is not that of a service account, or TLS cannot be set up.
    pub fn open(workspace: &Workspace, settings: GoogleSettings, key: &Secret) -> Result<Connector> {
        let endpoints = &workspace.endpoints;
        let tokens = token::Source::new(key, &settings.subject, &endpoints.token_url)?;
        let caller = hub::Caller { client: workspace.client()?, tokens, timeout: endpoints.timeout };
        let google = Arc::new(Google {
            gmail: gmail::Gmail::new(&caller, endpoints, settings.subject),
            calendar: calendar::Calendar::new(&caller, endpoints),
            sheets: sheets::Sheets::new(&caller, endpoints),
            inbox: inbox::Inbox::new(&caller, endpoints),
            tables: table::Tables::new(&caller, endpoints, false),
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
                EffectRequest::SendMail(mail) => self.gmail.send(task, mail).await,
                EffectRequest::CreateEvent(event) => self.calendar.create(task, event).await,
                EffectRequest::AppendRow(row) => self.sheets.append(task, row).await,
            };
            done.unwrap_or_else(|outcome| outcome)
        })
    }
}

impl Reconcile for Google {
    fn reconcile<'a>(&'a self, task: &'a Task) -> Answer<'a, Finding> {
        Box::pin(async move {
            let found = match &task.request {
                EffectRequest::SendMail(_) => self.gmail.find(task).await,
                EffectRequest::CreateEvent(event) => self.calendar.find(task, event).await,
                EffectRequest::AppendRow(row) => self.sheets.find(task, row).await,
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

impl Probe for Google {
    fn probe(&self) -> Answer<'_, Result<String>> {
        Box::pin(async move {
            match self.gmail.mailbox().await {
                Ok(address) => Ok(format!("mailbox {address} answers")),
                Err(fault) if fault.is_about_credential() => Err(Error::denied(fault.reason())
                    .hint("check the key, the delegation's scopes and the subject's address")),
                Err(fault) => Err(Error::unavailable(fault.reason())),
            }
        })
    }
}
