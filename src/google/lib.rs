//! One Google Workspace mailbox: Gmail, Calendar and Sheets behind one credential.
//!
//! Generated API types stay inside this folder. Each service has its own way to be asked whether
//! an effect happened; see its file.

mod api;
pub mod authorization;
#[cfg(test)]
mod bench;
mod calendar;
mod calendar_changes;
mod call;
mod fault;
mod gmail;
mod http;
mod http_client;
mod inbox;
pub mod kind;
mod label;
pub mod oauth;
mod probe;
mod quota;
mod range;
mod refusal;
mod row;
pub mod scope;
pub mod service_account;
mod sheets;
mod table;
mod token;
#[cfg(test)]
mod unseen_tests;
pub mod workspace;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::api::calendar::CalendarApi;
use crate::api::drive::DriveApi;
use crate::api::gmail::GmailApi;
use crate::api::sheets::SheetsApi;
use crate::call::Caller;
use crate::oauth::UserCredential;
use crate::quota::Meter;
use crate::scope::Service;
use crate::service_account::ServiceAccount;
use crate::token::{Grantor, ServiceTokens, TokenProvider, User};
use crate::workspace::Workspace;
use nexora_connector::poll::{
    CalendarChanges, FetchedMail, MailChanges, ReadCalendar, ReadMail, ReadSheet, Reading, SheetReading,
};
use nexora_connector::port::{Connector, Delivery, Perform, Reconcile};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::model::calendar_entry::Entry;
use nexora_core::model::connection::Ability;
use nexora_core::model::cursor::SheetTarget;
use nexora_core::model::google::{GoogleAuth, GoogleSettings};
use nexora_core::model::outbound::Content;
use nexora_core::model::outcome::{Outcome, PollError, ReconcileResult};
use nexora_core::model::request::EffectRequest;

/// One mailbox, ready for use.
pub struct Google {
    gmail: gmail::Gmail,
    calendar: calendar::Calendar,
    sheets: sheets::Sheets,
    inbox: inbox::Inbox,
    labels: label::Labels,
    tables: table::Tables,
    tokens: Arc<TokenProvider>,
}

impl Google {
    /// Prepares the services; nothing is called before it is needed.
    ///
    /// # Errors
    /// `Config` when the credential has not the form that the settings say, or TLS cannot be set up.
    pub fn open(workspace: &Workspace, settings: GoogleSettings, credential: &Secret) -> Result<Connector> {
        let endpoints = &workspace.endpoints;
        let grantor = grantor(workspace, &settings, credential)?;
        let (project, user) = (settings.auth.project().to_owned(), settings.subject.key());
        let meter = Meter::new(&workspace.quotas, project, user);
        let may_ask_drive = settings.abilities.contains(&Ability::SheetsWatch);
        let tokens = Arc::new(TokenProvider::new(grantor, settings.abilities));
        let client = workspace.client()?;
        let caller = |service| Caller {
            client: client.clone(),
            tokens: ServiceTokens { provider: Arc::clone(&tokens), service },
            meter: meter.clone(),
            timeout: endpoints.timeout,
        };
        let gmail = GmailApi::new(caller(Service::Gmail), endpoints);
        let sheets = SheetsApi::new(caller(Service::Sheets), endpoints);
        let drive = may_ask_drive.then(|| DriveApi::new(caller(Service::Drive), endpoints));
        let google = Arc::new(Google {
            gmail: gmail::Gmail::new(gmail.clone(), settings.subject),
            inbox: inbox::Inbox::new(gmail.clone()),
            labels: label::Labels::new(gmail),
            calendar: calendar::Calendar::new(CalendarApi::new(caller(Service::Calendar), endpoints)),
            tables: table::Tables::new(sheets.clone(), drive),
            sheets: sheets::Sheets::new(sheets),
            tokens,
        });
        Ok(Connector {
            reconcile: Some(Arc::clone(&google) as Arc<dyn Reconcile>),
            mail: Some(Arc::clone(&google) as Arc<dyn ReadMail>),
            calendar: Some(Arc::clone(&google) as Arc<dyn ReadCalendar>),
            sheet: Some(Arc::clone(&google) as Arc<dyn ReadSheet>),
            ..Connector::new(&google)
        })
    }
}

