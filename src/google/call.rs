//! How every call to Google is made: within the quota, with a deadline, with its status noted, and once
//! more with a fresh token when Google says that the token is no longer good.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use google_apis_common as common;

use crate::fault::{Fault, SENDING_LIMIT};
use crate::http::Client;
use crate::quota::{Cost, Meter};
use crate::refusal::Meaning;
use crate::token::ServiceTokens;
use nexora_connector::https;
use nexora_core::base::secret::Secret;

/// What every call to one service needs.
#[derive(Clone)]
pub struct Caller {
    pub client: Client,
    pub tokens: ServiceTokens,
    pub meter: Meter,
    pub timeout: Duration,
}

/// One attempt at a call.
pub struct Attempt {
    pub token: Secret,
    pub watch: Watch,
}

/// Sends the request of one attempt. It is boxed so that the code of a call, which the generated clients
/// make anew for each method, stands in one place, and [`Caller::call`] holds none of it.
pub type Send<'a, T> = dyn Fn(Attempt) -> BoxFuture<'a, common::Result<T>> + std::marker::Send + Sync + 'a;

/// Notes the status and Retry-After that the generated clients drop from their errors.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Seen>>);

#[derive(Clone, Copy, Default)]
struct Seen {
    status: Option<u16>,
    retry_after: Option<Duration>,
}

impl Watch {
    /// Notes what the head of a refusal says.
    pub fn note(&self, status: hyper::StatusCode, headers: &hyper::HeaderMap) {
        let retry_after = https::retry_after(headers);
        let status = Some(status.as_u16());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Seen { status, retry_after };
    }

    fn fault(&self, error: common::Error) -> Fault {
        let Seen { status, retry_after } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Fault::from_error(error, status, retry_after)
    }
}

impl common::Delegate for Watch {
    fn http_failure(
        &mut self,
        response: &common::Response,
        _error: Option<&serde_json::Value>,
    ) -> common::Retry {
        self.note(response.status(), response.headers());
        common::Retry::Abort
    }
}

impl Caller {
    /// Makes a call, and makes it once more if the token turned out to have ended.
    pub async fn call<T>(&self, cost: Cost, send: &Send<'_, T>) -> Result<T, Fault> {
        let token = self.admitted(cost).await?;
        let answer = match self.once(token.clone(), send).await {
            Err(fault) if fault.is_expired_token() => {
                self.once(self.tokens.token(Some(&token)).await?, send).await
            }
            answer => answer,
        };
        answer.map_err(|fault| self.noted(cost, fault))
    }

    async fn once<T>(&self, token: Secret, send: &Send<'_, T>) -> Result<T, Fault> {
        let watch = Watch::default();
        let attempt = Attempt { token, watch: watch.clone() };
        match tokio::time::timeout(self.timeout, send(attempt)).await {
            Ok(answer) => answer.map_err(|error| watch.fault(error)),
            Err(_) => Err(Fault::Lost("no answer in time".to_owned())),
        }
    }

    /// Takes from the quota what a call costs; returns the token that it is made with.
    async fn admitted(&self, cost: Cost) -> Result<Secret, Fault> {
        tracing::trace!(?cost, "calling Google");
        self.meter.take(cost).await?;
        self.tokens.token(None).await
    }

    /// Stops further calls of this kind for a while, where Google said that these were too many; when a
    /// mailbox may send no more mails, sending alone.
    fn noted(&self, cost: Cost, fault: Fault) -> Fault {
        let fault = fault.dated(self.meter.now());
        let is_sending = match fault.meaning() {
            Some(Meaning::SendingLimit) => true,
            // What is said of sending, of the day or of a moment far off, is the limit of sending.
            Some(Meaning::Rate) => cost.is_sending() && fault.is_long(),
            Some(Meaning::Access(_)) | None => return fault,
        };
        if is_sending {
            let after = Some(self.meter.close_sending(fault.retry_after()));
            let said = fault.reason();
            let reason = match said.starts_with(SENDING_LIMIT) {
                true => said,
                false => format!("{SENDING_LIMIT}: {said}"),
            };
            return Fault::Throttled { reason, after };
        }
        match cost.is_sending() {
            true => self.meter.pause_sending(fault.retry_after()),
            false => self.meter.close(cost, fault.retry_after()),
        }
        fault
    }
}
