//! Access tokens for a service account that acts in a mailbox's name (domain-wide delegation,
//! RFC 7523).

use google_apis_common as common;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::client::CustomHyperClientBuilder;
use yup_oauth2::error::AuthErrorCode;
use yup_oauth2::{ServiceAccountAuthenticator, ServiceAccountKey};

use crate::fault::Fault;
use crate::hub::TokenClient;
use crate::oauth::Grant;
use nexora_connector::Answer;
use nexora_connector::https::Connect;
use nexora_core::base::clock::Clock;
use nexora_core::base::error::chain;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;

pub struct Account {
    key: ServiceAccountKey,
    subject: String,
    timeout: std::time::Duration,
    client: TokenClient,
    authenticator: tokio::sync::OnceCell<Authenticator<Connect>>,
}

impl Account {
    /// # Errors
    /// `Config` when the text is not a service account's key file.
    pub fn new(
        key: &Secret,
        subject: &EmailAddress,
        token_url: &str,
        timeout: std::time::Duration,
        client: TokenClient,
    ) -> Result<Account> {
        let mut key = parse_key(key)?;
        token_url.clone_into(&mut key.token_uri);
        let authenticator = tokio::sync::OnceCell::new();
        Ok(Account { key, subject: subject.to_string(), timeout, client, authenticator })
    }

    /// Asks for a new token with these scopes. The library's own cache is passed by: ours knows
    /// which token was refused.
    pub async fn ask(&self, scopes: &[&'static str]) -> Result<Grant, Fault> {
        let answer = tokio::time::timeout(self.timeout, async {
            let authenticator = self.authenticator.get_or_try_init(|| self.authenticator()).await?;
            authenticator.force_refreshed_token(scopes).await.map_err(|error| refused(&error))
        });
        let token = answer
            .await
            .map_err(|_| Fault::NotSent("the token endpoint gave no answer in time".to_owned()))??;
        let text = token.token().ok_or_else(|| Fault::NotSent("the answer held no token".to_owned()))?;
        let ends_at = token.expiration_time().map(|at| at.unix_timestamp().saturating_mul(1_000));
        let life = ends_at.map_or(3_600_000, |at| at.saturating_sub(Clock::System.now().millis()));
        Ok(Grant {
            access_token: Secret::new(text),
            life: std::time::Duration::from_millis(u64::try_from(life).unwrap_or_default()),
            refresh_token: None,
            consent_life: None,
            scopes: Vec::new(),
            id_token: None,
        })
    }

    async fn authenticator(&self) -> Result<Authenticator<Connect>, Fault> {
        let client = CustomHyperClientBuilder::from(self.client.clone());
        ServiceAccountAuthenticator::with_client(self.key.clone(), client)
            .subject(self.subject.clone())
            .build()
            .await
            // A key that cannot sign is refused before Google ever sees it.
            .map_err(|error| Fault::Credential(format!("the key cannot be used: {}", chain(&error))))
    }
}

/// Tells a refusal of the credential, which trying again cannot help, from a bad moment.
fn refused(error: &yup_oauth2::Error) -> Fault {
    let reason = format!("no access token: {}", chain(error));
    let is_refused = match error {
        yup_oauth2::Error::AuthError(error) => matches!(
            error.error,
            AuthErrorCode::InvalidClient
                | AuthErrorCode::InvalidGrant
                | AuthErrorCode::UnauthorizedClient
                | AuthErrorCode::AccessDenied
                | AuthErrorCode::InvalidScope
        ),
        yup_oauth2::Error::LowLevelError(error) => error.kind() == std::io::ErrorKind::InvalidInput,
        _ => false,
    };
    if is_refused { Fault::Credential(reason) } else { Fault::NotSent(reason) }
}

fn parse_key(key: &Secret) -> Result<ServiceAccountKey> {
    serde_json::from_str(key.expose()).map_err(|_| {
        Error::config("the file is not a Google service account key")
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

/// What Google's generated clients expect of a source of tokens.
pub type Asked = Result<Option<String>, Box<dyn std::error::Error + Send + Sync>>;

/// Carries the access token of the call under way to Google's generated clients, which ask for one
/// in mid-call. Which token a call used is then known when Google refuses it.
#[derive(Clone, Copy)]
pub struct Carried;

tokio::task_local! {
    static TOKEN: Secret;
}

impl Carried {
    pub async fn along<F: Future>(token: Secret, call: F) -> F::Output {
        TOKEN.scope(token, call).await
    }
}

impl common::GetToken for Carried {
    fn get_token<'a>(&'a self, _scopes: &'a [&str]) -> Answer<'a, Asked> {
        let token = TOKEN.try_with(|token| token.expose().to_owned());
        Box::pin(async move { token.map(Some).map_err(Into::into) })
    }
}