fn grantor(workspace: &Workspace, settings: &GoogleSettings, credential: &Secret) -> Result<Grantor> {
    Ok(match &settings.auth {
        GoogleAuth::ServiceAccount { .. } => {
            let Workspace { endpoints, .. } = workspace;
            let (client, timeout) = (workspace.token_client()?, endpoints.timeout);
            let subject = &settings.subject;
            let account = ServiceAccount::new(credential, subject, &endpoints.token_url, timeout, client)?;
            Grantor::ServiceAccount(Box::new(account))
        }
        GoogleAuth::User { .. } => {
            let credential = UserCredential::parse(credential)?;
            Grantor::User(Box::new(User::new(workspace.oauth()?, credential)))
        }
    })
}

impl Perform for Google {
    fn perform<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let done = match &delivery.request {
                EffectRequest::Send(message) => match &message.content {
                    Content::Mail(mail) => self.gmail.send(delivery, mail).await,
                },
                EffectRequest::DraftMail(mail) => self.gmail.draft(delivery, mail).await,
                EffectRequest::LabelMail(label) => self.labels.apply(label).await,
                EffectRequest::CreateEvent(event) => self.calendar.create(delivery, event).await,
                EffectRequest::UpdateEvent(event) => self.calendar.update(delivery, event).await,
                EffectRequest::CancelEvent(event) => self.calendar.cancel(event).await,
                EffectRequest::FindSlot(slot) => self.calendar.find_slot(slot).await,
                EffectRequest::AppendRow(row) => self.sheets.append(delivery, row).await,
                EffectRequest::UpdateRow(row) => self.sheets.update_row(delivery, row).await,
                EffectRequest::PostWebhook(_) => {
                    Err(Outcome::Refused { reason: "Google takes no webhooks".to_owned() })
                }
            };
            done.unwrap_or_else(|outcome| outcome)
        })
    }
}

impl Reconcile for Google {
    fn reconcile<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, ReconcileResult> {
        Box::pin(async move {
            let found = match &delivery.request {
                EffectRequest::Send(message) => match &message.content {
                    Content::Mail(_) => self.gmail.find(delivery).await,
                },
                EffectRequest::DraftMail(_) => self.gmail.find_draft(delivery).await,
                EffectRequest::LabelMail(label) => self.labels.find(label).await,
                EffectRequest::CreateEvent(event) => self.calendar.find(delivery, event).await,
                EffectRequest::UpdateEvent(event) => self.calendar.find_update(delivery, event).await,
                EffectRequest::CancelEvent(event) => self.calendar.find_cancel(event).await,
                // Asking changes nothing.
                EffectRequest::FindSlot(_) | EffectRequest::PostWebhook(_) => {
                    Ok(ReconcileResult::NotDelivered)
                }
                EffectRequest::AppendRow(row) => self.sheets.find(delivery, row).await,
                EffectRequest::UpdateRow(row) => self.sheets.find_update(delivery, row).await,
            };
            found.unwrap_or_else(fault::Fault::of_question)
        })
    }
}

impl ReadMail for Google {
    fn mailbox_now(&self) -> Reading<'_, String> {
        Box::pin(async { self.inbox.now().await.map_err(|fault| fault.of_poll(None)) })
    }

    fn mail_since(&self, since: Timestamp, limit: usize) -> Reading<'_, Vec<String>> {
        Box::pin(async move { self.inbox.since(since, limit).await.map_err(|fault| fault.of_poll(None)) })
    }

    fn mail_changes<'a>(&'a self, history_id: &'a str) -> Reading<'a, MailChanges> {
        Box::pin(async { self.inbox.changes(history_id).await.map_err(|fault| fault.of_poll(Some(404))) })
    }

    fn send_as(&self) -> Reading<'_, Vec<String>> {
        Box::pin(async { self.inbox.send_as().await.map_err(|fault| fault.of_poll(None)) })
    }

    fn mail<'a>(&'a self, id: &'a str) -> Reading<'a, Option<FetchedMail>> {
        Box::pin(async { self.inbox.fetch(id).await.map_err(|fault| fault.of_poll(None)) })
    }
}

impl ReadCalendar for Google {
    fn calendar_changes<'a>(
        &'a self,
        calendar: &'a str,
        sync_token: Option<&'a str>,
    ) -> Reading<'a, CalendarChanges> {
        Box::pin(async move {
            self.calendar.changes(calendar, sync_token).await.map_err(|fault| match sync_token {
                Some(_) if fault.is_about_sync_token() => PollError::Expired,
                _ => fault.of_poll(Some(410)),
            })
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
}

impl ReadSheet for Google {
    fn sheet<'a>(&'a self, target: &'a SheetTarget, seen: Option<&'a str>) -> Reading<'a, SheetReading> {
        Box::pin(async move { self.tables.read(target, seen).await.map_err(|fault| fault.of_poll(None)) })
    }
}
