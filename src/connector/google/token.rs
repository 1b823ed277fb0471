//! Access tokens for one mailbox: a service account acting in its name by domain-wide delegation.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use google_apis_common::GetToken;
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::client::CustomHyperClientBuilder;
use yup_oauth2::error::AuthErrorCode;
use yup_oauth2::{ServiceAccountAuthenticator, ServiceAccountKey};

use crate::base::secret::Secret;
use crate::base::{Error, Result};
use crate::connector::Answer;
use crate::connector::google::hub::{self, Connect};
use crate::model::address::EmailAddress;

/// The scopes that the effects need and no more: drafts and sending, proof of sending, entries,
/// sheets. Google's generated clients would ask for wider ones, so what they ask for is ignored.
const SCOPES: [&str; 4] = [
    "https://www.googleapis.com/auth/gmail.compose",
    "https://www.googleapis.com/auth/gmail.readonly",
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/spreadsheets",
];

/// Gives tokens; the library caches them and asks for a new one before they end.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    key: ServiceAccountKey,
    subject: String,
    authenticator: OnceCell<Authenticator<Connect>>,
    renew: AtomicBool,
}

impl Source {
    /// # Errors
    /// `Config` when the text is not a service account's key file.
    pub fn new(key: &Secret, subject: &EmailAddress, token_url: &str) -> Result<Source> {
        let mut key = parse_key(key)?;
        token_url.clone_into(&mut key.token_uri);
        Ok(Source(Arc::new(Inner {
            key,
            subject: subject.to_string(),
            authenticator: OnceCell::new(),
            renew: AtomicBool::new(false),
        })))
    }

    /// Makes the next call ask for a new token, whatever the cached one says about itself.
    pub fn renew(&self) {
        self.0.renew.store(true, Ordering::SeqCst);
    }

    async fn token(&self) -> Token {
        let inner = &self.0;
        let authenticator = inner
            .authenticator
            .get_or_try_init(|| async {
                let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
                let client = CustomHyperClientBuilder::from(client.build(hub::connect()?));
                ServiceAccountAuthenticator::with_client(inner.key.clone(), client)
                    .subject(inner.subject.clone())
                    .build()
                    .await
                    .map_err(Box::<dyn StdError + Send + Sync>::from)
            })
            .await?;
        let token = if inner.renew.swap(false, Ordering::SeqCst) {
            authenticator.force_refreshed_token(&SCOPES).await?
        } else {
            authenticator.token(&SCOPES).await?
        };
        Ok(token.token().map(str::to_owned))
    }
}

/// What Google's generated clients expect of a source of tokens.
type Token = Result<Option<String>, Box<dyn StdError + Send + Sync>>;

impl GetToken for Source {
    fn get_token<'a>(&'a self, _scopes: &'a [&str]) -> Answer<'a, Token> {
        Box::pin(self.token())
    }
}

fn parse_key(key: &Secret) -> Result<ServiceAccountKey> {
    serde_json::from_str(key.expose()).map_err(|error| {
        Error::config("the file is not a Google service account key")
            .source(error)
            .hint("download a JSON key of the service account from the Google Cloud console")
    })
}

/// Returns the address of the service account that a key file belongs to.
///
/// # Errors
/// `Config` when the text is not a key file.
pub fn service_account_email(key: &Secret) -> Result<String> {
    parse_key(key).map(|key| key.client_email)
}

/// Tells whether Google refused the credential itself, so that trying again cannot help.
pub fn is_refused(error: &(dyn StdError + 'static)) -> bool {
    match error.downcast_ref::<yup_oauth2::Error>() {
        Some(yup_oauth2::Error::AuthError(error)) => matches!(
            error.error,
            AuthErrorCode::InvalidClient
                | AuthErrorCode::InvalidGrant
                | AuthErrorCode::UnauthorizedClient
                | AuthErrorCode::AccessDenied
                | AuthErrorCode::InvalidScope
        ),
        // A key that cannot sign is refused before Google ever sees it.
        Some(yup_oauth2::Error::LowLevelError(error)) => error.kind() == std::io::ErrorKind::InvalidInput,
        _ => false,
    }
}
