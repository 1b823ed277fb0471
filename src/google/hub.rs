//! How every call to Google is made: with a deadline, with its status noted, and once more with a
//! fresh token when Google says that the token is no longer good.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use google_apis_common as common;
use hyper_util::rt::TokioExecutor;

use crate::account::Carried;
use crate::fault::Fault;
use crate::quota::Meter;
use crate::token::Tokens;
use nexora_connector::https::{self, Connect, connect};
use nexora_core::base::Result;
use nexora_core::base::secret::Secret;

pub type Client = common::Client<Connect>;

/// What a call takes from Google's quota, by the bucket that it is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Quota units (Gmail API, "Usage limits").
    Gmail(u32),
    Calendar,
    SheetsRead,
    SheetsWrite,
    Drive,
}

/// What each method of Gmail takes (Gmail API, "Usage limits").
impl Cost {
    pub const GET_PROFILE: Cost = Cost::Gmail(1);
    pub const LIST_HISTORY: Cost = Cost::Gmail(2);
    pub const LIST_MAILS: Cost = Cost::Gmail(5);
    pub const GET_MAIL: Cost = Cost::Gmail(20);
    pub const GET_THREAD: Cost = Cost::Gmail(40);
    pub const MAKE_DRAFT: Cost = Cost::Gmail(10);
    pub const SEND_DRAFT: Cost = Cost::Gmail(100);
    pub const LIST_LABELS: Cost = Cost::Gmail(1);
    pub const MAKE_LABEL: Cost = Cost::Gmail(5);
    pub const LABEL_MAIL: Cost = Cost::Gmail(5);
}

/// What every call to one service needs.
#[derive(Clone)]
pub struct Caller {
    pub client: Client,
    pub tokens: Tokens,
    pub meter: Meter,
    pub timeout: Duration,
}

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

    fn seen(&self) -> Seen {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Makes an HTTP client, to be shared by all calls to Google.
///
/// # Errors
/// `Config` when the system's certificates cannot be read.
pub fn client() -> Result<Client> {
    Ok(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connect()?))
}

/// What service accounts ask for tokens by.
pub type TokenClient = hyper_util::client::legacy::Client<Connect, String>;

/// Makes an HTTP client for the tokens of all service accounts: with one of its own, each would
/// keep a connection open.
///
/// # Errors
/// `Config` when the system's certificates cannot be read.
pub fn token_client() -> Result<TokenClient> {
    Ok(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connect()?))
}

/// Encodes a path parameter: the generated clients put them into the address as they are.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

impl Caller {
    /// Makes a call, and makes it once more if the token turned out to have ended.
    pub async fn call<T, F, Sent>(&self, cost: Cost, send: F) -> Result<T, Fault>
    where
        F: Fn(Watch) -> Sent,
        Sent: Future<Output = common::Result<T>>,
    {
        tracing::trace!(?cost, "calling Google");
        self.meter.take(cost).await?;
        let token = self.tokens.token(None).await?;
        let answer = match self.once(&send, token.clone()).await {
            Err(fault) if fault.is_expired_token() => {
                self.once(&send, self.tokens.token(Some(&token)).await?).await
            }
            answer => answer,
        };
        if let Err(fault) = &answer
            && fault.is_about_rate()
        {
            self.meter.close(cost, fault.retry_after());
        }
        answer
    }

    async fn once<T, F, Sent>(&self, send: &F, token: Secret) -> Result<T, Fault>
    where
        F: Fn(Watch) -> Sent,
        Sent: Future<Output = common::Result<T>>,
    {
        let watch = Watch::default();
        let call = Carried::along(token, send(watch.clone()));
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let seen = watch.seen();
                Err(Fault::from_error(error, seen.status, seen.retry_after))
            }
            Err(_) => Err(Fault::Lost("no answer in time".to_owned())),
        }
    }
}
