//! One Google Workspace mailbox: Gmail, Calendar and Sheets behind one credential.
//!
//! Generated API types stay inside this folder. Each service has its own way to be asked whether
//! an effect happened; see its file.

mod calendar;
mod fault;
mod gmail;
mod hub;
mod sheets;
mod token;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use token::service_account_email;

use crate::base::secret::Secret;
use crate::base::{Error, Result};
use crate::connector::{Answer, Connector, Perform, Probe, Reconcile, Task};
use crate::model::connection::GoogleSettings;
use crate::model::effect::EffectRequest;
use crate::model::outcome::{Finding, Outcome};

/// Where Google's services are, and how long one call may take.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub gmail_url: String,
    pub calendar_url: String,
    pub sheets_url: String,
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
        });
        Ok(Connector {
            perform: Arc::clone(&google) as Arc<dyn Perform>,
            reconcile: Some(Arc::clone(&google) as Arc<dyn Reconcile>),
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
