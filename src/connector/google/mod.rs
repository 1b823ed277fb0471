//! One Google Workspace mailbox: Gmail, Calendar and Sheets behind one credential.
//!
//! Generated API types stay inside this folder. Each service has its own way to be asked whether
//! an effect happened; see its file.

mod account;
mod calendar;
pub mod consent;
mod fault;
mod gmail;
mod hub;
pub mod oauth;
mod probe;
mod quota;
pub mod scope;
mod sheets;
mod token;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use account::service_account_email;

use crate::base::Result;
use crate::base::clock::Clock;
use crate::base::secret::Secret;
use crate::connector::google::scope::Service;
use crate::connector::{Answer, Connector, Perform, Reconcile, Task};
use crate::model::connection::{GoogleMeans, GoogleSettings};
use crate::model::effect::EffectRequest;
use crate::model::outcome::{Finding, Outcome};
use crate::model::quota::GoogleQuota;

/// Where Google's services are, and how long one call may take.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub gmail_url: String,
    pub calendar_url: String,
    pub sheets_url: String,
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
    quotas: Arc<quota::Quotas>,
}

impl Workspace {
    pub fn new(endpoints: Endpoints, clock: Clock) -> Workspace {
        let quotas = Arc::new(quota::Quotas::new(endpoints.quota, clock));
        Workspace { endpoints, client: OnceLock::new(), quotas }
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
}

/// One mailbox, ready for use.
pub struct Google {
    gmail: gmail::Gmail,
    calendar: calendar::Calendar,
    sheets: sheets::Sheets,
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
            GoogleMeans::ServiceAccount { .. } => token::Grantor::Account(account::Account::new(
                credential,
                &settings.subject,
                &endpoints.token_url,
                endpoints.timeout,
            )?),
            GoogleMeans::User { .. } => {
                let credential = oauth::UserCredential::parse(credential)?;
                token::Grantor::User(Box::new(token::User::new(workspace.oauth()?, credential)))
            }
        };
        let (project, user) = (account::project_of(credential), settings.subject.key());
        let meter = quota::Meter::new(&workspace.quotas, project, user);
        let source = Arc::new(token::Source::new(grantor, settings.abilities));
        let client = workspace.client()?;
        let caller = |service| hub::Caller {
            client: client.clone(),
            tokens: token::Tokens { source: Arc::clone(&source), service },
            meter: meter.clone(),
            timeout: endpoints.timeout,
        };
        let google = Arc::new(Google {
            gmail: gmail::Gmail::new(&caller(Service::Gmail), endpoints, settings.subject),
            calendar: calendar::Calendar::new(&caller(Service::Calendar), endpoints),
            sheets: sheets::Sheets::new(&caller(Service::Sheets), endpoints),
            source,
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
